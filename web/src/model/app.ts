// The program without its face: who is signed in, the link, and what came through it.

import { computed, effect, signal, type Signal } from "@preact/signals";

import { checkPeople, checkUser } from "../net/check";
import * as http from "../net/http";
import { Link, PROTOCOL, type LinkState } from "../net/link";
import { Outbox } from "../net/outbox";
import { mentions } from "../text/mentions";
import { codeOf, type Choice, type Event, type Hello, type Limits, type Message, type Person, type Self, type User } from "../net/wire";
import { VERSION } from "../version";
import { Activity } from "./activity";
import type { Call } from "./call";
import { Calls } from "./calls";
import type { Changes } from "./changes";
import { Chats } from "./chats";
import { Conferences, isConference, WATCHED_MAX } from "./conferences";
import { loadDevices } from "./devices";
import { History } from "./history";
import { browserMedia } from "./media";
import { Notifier } from "./notify";
import { People } from "./people";
import { isQuiet, readJson, Shelf, writeJson, type Prefs } from "./prefs";
import { Ringer } from "./ring";
import { go, type Route } from "./route";
import { claimCall, randomMark, type Leader } from "./tabs";
import type { Tray } from "./tray";
import { TypingTeller } from "./typing";

/** Who is told while no page is open. */
export const PUSH = "dialtone.push";
const CLIENT = `dialtone-web/${VERSION}`;
const CHATS_MAX = 1_000;
const DRAFTS_MAX = 200;
/** How many chat partners that are no contacts are watched beside what is on the screen. */
const WATCH_CHATS = 100;

/** What belongs to one user's time in this page; gone at sign-out. */
export class Session {
  readonly people: People;
  readonly self = signal<Self>({ state: "unknown", chosen: null, note: "" });
  readonly user: Signal<User>;
  readonly link = signal<LinkState>("off");
  readonly retryAt = signal(0);
  readonly limits = signal<Limits>({ message_bytes: 8000, watch: 100, file_bytes: 0 });
  readonly online = computed(() => this.link.value === "online");
  /** Was ever online: before, there is nothing to show yet. */
  readonly begun = signal(false);
  readonly chats: Chats;
  readonly calls: Calls;
  readonly conferences: Conferences;
  /** Chats that make no noise. */
  readonly muted: Shelf;
  readonly history: History;
  readonly devices = loadDevices(localStorage);
  readonly drafts: Shelf;
  readonly marks: Shelf;
  readonly notifier: Notifier;
  /** Files that are to be sent; its code comes with the first chat that is opened. */
  readonly tray = signal<Tray | null>(null);
  /** What is done to messages that are sent; its code comes likewise. */
  readonly changes = signal<Changes | null>(null);
  readonly typing = new TypingTeller((to, on) => this.quietly("chat.typing", { to, on }));
  readonly activity = new Activity((active) => this.quietly("presence.active", { active }));
  private readonly shown = signal<Readonly<Record<string, readonly string[]>>>({});
  private readonly transport: Link;
  private readonly ends: (() => void)[] = [];
  private watched = "";
  private watchedConferences = "";
  private readonly notices = new Map<Call, () => void>();

