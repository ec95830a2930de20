#!/usr/bin/python3
"""People in browsers, as they use the client: sign-in, people with presence, chat with one another, with a
Lync client and with a phone; and what happens when the network or the server goes for a while."""
import base64
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop import webpage  # noqa: E402
from interop.webpage import find, page, person, say, sign_in  # noqa: E402
from lib import site, tap  # noqa: E402
from lib.presence import PresenceClient  # noqa: E402
from lib.siptext import Phone  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402


def make(args, folder):
    site.netns.enter()
    return webpage.Browsers(args, folder)


@tap.test
def a_wrong_password_is_told_and_the_right_one_opens_the_door(case):
    p, user = page(case), case.site.user("wrong")
    sign_in(p, user, "not this one")
    p.wait("is not right")
    sign_in(p, user)
    p.wait("Chats")
    p.open("/")
    p.wait("Chats")  # the cookie is still good


@tap.test
def two_people_find_one_another_and_chat(case):
    a, alice = person(case, "alice")
    b, bob = person(case, "bob")
    find(a, bob)
    say(a, "Hello Bob, here is <b>Alice</b>")
    b.wait("Hello Bob, here is <b>Alice</b>")
    b.press(alice.name)
    say(b, "Hello Alice")
    a.wait("Hello Alice")


@tap.test
def what_was_said_is_found_and_answered(case):
    a, alice = person(case, "alice")
    b, bob = person(case, "bob")
    find(a, bob)
    say(a, "The key is under the blue Müll bin")
    for i in range(3):
        say(a, f"Something else {i}")
    b.wait("Something else 2")
    b.write("Search people and messages", "MULL key")
    b.press("Messages")
    b.wait("Messages that were found")
    wait_for(lambda: b.run("[...document.querySelectorAll('.found mark')].map((m) => m.innerText).join()") ==
             "key,Müll", lambda: f"the words that were found: {b.text()}")
    b.run("document.querySelector('.found button').click()")
    b.wait("Message to " + alice.name)
    wait_for(lambda: b.run("document.querySelectorAll('.msg [data-act=r]').length") == 4, "four messages")
    b.run("document.querySelector('.msg [data-act=r]').click()")
    wait_for(lambda: "blue" in b.run("document.querySelector('.composer textarea').value"), "the quote")
    b.write("Message to", b.run("document.querySelector('.composer textarea').value") + "Thank you")
    b.press("Send")
    a.wait("Thank you")
    check("blue" in a.run("document.querySelector('.bubble blockquote').innerText"), "what is answered")


# A file as if it were dropped on the chat.
DROP = """
(() => {
  const data = new DataTransfer();
  const bytes = Uint8Array.from(atob(%s), (c) => c.charCodeAt(0));
  data.items.add(new File([bytes], %s, { type: %s }));
  document.querySelector('.timeline').dispatchEvent(
    new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: data }));
})()
"""
# One dot, red.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="


@tap.test
def files_are_seen_and_saved_by_the_other_and_by_nobody_else(case):
    a, alice = person(case, "alice")
    b, bob = person(case, "bob")
    c, _ = person(case, "carol")
    find(a, bob)
    a.wait("Attach files")
    notes = base64.b64encode(b"some notes").decode()
    a.run(DROP % (json.dumps(PNG), json.dumps("red dot.png"), json.dumps("image/png")))
    a.run(DROP % (json.dumps(notes), json.dumps("no+tes & more.txt"), json.dumps("text/plain")))
    wait_for(lambda: a.text().count("ready") == 2, lambda: f"both are there: {a.text()}")
    a.write("Message to", "Look at these")
    a.press("Send")
    b.press(alice.name)
    b.wait("Look at these")
    wait_for(lambda: b.run("document.querySelector('.picture img')?.naturalWidth"), "the picture is shown")
    wait_for(lambda: b.run("document.querySelector('a.file')?.innerText.includes('no+tes & more.txt')"),
             lambda: f"the card: {b.text()}")
    href = b.run("document.querySelector('a.file').getAttribute('href')")
    read = f"fetch({json.dumps(href)}).then((r) => r.ok ? r.text() : r.status)"
    check_eq(b.run(read), "some notes", "what Bob gets")
    check_eq(c.run(read), 404, "what Carol gets")
    c.open("/#" + href.split("?")[0])
    c.wait("There is no such file for you")
    b.open("/#" + href.split("?")[0])
    b.wait("The download begins")
    wait_for(lambda: a.run("[...document.querySelectorAll('.fate')].pop()?.dataset.state") == "delivered",
             "it is delivered")


@tap.test
def a_lync_client_sees_what_the_browser_says_and_the_other_way_round(case):
    b, bob = person(case, "bob")
    lync = case.own(PresenceClient(case.site.server, case.site.user("lync")))
    lync.start()
    check_eq(lync.watch(bob).code, 200, "the Lync client watches")
    lync.wait_sees(bob, 3500)
    b.press(f"{bob.name}")
    b.press("Busy")
    lync.wait_sees(bob, 6500)


@tap.test
def a_phone_writes_to_a_browser_and_gets_an_answer(case):
    b, bob = person(case, "bob")
    phone = case.own(Phone(case.site.server, case.site.user("phone")))
    phone.register()
    m = phone.make("MESSAGE", bob.uri, body="From the phone", headers=[("Content-Type", "text/plain")])
    check_eq(phone.ask(m)[0].code, 200, "its message")
    b.wait("From the phone")
    b.press(phone.user.name)
    b.write("Message to", "From the browser")
    b.press("Send")
    got = phone.expect_request("MESSAGE")
    while "iscomposing" in got.get("Content-Type", ""):
        phone.answer(got, 200)
        got = phone.expect_request("MESSAGE")
    phone.answer(got, 200)
    check_eq(got.body.decode(), "From the browser", "what the phone got")
    b.wait("Delivered")


@tap.test(alone=True)
def what_is_written_while_the_server_is_away_goes_out_when_it_is_back(case):
    a, alice = person(case, "alice")
    b, bob = person(case, "bob")
    find(a, bob)
    say(a, "before")
    b.wait("before")
    case.site.server.kill_role("web", 1)
    a.write("Message to", "meanwhile")
    a.press("Send")
    b.wait("meanwhile")
    wait_for(lambda: a.text().count("meanwhile") >= 1, "the sent one")
    for n in range(1, case.site.frontends + 1):
        case.site.server.kill_role("frontend", n)
    b.press(alice.name)
    b.write("Message to", "after the front ends came back")
    b.press("Send")
    a.wait("after the front ends came back")
    check("Sign in" not in a.text(), "nobody had to sign in again")


@tap.test(alone=True)
def the_program_opens_without_its_server(case):
    a, alice = person(case, "alice")
    b, bob = person(case, "bob")
    find(a, bob)
    say(a, "before")
    b.wait("before")
    wait_for(lambda: a.run("navigator.serviceWorker.getRegistration().then((r) => r?.active?.state)") == "activated",
             "the service worker of the pages")
    case.site.server.stop()
    a.open("/")
    a.wait("No connection")
    case.site.server.start()
    a.wait_gone("No connection")
    a.press(bob.name)
    say(a, "it is back")
    b.wait("it is back")


if __name__ == "__main__":
    tap.main(make)
