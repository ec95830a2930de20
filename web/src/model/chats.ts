// All chats: what was said, what is new, what waits to be sent.

import { batch, computed, signal, type Signal } from "@preact/signals";

import { checkMessage, checkMessages, isObject } from "../net/check";
import type { Letter, Outbox } from "../net/outbox";
import { ApiError, codeOf, type Attached, type Event, type Message } from "../net/wire";
import { allRead, withChange, withLocal, withMessage, without, withPage, withState, type Entry } from "./entries";
import type { Shelf } from "./prefs";
import { TYPING_LIFE_MS } from "./typing";

const PAGE = 50;
/** The list of chats is made of the latest messages of all: so many pages of them at most. */
const OVERVIEW = 100;
const OVERVIEW_PAGES = 5;
/** What a chat keeps in memory while it is not looked at. */
const KEPT_ENTRIES = 500;
/** So many pages are loaded to reach a message that was found. */
const REACH_PAGES = 100;
const PAGE_TRIES = 5;
const PAGE_WAIT_MS = 1_000;
/** An own message of unknown fate and one in the history with the same text are the same within that time. */
const SAME_MS = 120_000;
/** The mark of all chats that have none of their own: what is older was read elsewhere. */
export const SINCE = "*";

export type Asked = "no" | "asking" | "done" | "failed";

export class Chat {
  readonly entries = signal<readonly Entry[]>([]);
  /** Who types; in a group the last one who began. */
  readonly typing = signal("");
  /** The first new message when the chat was opened, where the line stands. */
  readonly fresh = signal<string | null>(null);
  readonly asked = signal<Asked>("no");
  readonly more = signal(true);
  /** The message that was searched for and is to be shown. */
  readonly sought = signal<string | null>(null);
  /** What the next message answers, as the begin of its text, until the composer has taken it. */
  readonly answering = signal("");
  /** The page that is on its way. */
  loading: Promise<void> | null = null;
  /** Where the history goes on before what is here, in the server's word. */
  before = "";
  readonly last = computed(() => this.entries.value[this.entries.value.length - 1] ?? null);
  readonly unread = computed(() => this.entries.value.reduce((n, e) => n + (e.unread ? 1 : 0), 0));
  private quiet: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly uri: string) {}

  setTyping(from: string, on: boolean): void {
    if (!on && this.typing.peek() !== from) return;
    clearTimeout(this.quiet);
    this.typing.value = on ? from : "";
    if (on) this.quiet = setTimeout(() => (this.typing.value = ""), TYPING_LIFE_MS);
  }
}

/** What chats need of the rest. */
export interface ChatsWorld {
  me(): string;
  request(op: string, fields?: object): Promise<unknown>;
  online(): boolean;
  /** Whether the user looks at that chat now. */
  looking(uri: string): boolean;
  now(): Date;
  mark(): string;
  /** Of what came, or was asked for, some may be calls. */
  called(messages: readonly Message[]): void;
  /** A message came that the user does not look at. */
  arrived(message: Message): void;
}

export class Chats {
  private readonly map = signal<ReadonlyMap<string, Chat>>(new Map());
  /** All chats with something in them, the latest first. */
  readonly list = computed(() => {
    const all = [...this.map.value.values()].filter((c) => c.last.value);
    return all.sort((a, b) => Date.parse(b.last.value?.at ?? "") - Date.parse(a.last.value?.at ?? ""));
  });
  readonly unread = computed(() => this.list.value.reduce((n, c) => n + c.unread.value, 0));
  readonly overview: Signal<Asked> = signal<Asked>("no");
  /** The server has a history. */
  remembers = true;
  private flushing = false;

  constructor(
    private readonly world: ChatsWorld,
    private readonly outbox: Outbox,
    private readonly marks: Shelf,
  ) {
    if (!marks.get(SINCE)) marks.set(SINCE, world.now().toISOString());
    for (const letter of outbox.all()) this.show(letter);
  }

  chat(uri: string): Chat {
    const known = this.map.peek().get(uri);
    if (known) return known;
    const chat = new Chat(uri);
    this.map.value = new Map(this.map.peek()).set(uri, chat);
    return chat;
  }

  find(uri: string): Chat | null {
    return this.map.peek().get(uri) ?? null;
  }

  // What comes in

  event(e: Event): void {
    if (e.ev === "message") this.received(e.message);
    else if (e.ev === "typing" && e.from !== this.world.me()) this.chat(e.chat).setTyping(e.from, e.on);
    else if (e.ev === "change") {
      const chat = this.find(e.chat);
      if (chat) chat.entries.value = withChange(chat.entries.value, e);
    } else if (e.ev === "message_state") {
      const chat = this.find(e.chat);
      if (chat) chat.entries.value = withState(chat.entries.value, e.id, e.ref, e.state, e.error);
    }
  }

