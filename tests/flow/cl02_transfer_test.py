#!/usr/bin/python3
"""Poster row CL-02: a call is transferred (RFC 3515), from browser to browser and with devices that
speak SIP themselves."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.siptext import Phone  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402
from lib.web import Browser, Site, address, make_pages, sdp  # noqa: E402


def make(args, folder):
    site.netns.enter()
    return site.Site(args, folder, web=f"metrics-port = 0\nweb-root = {make_pages(folder)}\n")


def browser(case, user=None):
    return case.own(Browser(Site(case.site.server), user or case.site.user("web"))).start()


def device(case, user=None):
    """A browser phone of somebody else's making."""
    one = case.own(Phone(case.site.server, user or case.site.user("phone"), "tcp"))
    one.register()
    return one


def rings(b):
    """The call that rings there, and nothing else has happened to."""
    return wait_for(lambda: next((c for c, e in b.calls.items() if [x["state"] for x in e] == ["incoming"]), None),
                    lambda: f"it rings: {b.calls}")


def call(a, b):
    ours = a.ok("call.start", to=address(b.user), sdp=sdp("a1"))["call"]
    theirs = rings(b)
    b.ok("call.answer", call=theirs, sdp=sdp("b1"))
    a.wait_call("answered", ours)
    return ours, theirs


def call_from(p, b):
    """A device calls; the call there, and the device's dialog."""
    m = p.send(p.make("INVITE", b.user.uri, body=sdp("p1"), headers=[("Content-Type", "application/sdp")]))
    there = rings(b)
    b.ok("call.answer", call=there, sdp=sdp("b1"))
    return there, p.confirm(m, p.expect_answer(m))


def notice(p, dialog, cseq, body, state):
    """The code that a device's NOTIFY gets."""
    return p.ask(p.make("NOTIFY", None, dialog=dialog, cseq=cseq, body=body, headers=[
        ("Event", "refer"), ("Subscription-State", state), ("Content-Type", "message/sipfrag;version=2.0")]))[0].code


def told_end(p):
    """Takes the next NOTIFY: is it the last one of its transfer?"""
    m = p.expect_request("NOTIFY")
    p.answer(m, 200)
    return m.get("Subscription-State").startswith("terminated")


def outcome(one):
    """Of the last call in its history."""
    messages = one.ok("chat.history", calls=True)["messages"]
    return (messages[-1]["chat"], messages[-1]["call"]["outcome"]) if messages else None


@tap.test
def who_called_is_put_through(case):
    a, desk, c = browser(case), browser(case), browser(case)
    first, at_desk = call(a, desk)
    asked = desk.send("call.transfer", call=at_desk, to=address(c.user))
    check_eq(a.wait_call("refer", first)["to"], address(c.user), "whom to call")
    check_eq(desk.answer(asked)["ok"], {}, "it is taken up")
    second = a.ok("call.start", to=address(c.user), sdp=sdp("a2"), refer=first)["call"]
    there = rings(c)
    check_eq(c.calls[there][0]["with"], address(a.user), "who calls")
    check_eq([e["state"] for e in desk.calls[at_desk]], ["incoming"], "while it rings")
    c.ok("call.answer", call=there, sdp=sdp("c1"))
    a.wait_call("answered", second)
    check_eq(desk.wait_call("ended", at_desk)["reason"], "transferred", "at the desk")
    check_eq(a.wait_call("ended", first)["reason"], "hung_up", "the first one")
    c.ok("call.end", call=there)
    check_eq(a.wait_call("ended", second)["reason"], "hung_up", "the second one")
    wait_for(lambda: outcome(a) == (address(c.user), "answered"), lambda: f"the history: {outcome(a)}")


@tap.test
def what_comes_to_nothing_leaves_the_call(case):
    a, desk, c = browser(case), browser(case), browser(case)
    first, at_desk = call(a, desk)
    for to, how, seen in ((c.user, {}, "declined"), (c.user, {"reason": "busy"}, "busy"), (case.site.user("off"), None, "not_reachable")):
        seq = desk.seq
        desk.ok("call.transfer", call=at_desk, to=address(to))
        second = a.ok("call.start", to=address(to), sdp=sdp("a2"), refer=first)["call"]
        if how is not None:
            c.ok("call.end", call=rings(c), **how)
        check_eq(a.wait_call("ended", second)["reason"], seen, "the second one")
        check_eq(desk.wait_call("not_transferred", at_desk, seq)["reason"], seen, "at the desk")
    number = desk.send("call.update", call=at_desk, sdp=sdp("new"))
    a.wait_call("update", first)
    a.ok("call.accept", call=first, sdp=sdp("yes"))
    check("ok" in desk.answer(number), "the first one goes on")


