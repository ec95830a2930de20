#!/usr/bin/python3
"""Poster row IM-01: presence of Lync clients, published, combined, and seen by who may see it."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.presence import (BATCH, PresenceClient, Publication, SUBSCRIBER, NS, conflicts,  # noqa: E402
                          note_xml, state_xml)
from lib.siptext import Phone, reset  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402


def client(case, user=None, start=True, **kw):
    c = case.own(PresenceClient(case.site.server, user or case.site.user("p"), **kw))
    return c.start() if start else c


@tap.test
def a_new_user_finds_default_containers_and_a_card(case):
    a = client(case)
    check("sameEnterprise" in dict(a.containers["200"][1]), f"{a.containers}")
    check("federated" in dict(a.containers["100"][1]), f"{a.containers}")
    check_eq(set(a.containers), {"0", "1", "2", "3", "100", "200", "300", "400", "32000"},
             "containers")
    check(("contactCard", "0", "0") in a.own, f"{list(a.own)}")
    wait_for(lambda: a.aggregate() == 3500, lambda: f"an aggregate: {a.aggregate()}")


@tap.test
def a_contact_sees_state_note_and_name_and_every_change(case):
    a, b = client(case), client(case)
    check_eq(a.watch(b.user).code, 200, "SUBSCRIBE")
    a.wait_sees(b.user, 3500)
    wait_for(lambda: a.name_of(b.user), "a name")
    for availability in (6500, 9500, 12500, 15500, 3500):
        check_eq(b.publish_user(availability).code, 200, "publish")
        a.wait_sees(b.user, availability)
        wait_for(lambda: b.aggregate() == availability, "the own aggregate")
    check_eq(b.publish_note("in the lab").code, 200, "note")
    wait_for(lambda: a.note_of(b.user) == "in the lab", "the note")
    # Whose version is named next: what the publisher itself is told may come after that.
    wait_for(lambda: all(("note", "0", c) in b.own for c in ("200", "300", "400")), "the own note")
    check_eq(b.publish(*(Publication("note", 0, c, "", expires=0)
                         for c in (200, 300, 400))).code, 200, "no note")
    wait_for(lambda: a.note_of(b.user) is None, "no note")


@tap.test
def who_never_signed_in_is_seen_offline_with_a_name(case):
    a, users = client(case), case.site.users("one", "two", "three", "four")
    check_eq(a.watch(*users).code, 200, "SUBSCRIBE")
    for user in users:
        a.wait_sees(user, 18500)
        check_eq(a.name_of(user), user.name + "@example.test", "the name")


@tap.test
def appear_offline_hides_and_sign_off_shows_offline(case):
    a, b = client(case), client(case)
    a.watch(b.user)
    a.wait_sees(b.user, 3500)
    b.publish_user(18500)
    a.wait_sees(b.user, 18500)
    b.publish_user(3500)
    a.wait_sees(b.user, 3500)
    b.sign_off()
    a.wait_sees(b.user, 18500)


@tap.test
def wrong_versions_are_all_named_and_the_right_ones_are_taken(case):
    a = client(case)
    check_eq(a.publish_user(6500).code, 200, "first")
    wait_for(lambda: ("state", "536870912", "3") in a.own, "the own state")
    wrong = [Publication("state", 536870912, c, state_xml(9500), version=7) for c in (2, 3)]
    answer = a.publish(Publication("note", 0, 200, note_xml("x")), *wrong)
    check_eq(answer.code, 409, "publish with wrong versions")
    check_eq(conflicts(answer), {2: 1, 3: 1}, "current versions")
    check(("note", "0", "200") not in a.own, "nothing of it was taken")
    check_eq(a.publish_user(9500).code, 200, "with the right ones")


@tap.test
def a_second_endpoint_learns_everything_and_a_new_one_continues_the_versions(case):
    user = case.site.user("two")
    a, b = client(case, user), client(case, user)
    a.publish_user(6500)
    wait_for(lambda: b.aggregate() == 6500, "the other's aggregate")
    wait_for(lambda: ("state", "536870912", "2") in b.own, "the state at the other")
    check_eq(b.publish_user(9500).code, 200, "publish from the other")
    wait_for(lambda: a.aggregate() == 9500, "the aggregate at the first")


@tap.test
def the_most_active_machine_counts(case):
    user = case.site.user("active")
    a, b, w = client(case, user), client(case, user), client(case)
    w.watch(user)
    w.wait_sees(user, 3500)
    a.publish_machine(15500)
    b.publish_machine(15500)
    w.wait_sees(user, 15500)
    b.publish_machine(3500)
    w.wait_sees(user, 3500)
    b.sign_off()
    w.wait_sees(user, 15500)


@tap.test
def blocking_and_privacy_levels_are_seen_at_once(case):
    a, b = client(case), client(case)
    a.watch(b.user)
    a.wait_sees(b.user, 3500)
    b.publish_note("for colleagues")
    wait_for(lambda: a.note_of(b.user) == "for colleagues", "the note")
    me = a.user.uri.removeprefix("sip:")
    check_eq(b.set_members(32000, ("add", "user", me)).code, 200, "block")
    a.wait_sees(b.user, 18500)
    wait_for(lambda: a.note_of(b.user) is None, "no note for the blocked")
    check(a.name_of(b.user), "the name stays")
    wait_for(lambda: b.containers["32000"][0] == 1, "the container's new version")
    check_eq(b.set_members(32000, ("remove", "user", me)).code, 200, "unblock")
    a.wait_sees(b.user, 3500)
    check_eq(b.set_members(300, ("add", "user", me)).code, 200, "team")
    b.publish_user(9500)
    a.wait_sees(b.user, 9500)
    state = a.people[b.user.uri.removeprefix("sip:")]["state"][0]
    check_eq(state.find("activity").get("token"), "urgent-interruptions-only", "token")


@tap.test
def who_is_put_on_a_list_is_asked_once(case):
    a, b = client(case), client(case)
    a.watch(b.user, context=True)
    me = a.user.uri.removeprefix("sip:")
    wait_for(lambda: b.subscribers.get(me) == "false", "the question")
    body = (f'<setSubscribers xmlns="{NS}presence-subscribers">'
            f'<subscriber user="{me}" acknowledged="true"/></setSubscribers>')
    check_eq(b.service(SUBSCRIBER, body).code, 200, "setSubscribers")
    wait_for(lambda: b.subscribers.get(me) == "true", "the answer")
    c = client(case, b.user)
    check_eq(c.subscribers.get(me), "true", "at another endpoint")


@tap.test
def people_who_do_not_exist_have_no_presence_and_spoil_nothing(case):
    a, b = client(case), client(case)
    check_eq(a.watch("sip:nobody@example.test", b.user, "sip:x@elsewhere.test", "mailto:x").code,
             200, "SUBSCRIBE")
    a.wait_sees(b.user, 3500)
    wait_for(lambda: {"nobody@example.test", "x@elsewhere.test"} <= a.absent, "absent people")


@tap.test
def nobody_publishes_for_another(case):
    a, b = client(case), client(case)
    p = [Publication("state", 1 << 29, c, state_xml(9500), version=0) for c in (2, 3)]
    check_eq(a.publish(*p, uri=b.user.uri).code, 403, "another's publications")
    answer = a.service("application/msrtc-category-publish+xml", "<publish/>", uri=b.user.uri)
    check_eq(answer.code, 403, "to another's home")
    check_eq(a.publish(Publication("state", 5, 77, state_xml(3500))).code, 403,
             "a container that there is not")
    check_eq(a.publish(Publication("state", 5, 2, state_xml(3500, "aggregateState"))).code, 403,
             "the server's state")
    check_eq(a.publish(Publication("note", 0, 200, "<note>" + "x" * 30000 + "</note>")).code, 413,
             "too large")
    check_eq(a.service("application/msrtc-category-publish+xml", "<publish").code, 400, "no XML")


@tap.test
def a_phone_is_quiet_while_its_user_is_not_to_be_disturbed_except_for_the_workgroup(case):
    b, user = client(case), case.site.user("caller")
    caller = case.own(Phone(case.site.server, user, "tcp")).sign_in()
    phone = case.own(Phone(case.site.server, b.user, "tcp")).sign_in()

    check_eq(b.publish_user(9500).code, 200, "do not disturb")
    m = caller.send(caller.invite(b.user.uri))
    b.answer(b.expect_request("INVITE"), 480)
    caller.ack(m, caller.expect_answer(m))
    check(not phone.has(lambda r: r.method == "INVITE"), "the phone does not ring")
    check_eq(b.set_members(300, ("add", "user", user.uri.removeprefix("sip:"))).code, 200, "team")
    m = caller.send(caller.invite(b.user.uri))
    b.answer(b.expect_request("INVITE"), 480)
    phone.answer(phone.expect_request("INVITE"), 486)
    caller.ack(m, caller.expect_answer(m))


@tap.test
def unknown_categories_are_kept_and_delivered_as_they_are(case):
    a, b = client(case), client(case)
    a.watch(b.user, categories=("state", "somethingNew"))
    body = '<new xmlns="urn:x"><a b="c">d</a></new>'
    check_eq(b.publish(Publication("somethingNew", 4, 200, body)).code, 200, "publish")
    name = b.user.uri.removeprefix("sip:")
    wait_for(lambda: a.people.get(name, {}).get("somethingNew"), "the category")
    check_eq(a.people[name]["somethingNew"][0].find("a").text, "d", "its content")


@tap.test
def an_unknown_category_that_goes_is_taken_from_who_had_it(case):
    b = client(case)
    watchers = [client(case) for _ in range(6)]  # homes are chosen by hash
    name, body = b.user.uri.removeprefix("sip:"), '<new xmlns="urn:x"/>'

    def have(*wanted, who=watchers):
        for a in who:
            got = a.people.get(name, {})
            if [len(got.get(c, ())) for c in ("newOne", "newTwo")] != list(wanted):
                return False
        return True
    for a in watchers:
        a.watch(b.user, categories=("state", "newOne"))
    b.publish(Publication("newOne", 4, 200, body), Publication("newTwo", 4, 200, body))
    wait_for(lambda: have(1, 1), lambda: f"both: {[a.people.get(name) for a in watchers]}")
    check_eq(b.publish(Publication("newOne", 4, 200, "", expires=0)).code, 200, "the one goes")
    wait_for(lambda: have(0, 1), lambda: f"the other: {[a.people.get(name) for a in watchers]}")
    wait_for(lambda: ("newOne", "4", "200") not in b.own and ("newTwo", "4", "200") in b.own,
             "what its own endpoint knows")
    moved = watchers[0].user.uri.removeprefix("sip:")
    check_eq(b.set_members(400, ("add", "user", moved)).code, 200, "another relationship")
    wait_for(lambda: have(0, 0, who=watchers[:1]), "who may not see it any more")
    check(have(0, 1, who=watchers[1:]), "the others")
    check_eq(b.publish(Publication("newTwo", 4, 200, "", expires=0)).code, 200, "the other goes")
    wait_for(lambda: have(0, 0), "nothing")
    late = client(case)
    late.watch(b.user, categories=("state", "newOne"))
    late.wait_sees(b.user, 3500)
    check("newOne" not in late.people[name], f"who never had it: {late.people[name]}")


@tap.test
def an_administrator_sees_what_was_published(case):
    a = client(case)
    a.publish_user(9500)
    shown = case.site.server.json("presence", "show", a.user.name)
    check_eq((shown["state"], shown["signed_in"]), ("do not disturb", True), "state")
    check({("state", 2), ("contactCard", 0)} <=
          {(p["category"], p["container"]) for p in shown["publications"]}, f"{shown}")


@tap.test
def an_administrator_sees_what_one_watcher_sees(case):
    tool = case.site.server
    b, c, d = (client(case) for _ in range(3))
    a = client(case, case.site.user("p", extension="7411"))
    a.publish_user(6500)
    check_eq(a.publish_note("in the lab").code, 200, "note")
    check_eq(a.publish(Publication("note", 0, 400, note_xml("ring me at home"))).code, 200,
             "a note for friends")
    for who, container in ((c, 400), (d, 32000)):
        check_eq(a.set_members(container, ("add", "user", who.user.uri.removeprefix("sip:"))).code,
                 200, "set members")
    shown = tool.json("presence", "show", "7411")
    check_eq((shown["user"], shown["state"], shown["note"]),
             (a.user.uri.removeprefix("sip:"), "busy", ["in the lab"]), "to colleagues")

    def seen(who):
        got = tool.json("presence", "show", a.user.name, "--as", who)
        check("members" not in got and "publications" not in got, f"{got}")
        return got["container"], got["relationship"], got["state"], got["note"]
    check_eq(seen(b.user.name), (200, "colleagues", "busy", ["in the lab"]), "b")
    check_eq(seen(c.user.uri), (400, "friends and family", "busy", ["ring me at home"]), "c")
    check_eq(seen(d.user.name), (32000, "blocked", "offline", []), "d")
    check_eq(seen("x@other.test")[:2], (100, "external contacts"), "a stranger")
    for who, availability in ((b, 6500), (c, 6500), (d, 18500)):
        who.watch(a.user)
        who.wait_sees(a.user, availability)
    wait_for(lambda: c.note_of(a.user) == "ring me at home", "what c is told")
    check_eq((b.note_of(a.user), d.note_of(a.user)), ("in the lab", None), "what the others are")
    text = tool.tool("presence", "show", a.user.name, "--as", d.user.name)
    check("the lab" not in text and "home" not in text and "7411" not in text, text)
    for who in ("nosuch", f"nosuch@{a.user.domain}", "nosuch@"):
        text = tool.tool("presence", "show", a.user.name, "--as", who, ok=False)
        check(text.startswith("dialtone: "), text)


@tap.test
def who_comes_back_at_once_was_never_gone(case):
    a, b = client(case), client(case)
    a.watch(b.user)
    a.wait_sees(b.user, 3500)
    told = len(a.told)
    reset(b)
    wait_for(lambda: not case.site.server.endpoints(b.user), "the lost endpoint")
    c = case.own(PresenceClient(case.site.server, b.user))
    c.uuid, c.epid = b.uuid, b.epid
    c.start()
    check_eq(c.publish_user(9500).code, 200, "publish")
    a.wait_sees(b.user, 9500)
    check(not any(b"18500" in m.body for m in a.told[told:]), "nobody saw it offline")


@tap.test
def who_does_not_come_back_is_seen_offline(case):
    a, b = client(case), client(case)
    a.watch(b.user)
    a.wait_sees(b.user, 3500)
    reset(b)
    a.wait_sees(b.user, 18500)


@tap.test
def a_card_with_a_picture_is_passed_on(case):
    a, b = client(case), client(case)
    a.watch(b.user)
    card = (f'<contactCard xmlns="{NS}contactcard"><photo type="default"><uri>'
            "http://example.test/b.png</uri><hash>abc</hash></photo></contactCard>")
    check_eq(b.publish(Publication("contactCard", 3, 200, card)).code, 200, "contactCard")
    name = b.user.uri.removeprefix("sip:")
    wait_for(lambda: any(e.findtext("photo/uri") == "http://example.test/b.png"
                         for e in a.people.get(name, {}).get("contactCard", [])), "the picture")


@tap.test
def who_takes_the_own_card_off_has_that_of_the_directory_again(case):
    a, b = client(case), client(case)
    a.watch(b.user)
    wait_for(lambda: a.name_of(b.user) == b.user.name + "@example.test", "the directory's name")
    card = (f'<contactCard xmlns="{NS}contactcard"><identity><name><displayName>Bee</displayName>'
            "</name></identity></contactCard>")
    check_eq(b.publish(Publication("contactCard", 0, 200, card)).code, 200, "an own card")
    wait_for(lambda: a.name_of(b.user) == "Bee", lambda: f"the own name: {a.name_of(b.user)}")
    wait_for(lambda: b.known_version(Publication("contactCard", 0, 200, "")) > 0, "its version")
    check_eq(b.publish(Publication("contactCard", 0, 200, "", expires=0)).code, 200, "none")
    wait_for(lambda: a.name_of(b.user) == b.user.name + "@example.test", "the directory's again")


@tap.test
def who_asks_once_is_told_of_everybody(case):
    others = [client(case) for _ in range(6)]
    a = client(case)
    body = "".join(f'<resource uri="{o.user.uri}"/>' for o in others)
    answer = a.subscribe("presence", '<batchSub xmlns="http://schemas.microsoft.com/2006/01/sip/'
                         f'batch-subscribe" uri="{a.user.uri}" name=""><action name="subscribe" '
                         f'id="1"><adhocList>{body}</adhocList></action></batchSub>', BATCH,
                         headers=[("Expires", 0)])
    check_eq(answer.code, 200, "SUBSCRIBE")
    check_eq([a.sees(o.user) for o in others], [3500] * 6, "the states in the answer")
    b = case.own(Phone(case.site.server, case.site.user("phone"), "tcp")).sign_in()
    answer, m = b.ask(b.make("SUBSCRIBE", others[0].user.uri, headers=[
        ("Event", "presence"), ("Expires", 0), ("Accept", "application/pidf+xml")]))
    check_eq(answer.code, 200, "the phone's SUBSCRIBE")
    told = b.expect_request("NOTIFY")
    check(b"open" in told.body and "terminated" in told.get("Subscription-State"), f"{told.body}")


@tap.test
def a_client_that_mixes_up_two_subscriptions_is_understood(case):
    """pidgin-sipe does, when it has sent the second before the first was answered."""
    a, b, c, d = (client(case) for _ in range(4))
    check_eq(a.watch(b.user).code, 200, "the first")
    first = a.dialogs.pop("presence")
    check_eq(a.watch(c.user).code, 200, "the second")
    mixed = a.dialogs["presence"]
    mixed.call_id, mixed.local = first.call_id, first.local
    check_eq(a.watch(d.user, context=True).code, 200, "the mixture")
    for other in (b, c, d):
        check_eq(other.publish_user(9500).code, 200, "publish")
        a.wait_sees(other.user, 9500)
    spy = client(case)
    spy.dialogs["presence"] = mixed
    check_eq(spy.watch(b.user).code, 403, "in the name of another")


@tap.test
def limits_are_kept_and_others_are_not_disturbed(case):
    a, b = client(case), client(case)
    many = [Publication("x", i, 200, "<x/>", version=0) for i in range(150)]
    check_eq(a.publish(*many).code, 200, "150 publications")
    more = [Publication("y", i, 200, "<y/>", version=0) for i in range(100)]
    check_eq(a.publish(*more).code, 403, "250 publications")
    check_eq(a.watch(*[f"sip:n{i}@example.test" for i in range(1001)]).code, 403, "1,001 people")
    check_eq(a.watch(*[f"sip:n{i}@example.test" for i in range(900)], b.user).code, 200, "901")
    a.wait_sees(b.user, 3500)
    evil = "x--" * 20 + "\r\n--dialtone-list--\r\n"
    check_eq(b.publish_note(evil).code, 200, "a note with a boundary")
    wait_for(lambda: a.note_of(b.user), "the note")
    for _ in range(200):
        answer = a.subscribe_contacts()
        if answer.code != 200:
            break
    check_eq(answer.code, 403, "the 201st subscription")
    deep = "<a>" * 100 + "</a>" * 100
    for body in (deep, '<!DOCTYPE x [<!ENTITY a "b">]><publish>&a;</publish>', "\0", "<publish>"):
        answer = a.service("application/msrtc-category-publish+xml", body)
        check_eq(answer.code, 413 if body is deep else 400, body[:20])


@tap.test(alone=True)
def privacy_mode_shows_presence_to_contacts_alone(case):
    server = case.site.server
    a, b = client(case), client(case)
    a.watch(b.user)
    a.wait_sees(b.user, 3500)
    before = server.settings["frontend"]
    server.settings["frontend"] += "privacy-mode = yes\n"
    server._write_config()
    try:
        server.reload()
        name = b.user.uri.removeprefix("sip:")
        a.wait_sees(b.user, 18500)
        check(a.name_of(b.user), "the name stays")
        check_eq(b.soap("setContact", displayName="", groups="1", subscribed="true",
                        URI=a.user.uri, externalURI="").code, 200, "setContact")
        a.wait_sees(b.user, 3500)
    finally:
        server.settings["frontend"] = before
        server._write_config()
        server.reload()


@tap.test(alone=True)
def a_client_whose_home_was_killed_comes_again_and_all_is_as_before(case):
    for number in range(1, case.site.frontends + 1):
        a, b = client(case), client(case)
        a.watch(b.user)
        a.wait_sees(b.user, 3500)
        case.site.server.kill_role("frontend", number)
        wait_for(lambda: all(r["state"] == "running" for r in case.site.server.roles()), "roles")
        home = {u.user.name: case.site.server.json("explain", u.user.name, u.user.name)
                for u in (a, b)}
        again = {}
        for who in (a, b):
            at_home = f"process {number} of" in str(home[who.user.name]["steps"])
            if at_home:
                wait_for(lambda who=who: who.closed, "the end of the connection")
            again[who] = client(case, who.user) if who.closed else who
        if again[a] is not a:
            again[a].watch(b.user)
        again[b].publish_user(9500)
        again[a].wait_sees(b.user, 9500)


@tap.test(alone=True)
def what_was_acknowledged_is_there_after_kill_9(case):
    user = case.site.user("kept")
    a = client(case, user)
    check_eq(a.publish_user(6500).code, 200, "state")
    check_eq(a.publish_note("back at four").code, 200, "note")
    check_eq(a.set_members(400, ("add", "user", "x@example.test")).code, 200, "container")
    for number in range(1, case.site.frontends + 1):
        case.site.server.kill_role("frontend", number)
    wait_for(lambda: all(r["state"] == "running" for r in case.site.server.roles()), "roles")
    b, w = client(case, user, start=False), client(case)
    b.start()
    wait_for(lambda: b.aggregate() == 6500, lambda: f"busy: {b.aggregate()}")
    check_eq(b.containers["400"], (1, [("user", "x@example.test")]), "container")
    w.watch(user)
    w.wait_sees(user, 6500)
    wait_for(lambda: w.note_of(user) == "back at four", "the note")


if __name__ == "__main__":
    tap.main(site.make)
