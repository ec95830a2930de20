#!/usr/bin/python3
"""Broken, slow and hostile clients: the others do not notice, and nothing is left behind."""
import os
import random
import socket
import ssl
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.siptext import Phone, branch, reset  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402

SEED = 20101117
GARBAGE = {"udp": 60_000, "tcp": 25_000, "tls": 15_000}
TEXT = [("Content-Type", "text/plain")]


def phone(case, user, transport="udp", **kw):
    return case.own(Phone(case.site.server, user, transport, **kw))


class Load:
    """Two users who talk all the time; every message must be answered with 200."""

    def __init__(self, case):
        self.a = phone(case, case.site.user("alice"), "tls").sign_in()
        self.b = phone(case, case.site.user("bob"), "tcp").sign_in()
        self.sent, self.failures = 0, []
        self._done = threading.Event()
        self._threads = [threading.Thread(target=t, daemon=True) for t in (self._send, self._take)]
        for t in self._threads:
            t.start()

    def _take(self):
        while not self._done.is_set():
            try:
                self.b.answer(self.b.expect_request("MESSAGE", 1), 200)
            except AssertionError:
                pass

    def _send(self):
        while not self._done.is_set():
            m = self.a.send(self.a.make("MESSAGE", self.b.user.uri, body="x", headers=TEXT))
            try:
                code = self.a.expect_answer(m).code
            except AssertionError as e:
                code = str(e)[:200]
            if code != 200:
                self.failures.append(code)
            self.sent += 1

    def finish(self):
        enough = self.sent + 20
        wait_for(lambda: self.sent >= enough or self.failures, "the load to go on")
        self._done.set()
        for t in self._threads:
            t.join()
        check_eq(self.failures, [], "failures of the legitimate users")
        check(not self.a.closed and not self.b.closed, "a legitimate connection was closed")


def pids(case):
    return sorted((r["role"], r["slot"], r["pid"]) for r in case.site.server.roles())


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


def _hurl(case, transport, rng):
    server, messages, left = case.site.server, seeds(case), GARBAGE[transport]
    address = (server.ip, server.port(transport))
    context = ssl.create_default_context(cafile=server.ca)
    while left > 0:
        if transport == "udp":
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.connect(address)
        else:
            s = socket.create_connection(address, 60)
            if transport == "tls":
                s = context.wrap_socket(s, server_hostname=server.domain)
        with s:
            for _ in range(min(left, 500 if transport == "udp" else 20)):
                left -= 1
                try:
                    s.send(mutate(rng, rng.choice(messages)))
                except OSError:
                    break  # the server has ended this connection, as it should


@tap.test(alone=True)
def a_hundred_thousand_broken_messages_harm_nobody(case):
    before, load = pids(case), Load(case)
    threads = [threading.Thread(target=_hurl, args=(case, t, random.Random(SEED + i)))
               for i, t in enumerate(GARBAGE)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    load.finish()
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


@tap.test(alone=True)
def a_client_that_does_not_read_is_ended_alone(case):
    load = Load(case)
    slow = phone(case, case.site.user("slow"), "tcp").sign_in()
    s = socket.create_connection((case.site.server.ip, case.site.server.port("tcp")), 60)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    ask = slow.make("OPTIONS", f"sip:{case.site.server.domain}").bytes()
    s.settimeout(0.5)
    try:
        for _ in range(200_000):
            s.sendall(ask)
    except OSError:
        pass  # full in both directions, or ended
    load.finish()
    s.close()


@tap.test(alone=True)
def connections_that_break_leave_no_endpoint(case):
    phones = [phone(case, case.site.user("gone"), t).sign_in() for t in ("tcp", "tls") * 5]
    for p in phones:
        reset(p)
    for p in phones:
        wait_for(lambda p=p: not case.site.server.endpoints(p.user), f"{p.user.name} to go")


@tap.test(alone=True)
def a_flood_of_strangers_is_answered_and_forgotten(case):
    load = Load(case)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((case.site.server.ip, case.site.server.port("udp")))
    d = case.site.server.domain
    for i in range(30_000):
        s.send((f"REGISTER sip:{d} SIP/2.0\r\nVia: SIP/2.0/UDP 10.77.0.1:9;branch=z9hG4bK{i}\r\n"
                f"From: <sip:u{i}@{d}>;tag=1\r\nTo: <sip:u{i}@{d}>\r\nCall-ID: {i}\r\n"
                f"CSeq: 1 REGISTER\r\nContact: <sip:u@10.77.0.1:9>\r\nContent-Length: 0\r\n\r\n")
               .encode())
    s.close()
    load.finish()
    status = str(case.site.server.json("role", "list"))
    check("running" in status, status)


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


@tap.test(alone=True)
def a_reload_of_a_broken_configuration_changes_nothing(case):
    server, load = case.site.server, Load(case)
    path = os.path.join(server.dir, "topology.conf")
    with open(path, encoding="utf-8") as f:
        good = f.read()
    with open(path, "w", encoding="utf-8") as f:
        f.write(good + "\nmax-endpoinst = 3\n")
    said = server.tool("reload", ok=False)
    check("max-endpoinst" in said and "topology.conf" in said, said)
    with open(path, "w", encoding="utf-8") as f:
        f.write(good)
    server.reload()
    load.finish()


def make(args, folder):
    from lib import netns
    netns.enter()
    return site.Site(args, folder, settings="unknown-connection-max = 5 s\n")


if __name__ == "__main__":
    tap.main(make)
