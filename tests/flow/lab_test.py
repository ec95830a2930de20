#!/usr/bin/python3
"""The laboratory's networks are what they are called: a test that passes in one of them says
something."""
import contextlib
import os
import select
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import lab, netns, stun, tap  # noqa: E402
from lib.tap import check, check_eq  # noqa: E402

SETTINGS = ()

LOSS, LOSS_OF = 20, 400  # percent; datagrams
DELAY_MS = 50
SITES = [lab.Site("cone", nat="cone"), lab.Site("address", nat="address"),
         lab.Site("port", nat="port"), lab.Site("symmetric", nat="symmetric"),
         lab.Site("routed"), lab.Site("no-udp", nat="symmetric", udp=False),
         lab.Site("web", nat="symmetric", udp=False, tcp={443}), lab.Site("six", v4=False),
         lab.Site("lossy", nat="port", loss=LOSS), lab.Site("slow", nat="port", delay_ms=DELAY_MS)]
EDGES = [lab.Place("edge"), lab.Place("inner", natted=True)]


class Site:
    def __init__(self):
        self.lab = lab.Lab(SITES, EDGES)
        netns.ip_tool("addr", "add", "203.0.113.2/24", "dev", "pub")  # a second host outside

    def stop(self):
        self.lab.stop()
        check_eq(os.listdir("/run/netns"), [], "machines that are left")


def make(_args, _folder):
    netns.enter()
    return Site()


def opened(case, ip, machine=None, kind=socket.SOCK_DGRAM, port=0):
    with machine.entered() if machine else contextlib.nullcontext():
        s = socket.socket(stun.family_of(ip), kind)
    case.undo.callback(s.close)
    s.bind((ip, port))
    s.settimeout(tap.WAIT_S)
    return s


def inner(case, name):
    """A socket of the site's client."""
    place = case.site.lab.site(name)
    return opened(case, place.ip or place.ip6, place.machine)


def outer(case):
    """Two ports of one host outside, and one of another."""
    return [opened(case, ip) for ip in (lab.INTERNET, lab.INTERNET, "203.0.113.2")]


def arrived(s):
    """All that is there by now."""
    out = []
    while select.select([s], [], [], 0)[0]:
        out.append(s.recv(2000))
    return out


def _is_seen_as(case, name):
    """Where the client is seen by the three outside; (the client, its addresses)."""
    client, outside = inner(case, name), outer(case)
    seen = []
    for s in outside:
        client.sendto(b"hello", s.getsockname())
        seen.append(s.recvfrom(100)[1])
    return client, outside, seen


def _maps(name, many):
    def run(case):
        client, _, seen = _is_seen_as(case, name)
        place = case.site.lab.site(name)
        wanted = place.outer if place.ip.startswith("192.168.") else place.ip
        check_eq({ip for ip, _ in seen}, {wanted}, "the address that is seen")
        check_eq(len(set(seen)), 3 if many else 1, f"ports: {seen}")
        check_eq(client.getsockname()[1] in {p for _, p in seen}, not many, "the port is kept")
    run.__name__ = f"a_socket_behind_{name}_is_seen_at_{'three ports' if many else 'one port'}"
    tap.test(run)


for _name, _many in (("cone", False), ("address", False), ("port", False), ("routed", False),
                     ("symmetric", True)):
    _maps(_name, _many)


def _opens(name, port, host):
    """Who has sent to one port outside is heard by it; may another port or host send too?"""
    def run(case):
        client, (known, *others) = inner(case, name), outer(case)
        client.sendto(b"hello", known.getsockname())
        _, seen = known.recvfrom(100)
        for s, text in zip(others, (b"another port", b"another host")):
            s.sendto(text, seen)
        known.sendto(b"who is known", seen)
        got = [client.recv(100)]
        while got[-1] != b"who is known":  # all take the same way, one after the other
            got.append(client.recv(100))
        wanted = [b"another port"] * port + [b"another host"] * host + [b"who is known"]
        check_eq(got, wanted, "what comes in")
    run.__name__ = f"what_{name}_lets_in"
    tap.test(run)


for _row in (("cone", True, True), ("address", True, False), ("port", False, False),
             ("symmetric", False, False), ("routed", False, False)):
    _opens(*_row)


def connects(case, name, port):
    """TCP from the site to that port outside."""
    machine = case.site.lab.site(name).machine
    with opened(case, lab.INTERNET, kind=socket.SOCK_STREAM, port=port) as listener:
        listener.listen()
        with machine.entered(), contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(listener.getsockname(), tap.WAIT_S).close()
            return True
    return False


@tap.test
def without_udp_tcp_passes(case):
    client, (known, *_) = inner(case, "no-udp"), outer(case)
    client.sendto(b"hello", known.getsockname())
    check(connects(case, "no-udp", 8080), "TCP")
    check_eq(arrived(known), [], "datagrams outside")


@tap.test
def where_only_443_is_open_nothing_else_passes(case):
    client, (known, *_) = inner(case, "web"), outer(case)
    client.sendto(b"hello", known.getsockname())
    check(connects(case, "web", 443), "TCP to 443")
    check(not connects(case, "web", 8443), "TCP to 8443 does not pass")
    check_eq(arrived(known), [], "datagrams outside")


@tap.test
def an_edge_behind_one_to_one_nat_is_reached_at_the_outer_address_from_outside_alone(case):
    place = case.site.lab.edges["inner"]
    s = opened(case, place.ip, place.machine)
    where = (place.external, s.getsockname()[1])
    other = outer(case)[0]
    other.sendto(b"from outside", where)
    got, seen = s.recvfrom(100)
    check_eq((got, seen), (b"from outside", other.getsockname()), "what comes in")
    s.sendto(b"back", seen)
    check_eq(other.recvfrom(100), (b"back", where), "what goes out")
    s.sendto(b"to itself", where)  # no hairpin
    other.sendto(b"from outside again", where)
    check_eq(s.recv(100), b"from outside again", "the next that comes in")


@tap.test
def a_site_without_ipv4_has_ipv6(case):
    if not lab.has_ipv6():
        tap.skip("no IPv6 in this kernel")
    client = inner(case, "six")
    s = opened(case, lab.INTERNET6)
    client.sendto(b"hello", s.getsockname())
    check_eq(s.recvfrom(100)[1][:2], client.getsockname()[:2], "who is seen")
    old = opened(case, "0.0.0.0", case.site.lab.site("six").machine)
    try:
        old.sendto(b"hello", (lab.INTERNET, 9))
    except OSError:
        return
    raise AssertionError("IPv4 goes out")


@tap.test
def a_lossy_network_loses_some(case):
    client, (known, *_) = inner(case, "lossy"), outer(case)
    for _ in range(LOSS_OF):
        client.sendto(b"hello", known.getsockname())
    n = len(arrived(known))
    check(0 < n < LOSS_OF, f"{n} of {LOSS_OF} arrive")


@tap.test
def a_slow_network_takes_its_time_both_ways(case):
    client, (known, *_) = inner(case, "slow"), outer(case)
    began = time.monotonic()
    client.sendto(b"hello", known.getsockname())
    known.sendto(b"back", known.recvfrom(100)[1])
    check_eq(client.recv(100), b"back", "what comes back")
    check(time.monotonic() - began >= 2 * DELAY_MS / 1000, "the way there and back takes its time")


if __name__ == "__main__":
    tap.main(make)
