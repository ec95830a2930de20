#!/usr/bin/python3
"""Poster row IM-01: instant messages between Lync clients, which hold sessions, and SIP phones,
which send single messages; and what a Lync client subscribes to when it signs in."""
import base64
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.lync import LyncClient  # noqa: E402
from lib.siptext import Dialog, Phone, uri_in  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402

IM_SDP = ("v=0\r\no=- 0 0 IN IP4 192.0.2.9\r\ns=session\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
          "m=message 5061 sip null\r\na=accept-types:text/plain text/html\r\n")
TYPING = ('<?xml version="1.0"?><KeyboardActivity> <status status="type" /></KeyboardActivity>')


def lync(case, user=None, **kw):
    return case.own(LyncClient(case.site.server, user or case.site.user("lync"), **kw)).sign_in()


def phone(case, user=None, transport="tcp"):
    return case.own(Phone(case.site.server, user or case.site.user("phone"), transport)).sign_in()


def invite(a, uri):
    return a.send(a.make("INVITE", uri, body=IM_SDP, headers=[
        ("Content-Type", "application/sdp"), ("Ms-Conversation-ID", "x1")]))


def accept(b, ack=True):
    """Takes up the session that is offered; (INVITE, dialog of the callee)."""
    m = b.expect_request("INVITE")
    answer = b.answer(m, 200, body=IM_SDP, headers=[("Content-Type", "application/sdp")])
    if ack:
        b.expect_request("ACK")
    return m, Dialog.of_callee(m, answer)


def open_session(a, uri):
    m = invite(a, uri)
    answer = a.expect_answer(m)
    check_eq(answer.code, 200, "INVITE")
    return a.confirm(m, answer)


def say(a, dialog, text, kind="text/plain; charset=UTF-8"):
    return a.send(a.make("MESSAGE", None, dialog=dialog, body=text,
                         headers=[("Content-Type", kind)]))


@tap.test
def the_text_of_an_invite_comes_as_a_message_alone(case):
    """Else neither the filters nor the history would see it."""
    a, b = lync(case), lync(case)
    coded = base64.b64encode(b"the first one").decode()
    m = a.send(a.make("INVITE", b.user.uri, body=IM_SDP, headers=[
        ("Content-Type", "application/sdp"), ("Supported", "ms-delayed-accept"),
        ("ms-text-format", f"text/plain; charset=UTF-8;ms-body={coded}")]))
    got = b.expect_request("INVITE")
    check_eq((got.get("ms-text-format"), got.get("Supported")), (None, "ms-delayed-accept"),
             "what the other gets")
    b.answer(got, 200, body=IM_SDP, headers=[
        ("Content-Type", "application/sdp"), ("Supported", "100rel, ms-text-format"),
        ("Supported", "timer")])
    answer = a.expect_answer(m)
    check_eq((answer.code, answer.all("Supported")), (200, ["100rel, timer"]), "the answer")
    there = a.confirm(m, answer)
    b.expect_request("ACK")
    sent = say(a, there, "the first one")
    b.answer(b.expect_request("MESSAGE"), 200)
    check_eq(a.expect_answer(sent).code, 200, "the text as a message")


@tap.test
def an_answer_with_many_options_stays_whole_without_that_of_the_text(case):
    """Its lines are written anew: none may be cut, or what follows would be read as another one."""
    a, b = lync(case), lync(case)
    many = [f"x-option-of-a-client-{i}" for i in range(150)]
    m = invite(a, b.user.uri)
    got = b.expect_request("INVITE")
    answer = b.answer(got, 200, body=IM_SDP, headers=[
        ("Content-Type", "application/sdp"), ("Supported", ", ".join(many[:75])),
        ("Supported", "ms-text-format"), *(("Supported", o) for o in many[75:])])
    heard = a.expect_answer(m)
    check_eq((heard.code, heard.body.decode()), (200, IM_SDP), "the answer")
    check_eq(", ".join(heard.all("Supported")).split(", "), many, "the options")
    there = a.confirm(m, heard)
    b.expect_request("ACK")
    sent = say(a, there, "after that")
    b.answer(b.expect_request("MESSAGE"), 200)
    check_eq(a.expect_answer(sent).code, 200, "MESSAGE")
    back = say(b, Dialog.of_callee(got, answer), "and back")
    a.answer(a.expect_request("MESSAGE"), 200)
    check_eq(b.expect_answer(back).code, 200, "MESSAGE of the callee")


