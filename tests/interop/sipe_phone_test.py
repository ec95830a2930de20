#!/usr/bin/python3
"""Calls between the Lync client pidgin-sipe and SIP phones, through the media bridge (EV-01, AV-10);
the sound is checked by its content.

| what                                       | caller                  | called                  |
|--------------------------------------------|-------------------------|-------------------------|
| sound both ways, the caller hangs up       | pidgin-sipe             | linphonec, baresip      |
| the same                                   | linphonec, baresip      | pidgin-sipe             |
| the same, phones that insist on SRTP       | both ways               | linphonec, baresip      |
| the called one hangs up                    | pidgin-sipe             | linphonec               |
| hold and resume by the client              | pidgin-sipe             | linphonec               |
| hold and resume by the phone               | linphonec               | pidgin-sipe             |
| both devices of a user ring, one answers   | linphonec               | pidgin-sipe and baresip |
| CANCEL while it rings; a decline           | both ways               | linphonec               |
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop.phones import (BARESIP, LINPHONEC, connect, hang_up, sign_in,  # noqa: E402
                            talk_and_hang_up)
from interop.sipe import Sipe  # noqa: E402
from lib import site, tap  # noqa: E402


def client_and_phone(case, kind, transport, **options):
    alice, bob = case.site.users("alice", "bob")
    a, = sign_in(case, (Sipe, alice, "tls"))
    b = kind(case, bob, transport, tone=620, **options)
    b.tone = 620
    b.wait_registered()
    return a, b


def no_calls_left(case):
    tap.wait_for(lambda: not case.site.server.json("bridge", "list"), "a media bridge without calls")


def _talk(kind, transport, **options):
    name = kind.__name__.lower() + "".join(f"_with_{o}" for o in options)

    def calls(case):
        a, b = client_and_phone(case, kind, transport, **options)
        connect(a, b)
        talk_and_hang_up(a, b)
    calls.__name__ = f"a_client_calls_{name}_and_both_hear_the_other"
    tap.test(calls)

    def is_called(case):
        a, b = client_and_phone(case, kind, transport, **options)
        connect(b, a)
        talk_and_hang_up(b, a)
    is_called.__name__ = f"{name}_calls_a_client_and_both_hear_the_other"
    tap.test(is_called)


_talk(LINPHONEC, "tcp")
_talk(LINPHONEC, "tls", srtp=True)
_talk(BARESIP, "udp")
_talk(BARESIP, "tcp", srtp=True)


@tap.test
def the_called_phone_hangs_up(case):
    a, b = client_and_phone(case, LINPHONEC, "udp")
    connect(a, b)
    a.wait_sound()
    hang_up(b, a)


@tap.test
def a_client_holds_a_phone_and_takes_it_back(case):
    a, b = client_and_phone(case, LINPHONEC, "tcp")
    connect(a, b)
    a.wait_sound()
    marks = a.mark(), b.mark()
    a.hold()
    a.wait_hold_done(marks[0])
    b.wait_held(marks[1])
    marks = a.mark(), b.mark()
    a.resume()
    b.wait_resumed(marks[1])
    a.wait_heard(b.tone, after=marks[0])
    hang_up(a, b)


@tap.test
def a_phone_holds_a_client_and_takes_it_back(case):
    a, b = client_and_phone(case, LINPHONEC, "tcp")
    connect(b, a)
    a.wait_sound()
    mark, its = a.mark(), b.mark()
    b.hold()
    a.wait_held(mark)
    b.wait_hold_done(its)  # before that it takes no call back
    mark = a.mark()
    b.resume()
    a.wait_resumed(mark)
    a.wait_heard(b.tone, after=mark)
    hang_up(b, a)


@tap.test
def both_devices_of_a_user_ring_and_the_one_that_answers_has_the_call(case):
    alice, bob = case.site.users("alice", "bob")
    caller, = sign_in(case, (LINPHONEC, alice, "tcp"))
    client = Sipe(case, bob, tone=620)
    client.tone = 620
    phone = BARESIP(case, bob, "udp", tone=1000)
    for device in (client, phone):
        device.wait_registered()
    marks = client.mark(), phone.mark()
    caller.call(bob.uri)
    client.wait_ringing(marks[0])
    phone.wait_ringing(marks[1])
    client.answer()
    phone.wait_ended(marks[1])
    client.wait_in_call(marks[0])
    talk_and_hang_up(caller, client)


@tap.test
def a_client_gives_up_while_the_phone_rings(case):
    a, b = client_and_phone(case, LINPHONEC, "tcp")
    mark = b.mark()
    a.call(b.user.uri)
    b.wait_ringing(mark)
    hang_up(a, b)


@tap.test
def a_phone_gives_up_while_the_client_rings(case):
    a, b = client_and_phone(case, LINPHONEC, "tcp")
    mark = a.mark()
    b.call(a.user.uri)
    a.wait_ringing(mark)
    hang_up(b, a)


@tap.test
def a_call_that_a_client_declines_is_told_to_the_phone(case):
    a, b = client_and_phone(case, LINPHONEC, "tcp")
    marks = a.mark(), b.mark()
    b.call(a.user.uri)
    a.wait_ringing(marks[0])
    a.decline()
    b.wait_ended(marks[1])


@tap.test(alone=True)
def nothing_is_left_of_calls_that_are_over(case):
    no_calls_left(case)
    a, b = client_and_phone(case, BARESIP, "udp")
    connect(a, b)
    a.wait_sound()
    calls = case.site.server.json("bridge", "list")
    tap.check(len(calls) == 1 and calls[0]["state"] == "up", f"one call is up: {calls}")
    tap.check(calls[0]["caller"]["dialect"] == "lync" and calls[0]["caller"]["in"] > 0 and
              calls[0]["called"]["in"] > 0, f"packets of both: {calls}")
    hang_up(a, b)
    no_calls_left(case)


@tap.test(alone=True)
def a_call_whose_bridge_was_killed_can_be_ended_and_made_again(case):
    a, b = client_and_phone(case, LINPHONEC, "tcp")
    connect(a, b)
    a.wait_sound()
    for number in range(1, case.site.server.bridges + 1):
        case.site.server.kill_role("media-bridge", number)
    tap.wait_for(lambda: all(r["state"] == "running" for r in case.site.server.roles()),
                 "running roles")
    hang_up(a, b)
    connect(b, a)
    talk_and_hang_up(b, a)


if __name__ == "__main__":
    tap.main(site.make)
