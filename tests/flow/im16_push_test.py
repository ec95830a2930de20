#!/usr/bin/python3
"""Poster row IM-16: browsers that show no page are told what comes, by a push service of the test that checks
who sends, and decrypts."""
import contextlib
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import metrics, site, tap  # noqa: E402
from lib.im import page, phone, take  # noqa: E402
from lib.pushservice import PushService, Subscription  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402
from lib.web import Browser, Site, address, make_pages  # noqa: E402

METRICS_PORT = 9321
OWN, INSIDE = "push.own.test", "push.inside.test"

SETTINGS = (2,)  # front ends: tests/run.py


def make(args, folder):
    """INSIDE has the same private address as OWN, and is not named as an own service."""
    site.netns.enter()
    if not site.netns.inside():
        return site.Site(args, folder)
    service = PushService(folder, site.netns.SERVER_IP, [OWN, INSIDE, "*.wild.test"])
    s = site.Site(args, folder, web=f"metrics-port = {METRICS_PORT}\nweb-root = {make_pages(folder)}\n"
                  f"push-ca = {service.ca}\npush-services = other.test, {OWN},a.wild.test\n"
                  "push-contact = mailto:it@example.test")
    for name in (OWN, INSIDE, "a.wild.test"):
        s.dns.add(f"{name}. 60 IN A {site.netns.SERVER_IP}")
    s.push = service
    return s


def browser(case, user=None):
    b = case.own(Browser(Site(case.site.server), user or case.site.user("push", name="Pia Push")))
    check_eq(b.log_in().status, 200, "log-in")
    return b


def subscribed(case, user=None, host=None):
    """A browser that shows no page, and what its push service has for it."""
    b = browser(case, user)
    service = case.site.push
    service.sender = b.own("push")["key"]
    sub = Subscription(service, host)
    check_eq(b.own("push/subscribe", **sub.fields()), {}, "subscribed")
    check_eq(b.own("push")["subscribed"], True, "it says so")
    return b, sub


def writes(a, user, text, code):
    check_eq(a.expect_answer(page(a, user.uri, text)).code, code, f"MESSAGE {text}")


def metric(name, **labels):
    return metrics.scrape(METRICS_PORT).get(f"dialtone_web_{name}", **labels)


def log_of(case):
    with open(case.site.server.p.log, encoding="utf-8", errors="replace") as f:
        return f.read()


def not_taken(case, user):
    """What became of the messages for this user that no service has taken."""
    return re.findall(f"event=push-not-taken user={re.escape(address(user))} subscription=\\d+ (.*)", log_of(case))


@tap.test
def who_is_not_signed_in_is_told_of_a_message(case):
    a = phone(case, case.site.user("ann", name="Ann Author"))
    b, sub = subscribed(case)
    writes(a, b.user, "Are you \u2615 there?", 202)
    told = sub.next()
    check_eq(told, {"kind": "message", "user": address(b.user), "chat": address(a.user),
                    "from": address(a.user), "name": "Ann Author", "text": "Are you \u2615 there?"}, "what it is told")
    headers = sub.pushes()[0].headers
    check_eq((headers["TTL"], headers["Urgency"]), ("86400", "high"), "how it is to be brought")
    check(len(headers["Topic"]) == 32 and a.user.name not in str(headers), headers)
    writes(a, b.user, "x" * 300, 202)
    check_eq(sub.next(2)["text"], "x" * 200 + "\u2026", "a long one")
    check_eq(sub.pushes()[1].headers["Topic"], headers["Topic"], "the same chat takes its place")
    other = phone(case)
    writes(other, b.user, "And I", 202)
    check_eq(sub.next(3)["from"], address(other.user), "who else writes")
    check(sub.pushes()[2].headers["Topic"] != headers["Topic"], "another chat's")


@tap.test
def who_has_a_telephone_alone_is_told_too(case):
    a, b_phone = phone(case), phone(case)
    _, sub = subscribed(case, b_phone.user)
    request = page(a, b_phone.user.uri, "hello")
    check_eq(take(b_phone).body, b"hello", "at the telephone")
    check_eq(a.expect_answer(request).code, 200, "taken")
    check_eq(sub.next()["text"], "hello", "told")


