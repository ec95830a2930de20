"""sipp 3.6 or 3.7: plays the scenario files of sipp/ over UDP or TCP (Debian's is built without TLS)."""
import glob
import os
import shutil

from lib.proc import Proc
from lib.tap import Skip, check_eq, wait_for

SCENARIOS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sipp")
PORT = 5060
TIMEOUT_S = 55  # of a whole call; below WAIT_S, so that sipp itself can say what it missed


def need():
    if not shutil.which("sipp"):
        raise Skip("sipp is not installed (package sip-tester)")


class Sipp:
    """One run of a scenario by `user` on a machine; several runs may follow on the same one.

    target: the user part that is called ([service]); keys: values for [name] in the scenario."""

    def __init__(self, case, scenario, user, host=None, transport="udp", target=None, calls=1,
                 rate=None, retransmit=True, password=None, keys=None, users=None, options=()):
        need()
        self.user, self.scenario = user, scenario
        self.host = host or case.own(case.site.net.host())
        self.dir = os.path.join(case.dir, f"sipp-{self.host.name}-{scenario}")
        os.makedirs(self.dir, exist_ok=True)
        server = case.site.server
        argv = ["sipp", f"{server.ip}:{server.port(transport)}",
                "-sf", os.path.join(SCENARIOS, scenario + ".xml"),
                "-i", self.host.ip, "-mi", self.host.ip, "-p", str(PORT),
                "-t", {"udp": "u1", "tcp": "t1"}[transport],
                "-s", target or user.name, "-au", user.name,
                "-ap", user.password if password is None else password,
                "-m", str(calls), "-nostdin", "-recv_timeout", str(TIMEOUT_S * 1000),
                "-timeout", str(TIMEOUT_S), "-timeout_error", "-trace_err", "-trace_msg",
                "-key", "domain", server.domain, "-key", "user", user.name]
        for name, value in (keys or {}).items():
            argv += ["-key", name, str(value)]
        if rate:
            argv += ["-r", str(rate)]
        if not retransmit:
            argv.append("-nr")
        if users:
            argv += ["-inf", self._users(users)]
        self.p = Proc([*argv, *options], os.path.join(self.dir, "out"), cwd=self.dir,
                      netns=self.host, env=dict(os.environ, TERM="dumb"))
        case.own(self)

    def _users(self, users):
        path = os.path.join(self.dir, "users.csv")
        with open(path, "w", encoding="ascii") as f:
            f.write("SEQUENTIAL\n")
            for u in users:
                f.write(f"{u.name};[authentication username={u.name} password={u.password}];\n")
        return path

    def _read(self, pattern):
        return "".join(open(p, encoding="utf-8", errors="replace").read()
                       for p in glob.glob(os.path.join(self.dir, pattern)))

    def messages(self):
        """All SIP it sent and received."""
        return self._read("*_messages.log")

    def wait_message(self, text):
        wait_for(lambda: text in self.messages(), f"{text!r} in {self.dir}/*_messages.log")

    def wait_listening(self):
        """Until the scenario waits for calls."""
        def bound():
            if not self.p.running():
                raise AssertionError(f"sipp ended: {self.p.text()[-1000:]}")
            with open(f"/proc/{self.p.pid}/net/udp", encoding="ascii") as f:
                return f":{PORT:04X} " in f.read()
        wait_for(bound, f"port {PORT} of {self.dir}")

    def wait_done(self):
        """Until the scenario ended, and right."""
        status = self.p.wait_end()
        check_eq(status, 0, f"the exit status of sipp {self.scenario} of {self.user.name} "
                 f"({self.dir}): {self._read('*_errors.log')[:2000]}")

    def stop(self):
        self.p.stop()


def register(case, user, host=None, **kw):
    """Signs the user in from `host` (a new one if none) at port 5060; returns the host."""
    s = Sipp(case, "register", user, host=host, **kw)
    s.wait_done()
    return s.host
