#!/usr/bin/python3
"""Checks that the load generator counts rightly what goes well and what goes wrong, against a small
SIP server whose mistakes are made on purpose.  Prints TAP.

usage: selftest.py [--build DIR]
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import secrets
import socket
import struct
import subprocess
import sys
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests"))
from lib import ntlm  # noqa: E402
from lib.siptext import Message  # noqa: E402

REALM, PASSWORD, NONCE = "bench.test", "right", "n0nce"
PARAM = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')


def md5(*parts):
    return hashlib.md5(":".join(parts).encode()).hexdigest()


def header(text, name):
    found = re.search(rf"(?im)^{name}:[ \t]*(.*?)\r?$", text)
    return found.group(1) if found else None


def proves(text, method):
    """True if the credentials in the request are those of the right password."""
    value = header(text, "Authorization") or header(text, "Proxy-Authorization")
    if not value:
        return False
    p = {k: a or b for k, a, b in PARAM.findall(value)}
    ha1 = md5(p["username"], REALM, PASSWORD)
    return p["response"] == md5(ha1, p["nonce"], p["nc"], p["cnonce"], "auth",
                                md5(method, p["uri"]))


class Peer:
    """A registrar and proxy over UDP on one thread.  `mistakes` are words from below."""

    def __init__(self, *mistakes):
        self.mistakes = set(mistakes)
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.s.getsockname()[1]
        self.bound, self.seen, self.nc = {}, {}, []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                data, source = self.s.recvfrom(65536)
            except OSError:
                return
            text = data.decode()
            first = text.split(None, 1)[0]
            if first == "SIP/2.0":
                self._response(text)
            else:
                self._request(first, text, source)

    def _reply(self, text, source, status, extra=""):
        kept = "".join(f"{n}: {header(text, n)}\r\n" for n in ("Via", "From", "Call-ID", "CSeq"))
        to = header(text, "To")
        self._send(f"SIP/2.0 {status}\r\n{kept}To: {to};tag=p\r\n{extra}"
                   "Content-Length: 0\r\n\r\n", source)

    def _send(self, text, where):
        self.s.sendto(text.encode(), where)

    def _first_time(self, text):
        key = header(text, "Via")
        self.seen[key] = self.seen.get(key, 0) + 1
        return self.seen[key] == 1

    def _request(self, method, text, source):
        if "drop-first" in self.mistakes and self._first_time(text):
            return
        if "silent" in self.mistakes:
            return
        if method == "REGISTER":
            self._register(text, source)
        elif "answers-itself" in self.mistakes:
            self._reply(text, source, "200 OK")
        elif method == "MESSAGE" and "challenge" in self.mistakes and not proves(text, method):
            self._challenge(text, source, "407 Proxy Authentication Required", "Proxy")
        else:
            self._forward(method, text, source)

    def _challenge(self, text, source, status, kind):
        self._reply(text, source, status, f'{kind}-Authenticate: Digest realm="{REALM}", '
                    f'nonce="{NONCE}", qop="auth", algorithm=MD5\r\n')

    def _register(self, text, source):
        if "refuse" in self.mistakes:
            self._reply(text, source, "403 Forbidden")
        elif "busy-once" in self.mistakes and self._once(header(text, "From")):
            self._reply(text, source, "503 Busy", "Retry-After: 1\r\n")
        elif not proves(text, "REGISTER"):
            self._challenge(text, source, "401 Unauthorized", "WWW")
        else:
            user = re.search(r"sip:(\w+)@", header(text, "To")).group(1)
            self.bound[user] = source
            self.nc.append(re.search(r"nc=(\w+)", text).group(1))
            contact = "" if "forgets" in self.mistakes else \
                f"Contact: {header(text, 'Contact')};expires=900\r\n"
            self._reply(text, source, "200 OK", contact)

    def _once(self, key):
        first = ("once", key) not in self.seen
        self.seen["once", key] = 1
        return first

    def _target(self, method, text):
        uri = text.split(None, 2)[1]
        user = re.search(r"sip:(\w+)@", uri).group(1)
        if "wrong-user" in self.mistakes:
            user = "user0"
        if method in ("MESSAGE", "INVITE"):
            uri = "sip:%s@%s:%d" % ((user,) + self.bound[user])
        return uri, self.bound[user]

    def _forward(self, method, text, source):
        uri, where = self._target(method, text)
        start, rest = text.split("\r\n", 1)
        rest = re.sub(r"(?im)^Route:.*\r\n", "", rest)
        lines = f"{method} {uri} SIP/2.0\r\n"
        lines += f"Via: SIP/2.0/UDP {self.address};branch=z9hG4bK-p;from={source[0]}:{source[1]}\r\n"
        if method == "INVITE":
            loose = "" if "strict" in self.mistakes else ";lr"
            lines += f"Record-Route: <sip:{self.address}{loose}>, <sip:second@{self.address}{loose}>\r\n"
        if "changes-body" in self.mistakes:
            rest = rest.replace("fox", "cat")
        if "no-ack" in self.mistakes and method == "ACK":
            return
        self.routes = header(text, "Route") or getattr(self, "routes", None)
        self._send(lines + rest, where)

    def _response(self, text):
        via, rest = re.match(r"(?is)(.*?)(?=\r\nVia:.*?\r\nVia:)\r\n(Via:.*?\r\n)(.*)",
                             text).group(2, 3)
        host, port = re.search(r"from=([\d.]+):(\d+)", via).groups()
        self._send(text.split("\r\n", 1)[0] + "\r\n" + rest, (host, int(port)))

    def close(self):
        self.s.close()


class LyncPeer(Peer):
    """The same for clients of the Lync dialect: NTLM in three legs, every message signed."""
    OFFER = f'NTLM realm="SIP", targetname="{REALM}", version=4'
    CHALLENGE = b"12345678"

    def __init__(self, *mistakes):
        self.sessions, self.unsigned = {}, 0
        super().__init__(*mistakes)

    # What comes.

    def _is_signed(self, text, user):
        m = Message.parse(text.encode())
        f = ntlm.fields(m.get("Authorization", ""))
        session = self.sessions.get(user)
        return session and "response" in f and \
            f["response"] == session.mic(ntlm.text_of(m, f, False))

    def _checked(self, text, name):
        user = re.search(r"sip:(\w+)@", header(text, name)).group(1)
        self.unsigned += not self._is_signed(text, user)
        return re.sub(r"(?im)^Authorization:.*\r\n", "", text)

    def _request(self, method, text, source):
        if method != "REGISTER":
            text = self._checked(text, "From")
        super()._request(method, text, source)

    def _response(self, text):
        super()._response(self._checked(text, "To"))

    def _register(self, text, source):
        user = re.search(r"sip:(\w+)@", header(text, "To")).group(1)
        value = header(text, "Authorization") or ""
        f = ntlm.fields(value)
        if f.get("gssapi-data"):
            self._take_answer(user, ntlm.decode(f["gssapi-data"]))
        if value and f.get("gssapi-data") == "":
            data = ntlm.encode(b"NTLMSSP\0\2\0\0\0" + struct.pack("<HHI", 4, 4, 48)
                               + struct.pack("<I", ntlm.FLAGS) + self.CHALLENGE + bytes(8)
                               + struct.pack("<HHI", 4, 4, 52) + b"S\0P\0" + bytes(4))
            self._refuse(text, source, f'{self.OFFER}, opaque="{user}", gssapi-data="{data}"')
        elif not self._is_signed(text, user):
            self._refuse(text, source, self.OFFER)
        else:
            self.bound[user] = source
            self._reply(text, source, "200 OK", f"Contact: {header(text, 'Contact')}\r\n")

    def _refuse(self, text, source, offer):
        self._reply(text, source, "401 Unauthorized", f"WWW-Authenticate: {offer}\r\n")

    def _take_answer(self, user, m):
        """The keys, if the AUTHENTICATE proves the password ([MS-NLMP] section 3.3.2)."""
        def part(at):
            size, _, start = struct.unpack("<HHI", m[at:at + 8])
            return m[start:start + size]
        key = ntlm.mac(ntlm.md4(PASSWORD.encode("utf-16-le")), user.upper().encode("utf-16-le"))
        response, name = part(20), part(36).decode("utf-16-le")
        proof = ntlm.mac(key, self.CHALLENGE + response[16:])
        self.sessions.pop(user, None)
        if name == user and proof == response[:16]:
            self.sessions[user] = ntlm.Session(ntlm.rc4(ntlm.mac(key, proof), part(52)))

    # What goes.

    def _send(self, text, where):
        user = next((u for u, at in self.bound.items() if at == where), None)
        if user and not text.startswith("SIP/2.0 401"):
            text = self._signed(text, user)
        super()._send(text, where)

    def _signed(self, text, user):
        is_chat = text.startswith("MESSAGE")
        if is_chat and "unsigned" in self.mistakes:
            return text
        m = Message.parse(text.encode())
        f = {"srand": secrets.token_hex(4), "snum": "1", "realm": "SIP", "targetname": REALM}
        mic = self.sessions[user].mic(ntlm.text_of(m, f, True), True)
        if is_chat and "forges" in self.mistakes:
            mic = mic[:10] + f"{int(mic[10:12], 16) ^ 1:02X}" + mic[12:]
        line = (f'Authentication-Info: NTLM qop="auth", opaque="{user}", srand="{f["srand"]}", '
                f'snum="1", rspauth="{mic}", targetname="{REALM}", realm="SIP", version=4\r\n')
        head, body = text.split("\r\n\r\n", 1)
        return f"{head}\r\n{line}\r\n{body}"


class PresencePeer(Peer):
    """A presence server: PUBLISH, SUBSCRIBE, NOTIFY."""

    def __init__(self, *mistakes):
        self.watchers, self.etag, self.answers = {}, None, 0
        super().__init__(*mistakes)

    def _request(self, method, text, source):
        if method == "SUBSCRIBE":
            self.watchers[header(text, "Call-ID")] = (text, source)
            self._reply(text, source, "200 OK",
                        f"Contact: <sip:{self.address}>\r\nExpires: 3600\r\n")
        elif method == "PUBLISH":
            self._publish(text, source)
        else:
            super()._request(method, text, source)

    def _response(self, text):
        self.answers += header(text, "CSeq").endswith("NOTIFY")

    def _publish(self, text, source):
        if header(text, "SIP-If-Match") != self.etag:
            self._reply(text, source, "412 Conditional Request Failed")
            return
        self.etag = secrets.token_hex(4)
        extra = "" if "no-etag" in self.mistakes else f"SIP-ETag: {self.etag}\r\n"
        self._reply(text, source, "200 OK", extra)
        body = text.split("\r\n\r\n", 1)[1]
        if "old-news" in self.mistakes:
            body = re.sub(r">v\d+", ">v1", body)
        for watcher in list(self.watchers.values())["deaf" in self.mistakes:]:
            self._notify(*watcher, body)

    def _notify(self, asked, where, body):
        tag = ";tag=p"
        self._send(f"NOTIFY sip:x SIP/2.0\r\nVia: SIP/2.0/UDP {self.address};branch=z9hG4bK"
                   f"{secrets.token_hex(4)}\r\nFrom: {header(asked, 'To')}{tag}\r\n"
                   f"To: {header(asked, 'From')}\r\nCall-ID: {header(asked, 'Call-ID')}\r\n"
                   f"CSeq: 1 NOTIFY\r\nEvent: presence\r\nSubscription-State: active\r\n"
                   f"Content-Type: application/pidf+xml\r\nContent-Length: {len(body)}\r\n\r\n"
                   + body, where)


class Test:
    def __init__(self, build):
        self.folder = os.path.join(build, "bench")
        self.n = self.failed = 0
        self.lock = threading.Lock()

    def run(self, address, *words, password=PASSWORD, program="sipload"):
        """The results of the steps, by operation."""
        argv = [os.path.join(self.folder, program), "--server", address, "--password", password,
                "--users", "20", "--conns", "4", "--outstanding", "4", *words]
        done = subprocess.run(argv, stdout=subprocess.PIPE, timeout=60, check=True)
        return {r["op"]: r for r in map(json.loads, done.stdout.decode().splitlines())}

    def peer(self, mistakes, *words, kind=Peer, **kw):
        peer = kind(*mistakes)
        try:
            return self.run(peer.address, *words, **kw), peer
        finally:
            peer.close()

    def check(self, name, result, **wanted):
        """Each figure of the result as wanted."""
        wrong = {k: result[k] for k, v in wanted.items() if result[k] != v}
        with self.lock:
            self.n += 1
            if wrong:
                self.failed += 1
                print(f"# got {wrong}, want {wanted}; {result}", file=sys.stderr)
            print(f"{'not ' if wrong else ''}ok {self.n} - {name}", flush=True)


def sign_in(t):
    r, peer = t.peer([], "signin", "register:40", "refresh:40", "message:40", "call:40")
    t.check("each user signs in once, with one challenge", r["signin"], ops=20, errors=0,
            challenges=20, retransmits=0)
    t.check("a registration from the start is challenged each time", r["register"], ops=40,
            errors=0, challenges=40)
    t.check("a refresh uses the kept nonce", r["refresh"], ops=40, errors=0, challenges=0)
    t.check("nc counts the uses of a nonce", {"nc": sorted(set(peer.nc))},
            nc=["00000001", "00000002", "00000003"])
    t.check("messages arrive", r["message"], ops=40, errors=0, misrouted=0, stray=0)
    t.check("calls are set up and ended", r["call"], ops=40, errors=0, misrouted=0, stray=0)
    t.check("the route set is Record-Route in reverse order",
            {"first": peer.routes.startswith("<sip:second@")}, first=True)


def dialogs(t):
    r, _ = t.peer([], "signin", "dialog", "chat:40")
    t.check("each pair opens one dialog", r["dialog"], ops=10, errors=0, misrouted=0, stray=0)
    t.check("messages arrive inside it", r["chat"], ops=40, errors=0, misrouted=0, stray=0)
    r, _ = t.peer([], "signin", "chat:10")
    t.check("a message needs the dialog", r["chat"], ops=0, errors=10, failures={"no-dialog": 10})
    r, _ = t.peer(["changes-body"], "signin", "dialog", "chat:10")
    t.check("a changed message in a dialog is an error", r["chat"], ops=0, errors=10, misrouted=10)


def lync_peer(t, mistakes, *words, **kw):
    return t.peer(mistakes, "--lync", "--conns", "client", *words, kind=LyncPeer, **kw)


def signatures(t):
    r, peer = lync_peer(t, [], "signin", "refresh:40", "dialog", "chat:40", "register:40")
    t.check("NTLM signs each user in with two challenges", r["signin"], ops=20, errors=0,
            challenges=40, forged=0)
    t.check("a signed refresh is not challenged", r["refresh"], ops=40, errors=0, challenges=0,
            forged=0)
    t.check("a session of Lync clients is opened", r["dialog"], ops=10, errors=0, forged=0)
    t.check("signed messages arrive in it", r["chat"], ops=40, errors=0, misrouted=0, forged=0)
    t.check("a registration from the start has three legs", r["register"], ops=40, errors=0,
            challenges=80, forged=0)
    t.check("whatever a signed-in client sends is rightly signed", {"unsigned": peer.unsigned},
            unsigned=0)
    r, _ = lync_peer(t, [], "signin", password="wrong")
    t.check("a wrong password for NTLM is an error after one try", r["signin"], ops=0, errors=20,
            failures={"401": 20})
    for mistake in ("forges", "unsigned"):
        r, _ = lync_peer(t, [mistake], "--timeout", "1200", "signin", "dialog", "chat:4")
        t.check(f"a server that {mistake.replace('unsigned', 'does not sign')} is found out",
                {**r["chat"], "some": r["chat"]["forged"] >= 4}, ops=0, errors=4,
                failures={"timeout": 4}, some=True)


def refusals(t):
    r, _ = t.peer([], "signin", password="wrong")
    t.check("a wrong password is an error after one try", r["signin"], ops=0, errors=20,
            failures={"401": 20}, challenges=20)
    r, _ = t.peer(["refuse"], "signin")
    t.check("a refusal is an error with its code", r["signin"], ops=0, errors=20,
            failures={"403": 20})
    r, _ = t.peer(["forgets"], "signin")
    t.check("a 200 without the binding is an error", r["signin"], errors=20,
            failures={"unbound": 20})
    r, _ = t.peer(["challenge"], "signin", "message:10")
    t.check("a proxy's challenge is answered and counted", r["message"], ops=10, errors=0,
            challenges=10)
    r, _ = t.peer(["challenge"], "--keep-nonce", "signin", "message:10", "message:20")
    t.check("a kept nonce saves the challenge", r["message"], ops=20, errors=0, challenges=0)


def losses(t):
    r, _ = t.peer(["silent"], "--timeout", "1200", "register:4")
    t.check("no answer is a timeout, after sending again twice or more", r["register"], ops=0,
            errors=4, failures={"timeout": 4})
    t.check("what is sent again is counted", {"some": r["register"]["retransmits"] >= 4},
            some=True)
    r, _ = t.peer(["drop-first"], "register:8")
    t.check("a lost request is sent again and the operation ends well", r["register"], ops=8,
            errors=0, retransmits=16)
    r, _ = t.peer(["no-ack"], "--timeout", "1200", "signin", "call:4")
    t.check("a call whose ACK is lost is an error", r["call"], ops=0, errors=4,
            failures={"timeout": 4})
    t.check("and its 200 is sent again", {"some": r["call"]["retransmits"] >= 4}, some=True)


def wrong_ways(t):
    r, _ = t.peer(["answers-itself"], "signin", "message:10")
    t.check("a 200 to a message that nobody got is an error", r["message"], ops=0, errors=10,
            failures={"misrouted": 10})
    r, _ = t.peer(["wrong-user"], "signin", "message:10")
    t.check("a message at the wrong client is an error", r["message"], ops=0, errors=10,
            misrouted=10)
    r, _ = t.peer(["changes-body"], "signin", "message:10")
    t.check("so is one with another text", r["message"], ops=0, errors=10, misrouted=10)
    r, _ = t.peer(["strict"], "signin", "call:10")
    t.check("a route without lr is an error", r["call"], ops=0, errors=10,
            failures={"dialog": 10})


def storms(t):
    r, _ = t.peer(["busy-once"], "--retry", "signin")
    t.check("a sign-in that was put off is tried again, and the failure is told", r["signin"],
            ops=20, errors=0, retries=20, failures={"503": 20})
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % s.getsockname()[1]
        for transport in ("tcp", "tls"):
            r = t.run(address, "--transport", transport, "--conns", "client", "signin")
            t.check(f"nobody at the port is an error of each client over {transport}",
                    r["signin"], ops=0, errors=20, failures={"refused": 20})


def watch(t, mistakes, *words):
    return t.peer(mistakes, "--contacts", "0", "--timeout", "1200", *words, kind=PresencePeer,
                  program="presload")


def presence(t):
    r, peer = watch(t, [], "signin", "publish:10@1")
    t.check("each phone registers, and all but the first watch her", r["signin"], ops=20,
            errors=0, challenges=20, requests=59)
    t.check("a publication ends well when all have been told", r["publish"], ops=10, errors=0,
            notified=190, missing=0, told={**r["publish"]["told"], "n": 190})
    t.check("notifications are answered", {"before the last": peer.answers >= 171},
            **{"before the last": True})
    r, _ = watch(t, ["deaf"], "signin", "publish:2@1")
    t.check("a watcher who is not told is an error", r["publish"], ops=0, errors=2, missing=2,
            failures={"not-told": 2})
    r, _ = watch(t, ["old-news"], "signin", "publish:2@1")
    t.check("so is one who is told something else", r["publish"], ops=0, errors=2, missing=38,
            failures={"not-told": 2})
    r, _ = watch(t, ["no-etag"], "signin", "publish:2@1")
    t.check("the next publication names the last one", r["publish"], ops=1, errors=1,
            failures={"412": 1})


def lists(t):
    """Who is on whose list."""
    argv = [os.path.join(t.folder, "presload"), "--users", "1500", "--loners", "10",
            "--print-contacts"]
    rows = [[int(x) for x in line.split()] for line in
            subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout.splitlines()]
    lists = {row[0]: set(row[1:]) for row in rows}
    mean = sum(map(len, lists.values())) / len(lists)
    mutual = sum(n in lists[k] for n, people in lists.items() for k in people if n < 990)
    part = mutual / sum(map(len, lists.values()))
    t.check("lists are of 80 people in the mean, about half of them mutual",
            {"people": len(lists), "mean": 74 < mean < 86, "mutual": 0.45 < part < 0.65},
            people=1000, mean=True, mutual=True)
    t.check("nobody is on her own list, and loners are on none",
            {"own": any(n in people for n, people in lists.items()),
             "loners": any(k >= 990 for people in lists.values() for k in people)},
            own=False, loners=False)


def streams(t):
    """A server that closes, and one that talks no SIP."""
    for reply, word in ((b"", "closed"), (b"SIP/2.0 200 OK\r\nContent-Length: x\r\n\r\n",
                                          "malformed")):
        listener = socket.create_server(("127.0.0.1", 0))

        def serve(listener=listener, reply=reply):
            while True:
                try:
                    s, _ = listener.accept()
                except OSError:
                    return
                s.recv(4096)
                s.sendall(reply)
                s.shutdown(socket.SHUT_WR)
                s.recv(4096)
                s.close()
        threading.Thread(target=serve, daemon=True).start()
        r = t.run("127.0.0.1:%d" % listener.getsockname()[1], "--transport", "tcp", "--conns",
                  "client", "signin")
        listener.close()
        t.check(f"a connection that ends as \"{word}\" is an error", r["signin"], ops=0,
                errors=20, failures={word: 20})


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build", default=os.path.join(ROOT, "build", "out"))
    t = Test(p.parse_args().build)
    parts = (sign_in, dialogs, signatures, refusals, losses, wrong_ways, storms, streams,
             presence, lists)
    with concurrent.futures.ThreadPoolExecutor(len(parts)) as pool:
        for part in [pool.submit(part, t) for part in parts]:
            part.result()
    print(f"1..{t.n}")
    sys.exit(t.failed > 0)


if __name__ == "__main__":
    main()
