#!/usr/bin/python3
"""What messages hold, between Lync clients and SIP phones: HTML, alternatives, envelopes with
notifications of delivery (RFC 3862, RFC 5438), typing (RFC 3994)."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.im import (TYPING, History, accept, lync, open_session, page, phone, said, say,  # noqa: E402
                    take)
from lib.tap import check, check_eq  # noqa: E402

COMPOSING = ('<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>{}</state>'
             '<refresh>{}</refresh></isComposing>')
MULTIPART = ("--b\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\nplain\r\n"
             "--b\r\nContent-Type: text/html\r\n\r\n<b>bold</b>\r\n--b--\r\n")


def envelope(a, b, text, wants="positive-delivery", kind="text/plain", number="id-1"):
    return (f"From: <{a.user.uri}>\r\nTo: <{b.user.uri}>\r\nDateTime: 2026-01-02T03:04:05Z\r\n"
            f"NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: {number}\r\n"
            + (f"imdn.Disposition-Notification: {wants}\r\n" if wants else "")
            + f"\r\nContent-Type: {kind}\r\n\r\n{text}")


def info(a, dialog, status):
    return a.send(a.make("INFO", None, dialog=dialog, body=TYPING.format(status),
                         headers=[("Content-Type", "application/xml")]))


def from_phone(case):
    """A phone and a Lync client that talk, begun by the phone; and the client's dialog."""
    a, b = phone(case), lync(case)
    m = page(a, b.user.uri, "hello")
    _, dialog = accept(b)
    said(a, m, b)
    return a, b, dialog


@tap.test
def html_is_text_on_a_phone(case):
    a, b = lync(case), phone(case)
    dialog = open_session(a, b.user.uri)
    html = ('<DIV style="color:red">1 &lt; 2 &euro;</DIV><script>x</script>'
            '<a href="https://example.test/">here</a>')
    got = said(a, say(a, dialog, html, "text/html; charset=UTF-8"), b)
    check_eq(got.body.decode(), "1 < 2 €\nhere (https://example.test/)", "text")
    check(got.get("Content-Type").startswith("text/plain"), got.get("Content-Type"))
    got = said(a, say(a, dialog, MULTIPART, "multipart/alternative;boundary=b"), b)
    check_eq(got.body, b"plain", "of an alternative")
    check_eq(History(phone(case, b.user), since="0").texts(2)[1], "plain", "what is remembered")
    a.check_signed()


@tap.test
def an_envelope_is_opened_for_a_lync_client_and_delivery_is_told(case):
    a, b = phone(case), lync(case)
    m = page(a, b.user.uri, envelope(a, b, "hello"), "message/cpim")
    _, dialog = accept(b)
    got = said(a, m, b)
    check_eq(got.body, b"hello", "text")
    check(got.get("Content-Type").startswith("text/plain"), got.get("Content-Type"))
    notice = take(a)
    check_eq(notice.get("Content-Type"), "message/cpim", "notice")
    text = notice.body.decode()
    for part in ("<message-id>id-1</message-id>", "<delivered/>", "message/imdn+xml",
                 f"From: <{b.user.uri}>", "notification"):
        check(part in text, text)
    # Who does not ask is not told; the answer comes in an envelope, too.
    said(a, page(a, b.user.uri, envelope(a, b, "quiet", None), "message/cpim"), b)
    m = say(b, dialog, "answer")
    got = a.expect_request("MESSAGE")
    check_eq(got.get("Content-Type"), "message/cpim", "the answer")
    check(got.body.endswith(b"answer"), got.body)
    number = got.body.decode().split("imdn.Message-ID: ")[1].split("\r\n")[0]
    a.answer(got, 200)
    ok = b.expect_answer(m)
    check_eq((ok.code, ok.get("Message-Id")), (200, number), "the client's answer")
    # The phone could not show it.
    imdn = ('<imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>' + number + '</message-id>'
            '<delivery-notification><status><{}/></status></delivery-notification></imdn>')
    for status in ("delivered", "failed"):
        m = page(a, b.user.uri, envelope(a, b, imdn.format(status), None, "message/imdn+xml"),
                 "message/cpim")
        check_eq(a.expect_answer(m).code, 200, status)
    told = b.expect_request("NOTIFY")
    b.answer(told, 200)
    check_eq(told.get("Content-Type"), "application/ms-imdn+xml", "Content-Type")
    check_eq(told.get("Call-ID"), dialog.call_id, "Call-ID")
    check(f"<message-id>{number}</message-id>" in told.body.decode() and
          "<status>500</status>" in told.body.decode(), told.body)
    check_eq(len([x for x in b.all if x.method == "NOTIFY"]), 1, "of delivery nothing is told")
    b.check_signed()


