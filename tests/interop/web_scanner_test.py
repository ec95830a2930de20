#!/usr/bin/python3
"""Files of chats before a virus scanner that we did not write: ClamAV's daemon, with a signature of
this test's own."""
import os
import shutil
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.proc import Proc  # noqa: E402
from lib.tap import Skip, check_eq, wait_for  # noqa: E402
from lib.web import API, Browser, Site, address, make_pages  # noqa: E402

VIRUS = b"DIALTONE-TEST-SIGNATURE-4711"
STREAM_MAX = 1024 * 1024

SETTINGS = (2,)  # front ends: tests/run.py


class Clamd:
    def __init__(self, folder):
        program = shutil.which("clamd") or "/usr/sbin/clamd"
        if not os.path.exists(program):
            raise Skip("clamd is not installed (package clamav-daemon)")
        home = os.path.join(folder, "clamd")
        os.makedirs(home)
        self.path = os.path.join(home, "clamd.sock")
        with open(os.path.join(home, "test.ndb"), "w", encoding="ascii") as f:
            f.write(f"Dialtone.Test:0:*:{VIRUS.hex()}\n")
        config = os.path.join(home, "clamd.conf")
        with open(config, "w", encoding="ascii") as f:
            f.write(f"Foreground yes\nLocalSocket {self.path}\nLocalSocketMode 666\n"
                    f"DatabaseDirectory {home}\nStreamMaxLength {STREAM_MAX}\nMaxThreads 2\n")
        os.chmod(home, 0o755)
        self.p = Proc([program, "--config-file", config], os.path.join(folder, "clamd.log"))
        wait_for(lambda: os.path.exists(self.path) or not self.p.running(), "the scanner")
        if not self.p.running():
            raise AssertionError(f"clamd ended: {self.p.text()[-1000:]}")

    def stop(self):
        self.p.stop()


class ScannedSite(site.Site):
    def __init__(self, args, folder):
        self.scanner = Clamd(folder)
        super().__init__(args, folder, web=f"metrics-port = 0\nweb-root = {make_pages(folder)}\n"
                                           f"file-scanner = {self.scanner.path}\n")

    def stop(self):
        super().stop()
        self.scanner.stop()


def make(args, folder):
    site.netns.enter()
    return ScannedSite(args, folder)


def upload(a, b, name, content):
    query = urllib.parse.urlencode({"chat": address(b.user), "name": name})
    return a.site.request("POST", f"{API}files?{query}", content,
                          [("Content-Type", "application/octet-stream")], cookie=a.cookie)


def two(case):
    return [case.own(Browser(Site(case.site.server), case.site.user("web"))).start() for _ in range(2)]


@tap.test
def what_is_clean_passes(case):
    a, b = two(case)
    for content in (b"", b"nothing bad", os.urandom(700000)):
        answer = upload(a, b, "clean.bin", content)
        check_eq(answer.status, 200, answer.body)
        file = answer.json()["file"]
        check_eq(file["size"], len(content), "its size")
        got = b.site.request("GET", file["url"], cookie=b.cookie, origin=False)
        check_eq((got.status, got.body == content), (200, True), "fetched")


@tap.test
def what_it_finds_is_not_taken(case):
    a, b = two(case)
    for content in (VIRUS, b"x" * 200000 + VIRUS + b"x" * 200000):
        answer = upload(a, b, "bad.bin", content)
        check_eq((answer.status, answer.code), (422, "infected"), "refused")


@tap.test
def what_is_more_than_it_takes_is_refused(case):
    a, b = two(case)
    answer = upload(a, b, "large.bin", bytes(STREAM_MAX + 100000))
    check_eq((answer.status, answer.code), (413, "too_large"), "refused")


if __name__ == "__main__":
    tap.main(make)
