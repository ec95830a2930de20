// What a user can choose for this browser.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { t, type Key } from "../i18n";
import "../i18n/more";
import { timeOf, type Language, type Prefs, type Theme } from "../model/prefs";
import { look, switchOff, switchOn, told, type Trouble } from "../model/pushes";
import { hrefOf, SECURITY } from "../model/route";
import { VERSION } from "../version";
import { overlay, usePage, useSession } from "./context";
import { OwnPhoto } from "./OwnPhoto";
import { Icon } from "./parts/Icon";

const THEMES: Theme[] = ["auto", "light", "dark"];

function useChange(): <K extends keyof Prefs>(key: K, value: Prefs[K]) => void {
  const { prefs } = usePage();
  return (key, value) => (prefs.value = { ...prefs.value, [key]: value });
}

function Look() {
  const { theme, language } = usePage().prefs.value;
  const change = useChange();
  return (
    <section class="card" aria-labelledby="set-look">
      <h2 id="set-look">{t("set_look")}</h2>
      <fieldset class="segments">
        <legend>{t("set_theme")}</legend>
        {THEMES.map((x) => (
          <label key={x}>
            <input type="radio" name="theme" checked={theme === x} onChange={() => change("theme", x)} />
            <span>{t(`set_theme_${x}`)}</span>
          </label>
        ))}
      </fieldset>
      <div class="field">
        <label for="language">{t("set_language")}</label>
        <select id="language" value={language} onChange={(e) => change("language", e.currentTarget.value as Language)}>
          <option value="auto">{t("set_language_auto")}</option>
          <option value="en" lang="en">English</option>
          <option value="de" lang="de">Deutsch</option>
          {/* For who works on the pages (test/e2e/pictures.mjs sets it): people are not asked. */}
          {language === "rtl" && <option value="rtl">{t("set_language_rtl")}</option>}
        </select>
      </div>
    </section>
  );
}

function Permission() {
  const { notifier } = useSession();
  switch (notifier.permission.value) {
    case "granted":
      return <p class="hint">{t("set_notify_granted")}</p>;
    case "denied":
      return <p class="hint warn">{t("set_notify_denied")}</p>;
    case "unsupported":
      return <p class="hint">{t("set_notify_unsupported")}</p>;
    default:
      return (
        <button type="button" class="button" onClick={() => void notifier.ask()}>
          <Icon name="bell" size={18} />
          {t("set_notify_allow")}
        </button>
      );
  }
}

function QuietTimes() {
  const { quietFrom, quietTo } = usePage().prefs.value;
  const change = useChange();
  return (
    <div class="times">
      <label>
        {t("set_quiet_from")}
        <input type="time" required value={quietFrom} onChange={(e) => change("quietFrom", timeOf(e.currentTarget.value, quietFrom))} />
      </label>
      <label>
        {t("set_quiet_to")}
        <input type="time" required value={quietTo} onChange={(e) => change("quietTo", timeOf(e.currentTarget.value, quietTo))} />
      </label>
    </div>
  );
}

function Notify() {
  const { notify, notifyText, quiet } = usePage().prefs.value;
  const change = useChange();
  return (
    <section class="card" aria-labelledby="set-notify">
      <h2 id="set-notify">{t("set_notify")}</h2>
      <label class="check">
        <input type="checkbox" checked={notify} onChange={(e) => change("notify", e.currentTarget.checked)} />
        <span>{t("set_notify_on")}</span>
      </label>
      <label class="check">
        <input type="checkbox" checked={notifyText} onChange={(e) => change("notifyText", e.currentTarget.checked)} />
        <span>{t("set_notify_text")}</span>
      </label>
      <label class="check">
        <input type="checkbox" checked={quiet} onChange={(e) => change("quiet", e.currentTarget.checked)} />
        <span>{t("set_quiet")}</span>
      </label>
      {quiet && <QuietTimes />}
      <Permission />
      <PushSwitch />
    </section>
  );
}

const TROUBLE: Record<Trouble, Key> = {
  server: "set_push_server",
  denied: "set_notify_denied",
  reached: "set_push_reached",
  failed: "set_push_failed",
};

/** What is said below the switch. */
function PushHint({ trouble }: { trouble: Trouble | null }) {
  const { notifier } = useSession();
  if (trouble) return <p class="hint warn" role="alert">{t(TROUBLE[trouble])}</p>;
  if (told.value === "unsupported") return <p class="hint">{t("set_push_unsupported")}</p>;
  if (notifier.permission.value === "denied") return null;
  return <p class="hint">{t("set_push_hint")}</p>;
}

function PushSwitch() {
  const session = useSession();
  const trouble = useSignal<Trouble | null>(null);
  const busy = useSignal(false);
  useEffect(() => void look(), []);
  const change = async (on: boolean) => {
    busy.value = true;
    trouble.value = await (on ? switchOn(session) : switchOff());
    busy.value = false;
  };
  const locked = busy.value || told.value === "unsupported" || told.value === "unknown";
  return (
    <>
      <label class="check">
        <input
          type="checkbox" checked={told.value === "on"} disabled={locked} aria-busy={busy.value}
          onChange={(e) => {
            const on = e.currentTarget.checked;
            // It shows what is so, not what is wished.
            e.currentTarget.checked = told.peek() === "on";
            void change(on);
          }}
        />
        <span>{t("set_push")}</span>
      </label>
      <PushHint trouble={trouble.value} />
    </>
  );
}

function CallDevices() {
  return (
    <section class="card" aria-labelledby="set-calls">
      <h2 id="set-calls">{t("set_calls")}</h2>
      <button type="button" class="button" onClick={() => (overlay.value = "devices")}>
        <Icon name="video" size={18} />
        {t("check_open")}
      </button>
    </section>
  );
}

function Account() {
  const { user } = useSession();
  const { app } = usePage();
  const failed = useSignal(false);
  return (
    <section class="card" aria-labelledby="set-account">
      <h2 id="set-account">{t("set_account")}</h2>
      <OwnPhoto />
      <p><bdi>{user.value.name}</bdi><br /><span class="muted">{user.value.uri}</span></p>
      <div class="buttons">
        <a class="button" href={hrefOf("settings", SECURITY)}>
          <Icon name="shield" size={18} />
          {t("sec_title")}
        </a>
        <button type="button" class="button" onClick={() => (overlay.value = "keys")}>
          <Icon name="keyboard" size={18} />
          {t("set_keys")}
        </button>
        <button type="button" class="button" onClick={() => void app.signOut().catch(() => (failed.value = true))}>
          {t("sign_out")}
        </button>
      </div>
      <p class="form-error" role="alert" hidden={!failed.value}>{t("sign_out_failed")}</p>
      <p class="muted">{t("set_version", { version: VERSION })}</p>
    </section>
  );
}

export function Settings() {
  return (
    <div class="settings">
      <header class="view-head">
        <a class="icon-button only-phone" href={hrefOf("chats")} aria-label={t("back")}><Icon name="back" turn /></a>
        <h1>{t("settings_title")}</h1>
      </header>
      <div class="settings-body">
        <Look />
        <Notify />
        <CallDevices />
        <Account />
      </div>
    </div>
  );
}
