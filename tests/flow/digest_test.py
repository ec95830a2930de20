#!/usr/bin/python3
"""Which Digest algorithm is asked for: the listener's policy, and the account's."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import netns, site, tap  # noqa: E402
from lib.netns import SERVER_IP  # noqa: E402
from lib.siptext import Phone, challenge_of  # noqa: E402
from lib.tap import check, check_eq  # noqa: E402


def make(args, folder):
    netns.enter()
    return site.Site(args, folder, settings=f"sha256-listeners = {SERVER_IP}:5061\n")


def phone(case, user, transport):
    return case.own(Phone(case.site.server, user, transport))


def request(p):
    return p.make("REGISTER", f"sip:{p.server.domain}", to=p.user.uri,
                  headers=[("Contact", p.contact()), ("Expires", 600)])


def asked(p, m):
    """The algorithm of the one challenge that answers m, and the answer."""
    answer = p.expect_answer(p.send(m))
    check_eq((answer.code, len(answer.all("WWW-Authenticate"))), (401, 1), "the challenge")
    return challenge_of(answer).get("algorithm", "MD5"), answer


@tap.test
def a_listener_with_the_policy_asks_for_sha_256_alone(case):
    user = case.site.user("alice")
    for transport, wanted in (("tls", "SHA-256"), ("tcp", "MD5"), ("udp", "MD5")):
        p = phone(case, user, transport)
        m = request(p)
        algorithm, answer = asked(p, m)
        check_eq(algorithm, wanted, f"the algorithm over {transport}")
        check_eq(p.expect_answer(p.send(p.again(m, answer))).code, 200, f"over {transport}")


@tap.test
def md5_is_not_enough_at_such_a_listener(case):
    p = phone(case, case.site.user("alice"), "tls")
    m = request(p)
    _, answer = asked(p, m)
    answer.set("WWW-Authenticate", answer.get("WWW-Authenticate").replace("SHA-256", "MD5"))
    algorithm, answer = asked(p, p.again(m, answer))
    check_eq(algorithm, "SHA-256", "the algorithm of the second challenge")
    check_eq(p.expect_answer(p.send(p.again(m, answer))).code, 200, "by SHA-256")


@tap.test
def a_challenged_message_and_a_wrong_password_follow_the_policy_too(case):
    p = phone(case, case.site.user("alice"), "tls")
    m = p.make("MESSAGE", p.user.uri, body="x", headers=[("Content-Type", "text/plain")])
    answer = p.expect_answer(p.send(m))
    check_eq((answer.code, challenge_of(answer)["algorithm"]), (407, "SHA-256"), "MESSAGE")
    p.password = "wrong"
    check_eq(p.register().code, 403, "a wrong password")


@tap.test
def a_user_whose_policy_is_sha_256_is_asked_again_at_any_listener(case):
    user = case.site.user("bob")
    case.site.server.tool("user", "set", user.name, "--sha256-only", "yes")
    for transport in ("tcp", "udp"):
        p = phone(case, user, transport)
        m = request(p)
        algorithm, answer = asked(p, m)
        check_eq(algorithm, "MD5", "what everybody is asked")
        algorithm, answer = asked(p, p.again(m, answer))
        check_eq(algorithm, "SHA-256", "after the right answer")
        check_eq(p.expect_answer(p.send(p.again(m, answer))).code, 200, f"over {transport}")


@tap.test(alone=True)
def a_reload_changes_the_listeners_and_refuses_what_is_none(case):
    server, user = case.site.server, case.site.user("carol")
    path = os.path.join(server.dir, "topology.conf")
    with open(path, encoding="utf-8") as f:
        good = f.read()

    def write(text):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
    write(good.replace("sha256-listeners = ", "sha256-listeners = 192.0.2.9:1, "))
    said = server.tool("reload", ok=False)
    check("192.0.2.9:1" in said, said)
    write(good.replace(f"sha256-listeners = {SERVER_IP}:5061", ""))
    server.reload()
    p = phone(case, user, "tls")
    check_eq(asked(p, request(p))[0], "MD5", "after the reload")
    write(good)
    server.reload()
    p = phone(case, user, "tls")
    check_eq(asked(p, request(p))[0], "SHA-256", "after the next")


if __name__ == "__main__":
    tap.main(make)
