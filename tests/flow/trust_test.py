#!/usr/bin/python3
"""The trust boundary (design section 3): what a client may say, and what is believed."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.siptext import Message, Phone, uri_in  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402

TEXT = [("Content-Type", "text/plain")]


def phone(case, user, transport="tcp", **kw):
    return case.own(Phone(case.site.server, user, transport, **kw))


def pair(case, one="tcp", other="tls"):
    return [phone(case, case.site.user(n), t).sign_in()
            for n, t in (("alice", one), ("bob", other))]


def passes(a, b, headers=()):
    """A's MESSAGE with these headers as B gets it."""
    m = a.make("MESSAGE", b.user.uri, body="x", headers=[*TEXT, *headers])
    a.send(m)
    if a.transport == "udp":
        m = a.send(a.again(m, a.expect_answer(m)))
    got = b.expect_request("MESSAGE")
    b.answer(got, 200)
    check_eq(a.expect_answer(m).code, 200, "the answer")
    return got


@tap.test
def somebody_elses_from_is_refused(case):
    a, b = pair(case)
    m = a.make("MESSAGE", b.user.uri, from_=b.user.uri, body="x", headers=TEXT)
    check_eq(a.ask(m)[0].code, 403, "over TCP")
    u = phone(case, a.user, "udp")
    m = u.make("MESSAGE", b.user.uri, from_=b.user.uri, body="x", headers=TEXT)
    check_eq(u.ask(m)[0].code, 403, "over UDP")
    m = a.make("MESSAGE", b.user.uri, body="x",
               headers=[*TEXT, ("P-Preferred-Identity", f"<{b.user.uri}>")])
    check_eq(a.ask(m)[0].code, 403, "P-Preferred-Identity")


@tap.test
def a_message_is_challenged_over_udp_and_not_on_a_signed_in_connection(case):
    a, b = pair(case)
    m = a.send(a.make("MESSAGE", b.user.uri, body="x", headers=TEXT))
    b.answer(b.expect_request("MESSAGE"), 200)
    check_eq(a.expect_answer(m).code, 200, "over TCP")
    u = phone(case, a.user, "udp").sign_in()
    m = u.send(u.make("MESSAGE", b.user.uri, body="x", headers=TEXT))
    check_eq(u.expect_answer(m).code, 407, "over UDP")


@tap.test
def a_connection_vouches_for_its_own_user_only(case):
    a, b = pair(case)
    m = a.send(a.make("MESSAGE", a.user.uri, from_=b.user.uri, body="x", headers=TEXT))
    check_eq(a.expect_answer(m).code, 407, "for another user")
    c = phone(case, case.site.user("carol"))
    m = c.send(c.make("MESSAGE", b.user.uri, body="x", headers=TEXT))
    check_eq(c.expect_answer(m).code, 407, "before REGISTER")


@tap.test
def identities_of_clients_are_replaced_by_the_authenticated_one(case):
    for one, other in (("tcp", "udp"), ("udp", "tls")):
        a, b = pair(case, one, other)
        got = passes(a, b, [("P-Asserted-Identity", "<sip:boss@example.test>"),
                            ("Remote-Party-ID", "<sip:boss@example.test>"),
                            ("Identity", "x"), ("History-Info", "<sip:x@y>;index=1"),
                            ("X-Kept", "as it is")])
        check_eq(uri_in(got.get("P-Asserted-Identity")), a.user.uri, "P-Asserted-Identity")
        check_eq(len(got.all("P-Asserted-Identity")), 1, "how many")
        for name in ("Remote-Party-ID", "Identity", "History-Info", "Authorization",
                     "Proxy-Authorization"):
            check(got.get(name) is None, f"{name} came through")
        check_eq(got.get("X-Kept"), "as it is", "an unknown field")


# What a field of the table says when a client sends it.
SAMPLES = {
    "P-Asserted-Identity": "<sip:boss@example.test>", "Remote-Party-ID": "<sip:boss@example.test>",
    "Identity": "x", "P-Associated-URI": "<sip:boss@example.test>", "P-Charging-Vector": "icid-value=1",
    "History-Info": "<sip:x@y>;index=1", "Diversion": "<sip:x@y>", "Path": "<sip:192.0.2.1;lr>",
    "Service-Route": "<sip:192.0.2.1;lr>", "Authentication-Info": 'nextnonce="x"',
    "ms-text-format": "text/plain;ms-body=aGVsbG8=",
}


