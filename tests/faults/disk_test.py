#!/usr/bin/python3
"""A full disk below a running server: nobody is cut off, nothing acknowledged is lost, an
administrator is told, and with room again everything is written."""
import os
import secrets
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import netns, site, tap  # noqa: E402
from lib.conference import Conferee, focus_of  # noqa: E402
from lib.load import Load  # noqa: E402
from lib.server import Server  # noqa: E402
from lib.siptext import Phone  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402

SIZE = "6m"
TEXT = [("Content-Type", "text/plain")]
SIGN_INS_MAX = 400
WRITTEN_BEHIND_S = 2


class Disk:
    """The small file system that holds the server's data."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "disk")
        self.ballast = os.path.join(self.path, "ballast")
        os.makedirs(self.path)
        os.chmod(folder, 0o711)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", self.path],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            raise tap.Skip(f"no file system may be mounted here: {done.stdout.decode().strip()}")

    def fill(self):
        """To the last byte."""
        with open(self.ballast, "ab", buffering=0) as f:
            for size in (65536, 4096, 512, 1):
                try:
                    while f.write(b"x" * size) == size:
                        pass
                except OSError:
                    pass

    def clear(self):
        if os.path.exists(self.ballast):
            os.remove(self.ballast)


def phone(case, user, transport="udp", **kw):
    return case.own(Phone(case.site.server, user, transport, **kw))


def unsaved(case):
    return case.site.server.json("status")["unsaved_bindings"]


def sign_in_until_unsaved(case, users):
    """UDP phones sign in, each with a new address, until the server says that it cannot write."""
    out = []
    for i in range(SIGN_INS_MAX):
        out.append(phone(case, users[i % len(users)]).sign_in())
        if i % 5 == 4 and unsaved(case) > 0:
            return out
    return out


def killed(case, role, number):
    server = case.site.server
    old = server.kill_role(role, number)
    wait_for(lambda: any((r["role"], r["process"], r["state"]) == (role, number, "running") and
                         r["pid"] != old for r in server.roles()), f"{role}/{number} to be back")


def restarted(case):
    """Every front end anew: what it knows now, the disk has told it."""
    for number in range(1, case.site.frontends + 1):
        killed(case, "frontend", number)


def findings(case):
    return {f["about"]: f for f in case.site.server.json("doctor", "--no-dns", ok=False)}


@tap.test(alone=True)
def a_full_disk_harms_nobody_is_told_and_is_made_good(case):
    server, disk = case.site.server, case.site.disk
    users = [case.site.user(f"u{i}") for i in range(12)]
    leaver = phone(case, users[0]).sign_in()
    wait_for(lambda: unsaved(case) == 0, "the first bindings to be written")
    load = Load(case, rounds=5)
    case.undo.callback(disk.clear)
    mark = server.p.mark()
    disk.fill()
    phones = sign_in_until_unsaved(case, users[1:])
    wait_for(lambda: unsaved(case) > 0, "the failure to be seen in `dialtone status`")
    leaver.sign_off()

    # Told: one line for many failures, a counter, a finding with its remedy.
    server.p.wait_text("event=bindings-not-stored", after=mark)
    lines = server.p.text_after(mark).count("event=bindings-not-stored")
    check(lines <= case.site.frontends, f"{lines} lines about it")
    check(server.metric("dialtone_store_failed_writes_total") > 0, "the counter of failures")
    check(server.metric("dialtone_unsaved_bindings") > 0, "the gauge")
    check_eq(server.json("status")["store"], "No space left on device", "status")
    found = findings(case)["store"]
    check_eq(found["level"], "error", "doctor")
    check("not on the disk" in found["what"] and found.get("remedy"), f"{found}")

    # Must-writes fail, with the reason, and wholly.
    said = server.tool("user", "add", "nobody", "--password-stdin", ok=False,
                       input_text="correct horse battery\n")
    check("disk is full" in said, said)
    check("nobody" not in server.tool("user", "list"), "a refused user is listed")
    load.goes_on()

    # Room again.
    disk.clear()
    wait_for(lambda: unsaved(case) == 0, "the bindings to be written")
    server.p.wait_text("event=bindings-stored-again", after=mark)
    check_eq(server.json("status")["store"], "ok", "status")
    check("store" not in findings(case), "the doctor still complains")
    late = case.site.user("late")
    load.finish()
    restarted(case)
    for p in {p.user.name: p for p in phones}.values():
        mine = [x for x in phones if x.user is p.user]
        check_eq(len(server.endpoints(p.user)), min(len(mine), 8), f"endpoints of {p.user.name}")
    check_eq(server.endpoints(leaver.user), [], "the phone that signed off meanwhile")
    check_eq(phone(case, late, "tcp").register().code, 200, "the user that was added after that")


@tap.test(alone=True)
def a_conference_that_could_not_be_written_is_taken_back(case):
    server, disk = case.site.server, case.site.disk
    a, b = (case.own(Conferee(server, case.site.user(f"conf{i}"))).sign_in() for i in range(2))
    before = a.add_conference()
    mark, tried = server.p.mark(), []

    def refused():
        """Until the pages that the store has left are used up, too."""
        tried.append(secrets.token_hex(16).upper())
        return a.try_add_conference(tried[-1])[0] == 500

    def there():
        return {c["id"] for c in server.json("conference", "list", a.user.name)}
    case.undo.callback(disk.clear)
    disk.fill()
    wait_for(refused, "a conference to be refused")
    server.p.wait_text("event=conference-taken-back", after=mark)
    check_eq(there(), {before, *tried[:-1]}, "conferences")
    check_eq(b.try_join(focus_of(a.user, tried[-1])).code, 404, "to join the one that is none")
    disk.clear()
    wait_for(lambda: a.try_add_conference(tried[-1])[:2] == (200, "success"), "room for it")
    restarted(case)
    check_eq(there(), {before, *tried}, "after a restart")


@tap.test(alone=True)
def a_server_that_is_killed_on_a_full_disk_starts_again_with_what_was_written(case):
    server, disk = case.site.server, case.site.disk
    kept = phone(case, case.site.user("kept")).sign_in()
    time.sleep(WRITTEN_BEHIND_S)
    case.undo.callback(disk.clear)
    disk.fill()
    restarted(case)
    check_eq(len(server.endpoints(kept.user)), 1, "the phone after a restart without room")
    killed(case, "accounts", 1)
    check_eq(phone(case, kept.user, "tls").register().code, 200, "a sign-in without room")


class Site(site.Site):
    def __init__(self, args, folder):
        def make_server(*a, **kw):
            self.disk = Disk(folder)
            # The messages of the load would be remembered, and fill the little disk by themselves.
            kw["settings"] = "history = no\n"
            return Server(*a, local=f"data = {self.disk.path}/data\n", **kw)
        super().__init__(args, folder, make_server=make_server)


def make(args, folder):
    netns.enter()
    return Site(args, folder)


if __name__ == "__main__":
    tap.main(make)
