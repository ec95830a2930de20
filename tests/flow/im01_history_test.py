#!/usr/bin/python3
"""What was said is remembered at the homes of both sides, before its sender hears that it was
delivered, and told to the users' other endpoints (event package dialtone-conversation)."""
import glob
import json
import os
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.im import (History, accept, between, invite, lync, open_session, page, phone, said,  # noqa: E402
                    say, take)
from lib.siptext import Dialog, split_list, uri_in  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402


def ids(history):
    return [(m["conversation"], m["message"]) for m in history.messages]


def check_both(case, a, b, texts):
    """Both sides remember the same texts, under the same ids; the messages of a's side."""
    of = [History(phone(case, x.user), since="0") for x in (a, b)]
    for h in of:
        check_eq(h.answer.code, 200, "SUBSCRIBE")
        check_eq(h.texts(len(texts)), texts, "what was said")
    check_eq(ids(of[0]), ids(of[1]), "ids")
    check_eq(len({c for c, _ in ids(of[0])}), 1, "conversations")
    numbers = [int(m["sequence"]) for m in of[0].messages]
    check(numbers == sorted(set(numbers)), f"{numbers}")
    return of[0].messages


@tap.test
def two_lync_clients(case):
    a, b = lync(case), lync(case)
    there, back = between(a, b)
    said(a, say(a, there, "one"), b)
    said(b, say(b, back, "two"), a)
    said(a, say(a, there, "<b>three</b>", "text/html; charset=UTF-8"), b)
    got = check_both(case, a, b, ["one", "two", "<b>three</b>"])
    check_eq([m["author"] for m in got], [x.user.uri[4:] for x in (a, b, a)], "authors")
    check_eq([m["peer"] for m in got], [x.user.uri[4:] for x in (b, a, b)], "peers")
    check(got[2]["type"].startswith("text/html"), got[2]["type"])
    check_eq({m["state"] for m in got}, {"delivered"}, "states")
    a.check_signed()
    b.check_signed()


@tap.test
def two_phones(case):
    a, b = phone(case), phone(case)
    said(a, page(a, b.user.uri, "one"), b)
    said(b, page(b, a.user.uri, "two"), a)
    check_both(case, a, b, ["one", "two"])


@tap.test
def a_phone_and_a_lync_client(case):
    a, b = phone(case), lync(case)
    m = page(a, b.user.uri, "one")
    _, dialog = accept(b)
    said(a, m, b)
    said(b, say(b, dialog, "two"), a)
    check_both(case, a, b, ["one", "two"])


@tap.test
def a_lync_client_and_a_phone(case):
    a, b = lync(case), phone(case)
    dialog = open_session(a, b.user.uri)
    said(a, say(a, dialog, "one"), b)
    m = page(b, a.user.uri, "two")
    accept(a)
    said(b, m, a)
    check_both(case, a, b, ["one", "two"])


@tap.test
def a_message_to_oneself_is_said_once(case):
    user = case.site.user("self")
    a, b = phone(case, user), phone(case, user)
    said(a, page(a, user.uri, "note"), b)
    h = History(a, since="0")
    check_eq(h.texts(1), ["note"], "what was said")


@tap.test
def what_was_not_delivered_was_not_said(case):
    a, b = phone(case), phone(case)
    said(a, page(a, b.user.uri, "refused"), b, 486)
    typing = '<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>active</state></isComposing>'
    said(a, page(a, b.user.uri, typing, "application/im-iscomposing+xml"), b)
    said(a, page(a, b.user.uri, "taken"), b)
    check_both(case, a, b, ["taken"])


@tap.test
def the_other_endpoints_hear_of_it_at_once(case):
    user = case.site.user("two")
    a, b, other = phone(case), phone(case, user), phone(case, user)
    h = History(other)
    check_eq(h.answer.code, 200, "SUBSCRIBE")
    check_eq(h.follow()["messages"], [], "nothing is older")
    m = page(a, user.uri, "hello")
    take(b)
    take(other)
    check_eq(a.expect_answer(m).code, 200, "MESSAGE")
    check_eq(h.texts(1), ["hello"], "what was said")
    m = page(b, a.user.uri, "answer")
    said(b, m, a)
    check_eq(h.texts(2)[1], "answer", "what the first one said")
    # From there on.
    later = History(other, since=h.messages[0]["sequence"])
    check_eq(later.texts(1), ["answer"], "since the first")