@tap.test
def each_row_of_the_trust_table_is_kept_to(case):
    rows = {r["field"]: r for r in case.site.server.json("trust")}
    a, b = pair(case)
    got = passes(a, b, list(SAMPLES.items()))
    taken = {n for n, v in SAMPLES.items() if v in got.all(n)}
    stripped = {n for n, r in rows.items() if r["from_client"] in ("strip", "replace")}
    check_eq(stripped, set(SAMPLES), "the fields that the table takes off, and those tried")
    check_eq(taken, set(), "what came through")
    check_eq(rows["P-Asserted-Identity"]["from_client"], "replace", "P-Asserted-Identity")
    check_eq(uri_in(got.get("P-Asserted-Identity")), a.user.uri, "what it was replaced by")
    for name in ("From", "P-Preferred-Identity"):
        check(rows[name]["from_client"] in ("verify", "spend"), f"{rows[name]}")
        m = a.make("MESSAGE", b.user.uri, body="x", headers=TEXT)
        m.set(name, f"<{b.user.uri}>;tag=1")
        check_eq(a.ask(m)[0].code, 403, f"another's {name}")
    # Inside a dialog nobody is challenged: anonymous.
    anonymous = {n for n, r in rows.items() if r["from_anonymous"] in ("strip", "replace")}
    check_eq(anonymous, set(SAMPLES), "from anonymous")


@tap.test
def the_rights_of_the_roles_are_shown(case):
    may = {r["role"]: r["may_ask"] for r in case.site.server.roles()}
    check("accounts (lookup, auth, known, changes, search, members)" in may["frontend"], may["frontend"])
    check("frontend (for our users: REGISTER, " in may["frontend"], may["frontend"])
    check("; with P-Asserted-Identity, Path)" in may["frontend"], may["frontend"])
    check_eq(may["accounts"], "", "accounts asks nobody")
    check("REGISTER" not in may["media-bridge"] and "Path" not in may["media-bridge"],
          may["media-bridge"])
    rows = {(r["role"], r["asks"]): r["may"] for r in case.site.server.json("role", "rights")}
    check_eq(may["mcu-im"], "frontend (for conferences: MESSAGE, BYE, notify; with "
             "P-Asserted-Identity)", "what the IM MCU may")
    check_eq(sorted(rows), [("frontend", "accounts"), ("frontend", "edge-av"), ("frontend", "frontend"),
                            ("frontend", "mcu-im"), ("mcu-im", "frontend"),
                            ("media-bridge", "frontend"), ("web", "accounts"),
                            ("web", "frontend")], "role rights")
    check_eq(rows["media-bridge", "frontend"], "for our users: INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, "
             "SERVICE; with P-Asserted-Identity", "what the media bridge may")
    check_eq(rows["frontend", "edge-av"], "for our users and the media bridges: SERVICE; with "
             "P-Asserted-Identity, Path", "what a front end may ask of the edge")
    check_eq(rows["frontend", "accounts"], "lookup, auth, known, changes, search, members",
             "of accounts")


@tap.test
def privacy_hides_the_identity(case):
    a, b = pair(case)
    for value in ("id", "id;critical", "header; user;ID"):
        got = passes(a, b, [("Privacy", value)])
        check(got.get("P-Asserted-Identity") is None, f"the identity came through: Privacy: {value}")
    check(passes(a, b, [("Privacy", "user;header")]).get("P-Asserted-Identity"), "no identity where nobody hides it")


@tap.test
def foreign_and_forged_routes_are_refused(case):
    a, b = pair(case)
    for route in ("<sip:192.0.2.1;lr>", "<sip:d.AAAA@10.77.0.1;lr>", "<sip:elsewhere.test;lr>",
                  "<sip:d.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA@10.77.0.1;lr>"):
        m = a.make("MESSAGE", b.user.uri, body="x", headers=[*TEXT, ("Route", route)])
        check_eq(a.ask(m)[0].code, 403, route)
    ours = a.make("MESSAGE", b.user.uri, body="x",
                  headers=[*TEXT, ("Route", f"<sip:{case.site.server.ip};lr>")])
    a.send(ours)
    b.answer(b.expect_request("MESSAGE"), 200)
    check_eq(a.expect_answer(ours).code, 200, "our own address as outbound proxy")


