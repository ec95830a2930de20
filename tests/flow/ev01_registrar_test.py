#!/usr/bin/python3
"""EV-01 (inside): phones register, in the form of RFC 3261, 3327, 3608, 5626, 5627."""
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.siptext import Phone, uri_in  # noqa: E402
from lib.server import User  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402

TRANSPORTS = ("udp", "tcp", "tls")


def phone(case, user, transport="udp", **kw):
    return case.own(Phone(case.site.server, user, transport, **kw))


def signed_in(case, name, transport="udp", **kw):
    return phone(case, case.site.user(name), transport, **kw).sign_in()


def contacts(answer):
    return answer.all("Contact")


def expires_of(answer):
    return int(re.search(r"expires=(\d+)", answer.get("Contact")).group(1))


def _registers(transport):
    def run(case):
        answer = phone(case, case.site.user("alice"), transport).register()
        check_eq(answer.code, 200, "the answer")
        check(answer.get("Service-Route"), "no Service-Route")
        check(answer.get("P-Associated-URI"), "no P-Associated-URI")
    run.__name__ = f"a_phone_registers_over_{transport}_with_one_challenge"
    tap.test(run)


for _t in TRANSPORTS:
    _registers(_t)


@tap.test
def the_time_granted_lies_within_300_and_900_seconds(case):
    p = phone(case, case.site.user("alice"), "tcp")
    for asked, granted in ((60, 300), (500, 500), (99999, 900)):
        check_eq(expires_of(p.register(expires=asked)), granted, f"granted for {asked}")


@tap.test
def a_register_without_contact_asks_and_binds_nothing(case):
    p = signed_in(case, "alice", "tcp")
    m = p.make("REGISTER", f"sip:{case.site.server.domain}", to=p.user.uri)
    answer, _ = p.ask(m)
    check_eq(answer.code, 200, "the answer")
    check_eq(len(contacts(answer)), 1, "contacts")


@tap.test
def a_register_is_challenged_even_on_a_signed_in_connection(case):
    p = signed_in(case, "alice", "tls")
    m = p.make("REGISTER", f"sip:{case.site.server.domain}", to=p.user.uri,
               headers=[("Contact", p.contact())])
    p.send(m)
    check_eq(p.expect_answer(m).code, 401, "the answer")


@tap.test
def the_ninth_endpoint_pushes_out_the_oldest(case):
    user = case.site.user("alice")
    phones = [phone(case, user, "tcp", instance=f"0000-{i}").sign_in() for i in range(9)]
    rows = case.site.server.endpoints(user)
    check_eq(len(rows), 8, "endpoints")
    check(not any(r["contact"] in uri_in(phones[0].contact()) for r in rows), "the first is there")


@tap.test
def a_closed_connection_takes_its_endpoint_with_it_at_once(case):
    alice, bob = signed_in(case, "alice", "tcp"), signed_in(case, "bob", "tls")
    check_eq(len(case.site.server.endpoints(bob.user)), 1, "endpoints before")
    bob.stop()
    wait_for(lambda: not case.site.server.endpoints(bob.user), "bob's endpoint to go")
    check_eq(alice.message(bob.user.uri, "hello").code, 202, "it is kept")


@tap.test
def sign_off_of_one_leaves_the_other_and_star_takes_all(case):
    user = case.site.user("alice")
    a, b = phone(case, user, "udp").sign_in(), phone(case, user, "tcp").sign_in()
    check_eq(a.sign_off().code, 200, "sign-off")
    check_eq(len(case.site.server.endpoints(user)), 1, "endpoints")
    m = b.make("REGISTER", f"sip:{case.site.server.domain}", to=user.uri,
               headers=[("Contact", "*"), ("Expires", 0)])
    check_eq(b.ask(m)[0].code, 200, "star")
    check_eq(len(case.site.server.endpoints(user)), 0, "endpoints")


@tap.test
def an_overtaken_register_is_refused(case):
    p = signed_in(case, "alice", "tcp")
    call_id = "one-life@" + p.ip
    check_eq(p.register(call_id=call_id).code, 200, "the first")
    late = p.make("REGISTER", f"sip:{case.site.server.domain}", to=p.user.uri, cseq=1,
                  headers=[("Contact", p.contact()), ("Expires", 0)])
    late.set("Call-ID", call_id)
    check_eq(p.ask(late)[0].code, 400, "the late one")
    check_eq(len(case.site.server.endpoints(p.user)), 1, "endpoints")