@tap.test
def who_is_transferred_may_give_up(case):
    a, desk, c = browser(case), browser(case), browser(case)
    first, at_desk = call(a, desk)
    desk.ok("call.transfer", call=at_desk, to=address(c.user))
    second = a.ok("call.start", to=address(c.user), sdp=sdp("a2"), refer=first)["call"]
    rings(c)
    a.ok("call.end", call=second)
    desk.wait_call("not_transferred", at_desk)
    check_eq(desk.calls[at_desk][-1]["state"], "not_transferred", "the call goes on")


@tap.test
def what_is_wrong_is_said(case):
    a, desk, c = browser(case), browser(case), browser(case)
    first, at_desk = call(a, desk)
    check_eq(desk.error("call.transfer", call=at_desk), "bad_request", "to nobody")
    check_eq(desk.error("call.transfer", call="x", to=address(c.user)), "no_call", "of no call")
    check_eq(a.error("call.start", to=address(c.user), sdp=sdp("a2"), refer=first), "bad_request", "nobody has asked")
    desk.ok("call.transfer", call=at_desk, to=address(c.user))
    check_eq(desk.error("call.transfer", call=at_desk, to=address(c.user)), "busy", "twice")
    check_eq(a.error("call.transfer", call=first, to=address(c.user)), "busy", "from both sides")
    check_eq(a.error("call.start", to=address(desk.user), sdp=sdp("a2"), refer=first), "bad_request", "somebody else")
    waits = a.ok("call.start", to=address(c.user), sdp=sdp("a2"), refer=first)["call"]
    check_eq(a.error("call.start", to=address(c.user), sdp=sdp("a3"), refer=first), "bad_request", "once more")
    check_eq(a.error("call.transfer", call=waits, to=address(desk.user)), "bad_request", "one that rings")


@tap.test
def a_page_that_makes_no_call_is_waited_for_30_s(case):
    a, desk, c = browser(case), browser(case), browser(case)
    first, at_desk = call(a, desk)
    desk.ok("call.transfer", call=at_desk, to=address(c.user))
    check_eq(desk.wait_call("not_transferred", at_desk)["reason"], "no_answer", "why")
    check_eq(a.error("call.start", to=address(c.user), sdp=sdp("a2"), refer=first), "bad_request", "too late")


@tap.test
def a_device_is_told_by_refer(case):
    p, desk, c = device(case), browser(case), browser(case)
    at_desk, dialog = call_from(p, desk)
    number = desk.send("call.transfer", call=at_desk, to=address(c.user))
    refer = p.expect_request("REFER")
    check_eq(refer.get("Refer-To"), f"<{c.user.uri}>", "Refer-To")
    check_eq(refer.get("Referred-By"), f"<{desk.user.uri}>", "Referred-By")
    p.answer(refer, 202)
    check_eq(desk.answer(number)["ok"], {}, "taken up")
    check_eq(notice(p, dialog, 10, "SIP/2.0 100 Trying\r\n", "active;expires=60"), 200, "trying")
    check_eq(notice(p, dialog, 11, "SIP/2.0 180 Ringing\r\n", "active;expires=60"), 200, "ringing")
    check_eq([e["state"] for e in desk.calls[at_desk]], ["incoming"], "not yet")
    check_eq(notice(p, dialog, 12, "SIP/2.0 200 OK\r\n", "terminated;reason=noresource"), 200, "it is there")
    p.answer(p.expect_request("BYE"), 200)
    check_eq(desk.wait_call("ended", at_desk)["reason"], "transferred", "at the desk")


@tap.test
def a_device_that_cannot_says_so(case):
    p, desk, c = device(case), browser(case), browser(case)
    at_desk, _ = call_from(p, desk)
    number = desk.send("call.transfer", call=at_desk, to=address(c.user))
    p.answer(p.expect_request("REFER"), 501)
    check_eq(desk.answer(number)["error"]["code"], "not_possible", "what is told")
    number = desk.send("call.transfer", call=at_desk, to=address(c.user))
    p.answer(p.expect_request("REFER"), 202)
    check("ok" in desk.answer(number), "once more")