@tap.test
def nobody_is_told_while_a_page_is_used(case):
    a = phone(case)
    b, sub = subscribed(case)
    b.start()
    writes(a, b.user, "seen", 200)
    wait_for(lambda: [m["text"] for m in b.messages] == ["seen"], "it in the page")
    b.ok("presence.active", active=False)
    writes(a, b.user, "not seen", 200)
    check_eq(sub.next()["text"], "not seen", "the first that is told")
    b.ok("presence.active", active=True)
    writes(a, b.user, "seen again", 200)
    b.stop()
    writes(a, b.user, "after the page", 200)
    check_eq(sub.next(2)["text"], "after the page", "the second")


@tap.test
def a_member_who_is_away_is_told_of_what_is_said_in_a_group(case):
    a = browser(case).start()
    b, sub = subscribed(case)
    with_phone, sub_phone = subscribed(case, case.site.user("desk"))
    desk = phone(case, with_phone.user)
    chat = a.ok("conference.create", name="Lunch")["chat"]
    for user in (b.user, with_phone.user):
        a.ok("conference.add", chat=chat, uri=address(user))
    a.ok("chat.send", to=chat, text="At noon?")
    take(desk)
    for s in (sub, sub_phone):
        told = s.next()
        check_eq((told["chat"], told["from"], told["name"], told["text"]),
                 (chat, address(a.user), "Pia Push", "At noon?"), "what is told")
    check_eq([len(s.pushes()) for s in (sub, sub_phone)], [1, 1], "once")
    desk.sign_off()


@tap.test
def who_does_not_want_to_be_disturbed_is_not(case):
    a = phone(case)
    b, sub = subscribed(case)
    b.start()
    b.ok("presence.set", state="do_not_disturb")
    b.wait_self("do_not_disturb")
    b.ok("presence.active", active=False)
    writes(a, b.user, "quiet", 200)
    b.wait_text("quiet")
    b.ok("presence.set", state="available")
    b.wait_self("idle")
    writes(a, b.user, "loud", 200)
    check_eq(sub.next()["text"], "loud", "the first that is told")


@tap.test
def a_call_is_told(case):
    a = phone(case, case.site.user("cal", name="Cal Caller"))
    b, sub = subscribed(case)
    check_eq(a.expect_answer(a.send(a.invite(b.user.uri))).code, 480, "INVITE")
    told = sub.next()
    check_eq((told["kind"], told["from"], told["name"]), ("call", address(a.user), "Cal Caller"), told)
    check("text" not in told, told)
    check_eq(sub.pushes()[0].headers["TTL"], "60", "it is of no use later")


@tap.test
def a_call_of_who_wants_to_stay_unknown_is_not_told(case):
    a = phone(case)
    b, sub = subscribed(case)
    hidden = a.invite(b.user.uri, headers=[("Privacy", "id")])
    check_eq(a.expect_answer(a.send(hidden)).code, 480, "INVITE")
    writes(a, b.user, "hello", 202)
    check_eq(sub.next()["kind"], "message", "the first that is told")


@tap.test
def all_browsers_of_a_user_are_told_and_none_whose_log_in_has_ended(case):
    a = phone(case)
    first, sub1 = subscribed(case)
    second, sub2 = subscribed(case, first.user)
    writes(a, first.user, "both", 202)
    check_eq([s.next()["text"] for s in (sub1, sub2)], ["both"] * 2, "both are told")
    check_eq(first.log_out().status, 200, "log-out")
    writes(a, first.user, "one", 202)
    check_eq(sub2.next(2)["text"], "one", "the other one")
    check_eq(second.own("push/unsubscribe"), {}, "it wants no more")
    check_eq(second.own("push")["subscribed"], False, "it says so")
    check_eq(second.own_error("push/unsubscribe"), (404, "not_found"), "once more")
    third, sub3 = subscribed(case, first.user)
    writes(a, first.user, "third", 202)
    check_eq(sub3.next()["text"], "third", "a new one")
    check_eq((len(sub1.pushes()), len(sub2.pushes())), (1, 2), "the others hear nothing more")


@tap.test
def a_new_password_ends_what_was_subscribed_before(case):
    a = phone(case)
    b, sub = subscribed(case)
    case.site.server.tool("user", "passwd", b.user.name, "--password-stdin", input_text="another-long-one\n")
    b.user.account_password = "another-long-one"
    _, again = subscribed(case, b.user)
    writes(a, b.user, "now", 202)
    check_eq(again.next()["text"], "now", "the new log-in's")
    check_eq(sub.pushes(), [], "the old one's")


