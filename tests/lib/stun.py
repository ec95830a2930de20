"""STUN messages (RFC 8489) and the names of TURN (RFC 8656, RFC 6062), written and read apart from
the program's own code."""
import hashlib
import hmac
import os
import socket
import struct
import zlib

COOKIE = 0x2112A442
REQUEST, INDICATION, SUCCESS, ERROR = range(4)

BINDING, ALLOCATE, REFRESH, SEND, DATA_INDICATION = 1, 3, 4, 6, 7
CREATE_PERMISSION, CHANNEL_BIND = 8, 9
CONNECT, CONNECTION_BIND, CONNECTION_ATTEMPT = 10, 11, 12

MAPPED_ADDRESS, USERNAME, MESSAGE_INTEGRITY, ERROR_CODE = 0x0001, 0x0006, 0x0008, 0x0009
UNKNOWN_ATTRIBUTES, CHANNEL_NUMBER, LIFETIME, XOR_PEER_ADDRESS = 0x000A, 0x000C, 0x000D, 0x0012
DATA, REALM, NONCE, XOR_RELAYED_ADDRESS = 0x0013, 0x0014, 0x0015, 0x0016
REQUESTED_ADDRESS_FAMILY, EVEN_PORT, REQUESTED_TRANSPORT = 0x0017, 0x0018, 0x0019
DONT_FRAGMENT, XOR_MAPPED_ADDRESS, RESERVATION_TOKEN = 0x001A, 0x0020, 0x0022
CONNECTION_ID, ADDITIONAL_ADDRESS_FAMILY = 0x002A, 0x8000
ADDRESS_ERROR_CODE, SOFTWARE, ALTERNATE_SERVER, FINGERPRINT = 0x8001, 0x8022, 0x8023, 0x8028

IPV4, IPV6 = 1, 2  # address families on the wire
UDP, TCP = 17, 6   # REQUESTED-TRANSPORT

_HEAD, _MAC, _CRC = 20, 20, 4
_CRC_XOR = 0x5354554E


def padded(n):
    return n + 3 & ~3


def long_term_key(username, realm, password):
    return hashlib.md5(f"{username}:{realm}:{password}".encode()).digest()


def family_of(ip):
    return socket.AF_INET6 if ":" in ip else socket.AF_INET


def xor_address(address, tid):
    """The value of an XOR-...-ADDRESS for (ip, port)."""
    ip, port = address[:2]
    family = family_of(ip)
    mask = struct.pack("!I", COOKIE) + tid
    packed = bytes(a ^ b for a, b in zip(socket.inet_pton(family, ip), mask))
    code = IPV6 if family == socket.AF_INET6 else IPV4
    return struct.pack("!BBH", 0, code, port ^ COOKIE >> 16) + packed


def read_xor_address(value, tid):
    _, code, port = struct.unpack_from("!BBH", value)
    family = socket.AF_INET6 if code == IPV6 else socket.AF_INET
    mask = struct.pack("!I", COOKIE) + tid
    packed = bytes(a ^ b for a, b in zip(value[4:], mask))
    return socket.inet_ntop(family, packed), port ^ COOKIE >> 16


def _type(kind, method):
    return ((method & 0xF80) << 2 | (method & 0x70) << 1 | method & 0xF |
            (kind & 2) << 7 | (kind & 1) << 4)


def _head(kind, method, length, tid):
    return struct.pack("!HHI", _type(kind, method), length, COOKIE) + tid


def new_id():
    return os.urandom(12)


def attribute(number, value):
    return struct.pack("!HH", number, len(value)) + value + bytes(padded(len(value)) - len(value))


def message(kind, method, attributes=(), tid=None, key=None, fingerprint=False):
    """attributes: (type, bytes), or (type, (ip, port)) to be XORed.  key: it is signed with it."""
    tid = tid or new_id()
    body = b"".join(attribute(t, xor_address(v, tid) if isinstance(v, tuple) else v)
                    for t, v in attributes)
    if key is not None:
        head = _head(kind, method, len(body) + 4 + _MAC, tid)
        body += attribute(MESSAGE_INTEGRITY, hmac.new(key, head + body, hashlib.sha1).digest())
    if fingerprint:
        head = _head(kind, method, len(body) + 4 + _CRC, tid)
        body += attribute(FINGERPRINT, struct.pack("!I", zlib.crc32(head + body) ^ _CRC_XOR))
    return _head(kind, method, len(body), tid) + body


class Malformed(AssertionError):
    """What came is no STUN message."""


class Message:
    """One that was received."""

    def __init__(self, data):
        if len(data) < _HEAD:
            raise Malformed(f"{len(data)} bytes")
        number, length, cookie = struct.unpack_from("!HHI", data)
        if number >> 14 or cookie != COOKIE or length != len(data) - _HEAD or length % 4:
            raise Malformed(data[:_HEAD].hex())
        self.data, self.id = data, data[8:_HEAD]
        self.kind = number >> 7 & 2 | number >> 4 & 1
        self.method = number >> 2 & 0xF80 | number >> 1 & 0x70 | number & 0xF
        self.attributes = []  # (type, value, offset)
        at = _HEAD
        while at < len(data):
            kind, n = struct.unpack_from("!HH", data, at)
            if at + 4 + padded(n) > len(data):
                raise Malformed(f"attribute {kind:#06x} is cut off")
            self.attributes.append((kind, data[at + 4:at + 4 + n], at))
            at += 4 + padded(n)

    def get(self, number):
        """The first of that type, or None."""
        return next((v for t, v, _ in self.attributes if t == number), None)

    def addresses(self, number):
        return [read_xor_address(v, self.id) for t, v, _ in self.attributes if t == number]

    def number(self, which):
        value = self.get(which)
        return None if value is None else int.from_bytes(value, "big")

    @property
    def code(self):
        """Of an error; 0 of a success."""
        value = self.get(ERROR_CODE)
        return 0 if value is None else value[2] * 100 + value[3]

    @property
    def reason(self):
        return (self.get(ERROR_CODE) or b"")[4:].decode()

    def unknown(self):
        value = self.get(UNKNOWN_ATTRIBUTES) or b""
        return list(struct.unpack(f"!{len(value) // 2}H", value))

    def is_signed(self, key):
        for number, value, at in self.attributes:
            if number == MESSAGE_INTEGRITY:
                head = self.data[:2] + struct.pack("!H", at + 4 + _MAC - _HEAD) + self.data[4:at]
                return hmac.compare_digest(value, hmac.new(key, head, hashlib.sha1).digest())
        return False
