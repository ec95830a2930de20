#!/usr/bin/python3
"""One port 443 for browsers and for clients of the relay: the door passes each connection on to the role that its first
bytes are for, and holds nobody up."""
import contextlib
import itertools
import json
import os
import select
import signal
import socket
import ssl
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import edge, metrics, netns, proc, site, stun, tap, turn  # noqa: E402
from lib.relaying import Peer  # noqa: E402
from lib.server import Server, program  # noqa: E402
from lib.siptext import Phone  # noqa: E402
from lib.tap import WAIT_S, check, check_eq, wait_for  # noqa: E402
from lib.web import PAGE, Browser, Site, address, make_pages  # noqa: E402

IP, IP6, PORT, METRICS_PORT = netns.SERVER_IP, "fd77::1", 443, 9386
WEB, RELAY, POOL = "chat.example.test", "av.example.test", site.HOST
OF_ADDRESS, WAITING = 20, 60  # that may wait
OPENING_S = 6
_sources = itertools.count(1)

# As Lync's clients and libnice send it: 50 bytes, of which 32 are random.
PSEUDO_TLS = bytes.fromhex("160301002d010000290301") + bytes(32) + bytes.fromhex("00000200180100")
PSEUDO_TLS_ANSWER = 83
H2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
H2_SETTINGS = 4


def _server(folder, **fields):
    """Whose front ends listen at the door's port too; with an IPv6 address, where the relay alone is behind the door."""
    netns.ip_tool("address", "add", f"{IP6}/128", "dev", "lo", "nodad")
    s = Server(folder, also=IP6, **fields)
    path = os.path.join(s.dir, "topology.conf")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    s._write("topology.conf", text.replace(f"\ntls = {IP}:5061,", f"\ntls = {IP}:{PORT}, {IP}:5061,"))
    return s


class Doored(site.Site):
    """Web role, relay and front ends, each with a name of its own, and the door before them."""

    def __init__(self, args, folder):
        super().__init__(
            args, folder, make_server=_server,
            web=f"name = {WEB}\nmetrics-port = 0\nweb-root = {make_pages(folder)}\nhttps = {IP}:{PORT}\n",
            edge=f"metrics-port = 0\nname = {RELAY}\nopen-peers = 127.0.0.0/8\nprocesses = {args.frontends}\n",
            door=f"processes = 1\nmetrics-port = {METRICS_PORT}\nwaiting-max = {WAITING}\n"
                 f"waiting-of-address = {OF_ADDRESS}\nopening-time = {OPENING_S} s\n")
        self.edge = edge.Edge(self.server, IP)
        self.edge.ports["tcp"] = self.edge.ports["tls"] = PORT


def make(args, folder):
    netns.enter()
    return Doored(args, folder)


# --- clients


def source():
    """An address that no other client has."""
    n = next(_sources)
    return f"127.9.{n >> 8}.{n & 255}"


def browser(case, **kw):
    return case.own(Browser(Site(case.site.server, port=PORT, host=WEB, source=source()), case.site.user("web"), **kw))


def relay_client(case, transport, name=RELAY, ca=None):
    user = case.site.edge.user()
    return case.own(turn.Client((IP, PORT), transport, case.site.edge.credential(user), source=source(),
                                ca=ca or case.site.server.ca, name=name)), user


def connect(case, at=None):
    s = socket.create_connection((IP, PORT), WAIT_S, (at or source(), 0))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    case.undo.callback(s.close)
    return s


def context(case, *alpn):
    c = ssl.create_default_context(cafile=case.site.server.ca)
    c.check_hostname = False
    if alpn:
        c.set_alpn_protocols(list(alpn))
    return c


class Tls:
    """TLS by hand: `cut` makes pieces of what the client sends first."""

    def __init__(self, case, alpn=(), name=None, cut=lambda hello: [hello]):
        self.s = connect(case)
        self.inside, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context(case, *alpn).wrap_bio(self.inside, self.out, server_hostname=name)
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        for piece in cut(self.out.read()):
            self.s.sendall(piece)
        self._pump(self.tls.do_handshake)

    def _pump(self, step):
        while True:
            try:
                got = step()
                self.s.sendall(self.out.read())
                return got
            except ssl.SSLWantReadError:
                self.s.sendall(self.out.read())
                more = self.s.recv(1 << 16)
                check(more, "the connection ends in the middle of the handshake")
                self.inside.write(more)

    def ask(self, data):
        """Sends it; what comes first."""
        self.tls.write(data)
        self.s.sendall(self.out.read())
        return self._pump(lambda: self.tls.read(1 << 16))

    def role(self):
        """Whose certificate it has shown."""
        names = [value for kind, value in self.tls.getpeercert()["subjectAltName"] if kind == "URI"]
        return names[0].rsplit(":", 1)[1]