@tap.test
def what_the_service_has_forgotten_is_forgotten(case):
    a = phone(case)
    b, sub = subscribed(case)
    case.site.push.answers[sub.path] = [(410, {})]
    writes(a, b.user, "into nothing", 202)
    wait_for(lambda: not b.own("push")["subscribed"], "the end of the subscription")
    check_eq(len(sub.pushes()), 1, "tried once")


@tap.test
def a_service_that_is_busy_is_tried_again(case):
    a = phone(case)
    b, sub = subscribed(case)
    case.site.push.answers[sub.path] = [(429, {"Retry-After": "1"}), (503, {})]
    writes(a, b.user, "patience", 202)
    check_eq(sub.next(3)["text"], "patience", "the third try")
    check_eq(not_taken(case, b.user), [], "nothing is lost")


@tap.test
def what_a_service_refuses_is_not_tried_again_nor_elsewhere(case):
    a = phone(case)
    b, sub = subscribed(case)
    elsewhere = Subscription(case.site.push)
    case.site.push.answers[sub.path] = [(307, {"Location": elsewhere.endpoint}), (400, {})]
    for i in range(2):
        writes(a, b.user, f"m{i}", 202)
    wait_for(lambda: sorted(not_taken(case, b.user)) ==
             ['end=refused why="status 307"', 'end=refused why="status 400"'], "both are refused")
    writes(a, b.user, "last", 202)
    check_eq(sub.next(3)["text"], "last", "the one after them")
    check_eq(elsewhere.pushes(), [], "no redirect is followed")


@tap.test
def nobody_writes_as_a_conference(case):
    """Whose conference a From names says nothing of who sends it; an MCU alone says who speaks in one."""
    b, sub = subscribed(case)
    forger = phone(case)
    m = forger.make("MESSAGE", b.user.uri, body="forged", headers=[
        ("Content-Type", "text/plain"), ("Ms-Sender", f"<sip:boss@{case.site.server.domain}>"), ("Message-Id", "7")])
    m.set("From", f"<{forger.user.uri};gruu;opaque=app:conf:focus:id:ABC>;tag=x1")
    forger.send(m)
    check_eq(forger.expect_answer(m).code, 403, "MESSAGE")
    writes(forger, b.user, "true", 202)
    check_eq(sub.next()["text"], "true", "the first that is told")


@tap.test(alone=True)
def inside_nobody_is_reached_who_is_not_named(case):
    a = phone(case)
    b, sub = subscribed(case, host=INSIDE)
    connections = case.site.push.connections
    writes(a, b.user, "ssrf", 202)
    wait_for(lambda: not_taken(case, b.user) == ['end=refused why="its address is private"'], "it is refused")
    check_eq((case.site.push.connections, sub.pushes()), (connections, []), "nobody came")
    check(metric("pushes_total", end="refused") > 0, "it is counted")


@tap.test
def a_certificate_may_be_of_all_names_below_one(case):
    a = phone(case)
    b, sub = subscribed(case, host="a.wild.test")
    writes(a, b.user, "wild", 202)
    check_eq(sub.next()["text"], "wild", "told")


@tap.test
def what_is_no_subscription_is_refused(case):
    b = browser(case)
    good = Subscription(case.site.push).fields()
    bad = [{**good, "endpoint": e} for e in (
        "", "http://push.own.test/x", "https://10.77.0.1/x", "https://[::1]/x", "https://localhost/x",
        "https://2130706433/x", "https://a.test:99999/x", "https://u@a.test/x", "https://a.test/x\r\ny: z",
        "https://a.test/" + "x" * 1100, 5)]
    bad += [{**good, "p256dh": good["auth"]}, {**good, "auth": good["p256dh"]}, {**good, "p256dh": "B" * 87},
            {"endpoint": good["endpoint"]}, {**good, "auth": None}]
    for fields in bad:
        check_eq(b.own_error("push/subscribe", **fields), (400, "bad_request"), fields)
    check_eq(b.own("push")["subscribed"], False, "afterwards")
    for cookie, origin, wanted in ((None, True, (401, "signed_out")), (b.cookie, False, (403, "foreign_origin"))):
        for path in ("push/subscribe", "push/unsubscribe"):
            answer = b.site.request("POST", "/api/v1/" + path, good, cookie=cookie, origin=origin)
            check_eq((answer.status, answer.code), wanted, path)
    check_eq(b.site.request("GET", "/api/v1/push").status, 401, "without a cookie")


