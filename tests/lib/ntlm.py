"""The client's side of NTLMv2 and of signed SIP ([MS-NLMP], [MS-SIPAE]), in plain Python: an
implementation of its own, so that the server's is not held against itself."""
import base64
import hashlib
import hmac
import re
import secrets
import struct

FLAGS = 0x62988255
SEQUENCE = struct.pack("<I", 100)  # every message, both directions


def md4(data):
    """RFC 1320."""
    def turn(x, n):
        x &= 0xFFFFFFFF
        return (x << n | x >> 32 - n) & 0xFFFFFFFF
    rounds = (
        (0, lambda b, c, d: b & c | ~b & d, range(16), (3, 7, 11, 19)),
        (0x5A827999, lambda b, c, d: b & c | b & d | c & d,
         (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), (3, 5, 9, 13)),
        (0x6ED9EBA1, lambda b, c, d: b ^ c ^ d,
         (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15), (3, 9, 11, 15)),
    )
    state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
    size = struct.pack("<Q", 8 * len(data))
    data += b"\x80" + b"\0" * ((55 - len(data)) % 64) + size
    for at in range(0, len(data), 64):
        x = struct.unpack("<16I", data[at:at + 64])
        a, b, c, d = state
        for add, f, order, shifts in rounds:
            for i, k in enumerate(order):
                a, b, c, d = d, turn(a + f(b, c, d) + x[k] + add, shifts[i % 4]), b, c
        state = [(s + v) & 0xFFFFFFFF for s, v in zip(state, (a, b, c, d))]
    return struct.pack("<4I", *state)


def rc4(key, data):
    s, j, out = list(range(256)), 0, bytearray()
    for i in range(256):
        j = (j + s[i] + key[i % len(key)]) % 256
        s[i], s[j] = s[j], s[i]
    i = j = 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + s[i]) % 256
        s[i], s[j] = s[j], s[i]
        out.append(byte ^ s[(s[i] + s[j]) % 256])
    return bytes(out)


def mac(key, data):
    return hmac.new(key, data, hashlib.md5).digest()


class Session:
    """The keys of one association."""

    def __init__(self, key):
        def derive(direction, use):
            return hashlib.md5(key + f"session key to {direction} {use} key magic constant\0"
                               .encode()).digest()
        both = "client-to-server", "server-to-client"
        self.sign_keys = [derive(d, "signing") for d in both]
        self.seal_keys = [derive(d, "sealing") for d in both]

    def mic(self, text, server=False):
        sign, seal = self.sign_keys[server], self.seal_keys[server]
        sum8 = mac(sign, SEQUENCE + text.encode("utf-8", "surrogateescape"))[:8]
        key = hashlib.md5(seal + SEQUENCE).digest()
        return (b"\1\0\0\0" + rc4(key, sum8) + SEQUENCE).hex().upper()


def authenticate(challenge, user, password, domain=""):
    """(AUTHENTICATE message, Session) for a CHALLENGE."""
    server_challenge = challenge[24:32]
    size, _, at = struct.unpack("<HHI", challenge[40:48])
    info = challenge[at:at + size]
    key = mac(md4(password.encode("utf-16-le")), (user.upper() + domain).encode("utf-16-le"))
    nonce = secrets.token_bytes(8)
    blob = b"\1\1\0\0\0\0\0\0" + struct.pack("<Q", 133000000000000000) + nonce + b"\0" * 4 + info
    proof = mac(key, server_challenge + blob)
    lm = mac(key, server_challenge + nonce) + nonce
    exported = secrets.token_bytes(16)
    parts = [lm, proof + blob, domain.encode("utf-16-le"), user.encode("utf-16-le"),
             "pc".encode("utf-16-le"), rc4(mac(key, proof), exported)]
    head, body, offset = b"NTLMSSP\0\3\0\0\0", b"", 72
    for p in parts:
        head += struct.pack("<HHI", len(p), len(p), offset + len(body))
        body += p
    head += struct.pack("<I", FLAGS) + b"\5\1\x28\x0a\0\0\0\x0f"
    return head + body, Session(exported)


def fields(value):
    """The parameters of an Authorization, WWW-Authenticate or Authentication-Info value."""
    return {k.lower(): a if a is not None else b for k, a, b in
            re.findall(r'([\w-]+)=(?:"([^"]*)"|([^\s,"]+))', value)}


def decode(data):
    return base64.b64decode(data)


def encode(data):
    return base64.b64encode(data).decode()


def _uri(value):
    found = re.search(r"<([^>]*)>", value)
    return found.group(1) if found else value.split(";")[0]


def _tag(value):
    found = re.search(r";tag=([^;]*)", value)
    return found.group(1) if found else ""


def text_of(message, f, server):
    """The text that is signed, version 3 and 4 ([MS-SIPAE] section 3.2.5.2)."""
    number, method = message.get("CSeq").split()
    identity = message.get("P-Asserted-Identity") or message.get("P-Preferred-Identity") or ""
    sip = next((u for u in re.findall(r"<([^>]*)>", identity) if u.startswith("sip:")), "")
    tel = next((u for u in re.findall(r"<([^>]*)>", identity) if u.startswith("tel:")), "")
    parts = ["NTLM", f["srand" if server else "crand"], f["snum" if server else "cnum"],
             f["realm"], f["targetname"], message.get("Call-ID"), number, method,
             _uri(message.get("From")), _tag(message.get("From")),
             _uri(message.get("To")), _tag(message.get("To")), sip, tel,
             message.get("Expires", "")]
    if message.code:
        parts.append(str(message.code))
    return "".join(f"<{p}>" for p in parts)
