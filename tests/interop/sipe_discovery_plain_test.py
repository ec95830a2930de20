#!/usr/bin/python3
"""pidgin-sipe finds its server though HTTPS is not at 443: by HTTP without TLS it is told where to ask."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop.sipe import Sipe  # noqa: E402
from lib import netns, site, tap  # noqa: E402
from lib.tap import check  # noqa: E402
from lib.web import PORT, make_pages  # noqa: E402

INSIDE = "lyncdiscoverinternal.example.test"


def make(args, folder):
    netns.enter()
    return site.Site(args, folder, web=f"metrics-port = 0\nweb-root = {make_pages(folder)}\n"
                     f"http = {netns.SERVER_IP}:80\n")


@tap.test
def by_http_alone_it_is_sent_to_https(case):
    case.site.dns.records.clear()
    for host in (INSIDE, site.HOST):
        case.site.dns.add(f"{host}. 60 IN A {netns.SERVER_IP}")
    client = Sipe(case, case.site.user("found"), server="")
    client.wait_registered()
    log = client.log()
    check(f"https://{INSIDE}:{PORT}/" in log and "Redirect" in log, "it was sent on")


if __name__ == "__main__":
    tap.main(make)
