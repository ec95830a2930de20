#!/usr/bin/python3
"""Single messages for users who are not signed in: acknowledged with 202, kept, delivered at the next
sign-in in their order, once; sessions of Lync clients are refused with 480."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.im import (History, accept, invite, lync, open_session, page, phone, say, said,  # noqa: E402
                    take)
from lib.tap import check, check_eq, wait_for  # noqa: E402


def leave(a, user, *texts, code=202):
    for text in texts:
        check_eq(a.expect_answer(page(a, user.uri, text)).code, code, f"MESSAGE {text}")


def texts_of(b):
    return [m.body.decode() for m in b.all if m.method == "MESSAGE"]


@tap.test
def they_come_at_the_next_sign_in_in_their_order_once(case):
    a, user = phone(case), case.site.user("out")
    leave(a, user, *(f"m{i}" for i in range(5)))
    b = phone(case, user)
    for i in range(5):
        m = take(b)
        check_eq(m.body, b"m%d" % i, "text")
        check(a.user.uri in m.get("From"), m.get("From"))
        check(m.get("Date", "").endswith("GMT"), f"{m.headers}")
    again = phone(case, user)
    time.sleep(1)
    check_eq(texts_of(again), [], "at the next client")
    check_eq(len(texts_of(b)), 5, "at the first")


@tap.test
def a_lync_client_gets_them_in_a_session(case):
    a, user = phone(case), case.site.user("out")
    leave(a, user, "one", "two")
    b = lync(case, user)
    got, _ = accept(b)
    check(a.user.uri in got.get("From"), got.get("From"))
    for text in (b"one", b"two"):
        check_eq(take(b).body, text, "text")
    b.check_signed()


@tap.test
def a_session_of_a_lync_client_is_refused(case):
    a, user = lync(case), case.site.user("out")
    check_eq(a.expect_answer(invite(a, user.uri)).code, 480, "INVITE")


@tap.test
def what_is_said_in_a_session_after_the_phones_have_gone_is_kept(case):
    a, b = lync(case), phone(case)
    dialog = open_session(a, b.user.uri)
    said(a, say(a, dialog, "one"), b)
    b.sign_off()
    check_eq(a.expect_answer(say(a, dialog, "two")).code, 202, "MESSAGE")
    b = phone(case, b.user)
    check_eq(take(b).body, b"two", "text")
    a.check_signed()


@tap.test
def who_does_not_take_it_gets_it_again(case):
    a, user = phone(case), case.site.user("out")
    leave(a, user, "one", "two")
    b = phone(case, user)
    check_eq(take(b, 503).body, b"one", "text")
    b.sign_off()
    b = phone(case, user)
    check_eq(take(b).body, b"one", "text")
    check_eq(take(b).body, b"two", "text")


@tap.test
def what_one_client_refuses_does_not_stop_the_others(case):
    a, user = phone(case), case.site.user("out")
    leave(a, user, "one", "two")
    b = phone(case, user)
    check_eq(take(b, 415).body, b"one", "text")
    check_eq(take(b).body, b"two", "text")


@tap.test
def what_comes_meanwhile_waits_for_its_turn(case):
    a, user = phone(case), case.site.user("out")
    leave(a, user, "one")
    b = phone(case, user)
    first = b.expect_request("MESSAGE")
    leave(a, user, "two")
    b.answer(first, 200)
    check_eq(take(b).body, b"two", "text")


@tap.test
def typing_is_not_kept(case):
    a, user = phone(case), case.site.user("out")
    body = '<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>active</state></isComposing>'
    m = page(a, user.uri, body, "application/im-iscomposing+xml")
    check_eq(a.expect_answer(m).code, 480, "MESSAGE")
    m = page(a, "sip:nobody@example.test", "x")
    check_eq(a.expect_answer(m).code, 404, "to nobody")


@tap.test
def there_is_a_limit(case):
    a, user = phone(case), case.site.user("out")
    leave(a, user, *(f"{i}" for i in range(200)))
    answer = a.expect_answer(page(a, user.uri, "one more"))
    check_eq(answer.code, 480, "MESSAGE")
    check("60046" in answer.get("ms-diagnostics", ""), f"{answer.headers}")
    b = phone(case, user)
    for i in range(200):
        check_eq(take(b).body, b"%d" % i, "text")
    b.sign_off()
    leave(a, user, "there is room again")
    large = "x" * 60000
    other = case.site.user("out")
    for n in range(17):
        leave(a, other, large)
    check_eq(a.expect_answer(page(a, other.uri, large)).code, 480, "bytes")


@tap.test
def both_sides_remember_it(case):
    a, user = phone(case), case.site.user("out")
    leave(a, user, "one")
    mine = History(phone(case, a.user), since="0")
    check_eq(mine.texts(1), ["one"], "the sender's side")
    check_eq(mine.messages[0]["state"], "accepted", "state")
    b = phone(case, user)
    check_eq(History(b, since="0").follow()["messages"], [], "before she has it")
    h = History(b)
    take(b)
    check_eq(h.texts(1), ["one"], "the recipient's side")
    check_eq(h.messages[0]["message"], mine.messages[0]["message"], "id")
    check_eq(h.messages[0]["conversation"], mine.messages[0]["conversation"], "id")
    check_eq(h.messages[0]["state"], "delivered", "state")


@tap.test(alone=True)
def what_was_acknowledged_survives_a_kill(case):
    a, users = phone(case), [case.site.user("out") for _ in range(3)]
    for i in range(10):
        for user in users:
            leave(a, user, f"k{i}")
    one = phone(case, users[0])
    take(one)  # and the process ends in the middle of it
    for n in range(case.site.frontends):
        case.site.server.kill_role("frontend", n + 1)
    wait_for(case.site.server._ready, "the server")
    for user in users:
        b, got = phone(case, user), []
        while not got or got[-1] != "k9":
            got.append(take(b).body.decode())
        first = int(got[0][1:])
        check(first == 0 or (user is users[0] and first == 1), f"{got}")
        check_eq(got, [f"k{i}" for i in range(first, 10)], "all, in their order")


if __name__ == "__main__":
    tap.main(site.make)