  private received(m: Message): void {
    const chat = this.chat(m.chat);
    if (m.call) {
      chat.entries.value = withMessage(chat.entries.peek(), m, false);
      return this.world.called([m]);
    }
    const mine = m.from === this.world.me();
    const known = chat.entries.peek().some((e) => e.id === m.id);
    const looking = this.world.looking(m.chat);
    batch(() => {
      chat.entries.value = withMessage(chat.entries.peek(), m, !mine && !looking);
      if (!mine) chat.setTyping(m.from, false);
      if (looking) this.marks.set(m.chat, m.at);
      // Answered from another device: what stands above was read there.
      if (mine) this.read(m.chat);
    });
    if (!mine && !known && !looking) this.world.arrived(m);
  }

  /** The connection is there. After a resume only what waits is sent; else everything may have changed. */
  async connected(resumed: boolean): Promise<void> {
    if (!resumed) {
      this.map.peek().forEach((c) => (c.asked.value = "no"));
      await this.loadOverview();
    }
    await this.flush();
  }

  // History

  async loadOverview(): Promise<void> {
    this.overview.value = "asking";
    try {
      let from = {};
      for (let i = 0; i < OVERVIEW_PAGES; i++) {
        const { messages, before, more } = await this.page({ limit: OVERVIEW, ...from });
        batch(() => messages.forEach((m) => this.fold(m)));
        this.world.called(messages);
        if (!more) break;
        from = { before };
      }
      this.overview.value = "done";
      this.remembers = true;
    } catch (error) {
      // A server that keeps no history has no older chats to show.
      this.remembers = codeOf(error) !== "unknown_op";
      this.overview.value = this.remembers ? "failed" : "done";
    }
  }

  /** The server gives so many pages a second; then it is asked again a moment later. */
  private async page(what: object): Promise<ReturnType<typeof checkMessages>> {
    for (let left = PAGE_TRIES; ; left--) {
      try {
        return checkMessages(await this.world.request("chat.history", what));
      } catch (error) {
        if (codeOf(error) !== "too_many" || !left) throw error;
      }
      await new Promise((done) => setTimeout(done, PAGE_WAIT_MS));
    }
  }

  private fold(m: Message): void {
    const chat = this.chat(m.chat);
    chat.entries.value = withMessage(chat.entries.peek(), m, this.isNew(m));
  }

  private isNew(m: Message): boolean {
    return !m.call && m.from !== this.world.me() && m.at > (this.marks.get(m.chat) || this.marks.get(SINCE));
  }

  /** The newest page, or with `older` the one before what is there; who comes meanwhile waits for that. */
  load(uri: string, older = false): Promise<void> {
    const chat = this.chat(uri);
    if (chat.loading) return chat.loading;
    if (!this.world.online()) return Promise.resolve();
    chat.asked.value = "asking";
    chat.loading = this.loadPage(chat, !older || !chat.before).finally(() => (chat.loading = null));
    return chat.loading;
  }

  private async loadPage(chat: Chat, latest: boolean): Promise<void> {
    const { uri } = chat;
    try {
      const from = latest ? {} : { before: chat.before };
      const page = await this.page({ with: uri, limit: PAGE, ...from });
      batch(() => this.take(chat, page, latest));
    } catch (error) {
      batch(() => {
        const none = codeOf(error) === "unknown_op";
        if (none) chat.more.value = false;
        chat.asked.value = none ? "done" : "failed";
      });
    }
  }

  /** Loads back to that message, which the chat then shows; false if it is not reached. */
  async reach(uri: string, id: string): Promise<boolean> {
    const chat = this.chat(uri);
    const there = () => chat.entries.peek().find((e) => e.id === id);
    for (let i = 0; i < REACH_PAGES && !there(); i++) {
      await this.load(uri, chat.asked.peek() === "done");
      if (!there() && (chat.asked.peek() !== "done" || !chat.more.peek())) break;
    }
    chat.sought.value = there()?.key ?? null;
    return chat.sought.value !== null;
  }

  /** Messages in which all words of the text are, the oldest first. Throws ApiError. */
  async search(text: string, before: string): Promise<ReturnType<typeof checkMessages>> {
    const from = before ? { before } : {};
    return checkMessages(await this.world.request("chat.search", { text, limit: PAGE, ...from }));
  }

  private take(chat: Chat, page: ReturnType<typeof checkMessages>, latest: boolean): void {
    const { messages, before, more } = page;
    chat.entries.value = withPage(chat.entries.peek(), messages, more, latest, (m) => this.isNew(m));
    chat.asked.value = "done";
    // A newest page that ends within what was known already says nothing of what lies before that.
    const first = chat.entries.peek().find((e) => e.id !== null);
    if (latest && chat.before && first && first.id !== messages[0]?.id) return;
    chat.before = before;
    chat.more.value = more;
  }

  // Reading

  /** The user opens the chat: the line of what is new is set, then all is read. */
  open(uri: string): void {
    const chat = this.chat(uri);
    const first = chat.entries.peek().find((e) => e.unread);
    chat.fresh.value = first?.key ?? null;
    this.read(uri);
    if (chat.asked.peek() === "no" || chat.asked.peek() === "failed") void this.load(uri);
  }

