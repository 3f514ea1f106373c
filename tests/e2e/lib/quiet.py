"""Cases that need a quiet machine: tried, tried again, and skipped only if witnesses saw it disturbed both times.

The witnesses know nothing of what is tested: /proc/stat tells the time that the host stole, the /proc outside the
test's namespace the CPU that processes other than its own used, and a sleeper on each CPU, at real-time priority where
that is allowed, how late it woke. What the tested program says of itself excuses nothing. Without a witness the case
fails.
"""
import os
import signal
import subprocess
import sys
import threading
import time

from . import namespace
from .cases import Scene, Skip

SAMPLE_S = 1.0
NAP_S = 0.01
START_LIMIT_S = 10

# The machine is disturbed when any of these is passed. Shares are of one CPU.
STOLEN_SHARE = 0.01  # over the whole attempt
STOLEN_WINDOW_SHARE = 0.03  # between two samples
OTHERS_SHARE = 0.05
OTHERS_WINDOW_SHARE = 0.15
LATE_S = 0.001  # a sleeper that wakes so late was kept from its CPU
LATE_SHARE = 0.005  # of its wake-ups
LOST_SHARE = 0.001  # of the time, in late wake-ups
LOST_WINDOW_S = 0.005  # the same in the worst hundred of naps, about a second

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sleeper.py")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class NotMet(AssertionError):
    """What a disturbed machine can spoil is not as it must be."""


def need(condition, why):
    """As cases.expect, for figures that a disturbed machine can spoil."""
    if not condition:
        raise NotMet(why)


def tried(body, watch=None):
    """Calls body(scene) with witnesses; after NotMet once more, then Skip with what was seen both times, or fails.

    Other exceptions are failures at once: no disturbance excuses them.
    """
    seen = []
    for _ in range(2):
        witnesses, scene = (watch or Witnesses)(), Scene()
        try:
            body(scene)
            return
        except NotMet as error:
            failure = error
        finally:
            scene.close()
            told = witnesses.close()
        seen.append(told)
    if not all(seen):
        raise failure
    told = " | ".join("; ".join(lines) for lines in seen)
    raise Skip(f"the machine was disturbed both times ({told}): {failure}")


def tried_cases(suite, limit_s=60, look=lambda: None):
    """A decorator of cases for a suite: each in a scene of its own, after look() (which may Skip), tried as above."""
    def case(name, limit_s=limit_s):
        def register(function):
            @suite.case(name, limit_s=limit_s)
            def run(_scene):
                look()
                tried(function)
            return run
        return register
    return case


# ---- What the samples say -------------------------------------------------------------------------

def judge(samples):
    """Sentences about samples of (time, {cpu: stolen}, others), all in seconds; others is None where not known."""
    told = []
    if len(samples) < 2:
        return told
    for cpu in samples[0][1]:
        told += share(f"CPU {cpu} stolen by the host", [(s[0], s[1][cpu]) for s in samples],
                      STOLEN_SHARE, STOLEN_WINDOW_SHARE)
    if samples[0][2] is not None:
        told += share("CPU used by other processes", [(s[0], s[2]) for s in samples], OTHERS_SHARE, OTHERS_WINDOW_SHARE)
    return told


def share(what, points, limit, window_limit):
    """A sentence when the value grew by more than a share of the time, overall or within a sample."""
    (begun, first), (ended, last) = points[0], points[-1]
    overall = (last - first) / (ended - begun)
    worst = max((b - a) / (to - at) for (at, a), (to, b) in zip(points, points[1:]))
    if overall <= limit and worst <= window_limit:
        return []
    return [f"{what}: {overall:.1%} of a CPU, at worst {worst:.0%} for {SAMPLE_S:.0f} s"]


def judge_naps(cpu, count, late, lost_s, worst_s):
    """Sentences about a sleeper that woke `count` times, `late` of them late, by lost_s together, worst_s in a second."""
    if late <= LATE_SHARE * count and lost_s <= LOST_SHARE * count * NAP_S and worst_s <= LOST_WINDOW_S:
        return []
    return [f"a sleeper on CPU {cpu} woke late {late} of {count} times, by {lost_s * 1e3:.1f} ms together, "
            f"{worst_s * 1e3:.1f} ms of them within a second"]


