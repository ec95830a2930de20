#!/usr/bin/python3
"""Clients that we did not write talk to httpd: Python's http.client and curl.  Prints TAP.

usage: strangers_test.py HTTPD
"""
import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile

WAIT_S = 60
MEGABYTE = 1 << 20


class Server:
    def __init__(self, *files):
        self.p = subprocess.Popen([sys.argv[1], "127.0.0.1:0", *files], stdout=subprocess.PIPE,
                                  text=True)
        word, _, self.address = self.p.stdout.readline().strip().partition(" ")
        assert word == "ready"
        self.port = int(self.address.rsplit(":", 1)[1])

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)

    def stop(self):
        self.p.terminate()
        assert self.p.wait(WAIT_S) == 0


def ask(conn, method, path, body=None, **fields):
    conn.request(method, path, body, fields)
    answer = conn.getresponse()
    return answer, answer.read()


def curl(*args, data=None):
    run = subprocess.run(["curl", "-sS", "--max-time", str(WAIT_S), *args], input=data,
                         capture_output=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def requests_follow_on_one_connection(server):
    conn = server.connect()
    for _ in range(100):
        answer, body = ask(conn, "GET", "/hello")
        assert answer.status == 200 and len(body) == 100 and answer.version == 11
        assert answer.getheader("Date").endswith(" GMT")
    answer, body = ask(conn, "POST", "/echo", b"x" * 100000)
    assert body == b"x" * 100000
    answer, body = ask(conn, "HEAD", "/hello")
    assert answer.getheader("Content-Length") == "100" and body == b""
    answer, body = ask(conn, "GET", "/zeros?3000000")
    assert body == bytes(3000000)
    answer, body = ask(conn, "PUT", "/count", (b"y" * 5000 for _ in range(300)))
    assert body == b"1500000"
    before = dict(line.split() for line in ask(conn, "GET", "/stats")[1].decode().splitlines())
    assert before["opened"] == "1" and before["requests"] == "105", before


def pipelined_requests_are_answered_in_order(server):
    with socket.create_connection(("127.0.0.1", server.port), WAIT_S) as s:
        n = 2000
        s.sendall(b"".join(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n%06d" % i
                           for i in range(n)))
        got = b""
        while got.count(b"HTTP/1.1 200 OK") < n or not got.endswith(b"%06d" % (n - 1)):
            piece = s.recv(1 << 20)
            assert piece
            got += piece
        assert [x[-6:] for x in got.split(b"HTTP/1.1 200 OK")[1:]] == [b"%06d" % i
                                                                      for i in range(n)]


def a_smuggled_request_is_not_seen(server):
    with socket.create_connection(("127.0.0.1", server.port), WAIT_S) as s:
        s.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n"
                  b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /hello HTTP/1.1\r\n\r\n")
        got = b""
        while piece := s.recv(65536):
            got += piece
        assert got.startswith(b"HTTP/1.1 400 ") and got.count(b"HTTP/1.1") == 1, got


def curl_gets_and_reuses(server):
    url = f"http://{server.address}/hello"
    out = curl("-w", "%{http_code} %{num_connects}\n", url, url, url).decode().splitlines()
    assert [x for x in out if x[0] != "{"] == ["200 1", "200 0", "200 0"], out
    assert len(curl("--http1.0", url)) == 100
    assert b"Content-Length: 100\r\n" in curl("-I", url)
    assert len(curl(f"http://{server.address}/zeros?5000000")) == 5000000


def curl_sends(server):
    data = os.urandom(3 * MEGABYTE)
    url = f"http://{server.address}"
    assert curl("--data-binary", "@-", f"{url}/echo", data=data) == data  # asks for 100 first
    assert curl("-T", "-", f"{url}/count", data=data) == b"%d" % len(data)  # in chunks
    code = curl("-o", "/dev/null", "-w", "%{http_code}", "--data-binary", "@-", f"{url}/echo",
                data=bytes(9 * MEGABYTE))
    assert code == b"413", code


def curl_speaks_tls(server):
    del server
    with tempfile.TemporaryDirectory() as folder:
        cert, key = os.path.join(folder, "cert"), os.path.join(folder, "key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=web.test",
                        "-addext", "subjectAltName=DNS:web.test", "-out", cert, "-keyout", key],
                       check=True, capture_output=True)
        tls = Server(cert, key)
        to = ["--cacert", cert, "--resolve", f"web.test:{tls.port}:127.0.0.1"]
        url = f"https://web.test:{tls.port}"
        assert len(curl(*to, f"{url}/hello")) == 100
        assert len(curl(*to, f"{url}/zeros?5000000")) == 5000000
        data = os.urandom(2 * MEGABYTE)
        assert curl(*to, "--data-binary", "@-", f"{url}/echo", data=data) == data
        tls.stop()


TESTS = [requests_follow_on_one_connection, pipelined_requests_are_answered_in_order,
         a_smuggled_request_is_not_seen, curl_gets_and_reuses, curl_sends, curl_speaks_tls]


def main():
    server, failed = Server(), 0
    for n, test in enumerate(TESTS, 1):
        missing = [p for p in ("curl", "openssl") if not shutil.which(p)]
        if "curl" in test.__name__ and missing:
            print(f"ok {n} - {test.__name__} # SKIP no {missing[0]}")
            continue
        try:
            test(server)
            print(f"ok {n} - {test.__name__}", flush=True)
        except Exception as e:  # pylint: disable=broad-except
            failed += 1
            print(f"not ok {n} - {test.__name__}\n# {e!r}", flush=True)
    server.stop()
    print(f"1..{len(TESTS)}")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
