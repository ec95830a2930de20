#!/usr/bin/python3
"""Poster row IM-01: presence in the standard dialect (SIMPLE), by itself and across the dialects."""
import os
import sys
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.presence import PresenceClient, Publication, NS  # noqa: E402
from lib.simple import LISTS, PIDF, SimplePhone, pidf  # noqa: E402
from lib.siptext import Phone  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402


def phone(case, user=None, transport="udp", sign_in=True, **kw):
    p = case.own(SimplePhone(case.site.server, user or case.site.user("s"), transport, **kw))
    return p.sign_in() if sign_in else p


def client(case, user=None):
    return case.own(PresenceClient(case.site.server, user or case.site.user("l"))).start()


def address(user):
    return user.uri.removeprefix("sip:")


@tap.test
def a_phone_that_publishes_is_seen_by_phones_and_lync_clients(case):
    for transport in ("udp", "tcp", "tls"):
        a, b, c = phone(case, transport=transport), phone(case), client(case)
        answer, _ = b.subscribe(a.user.uri)
        check_eq(answer.code, 200, "SUBSCRIBE")
        c.watch(a.user)
        b.wait_sees(a.user, "open", [], "a phone that is signed in and says nothing")
        c.wait_sees(a.user, 3500)
        check_eq(a.publish(pidf(a.user, activities=["busy"], note="at work")).code, 200, "PUBLISH")
        b.wait_sees(a.user, "open", ["busy"])
        check_eq(b.sees(a.user).notes, ["at work"], "the note")
        c.wait_sees(a.user, 6500)
        wait_for(lambda: c.note_of(a.user) == "at work", "the note at the Lync client")
        check_eq(a.publish(pidf(a.user, "closed"), etag=a.etag).code, 200, "modify")
        b.wait_sees(a.user, "closed", [])
        c.wait_sees(a.user, 18500)
        wait_for(lambda: c.note_of(a.user) is None, "no note")
        check_eq(a.publish(etag=a.etag, expires=0).code, 200, "remove")
        b.wait_sees(a.user, "open", [])
        c.wait_sees(a.user, 3500)
        a.sign_off()
        b.wait_sees(a.user, "closed")
        c.wait_sees(a.user, 18500)


@tap.test
def a_lync_clients_states_are_seen_by_a_phone(case):
    a, b = client(case), phone(case)
    b.subscribe(a.user.uri)
    b.wait_sees(a.user, "open", [])
    check(b.sees(a.user).name, "a display name")
    for availability, acts in ((6500, ["busy"]), (9500, ["busy"]),
                               (12500, ["away"]), (15500, ["away"]), (3500, [])):
        a.publish_user(availability)
        b.wait_sees(a.user, "open", acts)
        word = {9500: "do-not-disturb", 12500: "be-right-back"}.get(availability)
        wait_for(lambda: b.sees(a.user).word == word, lambda: f"{word}: {b.sees(a.user)}")
    a.publish_user(6500, token="in-a-meeting")
    b.wait_sees(a.user, "open", ["busy", "meeting"])
    a.publish_user(18500)
    b.wait_sees(a.user, "closed", [])
    a.publish_user(3500)
    b.wait_sees(a.user, "open", [])
    a.publish_machine(15500)
    b.wait_sees(a.user, "open", ["away"])
    a.publish_note("on the roof")
    wait_for(lambda: b.sees(a.user).notes == ["on the roof"], "the note")


@tap.test
def what_one_phone_says_another_sees_again_in_its_own_words(case):
    a, b, c = phone(case), phone(case), client(case)
    b.subscribe(a.user.uri)
    c.watch(a.user)
    words = (("on-the-phone", 6500), ("meeting", 6500), ("vacation", 15500), ("lunch", 15500),
             ("away", 15500))
    for word, availability in words:
        check_eq(a.publish(pidf(a.user, activities=[word]), etag=a.etag).code, 200, word)
        wait_for(lambda: word in (b.sees(a.user) and b.sees(a.user).activities or ()), word)
        c.wait_sees(a.user, availability)
    for word, availability in (("Do not disturb", 9500), ("be-right-back", 12500)):
        a.publish(pidf(a.user, other=word), etag=a.etag)
        c.wait_sees(a.user, availability)


