"""From samples to the table: medians, ratios round by round, budgets."""
import collections
import statistics

from plan import CHAT_HOPS, EXCHANGES, HOW, OPS, Sample

# Row -> (ratio to what, the most it may be), or bytes for memory, nanoseconds for one message or packet.
HALF = ("kamailio", 0.5)


PRESENCE = {
    "start": "sign-in of a Lync client with contacts, own data, watching and a publication",
    "signed-in": "memory for each signed-in user with 80 contacts and 1.5 endpoints",
    "model": "user model, one request with its answer",
    "model-core": "cores for the user model's rate of 80,000 users",
    "model-alone": "publication that nobody watches",
    "model-notify": "notification of a publication",
    "model-refresh": "REGISTER, 200, signed",
    "model-poll": "presence poll of 3 people",
    "model-brief": "subscription to 40 people, opened or closed",
    "model-session": "IM, one request of a session (INVITE, 10 MESSAGE, 20 INFO, BYE)",
    "model-search": "search of the directory",
    "growth": "cost of a request, from the fewest endpoints to the most",
}


def budget_of(row, size):
    kind, transport, how = row
    if kind in ("register", "message", "call") and how in ("", "flow", "kept"):
        return HALF
    if kind == "signing":
        return ("us", 6)
    if kind == "register-many":
        return ("echo", 1.5)
    if kind == "checked" and transport == "register":
        return ("ns", 1000)
    if kind in ("sealed", "opened"):
        return ("ns", 420)
    if kind == "idle":
        return ("bytes", {"tls": 20000, "tcp": 4000, "udp": 600}[transport])
    if kind == "fanout":
        return ("us", 15 if how == "lync" else {"udp": 10, "tcp": 15, "tls": 35}[transport])
    if kind == "signed-in":
        return ("bytes", 60000)
    if kind == "model-core":
        return ("cores", 1)
    if kind == "growth":
        return ("times", 1.6)
    return None


def title_of(row):
    kind, transport, how = row
    if kind in ("parsed", "checked"):
        what = "parsed" if kind == "parsed" else "parsed and checked"
        return f"one {transport.upper()} of {int(how):,} bytes, {what}"
    if kind in ("sealed", "opened"):
        return f"one packet of {how} bytes of sound, {kind} (SRTP)"
    if kind == "register" and how == "lync":
        return f"REGISTER, 401, REGISTER, 401, REGISTER, 200, TLS; NTLM, {HOW[how]}"
    if kind == "refresh" and how == "lync":
        return f"REGISTER, 200, TLS; {HOW[how]}"
    if kind == "signing":
        return "signing or verifying one message (of the two rows with MESSAGE in a dialog)"
    if kind in PRESENCE:
        n = f"{int(how):,} endpoints" if how.isdigit() else how
        return f"{PRESENCE[kind]}, {n}"
    if kind == "fanout":
        what = "signed BENOTIFY" if how == "lync" else "NOTIFY, 200"
        return f"{what}, {transport.upper()}; of one publisher to 100 watchers"
    if kind in OPS:
        return f"{OPS[kind]}, {transport.upper()}" + (f"; {HOW[how]}" if how else "")
    if kind == "echo":
        return f"one echo, {transport.upper()}, {how} connections"
    if kind == "register-many":
        return f"{OPS['register']}, TLS, a connection for each client"
    if kind == "idle":
        what = "registered user" if transport == "udp" else "idle registered client"
        return f"memory for each {what}, {int(how):,}, {transport.upper()}"
    if kind == "after-storm":
        return f"the same after a sign-in storm, {int(how):,}, {transport.upper()}"
    return f"sign-in storm after a restart, {int(how):,} clients, {transport.upper()}"


def unit_of(row):
    if row[0] in ("parsed", "checked", "sealed", "opened"):
        return "ns"
    if row[0] in ("model-core", "growth"):
        return "x"
    return "B" if row[0] in ("idle", "after-storm", "signed-in") else "us"


class Figures:
    """The samples of one row and server."""

    def __init__(self):
        self.values, self.errors, self.notes = [], collections.Counter(), []

    def add(self, sample):
        if sample.value is not None:
            self.values.append(sample.value)
        self.errors.update(sample.errors)
        if sample.note:
            self.notes.append(sample.note)

    @classmethod
    def of(cls, values):
        """The text of some."""
        figures = cls()
        figures.values = values
        return figures.text()

    @property
    def median(self):
        return statistics.median(self.values) if self.values else None

    def text(self):
        if not self.values:
            return "-"
        digits = 2 if self.median < 2 else 1 if self.median < 100 else 0
        text = f"{self.median:.{digits}f}"
        if len(self.values) > 1:
            text += f" ({min(self.values):.{digits}f}..{max(self.values):.{digits}f})"
        return text


