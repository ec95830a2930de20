#!/usr/bin/python3
"""kill -9 of each process: it comes back, and what was acknowledged is there."""
import os
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.siptext import Dialog, Phone  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402

TEXT = [("Content-Type", "text/plain")]
# Bindings of phones without a connection are written behind: the last second may be lost.
WRITTEN_BEHIND_S = 2


def phone(case, user, transport="udp", **kw):
    return case.own(Phone(case.site.server, user, transport, **kw))


def signed_in(case, name, transport="udp"):
    return phone(case, case.site.user(name), transport).sign_in()


def kill(case, role, slot=0):
    """Kills a role process and waits until another one runs in its place."""
    old = case.site.server.kill_role(role, slot)

    def back():
        rows = [r for r in case.site.server.roles() if r["role"] == role and r["slot"] == slot]
        return rows and rows[0]["state"] == "running" and rows[0]["pid"] != old
    wait_for(back, f"{role}/{slot} to be back")


def slots(case):
    return range(case.site.frontends)


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
    for slot in slots(case):
        kill(case, "frontend", slot)
    check_eq(len(case.site.server.endpoints(b.user)), 1, "bob's endpoints after the restart")
    wait_for(lambda: delivered(a, b, "after"), "a message after the restart")


@tap.test(alone=True)
def a_call_survives_the_front_end_and_its_bye_arrives(case):
    a, b = signed_in(case, "alice"), signed_in(case, "bob")
    dialog, _ = connect(a, b)
    for slot in slots(case):
        kill(case, "frontend", slot)
    bye = a.send(a.make("BYE", None, dialog=dialog))
    b.answer(b.expect_request("BYE"), 200)
    check_eq(a.expect_answer(bye).code, 200, "the answer to BYE")


@tap.test(alone=True)
def a_call_over_tls_survives_when_its_phones_sign_in_again(case):
    a, b = signed_in(case, "alice", "tls"), signed_in(case, "bob", "tls")
    dialog, _ = connect(a, b)
    for slot in slots(case):
        kill(case, "frontend", slot)
    wait_for(lambda: a.closed and b.closed, "the connections to be closed")
    # The same phones on new connections; a phone keeps its instance or its address.
    a2 = phone(case, a.user, "tls")
    b2 = phone(case, b.user, "tls")
    a2.register(contact=a.contact())
    b2.register(contact=b.contact())
    bye = a2.send(a2.make("BYE", None, dialog=dialog))
    b2.answer(b2.expect_request("BYE"), 200)
    check_eq(a2.expect_answer(bye).code, 200, "the answer to BYE")


@tap.test(alone=True)
def connections_of_one_front_end_outlive_the_other(case):
    if case.site.frontends < 2:
        tap.skip("there is one front-end process")
    phones = [signed_in(case, f"u{i}", "tcp") for i in range(8)]
    time.sleep(WRITTEN_BEHIND_S)
    kill(case, "frontend", 0)
    wait_for(lambda: any(p.closed for p in phones), "the killed one's connections to close")
    alive = [p for p in phones if not p.closed]
    check(alive, "no connection was held by the other process")
    for p in alive:
        wait_for(lambda p=p: case.site.server.endpoints(p.user), f"{p.user.name} to be known")
    for p in alive[1:]:
        wait_for(lambda p=p: delivered(alive[0], p, "still here"), "a message to one that stayed")
    check(not any(p.closed for p in alive), "another connection was closed")


@tap.test(alone=True)
def the_accounts_process_is_killed_under_load_and_nobody_is_refused(case):
    a, b = signed_in(case, "alice", "tcp"), signed_in(case, "bob", "tls")
    user = case.site.user("late")
    done = threading.Event()
    failures = []

    def load():
        while not done.is_set():
            if not delivered(a, b, "x"):
                failures.append("a message was refused")
    thread = threading.Thread(target=load)
    thread.start()
    try:
        kill(case, "accounts")
        check_eq(phone(case, user, "tls").register().code, 200, "a sign-in after the restart")
        check(case.site.server.tool("user", "show", user.name), "the user is there")
    finally:
        done.set()
        thread.join()
    check_eq(failures, [], "failures of the load")


@tap.test(alone=True)
def users_that_were_acknowledged_are_there_after_kills(case):
    made = []
    for i in range(6):
        made.append(case.site.user(f"kept{i}"))
        kill(case, "accounts")
    listed = case.site.server.tool("user", "list")
    check_eq([u.name for u in made if u.name not in listed], [], "users that were lost")
    check_eq(phone(case, made[-1], "tcp").register().code, 200, "signing in")


@tap.test(alone=True)
def the_roles_end_with_the_supervisor_and_a_new_start_works(case):
    server = case.site.server
    pids = [r["pid"] for r in server.roles()]
    b = signed_in(case, "bob")
    time.sleep(WRITTEN_BEHIND_S)
    os.kill(server.p.p.pid, signal.SIGKILL)
    wait_for(lambda: not any(os.path.exists(f"/proc/{p}/exe") and os.path.lexists(f"/proc/{p}/exe")
                             and _alive(p) for p in pids), "the role processes to end")
    server.p.stop()
    server.start()
    a = signed_in(case, "alice", "tcp")
    wait_for(lambda: delivered(a, b, "after all"), "a message to a phone that never noticed")


def _alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


if __name__ == "__main__":
    tap.main(site.make)
