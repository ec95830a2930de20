"""The browser client in Chromium, as a person uses it: fields by their ids or labels, buttons by what
they say."""
import base64
import json
import os
import re

from interop import chromium
from interop.chromium import CALL, SCREEN, Chromium
from lib import site
from lib.server import ROOT
from lib.tap import Skip, check, wait_for
from lib.web import Site

DIST = os.path.join(ROOT, "web", "dist")

# What a person can do; every element is found by what it is called.
HANDS = """
const named = (e) => (e.getAttribute('aria-label') || (e.labels && e.labels[0] && e.labels[0].innerText) ||
  e.innerText || e.textContent || e.placeholder || '').trim();
const shown = (e) => e.getClientRects().length > 0;
const find = (kinds, name) => [...document.querySelectorAll(kinds)]
  .filter((e) => shown(e) && named(e).toLowerCase().startsWith(name.toLowerCase()))[0];
window.hands = {
  press(name) {
    const e = find('button, a, [role=button], [role=option], [role=radio], [role=menuitem], label', name);
    if (!e) return false;
    e.click();
    return true;
  },
  write(what, text) {
    const e = document.getElementById(what) || find('input, textarea', what);
    if (!e) return false;
    const proto = e instanceof HTMLTextAreaElement ? HTMLTextAreaElement : HTMLInputElement;
    e.focus();
    Object.getOwnPropertyDescriptor(proto.prototype, 'value').set.call(e, text);
    e.dispatchEvent(new Event('input', { bubbles: true }));
    return true;
  },
  key(key) {
    const e = document.activeElement || document.body;
    e.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
    return true;
  },
  text: () => document.body.innerText,
  names: () => [...document.querySelectorAll('[aria-label]')].filter(shown).map(named).join('\\n'),
};
"""

# A microphone and a camera that tell the two ends of a call apart.
TALK = """
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const tracks = [];
  if (wanted.audio) tracks.push(...tone(LOOK.hz).getTracks());
  if (wanted.video) tracks.push(...picture(LOOK.left, LOOK.right).getTracks());
  return new MediaStream(tracks);
};
// How many tones have rung.
let rung = 0;
const makeOscillator = AudioContext.prototype.createOscillator;
AudioContext.prototype.createOscillator = function () {
  rung++;
  return makeOscillator.call(this);
};
// A screen, too; or the tab itself, by the browser's own capture.
const captureTab = navigator.mediaDevices?.getDisplayMedia.bind(navigator.mediaDevices);
let shared;
const shareTab = () => {
  navigator.mediaDevices.getDisplayMedia = (wanted) => captureTab({ ...wanted, preferCurrentTab: true });
};
if (navigator.mediaDevices)
  navigator.mediaDevices.getDisplayMedia = async () => (shared = picture(SCREEN.left, SCREEN.right));
const trackOf = (selector, kind) => {
  const stream = document.querySelector(selector)?.srcObject;
  return stream && stream.getTracks().find((t) => t.kind === kind);
};
function takeRemote(kind) {
  remote[kind] = trackOf(kind === 'audio' ? '.call audio' : '.call-other', kind);
  return !!remote[kind];
}
"""

# The page's calls go by the relay alone, by that way alone.
RELAY = """
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(config) {
    super(byRelay(config));
    pc = this;
  }
  setConfiguration(config) {
    super.setConfiguration(byRelay(config));
  }
};
function byRelay(config) {
  const fits = (url) => url.startsWith(WAY.scheme) && url.endsWith(WAY.transport);
  const iceServers = config.iceServers.map((s) => ({ ...s, urls: s.urls.filter(fits) }));
  return { ...config, iceServers, iceTransportPolicy: 'relay' };
}
"""
WAYS = {"udp": ("turn:", "=udp"), "tcp": ("turn:", "=tcp"), "tls": ("turns:", "=tcp")}


def need():
    if not os.path.exists(os.path.join(DIST, "index.html")):
        raise Skip("web/dist is not built (`tools/build-web`)")


class Browsers(site.Site):
    """One Chromium, in which every person has a store of her own.  It has a machine of its own: where
    cables come and go, as they do at the server's, Chromium gives up what it is loading
    (ERR_NETWORK_CHANGED)."""

    def __init__(self, args, folder, **server):
        chromium.need()
        need()
        self.folder = folder
        super().__init__(args, folder, web=f"metrics-port = 0\nweb-root = {DIST}\n", **server)
        try:
            self.machine = self.net.host()
            self.browser = self.browser_at(self.machine)
        except BaseException:
            super().stop()
            raise

    def browser_at(self, machine):
        return Chromium(self.folder, self.server.ca, machine)

    def stop(self):
        self.browser.stop()
        super().stop()


