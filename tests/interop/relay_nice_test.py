#!/usr/bin/python3
"""Two ICE agents of libnice that have relayed candidates of our edge and no others, in both dialects:
what each sends arrives whole.  What libnice cannot do stands in docs/protocols/turn.md."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop import nice, relay  # noqa: E402
from interop.nice import LYNC, RFC, Nice, talk  # noqa: E402
from lib.netns import SERVER_IP  # noqa: E402
from lib.proc import run  # noqa: E402
from lib.tap import check, check_eq, main, test, wait_for  # noqa: E402


def agent(case, mode, type, **options):
    """To the relay as `type` says, with credentials of a user of its own."""
    nice.need()
    port = relay.UDP_PORT if type == "udp" else relay.TCP_PORT
    return Nice(case, mode, relay.relay(case, port), type=type, **options)


def check_relayed(a, transport):
    """It has relayed candidates of the edge alone, and its pair is between two of them."""
    found = a.candidates()
    check(found and all((c[0], c[2][0]) == ("relay", SERVER_IP) and 50000 <= c[2][1] <= 59999
                        for c in found), f"candidates: {found}")
    for end in a.pair():
        check_eq((end["type"], end["address"]), ("relay", SERVER_IP), "an end of the pair")
        check(end["transport"].startswith(transport), f"{end} is of {transport}")


def both_ways(a, b, transport="udp", **traffic):
    talk(a, b, **traffic)
    for each in (a, b):
        check_relayed(each, transport)
    for each in (a, b):
        each.quit()


@test
def two_agents_of_the_rfc_by_udp(case):
    both_ways(agent(case, RFC, "udp", controlling=True), agent(case, RFC, "udp"))


@test
def two_agents_of_the_rfc_by_tcp(case):
    both_ways(agent(case, RFC, "tcp", controlling=True), agent(case, RFC, "tcp"))


@test
def one_of_the_rfc_by_tcp_and_one_by_udp(case):
    both_ways(agent(case, RFC, "tcp", controlling=True), agent(case, RFC, "udp"))


@test
def a_stream_of_bytes_between_two_of_the_rfc(case):
    """As much as a relayed port lets through at once: libnice's own TCP is slow to mend a loss."""
    both_ways(agent(case, RFC, "udp", controlling=True, reliable=True),
              agent(case, RFC, "tcp", reliable=True), packets=100, size=1000)


@test
def two_agents_of_lync_by_udp(case):
    both_ways(agent(case, LYNC, "udp", controlling=True), agent(case, LYNC, "udp"))


@test
def large_packets_between_two_of_lync(case):
    """More than a head of 1,500 bytes would leave room for, and a gap that stays below the limits."""
    both_ways(agent(case, LYNC, "udp", controlling=True), agent(case, LYNC, "udp"), packets=100,
              size=1300, gap_ms=10)


def by_tcp(case, type="tls", **options):
    """Of Lync, with candidates of ICE-TCP alone; "tls": in the disguise of it."""
    return agent(case, LYNC, type, tcp=True, **options)


@test
def two_agents_of_lync_by_pseudo_tls(case):
    both_ways(by_tcp(case, controlling=True), by_tcp(case), transport="tcp")


@test
def two_agents_of_lync_by_plain_frames(case):
    both_ways(by_tcp(case, "tcp", controlling=True), by_tcp(case, "tcp"), transport="tcp")


@test
def a_file_between_two_of_lync(case):
    """As pidgin-sipe sends one: a stream, more than any buffer on its way holds."""
    both_ways(by_tcp(case, controlling=True, reliable=True),
              by_tcp(case, "tcp", reliable=True), transport="tcp", packets=2000, size=1000)


@test
def a_peer_connects_before_it_is_known(case):
    """One without relay, behind a NAT perhaps, knows our client first and connects but once: the edge
    keeps the connection till our client sends something there."""
    nice.need()
    a = by_tcp(case)
    b = Nice(case, LYNC, None, tcp=True, controlling=True, relay_only=False)
    b.connect(a)
    port = a.candidates()[0][2][1]
    wait_for(lambda: f"{SERVER_IP}:{port}" in run(["ss", "-Htn"], netns=b.host)[1].split(),
             "a connection to the relayed address")
    a.connect(b)
    for each in (a, b):
        each.wait_ready()
    for each in (a, b):
        each.send()
    for each in (a, b):
        each.wait_received()
    check_eq((a.pair()[0]["type"], b.pair()[1]["type"]), ("relay", "relay"), "the relay's end")
    for each in (a, b):
        each.quit()


@test
def wrong_credentials_get_no_candidate(case):
    for mode in (RFC, LYNC):
        nice.need()
        host, port, name, _ = relay.relay(case, relay.UDP_PORT)
        a = Nice(case, mode, (host, port, name, "bm90IHRoZSBwYXNzd29yZA=="), type="udp")
        check_eq(a.candidates(), [], "candidates")


if __name__ == "__main__":
    main(relay.make)
