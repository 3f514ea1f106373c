#!/usr/bin/env python3
"""What excuses a case that needs a quiet machine: nothing but witnesses that saw it disturbed, both times."""
import os
import subprocess
import sys
import time

from lib import quiet
from lib.cases import Skip, Suite, expect, expect_equal

suite = Suite("quiet")
STAT = """cpu  300 20 100 5000 10 5 70 30 0 0
cpu0 100 10 50 2500 5 5 70 10 0 0
cpu1 200 10 50 2500 5 0 0 20 0 0
intr 1 2 3
"""


class Told:
    """Stands for witnesses: says in turn what it was given."""

    def __init__(self, *answers):
        self._answers = list(answers)

    def __call__(self):
        return self

    def close(self):
        return self._answers.pop(0)


def fails(times):
    """A body that is not met so often, and counts its calls."""
    def body(scene):
        body.calls += 1
        body.folders.append(scene.folder)
        quiet.need(body.calls > times, f"attempt {body.calls}")
    body.calls, body.folders = 0, []
    return body


def ending(body, *answers):
    """How tried() ends: "passed", "skipped" or "failed", and its text."""
    try:
        quiet.tried(body, Told(*answers))
    except Skip as reason:
        return "skipped", str(reason)
    except AssertionError as error:
        return "failed", str(error)
    return "passed", ""


@suite.case("what holds at once is tried once, in a folder of its own that is gone afterwards")
def at_once(_scene):
    body = fails(0)
    expect_equal((ending(body, ["a storm"])[0], body.calls), ("passed", 1), "end and calls")
    expect(not os.path.exists(body.folders[0]), "the attempt's folder is left")


@suite.case("what holds the second time has passed, disturbed or not")
def second_time(_scene):
    for told in ([], ["a storm"]):
        body = fails(1)
        expect_equal((ending(body, told, told)[0], body.calls), ("passed", 2), f"end and calls with {told}")


@suite.case("what never holds fails unless both times were disturbed")
def never(_scene):
    for first, second in (([], []), (["a storm"], []), ([], ["a storm"])):
        expect_equal(ending(fails(9), first, second), ("failed", "attempt 2"), f"end after {first} and {second}")
    end, why = ending(fails(9), ["a storm"], ["a flood"])
    expect_equal(end, "skipped", "end after a storm and a flood")
    expect(all(word in why for word in ("a storm", "a flood", "attempt 2")), f"the reason: {why}")


@suite.case("another failure is no matter of quiet: it fails at once, in any storm")
def plain_failure(_scene):
    calls = []

    def body(_attempt):
        calls.append(1)
        expect(False, "a wrong count")
    expect_equal((ending(body, ["a storm"], ["a storm"]), len(calls)), (("failed", "a wrong count"), 1), "end, calls")


# ---- The witnesses --------------------------------------------------------------------------------

def steady(others, stolen=0.0):
    """Samples of a machine where others use, and the host steals, a share of one CPU."""
    times = [quiet.SAMPLE_S * n for n in range(9)]
    return [(t, {0: t * stolen, 1: 0.0}, t * others) for t in times]


@suite.case("CPU that others used and time that was stolen are disturbances above their limits")
def shares(_scene):
    expect_equal(quiet.judge(steady(0.0)), [], "quiet")
    expect_equal(quiet.judge(steady(quiet.OTHERS_SHARE / 2, quiet.STOLEN_SHARE / 2)), [], "below the limits")
    expect("other processes" in " ".join(quiet.judge(steady(quiet.OTHERS_SHARE * 1.2))), "others")
    expect("CPU 0 stolen" in " ".join(quiet.judge(steady(0.0, quiet.STOLEN_SHARE * 1.2))), "stolen")
    jump = quiet.SAMPLE_S * quiet.OTHERS_WINDOW_SHARE * 1.1
    burst = [(t, stolen, jump if number > 4 else 0.0) for number, (t, stolen, _) in enumerate(steady(0.0))]
    expect(quiet.judge(burst), "a burst between two samples")
    unknown = [(t, stolen, None) for t, stolen, _ in steady(1.0)]
    expect_equal(quiet.judge(unknown), [], "others where they cannot be known")
    expect_equal(quiet.judge(steady(1.0)[:1]), [], "one sample")


@suite.case("what a process used is counted once, whether its parent gets it at its end or nobody does")
def counted_once(_scene):
    parent, child, new = ("1", "0"), ("2", "10"), ("3", "20")
    before = {parent: (100, 500), child: (40, 0)}
    expect_equal(quiet.growth(before, {parent: (103, 500), child: (45, 0)}), 8, "both alive")
    expect_equal(quiet.growth(before, {parent: (100, 547)}), 7, "the child ended, its parent has its 47")
    expect_equal(quiet.growth(before, {parent: (100, 500)}), 0, "the child ended, and nobody has its time")
    expect_equal(quiet.growth(before, {**before, new: (6, 1)}), 7, "another began")
    expect_equal(quiet.growth(before, {parent: (100, 500), ("2", "30"): (4, 0)}), 4, "its number was given again")


@suite.case("sleepers that woke late, often or by much, are a disturbance")
def naps(_scene):
    expect_equal(quiet.judge_naps(0, 1000, 4, 0.005, 0.002), [], "seldom and by little")
    expect(quiet.judge_naps(0, 1000, 6, 0.007, 0.002), "often")
    expect(quiet.judge_naps(0, 1000, 1, 1.1 * quiet.LOST_SHARE * 1000 * quiet.NAP_S, 0.002), "once by much")
    expect(quiet.judge_naps(0, 10000, 4, 0.006, 0.006), "seldom, and all within a second")
    expect_equal(quiet.judge_naps(0, 0, 0, 0.0, 0.0), [], "one that may not speak")


@suite.case("/proc/stat is read CPU by CPU")
def stat(_scene):
    expect_equal(quiet.stolen_times(STAT), {0: 10 * quiet.TICK_S, 1: 20 * quiet.TICK_S}, "times")


@suite.case("the CPU that others use is known, of those that ended too; our own is not among it", namespace_needed=True)
def others(_scene):
    busy = [sys.executable, "-S", "-c", "import time\nwhile time.process_time() < 0.4: pass"]
    outside, inside = quiet.Others(own="another namespace"), quiet.Others()
    expect_equal((outside.seconds(), inside.seconds()), (0.0, 0.0), "at first")
    subprocess.run(busy, check=True, timeout=30)
    seen, others_only = outside.seconds(), inside.seconds()
    expect(seen > 0.35, f"{seen:.2f} s seen of a process of another namespace that used 0.4 s")
    expect(others_only < seen - 0.3, f"our own process is among the others: {others_only:.2f} of {seen:.2f} s")


@suite.case("real witnesses give sentences and leave nothing running")
def real(_scene):
    witnesses = quiet.Witnesses()
    end = time.monotonic() + 0.6
    while time.monotonic() < end:
        pass
    told = witnesses.close()
    expect(isinstance(told, list) and all(isinstance(line, str) for line in told), f"told {told}")
    expect(not any(name.startswith("sleeper") for name in commands()), "a sleeper is left running")


def commands():
    """File names of the scripts of all Python processes in this namespace."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                found += [os.path.basename(word.decode()) for word in file.read().split(b"\0") if word.endswith(b".py")]
        except OSError:
            pass  # ended meanwhile
    return found


if __name__ == "__main__":
    suite.main()
