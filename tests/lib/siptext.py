"""SIP in plain Python, for the tests that need to say exactly what goes over the wire.

Message builds and reads messages; Phone is one user agent on one UDP socket, TCP or TLS
connection, with Digest.  A reader thread files what arrives; the test takes it out with expect().
"""
import hashlib
import os
import re
import select
import secrets
import socket
import ssl
import threading
import time

from lib.tap import wait_for

_COMPACT = {"v": "Via", "f": "From", "t": "To", "i": "Call-ID", "m": "Contact", "l":
            "Content-Length", "c": "Content-Type", "s": "Subject", "k": "Supported",
            "e": "Content-Encoding", "o": "Event", "r": "Refer-To", "x": "Session-Expires"}
RECV = 65536
STOP_S = 5  # for the reader to end


def token(n=8):
    return secrets.token_hex(n)


def branch():
    return "z9hG4bK" + token()


class Message:
    """A request or a response: the start line, headers in their order, the body."""

    def __init__(self, start, headers=(), body=b""):
        self.start = start
        self.headers = [(n, str(v)) for n, v in headers]
        self.body = body.encode() if isinstance(body, str) else body

    @classmethod
    def parse(cls, raw):
        head, _, body = raw.partition(b"\r\n\r\n")
        lines = head.decode("utf-8", "surrogateescape").split("\r\n")
        headers = []
        for line in lines[1:]:
            if line[:1] in " \t" and headers:
                headers[-1] = (headers[-1][0], headers[-1][1] + " " + line.strip())
                continue
            name, _, value = line.partition(":")
            name = name.strip()
            headers.append((_COMPACT.get(name.lower(), name), value.strip()))
        return cls(lines[0], headers, body)

    @property
    def method(self):
        """INVITE for a request, None for a response."""
        return None if self.start.startswith("SIP/2.0") else self.start.split(" ", 1)[0]

    @property
    def uri(self):
        return self.start.split(" ")[1]

    @property
    def code(self):
        """200 for a response, None for a request."""
        return int(self.start.split(" ")[1]) if self.start.startswith("SIP/2.0") else None

    @property
    def reason(self):
        return self.start.split(" ", 2)[2]

    @property
    def cseq(self):
        """(number, method)"""
        number, method = self.get("CSeq").split()
        return int(number), method

    def get(self, name, default=None):
        for n, v in self.headers:
            if n.lower() == name.lower():
                return v
        return default

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def tag(self, name):
        found = re.search(r";\s*tag=([^;>\s]+)", self.get(name, ""))
        return found.group(1) if found else None

    def set(self, name, value):
        """Replaces all headers of that name by one; None removes them."""
        at = next((i for i, (n, _) in enumerate(self.headers) if n.lower() == name.lower()),
                  len(self.headers))
        self.headers = [(n, v) for n, v in self.headers if n.lower() != name.lower()]
        if value is not None:
            self.headers.insert(at, (name, str(value)))
        return self

    def bytes(self):
        lines = [self.start]
        lines += [f"{n}: {v}" for n, v in self.headers if n.lower() != "content-length"]
        lines.append(f"Content-Length: {len(self.body)}")
        head = "\r\n".join(lines) + "\r\n\r\n"
        return head.encode("utf-8", "surrogateescape") + self.body

    def __repr__(self):
        return f"<{self.start} | {self.get('CSeq')} | {self.get('Call-ID')}>"


def uri_in(value):
    """The URI of a From, To, Contact, Route or Record-Route value."""
    found = re.search(r"<([^>]*)>", value)
    return found.group(1) if found else value.split(";")[0].strip()


def split_list(values):
    """Comma-separated header values, one each; commas in quotes and <> do not count."""
    out = []
    for value in values:
        out += [p.strip() for p in re.findall(r'(?:"(?:\\.|[^"\\])*"|<[^>]*>|[^,])+', value)]
    return out


def challenge_of(message):
    """The fields of a Digest challenge in a 401 or 407, or None."""
    name = "WWW-Authenticate" if message.code == 401 else "Proxy-Authenticate"
    for value in message.all(name):
        if value.lower().startswith("digest"):
            return {k.lower(): a or b for k, a, b in
                    re.findall(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))', value[6:])}
    return None