@tap.test
def timed_status_becomes_busy_times_and_comes_back(case):
    a, b, c = phone(case), phone(case), client(case)
    b.subscribe(a.user.uri)
    c.watch(a.user)
    more = ('<ts:timed-status from="2027-01-04T09:00:00Z" until="2027-01-04T10:30:00Z">'
            "<r:activities><r:meeting/></r:activities></ts:timed-status>")
    check_eq(a.publish(pidf(a.user, more=more)).code, 200, "PUBLISH")
    wait_for(lambda: b.sees(a.user) and b.sees(a.user).timed, "a timed status")
    at = b.sees(a.user).timed[0]
    check_eq((at.get("from"), at.get("until")), ("2027-01-04T09:00:00Z", "2027-01-04T10:30:00Z"),
             "its times")
    wait_for(lambda: c.people[address(a.user)].get("calendarData"), "free and busy times")


@tap.test
def publications_are_held_to_rfc_3903(case):
    a, b = phone(case), phone(case)
    body = pidf(a.user)
    check_eq(a.publish(body, etag="nonsense").code, 412, "an unknown tag")
    check_eq(a.publish().code, 400, "nothing to publish")
    check_eq(a.publish("<presence").code, 400, "no XML")
    check_eq(a.publish("hello", kind="text/plain").code, 415, "no PIDF")
    check_eq(a.publish(body, headers=[("Content-Encoding", "gzip")]).code, 415, "packed")
    check_eq(a.publish(body, headers=[("Content-Encoding", "deflate")]).code, 400, "not packed")
    packed = a.publish(zlib.compress(body.encode()), headers=[("Content-Encoding", "deflate")])
    check_eq(packed.code, 200, "packed")
    check_eq(a.publish(etag=a.etag, expires=0).code, 200, "remove")
    check_eq(a.publish(body, expires=5).code, 423, "too short")
    check(a.publish(body, expires=5).get("Min-Expires"), "Min-Expires")
    check_eq(a.publish(body, event="x").code, 489, "an unknown event")
    check("presence" in a.publish(body, event="x").get("Allow-Events"), "Allow-Events")
    check_eq(a.publish(body, uri=b.user.uri).code, 403, "for another")
    check_eq(a.publish("<presence>" + "<x>" * 40 + "</x>" * 40 + "</presence>").code, 413, "deep")
    first = a.publish(body, expires=120)
    check_eq(first.get("Expires"), "120", "its life")
    again = a.publish(etag=a.etag)
    check_eq(again.code, 200, "refresh")
    check(again.get("SIP-ETag") != first.get("SIP-ETag"), "another tag")
    check_eq(a.publish(etag=first.get("SIP-ETag")).code, 412, "the old tag")
    check_eq(b.publish(etag=again.get("SIP-ETag")).code, 412, "another's tag")
    check_eq(a.publish(etag=again.get("SIP-ETag"), expires=0).code, 200, "remove")
    check_eq(a.publish(etag=a.etag).code, 412, "what was removed")
    codes = [a.publish(body).code for _ in range(11)]
    check_eq(codes, [200] * 10 + [403], "as many as are allowed")


