"""What a phone does with presence in the standard dialect (SIMPLE), for Phone: PUBLISH, SUBSCRIBE to
one user or to lists, watcher information, lamps."""
from email.parser import BytesParser

from lib.presence import parse
from lib.siptext import Dialog, Phone
from lib.tap import wait_for

PIDF = "application/pidf+xml"
LISTS = "application/resource-lists+xml"
RPID = "urn:ietf:params:xml:ns:pidf:rpid"


def pidf(user, basic="open", activities=(), note=None, other=None, more=""):
    inner = "".join(f"<r:{a}/>" for a in activities)
    inner += f"<r:other>{other}</r:other>" if other else ""
    acts = f"<r:activities>{inner}</r:activities>" if inner else ""
    text = f"<dm:note>{note}</dm:note>" if note else ""
    return (f'<?xml version="1.0" encoding="UTF-8"?><presence entity="{user.uri}" '
            'xmlns="urn:ietf:params:xml:ns:pidf" '
            f'xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:r="{RPID}" '
            'xmlns:ts="urn:ietf:params:xml:ns:pidf:timed-status">'
            f'<tuple id="t1"><status><basic>{basic}</basic></status>'
            f'<contact>{user.uri}</contact></tuple>'
            f'<dm:person id="p1">{acts}{text}{more}</dm:person></presence>')


class Seen:
    """What a PIDF document says."""

    def __init__(self, tree):
        self.entity = tree.get("entity").removeprefix("sip:")
        self.basic = tree.findtext("tuple/status/basic")
        person = tree.find("person")
        acts = person.find("activities") if person is not None else None
        self.activities = {e.tag for e in acts if e.tag != "note"} if acts is not None else set()
        self.other = acts.findtext("other") if acts is not None else None
        self.word = acts.findtext("note") if acts is not None else None
        self.notes = [e.text for e in person.findall("note")] if person is not None else []
        self.input = person.findtext("user-input") if person is not None else None
        self.name = person.findtext("display-name") if person is not None else None
        self.timed = person.findall("timed-status") if person is not None else []

    def __repr__(self):
        return (f"<{self.basic} {sorted(self.activities)} {self.other} {self.notes} "
                f"{self.input} {self.name}>")


class SimplePhone(Phone):
    """Answers NOTIFY by itself and keeps what it is told.  With `silent` it answers nothing."""

    def __init__(self, *args, **kw):
        self.people = {}     # address: Seen
        self.absent = set()  # of a list, without presence
        self.lists = []      # (version, full, [addresses]) of each notification of a list
        self.told = []       # every NOTIFY
        self.etag = None
        self.silent = False
        self.refuse = {}     # Event: code for its NOTIFYs
        super().__init__(*args, **kw)

    def _take(self, raw):
        before = len(self.all)
        super()._take(raw)
        for m in self.all[before:]:
            if m.method == "NOTIFY" and not self.silent:
                self.answer(m, self.refuse.get(m.get("Event", "").split(";")[0], 200))
                self.learn(m)

    def learn(self, m):
        kind = m.get("Content-Type", "")
        if kind.startswith(PIDF):
            self._learn_person(parse(m.body))
        elif kind.startswith("multipart/related"):
            self._learn_list(m)
        self.told.append(m)

    def _learn_person(self, tree):
        seen = Seen(tree)
        self.people[seen.entity] = seen

    def _learn_list(self, m):
        head = f"Content-Type: {m.get('Content-Type')}\r\n\r\n".encode()
        parts = BytesParser().parsebytes(head + m.body).get_payload()
        for part in parts:
            tree = parse(part.get_payload())
            if tree.tag == "presence":
                self._learn_person(tree)
            if tree.tag != "list":
                continue
            names = [e.get("uri").removeprefix("sip:") for e in tree.findall("resource")]
            self.lists.append((int(tree.get("version")), tree.get("fullState") == "true", names))
            for e in tree.findall("resource"):
                if e.find("instance") is not None and \
                        e.find("instance").get("state") == "terminated":
                    self.absent.add(e.get("uri").removeprefix("sip:"))

    # What it asks.

    def publish(self, body="", etag=None, expires=None, event="presence", kind=PIDF, uri=None,
                headers=()):
        lines = [("Event", event), *headers]
        if expires is not None:
            lines.append(("Expires", expires))
        if etag:
            lines.append(("SIP-If-Match", etag))
        if body:
            lines.append(("Content-Type", kind))
        answer, _ = self.ask(self.make("PUBLISH", uri or self.user.uri, headers=lines, body=body))
        if answer.code == 200:
            self.etag = answer.get("SIP-ETag")
        return answer

    def subscribe(self, uri, event="presence", headers=(), body="", kind=LISTS, expires=600,
                  dialog=None):
        """Returns (answer, dialog); the dialog is None if it was refused."""
        lines = [("Event", event), ("Expires", expires), *headers]
        if body:
            lines.append(("Content-Type", kind))
        m = self.make("SUBSCRIBE", None if dialog else uri, headers=lines, body=body,
                      dialog=dialog)
        answer, sent = self.ask(m)
        if answer.code != 200:
            return answer, None
        return answer, dialog or Dialog.of_caller(sent, answer)

    def subscribe_list(self, *uris, headers=(), dialog=None, uri=None):
        entries = "".join(f'<entry uri="{getattr(u, "uri", u)}"/>' for u in uris)
        body = ('<?xml version="1.0"?><resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists">'
                f"<list>{entries}</list></resource-lists>")
        return self.subscribe(uri or self.user.uri, body=body, dialog=dialog, headers=[
            ("Supported", "eventlist"), ("Require", "recipient-list-subscribe"),
            ("Accept", f"{PIDF}, application/rlmi+xml, multipart/related"),
            ("Content-Disposition", "recipient-list"), *headers])

    def subscribe_contacts(self, **kw):
        return self.subscribe(self.user.uri, headers=[
            ("Supported", "eventlist"),
            ("Accept", f"{PIDF}, application/rlmi+xml, multipart/related")], **kw)

    # What it sees.

    def sees(self, user):
        return self.people.get(user.uri.removeprefix("sip:"))

    def wait_sees(self, user, basic, activities=None, what=""):
        def right():
            seen = self.sees(user)
            return seen and seen.basic == basic and \
                (activities is None or seen.activities == set(activities))
        wait_for(right, lambda: f"{user.name} as {basic} {activities} at {self.user.name}, "
                                f"who sees {self.sees(user)} {what}")

    def newest(self, event):
        """The newest notification of that package, parsed; None."""
        for m in reversed(self.told):
            if m.get("Event", "").split(";")[0] == event and m.body:
                return parse(m.body) if m.body.lstrip().startswith(b"<") else m.body.decode()
        return None
