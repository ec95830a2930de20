"""A browser as the web role sees it: HTTPS, and a WebSocket with the JSON of docs/protocols/web-api.md."""
import base64
import http.client
import json
import os
import select
import socket
import ssl
import struct
import threading

from lib.tap import WAIT_S, check, check_eq, wait_for

PORT = 4443
API = "/api/v1/"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


PAGE, SCRIPT = "<!doctype html><title>Dialtone</title>", "export {}\n"


def make_pages(folder):
    """A browser client that does nothing; returns its folder, for web-root."""
    root = os.path.join(folder, "pages")
    os.makedirs(os.path.join(root, "assets"))
    for name, text in (("index.html", PAGE), ("assets/main-1.js", SCRIPT)):
        with open(os.path.join(root, name), "w", encoding="utf-8") as f:
            f.write(text)
    return root


class Closed(Exception):
    """The server has closed the WebSocket; code and why."""

    def __init__(self, code, why=""):
        super().__init__(f"{code} {why}")
        self.code, self.why = code, why


class Answer:
    def __init__(self, response):
        self.status, self.headers = response.status, response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """Of an error."""
        return self.json()["error"]["code"]


class Site:
    """Where the web role is.  ip, host, ca: of a proxy in front; source: the address to come from."""

    def __init__(self, server, port=PORT, ip=None, host=None, ca=None, source=None):
        self.server, self.port, self.source = server, port, source
        self.ip, self.host = ip or server.ip, host or server.host
        self.context = ssl.create_default_context(cafile=ca or server.ca)

    @property
    def origin(self):
        return f"https://{self.host}" + (f":{self.port}" if self.port != 443 else "")

    def socket(self):
        s = socket.create_connection((self.ip, self.port), WAIT_S,
                                     (self.source, 0) if self.source else None)
        return self.context.wrap_socket(s, server_hostname=self.host)

    def connection(self):
        c = http.client.HTTPSConnection(self.host, self.port, timeout=WAIT_S)
        c.sock = self.socket()
        return c

    def request(self, method, path, body=None, headers=(), cookie=None, origin=True, token=None, kept=None):
        """kept: a connection that stays."""
        c = kept or self.connection()
        lines = {"Host": f"{self.host}:{self.port}"}
        if body is not None:
            lines["Content-Type"] = "application/json"
        if origin:
            lines["Origin"] = self.origin
        if cookie:
            lines["Cookie"] = f"__Host-dialtone={cookie}"
        if token:
            lines["Authorization"] = f"Bearer {token}"
        lines.update(dict(headers))
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        c.request(method, path, body, lines)
        answer = Answer(c.getresponse())
        if not kept:
            c.close()
        return answer


