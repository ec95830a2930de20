// The messages of one chat as a list, oldest first. Pure: each function returns a new list, or the same
// one if nothing changed.

import type { Attached, ChangeEvent, Message, MessageState, PastCall, Reaction, WireError } from "../net/wire";
import { preview } from "../text/preview";

/** `queued` waits for a connection, `sending` for the answer; the rest is the server's. */
export type EntryState = "queued" | "sending" | MessageState;

export interface Entry {
  /** The same for the life of the page: the client's mark for own messages, the server's id for others. */
  key: string;
  id: string | null;
  from: string;
  at: string;
  text: string;
  file?: Attached;
  call?: PastCall;
  edited_at?: string;
  deleted?: boolean;
  reactions?: readonly Reaction[];
  state: EntryState;
  unread: boolean;
  error?: WireError;
}

export function entryOf(m: Message, unread: boolean): Entry {
  const { id, from, at, text, file, call, edited_at, deleted, reactions, state, error } = m;
  return { key: m.ref ?? id, id, from, at, text, file, call, edited_at, deleted, reactions, state, unread, error };
}

/** What a message says in words: of one without words, the name of its file. */
export function said(m: Pick<Entry, "text" | "file">): string {
  return m.text || m.file?.name || "";
}

/** The same for a line in a list, or to be spoken. */
export function saidBriefly(m: Pick<Entry, "text" | "file">, max: number): string {
  return preview(m.text, max) || said(m).slice(0, max);
}

function index(entries: readonly Entry[], id: string, ref: string | undefined): number {
  return entries.findIndex((e) => e.id === id || (ref !== undefined && e.key === ref));
}

/** What waits to be sent stands last, in the order of writing. */
function isLocal(e: Entry): boolean {
  return e.state === "queued" || e.state === "sending";
}

function byTime(a: Entry, b: Entry): number {
  if (isLocal(a) !== isLocal(b)) return isLocal(a) ? 1 : -1;
  return isLocal(a) ? 0 : Date.parse(a.at) - Date.parse(b.at);
}

/** Takes a message in: a new one at its time, a known one (by id or by mark) in place of what was there. */
export function withMessage(entries: readonly Entry[], m: Message, unread: boolean): Entry[] {
  const at = index(entries, m.id, m.ref);
  const known = entries[at];
  const entry = entryOf(m, known ? known.unread : unread);
  if (known) entry.key = known.key;
  const next = known ? entries.map((e, i) => (i === at ? entry : e)) : [...entries, entry];
  return next.sort(byTime);
}

/**
 * Takes a page of the history in. `latest` says that it is the newest page: if it does not reach back
 * to what was known, and more lies between, the old part is dropped, for it would show a gap as none.
 */
export function withPage(
  entries: readonly Entry[],
  page: readonly Message[],
  more: boolean,
  latest: boolean,
  isUnread: (m: Message) => boolean,
): Entry[] {
  let base = entries;
  const oldest = page[0];
  if (latest && more && oldest && !entries.some((e) => page.some((m) => m.id === e.id))) {
    base = entries.filter((e) => isLocal(e) || Date.parse(e.at) > Date.parse(oldest.at));
  }
  return page.reduce<Entry[]>((list, m) => withMessage(list, m, isUnread(m)), [...base]);
}

export function withState(
  entries: readonly Entry[],
  id: string,
  ref: string | undefined,
  state: EntryState,
  error?: WireError,
): Entry[] {
  const at = index(entries, id, ref);
  return entries.map((e, i) => (i === at ? { ...e, id: e.id ?? (id || null), state, error } : e));
}

function withReaction(all: readonly Reaction[], { kind, emoji, from }: ChangeEvent): Reaction[] {
  const there = all.some((r) => r.emoji === emoji) ? all : [...all, { emoji, people: [] }];
  const people = (r: Reaction) => [...r.people.filter((p) => p !== from), ...(kind === "react" ? [from] : [])];
  return there.map((r) => (r.emoji === emoji ? { emoji, people: people(r) } : r)).filter((r) => r.people.length);
}

function changed(e: Entry, c: ChangeEvent): Entry {
  if (c.kind === "edit") return { ...e, text: c.text, file: c.file, edited_at: c.at };
  if (c.kind === "delete") return { ...e, text: "", file: undefined, reactions: [], deleted: true };
  return { ...e, reactions: withReaction(e.reactions ?? [], c) };
}

export function withChange(entries: readonly Entry[], c: ChangeEvent): readonly Entry[] {
  return entries.map((e) => (e.id === c.id ? changed(e, c) : e));
}

export function withLocal(entries: readonly Entry[], key: string, change: Partial<Entry>): Entry[] {
  return entries.map((e) => (e.key === key ? { ...e, ...change } : e));
}

export function without(entries: readonly Entry[], key: string): Entry[] {
  return entries.filter((e) => e.key !== key);
}

export function allRead(entries: readonly Entry[]): readonly Entry[] {
  return entries.some((e) => e.unread) ? entries.map((e) => (e.unread ? { ...e, unread: false } : e)) : entries;
}

/** Messages of one person within that time stand together under one name. */
const TOGETHER_MS = 5 * 60_000;

export interface Row {
  entry: Entry;
  /** The first of its day. */
  day: boolean;
  /** The first of what is new. */
  fresh: boolean;
  /** The first of its author's group, and the last. */
  head: boolean;
  tail: boolean;
}

function sameGroup(a: Entry, b: Entry): boolean {
  return !a.call && !b.call && a.from === b.from && Math.abs(Date.parse(b.at) - Date.parse(a.at)) < TOGETHER_MS;
}

/** How the list is shown: days, the "new" line, groups. `dayOf` names the local day of a time. */
export function rows(entries: readonly Entry[], freshKey: string | null, dayOf: (at: string) => string): Row[] {
  const out: Row[] = [];
  for (const entry of entries) {
    const last = out[out.length - 1];
    const day = !last || dayOf(last.entry.at) !== dayOf(entry.at);
    const fresh = entry.key === freshKey;
    const head = !last || day || fresh || !sameGroup(last.entry, entry);
    if (last) last.tail = head;
    out.push({ entry, day, fresh, head, tail: true });
  }
  return out;
}
