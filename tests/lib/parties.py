"""Who exchanges packets in the laboratory (lab.py).

A kind of client has

  caller(case, site, edge)    somebody with exchange(peer): packets to the peer, and all back;
  answerer(case, site, edge)  its peer: somebody with `address`, who sends back what comes, once
                              expect(caller) has told whom it may come from;
  name, needs                 for the sentence of the test; "6": IPv6.

`site` is a place of the lab, `edge` an Edge.  A kind whose clients find each other by other means
than an address (ICE) has peers of its own: what exchange() asks of them is between the two.
"""
import re
import shutil
import socket
import threading
import time

from lib import proc, stun
from lib.tap import WAIT_S, Skip, check, check_eq

PACKETS = 20
REPEAT_S = 0.3  # where packets may get lost
_CHANNEL = 0x4001


class Answering:
    """A thread that sends back what comes."""

    def __init__(self, case):
        self._over = threading.Event()
        self._failed = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        case.undo.callback(self._stop)
        self._thread.start()

    def _run(self):
        try:
            while not self._over.is_set():
                self.answer_one()
        except Exception as e:  # told to who asks
            self._failed = e

    def _stop(self):
        self._over.set()
        self._thread.join()
        self.close()
        if self._failed:
            raise self._failed


class Public(Answering):
    """Somebody with an address of his own, on the Internet or in a site's machine."""

    def __init__(self, case, ip, machine=None):
        self.s = _udp(ip, machine)
        self.address = self.s.getsockname()[:2]
        super().__init__(case)

    def expect(self, caller):
        pass

    def answer_one(self):
        try:
            data, peer = self.s.recvfrom(1 << 16)
        except TimeoutError:
            return
        self.s.sendto(data, peer)

    def close(self):
        self.s.close()


def _udp(ip, machine):
    if machine:
        with machine.entered():
            return _udp(ip, None)
    s = socket.socket(stun.family_of(ip), socket.SOCK_DGRAM)
    s.bind((ip, 0))
    s.settimeout(0.1)
    return s


class Relayed(Answering):
    """Somebody who is reached by his relayed address alone."""

    def __init__(self, case, client):
        self.client = client
        self._lock = threading.Lock()  # the thread and expect() both use the client
        self.address = client.relayed[0]
        super().__init__(case)

    def expect(self, caller):
        with self._lock:
            family = stun.family_of(self.address[0])
            self.client.permit(*(ip for ip in caller.hosts() if stun.family_of(ip) == family))

    def answer_one(self):
        with self._lock:
            got = self.client.receive(0.05)
            if got:
                self.client.send(*got)

    def close(self):
        self.client.stop()


class TurnCaller:
    def __init__(self, client, lossy):
        self.client, self.lossy = client, lossy
        self.sent = set()

    def hosts(self):
        """The addresses that a peer sees."""
        return [ip for ip, _ in self.client.relayed]

    def exchange(self, peer):
        peer.expect(self)
        self.client.permit(peer.address[0])
        self._round(peer, b"by indication")
        self.client.bind(_CHANNEL, peer.address)
        self._round(peer, b"by channel")

    def _round(self, peer, text):
        """All packets come back; where none is to be lost, each was sent once."""
        wanted = {b"%s %d" % (text, i) for i in range(PACKETS)}
        left, deadline = set(wanted), time.monotonic() + WAIT_S
        self._send(peer, left)
        while left:
            check(time.monotonic() < deadline, f"{len(left)} of {PACKETS} packets {text} are lost")
            got = self.client.receive(REPEAT_S)
            if got:
                check_eq(got[0], peer.address, "whom it is from")
                check(got[1] in self.sent, f"what was sent, not {got[1]!r}")
                left.discard(got[1])
            elif self.lossy:
                self._send(peer, left)

    def _send(self, peer, texts):
        for text in sorted(texts):
            self.client.send(peer.address, text)
        self.sent |= texts


class Turn:
    """The client of turn.py.  transport: udp, tcp or tls; family: of the relayed address."""

    def __init__(self, transport, family=None):
        self.transport, self.family = transport, family
        self.name = f"{transport}_{'v6' if family == stun.IPV6 else 'client'}"
        self.needs = "6" if family else ""

    def client(self, case, site, edge):
        v6 = site.ip is None or self.family == stun.IPV6
        return edge.client(case, self.transport, machine=site.machine, v6=v6).allocate(self.family)

    def caller(self, case, site, edge):
        return TurnCaller(self.client(case, site, edge), site.lossy)

    def answerer(self, case, site, edge):
        return Relayed(case, self.client(case, site, edge))


class Internet:
    """No client at all: peers with addresses of their own."""
    name, needs = "a_public_peer", ""

    @staticmethod
    def answerer(case, site, _edge):
        return Public(case, site.ip, site.machine)


class Internet6:
    name, needs = "a_public_v6_peer", "6"

    @staticmethod
    def answerer(case, site, _edge):
        return Public(case, site.ip6, site.machine)


class Itself:
    """The client makes another allocation for its peer."""
    name, needs = "itself", ""

    @staticmethod
    def answerer(_case, _site, _edge):
        return None


class Uclient:
    """turnutils_uclient of coturn, a client whose code is not ours.

    It takes what one read of TLS gives for one message and forgets the others in it: over TLS it is
    of use only where no two come together."""
    TRANSPORTS = {"udp": [], "tcp": ["-t"], "tls": ["-t", "-S"]}
    needs = ""

    def __init__(self, transport, *words):
        self.name = f"coturns_{transport}_client"
        self.transport, self.words = transport, words

    def caller(self, case, site, edge):
        if not shutil.which("turnutils_uclient"):
            raise Skip("needs coturn")
        return UclientCaller(site, edge, [*self.TRANSPORTS[self.transport], *self.words])


class UclientCaller:
    def __init__(self, site, edge, words):
        self.site, self.edge = site, edge
        ip, port = edge.address("udp" if "-t" not in words else "tls", site.ip is None)
        who = edge.credential()
        self.argv = ["turnutils_uclient", *words, "-u", who.username, "-w", who.password,
                     "-p", str(port), ip]

    def hosts(self):
        return self.edge.relayed_hosts()

    def exchange(self, peer):
        """peer None: with another allocation of its own."""
        if peer:
            peer.expect(self)
            whom = ["-c", "-e", peer.address[0], "-r", str(peer.address[1])]
        else:
            whom = ["-y"]
        self.run([*whom, "-n", str(PACKETS)])

    def run(self, words):
        status, text = proc.run([self.argv[0], *words, *self.argv[1:]], netns=self.site.machine)
        check_eq(status, 0, f"the end of turnutils_uclient: {text}")
        lost = re.findall(r"Total lost packets (\d+)", text)
        check_eq(lost, ["0"], f"lost packets: {text}")
        sent, came = re.search(r"tot_send_msgs=(\d+), tot_recv_msgs=(\d+)", text[text.rindex(
            "tot_send_msgs"):]).groups()
        check(int(came) == int(sent) >= PACKETS, f"{sent} sent, {came} received: {text}")
