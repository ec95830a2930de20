#!/usr/bin/python3
"""Poster row IM-01, the search of the directory: directorySearch by SERVICE to the domain, from a
Lync client and from a SIP phone; and addresses of distribution groups."""
import os
import sys
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.lync import LyncClient  # noqa: E402
from lib.siptext import Phone  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402

SPACE = "http://schemas.microsoft.com/winrtc/2002/11/sip"
BURST = 30


def q(name):
    return f"{{{SPACE}}}{name}"


def body(rows, most=100):
    listed = "".join(f'<m:row m:attrib="{a}" m:value="{v}"/>' for a, v in rows)
    return ('<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
            f'xmlns:m="{SPACE}"><s:Body><m:directorySearch><m:filter m:href="#searchArray"/>'
            f'<m:maxResults>{most}</m:maxResults></m:directorySearch>'
            f'<m:Array m:id="searchArray">{listed}</m:Array></s:Body></s:Envelope>')


def service(a, text, uri=None, content="application/SOAP+xml"):
    return a.make("SERVICE", uri or f"sip:{a.server.domain}", body=text,
                  headers=[("Content-Type", content)])


def ask(a, text, **kw):
    return a.ask(service(a, text, **kw))[0]


def person(case, nick, name, **fields):
    user = case.site.user(nick, **fields)
    case.site.server.tool("user", "set", user.name, "--name", name)
    return user


def search(a, *rows, most=100):
    """The people found, and whether there are more."""
    answer = ask(a, body(rows, most))
    check_eq(answer.code, 200, f"SERVICE: {answer.headers}")
    check_eq(answer.get("Content-Type"), "application/SOAP+xml", "Content-Type")
    tree = ElementTree.fromstring(answer.body)
    people = [{k.split("}")[1]: v for k, v in row.attrib.items()} for row in tree.iter(q("row"))]
    more = tree.find(f".//{q('directorySearch')}/{q('moreAvailable')}").text
    check(more in ("true", "false"), f"moreAvailable: {more}")
    return people, more == "true"


def uris(a, *rows):
    return [p["uri"] for p in search(a, *rows)[0]]


def lync(case, user=None):
    a = case.own(LyncClient(case.site.server, user or case.site.user("lync"), "tls"))
    a.sign_in()
    return a


def phone(case, user=None, transport="udp"):
    a = case.own(Phone(case.site.server, user or case.site.user("phone"), transport))
    a.sign_in()
    return a


@tap.test
def a_lync_client_finds_people_by_all_it_asks_for(case):
    carol = person(case, "carol", "Carol Clärk", title="Engineer", office="Building 7",
                   phone="+4930777001", company="Contoso", city="Berlin", state="BE",
                   country="DE", email="carol.clark@mail.test")
    a = lync(case)
    people, more = search(a, ("givenName", "carol"), ("sn", "Clar"))
    check_eq([p["uri"] for p in people], [carol.uri], "people")
    check(not more, "more")
    check_eq(people[0], {"uri": carol.uri, "displayName": "Carol Clärk", "title": "Engineer",
                         "office": "Building 7", "phone": "+4930777001", "company": "Contoso",
                         "city": "Berlin", "state": "BE", "country": "DE",
                         "email": "carol.clark@mail.test"}, "carol")
    for row in (("mail", "carol.clark@mail.test"), ("mail", "carol.cl"),
                ("msRTCSIP-PrimaryUserAddress", carol.uri), ("telephoneNumber", "030 777001")):
        check_eq(uris(a, row), [carol.uri], row)
    check_eq(uris(a, ("givenName", "carol"), ("sn", "smith")), [], "one row does not match")
    check_eq(uris(a, ("givenName", "clark")), [], "a surname is no given name")
    a.check_signed()


@tap.test
def a_phone_finds_the_same(case):
    dora = person(case, "dora", "Dora Phonefinder")
    for transport in ("udp", "tcp"):
        a = phone(case, transport=transport)
        check_eq(uris(a, ("givenName", "dora"), ("sn", "phonefinder")), [dora.uri], transport)


@tap.test
def the_list_ends_where_the_client_says(case):
    for i in range(3):
        person(case, "many", f"Manyfold Person{i}")
    a = lync(case)
    people, more = search(a, ("givenName", "manyfold"), most=2)
    check_eq([p["displayName"] for p in people], ["Manyfold Person0", "Manyfold Person1"], "people")
    check(more, "more")
    people, more = search(a, ("givenName", "manyfold"), most=3)
    check_eq((len(people), more), (3, False), "three")