def digest(fields, user, password, method, uri, nc=1, cnonce=None):
    """The value of an Authorization header that answers a challenge (RFC 2617, RFC 8760)."""
    algorithm = fields.get("algorithm", "MD5")
    make = hashlib.sha256 if algorithm.upper().startswith("SHA-256") else hashlib.md5

    def h(text):
        return make(text.encode()).hexdigest()

    ha1 = h(f"{user}:{fields['realm']}:{password}")
    ha2 = h(f"{method}:{uri}")
    cnonce = cnonce or token()
    out = (f'Digest username="{user}", realm="{fields["realm"]}", nonce="{fields["nonce"]}", '
           f'uri="{uri}", algorithm={algorithm}')
    if "auth" in fields.get("qop", "").split(","):
        count = f"{nc:08x}"
        response = h(f"{ha1}:{fields['nonce']}:{count}:{cnonce}:auth:{ha2}")
        out += f', qop=auth, nc={count}, cnonce="{cnonce}"'
    else:
        response = h(f"{ha1}:{fields['nonce']}:{ha2}")
    if "opaque" in fields:
        out += f', opaque="{fields["opaque"]}"'
    return out + f', response="{response}"'


def sdp(ip, port, direction="sendrecv"):
    return ("v=0\r\no=- 1 1 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\n"
            "m=audio {1} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na={2}\r\n"
            ).format(ip, port, direction)


class Dialog:
    """What a user agent keeps of a dialog (RFC 3261 section 12)."""

    def __init__(self, call_id, local, remote, target, route, cseq):
        self.call_id, self.local, self.remote = call_id, local, remote
        self.target, self.route, self.cseq = target, route, cseq

    @classmethod
    def of_caller(cls, request, response):
        route = [uri_in(v) for v in reversed(split_list(response.all("Record-Route")))]
        return cls(response.get("Call-ID"), response.get("From"), response.get("To"),
                   uri_in(response.get("Contact", response.get("To"))), route,
                   request.cseq[0])

    @classmethod
    def of_callee(cls, request, response):
        route = [uri_in(v) for v in split_list(request.all("Record-Route"))]
        return cls(request.get("Call-ID"), response.get("To"), request.get("From"),
                   uri_in(request.get("Contact")), route, 1)


