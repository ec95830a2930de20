#!/usr/bin/python3
"""kill -9 of each process: it comes back, and what was acknowledged is there."""
import os
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.im import History, page  # noqa: E402
from lib.load import Load  # noqa: E402
from lib.siptext import Dialog, Phone  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402

HEAVY = True
TEXT = [("Content-Type", "text/plain")]
# Bindings of phones without a connection are written behind: the last second may be lost.
WRITTEN_BEHIND_S = 2
# So long after the first of them what was said goes from the log into the tables.
FOLD_S = 5


def phone(case, user, transport="udp", **kw):
    return case.own(Phone(case.site.server, user, transport, **kw))


def signed_in(case, name, transport="udp"):
    return phone(case, case.site.user(name), transport).sign_in()


def kill(case, role, number=1):
    """Kills a role process and waits until another one runs in its place."""
    old = case.site.server.kill_role(role, number)

    def back():
        rows = [r for r in case.site.server.roles()
                if (r["role"], r["process"]) == (role, number)]
        return rows and rows[0]["state"] == "running" and rows[0]["pid"] != old
    wait_for(back, f"{role}/{number} to be back")


def front_ends(case):
    return range(1, case.site.frontends + 1)


def connect(a, b):
    inv = a.send(a.invite(b.user.uri))
    if a.transport == "udp":
        answer = a.expect_answer(inv)
        a.ack(inv, answer)
        inv = a.send(a.again(inv, answer))
    got = b.expect_request("INVITE")
    ok = b.answer(got, 200, tag="bt")
    dialog = a.confirm(inv, a.expect_answer(inv))
    b.expect_request("ACK")
    return dialog, Dialog.of_callee(got, ok)


def delivered(a, b, text):
    """One try: A's MESSAGE is taken by B and A hears so."""
    m = a.send(a.make("MESSAGE", b.user.uri, body=text, headers=TEXT))
    answer = None

    def step():
        nonlocal answer, m
        with b._lock:
            mine = [x for x in b.inbox if x.method == "MESSAGE"]
            b.inbox = [x for x in b.inbox if x.method != "MESSAGE"]
        for x in mine:
            b.answer(x, 200)
        with a._lock:
            found = [x for x in a.inbox if x.code and x.code >= 200 and
                     x.get("Call-ID") == m.get("Call-ID") and x.cseq == m.cseq]
        if found and found[0].code == 407:
            m = a.send(a.again(m, found[0]))
            return None
        answer = found[0] if found else None
        return answer
    wait_for(step, "an answer to MESSAGE")
    return answer.code == 200


@tap.test(alone=True)
def phones_without_a_connection_are_reachable_after_the_front_end_was_killed(case):
    a, b = signed_in(case, "alice"), signed_in(case, "bob")
    check(delivered(a, b, "before"), "the message before")
    time.sleep(WRITTEN_BEHIND_S)
    for number in front_ends(case):
        kill(case, "frontend", number)
    check_eq(len(case.site.server.endpoints(b.user)), 1, "bob's endpoints after the restart")
    wait_for(lambda: delivered(a, b, "after"), "a message after the restart")


def on_again(case, old):
    """The same phone after its connection was lost: it signs in with the address it had."""
    if old.transport == "udp":
        return old
    wait_for(lambda: old.closed, f"the end of the connection of {old.user.name}")
    new = phone(case, old.user, old.transport)
    check_eq(new.register(contact=old.contact()).code, 200, "the phone's next sign-in")
    return new


def hang_up(a, b, dialog):
    """A's BYE arrives at B, and the answer at A.  Over UDP both send again what got lost."""
    bye = a.send(a.make("BYE", None, dialog=dialog))
    got = b.expect_request("BYE")
    b.answer(got, 200)
    check_eq(a.expect_answer(bye).code, 200, "the answer to BYE")
    check_eq((got.get("Call-ID"), got.tag("To")), (dialog.call_id, "bt"), "the call that ended")


def _survives(transport, what, kill_it):
    def run(case):
        a, b = (signed_in(case, n, transport) for n in ("alice", "bob"))
        dialog, _ = connect(a, b)
        time.sleep(WRITTEN_BEHIND_S if transport == "udp" else 0)
        ends_connections = kill_it(case)
        if ends_connections:
            a, b = on_again(case, a), on_again(case, b)
        hang_up(a, b, dialog)
        check_eq(b.has(lambda m: m.method == "BYE"), True, "BYE")
    run.__name__ = f"a_call_over_{transport}_survives_the_kill_of_{what}"
    tap.test(run, alone=True)


