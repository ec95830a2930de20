"""Legitimate users who talk all the time while a fault is made: over UDP, TCP and TLS, messages and
whole calls.  They behave as phones do: over UDP they send again what is not answered, they answer
challenges, and (if wanted) they sign in again when their connection was ended."""
import threading
import time

from lib.siptext import Dialog, Phone
from lib.tap import check, check_eq, wait_for

TEXT = [("Content-Type", "text/plain")]
T1_S, T2_S, GIVE_UP_S = 0.5, 4, 60
ACK_S = 5  # a person hangs up and calls again
WAYS = (("udp", "tcp"), ("tcp", "tls"), ("tls", "udp"))
MESSAGES_A_CALL = 4
FINISH_S = 120  # for what is left of the fixed rounds


class Lost(Exception):
    """The connection ended before the answer came."""


def _take(phone, match):
    with phone._lock:
        for i, m in enumerate(phone.inbox):
            if match(m):
                return phone.inbox.pop(i)
    return None


class _Patience:
    """When to send again over an unreliable transport."""

    def __init__(self, bound=GIVE_UP_S):
        self.pause, self.bound, self.end = T1_S, bound, time.monotonic() + bound
        self.next = time.monotonic() + T1_S

    def over(self):
        return time.monotonic() > self.end

    def due(self):
        now = time.monotonic()
        if self.over():
            raise AssertionError(f"no answer in {self.bound} s")
        if now < self.next:
            return False
        self.pause = min(2 * self.pause, T2_S)
        self.next = now + self.pause
        return True


def ask_once(phone, request):
    """Sends the request until its final answer is there."""
    phone.send(request)
    patience = _Patience()
    while True:
        answer = _take(phone, lambda m: m.code and m.code >= 200 and m.cseq == request.cseq and
                       m.get("Call-ID") == request.get("Call-ID"))
        if answer:
            return answer
        if phone.closed:
            raise Lost()
        if patience.due() and phone.transport == "udp":
            phone.send(request)
        time.sleep(0.002)


def ask(phone, request):
    """The same with one challenge round: (answer, the request as sent last)."""
    answer = ask_once(phone, request)
    if answer.code in (401, 407):
        if request.method == "INVITE":
            phone.ack(request, answer)
        request = phone.again(request, answer)
        answer = ask_once(phone, request)
    if request.method == "INVITE" and answer.code >= 300:
        phone.ack(request, answer)
    return answer, request


class Callee:
    """Takes every message and every call."""

    def __init__(self, pair):
        self.pair = pair
        self.texts = set()      # of the messages
        self.acked = set()      # Call-IDs
        self.ended = set()
        self._unacked = {}      # Call-ID: (request, when to answer again)

    def step(self, phone):
        m = _take(phone, lambda m: m.method)
        if m:
            self._serve(phone, m)
        for call_id, (request, patience) in list(self._unacked.items()):
            if patience.over():
                del self._unacked[call_id]  # the caller has gone
            elif patience.due():
                self._accept(phone, request)
        return m is not None

    @staticmethod
    def _accept(phone, request):
        phone.answer(request, 200, tag="callee")

    def _serve(self, phone, m):
        call_id = m.get("Call-ID")
        if m.method == "ACK":
            self._unacked.pop(call_id, None)
            self.acked.add(call_id)
        elif m.method == "INVITE":
            if call_id not in self._unacked and call_id not in self.acked:
                phone.answer(m, 180, tag="callee")
                self._unacked[call_id] = (m, _Patience())
            self._accept(phone, m)
        else:
            if m.method == "MESSAGE":
                self.texts.add(m.body.decode())
            elif m.method == "BYE":
                self._unacked.pop(call_id, None)
                self.ended.add(call_id)
            phone.answer(m, 200)


