#!/usr/bin/python3
"""Poster row IM-16: the administration pages, whose commands are those of the tool."""
import glob
import http.client
import json
import os
import queue
import sqlite3
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.siptext import Phone  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402
from lib.web import API, Browser, Site, make_pages  # noqa: E402

UNKNOWN = (404, "unknown_op")

SETTINGS = (2,)  # front ends: tests/run.py


def make(args, folder):
    site.netns.enter()
    return site.Site(args, folder, web=f"metrics-port = 0\nweb-root = {make_pages(folder)}\n")


def tool(case, *words):
    return case.site.server.tool(*words)


def commands(case):
    """All that the pages have: name -> does it change something?"""
    rows = json.loads(tool(case, "--json", "admin", "commands"))
    return {row["command"]: row["changes"] for row in rows}


def logged_in(case, user=None):
    b = case.own(Browser(Site(case.site.server), user or case.site.user("boss")))
    check_eq(b.log_in().status, 200, "log-in")
    return b


def administrator(case):
    user = case.site.user("boss")
    tool(case, "user", "set", user.name, "--admin", "yes")
    return logged_in(case, user)


def forget_proof(case, b):
    """As if the password had been typed an hour ago: the store is accounts' alone while it runs."""
    number = next(row["number"] for row in b.own("logins")["logins"] if row["this"])
    server = case.site.server
    server.stop()
    db = sqlite3.connect(next(glob.iglob(f"{server.dir}/**/users.db", recursive=True)))
    with db:
        db.execute("update login set proved_at = proved_at - 3600 where number = ?", (number,))
    db.close()
    server.start()


def address(b):
    return f"{b.user.name}@{b.user.domain}"


def in_turn(b, command, args):
    """The answer, whatever it is but that it is too soon."""
    def turn():
        answer = b.admin_answer(command, args)
        return answer if answer.status != 429 else None
    return wait_for(turn, f"the turn of {command}")


def audit(case, b, *more):
    return json.loads(tool(case, "--json", "audit", "list", "--user", b.user.name, *more))


def kept(case, b, *wanted):
    """Until these are the commands that were kept, the last first, with their ends; the rows."""
    def rows():
        got = audit(case, b)
        return got if [(r["command"], r["result"].split(":")[0]) for r in got] == list(wanted) else None
    return wait_for(rows, lambda: f"the records {wanted}; there is {audit(case, b)}")


# --- who may


@tap.test
def the_right_is_told_to_who_has_it(case):
    a, other = administrator(case), logged_in(case)
    check_eq(a.own("session")["user"].get("admin"), True, "the administrator's")
    check("admin" not in other.own("session")["user"], "somebody else's")
    tool(case, "user", "set", a.user.name, "--admin", "no")
    wait_for(lambda: "admin" not in a.own("session")["user"], "the end of the right")
    check_eq(a.admin_error("user list"), UNKNOWN, "and of what it was for")


@tap.test
def to_others_there_is_no_such_thing(case):
    b = logged_in(case)
    nothing = b.site.request("POST", API + "nothing", {}, cookie=b.cookie)
    for command in commands(case):
        answer = in_turn(b, command, {"user": b.user.name})
        check_eq((answer.status, answer.body), (nothing.status, nothing.body), command)
    check_eq(audit(case, b), [], "nothing was done")


@tap.test
def without_a_log_in_or_from_other_sites_nothing_is_done(case):
    a, victim = administrator(case), case.site.user("victim")
    args = {"user": victim.name}
    for cookie in (None, "x" * 43, "x" * 120):
        answer = a.site.request("POST", API + "admin", {"command": "user disable", "args": args},
                                cookie=cookie)
        check_eq((answer.status, answer.code), (401, "signed_out"), cookie)
    for headers in ((), [("Origin", "https://evil.test")]):
        answer = a.admin_answer("user disable", args, headers=headers, origin=False)
        check_eq((answer.status, answer.code), (403, "foreign_origin"), headers)
    answer = a.admin_answer("user disable", args, headers=[("Content-Type", "text/plain")])
    check_eq(answer.status, 415, "no JSON")
    check_eq(a.site.request("GET", API + "admin", cookie=a.cookie).status, 405, "GET")
    check_eq(a.admin("user show", user=victim.name)["disabled"], False, "the victim")


@tap.test
def an_app_token_is_no_administrator(case):
    a = administrator(case)
    token = case.site.server.json("token", "create", a.user.name, "--name", "robot")["token"]
    answer = a.site.request("POST", API + "admin", {"command": "status", "args": {}}, token=token)
    check_eq((answer.status, answer.code), (403, "refused"), "in its own place")
    answer = a.site.request("POST", API + "admin", {"command": "status", "args": {}}, cookie=token)
    check_eq((answer.status, answer.code), (401, "signed_out"), "in the place of the cookie")


