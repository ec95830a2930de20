#!/usr/bin/python3
"""Poster rows DNS-09, DNS-12 and DNS-13: `dialtone dns` prints the exact zone lines; `--check` says found,
missing or wrong of each record.  dnsmasq serves the zone, inside a network of its own."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from flow.install import Install  # noqa: E402
from lib import netns, ports, proc, tap  # noqa: E402

SETTINGS = ()

FRONTEND = """udp = 192.0.2.7:5060
tcp = 192.0.2.7:5060
tls = 192.0.2.7:5061"""


class Site:
    def __init__(self, _args, folder):
        self.net = netns.Net(folder)

    def stop(self):
        pass


def make(args, folder):
    netns.enter()
    return Site(args, folder)


def installed(case):
    return Install(case.dir, addresses="192.0.2.7, 2001:db8::7", frontend=FRONTEND)


def lines(i):
    return [l for l in i.must("dns").splitlines() if not l.startswith(";")]


def to_dnsmasq(line):
    """The option of dnsmasq that makes it answer with the record of a zone line."""
    name, _ttl, _in, kind, *data = line.split()
    name = name.rstrip(".")
    if kind in ("A", "AAAA"):
        return f"--host-record={name},{data[0]}"
    if kind == "SRV":
        return f"--srv-host={name},{data[3].rstrip('.')},{data[2]},{data[0]},{data[1]}"
    order, preference, flags, service, regexp, replacement = (d.strip('"') for d in data)
    return f"--naptr-record={name},{order},{preference},{flags},{service},{regexp}," \
           f"{replacement.rstrip('.')}"


class Dnsmasq:
    """Serves lines on a loopback address of its own."""

    def __init__(self, case, zone):
        self.ip = ports.loopback()
        hosts = {}
        options = []
        for o in map(to_dnsmasq, zone):
            if o.startswith("--host-record="):
                name, address = o.split("=")[1].split(",")
                hosts.setdefault(name, []).append(address)
            else:
                options.append(o)
        options += [f"--host-record={n},{','.join(a)}" for n, a in hosts.items()]
        self.p = case.own(proc.Proc(
            ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv",
             "--no-hosts", "--port=53", f"--listen-address={self.ip}", "--bind-interfaces",
             "--local=/test/", "--log-facility=-", "--log-queries", "--pid-file", "--user=root",
             *options], os.path.join(case.dir, f"dnsmasq-{self.ip}.log")))
        self.p.wait_text("started, version")


def checked(case, i, zone):
    """(exit status, findings) of a check against a server of these lines."""
    d = Dnsmasq(case, zone)
    status, found = i.json("dns", "--check", "--server", d.ip)
    return status, found


@tap.test
def the_lines_name_every_service_of_a_front_end(case):
    i = installed(case)
    tap.check_eq(lines(i), [
        "_sipinternaltls._tcp.example.test. 3600 IN SRV 0 0 5061 pool.example.test.",
        "_sips._tcp.example.test. 3600 IN SRV 0 0 5061 pool.example.test.",
        "_sip._tcp.example.test. 3600 IN SRV 0 0 5060 pool.example.test.",
        "_sip._udp.example.test. 3600 IN SRV 0 0 5060 pool.example.test.",
        'example.test. 3600 IN NAPTR 10 50 "s" "SIPS+D2T" "" _sips._tcp.example.test.',
        'example.test. 3600 IN NAPTR 20 50 "s" "SIP+D2T" "" _sip._tcp.example.test.',
        'example.test. 3600 IN NAPTR 30 50 "s" "SIP+D2U" "" _sip._udp.example.test.',
        "sip.example.test. 3600 IN A 192.0.2.7",
        "sip.example.test. 3600 IN AAAA 2001:db8::7",
        "sipinternal.example.test. 3600 IN A 192.0.2.7",
        "sipinternal.example.test. 3600 IN AAAA 2001:db8::7",
        "pool.example.test. 3600 IN A 192.0.2.7",
        "pool.example.test. 3600 IN AAAA 2001:db8::7",
    ], "lines")


@tap.test
def a_server_that_has_the_lines_has_them_all(case):
    i = installed(case)
    status, found = checked(case, i, lines(i))
    tap.check_eq([f["level"] for f in found], ["ok"] * len(lines(i)), f"{found}")
    tap.check_eq(status, 0, "status")


@tap.test
def an_empty_zone_lacks_every_line_and_each_is_printed(case):
    i = installed(case)
    status, found = checked(case, i, [])
    tap.check_eq(status, 1, "status")
    tap.check(all("missing" in f["what"] for f in found), f"{found}")
    tap.check_eq([f["remedy"] for f in found], ["Add to the zone: " + l for l in lines(i)],
                 "remedies")


@tap.test
def each_kind_of_record_is_missed_alone(case):
    i = installed(case)
    for gone in ("_sipinternaltls._tcp.example.test. 3600 IN SRV 0 0 5061 pool.example.test.",
                 'example.test. 3600 IN NAPTR 30 50 "s" "SIP+D2U" "" _sip._udp.example.test.',
                 "sipinternal.example.test. 3600 IN AAAA 2001:db8::7"):
        left = [l for l in lines(i) if l != gone]
        status, found = checked(case, i, left)
        bad = [f for f in found if f["level"] != "ok"]
        tap.check_eq([f["remedy"] for f in bad], ["Add to the zone: " + gone], "remedies")
        tap.check_eq(status, 1, "status")


@tap.test
def records_that_point_elsewhere_are_wrong(case):
    i = installed(case)
    swaps = {"_sips._tcp.example.test. 3600 IN SRV 0 0 5061 pool.example.test.":
             "_sips._tcp.example.test. 3600 IN SRV 0 0 443 old.example.test.",
             "sip.example.test. 3600 IN A 192.0.2.7": "sip.example.test. 3600 IN A 192.0.2.99"}
    status, found = checked(case, i, [swaps.get(l, l) for l in lines(i)])
    bad = [f for f in found if f["level"] != "ok"]
    tap.check_eq([f["remedy"] for f in bad], ["Add to the zone: " + l for l in swaps], "remedies")
    tap.check("wrong: the DNS has 0 0 443 old.example.test." in bad[0]["what"], f"{bad}")
    tap.check("wrong: the DNS has 192.0.2.99" in bad[1]["what"], f"{bad}")
    tap.check_eq(status, 1, "status")


EDGE = FRONTEND + """

