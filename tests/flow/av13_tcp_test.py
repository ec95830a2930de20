#!/usr/bin/python3
"""TCP relayed as RFC 6062 has it: connections of clients to peers and of peers to clients, each
with a connection of its own from the client, which may come to another process of the edge."""
import os
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import netns, ports, stun, tap  # noqa: E402
from lib.edge import LoopEdge  # noqa: E402
from lib.relaying import (WANT_TCP, allocated, channel, over_streams, refused,  # noqa: E402
                          to_peer)
from lib.tap import check, check_eq, wait_for  # noqa: E402

SETTINGS = ()

CHANNEL = 0x4001
MUCH = bytes(range(251)) * 8000  # 2 MB
CONNECTIONS_MAX = 32
JOINS = 6  # so many that both processes are come to


class Relay:
    def __init__(self, folder):
        if netns.inside():
            netns.prepare()
        unlimited = "port-bandwidth = 0\nuser-bandwidth = 0\n"
        self.edge = LoopEdge(os.path.join(folder, "edge"), unlimited +
                             "ocs2007-compatibility = yes\n", processes=2)
        self.strict = LoopEdge(os.path.join(folder, "strict"), open_peers=False)
        self.outward = LoopEdge(os.path.join(folder, "outward"))  # by default TCP goes out alone

    def stop(self):
        for edge in (self.edge, self.strict, self.outward):
            edge.stop()


def make(_args, folder):
    netns.enter()
    return Relay(folder)


class Peer:
    """Somebody on loopback who listens, and connects."""

    def __init__(self, case):
        self.case, self.ip = case, ports.loopback()
        self.listener = self._own(socket.create_server((self.ip, 0)))
        self.address = self.listener.getsockname()

    def _own(self, s):
        s.settimeout(tap.WAIT_S)
        self.case.undo.callback(s.close)
        return s

    def accept(self):
        return self._own(self.listener.accept()[0])

    def connect(self, to):
        return self._own(socket.create_connection(to, tap.WAIT_S, (self.ip, 0)))


def read(s, n):
    out = b""
    while len(out) < n:
        more = s.recv(1 << 16)
        if not more:
            break
        out += more
    return out


def another(case, client):
    """A further connection of the same user."""
    return case.site.edge.client(case, client.wire.transport, credential=client.credential)


def dialled(case, client, peer):
    """(the client's end, the peer's end) of a new connection to the peer."""
    joined = another(case, client).join(client.connect(peer.address))
    return joined, peer.accept()


def both_ways(joined, s):
    joined.raw(b"from the client")
    check_eq(read(s, 15), b"from the client", "what the peer gets")
    s.sendall(b"from the peer")
    check_eq(joined.read_bytes(13), b"from the peer", "what the client gets")


@over_streams
def a_client_connects_to_a_peer(case, transport):
    client = allocated(case, transport, tcp=True)
    for _ in range(JOINS):
        joined, s = dialled(case, client, Peer(case))
        check_eq(s.getpeername(), client.relayed[0], "whom the peer sees")
        both_ways(joined, s)


@over_streams
def a_peer_connects_to_a_client(case, transport):
    client, peer = allocated(case, transport, tcp=True), Peer(case)
    client.permit(peer.ip)
    for _ in range(JOINS):
        s = peer.connect(client.relayed[0])
        s.sendall(b"early ")
        sender, connection = client.attempt()
        check_eq(sender, s.getsockname(), "who has connected")
        joined = another(case, client).join(connection)
        check_eq(joined.read_bytes(6), b"early ", "what was said before")
        both_ways(joined, s)


@over_streams
def who_has_no_permission_is_not_let_in(case, transport):
    client, stranger, peer = allocated(case, transport, tcp=True), Peer(case), Peer(case)
    client.permit(peer.ip)
    check_eq(read(stranger.connect(client.relayed[0]), 1), b"", "the stranger's connection ends")
    s = peer.connect(client.relayed[0])
    check_eq(client.attempt()[0], s.getsockname(), "the first that is told")


@over_streams
def peers_outside_are_let_in_only_if_that_is_set(case, transport):
    edge, peer = case.site.outward, Peer(case)
    client, other = (allocated(case, transport, edge, tcp=True) for _ in range(2))
    client.permit(peer.ip, edge.external)
    check_eq(read(peer.connect(client.relayed[0]), 1), b"", "the connection ends")
    connection = other.connect(client.relayed[0])  # another client of this edge
    sender, its = client.attempt()
    check_eq(sender, other.relayed[0], "the first that is told")
    ends = [edge.client(case, transport, credential=c.credential).join(n)
            for c, n in ((client, its), (other, connection))]
    for a, b in (ends, reversed(ends)):
        a.raw(b"hello")
        check_eq(b.read_bytes(5), b"hello", "what comes")