@tap.test(alone=True)
def changes_need_the_password_typed_lately(case):
    a, victim = administrator(case), case.site.user("victim")
    forget_proof(case, a)
    for command, changes in commands(case).items():
        if changes:
            check_eq(a.admin_error(command, user=victim.name), (403, "prove"), command)
    check_eq(a.admin("user show", user=victim.name)["disabled"], False, "what is asked is answered")
    kept(case, a, ("user show", "done"))
    check_eq(a.own("prove", password=a.user.account_password), {}, "the password again")
    a.admin("user disable", user=victim.name)
    check_eq(a.admin("user show", user=victim.name)["disabled"], True, "then it is done")


@tap.test
def a_disabled_administrator_is_out_at_once(case):
    a, other = administrator(case), administrator(case)
    other.start()
    a.admin("user disable", user=other.user.name)
    wait_for(lambda: other.closed, "the end of the WebSocket")
    check_eq(other.admin_error("user list"), (401, "signed_out"), "and of all else")


@tap.test
def who_must_have_a_second_factor_has_no_pages_before(case):
    a = administrator(case)
    tool(case, "user", "set", a.user.name, "--second-factor", "required")
    check_eq(a.admin_error("user list"), UNKNOWN, "without it")
    tool(case, "user", "set", a.user.name, "--second-factor", "default")
    check(a.admin("user list"), "when it is no duty any more")


# --- users


@tap.test
def users_are_made_changed_and_removed(case):
    a = administrator(case)
    made = a.admin("user add", user="new.one", name="New One", phone="+49301230001", generate=True)
    check(made["user"].startswith("new.one@") and len(made["password"]) >= 12, made)
    shown = a.admin("user show", user="new.one")
    check_eq((shown["name"], shown["phone"], shown["admin"]), ("New One", "+49301230001", False), "")
    a.admin("user set", user="new.one", name="Ünïcode \"quoted\" --password x", department="R&D")
    check_eq(a.admin("user show", user="new.one")["name"], "Ünïcode \"quoted\" --password x", "")

    def signs_in(password):
        answer = a.site.request("POST", API + "login", {"user": "new.one", "password": password})
        check_eq(answer.status, 200, "the password")
    signs_in(made["password"])
    signs_in(a.admin("user passwd", user="new.one", generate=True)["password"])
    a.admin("user passwd", user="new.one", password="typed by hand 7")
    signs_in("typed by hand 7")
    a.admin("user disable", user="new.one")
    a.admin("user enable", user="new.one")
    device = a.admin("device add", user="new.one", name="kitchen")
    check(device["password"], device)
    check_eq([d["device"] for d in a.admin("device list", user="new.one")], ["kitchen"], "devices")
    a.admin("device remove", user="new.one", name="kitchen")
    check(a.admin("login list", user="new.one") is not None, "log-ins")
    a.admin("user remove", user="new.one")
    check_eq(a.admin_error("user show", user="new.one"), (422, "failed"), "gone")


@tap.test
def a_failure_is_told_in_the_words_of_the_tool(case):
    a, victim = administrator(case), case.site.user("victim")
    answer = a.admin_answer("user add", {"user": victim.name, "generate": True})
    check_eq((answer.status, answer.code), (422, "failed"), "a name that is taken")
    check("already" in answer.json()["error"]["text"], answer.body)
    answer = a.admin_answer("user add", {"user": "weak", "password": "short"})
    check_eq(answer.status, 422, "a short password")
    kept(case, a, ("user add", "failed"), ("user add", "failed"))


@tap.test
def hostile_arguments_do_nothing(case):
    a, victim = administrator(case), case.site.user("victim")
    name = victim.name
    for command, args in (
            ("user set", {"user": name, "photo": "/etc/passwd"}),
            ("doctor", {"server": "192.0.2.1"}),
            ("stop", {}), ("reload", {}), ("cert import", {"role": "web", "chain": "/x", "key": "/y"}),
            ("contact import", {"user": name, "file": "/etc/passwd"}),
            ("admin request", {}), ("user  show", {"user": name}), ("user show ", {"user": name}),
            ("user show --config /tmp", {"user": name}), ("--help", {}), ("", {"user": name})):
        answer = in_turn(a, command, args)
        check(answer.status in (400, 404), (command, answer.status, answer.body))
    for args in ({}, {"user": 7}, {"user": None}, {"user": [name]}, {"user": {"a": 1}},
                 {"user": name, "nothing": "x"}, {"user": name, "password-stdin": True, "password": "x" * 20},
                 {"user": name, "generate": "yes"}, {"user": name, "generate": True, "password": "y" * 20}):
        answer = in_turn(a, "user passwd", args)
        check_eq(answer.status, 422, (args, answer.body))
    for bad in ("[]", "{", "{\"command\": 7}", "{\"command\": \"status\", \"args\": []}", "\"status\"",
                "{\"command\": \"status\", \"args\": " + "[" * 30 + "]" * 30 + "}"):
        answer = a.site.request("POST", API + "admin", bad, cookie=a.cookie)
        check_eq((answer.status, answer.code), (400, "bad_request"), bad)
    for text in ("--help", "-x", "; touch /tmp/x", "$(id)", "a\nb", "\u0000", "x" * 5000, "\u202e"):
        answer = in_turn(a, "user show", {"user": text})
        check(answer.status in (422, 400), (text, answer.status, answer.body))
    answer = a.admin_answer("user show", {"user": "x" * 20000})
    check_eq((answer.status, answer.code), (413, "too_large"), "a long one")
    check_eq(a.admin("user show", user=name)["disabled"], False, "the server goes on")


