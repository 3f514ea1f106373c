"""dnsbench under test: its commands with what they printed and saved, and its fault-injecting server with its truth.

DNSBENCH names the program (tests/run.sh gives the sanitized build), DNSBENCH_PLAIN the one whose times count, else
build/dnsbench of the tree. Every end is checked for sanitizer reports, every result for its sums.
"""
import itertools
import json
import os
import re
import signal
import subprocess
import time

from . import quiet
from .cases import expect, expect_equal, wait_until
from .daemon import ROOT, SANITIZER

BINARY = os.environ.get("DNSBENCH", os.path.join(ROOT, "build", "dnsbench"))
PLAIN = os.environ.get("DNSBENCH_PLAIN", os.path.join(ROOT, "build", "dnsbench"))
PASS, FAILED, USAGE, INVALID, UNREACHABLE, WRONG = range(6)
START_LIMIT_S = 10
END_LIMIT_S = 15
OUTCOMES = ("ok", "late", "timeout", "mismatch", "wrong", "refused", "send_error", "tester_dropped")
LATENESS = "send lag|run delay|100 ms windows"  # health of the tester that says no more than that it got no CPU
_numbers = itertools.count(1)


# ---- The server -----------------------------------------------------------------------------------

class Serve:
    """`dnsbench serve` with these options, ready; its truth once it was stopped."""

    def __init__(self, scene, *options, binary=None, listen="127.0.0.1:0"):
        number = next(_numbers)
        self._truth_path, self._log_path = scene.path(f"truth-{number}.json"), scene.path(f"serve-{number}.log")
        self.command = [binary or BINARY, "serve", "--listen", listen, "--truth", self._truth_path, *options]
        with open(self._log_path, "wb") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self._truth = None
        scene.add(self)
        self.server = wait_until(self._listening, START_LIMIT_S, f"{self.command} listens")

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        with open(self._log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def _listening(self):
        expect(self.process.poll() is None, f"{self.command} ended with {self.process.returncode}: {self.log()[-800:]}")
        found = re.search(r"listening on (\S+)\n", self.log())
        return found and found[1]

    def stop(self):
        """SIGINT; gives the truth."""
        if self._truth is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(END_LIMIT_S)
            with open(self._truth_path, encoding="utf-8") as file:
                self._truth = Truth(json.load(file))
        return self._truth

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(END_LIMIT_S)
            raise AssertionError(f"{self.command} did not end within {END_LIMIT_S} s of SIGINT") from None
        check_sanitizer(self.log())
        expect_equal(self.process.returncode, 0, f"exit of {self.command}: {self.log()[-800:]}")


class Truth(dict):
    """What a server says it did: members by name, and rcodes by number."""

    def rcodes(self):
        """Answers sent, by rcode; only those that occurred."""
        return {int(number): count for number, count in self["rcode"].items() if count}

    @property
    def lost_by_kernel(self):
        """Queries or answers lost for want of room at the server; unless 0 no count can be exact."""
        return self["socket_drops"] + self["send_failed"] + self["overflowed"]


# ---- Commands -------------------------------------------------------------------------------------

class Bench:
    """A command that runs. wait() gives its Ended. The result is saved as JSON unless json is False."""

    def __init__(self, scene, *words, binary=None, save=True, **settings):
        self.path = scene.path(f"result-{next(_numbers)}.json")
        self.command = [binary or BINARY, *(str(word) for word in words), *(["--json", self.path] if save else [])]
        self._started = time.monotonic()
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        stdin=subprocess.DEVNULL, text=True,
                                        env={**os.environ, **settings.get("environment", {})})
        scene.add(self)

    def is_running_after(self, seconds):
        """Waits; true when it did not end meanwhile."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return True
        return False

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def wait(self, timeout_s=55):
        stdout, stderr = self.process.communicate(timeout=timeout_s)
        return Ended(self, stdout, stderr, time.monotonic() - self._started)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate(timeout=END_LIMIT_S)


class Ended:
    """A command that has ended: code, stdout, stderr, seconds, and what it saved as json (None when it did not)."""

    def __init__(self, bench, stdout, stderr, seconds):
        self.command, self.path = bench.command, bench.path
        self.code, self.stdout, self.stderr, self.seconds = bench.process.returncode, stdout, stderr, seconds
        check_sanitizer(stderr)
        self.json = None
        if os.path.exists(self.path):
            with open(self.path, encoding="utf-8") as file:
                self.json = json.load(file)
            self._check_sums()

    def _check_sums(self):
        """Every query sent has exactly one outcome, in the measured time and before it."""
        for run in self.json["runs"]:
            for part in ("measured", "warmup"):
                tally = run[part]
                expect_equal(sorted(tally["outcomes"]), sorted(OUTCOMES), f"outcomes of {part}")
                expect_equal(sum(tally["outcomes"].values()), tally["sent"], f"sum of outcomes and sent, {part}")

    @property
    def result(self):
        """The only run."""
        expect(self.json is not None, f"{self.command} saved no result: exit {self.code}, {self.stderr[-500:]}")
        expect_equal(len(self.json["runs"]), 1, "runs")
        return self.json["runs"][0]

    @property
    def measured(self):
        return self.result["measured"]

    @property
    def outcomes(self):
        """Of the measured queries, those that occurred."""
        return {name: count for name, count in self.measured["outcomes"].items() if count}

    def rcodes(self):
        """Of the measured queries, those that occurred."""
        return {number: count for number, count in enumerate(self.measured["rcodes"]) if count}

    def told(self):
        return f"{' '.join(self.command[1:])}: exit {self.code}: {self.stdout[-700:]} {self.stderr[-300:]}"

    def need_exit(self, wanted):
        """The exit code, of a run whose counts matter and whose times do not.

        That the tester was late for want of a CPU stands for a pass, since no count depends on it; where it hides
        another code it is what a disturbed machine can do, as are the tester's other limits.
        """
        if wanted == PASS and self.was_only_late():
            return self
        if self.code == INVALID and wanted != INVALID:
            self.need_valid()
        expect_equal(self.code, wanted, f"exit of {self.told()}")
        return self

    def expect_no_blame(self):
        """Nothing is said against the server: passed, or the tester itself was the limit."""
        expect(self.code in (PASS, INVALID), f"exit of {self.told()}")

    def need_valid(self):
        quiet.need(self.code != INVALID, f"INVALID ({self.reasons()}) of {' '.join(self.command[1:])}")
        return self

    def was_only_late(self):
        lines = self.reasons().split("; ") if self.code == INVALID and self.json else [""]
        return all(re.search(f"(^|: )({LATENESS}): ", line) for line in lines)

    def was_late(self):
        return self.code == INVALID and bool(self.json) and bool(re.search(f"(^|: |; )({LATENESS}): ", self.reasons()))

    def reasons(self):
        """Why the verdict is what it is, of the whole and of each run."""
        parts = [self.json, *self.json["runs"]] if self.json else []
        return "; ".join(dict.fromkeys(line for part in parts for line in part["reasons"].splitlines())) or self.told()


def bench(scene, *words, timeout_s=55, **settings):
    """Runs a command to its end."""
    return Bench(scene, *words, **settings).wait(timeout_s)


def bench_until(wanted, scene, *words, tries=5, **settings):
    """Runs a short command to its end, again while lateness of the tester hides the exit code that is wanted."""
    for _ in range(tries):
        ended = bench(scene, *words, **settings)
        if not ended.was_late():
            break
    return ended.need_exit(wanted)


def check_sanitizer(text):
    report = SANITIZER.search(text)
    expect(not report, f"sanitizer report: {text[report.start():][:1500] if report else ''}")
