// What protects the user's account. Loaded when it is opened.

import "../../style/security.css";

import { useSignal } from "@preact/signals";

import { t } from "../../i18n";
import "../../i18n/more";
import { hrefOf, SECURITY } from "../../model/route";
import { OidcTrouble } from "../Oidc";
import { Icon } from "../parts/Icon";
import { Devices } from "./Devices";
import { LogIns } from "./LogIns";
import { Password } from "./Password";
import { SecondFactor } from "./SecondFactor";
import { Tokens } from "./Tokens";

export function Security() {
  const passwords = useSignal(0);
  return (
    <div class="settings">
      <header class="view-head">
        <a class="icon-button" href={hrefOf("settings")} aria-label={t("back")}><Icon name="back" turn /></a>
        <h1>{t("sec_title")}</h1>
      </header>
      <div class="settings-body">
        <OidcTrouble then={hrefOf("settings", SECURITY)} />
        <Password changed={() => passwords.value++} />
        <SecondFactor />
        <Devices />
        <Tokens />
        <LogIns key={passwords.value} />
      </div>
    </div>
  );
}
