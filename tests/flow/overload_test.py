#!/usr/bin/python3
"""Overload and the descriptor limit (design section 4): fewer connections are taken, new clients are
turned away, those who are signed in are served."""
import http.client
import os
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import metrics, netns, site, tap  # noqa: E402
from lib.netns import SERVER_IP  # noqa: E402
from lib.server import Server  # noqa: E402
from lib.siptext import Phone  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402
from lib.wssphone import WssPhone  # noqa: E402

HEAVY = True
# A turn that answers what a read of each busy connection brings is longer than this; what a shared
# machine takes away from a process is mostly shorter.
BOUND_MS = 20
DESCRIPTORS = 150
METRICS = 9061
LYNC = [("User-Agent", "UCCAPI/4.0.7577.314 OC/4.0.7577.314 (Microsoft Lync 2010)"),
        ("Supported", "msrtc-event-categories")]


def make(args, folder):
    netns.enter()
    return site.Site(args, folder, settings=f"overload-latency = {BOUND_MS}\n")


class Flood:
    """Connections that ask as fast as they are answered."""

    def __init__(self, case, n=64):
        server = case.site.server
        ask = (f"OPTIONS sip:{server.domain} SIP/2.0\r\nVia: SIP/2.0/TCP 10.77.0.1:9;branch="
               f"z9hG4bKflood\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:{server.domain}>\r\n"
               "Call-ID: flood\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n"
               "Content-Length: 0\r\n\r\n").encode() * 300
        self.socks = [socket.create_connection((server.ip, server.port("tcp")), 60)
                      for _ in range(n)]
        for s in self.socks:
            for work in (lambda s=s: s.sendall(ask), lambda s=s: s.recv(1 << 20) or 1 / 0):
                threading.Thread(target=self._run, args=(work,), daemon=True).start()

    @staticmethod
    def _run(work):
        try:
            while True:
                work()
        except (OSError, ZeroDivisionError):
            pass  # the end of the connection

    def stop(self):
        for s in self.socks:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()


def phone(case, user, transport="tcp", server=None):
    if transport == "wss":
        return case.own(WssPhone(server or case.site.server, user))
    return case.own(Phone(server or case.site.server, user, transport))


def first_answer(case, user, transport, headers=()):
    """To the first REGISTER of a client that is not signed in."""
    p = phone(case, user, transport)
    m = p.make("REGISTER", f"sip:{p.server.domain}", to=user.uri,
               headers=[("Contact", p.contact()), ("Expires", 600), *headers])
    p.send(m)
    return p.expect_answer(m)


@tap.test(alone=True)
def under_load_new_clients_are_turned_away_and_the_signed_in_are_served(case):
    server, (alice, bob, carol, dora) = case.site.server, case.site.users("alice", "bob", "carol", "dora")
    a, b = phone(case, alice, "tls").sign_in(), phone(case, bob, "tcp").sign_in()
    u, w = phone(case, carol, "udp").sign_in(), phone(case, dora, "wss").sign_in()
    check_eq(server.json("status")["load"], "calm", "the load before")
    flood = case.own(Flood(case))
    wait_for(lambda: server.json("status")["load"] == "full", "the server to be full")
    check("full" in [r["load"] for r in server.roles()], "role list does not say who")
    for transport in ("tcp", "udp", "wss"):
        def turned_away():
            answer = first_answer(case, bob, transport)  # noqa: B023
            return answer if answer.code == 503 else None
        answer = wait_for(turned_away, f"a new client over {transport} to be turned away")
        check(10 <= int(answer.get("Retry-After")) < 30, answer.get("Retry-After"))

    def lync_code():
        return first_answer(case, bob, "tcp", LYNC).code
    wait_for(lambda: lync_code() == 504, "a new Lync client to be turned away by 504")
    got = a.send(a.make("MESSAGE", bob.uri, body="x", headers=[("Content-Type", "text/plain")]))
    b.answer(b.expect_request("MESSAGE"), 200)
    check_eq(a.expect_answer(got).code, 200, "a message of the signed-in")
    check_eq(a.register().code, 200, "a refresh over TLS")
    check_eq(w.register().code, 200, "a refresh over WebSocket")
    m = u.make("REGISTER", f"sip:{server.domain}", to=carol.uri,
               headers=[("Contact", u.contact()), ("Expires", 600)])
    again = u.send(u.again(m, challenge(u)))
    check(u.expect_answer(again).code in (200, 401), "a refresh over UDP was turned away")
    slots = range(case.site.frontends)
    check(any(metrics.scrape(METRICS + s).get("dialtone_load") == 2 for s in slots), "the metric")
    turned = sum(metrics.scrape(METRICS + s).get("dialtone_turned_away_total") for s in slots)
    check(turned >= 2, f"turned away: {turned}")
    flood.stop()
    wait_for(lambda: server.json("status")["load"] == "calm", "the server to be calm again")
    check_eq(first_answer(case, bob, "tcp").code, 401, "a new client afterwards")
    log = server.p.text()
    check("event=overload-entered state=full before=busy" in log, "no line at the entry")
    check("event=overload-left state=calm before=busy" in log, "no line at the exit")


def challenge(u):
    """The last challenge of a phone as the answer that brought it."""
    return next(m for m in reversed(u.all) if m.code == 401)


def limited(case):
    folder = os.path.join(os.path.dirname(case.dir), "l")  # short: control sockets lie in it
    os.makedirs(folder)
    server = case.own(Server(
        folder, ip=SERVER_IP, frontends=case.site.frontends, sip_port=6060,
        tls_port=6061, settings=f"metrics-port = {METRICS + 100}\nwss = none\n",
        wrap=["prlimit", f"--nofile={DESCRIPTORS}:{DESCRIPTORS}"]))
    server.start()
    return server


@tap.test(alone=True)
def at_the_descriptor_limit_connections_are_refused_and_the_signed_in_are_served(case):
    server = limited(case)
    alice, bob = (server.add_user(n) for n in ("alice", "bob"))
    a = phone(case, alice, "tls", server).sign_in()
    b = phone(case, bob, "tcp", server).sign_in()
    held = []
    for _ in range(DESCRIPTORS * (case.site.frontends + 1)):
        held.append(socket.create_connection((server.ip, server.port("tcp")), 60))
        held[-1].settimeout(0)
    slots = range(case.site.frontends)

    def figures(name, **labels):
        return [metrics.scrape(METRICS + 100 + s).get(name, **labels) for s in slots]
    wait_for(lambda: sum(map(has_ended, held)) >= DESCRIPTORS, "connections to be refused")
    check_eq(a.message(bob.uri, "x").code if answers(b) else 0, 200, "a message")
    for s in held:
        s.close()

    def are_gone():
        try:
            return max(figures("dialtone_connections", transport="TCP")) < 5
        except (OSError, http.client.HTTPException):
            return False  # the process has no descriptor for this connection either
    wait_for(are_gone, "the connections to be gone")
    check_eq(phone(case, alice, "tcp", server).register().code, 200, "a new sign-in")
    refused = figures("dialtone_listener_refused_total")
    check(sum(refused) >= DESCRIPTORS, f"counted {refused}")
    log = server.p.text()
    check("event=connection-refused" in log and "LimitNOFILE" in log and "ulimit -n" in log,
          "the log does not say what to raise")
    lines = log.count("event=connection-refused")
    check(lines <= 60, f"{lines} lines of log")


def answers(p):
    threading.Thread(target=lambda: p.answer(p.expect_request("MESSAGE"), 200),
                     daemon=True).start()
    return True


def has_ended(s):
    try:
        return s.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


if __name__ == "__main__":
    tap.main(make)
