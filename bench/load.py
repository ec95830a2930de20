"""The load generator as a child that does one step at a time."""
import json
import os
import subprocess

import procs
import servers


class Load:
    """sipload or presload with the steps OP:COUNT ... against one server; step() does the next."""

    def __init__(self, build, server, transport, steps, cpus, log, users=1000, conns="20",
                 options=(), program="sipload"):
        self.server, self.program = server, program
        argv = [os.path.join(build, "bench", program), "--server", server.address(transport),
                "--transport", transport, "--domain", servers.DOMAIN, "--password",
                servers.PASSWORD, "--users", str(users), "--conns", str(conns), "--wait",
                *options, *steps]
        self.p = procs.start(argv, log, cpus, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.next = self._read()["ready"]

    def _read(self):
        line = self.p.stdout.readline()
        if not line:
            raise procs.Failed(f"{self.program} ended with {self.p.wait()}")
        return json.loads(line)

    def step(self):
        """The figures of sipload, and `cpu_us`: CPU of the server for each operation."""
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
