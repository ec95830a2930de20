#!/usr/bin/python3
"""`dialtone relay test` goes through the relay by each way, and says what stands in the way of
one that is closed (AV-13, AV-14)."""
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import netns, ports, proc, site, tap  # noqa: E402
from lib.server import Server, program  # noqa: E402
from lib.tap import check, check_eq  # noqa: E402

WAYS = ("udp", "tcp", "tls", "pseudo-tls")
QUIET = "metrics-port = 0"


def make(args, folder):
    netns.enter()
    return site.Site(args, folder, edge="")


def tool(case, *words, near=False, config=None, **kw):
    """(exit status, what was printed).  From a machine of its own, since a relay answers the
    strangers of an address at a limited rate; near: on the server, which has the other relays.
    config: another directory than the server's."""
    argv = [program("dialtone"), "--config", config or case.site.server.dir, *words]
    return proc.run(argv if near else case.site.net.host().wrap(argv), **kw)


def tested(case, *words, **kw):
    """(exit status, {way: finding}) of one relay; "udp6": by UDP, relayed by IPv6."""
    status, text = tool(case, "--json", "relay", "test", *words, **kw)
    try:
        found = json.loads(text)
    except ValueError:
        raise AssertionError(f"status {status}: {text}") from None
    return status, {f["transport"] + {"ipv4": "", "ipv6": "6"}[f["family"]]: f for f in found}


def failed(found, way, what, remedy):
    check_eq(found[way]["level"], "error", f"{way}: {found[way]}")
    check(what in found[way]["what"], f"{way}: {found[way]}")
    check(remedy in found[way]["remedy"], f"{way}: {found[way]}")


@tap.test
def data_pass_by_each_way(case):
    status, found = tested(case)
    check_eq(sorted(found), sorted(WAYS), "ways")
    for way in WAYS:
        check_eq(found[way]["level"], "ok", f"{found[way]}")
        address, port = found[way]["relayed"].split(":")
        check_eq(address, netns.SERVER_IP, "relayed address")
        check(50000 <= int(port) <= 59999, f"{found[way]}")
    check_eq(found["udp"]["address"], netns.SERVER_IP + ":3478", "UDP")
    check_eq(found["tls"]["address"], netns.SERVER_IP + ":443", "TLS")
    check_eq(status, 0, "status")


@tap.test
def people_get_a_line_for_each(case):
    _, text = tool(case, "relay", "test")
    lines = text.splitlines()
    check_eq(len(lines), len(WAYS) + 1, text)
    check(lines[0].startswith(f"ok       udp {netns.SERVER_IP}:3478: works, relayed at "), text)
    check_eq(lines[-1], "All is well.", text)


@tap.test
def it_leaves_nothing_behind(case):
    """Of the tester's: the media bridge keeps relayed addresses ready."""
    address = case.site.user("tester").uri[4:]
    status, text = tool(case, "relay", "test", "--user", address)
    check_eq(status, 0, text)
    tap.wait_for(lambda: case.site.server.json("allocation", "list", address) == [],
                 "no allocations")


@tap.test
def a_user_who_is_none_is_told(case):
    status, text = tool(case, "relay", "test", "--user", "nobody-at-all")
    check(status == 1 and "nobody-at-all" in text, text)


@tap.test
def a_host_can_be_named(case):
    status, found = tested(case, "--to", site.HOST)
    check_eq([found[w]["level"] for w in WAYS], ["ok"] * 4, f"{found}")
    check_eq(status, 0, "status")
    status, text = tool(case, "relay", "test", "--to", "no-such-host.invalid")
    check(status == 1 and "knows no address of no-such-host.invalid." in text, text)


@tap.test
def a_port_is_of_udp_or_of_tcp(case):
    for port in 3478, 443:
        status, found = tested(case, "--to", f"{site.HOST}:{port}")
        check_eq([found[w]["level"] for w in WAYS], ["ok"] * 4, f"{found}")
    status, text = tool(case, "relay", "test", "--to", f"{site.HOST}:4444")
    check(status == 1 and "what port 4444 is for" in text and "--tcp-port" in text, text)
    status, text = tool(case, "relay", "test", "--to", site.HOST, "--udp-port", "70000")
    check(status == 1 and "--udp-port is a number" in text, text)
    status, found = tested(case, "--to", site.HOST, "--udp-port", "4444")
    check_eq([found[w]["level"] for w in WAYS], ["error", "ok", "ok", "ok"], f"{found}")


def brought(case, user="tester"):
    """Credentials of the relay, for a host without anything."""
    return case.site.server.json("relay", "credential", case.site.user(user).uri[4:])


@tap.test
def a_host_without_the_role_goes_there_with_credentials(case):
    got = brought(case)
    away = {"config": os.path.join(case.dir, "none"), "input_text": got["password"] + "\n"}
    given = ("--to", netns.SERVER_IP, "--username", got["username"], "--password-stdin")
    status, found = tested(case, *given, "--ca", case.site.server.ca, **away)
    check_eq([found[w]["level"] for w in WAYS], ["ok"] * 4, f"{found}")
    check_eq(status, 0, "status")
    first = "B" if got["password"][0] == "A" else "A"
    away["input_text"] = first + got["password"][1:] + "\n"
    status, found = tested(case, *given, "--ca", case.site.server.ca, **away)
    for way in WAYS:
        failed(found, way, "401", "`dialtone relay credential USER` there")
    _, text = tool(case, "relay", "test", *given, "--ca", case.site.server.ca, **away)
    check_eq(text.count("mistyped, expired or revoked"), 1, text)
    status, text = tool(case, "relay", "test", *given[2:], **away)
    check(status == 1 and "--to names its host" in text, text)
    status, text = tool(case, "relay", "test", "--to", site.HOST, "--password-stdin")
    check(status == 1 and "goes with --username" in text, text)


