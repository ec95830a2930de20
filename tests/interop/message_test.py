#!/usr/bin/python3
"""Page-mode messages (MESSAGE, RFC 3428).

| what                                     | sender          | receiver                    |
|------------------------------------------|-----------------|-----------------------------|
| arrives                                  | linphonec UDP   | linphonec TCP               |
| arrives                                  | linphonec TLS   | linphonec UDP               |
| an answer goes back                      | linphonec TCP   | linphonec TLS               |
| arrives                                  | linphonec TLS   | baresip TCP                 |
| arrives at every endpoint of the user    | linphonec TCP   | 2 linphonec, 1 baresip      |
| to an unknown user: 404                  | linphonec UDP   | -                           |
| to a user who is not signed in: 480      | linphonec TLS   | -                           |
| letters of all alphabets stay what they are | linphonec UDP | linphonec TLS              |
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop.phones import BARESIP, LINPHONEC, sign_in  # noqa: E402
from lib import site, tap  # noqa: E402


def _arrives(kind, from_transport, to_transport):
    def run(case):
        alice, bob = case.site.users("alice", "bob")
        a, b = sign_in(case, (LINPHONEC, alice, from_transport), (kind, bob, to_transport))
        a.send(bob.uri, "hello over the wire")
        b.wait_received("hello over the wire", alice.uri)
        a.wait_status("MESSAGE", "20[02]")
    run.__name__ = (f"a_message_of_linphonec_over_{from_transport}_arrives_at_"
                    f"{kind.__name__.lower()}_over_{to_transport}")
    tap.test(run)


_arrives(LINPHONEC, "udp", "tcp")
_arrives(LINPHONEC, "tls", "udp")
_arrives(BARESIP, "tls", "tcp")


@tap.test
def two_linphonec_write_to_each_other(case):
    alice, bob = case.site.users("alice", "bob")
    a, b = sign_in(case, (LINPHONEC, alice, "tcp"), (LINPHONEC, bob, "tls"))
    a.send(bob.uri, "one")
    b.wait_received("one", alice.uri)
    b.send(alice.uri, "two")
    a.wait_received("two", bob.uri)


@tap.test
def a_message_arrives_at_every_endpoint_of_the_user(case):
    alice, bob = case.site.users("alice", "bob")
    a, *phones = sign_in(case, (LINPHONEC, alice, "tcp"), (LINPHONEC, bob, "udp"),
                         (LINPHONEC, bob, "tls"), (BARESIP, bob, "tcp"))
    a.send(bob.uri, "to all of you")
    for phone in phones:
        phone.wait_received("to all of you", alice.uri)


@tap.test
def letters_of_all_alphabets_stay_what_they_are(case):
    alice, bob = case.site.users("alice", "bob")
    a, b = sign_in(case, (LINPHONEC, alice, "udp"), (LINPHONEC, bob, "tls"))
    a.send(bob.uri, "Grüße, привет, 你好")
    b.wait_received("Grüße, привет, 你好", alice.uri)


@tap.test
def a_message_to_an_unknown_user_gets_404(case):
    (a,) = sign_in(case, (LINPHONEC, case.site.user("alice"), "udp"))
    a.send(f"sip:nobody-of-that-name@{case.site.server.domain}", "hello")
    a.wait_status("MESSAGE", "404")


@tap.test
def a_message_to_a_user_who_is_not_signed_in_gets_480(case):
    alice, bob = case.site.users("alice", "bob")
    (a,) = sign_in(case, (LINPHONEC, alice, "tls"))
    a.send(bob.uri, "hello")
    a.wait_status("MESSAGE", "480")


if __name__ == "__main__":
    tap.main(site.make)