# ---- Witnesses ------------------------------------------------------------------------------------

def stolen_times(text):
    """{cpu: seconds} from /proc/stat."""
    lines = [line.split() for line in text.splitlines() if line.startswith("cpu") and not line.startswith("cpu ")]
    return {int(words[0][3:]): int(words[8]) * TICK_S for words in lines}


class Others:
    """The CPU that processes outside this test's namespace use from now on; kernel threads are left out."""

    def __init__(self, outer=None, own=None):
        self._outer = namespace.outer_proc() if outer is None else outer
        self._own = own or os.readlink("/proc/self/ns/pid")
        self._kernel, self._ours = set(), set()
        self._before, self._seconds = None, 0.0

    def seconds(self):
        """None where it cannot be known."""
        if self._outer is None:
            return None
        now = dict(filter(None, (self._times(pid) for pid in os.listdir(self._outer) if pid.isdigit())))
        if self._before is not None:
            self._seconds += growth(self._before, now) * TICK_S
        self._before = now
        return self._seconds

    def _times(self, pid):
        """((pid, start), (own ticks, ticks of children that have ended)) of a process, None for those left out."""
        if pid in self._kernel:
            return None
        try:
            descriptor = os.open(f"{pid}/stat", os.O_RDONLY, dir_fd=self._outer)
            with open(descriptor, encoding="utf-8", errors="replace") as file:
                words = file.read().rpartition(")")[2].split()
            key = (pid, words[19])
            if words[1] == "2":
                self._kernel.add(pid)
                return None
            if key in self._ours or os.readlink(f"{pid}/ns/pid", dir_fd=self._outer) == self._own:
                self._ours.add(key)
                return None
        except OSError:
            return None  # ended meanwhile
        user, system, child_user, child_system = (int(word) for word in words[11:15])
        return key, (user + system, child_user + child_system)


def growth(before, now):
    """Ticks used between two readings of {process: (own, children)}.

    The time of a process that has ended may go to its parent's children, or nowhere: what was seen of it before is not
    counted again.
    """
    alive = [(before[key], times) for key, times in now.items() if key in before]
    begun = sum(own + children for key, (own, children) in now.items() if key not in before)
    ended = sum(own + children for key, (own, children) in before.items() if key not in now)
    inherited = sum(max(0, b[1] - a[1]) for a, b in alive)
    return begun + sum(max(0, b[0] - a[0]) for a, b in alive) + max(0, inherited - ended)


class Witnesses:
    """All of them, from now to close(), which gives what they saw."""

    def __init__(self):
        self._others = Others()
        self._sleepers = [Sleeper(cpu) for cpu in sorted(os.sched_getaffinity(0))]
        self._samples = [self._sample()]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stop.wait(SAMPLE_S):
            self._samples.append(self._sample())

    def _sample(self):
        with open("/proc/stat", encoding="ascii") as file:
            return time.monotonic(), stolen_times(file.read()), self._others.seconds()

    def close(self):
        self._stop.set()
        self._thread.join(5)
        if len(self._samples) > 1 and time.monotonic() - self._samples[-1][0] < SAMPLE_S / 2:
            self._samples.pop()  # a share of so short a time is no share
        self._samples.append(self._sample())
        return judge(self._samples) + [line for sleeper in self._sleepers for line in sleeper.close()]


class Sleeper:
    """A process pinned to a CPU that does nothing but sleep and look at the clock."""

    def __init__(self, cpu):
        self.cpu = cpu
        self._process = subprocess.Popen([sys.executable, "-S", PROGRAM, str(cpu), str(NAP_S), str(LATE_S)],
                                         text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self._process.stdout.readline()  # it sleeps from now on

    def close(self):
        self._process.send_signal(signal.SIGINT)
        words = self._process.communicate(timeout=START_LIMIT_S)[0].split()
        return judge_naps(self.cpu, int(words[0]), int(words[1]), float(words[2]), float(words[3]))
