"""A push service of the test (RFC 8030), and the browsers that have subscribed at it: it checks who sends
(VAPID, RFC 8292), and they decrypt what comes (RFC 8291), both without any of ours."""
import base64
import datetime
import http.server
import json
import os
import ssl
import struct
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from lib.tap import check, check_eq, wait_for

DAY_S = 86400
HEAD = struct.Struct("!16sIB")


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _point(key):
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _hkdf(salt, secret, info, length):
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(secret)


def _certificate(names, folder):
    """An authority's certificate, and one of it for these names with its key; returns their files."""
    now = datetime.datetime.utcnow()
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "push test")])

    def build(subject, public):
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(ca_name).public_key(public)
                .serial_number(x509.random_serial_number())
                .not_valid_before(now - datetime.timedelta(hours=1))
                .not_valid_after(now + datetime.timedelta(days=2)))
    ca = build(ca_name, ca_key.public_key()).add_extension(
        x509.BasicConstraints(ca=True, path_length=None), True).sign(ca_key, hashes.SHA256())
    leaf = build(x509.Name([]), key.public_key()).add_extension(
        x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), True).sign(ca_key, hashes.SHA256())
    files = [os.path.join(folder, name) for name in ("push-ca.pem", "push.pem")]
    pem = serialization.Encoding.PEM
    with open(files[0], "wb") as f:
        f.write(ca.public_bytes(pem))
    with open(files[1], "wb") as f:
        f.write(leaf.public_bytes(pem) + key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return files


class Push:
    """What came for a subscription."""

    def __init__(self, path, headers, body):
        self.path, self.headers, self.body = path, headers, body

    def check_sender(self, key, origin):
        """Its Authorization is of who has that key, for this service, and not for ever."""
        scheme, rest = self.headers["Authorization"].split(" ", 1)
        fields = dict(part.strip().split("=", 1) for part in rest.split(","))
        check_eq((scheme, fields["k"]), ("vapid", key), "the key")
        head, claims, signature = fields["t"].split(".")
        check_eq(json.loads(unb64(head)), {"typ": "JWT", "alg": "ES256"}, "the token's head")
        raw = unb64(signature)
        check_eq(len(raw), 64, "bytes of the signature")
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(key))
        public.verify(encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")),
                      f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
        said = json.loads(unb64(claims))
        check_eq(said["aud"], origin, "for whom it is")
        check(time.time() < said["exp"] <= time.time() + DAY_S, f"until when it is good: {said}")
        check(said["sub"].startswith(("mailto:", "https://")), f"whom to ask: {said}")


class Subscription:
    """Of a browser, at that service."""

    def __init__(self, service, host=None):
        self.service = service
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = os.urandom(16)
        self.path = "/push/" + b64(os.urandom(12))
        self.endpoint = f"https://{host or service.host}:{service.port}{self.path}"

    def fields(self):
        return {"endpoint": self.endpoint, "p256dh": b64(_point(self.key.public_key())), "auth": b64(self.auth)}

    def pushes(self):
        return [p for p in self.service.got if p.path == self.path]

    def decrypt(self, push):
        """RFC 8291 section 3.4, with one record (RFC 8188)."""
        check_eq(push.headers["Content-Encoding"], "aes128gcm", "the coding")
        salt, size, n = HEAD.unpack_from(push.body)
        key_id, record = push.body[HEAD.size:HEAD.size + n], push.body[HEAD.size + n:]
        check(len(push.body) <= 4096 and len(record) <= size, f"one record: {len(push.body)}, {size}")
        sender = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key_id)
        shared = self.key.exchange(ec.ECDH(), sender)
        ikm = _hkdf(self.auth, shared, b"WebPush: info\0" + _point(self.key.public_key()) + key_id, 32)
        cek = _hkdf(salt, ikm, b"Content-Encoding: aes128gcm\0", 16)
        nonce = _hkdf(salt, ikm, b"Content-Encoding: nonce\0", 12)
        plain = AESGCM(cek).decrypt(nonce, record, None).rstrip(b"\0")
        check_eq(plain[-1:], b"\2", "the mark of the last record")
        return json.loads(plain[:-1])

    def next(self, n=1):
        """The n-th that comes, decrypted; its sender is checked."""
        wait_for(lambda: len(self.pushes()) >= n, f"push number {n}")
        push = self.pushes()[n - 1]
        if self.service.sender:
            push.check_sender(self.service.sender, self.endpoint[:-len(self.path)])
        return self.decrypt(push)


class PushService:
    """At ip:port, by these names.  `answers`: path: [(status, headers)], what it says next; then 201."""

    def __init__(self, folder, ip, names, port=8443):
        self.host, self.port = names[0], port
        self.got, self.answers, self.connections = [], {}, 0
        self.sender = None  # the key of whom it expects messages
        self.ca, cert = _certificate(names, folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert)
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                service.connections += 1
                self.request = context.wrap_socket(self.request, server_side=True)
                super().setup()

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                said = service.answers.get(self.path)
                status, headers = said.pop(0) if said else (201, {})
                service.got.append(Push(self.path, self.headers, body))
                self.send_response(status)
                for name, value in {"Content-Length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server((ip, port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
