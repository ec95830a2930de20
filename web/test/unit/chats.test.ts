import { beforeEach, describe, expect, it, vi } from "vitest";

import { Chats } from "../../src/model/chats";
import { Shelf } from "../../src/model/prefs";
import { Outbox, OUTBOX_MAX } from "../../src/net/outbox";
import { ApiError, type ChangeEvent, type Message } from "../../src/net/wire";
import { FakeStore } from "./fakes";

const ME = "alice@example.test";
const BOB = "bob@example.test";
const T0 = Date.parse("2026-11-27T09:00:00.000Z");

let online: boolean;
let looking: string | null;
let refs: number;
let now: number;
let arrived: Message[];
let sent: { op: string; fields: Record<string, unknown> }[];
let server: (op: string, fields: Record<string, unknown>) => Promise<unknown>;
let store: FakeStore;
let chats: Chats;

const at = (s: number) => new Date(T0 + s * 1000).toISOString();
const message = (id: string, from: string, s: number, text = id): Message => ({ id, chat: BOB, from, at: at(s), text, state: "delivered" });
const texts = () => chats.chat(BOB).entries.value.map((e) => e.text);
const states = () => chats.chat(BOB).entries.value.map((e) => e.state);
const settle = () => new Promise((r) => setTimeout(r, 0));
const sends = () => sent.filter((s) => s.op === "chat.send");

function accept(op: string, fields: Record<string, unknown>): Promise<unknown> {
  if (op !== "chat.send") return Promise.resolve({ messages: [], more: false });
  const m = { ...message(`id-${String(fields.ref)}`, ME, 100 + sent.length, String(fields.text)), ref: fields.ref };
  return Promise.resolve({ message: m });
}

function make(): Chats {
  return new Chats(
    {
      me: () => ME,
      request: (op, fields = {}) => {
        sent.push({ op, fields: fields as Record<string, unknown> });
        return server(op, fields as Record<string, unknown>);
      },
      online: () => online,
      looking: (uri) => looking === uri,
      now: () => new Date(now),
      mark: () => `r${++refs}`,
      called: (all) => called.push(...all.filter((m) => m.call)),
      arrived: (m) => arrived.push(m),
    },
    new Outbox(store, "box"),
    new Shelf(store as unknown as Storage, "marks", 100),
  );
}

let called: Message[];

beforeEach(() => {
  called = [];
  online = true;
  looking = null;
  refs = 0;
  now = T0;
  arrived = [];
  sent = [];
  server = accept;
  store = new FakeStore();
  chats = make();
});

describe("calls", () => {
  const call = { outcome: "missed" as const, began: at(1), seconds: 0, video: false };

  it("stand in their chat, and are neither unread nor told as messages", async () => {
    server = () => Promise.resolve({ messages: [{ ...message("b", BOB, 2, ""), call }], more: false });
    await chats.connected(false);
    chats.event({ ev: "message", message: { ...message("c", BOB, 3, ""), call } });
    expect(chats.chat(BOB).entries.value.map((e) => e.call?.outcome)).toEqual(["missed", "missed"]);
    expect([chats.unread.value, arrived.length, called.map((m) => m.id)]).toEqual([0, 0, ["b", "c"]]);
  });
});

describe("receiving", () => {
  it("counts what is not looked at, and tells of it once", () => {
    chats.event({ ev: "message", message: message("1", BOB, 1) });
    chats.event({ ev: "message", message: message("1", BOB, 1) });
    chats.event({ ev: "message", message: message("2", BOB, 2) });
    expect(chats.unread.value).toBe(2);
    expect(arrived.map((m) => m.id)).toEqual(["1", "2"]);
  });

  it("neither counts nor tells what is looked at", () => {
    looking = BOB;
    chats.event({ ev: "message", message: message("1", BOB, 1) });
    expect(chats.unread.value).toBe(0);
    expect(arrived).toHaveLength(0);
  });

  it("puts messages in the order of their time, whatever order they came in", () => {
    for (const s of [3, 1, 2]) chats.event({ ev: "message", message: message(`m${s}`, BOB, s) });
    expect(texts()).toEqual(["m1", "m2", "m3"]);
  });

  it("takes as read what was answered from another device", () => {
    chats.event({ ev: "message", message: message("1", BOB, 1) });
    chats.event({ ev: "message", message: message("2", ME, 2) });
    expect(chats.unread.value).toBe(0);
  });

  it("draws the line at the first new message and clears it when the user answers", async () => {
    chats.event({ ev: "message", message: message("1", BOB, 1) });
    chats.event({ ev: "message", message: message("2", BOB, 2) });
    chats.open(BOB);
    expect(chats.chat(BOB).fresh.value).toBe("1");
    expect(chats.unread.value).toBe(0);
    chats.send(BOB, "answer");
    await settle();
    expect(chats.chat(BOB).fresh.value).toBeNull();
  });

  it("ends somebody's typing with the message, and after 15 s by itself", () => {
    vi.useFakeTimers();
    const typing = chats.chat(BOB).typing;
    chats.event({ ev: "typing", chat: BOB, from: BOB, on: true });
    expect(typing.value).toBe(BOB);
    chats.event({ ev: "message", message: message("1", BOB, 1) });
    expect(typing.value).toBe("");
    chats.event({ ev: "typing", chat: BOB, from: BOB, on: true });
    vi.advanceTimersByTime(15_001);
    expect(typing.value).toBe("");
    vi.useRealTimers();
  });

  it("reads in this tab what another tab has read", () => {
    chats.event({ ev: "message", message: message("1", BOB, 1) });
    const marks = (chats as unknown as { marks: Shelf }).marks;
    marks.set(BOB, at(1));
    chats.marksChanged();
    expect(chats.unread.value).toBe(0);
  });
});

