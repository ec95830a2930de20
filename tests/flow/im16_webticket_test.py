#!/usr/bin/python3
"""Poster rows FW-09, DNS-04, DNS-05: web tickets of Lync clients, and what they are shown for: the address
book's web query, and autodiscover's page of a user."""
import base64
import os
import re
import sys
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import proc, site, tap  # noqa: E402
from lib.ntlm import authenticate  # noqa: E402
from lib.presence import PresenceClient  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402
from lib.web import Site, address, make_pages  # noqa: E402

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
TICKETS, ENTRIES = "/WebTicket/WebTicketService.svc", "/groupexpansion/service.svc"
USER_PAGE = "/Autodiscover/AutodiscoverService.svc/root/user"
NEGOTIATE = b"NTLMSSP\0\1\0\0\0\x07\x82\x08\xa2" + bytes(16)
TRUST = "http://docs.oasis-open.org/ws-sx/ws-trust/200512"

SETTINGS = (2,)  # front ends: tests/run.py


def make(args, folder):
    site.netns.enter()
    return site.Site(args, folder, web=f"metrics-port = 0\nweb-root = {make_pages(folder)}\n")


def envelope(body, header=""):
    return (f'<s:Envelope xmlns:s="{SOAP}"><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>')


def ask_body(service, user):
    return envelope(f'<t:RequestSecurityToken xmlns:t="{TRUST}"><p:AppliesTo xmlns:p="p"><a:EndpointReference '
                    f'xmlns:a="a"><a:Address>{escape(service)}</a:Address></a:EndpointReference></p:AppliesTo>'
                    f'<t:Claims><c:ClaimType xmlns:c="c"><c:Value>{user}</c:Value></c:ClaimType></t:Claims>'
                    "</t:RequestSecurityToken>")


def child(tree, path):
    return tree.find("/".join("{*}" + p for p in path.split("/")))


class Client:
    """A Lync client at the web services, by one connection."""

    def __init__(self, case, user):
        self.web, self.user = Site(case.site.server), user
        self.c = self.web.connection()
        case.own(self)

    def stop(self):
        self.c.close()

    def request(self, method, path, body=None, headers=()):
        kind = [("Content-Type", "text/xml")] if body else []
        return self.web.request(method, path, body, [*kind, *headers], origin=False, kept=self.c)

    def ports(self, service):
        """{name: address} of what a service says of itself."""
        answer = self.request("GET", service + "/mex")
        check_eq(answer.status, 200, answer.body)
        tree = ET.fromstring(answer.body)
        return {p.get("name"): p[0].get("location") for p in tree.findall("{*}service/{*}port")}, tree

    def leg(self, body, token):
        headers = [("Authorization", "NTLM " + base64.b64encode(token).decode())] if token else []
        return self.request("POST", TICKETS + "/Auth", body, headers)

    def challenge(self, body):
        answer = self.leg(body, NEGOTIATE)
        check_eq(answer.status, 401, "NEGOTIATE")
        scheme, token = answer.headers["WWW-Authenticate"].split()
        check_eq(scheme, "NTLM", "the scheme")
        return base64.b64decode(token)

    def ask(self, service=None, name=None, password=None, claim=None, domain=""):
        """The answer to a request for a ticket."""
        service = service or self.web.origin + ENTRIES + "/WebTicket_Bearer"
        body = ask_body(service, self.user.uri if claim is None else claim)
        message, _ = authenticate(self.challenge(body), name or address(self.user),
                                  password or self.user.account_password, domain)
        return self.leg(body, message)

    def ticket(self, **kw):
        """The assertion."""
        answer = self.ask(**kw)
        check_eq(answer.status, 200, answer.body)
        return re.search(r"(?s)<Assertion .*</Assertion>", answer.body.decode())[0]

    def search(self, ticket, *rows, simple=None, most=100):
        """The answer to a query: (attribute, value) each."""
        what = f"<BasicSearch><SearchList>c,sn</SearchList><Value>{simple}</Value><Verb>BeginsWith</Verb></BasicSearch>" \
            if simple else "<ChangeSearch>" + "".join(
                f"<AbEntryRequest.ChangeSearchQuery><SearchOn>{on}</SearchOn><Value>{escape(value)}</Value>"
                "</AbEntryRequest.ChangeSearchQuery>" for on, value in rows) + "</ChangeSearch>"
        body = (f'<SearchAbEntry xmlns="DistributionListExpander"><AbEntryRequest>{what}<Metadata><MaxResultNum>{most}'
                "</MaxResultNum></Metadata></AbEntryRequest></SearchAbEntry>")
        return self.request("POST", ENTRIES + "/WebTicket_Bearer",
                            envelope(body, f'<w:Security xmlns:w="w">{ticket}</w:Security>'))

    def found(self, ticket, *rows, **kw):
        """[{attribute: value}]"""
        answer = self.search(ticket, *rows, **kw)
        check_eq(answer.status, 200, answer.body)
        return [{a.findtext("{*}Name"): a.findtext("{*}Value") or a.findtext("{*}Values/{*}string")
                 for a in e.iter("{DistributionListExpander}Attribute")}
                for e in ET.fromstring(answer.body).iter("{DistributionListExpander}AbEntry")]


