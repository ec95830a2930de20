"""The A/V edge under test, and clients for it."""
import itertools
import secrets
import threading

from lib import ports, turn
from lib.server import Server

UDP_PORT, TCP_PORT = 3478, 443

_numbers = itertools.count(1)
_lock = threading.Lock()


class Edge:
    """What a client must know of an edge.  external, external6: its address as clients see it, and
    that of relayed sockets; external6 None: it has no IPv6."""

    def __init__(self, server, external, external6=None, udp=UDP_PORT, tcp=TCP_PORT):
        self.server = server
        self.external, self.external6 = external, external6
        self.ports = {"udp": udp, "tcp": tcp, "tls": tcp}

    def address(self, transport, v6=False):
        return (self.external6 if v6 else self.external), self.ports[transport]

    def relayed_hosts(self):
        return [ip for ip in (self.external, self.external6) if ip]

    def user(self):
        """The name of a new one."""
        with _lock:
            name = f"user{next(_numbers)}"
        self.server.tool("user", "add", name, "--password-stdin",
                         input_text=secrets.token_urlsafe(12) + "\n")
        return name

    def credential(self, user=None, seconds=None):
        """A new user's, unless one is named."""
        user = user or self.user()
        words = ["--life", f"{seconds} s"] if seconds else []
        got = self.server.json("relay", "credential", f"{user}@{self.server.domain}", *words)
        return turn.Credential(got["username"], got["password"])

    def client(self, case, transport="udp", user=None, credential=None, v6=False, **kw):
        """A turn.Client, without an allocation; closed at the end of the test."""
        return case.own(turn.Client(self.address(transport, v6), transport,
                                    credential or self.credential(user), ca=self.server.ca,
                                    name=self.server.host, **kw))


class LoopEdge(Edge):
    """One on a loopback address of its own, whose clients have such addresses too: a source for
    each, since strangers are counted by their address.  lines: of [role edge-av].  open_peers:
    peers on loopback may be reached, which nobody may by default.  v6: it has [::1] too.  server:
    what Server takes besides."""

    def __init__(self, folder, lines="", open_peers=True, processes=1, metrics=0, v6=False,
                 **server):
        ip = ports.loopback()
        sip, tls, udp, tcp = (ports.free() for _ in range(4))  # no other edge has them on [::1]
        if open_peers:
            lines += "open-peers = 127.0.0.0/8, ::1\n"
        if v6:
            lines += f"relay-addresses = {ip}, ::1\n"
        faces = "".join(f"{name} = {ip}:{port}{f', [::1]:{port}' if v6 else ''}\n"
                        for name, port in (("udp", udp), ("tcp", tcp)))
        server = Server(folder, ip=ip, sip_port=sip, tls_port=tls, bridges=0, mcus=0,
                        settings="metrics-port = 0\n",
                        edge=f"processes = {processes}\nmetrics-port = {metrics}\n{faces}{lines}",
                        **server)
        super().__init__(server, ip, "::1" if v6 else None, udp=udp, tcp=tcp)
        self.metrics = metrics
        server.start()

    def client(self, case, transport="udp", v6=False, **kw):
        source = None if v6 else ports.loopback()
        return super().client(case, transport, v6=v6, **{"source": source, **kw})

    def stop(self):
        self.server.stop()


class PlacedEdge(Edge):
    """One in the laboratory, with a Dialtone of its own."""

    def __init__(self, folder, place, processes=2):
        lines = f"processes = {processes}\n"
        if place.natted:
            lines += f"external-addresses = {place.external}\n"
        server = Server(folder, ip=place.ip, also=place.ip6 or "", wrap=place.machine.wrap([]),
                        bridges=0, mcus=0, edge=lines)
        super().__init__(server, place.external, place.external6)

    def start(self):
        self.server.start()

    def stop(self):
        self.server.stop()
