#!/usr/bin/python3
"""Runs the Python tests: `run.py KIND...`, a KIND is flow, interop or faults.

Every test file of tests/KIND/ runs twice where it stands on a server: with one front-end process and
with two behind one port.  A file that says `SETTINGS = (2,)` runs with two alone: it is about other roles, and
what a front end has to do with it is more with two.  One that says `SETTINGS = ()` runs once, without a
server of that form.
Some run side by side, since most wait for most of their time; of those that say `HEAVY = True`,
because they make load, one at a time.
Results go to --results as JSON lines {name, result: pass|fail|skip, seconds, why}.
"""
import argparse
import concurrent.futures
import glob
import itertools
import json
import os
import re
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LINE = re.compile(r"^(ok|not ok) \d+ - (.*?)(?: # (?:SKIP (.*)|([\d.]+) s))?$")
KINDS = ("flow", "interop", "faults")
FILE_MAX_S = 900  # a whole test file; each wait in it is bounded by 60 s
AT_A_TIME = 3     # beside one that makes load

_lock = threading.Lock()


class File:
    """What a test file says of itself."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            text = f.read()
        self.path = path
        # The numbers of front-end processes to run it with; [None]: once, as it is.
        said = re.search(r"^SETTINGS = \(([\d, ]*)\)", text, re.M)
        self.settings = [int(n) for n in re.findall(r"\d+", said[1])] or [None] if said else [1, 2]
        self.heavy = bool(re.search(r"^HEAVY = True", text, re.M))


def say(text):
    with _lock:
        print(text, flush=True)


class Results:
    def __init__(self, path):
        self.file = open(path, "w", encoding="utf-8") if path else None
        self.count = {"pass": 0, "fail": 0, "skip": 0}

    def add(self, name, result, seconds=None, why=""):
        with _lock:
            self.count[result] += 1
            if self.file:
                self.file.write(json.dumps({"name": name, "result": result,
                                            "seconds": seconds, "why": why}) + "\n")
                self.file.flush()


def take_output(results, label, text):
    """The TAP of one file: its results; how many failed, and how many of its plan are missing."""
    planned = re.search(r"^1\.\.(\d+)", text, re.M)
    seen, failed, lines = 0, 0, text.splitlines()
    for i, line in enumerate(lines):
        m = LINE.match(line)
        if not m:
            continue
        seen += 1
        verdict, name, why, seconds = m.groups()
        if why is not None:
            results.add(f"{label}: {name}", "skip", 0, why)
            continue
        said = list(itertools.takewhile(lambda x: x.startswith("#"), lines[i + 1:]))
        if verdict == "ok":
            results.add(f"{label}: {name}", "pass", float(seconds or 0))
            continue
        failed += 1
        results.add(f"{label}: {name}", "fail", float(seconds or 0),
                    "\n".join(x.removeprefix("# ") for x in said))
        say(f"FAILED {label}: {name}\n" + "\n".join(said))
    return failed, int(planned.group(1)) - seen if planned else 1


def run_file(results, path, frontends):
    label = os.path.relpath(path, HERE)[:-len("_test.py")]
    argv = [sys.executable, path]
    if frontends:
        label += f" ({frontends} front end{'s' if frontends > 1 else ''})"
        argv += ["--frontends", str(frontends)]
    began = time.monotonic()
    try:
        p = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=FILE_MAX_S, check=False)
        text, status = p.stdout.decode(errors="replace"), p.returncode
    except subprocess.TimeoutExpired as e:
        text, status = (e.stdout or b"").decode(errors="replace"), f"none after {FILE_MAX_S} s"
    failed, missing = take_output(results, label, text)
    # A status that no result explains: it broke when its tests were over, in what it cleans up.
    if missing or (status != 0 and not failed):
        results.add(label, "fail", why=f"{missing} tests without a result, status {status}")
        say(f"FAILED {label}: status {status}\n{text[-3000:]}")
    say(f"  {label} ({time.monotonic() - began:.0f} s)")


def run_all(results, files):
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as many, \
            concurrent.futures.ThreadPoolExecutor(1) as one:
        for job in [(one if f.heavy else many).submit(run_file, results, f.path, n)
                    for f in files for n in f.settings]:
            job.result()


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("kinds", nargs="+", choices=KINDS, metavar="KIND")
    p.add_argument("--build", default="build/out", help="folder of the programs under test")
    p.add_argument("--results", default="")
    args = p.parse_args()
    os.environ["DIALTONE_BUILD"] = args.build
    results = Results(args.results)
    run_all(results, [File(path) for kind in args.kinds
                      for path in sorted(glob.glob(os.path.join(HERE, kind, "*_test.py")))])
    c = results.count
    print(f"{' '.join(args.kinds)}: {c['pass']} passed, {c['fail']} failed, {c['skip']} skipped")
    sys.exit(1 if c["fail"] or not c["pass"] else 0)


if __name__ == "__main__":
    main()
