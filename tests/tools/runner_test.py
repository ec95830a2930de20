#!/usr/bin/python3
"""Tests how tools/run-tests counts: it must never take a failure for anything else.  Prints TAP."""

import contextlib
import importlib.machinery
import importlib.util
import io
import json
import os
import sys
import tempfile

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "run-tests")


def load():
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader("run_tests", TOOL)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run_tests", loader))
    loader.exec_module(module)
    return module


runner = load()


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


def a_silent_program_counts_by_its_status():
    return tap("7 inputs replayed\n", 0) == [("pass", "t", "")] and \
        [entry[0] for entry in tap("", 1)] == ["fail"]


def later(results, status):
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
                runner.step_later(plan, "flow")
        finally:
            os.chdir(here)
    return [entry.result for entry in plan.results]


def line(result):
    return json.dumps({"name": "x", "result": result, "seconds": 1, "why": "w"}) + "\n"


def results_of_other_programs_are_taken_over():
    return later(line("pass") + line("skip") + line("fail"), 1) == ["pass", "skip", "fail"]


def a_program_without_results_failed():
    return later("", 0) == ["fail"]


def a_program_that_dies_after_good_results_failed():
    return later(line("pass"), 1) == ["pass", "fail"]


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
    a_silent_program_counts_by_its_status,
    results_of_other_programs_are_taken_over,
    a_program_without_results_failed,
    a_program_that_dies_after_good_results_failed,
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
