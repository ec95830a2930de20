#!/usr/bin/python3
"""Poster row IM-16: browsers call one another.  The descriptions of media are the browsers' own; what
is tried here is the way that they take, and every end that a call can have."""
import base64
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.im import phone  # noqa: E402
from lib.mras import relays  # noqa: E402
from lib.siptext import Dialog, Phone, split_list, uri_in  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402
from lib.web import Browser, Site, address, make_pages, sdp  # noqa: E402


def make(args, folder):
    site.netns.enter()
    return site.Site(args, folder, web=f"metrics-port = 0\nweb-root = {make_pages(folder)}\n",
                     edge="open-peers = 10.0.0.0/8\nexternal-name = av.example.test\n")


def browser(case, user=None, **kw):
    return case.own(Browser(Site(case.site.server), user or case.site.user("web"), **kw)).start()


def call(a, b):
    """a calls b, who answers: both numbers of the call."""
    ours = a.ok("call.start", to=address(b.user), sdp=sdp("a1"))["call"]
    theirs = b.wait_call("incoming")
    check_eq((theirs["with"], theirs["sdp"]), (address(a.user), sdp("a1")), "what b hears")
    a.wait_call("ringing", ours)
    b.ok("call.answer", call=theirs["call"], sdp=sdp("b1"))
    check_eq(a.wait_call("answered", ours)["sdp"], sdp("b1"), "what a hears")
    return ours, theirs["call"]


def gone(b, number):
    check_eq(b.error("call.end", call=number), "no_call", "a call that is over")


@tap.test
def a_call_rings_is_answered_and_ends(case):
    a, b = browser(case), browser(case)
    ours, theirs = call(a, b)
    a.ok("call.end", call=ours)
    check_eq(b.wait_call("ended", theirs)["reason"], "hung_up", "why")
    check_eq(a.wait_call("ended", ours)["reason"], "ended_here", "why")
    gone(a, ours)
    gone(b, theirs)


@tap.test
def who_talks_is_seen_in_a_call(case):
    a, b, c = browser(case), browser(case), browser(case)
    c.ok("people.watch", uris=[address(a.user), address(b.user)])
    ours, _ = call(a, b)
    for one in (a, b):
        c.wait_sees(one.user, "busy")
        check_eq(c.people[address(one.user)]["activity"], "on-the-phone", "what she does")
    a.ok("call.end", call=ours)
    for one in (a, b):
        c.wait_sees(one.user, "available")


@tap.test
def who_was_called_hangs_up(case):
    a, b = browser(case), browser(case)
    ours, theirs = call(a, b)
    b.ok("call.end", call=theirs)
    check_eq(a.wait_call("ended", ours)["reason"], "hung_up", "why")


@tap.test
def a_call_is_declined(case):
    a, b = browser(case), browser(case)
    for how, seen in (({}, "declined"), ({"reason": "busy"}, "busy")):
        ours = a.ok("call.start", to=address(b.user), sdp=sdp("a1"))["call"]
        theirs = wait_for(lambda: next((c for c, e in b.calls.items()
                                        if [x["state"] for x in e] == ["incoming"]), None), "it rings")
        b.ok("call.end", call=theirs, **how)
        check_eq(a.wait_call("ended", ours)["reason"], seen, "why")


@tap.test
def the_caller_thinks_better_of_it(case):
    a, b = browser(case), browser(case)
    ours = a.ok("call.start", to=address(b.user), sdp=sdp("a1"))["call"]
    theirs = b.wait_call("incoming")["call"]
    a.wait_call("ringing", ours)
    a.ok("call.end", call=ours)
    check_eq(b.wait_call("ended", theirs)["reason"], "cancelled", "why")
    check_eq(b.error("call.answer", call=theirs, sdp=sdp("b1")), "no_call", "too late")


