import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { backoff } from "../../src/net/backoff";
import { Link, type LinkState } from "../../src/net/link";
import { ApiError, type Event, type Hello } from "../../src/net/wire";
import { FakeSocket } from "./fakes";

let sockets: FakeSocket[];
let states: LinkState[];
let hellos: Hello[];
let events: Event[];
let signedIn: boolean;
let link: Link;

const socket = () => sockets[sockets.length - 1] as FakeSocket;
const typing = (seq: number, chat = "bob@example.test") => ({ seq, ev: "typing", chat, from: chat, on: true });

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
  states = [];
  hellos = [];
  events = [];
  signedIn = true;
  link = new Link(
    {
      open: () => {
        const s = new FakeSocket();
        sockets.push(s);
        return s as unknown as WebSocket;
      },
      signedIn: async () => signedIn,
      random: () => 0,
    },
    { state: (s) => states.push(s), hello: (h) => hellos.push(h), event: (e) => events.push(e), more: () => ({ calls: [] }) },
    "test/1",
    "tab1",
  );
});

afterEach(() => vi.useRealTimers());

describe("hello and resume", () => {
  it("begins a session and is online after its answer", async () => {
    link.start();
    await socket().welcomes("s1");
    expect(socket().sent[0]).toMatchObject({ op: "hello", client: "test/1", tab: "tab1" });
    expect(socket().sent[0]).not.toHaveProperty("resume");
    expect(states).toEqual(["connecting", "online"]);
  });

  it("resumes with the last number seen, and skips what comes twice", async () => {
    link.start();
    await socket().welcomes("s1");
    await socket().says(typing(1));
    await socket().says(typing(2));
    await socket().breaks();
    await vi.advanceTimersByTimeAsync(1000);
    expect(sockets).toHaveLength(2);
    await socket().welcomes("s1", true, 4);
    expect(socket().sent[0]).toMatchObject({ resume: { session: "s1", seq: 2 } });
    for (const seq of [2, 3, 4]) await socket().says(typing(seq, `p${seq}@example.test`));
    expect(events.map((e) => (e.ev === "typing" ? e.chat : ""))).toEqual([
      "bob@example.test", "bob@example.test", "p3@example.test", "p4@example.test",
    ]);
    expect(hellos.map((h) => h.resumed)).toEqual([false, true]);
  });

  it("counts from the new session's number if the old one is gone", async () => {
    link.start();
    await socket().welcomes("s1");
    await socket().says(typing(9));
    await socket().breaks();
    await vi.advanceTimersByTimeAsync(1000);
    await socket().welcomes("s2", false, 0);
    await socket().says(typing(1));
    expect(events).toHaveLength(2);
  });

  it("does not hear a connection that it has given up", async () => {
    link.start();
    const old = socket();
    await old.welcomes("s1");
    await old.breaks();
    await old.says(typing(1));
    expect(events).toHaveLength(0);
  });
});

