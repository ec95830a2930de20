#!/usr/bin/python3
"""Clients in networks of every kind exchange packets through the edge: one table, each row a test.

The networks are lab.py's, and lab_test.py shows that they are what they are called."""
import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import lab, netns, stun, tap  # noqa: E402
from lib.edge import PlacedEdge  # noqa: E402
from lib.lab import Place, Site  # noqa: E402
from lib.parties import (Internet, Internet6, Itself, Relayed, Turn, TurnCaller,  # noqa: E402
                         Uclient)
from lib.tap import check_eq, wait_for  # noqa: E402

SETTINGS = ()

SITES = [
    Site("routed"),
    Site("cone", nat="cone"),
    Site("address", nat="address"),
    Site("port", nat="port"),
    Site("symmetric", nat="symmetric"),
    Site("no-udp", nat="symmetric", udp=False),
    Site("web", nat="symmetric", udp=False, tcp={443}),
    Site("six", v4=False),
    Site("lossy", nat="port", loss=10),
    Site("slow", nat="port", delay_ms=100),
    Site("narrow", mtu=1280),
]
EDGES = [Place("edge"), Place("inner", natted=True)]

TOO_LONG = bytes(1390)  # for the cable of "narrow"

UDP, TCP, TLS = (Turn(t) for t in ("udp", "tcp", "tls"))
UDP_4, TCP_4, TLS_4 = (Turn(t, stun.IPV4) for t in ("udp", "tcp", "tls"))  # the relayed address
UDP_6, TLS_6 = (Turn(t, stun.IPV6) for t in ("udp", "tls"))
COTURN = {t: Uclient(t) for t in ("udp", "tcp")}
PUBLIC, PUBLIC_6, ITSELF = Internet(), Internet6(), Itself()


class Networks:
    def __init__(self, folder):
        self.lab, self.edges = lab.Lab(SITES, EDGES), {}
        try:
            for name, place in self.lab.edges.items():
                self.edges[name] = PlacedEdge(os.path.join(folder, name), place)
                self.edges[name].start()
        except BaseException:
            self.stop()
            raise

    def stop(self):
        for edge in self.edges.values():
            edge.stop()
        self.lab.stop()


def make(_args, folder):
    netns.enter()
    return Networks(folder)


def row(client, site, peer, peer_site="internet", edge="edge", name=None):
    """A client exchanges packets with a peer: to it, and each of them back."""
    def run(case):
        by, networks = case.site.edges[edge], case.site.lab
        if "6" in (client.needs, peer.needs) and not lab.has_ipv6():
            tap.skip("no IPv6 in this kernel")
        other = peer.answerer(case, networks.site(peer_site), by)
        client.caller(case, networks.site(site), by).exchange(other)
    where = "" if edge == "edge" else f"_by_the_{edge}_edge"
    to = peer.name if peer_site == "internet" else f"{peer.name}_in_{peer_site}"
    run.__name__ = name or f"{client.name}_in_{site}_with_{to}{where}".replace("-", "_")
    tap.test(run)


# What this is all for.
row(UDP, "symmetric", TLS, "no-udp",
    name="two_clients_behind_symmetric_nats_one_without_udp_exchange_packets")
row(TLS, "no-udp", UDP, "symmetric",
    name="the_one_without_udp_calls_the_other")
row(UDP, "symmetric", TLS, "no-udp", "inner",
    name="they_do_so_by_an_edge_behind_a_nat_that_does_no_hairpin")

# By what a network lets through.
for _site in ("routed", "cone", "address", "port", "symmetric", "lossy", "slow"):
    for _client in (UDP, TCP, TLS):
        row(_client, _site, PUBLIC)
        row(_client, _site, TLS, "web")
for _site in ("no-udp", "web"):
    for _client in (TCP, TLS):
        row(_client, _site, PUBLIC)
        row(_client, _site, UDP, "symmetric")
for _client in (UDP_4, TCP_4, TLS_4):
    row(_client, "six", PUBLIC)
    row(_client, "six", TLS, "web")
