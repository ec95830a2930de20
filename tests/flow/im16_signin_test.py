#!/usr/bin/python3
"""Poster row IM-16: what people see and change of their own accounts in the browser."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402
from lib.web import Answer, Browser, Site, make_pages  # noqa: E402

FIREFOX = [("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")]


def make(args, folder):
    site.netns.enter()
    return site.Site(args, folder, web=f"metrics-port = 0\nweb-root = {make_pages(folder)}\n")


def browser(case, user=None):
    return case.own(Browser(Site(case.site.server), user or case.site.user("own")))


def logged_in(case, user=None):
    b = browser(case, user)
    check_eq(b.log_in().status, 200, "log-in")
    return b


def logins(b):
    return b.own("logins")["logins"]


# --- log-ins


@tap.test
def people_see_their_own_log_ins(case):
    a, other = logged_in(case), logged_in(case)
    second = browser(case, a.user)
    check_eq(second.log_in(headers=FIREFOX).status, 200, "another log-in")
    seen = {row["this"]: row for row in logins(a)}
    check_eq(set(seen), {True, False}, "two of them, one is this one")
    check_eq(seen[False]["agent"], FIREFOX[0][1], "what it said it is")
    for row in seen.values():
        check(row["from"] == a.sock_address(), row)
        check(row["made_at"] <= row["used_at"] and row["made_at"].endswith("Z"), row)
    check_eq([row["number"] for row in logins(second) if row["this"]], [seen[False]["number"]],
             "the other one's own")
    check_eq(len(logins(other)), 1, "somebody else's")


@tap.test
def a_log_in_is_ended_from_another_browser(case):
    a = logged_in(case)
    second = browser(case, a.user).start()
    number = next(row["number"] for row in logins(a) if not row["this"])
    check_eq(a.own("logins/end", number=number), {}, "ended")
    wait_for(lambda: second.closed, "its WebSocket's end")
    check_eq(second.closed.code, 4001, "the close code")
    check_eq(second.own_error("logins"), (401, "signed_out"), "its ticket")
    check_eq(a.own_error("logins/end", number=number), (404, "not_found"), "once more")


@tap.test
def all_others_are_ended_at_once(case):
    a, other = logged_in(case), logged_in(case)
    rest = [logged_in(case, a.user) for _ in range(3)]
    check_eq(a.own("logins/end", others=True), {}, "ended")
    for b in rest:
        check_eq(b.own_error("logins"), (401, "signed_out"), "theirs")
    check_eq([row["this"] for row in logins(a)], [True], "this one stays")
    check_eq(len(logins(other)), 1, "somebody else's")


@tap.test
def nobody_ends_what_is_not_theirs(case):
    a, other = logged_in(case), logged_in(case)
    number = logins(other)[0]["number"]
    check_eq(a.own_error("logins/end", number=number), (404, "not_found"), "another user's")
    check_eq(len(logins(other)), 1, "it is there still")
    for bad in ({}, {"number": 0}, {"number": -1}, {"number": 1.5}, {"number": "1"}, {"others": "yes"},
                {"number": 1, "others": True}, {"number": 1e300}):
        check_eq(a.own_error("logins/end", **bad), (400, "bad_request"), bad)
    check_eq(len(logins(a)), 1, "one's own")


@tap.test
def requests_without_a_log_in_or_of_other_sites_are_refused(case):
    a = logged_in(case)
    for cookie in (None, "", "x" * 43, "x" * 120):
        answer = a.site.request("GET", "/api/v1/logins", cookie=cookie)
        check_eq((answer.status, answer.code), (401, "signed_out"), cookie)
        answer = a.site.request("POST", "/api/v1/logins/end", {"others": True}, cookie=cookie)
        check_eq((answer.status, answer.code), (401, "signed_out"), cookie)
    for headers in ((), [("Origin", "https://evil.test")]):
        answer = a.site.request("POST", "/api/v1/logins/end", {"others": True}, headers,
                                cookie=a.cookie, origin=False)
        check_eq((answer.status, answer.code), (403, "foreign_origin"), headers)
    answer = a.site.request("POST", "/api/v1/logins/end", "{", cookie=a.cookie)
    check_eq((answer.status, answer.code), (400, "bad_request"), "no JSON")
    check_eq(a.site.request("GET", "/api/v1/logins/end", cookie=a.cookie).status, 405, "GET")


@tap.test
def who_asks_too_often_is_told_to_wait(case):
    a, other = logged_in(case), logged_in(case)
    c = a.site.connection()  # one for all: they come much faster than is allowed

    def slow():
        c.request("GET", "/api/v1/logins", headers={"Cookie": f"__Host-dialtone={a.cookie}"})
        answer = Answer(c.getresponse())
        return answer if answer.status != 200 else None
    answer = wait_for(slow, "an answer that says wait")
    c.close()
    check_eq((answer.status, answer.code), (429, "too_many"), answer.body)
    check(int(answer.headers["Retry-After"]) > 0, answer.headers)
    check_eq(len(logins(other)), 1, "others are not slowed")


if __name__ == "__main__":
    tap.main(make)
