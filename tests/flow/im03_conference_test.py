#!/usr/bin/python3
"""Poster row IM-03: conferences of Lync clients, by the focus and the IM MCU."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.conference import Conferee, all_write, focus_of, meet, result  # noqa: E402
from lib.im import invite, open_session, page, say  # noqa: E402
from lib.siptext import Dialog, reset, token  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402


def conferee(case, user=None):
    return case.own(Conferee(case.site.server, user or case.site.user("conf"))).sign_in()


def conferees(case, n):
    return [conferee(case) for _ in range(n)]


def running(server):
    tap.wait_for(lambda: all(r["state"] == "running" for r in server.roles()), "running roles")


def shown(case, focus):
    return case.site.server.json("conference", "show", focus)


# The factory.

@tap.test
def the_factory_says_what_there_is(case):
    (a,) = conferees(case, 1)
    code, word, text = a.order("<getConferencingCapabilities/>")
    check_eq((code, word), (200, "success"), "capabilities")
    check_eq(re.findall(r"<mcuType>([\w-]+)<", text), ["chat"], "MCUs")


@tap.test
def an_organizer_makes_finds_and_deletes_conferences(case):
    (a,) = conferees(case, 1)
    ids = {a.add_conference() for _ in range(3)}
    text = a.order("<getConferences/>")[2]
    check_eq(set(re.findall(r"focus:id:(\w+)", text)), ids, "getConferences")
    one = ids.pop()
    keys = f'<conferenceKeys confEntity="{focus_of(a.user, one)}"/>'
    check(one in a.order(f"<getConference>{keys}</getConference>")[2], "getConference")
    check_eq(a.order(f"<deleteConference>{keys}</deleteConference>")[1], "success", "delete")
    check_eq(a.order(f"<getConference>{keys}</getConference>")[1], "conferenceDoesntExist", "gone")
    check_eq(a.try_join(focus_of(a.user, one)).code, 404, "to join it")


@tap.test
def nobody_uses_the_factory_of_another(case):
    a, b = conferees(case, 2)
    factory = f"{a.user.uri};gruu;opaque=app:conf:focusfactory"
    check_eq(b.order("<getConferences/>", factory)[0], 403, "another's factory")


@tap.test
def a_broken_request_is_refused(case):
    (a,) = conferees(case, 1)
    check_eq(a.order("<addConference/>")[0], 400, "without what it needs")
    check_eq(a.order("<nonsense/>")[1], "notSupported", "what nobody knows")
    for uri in (f"{a.user.uri};gruu;opaque=app:conf:focus:id:x",
                f"{a.user.uri};gruu;opaque=app:conf:nothing:id:ABCDEFGH1",
                f"{a.user.uri};gruu;opaque=app:conf:audio-video:id:ABCDEFGH1"):
        check_eq(a.try_join(uri).code, 404, uri)


# The focus.

@tap.test
def three_meet_and_all_write(case):
    a, b, c = conferees(case, 3)
    meet(a, b, c)
    all_write(a, b, c)
    for client in (a, b, c):
        client.check_signed()


@tap.test
def what_changes_is_told_in_parts_without_a_gap(case):
    a, b = conferees(case, 2)
    meet(a, b)
    check_eq(a.lock()[1], "success", "lock")
    wait_for(lambda: a.locked and b.locked, "a lock that is seen")
    versions = [int(v) for m in b.all
                for v in re.findall(rb'<conference-info[^>]* version="(\d+)"', m.body)]
    check_eq(versions, list(range(versions[0], versions[0] + len(versions))), "versions")


@tap.test
def an_attendee_of_a_closed_conference_is_not_let_in(case):
    a, b = conferees(case, 2)
    conference = a.add_conference(
        more="<msci:admission-policy>closedAuthenticated</msci:admission-policy>")
    answer = b.try_join(focus_of(a.user, conference))
    check_eq((answer.code, result(answer)[1]), (403, "notAuthorized"), "not invited")
    check("ms-diagnostics" in dict(answer.headers), "a reason for people")


@tap.test
def who_is_ejected_is_told_by_both_and_is_out(case):
    a, b = conferees(case, 2)
    focus = meet(a, b)
    check_eq(a.eject(b.user)[1], "success", "deleteUser")
    byes = [b.expect_request("BYE") for _ in range(2)]
    for bye in byes:
        b.answer(bye, 200)
        check("ms-diagnostics" in dict(bye.headers), "a reason")
    a.wait_there()
    b.say("I am still here", code=481)
    check_eq(b.command("<getConference><conferenceKeys confEntity=\"x\"/></getConference>")[0],
             481, "INFO in the dialog that ended")
    check_eq(len(shown(case, focus)["members"]), 1, "members")


@tap.test
def who_has_not_joined_cannot_write(case):
    a, b = conferees(case, 2)
    chat = focus_of(a.user, a.add_conference()).replace(":focus:", ":chat:")
    a.join(chat.replace(":chat:", ":focus:"))
    m = invite(b, chat)
    answer = b.expect_answer(m)
    b.ack(m, answer)
    check_eq(answer.code, 403, "a dialog with the MCU")
    check_eq(b.expect_answer(page(b, chat, "let me in")).code, 403, "a single message")
    check(not a.has(lambda m: m.method == "MESSAGE"), "nobody hears it")


@tap.test
def nobody_speaks_in_the_dialog_of_another(case):
    a, b = conferees(case, 2)
    meet(a, b)
    stolen = Dialog(a.chat.call_id, a.chat.local, a.chat.remote, a.chat.target, a.chat.route, 50)
    check(b.expect_answer(say(b, stolen, "as alice")).code in (403, 481), "another's dialog")
    check(not b.has(lambda m: m.method == "MESSAGE"), "nobody hears it")
    a.say("myself")
    b.hears("myself", a)


@tap.test
def nobody_leaves_for_another_by_the_same_call_id(case):
    a, b, c = conferees(case, 3)
    focus = meet(a, c)
    check_eq(b.try_join(focus, a.leg.call_id).code, 200, "addUser")
    m = invite(b, focus.replace(":focus:", ":chat:"), call_id=a.chat.call_id)
    b.chat = b.confirm(m, b.expect_answer(m))
    a.wait_there(b, c)
    b.say("me too")
    a.hears("me too", b)
    c.hears("me too", b)
    b.leave()
    a.wait_there(c)
    a.say("still here")
    c.hears("still here", a)
    check_eq(a.lock()[1], "success", "in its dialog with the focus")


@tap.test
def only_who_is_in_a_dialog_is_told_that_there_is_one(case):
    a, b = conferees(case, 2)
    focus = meet(a)
    for uri in (focus, focus.replace(":focus:", ":chat:")):
        for method in ("INFO", "UPDATE"):
            m = b.send(b.make(method, uri))
            check_eq(b.expect_answer(m).code, 481, f"{method} {uri}")


@tap.test
def clients_cannot_command_the_mcu(case):
    a, b = conferees(case, 2)
    focus = meet(a, b)
    chat = focus.replace(":focus:", ":chat:")
    command = f'<deleteConference><conferenceKeys confEntity="{focus}"/></deleteConference>'
    check(b.order(command, chat)[0] in (403, 405, 501), "C3P from a client")
    check_eq(b.command(command)[1], "success", "as a presenter, to the focus")


@tap.test
def a_lost_connection_leaves(case):
    a, b = conferees(case, 2)
    meet(a, b)
    reset(b)
    a.wait_there()
    check_eq(a.lock()[1], "success", "a command afterwards")


@tap.test
def a_client_that_comes_again_takes_its_place(case):
    a, b = conferees(case, 2)
    focus = meet(a, b)
    b.join(focus)
    a.wait_there(b)
    a.say("once")
    b.expect_request("BYE")  # of the dialog that it opened before
    b.hears("once", a)


@tap.test
def a_client_that_changes_its_names_leaves_nobody_behind(case):
    """Joins with the GUID of one dialog and the epid of another; then its connection is lost."""
    a, b = conferees(case, 2)
    focus = meet(a, b)
    names = [(b.guid, b.epid), ("{" + token().upper() + "}", token(6))]
    for guid, epid in (names[1], (names[0][0], names[1][1]), (names[0][0], token(6))):
        b.guid, b.epid = guid, epid
        check_eq(b.try_join(focus).code, 200, "addUser")
    reset(b)
    a.wait_there()
    check_eq(len(shown(case, focus)["members"]), 1, "members")


def loses_the_chat(a, b):
    """b's client does not know the dialog with the MCU any more; the invitation that it gets."""
    a.say("lost")
    b.answer(b.expect_request("MESSAGE"), 481)
    bye = b.answer(b.expect_request("BYE"), 200)
    check_eq(bye.get("Call-ID"), b.leg.call_id, "BYE in the focus dialog")
    m = b.expect_request("INVITE")
    check_eq(m.get("Content-Type"), "application/ms-conf-invite+xml", "what it is invited to")
    return m