def _again(p, request, answer):
    """The request once more, as a client sends it whose answer was lost: the same answer but for the
    time that is left."""
    second = p.expect_answer(p.send(request))
    check_eq(second.start, answer.start, "the second answer")
    check_eq(*[[(k, re.sub(r'expires=\d+|temp-gruu="[^"]*"', "", v)) for k, v in m.headers]
               for m in (second, answer)], "its fields")
    return second


@tap.test
def a_register_that_comes_again_over_udp_is_answered_as_before(case):
    p = phone(case, case.site.user("alice"), instance="0000-again")
    for step in ({}, {}, {"expires": 0}):
        answer = p.register(**step)
        check_eq(answer.code, 200, f"REGISTER {step}")
        _again(p, p.last, answer)
        second = _again(p, p.last, answer)
        check(not contacts(answer) or 0 < expires_of(second) <= expires_of(answer), "expires")
    check_eq(len(case.site.server.endpoints(p.user)), 0, "endpoints")


@tap.test
def public_and_temporary_gruu_reach_their_one_endpoint(case):
    alice, user = signed_in(case, "alice", "tcp"), case.site.user("bob")
    one = phone(case, user, "tcp", instance="11111111-0000")
    other = phone(case, user, "udp", instance="22222222-0000").sign_in()
    answer = one.register()
    mine = next(c for c in contacts(answer) if "11111111" in c)
    for kind in ("pub-gruu", "temp-gruu"):
        gruu = re.search(kind + r'="([^"]+)"', mine).group(1)
        m = alice.make("MESSAGE", gruu, body="for one", headers=[("Content-Type", "text/plain")])
        alice.send(m)
        got = one.expect_request("MESSAGE")
        one.answer(got, 200)
        check_eq(alice.expect_answer(m).code, 200, kind)
    check(not other.has(lambda m: m.method == "MESSAGE"), "the other endpoint got one too")


@tap.test
def of_two_flows_of_one_instance_the_newest_rings(case):
    alice, user = signed_in(case, "alice", "tcp"), case.site.user("bob")
    old = phone(case, user, "tcp", instance="33333333-0000").sign_in()
    new = phone(case, user, "tls", instance="33333333-0000")
    contact = f'{new.contact()};+sip.instance="<urn:uuid:33333333-0000>";reg-id=2'
    new.instance = None
    answer = new.register(contact=contact)
    check("outbound" in (answer.get("Require") or ""), "no Require: outbound")
    m = alice.make("MESSAGE", user.uri, body="x", headers=[("Content-Type", "text/plain")])
    alice.send(m)
    new.answer(new.expect_request("MESSAGE"), 200)
    check_eq(alice.expect_answer(m).code, 200, "the answer")
    check(not old.has(lambda m: m.method == "MESSAGE"), "the old flow got it too")


@tap.test
def the_service_route_of_the_answer_works_as_route(case):
    b = signed_in(case, "bob", "tls")
    for transport in ("udp", "tcp", "tls"):
        a = phone(case, case.site.user("alice"), transport)
        route = a.register().get("Service-Route")
        check(route and f"{case.site.server.ip}:" in route, f"Service-Route: {route}")
        m = a.make("MESSAGE", b.user.uri, body="x",
                   headers=[("Route", route), ("Content-Type", "text/plain")])
        a.send(m)
        if transport == "udp":
            m = a.send(a.again(m, a.expect_answer(m)))
        got = b.expect_request("MESSAGE")
        b.answer(got, 200)
        check_eq(a.expect_answer(m).code, 200, f"over {transport}")
        check_eq(got.get("Route"), None, "the Route that the callee sees")


@tap.test
def the_q_value_is_kept_and_all_endpoints_ring(case):
    a, user = signed_in(case, "alice", "tcp"), case.site.user("bob")
    one, two = phone(case, user, "tcp"), phone(case, user, "udp")
    one.register(contact=one.contact() + ";q=0.3")
    answer = two.register(contact=two.contact() + ";q=0.725")
    qs = {re.search(r"q=([\d.]+)", c).group(1) for c in contacts(answer)}
    check_eq(qs, {"0.300", "0.725"}, "the values")
    m = a.send(a.make("MESSAGE", user.uri, body="x", headers=[("Content-Type", "text/plain")]))
    for p in (one, two):
        p.answer(p.expect_request("MESSAGE"), 200)
    check_eq(a.expect_answer(m).code, 200, "the answer")


