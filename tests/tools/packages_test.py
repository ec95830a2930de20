#!/usr/bin/python3
"""Tests tools/install-packages with stand-ins for dpkg-query, apt-get and sudo.  Prints TAP."""

import os
import shutil
import subprocess
import sys
import tempfile

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools",
                    "install-packages")
STUBS = {
    "dpkg-query": 'for p in $INSTALLED; do echo "installed $p"; done; echo "config-files gone"',
    "apt-cache": 'case " $KNOWN " in *" $2 "*) echo "  Candidate: 1.0";; esac',
    "apt-get": 'echo "apt-get $*" >>"$RECORD"',
    "id": 'echo "$UID_IS"',
    "sudo": '[ -n "$SUDO_WORKS" ] || exit 1; [ "$1" = -n ] && shift; "$@"',
    "tee": "cat >/dev/null",
    "chmod": "true",
    "rm": "true",
}
LISTS = {"build": "gcc\nmake # a comment\n\n", "run": "new-name | old-name\n",
         "test": "gone\nmake\n", "some": "make\nrare | rarer ? # not in every release\n"}


def install(lists, installed="", known="gcc make new-name gone", uid="0", sudo=""):
    """Runs the tool; returns its status, its output and what apt-get was called with."""
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(os.path.join(root, "packages"))
        os.makedirs(os.path.join(root, "bin"))
        shutil.copy(TOOL, root)
        for name, text in LISTS.items():
            with open(os.path.join(root, "packages", name), "w", encoding="utf-8") as file:
                file.write(text)
        for name, text in STUBS.items():
            path = os.path.join(root, "bin", name)
            with open(path, "w", encoding="utf-8") as file:
                file.write("#!/bin/sh\n" + text + "\n")
            os.chmod(path, 0o755)
        record = os.path.join(root, "record")
        env = {"PATH": os.path.join(root, "bin") + ":/usr/bin:/bin", "INSTALLED": installed,
               "KNOWN": known, "RECORD": record, "UID_IS": uid, "SUDO_WORKS": sudo}
        run = subprocess.run([os.path.join(root, "install-packages"), *lists], env=env,
                             text=True, check=False, capture_output=True)
        calls = ""
        if os.path.exists(record):
            with open(record, encoding="utf-8") as file:
                calls = file.read()
        return run.returncode, run.stdout + run.stderr, calls


def nothing_is_done_when_nothing_is_missing():
    return install(["build", "run"], "gcc make old-name") == (0, "", "")


def root_installs_what_is_missing_and_no_more():
    status, _, calls = install(["build", "run"], "gcc")
    return status == 0 and calls == ("apt-get update\n"
                                     "apt-get install -y --no-install-recommends make new-name\n")


def a_removed_package_counts_as_missing():
    _, _, calls = install(["test"], "make")
    return calls.endswith("--no-install-recommends gone\n")


def the_alternative_that_the_release_knows_is_taken():
    _, _, calls = install(["run"], "gcc", known="old-name")
    return calls.endswith("--no-install-recommends old-name\n")


def what_the_release_does_not_have_is_left_out_and_named():
    status, output, calls = install(["some"], "gcc")
    return (status == 0 and "no package rare rarer: left out\n" in output and
            calls.endswith("--no-install-recommends make\n"))


def what_is_left_out_alone_needs_no_apt():
    status, output, calls = install(["some"], "make")
    return (status, output, calls) == (0, "This release has no package rare rarer: left out\n", "")


def what_is_not_in_every_release_is_installed_where_it_is():
    _, output, calls = install(["some"], "make", known="make rarer")
    return calls.endswith("--no-install-recommends rarer\n") and "left out" not in output


def a_user_with_sudo_installs_too():
    status, _, calls = install(["build"], "gcc", uid="1000", sudo="yes")
    return status == 0 and calls.endswith("--no-install-recommends make\n")


def a_user_without_rights_gets_the_line_to_run():
    status, output, calls = install(["build", "run"], "make", uid="1000")
    return (status == 3 and calls == "" and
            "sudo apt-get update && sudo apt-get install -y --no-install-recommends gcc new-name"
            in output)


TESTS = [
    nothing_is_done_when_nothing_is_missing,
    root_installs_what_is_missing_and_no_more,
    a_removed_package_counts_as_missing,
    the_alternative_that_the_release_knows_is_taken,
    what_the_release_does_not_have_is_left_out_and_named,
    what_is_left_out_alone_needs_no_apt,
    what_is_not_in_every_release_is_installed_where_it_is,
    a_user_with_sudo_installs_too,
    a_user_without_rights_gets_the_line_to_run,
]


def main():
    failed = 0
    for number, test in enumerate(TESTS, 1):
        good = test()
        failed += not good
        print(f"{'' if good else 'not '}ok {number} - {test.__name__}")
    print(f"1..{len(TESTS)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