@tap.test
def all_devices_ring_and_one_answers(case):
    a, user = browser(case), case.site.user("web")
    desk, pocket = browser(case, user), browser(case, user)
    ours = a.ok("call.start", to=address(user), sdp=sdp("a1"))["call"]
    theirs = desk.wait_call("incoming")["call"]
    other = pocket.wait_call("incoming")["call"]
    pocket.ok("call.answer", call=other, sdp=sdp("p1"))
    check_eq(a.wait_call("answered", ours)["sdp"], sdp("p1"), "whose answer")
    check_eq(desk.wait_call("ended", theirs)["reason"], "answered_elsewhere", "the other one")
    a.ok("call.end", call=ours)
    pocket.wait_call("ended", other)


@tap.test
def what_one_device_declines_the_others_do_not_miss(case):
    a, user = browser(case), case.site.user("web")
    desk, pocket = browser(case, user), browser(case, user)
    ours = a.ok("call.start", to=address(user), sdp=sdp("a1"))["call"]
    theirs = desk.wait_call("incoming")["call"]
    pocket.ok("call.end", call=pocket.wait_call("incoming")["call"])
    check_eq(desk.wait_call("ended", theirs)["reason"], "declined_elsewhere", "the other one")
    check_eq(a.wait_call("ended", ours)["reason"], "declined", "the caller")


@tap.test
def either_side_changes_the_call(case):
    a, b = browser(case), browser(case)
    ours, theirs = call(a, b)
    for one, number, two, its in ((a, ours, b, theirs), (b, theirs, a, ours)):
        asked = one.send("call.update", call=number, sdp=sdp("new"))
        check_eq(two.wait_call("update", its)["sdp"], sdp("new"), "what is offered")
        check_eq(two.error("call.update", call=its, sdp=sdp("x")), "busy", "while it is changed")
        two.ok("call.accept", call=its, sdp=sdp("yes"))
        check_eq(one.answer(asked)["ok"]["sdp"], sdp("yes"), "what is answered")
        check_eq(two.error("call.accept", call=its, sdp=sdp("yes")), "bad_request", "once more")


@tap.test
def a_change_ends_with_the_call(case):
    a, b = browser(case), browser(case)
    ours, theirs = call(a, b)
    asked = a.send("call.update", call=ours, sdp=sdp("new"))
    b.wait_call("update", theirs)
    b.ok("call.end", call=theirs)
    check_eq(a.answer(asked)["error"]["code"], "no_call", "the change")
    a.wait_call("ended", ours)


@tap.test
def who_is_not_there_cannot_be_called(case):
    a, off = browser(case), case.site.user("off")
    for to, seen in ((address(off), "not_reachable"), ("nobody@" + case.site.server.domain, "not_found")):
        ours = a.ok("call.start", to=to, sdp=sdp("a1"))["call"]
        check_eq(a.wait_call("ended", ours)["reason"], seen, to)


@tap.test
def phones_and_browsers_have_no_media_in_common(case):
    """Until a media bridge speaks DTLS-SRTP; and nobody is kept waiting."""
    a = browser(case)
    p = case.own(Phone(case.site.server, case.site.user("phone"), "tcp"))
    p.register()
    final = p.ask(p.invite(a.user.uri))[0]
    check_eq(final.code, 488, "a phone's call to a browser")
    check(not a.calls, f"the browser does not ring: {a.calls}")
    ours = a.ok("call.start", to=address(p.user), sdp=sdp("a1"))["call"]
    p.answer(p.expect_request("INVITE"), 488)
    check_eq(a.wait_call("ended", ours)["reason"], "no_media", "why")


def device(case, user=None, transport="tcp"):
    """A SIP device that says it has what browsers have."""
    return case.own(Phone(case.site.server, user or case.site.user("device"), transport)).sign_in()


def with_sdp(p, uri, mark):
    return p.make("INVITE", uri, body=sdp(mark).encode(), headers=[("Content-Type", "application/sdp")])


SDP = [("Content-Type", "application/sdp")]


