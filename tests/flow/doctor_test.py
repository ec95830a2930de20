#!/usr/bin/python3
"""`dialtone doctor` finds what commonly goes wrong, and names the remedy of each."""
import ctypes
import json
import os
import pwd
import resource
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from flow.install import Install  # noqa: E402
from lib import netns, ports, proc, tap  # noqa: E402
from lib.dns import Dns  # noqa: E402
from lib.server import program  # noqa: E402

SETTINGS = ()
FILES_WANTED = 65536
INSIDE, OUTSIDE = "10.77.99.1", "192.0.2.7"  # addresses of this machine


class Site:
    def __init__(self, _args, folder):
        self.net = netns.Net(folder)
        for ip in INSIDE, OUTSIDE:
            netns.ip_tool("address", "add", f"{ip}/32", "dev", "lo")

    def stop(self):
        pass


def make(args, folder):
    netns.enter()
    return Site(args, folder)


def installed(case, frontend="", **kw):
    ip = ports.loopback()
    i = Install(case.dir, addresses=ip, frontend=frontend or f"udp = {ip}:5060\ntcp = none\n"
                f"tls = {ip}:5061", **kw)
    i.must("cert", "init")
    i.ip = ip
    return i


def examined(i, *words):
    status, found = i.json("doctor", "--no-dns", *words)
    return status, found


def about(found, text, level=None):
    """The findings on something, as text."""
    return [f["what"] for f in found if text in f["about"] and level in (None, f["level"])]


@tap.test
def a_good_installation_has_no_error(case):
    i = installed(case)
    status, found = examined(i)
    tap.check_eq([f for f in found if f["level"] == "error"], [], "errors")
    tap.check_eq(status, 0, "status")
    tap.check_eq(about(found, f"udp {i.ip}:5060"), ["free"], "port")
    tap.check_eq(about(found, "server", "warning"), ["is not running"], "server")


@tap.test
def every_warning_and_error_has_a_remedy(case):
    i = installed(case)
    os.remove(i.cert("frontend-p256.crt"))
    _, found = examined(i)
    bad = [f for f in found if f["level"] in ("warning", "error")]
    tap.check(len(bad) >= 2 and all(f.get("remedy") for f in bad), f"{bad}")


@tap.test
def a_taken_port_names_the_process(case):
    i = installed(case)
    for kind, proto, port in ((socket.SOCK_DGRAM, "udp", 5060), (socket.SOCK_STREAM, "tls", 5061)):
        with socket.socket(socket.AF_INET, kind) as s:
            s.bind((i.ip, port))
            if kind == socket.SOCK_STREAM:
                s.listen()
            status, found = examined(i)
        what = about(found, f"{proto} {i.ip}:{port}", "error")
        tap.check(len(what) == 1 and f"pid {os.getpid()} (" in what[0], f"{what}")
        tap.check_eq(status, 1, "status")


