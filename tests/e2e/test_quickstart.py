#!/usr/bin/env python3
"""deploy/quickstart.sh from a clean copy of the tree: builds, shows names before and after, leaves nothing."""
import os
import re
import shutil
import subprocess

from lib import fake_dns
from lib.cases import Suite, expect, expect_equal
from lib.daemon import ROOT

suite = Suite("quickstart")
FOLDERS = ("src", "include", "conf", "deploy", "tests", "bench")


def copy_of_the_tree(folder):
    for name in FOLDERS:
        if os.path.isdir(os.path.join(ROOT, name)):
            shutil.copytree(os.path.join(ROOT, name), os.path.join(folder, name),
                            ignore=shutil.ignore_patterns("__pycache__", "build*"))
    shutil.copy(os.path.join(ROOT, "CMakeLists.txt"), folder)


@suite.case("it builds from a clean copy, shows names before and after, and ends by itself", limit_s=400,
            namespace_needed=True)
def quickstart(scene):
    tree = scene.path("tree")
    os.makedirs(tree)
    copy_of_the_tree(tree)
    upstream = scene.add(fake_dns.FakeDns("127.0.0.1", 53, default=fake_dns.addresses("198.51.100.77")))
    done = subprocess.run(["bash", "deploy/quickstart.sh"], cwd=tree, capture_output=True, text=True, check=False,
                          timeout=380, stdin=subprocess.DEVNULL,
                          env={k: v for k, v in os.environ.items() if not k.startswith("LOCAL53")})
    output = done.stdout + done.stderr
    expect_equal(done.returncode, 0, f"exit, with {output[-800:]}")
    with open(os.path.join(tree, "conf", "demo.yaml"), encoding="utf-8") as file:
        addresses = set(re.findall(r"\b10\.\d+\.\d+\.\d+\b", file.read()))
    expect(addresses, "the demo has no literal endpoint address")
    expect("198.51.100.77" in output, f"the system resolver's answer is not shown: {output[-800:]}")
    expect(any(a in output for a in addresses), f"no endpoint address is shown: {output[-800:]}")
    expect(upstream.seen, "the system's resolver was never asked")
    left = [p for p in os.listdir("/proc") if p.isdigit() and command_of(p).endswith("/local53")]
    expect_equal(left, [], "daemons left running")


def command_of(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""


if __name__ == "__main__":
    suite.main()