def kill_front_ends(case):
    for number in front_ends(case):
        kill(case, "frontend", number)
    return True


def kill_accounts(case):
    kill(case, "accounts")
    return False


def kill_supervisor(case):
    """The kernel gives the sockets back; a new start finds all."""
    case.site.server.kill()
    case.site.server.start()
    return True


for _transport in ("udp", "tcp", "tls"):
    _survives(_transport, "the_front_ends", kill_front_ends)
    _survives(_transport, "accounts", kill_accounts)
    _survives(_transport, "the_supervisor", kill_supervisor)


@tap.test(alone=True)
def connections_of_one_front_end_outlive_the_other(case):
    if case.site.frontends < 2:
        tap.skip("there is one front-end process")
    phones = [signed_in(case, f"u{i}", "tcp") for i in range(8)]
    time.sleep(WRITTEN_BEHIND_S)
    kill(case, "frontend", 1)
    wait_for(lambda: any(p.closed for p in phones), "the killed one's connections to close")
    alive = [p for p in phones if not p.closed]
    check(alive, "no connection was held by the other process")
    for p in alive:
        wait_for(lambda p=p: case.site.server.endpoints(p.user), f"{p.user.name} to be known")
    for p in alive[1:]:
        wait_for(lambda p=p: delivered(alive[0], p, "still here"), "a message to one that stayed")
    check(not any(p.closed for p in alive), "another connection was closed")


@tap.test(alone=True)
def who_signed_in_as_the_home_was_killed_signs_in_again_and_is_reachable(case):
    """The home had no time to store the binding: the process that holds the connection ends it."""
    if case.site.frontends < 2:
        tap.skip("there is one front-end process")
    old = case.site.server.roles()
    phones = [signed_in(case, f"late{i}", "tcp") for i in range(8)]
    os.kill(next(r["pid"] for r in old if (r["role"], r["process"]) == ("frontend", 1)),
            signal.SIGKILL)

    def reachable(i):
        if phones[i].closed:
            phones[i] = phone(case, phones[i].user, "tcp").sign_in()
        return len(case.site.server.endpoints(phones[i].user)) == 1
    for i in range(len(phones)):
        wait_for(lambda i=i: reachable(i), f"{phones[i].user.name} to be signed in")


@tap.test(alone=True)
def the_accounts_process_is_killed_under_load_and_nobody_is_refused(case):
    load, user = Load(case), case.site.user("late")
    load.goes_on()
    for _ in range(3):
        kill(case, "accounts")
        check_eq(phone(case, user, "tls").register().code, 200, "a sign-in after the restart")
        load.goes_on()
    load.finish()


def _under_load(what, kill_it, ends_all):
    def run(case):
        load = Load(case, resilient=True)
        load.goes_on()
        time.sleep(WRITTEN_BEHIND_S)
        for _ in range(2):
            old = [p for pair in load.pairs for p in (pair.a, pair.b) if p.transport != "udp"]
            kill_it(case)
            if ends_all:
                wait_for(lambda old=old: all(p.closed for p in old), "the connections to end")
            load.goes_on()
        settled = len(load.failed())
        load.goes_on(10)
        check_eq(load.failed()[settled:], [], "failures after all was back")
        load.finish()
    run.__name__ = f"the_load_goes_on_after_the_kill_of_{what}"
    tap.test(run, alone=True)


_under_load("the_front_ends", kill_front_ends, True)
_under_load("the_supervisor", kill_supervisor, True)


class Admin:
    """Changes accounts without a pause; `users` holds what the server has acknowledged."""

    def __init__(self, case):
        self.server, self.users, self.refused = case.site.server, [], 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        case.undo.callback(self.over.set)
        self.thread.start()

    def _run(self):
        n = 0
        while not self.over.is_set():
            n += 1
            try:
                self._one(f"kept{n}")
            except AssertionError:  # not acknowledged: nothing was promised
                self.refused += 1

    def _one(self, name):
        user = self.server.add_user(name)
        self.users.append(user)
        second = self.server.add_device(name, "second")
        user.second = second
        self.server.tool("user", "set", name, "--department", "of " + name)
        user.department = "of " + name
        self.server.tool("user", "passwd", name, "--password-stdin",
                         input_text="another-" + name + "\n")

    def finish(self):
        self.over.set()
        self.thread.join()


