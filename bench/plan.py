"""What is measured: the sessions with each server, and the budgets of the design."""
import collections
import json
import os
import subprocess
import time

import procs
from load import Load

HERE = os.path.dirname(os.path.abspath(__file__))
IDLE_S = 10  # clients hold still this long before memory is read

# One figure: what it is, of which server, and whether all went well.
Sample = collections.namedtuple("Sample", "row server value errors note")

# How many times a message goes in and one goes out: the floor of an operation is so many echoes.
EXCHANGES = {"register": 2, "refresh": 1, "message": 2, "call": 6}

OPS = {
    "register": "REGISTER, 401, REGISTER, 200",
    "refresh": "REGISTER with a kept nonce, 200",
    "message": "MESSAGE A to B, 200",
    "call": "INVITE, 180, 200, ACK, BYE, 200",
    "chat": "MESSAGE A to B inside a dialog, 200",
}
HOW = {
    "flow": "on flows that REGISTER authenticated",
    "kept": "Digest with a kept nonce",
    "round": "with a challenge round",
    "open": "UDP without any check",
    "phones": "phones, a connection for each",
    "lync": "Lync clients, a connection for each, all signed",
}
# Messages that cross a client's hop in one `chat`: the request in and out, the answer in and out.
CHAT_HOPS = 4
SLICES = 4  # of the `chat` of a round: signed and not, in turn


class Size:
    """Quick or full: rounds, and operations of a round."""

    def __init__(self, full):
        self.rounds = 15 if full else 5
        self.many_rounds = 7 if full else 3
        self.storm_rounds = 5 if full else 1
        factor = 3 if full else 1
        self.ops = {"register": 20000 * factor, "refresh": 20000 * factor,
                    "message": 8000 * factor, "call": 3000 * factor,
                    "chat": 8000 * factor}
        self.echoes = 60000 * factor
        self.parses = 1000000
        self.packets = 2000000
        self.users, self.conns = 1000, 20
        self.signing_users = 200  # a connection for each
        self.many = 3000         # connections, one for each client
        self.fanout_rounds = 9 if full else 3
        self.publications = 150 * factor  # of one publisher to 100 watchers
        self.model_rounds = 3 if full else 1
        self.model_s = 30 if full else 10
        self.populations = (1000, 5000, 15000)
        self.model_ops = {"alone": 300, "publish": 300 * factor, "refresh": 3000 * factor,
                          "poll": 3000 * factor, "brief": 500 * factor, "session": 150 * factor,
                          "search": 1000 * factor}
        self.idle_streams = 10000
        self.idle_users = 100000


def errors_of(result):
    """Words for what went wrong in a step; empty if nothing did."""
    found = {k: n for k, n in result["failures"].items() if n}
    for key in ("misrouted", "malformed", "unexpected", "forged"):
        if result[key]:
            found[key] = result[key]
    return found


