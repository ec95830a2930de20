#!/usr/bin/python3
"""LG-02: `dialtone trace` shows SIP as it passes, `dialtone explain` says where it would go."""
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import proc, site, tap  # noqa: E402
from lib.server import User, program  # noqa: E402
from lib.siptext import Phone  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402

TEXT = [("Content-Type", "text/plain")]


def phone(case, user, transport="tcp", **kw):
    return case.own(Phone(case.site.server, user, transport, **kw))


def signed_in(case, name, transport="tcp", **kw):
    return phone(case, case.site.user(name, **kw), transport).sign_in()


class Trace:
    """A running `dialtone trace --json`, and the events it has printed."""

    def __init__(self, case, *words):
        self.probe = phone(case, case.site.user("probe"), "udp")
        self.case = case
        self.p = case.own(proc.Proc(
            [program("dialtone"), "--config", case.site.server.dir, "--json", "trace", *words],
            os.path.join(case.dir, "".join(["trace", *words[:1]]) + ".log")))

    def events(self):
        lines = self.p.text().split("\n")[:-1]
        return [json.loads(x) for x in lines if x.startswith("{")]

    def wait(self, match, what):
        return wait_for(lambda: next((e for e in self.events() if match(e)), None),
                        lambda: f"{what}; the trace shows {self.events()[-3:]}")


def sees_everything(case):
    """A trace that is known to run in every front end."""
    t = Trace(case)
    seen = set()

    def all_slots():
        p = case.own(Phone(case.site.server, t.probe.user, "tcp"))
        p.send(p.make("OPTIONS", f"sip:{case.site.server.domain}"))
        seen.update(e["role"] for e in t.events())
        return len(seen) == case.site.frontends
    wait_for(all_slots, lambda: f"the trace to run everywhere; seen: {seen}")
    return t


def is_of(phone_, start, way):
    where = f"{phone_.ip}:{phone_.port}"
    return lambda e: e["peer"] == where and e["way"] == way and e["message"].startswith(start)


def message(a, b, text="secret words"):
    m = a.send(a.make("MESSAGE", b.user.uri, body=text, headers=TEXT))
    b.answer(b.expect_request("MESSAGE"), 200)
    check_eq(a.expect_answer(m).code, 200, "the answer")
    return m


@tap.test
def each_message_is_shown_with_direction_role_transport_peer_and_connection(case):
    t = sees_everything(case)
    a, b = signed_in(case, "alice", "tcp"), signed_in(case, "bob", "tls")
    m = message(a, b)
    came = t.wait(is_of(a, "MESSAGE ", "in"), "the MESSAGE coming in")
    went = t.wait(is_of(b, "MESSAGE ", "out"), "the MESSAGE going out")
    back = t.wait(is_of(b, "SIP/2.0 200", "in"), "the answer coming in")
    t.wait(lambda e: is_of(a, "SIP/2.0 200", "out")(e) and m.get("Call-ID") in e["message"],
           "the answer going out")
    check_eq((came["kind"], went["kind"]), ("TCP", "TLS"), "transports")
    for e in (came, went, back):
        check(re.fullmatch(r"frontend/[1-9]", e["role"]), e["role"])
        check(e["connection"] > 0 and e["time"] > 1_700_000_000_000_000, f"{e}")
    check_eq((went["connection"], went["role"]), (back["connection"], back["role"]),
             "one connection, one name")
    check(came["connection"] != went["connection"] or came["role"] != went["role"],
          "two connections, two names")


@tap.test
def what_is_said_and_what_signs_in_is_not_shown(case):
    t = sees_everything(case)
    a, b = signed_in(case, "alice"), signed_in(case, "bob")
    message(a, b, "nobody else's business")
    t.wait(is_of(a, "MESSAGE ", "in"), "the MESSAGE")
    e = t.wait(lambda e: e["way"] == "in" and "Authorization:" in e["message"] and
               a.user.name in e["message"], "the REGISTER with credentials")
    check("response=***" in e["message"] and "cnonce=***" in e["message"], e["message"])
    check("nobody else's" not in t.p.text(), "a body is shown")
    check("[22 bytes of body]" in t.p.text(), "the length of the body is not shown")


