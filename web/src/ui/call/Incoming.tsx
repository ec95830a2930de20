// Calls that ring here.

import { useEffect, useRef } from "preact/hooks";

import { t } from "../../i18n";
import type { Call } from "../../model/call";
import { useSession } from "../context";
import { Avatar } from "../parts/Avatar";
import { Icon } from "../parts/Icon";

function Ringing({ call }: { call: Call }) {
  const { calls, chats, people } = useSession();
  const answer = useRef<HTMLButtonElement>(null);
  const name = people.nameOf(call.uri);
  const later = () => {
    chats.send(call.uri, t("call_later_text"));
    calls.decline(call);
  };
  // Whoever writes goes on writing: the focus is taken only from where nothing is typed.
  useEffect(() => {
    if (!(document.activeElement instanceof HTMLInputElement || document.activeElement instanceof HTMLTextAreaElement)) answer.current?.focus();
  }, []);
  const video = call.offer.includes("m=video");
  return (
    <div class="ringing" role="alertdialog" aria-label={t("call_incoming", { name })}>
      <Avatar uri={call.uri} size="xl" presence={false} />
      <p role="alert"><bdi>{t(video ? "call_incoming_video" : "call_incoming", { name })}</bdi></p>
      <div class="buttons">
        <button ref={answer} type="button" class="button primary" onClick={() => void calls.answer(call, false)}>
          <Icon name="phone" size={18} />{t("call_answer")}
        </button>
        <button type="button" class="button" onClick={() => void calls.answer(call, true)}>
          <Icon name="video" size={18} />{t("call_answer_video")}
        </button>
        <button type="button" class="button" onClick={later}><Icon name="chats" size={18} />{t("call_later")}</button>
        <button type="button" class="button danger" onClick={() => calls.decline(call)}>
          <Icon name="hangup" size={18} />{t("call_decline")}
        </button>
      </div>
    </div>
  );
}

export function Incoming() {
  const { calls } = useSession();
  if (!calls.incoming.value.length) return null;
  return <div class="ringers">{calls.incoming.value.map((call) => <Ringing key={call.id} call={call} />)}</div>;
}
