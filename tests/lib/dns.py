"""A small DNS server for the private network: answers A, SRV and NAPTR from zone lines
(`NAME TTL IN TYPE DATA`, the form that `dialtone dns` prints), and NXDOMAIN for the rest."""
import socket
import struct
import threading

_TYPES = {"A": 1, "SRV": 33, "NAPTR": 35}
TTL_S = 60


def _name(text):
    parts = [p for p in text.rstrip(".").split(".") if p]
    return b"".join(bytes([len(p)]) + p.encode() for p in parts) + b"\0"


def _string(text):
    raw = text.strip('"').encode()
    return bytes([len(raw)]) + raw


def _data(kind, words):
    if kind == "A":
        return socket.inet_aton(words[0])
    if kind == "SRV":
        return struct.pack(">HHH", *map(int, words[:3])) + _name(words[3])
    return (struct.pack(">HH", *map(int, words[:2])) + b"".join(map(_string, words[2:5])) +
            _name(words[5]))


def _question(raw):
    """(name, type, end of the question) of a query."""
    pos, parts = 12, []
    while raw[pos]:
        parts.append(raw[pos + 1:pos + 1 + raw[pos]].decode("ascii", "replace"))
        pos += 1 + raw[pos]
    return ".".join(parts).lower(), struct.unpack_from(">H", raw, pos + 1)[0], pos + 5


class Dns:
    """Serves on ip:53.  `lines` is the zone; add() puts more in."""

    def __init__(self, ip, lines=()):
        self.records = {}
        self.asked = []
        for line in lines:
            self.add(line)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((ip, 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def add(self, line):
        words = line.split()
        name, kind = words[0].rstrip(".").lower(), words[3]
        if kind in _TYPES:
            self.records.setdefault((name, _TYPES[kind]), []).append(_data(kind, words[4:]))

    def _answer(self, raw):
        name, kind, end = _question(raw)
        self.asked.append((name, kind))
        found = self.records.get((name, kind), [])
        known = any(n == name for n, _ in self.records)
        flags = 0x8500 | (struct.unpack_from(">H", raw, 2)[0] & 0x0100) | (0 if known else 3)
        out = raw[:2] + struct.pack(">HHHHH", flags, 1, len(found), 0, 0) + raw[12:end]
        for data in found:
            out += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, TTL_S, len(data)) + data
        return out

    def _serve(self):
        while True:
            try:
                raw, peer = self.sock.recvfrom(4096)
                self.sock.sendto(self._answer(raw), peer)
            except (IndexError, struct.error):
                continue  # not a query
            except OSError:
                return

    def stop(self):
        self.sock.close()
