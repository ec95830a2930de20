#!/usr/bin/python3
"""Two people on pidgin-sipe and one on linphone write to each other and call each other, and all do
it again after the front ends have been killed in between."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop.phones import LINPHONEC, connect, sign_in, talk_and_hang_up  # noqa: E402
from interop.sipe import Sipe  # noqa: E402
from lib import site, tap  # noqa: E402


def everybody_writes(a, b, c, word):
    for sender in (a, b, c):
        for receiver in (a, b, c):
            if sender is receiver:
                continue
            text = f"{word} from {sender.user.name} to {receiver.user.name}"
            sender.send(receiver.user.uri, text)
            if receiver is c:
                receiver.wait_received(text, sender.user.uri)
            else:
                receiver.wait_received(re.compile(re.escape(text)))


def everybody_calls(a, b, c):
    for caller, called in ((a, b), (a, c), (c, b)):
        connect(caller, called)
        talk_and_hang_up(caller, called)


def come_back(case, client, mark):
    """What Pidgin does by itself: it signs in again."""
    client.wait_refused(mark)
    mark = client.mark()
    client.sign_on()
    client.wait_registered(mark)


@tap.test
def three_people_talk_on_after_the_front_ends_were_killed(case):
    alice, bob, carol = case.site.users("alice", "bob", "carol")
    a, b, c = sign_in(case, (Sipe, alice, "tls"), (Sipe, bob, "tls"), (LINPHONEC, carol, "tls"))
    everybody_writes(a, b, c, "before")
    everybody_calls(a, b, c)
    marks = a.mark(), b.mark(), c.mark()
    for number in range(1, case.site.frontends + 1):
        case.site.server.kill_role("frontend", number)
    tap.wait_for(lambda: all(r["state"] == "running" for r in case.site.server.roles()),
                 "running roles")
    come_back(case, a, marks[0])
    come_back(case, b, marks[1])
    c.wait_registered_again(marks[2])
    everybody_writes(a, b, c, "after")
    everybody_calls(b, a, c)


if __name__ == "__main__":
    tap.main(site.make)
