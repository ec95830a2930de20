// Declines with words: some that are ready, or one's own. They go as a message of the chat.

import "../../style/call-more.css";

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import { t, type Key } from "../../i18n";
import "../../i18n/more";
import type { Call } from "../../model/call";
import { useSession } from "../context";
import { Icon } from "../parts/Icon";

const READY: Key[] = ["decline_later", "decline_minutes", "decline_write", "decline_meeting"];
const TEXT_MAX = 500;

export function DeclineWith({ call }: { call: Call }) {
  const { calls, chats } = useSession();
  const own = useSignal("");
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const decline = (text: string) => {
    chats.send(call.uri, text);
    calls.decline(call);
  };
  const submit = (e: Event) => {
    e.preventDefault();
    if (own.value.trim()) decline(own.value.trim());
  };
  return (
    <div class="decline" id={`decline-${call.id}`} role="group" aria-label={t("decline_with")}>
      {READY.map((key) => <button key={key} type="button" class="button" onClick={() => decline(t(key))}>{t(key)}</button>)}
      <form class="decline-own" onSubmit={submit}>
        <input ref={field} type="text" dir="auto" maxLength={TEXT_MAX} aria-label={t("decline_own")} placeholder={t("decline_own")} value={own.value} onInput={(e) => (own.value = e.currentTarget.value)} />
        <button type="submit" class="button" disabled={!own.value.trim()}><Icon name="send" size={18} turn />{t("decline_send")}</button>
      </form>
    </div>
  );
}