@tap.test
def of_two_devices_that_answer_at_once_one_is_hung_up(case):
    a, user = browser(case), case.site.user("two")
    one, two = device(case, user), device(case, user)
    ours = a.ok("call.start", to=address(user), sdp=sdp("a1"))["call"]
    asked = [(p, p.expect_request("INVITE")) for p in (one, two)]
    for (p, i), mark in zip(asked, ("one", "two")):
        p.answer(i, 200, headers=SDP, body=sdp(mark).encode(), tag=mark)
    taken = a.wait_call("answered", ours)["sdp"]
    winner, loser = (one, two) if taken == sdp("one") else (two, one)
    for p in (one, two):
        p.expect_request("ACK")
    loser.answer(loser.expect_request("BYE"), 200)
    a.ok("call.end", call=ours)
    winner.answer(winner.expect_request("BYE"), 200)


@tap.test
def an_answer_is_repeated_until_it_is_acknowledged(case):
    b, p = browser(case), device(case)
    inv = p.send(with_sdp(p, b.user.uri, "p1"))
    theirs = b.wait_call("incoming")
    check_eq((theirs["with"], theirs["sdp"]), (address(p.user), sdp("p1")), "what b hears")
    b.ok("call.answer", call=theirs["call"], sdp=sdp("b1"))
    answers = [p.expect_answer(inv) for _ in range(2)]
    check_eq([(m.code, m.body.decode()) for m in answers], [(200, sdp("b1"))] * 2, "the answer, again")
    p.confirm(inv, answers[0])
    b.ok("call.end", call=theirs["call"])
    p.answer(p.expect_request("BYE"), 200)


@tap.test
def requests_of_no_call_and_old_ones_are_refused(case):
    b, p = browser(case), device(case)
    inv = p.send(with_sdp(p, b.user.uri, "p1"))
    theirs = b.wait_call("incoming")["call"]
    b.ok("call.answer", call=theirs, sdp=sdp("b1"))
    answer = p.expect_answer(inv)
    dialog = p.confirm(inv, answer)
    old = p.make("BYE", None, dialog=dialog, cseq=inv.cseq[0])
    check_eq(p.expect_answer(p.send(old)).code, 500, "a number that was there before")
    bare = p.make("INVITE", None, dialog=dialog)
    check_eq(p.expect_answer(p.send(bare)).code, 488, "no description")
    check_eq(p.expect_answer(p.send(p.make("BYE", None, dialog=dialog))).code, 200, "the end")
    b.wait_call("ended", theirs)
    check_eq(p.expect_answer(p.send(p.make("BYE", None, dialog=dialog))).code, 481, "again")


@tap.test
def a_call_outlives_the_browsers_connection(case):
    a, b = browser(case), browser(case)
    ours, theirs = call(a, b)
    a.cut()
    check_eq(a.connect(), 101, "WebSocket")
    check(a.hello(resume=True)["resumed"], "the session goes on")
    asked = b.send("call.update", call=theirs, sdp=sdp("new"))
    a.wait_call("update", ours)
    a.ok("call.accept", call=ours, sdp=sdp("yes"))
    check("ok" in b.answer(asked), "the change")


@tap.test
def who_signs_out_hangs_up(case):
    a, b = browser(case), browser(case)
    _, theirs = call(a, b)
    a.log_out()
    check_eq(b.wait_call("ended", theirs)["reason"], "hung_up", "why")


@tap.test
def who_signs_out_rings_no_more(case):
    a, b = browser(case), browser(case)
    ours = a.ok("call.start", to=address(b.user), sdp=sdp("a1"))["call"]
    b.wait_call("incoming")
    b.log_out()
    check_eq(a.wait_call("ended", ours)["reason"], "not_reachable", "why")


@tap.test
def what_is_wrong_with_a_request_is_said(case):
    a, b = browser(case), browser(case)
    check_eq(a.error("call.start", to="", sdp=sdp("a1")), "bad_request", "nobody")
    check_eq(a.error("call.start", to=address(b.user)), "bad_request", "no sdp")
    check_eq(a.error("call.start", to=address(b.user), sdp="x" * 50000), "bad_request", "too long")
    for op in ("answer", "update", "accept", "end"):
        check_eq(a.error(f"call.{op}", call="none", sdp=sdp("a1")), "no_call", op)
    ours, _ = call(a, b)
    check_eq(a.error("call.answer", call=ours, sdp=sdp("a1")), "bad_request", "its own call")
    check_eq(a.error("call.accept", call=ours, sdp=sdp("a1")), "bad_request", "nothing was offered")


