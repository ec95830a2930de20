#!/usr/bin/python3
"""`dialtone explain` says where a foreign domain would be found (RFC 3263); nothing is sent there."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.siptext import Phone  # noqa: E402
from lib.tap import check, check_eq  # noqa: E402

ZONE = """other.test. 60 IN NAPTR 10 50 "s" "SIPS+D2T" "" _sips._tcp.other.test.
other.test. 60 IN NAPTR 20 50 "s" "SIP+D2T" "" _sip._tcp.other.test.
_sips._tcp.other.test. 60 IN SRV 10 0 5061 a.other.test.
_sips._tcp.other.test. 60 IN SRV 20 0 15061 b.other.test.
_sip._tcp.other.test. 60 IN SRV 10 0 5060 b.other.test.
a.other.test. 60 IN A 192.0.2.1
b.other.test. 60 IN A 192.0.2.2
plain.test. 60 IN A 192.0.2.3""".splitlines()


def make(args, folder):
    made = site.make(args, folder)
    for line in ZONE:
        made.dns.add(line)
    made.server.add_user("alice")
    return made


def explained(case, to):
    story = case.site.server.json("explain", "alice", to)
    check_eq(story["code"], 403, "what would be answered")
    check("federation" in story["outcome"], story["outcome"])
    return story["steps"]


@tap.test
def the_servers_of_a_domain_are_told_in_their_order(case):
    steps = explained(case, "sip:x@other.test")
    found = [s for s in steps if "would be" in s]
    check_eq(found, ["its server would be TLS 192.0.2.1:5061 (a.other.test)",
                     "next would be TLS 192.0.2.2:15061 (b.other.test)",
                     "next would be TCP 192.0.2.2:5060 (b.other.test)"], "the servers")


@tap.test
def sips_and_a_given_transport_leave_out_the_others(case):
    found = [s for s in explained(case, "sips:x@other.test") if "would be" in s]
    check(len(found) == 2 and all("TLS" in s for s in found), found)
    found = [s for s in explained(case, "sip:x@other.test;transport=tcp") if "would be" in s]
    check_eq(found, ["its server would be TCP 192.0.2.2:5060 (b.other.test)"], "over TCP")


@tap.test
def a_host_and_an_unknown_domain_are_told_too(case):
    found = [s for s in explained(case, "sip:x@plain.test") if "would be" in s]
    check_eq(found, ["its server would be UDP 192.0.2.3:5060 (plain.test)"], "a host")
    check("the DNS has no SIP server of that domain" in explained(case, "sip:x@nowhere.test"),
          "an unknown domain")


@tap.test
def a_request_to_another_domain_is_refused_without_a_question(case):
    a = case.own(Phone(case.site.server, case.site.user("alice"), "tcp")).sign_in()
    asked = len(case.site.dns.asked)
    check_eq(a.message("sip:x@quiet.test", "x").code, 403, "the answer")
    check(not [n for n, _ in case.site.dns.asked[asked:] if "quiet" in n], "it was looked up")


if __name__ == "__main__":
    tap.main(make)
