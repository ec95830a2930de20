#!/usr/bin/python3
"""200 people with contacts, states and watchers while every process is killed (kill -9), one after the
other: nothing that was acknowledged is lost, and afterwards everybody sees what is true."""
import os
import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.presence import PresenceClient  # noqa: E402
from lib.tap import TimedOut, check, check_eq, wait_for  # noqa: E402

HEAVY = True
PEOPLE, WATCHED, WORKERS = 200, 8, 8
CONTACTS_BETWEEN = 20  # that are acknowledged before the next process is killed
STATES = (3500, 6500, 9500, 12500, 15500)


class Gone(Exception):
    """The connection ended before the answer came."""


class Member(PresenceClient):
    """Fails at once when its connection is gone."""

    def expect_answer(self, request, provisional=False):
        def answered(m):
            return m.code and m.code >= 200 and m.get("Call-ID") == request.get("Call-ID") and \
                m.cseq == request.cseq

        def seen():
            if self.closed and not self.has(answered):
                raise Gone()
            return self.has(answered)
        wait_for(seen, lambda: f"the answer to {request}")
        return self.expect(answered, "the answer")


class Person:
    """One user with one device, which signs in again whenever it is cut off."""

    def __init__(self, case, user):
        self.case, self.user = case, user
        self.lock = threading.Lock()
        self.device, self.friends = None, []
        self.kept, self.n = set(), 0  # contacts that were acknowledged
        self.state = None

    def sign_in(self):
        old = self.device
        device = Member(self.case.site.server, self.user)
        if old:
            device.uuid, device.epid = old.uuid, old.epid
            old.stop()
        self.device = device
        device.start()
        check_eq(device.watch(*(f.user for f in self.friends)).code, 200, "watch")

    def again(self):
        """Signs in; while the server is not all there, that can fail."""
        def tried():
            try:
                self.sign_in()
                return True
            except (Gone, OSError, AssertionError) as e:
                if isinstance(e, TimedOut):
                    raise
                return False
        wait_for(tried, f"{self.user.name} to be signed in")

    def act(self, what):
        """Does it with a device that is signed in; the answer, or None if it was cut off."""
        with self.lock:
            if self.device is None or self.device.closed:
                self.again()
            try:
                return what(self.device)
            except (Gone, OSError):
                return None

    def add_contact(self):
        self.n += 1
        uri = f"{self.user.name}-{self.n}@example.test"
        answer = self.act(lambda d: d.soap("setContact", displayName="", groups="1",
                                           subscribed="true", URI=f"sip:{uri}", externalURI=""))
        if answer and answer.code == 200:
            self.kept.add(uri)

    def set_state(self, value):
        def publish(device):
            for _ in range(3):
                answer = device.publish_user(value)
                if answer.code != 409:
                    return answer
                # As a client does: the versions come by notification.
                wait_for(lambda: device.aggregate() is not None, "own data")
            return answer
        answer = self.act(publish)
        self.state = value if answer and answer.code == 200 else None


def everybody(people, what):
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(what, people))


def run(people, stop, failed):
    rng = random.Random(1)
    try:
        while not stop.is_set():
            person = rng.choice(people)
            if rng.random() < 0.5:
                person.add_contact()
            else:
                person.set_state(rng.choice(STATES))
    except Exception as e:  # noqa: BLE001
        failed.append(e)


def kill_each(case, people):
    """Each process once, with something going on before and after."""
    server = case.site.server

    def added():
        return sum(len(p.kept) for p in people)
    rows = [(r["role"], r["process"]) for r in server.roles()]
    for role, number in rows:
        old = server.kill_role(role, number)
        wait_for(lambda: any((r["role"], r["process"]) == (role, number) and r["pid"] != old and  # noqa: B023
                             r["state"] == "running" for r in server.roles()),
                 f"{role}/{number} to be back")
        before = added()
        wait_for(lambda: added() >= before + CONTACTS_BETWEEN, "contacts added")  # noqa: B023


@tap.test(alone=True)
def nothing_acknowledged_is_lost_and_everybody_sees_what_is_true(case):
    people = [Person(case, case.site.user("u")) for _ in range(PEOPLE)]
    for i, p in enumerate(people):
        p.friends = [people[(i + k) % PEOPLE] for k in range(1, WATCHED + 1)]
    everybody(people, lambda p: p.act(lambda d: True))
    stop, failed = threading.Event(), []
    parts = [people[i::WORKERS] for i in range(WORKERS)]
    threads = [threading.Thread(target=run, args=(part, stop, failed)) for part in parts]
    for t in threads:
        t.start()
    try:
        kill_each(case, people)
    finally:
        stop.set()
        for t in threads:
            t.join()
    check(not failed, f"{failed}")
    rng = random.Random(2)

    def settle(person):
        while True:
            person.set_state(rng.choice(STATES))
            if person.state:
                return
    everybody(people, settle)
    everybody(people, lambda p: p.act(lambda d: True))
    for p in people:
        check(p.kept <= set(p.device.list), f"{p.user.name} lost {p.kept - set(p.device.list)}")
        for f in p.friends:
            p.device.wait_sees(f.user, f.state)
    for p in people:
        p.device.stop()


if __name__ == "__main__":
    tap.main(site.make)
