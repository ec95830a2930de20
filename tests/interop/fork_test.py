#!/usr/bin/python3
"""A user with several phones: all ring, one answers, the others fall silent.

| what                                | caller        | phones of the called user                  |
|-------------------------------------|---------------|--------------------------------------------|
| linphonec answers                   | linphonec UDP | linphonec TLS, baresip TCP, linphonec UDP  |
| baresip answers                     | baresip TLS   | baresip UDP, linphonec TCP                 |
| one declines with 603: all stop     | baresip TCP   | linphonec UDP, baresip TLS                 |
| one is busy, the other answers      | linphonec TCP | baresip UDP, linphonec TLS                 |
| the caller gives up: all stop       | linphonec TLS | linphonec TCP, baresip UDP                 |
| 3 sipp phones, one answers          | sipp UDP      | sipp UDP                                   |
| all sipp phones are busy: 486       | sipp UDP      | sipp UDP                                   |
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop import sipp  # noqa: E402
from interop.phones import BARESIP, LINPHONEC, sign_in, talk_and_hang_up  # noqa: E402
from lib import site, tap  # noqa: E402


def _ring_all(caller, phones):
    caller.call(phones[0].user.uri)
    for phone in phones:
        phone.wait_ringing()
    caller.wait_ringback()


def _answer(caller, phones, one):
    marks = {p: p.mark() for p in phones}
    one.answer()
    one.wait_in_call()
    caller.wait_in_call()
    for phone in phones:
        if phone is not one:
            phone.wait_ended(marks[phone])
    talk_and_hang_up(caller, one)


@tap.test
def three_phones_ring_linphonec_answers_and_the_others_fall_silent(case):
    alice, bob = case.site.users("alice", "bob")
    a, *phones = sign_in(case, (LINPHONEC, alice, "udp"), (LINPHONEC, bob, "tls"),
                         (BARESIP, bob, "tcp"), (LINPHONEC, bob, "udp"))
    _ring_all(a, phones)
    _answer(a, phones, phones[0])


@tap.test
def two_phones_ring_baresip_answers_and_linphonec_falls_silent(case):
    alice, bob = case.site.users("alice", "bob")
    a, *phones = sign_in(case, (BARESIP, alice, "tls"), (BARESIP, bob, "udp"),
                         (LINPHONEC, bob, "tcp"))
    _ring_all(a, phones)
    _answer(a, phones, phones[0])


@tap.test
def a_decline_of_one_phone_stops_all(case):
    alice, bob = case.site.users("alice", "bob")
    a, *phones = sign_in(case, (BARESIP, alice, "tcp"), (LINPHONEC, bob, "udp"),
                         (BARESIP, bob, "tls"))
    _ring_all(a, phones)
    phones[0].decline()
    phones[1].wait_ended()
    a.wait_event("CALL_CLOSED", param="603")


@tap.test
def one_phone_is_busy_and_the_other_answers(case):
    alice, bob = case.site.users("alice", "bob")
    a, *phones = sign_in(case, (LINPHONEC, alice, "tcp"), (BARESIP, bob, "udp"),
                         (LINPHONEC, bob, "tls"))
    _ring_all(a, phones)
    phones[0].busy()
    phones[0].wait_ended()
    _answer(a, phones[1:], phones[1])


@tap.test
def the_caller_gives_up_and_all_phones_fall_silent(case):
    alice, bob = case.site.users("alice", "bob")
    a, *phones = sign_in(case, (LINPHONEC, alice, "tls"), (LINPHONEC, bob, "tcp"),
                         (BARESIP, bob, "udp"))
    _ring_all(a, phones)
    a.hang_up()
    for phone in phones:
        phone.wait_ended()
    a.wait_status("INVITE", "487")


def _sipp_phones(case, user, scenarios, **kw):
    out = []
    for scenario in scenarios:
        host = sipp.register(case, user)
        out.append(sipp.Sipp(case, scenario, user, host=host, **kw))
    for phone in out:
        phone.wait_listening()
    return out


@tap.test
def of_three_sipp_phones_one_answers_and_the_others_get_cancel(case):
    alice, bob = case.site.users("alice", "bob")
    phones = _sipp_phones(case, bob, ["answer_after_ringing", "ring_until_cancel",
                                      "ring_until_cancel"])
    caller = sipp.Sipp(case, "call", alice, target=bob.name)
    for phone in [caller, *phones]:
        phone.wait_done()


@tap.test
def all_sipp_phones_are_busy_and_the_caller_gets_486(case):
    alice, bob = case.site.users("alice", "bob")
    phones = _sipp_phones(case, bob, ["refuse", "refuse"])
    caller = sipp.Sipp(case, "call_refused", alice, target=bob.name)
    for phone in [caller, *phones]:
        phone.wait_done()


if __name__ == "__main__":
    tap.main(site.make)
