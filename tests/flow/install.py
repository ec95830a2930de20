"""A Dialtone configuration in a folder of its own, without a running server: what the tests of
`dialtone cert`, `dns` and `doctor` look at."""
import json
import os
import socket

from lib import ports, proc, tap
from lib.server import program
from lib.tap import Skip

TOPOLOGY = """[deployment]
domains = {domains}

[host main]
name = pc.example.test
addresses = {addresses}

[role accounts]

[role frontend]
name = pool.example.test
{frontend}
"""


class Install:
    def __init__(self, folder, domains="example.test", addresses="127.0.0.1", frontend="",
                 local=""):
        if not os.path.exists(program("dialtone")):
            raise Skip(f"{program('dialtone')} is not built")
        self.dir = os.path.join(folder, "install")
        os.makedirs(self.dir)
        self.write("topology.conf", TOPOLOGY.format(domains=domains, addresses=addresses,
                                                    frontend=frontend))
        self.write("local.conf", "[local]\nhost = main\nuser = root\n" + local)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def cert(self, name):
        return self.path("certs", name)

    def write(self, name, text, mode=0o644):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.path(name), mode)

    def tool(self, *words, input_text=None):
        """(exit status, what was printed)"""
        return proc.run([program("dialtone"), "--config", self.dir, *words], input_text=input_text)

    def must(self, *words, **kw):
        status, text = self.tool(*words, **kw)
        if status != 0:
            raise AssertionError(f"dialtone {' '.join(words)}: status {status}: {text.strip()}")
        return text

    def json(self, *words):
        """(exit status, the decoded answer)"""
        status, text = self.tool("--json", *words)
        return status, json.loads(text)


class Running(Install):
    """The same with a running server."""

    def __init__(self, case, frontends=1, **kw):
        self.ip = ports.loopback()
        super().__init__(case.dir, addresses=self.ip,
                         frontend=f"processes = {frontends}\nmetrics-port = 0", **kw)
        self.must("cert", "init")
        self.case = case
        self.p = None

    def start(self):
        self.p = self.case.own(proc.Proc([program("dialtoned"), "--config", self.dir],
                                         os.path.join(self.dir, "server.log")))
        tap.wait_for(self._ready, f"a running server ({self.p.log})")
        return self

    def _ready(self):
        tap.check(self.p.running(), f"the server ended: {self.p.text()[-2000:]}")
        return self.tool("status")[0] == 0

    def ask(self, socket_name, line):
        """One raw line to a control socket; the decoded answer."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.path("run", socket_name))
            s.sendall(line.encode() + b"\n")
            with s.makefile("rb") as f:
                return json.loads(f.readline())


class NoSite:
    """For test files that need nothing in common."""

    def __init__(self, _args, _folder):
        pass

    def stop(self):
        pass