@tap.test
def a_table_makes_users_and_tells_each_line(case):
    a = administrator(case)
    table = ("\ufeffuser;name;phone;password\r\ntab.one;One, the first;+49301230011;\r\n\r\n"
             'tab.two;"Two ""2""";;typed in the table 1\r\ntab.three;;12;\r\ntab.one;again;;\r\n')
    rows = a.admin("user import", list=table, check=True)
    check_eq([(r["line"], r["user"], r["result"]) for r in rows],
             [(2, "tab.one", "good"), (4, "tab.two", "good"), (5, "tab.three", "failed"), (6, "tab.one", "good")],
             "before it is done")
    check_eq(a.admin_error("user show", user="tab.one"), (422, "failed"), "nobody is made by a check")
    rows = a.admin("user import", list=table)
    check_eq([(r["line"], r["result"]) for r in rows],
             [(2, "made"), (4, "made"), (5, "failed"), (6, "failed")], "each line")
    check("E.164" in rows[2]["why"] and "already" in rows[3]["why"], rows)
    check_eq([a.admin("user show", user=u)["name"] for u in ("tab.one", "tab.two")], ["One, the first", 'Two "2"'], "names")
    for user, password in (("tab.one", rows[0]["password"]), ("tab.two", "typed in the table 1")):
        answer = a.site.request("POST", API + "login", {"user": user, "password": password})
        check_eq(answer.status, 200, user)
    check("password" not in rows[1], "one that is known is not told")
    for bad in ("", "name\nx", "user,nothing\nx,y", "user,user\nx,y", "user\n" + "x" * 14000, "user,name\n\"x"):
        answer = in_turn(a, "user import", {"list": bad})
        check(answer.status in (422, 413) or [r["result"] for r in answer.json()["result"]] == ["failed"],
              (bad[:40], answer.body))
    check_eq(a.admin_error("user import", file="/etc/passwd"), UNKNOWN, "a file of the server")
    with open(case.site.server.p.log, encoding="utf-8", errors="replace") as f:
        check("typed in the table" not in f.read(), "no password in the log")
    check("typed in the table" not in json.dumps(audit(case, a)), "and none in the records")


@tap.test
def a_trace_comes_line_by_line_until_it_is_closed(case):
    a, phone_user = administrator(case), case.site.user("phone")
    c = a.site.connection()
    c.request("POST", API + "admin", json.dumps({"command": "trace", "args": {"user": phone_user.name}, "stream": True}),
              {"Content-Type": "application/json", "Origin": a.site.origin, "Cookie": f"__Host-dialtone={a.cookie}"})
    answer = c.getresponse()
    check_eq((answer.status, answer.headers["Content-Type"]), (200, "application/x-ndjson"), "the head")
    phone, lines = case.own(Phone(case.site.server, phone_user)), queue.Queue()
    threading.Thread(target=lambda: lines.put(answer.readline()), daemon=True).start()

    def traced():
        phone.register()  # until the front ends have heard that they are traced
        return not lines.empty()
    wait_for(traced, "a line")
    event = json.loads(lines.get())["event"]
    check("REGISTER" in event["message"], event)
    check_eq([r for r in audit(case, a) if r["command"] == "trace"][0]["result"], "begun", "meanwhile")
    c.close()
    wait_for(lambda: [r["result"] for r in audit(case, a) if r["command"] == "trace"] == ["given up"],
             "the end, when nobody reads any more")


