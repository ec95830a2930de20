#!/usr/bin/python3
"""Poster rows AV-10, AV-13 and AV-16: a Lync client that reaches nothing but the A/V edge speaks with
a phone, since the media bridge has addresses of the relay too.  (With the real clients:
tests/interop/sipe_relay_test.py.)"""
import os
import re
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import mras, site, tap, turn  # noqa: E402
from lib.lync import LyncClient  # noqa: E402
from lib.msice import Agent, rtp  # noqa: E402
from lib.netns import SERVER_IP  # noqa: E402
from lib.presence import PresenceClient  # noqa: E402
from lib.siptext import Phone, sdp  # noqa: E402
from lib.tap import WAIT_S, check, check_eq, wait_for  # noqa: E402

EDGES, READY, ENDS = 2, 2, 2  # READY: pairs that wait for calls, of ENDS allocations each
USER_MAX = 3                  # allocations of a user: fewer than a bridge has
SDP = [("Content-Type", "application/sdp")]
KEY = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
SRTP = f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^31\r\n"


def make(args, folder):
    site.netns.enter()
    return site.Site(args, folder, bridges=1, edge=f"processes = {EDGES}\nmetrics-port = 0\n"
                     f"user-allocations-max = {USER_MAX}\n")


def bridge(case):
    """What the status says of the media bridge."""
    return case.site.server.json("bridge", "status")[0]


def allocations(case, user=f"media-bridge/1@{site.HOST}"):
    return [a for a in case.site.server.json("allocation", "list") if a["user"] == user]


def wait_ready(case):
    wait_for(lambda: bridge(case)["relay_ready"] >= READY, lambda: f"ready pairs: {bridge(case)}")


def wait_whole(case):
    """The bridge has noticed what was lost, and made others: each pair that it has is the relay's too."""
    def whole():
        b, n = bridge(case), len(allocations(case))
        return b["relay_ready"] >= READY and ENDS * (b["relay_ready"] + b["relay_calls"]) == n
    wait_for(whole, lambda: f"pairs that the relay knows: {bridge(case)}, {allocations(case)}")


def lync(case):
    return case.own(LyncClient(case.site.server, case.site.user("lync"))).sign_in()


def phone(case):
    return case.own(Phone(case.site.server, case.site.user("phone"), "tcp")).sign_in()


def agent(case, user, controls):
    """The client's media: two allocations with credentials of its user."""
    got = case.site.server.json("relay", "credential", user.name)
    credential = turn.Credential(got["username"], got["password"])
    clients = [turn.Client((SERVER_IP, 3478), "udp", credential).allocate() for _ in range(ENDS)]
    return case.own(Agent(clients, controls))


class Rtp:
    """The phone's socket."""

    def __init__(self):
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.bind((SERVER_IP, 0))
        self.s.settimeout(WAIT_S)
        self.port = self.s.getsockname()[1]

    def sends_to(self, description, packet):
        text = description.decode()
        host = re.search(r"c=IN IP4 (\S+)", text)[1]
        port = int(re.search(r"m=audio (\d+)", text)[1])
        self.s.sendto(packet, (host, port))

    def wait_heard(self, packet):
        while self.s.recv(2048) != packet:
            pass

    def stop(self):
        self.s.close()


def calls(case, a, b, media, ear):
    """The client a calls the phone b: (its dialog, what the phone was offered)."""
    m = a.send(a.make("INVITE", b.user.uri, headers=SDP, body=media.description()))
    got = b.expect_request("INVITE")
    b.answer(got, 200, headers=SDP, body=sdp(SERVER_IP, ear.port))
    answer = a.expect_answer(m)
    check_eq(answer.code, 200, "INVITE")
    dialog = a.confirm(m, answer)
    b.expect_request("ACK")
    media.start(answer.body)
    media.wait_found()
    return dialog, got


def is_relayed(case, call_id, side):
    return [c[side]["relay"] for c in case.site.server.json("bridge", "list")
            if c["call"] == call_id] == ["used"]


def ends(a, dialog, b):
    bye = a.send(a.make("BYE", None, dialog=dialog))
    b.answer(b.expect_request("BYE"), 200)
    check_eq(a.expect_answer(bye).code, 200, "BYE")


