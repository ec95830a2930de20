// The requests beside the WebSocket: who is signed in, sign in, sign out.

import { checkError, checkUser, isObject } from "./check";
import { ApiError, type User } from "./wire";

const BASE = "/api/v1/";

/** GET, or POST if there is a body; throws ApiError. */
export async function ask(path: string, body?: object): Promise<unknown> {
  const file = body instanceof Blob;
  let answer: Response;
  try {
    answer = await fetch(BASE + path, {
      method: body ? "POST" : "GET",
      headers: body && !file ? { "Content-Type": "application/json" } : {},
      body: file ? body : body ? JSON.stringify(body) : null,
      credentials: "same-origin",
      cache: "no-store",
    });
  } catch {
    throw new ApiError({ code: "offline" });
  }
  const json: unknown = await answer.json().catch(() => null);
  if (answer.ok) return json;
  if (!isObject(json) || !isObject(json.error)) throw new ApiError({ code: "unavailable" });
  const error = checkError(json.error);
  if (!error.retry_s) error.retry_s = Number(answer.headers.get("Retry-After")) || 0;
  throw new ApiError(error);
}

function userOf(json: unknown): User {
  const user = isObject(json) ? checkUser(json.user) : null;
  if (!user) throw new ApiError({ code: "unavailable" });
  return user;
}

export interface Entry {
  user: User;
  /** The log-in is good for setting up the second factor alone. */
  limited: boolean;
}

function entryOf(json: unknown): Entry {
  return { user: userOf(json), limited: isObject(json) && json.needs === "second_factor" };
}

/** code: of the second factor, or empty. */
export async function login(user: string, password: string, code: string): Promise<Entry> {
  return entryOf(await ask("login", code ? { user, password, code } : { user, password }));
}

/** Who is signed in, or null if nobody is. */
export async function session(): Promise<Entry | null> {
  try {
    return entryOf(await ask("session"));
  } catch (error) {
    if (error instanceof ApiError && error.code === "signed_out") return null;
    throw error;
  }
}

export async function logout(): Promise<void> {
  await ask("logout", {});
}
