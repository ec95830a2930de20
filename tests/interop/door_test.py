#!/usr/bin/python3
"""One port 443, in front of which programs stand that we did not write: browsers and clients of relays, at the same
address and, where they ask for one, at the same name.

| client                | what                                                                        |
|-----------------------|-----------------------------------------------------------------------------|
| Chromium              | signs in and chats (HTTP/2, WebSocket); its calls go by the relay, TCP, TLS |
| curl                  | HTTP/1.1 and HTTP/2                                                         |
| turnutils_uclient     | TURN over TCP and over TLS, without a name                                  |
| libnice               | TURN over TCP; Lync's dialect with and without pseudo-TLS                   |
| pidgin-sipe           | signs in and chats, known by the name of the domain that it asks for        |
"""
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop import nice, relay, webpage  # noqa: E402
from interop.chromium import CALLED, CALLER, wait_heard  # noqa: E402
from interop.nice import LYNC, RFC, Nice  # noqa: E402
from interop.sipe import Sipe  # noqa: E402
from interop.webpage import WebPage, find, say, sign_in, wait_reachable  # noqa: E402
from lib import metrics, proc, site, tap  # noqa: E402
from lib.netns import SERVER_IP  # noqa: E402
from lib.server import Server  # noqa: E402
from lib.tap import WAIT_S, Skip, check, check_eq, wait_for  # noqa: E402
from lib.web import Site  # noqa: E402

PORT, METRICS_PORT = 443, 9386
TOTALS = re.compile(r"tot_send_msgs=(\d+), tot_recv_msgs=(\d+)")
UCLIENT_S = 120  # it ends by itself


def _server(folder, web, **fields):
    """The web role and the front ends at the port that the relay has too."""
    s = Server(folder, web=f"{web}https = {SERVER_IP}:{PORT}\n", **fields)
    with open(os.path.join(s.dir, "topology.conf"), encoding="utf-8") as f:
        text = f.read()
    s._write("topology.conf", text.replace("\ntls = ", f"\ntls = {SERVER_IP}:{PORT}, "))
    return s


def make(args, folder):
    site.netns.enter()
    return webpage.Browsers(args, folder, make_server=_server,
                            edge=f"processes = {args.frontends}\nmetrics-port = 0\nopen-peers = 10.0.0.0/8\n",
                            door=f"metrics-port = {METRICS_PORT}\n")


def passed(role):
    return metrics.scrape(METRICS_PORT).get("dialtone_door_passed_total", role=role)


# --- Chromium


def person(case, name, look=None, way=None):
    p = case.own(WebPage(case.site.browser, Site(case.site.server, port=PORT).origin, look, way))
    p.user = case.site.user(name)
    sign_in(p, p.user)
    wait_reachable(p)
    return p


@tap.test
def chromium_signs_in_and_chats(case):
    before = passed("web")
    a, b = person(case, "alice"), person(case, "bob")
    check(passed("web") > before, "they came by the door")
    find(a, b.user)
    say(a, "by the one port")
    b.wait("by the one port")


def calls_by(case, way):
    """By the relay alone: the browser says the server's name as it does for the pages, and no protocol."""
    before = passed("edge-av")
    a, b = person(case, "alice", CALLER, way), person(case, "bob", CALLED, way)
    find(a, b.user)
    a.press("Call ")
    b.wait("is calling")
    b.press("Answer")
    for p in (a, b):
        wait_for(lambda p=p: p.run("document.querySelector('.call')?.dataset.phase") == "up",
                 lambda p=p: f"a call that is up: {p.text()}")
    for end, other in ((a, CALLED), (b, CALLER)):
        wait_heard(end, other)
        pair = end.run("selectedPair()")
        check_eq((pair["own"], pair["by"]), ("relay", way), "how it goes")
    check(passed("edge-av") >= before + 2, "both came by the door")
    a.press("Hang up")
    b.wait_gone("Hang up")


@tap.test
def calls_of_chromium_go_by_the_relay_over_tcp(case):
    calls_by(case, "tcp")


@tap.test
def calls_of_chromium_go_by_the_relay_over_tls(case):
    calls_by(case, "tls")


# --- curl


@tap.test
def curl_gets_the_page(case):
    if not shutil.which("curl"):
        raise Skip("needs curl")
    name = case.site.server.host
    for way, version in (("--http1.1", "1.1"), ("--http2", "2")):
        got = proc.must(["curl", "-sS", way, "--max-time", str(WAIT_S), "--cacert", case.site.server.ca,
                         "--resolve", f"{name}:{PORT}:{SERVER_IP}", "-o", os.devnull,
                         "-w", "%{http_code} %{http_version}", f"https://{name}/"])
        check_eq(got.strip(), f"200 {version}", way)


# --- clients of relays


def uclient(case, *flags):
    """Two clients that send to each other's relayed addresses; all of it comes."""
    if not shutil.which("turnutils_uclient"):
        raise Skip("turnutils_uclient is not installed (package coturn)")
    name, password = relay.credential(case)
    argv = ["turnutils_uclient", *flags, "-y", "-m", "1", "-n", "6", "-z", "500", "-c", "-l", "170", "-u", name,
            "-w", password, "-p", str(PORT), SERVER_IP]
    status, text = proc.run(argv, netns=case.own(case.site.net.host()), timeout=UCLIENT_S)
    check_eq(status, 0, f"the status of {argv}: {text[-1500:]}")
    totals = TOTALS.findall(text)
    check(totals and int(totals[-1][0]) > 0 and totals[-1][0] == totals[-1][1], f"sent and received: {text[-1500:]}")


@tap.test
def turnutils_uclient_is_relayed_over_tcp(case):
    uclient(case, "-t")


@tap.test
def turnutils_uclient_is_relayed_over_tls(case):
    uclient(case, "-t", "-S")


def agents(case, mode, type, transport, **options):
    nice.need()
    ends = [Nice(case, mode, relay.relay(case, PORT), type=type, controlling=first, **options)
            for first in (True, False)]
    nice.talk(*ends)
    for a in ends:
        check_eq({end["type"] for end in a.pair()}, {"relay"}, f"the pair, by {transport}")
        a.quit()


@tap.test
def agents_of_libnice_are_relayed_over_tcp(case):
    agents(case, RFC, "tcp", "udp")


@tap.test
def agents_of_lync_are_relayed_by_pseudo_tls(case):
    agents(case, LYNC, "tls", "tcp", tcp=True)


@tap.test
def agents_of_lync_are_relayed_by_plain_frames(case):
    agents(case, LYNC, "tcp", "tcp", tcp=True)


# --- Lync clients


@tap.test
def sipe_signs_in_by_the_name_of_the_domain(case):
    before = passed("frontend")
    one_port = {"server": f"{case.site.server.domain}:{PORT}"}
    a, b = (Sipe(case, user, **one_port) for user in case.site.users("alice", "bob"))
    for client in (a, b):
        client.wait_registered()
    check(passed("frontend") >= before + 2, "both came by the door")
    mark = b.mark()
    a.send(b.user.uri, "by the one port, too")
    b.wait_event("im", mark, text=re.compile("by the one port, too"))


if __name__ == "__main__":
    tap.main(make)
