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
| to a user who is not signed in: kept     | linphonec TLS   | baresip TCP, later          |
| 3 kB for a phone of UDP: over TCP, which it takes | (test's own) | baresip UDP          |
| 3 kB for a phone of UDP without TCP: in fragments | (test's own) | linphonec UDP       |
| letters of all alphabets stay what they are | linphonec UDP | linphonec TLS              |
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop.phones import BARESIP, LINPHONEC, sign_in  # noqa: E402
from lib import site, tap  # noqa: E402
from lib.siptext import Phone  # noqa: E402
from lib.tap import check_eq  # noqa: E402


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


def _large(kind, way):
    def run(case):
        server, (alice, bob) = case.site.server, case.site.users("alice", "bob")
        a = case.own(Phone(server, alice, "tcp")).sign_in()
        b, = sign_in(case, (kind, bob, "udp"))
        before = server.metric("dialtone_sip_large_requests_total", way=way)
        for n in range(2):
            text = f"large{n}" + "x" * 3000
            check_eq(a.message(bob.uri, text).code // 100, 2, "the answer")
            b.wait_received(text, alice.uri)
        after = server.metric("dialtone_sip_large_requests_total", way=way)
        check_eq(after - before, 2 if way == "tcp" else 1, f"requests over {way}")
    run.__name__ = f"a_large_message_arrives_at_{kind.__name__.lower()}_of_udp_over_{way}"
    tap.test(alone=True)(run)


_large(BARESIP, "tcp")
_large(LINPHONEC, "udp")


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
def a_message_to_a_user_who_is_not_signed_in_is_kept_until_then(case):
    alice, bob = case.site.users("alice", "bob")
    (a,) = sign_in(case, (LINPHONEC, alice, "tls"))
    for text in ("first", "second"):
        a.send(bob.uri, text)
    a.wait_status("MESSAGE", "202")
    (b,) = sign_in(case, (BARESIP, bob, "tcp"))
    b.wait_received("first", alice.uri)
    b.wait_received("second", alice.uri)


if __name__ == "__main__":
    tap.main(site.make)