@tap.test
def a_port_that_another_account_holds_is_not_free(case):
    if os.geteuid() != 0:
        tap.skip("needs root, to be somebody else")
    i = installed(case)
    folder = i.dir
    while folder != "/":
        os.chmod(folder, os.stat(folder).st_mode | 0o011)
        folder = os.path.dirname(folder)
    os.chmod(i.dir, 0o755)
    argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if subprocess.run([*argv, "test", "-x", program("dialtone")]).returncode != 0:
        tap.skip("the build directory cannot be reached by another account")
    argv += [program("dialtone"), "--config", i.dir, "--json", "doctor", "--no-dns"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((i.ip, 5060))
        found = json.loads(proc.run(argv)[1])
        tap.check_eq(about(found, f"udp {i.ip}:5060", "error"),
                     ["is held by a process of another account"], "no server runs")
        tap.check_eq(about(found, f"tls {i.ip}:5061"), ["free"], "the other port")
        # As the control socket of a server that this account may not ask.
        os.makedirs(i.path("run"), exist_ok=True)
        with socket.socket(socket.AF_UNIX) as ctl:
            ctl.bind(i.path("run/dialtoned.ctl"))
            os.chmod(i.path("run/dialtoned.ctl"), 0o600)
            ctl.listen()
            found = json.loads(proc.run(argv)[1])
    what = about(found, f"udp {i.ip}:5060", "note")
    tap.check(len(what) == 1 and "taken" in what[0], f"{found}")
    tap.check("cannot be asked" in about(found, "server", "note")[0], f"{found}")


@tap.test
def listeners_without_encryption_are_named(case):
    i = installed(case, frontend="udp = 10.1.2.3:5060\ntcp = 198.51.100.7:5060\n"
                                 "tls = 198.51.100.7:5061")
    _, found = examined(i)
    tap.check(about(found, "udp 10.1.2.3:5060", "note"), "private: a note")
    tap.check(about(found, "tcp 198.51.100.7:5060", "warning"), "public: a warning")
    tap.check_eq([w for w in about(found, "tls ") if "encrypted" in w], [], "TLS")


@tap.test
def open_secrets_are_errors(case):
    i = installed(case)
    os.makedirs(i.path("data"))
    for name in ("data/seal.key", "data/accounts.db", "accounts.txt"):
        i.write(name, "secret", mode=0o640)
    i.write("data/public.txt", "public", mode=0o644)
    status, found = examined(i)
    bad = {f["about"]: f["remedy"] for f in found if f["level"] == "error"}
    tap.check_eq(bad, {i.path(n): "chmod 600 " + i.path(n)
                       for n in ("data/seal.key", "data/accounts.db", "accounts.txt")}, "errors")
    tap.check_eq(status, 1, "status")


@tap.test
def databases_that_the_roles_cannot_open_are_errors(case):
    """As after `cp -r` of a backup by root."""
    if os.geteuid() != 0:
        tap.skip("needs root, as which the server gives its roles another account")
    i = installed(case)
    i.write("local.conf", "[local]\nhost = main\nuser = nobody\n")
    os.makedirs(i.path("data"))
    for name in ("users.db", "home-1.db-log0", "seal.key"):
        i.write("data/" + name, "", mode=0o600)
    os.chown(i.path("data/users.db"), pwd.getpwnam("nobody").pw_uid, -1)
    status, found = examined(i)
    bad = {f["about"]: f["remedy"] for f in found if f["level"] == "error"}
    log = i.path("data/home-1.db-log0")
    tap.check_eq(bad, {log: f"chown nobody: {log}"}, "errors")
    i.write("local.conf", "[local]\nhost = main\nuser = no-such-account\n")
    status, found = examined(i)
    tap.check(status == 1 and "there is no account no-such-account" in about(found, "user")[0],
              f"an account that there is not: {found}")
    i.write("local.conf", "[local]\nhost = main\nuser = root\n")
    _, found = examined(i)
    tap.check("the roles run as root" in about(found, "user")[0], f"roles that stay root: {found}")


@tap.test
def a_full_disk_is_an_error(case):
    small = os.path.join(case.dir, "small")
    os.makedirs(small)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "none", small], check=True)
    i = installed(case, local=f"data = {small}/data\n")
    status, found = examined(i)
    what = about(found, "data", "error")
    tap.check(len(what) == 1 and "MB free" in what[0], f"{found}")
    tap.check_eq(status, 1, "status")


@tap.test
def a_low_limit_of_open_files_is_a_warning(case):
    i = installed(case)
    argv = [program("dialtone"), "--config", i.dir, "--json", "doctor", "--no-dns"]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for limit in [1024] + [hard] * (hard > 0):  # -1: none
        _, said = proc.run(["sh", "-c", f'ulimit -n {limit} && exec "$@"', "sh", *argv])
        found = next(f for f in json.loads(said) if f["about"] == "open files")
        level = "ok" if limit >= FILES_WANTED else "warning"
        tap.check(found["level"] == level and str(limit) in found["what"], f"{found}")
        tap.check(level == "ok" or "LimitNOFILE" in found["remedy"], f"{found}")


