import { signal } from "@preact/signals";
import { beforeEach, describe, expect, it } from "vitest";

import { mayRetry, Tray, TRAY_MAX } from "../../src/model/tray";
import { ApiError, type Attached } from "../../src/net/wire";

const BOB = "bob@example.test";
const LIMIT = 1000;

interface Under {
  name: string;
  progress: (bytes: number) => void;
  resolve: () => void;
  reject: (code: string) => void;
  stopped: boolean;
}

let under: Under[];
let sent: [string, string, string][];
let room: boolean;
const online = signal(true);
let limit: number;
let marks: number;
let tray: Tray;

const settle = () => new Promise((r) => setTimeout(r, 0));
const file = (name: string, size = 10) => ({ name, file: new File([new Uint8Array(size)], name) });
const attached = (name: string): Attached => ({ id: `id-${name}`, name, size: 10, type: "x", url: `/files/1/${name}`, expires_at: "" });
const states = () => tray.items.value.map((i) => `${i.name} ${i.state}`);
const at = (name: string) => [...under].reverse().find((u) => u.name === name) as Under;
const key = (name: string) => tray.items.value.find((i) => i.name === name)?.key ?? "";

beforeEach(() => {
  under = [];
  sent = [];
  room = true;
  online.value = true;
  limit = LIMIT;
  marks = 0;
  tray = new Tray({
    online,
    limit: () => limit,
    mark: () => `k${++marks}`,
    upload: (_chat, name, _file, progress) => {
      let u = {} as Under;
      const done = new Promise<Attached>((resolve, reject) => {
        u = { name, progress, resolve: () => resolve(attached(name)), reject: (code) => reject(new ApiError({ code })), stopped: false };
      });
      under.push(u);
      return {
        done,
        stop: () => {
          u.stopped = true;
          u.reject("offline");
        },
      };
    },
    send: (chat, text, f) => room && sent.push([chat, text, f.id]) > 0,
  });
});

describe("files that are to be sent", () => {
  it("go to the server two at a time, in order, and into the chat with the button", async () => {
    tray.add(BOB, ["a", "b", "c"].map((n) => file(n)));
    expect(states()).toEqual(["a sending", "b sending", "c waiting"]);
    at("b").resolve();
    await settle();
    expect(states()).toEqual(["a sending", "b there", "c sending"]);
    expect([tray.waits(BOB), sent]).toEqual([3, []]);
    expect(tray.release(BOB, "look")).toBe(true);
    expect([tray.waits(BOB), sent]).toEqual([0, []]);
    at("c").resolve();
    at("a").resolve();
    await settle();
    expect(sent).toEqual([[BOB, "look", "id-a"], [BOB, "", "id-b"], [BOB, "", "id-c"]]);
    expect(states()).toEqual([]);
  });

  it("tell how far they are, never more than there is", () => {
    tray.add(BOB, [file("a")]);
    at("a").progress(4);
    expect(tray.items.value[0]?.gone).toBe(4);
    at("a").progress(400);
    expect(tray.items.value[0]?.gone).toBe(10);
  });

  it("are not begun if they are too large, nor if the server takes none", () => {
    tray.add(BOB, [file("big", LIMIT + 1), file("fits", LIMIT)]);
    expect(states()).toEqual(["big failed", "fits sending"]);
    expect(tray.items.value.map(mayRetry)).toEqual([false, false]);
    limit = 0;
    expect(tray.add(BOB, [file("x")])).toBe(0);
    expect(tray.refused.value).toEqual({ chat: BOB, why: "none" });
  });

  it("are bounded, and a folder is none", () => {
    expect(tray.add(BOB, Array.from({ length: TRAY_MAX + 3 }, (_, i) => file(`f${i}`)))).toBe(TRAY_MAX);
    expect(tray.refused.value?.why).toBe("full");
    tray.remove(key("f0"));
    expect(tray.add(BOB, [file("g")], true)).toBe(1);
    expect(tray.refused.value?.why).toBe("folder");
    tray.remove(key("g"));
    tray.add(BOB, [file("h")]);
    expect(tray.refused.value).toBeNull();
  });

  it("stop when they are taken out, and give back what was written to them", async () => {
    tray.add(BOB, [file("a"), file("b")]);
    tray.release(BOB, "words");
    expect(tray.remove(key("a"))).toBe("words");
    expect(at("a").stopped).toBe(true);
    at("b").resolve();
    await settle();
    expect(sent).toEqual([[BOB, "", "id-b"]]);
  });

  it("that fail do not keep the others, and go when they are tried again", async () => {
    tray.add(BOB, [file("a"), file("b")]);
    tray.release(BOB, "words");
    at("a").reject("no_space");
    at("b").resolve();
    await settle();
    expect(sent).toEqual([[BOB, "", "id-b"]]);
    expect(tray.items.value[0]).toMatchObject({ state: "failed", code: "no_space", caption: "words" });
    expect(tray.release(BOB, "others")).toBe(false);
    tray.retry(key("a"));
    at("a").resolve();
    await settle();
    expect(sent[1]).toEqual([BOB, "words", "id-a"]);
  });

  it("cannot be tried again if the scanner has found something", async () => {
    tray.add(BOB, [file("a")]);
    at("a").reject("infected");
    await settle();
    tray.retry(key("a"));
    expect(under).toHaveLength(1);
    expect(states()).toEqual(["a failed"]);
  });

  it("wait for the connection and go on by themselves", async () => {
    online.value = false;
    tray.add(BOB, [file("a")]);
    tray.release(BOB, "");
    expect(states()).toEqual(["a waiting"]);
    online.value = true;
    await settle();
    expect(states()).toEqual(["a sending"]);
    online.value = false;
    at("a").reject("offline");
    await settle();
    expect(states()).toEqual(["a waiting"]);
    online.value = true;
    await settle();
    at("a").reject("offline");
    await settle();
    expect(states()).toEqual(["a failed"]);
    online.value = false;
    online.value = true;
    await settle();
    at("a").resolve();
    await settle();
    expect(sent).toEqual([[BOB, "", "id-a"]]);
  });

  it("are not lost if too much waits to be sent", async () => {
    room = false;
    tray.add(BOB, [file("a")]);
    tray.release(BOB, "words");
    at("a").resolve();
    await settle();
    expect(tray.items.value[0]).toMatchObject({ state: "failed", code: "waits" });
    room = true;
    tray.retry(key("a"));
    expect(sent).toEqual([[BOB, "words", "id-a"]]);
    expect(under).toHaveLength(1);
  });

  it("of other chats are not the button's", () => {
    tray.add("chen@example.test", [file("a")]);
    expect([tray.waits(BOB), tray.release(BOB, "words")]).toEqual([0, false]);
  });

  it("all stop at the end", async () => {
    tray.add(BOB, [file("a"), file("b"), file("c")]);
    tray.stop();
    await settle();
    expect(under.map((u) => u.stopped)).toEqual([true, true]);
    expect(states()).toEqual([]);
  });
});
