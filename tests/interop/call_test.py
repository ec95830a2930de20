#!/usr/bin/python3
"""Calls between two phones; the sound is checked by its content: each hears the other's tone.

| what                                  | caller          | called          | over          |
|---------------------------------------|-----------------|-----------------|---------------|
| a call with sound both ways           | linphonec       | linphonec       | UDP, TCP, TLS |
| the same                              | linphonec       | baresip         | UDP, TCP, TLS |
| the same                              | baresip         | linphonec       | UDP, TCP, TLS |
| the same                              | baresip         | baresip         | UDP, TCP, TLS |
| the same, transports mixed            | linphonec TLS   | baresip UDP     |               |
| the called one hangs up               | linphonec       | baresip         | TCP           |
| hold and resume by the caller         | linphonec       | baresip         | UDP           |
| hold and resume by the caller         | baresip         | linphonec       | TLS           |
| hold and resume by the called one     | baresip         | linphonec       | TCP           |
| busy (486)                            | linphonec       | baresip         | UDP           |
| decline (603)                         | baresip         | linphonec       | TLS           |
| CANCEL while it rings                 | linphonec       | baresip         | TCP           |
| CANCEL while it rings                 | baresip         | linphonec       | UDP           |
| no such user (404)                    | baresip         | -               | TCP           |
| transfer (REFER) by the called one    | linphonec       | baresip, to linphonec | TCP     |
| transfer (REFER) by the called one    | baresip         | linphonec, to baresip | UDP     |
"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop.phones import (BARESIP, LINPHONEC, TRANSPORTS, connect, hang_up,  # noqa: E402
                            sign_in, talk_and_hang_up)
from lib import site, tap  # noqa: E402


def _call(from_kind, to_kind, from_transport, to_transport):
    def run(case):
        alice, bob = case.site.users("alice", "bob")
        a, b = sign_in(case, (from_kind, alice, from_transport), (to_kind, bob, to_transport))
        connect(a, b)
        talk_and_hang_up(a, b)
    over = from_transport if from_transport == to_transport else \
        f"{from_transport}_and_{to_transport}"
    run.__name__ = (f"{from_kind.__name__.lower()}_calls_{to_kind.__name__.lower()}_over_{over}"
                    "_and_both_hear_the_other")
    tap.test(run)


for _from in (LINPHONEC, BARESIP):
    for _to in (LINPHONEC, BARESIP):
        for _transport in TRANSPORTS:
            _call(_from, _to, _transport, _transport)
_call(LINPHONEC, BARESIP, "tls", "udp")


@tap.test
def the_called_baresip_hangs_up(case):
    a, b = sign_in(case, (LINPHONEC, case.site.user("alice"), "tcp"),
                   (BARESIP, case.site.user("bob"), "tcp"))
    connect(a, b)
    hang_up(b, a)


def _hold(holder, other):
    for phone in (holder, other):
        phone.wait_sound()
    marks = holder.mark(), other.mark()
    holder.hold()
    other.wait_held(marks[1])
    holder.wait_hold_done(marks[0])
    marks = holder.mark(), other.mark()
    holder.resume()
    other.wait_resumed(marks[1])
    holder.wait_flow(marks[0])
    other.wait_flow(marks[1])
    hang_up(holder, other)
    other.wait_heard(holder.tone)
    holder.wait_heard(other.tone)


@tap.test
def linphonec_holds_its_call_to_baresip_and_takes_it_back(case):
    a, b = sign_in(case, (LINPHONEC, case.site.user("alice"), "udp"),
                   (BARESIP, case.site.user("bob"), "udp"))
    connect(a, b)
    _hold(a, b)


@tap.test
def baresip_holds_its_call_to_linphonec_and_takes_it_back(case):
    a, b = sign_in(case, (BARESIP, case.site.user("alice"), "tls"),
                   (LINPHONEC, case.site.user("bob"), "tls"))
    connect(a, b)
    _hold(a, b)


@tap.test
def linphonec_holds_a_call_that_baresip_made_and_takes_it_back(case):
    a, b = sign_in(case, (BARESIP, case.site.user("alice"), "tcp"),
                   (LINPHONEC, case.site.user("bob"), "tcp"))
    connect(a, b)
    _hold(b, a)


@tap.test
def a_busy_baresip_answers_486_and_linphonec_hears_it(case):
    a, b = sign_in(case, (LINPHONEC, case.site.user("alice"), "udp"),
                   (BARESIP, case.site.user("bob"), "udp"))
    a.call(b.user.uri)
    b.wait_ringing()
    b.busy()
    a.wait_status("INVITE", "486")
    a.wait_ended()


@tap.test
def linphonec_declines_with_603_and_baresip_hears_it(case):
    a, b = sign_in(case, (BARESIP, case.site.user("alice"), "tls"),
                   (LINPHONEC, case.site.user("bob"), "tls"))
    a.call(b.user.uri)
    b.wait_ringing()
    b.decline()
    a.wait_event("CALL_CLOSED", param="603")


def _cancel(caller, called):
    caller.call(called.user.uri)
    called.wait_ringing()
    caller.wait_ringback()
    hang_up(caller, called)


@tap.test
def linphonec_cancels_while_baresip_rings(case):
    a, b = sign_in(case, (LINPHONEC, case.site.user("alice"), "tcp"),
                   (BARESIP, case.site.user("bob"), "tcp"))
    _cancel(a, b)
    a.wait_status("INVITE", "487")


@tap.test
def baresip_cancels_while_linphonec_rings(case):
    a, b = sign_in(case, (BARESIP, case.site.user("alice"), "udp"),
                   (LINPHONEC, case.site.user("bob"), "udp"))
    _cancel(a, b)
    a.wait_sip(r"SIP/2\.0 487 ")


@tap.test
def a_call_to_an_unknown_user_gets_404(case):
    (a,) = sign_in(case, (BARESIP, case.site.user("alice"), "tcp"))
    a.call(f"sip:nobody-of-that-name@{case.site.server.domain}")
    a.wait_event("CALL_CLOSED", param="404")


def _pass_a_second():
    """baresip names the recording of a call by its second: two calls of one second share a file,
    which then holds neither."""
    second = int(time.time())
    tap.wait_for(lambda: int(time.time()) > second, "the next second")


def _transfer(a, b, c):
    """a calls b; b sends a on to c; a and c talk."""
    connect(a, b)
    _pass_a_second()
    marks = a.mark(), b.mark(), c.mark()
    b.transfer(c.user.uri)
    c.wait_ringing(marks[2])
    c.answer()
    c.wait_in_call(marks[2])
    a.wait_in_call(marks[0])
    b.wait_ended(marks[1])
    c.wait_sound(marks[2])
    a.wait_sound(marks[0])
    hang_up(c, a)
    c.wait_heard(a.tone)
    a.wait_heard(c.tone)


@tap.test
def baresip_transfers_linphonec_to_another_linphonec(case):
    _transfer(*sign_in(case, (LINPHONEC, case.site.user("alice"), "tcp"),
                       (BARESIP, case.site.user("bob"), "tcp"),
                       (LINPHONEC, case.site.user("carol"), "tcp")))


@tap.test
def linphonec_transfers_baresip_to_another_baresip(case):
    _transfer(*sign_in(case, (BARESIP, case.site.user("alice"), "udp"),
                       (LINPHONEC, case.site.user("bob"), "udp"),
                       (BARESIP, case.site.user("carol"), "udp")))


if __name__ == "__main__":
    tap.main(site.make)
