#!/usr/bin/python3
"""Poster row IM-16: signing in to the browser client with a company's own OpenID provider."""
import json
import os
import re
import sys
import threading
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import oidc, site, tap  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402
from lib.web import Browser, Site, make_pages  # noqa: E402

BEGIN, CALLBACK, SIGN_IN = "/api/v1/oidc/begin", "/api/v1/oidc/callback", "/api/v1/sign-in"
COOKIE = "__Host-dialtone-oidc"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"

SETTINGS = (2,)  # front ends: tests/run.py


class OidcSite(site.Site):
    """A server whose people sign in by the provider."""

    def __init__(self, args, folder):
        self.folder = folder
        super().__init__(args, folder, accounts=oidc.settings(folder),
                         web=f"metrics-port = 0\nweb-root = {make_pages(folder)}\n")
        self.provider = oidc.Provider(folder, os.path.join(self.server.dir, "certs"), self.server.ip)

    def write(self, **change):
        """With other settings than usual; none: with those."""
        self.server.settings["accounts"] = oidc.settings(self.folder, **change)
        self.server._write_config()

    def set(self, **change):
        """Likewise, at once: what is known of the provider is asked anew."""
        self.write(**change)
        self.server.reload()

    def _zone(self):
        return super()._zone() + oidc.zone(site.netns.SERVER_IP)

    def stop(self):
        if hasattr(self, "provider"):
            self.provider.stop()
        super().stop()


def make(args, folder):
    site.netns.enter()
    return OidcSite(args, folder)


class Person(Browser):
    """A browser that keeps the cookie of a sign-in under way as well."""

    def __init__(self, case, user=None):
        super().__init__(Site(case.site.server), user or case.site.user("sso"))
        self.provider, self.flow, self.place, self.fields = case.site.provider, None, None, []
        case.own(self)

    @property
    def email(self):
        return f"{self.user.name}@{self.user.domain}"

    def get(self, path):
        cookies = [f"{COOKIE}={self.flow}"] if self.flow is not None else []
        cookies += [f"__Host-dialtone={self.cookie}"] if self.cookie and "callback" not in path else []
        fields = [("User-Agent", AGENT)] + ([("Cookie", "; ".join(cookies))] if cookies else [])
        answer = self.site.request("GET", path, None, fields, origin=False)
        self.fields = answer.headers.get_all("Set-Cookie") or []
        for field in self.fields:
            name, value = field.split(";")[0].split("=", 1)
            if name == COOKIE:
                self.flow = value or None
            else:
                self.cookie = value
        return answer

    def begin(self, prove=False):
        """Where it is sent."""
        answer = self.get(BEGIN + ("?prove" if prove else ""))
        check_eq(answer.status, 302, f"begin: {answer.headers.get('Refresh')}")
        return answer.headers["Location"]

    def come_back(self, url):
        """Where our own page leads to then."""
        check(url.startswith(self.site.origin + CALLBACK + "?"), url)
        return self.finish(self.get(url[len(self.site.origin):]))

    def finish(self, answer):
        check_eq((answer.status, answer.headers["Cache-Control"]), (200, "no-store"), answer.body)
        check(f"{COOKIE}=;" in self.fields[0] and "Max-Age=0" in self.fields[0], self.fields)
        return re.fullmatch(r"0; url=(/[a-z_/#]*)", answer.headers["Refresh"]).group(1)

    def sign_in(self, email=None, prove=False, **fields):
        """The whole way; where it ends."""
        url = self.begin(prove)
        return self.come_back(self.provider.visit(url, self.site.context,
                                                  **{"as": email or self.email, **fields}))


def log_of(case):
    with open(case.site.server.p.log, encoding="utf-8", errors="replace") as f:
        return f.read()


# --- the way


@tap.test
def who_signs_in_at_the_provider_is_signed_in_here(case):
    p = Person(case)
    check_eq(p.sign_in(), "/", "where it ends")
    ticket = next(f for f in p.fields if f.startswith("__Host-dialtone="))
    check("SameSite=Strict" in ticket and "HttpOnly" in ticket and "Secure" in ticket, ticket)
    check_eq(p.site.request("GET", "/api/v1/session", cookie=p.cookie).json()["user"]["uri"], p.email, "who")
    check_eq(p.connect(), 101, "WebSocket")
    p.hello()
    row, = p.own("logins")["logins"]
    check_eq((row["agent"], row["this"]), (AGENT, True), "in the list")
    log = log_of(case)
    check(f"user={p.email}" in log and "by=oidc" in log, "the log")
    check(oidc.SECRET not in log and p.cookie not in log, "a secret in the log")


