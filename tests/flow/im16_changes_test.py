#!/usr/bin/python3
"""Poster row IM-16: what was said in a browser is edited, deleted and reacted to."""
import json
import os
import sys
import sqlite3
import glob

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.im import lync, phone, take  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402
from lib.web import Browser, Site, address, make_pages  # noqa: E402

AUDIO = ("v=0\r\no=- 0 0 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
         "m=audio 5062 RTP/AVP 0\r\n")


def make(args, folder):
    site.netns.enter()
    return site.Site(args, folder, settings="im-links = warn\n",
                     web=f"metrics-port = 0\nweb-root = {make_pages(folder)}\n")


def browser(case, user=None, **kw):
    return case.own(Browser(Site(case.site.server), user or case.site.user("web"), **kw)).start()


def say(a, to, text):
    """What was said, as the sender has it."""
    return a.ok("chat.send", to=to if isinstance(to, str) else address(to.user), text=text)["message"]


def which(m):
    return {"chat": m["chat"], "message": m["id"], "at": m["at"]}


def seen(b, m, kind):
    """The event of that kind."""
    def event():
        return next((e for e in b.events if e["ev"] == "change" and (e["id"], e["kind"]) == (m["id"], kind)), None)
    return wait_for(event, lambda: f"{kind} of {m['id']} among {[e for e in b.events if e['ev'] == 'change']}")


def last(b, chat):
    """The last message of the history, without what is of no concern here."""
    messages = b.ok("chat.history", **{"with": chat})["messages"]
    return {k: messages[-1].get(k) for k in ("text", "deleted", "reactions")} if messages else None


def wait_last(b, chat, **wanted):
    wanted = {"text": None, "deleted": None, "reactions": None, **wanted}
    wait_for(lambda: last(b, chat) == wanted, lambda: f"{wanted}, not {last(b, chat)}")


@tap.test
def a_message_is_edited_on_both_sides(case):
    a, b = browser(case), browser(case)
    m = say(a, b, "Helo")
    there = b.wait_text("Helo")
    check_eq(there["id"], m["id"], "the id")
    check_eq(a.ok("chat.edit", **which(m), text="Hello"), {"shown": True}, "who sees it")
    for x, chat in ((a, address(b.user)), (b, address(a.user))):
        e = seen(x, m, "edit")
        check_eq((e["chat"], e["from"], e["text"]), (chat, address(a.user), "Hello"), "told")
        wait_last(x, chat, text="Hello")
        found = x.ok("chat.search", text="hello")["messages"]
        check_eq([f["text"] for f in found], ["Hello"], "found as it is")
        check_eq(x.ok("chat.search", text="helo")["messages"], [], "and not as it was")
    m2 = b.ok("chat.history", **{"with": address(a.user)})["messages"][-1]
    check(m2["edited_at"] > m2["at"], m2)
    a.ok("chat.edit", **which(m), text="Hello!")
    wait_last(b, address(a.user), text="Hello!")
    wait_for(lambda: texts(case, m) == [["", "", "Hello!"]],
             lambda: f"what was replaced is gone from the tables: {texts(case, m)}")
    a.ok("chat.delete", **which(m))
    wait_last(b, address(a.user), text="", deleted=True)
    wait_for(lambda: texts(case, m) == [["", "", "", ""]], lambda: f"and then the last: {texts(case, m)}")
    for x, chat in ((a, address(b.user)), (b, address(a.user))):
        wait_last(x, chat, text="", deleted=True)


@tap.test
def a_message_is_deleted(case):
    a, b = browser(case), browser(case)
    secret = "a secret " + os.urandom(8).hex()
    m = say(a, b, secret)
    b.wait_text(secret)
    b.ok("chat.react", **{**which(m), "chat": address(a.user)}, emoji="\U0001f44d", on=True)
    a.ok("chat.delete", **which(m))
    seen(b, m, "delete")
    for x, chat in ((a, address(b.user)), (b, address(a.user))):
        wait_last(x, chat, text="", deleted=True)
        check_eq(x.ok("chat.search", text=secret)["messages"], [], "not found")
    check_eq(a.error("chat.edit", **which(m), text="back"), None, "an edit of it changes nothing")
    wait_last(b, address(a.user), text="", deleted=True)

    def on_disk():
        n = 0
        for path in glob.glob(os.path.join(case.site.server.dir, "data", "home-*.db")):
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
                n += db.execute("select count(*) from said where text like ?", (f"%{secret}%",)).fetchone()[0]
        return n
    wait_for(lambda: on_disk() == 0 and erased(case, m), "the text is gone from the tables")


def texts(case, m):
    """What the tables have of a message and its changes, where they have something; each once."""
    found = []
    for path in glob.glob(os.path.join(case.site.server.dir, "data", "home-*.db")):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
            rows = [r[0] for r in db.execute("select text from said where message = ? order by seq", (int(m["id"], 16),))]
            if rows and rows not in found:
                found.append(rows)
    return found


