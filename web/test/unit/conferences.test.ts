import { describe, expect, it } from "vitest";

import { Conferences, isConference } from "../../src/model/conferences";
import { People } from "../../src/model/people";
import { checkEvent } from "../../src/net/check";
import { ApiError, type ConferenceEvent } from "../../src/net/wire";

const CHAT = "conf-8930b9b29a58b9d180716fe2308586cb.alice@example.test";

function told(more: Partial<ConferenceEvent> = {}): ConferenceEvent {
  return { ev: "conference", chat: CHAT, state: "full", people: [], gone: [], ...more };
}

function world(answers: Record<string, () => unknown> = {}) {
  const asked: [string, object][] = [];
  const people = new People(() => "Group chat");
  const all = new Conferences({
    request: async (op, fields = {}) => (asked.push([op, fields]), answers[op]?.() ?? {}),
    named: (uri, name) => people.setName(uri, name),
  });
  return { all, people, asked };
}

describe("conferences", () => {
  it("are told from people by their address", () => {
    expect(isConference(CHAT)).toBe(true);
    expect(isConference(CHAT.toUpperCase())).toBe(true);
    for (const uri of ["alice@example.test", "conf-short.alice@example.test", "conf-.alice@example.test", "xconf-12345678.a@e.test"]) {
      expect(isConference(uri), uri).toBe(false);
    }
  });

  it("have members who come, change and go", () => {
    const { all, people } = world();
    const one = all.of(CHAT);
    expect(one.value).toBeUndefined();
    expect(people.nameOf(CHAT)).toBe("Group chat");
    all.event(told({ name: "Lunch", organizer: "alice@example.test", people: [{ uri: "bob@example.test", name: "Bob", role: "attendee" }] }));
    expect(people.nameOf(CHAT)).toBe("Lunch");
    expect(people.nameOf("bob@example.test")).toBe("Bob");
    all.event(told({ state: "partial", people: [{ uri: "carol@example.test", role: "attendee" }], gone: ["bob@example.test"] }));
    expect([...(one.value?.members.keys() ?? [])]).toEqual(["carol@example.test"]);
    expect(one.value?.name).toBe("Lunch");
    all.event(told({ state: "partial", name: "Dinner" }));
    expect(people.nameOf(CHAT)).toBe("Dinner");
    all.event(told({ people: [] }));
    expect(one.value?.members.size).toBe(0);
    all.event(told({ state: "none" }));
    expect(one.value).toBeNull();
    all.forget();
    expect(one.value).toBeUndefined();
  });

  it("do not rename people who are known", () => {
    const { all, people } = world();
    people.setFound([{ uri: "bob@example.test", name: "Bob Example" }]);
    all.event(told({ people: [{ uri: "bob@example.test", name: "bob", role: "attendee" }] }));
    expect(people.nameOf("bob@example.test")).toBe("Bob Example");
  });

  it("are made, with whoever can be added", async () => {
    const { all, asked, people } = world({
      "conference.create": () => ({ chat: CHAT }),
      "conference.add": () => {
        if (asked.length === 2) throw new ApiError({ code: "not_found" });
        return {};
      },
    });
    const { chat, failed } = await all.create("Lunch", ["nobody@example.test", "bob@example.test"]);
    expect(chat).toBe(CHAT);
    expect(failed.map(([uri]) => uri)).toEqual(["nobody@example.test"]);
    expect(asked[2]).toEqual(["conference.add", { chat: CHAT, uri: "bob@example.test" }]);
    expect(people.nameOf(CHAT)).toBe("Lunch");
  });

  it("are checked before they are believed", () => {
    expect(checkEvent({ ev: "conference", chat: CHAT, state: "some" })).toBeNull();
    expect(checkEvent({ ev: "conference", state: "full" })).toBeNull();
    expect(checkEvent({ ev: "conference", chat: CHAT, state: "full", people: [{ uri: 5 }, { uri: "b@e.test", role: "king" }], gone: [1, "c@e.test"] })).toEqual(
      told({ people: [{ uri: "b@e.test", role: "attendee" }], gone: ["c@e.test"] }),
    );
  });
});