@tap.test
def between_two_processes_the_link_is_shown_with_both_ends(case):
    if case.site.frontends < 2:
        tap.skip("there is one front-end process")
    t = sees_everything(case)
    for i in range(8):  # homes are chosen by hash: of so many one lives in the other process
        message(signed_in(case, f"a{i}"), signed_in(case, f"b{i}"))
    out = t.wait(lambda e: e["kind"] == "LINK" and e["way"] == "out" and
                 e["message"].startswith("MESSAGE "), "a MESSAGE on the link")
    check(out["peer"] != out["role"] and out["peer"].startswith("frontend/"), f"{out}")
    branch = re.search(r"branch=(\S+)", out["message"]).group(1)
    t.wait(lambda e: e["kind"] == "LINK" and e["way"] == "in" and e["role"] == out["peer"] and
           e["peer"] == out["role"] and branch in e["message"], "its other end")


@tap.test
def a_trace_of_one_user_or_one_peer_shows_no_other(case):
    a, b, c = (signed_in(case, n) for n in ("alice", "bob", "carol"))
    by_user = Trace(case, "--user", a.user.name)
    by_peer = Trace(case, "--peer", f"{b.ip}:{b.port}")

    def both_run():
        message(a, b)
        return by_user.events() and by_peer.events()
    wait_for(both_run, "the traces to run")
    message(c, b), message(b, c), message(a, c)
    m = message(a, b)
    for t in (by_user, by_peer):
        t.wait(lambda e: m.get("Call-ID") in e["message"] and "200" in e["message"][:12],
               "the last message")
    wrong = [e for e in by_user.events() if a.user.name not in e["message"]]
    check_eq(wrong, [], "messages of others")
    wrong = [e for e in by_peer.events() if e["peer"] != f"{b.ip}:{b.port}"]
    check_eq(wrong, [], "messages with others")
    check(any(c.user.name in e["message"] for e in by_peer.events()), "carol's message to bob")


@tap.test
def a_peer_that_is_no_address_is_refused_with_what_is_expected(case):
    for junk in ("nonsense", "10.0.0.", "10.0.0.1:x", "10.0.0.1:70000", "frontend/0", "frontend/x",
                 "sip:10.0.0.1", "elsewhere/1"):
        text = case.site.server.tool("trace", "--peer", junk, ok=False)
        check(f'"{junk}" is no address' in text and "192.0.2.7:5060" in text, text)


@tap.test
def a_trace_of_an_address_shows_all_its_ports_and_no_other_address(case):
    a, b = signed_in(case, "alice"), signed_in(case, "bob")
    t = Trace(case, "--peer", b.ip)

    def runs():
        message(a, b)
        return t.events()
    wait_for(runs, "the trace to run")
    m = message(a, b)
    t.wait(lambda e: m.get("Call-ID") in e["message"] and "200" in e["message"][:12], "the last")
    check_eq({e["peer"].rsplit(":", 1)[0] for e in t.events()}, {b.ip}, "hosts")
    check({a.port, b.port} <= {int(e["peer"].rsplit(":", 1)[1]) for e in t.events()}, "ports")


@tap.test
def a_trace_for_people_has_one_line_of_where_and_the_message_below(case):
    a, b = signed_in(case, "alice"), signed_in(case, "bob")
    t = case.own(proc.Proc([program("dialtone"), "--config", case.site.server.dir, "trace",
                            "--user", a.user.name], os.path.join(case.dir, "people.log")))

    def shown():
        message(a, b)
        return re.search(rf"(?m)^\d\d:\d\d:\d\d\.\d+ frontend/\d in TCP {re.escape(a.ip)}:{a.port} "
                         rf"connection \d+\n    MESSAGE ", t.text())
    wait_for(shown, lambda: f"a message as people read it: {t.text()[-500:]}")


# explain

def told(case, one, other):
    e = case.site.server.json("explain", one, other)
    return e["code"], e["outcome"], "\n".join(e["steps"])


@tap.test
def explain_tells_a_user_who_is_signed_in_with_each_endpoint(case):
    a, user = signed_in(case, "alice"), case.site.user("bob")
    bobs = [phone(case, user, t).sign_in() for t in ("udp", "tcp", "tls")]
    code, outcome, steps = told(case, a.user.name, user.name)
    check_eq(code, 200, outcome)
    for p in bobs:
        check(f"rings sip:{user.name}@{p.ip}:{p.port}" in steps, steps)
        check(f"({p.transport.upper()}, " in steps, steps)
    check("at home in front-end process" in steps, steps)


