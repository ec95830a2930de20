// A server that speaks docs/protocols/web-api.md to one browser, from memory, for the tests of the face:
// a test reaches into it and lets things happen. It serves dist with the headers that the role `web` sends.

import { randomUUID } from "node:crypto";
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

import { WebSocketServer } from "ws";

import { Admin } from "./admin.mjs";
import * as data from "./data.mjs";

/** Messages that one search looks at. */
const SEARCHED = 60;
const DIST = fileURLToPath(new URL("../../dist", import.meta.url));
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".webmanifest": "application/manifest+json",
};
const HEADERS = {
  // As src/role/web/files.c has it.
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; " +
    "manifest-src 'self'; worker-src 'self'; media-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
};
const PASSWORD = "secret";
const FILE_BYTES = 5 * 1024 * 1024;

export class Mock {
  people = new Map();
  contacts = data.contacts();
  groups = [...data.GROUPS];
  messages = data.messages();
  /** chat: {name, organizer, leader, people}; leader: its organizer, if it is absent */
  conferences = data.conferences();
  logins = data.logins();
  devices = [{ number: 5, name: "Desk phone", made_at: "2026-01-07T10:00:00Z", used_at: "2026-01-08T10:00:00Z" }];
  tokens = [{ number: 7, name: "Build bot", made_at: "2026-01-07T10:00:00Z", used_at: "2026-01-08T10:00:00Z", ends_at: "2027-01-07T10:00:00Z" }];
  /** What browsers subscribe with, and what this one has subscribed. */
  pushKey = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
  pushed = null;
  factor = false;
  /** The policy wants a second factor. */
  required = false;
  proved = false;
  password = PASSWORD;
  /** The company's own sign-on: its name. */
  oidc = "";
  /** The word with which it sends everybody back. */
  oidcTrouble = "";
  /** How often a page asked by which ways one signs in. */
  ways = 0;
  /** An Admin, if the user is an administrator. */
  admin = null;
  self = { state: "available", chosen: null, note: "" };
  /** What the client asked, in order. */
  asked = [];
  /** op: a function in place of the usual answer; it returns {ok} or {error}, or null for no answer. */
  instead = {};
  locked = 0;
  refuseSockets = false;
  /** How many connections were refused. */
  refused = 0;
  /** HTTP answers that a test wants to be an outage. */
  down = false;
  /** The most bytes of a file; 0: none are taken. */
  fileBytes = FILE_BYTES;
  /** id: {name, type, content, chat}; one that is taken out is not kept any more. */
  files = new Map();
  /** What was sent by HTTP, in order. */
  uploads = [];
  /** In place of taking a file: returns {status, error}, or null to take it. */
  insteadOfFile = null;
  /** name: content, of people; and the own one. */
  photos = new Map();
  photo = "";
  /** id: a call that goes on. */
  running = new Map();
  #held = null;
  /** The server is not there at all. */
  gone = false;
  /** What it says to each request for a file, if not 0. */
  status = 0;
  /** path: a text in place of the file of dist. */
  pages = {};
  #cookies = new Set();
  /** Some device of the others shows no changes. */
  unseen = false;
  /** id: {id, seq, events, socket} */
  #sessions = new Map();
  #sockets = new Set();
  #fails = 0;

