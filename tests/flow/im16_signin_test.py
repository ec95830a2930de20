#!/usr/bin/python3
"""Poster row IM-16: what people see and change of their own accounts in the browser."""
import base64
import hashlib
import hmac
import os
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.siptext import Phone  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402
from lib.web import Answer, Browser, Site, address, make_pages  # noqa: E402

STEP_S = 30
FIREFOX = [("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")]

SETTINGS = (2,)  # front ends: tests/run.py


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


# --- the second factor


def totp(secret, at=None):
    """RFC 6238, without any of ours."""
    counter = struct.pack(">Q", int(time.time() if at is None else at) // STEP_S)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7fffffff) % 1000000:06}"


class Telephone:
    """Makes codes, each of which the server has not seen yet."""

    def __init__(self, secret):
        self.secret, self.last = secret, 0

    def code(self):
        """The next one within the server's window; waits for the clock if that is used up."""
        def unused():
            now, within = divmod(int(time.time()), STEP_S)
            first = now if within > STEP_S - 5 else now - 1  # one that ends while it is sent is no good
            return next((s for s in range(first, now + 2) if s > self.last), None)
        self.last = wait_for(unused, "a step that was not used")
        return totp(self.secret, self.last * STEP_S)


def set_up(b):
    began = b.own("second-factor/begin")
    phone = Telephone(began["secret"])
    return phone, b.own("second-factor/confirm", code=phone.code())["recovery"], began


def wrong(b, code):
    answer = b.log_in(code=code)
    return answer.status, answer.code


@tap.test
def a_second_factor_is_set_up_and_asked_for(case):
    a = logged_in(case)
    check_eq(a.own("second-factor"), {"recovery_left": 0, "on": False, "required": False}, "none")
    second = logged_in(case, a.user)
    phone, recovery, began = set_up(a)
    check(began["uri"].startswith("otpauth://totp/Dialtone:" + a.user.name), began)
    check_eq((len(recovery), len(set(recovery))), (10, 10), "recovery codes")
    check_eq(a.own("second-factor"), {"recovery_left": 10, "on": True, "required": False}, "on")
    check_eq(second.own_error("logins"), (401, "signed_out"), "who came in without it")
    check_eq(wrong(a, ""), (401, "code_needed"), "the password alone")
    check_eq(wrong(a, "000000x"), (401, "wrong_login"), "no code at all")
    code = phone.code()
    b = browser(case, a.user)
    check_eq(b.log_in(code=code).status, 200, "with the code")
    check_eq(wrong(b, code), (401, "wrong_login"), "the same once more")
    check_eq(b.connect(), 101, "WebSocket")
    check_eq(b.log_in(code=recovery[3].upper()).status, 200, "with a recovery code")
    check_eq(wrong(b, recovery[3]), (401, "wrong_login"), "that once more")
    check_eq(a.own("second-factor")["recovery_left"], 9, "recovery codes that are left")
    with open(case.site.server.p.log, encoding="utf-8", errors="replace") as f:
        log = f.read()
    for secret in (began["secret"], *recovery):
        check(secret not in log, f"{secret} in the log")
    check("second-factor-on" in log, "what happened in the log")


@tap.test
def nobody_learns_which_of_password_and_code_was_wrong(case):
    a = logged_in(case)
    set_up(a)
    answers = [a.log_in("wrong", code="123456"), a.log_in(code="12345"),
               a.site.request("POST", "/api/v1/login",
                              {"user": "nobody", "password": "wrong", "code": "123456"})]
    check_eq({(x.status, x.body) for x in answers}, {(401, answers[0].body)}, "alike")


@tap.test
def what_weakens_an_account_needs_its_password_again(case):
    a = logged_in(case)
    phone, recovery, _ = set_up(a)
    a.site.server.tool("user", "show", a.user.name)
    check_eq(a.own_error("prove", password="wrong"), (401, "wrong_login"), "a wrong one")
    check_eq(a.own_error("prove", password=a.user.account_password), (401, "code_needed"), "no code")
    check_eq(a.own("prove", password=a.user.account_password, code=phone.code()), {}, "proved")
    fresh = a.own("second-factor/codes")["recovery"]
    check(not set(fresh) & set(recovery), "other codes")
    check_eq(wrong(a, recovery[0]), (401, "wrong_login"), "one of the old ones")
    check_eq(a.own("second-factor/end"), {}, "off")
    check_eq(a.log_in().status, 200, "the password alone again")


@tap.test
def who_must_have_a_second_factor_sets_it_up_before_anything_else(case):
    user = case.site.user("must")
    case.site.server.tool("user", "set", user.name, "--second-factor", "required")
    a = browser(case, user)
    answer = a.log_in()
    check_eq((answer.status, answer.json().get("needs")), (200, "second_factor"), "the log-in")
    check_eq(a.site.request("GET", "/api/v1/session", cookie=a.cookie).json()["needs"], "second_factor",
             "the session")
    check_eq(a.connect(), 403, "no WebSocket yet")
    set_up(a)
    check("needs" not in a.site.request("GET", "/api/v1/session", cookie=a.cookie).json(), "not any more")
    check_eq(a.connect(), 101, "WebSocket")
    a.hello()
    check_eq(a.own_error("second-factor/end"), (403, "refused"), "it stays on")


@tap.test
def an_administrator_helps_who_has_lost_the_telephone(case):
    a = logged_in(case)
    set_up(a)
    shown = case.site.server.tool("user", "show", a.user.name)
    check("10" in shown and "on" in shown, shown)
    case.site.server.tool("user", "reset-factor", a.user.name)
    check_eq(a.log_in().status, 200, "the password alone")
    check_eq(a.own("second-factor")["on"], False, "off")


@tap.test
def phones_are_not_asked_for_codes(case):
    a = logged_in(case)
    set_up(a)
    phone = case.own(Phone(case.site.server, a.user))
    phone.register()


# --- passwords of phones


@tap.test
def people_make_and_revoke_passwords_for_their_phones(case):
    a = logged_in(case)
    before = a.own("devices")["devices"]
    password = a.own("devices/add", name=" kitchen \u2615 ")["password"]
    check_eq(a.own_error("devices/add", name="KITCHEN \u2615"), (409, "exists"), "the same name")
    made = [d for d in a.own("devices")["devices"] if d not in before]
    check_eq([(d["name"], d["used_at"]) for d in made], [("kitchen \u2615", None)], "in the list")
    phone = case.own(Phone(case.site.server, a.user, password=password))
    phone.register()
    check_eq(a.own("devices/remove", number=made[0]["number"]), {}, "revoked")
    check_eq(a.own("devices")["devices"], before, "as it was")
    check_eq(a.own_error("devices/remove", number=made[0]["number"]), (404, "not_found"), "once more")
    with open(case.site.server.p.log, encoding="utf-8", errors="replace") as f:
        log = f.read()
    check(password not in log and "device-added" in log, "the log")


@tap.test
def nobody_touches_the_phones_of_others(case):
    a, other = logged_in(case), logged_in(case)
    a.own("devices/add", name="desk")
    number = a.own("devices")["devices"][-1]["number"]
    check_eq(other.own_error("devices/remove", number=number), (404, "not_found"), "somebody else's")
    check(number in [d["number"] for d in a.own("devices")["devices"]], "it is there still")
    for bad in ({"name": ""}, {"name": "x" * 65}, {"name": "a\nb"}, {"name": 5}, {}):
        check_eq(a.own_error("devices/add", **bad), (400, "bad_request"), bad)
    n = len(a.own("devices")["devices"])
    while (error := a.own_answer("devices/add", name=f"more {n}")).status == 200:
        n += 1
    check_eq((n, error.status, error.code), (16, 409, "full"), error.body)


# --- the password

NEW = "a much better one"


def change(b, new=NEW, password=None, **fields):
    """Status, and the code of an error."""
    answer = b.own_answer("password", password=password or b.user.account_password, new=new, **fields)
    return answer.status, None if answer.status == 200 else answer.code


@tap.test
def people_change_their_passwords_and_stay_where_they_are(case):
    a, watcher = logged_in(case).start(), logged_in(case).start()
    others = [browser(case, a.user).start() for _ in range(2)]
    watcher.ok("people.watch", uris=[address(a.user)])
    watcher.wait_sees(a.user, "available")
    # One is a phone with a password of its own, one has the account's, one is a Lync client.
    own, lent = (case.own(Phone(case.site.server, a.user, "tcp", password=p))
                 for p in (None, a.user.account_password))
    for phone in (own, lent):
        phone.sign_in()
    token = a.own("tokens/add", name="bot")["token"]
    check_eq(change(a), (200, None), "changed")
    for b in others:
        wait_for(lambda b=b: b.closed, "the end of another browser's WebSocket")
        check_eq(b.closed.code, 4001, "the close code")
        check_eq(b.own_error("logins"), (401, "signed_out"), "its ticket")
    check_eq([row["this"] for row in logins(a)], [True], "this one stays")
    # What is said by it goes on: the session, its endpoint, and what comes to it.
    watcher.ok("chat.send", to=address(a.user), text="still there?", ref="r1")
    a.wait_text("still there?")
    a.ok("chat.send", to=address(watcher.user), text="yes", ref="r2")
    watcher.wait_text("yes")
    check(not a.closed, "its WebSocket")
    seen = [p["state"] for e in watcher.events if e["ev"] == "presence" for p in e["people"]
            if p["uri"] == address(a.user) and "state" in p]
    check(set(seen[seen.index("available"):]) == {"available"}, f"as others saw it: {seen}")
    check_eq(a.log_in().status, 401, "the old one")
    check_eq(browser(case, a.user).log_in(NEW).status, 200, "the new one")
    own.sign_in()
    wait_for(lambda: case.own(Phone(case.site.server, a.user, "tcp", password=a.user.account_password))
             .register().code != 200, "the old one to be refused by SIP too")
    case.own(Phone(case.site.server, a.user, "tcp", password=NEW)).sign_in()
    check_eq(browser_of_token(case, a.user, token).connect(), 101, "the app token")
    with open(case.site.server.p.log, encoding="utf-8", errors="replace") as f:
        log = f.read()
    check(NEW not in log and f"password-changed user={address(a.user)}" in log, "the log")


def browser_of_token(case, user, token):
    return case.own(Browser(Site(case.site.server), user, token=token))


@tap.test
def a_log_in_that_went_over_ends_with_the_next_password(case):
    a = logged_in(case).start()
    check_eq(change(a), (200, None), "changed")
    case.site.server.tool("user", "passwd", a.user.name, "--password-stdin", input_text="yet another one\n")
    wait_for(lambda: a.closed, "the end of its WebSocket")
    check_eq(a.closed.code, 4001, "the close code")
    check_eq(a.own_error("logins"), (401, "signed_out"), "its ticket")


@tap.test
def a_change_needs_the_old_password_and_a_good_new_one(case):
    a = logged_in(case)
    for bad in ("short", "aaaaaaaaaaaa", "password1", f"xx{a.user.name}xx", "", "x" * 256):
        answer = a.own_answer("password", password="wrong", new=bad)
        check_eq((answer.status, answer.code), (400, "bad_password"), bad)
        check(answer.json()["error"]["text"].startswith("The password "), answer.body)
    check_eq(a.own_error("password", new=NEW), (400, "bad_request"), "without the old one")
    check_eq(a.own_error("password", password=a.user.account_password), (400, "bad_password"), "without a new one")
    check_eq(change(a, password="wrong"), (401, "wrong_login"), "a wrong old one")
    check_eq(browser(case, a.user).own_error("password", password=a.user.account_password, new=NEW),
             (401, "signed_out"), "without a log-in")
    check_eq(a.log_in().status, 200, "nothing was changed")
    answers = [change(a, password="wrong") for _ in range(12)]
    check((429, "too_many_attempts") in answers, f"wrong ones are counted: {answers}")


@tap.test
def a_change_needs_a_code_where_there_is_a_second_factor(case):
    a = logged_in(case)
    phone, recovery, _ = set_up(a)
    check_eq(change(a), (401, "code_needed"), "no code")
    check_eq(change(a, code="000000x"), (401, "wrong_login"), "a wrong one")
    code = phone.code()
    check_eq(change(a, "short", code=code), (400, "bad_password"), "one that will not do costs no code")
    check_eq(change(a, code=code), (200, None), "changed")
    check_eq(a.log_in(NEW, code=recovery[0]).status, 200, "the new one and a code")


if __name__ == "__main__":
    tap.main(make)
