#!/usr/bin/env python3
"""What an update loses: instances follow each other on one address by node.handover, under a steady load of one
endpoint's name and one forwarded name.

Usage: bench/handover.py [BUILD] [ROUNDS] [RATE]      (build, 25 replacements, 20,000 queries a second)
Prints for one loop, three loops and a number of loops that changes, over UDP: queries sent and lost, the longest
silence, and how long an instance takes from the word to stop to its end.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from lib.ports import free_port

LOOPS = {"1 loop": [1], "3 loops": [3], "1, 4 and 2 loops in turn": [1, 4, 2]}
STAND_S = 0.4  # how long one is there before the next one comes


class Instance:
    """One local53, ready."""

    def __init__(self, place, number, loops):
        path, control = (os.path.join(place.folder, f"{number}.{kind}") for kind in ("yaml", "sock"))
        with open(path, "w", encoding="ascii") as file:
            file.write(f"listen: [127.0.0.1:{place.port}]\ncontrol: {control}\nmetrics: []\nworkers: {loops}\n"
                       f"node: {{handover: true}}\nendpoints: [{{names: [a.corp.example], addresses: [10.0.0.1]}}]\n"
                       f"forward: [{{zone: ., servers: ['127.0.0.1:{place.upstream}']}}]\n")
        self.process = subprocess.Popen([f"{place.build}/local53", "run", "-c", path], stderr=subprocess.DEVNULL)
        for _ in range(200):
            if subprocess.run([f"{place.build}/local53", "ctl", "-s", control, "ready"], capture_output=True,
                              check=False).returncode == 0:
                return
            time.sleep(0.05)
        sys.exit("local53 is not ready after 10 s")

    def stop(self):
        """Seconds it took."""
        started = time.monotonic()
        self.process.terminate()
        if self.process.wait(timeout=20) != 0:
            sys.exit("local53 did not stop in order")
        return time.monotonic() - started


class Place:
    """An address, and who is asked for what no instance knows."""

    def __init__(self, build, folder):
        self.build, self.folder, self.port, self.upstream = build, folder, free_port(), free_port()
        self.responder = subprocess.Popen([f"{build}/dnsbench", "serve", "--listen", f"127.0.0.1:{self.upstream}"],
                                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.queries = os.path.join(folder, "queries")
        with open(self.queries, "w", encoding="ascii") as file:
            file.write("a.corp.example A\nb.forwarded.example A\n")

    def measure(self, loops, rounds, rate):
        """The measured run, and the seconds each instance took to end."""
        running, took = Instance(self, 0, loops[0]), []
        bench = subprocess.Popen(
            [f"{self.build}/dnsbench", "run", "--server", f"127.0.0.1:{self.port}", "--queries", self.queries, "--rate",
             str(rate), "--clients", "64", "--duration", f"{rounds}s", "--warmup", "0s", "--json", "-"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for number in range(1, rounds + 1):
            time.sleep(STAND_S)
            newcomer = Instance(self, number, loops[number % len(loops)])
            took.append(running.stop())
            running = newcomer
        run = json.loads(bench.communicate()[0])["runs"][0]
        running.stop()
        return run, took


def main():
    build, rounds, rate = (sys.argv[1:] + ["build", "25", "20000"][len(sys.argv) - 1:])[:3]
    print("| | sent | lost | longest silence, ms | ends within, ms |\n| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        place = Place(build, folder)
        for label, loops in LOOPS.items():
            run, took = place.measure(loops, int(rounds), int(rate))
            sent, good = run["measured"]["sent"], run["measured"]["outcomes"]["ok"]
            print(f"| {label} | {sent:,} | {sent - good} | {run['summary']['longest_silence_ns'] / 1e6:.0f} | "
                  f"{statistics.median(took) * 1e3:.0f} ({min(took) * 1e3:.0f}..{max(took) * 1e3:.0f}) |")
        place.responder.terminate()
        place.responder.wait(timeout=8)


if __name__ == "__main__":
    main()
