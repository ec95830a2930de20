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


def ip_tool(*words):
    """ip(8), which must succeed."""
    done = subprocess.run(["ip", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise AssertionError(f"ip {' '.join(words)}: {done.stdout.decode().strip()}")


@contextlib.contextmanager
def no_way_to_port(port):
    """The server reaches that TCP port on no other host meanwhile."""
    rule = ("ipproto", "tcp", "dport", str(port), "unreachable")
    ip_tool("rule", "add", *rule)
    try:
        yield
    finally:
        ip_tool("rule", "del", *rule)


def _setns(fd):
    if _libc.setns(fd, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _mount(*words):
    subprocess.run(["mount", *words], check=True)


def _make_run_netns():
    _mount("-t", "tmpfs", "none", "/run")
    os.mkdir("/run/netns")


def prepare():
    """Names of machines, and a kernel that forwards between them: here alone."""
    if not inside():
        raise Skip("needs network namespaces: run as root, or allow unprivileged user "
                   "namespaces, with iproute2 installed")
    _mount("-t", "tmpfs", "none", "/run/netns") if os.path.isdir("/run/netns") else \
        _make_run_netns()
    ip_tool("link", "set", "lo", "up")
    with open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as f:
        f.write("1")


def ask_for_names(folder, ip):
    """Whom everybody here asks for names: a DNS server with this address."""
    resolv = os.path.join(folder, "resolv.conf")
    with open(resolv, "w", encoding="ascii") as f:
        f.write(f"nameserver {ip}\noptions timeout:1 attempts:1\n")
    _mount("--bind", resolv, os.path.realpath("/etc/resolv.conf"))


class Net:
    """The private network.  names: what /etc/hosts of everybody in it says besides localhost."""

    def __init__(self, folder, names=()):
        prepare()
        self._names(folder, names)
        ask_for_names(folder, SERVER_IP)
        # A cable that leads nowhere: gives the server's address a real interface.
        ip_tool("link", "add", "srv0", "type", "veth", "peer", "name", "srv1")
        ip_tool("addr", "add", SERVER_IP + "/32", "dev", "srv0")
        for link in ("srv0", "srv1"):
            ip_tool("link", "set", link, "up")

    @staticmethod
    def _names(folder, names):
        hosts = os.path.join(folder, "hosts")
        with open(hosts, "w", encoding="ascii") as f:
            f.write("127.0.0.1 localhost\n")
            for name in names:
                f.write(f"{SERVER_IP} {name}\n")
        _mount("--bind", hosts, "/etc/hosts")

    def host(self):
        return Host()


def setting(path, value):
    """A setting of the network that this thread is in, if its kernel has it."""
    path = "/proc/sys/net/" + path
    if os.path.exists(path):
        with open(path, "w", encoding="ascii") as f:
            f.write(value)


class Machine:
    """A network namespace of that name, with nothing in it but loopback."""

    def __init__(self, name):
        self.name = name
        ip_tool("netns", "add", name)
        self.link("set", "lo", "up")

    def ip_tool(self, *words):
        """ip(8) as run on this machine."""
        ip_tool("-n", self.name, *words)

    def link(self, *words):
        self.ip_tool("link", *words)

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

    def stop(self):
        ip_tool("netns", "del", self.name)


class Host(Machine):
    """One client machine, with a cable to the server."""

    def __init__(self):
        with _lock:
            n = next(_numbers)
        super().__init__(f"h{n}")
        self._plug(n, "eth0")

    def _plug(self, n, face):
        """A cable, and an address with it."""
        self.ip = f"10.77.{n // 250}.{n % 250 + 1}"
        self.cable = f"c{n}"
        ip_tool("link", "add", self.cable, "type", "veth", "peer", "name", face,
                "netns", self.name)
        ip_tool("link", "set", self.cable, "up")
        ip_tool("route", "add", self.ip, "dev", self.cable, "src", SERVER_IP)
        self.ip_tool("addr", "add", self.ip + "/32", "dev", face)
        # Looking for another machine with the same address ends a second later, and Chromium gives
        # up then what it loads: its network has changed.
        with self.entered():
            setting(f"ipv6/conf/{face}/accept_dad", "0")
        self.link("set", face, "up")
        self.ip_tool("route", "replace", SERVER_IP, "dev", face)
        self.ip_tool("route", "replace", "default", "via", SERVER_IP, "dev", face)

    def cut(self):
        """Pulls the cable: nothing arrives any more, and nobody is told."""
        ip_tool("link", "set", self.cable, "down")

    def mend(self):
        ip_tool("link", "set", self.cable, "up")
        ip_tool("route", "replace", self.ip, "dev", self.cable, "src", SERVER_IP)

    def move(self):
        """Another cable with another address; the old one is taken away."""
        old = self.cable
        with _lock:
            n = next(_numbers)
        self._plug(n, f"eth{n}")
        ip_tool("link", "del", old)
