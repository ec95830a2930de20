#!/usr/bin/python3
"""A client that is signed in and sends as fast as it is answered: the others do not notice, nothing is
left behind, and nothing that all share is used up."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.flood import Flood, request  # noqa: E402
from lib.load import Load  # noqa: E402
from lib.lync import LyncClient  # noqa: E402
from lib.siptext import Phone, digest, token  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402

HEAVY = True
REQUESTS = 20_000
REGISTERS = 5_000
LYNC_REGISTERS = 1_000
RSS_MORE_MB = 40   # of one process, while the flood goes on and after it
ENDPOINTS = 8      # of one user
LINES_PER_S = 20   # of the log, about one user
SESSIONS = 1_000   # of IM, caused by one user
LYNC = "User-Agent: Purple/2.14.12 Sipe/1.25.0 (linux-x86_64)"
PACKAGES = ("vnd-microsoft-roaming-contacts", "vnd-microsoft-provisioning-v2",
            "vnd-microsoft-roaming-self", "presence", "dialog", "reg", "message-summary", "x" * 200)
IM_SDP = ("v=0\r\no=- 0 0 IN IP4 192.0.2.9\r\ns=session\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
          "m=message 5061 sip null\r\n")


def phone(case, name, **kw):
    return case.own(Phone(case.site.server, case.site.user(name), "tcp", **kw)).sign_in()


def resident_mb(case):
    out = {}
    for r in case.site.server.roles():
        with open(f"/proc/{r['pid']}/status", encoding="ascii") as f:
            out[r["role"], r["process"], r["pid"]] = \
                int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) // 1024
    return out



class Watch:
    """While the flood goes on others are served; afterwards everything is as before."""

    def __init__(self, case):
        self.case, self.before = case, resident_mb(case)
        self.load = Load(case)
        self.mark = case.site.server.p.mark()

    def over(self):
        self.load.finish()
        now = resident_mb(self.case)
        check_eq(sorted(now), sorted(self.before), "the processes")
        more = {k: now[k] - self.before[k] for k in now if now[k] - self.before[k] > RSS_MORE_MB}
        check_eq(more, {}, "memory that was not given back, in MB")
        check_eq(self.case.site.server.json("status")["load"], "calm", "the load")

    def lines(self, text):
        return [x for x in self.case.site.server.p.text_after(self.mark).splitlines() if text in x]


def flood(case, make, wanted, n=REQUESTS, of=None):
    """A's requests, all of them answered with one of these codes."""
    a, watch = of or phone(case, "flood"), Watch(case)
    f = Flood(a, lambda i: make(a, i), n).run()
    check_eq((sum(f.codes.values()), set(f.codes) - set(wanted)), (n, set()), f"{dict(f.codes)}")
    watch.over()
    return f, watch


