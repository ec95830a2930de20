#!/usr/bin/python3
"""Tests how tools/run-tests and tests/run.py count: they must never take a failure for anything else.
Prints TAP."""

import contextlib
import importlib.machinery
import importlib.util
import io
import json
import os
import re
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def load(path):
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader(re.sub(r"\W", "_", path),
                                                  os.path.join(ROOT, path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


runner, files = load("tools/run-tests"), load("tests/run.py")


def tap(text, status):
    plan = runner.Plan()
    with contextlib.redirect_stdout(io.StringIO()):
        runner.add_tap(plan, "t", text, status, 0.1)
    return [(entry.result, entry.name, entry.why) for entry in plan.results]


def each_tap_line_is_one_result():
    return tap("ok 1 - a b\nnot ok 2 - c\nok 3 - d # SKIP no phone\n1..3\n", 1) == [
        ("pass", "t: a b", ""), ("fail", "t: c", ""), ("skip", "t: d", "no phone")]


def a_crash_after_good_lines_is_a_failure():
    return [entry[0] for entry in tap("ok 1 - a\n", -6)] == ["pass", "fail"]


def what_a_failed_test_says_is_its_reason():
    """TAP's comments and YAML alike; a long one is shortened where it is shown."""
    text = "not ok 1 - a\n# at b\n# was c\nok 2 - d\nnot ok 3 - e\n  ---\n  error: f\n  ...\n1..3\n"
    long = runner.shortened("\n".join(str(n) for n in range(99)))
    return [entry[2] for entry in tap(text, 1)] == ["at b\nwas c", "", " ---\n error: f\n ..."] and \
        len(long.splitlines()) == runner.REASON_LINES + 1 and long.startswith("0\n") and \
        long.endswith(" 98")


def results_of_a_file_hold_the_reason():
    """One program's comments, as the other reads them back."""
    with tempfile.TemporaryDirectory() as root:
        path = os.path.join(root, "results")
        results = files.Results(path)
        with contextlib.redirect_stdout(io.StringIO()):
            files.take_output(results, "f", "1..2\nnot ok 1 - a # 0.10 s\n# at b\n# was c\nok 2 - d\n")
        with open(path, encoding="utf-8") as file:
            return [json.loads(text)["why"] for text in file] == ["at b\nwas c", ""]


def a_silent_program_counts_by_its_status():
    return tap("7 inputs replayed\n", 0) == [("pass", "t", "")] and \
        [entry[0] for entry in tap("", 1)] == ["fail"]


def later(results, status, kinds=("flow",)):
    """The results of step_later with a tests/run.py that writes `results` and ends with `status`."""
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(os.path.join(root, "tests"))
        with open(os.path.join(root, "tests", "run.py"), "w", encoding="utf-8") as file:
            file.write("import sys\n"
                       "path = sys.argv[sys.argv.index('--results') + 1]\n"
                       f"open(path, 'w').write({results!r})\n"
                       f"sys.exit({status})\n")
        here, plan = os.getcwd(), runner.Plan()
        os.chdir(root)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                runner.step_later(plan, kinds)
        finally:
            os.chdir(here)
    return [entry.result for entry in plan.results]


def line(result):
    return json.dumps({"name": "flow/x: y", "result": result, "seconds": 1, "why": "w"}) + "\n"


def results_of_other_programs_are_taken_over():
    return later(line("pass") + line("skip") + line("fail"), 1) == ["pass", "skip", "fail"]


def a_program_without_results_failed():
    return later("", 0) == ["fail"]


def a_program_that_dies_after_good_results_failed():
    return later(line("pass"), 1) == ["pass", "fail"]


def a_kind_without_results_failed():
    return later(line("pass"), 0, ("flow", "faults")) == ["pass", "fail"]


def steps_run_in_their_order_and_builds_once():
    """And what tests/run.py knows runs at once, with the builds of what follows it beside."""
    seen, plan, before = [], runner.Plan(), dict(vars(runner))

    class Ahead:
        def __init__(self, folders):
            seen.append(folders)

        def stop(self):
            seen.append("stop")

    runner.Ahead, runner.report = Ahead, lambda plan, seconds: seen.append("report")
    runner.step_later = lambda plan, kinds: seen.append(kinds)
    runner.STEPS = {name: lambda plan, name=name: seen.append(name) for name in runner.STEPS}
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            runner.run(plan, ["out", "flow", "faults", "unit", "tsan", "interop", "fuzz"])
    finally:
        vars(runner).update(before)
    return seen == ["out", ["tsan", "fuzz"], ["flow", "faults"], "stop", "unit", "tsan",
                    ["fuzz"], ["interop"], "stop", "fuzz", "report"]


def what_was_built_is_not_built_again():
    plan = runner.Plan()
    plan.built = {"out": True, "tsan": False}
    return runner.build(plan, "out") and not runner.build(plan, "tsan") and plan.results == []


TEST_FILE = """#!/usr/bin/python3
import os, sys, time
SETTINGS = ()
{heavy}
path = os.path.join(os.path.dirname(__file__), "running")
good = True
if {heavy!r}:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
        time.sleep(0.05)
        os.remove(path)
    except FileExistsError:
        good = False
print("1..2")
print("ok 1 - a" if good else "not ok 1 - a")
if {status} == 0:
    print("ok 2 - b # SKIP why")
sys.exit({status})
"""


def a_file_says_with_how_many_front_ends_it_runs():
    with tempfile.TemporaryDirectory() as root:
        found = []
        for number, text in enumerate(("", "SETTINGS = ()", "SETTINGS = (2,)", "SETTINGS = (1, 2)")):
            path = os.path.join(root, f"s{number}_test.py")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text + "\n")
            found.append(files.File(path).settings)
    return found == [[1, 2], [None], [2], [1, 2]]


def every_file_is_counted_and_heavy_ones_run_one_at_a_time():
    """One of the light ones dies before its last test."""
    with tempfile.TemporaryDirectory() as root:
        found = []
        for number in range(12):
            found.append(os.path.join(root, f"f{number}_test.py"))
            with open(found[-1], "w", encoding="utf-8") as file:
                file.write(TEST_FILE.format(heavy="HEAVY = True" if number < 6 else "",
                                            status=1 if number == 11 else 0))
        results = files.Results("")
        with contextlib.redirect_stdout(io.StringIO()):
            files.run_all(results, [files.File(path) for path in found])
    return results.count == {"pass": 12, "fail": 1, "skip": 11}


def the_last_line_counts_all():
    plan, out = runner.Plan(), io.StringIO()
    with contextlib.redirect_stdout(out):
        for result in ("pass", "pass", "skip", "fail"):
            plan.add("n", result, 1.5, "reason")
        runner.report(plan, 60)
    text = out.getvalue()
    return text.endswith("\n2 passed, 1 failed, 1 skipped\n") and "n: reason" in text


TESTS = [
    each_tap_line_is_one_result,
    a_crash_after_good_lines_is_a_failure,
    what_a_failed_test_says_is_its_reason,
    results_of_a_file_hold_the_reason,
    a_silent_program_counts_by_its_status,
    results_of_other_programs_are_taken_over,
    a_program_without_results_failed,
    a_program_that_dies_after_good_results_failed,
    a_kind_without_results_failed,
    steps_run_in_their_order_and_builds_once,
    what_was_built_is_not_built_again,
    a_file_says_with_how_many_front_ends_it_runs,
    every_file_is_counted_and_heavy_ones_run_one_at_a_time,
    the_last_line_counts_all,
]


def main():
    failed = 0
    for number, test in enumerate(TESTS, 1):
        good = test()
        failed += not good
        print(f"{'' if good else 'not '}ok {number} - {test.__name__}")
    print(f"1..{len(TESTS)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
