"""Group conversations as Lync clients hold them: the factory, the focus, who is there, the IM MCU."""
import re
import secrets
import xml.etree.ElementTree as ET

from lib.im import open_session, say
from lib.lync import LyncClient
from lib.siptext import Dialog
from lib.tap import check_eq, wait_for

CCCP = "urn:ietf:params:xml:ns:cccp"
INFO = "urn:ietf:params:xml:ns:conference-info"
MSCI = "http://schemas.microsoft.com/rtc/2005/08/confinfoextensions"


def focus_of(user, conference):
    return f"{user.uri};gruu;opaque=app:conf:focus:id:{conference}"


class Conferee(LyncClient):
    """What it knows of the conference it is in: users {uri: {"role", "with": {session types}}}."""

    def __init__(self, *args, **kw):
        self.users, self.version, self.locked = {}, 0, None
        self.focus = self.leg = self.chat = None
        self.guid = "{" + secrets.token_hex(8).upper() + "}"
        super().__init__(*args, **kw)

    def _take(self, raw):
        before = len(self.all)
        super()._take(raw)
        for m in self.all[before:]:
            if m.method in ("BENOTIFY", "NOTIFY") or m.get("Event", "") == "conference":
                self.learn(m)

    # C3P.

    def c3p(self, to, command):
        return (f'<request xmlns="{CCCP}" C3PVersion="1" to="{to}" from="{self.user.uri}" '
                f'requestId="1">{command}</request>')

    def order(self, command, uri=None):
        """SERVICE to the own factory; (code of the answer, C3P code or reason, its text)."""
        uri = uri or f"{self.user.uri};gruu;opaque=app:conf:focusfactory"
        m = self.send(self.make("SERVICE", uri, body=self.c3p(uri, command),
                                headers=[("Content-Type", "application/cccp+xml")]))
        return result(self.expect_answer(m))

    def try_add_conference(self, conference, more=""):
        return self.order(
            f'<addConference><ci:conference-info xmlns:ci="{INFO}" xmlns:msci="{MSCI}" entity="">'
            f'<ci:conference-description><ci:subject/><msci:conference-id>{conference}'
            f'</msci:conference-id>{more}</ci:conference-description><msci:conference-view>'
            '<msci:entity-view entity="chat"/></msci:conference-view></ci:conference-info>'
            '</addConference>')

    def add_conference(self, conference=None, more=""):
        """A new conference; its id."""
        conference = conference or secrets.token_hex(16).upper()
        check_eq(self.try_add_conference(conference, more)[:2], (200, "success"), "addConference")
        return conference

    # The focus.

    def try_join(self, focus, call_id=None):
        body = self.c3p(focus, f'<addUser><conferenceKeys confEntity="{focus}"/><ci:user '
                        f'xmlns:ci="{INFO}" entity="{self.user.uri}"><ci:roles><ci:entry>attendee'
                        f'</ci:entry></ci:roles><ci:endpoint entity="{self.guid}"/></ci:user>'
                        '</addUser>')
        m = self.make("INVITE", focus, body=body,
                      headers=[("Content-Type", "application/cccp+xml")])
        if call_id:
            m.set("Call-ID", call_id)
        answer = self.expect_answer(self.send(m))
        if answer.code == 200:
            self.focus, self.leg = focus, self.confirm(m, answer)
        else:
            self.ack(m, answer)
        return answer

    def watch(self):
        m = self.send(self.make("SUBSCRIBE", self.focus, headers=[
            ("Event", "conference"), ("Accept", "application/conference-info+xml"),
            ("Supported", "ms-benotify"), ("Proxy-Require", "ms-benotify"),
            ("Supported", "ms-piggyback-first-notify")]))
        return self.expect_answer(m)

    def join(self, focus):
        """The whole way in, as pidgin-sipe goes it."""
        check_eq(self.try_join(focus).code, 200, "addUser")
        check_eq(self.watch().code, 200, "SUBSCRIBE")
        self.chat = open_session(self, focus.replace(":focus:", ":chat:"))
        return self

    def command(self, command):
        m = self.send(self.make("INFO", None, dialog=self.leg, body=self.c3p(self.focus, command),
                                headers=[("Content-Type", "application/cccp+xml")]))
        return result(self.expect_answer(m))

    def lock(self, locked="true"):
        return self.command(f'<modifyConferenceLock><conferenceKeys confEntity="{self.focus}"/>'
                            f'<locked>{locked}</locked></modifyConferenceLock>')

    def eject(self, user):
        return self.command(f'<deleteUser><userKeys confEntity="{self.focus}" '
                            f'userEntity="{user.uri}"/></deleteUser>')

    def leave(self):
        for dialog in (self.leg, self.chat):
            m = self.send(self.make("BYE", None, dialog=dialog))
            check_eq(self.expect_answer(m).code in (200, 481), True, "BYE")

    # What it is told.

    def learn(self, m):
        try:
            tree = ET.fromstring(m.body)
        except ET.ParseError:
            return
        if tree.tag != f"{{{INFO}}}conference-info":
            return
        if tree.get("state") == "full":
            self.users = {}
        self.version = int(tree.get("version"))
        for u in tree.iter(f"{{{INFO}}}user"):
            if u.get("state") == "deleted":
                self.users.pop(u.get("entity"), None)
                continue
            kinds = {e.get(f"{{{MSCI}}}session-type") for e in u.iter(f"{{{INFO}}}endpoint")
                     if e.findtext(f"{{{INFO}}}status") == "connected"}
            roles = [r.text for r in u.iter(f"{{{INFO}}}entry")]
            self.users[u.get("entity")] = {"role": roles[0], "with": kinds}
        for e in tree.iter(f"{{{MSCI}}}locked"):
            self.locked = e.text == "true"

    def wait_there(self, *others):
        """All of them, and nobody else, can be written to."""
        wanted = {c.user.uri for c in (self, *others)}
        wait_for(lambda: {u for u, v in self.users.items() if "chat" in v["with"]} == wanted
                 and set(self.users) == wanted,
                 lambda: f"{wanted} at {self.user.name}: {self.users}")

    # Messages.

    def say(self, text, code=202):
        check_eq(self.expect_answer(say(self, self.chat, text)).code, code, "MESSAGE")

    def hears(self, text, author):
        m = self.expect_request("MESSAGE")
        self.answer(m, 200)
        check_eq((m.body.decode(), m.get("Ms-Sender")), (text, f"<{author.user.uri}>"), "message")
        check_eq(m.tag("To"), Dialog.of_caller(m, m).local and m.tag("To"), "its dialog")


def result(answer):
    """(SIP code, C3P code or reason, body) of an answer."""
    text = answer.body.decode()
    found = re.search(r'reason="(\w+)"', text) or re.search(r'code="(\w+)"', text)
    return answer.code, found and found.group(1), text


def for_phones(focus):
    """The address of a conference that phones can write to."""
    user, host, conference = re.match(r"sip:([^@]+)@([^;]+);.*:id:(\w+)$", focus).groups()
    return f"sip:conf-{conference}.{user}@{host}"


def write(p, room, text, code=202):
    m = p.make("MESSAGE", room, body=text, headers=[("Content-Type", "text/plain")])
    check_eq(p.ask(m)[0].code, code, f"MESSAGE {text}")


def meet(*clients):
    """All in a new conference of the first."""
    first = clients[0]
    focus = focus_of(first.user, first.add_conference())
    for client in clients:
        client.join(focus)
    for client in clients:
        client.wait_there(*(c for c in clients if c is not client))
    return focus


def all_write(*clients, word="hello"):
    for client in clients:
        client.say(f"{word} of {client.user.name}")
        for other in clients:
            if other is not client:
                other.hears(f"{word} of {client.user.name}", client)
