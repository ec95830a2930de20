#!/usr/bin/python3
"""Poster rows FW-09, DNS-04, DNS-05: clients find their server by HTTPS, below the domain of their user."""
import os
import sys
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.tap import check, check_eq  # noqa: E402
from lib.web import Site, make_pages  # noqa: E402

PAGE = "/Autodiscover/AutodiscoverService.svc/root"
KIND = "application/vnd.microsoft.rtc.autodiscover"
SPACE = "{http://schemas.microsoft.com/rtc/2010/09/AutodiscoverResponse}"

SETTINGS = (2,)  # front ends: tests/run.py


def make(args, folder):
    site.netns.enter()
    return site.Site(args, folder, web=f"metrics-port = 0\nweb-root = {make_pages(folder)}\n")


def ask(case, path, host=None, method="GET", accept=KIND + "+xml;v=1"):
    web = Site(case.site.server)
    headers = [("Accept", accept)] + ([("Host", f"{host}:{web.port}")] if host else [])
    return web.request(method, path, headers=headers, origin=False)


def place(case):
    return case.site.server.host, str(case.site.server.port("tls"))


@tap.test
def a_client_is_told_where_its_user_signs_in(case):
    for label, where in (("lyncdiscoverinternal", "Internal"), ("lyncdiscover", "External")):
        answer = ask(case, "/?sipuri=alice@example.test", f"{label}.example.test")
        check_eq((answer.status, answer.headers["Content-Type"]), (200, KIND + "+xml; v=1"), label)
        tree = ET.fromstring(answer.body)
        check_eq((tree.tag, tree.get("AccessLocation")), (SPACE + "AutodiscoverResponse", where), label)
        for name in ("SipClientInternalAccess", "SipClientExternalAccess"):
            e = tree.find(f"{SPACE}User/{SPACE}{name}")
            check_eq((e.get("fqdn"), e.get("port")), place(case), name)


@tap.test
def the_page_is_below_every_name_of_the_server(case):
    for path in (PAGE, PAGE.lower(), PAGE + "?sipuri=sip%3Aalice%40example.test"):
        check_eq(ask(case, path).status, 200, path)
    check_eq(ask(case, "/").headers["Content-Type"].split(";")[0], "text/html", "the pages of browsers")
    check(ask(case, "/people", "lyncdiscover.example.test").status == 404, "another page by that name")


@tap.test
def json_is_given_to_who_asks_for_it(case):
    answer = ask(case, PAGE, accept=KIND + "+json;v=1")
    check_eq(answer.headers["Content-Type"], KIND + "+json; v=1", "type")
    fqdn, port = place(case)
    check_eq(answer.json()["User"]["SipClientInternalAccess"], {"fqdn": fqdn, "port": port}, "where")


@tap.test
def nobody_learns_who_exists(case):
    user = case.site.user("known")
    bodies = {ask(case, f"{PAGE}?sipuri={name}@example.test").body for name in (user.name, "nobody")}
    check_eq(len(bodies), 1, "different answers")


@tap.test
def what_is_asked_wrongly_is_refused(case):
    check_eq(ask(case, PAGE + "?sipuri=alice@other.test").status, 404, "another domain")
    for query in ("sipuri=alice", "sipuri=%zz", "sipuri=" + "a" * 2000 + "@example.test"):
        check(ask(case, f"{PAGE}?{query}").status in (400, 404), query[:40])
    check_eq(ask(case, PAGE, method="POST").status, 405, "POST")
    check(ask(case, "/", "lyncdiscover.other.test").status in (400, 421), "a name of another domain")


if __name__ == "__main__":
    tap.main(make)
