"""The web role: sessions, messages and states for browsers, what they hold in memory, and files
beside nginx."""
import collections
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import time

import procs
import servers
from load import WebLoad
from plan import IDLE_S, Sample
from report import Figures, ratio

USERS = 400  # who chat in pairs, one session each
OUTSTANDING = 32
IDLE = (2500, 2)  # users, and sessions of each, that hold still
LISTED, CONTACTS = (1000, 2), 80
STAY_S = 60
GROUPS = 5  # in which those come who say what they have seen
FILES = {"page": 600, "asset": 65536}
CLIENTS = 32  # of the files
PAIRED, GROUP, SAID = 40, 10, 500  # users of what is rarer; of a group chat; messages of a pair
BIG = 1024 * 1024  # bytes of a file that people send each other
SENDERS = 4  # as many as one user may have under way

TITLES = {
    "login": "log-in by password",
    "open": "session: WebSocket, hello, until self and contacts are there",
    "chat": "message from browser to browser, nothing remembered",
    "chat-kept": "the same with the history, as by default",
    "presence": "state told to a browser, of one person to 399",
    "edit": "message edited, until the other side is told",
    "react": "reaction to a message, until its author is told",
    "group": f"message in a group chat of {GROUP} browsers, at all of them",
    "search": f"search through {SAID} messages that finds one",
    "stay": "session that stays, in a minute",
    "up": "file of 1 MB sent over TLS, HTTP/1.1",
    "down": "file of 1 MB fetched over TLS, HTTP/1.1",
    "idle": "memory of an idle session, web process",
    "idle-all": "memory of an idle session, all processes",
    "listed": "memory of an idle session with 80 contacts, web process",
    "listed-all": "memory of an idle session with 80 contacts, all processes",
    "seen": "the same, when they have said what they have seen, web process",
    "seen-all": "the same, all processes",
}


class Size:
    def __init__(self, full, rounds):
        self.rounds = rounds or (9 if full else 3)
        self.idle_rounds = min(self.rounds, 3 if full else 1)
        factor = 3 if full else 1
        self.chats, self.states = 12000 * factor, 60 * factor
        self.echoes, self.requests = 30000 * factor, 40000 * factor
        self.groups, self.ups, self.downs = 1200 * factor, 200, 400 * factor


def errors_of(result):
    return {word: n for word, n in result["failures"].items() if n}


