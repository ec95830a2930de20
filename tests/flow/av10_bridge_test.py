#!/usr/bin/python3
"""Poster rows EV-01 and AV-10: calls between Lync clients and SIP phones through the media bridge, as
their signalling sees it.  (Sound with real clients: tests/interop/sipe_phone_test.py.)"""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.lync import LyncClient  # noqa: E402
from lib.netns import SERVER_IP  # noqa: E402
from lib.siptext import Dialog, Phone  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402

SDP = [("Content-Type", "application/sdp")]
ICE = ("a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
       "a=candidate:1 1 UDP 2028994815 10.77.0.9 40000 typ host\r\n"
       "a=candidate:1 2 UDP 2028994814 10.77.0.9 40001 typ host\r\n")
KEY = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + 40 * "A"
LYNC_KEY = KEY + "|2^31\r\n"
OUR_KEY = r"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:[A-Za-z0-9+/]{40}"


def lync(case, user=None):
    return case.own(LyncClient(case.site.server, user or case.site.user("lync"))).sign_in()


def phone(case, user=None):
    return case.own(Phone(case.site.server, user or case.site.user("phone"), "tcp")).sign_in()


def audio(more="", proto="RTP/AVP", media="audio"):
    return (f"v=0\r\no=- 1 1 IN IP4 {SERVER_IP}\r\ns=-\r\nc=IN IP4 {SERVER_IP}\r\nt=0 0\r\n"
            f"m={media} 40000 {proto} 0\r\n{more}")


def call(a, uri, body):
    return a.send(a.make("INVITE", uri, body=body, headers=SDP))


def refused(a, m, code, said):
    answer = a.expect_answer(m)
    a.ack(m, answer)
    check_eq(answer.code, code, said)
    check(said in answer.get("ms-diagnostics", ""), f"{answer.headers}")
    return answer


def is_for_phone(body, proto="RTP/AVP"):
    text = body.decode()
    check(re.search(rf"m=audio (\d+) {proto} 0\r\n", text) and f"c=IN IP4 {SERVER_IP}" in text, text)
    check("candidate" not in text and "ice-" not in text and "2^31" not in text, text)


def is_for_lync(body, keyed=True):
    text = body.decode()
    check(re.search(rf"a=candidate:1 1 UDP \d+ {SERVER_IP} \d+ typ host\r\n", text) and
          re.search(rf"a=candidate:1 2 UDP \d+ {SERVER_IP} \d+ typ host\r\n", text), text)
    check("a=ice-ufrag:" in text and "a=ice-pwd:" in text and "a=rtpmap:0 PCMU/8000" in text, text)
    check_eq(bool(re.search(OUR_KEY + r"\|2\^31\r\n", text)), keyed, text)


def bridged(case, id_=None):
    return [c for c in case.site.server.json("bridge", "list") if not id_ or c["call"] == id_]


def talk(a, b, offer, answer):
    """a calls b: (dialog of a, dialog of b, what b was offered, what a was answered)."""
    m = call(a, b.user.uri, offer)
    got = b.expect_request("INVITE")
    said = b.answer(got, 200, body=answer, headers=SDP)
    heard = a.expect_answer(m)
    check_eq(heard.code, 200, "INVITE")
    there = a.confirm(m, heard)
    b.expect_request("ACK")
    return there, Dialog.of_callee(got, said), got, heard


@tap.test
def a_lync_client_calls_a_phone_and_each_reads_its_own_dialect(case):
    a, b = lync(case), phone(case)
    there, back, got, heard = talk(a, b, audio(ICE + LYNC_KEY), audio())
    is_for_phone(got.body)
    check(re.search(OUR_KEY + "\r\n", got.body.decode()), "a key is offered beside RTP")
    is_for_lync(heard.body)
    check(bridged(case, got.get("Call-ID")), "bridge list")
    story = case.site.server.tool("explain", a.user.name, b.user.name)
    check("a call between a Lync client and another device passes the media bridge" in story, story)
    # The phone holds; the client knows held and not held.
    m = b.send(b.make("INVITE", None, dialog=back, body=audio("a=sendonly\r\n"), headers=SDP))
    again = a.expect_request("INVITE")
    check("a=inactive\r\n" in again.body.decode(), again.body)
    a.answer(again, 200, body=audio(ICE + LYNC_KEY + "a=inactive\r\n", "RTP/SAVP"), headers=SDP)
    answer = b.expect_answer(m)
    check_eq(answer.code, 200, "hold")
    is_for_phone(answer.body)
    b.confirm(m, answer)
    m = a.send(a.make("BYE", None, dialog=there))
    b.answer(b.expect_request("BYE"), 200)
    check_eq(a.expect_answer(m).code, 200, "BYE")
    wait_for(lambda: not bridged(case, got.get("Call-ID")), "the bridge to let go of the call")
    a.check_signed()


