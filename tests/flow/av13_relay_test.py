#!/usr/bin/python3
"""The relay as RFC 8656 has it: each request and each refusal over UDP, TCP and TLS, by a client
that can also say what no client would."""
import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import lab, netns, stun, tap  # noqa: E402
from lib.edge import LoopEdge  # noqa: E402
from lib.relaying import (WANT_UDP, Peer, allocated, channel, over_all,  # noqa: E402
                          over_streams, refused, to_peer)
from lib.tap import check, check_eq  # noqa: E402

SETTINGS = ()

FIRST_PORT, LAST_PORT = 50000, 59999
PERMISSIONS_MAX = 64
CHANNEL, OTHER_CHANNEL = 0x4001, 0x4002
MANY = 400  # requests: more than are read at once, and than a user may have served at once


class Relay:
    def __init__(self, folder):
        if netns.inside():
            netns.prepare()
        self.edge = LoopEdge(os.path.join(folder, "edge"), "user-allocations-max = 5\n")
        self.strict = LoopEdge(os.path.join(folder, "strict"), open_peers=False)

    def stop(self):
        self.edge.stop()
        self.strict.stop()


def make(_args, folder):
    netns.enter()
    return Relay(folder)


# --- who is known


@over_all
def who_shows_no_credentials_is_challenged(case, transport):
    for method in (stun.ALLOCATE, stun.REFRESH, stun.CREATE_PERMISSION, stun.CHANNEL_BIND):
        answer = refused(case.site.edge.client(case, transport).once(method, [WANT_UDP]), 401)
        check_eq(answer.get(stun.REALM), case.site.edge.server.realm.encode(), "the realm")
        check(answer.get(stun.NONCE), "a nonce")


@over_all
def wrong_credentials_are_challenged_again(case, transport):
    edge = case.site.edge
    good, other = edge.credential(), edge.credential()
    for bad in (good._replace(password=other.password), good._replace(username=other.username),
                good._replace(username=good.username[:-8] + "AAAAAAA="),
                good._replace(username="alice"), good._replace(username="\xff" * 400)):
        client = edge.client(case, transport, credential=bad)
        refused(client.signed(stun.ALLOCATE, [WANT_UDP]), 401)


@over_all
def a_signature_without_name_realm_or_nonce_is_a_bad_request(case, transport):
    client = case.site.edge.client(case, transport)
    refused(client.signed(stun.REFRESH), 437)
    for missing in ("username", "realm", "nonce"):
        attributes = [WANT_UDP, *client.identity(**{missing: None})]
        refused(client.once(stun.ALLOCATE, attributes, client.key), 400, known=False)


@over_all
def a_changed_message_is_not_the_users(case, transport):
    client = case.site.edge.client(case, transport)
    refused(client.signed(stun.REFRESH), 437)
    tid = stun.new_id()
    data = bytearray(stun.message(stun.REQUEST, stun.ALLOCATE, [WANT_UDP, *client.identity()], tid,
                                  client.key))
    data[27] ^= 1  # RFFU of REQUESTED-TRANSPORT
    client.raw(bytes(data))
    refused(client.answer_to(tid, bytes(data)), 401)


@over_all
def a_nonce_that_is_not_ours_is_stale(case, transport):
    edge, client = case.site.edge, case.site.edge.client(case, transport)
    elsewhere = edge.client(case, transport, credential=client.credential)
    refused(client.signed(stun.REFRESH), 437)
    refused(elsewhere.signed(stun.REFRESH), 437)
    for nonce in ("x", "0" * 24, elsewhere.nonce):
        answer = client.once(stun.ALLOCATE, [WANT_UDP, *client.identity(nonce=nonce)], client.key)
        refused(answer, 438)
        check(answer.get(stun.NONCE) and answer.get(stun.REALM), "a nonce that is good")
    client.nonce = "x"
    check_eq(client.allocate().wire.transport, transport, "the client takes the new one")


