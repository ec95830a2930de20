"""A TURN client (RFC 8656) over UDP, TCP and TLS, which can also say what no client would.

One thread uses it: whoever waits reads, and what is read meanwhile is kept for who asks later."""
import collections
import contextlib
import select
import socket
import ssl
import struct
import time

from lib import stun
from lib.tap import WAIT_S, TimedOut, check

REPEAT_S = 0.5  # a request over UDP without an answer; then twice that, and so on
REPEAT_MAX_S = 4
_READ = 1 << 17
_CHANNEL_HEAD = 4

Credential = collections.namedtuple("Credential", "username password")


class Gone(AssertionError):
    """The server has ended the connection."""


class Refused(AssertionError):
    """The answer is an error; its message is `answer`."""

    def __init__(self, what, answer):
        super().__init__(f"{what}: {answer.code} {answer.reason}")
        self.answer, self.code = answer, answer.code


def _left(deadline):
    return max(0, deadline - time.monotonic())


class Datagrams:
    """UDP to the server."""
    transport, is_stream = "udp", False

    def __init__(self, server, source=None):
        self.s = socket.socket(stun.family_of(server[0]), socket.SOCK_DGRAM)
        if source:
            self.s.bind((source, 0))
        self.s.connect(server)

    def send(self, data):
        with contextlib.suppress(ConnectionRefusedError):  # of an earlier one
            self.s.send(data)

    def read(self, deadline):
        """One datagram; None: none came."""
        ready, _, _ = select.select([self.s], [], [], _left(deadline))
        if not ready:
            return None
        try:
            return self.s.recv(_READ)
        except ConnectionRefusedError:
            return None

    def close(self):
        self.s.close()


class Stream:
    """TCP, or with a context TLS, to the server."""
    is_stream = True

    def __init__(self, server, source=None, context=None, name=None):
        self.transport = "tls" if context else "tcp"
        self.s = socket.create_connection(server, WAIT_S, (source, 0) if source else None)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context:
            self.s = context.wrap_socket(self.s, server_hostname=name)
        self.rest = b""

    def send(self, data):
        self.s.sendall(data)

    def _frame(self):
        """The first whole message or ChannelData of what has come."""
        if len(self.rest) < _CHANNEL_HEAD:
            return None
        first, n = struct.unpack_from("!HH", self.rest)
        whole = stun.padded(_CHANNEL_HEAD + n) if first >> 14 == 1 else 20 + n
        if len(self.rest) < whole:
            return None
        frame, self.rest = self.rest[:whole], self.rest[whole:]
        return frame

    def read(self, deadline):
        while True:
            frame = self._frame()
            if frame:
                return frame
            self.s.settimeout(max(0.001, _left(deadline)))
            try:
                more = self.s.recv(_READ)
            except TimeoutError:
                return None
            except (ConnectionError, ssl.SSLError) as e:
                raise Gone(str(e)) from e
            if not more:
                raise Gone("the end of the connection")
            self.rest += more
            self.s.settimeout(WAIT_S)

    def read_bytes(self, n):
        """n bytes of what is no message any more; fewer: that was the end."""
        self.s.settimeout(WAIT_S)
        while len(self.rest) < n:
            more = self.s.recv(_READ)
            if not more:
                break
            self.rest += more
        got, self.rest = self.rest[:n], self.rest[n:]
        return got

    def close(self):
        self.s.close()


