#!/usr/bin/python3
"""Poster rows IM-03, PN-13, PN-01: an IM MCU on another host than the front end."""
import os
import re
import select
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import hosts, netns, proc, tap  # noqa: E402
from lib.conference import CCCP, INFO, Conferee, all_write, for_phones, meet, write  # noqa: E402
from lib.im import phone, say  # noqa: E402
from lib.server import program  # noqa: E402
from lib.siptext import branch, token  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402

STRANGERS = 300  # connections that say nothing


def conferee(case, user=None):
    return case.own(Conferee(case.site.server, user or case.site.user("conf"))).sign_in()


def conferees(case, n):
    return [conferee(case) for _ in range(n)]


def running(server):
    wait_for(lambda: all(r["state"] == "running" for r in server.roles()), "running roles")


def members(case, focus):
    return {m["user"] for m in case.site.server.json("conference", "show", focus)["members"]}


def names(*clients):
    return {c.user.uri.removeprefix("sip:") for c in clients}


# Group conversations.

@tap.test
def three_meet_and_all_write(case):
    a, b, c = conferees(case, 3)
    meet(a, b, c)
    all_write(a, b, c)
    for client in (a, b, c):
        client.check_signed()


@tap.test
def who_is_ejected_is_told_by_both_and_is_out(case):
    a, b, c = conferees(case, 3)
    focus = meet(a, b, c)
    check_eq(a.eject(b.user)[1], "success", "deleteUser")
    for bye in [b.expect_request("BYE") for _ in range(2)]:
        b.answer(bye, 200)
    a.wait_there(c)
    b.say("I am still here", code=481)
    all_write(a, c, word="without b")
    check_eq(members(case, focus), names(a, c), "members")


@tap.test
def a_conference_that_is_ended_ends_at_the_other_host(case):
    a, b = conferees(case, 2)
    focus = meet(a, b)
    case.site.server.tool("conference", "end", focus.rsplit(":", 1)[1])
    for client in (a, b):
        for bye in [client.expect_request("BYE") for _ in range(2)]:
            client.answer(bye, 200)
    a.say("anybody?", code=404)  # there is no such room any more


@tap.test
def many_conferences_of_many_homes(case):
    rooms = [conferees(case, 2) for _ in range(4)]
    for clients in rooms:
        meet(*clients)
    for clients in rooms:
        all_write(*clients)


# What the administrator sees.

@tap.test
def status_names_the_role_and_its_host(case):
    rows = case.site.server.json("status")["peers"]
    check_eq({(r["peer"], r["link"]) for r in rows},
             {("mcu-im on host b", "SIP"), ("mcu-im on host b", "C3P")}, "peers of host a")
    at = case.site.b.ip
    check_eq({(r["link"], r["address"]) for r in rows},
             {("SIP", f"{at}:{hosts.SIP}"), ("C3P", f"{at}:{hosts.C3P}")}, "where they are")
    rows = case.site.b.json("status")["peers"]
    check_eq({r["peer"] for r in rows},
             {f"frontend/{n + 1} on host a" for n in range(case.site.frontends)}, "of host b")
    text = case.site.server.tool("doctor", "--no-dns", ok=False)
    check("mcu-im on host b, C3P: frontend/1 is connected" in text, f"doctor: {text}")


@tap.test
def the_trace_names_the_role_and_its_host(case):
    p = case.own(proc.Proc([program("dialtone"), "--config", case.site.server.dir, "--json",
                            "trace", "--peer", "mcu-im on host b"],
                           os.path.join(case.dir, "trace.log")))
    a, b = conferees(case, 2)
    meet(a, b)

    def traced():
        all_write(a, b)
        return '"peer":"mcu-im on host b"' in p.text()
    wait_for(traced, lambda: f"messages of the MCU: {p.text()[-300:]}")


@tap.test
def each_host_listens_for_the_other_alone(case):
    rows = {r["role"]: r for r in case.site.server.json("topology", "show")["roles"]}
    check_eq(rows["frontend"]["https"], f"{case.site.server.ip}:444", "C3P of the front end")
    check_eq((rows["mcu-im"]["tls"], rows["mcu-im"]["https"]),
             (f"{case.site.b.ip}:5062", f"{case.site.b.ip}:444"), "of the MCU")


# C3P between the hosts, by a client of the test's own.

def command(focus, inner):
    return (f'<request xmlns="{CCCP}" C3PVersion="1" to="{focus}" from="{focus}" requestId="7">'
            f'{inner}</request>')


