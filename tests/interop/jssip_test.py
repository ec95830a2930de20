#!/usr/bin/python3
"""JsSIP, a SIP phone for web pages, signs in over WebSocket, writes with a phone, and talks with another
page of its kind and with the browser client."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop import webpage  # noqa: E402
from interop.chromium import CALLED, CALLER, wait_heard  # noqa: E402
from interop.jssip import JsPhone, bundle  # noqa: E402
from interop.webpage import find, person  # noqa: E402
from lib import site, tap  # noqa: E402
from lib.siptext import Phone  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402


def make(args, folder):
    site.netns.enter()
    script = bundle(folder)
    made = webpage.Browsers(args, folder, edge="open-peers = 10.0.0.0/8\n")
    made.script = script
    return made


def js(case, look=CALLER):
    return case.own(JsPhone(case.site, case.site.script, case.site.user("js"), look)).sign_in()


def up(p):
    wait_for(lambda: p.run("document.querySelector('.call')?.dataset.phase") == "up",
             lambda: f"a call that is up: {p.text()}")


@tap.test
def it_signs_in_and_off(case):
    p = js(case)
    rows = case.site.server.endpoints(p.user)
    check_eq(len(rows), 1, "endpoints")
    check(".invalid" in rows[0]["contact"], rows)
    p.run("ua.stop()")
    wait_for(lambda: not case.site.server.endpoints(p.user), "its endpoint to go")


@tap.test
def it_writes_with_a_phone(case):
    p = js(case)
    t = case.own(Phone(case.site.server, case.site.user("desk"), "tcp")).sign_in()
    m = t.make("MESSAGE", p.user.uri, body="to the page", headers=[("Content-Type", "text/plain")])
    t.send(m)
    check_eq(t.expect_answer(m).code, 200, "a phone's")
    p.wait_text("to the page")
    p.run(f"void (written = write({t.user.uri!r}, 'from the page'))")
    got = t.expect_request("MESSAGE")
    check_eq(got.body, b"from the page", "JsSIP's")
    t.answer(got, 200)
    check_eq(p.run("written"), "succeeded", "JsSIP's")


@tap.test
def two_of_them_talk_and_hang_up(case):
    a, b = js(case, CALLER), js(case, CALLED)
    a.ring(b.user)
    b.pick_up()
    a.wait_state("up")
    b.wait_state("up")
    wait_heard(a, CALLED)
    wait_heard(b, CALLER)
    b.hang_up()
    a.wait_state("ended")


@tap.test
def it_calls_the_browser_client(case):
    a = js(case, CALLER)
    b, bob = person(case, "bob", CALLED)
    # The page is there before its session has signed in.
    wait_for(lambda: case.site.server.endpoints(bob), "the browser client's endpoint")
    a.ring(bob)
    wait_for(lambda: "is calling" in b.text(), lambda: f"a call: {a.state()}; {b.text()}")
    b.press("Answer")
    a.wait_state("up")
    up(b)
    wait_heard(a, CALLED)
    wait_heard(b, CALLER)
    b.press("Hang up")
    a.wait_state("ended")


@tap.test
def the_browser_client_calls_it(case):
    a, _ = person(case, "alice", CALLER)
    b = js(case, CALLED)
    find(a, b.user)
    a.press("Call ")
    b.pick_up()
    up(a)
    b.wait_state("up")
    wait_heard(a, CALLED)
    wait_heard(b, CALLER)
    b.hang_up()
    a.wait_gone("Hang up")


if __name__ == "__main__":
    tap.main(make)
