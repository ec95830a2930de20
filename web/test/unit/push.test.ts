import { describe, expect, it } from "vitest";

import type { Memory } from "../../src/worker/memory";
import { noticeOf, readTold } from "../../src/worker/notice";

const ALICE = "alice@example.test";
const BOB = "bob@example.test";
const GROUP = "conf-1.alice@example.test";
const NOON = new Date(2026, 0, 5, 12, 0);

const memory = (change: Partial<Memory> = {}): Memory => ({
  user: ALICE, name: "Alice Example", notify: true, notifyText: true, quiet: false, quietFrom: "22:00", quietTo: "07:00",
  muted: [], groups: { [GROUP]: "Lunch" }, words: { app: "Dialtone", hidden: "Neu", call: "{name} ruft an", unnamed: "Gruppe" },
  ...change,
});
const told = (change: object = {}) => {
  const t = readTold(JSON.stringify({ kind: "message", user: ALICE, chat: BOB, from: BOB, name: "Bob", text: "Hello", ...change }));
  if (!t) throw new Error("not read");
  return t;
};

describe("what a push service brings", () => {
  it("is shown with who says it, and in a group where", () => {
    expect(noticeOf(told(), memory(), NOON)).toEqual({ title: "Bob", body: "Hello", tag: `chat:${BOB}`, silent: false });
    expect(noticeOf(told({ chat: GROUP }), memory(), NOON)).toMatchObject({ title: "Lunch", body: "Bob: Hello", tag: `chat:${GROUP}` });
    expect(noticeOf(told({ chat: GROUP }), memory({ groups: {} }), NOON)).toMatchObject({ title: "Gruppe" });
    expect(noticeOf(told({ name: "" }), memory(), NOON)).toMatchObject({ title: BOB });
    expect(noticeOf(told({ kind: "call", text: undefined }), memory(), NOON)).toEqual({ title: "Bob ruft an", body: "", tag: `call:${BOB}`, silent: false });
  });

  it("is without its text where the user or the server wants it so", () => {
    expect(noticeOf(told(), memory({ notifyText: false }), NOON)?.body).toBe("Neu");
    expect(noticeOf(told({ text: undefined }), memory(), NOON)?.body).toBe("Neu");
    expect(noticeOf(told({ text: "> Bob: old\n\nnew" }), memory(), NOON)?.body).toBe("new");
    expect(noticeOf(told({ text: "It is **live** at `:443`" }), memory(), NOON)?.body).toBe("It is live at :443");
  });

  it("is not shown to somebody else, nor to who wants no notifications", () => {
    expect(noticeOf(told(), memory({ user: "carol@example.test" }), NOON)).toBeNull();
    expect(noticeOf(told(), memory({ notify: false }), NOON)).toBeNull();
    expect(noticeOf(told({ user: "Alice@Example.Test" }), memory(), NOON)).not.toBeNull();
  });

  it("of a muted group is shown to who is meant alone", () => {
    const muted = memory({ muted: [GROUP] });
    expect(noticeOf(told({ chat: GROUP }), muted, NOON)).toBeNull();
    expect(noticeOf(told({ chat: GROUP, text: "@Alice Example look" }), muted, NOON)).toMatchObject({ title: "Lunch" });
    expect(noticeOf(told(), muted, NOON)).not.toBeNull();
  });

  it("makes no noise in quiet hours", () => {
    const quiet = memory({ quiet: true });
    expect(noticeOf(told(), quiet, new Date(2026, 0, 5, 23, 30))?.silent).toBe(true);
    expect(noticeOf(told(), quiet, NOON)?.silent).toBe(false);
  });

  it("is shown in English where no page has left a word", () => {
    expect(noticeOf(told({ text: undefined }), null, NOON)).toMatchObject({ title: "Bob", body: "New message" });
  });

  it("that is none of ours is nothing", () => {
    for (const data of ["", "{", "[]", "null", "5", '{"chat": 5, "from": "x"}', '{"kind": "message"}']) expect(readTold(data), data).toBeNull();
  });
});