@tap.test
def a_subscription_is_held_to_its_rules(case):
    a, b = phone(case), phone(case)
    def code(uri, **kw):
        return a.subscribe(uri, **kw)[0].code
    check_eq(code("sip:nobody@example.test"), 404, "nobody")
    check_eq(code("sip:x@elsewhere.test"), 403, "another domain")
    check_eq(code("sip:example.test"), 404, "the server")
    check_eq(code(b.user.uri, headers=[("Accept", "text/plain")]), 406, "Accept")
    check_eq(code(b.user.uri, headers=[("Require", "what")]), 420, "Require")
    check_eq(code(b.user.uri, expires=5), 423, "too short")
    check_eq(code(b.user.uri, event="x"), 489, "an unknown event")
    check_eq(code(a.user.uri, body="<x/>", headers=[("Supported", "eventlist")]), 400, "no list")
    check_eq(code(a.user.uri, body="<x/>", kind="x/y", headers=[("Supported", "eventlist")]), 415,
             "another body")
    check_eq(code(a.user.uri, body="<x/>"), 421, "without eventlist")
    check_eq(code(b.user.uri, body="<x/>", headers=[("Supported", "eventlist")]), 404,
             "another's list")
    _, dialog = a.subscribe(b.user.uri)
    a.wait_sees(b.user, "open")
    n = len(a.told)
    check_eq(a.subscribe(None, dialog=dialog)[0].code, 200, "refresh")
    wait_for(lambda: len(a.told) > n, "the state once more")
    check_eq(a.subscribe(None, dialog=dialog, expires=0)[0].code, 200, "unsubscribe")
    wait_for(lambda: a.told[-1].get("Subscription-State").startswith("terminated"), "the end")
    check_eq(a.subscribe(None, dialog=dialog)[0].code, 481, "it has ended")
    numbers = [m.cseq[0] for m in a.told]
    check_eq(numbers, sorted(numbers), "CSeq counts up")
    answer, _ = a.subscribe(b.user.uri, expires=0)
    check_eq(answer.code, 200, "once")


@tap.test
def a_list_in_the_request_is_told_as_one(case):
    a, b, c = phone(case), phone(case), client(case)
    answer, dialog = a.subscribe_list(b.user, c.user, "sip:nobody@example.test",
                                      "sip:x@elsewhere.test")
    check_eq(answer.code, 200, "SUBSCRIBE")
    check_eq(answer.get("Require"), "eventlist", "Require")
    a.wait_sees(b.user, "open")
    a.wait_sees(c.user, "open")
    wait_for(lambda: {"nobody@example.test", "x@elsewhere.test"} <= a.absent, "absent people")
    check(a.lists[0][1], "the first is full")
    check_eq(set(a.lists[0][2]), {address(b.user), address(c.user), "nobody@example.test",
                                  "x@elsewhere.test"}, "all are named")
    c.publish_user(6500)
    a.wait_sees(c.user, "open", ["busy"])
    versions = [v for v, _, _ in a.lists]
    check_eq(versions, list(range(len(versions))), "versions count by one")
    d = phone(case)
    check_eq(a.subscribe_list(d.user, dialog=dialog)[0].code, 200, "another list")
    a.wait_sees(d.user, "open")
    check_eq(a.lists[-1][2], [address(d.user)], "it takes the place of the first")
    wait_for(lambda: a.told[-1].get("Require") == "eventlist", "Require in NOTIFY")


@tap.test
def the_members_of_a_group_are_a_list(case):
    server, a, b, c = case.site.server, phone(case), phone(case), client(case)
    group = f"group-{b.user.name}"
    server.tool("group", "add", group, "--name", "Some People")
    for member in (b, c):
        server.tool("group", "member", "add", group, member.user.name)
    uri = f"sip:{group}@{server.domain}"
    answer, m = a.ask(a.make("SUBSCRIBE", uri, headers=[
        ("Event", "presence"), ("Supported", "eventlist"),
        ("Accept", "multipart/related, application/rlmi+xml, application/pidf+xml")]))
    check_eq((answer.code, answer.get("Require")), (200, "eventlist"), "SUBSCRIBE")
    a.wait_sees(b.user, "open")
    a.wait_sees(c.user, "open")
    c.publish_user(6500)
    a.wait_sees(c.user, "open", ["busy"])
    answer, m = a.ask(a.make("SUBSCRIBE", uri, headers=[("Event", "presence")]))
    check_eq(answer.code, 403, "as one person")
    server.tool("group", "remove", group)


@tap.test
def the_stored_contacts_are_a_list_that_grows_and_shrinks(case):
    user = case.site.user("both")
    c, a, b, d = client(case, user), phone(case, user), phone(case), phone(case)
    check_eq(c.soap("setContact", URI=address(b.user), displayName="Bee", groups="1",
                    subscribed="true").code, 200, "setContact")
    answer, _ = a.subscribe_contacts()
    check_eq(answer.get("Require"), "eventlist", "a list")
    a.wait_sees(b.user, "open")
    c.soap("setContact", URI=address(d.user), displayName="Dee", groups="1", subscribed="true")
    a.wait_sees(d.user, "open")
    c.soap("deleteContact", URI=address(b.user))
    wait_for(lambda: a.lists[-1][1] and a.lists[-1][2] == [address(d.user)], "without Bee")


