#!/usr/bin/python3
"""Group conversations of pidgin-sipe (F-041): the focus and the IM MCU as three people use them.

| what                                           | the others see                               |
|------------------------------------------------|----------------------------------------------|
| one invites two, all write                     | who is there, who leads, every text once     |
| letters of all alphabets, marks                | as they are                                  |
| one leaves and comes again by the address      | roster                                       |
| one is ejected                                 | roster; he himself is told, hears no more    |
| locked: nobody joins; unlocked                 | a note                                       |
| another one is made a leader and locks         | roster, a note                               |
| who leads not                                  | has neither Lock nor Remove in the menus     |
| who began it leaves                            | the others write on                          |
| out of a conversation of two                   | both are in the room                         |
| two rooms at a time                            | nothing gets into the other room             |
| an address that is none                        | is told                                      |
| the IM MCU is killed                           | all write on in the same window              |
| the front ends are killed                      | all meet again and write on                  |
| one sleeps until the IM MCU gives it up        | awake it is invited anew, all write on       |
"""
import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop.sipe import introduce, sign_in  # noqa: E402
from lib import netns, site, tap  # noqa: E402


def room_of(case, *names):
    """People who know each other, and the room into which the first has invited the others; returns
    [(client, the name that the room has there)]."""
    clients = sign_in(case, *names)
    introduce(*clients)
    marks = [client.mark() for client in clients]
    first, *rest = clients
    members = [(first, first.new_chat(rest[0].user.uri))]
    members.append((rest[0], rest[0].wait_chat(marks[1])))
    for client, mark in list(zip(clients, marks))[2:]:
        wait_there(members)
        first.invite(members[0][1], client.user.uri)
        members.append((client, client.wait_chat(mark)))
    wait_there(members)
    return members


def room_of_three(case):
    return room_of(case, "alice", "bob", "carol")


def wait_there(members):
    """All see all."""
    for client, room in members:
        client.wait_roster(room, [c.user.uri for c, _ in members])


def all_write(members, word):
    """Each writes, and all others get it once, in the room, from him."""
    marks = [client.mark() for client, _ in members]
    for client, room in members:
        client.send(room, f"{word} from {client.user.name}")
    for (client, room), mark in zip(members, marks):
        for other, _ in members:
            if other is not client:
                text = f"{word} from {other.user.name}"
                ev = client.wait_chat_received(text, other.user.uri, mark)
                tap.check_eq(ev["with"], room, "the window")
        tap.check_eq(len(client.chat_texts(word, mark)), len(members) - 1, "texts of others")


def menu(client, uri):
    return [item["label"] for item in client.buddy_menu(uri)]


@tap.test
def two_write_in_a_room(case):
    all_write(room_of(case, "alice", "bob"), "hello")


@tap.test
def three_write_in_a_room(case):
    members = room_of_three(case)
    all_write(members, "one")
    all_write(members, "two")


@tap.test
def who_began_it_leads(case):
    (a, room), (b, _), (c, _) = members = room_of_three(case)
    for client, name in members:
        client.wait_roster(name, {a.user.uri: True, b.user.uri: False, c.user.uri: False})
    tap.check("Alice" in a.conference_info(room) or a.user.name in a.conference_info(room),
              "the organizer")


@tap.test
def letters_and_marks_stay_what_they_are(case):
    (a, room), (b, _) = room_of(case, "alice", "bob")
    for text in ("Grüße, привет, 你好", "1 < 2 & 3"):
        a.send(room, text)
        b.wait_chat_received(text, a.user.uri)


@tap.test
def one_leaves_and_the_others_write_on(case):
    members = room_of_three(case)
    c, room = members.pop()
    c.leave(room)
    wait_there(members)
    all_write(members, "without carol")
    tap.check_eq(c.chat_texts("without carol"), [], "what who has left gets")


@tap.test
def who_has_left_comes_again_by_the_address(case):
    members = room_of_three(case)
    c, room = members.pop()
    address = "conf:" + c.focus()
    c.leave(room)
    wait_there(members)
    members.append((c, c.join_conference(address)))
    wait_there(members)
    all_write(members, "again")


@tap.test
def who_was_not_invited_joins_by_the_address(case):
    members = room_of(case, "alice", "bob")
    (c,) = sign_in(case, "carol")
    members.append((c, c.join_conference("conf:" + members[0][0].focus())))
    wait_there(members)
    all_write(members, "all three")


@tap.test
def one_is_ejected(case):
    members = room_of_three(case)
    (a, room), (c, c_room) = members[0], members.pop()
    a.eject(room, c.user.uri)
    wait_there(members)
    c.wait_event("system", text=re.compile("You have been disconnected"))
    all_write(members, "after the ejection")
    tap.check_eq(c.chat_texts("after the ejection"), [], "what who was ejected gets")
    tap.check_eq(c.chats().get(c_room, {}).get("users", {}), {}, "the roster there")


@tap.test
def nobody_joins_a_locked_room(case):
    members = room_of(case, "alice", "bob")
    a, room = members[0]
    (c,) = sign_in(case, "carol")
    a.lock(room)
    for client, _ in members:
        client.wait_locked()
    mark = c.mark()
    c.fill_in("Join scheduled conference...", meetingLocation="conf:" + a.focus())
    c.wait_event("notice", mark, kind="error", primary="Failed to join the conference")
    all_write(members, "in the locked room")
    a.unlock(room)
    for client, _ in members:
        client.wait_unlocked()
    members.append((c, c.join_conference("conf:" + a.focus())))
    wait_there(members)


