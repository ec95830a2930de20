#!/usr/bin/python3
"""Poster row FW-07: reverse proxies that we did not write stand in front of the web role, each with the very files
of contrib/, in which names, addresses and paths alone are others.

| proxy   | file                                    | what                                   |
|---------|-----------------------------------------|----------------------------------------|
| nginx   | contrib/nginx/dialtone.conf             | TLS ends there and begins again        |
| nginx   | contrib/nginx/dialtone-passthrough.conf | TLS passes through, by the name (SNI)  |
| HAProxy | contrib/haproxy/dialtone.cfg            | TLS ends there and begins again        |
| HAProxy | contrib/haproxy/dialtone-passthrough.cfg| TLS passes through, by the name (SNI)  |
"""
import itertools
import os
import shutil
import socket
import ssl
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import netns, proc, site, tap  # noqa: E402
from lib.server import ROOT  # noqa: E402
from lib.tap import Skip, check, check_eq, wait_for  # noqa: E402
from lib.web import PAGE, PORT, SCRIPT, Browser, Site, address, make_pages  # noqa: E402

NAME = "chat.example.test"
NGINX, NGINX_SNI, HAPROXY, HAPROXY_SNI = "127.0.1.1", "127.0.1.2", "127.0.2.1", "127.0.2.2"
FAILURES_MAX = 10  # of a user from an address, before waiting
_clients = itertools.count(1)

SETTINGS = (2,)  # front ends: tests/run.py


def make(args, folder):
    netns.enter()
    return Proxies(args, folder)