@tap.test(alone=True)
def a_flood_of_subscriptions_harms_nobody(case):
    """For each package, to the own address, to others' and to nobody's, with ever new Call-IDs."""
    there = phone(case, "there").user.uri

    def make(a, i):
        uri = (a.user.uri, there, f"sip:nobody{i}@{a.user.domain}")[i // len(PACKAGES) % 3]
        return request(a, "SUBSCRIBE", uri, [
            LYNC, f"Event: {PACKAGES[i % len(PACKAGES)]}", f"Contact: {a.contact()}",
            "Expires: 28800", "Supported: ms-piggyback-first-notify"])
    # 403: more than a user may have; 404: there is nobody
    flood(case, make, (200, 400, 403, 404, 489))


@tap.test(alone=True)
def a_flood_of_publications_and_options_harms_nobody(case):
    def make(a, i):
        if i % 3 == 0:
            return request(a, "PUBLISH", a.user.uri, ["Event: presence"], body="<x/>" * 100)
        return request(a, "OPTIONS", "sip:" + ("", f"nobody{i}@")[i % 3 - 1] + a.user.domain)
    flood(case, make, (200, 404, 415))


def register(a, i, contact, expires=600, **kw):
    """With the nonce of the sign-in, which has used it once or twice."""
    auth = digest(a.nonce, a.user.name, a.password, "REGISTER", f"sip:{a.user.domain}", nc=i + 10)
    return request(a, "REGISTER", f"sip:{a.user.domain}", [
        f"Contact: {contact}", f"Expires: {expires}", "Supported: path, outbound, gruu",
        f"Authorization: {auth}"], to=a.user.uri, **kw)


def _same(call_id):
    return lambda a, i: register(a, i, a.contact(), call_id=call_id, cseq=100 + i)


def _new_contact(a, i):
    return register(a, i, f"<sip:{a.user.name}@{a.ip}:{a.port};transport=tcp;x={i}>")


def _new_instance(a, i):
    return register(a, i, f'{a.contact()};reg-id=1;+sip.instance="<urn:uuid:{i:08x}-0000-1000-'
                          '8000-000000000000>"')


def _on_and_off(a, i):
    return register(a, i, a.contact(), expires=0 if i % 2 else 600)


@tap.test(alone=True)
def storms_of_registers_leave_eight_endpoints_and_few_lines(case):
    for make in (_same(token()), lambda a, i: register(a, i, a.contact()), _new_contact,
                 _new_instance, _on_and_off):
        a = phone(case, "storm")
        f, watch = flood(case, make, (200,), n=REGISTERS, of=a)
        endpoints = len(case.site.server.endpoints(a.user))
        check(endpoints <= ENDPOINTS, f"{endpoints} endpoints")
        lines = len(watch.lines(f"user={a.user.name}@"))
        check(lines <= LINES_PER_S * (int(f.seconds) + 3), f"{lines} lines in {f.seconds:.1f} s")
        late = case.own(Phone(case.site.server, a.user, "tcp")).register()
        check_eq(late.code, 200, "another phone of the user")


def _signed(a):
    m = a.register_request()
    m.headers.append(("Authorization", a.signature(m)))
    return m.bytes()


def _lync_refresh(a, _i):
    """With ever new Call-IDs."""
    a.call_id = token()
    return _signed(a)


def _lync_other(a, i):
    """By another client than before, as its epid and its instance say."""
    a.epid, a.uuid = token(6), f"5ccdb10d-dca1-559e-ad2b-{i:012x}"
    return _signed(a)


def lync(case):
    return case.own(LyncClient(case.site.server, case.site.user("lync"))).sign_in()


@tap.test(alone=True)
def a_storm_of_refreshes_of_a_lync_client_leaves_one_endpoint(case):
    a = lync(case)
    flood(case, _lync_refresh, (200,), n=LYNC_REGISTERS, of=a)
    check_eq(len(case.site.server.endpoints(a.user)), 1, "endpoints")


@tap.test(alone=True)
def a_lync_client_that_registers_as_ever_others_is_put_out(case):
    """The ninth pushes out the first, and with it the connection of all of them."""
    a, watch = lync(case), Watch(case)
    f = Flood(a, lambda i: _lync_other(a, i), LYNC_REGISTERS)
    try:
        f.run()
    except OSError:
        pass
    check(f.answered() < LYNC_REGISTERS, f"it was served to the end: {dict(f.codes)}")
    wait_for(lambda: not case.site.server.endpoints(a.user), "its endpoints to go")
    watch.over()


@tap.test(alone=True)
def one_user_cannot_take_all_sessions(case):
    """What is more than a user's share is refused; another user still gets one."""
    server, callee = case.site.server, phone(case, "callee")
    before = server.metric("dialtone_im_sessions")

    def make(a, _i):
        return request(a, "INVITE", callee.user.uri, [
            "Content-Type: application/sdp", f"Contact: {a.contact()}"], body=IM_SDP)
    f, _ = flood(case, make, (200, 500), n=SESSIONS + 200)
    check_eq(dict(f.codes), {200: SESSIONS, 500: 200}, "answers")
    check_eq(server.metric("dialtone_im_sessions") - before, SESSIONS, "sessions")
    other = phone(case, "other")
    answer = other.expect_answer(other.send(other.make(
        "INVITE", callee.user.uri, body=IM_SDP, headers=[("Content-Type", "application/sdp")])))
    check_eq(answer.code, 200, "another user's session")


if __name__ == "__main__":
    tap.main(site.make)