def byte_by_byte(data):
    return [data[i:i + 1] for i in range(len(data))]


def in_records(hello):
    """The same ClientHello in records of 50 bytes, each sent by itself."""
    body = hello[5:]
    return [hello[:3] + struct.pack("!H", len(body[i:i + 50])) + body[i:i + 50] for i in range(0, len(body), 50)]


def get(path="/"):
    return f"GET {path} HTTP/1.1\r\nHost: {WEB}\r\nConnection: close\r\n\r\n".encode()


def binding():
    tid = os.urandom(12)
    return struct.pack("!HHI", stun.BINDING, 0, 0x2112a442) + tid, tid


def ended(s, bound=WAIT_S):
    """The server has ended it, without a word."""
    s.settimeout(bound)
    try:
        return s.recv(1) == b""
    except ConnectionError:
        return True


def reached(case, role):
    with contextlib.suppress(OSError, AssertionError):
        return Tls(case, ["h2"], WEB).role() == role
    return False


def figure(name, **labels):
    return metrics.scrape(METRICS_PORT).get(f"dialtone_door_{name}", **labels)


def descriptors(case):
    return len(os.listdir(f"/proc/{case.site.server.pid_of_role('door')}/fd"))


def is_quiet(case, before):
    return figure("waiting") == 0 and descriptors(case) <= before


# --- who gets what


@tap.test
def a_browser_signs_in_and_chats(case):
    a, b = browser(case).start(), browser(case).start()
    a.wait_self("available")
    a.ok("contacts.add", uri=address(b.user), name="Bob")
    a.wait_sees(b.user, "available")
    check_eq(a.site.request("GET", "/", origin=False).body.decode(), PAGE, "the page")


@tap.test
def http_2_passes(case):
    t = Tls(case, ["h2", "http/1.1"], WEB)
    check_eq(t.tls.selected_alpn_protocol(), "h2", "what was agreed on")
    answer = t.ask(H2_PREFACE)
    check_eq(answer[3], H2_SETTINGS, f"the type of the first frame: {answer[:9].hex()}")


@tap.test
def the_relay_serves_tcp_and_tls(case):
    for transport in ("tcp", "tls"):
        (client, _), peer = relay_client(case, transport), Peer(case, source())
        client.allocate()
        client.permit(peer.ip)
        client.send(peer.address, b"hello")
        check_eq(peer.receive(), (client.relayed[0], b"hello"), f"by {transport}")
        peer.send(client.relayed[0], b"back")
        check_eq(client.receive(), (peer.address, b"back"), f"by {transport}, the way back")


@tap.test
def pseudo_tls_of_lync_clients_is_the_relays(case):
    s = connect(case)
    s.sendall(PSEUDO_TLS)
    got = b""
    while len(got) < PSEUDO_TLS_ANSWER:
        more = s.recv(PSEUDO_TLS_ANSWER - len(got))
        check(more, f"the end behind {len(got)} bytes")
        got += more
    check_eq(got[:3].hex(), "160301", "the answer begins as TLS does")


@tap.test
def a_protocol_or_a_name_decides_about_tls(case):
    for alpn, name, role in ((["http/1.1"], None, "web"), (["h2"], IP, "web"), (["h2"], RELAY, "web"),
                             (["stun.turn"], WEB, "edge-av"), (["stun.nat-discovery"], None, "edge-av"),
                             ([], WEB, "web"), ([], WEB.upper(), "web"), ([], RELAY, "edge-av"),
                             ([], "lyncdiscover.example.test", "web"), ([], None, "edge-av"),
                             ([], "nobody.example.test", "edge-av"),
                             (["sip/2"], None, "frontend"), ([], POOL, "frontend"),
                             ([], "sipinternal.example.test", "frontend"),
                             (["h2", "stun.turn"], WEB, "web"), (["h2", "stun.turn"], RELAY, "edge-av")):
        check_eq(Tls(case, alpn, name).role(), role, f"ALPN {alpn}, SNI {name}")


