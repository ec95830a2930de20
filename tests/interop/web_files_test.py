#!/usr/bin/python3
"""People in browsers send files, put right what they said and react, as they use the client; a phone and
pidgin-sipe get what they can show."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop import webpage  # noqa: E402
from interop.webpage import find, inside, new_group, person, say  # noqa: E402
from lib import site, tap  # noqa: E402
from lib.im import phone, take  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402
from lib.web import address  # noqa: E402

# A picture of two by two points.
PNG = ("iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR42mP4z8DwHwyBjP9AxACSAQBY9wn3zQKmrgAAAABJRU5E"
       "rkJggg==")

# As if somebody had chosen these files.
CHOOSE = """
(async () => {
  const input = document.querySelector('.composer input[type=file], input[type=file]');
  if (!input) return false;
  const files = new DataTransfer();
  files.items.add(new File([FILE], NAME, { type: TYPE }));
  input.files = files.files;
  input.dispatchEvent(new Event('change', { bubbles: true }));
  return true;
})()
"""

SETTINGS = (2,)  # front ends: tests/run.py


def make(args, folder):
    site.netns.enter()
    return webpage.Browsers(args, folder)


def choose(p, name, content="'some notes'", kind="text/plain"):
    script = CHOOSE.replace("FILE", content).replace("NAME", repr(name)).replace("TYPE", repr(kind))
    wait_for(lambda: p.run(script), "a field for files")


def act(p, letter, text):
    """What the letter does with the message that says this."""
    wait_for(lambda: p.run(f"""
        (() => {{
          const m = [...document.querySelectorAll('.msg')].find((m) => m.innerText.includes({text!r}));
          const b = m?.querySelector('[data-act={letter}]');
          b?.click();
          return !!b;
        }})()"""), lambda: f"{letter} of {text!r}: {p.text()}")


def hears(p):
    """The next text; that somebody types is passed over."""
    while (m := take(p)).body.startswith(b"<?xml"):
        pass
    return m.body.decode()


@tap.test
def a_file_and_a_picture_are_sent_and_fetched(case):
    a, alice = person(case, "alice")
    b, bob = person(case, "bob")
    find(a, bob)
    choose(a, "notes of the day.txt")
    a.wait("notes of the day.txt")
    a.write("Message to", "as promised")
    a.press("Send")
    b.press(alice.name)
    b.wait("as promised")
    b.wait("notes of the day.txt")
    url = wait_for(lambda: b.run("document.querySelector('.file[href], .file a')?.getAttribute('href')"), "a link")
    check_eq(b.run(f"fetch({url!r}).then((r) => r.text())"), "some notes", "its content")
    choose(a, "dot.png", f"Uint8Array.from(atob({PNG!r}), (c) => c.charCodeAt(0))", "image/png")
    a.wait("dot.png")
    a.press("Send")
    wait_for(lambda: b.run("[...document.querySelectorAll('.msg img')].some((i) => i.naturalWidth === 2)"),
             lambda: f"the picture: {b.text()}")
    c, _ = person(case, "carol")
    check_eq(c.run(f"fetch({url!r}).then((r) => r.status)"), 404, "somebody else")


@tap.test
def what_was_said_is_put_right(case):
    a, alice = person(case, "alice")
    b, bob = person(case, "bob")
    find(a, bob)
    say(a, "See you at nun")
    b.press(alice.name)
    b.wait("See you at nun")
    act(a, "e", "See you at nun")
    wait_for(lambda: "at nun" in a.run("document.querySelector('.composer textarea').value"), "the text in the field")
    a.write("Message to", "See you at noon")
    a.press("Save")
    for p in (a, b):
        p.wait("See you at noon")
        p.wait("edited")
        p.wait_gone("See you at nun")
    act(b, "a", "See you at noon")
    b.press("\U0001f44d")
    for p in (a, b):
        wait_for(lambda p=p: p.run("[...document.querySelectorAll('.reaction')].map((r) => r.innerText).join()")
                 .startswith("\U0001f44d"), lambda p=p: f"the reaction: {p.text()}")
    act(a, "d", "See you at noon")
    wait_for(lambda: a.run("(() => { const b = document.querySelector('dialog .danger, [role=dialog] .danger');"
                           " b?.click(); return !!b; })()"), "the question")
    for p in (a, b):
        p.wait("This message was deleted")
        p.wait_gone("See you at noon")
    b.open("/")
    b.wait("This message was deleted")


@tap.test
def a_phone_gets_a_link_and_keeps_the_old_text(case):
    a, _ = person(case, "alice")
    p = phone(case)
    find(a, p.user)
    choose(a, "plan.pdf")
    a.wait("plan.pdf")
    a.press("Send")
    text = hears(p)
    check(text.startswith("plan.pdf (10 B)\nhttps://") and "/files/" in text, text)
    say(a, "call me")
    check_eq(hears(p), "call me", "a text")
    act(a, "e", "call me")
    wait_for(lambda: a.run("document.querySelector('.composer textarea').value") == "call me", "the text")
    a.write("Message to", "call me soon")
    a.press("Save")
    a.wait("call me soon")
    say(a, "really")
    check_eq(hears(p), "really", "what comes next")


@tap.test
def in_a_group_one_sees_who_types(case):
    (a, alice), (b, bob) = person(case, "alice"), person(case, "bob")
    new_group(a, "Typists", bob)
    inside(b, "Typists")
    b.wait("2 members")
    a.write("Message to", "I am about to say")
    b.wait(f"{address(alice)} writes")
    choose(a, "minutes.txt")
    a.wait("minutes.txt")
    a.press("Send")
    b.wait("I am about to say")
    b.wait("minutes.txt")
    url = wait_for(lambda: b.run("document.querySelector('.file[href], .file a')?.getAttribute('href')"), "a link")
    check_eq(b.run(f"fetch({url!r}).then((r) => r.text())"), "some notes", "its content")


if __name__ == "__main__":
    tap.main(make)
