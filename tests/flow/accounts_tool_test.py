#!/usr/bin/python3
"""Accounts by `dialtone user` and `dialtone device`, with the server running and stopped; and the
other commands that a running server answers."""
import os
import pty
import socket
import stat
import subprocess
import sys
import termios

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from flow.install import Install, NoSite, Running  # noqa: E402
from lib import proc, tap  # noqa: E402
from lib.server import program  # noqa: E402

SETTINGS = ()


def accounts_work(i):
    """The life of an account."""
    status, alice = i.json("user", "add", "alice", "--generate", "--name", "Alice Jörg",
                           "--phone", "+4930123456")
    tap.check_eq((status, alice["user"]), (0, "alice@example.test"), "user add")
    tap.check(len(alice["password"]) >= 16, "a generated password")
    status, again = i.tool("user", "add", "alice", "--generate")
    tap.check(status == 1 and "already" in again, again)
    _, phone = i.json("device", "add", "alice", "phone")
    tap.check(len(phone["password"]) >= 16 and phone["password"] != alice["password"], "device")
    _, rows = i.json("device", "list", "alice")
    tap.check_eq([r["device"] for r in rows], ["phone"], "devices")
    tap.check("password" not in rows[0], "a password is shown once")
    i.must("user", "passwd", "alice", "--password-stdin", input_text="correct horse\n")
    i.must("user", "set", "alice", "--department", "Research")
    _, shown = i.json("user", "show", "alice")
    tap.check_eq((shown["name"], shown["department"], shown["phone"]),
                 ("Alice Jörg", "Research", "+4930123456"), "user show")
    i.must("user", "disable", "alice")
    tap.check(i.json("user", "show", "alice")[1]["disabled"], "disabled")
    i.must("user", "enable", "alice")
    tap.check_eq(i.json("login", "list", "alice")[1], [], "log-ins to the web")
    for words in (("login", "end", "alice"), ("login", "end", "alice", "7")):
        status, text = i.tool(*words)
        tap.check(status == 1 and "has no log-in" in text, text)
    i.must("device", "remove", "alice", "phone")
    tap.check_eq(i.json("device", "list", "alice")[1], [], "no devices")
    i.must("user", "add", "bob", "--generate")
    i.must("user", "remove", "bob")
    tap.check_eq([r["user"] for r in i.json("user", "list")[1]], ["alice@example.test"], "users")
    status, text = i.tool("user", "show", "bob")
    tap.check(status == 1 and "There is no user" in text, text)


def groups_work(i):
    """The life of a group, and a search."""
    for name, shown in (("anna", "Anna Ärger"), ("anton", "Anton Berg")):
        i.must("user", "add", name, "--generate", "--name", shown, "--office", "Room 7")
    status, found = i.json("directory", "search", "an room", "--max", "1")
    tap.check_eq((status, [p["user"] for p in found["people"]], found["more"]),
                 (0, ["anna@example.test"], True), "search")
    status, text = i.tool("directory", "search", "arger")
    tap.check(status == 0 and "Anna Ärger" in text and "more: " in text.lower(), text)
    i.must("group", "add", "staff", "--name", "All of us")
    for who in ("anna", "x@other.test"):
        i.must("group", "member", "add", "staff", who)
    _, rows = i.json("group", "list")
    tap.check_eq([(r["group"], r["name"], r["members"]) for r in rows],
                 [("staff@example.test", "All of us", 2)], "group list")
    status, text = i.tool("group", "show", "staff")
    tap.check(status == 0 and "anna@example.test" in text and "x@other.test" in text, text)
    status, text = i.tool("group", "member", "add", "staff", "anna")
    tap.check(status == 1 and "already" in text, text)
    i.must("group", "member", "remove", "staff", "anna")
    i.must("group", "remove", "staff")
    tap.check_eq(i.json("group", "list")[1], [], "no groups")
    for name in ("anna", "anton"):
        i.must("user", "remove", name)


@tap.test
def accounts_work_while_the_server_runs(case):
    i = Running(case).start()
    groups_work(i)
    accounts_work(i)


@tap.test
def accounts_work_while_the_server_is_stopped(case):
    i = Install(case.dir)
    groups_work(i)
    accounts_work(i)
    tap.check_eq(oct(stat.S_IMODE(os.stat(i.path("data", "users.db")).st_mode)), "0o600", "store")


@tap.test
def what_was_made_while_stopped_is_there_when_it_runs(case):
    i = Running(case)
    i.must("user", "add", "alice", "--generate")
    i.start()
    i.must("user", "add", "bob", "--generate")
    i.must("stop")
    tap.check_eq(i.p.wait_end(), 0, "the server's exit status")
    names = [r["user"] for r in i.json("user", "list")[1]]
    tap.check_eq(names, ["alice@example.test", "bob@example.test"], "users")


