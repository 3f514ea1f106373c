#!/usr/bin/env python3
"""The systemd unit: verified by systemd itself, and its limits held to what the program does.

No unit is started, since the machine that tests may have another process 1: the system calls and socket families of a
run under strace must be among those that the unit allows.
"""
import os
import re
import signal
import subprocess

from lib import fake_dns, message
from lib.cases import Suite, expect, expect_equal, wait_until
from lib.client import Client
from lib.daemon import BINARY, PLAIN, ROOT, address, forward, free_port, run, yaml
from lib.servers import find

suite = Suite("systemd")
UNIT = os.path.join(ROOT, "deploy", "systemd", "local53.service")
INSTALLED = "/usr/local/bin/local53"
EXPOSURE_MAX = 30  # tenths, as systemd-analyze takes it; 20 were measured


def unit():
    with open(UNIT, encoding="utf-8") as file:
        return file.read()


def values(key):
    return re.findall(rf"(?m)^{key}=(.*)$", unit())


def analyze(*words):
    done = subprocess.run([find("systemd-analyze"), *words], capture_output=True, text=True, check=False, timeout=30)
    return done.returncode, done.stdout + done.stderr


def placed(scene):
    """The unit with the program as it stands here."""
    return scene.write("local53.service", unit().replace(INSTALLED, BINARY))


@suite.case("systemd-analyze finds nothing wrong with it")
def verified(scene):
    expect_equal(analyze("verify", "--man=no", placed(scene)), (0, ""), "verify")


@suite.case("systemd-analyze finds a misspelled line")
def verify_can_fail(scene):
    bad = scene.write("local53.service", unit().replace(INSTALLED, BINARY).replace("ProtectHome", "ProtectHmoe"))
    expect("ProtectHmoe" in analyze("verify", "--man=no", bad)[1], "the word is not told")


@suite.case("its exposure is small by systemd's own count")
def exposure(scene):
    code, told = analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX}", placed(scene))
    expect_equal(code, 0, told[-300:])


@suite.case("it has one capability, a user and a folder of its own, and is never given up")
def facts(_scene):
    for key, wanted in (("Type", "exec"), ("DynamicUser", "yes"), ("RuntimeDirectory", "local53"),
                        ("AmbientCapabilities", "CAP_NET_BIND_SERVICE"), ("Restart", "always"),
                        ("CapabilityBoundingSet", "CAP_NET_BIND_SERVICE"), ("StartLimitIntervalSec", "0"),
                        ("ExecReload", f"{INSTALLED} ctl -s /run/local53/control.sock reload")):
        expect_equal(values(key), [wanted], key)
    expect(float(values("RestartSec")[0]) >= 1, "starting it again and again costs the host its time")


@suite.case("the words of its command lines are ones that local53 knows")
def commands(scene):
    expect_equal(values("ExecStart"), [f"{INSTALLED} run -c /etc/local53/local53.yaml"], "ExecStart")
    reload = values("ExecReload")[0].split()[1:]
    reload[reload.index("-s") + 1] = scene.path("nobody.sock")
    expect_equal(run(reload).returncode, 3, "ctl reload of nobody")


@suite.case("all system calls and socket families of a run are allowed")
def allowed(_scene):
    trace, names = traced(), system_calls(values("SystemCallFilter")[0])
    calls = set(re.findall(r"(?m)^(?:\d+ +)?(\w+)\(", trace))
    unseen = {"bind", "epoll_ctl", "recvmmsg", "sendmmsg", "accept4", "connect", "unlink"} - calls
    expect(not unseen, f"of the run {sorted(unseen)} were not seen, only {sorted(calls)}")
    expect_equal(sorted(calls - names), [], "calls that SystemCallFilter refuses")
    families = set(re.findall(r"socket\((AF_\w+)", trace))
    expect("AF_INET" in families, f"the run was not seen: {families}")
    expect_equal(sorted(families - set(values("RestrictAddressFamilies")[0].split())), [], "families refused")


