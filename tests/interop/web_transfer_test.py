#!/usr/bin/python3
"""Poster row CL-02: a call to the reception is put through by the switchboard's page; who hears whom
then is listened to."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop import webpage  # noqa: E402
from interop.chromium import CALLED, CALLER, wait_heard  # noqa: E402
from interop.webpage import find, person  # noqa: E402
from lib import site, tap  # noqa: E402
from lib.tap import check_eq, wait_for  # noqa: E402

DESK = {**CALLED, "hz": 613}


def make(args, folder):
    site.netns.enter()
    return webpage.Browsers(args, folder, edge="open-peers = 10.0.0.0/8\n")


def up(p):
    wait_for(lambda: p.run("document.querySelector('.call')?.dataset.phase") == "up",
             lambda: f"a call that is up: {p.text()}")


def no_call(p):
    wait_for(lambda: p.run("document.querySelector('.call') === null"), lambda: f"no call: {p.text()}")


def reception(case):
    """alice calls the reception, whose page is the switchboard."""
    a, alice = person(case, "alice", CALLER)
    desk, who = person(case, "carol", DESK)
    b, bob = person(case, "bob", CALLED)
    desk.press("Calls")
    desk.press("Switchboard")
    desk.wait("No call waits")
    find(a, who)
    a.press("Call ")
    desk.press(f"Answer {alice.name}")
    for p, other in ((a, DESK), (desk, CALLER)):
        up(p)
        wait_heard(p, other)
    a.user, desk.user, b.user = alice, who, bob
    return a, desk, b


def put_through(desk, b):
    desk.write("Find somebody", b.user.name)
    chosen = "document.querySelector('.tile[aria-selected=true]')?.innerText ?? ''"
    wait_for(lambda: b.user.name in desk.run(chosen), lambda: f"{b.user.name} is found: {desk.text()}")
    desk.key("Enter")
    b.wait("is calling")
    desk.wait("Transferring to")


@tap.test
def a_call_is_put_through(case):
    a, desk, b = reception(case)
    put_through(desk, b)
    a.wait("transfers you")
    b.press("Answer")
    up(b)
    desk.wait(f"is connected to {b.user.name}")
    wait_heard(a, CALLED)
    wait_heard(b, CALLER)
    no_call(desk)
    b.press("Hang up")
    a.wait_gone("Hang up")


@tap.test
def who_declines_leaves_the_two_together(case):
    a, desk, b = reception(case)
    put_through(desk, b)
    b.press("Decline with words")
    b.press("I'm in a meeting")
    desk.wait(f"has declined. You are in the call with {a.user.name}")
    a.wait(f"has declined. You are in the call with {desk.user.name}")
    wait_heard(a, DESK)
    wait_heard(desk, CALLER)
    # Once more, and this time it is taken.
    put_through(desk, b)
    b.press("Answer")
    wait_heard(a, CALLED)
    wait_heard(b, CALLER)
    no_call(desk)


@tap.test
def the_caller_gives_up_meanwhile(case):
    a, desk, b = reception(case)
    put_through(desk, b)
    a.wait("transfers you")
    a.press("Hang up")
    b.wait_gone("is calling")
    desk.wait_gone("Hang up")
    no_call(a)


@tap.test(alone=True)
def a_transfer_goes_on_when_the_web_process_is_killed(case):
    a, desk, b = reception(case)
    put_through(desk, b)
    a.wait("Ringing")
    case.site.server.kill_role("web", 1)
    for p in (a, desk, b):
        wait_for(lambda p=p: case.site.server.endpoints(p.user), "the page is back")
    # Nobody can tell the reception any more, but the two come together.
    desk.wait("it is not known what became of the transfer")
    b.press("Answer")
    wait_heard(a, CALLED)
    wait_heard(b, CALLER)
    no_call(desk)
    check_eq(a.run("document.querySelectorAll('.call').length"), 1, "one call is left")


if __name__ == "__main__":
    tap.main(make)
