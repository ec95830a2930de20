#!/usr/bin/python3
"""Poster row IM-16: who has said something to somebody who was away hears when she has it."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.im import phone, take  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402
from lib.web import Browser, Site, address, make_pages  # noqa: E402

CHANGE = "application/dialtone-change+json"


def make(args, folder):
    site.netns.enter()
    return site.Site(args, folder, web=f"metrics-port = 0\nweb-root = {make_pages(folder)}\n")


def browser(case, user=None):
    return case.own(Browser(Site(case.site.server), user or case.site.user("web"))).start()


def leave(a, user, text):
    m = a.ok("chat.send", to=address(user), text=text)["message"]
    check_eq(m["state"], "kept", "she is away")
    return m


def states(a, chat):
    """Of its own messages, as the history has them."""
    return [(m["text"], m["state"]) for m in a.ok("chat.history", **{"with": chat})["messages"]]


def wait_states(a, chat, *want):
    wait_for(lambda: states(a, chat) == list(want), lambda: f"{want}, not {states(a, chat)}")


def told(a):
    """Which messages it was told are delivered, in what order."""
    return [e["id"] for e in a.events if e["ev"] == "message_state" and e["state"] == "delivered"]


@tap.test
def a_page_hears_of_it(case):
    for _ in range(4):  # wherever the two live
        a, user = browser(case), case.site.user("late")
        sent = [leave(a, user, text) for text in ("one", "two")]
        check_eq(states(a, address(user)), [("one", "kept"), ("two", "kept")], "before")
        b = browser(case, user)
        b.wait_text("two")
        wait_for(lambda a=a: len(told(a)) == 2, lambda a=a: f"both: {a.events}")
        check_eq(sorted(told(a)), sorted(m["id"] for m in sent), "which")
        check_eq(states(a, address(user)), [("one", "delivered"), ("two", "delivered")], "the history")
        check_eq(states(b, address(a.user)), states(a, address(user)), "hers")


@tap.test
def whatever_she_comes_with(case):
    a, user = browser(case), case.site.user("late")
    m = leave(a, user, "ring me")
    p = phone(case, user)
    check_eq(take(p).body.decode(), "ring me", "what the phone gets")
    wait_for(lambda: told(a) == [m["id"]], lambda: f"{m['id']}: {a.events}")
    check(not [r for r in p.all if r.get("Content-Type") == CHANGE], "the phone hears nothing of it")


@tap.test
def who_is_away_then_finds_it_later(case):
    sender, user = case.site.user("sender"), case.site.user("late")
    a = browser(case, sender)
    leave(a, user, "later")
    a.log_out()
    wait_for(lambda: a.closed, "she is signed out")
    b = browser(case, user)
    b.wait_text("later")
    wait_states(browser(case, sender), address(user), ("later", "delivered"))
    check_eq([m["text"] for m in b.messages], ["later"], "nothing else comes to him")


@tap.test
def of_a_group_nobody_is_told(case):
    a, user = browser(case), case.site.user("late")
    chat = a.ok("conference.create", name="Lunch")["chat"]
    a.ok("conference.add", chat=chat, uri=address(user))
    a.ok("chat.send", to=chat, text="soup")
    m = leave(a, user, "and you?")
    b = browser(case, user)
    b.wait_text("and you?")
    wait_for(lambda: m["id"] in told(a), lambda: f"the message to her alone: {a.events}")
    check_eq(told(a), [m["id"]], "and no other")


@tap.test
def nobody_says_so_but_her_home(case):
    a, p, user = browser(case), phone(case), case.site.user("late")
    m = leave(a, user, "secret")
    for who in (p, phone(case, a.user)):
        body = json.dumps({"message": m["id"], "at": m["at"], "deliver": True})
        for to in (a.user.uri, user.uri):
            made = who.send(who.make("MESSAGE", to, body=body, headers=[("Content-Type", CHANGE)]))
            check_eq(who.expect_answer(made).code, 400, "by a client")
        made = who.send(who.make("MESSAGE", a.user.uri, body=body, headers=[
            ("Content-Type", CHANGE), ("Route", f"<sip:v.1@{case.site.server.domain};lr>")]))
        check(who.expect_answer(made).code >= 400, "by a way of its own")
    check_eq((states(a, address(user)), told(a)), ([("secret", "kept")], []), "as it is")


@tap.test(alone=True)
def a_killed_home_tells_it_later(case):
    users = [case.site.user("late") for _ in range(4)]
    a = browser(case)
    for user in users:
        leave(a, user, "before")
    for n in range(1, case.site.frontends + 1):
        case.site.server.kill_role("frontend", n)
    wait_for(lambda: "ok" in a.ask("chat.history"), "a home")
    pages = [browser(case, user) for user in users]
    for b in pages:
        b.wait_text("before")
    for n in range(1, case.site.frontends + 1):
        case.site.server.kill_role("frontend", n)
    wait_for(lambda: "ok" in a.ask("chat.history"), "a home")
    for user in users:
        wait_states(a, address(user), ("before", "delivered"))


if __name__ == "__main__":
    tap.main(make)
