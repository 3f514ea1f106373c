"""Cases of an end-to-end test file: named by sentences, run one after the other, each within a time limit.

Prints what tests/run.sh reads: "PASS name", "FAIL name: why", "SKIPPED name: reason". What a case starts is closed
by its Scene in reverse order, whatever happens.
"""
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback

from . import namespace

CASE_LIMIT_S = 60


class Skip(Exception):
    """The case cannot run here; the text says why."""


class TimeLimit(Exception):
    """The case took longer than it may."""


class Scene:
    """What one case (or all cases of a file) has started: a folder, servers, sockets."""

    def __init__(self):
        self._stack = contextlib.ExitStack()
        self.folder = tempfile.mkdtemp(prefix="local53-e2e-")
        os.chmod(self.folder, 0o755)
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)

    def add(self, thing):
        """Takes something with close(); gives it back."""
        self._stack.callback(thing.close)
        return thing

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, name, text):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def close(self):
        self._stack.close()


class Suite:
    """The cases of one file. `shared` is a Scene that lives until the file's last case."""

    def __init__(self, area):
        self.area = area
        self.cases = []
        self.shared = None
        self._setup = None
        self._made = {}

    def case(self, name, limit_s=CASE_LIMIT_S, namespace_needed=False):
        """Decorates a function of one Scene."""
        def register(function):
            self.cases.append((name, function, limit_s, namespace_needed))
            return function
        return register

    def once(self, function):
        """Decorates a function of the shared Scene: made at first use, the same thing for every case; or none, for the
        same reason, where it Skips."""
        def get():
            if function not in self._made:
                self._made[function] = None
                try:
                    self._made[function] = function(self.shared)
                except Skip as reason:
                    self._made[function] = reason
            made = self._made[function]
            expect(made is not None, "what the cases share could not be made")
            if isinstance(made, Skip):
                raise made
            return made
        return get

    def main(self):
        """Runs the cases whose names contain one of the arguments, or all; ends the program."""
        namespace.enter()
        self.shared = Scene()
        good = True
        try:
            for case in self.cases:
                if len(sys.argv) < 2 or any(word in case[0] for word in sys.argv[1:]):
                    good = self._run(*case) and good
        finally:
            good = self._close_shared() and good
        sys.exit(0 if good else 1)

    def _close_shared(self):
        try:
            with time_limit(CASE_LIMIT_S):
                self.shared.close()
        except (AssertionError, TimeLimit, OSError) as error:
            print(f"FAIL {self._title('what all cases shared ends cleanly')}: {one_line(error)}", flush=True)
            return False
        return True

    def _title(self, name):
        return f"{self.area} {name}".strip()

    def _run(self, name, function, limit_s, namespace_needed):
        title, started = self._title(name), time.monotonic()
        try:
            if namespace_needed and not namespace.is_own():
                raise Skip(namespace.why_not())
            run_limited(function, limit_s)
        except Skip as reason:
            print(f"SKIPPED {title}: {one_line(reason)}", flush=True)
            return True
        except Exception as error:  # any failure of a case is told as one
            if os.environ.get("E2E_TRACE") == "all":
                traceback.print_exc()
            print(f"FAIL {title}: {one_line(error) or type(error).__name__} ({where(error)})", flush=True)
            return False
        print(f"PASS {title}", flush=True)
        if os.environ.get("E2E_TRACE"):
            print(f"  {time.monotonic() - started:.2f} s", flush=True)
        return True


@contextlib.contextmanager
def time_limit(seconds):
    """Raises TimeLimit in the main thread when the block takes longer."""
    def on_alarm(_number, _frame):
        raise TimeLimit(f"took longer than {seconds} s")
    before = signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def run_limited(function, limit_s):
    scene = Scene()
    try:
        with time_limit(limit_s):
            function(scene)
    finally:
        with time_limit(CASE_LIMIT_S):
            scene.close()


def one_line(error):
    return " ".join(str(error).split())[:600]


def where(error):
    """File and line of the test itself, not of a helper."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if os.path.basename(f.filename).startswith("test_")]
    return f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else "outside the case"


# ---- What a machine that is away for a moment can spoil -------------------------------------------

class Late(AssertionError):
    """It took longer than it may, or longer than what was to be seen lasts: a machine that was away can be why."""


def soon(seconds, limit_s, what):
    if seconds >= limit_s:
        raise Late(f"{what} took {seconds:.2f} s, limit {limit_s} s")


def again_when_late(attempt, tries=4):
    """Calls attempt(number), again after Late: who is too slow by himself is so every time. What it gives."""
    for number in range(tries - 1):
        try:
            return attempt(number)
        except Late:
            pass
    return attempt(tries - 1)


# ---- Assertions that tell what they saw -----------------------------------------------------------

def expect(condition, why):
    if not condition:
        raise AssertionError(why)


def expect_equal(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}: found {found!r}, wanted {wanted!r}")


def wait_until(probe, timeout_s, what, pause_s=0.05):
    """Calls probe until it gives something true; gives that. An AssertionError tells the last value, which is of a call
    after the time was over: who was away meanwhile still looks."""
    end, over = time.monotonic() + timeout_s, False
    while True:
        last = probe()
        if last:
            return last
        expect(not over, f"not within {timeout_s} s: {what} (last {last!r})")
        time.sleep(pause_s)
        over = time.monotonic() >= end