@tap.test
def what_comes_in_pieces_is_put_together(case):
    for cut in (byte_by_byte, in_records):
        check(Tls(case, ["http/1.1"], WEB, cut).ask(get()).startswith(b"HTTP/1.1 200 "), cut.__name__)
        check_eq(Tls(case, [], RELAY, cut).role(), "edge-av", cut.__name__)
    request, tid = binding()
    for data, enough in ((request, 32), (PSEUDO_TLS, PSEUDO_TLS_ANSWER)):
        s = connect(case)
        for piece in byte_by_byte(data):
            s.sendall(piece)
        got = s.recv(1 << 16)
        while len(got) < enough:
            got += s.recv(1 << 16)
        check(data is PSEUDO_TLS or got[8:20] == tid, f"the answer: {got.hex()}")


@tap.test
def phones_sign_in_over_tls(case):
    phones = [case.own(Phone(case.site.server, case.site.user("phone"), "tls", target=(IP, PORT), source=source()))
              for _ in range(2)]
    for p in phones:
        p.sign_in()
    a, b = phones
    sent = a.make("MESSAGE", b.user.uri, body=b"by the door", headers=[("Content-Type", "text/plain")])
    a.send(sent)
    got = b.expect_request("MESSAGE")
    check_eq(got.body, b"by the door", "what arrives")
    b.answer(got, 200)
    check_eq(a.expect_answer(sent).code, 200, "the answer")


@tap.test
def who_is_alone_at_an_address_gets_all_that_it_can_take(case):
    for alpn, name in (([], WEB), (["stun.turn"], None)):
        wire = turn.Stream((IP6, PORT), None, context(case, *alpn), name)
        case.undo.callback(wire.close)
        wire.send(binding()[0])
        check(wire.read(time.monotonic() + WAIT_S), f"an answer over IPv6: {alpn}, {name}")


@tap.test
def the_relays_own_test_passes_by_each_way(case):
    argv = [program("dialtone"), "--config", case.site.server.dir, "--json", "relay", "test", "--to", IP]
    status, text = proc.run(case.site.net.host().wrap(argv))
    found = {f["transport"]: f["level"] for f in json.loads(text) if f["family"] == "ipv4"}
    check_eq((status, found), (0, dict.fromkeys(("udp", "tcp", "tls", "pseudo-tls"), "ok")), text)


@tap.test
def the_role_sees_who_it_is(case):
    b = browser(case)
    b.log_in()
    check_eq([row["from"] for row in b.own("logins")["logins"]], [b.site.source], "of a log-in")
    client, user = relay_client(case, "tcp")
    client.allocate()
    row = case.site.server.json("allocation", "list", user)[0]
    check_eq(row["client"], "%s:%d" % client.wire.s.getsockname()[:2], "of an allocation")


@tap.test
def http_is_sent_to_the_port_of_the_door(case):
    with socket.create_connection((IP, 80), WAIT_S) as s:
        s.sendall(get("/people"))
        head = s.recv(1 << 16).decode()
    check(f"Location: https://{WEB}/people\r\n" in head, head)


# --- limits


@tap.test(alone=True)
def who_says_nothing_holds_nobody_up(case):
    before, silent = descriptors(case), figure("ended_total", why="silent")
    quiet = [connect(case) for _ in range(OF_ADDRESS)]
    for s in quiet[::2]:
        s.sendall(b"\x16\x03\x01")
    wait_for(lambda: figure("waiting") == OF_ADDRESS, "all of them to wait")
    check_eq(Tls(case, ["h2"], WEB).role(), "web", "somebody else")
    check(all(ended(s) for s in quiet), "they have been ended")
    wait_for(lambda: figure("ended_total", why="silent") == silent + OF_ADDRESS, "them to be counted")
    wait_for(lambda: is_quiet(case, before), "their descriptors to be gone")


@tap.test(alone=True)
def who_ends_or_stops_half_way_is_forgotten(case):
    before, silent = descriptors(case), figure("ended_total", why="silent")
    for data in (b"", b"\x16", b"\x16\x03\x01\x02\x00" + bytes(100), PSEUDO_TLS[:-1]):
        s = connect(case)
        s.sendall(data)
        s.close()
    wait_for(lambda: figure("ended_total", why="silent") == silent + 4, lambda: f"{silent} + 4: {metrics.scrape(METRICS_PORT).samples}")
    wait_for(lambda: is_quiet(case, before), "their descriptors to be gone")


