"""baresip 1.0 or 1.1: a phone driven by JSON in netstrings over TCP (ctrl_tcp).

Events come over the same connection; SIP messages stand in its output (-s).  Sound comes from a
wav file (aufile), and what it hears is written by its sndfile filter.
"""
import glob
import json
import os
import re
import shutil
import socket
import threading

from lib import wav
from lib.proc import Proc
from lib.tap import Skip, wait_for

MODULES = "/usr/lib/baresip/modules"
CTRL_PORT = 4444


def need():
    if not shutil.which("baresip") and not os.path.exists("/usr/bin/baresip"):
        raise Skip("baresip is not installed (package baresip-core)")


def _config(folder, host, server):
    return f"""poll_method epoll
sip_listen {host.ip}:5060
sip_certificate {folder}/own.pem
sip_cafile {server.ca}
call_local_timeout 120
call_max_calls 4
audio_source aufile,{folder}/say.wav
audio_player aubridge,quiet
audio_alert aubridge,quiet
ausrc_format s16
auplay_format s16
auenc_format s16
audec_format s16
audio_buffer 20-160
rtp_ports 10000-10100
jitter_buffer_delay 1-5
net_interface eth0
dns_server {server.ip}:53
module_path {MODULES}
module g711.so
module sndfile.so
module aufile.so
module aubridge.so
module srtp.so
module_tmp account.so
module_app contact.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen {host.ip}:{CTRL_PORT}
snd_path .
menu_bell no
statmode_default off
redial_attempts 0
ringback_disabled yes
"""


