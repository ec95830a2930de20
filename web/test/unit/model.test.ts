import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Activity, IDLE_MS } from "../../src/model/activity";
import { rows, type Entry } from "../../src/model/entries";
import { matches, People } from "../../src/model/people";
import { loadPrefs, Shelf } from "../../src/model/prefs";
import { rosterRows } from "../../src/model/roster";
import { hrefOf, parseRoute } from "../../src/model/route";
import { TypingTeller } from "../../src/model/typing";
import { FakeStore } from "./fakes";

describe("people", () => {
  it("takes a state with all that belongs to it, and all else as an addition", () => {
    const people = new People();
    people.setPresence([{ uri: "b@x", state: "busy", activity: "on-the-phone", note: "hm", title: "Chief" }]);
    people.setFound([{ uri: "b@x", name: "Bob" }]);
    expect(people.person("b@x").value).toMatchObject({ state: "busy", note: "hm", name: "Bob", title: "Chief" });
    people.setPresence([{ uri: "b@x", state: "available" }]);
    expect(people.person("b@x").value).toMatchObject({ state: "available", name: "Bob", activity: undefined, note: "hm" });
    people.setPresence([{ uri: "b@x", note: "" }]);
    expect(people.person("b@x").value).toMatchObject({ state: "available", note: "" });
    people.forgetStates();
    expect(people.stateOf("b@x")).toBe("unknown");
  });

  it("names by contact, directory, address in that order", () => {
    const people = new People();
    expect(people.nameOf("bob@x")).toBe("bob");
    people.setFound([{ uri: "bob@x", name: "Robert" }]);
    expect(people.nameOf("bob@x")).toBe("Robert");
    people.setContacts([], [{ uri: "bob@x", name: "Bobby", groups: [] }]);
    expect(people.nameOf("bob@x")).toBe("Bobby");
  });

  it("matches the beginnings of words without accents", () => {
    expect(matches("mul ja", "Jan Müller")).toBe(true);
    expect(matches("üller", "Jan Müller")).toBe(false);
    expect(matches("example", "Jan", "jan@example.test")).toBe(true);
  });
});

describe("roster", () => {
  const input = {
    groups: [{ id: 1, name: "~" }, { id: 5, name: "Work" }],
    contacts: [
      { uri: "b@x", name: "Bob", groups: [5] },
      { uri: "a@x", name: "Al", groups: [5, 1] },
      { uri: "z@x", name: "Zoe", groups: [77] },
    ],
    closed: new Set<number>(),
    nameOf: (uri: string) => uri,
    compare: (a: string, b: string) => a.localeCompare(b),
  };

  it("lists groups with their people sorted, the default group last", () => {
    expect(rosterRows(input).map((r) => r.key)).toEqual(["g5", "g5/a@x", "g5/b@x", "g1", "g1/a@x", "g1/z@x"]);
  });

  it("hides the people of a closed group but counts them, and a default group without people", () => {
    const closed = rosterRows({ ...input, closed: new Set([5]) });
    expect(closed[0]).toMatchObject({ key: "g5", open: false, count: 2 });
    expect(closed[1]?.key).toBe("g1");
    expect(rosterRows({ ...input, contacts: [] }).map((r) => r.key)).toEqual(["g5"]);
  });
});

describe("rows of a chat", () => {
  const entry = (key: string, from: string, at: string): Entry => ({ key, id: key, from, at, text: key, state: "delivered", unread: false });
  it("groups by author and time, and breaks at days and at the new line", () => {
    const list = [
      entry("1", "a", "2026-11-26T23:58:00Z"),
      entry("2", "a", "2026-11-27T00:01:00Z"),
      entry("3", "a", "2026-11-27T00:02:00Z"),
      entry("4", "b", "2026-11-27T00:03:00Z"),
      entry("5", "b", "2026-11-27T00:04:00Z"),
      entry("6", "b", "2026-11-27T00:20:00Z"),
    ];
    const shown = rows(list, "5", (at) => at.slice(0, 10));
    expect(shown.map((r) => [r.entry.key, r.day, r.fresh, r.head, r.tail].map(Number).join(""))).toEqual([
      "11011", "21010", "30001", "40011", "50111", "60011",
    ]);
  });
});

describe("what a browser keeps", () => {
  it("reads its own settings back and mends strange ones", () => {
    const store = new FakeStore() as unknown as Storage;
    const prefs = loadPrefs(store);
    prefs.value = { ...prefs.value, theme: "dark", notify: false };
    expect(loadPrefs(store).value).toMatchObject({ theme: "dark", notify: false });
    store.setItem("dialtone.prefs", '{"theme":"pink","language":7}');
    expect(loadPrefs(store).value).toMatchObject({ theme: "auto", language: "auto" });
    store.setItem("dialtone.prefs", "{");
    expect(loadPrefs(store).value.theme).toBe("auto");
  });

  it("loses the oldest of a full shelf, and sees what another tab writes", () => {
    const store = new FakeStore() as unknown as Storage;
    const one = new Shelf(store, "k", 2);
    const two = new Shelf(store, "k", 2);
    one.set("a", "1");
    one.set("b", "2");
    one.set("a", "3");
    one.set("c", "4");
    expect(one.values.value).toEqual({ a: "3", c: "4" });
    two.changed({ key: "k" } as StorageEvent);
    expect(two.get("c")).toBe("4");
    one.set("c", "");
    expect(one.values.value).toEqual({ a: "3" });
  });
});

describe("routes", () => {
  it("come back as they went", () => {
    for (const uri of ["bob@example.test", "weird/na%me@x", null]) {
      expect(parseRoute(hrefOf("chats", uri))).toEqual({ view: "chats", uri });
    }
    expect(parseRoute("#/settings/x")).toEqual({ view: "settings", uri: null });
    expect(parseRoute("#/settings/security")).toEqual({ view: "settings", uri: "security" });
    expect(parseRoute("#/chats/%E0%A4%A")).toEqual({ view: "chats", uri: null });
    expect(parseRoute("")).toEqual({ view: "chats", uri: null });
  });
});

describe("timers", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("tells typing at the begin, every 10 s, and at the end", () => {
    const told: [string, boolean][] = [];
    const teller = new TypingTeller((to, on) => told.push([to, on]));
    for (let s = 0; s < 12; s++) {
      teller.key("bob", false);
      vi.advanceTimersByTime(1000);
    }
    expect(told).toEqual([["bob", true], ["bob", true]]);
    vi.advanceTimersByTime(5000);
    expect(told.at(-1)).toEqual(["bob", false]);
    teller.key("bob", false);
    teller.key("bob", true);
    expect(told.at(-1)).toEqual(["bob", false]);
    teller.key("bob", false);
    teller.stop(true);
    expect(told.at(-1)).toEqual(["bob", true]);
  });

  it("tells that nobody is there after five minutes, and that somebody is back, once each", () => {
    const told: boolean[] = [];
    const activity = new Activity((a) => told.push(a));
    activity.used();
    vi.advanceTimersByTime(IDLE_MS - 1);
    activity.used();
    vi.advanceTimersByTime(IDLE_MS + 1);
    expect(told).toEqual([false]);
    activity.used();
    activity.used();
    expect(told).toEqual([false, true]);
  });
});
