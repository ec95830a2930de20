#!/usr/bin/python3
"""Calls of the Lync client pidgin-sipe with its like (EV-01, AV-10); the sound is checked by its
content.

| what                                  | caller          | called               |
|---------------------------------------|-----------------|----------------------|
| sound both ways, the caller hangs up  | pidgin-sipe     | pidgin-sipe          |
| the called one hangs up               | pidgin-sipe     | pidgin-sipe          |
| hold and resume                       | pidgin-sipe     | pidgin-sipe          |
| picture both ways                     | pidgin-sipe     | pidgin-sipe          |
| decline: is told                      | pidgin-sipe     | pidgin-sipe          |
| CANCEL while it rings                 | pidgin-sipe     | pidgin-sipe          |
| nobody there: is told                 | pidgin-sipe     | -                    |

Calls with phones: sipe_phone_test.py.
"""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop.phones import connect, hang_up, sign_in, talk_and_hang_up  # noqa: E402
from interop.sipe import Sipe, see_each_other, two_with_pictures  # noqa: E402
from lib import site, tap  # noqa: E402


def two(case):
    alice, bob = case.site.users("alice", "bob")
    return sign_in(case, (Sipe, alice, "tls"), (Sipe, bob, "tls"))


@tap.test
def two_call_each_other_and_both_hear_the_other(case):
    a, b = two(case)
    connect(a, b)
    talk_and_hang_up(a, b)


@tap.test
def the_called_one_hangs_up(case):
    a, b = two(case)
    connect(a, b)
    a.wait_sound()
    hang_up(b, a)


@tap.test
def a_call_is_held_and_taken_back(case):
    a, b = two(case)
    connect(a, b)
    a.wait_sound()
    b.wait_sound()
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


@tap.test
def two_see_each_other(case):
    a, b = two_with_pictures(case)
    see_each_other(a, b)
    hang_up(a, b)


@tap.test
def a_declined_call_is_told(case):
    a, b = two(case)
    marks = a.mark(), b.mark()
    a.call(b.user.uri)
    b.wait_ringing(marks[1])
    b.decline()
    a.wait_event("notice", marks[0], kind="error", primary="Call rejected")
    a.wait_ended(marks[0])


@tap.test
def a_call_is_cancelled_while_it_rings(case):
    a, b = two(case)
    mark = b.mark()
    a.call(b.user.uri)
    b.wait_ringing(mark)
    hang_up(a, b)


@tap.test
def a_call_to_a_signed_out_user_is_told(case):
    a = Sipe(case, case.site.user("alice"))
    a.wait_registered()
    mark = a.mark()
    a.call(case.site.user("bob").uri)
    a.wait_event("notice", mark, kind="error", secondary=re.compile("not available"))


if __name__ == "__main__":
    tap.main(site.make)
