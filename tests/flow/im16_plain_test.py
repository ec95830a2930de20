#!/usr/bin/python3
"""Poster rows IM-16, DNS-04, DNS-05: HTTP without TLS leads to HTTPS, at our names alone, and to nothing else."""
import json
import os
import socket
import sys
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import netns, proc, site, tap  # noqa: E402
from lib.tap import WAIT_S, check, check_eq  # noqa: E402
from lib.web import PAGE, PORT, Site, make_pages  # noqa: E402

NAME, PROXY = "chat.example.test", "127.7.7.7"
ROOT = "/Autodiscover/AutodiscoverService.svc/root"
KIND = "application/vnd.microsoft.rtc.autodiscover"
SPACE = "{http://schemas.microsoft.com/rtc/2010/09/AutodiscoverResponse}"

SETTINGS = (2,)  # front ends: tests/run.py


def make(args, folder):
    site.netns.enter()
    return site.Site(args, folder, web=f"metrics-port = 0\nweb-root = {make_pages(folder)}\nnames = {NAME}\n"
                     f"proxies = {PROXY}\nhttp = {netns.SERVER_IP}:80\n")


class Answer:
    """Of a connection of its own; raw: bytes in the place of a request."""

    def __init__(self, path="/", host=site.HOST, method="GET", lines=(), source=None, raw=None):
        head = raw or "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *lines, "", ""]).encode()
        with socket.create_connection((netns.SERVER_IP, 80), WAIT_S, (source, 0) if source else None) as s:
            s.sendall(head)
            all_ = b""
            while got := s.recv(65536):
                all_ += got
        self.head, _, self.body = all_.partition(b"\r\n\r\n")
        first, *fields = self.head.decode().split("\r\n")
        self.status = int(first.split()[1]) if first else None
        self.fields = {name.lower(): value.strip() for name, value in (f.split(":", 1) for f in fields)}

    @property
    def to(self):
        return self.status, self.fields.get("location")


@tap.test
def whatever_is_asked_is_found_by_https(case):
    origin = Site(case.site.server).origin
    for path in ("/", "/people?x=1&y=%20z", "/api/v1/session", "/api/v1/ws", "//evil.test/", "/@evil.test/", "/?", "/a?b?c",
                 "/" + "x" * 8000):
        check_eq(Answer(path).to, (308, origin + path), path[:40])
    check_eq(Answer("/\\evil.test").to, (400, None), "what is no path")
    check_eq(Answer(method="HEAD").to, (308, origin + "/"), "HEAD")
    answer = Answer()
    check_eq((answer.body, answer.fields.get("strict-transport-security"), answer.fields.get("set-cookie")),
             (b"", None, None), answer.head)
    to = Answer().fields["location"]
    check_eq(Site(case.site.server).request("GET", to.removeprefix(origin)).body.decode(), PAGE, "what is there")


@tap.test
def the_name_stays_and_is_ours(case):
    for host, wanted in ((site.HOST + ":80", site.HOST), (NAME, NAME), (netns.SERVER_IP, netns.SERVER_IP),
                         ("example.test", "example.test")):
        check_eq(Answer(host=host).to, (308, f"https://{wanted}:{PORT}/"), host)
    for host in ("evil.test", "evil.test:80", "sip.example.test.evil.test", "evil.test#sip.example.test", "a@b",
                 "sip.example.test@evil.test", "", "evil.test\r\nHost: sip.example.test"):
        answer = Answer(host=host)
        check(answer.status in (400, 421) and "location" not in answer.fields, (host, answer.head))
    answer = Answer(raw=f"GET http://evil.test/ HTTP/1.1\r\nHost: {site.HOST}\r\nConnection: close\r\n\r\n".encode())
    check_eq(answer.to, (421, None), "a target elsewhere")
    check_eq(Answer(raw=b"GET /x HTTP/1.0\r\n\r\n").to, (308, f"https://{site.HOST}:{PORT}/x"), "no name")


@tap.test
def nothing_else_is_done_there(case):
    user = case.site.user("plain")
    body = json.dumps({"user": user.name, "password": user.account_password})
    answer = Answer(raw=(f"POST /api/v1/login HTTP/1.1\r\nHost: {site.HOST}\r\nContent-Type: application/json\r\n"
                         f"Origin: http://{site.HOST}\r\nContent-Length: {len(body)}\r\n"
                         f"Connection: close\r\n\r\n{body}").encode())
    check_eq((answer.status, "set-cookie" in answer.fields), (405, False), answer.head)
    for method in ("PUT", "DELETE", "OPTIONS", "POST"):
        check_eq(Answer(method=method, lines=["Content-Length: 0"]).status, 405, method)
    lines = ["Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="]
    check_eq(Answer("/api/v1/ws", lines=lines).status, 308, "a WebSocket")
    answer = Answer(raw=b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(600))
    check(answer.status in (None, 400), answer.head)
    check_eq(Answer().status, 308, "it is there still")


@tap.test
def behind_a_proxy_https_has_its_own_port(case):
    check_eq(Answer(host=NAME, source=PROXY).to, (308, f"https://{NAME}/"), "by the proxy")
    check_eq(Answer(host=NAME, source="127.7.7.8").to, (308, f"https://{NAME}:{PORT}/"), "by another one")


