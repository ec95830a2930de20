#!/usr/bin/python3
"""Poster row IM-16: calls are in the history of both users once they are over, beside what was said;
also of who was not there."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, siptext, tap  # noqa: E402
from lib.im import History, phone  # noqa: E402
from lib.siptext import Phone  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402
from lib.web import Browser, Site, address, make_pages, sdp  # noqa: E402

AUDIO, VIDEO = sdp("a1"), sdp("a1", video=True)


def make(args, folder):
    site.netns.enter()
    return site.Site(args, folder, web=f"metrics-port = 0\nweb-root = {make_pages(folder)}\n")


def browser(case, user=None):
    return case.own(Browser(Site(case.site.server), user or case.site.user("web"))).start()


def device(case, user=None):
    return case.own(Phone(case.site.server, user or case.site.user("phone"), "tcp"))


def told(one, n=1):
    """The calls of which the browser was told, once there are n."""
    def seen():
        calls = [m for m in one.messages if "call" in m]
        return calls if len(calls) >= n else None
    return wait_for(seen, lambda: f"{n} calls among {one.messages}")


def past(one, **fields):
    return one.ok("chat.history", calls=True, **fields)


def start(a, b_user, sdp=AUDIO):
    return a.ok("call.start", to=address(b_user), sdp=sdp)["call"]


def ring(a, b, sdp=AUDIO):
    ours = start(a, b.user, sdp)
    theirs = wait_for(lambda: next((c for c, e in b.calls.items()
                                    if [x["state"] for x in e] == ["incoming"]), None), "it rings")
    a.wait_call("ringing", ours)
    return ours, theirs


def calls(one):
    """What its history says, without what is not the same each time."""
    return [(m["chat"], m["from"], m["call"]["outcome"], m["call"]["video"], m["text"])
            for m in past(one)["messages"]]


def rows(case, user, n=0):
    """The same of who has no browser: with whom; at least n."""
    h = History(phone(case, user), since="0")
    h.follow()
    wait_for(lambda: len(h.messages) >= n, lambda: f"{n} calls: {h.messages}")
    return [(m["call"]["outcome"], m["peer"]) for m in h.messages]


def take(a, b):
    """b answers; the INVITE, and a's dialog."""
    m = a.send(a.invite(b.user.uri))
    there = b.expect_request("INVITE")
    b.answer(there, 200, body=siptext.sdp(b.ip, 4000), headers=[("Content-Type", "application/sdp")])
    dialog = a.confirm(m, a.expect_answer(m))
    b.expect_request("ACK")
    return m, dialog


def hang_up(a, b, dialog):
    a.send(a.make("BYE", None, dialog=dialog))
    b.answer(b.expect_request("BYE"), 200)


