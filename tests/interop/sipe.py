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
OTHER = "Other Contacts"  # the group that every list has
ACCESS_LEVELS = ("Personal", "Team", "Company", "Public", "Blocked")
_MESSAGE = re.compile(r"(?s)MESSAGE START ([<>])\S+ SIP\(.*?\n(.*?)\nMESSAGE END ")
_CALL_ID = re.compile(r"(?m)^Call-ID: (\S+)")
NO_MATCH = "No contacts found"
SEARCH_TOLD = (NO_MATCH, "Contact search failed", "Unable to display the search results",
               "Invalid contact search query")

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

    def messages(self):
        """[(sent, text)] of the SIP messages in its log."""
        return [(arrow == ">", text) for arrow, text in _MESSAGE.findall(self.log())]

    def published(self):
        """How many of its publications were accepted."""
        sent = {_CALL_ID.search(text)[1] for ours, text in self.messages()
                if ours and "application/msrtc-category-publish+xml" in text}
        return sum(1 for ours, text in self.messages() if not ours and
                   text.startswith("SIP/2.0 200 ") and _CALL_ID.search(text)[1] in sent)

    def chat_texts(self, word, after=0):
        """The texts with this word that arrived in rooms."""
        return [ev["text"] for ev in self.events(after)
                if ev["event"] == "im" and ev["chat"] and word in ev["text"]]

    # Commands.

    def command(self, what, **fields):
        """One command; fails when it is refused.  Returns its reply."""
        reply = self.try_command(what, **fields)
        check(reply["ok"], f"{what} {fields}: {reply.get('why')}")
        return reply

    def try_command(self, what, **fields):
        return self.at_once((what, fields))[0]

    def at_once(self, *commands):
        """Several commands, (name, fields) each, with nothing in between; returns their replies."""
        with self._lock:
            numbers = range(self._sent + 1, self._sent + 1 + len(commands))
            self._sent += len(commands)
            mark = self.mark()
            self.p.write("\n".join(json.dumps({"do": what, "n": number, **fields})
                                   for number, (what, fields) in zip(numbers, commands)))
        return [self.wait_event("reply", mark, n=number) for number in numbers]

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

    def own_status(self):
        """The status that its user sees of himself: "id", "kind", and "message" if there is one."""
        return self.command("own_status")

    def reset_status(self):
        self.account_menu("Reset status")

    def idle(self, on=True):
        """Nobody is at the machine, or somebody is back."""
        self.command("idle", on=on)

    # The contact list.  Somebody in two groups is there twice: `group` says which one is meant.

    def buddies(self):
        """{uri: its fields} of the contact list."""
        return {b["name"]: b for b in self.command("buddies")["buddies"]}

    def groups(self):
        """{group: {uri: its fields}} of the contact list."""
        reply = self.command("buddies")
        return {group: {b["name"]: b for b in reply["buddies"] if b["group"] == group}
                for group in reply["groups"]}

    def add_contact(self, uri, group="Friends", alias=None):
        self.command("add_buddy", name=uri, group=group, **({"alias": alias} if alias else {}))

    def move_contact(self, uri, group, source=None):
        self.command("move_buddy", name=uri, group=group, **_in(source))

    def copy_contact(self, uri, group):
        """Into one more group."""
        self.buddy_menu(uri, "Copy to", group)

    def rename_contact(self, uri, alias, group=None):
        self.command("alias_buddy", name=uri, alias=alias, **_in(group))

    def remove_contact(self, uri, group=None):
        self.command("remove_buddy", name=uri, **_in(group))

    def rename_group(self, group, name):
        self.command("rename_group", group=group, name=name)

    def remove_group(self, group):
        self.command("remove_group", group=group)

    def tooltip(self, uri):
        """{what: value} of the small window over a contact: Status, Note, Access level ..."""
        lines = self.command("tooltip", name=uri)["text"].splitlines()
        return dict(line.split(": ", 1) for line in lines if ": " in line)

    def get_info(self, uri):
        """The text of the window about somebody."""
        mark = self.mark()
        self.command("get_info", name=uri)
        return self.wait_event("user-info", mark, who=uri)["text"]

    # Menus: one of the plug-in's is chosen from by the labels on the way, or read.

    def buddy_menu(self, uri, *path):
        """The context menu of a contact; without a path returns [{"label", "mark", "items"}]."""
        return self.command("buddy_menu", name=uri, **_path(path)).get("items")

    def chat_menu(self, chat, *path):
        """The menu of a chat's window."""
        return self.command("chat_menu", **{"with": chat}, **_path(path)).get("items")

    def account_menu(self, choose=None):
        """The menu of the account; without a label returns all."""
        return self.command("account_menu", **({"choose": choose} if choose else {}))["labels"]

    def fill_in(self, choose, **fields):
        """Chooses from the account's menu what asks for fields, and gives them by their ids."""
        mark = self.mark()
        self.account_menu(choose)
        self.answer_request(self.wait_event("request", mark, kind="fields"), fields=fields)

    # Privacy.

    def block(self, uri):
        self.command("block", name=uri)

    def unblock(self, uri):
        self.command("block", name=uri, unblock=True)

    def set_access_level(self, uri, level):
        """ACCESS_LEVELS, or "Unspecify": what his groups have."""
        self.buddy_menu(uri, "Access level", level)

    def set_group_access(self, uri, people, level):
        """`people` as the menu has them, e.g. "People in my company"; the menu hangs at any contact."""
        self.buddy_menu(uri, "Access level", "Access groups", people, level)

    def add_access_domain(self, uri, domain, level):
        mark = self.mark()
        self.buddy_menu(uri, "Access level", "Access groups", "Add new domain...")
        self.answer_request(self.wait_event("request", mark, kind="fields"),
                            fields={"access_domain": domain, "container_id": level})

    def access_level(self, uri, people=None):
        """(level, "*" or "="): his own, or one of his groups; or of a group of people."""
        items = self._items(self.buddy_menu(uri), "Access level")
        if people:
            items = self._items(self._items(items, "Access groups"), people)
        return next(((i["label"], i["mark"]) for i in items if i["mark"] != " "), None)

    @staticmethod
    def _items(menu, label):
        return next((i["items"] for i in menu if i["label"] == label), [])

    # The directory.

    def search(self, **fields):
        """Fields: given, surname, email, sipid, company, country.  Returns the rows it finds: dicts
        of uri, name, company, country, email; [] when it says that there is none."""
        mark = self.mark()
        self.fill_in("Contact search...", **fields)
        told = self.wait_search(mark)
        check("rows" in told or told["primary"] == NO_MATCH, f"the answer to a search: {told}")
        return [dict(zip(("uri", "name", "company", "country", "email"), row))
                for row in told.get("rows", [])]

    # Conferences.

    def new_chat(self, uri):
        """Invites a contact to a new conference; returns the name that it has at this client."""
        mark = self.mark()
        self.buddy_menu(uri, "New chat")
        return self.wait_chat(mark)

    def join_conference(self, location):
        """By "conf:sip:..." or the address of a web page."""
        mark = self.mark()
        self.fill_in("Join scheduled conference...", meetingLocation=location)
        return self.wait_chat(mark)

    def invite(self, chat, uri):
        self.command("chat_invite", **{"with": chat}, who=uri)

    def lock(self, chat):
        self.chat_menu(chat, "Lock")

    def unlock(self, chat):
        self.chat_menu(chat, "Unlock")

    def make_leader(self, chat, uri):
        """Somebody of the contact list: only those have the menu."""
        self.buddy_menu(uri, f"Make leader of '{chat}'")

    def eject(self, chat, uri):
        self.buddy_menu(uri, f"Remove from '{chat}'")

    def leave(self, chat):
        self.command("close", **{"with": chat})

    def chats(self):
        """{name: {"topic", "left", "users": {uri: whether he leads}}}"""
        return {c["name"]: {**c, "users": {u["who"]: u["operator"] for u in c["users"]}}
                for c in self.command("chats")["chats"]}

    def conference_info(self, chat):
        """The text of "Meeting entry info"."""
        mark = self.mark()
        self.chat_menu(chat, "Meeting entry info")
        return self.wait_event("notice", mark, text=re.compile("Meeting link"))["text"]

    def focus(self):
        """The URI of the last conference it was in."""
        return self.wait_log(r"(?s).*INVITE (sip:\S+;opaque=app:conf:focus:id:\S+) SIP/2\.0")[1]

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

    # Files.

    def send_file(self, uri, path):
        self.command("send_file", to=uri, path=path)

    def accept_file(self, path):
        """The one that was offered; it is written to `path`."""
        self.command("accept_file", path=path)

    def decline_file(self):
        self.command("reject_file")

    def come_back(self, after):
        """Its connection has ended; it signs in again, as often as it takes, as Pidgin does."""
        self.wait_refused(after)

        def is_back():
            mark = self.mark()
            self.sign_on()
            return wait_for(lambda: next((ev["event"] for ev in self.events(mark) if ev["event"]
                                          in ("signed-on", "disconnected")), None),
                            f"a sign-in or its end in {self.p.log}") == "signed-on"
        wait_for(is_back, f"a sign-in in {self.p.log}")

    # Waits.

    def wait_registered(self, after=0):
        self.wait_event("signed-on", after)

    def wait_ready(self):
        """Its first sign-in is over: the contact list is there (till then an added contact would be
        forgotten again), and the first publication was accepted."""
        self.wait_log("<contactList")
        self.wait_published()

    def wait_refused(self, after=0):
        """The sign-in failed; returns the event, whose "text" is what the user is told."""
        return self.wait_event("disconnected", after)

    def wait_signed_off(self, after=0):
        self.wait_event("signed-off", after)

    def wait_received(self, text, sender="", after=0):
        fields = {"from": sender} if sender else {}
        return self.wait_event("im", after, text=text, **fields)

    def wait_groups(self, wanted, empty=True):
        """The contact list has these groups with these people: {group: [uri ...]}.  OTHER need not
        be named while it is empty; with empty=False no empty group need be."""
        def now():
            return {group: sorted(people) for group, people in self.groups().items()
                    if people or group in wanted or (empty and group != OTHER)}
        wanted = {group: sorted(people) for group, people in wanted.items()}
        wait_for(lambda: now() == wanted, lambda: f"{wanted} in the contact list; it has {now()}")

    def wait_buddy(self, uri, group=None, **wanted):
        """Somebody is in the contact list, and these fields of him are so; returns them all."""
        def seen():
            return next((b for b in self.command("buddies")["buddies"]
                         if b["name"] == uri and group in (None, b["group"]) and
                         all(_fits(b.get(k), v) for k, v in wanted.items())), None)
        return wait_for(seen, lambda: f"{uri} with {wanted}; the list has "
                                      f"{self.command('buddies')['buddies']}")

    def wait_note(self, uri, note):
        """None: he has no note."""
        wait_for(lambda: self.tooltip(uri).get("Note") == note,
                 lambda: f"the note {note} of {uri}; there is {self.tooltip(uri)}")

    def wait_published(self, before=0):
        """More than `before` publications were accepted (it makes one when it signs in)."""
        wait_for(lambda: self.published() > before, f"a publication in {self.dir}/debug.log")

    def wait_own_status(self, name, message=None):
        """A change that came from the server, too."""
        def now():
            status = self.own_status()
            return status["id"], status.get("message") or None
        wait_for(lambda: now() == (name, message),
                 lambda: f"the own status {name} {message}; it is {now()}")

    def wait_access_level(self, uri, level, mark="*", people=None):
        wait_for(lambda: self.access_level(uri, people) == (level, mark),
                 lambda: f"{mark} {level} of {uri}; it is {self.access_level(uri, people)}")

    def wait_added_by(self, uri, after=0):
        """Its user is told that somebody has added him; he may add him in turn."""
        return self.wait_event("added-by", after, who=uri)

    def wait_search(self, after=0):
        """The answer to a search: with "rows", or what its user is told instead."""
        def seen():
            return next((ev for ev in self.events(after) if ev["event"] == "notice" and
                         ("rows" in ev or ev.get("primary") in SEARCH_TOLD)), None)
        return wait_for(seen, f"the answer to a search in {self.p.log}")

    def wait_chat(self, after=0):
        """It has joined a conference; returns the name that it has at this client."""
        return self.wait_event("chat-joined", after)["with"]

    def wait_roster(self, chat, wanted):
        """Those who are there: {uri: whether he leads}, or only their uris."""
        def now():
            users = self.chats().get(chat, {}).get("users", {})
            return users if isinstance(wanted, dict) else set(users)
        what = wanted if isinstance(wanted, dict) else set(wanted)
        wait_for(lambda: now() == what, lambda: f"{what} in {chat}; there are {now()}")

    def wait_chat_received(self, text, sender, after=0):
        return self.wait_event("im", after, chat=True, text=text, **{"from": sender})

    def wait_locked(self, after=0):
        self.wait_event("system", after, text=re.compile("is locked"))

    def wait_unlocked(self, after=0):
        self.wait_event("system", after, text=re.compile("no longer locked"))

    def wait_file_offer(self, name, sender, after=0):
        return self.wait_event("file-offer", after, name=name, **{"with": sender})

    def wait_file(self, state, after=0, **wanted):
        """A file of its user's is in this state: start, complete or cancel.  What was received may
        still be on its way to the disk."""
        return self.wait_event("file", after, state=state, **wanted)

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


