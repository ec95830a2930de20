#!/usr/bin/python3
"""RL-04, the processes: what they may do, how they are watched, what they count, how they stop."""
import contextlib
import os
import re
import signal
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import metrics, netns, proc, site, tap  # noqa: E402
from lib.load import ask  # noqa: E402
from lib.server import METRICS_PORT, Server, program  # noqa: E402
from lib.siptext import Phone  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402

TEXT = [("Content-Type", "text/plain")]
ACCOUNTS_METRICS = 9071
ROLE_USER = "nobody"


def phone(case, user, transport="tcp", **kw):
    return case.own(Phone(case.site.server, user, transport, **kw))


def row(case, role, number=1):
    return next(r for r in case.site.server.roles()
                if (r["role"], r["process"]) == (role, number))


def is_new(case, role, old):
    now = row(case, role)
    return now["state"] == "running" and now["pid"] != old


# What a role process may do.

def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return dict(re.findall(r"(\w+):[ \t]*(.*)", f.read()))


@tap.test
def a_role_process_is_sandboxed_and_cannot_win_new_rights(case):
    for r in case.site.server.roles():
        s = status_of(r["pid"])
        check_eq((s["Seccomp"], s["NoNewPrivs"]), ("2", "1"), r["role"])


@tap.test
def a_role_process_runs_as_an_account_of_its_own_without_capabilities(case):
    if not case.site.may_change_user:
        tap.skip("needs root outside of a user namespace")
    import pwd
    who = pwd.getpwnam(ROLE_USER)
    for r in case.site.server.roles():
        s = status_of(r["pid"])
        check_eq(s["Uid"].split(), [str(who.pw_uid)] * 4, f"{r['role']}: uid")
        check_eq(s["Gid"].split(), [str(who.pw_gid)] * 4, f"{r['role']}: gid")
        check_eq(s["Groups"].split(), [], f"{r['role']}: groups")
        for caps in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            check_eq(int(s[caps], 16), 0, f"{r['role']}: {caps}")


@tap.test
def a_role_process_holds_no_listening_socket_of_another_role(case):
    """accounts has the user store, and nothing that the network reaches."""
    folder = f"/proc/{row(case, 'accounts')['pid']}/fd"
    inodes = set()
    for fd in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            inodes.add(os.readlink(os.path.join(folder, fd)))
    for table in ("tcp", "tcp6", "udp", "udp6"):
        path = f"/proc/{row(case, 'accounts')['pid']}/net/{table}"
        with open(path, encoding="ascii") as f:
            lines = [x.split() for x in f.read().splitlines()[1:]]
        ports = {int(x[1].rsplit(":", 1)[1], 16) for x in lines if f"socket:[{x[9]}]" in inodes}
        check(ports <= {ACCOUNTS_METRICS}, f"{table}: {ports}")


# What they count.

@tap.test
def the_front_ends_count_what_passes(case):
    server = case.site.server
    a, b = (phone(case, case.site.user(n), t) for n, t in (("alice", "tcp"), ("bob", "tls")))
    names = {"endpoints": {}, "sip_requests_in_total": {"method": "MESSAGE"},
             "sip_responses_out_total": {"code": "200"}, "sign_ins_total": {"outcome": "accepted"},
             "connections": {"transport": "TLS"}}
    before = {n: server.metric("dialtone_" + n, **kw) for n, kw in names.items()}
    a.sign_in(), b.sign_in()
    m = a.send(a.make("MESSAGE", b.user.uri, body="x", headers=TEXT))
    b.answer(b.expect_request("MESSAGE"), 200)
    check_eq(a.expect_answer(m).code, 200, "MESSAGE")
    after = {n: server.metric("dialtone_" + n, **kw) for n, kw in names.items()}
    # Other tests run beside: at least this much.
    wanted = {"endpoints": 2, "sip_requests_in_total": 1, "sip_responses_out_total": 3,
              "sign_ins_total": 2}
    for name, least in wanted.items():
        check(after[name] >= before[name] + least or name == "endpoints" and after[name] >= 2,
              f"{name}: {before[name]}, then {after[name]}")
    check(after["connections"] >= 1, f"connections: {after['connections']}")


@tap.test
def every_metric_has_its_type_and_help_and_counters_are_named_so(case):
    for port in [METRICS_PORT + i for i in range(case.site.frontends)] + [ACCOUNTS_METRICS]:
        m = metrics.scrape(port)
        for name, _ in m.samples:
            check(name in m.types and m.helps.get(name), f"{name} has no type or help")
            check((m.types[name] == "counter") == name.endswith("_total"), f"{name}: a "
                  f"{m.types[name]}")
        for name in ("process_resident_memory_bytes", "process_cpu_seconds_total",
                     "dialtone_loop_longest_turn_seconds", "dialtone_info"):
            check(m.get(name) > 0, f"{name} on port {port}: {m.get(name)}")


@tap.test
def accounts_counts_users_and_sign_ins(case):
    before = metrics.scrape(ACCOUNTS_METRICS)
    user = case.site.user("counted")
    phone(case, user).sign_in()
    check_eq(phone(case, user, password="wrong").register().code, 403, "a wrong password")
    after = metrics.scrape(ACCOUNTS_METRICS)
    for name in ("users", "checks_total", "signins_accepted_total", "signins_refused_total"):
        name = "dialtone_accounts_" + name
        check(after.get(name) >= before.get(name) + 1, f"{name}: {after.get(name)}")


