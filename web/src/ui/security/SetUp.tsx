// The page of who must have a second factor and has none: nothing else opens before.

import "../../style/security.css";

import { t } from "../../i18n";
import "../../i18n/more";
import { usePage } from "../context";
import { SecondFactor } from "./SecondFactor";

export function SetUp() {
  const { app } = usePage();
  return (
    <main class="settings">
      <header class="view-head"><h1>{t("sec_setup_title")}</h1></header>
      <div class="settings-body">
        <p class="note">{t("sec_setup_text")}</p>
        <SecondFactor done={() => void app.begin()} />
        <button type="button" class="button" onClick={() => void app.signOut().catch(() => undefined)}>{t("sign_out")}</button>
      </div>
    </main>
  );
}
