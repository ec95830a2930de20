#!/usr/bin/python3
"""Poster rows IM-03, PN-01: IM MCUs on two hosts share the conferences of a third."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import hosts, metrics, tap  # noqa: E402
from lib.conference import Conferee, all_write, meet  # noqa: E402
from lib.im import say  # noqa: E402
from lib.tap import check  # noqa: E402

ROOMS = 12  # by chance all at one host: once in 2,000 times
METRICS_PORT = 9191


def conferee(case):
    return case.own(Conferee(case.site.server, case.site.user("conf"))).sign_in()


def rooms_at(mcu):
    with mcu.machine.entered():
        return metrics.scrape(METRICS_PORT).get("dialtone_mcu_im_rooms")


def many_rooms(case):
    """Pairs of clients, in a room of their own each; some rooms at either host."""
    pairs = [(conferee(case), conferee(case)) for _ in range(ROOMS)]
    for pair in pairs:
        meet(*pair)
    counts = [rooms_at(mcu) for mcu in case.site.mcus]
    check(sum(counts) >= ROOMS and all(counts), f"rooms at either host: {counts}")
    return pairs


@tap.test(alone=True)
def conferences_are_spread_over_the_hosts(case):
    for pair in many_rooms(case):
        all_write(*pair)


@tap.test(alone=True)
def rooms_of_one_host_go_on_while_the_other_is_down(case):
    pairs = many_rooms(case)
    case.site.b.stop()
    asked = [(pair, say(pair[0], pair[0].chat, "who is there?")) for pair in pairs]
    codes = [pair[0].expect_answer(m).code for pair, m in asked]
    # 500: it was on its way when the connection ended (RFC 3261 section 16.7).
    check(202 in codes and 202 < max(codes) and set(codes) <= {202, 500, 503},
          f"answers: of the host that is there, for the other one: {codes}")
    for pair, code in zip(pairs, codes):
        if code == 202:
            pair[1].hears("who is there?", pair[0])
            all_write(*pair, word="meanwhile")
    case.site.b.start()
    case.site.wait_connected()
    for pair in pairs:
        all_write(*pair, word="afterwards")


if __name__ == "__main__":
    tap.main(hosts.make_two_mcus)
