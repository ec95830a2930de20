"""A Dialtone for one test file: its own folder, its own certificates, its own users."""
import contextlib
import json
import os
import secrets
import signal

from lib import metrics, ports, proc
from lib.tap import Skip, wait_for

BUILD = os.environ.get("DIALTONE_BUILD", "build/out")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


METRICS_PORT = 9061  # of the first front end, unless the settings say something else


def program(name):
    return os.path.join(ROOT, BUILD, name)


class User:
    """An account.  `password` is a device's: what a SIP phone is given."""

    def __init__(self, name, domain, account_password, password):
        self.name, self.domain = name, domain
        self.uri = f"sip:{name}@{domain}"
        self.account_password = account_password
        self.password = password


class Server:
    """A running dialtoned; start() it, stop() it.  settings, accounts, local: lines for
    [role frontend], [role accounts] and local.conf.  also: a second address to listen on.
    wrap: words before its command, for a limit that it shall have.  bridges: processes of the role
    media-bridge, mcus: of mcu-im; 0 for none, as many as front ends by default.  edge, web, door: lines
    for [role edge-av], [role web], [role door]; None: there is none."""

    def __init__(self, folder, ip="127.0.0.1", domain="example.test", host="sip.example.test",
                 frontends=1, settings="", accounts="", local="", user="root", also="",
                 sip_port=5060, tls_port=5061, wrap=(), bridges=None, mcus=None,
                 edge=None, web=None, door=None):
        if not os.path.exists(program("dialtoned")):
            raise Skip(f"{program('dialtoned')} is not built")
        self.folder = folder
        self.dir = os.path.join(folder, "server")
        self.ip, self.domain, self.host, self.realm = ip, domain, host, domain
        self.addresses = [ip, also] if also else [ip]
        self.frontends = frontends
        self.bridges = frontends if bridges is None else bridges
        self.mcus = frontends if mcus is None else mcus
        self.edge, self.web, self.door = edge, web, door
        self.settings = {"accounts": accounts, "frontend": settings,
                         "local": f"user = {user}\n{local}"}
        self.ports = {"udp": sip_port, "tcp": sip_port, "tls": tls_port}
        self.p, self.wrap = None, wrap
        os.makedirs(self.dir)
        os.chmod(self.dir, 0o711)
        self._write_config()
        self.tool("cert", "init")
        self.ca = os.path.join(self.dir, "certs", "ca.pem")

    def _write_config(self):
        udp, tls = (", ".join(f"[{ip}]:{self.ports[t]}" if ":" in ip else f"{ip}:{self.ports[t]}"
                              for ip in self.addresses) for t in ("udp", "tls"))
        self._write("topology.conf", f"""[deployment]
domains = {self.domain}

[host main]
name = {self.host}
addresses = {", ".join(self.addresses)}

[role accounts]
{self.settings["accounts"]}
{self._section("media-bridge", self.bridges)}{self._section("mcu-im", self.mcus)}{self._lines("edge-av", self.edge)}{self._lines("web", self.web)}{self._lines("door", self.door)}[role frontend]
processes = {self.frontends}
udp = {udp}
tcp = {udp}
tls = {tls}
{self.settings["frontend"]}
""")
        self._write("local.conf", "[local]\nhost = main\n" + self.settings["local"])

    @staticmethod
    def _section(role, processes):
        return f"[role {role}]\nprocesses = {processes}\nmetrics-port = 0\n" if processes else ""

    @staticmethod
    def _lines(role, lines):
        return "" if lines is None else f"[role {role}]\n{lines}\n"

    def _write(self, name, text):
        with open(os.path.join(self.dir, name), "w", encoding="utf-8") as f:
            f.write(text)

    def port(self, transport):
        return self.ports[transport]

    # The programs.

    def tool(self, *words, input_text=None, ok=True):
        """Runs `dialtone WORDS`; returns what it printed."""
        argv = [program("dialtone"), "--config", self.dir, *words]
        status, text = proc.run(argv, input_text=input_text)
        if ok and status != 0:
            raise AssertionError(f"dialtone {' '.join(words)}: status {status}: {text.strip()}")
        return text

    def json(self, *words, **kw):
        """The same with --json; returns the object."""
        text = self.tool(*words, "--json", **kw)
        try:
            return json.loads(text)
        except ValueError:
            raise AssertionError(f"dialtone {' '.join(words)} --json says {text!r}") from None

    def start(self):
        self.p = proc.Proc([*self.wrap, program("dialtoned"), "--config", self.dir],
                           os.path.join(self.folder, "server.log"))
        wait_for(self._ready, f"a running server ({self.p.log})")

    def _ready(self):
        if not self.p.running():
            raise AssertionError(f"dialtoned ended with {self.p.p.returncode}: "
                                 f"{self.p.text()[-2000:]}")
        status, _ = proc.run([program("dialtone"), "--config", self.dir, "status", "--json"])
        return status == 0

    def reload(self):
        self.tool("reload")

    def roles(self):
        """The rows of `dialtone role list`: one for each process."""
        return self.json("role", "list")

    def pid_of_role(self, role, number=1):
        def pid():
            return next(r["pid"] for r in self.roles()
                        if (r["role"], r["process"]) == (role, number))
        return wait_for(pid, f"{role}/{number} to have a process")  # never 0: that is ourselves

    @contextlib.contextmanager
    def halted(self, role, number=1):
        """One role process does nothing meanwhile."""
        pid = self.pid_of_role(role, number)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):  # the supervisor has ended it
                os.kill(pid, signal.SIGCONT)

    def kill_role(self, role, number=1):
        """kill -9 of one role process, which the supervisor has noticed; its number."""
        old = self.pid_of_role(role, number)
        os.kill(old, signal.SIGKILL)
        wait_for(lambda: old not in [r["pid"] for r in self.roles()], f"the end of {role}/{number}")
        return old

    def metric(self, name, **labels):
        """The sum of a metric over all front ends."""
        return sum(metrics.scrape(METRICS_PORT + i).get(name, **labels)
                   for i in range(self.frontends))

    # Accounts.

    def add_user(self, name, /, **fields):
        """A new account with one device password.  fields: options of `user add` (phone=...)."""
        password = secrets.token_hex(12).upper()
        while name.upper() in password:  # which is refused
            password = secrets.token_hex(12).upper()
        options = [w for k, v in fields.items() for w in ("--" + k.replace("_", "-"), v)]
        self.tool("user", "add", name, "--password-stdin", *options, input_text=password + "\n")
        return User(name, self.domain, password, self.add_device(name))

    def add_device(self, name, label="phone"):
        return self.json("device", "add", name, "--name", label)["password"]

    def endpoints(self, user):
        return self.json("endpoint", "list", user.name)

    # For baresip: a certificate of its own (it wants one for TLS).

    def client_cert(self, path):
        proc.must(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                   "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=phone",
                   "-keyout", path, "-out", path + ".crt"])
        with open(path + ".crt", encoding="ascii") as crt, open(path, "a", encoding="ascii") as f:
            f.write(crt.read())

    def stop(self):
        if self.p:
            self.p.stop()

    def kill(self):
        """kill -9 of the supervisor; the roles end with it."""
        pids = [r["pid"] for r in self.roles()]
        os.kill(self.p.pid, signal.SIGKILL)
        wait_for(lambda: not any(_alive(p) for p in pids), "the role processes to end")
        self.p.stop()


def _alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def loopback_server(folder, **kw):
    """A server on a loopback address of its own, for tests without a private network."""
    ip = ports.loopback()
    return Server(folder, ip=ip, sip_port=ports.free(ip, 1), tls_port=ports.free(ip, 1), **kw)