@tap.test
def who_reads_the_history_alone_gets_no_message_besides(case):
    user = case.site.user("alone")
    a, b = phone(case), phone(case, user)
    h = History(b, alone=True)
    h.follow()
    m = page(a, user.uri, "one")
    answer = a.expect_answer(m)
    check_eq((answer.code, answer.get("Said")), (200, None), "the answer")
    check_eq(h.texts(1), ["one"], "what was said")
    check_eq(h.messages[0]["state"], "delivered", "its state")
    # Where another device needs it, all of them get it.
    other = phone(case, user)
    m = page(a, user.uri, "two")
    take(b)
    take(other)
    check_eq(a.expect_answer(m).code, 200, "with another device")
    check_eq(h.texts(2)[1], "two", "what was said then")
    other.sign_off()
    m = page(a, user.uri, "three")
    check_eq(a.expect_answer(m).code, 200, "without it again")
    check_eq(h.texts(3)[2], "three", "what was said last")
    check_eq([m.body for m in b.all if m.method == "MESSAGE"], [b"two"], "messages besides")
    check_eq(History(a, since="0").texts(3), ["one", "two", "three"], "the sender's side")


@tap.test
def who_reads_it_alone_learns_of_the_own_messages_by_the_answer(case):
    a, b = phone(case), phone(case, case.site.user("number", extension="7011"))
    mine, theirs = History(a, alone=True), History(b, alone=True)
    mine.follow()
    theirs.follow()
    there = History(phone(case, a.user))
    there.follow()
    answer = a.expect_answer(page(a, b.user.uri, "one"))
    check_eq(theirs.texts(1), ["one"], "the recipient's")
    check_eq(there.texts(1), ["one"], "another endpoint of the sender's")
    got, told = there.messages[0], answer.get("Said")
    if told is None and case.site.frontends > 1:
        check_eq(mine.texts(1), ["one"], "the other has another home")
    else:
        check_eq(told, f"{got['message']};sequence={got['sequence']}", "the answer")
    # The answer knows the recipient by the address alone, the history by the user's.
    answer = a.expect_answer(page(a, f"sip:7011@{case.site.server.domain}", "two"))
    check_eq((answer.code, answer.get("Said")), (200, None), "to a number")
    mine.texts(len(mine.messages) + 1)
    check_eq(mine.messages[-1]["text"], "two", "it is told, and what the answer said is not")
    check_eq(History(a, since="0").texts(2), ["one", "two"], "what is remembered")


@tap.test
def nobody_else_says_what_a_message_is_remembered_as(case):
    a, b = phone(case), phone(case)
    mine = History(a, alone=True)
    mine.follow()
    m = page(a, b.user.uri, "one")
    got = b.expect_request("MESSAGE")
    b.answer(got, 200, headers=[("Said", "0000000000000001;sequence=9000000000000000000")])
    answer = a.expect_answer(m)
    check_eq((answer.code, answer.get("Said")), (200, None), "the answer")
    check_eq(mine.texts(1), ["one"], "what it is remembered as is told")


@tap.test
def much_comes_in_parts(case):
    a, b = phone(case), phone(case)
    for i in range(60):
        said(a, page(a, b.user.uri, f"m{i}"), b)
    h = History(a, since="0")
    first = h.follow()
    check(first["more"] and len(first["messages"]) == 50, f"{len(first['messages'])}")
    check_eq(h.texts(60), [f"m{i}" for i in range(60)], "all")


@tap.test
def a_lync_client_may_ask_too(case):
    a, b = lync(case), lync(case)
    there, _ = between(a, b)
    said(a, say(a, there, "one"), b)
    m = b.make("SUBSCRIBE", b.user.uri, body='{"since":"0"}', headers=[
        ("Event", "dialtone-conversation"), ("Content-Type", "application/dialtone+json"),
        ("Proxy-Require", "ms-benotify"), ("Supported", "ms-benotify"),
        ("Supported", "ms-piggyback-first-notify")])
    b.send(m)
    answer = b.expect_answer(m)
    check(answer.code == 200 and b'"text":"one"' in answer.body, f"{answer.start} {answer.body}")
    said(a, say(a, there, "two"), b)
    check(b'"text":"two"' in b.expect_request("BENOTIFY").body, "the next")
    b.check_signed()


