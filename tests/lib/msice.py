"""The media of a Lync client that has addresses of a relay alone: ICE as [MS-ICE2] has it, and RTP,
written apart from the program's own code."""
import hashlib
import hmac
import re
import secrets
import struct
import threading
import time
import zlib

from lib import stun
from lib.tap import WAIT_S, check, wait_for

PRIORITY, USE_CANDIDATE, ICE_CONTROLLED, ICE_CONTROLLING = 0x0024, 0x0025, 0x8029, 0x802A
MS_IMPLEMENTATION_VERSION, MS_CANDIDATE_IDENTIFIER = 0x8070, 0x8054

_HEAD, _MAC, _CRC_XOR = 20, 24, 0x5354554E
_BLOCK = 64
_CHECK_S, _TURN_S = 0.3, 0.1


def _mac(key, text):
    """Of a message up to its MESSAGE-INTEGRITY, with the length that it has in the end."""
    return hmac.new(key, text + bytes(-len(text) % _BLOCK), hashlib.sha1).digest()


def _attribute(number, value):
    """Its length counts the padding."""
    n = stun.padded(len(value))
    return struct.pack("!HH", number, n) + value + bytes(n - len(value))


def message(kind, attributes, tid, key):
    """A Binding of that kind, signed."""
    body = b"".join(_attribute(t, stun.xor_address(v, tid) if isinstance(v, tuple) else v)
                    for t, v in attributes)
    whole = len(body) + _MAC + 8
    head = struct.pack("!HHI", {stun.REQUEST: 1, stun.SUCCESS: 0x101}[kind], whole, stun.COOKIE)
    text = head + tid + body
    text += _attribute(stun.MESSAGE_INTEGRITY, _mac(key, text))
    return text + _attribute(stun.FINGERPRINT, struct.pack("!I", zlib.crc32(text) ^ _CRC_XOR))


def is_signed(m, key):
    at = next((at for t, _, at in m.attributes if t == stun.MESSAGE_INTEGRITY), None)
    return at is not None and hmac.compare_digest(m.get(stun.MESSAGE_INTEGRITY),
                                                  _mac(key, m.data[:at]))


class _Component:
    """RTP or RTCP, with an allocation of its own; `to`: whom ICE has found."""

    def __init__(self, agent, number, client):
        self.agent, self.number, self.client = agent, number, client
        self.to, self.nominated = None, False
        self.remote, self.heard, self.out = [], [], []
        self.ids, self.next_check = {}, 0
        self.wrong = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        try:
            self.client.permit(*{ip for ip, _ in self.remote})
            while not self.agent.over:
                self._check()
                self._pass()
                got = self.client.receive(_TURN_S)
                if got:
                    self._take(*got)
        except Exception as e:  # pylint: disable=broad-except
            self.wrong = e

    def _check(self):
        """Who calls controls, and nominates with each check."""
        if self.nominated or not self.agent.controls or time.monotonic() < self.next_check:
            return
        self.next_check = time.monotonic() + _CHECK_S
        for peer in self.remote:
            tid = stun.new_id()
            self.ids[tid] = peer
            self.client.send(peer, message(stun.REQUEST, [
                (stun.USERNAME, f"{self.agent.their_ufrag}:{self.agent.ufrag}".encode()),
                (PRIORITY, struct.pack("!I", 1)), (USE_CANDIDATE, b""),
                (ICE_CONTROLLING, bytes(8)), (MS_CANDIDATE_IDENTIFIER, b"1"),
                (MS_IMPLEMENTATION_VERSION, struct.pack("!I", 2))],
                tid, self.agent.their_pwd.encode()))

    def _pass(self):
        while self.to and self.out:
            self.client.send(self.to, self.out.pop(0))

    def _take(self, peer, data):
        if data and data[0] >> 6 == 2:
            self.heard.append((peer, data))
            return
        m = stun.Message(data)
        if m.kind == stun.REQUEST:
            self._answer(peer, m)
        elif m.kind == stun.SUCCESS and self.ids.get(m.id) == peer:
            check(is_signed(m, self.agent.their_pwd.encode()), "the answer is signed")
            self.to, self.nominated = peer, True

    def _answer(self, peer, m):
        name = m.get(stun.USERNAME).rstrip(b"\0").decode()
        check(name.split(":")[0] == self.agent.ufrag, f"a check for us: {name}")
        check(is_signed(m, self.agent.pwd.encode()), "the check is signed")
        self.client.send(peer, message(stun.SUCCESS, [(stun.XOR_MAPPED_ADDRESS, peer)], m.id,
                                       self.agent.pwd.encode()))
        if m.get(USE_CANDIDATE) is not None:
            self.to = peer


class Agent:
    """clients: two of lib.turn with an allocation.  controls: its owner calls."""

    def __init__(self, clients, controls):
        self.controls, self.over = controls, False
        self.ufrag, self.pwd = secrets.token_hex(2), secrets.token_hex(12)
        self.their_ufrag = self.their_pwd = None
        self.components = [_Component(self, n, c) for n, c in enumerate(clients, 1)]

    def description(self, more=""):
        """Its candidates are relayed addresses, and so are the default ones."""
        at = [c.client.relayed[0] for c in self.components]
        lines = "".join(
            f"a=candidate:1 {c.number} UDP {16777215 - c.number} {ip} {port} typ relay raddr "
            f"{c.client.mapped[0]} rport {c.client.mapped[1]}\r\n"
            for c, (ip, port) in zip(self.components, at))
        return (f"v=0\r\no=- 1 1 IN IP4 {at[0][0]}\r\ns=-\r\nc=IN IP4 {at[0][0]}\r\nt=0 0\r\n"
                f"m=audio {at[0][1]} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=rtcp:{at[1][1]}\r\n"
                f"{lines}a=ice-ufrag:{self.ufrag}\r\na=ice-pwd:{self.pwd}\r\n{more}")

    def start(self, description):
        """With what the other end says of itself: to its relayed addresses alone."""
        text = description.decode() if isinstance(description, bytes) else description
        self.their_ufrag = re.search("a=ice-ufrag:(.*)\r\n", text)[1]
        self.their_pwd = re.search("a=ice-pwd:(.*)\r\n", text)[1]
        for c in self.components:
            c.remote = [(ip, int(port)) for ip, port in re.findall(
                rf"a=candidate:\S+ {c.number} UDP \d+ (\S+) (\d+) typ relay", text)]
            check(c.remote, f"relayed candidates in {text}")
        for c in self.components:
            c.thread.start()

    def _right(self):
        for c in self.components:
            if c.wrong:
                raise c.wrong

    def wait_found(self):
        def found():
            self._right()
            return all(c.to for c in self.components)
        wait_for(found, "a way by the relay for RTP and RTCP")

    def send(self, packet):
        self.components[0].out.append(packet)

    def wait_heard(self, packet, again):
        """again: sends it once more, since the other end may not have had a way when it was sent."""
        def heard():
            self._right()
            again()
            return any(data == packet for _, data in self.components[0].heard)
        wait_for(heard, "a packet by the relay")

    def stop(self):
        self.over = True
        for c in self.components:
            if c.thread.is_alive():
                c.thread.join(WAIT_S)
            c.client.stop()


def rtp(number, payload):
    """One packet of PCMU."""
    return struct.pack("!BBHII", 0x80, 0, number, 160 * number, 0x5eed) + payload
