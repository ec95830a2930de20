#!/usr/bin/python3
"""Poster rows CT-05 and CT-12: one command builds the private CA and the certificates of the
roles; each name on the poster passes a TLS name check.  OpenSSL's command line is the judge."""
import os
import re
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from flow.install import Install, NoSite  # noqa: E402
from lib import proc, tap  # noqa: E402

SETTINGS = ()

KINDS = ("p256", "rsa2048")
NAMES = ("pool.example.test", "pc.example.test", "example.test", "fe.example.test",
         "sip.example.test", "sipinternal.example.test", "meet.example.test",
         "dialin.example.test", "other.test", "sip.other.test", "fe.other.test",
         "meet.other.test", "dialin.other.test")


def made(case, **kw):
    i = Install(case.dir, domains="example.test, other.test",
                addresses="192.0.2.7, 2001:db8::7, 127.0.0.1", **kw)
    i.must("cert", "init")
    return i


def verifies(i, cert, *options):
    status, text = proc.run(["openssl", "verify", "-x509_strict", "-CAfile", i.cert("ca.pem"),
                             *options, cert])
    return status == 0 and text.strip().endswith("OK")


def text_of(path):
    return proc.must(["openssl", "x509", "-in", path, "-noout", "-text"])


def issued_outside(case, names, days=90, key="ec"):
    """(chain, key) of a certificate below an intermediate CA of somebody else."""
    d = os.path.join(case.dir, "outside")
    os.makedirs(d, exist_ok=True)
    algo = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if key == "ec" else ["rsa:2048"]
    files = {n: os.path.join(d, n) for n in ("root", "sub", "leaf", "ext", "chain")}

    def req(name, subject, *rest):
        proc.must(["openssl", "req", "-x509", "-nodes", "-newkey", *algo, "-subj", subject,
                   "-keyout", files[name] + ".key", "-out", files[name] + ".pem",
                   "-days", str(days), *rest])

    def below(name, subject, above, ext):
        with open(files["ext"], "w", encoding="ascii") as f:
            f.write(ext)
        proc.must(["openssl", "req", "-nodes", "-newkey", *algo, "-subj", subject, "-keyout",
                   files[name] + ".key", "-out", files[name] + ".csr"])
        proc.must(["openssl", "x509", "-req", "-in", files[name] + ".csr", "-CA",
                   files[above] + ".pem", "-CAkey", files[above] + ".key", "-CAcreateserial",
                   "-days", str(days), "-extfile", files["ext"], "-out", files[name] + ".pem"])
    req("root", "/CN=Outside root")
    below("sub", "/CN=Outside sub", "root", "basicConstraints=critical,CA:TRUE\n")
    below("leaf", "/CN=pool.example.test", "sub",
          "subjectAltName=" + ",".join("DNS:" + n for n in names) + "\n")
    with open(files["chain"], "w", encoding="ascii") as out:
        for name in ("leaf", "sub"):
            with open(files[name] + ".pem", encoding="ascii") as f:
                out.write(f.read())
    return files["chain"], files["leaf"] + ".key"


def expired(case):
    """The same certificate with a life long over."""
    d = os.path.join(case.dir, "outside")
    for name, text in (("ca.cnf", "[ca]\ndefault_ca=d\n[d]\ndatabase=index\nnew_certs_dir=.\n"
                                  "serial=serial\ndefault_md=sha256\npolicy=p\n"
                                  "[p]\ncommonName=supplied\n"),
                       ("index", ""), ("serial", "1000\n")):
        with open(os.path.join(d, name), "w", encoding="ascii") as f:
            f.write(text)
    proc.must(["sh", "-c", f"cd {d} && openssl ca -batch -notext -config ca.cnf -in leaf.csr -cert "
               "sub.pem -keyfile sub.key -extfile ext -startdate 20200101000000Z -enddate "
               "20210101000000Z -out old.pem && cat old.pem sub.pem >old-chain.pem"])
    return os.path.join(d, "old-chain.pem")


@tap.test
def every_name_of_the_poster_passes_the_name_check(case):
    i = made(case)
    for kind in KINDS:
        cert = i.cert(f"frontend-{kind}.crt")
        for name in NAMES:
            tap.check(verifies(i, cert, "-verify_hostname", name), f"{kind} {name}")
        for ip in ("192.0.2.7", "2001:db8::7", "127.0.0.1"):
            tap.check(verifies(i, cert, "-verify_ip", ip), f"{kind} {ip}")
        tap.check(not verifies(i, cert, "-verify_hostname", "mail.example.test"), "a foreign name")
        tap.check(not verifies(i, cert, "-verify_ip", "192.0.2.8"), "a foreign address")


