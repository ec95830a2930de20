#!/usr/bin/python3
"""People in browsers call one another, as they use the client: what each says and shows is heard and
seen by the other."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from interop import webpage  # noqa: E402
from interop.chromium import CALLED, CALLER, SCREEN, wait_heard, wait_seen  # noqa: E402
from interop.relay import RELAY_PORTS, Bar  # noqa: E402
from interop.webpage import find, person  # noqa: E402
from lib import site, tap  # noqa: E402
from lib.siptext import Phone  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402
from lib.web import Site  # noqa: E402


def make(args, folder):
    site.netns.enter()
    return webpage.Browsers(args, folder, edge="open-peers = 10.0.0.0/8\n")


def up(p):
    wait_for(lambda: p.run("document.querySelector('.call')?.dataset.phase") == "up",
             lambda: f"a call that is up: {p.text()}")


def elsewhere(case, name, look):
    """Somebody at a machine of her own: the page, and the machine."""
    machine = case.own(case.site.net.host())
    browser = case.own(case.site.browser_at(machine))
    p = case.own(webpage.WebPage(browser, Site(case.site.server).origin, look))
    p.user = case.site.user(name)
    webpage.sign_in(p, p.user)
    webpage.wait_reachable(p)
    return p, machine


def talk(case, video, way=None):
    """alice calls bob, who answers."""
    a, a.user = person(case, "alice", CALLER, way)
    b, b.user = person(case, "bob", CALLED, way)
    find(a, b.user)
    a.press("Video call with" if video else "Call ")
    b.wait("is calling")
    b.press("Answer with video" if video else "Answer")
    up(a)
    up(b)
    return a, b


@tap.test
def two_people_talk_and_hang_up(case):
    a, b = talk(case, video=False)
    wait_heard(a, CALLED)
    wait_heard(b, CALLER)
    a.wait("Connection: good")
    b.press("Hang up")
    b.wait_gone("Hang up")
    a.wait_gone("Hang up")
    a.press("Calls")
    a.wait("Outgoing")
    b.press("Calls")
    b.wait("Incoming")


@tap.test
def two_people_see_one_another(case):
    a, b = talk(case, video=True)
    for end, other in ((a, CALLED), (b, CALLER)):
        wait_seen(end, other)
        wait_heard(end, other)
    a.press("Hang up")
    b.wait_gone("Hang up")


@tap.test
def a_camera_is_added_and_the_call_is_held(case):
    a, b = talk(case, video=False)
    a.press("Camera")
    wait_seen(b, CALLER)
    b.press("Hold")
    a.wait("has put you on hold")
    b.press("Hold")
    a.wait_gone("has put you on hold")
    wait_heard(a, CALLED)
    wait_heard(b, CALLER)


def by_relay(case, way):
    ends = a, b = talk(case, video=True, way=way)
    for end, other in ((a, CALLED), (b, CALLER)):
        wait_heard(end, other)
        wait_seen(end, other)
    for end in ends:
        pair = end.run("selectedPair()")
        check_eq((pair["own"], pair["by"]), ("relay", way), "how it goes")
    a.press("Hang up")
    b.wait_gone("Hang up")


@tap.test
def a_call_goes_by_the_relay_over_udp(case):
    by_relay(case, "udp")


@tap.test
def a_call_goes_by_the_relay_over_tcp(case):
    by_relay(case, "tcp")


@tap.test
def a_call_goes_by_the_relay_over_tls(case):
    by_relay(case, "tls")


OTHER = "document.querySelector('.call-other')"


def wait_screen(p, is_one):
    wait_for(lambda: p.run(f"{OTHER}?.dataset.screen") == ("true" if is_one else "false"),
             lambda: f"a picture that is {'' if is_one else 'no '}screen: {p.text()}")


def check_shown_whole(p):
    """Large, and nothing of it cut off."""
    fit, top, bottom, height, room = p.run(
        f"(r => [getComputedStyle({OTHER}).objectFit, r.top, r.bottom, r.height, innerHeight])"
        f"({OTHER}.getBoundingClientRect())")
    check(fit == "contain" and top >= 0 and bottom <= room and height > room / 2,
          f"{fit}, from {top} to {bottom} of {room}")


@tap.test
def a_screen_is_shared_in_place_of_the_camera(case):
    a, b = talk(case, video=True)
    wait_seen(b, CALLER)
    a.press("Share screen")
    a.wait("You are sharing your screen")
    wait_screen(b, True)
    wait_seen(b, SCREEN)
    check_shown_whole(b)
    wait_seen(a, CALLED)
    a.press("Stop sharing")
    a.wait_gone("You are sharing your screen")
    wait_screen(b, False)
    wait_seen(b, CALLER)


@tap.test
def the_browser_itself_can_end_what_is_shared(case):
    a, b = talk(case, video=False)
    a.press("Share screen")
    wait_screen(b, True)
    wait_seen(b, SCREEN)
    a.run("shared.getTracks()[0].dispatchEvent(new Event('ended'))")
    a.wait_gone("You are sharing your screen")
    wait_for(lambda: b.run(f"{OTHER} === null"), "no picture is left")
    wait_heard(b, CALLER)


@tap.test
def a_tab_is_captured_and_seen(case):
    a, b = talk(case, video=False)
    # What is captured is as wide as the window, whatever width the page was told.
    a.run("""for (const [left, colour] of [[0, '#ffff00'], [outerWidth / 2, '#800080']]) {
        const e = document.body.appendChild(document.createElement('div'));
        Object.assign(e.style, { position: 'fixed', top: 0, bottom: 0, right: 0, left: `${left}px`,
          zIndex: 99, background: colour });
      }
      // What never changes is never painted, and gives no pictures.
      const busy = document.body.lastChild.appendChild(document.createElement('b'));
      setInterval(() => (busy.textContent = Date.now()), 100);
      shareTab()""")
    a.press("Share screen")
    wait_screen(b, True)
    wait_seen(b, SCREEN)


@tap.test
def a_camera_that_is_off_is_let_go(case):
    a, b = talk(case, video=True)
    wait_seen(b, CALLER)
    a.run("window.known = trackOf('.call-own', 'video')")
    a.press("Camera")
    wait_for(lambda: a.run("known.readyState") == "ended", "the device is let go")
    wait_for(lambda: b.run(f"{OTHER} === null"), "the last picture does not stay")
    wait_seen(a, CALLED)
    a.press("Camera")
    wait_seen(b, CALLER)


def tab_beside(case, p, look):
    """Another tab of a person who is signed in."""
    tab = case.own(webpage.WebPage(case.site.browser, p.origin, look, beside=p))
    webpage.wait_reachable(tab)
    return tab


@tap.test
def one_tab_rings_and_any_answers(case):
    b, bob = person(case, "bob", CALLED)
    tabs = [b, tab_beside(case, b, CALLED)]
    a, _ = person(case, "alice", CALLER)
    find(a, bob)
    a.press("Call ")
    for tab in tabs:
        tab.wait("is calling")
    # Four tones are two rings: the other tab had its time.
    wait_for(lambda: max(tab.run("rung") for tab in tabs) >= 4, "a tab that rings")
    check_eq(min(tab.run("rung") for tab in tabs), 0, "the other tab is silent")
    silent = min(tabs, key=lambda tab: tab.run("rung"))
    loud = max(tabs, key=lambda tab: tab.run("rung"))
    silent.press("Answer")
    up(a)
    up(silent)
    loud.wait_gone("is calling")
    held = "navigator.locks.query().then((q) => q.held.some((l) => l.name === 'dialtone.ring'))"
    wait_for(lambda: not loud.run(held), "nothing rings")
    wait_heard(silent, CALLER)
    # What one tab answered, the other has not missed.
    a.press("Hang up")
    loud.press("Calls")
    loud.wait("Incoming")
    check("Missed" not in loud.text(), loud.text())


@tap.test
def a_browser_has_one_call_whatever_the_tab(case):
    a, b = talk(case, video=False)
    tab = tab_beside(case, b, CALLED)
    c, carol = person(case, "carol", CALLER)
    # What calls out waits: it would be a second call.
    find(tab, carol)
    tab.press("Call ")
    tab.wait("You are in a call in another tab")
    tab.press("Close")
    bob = b.run("document.querySelector('.rail-self').getAttribute('aria-label')").split(",")[0]
    c.write("Search people", bob)
    c.press(bob)
    c.press("Call ")
    tab.wait("is calling")
    tab.press("Answer")
    up(c)
    b.wait("You took another call in another tab")
    a.wait_gone("Hang up")
    wait_heard(tab, CALLER)


@tap.test
def a_page_that_goes_away_ends_its_call(case):
    a, b = talk(case, video=False)
    b.run("location.href = 'about:blank'")
    a.wait_gone("Hang up")


@tap.test
def a_call_is_declined_with_a_message(case):
    a, _ = person(case, "alice", CALLER)
    b, bob = person(case, "bob", CALLED)
    find(a, bob)
    a.press("Call ")
    b.wait("is calling")
    b.press("Decline with words")
    b.write("Your own words", "Not now, at six")
    b.press("Send and decline")
    a.wait("has declined")
    a.wait("Not now, at six")


@tap.test
def a_phone_cannot_be_called_yet_and_the_page_says_so(case):
    a, _ = person(case, "alice", CALLER)
    phone = case.own(Phone(case.site.server, case.site.user("phone"), "tcp"))
    phone.register()
    find(a, phone.user)
    a.press("Call ")
    phone.answer(phone.expect_request("INVITE"), 488)
    a.wait("Browsers cannot call those yet")


# The connection of the page's next call; and the network's addresses are no secret to it: who lets a
# page hear the microphone tells it those too.
LINE = """window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(config) { super(config); window.line = this; }
}"""


def lay_open(p):
    p.protocol.ask("Browser.grantPermissions", browserContextId=p.context,
                   permissions=["audioCapture", "videoCapture"])
    p.run(LINE)


def goes_on_elsewhere(a, b, machine, moves):
    """a calls b; the one who moves gets another cable and another address in the call."""
    stays = b if moves is a else a
    for p, other in ((a, b), (b, a)):
        lay_open(p)
        find(p, other.user)
    a.press("Call ")
    b.wait("is calling")
    b.press("Answer")
    for end, other in ((a, CALLED), (b, CALLER)):
        up(end)
        wait_heard(end, other)
    check(machine.ip in moves.run("line.localDescription.sdp"), f"{machine.ip} is told")
    machine.move()
    webpage.say(stays, "Are you there?")
    wait_for(lambda: machine.ip in moves.run("line.localDescription.sdp"), f"{machine.ip} is told")
    for end, other in ((a, CALLED), (b, CALLER)):
        wait_heard(end, other)
    moves.wait("Are you there?")
    webpage.say(moves, "I am elsewhere now")
    stays.wait("I am elsewhere now")
    stays.press("Hang up")
    moves.wait_gone("Hang up")


@tap.test
def who_is_called_changes_the_network_in_a_call(case):
    a, a.user = person(case, "alice", CALLER)
    b, machine = elsewhere(case, "bob", CALLED)
    goes_on_elsewhere(a, b, machine, b)


@tap.test
def who_calls_changes_the_network_in_a_call(case):
    b, b.user = person(case, "bob", CALLED)
    a, machine = elsewhere(case, "alice", CALLER)
    goes_on_elsewhere(a, b, machine, a)


def by_late_relay(case, late):
    """Two who meet by a relay at each end; one of them reaches hers when the call rings, or was answered."""
    a, a.user = person(case, "alice", CALLER)
    b, machine = elsewhere(case, "bob", CALLED)
    for m in (case.site.machine, machine):
        case.own(Bar("FORWARD", "-s", m.ip))
        case.own(Bar("FORWARD", "-d", m.ip))
        case.own(Bar("OUTPUT", "-p", "udp", "--sport", RELAY_PORTS, "-d", m.ip))
    barred = case.site.machine if late is CALLER else machine
    bars = [case.own(Bar("INPUT", "-s", barred.ip, "-p", protocol, "--dport", port))
            for protocol, port in (("udp", "3478"), ("tcp", "3478"), ("tcp", "443"))]
    for p, other in ((a, b), (b, a)):
        lay_open(p)
        find(p, other.user)
    a.press("Call ")
    b.wait("is calling")
    if late is CALLED:
        b.press("Answer")
        wait_for(lambda: b.run("window.line?.signalingState === 'stable' && !!line.localDescription"), "an answer")
        a.wait("Connecting")
    told = (a if late is CALLER else b).run("line.localDescription.sdp.includes('typ relay')")
    check_eq(told, False, "a relay is told")
    for bar in bars:
        bar.stop()
    if late is CALLER:
        b.press("Answer")
    for end, other in ((a, CALLED), (b, CALLER)):
        up(end)
        wait_heard(end, other)
    a.press("Hang up")
    b.wait_gone("Hang up")


@tap.test(alone=True)
def a_relay_that_the_caller_reaches_late_is_used(case):
    by_late_relay(case, CALLER)


@tap.test(alone=True)
def a_relay_that_is_reached_after_the_answer_is_used(case):
    by_late_relay(case, CALLED)


@tap.test(alone=True)
def a_call_goes_on_when_front_ends_are_killed(case):
    a, b = talk(case, video=False)
    for n in range(1, case.site.frontends + 1):
        case.site.server.kill_role("frontend", n)
    wait_heard(a, CALLED)
    wait_heard(b, CALLER)
    a.press("Hang up")
    b.wait_gone("Hang up")
    check_eq(a.run("document.querySelector('.call') === null"), True, "no call is left")


@tap.test(alone=True)
def a_call_goes_on_when_the_web_process_is_killed(case):
    a, b = talk(case, video=False)
    case.site.server.kill_role("web", 1)
    for page in (a, b):
        wait_for(lambda page=page: case.site.server.endpoints(page.user), "the page is back")
    wait_heard(a, CALLED)
    wait_heard(b, CALLER)
    a.press("Hold")
    b.wait("has put you on hold")
    a.press("Hang up")
    b.wait_gone("Hang up")
    check_eq(a.run("document.querySelector('.call') === null"), True, "no call is left")


@tap.test(alone=True)
def a_call_that_rings_goes_on_when_the_web_process_is_killed(case):
    a, alice = person(case, "alice", CALLER)
    b, bob = person(case, "bob", CALLED)
    find(a, bob)
    a.press("Call ")
    b.wait("is calling")
    a.wait("Ringing")
    case.site.server.kill_role("web", 1)
    for user in (alice, bob):
        wait_for(lambda user=user: case.site.server.endpoints(user), "the page is back")
    a.wait("Ringing")
    # What is pressed before the call is there again is done then.
    b.press("Answer")
    up(a)
    up(b)
    wait_heard(a, CALLED)
    wait_heard(b, CALLER)
    b.press("Hang up")
    a.wait_gone("Hang up")
    for p in (a, b):
        p.press("Calls")
        p.wait("Outgoing" if p is a else "Incoming")
        check("Missed" not in p.text(), p.text())


if __name__ == "__main__":
    tap.main(make)
