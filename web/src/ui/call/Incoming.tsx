// Calls that ring here.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import { t } from "../../i18n";
import type { Call } from "../../model/call";
import { useSession } from "../context";
import { Avatar } from "../parts/Avatar";
import { Icon } from "../parts/Icon";
import { lazy } from "../parts/Lazy";
import { callName } from "./name";

const DeclineWith = lazy(async () => (await import("./DeclineWith")).DeclineWith, true);

function Ringing({ call }: { call: Call }) {
  const { calls, people } = useSession();
  const answer = useRef<HTMLButtonElement>(null);
  const words = useSignal(false);
  const name = callName(people, call);
  // Whoever writes goes on writing: the focus is taken only from where nothing is typed.
  useEffect(() => {
    if (!(document.activeElement instanceof HTMLInputElement || document.activeElement instanceof HTMLTextAreaElement)) answer.current?.focus();
  }, []);
  return (
    <div class="ringing" role="alertdialog" aria-label={t("call_incoming", { name })}>
      <Avatar uri={call.uri} size="xl" presence={false} />
      <p role="alert"><bdi>{t(call.video ? "call_incoming_video" : "call_incoming", { name })}</bdi></p>
      {!people.knows(call.uri) && <p class="hint"><bdi>{call.uri}</bdi>{call.said && <span> · {t("call_said")}</span>}</p>}
      <div class="buttons">
        <button ref={answer} type="button" class="button primary" onClick={() => void calls.answer(call, false)}>
          <Icon name="phone" size={18} />{t("call_answer")}
        </button>
        <button type="button" class="button" onClick={() => void calls.answer(call, true)}>
          <Icon name="video" size={18} />{t("call_answer_video")}
        </button>
        <button type="button" class="button" aria-expanded={words.value} aria-controls={words.value ? `decline-${call.id}` : undefined} onClick={() => (words.value = !words.value)}>
          <Icon name="chats" size={18} />{t("decline_with")}
        </button>
        <button type="button" class="button danger" onClick={() => calls.decline(call)}>
          <Icon name="hangup" size={18} />{t("call_decline")}
        </button>
      </div>
      {words.value && <DeclineWith call={call} />}
    </div>
  );
}

export function Incoming() {
  const session = useSession();
  const { calls } = session;
  const who = calls.incoming.value.map((c) => c.uri).join(" ");
  // The directory may know a caller who is no contact.
  useEffect(() => session.show("callers", who ? who.split(" ") : []), [who]);
  if (!calls.incoming.value.length) return null;
  return <div class="ringers">{calls.incoming.value.map((call) => <Ringing key={call.id} call={call} />)}</div>;
}