class Pair:
    """A caller and a callee, and two threads that move them."""

    def __init__(self, load, one, other):
        self.load = load
        self.name = f"{one} to {other}"
        self.a = load.phone("caller", one)
        self.b = load.phone("callee", other)
        self.callee = Callee(self)
        self.rounds, self.sent, self.failures = 0, [], []
        self.threads = [threading.Thread(target=t, daemon=True)
                        for t in (self._call_all, self._answer_all)]

    # The callee.

    def _answer_all(self):
        while not self.load.over.is_set():
            try:
                if self.b.closed and self.load.resilient:
                    self.b = self.load.reopen(self.b)
                if not self.callee.step(self.b):
                    time.sleep(0.002)
            except (OSError, Lost):
                time.sleep(0.05)
            except AssertionError as e:
                self.failures.append(str(e)[:300])

    # The caller.

    def _message(self):
        text = f"{self.name} {len(self.sent)}"
        answer, _ = ask(self.a, self.a.make("MESSAGE", self.b.user.uri, body=text, headers=TEXT))
        check_eq(answer.code, 200, "MESSAGE")
        self.sent.append(text)

    def _call(self):
        answer, inv = ask(self.a, self.a.invite(self.b.user.uri))
        check_eq(answer.code, 200, "INVITE")
        dialog = self.a.confirm(inv, answer)
        self._until_acked(inv)
        answer, _ = ask(self.a, self.a.make("BYE", None, dialog=dialog))
        check_eq(answer.code, 200, "BYE")
        check(inv.get("Call-ID") in self.callee.ended, "the callee knows of no end")

    def _until_acked(self, inv):
        """The callee repeats its 200 until the ACK arrives, and the caller its ACK.  A server that
        was started anew in between knows nothing of the 200 and drops it (RFC 6026)."""
        call_id = inv.get("Call-ID")
        patience = _Patience(ACK_S if self.load.resilient else GIVE_UP_S)
        while call_id not in self.callee.acked:
            again = _take(self.a, lambda m: m.code == 200 and m.get("Call-ID") == call_id)
            if again:
                self.a.confirm(inv, again)
            if self.a.closed:
                raise Lost()
            patience.due()
            time.sleep(0.002)

    def _round(self):
        with self.a._lock:
            self.a.inbox.clear()
        for _ in range(MESSAGES_A_CALL):
            self._message()
        self._call()

    def _call_all(self):
        while not self.load.enough(self):
            try:
                if self.a.closed and self.load.resilient:
                    self.a = self.load.reopen(self.a)
                self._round()
                self.rounds += 1
            except (AssertionError, Lost, OSError) as e:
                self.failures.append(f"{self.name}: {type(e).__name__} {str(e)[:300]}")
                if not self.load.resilient:
                    return
                time.sleep(0.05)


class Load:
    """At least `rounds` rounds of four messages and one call for each of three pairs of phones, and
    more until finish() is called.  resilient: phones sign in again, and failures are for the test to
    judge (failed()); else any failure fails finish()."""

    def __init__(self, case, rounds=25, resilient=False):
        self.case, self.rounds, self.resilient = case, rounds, resilient
        self.over, self._asked = threading.Event(), threading.Event()
        self._gone = {}  # messages sent by phones that were given up, by transport
        self.pairs = [Pair(self, one, other) for one, other in WAYS]
        case.undo.callback(self.over.set)
        case.undo.callback(self._asked.set)
        for p in self.pairs:
            for t in p.threads:
                t.start()

    def phone(self, name, transport):
        user = self.case.site.user(name)
        return self._sign_in(Phone(self.case.site.server, user, transport))

    def _sign_in(self, phone):
        self.case.own(phone)
        request = phone.make("REGISTER", f"sip:{phone.server.domain}", to=phone.user.uri,
                             headers=[("Contact", phone.contact()), ("Expires", 600)])
        answer, _ = ask(phone, request)
        check_eq(answer.code, 200, f"the sign-in of {phone.user.name}")
        return phone

    def reopen(self, phone):
        """The phone's user on a new connection."""
        new = self._sign_in(Phone(self.case.site.server, phone.user, phone.transport))
        self._gone[phone.transport] = self._gone.get(phone.transport, 0) + phone.n_sent
        return new

    def enough(self, pair):
        if self.over.is_set() or (pair.failures and not self.resilient):
            return True
        return self._asked.is_set() and pair.rounds >= self.rounds

    def sent_on(self, transport):
        """Messages that these phones have sent over a transport."""
        return self._gone.get(transport, 0) + sum(
            p.n_sent for pair in self.pairs for p in (pair.a, pair.b) if p.transport == transport)

    def failed(self):
        return [f for p in self.pairs for f in p.failures]

    def goes_on(self, more=2):
        """Waits until each pair has done further whole rounds."""
        goals = [p.rounds + more for p in self.pairs]
        wait_for(lambda: all(p.rounds >= g for p, g in zip(self.pairs, goals)) or
                 (self.failed() and not self.resilient),
                 lambda: f"the load to go on; {self.state()}")

    def state(self):
        """What each pair is at, for a failed test."""
        return "\n".join(f"{p.name}: {p.rounds} rounds; caller sent {p.a.last}, got {p.a.all[-5:]}; "
                         f"callee sent {p.b.last}, got {p.b.all[-5:]}; failures {p.failures[-3:]}"
                         for p in self.pairs)

    def finish(self):
        """Lets the phones do what is left, and checks that all of it ended right."""
        self._asked.set()
        wait_for(lambda: not any(p.threads[0].is_alive() for p in self.pairs),
                 lambda: f"the load to end; {self.state()}", FINISH_S)
        self.over.set()
        for p in self.pairs:
            p.threads[1].join()
            if self.resilient:
                check(p.rounds >= self.rounds, f"{p.name}: {p.rounds} rounds")
            else:
                check_eq(p.failures, [], f"failures of the legitimate users, {p.name}")
                check_eq(set(p.sent) - p.callee.texts, set(), "messages that did not arrive")
                check(not p.a.closed and not p.b.closed, "a legitimate connection was closed")