@tap.test
def of_others_and_in_bad_form_nothing_is_told(case):
    a, b = phone(case), phone(case)
    m = a.make("SUBSCRIBE", b.user.uri, headers=[("Event", "dialtone-conversation")])
    check_eq(a.ask(m)[0].code, 403, "another's")
    for since in ("x", "-1", "99999999999999999999", 5):
        check_eq(History(a, since=since).answer.code, 400 if since != 5 else 200, since)
    m = a.make("SUBSCRIBE", a.user.uri, body="{", headers=[
        ("Event", "dialtone-conversation"), ("Content-Type", "application/dialtone+json")])
    check_eq(a.ask(m)[0].code, 400, "no JSON")


@tap.test
def a_forged_sender_does_not_enter_the_history(case):
    a, b = lync(case), lync(case)
    there, _ = between(a, b)
    mine = there.local
    there.local = mine.replace(a.user.uri, "sip:boss@example.test")
    say(a, there, "forged")
    there.local = mine
    m = say(a, there, "true")
    while take(b).body != b"true":
        pass
    check_eq(a.expect_answer(m).code, 200, "MESSAGE")
    for who in (a, b):
        check_eq(History(phone(case, who.user), since="0").texts(1), ["true"], "what is remembered")


@tap.test
def nobody_is_quoted_with_what_another_says_in_a_dialog(case):
    for transport in ("udp", "tcp", "tls"):
        a, b = phone(case, transport=transport), phone(case, transport=transport)
        boss = phone(case, transport=transport)
        got, there = connected(a, b)
        boss_got, boss_there = connected(boss, a)
        # Under another's name; also by her own end, which the one whom she called knows.
        names = [there.local.replace(a.user.uri, boss.user.uri)]
        ways = [there.route]
        own = [uri_in(v) for v in reversed(split_list(boss_got.all("Record-Route")))]
        ways.append([own[-1], there.route[-1]])
        for route in ways:
            d = Dialog(there.call_id, names[0], there.remote, there.target, route, there.cseq + 10)
            m = a.send(a.make("MESSAGE", None, dialog=d, body="i resign", headers=[("Content-Type", "text/plain")]))
            b.answer(b.expect_request("MESSAGE"), 200)
            check_eq(a.expect_answer(m).code, 200, "MESSAGE")
        m = page(a, b.user.uri, "true")
        if transport == "udp":
            m = a.send(a.again(m, a.expect_answer(m)))
        said(a, m, b)
        check_eq(History(phone(case, b.user), since="0").texts(1), ["true"], f"{transport}: what b remembers")
        check_eq(History(phone(case, boss.user), since="0").follow()["messages"], [], "what the boss said")


@tap.test
def in_a_dialog_nobody_passes_the_own_home_by(case):
    a, b = phone(case), phone(case)
    _, there = connected(a, b)
    d = Dialog(there.call_id, there.local, there.remote, there.target, there.route[-1:], there.cseq + 10)
    for method in ("MESSAGE", "INFO"):
        m = a.send(a.make(method, None, dialog=d, body="text", headers=[("Content-Type", "text/plain")]))
        check_eq(a.expect_answer(m).code, 400, method)


@tap.test(alone=True)
def what_was_acknowledged_survives_a_kill(case):
    a, b = phone(case), phone(case)
    acknowledged = []
    for i in range(20):
        said(a, page(a, b.user.uri, f"k{i}"), b)
        acknowledged.append(f"k{i}")
    for n in range(case.site.frontends):
        case.site.server.kill_role("frontend", n + 1)
    tap.wait_for(case.site.server._ready, "the server")
    c = phone(case, a.user)
    check_eq(History(c, since="0").texts(20), acknowledged, "after the kill")


def connected(a, b):
    """A dialog of two phones; the INVITE at b, and the dialog of a."""
    m = a.send(a.invite(b.user.uri))
    if a.transport == "udp":
        answer = a.expect_answer(m)
        a.ack(m, answer)
        m = a.send(a.again(m, answer))
    got = b.expect_request("INVITE")
    b.answer(got, 200, tag="bt")
    there = a.confirm(m, a.expect_answer(m))
    b.expect_request("ACK")
    return got, there