  constructor() {
    for (const p of [...data.people(), ...data.strangers()]) this.people.set(p.uri, p);
    this.people.set(data.ME, { uri: data.ME, name: "Alice Example", state: "available" });
    this.http = createServer((req, res) => this.#request(req, res));
    this.ws = new WebSocketServer({ noServer: true, handleProtocols: () => "dialtone.v1" });
    this.http.on("upgrade", (req, socket, head) => this.#upgrade(req, socket, head));
  }

  /** Listens on loopback; returns the address. */
  async listen(port = 0) {
    await new Promise((resolve) => this.http.listen(port, "127.0.0.1", resolve));
    return `http://localhost:${this.http.address().port}`;
  }

  async close() {
    this.cut();
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }

  // What a test lets happen

  say(user, text, at = new Date().toISOString()) {
    const uri = `${user}@${data.DOMAIN}`;
    const message = { id: randomUUID(), chat: uri, from: uri, at, text, state: "delivered" };
    this.messages.push(message);
    this.event("message", { message });
    return message;
  }

  typing(user, on = true) {
    const uri = `${user}@${data.DOMAIN}`;
    this.event("typing", { chat: uri, from: uri, on });
  }

  /** Somebody says something in a group chat. */
  sayIn(chat, user, text) {
    const message = { id: randomUUID(), chat, from: `${user}@${data.DOMAIN}`, at: new Date().toISOString(), text, state: "delivered" };
    this.messages.push(message);
    this.event("message", { message });
  }

  /** All that there is of a group chat. */
  tellConference(chat) {
    const c = this.conferences.get(chat);
    const mine = c?.people.includes(data.ME);
    const people = mine ? c.people.map((uri) => ({ uri, name: this.people.get(uri)?.name ?? "", role: uri === (c.leader ?? c.organizer) ? "presenter" : "attendee" })) : [];
    this.event("conference", mine ? { chat, state: "full", name: c.name, organizer: c.organizer, people, gone: [] } : { chat, state: "none" });
  }

  /** A call with Bob. */
  call(state, fields = {}) {
    const event = { call: "call-1", state, with: `bob@${data.DOMAIN}`, ...fields };
    if (state === "incoming") this.callBegins(event.call, event.with, event.with, event.sdp);
    if (state === "answered") this.callAnswered(event.call);
    this.event("call", event);
    if (state === "ended") this.callOver(event.call, "missed");
  }

  callBegins(call, chat, from, sdp = "") {
    this.running.set(call, { chat, from, began: new Date().toISOString(), video: sdp.includes("m=video"), answered: 0 });
  }

  callAnswered(call) {
    const c = this.running.get(call);
    if (c) c.answered ||= Date.now();
  }

  /** It is in the history from now on. */
  callOver(call, unanswered) {
    const c = this.running.get(call);
    if (!c) return;
    this.running.delete(call);
    const { chat, from, began, video, answered } = c;
    const seconds = answered ? Math.round((Date.now() - answered) / 1000) : 0;
    const message = { id: randomUUID(), chat, from, at: new Date().toISOString(), text: "", state: "delivered", call: { outcome: answered ? "answered" : unanswered, began, seconds, video } };
    this.messages.push(message);
    this.event("message", { message });
  }

  /** A file that the server keeps. */
  keep(chat, name, content, type = "application/octet-stream") {
    const id = randomUUID();
    const expires_at = new Date(Date.now() + 30 * 86_400_000).toISOString();
    const file = { id, name, size: content.length, type, url: `/files/${id}/${encodeURIComponent(name)}`, expires_at };
    this.files.set(id, { chat, content, file });
    return file;
  }

  /** Somebody sends a file. */
  sayFile(user, name, content, { type, text = "", to = user } = {}) {
    const uri = `${user}@${data.DOMAIN}`;
    const chat = `${to}@${data.DOMAIN}`;
    const file = this.keep(chat, name, content, type);
    const message = { id: randomUUID(), chat, from: uri, at: new Date().toISOString(), text, file, state: "delivered" };
    this.messages.push(message);
    this.event("message", { message });
    return message;
  }

  /** From now on the content of files that are sent stays where it is; what is returned lets it come. */
  holdFiles() {
    let go;
    this.#held = new Promise((resolve) => (go = resolve));
    return () => {
      this.#held = null;
      go();
    };
  }

  presence(user, change) {
    const p = { ...this.people.get(`${user}@${data.DOMAIN}`), ...change };
    this.people.set(p.uri, p);
    this.event("presence", { people: [{ uri: p.uri, ...change }] });
  }

  /** All sessions are told. */
  event(ev, fields) {
    for (const session of this.#sessions.values()) this.#tell(session, ev, fields);
  }

  /** All but the session of that connection. */
  tellOthers(ws, ev, fields) {
    for (const session of this.#sessions.values()) if (session.socket !== ws) this.#tell(session, ev, fields);
  }

  #tell(session, ev, fields) {
    const e = { seq: ++session.seq, ev, ...fields };
    session.events.push(e);
    session.socket?.send(JSON.stringify(e));
  }

  #drop(how) {
    for (const session of this.#sessions.values()) session.socket = null;
    this.#sockets.forEach(how);
    this.#sockets.clear();
  }

  /** The network breaks; with `refuse` it stays broken. */
  cut(refuse = false) {
    this.refuseSockets ||= refuse;
    this.#drop((socket) => socket.terminate());
  }

  /** The server ends the connections with a code. */
  end(code) {
    this.#drop((socket) => socket.close(code));
  }

  /** Sessions and log-ins are gone, as after `dialtone login end`. */
  forget(logins = false) {
    if (logins) this.#cookies.clear();
    this.#sessions.clear();
  }

  /** Somebody changes a message: `kind` and what belongs to it as in the event `change`. */
  change(id, kind, { text = "", emoji = "", user = "alice" } = {}) {
    const m = this.messages.find((x) => x.id === id);
    const from = `${user}@${data.DOMAIN}`;
    const at = new Date().toISOString();
    if (kind === "edit") Object.assign(m, { text, edited_at: at });
    else if (kind === "delete") Object.assign(m, { text: "", file: undefined, reactions: [], deleted: true });
    else {
      const all = (m.reactions ?? []).filter((r) => r.emoji !== emoji);
      const old = m.reactions?.find((r) => r.emoji === emoji)?.people ?? [];
      const people = [...old.filter((p) => p !== from), ...(kind === "react" ? [from] : [])];
      m.reactions = people.length ? [...all, { emoji, people }] : all;
    }
    this.event("change", { chat: m.chat, id, from, at, kind, text, emoji, file: kind === "edit" ? m.file : undefined });
  }

  // HTTP

  #signedIn(req) {
    const cookie = /(?:^|; )dialtone=([^;]+)/.exec(req.headers.cookie ?? "");
    return cookie !== null && this.#cookies.has(cookie[1]);
  }

  #json(res, status, body, headers = {}) {
    res.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store", ...HEADERS, ...headers });
    res.end(JSON.stringify(body));
  }

  #error(res, status, code, extra = {}) {
    this.#json(res, status, { error: { code, text: code, remedy: "", ...extra } });
  }