  constructor(
    user: User,
    tab: string,
    readonly route: Signal<Route>,
    readonly prefs: Signal<Prefs>,
    leader: Leader,
    private readonly words: Words,
  ) {
    this.user = signal(user);
    this.people = new People(words.unnamed);
    this.muted = new Shelf(localStorage, `dialtone.muted.${user.uri}`, CHATS_MAX);
    this.drafts = new Shelf(localStorage, `dialtone.drafts.${user.uri}`, DRAFTS_MAX);
    this.marks = new Shelf(localStorage, `dialtone.read.${user.uri}`, CHATS_MAX);
    this.transport = this.makeLink(tab);
    const nameOf = (uri: string) => this.people.nameOf(uri);
    this.notifier = new Notifier(prefs, leader, nameOf, words.hidden, (uri) => go("chats", uri), words.sent);
    this.chats = new Chats(
      {
        me: () => this.user.peek().uri,
        request: (op, fields) => this.request(op, fields),
        online: () => this.transport.state === "online",
        looking: (uri) => this.looking(uri),
        now: () => new Date(),
        mark: randomMark,
        called: (messages) => this.history.take(messages),
        arrived: (m) => this.arrived(m),
      },
      new Outbox(sessionStorage, `dialtone.outbox.${user.uri}`),
      this.marks,
    );
    this.history = new History(
      {
        me: () => this.user.peek().uri,
        request: (op, fields) => this.request(op, fields),
        remembers: () => this.chats.remembers,
      },
      this.marks,
    );
    this.conferences = new Conferences({
      request: (op, fields) => this.request(op, fields),
      named: (uri, name) => this.people.setName(uri, name),
    });
    const ringer = new Ringer(navigator.locks);
    this.calls = new Calls({
      request: (op, fields) => this.request(op, fields),
      media: browserMedia(this.devices),
      now: () => new Date(),
      random: Math.random,
      ended: (call) => this.history.ended(call, new Date()),
      rings: (on) => ringer.set(on && this.self.peek().state !== "do_not_disturb" && !isQuiet(prefs.peek(), new Date())),
      nudge: () => this.transport.nudge(),
      claim: (force, lost) => claimCall(navigator.locks, force, lost),
    });
  }

  start(): void {
    this.transport.start();
    this.activity.watch(window);
    const nudge = () => document.visibilityState === "visible" && this.transport.nudge();
    const seen = () => {
      const { view, uri } = this.route.peek();
      if (view === "chats" && uri && this.looking(uri)) this.chats.read(uri);
    };
    const stored = (e: StorageEvent) => {
      this.marks.changed(e);
      this.drafts.changed(e);
      this.muted.changed(e);
      this.chats.marksChanged();
    };
    this.listen(window, "online", nudge);
    this.listen(document, "visibilitychange", nudge);
    this.listen(window, "focus", seen);
    this.listen(window, "storage", stored as (e: unknown) => void);
    this.listen(window, "pagehide", () => {
      this.calls.leave();
      this.transport.probe();
    });
    this.ends.push(effect(() => this.watch()), effect(() => this.watchConferences()), effect(() => this.tellRinging()));
    if (localStorage.getItem(PUSH) === this.user.peek().uri) this.bePushed();
  }

  stop(): void {
    this.calls.lost();
    this.ends.forEach((end) => end());
    this.tray.value?.stop();
    this.typing.stop(true);
    this.transport.stop();
  }

  /** This browser is told while no page is open: the service worker must know how. */
  bePushed(): void {
    void import("./pushes").then((m) => this.ends.push(m.begin(this)));
  }

  /** Takes from this browser what it keeps of the user: the next one may be somebody else. */
  forget(): void {
    const { uri } = this.user.peek();
    this.calls.lost();
    for (const kind of ["drafts", "read", "muted"]) localStorage.removeItem(`dialtone.${kind}.${uri}`);
    sessionStorage.removeItem(`dialtone.outbox.${uri}`);
    if (localStorage.getItem(PUSH)) void import("./pushes").then((m) => m.drop());
  }

  /** Takes up a session that another tab took, or tries again at once. */
  reconnect(): void {
    if (this.transport.state === "waiting") this.transport.nudge();
    else this.transport.start();
  }

  request(op: string, fields?: object): Promise<unknown> {
    return this.transport.request(op, fields);
  }

  /** Whom a part of the screen shows, in place of whom it showed before: their presence is wanted. */
  show(part: string, uris: readonly string[]): void {
    if (!uris.length && !this.shown.peek()[part]?.length) return;
    this.shown.value = { ...this.shown.peek(), [part]: uris };
  }

  setState(state: Choice): Promise<unknown> {
    return this.request("presence.set", { state });
  }

  setNote(text: string): Promise<unknown> {
    return this.request("presence.note", { text });
  }

  async search(text: string): Promise<{ people: Person[]; more: boolean }> {
    const found = checkPeople(await this.request("people.search", { text }));
    this.people.setFound(found.people);
    return found;
  }