@over_all
def an_allocation_is_its_users_alone(case, transport):
    client, other = allocated(case, transport), case.site.edge.credential()
    own, client.credential, client.nonce = client.credential, other, None
    refused(client.signed(stun.REFRESH), 441)
    refused(client.signed(stun.CREATE_PERMISSION, [to_peer(("127.0.0.1", 0))]), 441)
    client.credential, client.nonce = own, None
    check_eq(client.refresh(), 600, "its own user's refresh")


# --- allocations


@over_all
def an_allocation_has_an_address_and_a_lifetime(case, transport):
    client = allocated(case, transport)
    (ip, port), = client.relayed
    check_eq(ip, case.site.edge.external, "the relayed address")
    check(FIRST_PORT <= port <= LAST_PORT, f"port {port}")
    check_eq(client.mapped, client.wire.s.getsockname(), "the client's own address")
    check_eq(client.lifetime, 600, "the lifetime")


@over_all
def lifetimes_have_bounds(case, transport):
    for wanted, given in ((0, 600), (60, 600), (1800, 1800), (1 << 31, 3600)):
        client = allocated(case, transport, lifetime=wanted)
        check_eq(client.lifetime, given, f"of {wanted}")
        check_eq(client.refresh(max(1, wanted)), given, f"of {wanted} in a refresh")
    edge = case.site.edge
    late = edge.client(case, transport, credential=edge.credential(seconds=60)).allocate()
    check(late.lifetime <= 60, f"{late.lifetime} s, longer than the credentials'")


@over_all
def a_refresh_with_lifetime_0_ends_it(case, transport):
    client = allocated(case, transport)
    relayed = client.relayed[0]
    check_eq(client.refresh(0), 0, "the answer")
    refused(client.signed(stun.REFRESH), 437)
    refused(client.signed(stun.CREATE_PERMISSION, [to_peer(("127.0.0.1", 0))]), 437)
    refused(client.signed(stun.CHANNEL_BIND, [channel(CHANNEL), to_peer(("127.0.0.1", 9))]), 437)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(relayed)  # the port is free
    client.allocate()


@over_all
def a_second_allocation_of_one_address_is_a_mismatch(case, transport):
    client = allocated(case, transport)
    refused(client.signed(stun.ALLOCATE, [WANT_UDP]), 437)


@over_streams
def requests_that_come_at_once_are_all_answered(case, transport):
    client = allocated(case, transport)
    ids = [stun.new_id() for _ in range(MANY)]
    client.raw(b"".join(stun.message(stun.REQUEST, stun.REFRESH, client.identity(), tid, client.key)
                        for tid in ids))
    for tid in ids:
        check_eq(client.answer_to(tid).kind, stun.SUCCESS, "the answer")


@over_all
def an_allocate_that_comes_twice_is_answered_twice(case, transport):
    client = case.site.edge.client(case, transport)
    refused(client.signed(stun.REFRESH), 437)
    tid = stun.new_id()
    attributes = [WANT_UDP, *client.identity()]
    data = stun.message(stun.REQUEST, stun.ALLOCATE, attributes, tid, client.key)
    addresses = set()
    for _ in range(3):
        client.raw(data)
        answer = client.answer_to(tid, data)
        check_eq(answer.kind, stun.SUCCESS, "the answer")
        addresses.add(answer.addresses(stun.XOR_RELAYED_ADDRESS)[0])
    check_eq(len(addresses), 1, "one allocation")


