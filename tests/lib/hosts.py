"""A deployment on several hosts: `a` with accounts and front ends, `b` (and `c`) with an IM MCU, each its
own network namespace with a cable between them; and TLS clients that knock at the ports between hosts."""
import contextlib
import os
import shutil
import socket
import ssl

from lib import netns, proc, site
from lib.server import Server
from lib.tap import wait_for

SIP, C3P = 5062, 444
TIMEOUT_S = 20


class HostA(Server):
    """The host that clients know; fars: the addresses of the others by their names; role: what
    runs there, with these lines."""

    def __init__(self, folder, fars, role="mcu-im", lines="", **kw):
        self.fars, self.role, self.lines = fars, role, lines
        super().__init__(folder, ip=netns.SERVER_IP, domain=site.DOMAIN, host=site.HOST, mcus=0,
                         bridges=0, **kw)

    def _write_config(self):
        others = "".join(f"""
[host {name}]
name = {name}.{self.domain}
addresses = {ip}

[role {self.role}]
host = {name}
{self.lines}
""" for name, ip in self.fars.items())
        self._write("topology.conf", f"""[deployment]
domains = {self.domain}

[host a]
name = {self.host}
addresses = {self.ip}

[role accounts]
host = a

[role frontend]
host = a
processes = {self.frontends}
{self.settings["frontend"]}
{others}""")
        self._write("local.conf", "[local]\nhost = a\n" + self.settings["local"])


class FarHost(Server):
    """Another one, set up as the manual says: topology.conf and the certificates that the first
    host has issued for it, and a local.conf of its own."""

    def __init__(self, folder, first, name, machine):
        self.first, self.name, self.machine = first, name, machine
        super().__init__(folder, ip=machine.ip, domain=first.domain,
                         host=f"{name}.{first.domain}", wrap=machine.wrap([]))

    def _write_config(self):
        shutil.copy(os.path.join(self.first.dir, "topology.conf"), self.dir)
        self._write("local.conf", f"[local]\nhost = {self.name}\n" + self.settings["local"])
        self.take_certificates()

    def take_certificates(self, *words):
        self.first.tool("cert", "issue", "--host", self.name, "--to",
                        os.path.join(self.dir, "certs"), *words)

    def tool(self, *words, **kw):
        if words == ("cert", "init"):
            return ""  # it has no CA of its own
        return super().tool(*words, **kw)


class Hosts(site.Site):
    """site.server is host a, site.mcus the others (whatever their role is), site.b the first of
    them.  rows: connections of a front-end process with each, as both hosts' status has them."""

    def __init__(self, args, folder, names=("b",), role="mcu-im", lines="", rows=4):
        self.names, self.mcus, self.role, self.lines, self.rows = names, [], role, lines, rows
        super().__init__(args, folder, make_server=self._make)
        try:
            for name in names:
                self.mcus.append(FarHost(os.path.join(folder, name), self.server, name,
                                         self.machines[name]))
            for mcu in self.mcus:
                mcu.start()
            self.wait_connected()
        except BaseException:
            self.stop()
            raise
        self.b, self.machine = self.mcus[0], self.machines[names[0]]

    def _make(self, folder, frontends, settings, **_kw):
        self.machines = {name: netns.Host() for name in self.names}
        return HostA(folder, {name: m.ip for name, m in self.machines.items()},
                     frontends=frontends, settings=settings, role=self.role, lines=self.lines)

    def peers(self):
        """The rows of all hosts."""
        return [p for s in (self.server, *self.mcus) for p in s.json("status", ok=False).get("peers", [])]

    def wait_connected(self):
        """With an MCU SIP and both ways of C3P, for each front-end process: two of them are seen
        by both."""
        def up():
            rows = self.peers()
            return (len(rows) == self.rows * self.frontends * len(self.mcus)
                    and all(r["state"] == "up" for r in rows))
        wait_for(up, lambda: f"hosts that are connected: {self.peers()}")

    def stop(self):
        for mcu in self.mcus:
            mcu.stop()
        super().stop()