@tap.test
def certificates_serve_tls_servers_and_clients_and_sign_nothing(case):
    i = made(case)
    for kind in KINDS:
        cert = i.cert(f"frontend-{kind}.crt")
        for purpose in ("sslserver", "sslclient"):
            tap.check(verifies(i, cert, "-purpose", purpose), f"{kind} as {purpose}")
        tap.check("CA:FALSE" in text_of(cert), "CA:FALSE")
    ca = text_of(i.cert("ca.pem"))
    tap.check("CA:TRUE, pathlen:0" in ca and "Certificate Sign, CRL Sign" in ca, "the CA's rights")


@tap.test
def keys_and_lives_are_as_promised(case):
    i = made(case)
    p256, rsa = text_of(i.cert("frontend-p256.crt")), text_of(i.cert("frontend-rsa2048.crt"))
    tap.check("NIST CURVE: P-256" in p256, "P-256")
    tap.check("Public-Key: (2048 bit)" in rsa, "RSA of 2048 bits")
    for path, days in (("ca.pem", 3652), ("frontend-p256.crt", 730), ("accounts-rsa2048.crt", 730)):
        for ends, want in ((days - 1, 0), (days + 1, 1)):
            status, _ = proc.run(["openssl", "x509", "-in", i.cert(path), "-noout", "-checkend",
                                  str(ends * 86400)])
            tap.check_eq(status, want, f"{path} after {ends} days")
    serials = {re.search(r"Serial Number:\s*(\S+)", t).group(1) for t in (p256, rsa)}
    tap.check(len(serials) == 2 and all(len(s) > 40 for s in serials), f"random serials {serials}")


@tap.test
def secret_keys_are_for_the_owner_alone(case):
    i = made(case)
    keys = [n for n in os.listdir(i.path("certs")) if n.endswith(".key")]
    tap.check_eq(sorted(keys), ["accounts-p256.key", "accounts-rsa2048.key", "ca.key",
                                "frontend-p256.key", "frontend-rsa2048.key"], "keys")
    for name in keys:
        mode = stat.S_IMODE(os.stat(i.cert(name)).st_mode)
        tap.check_eq(oct(mode), "0o600", name)


def two_hosts(case):
    """The CA is on host main; mcu-im runs on host b."""
    i = made(case)
    text = open(i.path("topology.conf"), encoding="utf-8").read()
    text = re.sub(r"(?m)^(\[role .*\])$", r"\1\nhost = main", text)
    i.write("topology.conf", text + "\n[host b]\nname = b.example.test\naddresses = 192.0.2.8\n"
            "[role mcu-im]\nhost = b\n")
    return i


@tap.test
def certificates_of_another_host_go_into_a_directory_of_their_own(case):
    i = two_hosts(case)
    to = i.path("for-b")
    i.must("cert", "issue", "--host", "b", "--to", to)
    tap.check_eq(sorted(os.listdir(to)), ["ca.pem", "mcu-im-p256.crt", "mcu-im-p256.key",
                                          "mcu-im-rsa2048.crt", "mcu-im-rsa2048.key"], "files")
    tap.check_eq(oct(stat.S_IMODE(os.stat(to).st_mode)), "0o700", "the directory")
    for name in os.listdir(to):
        mode = stat.S_IMODE(os.stat(os.path.join(to, name)).st_mode)
        tap.check_eq(oct(mode), "0o600" if name.endswith(".key") else "0o644", name)
    cert = os.path.join(to, "mcu-im-p256.crt")
    tap.check(verifies(i, cert, "-verify_hostname", "b.example.test"), "its name")
    tap.check("URI:urn:dialtone:role:mcu-im" in text_of(cert), "its role")
    tap.check("URI:urn:dialtone:role:frontend" in text_of(i.cert("frontend-p256.crt")), "another's")
    before = open(cert, "rb").read()
    i.must("cert", "issue", "--host", "b", "--to", to)
    tap.check_eq(open(cert, "rb").read(), before, "a second run")
    i.must("cert", "issue", "--host", "b", "--to", to, "--renew")
    tap.check(open(cert, "rb").read() != before, "a renewed one")
    tap.check(not os.path.exists(i.cert("mcu-im-p256.crt")), "none among those of this host")


