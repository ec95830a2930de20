#!/usr/bin/python3
"""The A/V edge besides what RFC 8656 asks of it: limits, commands, what it writes down, its faces,
and what is no message."""
import itertools
import os
import socket
import ssl
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import lab, metrics, netns, ports, stun, tap  # noqa: E402
from lib.edge import LoopEdge  # noqa: E402
from lib.relaying import (WANT_UDP, Peer, allocated, over_all, over_streams,  # noqa: E402
                          refused)
from lib.tap import check, check_eq, wait_for  # noqa: E402
from lib.turn import Gone  # noqa: E402

SETTINGS = ()

CHANNEL = 0x4001
PACKET = bytes(1200)
FLOOD = 200               # packets at once
LIMIT_KBPS = 100          # of the edges whose limit is tried
STRANGER_BURST, STRANGER_PER_S = 20, 5
WAITING_MAX = 1024        # connections without an allocation


class Relay:
    def __init__(self, folder):
        self.folder, self.numbers = folder, itertools.count(1)
        if netns.inside():
            netns.prepare()
        self.edge = LoopEdge(os.path.join(folder, "edge"))

    def stop(self):
        self.edge.stop()


def make(_args, folder):
    netns.enter()
    return Relay(folder)


def own_edge(case, *args, **kw):
    """One for this test, in a folder with a short name: paths of sockets have an end."""
    folder = os.path.join(case.site.folder, str(next(case.site.numbers)))
    return case.own(LoopEdge(folder, *args, **kw))


def row_of(edge, user):
    rows = edge.server.json("allocation", "list", user)
    return rows[0] if rows else None


def of_user(case, edge, transport="udp"):
    """(user, client with an allocation)"""
    user = edge.user()
    return user, edge.client(case, transport, user=user).allocate()


def works(client, peer):
    """Both ways, by whatever way the client has."""
    client.send(peer.address, b"hello")
    check_eq(peer.receive(), (client.relayed[0], b"hello"), "what the peer gets")
    peer.send(client.relayed[0], b"back")
    check_eq(client.receive(), (peer.address, b"back"), "what the client gets")


# --- limits


def bound(began):
    """Bytes that may have passed since then: those of a second, and what came with time."""
    return LIMIT_KBPS * 125 * (1 + time.monotonic() - began)


@tap.test
def what_is_above_the_limit_of_an_allocation_is_dropped(case):
    edge = own_edge(case, f"port-bandwidth = {LIMIT_KBPS}\n")
    (user, client), peer = of_user(case, edge), Peer(case)
    client.permit(peer.ip)
    began = time.monotonic()
    for _ in range(FLOOD):
        client.send(peer.address, PACKET)
    row = wait_for(lambda: (row_of(edge, user) or {}).get("dropped") and row_of(edge, user),
                   "dropped packets")
    check(0 < row["bytes_out"] <= bound(began), f"to the peer: {row}")
    began, dropped = time.monotonic(), row["dropped"]
    for _ in range(FLOOD):
        peer.send(client.relayed[0], PACKET)
    row = wait_for(lambda: row_of(edge, user)["dropped"] > dropped and row_of(edge, user),
                   "packets dropped on the way back")
    check(row["bytes_in"] <= bound(began), f"to the client: {row}")

    def again():
        client.send(peer.address, b"again")
        return b"again" in peer.arrived()
    wait_for(again, "a packet that passes again")


@tap.test
def the_limit_of_a_user_is_that_of_all_allocations_together(case):
    edge = own_edge(case, f"port-bandwidth = 0\nuser-bandwidth = {LIMIT_KBPS}\n")
    user, one = of_user(case, edge)
    two, (_, other), peer = edge.client(case, user=user).allocate(), of_user(case, edge), Peer(case)
    began = time.monotonic()
    for client in (one, two):
        client.permit(peer.ip)
        for _ in range(FLOOD):
            client.send(peer.address, PACKET)
    rows = wait_for(lambda: all(r["dropped"] for r in edge.server.json("allocation", "list", user))
                    and edge.server.json("allocation", "list", user), "packets of both dropped")
    check(sum(r["bytes_out"] for r in rows) <= bound(began), f"to the peer: {rows}")
    peer.arrived()
    other.permit(peer.ip)
    other.send(peer.address, b"of another user")
    wait_for(lambda: b"of another user" in peer.arrived(), "another user's packet")


