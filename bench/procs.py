"""What a tree of processes uses: CPU time and memory, from /proc."""
import ctypes
import os
import signal
import subprocess
import time

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
STOP_S = 10
START_S = 60
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None)


class Failed(Exception):
    """Something could not be measured; the text says why."""


def start(argv, log, cpus, **kw):
    """A child on these processors that ends with us; `log` gets what it prints on stderr."""
    def in_child():
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.sched_setaffinity(0, cpus)
    with open(log, "ab") as out:
        kw.setdefault("stdout", out)
        return subprocess.Popen(argv, stderr=out, preexec_fn=in_child, start_new_session=True, **kw)


def stop(p):
    """Ends a child that start() started, and what it left in its session."""
    if p.poll() is None:
        p.terminate()
        try:
            p.wait(STOP_S)
        except subprocess.TimeoutExpired:
            pass
    try:
        os.killpg(p.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    p.wait()


def wait_until(ready, what):
    end = time.monotonic() + START_S
    while not ready():
        if time.monotonic() > end:
            raise Failed(f"{what} did not come in {START_S} s")
        time.sleep(0.05)


def tree(pid):
    """The process and all below it."""
    found = [pid]
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as f:
            for child in f.read().split():
                found += tree(int(child))
    return found


def _ticks_s(pid):
    """utime + stime of all threads, ended ones too, and of children that were waited for."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return sum(int(x) for x in fields[11:15]) * TICK_S


def _exact_s(pid):
    """The same of living threads, to the nanosecond; 0 where the kernel does not count it."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as f:
                total += int(f.read().split()[0])
        except FileNotFoundError:
            pass
    return total / 1e9


def cpu(pids):
    """A reading for cpu_between()."""
    return {pid: (_exact_s(pid), _ticks_s(pid)) for pid in pids}


def cpu_between(before, after):
    """CPU seconds of the processes between two readings.  The exact count is taken unless the one
    by clock ticks says that it missed something (threads that ended)."""
    if before.keys() != after.keys():
        raise Failed("processes of the server ended or began during the measurement")
    exact = sum(after[p][0] - before[p][0] for p in before)
    ticks = sum(after[p][1] - before[p][1] for p in before)
    return ticks if ticks > exact * 1.05 + 2 * TICK_S * len(before) else exact


def pss(pids):
    """Proportional set size in bytes, summed."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
            total += sum(int(line.split()[1]) for line in f if line.startswith("Pss:"))
    return total * 1024


def kernel_memory():
    """Bytes of the kernel's unreclaimable slab and of socket buffers, of the whole machine."""
    with open("/proc/meminfo", encoding="ascii") as f:
        slab = next(int(line.split()[1]) for line in f if line.startswith("SUnreclaim:")) * 1024
    pages = 0
    with open("/proc/net/sockstat", encoding="ascii") as f:
        for line in f:
            words = line.split()
            if "mem" in words and words[0] in ("TCP:", "UDP:"):
                pages += int(words[words.index("mem") + 1])
    return slab + pages * PAGE