@tap.test
def two_lync_clients_hold_a_session(case):
    a, b = lync(case), lync(case)
    m = invite(a, b.user.uri)
    got, back = accept(b, ack=False)
    check_eq(got.get("Ms-Conversation-ID"), "x1", "Ms-Conversation-ID")
    answer = a.expect_answer(m)
    check(not answer.get("Authorization"), "the callee's signature stays at its hop")
    there = a.confirm(m, answer)
    b.expect_request("ACK")
    for sender, receiver, dialog in ((a, b, there), (b, a, back)):
        m = say(sender, dialog, "hello")
        receiver.answer(receiver.expect_request("MESSAGE"), 200)
        check_eq(sender.expect_answer(m).code, 200, "MESSAGE")
    m = a.send(a.make("INFO", None, dialog=there, body=TYPING,
                      headers=[("Content-Type", "application/xml")]))
    b.answer(b.expect_request("INFO"), 200)
    check_eq(a.expect_answer(m).code, 200, "INFO")
    m = a.send(a.make("BYE", None, dialog=there))
    b.answer(b.expect_request("BYE"), 200)
    check_eq(a.expect_answer(m).code, 200, "BYE")
    a.check_signed()
    b.check_signed()


@tap.test
def a_session_is_offered_to_every_client_of_the_user_and_one_takes_it(case):
    user = case.site.user("two")
    a, one, two = lync(case), lync(case, user), lync(case, user)
    m = invite(a, user.uri)
    waiting = two.expect_request("INVITE")
    two.answer(waiting, 180)
    accept(one, ack=False)
    two.answer(two.expect_request("CANCEL"), 200)
    two.answer(waiting, 487)
    a.confirm(m, a.expect_answer(m))
    one.expect_request("ACK")


@tap.test
def unknown_and_signed_out_users_are_told_apart_with_a_reason(case):
    a = lync(case)
    for uri, code, number in (("sip:nobody@example.test", 404, "4005"),
                              (case.site.user("out").uri, 480, "60032"),
                              ("sip:ocschat@example.test", 404, "4005")):
        answer = a.expect_answer(invite(a, uri))
        check_eq(answer.code, code, uri)
        check(answer.get("ms-diagnostics", "").startswith(number), f"{answer.headers}")
    a.check_signed()


@tap.test
def what_a_client_asks_for_in_vain_at_each_sign_in_is_not_logged_at_info(case):
    a, mark = lync(case), case.site.server.p.mark()
    service = a.send(a.make("SERVICE", a.user.uri, body="<x/>", headers=[
        ("Content-Type", "application/msrtc-media-relay-auth+xml")]))
    check_eq(a.expect_answer(service).code, 501, "SERVICE")
    for name in ("ocschat", "nobody"):
        check_eq(a.expect_answer(invite(a, f"sip:{name}@example.test")).code, 404, name)
    case.site.server.p.wait_text("event=request-refused method=INVITE", after=mark)
    mine = [x for x in case.site.server.p.text_after(mark).splitlines()
            if "request-refused" in x and f"from=\"<{a.user.uri}>" in x]
    check(len(mine) == 1 and "sip:nobody@" in mine[0], f"{mine}")