@tap.test
def who_has_no_credentials_gets_few_answers(case):
    edge, source = case.site.edge, ports.loopback()
    known = edge.client(case, source=source).allocate()
    stranger = edge.client(case, source=source)
    began = time.monotonic()
    for _ in range(FLOOD):
        stranger.raw(stun.message(stun.REQUEST, stun.BINDING))
    edge.client(case).binding()  # from elsewhere: it is answered, and what came before it too
    while stranger.pump(time.monotonic()):
        pass
    most = STRANGER_BURST + STRANGER_PER_S * (1 + time.monotonic() - began)
    check(0 < len(stranger.answers) <= most, f"{len(stranger.answers)} of {FLOOD} are answered")
    check_eq(known.refresh(), 600, "who is known is served from the same address")


# --- commands, and what is written down


@tap.test(alone=True)
def draining_takes_no_new_allocations_and_keeps_the_old_ones(case):
    edge, peer = case.site.edge, Peer(case)
    _, client = of_user(case, edge)
    client.permit(peer.ip)
    case.undo.callback(edge.server.tool, "relay", "drain", "off")
    edge.server.tool("relay", "drain", "on")
    late = edge.client(case)
    refused(late.signed(stun.ALLOCATE, [WANT_UDP]), 486)
    works(client, peer)
    check_eq(client.refresh(), 600, "a refresh")
    check_eq([r["draining"] for r in edge.server.json("relay", "status")], [True], "the status")
    edge.server.tool("relay", "drain", "off")
    late.allocate()


@over_all
def an_allocation_is_listed_and_written_down(case, transport):
    edge, peer = case.site.edge, Peer(case)
    user, client = of_user(case, edge, transport)
    client.permit(peer.ip)
    works(client, peer)
    ip, port = client.relayed[0]
    row = row_of(edge, user)
    wanted = {"user": f"{user}@example.test", "client": "%s:%d" % client.mapped,
              "transport": transport, "dialect": "turn", "relayed": f"{ip}:{port}", "peers": 1,
              "packets_in": 1, "packets_out": 1, "bytes_in": 4, "bytes_out": 5, "dropped": 0}
    check_eq({k: row[k] for k in wanted}, wanted, "the row")
    client.refresh(0)
    wait_for(lambda: row_of(edge, user) is None, "the end of the row")
    lines = [x for x in edge.server.p.text().splitlines() if f"user={user}@" in x]
    for event in ("allocation-began", "allocation-ended"):
        check(any(event in x and f"transport={transport}" in x and f"relayed={ip}:{port}" in x
                  for x in lines), f"{event} in {lines}")
    check(any('why="released"' in x and "bytes-in=4" in x for x in lines), f"why, in {lines}")


@over_all
def a_command_ends_the_allocations_of_a_user(case, transport):
    edge = case.site.edge
    (user, client), (_, other) = of_user(case, edge, transport), of_user(case, edge, transport)
    check_eq(edge.server.json("allocation", "end", user)["ended"], 1, "allocations")
    refused(client.signed(stun.REFRESH), 437)
    check_eq(other.refresh(), 600, "another user's")


@tap.test
def metrics_count_what_happens(case):
    port = ports.free()
    edge, peer = own_edge(case, metrics=port), Peer(case)
    _, client = of_user(case, edge, "tcp")
    client.permit(peer.ip)
    works(client, peer)
    client.send(("127.0.0.9", 9), b"without permission")
    client.refresh()
    now = metrics.scrape(port)
    got = {name: now.get(f"dialtone_relay_{name}") for name in (
        "allocations", "users", "ports_taken", "allocations_total", "packets_total", "bytes_total",
        "dropped_total", "connections", "credentials_total")}
    check_eq(got, {"allocations": 1, "users": 1, "ports_taken": 1, "allocations_total": 1,
                   "packets_total": 2, "bytes_total": 9, "dropped_total": 1, "connections": 1,
                   "credentials_total": 1}, "the figures")


