"""What a test file stands on: a private network with a DNS server and a running Dialtone."""
import itertools
import re
import threading

from lib import netns
from lib.dns import Dns
from lib.server import Server

DOMAIN = "example.test"
HOST = "sip." + DOMAIN


class Site:
    """One server with `frontends` front-end processes; users of every test come from user()."""

    def __init__(self, args, folder, settings="", make_server=Server, **server):
        self.net = netns.Net(folder, [HOST, DOMAIN])
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self.frontends = args.frontends
        self.server = make_server(folder, ip=netns.SERVER_IP, domain=DOMAIN, host=HOST,
                                  frontends=args.frontends, settings=settings, **server)
        try:
            self.dns = Dns(netns.SERVER_IP, self._zone())
            self.server.start()
        except BaseException:
            self.stop()
            raise

    def _zone(self):
        udp, tls = self.server.port("udp"), self.server.port("tls")
        lines = [f"{name}. 60 IN A {netns.SERVER_IP}" for name in (HOST, DOMAIN)]
        for service, proto, port in (("_sip", "udp", udp), ("_sip", "tcp", udp),
                                     ("_sips", "tcp", tls)):
            lines.append(f"{service}.{proto and '_' + proto}.{DOMAIN}. 60 IN SRV 0 0 {port} {HOST}.")
        return lines

    def user(self, name, /, **fields):
        """A new account whose name begins with `name`."""
        with self._lock:
            number = next(self._numbers)
        return self.server.add_user(re.sub(r"\W", "", name) + str(number), **fields)

    def users(self, *names):
        return [self.user(n) for n in names]

    def stop(self):
        self.server.stop()
        if hasattr(self, "dns"):
            self.dns.stop()


def make(args, folder):
    """For tap.main()."""
    netns.enter()
    return Site(args, folder)
