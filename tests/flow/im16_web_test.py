#!/usr/bin/python3
"""Poster row IM-16: people who use a browser sign in, see one another, and chat, with Lync clients and
phones too."""
import base64
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.presence import PresenceClient, Publication, note_xml  # noqa: E402
from lib.siptext import Phone  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402
from lib.web import API, PAGE, SCRIPT, Browser, Site, address, make_pages  # noqa: E402


def make(args, folder):
    site.netns.enter()
    return site.Site(args, folder, web=f"metrics-port = 0\nweb-root = {make_pages(folder)}\n")


def web(case):
    return Site(case.site.server)


def browser(case, user=None, **kw):
    return case.own(Browser(web(case), user or case.site.user("web"), **kw))


def lync(case, user=None):
    return case.own(PresenceClient(case.site.server, user or case.site.user("lync")))


@tap.test
def a_password_makes_a_log_in_that_the_cookie_shows(case):
    b = browser(case)
    answer = b.log_in()
    check_eq(answer.status, 200, answer.body)
    check_eq(answer.json()["user"]["uri"], address(b.user), "who")
    cookie = answer.headers["Set-Cookie"]
    for part in ("__Host-dialtone=", "Path=/", "Secure", "HttpOnly", "SameSite=Strict"):
        check(part in cookie, f"{part} in {cookie}")
    again = b.site.request("GET", API + "session", cookie=b.cookie)
    check_eq((again.status, again.json()), (200, answer.json()), "the session")
    check_eq(b.log_out().status, 200, "log-out")
    check_eq(b.site.request("GET", API + "session", cookie=b.cookie).status, 401, "afterwards")


@tap.test
def the_browser_is_told_whose_it_is(case):
    user = case.site.user("web", name="Zoë \"Z\" Quill", phone="+4930987416")
    b = browser(case, user)
    wanted = {"uri": address(user), "name": "Zoë \"Z\" Quill", "phone": "+4930987416"}
    check_eq(b.log_in().json()["user"], wanted, "the log-in's answer")
    check_eq(b.site.request("GET", API + "session", cookie=b.cookie).json()["user"], wanted, "the session's")
    check_eq(b.connect(), 101, "WebSocket")
    check_eq(b.hello()["user"], wanted, "the welcome's")
    check_eq(b.connect(), 101, "another WebSocket")
    check_eq(b.hello(resume=True)["user"], wanted, "of the session that goes on")


@tap.test
def who_has_the_wrong_password_is_not_told_which_is_wrong(case):
    b = browser(case)
    wrong = b.log_in("wrong")
    check_eq((wrong.status, wrong.code), (401, "wrong_login"), "a wrong password")
    nobody = b.site.request("POST", API + "login", {"user": "nobody", "password": "wrong"})
    check_eq((nobody.status, nobody.body), (wrong.status, wrong.body), "nobody's")
    check_eq(b.cookie, None, "no cookie")


@tap.test
def a_browser_is_listed_with_the_process_that_has_its_connection(case):
    b, phone = browser(case).start(), case.own(Phone(case.site.server, case.site.user("caller"), "tcp"))
    phone.sign_in()
    (row,) = case.site.server.endpoints(b.user)
    check_eq((row["via"], row["agent"].split("/")[0]), ("web/1", "Dialtone-Web"), row)
    (other,) = case.site.server.endpoints(phone.user)
    check(other["via"].startswith("tcp "), other)
    story = str(case.site.server.json("explain", phone.user.name, b.user.name))
    check("(browser, " in story, story)


@tap.test
def requests_of_other_sites_and_broken_ones_are_refused(case):
    b = browser(case)
    body = {"user": b.user.name, "password": b.user.account_password}
    for headers, origin in ((), False), ([("Origin", "https://evil.test")], False):
        answer = b.site.request("POST", API + "login", body, headers, origin=origin)
        check_eq((answer.status, answer.code), (403, "foreign_origin"), headers)
    for bad in ("{", "[]", '{"user": "a"}', '{"user": 5, "password": "x"}'):
        answer = b.site.request("POST", API + "login", bad)
        check_eq((answer.status, answer.code), (400, "bad_request"), bad)
    answer = b.site.request("POST", API + "login", "a=b",
                            [("Content-Type", "application/x-www-form-urlencoded")])
    check_eq(answer.status, 415, "a form")
    check_eq(b.site.request("GET", API + "login").status, 405, "GET")
    check_eq(b.site.request("GET", "/api/v2/x").status, 404, "what there is not")
    check_eq(b.log_in().status, 200, "log-in")
    check_eq(b.connect(origin="https://evil.test"), 403, "a WebSocket of another site")
    check_eq(b.connect(cookie="x" * 40), 401, "a WebSocket without a log-in")
    check_eq(b.connect(protocol="other"), 400, "another protocol")