@tap.test
def a_message_from_a_phone_opens_a_session_with_the_lync_client(case):
    a, b = phone(case), lync(case)
    m = a.send(a.make("MESSAGE", b.user.uri, body="hello", headers=[("Content-Type", "text/plain")]))
    got, dialog = accept(b)
    check(a.user.uri in got.get("From"), "the INVITE is from the phone's user")
    check("m=message" in got.body.decode(), "the offer")
    text = b.expect_request("MESSAGE")
    check_eq(text.body, b"hello", "text")
    check_eq(text.get("Call-ID"), got.get("Call-ID"), "inside the session")
    b.answer(text, 200)
    check_eq(a.expect_answer(m).code, 200, "the phone's MESSAGE")
    # The second goes into the same session; the answer comes back as a single message.
    m = a.send(a.make("MESSAGE", b.user.uri, body="more", headers=[("Content-Type", "text/plain")]))
    b.answer(b.expect_request("MESSAGE"), 200)
    check_eq(a.expect_answer(m).code, 200, "the second")
    m = say(b, dialog, "<b>1 &lt; 2</b>", "text/html; charset=UTF-8")
    text = a.expect_request("MESSAGE")
    check_eq(text.body, b"1 < 2", "the answer as plain text")
    check(b.user.uri in text.get("From") and not text.tag("To"), f"{text.headers}")
    a.answer(text, 200)
    check_eq(b.expect_answer(m).code, 200, "the client's MESSAGE")
    b.send(b.make("BYE", None, dialog=dialog))
    b.check_signed()


@tap.test
def a_lync_client_writes_to_a_user_with_phones_alone(case):
    a, b = lync(case), phone(case)
    dialog = open_session(a, b.user.uri)
    m = say(a, dialog, "hello")
    text = b.expect_request("MESSAGE")
    check_eq(text.body, b"hello", "text")
    b.answer(text, 200)
    check_eq(a.expect_answer(m).code, 200, "MESSAGE")
    m = a.send(a.make("INFO", None, dialog=dialog, body=TYPING,
                      headers=[("Content-Type", "application/xml")]))
    hint = b.expect_request("MESSAGE")
    check_eq(hint.get("Content-Type"), "application/im-iscomposing+xml", "typing")
    b.answer(hint, 200)
    check_eq(a.expect_answer(m).code, 200, "INFO")
    m = say(a, dialog, "refused")
    b.answer(b.expect_request("MESSAGE"), 486)
    check_eq(a.expect_answer(m).code, 486, "what the phone says")
    m = a.send(a.make("BYE", None, dialog=dialog))
    check_eq(a.expect_answer(m).code, 200, "BYE")
    check_eq(a.expect_answer(say(a, dialog, "late")).code, 481, "after the end")
    a.check_signed()


@tap.test
def a_user_with_both_gets_a_phones_message_on_both(case):
    user = case.site.user("both")
    a, b, c = phone(case), phone(case, user), lync(case, user)
    m = a.send(a.make("MESSAGE", user.uri, body="hi", headers=[("Content-Type", "text/plain")]))
    accept(c)
    c.answer(c.expect_request("MESSAGE"), 200)
    b.answer(b.expect_request("MESSAGE"), 200)
    check_eq(a.expect_answer(m).code, 200, "MESSAGE")
    # A session of another Lync client goes to the one that holds sessions.
    d = lync(case)
    m = invite(d, user.uri)
    accept(c, ack=False)
    check_eq(d.expect_answer(m).code, 200, "INVITE")
    check(not b.has(lambda x: x.method == "INVITE"), "the phone is not bothered")


@tap.test
def a_client_that_declines_is_reported_to_the_phone(case):
    a, b = phone(case), lync(case)
    m = a.send(a.make("MESSAGE", b.user.uri, body="hello", headers=[("Content-Type", "text/plain")]))
    b.answer(b.expect_request("INVITE"), 486)
    check_eq(a.expect_answer(m).code, 486, "MESSAGE")


@tap.test
def a_session_that_the_client_forgot_is_opened_anew(case):
    a, b = phone(case), lync(case)
    m = a.send(a.make("MESSAGE", b.user.uri, body="1", headers=[("Content-Type", "text/plain")]))
    accept(b)
    b.answer(b.expect_request("MESSAGE"), 200)
    a.expect_answer(m)
    m = a.send(a.make("MESSAGE", b.user.uri, body="2", headers=[("Content-Type", "text/plain")]))
    b.answer(b.expect_request("MESSAGE"), 481)
    accept(b)
    text = b.expect_request("MESSAGE")
    check_eq(text.body, b"2", "the message once more")
    b.answer(text, 200)
    check_eq(a.expect_answer(m).code, 200, "the phone hears of one delivery")