def _in(group):
    return {"in": group} if group else {}


def _path(path):
    return {"path": path} if path else {}


def _fits(value, wanted):
    if isinstance(wanted, re.Pattern):
        return value is not None and bool(wanted.search(str(value)))
    if callable(wanted):
        return value is not None and wanted(value)
    return value == wanted


def sign_in(case, *names):
    """One client for a new user of each name, signed in."""
    clients = [Sipe(case, user) for user in case.site.users(*names)]
    for client in clients:
        client.wait_ready()
    return clients


def introduce(*clients):
    """Each gets all others as contacts, and sees that they are there."""
    pairs = [(a, b) for a in clients for b in clients if a is not b]
    for a, b in pairs:
        a.add_contact(b.user.uri)
    for a, b in pairs:
        a.wait_buddy(b.user.uri, online=True)


RED, GREEN = 0xff0000, 0x00ff00


def two_with_pictures(case):
    """Two clients, one whose camera sees red and one whose sees green."""
    users = case.site.users("alice", "bob")
    both = [Sipe(case, user, colour=colour, tone=tone)
            for user, colour, tone in zip(users, (RED, GREEN), (440, 620))]
    for client in both:
        client.wait_registered()
    return both


def see_each_other(a, b):
    """These two: one calls the other, and each sees what the other one does."""
    mark = b.mark()
    a.call(b.user.uri, video=True)
    b.wait_ringing(mark)
    b.answer()
    a.wait_seen(GREEN)
    b.wait_seen(RED)