@tap.test
def nobody_puts_words_into_the_mouth_of_the_other(case):
    """Each end of a dialog knows the route set of the other, and could send by it."""
    for transport in ("udp", "tcp", "tls"):
        a, b = phone(case, transport=transport), phone(case, transport=transport)
        got, there = connected(a, b)
        own = a.send(a.make("MESSAGE", None, dialog=there, body="my own words",
                            headers=[("Content-Type", "text/plain")]))
        said(a, own, b)
        route = [uri_in(v) for v in reversed(split_list(got.all("Record-Route")))]
        forged = Dialog(got.get("Call-ID"), got.get("From"), got.get("To") + ";tag=bt",
                        uri_in(b.contact()), route, 900)
        m = b.send(b.make("MESSAGE", None, dialog=forged, body="i resign",
                          headers=[("Content-Type", "text/plain")]))
        b.answer(b.expect_request("MESSAGE"), 200)
        check_eq(b.expect_answer(m).code, 200, "MESSAGE to itself")
        h = History(phone(case, a.user), since="0")
        check_eq([m["text"] for m in h.follow()["messages"]], ["my own words"],
                 f"{transport}: what a said")


def ask(a, **what):
    m = a.make("SERVICE", a.user.uri, body=json.dumps(what), headers=[("Content-Type", "application/dialtone+json")])
    answer, _ = a.ask(m)
    check_eq(answer.code, 200, f"{what}: {answer.start}")
    return json.loads(answer.body)


def pages(a, **what):
    """All of it, with the newest first, and how many answers it took."""
    texts, n, told = [], 0, {"more": True}
    while told["more"]:
        told = ask(a, **what, **({"before": told["before"]} if n else {}))
        n += 1
        check(n < 100, "it does not end")
        texts += [m["text"] for m in reversed(told["messages"])]
    return texts, n


def in_tables(case, user):
    """How many of the user's texts are in the tables of the homes."""
    n = 0
    for path in glob.glob(os.path.join(case.site.server.dir, "data", "home-*.db")):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
            n = max(n, db.execute("select count(*) from said where author = ?", (user.uri[4:],)).fetchone()[0])
    return n


@tap.test
def very_long_texts_are_read_in_parts(case):
    """While one user's are read nobody else is served: an answer reads so much, and says where to go on."""
    a, b = phone(case), phone(case)
    text = [f"m{i} " + "long " * (24000 if i % 3 else 2) for i in range(18)]
    for one in text:
        said(a, page(a, b.user.uri, one), b)
    newest = text[::-1]

    def all_read():
        check_eq(pages(b, find="long", limit=100)[0], newest, "what is found")
        found, n = pages(b, find="nowhere")
        check_eq(found, [], "what is found of what is not there")
        check(n > 1, "one answer has looked at everything")
        for limit in (4, 100):
            check_eq(pages(b, limit=limit)[0], newest, f"pages of {limit}")
            check_eq(pages(b, limit=limit, peer=a.user.uri[4:])[0], newest, f"pages of {limit} with a")
        check_eq(History(b, since="0").texts(18), text, "what is told from the begin on")
    all_read()
    wait_for(lambda: in_tables(case, a.user) >= len(text), "all of it in the tables")
    all_read()


MANY = 40  # whose texts are too much to be read at once


@tap.test
def very_long_edits_are_read_in_parts(case):
    a, b = phone(case), phone(case)
    for i in range(MANY):
        said(a, page(a, b.user.uri, f"m{i}"), b)
    wait_for(lambda: in_tables(case, a.user) == MANY, "all of it in the tables")
    text = [f"e{i} " + "long " * 3900 for i in range(MANY)]
    for m, new in zip(ask(a, limit=MANY)["messages"], text):
        change = a.make("MESSAGE", b.user.uri, body=json.dumps({"message": m["message"], "at": m["time"], "edit": new}),
                        headers=[("Content-Type", "application/dialtone-change+json")])
        check_eq(a.ask(change)[0].code, 200, "the change")
    wait_for(lambda: in_tables(case, a.user) == 2 * MANY, "all changes in the tables")
    for who in (a, b):
        for limit in (9, 100):
            check_eq(pages(who, limit=limit)[0], text[::-1], f"pages of {limit}")
        check_eq(pages(who, find="long")[0], text[::-1], "what is found")
        found, n = pages(who, find="nowhere")
        check_eq((found, n > 1), ([], True), f"what is not found, in {n} answers")


if __name__ == "__main__":
    tap.main(site.make)
