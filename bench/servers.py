"""The servers that are measured.  Each has start(), stop(), pids(), address(transport) and exchanges:
how many echoes the messages of an operation are."""
import glob
import json
import os
import secrets
import shutil
import socket
import sqlite3
import subprocess

import procs

HERE = os.path.dirname(os.path.abspath(__file__))
DOMAIN = "bench.test"
PASSWORD = "correct-horse-" + secrets.token_hex(4)
IP = "127.0.0.1"
TABLES = "/usr/share/kamailio/dbtext/kamailio"


def free_port():
    """A port below those that the kernel gives to clients, free for UDP and TCP."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as f:
        top = int(f.read().split()[0])
    for _ in range(1000):
        port = top - 1 - secrets.randbelow(8000)
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as s:
                    s.bind((IP, port))
            return port
        except OSError:
            continue
    raise procs.Failed("no free port")


def must(argv, **kw):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **kw)
    if done.returncode != 0:
        raise procs.Failed(f"{' '.join(argv)}: {done.stdout.decode('utf-8', 'replace').strip()}")
    return done.stdout.decode("utf-8", "replace")


def listens(port, udp=False):
    """True if somebody listens there (TCP), or has bound it (UDP)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM) as s:
        try:
            if udp:
                s.bind((IP, port))
                return False
            s.settimeout(1)
            s.connect((IP, port))
            return True
        except OSError as e:
            return udp and e.errno == 98


class Server:
    """folder: its own files and log; cpus: where it runs."""
    name = None

    def __init__(self, folder, cpus):
        self.folder, self.cpus, self.p = folder, cpus, None
        os.makedirs(folder, exist_ok=True)
        self.log = os.path.join(folder, "log")
        self.port, self.tls_port = free_port(), free_port()

    def address(self, transport):
        return f"{IP}:{self.tls_port if transport == 'tls' else self.port}"

    def pids(self):
        if self.p.poll() is not None:
            raise procs.Failed(f"{self.name} ended with {self.p.returncode}: {self.tail()}")
        return procs.tree(self.p.pid)

    def tail(self):
        with open(self.log, "rb") as f:
            return f.read()[-500:].decode("utf-8", "replace").strip()

    def launch(self, argv, **kw):
        self.p = procs.start(argv, self.log, self.cpus, **kw)

    def stop(self):
        if self.p:
            procs.stop(self.p)
            self.p = None


class Certificate:
    """EC P-256, as all servers here have."""

    def __init__(self, folder):
        self.cert, self.key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
        if not os.path.exists(self.cert):
            must(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                  "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=" + DOMAIN,
                  "-keyout", self.key, "-out", self.cert])


class Echo(Server):
    """The floor: sends back what comes."""
    name = "echo"

    def __init__(self, folder, cpus, build, certificate):
        super().__init__(folder, cpus)
        self.program, self.certificate = os.path.join(build, "bench", "echo"), certificate

    def start(self, transport, users=0, challenge=False, presence=False):
        files = [self.certificate.cert, self.certificate.key] if transport == "tls" else []
        self.launch([self.program, transport, self.address(transport), *files],
                    stdout=subprocess.PIPE)
        if self.p.stdout.readline() != b"ready\n":
            raise procs.Failed(f"echo does not start: {self.tail()}")