@tap.test
def a_browser_gets_credentials_of_the_relay(case):
    a = browser(case)
    got = a.ok("relay.get")
    check(got["life_s"] >= 3600, f"life: {got['life_s']}")
    server, = got["servers"]
    for host in ("av.example.test", site.HOST):
        for url in (f"turn:{host}:3478?transport=udp", f"turn:{host}:443?transport=tcp",
                    f"turns:{host}:443?transport=tcp"):
            check(url in server["urls"], f"{url} in {server['urls']}")
    good, text = relays(case.site.server.ip, server["username"], server["credential"])
    check(good, text)
    wait_for(lambda: f"user={address(a.user)} " in case.site.server.p.text().split("allocation-ended")[-1],
             "a line with the user")


@tap.test
def there_is_a_bound_for_calls(case):
    a, b = browser(case), browser(case)
    for _ in range(8):
        a.ok("call.start", to=address(b.user), sdp=sdp("a1"))
    check_eq(a.error("call.start", to=address(b.user), sdp=sdp("a1")), "too_many", "the ninth")
    c = browser(case)
    wait_for(lambda: len(b.calls) == 8, lambda: f"8 calls at b: {b.calls}")
    ours = c.ok("call.start", to=address(b.user), sdp=sdp("c1"))["call"]
    check_eq(c.wait_call("ended", ours)["reason"], "busy", "b has as many as it can")


@tap.test(alone=True)
def a_killed_front_end_ends_no_call(case):
    a, b = browser(case), browser(case)
    ours, theirs = call(a, b)
    for n in range(1, case.site.frontends + 1):
        case.site.server.kill_role("frontend", n)
        text = f"after the kill of {n}"
        wait_for(lambda text=text: "ok" in a.ask("chat.send", to=address(b.user), text=text), "a link")
        b.wait_text(text)
    seq = b.seq
    asked = a.send("call.update", call=ours, sdp=sdp("new"))
    b.wait_call("update", theirs, seq)
    b.ok("call.accept", call=theirs, sdp=sdp("yes"))
    check("ok" in a.answer(asked), "the change")
    b.ok("call.end", call=theirs)
    check_eq(a.wait_call("ended", ours)["reason"], "hung_up", "why")


def _back(one):
    """After the kill of its process."""
    wait_for(lambda: one.closed, "the connection has ended")
    wait_for(lambda: _again(one), "a connection")
    one.seq = 0
    answer = one.hello(resume=True)
    check(not answer["resumed"], "a session that went with its process")
    return answer["calls"]


@tap.test(alone=True)
def a_killed_web_process_ends_no_call(case):
    a, b = browser(case), browser(case)
    ours, theirs = call(a, b)
    for caller, callee, one, other in ((a, b, ours, theirs), (b, a, theirs, ours)):
        case.site.server.kill_role("web", 1)
        check_eq((_back(a), _back(b)), ([ours], [theirs]), "the calls that go on")
        wait_for(lambda: "ok" in a.ask("chat.send", to=address(b.user), text="back"), "both are back")
        seq = callee.seq
        asked = caller.send("call.update", call=one, sdp=sdp("new"))
        callee.wait_call("update", other, seq)
        callee.ok("call.accept", call=other, sdp=sdp("yes"))
        check("ok" in caller.answer(asked), "the change")
    case.site.server.kill_role("web", 1)
    check_eq((_back(a), _back(b)), ([ours], [theirs]), "the calls that go on")
    b.ok("call.end", call=theirs)
    check_eq(a.wait_call("ended", ours)["reason"], "hung_up", "why")