@tap.test
def pages_come_with_their_policies(case):
    b = browser(case)
    for path in ("/", "/index.html"):
        answer = b.site.request("GET", path, origin=False)
        check_eq((answer.status, answer.body.decode()), (200, PAGE), path)
        check("script-src 'self'" in answer.headers["Content-Security-Policy"], answer.headers)
        check_eq(answer.headers["X-Content-Type-Options"], "nosniff", "nosniff")
    script = b.site.request("GET", "/assets/main-1.js", origin=False)
    check("immutable" in script.headers["Cache-Control"], script.headers)
    again = b.site.request("GET", "/assets/main-1.js", origin=False,
                           headers=[("If-None-Match", script.headers["ETag"])])
    check_eq((again.status, again.body), (304, b""), "not changed")
    for path in ("/assets/none.js", "/people", "/../server/topology.conf", "/%2e%2e/x.y", "/.git/x.y"):
        check(b.site.request("GET", path, origin=False).status in (400, 404), path)


@tap.test
def two_browsers_see_one_another(case):
    a, b = browser(case).start(), browser(case).start()
    a.wait_self("available")
    a.ok("contacts.add", uri=address(b.user), name="Bob")
    wait_for(lambda: address(b.user) in a.contacts, "the contact")
    check_eq(a.contacts[address(b.user)]["name"], "Bob", "its name")
    a.wait_sees(b.user, "available")
    for state, seen in (("busy", "busy"), ("do_not_disturb", "do_not_disturb"), ("away", "away"),
                        ("be_right_back", "be_right_back"), ("offline", "offline"),
                        ("auto", "available")):
        b.ok("presence.set", state=state)
        a.wait_sees(b.user, seen)
    b.ok("presence.note", text="At <home> & away")
    wait_for(lambda: a.people[address(b.user)].get("note") == "At <home> & away", "the note")
    b.ok("presence.active", active=False)
    a.wait_sees(b.user, "idle")
    b.ok("presence.active", active=True)
    a.wait_sees(b.user, "available")
    check_eq(b.error("presence.set", state="flying"), "bad_request", "no such state")


@tap.test
def contacts_and_groups_are_changed_and_come_to_the_other_browser(case):
    a, bob = browser(case).start(), case.site.user("bob")
    second = browser(case, a.user).start()
    group = a.ok("groups.add", name="Work & <play>")["group"]
    a.ok("contacts.add", uri=address(bob), name="", group=group)
    wait_for(lambda: second.contacts.get(address(bob), {}).get("groups") == [group], "the contact")
    check_eq(second.groups[group], "Work & <play>", "the group")
    second.ok("contacts.rename", uri=address(bob), name="Bobby")
    wait_for(lambda: a.contacts[address(bob)]["name"] == "Bobby", "the new name")
    a.ok("contacts.move", uri=address(bob), groups=[1])
    wait_for(lambda: second.contacts[address(bob)]["groups"] == [1], "the other group")
    a.ok("groups.rename", group=group, name="Team")
    wait_for(lambda: second.groups[group] == "Team", "the group's new name")
    a.ok("groups.remove", group=group)
    wait_for(lambda: group not in second.groups, "the end of the group")
    a.ok("contacts.remove", uri=address(bob))
    wait_for(lambda: address(bob) not in second.contacts, "the end of the contact")
    check_eq(a.error("contacts.remove", uri=address(bob)), "not_found", "once more")
    check_eq(a.error("contacts.add", uri="no address"), "bad_request", "no address")


@tap.test
def people_are_found_and_watched_without_being_contacts(case):
    a, b = browser(case).start(), browser(case).start()
    found = wait_for(lambda: a.ok("people.search", text=b.user.name)["people"], "who is found")
    check_eq([p["uri"] for p in found], [address(b.user)], "who")
    a.ok("people.watch", uris=[address(b.user)])
    a.wait_sees(b.user, "available")
    a.ok("people.watch", uris=[])
    b.ok("presence.set", state="busy")
    a.ok("people.watch", uris=[address(b.user)])
    a.wait_sees(b.user, "busy")


