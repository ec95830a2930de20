#!/usr/bin/python3
"""`dialtone doctor` finds what commonly goes wrong, and names the remedy of each."""
import os
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from flow.install import Install  # noqa: E402
from lib import netns, ports, tap  # noqa: E402

SETTINGS = ()


class Site:
    def __init__(self, _args, folder):
        self.net = netns.Net(folder)

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
def a_broken_configuration_is_told_with_its_line(case):
    i = installed(case)
    i.write("topology.conf", "[deployment]\ndomain = example.test\n")
    status, text = i.tool("doctor")
    tap.check(status == 1 and "topology.conf:2:" in text, text)


if __name__ == "__main__":
    tap.main(make)