@over_all
def an_allocate_must_make_sense(case, transport):
    client, token = case.site.edge.client(case, transport), bytes(range(8))
    even = (stun.EVEN_PORT, b"\x80")
    six = (stun.ADDITIONAL_ADDRESS_FAMILY, bytes([stun.IPV6, 0, 0, 0]))
    family = (stun.REQUESTED_ADDRESS_FAMILY, bytes([stun.IPV4, 0, 0, 0]))
    for attributes in ([], [(stun.REQUESTED_TRANSPORT, b"\x11")],
                       [WANT_UDP, even, (stun.RESERVATION_TOKEN, token)],
                       [WANT_UDP, family, (stun.RESERVATION_TOKEN, token)],
                       [WANT_UDP, six, (stun.RESERVATION_TOKEN, token)],
                       [WANT_UDP, six, even], [WANT_UDP, six, family],
                       [WANT_UDP, (stun.ADDITIONAL_ADDRESS_FAMILY, bytes([stun.IPV4, 0, 0, 0]))]):
        refused(client.signed(stun.ALLOCATE, attributes), 400)
    refused(client.signed(stun.ALLOCATE, [(stun.REQUESTED_TRANSPORT, bytes([33, 0, 0, 0]))]), 442)
    refused(client.signed(stun.ALLOCATE, [
        WANT_UDP, (stun.REQUESTED_ADDRESS_FAMILY, bytes([3, 0, 0, 0]))]), 440)
    refused(client.signed(stun.ALLOCATE, [WANT_UDP, (stun.RESERVATION_TOKEN, token)]), 508)
    client.allocate()


@over_all
def a_family_that_the_relay_has_not_is_not_supported(case, transport):
    client = case.site.edge.client(case, transport)
    six = bytes([stun.IPV6, 0, 0, 0])
    refused(client.signed(stun.ALLOCATE, [WANT_UDP, (stun.REQUESTED_ADDRESS_FAMILY, six)]), 440)
    answer = client.ask(stun.ALLOCATE, [WANT_UDP, (stun.ADDITIONAL_ADDRESS_FAMILY, six)])
    check_eq(answer.get(stun.ADDRESS_ERROR_CODE), bytes([stun.IPV6, 0, 4, 40]),
             "why there is no second address")
    check_eq(len(answer.addresses(stun.XOR_RELAYED_ADDRESS)), 1, "addresses")


@over_all
def what_must_be_understood_and_is_not_is_named(case, transport):
    client = allocated(case, transport)
    for method in (stun.ALLOCATE, stun.REFRESH, stun.CREATE_PERMISSION, stun.CHANNEL_BIND):
        answer = refused(client.signed(method, [WANT_UDP, (0x7001, b""), (0x9001, b"optional"),
                                                (0x7002, b"x")]), 420)
        check_eq(answer.unknown(), [0x7001, 0x7002], "their types")


@over_all
def an_unknown_method_is_a_bad_request(case, transport):
    refused(case.site.edge.client(case, transport).once(0x2A), 400, known=False)


@over_all
def a_user_has_so_many_allocations_and_no_more(case, transport):
    edge = case.site.edge
    credential = edge.credential()
    held = [edge.client(case, transport, credential=credential).allocate() for _ in range(5)]
    one_more = edge.client(case, transport, credential=credential)
    refused(one_more.signed(stun.ALLOCATE, [WANT_UDP]), 486)
    allocated(case, transport)  # another user
    held[0].refresh(0)
    one_more.allocate()


@over_all
def ports_come_in_pairs(case, transport):
    edge = case.site.edge
    credential = edge.credential()
    even = edge.client(case, transport, credential=credential).allocate(even=False)
    check_eq(even.relayed[0][1] % 2, 0, "an even port")
    first = edge.client(case, transport, credential=credential).allocate(even=True)
    ip, port = first.relayed[0]
    check_eq(port % 2, 0, "an even port")
    refused(edge.client(case, transport).signed(
        stun.ALLOCATE, [WANT_UDP, (stun.RESERVATION_TOKEN, first.token)]), 508)  # somebody else
    second = edge.client(case, "udp", credential=credential).allocate(token=first.token)
    check_eq(second.relayed[0], (ip, port + 1), "the port that was kept")


# --- permissions and channels


@over_all
def permissions_need_peers(case, transport):
    client = allocated(case, transport)
    refused(client.signed(stun.CREATE_PERMISSION), 400)
    refused(client.signed(stun.CREATE_PERMISSION, [(stun.XOR_PEER_ADDRESS, b"\0\1\0\0")]), 400)
    refused(client.signed(stun.CREATE_PERMISSION, [to_peer(("::1", 9))]), 443)
    refused(client.signed(stun.CHANNEL_BIND, [channel(CHANNEL), to_peer(("::1", 9))]), 443)
    refused(client.signed(stun.REFRESH, [
        (stun.REQUESTED_ADDRESS_FAMILY, bytes([stun.IPV6, 0, 0, 0]))]), 443)


