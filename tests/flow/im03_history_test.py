#!/usr/bin/python3
"""What is said in a conference is remembered by the home of each who says or hears it, once, and told
to the user's other endpoints (event package dialtone-conversation)."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.conference import Conferee, meet  # noqa: E402
from lib.im import History, page, phone, take  # noqa: E402
from lib.siptext import token  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402


def conferee(case, user=None):
    return case.own(Conferee(case.site.server, user or case.site.user("conf"))).sign_in()


def address_of(focus):
    """"conf-ID.alice@example.test": the conference's address."""
    user, _, rest = focus.removeprefix("sip:").partition(";")
    return f"conf-{rest.rsplit(':', 1)[1]}.{user}"


def remembers(case, client, n):
    """What the user's home has, told to another endpoint of the user."""
    h = History(phone(case, client.user), since="0")
    check_eq(h.answer.code, 200, "SUBSCRIBE")
    h.texts(n)
    return h


def rows(history):
    return [(m["author"], m["text"]) for m in history.messages]


@tap.test
def all_who_are_there_remember_the_same(case):
    a, b, c = (conferee(case) for _ in range(3))
    focus = meet(a, b, c)
    wanted = []
    for who in (a, b, c, a):
        text = f"{len(wanted)} by {who.user.name}"
        who.say(text)
        for other in (a, b, c):
            if other is not who:
                other.hears(text, who)
        wanted.append((who.user.uri[4:], text))
    seen = [remembers(case, x, 4) for x in (a, b, c)]
    for h in seen:
        check_eq(sorted(rows(h)), sorted(wanted), "what was said")
        check_eq({m["peer"] for m in h.messages}, {address_of(focus).lower()}, "to whom")
    ids = [sorted((m["conversation"], m["message"]) for m in h.messages) for h in seen]
    check(ids[0] == ids[1] == ids[2], f"ids: {ids}")
    check_eq((len({i for i, _ in ids[0]}), len({i for _, i in ids[0]})), (1, 4), "ids")


@tap.test
def who_is_there_with_two_clients_and_a_phone_remembers_it_once(case):
    a, b = conferee(case), conferee(case)
    again = conferee(case, b.user)
    focus = meet(a, b)
    again.join(focus)
    telephone = phone(case, b.user)
    joined = page(telephone, f"sip:{address_of(focus)}", "from the phone")
    for other in (a, b, again):
        other.hears("from the phone", telephone)
    check_eq(telephone.expect_answer(joined).code, 202, "MESSAGE to the conference")
    a.say("for all of them")
    for other in (b, again):
        other.hears("for all of them", a)
    take(telephone)
    h = remembers(case, b, 2)
    a.say("the last")
    for other in (b, again):
        other.hears("the last", a)
    take(telephone)
    h.texts(3)
    check_eq([m["author"] for m in h.messages],
             [x.user.uri[4:] for x in (b, a, a)], "authors")
    check("from the phone" in rows(h)[0][1] and "the last" in rows(h)[2][1], rows(h))


MUCH = 400  # messages of others while a client does not answer


@tap.test
def a_client_that_answers_late_does_not_say_it_twice(case):
    """However much was said elsewhere meanwhile."""
    a, members = conferee(case), [conferee(case) for _ in range(4)]
    slow = [conferee(case, m.user) for m in members]
    focus = meet(a, *members)
    for client in slow:
        client.join(focus)
    a.say("once")
    for member in members:
        member.hears("once", a)
    held = [client.expect_request("MESSAGE") for client in slow]
    others = [conferee(case) for _ in range(3)]
    meet(*others)
    for i in range(MUCH):
        others[0].say(str(i))
        for other in others[1:]:
            other.hears(str(i), others[0])
    for client, m in zip(slow, held):
        client.answer(m, 200)
    a.say("and then")
    for client in members + slow:
        client.hears("and then", a)
    for member in members:
        check_eq([t for _, t in rows(remembers(case, member, 2))], ["once", "and then"],
                 f"what {member.user.name} was told")


@tap.test
def an_organizer_who_is_not_there_remembers_nothing(case):
    a, b, c = (conferee(case) for _ in range(3))
    focus = meet(a, b, c)
    a.leave()
    b.wait_there(c)
    b.say("without you")
    c.hears("without you", b)
    telephone = phone(case, c.user)
    m = page(telephone, f"sip:{address_of(focus)}", "by phone")
    for other in (b, c):
        other.hears("by phone", telephone)
    check_eq(telephone.expect_answer(m).code, 202, "MESSAGE to the conference")
    check_eq(len(remembers(case, b, 2).messages), 2, "of who is there")
    h = History(phone(case, a.user), since="0")
    check_eq(h.follow()["messages"], [], "of who is not")


@tap.test(alone=True)
def it_is_numbered_on_when_the_mcu_is_new(case):
    a, b = conferee(case), conferee(case)
    meet(a, b)
    for word in ("same", "same"):
        a.say(word)
        b.hears(word, a)
    for number in range(1, case.site.frontends + 1):
        case.site.server.kill_role("mcu-im", number)
    wait_for(lambda: all(r["state"] == "running" for r in case.site.server.roles()), "roles")
    a.say("same")
    b.hears("same", a)
    check_eq(rows(remembers(case, b, 3)), 3 * [(a.user.uri[4:], "same")], "three messages")


@tap.test
def nobody_forges_what_is_said_in_a_conference(case):
    """In a dialog of phones nobody is asked who he is."""
    a, b = phone(case), phone(case)
    m = a.send(a.invite(b.user.uri))
    got = b.expect_request("INVITE")
    b.answer(got, 200, tag=token())
    there = a.confirm(m, a.expect_answer(m))
    b.expect_request("ACK")
    room = "sip:conf-0123456789ABCDEF0123456789ABCDEF." + a.user.uri[4:]
    forged = a.make("MESSAGE", None, dialog=there, body="i resign", headers=[
        ("Content-Type", "text/plain"), ("Ms-Sender", f"<{b.user.uri}>"), ("Message-Id", "7"),
        ("P-Asserted-Identity", f"<{room}>")])
    forged.set("From", forged.get("From").replace(a.user.uri, room))
    a.send(forged)
    take(b)  # inside their dialog they may write what they like
    check_eq(a.expect_answer(forged).code, 200, "MESSAGE")
    for x in (a, b):
        h = History(x, since="0")
        check_eq(h.follow()["messages"], [], "what is remembered")


if __name__ == "__main__":
    tap.main(site.make)
