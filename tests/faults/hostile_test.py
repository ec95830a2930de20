#!/usr/bin/python3
"""Broken, slow and hostile clients: the others do not notice, and nothing is left behind."""
import os
import random
import re
import socket
import ssl
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.load import Load  # noqa: E402
from lib.siptext import Phone, branch, reset  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402

HEAVY = True
SEED = 20101117
# How many of them the server must have read, by its own count.
GARBAGE = {"udp": 60_000, "tcp": 25_000, "tls": 15_000}
WINDOW = 200      # datagrams on their way before the server's count is awaited
WHOLE_OF_4 = 3    # of four messages on a stream so many keep its framing
FLOOD = {"udp": 30_000, "tcp": 5_000, "tls": 2_000}
FLOOD_WINDOW = 500
STREAM_MAX = 200  # messages on one connection
TEXT = [("Content-Type", "text/plain")]


def phone(case, user, transport="udp", **kw):
    return case.own(Phone(case.site.server, user, transport, **kw))


def pids(case):
    return sorted((r["role"], r["process"], r["pid"]) for r in case.site.server.roles())


def seeds(case):
    """Messages to start from: whole ones that a client might send."""
    d, ip = case.site.server.domain, "10.77.0.1"
    out = []
    for method in ("REGISTER", "INVITE", "MESSAGE", "OPTIONS", "ACK", "CANCEL", "BYE", "SUBSCRIBE"):
        out.append((f"{method} sip:bob1@{d} SIP/2.0\r\n"
                    f"Via: SIP/2.0/UDP {ip}:5070;rport;branch={branch()}\r\nMax-Forwards: 70\r\n"
                    f"From: \"A\" <sip:alice@{d}>;tag=1\r\nTo: <sip:bob1@{d}>\r\n"
                    f"Call-ID: {random.random()}\r\nCSeq: 7 {method}\r\n"
                    f"Contact: <sip:alice@{ip}:5070>;q=0.5;expires=60\r\n"
                    "Route: <sip:d.AAAA@10.77.0.1;lr>, <sip:10.77.0.1;lr>\r\n"
                    "Authorization: Digest username=\"alice\", realm=\"example.test\", nonce=\"x\","
                    " uri=\"sip:example.test\", response=\"0\", nc=00000001, cnonce=\"c\","
                    " qop=auth\r\nContent-Length: 4\r\n\r\nbody").encode())
    out.append(b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.77.0.1:5060;branch=z9hG4bK0\r\n"
               b"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n"
               b"Content-Length: 0\r\n\r\n")
    return out


def mutate(rng, raw):
    raw = bytearray(raw)
    for _ in range(rng.randint(1, 6)):
        kind, at = rng.randint(0, 4), rng.randrange(len(raw) or 1)
        if kind == 0 and raw:
            raw[at] = rng.randrange(256)
        elif kind == 1:
            del raw[at:at + rng.randint(1, 40)]
        elif kind == 2:
            raw[at:at] = raw[at:at + rng.randint(1, 60)] * rng.randint(1, 4)
        elif kind == 3:
            raw[at:at] = rng.choice((b"\r\n", b"\0", b"\"", b"<", b";", b",", b"%", b":" * 9,
                                     b"9" * 20, b"\xff\xfe"))
        else:
            return rng.randbytes(rng.randint(1, 400))
    return bytes(raw)


