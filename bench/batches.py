#!/usr/bin/env python3
"""CPU a packet when every batch is full: queries wait at a server that is stopped, it goes on, and its CPU is read; for a
bare echo, local53, and local53 with one socket for both ways, in turn, over 10,000 cached names by zipf.

Usage: bench/batches.py [BUILD] [ROUNDS] [QUERIES]      (build, 400 rounds, 640 queries)
Prints the medians with their 10th and 90th of 100, as ratios to the echo of the same round, and what was lost.
"""
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from lib import dns
from lib.ports import free_port

NAMES = 10000
WARM_LIMIT_S, ANSWER_LIMIT_S, END_LIMIT_S = 60, 1, 8
ASLEEP_S = 0.002  # after its last answer a server is asleep, and its time is written down


def name_of(number):
    return f"n{number}.hit.example.com"


class Server:
    """One process on the first CPU."""

    def __init__(self, command, port, cpu):
        self.port, self.lost, self.us = port, 0, []
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.sched_setaffinity(self.process.pid, {cpu})

    def cpu_ns(self):
        total, tasks = 0, f"/proc/{self.process.pid}/task"
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[0])
        return total

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)

    def measure(self, queries):
        """One round: all of them wait, then all are answered."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            udp.settimeout(ANSWER_LIMIT_S)
            udp.connect(("127.0.0.1", self.port))
            self.pause()
            for query in queries:
                udp.send(query)
            before = self.cpu_ns()
            self.process.send_signal(signal.SIGCONT)
            answered = 0
            try:
                while answered < len(queries):
                    udp.recv(4096)
                    answered += 1
            except TimeoutError:
                self.lost += len(queries) - answered
            time.sleep(ASLEEP_S)
            self.us.append((self.cpu_ns() - before) / len(queries) / 1e3)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=END_LIMIT_S)


def local53(build, folder, upstream, sends, cpu):
    port, path = free_port(), os.path.join(folder, f"{sends}.yaml")
    with open(path, "w", encoding="ascii") as file:
        file.write(f"listen: [127.0.0.1:{port}]\ncontrol: {folder}/{sends}.sock\nmetrics: []\nworkers: 1\n"
                   f"forward: [{{zone: ., servers: ['127.0.0.1:{upstream}']}}]\nudp: {{send_socket: {sends}}}\n")
    server = Server([f"{build}/local53", "run", "-c", path], port, cpu)
    if dns.Warmer(port, WARM_LIMIT_S).run(name_of(i) for i in range(NAMES)) < NAMES:
        sys.exit(f"local53 did not answer {NAMES} names in {WARM_LIMIT_S} s")
    return server


def told(label, server, echo):
    ratios = sorted(mine / bare for mine, bare in zip(server.us, echo.us))
    tenth = len(ratios) // 10
    return (f"| {label} | {statistics.median(ratios):.3f} | {ratios[tenth]:.2f}..{ratios[-1 - tenth]:.2f} "
            f"| {statistics.median(server.us):.2f} | {server.lost} |")


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else "build"
    rounds, count = (int(word) for word in (sys.argv[2:4] + ["400", "640"][len(sys.argv[2:4]):]))
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        sys.exit("batches: needs two CPUs, one for the servers and one for the client")
    os.sched_setaffinity(0, {cpus[1]})
    weights, upstream, echo_port = [1 / (i + 1) for i in range(NAMES)], free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        responder = Server([f"{build}/dnsbench", "serve", "--listen", f"127.0.0.1:{upstream}"], upstream, cpus[1])
        echo = Server([f"{build}/bench_echo", f"127.0.0.1:{echo_port}"], echo_port, cpus[0])
        two, one = (local53(build, folder, upstream, sends, cpus[0]) for sends in ("true", "false"))
        servers = [echo, two, one]
        for turn in range(rounds):
            asked = random.choices(range(NAMES), weights, k=count)
            queries = [dns.query(ident % 65536, name_of(number), dns.A) for ident, number in enumerate(asked)]
            for server in servers[turn % 3:] + servers[:turn % 3]:
                server.measure(queries)
        for server in [*servers, responder]:
            server.stop()
    print("| | b, median | 10th..90th of 100 | us | lost |\n|---|---|---|---|---|")
    for label, server in (("the echo", echo), ("local53", two), ("local53, one socket for both ways", one)):
        print(told(label, server, echo))


if __name__ == "__main__":
    main()