  /** The members of a distribution group; null: the address is no group's, or nobody knows. */
  async members(group: string): Promise<{ people: Person[]; more: boolean } | null> {
    try {
      const found = checkPeople(await this.request("people.members", { group }));
      this.people.setFound(found.people);
      return found;
    } catch {
      return null;
    }
  }

  private makeLink(tab: string): Link {
    const world = {
      open: () => new WebSocket(`${location.origin.replace(/^http/, "ws")}/api/v1/ws`, PROTOCOL),
      signedIn: async () => (await http.session()) !== null,
      random: Math.random,
    };
    const handlers = {
      state: (state: LinkState, retryAt: number) => {
        this.link.value = state;
        this.retryAt.value = retryAt;
      },
      hello: (hello: Hello) => this.welcomed(hello),
      event: (event: Event) => this.event(event),
      more: () => ({ calls: this.calls.kept() }),
    };
    return new Link(world, handlers, CLIENT, tab);
  }

  private welcomed(hello: Hello): void {
    this.user.value = hello.user;
    this.limits.value = hello.limits;
    this.begun.value = true;
    if (!hello.resumed) {
      this.people.forgetStates();
      this.calls.lost(hello.calls);
      this.conferences.forget();
      this.history.forget();
      this.watched = this.watchedConferences = "";
    }
    // The link says `online` after this; what is sent then comes a turn later.
    queueMicrotask(() => {
      if (!hello.resumed && !this.activity.isActive()) this.quietly("presence.active", { active: false });
      this.watch();
      this.watchConferences();
      void this.chats.connected(hello.resumed);
      this.calls.linked();
    });
  }

  private event(e: Event): void {
    if (e.ev === "self") this.self.value = e.self;
    else if (e.ev === "contacts") this.people.setContacts(e.groups, e.people);
    else if (e.ev === "presence") this.people.setPresence(e.people);
    else if (e.ev === "call" || e.ev === "kept") this.calls.event(e);
    else if (e.ev === "conference") this.conferences.event(e);
    else this.chats.event(e);
  }

  /** Presence of contacts comes by itself; of others it is asked while they can be seen. */
  private watch(): void {
    const contacts = this.people.byUri.value;
    const partners = this.chats.list.value.slice(0, WATCH_CHATS).map((c) => c.uri);
    const strangers = new Set([...Object.values(this.shown.value).flat(), ...partners].filter((uri) => !contacts.has(uri) && !isConference(uri)));
    const uris = [...strangers].slice(0, this.limits.value.watch).sort();
    const list = uris.join(" ");
    if (list === this.watched || !this.online.value || !this.people.known.value) return;
    this.watched = list;
    this.quietly("people.watch", { uris });
  }

  /** The user has come into a group chat: who is in it is asked again. */
  lookAgain(): void {
    this.watchedConferences = "";
    this.quietly("conference.watch", { chats: [] });
    this.watchConferences();
  }

  /** Who is in the group chats, of the one that is looked at and the latest. */
  private watchConferences(): void {
    const { view, uri } = this.route.value;
    const all = [...(view === "chats" && uri ? [uri] : []), ...this.chats.list.value.map((c) => c.uri)];
    const chats = [...new Set(all.filter(isConference))].slice(0, WATCHED_MAX).sort();
    const list = chats.join(" ");
    if (list === this.watchedConferences || !this.online.value) return;
    this.watchedConferences = list;
    this.quietly("conference.watch", { chats });
  }

  /** The system's notices are those of the calls that ring. */
  private tellRinging(): void {
    const ringing = this.calls.incoming.value;
    for (const [call, close] of this.notices) {
      if (ringing.includes(call)) continue;
      close();
      this.notices.delete(call);
    }
    for (const call of ringing) {
      if (this.notices.has(call)) continue;
      const title = this.words.rings(this.people.knows(call.uri) ? this.people.nameOf(call.uri) : call.said || call.uri);
      this.notices.set(call, this.notifier.call(call.uri, title, this.self.peek().state));
    }
  }

  /** A muted chat is quiet, unless the user is meant. */
  private arrived(m: Message): void {
    if (this.muted.get(m.chat) && !mentions(m.text, this.user.peek().name)) return;
    void this.notifier.message(m, this.self.peek().state);
  }

