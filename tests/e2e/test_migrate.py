#!/usr/bin/env python3
"""deploy/MIGRATE.md: its commands that need no AWS, its configuration, its comparison and its patch."""
import os
import re
import shutil
import subprocess

from lib import fake_dns, kubernetes, namespace
from lib.cases import Suite, expect, expect_equal
from lib.daemon import BINARY, ROOT, run

suite = Suite("migrate")
PAGE = os.path.join(ROOT, "deploy", "MIGRATE.md")
ZONE = os.path.join(ROOT, "tests", "unit", "aws", "golden", "route53-corp.json")
NODELOCAL = """apiVersion: apps/v1
kind: DaemonSet
metadata: {name: node-local-dns, namespace: kube-system}
spec:
  selector: {matchLabels: {k8s-app: node-local-dns}}
  template:
    metadata: {labels: {k8s-app: node-local-dns}}
    spec:
      containers: [{name: node-cache, image: node-cache}]
"""


def page():
    with open(PAGE, encoding="utf-8") as file:
        return file.read()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", page(), re.M | re.S)


@suite.case("the commands of the Route 53 part run as they stand on a zone of every kind of record")
def imports(scene):
    shutil.copy(ZONE, scene.path("zone.json"))
    os.makedirs(scene.path("bin"))
    os.symlink(os.path.abspath(BINARY), scene.path("bin", "local53"))
    commands = [block for block in blocks("sh") if block.startswith("local53")]
    expect_equal(len(commands), 2, "blocks of commands")
    for block in commands:
        done = subprocess.run(["sh", "-euc", block], cwd=scene.path("."), capture_output=True, text=True, check=False,
                              timeout=60, env={**os.environ, "PATH": f"{scene.path('bin')}:{os.environ['PATH']}"})
        expect_equal(done.returncode, 0, f"exit of {block}: {done.stdout[-500:]}{done.stderr[-800:]}")
    expect(os.path.getsize(scene.path("corp.internal.zone")) > 100, "the master file")


@suite.case("the comparison names what differs, and nothing else", namespace_needed=True)
def comparison(scene):
    zone = {"a": ("10.0.0.1", "10.0.0.2"), "b": ("10.0.0.3",), "c": ("10.0.0.4",)}
    ours = {"a": ("10.0.0.2", "10.0.0.1"), "b": ("10.0.0.9",)}
    for address, answers in (("169.254.169.253", zone), ("169.254.20.10", ours)):
        namespace.add_address(address)
        scene.add(fake_dns.FakeDns(address, rules={f"{name}.corp.internal.": fake_dns.addresses(*found)
                                                   for name, found in answers.items()}))
    scene.write("names.txt", "a.corp.internal.\nb.corp.internal.\nc.corp.internal.\n")
    loop = next(block for block in blocks("sh") if block.startswith("while"))
    done = subprocess.run(["sh", "-euc", loop], cwd=scene.path("."), capture_output=True, text=True, check=True,
                          timeout=60)
    expect_equal(done.stdout.splitlines(), ["b.corp.internal.: zone 10.0.0.3, local53 10.0.0.9",
                                            "c.corp.internal.: zone 10.0.0.4, local53 "], "differences")


@suite.case("the usual Corefile's four blocks are a configuration that checks")
def corefile(scene):
    done = run(["check", "--strict", "-q", "-c", scene.write("nodelocal.yaml", blocks("yaml")[0])],
               {"KUBE_DNS_UPSTREAM_SERVICE_HOST": "10.100.0.10"})
    expect_equal((done.returncode, done.stderr), (0, ""), "check --strict")


@suite.case("the patch of NodeLocal DNSCache keeps it off labelled nodes")
def patch(scene):
    command = next(line for block in blocks("console") for line in block.splitlines() if " patch daemonset " in line)
    words = re.search(r"--type merge -p '(.*)'$", command)
    kubectl = kubernetes.program("kubectl", "kubernetes-client")
    done = subprocess.run([kubectl, "patch", "--local", "-f", scene.write("ds.yaml", NODELOCAL), "--type", "merge",
                           "-p", words[1], "-o", "yaml"], capture_output=True, text=True, check=False, timeout=60)
    expect_equal(done.returncode, 0, f"exit of kubectl: {done.stderr}")
    expect(re.search(r"key: local53\n\s+operator: DoesNotExist", done.stdout), done.stdout)


@suite.case("beside NodeLocal DNSCache local53 comes to labelled nodes alone, by the examples' own line")
def labelled_nodes(_scene):
    step = re.search(r"^### 3\. local53, for labelled.*?(?=^### 4)", page(), re.M | re.S)[0]
    lines = "".join(re.findall(r"^```console\n(.*?)^```", step, re.M | re.S)).splitlines()
    with open(os.path.join(ROOT, "conf", "examples", "kompass", "README.md"), encoding="utf-8") as file:
        expect(lines[0] + "\n" in file.read(), f"not in the examples: {lines[0]}")
    expect(not any("apply -k" in line for line in lines), f"it would take all nodes: {lines}")


CHANGES = re.compile(r"kubectl (apply|label|delete)| patch daemonset | disassociate-|\bDelete the zone")


@suite.case("each step that changes something tells the way back")
def ways_back(_scene):
    steps = re.split(r"^### (?=\d)", page(), flags=re.M)[1:]
    changing = [step for step in steps if CHANGES.search(step)]
    expect_equal(len(changing), 7, f"steps that change something: {[step.splitlines()[0] for step in changing]}")
    expect_equal([step.splitlines()[0] for step in changing if not re.search(r"\bBack[:,]", step)], [], "without it")


@suite.case("what the page links to is there")
def links(_scene):
    paths = re.findall(r"\]\((?!https?:|#)([^)#]+)\)", page())
    expect(paths, "the page links to nothing")
    for path in paths:
        expect(os.path.exists(os.path.join(ROOT, "deploy", path)), f"{path}: no such file")
    for anchor in re.findall(r"\]\(#([^)]+)\)", page()):
        titles = [t.lower().replace(" ", "-") for t in re.findall(r"^## (.*)$", page(), re.M)]
        expect(anchor in titles, f"{anchor}: no such heading")


if __name__ == "__main__":
    suite.main()
