#!/usr/bin/python3
"""Poster row EV-01: requests too large for a datagram go to UDP phones over TCP (RFC 3261 section
18.1.1), to the address they registered from alone; what cannot be sent at all is answered."""
import os
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import netns, site, tap  # noqa: E402
from lib.siptext import Dialog, Message, Phone, branch, sdp  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402

TEXT = [("Content-Type", "text/plain")]
LARGE = "x" * 3000
# No datagram can hold it.
HUGE = "x" * 70_000


class Door:
    """A UDP phone's TCP port of the same number: takes connections and reads SIP."""

    def __init__(self, phone, answers=True):
        self.phone, self.got, self.conns = phone, [], []
        self.answers = answers
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.sock.bind((phone.ip, phone.port))
        self.sock.listen(8)
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self):
        while True:
            try:
                c, _ = self.sock.accept()
            except OSError:
                return
            self.conns.append(c)
            threading.Thread(target=self._read, args=(c,), daemon=True).start()

    def _read(self, c):
        buf = b""
        while True:
            try:
                more = c.recv(65536)
            except OSError:
                return
            if not more:
                return
            buf += more
            while b"\r\n\r\n" in buf:
                m = Message.parse(buf)
                end = buf.find(b"\r\n\r\n") + 4 + int(m.get("Content-Length"))
                if len(buf) < end:
                    break
                m = Message.parse(buf[:end])
                buf = buf[end:]
                self.got.append(m)
                if self.answers and m.method and m.method != "ACK":
                    c.sendall(self.answer_to(m))

    def answer_to(self, m, code=200):
        out = [("Via", v) for v in m.all("Via")]
        out += [("Record-Route", v) for v in m.all("Record-Route")]
        out += [("From", m.get("From")), ("To", m.get("To") + ("" if m.tag("To") else ";tag=t")),
                ("Call-ID", m.get("Call-ID")), ("CSeq", m.get("CSeq"))]
        if m.method == "INVITE":
            out.append(("Contact", self.phone.contact()))
        return Message(f"SIP/2.0 {code} OK", out).bytes()

    def wait(self, method):
        return wait_for(lambda: next((m for m in self.got if m.method == method), None),
                        f"{method} over TCP; it got {self.got}")

    def stop(self):
        self.sock.close()
        for c in self.conns:
            c.close()


def phone(case, user, transport="tcp", **kw):
    return case.own(Phone(case.site.server, user, transport, **kw))


def pair(case):
    alice, bob = case.site.users("alice", "bob")
    return phone(case, alice).sign_in(), phone(case, bob, "udp", source=netns.SERVER_IP).sign_in()


def send(a, uri, body):
    return a.send(a.make("MESSAGE", uri, body=body, headers=TEXT))


@tap.test
def a_large_request_to_a_udp_phone_goes_over_tcp_to_its_address(case):
    a, b = pair(case)
    door = case.own(Door(b))
    small = send(a, b.user.uri, "small")
    b.answer(b.expect_request("MESSAGE"), 200)
    check_eq(a.expect_answer(small).code, 200, "a small one")
    check(not door.conns, "a small one made a connection")
    for body in (LARGE, HUGE):
        check_eq(a.expect_answer(send(a, b.user.uri, body)).code, 200, "the answer")
        got = door.got[-1]
        check_eq(len(got.body), len(body), "its body")
        check(got.get("Via").startswith("SIP/2.0/TCP"), got.get("Via"))
    check_eq(len(door.conns), 1, "connections for two requests")
    check(not [m for m in b.all if m.method == "MESSAGE" and len(m.body) > 100], "also over UDP")


@tap.test
def a_large_call_goes_over_tcp_with_its_ack(case):
    a, b = pair(case)
    door = case.own(Door(b))
    offer = sdp(a.ip, 40000) + "a=x:" + "y" * 2000 + "\r\n"
    m = a.send(a.make("INVITE", b.user.uri, body=offer,
                      headers=[("Content-Type", "application/sdp")]))
    ok = a.expect_answer(m)
    check_eq(ok.code, 200, "INVITE")
    dialog = Dialog.of_caller(m, ok)
    a.send(a.make("ACK", None, dialog=dialog, cseq=m.cseq[0], body=offer,
                  headers=[("Content-Type", "application/sdp")]))
    check_eq(len(door.wait("ACK").body), len(offer), "the body of ACK")
    bye = a.send(a.make("BYE", None, dialog=dialog))
    b.answer(b.expect_request("BYE"), 200)  # small: over UDP again
    check_eq(a.expect_answer(bye).code, 200, "BYE")