@tap.test
def no_password_stands_in_clear_on_the_disk(case):
    i = Install(case.dir)
    secrets = [i.json("user", "add", "alice", "--generate")[1]["password"],
               i.json("device", "add", "alice", "phone")[1]["password"]]
    for folder, _, names in os.walk(i.dir):
        for name in names:
            with open(os.path.join(folder, name), "rb") as f:
                content = f.read()
            for s in secrets:
                tap.check(s.encode() not in content, f"{name} holds a password")


def typed(i, words, answers):
    """(exit status, what the terminal showed) of a command at a terminal where this is typed."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(program("dialtone"), ["dialtone", "--config", i.dir, *words])
    shown = b""
    try:
        for question, answer in answers:
            while question.encode() not in shown.split(b"\n")[-1]:
                shown += os.read(fd, 1000)
            # The question comes before the echo is off.
            tap.wait_for(lambda: not termios.tcgetattr(fd)[3] & termios.ECHO, "no echo")
            os.write(fd, answer.encode())
        while True:
            shown += os.read(fd, 1000)
    except OSError:  # the end of a terminal
        pass
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(fd)
    return status, shown.decode()


@tap.test
def a_password_is_asked_for_twice_and_not_shown(case):
    i = Install(case.dir)
    twice = [("Password for alice: ", "correct horse\n"), ("The same again", "correct horse\n")]
    status, text = typed(i, ["user", "add", "alice"], twice)
    tap.check(status == 0 and "correct horse" not in text, text)
    differ = [("Password for alice: ", "correct horse\n"), ("The same again", "battery staple\n")]
    status, text = typed(i, ["user", "passwd", "alice"], differ)
    tap.check(status == 1 and "differ" in text, text)
    status, text = typed(i, ["user", "passwd", "alice"], [("Password for alice: ", "abc\x03")])
    tap.check(status == 1 and "Interrupted; nothing was changed" in text, text)


@tap.test
def a_picture_goes_in_and_a_huge_one_is_refused(case):
    i = Install(case.dir)
    i.must("user", "add", "alice", "--generate")
    jpeg = i.path("face.jpg")
    with open(jpeg, "wb") as f:
        f.write(b"\xff\xd8\xff\xc0\0\x0b\x08\0\x60\0\x60" + bytes(10000) + b"\xff\xd9")
    i.must("user", "set", "alice", "--photo", jpeg)
    tap.check_eq(i.json("user", "show", "alice")[1]["photo_bytes"], 10013, "photo")
    i.must("user", "photo", "alice", "--remove")
    tap.check_eq(i.json("user", "show", "alice")[1]["photo_bytes"], 0, "no photo")
    i.must("user", "photo", "alice", jpeg)
    tap.check_eq(i.json("user", "show", "alice")[1]["photo_bytes"], 10013, "photo")
    for words in ((), (jpeg, "--remove")):
        status, text = i.tool("user", "photo", "alice", *words)
        tap.check(status == 1 and "either the file of a picture or --remove" in text, text)
    with open(jpeg, "ab") as f:
        f.write(bytes(40000))
    status, text = i.tool("user", "set", "alice", "--photo", jpeg)
    tap.check(status == 1 and "30 kB" in text, text)
    status, text = i.tool("user", "set", "alice", "--photo", "/nowhere.jpg")
    tap.check(status == 1 and "/nowhere.jpg cannot be read" in text, text)


def words_of(row):
    return (row["noun"], row.get("verb"))


@tap.test
def the_tool_knows_every_command_of_the_server(case):
    i = Running(case, frontends=2).start()
    known = i.must("help")
    for name in ("dialtoned", "accounts-1", "frontend-1", "frontend-2"):
        rows = i.ask(name + ".ctl", '{"cmd":"commands"}')["result"]
        tap.check(len(rows) >= 3, f"{name}: {rows}")
        for noun, verb in map(words_of, rows):
            # What every role process answers by itself is no command of people.
            if noun not in ("commands", "status", "metrics") or name == "dialtoned":
                tap.check(f"  {noun} {verb or ''}".rstrip() in known, f"{name}: {noun} {verb}")


@tap.test
def a_running_server_tells_how_it_is(case):
    i = Running(case, frontends=2).start()
    _, status = i.json("status")
    tap.check_eq((status["server"], status["domain"]), ("running", "example.test"), "status")
    _, rows = i.json("role", "list")
    tap.check_eq([(r["role"], r["process"], r["state"]) for r in rows],
                 [("accounts", 1, "running"), ("frontend", 1, "running"),
                  ("frontend", 2, "running")], "roles")
    tap.check_eq(i.json("endpoint", "list"), (0, []), "nobody signed in")
    tap.check_eq(i.json("call", "list"), (0, []), "no calls")
    i.must("user", "add", "alice", "--generate")
    i.must("user", "add", "bob", "--generate")
    _, story = i.json("explain", "alice", "bob")
    tap.check(story["code"] == 480 and len(story["steps"]) >= 2, f"the home's story: {story}")
    tap.check_eq(i.json("endpoint", "kick", "alice"), (0, {"kicked": 0}), "kick")
    i.must("reload")
    status, found = i.json("doctor", "--no-dns")
    tap.check_eq([f for f in found if f["level"] == "error"], [], "doctor")
    listens = [f for f in found if f["what"] == "the server listens"]
    tap.check_eq(len(listens), 4, f"doctor's listeners in {found}")


@tap.test
def the_server_has_ended_when_stop_returns(case):
    i = Running(case, frontends=2).start()
    tap.check_eq(i.json("stop"), (0, "The server has stopped."), "stop")
    tap.check(not i.p.running(), "the server is there")
    tap.check_eq(i.p.p.returncode, 0, "its exit status")
    status, text = i.tool("stop")
    tap.check(status == 1 and "not running" in text, text)
    i.must("user", "add", "alice", "--generate")  # the store is free
    i.start()


@tap.test
def a_trace_ends_with_the_server(case):
    i = Running(case, frontends=2).start()
    t = case.own(proc.Proc([program("dialtone"), "--config", i.dir, "--json", "trace"],
                           os.path.join(case.dir, "trace.log")))

    def runs():
        with socket.create_connection((i.ip, 5060)) as s:
            s.sendall(b"OPTIONS sip:example.test SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch="
                      b"z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: <sip:a@example.test>;tag=1\r\n"
                      b"To: <sip:example.test>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
                      b"Content-Length: 0\r\n\r\n")
        return "OPTIONS" in t.text()
    tap.wait_for(runs, "the trace to run")
    i.must("stop")
    tap.wait_for(lambda: not t.running(), "the trace to end")
    tap.check_eq(t.p.returncode, 0, "its exit status")
    tap.check("AddressSanitizer" not in i.p.text(), f"see {i.p.log}")


@tap.test
def the_limit_of_endpoints_that_counts_is_shown(case):
    i = Install(case.dir, frontend="max-endpoints = 5")
    i.must("cert", "init")
    i.must("user", "add", "alice", "--generate")

    def shown():
        got = i.json("user", "show", "alice")[1]
        return got["max_endpoints"], got["max_endpoints_is"].split(" (")[0]
    tap.check_eq(shown(), (5, "the default"), "as all")
    i.must("user", "set", "alice", "--max-endpoints", "2")
    tap.check_eq(shown(), (2, "this user's own"), "her own")


@tap.test
def who_is_no_user_is_told_by_every_command_about_one(case):
    i = Running(case).start()
    i.must("user", "add", "alice", "--generate")
    for words in (("endpoint", "kick", "nosuch"), ("endpoint", "list", "nosuch"),
                  ("login", "list", "nosuch"), ("login", "end", "nosuch"),
                  ("trace", "--user", "nosuch@example.test")):
        status, text = i.tool(*words)
        tap.check(status == 1 and "There is no user \"nosuch" in text, f"{words}: {text}")
    status, text = i.tool("endpoint", "list", "alcie")
    tap.check(status == 1 and "Did you mean alice?" in text, text)
    i.must("user", "set", "alice", "--extension", "456")
    tap.check_eq(i.json("endpoint", "list", "456"), (0, []), "by her number")
    tap.check_eq(i.json("endpoint", "kick", "ALICE@example.test"), (0, {"kicked": 0}), "alice")
    status, text = i.tool("endpoint", "kick", "alice", "deadbeef")
    tap.check(status == 1 and "alice@example.test has no endpoint \"deadbeef\"" in text, text)


@tap.test
def strangers_may_not_use_the_control_sockets(case):
    i = Running(case).start()
    if os.geteuid() != 0:
        tap.skip("needs root, to be somebody else")
    for folder in (i.dir, case.dir, os.path.dirname(case.dir)):
        os.chmod(folder, 0o755)
    argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if subprocess.run([*argv, "test", "-x", program("dialtone")]).returncode != 0:
        tap.skip("the build directory cannot be reached by another account")
    status, text = proc.run([*argv, program("dialtone"), "--config", i.dir, "stop"])
    tap.check(status == 1 and "You may not use the control sockets" in text, text)
    tap.check(i.p.running(), "the server runs on")


@tap.test
def broken_lines_do_not_hurt_the_server(case):
    i = Running(case).start()
    for line in ("", "{", "[]", '{"cmd":7}', '{"cmd":"no such"}', '{"cmd":"stop","args":{"x":1}}',
                 '{"cmd":"status","args":[]}', "[" * 1000, '{"cmd":"' + "x" * 100000 + '"}'):
        for name in ("dialtoned.ctl", "accounts-1.ctl", "frontend-1.ctl"):
            answer = i.ask(name, line)
            tap.check(answer.get("ok") is False and answer["error"], f"{name} {line[:40]}: {answer}")
    tap.check_eq(i.json("status")[1]["processes_running"], 2, "processes")


if __name__ == "__main__":
    tap.main(NoSite)