@tap.test
def another_one_is_made_a_leader(case):
    (a, room), (b, b_room) = members = room_of(case, "alice", "bob")
    a.make_leader(room, b.user.uri)
    for client, name in members:
        client.wait_roster(name, {a.user.uri: True, b.user.uri: True})
    b.lock(b_room)
    for client, _ in members:
        client.wait_locked()


@tap.test
def who_does_not_lead_has_no_menu_for_it(case):
    (a, room), (b, b_room) = room_of(case, "alice", "bob")
    a.wait_roster(room, {a.user.uri: True, b.user.uri: False})
    tap.check(f"Remove from '{room}'" in menu(a, b.user.uri), "Remove in the leader's menu")
    tap.check("Lock" in [i["label"] for i in a.chat_menu(room)], "Lock in the leader's menu")
    tap.check(f"Remove from '{b_room}'" not in menu(b, a.user.uri), "Remove in the other's menu")
    tap.check("Lock" not in [i["label"] for i in b.chat_menu(b_room)], "Lock in the other's menu")


@tap.test
def who_began_it_leaves_and_the_others_write_on(case):
    members = room_of_three(case)
    a, room = members.pop(0)
    a.leave(room)
    wait_there(members)
    all_write(members, "without alice")


@tap.test
def a_conversation_of_two_becomes_a_room(case):
    a, b, c = sign_in(case, "alice", "bob", "carol")
    introduce(a, b, c)
    a.send(b.user.uri, "just us")
    b.wait_received(re.compile("just us"))
    marks = b.mark(), c.mark()
    room = a.new_chat(b.user.uri)
    members = [(a, room), (b, b.wait_chat(marks[0]))]
    wait_there(members)
    a.invite(room, c.user.uri)
    members.append((c, c.wait_chat(marks[1])))
    wait_there(members)
    all_write(members, "the three of us")
    a.send(b.user.uri, "and us again")
    b.wait_event("im", chat=False, text=re.compile("and us again"))


@tap.test
def two_rooms_at_a_time(case):
    (a, room), (b, b_room), (c, c_room) = room_of_three(case)
    marks = a.mark(), b.mark()
    second = [(c, c.new_chat(b.user.uri)), (b, b.wait_chat(marks[1]))]
    wait_there(second)
    all_write(second, "the second room")
    all_write([(a, room), (b, b_room), (c, c_room)], "the first room")
    tap.check_eq(a.chat_texts("the second room", marks[0]), [], "what is not for her")


@tap.test
def an_address_that_is_none_is_told(case):
    (a,) = sign_in(case, "alice")
    for location in ("hello", f"conf:{a.user.uri};gruu;opaque=app:conf:focus:id:NOSUCHROOM"):
        mark = a.mark()
        a.fill_in("Join scheduled conference...", meetingLocation=location)
        a.wait_event("notice", mark, kind="error", primary="Failed to join the conference")


@tap.test
def who_slept_is_invited_anew(case):
    members = room_of_three(case)
    all_write(members, "before")
    a, (c, _) = members[0], members[2]
    focus, mark = a[0].focus(), c.mark()
    os.killpg(c.p.pid, signal.SIGSTOP)
    try:
        a[0].send(a[1], "are you there?")
        line = f"event=conference-lost conference={focus.rsplit(':', 1)[1]} user={c.user.uri}"
        tap.wait_for(lambda: line in case.site.server.p.text(), "the end of patience")
    finally:
        os.killpg(c.p.pid, signal.SIGCONT)
    c.wait_event("chat-join", mark, who=c.user.uri)  # in the window that it had
    wait_there(members)
    all_write(members, "after")


@tap.test(alone=True)
def all_write_on_after_the_mcu_was_killed(case):
    members = room_of_three(case)
    all_write(members, "before")
    case.site.server.kill_role("mcu-im")
    tap.wait_for(lambda: all(r["state"] == "running" for r in case.site.server.roles()),
                 "running roles")
    wait_there(members)
    all_write(members, "after")


@tap.test(alone=True)
def all_meet_again_after_the_front_ends_were_killed(case):
    # pidgin-sipe 1.25 reads freed memory when it signs in while the window of a room is open from
    # before, and often dies; so the windows are closed, and all join again by the address.
    members = room_of_three(case)
    all_write(members, "before")
    address = "conf:" + members[0][0].focus()
    marks = [client.mark() for client, _ in members]
    for number in range(1, case.site.frontends + 1):
        case.site.server.kill_role("frontend", number)
    tap.wait_for(lambda: all(r["state"] == "running" for r in case.site.server.roles()),
                 "running roles")
    for (client, room), mark in zip(members, marks):
        client.wait_refused(mark)
        client.leave(room)
        client.come_back(mark)
    members = [(client, client.join_conference(address)) for client, _ in members]
    wait_there(members)
    all_write(members, "after")
    first, room = members[0]
    first.wait_roster(room, {c.user.uri: c is first for c, _ in members})


def make(args, folder):
    """Whoever organizes a conversation leads it, and nobody else does unasked."""
    netns.enter()
    return site.Site(args, folder, settings="conference-presenters = organizer")


if __name__ == "__main__":
    tap.main(make)