class Kamailio(Server):
    """Kamailio with its fast allocator, locations in memory, one fixed secret, no logging."""
    name = "kamailio"
    SHARED_MB, PRIVATE_MB = 3000, 64
    CHILDREN = 2

    def __init__(self, folder, cpus, certificate):
        super().__init__(folder, cpus)
        self.certificate = certificate
        self.program = shutil.which("kamailio") or "/usr/sbin/kamailio"
        if not os.path.exists(self.program):
            raise procs.Failed("kamailio is not installed; tools/packages/bench names the packages")

    def version(self):
        return must([self.program, "-v"]).split("(")[0].replace("version:", "").strip()

    def start(self, transport, users=0, challenge=False, presence=False):
        config = os.path.join(self.folder, "kamailio.cfg")
        words = {"CHILDREN": str(self.CHILDREN), "DOMAIN": DOMAIN, "PASSWORD": PASSWORD,
                 "CERT": self.certificate.cert, "KEY": self.certificate.key,
                 "LISTEN": f"listen={transport}:{self.address(transport)}",
                 "ADDRESS": self.address(transport) + ("" if transport == "udp" else
                                                       ";transport=" + transport),
                 "TABLES": self._tables() if presence else "",
                 "MODULES": os.path.dirname(glob.glob("/usr/lib/*/kamailio/modules/tm.so")[0])}
        with open(os.path.join(HERE, "kamailio.cfg.in"), encoding="utf-8") as f:
            text = f.read()
        for word, value in words.items():
            text = text.replace(f"@{word}@", value)
        defines = (["WITH_TLS"] * (transport == "tls") + ["WITH_CHALLENGE"] * challenge
                   + ["WITH_PRESENCE"] * presence)
        with open(config, "w", encoding="utf-8") as f:
            f.write("#!KAMAILIO\n" + "".join(f"#!define {d}\n" for d in defines) + text)
        self.launch([self.program, "-f", config, "-DD", "-E", "-x", "fm", "-X", "fm",
                     "-m", str(self.SHARED_MB), "-M", str(self.PRIVATE_MB), "-Y", self.folder,
                     "-P", os.path.join(self.folder, "pid")])
        port = self.tls_port if transport == "tls" else self.port
        procs.wait_until(lambda: self.pids() and listens(port, transport == "udp"),
                         "a listening kamailio")
        self._wait_for_children()

    def _tables(self):
        """Empty tables: the presence modules do not start without a database, and use none."""
        folder = os.path.join(self.folder, "tables")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        for name in ("version", "presentity", "active_watchers", "watchers", "xcap", "pua"):
            shutil.copy(os.path.join(TABLES, name), folder)
        return folder

    def _wait_for_children(self):
        """It listens before the last of its processes has begun."""
        seen = []
        def settled():
            seen.append(self.pids())
            return len(seen) > 10 and all(s == seen[-1] for s in seen[-10:])
        procs.wait_until(settled, "all processes of kamailio")


def contact_list(people):
    """As the server keeps it."""
    return ('<contactList deltaNum="2"><group id="1" name="~" externalURI=""/>' + "".join(
        f'<contact uri="user{n}@{DOMAIN}" name="" groups="1" subscribed="true" externalURI=""/>'
        for n in people) + "</contactList>\r\n")


