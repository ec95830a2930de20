"""A laboratory of networks: an Internet, edges on it, and sites behind routers of every kind.

    the Internet (the test program itself,            ┌── edge
    203.0.113.1 and 2001:db8:77::1) ── bridge ────────┼── router ── edge
                                                      └── router ── site

What there shall be is described by Place and Site; Lab makes it, and stop() ends it.  Every machine
is a network namespace whose name this program alone knows (netns.py), so what a crash leaves ends
with the program.
"""
import dataclasses
import os

from lib import cable, nat, netns
from lib.tap import Skip

INTERNET, INTERNET6 = "203.0.113.1", "2001:db8:77::1"


@dataclasses.dataclass
class Place:
    """Where an edge stands.  natted: behind a one-to-one NAT, with a private address."""
    name: str
    natted: bool = False


@dataclasses.dataclass
class Site:
    """A network with one client machine.  nat: see nat.py.  udp: may it go out; tcp: True, or the
    ports that may.  v4: has it IPv4; IPv6 it always has, and that is routed.  loss: percent of all
    packets; delay_ms: of each; mtu: of its cable."""
    name: str
    nat: str = None
    udp: bool = True
    tcp: object = True
    v4: bool = True
    loss: int = 0
    delay_ms: int = 0
    mtu: int = 1500


def has_ipv6():
    return os.path.exists("/proc/net/if_inet6")


def _prepare():
    """Forwards, and its addresses can be used at once: nobody looks for another with the same."""
    netns.setting("ipv4/ip_forward", "1")
    netns.setting("ipv6/conf/all/forwarding", "1")
    netns.setting("ipv6/conf/default/accept_dad", "0")


def _machine(name):
    made = netns.Machine(name)
    with made.entered():
        _prepare()
    return made


class _Net:
    """The interfaces of machines."""

    @staticmethod
    def address(machine, link, ip, bits):
        nodad = ["nodad"] if ":" in ip else []
        machine.ip_tool("addr", "add", f"{ip}/{bits}", "dev", link, *nodad)

    @staticmethod
    def route(machine, net, via):
        machine.ip_tool("-6" if ":" in via else "-4", "route", "add", net, "via", via)


class Public(_Net):
    """The bridge, and what is plugged into it."""

    def __init__(self):
        _prepare()
        netns.ip_tool("link", "add", "pub", "type", "bridge")
        netns.ip_tool("addr", "add", f"{INTERNET}/24", "dev", "pub")
        netns.ip_tool("link", "set", "pub", "up")
        if has_ipv6():
            netns.ip_tool("addr", "add", f"{INTERNET6}/64", "dev", "pub", "nodad")
        self.n = 0

    def plug(self, machine, link, ip, ip6):
        self.n += 1
        outer = f"pub{self.n}"
        netns.ip_tool("link", "add", outer, "master", "pub", "type", "veth", "peer", "name", link,
                      "netns", machine.name)
        netns.ip_tool("link", "set", outer, "up")
        self.address(machine, link, ip, 24)
        if has_ipv6():
            self.address(machine, link, ip6, 64)
        machine.link("set", link, "up")
        self.route(machine, "default", INTERNET)
        if has_ipv6():
            self.route(machine, "default", INTERNET6)


class EdgePlace(_Net):
    """ip, ip6: its machine's own; external, external6: what the world knows (None: no IPv6)."""

    def __init__(self, place, n, public):
        self.name, self.natted = place.name, place.natted
        self.machine = _machine(place.name)
        self.external = f"203.0.113.{10 + n}"
        self.external6 = f"2001:db8:77::{10 + n}" if has_ipv6() and not place.natted else None
        self.ip, self.ip6 = self.external, self.external6
        self.router = None
        if place.natted:
            self._behind(n, public)
        else:
            public.plug(self.machine, "eth0", self.ip, self.ip6)

    def _behind(self, n, public):
        self.ip, gate = f"10.9.{n}.2", f"10.9.{n}.1"
        self.router = _machine(f"{self.name}-router")
        public.plug(self.router, "wan", self.external, f"2001:db8:77::{10 + n}")
        self.router.link("add", "lan", "type", "veth", "peer", "name", "eth0", "netns",
                         self.machine.name)
        for machine, link, ip in ((self.router, "lan", gate), (self.machine, "eth0", self.ip)):
            self.address(machine, link, ip, 24)
            machine.link("set", link, "up")
        self.route(self.machine, "default", gate)
        nat.install(self.router, nat.rules("one-to-one", inside=self.ip, outside=self.external))

    def stop(self):
        for machine in (self.machine, self.router):
            if machine:
                machine.stop()