describe("requests", () => {
  it("gives each its own answer", async () => {
    link.start();
    await socket().welcomes("s1");
    const a = link.request("people.search", { text: "a" });
    const b = link.request("people.search", { text: "b" });
    const [first, second] = socket().sent.slice(1);
    await socket().says({ re: second?.id, ok: "for b" });
    await socket().says({ re: first?.id, error: { code: "busy", text: "Busy.", remedy: "Wait." } });
    await expect(b).resolves.toBe("for b");
    await expect(a).rejects.toMatchObject({ code: "busy", message: "Busy.", remedy: "Wait." });
  });

  it("refuses with offline before the connection is there", async () => {
    await expect(link.request("chat.send")).rejects.toMatchObject({ code: "offline" });
  });

  it("says lost for what was on its way when the connection broke", async () => {
    link.start();
    await socket().welcomes("s1");
    const sent = link.request("chat.send").catch((e: ApiError) => e.code);
    await socket().breaks();
    await expect(sent).resolves.toBe("lost");
  });

  it("gives a connection up that does not answer", async () => {
    link.start();
    await socket().welcomes("s1");
    const first = socket();
    const sent = link.request("chat.send").catch((e: ApiError) => e.code);
    await vi.advanceTimersByTimeAsync(21_000);
    await expect(sent).resolves.toBe("lost");
    expect(first.closed).toBe(true);
    expect(sockets.length).toBeGreaterThan(1);
  });

  it("finds out soon that a server is gone that owes an answer", async () => {
    link.start();
    await socket().welcomes("s1");
    const first = socket();
    const sent = link.request("chat.send").catch((e: ApiError) => e.code);
    await vi.advanceTimersByTimeAsync(5_500);
    expect(first.last("seen")).toBeDefined();
    await vi.advanceTimersByTimeAsync(4_000);
    await expect(sent).resolves.toBe("lost");
  });

  it("waits for an answer that takes its time, while the server is there", async () => {
    link.start();
    await socket().welcomes("s1");
    void link.request("chat.send").catch(() => undefined);
    for (let i = 0; i < 3; i++) {
      await vi.advanceTimersByTimeAsync(5_500);
      await socket().says({ re: socket().last("seen")?.id, ok: {} });
    }
    expect(socket().closed).toBe(false);
  });

  it("gives a connection up that does not answer a nudge", async () => {
    link.start();
    await socket().welcomes("s1");
    const first = socket();
    link.nudge();
    await vi.advanceTimersByTimeAsync(4_500);
    expect(first.closed).toBe(true);
  });

  it("asks after a minute of silence, and any answer is good", async () => {
    link.start();
    await socket().welcomes("s1");
    await vi.advanceTimersByTimeAsync(61_000);
    const probe = socket().last("seen");
    await socket().says({ re: probe?.id, error: { code: "unknown_op", text: "", remedy: "" } });
    await vi.advanceTimersByTimeAsync(30_000);
    expect(link.state).toBe("online");
  });
});

describe("what has been seen", () => {
  it("is told some seconds after the first of several events, once", async () => {
    link.start();
    await socket().welcomes("s1");
    for (const seq of [1, 2, 3]) await socket().says(typing(seq));
    await vi.advanceTimersByTimeAsync(6_000);
    expect(socket().sent.filter((m) => m.op === "seen").map((m) => m.seq)).toEqual([3]);
  });

  it("is told at once when much has come", async () => {
    link.start();
    await socket().welcomes("s1");
    for (let seq = 1; seq <= 450; seq++) await socket().says(typing(seq));
    expect(socket().sent.filter((m) => m.op === "seen").map((m) => m.seq)).toEqual([200, 400]);
  });
});

describe("the end", () => {
  it.each([
    [4001, "signed_out"],
    [4002, "replaced"],
  ] as const)("stays away after %i", async (code, state) => {
    link.start();
    await socket().welcomes("s1");
    await socket().breaks(code);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(link.state).toBe(state);
    expect(sockets).toHaveLength(1);
  });

  it("finds a refused log-in behind a connection that never came up", async () => {
    signedIn = false;
    link.start();
    await socket().breaks();
    expect(link.state).toBe("signed_out");
    await vi.advanceTimersByTimeAsync(120_000);
    expect(sockets).toHaveLength(1);
  });

  it("begins anew after a breach of the protocol", async () => {
    link.start();
    await socket().welcomes("s1");
    await socket().breaks(4003);
    await vi.advanceTimersByTimeAsync(1000);
    socket().onopen?.();
    expect(socket().sent[0]).not.toHaveProperty("resume");
  });

  it("tries at once when it is nudged", async () => {
    link.start();
    for (let i = 0; i < 6; i++) {
      await socket().breaks();
      await vi.advanceTimersToNextTimerAsync();
    }
    await socket().breaks();
    const before = sockets.length;
    link.nudge();
    expect(sockets).toHaveLength(before + 1);
  });
});

describe("backoff", () => {
  it("doubles, is bounded, and never is zero", () => {
    expect([0, 1, 2].map((n) => backoff(n, 0))).toEqual([250, 500, 1000]);
    expect(backoff(0, 0.999)).toBeLessThanOrEqual(500);
    expect(backoff(1000, 0.999)).toBeLessThanOrEqual(30_000);
    expect(backoff(1000, 0)).toBe(15_000);
  });
});