def at_mcu(case, data, cert=None, port=hosts.C3P):
    """What the MCU's port answers to a client that shows this certificate."""
    b = case.site.b
    return hosts.knock(case.site.server.ca, b.ip, port, b.host, cert=cert, data=data)


def at_focus(case, data, cert=None):
    a = case.site.server
    return hosts.knock(a.ca, a.ip, hosts.C3P, a.host, cert=cert, data=data)


@tap.test
def c3p_over_mutual_tls_returns_the_conference(case):
    clients = conferees(case, 2)
    focus = meet(*clients)
    home = case.site.server.endpoints(clients[0].user)[0]["home"]
    get = command(focus, f'<getConference><conferenceKeys confEntity="{focus}"/></getConference>')
    answer = at_mcu(case, hosts.http("POST", f"/c3p/{home}", get),
                    cert=hosts.pair(case.site.server, "frontend"))
    check("HTTP/1.1 200" in answer and 'code="success"' in answer, f"an answer: {answer}")
    check_eq(set(re.findall(r'<user entity="([^"]+)"', answer)), {c.user.uri for c in clients},
             "who is there")
    check('entity-view entity="' in answer, "the MCU's view")
    all_write(*clients)


@tap.test
def c3p_makes_a_room_and_its_view_names_the_mcu(case):
    focus = f"sip:nobody@{case.site.server.domain};gruu;opaque=app:conf:focus:id:{token(16)}"
    cert = hosts.pair(case.site.server, "frontend")
    add = command(focus, f'<addConference><ci:conference-info xmlns:ci="{INFO}" entity="{focus}"/>'
                  '</addConference>')
    check('code="success"' in at_mcu(case, hosts.http("POST", "/c3p/1", add), cert=cert), "made")
    gone = command(focus, f'<deleteConference><conferenceKeys confEntity="{focus}"/>'
                   '</deleteConference>')
    check('code="success"' in at_mcu(case, hosts.http("POST", "/c3p/1", gone), cert=cert), "gone")


@tap.test
def an_mcu_notifies_by_the_port_of_the_focus(case):
    cert = hosts.pair(case.site.b, "mcu-im")
    for number in range(1, case.site.frontends + 1):  # whichever process takes the connection
        answer = at_focus(case, hosts.http("GET", f"/c3p/{number}"), cert=cert)
        check("HTTP/1.1 204" in answer, f"process {number} is there: {answer}")
    for target in ("/", "/c3p", "/c3p/65", "/c3p/x"):
        answer = at_focus(case, hosts.http("POST", target, "<notify/>"), cert=cert)
        check("HTTP/1.1 404" in answer, f"{target}: {answer}")


@tap.test
def one_mcu_says_nothing_of_rooms_that_do_not_exist(case):
    focus = f"sip:nobody@{case.site.server.domain};gruu;opaque=app:conf:focus:id:{token(16)}"
    news = (f'<notify xmlns="{CCCP}" C3PVersion="1"><ci:conference-info xmlns:ci="{INFO}" '
            f'entity="{focus}" state="full"/></notify>')
    answer = at_focus(case, hosts.http("POST", "/c3p/1", news),
                      cert=hosts.pair(case.site.b, "mcu-im"))
    check("HTTP/1.1 204" in answer, f"heard: {answer}")
    check(focus not in case.site.server.tool("conference", "list"), "and forgotten")


# Who gets nowhere.

def refused_certificates(case):
    """What must not be taken for a front end; then for an MCU."""
    a, b = case.site.server, case.site.b
    ca = (a.ca, a.ca.replace(".pem", ".key"))
    foreign = hosts.make_ca(os.path.join(case.dir, "foreign"))
    for name, wrong, host in (("frontend", "mcu-im", a), ("mcu-im", "frontend", b)):
        folder = os.path.join(case.dir, name)
        yield name, {
            "no certificate": None,
            "that of the other role": hosts.pair(b if wrong == "mcu-im" else a, wrong),
            "that of another role of its host": hosts.pair(a, "accounts"),
            "one of a foreign CA": hosts.make_pair(folder + "-foreign", host.host, foreign),
            "one that has expired": hosts.make_pair(folder + "-expired", host.host, ca,
                                                    start="20200101000000Z",
                                                    days="20210101000000Z"),
            "one of another name": hosts.make_pair(folder + "-name", "c.example.test", ca),
        }