@tap.test(alone=True)
def calls_are_brought_back_by_their_own_user_alone(case):
    a, b, c = browser(case), browser(case), browser(case)
    ours, theirs = call(a, b)
    kept = a.kept[ours]
    check(address(b.user) not in base64.urlsafe_b64decode(kept + "===").decode("latin-1"), "it is sealed")
    case.site.server.kill_role("web", 1)
    c.kept = {"x": kept, "y": kept[:-4] + "AAAA", "z": "nonsense", "v": ""}
    check_eq(_back(c), [], "another's, broken ones")
    a.kept["twice"] = kept
    check_eq(_back(a), [ours], "once")
    a.kept.pop("twice")
    check_eq(_back(b), [theirs], "the other's")
    second = case.own(Browser(Site(case.site.server), a.user))
    check_eq(second.log_in().status, 200, "another log-in")
    check_eq(second.connect(), 101, "WebSocket")
    second.kept = {ours: kept}
    check_eq(second.hello()["calls"], [], "of another log-in of the same user")
    wait_for(lambda: "ok" in a.ask("chat.send", to=address(b.user), text="back"), "both are back")
    a.ok("call.end", call=ours)
    check_eq(b.wait_call("ended", theirs)["reason"], "hung_up", "why")


@tap.test(alone=True)
def after_a_killed_web_process_people_call_again(case):
    a, b = browser(case), browser(case)
    call(a, b)
    case.site.server.kill_role("web", 1)
    for one in (a, b):
        one.kept.clear()
        check_eq(_back(one), [], "what was not brought back")
    a.calls.clear()
    b.calls.clear()
    wait_for(lambda: "ok" in a.ask("chat.send", to=address(b.user), text="again"), "both are back")
    call(a, b)


def _rings_again(one, number):
    """The INVITE has come again, and is the call that rang: what is told."""
    wait_for(lambda: [e["state"] for e in one.calls.get(number, [])].count("incoming") == 2,
             lambda: f"it rings again: {one.calls}")
    return one.calls[number][-1]


@tap.test(alone=True)
def a_killed_web_process_ends_no_call_that_rings(case):
    a, b = browser(case), browser(case)
    for first, second in ((a, b), (b, a)):
        ours = a.ok("call.start", to=address(b.user), sdp=sdp("a1"))["call"]
        theirs = b.wait_call("incoming")["call"]
        a.wait_call("ringing", ours)
        case.site.server.kill_role("web", 1)
        for one in (first, second):
            check_eq(_back(one), [ours] if one is a else [], "the calls that go on")
            if one is a:
                check_eq(a.ok("call.start", call=ours, sdp=sdp("a1"))["call"], ours, "its name")
        check_eq(_rings_again(b, theirs)["sdp"], sdp("a1"), "what is offered")
        b.ok("call.answer", call=theirs, sdp=sdp("b1"))
        check_eq(a.wait_call("answered", ours)["sdp"], sdp("b1"), "what a hears")
        a.ok("call.end", call=ours)
        check_eq(b.wait_call("ended", theirs)["reason"], "hung_up", "why")
        for one in (a, b):
            one.calls.clear()
            one.kept.clear()


@tap.test(alone=True)
def who_is_called_by_a_browser_hears_nothing_of_a_killed_web_process(case):
    a, p = browser(case), device(case)
    ours = a.ok("call.start", to=address(p.user), sdp=sdp("a1"))["call"]
    asked = p.expect_request("INVITE")
    p.answer(asked, 180)
    a.wait_call("ringing", ours)
    case.site.server.kill_role("web", 1)
    check_eq(_back(a), [ours], "the calls that go on")
    a.ok("call.start", call=ours, sdp=sdp("a1"))
    check_eq(a.error("call.start", call=ours, sdp=sdp("a1")), "bad_request", "once more")
    p.answer(asked, 200, headers=SDP, body=sdp("p1").encode())
    # Neither CANCEL nor another INVITE came before.
    p.expect_request("ACK")
    check_eq(a.wait_call("answered", ours)["sdp"], sdp("p1"), "what a hears")
    a.ok("call.end", call=ours)
    p.answer(p.expect_request("BYE"), 200)


