// The WebSocket: connects, says hello, resumes after a broken connection, gives each request its answer
// and each event once. It holds no data of the program; who uses it gets events in order.

import { backoff } from "./backoff";
import { checkError, checkEvent, checkHello, isObject } from "./check";
import { ApiError, type Event, type Hello } from "./wire";

export const PROTOCOL = "dialtone.v1";

/** An answer that takes longer means that the connection is dead. */
const ANSWER_MS = 20_000;
/** After that long without a word from the server it is asked whether it is there. */
const SILENCE_MS = 60_000;
/** The same while it owes an answer. */
const SLOW_MS = 5_000;
/** So long it has to say so where there is doubt: a network that has changed tells nobody. */
const DOUBT_MS = 4_000;
/** So long after an event, or after so many, the server is told that it need not keep them. */
const SEEN_MS = 5_000;
const SEEN_EVENTS = 200;

const CLOSE_SIGNED_OUT = 4001;
const CLOSE_REPLACED = 4002;
const CLOSE_PROTOCOL = 4003;

export type LinkState = "off" | "connecting" | "online" | "waiting" | "signed_out" | "replaced";

/** What a link needs of the world, so that tests can be the world. */
export interface World {
  open(): WebSocket;
  /** Whether the log-in is still good; throws if nobody answers. Asked after a connection that never came up. */
  signedIn(): Promise<boolean>;
  random(): number;
}

export interface Handlers {
  state(state: LinkState, retryAt: number): void;
  /** After each hello; `resumed` false means that everything will be told again. */
  hello(hello: Hello): void;
  event(event: Event): void;
  /** What else a hello says. */
  more(): object;
}

interface Pending {
  resolve(ok: unknown): void;
  reject(error: ApiError): void;
  timer: ReturnType<typeof setTimeout>;
}

