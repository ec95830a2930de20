import { beforeEach, describe, expect, it } from "vitest";

import { canChange, canEdit, Changes, UNSEEN, type Sent } from "../../src/model/changes";
import type { Entry } from "../../src/model/entries";
import { checkEvent, checkMessage } from "../../src/net/check";
import { ApiError, type ChangeEvent } from "../../src/net/wire";
import { isEmoji, USUAL } from "../../src/text/emoji";

const ME = "alice@example.test";
const BOB = "bob@example.test";
const AT = "2026-11-27T09:13:01.123Z";

const entry = (more: Partial<Entry> = {}): Sent =>
  ({ key: "1", id: "1", from: ME, at: AT, text: "Hello", state: "delivered", unread: false, ...more }) as Sent;

let asked: [string, object][];
let applied: ChangeEvent[];
let answer: () => Promise<unknown>;
let changes: Changes;

beforeEach(() => {
  asked = [];
  applied = [];
  answer = async () => ({ shown: true });
  changes = new Changes({
    request: (op, fields) => {
      asked.push([op, fields]);
      return answer();
    },
    me: () => ME,
    now: () => new Date(AT),
    apply: (c) => applied.push(c),
  });
});

const refuse = (code: string) => async () => {
  throw new ApiError({ code });
};

describe("which messages can be changed", () => {
  it("those that the server keeps, and only one's own texts", () => {
    expect(canChange(entry({ from: BOB }))).toBe(true);
    for (const no of [{ id: null }, { id: "own-3" }, { deleted: true }]) expect(canChange(entry(no as Partial<Entry>))).toBe(false);
    const file = { id: "f", name: "a", size: 1, type: "", url: "", expires_at: "" };
    const kept = { ...file, url: "/files/f/a" };
    const edited = [entry(), entry({ from: BOB }), entry({ file }), entry({ file: kept }), entry({ id: "own-1" })];
    expect(edited.map((e) => canEdit(e, ME))).toEqual([true, false, false, true, false]);
  });
});

describe("changing a message", () => {
  it("edits it by its id and its time", async () => {
    changes.begin(BOB, entry());
    expect([changes.editing(BOB)?.entry.text, changes.editing("chen@example.test")]).toEqual(["Hello", null]);
    const saved = changes.save("Hello, all");
    expect(changes.busy.value).toBe(true);
    await saved;
    expect(asked).toEqual([["chat.edit", { chat: BOB, message: "1", at: AT, text: "Hello, all" }]]);
    expect([changes.editing(BOB), changes.busy.value]).toEqual([null, false]);
  });

  it("keeps the file of a message whose text it edits", async () => {
    changes.begin(BOB, entry({ file: { id: "f", name: "a", size: 1, type: "", url: "/files/f/a", expires_at: "" } }));
    await changes.save("");
    expect(asked).toEqual([["chat.edit", { chat: BOB, message: "1", at: AT, text: "", file: "f" }]]);
  });

  it("asks nothing if nothing was changed, and not twice at a time", async () => {
    changes.begin(BOB, entry());
    await changes.save("Hello");
    expect([asked.length, changes.edit.value]).toEqual([0, null]);
    changes.begin(BOB, entry());
    await Promise.all([changes.save("a"), changes.save("b")]);
    expect(asked).toHaveLength(1);
  });

  it("keeps the edit where it failed, and says why until the next try", async () => {
    answer = refuse("too_many");
    changes.begin(BOB, entry());
    await changes.save("other");
    expect(changes.note.value).toEqual({ chat: BOB, kind: "edit", code: "too_many" });
    expect(changes.editing(BOB)).not.toBeNull();
    answer = async () => ({ shown: true });
    await changes.save("other");
    expect([changes.note.value, changes.edit.value]).toEqual([null, null]);
  });

  it("does not end another edit that was begun meanwhile", async () => {
    changes.begin(BOB, entry());
    const saved = changes.save("other");
    changes.begin(BOB, entry({ id: "2" }));
    await saved;
    expect(changes.editing(BOB)?.entry.id).toBe("2");
  });

  it("deletes it with its file, and ends the edit of it", async () => {
    const file = { id: "f1", name: "a", size: 1, type: "", url: "", expires_at: "" };
    changes.begin(BOB, entry());
    await changes.remove(BOB, entry({ file }));
    expect(asked).toEqual([["chat.delete", { chat: BOB, message: "1", at: AT, file: "f1" }]]);
    expect(changes.edit.value).toBeNull();
  });

  it("shows a reaction at once and takes it back if it is refused", async () => {
    await changes.react(BOB, entry(), "👍", true);
    expect(applied.map((c) => [c.kind, c.emoji, c.from])).toEqual([["react", "👍", ME]]);
    answer = refuse("not_found");
    await changes.react(BOB, entry(), "👍", false);
    expect(applied.slice(1).map((c) => c.kind)).toEqual(["unreact", "react"]);
    expect(changes.note.value?.code).toBe("not_found");
  });

  it("says once of each kind that some devices do not show it", async () => {
    answer = async () => ({ shown: false });
    await changes.react(BOB, entry(), "👍", true);
    expect(changes.note.value).toEqual({ chat: BOB, kind: "react", code: UNSEEN });
    await changes.react(BOB, entry(), "🎉", true);
    expect(changes.note.value).toBeNull();
    await changes.remove(BOB, entry());
    expect(changes.note.value?.kind).toBe("delete");
  });
});

describe("changes from the server", () => {
  const event = { ev: "change", chat: BOB, id: "1", from: BOB, at: AT };
  it("are taken as they are meant, or not at all", () => {
    expect(checkEvent({ ...event, kind: "edit", text: "x" })).toMatchObject({ kind: "edit", text: "x", emoji: "" });
    expect(checkEvent({ ...event, kind: "unreact", emoji: "🧑🏽‍🚀" })).toMatchObject({ emoji: "🧑🏽‍🚀" });
    for (const bad of [{ kind: "eat" }, { kind: "react" }, { kind: "react", emoji: "a\u202eb" }, { kind: "react", emoji: "a\nb" }, {}]) {
      expect(checkEvent({ ...event, ...bad })).toBeNull();
    }
  });

  it("in a message are checked likewise, and bounded", () => {
    const message = { id: "1", chat: BOB, from: BOB, at: AT, text: "", state: "delivered" };
    const many = Array.from({ length: 80 }, (_, i) => ({ emoji: `e${i}`, people: [BOB, 7] }));
    expect(checkMessage({ ...message, reactions: many })?.reactions).toHaveLength(50);
    const odd = [null, { emoji: "", people: [BOB] }, { emoji: "👍", people: [] }, { emoji: "👍", people: [BOB, 7] }];
    expect(checkMessage({ ...message, reactions: odd, deleted: 1, edited_at: 7 })).toMatchObject({ reactions: [{ emoji: "👍", people: [BOB] }], deleted: false });
  });
});

describe("one emoji", () => {
  it("is one picture with what belongs to it, and no text", () => {
    for (const one of [...USUAL, "🧑🏽‍🚀", "🇩🇪", "3️⃣", "👨‍👩‍👧‍👦", "☀️", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"]) expect(isEmoji(one), one).toBe(true);
    for (const no of ["", "a", "ok", "👍👍", "👍 ", "1", "<b>", "👍🏽👍🏽"]) expect(isEmoji(no), no).toBe(false);
  });
});