  private looking(uri: string): boolean {
    const { view, uri: shown } = this.route.peek();
    return view === "chats" && shown === uri && document.visibilityState === "visible" && document.hasFocus();
  }

  private quietly(op: string, fields: object): void {
    this.request(op, fields).catch(() => undefined);
  }

  private listen(target: EventTarget, name: string, fn: (e: unknown) => void): void {
    target.addEventListener(name, fn);
    this.ends.push(() => target.removeEventListener(name, fn));
  }
}

export type Phase = "starting" | "signed_out" | "set_up" | "signed_in" | "unreachable";

/** What the model says in the user's language. */
export interface Words {
  /** In place of a text that is not to be shown. */
  hidden(): string;
  /** A group chat whose name is not known yet. */
  unnamed(): string;
  /** Somebody calls. */
  rings(name: string): string;
  /** Somebody sent a file. */
  sent(name: string): string;
}

export interface Setup {
  tab: string;
  route: Signal<Route>;
  prefs: Signal<Prefs>;
  leader: Leader;
  words: Words;
}

/** Who was signed in last: without a network it is not known otherwise. */
const USER = "dialtone.user";
const ASK_AGAIN_MS = 2000;
const ASK_AGAIN_MAX_MS = 30_000;

/** That long, or until the browser is back on a network. */
function patience(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(timer);
      removeEventListener("online", over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    addEventListener("online", over);
  });
}

/** Sign-in and sign-out, and the session between them. */
export class App {
  readonly phase = signal<Phase>("starting");
  readonly session = signal<Session | null>(null);
  /** The log-in ended without the user's doing; the sign-in page says so. */
  readonly expired = signal(false);
  /** Counts the begins: one by the button ends the waiting of those before. */
  private begun = 0;

  constructor(readonly setup: Setup) {}

  /** Finds out whether this browser is signed in; asks again by itself for as long as nobody answers. */
  async begin(): Promise<void> {
    const mine = ++this.begun;
    this.phase.value = "starting";
    for (let pause = ASK_AGAIN_MS; !(await this.ask()); pause = Math.min(2 * pause, ASK_AGAIN_MAX_MS)) {
      await patience(pause);
      if (this.begun !== mine) return;
    }
  }

  /** Whether there was an answer. */
  private async ask(): Promise<boolean> {
    try {
      const entry = await http.session();
      if (entry) this.enter(entry);
      else this.phase.value = "signed_out";
    } catch (error) {
      const user = codeOf(error) === "offline" && checkUser(readJson(localStorage, USER));
      if (user) this.enter({ user, limited: false });
      else this.phase.value = codeOf(error) === "signed_out" ? "signed_out" : "unreachable";
    }
    return this.phase.peek() !== "unreachable";
  }

  /** Throws ApiError. */
  async signIn(name: string, password: string, code = ""): Promise<void> {
    this.enter(await http.login(name, password, code));
  }

  /** Throws ApiError if the server could not be told: the log-in is still good then, and nobody should think otherwise. */
  async signOut(): Promise<void> {
    try {
      await http.logout();
    } catch (error) {
      if (codeOf(error) !== "signed_out") throw error;
    }
    this.session.value?.forget();
    this.leave(false);
  }

  private enter({ user, limited }: http.Entry): void {
    if (limited) {
      this.phase.value = "set_up";
      return;
    }
    const { tab, route, prefs, leader, words } = this.setup;
    const session = new Session(user, tab, route, prefs, leader, words);
    writeJson(localStorage, USER, user);
    this.expired.value = false;
    this.session.value = session;
    this.phase.value = "signed_in";
    session.start();
    const end = effect(() => {
      if (session.link.value !== "signed_out") return;
      queueMicrotask(() => {
        end();
        this.leave(true);
      });
    });
  }

  private leave(expired: boolean): void {
    localStorage.removeItem(USER);
    this.session.value?.stop();
    this.session.value = null;
    this.expired.value = expired;
    this.phase.value = "signed_out";
  }
}
