#!/usr/bin/python3
"""Three people on pidgin-sipe and one on a SIP phone see each other's true state and write to each
other, two by two and all together in a room; and all of it again after the front ends were killed."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop.phones import LINPHONEC  # noqa: E402
from interop.sipe import introduce, sign_in  # noqa: E402
from lib import site, tap  # noqa: E402

# What each chooses at pidgin-sipe, and how linphonec shows that.
CHOSEN = (("busy", "Busy"), ("away", "Away"), ("available", "Online"))


def all_see_all(people, phone, turn):
    for i, person in enumerate(people):
        state, at_phone = CHOSEN[(i + turn) % len(CHOSEN)]
        person.set_status(state)
        for other in people:
            if other is not person:
                other.wait_buddy(person.user.uri, status=state)
        phone.wait_presence(person.user.uri, at_phone)
    for person in people:
        person.wait_buddy(phone.user.uri, status="available")


def all_write_to_all(people, phone, word):
    everybody = [*people, phone]
    for sender in everybody:
        for receiver in everybody:
            if sender is receiver:
                continue
            text = f"{word} from {sender.user.name} to {receiver.user.name}"
            sender.send(receiver.user.uri, text)
            if receiver is phone:
                receiver.wait_received(text, sender.user.uri)
            else:
                receiver.wait_received(re.compile(re.escape(text)))


def room_for_phones(people):
    """The address at which the phone sees the room that the first one is in."""
    user, conference = re.match(r"sip:(.*);gruu;opaque=app:conf:focus:id:(\w+)",
                                people[0].focus()).groups()
    return f"sip:conf-{conference}.{user}"


def four_in_a_room(people, phone, word):
    """The first invites all; the phone answers the message that it is invited by."""
    first, second, third = people
    marks = [p.mark() for p in people]
    rooms = [first.new_chat(second.user.uri)]
    rooms.append(second.wait_chat(marks[1]))
    first.invite(rooms[0], third.user.uri)
    rooms.append(third.wait_chat(marks[2]))
    for p, room in zip(people, rooms):
        p.wait_roster(room, [q.user.uri for q in people])
    first.invite(rooms[0], phone.user.uri)
    address = room_for_phones(people)
    phone.wait_received("invites you to a conversation", address)
    phone.send(address, f"{word} from {phone.user.name}")
    for p, room, mark in zip(people, rooms, marks):
        p.wait_roster(room, [q.user.uri for q in (*people, phone)])
        p.wait_chat_received(re.compile(f"{word} from {phone.user.name}"), phone.user.uri, mark)
    for p, room in zip(people, rooms):
        p.send(room, f"{word} from {p.user.name}")
        phone.wait_received(f"{p.user.uri.removeprefix('sip:')}: {word} from {p.user.name}", address)
        for other, mark in zip(people, marks):
            if other is not p:
                other.wait_chat_received(f"{word} from {p.user.name}", p.user.uri, mark)
    phone.send(address, "/leave")
    phone.wait_received("You are not in this conversation any more.", address)
    for p, room in zip(people, rooms):
        p.wait_roster(room, [q.user.uri for q in people])
    for p, room in zip(people, rooms):
        p.leave(room)


@tap.test
def four_people_see_each_other_and_write_through_a_restart(case):
    people = sign_in(case, "alice", "bob", "carol")
    introduce(*people)
    phone = LINPHONEC(case, case.site.user("dave"), "tls", watch=[p.user for p in people])
    phone.wait_registered()
    for p in people:
        p.add_contact(phone.user.uri)
    all_see_all(people, phone, 0)
    all_write_to_all(people, phone, "before")
    four_in_a_room(people, phone, "all before")
    marks = [p.mark() for p in (*people, phone)]
    for number in range(1, case.site.frontends + 1):
        case.site.server.kill_role("frontend", number)
    tap.wait_for(lambda: all(r["state"] == "running" for r in case.site.server.roles()),
                 "running roles")
    for p, mark in zip(people, marks):
        p.come_back(mark)
        p.wait_ready()
    phone.wait_registered_again(marks[-1])
    all_see_all(people, phone, 1)
    all_write_to_all(people, phone, "after")
    four_in_a_room(people, phone, "all after")


if __name__ == "__main__":
    tap.main(site.make)