class Browser:
    """Signs in; connect() opens the WebSocket, hello() begins a session."""

    def __init__(self, site, user, tab=None, token=None):
        self.token = token  # an app token, in the place of the cookie: it is a program then
        self.site, self.user, self.tab = site, user, tab or base64.b32encode(os.urandom(10)).decode()
        self.cookie = None
        self._kept = None
        self.session, self.seq = None, 0
        self.events, self.answers = [], {}
        self.self_state, self.contacts, self.groups, self.people = {}, {}, {}, {}
        self.messages, self.typing, self.pings = [], [], 0
        self.calls = {}  # id: what was told of it, in order
        self.kept = {}  # id: the dialog, sealed
        self.conferences = {}  # chat: {"name", "organizer", "people": {uri: role}}; None: not in it
        self.closed, self._number = None, 0
        self.sock, self._reader = None, None
        self._lock = threading.Lock()

    # HTTP.

    def log_in(self, password=None, headers=(), **fields):
        answer = self.site.request("POST", API + "login", {
            "user": self.user.name, "password": password or self.user.account_password,
            **fields}, headers)
        for field in answer.headers.get_all("Set-Cookie") or ():
            self.cookie = field.split(";")[0].split("=", 1)[1]
        return answer

    def log_out(self):
        return self.site.request("POST", API + "logout", {}, cookie=self.cookie)

    def own_answer(self, what, **fields):
        """Of the own account: asked if there are no fields, else changed."""
        post = fields or "/" in what
        return self.site.request("POST" if post else "GET", API + what, fields if post else None,
                                 cookie=self.cookie)

    def own(self, what, **fields):
        answer = self.own_answer(what, **fields)
        check_eq(answer.status, 200, f"{what}: {answer.body}")
        return answer.json()

    def own_error(self, what, **fields):
        """Status and code."""
        answer = self.own_answer(what, **fields)
        return answer.status, answer.code

    def admin_answer(self, command, args=None, **more):
        """A command of an administrator, by a connection that is kept; more: for Site.request()."""
        if not self._kept:
            self._kept = self.site.connection()
        return self.site.request("POST", API + "admin", {"command": command, "args": args or {}},
                                 cookie=self.cookie, kept=self._kept, **more)

    def admin(self, command, **args):
        """What it said, sooner or later: all tests of a file share what a server does at once."""
        answer = self._admin_in_turn(command, args)
        check_eq(answer.status, 200, f"{command}: {answer.body}")
        return answer.json()["result"]

    def admin_error(self, command, **args):
        """Status and code."""
        answer = self._admin_in_turn(command, args)
        return answer.status, answer.code

    def _admin_in_turn(self, command, args):
        def turn():
            answer = self.admin_answer(command, args)
            return answer if answer.status != 429 else None
        return wait_for(turn, f"the turn of {command}")

    def sock_address(self):
        """Where the server sees it."""
        s = self.site.socket()
        address = s.getsockname()[0]
        s.close()
        return address

    # WebSocket.

    def _who(self, origin, cookie):
        """The lines that say who it is."""
        if self.token:
            return f"Authorization: Bearer {self.token}\r\n" + (f"Origin: {origin}\r\n" if origin else "")
        return (f"Origin: {origin or self.site.origin}\r\n"
                f"Cookie: __Host-dialtone={cookie or self.cookie}\r\n")

    def connect(self, origin=None, cookie=None, protocol="dialtone.v1"):
        """The status of the answer."""
        if self.sock:
            self._end(self.sock)
        self.closed, self._reader = None, None
        self.sock = self.site.socket()
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall((f"GET {API}ws HTTP/1.1\r\nHost: {self.site.host}:{self.site.port}\r\n"
                           "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                           f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
                           f"Sec-WebSocket-Protocol: {protocol}\r\n"
                           f"{self._who(origin, cookie)}\r\n").encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            got = self.sock.recv(1)
            if not got:
                raise Closed(0, "the connection ended")
            head += got
        status = int(head.split()[1])
        if status == 101:
            self.sock.settimeout(0)
            self._reader = threading.Thread(target=self._read, args=(self.sock,), daemon=True)
            self._reader.start()
        return status

    def frame(self, kind, data=b"", fin=True):
        mask = os.urandom(4)
        n = len(data)
        head = bytes([(0x80 if fin else 0) | kind])
        head += bytes([0x80 | n]) if n < 126 else struct.pack("!BH", 0x80 | 126, n) \
            if n < 65536 else struct.pack("!BQ", 0x80 | 127, n)
        left = memoryview(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))
        while left:
            sent = self._turn(self.sock, lambda sock: sock.send(left))
            if sent is None:
                select.select([], [self.sock], [], 1)
            else:
                left = left[sent:]

    def _turn(self, sock, step):
        """One of reading and writing at a time: TLS has one state for both.  None: not now."""
        with self._lock:
            try:
                return step(sock)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return None

    def _exactly(self, sock, n):
        data = b""
        while len(data) < n:
            got = self._turn(sock, lambda s: s.recv(n - len(data)))
            if got is None:
                select.select([sock], [], [], 1)
                continue
            if not got:
                raise Closed(1006, "the connection ended")
            data += got
        return data

    def _read(self, sock):
        try:
            while True:
                kind, n = self._exactly(sock, 2)
                if n == 126:
                    n, = struct.unpack("!H", self._exactly(sock, 2))
                elif n == 127:
                    n, = struct.unpack("!Q", self._exactly(sock, 8))
                self._take(kind & 15, self._exactly(sock, n))
        except (Closed, OSError, ValueError) as e:
            if sock is self.sock and not self.closed:
                self.closed = e if isinstance(e, Closed) else Closed(1006, str(e))

    def _take(self, kind, data):
        if kind == PING:
            self.pings += 1
            self.frame(PONG, data)
        elif kind == CLOSE:
            code = struct.unpack("!H", data[:2])[0] if len(data) >= 2 else 1005
            raise Closed(code, data[2:].decode())
        elif kind == TEXT:
            m = json.loads(data)
            if "re" in m:
                self.answers[m["re"]] = m
            else:
                self._event(m)

    def _event(self, m):
        check_eq(m["seq"], self.seq + 1, "the number of an event")
        self.seq = m["seq"]
        self.events.append(m)
        if m["ev"] == "self":
            self.self_state = m
        elif m["ev"] == "contacts":
            self.groups = {g["id"]: g["name"] for g in m["groups"]}
            self.contacts = {p["uri"]: p for p in m["people"]}
        elif m["ev"] == "presence":
            for p in m["people"]:
                self.people.setdefault(p["uri"], {}).update(p)
        elif m["ev"] == "message":
            self.messages.append(m["message"])
        elif m["ev"] == "typing":
            self.typing.append((m["from"], m["on"]))
        elif m["ev"] == "conference":
            self._conference(m)
        elif m["ev"] == "call":
            self.calls.setdefault(m["call"], []).append(m)
            if m["state"] == "ended":
                self.kept.pop(m["call"], None)
        elif m["ev"] == "kept":
            self.kept[m["call"]] = m["kept"]

    def _conference(self, m):
        if m["state"] == "none":
            self.conferences[m["chat"]] = None
            return
        if m["state"] == "full":
            self.conferences[m["chat"]] = {"people": {}}
        c = self.conferences[m["chat"]]
        c.update({k: m[k] for k in ("name", "organizer") if k in m})
        c["people"].update({p["uri"]: p["role"] for p in m["people"]})
        for uri in m["gone"]:
            c["people"].pop(uri, None)

    def send(self, op, **fields):
        self._number += 1
        self.frame(TEXT, json.dumps({"id": self._number, "op": op, **fields}).encode())
        return self._number

    def answer(self, number):
        def there():
            if number not in self.answers and self.closed:
                raise self.closed
            return self.answers.get(number)
        return wait_for(there, f"the answer to request {number}")

    def ask(self, op, **fields):
        """The whole answer."""
        return self.answer(self.send(op, **fields))

    def ok(self, op, **fields):
        answer = self.ask(op, **fields)
        check("ok" in answer, f"{op}: {answer}")
        return answer["ok"]

    def error(self, op, **fields):
        """The code of the error."""
        return self.ask(op, **fields).get("error", {}).get("code")

    def hello(self, resume=False):
        """Begins a session, or goes on with the one that there was."""
        fields = {"client": "test/1", "tab": self.tab}
        if resume:
            fields["resume"] = {"session": self.session, "seq": self.seq}
        if self.kept:
            fields["calls"] = list(self.kept.values())
        number = self.send("hello", **fields)
        answer = self.answer(number)["ok"]
        if not answer["resumed"]:
            check(not resume or answer["calls"] or answer["session"] != self.session, "another session")
        self.session = answer["session"]
        return answer

    def start(self):
        """Signs in, and waits for all that it is told at the begin."""
        if not self.token:
            check_eq(self.log_in().status, 200, "log-in")
        check_eq(self.connect(), 101, "WebSocket")
        self.hello()
        wait_for(lambda: self.self_state and any(e["ev"] == "contacts" for e in self.events),
                 lambda: f"own state and contacts: {[e['ev'] for e in self.events]}")
        return self

    def cut(self):
        """The connection breaks."""
        s, self.sock = self.sock, None
        self._end(s)

    def _end(self, sock):
        """The reader first: it would read from whatever gets the number of the descriptor next."""
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        if self._reader:
            self._reader.join()
        sock.close()

    def stop(self):
        if self._kept:
            self._kept.close()
        if self.sock:
            self._end(self.sock)

    # What it sees.

    def wait_self(self, state):
        wait_for(lambda: self.self_state.get("state") == state,
                 lambda: f"own state {state}, not {self.self_state}")

    def wait_sees(self, user, state):
        uri = user.uri.removeprefix("sip:")
        wait_for(lambda: self.people.get(uri, {}).get("state") == state,
                 lambda: f"{uri} as {state}, not {self.people.get(uri)}")

    def wait_text(self, text):
        return wait_for(lambda: next((m for m in self.messages if m["text"] == text), None),
                        lambda: f"{text!r} among {[m['text'] for m in self.messages]}")

    def wait_members(self, chat, *users):
        """They, and nobody else, are in that conference."""
        wanted = {address(u) for u in users}
        wait_for(lambda: set((self.conferences.get(chat) or {}).get("people", ())) == wanted,
                 lambda: f"{wanted} in {chat}: {self.conferences.get(chat)}")

    def wait_call(self, state, call=None, after=0):
        """The event of that state, of this call or of any."""
        def seen():
            return next((e for c, events in self.calls.items() if call in (None, c)
                         for e in events if e["state"] == state and e["seq"] > after), None)
        return wait_for(seen, lambda: f"a call {state}; there is {self.calls}")


def address(user):
    return user.uri.removeprefix("sip:")


def sdp(mark, video=False):
    """A description of media as a browser's; mark tells it from others."""
    line = ("m={} 9 UDP/TLS/RTP/SAVPF {}\r\nc=IN IP4 0.0.0.0\r\na=rtcp-mux\r\n"
            f"a=ice-ufrag:{mark}\r\na=ice-pwd:0123456789012345678901\r\n"
            "a=fingerprint:sha-256 " + ":".join(["AB"] * 32) + "\r\na=setup:actpass\r\na=rtpmap:{}\r\n")
    return ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n" + line.format("audio", 111, "111 opus/48000/2") +
            (line.format("video", 96, "96 VP8/90000") if video else ""))