@tap.test
def a_trace_ends_with_the_right_to_it(case):
    for how in (("user", "disable"), ("user", "set", "--admin", "no"), ("login", "end")):
        a = administrator(case)
        c = a.site.connection()
        c.request("POST", API + "admin", json.dumps({"command": "trace", "stream": True}),
                  {"Content-Type": "application/json", "Origin": a.site.origin, "Cookie": f"__Host-dialtone={a.cookie}"})
        answer = c.getresponse()
        check_eq(answer.status, 200, "the head")
        tool(case, *how[:2], a.user.name, *how[2:])
        try:
            while answer.readline():
                pass
        except http.client.IncompleteRead:
            pass
        c.close()
        check_eq([r["result"] for r in audit(case, a)], ["given up"], how)


@tap.test
def the_log_of_all_processes_is_read(case):
    a = administrator(case)
    lines = a.admin("log", max=1000)
    check({"dialtoned", "accounts/1", "web/1"} <= {r["who"] for r in lines}, {r["who"] for r in lines})
    check_eq([r["time"] for r in lines], sorted(r["time"] for r in lines), "in the order of time")
    check(all(r["level"] in ("error", "warning", "info") for r in lines), "levels")
    marked = a.admin("log", text=f"user={address(a)}", role="accounts")
    check(marked and all(address(a) in r["text"] and r["who"] == "accounts/1" for r in marked), marked)
    check_eq(a.admin("log", since="2999"), [], "from the future")
    check_eq(len(a.admin("log", max=3)), 3, "the last ones")
    for bad in ({"level": "loud"}, {"max": 0}, {"max": 1e9}, {"role": "nobody"}):
        check_eq(a.admin_error("log", **bad), (422, "failed"), bad)


# --- what is kept of it


@tap.test
def what_was_done_is_kept(case):
    a, victim = administrator(case), case.site.user("victim")
    a.admin("user passwd", user=victim.name, password="nobody sees this 1")
    a.admin("user disable", user=victim.name)
    rows = kept(case, a, ("user disable", "done"), ("user passwd", "done"))
    check_eq(json.loads(rows[1]["args"]), {"user": victim.name, "password": "***"}, "no secret")
    for row in rows:
        check_eq((row["user"], row["from"]), (address(a), a.sock_address()), "who, and from where")
    check_eq([r["number"] for r in audit(case, a, "--before", str(rows[0]["number"]), "--max", "1")],
             [rows[1]["number"]], "a page")
    check_eq(a.admin("audit list", user=address(a))[-2:], rows, "the page shows the same")
    with open(case.site.server.p.log, encoding="utf-8", errors="replace") as f:
        log = f.read()
    check("event=admin-command" in log and "nobody sees this" not in log, "the log")


@tap.test
def a_question_that_is_asked_again_and_again_is_kept_once(case):
    a = administrator(case)
    for _ in range(3):
        a.admin("status")
    a.admin("user show", user=a.user.name)
    kept(case, a, ("user show", "done"), ("status", "done"))


@tap.test(alone=True)
def the_records_stay_when_the_process_is_killed(case):
    a, victim = administrator(case), case.site.user("victim")
    a.admin("user disable", user=victim.name)
    kept(case, a, ("user disable", "done"))
    case.site.server.kill_role("accounts")
    kept(case, a, ("user disable", "done"))


@tap.test
def too_many_at_once_are_told_to_wait(case):
    a = administrator(case)
    answers = []

    def ask():
        answers.append(a.admin_answer("status"))
        return any(x.status == 429 for x in answers)
    wait_for(ask, "an answer that says wait")
    check_eq(answers[-1].code, "too_many", answers[-1].body)
    check(int(answers[-1].headers["Retry-After"]) > 0, answers[-1].headers)


# --- everything else


@tap.test
def every_question_is_answered_as_the_tool_answers(case):
    a = administrator(case)
    args = {"user show": {"user": a.user.name}, "device list": {"user": a.user.name},
            "login list": {"user": a.user.name}, "directory search": {"text": a.user.name},
            "group show": {"group": "nobody"}, "explain": {"from": a.user.name, "to": a.user.name},
            "dns": {}, "doctor": {"no-dns": True}}
    for command, changes in commands(case).items():
        if changes or command == "trace":
            continue
        if command in ("group show", "relay status", "allocation list"):
            check_eq(a.admin_error(command, **args.get(command, {})), (422, "failed"), command)
        else:
            a.admin(command, **args.get(command, {}))


@tap.test
def the_server_is_seen_as_the_tool_sees_it(case):
    a = administrator(case)
    status = a.admin("status")
    check_eq((status["server"], status["domain"]), ("running", case.site.server.domain), status)
    roles = a.admin("role list")
    check({"accounts", "frontend", "web"} <= {r["role"] for r in roles}, roles)
    check(all(r["state"] == "running" for r in roles), roles)
    check_eq(a.admin("role list")[0]["pid"], json.loads(tool(case, "--json", "role", "list"))[0]["pid"], "")


if __name__ == "__main__":
    tap.main(make)
