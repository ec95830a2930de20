#!/usr/bin/python3
"""How long a person waits for the browser client: from the page's opening until the list of chats can be
used, signed in by the cookie, median of 20 in Chromium.  Cold: nothing of the page is in the browser's
cache.  Warm: as on the next day.  `bench/webview.py [--chats N] [--times N]`; needs web/dist
(tools/build-web) and the packages of tools/packages/test."""
import argparse
import os
import shutil
import statistics
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[0] = os.path.join(ROOT, "tests")  # in place of this folder, whose http.py is another one
from interop import webpage  # noqa: E402
from lib import site, tap  # noqa: E402
from lib.tap import wait_for  # noqa: E402

# Milliseconds since the navigation began, when the first chat is there and takes clicks.
WATCH = """
(() => {
  const look = () => {
    if (window.usable || !document.querySelector('[role=option]')) return;
    requestAnimationFrame(() => requestAnimationFrame(() => (window.usable = performance.now())));
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
})();
"""


class Case:
    """What the helpers of the tests want of one."""

    def __init__(self, where):
        self.site, self.things = where, []

    def own(self, thing):
        self.things.append(thing)
        return thing


def measure(p, times, cold):
    found = []
    for _ in range(times):
        if cold:
            p.protocol.ask("Network.clearBrowserCache", p.session)
        p.open("/")
        found.append(wait_for(lambda: p.run("window.usable || 0"), "a view that can be used"))
    return found


def say(what, found):
    found = sorted(found)
    print(f"{what}: median {statistics.median(found):.0f} ms, {found[0]:.0f} to {found[-1]:.0f} ms, n={len(found)}")


def run(args, folder):
    args.frontends, args.k = 1, ""
    site.netns.enter()
    where = webpage.Browsers(args, folder)
    case = Case(where)
    try:
        p, user = webpage.person(case, "alice")
        for i in range(args.chats):
            webpage.find(p, where.user(f"peer{i}"))
            webpage.say(p, f"Hello number {i}")
        p.protocol.ask("Network.enable", p.session)
        p.protocol.ask("Page.addScriptToEvaluateOnNewDocument", p.session, source=WATCH)
        say("cold", measure(p, args.times, True))
        say("warm", measure(p, args.times, False))
    finally:
        for thing in reversed(case.things):
            thing.stop()
        where.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chats", type=int, default=10)
    parser.add_argument("--times", type=int, default=20)
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="dialtone-bench-")
    try:
        run(args, folder)
    except tap.Skip as e:
        sys.exit(f"cannot run here: {e}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