describe("sending", () => {
  it("shows at once and takes the server's message in its place", async () => {
    chats.send(BOB, "hello");
    expect(states()).toEqual(["sending"]);
    await settle();
    expect(states()).toEqual(["delivered"]);
    expect(chats.chat(BOB).entries.value[0]).toMatchObject({ key: "r1", id: "id-r1" });
  });

  it("is not shown twice when the event comes before the answer", async () => {
    server = async (op, f) => {
      chats.event({ ev: "message", message: { ...message("id-r1", ME, 5, "hello"), ref: "r1" } });
      return accept(op, f);
    };
    chats.send(BOB, "hello");
    await settle();
    expect(texts()).toEqual(["hello"]);
  });

  it("queues without a connection and sends in order when it is there", async () => {
    online = false;
    for (const s of ["one", "two", "three"]) chats.send(BOB, s);
    await settle();
    expect(states()).toEqual(["queued", "queued", "queued"]);
    online = true;
    await chats.connected(true);
    expect(sends().map((s) => s.fields.text)).toEqual(["one", "two", "three"]);
    expect(states()).toEqual(["delivered", "delivered", "delivered"]);
  });

  it("sends again under the same mark after a lost answer in a resumed session", async () => {
    server = async () => {
      online = false;
      throw new ApiError({ code: "lost" });
    };
    chats.send(BOB, "hello");
    await settle();
    expect(states()).toEqual(["queued"]);
    server = accept;
    online = true;
    await chats.connected(true);
    expect(sends().map((s) => s.fields.ref)).toEqual(["r1", "r1"]);
    expect(states()).toEqual(["delivered"]);
  });

  it("does not send again what the history of a new session already has", async () => {
    server = async () => {
      online = false;
      throw new ApiError({ code: "lost" });
    };
    chats.send(BOB, "hello");
    await settle();
    server = async (op, f) => (op === "chat.history" ? { messages: [message("x", ME, 1, "hello")], more: false } : accept(op, f));
    online = true;
    sent = [];
    await chats.connected(false);
    expect(sends()).toHaveLength(0);
    expect(texts()).toEqual(["hello"]);
  });

  it("does not take an earlier message of its own with the same words for the lost one", async () => {
    chats.send(BOB, "ok");
    await settle();
    server = async () => {
      online = false;
      throw new ApiError({ code: "lost" });
    };
    chats.send(BOB, "ok");
    await settle();
    server = accept;
    online = true;
    await chats.connected(false);
    expect(texts()).toEqual(["ok", "ok"]);
    expect(states()).toEqual(["delivered", "delivered"]);
  });

  it("keeps a refused message with its reason, and sends it again on demand", async () => {
    server = async () => {
      throw new ApiError({ code: "blocked", text: "Blocked." });
    };
    chats.send(BOB, "hello");
    await settle();
    const failed = chats.chat(BOB).entries.value[0];
    expect(failed).toMatchObject({ state: "failed", error: { code: "blocked" } });
    server = accept;
    chats.retry(BOB, failed?.key ?? "");
    await settle();
    expect(states()).toEqual(["delivered"]);
  });

  it("goes on with the next after a refused one", async () => {
    online = false;
    chats.send(BOB, "bad");
    chats.send(BOB, "good");
    online = true;
    server = async (op, f) => {
      if (f.text === "bad") throw new ApiError({ code: "refused" });
      return accept(op, f);
    };
    await chats.connected(true);
    expect(Object.fromEntries(chats.chat(BOB).entries.value.map((e) => [e.text, e.state]))).toEqual({ bad: "failed", good: "delivered" });
  });

  it("takes a file along, also over a reload and after a failure", async () => {
    const file = { id: "f1", name: "plan.pdf", size: 3, type: "application/pdf", url: "/files/f1/plan.pdf", expires_at: "" };
    online = false;
    chats.send(BOB, "", file);
    expect(make().chat(BOB).entries.value[0]).toMatchObject({ text: "", file, state: "queued" });
    online = true;
    server = async () => {
      throw new ApiError({ code: "busy" });
    };
    await chats.connected(true);
    server = accept;
    chats.retry(BOB, chats.chat(BOB).entries.value[0]?.key ?? "");
    await settle();
    expect(sends().map((s) => [s.fields.text, s.fields.file])).toEqual([["", "f1"], ["", "f1"]]);
    store.setItem("box", JSON.stringify([{ ref: "r", to: BOB, text: "", at: at(1), file: { name: "x", url: "https://evil.example/" } }]));
    expect(make().chat(BOB).entries.value[0]?.file?.url).toBe("");
  });

  it("does not take another file that was sent without a word for the lost one", async () => {
    const file = (id: string) => ({ id, name: "plan.pdf", size: 3, type: "", url: `/files/${id}/plan.pdf`, expires_at: "" });
    server = async () => {
      online = false;
      throw new ApiError({ code: "lost" });
    };
    chats.send(BOB, "", file("f2"));
    await settle();
    const before = { ...message("x", ME, 1, ""), file: file("f1") };
    server = async (op, f) => (op === "chat.history" ? { messages: [before], more: false } : accept(op, f));
    online = true;
    sent = [];
    await chats.connected(false);
    expect(sends().map((s) => s.fields.file)).toEqual(["f2"]);
  });

  it("survives a reload, and refuses more than its bound", () => {
    online = false;
    for (let i = 0; i < OUTBOX_MAX; i++) expect(chats.send(BOB, `m${i}`)).toBe(true);
    expect(chats.send(BOB, "too much")).toBe(false);
    const again = make();
    expect(again.chat(BOB).entries.value).toHaveLength(OUTBOX_MAX);
    expect(again.chat(BOB).entries.value[0]).toMatchObject({ text: "m0", state: "queued" });
  });
});