@tap.test
def a_device_asks_by_refer(case):
    p, a, c = device(case), browser(case), browser(case)
    first, dialog = call_from(p, a)

    def refer(to, cseq):
        return p.ask(p.make("REFER", None, dialog=dialog, cseq=cseq, headers=[("Refer-To", to)]))[0].code
    for n, bad in enumerate(("", "bob", "<tel:+4930>", f"<{c.user.uri}?Replaces=1>", "<sip:@>", "<http://evil.test/>")):
        check(400 <= refer(bad, 10 + n) < 500, f"REFER to {bad!r}")
    check_eq([e["state"] for e in a.calls[first]], ["incoming"], "nothing has come of it")
    check_eq(refer(f"<{c.user.uri}>", 20), 202, "REFER")
    check_eq(a.wait_call("refer", first)["to"], address(c.user), "whom")
    told = p.expect_request("NOTIFY")
    check_eq((told.get("Event"), told.body.split(b" ")[1]), ("refer;id=20", b"100"), "at once")
    p.answer(told, 200)
    check_eq(refer(f"<{c.user.uri}>", 21), 491, "a second one")
    a.ok("call.start", to=address(c.user), sdp=sdp("a2"), refer=first)
    there = rings(c)
    c.ok("call.answer", call=there, sdp=sdp("c1"))
    seen = []
    while "terminated" not in "".join(seen):
        told = p.expect_request("NOTIFY")
        p.answer(told, 200)
        seen.append(told.get("Subscription-State") + told.body.decode().split(" ")[1])
    check_eq(seen[-1], "terminated;reason=noresource200", "at the end")


@tap.test
def a_device_that_tells_no_more_is_not_waited_for(case):
    p, desk, c = device(case), browser(case), browser(case)
    at_desk, dialog = call_from(p, desk)
    number = desk.send("call.transfer", call=at_desk, to=address(c.user))
    p.answer(p.expect_request("REFER"), 202)
    check("ok" in desk.answer(number), "taken up")
    check_eq(notice(p, dialog, 10, "SIP/2.0 100 Trying\r\n", "active;expires=1"), 200, "the one notice")
    check_eq(desk.wait_call("not_transferred", at_desk)["reason"], "no_answer", "why")
    number = desk.send("call.transfer", call=at_desk, to=address(c.user))
    p.answer(p.expect_request("REFER"), 202)
    check("ok" in desk.answer(number), "once more")


@tap.test
def a_change_that_waits_is_refused_when_the_call_is_transferred(case):
    p, desk, c = device(case), browser(case), browser(case)
    at_desk, dialog = call_from(p, desk)
    number = desk.send("call.transfer", call=at_desk, to=address(c.user))
    p.answer(p.expect_request("REFER"), 202)
    check("ok" in desk.answer(number), "taken up")
    change = p.send(p.make("INVITE", None, dialog=dialog, cseq=10, body=sdp("p2"), headers=[
        ("Content-Type", "application/sdp")]))
    desk.wait_call("update", at_desk)
    check_eq(notice(p, dialog, 11, "SIP/2.0 200 OK\r\n", "terminated;reason=noresource"), 200, "it is there")
    check_eq(p.expect_answer(change).code, 487, "the change")
    check_eq(desk.wait_call("ended", at_desk)["reason"], "transferred", "at the desk")


@tap.test
def a_call_does_not_make_the_user_call_the_whole_company(case):
    p, a, off = device(case), browser(case), case.site.user("off")
    first, dialog = call_from(p, a)
    codes = []
    for n in range(9):
        codes.append(p.ask(p.make("REFER", None, dialog=dialog, cseq=10 + n, headers=[("Refer-To", f"<{off.uri}>")]))[0].code)
        if codes[-1] == 202:
            a.ok("call.start", to=address(off), sdp=sdp("a2"), refer=first)
            wait_for(lambda: told_end(p), "it came to nothing")
    check_eq(codes, 8 * [202] + [403], "REFER")


@tap.test
def a_notice_of_nothing_is_refused(case):
    p, a = device(case), browser(case)
    first, dialog = call_from(p, a)
    for n, body in enumerate(("SIP/2.0 200 OK\r\n", "", "x", "SIP/2.0 999\r\n")):
        check_eq(notice(p, dialog, 10 + n, body, "terminated"), 481, body)
    check_eq([e["state"] for e in a.calls[first]], ["incoming"], "the call goes on")


if __name__ == "__main__":
    tap.main(make)