class Browsers:
    """Runs the sessions; samples collects what they found."""

    def __init__(self, bench, folder, cpus, full, rounds):
        self.bench, self.size, self.samples, self.lines = bench, Size(full, rounds), [], []
        self.folder, self.cpus, self.say = os.path.join(folder, "web"), cpus, bench.say
        self.parts = collections.defaultdict(list)  # row: {role: microseconds} of each round
        self.waits = collections.defaultdict(list)  # row: (p50, p99)

    def web(self):
        os.makedirs(self.folder)
        self._make()
        for n in range(self.size.rounds):
            for name in self._turn(n, [x for x in ("forgetful", "dialtone", "echo") if x in self.made]):
                self.say(f"round {n + 1} of {self.size.rounds}: browsers, {name}")
                (self._echo if name == "echo" else self._session)(name)
            for how in ("h1", "h2"):
                for name in self._turn(n, [x for x in ("dialtone", "nginx") if x in self.made]):
                    self.say(f"round {n + 1} of {self.size.rounds}: files by {how}, {name}")
                    self._files(name, how)
            self._rare(n)
        for n in range(self.size.idle_rounds):
            self.say(f"round {n + 1} of {self.size.idle_rounds}: idle sessions")
            self._memory()
        self._tell()

    @staticmethod
    def _turn(n, things):
        at = n % len(things) if things else 0
        return things[at:] + things[:at]

    def _make(self):
        pages = os.path.join(self.folder, "pages")
        self._write_pages(pages)
        certificate = servers.Certificate(self.folder)
        make = {"dialtone": lambda f: servers.Web(f, self.cpus, self.bench.build, pages),
                "grouped": lambda f: servers.Web(f, self.cpus, self.bench.build, pages, groups=True),
                "forgetful": lambda f: servers.Web(f, self.cpus, self.bench.build, pages, False),
                "echo": lambda f: servers.Httpd(f, self.cpus, self.bench.build, certificate, pages),
                "nginx": lambda f: servers.Nginx(f, self.cpus, certificate, pages)}
        have = set(self.bench.made)
        if "dialtone" in have:
            have |= {"grouped", "forgetful", "nginx"}
        self.made = {}
        for name in make:
            if name not in have:
                continue
            try:
                self.made[name] = make[name](os.path.join(self.folder, name))
            except procs.Failed as e:
                if name != "nginx":
                    raise
                self.lines.append(f"web: {e}")

    @staticmethod
    def _write_pages(folder):
        os.makedirs(os.path.join(folder, "assets"))
        for path, n in (("index.html", FILES["page"]), ("assets/main-1.js", FILES["asset"]),
                        ("big", BIG)):
            with open(os.path.join(folder, path), "w", encoding="ascii") as f:
                f.write(("<!doctype html><title>Dialtone</title>\n" * (n // 39 + 1))[:n])

    def _load(self, server, steps, **kw):
        return WebLoad(self.bench.build, server, steps, self.bench.load_cpus,
                       os.path.join(self.folder, "webload.log"), **kw)

    def _add(self, row, server, value, errors, note=""):
        self.samples.append(Sample(row, server, value, errors, note))

    # What costs time.

    def _session(self, name):
        """`forgetful` is the one without a history."""
        server = self.made[name]
        row = "chat" if name == "forgetful" else "chat-kept"
        steps = [("login", "login"), (f"open:{USERS}", "open"), (f"chat:{USERS * 5}", None),
                 (f"chat:{self.size.chats}", row)]
        if name == "dialtone":
            steps += [("watch", None), ("presence:5", None),
                      (f"presence:{self.size.states}", "presence")]
        server.start("web", users=USERS)
        try:
            load = self._load(server, [s for s, _ in steps], users=USERS, outstanding=OUTSTANDING)
            try:
                for step, measured in steps:
                    self._step(server, load, measured if name == "dialtone" or measured == row
                               else None)
            finally:
                load.close()
        finally:
            server.stop()

    def _step(self, server, load, row):
        roles = server.by_role()
        before = procs.cpu(roles.values())
        result = load.step()
        after = procs.cpu(roles.values())
        errors = errors_of(result)
        if not row:
            if errors:
                self.say(f"  {load.program} {result['op']}: {errors}")
            return
        self._add((row, ""), "dialtone", result["cpu_us"], errors)
        if result["ops"]:
            self.parts[row].append({r: procs.cpu_between({p: before[p]}, {p: after[p]}) * 1e6 /
                                    result["ops"] for r, p in roles.items()})
            self.waits[row].append((result["p50_us"], result["p99_us"]))

    def _echo(self, name):
        server = self.made[name]
        server.start()
        try:
            load = self._load(server, [f"open:{USERS}", "echo:5000", f"echo:{self.size.echoes}"],
                              users=USERS, outstanding=OUTSTANDING)
            try:
                result = [load.step() for _ in range(3)][-1]
            finally:
                load.close()
        finally:
            server.stop()
        self._add(("echo", ""), "echo", result["cpu_us"], errors_of(result))

    # Files.

    def _files(self, name, how):
        server = self.made[name]
        server.start("web", users=1)
        try:
            for kind, path in (("page", "/"), ("asset", "/assets/main-1.js")):
                self._h2load(server, how, path, self.size.requests // 10)
                pids = server.pids()
                before = procs.cpu(pids)
                done, failed = self._h2load(server, how, path, self.size.requests)
                used = procs.cpu_between(before, procs.cpu(pids))
                self._add((f"file-{how}", kind), server.name, used / done * 1e6 if done else None,
                          {"requests failed": failed} if failed else {})
        finally:
            server.stop()

    def _h2load(self, server, how, path, n, clients=CLIENTS, more=()):
        """How many requests were answered with 2xx, how many were not."""
        program = shutil.which("h2load")
        if not program:
            raise procs.Failed("h2load is not installed; tools/packages/bench names the packages")
        p = subprocess.run([program, *["--h1"] * (how == "h1"), "-n", str(n), "-c", str(clients),
                            "-t", "1", *more, f"https://{server.address('web')}{path}"],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True,
                           preexec_fn=lambda: os.sched_setaffinity(0, self.bench.load_cpus))
        said = re.search(r"status codes: (\d+) 2xx", p.stdout)
        if not said:
            raise procs.Failed(f"h2load: {p.stdout[-500:]}")
        return int(said.group(1)), n - int(said.group(1))

    # What is rarer than a message to one person.

    def _rare(self, n):
        """Edits first: the server looks for a message among those of the minute that it is of."""
        for name in self._turn(n, [x for x in ("grouped", "nginx") if x in self.made]):
            self.say(f"round {n + 1} of {self.size.rounds}: files of 1 MB, {name}")
            self._big(self.made[name])
        if "grouped" not in self.made:
            return
        self.say(f"round {n + 1} of {self.size.rounds}: groups, searches, changes")
        pairs, rest = PAIRED // 2, SAID - 32
        few = pairs * 180  # what browsers may send without a pause
        parts = [few] * (pairs * rest // few) + [pairs * rest % few]
        steps = [("login", None), (f"open:{PAIRED}", None), (f"chat:{32 * pairs}", None),
                 (f"edit:{32 * pairs}", "edit"), (f"react:{32 * pairs}", "react"),
                 (f"meet:{GROUP}", None), ("group:100", None), (f"group:{self.size.groups}", "group"),
                 *(step for part in parts for step in ((f"hold:{few // pairs // 45}", None),
                                                       (f"chat:{part}", None))),
                 ("hold:2", None), (f"search:{25 * pairs}", "search")]
        server = self.made["grouped"]
        server.start("web", users=PAIRED)
        try:
            load = self._load(server, [s for s, _ in steps], users=PAIRED, outstanding=OUTSTANDING)
            try:
                for _, row in steps:
                    self._step(server, load, row)
            finally:
                load.close()
        finally:
            server.stop()

    def _big(self, server):
        """One user sends files into a chat and fetches the last one; nginx takes PUT."""
        server.start("web", users=1)
        try:
            asset = os.path.join(self.folder, "pages", "big")
            up, down, more = "/up/big", "/big", ["-H", ":method: PUT"]
            if server.name != "nginx":
                up, more = "/api/v1/files?chat=first%40" + servers.DOMAIN + "&name=big", \
                    self._signed_in(server)
                down = self._send_one(server, up, more, asset)
            pids = server.pids()
            for row, path, n, clients, words in (
                    ("up", up, self.size.ups, SENDERS, [*more, "-d", asset]),
                    ("down", down, self.size.downs, CLIENTS, more if server.name != "nginx" else [])):
                self._h2load(server, "h1", path, n // 10, clients, words)
                before = procs.cpu(pids)
                done, failed = self._h2load(server, "h1", path, n, clients, words)
                used = procs.cpu_between(before, procs.cpu(pids))
                self._add((row, ""), server.name, used / done * 1e6 if done else None,
                          {"requests failed": failed} if failed else {})
        finally:
            server.stop()

    @staticmethod
    def _ask(server, path, body, fields):
        """The object of the answer, and its head."""
        host, port = server.address("web").split(":")
        head = "".join(f"{k}: {v}\r\n" for k, v in {
            "Host": f"{host}:{port}", "Connection": "close", "Content-Length": len(body),
            **fields}.items())
        context = ssl.create_default_context(cafile=server.ca)
        with socket.create_connection((host, int(port)), timeout=30) as tcp, \
                context.wrap_socket(tcp, server_hostname=server.host) as s:
            s.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
            said = b"".join(iter(lambda: s.recv(65536), b""))
        head, _, body = said.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise procs.Failed(f"{path}: {said[:500]}")
        return json.loads(body), head.decode()

    def _signed_in(self, server):
        """What h2load says of user0."""
        origin = f"https://{server.address('web')}"
        body = json.dumps({"user": "user0", "password": servers.PASSWORD}).encode()
        head = self._ask(server, "/api/v1/login", body,
                         {"Origin": origin, "Content-Type": "application/json"})[1]
        cookie = re.search(r"(?i)set-cookie: ([^;\r]+)", head).group(1)
        return ["-H", f"Origin: {origin}", "-H", f"Cookie: {cookie}"]

    def _send_one(self, server, path, more, asset):
        with open(asset, "rb") as f:
            said, _ = self._ask(server, path, f.read(), dict(w.split(": ", 1) for w in more[1::2]))
        return said["file"]["url"]

    # What costs memory.

    def _memory(self):
        users, tabs = IDLE
        if "dialtone" in self.made:
            self._idle("idle", users, tabs, [f"open:{users * tabs}"])
            users, tabs = LISTED
            lists = {n: [(n + k) % users for k in range(1, CONTACTS + 1)] for n in range(users)}
            self._idle("listed", users, tabs, [f"open:{users * tabs}"], lists)
            self._idle("seen", users, tabs, [f"open:{users * tabs // GROUPS}", "seen"] * GROUPS,
                       lists)
        if "echo" in self.made:
            self._idle_echo(users * tabs)

    def _idle(self, row, users, tabs, steps, contacts=None):
        server, n = self.made["dialtone"], users * tabs
        server.start("web", users=users, contacts=contacts)
        try:
            load = self._load(server, ["login", *steps], users=users, tabs=tabs)
            try:
                errors = errors_of(load.step())
                time.sleep(2)
                pids, web = server.pids(), [server.by_role()["web"]]
                before, kernel = (procs.pss(web), procs.pss(pids)), procs.kernel_memory()
                came = [load.step() for _ in steps]
                for r in came:
                    errors.update(errors_of(r))
                time.sleep(IDLE_S)
                each = [(procs.pss(p) - b) / n for p, b in zip((web, pids), before)]
                note = f"kernel {(procs.kernel_memory() - kernel) / n / 1000:.1f} kB"
                if row == "idle":
                    self._add(("open", str(n)), "dialtone", came[0]["cpu_us"], errors)
                    self._stay(pids, n)
            finally:
                load.close()
        finally:
            server.stop()
        self._add((row, str(n)), "dialtone", each[0], errors, note)
        self._add((row + "-all", str(n)), "dialtone", each[1], errors)

    def _stay(self, pids, n):
        before = procs.cpu(pids)
        time.sleep(STAY_S)
        used = procs.cpu_between(before, procs.cpu(pids))
        self._add(("stay", str(n)), "dialtone", used * 1e6 / n * 60 / STAY_S, {})

    def _idle_echo(self, n):
        server = self.made["echo"]
        server.start()
        try:
            load = self._load(server, [f"open:{n}"], users=n)
            try:
                time.sleep(2)
                before = procs.pss(server.pids())
                errors = errors_of(load.step())
                time.sleep(IDLE_S)
                each = (procs.pss(server.pids()) - before) / n
            finally:
                load.close()
        finally:
            server.stop()
        self._add(("idle", str(n)), "echo", each, errors)

    # What was found.

    def _tell(self):
        for row, rounds in self.parts.items():
            shares = ", ".join(f"{role} {Figures.of([r[role] for r in rounds])}"
                               for role in ("web", "frontend", "accounts"))
            p50, p99 = (Figures.of([w[i] / 1000 for w in self.waits[row]]) for i in (0, 1))
            self.lines.append(f"web, {TITLES[row]}: {shares} us; there in ms: {p50} (p50), "
                              f"{p99} (p99)")

    def entries(self):
        """As Report.summary() has them."""
        rows = collections.OrderedDict()
        for s in self.samples:
            rows.setdefault(s.row, collections.defaultdict(Figures))[s.server].add(s)
        echo = rows.get(("echo", ""), {}).get("echo")
        for row, found in rows.items():
            yield entry_of(row, found, echo)


def title_of(row):
    kind, detail = row
    if kind.startswith("file"):
        by = "HTTP/1.1" if kind.endswith("h1") else "HTTP/2"
        return f"file of {FILES[detail]:,} bytes, {by} over TLS"
    if kind == "echo":
        return "one echo by WebSocket over TLS, 400 connections"
    return TITLES[kind] + (f", {int(detail):,}" if detail else "")


def budget_of(row):
    kind = row[0]
    if kind.startswith("file"):
        return ("nginx", 1.3)
    if kind in ("chat", "chat-kept"):
        return ("us", 60)
    if kind in ("up", "down"):
        return None
    return ("bytes", 40000) if kind in ("idle", "listed", "seen") else None


def entry_of(row, found, echo):
    """A message is two echoes: text and answer at the one side, and the text at the other."""
    ours, peer, floor, n = found["dialtone"], found["nginx"], found["echo"], 1
    if row[0] in ("chat", "chat-kept") and echo:
        floor, n = echo, 2
    by_server = {"dialtone": ours, "nginx": peer, "echo": found["echo"]}
    entry = {
        "row": "/".join(x for x in ("web", *row) if x), "title": title_of(row),
        "unit": "B" if row[0].split("-")[0] in ("idle", "listed", "seen") else "us",
        "figures": {n: f.values for n, f in by_server.items() if f.values},
        "text": {n: f.text() for n, f in by_server.items() if f.values},
        "errors": {n: dict(f.errors) for n, f in by_server.items() if f.errors},
        "notes": {n: f.notes for n, f in by_server.items() if f.notes},
        "to_nginx": ratio(ours, peer), "to_echo": ratio(ours, floor, n),
        "budget": budget_of(row), "met": None, "remark": "",
    }
    if entry["budget"] and ours.values:
        what, most = entry["budget"]
        value = entry["to_nginx"] if what == "nginx" else ours.median
        entry["met"] = None if value is None else value <= most
    return entry
