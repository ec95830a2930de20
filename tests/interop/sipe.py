"""pidgin-sipe 1.25 without a screen: tests/interop/sipe/purple_driver, driven by JSON lines.

Everything its user would see is an event (sipe/driver.h says which file tells what); every wait is
for an event after a mark.  The plug-in's own log, with every SIP message, is debug.log of its folder.
"""
import json
import os
import re
import threading

from lib import proc
from lib.proc import Proc
from lib.server import ROOT, program
from lib.tap import Skip, check, wait_for

DRIVER = program("tests/interop/sipe/purple_driver")
WRAPPER = os.path.join(ROOT, "contrib/pidgin-sipe-xmlfix/pidgin-sipe-xmlfix")
PLUGIN = "/usr/lib/purple-2/libsipe.so"
LOUD_DB, TONE_SHARE, TONE_OFF_HZ = -40, 0.6, 25
COLOUR_OFF = 40  # of 255: what coding does to a plain colour

_numbers = iter(range(1, 1 << 30))


def need():
    if not os.path.exists(PLUGIN):
        raise Skip("pidgin-sipe is not installed (Debian 13 has none: "
                   "contrib/pidgin-sipe-xmlfix/README.md)")
    if not os.path.exists(DRIVER):
        raise Skip(f"{DRIVER} is not built (packages libpurple-dev, libgstreamer1.0-dev)")


