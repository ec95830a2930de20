#!/usr/bin/python3
"""Presence among users of pidgin-sipe (F-020): who watches sees the state and the note of the watched.

| what                                             | the watcher sees                        |
|--------------------------------------------------|-----------------------------------------|
| each state that can be chosen, with a note       | it; for "appear offline", offline       |
| three who watch each other                       | two each                                |
| a note is set, changed, taken back               | it, also at the author's other endpoint |
| signs out and in                                 | offline, available                      |
| two endpoints: a state is chosen at one          | it, also as own state at the other      |
| one of two endpoints signs out                   | no change                               |
| nobody is at the machine                         | away                                    |
| the state is reset                               | available                               |
| two talk                                         | in a call, then available               |
| the client is killed                             | offline, after the time of grace        |
| every process is killed                          | state and note                          |
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop.phones import connect, hang_up  # noqa: E402
from interop.sipe import Sipe, introduce, sign_in  # noqa: E402
from lib import site, tap  # noqa: E402

# What can be chosen, and what others see of it.
STATES = {"busy": "busy", "do-not-disturb": "do-not-disturb", "be-right-back": "be-right-back",
          "away": "away", "invisible": "offline", "available": "available"}


def watcher_and_watched(case):
    a, b = sign_in(case, "alice", "bob")
    a.add_contact(b.user.uri, "Work")
    a.wait_buddy(b.user.uri, status="available")
    return a, b


@tap.test
def somebody_who_is_there_is_seen_available(case):
    watcher_and_watched(case)


@tap.test
def somebody_who_is_not_there_is_seen_offline_until_he_signs_in(case):
    alice, bob = case.site.users("alice", "bob")
    a = Sipe(case, alice)
    a.wait_ready()
    a.add_contact(bob.uri, "Work")
    a.wait_buddy(bob.uri, status="offline")
    Sipe(case, bob)
    a.wait_buddy(bob.uri, status="available")


@tap.test
def each_state_is_seen(case):
    a, b = watcher_and_watched(case)
    for chosen, seen in STATES.items():
        b.set_status(chosen)
        a.wait_buddy(b.user.uri, status=seen)


@tap.test
def each_state_is_seen_with_its_note(case):
    a, b = watcher_and_watched(case)
    for chosen in STATES:
        if chosen == "invisible":
            continue
        b.set_status(chosen, f"note of {chosen}")
        a.wait_buddy(b.user.uri, status=STATES[chosen])
        a.wait_note(b.user.uri, f"note of {chosen}")


@tap.test
def three_see_each_other(case):
    clients = sign_in(case, "alice", "bob", "carol")
    introduce(*clients)
    for client, state in zip(clients, ("busy", "away", "do-not-disturb")):
        client.set_status(state, f"I am {client.user.name}")
    for client, state in zip(clients, ("busy", "away", "do-not-disturb")):
        for other in clients:
            if other is not client:
                other.wait_buddy(client.user.uri, status=state)
                other.wait_note(client.user.uri, f"I am {client.user.name}")


@tap.test
def a_note_is_changed_and_taken_back(case):
    a, b = watcher_and_watched(case)
    for note in ("at lunch", "Grüße aus Köln, привет", "back at 3"):
        b.set_status("available", note)
        a.wait_note(b.user.uri, note)
    b.set_status("available", "")
    a.wait_note(b.user.uri, None)


@tap.test
def somebody_signs_out_and_in_again(case):
    a, b = watcher_and_watched(case)
    mark = b.mark()
    b.sign_off()
    b.wait_signed_off(mark)
    a.wait_buddy(b.user.uri, status="offline")
    mark = b.mark()
    b.sign_on()
    b.wait_registered(mark)
    a.wait_buddy(b.user.uri, status="available")


@tap.test
def a_note_is_there_for_who_signs_in_later(case):
    alice, bob = case.site.users("alice", "bob")
    b = Sipe(case, bob)
    b.wait_ready()
    before = b.published()
    b.set_status("busy", "all day")
    b.wait_published(before)
    a = Sipe(case, alice)
    a.wait_ready()
    a.add_contact(bob.uri, "Work")
    a.wait_buddy(bob.uri, status="busy")
    a.wait_note(bob.uri, "all day")


@tap.test
def the_state_chosen_at_one_endpoint_is_shown_at_the_other(case):
    bob = case.site.user("bob")
    here, there = Sipe(case, bob), Sipe(case, bob)
    for client in (here, there):
        client.wait_ready()
    here.set_status("busy", "writing")
    there.wait_own_status("busy", "writing")
    there.set_status("away", "gone")
    here.wait_own_status("away", "gone")


@tap.test
def one_of_two_endpoints_signs_out(case):
    a, b = watcher_and_watched(case)
    second = Sipe(case, b.user)
    second.wait_ready()
    mark = a.mark()
    second.sign_off()
    b.set_status("busy")
    a.wait_buddy(b.user.uri, status="busy")
    seen = [e["status"] for e in a.events(mark) if e["event"] == "buddy-status"]
    tap.check("offline" not in seen, f"what the watcher saw: {seen}")


@tap.test
def the_state_of_one_endpoint_stays_when_a_second_signs_out(case):
    a, b = watcher_and_watched(case)
    second = Sipe(case, b.user)
    second.wait_ready()
    second.set_status("do-not-disturb")
    a.wait_buddy(b.user.uri, status="do-not-disturb")
    mark = second.mark()
    second.sign_off()
    second.wait_signed_off(mark)
    tap.wait_for(lambda: len(case.site.server.endpoints(b.user)) == 1, "one endpoint")
    a.wait_buddy(b.user.uri, status="do-not-disturb")


@tap.test
def nobody_is_at_the_machine(case):
    a, b = watcher_and_watched(case)
    b.idle()
    a.wait_buddy(b.user.uri, status="away", idle=True)
    b.idle(False)
    a.wait_buddy(b.user.uri, status="available", idle=False)


@tap.test
def a_reset_state_follows_the_machine_again(case):
    a, b = watcher_and_watched(case)
    b.set_status("busy")
    a.wait_buddy(b.user.uri, status="busy")
    b.reset_status()
    a.wait_buddy(b.user.uri, status="available")
    b.wait_own_status("available")


@tap.test
def two_who_talk_are_seen_in_a_call(case):
    a, b, c = sign_in(case, "alice", "bob", "carol")
    for client in (a, b):
        c.add_contact(client.user.uri, "Work")
        c.wait_buddy(client.user.uri, status="available")
    connect(a, b)
    for client in (a, b):
        c.wait_buddy(client.user.uri, status="busy", message="In a call")
    hang_up(a, b)
    for client in (a, b):
        c.wait_buddy(client.user.uri, status="available")


@tap.test
def a_killed_client_is_seen_offline(case):
    a, b = watcher_and_watched(case)
    b.p.stop(polite=None)
    a.wait_buddy(b.user.uri, status="offline")


@tap.test(alone=True)
def state_and_note_are_there_after_every_process_was_killed(case):
    a, b = watcher_and_watched(case)
    b.set_status("busy", "all day")
    a.wait_note(b.user.uri, "all day")
    marks = a.mark(), b.mark()
    for role in case.site.server.roles():
        case.site.server.kill_role(role["role"], role["process"])
    tap.wait_for(lambda: all(r["state"] == "running" for r in case.site.server.roles()),
                 "running roles")
    for client, mark in zip((a, b), marks):
        client.come_back(mark)
    a.wait_buddy(b.user.uri, status="busy")
    a.wait_note(b.user.uri, "all day")
    b.set_status("away")
    a.wait_buddy(b.user.uri, status="away")


if __name__ == "__main__":
    tap.main(site.make)
