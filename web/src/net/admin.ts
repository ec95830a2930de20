// Commands of administrators: those of the `dialtone` tool, see docs/protocols/web-api.md.

import { count, isObject, list, text } from "./check";
import { ask } from "./http";

export type Args = Readonly<Record<string, string | number | boolean>>;
type Obj = Record<string, unknown>;

/** What the command says; throws ApiError. */
export async function give(command: string, args: Args = {}): Promise<unknown> {
  const json = await ask("admin", { command, args });
  return isObject(json) ? json.result : null;
}

const num = (v: unknown): number => (typeof v === "number" && Number.isFinite(v) ? v : 0);
/** The tool's moments are seconds since 1970; "" for never. */
export const moment = (v: unknown): string => (num(v) > 0 ? new Date(num(v) * 1000).toISOString() : "");

export interface UserRow {
  user: string;
  name: string;
  phone: string;
  extension: string;
  email: string;
  department: string;
  disabled: boolean;
  admin: boolean;
}

export function checkUsers(v: unknown): UserRow[] {
  return list(v, (o) =>
    text(o.user)
      ? {
          user: text(o.user),
          name: text(o.name),
          phone: text(o.phone),
          extension: text(o.extension),
          email: text(o.email),
          department: text(o.department),
          disabled: o.disabled === true,
          admin: o.admin === true,
        }
      : null,
  );
}

/** What can be written of a user, in the order of the form. */
export const FIELDS = [
  "name", "phone", "extension", "email", "department", "title", "manager", "office", "company", "city", "state", "country",
] as const;
export type Field = (typeof FIELDS)[number];

export interface UserShown {
  user: string;
  fields: Record<Field, string>;
  disabled: boolean;
  admin: boolean;
  hidden: boolean;
  schemes: string;
  factor: string;
  recovery: number;
  devices: number;
}

export function checkUserShown(v: unknown): UserShown | null {
  if (!isObject(v) || !text(v.user)) return null;
  return {
    user: text(v.user),
    fields: Object.fromEntries(FIELDS.map((f) => [f, text(v[f])])) as Record<Field, string>,
    disabled: v.disabled === true,
    admin: v.admin === true,
    hidden: v.hidden === true,
    schemes: text(v.schemes),
    factor: text(v.second_factor),
    recovery: count(v.recovery_codes, 0),
    devices: count(v.devices, 0),
  };
}

export interface Status {
  server: string;
  version: string;
  startedAt: string;
  runningS: number;
  processes: number;
  running: number;
  load: string;
  configuration: string;
  domain: string;
  store: string;
  unsaved: number;
}

export function checkStatus(v: unknown): Status {
  const o: Obj = isObject(v) ? v : {};
  return {
    server: text(o.server),
    version: text(o.version),
    startedAt: moment(o.started_at),
    runningS: count(o.running_s, 0),
    processes: count(o.processes, 0),
    running: count(o.processes_running, 0),
    load: text(o.load),
    configuration: text(o.configuration),
    domain: text(o.domain),
    store: text(o.store),
    unsaved: count(o.unsaved_bindings, 0),
  };
}

export interface Process {
  /** "frontend/1" */
  name: string;
  box: string;
  state: string;
  forS: number;
  restarts: number;
  load: string;
  pid: number;
}

export function checkProcesses(v: unknown): Process[] {
  return list(v, (o) => ({
    name: `${text(o.role)}/${num(o.process)}`,
    box: text(o.box),
    state: text(o.state),
    forS: count(o.for_s, 0),
    restarts: count(o.restarts, 0),
    load: text(o.load),
    pid: count(o.pid, 0),
  }));
}

export interface Needs {
  name: string;
  memory: number;
  cpuS: number;
  /** What the role counts, as it says it. */
  figures: [string, string][];
}

export function checkNeeds(v: unknown): Needs[] {
  const shown = (x: unknown) => (typeof x === "number" || typeof x === "string" || typeof x === "boolean" ? String(x) : "");
  return list(v, (o) => ({
    name: `${text(o.role)}/${num(o.process)}`,
    memory: count(o.memory_bytes, 0),
    cpuS: count(o.cpu_s, 0),
    figures: Object.entries(isObject(o.figures) ? o.figures : {}).map(([k, x]): [string, string] => [k, shown(x)]).filter(([, x]) => x !== ""),
  }));
}

export interface Endpoint {
  user: string;
  endpoint: string;
  agent: string;
  dialect: string;
  via: string;
  since: string;
  contact: string;
}

export function checkEndpoints(v: unknown): Endpoint[] {
  return list(v, (o) => ({
    user: text(o.user),
    endpoint: text(o.endpoint),
    agent: text(o.agent),
    dialect: text(o.dialect),
    via: text(o.via),
    since: moment(o.since_at),
    contact: text(o.contact),
  }));
}

export interface CallRow {
  id: string;
  from: string;
  to: string;
  state: string;
  forS: number;
}

export function checkCalls(v: unknown): CallRow[] {
  return list(v, (o) => ({ id: text(o.id), from: text(o.from), to: text(o.to), state: text(o.state), forS: count(o.for_s, 0) }));
}

export interface Device {
  device: string;
  made: string;
  used: string;
}

export function checkDevices(v: unknown): Device[] {
  return list(v, (o) => (text(o.device) ? { device: text(o.device), made: moment(o.created_at), used: moment(o.used_at) } : null));
}

export interface LogIn {
  number: number;
  made: string;
  used: string;
  from: string;
  agent: string;
}

export function checkLogIns(v: unknown): LogIn[] {
  return list(v, (o) => ({ number: num(o.number), made: moment(o.made_at), used: moment(o.used_at), from: text(o.from), agent: text(o.agent) }));
}

export type Level = "ok" | "note" | "warning" | "error";

export interface Finding {
  level: Level;
  about: string;
  what: string;
  remedy: string;
}

export function checkFindings(v: unknown): Finding[] {
  const levels = ["ok", "note", "warning", "error"];
  return list(v, (o) => ({
    level: (levels.includes(text(o.level)) ? text(o.level) : "note") as Level,
    about: text(o.about),
    what: text(o.what),
    remedy: text(o.remedy),
  }));
}

export interface AuditRow {
  number: number;
  at: string;
  user: string;
  from: string;
  command: string;
  args: string;
  result: string;
}

export function checkAudit(v: unknown): AuditRow[] {
  return list(v, (o) => ({
    number: num(o.number),
    at: moment(o.at),
    user: text(o.user),
    from: text(o.from),
    command: text(o.command),
    args: text(o.args),
    result: text(o.result),
  }));
}

/** A password that was made, told this once. */
export function madePassword(v: unknown): string {
  return isObject(v) ? text(v.password) : "";
}
