"""A virus scanner that speaks ClamAV's protocol (INSTREAM) at a Unix socket: all that has the word
VIRUS in it, it has something against."""
import os
import socket
import struct
import threading


class Scanner:
    LIMIT = 3 * 1024 * 1024  # larger than that it takes nothing

    def __init__(self, path):
        self.path, self.mode = path, "scan"  # or "silent"
        self.seen = []  # sizes
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o666)
        self.listener.listen(20)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(s,), daemon=True).start()

    def _serve(self, s):
        with s, s.makefile("rb") as f:
            try:
                assert f.read(10) == b"zINSTREAM\0"
                data = self._content(f, s)
                self.seen.append(len(data))
                if self.mode == "silent":
                    return
                s.sendall(b"stream: Test.Virus FOUND\0" if b"VIRUS" in data else b"stream: OK\0")
            except (OSError, struct.error):
                pass

    def _content(self, f, s):
        data = b""
        while True:
            n, = struct.unpack("!I", f.read(4))
            if n == 0:
                return data
            data += f.read(n)
            if len(data) > self.LIMIT:
                s.sendall(b"INSTREAM size limit exceeded. ERROR\0")
                raise OSError("too large")

    def stop(self):
        self.listener.close()
        os.unlink(self.path)
