#!/usr/bin/python3
"""Poster row IM-16: group chats of browsers, with Lync clients and phones in them too."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.conference import Conferee, focus_of  # noqa: E402
from lib.im import accept, lync, page, phone, say, take  # noqa: E402
from lib.presence import PresenceClient  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402
from lib.web import Browser, Site, address, make_pages  # noqa: E402


def make(args, folder):
    site.netns.enter()
    return site.Site(args, folder, web=f"metrics-port = 0\nweb-root = {make_pages(folder)}\n")


def browser(case, user=None, **kw):
    return case.own(Browser(Site(case.site.server), user or case.site.user("web"), **kw)).start()


def group(case, n=3, name="Lunch"):
    """A conference of so many browsers, who all watch it."""
    people = [browser(case) for _ in range(n)]
    first, *others = people
    chat = first.ok("conference.create", name=name)["chat"]
    for b in others:
        first.ok("conference.add", chat=chat, uri=address(b.user))
    for b in people:
        b.ok("conference.watch", chats=[chat])
    for b in people:
        b.wait_members(chat, *(x.user for x in people))
    return chat, people


def history(b, chat):
    return [(m["from"], m["text"]) for m in b.ok("chat.history", **{"with": chat})["messages"]]


@tap.test
def what_one_says_all_hear_and_remember(case):
    chat, (a, b, c) = group(case)
    check_eq(a.conferences[chat]["name"], "Lunch", "its name")
    check_eq(a.conferences[chat]["organizer"], address(a.user), "who made it")
    m = a.ok("chat.send", to=chat, text="At noon?", ref="r1")["message"]
    check_eq((m["state"], m["chat"], m["ref"]), ("delivered", chat, "r1"), "what was sent")
    for x in (b, c):
        heard = x.wait_text("At noon?")
        check_eq((heard["from"], heard["chat"], heard["id"]), (address(a.user), chat, m["id"]), "heard")
    c.ok("chat.send", to=chat, text="Fine")
    for x in (a, b):
        x.wait_text("Fine")
    for x in (a, b, c):
        wait_for(lambda x=x: history(x, chat) == [(address(a.user), "At noon?"), (address(c.user), "Fine")],
                 lambda x=x: f"the history of {x.user.name}: {history(x, chat)}")


@tap.test
def all_see_who_types(case):
    chat, (a, b, c) = group(case)
    a.ok("chat.typing", to=chat, on=True)
    for x in (b, c):
        wait_for(lambda x=x: any(e["ev"] == "typing" and (e["chat"], e["from"], e["on"]) == (chat, address(a.user), True)
                                 for e in x.events), lambda x=x: f"{x.user.name} is told: {x.typing}")
    check_eq(a.typing, [], "but not who does it")
    a.ok("chat.typing", to=chat, on=False)
    for x in (b, c):
        wait_for(lambda x=x: x.typing[-1] == (address(a.user), False), "and of the end")
    d = browser(case)
    d.ok("chat.typing", to=chat, on=True)  # no member: it is nothing
    a.ok("chat.send", to=chat, text="after it")
    for x in (b, c):
        x.wait_text("after it")
        check_eq([t for t in x.typing if t[0] == address(d.user)], [], "who is not in it types for nobody")
    check_eq([t for t, _ in ((m["text"], 0) for m in b.messages)], ["after it"], "and it is no message")


@tap.test
def who_was_away_reads_it_when_he_comes(case):
    chat, (a, b) = group(case, 2)
    c = case.site.user("web")
    a.ok("conference.add", chat=chat, uri=address(c))
    a.ok("chat.send", to=chat, text="for later")
    b.wait_text("for later")
    late = browser(case, c)
    wait_for(lambda: history(late, chat) == [(address(a.user), "for later")], "his history")
    late.ok("conference.watch", chats=[chat])
    late.wait_members(chat, a.user, b.user, c)
    late.ok("chat.send", to=chat, text="here I am")
    for x in (a, b):
        x.wait_text("here I am")


@tap.test
def members_come_and_go_and_all_see_it(case):
    chat, (a, b, c) = group(case)
    d = browser(case)
    check_eq(b.error("conference.remove", chat=chat, uri=address(c.user)), "refused", "by a member")
    b.ok("conference.add", chat=chat, uri=address(d.user))
    for x in (a, b, c):
        x.wait_members(chat, a.user, b.user, c.user, d.user)
    a.ok("conference.remove", chat=chat, uri=address(c.user))
    b.ok("conference.remove", chat=chat, uri=address(b.user))  # leaves
    a.wait_members(chat, a.user, d.user)
    for x in (b, c):
        wait_for(lambda x=x: chat in x.conferences and x.conferences[chat] is None,
                 lambda x=x: f"{x.user.name} is out: {x.conferences}")
        check_eq(x.error("chat.send", to=chat, text="let me in"), "refused", "who is out")
    a.ok("chat.send", to=chat, text="the two of us")
    d.wait_text("the two of us")
    for x in (b, c):
        check("the two of us" not in [m["text"] for m in x.messages], "who is out hears nothing")


@tap.test
def it_has_a_name_that_who_made_it_changes(case):
    chat, (a, b) = group(case, 2, name="Wörk & <b>")
    check_eq(b.conferences[chat]["name"], "Wörk & <b>", "its name")
    a.ok("conference.rename", chat=chat, name="Play")
    wait_for(lambda: b.conferences[chat]["name"] == "Play", lambda: f"the new name: {b.conferences}")
    check_eq(b.error("conference.rename", chat=chat, name="Mine"), "refused", "by another")


def leader(b, chat):
    people = (b.conferences.get(chat) or {}).get("people", {})
    return [uri for uri, role in people.items() if role == "presenter"]


@tap.test
def who_is_in_it_for_longest_leads_when_the_leader_leaves(case):
    chat, (a, b, c) = group(case)
    check_eq(leader(c, chat), [address(a.user)], "who made it leads")
    a.ok("conference.remove", chat=chat, uri=address(a.user))
    wait_for(lambda: leader(c, chat) == [address(b.user)], lambda: f"who leads: {c.conferences}")
    for old in ("conference.rename", "conference.remove", "conference.lead"):
        check_eq(a.error(old, chat=chat, name="x", uri=address(c.user)), "refused", "who has left")
    check_eq(c.error("conference.rename", chat=chat, name="x"), "refused", "who does not lead")
    b.ok("conference.rename", chat=chat, name="Goes on")
    wait_for(lambda: c.conferences[chat]["name"] == "Goes on", lambda: f"the new name: {c.conferences}")
    b.ok("conference.add", chat=chat, uri=address(a.user))
    b.wait_members(chat, a.user, b.user, c.user)
    check_eq(a.error("conference.rename", chat=chat, name="x"), "refused", "who came back")
    b.ok("conference.remove", chat=chat, uri=address(a.user))
    b.wait_members(chat, b.user, c.user)


@tap.test
def who_leads_names_another_one(case):
    chat, (a, b, c) = group(case)
    check_eq(b.error("conference.lead", chat=chat, uri=address(b.user)), "refused", "by a member")
    check_eq(a.error("conference.lead", chat=chat, uri=address(case.site.user("web"))), "not_found", "a stranger")
    a.ok("conference.lead", chat=chat, uri=address(c.user))
    for x in (a, b, c):
        wait_for(lambda x=x: leader(x, chat) == [address(c.user)], lambda x=x: f"who leads: {x.conferences}")
    check_eq(a.error("conference.rename", chat=chat, name="x"), "refused", "who led")
    c.ok("conference.rename", chat=chat, name="Hers")
    wait_for(lambda: a.conferences[chat]["name"] == "Hers", lambda: f"the new name: {a.conferences}")


@tap.test(alone=True)
def who_leads_is_known_after_a_restart(case):
    chat, (a, b) = group(case, 2)
    a.ok("conference.lead", chat=chat, uri=address(b.user))
    for n in range(1, case.site.frontends + 1):
        case.site.server.kill_role("frontend", n)

    def renamed():
        return "ok" in b.ask("conference.rename", chat=chat, name="After")
    wait_for(renamed, "who leads renames it")
    wait_for(lambda: (a.conferences.get(chat) or {}).get("name") == "After", lambda: f"the new name: {a.conferences}")


@tap.test
def who_is_blocked_brings_nobody_in(case):
    chat, (a, b) = group(case, 2)
    for _ in range(2 * case.site.frontends):  # of whichever homes
        c = case.own(PresenceClient(case.site.server, case.site.user("web"))).start()
        check_eq(c.set_members(32000, ("add", "user", address(a.user))).code, 200, "block")
        refused = a.ask("conference.add", chat=chat, uri=address(c.user))["error"]
        nobody = a.ask("conference.add", chat=chat, uri="nobody@example.test")["error"]
        check_eq(refused, nobody, "as if there were nobody of that name")
        check_eq(a.wait_members(chat, a.user, b.user), None, "nobody came")
        b.ok("conference.add", chat=chat, uri=address(c.user))
        b.wait_members(chat, a.user, b.user, c.user)
        a.ok("conference.remove", chat=chat, uri=address(c.user))
        a.wait_members(chat, a.user, b.user)
        check_eq(c.set_members(32000, ("remove", "user", address(a.user))).code, 200, "unblock")
        wait_for(lambda c=c: "ok" in a.ask("conference.add", chat=chat, uri=address(c.user)), "she lets him again")
        a.ok("conference.remove", chat=chat, uri=address(c.user))
        a.wait_members(chat, a.user, b.user)


@tap.test
def strangers_learn_nothing_and_change_nothing(case):
    chat, (a, b) = group(case, 2)
    s = browser(case)
    s.ok("conference.watch", chats=[chat, chat.replace("conf-", "conf-0")[:70]])
    wait_for(lambda: chat in s.conferences, "an answer")
    check_eq(s.conferences[chat], None, "who is in it")
    check_eq(s.error("chat.send", to=chat, text="hello"), "refused", "a message")
    check_eq(s.error("conference.add", chat=chat, uri=address(s.user)), "refused", "oneself")
    check_eq(s.error("conference.remove", chat=chat, uri=address(b.user)), "refused", "another")
    check_eq(s.error("conference.rename", chat=chat, name="x"), "refused", "its name")
    a.wait_members(chat, a.user, b.user)


@tap.test
def what_is_wrong_is_said(case):
    chat, (a,) = group(case, 1)
    check_eq(a.error("conference.create"), "bad_request", "without a name")
    check_eq(a.error("conference.create", name=" "), "bad_request", "an empty name")
    check_eq(a.error("conference.create", name="x" * 201), "bad_request", "a long name")
    check_eq(a.error("conference.add", chat="bob@example.test", uri=address(a.user)), "bad_request", "a person")
    check_eq(a.error("conference.add", chat=chat, uri="no address"), "bad_request", "nobody")
    check_eq(a.error("conference.add", chat=chat, uri="nobody@example.test"), "not_found", "nobody here")
    gone = f"conf-{'0' * 32}.{address(a.user)}"
    check_eq(a.error("conference.add", chat=gone, uri=address(a.user)), "not_found", "one that is not there")
    check_eq(a.error("conference.watch", chats=[chat] * 51), "bad_request", "too many")
    check_eq(a.error("conference.watch"), "bad_request", "none")


@tap.test
def lync_clients_and_phones_are_in_it_too(case):
    chat, (a, b) = group(case, 2)
    p, l = phone(case), lync(case)
    for x in (p, l):
        a.ok("conference.add", chat=chat, uri=address(x.user))
    a.ok("chat.send", to=chat, text="hello")
    b.wait_text("hello")
    check_eq(take(p).body.decode(), f"{address(a.user)}: hello", "at the phone")
    _, back = accept(l)
    check_eq(take(l).body.decode(), f"{address(a.user)}: hello", "at the Lync client")
    say(l, back, "from Lync")
    for x in (a, b):
        check_eq(x.wait_text("from Lync")["from"], address(l.user), "its author")
    check_eq(take(p).body.decode(), f"{address(l.user)}: from Lync", "at the phone")
    page(p, f"sip:{chat}", "from the phone")
    for x in (a, b):
        check_eq(x.wait_text("from the phone")["chat"], chat, "where")


@tap.test
def a_lync_client_s_conference_reaches_a_browser(case):
    a, b = case.own(Conferee(case.site.server, case.site.user("conf"))).sign_in(), browser(case)
    focus = focus_of(a.user, a.add_conference())
    chat = f"conf-{focus.rsplit(':', 1)[1].lower()}.{address(a.user)}"
    a.join(focus)
    body = (f'<Conferencing version="2.0"><focus-uri>{focus}</focus-uri><subject>Ideas</subject>'
            '<im available="true"><first-im/></im></Conferencing>')
    m = a.make("INVITE", b.user.uri, body=body,
               headers=[("Content-Type", "application/ms-conf-invite+xml")])
    answer = a.expect_answer(a.send(m))
    check_eq(answer.code, 200, "the invitation")
    invited = wait_for(lambda: next((m for m in b.messages if m["chat"] == chat), None), "the invitation")
    check(address(a.user) in invited["text"], invited)
    b.ok("chat.send", to=chat, text="thank you")
    a.hears("thank you", b)
    b.ok("conference.watch", chats=[chat])
    b.wait_members(chat, a.user, b.user)
    a.say("welcome")
    check_eq(b.wait_text("welcome")["from"], address(a.user), "who says it")


@tap.test(alone=True)
def it_goes_on_when_processes_are_killed(case):
    chat, (a, b) = group(case, 2)
    for role, n in [("frontend", n) for n in range(1, case.site.frontends + 1)] + [("mcu-im", 1)]:
        case.site.server.kill_role(role, n)

    def sent():
        answer = a.ask("chat.send", to=chat, text="after", ref="after")
        return "ok" in answer
    wait_for(sent, "a message that is taken")
    b.wait_text("after")
    b.ok("chat.send", to=chat, text="and back")
    a.wait_text("and back")
    late = browser(case)
    a.ok("conference.add", chat=chat, uri=address(late.user))
    for x in (a, b):
        x.wait_members(chat, a.user, b.user, late.user)


if __name__ == "__main__":
    tap.main(make)
