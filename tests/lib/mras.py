"""Relay authentication as pidgin-sipe asks for it, and a client of coturn that uses what it got."""
import re
import subprocess

TYPE = "application/msrtc-media-relay-auth+xml"


def mras_uri(client):
    """Whom the client is to ask."""
    m = client.make("SUBSCRIBE", client.user.uri, headers=[
        ("Event", "vnd-microsoft-provisioning-v2"), ("Expires", 0)])
    answer = client.expect_answer(client.send(m))
    return re.search("<mrasUri>(.*)</mrasUri>", answer.body.decode())[1]


def request(uri, *identities, location="intranet", version="1.0"):
    wanted = "".join(f'<credentialsRequest credentialsRequestID="{i + 7}"><identity>{who}</identity>'
                     f"<location>{location}</location><duration>480</duration>"
                     "</credentialsRequest>" for i, who in enumerate(identities))
    return (f'<request requestID="42" from="{identities[0]}" version="{version}" to="{uri}" '
            'xmlns="http://schemas.microsoft.com/2006/09/sip/mrasp" '
            f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{wanted}</request>')


def ask(client, *identities, body=None, kind=TYPE, uri=None, **kw):
    """The answer to SERVICE; for the client's own user if nobody else is named."""
    uri = uri or mras_uri(client)
    return client.service(kind, body or request(uri, *(identities or [client.user.uri]), **kw),
                          uri=uri)


def texts(answer, name):
    """The texts of all elements of that name."""
    return re.findall(f"<{name}>([^<]*)</{name}>", answer.body.decode())


def relays(ip, username, password):
    """Two allocations, and packets from one to the other: (did all arrive?, what was printed)."""
    out = subprocess.run(["turnutils_uclient", "-y", "-c", "-m", "1", "-n", "5", "-u", username,
                          "-w", password, ip], capture_output=True, text=True, timeout=60,
                         check=False)
    text = out.stdout + out.stderr
    return out.returncode == 0 and "Total lost packets 0" in text, text


def relays_with(ip, answer):
    return relays(ip, texts(answer, "username")[0], texts(answer, "password")[0])
