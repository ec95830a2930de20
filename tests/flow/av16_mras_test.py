#!/usr/bin/python3
"""Poster row AV-16: signed-in users get credentials of the relay, and nobody else does."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import proc, site, tap  # noqa: E402
from lib.mras import TYPE, ask, mras_uri, relays, relays_with, request, texts  # noqa: E402
from lib.presence import PresenceClient  # noqa: E402
from lib.siptext import Phone  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402

EDGES = 2
ASKED_PER_MIN = 60  # of one user, at each process of the edge


def make(args, folder):
    site.netns.enter()
    return site.Site(args, folder, edge=f"processes = {EDGES}\nopen-peers = 10.0.0.0/8\n"
                     "external-name = av.example.test\ncredential-life = 2 h\n")


def lync(case):
    return case.own(PresenceClient(case.site.server, case.site.user("lync"))).sign_in()


@tap.test
def a_client_gets_credentials_that_are_good(case):
    a = lync(case)
    answer = ask(a)
    check_eq(answer.code, 200, "SERVICE")
    body = answer.body.decode()
    check(answer.get("Content-Type").startswith(TYPE), "type")
    for text in ('requestID="42"', 'credentialsRequestID="7"', 'reasonPhrase="OK"',
                 f'from="{a.user.uri}"', 'serverVersion="2.0"'):
        check(text in body, f"{text}: {body}")
    check_eq(texts(answer, "duration"), ["120"], "minutes")
    # The face that was asked for first; the name of the other one differs here.
    check_eq(texts(answer, "location"), ["intranet", "internet"], "faces")
    check_eq(texts(answer, "hostName"), [site.HOST, "av.example.test"], "names")
    check_eq(texts(answer, "udpPort"), ["3478"] * 2, "UDP")
    check_eq(texts(answer, "tcpPort"), ["443"] * 2, "TCP")
    good, text = relays_with(case.site.server.ip, answer)
    check(good, text)
    wait_for(lambda: "event=allocation-ended id=" in case.site.server.p.text() and
             f"user={a.user.uri[4:]} " in case.site.server.p.text(), "a line with the user")


@tap.test
def several_at_once_and_the_face_of_the_internet(case):
    a = lync(case)
    answer = ask(a, a.user.uri, a.user.uri.upper().replace("SIP:", "sip:"), location="internet")
    check_eq(answer.code, 200, "SERVICE")
    check_eq(len(texts(answer, "username")), 2, "credentials")
    check_eq(texts(answer, "location"), ["internet", "intranet"] * 2, "faces")


@tap.test
def credentials_of_another_user_are_refused(case):
    a, b = lync(case), case.site.user("other")
    answer = ask(a, b.uri)
    check_eq(answer.code, 403, "of another")
    check('reasonPhrase="Forbidden"' in answer.body.decode(), answer.body)
    check_eq(ask(a, a.user.uri, b.uri).code, 403, "of another besides")
    check_eq(texts(ask(a, a.user.uri, b.uri), "username"), [], "none")


@tap.test
def what_is_wrong_is_said(case):
    a = lync(case)
    for body, code, phrase in (("<request", 400, "Request Malformed"),
                               (request("x", a.user.uri, version="9.0"), 488, "Not Supported"),
                               (request("x", *[a.user.uri] * 17), 413, "Request Too Large")):
        answer = ask(a, body=body)
        check_eq(answer.code, code, phrase)
        check(f'reasonPhrase="{phrase}"' in answer.body.decode(), answer.body)
    check_eq(ask(a, kind="text/plain").code, 415, "another type")


@tap.test
def who_asks_without_end_takes_it_from_nobody(case):
    a, b = lync(case), lync(case)
    uri = mras_uri(a)
    codes = [ask(a, uri=uri).code for _ in range(ASKED_PER_MIN * EDGES + 1)]
    check_eq(codes[0], 200, "the first")
    check_eq(codes[-1], 500, "the last")
    check_eq([ask(b, uri=uri).code for _ in range(EDGES)], [200] * EDGES, "of another user")


@tap.test
def who_has_not_signed_in_gets_none(case):
    user = case.site.user("stranger")
    p = case.own(Phone(case.site.server, user, "tcp"))
    uri = f"sip:{site.HOST}@{site.DOMAIN};gruu;opaque=srvr:MRAS"
    m = p.make("SERVICE", uri, headers=[("Content-Type", TYPE)], body=request(uri, user.uri))
    check_eq(p.expect_answer(p.send(m)).code, 407, "not signed in")


@tap.test
def there_is_no_port_for_others(case):
    """A front end of the same host asks by a link that nobody else has."""
    status, text = proc.run(["ss", "-lnt"])
    check_eq(status, 0, "ss")
    check(":5062 " not in text, text)


@tap.test(alone=True)
def a_killed_edge_is_replaced_by_the_other_and_comes_back(case):
    a = lync(case)
    uri = mras_uri(a)
    for number in range(1, EDGES + 1):
        case.site.server.kill_role("edge-av", number)
        answer = ask(a, uri=uri)
        check_eq(answer.code, 200, f"without edge-av/{number}")
    answer = ask(a, uri=uri)
    good, text = relays_with(case.site.server.ip, answer)
    check(good, text)


@tap.test(alone=True)
def credentials_expire_and_a_restart_does_not_end_them(case):
    a = lync(case)
    answer = ask(a)
    short = case.site.server.json("relay", "credential", a.user.uri[4:], "--life", "5 s")
    case.site.server.stop()
    case.site.server.start()
    good, text = relays_with(case.site.server.ip, answer)
    check(good, text)
    check_eq(short["ttl"], 5, "ttl")
    wait_for(lambda: not relays(case.site.server.ip, short["username"], short["password"])[0],
             "the end of the short ones")


@tap.test(alone=True)
def drained_it_takes_no_new_allocations(case):
    server = case.site.server
    c = server.json("relay", "credential", case.site.user("drain").uri[4:])
    server.tool("relay", "drain", "on")
    check(all(row["draining"] for row in server.json("relay", "status")), "status")
    good, text = relays(server.ip, c["username"], c["password"])
    check(not good and "486" in text, text)
    server.tool("relay", "drain", "off")
    good, text = relays(server.ip, c["username"], c["password"])
    check(good, text)


if __name__ == "__main__":
    tap.main(make)
