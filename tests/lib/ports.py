"""Addresses and ports for tests that run on the loopback interface."""
import itertools
import os
import socket
import threading

_lock = threading.Lock()
_given = set()
_hosts = itertools.count(1)


def loopback():
    """A 127.x.y.z of its own; x.y come from this process, so that programs do not meet."""
    with _lock:
        more, z = divmod(next(_hosts), 250)
    pid = os.getpid()
    return f"127.{1 + (pid // 250 + 101 * more) % 250}.{1 + pid % 250}.{1 + z}"


def _free(host, port, kinds):
    for kind in kinds:
        with socket.socket(socket.AF_INET, kind) as s:
            try:
                s.bind((host, port))
            except OSError:
                return False
    return True


def free(host="127.0.0.1", count=1, kinds=(socket.SOCK_STREAM, socket.SOCK_DGRAM)):
    """The first of `count` consecutive ports that nobody uses on host, and none was given before."""
    with _lock:
        start = 20000 + os.getpid() * 7 % 20000
        for port in itertools.chain(range(start, 60000), range(20000, start)):
            wanted = range(port, port + count)
            if any((host, p) in _given for p in wanted):
                continue
            if all(_free(host, p, kinds) for p in wanted):
                _given.update((host, p) for p in wanted)
                return port
    raise AssertionError(f"no free port on {host}")