@tap.test
def a_distribution_group_is_expanded(case):
    """Poster row FW-09, as browsers have it."""
    a, server = browser(case).start(), case.site.server
    users = case.site.users("one", "two", "off")
    group = f"group-{a.user.name}"
    server.tool("group", "add", group, "--name", "Some People")
    for user in users:
        server.tool("group", "member", "add", group, user.name)
    server.tool("user", "disable", users[2].name)
    whole = f"{group}@{server.domain}"
    wait_for(lambda: {p["uri"] for p in a.ok("people.members", group=whole)["people"]} == {address(u) for u in users[:2]},
             lambda: f"its members: {a.ok('people.members', group=whole)}")
    check_eq(a.ok("people.members", group=whole)["more"], False, "that is all")
    for bad, code in ((address(users[0]), "not_found"), ("nobody@" + server.domain, "not_found"), ("x", "bad_request"), (5, "bad_request")):
        check_eq(a.error("people.members", group=bad), code, bad)


@tap.test
def what_one_writes_the_other_reads(case):
    a, b = browser(case).start(), browser(case).start()
    sent = a.ok("chat.send", to=address(b.user), text="Hello <b>Bob</b> \u263a", ref="r1")["message"]
    got = b.wait_text("Hello <b>Bob</b> \u263a")
    check_eq((got["from"], got["chat"]), (address(a.user), address(a.user)), "from whom")
    check_eq((sent["state"], sent["chat"], sent["ref"]), ("delivered", address(b.user), "r1"), sent)
    check_eq(sent["id"], got["id"], "the same id at both")
    check_eq(a.ok("chat.send", to=address(b.user), text="Hello <b>Bob</b> \u263a", ref="r1")["message"],
             sent, "the same mark again")
    b.ok("chat.typing", to=address(a.user), on=True)
    wait_for(lambda: (address(b.user), True) in a.typing, "typing")
    b.ok("chat.typing", to=address(a.user), on=False)
    wait_for(lambda: (address(b.user), False) in a.typing, "its end")
    b.ok("chat.send", to=address(a.user), text="Hello Alice", ref="r1")
    a.wait_text("Hello Alice")
    check_eq([m["text"] for m in b.messages].count("Hello <b>Bob</b> \u263a"), 1, "once")


@tap.test
def the_other_browser_of_a_user_sees_the_same_chat(case):
    a, b = browser(case).start(), browser(case).start()
    second = browser(case, a.user).start()
    a.ok("chat.send", to=address(b.user), text="from one device")
    check_eq(second.wait_text("from one device")["chat"], address(b.user), "the chat")
    b.ok("chat.send", to=address(a.user), text="to both")
    check_eq(a.wait_text("to both")["id"], second.wait_text("to both")["id"], "the same")


@tap.test
def history_goes_back_page_by_page(case):
    a, b, c = (browser(case).start() for _ in range(3))
    for i in range(7):
        a.ok("chat.send", to=address(b.user), text=f"message {i}")
    a.ok("chat.send", to=address(c.user), text="to another")
    late = browser(case, a.user).start()
    page = late.ok("chat.history", **{"with": address(b.user)}, limit=4)
    check_eq([m["text"] for m in page["messages"]], [f"message {i}" for i in range(3, 7)], "newest")
    check(page["more"], "there is more")
    rest = late.ok("chat.history", **{"with": address(b.user)}, limit=4, before=page["before"])
    check_eq([m["text"] for m in rest["messages"]], [f"message {i}" for i in range(3)], "the rest")
    check(not rest["more"], "there is no more")
    everything = late.ok("chat.history", limit=100)["messages"]
    check_eq([m["text"] for m in everything], [f"message {i}" for i in range(7)] + ["to another"],
             "of all chats")
    check_eq(b.ok("chat.history", **{"with": address(c.user)})["messages"], [], "of nobody")


def found(a, text, **more):
    return [m["text"] for m in a.ok("chat.search", text=text, **more)["messages"]]


