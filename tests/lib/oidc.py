"""A small OpenID provider: discovery, authorization with consent by parameter or by a page, tokens with PKCE, keys.
What is wrong with an answer the test says, in the address that its browser goes to (`mode`) or of all answers
(Provider.broken)."""
import base64
import hashlib
import hmac
import http.client
import http.server
import json
import os
import secrets
import ssl
import subprocess
import threading
import time
import urllib.parse

from lib.tap import WAIT_S

CLIENT, SECRET = "dialtone", "s3cret/with+signs"
HOST = "login.company.test"
PORT = 8443
NAME = "Company & Söhne"
PAGE = """<!doctype html><title>Company</title><h1>Company</h1>
<form><input type="hidden" name="query" value="{query}"><label for="as">Who are you?</label>
<input id="as" name="as"><button>Continue</button></form>
<script>document.querySelector('form').onsubmit = (e) => {{
  e.preventDefault();
  location.href = location.href + '&as=' + encodeURIComponent(document.getElementById('as').value);
}};</script>"""


def settings(folder, **more):
    """Lines for [role accounts] of a server in that folder; more: others of them, empty for none."""
    secret = os.path.join(folder, "oidc.secret")
    if not os.path.exists(secret):
        with open(secret, "w", encoding="ascii") as f:
            f.write(SECRET + "\n")
        os.chmod(secret, 0o640)
    lines = {"oidc-issuer": f"https://{HOST}:{PORT}", "oidc-client-id": CLIENT, "oidc-secret-file": secret,
             "oidc-name": NAME, "oidc-ca-file": os.path.join(folder, "server", "certs", "ca.pem"), **more}
    return "\n".join(f"{k} = {v}" for k, v in lines.items() if v) + "\n"