  async #request(req, res) {
    const path = new URL(req.url, "http://localhost").pathname;
    if (path.startsWith("/photos/")) return this.#photo(path.slice("/photos/".length), res);
    if (path.startsWith("/files/")) return this.#download(req, path, res);
    if (!path.startsWith("/api/v1/")) return this.#file(path, res);
    if (this.down) return req.socket.destroy();
    if (path.endsWith("/files")) return this.#upload(req, res);
    if (path.endsWith("/photo")) return this.#takePhoto(req, res);
    if (this.down || this.gone) return req.socket.destroy();
    let body = "";
    for await (const part of req) body += part;
    const user = { uri: data.ME, name: "Alice Example", photo: this.photo, ...this.#right };
    if (path.endsWith("/session")) return this.#signedIn(req) ? this.#json(res, 200, { user, ...this.#needs }) : this.#error(res, 401, "signed_out");
    if (path.endsWith("/logout")) {
      this.pushed = null;
      this.#cookies.clear();
      return this.#json(res, 200, {}, { "Set-Cookie": "dialtone=; Max-Age=0; Path=/" });
    }
    if (path.endsWith("/sign-in")) this.ways++;
    if (path.endsWith("/sign-in")) return this.#json(res, 200, this.oidc ? { oidc: { name: this.oidc } } : {});
    if (path.endsWith("/oidc/begin")) return this.#atTheProvider(new URL(req.url, "http://localhost"), res);
    if (path.endsWith("/login")) return this.#login(JSON.parse(body), res, user);
    if (path.endsWith("/admin")) return this.#admin(JSON.parse(body), req, res);
    const own = OWN[path.slice("/api/v1/".length)];
    if (!own) return this.#error(res, 404, "not_found");
    if (!this.#signedIn(req)) return this.#error(res, 401, "signed_out");
    const answer = own(body ? JSON.parse(body) : {}, this);
    return answer.error ? this.#error(res, answer.status, answer.error) : this.#json(res, 200, answer);
  }

  /** Somebody has a picture, which all sessions are told. */
  setPhoto(user, content) {
    const name = content ? randomUUID().replaceAll("-", "") : "";
    if (content) this.photos.set(name, content);
    this.presence(user, { photo: name });
    return name;
  }

  #photo(name, res) {
    const content = this.photos.get(name);
    if (!content) return res.writeHead(404).end();
    const type = content[0] === 0xff ? "image/jpeg" : "image/png";
    return res.writeHead(200, { "Content-Type": type, "Cache-Control": "private, max-age=31536000, immutable" }).end(content);
  }