class Dialtone(Server):
    """Our own.  All it needs: `dialtone` and `dialtoned` of the build directory, a folder with
    topology.conf and local.conf, certificates by `dialtone cert init`, and accounts user0 ..
    userN-1, which bench/accounts puts into the store of the stopped server."""
    name = "dialtone"
    FRONTENDS = 1

    def __init__(self, folder, cpus, build):
        super().__init__(folder, cpus)
        self.build = os.path.abspath(build)
        self.dir = os.path.join(folder, "server")
        for name in ("dialtone", "dialtoned", os.path.join("bench", "accounts")):
            if not os.path.exists(os.path.join(build, name)):
                raise procs.Failed(f"{name} is not built in {build}")

    def version(self):
        return must([os.path.join(self.build, "dialtone"), "--version"]).strip()

    def _tool(self, folder, *words, **kw):
        return must([os.path.join(self.build, "dialtone"), "--config", folder, *words], **kw)

    def _write_config(self, folder):
        plain, tls = self.address("udp"), self.address("tls")
        os.makedirs(folder)
        os.chmod(folder, 0o711)
        with open(os.path.join(folder, "topology.conf"), "w", encoding="utf-8") as f:
            f.write(f"[deployment]\ndomains = {DOMAIN}\n\n"
                    f"[host main]\nname = sip.{DOMAIN}\naddresses = {IP}\n\n"
                    f"[role accounts]\n\n"
                    f"[role frontend]\nprocesses = {self.FRONTENDS}\nmetrics-port = 0\n"
                    f"udp = {plain}\ntcp = {plain}\ntls = {tls}\n")
        with open(os.path.join(folder, "local.conf"), "w", encoding="utf-8") as f:
            f.write("[local]\nhost = main\nlog-level = warning\n"
                    + "user = root\n" * (os.getuid() == 0))

    def _template(self, users, contacts):
        """A folder with N accounts, made once; a server runs in a copy of it."""
        folder = os.path.join(self.folder, f"with-{users}" + "-contacts" * bool(contacts))
        if not os.path.exists(folder):
            self._write_config(folder)
            self._tool(folder, "cert", "init")
            self._tool(folder, "user", "add", "first", "--password-stdin",
                       input=(PASSWORD + "\n").encode())
            data = os.path.join(folder, "data")
            must([os.path.join(self.build, "bench", "accounts"), os.path.join(data, "users.db"),
                  os.path.join(data, "seal.key"), DOMAIN, "user", str(users), PASSWORD])
            if contacts:
                self._fill_lists(folder, contacts)
        return folder

    def _fill_lists(self, folder, contacts):
        """{number of a user: numbers of those on her list}, into the store of a home that has run
        once."""
        self.launch([os.path.join(self.build, "dialtoned"), "--config", folder])
        procs.wait_until(lambda: self._is_ready(folder), "a running dialtoned")
        self.stop()
        data = os.path.join(folder, "data")
        with sqlite3.connect(os.path.join(data, "users.db")) as db:
            accounts = dict((uri.split("@")[0], i) for i, uri in
                            db.execute("select id, uri from account"))
        with sqlite3.connect(os.path.join(data, "home-1.db")) as db:
            db.executemany("insert into home (account, generation, presence, contacts) "
                           "values (?, 1, '', ?)",
                           ((accounts[f"user{n}"], contact_list(people))
                            for n, people in contacts.items()))

    def start(self, transport, users=0, challenge=False, presence=False, contacts=None):
        shutil.rmtree(self.dir, ignore_errors=True)
        shutil.copytree(self._template(users, contacts), self.dir)
        self.start_again()

    def start_again(self):
        """With the store of before."""
        self.launch([os.path.join(self.build, "dialtoned"), "--config", self.dir])
        procs.wait_until(lambda: self._is_ready(self.dir), "a running dialtoned")

    def _is_ready(self, folder):
        self.pids()
        done = subprocess.run([os.path.join(self.build, "dialtone"), "--config", folder, "--json",
                               "role", "list"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              check=False)
        if done.returncode != 0:
            return False
        return all(r.get("state", "running") == "running" for r in json.loads(done.stdout))


class Edge(Dialtone):
    """The A/V edge of a Dialtone server, without the limits of its users."""
    RELAY_PORTS = 16000  # as many as coturn has

    def _write_config(self, folder):
        os.makedirs(folder)
        os.chmod(folder, 0o711)
        first = (free_port() - self.RELAY_PORTS) & ~1
        with open(os.path.join(folder, "topology.conf"), "w", encoding="utf-8") as f:
            f.write(f"[deployment]\ndomains = {DOMAIN}\n\n"
                    f"[host main]\nname = sip.{DOMAIN}\naddresses = {IP}\n\n"
                    f"[role edge-av]\nmetrics-port = 0\nudp = {self.address('udp')}\n"
                    f"tcp = {self.address('tls')}\n"
                    f"relay-addresses = {IP}\nrelay-port-min = {first}\n"
                    f"relay-port-max = {first + self.RELAY_PORTS - 1}\n"
                    "open-peers = 127.0.0.0/8\nallocations-max = 15000\n"
                    "user-allocations-max = 15000\nport-bandwidth = 0\nuser-bandwidth = 0\n")
        with open(os.path.join(folder, "local.conf"), "w", encoding="utf-8") as f:
            f.write("[local]\nhost = main\nlog-level = warning\n"
                    + "user = root\n" * (os.getuid() == 0))

    def _template(self, users, contacts):
        folder = os.path.join(self.folder, "template")
        if not os.path.exists(folder):
            self._write_config(folder)
            self._tool(folder, "cert", "init")
        return folder

    def start(self, transport="udp", users=0, challenge=False, presence=False, contacts=None):
        super().start(transport)
        made = json.loads(self._tool(self.dir, "--json", "relay", "credential", "user0"))
        self.credentials = made["username"], made["password"]


class Web(Dialtone):
    """A Dialtone server with the role `web` too; address("tls") is where browsers come.  Chats are
    remembered, as by default, unless `history` says no; those of many need `groups`."""

    def __init__(self, folder, cpus, build, pages=None, history=True, groups=False):
        super().__init__(folder, cpus, build)
        self.pages, self.history, self.web_port = pages, history, free_port()
        self.groups = groups
        self.host = "sip." + DOMAIN

    @property
    def ca(self):
        return os.path.join(self.dir, "certs", "ca.pem")

    def address(self, transport):
        return f"{IP}:{self.web_port}" if transport == "web" else super().address(transport)

    def _write_config(self, folder):
        super()._write_config(folder)
        pages = self.pages or os.path.join(self.folder, "pages")
        os.makedirs(pages, exist_ok=True)
        page = os.path.join(pages, "index.html")
        if not os.path.exists(page):
            with open(page, "w", encoding="utf-8") as f:
                f.write("<!doctype html><title>Dialtone</title>\n")
        with open(os.path.join(folder, "topology.conf"), "a", encoding="utf-8") as f:
            f.write("history = no\n" * (not self.history)
                    + "\n[role mcu-im]\nmetrics-port = 0\n" * self.groups
                    + f"\n[role web]\nmetrics-port = 0\nhttps = {self.address('web')}\n"
                    f"web-root = {pages}\n")

    def by_role(self):
        """{role: pid} of its processes, and "supervisor"."""
        rows = json.loads(self._tool(self.dir, "--json", "role", "list"))
        return {"supervisor": self.p.pid, **{r["role"]: r["pid"] for r in rows}}


class Httpd(Server):
    """The server of the unit tests on our HTTP and WebSocket: /ws says everything back."""
    name = "echo"

    def __init__(self, folder, cpus, build, certificate, pages):
        super().__init__(folder, cpus)
        self.program = os.path.join(build, "tests", "unit", "stack", "httpd")
        self.certificate, self.pages = certificate, pages
        self.host, self.ca = DOMAIN, certificate.cert
        if not os.path.exists(self.program):
            raise procs.Failed(f"httpd is not built in {build}")

    def address(self, transport):
        return super().address("tls")

    def start(self, transport="web", users=0):
        self.launch([self.program, self.address("web"), self.certificate.cert,
                     self.certificate.key, self.pages], stdout=subprocess.PIPE)
        if not self.p.stdout.readline().startswith(b"ready"):
            raise procs.Failed(f"httpd does not start: {self.tail()}")


class Nginx(Server):
    """nginx with one worker, files from its cache of descriptors, and no log."""
    name = "nginx"

    def __init__(self, folder, cpus, certificate, pages):
        super().__init__(folder, cpus)
        self.certificate, self.pages, self.host = certificate, pages, DOMAIN
        self.program = shutil.which("nginx") or "/usr/sbin/nginx"
        if not os.path.exists(self.program):
            raise procs.Failed("nginx is not installed; tools/packages/bench names the packages")

    def version(self):
        return must([self.program, "-v"]).strip()

    def address(self, transport):
        return super().address("tls")

    def start(self, transport="web", users=0):
        config, up = (os.path.join(self.folder, name) for name in ("nginx.conf", "up"))
        os.makedirs(up, exist_ok=True)
        os.chmod(up, 0o777)  # of the worker, who is nobody
        with open(os.path.join(HERE, "nginx.conf.in"), encoding="utf-8") as f:
            text = f.read()
        for word, value in {"LISTEN": self.address("web"), "FOLDER": self.folder,
                            "CERT": self.certificate.cert, "KEY": self.certificate.key,
                            "ROOT": self.pages}.items():
            text = text.replace(f"@{word}@", value)
        with open(config, "w", encoding="utf-8") as f:
            f.write(text)
        self.launch([self.program, "-c", config, "-e", self.log, "-p", self.folder])
        procs.wait_until(lambda: self.pids() and listens(self.tls_port), "a listening nginx")


class Coturn(Server):
    """coturn with one thread that relays, users without a database, and no log."""
    name = "coturn"
    credentials = "user0", PASSWORD
    FIRST_PORT, LAST_PORT = 49152, 65535

    def __init__(self, folder, cpus, certificate):
        super().__init__(folder, cpus)
        self.certificate = certificate
        self.program = shutil.which("turnserver")
        if not self.program:
            raise procs.Failed("coturn is not installed; tools/packages/bench names the packages")

    def version(self):
        return must([self.program, "--version"]).strip()

    def start(self, transport="udp"):
        """TLS and DTLS are off where they are not measured."""
        host = self.address("udp").split(":", maxsplit=1)[0]
        tls = ["--tls-listening-port", str(self.tls_port), "--cert", self.certificate.cert,
               "--pkey", self.certificate.key] if transport == "tls" else ["--no-tls"]
        self.launch([self.program, "-n", "-L", host, "-E", host, "-p", str(self.port), *tls,
                     "--no-dtls", "-m", "1", "--min-port", str(self.FIRST_PORT), "--max-port",
                     str(self.LAST_PORT), "--lt-cred-mech", "-u", ":".join(self.credentials),
                     "-r", DOMAIN, "--no-cli", "--allow-loopback-peers", "--log-file",
                     "/dev/null", "--pidfile", os.path.join(self.folder, "pid"), "--userdb",
                     os.path.join(self.folder, "turndb")])
        procs.wait_until(self._is_ready, "a running coturn")

    def _is_ready(self):
        self.pids()
        return listens(self.port)
