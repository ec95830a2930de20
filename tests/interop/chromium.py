"""A Chromium without a screen, by its DevTools protocol: JSON messages that end in a NUL, on the
descriptors 3 (to it) and 4 (from it).  What a page does in a call is chromium/call.js."""
import itertools
import json
import math
import os
import queue
import shutil
import socket
import threading

from lib import wav
from lib.proc import Proc, must
from lib.tap import WAIT_S, Skip, TimedOut, check, wait_for

PROGRAM, CERTUTIL = "chromium", "certutil"
CALL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "chromium", "call.js")
FLAGS = (
    "--headless", "--remote-debugging-pipe", "--no-first-run",
    "--no-sandbox",              # which root may not have, and a user namespace has no other for
    "--disable-dev-shm-usage",   # containers have little of it
    "--disable-gpu",
    "--autoplay-policy=no-user-gesture-required",
    # Who shares a tab and prefers the own one shares that: nobody is there to choose.
    "--auto-accept-this-tab-capture",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    # Pages that nobody looks at run as fast as others.
    "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
)
RATE = 48000  # of what a page hears
# What the two ends of a call send.
CALLER = {"hz": 997, "left": "#ff0000", "right": "#0000ff"}
CALLED = {"hz": 1499, "left": "#00ff00", "right": "#ffffff"}
SCREEN = {"left": "#ffff00", "right": "#800080"}  # what either shares in place of a screen
LEVEL = 0.125 / math.sqrt(2)  # root mean square of what call.js plays
LEVEL_OFF, HZ_OFF, COLOUR_OFF = 0.1 * LEVEL, 5, 24
_READ_MAX = 1 << 16

_numbers = itertools.count(1)


def need():
    for program, package in ((PROGRAM, "chromium"), (CERTUTIL, "libnss3-tools")):
        if not shutil.which(program):
            raise Skip(f"{program} is not installed (package {package})")


class _Protocol:
    """Questions and their answers, from any thread."""

    def __init__(self, sock, log):
        self.sock, self.log, self.lock = sock, log, threading.Lock()
        self.numbers, self.asked, self.over = itertools.count(1), {}, False
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        rest = b""
        try:
            while data := self.sock.recv(_READ_MAX):
                *whole, rest = (rest + data).split(b"\0")
                for message in whole:
                    self._take(json.loads(message))
        except OSError:
            pass
        with self.lock:
            self.over = True
            left = list(self.asked.values())
        for waiting in left:
            waiting.put(None)

    def _take(self, message):
        """Events are of no interest."""
        with self.lock:
            waiting = self.asked.pop(message.get("id"), None)
        if waiting:
            waiting.put(message)

    def ask(self, method, session=None, **params):
        """The result of a method."""
        answer = queue.SimpleQueue()
        with self.lock:
            check(not self.over, f"the browser ended before {method} ({self.log})")
            number = next(self.numbers)
            self.asked[number] = answer
            to = {"sessionId": session} if session else {}
            self.sock.sendall(json.dumps({"id": number, "method": method, "params": params,
                                          **to}).encode() + b"\0")
        try:
            got = answer.get(timeout=WAIT_S)
        except queue.Empty:
            raise TimedOut(f"waited {WAIT_S} s for an answer to {method}: {params}") from None
        check(got, f"the browser ended during {method} ({self.log})")
        check("result" in got, f"{method}: {got.get('error')}")
        return got["result"]


class Chromium:
    """A browser that trusts this CA besides the world's, on a machine (None: the test's own)."""

    def __init__(self, folder, ca, machine=None):
        need()
        self.home = home = os.path.join(folder, f"chromium-{next(_numbers)}")
        store = os.path.join(home, ".pki", "nssdb")
        os.makedirs(store)
        must([CERTUTIL, "-d", "sql:" + store, "-N", "--empty-password"])
        must([CERTUTIL, "-d", "sql:" + store, "-A", "-t", "C,,", "-n", "ca", "-i", ca])
        ours, its = socket.socketpair()
        argv = [PROGRAM, *FLAGS, f"--user-data-dir={home}/profile"]
        self.p = Proc(["sh", "-c", 'exec "$@" 3<&0 4>&0 </dev/null', "sh", *argv], home + ".log",
                      env={**os.environ, "HOME": home, "TMPDIR": home}, netns=machine, stdin=its)
        its.close()
        self.sock, self.protocol = ours, _Protocol(ours, self.p.log)

    def page(self):
        return Page(self.protocol)

    def stop(self):
        self.p.stop()
        self.protocol.thread.join()
        self.sock.close()
        shutil.rmtree(self.home, ignore_errors=True)


class Page:
    """An empty one, to which call.js was given."""

    def __init__(self, protocol):
        self.protocol = protocol
        self.target = protocol.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = protocol.ask("Target.attachToTarget", targetId=self.target,
                                    flatten=True)["sessionId"]
        with open(CALL, encoding="utf-8") as f:
            self.run(f.read())

    def run(self, script):
        """The value of the script, or what it promises."""
        got = self.protocol.ask("Runtime.evaluate", self.session, expression=script,
                                awaitPromise=True, returnByValue=True)
        wrong = got.get("exceptionDetails")
        check(not wrong, f"{script[:200]}: {wrong}")
        return got["result"].get("value")

    def call(self, function, *args):
        return self.run(f"{function}({', '.join(map(json.dumps, args))})")

    def stop(self):
        """Closes it."""
        self.protocol.ask("Target.closeTarget", targetId=self.target)


def wait_heard(end, look):
    def heard():
        samples = end.call("listen")
        last[:] = [wav.frequency(samples, RATE), wav.level(samples)]
        return abs(last[0] - look["hz"]) < HZ_OFF and abs(last[1] - LEVEL) < LEVEL_OFF
    last = []
    wait_for(heard, lambda: f"{look['hz']} Hz at {LEVEL:.3f}; heard last: {last}")


def wait_seen(end, look):
    def seen():
        last[:] = end.call("see")
        return all(abs(a - b) <= COLOUR_OFF for got, wanted in zip(last, colours)
                   for a, b in zip(got, wanted))
    last, colours = [], [bytes.fromhex(look[side][1:]) for side in ("left", "right")]
    wait_for(seen, lambda: f"{look}; seen last: {last}")
