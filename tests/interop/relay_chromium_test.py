#!/usr/bin/python3
"""Calls between pages of Chromium by relayed candidates of our edge alone, over UDP, TCP and TLS,
each behind a symmetric NAT: both hear the other's tone, see its colours, and have a data channel."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop import chromium  # noqa: E402
from interop.chromium import CALLED, CALLER, Chromium, wait_heard, wait_seen  # noqa: E402
from lib import lab, netns, turn  # noqa: E402
from lib.dns import TTL_S, Dns  # noqa: E402
from lib.edge import TCP_PORT, UDP_PORT, PlacedEdge  # noqa: E402
from lib.tap import check, check_eq, main, test, wait_for  # noqa: E402

SETTINGS = ()

# "office" lets no UDP out.
SITES = [lab.Site("home", nat="symmetric"), lab.Site("office", nat="symmetric", udp=False)]
URLS = {"udp": f"turn:{{}}:{UDP_PORT}?transport=udp", "tcp": f"turn:{{}}:{TCP_PORT}?transport=tcp",
        "tls": f"turns:{{}}:{TCP_PORT}?transport=tcp"}
DNS_IP = "127.0.0.1"
OTHER_NAME = "other.example.test"  # has the edge's address; its certificate does not name it


class Browsers:
    """One at home, where most calls are between two pages of it."""

    def __init__(self, folder):
        chromium.need()
        self.folder, self.home, self.dns = folder, None, []
        self.lab = lab.Lab(SITES)
        self.edge = PlacedEdge(os.path.join(folder, "edge"), self.lab.edges["edge"])
        try:
            self.name = self.edge.server.host
            self._start_dns()
            self.edge.start()
            self.home = self.browser("home")
        except BaseException:
            self.stop()
            raise

    def _start_dns(self):
        """A server on every machine, as sites have their own.  /etc/hosts would not do: Chromium
        asks for the name of a TURN server over UDP with a dot behind it."""
        netns.ask_for_names(self.folder, DNS_IP)
        for site in SITES:
            with self.lab.site(site.name).machine.entered():
                self.dns.append(Dns(DNS_IP, [f"{name} {TTL_S} IN A {self.edge.external}"
                                             for name in (self.name, OTHER_NAME)]))

    def browser(self, site):
        return Chromium(self.folder, self.edge.server.ca, self.lab.site(site).machine)

    def stop(self):
        if self.home:
            self.home.stop()
        for server in self.dns:
            server.stop()
        self.edge.stop()
        self.lab.stop()


def make(_args, folder):
    netns.enter()
    return Browsers(folder)


def page(case, transports, look, browser=None, credential=None, name=None):
    """One that goes to the relay as `transports` say, with the credentials of a new user."""
    site = case.site
    user = site.edge.user()
    username, password = credential or site.edge.credential(user)
    servers = [{"urls": [URLS[t].format(name or site.name) for t in transports],
                "username": username, "credential": password}]
    made = case.own((browser or site.home).page())
    made.user, made.carried = user, 0
    made.call("prepare", servers, look)
    return made


def carry(end, other):
    """The candidates that it found since the last time."""
    found = end.run(f"candidates.slice({end.carried})")
    end.carried += len(found)
    other.call("add", found)


def connect(a, b):
    """They get each other's descriptions, and then their candidates as they come: where UDP goes
    nowhere Chromium looks for 40 s."""
    def connected():
        states[:] = [end.run("[pc.connectionState, errors]") for end in (a, b)]
        carry(a, b)
        carry(b, a)
        return all(state == "connected" for state, _ in states)
    states = []
    a.call("accept", b.call("answer", a.call("offer")))
    wait_for(connected, lambda: f"two that are connected: {states}")


def check_pairs(a, b, a_by, b_by):
    """Each uses a relayed candidate of its own, which it reaches over one of these."""
    def pairs():
        carry(a, b)
        carry(b, a)
        found[:] = [end.call("selectedPair") for end in (a, b)]
        return all(pair and (pair["own"], pair["peer"]) == ("relay", "relay") for pair in found)
    found = []
    wait_for(pairs, lambda: f"pairs of relayed candidates: {found}")
    for pair, by in zip(found, (a_by, b_by)):
        check(pair["by"] in by, f"its relay is reached over one of {by}: {pair}")


def call(case, a, b, a_by, b_by):
    """All that a call is, at both ends."""
    connect(a, b)
    for end, other in ((a, CALLED), (b, CALLER)):
        wait_seen(end, other)
        wait_heard(end, other)
        text = f"is anybody there, at {other['hz']} Hz?"
        check_eq(end.call("echoed", text), text, "what came back on the data channel")
    check_pairs(a, b, a_by, b_by)
    for end in (a, b):
        end.run("pc.close()")
        wait_for(lambda end=end: case.site.edge.server.json("allocation", "list", end.user) == [],
                 "the end of its allocations")


def between(a, b):
    """A test: two pages at home, which go to the relay over these."""
    def run(case):
        call(case, page(case, [a], CALLER), page(case, [b], CALLED), [a], [b])
    run.__name__ = f"a_call_over_{a}" if a == b else f"a_call_over_{a}_and_{b}"
    test(run)


for _ends in (("udp", "udp"), ("tcp", "tcp"), ("tls", "tls"), ("tls", "udp")):
    between(*_ends)


@test
def two_browsers_of_two_sites_of_which_one_has_no_udp(case):
    """They are told of all ways, as a page is that does not know its network."""
    office = case.own(case.site.browser("office"))
    call(case, page(case, URLS, CALLER), page(case, URLS, CALLED, office), URLS, ("tcp", "tls"))


def no_candidates(case, transports, **options):
    """The errors of a page that can have none."""
    end = page(case, transports, CALLER, **options)
    end.call("offer")
    end.call("gathered")
    check_eq(end.run("candidates"), [], "candidates")
    return end.run("errors")


@test
def wrong_credentials_get_no_candidate(case):
    good, other = case.site.edge.credential(), case.site.edge.credential()
    for transport in URLS:
        errors = no_candidates(case, [transport],
                               credential=turn.Credential(good.username, other.password))
        check(any(error[:2] == [401, "Unauthorized."] for error in errors), f"401: {errors}")


@test
def a_certificate_of_another_name_gets_no_candidate(case):
    """So what TLS carries above is known to come from the edge."""
    errors = no_candidates(case, ["tls"], name=OTHER_NAME)
    check(any(error[0] == 701 and "connection" in error[1] for error in errors), f"{errors}")


if __name__ == "__main__":
    main(make)
