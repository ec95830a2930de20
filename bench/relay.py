"""The A/V edge beside coturn and a bare echo: packets that are relayed, allocations, memory."""
import collections
import os
import re
import shutil
import subprocess
import time

import procs
import servers
from load import RelayLoad
from plan import IDLE_S, Sample
from report import Figures, ratio

FLOWS, RATE = 200, 50  # of voice: allocations, packets a second of each
IDLE = 10000  # allocations that hold still
KINDS = {
    "voice": "voice, each the next when the last is back",
    "paced": f"voice, {FLOWS} x {RATE}/s each way",
    "burst": "video, bursts of 16",
}
HOWS = {"": "channels", "-send": "Send/Data"}
# The most that a packet over UDP may cost, in echoes; of a burst in those of an echo of bursts.
ECHOES = {"voice": 1.25, "paced": 1.15, "burst": 1.7}
SETUP_US, IDLE_BYTES = 100, 2000
# coturn's own client: clients, messages of each, ms between two; and how long it may take.
UCLIENTS, UMESSAGES, UPAUSE_MS, UCLIENT_MAX_S = 50, 400, 2, 120


class Size:
    def __init__(self, full, rounds):
        factor = 3 if full else 1
        self.rounds = rounds or (15 if full else 5)
        self.idle_rounds = self.uclient_rounds = min(self.rounds, 5 if full else 3)
        self.slices = 2  # of a kind in a round, of each server in turn
        self.counts = {"udp": {"voice": 40000 * factor, "paced": 1, "burst": 60000 * factor},
                       "tls": {"voice": 20000 * factor, "paced": 1, "burst": 20000 * factor}}


class Party:
    """A server in a phase, its generator, and the steps that it takes part in."""

    def __init__(self, server, start, kinds):
        self.server, self.kinds, self.load = server, kinds, None
        server.start(start)

    def close(self):
        if self.load:
            self.load.close()
        self.server.stop()


class Relay:
    """Runs the sessions; samples collects what they found."""

    def __init__(self, bench, folder, cpus, full, rounds):
        self.bench, self.size, self.samples = bench, Size(full, rounds), []
        self.folder, self.cpus, self.say = folder, cpus, bench.say

    def _make(self, name):
        folder = os.path.join(self.folder, "relay-" + name)
        certificate = servers.Certificate(self.folder)
        return {"dialtone": lambda: servers.Edge(folder, self.cpus, self.bench.build),
                "coturn": lambda: servers.Coturn(folder, self.cpus, certificate),
                "echo": lambda: servers.Echo(folder, self.cpus, self.bench.build, certificate),
                "bursts": lambda: servers.Echo(folder, self.cpus, self.bench.build, certificate),
                }[name]()

    def relay(self):
        have = self.bench.made
        self.made = {n: self._make(n) for n in ("dialtone", "coturn") if n in have}
        if "echo" in have:
            self.made.update({n: self._make(n) for n in ("echo", "bursts")})
        for n in range(self.size.rounds):
            for transport in ("udp", "tls"):
                self.say(f"round {n + 1} of {self.size.rounds}: relayed packets, {transport}")
                self._phase(n, transport)
        relays = [self.made[x] for x in ("dialtone", "coturn") if x in self.made]
        for n in range(self.size.uclient_rounds):
            self.say(f"round {n + 1} of {self.size.uclient_rounds}: coturn's own client")
            self._second_opinion(self._turn(n, relays))
        for n in range(self.size.idle_rounds):
            for server in self._turn(n, relays):
                self.say(f"round {n + 1} of {self.size.idle_rounds}: {IDLE} allocations, "
                         f"{server.name}")
                self._idle(server)

    @staticmethod
    def _turn(n, things):
        at = n % len(things) if things else 0
        return things[at:] + things[:at]

    # Packets.

    def _parties(self, transport):
        for name, server in self.made.items():
            if name == "bursts":
                if transport == "udp":
                    yield lambda s=server: Party(s, "burst", ["burst"])
            elif name == "echo" and transport == "udp":
                yield lambda s=server: Party(s, "udp", ["voice", "paced"])
            else:
                yield lambda s=server: Party(s, transport, list(KINDS))

    def _open(self, party, transport):
        """The generator with its steps; an echo has as many packets a second as a relay."""
        is_echo = party.server.name == "echo"
        steps = [f"{kind}{how}:{self.size.counts[transport][kind]}"
                 for how in HOWS for kind in party.kinds for _ in range(self.size.slices)]
        party.load = RelayLoad(self.bench.build, party.server, transport,
                               ["allocate"] * (not is_echo) + steps, self.bench.load_cpus,
                               os.path.join(self.folder, "relayload.log"), FLOWS,
                               RATE * (2 if is_echo else 1))
        if not is_echo:
            result = party.load.step()
            if result["ops"] != FLOWS:
                raise procs.Failed(f"{party.server.name}: allocations: {result}")

    def _phase(self, n, transport):
        """All servers run at the same time, and take turns step by step."""
        parties = []
        try:
            for make in self._parties(transport):
                parties.append(make())
                self._open(parties[-1], transport)
            for how in HOWS:
                for kind in KINDS:
                    self._kind(n, (kind, transport, how), [p for p in parties if kind in p.kinds])
        finally:
            for p in parties:
                p.close()

    def _kind(self, n, row, parties):
        used, ops = collections.Counter(), collections.Counter()
        errors = collections.defaultdict(collections.Counter)
        for k in range(self.size.slices):
            for party in self._turn(n + k, parties):
                result, name = party.load.step(), party.server.name
                used[name] += result["cpu_s"]
                ops[name] += result["ops"]
                errors[name].update({w: c for w, c in result["failures"].items() if c})
        for name, n_ops in ops.items():
            value = used[name] / n_ops * 1e6 if n_ops else None
            self.samples.append(Sample(row, name, value, dict(errors[name]), ""))

    # A second opinion.

    def _second_opinion(self, relays):
        """Both servers run, and take turns."""
        try:
            for server in relays:
                server.start("udp")
            for how in HOWS:
                for server in relays:
                    self._uclient(server, how)
        finally:
            for server in relays:
                server.stop()

    def _uclient(self, server, how):
        host, port = server.address("udp").split(":")
        user, password = server.credentials
        pids = server.pids()
        before = procs.cpu(pids)
        sent, got = uclient(["-y", "-c", "-m", str(UCLIENTS), "-n", str(UMESSAGES), "-l", "172",
                             "-z", str(UPAUSE_MS), "-p", port, "-L", host, "-u", user,
                             "-w", password, *["-s"] * (how == "-send"), host],
                            self.bench.load_cpus)
        used = procs.cpu_between(before, procs.cpu(pids))
        errors = {"messages lost": sent - got} if sent > got else {}
        self.samples.append(Sample(("uclient", "udp", how), server.name,
                                   used / got * 1e6 if got else None, errors, ""))

    # Allocations.

    def _idle(self, server):
        server.start("udp")
        try:
            load = RelayLoad(self.bench.build, server, "udp", ["allocate"], self.bench.load_cpus,
                             os.path.join(self.folder, "relayload.log"), IDLE, RATE)
            try:
                time.sleep(2)
                before, kernel = procs.pss(server.pids()), procs.kernel_memory()
                result = load.step()
                time.sleep(IDLE_S)
                each = (procs.pss(server.pids()) - before) / IDLE
                kernel = (procs.kernel_memory() - kernel) / IDLE
            finally:
                load.close()
        finally:
            server.stop()
        errors = {w: c for w, c in result["failures"].items() if c}
        self.samples.append(Sample(("setup", "udp", ""), server.name, result["cpu_us"], errors, ""))
        self.samples.append(Sample(("idle", "udp", str(IDLE)), server.name, each, errors,
                                   f"kernel {kernel / 1000:.1f} kB"))

    # What was found.

    def _rows(self):
        rows = collections.OrderedDict()
        for s in self.samples:
            rows.setdefault(s.row, collections.defaultdict(Figures))[s.server].add(s)
        return rows

    def entries(self):
        """As Report.summary() has them."""
        rows = self._rows()
        for row, by_server in rows.items():
            floor = by_server["echo"]
            if row[1] == "tls":
                floor = by_server["echo"] = both(floor, rows.get((row[0], "udp", row[2])))
            yield entry_of(row, by_server["dialtone"], by_server["coturn"], floor)