def client(case, user=None):
    return Client(case, user or case.site.user("ticket"))


def why(answer):
    return ET.fromstring(answer.body).findtext(f".//{{{SOAP}}}Fault/faultstring") or \
        ET.fromstring(answer.body).findtext(".//faultstring")


@tap.test
def a_client_finds_its_way_from_the_settings_to_people(case):
    a, user = client(case), case.site.user("sought")
    case.site.server.tool("user", "set", user.name, "--name", f"Sought {user.name}", "--phone", "+4930111222",
                          "--company", "A & B <Ltd>")
    answer = case.own(PresenceClient(case.site.server, a.user)).start().subscribe("vnd-microsoft-provisioning-v2")
    group = ET.fromstring(answer.body)[0]
    urls = {e.tag.split("}")[1]: e.text for e in group}
    check_eq(urls["dlxInternalUrl"], a.web.origin + ENTRIES, "the service")
    check_eq(urls["dlxExternalUrl"], urls["dlxInternalUrl"], "from outside")
    check("absInternalServerUrl" not in urls, "there are no files")
    ports, tree = a.ports(ENTRIES)
    check_eq(ports, {"AddressBookWebTicketBearer": a.web.origin + ENTRIES + "/WebTicket_Bearer"}, "its port")
    check_eq([e.text for e in tree.iter("{http://www.w3.org/2005/08/addressing}Address")], [a.web.origin + TICKETS],
             "where tickets are issued")
    check_eq(a.ports(TICKETS)[0], {"WebTicketServiceWinNegotiate": a.web.origin + TICKETS + "/Auth"}, "how")
    ticket = a.ticket()
    (row,) = a.found(ticket, ("displayName", f"sought {user.name}"))
    check_eq(row, {"msRTCSIP-PrimaryUserAddress": user.uri, "displayName": f"Sought {user.name}",
                   "telephoneNumber": "+4930111222", "company": "A & B <Ltd>"}, "who is found")
    check_eq(a.found(ticket, simple=user.name)[0]["msRTCSIP-PrimaryUserAddress"], user.uri, "by the simple search")


@tap.test
def who_names_no_port_is_told_ours(case):
    a = client(case)
    answer = a.request("GET", ENTRIES + "/mex", headers=[("Host", a.web.host)])
    check(f"{a.web.origin}{ENTRIES}" in answer.body.decode(), answer.body)


@tap.test
def names_are_those_of_signing_in(case):
    a = client(case)
    for name, domain in ((address(a.user), ""), (a.user.name, ""), (a.user.name, "EXAMPLE"),
                         (a.user.name, "example.test")):
        check_eq(a.ask(name=name, domain=domain).status, 200, (name, domain))
    check_eq(a.ask(name=a.user.name, domain="OTHER").status, 401, "another domain")


@tap.test
def a_wrong_password_gets_no_ticket_and_is_counted(case):
    a = client(case)
    for i in range(12):
        answer = a.ask(password=f"wrong {i}")
        if answer.status == 429:
            break
        check_eq((answer.status, answer.headers["WWW-Authenticate"]), (401, "NTLM"), "a wrong password")
    check_eq(answer.status, 429, "in the end it has to wait")
    check_eq(a.ask(name="nobody").status, 401, "who is nobody")


@tap.test
def a_ticket_is_asked_for_in_the_own_name(case):
    a, other = client(case), case.site.user("other")
    answer = a.ask(claim=other.uri)
    check_eq((answer.status, why(answer)), (500, "The ticket is asked for in another user's name."), "another's")
    answer = a.ask(service="https://elsewhere.test/service.svc")
    check_eq((answer.status, why(answer)), (500, "There is no such service here."), "another service")
    check_eq(a.ask(claim="").status, 200, "no name")