@tap.test
def lync_clients_are_told_where_to_ask_and_nothing_else(case):
    for label, where in (("lyncdiscoverinternal", "Internal"), ("lyncdiscover", "External")):
        host = f"{label}.example.test"
        answer = Answer("/?sipuri=alice@example.test", host, lines=[f"Accept: {KIND}+xml;v=1"])
        check_eq((answer.status, answer.fields["content-type"]), (200, KIND + "+xml; v=1"), label)
        tree = ET.fromstring(answer.body)
        check_eq((tree.tag, tree.get("AccessLocation")), (SPACE + "AutodiscoverResponse", where), label)
        check_eq([child.tag for child in tree], [SPACE + "Root"], "no User")
        link = tree.find(f"{SPACE}Root/{SPACE}Link")
        check_eq((link.get("token"), link.get("href")),
                 ("Redirect", f"https://{host}:{PORT}{ROOT}?sipuri=alice@example.test"), label)
        answer = Answer(ROOT, host, lines=[f"Accept: {KIND}+json;v=1"])
        check_eq(json.loads(answer.body)["Root"]["Links"], [{"href": f"https://{host}:{PORT}{ROOT}", "token": "Redirect"}],
                 "JSON")
        followed = Site(case.site.server).request("GET", f"{ROOT}?sipuri=alice@example.test", origin=False,
                                                  headers=[("Host", f"{host}:{PORT}")])
        check(b"SipClientInternalAccess" in followed.body, "what is there")
    answer = Answer("/?sipuri=%22%3E%3Cx%26", "lyncdiscover.example.test")
    check(ET.fromstring(answer.body).find(f"{SPACE}Root/{SPACE}Link").get("href").endswith("?sipuri=%22%3E%3Cx%26"),
          answer.body)
    check_eq(Answer("/", "lyncdiscover.other.test").status, 421, "another domain")


# --- at the port of HTTPS


def curl(case, url, *options, host=site.HOST):
    """Status, where it leads, and the sentence."""
    argv = ["curl", "--silent", "--show-error", "--http1.1", "--max-time", str(WAIT_S), "--cacert", case.site.server.ca,
            "--write-out", "\n%{http_code} %{redirect_url}", "--resolve", f"{host}:{PORT}:{netns.SERVER_IP}",
            "--resolve", f"{host}:80:{netns.SERVER_IP}", *options, url]
    status, text = proc.run(argv)
    check_eq(status, 0, f"{url}: {text}")
    body, _, last = text.rpartition("\n")
    code, _, to = last.partition(" ")
    return int(code), to, body


@tap.test
def who_forgets_https_is_sent_there(case):
    for path in ("/", "/people?x=1&y=%20z", "/" + "x" * 8000):
        check_eq(curl(case, f"http://{site.HOST}:{PORT}{path}"), (308, f"https://{site.HOST}:{PORT}{path}", ""), path[:40])
    code, to, _ = curl(case, f"http://{NAME}:{PORT}/a", "--head", host=NAME)
    check_eq((code, to), (308, f"https://{NAME}:{PORT}/a"), "HEAD, by another name")
    code, _, body = curl(case, f"http://{site.HOST}:{PORT}/", "--location")
    check_eq((code, body), (200, PAGE), "what is there")


@tap.test
def nothing_else_is_done_without_tls_at_the_port_of_https(case):
    user = case.site.user("plain")
    body = json.dumps({"user": user.name, "password": user.account_password})
    code, to, text = curl(case, f"http://{site.HOST}:{PORT}/api/v1/login", "--data", body, "--header",
                          "Content-Type: application/json", "--header", f"Origin: http://{site.HOST}:{PORT}")
    check_eq((code, to), (400, ""), text)
    check("HTTPS" in text and text.count(".") == 1, text)
    code, to, _ = curl(case, f"http://evil.test:{PORT}/", host="evil.test")
    check_eq((code, to), (421, ""), "a name that is not ours")
    code, to, _ = curl(case, f"http://{site.HOST}:{PORT}/", "--header", f"Host: evil.test:{PORT}")
    check_eq((code, to), (421, ""), "likewise")
    sent = []
    for raw in (b"GET /\r\n\r\n", b"HELLO\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"x" * 100000,
                b"GET / HTTP/1.1\r\n", b"GE", b"\x80abc", b"get / http/1.1\r\n\r\n"):
        s = socket.create_connection((netns.SERVER_IP, PORT), WAIT_S)
        case.undo.callback(s.close)
        s.sendall(raw)
        sent.append((raw[:20], s))
    for raw, s in sent:  # all end, sooner or later
        got = b"x"
        while got:
            try:
                got = s.recv(65536)
            except ConnectionError:
                break
            check(b"\r\nLocation:" not in got and b" 200 " not in got, (raw, got))
    check_eq(Site(case.site.server).request("GET", "/").status, 200, "HTTPS is there still")


@tap.test
def a_proxy_that_forgets_https_is_told_so(case):
    code, to, _ = curl(case, f"http://{NAME}:{PORT}/", "--interface", PROXY, host=NAME)
    check_eq((code, to), (400, ""), "by the proxy")


if __name__ == "__main__":
    tap.main(make)
