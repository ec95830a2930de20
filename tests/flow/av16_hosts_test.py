#!/usr/bin/python3
"""Poster rows AV-16, PN-16, FW-05: an A/V edge on a host of its own, asked by SIP over TLS on 5062."""
import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import hosts, netns, tap  # noqa: E402
from lib.mras import ask, mras_uri, relays_with, texts  # noqa: E402
from lib.presence import PresenceClient  # noqa: E402
from lib.siptext import branch, token  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402


def make(args, folder):
    netns.enter()
    return hosts.Hosts(args, folder, role="edge-av", rows=1,
                       lines="processes = 2\nopen-peers = 10.0.0.0/8\n")


def lync(case):
    return case.own(PresenceClient(case.site.server, case.site.user("lync"))).sign_in()


@tap.test
def credentials_come_from_the_other_host_and_are_good_there(case):
    answer = ask(lync(case))
    check_eq(answer.code, 200, "SERVICE")
    check_eq(texts(answer, "hostName"), [case.site.b.host], "where the relay is")
    good, text = relays_with(case.site.b.ip, answer)
    check(good, text)


OPTIONS = ("OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TLS x;branch={}\r\nFrom: <sip:1@x>;tag=1\r\n"
           "To: <sip:x>\r\nCall-ID: {}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 1\r\n"
           "Content-Length: 0\r\n\r\n")


@tap.test
def nobody_comes_in_without_a_certificate_of_a_front_end(case):
    b = case.site.b
    text = OPTIONS.format(branch(), token()).encode()
    own = hosts.pair(case.site.server, "frontend")
    check("200 OK" in hosts.knock(case.site.server.ca, b.ip, hosts.SIP, b.host, cert=own, data=text),
          "the front end itself")
    foreign = hosts.make_pair(case.dir, case.site.server.host, hosts.make_ca(case.dir))
    other = hosts.make_pair(case.dir, "c.example.test",
                            (case.site.server.ca, case.site.server.ca.replace(".pem", ".key")))
    for what, cert in (("none", None), ("of another CA", foreign), ("of another host", other),
                       ("of another role", hosts.pair(case.site.server, "accounts"))):
        got = hosts.knock(case.site.server.ca, b.ip, hosts.SIP, b.host, cert=cert, data=text)
        check(not got, f"{what}: {got}")


@tap.test
def what_an_account_has_on_the_other_host_is_ended_there(case):
    server, b = case.site.server, case.site.b
    address = case.site.user("leaver").uri[4:]
    name = address.split("@")[0]
    check(b.json("relay", "credential", name)["uris"], "a short name is one of the only domain")
    text = server.tool("user", "disable", name)
    check(f"edge-av runs on host b ({b.host}): run `dialtone relay revoke {address}` there" in text,
          text)
    check_eq(b.json("relay", "revoke", name), {"ended": 0}, "on the edge's host")
    text = b.tool("relay", "credential", address, ok=False)
    check("are revoked" in text, text)
    text = server.tool("relay", "status", ok=False)
    check(f"edge-av runs on host b ({b.host}): run this there" in text, text)


@tap.test
def who_is_revoked_gets_no_credentials_until_allowed(case):
    b, user = case.site.b, case.site.user("revoked")
    client = case.own(PresenceClient(case.site.server, user)).sign_in()
    b.tool("relay", "revoke", user.uri[4:])
    check_eq(ask(client).code, 403, "revoked")
    b.tool("relay", "allow", user.uri[4:])
    answer = ask(client)
    check_eq(answer.code, 200, "allowed")
    good, text = relays_with(b.ip, answer)
    check(good, text)


@tap.test(alone=True)
def a_killed_edge_host_comes_back_and_status_says_meanwhile_why(case):
    a, machine = lync(case), case.site.machine
    uri = mras_uri(a)
    machine.cut()
    try:
        wait_for(lambda: all(p["state"] == "down" for p in case.site.peers()),
                 lambda: f"an edge that cannot be reached: {case.site.peers()}")
        check(all(p["why"] for p in case.site.peers()), case.site.peers())
        check_eq(ask(a, uri=uri).code, 503, "SERVICE")
    finally:
        machine.mend()
    case.site.wait_connected()
    good, text = relays_with(case.site.b.ip, ask(a, uri=uri))
    check(good, text)


@tap.test(alone=True)
def new_certificates_drop_no_allocation(case):
    """TLS clients of the relay, and the connection of the front end."""
    a, b = lync(case), case.site.b
    answer = ask(a)
    before = case.site.server.p.text().count("event=peer-")
    with socket.create_connection((b.ip, 443)) as s:
        check(s, "a connection that says nothing yet")
        b.take_certificates("--renew")
        b.reload()
        good, text = relays_with(b.ip, answer)
        check(good, text)
    check_eq(ask(a).code, 200, "SERVICE")
    check_eq(case.site.server.p.text().count("event=peer-"), before, "lines of connections")


if __name__ == "__main__":
    tap.main(make)