@tap.test
def in_dialog_requests_without_our_token_get_481(case):
    a, b = pair(case)
    m = a.make("BYE", b.user.uri)
    m.set("To", f"<{b.user.uri}>;tag=x")
    check_eq(a.ask(m)[0].code, 481, "the answer")


@tap.test
def the_processes_own_routes_mean_nothing_from_a_client(case):
    a, b = pair(case)
    for user in ("o.1", "t.1.0", "r.1.1"):
        m = a.make("MESSAGE", b.user.uri, body="x",
                   headers=[*TEXT, ("Route", f"<sip:{user}@dialtone.invalid;lr>")])
        check_eq(a.ask(m)[0].code, 403, user)


@tap.test
def a_request_without_credentials_learns_nothing_of_who_exists(case):
    c = phone(case, case.site.user("carol"), "udp")
    known, d = case.site.user("bob"), case.site.server.domain
    answers = []
    for uri in (known.uri, f"sip:nobody@{d}"):
        m = c.send(c.make("MESSAGE", uri, body="x", headers=TEXT))
        answers.append(c.expect_answer(m).code)
    check_eq(answers, [407, 407], "the answers")


@tap.test
def what_cannot_be_read_gets_400_and_harms_nobody(case):
    a, b = pair(case)
    c = phone(case, case.site.user("carol"), "tcp")
    m = Message(f"OPTIONS {b.user.uri} SIP/2.0",
                [("Via", c.via()), ("From", "<sip:x@y>;tag=1"), ("To", "<sip:x@y>"),
                 ("Call-ID", "odd"), ("CSeq", "99999999999 OPTIONS")])
    c.send(m)
    check_eq(c.expect(lambda x: x.code, "an answer").code, 400, "CSeq too large")
    c.send_raw(b"GET / HTTP/1.1\r\n\r\n")
    wait_for(lambda: c.closed, "the connection to be closed")
    passes(a, b)


@tap.test
def an_answer_goes_back_to_where_the_request_came_from(case):
    p = phone(case, case.site.user("alice"), "udp")
    m = p.make("OPTIONS", f"sip:{case.site.server.domain}")
    m.set("Via", f"SIP/2.0/UDP 192.0.2.99:9;rport;branch=z9hG4bKnat{os.getpid()}")
    p.send(m)
    via = p.expect_answer(m).get("Via")
    check(f"received={p.ip}" in via and f"rport={p.port}" in via, via)


@tap.test
def keep_alives_are_answered(case):
    for transport in ("tcp", "tls"):
        p = phone(case, case.site.user("alice"), transport).sign_in()
        p.ping()
        wait_for(lambda p=p: p.pongs > 0, f"a pong over {transport}")


@tap.test
def a_register_inside_a_dialog_vouches_for_nobody(case):
    a, b = pair(case)
    m = a.send(a.invite(b.user.uri))
    got = b.expect_request("INVITE")
    b.answer(got, 200, body="v=0\r\n", headers=[("Content-Type", "application/sdp")])
    dialog = a.confirm(m, a.expect_answer(m))
    b.expect_request("ACK")
    x = phone(case, a.user)
    evil = x.make("REGISTER", None, dialog=dialog, headers=[("Contact", x.contact())])
    check_eq(x.expect_answer(x.send(evil)).code, 481, "REGISTER")
    for sender in ("tel:+1", "http:x", f"sip:{case.site.server.domain}"):
        m = x.send(x.make("MESSAGE", b.user.uri, from_=sender, body="x", headers=TEXT))
        check_eq(x.expect_answer(m).code, 407, f"MESSAGE from {sender}")


@tap.test
def a_head_that_grows_on_its_way_ends_no_link(case):
    a, b = pair(case)
    m = a.make("MESSAGE", b.user.uri, body="x", headers=TEXT)
    m.headers.append(("X-Long", "x" * (65500 - len(m.bytes()))))
    a.send(m)
    for _ in range(8):  # at least one of them crosses between two processes
        c, d = pair(case)
        passes(c, d)
    check(not a.closed, "the sender's connection")


if __name__ == "__main__":
    tap.main(site.make)