class Timex(ctypes.Structure):
    """The start of struct timex (adjtimex(2)); the rest is for the kernel to fill."""
    _fields_ = [("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long),
                ("maxerror", ctypes.c_long), ("esterror", ctypes.c_long), ("status", ctypes.c_int),
                ("rest", ctypes.c_char * 256)]


@tap.test
def the_clock_is_reported_as_the_kernel_sees_it(case):
    t = Timex()
    state = ctypes.CDLL(None).adjtimex(ctypes.byref(t))
    kept = state != 5 and not t.status & 0x40  # TIME_ERROR, STA_UNSYNC
    _, found = examined(installed(case))
    clock = next(f for f in found if f["about"] == "clock")
    tap.check_eq(clock["level"], "ok" if kept else "warning", f"{clock}")
    tap.check(kept or "timedatectl" in clock["remedy"], f"{clock}")


@tap.test
def missing_and_wrong_dns_records_are_found_with_their_lines(case):
    i = installed(case)
    zone = [x for x in i.must("dns").splitlines() if x.split()[2:3] == ["IN"]]
    names = Dns("127.0.0.53", zone)
    case.own(names)
    words = ("doctor", "--server", "127.0.0.53")
    _, found = i.json(*words)
    was = [f for f in found if f["level"] in ("warning", "error")]
    good = {f["about"] for f in found if f["level"] == "ok"}
    tap.check(any(zone[0].split()[0].rstrip(".") in x for x in good), f"{good}")
    tap.check_eq([f for f in was if "IN SRV" in f.get("remedy", "")], [], "missing, of all")
    srv = next(k for k in names.records if k[0].startswith("_sip"))
    gone = names.records.pop(srv)
    _, found = i.json(*words)
    missing = [f for f in found if srv[0] in f["about"]]
    tap.check(missing and missing[0]["level"] in ("warning", "error"), f"{found}")
    tap.check("SRV" in missing[0]["remedy"], f"{missing}")
    names.records[srv] = gone
    host = next(k for k in names.records if k[1] == 1)
    names.records[host] = [socket.inet_aton("192.0.2.77")]
    _, found = i.json(*words)
    wrong = [f for f in found if host[0] in f["about"] and f["level"] in ("warning", "error")]
    tap.check(wrong and "192.0.2.77" in wrong[0]["what"], f"{found}")


@tap.test
def people_see_how_many_dns_records_are_missing_and_what_shows_each(case):
    i = installed(case)
    zone = [x for x in i.must("dns").splitlines() if x.split()[2:3] == ["IN"]]
    names = Dns("127.0.0.54", zone)
    case.own(names)

    def told():
        lines = i.must("doctor", "--server", "127.0.0.54").splitlines()
        return [l for l in lines if "dns:" in l or "dns --check" in l]
    tap.check_eq(told(), [f"ok       dns: has {len(zone)} of {len(zone)} records"], "all")
    for srv in [k for k in names.records if k[0].startswith("_sip")][:2]:
        names.records.pop(srv)
    names.records[next(k for k in names.records if k[1] == 1)] = [socket.inet_aton("192.0.2.77")]
    first, second = told()
    tap.check(first.startswith("warning  dns: ") and "2 are missing, 1 is wrong" in first, first)
    tap.check("`dialtone dns --check --server 127.0.0.54` shows each" in second, second)
    status, text = i.tool("doctor", "--server", "127.255.255.1")
    tap.check(status == 1 and "error    dns: no answer" in text and "records that" not in text, text)


def edge(case, lines="", addresses="", folder=""):
    """With the A/V edge, on ports of its own."""
    ip = ports.loopback()
    i = Install(os.path.join(case.dir, folder), addresses=addresses or ip,
                frontend=f"udp = {ip}:5060\ntcp = none\ntls = {ip}:5061\n[role media-bridge]\n"
                f"[role edge-av]\nudp = {ip}:3478\ntcp = {ip}:3479\n{lines}")
    i.ip = ip
    return i


def of_relay(i, name="relay"):
    return [f for f in examined(i)[1] if f["about"] == name and f["level"] != "ok"]


@tap.test
def a_relay_without_a_public_address_is_a_note_with_the_ports_to_forward(case):
    i = edge(case, addresses=INSIDE)
    found = of_relay(i)
    tap.check_eq([f["level"] for f in found], ["note"], f"{found}")
    tap.check("UDP 3478, TCP 3479, UDP 50000 to 59999" in found[0]["remedy"], f"{found}")
    more = of_relay(edge(case, "ocs2007-compatibility = yes", INSIDE, folder="ocs"))
    tap.check("TCP 3479, UDP and TCP 50000 to 59999" in more[0]["remedy"], f"{more}")
    tap.check_eq(about(examined(i)[1], f"tcp {i.ip}:3479"), ["free"], "its port")


@tap.test
def a_relay_with_a_public_address_says_nothing(case):
    for lines, addresses in (("", OUTSIDE),
                             ("external-name = av.example.test\nexternal-addresses = 192.0.2.9", "")):
        i = edge(case, lines, addresses, folder=addresses)
        tap.check_eq(of_relay(i), [], lines or addresses)


@tap.test
def a_relay_behind_a_nat_with_a_name_inside_is_a_warning(case):
    for name in "pool.example.test", "10.0.0.7":
        i = edge(case, f"external-addresses = 192.0.2.7\nexternal-name = {name}", folder=name)
        found = of_relay(i)
        tap.check_eq([f["level"] for f in found], ["warning"], f"{found}")
        tap.check(name in found[0]["what"] and "external-name" in found[0]["remedy"], f"{found}")


@tap.test
def a_relay_on_loopback_alone_is_a_warning(case):
    found = of_relay(edge(case))
    tap.check_eq([f["level"] for f in found], ["warning"], f"{found}")
    tap.check("loopback addresses alone" in found[0]["what"], f"{found}")


@tap.test
def relay_addresses_that_the_host_does_not_have_are_an_error(case):
    for lines, addresses, what in (("relay-addresses = 192.0.2.9", "", "relay-addresses: 192.0.2.9"),
                                   ("", "192.0.2.9", "the host's addresses: 192.0.2.9")):
        found = of_relay(edge(case, lines, addresses, folder=addresses))
        tap.check_eq([f["level"] for f in found], ["error"], f"{found}")
        tap.check(what + " is no address of this host" in found[0]["what"], f"{found}")
        tap.check("external-addresses" in found[0]["remedy"], f"{found}")


@tap.test
def it_does_not_start_with_them_and_says_why(case):
    i = edge(case, "relay-addresses = 192.0.2.9")
    i.must("cert", "init")
    p = case.own(proc.Proc([program("dialtoned"), "--config", i.dir], i.path("log")))
    p.wait_text("192.0.2.9 is no address of this host")
    tap.check("not-started" in p.text() and "external-addresses" in p.text(), p.text())


@tap.test
def an_external_name_that_takes_the_place_of_the_name_is_a_warning(case):
    lines = f"name = av.example.test\ninternal-name = {INSIDE}\n"
    i = edge(case, lines + f"external-name = {INSIDE}", INSIDE)
    found = [f for f in of_relay(i) if f["level"] == "warning"]
    tap.check_eq(len(found), 1, f"{found}")
    tap.check(f"external-name, {INSIDE}, instead of name, av.example.test" in found[0]["what"],
              f"{found}")
    more = of_relay(edge(case, lines, INSIDE, folder="without"))
    tap.check_eq([f for f in more if f["level"] == "warning"], [], "without it")


@tap.test
def peers_that_are_opened_too_far_are_warnings(case):
    i = edge(case, "open-peers = 10.1.0.0/16, 0.0.0.0/0, ::1, 127.0.0.0/8, 10.0.0.0/8", INSIDE)
    found = of_relay(i, "relay peers")
    tap.check_eq([f["level"] for f in found], ["warning"] * 3, f"{found}")
    for f, net in zip(found, ("0.0.0.0/0: whoever has credentials reaches every address", "::1/128",
                              "127.0.0.0/8")):
        tap.check(net in f["what"], f"{f}")


@tap.test
def a_relay_without_a_face_is_an_error_of_the_topology(case):
    i = edge(case)
    with open(i.path("topology.conf"), encoding="utf-8") as f:
        text = f.read()
    i.write("topology.conf", text.replace(f"udp = {i.ip}:3478\ntcp = {i.ip}:3479\n",
                                          "udp = none\ntcp = none\n"))
    status, told = i.tool("topology", "check")
    tap.check(status == 1 and "[role edge-av] `udp` and `tcp` are none" in told, told)


@tap.test
def a_certificate_that_is_missing_beside_its_key_is_told_with_the_remedy(case):
    i = installed(case)
    os.remove(i.cert("frontend-p256.crt"))
    _, found = examined(i)
    bad = [f for f in found if f["about"] == "frontend-p256.crt" and f["level"] == "error"]
    tap.check(bad and "`dialtone cert issue`" in bad[0]["remedy"], f"{bad}")
    status, text = proc.run([program("dialtoned"), "--config", i.dir])
    tap.check(status != 0 and "frontend-p256.key is there; `dialtone cert issue`" in text, text)
    i.must("cert", "issue")
    tap.check(os.path.exists(i.cert("frontend-p256.crt")), "it is there again")


@tap.test
def what_the_relay_cannot_begin_with_is_an_error(case):
    i = edge(case, "external-addresses = nat.example.test")
    status, text = i.tool("doctor", "--no-dns")
    tap.check(status == 1 and "[role edge-av] external-addresses" in text and
              "nat.example.test" in text, text)


@tap.test
def ports_of_the_relay_that_others_have_are_warnings(case):
    i = edge(case, "relay-port-min = 3479\nrelay-port-max = 40000")
    what = [f["what"] for f in of_relay(i, "relay ports") if f["level"] == "warning"]
    tap.check_eq(what, ["3479 to 40000 are in part those of the media bridge, 40000 to 49999",
                        f"3479 to 40000 include udp {i.ip}:5060 of [role frontend]",
                        f"3479 to 40000 include tls {i.ip}:5061 of [role frontend]",
                        f"3479 to 40000 include wss {i.ip}:7443 of [role frontend]",
                        f"3479 to 40000 include tcp {i.ip}:3479 of [role edge-av]"], "ports")


def kernel(name, value):
    """Of this network alone."""
    with open("/proc/sys/net/ipv4/" + name, "w", encoding="ascii") as f:
        f.write(value + "\n")


@tap.test(alone=True)
def ports_that_the_kernel_gives_away_are_a_note_until_they_are_reserved(case):
    i = edge(case)
    kernel("ip_local_port_range", "55000 60999")
    kernel("ip_local_reserved_ports", "8080")
    try:
        note, = of_relay(i, "relay ports")
        tap.check(note["level"] == "note" and "(55000 to 60999)" in note["what"], f"{note}")
        value = "8080,50000-59999"
        tap.check(f"`sysctl -w net.ipv4.ip_local_reserved_ports={value}`" in note["remedy"], f"{note}")
        kernel("ip_local_reserved_ports", value)
        tap.check_eq(of_relay(i, "relay ports"), [], "reserved")
        kernel("ip_local_reserved_ports", "")
        kernel("ip_local_port_range", "32768 49999")
        tap.check_eq(of_relay(i, "relay ports"), [], "another range")
    finally:
        kernel("ip_local_reserved_ports", "")
        kernel("ip_local_port_range", "32768 60999")


@tap.test
def names_of_the_relay_that_do_not_resolve_are_warnings(case):
    i = edge(case, "internal-name = relay.example.test\nexternal-name = av.example.test")
    names = case.own(Dns("127.0.0.55", ["relay.example.test. 3600 IN A 10.77.0.1"]))
    _, found = i.json("doctor", "--server", "127.0.0.55")
    tap.check_eq(about(found, "relay.example.test", "ok")[-1:], ["the relay's name resolves"], "inside")
    told = "clients on the Internet are told this name of the relay, and it does not resolve"
    tap.check(told in about(found, "av.example.test", "warning"), f"{found}")
    names.add("av.example.test. 3600 IN A 10.77.0.1")
    _, found = i.json("doctor", "--server", "127.0.0.55")
    tap.check("the relay's name resolves" in about(found, "av.example.test", "ok"), f"{found}")
    tap.check_eq([f for f in found if "does not resolve" in f["what"]], [], "both are there")


@tap.test
def a_broken_configuration_is_told_with_its_line(case):
    i = installed(case)
    i.write("topology.conf", "[deployment]\ndomain = example.test\n")
    status, text = i.tool("doctor")
    tap.check(status == 1 and "topology.conf:2:" in text, text)


if __name__ == "__main__":
    tap.main(make)
