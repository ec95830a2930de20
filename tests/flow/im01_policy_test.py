#!/usr/bin/python3
"""What an administrator decides about messages: for how long they are remembered, and kept for who is
not signed in, if at all; which links and files pass."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.im import History, page, phone, said, take  # noqa: E402
from lib.tap import check_eq, wait_for  # noqa: E402


def settings(case, *lines):
    """From now on these are the settings."""
    case.site.server.settings["frontend"] = "\n".join(lines)
    case.site.server._write_config()
    case.site.server.reload()


def told(client):
    h = History(client, since="0")
    check_eq(h.answer.code, 200, "SUBSCRIBE")
    h.follow()
    return [m["text"] for m in h.messages]


@tap.test(alone=True)
def nothing_is_remembered_where_that_is_switched_off(case):
    settings(case, "history = no")
    a, b = phone(case), phone(case)
    said(a, page(a, b.user.uri, "unseen"), b)
    check_eq(History(a, since="0").answer.code, 489, "SUBSCRIBE")
    settings(case, "history = yes")
    check_eq(told(a), [], "what was said before")


@tap.test(alone=True)
def what_is_old_enough_is_forgotten(case):
    settings(case, "history-keep = 2 s")
    a, b = phone(case), phone(case)
    said(a, page(a, b.user.uri, "soon gone"), b)
    wait_for(lambda: told(phone(case, a.user)) == [], "the message to be forgotten")
    check_eq(told(phone(case, b.user)), [], "at the other side")
    settings(case)


@tap.test(alone=True)
def nothing_is_kept_where_that_is_switched_off(case):
    settings(case, "keep-messages = no")
    a, user = phone(case), case.site.user("out")
    check_eq(a.expect_answer(page(a, user.uri, "x")).code, 480, "MESSAGE")
    settings(case)


@tap.test(alone=True)
def what_nobody_came_for_is_dropped(case):
    settings(case, "keep-messages-for = 3 s")
    a, user = phone(case), case.site.user("out")
    mark = case.site.server.p.mark()
    check_eq(a.expect_answer(page(a, user.uri, "late")).code, 202, "MESSAGE")
    case.site.server.p.wait_text("kept-messages-expired", after=mark)
    settings(case)
    check_eq(a.expect_answer(page(a, user.uri, "in time")).code, 202, "MESSAGE")
    check_eq(take(phone(case, user)).body, b"in time", "what comes")


if __name__ == "__main__":
    tap.main(site.make)
