"""JsSIP in a page of Chromium: a SIP phone of somebody else's make that speaks SIP over WebSocket."""
import json
import os

from interop.chromium import CALL
from interop.webpage import WebPage
from lib import proc
from lib.server import ROOT
from lib.tap import Skip, wait_for
from lib.web import API
from lib.wssphone import PORT

MODULES = os.path.join(ROOT, "web", "node_modules")
PHONE = os.path.join(os.path.dirname(CALL), "phone.js")


def bundle(folder):
    """JsSIP as one script, for the tests alone; its path."""
    out = os.path.join(folder, "jssip.js")
    source = os.path.join(MODULES, "jssip", "lib", "JsSIP.js")
    if not os.path.exists(source):
        raise Skip("JsSIP is not installed (`npm ci` in web/)")
    proc.must([os.path.join(MODULES, ".bin", "esbuild"), source, "--bundle", "--format=iife",
               "--global-name=JsSIP", "--define:global=globalThis", f"--outfile={out}"])
    return out


class JsPhone(WebPage):
    """An empty page of the deployment's own, in which JsSIP signs a user in."""

    def __init__(self, site, script, user, look):
        self.server, self.script, self.user, self.look = site.server, script, user, look
        super().__init__(site.browser, f"https://{site.server.host}:4443")

    def open(self, path):
        # Who may use the microphone offers the addresses of the machine, as a phone does.
        self.protocol.ask("Browser.grantPermissions", browserContextId=self.context,
                          permissions=["audioCapture"])
        # The browser client has no business here, and what it allows its page is not what this one needs.
        self.protocol.ask("Page.setBypassCSP", self.session, enabled=True)
        for name in (CALL, self.script, PHONE):
            with open(name, encoding="utf-8") as f:
                self.protocol.ask("Page.addScriptToEvaluateOnNewDocument", self.session, source=f.read())
        super().open(API + "session")

    def sign_in(self):
        words = (f"wss://{self.server.host}:{PORT}", self.user.uri, self.user.name, self.user.password)
        self.run(f"signIn({', '.join(map(json.dumps, words))})")
        wait_for(lambda: self.run("phone.registered"), lambda: f"a registration: {self.state()}")
        return self

    def state(self):
        return self.run("phone")

    def wait_state(self, state):
        wait_for(lambda: self.run("phone.state") == state, lambda: f"{state!r}: {self.state()}")

    def write_to(self, user, text):
        return self.run(f"write({json.dumps(user.uri)}, {json.dumps(text)})")

    def wait_text(self, text):
        wait_for(lambda: text in self.run("phone.texts"), lambda: f"{text!r}: {self.state()}")

    def ring(self, user):
        self.run(f"ring({json.dumps(user.uri)}, {self.look['hz']})")

    def pick_up(self):
        self.wait_state("rings")
        self.run(f"pickUp({self.look['hz']})")

    def hang_up(self):
        self.run("hangUp()")