@tap.test(alone=True)
def what_was_said_while_the_web_process_was_away_is_heard(case):
    a, p = browser(case), device(case)
    ours = a.ok("call.start", to=address(p.user), sdp=sdp("a1"))["call"]
    asked = p.expect_request("INVITE")
    p.answer(asked, 180)
    a.wait_call("ringing", ours)
    case.site.server.kill_role("web", 1)
    p.answer(asked, 486)
    p.expect_request("ACK")
    check_eq(_back(a), [ours], "the calls that go on")
    a.ok("call.start", call=ours, sdp=sdp("a1"))
    check_eq(a.wait_call("ended", ours)["reason"], "busy", "why")


@tap.test(alone=True)
def who_calls_a_browser_hears_nothing_of_a_killed_web_process(case):
    b, p = browser(case), device(case)
    inv = p.send(with_sdp(p, b.user.uri, "p1"))
    theirs = b.wait_call("incoming")["call"]
    case.site.server.kill_role("web", 1)
    check_eq(_back(b), [], "the calls that go on")
    _rings_again(b, theirs)
    b.ok("call.answer", call=theirs, sdp=sdp("b1"))
    answer = p.expect_answer(inv)
    check_eq((answer.code, answer.body.decode()), (200, sdp("b1")), "the answer")
    p.confirm(inv, answer)
    b.ok("call.end", call=theirs)
    p.answer(p.expect_request("BYE"), 200)


@tap.test(alone=True)
def who_calls_a_browser_may_give_up_while_its_process_is_away(case):
    b, p = browser(case), device(case)
    inv = p.send(with_sdp(p, b.user.uri, "p1"))
    theirs = b.wait_call("incoming")["call"]
    case.site.server.kill_role("web", 1)
    p.cancel(inv)
    check_eq(p.expect_answer(inv).code, 487, "the call")
    _back(b)
    wait_for(lambda: "ok" in b.ask("chat.send", to=address(b.user), text="back"), "it is back")
    check_eq([e["state"] for e in b.calls[theirs]], ["incoming"], "what rings")


@tap.test(alone=True)
def nobody_waits_for_ever_for_a_browser_that_does_not_come_back(case):
    a, b, p = browser(case), browser(case), device(case)
    inv = p.send(with_sdp(p, b.user.uri, "p1"))
    b.wait_call("incoming")
    a.ok("call.start", to=address(p.user), sdp=sdp("a1"))
    asked = p.expect_request("INVITE")
    p.answer(asked, 180)
    case.site.server.kill_role("web", 1)
    check_eq(p.expect_answer(inv).code, 480, "the browser that was called")
    p.answer(p.expect_request("CANCEL"), 200)
    p.answer(asked, 487)


def _again(one):
    try:
        return one.connect() == 101
    except OSError:
        return False


@tap.test
def who_is_in_a_call_with_a_browser_writes_to_it_in_the_own_name_alone(case):
    b, a, boss = browser(case), phone(case), phone(case)
    m = a.send(a.make("INVITE", b.user.uri, body=sdp("a1"), headers=[("Content-Type", "application/sdp")]))
    ringing = wait_for(lambda: next((x for x in a.all if x.code == 180), None), "180")
    route = [uri_in(v) for v in reversed(split_list(ringing.all("Record-Route")))]
    typing = '<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>active</state></isComposing>'
    for n, (name, body, kind, code) in enumerate((
            (boss.user.uri, "i resign", "text/plain", 403),
            (f"sip:conf-1234@{case.site.server.domain}", "you are out", "text/plain", 403),
            (boss.user.uri, typing, "application/im-iscomposing+xml", 403),
            (a.user.uri, "hello", "text/plain", 200))):
        d = Dialog(m.get("Call-ID"), f"<{name}>;tag=zz", ringing.get("To"), uri_in(ringing.get("Contact")), route,
                   10 + n)
        text = a.send(a.make("MESSAGE", None, dialog=d, body=body, headers=[("Content-Type", kind)]))
        check_eq(a.expect_answer(text).code, code, f"{body} of {name}")
    wait_for(lambda: b.messages, "what was said")
    check_eq([(x["from"], x["text"]) for x in b.messages], [(address(a.user), "hello")], "what the browser shows")
    check_eq(b.typing, [], "who types")


if __name__ == "__main__":
    tap.main(make)
