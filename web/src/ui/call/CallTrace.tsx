// A call that is over, where it stands among the messages of a chat.

import "../../style/call-more.css";

import { locale, t } from "../../i18n";
import "../../i18n/more";
import type { Entry } from "../../model/entries";
import { resultOf } from "../../model/history";
import type { PastCall } from "../../net/wire";
import { clock, full } from "../../text/time";
import { useSession } from "../context";
import { Icon } from "../parts/Icon";
import { duration } from "./name";

export function CallTrace({ entry, call, uri }: { entry: Entry; call: PastCall; uri: string }) {
  const { calls, online, people, user } = useSession();
  const ours = entry.from === user.value.uri;
  const result = resultOf(call, ours);
  const missed = result === "missed";
  const off = !online.value || calls.busy.value;
  const back = t(ours ? "trace_again" : "past_back", { name: people.nameOf(uri) });
  return (
    <p class={missed ? "call-trace missed" : "call-trace"} data-key={entry.key}>
      <Icon name={missed ? "missed" : ours ? "callOut" : "callIn"} size={16} />
      <span>{t(`trace_${result}`)}{result === "answered" && `, ${duration(call.seconds)}`}{call.video && `, ${t("past_video")}`}</span>
      <time dateTime={entry.at} title={full(call.began, locale.value)}>{clock(entry.at, locale.value)}</time>
      {result !== "answered" && (
        <button type="button" class="icon-button" disabled={off} aria-label={back} title={back} onClick={() => void calls.start(uri, call.video)}>
          <Icon name={call.video ? "video" : "phone"} size={16} />
        </button>
      )}
    </p>
  );
}
