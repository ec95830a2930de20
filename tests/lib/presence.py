"""What a Lync client does with presence and contacts, for LyncClient: subscriptions to its own data
and to others', publications, containers, the list of contacts.  It follows notifications as
pidgin-sipe does: by BENOTIFY, and by the body of the answer (piggyback)."""
import re
import xml.etree.ElementTree as ET
from email.parser import BytesParser
from xml.sax.saxutils import escape

from lib.lync import LYNC, LyncClient
from lib.siptext import Dialog
from lib.tap import check, check_eq, wait_for

NS = "http://schemas.microsoft.com/2006/09/sip/"
SELF = "application/vnd-microsoft-roaming-self+xml"
CONTACTS = "application/vnd-microsoft-roaming-contacts+xml"
CATEGORIES = "application/msrtc-event-categories+xml"
BATCH = "application/msrtc-adrl-categorylist+xml"
PUBLISH = "application/msrtc-category-publish+xml"
MEMBERS = "application/msrtc-setcontainermembers+xml"
SUBSCRIBER = "application/msrtc-presence-setsubscriber+xml"
SOAP = "application/SOAP+xml"
STATIC = 0x20000000  # the instance of a state that the user set


def plain(tree):
    """The tree without namespaces."""
    for e in tree.iter():
        e.tag = e.tag.split("}")[-1]
        e.attrib = {k.split("}")[-1]: v for k, v in e.attrib.items()}
    return tree


def parse(body):
    return plain(ET.fromstring(body))


def state_xml(availability, kind="userState", token=None):
    activity = f'<activity token="{token}"/>' if token else ""
    return (f'<state xmlns="{NS}state" manual="true" '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            f'xsi:type="{kind}"><availability>{availability}</availability>'
            f'<endpointLocation/>{activity}</state>')


def note_xml(text):
    return f'<note xmlns="{NS}note"><body type="personal" uri="">{text}</body></note>'


class Publication:
    """One publication that a client wants to make."""

    def __init__(self, category, instance, container, body, expire="static", version=None,
                 expires=None):
        self.category, self.instance, self.container = category, instance, container
        self.body, self.expire, self.version, self.expires = body, expire, version, expires

    @property
    def key(self):
        return self.category, str(self.instance), str(self.container)

    def xml(self, version):
        extra = "" if self.expires is None else f' expires="{self.expires}"'
        return (f'<publication categoryName="{self.category}" instance="{self.instance}" '
                f'container="{self.container}" version="{version}" '
                f'expireType="{self.expire}"{extra}>{self.body}</publication>')


