#!/usr/bin/python3
"""Shows that each gate passes a good tree and fails a bad one.  Prints TAP."""

import os
import shutil
import subprocess
import sys
import tempfile

TOOLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools")

GOOD = {
    "src/base/str.h": "/* Text. */\n#pragma once\n#include <stddef.h>\nsize_t str_len(void);\n",
    "src/base/str.c": '#include "base/str.h"\nsize_t str_len(void)\n{\n\treturn 0;\n}\n',
    "src/loop/loop.h": '/* Loop. */\n#pragma once\n#include "base/str.h"\n',
    "src/loop/loop.c": '#include "loop/loop.h"\n#include <uv.h>\n',
    "src/wire/sip/msg.h": '/* SIP. */\n#pragma once\n#include "base/str.h"\n',
    "src/wire/sip/msg.c": '#include "wire/sip/msg.h"\n',
    "src/wire/sdp/sdp.h": "/* SDP. */\n#pragma once\n",
    "src/wire/sdp/sdp.c": '#include "wire/sdp/sdp.h"\n',
    "src/role/role.h": "/* Roles. */\n#pragma once\n",
    "src/role/one/one.h": '/* One. */\n#pragma once\n#include "role/role.h"\n',
    "src/role/one/more/x.c": '#include "role/one/one.h"\n',
    "src/role/two/two.c": '#include "role/role.h"\n',
    "tests/fuzz/meson.build": "fuzz_targets = [\n  'sip_msg',\n  'sdp',\n]\n",
    "tests/fuzz/sip_msg_fuzz.c": "",
    "tests/fuzz/sdp_fuzz.c": "",
    "tests/fuzz/corpus/sip_msg/a": "x",
    "tests/fuzz/corpus/sdp/a": "x",
}


def lines(n, inside=""):
    return "".join(f"\tx{inside}++;\n" for _ in range(n))


# gate, name of the case, what the finding must say (None: the gate passes), changed files
CASES = [
    ("layers", "good_tree_passes", None, {}),
    ("layers", "include_upwards_fails", "base must not include loop",
     {"src/base/up.c": '#include "loop/loop.h"\n'}),
    ("layers", "wire_including_loop_fails", "wire must not include loop",
     {"src/wire/sip/up.c": '  #  include "loop/loop.h"\n'}),
    ("layers", "role_including_role_fails", "role/two must not include role/one",
     {"src/role/two/bad.c": '#include "role/one/one.h"\n'}),
    ("layers", "unknown_folder_fails", "is not in tools/layers",
     {"src/misc/x.c": '#include "base/str.h"\n'}),
    ("layers", "missing_file_fails", "is not a file of src/",
     {"src/base/x.c": '#include "str.h"\n'}),
    ("layers", "library_of_another_folder_fails", "<uv.h> belongs to loop",
     {"src/wire/sip/x.c": "#include <uv.h>\n"}),
    ("layers", "cycle_inside_a_layer_fails", "wire/sdp -> wire/sip -> wire/sdp",
     {"src/wire/sip/x.c": '#include "wire/sdp/sdp.h"\n',
      "src/wire/sdp/x.c": '#include "wire/sip/msg.h"\n'}),
    ("headers", "good_tree_passes", None, {}),
    ("headers", "header_that_needs_another_fails", "uint8_t",
     {"src/base/x.h": "/* X. */\n#pragma once\nuint8_t x(void);\n"}),
    ("headers", "undeclared_struct_fails", "declared inside",
     {"src/base/x.h": "/* X. */\n#pragma once\nvoid x(struct y *y);\n"}),
    ("headers", "header_without_pragma_once_fails", "does not start with",
     {"src/base/x.h": "/* X. */\nint x(void);\n"}),
    ("headers", "header_without_purpose_fails", "does not start with",
     {"src/base/x.h": "#pragma once\nint x(void);\n"}),
    ("size", "good_tree_passes", None, {}),
    ("size", "function_of_80_lines_passes", None,
     {"src/base/x.c": "int x;\nvoid f(void)\n{\n" + lines(77) + "}\n"}),
    ("size", "function_of_81_lines_fails", "f has 81 lines",
     {"src/base/x.c": "int x;\nvoid f(void)\n{\n" + lines(78) + "}\n"}),
    ("size", "long_static_inline_in_a_header_fails", "f has 203 lines",
     {"src/base/x.h": "static inline void f(int x)\n{\n" + lines(200) + "}\n"}),
    ("size", "long_function_of_a_test_fails", "f has 203 lines",
     {"tests/unit/x.c": "int x;\nvoid f(void)\n{\n" + lines(200) + "}\n"}),
    ("size", "file_of_1000_lines_passes", None, {"src/base/x.c": "\n" * 1000}),
    ("size", "file_of_1001_lines_fails", "1001 lines", {"src/base/x.c": "\n" * 1001}),
    ("fuzz", "good_tree_passes", None, {}),
    ("fuzz", "codec_without_target_fails", "src/wire/stun has no fuzz target",
     {"src/wire/stun/stun.c": ""}),
    ("fuzz", "target_of_a_longer_name_does_not_count", "src/wire/sd has no fuzz target",
     {"src/wire/sd/sd.c": ""}),
    ("fuzz", "target_without_corpus_fails", "corpus/sdp/ is empty",
     {"tests/fuzz/corpus/sdp/a": None}),
    ("fuzz", "target_without_source_fails", "sdp_fuzz.c is missing",
     {"tests/fuzz/sdp_fuzz.c": None}),
    ("format", "good_tree_passes", None, {"bench/x.c": "int x;\n"}),
    ("format", "spaces_for_a_tab_fail", "should be clang-formatted",
     {"bench/x.c": "void f(void)\n{\n    g();\n}\n"}),
]


