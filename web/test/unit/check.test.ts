import { describe, expect, it } from "vitest";

import { checkError, checkEvent, checkFile, checkHello, checkMessage, checkMessages, checkPerson } from "../../src/net/check";

const message = { id: "1", chat: "bob@a.test", from: "bob@a.test", at: "2026-11-27T09:13:01.123Z", text: "Hi", state: "delivered" };

describe("the file of a message", () => {
  const file = (v: unknown) => checkFile(v);
  it("leads to this server or nowhere, and its name turns nothing round", () => {
    expect(file({ id: "h3", name: "a b.pdf", size: 5, type: "x", url: "/files/h3/a%20b.pdf" })?.url).toBe("/files/h3/a%20b.pdf");
    for (const url of ["//evil.example/x", "/files/../x", "/files/h3/a/b", "/files/h3/a?b", "javascript:1", "https://x/files/h3/a", 7]) {
      expect(file({ name: "a", url })?.url).toBe("");
    }
    expect(file({ gone: true, name: "cod\u202efdp\n.exe" })).toMatchObject({ name: "codfdp .exe", url: "", size: 0 });
    expect(file({ name: "x".repeat(9_999) })?.name).toHaveLength(255);
    expect([file(null), file({}), file({ name: 7 })]).toEqual([undefined, undefined, undefined]);
  });
});

describe("checks of what the server says", () => {
  it("takes a message, and refuses one without what makes it one", () => {
    expect(checkMessage(message)).toMatchObject({ text: "Hi", state: "delivered" });
    for (const field of ["id", "chat", "from", "at"]) expect(checkMessage({ ...message, [field]: undefined })).toBeNull();
    expect(checkMessage({ ...message, at: "yesterday" })).toBeNull();
    expect(checkMessage({ ...message, text: { toString: "no" } })?.text).toBe("");
    expect(checkMessage({ ...message, state: "eaten" })?.state).toBe("delivered");
  });

  it("skips what is wrong in a list and keeps the rest", () => {
    expect(checkMessages({ messages: [message, 7, null, { id: 3 }], before: "c", more: true })).toMatchObject({ messages: [{ id: "1" }], more: true });
    expect(checkMessages("x")).toEqual({ messages: [], before: "", more: false });
  });

  it("keeps unknown apart from not said", () => {
    expect(checkPerson({ uri: "a@b" })?.state).toBeUndefined();
    expect(checkPerson({ uri: "a@b", state: "dancing" })?.state).toBe("unknown");
    expect(checkPerson({ uri: "a@b", phones: ["+49", 7] })?.phones).toEqual(["+49"]);
    expect(checkPerson({ uri: "a@b", note: "" })).toMatchObject({ note: "" });
    expect(checkPerson({ name: "nobody" })).toBeNull();
  });

  it("skips kinds of events that it does not know", () => {
    expect(checkEvent({ seq: 1, ev: "call" })).toBeNull();
    expect(checkEvent({ seq: 1, ev: "message", message: { id: "1" } })).toBeNull();
    expect(checkEvent({ seq: 1, ev: "self", state: "away" })).toEqual({
      ev: "self", self: { state: "away", chosen: null, note: "" },
    });
  });

  it("needs a session and a user in a hello, and has limits by itself", () => {
    expect(checkHello({ session: "s", user: { uri: "a@b" } })).toMatchObject({ seq: 0, limits: { message_bytes: 8000 } });
    expect(checkHello({ user: { uri: "a@b" } })).toBeNull();
    expect(checkHello({ session: "s" })).toBeNull();
  });

  it("makes an error of anything", () => {
    expect(checkError(null)).toEqual({ code: "internal", text: "", remedy: "", retry_s: 0 });
    expect(checkError({ code: "busy", retry_s: -3 })).toMatchObject({ code: "busy", retry_s: 0 });
  });
});
