// Where the user is signed in with a browser, and how to end that.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { locale, t } from "../i18n";
import { checkLogins } from "../net/check";
import type { Login } from "../net/wire";
import { deviceOf } from "../text/device";
import { full, since } from "../text/time";
import { now, useSession } from "./context";
import { thrownText } from "./errors";

function Line({ login, end }: { login: Login; end: () => void }) {
  const { browser, system } = deviceOf(login.agent);
  const name = browser && system ? t("logins_on", { browser, system }) : browser || system || t("logins_unknown");
  return (
    <li class="login">
      <div class="line-text">
        <strong><bdi>{name}</bdi></strong>
        <span class="line-sub">
          {login.current ? t("logins_current") : t("logins_used", { when: since(login.used_at, now.value, locale.value) })}
          {login.from && <> · <bdi>{login.from}</bdi></>}
        </span>
        <span class="line-sub">{t("logins_made", { when: full(login.made_at, locale.value) })}</span>
      </div>
      {!login.current && (
        <button type="button" class="button" aria-label={t("logins_end_one", { name })} onClick={end}>{t("logins_end")}</button>
      )}
    </li>
  );
}

export function Logins() {
  const session = useSession();
  const logins = useSignal<Login[] | null>(null);
  const error = useSignal("");
  const online = session.online.value;
  const fail = (e: unknown) => void (error.value = t("card_failed", { text: thrownText(e) }));
  const load = () =>
    session.request("login.list").then((ok) => {
      logins.value = checkLogins(ok);
      error.value = "";
    });
  const end = (fields: object) => void session.request("login.end", fields).then(load).catch(fail);
  useEffect(() => {
    if (online) load().catch(fail);
  }, [online]);
  const others = logins.value?.some((l) => !l.current);
  return (
    <>
      {logins.value && <ul class="logins">{logins.value.map((l) => <Line key={l.number} login={l} end={() => end({ number: l.number })} />)}</ul>}
      {!logins.value && !error.value && <p class="muted" role="status">{t("loading")}</p>}
      {others && <button type="button" class="button" onClick={() => end({ others: true })}>{t("logins_end_others")}</button>}
      <p class="form-error" role="alert" hidden={!error.value}>{error.value}</p>
      <p class="hint">{t("logins_hint")}</p>
    </>
  );
}
