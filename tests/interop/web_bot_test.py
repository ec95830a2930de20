#!/usr/bin/python3
"""Programs on the web's interface: the example bot of contrib/bot, by an app token, with people in browsers."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.proc import Proc  # noqa: E402
from lib.server import ROOT  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402
from lib.web import Browser, Site, address, make_pages  # noqa: E402

BOT = os.path.join(ROOT, "contrib", "bot", "echo.py")
CODE_LINES_MAX = 40

SETTINGS = (2,)  # front ends: tests/run.py


def make(args, folder):
    site.netns.enter()
    return site.Site(args, folder, web=f"metrics-port = 0\nweb-root = {make_pages(folder)}\n")


class Bot:
    """A user of its own, its token, and the program."""

    def __init__(self, case):
        self.case, self.server = case, case.site.server
        self.user = case.site.user("bot", name="Echo Bot")
        made = self.server.json("token", "create", self.user.name, "--name", "echo")
        self.token = made["token"]
        self.start()

    def start(self):
        s = Site(self.server)
        self.p = self.case.own(Proc([BOT, f"wss://{s.host}:{s.port}", self.server.ca],
                                    os.path.join(self.server.folder, f"{self.user.name}.log"),
                                    env={**os.environ, "DIALTONE_TOKEN": self.token}))
        wait_for(self.signed_in, lambda: f"the bot to sign in: {self.p.text()}")

    def signed_in(self):
        return self.server.endpoints(self.user)

    @property
    def number(self):
        rows = self.server.json("token", "list", self.user.name)
        return next(r["number"] for r in rows if r["name"] == "echo")


def person(case, name):
    return case.own(Browser(Site(case.site.server), case.site.user(name))).start()


def say(b, to, text):
    b.ok("chat.send", to=to, text=text, ref=f"r-{len(b.answers)}")


def answers(b, bot):
    return [m["text"] for m in b.messages if m["from"] == address(bot.user)]


def wait_answers(b, bot, *texts):
    wait_for(lambda: answers(b, bot) == list(texts), lambda: f"{texts}, not {answers(b, bot)}; {bot.p.text()}")


@tap.test
def it_is_as_short_as_it_is_said_to_be(case):
    with open(BOT, encoding="utf-8") as f:
        code = f.read().split('"""', 2)[2]
    lines = [line for line in code.splitlines() if line.strip()]
    check(len(lines) <= CODE_LINES_MAX, f"{len(lines)} lines")


@tap.test
def a_bot_answers_whoever_writes_to_it(case):
    bot, a = Bot(case), person(case, "alice")
    say(a, address(bot.user), "Hello bot")
    wait_answers(a, bot, "Hello bot")
    say(a, address(bot.user), "/time")
    wait_for(lambda: len(answers(a, bot)) == 2, "the time")
    check(re.fullmatch(r"\d\d:\d\d", answers(a, bot)[1]), answers(a, bot))
    check(bot.token not in bot.server.p.text(), "the token in the log")


@tap.test
def in_a_group_it_answers_who_mentions_it(case):
    bot, a, b = Bot(case), person(case, "alice"), person(case, "bob")
    chat = a.ok("conference.create", name="Lunch")["chat"]
    for user in (bot.user, b.user):
        a.ok("conference.add", chat=chat, uri=address(user))
    for browser in (a, b):
        browser.ok("conference.watch", chats=[chat])
        browser.wait_members(chat, a.user, b.user, bot.user)
    say(a, chat, "where shall we go")
    say(a, chat, "@Echo Bot where shall we go")
    for browser in (a, b):
        wait_answers(browser, bot, "where shall we go")


@tap.test(alone=True)
def a_bot_misses_nothing_when_the_server_goes_for_a_while(case):
    bot, a = Bot(case), person(case, "alice")
    say(a, address(bot.user), "one")
    wait_answers(a, bot, "one")
    mark = bot.p.mark()
    bot.server.kill_role("web")
    bot.p.wait_text("connection lost", after=mark)
    b = person(case, "bob")
    say(b, address(bot.user), "two")
    wait_answers(b, bot, "two")


@tap.test
def a_removed_token_ends_the_bot(case):
    bot, a = Bot(case), person(case, "alice")
    say(a, address(bot.user), "one")
    wait_answers(a, bot, "one")
    bot.server.tool("token", "remove", str(bot.number))
    check_eq(bot.p.wait_end(), 1, "how it ended")
    text = bot.p.text()
    check("closed: 4001" in text and "does not take the token" in text, text)
    wait_for(lambda: not bot.signed_in(), "the end of its endpoint")


if __name__ == "__main__":
    tap.main(make)
