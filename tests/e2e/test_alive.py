#!/usr/bin/env python3
"""ctl alive: what liveness probes go by. Of the daemon itself, and of nothing it depends on."""
import contextlib
import ctypes
import os

from lib.cases import Skip, Suite, expect, expect_equal, wait_until
from lib.daemon import Daemon, run

suite = Suite("alive")
STALE_S = 30  # so long nothing may answer before it counts as hung
ATTACH, DETACH = 16, 17  # requests of ptrace(2)
ALL_THREADS = 0x40000000  # __WALL of waitpid(2)
NOBODY = "127.0.0.1:9"


def start(scene, **more):
    return Daemon(scene, {"forward": [{"zone": ".", "servers": [NOBODY]}], **more})


def told(daemon, word):
    """(exit code, stdout, stderr) of a word of ctl."""
    done = daemon.ctl(word)
    return done.returncode, done.stdout, done.stderr


@contextlib.contextmanager
def held(threads):
    """These threads of a process of ours do not run, as if they hung."""
    libc, stopped = ctypes.CDLL(None, use_errno=True), []
    libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
    libc.ptrace.restype = ctypes.c_long
    try:
        for thread in threads:
            if libc.ptrace(ATTACH, thread, None, None) != 0:
                raise Skip(f"ptrace is refused: {os.strerror(ctypes.get_errno())}")
            os.waitpid(thread, ALL_THREADS)
            stopped.append(thread)
        yield
    finally:
        for thread in stopped:
            libc.ptrace(DETACH, thread, None, None)


def loops(daemon):
    """All threads but the main one."""
    threads = {int(name) for name in os.listdir(f"/proc/{daemon.process.pid}/task")} - {daemon.process.pid}
    expect(len(threads) >= 2, f"loops: {threads}")
    return threads


@suite.case("servers and endpoints that nobody answers for leave it alive, ready or not")
def outage(scene):
    target = "vpce-0123456789abcdef0-abcdefgh.api.ecr.eu-west-1.vpce.amazonaws.com"
    daemon = start(scene, endpoints=[{"service": "ecr.api", "region": "eu-west-1", "target": target}])
    expect_equal(told(daemon, "alive"), (0, "alive\n", ""), "ctl alive")
    code, out, why = told(daemon, "ready")
    expect_equal((code, out), (1, ""), "exit and stdout of ctl ready")
    expect("yet" in why, f"why it is not ready is told on stderr: {why!r}")


@suite.case("a file that was refused leaves it alive")
def refused(scene):
    daemon = start(scene)
    daemon.write("listen: [\n")
    code, out, why = told(daemon, "reload")
    expect_equal((code, out, "local53.yaml" in why), (2, "", True), f"ctl reload: {why!r}")
    expect_equal(told(daemon, "alive"), (0, "alive\n", ""), "ctl alive")


@suite.case("loops that hang are told on stderr with exit 1 after 30 s, as by /healthz, until they turn again",
            limit_s=STALE_S + 40)
def hang(scene):
    daemon = start(scene).wait_ready()
    with held(loops(daemon)):
        expect_equal(told(daemon, "alive"), (0, "alive\n", ""), "ctl alive at first")
        wait_until(lambda: told(daemon, "alive")[0] != 0, STALE_S + 10, "ctl alive says no", 0.5)
        code, out, why = told(daemon, "alive")
        expect_equal((code, out), (1, ""), "exit and stdout")
        expect_equal((f"for {STALE_S} s" in why, daemon.http("/healthz")), (True, (503, why)), f"reason: {why!r}")
    wait_until(lambda: told(daemon, "alive")[0] == 0, 10, "ctl alive afterwards")


@suite.case("nobody there is exit 3, a word too many exit 2")
def nobody(scene):
    done = run(["ctl", "-s", scene.path("nobody.sock"), "alive"])
    expect_equal((done.returncode, "nobody.sock" in done.stderr), (3, True), done.stderr)
    expect_equal(run(["ctl", "-s", scene.path("nobody.sock"), "alive", "now"]).returncode, 2, "ctl alive now")


if __name__ == "__main__":
    suite.main()
