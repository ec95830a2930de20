#!/usr/bin/python3
"""CPU time of a small request over a kept HTTP/1.1 connection, beside a bare echo of the request.

The two servers take turns round by round.  Prints the medians, and the median of the ratios.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

import procs

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUDGET_US = 6.5  # of a small request over TCP: what was measured when the libraries were chosen
ECHO_PORT = 18091


def arguments():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default=os.path.join(ROOT, "build", "out"))
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--conns", type=int, default=64)
    p.add_argument("--requests", type=int, default=200000)
    return p.parse_args()


def start(folder, name, argv):
    """A server that says that it is ready; the process and the rest of the line."""
    p = procs.start(argv, os.path.join(folder, name), {min(os.sched_getaffinity(0))},
                    stdout=subprocess.PIPE, text=True)
    return p, p.stdout.readline().partition("ready")[2].strip()


def measure(args, kind, server, address):
    """(microseconds of CPU of an exchange, exchanges in a second)"""
    before = procs.cpu([server.pid])
    load = subprocess.run([os.path.join(args.build, "bench", "httpload"), kind, address,
                           str(args.conns), str(args.requests)], capture_output=True, text=True,
                          preexec_fn=lambda: os.sched_setaffinity(
                              0, {max(os.sched_getaffinity(0))}))
    if load.returncode != 0:
        raise procs.Failed(load.stderr)
    found = json.loads(load.stdout)
    spent = procs.cpu_between(before, procs.cpu([server.pid]))
    return spent * 1e6 / found["answers"], found["answers"] / found["wall_s"]


def run(args, folder):
    httpd, http_at = start(folder, "httpd", [
        os.path.join(args.build, "tests", "unit", "stack", "httpd"), "127.0.0.1:0"])
    echo_at = f"127.0.0.1:{ECHO_PORT}"
    echo, _ = start(folder, "echo", [os.path.join(args.build, "bench", "echo"), "tcp", echo_at])
    try:
        measure(args, "http", httpd, http_at)  # warms up
        rounds = [(measure(args, "http", httpd, http_at), measure(args, "echo", echo, echo_at))
                  for _ in range(args.rounds)]
    finally:
        procs.stop(httpd)
        procs.stop(echo)
    ours = statistics.median(h[0] for h, _ in rounds)
    floor = statistics.median(e[0] for _, e in rounds)
    ratio = statistics.median(h[0] / e[0] for h, e in rounds)
    rate = statistics.median(h[1] for h, _ in rounds)
    print(f"GET of 100 bytes, {args.conns} kept connections: {ours:.1f} us of CPU (budget "
          f"{BUDGET_US}), {rate:.0f}/s; echo of the request {floor:.1f} us; ratio {ratio:.2f}")


def main():
    with tempfile.TemporaryDirectory(prefix="dialtone-bench-") as folder:
        try:
            run(arguments(), folder)
        except procs.Failed as e:
            sys.exit(f"bench: {e}")


if __name__ == "__main__":
    main()
