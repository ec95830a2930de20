#!/usr/bin/python3
"""EV-01, below the requests: IPv6 on the three transports, keep-alives of RFC 5626 in both
directions, versions of TLS."""
import os
import socket
import ssl
import struct
import sys
import warnings

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import netns, site, tap  # noqa: E402
from lib.server import Server  # noqa: E402
from lib.siptext import Dialog, Phone, branch  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402

TEXT = [("Content-Type", "text/plain")]
STUN_COOKIE = 0x2112A442


def phone(case, user, transport="udp", **kw):
    return case.own(Phone(case.site.server, user, transport, **kw))


def pair(case, one, other):
    return [phone(case, case.site.user(n), t).sign_in()
            for n, t in (("alice", one), ("bob", other))]


def _talks(one, other):
    def run(case):
        a, b = pair(case, one, other)
        check(":" in a.ip and ":" in b.ip, "the test does not use IPv6")
        m = a.send(a.make("MESSAGE", b.user.uri, body="over IPv6", headers=TEXT))
        if one == "udp":
            m = a.send(a.again(m, a.expect_answer(m)))
        got = b.expect_request("MESSAGE")
        b.answer(got, 200)
        check_eq(a.expect_answer(m).code, 200, "MESSAGE")
        check("[::1]" in got.get("Via"), f"our Via: {got.get('Via')}")
        inv = a.send(a.invite(b.user.uri))
        if one == "udp":
            challenge = a.expect_answer(inv)
            a.ack(inv, challenge)
            inv = a.send(a.again(inv, challenge))
        got = b.expect_request("INVITE")
        ok = b.answer(got, 200, tag="bt")
        dialog = a.confirm(inv, a.expect_answer(inv))
        b.expect_request("ACK")
        bye = b.send(b.make("BYE", None, dialog=Dialog.of_callee(got, ok)))
        a.answer(a.expect_request("BYE"), 200)
        check_eq(b.expect_answer(bye).code, 200, "BYE")
        check("[::1]" in "".join(dialog.route), f"Record-Route: {dialog.route}")
    run.__name__ = f"over_ipv6_a_call_and_a_message_pass_from_{one}_to_{other}"
    tap.test(run)


for _one, _other in (("udp", "tcp"), ("tcp", "tls"), ("tls", "udp")):
    _talks(_one, _other)


@tap.test
def an_endpoint_over_ipv6_is_listed_with_its_address(case):
    p = phone(case, case.site.user("alice"), "udp").sign_in()
    row = case.site.server.endpoints(p.user)[0]
    check_eq(row["via"], f"udp [{p.ip}]:{p.port}", "where it is")


# Keep-alives.

def _bind_request(attributes=b""):
    ident = os.urandom(12)
    return ident, struct.pack(">HHI", 1, len(attributes), STUN_COOKIE) + ident + attributes


def _mapped(raw, ident):
    """(host, port) of XOR-MAPPED-ADDRESS in a Binding success response."""
    kind, size, cookie = struct.unpack(">HHI", raw[:8])
    check_eq((kind, size, cookie, raw[8:20]), (0x0101, len(raw) - 20, STUN_COOKIE, ident),
             "the head of the answer")
    pos = 20
    while pos < len(raw):
        what, n = struct.unpack(">HH", raw[pos:pos + 4])
        value = raw[pos + 4:pos + 4 + n]
        if what == 0x0020:
            family, port = value[1], struct.unpack(">H", value[2:4])[0] ^ STUN_COOKIE >> 16
            key = struct.pack(">I", STUN_COOKIE) + ident
            host = bytes(a ^ b for a, b in zip(value[4:], key))
            return socket.inet_ntop(socket.AF_INET if family == 1 else socket.AF_INET6, host), port
        pos += 4 + n + (-n & 3)
    raise AssertionError("no XOR-MAPPED-ADDRESS")