@tap.test
def the_browser_is_sent_with_what_the_protocol_wants(case):
    p = Person(case)
    q = {k: v for k, v in urllib.parse.parse_qsl(urllib.parse.urlsplit(p.begin()).query)}
    check_eq((q["response_type"], q["client_id"], q["scope"]), ("code", oidc.CLIENT, "openid email profile"), q)
    check_eq((q["redirect_uri"], q["code_challenge_method"]), (p.site.origin + CALLBACK, "S256"), q)
    check_eq([len(q[k]) for k in ("state", "nonce", "code_challenge")], [22, 22, 43], q)
    check("prompt" not in q, q)
    flow, = p.fields
    check(all(w in flow for w in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=600")), flow)
    again = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(p.begin()).query))
    check(not {q["state"], q["nonce"], q["code_challenge"]} & set(again.values()), "nothing is used twice")


@tap.test
def the_page_is_told_of_the_way_without_a_log_in(case):
    answer = Site(case.site.server).request("GET", SIGN_IN, origin=False)
    check_eq((answer.status, answer.json()), (200, {"oidc": {"name": oidc.NAME}}), "the ways")


@tap.test
def a_token_signed_on_a_curve_is_as_good(case):
    check_eq(Person(case).sign_in(mode="ES256"), "/", "ES256")


@tap.test
def the_account_may_have_the_address_in_its_directory_entry(case):
    p = Person(case)
    case.site.server.tool("user", "set", p.user.name, "--email", "Erika.Muster@company.test")
    check_eq(p.sign_in("erika.muster@COMPANY.test"), "/", "by its e-mail address")
    twin = case.site.user("twin")
    case.site.server.tool("user", "set", twin.name, "--email", "erika.muster@company.test")
    check_eq(p.sign_in("erika.muster@company.test"), "/#/signin/oidc_unknown", "of two nobody knows who")


# --- what is refused


@tap.test
def tokens_that_are_wrong_sign_nobody_in(case):
    p = Person(case)
    for mode in ("nonce", "aud", "auds", "azp", "expired", "old", "future", "iss", "none", "HS256", "signature",
                 "crit", "cut", "zero", "no_token"):
        check_eq(p.sign_in(mode=mode), "/#/signin/oidc_failed", mode)
        check_eq(p.cookie, None, mode)
    check_eq(p.sign_in(), "/", "a good one")
    check("oidc-failed" in log_of(case), "the log")


@tap.test
def an_address_that_is_not_verified_names_nobody(case):
    check_eq(Person(case).sign_in(mode="unverified"), "/#/signin/oidc_unverified", "not verified")


@tap.test
def who_has_no_account_is_told_so(case):
    p = Person(case)
    for name in ("nobody@example.test", "nobody@company.test", p.user.name, "+4930123456", "@", "a" * 300 + "@x.test"):
        check_eq(p.sign_in(name), "/#/signin/oidc_unknown", name)
    case.site.server.tool("user", "disable", p.user.name)
    check_eq(p.sign_in(), "/#/signin/oidc_unknown", "disabled")


@tap.test
def groups_sign_in_nowhere(case):
    case.site.server.tool("group", "add", "sales-oidc")
    check_eq(Person(case).sign_in("sales-oidc@example.test"), "/#/signin/oidc_unknown", "a group")


@tap.test
def who_says_no_at_the_provider_comes_back_to_the_sign_in(case):
    p = Person(case)
    check_eq(p.sign_in(mode="deny"), "/#/signin/oidc_denied", "denied")
    check_eq(p.sign_in(mode="server_error"), "/#/signin/oidc_failed", "the provider's fault")
    check_eq(p.sign_in(mode="back_iss"), "/#/signin/oidc_failed", "of another issuer")


@tap.test
def a_sign_in_is_good_once_and_in_its_own_browser(case):
    p, other = Person(case), Person(case)
    back = case.site.provider.visit(p.begin(), p.site.context, **{"as": p.email})
    flow = p.flow
    check_eq(other.come_back(back), "/#/signin/oidc_expired", "without the cookie")
    other.begin()
    check_eq(other.come_back(back), "/#/signin/oidc_expired", "with another's cookie")
    other.flow = flow[:-2] + ("AA" if flow[-2:] != "AA" else "BB")
    check_eq(other.come_back(back), "/#/signin/oidc_expired", "with a forged one")
    check_eq(p.come_back(back), "/", "in its own")
    p.flow = flow
    check_eq(p.come_back(back), "/#/signin/oidc_expired", "once more")
    check_eq(case.site.provider.exchanges(back), 1, "how often the provider was asked")


@tap.test(alone=True)
def another_site_shuts_nobody_out(case):
    p = Person(case)
    p.site = Site(case.site.server, source="127.0.0.77")  # where nobody has signed in before
    for _ in range(12):  # as images of a page would; the cookie is not sent with them
        answer = p.get(CALLBACK + "?state=x&code=x")
        check_eq(answer.headers["Refresh"], "0; url=/#/signin/oidc_expired", "none is under way")
    check_eq(p.get(BEGIN).status, 302, "a sign-in is begun")


