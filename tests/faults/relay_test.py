#!/usr/bin/python3
"""The A/V edge in bad times: strangers in number, a process that dies, no port, no descriptor,
a client that does not read.  Who relays meanwhile does not notice."""
import collections
import contextlib
import itertools
import os
import random
import re
import resource
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import metrics, netns, ports, stun, tap, turn  # noqa: E402
from lib.edge import LoopEdge  # noqa: E402
from lib.relaying import WANT_UDP, Peer, over_streams, refused  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402

SETTINGS = ()
HEAVY = True

FLOOD = 20_000
USERS = 20
STRANGERS = 50           # addresses that they come from
CONNECTIONS = 1_500      # more than the edge lets wait
RSS_MORE_MB = 20
STRANGER_BURST, STRANGER_PER_S = 20, 5
PROCESSES = 4
PACE_S = 0.02
CHANNEL = 0x4001
PACKET = bytes(1200)


class Site:
    """Each test makes an edge of its own, in a folder with a short name."""

    def __init__(self, folder):
        self.folder, self.numbers = folder, itertools.count(1)
        if netns.inside():
            netns.prepare()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))

    def stop(self):
        pass


def make(_args, folder):
    netns.enter()
    return Site(folder)


def own_edge(case, *args, **kw):
    folder = os.path.join(case.site.folder, str(next(case.site.numbers)))
    return case.own(LoopEdge(folder, *args, **kw))


def resident_mb(edge):
    out = {}
    for r in edge.server.roles():
        with open(f"/proc/{r['pid']}/status", encoding="ascii") as f:
            out[r["role"], r["process"], r["pid"]] = \
                int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) // 1024
    return out


def check_memory(edge, before):
    now = resident_mb(edge)
    check_eq(sorted(now), sorted(before), "the processes")
    more = {k: now[k] - before[k] for k in now if now[k] - before[k] > RSS_MORE_MB}
    check_eq(more, {}, "memory that grew, in MB")


class Echo:
    """A peer that sends back what it gets."""

    def __init__(self, case):
        self.peer = Peer(case)
        self.address, self.ip = self.peer.address, self.peer.ip
        self.over = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        case.undo.callback(self._stop)

    def _run(self):
        while not self.over:
            sender, data = self.peer.receive()
            self.peer.send(sender, data)

    def _stop(self):
        self.over = True
        Peer.send(self.peer, self.address, b"")  # wakes it up
        self.thread.join()


class Worker:
    """Does step() again and again in a thread; what fails is told by finish()."""

    def __init__(self, case):
        self.over, self.failed, self.steps = threading.Event(), None, 0
        self.thread = threading.Thread(target=self._run, daemon=True)
        case.undo.callback(self._stop)
        self.thread.start()

    def _run(self):
        try:
            while not self.over.is_set():
                self.step()
                self.steps += 1
        except Exception as e:  # told in finish()
            self.failed = e

    def _stop(self):
        self.over.set()
        self.thread.join()

    def finish(self):
        self._stop()
        if self.failed:
            raise self.failed
        return self.steps


class User(Worker):
    """Everything that a client does, one after the other: each ends right, or it failed.  Over UDP
    what gets lost on the way is sent again."""

    def __init__(self, case, edge, transport, echo):
        self.client, self.echo = edge.client(case, transport).allocate(), echo
        self.client.bind(CHANNEL, echo.address)
        super().__init__(case)

    def step(self):
        self._there_and_back(self.client.send_channel, CHANNEL)
        self._there_and_back(self.client.send_indication, self.echo.address)
        check_eq(self.client.refresh(), 600, "a refresh")
        self.client.permit(self.echo.ip).bind(CHANNEL, self.echo.address)
        time.sleep(PACE_S)

    def _there_and_back(self, send, to):
        text = b"%d %d" % (self.steps, id(to))
        deadline = time.monotonic() + tap.WAIT_S
        while time.monotonic() < deadline:
            send(to, text)
            got = self.client.receive(turn.REPEAT_S)
            while got and got[1] != text:  # of one before that was sent twice
                got = self.client.receive(turn.REPEAT_S)
            if got:
                return
        raise AssertionError(f"{text} has not come back")


class Users:
    def __init__(self, case, edge, n=USERS):
        echo = Echo(case)
        kinds = itertools.cycle(("udp", "udp", "tcp", "tls"))
        self.users = [User(case, edge, t, echo) for t in itertools.islice(kinds, n)]

    def go_on(self, steps=3):
        """Each has done so many more."""
        wanted = [u.steps + steps for u in self.users]
        wait_for(lambda: all(u.failed or u.steps >= n for u, n in zip(self.users, wanted)),
                 lambda: f"the users' steps: {[u.steps for u in self.users]}")

    def finish(self):
        for u in self.users:
            check(u.finish() > 0, "nothing was done")