@tap.test
def the_metrics_port_serves_nothing_else_and_only_the_machine_itself(case):
    check_eq(metrics.fetch(METRICS_PORT, path="/")[0], 404, "another path")
    check_eq(metrics.fetch(METRICS_PORT, method="POST")[0], 405, "another method")
    status, _, body = metrics.fetch(METRICS_PORT, method="HEAD")
    check_eq((status, body), (200, ""), "HEAD")
    try:
        socket.create_connection((case.site.server.ip, METRICS_PORT), 5).close()
    except ConnectionRefusedError:
        return
    raise AssertionError("the metrics can be had from outside")


@tap.test
def processes_have_the_same_numbers_in_the_tool_the_log_and_the_metrics(case):
    """From 1."""
    wanted = [("accounts", 1)] + [("frontend", i + 1) for i in range(case.site.frontends)] + \
        [("mcu-im", i + 1) for i in range(case.site.server.mcus)] + \
        [("media-bridge", i + 1) for i in range(case.site.server.bridges)]
    check_eq(sorted((r["role"], r["process"]) for r in case.site.server.roles()), wanted, "the tool")
    role = "(accounts|frontend|mcu-im|media-bridge)"
    logged = re.findall(rf"(?m)^\S+ \w+ {role}/(\d+) ", case.site.server.p.text())
    logged += re.findall(rf"(?:role|peer)={role}/(\d+)", case.site.server.p.text())
    check_eq(sorted({(role, int(n)) for role, n in logged}), wanted, "the log")
    for i in range(case.site.frontends):
        got = metrics.scrape(METRICS_PORT + i).get("dialtone_info", process=str(i + 1))
        check_eq(got, 1, f"dialtone_info of front end {i + 1}")


# How they are watched.

@tap.test(alone=True)
def a_role_that_keeps_ending_is_started_again_after_longer_and_longer_pauses(case):
    server, mark = case.site.server, case.site.server.p.mark()
    for _ in range(4):
        old = server.kill_role("accounts")
        wait_for(lambda o=old: is_new(case, "accounts", o), "accounts to be back")
    pauses = re.findall(r"event=role-restart role=accounts/1 pause_ms=(\d+)",
                        server.p.text_after(mark))
    check_eq(pauses, ["0", "200", "400", "800"], "the pauses")
    check_eq(row(case, "accounts")["restarts"], 4, "restarts in the list")


@tap.test(alone=True)
def a_process_that_hangs_is_killed_and_replaced(case):
    server, mark = case.site.server, case.site.server.p.mark()
    old = row(case, "frontend")["pid"]
    os.kill(old, signal.SIGSTOP)
    wait_for(lambda: is_new(case, "frontend", old), "another process in its place")
    said = server.p.text_after(mark)
    check('event=role-killed role=frontend/1' in said and 'reason="does not answer"' in said, said)
    check_eq(phone(case, case.site.user("alice")).register().code, 200, "a sign-in")


# How they stop.

@tap.test(alone=True)
def a_graceful_stop_lets_a_call_be_answered_and_refuses_sign_ins(case):
    server = case.site.server
    a, b = (phone(case, case.site.user(n), "tcp").sign_in() for n in ("alice", "bob"))
    inv = a.send(a.invite(b.user.uri))
    got = b.expect_request("INVITE")
    b.answer(got, 180, tag="bt")
    a.expect(lambda m: m.code == 180, "180")
    stop = case.own(proc.Proc([program("dialtone"), "--config", server.dir, "stop"],
                              os.path.join(case.dir, "stop.log")))
    wait_for(lambda: server.tool("status", ok=False).find("stopping") >= 0, "the stop to begin")
    refused, _ = ask(a, a.make("REGISTER", f"sip:{server.domain}", to=a.user.uri,
                               headers=[("Contact", a.contact())]))
    check_eq((refused.code, refused.get("Retry-After")), (503, "5"), "REGISTER while it stops")
    b.answer(got, 200, tag="bt")
    answer = a.expect_answer(inv)
    check_eq(answer.code, 200, "the call that was ringing")
    check_eq(server.p.wait_end(), 0, "the exit status")
    check_eq(stop.wait_end(), 0, "the command's")
    check(a.closed and b.closed, "connections were left")
    server.start()
    check_eq(phone(case, a.user).register().code, 200, "a sign-in after the next start")


class Site(site.Site):
    def __init__(self, args, folder):
        with open("/proc/self/uid_map", encoding="ascii") as f:
            self.may_change_user = f.read().split() == ["0", "0", "4294967295"]
        os.chmod(folder, 0o711)  # the roles must be able to walk through
        user = ROLE_USER if self.may_change_user else "root"

        def make_server(*a, **kw):
            return Server(*a, user=user, accounts=f"metrics-port = {ACCOUNTS_METRICS}\n", **kw)
        super().__init__(args, folder, make_server=make_server)


def make(args, folder):
    netns.enter()
    return Site(args, folder)


if __name__ == "__main__":
    tap.main(make)
