#!/usr/bin/python3
"""Calls of two Lync clients, pidgin-sipe, where nothing gets from one to the other but by the A/V
edge (AV-13, AV-14): each asks for its credentials by itself."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop.phones import connect, sign_in, talk_and_hang_up  # noqa: E402
from interop.sipe import Sipe  # noqa: E402
from lib import netns, proc, site, tap  # noqa: E402
from lib.tap import wait_for  # noqa: E402


def make(args, folder):
    netns.enter()
    s = site.Site(args, folder, edge="processes = 2\nopen-peers = 10.0.0.0/8\n"
                  "port-bandwidth = 0\nuser-bandwidth = 0\n")
    # Each client is a host of its own, and reaches the server alone.
    proc.must(["iptables", "-A", "FORWARD", "-j", "DROP"])
    return s


def relayed(case):
    """Allocations, as (user, packets from peers)."""
    return [(a["user"], a["packets_in"]) for a in case.site.server.json("allocation", "list")]


@tap.test
def two_hear_each_other_by_the_relay(case):
    alice, bob = case.site.users("alice", "bob")
    a, b = sign_in(case, (Sipe, alice, "tls"), (Sipe, bob, "tls"))
    connect(a, b)
    a.wait_sound()
    b.wait_sound()
    names = {u.uri[4:] for u in (alice, bob)}
    wait_for(lambda: any(n > 100 for user, n in relayed(case) if user in names),
             lambda: f"sound by the relay: {relayed(case)}")
    talk_and_hang_up(a, b)  # libnice leaves its allocations over UDP to expire


if __name__ == "__main__":
    tap.main(make)
