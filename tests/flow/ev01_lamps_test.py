#!/usr/bin/python3
"""Poster row EV-01: lamps, which follow the calls of colleagues (RFC 4235), and who watches."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.presence import PresenceClient, NS, SUBSCRIBER, parse  # noqa: E402
from lib.simple import SimplePhone  # noqa: E402
from lib.siptext import Dialog, sdp  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402


def phone(case, user=None, transport="udp", **kw):
    return case.own(SimplePhone(case.site.server, user or case.site.user("m"), transport,
                                **kw)).sign_in()


def client(case, user=None):
    return case.own(PresenceClient(case.site.server, user or case.site.user("l"))).start()


def states(watcher, user):
    """What the newest lamp notification about the user says: {(direction, state)}."""
    for m in reversed(watcher.told):
        if m.get("Event") == "dialog" and f'entity="{user.uri}"'.encode() in m.body:
            return {(d.get("direction"), d.findtext("state")) for d in parse(m.body)}
    return None


def wait_lamp(watcher, user, *wanted):
    wait_for(lambda: states(watcher, user) == set(wanted),
             lambda: f"{wanted} of {user.name}: {states(watcher, user)}")


def watch(watcher, *users):
    for u in users:
        answer, _ = watcher.subscribe(u.uri, event="dialog",
                                      headers=[("Accept", "application/dialog-info+xml")])
        check_eq(answer.code, 200, "SUBSCRIBE")
        wait_lamp(watcher, u)


def ring(a, b, headers=()):
    """a calls b, who rings; returns both requests."""
    invite = a.invite(b.user.uri, headers=headers)
    a.send(invite)
    answer = a.expect_answer(invite, provisional=True)
    if answer.code == 407:
        a.ack(invite, answer)
        invite = a.send(a.again(invite, answer))
    there = b.expect_request("INVITE")
    b.answer(there, 180, tag="ringing")
    a.expect(lambda m: m.code == 180, "180")
    return invite, there


def take(a, b, invite, there):
    """b answers; returns the dialog of a and of b."""
    ok = b.answer(there, 200, tag="ringing", body=sdp(b.ip, 4000),
                  headers=[("Content-Type", "application/sdp")])
    answer = a.expect(lambda m: m.code == 200 and m.cseq[1] == "INVITE", "200")
    dialog = a.confirm(invite, answer)
    b.expect_request("ACK")
    return dialog, Dialog.of_callee(there, ok)


def bye(a, b, dialog):
    a.send(a.make("BYE", None, dialog=dialog))
    b.answer(b.expect_request("BYE"), 200)


@tap.test
def lamps_follow_a_call_from_ringing_to_its_end(case):
    a, b, w = phone(case), phone(case), phone(case)
    watch(w, a.user, b.user)
    w.subscribe(a.user.uri)
    c = client(case)
    c.watch(b.user)
    invite, there = ring(a, b)
    wait_lamp(w, a.user, ("initiator", "early"))
    wait_lamp(w, b.user, ("recipient", "early"))
    dialog, _ = take(a, b, invite, there)
    wait_lamp(w, a.user, ("initiator", "confirmed"))
    wait_lamp(w, b.user, ("recipient", "confirmed"))
    w.wait_sees(a.user, "open", ["busy", "on-the-phone"])
    c.wait_sees(b.user, 6500)
    bye(a, b, dialog)
    wait_lamp(w, a.user, ("initiator", "terminated"))
    wait_lamp(w, b.user, ("recipient", "terminated"))
    w.wait_sees(a.user, "open", [])
    c.wait_sees(b.user, 3500)
    for u in (a.user, b.user):
        seen = [w.told[i] for i in range(len(w.told)) if w.told[i].get("Event") == "dialog"
                and f'entity="{u.uri}"'.encode() in w.told[i].body]
        versions = [int(parse(m.body).get("version")) for m in seen]
        check_eq(versions, list(range(len(versions))), "versions")


@tap.test
def a_call_that_is_refused_or_given_up_leaves_no_lamp(case):
    a, b, w = phone(case), phone(case), phone(case)
    watch(w, a.user, b.user)
    invite, there = ring(a, b)
    wait_lamp(w, b.user, ("recipient", "early"))
    b.answer(there, 486, tag="ringing")
    a.ack(invite, a.expect_answer(invite))
    wait_lamp(w, b.user, ("recipient", "terminated"))
    wait_lamp(w, a.user, ("initiator", "terminated"))
    invite, there = ring(a, b)
    wait_lamp(w, b.user, ("recipient", "early"))
    a.cancel(invite)
    b.answer(b.expect_request("CANCEL"), 200)
    b.answer(there, 487, tag="ringing")
    wait_lamp(w, b.user, ("recipient", "terminated"))
    wait_lamp(w, a.user, ("initiator", "terminated"))


@tap.test
def the_other_end_is_shown_to_the_workgroup_alone(case):
    user = case.site.user("own")
    own, a, b, w = client(case, user), phone(case, user), phone(case), phone(case)
    watch(w, user)
    invite, there = ring(a, b)
    wait_lamp(w, user, ("initiator", "early"))
    check(b.user.uri.encode() not in w.told[-1].body, "a colleague does not see whom")
    own.set_members(300, ("add", "user", w.user.uri.removeprefix("sip:")))
    wait_for(lambda: b.user.uri.encode() in w.told[-1].body, "the workgroup does")
    own.set_members(32000, ("add", "user", w.user.uri.removeprefix("sip:")))
    wait_lamp(w, user, ("initiator", "terminated"))
    b.answer(there, 486, tag="ringing")


@tap.test
def a_caller_who_wants_to_stay_unknown_is_shown_to_nobody(case):
    user = case.site.user("own")
    own, a, b, w = client(case, user), phone(case), phone(case, user), phone(case)
    watch(w, user)
    own.set_members(300, ("add", "user", w.user.uri.removeprefix("sip:")))
    _, hidden = ring(a, b, [("Privacy", "id")])
    wait_lamp(w, user, ("recipient", "early"))
    check(a.user.uri.encode() not in w.told[-1].body, "not to the workgroup")
    _, open_one = ring(a, b)
    wait_for(lambda: a.user.uri.encode() in w.told[-1].body, "which sees other callers")
    for there in (hidden, open_one):
        b.answer(there, 486, tag="ringing")


@tap.test
def the_lamp_of_a_phone_that_is_lost_goes_out(case):
    a, b, w = phone(case, transport="tcp"), phone(case), phone(case)
    watch(w, a.user)
    invite, there = ring(a, b)
    take(a, b, invite, there)
    wait_lamp(w, a.user, ("initiator", "confirmed"))
    a.stop()
    wait_lamp(w, a.user, ("initiator", "terminated"))


@tap.test
def nobodys_lamp_is_404_and_other_bodies_406(case):
    a = phone(case)
    check_eq(a.subscribe("sip:nobody@example.test", event="dialog")[0].code, 404, "nobody")
    check_eq(a.subscribe(case.site.user("x").uri, event="dialog",
                         headers=[("Accept", "x/y")])[0].code, 406, "Accept")


@tap.test
def who_watches_and_who_waits_is_told_to_the_user_alone(case):
    user = case.site.user("seen")
    a, own = phone(case, user), client(case, user)
    b, c = phone(case), client(case)
    answer, dialog = a.subscribe(user.uri, event="presence.winfo")
    check_eq(answer.code, 200, "SUBSCRIBE")
    check_eq(b.subscribe(user.uri, event="presence.winfo")[0].code, 403, "another's")

    def watchers():
        tree = a.newest("presence.winfo")
        return {(w.text, w.get("status")) for w in tree.iter("watcher")} if tree is not None \
            else set()
    _, watching = b.subscribe(user.uri)
    wait_for(lambda: (b.user.uri, "active") in watchers(), lambda: f"b in {watchers()}")
    c.watch(user, context=True)
    wait_for(lambda: {(c.user.uri, "active"), (c.user.uri, "pending")} <= watchers(),
             lambda: f"c in {watchers()}")
    own.service(SUBSCRIBER, f'<setSubscribers xmlns="{NS}presence-subscribers"><subscriber '
                f'user="{c.user.uri.removeprefix("sip:")}" acknowledged="true"/></setSubscribers>')
    wait_for(lambda: (c.user.uri, "pending") not in watchers(), lambda: f"{watchers()}")
    b.subscribe(None, dialog=watching, expires=0)
    wait_for(lambda: (b.user.uri, "active") not in watchers(), lambda: f"no b in {watchers()}")


@tap.test
def no_messages_are_waiting(case):
    a, b = phone(case), phone(case)
    answer, _ = a.subscribe(a.user.uri, event="message-summary")
    check_eq(answer.code, 200, "SUBSCRIBE")
    wait_for(lambda: "Messages-Waiting: no" in (a.newest("message-summary") or ""), "the summary")
    check_eq(a.subscribe(b.user.uri, event="message-summary")[0].code, 403, "another's")


@tap.test(alone=True)
def no_lamp_is_stuck_after_kill_9_and_later_calls_are_shown(case):
    a, b, w = phone(case), phone(case), phone(case)
    watch(w, a.user, b.user)
    invite, there = ring(a, b)
    dialog, _ = take(a, b, invite, there)
    wait_lamp(w, a.user, ("initiator", "confirmed"))
    time.sleep(1.2)  # what is written behind is on disk after half a second
    w.told.clear()
    for number in range(1, case.site.frontends + 1):
        case.site.server.kill_role("frontend", number)
    wait_for(lambda: all(r["state"] == "running" for r in case.site.server.roles()), "roles")
    wait_lamp(w, a.user)
    wait_lamp(w, b.user)
    bye(a, b, dialog)
    invite, there = ring(a, b)
    wait_lamp(w, a.user, ("initiator", "early"))
    wait_lamp(w, b.user, ("recipient", "early"))
    b.answer(there, 486, tag="ringing")
    wait_lamp(w, b.user, ("recipient", "terminated"))


if __name__ == "__main__":
    tap.main(site.make)
