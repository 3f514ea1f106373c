#!/usr/bin/env python3
"""What dnsbench says of time and rate against what its fault-injecting server says it did: the plain build, two CPUs.

The tester runs on one CPU, the server on another. Each case needs a quiet machine: see lib/quiet.py.
"""
import os
import statistics
import subprocess
import sys

from lib.cases import Skip, Suite, expect, expect_equal
from lib.dnsbench import FAILED, INVALID, PASS, PLAIN, Serve, bench
from lib.quiet import need, tried_cases

suite = Suite("dnsbench timing:")
CPUS = sorted(os.sched_getaffinity(0))
SERVER_CPU, TESTER_CPU = CPUS[0], CPUS[-1]
HIT = ("--profile", "hit", "--cpus", TESTER_CPU)
US, MS, S = 1e3, 1e6, 1e9
HOG = "import os, sys\nos.sched_setaffinity(0, {int(sys.argv[1])})\nprint(flush=True)\nwhile True: pass\n"


def look_for_two_cpus():
    if len(CPUS) < 2:
        raise Skip("needs two CPUs, for the server and the tester")


timed = tried_cases(suite, limit_s=120, look=look_for_two_cpus)


def serve(scene, *faults):
    return Serve(scene, "--cpu", str(SERVER_CPU), *faults, binary=PLAIN)


def run(scene, server, *words):
    """A run that must be valid."""
    ended = bench(scene, "run", "--server", server.server, *HIT, *words, binary=PLAIN)
    expect(ended.json is not None, ended.told())
    return ended.need_valid()


def quantile(ended, which, name):
    return ended.result["summary"][which][f"{name}_ns"]


def near(found, wanted, allowed, what):
    """Nanoseconds within so many of what they must be."""
    need(abs(found - wanted) <= allowed,
         f"{what}: {found / MS:.3f} ms, wanted {wanted / MS:.3f} ± {allowed / MS:.3f} ms")


# ---- Latency --------------------------------------------------------------------------------------

@timed("service times are those the server held its answers for: 0.2, 1, 5 and 20 ms")
def delays(scene):
    for delay in ("200us", "1ms", "5ms", "20ms"):
        server = serve(scene, "--delay", delay)
        ended = run(scene, server, "--rate", "2k", "--warmup", "300ms", "--duration", "1500ms")
        hold = server.stop()["hold"]
        near(quantile(ended, "service", "p50"), hold["p50_ns"], max(60 * US, 0.03 * hold["p50_ns"]), f"p50 at {delay}")
        near(quantile(ended, "service", "p99"), hold["p99_ns"], 0.1 * hold["p99_ns"], f"p99 at {delay}")
        expect_equal(ended.outcomes, {"ok": ended.measured["sent"]}, "outcomes")


@timed("a stall of 500 ms is seen as every query that waited for it saw it")
def stall(scene):
    server = serve(scene, "--stall", "500ms@2s")
    ended = run(scene, server, "--rate", "20k", "--arrival", "constant", "--warmup", "0", "--duration", "4s")
    truth = server.stop()
    expect_equal(ended.measured["sent"], 80000, "sent")
    need(truth.lost_by_kernel == 0 and ended.outcomes == {"ok": 80000}, f"outcomes {ended.outcomes}, truth {truth}")
    near(quantile(ended, "response", "p99"), 460 * MS, 0.05 * 460 * MS, "p99")
    # 10,000 of 80,000 wait 250 ms on average; the server then has them to catch up with.
    near(ended.result["summary"]["response"]["mean_ns"], 31.25 * MS, 0.15 * 31.25 * MS, "mean")
    near(ended.result["summary"]["longest_silence_ns"], 500 * MS, 10 * MS, "longest silence")
    near(truth["stalled_ns"], 500 * MS, 5 * MS, "the server's own word")