@tap.test
def a_client_that_lost_the_chat_alone_is_invited_anew(case):
    a, b, c = conferees(case, 3)
    focus = meet(a, b, c)
    a.lock()
    m = loses_the_chat(a, b)
    c.hears("lost", a)
    check(f"<focus-uri>{focus}</focus-uri>" in m.body.decode(), m.body)
    tag = token()
    accepted = b.answer(m, 200, tag=tag)
    ack = b.expect_request("ACK")
    check_eq((ack.get("Call-ID"), ack.tag("To")), (m.get("Call-ID"), tag), "ACK")
    b.join(focus)
    a.wait_there(b, c)
    all_write(a, b, c, word="again")
    check("event=conference-lost" in case.site.server.p.text(), "no line")
    # Clients that end the dialog of the invitation may.
    bye = b.make("BYE", None, dialog=Dialog.of_callee(m, accepted))
    check_eq(b.expect_answer(b.send(bye)).code, 200, "BYE of the invitation")
    all_write(a, b, c, word="still")


@tap.test
def who_does_not_come_back_is_out(case):
    a, b = conferees(case, 2)
    meet(a, b)
    b.answer(loses_the_chat(a, b), 603)
    wait_for(lambda: set(a.users) == {a.user.uri}, lambda: f"the roster: {a.users}")