def framed(rng, raw):
    """A broken message whose end can be found: on a stream the next one is read too."""
    head, _, body = mutate(rng, raw).partition(b"\r\n\r\n")
    lines = [x for x in head.split(b"\r\n") if x.strip() and
             not x.lower().lstrip().startswith((b"content-length", b"l:"))]
    head = b"\r\n".join(lines).replace(b"\n\n", b"\n").strip(b"\r\n") or b"x"
    return head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class Hurler:
    """Sends broken messages over one transport until the server has read the wanted number."""

    def __init__(self, case, load, transport, number):
        self.case, self.load, self.transport = case, load, transport
        self.rng, self.messages = random.Random(SEED + number), seeds(case)
        self.address = (case.site.server.ip, case.site.server.port(transport))
        self.context = ssl.create_default_context(cafile=case.site.server.ca)
        self.sent, self.connections, self.error = 0, 0, None
        self.before = self._count()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _count(self):
        """Messages of strangers that the server has read: all but those of the load."""
        known = self.load.sent_on(self.transport)
        return self.case.site.server.metric("dialtone_sip_messages_total", way="in",
                                            transport=self.transport.upper()) - known

    def read(self):
        return self._count() - self.before

    def _run(self):
        try:
            while self.read() < GARBAGE[self.transport] and not self.load.failed():
                (self._datagrams if self.transport == "udp" else self._stream)()
        except Exception as e:  # shown by the test
            self.error = repr(e)

    def _datagrams(self):
        """From a new port each time, so that every process gets its share."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect(self.address)
            for _ in range(WINDOW):
                try:
                    s.send(mutate(self.rng, self.rng.choice(self.messages)))
                    self.sent += 1
                except OSError:
                    pass  # an empty one, or the answer to an earlier one

    def _stream(self):
        s = socket.create_connection(self.address, 60)
        self.connections += 1
        if self.transport == "tls":
            s = self.context.wrap_socket(s, server_hostname=self.case.site.server.domain)
        with s:
            s.settimeout(60)
            for _ in range(STREAM_MAX):
                if not self._one(s):
                    return  # the server has ended this connection, as it should

    def _one(self, s):
        whole = self.rng.randrange(4) < WHOLE_OF_4
        raw = (framed if whole else mutate)(self.rng, self.rng.choice(self.messages))
        try:
            s.sendall(raw)
            self.sent += 1
            s.setblocking(False)
            while s.recv(65536):
                pass
            return False
        except (BlockingIOError, ssl.SSLWantReadError):
            s.settimeout(60)
            return True
        except OSError:
            return False


@tap.test(alone=True)
def a_hundred_thousand_broken_messages_harm_nobody(case):
    before, load = pids(case), Load(case)
    hurlers = [Hurler(case, load, t, i) for i, t in enumerate(GARBAGE)]
    for h in hurlers:
        h.thread.join()
    load.finish()
    said = [f"{h.transport}: {h.read():.0f} of {h.sent} on {h.connections} connections"
            for h in hurlers]
    print(f"# {'; '.join(said)}; the load: {sum(p.rounds for p in load.pairs)} rounds", flush=True)
    check_eq([h.error for h in hurlers], [None] * 3, "errors of those who send")
    check_eq([h.transport for h in hurlers if h.read() < GARBAGE[h.transport]], [],
             f"too few were read: {said}")
    check_eq(pids(case), before, "the processes")


@tap.test(alone=True)
def half_open_and_slow_clients_are_ended_and_harm_nobody(case):
    server, load, held = case.site.server, Load(case), []
    for i in range(150):
        for transport in ("tcp", "tls"):
            s = socket.create_connection((server.ip, server.port(transport)), 60)
            held.append(s)
            if transport == "tcp" and i % 2:
                s.send(b"REGISTER sip:example.test SIP/2.0\r\nVia: SIP/2.0/T")
            elif i % 3 == 0:
                s.send(b"\x16\x03\x01\x02\x00\x01\x00")  # the start of a ClientHello
    load.finish()
    for s in held:
        s.settimeout(0)

    def all_ended():
        ended = 0
        for s in held:
            try:
                ended += s.recv(4096) == b""
            except BlockingIOError:
                pass
            except OSError:
                ended += 1
        return ended == len(held)
    wait_for(all_ended, "the server to end all connections on which nobody signed in")
    for s in held:
        s.close()


def _writes_until_ended(s, raw):
    """Writes and never reads; true once the other side has ended the connection."""
    s.setblocking(False)

    def ended():
        try:
            while s.send(raw) == len(raw):
                pass
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            pass
        except OSError:
            return True
        return False
    wait_for(ended, "the end of a connection whose answers nobody reads")


@tap.test(alone=True)
def a_stranger_who_does_not_read_the_answers_is_ended(case):
    server, load = case.site.server, Load(case)
    for transport in ("tcp", "tls"):
        probe = phone(case, case.site.user("slow"), transport)
        ask = probe.make("OPTIONS", f"sip:{server.domain}").bytes()
        probe.deaf = True
        wait_for(lambda p=probe: not p._tls_turn.locked(), "the reader to rest")
        _writes_until_ended(probe.sock, ask)
    load.finish()


@tap.test(alone=True)
def a_signed_in_client_that_does_not_read_is_ended_and_signed_off(case):
    server, load = case.site.server, Load(case)
    big = "x" * 60_000
    for transport in ("tcp", "tls"):
        slow = phone(case, case.site.user("slow"), transport).sign_in()
        friend = phone(case, case.site.user("friend"), "tcp").sign_in()
        slow.deaf = True
        check_eq(len(server.endpoints(slow.user)), 1, "the endpoint before")

        def gone():
            for _ in range(20):
                friend.send(friend.make("MESSAGE", slow.user.uri, body=big, headers=TEXT))
            return not server.endpoints(slow.user)
        wait_for(gone, f"the endpoint over {transport} to be signed off")
        slow.deaf = False
        wait_for(lambda: slow.closed, f"the end of the connection over {transport}")
        answer = friend.ask(friend.make("MESSAGE", slow.user.uri, body="x", headers=TEXT))[0]
        check(answer.code in (202, 480), f"a message after that: {answer.start}")
    load.finish()


@tap.test(alone=True)
def connections_that_break_leave_no_endpoint(case):
    phones = [phone(case, case.site.user("gone"), t).sign_in() for t in ("tcp", "tls") * 5]
    for p in phones:
        reset(p)
    for p in phones:
        wait_for(lambda p=p: not case.site.server.endpoints(p.user), f"{p.user.name} to go")


def _stranger(case, transport, i):
    d, ip = case.site.server.domain, "10.77.0.1"
    return (f"REGISTER sip:{d} SIP/2.0\r\nVia: SIP/2.0/{transport.upper()} {ip}:9;rport;"
            f"branch=z9hG4bK{i}\r\nFrom: <sip:u{i}@{d}>;tag=1\r\nTo: <sip:u{i}@{d}>\r\n"
            f"Call-ID: {i}\r\nCSeq: 1 REGISTER\r\nContact: <sip:u@{ip}:9>\r\n"
            "Content-Length: 0\r\n\r\n").encode()


def _call_id(raw):
    return int(re.search(rb"(?m)^Call-ID: (\d+)", raw).group(1))


@tap.test(alone=True)
def each_of_a_flood_of_datagrams_is_answered(case):
    load, left = Load(case), set(range(FLOOD["udp"]))
    s = case.undo.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    s.connect((case.site.server.ip, case.site.server.port("udp")))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    before = case.site.server.metric("dialtone_sip_transactions", side="server")
    others = 0

    def all_answered():
        """One more time for all that are still without an answer, a window at a time."""
        nonlocal others
        todo = sorted(left)
        for at in range(0, len(todo), FLOOD_WINDOW):
            for i in todo[at:at + FLOOD_WINDOW]:
                s.send(_stranger(case, "udp", i))
            s.settimeout(0.2)
            try:
                while left.intersection(todo[at:at + FLOOD_WINDOW]):
                    raw = s.recv(65536)
                    others += not raw.startswith(b"SIP/2.0 401 ")
                    left.discard(_call_id(raw))
            except TimeoutError:
                pass
        return not left
    wait_for(all_answered, lambda: f"the answers to {len(left)} of {FLOOD['udp']}")
    check_eq(others, 0, "answers other than 401")
    kept = case.site.server.metric("dialtone_sip_transactions", side="server") - before
    check(kept < FLOOD["udp"] / 10, f"{kept} transactions of strangers are kept")
    load.finish()


def _flood_of_connections(case, transport):
    server, load = case.site.server, Load(case)
    context = ssl.create_default_context(cafile=server.ca)
    before = server.metric("dialtone_connections", transport=transport.upper())
    answers = 0
    for i in range(FLOOD[transport]):
        s = socket.create_connection((server.ip, server.port(transport)), 60)
        if transport == "tls":
            s = context.wrap_socket(s, server_hostname=server.domain)
        with s:
            s.sendall(_stranger(case, transport, i))
            answers += s.recv(4096).startswith(b"SIP/2.0 401 ")
    check_eq(answers, FLOOD[transport], "connections that were served")
    wait_for(lambda: server.metric("dialtone_connections", transport=transport.upper()) == before,
             "the connections to be forgotten")
    load.finish()


@tap.test(alone=True)
def each_of_a_flood_of_tcp_connections_is_served(case):
    _flood_of_connections(case, "tcp")


@tap.test(alone=True)
def each_of_a_flood_of_tls_handshakes_is_served(case):
    _flood_of_connections(case, "tls")


@tap.test(alone=True)
def certificates_change_under_load_without_a_dropped_connection(case):
    server, load = case.site.server, Load(case)

    def serial():
        pem = ssl.get_server_certificate((server.ip, server.port("tls")))
        return subprocess.run(["openssl", "x509", "-noout", "-serial"], input=pem.encode(),
                              stdout=subprocess.PIPE, check=True).stdout
    old = serial()
    for name in os.listdir(os.path.join(server.dir, "certs")):
        if name.startswith("frontend-"):
            os.remove(os.path.join(server.dir, "certs", name))
    server.tool("cert", "issue", "frontend")
    server.reload()
    wait_for(lambda: serial() != old, "the new certificate")
    check_eq(phone(case, case.site.user("new"), "tls").register().code, 200, "a new sign-in")
    load.finish()


class Topology:
    """The server's topology.conf, changed for a while."""

    def __init__(self, case):
        self.path = os.path.join(case.site.server.dir, "topology.conf")
        with open(self.path, encoding="utf-8") as f:
            self.good = f.read()

    def put(self, more=""):
        with open(self.path, "w", encoding="utf-8") as f:
            f.write(self.good + more)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.put()


