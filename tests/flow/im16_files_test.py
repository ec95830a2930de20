#!/usr/bin/python3
"""Poster row IM-16: files in chats, sent by browsers and fetched by whoever is in the chat."""
import contextlib
import os
import re
import signal
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import site, tap  # noqa: E402
from lib.clamd import Scanner  # noqa: E402
from lib.im import page, phone, take  # noqa: E402
from lib.tap import check, check_eq, wait_for  # noqa: E402
from lib.web import API, Browser, Site, address, make_pages  # noqa: E402

PNG = b"\x89PNG\r\n\x1a\n" + b"picture" * 100
FILE_MAX, OF_USER = 4 * 1024 * 1024, 6 * 1024 * 1024


class FileSite(site.Site):
    def __init__(self, args, folder):
        self.scanner = Scanner(os.path.join(folder, "scanner.sock"))
        super().__init__(args, folder, web=f"metrics-port = 0\nweb-root = {make_pages(folder)}\n"
                                           f"file-max = 4 MB\nfiles-of-user = 6 MB\n"
                                           f"file-scanner = {self.scanner.path}\n")

    def stop(self):
        super().stop()
        self.scanner.stop()


def make(args, folder):
    site.netns.enter()
    return FileSite(args, folder)


def browser(case, user=None, **kw):
    return case.own(Browser(Site(case.site.server), user or case.site.user("web"), **kw)).start()


def upload(b, to, name, content, **kw):
    chat = to if isinstance(to, str) else address(to.user)
    query = urllib.parse.urlencode({"chat": chat, "name": name})
    kw.setdefault("cookie", b.cookie)
    return b.site.request("POST", f"{API}files?{query}", content,
                          [("Content-Type", "application/octet-stream")], **kw)


def sent(b, to, name="notes.txt", content=b"some notes", **fields):
    """The file, and the message that says so."""
    chat = to if isinstance(to, str) else address(to.user)
    answer = upload(b, to, name, content)
    check_eq(answer.status, 200, answer.body)
    file = answer.json()["file"]
    return file, b.ok("chat.send", to=chat, file=file["id"], **fields)["message"]


def fetch(b, file, headers=(), method="GET", cookie=None):
    return b.site.request(method, file["url"], headers=headers, cookie=cookie or b.cookie, origin=False)


def folder_of(case):
    return os.path.join(case.site.server.dir, "data", "files")


def connections(pid):
    """Sockets of that process."""
    links = (f"/proc/{pid}/fd/{n}" for n in os.listdir(f"/proc/{pid}/fd"))
    return sum(os.path.islink(x) and os.readlink(x).startswith("socket:") for x in links)


def names(case):
    return set(os.listdir(folder_of(case)))


@tap.test
def a_file_is_sent_and_fetched(case):
    a, b = browser(case), browser(case)
    content = os.urandom(1000000)
    file, m = sent(a, b, "Größe & Plan.pdf", content, text="the plan", ref="r1")
    check_eq((file["name"], file["size"], file["type"]),
             ("Größe & Plan.pdf", len(content), "application/octet-stream"), "the file")
    check_eq((m["text"], m["file"]["id"], m["ref"]), ("the plan", file["id"], "r1"), "what was sent")
    got = b.wait_text("the plan")
    check_eq(got["file"], file, "what the other is told")
    for x in (a, b):
        answer = fetch(x, got["file"])
        check_eq((answer.status, answer.body == content), (200, True), "the content")
    disposition = answer.headers["Content-Disposition"]
    check_eq(disposition, "attachment; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%26%20Plan.pdf", "its name")
    check_eq(answer.headers["X-Content-Type-Options"], "nosniff", "nosniff")
    check("sandbox" in answer.headers["Content-Security-Policy"], "it runs nothing")
    wait_for(lambda: [h.get("file") for h in b.ok("chat.history", **{"with": address(a.user)})["messages"]]
             == [file], "the history")
    found = b.ok("chat.search", text="größe")["messages"]
    check_eq([f["file"]["id"] for f in found], [file["id"]], "found by its name")


