"""The two parts of ceiling.sh: the tester's ceiling beside dnsperf's, and what both say of servers whose truth is known.

The server is `dnsbench serve` on the first CPU this process may use; the testers run on the second, in turn.
"""
import argparse
import json
import os
import re
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NAMES = 10000
SECONDS = 3
WINDOWS = (64, 256)


class Bench:
    """Programs, CPUs and a folder for what they write."""

    def __init__(self, dnsbench, folder):
        cpus = sorted(os.sched_getaffinity(0))
        if len(cpus) < 2:
            sys.exit("ceiling: needs two CPUs, one for the server and one for the tester")
        self.dnsbench, self.folder = dnsbench, folder
        self.server_cpu, self.tester_cpu = cpus[:2]
        self.queries = os.path.join(folder, "queries")
        with open(self.queries, "w", encoding="ascii") as file:
            file.writelines(f"n{i}.hit.dnsbench.example A\n" for i in range(NAMES))

    def run(self, words):
        """Runs a tester on its CPU; gives the finished process, its CPU seconds and its seconds."""
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(["taskset", "-c", str(self.tester_cpu), *map(str, words)], capture_output=True, text=True,
                              check=False, timeout=300, stdin=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return done, cpu, time.monotonic() - started


class Server:
    """`dnsbench serve` with faults, for a with statement; its truth afterwards."""

    def __init__(self, bench, *faults):
        self.truth_file = os.path.join(bench.folder, "truth.json")
        self.process = subprocess.Popen(
            [bench.dnsbench, "serve", "--listen", "127.0.0.1:0", "--cpu", str(bench.server_cpu), "--truth", self.truth_file,
             *faults], stderr=subprocess.PIPE, text=True)
        self.port = None

    def __enter__(self):
        match = re.search(r"listening on \S+:(\d+)", self.process.stderr.readline())
        if match is None:
            sys.exit(f"ceiling: the server did not start: {self.process.stderr.read()}")
        self.port = int(match[1])
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=30)

    def truth(self):
        with open(self.truth_file, encoding="ascii") as file:
            return json.load(file)


def number(pattern, text):
    match = re.search(pattern, text)
    return float(match[1]) if match else float("nan")


# ---- Testers -------------------------------------------------------------------------------------

def dnsperf(bench, port, *words, window=100):
    done, cpu, _ = bench.run(["dnsperf", "-s", "127.0.0.1", "-p", port, "-d", bench.queries, "-l", SECONDS, "-q", window,
                              *words])
    return {"rate": number(r"Queries per second:\s+([\d.]+)", done.stdout),
            "cpu_us": cpu * 1e6 / max(1, number(r"Queries completed:\s+(\d+)", done.stdout)),
            "mean_ms": number(r"Average Latency \(s\):\s+([\d.]+)", done.stdout) * 1e3,
            "exit": done.returncode, "text": done.stdout}


def dnsbench(bench, command, port, *words):
    done, cpu, took = bench.run([bench.dnsbench, command, "--server", f"127.0.0.1:{port}", "--queries", bench.queries, "--quiet",
                                 "--json", "-", *words])
    study = json.loads(done.stdout) if done.stdout else None
    return {"study": study, "cpu": cpu, "exit": done.returncode, "seconds": took, "text": done.stderr}


def max_of(bench, port, window=256):
    """The best of dnsbench's windows, with the CPU of the whole process in that share."""
    found = dnsbench(bench, "max", port, "--window", window, "--duration", f"{SECONDS}s", "--warmup", "200ms")
    best = max(found["study"]["runs"], key=lambda run: run["summary"]["ok_per_second"])
    return {"rate": best["summary"]["ok_per_second"], "cpu_us": best["summary"]["tester_cpu_ns_per_query"] / 1e3,
            "exit": found["exit"]}


# ---- Telling -------------------------------------------------------------------------------------

def spread(values, form):
    return f"{form.format(statistics.median(values))} ({form.format(min(values))}..{form.format(max(values))})"


def row(*cells):
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def ceiling(bench, rounds):
    """Rounds of both in turn; ratios are taken round by round."""
    ours, theirs = [], []
    with Server(bench) as server:
        for _ in range(rounds):
            ours.append(max_of(bench, server.port))
            theirs.append(max((dnsperf(bench, server.port, window=window) for window in WINDOWS),
                              key=lambda run: run["rate"]))
    print(f"\n## Ceiling: one core, {rounds} rounds in turn, best window of each\n")
    row("", "queries/s", "CPU a query, us")
    row("---", "---", "---")
    for name, runs in (("dnsbench max", ours), ("dnsperf", theirs)):
        row(name, spread([r["rate"] for r in runs], "{:,.0f}"), spread([r["cpu_us"] for r in runs], "{:.2f}"))
    row("ratio (goal >= 1.4, <= 0.70)", spread([a["rate"] / b["rate"] for a, b in zip(ours, theirs)], "{:.2f}"),
        spread([a["cpu_us"] / b["cpu_us"] for a, b in zip(ours, theirs)], "{:.2f}"))


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def flaw_stall(bench):
    with Server(bench, "--stall", "500ms@1s") as server:
        found = dnsperf(bench, server.port, "-Q", "20000", "-l", "4", "-v")
    latencies = [float(x) for x in re.findall(r"^> \w+ \S+ \S+ ([\d.]+)", found["text"], re.MULTILINE)]
    with Server(bench, "--stall", "500ms@1s") as server:
        ours = dnsbench(bench, "run", server.port, "--rate", "20k", "--arrival", "constant", "--duration", "4s", "--warmup",
                        "0")["study"]["runs"][0]["summary"]["response"]
    row("500 ms stall in 4 s at 20k/s", "mean 31 ms, p99 460 ms",
        f"mean {statistics.mean(latencies) * 1e3:.1f} ms, p99 {quantile(latencies, 0.99) * 1e3:.1f} ms",
        f"mean {ours['mean_ns'] / 1e6:.1f} ms, p99 {ours['p99_ns'] / 1e6:.0f} ms")