@tap.test
def explain_follows_a_number(case):
    a = signed_in(case, "alice")
    b = signed_in(case, "bob", phone="+4930987222", extension="7222")
    for to in ("+4930987222", "tel:+49-30-987222", "7222"):
        code, outcome, steps = told(case, a.user.name, to)
        check_eq(code, 200, f"{to}: {outcome}")
        check(f"that is user {b.user.name}@" in steps and "rings" in steps, steps)


@tap.test
def explain_follows_a_gruu_to_its_one_endpoint(case):
    a, user = signed_in(case, "alice"), case.site.user("bob")
    other = phone(case, user, "udp").sign_in()
    p = phone(case, user, "tcp", instance="44444444-0000")
    answer = p.register()
    for kind in ("pub-gruu", "temp-gruu"):
        gruu = re.search(kind + r'="([^"]+)"', " ".join(answer.all("Contact"))).group(1)
        code, outcome, steps = told(case, a.user.name, gruu)
        check_eq(code, 200, f"{kind}: {outcome}")
        check(f":{p.port};" in steps and f":{other.port}" not in steps, steps)
        check("GRUU, process" in steps, steps)
    p.stop()
    wait_for(lambda: len(case.site.server.endpoints(user)) == 1, "the endpoint to go")
    code, outcome, _ = told(case, a.user.name, gruu)
    check_eq((code, outcome), (480, "this endpoint of the user is not signed in"), "after that")


@tap.test
def explain_says_why_nobody_can_be_reached(case):
    a, off, gone = signed_in(case, "alice"), case.site.user("off"), case.site.user("gone")
    case.site.server.tool("user", "disable", gone.name)
    for to, code, part in ((off.name, 480, "no endpoint of the user is signed in"),
                           (gone.name, 404, "disabled"), ("nobody", 404, "no such user"),
                           ("+4999999", 404, "no such user"),
                           ("sip:x@elsewhere.test", 403, "no federation"),
                           (f"sip:{case.site.server.domain}", 404, "needs a user part"),
                           ("http://example.test/", 416, "neither a SIP address")):
        got, outcome, steps = told(case, a.user.name, to)
        check_eq(got, code, f"{to}: {outcome}")
        check(part in outcome and steps, f"{to}: {outcome}")
    got, outcome, _ = told(case, "sip:x@elsewhere.test", a.user.name)
    check_eq(got, 403, outcome)


@tap.test
def explain_says_who_cannot_call_at_all(case):
    """And what the server answers to somebody who tries to sign in with that name."""
    b, gone = signed_in(case, "bob"), case.site.user("gone")
    case.site.server.tool("user", "disable", gone.name)
    case.site.server.tool("group", "add", "crew" + gone.name)
    for who, part in (("nobody", "no user of this server"), ("+4999999", "no user of this server"),
                      (gone.name, "disabled"), ("crew" + gone.name, "is a group"),
                      ("http://example.test/", "no address of a user")):
        code, outcome, steps = told(case, who, b.user.name)
        check_eq(code, 403, f"{who}: {outcome}")
        check("the sender" in outcome and part in outcome and "rings" not in steps, outcome)
    stranger = User("nobody", b.user.domain, "", "wrong password")
    for user in (gone, stranger):
        check_eq(phone(case, user).register().code, 403, f"{user.name} signs in")


@tap.test
def explain_follows_a_sender_who_is_given_by_number(case):
    signed_in(case, "alice", extension="7333")
    b = signed_in(case, "bob")
    code, outcome, steps = told(case, "7333", b.user.name)
    check_eq(code, 200, outcome)
    check("the sender is user alice" in steps, steps)


@tap.test
def explain_for_people_tells_what_happens_and_then_what_comes_of_it(case):
    a, off = signed_in(case, "alice"), case.site.user("off")
    text = case.site.server.tool("explain", a.user.name, off.name)
    check(re.match(r"what happens:\n  a request from ", text), text)
    check(re.search(r"(?m)^outcome: +no endpoint.*\nthe sender is answered: +480$", text), text)


@tap.test
def explain_says_what_really_happens(case):
    """The same addresses, explained and tried."""
    a, off = signed_in(case, "alice"), case.site.user("off")
    for to in (off.uri, f"sip:nobody@{case.site.server.domain}", "sip:x@elsewhere.test",
               "tel:+4999999", "http://example.test/"):
        check_eq(told(case, a.user.name, to)[0], a.ask(a.invite(to))[0].code, to)


if __name__ == "__main__":
    tap.main(site.make)