class Sipe:
    """One client of `user` on a machine of its own.  It signs in at once unless login=False; then by
    sign_on(), whose fields are those of the command login."""

    def __init__(self, case, user, transport="tls", password=None, tone=None, colour=None,
                 host=None, ca=None, login=True, auto_answer=False, **fields):
        need()
        server = case.site.server
        self.user, self.tone = user, tone
        self.auto_answer = auto_answer
        self.begun = 0  # the mark of the present call
        self.host = host or case.own(case.site.net.host())
        self.dir = os.path.join(case.dir, f"sipe-{self.host.name}-{user.name}-{next(_numbers)}")
        os.makedirs(self.dir)
        self.account = {
            "user": f"{user.name}@{user.domain}",
            "password": user.account_password if password is None else password,
            "server": f"{server.host}:{server.port(transport)}", "transport": transport,
            "auth": "ntlm", **fields}
        env = {**os.environ, "HOME": self.dir, "LC_ALL": "C.UTF-8", "LANGUAGE": "en",
               "XDG_CACHE_HOME": os.path.join(os.path.dirname(case.dir), "cache"), "GST_REGISTRY_FORK": "no"}
        self._lock = threading.Lock()
        self._sent = 0
        self.p = Proc([WRAPPER, DRIVER, self.dir, ca or server.ca],
                      os.path.join(self.dir, "events"), env=env, netns=self.host, stdin=True)
        case.own(self)
        self.wait_event("ready")
        self.command("play", tone=tone or 0, colour=0x0000ff if colour is None else colour)
        if login:
            self.sign_on()

    # Events.

    def events(self, after=0):
        """What was said since a mark, as a list; a line that is still being written does not count."""
        text = self.p.text_after(after)
        lines = text[:text.rfind("\n") + 1].splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def mark(self):
        return self.p.mark()

    def wait_event(self, event, after=0, **wanted):
        """Waits for an event with these fields; a compiled pattern is searched for in the field's
        text, a function is asked about its value.  Returns the event."""
        def fits(ev):
            return ev.get("event") == event and all(_fits(ev.get(k), v) for k, v in wanted.items())

        def seen():
            ended = not self.p.running()
            found = next((ev for ev in self.events(after) if fits(ev)), None)
            if ended and not found:
                raise AssertionError(f"purple_driver ended ({self.p.p.returncode}): {self.dir}")
            return found
        return wait_for(seen, lambda: f"{event} {wanted} in {self.p.log}; the last events: "
                                      f"{self.events(after)[-5:]}")

    def log(self):
        with open(os.path.join(self.dir, "debug.log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait_log(self, pattern):
        """Waits until the plug-in's log matches; returns the match."""
        return wait_for(lambda: re.search(pattern, self.log()),
                        f"/{pattern}/ in {self.dir}/debug.log")

    # Commands.

    def command(self, what, **fields):
        """One command; fails when it is refused.  Returns its reply."""
        reply = self.try_command(what, **fields)
        check(reply["ok"], f"{what} {fields}: {reply.get('why')}")
        return reply

    def try_command(self, what, **fields):
        with self._lock:
            self._sent += 1
            number = self._sent
            mark = self.mark()
            self.p.write(json.dumps({"do": what, "n": number, **fields}))
        return self.wait_event("reply", mark, n=number)

    def sign_on(self, **fields):
        self.account.update(fields)
        self.command("login", **self.account)

    def sign_off(self):
        self.command("logout")

    def send(self, uri, text):
        self.command("im", to=uri, text=text)

    def typing(self, uri, state="typing"):
        self.command("typing", to=uri, state=state)

    def set_status(self, name, message=None):
        fields = {} if message is None else {"message": message}
        self.command("status", id=name, **fields)

    def buddies(self):
        """{uri: its fields} of the contact list."""
        return {b["name"]: b for b in self.command("buddies")["buddies"]}

    def answer_request(self, request, **fields):
        """Answers an event "request": action=, text=, value=, fields=, or cancel=True."""
        self.command("answer", id=request["id"], **fields)

    def call(self, uri, video=False):
        self.command("call", to=uri, video=video)

    def answer(self):
        self.command("accept_call")

    def decline(self):
        self.command("reject_call")

    def new_recording(self):
        """What it hears is an event each half-second; those of calls before count no more."""
        self.begun = self.mark()

    def hang_up(self):
        self.command("hangup")

    def hold(self):
        self.command("hold")

    def resume(self):
        self.command("unhold")

    # Waits.

    def wait_registered(self, after=0):
        self.wait_event("signed-on", after)

    def wait_refused(self, after=0):
        """The sign-in failed; returns the event, whose "text" is what the user is told."""
        return self.wait_event("disconnected", after)

    def wait_signed_off(self, after=0):
        self.wait_event("signed-off", after)

    def wait_received(self, text, sender=""):
        fields = {"from": sender} if sender else {}
        return self.wait_event("im", text=text, **fields)

    def wait_ringing(self, after=0):
        """Somebody calls us."""
        ev = self.wait_event("incoming-call", after)
        if self.auto_answer:
            self.answer()
        return ev

    def wait_in_call(self, after=0):
        """Sound has found its way: the codec's pad is there."""
        self.wait_event("call-connected", after, session="audio")

    def wait_ended(self, after=0):
        self.wait_event("call-ended", after)

    def wait_sound(self, after=None):
        """A clean tone arrives.  (The first half-second may hold the sound's begin; a caller who hangs
        up then would leave wait_heard() nothing to find.)"""
        self.wait_event("sound", self.begun if after is None else after, db=lambda db: db > LOUD_DB,
                        share=lambda share: share > TONE_SHARE)

    def wait_flow(self, after=0):
        self.wait_sound(after)

    def wait_heard(self, hz, seconds=0.5, after=None):
        """Half-seconds of sound in which the tone is nearly all there is."""
        def heard():
            begin = self.begun if after is None else after
            return sum(0.5 for ev in self.events(begin) if ev["event"] == "sound" and
                       ev["db"] > LOUD_DB and ev["share"] > TONE_SHARE and
                       abs(ev["hz"] - hz) < TONE_OFF_HZ) >= seconds
        wait_for(heard, f"{hz} Hz in {self.p.log}")

    def wait_seen(self, colour, after=0):
        """A picture of nearly this colour (0xRRGGBB)."""
        wanted = [colour >> 16 & 255, colour >> 8 & 255, colour & 255]

        def seen():
            return any(all(abs(ev[name] - want) < COLOUR_OFF
                           for name, want in zip(("red", "green", "blue"), wanted))
                       for ev in self.events(after) if ev["event"] == "picture")
        wait_for(seen, f"a picture of {colour:06x} in {self.p.log}")

    def wait_held(self, after=0):
        """The other side has put us on hold."""
        self.wait_event("call-info", after, what="hold", local=False)

    def wait_resumed(self, after=0):
        self.wait_event("call-info", after, what="unhold", local=False)

    def wait_hold_done(self, after=0):
        self.wait_event("call-info", after, what="hold", local=True)

    def stop(self):
        if self.p.running():
            try:
                self.p.write(json.dumps({"do": "quit"}))
                self.p.p.wait(5)
            except (OSError, proc.subprocess.TimeoutExpired):
                pass  # stop() below is firm
        self.p.stop(polite=None)


def _fits(value, wanted):
    if isinstance(wanted, re.Pattern):
        return value is not None and bool(wanted.search(str(value)))
    if callable(wanted):
        return value is not None and wanted(value)
    return value == wanted
