#!/usr/bin/python3
"""Lasting conferences: groups whose members are stored, and hear what is said there whenever they
come back."""
import glob
import os
import re
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.conference import CCCP, INFO, MSCI, Conferee, focus_of, result  # noqa: E402
from lib.im import History, accept, lync, phone, say, take  # noqa: E402
from lib.siptext import reset  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402

LASTING = '<lasting xmlns="urn:dialtone:conference">true</lasting>'
KEPT_MAX = 200  # messages for one user
OUT = b"You are not in this conversation any more."


class Group:
    """One that a phone's user makes, with these others."""

    def __init__(self, case, owner, *others):
        self.case, self.owner = case, owner
        self.uri = f"{owner.user.uri};gruu;opaque=app:conf:focusfactory"
        code, word, text = self.order(
            owner, f'<addConference><ci:conference-info xmlns:ci="{INFO}" xmlns:msci="{MSCI}" '
            'entity=""><ci:conference-description><ci:subject>Lunch</ci:subject>'
            f'<msci:conference-id/>{LASTING}</ci:conference-description></ci:conference-info>'
            '</addConference>')
        check_eq((code, word), (200, "success"), "addConference")
        self.id = re.search(r"focus:id:(\w+)", text).group(1)
        self.uri = focus_of(owner.user, self.id)
        self.address = f"conf-{self.id.lower()}.{owner.user.uri[4:]}"
        for other in others:
            check_eq(self.add(owner, other)[1], "success", f"{other.user.name} is added")

    def order(self, by, command):
        body = (f'<request xmlns="{CCCP}" C3PVersion="1" to="{self.uri}" from="{by.user.uri}" '
                f'requestId="1">{command}</request>')
        return result(by.ask(by.make("SERVICE", self.uri, body=body, headers=[
            ("Content-Type", "application/cccp+xml")]))[0])

    def add(self, by, who):
        uri = who if isinstance(who, str) else who.user.uri
        return self.order(by, f'<addUser><conferenceKeys confEntity="{self.uri}"/><ci:user '
                          f'xmlns:ci="{INFO}" entity="{uri}"/></addUser>')

    def remove(self, by, who):
        return self.order(by, f'<deleteUser><userKeys confEntity="{self.uri}" '
                          f'userEntity="{who.user.uri}"/></deleteUser>')

    def message(self, by, text):
        return by.make("MESSAGE", f"sip:{self.address}", body=text,
                       headers=[("Content-Type", "text/plain")])

    def say(self, by, text, code=202):
        check_eq(by.ask(self.message(by, text))[0].code, code, f"MESSAGE {text}")

    def hears(self, who, text, author):
        m = take(who)
        check_eq(m.body.decode(), f"{author.user.uri[4:]}: {text}", f"what {who.user.name} hears")

    def members(self):
        shown = self.case.site.server.json("conference", "show", self.id)
        return {m["user"] for m in shown["members"]}


def group(case, n=3):
    phones = [phone(case) for _ in range(n)]
    return Group(case, *phones), phones


@tap.test
def who_is_added_hears_what_is_said_without_having_joined(case):
    g, (a, b, c) = group(case)
    g.say(a, "hello")
    g.hears(b, "hello", a)
    g.hears(c, "hello", a)
    g.say(c, "and you")
    g.hears(a, "and you", c)
    g.hears(b, "and you", c)
    check_eq(g.members(), {p.user.uri[4:] for p in (a, b, c)}, "members")


@tap.test(alone=True)
def nobody_misses_what_is_said_right_after_he_came_in(case):
    """The MCU hears of people and of messages by two connections: here both wait for it."""
    phones = [phone(case) for _ in range(6)]
    a, others = phones[0], phones[1:]
    with case.site.server.halted("mcu-im"):
        g = Group(case, *phones)
        m = a.send(a.make("MESSAGE", f"sip:{g.address}", body="to all of you",
                          headers=[("Content-Type", "text/plain")]))
        check_eq(g.members(), {p.user.uri[4:] for p in phones}, "members")
    check_eq(a.expect_answer(m).code, 202, "MESSAGE")
    for p in others:
        g.hears(p, "to all of you", a)
    late = phone(case)
    with case.site.server.halted("mcu-im"):
        check_eq(g.remove(a, others[0])[1], "success", "one is sent away")
        check_eq(g.add(a, late)[1], "success", "another comes")
        m = a.send(a.make("MESSAGE", f"sip:{g.address}", body="and now",
                          headers=[("Content-Type", "text/plain")]))
        g.members()
    check_eq(a.expect_answer(m).code, 202, "MESSAGE")
    for p in others[1:] + [late]:
        g.hears(p, "and now", a)
    check_eq(take(others[0]).body, OUT, "who was sent away")


