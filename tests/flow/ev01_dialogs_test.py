#!/usr/bin/python3
"""EV-01 (inside), LG-02: messages and calls through the stateful proxy (RFC 3261 section 16)."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.siptext import Dialog, Phone, branch  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402

TEXT = [("Content-Type", "text/plain")]


def phone(case, user, transport="udp", **kw):
    return case.own(Phone(case.site.server, user, transport, **kw))


def pair(case, one="tcp", other="tls"):
    return [phone(case, case.site.user(n), t).sign_in()
            for n, t in (("alice", one), ("bob", other))]


def start(a, b_uri):
    """A sends INVITE (answering a challenge); returns the request as sent last."""
    inv = a.send(a.invite(b_uri))
    if a.transport == "udp":
        answer = a.expect(lambda m: m.code and m.code >= 200 and m.cseq == inv.cseq, "a challenge")
        a.ack(inv, answer)
        inv = a.send(a.again(inv, answer))
    return inv


def connect(a, b):
    """A calls B, who answers; returns (dialog of A, dialog of B)."""
    inv = start(a, b.user.uri)
    got = b.expect_request("INVITE")
    b.answer(got, 180, tag="bt")
    ok = b.answer(got, 200, tag="bt")
    answer = a.expect_answer(inv)
    check_eq(answer.code, 200, "the answer to INVITE")
    dialog = a.confirm(inv, answer)
    b.expect_request("ACK")
    return dialog, Dialog.of_callee(got, ok)


def in_dialog(one, other, dialog, method, headers=(), body=b""):
    m = one.send(one.make(method, None, dialog=dialog, headers=headers, body=body))
    got = other.expect_request(method)
    other.answer(got, 200)
    check_eq(one.expect_answer(m).code, 200, f"the answer to {method}")
    return got


def _calls(one, other):
    def run(case):
        a, b = pair(case, one, other)
        da, db = connect(a, b)
        in_dialog(a, b, da, "INFO")
        in_dialog(b, a, db, "UPDATE")
        in_dialog(b, a, db, "BYE")
    run.__name__ = f"a_call_from_{one}_to_{other}_passes_requests_of_both_sides"
    tap.test(run)


for _one, _other in (("udp", "udp"), ("tcp", "tcp"), ("tls", "tls"), ("udp", "tls"), ("tls", "udp"),
                     ("tcp", "udp")):
    _calls(_one, _other)


@tap.test
def a_message_reaches_every_endpoint_of_the_user(case):
    alice, user = phone(case, case.site.user("alice"), "tcp").sign_in(), case.site.user("bob")
    bobs = [phone(case, user, t).sign_in() for t in ("udp", "tcp", "tls")]
    m = alice.send(alice.make("MESSAGE", user.uri, body="to all", headers=TEXT))
    for b in bobs:
        b.answer(b.expect_request("MESSAGE"), 200)
    check_eq(alice.expect_answer(m).code, 200, "the answer")


@tap.test
def a_number_and_an_extension_reach_their_user(case):
    alice = phone(case, case.site.user("alice"), "tcp").sign_in()
    user = case.site.user("bob", phone="+4930987001", extension="7001")
    bob = phone(case, user, "udp").sign_in()
    d = case.site.server.domain
    for uri in ("tel:+49-30-987001", f"sip:+4930987001@{d};user=phone", f"sip:7001@{d}"):
        m = alice.send(alice.make("MESSAGE", uri, body="x", headers=TEXT))
        bob.answer(bob.expect_request("MESSAGE"), 200)
        check_eq(alice.expect_answer(m).code, 200, uri)


def _answers_call(a, b, uri):
    """A calls this address, B answers and hangs up."""
    inv = start(a, uri)
    got = b.expect_request("INVITE")
    ok = b.answer(got, 200, tag="bt")
    answer = a.expect_answer(inv)
    check_eq(answer.code, 200, uri)
    a.confirm(inv, answer)
    b.expect_request("ACK")
    in_dialog(b, a, Dialog.of_callee(got, ok), "BYE")


@tap.test
def a_call_to_a_number_rings_its_user(case):
    user = case.site.user("bob", phone="+4930987333", extension="7333")
    b = phone(case, user, "tls").sign_in()
    d = case.site.server.domain
    for transport in ("udp", "tcp"):
        a = phone(case, case.site.user("alice"), transport).sign_in()
        for uri in ("tel:+49-30-987333", f"sip:+4930987333@{d};user=phone", f"sip:7333@{d}"):
            _answers_call(a, b, uri)


@tap.test
def a_call_to_a_gruu_rings_one_endpoint_and_no_other(case):
    a, user = phone(case, case.site.user("alice"), "tcp").sign_in(), case.site.user("bob")
    other = phone(case, user, "udp").sign_in()
    b = phone(case, user, "tls", instance="55555555-0000")
    answer = b.register()
    for kind in ("pub-gruu", "temp-gruu"):
        gruu = re.search(kind + r'="([^"]+)"', " ".join(answer.all("Contact"))).group(1)
        _answers_call(a, b, gruu)
    check(not other.has(lambda m: m.method == "INVITE"), "the other endpoint rang too")


@tap.test
def refusals_have_their_codes(case):
    a, b = pair(case)
    d = case.site.server.domain
    off = case.site.user("off")
    for uri, code in ((f"sip:nobody@{d}", 404), ("sip:x@elsewhere.test", 403),
                      ("tel:+4999", 404), ("http://example.test/", 416)):
        check_eq(a.message(uri, "x").code, code, uri)
    check_eq(a.ask(a.invite(off.uri))[0].code, 480, "a call to nobody signed in")
    m = a.send(a.make("MESSAGE", b.user.uri, body="x", headers=TEXT))
    b.answer(b.expect_request("MESSAGE"), 486)
    check_eq(a.expect_answer(m).code, 486, "what the callee said")


ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'


@tap.test
def the_first_to_answer_gets_the_call_and_the_others_are_cancelled(case):
    alice, user = phone(case, case.site.user("alice"), "tls").sign_in(), case.site.user("bob")
    bobs = [phone(case, user, t).sign_in() for t in ("udp", "tcp", "tls")]
    inv = start(alice, user.uri)
    invites = [b.expect_request("INVITE") for b in bobs]
    for b, i in zip(bobs, invites):
        b.answer(i, 180)
    bobs[1].answer(invites[1], 200, tag="winner")
    answer = alice.expect_answer(inv)
    check_eq((answer.code, answer.tag("To")), (200, "winner"), "the answer")
    for b, i in ((bobs[0], invites[0]), (bobs[2], invites[2])):
        cancel = b.expect_request("CANCEL")
        check_eq(cancel.get("Reason"), ELSEWHERE, "RFC 3326: it was not missed")
        b.answer(cancel, 200)
        b.answer(i, 487)
        b.expect_request("ACK")
    alice.confirm(inv, answer)
    bobs[1].expect_request("ACK")


@tap.test
def the_best_refusal_is_passed_on_when_all_refuse(case):
    alice, user = phone(case, case.site.user("alice"), "tcp").sign_in(), case.site.user("bob")
    one, two = phone(case, user, "udp").sign_in(), phone(case, user, "tcp").sign_in()
    inv = start(alice, user.uri)
    for b, code in ((one, 486), (two, 603)):
        b.answer(b.expect_request("INVITE"), code)
        b.expect_request("ACK")
    answer = alice.expect_answer(inv)
    alice.ack(inv, answer)
    check_eq(answer.code, 603, "the answer")


@tap.test
def a_cancelled_call_ends_with_487_on_both_sides(case):
    a, b = pair(case, "udp", "tcp")
    inv = start(a, b.user.uri)
    got = b.expect_request("INVITE")
    b.answer(got, 180)
    a.expect(lambda m: m.code == 180, "180")
    cancel = a.cancel(inv, headers=[("Reason", ELSEWHERE)])
    theirs = b.expect_request("CANCEL")
    check_eq(theirs.get("Reason"), None, "a caller cannot say that it was answered")
    b.answer(theirs, 200)
    b.answer(got, 487)
    b.expect_request("ACK")
    check_eq(a.expect(lambda m: m.code == 200 and m.cseq == cancel.cseq, "200").code, 200, "CANCEL")
    answer = a.expect_answer(inv)
    a.ack(inv, answer)
    check_eq(answer.code, 487, "INVITE")


@tap.test
def an_answer_that_comes_after_the_caller_has_gone_is_ended(case):
    a, b = pair(case, "tcp", "tls")
    start(a, b.user.uri)
    got = b.expect_request("INVITE")
    b.answer(got, 180)
    a.expect(lambda m: m.code == 180, "180")
    a.stop()
    b.expect_request("CANCEL")
    b.answer(got, 200, tag="late")
    b.expect_request("ACK")
    b.answer(b.expect_request("BYE"), 200)


@tap.test
def a_retransmitted_invite_over_udp_makes_no_second_call(case):
    a, b = pair(case, "udp", "udp")
    inv = start(a, b.user.uri)
    got = b.expect_request("INVITE")
    b.answer(got, 180, tag="t")
    a.expect(lambda m: m.code == 180, "180")
    for _ in range(3):
        a.send(inv)
        a.expect(lambda m: m.code == 180, "180 again")
    check(not any(m.method == "INVITE" for m in b.inbox), "a second INVITE came")
    b.answer(got, 486, tag="t")
    answer = a.expect_answer(inv)
    a.ack(inv, answer)
    b.expect_request("ACK")


@tap.test
def requests_without_the_branch_of_rfc_3261_are_matched(case):
    a, b = pair(case, "tcp", "tcp")
    inv = a.invite(b.user.uri)
    inv.set("Via", f"SIP/2.0/tcp {a.ip}:{a.port}")
    a.send(inv)
    got = b.expect_request("INVITE")
    b.answer(got, 180)
    a.expect(lambda m: m.code == 180, "180")
    a.cancel(inv)
    b.answer(b.expect_request("CANCEL"), 200)
    b.answer(got, 487)
    check_eq(a.expect(lambda m: m.code == 487, "487").cseq[1], "INVITE", "the method")


@tap.test
def hops_loops_and_extensions_are_refused_by_their_codes(case):
    a, b = pair(case)
    few = a.make("MESSAGE", b.user.uri, body="x", headers=TEXT).set("Max-Forwards", "0")
    check_eq(a.ask(few)[0].code, 483, "Max-Forwards 0")
    ext = a.make("MESSAGE", b.user.uri, body="x", headers=[*TEXT, ("Proxy-Require", "teleport")])
    answer = a.ask(ext)[0]
    check_eq((answer.code, answer.get("Unsupported")), (420, "teleport"), "Proxy-Require")


@tap.test
def a_large_body_passes_and_a_too_large_one_gets_513(case):
    a, b = pair(case, "tcp", "tls")
    body = "x" * 100_000
    m = a.send(a.make("MESSAGE", b.user.uri, body=body, headers=TEXT))
    got = b.expect_request("MESSAGE")
    check_eq(len(got.body), len(body), "the body")
    b.answer(got, 200)
    check_eq(a.expect_answer(m).code, 200, "100 kB")
    m = a.send(a.make("MESSAGE", b.user.uri, body="x" * 200_000, headers=TEXT))
    check_eq(a.expect_answer(m).code, 513, "200 kB")
    wait_for(lambda: a.closed, "the connection to be closed")
    check(not b.closed, "another's connection was closed too")


@tap.test
def an_administrator_sees_the_call_and_why_it_goes_where_it_goes(case):
    a, b = pair(case)
    server = case.site.server
    da, _ = connect(a, b)
    rows = [c for c in server.json("call", "list") if a.user.name in c["from"]]
    check_eq([c["state"] for c in rows], ["connected"], "call list")
    told = str(server.json("explain", a.user.name, b.user.name))
    check(b.user.name in told and "rings" in told, told)
    in_dialog(a, b, da, "BYE")
    wait_for(lambda: not [c for c in server.json("call", "list") if a.user.name in c["from"]],
             "the call to leave the list")


@tap.test
def options_to_the_server_are_answered_to_anybody(case):
    p = phone(case, case.site.user("alice"), "udp")
    m = p.send(p.make("OPTIONS", f"sip:{case.site.server.domain}"))
    answer = p.expect_answer(m)
    check_eq(answer.code, 200, "the answer")
    check("INVITE" in answer.get("Allow"), "no Allow")


@tap.test
def event_packages_that_are_not_there_get_489(case):
    a, b = pair(case)
    m = a.make("SUBSCRIBE", b.user.uri, headers=[("Event", "unheard-of"), ("Expires", "600")])
    answer = a.ask(m)[0]
    check_eq(answer.code, 489, "SUBSCRIBE")
    check("dialog" in answer.get("Allow-Events"), "those that are there")
    m = a.make("PUBLISH", a.user.uri, headers=[("Event", "unheard-of")], body="")
    check_eq(a.ask(m)[0].code, 489, "PUBLISH")


@tap.test
def a_loop_is_seen(case):
    a, b = pair(case, "tcp", "tcp")
    m = a.send(a.make("MESSAGE", b.user.uri, body="x", headers=TEXT))
    got = b.expect_request("MESSAGE")
    # B sends it back to where it came from, unchanged but for a Via of its own: a spiral is one
    # that changes the Request-URI, a loop is one that does not.
    again = b.make("MESSAGE", b.user.uri, body="x", headers=TEXT)
    again.headers = [("Via", f"SIP/2.0/TCP {b.ip}:{b.port};branch={branch()}"),
                     *[("Via", v) for v in got.all("Via")],
                     *[h for h in m.headers if h[0] != "Via"]]
    b.send(again)
    answer = b.expect(lambda x: x.code and x.cseq == m.cseq, "an answer")
    check_eq(answer.code, 482, "the answer to the loop")
    b.answer(got, 200)
    check_eq(a.expect_answer(m).code, 200, "the message itself")


if __name__ == "__main__":
    tap.main(site.make)
