"""The sessions with presence: one publisher and many watchers, and the user model."""
import os
import subprocess
import time

import procs
from plan import IDLE_S, Sample, errors_of
from load import Load

WATCHERS = 100
LONERS = 30
FULL_RATE = 13400  # requests a second of 80,000 users (load profile, L-46 with L-06)

# Operations of presload that are measured by themselves, and how many requests each is.
ALONE = {"alone": 1, "refresh": 1, "poll": 1, "brief": 2, "session": 33, "search": 1}


class Presence:
    def __init__(self, bench):
        self.bench, self.size, self.say = bench, bench.size, bench.say
        self.lines = []  # what the table does not hold

    def _load(self, server, transport, steps, users, options):
        return Load(self.bench.build, server, transport, steps, self.bench.load_cpus,
                    self.bench.folder + "/presload.log", users=users, program="presload",
                    options=["--outstanding", "32", *options])

    def _add(self, row, server, value, errors, note=""):
        self.bench.samples.append(Sample(row, server.name, value, errors, note))

    # One publisher, many watchers.

    def fanout(self):
        for n in range(self.size.fanout_rounds):
            for transport in ("udp", "tcp", "tls"):
                self.say(f"round {n + 1} of {self.size.fanout_rounds}: {WATCHERS} watchers, "
                         f"{transport}")
                for server in self.bench.turn(n, ["dialtone", "kamailio"]):
                    self._fan(server, transport, "simple")
                if transport == "tls" and "dialtone" in self.bench.made:
                    self._fan(self.bench.made["dialtone"], transport, "lync")

    def _fan(self, server, transport, how):
        users = WATCHERS + 1
        server.start(transport, users=users, challenge=transport == "udp", presence=True)
        steps = ["signin", "publish:20@1", f"publish:{self.size.publications}@1"]
        try:
            load = self._load(server, transport, steps, users,
                              ["--contacts", "0", "--timeout", "5000"] + ["--lync"] * (how == "lync"))
            try:
                for step in steps:
                    result = load.step()
                    errors = errors_of(result)
                    if errors:
                        break
            finally:
                load.close()
        finally:
            server.stop()
        told = result["told"]["n"] if step == steps[-1] else 0
        self._add(("fanout", transport, how), server,
                  result["cpu_s"] / told * 1e6 if told else None, errors)

    # The user model.

    def model(self):
        for n in range(self.size.model_rounds):
            for endpoints in self.size.populations:
                for server in self.bench.turn(n, ["dialtone", "echo"]):
                    self.say(f"round {n + 1} of {self.size.model_rounds}: user model, {server.name},"
                             f" {endpoints} endpoints")
                    if server.name == "echo":
                        self.bench.echo(server, "tls", endpoints)
                    else:
                        self._population(server, endpoints)

    def _contacts(self, endpoints):
        """{number of a person: those on her list}"""
        made = subprocess.run([os.path.join(self.bench.build, "bench", "presload"), "--users",
                               str(endpoints), "--loners", str(LONERS), "--print-contacts"],
                              stdout=subprocess.PIPE, text=True, check=True)
        rows = ([int(x) for x in line.split()] for line in made.stdout.splitlines())
        return {row[0]: row[1:] for row in rows}

    def _population(self, server, endpoints):
        contacts = self._contacts(endpoints)
        steps = ["signin", *(f"{op}:{n}" for op, n in self.size.model_ops.items()), "model:3s",
                 f"model:{self.size.model_s}s"]
        server.start("tls", users=len(contacts), contacts=contacts)
        try:
            load = self._load(server, "tls", steps, endpoints, ["--lync", "--loners", str(LONERS)])
            try:
                self._memory(server, load, endpoints, len(contacts))
                alone = {op: self._kind(server, load, endpoints, op) for op in self.size.model_ops}
                self._notify(server, endpoints, alone)
                load.step()
                self._rate(server, endpoints, load.step())
            finally:
                load.close()
        finally:
            server.stop()

    def _memory(self, server, load, endpoints, people):
        time.sleep(2)
        before, kernel = procs.pss(server.pids()), procs.kernel_memory()
        result = load.step()
        time.sleep(IDLE_S)
        each = (procs.pss(server.pids()) - before) / people
        kernel = (procs.kernel_memory() - kernel) / people
        self._add(("signed-in", "tls", str(endpoints)), server, each, errors_of(result),
                  f"kernel {kernel / 1000:.1f} kB")
        self._add(("start", "tls", str(endpoints)), server, result["cpu_us"], errors_of(result))

    def _kind(self, server, load, endpoints, op):
        result = load.step()
        if op in ALONE:
            value = result["cpu_us"] and result["cpu_us"] / ALONE[op]
            self._add((f"model-{op}", "tls", str(endpoints)), server, value, errors_of(result))
        return result

    def _notify(self, server, endpoints, alone):
        """What is left of publications when those that nobody watches are taken off."""
        publish, quiet = alone["publish"], alone["alone"]
        told = publish["told"]["n"]
        if told and quiet["cpu_us"]:
            value = (publish["cpu_s"] * 1e6 - quiet["cpu_us"] * publish["ops"]) / told
            self._add(("model-notify", "tls", str(endpoints)), server, value, errors_of(publish))

    def _rate(self, server, endpoints, r):
        n, errors = r["requests"] + r["notified"], errors_of(r)
        if r["missing"]:
            errors["missing"] = r["missing"]
        if not n:
            return
        self._add(("model", "tls", str(endpoints)), server, r["cpu_s"] / n * 1e6, errors)
        self._add(("model-core", "tls", str(endpoints)), server,
                  r["cpu_s"] / n * FULL_RATE, errors)
        kinds = ", ".join(f"{k} {a['p50_us'] / 1000:.1f}/{a['p99_us'] / 1000:.1f}"
                          for k, a in r["answered"].items())
        self.lines.append(
            f"user model, {endpoints} endpoints: {n / r['wall_s']:.0f} requests/s, of which "
            f"{r['notified'] / r['wall_s']:.0f} notifications; {r['cpu_s'] / r['wall_s']:.2f} of a "
            f"core; a new state at its watchers in {r['told']['p50_us'] / 1000:.1f} ms (p50), "
            f"{r['told']['p99_us'] / 1000:.1f} ms (p99); answers in ms, p50/p99: {kinds}")
