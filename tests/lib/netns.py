"""A private network for a test program: a server host and client hosts with cables between them.

The program starts itself again in a network and a mount namespace of its own (with a user
namespace when it is not root).  There the server has 10.77.0.1; every Host is a further network
namespace with one address and one cable to the server, which forwards between hosts.  So each
client has its own address and ports, ICE finds a real interface, and cutting a cable is one call.
"""
import contextlib
import ctypes
import itertools
import os
import shutil
import subprocess
import sys
import threading

from lib.tap import Skip

SERVER_IP = "10.77.0.1"
_MARK = "DIALTONE_TEST_NETNS"
_numbers = itertools.count(2)
_lock = threading.Lock()
_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


def _unshare():
    if not shutil.which("unshare") or not shutil.which("ip"):
        return None
    for options in (["-n", "-m"], ["-r", "-n", "-m"]):
        argv = ["unshare", *options, "--propagation", "private"]
        if subprocess.run([*argv, "true"], stderr=subprocess.DEVNULL).returncode == 0:
            return argv
    return None


def enter():
    """Starts the program again inside; returns only there.  Without namespaces it returns too,
    and inside() is false: then the site skips."""
    if os.environ.get(_MARK):
        return
    argv = _unshare()
    if argv:
        os.environ[_MARK] = "1"
        os.execvp(argv[0], [*argv, sys.executable, *sys.argv])


def inside():
    return bool(os.environ.get(_MARK))


def _ip(*words):
    done = subprocess.run(["ip", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise AssertionError(f"ip {' '.join(words)}: {done.stdout.decode().strip()}")


@contextlib.contextmanager
def no_way_to_port(port):
    """The server reaches that TCP port on no other host meanwhile."""
    rule = ("ipproto", "tcp", "dport", str(port), "unreachable")
    _ip("rule", "add", *rule)
    try:
        yield
    finally:
        _ip("rule", "del", *rule)


def _setns(fd):
    if _libc.setns(fd, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _mount(*words):
    subprocess.run(["mount", *words], check=True)


class Net:
    """The private network.  names: what /etc/hosts of everybody in it says besides localhost."""

    def __init__(self, folder, names=()):
        if not inside():
            raise Skip("needs network namespaces: run as root, or allow unprivileged user "
                       "namespaces, with iproute2 installed")
        _mount("-t", "tmpfs", "none", "/run/netns") if os.path.isdir("/run/netns") else \
            self._make_run_netns()
        self._names(folder, names)
        _ip("link", "set", "lo", "up")
        # A cable that leads nowhere: gives the server's address a real interface.
        _ip("link", "add", "srv0", "type", "veth", "peer", "name", "srv1")
        _ip("addr", "add", SERVER_IP + "/32", "dev", "srv0")
        for link in ("srv0", "srv1"):
            _ip("link", "set", link, "up")
        with open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as f:
            f.write("1")

    @staticmethod
    def _make_run_netns():
        _mount("-t", "tmpfs", "none", "/run")
        os.mkdir("/run/netns")

    @staticmethod
    def _names(folder, names):
        hosts = os.path.join(folder, "hosts")
        with open(hosts, "w", encoding="ascii") as f:
            f.write("127.0.0.1 localhost\n")
            for name in names:
                f.write(f"{SERVER_IP} {name}\n")
        resolv = os.path.join(folder, "resolv.conf")
        with open(resolv, "w", encoding="ascii") as f:
            f.write(f"nameserver {SERVER_IP}\noptions timeout:1 attempts:1\n")
        _mount("--bind", hosts, "/etc/hosts")
        _mount("--bind", resolv, os.path.realpath("/etc/resolv.conf"))

    def host(self):
        return Host()


class Host:
    """One client machine."""

    def __init__(self):
        with _lock:
            n = next(_numbers)
        self.ip = f"10.77.{n // 250}.{n % 250 + 1}"
        self.name = f"h{n}"
        self.cable = f"c{n}"
        _ip("netns", "add", self.name)
        _ip("link", "add", self.cable, "type", "veth", "peer", "name", "eth0",
            "netns", self.name)
        _ip("link", "set", self.cable, "up")
        _ip("route", "add", self.ip, "dev", self.cable, "src", SERVER_IP)
        inner = ("-n", self.name)
        _ip(*inner, "link", "set", "lo", "up")
        _ip(*inner, "addr", "add", self.ip + "/32", "dev", "eth0")
        _ip(*inner, "link", "set", "eth0", "up")
        _ip(*inner, "route", "add", SERVER_IP, "dev", "eth0")
        _ip(*inner, "route", "add", "default", "via", SERVER_IP, "dev", "eth0")

    def wrap(self, argv):
        """argv as run on this machine."""
        return ["nsenter", f"--net=/run/netns/{self.name}", *argv]

    @contextlib.contextmanager
    def entered(self):
        """The sockets that this thread opens meanwhile are this machine's."""
        own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        try:
            _setns(there)
            yield self
        finally:
            _setns(own)
            os.close(own)
            os.close(there)

    def cut(self):
        """Pulls the cable: nothing arrives any more, and nobody is told."""
        _ip("link", "set", self.cable, "down")

    def mend(self):
        _ip("link", "set", self.cable, "up")
        _ip("route", "replace", self.ip, "dev", self.cable, "src", SERVER_IP)

    def stop(self):
        _ip("netns", "del", self.name)
