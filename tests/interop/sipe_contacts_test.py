#!/usr/bin/python3
"""The contact list of pidgin-sipe (F-026): it is kept by the server and the same at every endpoint.

Each change is made at one client and seen at another one of the same user.

| what                                    | seen at the other endpoint                  |
|-----------------------------------------|---------------------------------------------|
| a contact is added, in a new group      | group and contact                           |
| in the group that everybody has         | contact                                     |
| somebody who does not exist             | contact, not online                         |
| moved to another group, old or new      | there and no longer here                    |
| copied to a second group                | in both                                     |
| taken out of one of two groups          | in the other                                |
| renamed; not renamed                    | the name; the name of the contact card      |
| removed                                 | the group without                           |
| a group is renamed, twice, removed      | so                                          |
| letters and marks of all kinds          | as they are                                 |
| signs out and in; from a new machine    | the whole list                              |
| every process is killed                 | the whole list                              |
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop.sipe import OTHER, Sipe, sign_in  # noqa: E402
from lib import site, tap  # noqa: E402


def two_endpoints(case, *names):
    """Two clients of one user, and further users."""
    user, *others = case.site.users("alice", *(names or ("bob",)))
    clients = [Sipe(case, user), Sipe(case, user)]
    for client in clients:
        client.wait_ready()
    return (*clients, *others)


def with_contact(case, group="Work"):
    """The same, with the other user in a group."""
    here, there, bob = two_endpoints(case)
    here.add_contact(bob.uri, group)
    there.wait_groups({group: [bob.uri]})
    return here, there, bob


def both_have(here, there, groups):
    for client in (here, there):
        client.wait_groups(groups)


@tap.test
def a_contact_in_a_new_group_is_seen_at_the_other_endpoint(case):
    here, there, bob = two_endpoints(case)
    here.add_contact(bob.uri, "Work")
    both_have(here, there, {"Work": [bob.uri]})


@tap.test
def a_contact_in_the_group_that_everybody_has(case):
    here, there, bob = two_endpoints(case)
    here.add_contact(bob.uri, OTHER)
    both_have(here, there, {OTHER: [bob.uri]})


@tap.test
def somebody_who_does_not_exist_can_be_a_contact(case):
    here, there, _ = two_endpoints(case)
    nobody = f"sip:nobody@{case.site.server.domain}"
    here.add_contact(nobody, "Work")
    both_have(here, there, {"Work": [nobody]})
    there.wait_buddy(nobody, online=False)


@tap.test
def several_contacts_in_several_groups(case):
    here, there, bob, carol, dave = two_endpoints(case, "bob", "carol", "dave")
    here.add_contact(bob.uri, "Work")
    here.wait_groups({"Work": [bob.uri]})
    here.add_contact(carol.uri, "Work")
    here.add_contact(dave.uri, "Home")
    both_have(here, there, {"Work": [bob.uri, carol.uri], "Home": [dave.uri]})


@tap.test
def a_contact_moves_to_a_new_group(case):
    here, there, bob = with_contact(case)
    here.move_contact(bob.uri, "Home")
    both_have(here, there, {"Work": [], "Home": [bob.uri]})


@tap.test
def a_contact_moves_to_a_group_that_is_there_already(case):
    here, there, bob = with_contact(case)
    here.move_contact(bob.uri, OTHER)
    both_have(here, there, {"Work": [], OTHER: [bob.uri]})
    there.move_contact(bob.uri, "Work")
    both_have(here, there, {"Work": [bob.uri]})


@tap.test
def a_contact_is_in_two_groups_and_leaves_one(case):
    here, there, bob = with_contact(case)
    here.copy_contact(bob.uri, OTHER)
    both_have(here, there, {"Work": [bob.uri], OTHER: [bob.uri]})
    here.remove_contact(bob.uri, "Work")
    both_have(here, there, {"Work": [], OTHER: [bob.uri]})


@tap.test
def a_renamed_contact_has_the_name_at_both_endpoints(case):
    here, there, bob = with_contact(case)
    here.rename_contact(bob.uri, "Robert")
    there.wait_buddy(bob.uri, alias="Robert")


@tap.test
def a_contact_has_the_name_of_the_contact_card(case):
    here, there, bob = two_endpoints(case)
    case.site.server.tool("user", "set", bob.name, "--name", "Bob Brown")
    here.add_contact(bob.uri, "Work")
    for client in (here, there):
        client.wait_buddy(bob.uri, alias="Bob Brown")


@tap.test
def a_removed_contact_is_gone_and_its_group_stays(case):
    here, there, bob = with_contact(case)
    here.remove_contact(bob.uri)
    both_have(here, there, {"Work": []})
    there.add_contact(bob.uri, "Work")
    both_have(here, there, {"Work": [bob.uri]})


@tap.test
def a_group_is_renamed(case):
    here, there, bob = with_contact(case)
    here.rename_group("Work", "Office")
    both_have(here, there, {"Office": [bob.uri]})


def renames(client):
    return sum(1 for ours, text in client.messages() if ours and "<m:modifyGroup>" in text)


@tap.test
def a_group_is_renamed_twice_in_a_row(case):
    # pidgin-sipe sends each name back that it is told.  Taken for a wish, the first one undoes the
    # second, and the two clients go on with it for ever.
    here, there, bob = with_contact(case)
    here.at_once(("rename_group", {"group": "Work", "name": "Office"}),
                 ("rename_group", {"group": "Office", "name": "Laboratory"}))
    both_have(here, there, {"Laboratory": [bob.uri]})
    Sipe(case, here.user).wait_groups({"Laboratory": [bob.uri]})
    both_have(here, there, {"Laboratory": [bob.uri]})
    tap.check(renames(here) <= 4 and renames(there) <= 4,
              f"renames sent: {renames(here)}, {renames(there)}")


@tap.test
def a_group_is_removed_with_its_contacts(case):
    # pidgin-sipe 1.25 dies when it is told that a group is gone which it still has: the other one
    # must live, and may keep the empty group until it signs in from a new machine.
    here, there, bob = with_contact(case)
    here.remove_group("Work")
    here.wait_groups({})
    there.wait_groups({}, empty=False)
    Sipe(case, here.user).wait_groups({})
    there.add_contact(bob.uri, OTHER)
    here.wait_groups({OTHER: [bob.uri]})


@tap.test
def who_is_put_into_a_group_that_was_removed_meanwhile_is_not_lost(case):
    here, there, bob = with_contact(case)
    here.remove_group("Work")
    there.wait_groups({}, empty=False)
    there.add_contact(bob.uri, "Work")
    here.wait_buddy(bob.uri)
    Sipe(case, here.user).wait_buddy(bob.uri)


@tap.test
def letters_and_marks_stay_what_they_are(case):
    here, there, bob = with_contact(case, "R&D <Köln> \"7\"")
    here.rename_contact(bob.uri, "Böb & <Co>, привет")
    there.wait_buddy(bob.uri, alias="Böb & <Co>, привет")


@tap.test
def the_list_is_there_again_after_signing_in(case):
    here, there, bob = with_contact(case)
    here.rename_contact(bob.uri, "Robert")
    there.wait_buddy(bob.uri, alias="Robert")
    mark = there.mark()
    there.sign_off()
    there.wait_signed_off(mark)
    here.rename_group("Work", "Office")
    here.wait_groups({"Office": [bob.uri]})
    mark = there.mark()
    there.sign_on()
    there.wait_registered(mark)
    # It keeps the old name as an empty group of its own.
    there.wait_groups({"Office": [bob.uri]}, empty=False)
    fresh = Sipe(case, here.user)
    fresh.wait_groups({"Office": [bob.uri]})
    fresh.wait_buddy(bob.uri, alias="Robert")


@tap.test
def the_lists_of_two_users_have_nothing_to_do_with_each_other(case):
    a, b = sign_in(case, "alice", "bob")
    a.add_contact(b.user.uri, "Work")
    a.wait_groups({"Work": [b.user.uri]})
    b.add_contact(a.user.uri, "Home")
    b.wait_groups({"Home": [a.user.uri]})
    a.wait_groups({"Work": [b.user.uri]})


@tap.test(alone=True)
def the_list_is_there_after_every_process_was_killed(case):
    here, there, bob = with_contact(case)
    marks = here.mark(), there.mark()
    for role in case.site.server.roles():
        case.site.server.kill_role(role["role"], role["process"])
    tap.wait_for(lambda: all(r["state"] == "running" for r in case.site.server.roles()),
                 "running roles")
    for client, mark in zip((here, there), marks):
        client.come_back(mark)
    both_have(here, there, {"Work": [bob.uri]})
    here.move_contact(bob.uri, "Home")
    both_have(here, there, {"Work": [], "Home": [bob.uri]})


if __name__ == "__main__":
    tap.main(site.make)