@tap.test(alone=True)
def one_address_has_its_share_alone(case):
    crowd, crowded = source(), figure("ended_total", why="crowded")
    held = [connect(case, crowd) for _ in range(OF_ADDRESS)]
    wait_for(lambda: figure("waiting") == OF_ADDRESS, "them to wait")
    check(ended(connect(case, crowd)), "one more")
    check_eq(figure("ended_total", why="crowded"), crowded + 1, "counted")
    check_eq(Tls(case, ["h2"], WEB).role(), "web", "another address")
    for s in held:
        s.close()
    wait_for(lambda: figure("waiting") == 0, "their end")


@tap.test(alone=True)
def who_floods_pushes_itself_out(case):
    crowded = figure("ended_total", why="crowded")
    one = connect(case)
    crowds = [connect(case, at) for at in [source() for _ in range(3)] for _ in range(OF_ADDRESS)]
    wait_for(lambda: figure("ended_total", why="crowded") > crowded, "one to be pushed out")
    check_eq(sum(bool(select.select([s], [], [], 0)[0]) for s in crowds), 1, "one of the crowds")
    check(select.select([one], [], [], 0)[0] == [], "the one is still there")
    request, tid = binding()
    one.sendall(request)
    check_eq(one.recv(1 << 16)[8:20], tid, "and is served")
    for s in crowds:
        s.close()
    wait_for(lambda: figure("waiting") == 0, "their end")


@tap.test(alone=True)
def what_is_nobodys_is_refused(case):
    before, foreign = descriptors(case), figure("ended_total", why="foreign")
    big = b"\x16\x03\x01\x40\x00\x01\x00\x7f\xff" + bytes(20)
    for data in (b"GET x", b"SSH-2.0-x\r\n", b"\x16\x03\x01\x00\x00", big, b"\x16\x03\x01\x00\x06\x02\x00\x00\x02\x03\x03",
                 b"\x16\x03\x01\x00\x04\x01\x00\x00\x00", b"\x80" + bytes(20)):
        s = connect(case)
        s.sendall(data)
        check(ended(s, OPENING_S + WAIT_S), data[:12])
    wait_for(lambda: is_quiet(case, before), "their descriptors to be gone")
    check_eq(figure("ended_total", why="foreign"), foreign + 7, "counted")


@tap.test
def who_forgets_https_is_sent_there(case):
    s = connect(case)
    for piece in byte_by_byte(get("/people?x=1")):
        s.sendall(piece)
    answer = b""
    while got := s.recv(65536):
        answer += got
    check(answer.startswith(b"HTTP/1.1 308 "), answer)
    check(f"Location: https://{WEB}/people?x=1\r\n".encode() in answer, answer)


# --- losses


@tap.test(alone=True)
def a_killed_role_comes_back_and_takes_nobody_elses_connections(case):
    client, _ = relay_client(case, "tcp")
    client.allocate()
    b = browser(case).start()
    case.site.server.kill_role("web")
    client.refresh()
    check_eq(Tls(case, [], RELAY).role(), "edge-av", "the relay meanwhile")

    wait_for(lambda: reached(case, "web"), "the web role to be reached again")
    b.stop()
    browser(case).start().wait_self("available")


@tap.test(alone=True)
def whom_nobody_serves_is_ended_and_counted(case):
    before, down = descriptors(case), figure("ended_total", why="down")

    def counted():
        case.site.server.kill_role("web")
        for _ in range(3):
            reached(case, "web")
        return figure("ended_total", why="down") > down
    wait_for(counted, "a connection that nobody took")  # each time it is away for longer
    wait_for(lambda: descriptors(case) <= before, "no descriptor to stay")
    check("connection-not-passed role=web" in case.site.server.p.text(), "the log says so")
    wait_for(lambda: reached(case, "web"), "the web role to be reached again")


