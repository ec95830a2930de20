#!/usr/bin/python3
"""RL-04: users keep what is theirs when the number of front-end processes changes."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.conference import Conferee  # noqa: E402
from lib.im import History, page, phone, said, take  # noqa: E402
from lib.presence import PresenceClient  # noqa: E402
from lib.tap import check_eq, wait_for  # noqa: E402


def client(case, user):
    return case.own(PresenceClient(case.site.server, user)).start()


def run_with(server, processes, killed=False):
    """Starts anew with so many; what the last ones had in memory is lost if they are killed."""
    if killed:
        server.kill()
    else:
        server.stop()
    server.frontends = processes
    server._write_config()
    server.start()


def add(c, uri):
    answer = c.soap("setContact", displayName="", groups="1", subscribed="true",
                    URI=f"sip:{uri}", externalURI="")
    check_eq(answer.code, 200, "setContact")


@tap.test(alone=True)
def contacts_and_states_move_with_their_users(case):
    users = [case.site.user("home") for _ in range(6)]
    added = []
    for processes in (2, 1, 3, 1, 2):
        run_with(case.site.server, processes)
        for user in users:
            c = client(case, user)
            check_eq(set(c.list), set(added), f"contacts with {processes} processes")
            check_eq(c.publish_user(6500).code, 200, "state")
            add(c, f"at{len(added)}@example.test")
            wait_for(lambda c=c: c.aggregate() == 6500, "busy")
            c.stop()
        added.append(f"at{len(added)}@example.test")


@tap.test(alone=True)
def what_was_said_and_what_waits_moves_too(case):
    a, users, texts = case.site.user("sender"), [case.site.user("home") for _ in range(6)], []
    waits = case.site.user("waits")
    for n, processes in enumerate((2, 1, 3, 1, 2)):
        run_with(case.site.server, processes, killed=n % 2 == 1)
        sender = phone(case, a)
        for user in users:
            b = phone(case, user)
            h = History(b, since="0")
            check_eq(h.texts(n) if n else h.follow()["messages"], texts,
                     f"of {user.name} with {processes} processes")
            said(sender, page(sender, user.uri, f"m{n}"), b)
            b.stop()
        texts.append(f"m{n}")
        check_eq(sender.expect_answer(page(sender, waits.uri, f"k{n}")).code, 202, "kept")
        if n % 2:
            c = phone(case, waits)
            for i in (n - 1, n):
                check_eq(take(c).body, b"k%d" % i, "what waited")
            c.sign_off()
        sender.stop()
    run_with(case.site.server, 1)
    c = phone(case, waits)
    check_eq(take(c).body, b"k4", "the last")
    check_eq([m.body for m in c.all if m.method == "MESSAGE"], [b"k4"], "nothing comes back")
    h = History(phone(case, a), since="0")
    h.texts(40)
    check_eq(len([m for m in h.messages if "change" not in m]), 35, "all of the sender's")
    check_eq(len({m["message"] for m in h.messages if m.get("change") == "deliver"}), 5, "what has been delivered since")


@tap.test(alone=True)
def conferences_move_with_their_organizers(case):
    users = [case.site.user("org") for _ in range(6)]
    made = {}
    for processes in (2, 1, 3):
        run_with(case.site.server, processes)
        for user in users:
            c = case.own(Conferee(case.site.server, user)).sign_in()
            text = c.order("<getConferences/>")[2]
            check_eq(set(re.findall(r"focus:id:(\w+)", text)), made.get(user.name, set()),
                     f"conferences with {processes} processes")
            made.setdefault(user.name, set()).add(c.add_conference())
            c.stop()


if __name__ == "__main__":
    tap.main(site.make)
