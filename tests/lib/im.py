"""Instant messages as clients send them: sessions of Lync clients, single messages of phones, and
what the server remembers of them."""
import json

from lib.lync import LyncClient
from lib.siptext import Dialog, Phone
from lib.tap import check, check_eq, wait_for

SDP = ("v=0\r\no=- 0 0 IN IP4 192.0.2.9\r\ns=session\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
       "m=message 5061 sip null\r\na=accept-types:text/plain text/html\r\n")
TYPING = '<?xml version="1.0"?><KeyboardActivity> <status status="{}" /></KeyboardActivity>'


def lync(case, user=None, **kw):
    return case.own(LyncClient(case.site.server, user or case.site.user("lync"), **kw)).sign_in()


def phone(case, user=None, transport="tcp"):
    return case.own(Phone(case.site.server, user or case.site.user("phone"), transport)).sign_in()


def invite(a, uri, headers=(), call_id=None):
    m = a.make("INVITE", uri, body=SDP, headers=[
        ("Content-Type", "application/sdp"), ("Ms-Conversation-ID", "x1"), *headers])
    return a.send(m.set("Call-ID", call_id) if call_id else m)


def accept(b, ack=True):
    """Takes up the session that is offered; (INVITE, dialog of the callee)."""
    m = b.expect_request("INVITE")
    answer = b.answer(m, 200, body=SDP, headers=[("Content-Type", "application/sdp")])
    if ack:
        b.expect_request("ACK")
    return m, Dialog.of_callee(m, answer)


def open_session(a, uri):
    m = invite(a, uri)
    answer = a.expect_answer(m)
    check_eq(answer.code, 200, "INVITE")
    return a.confirm(m, answer)


def between(a, b):
    """A session of two Lync clients: the dialogs of both."""
    m = invite(a, b.user.uri)
    _, back = accept(b, ack=False)
    there = a.confirm(m, a.expect_answer(m))
    b.expect_request("ACK")
    return there, back


def say(a, dialog, text, kind="text/plain; charset=UTF-8"):
    return a.send(a.make("MESSAGE", None, dialog=dialog, body=text,
                         headers=[("Content-Type", kind)]))


def page(a, uri, text, kind="text/plain", headers=()):
    """A single message, sent and not waited for; a challenge is not expected."""
    return a.send(a.make("MESSAGE", uri, body=text, headers=[("Content-Type", kind), *headers]))


def take(b, code=200):
    """The next MESSAGE, answered; it."""
    m = b.expect_request("MESSAGE")
    b.answer(m, code)
    return m


def said(a, m, b, code=200):
    """b takes what a has sent as m."""
    got = take(b, code)
    check_eq(a.expect_answer(m).code, code, "MESSAGE")
    return got


class History:
    """A subscription to what the user said, and was told.  alone: as the web role's, whose endpoints
    want no MESSAGE besides and do not answer."""

    def __init__(self, client, since=None, alone=False):
        self.client, self.messages, self.next = client, [], None
        asked = {k: v for k, v in (("since", since), ("alone", alone or None)) if v is not None}
        body = json.dumps(asked) if asked else ""
        m = client.make("SUBSCRIBE", client.user.uri, body=body, headers=[
            ("Event", "dialtone-conversation"), ("Accept", "application/dialtone+json"),
            *([("Supported", "ms-benotify")] if alone else []),
            *([("Content-Type", "application/dialtone+json")] if body else [])])
        self.answer, _ = client.ask(m)
        if self.answer.code == 200 and self.answer.body:
            self._take(self.answer)

    def _take(self, m):
        check_eq(m.get("Content-Type"), "application/dialtone+json", "Content-Type")
        told = json.loads(m.body)
        self.messages += told["messages"]
        self.next = told["next"]
        return told

    def follow(self):
        """Waits for one notification; what it says."""
        m = self.client.expect(lambda m: m.method in ("NOTIFY", "BENOTIFY"), "a notification")
        if m.method == "NOTIFY":
            self.client.answer(m, 200)
        return self._take(m)

    def texts(self, n):
        """The texts, once there are n."""
        while len(self.messages) < n:
            self.follow()
        return [m["text"] for m in self.messages]