def erased(case, m):
    """Its row is in the tables, and has no text."""
    for path in glob.glob(os.path.join(case.site.server.dir, "data", "home-*.db")):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
            row = db.execute("select text from said where message = ? and state < 16",
                             (int(m["id"], 16),)).fetchone()
            if row:
                return row[0] == ""
    return False


@tap.test
def people_react(case):
    a, b = browser(case), browser(case)
    m = say(a, b, "lunch?")
    b.wait_text("lunch?")
    at_b = {**which(m), "chat": address(a.user)}
    check_eq(b.ok("chat.react", **at_b, emoji="\U0001f44d", on=True), {"shown": True}, "who sees it")
    e = seen(a, m, "react")
    check_eq((e["from"], e["emoji"], e["chat"]), (address(b.user), "\U0001f44d", address(b.user)), "told")
    a.ok("chat.react", **which(m), emoji="\U0001f44d", on=True)
    b.ok("chat.react", **at_b, emoji="\u2764\ufe0f", on=True)
    both = [{"emoji": "\U0001f44d", "people": [address(b.user), address(a.user)]},
            {"emoji": "\u2764\ufe0f", "people": [address(b.user)]}]
    for x, chat in ((a, address(b.user)), (b, address(a.user))):
        wait_last(x, chat, text="lunch?", reactions=both)
    b.ok("chat.react", **at_b, emoji="\U0001f44d", on=False)
    b.ok("chat.react", **at_b, emoji="\u2764\ufe0f", on=False)
    wait_last(a, address(b.user), text="lunch?",
              reactions=[{"emoji": "\U0001f44d", "people": [address(a.user)]}])