@tap.test
def an_answer_to_a_challenge_is_good_once(case):
    a = client(case)
    body = ask_body(a.web.origin + ENTRIES + "/WebTicket_Bearer", a.user.uri)
    message, _ = authenticate(a.challenge(body), address(a.user), a.user.account_password)
    other = client(case, a.user)
    check_eq(other.leg(body, message).status, 401, "by another connection")
    check_eq(a.leg(body, message).status, 200, "by the one that was asked")
    check_eq(a.leg(body, message).status, 401, "again")
    check_eq(a.leg(body, None).status, 401, "without")
    for broken in (b"x", b"NTLMSSP\0\3\0\0\0", b"NTLMSSP\0\3\0\0\0" + b"\xff" * 60, NEGOTIATE[:8]):
        a.challenge(body)
        check_eq(a.leg(body, broken).status, 401, broken)
    a.challenge("<x/>")
    check_eq(a.leg("<x/>", message).status, 500, "no request")


@tap.test
def only_a_ticket_of_ours_for_this_service_is_good(case):
    a = client(case)
    ticket = a.ticket()
    proof = re.search("<Proof [^>]*>([^<]*)", ticket)[1]
    changed = ("B" if proof[20] == "A" else "A")
    page = f"{a.web.origin}{USER_PAGE}?sipuri={a.user.uri}"
    for bad in ("", "<Assertion/>", ticket.replace(proof, proof[:20] + changed + proof[21:]),
                ticket.replace(proof, ""), ticket.replace(proof, "!"), a.ticket(service=page)):
        answer = a.search(bad, ("sn", "x"))
        check_eq((answer.status, why(answer)), (500, "The web ticket is not, or no more, good."), bad[:60])
    # What else stands in it nobody believes.
    other = case.site.user("other")
    check_eq(a.search(ticket.replace(a.user.uri, other.uri), ("sn", "x")).status, 200, "the proof is whole")


@tap.test
def a_ticket_ends_with_its_user(case):
    a = client(case)
    ticket = a.ticket()
    check_eq(a.search(ticket, ("sn", "x")).status, 200, "it is good")
    case.site.server.tool("user", "disable", a.user.name)
    wait_for(lambda: a.search(ticket, ("sn", "x")).status == 500, "it is not any more")
    check_eq(why(a.search(ticket, ("sn", "x"))), "The account is not there any more.", "why")


@tap.test
def what_cannot_be_searched_is_told(case):
    a = client(case)
    ticket = a.ticket()
    for rows, said in (((("photo", "x"),), "not searched"), ((), "what for"), ((("sn", "x" * 300),), "too long"),
                       ((("sn", "x"),) * 20, "too many")):
        answer = a.search(ticket, *rows)
        check(answer.status == 500 and said in why(answer), f"{said}: {answer.body}")
    body = envelope("<Other xmlns='DistributionListExpander'/>", f"<w:Security xmlns:w='w'>{ticket}</w:Security>")
    answer = a.request("POST", ENTRIES + "/WebTicket_Bearer", body)
    check_eq(why(answer), "There is no such method here.", "another method")
    check_eq(why(a.request("POST", ENTRIES + "/WebTicket_Bearer", "nonsense")), "This is no SOAP.", "no SOAP")
    check_eq(a.request("GET", ENTRIES + "/other").status, 404, "another page")


@tap.test
def who_asks_too_often_is_told_to_wait(case):
    a = client(case)
    ticket = a.ticket()
    check(any(a.search(ticket, ("sn", "x")).status == 429 for _ in range(2000)), "too much")


@tap.test
def the_own_page_of_autodiscover_wants_a_ticket(case):
    a = client(case)
    page = f"{USER_PAGE}?sipuri={a.user.uri}"
    answer = a.request("GET", page)
    check_eq((answer.status, answer.headers["X-MS-WebTicketURL"]), (401, a.web.origin + TICKETS), "without")
    check("WWW-Authenticate" not in answer.headers, "no other way")
    ticket = a.ticket(service=a.web.origin + page)

    def shown(text):
        text = base64.b64encode(text.encode()).decode()
        return a.request("GET", page, headers=[("X-MS-WebTicket", f"opaque={text}")])
    answer = shown(ticket)
    check(answer.status == 200 and b"SipClientInternalAccess" in answer.body, answer.body)
    for bad in ("", "x", "<Assertion/>", a.ticket()):
        check_eq(shown(bad).status, 401, bad[:40])


@tap.test
def curl_gets_a_ticket_too(case):
    user = case.site.user("curl")
    web = Site(case.site.server)
    body = ask_body(web.origin + ENTRIES + "/WebTicket_Bearer", user.uri)
    argv = ["curl", "--silent", "--show-error", "--ntlm", "--user", f"{address(user)}:{user.account_password}",
            "--cacert", case.site.server.ca, "--resolve", f"{web.host}:{web.port}:{web.ip}", "--http1.1",
            "--header", "Content-Type: text/xml", "--data", body, web.origin + TICKETS + "/Auth"]
    status, text = proc.run(argv)
    check(status == 0 and "<Assertion " in text, f"{status}: {text}")


if __name__ == "__main__":
    tap.main(make)