export class Link {
  state: LinkState = "off";
  private socket: WebSocket | null = null;
  private session: { id: string; seq: number } | null = null;
  private toldSeen = 0;
  private pending = new Map<number, Pending>();
  private nextId = 1;
  private attempts = 0;
  private wait: ReturnType<typeof setTimeout> | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;
  private seen: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly world: World,
    private readonly handlers: Handlers,
    private readonly client: string,
    private readonly tab: string,
  ) {}

  /** Connects, and from now on comes back by itself until `stop()`, a sign-out or a replacement. */
  start(): void {
    if (this.socket) return;
    clearTimeout(this.wait);
    this.to("connecting");
    const socket = this.world.open();
    let opened = false;
    this.socket = socket;
    socket.onopen = () => {
      opened = true;
      this.sayHello();
    };
    socket.onmessage = (m: MessageEvent) => this.received(socket, m.data);
    socket.onclose = (e: CloseEvent) => void this.closed(socket, e.code, opened);
  }

  /** Ends the connection and forgets the session. */
  stop(): void {
    clearTimeout(this.wait);
    this.session = null;
    this.drop("lost");
    this.to("off");
  }

  /** The network is back, or the page was looked at again: tries now what would be tried later. */
  nudge(): void {
    if (this.state === "waiting") {
      this.attempts = 0;
      this.start();
    } else if (this.state === "online") {
      this.probe(DOUBT_MS);
    }
  }

  /** Asks the server. Rejects with ApiError: its own error, or `offline` (not sent) or `lost` (not known whether it was done). */
  request(op: string, fields: object = {}): Promise<unknown> {
    if (this.state !== "online") return Promise.reject(new ApiError({ code: "offline" }));
    return this.send(op, fields);
  }

  private send(op: string, fields: object, ms = ANSWER_MS): Promise<unknown> {
    const id = this.nextId++;
    const socket = this.socket;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.fail(socket), ms);
      this.pending.set(id, { resolve, reject, timer });
      socket?.send(JSON.stringify({ id, op, ...fields }));
      if (ms === ANSWER_MS) this.listen();
    });
  }

  private sayHello(): void {
    const resume = this.session && { session: this.session.id, seq: this.session.seq };
    const socket = this.socket;
    this.send("hello", { client: this.client, tab: this.tab, ...(resume ? { resume } : {}), ...this.handlers.more() }).then(
      (ok) => this.welcomed(socket, checkHello(ok)),
      () => this.fail(socket),
    );
  }

  private welcomed(socket: WebSocket | null, hello: Hello | null): void {
    if (socket !== this.socket) return;
    if (!hello) return this.fail(socket);
    // A resumed session goes on where this side is: what it missed follows with its own numbers.
    this.session = { id: hello.session, seq: hello.resumed ? (this.session?.seq ?? hello.seq) : hello.seq };
    this.toldSeen = this.session.seq;
    this.attempts = 0;
    this.listen();
    this.handlers.hello(hello);
    this.to("online");
  }

  private received(socket: WebSocket, data: unknown): void {
    if (socket !== this.socket || typeof data !== "string") return;
    let json: unknown;
    try {
      json = JSON.parse(data);
    } catch {
      return this.fail(socket);
    }
    if (!isObject(json)) return;
    if (typeof json.re === "number") this.answered(json.re, json);
    else if (typeof json.seq === "number") this.happened(json.seq, json);
    this.listen();
  }

  private answered(id: number, json: Record<string, unknown>): void {
    const pending = this.pending.get(id);
    if (!pending) return;
    this.pending.delete(id);
    clearTimeout(pending.timer);
    if (json.error !== undefined) pending.reject(new ApiError(checkError(json.error)));
    else pending.resolve(json.ok);
  }

  private happened(seq: number, json: Record<string, unknown>): void {
    // A number that was seen already is a repetition from before a resume.
    if (!this.session || seq <= this.session.seq) return;
    this.session.seq = seq;
    if (seq - this.toldSeen >= SEEN_EVENTS) this.probe();
    else this.seen ??= setTimeout(() => this.probe(), SEEN_MS);
    const event = checkEvent(json);
    if (event) this.handlers.event(event);
  }

  private async closed(socket: WebSocket, code: number, opened: boolean): Promise<void> {
    if (socket !== this.socket) return;
    this.drop("lost");
    if (code === CLOSE_SIGNED_OUT) return this.end("signed_out");
    if (code === CLOSE_REPLACED) return this.end("replaced");
    if (code === CLOSE_PROTOCOL) this.session = null;
    const delay = backoff(this.attempts++, this.world.random());
    this.wait = setTimeout(() => this.start(), delay);
    this.to("waiting", Date.now() + delay);
    // A refused upgrade looks like any other failure to a page, so a plain request finds out.
    if (!opened && !(await this.world.signedIn().catch(() => true)) && this.state === "waiting") this.end("signed_out");
  }

  private end(state: "signed_out" | "replaced"): void {
    clearTimeout(this.wait);
    this.session = null;
    this.to(state);
  }

  /** Gives this connection up as if it had broken. */
  private fail(socket: WebSocket | null): void {
    if (!socket || socket !== this.socket) return;
    void this.closed(socket, 1006, true);
    socket.close();
  }

  private drop(code: string): void {
    const socket = this.socket;
    this.socket = null;
    clearTimeout(this.silence);
    this.forgetSeen();
    for (const p of this.pending.values()) {
      clearTimeout(p.timer);
      p.reject(new ApiError({ code }));
    }
    this.pending.clear();
    socket?.close();
  }

  private listen(): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.probe(DOUBT_MS), this.pending.size ? SLOW_MS : SILENCE_MS);
  }

  /** Says how far the events came. Any answer shows that the server is there; no answer ends the connection. */
  probe(ms = ANSWER_MS): void {
    this.forgetSeen();
    if (this.state !== "online" || !this.session) return;
    this.toldSeen = this.session.seq;
    this.send("seen", { seq: this.session.seq }, ms).catch(() => undefined);
  }

  private forgetSeen(): void {
    clearTimeout(this.seen);
    this.seen = undefined;
  }

  private to(state: LinkState, retryAt = 0): void {
    this.state = state;
    this.handlers.state(state, retryAt);
  }
}