@tap.test
def a_new_certificate_ends_no_allocation(case):
    edge, peer = own_edge(case), Peer(case)
    _, old = of_user(case, edge, "tls")
    old.permit(peer.ip)
    edge.server.tool("cert", "issue", "edge-av", "--renew")
    edge.server.reload()
    works(old, peer)
    _, new = of_user(case, edge, "tls")
    serials = [c.wire.s.getpeercert()["serialNumber"] for c in (old, new)]
    check(serials[0] != serials[1], f"the new connection has the new certificate: {serials}")


# --- IPv6


def _with_ipv6(case):
    if not lab.has_ipv6():
        tap.skip("no IPv6 in this kernel")
    return own_edge(case, v6=True)


@over_all
def one_allocation_has_addresses_of_both_families(case, transport):
    edge, peer, peer6 = _with_ipv6(case), Peer(case), Peer(case, "::1")
    client = allocated(case, transport, edge, both=True)
    check_eq([stun.family_of(ip) for ip, _ in client.relayed], [socket.AF_INET, socket.AF_INET6],
             "the families")
    client.permit(peer.ip, peer6.ip)
    for n, to in enumerate((peer, peer6)):
        client.send(to.address, b"hello")
        check_eq(to.receive(), (client.relayed[n], b"hello"), "what the peer gets")
        to.send(client.relayed[n], b"back")
        check_eq(client.receive(), (to.address, b"back"), "what the client gets")
    check_eq(client.refresh(0), 0, "its end")


@over_all
def clients_come_by_ipv6_to_peers_of_either(case, transport):
    edge = _with_ipv6(case)
    for family, peer in ((stun.IPV4, Peer(case)), (stun.IPV6, Peer(case, "::1"))):
        client = edge.client(case, transport, v6=True).allocate(family=family)
        check_eq(client.mapped[0], "::1", "the client's own address")
        client.permit(peer.ip)
        works(client, peer)
        client.bind(CHANNEL, peer.address)
        works(client, peer)


# --- what is no message


def head(number, length, cookie=stun.COOKIE):
    return struct.pack("!HHI", number, length, cookie) + stun.new_id()


def nonsense():
    """Datagrams that are nobody's."""
    good = stun.message(stun.REQUEST, stun.BINDING, fingerprint=True)
    changed = good[:-1] + bytes([good[-1] ^ 1])
    many = [(0x8000 + i, b"") for i in range(100)]
    return [b"", b"\0", head(1, 0)[:19], head(1, 4), head(1, 0) + bytes(4), head(1, 0, 0x12345678),
            head(1, 8) + struct.pack("!HH", stun.USERNAME, 400) + bytes(4),
            head(1, 2) + bytes(2), changed, head(0x8001, 0), head(0xC001, 0), bytes(1400),
            b"\xff" * 65000, stun.message(stun.REQUEST, stun.BINDING, many),
            struct.pack("!HH", 0x4001, 4) + b"data", struct.pack("!HH", 0x4001, 400) + b"data",
            struct.pack("!HH", 0x7FFF, 0), stun.message(stun.SUCCESS, stun.BINDING),
            stun.message(stun.ERROR, stun.ALLOCATE), stun.message(stun.INDICATION, stun.BINDING),
            stun.message(stun.INDICATION, stun.SEND), stun.message(stun.INDICATION, stun.ALLOCATE),
            stun.message(stun.INDICATION, stun.DATA_INDICATION, [(stun.DATA, b"x")])]


@tap.test
def nonsense_in_datagrams_gets_no_answer_and_harms_nobody(case):
    edge, peer = case.site.edge, Peer(case)
    stranger, client = edge.client(case), allocated(case)
    client.bind(CHANNEL, peer.address)
    for who in (stranger, client):
        for data in nonsense():
            if data[:2] != b"\x40\x01" or who is stranger:  # the client has that channel
                who.raw(data)
        who.binding()
        check_eq((len(who.answers), len(who.data)), (0, 0), "other answers")
    check_eq(peer.arrived(), [], "what comes to the peer")
    works(client, peer)


@tap.test
def a_message_with_a_right_fingerprint_is_answered(case):
    answer = case.site.edge.client(case).once(stun.BINDING, fingerprint=True)
    check_eq(answer.kind, stun.SUCCESS, "the answer")