class Hog:
    """A process that keeps one CPU busy."""

    def __init__(self, cpu):
        self._process = subprocess.Popen([sys.executable, "-S", "-c", HOG, str(cpu)], stdout=subprocess.PIPE)
        self._process.stdout.read(1)

    def close(self):
        self._process.kill()
        self._process.wait()


@timed("a busy process on the tester's CPU makes the run INVALID and moves the server's service time by no 100 us")
def hog(scene):
    server = serve(scene, "--delay", "1ms")
    words = ("--rate", "20k", "--warmup", "300ms", "--duration", "2s")
    calm = run(scene, server, *words)
    busy = Hog(TESTER_CPU)
    try:
        ended = bench(scene, "run", "--server", server.server, *HIT, *words, binary=PLAIN)
    finally:
        busy.close()
    expect_equal(ended.code, INVALID, f"exit of {ended.told()}")
    near(quantile(ended, "service", "p50"), quantile(calm, "service", "p50"), 100 * US, "service p50 beside a hog")


# ---- Rates ----------------------------------------------------------------------------------------

def windows(ended):
    """Queries sent in each whole window of 100 ms."""
    table = ended.result["series"]["windows"]
    column = table["columns"].index("sent")
    return [row[column] for row in table["rows"]]


def at_150k(scene, server, *words):
    """A valid run at 150,000 a second. Where a core cannot do that, the tester must call itself the limit, twice."""
    for _ in range(2):
        ended = bench(scene, "run", "--server", server.server, *HIT, "--rate", "150k", *words, binary=PLAIN)
        if ended.code != INVALID:
            return ended.need_valid()
    raise Skip(f"a core here does not do 150,000/s, says the tester: {ended.reasons()}")


def judge_constant(ended, rate):
    achieved = ended.result["summary"]["sent_per_second"]
    need(abs(achieved - rate) <= 0.001 * rate, f"{achieved:.0f} a second of {rate}")
    expect_equal(ended.measured["sent"], 2.5 * rate, "queries sent")
    counts = windows(ended)
    worst = max(counts, key=lambda count: abs(count - rate / 10))
    need(len(counts) == 25 and abs(worst - rate / 10) <= 0.02 * rate / 10, f"a window of {worst} at {rate}: {counts}")


CONSTANT = ("--arrival", "constant", "--warmup", "200ms", "--duration", "2500ms", "--timeout", "300ms")
POISSON = ("--warmup", "200ms", "--duration", "3s", "--timeout", "300ms")


@timed("a constant rate of 1k, 20k and 60k a second is kept to 0.1 %, in each 100 ms to 2 %")
def constant(scene):
    server = serve(scene)
    for rate in (1000, 20000, 60000):
        judge_constant(run(scene, server, "--rate", rate, *CONSTANT), rate)


@timed("a constant rate of 150k a second is kept to 0.1 %, in each 100 ms to 2 %, where a core can do it")
def constant_150k(scene):
    judge_constant(at_150k(scene, serve(scene), *CONSTANT), 150000)


def squares_of(ended, rate):
    """Per window, the squared distance from the mean over the mean."""
    sent = ended.measured["sent"]
    # The number of arrivals is chance too: four standard deviations.
    expect(abs(sent - 3 * rate) < 4 * (3 * rate) ** 0.5, f"{sent} sent at {rate}")
    planned = ended.result["health"]["planned"]
    need(abs(sent - planned) <= 0.001 * planned, f"{sent} of {planned} planned sent")
    return [(count - rate / 10) ** 2 / (rate / 10) for count in windows(ended)]


def judge_poisson(squares):
    need(0.8 <= statistics.mean(squares) <= 1.5, f"variance over mean is {statistics.mean(squares):.2f}")


@timed("Poisson arrivals are as uneven as chance is, at 1k, 20k and 60k a second")
def poisson(scene):
    server, squares = serve(scene), []
    for rate in (1000, 20000, 60000):
        squares += squares_of(run(scene, server, "--rate", rate, *POISSON), rate)
    judge_poisson(squares)


