"""The rules of a router (nftables): what it does to the packets of the network behind it.

Kinds of NAT, by RFC 4787's words; the outer interface is `wan`, the inner one `lan`:

  cone       full cone: one outer port for each inner one, open to everybody once it was used
  address    the same, open to hosts that were sent to (address-restricted)
  port       the same, open to hosts and ports that were sent to (port-restricted)
  symmetric  another outer port, by chance, for each peer; open to that peer
  one-to-one the outer address is one inner machine's, both ways, all ports; from inside nobody
             reaches it (no hairpin)
  None       none: the inner addresses are known outside

The kernel's masquerading keeps the port where it can, and is port-restricted; sets and maps that
outgoing packets fill make the others of it.
"""
import shutil
import subprocess

from lib.tap import Skip

KEPT_S = 300  # a mapping, after its last packet from inside

# A packet that is refused here is not confirmed, and takes no port from the translation.
_INPUT = """
	chain input {
		type filter hook input priority 0; policy drop;
		iifname "lo" accept
		meta l4proto { icmp, ipv6-icmp } accept
	}"""

_OPEN = {
    "cone": "udp dport @cone accept",
    "address": "ip saddr . udp dport @sent accept",
}


def _learn(kind):
    if kind not in _OPEN:
        return ""
    return """
		iifname "lan" meta l4proto udp update @cone { udp sport }
		iifname "lan" meta l4proto udp update @inner { udp sport : ip saddr }
		iifname "lan" meta l4proto udp update @sent { ip daddr . udp sport }"""


def _outwards(udp, tcp):
    """udp: may it pass?  It is dropped without a word.  tcp: True, or the ports that may; others
    are refused."""
    allowed, rest = "meta l4proto tcp", ""
    if tcp is not True:
        allowed = "tcp dport { %s }" % ", ".join(map(str, sorted(tcp)))
        rest = 'iifname "lan" meta l4proto tcp reject with tcp reset'
    return f"""
		iifname "lan" {allowed} accept
		{rest}
		iifname "lan" meta l4proto {{ icmp, ipv6-icmp }} accept
		{'iifname "lan" meta l4proto udp accept' if udp else ""}"""


def _filter(kind, udp, tcp, loss):
    losing = f"numgen random mod 100 < {loss} drop" if loss else ""
    inner = 'iifname "wan" accept' if kind == "one-to-one" else ""
    return f"""
	set cone {{ type inet_service; flags dynamic,timeout; timeout {KEPT_S}s; }}
	set sent {{ type ipv4_addr . inet_service; flags dynamic,timeout; timeout {KEPT_S}s; }}
	map inner {{ type inet_service : ipv4_addr; flags dynamic,timeout; timeout {KEPT_S}s; }}
	chain forward {{
		type filter hook forward priority 0; policy drop;
		{losing}{_learn(kind)}
		ct state established,related accept
		{_OPEN.get(kind, "")}{inner}{_outwards(udp, tcp)}
	}}"""


def _translation(kind, inside, outside):
    if kind is None:
        return ""
    if kind == "one-to-one":
        into, out = f"dnat to {inside}", f"snat to {outside}"
    else:
        into = "dnat to udp dport map @inner" if kind in _OPEN else ""
        out = "masquerade fully-random" if kind == "symmetric" else "masquerade"
    return f"""
	chain into {{
		type nat hook prerouting priority dstnat;
		{'iifname "wan" ' + into if into else ""}
	}}
	chain out {{
		type nat hook postrouting priority srcnat;
		oifname "wan" {out}
	}}"""


def rules(kind, udp=True, tcp=True, loss=0, inside=None, outside=None):
    """Two tables: IPv4, and IPv6, which is never translated."""
    return (f"table ip nat4 {{{_INPUT}{_filter(kind, udp, tcp, loss)}"
            f"{_translation(kind, inside, outside)}\n}}\n"
            f"table ip6 gate6 {{{_INPUT}{_filter(None, udp, tcp, loss)}\n}}\n")


def install(machine, text):
    if not shutil.which("nft"):
        raise Skip("needs nftables")
    done = subprocess.run(machine.wrap(["nft", "-f", "-"]), input=text.encode(),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise AssertionError(f"nft: {done.stdout.decode()}\n{text}")
