#!/usr/bin/python3
"""RL-04: users keep what is theirs when the number of front-end processes changes."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.presence import PresenceClient  # noqa: E402
from lib.tap import check_eq, wait_for  # noqa: E402


def client(case, user):
    return case.own(PresenceClient(case.site.server, user)).start()


def run_with(server, processes):
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


if __name__ == "__main__":
    tap.main(site.make)