@tap.test
def a_picture_is_shown_by_what_it_is(case):
    a, b = browser(case), browser(case)
    file, _ = sent(a, b, "lunch.dat", PNG)
    check_eq(file["type"], "image/png", "by its content")
    answer = fetch(b, file)
    check_eq((answer.headers["Content-Type"], answer.headers["Content-Disposition"].split(";")[0]),
             ("image/png", "inline"), "shown")
    saved = b.site.request("GET", file["url"] + "?save=1", cookie=b.cookie, origin=False)
    check(saved.headers["Content-Disposition"].startswith("attachment"), "saved")
    fake, _ = sent(a, b, "fake.png", b"<script>alert(1)</script>")
    check_eq(fake["type"], "application/octet-stream", "a script that is called a picture")
    svg, _ = sent(a, b, "x.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    check_eq(svg["type"], "application/octet-stream", "what may hold scripts is no picture")


@tap.test
def parts_and_conditions_are_served(case):
    a, b = browser(case), browser(case)
    content = bytes(range(256)) * 1000
    file, _ = sent(a, b, "x.bin", content)
    part = fetch(b, file, [("Range", "bytes=1000-1999")])
    check_eq((part.status, part.body, part.headers["Content-Range"]),
             (206, content[1000:2000], f"bytes 1000-1999/{len(content)}"), "a part")
    check_eq(fetch(b, file, [("Range", "bytes=256000-")]).status, 416, "behind its end")
    etag = part.headers["ETag"]
    check_eq(fetch(b, file, [("If-None-Match", etag)]).status, 304, "it is there already")
    head = fetch(b, file, method="HEAD")
    check_eq((head.status, head.headers["Content-Length"], head.body), (200, str(len(content)), b""), "HEAD")
    check_eq(fetch(b, file, [("Range", "bytes=0-9"), ("If-Range", '"other"')]).status, 200, "another version")
    empty, _ = sent(a, b, "empty", b"")
    answer = fetch(b, empty)
    check_eq((answer.status, answer.body), (200, b""), "an empty one")


@tap.test
def nobody_else_gets_it(case):
    a, b, c = browser(case), browser(case), browser(case)
    file, _ = sent(a, b)
    check_eq(fetch(c, file).status, 404, "somebody else")
    check_eq(a.site.request("GET", file["url"], origin=False).status, 401, "nobody")
    check_eq(fetch(b, file, cookie="x" * 43).status, 401, "a wrong log-in")
    never = fetch(c, {"url": "/files/" + "a" * 24 + "/x"})
    check_eq((never.status, never.body), (404, fetch(c, file).body), "the same as of one that never was")
    for path in ("/files/", "/files/x", "/files/../files.db", "/files/%2e%2e/files.db", "/files/" + "/" * 24):
        check(c.site.request("GET", path, cookie=c.cookie, origin=False).status in (400, 404), path)
    # Whoever has the link cannot send it as his own, nor learn of it by saying it.
    check_eq(c.error("chat.send", to=address(a.user), file=file["id"]), "not_found", "another's file")
    check_eq(a.error("chat.send", to=address(c.user), file=file["id"]), "not_found", "into another chat")
    link = f"mine\nsecret.txt (10 B)\nhttps://{a.site.host}:{a.site.port}{file['url']}"
    m = c.ok("chat.send", to=address(a.user), text=link)["message"]
    check_eq(m["file"], {"gone": True, "name": "secret.txt"}, "what is said of another's")
    other = c.ok("chat.send", to=address(a.user), text=link.replace(a.site.host, "evil.test"))["message"]
    check("file" not in other, "a link elsewhere is a text")


@tap.test
def of_a_group_its_members_get_it(case):
    a, b, c, d = [browser(case) for _ in range(4)]
    chat = a.ok("conference.create", name="Plans")["chat"]
    for x in (b, c):
        a.ok("conference.add", chat=chat, uri=address(x.user))
    file, _ = sent(a, chat, text="for all")
    for x in (b, c):
        check_eq(x.wait_text("for all")["file"]["id"], file["id"], "told")
        check_eq(fetch(x, file).body, b"some notes", "fetched")
    check_eq(fetch(d, file).status, 404, "who is not in it")
    a.ok("conference.remove", chat=chat, uri=address(c.user))
    check_eq(fetch(c, file).status, 404, "who is not in it any more")
    check_eq(fetch(b, file).status, 200, "who still is")
    a.ok("conference.add", chat=chat, uri=address(d.user))
    check_eq(fetch(d, file).status, 200, "who came later and has the link")
    b.stop()
    wait_for(lambda: fetch(a, file).status == 200, "its sender")


@tap.test
def its_text_is_edited_and_the_file_stays(case):
    a, b = browser(case), browser(case)
    group = a.ok("conference.create", name="Plans")["chat"]
    a.ok("conference.add", chat=group, uri=address(b.user))
    for chat, back in ((address(b.user), address(a.user)), (group, group)):
        file, m = sent(a, chat, "plan.txt", text="the paln")
        b.wait_text("the paln")
        other, _ = sent(b, back, "other.txt", text="another")
        edit = {"chat": chat, "message": m["id"], "at": m["at"]}
        check_eq(a.error("chat.edit", **edit, text="mine", file=other["id"]), "not_found", "another's file")
        for text in ("the plan", ""):
            a.ok("chat.edit", **edit, text=text, file=file["id"])
            for x, at in ((a, chat), (b, back)):
                e = wait_for(lambda x=x: next((e for e in x.events if e["ev"] == "change" and (e["id"], e["text"]) == (m["id"], text)),
                                              None), f"the edit to {text!r}")
                check_eq(e["file"], file, "it has its file")
                wait_for(lambda x=x, at=at: [(h["text"], h["file"]["id"]) for h in
                                             x.ok("chat.history", **{"with": at})["messages"] if h["id"] == m["id"]]
                         == [(text, file["id"])], "the history")
        check_eq(fetch(b, file).body, b"some notes", "the content")
        a.ok("chat.edit", **edit, text="no file")
        wait_for(lambda: [h.get("file") for h in b.ok("chat.history", **{"with": back})["messages"] if h["id"] == m["id"]]
                 == [None], "without it the message has none")


@tap.test(alone=True)
def who_is_in_it_is_known_however_many_are_fetched(case):
    server = case.site.server
    a, b, c = browser(case), browser(case), browser(case)
    chat = a.ok("conference.create", name="Plans")["chat"]
    a.ok("conference.add", chat=chat, uri=address(b.user))
    file, _ = sent(a, chat, text="for all")
    b.wait_text("for all")

    def fetched(x, into):
        thread = threading.Thread(target=lambda: into.append(fetch(x, file)))
        thread.start()
        return thread
    answers, others = [], []
    with contextlib.ExitStack() as halted:
        for n in range(1, case.site.frontends + 1):  # nobody answers until all have asked
            halted.enter_context(server.halted("frontend", n))
        threads = [fetched(b, answers) for _ in range(90)] + [fetched(c, others)]
        asked = server.pid_of_role("web")
        wait_for(lambda: connections(asked) >= 90, lambda: f"{connections(asked)} connections")
    for t in threads:
        t.join()
    check_eq({(x.status, x.body) for x in answers}, {(200, b"some notes")}, "all of them")
    check_eq([x.status for x in others], [404], "who is not in it")

    def without_an_answer():
        for n in range(1, case.site.frontends + 1):
            os.kill(server.pid_of_role("frontend", n), signal.SIGSTOP)
        before = connections(asked)
        thread = fetched(b, answers)
        wait_for(lambda: connections(asked) > before or not thread.is_alive(), "the question")
        for n in range(1, case.site.frontends + 1):
            server.kill_role("frontend", n)
        thread.join()
        check(answers[-1].status in (200, 503), f"{answers[-1].status}: nobody is told that it is not there")
        return answers[-1] if answers[-1].status == 503 else None
    check_eq(wait_for(without_an_answer, "nobody who knows").headers["Retry-After"], "2", "when to ask again")
    wait_for(lambda: fetch(b, file).status == 200, "when it is there again")


@tap.test
def phones_get_a_link_that_leads_to_the_page(case):
    a, p = browser(case), phone(case)
    chat = p.user.uri.removeprefix("sip:")
    answer = upload(a, chat, "a b.txt", b"hello")
    number = a.send("chat.send", to=chat, file=answer.json()["file"]["id"], text="look")
    text = take(p).body.decode()
    a.answer(number)
    m = re.fullmatch(r"look\na b\.txt \(5 B\)\nhttps://(\S+?)(/files/\S+)", text)
    check(m, text)
    check_eq(m[1], f"{a.site.host}:{a.site.port}", "the host")
    answer = a.site.request("GET", m[2], headers=[("Accept", "text/html,*/*")], origin=False)
    check_eq((answer.status, answer.headers["Location"]), (303, "/#" + m[2]), "a person without a log-in")


@tap.test
def names_do_no_harm(case):
    a, b = browser(case), browser(case)
    for name, wanted in (("../../etc/passwd", "passwd"), ("C:\\temp\\x.doc", "x.doc"),
                         ("a\r\nSet-Cookie: b", "aSet-Cookie: b"), ("..", "file"), (" ", "file"),
                         ("gpj.\u202eexe", "gpj.exe"), ("<img src=x>", "<img src=x>"),
                         ("ä" * 300, "ä" * 100)):
        answer = upload(a, b, name, b"x")
        check_eq((answer.status, answer.json().get("file", {}).get("name")), (200, wanted), name)
    head = fetch(a, upload(a, b, 'x";\r\ny', b"x").json()["file"]).headers
    check_eq(head["Content-Disposition"], "attachment; filename*=UTF-8''x%22%3By", "quotes and lines")


@tap.test
def files_of_a_blocked_kind_are_not_sent(case):
    a, b = browser(case), browser(case)
    for name in ("setup.exe", "Setup.EXE", "x.pdf.js", "run.bat "):
        file = upload(a, b, name, b"x").json()["file"]["id"]
        check_eq(a.error("chat.send", to=address(b.user), file=file), "refused", name)
    sent(a, b, "exe.txt", b"x", text="a text")
    b.wait_text("a text")
    check_eq([m for m in b.messages if "exe" in m["text"]], [], "and nothing of the others came")


@tap.test
def what_is_too_much_or_wrong_is_refused(case):
    a, b = browser(case), browser(case)

    def refused(status, code, **kw):
        answer = upload(a, kw.pop("to", b), kw.pop("name", "x"), kw.pop("content", b"x"), **kw)
        check_eq((answer.status, answer.code), (status, code), kw)
    refused(413, "too_large", content=bytes(FILE_MAX + 1))
    refused(403, "foreign_origin", origin=False)
    refused(401, "signed_out", cookie="x" * 43)
    refused(400, "bad_request", to="")
    refused(400, "bad_request", to="no address")
    refused(400, "bad_request", name="")
    first = upload(a, b, "1", bytes(3 * 1024 * 1024))
    check_eq(first.status, 200, first.body)
    check_eq(upload(a, b, "2", bytes(2 * 1024 * 1024)).status, 200, "the second")
    refused(409, "full", content=bytes(2 * 1024 * 1024))
    check_eq(upload(a, b, "3", b"small").status, 200, "what still fits")
    check_eq(upload(b, a, "1", b"x").status, 200, "others have room")
    answer = a.site.request("POST", f"{API}files?chat=x@example.test&name=x", b"1\r\na\r\n0\r\n\r\n",
                            [("Content-Type", "x/y"), ("Transfer-Encoding", "chunked")], cookie=a.cookie)
    check_eq((answer.status, answer.code), (400, "bad_request"), "without a length")


@tap.test
def half_a_file_is_none(case):
    a, b = browser(case), browser(case)
    before = names(case)
    s = a.site.socket()
    s.sendall((f"POST {API}files?chat={address(b.user)}&name=half HTTP/1.1\r\nHost: {a.site.host}\r\n"
               f"Origin: https://{a.site.host}\r\nCookie: __Host-dialtone={a.cookie}\r\n"
               f"Content-Length: 300000\r\n\r\n").encode() + bytes(200000))
    wait_for(lambda: any(n.endswith(".part") for n in names(case) - before), "its beginning")
    s.close()
    wait_for(lambda: not any(n.endswith(".part") for n in names(case) - before), "nothing is left")


@tap.test
def who_leaves_at_the_last_byte_harms_nobody(case):
    a, b = browser(case), browser(case)
    pid = case.site.server.pid_of_role("web")
    for i in range(120):  # the last steps, the row's among them, take some milliseconds
        s = a.site.socket()
        s.sendall((f"POST {API}files?chat={address(b.user)}&name=short HTTP/1.1\r\nHost: {a.site.host}\r\n"
                   f"Origin: https://{a.site.host}\r\nCookie: __Host-dialtone={a.cookie}\r\n"
                   f"Content-Length: 4\r\n\r\nfour").encode())
        time.sleep(0.0003 * (i % 60))
        s.close()
    sent(a, b, text="still there")
    b.wait_text("still there")
    check_eq(case.site.server.pid_of_role("web"), pid, "the process")


@tap.test(alone=True)
def the_scanner_is_heard(case):
    scanner = case.site.scanner
    a, b = browser(case), browser(case)
    before = names(case)

    def refused(status, code, content):
        answer = upload(a, b, "x", content)
        check_eq((answer.status, answer.code), (status, code), code)
    refused(422, "infected", b"x" * 100000 + b"VIRUS" + b"x" * 100000)
    refused(413, "too_large", bytes(Scanner.LIMIT + 1000))
    scanner.mode = "silent"
    refused(503, "not_scanned", b"x")
    scanner.mode = "scan"
    wait_for(lambda: names(case) == before, lambda: f"nothing is left: {names(case) - before}")
    sent(a, b, "clean", b"clean", text="clean")
    b.wait_text("clean")
    scanner.stop()
    try:
        refused(503, "not_scanned", b"x")
    finally:
        case.site.scanner = Scanner(scanner.path)


@tap.test(alone=True)
def a_killed_process_loses_no_file_that_was_taken(case):
    server = case.site.server
    a, b = browser(case), browser(case)
    file, _ = sent(a, b, "kept.bin", bytes(500000))
    s = a.site.socket()
    s.sendall((f"POST {API}files?chat={address(b.user)}&name=half HTTP/1.1\r\nHost: {a.site.host}\r\n"
               f"Origin: https://{a.site.host}\r\nCookie: __Host-dialtone={a.cookie}\r\n"
               f"Content-Length: 300000\r\n\r\n").encode() + bytes(200000))
    wait_for(lambda: any(n.endswith(".part") for n in names(case)), "its beginning")
    os.kill(server.pid_of_role("web"), signal.SIGKILL)

    def again():
        try:
            return fetch(b, file).status == 200
        except OSError:
            return False
    wait_for(again, "the file that was taken")
    check_eq(len(fetch(b, file).body), 500000, "its content")
    wait_for(lambda: not any(n.endswith(".part") for n in names(case)), "what was not finished is gone")
    s.close()


@tap.test(alone=True)
def its_time_is_over(case):
    server = case.site.server
    a, b = browser(case), browser(case)
    path = os.path.join(server.dir, "topology.conf")
    with open(path, encoding="utf-8") as f:
        good = f.read()

    def write(text):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        server.reload()
    write(good.replace("file-max = 4 MB", "file-max = 4 MB\nfile-life = 1 s"))
    try:
        file, _ = sent(a, b, text="soon over")
        wait_for(lambda: fetch(b, file).status == 404, "its end")
        m = b.ok("chat.history", **{"with": address(a.user)})["messages"][-1]
        check_eq((m["text"], m["file"]), ("soon over", {"gone": True, "name": "notes.txt"}), "the history")
        wait_for(lambda: file["id"] not in names(case), "its content is gone")
    finally:
        write(good)
    bad = good.replace("file-max = 4 MB", "file-scanner = nowhere")
    with open(path, "w", encoding="utf-8") as f:
        f.write(bad)
    try:
        check("file-scanner" in server.tool("reload", ok=False), "a scanner that is none")
    finally:
        write(good)


if __name__ == "__main__":
    tap.main(make)