class PresenceClient(LyncClient):
    """Keeps what it is told, as a client's tables would."""
    agent = LYNC

    def __init__(self, *args, **kw):
        self.own = {}         # (category, instance, container): the category element
        self.containers = {}  # id: (version, [(type, value)])
        self.subscribers = {}
        self.people = {}      # address: {category: [elements]}
        self.absent = set()   # addresses without presence
        self.groups, self.list, self.delta = {}, {}, 0
        self.dialogs = {}     # Event: Dialog
        self.told = []        # every document of a notification
        super().__init__(*args, **kw)

    def _take(self, raw):
        before = len(self.all)
        super()._take(raw)
        for m in self.all[before:]:
            # In the order of the wire: a notification may come right behind the answer.
            if m.body and (m.method in ("BENOTIFY", "NOTIFY") or m.get("ms-piggyback-cseq")):
                self.learn(m)
            if m.method == "NOTIFY":
                self.answer(m, 200)

    # What it learns.

    def learn(self, m):
        kind = m.get("Content-Type", "")
        self.told.append(m)
        if kind.startswith(SELF):
            self._learn_self(parse(m.body))
        elif kind.startswith(CONTACTS):
            self._learn_contacts(parse(m.body))
        elif kind.startswith(CATEGORIES):
            self._learn_person(parse(m.body))
        elif kind.startswith("multipart/related"):
            self._learn_list(m)

    def _learn_self(self, tree):
        if tree.find("categories") is not None:
            found = tree.findall("categories/category")
            named = {e.get("name") for e in found}
            fresh = {k: v for k, v in self.own.items() if k[0] not in named}
            fresh.update({(e.get("name"), e.get("instance"), e.get("container")): e
                          for e in found if e.get("instance") is not None})
            self.own = fresh
        for e in tree.findall("containers/container"):
            members = [(m.get("type"), m.get("value", "")) for m in e.findall("member")]
            self.containers[e.get("id")] = (int(e.get("version")), members)
        for e in tree.findall("subscribers/subscriber"):
            self.subscribers[e.get("user")] = e.get("acknowledged")

    def _learn_contacts(self, tree):
        if tree.tag == "contactList":
            self.groups = {e.get("id"): e.get("name") for e in tree.findall("group")}
            self.list = {e.get("uri"): (e.get("name"), e.get("groups"))
                         for e in tree.findall("contact")}
        else:
            check_eq(int(tree.get("prevDeltaNum")), self.delta, "prevDeltaNum")
            for e in tree:
                self._learn_change(e)
        self.delta = int(tree.get("deltaNum"))

    def _learn_change(self, e):
        uri = e.get("uri", "").removeprefix("sip:")
        if e.tag in ("addedGroup", "modifiedGroup"):
            self.groups[e.get("id")] = e.get("name")
        elif e.tag in ("addedContact", "modifiedContact"):
            self.list[uri] = (e.get("name"), e.get("groups"))
        elif e.tag == "deletedContact":
            self.list.pop(uri)
        elif e.tag == "deletedGroup":
            self.groups.pop(e.get("id"))

    def _learn_person(self, tree):
        person = self.people.setdefault(tree.get("uri").removeprefix("sip:"), {})
        self.absent.discard(tree.get("uri").removeprefix("sip:"))
        for name in {e.get("name") for e in tree}:
            person[name] = [e[0] for e in tree if e.get("name") == name and len(e)]

    def _learn_list(self, m):
        head = f"Content-Type: {m.get('Content-Type')}\r\n\r\n".encode()
        parts = BytesParser().parsebytes(head + m.body).get_payload()
        for part in parts:
            # libpurple cuts four bytes off the end of each part.
            text = part.get_payload()
            check(text.endswith("\r\n"), "a part ends with an empty line")
            tree = parse(text)
            if tree.tag == "categories":
                self._learn_person(tree)
            for e in tree.findall("resource"):
                check(e.find("instance").get("state"), "an instance has a state")
                if e.find("instance").get("state") == "terminated":
                    self.absent.add(e.get("uri").removeprefix("sip:"))

    # What it asks.

    def subscribe(self, event, body="", kind=None, headers=(), dialog=None, uri=None):
        lines = [("Event", event), ("Supported", "com.microsoft.autoextend"),
                 ("Supported", "ms-benotify"), ("Proxy-Require", "ms-benotify"),
                 ("Supported", "ms-piggyback-first-notify"), *headers]
        if body:
            lines.append(("Content-Type", kind))
        m = self.make("SUBSCRIBE", uri or (None if dialog else self.user.uri), dialog=dialog,
                      headers=lines, body=body)
        answer = self.expect_answer(self.send(m))
        if answer.code == 200:
            if not dialog:
                self.dialogs[event] = Dialog.of_caller(m, answer)
        return answer

    def subscribe_self(self):
        return self.subscribe("vnd-microsoft-roaming-self",
                              f'<roamingList xmlns="{NS}roaming-self"><roaming type="categories"/>'
                              '<roaming type="containers"/><roaming type="subscribers"/>'
                              "</roamingList>", SELF)

    def subscribe_contacts(self):
        return self.subscribe("vnd-microsoft-roaming-contacts")

    def watch(self, *users, context=False, categories=("calendarData", "contactCard", "note",
                                                       "state"), action="subscribe"):
        """A batched subscription, or more people in the one that there is."""
        inner = "<context/>" if context else ""
        people = "".join(f'<resource uri="{getattr(u, "uri", u)}">{inner}</resource>'
                         for u in users)
        names = "".join(f'<category name="{c}"/>' for c in categories)
        body = ('<batchSub xmlns="http://schemas.microsoft.com/2006/01/sip/batch-subscribe" '
                f'uri="{self.user.uri}" name=""><action name="{action}" id="63792024">'
                f'<adhocList>{people}</adhocList><categoryList xmlns="{NS}categorylist">{names}'
                "</categoryList></action></batchSub>")
        return self.subscribe("presence", body, BATCH, dialog=self.dialogs.get("presence"),
                              headers=[("Require", "adhoclist, categoryList"),
                                       ("Supported", "eventlist")])

    def service(self, kind, body, uri=None):
        m = self.make("SERVICE", uri or self.user.uri, body=body,
                      headers=[("Content-Type", kind)])
        return self.expect_answer(self.send(m))

    def known_version(self, p):
        e = self.own.get(p.key)
        return int(e.get("version")) if e is not None else 0

    def publish(self, *publications, uri=None):
        items = "".join(p.xml(self.known_version(p) if p.version is None else p.version)
                        for p in publications)
        return self.service(PUBLISH, f'<publish xmlns="{NS}rich-presence"><publications '
                            f'uri="{uri or self.user.uri}">{items}</publications></publish>')

    def publish_machine(self, availability=3500):
        number = int(self.epid[:8], 16) >> 4 | 0x30000000
        return self.publish(*(Publication("state", number, c,
                                          state_xml(availability, "machineState"), "endpoint")
                              for c in (2, 3)))

    def publish_user(self, availability, token=None):
        return self.publish(*(Publication("state", STATIC, c,
                                          state_xml(availability, "userState", token))
                              for c in (2, 3)))

    def publish_note(self, text):
        return self.publish(*(Publication("note", 0, c, note_xml(text))
                              for c in (200, 300, 400)))

    def set_members(self, container, *changes):
        """changes: (action, type, value)"""
        members = "".join(f'<member action="{a}" type="{t}"' + (f' value="{v}"' if v else "")
                          + "/>" for a, t, v in changes)
        version = self.containers.get(str(container), (0, []))[0]
        return self.service(MEMBERS, f'<setContainerMembers xmlns="{NS}container-management">'
                            f'<container id="{container}" version="{version}">{members}'
                            "</container></setContainerMembers>")

    def soap(self, method, **fields):
        inner = "".join(f"<m:{k}>{escape(str(v))}</m:{k}>" for k, v in fields.items())
        return self.service(SOAP, '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
                            'xmlns:m="http://schemas.microsoft.com/winrtc/2002/11/sip"><s:Body>'
                            f"<m:{method}>{inner}<m:deltaNum>{self.delta}</m:deltaNum>"
                            f"</m:{method}></s:Body></s:Envelope>")

    # What it sees.

    def aggregate(self, container=2):
        """Its own aggregate state there."""
        for (name, _, c), e in self.own.items():
            if name == "state" and c == str(container) and e[0].get("type") == "aggregateState":
                return int(e[0].findtext("availability"))
        return None

    def sees(self, user):
        """The availability of somebody; None: nothing is known."""
        states = self.people.get(user.uri.removeprefix("sip:"), {}).get("state")
        return int(states[0].findtext("availability")) if states else None

    def note_of(self, user):
        notes = self.people.get(user.uri.removeprefix("sip:"), {}).get("note")
        return notes[0].findtext("body") if notes else None

    def name_of(self, user):
        cards = self.people.get(user.uri.removeprefix("sip:"), {}).get("contactCard")
        return cards[0].findtext("identity/name/displayName") if cards else None

    def wait_sees(self, user, availability):
        wait_for(lambda: self.sees(user) == availability,
                 lambda: f"{user.name} as {availability} at {self.user.name}, "
                         f"who sees {self.sees(user)}")

    def start(self):
        """Signs in as pidgin-sipe does."""
        self.sign_in()
        check_eq(self.subscribe_contacts().code, 200, "roaming-contacts")
        check_eq(self.subscribe_self().code, 200, "roaming-self")
        check_eq(self.publish_machine().code, 200, "publish")
        return self


def conflicts(answer):
    """{index: current version} of a 409."""
    return {int(i): int(v) for i, v in
            re.findall(r'index="(\d+)"[^>]*curVersion="(\d+)"', answer.body.decode())}
