// What a call is doing, and why it ended, in words.

import { t, type Key } from "../../i18n";
import { en } from "../../i18n/en";
import { en as more } from "../../i18n/more";
import type { Call } from "../../model/call";
import type { People } from "../../model/people";
import { callName } from "./name";

export function endedText(reason: string, name: string): string {
  const key = `call_end_${reason}`;
  return t(key in en ? (key as Key) : "call_end_failed", { name });
}

/** Why it is still this call that the user has. */
export function untransferredText(people: People, call: Call): string {
  const told = call.untransferred.value;
  if (!told) return "";
  const name = callName(people, call);
  const to = people.nameOf(told.to);
  const key = `transfer_end_${told.reason}`;
  const why = key in more ? t(key as Key, { name, to }) : told.reason in ENDS ? endedText(told.reason, to) : t("transfer_end_failed", { name, to });
  return `${why} ${t("transfer_back", { name })}`;
}

/** Reasons that say of whom they speak, or of the user's own browser. */
const ENDS: Record<string, true> = {
  declined: true, busy: true, no_answer: true, not_found: true, not_reachable: true, refused: true, no_server: true, offline: true,
  no_permission: true, no_device: true, device_busy: true, no_secure: true,
};

export function stateText(people: People, call: Call): string {
  const name = callName(people, call);
  const phase = call.phase.value;
  const to = call.transfer.value && people.nameOf(call.transfer.value);
  if (phase === "ended") return call.reason.value === "transferred" ? t("transfer_done", { name, to }) : endedText(call.reason.value, name);
  if (to) return t("transfer_under_way", { to });
  if (call.held.value) return t("call_held");
  if (call.heldThere.value) return t("call_held_there", { name });
  const words = t(`call_phase_${phase}` as Key, { name });
  return call.by ? `${t("transfer_by", { name: people.nameOf(call.by) })} ${words}` : words;
}