class WebPage:
    """A person's own browser: no cookie, no store is another's.  look: the tone and the picture that
    its microphone and camera give; way: of WAYS, how its calls reach the relay that they need;
    beside: another tab of the same browser."""

    def __init__(self, browser: Chromium, origin, look=None, way=None, beside=None):
        self.protocol, self.origin, self.beside = browser.protocol, origin, beside
        ask = self.protocol.ask
        self.context = beside.context if beside else \
            ask("Target.createBrowserContext")["browserContextId"]
        self.target = ask("Target.createTarget", url="about:blank", newWindow=True,
                          browserContextId=self.context)["targetId"]
        self.session = ask("Target.attachToTarget", targetId=self.target,
                           flatten=True)["sessionId"]
        for domain in ("Page", "Runtime"):
            ask(f"{domain}.enable", self.session)
        # As if somebody looked at each of them.
        ask("Emulation.setFocusEmulationEnabled", self.session, enabled=True)
        ask("Page.addScriptToEvaluateOnNewDocument", self.session, source=HANDS)
        if look:
            talk = TALK.replace("LOOK", json.dumps(look)).replace("SCREEN", json.dumps(SCREEN))
            with open(CALL, encoding="utf-8") as f:
                source = f.read() + talk
            if way:
                scheme, transport = WAYS[way]
                source += RELAY.replace("WAY", json.dumps({"scheme": scheme, "transport": transport}))
            ask("Page.addScriptToEvaluateOnNewDocument", self.session, source=source)
        self.size(1280, 800)
        self.open("/")

    def size(self, width, height, dark=False):
        self.protocol.ask("Emulation.setDeviceMetricsOverride", self.session, width=width,
                          height=height, deviceScaleFactor=1, mobile=width < 700)
        self.protocol.ask("Emulation.setEmulatedMedia", self.session, features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def open(self, path):
        self.protocol.ask("Page.navigate", self.session, url=self.origin + path)
        wait_for(lambda: self.run("document.readyState == 'complete' && !!window.hands"),
                 f"the page {path}")

    def run(self, script):
        """Its value; as done by a person, which browsers want for some things."""
        got = self.protocol.ask("Runtime.evaluate", self.session, expression=script,
                                awaitPromise=True, returnByValue=True, userGesture=True)
        wrong = got.get("exceptionDetails")
        check(not wrong, f"{script[:200]}: {wrong}")
        return got["result"].get("value")

    def call(self, function, *args):
        """As of a page of chromium/call.js: what the client plays is listened to, and looked at."""
        kind = {"listen": "audio", "see": "video"}[function]
        wait_for(lambda: self.run(f"takeRemote({kind!r})"), lambda: f"{kind} that comes: {self.text()}")
        return self.run(f"{function}({', '.join(map(json.dumps, args))})")

    def _do(self, what, *args):
        call = f"hands.{what}({', '.join(map(json.dumps, args))})"
        wait_for(lambda: self.run(call), lambda: f"{call}; the page says: {self.text()}")

    def press(self, name):
        self._do("press", name)

    def write(self, field, text):
        self._do("write", field, text)

    def key(self, key):
        self._do("key", key)

    def text(self):
        return self.run("hands.text() + '\\n' + hands.names()")

    def wait(self, text):
        wait_for(lambda: text in self.text(), lambda: f"{text!r} on the page: {self.text()}")

    def wait_gone(self, text):
        wait_for(lambda: text not in self.text(), lambda: f"no {text!r} on the page: {self.text()}")

    def picture(self, path):
        data = self.protocol.ask("Page.captureScreenshot", self.session, format="png")["data"]
        with open(path, "wb") as f:
            f.write(base64.b64decode(data))

    def stop(self):
        if self.beside:
            self.protocol.ask("Target.closeTarget", targetId=self.target)
        else:
            self.protocol.ask("Target.disposeBrowserContext", browserContextId=self.context)


def page(case, look=None, way=None):
    return case.own(WebPage(case.site.browser, Site(case.site.server).origin, look, way))


def sign_in(p, user, password=None):
    p.write("User name", user.name)
    p.write("Password", password or user.account_password)
    p.press("Sign in")


def wait_reachable(p):
    """Signed in is not enough to be called: by the time that the page knows the user's own state, the
    server knows the browser."""
    wait_for(lambda: re.search(r", (?!Presence unknown).*: change your state", p.text()),
             lambda: f"one's own state on the page: {p.text()}")


def person(case, name, look=None, way=None):
    """In her own browser, where she can be reached; the page and the user."""
    p, user = page(case, look, way), case.site.user(name)
    sign_in(p, user)
    wait_reachable(p)
    return p, user


def find(p, user):
    """Searches the directory and opens the chat."""
    p.write("Search people", user.name)
    p.press(user.name)


def new_group(p, name, *users):
    """p's window is that of the new group afterwards."""
    p.press("New group chat")
    p.write("Name of the group", name)
    for user in users:
        p.write("Find people", user.name)
        p.press(user.name)
    p.press("Create group")
    p.wait(f"{len(users) + 1} members")


def inside(p, name):
    p.wait(name)
    p.press(name)


def say(p, text):
    p.write("Message to", text)
    p.press("Send")
    p.wait(text)
