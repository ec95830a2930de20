"""The A/V edge as clients that others wrote see it, and what bars their other ways."""
import ipaddress

from lib import netns
from lib.proc import must
from lib.server import Server
from lib.site import Site

UDP_PORT, TCP_PORT = 3478, 443
SERVER_IP6 = "fd77::1"
RELAY_PORTS = "50000:59999"
BRIDGE_PORTS = "40000:49999"


def _server(folder, **fields):
    """With an IPv6 address too, on the private network that is there already."""
    must(["ip", "addr", "add", SERVER_IP6 + "/128", "dev", "srv0", "nodad"])
    must(["sysctl", "-qw", "net.ipv6.conf.all.forwarding=1"])
    return Server(folder, also=SERVER_IP6, **fields)


def make(args, folder):
    """For tap.main(): the site with the role edge-av in as many processes as there are front ends,
    whose clients may reach each other's machines through it."""
    netns.enter()
    return Site(args, folder, make_server=_server,
                edge=f"processes = {args.frontends}\nmetrics-port = 0\n"
                     "open-peers = 10.77.0.0/16, fd77::/64\nocs2007-compatibility = yes")


def machine(case):
    """A client's, with .ip and .ip6."""
    host = case.own(case.site.net.host())
    host.ip6 = f"fd77::{int(ipaddress.ip_address(host.ip)) & 0xffff:x}"
    # Unlike ARP, neighbour discovery answers for the addresses of the link alone.
    must(["ip", "addr", "add", SERVER_IP6 + "/128", "dev", host.cable, "nodad"])
    must(["ip", "route", "add", host.ip6, "dev", host.cable])
    inner = ["ip", "-n", host.name]
    must([*inner, "addr", "add", host.ip6 + "/128", "dev", "eth0", "nodad"])
    must([*inner, "route", "add", SERVER_IP6, "dev", "eth0"])
    must([*inner, "route", "add", "default", "via", SERVER_IP6, "dev", "eth0"])
    return host


def credential(case, user=None):
    """(name, password) of the relay, for this user or a new one."""
    user = user or case.site.user("u")
    made = case.site.server.json("relay", "credential", user.name)
    return made["username"], made["password"]


def relay(case, port=TCP_PORT, user=None):
    """(host, port, name, password), as a client is told of it."""
    return (netns.SERVER_IP, port, *credential(case, user))


def _bar(chain, *rule):
    """On the server, which all packets pass."""
    must(["iptables", "-w", "-A", chain, *rule, "-j", "DROP"])


class Bar:
    """What goes that way does not arrive, until this is lifted."""

    def __init__(self, chain, *rule):
        self.rule = (chain, *rule, "-j", "DROP")
        must(["iptables", "-w", "-A", *self.rule])

    def stop(self):
        if self.rule:
            must(["iptables", "-w", "-D", *self.rule])
        self.rule = None


def part(*clients):
    """Nothing gets from their machines to others', nor from others' to theirs."""
    for client in clients:
        for side in ("-s", "-d"):
            _bar("FORWARD", side, client.host.ip)


def hide(*clients):
    """The same, and no relayed address reaches their machines, as if each were behind a NAT: two of
    them meet by a relay at each end."""
    part(*clients)
    for client in clients:
        for protocol in ("udp", "tcp"):
            _bar("OUTPUT", "-p", protocol, "--sport", RELAY_PORTS, "-d", client.host.ip)


def bar_bridge(*clients):
    """The media bridge's host reaches their machines no more than they reach it, nor does it reach a
    relayed address of theirs: it needs one of its own."""
    ends = [("-s", c.host.ip) for c in clients], [("-d", c.host.ip) for c in clients]
    for of, to in zip(*ends):
        _bar("INPUT", *of, "-p", "udp", "--dport", BRIDGE_PORTS)
        _bar("OUTPUT", *to, "-p", "udp", "--sport", BRIDGE_PORTS)
    for one, other in ((RELAY_PORTS, BRIDGE_PORTS), (BRIDGE_PORTS, RELAY_PORTS)):
        _bar("INPUT", "-i", "lo", "-p", "udp", "--sport", one, "--dport", other)


def bar_udp(*clients):
    """None of their UDP reaches the server, and they are not told."""
    for client in clients:
        _bar("INPUT", "-p", "udp", "-s", client.host.ip)
