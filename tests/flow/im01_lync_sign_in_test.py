#!/usr/bin/python3
"""Poster row IM-01: a Lync client signs in by NTLM, and every message of its connection is signed."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import ntlm, site, tap  # noqa: E402
from lib.lync import LyncClient  # noqa: E402
from lib.siptext import Message, Phone  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402


def lync(case, user=None, transport="tls", **kw):
    return case.own(LyncClient(case.site.server, user or case.site.user("lync"), transport, **kw))


def text_to(a, uri, text="hello"):
    return a.make("MESSAGE", uri, body=text, headers=[("Content-Type", "text/plain")])


@tap.test
def a_client_signs_in_over_tls_and_finds_what_it_needs_in_the_200(case):
    a = lync(case)
    answer = a.register()
    check_eq(answer.code, 200, "REGISTER")
    check_eq(answer.get("Expires"), "600", "Expires")
    check(all("," not in v for v in answer.all("Supported")), "one token a line of Supported")
    check("msrtc-event-categories" in answer.all("Supported"), "categories")
    check(" " not in answer.get("Allow-Events"), "no blanks in Allow-Events")
    check(answer.get("Server").startswith("RTC/6"), "Server")
    check("timeout=300" in answer.get("ms-keep-alive"), "ms-keep-alive")
    check(a.gruu and a.gruu.startswith(f"{a.user.uri};opaque=user:epid:"), f"GRUU: {a.gruu}")


@tap.test
def versions_3_and_4_sign_in_with_every_form_of_the_name(case):
    user = case.site.user("forms")
    for kw in ({"version": 3}, {"login": f"{user.name}@{user.domain}"},
               {"domain": "EXAMPLE"}, {"domain": "example.test"},
               {"login": user.name.upper()}):
        a = lync(case, user, **kw)
        check_eq(a.register().code, 200, f"REGISTER with {kw}")


@tap.test
def version_2_is_not_served(case):
    a = lync(case, version=2)
    check(a.register().code != 200, "REGISTER")


@tap.test
def a_refresh_and_a_sign_off_need_no_new_handshake(case):
    a = lync(case)
    a.sign_in()
    check_eq(a.register().code, 200, "refresh")
    a.check_signed()
    check_eq(len(case.site.server.endpoints(a.user)), 1, "endpoints")
    check_eq(a.sign_off().code, 200, "sign-off")
    wait_for(lambda: not case.site.server.endpoints(a.user), "no endpoint")


@tap.test
def a_wrong_password_is_a_401_with_a_reason(case):
    a = lync(case, password="not the password")
    answer = a.register()
    check_eq(answer.code, 401, "REGISTER")
    check("60020" in answer.get("ms-diagnostics", ""), f"{answer.headers}")
    check(answer.get("WWW-Authenticate").startswith("NTLM"), "the offer stands again")


@tap.test
def an_unknown_and_a_disabled_user_look_like_a_wrong_password(case):
    user = case.site.user("gone")
    case.site.server.tool("user", "disable", user.name)
    a = lync(case, user).register()
    b = lync(case, user, login="nobody").register()
    for answer in (a, b):
        check_eq(answer.code, 401, "REGISTER")
        check("60020" in answer.get("ms-diagnostics", ""), "reason")


@tap.test
def a_message_with_a_wrong_signature_goes_nowhere(case):
    a, b = lync(case), case.own(Phone(case.site.server, case.site.user("bob"), "tcp"))
    a.sign_in()
    b.sign_in()
    good = text_to(a, b.user.uri, "one")
    bad = text_to(a, b.user.uri, "two")
    for m in (good, bad):
        m.headers.append(("Authorization", a.signature(m)))
    bad.set("To", f"<{b.user.uri}>;tag=1").set("To", f"<{b.user.uri};x=y>")
    Phone.send(a, bad)
    naked = Message(good.start, [h for h in text_to(a, b.user.uri, "three").headers], b"three")
    Phone.send(a, naked)
    Phone.send(a, good)
    got = b.expect_request("MESSAGE")
    check_eq(got.body, b"one", "what arrived")
    check(not got.get("Authorization"), "the signature stays at its hop")
    b.answer(got, 200)
    check_eq(a.expect_answer(good).code, 200, "the good one")
    a.check_signed()
    check(not b.has(lambda m: m.body in (b"two", b"three")), "nothing else arrived")


@tap.test
def a_message_that_comes_again_is_dropped(case):
    a, b = lync(case), case.own(Phone(case.site.server, case.site.user("bob"), "tcp"))
    a.sign_in()
    b.sign_in()
    m = a.send(text_to(a, b.user.uri, "once"))
    b.answer(b.expect_request("MESSAGE"), 200)
    check_eq(a.expect_answer(m).code, 200, "MESSAGE")
    again = Message(m.start, m.headers, m.body).set("Via", a.via() + ";branch=z9hG4bKother")
    Phone.send(a, again)
    last = a.send(text_to(a, b.user.uri, "last"))
    check_eq(b.expect_request("MESSAGE").body, b"last", "what arrived")
    check(last, "")


@tap.test
def a_new_handshake_on_the_same_connection_replaces_the_old_one(case):
    a = lync(case)
    a.sign_in()
    a.session = None
    a.call_id = a.call_id + "x"
    a.sign_in()
    check_eq(a.register().code, 200, "refresh with the new association")
    a.check_signed()


@tap.test
def two_users_share_a_connection_each_with_an_association(case):
    one = lync(case)
    one.sign_in()
    other = case.site.user("second")
    first = (one.user, one.session, one.opaque, one.offer, one.gruu, one.call_id, one.epid)
    one.user, one.login, one.password = other, other.name, other.account_password
    one.session, one.call_id, one.epid = None, one.call_id + "2", "0123456789ab"
    one.uuid = one.uuid[:-1] + "f"
    one.sign_in()
    check_eq(one.register().code, 200, "refresh of the second")
    second = (one.user, one.session, one.opaque, one.offer, one.gruu, one.call_id, one.epid)
    (one.user, one.session, one.opaque, one.offer, one.gruu, one.call_id, one.epid) = first
    one.uuid = one.uuid[:-1] + "0"
    b = case.own(Phone(case.site.server, case.site.user("bob"), "tcp"))
    b.sign_in()
    m = one.send(text_to(one, b.user.uri))
    b.answer(b.expect_request("MESSAGE"), 200)
    check_eq(one.expect_answer(m).code, 200, "a message of the first")
    check(second, "")


@tap.test
def a_disabled_user_is_told_and_put_out_at_once(case):
    a = lync(case)
    a.sign_in()
    case.site.server.tool("user", "disable", a.user.name)
    bye = a.expect_request("BENOTIFY")
    check_eq(bye.get("Event"), "registration-notify", "Event")
    check_eq(bye.body, b"deregistered;event=rejected", "body")
    check("disabled" in bye.get("ms-diagnostics", ""), "reason")
    wait_for(lambda: a.closed, "the end of the connection")
    a.check_signed()


@tap.test
def a_kicked_endpoint_is_told_and_put_out(case):
    a = lync(case)
    a.sign_in()
    case.site.server.tool("endpoint", "kick", a.user.name)
    bye = a.expect_request("BENOTIFY")
    check_eq(bye.body, b"deregistered;event=unregistered", "body")
    wait_for(lambda: a.closed, "the end of the connection")
    check_eq(case.site.server.endpoints(a.user), [], "endpoints")


@tap.test
def a_new_password_ends_what_the_old_one_began(case):
    a = lync(case)
    a.sign_in()
    case.site.server.tool("user", "passwd", a.user.name, "--password-stdin",
                          input_text="quite another 7 words\n")
    check("changed" in a.expect_request("BENOTIFY").get("ms-diagnostics", ""), "reason")
    wait_for(lambda: a.closed, "the end of the connection")
    b = lync(case, a.user, password="quite another 7 words")
    check_eq(b.register().code, 200, "with the new one")


@tap.test
def the_ninth_client_pushes_out_the_oldest_and_tells_it(case):
    user = case.site.user("many")
    clients = [lync(case, user).sign_in() for _ in range(9)]
    bye = clients[0].expect_request("BENOTIFY")
    check_eq(bye.body, b"deregistered;event=unregistered", "body")
    wait_for(lambda: clients[0].closed, "the end of the first connection")
    check_eq(len(case.site.server.endpoints(user)), 8, "endpoints")


@tap.test
def before_signing_in_nothing_is_served_and_407_is_never_said(case):
    a = lync(case)
    m = Phone.send(a, text_to(a, a.user.uri))
    answer = a.expect_answer(m)
    check_eq(answer.code, 403, "MESSAGE")
    check("60026" in answer.get("ms-diagnostics", ""), "reason")


@tap.test
def over_plain_tcp_from_elsewhere_the_client_is_told_to_encrypt(case):
    a = lync(case, transport="tcp")
    answer = a.register()
    check_eq(answer.code, 403, "REGISTER")
    check("TLS" in answer.get("Warning", ""), f"{answer.headers}")


@tap.test
def an_authenticate_out_of_turn_is_refused(case):
    a = lync(case)
    challenge = a.begin()
    data, session = ntlm.authenticate(challenge, a.login, "wrong password")
    check_eq(a.finish(ntlm.encode(data), session).code, 401, "wrong")
    data, session = ntlm.authenticate(challenge, a.login, a.password)
    check_eq(a.finish(ntlm.encode(data), session).code, 401, "a second try on one challenge")
    a.opaque = "00000000"
    check_eq(a.finish(ntlm.encode(data), session).code, 401, "of no association")
    check_eq(a.register().code, 200, "from the start")


@tap.test
def a_client_that_goes_round_in_circles_is_let_go(case):
    a = lync(case)
    for _ in range(120):
        if a.closed:
            break
        try:
            Phone.send(a, a.register_request())
        except OSError:
            break
    wait_for(lambda: a.closed, "the end of the connection")
    check_eq(lync(case, a.user).register().code, 200, "another connection")


@tap.test
def a_user_without_ntlm_cannot_use_it(case):
    user = case.site.user("nontlm")
    case.site.server.tool("user", "set", user.name, "--ntlm", "no")
    check_eq(lync(case, user).register().code, 401, "REGISTER")
    check("no NTLM" in case.site.server.json("user", "show", user.name)["schemes"], "user show")


if __name__ == "__main__":
    tap.main(site.make)