def _is_kept(case, user):
    """What was acknowledged of a user is there: the passwords of the devices, the fields."""
    check_eq(phone(case, user, "tcp").register().code, 200, f"{user.name}: the first device")
    if hasattr(user, "second"):
        answer = phone(case, user, "udp", password=user.second).register()
        check_eq(answer.code, 200, f"{user.name}: the second device")
    if hasattr(user, "department"):
        shown = case.site.server.json("user", "show", user.name)
        check_eq(shown["department"], user.department, user.name)


@tap.test(alone=True)
def what_was_acknowledged_is_there_after_kills(case):
    admin = Admin(case)
    for role in ("accounts", "accounts", "frontend", "accounts", "accounts"):
        enough = len(admin.users) + 2
        wait_for(lambda n=enough: len(admin.users) >= n, "accounts to be made")
        kill(case, role)
    enough = len(admin.users) + 1
    wait_for(lambda: len(admin.users) >= enough, "accounts to be made after the last kill")
    kill_supervisor(case)
    admin.finish()
    for user in admin.users:
        _is_kept(case, user)


class Talk:
    """A's messages to B without a pause, a few of them under way at once, until a connection ends;
    `acked` holds the texts whose 200 A has seen."""
    AT_ONCE, PAUSE_S = 20, 0.002

    def __init__(self, a, b, name):
        self.a, self.b, self.name = a, b, name
        self.sent, self.acked, self.open = [], [], {}
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            while not (self.a.closed or self.b.closed):
                while len(self.open) < self.AT_ONCE:
                    self._say(f"{self.name}.{len(self.sent)}")
                self._hear()
                time.sleep(self.PAUSE_S)
        except OSError:  # the connection has ended
            pass
        self._hear_answers()  # that came before it did

    def _say(self, text):
        self.sent.append(text)
        m = page(self.a, self.b.user.uri, text)
        self.open[m.get("Call-ID"), m.cseq] = text

    def _hear(self):
        with self.b._lock:
            came = [m for m in self.b.inbox if m.method == "MESSAGE"]
            self.b.inbox = [m for m in self.b.inbox if m.method != "MESSAGE"]
        for m in came:
            self.b.answer(m, 200)
        self._hear_answers()

    def _hear_answers(self):
        with self.a._lock:
            answers = [m for m in self.a.inbox if m.code and m.code >= 200]
            self.a.inbox = [m for m in self.a.inbox if not (m.code and m.code >= 200)]
        for m in answers:
            text = self.open.pop((m.get("Call-ID"), m.cseq), None)
            if text and m.code == 200:
                self.acked.append(text)


def _check_remembered(client, talks):
    """What was acknowledged is there once, and nothing twice."""
    h = History(client, since="0")
    told = h.follow()
    while told["more"]:
        told = h.follow()
    texts = [m["text"] for m in h.messages]
    known = set(texts)
    sent = {t for talk in talks for t in talk.sent}
    check_eq([t for talk in talks for t in talk.acked if t not in known], [],
             "acknowledged and forgotten")
    check_eq(len(texts), len(known), "each once")
    check(known <= sent, "what nobody said")
    numbers = [int(m["sequence"]) for m in h.messages]
    check(numbers == sorted(set(numbers)), "their order")


@tap.test(alone=True)
def messages_that_were_acknowledged_are_remembered_once_after_kills(case):
    a, b = signed_in(case, "alice", "tcp"), signed_in(case, "bob", "tcp")
    talks = []
    for how, seconds in ((kill_front_ends, 0), (kill_front_ends, FOLD_S), (kill_supervisor, 0)):
        talk = Talk(a, b, f"m{len(talks)}")
        talks.append(talk)
        end = time.monotonic() + seconds
        wait_for(lambda t=talk, e=end: len(t.acked) >= 200 and time.monotonic() >= e,
                 "messages to be acknowledged")
        how(case)
        talk.thread.join()
        a, b = on_again(case, a), on_again(case, b)
        for p in (a, b):
            _check_remembered(p, talks)


@tap.test(alone=True)
def the_roles_end_with_the_supervisor_and_a_new_start_works(case):
    b = signed_in(case, "bob")
    time.sleep(WRITTEN_BEHIND_S)
    kill_supervisor(case)
    a = signed_in(case, "alice", "tcp")
    wait_for(lambda: delivered(a, b, "after all"), "a message to a phone that never noticed")


if __name__ == "__main__":
    tap.main(site.make)