def rings(b, m):
    """b's client shows the invitation; its user has not answered."""
    b.answer(m, 180, tag=token())
    return m.get("Call-ID")


@tap.test
def an_invitation_that_nobody_answered_ends_when_there_is_nothing_to_come_back_to(case):
    """It would ring on, and who takes it up come to a closed door."""
    def ejected(a, b, focus):
        check_eq(a.eject(b.user)[1], "success", "deleteUser")

    def ended(a, b, focus):
        case.site.server.tool("conference", "end", focus.rsplit(":", 1)[1])

    def back_already(a, b, focus):
        b.join(focus)
    for ends in (ejected, ended, back_already):
        a, b = conferees(case, 2)
        focus = meet(a, b)
        call = rings(b, loses_the_chat(a, b))
        ends(a, b, focus)
        check_eq(b.expect_request("CANCEL").get("Call-ID"), call, ends.__name__)


@tap.test
def who_ends_the_chat_alone_stays_and_is_not_invited(case):
    a, b = conferees(case, 2)
    focus = meet(a, b)
    check_eq(b.expect_answer(b.send(b.make("BYE", None, dialog=b.chat))).code, 200, "BYE")
    wait_for(lambda: "chat" not in a.users[b.user.uri]["with"], lambda: f"the roster: {a.users}")
    a.say("to nobody")
    b.chat = open_session(b, focus.replace(":focus:", ":chat:"))
    a.wait_there(b)
    all_write(a, b)
    check(not [m for m in b.all if m.method == "INVITE"], "an invitation")


@tap.test
def an_invitation_reaches_lync_clients_alone(case):
    a, b = conferees(case, 2)
    m = a.make("INVITE", b.user.uri, body="<Conferencing version='2.0'/>",
               headers=[("Content-Type", "application/ms-conf-invite+xml")])
    a.send(m)
    b.answer(b.expect_request("INVITE"), 200)
    answer = a.expect_answer(m)
    check_eq(answer.code, 200, "accepted")
    a.confirm(m, answer)
    check_eq(case.site.server.json("call", "list"), [], "calls")


# The administrator.