  async #takePhoto(req, res) {
    const parts = [];
    for await (const part of req) parts.push(part);
    const content = Buffer.concat(parts);
    if (!this.#signedIn(req)) return this.#error(res, 401, "signed_out");
    if (content.length > 30 * 1024 || content[0] !== 0xff) return this.#error(res, 400, "bad_photo");
    this.photo = randomUUID().replaceAll("-", "");
    this.photos.set(this.photo, content);
    return this.#json(res, 200, { photo: this.photo });
  }

  async #upload(req, res) {
    if (!this.#signedIn(req)) return this.#error(res, 401, "signed_out");
    const query = new URL(req.url, "http://localhost").searchParams;
    const [chat, name] = [query.get("chat"), query.get("name")];
    if (!chat || !name || !req.headers["content-length"]) return this.#error(res, 400, "bad_request");
    const entry = { chat, name, done: false, broken: false };
    this.uploads.push(entry);
    req.on("close", () => (entry.broken = !entry.done));
    const parts = [];
    if (this.#held) await this.#held;
    try {
      for await (const part of req) parts.push(part);
    } catch {
      return;
    }
    const refusal = this.insteadOfFile?.(entry);
    if (refusal) return this.#error(res, refusal.status, refusal.error);
    const content = Buffer.concat(parts);
    if (content.length > this.fileBytes) return this.#error(res, 413, "too_large");
    entry.done = true;
    const type = content.subarray(1, 4).toString() === "PNG" ? "image/png" : "application/octet-stream";
    return this.#json(res, 200, { file: this.keep(chat, name, content, type) });
  }

  #download(req, path, res) {
    if (!this.#signedIn(req)) {
      res.writeHead(302, { Location: `/#${path}` }).end();
      return;
    }
    const kept = this.files.get(path.split("/")[2]);
    if (!kept) {
      res.writeHead(404).end("There is no such file for you.");
      return;
    }
    const { content, file } = kept;
    const inline = file.type.startsWith("image/") && !new URL(req.url, "http://localhost").searchParams.has("save");
    res.writeHead(200, {
      "Content-Type": file.type,
      "Content-Length": content.length,
      "Content-Disposition": `${inline ? "inline" : "attachment"}; filename*=UTF-8''${encodeURIComponent(file.name)}`,
      "X-Content-Type-Options": "nosniff",
      "Content-Security-Policy": "default-src 'none'; sandbox",
    });
    res.end(req.method === "HEAD" ? undefined : content);
  }

