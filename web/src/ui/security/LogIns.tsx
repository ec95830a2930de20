// Where the user is signed in by a browser, and how that is ended.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { locale, t } from "../../i18n";
import "../../i18n/more";
import { endLogIn, endOtherLogIns, logIns, type LogIn } from "../../net/own";
import { codeOf } from "../../net/wire";
import { agentName } from "../../text/agent";
import { full, since } from "../../text/time";
import { now } from "../context";
import { thrownText } from "../errors";
import { announce } from "../parts/live";
import { Skeleton } from "../parts/Skeleton";

function Row({ row, end }: { row: LogIn; end: () => void }) {
  const name = agentName(row.agent) || t("sec_agent_unknown");
  return (
    <li class="own-row">
      <div class="own-what">
        <p><bdi>{name}</bdi>{row.this && <span class="own-mark">{t("sec_login_this")}</span>}</p>
        <p class="muted" title={full(row.used_at, locale.value)}>
          {t("sec_login_used", { since: since(row.used_at, now.value, locale.value) })}
        </p>
        <p class="muted">
          {row.from
            ? t("sec_login_made_from", { at: full(row.made_at, locale.value), from: row.from })
            : t("sec_login_made", { at: full(row.made_at, locale.value) })}
        </p>
      </div>
      {!row.this && (
        <button type="button" class="button small" aria-label={t("sec_login_end_named", { name })} onClick={end}>
          {t("sec_login_end")}
        </button>
      )}
    </li>
  );
}

export function LogIns() {
  const rows = useSignal<LogIn[] | null>(null);
  const error = useSignal("");
  const fail = (e: unknown) => (error.value = thrownText(e));
  const load = () => logIns().then((list) => (rows.value = list), fail);
  useEffect(() => void load(), []);
  const end = (what: Promise<void>) => {
    error.value = "";
    // One that is not there any more is what was wanted.
    const gone = (e: unknown) => (codeOf(e) === "not_found" ? undefined : Promise.reject(e as Error));
    void what.catch(gone).then(() => announce(t("sec_login_ended")), fail).then(load);
  };
  const others = (rows.value ?? []).filter((r) => !r.this).length;
  return (
    <section class="card" aria-labelledby="sec-logins">
      <h2 id="sec-logins">{t("sec_logins")}</h2>
      <p class="hint">{t("sec_logins_hint")}</p>
      {!rows.value && !error.value && <Skeleton />}
      {rows.value && <ul class="own-rows">{rows.value.map((r) => <Row key={r.number} row={r} end={() => end(endLogIn(r.number))} />)}</ul>}
      <p class="form-error" role="alert" hidden={!error.value}>{error.value}</p>
      {others > 1 && (
        <button type="button" class="button" onClick={() => end(endOtherLogIns())}>{t("sec_login_end_others")}</button>
      )}
    </section>
  );
}
