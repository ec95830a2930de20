#!/usr/bin/python3
"""Group chats of people in browsers, as they use the client, with pidgin-sipe in them too."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop import sipe, webpage  # noqa: E402
from interop.webpage import inside, new_group, person, say  # noqa: E402
from lib import site, tap  # noqa: E402
from lib.tap import check, wait_for  # noqa: E402


def make(args, folder):
    site.netns.enter()
    return webpage.Browsers(args, folder)


@tap.test
def three_people_meet_and_one_leaves(case):
    (a, alice), (b, bob), (c, carol) = (person(case, n) for n in ("alice", "bob", "carol"))
    new_group(a, "Lunch plans", bob, carol)
    for p in (b, c):
        inside(p, "Lunch plans")
        p.wait("3 members")
    say(a, "At noon?")
    for p in (b, c):
        p.wait("At noon?")
    say(c, "Too early <b>for me</b>")
    for p in (a, b):
        p.wait("Too early <b>for me</b>")
    c.press("Details of Lunch plans")
    c.press("Leave group")
    c.wait("You will read nothing more")
    c.run("document.querySelector('.sure .danger').click()")
    c.wait("You are not in this group")
    for p in (a, b):
        p.wait("2 members")
    say(b, "Then the two of us")
    a.wait("Then the two of us")
    check("the two of us" not in c.text(), "who has left reads nothing more")


@tap.test
def pidgin_hears_a_group_of_browsers_and_answers(case):
    (p,) = sipe.sign_in(case, "pidgin")
    (a, alice), (b, bob) = person(case, "alice"), person(case, "bob")
    mark = p.mark()
    new_group(a, "Mixed company", bob, p.user)
    inside(b, "Mixed company")
    said = p.wait_event("im", mark, text=re.compile("Mixed company"))
    say(b, "Who is there?")
    p.wait_received(f"{bob.uri[4:]}: Who is there?", after=mark)
    p.send(said["from"], "It is me, in Pidgin")
    for x in (a, b):
        x.wait("It is me, in Pidgin")


@tap.test
def pidgin_invites_a_browser_into_its_conference(case):
    p, q = sipe.sign_in(case, "pidgin", "pidgin")
    sipe.introduce(p, q)
    b, bob = person(case, "bob")
    mark = q.mark()
    room = p.new_chat(q.user.uri)
    theirs = q.wait_chat(mark)
    for client, name in ((p, room), (q, theirs)):
        client.wait_roster(name, [p.user.uri, q.user.uri])
    p.invite(room, bob.uri)
    b.press("Group chat")
    wait_for(lambda: re.search("invit", b.text()), lambda: f"an invitation: {b.text()}")
    b.press("Join")
    b.wait("3 members")
    say(b, "Here I am")
    for client in (p, q):
        client.wait_chat_received("Here I am", bob.uri)
    for client, name in ((p, room), (q, theirs)):
        client.wait_roster(name, [p.user.uri, q.user.uri, bob.uri])
    p.send(room, "Welcome")
    b.wait("Welcome")


if __name__ == "__main__":
    tap.main(make)