class Bench:
    """Runs the sessions; samples collects what they found."""

    def __init__(self, made, build, size, load_cpus, folder, say):
        self.made = made  # name: server
        self.build, self.size, self.load_cpus, self.folder = build, size, load_cpus, folder
        self.say, self.samples, self.storms = say, [], []

    def _load(self, server, transport, steps, **kw):
        return Load(self.build, server, transport, steps, self.load_cpus,
                    self.folder + "/sipload.log", **kw)

    def _add(self, row, server, value, errors, note=""):
        self.samples.append(Sample(row, server.name, value, errors, note))

    def turn(self, n, names):
        """The servers in an order that changes with each round."""
        present = [self.made[name] for name in names if name in self.made]
        at = n % len(present) if present else 0
        return present[at:] + present[:at]

    def _session(self, server, transport, warm, measured, row, start=None, **kw):
        """One start of a server: the steps `warm` unmeasured, then one sample for each of
        `measured`; row(op) names it."""
        server.start(transport, **(start or {}))
        try:
            load = self._load(server, transport, warm + measured, **kw)
            try:
                for step in warm + measured:
                    result = load.step()
                    if step in measured:
                        self._add(row(result["op"]), server, result["cpu_us"],
                                  errors_of(result))
                    elif errors_of(result):
                        self.say(f"  {server.name} {transport} {step}: {errors_of(result)}")
            finally:
                load.close()
        finally:
            server.stop()

    # One message or packet, again and again.

    def _alone(self, program, *arguments):
        """What a program prints that runs without a server."""
        run = subprocess.run([os.path.join(self.build, "bench", program), *arguments],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                             preexec_fn=lambda: os.sched_setaffinity(0, self.load_cpus))
        if run.returncode:
            raise procs.Failed(run.stderr.strip())
        return json.loads(run.stdout)

    def parse(self):
        if "dialtone" not in self.made:
            return
        self.say("reading a message")
        for _ in range(self.size.rounds):
            for name in ("register", "invite"):
                found = self._alone("parse", os.path.join(HERE, "messages", name + ".sip"),
                                    str(self.size.parses))
                for how in ("parsed", "checked"):
                    row = (how, name, str(found["bytes"]))
                    self._add(row, self.made["dialtone"], found[how + "_ns"], {})

    def media(self):
        if "dialtone" not in self.made:
            return
        self.say("SRTP's transform")
        for _ in range(self.size.rounds):
            found = self._alone("srtp", str(self.size.packets))
            for how in ("sealed", "opened"):
                row = (how, "srtp", str(found["bytes"]))
                self._add(row, self.made["dialtone"], found[how + "_ns"], {})

    # Operations on a few kept connections.

    def _steps(self, ops):
        return [f"{op}:{self.size.ops[op]}" for op in ops]

    def _kept(self, server, transport, how, ops):
        users = self.size.users
        options = ["--outbound"]
        if how == "kept":
            options.append("--keep-nonce")
        if how == "round" and transport != "udp":
            options.append("--elsewhere")
        self._session(
            server, transport, ["connect", "signin", f"message:{2 * users}", "call:500"],
            self._steps(ops),
            lambda op: (op, transport, how if op in ("message", "call") else ""),
            start={"users": users, "challenge": how in ("kept", "round")},
            users=users, conns=self.size.conns, options=options)

    def echo(self, server, transport, conns):
        n = self.size.echoes
        self._session(server, transport, ["connect", f"echo:{n // 10}"], [f"echo:{n}"],
                      lambda op: ("echo", transport, str(conns)),
                      users=max(conns, 100), conns=conns)

    def operations(self):
        ours = ["dialtone", "kamailio"]
        for n in range(self.size.rounds):
            for transport in ("udp", "tcp", "tls"):
                self.say(f"round {n + 1} of {self.size.rounds}: {transport}")
                main = "kept" if transport == "udp" else "flow"
                for server in self.turn(n, ours + ["echo"]):
                    if server.name == "echo":
                        self.echo(server, transport, self.size.conns)
                    else:
                        self._kept(server, transport, main, list(EXCHANGES))
                for server in self.turn(n, ours):
                    self._kept(server, transport, "round", ["message", "call"])
                if transport == "udp" and "kamailio" in self.made:
                    self._kept(self.made["kamailio"], "udp", "open", ["message", "call"])

    # Every message signed, beside the same without.

    def signing(self):
        if "dialtone" not in self.made:
            return
        for n in range(self.size.rounds):
            self.say(f"round {n + 1} of {self.size.rounds}: signed messages, TLS")
            self._signing_round(self.made["dialtone"], ("phones", "lync")[::(-1) ** n])

    def _signing_round(self, server, hows):
        """Both kinds of clients at one server, a step of the one and a step of the other."""
        users, warm = self.size.signing_users, ["signin", "dialog", "refresh:1000", "chat:2000"]
        steps = warm + self._steps(["refresh"] + ["chat"] * SLICES + ["register"])
        server.start("tls", users=len(hows) * users)
        loads = {}
        try:
            for i, how in enumerate(hows):
                loads[how] = self._load(
                    server, "tls", steps, users=users, conns="client",
                    options=["--first", str(i * users),
                             "--lync" if how == "lync" else "--outbound"])
            for at, step in enumerate(steps):
                for how, load in loads.items():
                    self._signing_step(server, how, load, step, at >= len(warm))
        finally:
            for load in loads.values():
                load.close()
            server.stop()

    def _signing_step(self, server, how, load, step, is_measured):
        result = load.step()
        errors = errors_of(result)
        if is_measured:
            self._add((result["op"], "tls", how), server, result["cpu_us"], errors)
        elif errors:
            self.say(f"  {server.name} {how} {step}: {errors}")

    # One connection for each client.

    def many(self):
        n_conns = self.size.many
        for n in range(self.size.many_rounds):
            self.say(f"round {n + 1} of {self.size.many_rounds}: {n_conns} TLS connections, one "
                     "for each client")
            for server in self.turn(n, ["dialtone", "kamailio", "echo"]):
                if server.name == "echo":
                    self.echo(server, "tls", n_conns)
                    continue
                self._session(server, "tls", ["signin", f"register:{n_conns}"],
                              [f"register:{self.size.ops['register']}"],
                              lambda op: ("register-many", "tls", ""),
                              start={"users": n_conns}, users=n_conns, conns="client",
                              options=["--outbound"])

    # Memory, and everybody at once.

    def _settle(self, seconds=IDLE_S):
        time.sleep(seconds)

    def _idle(self, server, transport, clients, conns, storm):
        server.start(transport, users=clients)
        step = "connect" if server.name == "echo" else "signin"
        steps = [step + "@64"] + [step] * storm
        try:
            load = self._load(server, transport, steps, users=clients, conns=conns,
                              options=["--outbound", "--retry", "--outstanding",
                                       str(clients if storm else 64)])
            try:
                self._settle(2)
                before, kernel = procs.pss(server.pids()), procs.kernel_memory()
                result = load.step()
                self._settle()
                each = (procs.pss(server.pids()) - before) / clients
                kernel = (procs.kernel_memory() - kernel) / clients
                self._add(("idle", transport, str(clients)), server, each, errors_of(result),
                          f"kernel {kernel / 1000:.1f} kB")
                if storm:
                    self._storm(server, transport, clients, load, before)
            finally:
                load.close()
        finally:
            server.stop()

    def _storm(self, server, transport, clients, load, before):
        """The server ends under its clients and comes back; all of them come at once."""
        server.stop()
        if hasattr(server, "start_again"):
            server.start_again()
        else:
            server.start(transport, users=clients)
        result = load.step()
        self._add(("storm", transport, str(clients)), server, result["cpu_us"], errors_of(result))
        self.storms.append({"server": server.name, "clients": clients, **result})
        self._settle()
        self._add(("after-storm", transport, str(clients)), server,
                  (procs.pss(server.pids()) - before) / clients, {})

    def memory(self):
        size = self.size
        for server in self.turn(0, ["dialtone", "kamailio"]):
            self.say(f"memory: {server.name}, {size.idle_streams} idle TCP clients, "
                     f"{size.idle_users} users over UDP")
            self._idle(server, "tcp", size.idle_streams, "client", False)
            self._idle(server, "udp", size.idle_users, size.conns, False)

    def storm(self):
        for n in range(self.size.storm_rounds):
            for server in self.turn(n, ["dialtone", "kamailio", "echo"]):
                self.say(f"memory and sign-in storm: {server.name}, {self.size.idle_streams} TLS "
                         "clients")
                self._idle(server, "tls", self.size.idle_streams, "client", True)
