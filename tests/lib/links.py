"""The local links between the server's processes, broken while both processes live.

The test takes a copy of one end out of a process (pidfd_getfd) and shuts it down, or writes what no
process would.  Which end belongs to which other one the kernel's table of sockets says."""
import ctypes
import errno
import os
import re
import socket

from lib import proc
from lib.tap import Skip

_PIDFD_GETFD = 438
_libc = ctypes.CDLL(None, use_errno=True)


def _copy(pidfd, fd):
    got = _libc.syscall(_PIDFD_GETFD, pidfd, fd, 0)
    if got >= 0:
        return socket.socket(fileno=got)
    why = ctypes.get_errno()
    if why == errno.EBADF:
        return None  # closed meanwhile
    raise Skip(f"no descriptor of another process to be had: {os.strerror(why)}")


def _inodes(pid):
    """Descriptor by socket inode."""
    folder, out = f"/proc/{pid}/fd", {}
    for fd in os.listdir(folder):
        try:
            name = os.readlink(os.path.join(folder, fd))
        except FileNotFoundError:
            continue  # closed meanwhile
        found = re.match(r"socket:\[(\d+)\]", name)
        if found:
            out[int(found.group(1))] = int(fd)
    return out


def _pairs():
    """Inode of the other end by inode, of all connected stream socket pairs."""
    text = proc.must(["ss", "-xnH"])
    found = re.findall(r"(?m)^u_str\s+ESTAB\s+\d+\s+\d+\s+\*\s+(\d+)\s+\*\s+(\d+)", text)
    return {int(a): int(b) for a, b in found}


def end_at(pid, other):
    """A copy of the end that process `pid` has of its link to process `other` (or to itself); None
    while there is none."""
    mine, theirs, pairs = _inodes(pid), _inodes(other), _pairs()
    for inode, fd in mine.items():
        if pairs.get(inode) in theirs:
            pidfd = os.pidfd_open(pid)
            try:
                return _copy(pidfd, fd)
            finally:
                os.close(pidfd)
    return None