@tap.test(alone=True)
def a_role_that_takes_nothing_holds_nobody_up(case):
    """It has stopped: what its link has no room for is ended, and the others are served."""
    before, down = descriptors(case), figure("ended_total", why="down")
    hello = Hello(case)
    def is_full():
        """Once no more come than may wait for their turn."""
        for _ in range(WAITING // 2):
            connect(case).sendall(hello.data)
        wait_for(lambda: figure("waiting") == 0, "the door to have read them")
        return figure("ended_total", why="down") > down
    with case.site.server.halted("web"):
        wait_for(is_full, "the link to be full")
        check_eq(Tls(case, [], RELAY).role(), "edge-av", "the relay meanwhile")
        wait_for(lambda: is_quiet(case, before), "the door to have none of them")
    wait_for(lambda: reached(case, "web"), "the web role to be reached afterwards")


class Hello:
    """A ClientHello for the web role."""

    def __init__(self, case):
        out = ssl.MemoryBIO()
        tls = context(case, "h2").wrap_bio(ssl.MemoryBIO(), out, server_hostname=WEB)
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.do_handshake()
        self.data = out.read()


@tap.test(alone=True)
def a_killed_door_takes_no_connection_with_it_that_it_has_passed(case):
    server = case.site.server
    client, _ = relay_client(case, "tls")
    client.allocate()
    a, b = browser(case).start(), browser(case).start()
    a.ok("contacts.add", uri=address(b.user), name="Bob")
    a.wait_sees(b.user, "available")
    pid = server.pid_of_role("door")
    os.kill(pid, signal.SIGSTOP)
    waiting = connect(case)  # in the kernel's queue
    request, tid = binding()
    waiting.sendall(request)
    os.kill(pid, signal.SIGKILL)
    waiting.settimeout(WAIT_S)
    check_eq(waiting.recv(1 << 16)[8:20], tid, "who came meanwhile is served by the next")
    client.refresh()
    b.ok("presence.set", state="busy")
    a.wait_sees(b.user, "busy")
    browser(case).start().wait_self("available")


@tap.test(alone=True)
def a_reload_changes_whom_the_silent_ones_go_to(case):
    server = case.site.server
    path = os.path.join(server.dir, "topology.conf")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    passed = browser(case).start()
    try:
        for lines, role in (("tls-default = web\n", "web"), ("", "edge-av")):
            server._write("topology.conf", text.replace("[role door]\n", "[role door]\n" + lines))
            server.reload()
            check_eq(Tls(case).role(), role, f"no name, no protocol: {lines}")
    finally:
        server._write("topology.conf", text)
    check_eq(passed.ok("presence.set", state="busy").get("error"), None, "who was there is still")


# --- what is said of it


@tap.test
def the_tools_know_it(case):
    server = case.site.server
    rows = {r["role"]: r for r in server.roles()}
    check_eq(rows["door"]["state"], "running", "role list")
    shown = {r["role"]: r for r in server.json("topology", "show")["roles"]}
    both = f"{IP}:{PORT}, [{IP6}]:{PORT}"
    check_eq((shown["door"]["tcp"], shown["edge-av"]["tcp"], shown["web"]["https"]), (both, both, f"{IP}:{PORT}"), "topology show")
    check("door-" not in server.tool("cert", "show") + str(os.listdir(os.path.join(server.dir, "certs"))), "it has no certificate")
    found = server.json("doctor", "--no-dns", ok=False)
    check_eq([f for f in found if f["level"] == "error"], [], "the doctor")
    check(f"lyncdiscover.example.test. 3600 IN A {IP}" in server.tool("dns"), "the record for HTTPS at 443")


@tap.test
def the_check_names_the_door_as_a_remedy_and_what_it_lacks(case):
    server = case.site.server
    folder = os.path.join(case.dir, "conf")
    os.makedirs(folder)
    with open(os.path.join(server.dir, "topology.conf"), encoding="utf-8") as f:
        text = f.read()
    with open(os.path.join(folder, "local.conf"), "w", encoding="utf-8") as f:
        f.write("[local]\nhost = main\nuser = root\n")

    def checked(text):
        with open(os.path.join(folder, "topology.conf"), "w", encoding="utf-8") as f:
            f.write(text)
        return server.tool("--config", folder, "topology", "check", ok=False)

    before, _, after = text.partition("[role door]\n")
    rest = after[after.index("[role"):]
    check(f"https {IP}:{PORT} of [role web] is already used by tcp of [role edge-av]" in checked(before + rest)
          and "[role door]" in checked(before + rest), checked(before + rest))
    check("error" not in checked(text).lower(), checked(text))
    alone = checked(text.replace("[role door]\n", f"[role door]\ntcp = {IP}:{PORT}, {IP}:8443\n"))
    check(f"nobody is behind {IP}:8443 of [role door]" in alone, alone)
    other = checked(text.replace(f"https = {IP}:{PORT}", f"https = 0.0.0.0:{PORT}"))
    check("of [role door] is already used by https of [role web]" in other, other)
    check("never decrypts" in server.tool("cert", "issue", "--role", "door", ok=False), "no certificate for it")


if __name__ == "__main__":
    tap.main(make)