@tap.test
def what_was_said_is_found_by_its_words(case):
    a, b, c = (browser(case).start() for _ in range(3))
    said = ["Lunch at the Müller café?", "LUNCH is over", "Tomorrow then", "100 % of it: yes",
            "\u65e5\u672c\u8a9e \U0001f600"]
    for text in said:
        a.ok("chat.send", to=address(b.user), text=text)
    c.ok("chat.send", to=address(b.user), text="lunch without her")
    for text, wanted in (("lunch", said[:2]), ("muller lunch", said[:1]), ("Müll", said[:1]),
                         ("CAFE", said[:1]), ("lunch tomorrow", []), ("100%", said[3:4]),
                         ("\u672c\u8a9e", said[4:]), ("\U0001f600", said[4:])):
        check_eq(found(a, text), wanted, text)
    late = browser(case, b.user).start()
    check_eq(found(late, "lunch"), said[:2] + ["lunch without her"], "of all chats")
    check_eq(found(late, "lunch", **{"with": address(c.user)}), ["lunch without her"], "of one")
    page = late.ok("chat.search", text="lunch", limit=2)
    check_eq([m["text"] for m in page["messages"]], ["LUNCH is over", "lunch without her"], "newest")
    check(page["more"], "there is more")
    page = late.ok("chat.search", text="lunch", limit=2, before=page["before"])
    check_eq([m["text"] for m in page["messages"]], said[:1], "the rest")
    check(not page["more"], "there is no more")
    for text in ("", " ", "?!", "x" * 101, "a b c d e f g h i", None, 5):
        check_eq(late.error("chat.search", text=text), "bad_request", repr(text))


@tap.test
def html_is_searched_as_it_is_read(case):
    b = browser(case).start()
    p = case.own(Phone(case.site.server, case.site.user("phone"), "tcp")).sign_in()
    answer, _ = p.ask(p.make("MESSAGE", b.user.uri, body="<b>Bold</b> words &amp; <i>sl</i>anted",
                             headers=[("Content-Type", "text/html; charset=UTF-8")]))
    check_eq(answer.code, 200, "MESSAGE")
    b.wait_text("Bold words & slanted")
    check_eq(found(b, "slanted"), ["Bold words & slanted"], "over the marks")
    check_eq(found(b, "<b>"), ["Bold words & slanted"], "a word with the letter")
    check_eq(found(b, "amp"), [], "no reference")


@tap.test
def a_long_history_is_searched_part_by_part(case):
    a, b = browser(case).start(), browser(case).start()
    a.ok("chat.send", to=address(b.user), text="the needle")
    for i in range(520):
        a.ok("chat.send", to=address(b.user), text=f"hay {i}")
    got, before, asked = [], "", 0
    while True:
        page = b.ok("chat.search", text="needle", before=before)
        got += page["messages"]
        asked += 1
        check(asked < 5, "an end of it")
        if not page["more"]:
            break
        before = page["before"]
    check_eq([m["text"] for m in got], ["the needle"], "found")
    check_eq(len(found(b, "hay", limit=100)), 100, "the newest hundred")
    check_eq(found(b, "hay", limit=1), ["hay 519"], "the newest")


@tap.test
def who_searches_too_often_waits_and_chats_on(case):
    a, b = browser(case).start(), browser(case).start()
    numbers = [a.send("chat.search", text="x") for _ in range(60)]
    answers = [a.answer(n) for n in numbers]
    codes = [x["error"]["code"] for x in answers if "error" in x]
    check(codes and set(codes) == {"too_many"}, f"{codes}")
    check(len(codes) <= 30, f"{len(codes)} of 60 were refused")
    check_eq(a.ok("chat.send", to=address(b.user), text="on")["message"]["state"], "delivered", "on")


@tap.test
def who_reads_back_too_fast_waits_and_chats_on(case):
    a, b = browser(case).start(), browser(case).start()
    a.ok("chat.send", to=address(b.user), text="once")
    asked = []

    def refused():
        numbers = [a.send("chat.history", limit=1) for _ in range(40)]
        asked.extend(a.answer(n).get("error", {}) for n in numbers)
        return [e for e in asked if "asked for too often" in e.get("text", "")]
    error = wait_for(refused, "a page that is refused")[0]
    check_eq(error["code"], "too_many", error)
    check(asked.index(error) >= 100, f"after {asked.index(error)} pages")
    check_eq([m["text"] for m in b.ok("chat.history")["messages"]], ["once"], "another reads")
    check_eq(a.ok("chat.send", to=address(b.user), text="on")["message"]["state"], "delivered", "on")
    wait_for(lambda: "ok" in a.ask("chat.history", limit=1), "a page after a moment")


