#!/usr/bin/python3
"""A client whose machine or cable is gone says nothing: it is found out within a named time."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import netns, site, tap  # noqa: E402
from lib.siptext import Phone  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402

KEEPALIVE_S = 5
# STREAM_UNACKED_MAX_S + STREAM_PROBE_AGAIN_S, and a little for a busy machine.
FOUND_S = KEEPALIVE_S + 40 + 10


def make(args, folder):
    netns.enter()
    return site.Site(args, folder, settings=f"tcp-keepalive = {KEEPALIVE_S} s\n")


@tap.test
def a_client_that_vanished_is_signed_off(case):
    server = case.site.server
    there, here = case.own(case.site.net.host()), case.own(case.site.net.host())
    users = case.site.users("tcp", "tls", "stays")
    with there.entered():
        gone = [case.own(Phone(server, u, t)).sign_in() for u, t in zip(users, ("tcp", "tls"))]
    with here.entered():
        stays = case.own(Phone(server, users[2], "tls")).sign_in()
    check_eq([len(server.endpoints(u)) for u in users], [1, 1, 1], "endpoints before")
    there.cut()
    began = time.monotonic()
    for p in gone:
        wait_for(lambda p=p: not server.endpoints(p.user), f"{p.user.name} to be signed off",
                 max(1, FOUND_S - (time.monotonic() - began)))
    answer = stays.message(users[0].uri, "x")
    check_eq(answer.code, 202, "a message to who has gone is kept")
    check_eq(len(server.endpoints(users[2])), 1, "who stayed silent but is there")
    check(not stays.closed, "a connection that lives was ended")


if __name__ == "__main__":
    tap.main(make)