@tap.test
def keys_of_another_host_go_nowhere_where_others_may_write(case):
    i = two_hosts(case)
    shared, link, plain = i.path("shared"), i.path("link"), i.path("plain")
    os.mkdir(shared)
    os.chmod(shared, 0o777)
    os.mkdir(i.path("mine"))
    os.symlink(i.path("mine"), link)
    i.write("plain", "")
    for to, said in ((shared, "Others may change files"), (link, "is not a directory"),
                     (plain, "is not a directory"), (i.path("certs"), "certificates of this host"),
                     (i.path("no", "such"), "cannot be made")):
        status, text = i.tool("cert", "issue", "--host", "b", "--to", to)
        tap.check(status != 0 and said in text, f"{to}: {text}")
    for words, said in ((("--host", "b"), "belong together"), (("--to", shared), "belong together"),
                        (("--host", "c", "--to", i.path("new")), "no [host c]"),
                        (("frontend", "--host", "b", "--to", i.path("new")), "no role")):
        status, text = i.tool("cert", "issue", *words)
        tap.check(status != 0 and said in text, f"{words}: {text}")
    tap.check_eq(os.listdir(shared) + os.listdir(i.path("mine")), [], "files")


@tap.test
def a_second_run_keeps_everything(case):
    i = made(case)
    before = {n: open(i.cert(n), "rb").read() for n in os.listdir(i.path("certs"))}
    i.must("cert", "init")
    i.must("cert", "issue")
    after = {n: open(i.cert(n), "rb").read() for n in os.listdir(i.path("certs"))}
    tap.check_eq(after, before, "files")


@tap.test
def renew_makes_new_ones_below_the_same_ca(case):
    i = made(case)
    old = open(i.cert("frontend-p256.crt"), "rb").read()
    ca = open(i.cert("ca.pem"), "rb").read()
    status, rows = i.json("cert", "issue", "frontend", "--renew")
    tap.check_eq((status, [r["done"] for r in rows]), (0, ["renewed", "renewed"]), "rows")
    tap.check(open(i.cert("frontend-p256.crt"), "rb").read() != old, "a new certificate")
    tap.check_eq(open(i.cert("ca.pem"), "rb").read(), ca, "the CA")
    tap.check(verifies(i, i.cert("frontend-p256.crt")), "verifies")


@tap.test
def a_new_domain_makes_a_new_certificate(case):
    i = made(case)
    text = open(i.path("topology.conf"), encoding="utf-8").read()
    i.write("topology.conf", text.replace("other.test", "third.test"))
    status, text = i.tool("cert", "check")
    tap.check("third.test" in text and "lacks names" in text, text)
    i.must("cert", "issue")
    tap.check(verifies(i, i.cert("frontend-p256.crt"), "-verify_hostname", "sip.third.test"),
              "the new name")
    status, text = i.tool("cert", "check")
    tap.check_eq((status, text.splitlines()[-1]), (0, "All is well."), "check")


@tap.test
def an_outside_chain_is_taken_over_and_kept(case):
    i = made(case)
    for key, kind in (("ec", "p256"), ("rsa", "rsa2048")):
        chain, secret = issued_outside(case, NAMES + ("sipinternal.other.test",), key=key)
        i.must("cert", "import", "frontend", chain, secret)
        tap.check_eq(open(i.cert(f"frontend-{kind}.crt")).read(), open(chain).read(), kind)
    status, rows = i.json("cert", "issue")
    kept = [r["done"] for r in rows if r["role"] == "frontend"]
    tap.check_eq((status, kept), (0, ["kept: imported from outside"] * 2), "rows")


def refused(i, words, *wanted):
    before = open(i.cert("frontend-p256.crt"), "rb").read()
    status, text = i.tool("cert", "import", *words)
    tap.check(status != 0, f"{words}: refused")
    for w in wanted:
        tap.check(w in text, f"{w!r} in {text!r}")
    tap.check_eq(open(i.cert("frontend-p256.crt"), "rb").read(), before, "nothing changed")


@tap.test
def a_bad_import_is_refused_with_the_reason(case):
    i = made(case)
    names = NAMES + ("sipinternal.other.test",)
    chain, secret = issued_outside(case, names)
    other = i.cert("accounts-p256.key")
    refused(i, ["frontend", chain, other], "is not the key of this certificate")
    refused(i, ["frontend", secret, secret], "holds no certificates")
    refused(i, ["frontend", chain, chain], "holds no private key")
    refused(i, ["frontend", chain, "/nowhere"], "/nowhere cannot be read")
    refused(i, ["director", chain, secret], "no role \"director\"")
    pems = re.findall("-----BEGIN.*?END CERTIFICATE-----\n", open(chain).read(), re.S)
    i.write("order.pem", pems[0] + open(i.cert("ca.pem")).read())
    refused(i, ["frontend", i.path("order.pem"), secret], "not signed by the one behind it")
    locked = i.path("locked.key")
    proc.must(["openssl", "pkey", "-in", secret, "-aes256", "-passout", "pass:x", "-out", locked])
    refused(i, ["frontend", chain, locked], "without a pass phrase")


