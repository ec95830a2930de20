// What the tool would answer to an administrator, of a server that the mock has made up.

import { DOMAIN, ME, people } from "./data.mjs";

const NOW_S = () => Math.floor(Date.now() / 1000);
const DAY_S = 86_400;
const PASSWORD_MADE = "q7w2e9r4t5y6";

class Refused extends Error {
  constructor(status, code, text = "") {
    super(text || code);
    Object.assign(this, { status, code });
  }
}
const fail = (text) => {
  throw new Refused(422, "failed", text);
};

function userOf(name, i) {
  return {
    user: name.includes("@") ? name : `${name}@${DOMAIN}`, name: "", phone: "", extension: "", email: "", department: "", title: "", manager: "",
    office: "", company: "", city: "", state: "", country: "", disabled: false, admin: false, hidden: false,
    schemes: "Digest (MD5, or SHA-256 where a listener says so); NTLM", second_factor: "off", recovery_codes: 0, devices: i === 0 ? 1 : 0,
  };
}

/** The state behind the pages. */
export class Admin {
  users = people().map((p, i) => ({ ...userOf(p.uri, i), name: p.name, department: p.department ?? "", phone: p.phones?.[0] ?? "" }));
  endpoints = [
    { user: `bob@${DOMAIN}`, endpoint: "00000000000000b1", contact: "sip:bob@192.0.2.7", agent: "Linphone/5.2", dialect: "sip", via: "tls 192.0.2.7:50122", expires_s: 500, since_at: NOW_S() - 400, home: 1 },
    { user: ME, endpoint: "00000000000000a1", contact: "sip:x@web-1.dialtone.invalid", agent: "Dialtone-Web/0.1.0", dialect: "sip", via: "web", expires_s: 600, since_at: NOW_S() - 60, home: 1 },
  ];
  calls = [{ id: "c1", from: `bob@${DOMAIN}`, to: ME, state: "connected", for_s: 75 }];
  log = [];
  asked = [];
  down = false;
  /** Of each command: what is answered in its place. */
  instead = {};

  constructor() {
    const me = { ...userOf(ME, 1), name: "Alice Example", admin: true };
    this.users = [me, ...this.users.filter((u) => u.user !== ME)].sort((a, b) => (a.user < b.user ? -1 : 1));
  }

  find(name) {
    const user = this.users.find((u) => u.user === name || u.user.split("@")[0] === name);
    return user ?? fail(`There is no user "${name}".  \`dialtone user list\` shows all.`);
  }

  /** Those who trace: functions that write a line. */
  tracers = new Set();

  /** A message passes. */
  pass(message) {
    const event = { time: Date.now() * 1000, role: "frontend/1", way: "in", kind: "TLS", peer: "192.0.2.7:50122", connection: 7, message };
    for (const write of this.tracers) write({ event });
  }

  lines = [
    { number: 1, time: "2026-11-27T12:00:00.000Z", level: "info", who: "dialtoned", text: "event=ready processes=3" },
    { number: 1, time: "2026-11-27T12:00:01.500Z", level: "warning", who: "frontend/1", text: "event=link-down peer=web/1" },
  ];
  requests = 1000;

  give({ command, args = {} }, proved) {
    const known = COMMANDS[command];
    if (!known) return { status: 404, error: "unknown_op" };
    this.asked.push({ command, args });
    if (known.changes && !proved) return { status: 403, error: "prove" };
    try {
      const result = (this.instead[command] ?? known.fn)(args, this);
      this.#keep(command, args, "done");
      return { result };
    } catch (e) {
      if (!(e instanceof Refused)) throw e;
      this.#keep(command, args, `failed: ${e.message}`);
      return { status: e.status, error: e.code, text: e.message };
    }
  }

  #keep(command, args, result) {
    const shown = { ...args, ...(args.password ? { password: "***" } : {}) };
    this.log.unshift({ number: this.log.length + 1, at: NOW_S(), user: ME, from: "192.0.2.9", command, args: JSON.stringify(shown), result });
  }
}

