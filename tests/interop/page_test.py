#!/usr/bin/python3
"""What `./run` tells a newcomer to type works as it stands: the lines are taken from its page.

| what                                     | who       | over |
|------------------------------------------|-----------|------|
| signs in with the line of the page       | linphonec | TLS  |
| signs in with the line of the page       | baresip   | TLS  |
| alice and bob sign in by it and call     | both      | TLS  |
| is traced while signing in               | baresip   | TLS  |
"""
import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop import baresip, linphonec  # noqa: E402
from lib import netns, proc, tap  # noqa: E402
from lib.server import BUILD, ROOT, program  # noqa: E402

SETTINGS = ()
READY = "Ctrl-C stops the server."


class Site:
    """`./run` in a private network, as a newcomer starts it."""

    def __init__(self, _args, folder):
        if BUILD != "build/out":
            raise tap.Skip("./run always uses build/out")
        self.net = netns.Net(folder)
        self.dir = os.path.join(folder, "install")
        env = {**os.environ, "RUN_DIR": self.dir, "HOST": netns.SERVER_IP}
        self.p = proc.Proc([os.path.join(ROOT, "run")], os.path.join(folder, "run.log"), env=env)
        self.p.wait_text(READY)
        self.page = self.p.text()
        os.chmod(folder, 0o755)

    def password(self, name):
        return re.search(rf"{name}@example\.test\n.*\n\s+password of the SIP phone (\S+)",
                         self.page).group(1)

    def line(self, start, name):
        """The page's line that begins with `start`, made out for a user."""
        found = [l.strip() for l in self.page.splitlines() if l.strip().startswith(start)]
        tap.check_eq(len(found), 1, f"lines of the page with {start!r}")
        return found[0].replace("PASSWORD", self.password(name)).replace("alice", name)

    def tool(self, *words):
        return proc.must([program("dialtone"), "--config", self.dir, *words])

    def signed_in(self, name):
        return name + "@example.test" in self.tool("endpoint", "list", name)

    def stop(self):
        self.p.stop(signal.SIGINT)


def make(args, folder):
    netns.enter()
    return Site(args, folder)


def linphone(case, name):
    """linphonec with nothing but what the page says."""
    linphonec.need()
    site, host = case.site, case.own(case.site.net.host())
    home = os.path.join(case.dir, name)
    os.makedirs(os.path.join(home, ".local/share/linphone"))
    rc = os.path.join(home, "rc")
    tls = re.search(r"root_ca=\S+", site.page).group(0)
    with open(rc, "w", encoding="utf-8") as f:
        f.write(f"[sip]\n{tls}\nuse_ipv6=0\n[sound]\nechocancellation=0\n")
    p = case.own(proc.Proc(["linphonec", "-c", rc, "-d", "6", "-l", os.path.join(home, "log")],
                           os.path.join(home, "out"), netns=host,
                           env=dict(os.environ, HOME=home, LC_ALL="C"), stdin=True))
    linphonec.enter(p, "soundcard use files")
    linphonec.enter(p, site.line("register sip:alice", name))
    tap.wait_for(lambda: registered(os.path.join(home, "log")), f"{name} to be signed in ({p.log})")
    tap.check(site.signed_in(name), f"the server knows that {name} is signed in")
    return p


def registered(log):
    """The phone itself has the answer, and with it the way that its calls take."""
    if not os.path.exists(log):
        return False
    with open(log, encoding="utf-8", errors="replace") as f:
        return re.search(r"moving from state \S+ to \[LinphoneRegistrationOk\]", f.read())


def bare(case, name):
    """baresip with the page's line in `accounts` and its line for `config`."""
    baresip.need()
    site, host = case.site, case.own(case.site.net.host())
    home = os.path.join(case.dir, name)
    os.makedirs(home)
    cafile = re.search(r"`(sip_cafile \S+)`", site.page).group(1)
    with open(os.path.join(home, "config"), "w", encoding="utf-8") as f:
        f.write(f"{cafile}\nmodule_path {baresip.MODULES}\nmodule g711.so\nmodule aubridge.so\n"
                "module_tmp account.so\nmodule_app menu.so\nmodule stdio.so\nnet_interface eth0\n"
                "audio_source aubridge,a\naudio_player aubridge,a\naudio_alert aubridge,b\n")
    with open(os.path.join(home, "accounts"), "w", encoding="utf-8") as f:
        f.write(site.line("<sip:alice", name) + ";answermode=auto\n")
    with open(os.path.join(home, "contacts"), "w", encoding="utf-8"):
        pass
    p = case.own(proc.Proc(["baresip", "-f", home], os.path.join(home, "out"), netns=host))
    tap.wait_for(lambda: site.signed_in(name), f"{name} to be signed in ({p.log})")
    return p


@tap.test
def linphonec_signs_in_with_the_line_of_the_page(case):
    linphone(case, "carol")


@tap.test
def alice_with_linphonec_calls_bob_with_baresip_as_the_page_says(case):
    bare(case, "bob")
    p = linphone(case, "alice")
    linphonec.enter(p, "call sip:bob@example.test")
    tap.wait_for(lambda: "connected" in case.site.tool("call", "list"), "a connected call")


@tap.test(alone=True)
def trace_shows_a_sign_in_and_no_secret(case):
    t = case.own(proc.Proc([program("dialtone"), "--config", case.site.dir, "trace", "--user",
                            "bob"], os.path.join(case.dir, "trace")))
    bare(case, "bob")
    t.wait_text("SIP/2.0 200 OK")
    text = t.text()
    for wanted in ("REGISTER sip:example.test", "SIP/2.0 401", 'response=***'):
        tap.check(wanted in text, f"{wanted!r} in the trace: {text[:3000]}")
    given = re.findall(r'\b(?:response|cnonce)="?([0-9a-zA-Z+/=_-]{8,})', text)
    tap.check_eq(given, [], "what a Digest is made of")
    tap.check(case.site.password("bob") not in text, "the password")


if __name__ == "__main__":
    tap.main(make)