class Baresip:
    """One phone of `user` on a machine of its own.  srtp: it makes no call without.  watch: users
    whose presence it subscribes to; then it publishes its own.  mwi: it asks for waiting voice
    mail."""

    def __init__(self, case, user, transport="udp", password=None, auto_answer=False,
                 expires=600, tone=None, host=None, register=True, srtp=False, watch=None,
                 mwi=False):
        need()
        self.user = user
        self.host = host or case.own(case.site.net.host())
        self.dir = os.path.join(case.dir, f"baresip-{self.host.name}-{user.name}")
        os.makedirs(self.dir)
        server = case.site.server
        server.client_cert(os.path.join(self.dir, "own.pem"))
        self._write("config", _config(self.dir, self.host, server))
        mode = "auto" if auto_answer else "manual"
        self._write("accounts", "")
        self._write("contacts", "".join(f'"{u.name}" <{u.uri}>;presence=p2p\n' for u in watch or ()))
        account = (f"<{user.uri};transport={transport}>;auth_user={user.name}"
                   f";auth_pass={user.password if password is None else password}"
                   f';outbound="sip:{server.domain};transport={transport}"'
                   f";answermode={mode};regint={expires if register else 0};audio_codecs=PCMU"
                   f"{';mediaenc=srtp-mand' if srtp else ''}"
                   f"{'' if watch is None else f';pubint={expires}'}{';mwi=yes' if mwi else ''}")
        wav.write_tones(os.path.join(self.dir, "say.wav"), [tone or 0], 60)
        self.p = Proc(["baresip", "-s", "-v", "-f", self.dir], os.path.join(self.dir, "out"),
                      cwd=self.dir, env=dict(os.environ, HOME=self.dir, LC_ALL="C"), netns=self.host)
        case.own(self)
        self.events = []
        self._lock = threading.Lock()
        self._answers = {}
        self._token = 0
        self._sock = wait_for(self._connect, f"the control port of {self.dir}")
        threading.Thread(target=self._read, daemon=True).start()
        if mwi:  # asks when an account has registered, now and then without an end
            self.command("insmod", "mwi.so")
        # Only now, so that no event is missed.
        self.command("uanew", account)
        if watch is not None:
            self._start_presence()

    def _start_presence(self):
        """The module publishes only for accounts that it finds when it is loaded."""
        self.wait_registered()
        self._published(lambda: self.command("insmod", "presence.so"))

    def _published(self, change):
        """Does what makes it publish, till that was accepted: it does not wait for the answer itself
        (its next PUBLISH would lack the tag, and make a second publication beside the first)."""
        def tags():
            with open(os.path.join(self.dir, "out"), encoding="utf-8", errors="replace") as f:
                return f.read().count("SIP-ETag: ")
        before = tags()
        change()
        wait_for(lambda: tags() > before, f"an accepted PUBLISH in {self.dir}/out")

    def _write(self, name, text):
        with open(os.path.join(self.dir, name), "w", encoding="utf-8") as f:
            f.write(text)

    def _connect(self):
        if not self.p.running():
            raise AssertionError(f"baresip ended ({self.p.p.returncode}): {self.dir}/out")
        try:
            s = socket.create_connection((self.host.ip, CTRL_PORT), 5)
            s.settimeout(None)
            return s
        except OSError:
            return None

    def _read(self):
        """Netstrings: LENGTH ':' JSON ','."""
        buf = b""
        while True:
            try:
                more = self._sock.recv(65536)
            except OSError:
                return
            if not more:
                return
            buf += more
            while b":" in buf:
                head, rest = buf.split(b":", 1)
                n = int(head)
                if len(rest) <= n:
                    break
                self._take(json.loads(rest[:n].decode("utf-8", "replace")))
                buf = rest[n + 1:]

    def _take(self, obj):
        with self._lock:
            if obj.get("response"):
                self._answers[obj.get("token")] = obj
            else:
                self.events.append(obj)
        with open(os.path.join(self.dir, "events"), "a", encoding="utf-8") as f:
            f.write(json.dumps(obj) + "\n")

    # Commands.

    def command(self, name, params="", must=True):
        """Runs one command and returns the text of its answer: a yes, if it must be one."""
        with self._lock:
            self._token += 1
            token = str(self._token)
        text = json.dumps({"command": name, "params": params, "token": token})
        self._sock.sendall(f"{len(text)}:{text},".encode())
        answer = wait_for(lambda: self._answers.get(token), f"baresip's answer to {name}")
        if must and not answer.get("ok"):
            raise AssertionError(f"baresip refused {name} {params}: {answer.get('data')}")
        return answer.get("data", "")

    def call(self, uri):
        self.command("dial", uri)

    def answer(self):
        self.command("accept")

    def hang_up(self):
        self.command("hangup")

    busy = hang_up  # of a ringing call: 486

    def hold(self):
        self.command("hold")

    def resume(self):
        # baresip 1.1 does it, and then says no, for want of another call to put on hold.
        self.command("resume", must=False)

    def transfer(self, uri):
        self.command("transfer", uri)

    def set_online(self, on):
        """The only two states that it publishes."""
        self._published(lambda: self.command("presence_online" if on else "presence_offline"))

    def sign_off(self):
        self.command("uadel", self.user.uri)

    # Events.

    def mark(self):
        return len(self.events)

    def wait_event(self, kind, after=0, **fields):
        """Waits for an event of this type whose fields hold these texts; returns it."""
        def seen():
            with self._lock:
                events = self.events[after:]
            for e in events:
                if e.get("type") == kind and \
                        all(v in str(e.get(k, "")) for k, v in fields.items()):
                    return e
            if not self.p.running():
                raise AssertionError(f"baresip ended ({self.p.p.returncode}): {self.dir}/out")
            return None
        return wait_for(seen, lambda: f"{kind} {fields} of baresip in {self.dir}; it said "
                        f"{[(e.get('type'), e.get('param')) for e in self.events]}")

    def wait_registered(self, after=0):
        self.wait_event("REGISTER_OK", after)

    def wait_refused(self):
        self.wait_event("REGISTER_FAIL")

    def wait_ringing(self, after=0):
        self.wait_event("CALL_INCOMING", after)

    def wait_ringback(self, after=0):
        self.wait_event("CALL_RINGING", after)

    def wait_in_call(self, after=0):
        self.wait_event("CALL_ESTABLISHED", after)

    def wait_ended(self, after=0):
        return self.wait_event("CALL_CLOSED", after)

    def wait_sip(self, pattern, after=0):
        """Waits for a piece of SIP text in the trace."""
        return wait_for(lambda: re.search(pattern, self.p.text_after(after)),
                        f"/{pattern}/ in {self.p.log}")

    def new_recording(self):
        """It makes one for each call by itself."""

    def _heard_files(self):
        return glob.glob(os.path.join(self.dir, "dump-*-dec.wav"))

    def wait_sound(self, after=0):
        """More than a second of sound has arrived in the present call."""
        wait_for(lambda: any(wav.length(f) > 1.5 for f in self._heard_files()),
                 f"sound in {self.dir}/dump-*-dec.wav")

    def wait_flow(self, after=0):
        """RTP keeps arriving: between two of its RTCP reports the count of packets grew.  (After a
        hold baresip does not go on with the recording that wait_sound() looks at.)"""
        def flowing():
            with self._lock:
                counts = [e["rtcp_stats"]["rx"]["sent"] for e in self.events[after:]
                          if e.get("type") == "CALL_RTCP" and "rtcp_stats" in e]
            return len(counts) >= 2 and counts[-1] >= counts[0] + 25
        wait_for(flowing, f"RTCP reports of RTP arriving in {self.dir}/events")

    def wait_heard(self, hz, seconds=0.5):
        wait_for(lambda: any(wav.seconds_of(f, hz) >= seconds for f in self._heard_files()),
                 f"{hz} Hz in {self.dir}/dump-*-dec.wav")

    def wait_received(self, text, sender=""):
        """A MESSAGE with this text arrived."""
        self.p.wait_text(text)

    def presence(self, uri):
        """What it shows of somebody it watches: Unknown, Online, Offline or Busy."""
        text = re.sub(r"\x1b\[[\d;]*m", "", self.command("contacts"))
        return re.search(rf"(\w+) +[^\n]*<{re.escape(uri)}>", text)[1]

    def wait_presence(self, uri, state):
        wait_for(lambda: self.presence(uri) == state,
                 lambda: f"{uri} {state} at baresip; it is {self.presence(uri)}")

    def wait_held(self, after=0):
        self.wait_event("CALL_REMOTE_SDP", after, param="offer")
        self.wait_sip(r"a=(sendonly|inactive)")

    def wait_resumed(self, after=0):
        self.wait_event("CALL_REMOTE_SDP", after, param="offer")

    def wait_signed_off(self):
        """Its `Expires: 0` or `expires=0` was answered with 200."""
        self.wait_sip(r"(?s)REGISTER sip:.{0,400}expires=0.*SIP/2\.0 200 ")

    def wait_hold_done(self, after=0):
        self.wait_event("CALL_REMOTE_SDP", after, param="answer")

    def stop(self):
        try:
            self._sock.close()
        except (AttributeError, OSError):
            pass
        self.p.stop()
