// Presence as a mark and as words. The mark has a colour and a shape, so that nobody needs to tell red
// from green; it is decoration where the words stand beside it.

import { locale, t, type Key } from "../../i18n";
import type { Person, State } from "../../net/wire";
import { since } from "../../text/time";
import { now } from "../context";

function Shape({ state }: { state: State }) {
  switch (state) {
    case "available":
      return <><circle class="fill" cx="8" cy="8" r="6.5" /><path class="on" d="M5 8.2 7.2 10.4 11 6" /></>;
    case "idle":
      return <><circle class="ring" cx="8" cy="8" r="5.5" /><path class="fill" d="M8 2.5a5.5 5.5 0 0 1 0 11Z" /></>;
    case "busy":
      return <rect class="fill" x="2" y="2" width="12" height="12" rx="3" />;
    case "busy_idle":
      return <><rect class="ring" x="2.8" y="2.8" width="10.4" height="10.4" rx="2.5" /><path class="fill" d="M8 2.5h3a2.5 2.5 0 0 1 2.5 2.5v6a2.5 2.5 0 0 1-2.5 2.5H8Z" /></>;
    case "do_not_disturb":
      return <><circle class="fill" cx="8" cy="8" r="6.5" /><path class="on" d="M4.8 8h6.4" /></>;
    case "be_right_back":
    case "away":
      return <><path class="fill" d="M8 1 15 8 8 15 1 8Z" /><path class="on" d="M8 5.5V8.3l1.8 1" /></>;
    case "offline":
      return <><circle class="ring" cx="8" cy="8" r="5.5" /><path class="line" d="M6 6l4 4M10 6l-4 4" /></>;
    default:
      return <circle class="ring dashed" cx="8" cy="8" r="5.5" />;
  }
}

export function PresenceMark({ state, size = 14 }: { state: State; size?: number }) {
  return (
    <svg class={`presence p-${state}`} width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" data-state={state}>
      <Shape state={state} />
    </svg>
  );
}

const ACTIVITIES: Record<string, Key> = {
  "on-the-phone": "activity_on_the_phone",
  "in-a-meeting": "activity_in_a_meeting",
  "in-a-conference": "activity_in_a_conference",
};

export function stateName(state: State): string {
  return t(`state_${state}`);
}

/** What somebody is doing, in words; how long, if it is a state that asks for it. */
export function presenceText(p: Person, long = false): string {
  const state = p.state ?? "unknown";
  const known = p.activity && ACTIVITIES[p.activity];
  const words = known ? t(known) : p.activity || stateName(state);
  const asks = state === "away" || state === "idle" || state === "offline" || state === "be_right_back";
  if (!long || !asks || !p.since || Number.isNaN(Date.parse(p.since))) return words;
  return t("state_for", { state: words, since: since(p.since, now.value, locale.value) });
}