describe("history", () => {
  it("adds older pages in front and asks before the oldest", async () => {
    server = async () => ({ messages: [message("8", BOB, 8), message("9", BOB, 9)], before: "c8", more: true });
    await chats.load(BOB);
    server = async () => ({ messages: [message("6", BOB, 6), message("7", ME, 7)], before: "c6", more: true });
    await chats.load(BOB, true);
    expect(texts()).toEqual(["6", "7", "8", "9"]);
    expect(sent.map((s) => s.fields.before)).toEqual([undefined, "c8"]);
    expect(chats.chat(BOB).more.value).toBe(true);
  });

  it("goes on where it was before a newer page came", async () => {
    server = async () => ({ messages: [message("6", BOB, 6), message("7", ME, 7)], before: "c6", more: true });
    await chats.load(BOB);
    server = async () => ({ messages: [message("7", ME, 7), message("8", BOB, 8)], before: "c7", more: true });
    await chats.load(BOB);
    await chats.load(BOB, true);
    expect(sent.at(-1)?.fields.before).toBe("c6");
  });

  it("goes back to a message that was found, page by page, and no further", async () => {
    const pages = ["9", "8", "7", "6"];
    let asked = 0;
    server = async () => {
      const id = pages[asked++] ?? "?";
      return { messages: [message(id, BOB, Number(id))], before: `c${id}`, more: true };
    };
    expect(await chats.reach(BOB, "7")).toBe(true);
    expect(chats.chat(BOB).sought.value).toBe("7");
    expect(texts()).toEqual(["7", "8", "9"]);
    expect(await chats.reach(BOB, "8")).toBe(true);
    expect(asked).toBe(3);
  });

  it("says so if a message that was found cannot be reached", async () => {
    server = async () => ({ messages: [message("9", BOB, 9)], before: "c9", more: false });
    expect(await chats.reach(BOB, "1")).toBe(false);
    server = async () => {
      throw new ApiError({ code: "no_server" });
    };
    chats.chat(BOB).more.value = true;
    expect(await chats.reach(BOB, "1")).toBe(false);
    online = false;
    expect(await chats.reach(BOB, "1")).toBe(false);
    expect(chats.chat(BOB).sought.value).toBeNull();
  });

  it("has one page on its way at a time", async () => {
    server = async () => ({ messages: [message("9", BOB, 9)], before: "c9", more: true });
    await Promise.all([chats.load(BOB), chats.load(BOB, true)]);
    expect(sent).toHaveLength(1);
  });

  it("asks again a moment later when it was asked too often, and not for ever", async () => {
    vi.useFakeTimers();
    let refusals = 2;
    server = async () => {
      if (refusals-- > 0) throw new ApiError({ code: "too_many", text: "", remedy: "" });
      return { messages: [message("9", BOB, 9)], before: "c9", more: false };
    };
    const loaded = chats.load(BOB);
    await vi.advanceTimersByTimeAsync(5_000);
    await loaded;
    expect(texts()).toEqual(["9"]);
    expect(sent).toHaveLength(3);
    refusals = 99;
    const failed = chats.load(BOB, true);
    await vi.advanceTimersByTimeAsync(60_000);
    await failed;
    expect(chats.chat(BOB).asked.peek()).toBe("failed");
    vi.useRealTimers();
  });

  it("reads the overview page by page, to a bound", async () => {
    let pages = 0;
    server = async () => ({ messages: [message(`p${++pages}`, BOB, 100 - pages)], before: `c${pages}`, more: true });
    await chats.loadOverview();
    expect(sent.map((s) => s.fields.before)).toEqual([undefined, "c1", "c2", "c3", "c4"]);
  });

  it("drops an old part rather than showing a gap as none", async () => {
    chats.event({ ev: "message", message: message("1", BOB, 1) });
    server = async () => ({ messages: [message("50", BOB, 50), message("51", BOB, 51)], before: "c50", more: true });
    await chats.load(BOB);
    expect(texts()).toEqual(["50", "51"]);
  });

  it("marks as new what came since the last reading", async () => {
    chats.event({ ev: "message", message: message("1", BOB, 1) });
    chats.open(BOB);
    await settle();
    server = async (op) => (op === "chat.history" ? { messages: [message("1", BOB, 1), message("2", BOB, 2)], more: false } : {});
    await chats.connected(false);
    expect(chats.unread.value).toBe(1);
  });

  it("does without history if the server has none", async () => {
    server = async () => {
      throw new ApiError({ code: "unknown_op" });
    };
    await chats.connected(false);
    await chats.load(BOB);
    expect(chats.overview.value).toBe("done");
    expect(chats.chat(BOB).more.value).toBe(false);
  });
});

