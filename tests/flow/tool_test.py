#!/usr/bin/python3
"""The `dialtone` tool without a server: words, help, and errors that say what to do next."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from flow.install import Install, NoSite  # noqa: E402
from lib import proc, tap  # noqa: E402
from lib.server import ROOT, program  # noqa: E402

SETTINGS = ()


def said(case, *words, **kw):
    return Install(os.path.join(case.dir, str(len(os.listdir(case.dir))))).tool(*words, **kw)


def expect(case, words, status, *texts):
    got, text = said(case, *words)
    for t in texts:
        tap.check(t in text, f"{t!r} in {text!r} of {words}")
    tap.check_eq(got, status, f"exit status of {words}")


@tap.test
def slips_of_the_finger_are_recognised(case):
    expect(case, ["endpiont", "list"], 2, 'Did you mean "endpoint"?')
    expect(case, ["endpoint", "lsit"], 2, 'Did you mean "endpoint list"?', "kick")
    expect(case, ["user", "add", "a", "--fone", "1"], 2, "Did you mean --phone?", "usage: ")
    expect(case, ["zebra"], 2, "`dialtone help` lists all")
    expect(case, ["list", "user"], 2, 'Did you mean "user list"?')
    expect(case, ["user"], 2, "add, list, show")
    expect(case, ["user", "show"], 2, "USER is missing", "usage: dialtone user show USER")
    expect(case, ["status", "now"], 2, "one word too many")


@tap.test
def help_knows_every_command(case):
    status, text = said(case, "help")
    rows = [l for l in text.splitlines() if l.startswith("  ") and not l.startswith("  -")]
    commands = [l.split("  ")[1].split(" [")[0] for l in rows if l.strip() and "COMMAND" not in l]
    names = [[w for w in c.split() if w == w.lower() and "|" not in w] for c in commands
             if c and c[0].islower() and not c.startswith(("dialtone", "/"))]
    tap.check(status == 0 and len(names) >= 30, f"{names}")
    for words in names:
        status, one = said(case, "help", *words)
        tap.check(status == 0 and one.startswith("dialtone " + " ".join(words)), f"{words}: {one}")


def manual(name):
    """The text of a manual page without its marks."""
    with open(os.path.join(ROOT, "docs/man", name), encoding="utf-8") as f:
        text = f.read()
    return re.sub(r"\\f[BIR]|\\&", "", text.replace("\\-", "-"))


def commands_of_help(case):
    """Noun, verb and arguments of each command."""
    nouns = {l.split()[0] for l in said(case, "help")[1].splitlines() if re.match(r"  [a-z]", l)}
    for noun in sorted(nouns - {"dialtone"}):
        for line in said(case, "help", noun)[1].splitlines():
            if line.startswith("dialtone " + noun):
                yield line.split()[1:]


@tap.test
def help_and_manual_name_the_arguments_alike(case):
    page = manual("dialtone.1")
    n = 0
    for words in commands_of_help(case):
        n += 1
        usage = " ".join(words)
        start = re.sub(r" (\[?--.*)", "", usage)  # what stands in front of the options
        for one in ([start.replace("add|remove", w) for w in ("add", "remove")]
                    if "add|remove" in start else [start]):
            tap.check(re.search(rf"\b{re.escape(one)}(?=$|[ ,])", page, re.M), f"{one!r} in dialtone.1")
        for option, value in re.findall(r"(--[\w-]+)(?: ([^\s\[\]]+))?", usage):
            tap.check(option in page, f"{option} of {start!r} in dialtone.1")
            told = re.search(rf"\b{re.escape(start)} [^\n]*{option} ([A-Z|]+)\b", page)
            tap.check(not told or told.group(1) == value, f"{usage}: {told and told.group(0)}")
    tap.check(n >= 40, f"{n} commands")


@tap.test
def times_and_sizes_of_the_manual_are_understood(case):
    page = manual("dialtone.conf.5")
    values = page[page.index(".SH VALUES"):page.index(".SH TOPOLOGY.CONF")]
    for key, texts in (("keep-messages-for", ("3600", "3600 s", "60min", "15 h", "7 d")),
                       ("message-max", ("65536", "64 kB", "128kB", "65536 B")),
                       ("history", ("yes", "no"))):
        for text in texts:
            unit = text.lstrip("0123456789 ")
            tap.check(re.search(rf"\b{unit}\b", values), f"{unit!r} in the manual")
            folder = os.path.join(case.dir, f"{key}-{text.replace(' ', '_')}")
            status, out = Install(folder, frontend=f"{key} = {text}").tool("topology", "check")
            tap.check_eq(status, 0, f"{key} = {text}: {out}")
    for text in ("15 Min", "1 h 30 min", "1.5 h", "-1", "1 kB"):
        folder = os.path.join(case.dir, text.replace(" ", "_"))
        status, out = Install(folder, frontend=f"keep-messages-for = {text}").tool("topology",
                                                                                  "check")
        tap.check(status == 1 and "must be" in out, f"{text}: {out}")


@tap.test
def the_documents_of_the_protocols_name_the_settings_of_the_roles(case):
    said_ = proc.run([program("dialtoned"), "--print-settings"])[1].replace("\\-", "-")
    folder = os.path.join(ROOT, "docs/protocols")
    told = ""
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), encoding="utf-8") as f:
            told += f.read()
    roles = re.findall(r"(?ms)^\.SS \[role (?!NAME|accounts)[^\n]*\n(.*?)(?=^\.S[SH] |\Z)", said_)
    keys = [k for text in roles for k in re.findall(r"(?m)^\.B ([a-z][\w-]*)$", text)]
    tap.check(len(keys) >= 30, f"{keys}")
    tap.check_eq([k for k in keys if f"`{k}" not in told], [], "settings that no document names")


@tap.test
def a_stopped_server_is_told_with_the_way_to_start_it(case):
    for words in (["status"], ["endpoint", "list"], ["reload"], ["trace"]):
        expect(case, words, 1, "The server is not running", "`systemctl start dialtoned`", "./run")


@tap.test
def a_missing_configuration_names_the_directory(case):
    status, text = proc.run([program("dialtone"), "--config", "/nowhere", "topology", "check"])
    tap.check(status == 1 and "/nowhere" in text and "--config" in text, text)
    for words in (["--config", "/nowhere", "status"], ["--config", case.dir, "status"]):
        status, text = proc.run([program("dialtone"), *words])
        tap.check(status == 1 and "is not running" in text and words[1] in text and
                  "dialtone.conf(5)" in text, text)
    status, text = proc.run([program("dialtoned"), "--config", case.dir])
    tap.check(status == 1 and "topology.conf" in text and "--config" in text, text)


@tap.test
def a_word_that_dialtoned_does_not_know_is_named(case):
    status, text = proc.run([program("dialtoned"), "start"])
    tap.check(status == 2 and '"start" is not understood' in text and "usage:" in text, text)


@tap.test
def who_may_not_read_the_files_is_told_who_may(case):
    if os.geteuid() != 0:
        tap.skip("needs root, who has the files")
    i = Install(case.dir)
    i.must("user", "add", "alice", "--generate")
    i.must("cert", "init")
    os.chmod(os.path.dirname(case.dir), 0o755)
    os.chmod(case.dir, 0o755)
    for words in ([program("dialtone"), "--config", i.dir, "user", "list"],
                  [program("dialtoned"), "--config", i.dir]):
        status, text = proc.run(["setpriv", "--reuid", "nobody", "--clear-groups", *words])
        tap.check(status == 1 and "be root or the account" in text and not text.endswith("\n\n"),
                  f"{words[0]}: {text}")


@tap.test
def the_environment_names_the_directory(case):
    i = Install(case.dir)
    status, text = proc.run([program("dialtone"), "topology", "check"],
                            env={**os.environ, "DIALTONE_CONFIG": i.dir})
    tap.check(status == 0 and "is good" in text, text)


@tap.test
def a_password_is_never_taken_from_nowhere(case):
    i = Install(case.dir)
    status, text = proc.run(["setsid", program("dialtone"), "--config", i.dir, "user", "add",
                             "alice"])
    tap.check(status == 1 and "--generate" in text and "--password-stdin" in text, text)
    status, text = i.tool("user", "add", "alice", "--password-stdin", input_text="short\n")
    tap.check(status == 1 and "8 characters or more" in text, text)
    status, text = i.tool("user", "add", "alice", "--password-stdin", input_text="")
    tap.check(status == 1 and "No password was given" in text, text)


@tap.test
def topology_errors_are_told_with_file_and_line(case):
    i = Install(case.dir, frontend="procceses = 2")
    status, text = i.tool("topology", "check")
    tap.check(status == 1 and "topology.conf:" in text and "processes" in text, text)


@tap.test
def topology_and_settings_are_shown_for_people_and_programs(case):
    i = Install(case.dir)
    text = i.must("topology", "show")
    tap.check("frontend" in text and "127.0.0.1:5061" in text, text)
    status, v = i.json("topology", "show")
    tap.check_eq((status, v["domains"]), (0, ["example.test"]), "domains")
    status, rows = i.json("config", "show", "frontend")
    tap.check(status == 0 and any(r["key"] == "processes" for r in rows), f"{rows}")
    ports = {r["section"]: r["value"] for r in i.json("config", "show")[1]
             if r["key"] == "metrics-port"}
    tap.check_eq(ports, {"role accounts": "0", "role frontend": "9061"}, "default metrics ports")
    status, text = i.tool("config", "show", "director")
    tap.check(status == 1 and 'no role "director"' in text, text)


if __name__ == "__main__":
    tap.main(NoSite)
