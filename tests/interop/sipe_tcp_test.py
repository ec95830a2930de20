#!/usr/bin/python3
"""pidgin-sipe over TCP, where the topology allows NTLM without TLS (`ntlm = any`): signed all the same."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop.phones import connect, sign_in, talk_and_hang_up  # noqa: E402
from interop.sipe import Sipe  # noqa: E402
from lib import netns, site, tap  # noqa: E402


@tap.test
def two_sign_in_over_tcp_write_and_call(case):
    alice, bob = case.site.users("alice", "bob")
    a, b = sign_in(case, (Sipe, alice, "tcp"), (Sipe, bob, "tcp"))
    for client in (a, b):
        (endpoint,) = case.site.server.endpoints(client.user)
        tap.check("tcp" in endpoint["via"], f"{endpoint}")
    a.send(bob.uri, "over TCP")
    b.wait_received(re.compile("over TCP"))
    connect(a, b)
    talk_and_hang_up(a, b)
    tap.check("signature mismatch" not in a.log().lower(), "every message is signed rightly")


def make(args, folder):
    netns.enter()
    return site.Site(args, folder, settings="ntlm = any\n")


if __name__ == "__main__":
    tap.main(make)
