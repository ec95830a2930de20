"""An ICE agent of libnice: tests/interop/nice/nice_agent, driven by JSON lines (its main.c)."""
import json
import os
import re

from lib.proc import Proc
from lib.server import program
from lib.tap import Skip, check, check_eq, wait_for

AGENT = program("tests/interop/nice/nice_agent")
RFC, LYNC = "rfc5245", "oc2007r2"
# A packet of voice, fifty a second or faster: far below what a relayed port may pass.
PACKETS, SIZE, GAP_MS = 200, 172, 5

_numbers = iter(range(1, 1 << 30))


def need():
    if not os.path.exists(AGENT):
        raise Skip(f"{AGENT} is not built (package libnice-dev)")


class Nice:
    """One agent on a machine of its own.  relay: (host, port, user, password) or None; type: how
    it goes to it, "udp", "tcp" or "tls".  With tcp=True it has candidates of ICE-TCP, and none of UDP; with
    reliable=True its user sends bytes instead of packets."""

    def __init__(self, case, mode, relay, type="udp", tcp=False, reliable=False, controlling=False,
                 relay_only=True, host=None):
        need()
        self.host = host or case.own(case.site.net.host())
        self.reliable = reliable
        words = [f"--mode={mode}"]
        if relay:
            server, port, user, password = relay
            words += [f"--relay={server}:{port}", f"--type={type}", f"--user={user}",
                      f"--password={password}"]
        chosen = {"--relay-only": relay_only, "--tcp": tcp, "--no-udp": tcp, "--reliable": reliable,
                  "--controlling": controlling}
        self.p = Proc([AGENT, *words, *(w for w, on in chosen.items() if on)],
                      os.path.join(case.dir, f"nice-{next(_numbers)}"), netns=self.host, stdin=True,
                      env={**os.environ, "G_MESSAGES_DEBUG": "all", "NICE_DEBUG": "all"})
        case.own(self)

    # Events.

    def events(self):
        """A line that is still being written does not count; what libnice logs is none."""
        text = self.p.text()
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()
                if line.startswith("{")]

    def wait_event(self, event, fits=lambda ev: True, what=""):
        def seen():
            ended = not self.p.running()
            events = self.events()
            errors = [ev for ev in events if ev["event"] == "error"]
            check(not errors, f"{errors} in {self.p.log}")
            found = next((ev for ev in events if ev["event"] == event and fits(ev)), None)
            if ended and not found:
                raise AssertionError(f"nice_agent ended ({self.p.p.returncode}): {self.p.log}")
            return found
        return wait_for(seen, lambda: f"{event} {what} in {self.p.log}; the last events: "
                                      f"{self.events()[-5:]}")

    def command(self, what, **fields):
        self.p.write(json.dumps({"do": what, **fields}))

    # What it does.

    def local(self):
        """Its description: {"ufrag", "pwd", "candidates"}."""
        return self.wait_event("local")

    def candidates(self):
        """[(type, transport, address)] of its own."""
        lines = [re.sub("^a=", "", c).split() for c in self.local()["candidates"]]
        return [(c[7], c[2].lower(), (c[4], int(c[5]))) for c in lines]

    def connect(self, other):
        """Gets the other's description."""
        there = other.local()
        self.command("remote", **{k: there[k] for k in ("ufrag", "pwd", "candidates")})

    def wait_ready(self):
        self.wait_event("state", lambda ev: ev["state"] == "ready", "ready")

    def pair(self):
        """(local, remote) of the pair that it uses now: dicts of type, transport, address, port."""
        self.wait_event("selected")
        ev = [ev for ev in self.events() if ev["event"] == "selected"][-1]
        return ev["local"], ev["remote"]

    def send(self, packets=PACKETS, size=SIZE, gap_ms=GAP_MS):
        self.command("send", packets=packets, size=size, gap_ms=gap_ms)

    def wait_received(self, packets=PACKETS, size=SIZE):
        """All of them, once, and nothing else."""
        n = packets * size if self.reliable else packets
        ev = self.wait_event("received", lambda ev: ev["received"] >= n or ev["wrong"], f"{n}")
        check_eq((ev["received"], ev["wrong"], ev["twice"]), (n, 0, 0),
                 f"received, wrong, twice of {self.p.log}")

    def quit(self):
        """It says itself whether all went both ways."""
        self.command("quit")
        check_eq(self.p.wait_end(), 0, f"the status of nice_agent ({self.p.log})")

    def stop(self):
        self.p.stop()


def talk(a, b, **traffic):
    """The two find each other, and all that each sends arrives."""
    a.connect(b)
    b.connect(a)
    for agent in (a, b):
        agent.wait_ready()
    for agent in (a, b):
        agent.send(**traffic)
    traffic.pop("gap_ms", None)
    for agent in (a, b):
        agent.wait_received(**traffic)