  /** The user went elsewhere; a long chat gives its old part back. */
  close(uri: string): void {
    const chat = this.find(uri);
    if (!chat) return;
    batch(() => {
      chat.fresh.value = null;
      chat.sought.value = null;
      if (chat.entries.value.length <= KEPT_ENTRIES) return;
      chat.entries.value = chat.entries.value.slice(-KEPT_ENTRIES);
      chat.before = "";
      chat.asked.value = "no";
    });
  }

  read(uri: string): void {
    const chat = this.find(uri);
    if (!chat) return;
    const server = chat.entries.peek().filter((e) => e.id !== null);
    const last = server[server.length - 1];
    if (chat.unread.peek() && !chat.fresh.peek()) chat.fresh.value = chat.entries.peek().find((e) => e.unread)?.key ?? null;
    chat.entries.value = allRead(chat.entries.peek());
    if (last && last.at > this.marks.get(uri)) this.marks.set(uri, last.at);
  }

  /** Another tab has read: what is older than its marks is read here too. */
  marksChanged(): void {
    for (const chat of this.map.peek().values()) {
      const mark = this.marks.get(chat.uri);
      const entries = chat.entries.peek();
      if (!entries.some((e) => e.unread && e.at <= mark)) continue;
      chat.entries.value = entries.map((e) => (e.unread && e.at <= mark ? { ...e, unread: false } : e));
    }
  }

  // Sending

  /** False if so much waits already that nothing more is taken. */
  send(uri: string, text: string, file?: Attached): boolean {
    const letter = { ref: this.world.mark(), to: uri, text, file, at: this.world.now().toISOString(), uncertain: false };
    if (!this.outbox.add(letter)) return false;
    const chat = this.chat(uri);
    chat.fresh.value = null;
    this.show(letter);
    void this.flush();
    return true;
  }

  retry(uri: string, key: string): void {
    const entry = this.find(uri)?.entries.peek().find((e) => e.key === key);
    if (entry?.state !== "failed") return;
    this.discard(uri, key);
    this.send(uri, entry.text, entry.file);
  }

  discard(uri: string, key: string): void {
    this.outbox.remove(key);
    const chat = this.find(uri);
    if (chat) chat.entries.value = without(chat.entries.peek(), key);
  }

  private show(letter: Letter): void {
    const chat = this.chat(letter.to);
    const { ref, at, text, file } = letter;
    const state = this.world.online() ? "sending" : "queued";
    const entry: Entry = { key: ref, id: null, from: this.world.me(), at, text, file, state, unread: false };
    chat.entries.value = [...chat.entries.peek(), entry];
  }

  /** Sends what waits, one after the other so that the order of writing is the order of arrival. */
  private async flush(): Promise<void> {
    if (this.flushing) return;
    this.flushing = true;
    try {
      for (let next = this.outbox.all()[0]; next && this.world.online(); next = this.outbox.all()[0]) {
        if (!(await this.deliver(next))) break;
      }
    } finally {
      this.flushing = false;
    }
  }

  /** False if the connection went away: the letter stays where it is. */
  private async deliver(letter: Letter): Promise<boolean> {
    const chat = this.chat(letter.to);
    const change = (c: Partial<Entry>) => (chat.entries.value = withLocal(chat.entries.peek(), letter.ref, c));
    if (letter.uncertain && this.arrivedBefore(letter)) return true;
    change({ state: "sending" });
    this.outbox.mark(letter.ref, true);
    try {
      const answer = await this.world.request("chat.send", { to: letter.to, text: letter.text, file: letter.file?.id, ref: letter.ref });
      const message = isObject(answer) ? checkMessage(answer.message) : null;
      if (message) chat.entries.value = withMessage(chat.entries.peek(), { ...message, ref: letter.ref }, false);
      else change({ state: "sent" });
    } catch (error) {
      const code = codeOf(error);
      if (code === "offline" || code === "lost") {
        if (code === "offline") this.outbox.mark(letter.ref, false);
        change({ state: "queued" });
        return false;
      }
      const { message: text, remedy } = error instanceof ApiError ? error : { message: "", remedy: "" };
      change({ state: "failed", error: { code, text, remedy } });
    }
    this.outbox.remove(letter.ref);
    return true;
  }

  /** A letter of unknown fate stands in the history: it was sent, only the answer was lost. */
  private arrivedBefore(letter: Letter): boolean {
    const chat = this.chat(letter.to);
    const me = this.world.me();
    const sent = chat.entries.peek().find(
      (e) =>
        e.id !== null && e.from === me && (e.key === letter.ref || (e.key === e.id && e.text === letter.text && e.file?.id === letter.file?.id && near(e.at, letter.at))),
    );
    if (!sent) return false;
    this.outbox.remove(letter.ref);
    if (sent.key !== letter.ref) chat.entries.value = without(chat.entries.peek(), letter.ref);
    return true;
  }
}

function near(a: string, b: string): boolean {
  return Math.abs(Date.parse(a) - Date.parse(b)) < SAME_MS;
}