@tap.test(alone=True)
def nobody_misses_what_is_said_as_his_connection_breaks(case):
    """The process that has his connection sees it break when the message is on its way to it."""
    b_user = case.site.user("gone")
    a = phone(case)
    for n in range(2 * case.site.frontends):
        b = phone(case, b_user)
        g = Group(case, a, b)
        g.say(a, "hello")
        g.hears(b, "hello", a)
        with case.site.server.halted("frontend", n % case.site.frontends + 1):
            m = a.send(g.message(a, "are you there?"))
            reset(b)
        check_eq(a.expect_answer(m).code, 202, "MESSAGE")
        wait_for(lambda: not case.site.server.endpoints(b_user), "its endpoint to go")
        b = phone(case, b_user)
        g.hears(b, "are you there?", a)
        b.sign_off()


@tap.test
def what_is_remembered_has_no_name_in_front(case):
    g, (a, b) = group(case, 2)
    g.say(a, "hello")
    g.hears(b, "hello", a)
    for p in (a, b):
        h = History(phone(case, p.user), since="0")
        h.texts(1)
        check_eq([(m["author"], m["text"], m["peer"]) for m in h.messages],
                 [(a.user.uri[4:], "hello", g.address)], f"history of {p.user.name}")


@tap.test
def who_is_away_is_told_when_he_comes_back(case):
    g, (a, b) = group(case, 2)
    c = case.site.user("away")
    check_eq(g.add(a, c.uri)[1], "success", "one who is not signed in")
    g.say(a, "for later")
    g.hears(b, "for later", a)
    g.hears(phone(case, c), "for later", a)


def away(case, g):
    """A member who is not signed in, and never was."""
    user = case.site.user("away")
    check_eq(g.add(g.owner, user.uri)[1], "success", "one who is not signed in")
    return user


@tap.test
def who_is_away_misses_nothing_however_much_is_said(case):
    """More than is kept for a telephone is in the history all the same."""
    g, (a,) = group(case, 1)
    c = away(case, g)
    said = [f"{n}" for n in range(KEPT_MAX + 5)]
    asked = [a.send(g.message(a, text)) for text in said]
    for m in asked:
        check_eq(a.expect_answer(m).code, 202, "MESSAGE")
    c = phone(case, c)
    h = History(c, since="0")
    check_eq(h.texts(len(said)), said, "what is remembered")
    for text in said[:KEPT_MAX]:
        g.hears(c, text, a)
    g.say(a, "now")
    g.hears(c, "now", a)
    check_eq(h.texts(len(said) + 1), [*said, "now"], "each of it once")


def kept(case, g):
    """How many of its messages wait for somebody."""
    n = 0
    for path in glob.glob(os.path.join(case.site.server.dir, "data", "home-*.db")):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
            n += db.execute("select count(*) from kept where sender = ? and done = 0", (g.address,)).fetchone()[0]
    return n


@tap.test
def who_reads_the_history_alone_gets_what_was_kept_once(case):
    g, (a, b) = group(case, 2)
    c = away(case, g)
    g.say(a, "for later")
    wait_for(lambda: kept(case, g) == 1, "the message to be kept")
    c = phone(case, c)
    h = History(c, since="0", alone=True)
    check_eq(h.texts(1), ["for later"], "what is remembered")

    def let_go():
        for m in c.all:
            if m.method == "MESSAGE":  # it subscribed too late
                c.answer(m, 200)
        return kept(case, g) == 0
    wait_for(let_go, "it to be let go")
    g.say(a, "now")
    check_eq(h.texts(2), ["for later", "now"], "what is told then")


@tap.test(alone=True)
def what_was_kept_is_remembered_once_over_a_stop(case):
    g, (a, b) = group(case, 2)
    c = away(case, g)
    g.say(a, "before")
    g.hears(b, "before", a)
    wait_for(lambda: kept(case, g) == 1, "the message to be kept")
    case.site.server.stop()
    case.site.server.start()
    a, c = phone(case, a.user), phone(case, c)
    g.hears(c, "before", a)
    g.say(a, "after")
    g.hears(c, "after", a)
    check_eq(History(c, since="0").texts(2), ["before", "after"], "what is remembered")


@tap.test
def who_has_a_lync_client_alone_hears_it_in_a_session(case):
    g, (a, b) = group(case, 2)
    c = lync(case)
    check_eq(g.add(a, c)[1], "success", "one with a Lync client")
    g.say(a, "hello")
    g.hears(b, "hello", a)
    m, back = accept(c)
    check(f"<sip:{g.address}>" in m.get("From").lower(), m.get("From"))
    check_eq(take(c).body.decode(), f"{a.user.uri[4:]}: hello", "what is said")
    answer = say(c, back, "and you")
    for p in (a, b):
        g.hears(p, "and you", c)
    check_eq(c.expect_answer(answer).code, 202, "MESSAGE")
    g.say(b, "well")
    g.hears(a, "well", b)
    check_eq(take(c).body.decode(), f"{b.user.uri[4:]}: well", "the next, in the same session")