@tap.test
def a_relayed_address_of_ipv6_is_tried_where_there_is_one(case):
    ip = ports.loopback()
    other = case.own(Server(case.dir, ip=ip, host="six.test", domain="six.test", frontends=1,
                            settings=QUIET, accounts=QUIET, bridges=0, mcus=0,
                            edge=f"{QUIET}\nrelay-addresses = {ip}, ::1\n"))
    other.start()
    status, found = tested(case, near=True, config=other.dir)
    check_eq(found["udp6"]["level"], "ok", f"{found}")
    check(found["udp6"]["relayed"].startswith("[::1]:"), f"{found}")
    check("relayed by IPv6" in found["udp6"]["about"], f"{found}")
    check_eq(status, 0, f"{found}")
    check("udp6" not in tested(case, "--to", site.HOST)[1], "a relay without is not blamed")


@tap.test
def a_certificate_of_another_name_is_told(case):
    status, found = tested(case, "--to", site.DOMAIN)
    failed(found, "tls", "TLS fails: hostname mismatch", f"must be good for {site.DOMAIN}.")
    check_eq([found[w]["level"] for w in WAYS if w != "tls"], ["ok"] * 3, f"{found}")
    check_eq(status, 1, "status")


@tap.test
def who_does_not_listen_is_told(case):
    status, found = tested(case, "--to", ports.loopback(), near=True)
    failed(found, "udp", "does not answer", "UDP 3478")
    for way in WAYS[1:]:
        failed(found, way, "", "`dialtone role list`")
    check_eq(status, 1, "status")


@contextlib.contextmanager
def dropped(*match):
    """What matches is dropped on its way into a socket of this host."""
    if not shutil.which("iptables"):
        tap.skip("needs iptables")
    rule = ["INPUT", *match, "-j", "DROP"]
    subprocess.run(["iptables", "-w", "-A", *rule], check=True)
    try:
        yield
    finally:
        subprocess.run(["iptables", "-w", "-D", *rule], check=True)


@tap.test(alone=True)
def a_firewall_before_the_relay_is_told(case):
    with dropped("-p", "tcp", "--dport", "443"):
        status, found = tested(case)
    check_eq(found["udp"]["level"], "ok", f"{found}")
    for way in WAYS[1:]:
        failed(found, way, "timed out", "TCP 443 must be let in")
    check_eq(status, 1, "status")


@tap.test(alone=True)
def closed_relayed_ports_are_told(case):
    with (dropped("-p", "udp", "--dport", "50000:59999"),
          dropped("-p", "tcp", "--dport", "50000:59999")):
        status, found = tested(case)
    for way in WAYS:
        failed(found, way, "no data come out at " + netns.SERVER_IP, "UDP and TCP 50000 to 59999")
    check_eq(status, 1, "status")


@tap.test
def a_relay_of_another_key_is_told(case):
    other = case.own(Server(case.dir, ip=ports.loopback(), host="other.test", domain="other.test",
                            frontends=1, settings=QUIET, accounts=QUIET, bridges=0, mcus=0,
                            edge=QUIET))
    other.start()
    status, found = tested(case, "--to", other.ip, near=True)
    for way in ("udp", "tcp", "pseudo-tls"):
        failed(found, way, "401", "edge-av-pool.key")
    failed(found, "tls", "TLS fails: ", f"must be good for {site.HOST}.")
    check_eq(status, 1, "status")


def answer_web(listener):
    """A web server that takes nothing that is no request."""
    with contextlib.suppress(OSError):
        while True:
            conn, _ = listener.accept()
            with conn:
                conn.recv(4096)
                conn.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@tap.test
def another_program_is_told(case):
    with socket.create_server((ports.loopback(), 0)) as listener:
        threading.Thread(target=answer_web, args=(listener,), daemon=True).start()
        ip, port = listener.getsockname()
        _, found = tested(case, "--to", ip, "--tcp-port", str(port), near=True)
        listener.shutdown(socket.SHUT_RDWR)
    failed(found, "tcp", "does not speak TURN", "another program")
    failed(found, "pseudo-tls", "pseudo-TLS", "Another program")
    failed(found, "tls", "", "`dialtone cert check`")


@tap.test(alone=True)
def draining_is_told(case):
    case.site.server.tool("relay", "drain", "on")
    try:
        status, found = tested(case)
    finally:
        case.site.server.tool("relay", "drain", "off")
    for way in WAYS:
        failed(found, way, "486", "The relay is draining: `dialtone relay drain off`")
    check_eq(status, 1, "status")


@tap.test
def a_host_without_the_role_is_told(case):
    other = case.own(Server(case.dir, ip=ports.loopback(), frontends=1, settings=QUIET,
                            accounts=QUIET, bridges=0, mcus=0))
    status, text = proc.run([program("dialtone"), "--config", other.dir, "relay", "test"])
    check(status == 1 and "[role edge-av]" in text, text)
    path = os.path.join(other.dir, "topology.conf")
    with open(path, "a", encoding="utf-8") as f:
        f.write("[host b]\nname = b.example.test\naddresses = 192.0.2.77\n"
                "[role edge-av]\nhost = b\n")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    with open(path, "w", encoding="utf-8") as f:
        for role in "accounts", "frontend":
            text = text.replace(f"[role {role}]", f"[role {role}]\nhost = main")
        f.write(text)
    for words in ("test",), ("status",), ("credential", "alice@example.test"):
        status, text = proc.run([program("dialtone"), "--config", other.dir, "relay", *words])
        check(status == 1 and "edge-av runs on host b (b.example.test)" in text, text)


if __name__ == "__main__":
    tap.main(make)