@tap.test
def without_tcp_it_goes_over_udp_and_the_next_is_not_tried_again(case):
    a, b = pair(case)
    for _ in range(2):
        m = send(a, b.user.uri, LARGE)
        got = b.expect_request("MESSAGE")
        check(got.get("Via").startswith("SIP/2.0/UDP"), got.get("Via"))
        check_eq(len(got.body), len(LARGE), "its body")
        b.answer(got, 200)
        check_eq(a.expect_answer(m).code, 200, "the answer")
    door = case.own(Door(b))  # it would take one now, but has refused
    m = send(a, b.user.uri, LARGE)
    b.answer(b.expect_request("MESSAGE"), 200)
    check_eq(a.expect_answer(m).code, 200, "the third answer")
    check(not door.conns, "it was tried again")


@tap.test
def a_connection_that_does_not_open_delays_the_first_request_alone(case):
    host = case.own(case.site.net.host())
    alice, bob = case.site.users("alice", "bob")
    a = phone(case, alice).sign_in()
    with host.entered():
        b = phone(case, bob, "udp", source=host.ip).sign_in()
    # TCP to the phone is swallowed on its machine: no refusal comes.
    for end in ("sport", "dport"):
        host.ip_tool("rule", "add", "ipproto", "tcp", end, str(b.port), "blackhole")
    took = []
    for _ in range(2):
        began = time.monotonic()
        m = send(a, bob.uri, LARGE)
        b.answer(b.expect_request("MESSAGE"), 200)
        check_eq(a.expect_answer(m).code, 200, "the answer")
        took.append(time.monotonic() - began)
    check(took[0] >= 0.9, f"the first went without waiting for TCP: {took}")
    check(took[1] < took[0], f"the second waited too: {took}")


@tap.test
def a_phone_behind_nat_is_not_connected_to(case):
    alice, bob = case.site.users("alice", "bob")
    a = phone(case, alice).sign_in()
    b = phone(case, bob, "udp", source=netns.SERVER_IP)
    door = case.own(Door(b))
    real = b.via
    b.via = lambda: f"SIP/2.0/UDP 192.168.7.7:5060;rport;branch={branch()}"
    b.sign_in()
    b.via = real
    m = send(a, bob.uri, LARGE)
    b.answer(b.expect_request("MESSAGE"), 200)
    check_eq(a.expect_answer(m).code, 200, "its Via differs")
    b.sign_in(contact=f"<sip:{bob.name}@192.168.7.7:5060>")
    m = send(a, bob.uri, LARGE)
    b.answer(b.expect_request("MESSAGE"), 200)
    check_eq(a.expect_answer(m).code, 200, "its Contact differs")
    check(not door.conns, "a connection was made")


@tap.test
def what_no_datagram_can_hold_is_answered_with_513(case):
    a, b = pair(case)
    answer = a.expect_answer(send(a, b.user.uri, HUGE))
    check_eq(answer.code, 513, "the answer")
    check(not b.has(lambda m: m.method == "MESSAGE"), "something arrived")
    m = send(a, b.user.uri, "small")
    b.answer(b.expect_request("MESSAGE"), 200)
    check_eq(a.expect_answer(m).code, 200, "a small one afterwards")


@tap.test
def an_answer_that_no_datagram_can_hold_becomes_513(case):
    alice, bob = case.site.users("alice", "bob")
    a = phone(case, alice, "udp").sign_in()
    b = phone(case, bob, "tcp").sign_in()
    m = a.send(a.make("MESSAGE", bob.uri, body="x", headers=TEXT))
    m = a.send(a.again(m, a.expect_answer(m)))
    b.answer(b.expect_request("MESSAGE"), 200, headers=TEXT, body=HUGE)
    answer = a.expect_answer(m)
    check_eq((answer.code, answer.reason), (513, "Response Too Large"), "the answer")


@tap.test
def what_comes_back_over_that_connection_is_not_believed(case):
    a, b = pair(case)
    door = case.own(Door(b))
    check_eq(a.expect_answer(send(a, b.user.uri, LARGE)).code, 200, "the answer")
    c = door.conns[0]
    m = b.make("MESSAGE", a.user.uri, from_=b.user.uri, body="x", headers=TEXT)
    m.set("Via", f"SIP/2.0/TCP {b.ip}:{b.port};branch={branch()}")
    c.sendall(m.bytes())
    got = wait_for(lambda: next((x for x in door.got if x.code), None), "an answer")
    check_eq(got.code, 407, "a request without credentials")
    check(not a.has(lambda m: m.method == "MESSAGE"), "it was passed on")


if __name__ == "__main__":
    tap.main(site.make)
