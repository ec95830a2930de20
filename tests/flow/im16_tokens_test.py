#!/usr/bin/python3
"""Poster row IM-16: programs that sign in to the web's interface with app tokens."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402
from lib.web import Browser, Site, address, make_pages  # noqa: E402

SETTINGS = (2,)  # front ends: tests/run.py


def make(args, folder):
    site.netns.enter()
    return site.Site(args, folder, web=f"metrics-port = 0\nweb-root = {make_pages(folder)}\n")


def token_of(case, user, *options, name="bot"):
    return case.site.server.json("token", "create", user.name, "--name", name, *options)["token"]


def program(case, user=None, token=None):
    user = user or case.site.user("bot")
    return case.own(Browser(Site(case.site.server), user, token=token or token_of(case, user)))


def person(case, user=None):
    return case.own(Browser(Site(case.site.server), user or case.site.user("own")))


def tokens(case, user):
    return case.site.server.json("token", "list", user.name)


def status(b, path, method="GET", body=None, token=None, **kw):
    answer = b.site.request(method, "/api/v1/" + path, body, token=token or b.token, **kw)
    return answer.status, answer.code if answer.status >= 400 else None


@tap.test
def a_program_chats_by_its_token(case):
    bot, a = program(case).start(), person(case).start()
    bot.ok("chat.send", to=address(a.user), text="Built.", ref="r1")
    a.wait_text("Built.")
    a.ok("chat.send", to=address(bot.user), text="Thanks", ref="r1")
    bot.wait_text("Thanks")
    check_eq(bot.site.request("GET", "/api/v1/session", token=bot.token, origin=False).json()["user"]["uri"],
             address(bot.user), "who it is")
    row, = tokens(case, bot.user)
    check(row["name"] == "bot" and row["ends_at"] is None, row)
    wait_for(lambda: tokens(case, bot.user)[0]["used_at"], "that it was used")
    check(bot.token not in case.site.server.p.text(), "the token in the log")


@tap.test
def a_broken_connection_is_taken_up_again(case):
    bot, a = program(case).start(), person(case).start()
    bot.cut()
    a.ok("chat.send", to=address(bot.user), text="meanwhile", ref="r1")
    check_eq(bot.connect(), 101, "WebSocket")
    check_eq(bot.hello(resume=True)["resumed"], True, "resumed")
    bot.wait_text("meanwhile")


@tap.test
def a_program_sends_and_fetches_files(case):
    bot, a = program(case).start(), person(case).start()
    answer = bot.site.request("POST", f"/api/v1/files?chat={address(a.user)}&name=log.txt", b"all is built",
                              [("Content-Type", "application/octet-stream")], token=bot.token, origin=False)
    check_eq(answer.status, 200, answer.body)
    file = answer.json()["file"]
    bot.ok("chat.send", to=address(a.user), file=file["id"], ref="r1")
    wait_for(lambda: [m for m in a.messages if m.get("file", {}).get("id") == file["id"]], "the file")
    for who in ({"token": bot.token}, {"cookie": a.cookie}):
        answer = bot.site.request("GET", file["url"], origin=False, **who)
        check_eq((answer.status, answer.body), (200, b"all is built"), "the file's content")
    other = program(case)
    check_eq(bot.site.request("GET", file["url"], token=other.token, origin=False).status, 404, "somebody else")


@tap.test
def the_origin_is_ours_or_none(case):
    bot = program(case)
    check_eq(bot.connect(origin="https://evil.test"), 403, "another site")
    check_eq(bot.connect(origin=bot.site.origin), 101, "ours")
    a = person(case)
    a.log_in()
    answer = a.site.request("GET", "/api/v1/ws", cookie=a.cookie, origin=False)
    check_eq((answer.status, answer.code), (403, "foreign_origin"), "a cookie without Origin")


@tap.test
def a_token_does_nothing_about_its_account(case):
    bot = program(case)
    for what in ("logins", "devices", "second-factor", "tokens"):
        check_eq(status(bot, what), (403, "refused"), what)
    for what, body in (("logins/end", {"others": True}), ("prove", {"password": bot.user.account_password}),
                       ("password", {"password": bot.user.account_password, "new": "a much better one"}),
                       ("second-factor/begin", {}), ("second-factor/end", {}), ("devices/add", {"name": "x"}),
                       ("devices/remove", {"number": 1}), ("tokens/add", {"name": "x"}),
                       ("tokens/remove", {"number": 1}), ("logout", {}),
                       ("login", {"user": bot.user.name, "password": bot.user.account_password})):
        check_eq(status(bot, what, "POST", body), (403, "refused"), what)
    for what in ("logins", "tokens"):  # nor in the cookie's place
        answer = bot.site.request("GET", "/api/v1/" + what, cookie=bot.token)
        check_eq((answer.status, answer.code), (401, "signed_out"), what)
    check_eq(len(tokens(case, bot.user)), 1, "it is there still")
    check_eq(status(bot, "session"), (200, None), "and good")


@tap.test
def what_is_no_token_opens_nothing(case):
    bot, a = program(case), person(case)
    a.log_in()
    for token in ("x", "dtk_", "dtk_" + "x" * 43, "dtk_" + "A" * 43, "dtk_" + "x" * 200, a.cookie, bot.token[4:]):
        check_eq(status(bot, "session", token=token), (401, "signed_out"), token)
    for value in ("Basic " + bot.token, bot.token, "Bearer", "Bearer " + bot.token + " x"):
        check_eq(status(person(case), "session", headers=[("Authorization", value)]), (401, "signed_out"), value)
    # Not even beside a cookie that is good.
    check_eq(status(bot, "session", token="dtk_x", cookie=a.cookie), (401, "signed_out"), "with a cookie")
    answer = bot.site.request("GET", "/api/v1/session", token="dtk_x")
    check_eq(answer.headers["WWW-Authenticate"], "Bearer", "what is asked for")


@tap.test
def a_removed_token_is_out_at_once(case):
    bot = program(case).start()
    other = program(case, bot.user, token_of(case, bot.user, name="other")).start()
    row = next(t for t in tokens(case, bot.user) if t["name"] == "bot")
    said = case.site.server.tool("token", "remove", str(row["number"]))
    check("bot" in said and address(bot.user) in said, said)
    wait_for(lambda: bot.closed, "the end of its WebSocket")
    check_eq(bot.closed.code, 4001, "the close code")
    check_eq(bot.connect(), 401, "once more")
    check_eq(other.ok("people.search", text="nobody")["people"], [], "another token")
    said = case.site.server.tool("token", "remove", str(row["number"]), ok=False)
    check("no app token of that number" in said, said)


@tap.test
def log_ins_and_passwords_end_without_it(case):
    bot = program(case).start()
    a = person(case, bot.user).start()
    case.site.server.tool("login", "end", bot.user.name)
    wait_for(lambda: a.closed, "the end of the browser's WebSocket")
    case.site.server.tool("user", "passwd", bot.user.name, "--generate")
    check_eq(bot.ok("people.search", text="nobody")["people"], [], "the program goes on")
    check_eq(status(bot, "session"), (200, None), "its token")
    case.site.server.tool("user", "disable", bot.user.name)
    wait_for(lambda: bot.closed, "the end with the user")
    check_eq(status(bot, "session"), (401, "signed_out"), "while disabled")
    case.site.server.tool("user", "enable", bot.user.name)
    check_eq(status(bot, "session"), (200, None), "enabled again")


@tap.test
def a_token_has_a_name_and_perhaps_a_life(case):
    user = case.site.user("bot")
    tool = case.site.server.tool
    token_of(case, user, "--life", "365d")
    row, = tokens(case, user)
    check(abs(row["ends_at"] - time.time() - 365 * 86400) < 3600, row)
    for words, wanted in ((("--name", "BOT"), "already"), (("--name", ""), "needs a name"),
                          (("--name", "x", "--life", "soon"), "--life"), (("--name", "x", "--life", "5s"), "--life")):
        said = tool("token", "create", user.name, *words, ok=False)
        check(wanted in said, said)
    check_eq(len(tokens(case, user)), 1, "no other one")
    other = case.site.user("bot")
    token_of(case, other)
    everybody = case.site.server.json("token", "list")
    check({user.name, other.name} <= {t["user"].split("@")[0] for t in everybody}, everybody)


@tap.test
def who_shows_wrong_ones_again_and_again_waits(case):
    bot = program(case)
    wrong = bot.token[:20] + ("A" if bot.token[20] != "A" else "B") + bot.token[21:]
    other = program(case)

    def slow():
        return status(bot, "session", token=wrong) == (429, "too_many_attempts")
    wait_for(slow, "an answer that says wait")
    check_eq(status(other, "session"), (200, None), "who was good from there before")


@tap.test
def people_make_and_revoke_their_own(case):
    a, b = person(case), person(case)
    a.log_in()
    b.log_in()
    token = a.own("tokens/add", name=" my script ", days=30)["token"]
    row, = a.own("tokens")["tokens"]
    check(row["name"] == "my script" and row["used_at"] is None and row["ends_at"].endswith("Z"), row)
    check_eq(a.own_error("tokens/add", name="My Script"), (409, "exists"), "the same name")
    for bad in ({"name": ""}, {"name": "x" * 65}, {"name": "x", "days": 0}, {"name": "x", "days": 1.5},
                {"name": "x", "days": 1e9}, {"name": "x", "days": "soon"}, {}):
        check_eq(a.own_error("tokens/add", **bad), (400, "bad_request"), bad)
    bot = program(case, a.user, token).start()
    check_eq(b.own("tokens"), {"tokens": []}, "somebody else's")
    check_eq(b.own_error("tokens/remove", number=row["number"]), (404, "not_found"), "somebody else's")
    check_eq(a.own("tokens/remove", number=row["number"]), {}, "revoked")
    wait_for(lambda: bot.closed, "the end of its WebSocket")
    check_eq(bot.closed.code, 4001, "the close code")
    log = case.site.server.p.text()
    check(token not in log and "token-added" in log and "token-removed" in log, "the log")


if __name__ == "__main__":
    tap.main(make)