@tap.test
def messages_that_cannot_be_delivered_say_why(case):
    a, away = browser(case).start(), case.site.user("away")
    kept = a.ok("chat.send", to=address(away), text="for later")["message"]
    check_eq(kept["state"], "kept", "who is not signed in")
    check_eq(a.error("chat.send", to="nobody@example.test", text="x"), "not_found", "nobody")
    check_eq(a.error("chat.send", to=address(away), text="x" * 20001), "too_large", "too long")
    check_eq(a.error("chat.send", to="no address", text="x"), "bad_request", "no address")
    b = browser(case, away).start()
    check_eq(b.wait_text("for later")["from"], address(a.user), "what was kept")


@tap.test
def a_lync_client_and_a_browser_see_one_another_and_write(case):
    b = browser(case).start()
    a = lync(case)
    a.start()
    check_eq(a.watch(b.user).code, 200, "the Lync client watches")
    a.wait_sees(b.user, 3500)
    b.ok("people.watch", uris=[address(a.user)])
    b.wait_sees(a.user, "available")
    a.publish_user(6500)
    b.wait_sees(a.user, "busy")
    b.ok("presence.set", state="do_not_disturb")
    a.wait_sees(b.user, 9500)


@tap.test
def a_phone_and_a_browser_write_to_one_another(case):
    b = browser(case).start()
    phone = case.own(Phone(case.site.server, case.site.user("phone")))
    phone.register()
    number = b.send("chat.send", to=address(phone.user), text="Hello phone", ref="x")
    m = phone.expect(lambda m: m.method == "MESSAGE", "the message")
    check_eq(m.body.decode(), "Hello phone", "the text")
    phone.answer(m, 200)
    check_eq(b.answer(number)["ok"]["message"]["state"], "delivered", "state")
    sent = phone.make("MESSAGE", b.user.uri, body="Hello browser",
                      headers=[("Content-Type", "text/plain")])
    check_eq(phone.ask(sent)[0].code, 200, "the answer")
    check_eq(b.wait_text("Hello browser")["chat"], address(phone.user), "the chat")


@tap.test
def a_broken_connection_is_taken_up_again_without_loss(case):
    a, b = browser(case).start(), browser(case).start()
    b.ok("chat.send", to=address(a.user), text="before")
    a.wait_text("before")
    a.cut()
    for i in range(5):
        b.ok("chat.send", to=address(a.user), text=f"meanwhile {i}")
    check_eq(a.connect(), 101, "again")
    answer = a.hello(resume=True)
    check(answer["resumed"], "it goes on")
    for i in range(5):
        a.wait_text(f"meanwhile {i}")
    check_eq([m["text"] for m in a.messages].count("meanwhile 0"), 1, "once")


@tap.test
def what_was_seen_is_not_told_again(case):
    a, b = browser(case).start(), browser(case).start()
    b.ok("chat.send", to=address(a.user), text="one")
    a.wait_text("one")
    check_eq(a.error("seen", seq=a.seq + 1), "bad_request", "what was not told")
    a.ok("seen", seq=a.seq)
    a.cut()
    b.ok("chat.send", to=address(a.user), text="two")
    check_eq(a.connect(), 101, "again")
    check(a.hello(resume=True)["resumed"], "it goes on behind what was seen")
    a.wait_text("two")
    a.cut()
    check_eq(a.connect(), 101, "once more")
    a.seq = 0
    number = a.send("hello", tab=a.tab, resume={"session": a.session, "seq": 1})
    check(not a.answer(number)["ok"]["resumed"], "what was seen is gone")


@tap.test
def who_guesses_passwords_has_to_wait(case):
    b = browser(case)
    answers = [b.log_in(f"guess {i}") for i in range(12)]
    slow = next((x for x in answers if x.status == 429), None)
    check(slow, f"{[x.status for x in answers]}")
    check_eq(slow.code, "too_many_attempts", slow.body)
    check(slow.json()["error"]["retry_s"] > 0 and int(slow.headers["Retry-After"]) > 0, slow.body)


@tap.test
def a_session_is_shown_by_one_connection_at_a_time(case):
    a = browser(case).start()
    other = browser(case, a.user, tab=a.tab)
    other.cookie, other.session, other.seq = a.cookie, a.session, a.seq
    check_eq(other.connect(), 101, "another connection")
    check(other.hello(resume=True)["resumed"], "it takes the session")
    wait_for(lambda: a.closed, "the end of the first one")
    check_eq(a.closed.code, 4002, "why")