class SitePlace(_Net):
    """machine: the client's, with ip and ip6 (None: it has none); outer: the router's address."""

    def __init__(self, site):
        self.name, self.cable, self.lossy = site.name, None, site.loss > 0
        self.outer = self.ip = self.ip6 = None
        self.machine, self.router = _machine(site.name), _machine(f"{site.name}-router")

    def make(self, site, n, public):
        self.outer, outer6 = f"203.0.113.{100 + n}", f"2001:db8:77::1:{n:x}"
        public.plug(self.router, "wan", self.outer, outer6)
        self._connect(site)
        net = f"192.168.{n}" if site.nat else f"198.51.{100 + n}"  # as good as RFC 5737's
        if site.v4:
            self.ip = self._inside(f"{net}.1", f"{net}.2", 24)
        if has_ipv6():
            self.ip6 = self._inside(f"2001:db8:{n:x}::1", f"2001:db8:{n:x}::2", 64)
            netns.ip_tool("-6", "route", "add", f"2001:db8:{n:x}::/64", "via", outer6)
        if site.v4 and not site.nat:
            netns.ip_tool("route", "add", f"{net}.0/24", "via", self.outer)
        nat.install(self.router, nat.rules(site.nat, site.udp, site.tcp, site.loss))

    def _connect(self, site):
        """The inner cable; both its ends up."""
        if site.delay_ms:
            self.cable = cable.SlowCable((self.router, "lan"), (self.machine, "eth0"),
                                         site.delay_ms)
        else:
            self.router.link("add", "lan", "type", "veth", "peer", "name", "eth0", "netns",
                             self.machine.name)
        for machine, link in ((self.router, "lan"), (self.machine, "eth0")):
            machine.link("set", link, "mtu", str(site.mtu), "up")

    def _inside(self, gate, ip, bits):
        self.address(self.router, "lan", gate, bits)
        self.address(self.machine, "eth0", ip, bits)
        self.route(self.machine, "default", gate)
        return ip

    def stop(self):
        if self.cable:
            self.cable.stop()
        self.machine.stop()
        self.router.stop()


class Internet:
    """The test program itself, as a site."""
    name, machine, ip, ip6, lossy = "internet", None, INTERNET, INTERNET6, False

    def stop(self):
        pass


class Lab:
    """edges["name"], and site("name"), which "internet" is one of."""

    def __init__(self, sites, edges=(Place("edge"),)):
        netns.prepare()
        public = Public()
        self.edges, self._sites, self._cannot = {}, {"internet": Internet()}, {}
        try:
            for n, place in enumerate(edges):
                self.edges[place.name] = EdgePlace(place, n, public)
            for n, site in enumerate(sites, 1):
                self._make(site, n, public)
        except BaseException:
            self.stop()
            raise

    def _make(self, site, n, public):
        place = self._sites[site.name] = SitePlace(site)
        try:
            place.make(site, n, public)
        except Skip as e:
            self._cannot[site.name] = e

    def site(self, name):
        """Skips the test if this machine cannot have such a site."""
        if name in self._cannot:
            raise self._cannot[name]
        return self._sites[name]

    def stop(self):
        for part in (*self._sites.values(), *self.edges.values()):
            part.stop()
        netns.ip_tool("link", "del", "pub")