@tap.test
def other_certificates_get_nowhere(case):
    get = hosts.http("GET", "/c3p/1")
    for role, certs in refused_certificates(case):
        for what, cert in certs.items():
            answers = [at_mcu(case, get, cert=cert)] if role == "frontend" else \
                [at_focus(case, get, cert=cert)]
            if role == "frontend":
                options = sip("OPTIONS", "sip:dialtone.invalid", "sip:1@dialtone.invalid")
                answers.append(at_mcu(case, options, cert=cert, port=hosts.SIP))
            for answer in answers:
                check(not answer or "HTTP/1.1 403" in answer, f"{what} as {role}: {answer}")
    log = case.site.b.p.text() + case.site.server.p.text()
    check("event=stranger-refused link=C3P" in log, "a line of the log")


@tap.test
def a_certificate_without_a_role_counts_by_its_name(case):
    """As one that was imported from outside is."""
    a = case.site.server
    cert = hosts.make_pair(os.path.join(case.dir, "named"), a.host,
                           (a.ca, a.ca.replace(".pem", ".key")))
    check("HTTP/1.1 404" in at_mcu(case, hosts.http("GET", "/c3p/65"), cert=cert), "it is taken")


def sip(method, uri, sender, *lines):
    return "\r\n".join([
        f"{method} {uri} SIP/2.0", f"Via: SIP/2.0/TLS 10.0.0.1;branch={branch()}",
        f"From: <{sender}>;tag={token()}", f"To: <{uri}>", f"Call-ID: {token()}",
        f"CSeq: 1 {method}", "Max-Forwards: 5", *lines, "Content-Length: 0", "", ""]).encode()


@tap.test
def nothing_is_served_before_a_process_has_said_which_one_it_is(case):
    a, b = conferees(case, 2)
    chat = meet(a, b).replace(":focus:", ":chat:")
    cert = hosts.pair(case.site.server, "frontend")
    said = sip("MESSAGE", chat, a.user.uri, f"P-Asserted-Identity: <{a.user.uri}>")
    wrong = sip("OPTIONS", "sip:dialtone.invalid", "sip:65@dialtone.invalid")
    for data in (said, wrong):
        answer = at_mcu(case, data, cert=cert, port=hosts.SIP)
        check(answer.startswith("SIP/2.0 403"), f"refused: {answer}")
    check(not b.has(lambda m: m.method == "MESSAGE"), "nobody hears it")
    all_write(a, b)


@tap.test
def clients_get_nowhere_at_the_ports_between_hosts(case):
    """A phone without a certificate, and SIP or HTTP without TLS."""
    for server, port in ((case.site.b, hosts.SIP), (case.site.b, hosts.C3P),
                         (case.site.server, hosts.C3P)):
        for data in (sip("OPTIONS", "sip:x", "sip:y"), hosts.http("GET", "/c3p/1"),
                     os.urandom(5000), b"\x16\x03\x01\xff\xff" + b"\0" * 70000):
            with socket.create_connection((server.ip, port), hosts.TIMEOUT_S) as s:
                s.settimeout(hosts.TIMEOUT_S)
                got = b""
                try:
                    s.sendall(data)
                    while more := s.recv(4096):
                        got += more
                except ConnectionError:
                    pass
                check(b"SIP/2.0" not in got and b"HTTP/1.1" not in got, f"an answer: {got}")
    a, b = conferees(case, 2)
    meet(a, b)
    all_write(a, b)


@tap.test
def a_peer_that_sends_too_much_is_cut_off(case):
    cert = hosts.pair(case.site.server, "frontend")
    endless = b"GET /c3p/1 HTTP/1.1\r\nHost: x\r\n" + b"X-A: " + b"a" * 200000
    answer = at_mcu(case, endless, cert=cert)
    check(not answer or "HTTP/1.1 431" in answer, f"a giant head: {answer}")
    large = (b"POST /c3p/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n")
    answer = at_mcu(case, large, cert=cert)
    check("HTTP/1.1 413" in answer, f"a giant document: {answer}")
    answer = at_mcu(case, b"OPTIONS sip:x SIP/2.0\r\nX: " + b"a" * 9000000, cert=cert,
                    port=hosts.SIP)
    check(not answer or "513" in answer or "400" in answer, f"a giant request: {answer}")
    a, b = conferees(case, 2)
    meet(a, b)
    all_write(a, b)


# Ends of processes and of the cable.

def crowd(case, server, port):
    """Connections of a stranger's machine that say nothing, or begin TLS and stop.  True while the
    server waits for some of them."""
    out = []
    with case.own(case.site.net.host()).entered():
        for i in range(STRANGERS):
            try:
                s = socket.create_connection((server.ip, port), hosts.TIMEOUT_S)
                if i % 2:
                    s.sendall(b"\x16\x03\x01\x02\x00\x01")
            except ConnectionError:
                continue
            out.append(s)
            case.undo.callback(s.close)
    return lambda: len(select.select(out, [], [], 0)[0]) < len(out)


