#!/usr/bin/python3
"""The newcomer's story: `./run` from nothing to a running server, and again."""
import json
import os
import re
import signal
import socket
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from flow.install import NoSite  # noqa: E402
from lib import proc, tap  # noqa: E402
from lib.server import BUILD, ROOT, program  # noqa: E402

SETTINGS = ()

READY = "Ctrl-C stops the server."


def offset():
    """An offset at which 443, 3478 and 5060 are free, and whose ports, the metrics' at 9090 too,
    lie below those that the system gives to connections (from 32768 on)."""
    for n in range(10000 + os.getpid() % 5000, 23000, 37):
        try:
            for port in 443, 3478, 5060:
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    with socket.socket(socket.AF_INET, kind) as s:
                        s.bind(("", n + port))
            return n
        except OSError:
            continue
    raise AssertionError("no free ports")


class Run:
    """`./run` with an installation of its own."""

    def __init__(self, case, name="i", **env):  # short: its sockets' paths are limited
        if BUILD != "build/out":
            tap.skip("./run always uses build/out")
        self.case = case
        self.dir = os.path.join(case.dir, name)
        self.env = {**os.environ, "RUN_DIR": self.dir, **env}
        self.n = 0

    def start(self):
        self.n += 1
        log = os.path.join(self.case.dir, f"run{self.n}.log")
        return self.case.own(proc.Proc([os.path.join(ROOT, "run")], log, env=self.env))

    def ready(self):
        p = self.start()
        p.wait_text(READY)
        return p

    def stop(self, p):
        p.send_signal(signal.SIGINT)
        tap.check_eq(p.wait_end(), 0, "exit status of ./run")

    def file(self, name):
        with open(os.path.join(self.dir, name), encoding="utf-8") as f:
            return f.read()

    def tool(self, *words):
        return proc.must([program("dialtone"), "--config", self.dir, *words])


def check_end(p, status, *texts):
    """./run ends with this, and says these."""
    tap.check_eq(p.wait_end(), status, "exit status of ./run")
    for text in texts:
        tap.check(text in p.text(), f"{text!r} in: {p.text()}")


@tap.test
def what_cannot_be_made_is_told_in_the_words_of_the_asker(case):
    r = Run(case, FRONTENDS="many")
    p = r.start()
    check_end(p, 1, '"processes" must be 1 to 64', "nothing was made", "FRONTENDS")
    tap.check_eq(os.path.exists(r.dir), False, "an installation")


@tap.test(alone=True)
def one_that_does_not_start_stays_and_is_told(case):
    r = Run(case, HOST="192.0.2.77", PORT_OFFSET=str(offset()))
    check_end(r.start(), 1, "192.0.2.77", "this host has no such address", "`ip address`",
              f"the new installation stays in {r.dir}")


@tap.test
def the_directory_of_an_installed_server_is_left_alone(case):
    """Its data are elsewhere: accounts made here would be out of its sight."""
    check_end(Run(case, RUN_DIR="/etc/dialtone").start(), 1, "/var/lib/dialtone", "Installing it")


@tap.test(alone=True)
def one_command_makes_everything_and_the_second_keeps_it(case):
    r = Run(case, PORT_OFFSET=str(offset()))
    p = r.ready()
    page = p.text()
    for wanted in ("Dialtone serves example.test", "Outbound proxy for TLS", "sip:alice@example.test",
                   "linphonec", "baresip", "ca.pem", "sound between Lync clients and phones",
                   "(relay: STUN and TURN)", "(browsers)", f"{os.path.realpath(program('dialtone'))} --config", "alice@example.test", "carol@example.test"):
        tap.check(wanted in page, f"{wanted!r} on the page")
    accounts = r.file("accounts.txt")
    tap.check(accounts.strip() in page, "the passwords are on the first page")
    tap.check_eq(len(set(re.findall(r"password.* (\S{16,})", accounts))), 6, "six passwords")
    mode = os.stat(os.path.join(r.dir, "accounts.txt")).st_mode
    tap.check_eq(oct(stat.S_IMODE(mode)), "0o600", "accounts.txt")
    for name in ("alice", "bob", "carol"):
        tap.check("phone" in r.tool("device", "list", name), f"{name}'s device")
    r.stop(p)
    before = {n: r.file(n) for n in ("topology.conf", "local.conf", "accounts.txt", "certs/ca.pem",
                                     "certs/frontend-p256.crt")}
    r.env.update(DOMAIN="other.test")
    p = r.ready()
    tap.check("stays as it is" in p.text(), "what is asked of an existing installation is told")
    tap.check(accounts.strip() not in p.text(), "the passwords are not shown again")
    tap.check("accounts.txt" in p.text(), "where the passwords are")
    tap.check_eq({n: r.file(n) for n in before}, before, "files")
    tap.check("alice@example.test" in r.tool("user", "list"), "accounts")
    tap.check("Browsers are not served" not in p.text(), "they are")
    r.stop(p)


