// Sign-in with a company's own OpenID provider: whether there is one, and what became of it.

import { isObject, text } from "./check";
import { ask } from "./http";

/** Where the browser goes to sign in there; with `?prove`, to prove the log-in that there is. */
export const BEGIN = "/api/v1/oidc/begin";

/** The provider's name for people, or null if there is none. Throws ApiError. */
export async function provider(): Promise<string | null> {
  const json = await ask("sign-in");
  return isObject(json) && isObject(json.oidc) ? text(json.oidc.name) || null : null;
}

const TROUBLES = ["denied", "expired", "unknown", "unverified", "unproved", "slow", "failed"] as const;
export type Trouble = (typeof TROUBLES)[number];

/** What went wrong, as the address says to which the server sent the browser back; null: nothing. */
export function troubleOf(hash: string): Trouble | null {
  const word = /^#\/signin\/oidc_([a-z]*)$/.exec(hash)?.[1];
  return word === undefined ? null : (TROUBLES.find((x) => x === word) ?? "failed");
}