@tap.test
def a_phone_calls_a_lync_client_and_each_reads_its_own_dialect(case):
    a, b = phone(case), lync(case)
    _, _, got, heard = talk(a, b, audio(), audio(ICE + LYNC_KEY, "RTP/SAVP"))
    is_for_lync(got.body)
    is_for_phone(heard.body)
    check("crypto" not in heard.body.decode(), "a phone that offered no key is answered none")
    b.check_signed()


@tap.test
def the_bridge_lets_go_of_a_call_whose_other_end_is_gone(case):
    a, b = lync(case), phone(case)
    there, back, got, _ = talk(a, b, audio(ICE + LYNC_KEY), audio())
    a.stop()
    m = b.send(b.make("BYE", None, dialog=back))
    check_eq(b.expect_answer(m).code, 480, "BYE")
    wait_for(lambda: not bridged(case, got.get("Call-ID")), "the bridge to let go of the call")


@tap.test
def the_bridge_lets_go_of_a_call_whose_other_end_has_signed_off(case):
    a, b = phone(case), lync(case)
    there, _, got, _ = talk(a, b, audio(), audio(ICE + LYNC_KEY, "RTP/SAVP"))
    b.sign_off()
    b.stop()
    m = a.send(a.make("BYE", None, dialog=there))
    check_eq(a.expect_answer(m).code, 480, "BYE")
    wait_for(lambda: not bridged(case, got.get("Call-ID")), "the bridge to let go of the call")


@tap.test
def a_call_whose_phone_was_lost_ends_with_the_clients_bye(case):
    a, b = lync(case), phone(case)
    there, _, got, _ = talk(a, b, audio(ICE + LYNC_KEY), audio())
    b.stop()
    m = a.send(a.make("BYE", None, dialog=there))
    check_eq(a.expect_answer(m).code, 480, "BYE")
    wait_for(lambda: not bridged(case, got.get("Call-ID")), "the bridge to let go of the call")


@tap.test
def a_call_whose_checks_do_not_arrive_is_shown(case):
    a, b = lync(case), phone(case)
    _, _, got, _ = talk(a, b, audio(ICE + LYNC_KEY), audio())
    check_eq([c["state"] for c in bridged(case, got.get("Call-ID"))],
             ["no way to the Lync client"], "bridge list")
    wait_for(lambda: re.search("bridged-call-silent .*" + re.escape(got.get("Call-ID")),
                               case.site.server.p.text()), "a warning")


@tap.test
def a_phone_with_a_key_gets_one(case):
    a, b = phone(case), lync(case)
    keys = KEY.replace("SHA1_80", "SHA1_80 ").replace("  ", " ") + "|2^20|1:4\r\n" + \
        KEY.replace("crypto:1", "crypto:7") + "\r\n"
    _, _, _, heard = talk(a, b, audio(keys, "RTP/SAVP"), audio(ICE + LYNC_KEY, "RTP/SAVP"))
    is_for_phone(heard.body, "RTP/SAVP")
    check(re.search(OUR_KEY.replace("crypto:1", "crypto:7"), heard.body.decode()),
          f"the key without MKI is answered: {heard.body}")


@tap.test
def a_phone_that_refuses_rtp_is_offered_srtp_alone(case):
    a, b = lync(case), phone(case)
    m = call(a, b.user.uri, audio(ICE + LYNC_KEY))
    first = b.expect_request("INVITE")
    b.answer(first, 488)
    second = b.expect(lambda x: x.method == "INVITE" and "RTP/SAVP" in x.body.decode(),
                      "an INVITE with SRTP alone")
    is_for_phone(second.body, "RTP/SAVP")
    b.answer(second, 488)
    answer = a.expect_answer(m)
    a.ack(m, answer)
    check_eq(answer.code, 488, "INVITE")
    check("60040" in answer.get("ms-diagnostics", ""), f"{answer.headers}")
    check(not bridged(case, first.get("Call-ID")), "nothing is left")


