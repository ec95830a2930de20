"""linphonec (liblinphone 5.1 or 5.3): a phone driven by lines on its standard input.

What it does is read from its log (`-d 6 -l`), which also holds every SIP message.  Sound comes
from a wav file and goes into one (`soundcard use files`).
"""
import os
import re
import shutil

from lib import wav
from lib.proc import Proc
from lib.tap import WAIT_S, Skip, wait_for

RTP_PORT = 7078
RETRY_S = 60  # after which it registers again, where it could not
STEADY_KBITS = 40  # of the 80 that PCMU takes
PROMPT = "linphonec> "


def need():
    if not shutil.which("linphonec"):
        raise Skip("linphonec is not installed (package linphone-cli)")


def enter(p, line):
    """One line at the prompt: linphonec 5.3 forgets a line that it has not taken yet for the next."""
    p.wait_text(PROMPT, getattr(p, "entered", 0))
    p.entered = p.mark()
    p.write(line)


def _config(user, server, transport, folder, password, expires, ca, srtp, watch):
    return f"""[sip]
sip_port=-1
sip_tcp_port=-1
sip_tls_port=-1
use_ipv6=0
default_proxy=0
guess_hostname=1
verify_server_certs=1
verify_server_cn=1
root_ca={ca}
media_encryption={"srtp" if srtp else "none"}
media_encryption_mandatory={int(srtp)}
inc_timeout=90
keepalive_period=30000

[proxy_0]
reg_proxy=<sip:{server.domain};transport={transport}>
reg_route=<sip:{server.domain};transport={transport};lr>
reg_identity="{user.name}" <{user.uri}>
reg_expires={expires}
reg_sendregister=1
publish={int(watch is not None)}

[auth_info_0]
username={user.name}
passwd={password}
domain={server.domain}
realm={server.realm}

[net]
mtu=1300
firewall_policy=0

[rtp]
audio_rtp_port={RTP_PORT}
audio_jitt_comp=60
nortp_timeout=90

[sound]
echocancellation=0

[audio_codec_0]
mime=PCMU
rate=8000
channels=1
enabled=1

[audio_codec_1]
mime=PCMA
rate=8000
channels=1
enabled=1

[misc]
add_missing_audio_codecs=0
user_certificates_path={folder}/crt
""" + "".join(f"""
[friend_{i}]
url="{friend.name}" <{friend.uri}>
pol=accept
subscribe=1
""" for i, friend in enumerate(watch or ()))