@tap.test(alone=True)
def what_browsers_lack_is_told(case):
    """The client could not be built when the installation was made, and can be now."""
    r = Run(case, PORT_OFFSET=str(offset()), HOST="127.0.0.1")
    r.stop(r.ready())
    topology = os.path.join(r.dir, "topology.conf")
    text = r.file("topology.conf")
    section = text[text.index("[role web]"):]
    with open(topology, "w", encoding="utf-8") as f:
        f.write(text.replace(section, ""))
    p = r.ready()
    told = p.text()[p.text().index("Browsers are not served"):]
    for line in section.split("\n"):
        tap.check(line in told, f"{line!r} in {told}")
    tap.check("cert issue" in told and "(browsers)" not in p.text(), p.text())
    r.stop(p)


@tap.test(alone=True)
def domain_host_and_front_ends_can_be_chosen(case):
    r = Run(case, PORT_OFFSET=str(offset()), DOMAIN="phones.test", HOST="127.0.0.1", FRONTENDS="2")
    p = r.ready()
    tap.check("Dialtone serves phones.test" in p.text(), "domain")
    roles = r.tool("role", "list")
    tap.check_eq(roles.count("frontend"), 2, roles)
    listens = set(re.findall(r"^  (?:tls|tcp|udp)  (\S+):\d+", p.text(), re.M))
    tap.check_eq(listens, {"127.0.0.1"}, "listens")
    r.stop(p)


@tap.test(alone=True)
def a_wrong_host_is_said_and_leaves_nothing_behind(case):
    r = Run(case, PORT_OFFSET=str(offset()), HOST="no.such.host.invalid")
    p = r.start()
    tap.check(p.wait_end() != 0, "./run fails")
    tap.check("HOST=no.such.host.invalid is neither" in p.text(), p.text()[-2000:])
    tap.check_eq([n for n in os.listdir(case.dir) if n == "i" or n.startswith("i.")], [], "left behind")


@tap.test(alone=True)
def a_taken_port_names_the_process(case):
    n = offset()
    r = Run(case, PORT_OFFSET=str(n), HOST="127.0.0.1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", n + 5060))
        p = r.start()
        tap.check(p.wait_end() != 0, "./run fails")
    text = p.text()
    tap.check(f"pid {os.getpid()} (" in text and str(n + 5060) in text, text[-2000:])


@tap.test(alone=True)
def a_web_server_on_443_leaves_the_relay_another_port(case):
    n = offset()
    r = Run(case, PORT_OFFSET=str(n), HOST="127.0.0.1")
    with socket.socket(socket.AF_INET) as s:
        s.bind(("127.0.0.1", n + 443))
        s.listen()
        p = r.ready()
    tap.check(f"TCP port {n + 443} is taken by another program: the relay takes TCP on {n + 3478}"
              in p.text(), p.text())
    status = json.loads(r.tool("--json", "relay", "status"))[0]
    tap.check_eq(sorted((f["transport"], f["address"]) for f in status["faces"]),
                 [("tcp", f"127.0.0.1:{n + 3478}"), ("udp", f"127.0.0.1:{n + 3478}")], "faces")
    r.stop(p)


@tap.test(alone=True)
def beside_another_relay_there_is_none(case):
    n = offset()
    r = Run(case, PORT_OFFSET=str(n), HOST="127.0.0.1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", n + 3478))
        p = r.ready()
    tap.check("there will be no relay" in p.text() and "no A/V edge" in p.text(), p.text())
    tap.check("edge-av" not in r.file("topology.conf"), "its section")
    r.stop(p)


@tap.test(alone=True)
def an_interrupted_first_start_is_begun_anew(case):
    r = Run(case, PORT_OFFSET=str(offset()), HOST="127.0.0.1")
    os.makedirs(r.dir + ".new/certs")
    with open(r.dir + ".new/certs/ca.pem", "w", encoding="ascii") as f:
        f.write("half")
    p = r.ready()
    tap.check("BEGIN CERTIFICATE" in r.file("certs/ca.pem"), "a whole CA")
    tap.check(not os.path.exists(r.dir + ".new"), "nothing is left over")
    r.stop(p)


@tap.test(alone=True)
def a_directory_of_something_else_is_left_alone(case):
    r = Run(case)
    os.makedirs(r.dir)
    with open(os.path.join(r.dir, "mine.txt"), "w", encoding="ascii") as f:
        f.write("mine")
    p = r.start()
    tap.check_eq(p.wait_end(), 1, "exit status")
    tap.check("holds no topology.conf" in p.text(), p.text()[-500:])
    tap.check_eq(os.listdir(r.dir), ["mine.txt"], "files")


if __name__ == "__main__":
    tap.main(NoSite)