@tap.test(alone=True)
def a_crowd_of_strangers_keeps_nobody_out(case):
    crowds = [crowd(case, case.site.b, port) for port in (hosts.SIP, hosts.C3P)]
    for number in range(1, case.site.frontends + 1):  # which come anew
        case.site.server.kill_role("frontend", number)
    running(case.site.server)
    case.site.wait_connected()
    check(all(there() for there in crowds), "strangers who are waited for")
    clients = conferees(case, 3)
    meet(*clients)
    all_write(*clients)


@tap.test(alone=True)
def a_new_mcu_goes_on_with_the_dialogs_of_the_old(case):
    clients = conferees(case, 3)
    meet(*clients)
    all_write(*clients, word="before")
    case.site.b.kill_role("mcu-im")
    running(case.site.b)
    case.site.wait_connected()
    all_write(*clients, word="after")


@tap.test(alone=True)
def who_is_sent_away_while_the_mcu_is_down_stays_out(case):
    a, b, c = conferees(case, 3)
    focus = meet(a, b, c)
    case.site.b.kill_role("mcu-im")
    check_eq(a.eject(b.user)[1], "success", "deleteUser")
    running(case.site.b)
    case.site.wait_connected()
    all_write(a, c, word="after")
    check_eq(members(case, focus), names(a, c), "members")


def wait_commanded(case):
    """The focus reaches the MCU, and is told by it."""
    wait_for(lambda: all(p["state"] == "up" for p in case.site.peers() if p["link"] == "C3P"),
             lambda: f"C3P between the hosts: {case.site.peers()}")


def at_mcu_are(case, focus, home):
    """Who is in the MCU's room, as it answers to a front end."""
    get = command(focus, f'<getConference><conferenceKeys confEntity="{focus}"/></getConference>')
    answer = at_mcu(case, hosts.http("POST", f"/c3p/{home}", get),
                    cert=hosts.pair(case.site.server, "frontend"))
    return {u.removeprefix("sip:") for u in re.findall(r'<user entity="([^"]+)"', answer or "")}


@tap.test(alone=True)
def who_is_sent_away_while_no_sip_goes_to_the_mcu_gets_its_bye_later(case):
    a, b, c = conferees(case, 3)
    focus = meet(a, b, c)
    home = case.site.server.endpoints(a.user)[0]["home"]
    with netns.no_way_to_port(hosts.SIP):
        case.site.b.kill_role("mcu-im")  # its connections end
        running(case.site.b)
        wait_commanded(case)
        wait_for(lambda: at_mcu_are(case, focus, home) == names(a, b, c), "the room")
        check_eq(a.eject(b.user)[1], "success", "deleteUser")
        bye = b.expect_request("BYE")
        check(":focus:" in bye.get("From"), f"a BYE of the focus: {bye.get('From')}")
        b.answer(bye, 200)
        wait_for(lambda: at_mcu_are(case, focus, home) == names(a, c), "the room without b")
    case.site.wait_connected()
    bye = b.expect_request("BYE")
    check(":chat:" in bye.get("From"), f"a BYE of the MCU: {bye.get('From')}")
    b.answer(bye, 200)
    all_write(a, c, word="after")


@tap.test(alone=True)
def conferences_go_on_when_the_front_ends_are_killed(case):
    clients = conferees(case, 8)
    focus = meet(*clients)
    home = case.site.server.endpoints(clients[0].user)[0]["home"]
    case.site.server.kill_role("frontend", home)
    running(case.site.server)
    case.site.wait_connected()
    wait_for(lambda: names(*(c for c in clients if not c.closed)) == members(case, focus),
             lambda: f"members {members(case, focus)}")
    check(any(c.closed for c in clients), "clients that were connected there")
    left = [c for c in clients if not c.closed]
    all_write(*left, word="after")
    back = [conferee(case, c.user) for c in clients if c.closed][:2]
    for client in back:
        client.join(focus)
    for client in back:
        client.wait_there(*(c for c in left + back if c is not client))
    all_write(*left, *back, word="together")


@tap.test(alone=True)
def what_is_said_while_the_cable_is_cut_arrives_when_it_is_mended(case):
    a, b, c = conferees(case, 3)
    meet(a, b, c)
    case.site.machine.cut()
    m = say(a, a.chat, "through the cut")
    case.site.machine.mend()
    check_eq(a.expect_answer(m).code, 202, "MESSAGE")
    for client in (b, c):
        client.hears("through the cut", a)
    all_write(a, b, c)


