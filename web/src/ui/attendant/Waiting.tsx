// The calls that ring here, the one that waits longest first. The call that there is stands above them, in its bar.

import { useEffect } from "preact/hooks";

import { t } from "../../i18n";
import "../../i18n/more";
import type { Call } from "../../model/call";
import { hrefOf } from "../../model/route";
import { Duration } from "../call/Duration";
import { callName } from "../call/name";
import { useSession } from "../context";
import { Avatar } from "../parts/Avatar";
import { Icon } from "../parts/Icon";

function Line({ call, busy }: { call: Call; busy: boolean }) {
  const { calls, people } = useSession();
  const name = callName(people, call);
  return (
    <li class="waits">
      <Avatar uri={call.uri} presence={false} />
      <span class="line-text">
        <bdi class="line-name">{name}</bdi>
        <span class="line-sub">
          <Duration since={call.begun} />
          {call.video && `, ${t("past_video")}`}
          {!people.knows(call.uri) && <> · <bdi>{call.uri}</bdi></>}
        </span>
      </span>
      <button type="button" class="button waits-decline" aria-label={t("attendant_decline", { name })} title={t("attendant_decline", { name })} onClick={() => calls.decline(call)}>
        <Icon name="hangup" size={18} />
      </button>
      <button type="button" class="button primary" disabled={busy} aria-label={t("attendant_answer", { name })} aria-describedby={busy ? "attendant-busy" : undefined} onClick={() => void calls.answer(call, false)}>
        <Icon name="phone" size={18} />{t("call_answer")}
      </button>
    </li>
  );
}

export function Waiting() {
  const session = useSession();
  const { calls } = session;
  const waiting = calls.incoming.value;
  const busy = calls.busy.value;
  const who = waiting.map((c) => c.uri).join(" ");
  // The directory may know a caller who is no contact.
  useEffect(() => session.show("callers", who ? who.split(" ") : []), [who]);
  useEffect(() => () => session.show("callers", []), []);
  return (
    <div class="list-pane">
      <header class="list-top">
        <a class="icon-button" href={hrefOf("calls")} aria-label={t("calls_title")} title={t("calls_title")}><Icon name="back" turn /></a>
        <h1>{t("attendant_title")}</h1>
        {waiting.length > 0 && <span class="badge" aria-hidden="true">{waiting.length}</span>}
      </header>
      {waiting.length > 0 ? (
        <ul class="waiting" aria-label={t("attendant_waiting")}>{waiting.map((c) => <Line key={c.id} call={c} busy={busy} />)}</ul>
      ) : (
        <p class="list-status">{t("attendant_none")}</p>
      )}
      {busy && waiting.length > 0 && <p id="attendant-busy" class="list-status">{t("attendant_busy")}</p>}
      {waiting.map((c) => <p key={c.id} class="hidden" role="alert">{t("call_incoming", { name: callName(session.people, c) })}</p>)}
    </div>
  );
}
