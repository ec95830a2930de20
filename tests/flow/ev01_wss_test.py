#!/usr/bin/python3
"""EV-01 in browsers: phones of any make speak SIP over WebSocket (RFC 7118)."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.im import page  # noqa: E402
from lib.simple import SimplePhone, pidf  # noqa: E402
from lib.siptext import Dialog, Phone, reset  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402
from lib.wssphone import BINARY, CONT, PING, PONG, PORT, TEXT, Refused, WssPhone  # noqa: E402

MESSAGE_MAX = 128 * 1024  # message-max
ELSEWHERE = "https://phone.example.net"


def make(args, folder):
    site.netns.enter()
    return site.Site(args, folder, settings=f"ws-origins = https://a.test, {ELSEWHERE}")


def wss(case, user=None, **kw):
    return case.own(WssPhone(case.site.server, user or case.site.user("web"), **kw))


def tcp(case, user=None):
    return case.own(Phone(case.site.server, user or case.site.user("desk"), "tcp"))


def both(case):
    return wss(case).sign_in(), tcp(case).sign_in()


def is_bound(case, user):
    return len(case.site.server.endpoints(user)) > 0


def say(a, b, text):
    """A MESSAGE that arrives and is answered; it."""
    m = page(a, b.user.uri, text)
    got = b.expect(lambda r: r.method == "MESSAGE" and r.body.decode() == text, f"{text!r}")
    b.answer(got, 200)
    check_eq(a.expect_answer(m).code, 200, text)
    return got


def in_dialog(a, b, dialog, method):
    m = a.send(a.make(method, None, dialog=dialog))
    b.answer(b.expect_request(method), 200)
    check_eq(a.expect_answer(m).code, 200, method)


def connect(a, b):
    """A calls, B rings and answers; the dialogs of both."""
    inv = a.send(a.invite(b.user.uri))
    got = b.expect_request("INVITE")
    b.answer(got, 180, tag="bt")
    a.expect(lambda m: m.code == 180, "180")
    ok = b.answer(got, 200, tag="bt")
    answer = a.expect_answer(inv)
    check_eq(answer.code, 200, "the call")
    da = a.confirm(inv, answer)
    b.expect_request("ACK")
    return da, Dialog.of_callee(got, ok), got


def refused(case, **kw):
    try:
        wss(case, **kw)
    except Refused as e:
        return e.status
    raise AssertionError(f"a WebSocket with {kw} was taken")


@tap.test
def a_phone_registers_with_a_contact_that_nobody_can_resolve(case):
    p = wss(case)
    check_eq(p.agreed["sec-websocket-protocol"], "sip", "the subprotocol")
    answer = p.register()
    check_eq(answer.code, 200, "the answer")
    check("transport=ws" in answer.get("Service-Route"), answer.get("Service-Route"))
    check(p.name in answer.get("Contact"), answer.get("Contact"))
    check(is_bound(case, p.user), "an endpoint")
    check_eq(p.sign_off().code, 200, "sign-off")
    wait_for(lambda: not is_bound(case, p.user), "the endpoint to go")


@tap.test
def a_wrong_password_is_refused(case):
    p = wss(case, password="wrong")
    check(p.register().code in (401, 403), "the answer")
    check(not is_bound(case, p.user), "an endpoint")


@tap.test
def messages_pass_between_it_and_a_phone(case):
    w, t = both(case)
    say(t, w, "to the page")
    got = say(w, t, "Grüße from the page")
    check(w.user.uri in got.get("From"), got.get("From"))
    check(BINARY not in w.kinds and TEXT in w.kinds, w.kinds)


@tap.test
def what_is_no_utf8_comes_as_a_binary_message(case):
    w, t = both(case)
    m = t.send(t.make("MESSAGE", w.user.uri, body=b"\xff\xfe\x00",
                      headers=[("Content-Type", "application/octet-stream")]))
    got = w.expect_request("MESSAGE")
    check_eq(got.body, b"\xff\xfe\x00", "the body")
    w.answer(got, 200)
    check_eq(t.expect_answer(m).code, 200, "the answer")
    check(BINARY in w.kinds, w.kinds)


@tap.test
def its_via_names_websocket(case):
    w, t = both(case)
    t.send(t.make("MESSAGE", w.user.uri, body="x", headers=[("Content-Type", "text/plain")]))
    got = w.expect_request("MESSAGE")
    check(got.get("Via").startswith("SIP/2.0/WSS "), got.get("Via"))
    check(w.name in got.uri, got.uri)
    w.answer(got, 200)


def _calls(names, make_pair):
    def run(case):
        a, b = make_pair(case)
        da, db, got = connect(a, b)
        check(got.all("Record-Route"), "no Record-Route")
        in_dialog(a, b, da, "INFO")
        in_dialog(b, a, db, "INFO")
        in_dialog(b, a, db, "BYE")
    run.__name__ = f"a_call_from_{names}_is_set_up_and_ended"
    tap.test(run)


_calls("a_page_to_a_phone", both)
_calls("a_phone_to_a_page", lambda case: tuple(reversed(both(case))))
_calls("a_page_to_a_page", lambda case: (wss(case).sign_in(), wss(case).sign_in()))


@tap.test
def a_call_that_is_given_up_stops_ringing(case):
    w, t = both(case)
    inv = t.send(t.invite(w.user.uri))
    got = w.expect_request("INVITE")
    w.answer(got, 180)
    t.expect(lambda m: m.code == 180, "180")
    t.cancel(inv)
    w.answer(w.expect_request("CANCEL"), 200)
    w.answer(got, 487)
    w.expect_request("ACK")
    t.expect(lambda m: m.code == 487 and m.cseq == inv.cseq, "487")


class WssWatcher(SimplePhone, WssPhone):
    """Publishes and watches, over WebSocket."""


@tap.test
def it_watches_others_and_is_watched(case):
    a = case.own(WssWatcher(case.site.server, case.site.user("web"))).sign_in()
    b = case.own(SimplePhone(case.site.server, case.site.user("desk"), "tcp")).sign_in()
    answer, dialog = a.subscribe(b.user.uri)
    check_eq(answer.code, 200, "SUBSCRIBE over WebSocket")
    a.wait_sees(b.user, "open", [])
    check_eq(b.publish(pidf(b.user, activities=["busy"], note="at work")).code, 200, "PUBLISH of the other")
    a.wait_sees(b.user, "open", ["busy"])
    check_eq(b.subscribe(a.user.uri)[0].code, 200, "SUBSCRIBE of the other")
    check_eq(a.publish(pidf(a.user, activities=["away"])).code, 200, "PUBLISH over WebSocket")
    b.wait_sees(a.user, "open", ["away"])
    check_eq(a.subscribe(b.user.uri, dialog=dialog)[0].code, 200, "a refresh")
    before = len(a.told)
    check_eq(a.subscribe(b.user.uri, dialog=dialog, expires=0)[0].code, 200, "the end")
    wait_for(lambda: any("terminated" in m.get("Subscription-State") for m in a.told[before:]), "its last NOTIFY")
    a.stop()
    b.wait_sees(a.user, "closed")


@tap.test
def other_subprotocols_are_refused(case):
    check_eq(refused(case, protocol="dialtone.v1"), 400, "another one")
    check_eq(refused(case, protocol=None), 400, "none")
    wss(case, protocol="other, sip").sign_in()


@tap.test
def pages_of_other_sites_are_refused(case):
    s = case.site.server
    for origin in ("https://evil.test", f"http://{s.host}", f"https://{s.host}.evil.test", "null",
                   "https://", f"https://evil.test:{PORT}", f"{ELSEWHERE}:444"):
        check_eq(refused(case, origin=origin), 403, origin)
    for origin in (f"https://{s.host}", f"https://{s.host}:4443", f"https://{s.domain}",
                   f"https://{s.ip}:4443", ELSEWHERE):
        wss(case, origin=origin).sign_in()


@tap.test
def broken_messages_harm_nobody(case):
    w, t = both(case)
    bad = wss(case)
    for raw in (b"", b"\0", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 100, b"MESSAGE\r\n\r\n", b"x" * 5000):
        bad.frame(BINARY, raw)
    m = bad.make("MESSAGE", w.user.uri)
    bad.send(m.set("CSeq", "1 INVITE"))
    check_eq(bad.expect(lambda r: r.code, "an answer").code, 400, "a CSeq of something else")
    bad.sign_in()
    say(bad, w, "still here")
    say(t, w, "so are we")


@tap.test
def a_message_in_fragments_is_one_message(case):
    p = wss(case)
    m = p.make("OPTIONS", f"sip:{case.site.server.domain}")
    raw = m.bytes()
    p.frame(TEXT, raw[:20], fin=False)
    p.frame(PING, b"between")
    p.frame(CONT, raw[20:50], fin=False)
    p.frame(CONT, raw[50:])
    check_eq(p.expect_answer(m).code, 200, "the answer")
    check(PONG in p.kinds, "a Pong")


@tap.test
def a_large_message_is_answered_and_a_huge_one_ends_the_connection(case):
    w, t = both(case)
    big = wss(case).sign_in()
    m = big.send(big.make("MESSAGE", w.user.uri, body="x" * MESSAGE_MAX,
                          headers=[("Content-Type", "text/plain")]))
    check_eq(big.expect_answer(m).code, 513, "a large one")
    say(big, w, "after it")
    big.frame(TEXT, b"x" * (2 * MESSAGE_MAX + 1))
    check_eq(big.wait_closed(), 1009, "a huge one")
    wait_for(lambda: not is_bound(case, big.user), "the endpoint to go")
    say(t, w, "undisturbed")


@tap.test
def frames_that_break_the_rules_end_the_connection(case):
    w, t = both(case)
    for kind, data, code in ((3, b"x", 1002), (TEXT, b"\xff\xff", 1007)):
        p = wss(case)
        p.frame(kind, data)
        check_eq(p.wait_closed(), code, kind)
    say(t, w, "undisturbed")


@tap.test
def line_ends_keep_alive_too(case):
    p = wss(case)
    p.ping()
    wait_for(lambda: p.pongs == 1, "a pong")


@tap.test
def a_connection_that_is_lost_takes_its_endpoint_along(case):
    for end in (lambda p: p.stop(), reset):
        p = wss(case).sign_in()
        check(is_bound(case, p.user), "an endpoint")
        end(p)
        wait_for(lambda p=p: not is_bound(case, p.user), "the endpoint to go")


@tap.test
def who_comes_back_takes_the_place_of_the_old_connection(case):
    user, t = case.site.user("web"), tcp(case).sign_in()
    instance = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
    old = wss(case, user, instance=instance).sign_in()
    new = wss(case, user, instance=instance).sign_in()
    check_eq(len(case.site.server.endpoints(user)), 1, "endpoints")
    say(t, new, "to the new one")
    check(not old.has(lambda m: m.method == "MESSAGE"), "the old one heard it")


@tap.test
def a_page_that_reads_nothing_is_ended_and_disturbs_nobody(case):
    w, t = both(case)
    deaf = wss(case).sign_in()
    deaf.deaf = True
    before = case.site.server.metric("dialtone_websockets_ended_total", why="slow")
    for i in range(400):
        t.send(t.make("MESSAGE", deaf.user.uri, body="x" * 60000,
                      headers=[("Content-Type", "text/plain")]))
        if i % 50 == 49:
            say(w, t, f"meanwhile {i}")
        if not is_bound(case, deaf.user):
            break
    wait_for(lambda: not is_bound(case, deaf.user), "its endpoint to go")
    check_eq(case.site.server.metric("dialtone_websockets_ended_total", why="slow"), before + 1,
             "connections that ended because their readers were slow")
    deaf.deaf = False
    say(t, w, "afterwards")


@tap.test(alone=True)
def front_ends_that_are_killed_come_back_and_so_do_their_pages(case):
    w, t = both(case)
    server = case.site.server
    for number in range(1, case.site.frontends + 1):
        server.kill_role("frontend", number)
    wait_for(lambda: w.closed and t.closed, "both to notice")

    def again(cls, user):
        try:
            p = cls(case, user)
            return p if p.register().code == 200 else None
        except (OSError, Refused):
            return None
    w = wait_for(lambda: again(wss, w.user), "the page's sign-in")
    t = wait_for(lambda: again(tcp, t.user), "the phone's")
    say(t, w, "back")
    say(w, t, "again")


if __name__ == "__main__":
    tap.main(make)