def uclient(words, cpus):
    """Runs it: how many messages it sent and got."""
    program = shutil.which("turnutils_uclient")
    if not program:
        raise procs.Failed("turnutils_uclient is not installed; tools/packages/bench names the "
                           "packages")
    p = subprocess.run([program, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=UCLIENT_MAX_S, check=False, text=True,
                       preexec_fn=lambda: os.sched_setaffinity(0, cpus))
    said = re.findall(r"tot_send_msgs=(\d+), tot_recv_msgs=(\d+)", p.stdout)
    if not said:
        raise procs.Failed(f"turnutils_uclient: {p.stdout[-500:]}")
    return tuple(int(x) for x in said[-1])


def both(tls, udp):
    """The floor of a packet that comes by TLS and leaves by UDP, or the other way round."""
    found = Figures()
    if udp:
        found.values = [(a + b) / 2 for a, b in zip(tls.values, udp["echo"].values)]
    found.errors = tls.errors
    return found


def title_of(row):
    kind, transport, how = row
    if kind == "setup":
        return "Allocate, 401, Allocate, CreatePermission, ChannelBind"
    if kind == "idle":
        return f"memory for each idle allocation, {int(how):,}"
    if kind == "uclient":
        return f"turnutils_uclient: a message there and back, allocations in it; {HOWS[how]}"
    return f"one packet, {transport.upper()}-UDP, {HOWS[how]}; {KINDS[kind]}"


def budget_of(row):
    kind, transport, _ = row
    if kind == "setup":
        return ("us", SETUP_US)
    if kind == "idle":
        return ("bytes", IDLE_BYTES)
    return ("echo", ECHOES[kind]) if kind in ECHOES and transport == "udp" else ("coturn", 1)


def entry_of(row, ours, peer, floor):
    """`met`: the budget is, and ours is below coturn in every round."""
    by_server = {"dialtone": ours, "coturn": peer, "echo": floor}
    pairs = list(zip(ours.values, peer.values))
    below = sum(a < b for a, b in pairs)
    entry = {
        "row": "/".join(x for x in ("relay", *row) if x), "title": title_of(row),
        "unit": "B" if row[0] == "idle" else "us",
        "figures": {n: f.values for n, f in by_server.items() if f.values},
        "text": {n: f.text() for n, f in by_server.items() if f.values},
        "errors": {n: dict(f.errors) for n, f in by_server.items() if f.errors},
        "notes": {n: f.notes for n, f in by_server.items() if f.notes},
        "to_coturn": ratio(ours, peer), "to_echo": ratio(ours, floor),
        "budget": budget_of(row), "met": None, "remark": "",
    }
    what, most = entry["budget"]
    value = {"echo": entry["to_echo"], "coturn": entry["to_coturn"]}.get(what, ours.median)
    if value is not None:
        entry["met"] = value <= most and below == len(pairs)
    if below < len(pairs):
        entry["remark"] = f"below coturn in {below} of {len(pairs)} rounds"
    return entry
