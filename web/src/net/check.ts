// From JSON to the types of `wire.ts`: what is missing or of another type becomes a default, what cannot
// be used becomes null. A server is trusted less than the types, and an older or newer one is met.

import type { Attached, CallEvent, ChangeEvent, ConferenceEvent, Contact, Event, Group, Hello, Member, Message, MessageState, Outcome, PastCall, Person, Reaction, Self, State, User, WireError } from "./wire";

type Obj = Record<string, unknown>;

const STATES = new Set<string>([
  "available", "idle", "busy", "busy_idle", "do_not_disturb", "be_right_back", "away", "offline", "unknown",
]);
const MESSAGE_STATES = new Set<string>(["sent", "delivered", "kept", "failed"]);

export function isObject(v: unknown): v is Obj {
  return typeof v === "object" && v !== null && !Array.isArray(v);
}

export function text(v: unknown): string {
  return typeof v === "string" ? v : "";
}

function optional(v: unknown): string | undefined {
  return typeof v === "string" && v !== "" ? v : undefined;
}

export function count(v: unknown, other: number): number {
  return typeof v === "number" && Number.isFinite(v) && v >= 0 ? v : other;
}

function strings(v: unknown): string[] {
  return Array.isArray(v) ? v.filter((s): s is string => typeof s === "string") : [];
}

export function list<T>(v: unknown, one: (o: Obj) => T | null): T[] {
  if (!Array.isArray(v)) return [];
  return v.filter(isObject).map(one).filter((x): x is T & {} => x !== null);
}

function state(v: unknown): State {
  return typeof v === "string" && STATES.has(v) ? (v as State) : "unknown";
}

export function checkError(v: unknown): WireError {
  const o = isObject(v) ? v : {};
  const retry = count(o.retry_s, 0);
  return { code: text(o.code) || "internal", text: text(o.text), remedy: text(o.remedy), retry_s: retry };
}

export function checkUser(v: unknown): User | null {
  if (!isObject(v) || !text(v.uri)) return null;
  return { uri: text(v.uri), name: text(v.name), phone: optional(v.phone), admin: v.admin === true, photo: text(v.photo) };
}

export function checkHello(v: unknown): Hello | null {
  const user = isObject(v) ? checkUser(v.user) : null;
  if (!isObject(v) || !user || !text(v.session)) return null;
  const limits = isObject(v.limits) ? v.limits : {};
  return {
    session: text(v.session),
    resumed: v.resumed === true,
    seq: count(v.seq, 0),
    user,
    limits: { message_bytes: count(limits.message_bytes, 8000), watch: count(limits.watch, 100), file_bytes: count(limits.file_bytes, 0) },
    calls: strings(v.calls),
  };
}

/** Its address leads to a file of this server, or nowhere. */
export function checkFile(v: unknown): Attached | undefined {
  if (!isObject(v) || !text(v.name)) return undefined;
  const url = /^\/files\/[\w-]+\/[\w.~%-]+$/.test(text(v.url)) ? text(v.url) : "";
  return { id: text(v.id), name: plainName(v.name, FILE_NAME_MAX), size: count(v.size, 0), type: text(v.type), url, expires_at: text(v.expires_at) };
}

/** One that would turn or break the line where it is shown is left out. */
function emojiOf(v: unknown): string {
  return plainName(v) === v ? v : "";
}

function checkReaction(o: Obj): Reaction | null {
  const people = strings(o.people);
  const emoji = emojiOf(o.emoji);
  return emoji && people.length ? { emoji, people } : null;
}

const OUTCOMES = new Set<string>(["answered", "missed", "declined", "busy", "failed"]);

function checkPastCall(v: unknown): PastCall | undefined {
  if (!isObject(v) || Number.isNaN(Date.parse(text(v.began)))) return undefined;
  const outcome = OUTCOMES.has(text(v.outcome)) ? (v.outcome as Outcome) : "failed";
  const seconds = typeof v.seconds === "number" && v.seconds > 0 ? v.seconds : 0;
  return { outcome, began: text(v.began), seconds, video: v.video === true };
}

export function checkMessage(v: unknown): Message | null {
  if (!isObject(v) || !text(v.id) || !text(v.chat) || !text(v.from)) return null;
  if (Number.isNaN(Date.parse(text(v.at)))) return null;
  return {
    id: text(v.id),
    chat: text(v.chat),
    from: text(v.from),
    at: text(v.at),
    text: text(v.text),
    file: checkFile(v.file),
    call: checkPastCall(v.call),
    edited_at: optional(v.edited_at),
    deleted: v.deleted === true,
    reactions: list(v.reactions, checkReaction).slice(0, REACTIONS_MAX),
    state: MESSAGE_STATES.has(text(v.state)) ? (v.state as MessageState) : "delivered",
    ref: optional(v.ref),
    error: isObject(v.error) ? checkError(v.error) : undefined,
  };
}

/** A person, as far as the server told: what it did not tell stays as it is known, and an empty note is none. */
export function checkPerson(v: Obj): Person | null {
  if (!text(v.uri)) return null;
  const phones = strings(v.phones);
  return {
    uri: text(v.uri),
    state: v.state === undefined ? undefined : state(v.state),
    activity: optional(v.activity),
    since: optional(v.since),
    note: typeof v.note === "string" ? v.note : undefined,
    photo: typeof v.photo === "string" ? v.photo : undefined,
    name: optional(v.name),
    title: optional(v.title),
    department: optional(v.department),
    office: optional(v.office),
    email: optional(v.email),
    phones: phones.length ? phones : undefined,
    device: optional(v.device),
  };
}