@tap.test
def a_session_is_taken_up_with_its_own_log_in_alone(case):
    a = browser(case).start()
    other = browser(case, a.user)
    check_eq(other.log_in().status, 200, "another log-in of the same user")
    other.session, other.seq = a.session, a.seq
    check_eq(other.connect(), 101, "another connection")
    other.seq = 0
    check(not other.hello(resume=True)["resumed"], "a session of its own")
    check_eq(a.log_out().status, 200, "log-out")
    wait_for(lambda: a.closed, "the end of the first one")
    check("ok" in other.ask("presence.active", active=True), "the other one goes on")


@tap.test
def who_logs_out_is_signed_off_everywhere_in_that_browser(case):
    a, b = browser(case).start(), browser(case).start()
    b.ok("people.watch", uris=[address(a.user)])
    b.wait_sees(a.user, "available")
    check_eq(a.log_out().status, 200, "log-out")
    wait_for(lambda: a.closed, "the end of the connection")
    check_eq(a.closed.code, 4001, "why")
    b.wait_sees(a.user, "offline")


@tap.test
def a_password_that_is_changed_ends_the_log_in(case):
    a, b = browser(case).start(), browser(case).start()
    b.ok("people.watch", uris=[address(a.user)])
    b.wait_sees(a.user, "available")
    case.site.server.tool("user", "passwd", a.user.name, "--password-stdin",
                          input_text="another long password\n")
    wait_for(lambda: a.closed, "the end of the connection")
    check_eq(a.closed.code, 4001, "why")
    b.wait_sees(a.user, "offline")
    check_eq(a.log_in().status, 401, "the old password")
    check_eq(a.log_in("another long password").status, 200, "the new one")


@tap.test
def people_with_the_longest_notes_are_seen_all(case):
    b, noted = browser(case).start(), case.site.users(*["noted"] * 32)
    for user in noted:
        a = lync(case, user)
        a.start()
        body = note_xml('"' * 23000)
        check_eq(a.publish(Publication("note", 0, 200, body)).code, 200, "a long note")
    b.ok("people.watch", uris=[address(u) for u in noted])
    wait_for(lambda: all(len(b.people.get(address(u), {}).get("note", "")) == 2000 for u in noted),
             lambda: f"{len(b.people)} people with their notes")


@tap.test
def what_is_no_address_is_said_at_once(case):
    a = browser(case).start()
    for to in ("", "a", "@", "a@", "a@[::1", "a@b@c", "%@example.test", "a\\@example.test", "a@:5060",
               "a b@example.test", "a@example.test\r\nX: y", "a@example.test?Subject=x", "a:b@example.test",
               "sips:a@example.test", "\u00e4@example.test", "a@example.test#f", "a@example.test:99999999",
               "a" * 250 + "@example.test"):
        check_eq(a.error("chat.send", to=to, text="x"), "bad_request", repr(to))
        check_eq(a.error("contacts.add", uri=to, name="x"), "bad_request", repr(to))
        if to:
            check_eq(a.error("chat.history", **{"with": to}), "bad_request", repr(to))
    check_eq(a.error("chat.send", to="nobody@example.test", text="x"), "not_found", "nobody")


@tap.test
def a_long_history_is_read_page_by_page(case):
    a, b = browser(case).start(), browser(case).start()
    texts = [f"{i:02}" + "x" * 19990 for i in range(60)]
    for text in texts:
        a.ok("chat.send", to=address(b.user), text=text)
    got, before = [], ""
    while len(got) < len(texts):
        page = b.ok("chat.history", limit=100, before=before, **{"with": address(a.user)})
        check(page["messages"], f"messages after {len(got)}")
        got[:0] = [m["text"] for m in page["messages"]]
        before = page["before"]
    check_eq(got, texts, "all of them once, in their order")
    check(not b.ok("chat.history", limit=100, before=before)["messages"], "no more")


@tap.test
def who_is_watched_while_others_are_asked_for_is_seen_too(case):
    a, b, c = browser(case).start(), browser(case).start(), browser(case).start()
    a.send("people.watch", uris=[address(b.user)])
    a.ok("people.watch", uris=[address(b.user), address(c.user)])
    a.wait_sees(b.user, "available")
    a.wait_sees(c.user, "available")


