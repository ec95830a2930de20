// The calls of one user in this browser: with whom, when, how long, missed or not. It is this browser's
// own; another device knows nothing of it.

import { computed, signal, type Signal } from "@preact/signals";

import type { Call } from "./call";
import { randomMark } from "./tabs";

export type Result = "answered" | "answered_elsewhere" | "declined_elsewhere" | "missed" | "declined" | "unanswered" | "failed";

export interface Past {
  id: string;
  /** The tab that wrote it. */
  tab: string;
  uri: string;
  /** What the caller said to be called, where nobody else says it. */
  name: string;
  at: string;
  ours: boolean;
  video: boolean;
  result: Result;
  seconds: number;
  /** A missed one that the user has not seen. */
  fresh: boolean;
}

export const HISTORY_MAX = 200;
const TEXT_MAX = 256;
/** Tabs are told of the same call within that time: what one of them answered, the others did not miss. */
const SAME_MS = 10_000;
const RESULTS = new Set<unknown>(["answered", "answered_elsewhere", "declined_elsewhere", "missed", "declined", "unanswered", "failed"]);

type Store = Pick<Storage, "getItem" | "setItem">;

export class History {
  /** The newest first. */
  readonly calls: Signal<readonly Past[]>;
  private readonly ids = new WeakMap<Call, string>();
  readonly missed = computed(() => this.calls.value.filter((p) => p.fresh).length);

  constructor(
    private readonly store: Store,
    private readonly key: string,
    private readonly tab: string,
    /** Whether this tab tells of what no tab answered. */
    private readonly speaks: () => boolean,
  ) {
    this.calls = signal(this.read());
  }

  /** A call that rings is answered here: said at once, for the other tabs hear only that it rings no more. */
  taken(call: Call): void {
    this.put(call, "answered", call.begun);
  }

  /** A call is over. */
  ended(call: Call, now: Date): void {
    const result = resultOf(call);
    if (!rang(result) || this.speaks()) this.put(call, result, now);
  }

  private put(call: Call, result: Result, now: Date): void {
    const since = call.since.peek();
    const { uri, ours, said: name, video } = call;
    const seconds = since ? Math.max(0, Math.round((now.getTime() - since.getTime()) / 1000)) : 0;
    const at = call.begun.toISOString();
    const id = this.ids.get(call) ?? randomMark();
    this.ids.set(call, id);
    this.add({ id, tab: this.tab, uri, name, at, ours, video, result, seconds, fresh: result === "missed" });
  }

  /** The user looks at them. */
  seen(): void {
    if (this.missed.peek()) this.write(this.read().map((p) => ({ ...p, fresh: false })));
  }

  clear(): void {
    this.write([]);
  }

  /** Another tab wrote. */
  changed(event: StorageEvent): void {
    if (event.key === this.key) this.calls.value = this.read();
  }

  private add(past: Past): void {
    const all = this.read().filter((p) => p.id !== past.id);
    const same = (p: Past) =>
      p.tab !== past.tab && !p.ours && !past.ours && p.uri === past.uri && Math.abs(Date.parse(p.at) - Date.parse(past.at)) < SAME_MS;
    if (rang(past.result) && all.some(same)) return;
    const others = all.filter((p) => !(rang(p.result) && same(p)));
    this.write([past, ...others]);
  }

  private write(all: readonly Past[]): void {
    const kept = all.slice(0, HISTORY_MAX);
    this.calls.value = kept;
    try {
      this.store.setItem(this.key, JSON.stringify(kept));
    } catch {
      // Full or forbidden: it holds for this page only.
    }
  }

  private read(): readonly Past[] {
    try {
      const json: unknown = JSON.parse(this.store.getItem(this.key) ?? "[]");
      return Array.isArray(json) ? json.filter(isPast).slice(0, HISTORY_MAX) : [];
    } catch {
      return [];
    }
  }
}

/** It only rang here: what another tab of this browser says of the same call is more. */
function rang(result: Result): boolean {
  return result === "missed" || result === "answered_elsewhere" || result === "declined_elsewhere";
}

function resultOf(call: Call): Result {
  if (call.since.peek()) return "answered";
  if (call.ours) return "unanswered";
  // One that was taken but found no way was not missed.
  if (call.taken) return "failed";
  const reason = call.reason.peek();
  if (reason === "answered_elsewhere" || reason === "declined_elsewhere") return reason;
  return reason === "ended_here" ? "declined" : "missed";
}

function isPast(v: unknown): v is Past {
  const p = v as Past;
  return (
    typeof v === "object" && v !== null &&
    [p.id, p.tab, p.uri, p.name, p.at].every((s) => typeof s === "string" && s.length <= TEXT_MAX) &&
    !Number.isNaN(Date.parse(p.at)) &&
    [p.ours, p.video, p.fresh].every((b) => typeof b === "boolean") &&
    RESULTS.has(p.result) && typeof p.seconds === "number" && p.seconds >= 0
  );
}
