import { describe, expect, it } from "vitest";

import { middle } from "../../src/model/portrait";
import { People } from "../../src/model/people";
import { checkPerson, checkUser } from "../../src/net/check";

describe("photos", () => {
  it("are cut to the middle, and of one that stands above it", () => {
    expect(middle(100, 100)).toEqual({ x: 0, y: 0, side: 100 });
    expect(middle(300, 100)).toEqual({ x: 100, y: 0, side: 100 });
    expect(middle(100, 400)).toEqual({ x: 0, y: 100, side: 100 });
  });

  it("stay known until another one is told, or none", () => {
    const people = new People();
    const tell = (fields: object) => people.setPresence([checkPerson({ uri: "b@x", ...fields })!]);
    tell({ photo: "a".repeat(32) });
    tell({ state: "busy" });
    expect(people.person("b@x").value.photo).toBe("a".repeat(32));
    tell({ photo: 7 });
    expect(people.person("b@x").value.photo).toBe("a".repeat(32));
    tell({ photo: "" });
    expect(people.person("b@x").value.photo).toBe("");
  });

  it("of the user may be missing", () => {
    expect(checkUser({ uri: "a@x" })?.photo).toBe("");
    expect(checkUser({ uri: "a@x", photo: "0af7" })?.photo).toBe("0af7");
  });
});