def both_hear(case):
    a, b = lync(case), phone(case)
    media, ear = agent(case, a.user, True), case.own(Rtp())
    dialog, got = calls(case, a, b, media, ear)
    media.send(rtp(1, b"from the client"))
    ear.wait_heard(rtp(1, b"from the client"))
    packet = rtp(1, b"from the phone")
    media.wait_heard(packet, again=lambda: ear.sends_to(got.body, packet))
    check(is_relayed(case, got.get("Call-ID"), "caller"), case.site.server.json("bridge", "list"))
    return a, dialog, b


@tap.test
def a_client_that_has_the_relay_alone_calls_a_phone_and_both_hear(case):
    wait_ready(case)
    a, dialog, b = both_hear(case)
    ends(a, dialog, b)
    a.check_signed()


@tap.test
def a_phone_calls_a_client_that_has_the_relay_alone(case):
    wait_ready(case)
    a, b = phone(case), lync(case)
    media, ear = agent(case, b.user, False), case.own(Rtp())
    m = a.send(a.make("INVITE", b.user.uri, headers=SDP, body=sdp(SERVER_IP, ear.port)))
    got = b.expect_request("INVITE")
    b.answer(got, 200, headers=SDP,
             body=media.description(SRTP).replace("RTP/AVP", "RTP/SAVP"))
    media.start(got.body)
    answer = a.expect_answer(m)
    check_eq(answer.code, 200, "INVITE")
    dialog = a.confirm(m, answer)
    b.expect_request("ACK")
    media.wait_found()
    wait_for(lambda: is_relayed(case, got.get("Call-ID"), "called"),
             lambda: f"a way by the relay: {case.site.server.json('bridge', 'list')}")
    ends(a, dialog, b)


@tap.test(alone=True)
def what_a_call_had_is_given_back(case):
    wait_ready(case)
    before = {a["relayed"] for a in allocations(case)}
    a, dialog, b = both_hear(case)
    check(allocations(case), "allocations of the bridge")
    ends(a, dialog, b)
    wait_for(lambda: bridge(case)["relay_calls"] == 0, "no pair in a call")
    wait_for(lambda: len(before & {a["relayed"] for a in allocations(case)}) ==
             len(before) - ENDS, lambda: f"{before}, {allocations(case)}")


@tap.test
def a_bridge_asks_in_its_own_name_and_is_no_user(case):
    wait_ready(case)
    check(f"event=credentials-granted user=media-bridge/1@{site.HOST} " in
          case.site.server.p.text(), "a line of the edge")
    # More than a user may have: the limits of one do not hold for who serves many.
    check(len(allocations(case)) > USER_MAX, f"{allocations(case)}")


@tap.test
def nobody_else_gets_credentials_of_a_bridge(case):
    a = case.own(PresenceClient(case.site.server, case.site.user("lync"))).sign_in()
    for who in (f"sip:media-bridge/1@{site.HOST}", f"sip:media-bridge%2F1@{site.HOST}"):
        check_eq(mras.ask(a, who).code, 403, who)
    uri = mras.mras_uri(a)
    m = a.make("SERVICE", uri, body=mras.request(uri, f"sip:media-bridge/1@{site.HOST}"), headers=[
        ("Content-Type", mras.TYPE),
        ("P-Asserted-Identity", f"<sip:media-bridge/1@{site.HOST}>")])
    check_eq(a.expect_answer(a.send(m)).code, 403, "with an identity that it asserts itself")
    m = a.make("SERVICE", uri, body=mras.request(uri, f"sip:media-bridge/1@{site.HOST}"),
               headers=[("Content-Type", mras.TYPE)])
    m.set("From", f"<sip:media-bridge/1@{site.HOST}>;tag=1")
    check_eq(a.expect_answer(a.send(m)).code, 403, "with its address in From")
    got = mras.ask(a)
    check_eq(got.code, 200, "in its own name")


@tap.test(alone=True)
def an_edge_that_is_started_again_gives_new_addresses(case):
    for number in range(1, EDGES + 1):
        wait_whole(case)
        case.site.server.kill_role("edge-av", number)
        wait_whole(case)
    a, dialog, b = both_hear(case)
    ends(a, dialog, b)


@tap.test(alone=True)
def a_bridge_that_is_started_again_asks_again(case):
    case.site.server.kill_role("media-bridge")
    wait_for(lambda: all(r["state"] == "running" for r in case.site.server.roles()),
             "running roles")
    wait_ready(case)
    a, dialog, b = both_hear(case)
    ends(a, dialog, b)


if __name__ == "__main__":
    tap.main(make)
