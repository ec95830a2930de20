"""A signed-in client that sends as fast as the server answers: a fixed number of requests, a window of
them at a time, over one connection."""
import collections
import re
import select
import ssl
import time

from lib.siptext import branch, token
from lib.tap import TimedOut

_ANSWER = re.compile(rb"SIP/2\.0 ([2-6]\d\d) ")
_TAIL = 12  # bytes of a status line that may stand at the end of what has arrived
QUIET_S = 60
_WRITE = 1 << 16


class Flood:
    """`phone`: signed in over a stream; its own reading ends.  make(i) gives the i-th request."""

    def __init__(self, phone, make, n, window=200):
        self.phone, self.make, self.n, self.window = phone, make, n, window
        self.codes = collections.Counter()
        self.seconds = 0
        self._rest = b""
        phone.deaf = True

    def answered(self):
        return sum(self.codes.values())

    def _read(self, s):
        """Counts final answers; what else comes is of no interest."""
        try:
            more = s.recv(1 << 18)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        if not more:
            raise ConnectionResetError("the server has ended the connection")
        data = self._rest + more
        end = 0
        for m in _ANSWER.finditer(data):
            self.codes[int(m.group(1))] += 1
            end = m.end()
        self._rest = data[max(end, len(data) - _TAIL):]

    def _step(self, s, out, sent):
        """What is left to send.  TLS may have read more than select() knows of."""
        waiting = isinstance(s, ssl.SSLSocket) and s.pending() > 0
        can_read, can_write, _ = select.select([s], [s] if out else [], [], 0 if waiting else QUIET_S)
        if not can_read and not can_write and not waiting:
            raise TimedOut(f"no answer in {QUIET_S} s; {sent} sent, answers {dict(self.codes)}")
        if can_read or waiting:
            self._read(s)
        try:
            return out[s.send(out[:_WRITE]):] if can_write else out
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return out

    def run(self):
        """All of them, until each has its final answer."""
        began, sent, out = time.monotonic(), 0, b""
        with self.phone._tls_turn:
            s = self.phone.sock
            s.setblocking(False)
            while self.answered() < self.n:
                room = self.window - (sent - self.answered())
                for _ in range(min(room, self.n - sent)):
                    out += self.make(sent)
                    sent += 1
                out = self._step(s, out, sent)
        self.seconds = time.monotonic() - began
        return self


def request(phone, method, uri, lines=(), body="", to=None, call_id=None, cseq=1, from_=""):
    """The bytes of a request outside of a dialog, made quickly."""
    head = [f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/{phone.transport.upper()} {phone.ip}:{phone.port};rport;branch={branch()}",
            "Max-Forwards: 70",
            f"From: <{phone.user.uri}>;tag={token()}{from_}", f"To: <{to or uri}>",
            f"Call-ID: {call_id or token()}", f"CSeq: {cseq} {method}", *lines,
            f"Content-Length: {len(body)}"]
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()
