#!/usr/bin/python3
"""EV-01: the messages of RFC 4475 and RFC 5118 over UDP to a server of the domain example.com.

What each of them is answered with stands in the last column of tests/data/sip/expected.
"""
import os
import select
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from lib import netns, tap  # noqa: E402
from lib.server import Server  # noqa: E402
from lib.siptext import Message, Phone, token  # noqa: E402
from lib.site import Site  # noqa: E402
from lib.tap import check, check_eq  # noqa: E402

DATA = os.path.join(HERE, "..", "data", "sip")
DOMAIN = "example.com"
ANSWER_MAX_S = 30


def expected():
    """(name, answer) of each message; the answer is a code, or None for silence."""
    with open(os.path.join(DATA, "expected"), encoding="ascii") as f:
        rows = [line.split() for line in f if line.strip() and not line.startswith("#")]
    return [(row[0], None if row[4] == "none" else int(row[4])) for row in rows]


def raw(name):
    with open(os.path.join(DATA, name + ".sip"), "rb") as f:
        return f.read()


class Stranger:
    """A socket of its own: an answer goes to where the request came from."""

    def __init__(self, server):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect((server.ip, server.port("udp")))

    def stop(self):
        self.sock.close()

    def sends(self, data):
        self.sock.send(data)

    def heard(self):
        """The next message, or None."""
        if not select.select([self.sock], [], [], ANSWER_MAX_S)[0]:
            return None
        return Message.parse(self.sock.recv(65536))

    def hears_nothing_more(self):
        """True if the next thing that comes is the answer to a request that is sent now."""
        mark = token()
        me = "%s:%d" % self.sock.getsockname()
        self.sends((f"OPTIONS sip:{DOMAIN} SIP/2.0\r\n"
                    f"Via: SIP/2.0/UDP {me};branch=z9hG4bK{mark}\r\n"
                    f"From: <sip:x@{DOMAIN}>;tag=1\r\nTo: <sip:{DOMAIN}>\r\n"
                    f"Call-ID: {mark}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 5\r\n"
                    "Content-Length: 0\r\n\r\n").encode())
        answer = self.heard()
        return bool(answer) and answer.code == 200 and answer.get("Call-ID") == mark


def answer_to(case, name):
    s = case.own(Stranger(case.site.server))
    s.sends(raw(name))
    return s.heard()


@tap.test(alone=True)
def each_message_gets_the_answer_that_it_deserves(case):
    wrong = []
    for name, want in expected():
        s = case.own(Stranger(case.site.server))
        s.sends(raw(name))
        got = s.heard() if want else None
        if (got.code if got else None) != want:
            wrong.append(f"{name}: {got.start if got else 'silence'}, wanted {want}")
        if not s.hears_nothing_more():
            wrong.append(f"{name}: something more came")
    check_eq(wrong, [], "answers")


@tap.test
def what_a_refusal_lacks_is_named(case):
    bad = answer_to(case, "bext01")
    check_eq(sorted(bad.all("Unsupported")),
             ["noProxiesSupportThis", "norDoAnyProxiesSupportThis"], "of 420")
    challenge = answer_to(case, "regaut01").get("WWW-Authenticate")
    check(challenge.startswith("Digest "), challenge)


@tap.test
def dblreq_is_answered_once(case):
    s = case.own(Stranger(case.site.server))
    s.sends(raw("dblreq"))
    check_eq(s.heard().cseq[1], "REGISTER", "the first answer")
    check(s.hears_nothing_more(), "no second answer")


@tap.test(alone=True)
def signed_in_users_are_served_all_the_while(case):
    a, b = [case.own(Phone(case.site.server, case.site.user(n), t)).sign_in()
            for n, t in (("alice", "tcp"), ("bob", "tls"))]
    for name, _ in expected():
        case.own(Stranger(case.site.server)).sends(raw(name))
    m = a.send(a.make("MESSAGE", b.user.uri, body="x", headers=[("Content-Type", "text/plain")]))
    b.answer(b.expect_request("MESSAGE"), 200)
    check_eq(a.expect_answer(m).code, 200, "the answer")


def make_server(folder, **kw):
    """The RFCs' own domain, in place of the one that other tests use."""
    return Server(folder, **{**kw, "domain": DOMAIN, "host": f"sip.{DOMAIN}"})


def make(args, folder):
    netns.enter()
    return Site(args, folder, make_server=make_server)


if __name__ == "__main__":
    tap.main(make)