@tap.test
def only_its_author_changes_it(case):
    a, b, c = browser(case), browser(case), browser(case)
    m = say(a, b, "mine")
    b.wait_text("mine")
    at_b = {**which(m), "chat": address(a.user)}
    check_eq(b.error("chat.edit", **at_b, text="yours"), "refused", "an edit by the other")
    check_eq(b.error("chat.delete", **at_b), "refused", "a deletion by the other")
    other = {**which(m), "chat": address(a.user)}
    check_eq(c.error("chat.react", **other, emoji="+", on=True), "not_found", "by who has no part in it")
    check_eq(a.error("chat.react", **{**which(m), "chat": address(c.user)}, emoji="+", on=True),
             "not_found", "in another chat")
    check_eq(a.error("chat.edit", **{**which(m), "message": "0" * 16}, text="x"), "not_found", "no such message")
    for at in ("2020-01-01T00:00:00Z", "5000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        check_eq(a.error("chat.edit", **{**which(m), "at": at}, text="x"), "not_found", f"of another time: {at}")
    for bad in ({"text": ""}, {}, {"text": 5}, {"text": "x", "at": "soon"}, {"text": "x", "message": ""}):
        check_eq(a.error("chat.edit", **{**which(m), **bad}), "bad_request", bad)
    check_eq(a.error("chat.edit", **which(m), text="x" * 20001), "too_large", "too long")
    check_eq(a.error("chat.react", **which(m), emoji="x" * 33, on=True), "bad_request", "no emoji")
    check_eq(a.error("chat.edit", **{**which(m), "message": "own-1"}, text="x"), "not_possible", "nobody remembers it")
    wait_last(b, address(a.user), text="mine")


@tap.test
def nothing_is_changed_inside_a_dialog(case):
    p, q = phone(case), phone(case)
    b = browser(case, q.user)
    m = q.send(q.make("MESSAGE", p.user.uri, body="5 EUR", headers=[("Content-Type", "text/plain")]))
    take(p)
    check_eq(q.expect_answer(m).code, 200, "MESSAGE")
    chat = p.user.uri.removeprefix("sip:")
    said = wait_for(lambda: b.ok("chat.history", **{"with": chat})["messages"], "the history")[0]
    call = p.send(p.make("INVITE", q.user.uri, body=AUDIO, headers=[("Content-Type", "application/sdp")]))
    q.answer(q.expect_request("INVITE"), 200, body=AUDIO, headers=[("Content-Type", "application/sdp")])
    dialog = p.confirm(call, p.expect_answer(call))
    for change in ({"edit": "500 EUR"}, {"delete": True}, {"react": "+", "on": True}):
        body = json.dumps({"message": said["id"], "at": said["at"], **change})
        m = p.send(p.make("MESSAGE", None, dialog=dialog, body=body,
                          headers=[("Content-Type", "application/dialtone-change+json")]))
        check_eq(p.expect_answer(m).code, 415, change)
    wait_last(b, chat, text="5 EUR")


@tap.test
def nobody_writes_a_message_with_the_id_of_anothers(case):
    a, p = browser(case), phone(case)
    chat = p.user.uri.removeprefix("sip:")
    number = a.send("chat.send", to=chat, text="5 EUR")
    got = take(p)
    m = a.answer(number)["ok"]["message"]
    same = p.make("MESSAGE", "sip:" + address(a.user), body="yes", headers=[("Content-Type", "text/plain")])
    for name in ("Call-ID", "CSeq"):
        same.set(name, got.get(name))
    same.set("From", same.get("From").split(";tag=")[0] + ";tag=" + got.get("From").split(";tag=")[1])
    p.send(same)
    check_eq(p.expect_answer(same).code, 200, "what is like it")
    a.wait_text("yes")
    both = wait_for(lambda: [x["id"] for x in a.ok("chat.history", **{"with": chat})["messages"]], "the history")
    check_eq((len(both), both[0] == m["id"], both[0] == both[1]), (2, True, False), "the ids")


@tap.test
def in_a_group_all_see_it(case):
    a, b, c = [browser(case) for _ in range(3)]
    chat = a.ok("conference.create", name="Changes")["chat"]
    for x in (b, c):
        a.ok("conference.add", chat=chat, uri=address(x.user))
    m = say(a, chat, "At nun")
    for x in (b, c):
        check_eq(x.wait_text("At nun")["id"], m["id"], "the id")
    wait_for(lambda: last(a, chat), "the sender's history")
    a.ok("chat.edit", **which(m), text="At noon")
    b.ok("chat.react", **which(m), emoji="\U0001f389", on=True)
    check_eq(b.error("chat.delete", **which(m)), "refused", "another's")
    for x in (a, b, c):
        check_eq(seen(x, m, "edit")["from"], address(a.user), "who")
        wait_last(x, chat, text="At noon", reactions=[{"emoji": "\U0001f389", "people": [address(b.user)]}])
    d = browser(case)
    check_eq(d.error("chat.react", **which(m), emoji="+", on=True), "not_found", "who is not in it")
    a.ok("chat.delete", **which(m))
    for x in (a, b, c):
        wait_last(x, chat, text="", deleted=True)


@tap.test
def who_is_away_finds_it_as_it_is(case):
    a = browser(case)
    late = case.site.user("web")
    number = a.ok("chat.send", to=address(late), text="Fist")["message"]
    check_eq(number["state"], "kept", "he is away")
    check_eq(a.ok("chat.edit", **which(number), text="First"), {"shown": True}, "kept behind it")
    gone = say(a, address(late), "never mind")
    a.ok("chat.delete", **which(gone))
    b = browser(case, late)
    wait_for(lambda: [(m["text"], m.get("deleted")) for m in
                      b.ok("chat.history", **{"with": address(a.user)})["messages"]]
             == [("First", None), ("", True)],
             lambda: f"as it is: {b.ok('chat.history', **{'with': address(a.user)})}")
    wait_last(a, address(late), text="", deleted=True)


@tap.test
def phones_and_lync_clients_are_not_bothered(case):
    a, p = browser(case), phone(case)
    to = p.user.uri.removeprefix("sip:")
    number = a.send("chat.send", to=to, text="one")
    take(p)
    m = a.answer(number)["ok"]["message"]
    check_eq(a.ok("chat.edit", **which(m), text="One"), {"shown": False}, "the phone shows the old text")
    wait_last(a, to, text="One")
    number = a.send("chat.send", to=to, text="two")
    check_eq(take(p).body.decode(), "two", "what the phone gets next")
    a.answer(number)


@tap.test
def links_are_looked_at_in_edits_too(case):
    a, b = browser(case), browser(case)
    m = say(a, b, "look")
    b.wait_text("look")
    a.ok("chat.edit", **which(m), text="look at http://evil.test/")
    wait_last(b, address(a.user), text="look at _http://evil.test/")
    wait_last(a, address(b.user), text="look at _http://evil.test/")


@tap.test
def there_is_a_bound(case):
    a, b = browser(case), browser(case)
    m = say(a, b, "again and again")
    b.wait_text("again and again")
    code, n = None, 0
    while code is None and n < 1000:
        code = a.error("chat.react", **which(m), emoji="x", on=n % 2 == 0)
        n += code is None
    check_eq((code, n), ("too_many", 500), "so many changes of one message")


@tap.test(alone=True)
def a_killed_process_loses_no_change(case):
    a, b = browser(case), browser(case)
    m = say(a, b, "befor")
    b.wait_text("befor")
    a.ok("chat.edit", **which(m), text="before")
    for i in range(case.site.server.frontends):
        case.site.server.kill_role("frontend", i + 1)

    def there():
        try:
            return last(b, address(a.user)) == {"text": "before", "deleted": None, "reactions": None}
        except KeyError:
            return False
        except AssertionError:
            return False
    wait_for(there, "the history after it")


if __name__ == "__main__":
    tap.main(make)
