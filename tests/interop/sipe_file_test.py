#!/usr/bin/python3
"""Files of the Lync client pidgin-sipe (AV-13), which go by TCP with ICE: what arrives is compared
with what was sent, and what the A/V edge has carried is read in its log.

| what                                          | way                                 |
|-----------------------------------------------|-------------------------------------|
| a file there and one back                     | by the edge                         |
| a file there and one back                     | by a relay at each end              |
| declined: the sender is told                  |                                     |
| a name that is blocked here: is told          |                                     |
| nobody there, or a phone: is told             |                                     |

Not tried is the way from machine to machine, where the client loses about one file in twenty by
itself (docs/protocols/lync.md).
"""
import hashlib
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop import phones, relay  # noqa: E402
from interop.sipe import sign_in  # noqa: E402
from lib import netns, site, tap  # noqa: E402
from lib.tap import check, wait_for  # noqa: E402

SIZE = 700_000  # more than one second of port-bandwidth's default
BEGAN = r"event=allocation-began id=\S+ user={} "
ENDED = r"event=allocation-ended id=\S+ user={} .* bytes-in=(\d+) bytes-out=(\d+)"


def make(args, folder):
    """The limits of the edge are the defaults: what is above them waits, and nothing is lost."""
    netns.enter()
    return site.Site(args, folder, edge="processes = 2\nopen-peers = 10.0.0.0/8\n")


def new_file(case, name, size=SIZE):
    path = os.path.join(case.dir, name)
    with open(path, "wb") as f:
        f.write(os.urandom(size))
    return path


def digest(path):
    """None while there is none."""
    if not os.path.exists(path):
        return None
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def send(case, sender, receiver, name):
    path, copy = new_file(case, name), os.path.join(case.dir, f"copy of {name}")
    marks = sender.mark(), receiver.mark()
    sender.send_file(receiver.user.uri, path)
    receiver.wait_file_offer(name, sender.user.uri, marks[1])
    receiver.accept_file(copy)
    sender.wait_file("complete", marks[0], direction="send")
    receiver.wait_file("complete", marks[1], direction="receive")
    wait_for(lambda: digest(copy) == digest(path), f"the whole file in {copy}")


def began(case, client):
    """The client's allocations so far."""
    return re.findall(BEGAN.format(client.user.uri[4:]), case.site.server.p.text())


def carried(case, client):
    """Bytes each way of the client's allocations; None while one has not ended."""
    ended = re.findall(ENDED.format(client.user.uri[4:]), case.site.server.p.text())
    if not ended or len(ended) < len(began(case, client)):
        return None
    return [sum(map(int, ways)) for ways in zip(*ended)]


def wait_carried(case, *clients):
    """Their calls are over; returns what carried() says of each."""
    wait_for(lambda: all(carried(case, c) for c in clients), "the ends of their allocations")
    return [carried(case, c) for c in clients]


def wait_told(client, text, after):
    client.wait_event("notice", after, kind="error", secondary=re.compile(text))


def there_and_back(case, a, b):
    send(case, a, b, "there.bin")
    send(case, b, a, "back.bin")


@tap.test
def a_file_goes_by_the_edge(case):
    a, b = sign_in(case, "alice", "bob")
    relay.part(a, b)
    there_and_back(case, a, b)
    ways = wait_carried(case, a, b)
    check(sum(map(sum, ways)) >= 2 * SIZE, f"both by the edge: {ways}")


@tap.test
def a_file_goes_by_a_relay_at_each_end(case):
    a, b = sign_in(case, "alice", "bob")
    relay.hide(a, b)
    there_and_back(case, a, b)
    for ways in wait_carried(case, a, b):
        check(min(ways) >= SIZE, f"each way by each one's relay: {ways}")


@tap.test
def a_declined_file_is_told(case):
    a, b = sign_in(case, "alice", "bob")
    marks = a.mark(), b.mark()
    a.send_file(b.user.uri, new_file(case, "file.bin"))
    b.wait_file_offer("file.bin", a.user.uri, marks[1])
    b.decline_file()
    a.wait_file("cancel", marks[0], direction="send", **{"by-peer": True})
    b.wait_file("cancel", marks[1], direction="receive", **{"by-peer": False})


@tap.test
def a_file_of_a_blocked_kind_is_not_offered(case):
    a, b = sign_in(case, "alice", "bob")
    relay.part(a, b)
    marks = a.mark(), b.mark()
    a.send_file(b.user.uri, new_file(case, "file.exe"))
    wait_told(a, "not allowed here", marks[0])
    # What is sent after it arrives, and it has not.
    send(case, a, b, "file.bin")
    check(not [ev for ev in b.events(marks[1]) if ev["event"] == "file-offer" and
               ev["name"] == "file.exe"], "the file was offered")


@tap.test
def a_file_for_a_signed_out_user_is_told(case):
    (a,) = sign_in(case, "alice")
    mark = a.mark()
    a.send_file(case.site.user("bob").uri, new_file(case, "file.bin"))
    wait_told(a, "not available", mark)


@tap.test
def a_file_for_a_phone_is_told(case):
    (a,) = sign_in(case, "alice")
    (phone,) = phones.sign_in(case, (phones.LINPHONEC, case.site.user("bob"), "tcp"))
    mark = a.mark()
    a.send_file(phone.user.uri, new_file(case, "file.bin"))
    wait_told(a, "incompatible with ours", mark)  # what the client makes of any 488


if __name__ == "__main__":
    tap.main(make)
