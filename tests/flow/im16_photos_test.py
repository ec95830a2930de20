#!/usr/bin/python3
"""Poster row IM-16: photos of users, which administrators or they themselves set, and who sees the card sees."""
import os
import re
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.photos import give, png  # noqa: E402
from lib.presence import NS, PresenceClient, Publication  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402
from lib.web import API, Browser, Site, address, make_pages  # noqa: E402

BYTES_MAX, SIDE_MAX = 30 * 1024, 1024
NAME = re.compile(r"^[0-9a-f]{32}$")
BROWSER = [("Content-Type", "image/png")]


def make(args, folder):
    site.netns.enter()
    return site.Site(args, folder, web=f"metrics-port = 0\nweb-root = {make_pages(folder)}\n")


def browser(case, user=None):
    return case.own(Browser(Site(case.site.server), user or case.site.user("face"))).start()


def send(b, content, headers=BROWSER, **kw):
    kw.setdefault("cookie", b.cookie)
    return b.site.request("POST", API + "photo", content, headers, **kw)


def fetch(b, name, headers=(), method="GET"):
    """Without a cookie, as Lync clients do."""
    return b.site.request(method, f"/photos/{name}", headers=headers, origin=False)


def photo_of(b, user):
    return b.people.get(address(user), {}).get("photo")


def wait_photo(b, user, than=""):
    """The name of a photo that is another one."""
    return wait_for(lambda: (photo_of(b, user) or than) != than and photo_of(b, user),
                    lambda: f"a photo of {user.name}: {b.people}")


def watching(case, user):
    b = browser(case)
    b.ok("people.watch", uris=[address(user)])
    wait_for(lambda: address(user) in b.people, "the person")
    return b


@tap.test
def an_administrator_gives_a_photo_and_others_see_it_at_once(case):
    user = case.site.user("seen")
    b = watching(case, user)
    check_eq(photo_of(b, user), "", "before it there is none")
    give(case, user, png(grey=1))
    name = wait_photo(b, user)
    check(NAME.match(name), name)
    check_eq(fetch(b, name).body, png(grey=1), "the picture")
    give(case, user, png(grey=2))
    other = wait_photo(b, user, than=name)
    check_eq(fetch(b, other).body, png(grey=2), "the new one")
    check_eq(fetch(b, name).status, 404, "the old one")
    case.site.server.tool("user", "photo", user.name, "--remove")
    wait_for(lambda: photo_of(b, user) == "", "none any more")
    check_eq(fetch(b, other).status, 404, "the removed one")


@tap.test
def it_is_kept_by_browsers_and_does_nothing_but_be_seen(case):
    user = case.site.user("seen")
    b = watching(case, user)
    give(case, user, png())
    name = wait_photo(b, user)
    answer = fetch(b, name)
    check_eq(answer.headers["Content-Type"], "image/png", "the kind, by its content")
    check_eq(answer.headers["ETag"], f'"{name}"', "ETag")
    check("immutable" in answer.headers["Cache-Control"] and "private" in answer.headers["Cache-Control"],
          answer.headers["Cache-Control"])
    check_eq(answer.headers["X-Content-Type-Options"], "nosniff", "nosniff")
    check("sandbox" in answer.headers["Content-Security-Policy"], answer.headers["Content-Security-Policy"])
    again = fetch(b, name, [("If-None-Match", f'"{name}"')])
    check_eq((again.status, again.body), (304, b""), "who has it")
    head = fetch(b, name, method="HEAD")
    check_eq((head.status, head.body, head.headers["Content-Length"]), (200, b"", str(len(png()))), "HEAD")
    check_eq(fetch(b, name, method="DELETE").status, 405, "DELETE")


@tap.test
def names_that_nobody_has_are_not_found(case):
    b = browser(case)
    for name in ("", "0" * 32, "f" * 31, "f" * 33, "g" * 32, "..%2f..%2fetc", "0" * 32 + "/x"):
        check_eq(fetch(b, name).status, 404, name)


@tap.test
def people_set_and_remove_their_own(case):
    a = browser(case)
    b = watching(case, a.user)
    answer = send(a, png())
    check_eq(answer.status, 200, answer.body)
    name = answer.json()["photo"]
    check_eq(wait_photo(b, a.user), name, "what the other is told")
    check_eq(fetch(b, name).body, png(), "the picture")
    check_eq(a.own("session")["user"]["photo"], name, "the own one")
    check_eq(a.own("photo/remove", x=1), {"photo": ""}, "removed")
    wait_for(lambda: photo_of(b, a.user) == "", "none any more")
    check("photo" not in a.own("session")["user"], "the own one")