@tap.test
def a_list_of_long_addresses_is_asked_for_in_parts(case):
    a, b = browser(case).start(), browser(case).start()
    far = [f"{i:03}" + "&" * 90 + "@example.test" for i in range(499)]
    a.ok("people.watch", uris=far + [address(b.user)])
    a.wait_sees(b.user, "available")
    wait_for(lambda: all(uri in a.people for uri in far), lambda: f"{len(a.people)} people")


@tap.test
def what_is_no_message_of_the_protocol_ends_the_connection(case):
    a = browser(case)
    check_eq(a.log_in().status, 200, "log-in")
    for data in (b"{", b"[]", b'{"op":"hello"}', b'{"id":-1,"op":"hello","tab":"x"}',
                 b'{"id":1,"op":"chat.send"}', b'{"id":0,"op":"hello","tab":"x"}', b'{"id":1,"op":"hello","tab":"a b"}', b"\xff"):
        check_eq(a.connect(), 101, "connection")
        a.frame(1, data)
        wait_for(lambda: a.closed, f"the end after {data}")
        check(a.closed.code in (4003, 1007), f"{a.closed} after {data}")
    a.start()
    check_eq(a.error("fly.away"), "unknown_op", "what there is not")


@tap.test
def a_session_outlives_a_connection_that_broke_the_rules(case):
    a, b = browser(case).start(), browser(case).start()
    a.frame(2, b"no text")
    wait_for(lambda: a.closed, "the end of the connection")
    check_eq(a.closed.code, 4003, "why")
    a.frame(8, b"\x03\xe8")
    a.sock.settimeout(tap.WAIT_S)
    check_eq(a.sock.recv(1), b"", "the end of the stream")
    a.cut()
    for i in range(10):
        b.ok("chat.send", to=address(a.user), text=f"to nobody's connection {i}")
    check_eq(a.connect(), 101, "again")
    check(a.hello(resume=True)["resumed"], "the session is there")
    for i in range(10):
        a.wait_text(f"to nobody's connection {i}")


@tap.test
def a_resumption_with_an_odd_number_begins_anew(case):
    a = browser(case).start()
    for seq in ("1e300", "1e999", "-1", "18446744073709551615", "null", '"1"', "1000"):
        a.cut()
        check_eq(a.connect(), 101, "connection")
        a.answers.clear()
        a.seq = 0
        resume = f'{{"session":"{a.session}","seq":{seq}}}'
        a.frame(1, f'{{"id":7,"op":"hello","tab":"{a.tab}","resume":{resume}}}'.encode())
        answer = a.answer(7)["ok"]
        check(not answer["resumed"], f"from {seq}: {answer}")
        a.session = answer["session"]


@tap.test(alone=True)
def whose_log_in_is_new_is_not_shut_out_by_a_neighbour(case):
    def knock():
        ticket = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
        return web(case).request("GET", API + "session", cookie=ticket).status
    check(any(knock() == 429 for _ in range(1000)), "the address has shown too many tickets")
    browser(case).start()


@tap.test(alone=True)
def a_killed_web_process_comes_back_and_browsers_too(case):
    a, b = browser(case).start(), browser(case).start()
    case.site.server.kill_role("web", 1)
    wait_for(lambda: a.closed and b.closed, "the end of the connections")

    def again(x):
        try:
            return x.connect() == 101
        except OSError:
            return False
    for x in (a, b):
        wait_for(lambda x=x: again(x), "the web role")
        x.seq = 0
        check(not x.hello(resume=True)["resumed"], "it is a new session")
    b.ok("chat.send", to=address(a.user), text="after the kill")
    a.wait_text("after the kill")


@tap.test(alone=True)
def a_killed_front_end_signs_nobody_off(case):
    b, others = browser(case).start(), [browser(case).start() for _ in range(4)]
    for n in range(1, case.site.frontends + 1):
        case.site.server.kill_role("frontend", n)
        for a in others:  # whose home it may have been, though another one has the link
            text = f"after the kill of {n}"
            wait_for(lambda a=a, text=text: "ok" in b.ask("chat.send", to=address(a.user),
                                                           text=text), "a message that goes")
            a.wait_text(text)
    check_eq([x.closed for x in (b, *others)], [None] * 5, "the connections")


if __name__ == "__main__":
    tap.main(make)
