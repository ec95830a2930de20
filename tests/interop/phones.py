"""What the tests with two or more phones share."""
from interop.baresip import Baresip
from interop.linphonec import Linphonec

LINPHONEC, BARESIP = Linphonec, Baresip
TRANSPORTS = ("udp", "tcp", "tls")
# Each phone plays its own tone, so a recording says whom it heard.
TONES = (440, 620, 1000, 1400)


def sign_in(case, *wanted, **options):
    """One phone for each (class, user, transport), signed in; they play TONES in this order."""
    phones = [kind(case, user, transport, tone=tone, **options)
              for (kind, user, transport), tone in zip(wanted, TONES)]
    for phone, tone in zip(phones, TONES):
        phone.tone = tone
        phone.wait_registered()
    return phones


def connect(caller, callee, uri=None):
    """caller calls callee, who answers."""
    for phone in (caller, callee):
        phone.new_recording()
    marks = caller.mark(), callee.mark()
    caller.call(uri or callee.user.uri)
    callee.wait_ringing(marks[1])
    callee.answer()
    caller.wait_in_call(marks[0])
    callee.wait_in_call(marks[1])


def hang_up(one, other):
    """one hangs up, and other sees it."""
    mark = other.mark()
    one.hang_up()
    other.wait_ended(mark)


def talk_and_hang_up(one, other):
    """Both hear the other's tone; then one hangs up."""
    for phone in (one, other):
        phone.wait_sound()
    hang_up(one, other)
    one.wait_heard(other.tone)
    other.wait_heard(one.tone)