class Phone:
    """One user agent.  `user` has name, uri, password; `server` has ip, port(transport), domain,
    ca.  `source` is the local address to send from."""

    def __init__(self, server, user, transport="udp", source=None, password=None, target=None,
                 tls=None, instance=None):
        self.server, self.user, self.transport = server, user, transport
        self.password = user.password if password is None else password
        self.peer = target or (server.ip, server.port(transport))
        self.inbox, self.all = [], []
        self.bad = []           # what could not be read as SIP
        self.closed = False     # by the other side
        self.deaf = False       # does not read any more
        self.pongs = 0          # on a stream
        self.pings = 0          # datagrams that keep a NAT open
        self.n_sent, self.last = 0, None  # messages that went out
        self.instance = instance
        self.nonce = None       # the last challenge, used until it is refused
        self._nc = 0
        self._lock = threading.Lock()
        self._tls_turn = threading.Lock()
        self._cseq = 0
        self.sock = self._open(source or "", tls)
        self.ip, self.port = self.sock.getsockname()[:2]
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _open(self, source, tls):
        if self.transport == "udp":
            s = socket.socket(socket.AF_INET6 if ":" in self.peer[0] else socket.AF_INET,
                              socket.SOCK_DGRAM)
            s.bind((source, 0))
            s.connect(self.peer)
            return s
        s = socket.create_connection(self.peer, 10, (source, 0) if source else None)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.transport == "tls":
            context = tls or ssl.create_default_context(cafile=self.server.ca)
            s = context.wrap_socket(s, server_hostname=self.server.domain)
        s.settimeout(0)
        return s

    def _recv(self):
        """The next bytes; b"" at the end.  A TLS connection is one object for both directions, so
        reading and writing take turns; no call blocks for long, or a reset() would not be one."""
        if self.transport == "udp":
            return self.sock.recv(RECV)
        while True:
            while self.deaf and not self.closed:
                time.sleep(0.05)
            try:
                with self._tls_turn:
                    # After a reset() the number of the socket may be another one's.
                    return b"" if self.closed else self.sock.recv(RECV)
            except (ssl.SSLWantReadError, BlockingIOError):
                select.select([self.sock], [], [], 0.2)

    # Bytes in.

    def _read(self):
        buf = b""
        while True:
            try:
                more = self._recv()
            except ConnectionRefusedError:
                continue  # an ICMP answer to a datagram; the socket lives
            except (OSError, ValueError):
                more = b""
            if not more:
                self.closed = True
                return
            if self.transport == "udp":
                self._take(more)
            else:
                buf = self._cut(buf + more)

    def _cut(self, buf):
        """Takes whole messages off a stream."""
        while True:
            while buf.startswith(b"\r\n"):
                buf = buf[2:]
                with self._lock:
                    self.pongs += 1
            end = buf.find(b"\r\n\r\n")
            if end < 0:
                return buf
            found = re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", buf[:end + 2])
            size = end + 4 + (int(found.group(1)) if found else 0)
            if len(buf) < size:
                return buf
            self._take(buf[:size])
            buf = buf[size:]

    def _take(self, raw):
        if not raw.strip():
            self.pings += 1
            return
        try:
            m = Message.parse(raw)
            m.code if m.method is None else m.uri
        except (ValueError, IndexError):
            self.bad.append(raw)
            return
        with self._lock:
            self.inbox.append(m)
            self.all.append(m)

    def expect(self, match, what, bound=None):
        """Waits for a message for which match() is true and takes it out of the inbox."""
        def seen():
            with self._lock:
                for i, m in enumerate(self.inbox):
                    if match(m):
                        return self.inbox.pop(i)
            return None
        text = lambda: f"{what} at {self.user.name}; it got {self.all[-20:]}"  # noqa: E731
        return wait_for(seen, text, bound) if bound else wait_for(seen, text)

    def expect_request(self, method, bound=None):
        return self.expect(lambda m: m.method == method, f"a {method}", bound)

    def expect_answer(self, request, provisional=False):
        """The final answer to a request of ours (or, on wish, the next answer of any kind)."""
        return self.expect(
            lambda m: m.code and (provisional or m.code >= 200) and
            m.get("Call-ID") == request.get("Call-ID") and m.cseq == request.cseq,
            f"the answer to {request}")

    def has(self, match):
        with self._lock:
            return any(match(m) for m in self.all)

    # Bytes out.

    def send_raw(self, raw):
        if self.transport == "udp":
            self.sock.send(raw)
            return
        while raw:
            try:
                with self._tls_turn:
                    raw = raw[self.sock.send(raw):]
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError, BlockingIOError):
                select.select([self.sock], [self.sock], [], 1)

    def send(self, message):
        self.n_sent, self.last = self.n_sent + 1, message
        self.send_raw(message.bytes())
        return message

    def contact(self):
        extra = ";transport=" + self.transport if self.transport != "udp" else ""
        host = f"[{self.ip}]" if ":" in self.ip else self.ip
        return f"<sip:{self.user.name}@{host}:{self.port}{extra}>"

    def via(self):
        host = f"[{self.ip}]" if ":" in self.ip else self.ip
        return f"SIP/2.0/{self.transport.upper()} {host}:{self.port};rport;branch={branch()}"

    def make(self, method, uri, to=None, headers=(), body=b"", dialog=None, cseq=None,
             from_=None, contact=True):
        """A new request; inside a dialog its identity, route and target hold."""
        with self._lock:
            self._cseq += 1
            number = cseq or self._cseq
        if dialog:
            if not cseq:
                dialog.cseq += 1
                number = dialog.cseq
            uri = uri or dialog.target
        out = [("Via", self.via()), ("Max-Forwards", 70)]
        if dialog:
            out += [("Route", f"<{r}>") for r in dialog.route]
            out += [("From", dialog.local), ("To", dialog.remote), ("Call-ID", dialog.call_id)]
        else:
            out += [("From", f"<{from_ or self.user.uri}>;tag={token()}"),
                    ("To", f"<{to or uri}>"), ("Call-ID", f"{token()}@{self.ip}")]
        out.append(("CSeq", f"{number} {method}"))
        if contact and method in ("INVITE", "SUBSCRIBE", "REFER", "UPDATE", "NOTIFY"):
            out.append(("Contact", self.contact()))
        return Message(f"{method} {uri} SIP/2.0", [*out, *headers], body)

    def again(self, request, answer):
        """The request once more, with credentials for the answer's challenge."""
        fields = challenge_of(answer)
        if not fields:
            raise AssertionError(f"no Digest challenge in {answer.headers}")
        self.nonce, self._nc = fields, 1
        number, method = request.cseq
        name = "Authorization" if answer.code == 401 else "Proxy-Authorization"
        out = Message(request.start, request.headers, request.body)
        out.set("Via", self.via()).set("CSeq", f"{number + 1} {method}")
        out.set(name, digest(fields, self.user.name, self.password, method, request.uri))
        with self._lock:
            self._cseq = max(self._cseq, number + 1)
        return out

    def ask(self, request):
        """Sends, answers one challenge, returns (final answer, the request as sent last)."""
        self.send(request)
        answer = self.expect_answer(request)
        if answer.code in (401, 407):
            if request.method == "INVITE":
                self.ack(request, answer)
            request = self.send(self.again(request, answer))
            answer = self.expect_answer(request)
        if request.method == "INVITE" and answer.code >= 300:
            self.ack(request, answer)
        return answer, request

    def ack(self, request, answer):
        """The ACK of a final answer other than 2xx: same branch, part of the transaction."""
        headers = [("Via", request.get("Via")), ("Max-Forwards", 70),
                   ("From", request.get("From")), ("To", answer.get("To")),
                   ("Call-ID", request.get("Call-ID")), ("CSeq", f"{request.cseq[0]} ACK")]
        headers += [("Route", r) for r in request.all("Route")]
        self.send(Message(f"ACK {request.uri} SIP/2.0", headers))

    def cancel(self, request, headers=()):
        lines = [("Via", request.get("Via")), ("Max-Forwards", 70),
                   ("From", request.get("From")), ("To", request.get("To")),
                   ("Call-ID", request.get("Call-ID")), ("CSeq", f"{request.cseq[0]} CANCEL")]
        lines += [("Route", r) for r in request.all("Route")] + list(headers)
        return self.send(Message(f"CANCEL {request.uri} SIP/2.0", lines))

    def answer(self, request, code, reason="", headers=(), body=b"", tag=None, contact=None):
        """An answer to a request that arrived; returns it."""
        out = [("Via", v) for v in request.all("Via")]
        if 101 <= code < 300:
            out += [("Record-Route", v) for v in request.all("Record-Route")]
        to = request.get("To")
        if code > 100 and not request.tag("To"):
            to += f";tag={tag or token()}"
        out += [("From", request.get("From")), ("To", to),
                ("Call-ID", request.get("Call-ID")), ("CSeq", request.get("CSeq"))]
        if request.method in ("INVITE", "SUBSCRIBE", "UPDATE") and code < 300:
            out.append(("Contact", contact or self.contact()))
        return self.send(Message(f"SIP/2.0 {code} {reason or 'Answer'}", [*out, *headers], body))

    # What a phone does.

    def register(self, expires=600, contact=None, headers=(), call_id=None):
        """REGISTERs with a challenge round; returns the final answer."""
        contact = contact or self.contact()
        if self.instance:
            contact += f';+sip.instance="<urn:uuid:{self.instance}>";reg-id=1'
        m = self.make("REGISTER", f"sip:{self.server.domain}", to=self.user.uri,
                      headers=[("Contact", contact), ("Expires", expires),
                               ("Supported", "path, outbound, gruu"), *headers])
        if call_id:
            m.set("Call-ID", call_id)
        return self.ask(m)[0]

    def sign_in(self, **kw):
        answer = self.register(**kw)
        if answer.code != 200:
            raise AssertionError(f"REGISTER of {self.user.name}: {answer.start}")
        return self

    def sign_off(self):
        return self.register(expires=0)

    def message(self, uri, text, headers=()):
        """Sends a MESSAGE; returns the final answer."""
        return self.ask(self.make("MESSAGE", uri, body=text,
                                  headers=[("Content-Type", "text/plain"), *headers]))[0]

    def invite(self, uri, headers=(), port=40000):
        """An INVITE with an offer, not sent yet."""
        return self.make("INVITE", uri, body=sdp(self.ip, port),
                         headers=[("Content-Type", "application/sdp"), *headers])

    def confirm(self, request, answer):
        """The ACK of a 2xx; returns the dialog."""
        dialog = Dialog.of_caller(request, answer)
        self.send(self.make("ACK", None, dialog=dialog, cseq=request.cseq[0]))
        return dialog

    def ping(self):
        """A CRLF keep-alive (RFC 5626)."""
        self.send_raw(b"\r\n\r\n")

    def stop(self):
        """The socket is closed when nobody reads from it any more: its number is soon another one's,
        which may be the pipe to a program's standard input."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        with self._tls_turn:
            self.closed = True
        if self._reader is not threading.current_thread():
            self._reader.join(STOP_S)
        self.sock.close()


def reset(phone):
    """Ends a phone's connection with a RST, as a crash of its machine would."""
    import struct
    with phone._tls_turn:
        phone.closed = True
        phone.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(phone.sock.detach())