def granted(case):
    """What a sign-in that asks for no time gets."""
    p = phone(case, case.site.user("probe"), "tcp")
    m = p.make("REGISTER", f"sip:{p.server.domain}", to=p.user.uri,
               headers=[("Contact", p.contact())])
    answer = p.ask(m)[0]
    check_eq(answer.code, 200, "the probe")
    return int(re.search(r"expires=(\d+)", answer.get("Contact")).group(1))


@tap.test(alone=True)
def a_changed_setting_takes_effect_under_load(case):
    server, load = case.site.server, Load(case)
    check_eq(granted(case), 600, "before")
    with Topology(case) as t:
        t.put("\ndefault-expires = 700 s\nmax-endpoints = 2\n")
        server.reload()
        check_eq([granted(case) for _ in range(4)], [700] * 4, "after the reload")
        user = case.site.user("many")
        for _ in range(3):
            phone(case, user, "tcp").sign_in()
        check_eq(len(server.endpoints(user)), 2, "endpoints")
    server.reload()
    check_eq(granted(case), 600, "after the old file came back")
    load.finish()


def _refused(case, lines, *wanted):
    """A reload with these lines changes nothing, and says why."""
    server = case.site.server
    generation = server.json("status")["generation"]
    with Topology(case) as t:
        t.put(lines)
        said = server.tool("reload", ok=False)
    for text in ("nothing was changed", *wanted):
        check(text in said, f"{text!r} is not in: {said}")
    check_eq(server.json("status")["generation"], generation, "the generation")
    check_eq(granted(case), 600, "the setting in force")


@tap.test(alone=True)
def a_reload_that_is_refused_changes_nothing(case):
    before, load = pids(case), Load(case)
    good = "\ndefault-expires = 700 s\n"
    # By the reader, for what needs a restart, and by the role itself.
    _refused(case, good + "max-endpoinst = 3\n", "max-endpoinst", "topology.conf")
    _refused(case, good + "connections-max = 500\n", "restart", "connections-max")
    _refused(case, good + "min-expires = 800 s\n", "ascending order")
    case.site.server.reload()
    load.finish()
    check_eq(pids(case), before, "the processes")


def make(args, folder):
    from lib import netns
    netns.enter()
    return site.Site(args, folder, settings="unknown-connection-max = 5 s\n")


if __name__ == "__main__":
    tap.main(make)
