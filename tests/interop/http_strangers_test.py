#!/usr/bin/python3
"""Clients that we did not write speak HTTP/2 and WebSocket to httpd, a small program of the server.

| client                     | what                                                              |
|----------------------------|-------------------------------------------------------------------|
| curl (nghttp2)             | chooses h2 by ALPN, uploads, downloads, is refused; HTTP/1.1 too; |
|                            | files: codings, ranges, what it has already                       |
| nghttp                     | many streams on one connection                                    |
| h2load                     | thousands of requests, and a megabyte each, without an error      |
| Python's ssl and sockets   | WebSocket over TLS, frames written by hand                        |
"""
import base64
import gzip
import hashlib
import json
import os
import re
import shutil
import socket
import ssl
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import proc, tap  # noqa: E402
from lib.server import BUILD  # noqa: E402

SETTINGS = ()
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
NAME = "web.test"
PAGE = b"<p>a line of a page\n" * 50000


class Site:
    """httpd with a certificate of its own."""

    def __init__(self, _args, folder):
        self.cert, key = os.path.join(folder, "cert"), os.path.join(folder, "key")
        proc.must(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                   "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={NAME}",
                   "-addext", f"subjectAltName=DNS:{NAME}", "-out", self.cert, "-keyout", key])
        self.files = os.path.join(folder, "files")
        os.mkdir(self.files)
        with open(os.path.join(self.files, "page.html"), "wb") as f:
            f.write(PAGE)
        with gzip.open(os.path.join(self.files, "page.html.gz"), "wb") as f:
            f.write(PAGE)
        self.server = proc.Proc([os.path.join(BUILD, "tests/unit/stack/httpd"), "127.0.0.1:0",
                                 self.cert, key, self.files], os.path.join(folder, "httpd.log"))
        tap.wait_for(lambda: re.search(r"ready \S+:\d+", self.server.text()), "httpd is ready")
        self.port = int(re.search(r"ready \S+:(\d+)", self.server.text()).group(1))
        self.url = f"https://{NAME}:{self.port}"

    def stop(self):
        self.server.stop()

    def curl(self, *args, http="--http2"):
        need("curl")
        return proc.must(["curl", "-sS", http, "--max-time", str(tap.WAIT_S), "--cacert", self.cert,
                          "--resolve", f"{NAME}:{self.port}:127.0.0.1", *args])

    def counters(self):
        lines = self.curl(f"{self.url}/stats").splitlines()
        return {word: int(n) for word, n in map(str.split, lines)}


def need(program):
    if not shutil.which(program):
        raise tap.Skip(f"needs {program}")


@tap.test
def curl_chooses_http_2_and_keeps_the_connection(case):
    site, form = case.site, "%{http_version} %{http_code} %{num_connects}\n"
    out = site.curl("-o", "/dev/null", "-o", "/dev/null", "-w", form,
                    f"{site.url}/hello", f"{site.url}/hello")
    tap.check_eq(out.split("\n")[:2], ["2 200 1", "2 200 0"], "version, status and connections")
    out = site.curl("-o", "/dev/null", "-w", form, f"{site.url}/hello", http="--http1.1")
    tap.check_eq(out, "1.1 200 1\n", "without h2")
    head = site.curl("-I", f"{site.url}/hello")
    tap.check("HTTP/2 200" in head and "content-length: 100" in head, f"HEAD: {head}")


@tap.test
def curl_moves_megabytes_both_ways(case):
    site = case.site
    data, back = os.path.join(case.dir, "data"), os.path.join(case.dir, "back")
    with open(data, "wb") as f:
        f.write(os.urandom(3 << 20))
    site.curl("--data-binary", f"@{data}", "-o", back, f"{site.url}/echo")
    with open(data, "rb") as a, open(back, "rb") as b:
        tap.check(a.read() == b.read(), "what comes back is what was sent")
    tap.check_eq(site.curl("-T", data, f"{site.url}/count"), str(3 << 20), "bytes counted")
    site.curl("-o", back, f"{site.url}/zeros?20000000")
    tap.check_eq(os.path.getsize(back), 20000000, "bytes of a streamed answer")


@tap.test
def curl_hears_why_it_is_refused(case):
    site = case.site
    big = os.path.join(case.dir, "big")
    with open(big, "wb") as f:
        f.truncate(9 << 20)
    out = site.curl("-o", "/dev/null", "-w", "%{http_code}", "--data-binary", f"@{big}",
                    f"{site.url}/echo")
    tap.check_eq(out, "413", "a body that is too large")
    out = site.curl("-w", " %{http_code}", f"{site.url}/ws")
    tap.check(out.endswith(" 426"), f"no WebSocket over HTTP/2: {out}")


@tap.test
def curl_gets_files_coded_in_parts_and_once(case):
    url, out = f"{case.site.url}/page.html", os.path.join(case.dir, "out")
    for http in ("--http2", "--http1.1"):
        seen = case.site.curl("--compressed", "-o", out, "-w", "%{size_download}", url, http=http)
        tap.check(int(seen) < len(PAGE) / 10, f"bytes on the wire: {seen}")
        with open(out, "rb") as f:
            tap.check(f.read() == PAGE, "the page, decoded")
        seen = case.site.curl("-r", "7-10", "-w", " %{http_code}", url, http=http)
        tap.check_eq(seen, PAGE[7:11].decode() + " 206", "a part")
        with open(out, "wb") as f:
            f.write(PAGE[:500000])
        case.site.curl("-C", "-", "-o", out, url, http=http)
        with open(out, "rb") as f:
            tap.check(f.read() == PAGE, "a download that goes on")
        tag = os.path.join(case.dir, "tag" + http)
        case.site.curl("-o", out, "--etag-save", tag, url, http=http)
        seen = case.site.curl("-o", out, "--etag-compare", tag, "-w", "%{http_code}", url,
                              http=http)
        tap.check_eq(seen, "304", "what it has already")
        seen = case.site.curl("--path-as-is", "-o", out, "-w", "%{http_code}",
                              f"{case.site.url}/../cert", http=http)
        tap.check_eq(seen, "404", "what lies outside")