@tap.test
def the_administrator_sees_and_ends_it(case):
    a, b = conferees(case, 2)
    focus = meet(a, b)
    conference = focus.rsplit(":", 1)[1]
    check(conference in [c["id"] for c in case.site.server.json("conference", "list")], "list")
    got = shown(case, conference)
    check_eq({m["user"] for m in got["members"]},
             {c.user.uri.removeprefix("sip:") for c in (a, b)}, "members")
    check_eq(case.site.server.json("conference", "end", conference), {"ended": True}, "end")
    for client in (a, b):
        for _ in range(2):
            client.answer(client.expect_request("BYE"), 200)
    check_eq(shown(case, conference)["people"], 0, "people")


@tap.test
def the_list_can_be_of_one_organizer_or_of_all(case):
    a, b, c = conferees(case, 3)
    focus, empty = meet(a, b, c), focus_of(b.user, b.add_conference())

    def listed(*words):
        return {row["id"]: row["organizer"]
                for row in case.site.server.json("conference", "list", *words)}
    ids = [f.rsplit(":", 1)[1] for f in (focus, empty)]
    names = [u.user.uri.removeprefix("sip:") for u in (a, b)]
    for who, name, conference in zip((a, b), names, ids):
        for word in (who.user.name, name):
            check_eq(listed(word), {conference: name}, word)
    check_eq(listed(c.user.name), {}, "who organizes none")
    check(set(ids) <= set(listed("all")) and ids[1] not in listed(), "all, and those with people")
    text = case.site.server.tool("conference", "list", "foo", ok=False)
    check('There is no user "foo"' in text, text)


@tap.test
def of_who_is_removed_the_conferences_are_forgotten(case):
    a, b = conferees(case, 2)
    focus = meet(a, b)
    site, name = case.site, a.user.uri.removeprefix("sip:")
    conference = focus.rsplit(":", 1)[1]

    def there():
        return conference in [c["id"] for c in site.server.json("conference", "list")]
    site.server.tool("user", "disable", name)
    wait_for(lambda: a.closed, "who is disabled is still connected")
    check(there(), "the conference of who is disabled only")
    site.server.tool("user", "remove", name)
    for _ in range(2):
        b.answer(b.expect_request("BYE"), 200)
    wait_for(lambda: not there(), "the conference of who was removed is still there")


# Ends of processes.

@tap.test(alone=True)
def a_new_mcu_goes_on_with_the_dialogs_of_the_old(case):
    clients = conferees(case, 3)
    meet(*clients)
    all_write(*clients, word="before")
    for number in range(1, case.site.frontends + 1):
        case.site.server.kill_role("mcu-im", number)
    running(case.site.server)
    all_write(*clients, word="after")


@tap.test(alone=True)
def conferences_are_there_after_a_restart(case):
    a, b = conferees(case, 2)
    focus = focus_of(a.user, a.add_conference())
    for number in range(1, case.site.frontends + 1):
        case.site.server.kill_role("frontend", number)
    running(case.site.server)
    a, b = conferee(case, a.user), conferee(case, b.user)
    for client in (a, b):
        client.join(focus)
    a.wait_there(b)
    all_write(a, b)


@tap.test(alone=True)
def a_room_goes_on_when_the_process_of_its_focus_is_killed(case):
    if case.site.frontends == 1:
        tap.skip("with one front end all connections go")
    clients = conferees(case, 8)
    focus = meet(*clients)
    home = case.site.server.endpoints(clients[0].user)[0]["home"]

    def left():
        return {c.user.uri.removeprefix("sip:") for c in clients if not c.closed}

    def members():
        return {m["user"] for m in shown(case, focus)["members"]}
    case.site.server.kill_role("frontend", home)
    running(case.site.server)
    # Those who were connected there, and those whose own home it was.
    wait_for(lambda: left() == members() and len(left()) < len(clients),
             lambda: f"members {members()}, left {left()}")
    all_write(*(c for c in clients if not c.closed), word="after")


@tap.test(alone=True)
def a_server_that_stops_says_nothing_of_an_end(case):
    a, b = conferees(case, 2)
    meet(a, b)
    server = case.site.server
    mark = server.p.mark()
    server.stop()
    check(not a.has(lambda m: "noresource" in m.get("Subscription-State", "")), "told an end")
    check("Sanitizer" not in server.p.text_after(mark), "a clean end")
    server.start()


if __name__ == "__main__":
    tap.main(site.make)