@tap.test
def what_no_phone_understands_is_refused_with_a_reason(case):
    a, b = lync(case), phone(case)
    dialog = open_session(a, b.user.uri)
    m = a.send(a.make("MESSAGE", None, dialog=dialog, body="Application-Name: File Transfer\r\n",
                      headers=[("Content-Type", "text/x-msmsgsinvite; charset=UTF-8")]))
    answer = a.expect_answer(m)
    check_eq(answer.code, 415, "MESSAGE")
    check("60041" in answer.get("ms-diagnostics", ""), "reason")


@tap.test
def a_stranger_cannot_speak_in_a_session(case):
    a, b, c = lync(case), phone(case), phone(case)
    dialog = open_session(a, b.user.uri)
    forged = c.make("MESSAGE", None, dialog=dialog, body="forged",
                    headers=[("Content-Type", "text/plain")])
    forged.set("From", f"<{c.user.uri}>;tag=other").set("Route", None)
    check_eq(c.expect_answer(c.send(forged)).code, 481, "MESSAGE of a stranger")
    m = say(a, dialog, "true")
    text = b.expect_request("MESSAGE")
    check_eq(text.body, b"true", "what arrives")
    b.answer(text, 200)
    check_eq(a.expect_answer(m).code, 200, "MESSAGE")


@tap.test
def a_name_cannot_bring_another_address_with_it(case):
    a, b = phone(case), lync(case)
    m = a.make("MESSAGE", b.user.uri, body="x", headers=[("Content-Type", "text/plain")])
    m.set("From", 'a "<sip:boss@example.test>;x=" ' + m.get("From"))
    a.send(m)
    got = b.expect_request("INVITE")
    check("boss" not in got.get("From"), got.get("From"))


@tap.test
def what_a_client_says_to_its_own_address_does_not_come_back(case):
    user = case.site.user("self")
    a, b = phone(case, user), lync(case, user)
    m = a.send(a.make("MESSAGE", user.uri, body="note", headers=[("Content-Type", "text/plain")]))
    _, dialog = accept(b)
    b.answer(b.expect_request("MESSAGE"), 200)
    a.expect_answer(m)
    say(b, dialog, "answer")
    a.answer(a.expect_request("MESSAGE"), 200)
    m = a.send(a.make("MESSAGE", user.uri, body="last", headers=[("Content-Type", "text/plain")]))
    check_eq(b.expect_request("MESSAGE").body, b"last", "the next that comes")


FILE = ('<request xmlns="http://schemas.microsoft.com/rtc/2009/05/filetransfer" requestId="1">'
        '<publishFile><fileInfo><id>{00000000-0000-0000-0000-000000000001}</id><name>f.txt</name>'
        '<size>3</size></fileInfo></publishFile></request>')


@tap.test
def a_file_offered_in_the_newer_style_passes_untouched(case):
    """multipart/mixed with the file and its ICE-TCP description; then INFO inside the dialog."""
    a, b = lync(case), lync(case)
    body = ("--b\r\nContent-Type: application/ms-filetransfer+xml\r\n\r\n" + FILE + "\r\n\r\n"
            "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\no=- 0 0 IN IP4 10.77.0.9\r\n"
            "s=session\r\nt=0 0\r\nm=data 40000 TCP/RTP/AVP 127\r\na=rtpmap:127 X-DATA/90000\r\n"
            "\r\n--b--\r\n")
    m = a.send(a.make("INVITE", b.user.uri, body=body,
                      headers=[("Content-Type", "multipart/mixed;boundary=b")]))
    got = b.expect_request("INVITE")
    check_eq(got.body.decode(), body, "the offer")
    answer = b.answer(got, 200, body="v=0\r\n", headers=[("Content-Type", "application/sdp")])
    there = a.confirm(m, a.expect_answer(m))
    b.expect_request("ACK")
    for sender, receiver, dialog in ((b, a, Dialog.of_callee(got, answer)), (a, b, there)):
        m = sender.send(sender.make("INFO", None, dialog=dialog, body=FILE, headers=[
            ("Content-Type", "application/ms-filetransfer+xml")]))
        info = receiver.expect_request("INFO")
        check_eq(info.body.decode(), FILE, "INFO")
        receiver.answer(info, 200)
        check_eq(sender.expect_answer(m).code, 200, "INFO")
    a.check_signed()
    b.check_signed()