@suite.case("a run starts no other process, and opens nothing that another one could inherit")
def one_process(_scene):
    calls = whole_calls(traced())
    started = [call[:60] for call in calls if re.match(r"(fork|vfork|execve\w*)\(", call)]
    expect_equal(started[1:], [], "processes started")
    clones = [call for call in calls if re.match(r"clone3?\(", call)]
    expect(len(clones) >= 2, f"its loops are threads: {clones}")
    expect_equal([call for call in clones if "CLONE_THREAD" not in call], [], "clones that are no threads")
    opened = [call for call in calls if OPENS.match(call) and "= -1 " not in call]
    for word in ("socket(", "accept4(", "openat(", "inotify_init1(", "epoll_create1("):
        expect(any(call.startswith(word) for call in opened), f"no {word} was seen")
    expect_equal([call for call in opened if "CLOEXEC" not in call and not READ_BY_CARES.search(call)], [],
                 "descriptors that are inherited")


OPENS = re.compile(r"(socket|socketpair|accept4?|open|openat2?|creat|inotify_init1?|epoll_create1?|eventfd2?|pipe2?"
                   r"|dup[23]?|timerfd_create|signalfd4?|memfd_create|pidfd_open|fcntl\(\d+, F_DUPFD)\w*\b")
READ_BY_CARES = re.compile(r'"/etc/(resolv|nsswitch|host)\.conf"|"/dev/urandom"')  # at its start, and closed again


def whole_calls(trace):
    """The calls, each in one line without its thread: strace breaks those that others come between."""
    begun, calls = {}, []
    for line in trace.splitlines():
        thread, _, call = line.partition(" ")
        call = call.strip()
        if call.endswith("<unfinished ...>"):
            begun[thread] = call.removesuffix("<unfinished ...>")
            continue
        if resumed := re.match(r"<\.\.\. \w+ resumed>(.*)", call):
            call = begun.pop(thread) + resumed[1]
        calls.append(call)
    return calls


def system_calls(group):
    """Names of a group of systemd, and of the groups in it."""
    code, told = analyze("syscall-filter", group)
    expect_equal(code, 0, told)
    words = [line.strip() for line in told.splitlines()[1:] if line.startswith(" ") and "#" not in line]
    return {name for word in words for name in (system_calls(word) if word.startswith("@") else {word})}


@suite.once
def traced(scene):
    """What strace sees of a start, questions and an upstream by UDP and TCP, a reload and an ordered stop."""
    upstream = scene.add(fake_dns.FakeDns(address(), free_port(), {"a.example.": {
        "udp": fake_dns.Reply(flags=message.TC), "tcp": fake_dns.addresses("192.0.2.1")}}))
    where, control = address(), scene.path("control.sock")
    port = free_port(where)
    file = scene.write("local53.yaml", yaml({"listen": [f"{where}:{port}"], "control": control,
                                             "metrics": [f"{where}:{free_port(where)}"], "workers": 2,
                                             "forward": forward(upstream)}))
    command = [find("strace"), "-f", "-qq", "-e", "signal=none", "-o", trace_of(scene), PLAIN, "run", "-c", file]
    strace = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: run(["ctl", "-s", control, "ready"], binary=PLAIN).returncode == 0, 20, "ready under strace")
        for ask in (Client(where, port).ask, Client(where, port).ask_tcp):
            expect_equal(ask("a.example").texts(), ["192.0.2.1"], "answer under strace")
        expect_equal(run(["ctl", "-s", control, "reload"], binary=PLAIN).returncode, 0, "reload under strace")
    finally:
        stop(strace)
    with open(trace_of(scene), encoding="utf-8", errors="replace") as found:
        return found.read()


def trace_of(scene):
    """Not in the configuration's folder: that is watched, and each line written would be seen, traced, and seen."""
    os.makedirs(scene.path("trace"), exist_ok=True)
    return scene.path("trace", "calls")


def stop(strace):
    """Ends the traced program in order; strace ends with it."""
    with open(f"/proc/{strace.pid}/task/{strace.pid}/children", encoding="ascii") as children:
        for child in children.read().split():
            os.kill(int(child), signal.SIGTERM)
    try:
        strace.wait(timeout=15)
    finally:
        strace.kill()


if __name__ == "__main__":
    suite.main()
