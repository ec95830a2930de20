#!/usr/bin/python3
"""Poster row IM-01: the list of contacts that roams to every endpoint of its user."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.lync import SIPE  # noqa: E402
from lib.presence import PresenceClient, parse  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402


def client(case, user=None):
    return case.own(PresenceClient(case.site.server, user or case.site.user("c"))).start()


def add_group(a, name):
    answer = a.soap("addGroup", name=name, externalURI="")
    check_eq(answer.code, 200, "addGroup")
    number = parse(answer.body).find("Body/addGroup/groupID").text
    wait_for(lambda: a.groups.get(number) == name, f"group {name}")
    return number


def set_contact(a, uri, groups="1", name=""):
    return a.soap("setContact", displayName=name, groups=groups, subscribed="true",
                  URI=f"sip:{uri}", externalURI="")


@tap.test
def a_new_list_has_the_one_group(case):
    a = client(case)
    check_eq(a.groups, {"1": "~"}, "groups")
    check_eq(a.list, {}, "contacts")
    check(a.delta > 0, "deltaNum")


@tap.test
def every_change_reaches_every_endpoint_in_order(case):
    user = case.site.user("list")
    a, b = client(case, user), client(case, user)
    team = add_group(a, "Team & <Co>")
    check_eq(set_contact(a, "bob@example.test", team, "Bob").code, 200, "setContact")
    check_eq(set_contact(b, "carol@example.test", f"1 {team}").code, 200, "setContact")
    for who in (a, b):
        wait_for(lambda who=who: who.list == {"bob@example.test": ("Bob", team),
                                              "carol@example.test": ("", f"1 {team}")},
                 lambda who=who: f"the list: {who.list}")
    check_eq(a.soap("modifyGroup", groupID=team, name="Renamed", externalURI="").code, 200, "")
    check_eq(set_contact(a, "bob@example.test", "1", "Robert").code, 200, "move")
    check_eq(a.soap("deleteGroup", groupID=team).code, 200, "deleteGroup")
    check_eq(a.soap("deleteContact", URI="sip:carol@example.test").code, 200, "deleteContact")
    for who in (a, b):
        wait_for(lambda who=who: who.list == {"bob@example.test": ("Robert", "1")} and
                 who.groups == {"1": "~"}, lambda who=who: f"{who.list} {who.groups}")
    check_eq(a.delta, b.delta, "deltaNum")
    c = client(case, user)
    check_eq((c.list, c.groups, c.delta), (a.list, a.groups, a.delta), "at a new endpoint")


@tap.test
def a_client_that_would_not_survive_it_is_not_told_that_a_group_is_gone(case):
    user = case.site.user("sipe")
    a, b = client(case, user), case.own(PresenceClient(case.site.server, user))
    b.agent = SIPE
    b.start()
    team = add_group(a, "Team")
    set_contact(a, "bob@example.test", team)
    check_eq(a.soap("deleteGroup", groupID=team).code, 200, "deleteGroup")
    wait_for(lambda: b.delta == a.delta and b.list == {"bob@example.test": ("", "1")},
             lambda: f"the contact in the other group: {b.list}")
    check_eq(b.groups, {"1": "~", team: "Team"}, "its groups")
    check_eq(a.groups, {"1": "~"}, "the other's groups")


@tap.test
def what_cannot_be_is_refused_and_changes_nothing(case):
    a = client(case)
    before = a.delta
    for method, fields, code in (
            ("deleteContact", {"URI": "sip:nobody@example.test"}, 404),
            ("modifyGroup", {"groupID": 99, "name": "x", "externalURI": ""}, 404),
            ("deleteGroup", {"groupID": 1}, 403),
            ("addGroup", {"name": "", "externalURI": ""}, 400),
            ("setContact", {"URI": "", "displayName": "", "groups": "1", "externalURI": ""}, 400),
            ("setContact", {"URI": "sip:" + "x" * 300, "displayName": "", "groups": "1",
                            "externalURI": ""}, 400),
            ("unknownMethod", {}, 501)):
        check_eq(a.soap(method, **fields).code, code, f"{method} {fields}")
    b = client(case, a.user)
    check_eq((b.list, b.groups, b.delta), ({}, {"1": "~"}, before), "the list")
    answer = a.service("application/SOAP+xml", "<x/>", uri=case.site.user("other").uri)
    check_eq(answer.code, 403, "another's list")


@tap.test
def an_administrator_lists_exports_and_imports(case):
    server = case.site.server
    a, b = client(case), client(case, case.site.user("c", extension="7522", phone="+4930987522"))
    team = add_group(a, "Team")
    check_eq(set_contact(a, "bob@example.test", team, "Bob").code, 200, "setContact")
    rows = server.json("contact", "list", a.user.name)
    check_eq(rows, [{"contact": "bob@example.test", "name": "Bob", "groups": ["Team"]}], "list")
    path = os.path.join(case.dir, "list.xml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(server.tool("contact", "export", a.user.name))
    set_contact(b, "carol@example.test")
    check_eq(server.json("contact", "import", b.user.name, path), {"added": 1, "updated": 0},
             "import")
    wait_for(lambda: set(b.list) == {"bob@example.test", "carol@example.test"},
             lambda: f"the contacts at the client: {b.list}")
    check_eq([b.groups[g] for g in b.list["bob@example.test"][1].split()], ["Team"], "group")
    check_eq(server.json("contact", "import", b.user.name, path), {"added": 0, "updated": 1},
             "the same again")
    for number in ("7522", "+4930987522"):
        check_eq(len(server.json("contact", "list", number)), 2, number)
        check_eq(server.json("contact", "import", number, path), {"added": 0, "updated": 1}, number)
    check("no user" in server.tool("contact", "list", "nobody", ok=False), "nobody's list")
    with open(path, "w", encoding="utf-8") as f:
        f.write("<html/>")
    check("no list" in server.tool("contact", "import", b.user.name, path, ok=False), "no list")
    with open(path, "w", encoding="utf-8") as f:
        f.write('<contactList deltaNum="1">\n<contact uri="new@example.test"/>\n'
                '<contact uri="no address" groups="1"/>\n</contactList>')
    text = server.tool("contact", "import", b.user.name, path, ok=False)
    check('line 3, <contact uri="no address">: expected is an address' in text, text)
    check("Nothing was imported" in text, text)
    check_eq(len(server.json("contact", "list", b.user.name)), 2, "contacts after that")
    with open(path, "w", encoding="utf-8") as f:
        f.write('<contactList deltaNum="1">' + "".join(
            f'<contact uri="u{i}@example.test" groups="1"/>' for i in range(300)) +
            "</contactList>")
    check("contacts-max" in server.tool("contact", "import", b.user.name, path, ok=False), "limit")
    check_eq(len(server.json("contact", "list", b.user.name)), 2, "contacts after all")


@tap.test(alone=True)
def what_was_acknowledged_is_there_after_kill_9(case):
    user = case.site.user("kept")
    a = client(case, user)
    team = add_group(a, "Team")
    for i in range(30):
        check_eq(set_contact(a, f"u{i}@example.test", team).code, 200, "setContact")
    for number in range(1, case.site.frontends + 1):
        case.site.server.kill_role("frontend", number)
    wait_for(lambda: all(r["state"] == "running" for r in case.site.server.roles()), "roles")
    b = client(case, user)
    check_eq(set(b.list), {f"u{i}@example.test" for i in range(30)}, "contacts")
    check_eq(b.groups[team], "Team", "group")


if __name__ == "__main__":
    tap.main(site.make)
