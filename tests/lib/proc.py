"""Child processes that leave nothing behind: each leads a process group, writes its output to a
file, and dies with the test program."""
import atexit
import ctypes
import os
import signal
import subprocess
import threading

from lib.tap import wait_for

PR_SET_PDEATHSIG = 1
STOP_S = 5  # after a polite signal; then SIGKILL

_libc = ctypes.CDLL(None, use_errno=True)
_running = set()
_lock = threading.Lock()


def _in_child():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # A shell has its background jobs ignore this one, and a shell script could not trap it then.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Proc:
    """A started program.  `log` is the path of what it printed (both streams).  stdin: True, for a
    pipe to write() to; or a socket, which is its then."""

    def __init__(self, argv, log, cwd=None, env=None, netns=None, stdin=False):
        self.argv = netns.wrap(argv) if netns else list(argv)
        self.log = log
        self._log_pos = 0
        if stdin is True:
            stdin = subprocess.PIPE
        with open(log, "ab") as out:
            self.p = subprocess.Popen(
                self.argv, cwd=cwd, env=env, stdout=out, stderr=subprocess.STDOUT,
                stdin=stdin or subprocess.DEVNULL,
                start_new_session=True, preexec_fn=_in_child)
        self.pid = self.p.pid
        with _lock:
            _running.add(self)

    def write(self, line):
        """One line to the program's standard input."""
        self.p.stdin.write((line + "\n").encode())
        self.p.stdin.flush()

    def running(self):
        return self.p.poll() is None

    def text(self):
        with open(self.log, "rb") as f:
            return f.read().decode("utf-8", "replace")

    def mark(self):
        """A position in the log, for wait_text(after=...)."""
        return os.path.getsize(self.log)

    def text_after(self, mark):
        with open(self.log, "rb") as f:
            f.seek(mark)
            return f.read().decode("utf-8", "replace")

    def wait_text(self, wanted, after=0):
        """Waits until the log holds `wanted`; fails at once if the program ends without it."""
        def seen():
            ended = not self.running()
            if wanted in self.text_after(after):
                return True
            if ended:
                raise AssertionError(f"{self.argv[0]} ended ({self.p.returncode}) without "
                                     f"{wanted!r}; its output: {self.log}")
            return False
        wait_for(seen, f"{wanted!r} in {self.log}")

    def wait_end(self):
        wait_for(lambda: not self.running(), f"the end of {self.argv[0]} ({self.log})")
        return self.p.returncode

    def send_signal(self, number):
        if self.running():
            os.kill(self.pid, number)

    def stop(self, polite=signal.SIGTERM):
        """Ends the program and its whole group; returns its exit status."""
        with _lock:
            _running.discard(self)
        if self.running() and polite is not None:
            self.send_signal(polite)
            try:
                self.p.wait(STOP_S)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        if self.p.stdin:
            try:
                self.p.stdin.close()
            except OSError:
                pass
        return self.p.wait()


def run(argv, netns=None, timeout=60, input_text=None, env=None):
    """Runs a short program to its end; returns (status, output of both streams)."""
    done = subprocess.run(netns.wrap(argv) if netns else argv, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=timeout, env=env,
                          input=None if input_text is None else input_text.encode())
    return done.returncode, done.stdout.decode("utf-8", "replace")


def must(argv, **kw):
    status, text = run(argv, **kw)
    if status != 0:
        raise AssertionError(f"{' '.join(argv)} ended with {status}: {text.strip()}")
    return text


@atexit.register
def _end_all():
    with _lock:
        left = list(_running)
    for p in left:
        p.stop(polite=None)