@tap.test
def what_is_no_photo_is_refused_and_the_old_one_stays(case):
    a = browser(case)
    name = send(a, png()).json()["photo"]
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    for content, status in ((b"", 400), (svg, 400), (b"\xff\xd8\xff\xe0" + bytes(100), 400),
                            (png(side=SIDE_MAX + 1), 400), (png(extra=BYTES_MAX), 413)):
        answer = send(a, content)
        check_eq((answer.status, answer.code), (status, "bad_photo"), content[:20])
    check_eq(send(a, png(side=SIDE_MAX)).status, 200, "the largest")
    room = BYTES_MAX - len(png())
    check_eq(send(a, png(extra=room)).status, 200, "as many bytes as there may be")
    check_eq(fetch(a, name).status, 404, "the first one, which was replaced")


@tap.test
def only_the_user_changes_it_and_no_other_site(case):
    a = browser(case)
    check_eq(send(a, png(), cookie="x" * 43).status, 401, "no log-in")
    check_eq(send(a, png(), origin=False).code, "foreign_origin", "no origin")
    check_eq(send(a, png(), [*BROWSER, ("Origin", "https://evil.test")]).code, "foreign_origin", "another's")
    check("photo" not in a.own("session")["user"], "nothing was set")


@tap.test
def a_gif_is_as_large_as_what_it_shows(case):
    """A browser gives the first frame its room, whatever the file says of its size before."""
    a = browser(case)

    def gif(side):
        frame = b"," + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\x02\x02D\x01\0;"
        return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6) + frame
    for side, status in ((SIDE_MAX + 1, 400), (60000, 400), (SIDE_MAX, 200)):
        answer = a.site.request("POST", API + "photo", gif(side), [("Content-Type", "image/gif")], cookie=a.cookie)
        check_eq(answer.status, status, f"{side}: {answer.body}")


@tap.test
def a_search_finds_photos_and_disabled_users_have_none(case):
    a, user = browser(case), case.site.user("found")
    case.site.server.tool("user", "set", user.name, "--name", f"Photogenic {user.name}")
    give(case, user, png())

    def found():
        rows = a.ok("people.search", text=f"Photogenic {user.name}")["people"]
        return rows and rows[0].get("photo")
    name = wait_for(found, "the photo of who is found")
    check_eq(fetch(a, name).status, 200, "it is there")
    case.site.server.tool("user", "disable", user.name)
    check_eq(fetch(a, name).status, 404, "of who is disabled")


@tap.test
def a_lync_client_is_told_where_it_is(case):
    user = case.site.user("card")
    give(case, user, png())
    a = case.own(PresenceClient(case.site.server, case.site.user("lync"))).start()
    check_eq(a.watch(user).code, 200, "SUBSCRIBE")

    def found():
        cards = a.people.get(address(user), {}).get("contactCard", [])
        return next((p for c in cards for p in [c.find("photo")] if p is not None), None)
    wait_for(lambda: found() is not None, "a card with a photo")
    photo = found()
    url, name = photo.findtext("uri"), photo.findtext("hash")
    web = Site(case.site.server)
    check_eq((photo.get("type"), url), ("enterprise", f"{web.origin}/photos/{name}"), "the photo")
    check_eq(web.request("GET", f"/photos/{name}", origin=False).body, png(), "the picture")


@tap.test
def what_others_publish_is_no_photo_of_ours(case):
    user = case.site.user("liar")
    b = watching(case, user)
    a = case.own(PresenceClient(case.site.server, user)).start()
    for i, url in enumerate(("http://evil.test/a.png", "https://evil.test/photos/../api/v1/logout",
                             f"https://evil.test/photos/{'0' * 31}g", "javascript:alert(1)//photos/x")):
        card = (f'<contactCard xmlns="{NS}contactcard"><identity><name><displayName>Liar {i}</displayName>'
                f"</name></identity><photo type=\"enterprise\"><uri>{url}</uri><hash>{i}</hash></photo>"
                "</contactCard>")
        check_eq(a.publish(Publication("contactCard", 0, 200, card)).code, 200, "publish")
        wait_for(lambda: b.people[address(user)].get("name") == f"Liar {i}", "the card")
        check_eq(photo_of(b, user), "", url)


@tap.test(alone=True)
def it_survives_a_restart_of_accounts(case):
    user = case.site.user("kept")
    b = watching(case, user)
    give(case, user, png())
    name = wait_photo(b, user)
    case.site.server.kill_role("accounts")
    wait_for(lambda: fetch(b, name).status == 200, "it answers")
    check_eq(fetch(b, name).body, png(), "the picture")


if __name__ == "__main__":
    tap.main(make)
