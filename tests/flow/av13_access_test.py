#!/usr/bin/python3
"""Who may use the A/V edge: credentials that it does not take, users whose credentials are refused by
command, and what becomes of the relay's use with the account."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import metrics, netns, ports, proc, stun, tap  # noqa: E402
from lib.edge import LoopEdge  # noqa: E402
from lib.relaying import WANT_UDP, refused  # noqa: E402
from lib.server import program  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402
from lib.turn import Credential  # noqa: E402

SETTINGS = ()
REASONS = {"expired", "wrong password", "unknown key", "revoked"}


class Relay:
    """Two processes: a command must reach both."""

    def __init__(self, folder):
        if netns.inside():
            netns.prepare()
        self.folder = folder
        self.edge = LoopEdge(os.path.join(folder, "edge"), processes=2)

    def stop(self):
        self.edge.stop()


def make(_args, folder):
    netns.enter()
    return Relay(folder)


def tool(edge, *words, **kw):
    """(exit status, what was printed)"""
    return proc.run([program("dialtone"), "--config", edge.server.dir, *words], **kw)


def allocate(case, edge, credential):
    return edge.client(case, credential=credential).signed(stun.ALLOCATE, [WANT_UDP])


def denied(edge, why):
    return sum(p["denied"][why] for p in edge.server.json("relay", "status"))


def written(edge, user, why):
    """The log has a line of that refusal."""
    return [x for x in edge.server.p.text().splitlines()
            if "allocation-refused" in x and f"user={user}" in x and why in x and "client=127." in x]


# --- credentials that are not good


@tap.test
def each_reason_is_counted_and_written_down(case):
    port = ports.free()
    edge = case.own(LoopEdge(os.path.join(case.dir, "own"), metrics=port))
    other = case.site.edge.credential()
    user = edge.user()
    good = edge.credential(user)
    late = edge.client(case, credential=edge.credential(user, seconds=1))
    wait_for(lambda: late.signed(stun.REFRESH).code == 401, "the end of its life")
    refused(allocate(case, edge, Credential(good.username, "wrong")), 401)
    refused(allocate(case, edge, other), 401)
    refused(allocate(case, edge, Credential(user, "secret")), 401)
    check_eq(set(edge.server.json("relay", "status")[0]["denied"]), REASONS, "reasons")
    for why in ("expired", "wrong password", "unknown key"):
        check(denied(edge, why) >= 1, why)
        counted = metrics.scrape(port).get("dialtone_relay_denied_total", why=why)
        check_eq(counted, denied(edge, why), why)
    check(written(edge, f"{user}@", 'why="expired"'), "expired, in the log")
    check(written(edge, f"{user}@", 'why="wrong password"'), "a wrong password, in the log")
    check(written(edge, user, 'why="unknown key"'), "what is no credential, in the log")


# --- by command


@tap.test
def revoking_ends_allocations_and_refuses_credentials_in_every_process(case):
    edge = case.site.edge
    user = edge.user()
    credential = edge.credential(user)
    clients = [edge.client(case, credential=credential) for _ in range(6)]
    for client in clients:
        client.allocate()
    check_eq(edge.server.json("relay", "revoke", user)["ended"], 6, "allocations")
    for _ in range(6):
        refused(allocate(case, edge, credential), 401)
    check_eq(denied(edge, "revoked") >= 6, True, "they are counted")
    rows = edge.server.json("relay", "revoked")
    check_eq([r["user"] for r in rows if r["user"] == f"{user}@example.test"], [f"{user}@example.test"],
             "the list")
    status, text = tool(edge, "relay", "credential", user)
    check(status == 1 and "dialtone relay allow" in text, text)
    check_eq(edge.server.json("relay", "allow", user), {"allowed": True}, "allowed")
    check_eq(allocate(case, edge, credential).kind, stun.SUCCESS, "they are good again")
    status, text = tool(edge, "relay", "allow", user)
    check(status == 1 and "were not revoked" in text, text)


@tap.test
def ending_allocations_does_not_keep_the_user_out(case):
    edge = case.site.edge
    user = edge.user()
    credential = edge.credential(user)
    edge.client(case, credential=credential).allocate()
    check_eq(edge.server.json("allocation", "end", user)["ended"], 1, "allocations")
    check_eq(allocate(case, edge, credential).kind, stun.SUCCESS, "a new one")
    check_eq(edge.server.json("allocation", "end", user)["ended"], 1, "the new one")
    status, text = tool(edge, "allocation", "end", user)
    check(status == 1 and "has no allocation." in text, text)
    status, text = tool(edge, "allocation", "end", user, "1.99999")
    check(status == 1 and '"1.99999"' in text, text)


# --- with the account


@tap.test
def removing_a_user_ends_what_she_has_at_the_relay(case):
    edge = case.site.edge
    user = edge.user()
    credential = edge.credential(user)
    edge.client(case, credential=credential).allocate()
    text = edge.server.tool("user", "remove", user)
    check("The relay has ended 1 allocation and refuses" in text, text)
    refused(allocate(case, edge, credential), 401)
    edge.server.tool("user", "add", user, "--generate")
    check_eq(allocate(case, edge, edge.credential(user)).kind, stun.SUCCESS, "a new account's")


@tap.test
def disabling_a_user_refuses_her_until_she_is_enabled(case):
    edge = case.site.edge
    user = edge.user()
    credential = edge.credential(user)
    edge.client(case, credential=credential).allocate()
    text = edge.server.tool("user", "disable", user)
    check("ended 1 allocation and refuses" in text, text)
    refused(allocate(case, edge, credential), 401)
    status, text = tool(edge, "relay", "credential", user)
    check(status == 1 and "is disabled" in text and "user enable" in text, text)
    edge.server.tool("user", "enable", user)
    check_eq(allocate(case, edge, credential).kind, stun.SUCCESS, "enabled")


@tap.test
def an_edge_that_cannot_be_told_is_named_with_the_command(case):
    edge = case.own(LoopEdge(os.path.join(case.site.folder, "away")))
    user = edge.user()
    edge.stop()
    text = edge.server.tool("user", "remove", f"{user}@example.test")
    check(f"run `dialtone relay revoke {user}@example.test` when it is there" in text, text)


@tap.test
def who_has_no_account_any_more_can_be_named(case):
    edge = case.site.edge
    user = edge.user()
    credential = edge.credential(user)
    edge.server.tool("user", "remove", user)
    address = f"{user}@example.test"
    edge.server.json("relay", "allow", address)
    edge.client(case, credential=credential).allocate()
    for name in user, address:
        rows = edge.server.json("allocation", "list", name)
        check_eq([r["user"] for r in rows], [address], name)
    text = edge.server.tool("allocation", "end", user)
    check(f"There is no user {address}" in text and "ended" in text, text)
    check_eq(edge.server.json("allocation", "list", address), [], "none")
    status, text = tool(edge, "relay", "credential", address)
    check(status == 1 and user in text, text)


# --- what people are shown


@tap.test
def credentials_come_with_where_to_connect(case):
    edge = case.site.edge
    user = edge.user()
    got = edge.server.json("relay", "credential", user, "--life", "2 h")
    host, udp, tcp = "sip.example.test", edge.ports["udp"], edge.ports["tcp"]
    check_eq(got["uris"], [f"turn:{host}:{udp}?transport=udp", f"turn:{host}:{tcp}?transport=tcp",
                           f"turns:{host}:{tcp}?transport=tcp"], "URIs")
    check_eq(got["servers"], [{"host": host, "udp": udp, "tcp": tcp, "tls": tcp}], "servers")
    check_eq((got["ttl"], got["ca"]), (7200, edge.server.ca), "life and CA")
    text = edge.server.tool("relay", "credential", user, "--life", "2 h")
    check("2 h 0 min" in text and f"{host}, UDP {udp}, TCP {tcp}, TLS {tcp}" in text and
          "trusted on the device" in text, text)
    check("".join(f"  {uri}\n" for uri in got["uris"]) in text, text)
    for empty in "", " ":
        status, text = tool(edge, "relay", "credential", empty)
        check(status == 1 and "Whose?" in text, text)


@tap.test
def the_status_has_a_block_for_each_process(case):
    edge = case.site.edge
    text = edge.server.tool("relay", "status")
    blocks = text.strip().split("\n\n")
    check_eq(len(blocks), 2, text)
    for block in blocks:
        check(f"udp {edge.external}:{edge.ports['udp']}\n" in block, block)
        check("wrong password" in block, block)


@tap.test(alone=True)
def draining_is_told_with_what_goes_on(case):
    edge = case.site.edge
    client = edge.client(case).allocate()
    case.undo.callback(edge.server.tool, "relay", "drain", "off")
    n = sum(p["allocations"] for p in edge.server.json("relay", "status"))
    text = edge.server.tool("relay", "drain", "on")
    check(text.startswith(f"draining; {n} allocation"), text)
    found = json.loads(tool(edge, "--json", "doctor", "--no-dns")[1])
    check([f for f in found if "nobody new" in f["what"] and f["level"] == "warning"], f"{found}")
    check_eq(edge.server.json("relay", "drain", "off"), {"draining": False, "allocations": n}, "off")
    client.refresh(0)


if __name__ == "__main__":
    tap.main(make)