@over_all
def permissions_end_at_their_number(case, transport):
    client = allocated(case, transport)
    for i in range(PERMISSIONS_MAX):
        client.permit(f"127.200.0.{i + 1}")
    client.permit("127.200.0.1")  # is there
    refused(client.signed(stun.CREATE_PERMISSION, [to_peer(("127.200.1.1", 0))]), 508)
    refused(client.signed(stun.CHANNEL_BIND, [channel(CHANNEL), to_peer(("127.200.1.1", 9))]), 508)


@over_all
def nobody_gets_through_without_permission(case, transport):
    client, known, stranger = allocated(case, transport), Peer(case), Peer(case)
    relayed = client.relayed[0]
    client.send(known.address, b"before the permission")
    known.send(relayed, b"before the permission")
    client.refresh()  # when it is answered, what came before it has been looked at
    client.permit(known.ip)
    client.send(stranger.address, b"to a stranger")
    client.send(known.address, b"hello")
    check_eq(known.receive(), (relayed, b"hello"), "what the peer gets first")
    stranger.send(relayed, b"from a stranger")
    known.send(relayed, b"back")
    check_eq(client.receive(), (known.address, b"back"), "what the client gets first")
    other_port = Peer(case, known.ip)  # a permission is for a host
    other_port.send(relayed, b"from another port")
    check_eq(client.receive(), (other_port.address, b"from another port"), "the same host")
    client.permit(stranger.ip)
    client.send(stranger.address, b"now")
    check_eq(stranger.receive(), (relayed, b"now"), "what the stranger gets first")


@over_all
def one_request_permits_several_peers_or_none(case, transport):
    client, a, b = allocated(case, transport), Peer(case), Peer(case)
    refused(client.signed(stun.CREATE_PERMISSION,
                          [to_peer(a.address), to_peer(("224.0.0.1", 0))]), 403)
    a.send(client.relayed[0], b"not permitted")
    client.refresh()
    client.permit(b.ip, a.ip)
    for peer in (b, a):
        peer.send(client.relayed[0], b"permitted")
        check_eq(client.receive(), (peer.address, b"permitted"), "what comes")


@over_all
def channels_are_bound_once(case, transport):
    client, a, b = allocated(case, transport), Peer(case), Peer(case)
    for number in (0, 0x3FFF, 0x8000, 0xFFFF):
        refused(client.signed(stun.CHANNEL_BIND, [channel(number), to_peer(a.address)]), 400)
    refused(client.signed(stun.CHANNEL_BIND, [channel(CHANNEL)]), 400)
    refused(client.signed(stun.CHANNEL_BIND, [to_peer(a.address)]), 400)
    refused(client.signed(stun.CHANNEL_BIND, [channel(CHANNEL), to_peer((a.ip, 0))]), 400)
    client.bind(CHANNEL, a.address)
    client.bind(CHANNEL, a.address)  # again
    for number, peer in ((CHANNEL, b), (OTHER_CHANNEL, a)):
        refused(client.signed(stun.CHANNEL_BIND, [channel(number), to_peer(peer.address)]), 400)
    client.bind(OTHER_CHANNEL, b.address)
    for peer in (a, b):
        client.send(peer.address, b"hello")
        check_eq(peer.receive(), (client.relayed[0], b"hello"), "what the peer gets")


@over_all
def a_channel_is_a_permission_and_its_data_come_by_it(case, transport):
    client, peer, other = allocated(case, transport), Peer(case), Peer(case)
    client.bind(CHANNEL, peer.address)
    peer.send(client.relayed[0], b"hello")
    frame = client.wire.read(time.monotonic() + tap.WAIT_S)
    check_eq(frame[:9], struct.pack("!HH", CHANNEL, 5) + b"hello", "ChannelData")
    client.permit(other.ip)
    other.send(client.relayed[0], b"hello")
    message = stun.Message(client.wire.read(time.monotonic() + tap.WAIT_S))
    check_eq((message.kind, message.method), (stun.INDICATION, stun.DATA_INDICATION), "a message")
    client.send_channel(OTHER_CHANNEL, b"by a channel that is not bound")
    client.send_indication(peer.address, b"by an indication all the same")
    check_eq(peer.receive()[1], b"by an indication all the same", "what the peer gets first")


