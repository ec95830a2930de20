#!/usr/bin/python3
"""coturn's clients against our edge: what they send comes back, and nothing is lost.

turnutils_uclient is sender, receiver and judge in one: its clients send to an echo server
(turnutils_peer, on a machine of its own), or to each other's relayed addresses.

| row                          | to the edge   | between client and peer               | flags     |
|------------------------------|---------------|---------------------------------------|-----------|
| echo server                  | UDP, TCP, TLS | channels, pairs of RTP and RTCP       | -t -S     |
| the same                     | UDP, TCP, TLS | Send and Data                         | -s        |
| relayed to relayed           | UDP, TCP      | channels; Send and Data; without RTCP | -s -c     |
| padded ChannelData           | UDP, TCP      | channels                              | -D        |
| requests that repeat         | UDP, TCP      | channels                              | -G        |
| no CreatePermission          | UDP           | channels                              | -I        |
| IPv4 asked for               | UDP           | channels, Send                        | -X        |
| IPv6 relayed                 | UDP, TCP, TLS | channels, Send; echo and relayed      | -x        |
| client over IPv6             | UDP, TCP, TLS | channels                              |           |
| RFC 6062, client connects    | TCP, TLS      | TCP, relayed to relayed               | -T        |
| RFC 6062, peer connects      | TCP           | TCP                                   | -P        |
| don't fragment               | UDP, TCP      | channels; Send and Data               | -g        |
| clients that vanish          | TCP, TLS      | channels                              | -B        |

Not here: -R never ends, whatever the server; -N tries channel numbers at random; -O does not count; -M
(mobility), -J (OAuth), -b (SCTP) and -S without -t (DTLS) are nothing that we have; -Z asks for both
families with the number of a draft, 0x8032.  turnutils_stunclient -f waits without end for answers of
RFC 5780, which takes a server with two addresses.

By TLS turnutils_uclient takes what one SSL_read() gives for one message, so those that come together
are lost to it (coturn's own server loses a third of -y -t -S).  There it sends one at a time, so far
apart that they do not come together on a machine that is busy either.
"""
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop import relay  # noqa: E402
from lib.netns import SERVER_IP  # noqa: E402
from lib.proc import Proc, run  # noqa: E402
from lib.tap import Skip, check, check_eq, main, test, wait_for  # noqa: E402

CLIENT, STUN, PEER = "turnutils_uclient", "turnutils_stunclient", "turnutils_peer"
SIZE = 170
MANY = ["-m", "3", "-n", "20", "-z", "5"]
ONE_AT_A_TIME = ["-m", "1", "-n", "6", "-z", "1500", "-c"]
TOTALS = re.compile(r"tot_send_msgs=(\d+), tot_recv_msgs=(\d+)")
PEER_PORT = "3480"
LIMIT_S = 120  # it ends by itself


def need(program):
    if not shutil.which(program):
        raise Skip(f"{program} is not installed (package coturn)")


def echo_server(case, ip6=False):
    """The address of a turnutils_peer on a machine of its own."""
    need(PEER)
    host = relay.machine(case)
    address = host.ip6 if ip6 else host.ip
    case.own(Proc([PEER, "-L", address, "-p", PEER_PORT], os.path.join(case.dir, "peer.log"),
                  netns=host))
    wait_for(lambda: f":{PEER_PORT} " in run(["ss", "-Hlnu"], netns=host)[1], "the echo server")
    return address


def client(case, *flags, peer=None, server=SERVER_IP, size=SIZE, user=None):
    """Runs turnutils_uclient on a machine of its own; returns what it printed.  By TCP and TLS it
    goes to port 443.  peer: of an echo server; None: its clients send to each other."""
    need(CLIENT)
    port = relay.TCP_PORT if {"-t", "-T", "-P"} & set(flags) else relay.UDP_PORT
    name, password = relay.credential(case, user)
    host = relay.machine(case)
    argv = [CLIENT, *flags, *(["-e", peer] if peer else ["-y"]),
            *(ONE_AT_A_TIME if "-S" in flags else MANY), "-u", name, "-w", password,
            "-p", str(port), "-l", str(size), *(["-L", host.ip] if "-P" in flags else []), server]
    status, text = run(argv, netns=host, timeout=LIMIT_S)
    with open(os.path.join(case.dir, "client.log"), "a", encoding="utf-8") as f:
        f.write(f"{argv}\n{text}\nstatus {status}\n")
    check_eq(status, 0, f"the status of {argv}: {text[-1500:]}")
    return text


