"""A small test runner: named sentences in, TAP out.

A test file registers functions with @test and ends in main(make_site).  The site (usually a
running server, see site.py) is made once per file; every test gets a Case, the place where its
clients live and where they are cleaned up whatever happens.  Tests of a file run side by side in
threads, so a test must use users and addresses of its own; one marked alone=True runs by itself,
after the others.
"""
import argparse
import contextlib
import os
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

# No test waits for a fixed time: it waits for a state, at most this long.
WAIT_S = 60
POLL_S = 0.02

_tests = []
_print_lock = threading.Lock()


class Skip(Exception):
    """The test cannot run here; the text says why."""


class TimedOut(AssertionError):
    """A state did not come within WAIT_S."""


def test(fn=None, *, alone=False):
    """Registers a test; the function's name is the sentence it proves."""
    def add(f):
        _tests.append((f, alone))
        return f
    return add(fn) if fn else add


def skip(why):
    raise Skip(why)


def wait_for(condition, what, bound=WAIT_S):
    """Polls until condition() is true and returns its value."""
    deadline = time.monotonic() + bound
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimedOut(f"waited {bound} s for: {what() if callable(what) else what}")
        time.sleep(POLL_S)


def check(ok, what):
    if not ok:
        raise AssertionError(what)


def check_eq(got, wanted, what):
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r}, wanted {wanted!r}")


class Case:
    """One running test: its name, its folder for logs, and what must be undone at its end."""

    def __init__(self, name, folder, site):
        self.name = name
        self.dir = folder
        self.site = site
        self.undo = contextlib.ExitStack()
        os.makedirs(folder, exist_ok=True)

    def own(self, thing):
        """Stops `thing` at the end of the test, in reverse order of start."""
        self.undo.callback(thing.stop)
        return thing


def _run_one(fn, site, folder):
    case = Case(fn.__name__, os.path.join(folder, fn.__name__), site)
    began = time.monotonic()
    result, text = "ok", ""
    try:
        fn(case)
    except Skip as e:
        result, text = "skip", str(e)
    except Exception:
        result, text = "not ok", traceback.format_exc()
    try:
        case.undo.close()
    except Exception:
        if result != "not ok":
            result, text = "not ok", "while cleaning up:\n" + traceback.format_exc()
    return fn.__name__, result, text, time.monotonic() - began


class _Printer:
    def __init__(self):
        self.n = 0
        self.failed = 0

    def show(self, name, result, text, seconds):
        sentence = name.replace("_", " ")
        with _print_lock:
            self.n += 1
            if result == "skip":
                print(f"ok {self.n} - {sentence} # SKIP {text}", flush=True)
                return
            print(f"{result} {self.n} - {sentence} # {seconds:.2f} s", flush=True)
            if result == "not ok":
                self.failed += 1
                for line in text.rstrip().splitlines():
                    print("# " + line, flush=True)


def _args():
    p = argparse.ArgumentParser(description="Runs the tests of this file; TAP on standard output.")
    p.add_argument("-k", metavar="TEXT", default="", help="only tests whose name holds TEXT")
    p.add_argument("-j", type=int, default=3, metavar="N", help="tests at a time")
    p.add_argument("-l", action="store_true", help="list the tests")
    p.add_argument("--frontends", type=int, default=1, help="front-end processes of the server")
    p.add_argument("--logs", default="", help="folder for the logs (default: a new one in /tmp)")
    return p.parse_args()


def _logs(folder):
    if folder:
        os.makedirs(folder, exist_ok=True)
        return folder
    import tempfile
    return tempfile.mkdtemp(prefix="dialtone-test-")


def main(make_site, together=3):
    """Runs this file's tests and exits.  make_site(args, folder) returns an object with stop()."""
    args = _args()
    chosen = [(f, alone) for f, alone in _tests if args.k.replace(" ", "_") in f.__name__]
    if args.l:
        print("\n".join(f.__name__ for f, _ in chosen))
        sys.exit(0)
    folder = _logs(args.logs)
    print(f"1..{len(chosen)}\n# logs: {folder}", flush=True)
    out = _Printer()
    try:
        site = make_site(args, folder)
    except Skip as e:
        for f, _ in chosen:
            out.show(f.__name__, "skip", str(e), 0)
        sys.exit(0)
    except Exception:
        for f, _ in chosen:
            out.show(f.__name__, "not ok", traceback.format_exc(), 0)
        sys.exit(1)
    try:
        with ThreadPoolExecutor(max(1, min(args.j, together))) as pool:
            for job in [pool.submit(_run_one, f, site, folder) for f, alone in chosen if not alone]:
                out.show(*job.result())
        for f, alone in chosen:
            if alone:
                out.show(*_run_one(f, site, folder))
    finally:
        site.stop()
    sys.exit(1 if out.failed else 0)
