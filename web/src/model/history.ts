// The user's calls, as the server remembers them: on whatever device they were. Where it remembers
// nothing, those of this page.

import { computed, signal } from "@preact/signals";

import { checkMessages } from "../net/check";
import { codeOf, type Message, type Outcome, type PastCall } from "../net/wire";
import type { Call } from "./call";
import { SINCE, type Asked } from "./chats";
import type { Shelf } from "./prefs";
import { randomMark } from "./tabs";

export type Result = "answered" | "missed" | "unanswered" | "declined" | "busy" | "failed";

export interface Past {
  id: string;
  uri: string;
  /** When it began. */
  at: string;
  ours: boolean;
  video: boolean;
  result: Result;
  seconds: number;
  /** A missed one that the user has not seen. */
  fresh: boolean;
}

/** How many are read at once, and how many are kept. */
const PAGE = 50;
const KEPT = 1_000;
/** The mark up to which calls were seen. */
const SEEN = "calls";

/** What ends a call that rang, but was not missed. */
const ENDS: Record<string, Outcome> = { ended_here: "declined", declined_elsewhere: "declined", answered_elsewhere: "answered" };

/** A message that is a call. */
type Row = Message & { call: PastCall };

export interface HistoryWorld {
  me(): string;
  request(op: string, fields?: object): Promise<unknown>;
  /** Whether the server remembers anything. */
  remembers(): boolean;
}

/** What it was to this user; who was called and busy said so. */
export function resultOf({ outcome }: PastCall, ours: boolean): Result {
  if (outcome === "missed") return ours ? "unanswered" : "missed";
  return outcome === "busy" && !ours ? "declined" : outcome;
}

export class History {
  private readonly rows = signal<readonly Row[]>([]);
  readonly asked = signal<Asked>("no");
  readonly more = signal(false);
  private before = "";
  /** The newest first. */
  readonly calls = computed(() => this.rows.value.map((m) => this.past(m)));
  readonly missed = computed(() => this.calls.value.filter((p) => p.fresh).length);

  constructor(
    private readonly world: HistoryWorld,
    private readonly marks: Shelf,
  ) {}

  /** What the server tells, of which calls are taken. */
  take(messages: readonly Message[]): void {
    const all = new Map(this.rows.peek().map((m) => [m.id, m]));
    for (const m of messages) if (m.call) all.set(m.id, m as Row);
    this.rows.value = [...all.values()].sort((a, b) => Date.parse(b.at) - Date.parse(a.at)).slice(0, KEPT);
  }

  /** A call is over: nobody else tells of it where nothing is remembered. */
  ended(call: Call, now: Date): void {
    if (this.world.remembers()) return;
    const { uri, ours, video, begun } = call;
    const since = call.since.peek();
    const seconds = since ? Math.max(0, Math.round((now.getTime() - since.getTime()) / 1000)) : 0;
    const outcome = since ? "answered" : call.taken ? "failed" : ((!ours && ENDS[call.reason.peek()]) || "missed");
    const from = ours ? this.world.me() : uri;
    this.take([{ id: randomMark(), chat: uri, from, at: now.toISOString(), text: "", state: "delivered", call: { outcome, began: begun.toISOString(), seconds, video } }]);
  }

  /** The newest page, or the one before what is there. */
  async load(older = false): Promise<void> {
    if (this.asked.peek() === "asking") return;
    this.asked.value = "asking";
    try {
      const page = checkMessages(await this.world.request("chat.history", { calls: true, limit: PAGE, ...(older && this.before && { before: this.before }) }));
      this.take(page.messages);
      this.before = page.before;
      this.more.value = page.more;
      this.asked.value = "done";
    } catch (error) {
      this.asked.value = codeOf(error) === "unknown_op" ? "done" : "failed";
    }
  }

  /** What is here may have a gap behind it. */
  forget(): void {
    if (this.world.remembers()) this.rows.value = [];
    this.asked.value = "no";
  }

  /** The user looks at them. */
  seen(): void {
    const [last] = this.rows.peek();
    if (last && last.at > this.marks.get(SEEN)) this.marks.set(SEEN, last.at);
  }

  private past(m: Row): Past {
    const { began, seconds, video } = m.call;
    const ours = m.from === this.world.me();
    const result = resultOf(m.call, ours);
    const mark = this.marks.values.value[SEEN] || this.marks.get(SINCE);
    return { id: m.id, uri: m.chat, at: began, ours, video, result, seconds, fresh: result === "missed" && m.at > mark };
  }
}
