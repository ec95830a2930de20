#!/usr/bin/python3
"""pidgin-sipe finds its server by HTTPS ([MS-OCDISCWS]): nothing but the user's name is given to it, and
the DNS has no SRV records."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop.sipe import Sipe  # noqa: E402
from lib import netns, site, tap  # noqa: E402
from lib.tap import check  # noqa: E402
from lib.web import make_pages  # noqa: E402

INSIDE, OUTSIDE = "lyncdiscoverinternal.example.test", "lyncdiscover.example.test"


def make(args, folder):
    netns.enter()
    return site.Site(args, folder, web=f"metrics-port = 0\nweb-root = {make_pages(folder)}\n"
                     f"https = {netns.SERVER_IP}:443\n")


def finds_its_server(case, name):
    case.site.dns.records.clear()
    for host in (name, site.HOST):
        case.site.dns.add(f"{host}. 60 IN A {netns.SERVER_IP}")
    client = Sipe(case, case.site.user("found"), server="")
    client.wait_registered()
    client.wait_registered()
    check(name in client.log().lower(), f"by {name}")
    check("AutodiscoverResponse" in client.log(), "it was told by HTTPS")


@tap.test(alone=True)
def by_the_name_for_clients_inside(case):
    finds_its_server(case, INSIDE)


@tap.test(alone=True)
def by_the_name_for_clients_outside(case):
    finds_its_server(case, OUTSIDE)


if __name__ == "__main__":
    tap.main(make)
