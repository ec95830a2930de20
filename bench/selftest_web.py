#!/usr/bin/python3
"""Checks that webload counts rightly what goes well and what goes wrong, against a small web server
whose mistakes are made on purpose.  Prints TAP.

usage: selftest_web.py [--build DIR]
"""
import argparse
import base64
import hashlib
import json
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading

import servers
from selftest import ROOT, Test

PASSWORD, PAIRS, CHATS = "right", 4, 40
MARKED = 5  # the message that a mistake is made with
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Browser:
    """One WebSocket of the server."""

    def __init__(self, site, sock, stream, user):
        self.site, self.sock, self.stream, self.user, self.seq = site, sock, stream, user, 0
        self.lock, self.watches = threading.Lock(), False

    def exactly(self, n):
        data = self.stream.read(n)
        if len(data) < n:
            raise EOFError
        return data

    def read(self):
        """A text; what is no text is skipped."""
        while True:
            kind, n = self.exactly(2)
            n &= 0x7f
            if n == 126:
                n, = struct.unpack("!H", self.exactly(2))
            mask = self.exactly(4)
            data = bytes(b ^ mask[i % 4] for i, b in enumerate(self.exactly(n)))
            if kind == 0x81:
                return data.decode()

    def send(self, text):
        data = text.encode()
        head = bytes([0x81, len(data)]) if len(data) < 126 else struct.pack("!BBH", 0x81, 126, len(data))
        with self.lock:
            self.sock.sendall(head + data)

    def event(self, ev, **fields):
        self.seq += 1 + ("skips" in self.site.mistakes and self.seq == MARKED)
        self.send(json.dumps({"seq": self.seq, "ev": ev, **fields}))

    def answer(self, number, **ok):
        self.send(json.dumps({"re": number, "ok": ok}))

    def refuse(self, number, code):
        self.send(json.dumps({"re": number, "error": {"code": code, "text": "", "remedy": ""}}))


