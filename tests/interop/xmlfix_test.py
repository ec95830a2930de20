#!/usr/bin/python3
"""contrib/pidgin-sipe-xmlfix: with it, handlers like pidgin-sipe's see the elements of a document.

| what                                            | handler             | libxml2          |
|-------------------------------------------------|---------------------|------------------|
| needs the remedy, or is skipped as healed       | SAX1, marked SAX2   | as installed     |
| reads elements                                  | SAX1, marked SAX2   | with the remedy  |
| reports what is not well-formed                 | SAX1, marked SAX2   | with the remedy  |
| is left alone                                   | SAX2                | with the remedy  |
"""
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import proc, tap  # noqa: E402
from lib.server import ROOT  # noqa: E402

SETTINGS = ()
WRAPPER = os.path.join(ROOT, "contrib/pidgin-sipe-xmlfix/pidgin-sipe-xmlfix")
PROBE = os.path.join(ROOT, "tests/interop/xmlfix/probe.c")
DOCUMENT = "<a x='1'><b>text</b></a>"


class Site:
    """The probe, built against the installed libxml2."""

    def __init__(self, _args, folder):
        if not shutil.which("cc") or not shutil.which("pkg-config") or \
                proc.run(["pkg-config", "--exists", "libxml-2.0"])[0] != 0:
            raise tap.Skip("needs a C compiler and the package libxml2-dev")
        self.folder = folder
        self.probe = os.path.join(folder, "probe")
        flags = proc.must(["pkg-config", "--cflags", "--libs", "libxml-2.0"]).split()
        proc.must(["cc", "-Wall", "-Wextra", "-Werror", "-o", self.probe, PROBE, *flags])

    def parse(self, kind, document, wrapped):
        """What the probe prints; the wrapper builds its library in the test's folder."""
        env = {**os.environ, "XDG_CACHE_HOME": os.path.join(self.folder, "cache")}
        argv = [WRAPPER] if wrapped else []
        return proc.must([*argv, self.probe, kind, document], env=env).split()

    def stop(self):
        pass


@tap.test
def the_installed_libxml2_calls_no_callback_of_sax1(case):
    said = case.site.parse("sax1", DOCUMENT, wrapped=False)
    if said == ["start:a", "start:b", "end:b", "end:a"]:
        tap.skip("this libxml2 is healed: pidgin-sipe needs no remedy here")
    tap.check_eq(said, [], "what an affected libxml2 calls")


@tap.test
def with_the_remedy_the_elements_are_seen(case):
    tap.check_eq(case.site.parse("sax1", DOCUMENT, wrapped=True),
                 ["start:a", "start:b", "end:b", "end:a"], "callbacks")


@tap.test
def with_the_remedy_a_broken_document_is_an_error(case):
    said = case.site.parse("sax1", "<a><b></a>", wrapped=True)
    tap.check_eq(said[-1], "error", "the end of what was said")


@tap.test
def a_handler_of_sax2_is_left_alone(case):
    tap.check_eq(case.site.parse("sax2", DOCUMENT, wrapped=True),
                 ["START:a", "START:b", "END:b", "END:a"], "callbacks")


if __name__ == "__main__":
    tap.main(Site)