describe("changes", () => {
  const change = (id: string, kind: ChangeEvent["kind"], more: Partial<ChangeEvent> = {}): ChangeEvent => ({
    ev: "change", chat: BOB, id, from: BOB, at: at(50), kind, text: "", emoji: "", ...more,
  });
  const entry = () => chats.chat(BOB).entries.value[0];

  beforeEach(() => chats.event({ ev: "message", message: message("1", BOB, 1) }));

  it("of a text are shown, with their time, and count as nothing new", () => {
    chats.event(change("1", "edit", { text: "other" }));
    expect(entry()).toMatchObject({ text: "other", edited_at: at(50), unread: true, at: at(1) });
    expect([chats.unread.value, arrived.length]).toEqual([1, 1]);
    expect(chats.chat(BOB).last.value?.text).toBe("other");
  });

  it("take text, file and reactions from what is deleted", () => {
    const file = { id: "f", name: "a.pdf", size: 1, type: "", url: "/files/f/a.pdf", expires_at: "" };
    chats.event({ ev: "message", message: { ...message("2", BOB, 2), file, reactions: [{ emoji: "👍", people: [ME] }] } });
    chats.event(change("2", "delete"));
    expect(chats.chat(BOB).last.value).toMatchObject({ text: "", deleted: true, reactions: [] });
    expect(chats.chat(BOB).last.value?.file).toBeUndefined();
  });

  it("are reactions, each person's once, in the order of the first", () => {
    const react = (from: string, emoji: string, kind: "react" | "unreact" = "react") => chats.event(change("1", kind, { from, emoji }));
    react(BOB, "👍");
    react(ME, "🎉");
    react(ME, "👍");
    react(ME, "👍");
    expect(entry()?.reactions).toEqual([{ emoji: "👍", people: [BOB, ME] }, { emoji: "🎉", people: [ME] }]);
    react(ME, "🎉", "unreact");
    react(BOB, "👍", "unreact");
    react(BOB, "👀", "unreact");
    expect(entry()?.reactions).toEqual([{ emoji: "👍", people: [ME] }]);
  });

  it("of what is not there are skipped, and make no chat", () => {
    chats.event(change("7", "edit", { text: "other" }));
    chats.event(change("1", "edit", { text: "other", chat: "new@example.test" }));
    expect(texts()).toEqual(["1"]);
    expect(chats.find("new@example.test")).toBeNull();
  });

  it("stand in the history as well", async () => {
    const rows = [{ ...message("0", BOB, 0, ""), deleted: true }, { ...message("1", BOB, 1), edited_at: at(9), reactions: [{ emoji: "👍", people: [BOB] }] }];
    server = async () => ({ messages: rows, before: "", more: false });
    await chats.load(BOB);
    expect(chats.chat(BOB).entries.value).toMatchObject([{ deleted: true }, { edited_at: at(9), reactions: [{ emoji: "👍", people: [BOB] }] }]);
  });
});
