#!/usr/bin/python3
"""The service: unit file, notification protocol, watchdog, manual pages made from the tables."""
import os
import signal
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import proc, tap  # noqa: E402
from lib.server import ROOT, loopback_server, program  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402

SETTINGS = ()
MAN = os.path.join(ROOT, "docs", "man")


class Nothing:
    def stop(self):
        pass


class Manager:
    """Stands in for the service manager: the datagrams to its socket."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "notify")
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.path)
        self.lines = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            self.lines += self.sock.recv(4096).decode().splitlines()

    def wait(self, line):
        wait_for(lambda: any(x.startswith(line) for x in self.lines),
                 lambda: f"{line}; the manager got {self.lines}")


@tap.test
def the_unit_file_is_valid(case):
    unit = os.path.join(case.dir, "dialtoned.service")
    with open(os.path.join(ROOT, "packaging", "dialtoned.service"), encoding="utf-8") as f:
        text = f.read()
    with open(unit, "w", encoding="utf-8") as f:
        f.write(text.replace("/usr/sbin/dialtoned", program("dialtoned")))
    status, said = proc.run(["systemd-analyze", "verify", "--man=no", unit])
    about_us = [x for x in said.splitlines() if "dialtoned" in x]
    check_eq((status, about_us), (0, []), "systemd-analyze verify")


@tap.test
def start_life_reload_and_stop_are_reported(case):
    manager = Manager(case.dir)
    server = case.own(loopback_server(case.dir, settings="metrics-port = 0\n"))
    os.environ["NOTIFY_SOCKET"] = manager.path
    os.environ["WATCHDOG_USEC"] = "400000"
    try:
        server.start()
    finally:
        del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]
    manager.wait("READY=1")
    manager.wait("WATCHDOG=1")
    manager.lines.clear()
    server.p.send_signal(signal.SIGHUP)
    manager.wait("RELOADING=1")
    manager.wait("READY=1")
    server.stop()
    manager.wait("STOPPING=1")


@tap.test
def the_settings_in_the_manual_are_those_of_the_program(case):
    _, settings = proc.run([program("dialtoned"), "--print-settings"])
    with open(os.path.join(MAN, "dialtone.conf.5"), encoding="utf-8") as f:
        page = f.read()
    check(settings in page, "docs/man/dialtone.conf.5 is old: run `make manual`")


@tap.test
def the_manual_pages_are_well_formed(case):
    for name in ("dialtoned.8", "dialtone.conf.5", "dialtone.1"):
        status, said = proc.run(["man", "--warnings", "-l", "-Z", "-E", "UTF-8",
                                 os.path.join(MAN, name)]) if os.path.exists("/usr/bin/man") \
            else tap.skip("man is not installed")
        check_eq(status, 0, name + ": " + said[-300:])


if __name__ == "__main__":
    tap.main(lambda args, folder: Nothing())