@tap.test
def typing_alone_opens_no_session(case):
    a, b = phone(case), lync(case)
    body = '<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>active</state></isComposing>'
    m = a.send(a.make("MESSAGE", b.user.uri, body=body,
                      headers=[("Content-Type", "application/im-iscomposing+xml")]))
    check_eq(a.expect_answer(m).code, 200, "MESSAGE")
    check(not b.has(lambda x: x.method == "INVITE"), "no session")


# Subscriptions.

def subscribe(a, event, headers=(), body=b"", to=None, dialog=None):
    m = a.make("SUBSCRIBE", to or (None if dialog else a.user.uri), body=body, dialog=dialog,
               headers=[("Event", event), ("Proxy-Require", "ms-benotify"),
                        ("Supported", "ms-benotify"), ("Supported", "ms-piggyback-first-notify"),
                        *headers])
    a.send(m)
    return m, a.expect_answer(m)


@tap.test
def the_contact_list_of_a_new_user_has_the_one_group(case):
    a = lync(case)
    _, answer = subscribe(a, "vnd-microsoft-roaming-contacts")
    check_eq(answer.code, 200, "SUBSCRIBE")
    check("active" in answer.get("subscription-state"), "state")
    check(answer.get("ms-piggyback-cseq"), "the state comes with the answer")
    check('<group id="1" name="~"' in answer.body.decode(), answer.body)
    check(int(answer.get("Expires")) > 0, "Expires")


@tap.test
def provisioning_is_given_once(case):
    a = lync(case)
    _, answer = subscribe(a, "vnd-microsoft-provisioning-v2", [("Expires", 0)])
    check_eq(answer.code, 200, "SUBSCRIBE")
    check("terminated" in answer.get("subscription-state"), "state")
    check("SupportEncryption" in answer.body.decode(), "settings")
    check(f"<focusFactoryUri>{a.user.uri};gruu;opaque=app:conf:focusfactory<" in
          answer.body.decode(), "where conferences are made")
    check("mediaRelay" not in answer.body.decode(), "nothing that is not there")


@tap.test
def the_subscription_to_the_own_data_can_be_ended(case):
    a = lync(case)
    m, answer = subscribe(a, "vnd-microsoft-roaming-self")
    check_eq(answer.code, 200, "SUBSCRIBE")
    check(b"<roamingData" in answer.body, "the own data")
    dialog = Dialog.of_caller(m, answer)
    _, answer = subscribe(a, "vnd-microsoft-roaming-self", [("Expires", 0)], dialog=dialog)
    check_eq(answer.code, 200, "the end")
    check("terminated" in answer.get("subscription-state"), "state")


@tap.test
def broken_lists_and_unknown_services_are_refused(case):
    a = lync(case)
    for body in ("<batchSub", "<x/>", "<!DOCTYPE x><batchSub/>"):
        _, answer = subscribe(a, "presence", [("Content-Type",
                                               "application/msrtc-adrl-categorylist+xml")], body)
        check_eq(answer.code, 400, body)
    _, answer = subscribe(a, "vnd-microsoft-unheard-of")
    check_eq(answer.code, 489, "unknown event")
    m = a.send(a.make("SERVICE", a.user.uri, body="<x/>",
                      headers=[("Content-Type", "application/msrtc-media-relay-auth+xml")]))
    answer = a.expect_answer(m)
    check_eq(answer.code, 501, "SERVICE")
    check(answer.get("ms-diagnostics"), "reason")
    a.check_signed()


if __name__ == "__main__":
    tap.main(site.make)
