#!/usr/bin/python3
"""What sipp says exactly: retransmission, re-INVITE, session timers, refusals, CANCEL; over UDP
between two sipp, every call with a challenge round.

| what                                                          | caller scenario     | called scenario       |
|---------------------------------------------------------------|---------------------|-----------------------|
| a call                                                        | call                | answer                |
| 50 calls                                                      | call                | answer                |
| two re-INVITEs                                                | call_reinvite       | answer_reinvite       |
| two lost 200s: the third arrives too                          | call_lost_200       | answer                |
| INVITE and BYE are said again to a phone that does not hear   | call                | answer_late           |
| an INVITE said twice reaches the phone once                   | call_twice          | answer_after_ringing  |
| session timer headers pass through, and UPDATE                | call_timer          | answer_timer          |
| 422 with Min-SE passes through                                | call_interval_small | answer_interval_small |
| CANCEL                                                        | call_cancel         | ring_until_cancel     |
| 486                                                           | call_refused        | refuse                |
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop import sipp  # noqa: E402
from lib import site, tap  # noqa: E402

MANY = 50


def _pair(case, calling, answering, calls=1, called=None, caller=None):
    """Plays the two scenarios against each other through the server."""
    alice, bob = case.site.users("alice", "bob")
    host = sipp.register(case, bob)
    b = sipp.Sipp(case, answering, bob, host=host, calls=calls, **(called or {}))
    b.wait_listening()
    a = sipp.Sipp(case, calling, alice, target=bob.name, calls=calls, **(caller or {}))
    a.wait_done()
    b.wait_done()
    return a, b


@tap.test
def sipp_calls_sipp(case):
    _pair(case, "call", "answer")


@tap.test
def sipp_makes_many_calls(case):
    _pair(case, "call", "answer", calls=MANY, caller={"rate": 25})


@tap.test
def two_re_invites_pass_through(case):
    _pair(case, "call_reinvite", "answer_reinvite")


@tap.test
def retransmitted_200s_reach_a_caller_who_lost_the_first_two(case):
    _pair(case, "call_lost_200", "answer", caller={"retransmit": False})


@tap.test
def invite_and_bye_are_said_again_until_the_phone_answers(case):
    _pair(case, "call", "answer_late", called={"retransmit": False})


@tap.test
def an_invite_said_twice_reaches_the_phone_once(case):
    _, b = _pair(case, "call_twice", "answer_after_ringing", called={"retransmit": False},
                 caller={"retransmit": False})
    tap.check_eq(b.messages().count("\nINVITE sip:"), 1, "INVITEs that the phone got")


@tap.test
def session_timer_headers_and_update_pass_through(case):
    _pair(case, "call_timer", "answer_timer")


@tap.test
def a_session_interval_that_is_too_small_is_told_to_the_caller(case):
    _pair(case, "call_interval_small", "answer_interval_small")


@tap.test
def sipp_cancels_and_gets_487(case):
    _pair(case, "call_cancel", "ring_until_cancel")


@tap.test
def sipp_is_busy_and_the_caller_gets_486(case):
    _pair(case, "call_refused", "refuse")


if __name__ == "__main__":
    tap.main(site.make)