# --- strangers


def strange_packets(edge):
    """What strangers say, without an end: requests of all kinds, and nonsense."""
    good, chance = edge.credential(), random.Random(1)
    key = stun.long_term_key(good.username, "example.test", "wrong")
    claims = [(stun.USERNAME, good.username.encode()), (stun.REALM, b"example.test"),
              (stun.NONCE, b"0" * 24)]
    while True:
        yield stun.message(stun.REQUEST, stun.BINDING)
        yield stun.message(stun.REQUEST, stun.ALLOCATE, [WANT_UDP])
        yield stun.message(stun.REQUEST, stun.ALLOCATE, [WANT_UDP, *claims], key=key)
        yield stun.message(stun.REQUEST, stun.REFRESH, claims, key=key)
        yield stun.message(stun.REQUEST, 0x2A)
        yield stun.message(stun.INDICATION, stun.SEND, [
            (stun.XOR_PEER_ADDRESS, ("127.0.0.1", 9)), (stun.DATA, bytes(100))])
        yield bytes([0x40, 1, 0, 100]) + bytes(100)
        yield chance.randbytes(chance.randrange(1, 1400))


@tap.test(alone=True)
def a_flood_of_strangers_harms_nobody(case):
    edge = own_edge(case)
    users = Users(case, edge)
    users.go_on()
    before, began = resident_mb(edge), time.monotonic()
    wires = [turn.Datagrams(edge.address("udp"), ports.loopback()) for _ in range(STRANGERS)]
    for wire in wires:
        case.undo.callback(wire.close)
    answers = 0
    for i, data in enumerate(itertools.islice(strange_packets(edge), FLOOD)):
        wires[i % STRANGERS].send(data)
    users.go_on()
    for wire in wires:
        while wire.read(time.monotonic()):
            answers += 1
    most = STRANGERS * (STRANGER_BURST + STRANGER_PER_S * (1 + time.monotonic() - began))
    check(0 < answers <= most, f"{answers} answers to {FLOOD} packets")
    check_memory(edge, before)
    users.finish()


@tap.test(alone=True)
def connections_of_strangers_push_out_each_other_alone(case):
    edge = own_edge(case, metrics=ports.free())
    users = Users(case, edge)
    users.go_on()
    before = resident_mb(edge)
    source = ports.loopback()
    for i in range(CONNECTIONS):
        s = socket.create_connection(edge.address("tcp"), tap.WAIT_S, (source, 0))
        case.undo.callback(s.close)
        if i % 2:
            s.sendall(b"\x16\x03\x01")  # the begin of TLS, and no more
    users.go_on()
    status = edge.server.json("relay", "status")[0]
    check(status["connections"] < CONNECTIONS, f"{status['connections']} connections are held")
    check_memory(edge, before)
    users.finish()


# --- a process that dies


class Stream(Worker):
    """Packets at a pace to the peer and back, of which none may get lost."""

    def __init__(self, case, edge, transport, user, echo):
        self.edge, self.case, self.user, self.transport = edge, case, user, transport
        self.echo, self.open = echo, set()
        self.client = edge.client(case, transport, user=user).allocate()
        self.client.bind(CHANNEL, echo.address)
        super().__init__(case)

    def step(self):
        text = b"%d" % self.steps
        self.open.add(text)
        self.client.send(self.echo.address, text)
        self._hear(time.monotonic() + PACE_S)

    def _hear(self, until):
        while self.client.pump(until):
            while self.client.data:
                self.open.remove(self.client.data.popleft()[1])

    def finish(self):
        """Every packet that was sent has come back."""
        steps, deadline = super().finish(), time.monotonic() + tap.WAIT_S
        while self.open and time.monotonic() < deadline:
            self._hear(min(deadline, time.monotonic() + 1))
        check_eq(self.open, set(), f"packets of {steps} that are lost, over {self.transport}")
        return steps

    def recovers(self):
        """The process that had its allocation was killed: what a client sees of that, and a new
        allocation."""
        self._stop()
        if self.transport == "udp":
            check(self.failed is None, f"{self.failed}")
            refused(self.client.signed(stun.REFRESH), 437)
        else:
            check(isinstance(self.failed, (turn.Gone, OSError)) or self._is_gone(),
                  f"the connection has ended, not {self.failed!r}")
            self.client = self.edge.client(self.case, self.transport, user=self.user)
        self.client.data.clear()
        self.client.channels.clear()
        self.client.allocate().bind(CHANNEL, self.echo.address)
        self.client.send(self.echo.address, b"again")
        check_eq(self.client.receive()[1], b"again", "what comes back")

    def _is_gone(self):
        with contextlib.suppress(turn.Gone, OSError):
            self.client.pump(time.monotonic() + tap.WAIT_S)
            return False
        return True


