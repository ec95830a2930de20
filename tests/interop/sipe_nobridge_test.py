#!/usr/bin/python3
"""Without a media bridge a call between pidgin-sipe and a SIP phone is refused with a reason, before
anybody is silent; a device that can talk rings."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop.phones import BARESIP, LINPHONEC, sign_in, connect, talk_and_hang_up  # noqa: E402
from interop.sipe import Sipe  # noqa: E402
from lib import netns, site, tap  # noqa: E402
from lib.server import Server  # noqa: E402

REASON = "need a media bridge, and none is running here"


@tap.test
def a_call_to_a_phone_is_refused_and_told(case):
    alice, bob = case.site.users("alice", "bob")
    a, b = sign_in(case, (Sipe, alice, "tls"), (LINPHONEC, bob, "tcp"))
    marks = a.mark(), b.mark()
    a.call(bob.uri)
    a.wait_event("notice", marks[0], kind="error", secondary=re.compile("(?i)encryption"))
    a.wait_log(REASON)
    story = case.site.server.tool("explain", alice.name, bob.name)
    tap.check("no media bridge is running" in story, story)
    said = case.site.server.tool("bridge", "list", ok=False)
    tap.check("No process of the role media-bridge runs" in said, said)
    a.wait_ended(marks[0])


@tap.test
def a_call_of_a_phone_is_refused(case):
    alice, bob = case.site.users("alice", "bob")
    a, b = sign_in(case, (Sipe, alice, "tls"), (BARESIP, bob, "udp"))
    mark = b.mark()
    b.call(alice.uri)
    b.wait_ended(mark)
    tap.check(not any(e["event"] == "incoming-call" for e in a.events()), "it does not ring")


@tap.test
def the_phone_of_a_user_rings_and_the_client_does_not(case):
    alice, bob = case.site.users("alice", "bob")
    client, = sign_in(case, (Sipe, bob, "tls"))
    caller, phone = sign_in(case, (LINPHONEC, alice, "tcp"), (BARESIP, bob, "udp"))
    connect(caller, phone)
    talk_and_hang_up(caller, phone)
    tap.check(not any(e["event"] == "incoming-call" for e in client.events()), "it does not ring")


def make(args, folder):
    netns.enter()

    def server(*words, **options):
        return Server(*words, bridges=0, **options)
    return site.Site(args, folder, make_server=server)


if __name__ == "__main__":
    tap.main(make)
