#!/usr/bin/python3
"""Checks that relayload counts rightly what goes well and what goes wrong, against a small TURN server
whose mistakes are made on purpose.  Prints TAP.

usage: selftest_relay.py [--build DIR]
"""
import argparse
import hashlib
import hmac
import json
import os
import selectors
import socket
import struct
import subprocess
import sys
import tempfile
import threading

import servers
from selftest import ROOT, Test

USER, PASSWORD, REALM = "alice", "right", "bench.test"
KEY = hashlib.md5(f"{USER}:{REALM}:{PASSWORD}".encode()).digest()
COOKIE = b"\x21\x12\xa4\x42"
ALLOCATE, PERMISSION, BIND, SEND, DATA = 0x003, 0x008, 0x009, 0x016, 0x017
USERNAME, INTEGRITY, ERROR, CHANNEL, PEER, PAYLOAD, A_REALM, NONCE, TRANSPORT = (
    0x06, 0x08, 0x09, 0x0c, 0x12, 0x13, 0x14, 0x15, 0x19)
FLOWS = 10


def attributes(message):
    found, at = {}, 20
    while at + 4 <= len(message):
        kind, n = struct.unpack_from("!HH", message, at)
        found.setdefault(kind, (at, message[at + 4:at + 4 + n]))
        at += 4 + n + -n % 4
    return found


def compose(kind, tid, *attrs):
    body = b"".join(struct.pack("!HH", k, len(v)) + v + bytes(-len(v) % 4) for k, v in attrs)
    return struct.pack("!HH", kind, len(body)) + COOKIE + tid + body


def address(value):
    """Of XOR-PEER-ADDRESS."""
    port = struct.unpack("!H", bytes(a ^ b for a, b in zip(value[2:4], COOKIE)))[0]
    return socket.inet_ntoa(bytes(a ^ b for a, b in zip(value[4:8], COOKIE))), port


def xored(where):
    host = socket.inet_aton(where[0])
    return bytes([0, 1]) + bytes(a ^ b for a, b in zip(struct.pack("!H", where[1]), COOKIE)) + \
        bytes(a ^ b for a, b in zip(host, COOKIE))


def is_signed(message):
    at = attributes(message).get(INTEGRITY)
    if not at or at[0] + 24 != len(message):
        return False
    text = message[:2] + struct.pack("!H", at[0] + 4) + message[4:at[0]]
    return hmac.compare_digest(hmac.new(KEY, text, "sha1").digest(), at[1])


class Allocation:
    def __init__(self, client):
        self.client, self.permitted, self.channel = client, set(), None
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.bind(("127.0.0.1", 0))