@tap.test
def what_a_page_has_not_seen_is_told_when_it_does_not_come_back(case):
    a = phone(case)
    b, sub = subscribed(case)
    b.start()
    for text in ("seen", "not seen"):
        writes(a, b.user, text, 200)
        b.wait_text(text)
        if text == "seen":
            b.ok("seen", seq=b.seq)
    b.cut()
    wait_for(sub.pushes, "a push, after the session", 3 * tap.WAIT_S)
    check_eq(sub.next()["text"], "not seen", "what is told")
    check_eq(len(sub.pushes()), 1, "once")


@contextlib.contextmanager
def settings(case, lines):
    """[role web] has these lines too, meanwhile."""
    server, before = case.site.server, case.site.server.web
    try:
        server.web = f"{before}\n{lines}"
        server._write_config()
        server.reload()
        yield
    finally:
        server.web = before
        server._write_config()
        server.reload()


@tap.test(alone=True)
def the_server_may_keep_texts_to_itself_or_tell_nothing(case):
    a = phone(case)
    b, sub = subscribed(case)
    with settings(case, "push-text = no"):
        writes(a, b.user, "a secret", 202)
        told = sub.next()
        check_eq((told["kind"], told["from"], "text" in told), ("message", address(a.user), False), told)
    with settings(case, "push = no"):
        check_eq(b.own("push")["key"], None, "the key")
        check_eq(b.own_error("push/subscribe", **sub.fields()), (404, "no_push"), "another one")
        writes(a, b.user, "nothing", 202)
    writes(a, b.user, "again", 202)
    check_eq(sub.next(2)["text"], "again", "the second that is told")


@tap.test(alone=True)
def a_contact_that_is_none_is_refused(case):
    server = case.site.server
    before = server.web
    server.web = before.replace("mailto:it@example.test", 'it@example.test')
    server._write_config()
    check("push-contact" in server.tool("reload", ok=False), "the reason")
    server.web = before
    server._write_config()
    server.reload()


@tap.test(alone=True)
def who_gets_very_much_is_not_told_of_all(case):
    a = phone(case)
    b, sub = subscribed(case)
    before, n = metric("pushes_slowed_total"), 30
    for i in range(n):
        writes(a, b.user, f"m{i}", 202)
    wait_for(lambda: metric("pushes_slowed_total") > before, "that they are too many")
    slowed = metric("pushes_slowed_total") - before
    wait_for(lambda: len(sub.pushes()) == n - slowed, "the others")


@tap.test(alone=True)
def the_key_and_the_subscriptions_outlive_the_processes(case):
    a = phone(case)
    b, sub = subscribed(case)
    key = b.own("push")["key"]
    case.site.server.kill_role("web")
    case.site.server.kill_role("accounts")

    def there():
        try:
            answer = b.own_answer("push")
        except OSError:
            return False
        return answer.status == 200 and answer.json() == {"subscribed": True, "key": key}
    wait_for(there, "the same key, and the subscription")
    writes(a, b.user, "later", 202)
    check_eq(sub.next()["text"], "later", "told")


@tap.test(alone=True)
def nothing_of_it_stands_in_the_log(case):
    log = log_of(case)
    check("push-subscribed" in log and "push-not-taken" in log, "it is logged")
    for secret in ("/push/", "Are you", "patience"):
        check(secret not in log, f"{secret!r} in the log")


@tap.test
def what_a_client_says_of_news_reaches_nobody(case):
    """The front end alone says what came for whom: a client's word, which comes by the same link, is none."""
    b, sub = subscribed(case)
    forger = phone(case)
    page_of = browser(case, forger.user)
    page_of.start()
    news = json.dumps({"kind": "message", "user": address(b.user), "chat": "boss@example.test",
                       "from": "boss@example.test", "text": "forged"})
    for account in range(1, 30):
        m = forger.make("NOTIFY", forger.user.uri, body=f'{{"account":{account},{news[1:]}', headers=[
            ("Event", "dialtone-news"), ("Subscription-State", "active"),
            ("Content-Type", "application/dialtone+json")])
        check_eq(forger.ask(m)[0].code, 489, "NOTIFY")
    writes(forger, b.user, "true", 202)
    check_eq(sub.next()["text"], "true", "the first that is told")


if __name__ == "__main__":
    tap.main(make)
