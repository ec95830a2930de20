"""A cable between two machines that takes its time: what goes in at one end comes out of the
other after a delay.  Two TAP interfaces and a thread of the test program; netem is not in every
kernel."""
import errno
import fcntl
import heapq
import itertools
import os
import select
import struct
import threading
import time

from lib.tap import Skip

_TUNSETIFF, _IFF_TAP, _IFF_NO_PI = 0x400454ca, 0x0002, 0x1000
_FRAME_MAX = 1 << 16
_QUEUE_MAX = 10_000  # frames on their way


def _tap(machine, name):
    try:
        with machine.entered():
            fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", name.encode(),
                                                    _IFF_TAP | _IFF_NO_PI))
    except OSError as e:
        raise Skip(f"needs /dev/net/tun: {e.strerror}") from e
    return fd


class SlowCable:
    """a and b: (machine, name of the interface there)."""

    def __init__(self, a, b, delay_ms):
        self.fds = [_tap(*a), _tap(*b)]
        self.delay_s = delay_ms / 1000
        self._queue, self._order = [], itertools.count()
        self._over = os.pipe()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _take(self, i):
        try:
            frame = os.read(self.fds[i], _FRAME_MAX)
        except OSError as e:
            if e.errno in (errno.EAGAIN, errno.EIO):  # EIO: the interface is down
                return
            raise
        if len(self._queue) < _QUEUE_MAX:
            heapq.heappush(self._queue, (time.monotonic() + self.delay_s, next(self._order),
                                         self.fds[1 - i], frame))

    def _give(self):
        """What is due; the time until the next one is."""
        while self._queue:
            left = self._queue[0][0] - time.monotonic()
            if left > 0:
                return left
            _, _, fd, frame = heapq.heappop(self._queue)
            try:
                os.write(fd, frame)
            except OSError:
                pass  # the other end is down: lost
        return None

    def _run(self):
        while True:
            ready, _, _ = select.select([*self.fds, self._over[0]], [], [], self._give())
            if self._over[0] in ready:
                return
            for i, fd in enumerate(self.fds):
                if fd in ready:
                    self._take(i)

    def stop(self):
        os.close(self._over[1])
        self.thread.join()
        for fd in (*self.fds, self._over[0]):
            os.close(fd)