def ratio(above, below, factor=1):
    """Median of the ratios round by round; both lists are in the order of the rounds."""
    pairs = [a / (b * factor) for a, b in zip(above.values, below.values) if b]
    return statistics.median(pairs) if pairs else None


def signing_part(samples):
    """What signing adds to each message at a client's hop, round by round."""
    def chats(how):
        return [s for s in samples if s.row == ("chat", "tls", how)]
    for signed, plain in zip(chats("lync"), chats("phones")):
        if signed.value is not None and plain.value is not None:
            yield Sample(("signing", "tls", ""), signed.server,
                         (signed.value - plain.value) / CHAT_HOPS,
                         {**plain.errors, **signed.errors}, "")


def growth(samples):
    """How a request of the user model, and its floor, grow from the smallest population."""
    for kind in ("model", "echo"):
        found = [s for s in samples if s.row[0] == kind and s.row[1] == "tls" and s.value]
        sizes = sorted({int(s.row[2]) for s in found if any(
            m.row == ("model", "tls", s.row[2]) for m in samples)})
        if len(sizes) < 2:
            continue
        few, many = ([s for s in found if s.row[2] == str(n)] for n in (sizes[0], sizes[-1]))
        for a, b in zip(few, many):
            yield Sample(("growth", "tls", f"{sizes[0]:,} to {sizes[-1]:,}"), a.server,
                         b.value / a.value, {}, "")


class Report:
    def __init__(self, samples, size):
        self.size = size
        self.rows = collections.OrderedDict()
        for s in [*samples, *signing_part(samples), *growth(samples)]:
            self.rows.setdefault(s.row, collections.defaultdict(Figures))[s.server].add(s)

    def _floor(self, row):
        """(echo figures, how many of them the operation is), or None."""
        kind, transport, how = row
        if kind == "register-many":
            echo, n = ("echo", transport, str(self.size.many)), EXCHANGES["register"]
        elif kind in EXCHANGES and how in ("", "flow", "kept"):
            echo, n = ("echo", transport, str(self.size.conns)), EXCHANGES[kind]
        elif kind == "model":
            echo, n = ("echo", transport, how), 1
        elif kind in ("idle", "after-storm", "storm", "growth"):
            echo, n = row, 1
        else:
            return None
        figures = self.rows.get(echo, {}).get("echo")
        return (figures, n) if figures and figures.values else None

    def summary(self):
        """One dictionary for each row, for the table and for --json."""
        for row, by_server in self.rows.items():
            ours, peer, floor = by_server["dialtone"], by_server["kamailio"], self._floor(row)
            budget = budget_of(row, self.size)
            entry = {
                "row": "/".join(x for x in row if x), "title": title_of(row), "unit": unit_of(row),
                "figures": {n: f.values for n, f in by_server.items() if f.values},
                "text": {n: f.text() for n, f in by_server.items() if f.values},
                "errors": {n: dict(f.errors) for n, f in by_server.items() if f.errors},
                "notes": {n: f.notes for n, f in by_server.items() if f.notes},
                "to_kamailio": ratio(ours, peer), "budget": budget, "met": None,
                "to_echo": ratio(ours, *floor) if floor else None,
            }
            if budget and ours.values:
                value = {"kamailio": entry["to_kamailio"], "echo": entry["to_echo"],
                         "bytes": ours.median, "ns": ours.median,
                         "us": ours.median, "cores": ours.median,
                         "times": ours.median}[budget[0]]
                entry["met"] = None if value is None else value <= budget[1]
            yield entry


def _budget_text(budget):
    if not budget:
        return ""
    what, most = budget
    units = {"bytes": " B", "ns": " ns", "us": " us", "cores": " core", "times": " x"}
    return f"{most}{units[what]}" if what in units else f"{most} x {what}"


def _ratio_text(value):
    return "" if value is None else f"{value:.2f}"


def table(entries, peer):
    """Lines of text: beside that server."""
    columns = ("what", "unit", "dialtone", peer, "echo", f"/{peer[:3]}.", "/echo", "budget", "")
    lines = [columns]
    for e in entries:
        met = {True: "met", False: "NOT met", None: ""}[e["met"]]
        if e["errors"].get("dialtone"):
            met += " (errors)"
        if e.get("remark"):
            met += f" ({e['remark']})"
        lines.append((e["title"], e["unit"], *(e["text"].get(n, "") for n in
                                               ("dialtone", peer, "echo")),
                      _ratio_text(e["to_" + peer]), _ratio_text(e["to_echo"]),
                      _budget_text(e["budget"]), met))
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    for line in lines:
        yield "  ".join(cell.ljust(w) for cell, w in zip(line, widths)).rstrip()


def problems(entries):
    for e in entries:
        for server, found in e["errors"].items():
            words = ", ".join(f"{n} {word}" for word, n in sorted(found.items()))
            yield f"{e['title']}: {server}: {words}"
