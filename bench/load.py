"""The load generators as children that do one step at a time."""
import json
import os
import subprocess

import procs
import servers


class Generator:
    """One that says which step is next and waits for a line before it; step() does the next."""

    def __init__(self, server, argv, cpus, log):
        self.server, self.program = server, os.path.basename(argv[0])
        self.p = procs.start(argv, log, cpus, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.next = self._read()["ready"]

    def _read(self):
        line = self.p.stdout.readline()
        if not line:
            raise procs.Failed(f"{self.program} ended with {self.p.wait()}")
        return json.loads(line)

    def step(self):
        """The figures of the generator, and `cpu_us`: CPU of the server for each operation."""
        before = procs.cpu(self.server.pids())
        self.p.stdin.write(b"\n")
        self.p.stdin.flush()
        result = self._read()
        used = procs.cpu_between(before, procs.cpu(self.server.pids()))
        self.next = self._read()["ready"]
        result["cpu_s"] = used
        result["cpu_us"] = used / result["ops"] * 1e6 if result["ops"] else None
        return result

    def close(self):
        self.p.stdin.close()
        procs.stop(self.p)


class Load(Generator):
    """sipload or presload with the steps OP:COUNT ... against one server."""

    def __init__(self, build, server, transport, steps, cpus, log, users=1000, conns="20",
                 options=(), program="sipload"):
        super().__init__(server, [
            os.path.join(build, "bench", program), "--server", server.address(transport),
            "--transport", transport, "--domain", servers.DOMAIN, "--password",
            servers.PASSWORD, "--users", str(users), "--conns", str(conns), "--wait",
            *options, *steps], cpus, log)


class RelayLoad(Generator):
    """relayload with so many flows."""

    def __init__(self, build, server, transport, steps, cpus, log, flows, rate):
        login = ["--echo"]
        if server.name != "echo":
            login = ["--user", server.credentials[0], "--password", server.credentials[1]]
        super().__init__(server, [
            os.path.join(build, "bench", "relayload"), "--server", server.address(transport),
            *["--tls"] * (transport == "tls"), *login, "--flows", str(flows), "--rate",
            str(rate), "--wait", *steps], cpus, log)


class WebLoad(Generator):
    """webload with so many users."""

    def __init__(self, build, server, steps, cpus, log, users=1, tabs=1, outstanding=32):
        super().__init__(server, [
            os.path.join(build, "bench", "webload"), "--server", server.address("web"), "--name",
            server.host, "--ca", server.ca, "--domain", servers.DOMAIN, "--password",
            servers.PASSWORD, "--users", str(users), "--tabs", str(tabs), "--outstanding",
            str(outstanding), "--wait", *["--echo"] * (server.name == "echo"), *steps], cpus, log)