def in_all_processes(case, edge, echo):
    """Streams by the number of their process, until each has one over UDP and one over TCP."""
    out, seen = collections.defaultdict(list), set()
    for transport in itertools.cycle(("udp", "tcp", "udp", "tls")):
        if len({(p, t == "udp") for p, t in seen}) == 2 * PROCESSES:
            return out
        check(sum(map(len, out.values())) < 100, f"clients come to all processes: {seen}")
        user = edge.user()
        stream = Stream(case, edge, transport, user, echo)
        rows = wait_for(lambda u=user: edge.server.json("allocation", "list", u), "the allocation")
        process = int(rows[0]["id"].split(".")[0])
        out[process].append(stream)
        seen.add((process, transport))


@tap.test(alone=True)
def the_kill_of_one_process_harms_no_client_of_the_others(case):
    edge = own_edge(case, processes=PROCESSES)
    streams = in_all_processes(case, edge, Echo(case))
    killed = streams.pop(1)
    others = [s for each in streams.values() for s in each]
    edge.server.kill_role("edge-av", 1)
    wanted = [s.steps + 50 for s in others]
    wait_for(lambda: all(s.failed or s.steps >= n for s, n in zip(others, wanted)),
             "the others' packets to go on")
    for stream in killed:
        stream.recovers()
    for stream in others:
        stream.finish()
        check_eq(stream.client.refresh(), 600, "a refresh of another's client")
    alive = {r["process"] for r in edge.server.roles() if r["role"] == "edge-av" and r["pid"]}
    check_eq(alive, set(range(1, PROCESSES + 1)), "the processes")


# --- what is used up


@tap.test
def without_a_free_port_allocations_are_refused_and_go_on_later(case):
    edge = own_edge(case, "relay-port-min = 50000\nrelay-port-max = 50007\n")
    clients = [edge.client(case).allocate() for _ in range(8)]
    check_eq({c.relayed[0][1] for c in clients}, set(range(50000, 50008)), "the ports")
    late = edge.client(case, "tcp")
    refused(late.signed(stun.ALLOCATE, [WANT_UDP]), 508)
    check_eq(clients[0].refresh(), 600, "one that is there")
    clients[3].refresh(0)
    late.allocate()


@tap.test
def without_descriptors_allocations_are_refused_and_go_on_later(case):
    edge = own_edge(case, wrap=["prlimit", "--nofile=150:150"])
    echo, credential = Echo(case), edge.credential()
    more = [edge.credential() for _ in range(2)]
    clients, answer = [], None
    while not answer or answer.kind == stun.SUCCESS:
        who = [credential, *more][len(clients) // 60]
        clients.append(edge.client(case, credential=who))
        answer = clients[-1].signed(stun.ALLOCATE, [WANT_UDP])
        check(len(clients) < 150, "there is an end")
    refused(answer, 508)
    clients[0].bind(CHANNEL, echo.address).send(echo.address, b"hello")
    check_eq(clients[0].receive()[1], b"hello", "what comes back to one that is there")
    clients[1].refresh(0)
    clients[-1].allocate()


# --- a client that does not read


@over_streams
def a_client_that_does_not_read_loses_packets_alone(case, transport):
    edge = own_edge(case, "port-bandwidth = 0\nuser-bandwidth = 0\n", metrics=ports.free())
    deaf, peer, users = edge.client(case, transport).allocate(), Peer(case), Users(case, edge, 4)
    deaf.bind(CHANNEL, peer.address)
    users.go_on()
    before = resident_mb(edge)

    def dropped():
        for _ in range(500):
            peer.send(deaf.relayed[0], PACKET)
        return metrics.scrape(edge.metrics).get("dialtone_relay_slow_dropped_total")
    wait_for(dropped, "packets that are dropped")
    users.go_on()
    check_memory(edge, before)
    heard = set()

    def hears():
        peer.send(deaf.relayed[0], b"now")
        got = deaf.receive(turn.REPEAT_S)
        while got:
            heard.add(got[1])
            got = deaf.receive(turn.REPEAT_S)
        return b"now" in heard
    wait_for(hears, "it to hear again")
    check_eq(heard, {PACKET, b"now"}, "what came is whole")
    check_eq(deaf.refresh(), 600, "a refresh")
    users.finish()


if __name__ == "__main__":
    tap.main(make)