class Client:
    """server: (ip, port).  transport: udp, tcp or tls (ca and name: whose certificate it is).
    machine: where its socket is; source: its address there."""

    def __init__(self, server, transport="udp", credential=None, machine=None, source=None, ca=None,
                 name=None):
        self.server, self.credential = server, credential
        self.realm = self.nonce = self.key = None
        self.data = collections.deque()   # (peer, bytes)
        self.attempts = collections.deque()  # (peer, connection): of peers that have connected
        self.answers = {}                 # by transaction id
        self.owed = collections.Counter() # ... further ones, since the request was sent again
        self.channels = {}                # number -> peer
        self.relayed, self.mapped, self.lifetime, self.token = [], None, None, None
        with machine.entered() if machine else contextlib.nullcontext():
            if transport == "udp":
                self.wire = Datagrams(server, source)
            else:
                context = ssl.create_default_context(cafile=ca) if transport == "tls" else None
                self.wire = Stream(server, source, context, name)

    # What comes.

    def _take(self, frame):
        if frame[0] >> 6 == 1:
            number, n = struct.unpack_from("!HH", frame)
            check(number in self.channels, f"data by the channel {number:#x}, which nobody bound")
            check(n <= len(frame) - _CHANNEL_HEAD, "ChannelData is whole")
            self.data.append((self.channels[number], frame[_CHANNEL_HEAD:_CHANNEL_HEAD + n]))
            return
        m = stun.Message(frame)
        if m.kind == stun.INDICATION and m.method == stun.DATA_INDICATION:
            self.data.append((m.addresses(stun.XOR_PEER_ADDRESS)[0], m.get(stun.DATA)))
        elif m.kind == stun.INDICATION and m.method == stun.CONNECTION_ATTEMPT:
            self.attempts.append((m.addresses(stun.XOR_PEER_ADDRESS)[0],
                                  m.get(stun.CONNECTION_ID)))
        elif m.kind in (stun.SUCCESS, stun.ERROR):
            if self.owed[m.id]:
                self.owed[m.id] -= 1
            else:
                self.answers[m.id] = m

    def pump(self, deadline):
        """Reads one message; false: none came."""
        frame = self.wire.read(deadline)
        if frame:
            self._take(frame)
        return bool(frame)

    def receive(self, bound=WAIT_S):
        """(peer, data) of what was relayed to us; None if nothing came."""
        deadline = time.monotonic() + bound
        while not self.data:
            if not self.pump(deadline) and _left(deadline) == 0:
                return None
        return self.data.popleft()

    # What is asked.

    def raw(self, data):
        """Bytes as they are."""
        self.wire.send(data)

    def answer_to(self, tid, again=None, bound=WAIT_S):
        """The answer to that transaction; over UDP `again` is sent until it comes."""
        deadline, pause, sent_again = time.monotonic() + bound, REPEAT_S, 0
        repeat = time.monotonic() + pause if again and not self.wire.is_stream else deadline
        while tid not in self.answers:
            self.pump(min(repeat, deadline))
            now = time.monotonic()
            if now > deadline and tid not in self.answers:
                raise TimedOut(f"waited {bound} s for an answer over {self.wire.transport}")
            if now >= repeat and repeat != deadline:
                self.wire.send(again)
                sent_again += 1
                pause = min(2 * pause, REPEAT_MAX_S)
                repeat = min(now + pause, deadline)
        self.owed[tid] = sent_again
        return self.answers.pop(tid)

    def once(self, method, attributes=(), key=None, fingerprint=False, bound=WAIT_S):
        """One request and its answer, whatever it is."""
        tid = stun.new_id()
        data = stun.message(stun.REQUEST, method, attributes, tid, key, fingerprint)
        self.wire.send(data)
        return self.answer_to(tid, data, bound)

    def identity(self, **other):
        """USERNAME, REALM and NONCE; other: what shall stand there instead (None: nothing)."""
        values = {"username": self.credential.username, "realm": self.realm, "nonce": self.nonce,
                  **other}
        names = {"username": stun.USERNAME, "realm": stun.REALM, "nonce": stun.NONCE}
        return [(names[k], v.encode()) for k, v in values.items() if v is not None]

    def _challenged(self, answer):
        self.realm = answer.get(stun.REALM).decode()
        self.nonce = answer.get(stun.NONCE).decode()
        name, password = self.credential
        self.key = stun.long_term_key(name, self.realm, password)

    def signed(self, method, attributes=()):
        """One signed request and its answer, whose signature is right if it has one: who is not
        known gets none, and neither do errors about that."""
        if not self.nonce:
            self._challenged(self.once(method, attributes))
        answer = self.once(method, [*attributes, *self.identity()], self.key)
        if answer.code == 438:
            self._challenged(answer)
            answer = self.once(method, [*attributes, *self.identity()], self.key)
        if answer.kind == stun.SUCCESS or answer.get(stun.MESSAGE_INTEGRITY):
            check(answer.is_signed(self.key), f"the answer to {method} is signed")
        return answer

    def ask(self, method, attributes=()):
        """The same; an error is raised as Refused."""
        answer = self.signed(method, attributes)
        if answer.kind == stun.ERROR:
            raise Refused(f"method {method} over {self.wire.transport}", answer)
        return answer

    # TURN.

    def allocate(self, family=None, both=False, even=None, token=None, lifetime=None,
                 tcp=False):
        """even: True with the next port kept, False without.  tcp: what is relayed (RFC 6062).
        The relayed address is `relayed`, of two families both are there."""
        attributes = [(stun.REQUESTED_TRANSPORT, bytes([stun.TCP if tcp else stun.UDP, 0, 0, 0]))]
        if family:
            attributes.append((stun.REQUESTED_ADDRESS_FAMILY, bytes([family, 0, 0, 0])))
        if both:
            attributes.append((stun.ADDITIONAL_ADDRESS_FAMILY, bytes([stun.IPV6, 0, 0, 0])))
        if even is not None:
            attributes.append((stun.EVEN_PORT, bytes([0x80 if even else 0])))
        if token:
            attributes.append((stun.RESERVATION_TOKEN, token))
        if lifetime is not None:
            attributes.append((stun.LIFETIME, struct.pack("!I", lifetime)))
        answer = self.ask(stun.ALLOCATE, attributes)
        self.relayed = answer.addresses(stun.XOR_RELAYED_ADDRESS)
        self.mapped = answer.addresses(stun.XOR_MAPPED_ADDRESS)[0]
        self.lifetime, self.token = answer.number(stun.LIFETIME), answer.get(stun.RESERVATION_TOKEN)
        return self

    def refresh(self, lifetime=None):
        """The lifetime that was granted."""
        attributes = [] if lifetime is None else [(stun.LIFETIME, struct.pack("!I", lifetime))]
        return self.ask(stun.REFRESH, attributes).number(stun.LIFETIME)

    def permit(self, *ips):
        self.ask(stun.CREATE_PERMISSION, [(stun.XOR_PEER_ADDRESS, (ip, 0)) for ip in ips])
        return self

    def bind(self, number, peer):
        """What is sent to that peer goes by the channel from now on."""
        known = number in self.channels
        self.channels.setdefault(number, peer)  # data may come before the answer
        try:
            self.ask(stun.CHANNEL_BIND, [(stun.CHANNEL_NUMBER, struct.pack("!HH", number, 0)),
                                         (stun.XOR_PEER_ADDRESS, peer)])
        except Refused:
            if not known:
                del self.channels[number]
            raise
        return self

    def binding(self):
        """The address that the server sees us at."""
        answer = self.once(stun.BINDING)
        return answer.addresses(stun.XOR_MAPPED_ADDRESS)[0]

    def send(self, peer, data):
        number = next((n for n, p in self.channels.items() if p == peer), None)
        if number is None:
            self.send_indication(peer, data)
        else:
            self.send_channel(number, data)

    def send_indication(self, peer, data, whole=False):
        """whole: it is not to be fragmented."""
        attributes = [(stun.XOR_PEER_ADDRESS, peer), (stun.DATA, data)]
        if whole:
            attributes.append((stun.DONT_FRAGMENT, b""))
        self.raw(stun.message(stun.INDICATION, stun.SEND, attributes))

    def send_channel(self, number, data):
        padding = stun.padded(len(data)) - len(data) if self.wire.is_stream else 0
        self.raw(struct.pack("!HH", number, len(data)) + data + bytes(padding))

    # TCP allocations (RFC 6062).

    def connect(self, peer):
        """The number of the connection with the peer, which another client joins."""
        return self.ask(stun.CONNECT, [(stun.XOR_PEER_ADDRESS, peer)]).get(stun.CONNECTION_ID)

    def attempt(self):
        """The next peer that has connected: (peer, connection)."""
        deadline = time.monotonic() + WAIT_S
        while not self.attempts:
            check(self.pump(deadline), "a peer's connection is told")
        return self.attempts.popleft()

    def join(self, connection):
        """From now on read_bytes() and raw() are with the peer."""
        self.ask(stun.CONNECTION_BIND, [(stun.CONNECTION_ID, connection)])
        return self

    def read_bytes(self, n):
        return self.wire.read_bytes(n)

    def stop(self):
        """Frees the allocation without waiting for the answer, and closes."""
        with contextlib.suppress(OSError):
            if self.relayed:
                self.raw(stun.message(stun.REQUEST, stun.REFRESH, [
                    (stun.LIFETIME, bytes(4)), *self.identity()], key=self.key))
        self.wire.close()
