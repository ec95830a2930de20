// Lines of the log from several processes, asked for again and again: each once, in the order of time.

import { count, list, text } from "../../net/check";

export interface LogLine {
  key: string;
  time: string;
  level: string;
  who: string;
  text: string;
}

/** So far back it is asked again: processes are asked one after the other. */
const OVERLAP_MS = 5_000;
export const LINES_MAX = 1000;

export function checkLog(v: unknown): LogLine[] {
  return list(v, (o) => ({
    key: `${text(o.time)} ${text(o.who)} ${count(o.number, 0)}`,
    time: text(o.time),
    level: text(o.level),
    who: text(o.who),
    text: text(o.text),
  }));
}

/** The new ones among the old; the last ones are kept. */
export function merge(old: LogLine[], more: LogLine[]): LogLine[] {
  const known = new Set(old.map((l) => l.key));
  const added = more.filter((l) => !known.has(l.key));
  if (!added.length) return old;
  return [...old, ...added].sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0)).slice(-LINES_MAX);
}

/** From when on to ask next; empty: all. */
export function sinceOf(lines: LogLine[]): string {
  const at = Date.parse(lines.at(-1)?.time ?? "");
  return Number.isNaN(at) ? "" : new Date(at - OVERLAP_MS).toISOString();
}