@tap.test
def what_the_bridge_cannot_carry_is_refused_with_the_reason(case):
    a, b = phone(case), lync(case)
    dtls = ("a=fingerprint:sha-256 " + ":".join(32 * ["AA"]) + "\r\na=setup:actpass\r\n")
    for body, said in ((audio(dtls, "UDP/TLS/RTP/SAVPF"), "does not speak"),
                       (audio("", "RTP/SAVP"), "does not speak"),
                       (audio(media="video"), "carries sound alone")):
        answer = refused(a, call(a, b.user.uri, body), 488, said)
        check(not answer.get("ms-client-diagnostics"), "that line is for Lync clients alone")
    answer = refused(b, call(b, a.user.uri, audio()), 488, "does not speak")
    check("52017" in answer.get("ms-client-diagnostics", ""), f"{answer.headers}")
    b.check_signed()


@tap.test
def an_answer_without_ice_ends_the_call(case):
    a, b = phone(case), lync(case)
    m = call(a, b.user.uri, audio())
    b.answer(b.expect_request("INVITE"), 200, body=audio(), headers=SDP)
    b.expect_request("ACK")
    b.answer(b.expect_request("BYE"), 200)
    refused(a, m, 488, "does not speak")


@tap.test
def a_client_that_gives_up_without_a_tag_ends_the_ringing(case):
    a, b = lync(case), phone(case)
    m = call(a, b.user.uri, audio(ICE + LYNC_KEY))
    got = b.expect_request("INVITE")
    b.answer(got, 180)
    a.expect_answer(m, provisional=True)
    bye = a.make("BYE", b.user.uri)
    for name in ("From", "Call-ID"):
        bye.set(name, m.get(name))
    bye = a.send(bye)
    b.answer(b.expect_request("CANCEL"), 200)
    b.answer(got, 487)
    check_eq(a.expect_answer(bye).code, 200, "BYE")
    check_eq(a.expect_answer(m).code, 487, "INVITE")
    wait_for(lambda: not bridged(case, got.get("Call-ID")), "the bridge to let go of the call")


@tap.test
def nobody_else_can_end_the_ringing(case):
    a, b, c = lync(case), phone(case), phone(case)
    m = call(a, b.user.uri, audio(ICE + LYNC_KEY))
    got = b.expect_request("INVITE")
    bye = c.make("BYE", b.user.uri)
    bye.set("Call-ID", m.get("Call-ID"))
    bye = c.send(bye)
    b.answer(b.expect_request("BYE"), 481)
    check_eq(c.expect_answer(bye).code, 481, "BYE")
    b.answer(got, 200, body=audio(), headers=SDP)
    check_eq(a.expect_answer(m).code, 200, "INVITE")
    check(not b.has(lambda x: x.method == "CANCEL"), "it went on ringing")


@tap.test
def every_device_of_a_user_gets_its_own_description(case):
    a, bob = phone(case), case.site.user("bob")
    b, c = lync(case, bob), phone(case, bob)
    m = call(a, bob.uri, audio())
    ringing = b.expect_request("INVITE")
    is_for_lync(ringing.body)
    b.answer(ringing, 180)
    a.expect_answer(m, provisional=True)
    got = c.expect_request("INVITE")
    check_eq(got.body.decode(), audio(), "the phone's comes as it was sent")
    c.answer(got, 200, body=audio(), headers=SDP)
    b.answer(b.expect_request("CANCEL"), 200)
    check_eq(a.expect_answer(m).code, 200, "INVITE")


@tap.test(alone=True)
def a_description_for_a_call_whose_bridge_was_restarted_gets_481_and_bye_passes(case):
    a, b = lync(case), phone(case)
    there, back, _, _ = talk(a, b, audio(ICE + LYNC_KEY), audio())
    for number in range(1, case.site.server.bridges + 1):
        case.site.server.kill_role("media-bridge", number)
    wait_for(lambda: all(r["state"] == "running" for r in case.site.server.roles()),
             "running roles")
    m = b.send(b.make("INVITE", None, dialog=back, body=audio(), headers=SDP))
    answer = b.expect_answer(m)
    b.ack(m, answer)
    check_eq(answer.code, 481, "INVITE")
    m = a.send(a.make("BYE", None, dialog=there))
    b.answer(b.expect_request("BYE"), 200)
    check_eq(a.expect_answer(m).code, 200, "BYE")


if __name__ == "__main__":
    tap.main(site.make)