const asks = (fn) => ({ changes: false, fn });
const changes = (fn) => ({ changes: true, fn });
const changed = (user, what) => {
  Object.assign(user, what);
  return `${user.user} is changed.`;
};

const role = (name, box, more = {}) => ({ role: name, process: 1, box, state: "running", pid: 100, for_s: 90_061, restarts: 0, load: "calm", may_ask: "", ...more });
const certificate = (name, days) => ({ file: `/etc/dialtone/certs/${name}.crt`, key: "EC-256", issuer: "CN=Dialtone private CA", expires_at: NOW_S() + days * DAY_S, names: ["sip.example.test", "192.0.2.1"] });
const yes = (v) => v === "yes";

const COMMANDS = {
  "user list": asks(({ text = "", after = "", max = 1000 }, a) =>
    a.users.filter((u) => u.user > after && `${u.user} ${u.name} ${u.phone} ${u.department}`.toLowerCase().includes(text.toLowerCase())).slice(0, max)),
  "user show": asks(({ user }, a) => ({ ...a.find(user) })),
  "user add": changes(({ user, generate, password, ...data }, a) => {
    if (a.users.some((u) => u.user.split("@")[0] === user.split("@")[0])) fail(`There is a user ${user} already.`);
    const made = { ...userOf(user, 9), ...data };
    a.users = [...a.users, made].sort((x, y) => (x.user < y.user ? -1 : 1));
    return generate ? { user: made.user, password: PASSWORD_MADE } : { user: made.user };
  }),
  "user import": changes(({ list, check }, a) => list.split("\n").slice(1).map((row, i) => {
    const user = row.split(",")[0];
    const there = a.users.some((u) => u.user.split("@")[0] === user);
    const why = there ? `There is a user ${user} already.` : "";
    if (!there && !check) a.users.push(userOf(user, 9));
    return { line: i + 2, user, result: there ? "failed" : check ? "good" : "made", why, ...(there || check ? {} : { password: PASSWORD_MADE }) };
  })),
  trace: asks(() => null),
  explain: asks(({ from, to }, a) => ({ code: 200, outcome: "reachable: all endpoints above ring at once", steps: [`the sender is user ${a.find(from).user}`, `that is user ${a.find(to).user}`] })),
  log: asks(({ since = "", level = "info", text = "" }, a) =>
    a.lines.filter((l) => l.time >= since && l.text.includes(text) && (level === "info" || l.level === level || l.level === "error"))),
  metrics: asks((_, a) => [
    { process: "web/1", name: "dialtone_web_sessions", labels: "", value: 12, kind: "gauge", help: "Sessions of browsers." },
    { process: "web/1", name: "dialtone_web_requests_total", labels: "", value: (a.requests += 50), kind: "counter", help: "Requests of sessions." },
    { process: "web/1", name: "process_resident_memory_bytes", labels: "", value: 11_051_008, kind: "gauge", help: "Resident memory." },
  ]),
  "user set": changes(({ user, admin, "second-factor": factor, ...data }, a) => {
    if (data.phone && !/^\+\d{7,15}$/.test(data.phone)) fail("The phone must be in E.164 form: +4930123456.");
    const u = a.find(user);
    if (factor) data.second_factor = factor === "required" ? "off, required for the web" : "off";
    return changed(u, { ...data, ...(admin ? { admin: yes(admin) } : {}) });
  }),
  "user passwd": changes(({ user, generate }, a) => (generate ? { done: a.find(user).user, password: PASSWORD_MADE } : a.find(user).user)),
  "user reset-factor": changes(({ user }, a) => changed(a.find(user), { second_factor: "off" })),
  "user disable": changes(({ user }, a) => changed(a.find(user), { disabled: true })),
  "user enable": changes(({ user }, a) => changed(a.find(user), { disabled: false })),
  "user remove": changes(({ user }, a) => {
    a.users = a.users.filter((u) => u !== a.find(user));
    return "removed";
  }),
  "device list": asks(({ user }, a) => (a.find(user).devices ? [{ device: "desk phone", created_at: NOW_S() - DAY_S, used_at: null }] : [])),
  "device remove": changes(({ user }, a) => changed(a.find(user), { devices: 0 })),
  "login list": asks(() => [{ number: 7, made_at: NOW_S() - DAY_S, used_at: NOW_S() - 60, from: "192.0.2.7", agent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0" }]),
  "login end": changes(() => "ended"),
  "endpoint list": asks(({ user }, a) => a.endpoints.filter((e) => !user || e.user === user)),
  "endpoint kick": changes(({ user, endpoint }, a) => {
    a.endpoints = a.endpoints.filter((e) => e.user !== user || e.endpoint !== endpoint);
    return { kicked: 1 };
  }),
  "call list": asks((_, a) => a.calls),
  status: asks((_, a) => ({
    server: "running", version: "0.1.0", pid: 99, started_at: NOW_S() - 90_061, running_s: 90_061, processes: 3, processes_running: a.down ? 2 : 3,
    load: a.down ? "busy" : "calm", configuration: "/etc/dialtone", domain: DOMAIN, generation: 1, unsaved_bindings: 0, store: "ok",
  })),
  "role list": asks((_, a) => [
    role("accounts", "AD DS"), role("frontend", "Front End Server", a.down ? { state: "down", restarts: 3, for_s: 2, pid: 0 } : {}), role("web", "Lync Web App"),
  ]),
  "role status": asks(() => ["accounts", "frontend", "web"].map((r) => ({
    role: r, process: 1, pid: 100, started_at: NOW_S() - 90_061, running_s: 90_061, memory_bytes: 11_051_008, cpu_s: 75.5, figures: { sessions: 12, requests: 123_456, store: "ok" },
  }))),
  "cert show": asks(() => [certificate("web-p256", 729), certificate("frontend-p256", 12), certificate("edge-av-p256", -3)]),
  "cert check": asks(() => [
    { level: "ok", about: "web-p256.crt", what: "valid for 729 more days" },
    { level: "warning", about: "frontend-p256.crt", what: "ends in 12 days", remedy: "`dialtone cert issue`, then `dialtone reload`." },
    { level: "error", about: "edge-av-p256.crt", what: "has ended", remedy: "`dialtone cert issue`, then `dialtone reload`." },
  ]),
  doctor: asks((_, a) => [
    { level: "ok", about: "server", what: "is running" },
    { level: "note", about: "udp 192.0.2.1:5060", what: "is not encrypted: who can listen on the network reads along", remedy: "Phones that can should use TLS." },
    ...(a.down ? [{ level: "error", about: "data", what: "12 MB free", remedy: "Free space there, or move it (local.conf)." }] : []),
  ]),
  dns: asks(() => [{ line: `_sips._tcp.${DOMAIN}. 3600 IN SRV 0 0 5061 sip.${DOMAIN}.`, for: "SIP phones over TLS" }]),
  "topology show": asks(() => ({ roles: [
    { role: "frontend", host: "main", name: `sip.${DOMAIN}`, processes: 2, udp: "192.0.2.1:5060", tcp: "192.0.2.1:5060", tls: "192.0.2.1:5061", https: "", wss: "192.0.2.1:7443" },
    { role: "web", host: "main", name: `sip.${DOMAIN}`, processes: 1, udp: "", tcp: "", tls: "", https: "192.0.2.1:4443", wss: "" },
  ] })),
  "config show": asks(() => [
    { section: "role frontend", key: "processes", value: "2", from: "topology.conf:12" },
    { section: "role frontend", key: "max-endpoints", value: "8", from: "default" },
  ]),
  "audit list": asks(({ before = 0, max = 100 }, a) => a.log.filter((r) => !before || r.number < before).slice(0, max)),
};