def zone(ip):
    """Lines of the DNS server's."""
    return [f"{HOST}. 60 IN A {ip}"]


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*words, data=None):
    return subprocess.run(["openssl", *words], input=data, check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout


class Key:
    """One that signs; RS256 or ES256."""

    def __init__(self, folder, kid, alg="RS256"):
        self.kid, self.alg = kid, alg
        self.path = os.path.join(folder, f"{kid}-{secrets.token_hex(4)}.pem")
        how = ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"] if alg == "RS256" else \
            ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        openssl("genpkey", "-algorithm", *how, "-out", self.path)

    def pem(self):
        return openssl("pkey", "-in", self.path, "-pubout")

    def jwk(self):
        key = {"kid": self.kid, "use": "sig", "alg": self.alg}
        if self.alg == "ES256":
            point = openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER")[-64:]
            return {**key, "kty": "EC", "crv": "P-256", "x": b64(point[:32]), "y": b64(point[32:])}
        text = openssl("rsa", "-in", self.path, "-noout", "-modulus").decode()
        return {**key, "kty": "RSA", "e": "AQAB", "n": b64(bytes.fromhex(text.strip().split("=")[1]))}

    def sign(self, data):
        der = openssl("dgst", "-sha256", "-sign", self.path, data=data)
        if self.alg == "RS256":
            return der
        numbers, at = b"", 2  # SEQUENCE of two INTEGERs
        for _ in range(2):
            n = der[at + 1]
            numbers += der[at + 2:at + 2 + n].lstrip(b"\0").rjust(32, b"\0")
            at += 2 + n
        return numbers


def token(key, claims, **head):
    """A JWS in its compact form; alg of the head says how it is signed."""
    head = {"alg": key.alg, "kid": key.kid, "typ": "JWT", **head}
    text = b64(json.dumps(head).encode()) + "." + b64(json.dumps(claims).encode())
    if head["alg"] == "none":
        return text + "."
    if head["alg"] == "HS256":
        return text + "." + b64(hmac.new(key.pem(), text.encode(), hashlib.sha256).digest())
    return text + "." + b64(key.sign(text.encode()))


class Provider:
    """start() it with the CA of a server, so that who trusts that trusts it."""

    def __init__(self, folder, certs, ip):
        self.folder, self.ip = os.path.join(folder, "provider"), ip
        os.makedirs(self.folder)
        self.issuer = f"https://{HOST}:{PORT}"
        self.keys = [Key(self.folder, "one"), Key(self.folder, "ec", "ES256")]
        self.stranger = Key(self.folder, "one")
        self.broken = ""  # one of: slow, huge, html, issuer, down, keys
        self.post_alone = False
        self.codes, self.asked, self._lock = {}, [], threading.Lock()
        self._httpd = http.server.ThreadingHTTPServer((ip, PORT), self._handler())
        self._httpd.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self._certificate(certs))
        self._httpd.socket = context.wrap_socket(self._httpd.socket, server_side=True,
                                                 do_handshake_on_connect=False)
        self._httpd.handle_error = lambda *_: None  # who goes away early
        threading.Thread(target=self._httpd.serve_forever, daemon=True).start()

    def stop(self):
        self._httpd.shutdown()
        self._httpd.server_close()

    def _certificate(self, certs):
        """A wildcard's, as many have."""
        key, csr, pem, ext = (os.path.join(self.folder, f"tls.{x}") for x in ("key", "csr", "pem", "ext"))
        with open(ext, "w", encoding="ascii") as f:
            f.write("subjectAltName=DNS:*.company.test\n")
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", "/CN=company", "-keyout", key, "-out", csr)
        openssl("x509", "-req", "-in", csr, "-CA", os.path.join(certs, "ca.pem"), "-CAkey",
                os.path.join(certs, "ca.key"), "-days", "2", "-extfile", ext, "-set_serial",
                str(secrets.randbits(60)), "-out", pem)
        return pem, key

    # What it says.

    def metadata(self):
        return {"issuer": "https://other.test" if self.broken == "issuer" else self.issuer,
                "authorization_endpoint": self.issuer + "/authorize",
                "token_endpoint": self.issuer + "/token", "jwks_uri": self.issuer + "/keys",
                "response_types_supported": ["code"], "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported":
                    ["client_secret_post"] if self.post_alone else ["client_secret_basic"]}

    def claims(self, grant):
        now = int(time.time())
        who = grant["as"]
        claims = {"iss": self.issuer, "aud": CLIENT, "sub": hashlib.sha256(who.encode()).hexdigest()[:20],
                  "iat": now, "exp": now + 300, "nonce": grant["nonce"], "email": who,
                  "email_verified": True, "preferred_username": who.split("@")[0], "auth_time": now}
        mode = grant.get("mode", "")
        claims.update({"nonce": {"nonce": "x" * 22}, "aud": {"aud": "another"},
                       "auds": {"aud": [CLIENT, "another"]},
                       "azp": {"aud": [CLIENT, "another"], "azp": "another"},
                       "expired": {"exp": now - 3600}, "old": {"iat": now - 7200},
                       "future": {"iat": now + 7200}, "iss": {"iss": "https://other.test"},
                       "unverified": {"email_verified": False}, "stale": {"auth_time": now - 3600},
                       "zero": {"email": who + "\0.evil.test"}}.get(mode, {}))
        if mode == "silent":
            del claims["auth_time"]
        return claims

    def id_token(self, grant):
        mode, claims = grant.get("mode", ""), self.claims(grant)
        if mode in ("none", "HS256"):
            return token(self.keys[0], claims, alg=mode)
        if mode == "signature":
            return token(self.stranger, claims)
        if mode == "kid":
            return token(self.stranger, claims, kid="unknown")
        if mode == "crit":
            return token(self.keys[0], claims, crit=["b64"], b64=False)
        if mode == "cut":
            return token(self.keys[0], claims)[:-40]
        return token(self.keys[1 if mode == "ES256" else 0], claims)

    def rotate(self):
        """Another key in the place of the first."""
        self.keys[0] = Key(self.folder, secrets.token_hex(4))

    # What it is asked.

    def authorize(self, q):
        """Where the browser is sent, or None: a page is shown."""
        if q.get("client_id") != CLIENT or q.get("response_type") != "code" or \
                q.get("code_challenge_method") != "S256" or "openid" not in q.get("scope", "").split():
            return None
        back = {"state": q["state"], "iss": self.issuer}
        if q.get("mode") == "deny":
            back.update(error="access_denied", error_description="<script>alert(1)</script>")
        elif q.get("mode") == "server_error":
            back.update(error="server_error")
        elif not q.get("as"):
            return None
        else:
            code = secrets.token_urlsafe(24)
            with self._lock:
                self.codes[code] = dict(q)
            back["code"] = code
        if q.get("mode") == "back_iss":
            back["iss"] = "https://other.test"
        return q["redirect_uri"] + "?" + urllib.parse.urlencode(back)

    def exchange(self, form, authorization):
        """Status and answer."""
        given = (form.get("client_id"), form.get("client_secret"))
        if not self.post_alone:
            kind, _, text = authorization.partition(" ")
            words = base64.b64decode(text).decode().split(":") if kind == "Basic" else ["", ""]
            given = tuple(urllib.parse.unquote_plus(w) for w in words)
        if given != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        with self._lock:
            grant = self.codes.pop(form.get("code"), None)
        challenge = b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if not grant or grant["code_challenge"] != challenge or grant["redirect_uri"] != form["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        if grant.get("mode") == "slow":
            time.sleep(WAIT_S)
        if grant.get("mode") == "no_token":
            return 200, {"access_token": "x", "token_type": "Bearer"}
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self.id_token(grant)}

    def _handler(self):
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def say(self, status, body, kind="application/json", **fields):
                body = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def spoil(self):
                """True: answered wrongly."""
                kind = provider.broken
                if kind == "slow":
                    time.sleep(WAIT_S)
                elif kind == "huge":
                    self.say(200, b'{"issuer": "' + b"x" * 4000000 + b'"}')
                elif kind == "html":
                    self.say(200, b"<html>moved</html>", "text/html")
                elif kind == "down":
                    self.say(503, {})
                return kind in ("slow", "huge", "html", "down")

            def do_GET(self):
                url = urllib.parse.urlsplit(self.path)
                q = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
                provider.asked.append((url.path, q))
                if url.path == "/authorize":
                    to = provider.authorize(q)
                    if to:
                        self.say(302, b"", Location=to)
                    else:
                        self.say(200, PAGE.format(query="").encode(), "text/html")
                elif url.path == "/.well-known/openid-configuration":
                    if not self.spoil():
                        self.say(200, provider.metadata())
                elif url.path == "/keys":
                    keys = [k.jwk() for k in provider.keys]
                    self.say(200, {"keys": "none" if provider.broken == "keys" else keys})
                else:
                    self.say(404, {})

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
                provider.asked.append((self.path, form))
                self.say(*provider.exchange(form, self.headers.get("Authorization", "")))

        return Handler

    # A browser there.

    def visit(self, url, context, **fields):
        """Goes to where Dialtone sent it, as somebody (`as`), in a mode; where it is sent back to."""
        parts = urllib.parse.urlsplit(url)
        if parts.hostname != HOST:
            raise AssertionError(f"sent to {url}")
        c = http.client.HTTPSConnection(HOST, parts.port, timeout=WAIT_S, context=context)
        c.request("GET", f"{parts.path}?{parts.query}&" + urllib.parse.urlencode(fields))
        answer = c.getresponse()
        answer.read()
        c.close()
        if answer.status != 302:
            raise AssertionError(f"the provider says {answer.status} to {url}")
        return answer.headers["Location"]

    def exchanges(self, back):
        """How often the code in that address was shown."""
        code = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back).query))["code"]
        return sum(path == "/token" and q.get("code") == code for path, q in self.asked)

    def count(self, path):
        return sum(p == path for p, _ in self.asked)
