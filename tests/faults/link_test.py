#!/usr/bin/python3
"""A link between two processes ends while both live: it is made anew, and nothing is lost."""
import os
import re
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.links import end_at  # noqa: E402
from lib.load import Load  # noqa: E402
from lib.lync import LyncClient  # noqa: E402
from lib.siptext import Phone, reset, uri_in  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402

HEAVY = True
TEXT = [("Content-Type", "text/plain")]
NO_FRAME = b"\xff" * 64 + b"\r\n\r\n"  # neither SIP nor a message to accounts


def phone(case, name, transport="tcp", **kw):
    return case.own(Phone(case.site.server, case.site.user(name), transport, **kw))


def pids(case):
    return {(r["role"], r["process"]): r["pid"] for r in case.site.server.roles()}


def front_ends(case):
    return sorted(k for k in pids(case) if k[0] == "frontend")


def shut(end):
    end.shutdown(socket.SHUT_RDWR)


def bad_frame(end):
    end.setblocking(True)
    end.sendall(NO_FRAME)


class Link:
    """The link between two processes, each named by role and number."""

    def __init__(self, case, a, b):
        self.case, self.a, self.b = case, a, b
        self.server = case.site.server

    def _end(self):
        now = pids(self.case)
        return end_at(now[self.a], now[self.b])

    def again(self, mark):
        """The pauses after which it was made again since then."""
        text = self.server.p.text_after(mark)
        names = {"%s/%d" % self.a, "%s/%d" % self.b}
        found = re.findall(r"event=link-made-again between=(\S+) and=(\S+) pause_ms=(\d+)", text)
        return [int(ms) for a, b, ms in found if {a, b} == names]

    def break_it(self, how):
        """And waits until there is another."""
        mark, end = self.server.p.mark(), wait_for(self._end, "the link")
        with end:
            how(end)
            wait_for(lambda: self.again(mark), "the link to be made again")
        wait_for(self._end, "the new link")
        return self.again(mark)


def is_another(pid, old):
    """The process has a link to itself that is not the old one."""
    end = end_at(pid, pid)
    if not end:
        return False
    with end:
        return os.fstat(end.fileno()).st_ino != os.fstat(old.fileno()).st_ino


def delivered(a, b, text):
    """One try: A's message is taken by B and A hears so."""
    m = a.send(a.make("MESSAGE", b.user.uri, body=text, headers=TEXT))
    found = []

    def answered():
        with b._lock:
            messages = [x for x in b.inbox if x.method == "MESSAGE"]
            b.inbox = [x for x in b.inbox if x.method != "MESSAGE"]
        for x in messages:
            b.answer(x, 200)
        with a._lock:
            found.extend(x for x in a.inbox if x.code and x.code >= 200 and
                         x.get("Call-ID") == m.get("Call-ID"))
        return found
    wait_for(answered, "an answer to MESSAGE")
    return found[0].code == 200


@tap.test(alone=True)
def sign_ins_work_again_after_a_broken_link_to_accounts(case):
    before = pids(case)
    for name in front_ends(case):
        for how in (shut, bad_frame):
            for ends in ((name, ("accounts", 1)), (("accounts", 1), name)):
                Link(case, *ends).break_it(how)
                for transport in ("tcp", "tls") * 2:
                    check_eq(phone(case, "late", transport).register().code, 200, "a sign-in")
    check_eq(pids(case), before, "the processes")


@tap.test(alone=True)
def nobody_is_refused_while_links_to_accounts_break(case):
    load = Load(case)
    load.goes_on()
    for name in front_ends(case):
        Link(case, name, ("accounts", 1)).break_it(shut)
        check_eq(phone(case, "late", "tls").register().code, 200, "a sign-in")
        load.goes_on()
    load.finish()


@tap.test(alone=True)
def who_is_disabled_is_out_after_a_broken_link_to_accounts(case):
    """Each front end asks for the changes since the last one that it saw."""
    p = phone(case, "fired").sign_in()
    for name in front_ends(case):
        Link(case, name, ("accounts", 1)).break_it(shut)
    case.site.server.tool("user", "disable", p.user.name)
    wait_for(lambda: not case.site.server.endpoints(p.user), "the endpoint to go")


@tap.test(alone=True)
def a_link_that_ends_again_and_again_is_made_after_longer_and_longer_pauses(case):
    case.site.server.kill_role("accounts")  # a new link: its pauses start small
    wait_for(lambda: phone(case, "after").register().code == 200, "a sign-in")
    link = Link(case, ("frontend", 1), ("accounts", 1))
    mark = case.site.server.p.mark()
    for _ in range(4):
        link.break_it(shut)
    check_eq(link.again(mark), [100, 200, 400, 800], "pauses")


def between_front_ends(case):
    if case.site.frontends < 2:
        tap.skip("there is one front-end process")
    return Link(case, ("frontend", 1), ("frontend", 2))


@tap.test(alone=True)
def phones_stay_signed_in_and_reachable_after_a_broken_link_between_front_ends(case):
    link = between_front_ends(case)
    phones = [phone(case, f"u{i}").sign_in() for i in range(8)]
    for how in (shut, bad_frame):
        link.break_it(how)
        for a, b in zip(phones, phones[1:] + phones[:1]):
            wait_for(lambda a=a, b=b: delivered(a, b, "after"), f"a message to {b.user.name}")
    check_eq([p.user.name for p in phones if p.closed], [], "connections that were ended")
    for p in phones:
        check_eq(p.register().code, 200, "a refresh")


@tap.test(alone=True)
def who_leaves_while_the_link_between_front_ends_is_down_is_signed_off(case):
    link = between_front_ends(case)
    phones = [phone(case, f"u{i}").sign_in() for i in range(8)]

    def shut_and_leave(end):
        shut(end)
        for p in phones:
            reset(p)
    link.break_it(shut_and_leave)
    for p in phones:
        wait_for(lambda p=p: not case.site.server.endpoints(p.user), f"{p.user.name} to go")


@tap.test(alone=True)
def a_message_enters_a_conversation_after_a_broken_link_of_a_front_end_to_itself(case):
    """What conversations send goes over that link."""
    lync = case.own(LyncClient(case.site.server, case.site.user("lync"))).sign_in()
    a = phone(case, "writer").sign_in()
    for name in front_ends(case):
        pid = pids(case)[name]
        with wait_for(lambda pid=pid: end_at(pid, pid), "the link to itself") as end:
            shut(end)
            wait_for(lambda pid=pid, old=end: is_another(pid, old), "the next link to itself")
    m = a.send(a.make("MESSAGE", lync.user.uri, body="hello", headers=TEXT))
    invite = lync.expect_request("INVITE")
    check(uri_in(invite.get("From")) == a.user.uri, "who invites")
    lync.answer(invite, 200, body=invite.body,
                headers=[("Content-Type", "application/sdp")])
    got = lync.expect_request("MESSAGE")
    check_eq(got.body, b"hello", "the message")
    lync.answer(got, 200)
    check_eq(a.expect_answer(m).code, 200, "the answer")


if __name__ == "__main__":
    tap.main(site.make)
