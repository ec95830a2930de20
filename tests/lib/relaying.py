"""Words of the tests that ask things of the relay on loopback."""
import select
import socket
import struct

from lib import ports, stun, tap
from lib.tap import check_eq

REASONS = {400: "Bad Request", 401: "Unauthenticated", 403: "Forbidden",
           420: "Unknown Attribute", 437: "Allocation Mismatch", 438: "Stale Nonce",
           440: "Address Family not Supported", 441: "Wrong Credentials",
           442: "Unsupported Transport Protocol", 443: "Peer Address Family Mismatch",
           446: "Connection Already Exists", 447: "Connection Timeout or Failure",
           486: "Allocation Quota Reached", 508: "Insufficient Capacity"}
WANT_UDP = (stun.REQUESTED_TRANSPORT, bytes([stun.UDP, 0, 0, 0]))
WANT_TCP = (stun.REQUESTED_TRANSPORT, bytes([stun.TCP, 0, 0, 0]))


def over(*transports):
    """A test for each transport: fn(case, transport)."""
    def add(fn):
        for transport in transports:
            def run(case, transport=transport):
                fn(case, transport)
            run.__name__ = f"{fn.__name__}_over_{transport}"
            tap.test(run)
        return fn
    return add


over_all = over("udp", "tcp", "tls")
over_streams = over("tcp", "tls")


class Peer:
    """Somebody on loopback without a relay."""

    def __init__(self, case, ip=None):
        ip = ip or ports.loopback()
        self.s = socket.socket(stun.family_of(ip), socket.SOCK_DGRAM)
        self.s.bind((ip, 0))
        self.s.settimeout(tap.WAIT_S)
        self.ip, self.address = ip, self.s.getsockname()[:2]
        case.undo.callback(self.s.close)

    def send(self, to, data):
        self.s.sendto(data, to)

    def receive(self):
        data, sender = self.s.recvfrom(1 << 16)
        return sender[:2], data

    def arrived(self):
        """What is there by now."""
        out = []
        while select.select([self.s], [], [], 0)[0]:
            out.append(self.receive()[1])
        return out


def allocated(case, transport="udp", edge=None, **kw):
    return (edge or case.site.edge).client(case, transport).allocate(**kw)


def refused(answer, code, known=True):
    """With the right text; signed if it is known who asked."""
    signed = known and code not in (401, 438)
    check_eq((answer.code, answer.reason), (code, REASONS[code]), "the refusal")
    check_eq(answer.get(stun.MESSAGE_INTEGRITY) is not None, signed, "it is signed")
    return answer


def channel(number):
    return stun.CHANNEL_NUMBER, struct.pack("!HH", number, 0)


def to_peer(address):
    return stun.XOR_PEER_ADDRESS, address