def all_came_back(text, share=1):
    """share: how much of what is sent it counts when it comes."""
    totals = [(int(sent), int(received)) for sent, received in TOTALS.findall(text)]
    check(totals and totals[-1][0] > 0, f"nothing was sent: {text[-1500:]}")
    check_eq(totals[-1][1], totals[-1][0] * share, f"messages received: {text[-1500:]}")


def echoes(case, *flags, ip6=False, **options):
    all_came_back(client(case, *flags, peer=echo_server(case, ip6), **options))


def relayed_to_relayed(case, *flags, **options):
    all_came_back(client(case, *flags, **options))


@test
def channels_to_an_echo_server(case):
    for way in ([], ["-t"], ["-t", "-S"]):
        echoes(case, *way)


@test
def send_and_data_to_an_echo_server(case):
    for way in ([], ["-t"], ["-t", "-S"]):
        echoes(case, *way, "-s")


@test
def large_packets(case):
    for way in ([], ["-s"], ["-t"], ["-t", "-s"]):
        echoes(case, *way, size=1300)


@test
def relayed_addresses_reach_each_other(case):
    for way in ([], ["-s"], ["-c"], ["-t"], ["-t", "-s"], ["-t", "-c"]):
        relayed_to_relayed(case, *way)


@test
def padded_channel_data(case):
    for way in ([], ["-t"]):
        echoes(case, *way, "-D", size=SIZE + 1)


@test
def requests_that_repeat(case):
    for way in ([], ["-t"]):
        echoes(case, *way, "-G")


@test
def a_channel_is_a_permission(case):
    echoes(case, "-I")


@test
def ipv4_asked_for(case):
    for way in ([], ["-s"]):
        echoes(case, *way, "-X")


@test
def an_ipv6_relayed_address_for_a_client_of_ipv4(case):
    for way in ([], ["-s"], ["-t"], ["-t", "-S"]):
        echoes(case, *way, "-x", ip6=True)


@test
def ipv6_relayed_addresses_reach_each_other(case):
    for way in ([], ["-s"], ["-t"]):
        relayed_to_relayed(case, *way, "-x")


@test
def a_client_of_ipv6(case):
    for way in ([], ["-t"], ["-t", "-S"]):
        echoes(case, *way, server=relay.SERVER_IP6)
        echoes(case, *way, "-x", server=relay.SERVER_IP6, ip6=True)


@test
def connections_to_relayed_addresses(case):
    for way in ([], ["-S"], ["-x"]):
        relayed_to_relayed(case, "-T", *way)


@test
def connections_of_peers(case):
    """Its own peer sends as much as it gets, and does not count that."""
    all_came_back(client(case, "-P"), share=0.5)


@test
def packets_that_must_not_be_fragmented(case):
    for way in ([], ["-s"], ["-t"], ["-t", "-s"]):
        echoes(case, *way, "-g")


@test
def clients_that_vanish_leave_nothing(case):
    for way in (["-t"], ["-t", "-S"]):
        user = case.site.user("v")
        client(case, *way, "-B", peer=echo_server(case), user=user)
        wait_for(lambda: case.site.server.json("allocation", "list", user.name) == [],
                 "the end of the last allocation")


@test
def a_binding_request_of_turnutils_stunclient(case):
    need(STUN)
    host = relay.machine(case)
    for server, own in ((SERVER_IP, host.ip), (relay.SERVER_IP6, host.ip6)):
        status, text = run([STUN, server], netns=host)
        check_eq(status, 0, f"the status of {STUN}: {text}")
        check(re.search(rf"reflexive addr: \[?{own}\b", text), f"not {own}: {text}")


if __name__ == "__main__":
    main(relay.make)
