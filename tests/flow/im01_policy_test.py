#!/usr/bin/python3
"""What an administrator decides about messages: for how long they are remembered, and kept for who is
not signed in, if at all; which links and files pass."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.im import (History, accept, between, lync, open_session, page, phone, said,  # noqa: E402
                    say, take)
from lib.tap import check, check_eq, wait_for  # noqa: E402


def settings(case, *lines):
    """From now on these are the settings."""
    case.site.server.settings["frontend"] = "\n".join(lines)
    case.site.server._write_config()
    case.site.server.reload()


def told(client):
    h = History(client, since="0")
    check_eq(h.answer.code, 200, "SUBSCRIBE")
    h.follow()
    return [m["text"] for m in h.messages]


@tap.test(alone=True)
def nothing_is_remembered_where_that_is_switched_off(case):
    settings(case, "history = no")
    a, b = phone(case), phone(case)
    said(a, page(a, b.user.uri, "unseen"), b)
    check_eq(History(a, since="0").answer.code, 489, "SUBSCRIBE")
    settings(case, "history = yes")
    check_eq(told(a), [], "what was said before")


@tap.test(alone=True)
def what_is_old_enough_is_forgotten(case):
    settings(case, "history-keep = 2 s")
    a, b = phone(case), phone(case)
    said(a, page(a, b.user.uri, "soon gone"), b)
    for one in (a, b):  # whose homes may be two processes
        wait_for(lambda one=one: told(phone(case, one.user)) == [], "the message to be forgotten")
    settings(case)


@tap.test(alone=True)
def nothing_is_kept_where_that_is_switched_off(case):
    settings(case, "keep-messages = no")
    a, user = phone(case), case.site.user("out")
    check_eq(a.expect_answer(page(a, user.uri, "x")).code, 480, "MESSAGE")
    settings(case)


@tap.test(alone=True)
def what_nobody_came_for_is_dropped(case):
    settings(case, "keep-messages-for = 3 s")
    a, user = phone(case), case.site.user("out")
    mark = case.site.server.p.mark()
    check_eq(a.expect_answer(page(a, user.uri, "late")).code, 202, "MESSAGE")
    case.site.server.p.wait_text("kept-messages-expired", after=mark)
    settings(case)
    check_eq(a.expect_answer(page(a, user.uri, "in time")).code, 202, "MESSAGE")
    check_eq(take(phone(case, user)).body, b"in time", "what comes")


def check_refused(answer, number):
    check_eq(answer.code, 606, answer.start)
    check(answer.get("Warning", "").startswith('309 lcs.microsoft.com "'), f"{answer.headers}")
    check(answer.get("ms-diagnostics", "").startswith(number), f"{answer.headers}")


@tap.test(alone=True)
def links_are_marked_wherever_they_are_said(case):
    settings(case, "im-links = warn")
    a, b, c, d = lync(case), lync(case), phone(case), phone(case)
    there, _ = between(a, b)
    check_eq(said(a, say(a, there, "see http://x.test"), b).body, b"see _http://x.test", "session")
    m = page(c, d.user.uri, "www.x.test")
    check_eq(said(c, m, d).body, b"_www.x.test", "pager")
    m = page(c, b.user.uri, "http://y.test")
    accept(b)
    check_eq(said(c, m, b).body, b"_http://y.test", "phone to client")
    to_phone = open_session(a, d.user.uri)
    check_eq(said(a, say(a, to_phone, "http://z.test"), d).body, b"_http://z.test", "to a phone")
    check_eq(told(phone(case, b.user)), ["see _http://x.test", "_http://y.test"], "remembered")
    user = case.site.user("out")
    check_eq(c.expect_answer(page(c, user.uri, "http://k.test")).code, 202, "kept")
    check_eq(take(phone(case, user)).body, b"_http://k.test", "kept")
    a.check_signed()
    b.check_signed()
    settings(case)


@tap.test(alone=True)
def links_are_blocked_with_a_reason(case):
    settings(case, "im-links = block", "im-link-prefixes = http: secret:")
    a, b, c, d = lync(case), lync(case), phone(case), phone(case)
    there, _ = between(a, b)
    check_refused(a.expect_answer(say(a, there, "http://x.test")), "60047")
    said(a, say(a, there, "ftp://x.test"), b)
    check_refused(c.expect_answer(page(c, d.user.uri, "secret:x")), "60047")
    to_phone = open_session(a, d.user.uri)
    check_refused(a.expect_answer(say(a, to_phone, "http://x.test")), "60047")
    a.check_signed()
    settings(case)


@tap.test(alone=True)
def files_are_blocked_by_their_names(case):
    a, b = lync(case), lync(case)
    there, _ = between(a, b)
    kind = "text/x-msmsgsinvite; charset=UTF-8"
    offer = "Application-Name: File Transfer\r\nApplication-File: {}\r\n"
    check_refused(a.expect_answer(say(a, there, offer.format("x.exe"), kind)), "60048")
    said(a, say(a, there, offer.format("x.txt"), kind), b)
    body = ("--b\r\nContent-Type: application/ms-filetransfer+xml\r\n\r\n<request><publishFile>"
            "<fileInfo><name>x.vbs</name></fileInfo></publishFile></request>\r\n--b\r\n"
            "Content-Type: application/sdp\r\n\r\nv=0\r\n--b--\r\n")
    m = a.send(a.make("INVITE", b.user.uri, body=body,
                      headers=[("Content-Type", "multipart/mixed;boundary=b")]))
    check_refused(a.expect_answer(m), "60048")
    settings(case, "file-transfer-block = none")
    said(a, say(a, there, offer.format("x.exe"), kind), b)
    settings(case, "file-transfer-block = .txt")
    check_refused(a.expect_answer(say(a, there, offer.format("x.txt"), kind)), "60048")
    a.check_signed()
    settings(case)


if __name__ == "__main__":
    tap.main(site.make)
