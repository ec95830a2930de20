"""Reads the Prometheus metrics of a process, and holds their text against the format."""
import http.client
import re

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\.)*)"')
_SAMPLE = re.compile(rf"^({_NAME})(?:\{{([^}}]*)\}})? (\S+)$")
TIMEOUT_S = 20


def fetch(port, path="/metrics", method="GET", host="127.0.0.1"):
    """(status, content type, body)"""
    c = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
    try:
        c.request(method, path)
        r = c.getresponse()
        return r.status, r.getheader("Content-Type"), r.read().decode()
    finally:
        c.close()


def _labels(text):
    if not text:
        return frozenset()
    if ",".join(m.group(0) for m in _LABEL.finditer(text)) != text:
        raise AssertionError(f"broken labels: {text}")
    return frozenset(_LABEL.findall(text))


class Metrics:
    """One scrape; `types` and `helps` by name."""

    def __init__(self, text):
        self.types, self.helps, self.samples = {}, {}, {}
        if not text.endswith("\n"):
            raise AssertionError("the last line does not end")
        for line in text.splitlines():
            self._take(line)

    def _take(self, line):
        words = line.split(" ", 3)
        if words[:2] == ["#", "HELP"]:
            self.helps[words[2]] = words[3]
        elif words[:2] == ["#", "TYPE"]:
            if words[2] in self.types:
                raise AssertionError(f"the type of {words[2]} stands there twice")
            self.types[words[2]] = words[3]
        else:
            m = _SAMPLE.match(line)
            if not m:
                raise AssertionError(f"no sample: {line!r}")
            key = (m.group(1), _labels(m.group(2)))
            if key in self.samples:
                raise AssertionError(f"twice: {line}")
            self.samples[key] = float(m.group(3))

    def get(self, name, **labels):
        """The sum of the samples that have these labels; 0 if there is none."""
        wanted = set(labels.items())
        return sum(v for (n, has), v in self.samples.items() if n == name and wanted <= has)


def scrape(port):
    status, kind, text = fetch(port)
    if status != 200 or not kind.startswith("text/plain"):
        raise AssertionError(f"/metrics answers {status}, {kind}")
    return Metrics(text)