class TurnServer:
    """Over UDP, on one thread.  `mistakes` are words from below."""

    def __init__(self, *mistakes):
        self.mistakes, self.allocations, self.relayed, self.seen = set(mistakes), {}, 0, set()
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.s.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.s.getsockname()[1]
        self.wake, self.end = socket.socketpair()
        self.poll = selectors.DefaultSelector()
        for s in (self.s, self.wake):
            self.poll.register(s, selectors.EVENT_READ, None)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def close(self):
        self.end.close()
        self.thread.join()
        for s in (self.s, self.wake, *(a.s for a in self.allocations.values())):
            s.close()

    def _run(self):
        while True:
            for key, _ in self.poll.select():
                if key.fileobj is self.wake:
                    return
                data, source = key.fileobj.recvfrom(65536)
                if key.data:
                    self._from_peer(key.data, data, source)
                else:
                    self._from_client(data, source)

    def _from_client(self, data, source):
        a = self.allocations.get(source)
        if data[0] >> 6 == 1:
            number, n = struct.unpack_from("!HH", data)
            if a and a.channel and a.channel[0] == number:
                a.s.sendto(data[4:4 + n], a.channel[1])
        elif struct.unpack_from("!H", data)[0] == SEND:
            found = attributes(data)
            where = address(found[PEER][1])
            if a and where[0] in a.permitted:
                a.s.sendto(found[PAYLOAD][1], where)
        else:
            self._request(data, source, a)

    def _request(self, data, source, a):
        kind, tid = struct.unpack_from("!H", data)[0], data[8:20]
        if "deaf-once" in self.mistakes and (source, tid) not in self.seen:
            self.seen.add((source, tid))
            return
        found, code = attributes(data), None
        if not is_signed(data) or found[USERNAME][1].decode() != USER:
            code = 401
        elif "forbids" in self.mistakes and kind == PERMISSION:
            code = 403
        elif kind == ALLOCATE and source not in self.allocations:
            self.allocations[source] = a = Allocation(source)
            self.poll.register(a.s, selectors.EVENT_READ, a)
        elif kind == PERMISSION:
            a.permitted.add(address(found[PEER][1])[0])
        elif kind == BIND:
            a.channel = struct.unpack_from("!H", found[CHANNEL][1])[0], address(found[PEER][1])
        answer = [(ERROR, struct.pack("!HBB", 0, code // 100, code % 100)), (A_REALM, REALM.encode()),
                  (NONCE, b"n0nce")] if code else []
        self.s.sendto(compose(kind | (0x110 if code else 0x100), tid, *answer), source)

    def _from_peer(self, a, data, source):
        self.relayed += 1
        client = a.client
        if "loses" in self.mistakes and self.relayed == 5:
            return
        if "changes" in self.mistakes and self.relayed == 5:
            data = data[:-1] + bytes([data[-1] ^ 1])
        if "mixes" in self.mistakes and self.relayed == 5:
            client = next(c for c in self.allocations if c != client)
        if a.channel and a.channel[1] == source:
            out = struct.pack("!HH", a.channel[0], len(data)) + data
        else:
            out = compose(DATA, bytes(12), (PEER, xored(source)), (PAYLOAD, data))
        for _ in range(1 + ("repeats" in self.mistakes and self.relayed == 5)):
            self.s.sendto(out, client)


def load(t, where, patience, *words):
    """The results of the steps, by operation."""
    argv = [os.path.join(t.folder, "relayload"), "--server", where, "--flows", str(FLOWS),
            "--patience", str(patience), *words]
    done = subprocess.run(argv, stdout=subprocess.PIPE, timeout=300, check=True)
    return {r["op"]: {**r, **r["failures"]} for r in map(json.loads, done.stdout.decode().splitlines())}


def against(t, mistakes, *words, patience=30, password=PASSWORD):
    server = TurnServer(*mistakes)
    try:
        return load(t, server.address, patience, "--user", USER, "--password", password, *words)
    finally:
        server.close()


FINE = {"lost": 0, "wrong": 0, "stray": 0, "refused": 0}


def relaying(t):
    r = against(t, [], "allocate", "voice:200", "voice-send:200", "burst:320", "burst-send:320",
                "--rate", "10", "paced:1", "paced-send:1")
    t.check("each flow has an allocation, a permission and a channel", r["allocate"], ops=FLOWS,
            **FINE)
    for how in ("", "-send"):
        for kind, n in (("voice", 200), ("burst", 320), ("paced", 100)):
            t.check(f"{kind}{how}: a packet there and back is two that were relayed",
                    r[kind + how], ops=2 * n, **FINE)


def refusing(t):
    r = against(t, [], "allocate", password="wrong")
    t.check("a wrong password is a refusal", r["allocate"], ops=0, refused=FLOWS, first_refusal=401)
    r = against(t, ["forbids"], "allocate")
    t.check("so is a permission that is not given", r["allocate"], ops=0, refused=FLOWS,
            first_refusal=403)
    r = against(t, ["deaf-once"], "allocate", patience=2)["allocate"]
    t.check("a request without an answer is sent again", {**r, "some": r["resent"] >= 4 * FLOWS},
            ops=FLOWS, refused=0, some=True)


def mistaken(t):
    """Each packet is back, or lost; how many more are late depends on the machine."""
    for mistake, name, count in (
            ("loses", "a lost packet is counted, and its flow goes on", {"wrong": 0}),
            ("changes", "a changed one is wrong, and missing", {"wrong": 1}),
            ("mixes", "so is one at another client", {"wrong": 1})):
        r = against(t, [mistake], "allocate", "voice:200", patience=2)["voice"]
        t.check(name, {**r, "some": r["lost"] > 0, "all": r["ops"] + 2 * r["lost"]}, all=400,
                some=True, **count)
    r = against(t, ["repeats"], "allocate", "voice:200")
    t.check("one that comes twice is counted once", r["voice"], ops=2 * 200, lost=0, stray=1)


def echoes(t, folder):
    """The floors: each kind of echo of the program that is measured."""
    certificate = servers.Certificate(folder)
    for transport in ("udp", "burst", "tls"):
        server = servers.Echo(os.path.join(folder, transport), os.sched_getaffinity(0),
                              os.path.dirname(t.folder), certificate)
        server.start(transport)
        try:
            r = load(t, server.address(transport), 30, "--echo", *["--tls"] * (transport == "tls"),
                     "--rate", "10", "voice:200", "burst-send:320", "paced:1")
        finally:
            server.stop()
        for op, n in (("voice", 200), ("burst-send", 320), ("paced", 100)):
            t.check(f"echo {transport}, {op}: all come back", r[op], ops=n, **FINE)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build", default=os.path.join(ROOT, "build", "out"))
    t = Test(p.parse_args().build)
    relaying(t)
    refusing(t)
    mistaken(t)
    with tempfile.TemporaryDirectory(prefix="dialtone-bench-") as folder:
        echoes(t, folder)
    print(f"1..{t.n}")
    sys.exit(t.failed > 0)


if __name__ == "__main__":
    main()
