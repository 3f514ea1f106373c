#!/usr/bin/env python3
"""What a reload of a large configuration does to answers: 100,000 names in 100 endpoints, half of the queries for
names with a rule and half for cached ones, at a steady rate; in every second slice the configuration is taken anew.

Usage: bench/reload.py [BUILD] [ROUNDS]      (build, 11 rounds)
Prints medians and spread of both kinds of slices, and whether any answer was lost or wrong in any of them.
"""
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from lib.ports import free_port

ENDPOINTS, NAMES_EACH = 100, 1000
RATE, SLICE_S, RELOAD_AT_S = 20000, 2.0, 0.8
ASKED = 1000  # names with a rule that are asked
CACHED = "cached.example.com"


def write_config(path, port, upstream, folder):
    with open(path, "w", encoding="ascii") as file:
        file.write(f"listen: [127.0.0.1:{port}]\ncontrol: {folder}/control.sock\nmetrics: []\n"
                   f"forward: [{{zone: ., servers: ['127.0.0.1:{upstream}']}}]\nendpoints:\n")
        for i in range(ENDPOINTS):
            file.write(f"  - addresses: [10.0.{i}.1]\n    names:\n")
            file.writelines(f"      - n{j}.e{i}.corp.example\n" for j in range(NAMES_EACH))


def write_load(folder):
    """The queries, and what must come; every cached name has the responder's address."""
    queries, expected = os.path.join(folder, "queries"), os.path.join(folder, "expected")
    with open(queries, "w", encoding="ascii") as file, open(expected, "w", encoding="ascii") as right:
        for k in range(ASKED):
            i, j = k % ENDPOINTS, k * 7 % NAMES_EACH
            file.write(f"n{j}.e{i}.corp.example A\nw{k}.{CACHED} A\n")
            right.write(f"n{j}.e{i}.corp.example A 10.0.{i}.1\nw{k}.{CACHED} A 192.0.2.1\n")
    return queries, expected


class Local53:
    """A daemon that answers, and its responder."""

    def __init__(self, build, folder):
        self.port, upstream = free_port(), free_port()
        self.responder = subprocess.Popen([f"{build}/dnsbench", "serve", "--listen", f"127.0.0.1:{upstream}"],
                                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        path = os.path.join(folder, "reload.yaml")
        write_config(path, self.port, upstream, folder)
        self.ctl = [f"{build}/local53", "ctl", "-s", f"{folder}/control.sock"]
        self.process = subprocess.Popen([f"{build}/local53", "run", "-c", path], stderr=subprocess.DEVNULL)
        for _ in range(100):
            if subprocess.run([*self.ctl, "ready"], capture_output=True, check=False).returncode == 0:
                return
            time.sleep(0.1)
        sys.exit("local53 is not ready after 10 s")

    def reload(self):
        started = time.monotonic()
        subprocess.run([*self.ctl, "reload"], check=True, stdout=subprocess.DEVNULL)
        return (time.monotonic() - started) * 1e3

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.responder.send_signal(signal.SIGINT)
        if self.process.wait(timeout=8) != 0:
            sys.exit("local53 did not stop in order")
        self.responder.wait(timeout=8)


def take_slice(build, daemon, load, with_reload):
    """Figures of one slice: lost, wrong, p50, p99, p99.9 and the longest silence in ms; the reload's time."""
    bench = subprocess.Popen(
        [f"{build}/dnsbench", "run", "--server", f"127.0.0.1:{daemon.port}", "--queries", load[0], "--expect", load[1],
         "--rate", str(RATE), "--arrival", "constant", "--duration", f"{SLICE_S}s", "--warmup", "200ms", "--json", "-"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    time.sleep(RELOAD_AT_S)
    took = daemon.reload() if with_reload else 0.0
    run = json.loads(bench.communicate()[0])["runs"][0]
    outcomes, response = run["measured"]["outcomes"], run["summary"]["response"]
    return {"lost": sum(outcomes[word] for word in ("timeout", "late", "refused")), "wrong": outcomes["wrong"],
            "p50": response["p50_ns"] / 1e6, "p99": response["p99_ns"] / 1e6, "p99.9": response["p99_9_ns"] / 1e6,
            "silence": run["summary"]["longest_silence_ns"] / 1e6, "reload": took}


def row(label, slices, key):
    values = [one[key] for one in slices]
    return f"| {label} | {statistics.median(values):.2f} ({min(values):.2f}..{max(values):.2f}) "


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else "build"
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 11
    with tempfile.TemporaryDirectory() as folder:
        daemon, load = Local53(build, folder), write_load(folder)
        take_slice(build, daemon, load, False)
        slices = [[take_slice(build, daemon, load, with_reload) for with_reload in (False, True)] for _ in range(rounds)]
        daemon.stop()
    calm, reloaded = ([pair[i] for pair in slices] for i in (0, 1))
    print("| ms, median (least..most) | without | with a reload |\n| --- | --- | --- |")
    for key in ("p50", "p99", "p99.9", "silence"):
        print(row(key, calm, key) + row("", reloaded, key)[2:] + "|")
    print(f"\nthe reload itself: {row('', reloaded, 'reload')[4:]}ms; lost {sum(s['lost'] for s in calm)} without, "
          f"{sum(s['lost'] for s in reloaded)} with; wrong {sum(s['wrong'] for s in calm + reloaded)}")


if __name__ == "__main__":
    main()