def flaw_loss(bench):
    figures = []
    for faults in ((), ("--loss", "1%")):
        with Server(bench, *faults) as server:
            figures.append((dnsperf(bench, server.port)["rate"], max_of(bench, server.port)["rate"]))
    row("1 % loss: throughput against no loss", "1.00", *(f"{figures[1][i] / figures[0][i]:.2f}" for i in range(2)))


def flaw_overload(bench):
    """A server of 20 us a query: what it answers in a second at most is known."""
    long_file = os.path.join(bench.folder, "long")  # resperf goes through its file once
    with open(bench.queries, encoding="ascii") as names, open(long_file, "w", encoding="ascii") as file:
        file.write(names.read() * 100)
    with Server(bench, "--service-time", "20us") as server:
        done, _, _ = bench.run(["resperf", "-s", "127.0.0.1", "-p", server.port, "-d", long_file, "-r", "10", "-m", "150000",
                                "-P", os.path.join(bench.folder, "resperf.gnuplot")])
    theirs = number(r"Maximum throughput:\s+([\d.]+)", done.stdout)
    with Server(bench, "--service-time", "20us") as server:
        found = dnsbench(bench, "search", server.port, "--slo", "p99<5ms,loss<0.1%", "--rate", "10k", "--duration", "1s")
    row("highest rate of a server of 50,000/s", "50,000", f"{theirs:,.0f} (resperf)", f"{found['study']['answer']:,.0f}")


def flaw_wrong(bench):
    expect = os.path.join(bench.folder, "expect")
    with open(expect, "w", encoding="ascii") as file:
        file.write("* A 192.0.2.1\n")
    with Server(bench, "--wrong", "address") as server:
        theirs = dnsperf(bench, server.port, "-Q", "1000", "-l", "1")
        ours = dnsbench(bench, "run", server.port, "--rate", "1k", "--duration", "1s", "--warmup", "0", "--expect", expect)
    wrong = ours["study"]["runs"][0]["measured"]["outcomes"]["wrong"] / ours["study"]["runs"][0]["measured"]["sent"]
    row("every address wrong", "100 % wrong", f"exit {theirs['exit']}, " + re.search(r"NOERROR \S+ \(\S+\)", theirs["text"])[0],
        f"exit {ours['exit']}, {wrong:.0%} wrong")


def flaw_dead(bench):
    with Server(bench) as server:
        port = server.port
    started = time.monotonic()
    theirs = dnsperf(bench, port, "-Q", "1000", "-l", "1")
    took = time.monotonic() - started
    ours = dnsbench(bench, "run", port, "--rate", "1k", "--duration", "1s")
    row("nobody listens", "unreachable", f"exit {theirs['exit']} after {took:.1f} s",
        f"exit {ours['exit']} after {ours['seconds']:.1f} s")


def flaws(bench, _rounds):
    print("\n## What they say of a server whose truth is known\n")
    row("injected", "truth", "dnsperf", "dnsbench")
    row("---", "---", "---", "---")
    for flaw in (flaw_stall, flaw_loss, flaw_overload, flaw_wrong, flaw_dead):
        flaw(bench)


def main():
    parser = argparse.ArgumentParser(prog="ceiling.sh")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--dnsbench", default=os.path.join(ROOT, "build", "dnsbench"))
    parser.add_argument("parts", nargs="*", choices=["ceiling", "flaws", []], default=[])
    arguments = parser.parse_args()
    if not os.access(arguments.dnsbench, os.X_OK):
        sys.exit(f"ceiling: no {arguments.dnsbench}: build it first, or name it with --dnsbench")
    version = subprocess.run([arguments.dnsbench, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"{version}; Linux {os.uname().release}; dnsperf 2.10 or later; {time.strftime('%Y-%m-%d')}")
    with tempfile.TemporaryDirectory(prefix="dnsbench-ceiling-") as folder:
        bench = Bench(arguments.dnsbench, folder)
        for part in arguments.parts or ["ceiling", "flaws"]:
            {"ceiling": ceiling, "flaws": flaws}[part](bench, arguments.rounds)


if __name__ == "__main__":
    main()
