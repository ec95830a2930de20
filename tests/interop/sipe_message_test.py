#!/usr/bin/python3
"""Messages of the Lync client pidgin-sipe, to others of its kind and to SIP phones (IM-01).

| what                                       | sender          | receiver              |
|--------------------------------------------|-----------------|-----------------------|
| both ways in one session                   | pidgin-sipe     | pidgin-sipe           |
| letters of all alphabets, HTML             | pidgin-sipe     | pidgin-sipe           |
| typing                                     | pidgin-sipe     | pidgin-sipe           |
| two clients of one user: one takes it      | pidgin-sipe     | 2 pidgin-sipe         |
| unknown and signed-out users: is told      | pidgin-sipe     | -                     |
| a file is offered                          | pidgin-sipe     | pidgin-sipe           |
| opens a conversation, the answer goes back | linphonec       | pidgin-sipe           |
| waits for the next sign-in                 | linphonec       | pidgin-sipe           |
| arrives as a message, the answer goes back | pidgin-sipe     | linphonec, baresip    |
"""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop.phones import BARESIP, LINPHONEC, sign_in  # noqa: E402
from interop.sipe import Sipe  # noqa: E402
from lib import site, tap  # noqa: E402


def two(case):
    alice, bob = case.site.users("alice", "bob")
    return sign_in(case, (Sipe, alice, "tls"), (Sipe, bob, "tls"))


def got(client, text):
    return client.wait_received(re.compile(re.escape(text)))


@tap.test
def two_write_to_each_other(case):
    a, b = two(case)
    a.send(b.user.uri, "one")
    got(b, "one")
    b.send(a.user.uri, "two")
    got(a, "two")
    a.send(b.user.uri, "three")
    got(b, "three")


@tap.test
def letters_and_markup_stay_what_they_are(case):
    a, b = two(case)
    a.send(b.user.uri, "Grüße, привет, 你好")
    got(b, "Grüße, привет, 你好")
    a.send(b.user.uri, "<b>bold</b> &amp; 1 &lt; 2")
    got(b, "1 &lt; 2")


@tap.test
def typing_is_seen(case):
    a, b = two(case)
    a.send(b.user.uri, "hello")
    got(b, "hello")
    a.typing(b.user.uri)
    b.wait_event("typing", state="typing")


@tap.test
def of_two_clients_of_a_user_one_takes_the_conversation(case):
    alice, bob = case.site.users("alice", "bob")
    a, b, c = sign_in(case, (Sipe, alice, "tls"), (Sipe, bob, "tls"), (Sipe, bob, "tls"))
    a.send(bob.uri, "to one of you")
    tap.wait_for(lambda: any(e["event"] == "im" for x in (b, c) for e in x.events()),
                 "the message at one of the clients")


@tap.test
def unknown_and_signed_out_users_are_told(case):
    a = Sipe(case, case.site.user("alice"))
    a.wait_registered()
    for uri in (f"sip:nobody@{case.site.server.domain}", case.site.user("bob").uri):
        mark = a.mark()
        a.send(uri, "hello")
        a.wait_event("error", mark, text=re.compile("not delivered"))


@tap.test
def a_file_is_offered(case):
    a, b = two(case)
    path = os.path.join(case.dir, "file.txt")
    with open(path, "w", encoding="ascii") as f:
        f.write("content\n")
    a.send(b.user.uri, "a file comes")
    got(b, "a file comes")
    a.command("send_file", to=b.user.uri, path=path)
    b.wait_event("file-offer", name="file.txt")


@tap.test
def a_phones_message_opens_a_conversation_and_the_answer_goes_back(case):
    alice, bob = case.site.users("alice", "bob")
    a, b = sign_in(case, (Sipe, alice, "tls"), (LINPHONEC, bob, "tcp"))
    b.send(alice.uri, "from the phone")
    got(a, "from the phone")
    b.wait_status("MESSAGE", "20[02]")
    a.send(bob.uri, "from the desk")
    b.wait_received("from the desk", alice.uri)
    b.send(alice.uri, "once more")
    got(a, "once more")


@tap.test
def a_phones_message_waits_until_the_client_signs_in(case):
    alice, bob = case.site.users("alice", "bob")
    (b,) = sign_in(case, (LINPHONEC, bob, "tcp"))
    b.send(alice.uri, "while you were out")
    b.wait_status("MESSAGE", "202")
    (a,) = sign_in(case, (Sipe, alice, "tls"))
    got(a, "while you were out")


def _to_phone(kind, transport):
    def run(case):
        alice, bob = case.site.users("alice", "bob")
        a, b = sign_in(case, (Sipe, alice, "tls"), (kind, bob, transport))
        a.send(bob.uri, "hello phone")
        b.wait_received("hello phone", alice.uri)
    run.__name__ = f"a_message_arrives_at_{kind.__name__.lower()}_over_{transport}"
    tap.test(run)


_to_phone(LINPHONEC, "udp")
_to_phone(LINPHONEC, "tls")
_to_phone(BARESIP, "tcp")


if __name__ == "__main__":
    tap.main(site.make)
