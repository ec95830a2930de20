import { beforeEach, describe, expect, it } from "vitest";

import { Call } from "../../src/model/call";
import { History, HISTORY_MAX } from "../../src/model/history";
import type { Media } from "../../src/model/media";
import { checkEvent } from "../../src/net/check";
import type { CallEvent } from "../../src/net/wire";
import { FakeStore } from "./fakes";

const T0 = Date.parse("2026-11-27T09:00:00Z");
let store: FakeStore;
const tab = (name: string, speaks = true) => new History(store, "calls", name, () => speaks);

function call(reason: string, { ours = false, at = 0, lasted = 0, uri = "bob@x" } = {}): Call {
  const c = new Call(uri, ours, {} as Media, new Date(T0 + at));
  if (lasted) c.since.value = new Date(T0 + at);
  c.end(reason);
  return c;
}

const ended = (h: History, c: Call, lasted = 0) => h.ended(c, new Date(c.begun.getTime() + lasted));
const results = (h: History) => h.calls.value.map((p) => p.result);

describe("the calls of this browser", () => {
  beforeEach(() => (store = new FakeStore()));

  it("say what became of each, the newest first, and are kept", () => {
    const h = tab("a");
    ended(h, call("hung_up", { ours: true, lasted: 1 }), 65_000);
    ended(h, call("no_answer", { ours: true }));
    ended(h, call("ended_here"));
    ended(h, call("cancelled"));
    expect(results(h)).toEqual(["missed", "declined", "unanswered", "answered"]);
    expect(h.calls.value[3]?.seconds).toBe(65);
    expect(tab("b").calls.value).toEqual(h.calls.value);
  });

  it("mark missed ones until they are seen", () => {
    const h = tab("a");
    ended(h, call("cancelled"));
    ended(h, call("no_answer"));
    expect(h.missed.value).toBe(2);
    h.seen();
    expect([h.missed.value, tab("b").missed.value]).toEqual([0, 0]);
  });

  it("do not miss what another tab answered, whichever is told first", () => {
    const [a, b] = [tab("a"), tab("b")];
    ended(a, call("cancelled", { at: 40 }));
    const taken = call("hung_up", { lasted: 1 });
    b.taken(taken);
    expect(results(tab("c"))).toEqual(["answered"]);
    ended(b, taken, 3_000);
    expect(b.calls.value.map((p) => p.seconds)).toEqual([3]);
    ended(a, call("cancelled", { at: 200 }));
    expect(results(tab("c"))).toEqual(["answered"]);
    // The next call is another one.
    ended(a, call("cancelled", { at: 60_000 }));
    expect(results(tab("c"))).toEqual(["missed", "answered"]);
  });

  it("do not miss what another device took or declined", () => {
    const h = tab("a");
    ended(h, call("answered_elsewhere"));
    ended(h, call("declined_elsewhere", { at: 60_000 }));
    expect(results(h)).toEqual(["declined_elsewhere", "answered_elsewhere"]);
    expect(h.missed.value).toBe(0);
    ended(tab("b", false), call("answered_elsewhere", { at: 120_000 }));
    expect(results(tab("c"))).toEqual(["declined_elsewhere", "answered_elsewhere"]);
    tab("b").taken(call("hung_up", { at: 100, lasted: 1 }));
    expect(results(tab("c"))).toEqual(["answered", "declined_elsewhere"]);
  });

  it("are told by one tab where none answered", () => {
    ended(tab("a"), call("cancelled"));
    ended(tab("b", false), call("cancelled"));
    expect(results(tab("c"))).toEqual(["missed"]);
  });

  it("do not miss what was taken but found no way", () => {
    const h = tab("a");
    const c = call("no_way");
    c.taken = true;
    ended(h, c);
    expect([h.missed.value, results(h)]).toEqual([0, ["failed"]]);
  });

  it("are bounded, and can be cleared", () => {
    const h = tab("a");
    for (let i = 0; i < HISTORY_MAX + 5; i++) ended(h, call("cancelled", { at: i * 60_000 }));
    expect(h.calls.value.length).toBe(HISTORY_MAX);
    expect(tab("b").calls.value.length).toBe(HISTORY_MAX);
    h.clear();
    expect(tab("b").calls.value).toEqual([]);
  });

  it("are read with care", () => {
    const h = tab("a");
    ended(h, call("cancelled"));
    const [good] = h.calls.value;
    const bad = [null, 7, { ...good, at: "never" }, { ...good, uri: "x".repeat(1000) }, { ...good, result: "eaten" }, { ...good, seconds: -1 }];
    store.setItem("calls", JSON.stringify([...bad, good]));
    expect(tab("b").calls.value).toEqual([good]);
    store.setItem("calls", "{");
    expect(tab("b").calls.value).toEqual([]);
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
