#!/usr/bin/python3
"""A person secures an account in Chromium: codes are made by oathtool from what zbarimg reads on the screen, a phone
signs in with a password that was made in the browser, a program with a token."""
import os
import shutil
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop import webpage  # noqa: E402
from lib import site, tap  # noqa: E402
from lib.siptext import Phone  # noqa: E402
from lib.tap import Skip, check, check_eq, wait_for  # noqa: E402
from lib.web import Browser, Site  # noqa: E402

STEP_S = 30

SETTINGS = (2,)  # front ends: tests/run.py


def make(args, folder):
    site.netns.enter()
    return webpage.Browsers(args, folder)


def page(case):
    return case.own(webpage.WebPage(case.site.browser, Site(case.site.server).origin))


def run(*argv):
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


def need(*programs):
    for name in programs:
        if not shutil.which(name):
            raise Skip(f"{name} is not there")


class Telephone:
    """A program for one-time codes; each code is new to the server."""

    def __init__(self, uri):
        fields = urllib.parse.parse_qs(urllib.parse.urlsplit(uri).query)
        self.secret, self.last = fields["secret"][0], 0

    def code(self):
        def unused():
            now, within = divmod(int(time.time()), STEP_S)
            first = now if within > STEP_S - 5 else now - 1  # one that ends while it is sent is no good
            return next((s for s in range(first, now + 2) if s > self.last), None)
        self.last = wait_for(unused, "a step that was not used")
        at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(self.last * STEP_S))
        return run("oathtool", "--totp", "--base32", f"--now={at}", self.secret)


def password(p, user):
    p.write("User name", user.name)
    p.write("Password", user.account_password)
    p.press("Sign in")


def scan(case, p):
    """What a camera would read from the screen."""
    p.wait("QR code")
    p.run("document.querySelector('.own-qr').scrollIntoView({ block: 'center' })")
    picture = os.path.join(case.dir, "qr.png")

    def read():
        p.picture(picture)
        got = subprocess.run(["zbarimg", "--quiet", "--raw", picture], check=False, capture_output=True, text=True)
        return got.stdout.strip()
    return wait_for(read, "a QR code that can be read")


def set_up(case, p):
    p.press("Set up")
    telephone = Telephone(scan(case, p))
    p.write("The code that it shows now", telephone.code())
    p.press("Switch on")
    p.wait("I have kept them")
    recovery = p.run("document.querySelector('.own-secret pre').innerText").split()
    check_eq(len(recovery), 10, "recovery codes")
    p.press("I have kept them")
    return telephone, recovery


def security(p):
    """Opened anew."""
    p.open("/")
    p.wait("Chats")
    p.open("/#/settings/security")
    p.wait("Where you are signed in")


@tap.test
def a_second_factor_is_set_up_and_the_next_sign_in_needs_it(case):
    need("oathtool", "zbarimg")
    p, user = page(case), case.site.user("alice")
    password(p, user)
    p.wait("Chats")
    security(p)
    telephone, recovery = set_up(case, p)
    p.wait("10 recovery codes are left")
    other = page(case)
    password(other, user)
    other.write("Code", "000 000x")
    other.press("Sign in")
    other.wait("The code is not right")
    other.write("Code", telephone.code())
    other.press("Sign in")
    other.wait("Chats")
    third = page(case)
    password(third, user)
    third.write("Code", recovery[0])
    third.press("Sign in")
    third.wait("Chats")
    security(p)
    p.wait("9 recovery codes are left")
    p.press("Sign out all others")
    other.wait("Your sign-in has ended")
    third.wait("Your sign-in has ended")


@tap.test
def who_must_have_one_sets_it_up_before_the_first_chat(case):
    need("oathtool", "zbarimg")
    p, user = page(case), case.site.user("must")
    case.site.server.tool("user", "set", user.name, "--second-factor", "required")
    password(p, user)
    p.wait("Your company wants a second factor")
    check("Chats" not in p.text(), "nothing else is open")
    set_up(case, p)
    p.wait("Chats")


@tap.test
def a_phone_gets_its_password_in_the_browser(case):
    p, user = page(case), case.site.user("phone")
    password(p, user)
    p.wait("Chats")
    security(p)
    p.write("Name of a new phone", "Kitchen")
    p.press("Make a password")
    p.wait("The password of Kitchen")
    made = p.run("document.querySelector('.own-secret pre').innerText").strip()
    phone = case.own(Phone(case.site.server, user, password=made))
    phone.register()
    p.press("Revoke Kitchen")
    p.wait_gone("Revoke Kitchen")


@tap.test
def a_program_gets_its_token_in_the_browser(case):
    p, user = page(case), case.site.user("owner")
    password(p, user)
    p.wait("Chats")
    security(p)
    p.write("Name of a new program", "Alarm")
    p.press("Make a token")
    p.wait("The token of Alarm")
    made = p.run("document.querySelector('.own-secret pre').innerText").strip()
    bot = case.own(Browser(Site(case.site.server), user, token=made)).start()
    p.press("Revoke Alarm")
    p.wait_gone("Revoke Alarm")
    wait_for(lambda: bot.closed, "the end of the program's WebSocket")
    check_eq(bot.closed.code, 4001, "the close code")


if __name__ == "__main__":
    tap.main(make)
