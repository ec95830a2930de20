#!/usr/bin/python3
"""pidgin-sipe 1.25 signs in, and its user is told when it may not.

| what                                             | scheme, over | the user is told                     |
|--------------------------------------------------|--------------|--------------------------------------|
| signs in, signs out and in again                 | NTLM, TLS    | -                                    |
| three that start at the same time                | NTLM, TLS    | - (their Call-IDs differ)            |
| the scheme is left to the client                 | auto, TLS    | -                                    |
| a wrong password                                 | NTLM, TLS    | "Authentication failed"              |
| a server of another CA; its user says no         | NTLM, TLS    | the certificate is not trusted       |
| no encryption                                    | NTLM, TCP    | "choose TLS"                         |
| signs in, nothing is told, every message signed  | NTLM, TLS    | -                                    |
| a disabled account                               | NTLM, TLS    | "Authentication failed"              |
| kicked, disabled while signed in                 | NTLM, TLS    | why                                  |
| its front end is killed; it comes back           | NTLM, TLS    | -                                    |
"""
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop.sipe import Sipe  # noqa: E402
from lib import proc, site, tap  # noqa: E402


def _foreign_ca(folder):
    """The certificate of a CA that has not made the server's."""
    path = os.path.join(folder, "foreign.pem")
    proc.must(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
               "-nodes", "-days", "30", "-subj", "/CN=somebody else", "-keyout", path + ".key",
               "-out", path])
    return path


@tap.test
def sipe_signs_in_and_out_and_in_again(case):
    a = Sipe(case, case.site.user("alice"))
    a.wait_registered()
    tap.check_eq(len(case.site.server.endpoints(a.user)), 1, "endpoints of the user")
    mark = a.mark()
    a.sign_off()
    a.wait_signed_off(mark)
    tap.wait_for(lambda: not case.site.server.endpoints(a.user), "the end of the endpoint")
    mark = a.mark()
    a.sign_on()
    a.wait_registered(mark)
    tap.check_eq(len(case.site.server.endpoints(a.user)), 1, "endpoints of the user")


@tap.test
def three_that_start_together_share_no_call_id(case):
    users = case.site.users("alice", "bob", "carol")
    with ThreadPoolExecutor(len(users)) as pool:  # a client dies with the thread that started it
        clients = list(pool.map(lambda user: Sipe(case, user), users))
        for client in clients:
            client.wait_registered()
    ids = [set(re.findall(r"^Call-ID: (\S+)", client.log(), re.M)) for client in clients]
    tap.check(all(ids), "Call-IDs in every log")
    tap.check_eq(len(set.union(*ids)), sum(map(len, ids)), "different Call-IDs")


@tap.test
def sipe_that_chooses_the_scheme_signs_in(case):
    Sipe(case, case.site.user("alice"), auth="auto").wait_registered()


@tap.test
def a_wrong_password_is_told_to_the_user(case):
    a = Sipe(case, case.site.user("alice"), password="not the password")
    tap.check_eq(a.wait_refused()["text"], "Authentication failed", "what the user is told")


@tap.test
def a_server_of_another_ca_is_not_trusted(case):
    a = Sipe(case, case.site.user("alice"), ca=_foreign_ca(case.dir))
    asked = a.wait_event("request", secondary=re.compile("not trusted"))
    tap.check_eq(case.site.server.endpoints(a.user), [], "endpoints before the user answers")
    a.answer_request(asked, action="Reject")
    tap.check_eq(a.wait_refused()["text"], "SSL peer presented an invalid certificate",
                 "what the user is told")


@tap.test
def without_encryption_the_user_is_told_to_choose_tls(case):
    a = Sipe(case, case.site.user("alice"), "tcp")
    tap.check("choose TLS" in a.wait_refused()["text"], "the user is told to choose TLS")


@tap.test
def it_signs_in_over_tls_and_is_told_no_error(case):
    a = Sipe(case, case.site.user("alice"))
    a.wait_registered()
    # The last thing it asks for when it signs in is the group chat, which is not there.
    a.wait_log(r"SIP/2\.0 404 [^\n]*\n(?:[^\n]+\n)*?CSeq: \d+ INVITE")
    told = [e for e in a.events() if e["event"] in ("notice", "disconnected", "request")]
    tap.check_eq(told, [], "what it tells its user")
    tap.check("signature mismatch" not in a.log().lower(), "every message is signed rightly")
    (endpoint,) = case.site.server.endpoints(a.user)
    tap.check_eq(endpoint["dialect"], "lync", f"{endpoint}")


@tap.test
def a_disabled_account_is_told(case):
    user = case.site.user("off")
    case.site.server.tool("user", "disable", user.name)
    a = Sipe(case, user)
    text = a.wait_refused()["text"]
    tap.check(re.search("(?i)authentication failed", text), text)


@tap.test
def a_kicked_client_is_told(case):
    a = Sipe(case, case.site.user("alice"))
    a.wait_registered()
    case.site.server.tool("endpoint", "kick", a.user.name)
    text = a.wait_refused()["text"]
    tap.check("administrator" in text, text)


@tap.test
def an_account_that_is_disabled_meanwhile_is_told(case):
    a = Sipe(case, case.site.user("alice"))
    a.wait_registered()
    case.site.server.tool("user", "disable", a.user.name)
    text = a.wait_refused()["text"]
    tap.check("disabled" in text, text)


@tap.test(alone=True)
def it_comes_back_after_its_front_end_was_killed(case):
    a = Sipe(case, case.site.user("alice"))
    a.wait_registered()
    mark = a.mark()
    for number in range(1, case.site.frontends + 1):
        case.site.server.kill_role("frontend", number)
    a.wait_refused(mark)
    mark = a.mark()
    tap.wait_for(lambda: all(r["state"] == "running" for r in case.site.server.roles()),
             "running roles")
    a.sign_on()
    a.wait_registered(mark)
    tap.wait_for(lambda: len(case.site.server.endpoints(a.user)) == 1, "one endpoint")


if __name__ == "__main__":
    tap.main(site.make)
