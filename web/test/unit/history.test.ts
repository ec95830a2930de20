import { beforeEach, describe, expect, it } from "vitest";

import { Call } from "../../src/model/call";
import { SINCE } from "../../src/model/chats";
import { History } from "../../src/model/history";
import type { Media } from "../../src/model/media";
import { Shelf } from "../../src/model/prefs";
import { checkEvent } from "../../src/net/check";
import { ApiError, type CallEvent, type Message, type Outcome } from "../../src/net/wire";
import { FakeStore } from "./fakes";

const T0 = Date.parse("2026-11-27T09:00:00Z");
const at = (s: number) => new Date(T0 + s * 1000).toISOString();
let asked: object[];
let answer: () => unknown;
let remembers: boolean;
let marks: Shelf;
let h: History;

const row = (id: string, s: number, outcome: Outcome = "missed", ours = false): Message => ({
  id, chat: "bob@x", from: ours ? "me@x" : "bob@x", at: at(s), text: "", state: "delivered",
  call: { outcome, began: at(s - 10), seconds: outcome === "answered" ? 10 : 0, video: false },
});
const text = (id: string, s: number): Message => ({ id, chat: "bob@x", from: "bob@x", at: at(s), text: id, state: "delivered" });
const ids = () => h.calls.value.map((p) => p.id);
const results = () => h.calls.value.map((p) => p.result);

beforeEach(() => {
  asked = [];
  answer = () => ({ messages: [], before: "", more: false });
  remembers = true;
  marks = new Shelf(new FakeStore() as unknown as Storage, "marks", 100);
  marks.set(SINCE, at(0));
  const request = async (_: string, fields = {}) => (asked.push(fields), answer());
  h = new History({ me: () => "me@x", request, remembers: () => remembers }, marks);
});

describe("the calls that the server remembers", () => {
  it("say what each was to the user, the newest first", () => {
    h.take([row("a", 1, "answered", true), row("b", 2, "missed", true), text("t", 3), row("c", 4, "declined"), row("d", 5, "busy"), row("e", 6, "busy", true), row("f", 7)]);
    expect(ids()).toEqual(["f", "e", "d", "c", "b", "a"]);
    expect(results()).toEqual(["missed", "busy", "declined", "declined", "unanswered", "answered"]);
    expect(h.calls.value[5]).toMatchObject({ uri: "bob@x", at: at(-9), ours: true, seconds: 10 });
  });

  it("are there once, whoever tells of them", () => {
    h.take([row("a", 1), row("b", 2)]);
    h.take([row("b", 2)]);
    expect(ids()).toEqual(["b", "a"]);
  });

  it("are marked while they are missed and not seen, in all tabs", () => {
    h.take([row("old", -5), row("a", 1), row("b", 2), row("mine", 3, "missed", true)]);
    expect(h.missed.value).toBe(2);
    marks.set("calls", at(1));
    expect(h.missed.value).toBe(1);
    h.seen();
    expect([h.missed.value, marks.get("calls")]).toEqual([0, at(3)]);
    h.take([row("c", 4)]);
    expect(h.missed.value).toBe(1);
  });

  it("are read page by page", async () => {
    answer = () => ({ messages: [row("b", 2), row("c", 3)], before: "17", more: true });
    await h.load();
    expect([ids(), h.more.value, h.asked.value]).toEqual([["c", "b"], true, "done"]);
    answer = () => ({ messages: [row("a", 1)], before: "16", more: false });
    await h.load(true);
    expect([ids(), h.more.value]).toEqual([["c", "b", "a"], false]);
    expect(asked).toEqual([{ calls: true, limit: 50 }, { calls: true, limit: 50, before: "17" }]);
    h.forget();
    expect([ids(), h.asked.value]).toEqual([[], "no"]);
  });

  it("say that they could not be read", async () => {
    answer = () => { throw new ApiError({ code: "lost" }); };
    await h.load();
    expect(h.asked.value).toBe("failed");
    answer = () => { throw new ApiError({ code: "unknown_op" }); };
    await h.load();
    expect(h.asked.value).toBe("done");
  });
});

describe("a call of this page", () => {
  const over = (reason: string, { ours = false, lasted = 0, taken = false } = {}) => {
    const c = new Call("bob@x", ours, {} as Media, new Date(T0));
    if (lasted) c.since.value = new Date(T0);
    c.taken = taken;
    c.end(reason);
    h.ended(c, new Date(T0 + 1000 * lasted));
  };

  it("is the server's to remember", () => {
    over("cancelled");
    expect(ids()).toEqual([]);
  });

  it("is kept here where the server remembers nothing", () => {
    remembers = false;
    const cases: [string, object, string][] = [
      ["hung_up", { ours: true, lasted: 65 }, "answered"], ["no_answer", { ours: true }, "unanswered"],
      ["ended_here", {}, "declined"], ["cancelled", {}, "missed"], ["answered_elsewhere", {}, "answered"],
      ["declined_elsewhere", {}, "declined"], ["no_way", { taken: true }, "failed"],
    ];
    for (const [reason, how, result] of cases) {
      over(reason, how);
      expect(results()).toContain(result);
    }
    expect(h.calls.value.find((p) => p.ours && p.result === "answered")?.seconds).toBe(65);
    h.forget();
    expect(ids().length).toBe(7);
  });
});

describe("what is told of a call", () => {
  const told = (call: unknown) => {
    const e = checkEvent({ ev: "message", message: { ...row("a", 1), call } });
    return e?.ev === "message" ? e.message.call : null;
  };

  it("is read with care", () => {
    expect(told({ outcome: "eaten", began: at(1), seconds: -1, video: "yes" })).toEqual({ outcome: "failed", began: at(1), seconds: 0, video: false });
    for (const bad of [null, 7, {}, { outcome: "missed", began: "never" }]) expect(told(bad)).toBeUndefined();
  });
});

describe("the name that a caller gives", () => {
  const said = (name: unknown) => (checkEvent({ ev: "call", call: "c", state: "incoming", with: "bob@x", name }) as CallEvent).name;

  it("is one short line that turns nothing round", () => {
    expect(said("  Bob\r\n\u0000 of\u2028X ")).toBe("Bob of X");
    expect(said("\u202eboB\u2066\u200f")).toBe("boB");
    expect([...said("😀".repeat(300))].length).toBe(64);
    expect(said("x".repeat(1_000_000)).length).toBe(64);
    expect(said(7)).toBe("");
  });
});