@tap.test
def a_call_is_remembered_on_both_sides(case):
    a, b = browser(case), browser(case)
    begin = time.time()
    ours, theirs = ring(a, b, VIDEO)
    b.ok("call.answer", call=theirs, sdp=VIDEO)
    a.wait_call("answered", ours)
    check_eq(past(a)["messages"], [], "while it goes on")
    a.ok("call.end", call=ours)
    [mine], [hers] = told(a), told(b)
    check_eq(mine["id"], hers["id"], "one id for both")
    check_eq(calls(a), [(address(b.user), address(a.user), "answered", True, "")], "the caller's")
    check_eq(calls(b), [(address(a.user), address(a.user), "answered", True, "")], "the callee's")
    check_eq(mine["call"], past(a)["messages"][0]["call"], "what was told, and what is read")
    began = time.mktime(time.strptime(mine["call"]["began"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
    check(begin - 2 <= began <= time.time() + 2, f"{mine['call']} began after {begin}")
    check(0 <= mine["call"]["seconds"] <= time.time() - begin + 1, f"{mine['call']}")


@tap.test
def each_end_of_a_call_is_told(case):
    a, b = browser(case), browser(case)
    _, theirs = ring(a, b)
    b.ok("call.end", call=theirs)
    told(a, 1)
    _, theirs = ring(a, b)
    b.ok("call.end", call=theirs, reason="busy")
    told(a, 2)
    ours, _ = ring(a, b)
    a.ok("call.end", call=ours)
    told(a, 3)
    told(b, 3)
    check_eq([c[2] for c in calls(a)], ["declined", "busy", "missed"], "outcomes")
    check_eq([c[2:] for c in calls(b)], [c[2:] for c in calls(a)], "the callee's")


@tap.test
def devices_with_nothing_in_common_make_a_failed_call(case):
    a, p = browser(case), device(case)
    p.register()
    start(a, p.user)
    p.answer(p.expect_request("INVITE"), 488)
    told(a)
    check_eq([c[2] for c in calls(a)], ["failed"], "outcome")


@tap.test
def who_was_not_there_finds_the_call(case):
    """By whichever of her names, and wherever the two live."""
    for i in range(4):
        number = f"+4930555{os.getpid() % 10000:04}{i}"
        a, user = device(case), case.site.user("away", phone=number)
        a.register()
        for to in (user.uri, f"sip:{number}@{case.site.server.domain};user=phone"):
            check_eq(a.ask(a.invite(to))[0].code, 480, "nobody is there")
        b = browser(case, user)
        check_eq(calls(b), 2 * [(address(a.user), address(a.user), "missed", False, "")], "at her next sign-in")
        h = History(phone(case, a.user), since="0")
        h.follow()
        check_eq([(m["state"], m["peer"]) for m in h.messages], 2 * [("call", address(user))], "the caller's")


@tap.test
def who_wants_to_stay_unknown_is_not_named(case):
    a, b = device(case), browser(case)
    a.register()
    for value in ("id", "user;id"):
        m = a.invite(b.user.uri, headers=[("Privacy", value)])
        check_eq(a.ask(m)[0].code, 488, "a phone's call to a browser")
    h = History(phone(case, a.user), since="0")
    h.follow()
    check_eq([m["state"] for m in h.messages], ["call", "call"], "the caller's own")
    check_eq(calls(b), [], "the callee's")


@tap.test
def what_one_of_several_devices_says_is_not_the_outcome(case):
    """Wherever they are connected."""
    for _ in range(4):
        a, user = device(case), case.site.user("many")
        a.register()
        devices = [device(case, user).sign_in() for _ in range(4)]
        m = a.send(a.invite(user.uri))
        *others, last = [(p, p.expect_request("INVITE")) for p in devices]
        for p, there in others:
            p.answer(there, 486)
        p, there = last
        p.answer(there, 180)
        a.expect(lambda got: got.code == 180, "it rings")
        p.answer(there, 200, body=siptext.sdp(p.ip, 4000), headers=[("Content-Type", "application/sdp")])
        hang_up(a, p, a.confirm(m, a.expect_answer(m)))
        for one in (a.user, user):
            check_eq(rows(case, one, 1), [("answered", address(user))], f"{one.name}'s history")


@tap.test
def nobody_elses_request_ends_a_call(case):
    """Who knows its Call-ID may use it again."""
    for _ in range(2):
        a, b, other, off = device(case), device(case), device(case), case.site.user("off")
        for one in (a, b, other):
            one.register()
        m, dialog = take(a, b)
        forged = other.invite(off.uri).set("Call-ID", m.get("Call-ID"))
        check_eq(other.ask(forged)[0].code, 480, "nobody is there")
        check_eq(rows(case, a.user), [], "the call goes on")
        hang_up(a, b, dialog)
        check_eq(rows(case, a.user, 1), [("answered", address(b.user))], "the caller's")
        check_eq(rows(case, b.user, 1), [("answered", address(b.user))], "the callee's")


@tap.test
def a_call_that_goes_elsewhere_is_another_one(case):
    """By a device that follows a 302, with the Call-ID that it has (RFC 3261 section 8.1.3.4)."""
    a, b, c = device(case), device(case), device(case)
    for one in (a, b, c):
        one.register()
    m = a.send(a.invite(b.user.uri))
    b.answer(b.expect_request("INVITE"), 302, headers=[("Contact", f"<{c.user.uri}>")])
    a.ack(m, a.expect_answer(m))
    again = a.invite(c.user.uri).set("Call-ID", m.get("Call-ID")).set("CSeq", f"{m.cseq[0] + 1} INVITE")
    a.send(again.set("From", m.get("From")))
    c.answer(c.expect_request("INVITE"), 486)
    check_eq(a.expect_answer(again).code, 486, "there")
    check_eq(rows(case, a.user, 2), [("failed", address(b.user)), ("busy", address(c.user))], "both")
    h = History(phone(case, a.user), since="0")
    h.follow()
    check_eq(len({m["message"] for m in h.messages}), 2, f"ids of {h.messages}")


@tap.test
def calls_stand_among_texts_and_are_no_texts(case):
    a, b = browser(case), browser(case)
    sent = a.ok("chat.send", to=address(b.user), text="answered missed began")["message"]
    ours, _ = ring(a, b)
    a.ok("call.end", call=ours)
    [call] = told(a)
    told(b)
    page = a.ok("chat.history", **{"with": address(b.user)})["messages"]
    check_eq([m["id"] for m in page], [sent["id"], call["id"]], "the chat")
    check_eq([m["text"] for m in a.ok("chat.search", text="missed")["messages"]], [sent["text"]], "found")
    for op, fields in (("chat.edit", {"text": "x"}), ("chat.delete", {}), ("chat.react", {"emoji": "+1", "on": True})):
        check_eq(a.error(op, chat=address(b.user), message=call["id"], at=call["at"], **fields), "not_found", op)
    check_eq([c[2] for c in calls(a)], ["missed"], "it is as it was")


@tap.test
def many_calls_come_in_pages(case):
    a, off, other = browser(case), case.site.user("off"), case.site.user("other")
    for n in range(7):
        start(a, off if n % 2 else other)
        told(a, n + 1)
    want = [m["id"] for m in told(a, 7)]
    got, page = [], {}
    while not got or page["more"]:
        page = past(a, limit=3, **({"before": page["before"]} if got else {}))
        check(len(page["messages"]) <= 3, f"{page}")
        got = [m["id"] for m in page["messages"]] + got
    check_eq(got, want, "all of them, once")
    check_eq(a.error("chat.history", calls=True, **{"with": address(off)}), "bad_request", "of one person")


@tap.test(alone=True)
def they_are_there_after_a_kill(case):
    a, b = browser(case), browser(case)
    for _ in range(2):
        ours, theirs = ring(a, b)
        b.ok("call.answer", call=theirs, sdp=AUDIO)
        a.wait_call("answered", ours)
        b.ok("call.end", call=theirs)
        a.wait_call("ended", ours)
    told(a, 2)
    told(b, 2)
    for n in range(1, case.site.frontends + 1):
        case.site.server.kill_role("frontend", n)
    for one in (a, b):
        got = wait_for(lambda one=one: one.ask("chat.history", calls=True).get("ok"), "a home")
        check_eq([m["call"]["outcome"] for m in got["messages"]], ["answered", "answered"], "after the kill")


@tap.test(alone=True)
def a_call_outlives_its_homes(case):
    a, b = browser(case), browser(case)
    ours, theirs = ring(a, b, VIDEO)
    b.ok("call.answer", call=theirs, sdp=VIDEO)
    a.wait_call("answered", ours)
    time.sleep(1.5)  # so long it is, at least
    for n in range(1, case.site.frontends + 1):
        case.site.server.kill_role("frontend", n)
    for one in (a, b):
        wait_for(lambda one=one: "ok" in one.ask("chat.history"), "a home")
    wait_for(lambda: len(case.site.server.json("call", "list")) > 0, "the call is known again")
    b.ok("call.end", call=theirs)
    a.wait_call("ended", ours)
    for one in (a, b):
        wait_for(lambda one=one: calls(one), "the history")
        [m] = past(one)["messages"]
        check_eq((m["call"]["outcome"], m["call"]["video"]), ("answered", True), "what it says")
        check(m["call"]["seconds"] >= 1, f"how long: {m['call']}")
    check_eq(past(a)["messages"][0]["id"], past(b)["messages"][0]["id"], "one id for both")
    wait_for(lambda: not case.site.server.json("call", "list"), "it is over everywhere")


if __name__ == "__main__":
    tap.main(make)