@over_streams
def much_arrives_whole_though_the_reader_is_late(case, transport):
    client, peer = allocated(case, transport, tcp=True), Peer(case)
    joined, s = dialled(case, client, peer)
    for write, reader, what in ((s.sendall, joined.read_bytes, "to the client"),
                                (joined.raw, lambda n: read(s, n), "to the peer")):
        thread = threading.Thread(target=write, args=(MUCH,), daemon=True)
        thread.start()
        check_eq(client.refresh(), 600, "the allocation is served meanwhile")
        check(reader(len(MUCH)) == MUCH, f"{what}: what was sent")
        thread.join()


@over_streams
def the_end_of_either_end_is_that_of_the_other(case, transport):
    client = allocated(case, transport, tcp=True)
    joined, s = dialled(case, client, Peer(case))
    s.sendall(b"the last")
    s.close()
    check_eq(joined.read_bytes(100), b"the last", "what comes before the end")
    joined, s = dialled(case, client, Peer(case))
    joined.raw(b"the last")
    joined.wire.close()
    check_eq(read(s, 100), b"the last", "what comes before the end")
    joined, s = dialled(case, client, Peer(case))
    client.wire.close()  # and with it the allocation
    check_eq((joined.read_bytes(1), read(s, 1)), (b"", b""), "both ends")


@over_streams
def a_tcp_allocation_has_nothing_of_udps(case, transport):
    client = case.site.edge.client(case, transport)
    for attribute in ((stun.EVEN_PORT, b"\0"), (stun.RESERVATION_TOKEN, bytes(range(8))),
                      (stun.ADDITIONAL_ADDRESS_FAMILY, bytes([stun.IPV6, 0, 0, 0]))):
        refused(client.signed(stun.ALLOCATE, [WANT_TCP, attribute]), 400)
    client.allocate(tcp=True)
    refused(client.signed(stun.CHANNEL_BIND, [channel(CHANNEL), to_peer(("127.0.0.1", 9))]), 400)


@tap.test
def a_client_over_udp_has_no_tcp_allocation(case):
    refused(case.site.edge.client(case).signed(stun.ALLOCATE, [WANT_TCP]), 400)
    client = allocated(case)
    refused(client.signed(stun.CONNECT, [to_peer(("127.0.0.1", 9))]), 400)
    refused(client.signed(stun.CONNECTION_BIND, [(stun.CONNECTION_ID, bytes(4))]), 400)


@over_streams
def connections_to_peers_are_refused_with_a_reason(case, transport):
    client, peer = allocated(case, transport, tcp=True), Peer(case)
    refused(client.signed(stun.CONNECT), 400)
    refused(client.signed(stun.CONNECT, [to_peer(("::1", 9))]), 443)
    for port in (0, 25, 1023):  # services of hosts are not for clients of a relay
        refused(client.signed(stun.CONNECT, [to_peer((peer.ip, port))]), 403)
    gone = Peer(case)
    gone.listener.close()
    refused(client.signed(stun.CONNECT, [to_peer(gone.address)]), 447)
    client.connect(peer.address)
    refused(client.signed(stun.CONNECT, [to_peer(peer.address)]), 446)
    refused(allocated(case, transport).signed(stun.CONNECT, [to_peer(peer.address)]), 400)
    strict = allocated(case, transport, case.site.strict, tcp=True)
    for ip in ("127.0.0.1", "10.0.0.1", "169.254.1.1", "224.0.0.1", case.site.strict.external):
        refused(strict.signed(stun.CONNECT, [to_peer((ip, 9))]), 403)


@over_streams
def a_connection_is_joined_once_by_its_user_alone(case, transport):
    client, peer = allocated(case, transport, tcp=True), Peer(case)
    connection = client.connect(peer.address)
    bind = [(stun.CONNECTION_ID, connection)]
    refused(client.signed(stun.CONNECTION_BIND, bind), 400)  # it has the allocation
    refused(another(case, client).signed(stun.CONNECTION_BIND), 400)
    refused(another(case, client).signed(stun.CONNECTION_BIND, [(stun.CONNECTION_ID,
                                                                 b"\xff\xff\xff\xff")]), 400)
    for _ in range(JOINS):
        refused(case.site.edge.client(case, transport).signed(stun.CONNECTION_BIND, bind), 400)
    joined = another(case, client).join(connection)
    for _ in range(JOINS):
        refused(another(case, client).signed(stun.CONNECTION_BIND, bind), 400)
    both_ways(joined, peer.accept())


@over_streams
def connections_end_at_their_number(case, transport):
    client = allocated(case, transport, tcp=True)
    peers = [Peer(case) for _ in range(CONNECTIONS_MAX + 1)]
    joined, _ = dialled(case, client, peers[1])
    for peer in peers[2:]:
        client.connect(peer.address)
    refused(client.signed(stun.CONNECT, [to_peer(peers[0].address)]), 508)
    joined.wire.close()

    def again():
        answer = client.signed(stun.CONNECT, [to_peer(peers[0].address)])
        return answer.kind == stun.SUCCESS
    wait_for(again, "room for another")


if __name__ == "__main__":
    tap.main(make)
