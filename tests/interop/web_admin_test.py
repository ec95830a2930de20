#!/usr/bin/python3
"""An administrator looks after a server in Chromium."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop import webpage  # noqa: E402
from lib import site, tap  # noqa: E402
from lib.siptext import Phone  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402
from lib.web import API, Site  # noqa: E402

SETTINGS = (2,)  # front ends: tests/run.py


def make(args, folder):
    site.netns.enter()
    return webpage.Browsers(args, folder)


def signed_in(case, user):
    p = case.own(webpage.WebPage(case.site.browser, Site(case.site.server).origin))
    p.write("User name", user.name)
    p.write("Password", user.account_password)
    p.press("Sign in")
    p.wait("Chats")
    return p


def administrator(case):
    user = case.site.user("boss")
    case.site.server.tool("user", "set", user.name, "--admin", "yes")
    return user, signed_in(case, user)


def shown(case, user):
    return case.site.server.json("user", "show", user)


@tap.test
def others_have_no_such_pages(case):
    p = signed_in(case, case.site.user("alice"))
    check("Admin" not in p.text(), p.text())
    p.open("/#/admin/users")
    p.wait("You are no administrator")


@tap.test
def a_user_is_made_who_signs_in_and_is_locked_out(case):
    _, p = administrator(case)
    p.open("/#/admin/new-user")
    p.wait("Make user")
    p.write("User name or address", "dora")
    p.write("Name", "Dora Example")
    p.press("Make user")
    p.wait("This password is shown this once")
    made = p.run("document.querySelector('.own-secret pre').innerText").strip()
    web = Site(case.site.server)
    answer = web.request("POST", API + "login", {"user": "dora", "password": made})
    check_eq(answer.status, 200, "her log-in")
    p.press("Open")
    p.wait("Second factor")
    p.press("Disable")
    p.wait("is signed out everywhere at once")
    p.run("document.querySelector('dialog .danger').click()")
    wait_for(lambda: shown(case, "dora")["disabled"], "her account to be locked")
    p.wait("Enable")
    answer = web.request("POST", API + "login", {"user": "dora", "password": made})
    check_eq(answer.status, 401, "her log-in, locked")
    p.open("/#/admin/audit")
    p.wait("user disable")
    p.wait("user add")
    check(made not in p.text(), "the password in the records")


@tap.test
def the_server_is_looked_at(case):
    _, p = administrator(case)
    p.open("/#/admin/health")
    p.wait("accounts/1")
    p.wait("in order")
    for page, text in (("connections", "Dialtone-Web"), ("checks", "_sips._tcp"), ("certificates", "frontend-p256.crt"),
                       ("log", "event=ready"), ("metrics", "dialtone_web_sessions"), ("config", "frontend")):
        p.open(f"/#/admin/{page}")
        p.wait(text)


@tap.test
def a_phone_is_seen_as_it_signs_in(case):
    _, p = administrator(case)
    user = case.site.user("phone")
    p.open("/#/admin/trace")
    p.wait("Begin")
    p.write("Only messages of this user", user.name)
    p.press("Begin")
    p.wait("Waiting for messages")
    phone = case.own(Phone(case.site.server, user))

    def traced():
        phone.register()  # until the front ends have heard that they are traced
        return f"REGISTER sip:{user.domain}" in p.text()
    wait_for(traced, "a REGISTER on the page")
    p.press("Stop")
    p.wait("Begin")
    p.write("Who calls", user.name)
    p.write("Whom", user.name)
    p.press("Explain")
    p.wait("the sender is user")


if __name__ == "__main__":
    tap.main(make)