@tap.test
def a_blocked_phone_sees_nothing(case):
    a, b = client(case), phone(case)
    b.subscribe(a.user.uri)
    b.wait_sees(a.user, "open")
    a.publish_note("for colleagues")
    wait_for(lambda: b.sees(a.user).notes, "the note")
    a.set_members(32000, ("add", "user", address(b.user)))
    b.wait_sees(a.user, "closed")
    check_eq(b.sees(a.user).notes, [], "no note")


@tap.test
def a_phone_whose_connection_ends_is_offline_and_its_publication_gone(case):
    a, b = phone(case, transport="tcp"), phone(case)
    b.subscribe(a.user.uri)
    a.publish(pidf(a.user, activities=["busy"]))
    b.wait_sees(a.user, "open", ["busy"])
    a.stop()
    b.wait_sees(a.user, "closed")
    again = phone(case, a.user)
    b.wait_sees(a.user, "open", [])
    check_eq(again.publish(etag=a.etag).code, 412, "the publication of the lost phone")


@tap.test
def a_refused_notification_ends_the_subscription(case):
    a, b = phone(case), phone(case)
    a.refuse["presence"] = 481
    _, dialog = a.subscribe(b.user.uri)
    wait_for(lambda: a.told, "a NOTIFY")
    wait_for(lambda: a.subscribe(None, dialog=dialog)[0].code == 481, "the end")


@tap.test(alone=True)
def publications_and_subscriptions_survive_kill_9_of_their_homes(case):
    a, b, c, d = (phone(case) for _ in range(4))
    a.publish(pidf(a.user, activities=["busy"], note="kept"))
    b.subscribe(a.user.uri)
    _, dialog = c.subscribe_list(a.user, d.user)
    b.wait_sees(a.user, "open", ["busy"])
    c.wait_sees(a.user, "open", ["busy"])
    number = max(m.cseq[0] for m in b.told)
    import time
    time.sleep(1.2)  # what is written behind is on disk after half a second
    b.people.clear()  # before the kill: the new process may notify before the kill is noticed
    c.people.clear()
    for number_of in range(1, case.site.frontends + 1):
        case.site.server.kill_role("frontend", number_of)
    wait_for(lambda: all(r["state"] == "running" for r in case.site.server.roles()), "roles")
    b.wait_sees(a.user, "open", ["busy"])
    c.wait_sees(a.user, "open", ["busy"])
    check_eq(b.sees(a.user).notes, ["kept"], "the note")
    check(b.told[-1].cseq[0] > number, "CSeq goes on")
    check_eq(a.publish(pidf(a.user, activities=["away"]), etag=a.etag).code, 200, "modify")
    b.wait_sees(a.user, "open", ["away"])
    c.wait_sees(a.user, "open", ["away"])
    check_eq(c.subscribe(None, dialog=dialog)[0].code, 200, "refresh")


@tap.test(alone=True)
def a_phone_that_is_not_to_ring_does_not_after_kill_9_of_its_home(case):
    a, b = phone(case), case.own(Phone(case.site.server, case.site.user("caller"), "tcp")).sign_in()
    check_eq(a.publish(pidf(a.user, other="Do not disturb")).code, 200, "PUBLISH")

    def code():
        m = b.send(b.invite(a.user.uri))
        answer = b.expect_answer(m)
        b.ack(m, answer)
        return answer.code, answer.get("ms-diagnostics", "")[:5]
    before = code()
    check_eq(before[0], 480, "before")
    import time
    time.sleep(1.2)  # what is written behind is on disk after half a second
    for number in range(1, case.site.frontends + 1):
        case.site.server.kill_role("frontend", number)
    wait_for(lambda: all(r["state"] == "running" for r in case.site.server.roles()), "roles")
    b = case.own(Phone(case.site.server, b.user, "tcp")).sign_in()
    check_eq(code(), before, "after")
    check(not a.has(lambda m: m.method == "INVITE"), "it rang")


if __name__ == "__main__":
    tap.main(site.make)
