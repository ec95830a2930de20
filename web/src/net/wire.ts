// The messages of docs/protocols/web-api.md, version 1. What comes in is checked by `net/check.ts`
// before anybody uses it: these types say what is true after that.

export type State =
  | "available"
  | "idle"
  | "busy"
  | "busy_idle"
  | "do_not_disturb"
  | "be_right_back"
  | "away"
  | "offline"
  | "unknown";

/** What a user can choose; `auto` takes the choice back. */
export type Choice = "available" | "busy" | "do_not_disturb" | "be_right_back" | "away" | "offline" | "auto";

export interface User {
  uri: string;
  name: string;
  phone?: string;
  /** May use the administration pages. */
  admin?: boolean;
  /** As in Person. */
  photo?: string;
}

export interface Limits {
  message_bytes: number;
  watch: number;
  /** 0: the server takes no files. */
  file_bytes: number;
}

export interface Hello {
  session: string;
  resumed: boolean;
  seq: number;
  user: User;
  limits: Limits;
  /** Those that go on, of the ones that were brought back. */
  calls: string[];
}

export interface Self {
  state: State;
  chosen: State | null;
  note: string;
}

export interface Group {
  id: number;
  name: string;
}

export interface Contact {
  uri: string;
  name: string;
  groups: number[];
}

/** A person as presence and search tell it; only the address is always there. */
export interface Person {
  uri: string;
  state?: State;
  activity?: string;
  since?: string;
  note?: string;
  /** The name of the picture below /photos/; empty: there is none. */
  photo?: string;
  name?: string;
  title?: string;
  department?: string;
  office?: string;
  email?: string;
  phones?: string[];
  device?: string;
}

/** A file of a message; without `url` it is not kept any more. */
export interface Attached {
  id: string;
  name: string;
  size: number;
  type: string;
  url: string;
  expires_at: string;
}

export interface Reaction {
  emoji: string;
  people: string[];
}

export type MessageState = "sent" | "delivered" | "kept" | "failed";

export interface WireError {
  code: string;
  text: string;
  remedy: string;
  retry_s?: number;
}

export type Outcome = "answered" | "missed" | "declined" | "busy" | "failed";

export interface PastCall {
  outcome: Outcome;
  began: string;
  seconds: number;
  video: boolean;
}

export interface Message {
  id: string;
  chat: string;
  from: string;
  at: string;
  text: string;
  file?: Attached;
  /** It is no text, but a call that is over. */
  call?: PastCall;
  edited_at?: string;
  deleted?: boolean;
  reactions?: Reaction[];
  state: MessageState;
  ref?: string;
  error?: WireError;
}

export interface CallEvent {
  ev: "call";
  call: string;
  state: "incoming" | "ringing" | "answered" | "update" | "withdrawn" | "refer" | "not_transferred" | "ended";
  with: string;
  /** Of `refer`: whom to call in the place of this call. */
  to: string;
  name: string;
  sdp: string;
  reason: string;
}

/** A call as the server can take it up again, which cannot be read here. */
export interface KeptEvent {
  ev: "kept";
  call: string;
  kept: string;
}

/** Somebody in a group chat. */
export interface Member {
  uri: string;
  name?: string;
  role: "presenter" | "attendee";
}

/** `full` is all that there is, `partial` what changed, `none`: the user is not in it. */
export interface ConferenceEvent {
  ev: "conference";
  chat: string;
  state: "full" | "partial" | "none";
  name?: string;
  organizer?: string;
  people: Member[];
  gone: string[];
}

/** A message that was there is another now. */
export interface ChangeEvent {
  ev: "change";
  chat: string;
  id: string;
  from: string;
  at: string;
  kind: "edit" | "delete" | "react" | "unreact";
  text: string;
  /** Of an edit: the one that the message has still. */
  file?: Attached;
  emoji: string;
}

export type Event =
  | ChangeEvent
  | CallEvent
  | KeptEvent
  | ConferenceEvent
  | { ev: "self"; self: Self }
  | { ev: "contacts"; groups: Group[]; people: Contact[] }
  | { ev: "presence"; people: Person[] }
  | { ev: "message"; message: Message }
  | { ev: "typing"; chat: string; from: string; on: boolean }
  | { ev: "message_state"; chat: string; id: string; ref?: string; state: MessageState; error?: WireError };

/** An answer that is an error, ours (`offline`, `lost`, `no_answer`) or the server's. */
export class ApiError extends Error {
  readonly code: string;
  readonly remedy: string;
  readonly retryS: number;

  constructor(error: Partial<WireError> & { code: string }) {
    super(error.text ?? error.code);
    this.code = error.code;
    this.remedy = error.remedy ?? "";
    this.retryS = error.retry_s ?? 0;
  }
}

/** The code of whatever was thrown. */
export function codeOf(error: unknown): string {
  return error instanceof ApiError ? error.code : "internal";
}