class WebServer:
    """Over TLS, a thread for each connection.  `mistakes` are words from below."""

    def __init__(self, certificate, *mistakes):
        self.mistakes, self.browsers, self.chats = set(mistakes), {}, 0
        self.said, self.groups, self.changes = [], {}, 0
        self.lock = threading.RLock()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate.cert, certificate.key)
        self.s = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = "127.0.0.1:%d" % self.s.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.s.shutdown(socket.SHUT_RDWR)
        self.s.close()

    def _accept(self):
        while True:
            try:
                sock, _ = self.s.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        try:
            sock = self.context.wrap_socket(sock, server_side=True)
            stream = sock.makefile("rb")
            while self._request(sock, stream):
                pass
        except (EOFError, OSError, ValueError):
            pass
        sock.close()

    def _request(self, sock, stream):
        lines = iter(stream.readline, b"\r\n")
        words = next(lines, b"").decode().split()
        if not words:
            raise EOFError
        fields = dict(line.decode().strip().split(": ", 1) for line in lines)
        if words[1] == "/api/v1/login":
            self._log_in(sock, json.loads(stream.read(int(fields["Content-Length"]))))
            return True
        user = re.search("ticket-(.*)", fields.get("Cookie", ""))
        is_echo = words[1] == "/ws"
        if not is_echo and not user:
            sock.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
            return True
        accept = base64.b64encode(hashlib.sha1(fields["Sec-WebSocket-Key"].encode() + GUID).digest())
        protocol = b"" if is_echo else b"Sec-WebSocket-Protocol: dialtone.v1\r\n"
        sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                     b"Upgrade: websocket\r\n" + protocol + b"Sec-WebSocket-Accept: " + accept
                     + b"\r\n\r\n")
        b = Browser(self, sock, stream, user and user.group(1))
        while is_echo:
            b.send(b.read())
        while True:
            self._op(b, json.loads(b.read()))

    @staticmethod
    def _log_in(sock, body):
        good = body["password"] == PASSWORD
        text = json.dumps({} if good else {"error": {"code": "wrong_login"}})
        head = "200 OK\r\nSet-Cookie: __Host-dialtone=ticket-%s; Path=/" % body["user"] if good \
            else "401 Unauthorized"
        sock.sendall(f"HTTP/1.1 {head}\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())

    def _op(self, b, m):
        with self.lock:
            getattr(self, "_" + m["op"].replace(".", "_"))(b, m)

    def _hello(self, b, m):
        if "deaf" in self.mistakes and b.user == "user3":
            return
        self.browsers[b.user] = b
        b.answer(m["id"], session="s")
        b.event("self", state="available")
        b.event("contacts", groups=[], people=[])

    def _seen(self, b, m):
        if m["seq"] != b.seq or "forgets" in self.mistakes:
            b.refuse(m["id"], "bad_request")
        else:
            b.answer(m["id"])

    def _people_watch(self, b, m):
        b.watches = True
        b.answer(m["id"])

    def _presence_set(self, b, m):
        b.answer(m["id"])
        person = {"uri": f"{b.user}@bench.test", "state": m["state"]}
        for other in self.browsers.values():
            if other.watches and not ("tells-few" in self.mistakes and other.user == "user3"):
                other.event("presence", people=[person])

    def _conference_create(self, b, m):
        chat = f"conf-{len(self.groups):032}.{b.user}@bench.test"
        self.groups[chat] = [b]
        b.answer(m["id"], chat=chat)

    def _conference_add(self, b, m):
        if "excludes" in self.mistakes and b.user == "user0":
            b.refuse(m["id"], "not_found")
            return
        self.groups[m["chat"]].append(self.browsers[m["uri"].split("@")[0]])
        b.answer(m["id"])

    def _to_group(self, b, m):
        message = {"id": "1", "chat": m["to"], "from": f"{b.user}@bench.test", "text": m["text"]}
        made = self.mistakes if self.chats == MARKED else ()
        others = [x for x in self.groups[m["to"]] if x is not b]
        if "mumbles" in made:
            message["text"] = "?"
        b.event("message", message=message)
        b.answer(m["id"], message={**message, "state": "delivered"})
        for x in others[:len(others) - ("forgets-one" in made)] + others[:"repeats" in made]:
            x.event("message", message=message)

    def _chat_search(self, b, m):
        found = [x for x in self.said if m["text"] in x["text"] and m["with"] == x["from"]
                 and "misses" not in self.mistakes]
        b.answer(m["id"], messages=found, more=False)

    def _change(self, b, m, kind, **what):
        self.changes += 1
        made = self.mistakes if self.changes == MARKED else ()
        event = {"chat": m["chat"], "id": m["message"], "from": f"{b.user}@bench.test",
                 "kind": "delete" if "mixes" in made else kind, **what}
        b.event("change", **event)
        b.answer(m["id"], shown=True)
        if "forgets-one" not in made:
            self.browsers[m["chat"].split("@")[0]].event("change", **event)

    def _chat_edit(self, b, m):
        self._change(b, m, "edit", text=m["text"])

    def _chat_react(self, b, m):
        self._change(b, m, "react", emoji=m["emoji"])

    def _chat_send(self, b, m):
        self.chats += 1
        if m["to"] in self.groups:
            self._to_group(b, m)
            return
        marked = self.chats == MARKED
        made = {x for x in self.mistakes if marked}
        if "refuses" in made:
            b.refuse(m["id"], "not_reachable")
            return
        to = self.browsers[m["to"].split("@")[0]]
        if "hangs-up" in made:
            to.sock.shutdown(socket.SHUT_RDWR)
            return
        message = {"id": f"id{self.chats}", "chat": m["to"], "from": f"{b.user}@bench.test",
                   "at": "2026-11-27T09:13:01.123Z", "text": m["text"]}
        self.said.append(dict(message))
        if "mixes" in made:
            to = next(x for x in self.browsers.values() if x not in (b, to))
        b.event("message", message={**message, "ref": m["ref"]})
        b.answer(m["id"], message={**message, "state": "delivered"})
        if "changes" in made:
            message["text"] = message["text"][:-1] + "!"
        for _ in range("loses" not in made and 1 + ("repeats" in made)):
            to.event("message", message=message)


class Bed:
    """What the steps of webload find against a server with these mistakes."""

    def __init__(self, t, folder):
        self.t, self.certificate = t, servers.Certificate(folder)

    def against(self, mistakes, *words, patience=30, password=PASSWORD):
        server = WebServer(self.certificate, *mistakes)
        argv = [os.path.join(self.t.folder, "webload"), "--server", server.address, "--name",
                servers.DOMAIN, "--ca", self.certificate.cert, "--password", password, "--users",
                str(2 * PAIRS), "--patience", str(patience), *words]
        try:
            done = subprocess.run(argv, stdout=subprocess.PIPE, timeout=300, check=True)
        finally:
            server.close()
        return {r["op"]: {**r, **r["failures"]}
                for r in map(json.loads, done.stdout.decode().splitlines())}


FINE = {"lost": 0, "wrong": 0, "stray": 0, "refused": 0, "closed": 0}
BEGIN = "login", f"open:{2 * PAIRS}"


def going_well(t, bed):
    r = bed.against([], *BEGIN, f"chat:{CHATS}", "watch", "presence:3", "seen", "hold:1")
    t.check("each user is logged in", r["login"], ops=2 * PAIRS, **FINE)
    t.check("each session has been told", r["open"], ops=2 * PAIRS, **FINE)
    t.check("a message is one with its answer, at the other side", r["chat"], ops=CHATS, own=CHATS,
            **FINE)
    t.check("all but one watch", r["watch"], ops=2 * PAIRS - 1, **FINE)
    t.check("a state is told to each of them", r["presence"], ops=3 * (2 * PAIRS - 1), **FINE)
    t.check("each session says what it has had", r["seen"], ops=2 * PAIRS, **FINE)
    r = bed.against([], "--echo", "open:4", "echo:100")
    t.check("echoes come back", r["echo"], ops=100, **FINE)


def rarer(t, bed):
    """Groups of four; a pair says a message more than the one that is searched for."""
    meet, n = (*BEGIN, "meet:4"), 34 * PAIRS
    r = bed.against([], *meet, f"group:{CHATS}")
    t.check("groups are made", r["meet"], ops=2, **FINE)
    t.check("a message to a group is one at all others", r["group"], ops=CHATS, own=CHATS, **FINE)
    r = bed.against(["excludes"], *meet)["meet"]
    t.check("whoever may not be added is a refusal", r,
            **{**FINE, "ops": 1, "refused": 1, "first_refusal": "not_found"})
    r = bed.against(["repeats"], *meet, f"group:{CHATS}")["group"]
    t.check("a message that comes twice to one of them is counted once",
            {**r, "more": r["stray"] + r["wrong"]}, ops=CHATS, more=1, lost=0)
    r = bed.against(["forgets-one"], *meet, f"group:{CHATS}", patience=2)["group"]
    t.check("one that does not come to one of them is lost", lost_of(r, CHATS), some=True, wrong=0)
    r = bed.against(["mumbles"], *meet, f"group:{CHATS}", patience=2)["group"]
    t.check("one with another text is wrong, and lost", lost_of(r, CHATS), some=True, wrong=3)
    chat = (*BEGIN, f"chat:{n}")
    r = bed.against([], *chat, "search:20", "edit:20", "react:20")
    t.check("a search finds the one message", r["search"], ops=20, **FINE)
    t.check("an edit is one with its answer, at the other side", r["edit"], ops=20, own=20, **FINE)
    t.check("so is a reaction", r["react"], ops=20, own=20, **FINE)
    for mistake, name, wrong in (("mixes", "another change is wrong, and lost", 2),
                                 ("forgets-one", "one that the other side is not told is lost", 0)):
        r = bed.against([mistake], *chat, "edit:20", patience=2)["edit"]
        t.check(name, lost_of(r, 20), some=True, wrong=wrong)
    r = bed.against(["misses"], *chat, "search:20")["search"]
    t.check("a search that does not find it is wrong", r, **{**FINE, "ops": 20, "wrong": 20})


def lost_of(r, n):
    return {**r, "some": r["lost"] > 0 and r["ops"] + r["lost"] == n}


def refused(t, bed):
    r = bed.against([], *BEGIN, password="wrong")
    t.check("a wrong password is a refusal", r["login"], ops=0, refused=2 * PAIRS,
            first_refusal="wrong_login")
    t.check("without a log-in there is no session", r["open"], ops=0, closed=2 * PAIRS)
    r = bed.against(["refuses"], *BEGIN, f"chat:{CHATS}")
    t.check("a message that is refused is counted, and the others go on", r["chat"],
            **{**FINE, "ops": CHATS - 1, "refused": 1, "first_refusal": "not_reachable"})
    r = bed.against(["forgets"], *BEGIN, "seen")["seen"]
    t.check("and so is what a session says it has had", r, **{**FINE, "ops": 0, "refused": 2 * PAIRS})
    r = bed.against(["deaf"], *BEGIN, patience=2)["open"]
    t.check("a session that is not told is lost",
            {**r, "some": r["lost"] > 0, "all": r["ops"] + r["lost"]}, some=True, all=2 * PAIRS)


def mistaken(t, bed):
    """Each message is there, or lost; how many more are late depends on the machine."""
    for mistake, name, counts in (
            ("loses", "a message that does not come is lost", {}),
            ("changes", "a changed one is wrong, and lost", {"wrong": 1}),
            ("mixes", "so is one at another browser", {"wrong": 1}),
            ("hangs-up", "a connection that ends is told, and what was under way lost",
             {"closed": 1})):
        r = bed.against([mistake], *BEGIN, f"chat:{CHATS}", patience=2)["chat"]
        t.check(name, {**r, "some": r["lost"] > 0, "all": r["ops"] + r["lost"]},
                **{"wrong": 0, "closed": 0, "refused": 0, "some": True, "all": CHATS, **counts})
    for mistake, name, counts in (
            ("repeats", "one that comes twice is counted once", {"stray": 1}),
            ("skips", "events that are numbered with a gap are wrong", {"wrong": 2 * PAIRS})):
        r = bed.against([mistake], *BEGIN, f"chat:{CHATS}")["chat"]
        t.check(name, r, **{**FINE, "ops": CHATS, **counts})
    r = bed.against(["tells-few"], *BEGIN, "watch", "presence:2", patience=2)["presence"]
    t.check("who is not told of a state is lost",
            {**r, "some": r["lost"] >= 2, "all": r["ops"] + r["lost"]}, wrong=0, some=True,
            all=2 * (2 * PAIRS - 1))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build", default=os.path.join(ROOT, "build", "out"))
    t = Test(p.parse_args().build)
    with tempfile.TemporaryDirectory(prefix="dialtone-bench-") as folder:
        bed = Bed(t, folder)
        going_well(t, bed)
        rarer(t, bed)
        refused(t, bed)
        mistaken(t, bed)
    print(f"1..{t.n}")
    sys.exit(t.failed > 0)


if __name__ == "__main__":
    main()