[role edge-av]
name = av.example.test
internal-name = relay.example.test
"""


@tap.test
def the_relays_names_are_checked_with_the_others(case):
    """Its ports are the usual ones, on each address of the host."""
    i = Install(case.dir, addresses="192.0.2.7, fd00::7", frontend=EDGE)
    av = "av.example.test. 3600 IN A 192.0.2.7"
    tap.check_eq(lines(i)[-2:], [av, "relay.example.test. 3600 IN AAAA fd00::7"], "lines")
    status, found = checked(case, i, lines(i))
    tap.check_eq((status, [f["level"] for f in found]), (0, ["ok"] * len(lines(i))), f"{found}")
    wrong = av.replace("192.0.2.7", "192.0.2.99")
    for zone, what in ((lines(i)[:-2] + lines(i)[-1:], "missing (for the relay, for clients on the Internet"),
                       ([wrong if l == av else l for l in lines(i)], "wrong: the DNS has 192.0.2.99")):
        status, found = checked(case, i, zone)
        bad = [f for f in found if f["level"] != "ok"]
        tap.check_eq((status, [f["remedy"] for f in bad]), (1, ["Add to the zone: " + av]), what)
        tap.check(what in bad[0]["what"], f"{bad}")


@tap.test
def a_dead_server_is_an_error_and_no_missing_record(case):
    i = installed(case)
    status, text = i.tool("dns", "--check", "--server", "127.255.255.1")
    tap.check(status == 1 and "no answer" in text and "missing" not in text, text)
    tap.check_eq((text.count("no answer"), text.count("Check the name server")), (1, 1), text)


@tap.test
def a_server_that_is_no_address_is_refused(case):
    i = installed(case)
    status, text = i.tool("dns", "--check", "--server", "ns.example.test")
    tap.check(status == 1 and "must be an address" in text, text)


if __name__ == "__main__":
    tap.main(make)
