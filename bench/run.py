#!/usr/bin/python3
"""Measures Dialtone beside Kamailio, coturn, nginx and a bare echo, and prints the budgets met and
not met.

CPU time of all processes of the server for each operation; the servers take turns round by round,
for machines drift within minutes.  bench/README.md says how to read the figures.
"""
import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time

import plan
import presence
import procs
import relay
import report
import servers
import web

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PARTS = ("parse", "media", "operations", "signing", "fanout", "model", "many", "memory", "storm",
         "relay", "web")


def arguments():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default=os.path.join(ROOT, "build", "out"),
                   help="where the programs are built")
    p.add_argument("--full", action="store_true", help="more rounds of more operations")
    p.add_argument("--rounds", type=int, help="instead of 5, or 15 with --full")
    p.add_argument("--populations", help="endpoints of the user model: 1000,5000,15000")
    p.add_argument("--only", default=",".join(PARTS), help="of " + ",".join(PARTS))
    p.add_argument("--servers", default="dialtone,kamailio,coturn,echo")
    p.add_argument("--json", metavar="FILE", help="write every figure there ('-': print it)")
    p.add_argument("--server-cpu", type=int, help="the processor of the server")
    p.add_argument("--load-cpu", type=int, help="the processor of the load")
    p.add_argument("--keep", action="store_true", help="keep the folder with configurations, logs")
    args = p.parse_args()
    args.only = args.only.split(",")
    unknown = set(args.only) - set(PARTS)
    if unknown:
        p.error(f"no such part: {', '.join(sorted(unknown))}")
    return args


def say(text):
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


def choose_cpus(args):
    """One processor for the server, another for the load, if there are two."""
    cpus = sorted(os.sched_getaffinity(0))
    server = args.server_cpu if args.server_cpu is not None else cpus[0]
    load = args.load_cpu if args.load_cpu is not None else cpus[min(len(cpus) - 1, 1)]
    return {server}, {load}


def make_servers(args, folder, cpus):
    certificate = servers.Certificate(folder)
    makers = {
        "dialtone": lambda f: servers.Dialtone(f, cpus, args.build),
        "kamailio": lambda f: servers.Kamailio(f, cpus, certificate),
        "coturn": lambda f: servers.Coturn(f, cpus, certificate),
        "echo": lambda f: servers.Echo(f, cpus, args.build, certificate),
    }
    names = args.servers.split(",")
    if "relay" not in args.only:
        names = [n for n in names if n != "coturn"]
    return {n: makers[n](os.path.join(folder, n)) for n in names}


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        names = [line.split(":", 1)[1].strip() for line in f if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.machine()


def heading(size, made):
    yield f"machine: {processor()}, Linux {platform.release()}"
    for name, server in made.items():
        if hasattr(server, "version"):
            yield f"{name}: {server.version()}"
    yield (f"populations: {size.users} users on {size.conns} kept connections; "
           f"{size.signing_users} clients whose messages are signed and as many without; "
           f"{presence.WATCHERS} watchers of one publisher; "
           f"{', '.join(map(str, size.populations))} endpoints of the user model, 80 contacts each; "
           f"{size.many} TLS clients; {size.idle_streams} idle clients on a connection each (a "
           f"process may hold "
           f"{os.sysconf('SC_OPEN_MAX')} descriptors here, and both ends of {2 * size.idle_streams}"
           f" would not leave room for the rest); {size.idle_users} users over UDP; "
           f"{relay.FLOWS} allocations of the relay, {relay.IDLE:,} idle ones")


def storm_lines(storms):
    for s in storms:
        if not s["ops"]:
            yield f"storm, {s['server']}: nobody came in"
            continue
        failed = sum(s["failures"].values())
        core = s["ops"] / s["cpu_s"] if s["cpu_s"] else 0
        yield (f"storm, {s['server']}: {s['ops']} of {s['clients']} {s['op']} in "
               f"{s['wall_s']:.1f} s, {failed} failures that a client sees"
               f"{' ' + str(s['failures']) if failed else ''}, {s['retries']} tried again, "
               f"{s['cpu_us']:.0f} us of CPU each, {core:.0f}/s for each core, slowest "
               f"{s['max_us'] / 1e6:.1f} s")


def run(args, folder):
    server_cpus, load_cpus = choose_cpus(args)
    size = plan.Size(args.full)
    if args.rounds:
        size.rounds = size.many_rounds = size.storm_rounds = args.rounds
        size.fanout_rounds = size.model_rounds = args.rounds
    if args.populations:
        size.populations = [int(n) for n in args.populations.split(",")]
    made = make_servers(args, folder, server_cpus)
    bench = plan.Bench(made, args.build, size, load_cpus, folder, say)
    people = presence.Presence(bench)
    edge = relay.Relay(bench, folder, server_cpus, args.full, args.rounds)
    pages = web.Browsers(bench, folder, server_cpus, args.full, args.rounds)
    failed = []
    began = time.monotonic()
    for part in args.only:
        try:
            next(getattr(x, part) for x in (bench, people, edge, pages) if hasattr(x, part))()
        except procs.Failed as e:
            failed.append(f"{part}: {e}")
            say(failed[-1])
    entries = list(report.Report(bench.samples, size).summary())
    relayed, browsed = list(edge.entries()), list(pages.entries())
    every = entries + relayed + browsed
    tables = [line for found, peer in ((entries, "kamailio"), (relayed, "coturn"),
                                       (browsed, "nginx")) if found
              for line in (*report.table(found, peer), "")]
    text = [*heading(size, made), "", *tables,
            "memory: kernel memory beside it, both ends of the connection: "
            + "; ".join(f"{e['title']}: {n} {', '.join(x)}" for e in every
                        for n, x in e["notes"].items()),
            *people.lines, *pages.lines, *storm_lines(bench.storms), "",
            *(f"error: {p}" for p in report.problems(every)),
            *(f"not measured: {f}" for f in failed),
            f"{sum(e['met'] is True for e in every)} budgets met, "
            f"{sum(e['met'] is False for e in every)} not met, "
            f"{time.monotonic() - began:.0f} s"]
    result = {"heading": list(heading(size, made)), "rows": every, "storms": bench.storms,
              "model": people.lines, "web": pages.lines, "failed": failed}
    return text, result, bool(failed)


def main():
    args = arguments()
    folder = tempfile.mkdtemp(prefix="dialtone-bench-")
    os.chmod(folder, 0o711)
    try:
        text, result, failed = run(args, folder)
    except procs.Failed as e:
        sys.exit(f"bench: {e}")
    finally:
        if args.keep:
            say(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    if args.json == "-":
        print(json.dumps(result, indent=1))
    else:
        print("\n".join(text))
    if args.json and args.json != "-":
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(result, f, indent=1)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