def make(args, folder):
    netns.enter()
    return Hosts(args, folder)


def make_two_mcus(args, folder):
    netns.enter()
    return Hosts(args, folder, names=("b", "c"))


# Certificates.

def pair(server, role):
    """(chain, key) of a role, as its server has them."""
    return tuple(os.path.join(server.dir, "certs", f"{role}-p256.{end}") for end in ("crt", "key"))


def make_pair(folder, name, ca, days="30", start=None):
    """A certificate for that host name with its key, signed by the CA (chain, key)."""
    os.makedirs(folder, exist_ok=True)
    out = os.path.join(folder, name)
    ext = out + ".ext"
    with open(ext, "w", encoding="ascii") as f:
        f.write(f"subjectAltName=DNS:{name}\nextendedKeyUsage=serverAuth,clientAuth\n")
    proc.must(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
               "-subj", f"/CN={name}", "-keyout", out + ".key", "-out", out + ".csr"])
    if start:  # `openssl ca` alone takes dates
        with open(out + ".cnf", "w", encoding="ascii") as f:
            f.write(f"[ca]\ndefault_ca=d\n[d]\ndatabase={out}.index\nnew_certs_dir={folder}\n"
                    "default_md=sha256\npolicy=p\nrand_serial=yes\n[p]\ncommonName=supplied\n")
        with open(out + ".index", "w", encoding="ascii"):
            pass
        proc.must(["openssl", "ca", "-batch", "-notext", "-config", out + ".cnf", "-in",
                   out + ".csr", "-cert", ca[0], "-keyfile", ca[1], "-extfile", ext,
                   "-startdate", start, "-enddate", days, "-out", out + ".crt"])
    else:
        proc.must(["openssl", "x509", "-req", "-in", out + ".csr", "-CA", ca[0], "-CAkey", ca[1],
                   "-CAcreateserial", "-days", days, "-extfile", ext, "-out", out + ".crt"])
    return out + ".crt", out + ".key"


def make_ca(folder):
    os.makedirs(folder, exist_ok=True)
    out = os.path.join(folder, "foreign")
    proc.must(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
               "-nodes", "-days", "30", "-subj", "/CN=Another CA", "-keyout", out + ".key",
               "-out", out + ".pem"])
    return out + ".pem", out + ".key"


# Knocking at the ports.

class Knock:
    """A TLS client of its own with that certificate (or none)."""

    def __init__(self, ca, ip, port, name, cert=None):
        context = ssl.create_default_context(cafile=ca)
        if cert:
            context.load_cert_chain(*cert)
        self.tcp = socket.create_connection((ip, port), TIMEOUT_S)
        self.tcp.settimeout(TIMEOUT_S)
        self.s = context.wrap_socket(self.tcp, server_hostname=name)

    def ask(self, data):
        """What comes until the end of the connection, or of a whole HTTP answer; None: it was
        broken off, as one whose certificate is not taken is."""
        got = b""
        try:
            self.s.sendall(data)
            while not self._is_whole(got):
                more = self.s.recv(65536)
                if not more:
                    break
                got += more
        except (ssl.SSLError, ConnectionError):
            return None
        return got.decode()

    @staticmethod
    def _is_whole(got):
        head, end, body = got.partition(b"\r\n\r\n")
        if not end:
            return False
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                return len(body) >= int(line.split(b":")[1])
        return True

    def stop(self):
        self.s.close()


def knock(*args, data, **kw):
    """One try; the answer, "" or None."""
    try:
        k = Knock(*args, **kw)
    except (ssl.SSLError, ConnectionError):
        return None
    with contextlib.closing(k.s):
        return k.ask(data)


def http(method, target, body=""):
    return (f"{method} {target} HTTP/1.1\r\nHost: test\r\nContent-Type: application/cccp+xml\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}").encode()
