#!/usr/bin/python3
"""Calls of two Lync clients, pidgin-sipe, where nothing gets from one to the other but by the A/V
edge (AV-13, AV-14): each asks for its credentials by itself.

| what                                          | way                                        |
|-----------------------------------------------|--------------------------------------------|
| sound both ways                               | by the edge                                |
| sound both ways                               | by a relay at each end                     |
| picture both ways                             | by the edge                                |
| hold and resume                               | by the edge                                |
| sound both ways, no UDP at one or both        | the edge's TCP                             |
| with a phone, which calls and is called       | the edge, from the media bridge; and by a  |
|                                               | relay at each end                          |
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop import relay  # noqa: E402
from interop.phones import (BARESIP, LINPHONEC, connect, hang_up, sign_in,  # noqa: E402
                            talk_and_hang_up)
from interop.sipe import Sipe, see_each_other, two_with_pictures  # noqa: E402
from lib import netns, site, tap  # noqa: E402
from lib.tap import check_eq, wait_for  # noqa: E402


def make(args, folder):
    netns.enter()
    return site.Site(args, folder, edge="processes = 2\nopen-peers = 10.0.0.0/8\n"
                     "port-bandwidth = 0\nuser-bandwidth = 0\n")


def two(case):
    alice, bob = case.site.users("alice", "bob")
    a, b = sign_in(case, (Sipe, alice, "tls"), (Sipe, bob, "tls"))
    relay.part(a, b)
    return a, b


def allocations(case, client):
    return [a for a in case.site.server.json("allocation", "list")
            if a["user"] == client.user.uri[4:]]


def wait_relayed(case, *clients):
    """By an allocation of one of them goes more than checks of ICE: sound."""
    def now():
        return [a["packets_in"] for c in clients for a in allocations(case, c)]
    wait_for(lambda: any(n > 100 for n in now()), lambda: f"sound by the relay: {now()}")


def both_hear(a, b):
    connect(a, b)
    a.wait_sound()
    b.wait_sound()


@tap.test
def two_hear_each_other_by_the_relay(case):
    a, b = two(case)
    both_hear(a, b)
    wait_relayed(case, a, b)
    talk_and_hang_up(a, b)  # libnice leaves its allocations over UDP to expire


@tap.test
def two_hear_each_other_by_a_relay_at_each_end(case):
    a, b = two(case)
    relay.hide(a, b)
    both_hear(a, b)
    wait_relayed(case, a)
    wait_relayed(case, b)
    talk_and_hang_up(a, b)


@tap.test
def two_see_each_other_by_the_relay(case):
    a, b = two_with_pictures(case)
    relay.part(a, b)
    see_each_other(a, b)
    wait_relayed(case, a, b)
    hang_up(a, b)


@tap.test
def a_call_by_the_relay_is_held_and_taken_back(case):
    a, b = two(case)
    both_hear(a, b)
    wait_relayed(case, a, b)
    marks = a.mark(), b.mark()
    a.hold()
    b.wait_held(marks[1])
    a.wait_hold_done(marks[0])
    marks = a.mark(), b.mark()
    a.resume()
    b.wait_resumed(marks[1])
    b.wait_heard(a.tone, after=marks[1])
    a.wait_heard(b.tone, after=marks[0])
    hang_up(a, b)


def without_udp(case, *barred):
    """A call of two, of whom those numbered so have no UDP."""
    pair = two(case)
    relay.hide(*pair)
    relay.bar_udp(*(pair[i] for i in barred))
    both_hear(*pair)
    for i in barred:
        check_eq({a["transport"] for a in allocations(case, pair[i])}, {"tcp"}, "its transports")
        wait_relayed(case, pair[i])
    talk_and_hang_up(*pair)


@tap.test
def a_caller_without_udp_is_relayed_by_tcp(case):
    without_udp(case, 0)


@tap.test
def a_called_one_without_udp_is_relayed_by_tcp(case):
    without_udp(case, 1)


@tap.test
def two_without_udp_are_relayed_by_tcp(case):
    without_udp(case, 0, 1)


def client_and_phone(case, kind, hidden):
    """hidden: no relayed address reaches the client's machine either."""
    wait_for(lambda: all(row["relay_ready"] > 0 for row in case.site.server.json("bridge", "status")),
             "addresses of the relay for the media bridge")
    alice, bob = case.site.users("alice", "bob")
    a, = sign_in(case, (Sipe, alice, "tls"))
    b = kind(case, bob, "tcp", tone=620)
    b.tone = 620
    b.wait_registered()
    relay.bar_bridge(a)
    if hidden:
        relay.hide(a)
    return a, b


def with_phone(kind, hidden):
    name = kind.__name__.lower()
    way = "by_a_relay_at_each_end" if hidden else "by_the_relay"

    def both(case, caller, callee):
        both_hear(caller, callee)
        calls = [c for c in case.site.server.json("bridge", "list") if c["state"] == "up"]
        check_eq(["used" in (c["caller"]["relay"], c["called"]["relay"]) for c in calls], [True],
                 f"the way of the media: {calls}")
        talk_and_hang_up(caller, callee)

    def calls(case):
        a, b = client_and_phone(case, kind, hidden)
        both(case, a, b)
    calls.__name__ = f"a_client_calls_{name}_{way}"
    tap.test(alone=True)(calls)

    def is_called(case):
        a, b = client_and_phone(case, kind, hidden)
        both(case, b, a)
    is_called.__name__ = f"{name}_calls_a_client_{way}"
    tap.test(alone=True)(is_called)


with_phone(LINPHONEC, False)
with_phone(BARESIP, True)


if __name__ == "__main__":
    tap.main(make)