def _fails(case, user, times, **kw):
    """So many wrong passwords in a row; the codes."""
    return [phone(case, user, "tcp", password="wrong", **kw).register().code for _ in range(times)]


@tap.test
def who_guesses_is_slowed_and_only_from_there(case):
    user, here, home = case.site.user("victim"), "127.0.9.1", "127.0.9.2"
    known = phone(case, user, "tcp", source=home).sign_in()
    check_eq(set(_fails(case, user, 9, source=here)), {403}, "the first nine")
    _fails(case, user, 1, source=here)
    slowed = phone(case, user, "tcp", source=here).register()
    check_eq(slowed.code, 503, "even the right password, from where somebody guessed")
    wait = int(slowed.get("Retry-After"))
    check(0 < wait <= 10, f"Retry-After: {wait}")
    check_eq(phone(case, user, "udp", source="127.0.9.3").register().code, 200, "from elsewhere")
    check_eq(known.register().code, 200, "from where the user signed in before")
    time.sleep(wait)  # what the answer asks for
    check_eq(phone(case, user, "tls", source=here).register().code, 200, "after the time told")


@tap.test
def a_known_address_is_never_locked_out_and_unknown_users_look_alike(case):
    user, home = case.site.user("forgetful"), "127.0.10.1"
    phone(case, user, "tcp", source=home).sign_in()
    mine = _fails(case, user, 12, source=home)
    check_eq(phone(case, user, "tcp", source=home).register().code, 200, "the right password")
    stranger = case.site.user("stranger")
    nobody = User("nobody-here", case.site.server.domain, "", "x")
    codes = [_fails(case, u, 12, source=f"127.0.10.{i}") for i, u in ((2, stranger), (3, nobody))]
    check_eq(codes[0], codes[1], "a user and nobody")
    check_eq((codes[0][0], codes[0][-1]), (403, 503), "the first and the last")
    check_eq(mine[:9], [403] * 9, "the first failures from a known address")


@tap.test
def a_wrong_password_and_an_unknown_user_look_alike(case):
    known = phone(case, case.site.user("alice"), "tcp", password="wrong").register()
    nobody = User("nobody", case.site.server.domain, "", "wrong")
    unknown = phone(case, nobody, "tcp").register()
    check_eq((known.code, known.reason), (403, unknown.reason), "the answers")
    check_eq(known.code, unknown.code, "the codes")
    check_eq([n for n, _ in known.headers], [n for n, _ in unknown.headers], "the header fields")


@tap.test
def disabling_a_user_ends_all_sessions_at_once(case):
    p = signed_in(case, "alice", "tls")
    case.site.server.tool("user", "disable", p.user.name)
    wait_for(lambda: p.closed, "the connection to be closed")
    check_eq(len(case.site.server.endpoints(p.user)), 0, "endpoints")
    check_eq(phone(case, p.user, "tls").register().code, 403, "signing in again")
    case.site.server.tool("user", "enable", p.user.name)
    check_eq(phone(case, p.user, "tls").register().code, 200, "signing in after enable")


@tap.test
def revoking_a_device_ends_its_session_and_no_other(case):
    user = case.site.user("alice")
    other = User(user.name, user.domain, "", case.site.server.add_device(user.name, "desk"))
    a, b = phone(case, user, "tls").sign_in(), phone(case, other, "tls").sign_in()
    case.site.server.tool("device", "remove", user.name, "desk")
    wait_for(lambda: b.closed, "the revoked device's connection to be closed")
    check(not a.closed, "the other device's connection was closed too")
    check_eq(len(case.site.server.endpoints(user)), 1, "endpoints")


@tap.test
def an_administrator_kicks_an_endpoint(case):
    p = signed_in(case, "alice", "tcp")
    case.site.server.tool("endpoint", "kick", p.user.name)
    wait_for(lambda: p.closed, "the connection to be closed")
    check_eq(len(case.site.server.endpoints(p.user)), 0, "endpoints")


@tap.test
def a_foreign_domain_cannot_be_registered_here(case):
    p = phone(case, case.site.user("alice"), "tcp")
    m = p.make("REGISTER", "sip:elsewhere.test", to=p.user.uri, headers=[("Contact", p.contact())])
    check_eq(p.ask(m)[0].code, 403, "the answer")


if __name__ == "__main__":
    tap.main(site.make)
