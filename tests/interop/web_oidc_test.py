#!/usr/bin/python3
"""A person signs in to the browser client in Chromium by a company's own OpenID provider, which is another site."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop import webpage  # noqa: E402
from lib import oidc, site, tap  # noqa: E402
from lib.tap import wait_for  # noqa: E402
from lib.web import Site  # noqa: E402

SETTINGS = (2,)  # front ends: tests/run.py


class Company(webpage.Browsers):
    def __init__(self, args, folder):
        super().__init__(args, folder, accounts=oidc.settings(folder))
        self.provider = oidc.Provider(folder, os.path.join(self.server.dir, "certs"), self.server.ip)

    def _zone(self):
        return super()._zone() + oidc.zone(site.netns.SERVER_IP)

    def stop(self):
        if hasattr(self, "provider"):
            self.provider.stop()
        super().stop()


def make(args, folder):
    site.netns.enter()
    return Company(args, folder)


def page(case):
    return case.own(webpage.WebPage(case.site.browser, Site(case.site.server).origin))


def arrive(p, host, text):
    """Between two pages there may be none to ask."""
    def there():
        try:
            return p.run("location.hostname") == host and text in p.text()
        except AssertionError:
            return False
    wait_for(there, f"{text!r} on a page of {host}")


def come_back(p, text):
    arrive(p, site.HOST, text)


def at_the_provider(p, name):
    """Goes there by the button, and says who is there."""
    p.press(f"Sign in with {oidc.NAME}")
    arrive(p, oidc.HOST, "Who are you?")
    p.write("Who are you?", name)
    p.press("Continue")


def email(user):
    return f"{user.name}@{user.domain}"


@tap.test
def a_person_signs_in_by_the_company_and_stays_signed_in(case):
    p, user = page(case), case.site.user("alice")
    at_the_provider(p, email(user))
    come_back(p, "Chats")
    p.open("/")
    p.wait("Chats")
    p.open("/#/settings/security")
    p.wait("This browser")


@tap.test
def who_is_not_known_here_is_told_so_and_tries_again(case):
    p, user = page(case), case.site.user("bob")
    at_the_provider(p, "stranger@company.test")
    come_back(p, "You are known there, but have no account here.")
    at_the_provider(p, email(user))
    come_back(p, "Chats")


@tap.test
def a_password_for_a_phone_is_made_after_proving_it_there(case):
    p, user = page(case), case.site.user("carol")
    p.press("Sign in with")
    arrive(p, oidc.HOST, "Who are you?")
    p.run("location.href += '&mode=silent&as=' + encodeURIComponent('" + email(user) + "')")
    come_back(p, "Chats")

    def make_password():
        p.wait("Make a password")
        p.write("Name of a new phone", "kitchen")
        p.press("Make a password")
    p.open("/#/settings/security")
    make_password()
    p.wait("This needs your password once more.")
    at_the_provider(p, email(user))
    come_back(p, "Where you are signed in")
    make_password()
    p.wait("The password of kitchen")


if __name__ == "__main__":
    tap.main(make)