def build_tree(root, changes):
    for path, text in {**GOOD, **changes}.items():
        if text is None:
            continue
        path = os.path.join(root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    os.makedirs(os.path.join(root, "tools"), exist_ok=True)
    shutil.copy(os.path.join(TOOLS, "layers"), os.path.join(root, "tools"))
    shutil.copy(os.path.join(TOOLS, "..", ".clang-format"), root)


def run_case(gate, finding, changes):
    """'' if the gate did what the case expects, 'skip ...' if it cannot run, else what it did."""
    with tempfile.TemporaryDirectory() as root:
        build_tree(root, changes)
        if gate == "format":  # the other folders of the good tree are not its business
            for folder in ("src", "tests"):
                shutil.rmtree(os.path.join(root, folder))
                os.mkdir(os.path.join(root, folder))
        run = subprocess.run([os.path.join(TOOLS, "check-" + gate), root], text=True,
                             check=False, capture_output=True)
    output = run.stdout + run.stderr
    if run.returncode == 77:
        return "skip " + output.strip()
    if finding is None:
        return "" if run.returncode == 0 else output
    return "" if run.returncode == 1 and finding in output else f"{run.returncode}\n{output}"


GLOBALS = [  # name of the case, what the finding must say, source, what tools/globals allows
    ("constants_and_functions_pass", None,
     "static const int a[] = { 1 }; const int *const b = a; static int c(void) { return *b; } "
     "int f(void); int f(void) { return c(); }", ""),
    ("counter_in_a_function_fails", "base: n is a variable",
     "int f(void); int f(void) { static int n; return n++; }", "base: m"),
    ("initialised_variable_fails", "base: n is a variable", "int n = 1;", "wire: n"),
    ("variable_of_a_thread_fails", "base: n is a variable", "_Thread_local int n;", ""),
    ("listed_variable_passes", None, "int n = 1;", "base: m n  # why"),
    ("listed_library_passes", None, "int n = 1, m;", "base: *"),
]


def run_globals(finding, source, allowed):
    with tempfile.TemporaryDirectory() as root:
        for name, text in (("x.c", source), ("allowed", allowed)):
            with open(os.path.join(root, name), "w", encoding="utf-8") as file:
                file.write(text)
        subprocess.run("gcc -O2 -fPIE -c x.c && ar rc libdialtone-base.a x.o", shell=True,
                       check=True, cwd=root)
        run = subprocess.run([os.path.join(TOOLS, "check-globals"), root,
                              os.path.join(root, "allowed")], text=True, check=False,
                             capture_output=True)
    good = run.returncode == 0 if finding is None else \
        run.returncode == 1 and finding in run.stdout
    return "" if good else f"{run.returncode}\n{run.stdout}{run.stderr}"


def outcomes():
    """(name, what went wrong or '') of every case."""
    for gate, name, finding, changes in CASES:
        yield f"{gate} {name}", run_case(gate, finding, changes)
    for name, finding, source, allowed in GLOBALS:
        yield f"globals {name}", run_globals(finding, source, allowed)


def main():
    failed = 0
    for number, (name, result) in enumerate(outcomes(), 1):
        if result.startswith("skip "):
            print(f"ok {number} - {name} # SKIP {result[5:]}")
            continue
        failed += result != ""
        print(f"{'not ' if result else ''}ok {number} - {name}")
        for line in result.splitlines():
            print("#", line, file=sys.stderr)
    print(f"1..{len(CASES) + len(GLOBALS)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