BROKEN = (b"GET / HTTP/1.1\r\nHost: edge\r\n\r\n", b"\xff" * 64, bytes(64),
          b"SIP/2.0 200 OK\r\n\r\n", head(1, 0, 0x12345678), head(1, 3) + bytes(3), head(0x8001, 0))


def ends(client):
    """The server ends the connection, and says nothing before."""
    try:
        frame = client.wire.read(time.monotonic() + tap.WAIT_S)
    except (Gone, ssl.SSLError, ConnectionError):
        return
    raise AssertionError(f"instead of the end comes {frame}")


@over_streams
def nonsense_at_the_begin_ends_the_connection(case, transport):
    for data in BROKEN:
        client = case.site.edge.client(case, transport)
        client.raw(data)
        ends(client)
    allocated(case, transport)


@tap.test(alone=True)
def who_opens_many_connections_pushes_out_its_own(case):
    edge = case.site.edge
    early = edge.client(case, "tcp", source=ports.loopback())
    early.binding()
    flooder, flood = ports.loopback(), []
    try:
        for _ in range(WAITING_MAX + 100):
            flood.append(socket.create_connection(edge.address("tcp"), tap.WAIT_S,
                                                  source_address=(flooder, 0)))
        edge.client(case, "tcp", source=ports.loopback()).allocate()
        early.allocate()
        flood[0].settimeout(tap.WAIT_S)
        check_eq(flood[0].recv(1), b"", "the end of the flooder's first")
    finally:
        for s in flood:
            s.close()


@over_streams
def nonsense_later_ends_the_connection_and_its_allocation(case, transport):
    edge = case.site.edge
    _, other = of_user(case, edge, transport)
    for data in BROKEN:
        if 0x40 <= data[0] < 0x80:
            continue  # this may be ChannelData, whose rest is still to come
        user, client = of_user(case, edge, transport)
        client.raw(data)
        ends(client)
        wait_for(lambda u=user: row_of(edge, u) is None, "the end of its allocation")
    check_eq(other.refresh(), 600, "another client's refresh")


@over_streams
def the_end_of_a_connection_is_that_of_its_allocation(case, transport):
    edge = case.site.edge
    user, client = of_user(case, edge, transport)
    client.wire.close()
    wait_for(lambda: row_of(edge, user) is None, "the end of its allocation")
    lines = [x for x in edge.server.p.text().splitlines() if f"user={user}@" in x]
    check('why="connection ended"' in lines[-1], f"why, in {lines[-1]}")


@over_streams
def messages_come_in_any_pieces(case, transport):
    client, peer = case.site.edge.client(case, transport), Peer(case)
    tid = stun.new_id()
    for byte in stun.message(stun.REQUEST, stun.BINDING, tid=tid):
        client.raw(bytes([byte]))
    check_eq(client.answer_to(tid).kind, stun.SUCCESS, "the answer to single bytes")
    client.allocate().bind(CHANNEL, peer.address)
    ids = [stun.new_id() for _ in range(5)]
    client.raw(b"".join(stun.message(stun.REQUEST, stun.BINDING, tid=i) for i in ids) +
               struct.pack("!HH", CHANNEL, 3) + b"end\0")
    for tid in ids:
        check_eq(client.answer_to(tid).kind, stun.SUCCESS, "the answer to one of many")
    check_eq(peer.receive()[1], b"end", "the data behind them")


@tap.test
def what_was_overheard_is_of_no_use_elsewhere(case):
    edge = case.site.edge
    client, elsewhere = edge.client(case), edge.client(case)
    refused(client.signed(stun.REFRESH), 437)
    tid = stun.new_id()
    attributes = [WANT_UDP, *client.identity()]
    said = stun.message(stun.REQUEST, stun.ALLOCATE, attributes, tid, client.key)
    elsewhere.raw(said)
    refused(elsewhere.answer_to(tid, said), 438)
    client.raw(said)
    check_eq(client.answer_to(tid, said).kind, stun.SUCCESS, "from where it was said first")


if __name__ == "__main__":
    tap.main(make)