@tap.test(alone=True)
def what_changed_while_the_hosts_had_lost_each_other_is_made_up_for(case):
    a, b, c = conferees(case, 3)
    focus = meet(a, b, c)
    p = phone(case)
    write(p, for_phones(focus), "here I am")
    for client in (a, b, c):
        client.hears("here I am", p)
    others = conferees(case, 2)
    ended = meet(*others)
    case.site.machine.cut()
    try:
        wait_for(lambda: all(p["state"] == "down" for p in case.site.peers()),
                 lambda: f"hosts that have lost each other: {case.site.peers()}")
        check_eq(a.eject(b.user)[1], "success", "deleteUser")
        case.site.server.tool("conference", "end", ended.rsplit(":", 1)[1])
    finally:
        case.site.machine.mend()
    case.site.wait_connected()
    all_write(a, c, word="after")
    for client in (b, *others):  # by the focus at once, by the MCU now
        for bye in [client.expect_request("BYE") for _ in range(2)]:
            client.answer(bye, 200)
    b.say("I am still here", code=481)
    write(p, for_phones(focus), "and I")
    for client in (a, c):
        client.hears("and I", p)
    check_eq(members(case, focus), names(a, c, p), "members")
    check_eq(members(case, ended), set(), "of the one that was ended")


# Certificates.

def came(server):
    return server.p.text().count("event=peer-")


@tap.test(alone=True)
def new_certificates_drop_no_connection(case):
    a, b = conferees(case, 2)
    meet(a, b)
    before = came(case.site.server), came(case.site.b)
    case.site.server.tool("cert", "issue", "--renew")
    case.site.b.take_certificates("--renew")
    for server in (case.site.server, case.site.b):
        server.reload()
    all_write(a, b, word="renewed")
    check_eq((came(case.site.server), came(case.site.b)), before, "lines of connections")
    case.site.b.kill_role("mcu-im")
    running(case.site.b)
    case.site.wait_connected()
    all_write(a, b, word="with the new ones")


def doctor_says(server, *texts):
    def seen():
        said = server.tool("doctor", "--no-dns", ok=False)
        return all(text in said for text in texts)
    wait_for(seen, lambda: f"{texts}: {server.tool('doctor', '--no-dns', ok=False)}")


@tap.test(alone=True)
def the_doctor_says_that_the_hosts_have_different_topologies(case):
    a, b = case.site.server, case.site.b
    path = os.path.join(a.dir, "topology.conf")
    with open(path, encoding="utf-8") as f:
        good = f.read()
    last = case.site.frontends + 1
    with open(path, "w", encoding="utf-8") as f:
        f.write(good.replace(f"processes = {last - 1}\n", f"processes = {last}\n"))
    a.stop()
    try:
        a.start()
        doctor_says(a, f"frontend/{last} is not connected: it does not expect this process",
                    f"frontend/{last} is not connected: it answers 404",
                    "Every host needs the same topology.conf")
        check("is not connected" not in b.tool("doctor", "--no-dns", ok=False), "host b")
    finally:
        with open(path, "w", encoding="utf-8") as f:
            f.write(good)
        a.stop()
        a.start()
    case.site.wait_connected()


@tap.test(alone=True)
def the_doctor_says_why_the_other_host_is_not_reached(case):
    a, b = case.site.server, case.site.b
    chain, key = hosts.pair(b, "mcu-im")
    good = [open(f, "rb").read() for f in (chain, key)]
    expired = hosts.make_pair(os.path.join(case.dir, "expired"), b.host,
                              (a.ca, a.ca.replace(".pem", ".key")), start="20200101000000Z",
                              days="20210101000000Z")
    wrong = hosts.make_pair(os.path.join(case.dir, "wrong"), "c.example.test",
                            (a.ca, a.ca.replace(".pem", ".key")))

    def put(files):
        for path, content in zip((chain, key), files):
            with open(path, "wb") as f:
                f.write(content)
        b.start()
    b.stop()
    doctor_says(a, f"is not connected: Connection refused ({b.ip}:{hosts.C3P})")
    for files, why in ((expired, "its certificate has expired"),
                       (wrong, f"its certificate is not good for {b.host}")):
        rsa = [os.path.join(b.dir, "certs", "mcu-im-rsa2048" + e) for e in (".crt", ".key")]
        for path in rsa:
            if os.path.exists(path):
                os.rename(path, path + ".away")
        put([open(f, "rb").read() for f in files])
        doctor_says(a, "is not connected: " + why, "All certificates are to be of one CA")
        b.stop()
    for path in rsa:
        os.rename(path + ".away", path)
    put(good)
    case.site.wait_connected()


if __name__ == "__main__":
    tap.main(hosts.make)
