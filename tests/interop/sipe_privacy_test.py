#!/usr/bin/python3
"""Who may see what of a user of pidgin-sipe (F-023, F-024): relationships, blocking, being added.

| what                                          | at the one who chooses    | at the other          |
|-----------------------------------------------|---------------------------|-----------------------|
| nothing is chosen                             | Company, of his group     | sees the state        |
| each relationship                             | it, at both endpoints     | sees the state        |
| Blocked; unspecified again                    | it                        | offline; the state    |
| block and unblock, of the contact menu        | Blocked, at both; not     | offline; the state    |
| who is blocked signs in later, is added later | -                         | offline               |
| a relationship for a group, for a domain      | it                        | -                     |
| somebody adds me                              | is told, once             | -                     |
| ... while I am away                           | is told at the sign-in    | -                     |
| ... whom I have added already                 | is not told               | -                     |
| every process is killed                       | blocked                   | offline               |
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop.sipe import ACCESS_LEVELS, Sipe, introduce, sign_in  # noqa: E402
from lib import site, tap  # noqa: E402

COMPANY, FEDERATED = "People in my company", "People in domains connected with my company"


def who_know_each_other(case):
    clients = sign_in(case, "alice", "bob")
    introduce(*clients)
    return clients


@tap.test
def without_a_choice_it_is_that_of_the_company(case):
    a, b = who_know_each_other(case)
    a.wait_access_level(b.user.uri, "Company", "=")
    a.wait_access_level(b.user.uri, "Company", people=COMPANY)
    a.wait_access_level(b.user.uri, "Public", people=FEDERATED)


@tap.test
def each_relationship_can_be_chosen(case):
    a, b = who_know_each_other(case)
    there = Sipe(case, a.user)
    there.wait_buddy(b.user.uri)
    for level in ACCESS_LEVELS:
        if level == "Company":
            continue  # the client sends nothing for what a group gives already
        a.set_access_level(b.user.uri, level)
        for client in (a, there):
            client.wait_access_level(b.user.uri, level)
        b.wait_buddy(a.user.uri, online=level != "Blocked")
    a.set_access_level(b.user.uri, "Unspecify")
    for client in (a, there):
        client.wait_access_level(b.user.uri, "Company", "=")
    b.wait_buddy(a.user.uri, online=True)


@tap.test
def changes_of_state_are_seen_in_every_relationship_but_blocked(case):
    a, b = who_know_each_other(case)
    for level, state in (("Personal", "busy"), ("Team", "away"), ("Public", "be-right-back")):
        a.set_access_level(b.user.uri, level)
        a.wait_access_level(b.user.uri, level)
        a.set_status(state)
        b.wait_buddy(a.user.uri, status=state)


@tap.test
def somebody_is_blocked_and_unblocked(case):
    a, b = who_know_each_other(case)
    there = Sipe(case, a.user)
    there.wait_buddy(b.user.uri)
    a.block(b.user.uri)
    b.wait_buddy(a.user.uri, online=False)
    a.wait_buddy(b.user.uri, blocked=True)
    for client in (a, there):
        client.wait_access_level(b.user.uri, "Blocked")
    a.unblock(b.user.uri)
    b.wait_buddy(a.user.uri, online=True)
    a.wait_buddy(b.user.uri, blocked=False)
    for client in (a, there):
        client.wait_access_level(b.user.uri, "Company", "=")


@tap.test
def who_blocks_sees_the_other_all_the_same(case):
    a, b = who_know_each_other(case)
    a.block(b.user.uri)
    b.wait_buddy(a.user.uri, online=False)
    b.set_status("busy")
    a.wait_buddy(b.user.uri, status="busy")
    b.wait_buddy(a.user.uri, online=False)


@tap.test
def who_is_blocked_does_not_see_it_later_either(case):
    a, b = who_know_each_other(case)
    a.block(b.user.uri)
    b.wait_buddy(a.user.uri, online=False)
    mark = b.mark()
    b.sign_off()
    b.wait_signed_off(mark)
    mark = b.mark()
    b.sign_on()
    b.wait_registered(mark)
    a.wait_buddy(b.user.uri, online=True)
    before = a.published()
    a.set_status("busy")
    a.wait_published(before)
    b.remove_contact(a.user.uri)
    b.wait_groups({"Friends": []})
    b.add_contact(a.user.uri, "Work")
    b.wait_buddy(a.user.uri, "Work", online=False)


@tap.test
def a_group_of_people_is_blocked(case):
    a, b = who_know_each_other(case)
    a.set_group_access(b.user.uri, COMPANY, "Blocked")
    a.wait_access_level(b.user.uri, "Blocked", "=")
    b.wait_buddy(a.user.uri, online=False)
    a.set_access_level(b.user.uri, "Team")
    b.wait_buddy(a.user.uri, online=True)


@tap.test
def a_domain_has_a_relationship(case):
    a, b = who_know_each_other(case)
    a.add_access_domain(b.user.uri, "fabrikam.test", "Team")
    a.wait_access_level(b.user.uri, "Team", people="People at fabrikam.test")
    fresh = Sipe(case, a.user)
    fresh.wait_buddy(b.user.uri)
    fresh.wait_access_level(b.user.uri, "Team", people="People at fabrikam.test")


@tap.test
def who_is_added_is_told_once(case):
    a, b = sign_in(case, "alice", "bob")
    b.add_contact(a.user.uri, "Work")
    a.wait_added_by(b.user.uri)
    mark = a.mark()
    a.sign_off()
    a.wait_signed_off(mark)
    mark, before = a.mark(), a.published()
    a.sign_on()
    a.wait_registered(mark)
    a.wait_published(before)
    tap.check(not any(e["event"] == "added-by" for e in a.events(mark)), "told a second time")


@tap.test
def who_is_told_adds_the_other_in_turn(case):
    a, b = sign_in(case, "alice", "bob")
    b.add_contact(a.user.uri, "Work")
    who = a.wait_added_by(b.user.uri)["who"]
    mark = b.mark()
    a.add_contact(who, "Work")
    a.wait_buddy(who, online=True)
    tap.check(not any(e["event"] == "added-by" for e in b.events(mark)), "b has a already")


@tap.test
def who_was_added_meanwhile_is_told_at_the_sign_in(case):
    alice, bob = case.site.users("alice", "bob")
    b = Sipe(case, bob)
    b.wait_ready()
    b.add_contact(alice.uri, "Work")
    b.wait_buddy(alice.uri, online=False)
    a = Sipe(case, alice)
    a.wait_added_by(bob.uri)


@tap.test(alone=True)
def who_is_blocked_stays_so_after_every_process_was_killed(case):
    a, b = who_know_each_other(case)
    a.block(b.user.uri)
    b.wait_buddy(a.user.uri, online=False)
    marks = a.mark(), b.mark()
    for role in case.site.server.roles():
        case.site.server.kill_role(role["role"], role["process"])
    tap.wait_for(lambda: all(r["state"] == "running" for r in case.site.server.roles()),
                 "running roles")
    for client, mark in zip((a, b), marks):
        client.come_back(mark)
    a.wait_buddy(b.user.uri, online=True)
    a.wait_access_level(b.user.uri, "Blocked")
    b.wait_buddy(a.user.uri, online=False)


if __name__ == "__main__":
    tap.main(site.make)