@timed("Poisson arrivals are as uneven as chance is at 150k a second, where a core can do it")
def poisson_150k(scene):
    server, squares = serve(scene), []
    for seed in (1, 2, 3):
        squares += squares_of(at_150k(scene, server, *POISSON, "--seed", seed), 150000)
    judge_poisson(squares)


# ---- Capacity -------------------------------------------------------------------------------------

@timed("search finds the capacity of a server with 20 us of service time within 5 %", limit_s=240)
def search(scene):
    server = serve(scene, "--service-time", "20us")
    ended = bench(scene, "search", "--server", server.server, *HIT, "--rate", "20k", "--duration", "1s", "--timeout",
                  "200ms", "--slo", "p99<5ms,loss<0.1%", binary=PLAIN, timeout_s=100).need_valid()
    truth = server.stop()
    served = truth["received"] - truth["dropped"] - truth["overflowed"]
    capacity = served / (truth["busy_ns"] / S)
    found = ended.json["answer"]
    expect(found <= 1.05 * capacity, f"{found:.0f} a second of a server that can do {capacity:.0f}")
    need(found >= 0.95 * capacity, f"{found:.0f} a second of a server that can do {capacity:.0f}")
    ended.need_exit(PASS)


def highest(scene, server):
    ended = bench(scene, "max", "--server", server.server, *HIT, "--duration", "600ms", "--warmup", "200ms",
                  "--timeout", "200ms", binary=PLAIN)
    expect(ended.json is not None, ended.told())
    return ended.need_valid().json["answer"]


@timed("loss of 0.1 and 1 % takes max no more than 5 % of its throughput")
def max_with_loss(scene):
    slow = ("--service-time", "10us")  # the server is the limit, not the tester
    free, little, much = (serve(scene, *slow, *faults) for faults in ((), ("--loss", "0.1%"), ("--loss", "1%")))
    before = highest(scene, free)
    found = {"0.1 %": highest(scene, little), "1 %": highest(scene, much)}
    clean = (before + highest(scene, free)) / 2
    for share, rate in found.items():
        need(rate >= 0.95 * clean, f"{rate:.0f} a second at {share} of loss, {clean:.0f} without")


# ---- Comparison -----------------------------------------------------------------------------------

COMPARISONS = 20


def compare(scene, of_a, of_b, number):
    words = ("--a", of_a.server, "--b", of_b.server, *HIT, "--slice", "250ms", "--warmup", "50ms", "--pairs", "8",
             "--timeout", "50ms", "--window", "32", "--alpha", "0.01", "--seed", number)
    ended = bench(scene, "compare", *words, binary=PLAIN)
    need(ended.json and ended.json["comparisons"], f"nothing was compared: {ended.told()}")
    return ended


def need_most(wanted, what, judge):
    """judge(number) holds in so many of COMPARISONS; the rest is spared once that is settled."""
    good = number = 0
    while good < wanted and number - good <= COMPARISONS - wanted:
        good += judge(number)
        number += 1
    need(good >= wanted, f"{what} in {good} of {number}")


@timed("a server compared with itself: the interval contains 1 in at least 19 of 20", limit_s=300)
def compare_same(scene):
    a, b = serve(scene, "--service-time", "20us"), serve(scene, "--service-time", "20us")

    def contains_one(number):
        throughput = compare(scene, a, b, number).json["comparisons"][0]
        expect_equal(throughput["metric"], "throughput", "first metric")
        return throughput["low"] <= 1 <= throughput["high"]

    need_most(COMPARISONS - 1, "the interval contains 1", contains_one)


@timed("a server that is 5 % slower is found in at least 18 of 20", limit_s=300)
def compare_slower(scene):
    a, b = serve(scene, "--service-time", "20us"), serve(scene, "--service-time", "21us")

    def is_found(number):
        ended = compare(scene, a, b, number)
        return ended.code == FAILED and ended.json["comparisons"][0]["high"] < 1

    need_most(COMPARISONS - 2, "found", is_found)


if __name__ == "__main__":
    suite.main()