@tap.test
def a_list_that_does_not_fit_a_datagram_is_cut(case):
    for i in range(12):
        person(case, "long", f"Longname {'x' * 200}{i}", title="t" * 250, office="o" * 250)
    people, more = search(phone(case), ("givenName", "longname"))
    check(0 < len(people) < 12 and more, f"{len(people)} people, more: {more}")
    people, more = search(lync(case), ("givenName", "longname"))
    check_eq((len(people), more), (12, False), "over TLS")


@tap.test
def hidden_and_disabled_people_are_not_found(case):
    a = lync(case)
    user = person(case, "hidden", "Hiddenperson Test")
    row = ("givenName", "hiddenperson")
    check_eq(uris(a, row), [user.uri], "before")
    for switch in (("user", "set", user.name, "--hidden"), ("user", "disable", user.name)):
        off = switch + ("yes",) if switch[1] == "set" else switch
        on = switch + ("no",) if switch[1] == "set" else ("user", "enable", user.name)
        case.site.server.tool(*off)
        check_eq(uris(a, row), [], off)
        case.site.server.tool(*on)
        check_eq(uris(a, row), [user.uri], on)


@tap.test
def who_is_not_signed_in_finds_nobody(case):
    a = case.own(Phone(case.site.server, case.site.user("stranger"), "tcp"))
    answer = a.expect_answer(a.send(service(a, body([("sn", "a")]))))
    check(answer.code in (401, 407), f"challenged: {answer}")
    a.password = "not the password"
    answer = ask(a, body([("sn", "a")]))
    check(answer.code in (401, 403, 407) and not answer.body, f"refused: {answer}")


@tap.test
def what_is_no_search_is_refused_with_a_reason(case):
    a = lync(case)
    good = body([("sn", "x")])
    for text, code, number in ((good[:-10], 400, "60014"), ("", 400, "60014"),
                               (body([("photo", "x")]), 400, "60014"),
                               (good.replace("directorySearch", "getSecrets"), 501, "60008"),
                               ('<!DOCTYPE a [<!ENTITY e "x">]>' + good, 400, "60014")):
        answer = ask(a, text)
        check_eq(answer.code, code, text)
        check(number in answer.get("ms-diagnostics", ""), f"{answer.headers}")
    check("attribute" in ask(a, body([("photo", "x")])).get("ms-diagnostics"), "why")
    answer = ask(a, good, content="text/xml")
    check_eq(answer.code, 501, "another type of body")


@tap.test
def a_user_who_searches_without_end_has_to_wait_and_others_do_not(case):
    a, b = lync(case), lync(case)
    sent = [a.send(service(a, body([("sn", "zzz")]))) for _ in range(4 * BURST)]
    answers = [a.expect_answer(m) for m in sent]
    codes = [m.code for m in answers]
    check(codes[:BURST] == [200] * BURST, f"the first {BURST}: {codes}")
    check(500 in codes, f"then: {codes}")
    refused = answers[codes.index(500)]
    check("60080" in refused.get("ms-diagnostics"), f"{refused.headers}")
    check(refused.get("Retry-After"), "Retry-After")
    check_eq(uris(b, ("sn", "zzz")), [], "another user")
    wait_for(lambda: ask(a, body([("sn", "zzz")])).code == 200, "a may search again")


@tap.test(alone=True)
def a_search_waits_for_an_accounts_process_that_was_killed(case):
    dora = person(case, "kill", "Killedprocess Finder")
    a = lync(case)
    case.site.server.kill_role("accounts")
    check_eq(uris(a, ("givenName", "killedprocess")), [dora.uri], "people")


@tap.test
def the_address_of_a_group_is_told_from_a_persons(case):
    user, server = case.site.user("member"), case.site.server
    group = f"group-{user.name}"
    server.tool("group", "add", group, "--name", "Some People")
    server.tool("group", "member", "add", group, user.name)
    shown = server.json("group", "show", group)
    check_eq([m["member"] for m in shown["members"]], [user.uri[len("sip:"):]], "members")
    a = phone(case)
    answer = a.message(f"sip:{group}@{server.domain}", "hello")
    check_eq(answer.code, 403, "MESSAGE to the group")
    check("60081" in answer.get("ms-diagnostics", ""), f"{answer.headers}")
    check("distribution group" in server.tool("explain", a.user.name, group), "explain")
    server.tool("group", "remove", group)
    answer = a.message(f"sip:{group}@{server.domain}", "hello")
    check_eq(answer.code, 404, "MESSAGE to the group that was")


if __name__ == "__main__":
    tap.main(site.make)