def _udp(case, family, host):
    s = case.undo.enter_context(socket.socket(family, socket.SOCK_DGRAM))
    s.connect((host, case.site.server.port("udp")))
    s.settimeout(tap.WAIT_S)
    return s


@tap.test
def a_stun_binding_request_on_the_sip_port_is_answered(case):
    for family, host in ((socket.AF_INET6, "::1"), (socket.AF_INET, netns.SERVER_IP)):
        s = _udp(case, family, host)
        ident, raw = _bind_request()
        s.send(raw)
        check_eq(_mapped(s.recv(2048), ident), s.getsockname()[:2], host)


@tap.test
def a_broken_stun_request_is_left_alone_and_the_next_one_answered(case):
    s = _udp(case, socket.AF_INET, netns.SERVER_IP)
    _, good = _bind_request()
    for raw in (good[:19], good[:4] + b"\0\0\0\0" + good[8:], b"\0\1\xff\xff" + good[4:],
                b"\0", _bind_request(struct.pack(">HHI", 0x0003, 4, 0))[1]):
        s.send(raw)
    ident, raw = _bind_request()
    s.send(raw)
    check_eq(_mapped(s.recv(2048), ident), s.getsockname()[:2], "the first answer")


@tap.test
def a_udp_phone_behind_nat_is_pinged_and_another_is_not(case):
    open_one = phone(case, case.site.user("open"), "udp").sign_in()
    p = phone(case, case.site.user("natted"), "udp")
    p.via = lambda: f"SIP/2.0/UDP 192.168.1.2:5060;rport;branch={branch()}"
    p.sign_in()
    wait_for(lambda: p.pings > 0, "a ping")
    check_eq(open_one.pings, 0, "pings to a phone that is not behind NAT")


@tap.test
def a_message_reaches_a_udp_phone_behind_nat_where_it_really_is(case):
    a = phone(case, case.site.user("alice"), "tcp").sign_in()
    p = phone(case, case.site.user("natted"), "udp")
    p.via = lambda: f"SIP/2.0/UDP 192.168.1.2:5060;rport;branch={branch()}"
    check_eq(p.register(contact=f"<sip:{p.user.name}@192.168.1.2:5060>").code, 200, "REGISTER")
    m = a.send(a.make("MESSAGE", p.user.uri, body="x", headers=TEXT))
    got = p.expect_request("MESSAGE")
    check("192.168.1.2" in got.uri, got.uri)
    p.answer(got, 200)
    check_eq(a.expect_answer(m).code, 200, "the answer")


# TLS.

def _handshake(case, version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(case.site.server.ca)
    with warnings.catch_warnings(action="ignore"):  # that the old ones are old
        context.minimum_version = context.maximum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")
    server = case.site.server
    with socket.create_connection((server.ip, server.port("tls")), tap.WAIT_S) as s:
        with context.wrap_socket(s, server_hostname=server.domain) as t:
            return t.version()


@tap.test
def tls_1_2_and_1_3_are_spoken_and_1_1_is_refused_by_the_server(case):
    check_eq(_handshake(case, ssl.TLSVersion.TLSv1_2), "TLSv1.2", "1.2")
    check_eq(_handshake(case, ssl.TLSVersion.TLSv1_3), "TLSv1.3", "1.3")
    for old in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        try:
            _handshake(case, old)
        except ssl.SSLError as e:
            # An alert that came from there, not our own refusal to try.
            check("ALERT_PROTOCOL_VERSION" in e.reason, e.reason)
        else:
            raise AssertionError(f"{old.name} was accepted")


def make(args, folder):
    netns.enter()
    if not netns.inside() or not os.path.exists("/proc/net/if_inet6"):
        raise tap.Skip("needs network namespaces and IPv6")

    def make_server(folder, ip, settings="", **kw):
        settings = f"nat-keepalive = 10 s\n{settings}"
        s = Server(folder, ip="::1", also=ip, settings=settings, **kw)
        return s
    return site.Site(args, folder, make_server=make_server)


if __name__ == "__main__":
    tap.main(make)
