#!/usr/bin/env python3
"""The scripts of bench/ that take seconds, and their page: each does its work once at its smallest, and the page names what
there is. No figure is looked at but how many there are."""
import json
import os
import re
import subprocess
import sys

from lib.cases import Skip, Suite, expect, expect_equal
from lib.daemon import PLAIN, ROOT

suite = Suite("bench")
BENCH = os.path.join(ROOT, "bench")
BUILD = os.path.dirname(PLAIN)
LIMIT_S = 100


def page():
    with open(os.path.join(BENCH, "README.md"), encoding="utf-8") as file:
        return file.read()


def script(name, *words):
    if len(os.sched_getaffinity(0)) < 2:
        raise Skip("the benchmarks need two CPUs, one for the servers and one for the tester")
    for program in ("local53", "dnsbench", "bench_echo"):
        expect(os.path.exists(os.path.join(BUILD, program)), f"there is no {program} in {BUILD}: build the target measured")
    done = subprocess.run([sys.executable, "-B", os.path.join(BENCH, name), *words], capture_output=True, text=True,
                          check=False, timeout=LIMIT_S)
    expect_equal(done.returncode, 0, f"{name}: {done.stderr[-300:]}")
    return done.stdout


@suite.case("peers measures local53 beside the echo and writes its three files", limit_s=LIMIT_S)
def peers(scene):
    told = script("peers/peers.py", "--no-install", "--only", "local53", "--loads", "hit,miss", "--rounds", "1", "--slice",
                  "0.2", "--names", "10000", "--build", BUILD, "--out", scene.folder)
    for row in ("| echo ", "| local53 "):
        expect(told.count(f"\n{row}") >= 2, f"rows of {row}in {told}")
    with open(os.path.join(scene.folder, "peers.json"), encoding="utf-8") as file:
        slices = json.load(file)["slices"]
    expect_equal({(one["server"], one["load"]) for one in slices},
                 {(server, load) for server in ("echo", "local53") for load in ("hit", "miss")}, "slices")
    expect({"peers.md", "peers.svg"} <= set(os.listdir(scene.folder)), f"files: {os.listdir(scene.folder)}")


@suite.case("batches, start, reload and handover print their tables", limit_s=LIMIT_S)
def others(_scene):
    expect_equal(script("batches.py", BUILD, "2", "64").count("\n| "), 3, "servers told by batches.py")
    expect("exec" in script("start.py", PLAIN, "1"), "start.py tells no start")
    expect("p99.9" in script("reload.py", BUILD, "1"), "reload.py tells no latency")
    expect_equal(script("handover.py", BUILD, "1", "500").count("\n| "), 4, "lines of handover.py")


@suite.case("what the page names is there, and so are the options of the commands it shows")
def named(_scene):
    for path in sorted(set(re.findall(r"`((?:bench|tests)/[\w./-]+?)/?[`) ]", page()))):
        expect(os.path.exists(os.path.join(ROOT, path)), f"bench/README.md names {path}, which is not there")
    for test in re.findall(r"^\(`([a-z0-9_]{20,})`", page(), re.M):
        found = subprocess.run(["grep", "-rqw", test, os.path.join(ROOT, "tests")], check=False).returncode
        expect_equal(found, 0, f"a test of the name {test}")
    known = subprocess.run([sys.executable, "-B", os.path.join(BENCH, "peers", "peers.py"), "--help"], capture_output=True,
                           text=True, check=True).stdout
    shown = re.findall(r"`(?:bench/peers/)?run\.sh([^`]*)`", page())
    expect(len(shown) >= 3, f"commands of run.sh: {shown}")
    for option in re.findall(r"--[\w-]+", " ".join(shown)):
        expect(re.search(rf"{option}\b", known), f"bench/README.md shows {option}, which run.sh does not know")


if __name__ == "__main__":
    suite.main()
