#!/usr/bin/python3
"""Phones sign in and off.

| what                                   | who          | over          |
|----------------------------------------|--------------|---------------|
| signs in                               | linphonec    | UDP, TCP, TLS |
| signs in                               | baresip      | UDP, TCP, TLS |
| signs in                               | sipp         | UDP, TCP      |
| a wrong password is refused            | linphonec    | UDP           |
| a wrong password is refused            | baresip      | TLS           |
| a wrong password is refused            | sipp         | UDP           |
| an unknown user is refused             | linphonec    | TCP           |
| signs off                              | linphonec    | UDP, TLS      |
| signs off                              | baresip      | TCP           |
| refuses a server that its CA did not sign | linphonec | TLS           |
| 100 users sign in, each challenged     | sipp         | UDP           |
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop import sipp  # noqa: E402
from interop.phones import BARESIP, LINPHONEC, TRANSPORTS  # noqa: E402
from lib import site, tap  # noqa: E402
from lib.server import User  # noqa: E402

CROWD = 100


def _signs_in(kind, transport):
    def run(case):
        phone = kind(case, case.site.user("alice"), transport)
        phone.wait_registered()
    run.__name__ = f"{kind.__name__.lower()}_signs_in_over_{transport}"
    tap.test(run)


for _kind in (LINPHONEC, BARESIP):
    for _transport in TRANSPORTS:
        _signs_in(_kind, _transport)


@tap.test
def sipp_signs_in_over_udp_with_a_challenge_round(case):
    sipp.register(case, case.site.user("alice"))


@tap.test
def sipp_signs_in_over_tcp_with_a_challenge_round(case):
    sipp.register(case, case.site.user("alice"), transport="tcp")


@tap.test
def a_wrong_password_of_linphonec_is_refused(case):
    LINPHONEC(case, case.site.user("alice"), "udp", password="wrong").wait_refused()


@tap.test
def a_wrong_password_of_baresip_is_refused(case):
    BARESIP(case, case.site.user("alice"), "tls", password="wrong").wait_refused()


@tap.test
def a_wrong_password_of_sipp_is_refused(case):
    sipp.Sipp(case, "register_refused", case.site.user("alice"), password="wrong").wait_done()


@tap.test
def an_unknown_user_is_refused(case):
    nobody = User("nobody", case.site.server.domain, "", "secret")
    LINPHONEC(case, nobody, "tcp").wait_refused()


def _signs_off(kind, transport):
    def run(case):
        alice, bob = case.site.users("alice", "bob")
        phone, other = kind(case, alice, transport), LINPHONEC(case, bob, "udp")
        phone.wait_registered()
        other.wait_registered()
        phone.sign_off()
        phone.wait_signed_off()
        other.send(alice.uri, "are you there")
        other.wait_status("MESSAGE", "202")  # kept for her next sign-in
    run.__name__ = f"{kind.__name__.lower()}_signs_off_over_{transport}_and_is_gone"
    tap.test(run)


_signs_off(LINPHONEC, "udp")
_signs_off(LINPHONEC, "tls")
_signs_off(BARESIP, "tcp")


@tap.test
def linphonec_refuses_a_server_that_its_ca_did_not_sign(case):
    stranger = os.path.join(case.dir, "stranger.pem")
    case.site.server.client_cert(stranger)
    phone = LINPHONEC(case, case.site.user("alice"), "tls", ca=stranger + ".crt")
    phone.wait_log("(?i)certificate|handshake failed")
    phone.wait_refused()


@tap.test
def a_crowd_of_sipp_users_signs_in_each_with_a_challenge_round(case):
    crowd = [case.site.user("u") for _ in range(CROWD)]
    sipp.Sipp(case, "register_many", crowd[0], users=crowd, calls=CROWD, rate=50).wait_done()


if __name__ == "__main__":
    tap.main(site.make)