@tap.test
def who_takes_part_with_a_lync_client_hears_it_there(case):
    g, (a, b) = group(case, 2)
    c = case.own(Conferee(case.site.server, case.site.user("conf"))).sign_in()
    check_eq(g.add(a, c)[1], "success", "one with a Lync client")
    c.join(g.uri)
    g.say(a, "hello")
    g.hears(b, "hello", a)
    c.hears("hello", a)
    c.say("from the window")
    for p in (a, b):
        g.hears(p, "from the window", c)
    g.say(b, "the last")
    c.hears("the last", b)
    check_eq([m.method for m in c.all if m.method == "INVITE"], [], "no session besides")
    c.leave()
    g.say(a, "after")
    accept(c)
    check_eq(take(c).body.decode(), f"{a.user.uri[4:]}: after", "what is said after")


@tap.test(alone=True)
def members_stay_over_a_stop_of_the_whole_server(case):
    g, (a, b, c) = group(case)
    g.say(a, "before")
    for p in (b, c):
        g.hears(p, "before", a)
    case.site.server.stop()
    case.site.server.start()
    a, b, c = (phone(case, p.user) for p in (a, b, c))
    g.say(b, "after")
    for p in (a, c):
        g.hears(p, "after", b)


@tap.test(alone=True)
def members_stay_when_a_process_is_killed(case):
    g, (a, b) = group(case, 2)
    g.say(a, "before")
    g.hears(b, "before", a)
    case.site.server.kill_role("mcu-im", 1)
    g.say(a, "after the MCU")
    g.hears(b, "after the MCU", a)


@tap.test
def a_member_leaves_and_hears_nothing_more(case):
    g, (a, b, c) = group(case)
    g.say(a, "one")
    for p in (b, c):
        g.hears(p, "one", a)
    check_eq(g.remove(b, b)[1], "success", "leaves")
    check_eq(take(b).body, OUT, "is told")
    g.say(a, "two")
    g.hears(c, "two", a)
    g.say(b, "let me in again", code=403)
    heard = [m.body for m in b.all if m.method == "MESSAGE"]
    check_eq(heard[-1], OUT, f"the last that he hears of {heard}")
    check_eq(g.members(), {p.user.uri[4:] for p in (a, c)}, "members")
    g.say(c, "/leave", code=200)
    g.say(c, "and out", code=403)


@tap.test
def the_organizer_removes_members_and_nobody_else_does(case):
    g, (a, b, c) = group(case)
    check_eq(g.remove(b, c)[1], "notAuthorized", "by a member")
    check_eq(g.remove(b, a)[1], "notAuthorized", "the organizer, by a member")
    check_eq(g.remove(a, c)[1], "success", "by the organizer")
    g.say(c, "still here", code=403)
    check_eq(g.remove(a, c)[1], "userDoesntExist", "twice")


@tap.test
def strangers_neither_come_in_nor_bring_others(case):
    g, (a, b) = group(case, 2)
    stranger = phone(case)
    g.say(stranger, "hello", code=403)
    check_eq(g.add(stranger, stranger)[1], "notAuthorized", "oneself")
    check_eq(g.add(stranger, b)[1], "notAuthorized", "a member")
    check_eq(g.remove(stranger, b)[1], "notAuthorized", "removes")
    check_eq(g.order(stranger, f'<getConference><conferenceKeys confEntity="{g.uri}"/>'
                     '</getConference>')[1], "notAuthorized", "reads")
    check_eq(g.members(), {p.user.uri[4:] for p in (a, b)}, "members")


@tap.test
def a_member_brings_others_and_nobody_who_does_not_exist(case):
    g, (a, b) = group(case, 2)
    c = phone(case)
    check_eq(g.add(b, c)[1], "success", "by a member")
    check_eq(g.add(b, c)[1], "success", "twice")
    check_eq(g.add(b, "sip:nobody@example.test")[1], "userDoesntExist", "nobody")
    g.say(c, "thanks")
    for p in (a, b):
        g.hears(p, "thanks", c)


@tap.test
def members_do_not_come_into_what_does_not_last(case):
    a, b = (case.own(Conferee(case.site.server, case.site.user("conf"))).sign_in()
            for _ in range(2))
    focus = focus_of(a.user, a.add_conference())
    a.join(focus)
    code, word, _ = a.command(f'<addUser><conferenceKeys confEntity="{focus}"/><ci:user '
                              f'xmlns:ci="{INFO}" entity="{b.user.uri}"/></addUser>')
    check_eq((code, word), (200, "notSupported"), "addUser in the dialog")
    wait_for(lambda: set(a.users) == {a.user.uri}, "the organizer alone")


if __name__ == "__main__":
    tap.main(site.make)