  /** Signs in at once; or comes back with the word that a test wants. */
  #atTheProvider(url, res) {
    const cookie = randomUUID();
    this.asked.push({ op: url.pathname + url.search });
    this.proved ||= !this.oidcTrouble;
    if (!this.oidcTrouble && !url.search) this.#cookies.add(cookie);
    const place = this.oidcTrouble ? `#/signin/oidc_${this.oidcTrouble}` : url.search ? "#/settings/security" : "";
    const headers = this.oidcTrouble || url.search ? {} : { "Set-Cookie": `dialtone=${cookie}; HttpOnly; SameSite=Strict; Path=/` };
    res.writeHead(200, { "Content-Type": "text/html", Refresh: `0; url=/${place}`, ...headers });
    res.end("<!doctype html><title>Dialtone</title>");
  }

  #admin(request, req, res) {
    if (!this.#signedIn(req)) return this.#error(res, 401, "signed_out");
    if (this.admin && request.stream) return this.#trace(request, res);
    const answer = this.admin?.give(request, this.proved) ?? { status: 404, error: "unknown_op" };
    return answer.error ? this.#error(res, answer.status, answer.error, { text: answer.text ?? answer.error }) : this.#json(res, 200, answer);
  }

  #trace(request, res) {
    const { tracers } = this.admin;
    const write = (line) => res.write(`${JSON.stringify(line)}\n`);
    this.admin.asked.push({ command: request.command, args: request.args });
    res.writeHead(200, { "Content-Type": "application/x-ndjson", "Cache-Control": "no-store", ...HEADERS });
    res.flushHeaders();
    tracers.add(write);
    res.on("close", () => tracers.delete(write));
  }

  administrate() {
    this.admin = new Admin();
    return this.admin;
  }

  get #right() {
    return this.admin ? { admin: true } : {};
  }

  get #needs() {
    return this.required && !this.factor ? { needs: "second_factor" } : {};
  }

  #login({ user: name, password, code }, res, user) {
    if (this.locked) return this.#error(res, 429, "too_many_attempts", { retry_s: this.locked });
    if (!/^alice(@example\.test)?$/.test(name) || password !== this.password) {
      if (++this.#fails >= 3) this.locked = 75;
      return this.#error(res, 401, "wrong_login");
    }
    if (this.factor && !code) return this.#error(res, 401, "code_needed");
    if (this.factor && code !== CODE) return this.#error(res, 401, "wrong_login");
    const cookie = randomUUID();
    this.#cookies.add(cookie);
    return this.#json(res, 200, { user, ...this.#needs }, { "Set-Cookie": `dialtone=${cookie}; HttpOnly; SameSite=Strict; Path=/` });
  }

  #file(path, res) {
    if (this.gone) return res.socket.destroy();
    if (this.status) return void res.writeHead(this.status, HEADERS).end();
    const instead = this.pages[path === "/" ? "/index.html" : path];
    if (instead !== undefined) {
      res.writeHead(200, { "Content-Type": TYPES[extname(path)] ?? TYPES[".html"], "Cache-Control": "no-cache", ...HEADERS }).end(instead);
      return;
    }
    const file = join(DIST, normalize(path === "/" ? "/index.html" : path));
    if (!file.startsWith(DIST) || !existsSync(file) || !statSync(file).isFile()) {
      res.writeHead(404, HEADERS).end();
      return;
    }
    const type = TYPES[extname(file)] ?? "application/octet-stream";
    const keeps = path.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache";
    res.writeHead(200, { "Content-Type": type, "Cache-Control": keeps, ...HEADERS });
    createReadStream(file).pipe(res);
  }

  // The WebSocket

  #upgrade(req, socket, head) {
    if (this.refuseSockets || this.gone) {
      this.refused++;
      return socket.destroy();
    }
    if (!this.#signedIn(req)) return socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    this.ws.handleUpgrade(req, socket, head, (ws) => {
      this.#sockets.add(ws);
      ws.on("message", (m) => this.#message(ws, JSON.parse(String(m))));
      ws.on("close", () => {
        this.#sockets.delete(ws);
        for (const session of this.#sessions.values()) if (session.socket === ws) session.socket = null;
      });
    });
  }

  #message(ws, { id, op, ...fields }) {
    this.asked.push({ op, ...fields });
    if (op === "hello") return this.#hello(ws, id, fields);
    void Promise.resolve((this.instead[op] ?? OPS[op] ?? UNKNOWN)(fields, this, ws)).then((answer) => {
      if (answer) ws.send(JSON.stringify({ re: id, ...answer }));
    });
  }

  #hello(ws, id, { resume }) {
    const old = resume && this.#sessions.get(resume.session);
    const session = old ?? { id: randomUUID(), seq: 0, events: [] };
    session.socket = ws;
    this.#sessions.set(session.id, session);
    const user = { uri: data.ME, name: "Alice Example", phone: "+49301234", photo: this.photo, ...this.#right };
    const ok = { session: session.id, resumed: Boolean(old), seq: session.seq, user, limits: { message_bytes: 20000, watch: 500, file_bytes: this.fileBytes } };
    ws.send(JSON.stringify({ re: id, ok }));
    if (old) {
      for (const e of old.events.filter((x) => x.seq > resume.seq)) ws.send(JSON.stringify(e));
      return;
    }
    this.#tell(session, "self", this.self);
    this.#tell(session, "contacts", { groups: this.groups, people: this.contacts });
    const watched = this.contacts.map((c) => this.people.get(c.uri)).filter(Boolean);
    this.#tell(session, "presence", { people: watched });
  }

  tellContacts() {
    this.event("contacts", { groups: this.groups, people: this.contacts });
  }
}

