#!/usr/bin/env python3
"""Cold start and idle memory: from exec to the first answered query, and RSS after that.

Usage: bench/start.py [BINARY] [ROUNDS]      (build/local53, 21 rounds)
Prints medians and spread, beside the time the same machine takes in the same run to start /bin/true.
"""
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from lib.ports import free_port

QUERY = bytes.fromhex("123401000001000000000000") + b"\x03api\x03ecr\x09eu-west-1\x09amazonaws\x03com\0\0\1\0\1"
CONFIG = """\
listen: [127.0.0.1:{port}]
control: {folder}/control.sock
metrics: []
endpoints:
  - {{service: ecr.api, region: eu-west-1, addresses: [10.40.1.11]}}
  - {{service: ecr.dkr, region: eu-west-1, addresses: [10.40.1.12]}}
  - {{service: s3, region: eu-west-1, addresses: [10.40.1.13]}}
forward:
  - {{zone: ".", servers: [127.0.0.1:9]}}
workers: auto
"""


def first_answer_ms(sock, started):
    while time.monotonic() - started < 5:
        try:
            sock.send(QUERY)
            if sock.recv(512)[:2] == QUERY[:2]:
                return (time.monotonic() - started) * 1000
        except (ConnectionRefusedError, socket.timeout):
            time.sleep(0.0002)
    sys.exit("no answer within 5 s")


def rss_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(next(line for line in status if line.startswith("VmRSS")).split()[1])


def one_round(binary, folder):
    port = free_port()
    path = os.path.join(folder, "bench.yaml")
    with open(path, "w", encoding="ascii") as config:
        config.write(CONFIG.format(port=port, folder=folder))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", port))
        sock.settimeout(0.002)
        started = time.monotonic()
        process = subprocess.Popen([binary, "run", "-c", path], stderr=subprocess.DEVNULL)
        try:
            took = first_answer_ms(sock, started)
            time.sleep(0.3)
            memory = rss_kib(process.pid)
            process.send_signal(signal.SIGTERM)
            if process.wait(timeout=8) != 0:
                sys.exit("local53 did not stop in order")
        finally:
            process.kill()
    return took, memory


def true_ms():
    started = time.monotonic()
    subprocess.run(["/bin/true"], check=True)
    return (time.monotonic() - started) * 1000


def row(label, values, unit, goal):
    print(f"{label:<28} median {statistics.median(values):8.1f} {unit:<4} "
          f"({min(values):.1f}..{max(values):.1f}){goal}")


def main():
    binary = sys.argv[1] if len(sys.argv) > 1 else "build/local53"
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 21
    with tempfile.TemporaryDirectory() as folder:
        results = [one_round(binary, folder) + (true_ms(),) for _ in range(rounds)]
    row("exec to first answer", [r[0] for r in results], "ms", "   goal < 50 ms")
    row("RSS idle", [r[1] / 1024 for r in results], "MiB", "  goal < 16 MiB")
    row("for scale: exec of /bin/true", [r[2] for r in results], "ms", "")


if __name__ == "__main__":
    main()