@over_all
def data_of_every_length_pass_both_ways(case, transport):
    client, peer = allocated(case, transport), Peer(case)
    client.permit(peer.ip)
    for bound in (False, True):
        if bound:
            client.bind(CHANNEL, peer.address)
        for n in (0, 1, 2, 3, 4, 5, 172, 1200, 1472, 9000):
            data = bytes(i % 251 for i in range(n))
            client.send(peer.address, data)
            check_eq(peer.receive(), (client.relayed[0], data), f"{n} bytes to the peer")
            peer.send(client.relayed[0], data)
            check_eq(client.receive(), (peer.address, data), f"{n} bytes to the client")


@over_all
def clients_of_the_relay_reach_each_other(case, transport):
    """With default settings, though the relay is on loopback: a live relayed address is a peer."""
    one, other = (allocated(case, transport, case.site.strict) for _ in range(2))
    for client, peer in ((one, other), (other, one)):
        client.permit(peer.relayed[0][0])
    for client, peer in ((one, other), (other, one)):
        client.send(peer.relayed[0], b"hello")
        check_eq(peer.receive(), (client.relayed[0], b"hello"), "what comes")


# --- whom nobody may reach

PRIVATE = ("127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.1.1",
           "169.254.1.1", "100.64.0.1", "192.0.0.1", "0.0.0.0", "0.1.2.3", "224.0.0.1",
           "239.255.255.250", "240.0.0.1", "255.255.255.255")
PRIVATE_6 = ("::1", "::", "fe80::1", "fc00::1", "fd12:3456::1", "ff02::1", "::ffff:127.0.0.1",
             "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1")


@over_all
def private_and_special_peers_are_forbidden(case, transport):
    client = allocated(case, transport, case.site.strict)
    for ip in PRIVATE:
        refused(client.signed(stun.CREATE_PERMISSION, [to_peer((ip, 0))]), 403)
        refused(client.signed(stun.CHANNEL_BIND, [channel(CHANNEL), to_peer((ip, 9))]), 403)
    client.permit("192.0.2.1", "198.51.100.1", "203.0.113.1")  # nothing is sent there


@tap.test
def private_and_special_peers_of_ipv6_are_forbidden(case):
    if not lab.has_ipv6():
        tap.skip("no IPv6 in this kernel")
    edge = case.own(LoopEdge(case.dir, "relay-addresses = 127.0.0.1, ::1\n", open_peers=False))
    client = allocated(case, edge=edge, family=stun.IPV6)
    for ip in PRIVATE_6[1:]:  # ::1 is the relay's own here
        refused(client.signed(stun.CREATE_PERMISSION, [to_peer((ip, 0))]), 403)
        refused(client.signed(stun.CHANNEL_BIND, [channel(CHANNEL), to_peer((ip, 9))]), 403)
    client.permit("2001:db8::1")


@over_all
def the_edges_own_address_is_a_peer_by_its_relayed_ports_alone(case, transport):
    edge = case.site.strict
    client, other = (allocated(case, transport, edge) for _ in range(2))
    service = Peer(case, edge.external)  # something else on that machine
    client.permit(edge.external)
    other.permit(edge.external)
    client.send(service.address, b"to a service")
    client.send((edge.external, edge.ports["udp"]), b"to the relay itself")
    client.send(other.relayed[0], b"to a client")
    check_eq(other.receive(), (client.relayed[0], b"to a client"), "what the client gets")
    Peer(case).send(service.address, b"from elsewhere")
    check_eq(service.receive()[1], b"from elsewhere", "what the service gets first")


if __name__ == "__main__":
    tap.main(make)