class Linphonec:
    """One phone of `user` on a machine of its own.  srtp: it makes no call without.  watch: users
    whose presence it subscribes to; then it publishes its own, which is that it is there."""

    def __init__(self, case, user, transport="udp", password=None, auto_answer=False,
                 expires=600, tone=None, host=None, ca=None, srtp=False, watch=None):
        need()
        self.user = user
        self.host = host or case.own(case.site.net.host())
        self.dir = os.path.join(case.dir, f"linphonec-{self.host.name}-{user.name}")
        os.makedirs(os.path.join(self.dir, ".local/share/linphone"))
        os.makedirs(os.path.join(self.dir, ".config/linphone"))
        rc = os.path.join(self.dir, "rc")
        with open(rc, "w", encoding="utf-8") as f:
            f.write(_config(user, case.site.server, transport, self.dir,
                            user.password if password is None else password, expires,
                            ca or case.site.server.ca, srtp, watch))
        self.log_path = os.path.join(self.dir, "log")
        argv = ["linphonec", "-c", rc, "-d", "6", "-l", self.log_path]
        if auto_answer:
            argv.append("-a")
        env = dict(os.environ, HOME=self.dir, LC_ALL="C")
        self.p = Proc(argv, os.path.join(self.dir, "out"), env=env, netns=self.host, stdin=True)
        case.own(self)
        self.calls = 0
        self.played = os.path.join(self.dir, "say.wav")
        wav.write_tones(self.played, [tone or 0], 2)
        self.command("soundcard use files")
        self.command(f"play {self.played}")
        self.new_recording()

    def new_recording(self):
        """The next call goes into a file of its own, which is complete when the call is over.  Not
        while it rings: linphonec takes no `answer` after it then."""
        self.calls += 1
        self.begun = self.mark()
        self.recording = os.path.join(self.dir, f"heard-{self.calls}.wav")
        self.command(f"record {self.recording}")

    # Commands.

    def command(self, line):
        enter(self.p, line)

    def call(self, uri):
        self.command(f"call {uri}")

    def answer(self):
        self.command("answer")

    def hang_up(self):
        self.command("terminate")

    decline = hang_up  # of a ringing call: 603

    def hold(self):
        self.command("pause")

    def resume(self):
        self.command("resume")

    def transfer(self, uri):
        self.command(f"transfer {uri}")

    def send(self, uri, text):
        """Its console sends the quotes too, which several words need."""
        quote = '"' if " " in text else ""
        self.command(f"chat {uri} {quote}{text}{quote}")

    def watch(self, user):
        """One more; after this it waits for the next state."""
        self.command(f'friend add "{user.name}" {user.uri}')

    def sign_off(self):
        self.command("unregister")

    # Events.

    def log(self, after=0):
        try:
            with open(self.log_path, "rb") as f:
                f.seek(after)
                return f.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def mark(self):
        try:
            return os.path.getsize(self.log_path)
        except FileNotFoundError:
            return 0

    def wait_log(self, pattern, after=0, bound=WAIT_S):
        """Waits until a line of the log matches; returns the match."""
        def seen():
            alive = self.p.running()
            found = re.search(pattern, self.log(after))
            if not found and not alive:
                raise AssertionError(f"linphonec ended ({self.p.p.returncode}): {self.dir}")
            return found
        return wait_for(seen, f"/{pattern}/ in {self.log_path}", bound)

    def wait_registered(self, after=0):
        self.wait_log(r"moving from state \S+ to \[LinphoneRegistrationOk\]", after)

    def wait_registered_again(self, after):
        """After its connection broke.  Where its first try meets a process that is killed right then,
        it makes the next one by its own clock."""
        self.wait_log(r"moving from state \S+ to \[LinphoneRegistrationOk\]", after, WAIT_S + RETRY_S)

    def wait_refused(self):
        self.wait_log(r"moving from state \S+ to \[LinphoneRegistrationFailed\]")

    def wait_signed_off(self):
        self.wait_log(r"moving from state \S+ to \[LinphoneRegistrationCleared\]")

    def _wait_call(self, state, after):
        self.wait_log(rf"moving from state \S+ to (LinphoneCall|CallSession::State::)?{state}\b",
                      after)

    def wait_ringing(self, after=0):
        """Somebody calls us."""
        self._wait_call("IncomingReceived", after)

    def wait_ringback(self, after=0):
        """The one we call rings."""
        self._wait_call("OutgoingRinging", after)

    def wait_in_call(self, after=0):
        self._wait_call("StreamsRunning", after)

    def wait_ended(self, after=0):
        self._wait_call("(?:End|Error)", after)

    def wait_received(self, text, sender=""):
        """A MESSAGE with this text arrived."""
        self.p.wait_text(f"Message received from {sender}", 0)
        self.p.wait_text(text, 0)

    def wait_status(self, method, code, after=0):
        """The answer `code` to a request of ours by `method` arrived."""
        self.wait_log(rf"(?s)SIP/2\.0 {code} [^\n]*\n(?:[A-Za-z-]+: [^\n]*\n)*?"
                      rf"CSeq: \d+ {method}\b", after)

    def wait_sound(self, after=None):
        """Sound has been arriving for a second or two (its log says the bandwidth each second)."""
        begin = self.begun if after is None else after

        def flowing():
            rates = re.findall(r"RTP : \[d=([\d.]+)", self.log(begin))
            return sum(float(r) > STEADY_KBITS for r in rates) >= 2
        wait_for(flowing, f"RTP arriving at {self.log_path}")

    wait_flow = wait_sound

    def wait_heard(self, hz, seconds=0.5):
        """The recording holds the tone.  It is only written when the call is over."""
        def heard():
            return os.path.exists(self.recording) and \
                wav.seconds_of(self.recording, hz) >= seconds
        wait_for(heard, f"{hz} Hz in {self.recording}")

    def presence(self, uri):
        """What it said last of somebody it watches: Online, Away, Busy, On the phone ...; or None."""
        said = re.findall(rf'Friend [^\n]*<{re.escape(uri)}> is ([^\n]*)', self.p.text())
        return said[-1].strip() if said else None

    def wait_presence(self, uri, state):
        wait_for(lambda: self.presence(uri) == state,
                 lambda: f"{uri} {state} at linphonec; it is {self.presence(uri)}")

    def wait_held(self, after=0):
        """The other side has put us on hold."""
        self._wait_call("PausedByRemote", after)

    def wait_resumed(self, after=0):
        """The other side has taken us back."""
        self._wait_call("StreamsRunning", after)

    def wait_hold_done(self, after=0):
        """We have put the other side on hold."""
        self._wait_call("Paused", after)

    def stop(self):
        if self.p.running():
            try:
                self.p.write("quit")
                self.p.p.wait(2)
            except (OSError, Exception):  # it may have ended already; stop() below is firm
                pass
        self.p.stop(polite=None)