const CODE = "123456";
const RECOVERY = Array.from({ length: 10 }, (_, i) => `abcd-efgh-jkmn-pqr${i + 2 > 9 ? "z" : i + 2}`);
/** What needs the password again. */
const proven = (fn) => (fields, mock) => (mock.proved ? fn(fields, mock) : { status: 403, error: "prove" });

/** Of the own account. */
const OWN = {
  "photo/remove": (_, mock) => {
    mock.photo = "";
    return { photo: "" };
  },
  prove: ({ password }, mock) => {
    if (password !== mock.password) return { status: 401, error: "wrong_login" };
    mock.proved = true;
    return {};
  },
  password: ({ password, new: next, code }, mock) => {
    if (next.length < 8) return { status: 400, error: "bad_password" };
    if (password !== mock.password) return { status: 401, error: "wrong_login" };
    if (mock.factor && !code) return { status: 401, error: "code_needed" };
    if (mock.factor && code !== CODE) return { status: 401, error: "wrong_login" };
    mock.password = next;
    mock.logins = mock.logins.filter((l) => l.this);
    return {};
  },
  "second-factor": (_, mock) => ({ on: mock.factor, required: mock.required, recovery_left: mock.factor ? 10 : 0 }),
  "second-factor/begin": proven(() => ({
    secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
    uri: "otpauth://totp/Dialtone:alice%40example.test?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Dialtone",
  })),
  "second-factor/confirm": ({ code }, mock) => {
    if (code !== CODE) return { status: 403, error: "wrong_code" };
    mock.factor = true;
    return { recovery: RECOVERY };
  },
  "second-factor/codes": proven(() => ({ recovery: RECOVERY })),
  "second-factor/end": proven((_, mock) => {
    mock.factor = false;
    return {};
  }),
  push: (_, mock) => ({ key: mock.pushKey, subscribed: mock.pushed !== null }),
  "push/subscribe": (fields, mock) => {
    mock.pushed = fields;
    return {};
  },
  "push/unsubscribe": (_, mock) => {
    if (!mock.pushed) return { status: 404, error: "not_found" };
    mock.pushed = null;
    return {};
  },
  devices: (_, mock) => ({ devices: mock.devices }),
  "devices/add": proven(({ name }, mock) => {
    if (mock.devices.some((d) => d.name === name)) return { status: 409, error: "exists" };
    mock.devices.push({ number: 100 + mock.devices.length, name, made_at: new Date().toISOString(), used_at: null });
    return { password: "k7m2p9qrs4tuvwxy3zab" };
  }),
  "devices/remove": ({ number }, mock) => {
    mock.devices = mock.devices.filter((d) => d.number !== number);
    return {};
  },
  tokens: (_, mock) => ({ tokens: mock.tokens }),
  "tokens/add": proven(({ name, days }, mock) => {
    if (mock.tokens.some((d) => d.name === name)) return { status: 409, error: "exists" };
    const ends_at = days ? new Date(Date.now() + days * 86400000).toISOString() : null;
    mock.tokens.push({ number: 200 + mock.tokens.length, name, made_at: new Date().toISOString(), used_at: null, ends_at });
    return { token: "dtk_AAAAAAAAAAEq4Ov0TnXhfYyB1v5n2rRkQm8cJw3sZ9a" };
  }),
  "tokens/remove": ({ number }, mock) => {
    mock.tokens = mock.tokens.filter((d) => d.number !== number);
    return {};
  },
  logins: (_, mock) => ({ logins: mock.logins }),
  "logins/end": ({ number, others }, mock) => {
    const gone = (l) => (others ? !l.this : l.number === number);
    if (!others && !mock.logins.some(gone)) return { status: 404, error: "not_found" };
    mock.logins = mock.logins.filter((l) => !gone(l));
    return {};
  },
};

