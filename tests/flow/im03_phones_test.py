#!/usr/bin/python3
"""Phones in group conversations (RFC 4579, RFC 4575, RFC 3428): they join by writing to the address
that a conference has for them, or by an INVITE, and are told by single messages what is said."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.conference import (Conferee, INFO, all_write, focus_of, for_phones, meet,  # noqa: E402
                            write)
from lib.im import page, phone, take  # noqa: E402
from lib.siptext import Dialog  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402

OUT = b"You are not in this conversation any more."


def conferees(case, n):
    return [case.own(Conferee(case.site.server, case.site.user("conf"))).sign_in()
            for _ in range(n)]


def name(client):
    """A user without another name is called by the address."""
    return client.user.uri.removeprefix("sip:")


def shown(case, focus):
    return case.site.server.json("conference", "show", focus.rsplit(":", 1)[1])


def members(case, focus):
    return {m["user"] for m in shown(case, focus)["members"]}


def phone_hears(p, room, text, author):
    m = take(p)
    check_eq(m.body.decode(), f"{name(author)}: {text}", "what is said")
    check(f"<{room}>" in m.get("From"), m.get("From"))
    check_eq(m.get("Content-Type"), "text/plain;charset=UTF-8", "type")


def all_hear(text, author, *clients):
    for c in clients:
        c.hears(text, author)


def joined(case, n=2):
    """So many Lync clients and a phone in a conference."""
    clients, p = conferees(case, n), phone(case)
    focus = meet(*clients)
    room = for_phones(focus)
    write(p, room, "here I am")
    all_hear("here I am", p, *clients)
    clients[0].wait_there(*clients[1:], p)
    return focus, room, p, clients


@tap.test
def a_phone_joins_by_writing_and_hears_all(case):
    _, room, p, (a, b) = joined(case)
    a.say("hello")
    b.hears("hello", a)
    phone_hears(p, room, "hello", a)
    write(p, room, "and you")
    all_hear("and you", p, a, b)
    b.say("well")
    a.hears("well", b)
    phone_hears(p, room, "well", b)


@tap.test
def a_phone_leaves_by_a_word(case):
    focus, room, p, (a, b) = joined(case)
    write(p, room, "/leave", 200)
    check_eq(take(p).body, OUT, "the last message")
    for c, other in ((a, b), (b, a)):
        c.wait_there(other)
    a.say("gone?")
    b.hears("gone?", a)
    write(p, room, "/leave", 403)
    check(not p.has(lambda m: m.method == "MESSAGE" and b"gone?" in m.body), "told who has left")
    notice = ('<imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>1</message-id><datetime>'
              '2026-11-26T12:00:00Z</datetime><delivery-notification><status><delivered/></status>'
              '</delivery-notification></imdn>')
    check_eq(p.expect_answer(page(p, room, notice, "message/imdn+xml")).code, 200, "a notice")
    check(p.user.uri.removeprefix("sip:") not in members(case, focus), "members")


@tap.test
def who_is_sent_away_is_told(case):
    _, room, p, (a, b) = joined(case)
    check_eq(a.eject(p.user)[:2], (200, "success"), "deleteUser")
    check_eq(take(p).body, OUT, "the last message")
    a.wait_there(b)


@tap.test
def an_invitation_is_a_message_that_is_answered(case):
    a, b = conferees(case, 2)
    p = phone(case)
    focus = meet(a, b)
    m = a.make("INVITE", p.user.uri, headers=[("Content-Type", "application/ms-conf-invite+xml")],
               body=f'<Conferencing version="2.0"><focus-uri>{focus}</focus-uri><subject>Lunch '
                    '&amp; more</subject><im available="true"/></Conferencing>')
    a.send(m)
    asked = take(p)
    check_eq(asked.body.decode(), f"{name(a)} invites you to a conversation of several people, "
             "\"Lunch & more\". Answer here to take part; \"/leave\" leaves it.", "the invitation")
    room = re.search(r"<([^>]+)>", asked.get("From")).group(1)
    check_eq(room, for_phones(focus), "the room")
    answer = a.expect_answer(m)
    check_eq(answer.code, 200, "INVITE")
    dialog = a.confirm(m, answer)
    check_eq(a.expect_answer(a.send(a.make("BYE", None, dialog=dialog))).code, 200, "BYE")
    check_eq(members(case, focus), {c.user.uri.removeprefix("sip:") for c in (a, b)}, "not yet")
    write(p, room, "coming")
    all_hear("coming", p, a, b)
    a.wait_there(b, p)


@tap.test
def an_invitation_that_no_phone_takes_fails(case):
    (a,) = conferees(case, 1)
    p = phone(case)
    focus = focus_of(a.user, a.add_conference())
    for body, code in ((f"<Conferencing><focus-uri>{focus}</focus-uri></Conferencing>", 480),
                       ("<Conferencing><focus-uri>sip:x@y.test</focus-uri></Conferencing>", 400),
                       (f"<Conferencing><focus-uri>{focus.replace('@', '@other.')}</focus-uri>"
                        "</Conferencing>", 403), ("<x", 400)):
        m = a.make("INVITE", p.user.uri, body=body,
                   headers=[("Content-Type", "application/ms-conf-invite+xml")])
        a.send(m)
        if code == 480:
            take(p, 486)
        answer = a.expect_answer(m)
        check_eq(answer.code, code, body)
        a.ack(m, answer)


@tap.test
def html_is_plain_and_typing_is_not_told(case):
    _, room, p, (a, b) = joined(case)
    a.send(a.make("MESSAGE", None, dialog=a.chat, body="<status/>",
                  headers=[("Content-Type", "application/im-iscomposing+xml")]))
    a.send(a.make("MESSAGE", None, dialog=a.chat, body="<b>bold</b><script>x</script>",
                  headers=[("Content-Type", "text/html; charset=UTF-8")]))
    phone_hears(p, room, "bold", a)
    typing = ('<?xml version="1.0"?><isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing">'
              '<state>active</state></isComposing>')
    check_eq(p.expect_answer(page(p, room, typing, "application/im-iscomposing+xml")).code, 200,
             "typing")
    check_eq(p.expect_answer(page(p, room, "x", "image/png")).code, 415, "a picture")
    write(p, room, "done")
    while take(b).body != b"done":  # the typing is told to who waits for nothing
        pass
    check(not b.has(lambda m: m.method == "MESSAGE" and b"active" in m.body), "that it types")


@tap.test
def who_is_not_invited_to_a_closed_one_is_refused(case):
    (a,) = conferees(case, 1)
    p = phone(case)
    focus = focus_of(a.user, a.add_conference(
        more="<msci:admission-policy>closedAuthenticated</msci:admission-policy>"))
    a.join(focus)
    write(p, for_phones(focus), "let me in", 403)
    write(p, for_phones(focus).replace("conf-", "conf-A"), "which", 404)
    check_eq(members(case, focus), {a.user.uri.removeprefix("sip:")}, "members")


@tap.test
def what_is_said_meanwhile_comes_at_the_next_sign_in(case):
    _, room, p, (a, b) = joined(case)
    p.sign_off()
    for text in ("one", "two"):
        a.say(text)
        b.hears(text, a)
    again = phone(case, p.user)
    for text in ("one", "two"):
        phone_hears(again, room, text, a)
    write(again, room, "back")
    all_hear("back", p, a, b)


# RFC 4579.

def invite_room(p, room, code=200, body="", accept=True):
    m = p.make("INVITE", room, body=body,
               headers=[("Content-Type", "application/sdp")] if body else [])
    answer, m = p.ask(m)
    check_eq(answer.code, code, "INVITE")
    if code != 200:
        return None
    check("isfocus" in answer.get("Contact"), answer.get("Contact"))
    check_eq(answer.get("Content-Type"), "application/sdp", "type")
    return p.confirm(m, answer)


@tap.test
def a_phone_joins_by_invite_watches_and_leaves_by_bye(case):
    a, b = conferees(case, 2)
    p = phone(case)
    focus = meet(a, b)
    room = for_phones(focus)
    dialog = invite_room(p, room)
    for c, other in ((a, b), (b, a)):
        c.wait_there(other, p)
    answer, _ = p.ask(p.make("SUBSCRIBE", room, headers=[
        ("Event", "conference"), ("Accept", "application/conference-info+xml"),
        ("Expires", "600")]))
    check_eq(answer.code, 200, "SUBSCRIBE")
    n = p.expect_request("NOTIFY")
    p.answer(n, 200)
    check_eq(set(re.findall(r'<user entity="([^"]+)"', n.body.decode())),
             {c.user.uri for c in (a, b, p)}, "who is there")
    check(INFO in n.body.decode(), "a document of RFC 4575")
    a.say("hello")
    b.hears("hello", a)
    phone_hears(p, room, "hello", a)
    check_eq(p.expect_answer(p.send(p.make("BYE", None, dialog=dialog))).code, 200, "BYE")
    a.wait_there(b)
    check_eq(take(p).body, OUT, "the last message")


@tap.test
def sound_is_refused_with_the_reason(case):
    (a,) = conferees(case, 1)
    p = phone(case)
    focus = focus_of(a.user, a.add_conference())
    a.join(focus)
    audio = ("v=0\r\no=- 0 0 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
             "m=audio 4000 RTP/AVP 0\r\n")
    invite_room(p, for_phones(focus), 488, audio)
    invite_room(p, for_phones(focus), 200, audio.replace("audio 4000 RTP/AVP 0",
                                                         "message 4000 TCP/MSRP *"))
    invite_room(p, for_phones(focus), 400, "x" * 100)


# Hostile.

@tap.test
def a_phone_cannot_speak_for_a_conference(case):
    _, room, p, (a, b) = joined(case)
    m = p.make("MESSAGE", a.user.uri, body="I am the room",
               headers=[("Content-Type", "text/plain")])
    m.set("From", f"<{room}>;tag=1")
    check_eq(p.ask(m)[0].code, 403, "another's From")
    old = a.make("MESSAGE", None, dialog=a.chat, body="late",
                 headers=[("Content-Type", "text/plain")])
    a.say("first")
    old.set("CSeq", "1 MESSAGE")
    check_eq(a.expect_answer(a.send(old)).code, 500, "an older CSeq")


@tap.test
def no_user_has_the_name_of_a_conference(case):
    r = case.site.server.tool("user", "add", "conf-12345678.alice", "--generate", ok=False)
    check("addresses of conferences" in r, r)


# Ends of processes.

def running(server):
    wait_for(lambda: all(r["state"] == "running" for r in server.json("role", "list")),
             "all processes again")


@tap.test(alone=True)
def a_new_mcu_goes_on_with_the_phones(case):
    _, room, p, (a, b) = joined(case)
    for number in range(1, case.site.frontends + 1):
        case.site.server.kill_role("mcu-im", number)
    running(case.site.server)
    a.say("after")
    b.hears("after", a)
    phone_hears(p, room, "after", a)
    write(p, room, "too")
    all_hear("too", p, a, b)


@tap.test(alone=True)
def a_phone_is_still_there_when_the_front_ends_come_again(case):
    clients, p = conferees(case, 2), phone(case, transport="udp")
    focus = meet(*clients)
    room = for_phones(focus)
    write(p, room, "here I am")
    all_hear("here I am", p, *clients)
    for number in range(1, case.site.frontends + 1):
        case.site.server.kill_role("frontend", number)
    running(case.site.server)
    p.sign_in()  # what was registered in the last second before may be lost
    again = [case.own(Conferee(case.site.server, c.user)).sign_in() for c in clients]
    for c in again:
        c.join(focus)
    a, b = again
    a.wait_there(b, p)
    all_write(a, b)
    for c in (a, b):
        phone_hears(p, room, f"hello of {c.user.name}", c)
    write(p, room, "still here")
    all_hear("still here", p, a, b)


if __name__ == "__main__":
    tap.main(site.make)