@tap.test
def what_is_no_answer_of_the_provider_is_refused(case):
    p = Person(case)
    p.begin()
    flow = p.flow
    state = "x" * 22
    for query in ("", "?", "?code=x", f"?state={state}", f"?state={state}&state={state}&code=x", "?code=%00",
                  "?code=%zz&state=" + state, "?" + "a" * 7000, "?error=%3Cscript%3E&state=" + state):
        p.flow = flow
        check(p.finish(p.get(CALLBACK + query)).startswith("/#/signin/oidc_"), query)
    check_eq(p.cookie, None, "nobody is signed in")
    answer = p.site.request("POST", CALLBACK, {}, origin=False)
    check_eq(answer.status, 405, "POST")


@tap.test
def a_code_that_the_provider_does_not_know_is_refused(case):
    p = Person(case)
    url = p.begin()
    q = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
    check_eq(p.finish(p.get(f"{CALLBACK}?code=made-up&state={q['state']}")), "/#/signin/oidc_expired", "made up")


# --- what it does to the account


@tap.test
def a_log_in_ends_as_others_do(case):
    p = Person(case)
    check_eq(p.sign_in(), "/", "in")
    p.start()
    case.site.server.tool("user", "disable", p.user.name)
    wait_for(lambda: p.closed, "the end of its WebSocket")
    check_eq(p.own_error("logins"), (401, "signed_out"), "its ticket")
    other = Person(case)
    check_eq(other.sign_in(), "/", "in")
    case.site.server.tool("user", "passwd", other.user.name, "--password-stdin", input_text="correct horse\n")
    check_eq(other.own_error("logins"), (401, "signed_out"), "with the password")
    check_eq(other.sign_in(), "/", "in again")
    check_eq(other.log_out().status, 200, "out")
    check_eq(other.own_error("logins"), (401, "signed_out"), "after signing out")


@tap.test
def the_provider_answers_for_the_second_factor(case):
    p = Person(case)
    case.site.server.tool("user", "set", p.user.name, "--second-factor", "required")
    by_password = Person(case, p.user)
    check_eq(by_password.log_in().json().get("needs"), "second_factor", "by password")
    check_eq(p.sign_in(), "/", "by the provider")
    check("needs" not in p.site.request("GET", "/api/v1/session", cookie=p.cookie).json(), "its session")
    check_eq(p.connect(), 101, "WebSocket")
    check_eq(p.own("devices")["devices"] is not None, True, "its own matters")


@tap.test
def who_has_just_signed_in_there_needs_no_password_here(case):
    p = Person(case)
    check_eq(p.sign_in(), "/", "in")
    check(p.own("devices/add", name="desk")["password"], "a password for a phone")


@tap.test
def who_signed_in_there_long_ago_proves_it_by_signing_in_anew(case):
    for mode in ("stale", "silent"):
        p = Person(case)
        check_eq(p.sign_in(mode=mode), "/", "in")
        check_eq(p.own_error("devices/add", name="desk"), (403, "prove"), mode)
        check_eq(p.sign_in(prove=True, mode=mode), "/#/signin/oidc_unproved", "the provider did not ask again")
        check_eq(p.own_error("devices/add", name="desk"), (403, "prove"), "still")
        q = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(p.begin(prove=True)).query))
        check_eq((q["prompt"], q["max_age"]), ("login", "0"), "what is asked of the provider")
        before = p.cookie
        check_eq(p.sign_in(prove=True), "/#/settings/security", "proved")
        check_eq(p.cookie, before, "the same log-in")
        check(p.own("devices/add", name="desk")["password"], "a password for a phone")
        check_eq(len(p.own("logins")["logins"]), 1, "no other log-in was made")


@tap.test
def nobody_proves_a_log_in_as_somebody_else(case):
    p, other = Person(case), Person(case)
    check_eq(p.sign_in(mode="silent"), "/", "in")
    check_eq(p.sign_in(other.email, prove=True), "/#/signin/oidc_unproved", "as somebody else")
    check_eq(p.own_error("devices/add", name="desk"), (403, "prove"), "not proved")
    check_eq(other.finish(other.get(BEGIN + "?prove")), "/#/signin/oidc_unproved", "without a log-in")


# --- the provider


@tap.test(alone=True)
def a_provider_that_changes_its_keys_is_followed(case):
    provider, p = case.site.provider, Person(case)
    check_eq(p.sign_in(), "/", "with the old key")
    provider.rotate()
    # The set is not asked for again at once, so that who makes up keys makes no load.
    wait_for(lambda: p.sign_in() == "/", "a sign-in with the new key", 90)
    n = provider.count("/keys")
    for _ in range(3):
        check_eq(p.sign_in(mode="kid"), "/#/signin/oidc_failed", "a key that nobody knows")
    check(provider.count("/keys") - n <= 1, "the keys were asked for again and again")