row(UDP_6, "six", PUBLIC_6)
row(TLS_6, "six", UDP_6, "routed")
row(UDP, "symmetric", UDP_4, "six")

# An edge behind a one-to-one NAT.
for _client, _site in ((UDP, "cone"), (UDP, "symmetric"), (TCP, "no-udp"), (TLS, "web")):
    row(_client, _site, PUBLIC, edge="inner")
    row(_client, _site, UDP, "port", edge="inner")

# coturn's client.  Over TLS it forgets messages that come together, which a busy machine makes of any:
# interop/relay_coturn_test.py sends it one at a time, and the hand-made client comes by TLS above.
for _transport, _sites in (("udp", ("cone", "address", "port", "symmetric", "six", "slow")),
                           ("tcp", ("symmetric", "no-udp", "six", "lossy", "slow"))):
    for _site in _sites:
        row(COTURN[_transport], _site, PUBLIC)
row(COTURN["udp"], "symmetric", TLS, "no-udp")
for _edge in ("edge", "inner"):
    row(COTURN["udp"], "symmetric", ITSELF, edge=_edge)
    row(COTURN["tcp"], "no-udp", ITSELF, edge=_edge)


# Clients that meet in one edge are often not of one process.

def process_of(edge, user):
    """The number of the process that has the user's allocation."""
    def found():
        return edge.server.json("allocation", "list", user)
    return int(wait_for(found, f"the allocation of {user}")[0]["id"].split(".")[0])


def client_of(case, edge, site, process):
    """A client whose allocation is that process's: by chance, so some are tried."""
    def tried():
        user = edge.user()
        client = edge.client(case, user=user, machine=site.machine).allocate()
        return client if process_of(edge, user) == process else client.stop()
    return wait_for(tried, f"an allocation of process {process}")


def _by_processes(edge, one, other):
    def run(case):
        by, networks = case.site.edges[edge], case.site.lab
        calling = client_of(case, by, networks.site("symmetric"), one)
        called = client_of(case, by, networks.site("port"), other)
        TurnCaller(calling, False).exchange(Relayed(case, called))
    run.__name__ = f"clients_of_processes_{one}_and_{other}_of_the_{edge}_exchange_packets"
    tap.test(run)


for _edge in ("edge", "inner"):
    for _one, _other in ((1, 1), (1, 2), (2, 1)):
        _by_processes(_edge, _one, _other)


def _fragments(transport):
    """What is marked DONT-FRAGMENT gets as far as it fits; everything else arrives."""
    def run(case):
        site, networks = case.site.lab.site("narrow"), case.site.lab
        client = case.site.edges["edge"].client(
            case, transport, machine=networks.site("symmetric").machine).allocate()
        with site.machine.entered():
            peer = case.undo.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        peer.bind((site.ip, 0))
        peer.settimeout(tap.WAIT_S)
        client.permit(site.ip)
        peer.sendto(b"hello", client.relayed[0])  # its router lets answers in
        check_eq(client.receive()[1], b"hello", "what comes")
        client.send_indication(peer.getsockname(), TOO_LONG + b"1", whole=True)
        client.send_indication(peer.getsockname(), TOO_LONG + b"2")
        client.send_indication(peer.getsockname(), b"short", whole=True)
        check_eq({peer.recv(2000)[-1:] for _ in range(2)}, {b"2", b"t"}, "what arrives")
        client.send_indication(peer.getsockname(), b"end")
        check_eq(peer.recv(2000), b"end", "what arrives after it")
    run.__name__ = f"what_is_not_to_be_fragmented_is_not_over_{transport}"
    tap.test(run)


for _transport in ("udp", "tcp", "tls"):
    _fragments(_transport)


@tap.test
def each_client_is_seen_where_its_router_shows_it(case):
    for name in ("routed", "cone", "symmetric"):
        site = case.site.lab.site(name)
        client = case.site.edges["edge"].client(case, machine=site.machine).allocate()
        check_eq(client.mapped[0], site.ip if name == "routed" else site.outer, name)
        check_eq(client.binding(), client.mapped, "the same as STUN says")


if __name__ == "__main__":
    tap.main(make)
