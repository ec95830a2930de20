#!/usr/bin/python3
"""EV-01 (inside): calls between Lync clients and phones pass the media bridge, which writes the
descriptions anew; what becomes of them when it fails."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.lync import LyncClient  # noqa: E402
from lib.siptext import Dialog, Phone, sdp  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402

KEY = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
SDP = [("Content-Type", "application/sdp")]


def lync_sdp(ip):
    return (f"v=0\r\no=- 0 0 IN IP4 {ip}\r\ns=session\r\nc=IN IP4 {ip}\r\nt=0 0\r\n"
            "m=audio 41446 RTP/SAVP 0\r\n"
            f"a=candidate:1 1 UDP 2028994815 {ip} 41446 typ host\r\n"
            f"a=candidate:1 2 UDP 2028994814 {ip} 41447 typ host\r\n"
            f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^31\r\n"
            "a=rtpmap:0 PCMU/8000\r\na=x-lync:1\r\n"
            "a=ice-ufrag:4tiO\r\na=ice-pwd:+3nUtzM0HxD5jymiKG6RK8\r\n")


def pair(case):
    return (case.own(Phone(case.site.server, case.site.user("phone"), "tcp")).sign_in(),
            case.own(LyncClient(case.site.server, case.site.user("lync"))).sign_in())


def for_lync(message):
    text = message.body.decode()
    check("a=ice-ufrag:" in text and "a=crypto:1 " in text, f"for a Lync client: {text}")


def for_phone(message):
    text = message.body.decode()
    check("a=x-lync:1" in text and "RTP/AVP 0" in text, f"for a phone: {text}")
    check(not any(word in text for word in ("ice-", "candidate", KEY)), f"{text}")


def call(a, b):
    """The phone calls; both dialogs."""
    m = a.send(a.invite(b.user.uri))
    got = b.expect_request("INVITE")
    for_lync(got)
    sent = b.answer(got, 200, headers=SDP, body=lync_sdp(b.ip))
    answer = a.expect_answer(m)
    check_eq(answer.code, 200, "INVITE")
    for_phone(answer)
    dialog = a.confirm(m, answer)
    b.expect_request("ACK")
    return dialog, Dialog.of_callee(got, sent)


def ends(a, dialog, b):
    bye = a.send(a.make("BYE", None, dialog=dialog))
    b.answer(b.expect_request("BYE"), 200)
    check_eq(a.expect_answer(bye).code, 200, "BYE")


@tap.test
def a_phone_calls_a_lync_client(case):
    a, b = pair(case)
    dialog, _ = call(a, b)
    ends(a, dialog, b)


@tap.test
def a_lync_client_calls_a_phone_which_offers_anew(case):
    b, a = pair(case)
    m = a.send(a.make("INVITE", b.user.uri, headers=SDP, body=lync_sdp(a.ip)))
    got = b.expect_request("INVITE")
    for_phone(got)
    sent = b.answer(got, 200, headers=SDP, body=sdp(b.ip, 40000))
    answer = a.expect_answer(m)
    check_eq(answer.code, 200, "INVITE")
    for_lync(answer)
    a.confirm(m, answer)
    b.expect_request("ACK")
    theirs = Dialog.of_callee(got, sent)
    again = b.send(b.make("INVITE", None, dialog=theirs, headers=SDP, body=sdp(b.ip, 40000)))
    got = a.expect_request("INVITE")
    for_lync(got)
    a.answer(got, 200, headers=SDP, body=lync_sdp(a.ip))
    answer = b.expect_answer(again)
    check_eq(answer.code, 200, "the second INVITE")
    for_phone(answer)
    b.send(b.make("ACK", None, dialog=theirs, cseq=again.cseq[0]))
    a.expect_request("ACK")
    ends(b, theirs, a)


def kill_bridges(case):
    """All processes of the media bridge are others."""
    server = case.site.server

    def pids():
        return {r["pid"] for r in server.roles() if r["role"] == "media-bridge"}
    old = {server.kill_role("media-bridge", n + 1) for n in range(server.bridges)}
    wait_for(lambda: len(pids()) == server.bridges and 0 not in pids() and not pids() & old,
             "the media bridge to be started again")


@tap.test(alone=True)
def a_call_whose_bridge_was_killed_can_only_be_ended(case):
    a, b = pair(case)
    dialog, _ = call(a, b)
    kill_bridges(case)
    m = a.send(a.make("INVITE", None, dialog=dialog, headers=SDP, body=sdp(a.ip, 40000)))
    check(a.expect_answer(m).code in (481, 503), "an offer in a call that is not known any more")
    check_eq(sum(r.method == "INVITE" for r in b.all), 1, "INVITEs at the other end")
    ends(a, dialog, b)


@tap.test(alone=True)
def a_call_that_rings_when_the_bridge_is_killed_is_refused_and_the_next_one_is_not(case):
    a, b = pair(case)
    m = a.send(a.invite(b.user.uri))
    b.answer(b.expect_request("INVITE"), 180)
    kill_bridges(case)
    answer = a.expect_answer(m)
    check(answer.code >= 400, "the call that rang")
    a.ack(m, answer)

    def answered():
        again = a.send(a.invite(b.user.uri))
        b.answer(b.expect_request("INVITE"), 486)
        answer = a.expect_answer(again)
        a.ack(again, answer)
        return answer.code == 486
    wait_for(answered, "the next call to ring")


if __name__ == "__main__":
    tap.main(site.make)
