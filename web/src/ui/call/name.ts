// How the other side of a call is called, and how long it is.

import type { Call } from "../../model/call";
import type { People } from "../../model/people";

/** What the user or the directory calls somebody; of whom neither knows, what the caller says. */
export function callName(people: People, call: Call): string {
  return people.knows(call.uri) ? people.nameOf(call.uri) : call.said || people.nameOf(call.uri);
}

export function duration(seconds: number): string {
  const two = (n: number) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
