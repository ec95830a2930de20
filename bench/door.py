#!/usr/bin/python3
"""What the door costs: its CPU time for each connection that it passes on, beside that of the role which gets it.  A
connection sends its first bytes, waits for an answer and ends: STUN over TCP to the relay, and a ClientHello with name
and protocols to the web role, which answers the first flight of a handshake.  `bench/door.py [--connections N]
[--rounds N]`; needs a network namespace (root)."""
import argparse
import contextlib
import os
import shutil
import socket
import ssl
import statistics
import struct
import sys
import tempfile
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[0] = os.path.join(ROOT, "tests")  # in place of this folder, whose http.py is another one
from lib import metrics, netns, site, tap  # noqa: E402
from lib.web import make_pages  # noqa: E402

PORT, DOOR, WEB, EDGE = 443, 9386, 9321, 9256  # the three processes' metrics
THREADS = 4
STUN = struct.pack("!HHI", 1, 0, 0x2112a442) + bytes(12)


def client_hello(name):
    context, out = ssl.create_default_context(), ssl.MemoryBIO()
    context.set_alpn_protocols(["h2", "http/1.1"])
    tls = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return out.read()


def connect(data, times, number):
    """From an address of its own: those of one are limited."""
    for _ in range(times):
        with socket.create_connection((netns.SERVER_IP, PORT), tap.WAIT_S, (f"127.8.0.{number + 1}", 0)) as s:
            s.sendall(data)
            if not s.recv(4096):
                raise SystemExit("a connection was ended without an answer")


def cpu(port):
    return metrics.scrape(port).get("process_cpu_seconds_total")


def one_round(data, n, role_port):
    """Microseconds of the door and of the role, a connection."""
    before = cpu(DOOR), cpu(role_port)
    threads = [threading.Thread(target=connect, args=(data, n // THREADS, i)) for i in range(THREADS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return [(now - then) * 1e6 / (n // THREADS * THREADS) for now, then in zip((cpu(DOOR), cpu(role_port)), before)]


def say(what, found):
    door, role = ([row[i] for row in found] for i in (0, 1))
    print(f"{what}: door {statistics.median(door):.1f} us ({min(door):.1f}..{max(door):.1f}), role "
          f"{statistics.median(role):.0f} us ({min(role):.0f}..{max(role):.0f}) a connection, {len(found)} rounds")


def run(args, folder):
    args.frontends = 1
    netns.enter()
    where = site.Site(args, folder, door=f"metrics-port = {DOOR}\n",
                      web=f"metrics-port = {WEB}\nweb-root = {make_pages(folder)}\nhttps = {netns.SERVER_IP}:{PORT}\n",
                      edge=f"metrics-port = {EDGE}\n")
    try:
        hello = client_hello(site.HOST)
        for what, data, role in (("STUN to the relay", STUN, EDGE), ("ClientHello to the web role", hello, WEB)):
            one_round(data, args.connections // 10, role)
            say(what, [one_round(data, args.connections, role) for _ in range(args.rounds)])
    finally:
        where.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="door")
    try:
        run(args, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
