"""A phone that speaks SIP over WebSocket (RFC 7118), as a page of a browser does."""
import base64
import os
import ssl
import struct

from lib.siptext import Phone, branch, token
from lib.tap import WAIT_S, wait_for

PORT = 7443
CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class Refused(Exception):
    """The server did not agree to WebSocket; status is HTTP's."""

    def __init__(self, status):
        super().__init__(f"status {status}")
        self.status = status


class WssPhone(Phone):
    """origin None: no browser.  The host of its Contact is a name that nobody can resolve."""

    def __init__(self, server, user, origin=None, protocol="sip", port=PORT, **kw):
        self.origin, self.protocol = origin, protocol
        self.name = f"{token()}.invalid"
        self.kinds, self.code = [], None  # of frames that came; of the server's Close
        self.agreed = None
        super().__init__(server, user, "wss", target=(server.ip, port), **kw)

    def _open(self, source, tls):
        s = super()._open(source, tls)
        s.settimeout(WAIT_S)
        s = ssl.create_default_context(cafile=self.server.ca).wrap_socket(
            s, server_hostname=self.server.host)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET / HTTP/1.1\r\nHost: {self.server.host}:{self.peer[1]}", "Upgrade: websocket",
                 "Connection: Upgrade", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
        if self.protocol:
            lines.append(f"Sec-WebSocket-Protocol: {self.protocol}")
        if self.origin:
            lines.append(f"Origin: {self.origin}")
        s.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            got = s.recv(1)
            if not got:
                raise Refused(0)
            head += got
        status = int(head.split()[1])
        if status != 101:
            s.close()
            raise Refused(status)
        self.agreed = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:-2])
        s.settimeout(0)
        return s

    # Frames.

    def _cut(self, buf):
        while len(buf) >= 2:
            kind, n, at = buf[0] & 15, buf[1] & 127, 2
            if n == 126:
                n, at = struct.unpack("!H", buf[2:4].rjust(2, b"\xff"))[0], 4
            elif n == 127:
                n, at = struct.unpack("!Q", buf[2:10].rjust(8, b"\xff"))[0], 10
            if len(buf) < at + n:
                return buf
            self._frame(kind, buf[at:at + n])
            buf = buf[at + n:]
        return buf

    def _frame(self, kind, data):
        self.kinds.append(kind)
        if kind == PING:
            try:
                self.frame(PONG, data)
            except OSError:
                pass  # the connection is gone, which the reader sees too
        elif kind == CLOSE:
            self.code = struct.unpack("!H", data[:2])[0] if len(data) >= 2 else 1005
        elif kind in (TEXT, BINARY) and data == b"\r\n":
            self.pongs += 1
        elif kind in (TEXT, BINARY):
            self._take(data)

    def frame(self, kind, data=b"", fin=True):
        mask, n = os.urandom(4), len(data)
        head = bytes([(0x80 if fin else 0) | kind])
        head += bytes([0x80 | n]) if n < 126 else struct.pack("!BH", 0x80 | 126, n) \
            if n < 65536 else struct.pack("!BQ", 0x80 | 127, n)
        stretched = (mask * (n // 4 + 1))[:n]
        masked = (int.from_bytes(data, "big") ^ int.from_bytes(stretched, "big")).to_bytes(n, "big")
        super().send_raw(head + mask + masked)

    def send_raw(self, raw):
        self.frame(TEXT, raw)

    # What stands in its messages.

    def contact(self):
        return f"<sip:{self.user.name}@{self.name};transport=ws>"

    def via(self):
        return f"SIP/2.0/WSS {self.name};branch={branch()}"

    def wait_closed(self):
        """The code of the server's Close; None: it gave none."""
        wait_for(lambda: self.closed or self.code, f"the end of {self.user.name}'s connection")
        return self.code
