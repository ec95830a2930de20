#!/usr/bin/python3
"""The web services as pidgin-sipe uses them: it gets a web ticket by NTLM over HTTPS, and searches with it.

Where there is no web role, or it does not answer, the plug-in searches by SIP: sipe_search_test.py.
"""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop.people import finds, person  # noqa: E402
from interop.sipe import sign_in  # noqa: E402
from lib import netns, site, tap  # noqa: E402
from lib.tap import check, check_eq  # noqa: E402
from lib.web import make_pages  # noqa: E402

SOAP_ACTION = "DistributionListExpander/IAddressBook/SearchAbEntry"


def make(args, folder):
    netns.enter()
    return site.Site(args, folder, web=f"metrics-port = 0\nweb-root = {make_pages(folder)}\n")


def asked(client):
    """How often it asked the web service, and by SIP."""
    log = client.log()
    return len(re.findall(f"SOAPAction: \"{SOAP_ACTION}\"", log)), log.count("directorySearch")


@tap.test
def somebody_is_found_by_the_web_service(case):
    user, surname = person(case, "Zoe", "Webquagga", company="Example GmbH", country="DE")
    (a,) = sign_in(case, "alice")
    a.wait_log("dlx_uri=https://")
    finds(a, user, f"Zoe {surname}", surname=surname)
    check("WebTicketServiceWinNegotiate" in a.log() and "Assertion" in a.log(), "by a web ticket")
    web, by_sip = asked(a)
    check(web >= 1 and by_sip == 0, f"asked by HTTPS, not by SIP: {web}, {by_sip}")
    (row,) = a.search(surname=surname)
    check_eq((row["company"], row["country"]), ("Example GmbH", "DE"), "what is known")


@tap.test
def somebody_is_found_by_each_attribute(case):
    user, surname = person(case, "Xenia", "Webdikdik")
    (a,) = sign_in(case, "alice")
    finds(a, user, f"Xenia {surname}", given="xen", surname=surname.lower())
    finds(a, user, f"Xenia {surname}", email=f"{user.name}@mail.test")
    finds(a, user, f"Xenia {surname}", sipid=user.uri.removeprefix("sip:"))
    check_eq(asked(a)[1], 0, "never by SIP")


@tap.test
def nobody_is_found_and_the_user_is_told(case):
    _, surname = person(case, "Vera", "Webpudu")
    (a,) = sign_in(case, "alice")
    check_eq(a.search(given="Nobody", surname=surname), [], "found by half of it")
    check_eq(a.search(surname="Webnobodyatall"), [], "found, also by the simple search")
    check_eq(asked(a)[1], 0, "never by SIP")


@tap.test
def the_window_about_a_contact_says_what_is_known(case):
    user, surname = person(case, "Sam", "Websaola", phone="+4930555124")
    (a,) = sign_in(case, "alice")
    a.add_contact(user.uri, "Work")
    a.wait_buddy(user.uri, alias=f"Sam {surname}")
    text = a.get_info(user.uri)
    for known in (f"Sam {surname}", f"{user.name}@mail.test", "555124"):
        check(known in text.replace(" ", "") or known in text, f"{known} in {text}")


if __name__ == "__main__":
    tap.main(make)
