// What users see and change of their own accounts: requests by HTTP, see docs/protocols/web-api.md.

import { count, isObject, list, text } from "./check";
import { ask } from "./http";

export interface LogIn {
  number: number;
  made_at: string;
  used_at: string;
  from: string;
  agent: string;
  this: boolean;
}

function checkLogIn(o: Record<string, unknown>): LogIn | null {
  const number = count(o.number, 0);
  if (!number) return null;
  return {
    number,
    made_at: text(o.made_at),
    used_at: text(o.used_at),
    from: text(o.from),
    agent: text(o.agent),
    this: o.this === true,
  };
}

/** All throw ApiError. */
export async function logIns(): Promise<LogIn[]> {
  const json = await ask("logins");
  return list(isObject(json) ? json.logins : null, checkLogIn);
}

export async function endLogIn(number: number): Promise<void> {
  await ask("logins/end", { number });
}

export async function endOtherLogIns(): Promise<void> {
  await ask("logins/end", { others: true });
}

export interface Factor {
  on: boolean;
  required: boolean;
  recovery_left: number;
}

export interface Secret {
  secret: string;
  uri: string;
}

/** A password of a phone. */
export interface Device {
  number: number;
  name: string;
  made_at: string;
  used_at: string | null;
}

export async function prove(password: string, code: string): Promise<void> {
  await ask("prove", { password, code });
}

/** All other log-ins have ended then. code: of the second factor, or empty. */
export async function changePassword(password: string, next: string, code: string): Promise<void> {
  await ask("password", { password, new: next, ...(code && { code }) });
}

export async function factor(): Promise<Factor> {
  const json = await ask("second-factor");
  const o = isObject(json) ? json : {};
  return { on: o.on === true, required: o.required === true, recovery_left: count(o.recovery_left, 0) };
}

export async function beginFactor(): Promise<Secret> {
  const json = await ask("second-factor/begin", {});
  const o = isObject(json) ? json : {};
  return { secret: text(o.secret), uri: text(o.uri) };
}

function recovery(json: unknown): string[] {
  const codes = isObject(json) ? json.recovery : null;
  return Array.isArray(codes) ? codes.map(text).filter(Boolean) : [];
}

export async function confirmFactor(code: string): Promise<string[]> {
  return recovery(await ask("second-factor/confirm", { code }));
}

export async function renewRecovery(): Promise<string[]> {
  return recovery(await ask("second-factor/codes", {}));
}

export async function endFactor(): Promise<void> {
  await ask("second-factor/end", {});
}

export interface Push {
  /** What this browser is to subscribe with; null: the server tells nothing by push. */
  key: string | null;
  subscribed: boolean;
}

export async function push(): Promise<Push> {
  const json = await ask("push");
  const o = isObject(json) ? json : {};
  return { key: text(o.key) || null, subscribed: o.subscribed === true };
}

export async function subscribe(endpoint: string, p256dh: string, auth: string): Promise<void> {
  await ask("push/subscribe", { endpoint, p256dh, auth });
}

export async function unsubscribe(): Promise<void> {
  await ask("push/unsubscribe", {});
}

export async function devices(): Promise<Device[]> {
  const json = await ask("devices");
  return list(isObject(json) ? json.devices : null, (o) => {
    const number = count(o.number, 0);
    return number ? { number, name: text(o.name), made_at: text(o.made_at), used_at: text(o.used_at) || null } : null;
  });
}

/** Its password, which is told this once. */
export async function addDevice(name: string): Promise<string> {
  const json = await ask("devices/add", { name });
  return isObject(json) ? text(json.password) : "";
}

export async function removeDevice(number: number): Promise<void> {
  await ask("devices/remove", { number });
}

/** A token of a program. */
export interface Token {
  number: number;
  name: string;
  made_at: string;
  used_at: string | null;
  ends_at: string | null;
}

export async function tokens(): Promise<Token[]> {
  const json = await ask("tokens");
  return list(isObject(json) ? json.tokens : null, (o) => {
    const number = count(o.number, 0);
    if (!number) return null;
    return { number, name: text(o.name), made_at: text(o.made_at), used_at: text(o.used_at) || null, ends_at: text(o.ends_at) || null };
  });
}

/** The token, which is told this once; days 0: it is good for ever. */
export async function addToken(name: string, days: number): Promise<string> {
  const json = await ask("tokens/add", days ? { name, days } : { name });
  return isObject(json) ? text(json.token) : "";
}

export async function removeToken(number: number): Promise<void> {
  await ask("tokens/remove", { number });
}

/** The name of the picture; a JPEG, PNG or GIF of at most 30 kB. */
export async function setPhoto(picture: Blob): Promise<string> {
  const json = await ask("photo", picture);
  return isObject(json) ? text(json.photo) : "";
}

export async function removePhoto(): Promise<string> {
  await ask("photo/remove", {});
  return "";
}