function checkSelf(o: Obj): Self {
  const chosen = o.chosen === null || o.chosen === undefined ? null : state(o.chosen);
  return { state: state(o.state), chosen, note: text(o.note) };
}

function checkGroup(o: Obj): Group | null {
  return typeof o.id === "number" ? { id: o.id, name: text(o.name) } : null;
}

function checkContact(o: Obj): Contact | null {
  if (!text(o.uri)) return null;
  const groups = Array.isArray(o.groups) ? o.groups.filter((g): g is number => typeof g === "number") : [];
  return { uri: text(o.uri), name: text(o.name), groups };
}

/** A page of the history; `before` is the server's word for where the page before it ends, empty if it said none. */
export function checkMessages(v: unknown): { messages: Message[]; before: string; more: boolean } {
  const o = isObject(v) ? v : {};
  const before = text(o.before);
  return { messages: list(o.messages, checkMessage), before, more: o.more === true && before !== "" };
}

export function checkPeople(v: unknown): { people: Person[]; more: boolean } {
  const o = isObject(v) ? v : {};
  return { people: list(o.people, checkPerson), more: o.more === true };
}

const NAME_MAX = 64;
const FILE_NAME_MAX = 255;
const REACTIONS_MAX = 50;

/** A name that a stranger gives: one short line, which cannot turn the direction of what stands beside it. */
function plainName(v: unknown, max = NAME_MAX): string {
  const plain = text(v).slice(0, 4 * max).replace(/[\p{Cc}\u2028\u2029]+/gu, " ").replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, "");
  return [...plain.replace(/\s+/g, " ").trim()].slice(0, max).join("");
}

const CALL_STATES = new Set<string>(["incoming", "ringing", "answered", "update", "withdrawn", "refer", "not_transferred", "ended"]);
const ADDRESS_MAX = 255;

/** The address of somebody whom a stranger wants called; empty for what could not be shown as it is. */
function addressOf(v: unknown): string {
  return plainName(v, ADDRESS_MAX) === v && /^[^\s@]+@[^\s@]+$/.test(v) ? v : "";
}


function checkCall(o: Obj): CallEvent | null {
  if (!text(o.call) || !text(o.with) || !CALL_STATES.has(text(o.state))) return null;
  const state = o.state as CallEvent["state"];
  const to = addressOf(o.to);
  if (state === "refer" && !to) return null;
  return { ev: "call", call: text(o.call), state, with: text(o.with), to, name: plainName(o.name), sdp: text(o.sdp), reason: text(o.reason) };
}

function checkMember(o: Obj): Member | null {
  return text(o.uri) ? { uri: text(o.uri), name: optional(o.name), role: o.role === "presenter" ? "presenter" : "attendee" } : null;
}

const CONFERENCE_STATES = new Set<string>(["full", "partial", "none"]);

function checkConference(o: Obj): ConferenceEvent | null {
  if (!text(o.chat) || !CONFERENCE_STATES.has(text(o.state))) return null;
  return {
    ev: "conference",
    chat: text(o.chat),
    state: o.state as ConferenceEvent["state"],
    name: optional(o.name),
    organizer: optional(o.organizer),
    people: list(o.people, checkMember),
    gone: strings(o.gone),
  };
}

/** Relays for calls, as the browser takes them. */
export function checkRelay(v: unknown): { servers: RTCIceServer[]; life_s: number } {
  const o = isObject(v) ? v : {};
  const one = (s: Obj): RTCIceServer | null => {
    const urls = strings(s.urls).filter((u) => /^(stun|turns?):/.test(u));
    return urls.length ? { urls, username: text(s.username), credential: text(s.credential) } : null;
  };
  return { servers: list(o.servers, one), life_s: count(o.life_s, 0) };
}

function checkChange(o: Obj): ChangeEvent | null {
  const kind = text(o.kind) as ChangeEvent["kind"];
  const emoji = emojiOf(o.emoji);
  if (!["edit", "delete"].includes(kind) && !(emoji && ["react", "unreact"].includes(kind))) return null;
  return { ev: "change", chat: text(o.chat), id: text(o.id), from: text(o.from), at: text(o.at), kind, text: text(o.text), file: checkFile(o.file), emoji };
}

/** An event, or null for a kind that this client does not know. */
export function checkEvent(o: Obj): Event | null {
  switch (o.ev) {
    case "self":
      return { ev: "self", self: checkSelf(o) };
    case "contacts":
      return { ev: "contacts", groups: list(o.groups, checkGroup), people: list(o.people, checkContact) };
    case "presence":
      return { ev: "presence", people: list(o.people, checkPerson) };
    case "message": {
      const message = checkMessage(o.message);
      return message && { ev: "message", message };
    }
    case "typing":
      return { ev: "typing", chat: text(o.chat), from: text(o.from), on: o.on === true };
    case "change":
      return checkChange(o);
    case "call":
      return checkCall(o);
    case "kept":
      return { ev: "kept", call: text(o.call), kept: text(o.kept) };
    case "conference":
      return checkConference(o);
    case "message_state":
      if (!MESSAGE_STATES.has(text(o.state))) return null;
      return {
        ev: "message_state",
        chat: text(o.chat),
        id: text(o.id),
        ref: optional(o.ref),
        state: o.state as MessageState,
        error: isObject(o.error) ? checkError(o.error) : undefined,
      };
    default:
      return null;
  }
}
