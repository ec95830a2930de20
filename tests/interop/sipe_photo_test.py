#!/usr/bin/python3
"""Photos as pidgin-sipe shows them: the contact card names one, and the plug-in fetches it by HTTPS."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop.sipe import Sipe, sign_in  # noqa: E402
from lib import netns, site, tap  # noqa: E402
from lib.photos import give, png  # noqa: E402
from lib.tap import check_eq  # noqa: E402
from lib.web import Site, make_pages  # noqa: E402


def make(args, folder):
    netns.enter()
    return site.Site(args, folder, web=f"metrics-port = 0\nweb-root = {make_pages(folder)}\n")


def icon_of(client, user):
    return client.buddies().get(user.uri, {}).get("icon")


def picture_of(case, name):
    return Site(case.site.server).request("GET", f"/photos/{name}", origin=False).body


@tap.test
def a_contact_has_her_photo_and_each_new_one(case):
    alice, bob = sign_in(case, "alice", "bob")
    alice.add_contact(bob.user.uri)
    alice.wait_buddy(bob.user.uri, online=True)
    check_eq(icon_of(alice, bob.user), None, "before there is one")
    give(case, bob.user, png(grey=1))
    first = tap.wait_for(lambda: icon_of(alice, bob.user), "the photo")
    check_eq(picture_of(case, first), png(grey=1), "it is the one of that name")
    give(case, bob.user, png(grey=2))
    tap.wait_for(lambda: icon_of(alice, bob.user) != first, "the new photo")
    check_eq(picture_of(case, icon_of(alice, bob.user)), png(grey=2), "it is the new one")


@tap.test
def who_signs_in_later_has_it_too(case):
    (alice,) = sign_in(case, "alice")
    user = case.site.user("bob")
    give(case, user, png())
    alice.add_contact(user.uri)
    tap.wait_for(lambda: icon_of(alice, user), "the photo of who is not signed in")
    again = Sipe(case, alice.user)
    again.wait_ready()
    tap.wait_for(lambda: icon_of(again, user), "the photo at another machine")


if __name__ == "__main__":
    tap.main(make)
