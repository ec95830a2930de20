import { afterEach, describe, expect, it, vi } from "vitest";

import { parseRoute } from "../../src/model/route";
import { provider, troubleOf } from "../../src/net/oidc";

const answers = (status: number, body: unknown) => vi.stubGlobal("fetch", () => Promise.resolve(new Response(JSON.stringify(body), { status })));

afterEach(() => vi.unstubAllGlobals());

describe("the company's own sign-on", () => {
  it("is there if the server names it", async () => {
    answers(200, { oidc: { name: "Company" } });
    expect(await provider()).toBe("Company");
  });

  it("is not there if it does not", async () => {
    for (const body of [{}, { oidc: {} }, { oidc: { name: "" } }, { oidc: { name: 7 } }, { oidc: "Company" }, [], null]) {
      answers(200, body);
      expect(await provider()).toBe(null);
    }
  });

  it("fails where the server does", async () => {
    answers(404, { error: { code: "unknown_op", text: "", remedy: "" } });
    await expect(provider()).rejects.toMatchObject({ code: "unknown_op" });
  });

  it("comes back with a word of ours, whatever stands in the address", () => {
    expect(troubleOf("#/signin/oidc_denied")).toBe("denied");
    expect(troubleOf("#/signin/oidc_unproved")).toBe("unproved");
    expect(troubleOf("#/signin/oidc_constructor")).toBe("failed");
    expect(troubleOf("#/signin/oidc_")).toBe("failed");
    for (const hash of ["", "#/", "#/chats/oidc_denied", "#/signin/oidc_<b>", "#/signin/oidc_denied/x", "#/signin/denied"]) expect(troubleOf(hash)).toBe(null);
  });

  it("comes back to the page that wanted a proof", () => {
    expect(parseRoute("#/signin/oidc_unproved")).toEqual({ view: "settings", uri: "security" });
  });
});