@tap.test
def an_import_that_lacks_names_needs_force(case):
    i = made(case)
    chain, secret = issued_outside(case, ["pool.example.test"])
    refused(i, ["frontend", chain, secret], "lacks these names", "sip.example.test", "--force")
    i.must("cert", "import", "frontend", chain, secret, "--force")
    tap.check_eq(open(i.cert("frontend-p256.crt")).read(), open(chain).read(), "imported")


@tap.test
def expiry_is_warned_of_and_an_expired_one_refused(case):
    i = made(case)
    names = NAMES + ("sipinternal.other.test",)
    chain, secret = issued_outside(case, names, days=10)
    i.must("cert", "import", "frontend", chain, secret)
    status, found = i.json("cert", "check")
    mine = [f for f in found if f["about"] == "frontend-p256.crt" and f["level"] == "warning"]
    tap.check_eq(len(mine), 1, f"warnings in {found}")
    tap.check(re.search("expires in (9|10) days", mine[0]["what"]), f"{mine}")
    tap.check("cert issue" in mine[0]["remedy"], "remedy")
    tap.check_eq(status, 0, "a warning is no failure")
    chain = expired(case)
    refused(i, ["frontend", chain, secret], "has expired")


@tap.test
def damage_is_found(case):
    i = made(case)
    os.chmod(i.cert("frontend-p256.key"), 0o644)
    os.remove(i.cert("accounts-p256.crt"))
    os.replace(i.cert("accounts-rsa2048.key"), i.cert("frontend-rsa2048.key"))
    status, found = i.json("cert", "check")
    errors = {(f["about"], f["what"].split(":")[0].split(" /")[0]) for f in found
              if f["level"] == "error"}
    tap.check_eq(status, 1, "status")
    what = "\n".join(f"{f['about']}: {f['what']}" for f in found if f["level"] == "error")
    for wanted in ("frontend-p256.crt: others on this machine can read its key",
                   "accounts-p256.crt: ", "No such file",
                   "frontend-rsa2048.key is not its key"):
        tap.check(wanted in what, f"{wanted!r} in {what!r} {errors}")


@tap.test
def without_a_ca_the_tool_says_how_to_make_one(case):
    i = Install(case.dir)
    status, text = i.tool("cert", "issue")
    tap.check(status == 1 and "dialtone cert init" in text, text)


@tap.test
def a_host_without_the_ca_is_sent_to_the_one_that_has_it(case):
    """A second CA, made there, would keep the two from knowing each other."""
    i = two_hosts(case)
    there = "`dialtone cert issue --host b --to DIR`"
    os.rename(i.path("certs"), i.path("of-main"))
    i.write("local.conf", "[local]\nhost = b\nuser = root\n")
    status, text = i.tool("cert", "check")
    tap.check(status == 1 and text.count(there) == 3, f"without any: {text}")
    status, text = i.tool("cert", "issue")
    tap.check(status == 1 and there in text, f"without any: {text}")
    os.mkdir(i.path("certs"))
    os.rename(i.path("of-main", "ca.pem"), i.cert("ca.pem"))
    status, text = i.tool("cert", "check")
    tap.check("cert init" not in text and text.count(there) == 2, f"with ca.pem alone: {text}")
    status, text = i.tool("cert", "issue")
    tap.check(status == 1 and there in text and "bring" not in text, f"with ca.pem alone: {text}")


@tap.test
def who_makes_the_ca_of_several_hosts_is_told_that_there_is_one(case):
    i = two_hosts(case)
    tap.check("all 2 hosts" not in i.must("cert", "init"), "a second run")
    os.rename(i.path("certs"), i.path("old"))
    tap.check("The private CA of all 2 hosts is here now." in i.must("cert", "init"), "a first run")


@tap.test
def a_damaged_ca_is_not_replaced(case):
    i = made(case)
    with open(i.cert("ca.key"), "w", encoding="ascii") as f:
        f.write("gone")
    status, text = i.tool("cert", "init")
    tap.check(status == 1 and "ca.key is not its key" in text, text)
    tap.check_eq(open(i.cert("ca.key")).read(), "gone", "ca.key")


if __name__ == "__main__":
    tap.main(NoSite)