@tap.test(alone=True)
def a_provider_that_takes_the_secret_in_the_form_gets_it_there(case):
    case.site.provider.post_alone = True
    case.site.set()
    check_eq(Person(case).sign_in(), "/", "client_secret_post")
    case.site.provider.post_alone = False
    case.site.set()


def doctor(case):
    """What it finds of the provider: level and text."""
    found = json.loads(case.site.server.tool("doctor", "--no-dns", "--json", ok=False))
    return [(f["level"], f["what"]) for f in found if f["about"] == "oidc-issuer"]


@tap.test(alone=True)
def the_doctor_sees_what_is_wrong_with_the_provider(case):
    check_eq([level for level, _ in doctor(case)], ["ok"], "a good one")
    case.site.provider.broken = "issuer"
    (level, what), = doctor(case)
    check(level == "error" and "another issuer" in what, what)
    case.site.provider.broken = ""
    for change, text in (({"oidc-ca-file": ""}, "cannot be reached"), ({"oidc-secret-file": "/nowhere"}, "/nowhere"),
                         ({"oidc-issuer": "https://nowhere.test"}, "no address")):
        case.site.write(**change)
        (level, what), = doctor(case)
        check(level == "error" and text in what, what)
    case.site.write()


@tap.test(alone=True)
def a_provider_that_is_broken_signs_nobody_in_and_holds_up_nobody(case):
    p = Person(case)
    for broken in ("issuer", "huge", "html", "down"):
        case.site.provider.broken = broken
        case.site.set()
        check_eq(p.finish(p.get(BEGIN)), "/#/signin/oidc_failed", broken)
    case.site.provider.broken = ""
    check_eq(p.sign_in(), "/", "once it is whole")
    case.site.provider.broken = "keys"
    case.site.set()
    check_eq(p.sign_in(), "/#/signin/oidc_failed", "no keys")
    case.site.provider.broken = ""
    case.site.set()
    begun = [Person(case, p.user) for _ in range(3)]
    backs = [case.site.provider.visit(b.begin(), b.site.context, **{"as": b.email, "mode": "slow"}) for b in begun]
    ends = []
    threads = [threading.Thread(target=lambda b=b, url=url: ends.append(b.come_back(url)))
               for b, url in zip(begun, backs)]
    for t in threads:
        t.start()
    wait_for(lambda: all(case.site.provider.exchanges(url) for url in backs), "all to wait for the provider")
    check_eq(Person(case).log_in().status, 200, "a password meanwhile")
    check_eq(Person(case).sign_in(), "/", "another sign-in by the provider meanwhile")
    check(not ends, "they wait still")
    for t in threads:
        t.join()
    check_eq(ends, ["/#/signin/oidc_failed"] * 3, "given up")


@tap.test(alone=True)
def another_claim_may_name_the_account(case):
    case.site.set(**{"oidc-claim": "preferred_username"})
    p = Person(case)
    check_eq(p.sign_in(f"{p.user.name}@elsewhere.test", mode="unverified"), "/", "preferred_username")
    case.site.set()


@tap.test(alone=True)
def settings_that_do_not_fit_are_refused_with_the_reason(case):
    server = case.site.server
    rows = (({"oidc-issuer": "http://login.company.test"}, "https"), ({"oidc-client-id": ""}, "oidc-client-id"),
            ({"oidc-issuer": ""}, "without oidc-issuer"), ({"oidc-secret-file": "secret"}, "begin with /"),
            ({"oidc-secret-file": "/nowhere"}, "oidc-secret-file"), ({"oidc-ca-file": "/dev/null"}, "oidc-ca-file"))
    for change, word in rows:
        case.site.write(**change)
        said = server.tool("reload", ok=False)
        check(word in said, f"{change}: {said}")
    secret = os.path.join(case.site.folder, "oidc.secret")
    os.chmod(secret, 0o644)
    case.site.write()
    check("others may read" in server.tool("reload", ok=False), "a secret that all can read")
    os.chmod(secret, 0o640)
    server.reload()
    check_eq(Person(case).sign_in(), "/", "as before")


@tap.test(alone=True)
def without_a_provider_nothing_of_it_is_there(case):
    case.site.set(**{f"oidc-{key}": "" for key in ("issuer", "client-id", "secret-file")})
    check_eq(doctor(case), [], "the doctor")
    p = Person(case)
    check_eq(p.site.request("GET", SIGN_IN, origin=False).json(), {}, "the ways")
    check_eq(p.finish(p.get(BEGIN)), "/#/signin/oidc_failed", "begin")
    check_eq(p.finish(p.get(CALLBACK + "?code=x&state=y")), "/#/signin/oidc_failed", "callback")
    case.site.set()


if __name__ == "__main__":
    tap.main(make)