class Proxies(site.Site):
    """A server, and what stands in front of it, as far as it is installed."""

    def __init__(self, args, folder):
        super().__init__(args, folder, web=f"metrics-port = 0\nweb-root = {make_pages(folder)}\n"
                         f"names = {NAME}\nproxies = {netns.SERVER_IP}, 192.0.2.0/24\n")
        self.folder, self.procs = folder, []
        self.cert = os.path.join(folder, "chat.pem")
        self.key = os.path.join(folder, "chat.key")
        proc.must(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                   "-days", "2", "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}",
                   "-out", self.cert, "-keyout", self.key])
        self.both = self._write("both.pem", *(self._text(f) for f in (self.cert, self.key)))
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    @staticmethod
    def _text(path):
        with open(path, encoding="utf-8") as f:
            return f.read()

    def _write(self, name, *texts):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(texts))
        return path

    def contributed(self, name, ip, host, ca=None):
        """A file of contrib/ with what is this site's."""
        text = self._text(os.path.join(ROOT, "contrib", name))
        for theirs, ours in (("/etc/ssl/certs/chat.example.com.pem", self.cert),
                             ("/etc/ssl/private/chat.example.com.key", self.key),
                             ("/etc/haproxy/chat.example.com.pem", self.both),
                             ("/etc/ssl/certs/dialtone-ca.pem", ca or self.server.ca),
                             ("192.0.2.10:4443", f"{netns.SERVER_IP}:{PORT}"),
                             ("chat.example.com", host), ("sip.example.com", self.server.host),
                             ("listen 80;", f"listen {ip}:80;"), ("listen 443", f"listen {ip}:443"),
                             ("bind :80", f"bind {ip}:80"), ("bind :443", f"bind {ip}:443")):
            text = text.replace(theirs, ours)
        return self._write(f"{name.replace('/', '-')}-{ip}", text)

    def _start(self):
        if shutil.which("nginx"):
            self._start_nginx()
        if shutil.which("haproxy"):
            self._start_haproxy()

    def _start_nginx(self):
        self.nginx("nginx", self.contributed("nginx/dialtone.conf", NGINX, NAME),
                   self.contributed("nginx/dialtone-passthrough.conf", NGINX_SNI, self.server.host))
        self.wait(NGINX, NGINX_SNI)

    def nginx(self, name, web, more=None):
        temp = "".join(f"{kind}_temp_path {self.folder}/{name}-{kind};\n"
                       for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        stream = "/usr/lib/nginx/modules/ngx_stream_module.so"
        load = f"load_module {stream};\n" if os.path.exists(stream) else ""
        conf = self._write(name + ".conf", f"""{load}
            daemon off; worker_processes 1; user root; pid {self.folder}/{name}.pid; error_log stderr info;
            events {{}}
            http {{ access_log off; {temp} include {web}; }}
            {f"include {more};" if more else ""}""")
        self._run(["nginx", "-e", "stderr", "-c", conf], name)

    def _start_haproxy(self):
        self.haproxy("haproxy", self.contributed("haproxy/dialtone.cfg", HAPROXY, NAME),
                     self.contributed("haproxy/dialtone-passthrough.cfg", HAPROXY_SNI, self.server.host))
        self.wait(HAPROXY, HAPROXY_SNI)

    def haproxy(self, name, *files):
        first = self._write("haproxy-global.cfg", "global\n\tlog stdout format raw local0 info\n")
        self._run(["haproxy", "-db", *(word for f in (first, *files) for word in ("-f", f))], name)

    def _run(self, argv, name):
        self.procs.append(proc.Proc(argv, os.path.join(self.folder, name + ".log")))

    def wait(self, *ips):
        def open_(ip):
            check(self.procs[-1].running(), self.procs[-1].text())
            with socket.socket() as s:
                return s.connect_ex((ip, 443)) == 0
        for ip in ips:
            wait_for(lambda: open_(ip), f"{ip} to listen")

    def stop(self):
        for p in getattr(self, "procs", ()):
            p.stop()
        super().stop()


def client_ip():
    """An address that no other client has."""
    return f"127.9.{next(_clients)}.1"


def by(case, ip):
    """Through the proxy there, from an address of one's own."""
    program = "nginx" if ip in (NGINX, NGINX_SNI) else "haproxy"
    if not shutil.which(program):
        raise Skip(f"needs {program}")
    server, source = case.site.server, client_ip()
    if ip in (NGINX_SNI, HAPROXY_SNI):
        return Site(server, 443, ip=ip, source=source)
    return Site(server, 443, ip=ip, host=NAME, ca=case.site.cert, source=source)


def past(case, source=None):
    """Past all of them."""
    return Site(case.site.server, source=source or client_ip())


def browser(case, where, user=None):
    return case.own(Browser(where, user or case.site.user("own")))


def seen_from(b):
    """Where the server says that this log-in came from."""
    return next(row["from"] for row in b.own("logins")["logins"] if row["this"])


def chats(case, ip):
    a, b = browser(case, by(case, ip)).start(), browser(case, past(case)).start()
    a.ok("chat.send", to=address(b.user), text="through it", ref="r1")
    b.wait_text("through it")
    b.ok("chat.send", to=address(a.user), text="and back " + "x" * 15000, ref="r1")
    a.wait_text("and back " + "x" * 15000)
    wait_for(lambda: a.pings, "a ping of the server")
    check_eq(a.ok("people.search", text="nobody")["people"], [], "it is there still")


def serves_files(case, ip):
    where = by(case, ip)
    for path, text in (("/", PAGE), ("/assets/main-1.js", SCRIPT)):
        answer = where.request("GET", path)
        check_eq((answer.status, answer.body.decode()), (200, text), path)
        for name in ("Strict-Transport-Security", "Content-Security-Policy", "X-Content-Type-Options"):
            check_eq(len(answer.headers.get_all(name) or ()), 1, f"{name} of {path}")
    if shutil.which("curl"):
        said = proc.must(["curl", "-sS", "--http2", "--cacert", case.site.cert, "--interface", where.source, "-o", "/dev/null",
                          "--resolve", f"{NAME}:443:{ip}", "-w", "%{http_version} %{http_code}", where.origin + "/"])
        check_eq(said, "2 200", "HTTP/2 up to the proxy")
    tag = where.request("GET", "/").headers["ETag"]
    check_eq(where.request("GET", "/", headers=[("If-None-Match", tag)]).status, 304, "what it has already")
    answer = where.request("GET", "/assets/main-1.js", headers=[("Range", "bytes=0-5")])
    check_eq((answer.status, answer.body.decode()), (206, SCRIPT[:6]), "a part")


def knows_the_client(case, ip):
    """Nobody is locked out for another one, and nobody passes for another one."""
    where, other = by(case, ip), by(case, ip)
    b = browser(case, where)
    check_eq(b.log_in(headers=[("X-Forwarded-For", "203.0.113.9")]).status, 200, "log-in")
    check_eq(seen_from(b), where.source, "where it came from")
    victim = case.site.user("victim")
    n = 0
    while (answer := where.request("POST", "/api/v1/login", {"user": victim.name, "password": "wrong"},
                                   [("X-Forwarded-For", f"203.0.113.{n}")])).status == 401:
        n += 1
        check(n <= FAILURES_MAX, "an end of the tries")
    check_eq((answer.status, answer.code), (429, "too_many_attempts"), answer.body)
    check_eq(browser(case, other, victim).log_in("wrong").status, 401, "somebody else's first try")
    check_eq(browser(case, other, victim).log_in().status, 200, "somebody else's log-in")


def refuses_other_sites(case, ip):
    where = by(case, ip)
    b = browser(case, where)
    answer = where.request("POST", "/api/v1/login", {"user": b.user.name, "password": b.user.account_password},
                           [("Origin", f"https://{case.site.server.host}:{PORT}")])
    check_eq((answer.status, answer.code), (403, "foreign_origin"), "the page of another name")
    b.log_in()
    check_eq(b.connect(origin="https://evil.test"), 403, "a WebSocket of another site")


def redirects(case, ip):
    where = by(case, ip)
    with socket.create_connection((ip, 80), tap.WAIT_S) as s:
        s.sendall(f"GET /a?b=c HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode())
        head = b""
        while got := s.recv(4096):
            head += got
    lines = head.decode().split("\r\n")
    check_eq(lines[0].split()[1], "308", head)
    check(f"location: {where.origin}/a?b=c" in [line.lower() for line in lines], head)


def passes_through(case, ip):
    """The certificate is Dialtone's, and so is everything else."""
    where = by(case, ip)
    a, b = browser(case, where).start(), browser(case, past(case)).start()
    a.ok("chat.send", to=address(b.user), text="sealed", ref="r1")
    b.wait_text("sealed")
    check_eq(seen_from(a), netns.SERVER_IP, "all that is known of where it came from")
    wait_for(lambda: a.pings, "a ping of the server")
    where.context.check_hostname, where.host = False, "other.example.test"
    try:
        where.socket().close()
        raise AssertionError("another name leads to Dialtone too")
    except (ssl.SSLError, OSError):
        pass


for _name, _ip in (("nginx", NGINX), ("haproxy", HAPROXY)):
    for _fn in (chats, serves_files, knows_the_client, refuses_other_sites, redirects):
        def _test(case, fn=_fn, ip=_ip):
            fn(case, ip)
        _test.__name__ = f"{_name}_{_fn.__name__}"
        tap.test(_test)
for _name, _ip in (("nginx", NGINX_SNI), ("haproxy", HAPROXY_SNI)):
    def _test(case, ip=_ip):
        passes_through(case, ip)
    _test.__name__ = f"{_name}_passes_through"
    tap.test(_test)


@tap.test
def nginx_gives_nothing_to_who_is_not_dialtone(case):
    where, ca = by(case, NGINX), case.site.cert
    where.ip = "127.0.1.3"
    case.site.nginx("nginx-other-ca", case.site.contributed("nginx/dialtone.conf", where.ip, NAME, ca))
    case.site.wait(where.ip)
    check_eq(where.request("GET", "/").status, 502, "by a certificate of another CA")


@tap.test
def haproxy_gives_nothing_to_who_is_not_dialtone(case):
    where, ca = by(case, HAPROXY), case.site.cert
    where.ip = "127.0.2.3"
    case.site.haproxy("haproxy-other-ca", case.site.contributed("haproxy/dialtone.cfg", where.ip, NAME, ca))
    case.site.wait(where.ip)
    check_eq(where.request("GET", "/").status, 503, "by a certificate of another CA")


@tap.test
def strangers_speak_for_themselves_alone(case):
    where = past(case)
    b = browser(case, where)
    lines = [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "http"),
             ("X-Forwarded-Host", "evil.test"), ("Forwarded", "for=203.0.113.9;proto=http")]
    check_eq(b.log_in(headers=lines).status, 200, "log-in")
    check_eq(seen_from(b), where.source, "where it came from")


@tap.test
def a_proxy_that_lets_plain_http_through_is_refused(case):
    proxy = past(case, netns.SERVER_IP)
    for value, wanted in (("https", 200), ("http", 403), ("https, http", 403)):
        check_eq(proxy.request("GET", "/", headers=[("X-Forwarded-Proto", value)]).status, wanted, value)
    check_eq(proxy.request("GET", "/", headers=[("X-Forwarded-Proto", "http")]).code, "not_encrypted", "why")


@tap.test
def a_proxy_says_what_it_likes_about_addresses_and_nothing_breaks(case):
    proxy = past(case, netns.SERVER_IP)
    b = browser(case, proxy)
    for value, wanted in (("203.0.113.9", "203.0.113.9"), ("203.0.113.9:4711", "203.0.113.9"),
                          ("2001:db8::9", "2001:db8::9"), ("[2001:db8::9]:4711", "2001:db8::9"),
                          ("203.0.113.9, 192.0.2.55", "203.0.113.9"), ("unknown", netns.SERVER_IP),
                          ("203.0.113.9, x" * 1000, netns.SERVER_IP), (", ".join(["192.0.2.1"] * 3000), "192.0.2.1")):
        check_eq(b.log_in(headers=[("X-Forwarded-For", value)]).status, 200, value[:80])
        check_eq(seen_from(b), wanted, value[:80])


@tap.test
def settings_that_say_nothing_sensible_are_told(case):
    path = os.path.join(case.site.server.dir, "topology.conf")
    with open(path, encoding="utf-8") as f:
        good = f.read()
    for line, wanted in (("proxies = 10.0.0.0/33", "is no address and no network"), ("proxies = nginx", "proxies"),
                         ("names = https://x", "is no DNS name")):
        key = line.split()[0]
        bad = "\n".join(line if text.startswith(key) else text for text in good.splitlines())
        folder = os.path.join(case.site.folder, f"bad-{key}-{abs(hash(line))}")
        os.makedirs(folder)
        for name in ("local.conf", "topology.conf"):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
                f.write(bad if name == "topology.conf" else "[local]\nhost = main\n")
        status, text = proc.run([os.path.join(ROOT, os.environ.get("DIALTONE_BUILD", "build/out"), "dialtone"),
                                 "--config", folder, "topology", "check"])
        check(status != 0 and wanted in text, text)


if __name__ == "__main__":
    tap.main(make)