@tap.test
def envelopes_pass_between_phones_as_they_are(case):
    a, b = phone(case), phone(case)
    body = envelope(a, b, "hello")
    got = said(a, page(a, b.user.uri, body, "message/cpim"), b)
    check_eq(got.body.decode(), body, "body")
    check_eq(History(phone(case, a.user), since="0").texts(1), ["hello"], "what is remembered")


@tap.test
def a_notice_is_kept_for_who_has_gone_and_not_remembered(case):
    a, b = phone(case), phone(case)
    imdn = ('<imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>1</message-id>'
            '<display-notification><status><displayed/></status></display-notification></imdn>')
    user = a.user
    a.sign_off()
    m = page(b, user.uri, envelope(b, a, imdn, None, "message/imdn+xml"), "message/cpim")
    check_eq(b.expect_answer(m).code, 202, "MESSAGE")
    a = phone(case, user)
    check(b"<displayed/>" in take(a).body, "the notice")
    check_eq(History(a, since="0").follow()["messages"], [], "what is remembered")


@tap.test
def a_phones_typing_is_said_again_to_the_client_until_it_ends(case):
    a, b, _ = from_phone(case)
    m = page(a, b.user.uri, COMPOSING.format("active", 7), "application/im-iscomposing+xml")
    for status in ("type", "type", "idle"):
        got = b.expect_request("INFO")
        check(f'status="{status}"' in got.body.decode(), f"{status}: {got.body}")
        b.answer(got, 200)
    check_eq(a.expect_answer(m).code, 200, "MESSAGE")
    m = page(a, b.user.uri, COMPOSING.format("active", 60), "application/im-iscomposing+xml")
    b.answer(b.expect_request("INFO"), 200)
    m = page(a, b.user.uri, COMPOSING.format("idle", 60), "application/im-iscomposing+xml")
    got = b.expect_request("INFO")
    b.answer(got, 200)
    check(b'status="idle"' in got.body, got.body)
    check_eq(a.expect_answer(m).code, 200, "MESSAGE")
    b.check_signed()


@tap.test
def a_clients_typing_is_said_once_to_the_phone_and_its_end(case):
    a, b, dialog = from_phone(case)
    for _ in range(3):
        check_eq(b.expect_answer(info(b, dialog, "type")).code, 200, "INFO")
    got = take(a)
    check(b"<state>active</state>" in got.body and b"<refresh>" in got.body, got.body)
    check_eq(b.expect_answer(info(b, dialog, "idle")).code, 200, "INFO")
    check(b"<state>idle</state>" in take(a).body, "the end")
    # Quiet for long enough.
    check_eq(b.expect_answer(info(b, dialog, "type")).code, 200, "INFO")
    check(b"<state>active</state>" in take(a).body, "again")
    check(b"<state>idle</state>" in take(a).body, "the end, of itself")
    # A text ends it, too.
    check_eq(b.expect_answer(info(b, dialog, "type")).code, 200, "INFO")
    check(b"<state>active</state>" in take(a).body, "again")
    m = say(b, dialog, "text")
    check_eq(take(a).body, b"text", "text")
    check_eq(b.expect_answer(m).code, 200, "MESSAGE")
    check_eq(b.expect_answer(info(b, dialog, "idle")).code, 200, "INFO")
    m = say(b, dialog, "last")
    check_eq(take(a).body, b"last", "nothing between the two")


if __name__ == "__main__":
    tap.main(site.make)
