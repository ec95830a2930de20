#!/usr/bin/python3
"""Poster row EV-01: which connection a request goes over: sips: (RFC 3261 section 26.2.2), the flows
of one instance (RFC 5626)."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.siptext import Dialog, Phone, reset, split_list, token, uri_in  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402

TEXT = [("Content-Type", "text/plain")]
# Connections land at random where there are two processes: this often, every way is taken.
ROUNDS = 6


def phone(case, user, transport="tcp", **kw):
    return case.own(Phone(case.site.server, user, transport, **kw))


def sips(user):
    return user.uri.replace("sip:", "sips:")


def message(a, uri):
    return a.send(a.make("MESSAGE", uri, body="x", headers=TEXT))


# sips:

@tap.test
def a_sips_request_over_a_connection_without_tls_is_refused(case):
    alice, bob = case.site.users("alice", "bob")
    phone(case, bob, "tls").sign_in()
    for transport in ("tcp", "udp"):
        a = phone(case, alice, transport).sign_in()
        for method in ("MESSAGE", "INVITE", "OPTIONS"):
            answer, _ = a.ask(a.make(method, sips(bob)))
            check_eq((answer.code, answer.reason), (403, "SIPS Needs TLS"), f"{method} {transport}")
            check("asks for encryption on the whole way" in answer.get("ms-diagnostics", ""),
                  "no diagnostics")
        m = a.make("REGISTER", f"sips:{case.site.server.domain}", to=alice.uri,
                   headers=[("Contact", a.contact())])
        check_eq(a.ask(m)[0].code, 403, f"REGISTER {transport}")


@tap.test
def a_sips_call_is_tls_on_every_hop_and_stays_so(case):
    alice, bob = case.site.users("alice", "bob")
    for _ in range(ROUNDS):
        a, b = phone(case, alice, "tls").sign_in(), phone(case, bob, "tls").sign_in()
        request = a.send(a.invite(sips(bob)))
        got = b.expect_request("INVITE")
        routes = [uri_in(r) for r in split_list(got.all("Record-Route"))]
        check_eq(len(routes), 2, "how many routes")
        check(all(r.startswith("sips:") and "transport" not in r for r in routes), routes)
        back = b.answer(got, 200)
        there = Dialog.of_callee(got, back)
        dialog = a.confirm(request, a.expect_answer(request))
        b.expect_request("ACK")
        info = b.send(b.make("INFO", None, dialog=there))
        a.answer(a.expect_request("INFO"), 200)
        check_eq(b.expect_answer(info).code, 200, "a request of the callee")
        plain = phone(case, alice, "tcp").sign_in()
        stolen = plain.make("BYE", None, dialog=dialog)
        check_eq(plain.ask(stolen)[0].reason, "SIPS Needs TLS", "its route over TCP")
        bye = a.send(a.make("BYE", None, dialog=dialog))
        b.answer(b.expect_request("BYE"), 200)
        check_eq(a.expect_answer(bye).code, 200, "BYE")
        for p in (a, b, plain):
            p.sign_off()


@tap.test
def sips_reaches_the_endpoints_over_tls_alone(case):
    alice, bob, carol = case.site.users("alice", "bob", "carol")
    a = phone(case, alice, "tls").sign_in()
    over_tcp, over_tls = (phone(case, bob, t).sign_in() for t in ("tcp", "tls"))
    m = message(a, sips(bob))
    over_tls.answer(over_tls.expect_request("MESSAGE"), 200)
    check_eq(a.expect_answer(m).code, 200, "to who has both")
    check(not over_tcp.has(lambda m: m.method == "MESSAGE"), "it went over TCP too")
    phone(case, carol, "udp").sign_in()
    answer = a.expect_answer(message(a, sips(carol)))
    check_eq((answer.code, answer.reason), (480, "No Endpoint Over TLS"), "to who has UDP alone")
    story = case.site.server.json("explain", alice.name, sips(carol))
    check("over TLS" in str(story), f"explain: {story}")


# Flows of one instance

def two_flows(case, user):
    """An older and a newer connection of one phone."""
    instance = f"{token(4)}-0000"
    old = phone(case, user, "tcp", instance=instance).sign_in()
    new = phone(case, user, "tls")
    contact = f'{new.contact()};+sip.instance="<urn:uuid:{instance}>";reg-id=2'
    check_eq(new.register(contact=contact).code, 200, "the second flow")
    return old, new


@tap.test
def a_message_on_a_flow_that_breaks_goes_over_the_older_one(case):
    alice, bob = case.site.users("alice", "bob")
    a = phone(case, alice).sign_in()
    for _ in range(ROUNDS):
        old, new = two_flows(case, bob)
        m = message(a, bob.uri)
        new.expect_request("MESSAGE")
        check(not old.has(lambda m: m.method == "MESSAGE"), "the older flow got it at once")
        reset(new)
        old.answer(old.expect_request("MESSAGE"), 200)
        check_eq(a.expect_answer(m).code, 200, "the answer")
        m = message(a, bob.uri)
        old.answer(old.expect_request("MESSAGE"), 200)
        check_eq(a.expect_answer(m).code, 200, "the answer to the next")
        old.sign_off()


@tap.test
def a_call_on_a_flow_that_breaks_rings_on_the_older_one(case):
    alice, bob = case.site.users("alice", "bob")
    a = phone(case, alice, "tls").sign_in()
    for _ in range(ROUNDS):
        old, new = two_flows(case, bob)
        request = a.send(a.invite(bob.uri))
        new.answer(new.expect_request("INVITE"), 180)
        reset(new)
        got = old.expect_request("INVITE")
        old.answer(got, 200)
        dialog = a.confirm(request, a.expect_answer(request))
        old.expect_request("ACK")
        bye = a.send(a.make("BYE", None, dialog=dialog))
        old.answer(old.expect_request("BYE"), 200)
        check_eq(a.expect_answer(bye).code, 200, "BYE")
        old.sign_off()


@tap.test
def without_another_flow_the_caller_gets_480(case):
    alice, bob = case.site.users("alice", "bob")
    a = phone(case, alice).sign_in()
    for _ in range(ROUNDS):
        b = phone(case, bob, "tcp", instance=f"{token(4)}-0000").sign_in()
        m = message(a, bob.uri)
        b.expect_request("MESSAGE")
        reset(b)
        check_eq(a.expect_answer(m).code, 480, "the answer")
        wait_for(lambda: not case.site.server.endpoints(bob), "the binding to go")


@tap.test
def what_nobody_answers_waits_for_its_client(case):
    """Where its last connection was, in another process, it waits no longer, and the log says so."""
    alice, bob = case.site.users("alice", "bob")
    a = phone(case, alice, "tls").sign_in()
    for _ in range(ROUNDS):
        instance = f"{token(4)}-0000"
        b = phone(case, bob, "tcp", instance=instance).sign_in()
        request = a.send(a.invite(bob.uri))
        b.answer(b.expect_request("INVITE"), 200)
        dialog = a.confirm(request, a.expect_answer(request))
        b.expect_request("ACK")
        reset(b)
        wait_for(lambda: case.site.server.endpoints(bob) == [], "the binding to go")
        a.send(a.make("BENOTIFY", None, dialog=dialog, body="x", headers=TEXT))
        # The server has read it, and nobody is there.
        check_eq(a.ask(a.make("OPTIONS", f"sip:{a.server.domain}"))[0].code, 200, "OPTIONS")
        b = phone(case, bob, "tcp", instance=instance).sign_in()
        wait_for(lambda: b.has(lambda m: m.method == "BENOTIFY" and m.body == b"x") or
                 f'method=BENOTIFY from="{dialog.local}"' in case.site.server.p.text(),
                 "what waited")
        b.sign_off()


if __name__ == "__main__":
    tap.main(site.make)