/** A change of a message that is there and may be changed so. */
function changing(kind, allowed = () => true) {
  return ({ message: id, at, on, ...fields }, mock) => {
    const m = mock.messages.find((x) => x.id === id && x.at === at);
    if (!m || m.deleted) return { error: { code: "not_found", text: "There is no such message.", remedy: "" } };
    if (!allowed(m)) return { error: { code: "refused", text: "It is not yours.", remedy: "" } };
    mock.change(id, on === false ? `un${kind}` : kind, fields);
    return { ok: { shown: !mock.unseen } };
  };
}

const UNKNOWN = () => ({ error: { code: "unknown_op", text: "No such request.", remedy: "" } });

function changeContact(mock, uri, change) {
  mock.contacts = mock.contacts.map((c) => (c.uri === uri ? { ...c, ...change } : c));
  mock.tellContacts();
  return { ok: {} };
}

const OPS = {
  "presence.set": ({ state }, mock) => {
    const chosen = state === "auto" ? null : state;
    mock.self = { ...mock.self, chosen, state: chosen ?? "available" };
    mock.event("self", mock.self);
    return { ok: {} };
  },
  "presence.note": ({ text }, mock) => {
    mock.self = { ...mock.self, note: text };
    mock.event("self", mock.self);
    return { ok: {} };
  },
  "presence.active": () => ({ ok: {} }),
  "people.watch": ({ uris }, mock) => {
    mock.event("presence", { people: uris.map((u) => mock.people.get(u)).filter(Boolean) });
    return { ok: {} };
  },
  "people.search": ({ text }, mock) => {
    const query = text.toLowerCase();
    const all = [...mock.people.values()].filter((p) => `${p.name} ${p.uri}`.toLowerCase().includes(query));
    const people = all.slice(0, 20).map(({ state: _state, activity: _activity, since: _since, note: _note, ...card }) => card);
    return { ok: { people, more: all.length > 20 } };
  },
  "people.members": ({ group }, mock) => {
    if (group !== data.SALES) return { error: { code: "not_found", text: "There is no distribution group of this address.", remedy: "" } };
    const people = ["bob", "chen", "fatima"].map((u) => mock.people.get(`${u}@${data.DOMAIN}`)).map(({ uri, name, title, department }) => ({ uri, name, title, department }));
    return { ok: { people, more: true } };
  },
  "contacts.add": ({ uri, name, group = 1 }, mock) => {
    mock.contacts = [...mock.contacts, { uri, name: name || mock.people.get(uri)?.name || "", groups: [group], tagged: false }];
    mock.tellContacts();
    return { ok: {} };
  },
  "contacts.remove": ({ uri }, mock) => {
    mock.contacts = mock.contacts.filter((c) => c.uri !== uri);
    mock.tellContacts();
    return { ok: {} };
  },
  "contacts.move": ({ uri, groups }, mock) => changeContact(mock, uri, { groups }),
  "contacts.rename": ({ uri, name }, mock) => changeContact(mock, uri, { name }),
  "groups.add": ({ name }, mock) => {
    const group = Math.max(...mock.groups.map((g) => g.id)) + 1;
    mock.groups = [...mock.groups, { id: group, name }];
    mock.tellContacts();
    return { ok: { group } };
  },
  "groups.rename": ({ group, name }, mock) => {
    mock.groups = mock.groups.map((g) => (g.id === group ? { ...g, name } : g));
    mock.tellContacts();
    return { ok: {} };
  },
  "groups.remove": ({ group }, mock) => {
    mock.groups = mock.groups.filter((g) => g.id !== group);
    mock.tellContacts();
    return { ok: {} };
  },
  "conference.create": ({ name }, mock) => {
    const chat = `conf-${randomUUID().replaceAll("-", "")}.${data.ME}`;
    mock.conferences.set(chat, { name, organizer: data.ME, people: [data.ME] });
    return { ok: { chat } };
  },
  "conference.add": ({ chat, uri }, mock) => {
    if (!mock.people.has(uri)) return { error: { code: "not_found", text: "Nobody.", remedy: "" } };
    mock.conferences.get(chat).people.push(uri);
    mock.tellConference(chat);
    return { ok: {} };
  },
  "conference.remove": ({ chat, uri }, mock) => {
    const c = mock.conferences.get(chat);
    c.people = c.people.filter((p) => p !== uri);
    if (uri === (c.leader ?? c.organizer)) c.leader = c.people[0];
    mock.tellConference(chat);
    return { ok: {} };
  },
  "conference.lead": ({ chat, uri }, mock) => {
    mock.conferences.get(chat).leader = uri;
    mock.tellConference(chat);
    return { ok: {} };
  },
  "conference.rename": ({ chat, name }, mock) => {
    mock.conferences.get(chat).name = name;
    mock.tellConference(chat);
    return { ok: {} };
  },
  "conference.watch": ({ chats }, mock) => {
    for (const chat of chats) mock.tellConference(chat);
    return { ok: {} };
  },
  "call.start": ({ to, sdp, refer }, mock) => {
    // Beside the call that a transfer is of.
    const call = refer ? `${refer}-on` : "call-1";
    mock.callBegins(call, to, data.ME, sdp);
    return { ok: { call } };
  },
  "call.transfer": ({ call }, mock) =>
    mock.running.has(call) ? { ok: {} } : { error: { code: "no_call", text: "This call is over.", remedy: "" } },
  "call.answer": ({ call }, mock) => {
    mock.callAnswered(call);
    return { ok: {} };
  },
  "call.accept": () => ({ ok: {} }),
  "call.end": ({ call }, mock) => {
    mock.callOver(call, mock.running.get(call)?.from === data.ME ? "missed" : "declined");
    return { ok: {} };
  },
  "relay.get": () => ({ error: { code: "no_relay", text: "There is no relay.", remedy: "" } }),
  seen: () => ({ ok: {} }),
  "chat.typing": () => ({ ok: {} }),
  "chat.send": ({ to, text, ref, file: id }, mock, ws) => {
    const file = mock.files.get(id)?.file;
    if (id && !file) return { error: { code: "not_found", text: "There is no such file of yours for this chat.", remedy: "" } };
    const known = mock.messages.find((m) => m.ref === ref);
    const state = mock.people.get(to)?.state === "offline" ? "kept" : "delivered";
    const message = known ?? { id: randomUUID(), chat: to, from: data.ME, at: new Date().toISOString(), text, file, state, ref };
    if (!known) {
      mock.messages.push(message);
      mock.tellOthers(ws, "message", { message: { ...message, ref: undefined } });
    }
    return { ok: { message } };
  },
  "chat.edit": changing("edit", (m) => m.from === data.ME),
  "chat.delete": changing("delete", (m) => m.from === data.ME),
  "chat.react": changing("react"),
  "chat.history": ({ with: uri, calls, before, limit }, mock) => {
    const all = mock.messages
      .filter((m) => (!uri || m.chat === uri) && (!calls || m.call) && (!before || m.at < before))
      .sort((a, b) => (a.at < b.at ? -1 : 1));
    const messages = all.slice(-limit);
    return { ok: { messages, before: messages[0]?.at ?? "", more: all.length > limit } };
  },
  // Each time a part of what there is, as the server does.
  "chat.search": ({ text, before }, mock) => {
    const words = text.toLowerCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean);
    if (!words.length) return { error: { code: "bad_request", text: "text has no word", remedy: "" } };
    const all = mock.messages.filter((m) => !before || m.at < before).sort((a, b) => (a.at < b.at ? -1 : 1));
    const part = all.slice(-SEARCHED);
    const messages = part.filter((m) => !m.call && words.every((w) => m.text.toLowerCase().includes(w)));
    return { ok: { messages, before: part[0]?.at ?? "", more: all.length > SEARCHED } };
  },
};
