#!/usr/bin/python3
"""Presence of SIP phones (RFC 3856, RFC 3903, RFC 4662, RFC 5367), among themselves and with the Lync
client pidgin-sipe.  linphonec publishes that it is there, baresip "open" and "closed"; neither knows
the dialog package, so lamps have no client here.

| what                                     | watched                   | watcher                   |
|------------------------------------------|---------------------------|---------------------------|
| is there, signs off                      | linphonec                 | linphonec, pidgin-sipe    |
| open and closed                          | baresip                   | linphonec, pidgin-sipe    |
| each state                               | pidgin-sipe               | linphonec, baresip        |
| one who is added later                   | pidgin-sipe               | linphonec                 |
| talk                                     | linphonec, baresip        | pidgin-sipe               |
| blocks and unblocks the watcher          | pidgin-sipe               | linphonec                 |
| asks for voice mail                      | -                         | baresip                   |
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop.phones import BARESIP, LINPHONEC, connect, hang_up  # noqa: E402
from interop.sipe import Sipe  # noqa: E402
from lib import site, tap  # noqa: E402

# What can be chosen at pidgin-sipe, and what the phones make of it.
AT_LINPHONEC = {"busy": "Busy", "do-not-disturb": "Busy", "be-right-back": "Away", "away": "Away",
                "invisible": "Offline", "available": "Online"}
AT_BARESIP = {"busy": "Busy", "away": "Busy", "invisible": "Offline", "available": "Online"}


def client(case, user, *contacts):
    """pidgin-sipe with these contacts."""
    a = Sipe(case, user)
    a.wait_ready()
    for contact in contacts:
        a.add_contact(contact.uri, "Work")
    return a


def phone(case, kind, user, transport="tcp", **options):
    p = kind(case, user, transport, **options)
    p.wait_registered()
    return p


@tap.test
def linphonec_sees_linphonec_come_and_go(case):
    alice, bob = case.site.users("alice", "bob")
    a = phone(case, LINPHONEC, alice, watch=[bob])
    a.wait_presence(bob.uri, "Offline")
    b = phone(case, LINPHONEC, bob, watch=[])
    a.wait_presence(bob.uri, "Online")
    b.sign_off()
    a.wait_presence(bob.uri, "Offline")


@tap.test
def pidgin_sipe_sees_linphonec_come_and_go(case):
    alice, bob = case.site.users("alice", "bob")
    a = client(case, alice, bob)
    a.wait_buddy(bob.uri, status="offline")
    b = phone(case, LINPHONEC, bob, "tls", watch=[])
    a.wait_buddy(bob.uri, status="available")
    b.sign_off()
    a.wait_buddy(bob.uri, status="offline")


@tap.test
def baresip_that_is_closed_is_seen_offline(case):
    alice, bob, carol = case.site.users("alice", "bob", "carol")
    a = client(case, alice, bob)
    c = phone(case, LINPHONEC, carol, watch=[bob])
    b = phone(case, BARESIP, bob, watch=[])
    for on, seen in ((True, "Online"), (False, "Offline"), (True, "Online")):
        b.set_online(on)
        c.wait_presence(bob.uri, seen)
        a.wait_buddy(bob.uri, online=on)


@tap.test
def linphonec_sees_each_state_of_pidgin_sipe(case):
    alice, bob = case.site.users("alice", "bob")
    a = client(case, alice)
    b = phone(case, LINPHONEC, bob, "udp", watch=[alice])
    b.wait_presence(alice.uri, "Online")
    for chosen, seen in AT_LINPHONEC.items():
        a.set_status(chosen)
        b.wait_presence(alice.uri, seen)


@tap.test
def baresip_sees_states_of_pidgin_sipe(case):
    alice, bob = case.site.users("alice", "bob")
    a = client(case, alice)
    b = phone(case, BARESIP, bob, watch=[alice])
    b.wait_presence(alice.uri, "Online")
    for chosen, seen in AT_BARESIP.items():
        a.set_status(chosen)
        b.wait_presence(alice.uri, seen)


@tap.test
def linphonec_watches_one_more(case):
    alice, bob = case.site.users("alice", "bob")
    client(case, alice)
    b = phone(case, LINPHONEC, bob, watch=[])
    b.watch(alice)
    b.wait_presence(alice.uri, "Online")


@tap.test
def phones_that_talk_are_seen_in_a_call(case):
    alice, bob, carol = case.site.users("alice", "bob", "carol")
    c = client(case, carol, alice, bob)
    a = phone(case, LINPHONEC, alice, watch=[], tone=440)
    b = phone(case, BARESIP, bob, watch=[], tone=620)
    b.set_online(True)
    for user in (alice, bob):
        c.wait_buddy(user.uri, status="available")
    connect(a, b)
    for user in (alice, bob):
        c.wait_buddy(user.uri, status="busy", message="In a call")
    hang_up(a, b)
    for user in (alice, bob):
        c.wait_buddy(user.uri, status="available")


@tap.test
def a_phone_is_blocked_and_unblocked(case):
    alice, bob = case.site.users("alice", "bob")
    a = client(case, alice, bob)
    b = phone(case, LINPHONEC, bob, watch=[alice])
    b.wait_presence(alice.uri, "Online")
    a.block(bob.uri)
    b.wait_presence(alice.uri, "Offline")
    a.unblock(bob.uri)
    b.wait_presence(alice.uri, "Online")


@tap.test
def baresip_is_told_that_no_voice_mail_waits(case):
    b = phone(case, BARESIP, case.site.user("bob"), mwi=True)
    b.wait_sip(r"(?s)NOTIFY .*Event: message-summary.*Messages-Waiting: no")


if __name__ == "__main__":
    tap.main(site.make)