@tap.test
def nghttp_shares_one_connection(case):
    need("nghttp")
    site = case.site
    url = f"https://127.0.0.1:{site.port}"
    out = proc.must(["nghttp", "--no-verify-peer", "-nv", *[f"{url}/hello?{n}" for n in range(3)],
                     f"{url}/zeros?100000"])
    tap.check_eq(out.count(":status: 200"), 4, "answers")
    tap.check_eq(len(re.findall(r"negotiated protocol: h2", out)), 1, "connections")
    tap.check("ENABLE_CONNECT_PROTOCOL" not in out, "no WebSocket over HTTP/2 is offered")


def load(site, *args):
    need("h2load")
    out = proc.must(["h2load", *args])
    done = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored", out)
    tap.check(done, out)
    return int(done.group(1)), int(done.group(2)) + int(done.group(3))


@tap.test(alone=True)
def h2load_gets_all_its_answers(case):
    url = f"https://127.0.0.1:{case.site.port}"
    tap.check_eq(load(case.site, "-n", "20000", "-c", "10", "-m", "50", f"{url}/hello"),
                 (20000, 0), "small answers")
    tap.check_eq(load(case.site, "-n", "200", "-c", "4", "-m", "10", f"{url}/zeros?1000000"),
                 (200, 0), "large answers")
    tap.check_eq(load(case.site, "-n", "2000", "-c", "10", "--h1", f"{url}/hello"), (2000, 0),
                 "HTTP/1.1")
    counters = case.site.counters()
    tap.check(counters["h2"] >= 14 and counters["broken"] <= 3, json.dumps(counters))


class WebSocket:
    """Frames written by hand (RFC 6455)."""

    def __init__(self, site):
        context = ssl.create_default_context(cafile=site.cert)
        context.set_alpn_protocols(["http/1.1"])
        raw = socket.create_connection(("127.0.0.1", site.port), tap.WAIT_S)
        self.s = context.wrap_socket(raw, server_hostname=NAME)
        key = base64.b64encode(os.urandom(16))
        self.s.sendall(b"GET /ws HTTP/1.1\r\nHost: web.test\r\nConnection: Upgrade\r\n"
                       b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                       b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
                       b"Sec-WebSocket-Key: " + key + b"\r\n\r\n")
        self.file = self.s.makefile("rb")
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.file.readline()
            tap.check(line, f"the answer ends: {head}")
            head += line
        tap.check(head.startswith(b"HTTP/1.1 101 "), head)
        tap.check(base64.b64encode(hashlib.sha1(key + GUID).digest()) in head, head)
        tap.check(b"deflate" not in head, "no extension is agreed on")

    def send(self, first, data):
        n, mask = len(data), os.urandom(4)
        length = bytes([0x80 | n]) if n < 126 else (
            b"\xfe" + n.to_bytes(2, "big") if n < 65536 else b"\xff" + n.to_bytes(8, "big"))
        pad = int.from_bytes((mask * (n // 4 + 1))[:n], "big")
        masked = (int.from_bytes(data, "big") ^ pad).to_bytes(n, "big")
        self.s.sendall(bytes([first]) + length + mask + masked)

    def receive(self):
        first, n = self.file.read(2)
        if n >= 126:
            n = int.from_bytes(self.file.read(2 if n == 126 else 8), "big")
        return first, self.file.read(n)

    def stop(self):
        self.s.close()


@tap.test
def websocket_messages_pass_over_tls(case):
    ws = case.own(WebSocket(case.site))
    for data in (b"", b"x", b"y" * 125, b"z" * 126, b"a" * 65535, os.urandom(1 << 20)):
        ws.send(0x82, data)
        tap.check(ws.receive() == (0x82, data), f"{len(data)} bytes come back")
    ws.send(0x01, "grü".encode())
    ws.send(0x89, b"alive?")
    tap.check_eq(ws.receive(), (0x8A, b"alive?"), "the answer to a ping")
    ws.send(0x80, "ße".encode())
    tap.check_eq(ws.receive(), (0x81, "grüße".encode()), "a message in two parts")
    ws.send(0x88, b"\x03\xe8bye")
    tap.check_eq(ws.receive(), (0x88, b"\x03\xe8bye"), "the answer to a Close")
    tap.check_eq(ws.file.read(), b"", "the end")


@tap.test
def websockets_talk_at_the_same_time(case):
    def talk(n, wrong):
        ws = WebSocket(case.site)
        for i in range(50):
            ws.send(0x81, b"%d %d" % (n, i))
            if ws.receive() != (0x81, b"%d %d" % (n, i)):
                wrong.append((n, i))
        ws.stop()

    wrong = []
    threads = [threading.Thread(target=talk, args=(n, wrong)) for n in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(tap.WAIT_S)
    tap.check(not wrong and not any(t.is_alive() for t in threads), f"wrong: {wrong}")


if __name__ == "__main__":
    tap.main(Site)
