"""A Lync client in plain Python: signs in by NTLM, signs what it sends, and holds every message of
the server against its signature."""
import itertools
import secrets

from lib import ntlm
from lib.siptext import Message, Phone, token

SIPE = "Purple/2.14.12 Sipe/1.25.0 (linux-x86_64)"
LYNC = "UCCAPI/4.0.7577.0 OC/4.0.7577.0 (Microsoft Lync 2010)"
UUID = "5ccdb10d-dca1-559e-ad2b-{:012x}"
_numbers = itertools.count(1)


class LyncClient(Phone):
    """`password`: the account's, unless another is given.  version: of [MS-SIPAE]."""
    agent = SIPE

    def __init__(self, server, user, transport="tls", password=None, version=4, login=None,
                 domain="", **kw):
        self.session, self.offer, self.opaque = None, None, None
        self.cnum, self.version = 0, version
        self.wrong, self.unsigned = [], []  # messages of the server
        self.login, self.login_domain = login or user.name, domain
        self.epid, self.uuid = secrets.token_hex(6), UUID.format(next(_numbers))
        self.gruu = None
        super().__init__(server, user, transport,
                         password=password or user.account_password, **kw)
        self.call_id = token()

    # Signatures.

    def _take(self, raw):
        m = Message.parse(raw) if raw.strip() else None
        if m and self.session and m.code != 401:
            info = m.get("Authentication-Info")
            if not info:
                self.unsigned.append(m)
            else:
                f = ntlm.fields(info)
                if self.session.mic(ntlm.text_of(m, f, True), True) != f["rspauth"].upper():
                    self.wrong.append(m)
        super()._take(raw)

    def signature(self, message):
        """The Authorization value that signs a message."""
        self.cnum += 1
        f = {"crand": secrets.token_hex(4), "cnum": str(self.cnum), "realm": self.offer["realm"],
             "targetname": self.offer["targetname"]}
        mic = self.session.mic(ntlm.text_of(message, f, False))
        return (f'NTLM qop="auth", opaque="{self.opaque}", realm="{f["realm"]}", '
                f'targetname="{f["targetname"]}", crand="{f["crand"]}", cnum="{f["cnum"]}", '
                f'response="{mic}"')

    def send(self, message):
        if self.session and not message.get("Authorization"):
            message.headers.append(("Authorization", self.signature(message)))
        return super().send(message)

    # Requests as this family of clients writes them.

    def via(self):
        return f"SIP/2.0/{self.transport} {self.ip}:{self.port}"

    def contact(self):
        return f"<{self.gruu}>" if self.gruu else super().contact()

    def make(self, method, uri, to=None, dialog=None, **kw):
        m = super().make(method, uri, to=to, dialog=dialog, **kw)
        if not dialog:
            m.set("From", m.get("From") + f";epid={self.epid}")
        m.headers.append(("User-Agent", self.agent))
        return m

    def register_request(self, expires=None, headers=()):
        contact = (f"<sip:{self.ip}:{self.port};transport={self.transport};ms-opaque=d3470f2e1d>;"
                   f'proxy=replace;+sip.instance="<urn:uuid:{self.uuid}>"')
        lines = [("Contact", contact),
                 ("Supported", "gruu-10, adhoclist, msrtc-event-categories"),
                 ("Event", "registration"), ("ms-keep-alive", "UAC;hop-hop=yes"), *headers]
        if expires is not None:
            lines.append(("Expires", expires))
        m = self.make("REGISTER", f"sip:{self.server.domain}", to=self.user.uri, headers=lines)
        return m.set("Call-ID", self.call_id)

    def handshake(self, data=None, session=None):
        """One leg: the answer to a REGISTER with this gssapi-data."""
        m = self.register_request()
        f = self.offer
        head = (f'NTLM qop="auth", realm="{f["realm"]}", targetname="{f["targetname"]}", '
                f'gssapi-data="{data or ""}", version={self.version}')
        if data:
            head += f', opaque="{self.opaque}"'
        if session and self.version == 4:
            self.session, before = session, self.session
            head += ", " + self.signature(m).split(", ", 4)[4]
            self.session = before
        m.headers.append(("Authorization", head))
        Phone.send(self, m)
        return self.expect_answer(m)

    def begin(self):
        """The first two legs; the CHALLENGE."""
        self.session = None
        m = Phone.send(self, self.register_request())
        answer = self.expect_answer(m)
        if answer.code != 401:
            return answer
        offers = [v for v in answer.all("WWW-Authenticate") if v.startswith("NTLM")]
        if len(offers) != 1 or len(answer.all("WWW-Authenticate")) != 1:
            raise AssertionError(f"one NTLM offer: {answer.headers}")
        self.offer = ntlm.fields(offers[0])
        answer = self.handshake()
        f = ntlm.fields(answer.get("WWW-Authenticate", ""))
        if "opaque" not in f:
            return answer
        self.opaque = f["opaque"]
        return ntlm.decode(f["gssapi-data"])

    def register(self, **kw):
        """Signs in (or, signed in, refreshes); the final answer."""
        if self.session:
            m = self.send(self.register_request(**kw))
            return self.expect_answer(m)
        challenge = self.begin()
        if isinstance(challenge, Message):
            return challenge
        data, session = ntlm.authenticate(challenge, self.login, self.password,
                                          self.login_domain)
        # The answer is signed already.
        answer = self.finish(ntlm.encode(data), session)
        return answer

    def finish(self, data, session):
        answer = self.handshake(data, session)
        if answer.code == 200:
            self.session = session
            f = ntlm.fields(answer.get("Authentication-Info", ""))
            if not f or session.mic(ntlm.text_of(answer, f, True), True) != f["rspauth"].upper():
                raise AssertionError(f"the 200 is not signed: {answer.headers}")
            self.take_gruu(answer)
        return answer

    def take_gruu(self, answer):
        for value in answer.all("Contact"):
            if self.uuid in value and 'gruu="' in value:
                self.gruu = value.split(';gruu="')[1].split('"')[0]

    def sign_off(self):
        return self.register(expires=0)

    def check_signed(self):
        """Nothing came unsigned or wrongly signed since the sign-in."""
        if self.wrong or self.unsigned:
            raise AssertionError(f"wrongly signed: {self.wrong}, unsigned: {self.unsigned}")
