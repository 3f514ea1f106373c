#!/usr/bin/env python3
"""Every example of conf/examples: the daemon with its file, the names its users ask, its page and its manifest."""
import os
import re
import subprocess

from lib import kubernetes, message
from lib.cases import Suite, expect, expect_equal
from lib.daemon import BINARY, ROOT, run
from lib.examples import (ALWAYS_PUBLIC, CLUSTER_DNS, EXAMPLES, FOLDER, NODE, PUBLIC, SERVICE, SECOND, World, commands,
                          targets_of)

suite = Suite("examples")
TITLES = re.compile(r"^## (\d+)\. \S.*$", re.M)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")


# ---- Names ------------------------------------------------------------------------------------------

def names_get_what_they_should(world):
    for name in world.example.taken:
        reply = world.client.ask(name)
        expect_equal((name, reply.rcode, sorted(reply.texts())), (name, 0, world.addresses_of(name)), "answer")
        expect(all(r.owner == name + "." and r.type == 1 for r in reply.answer), f"{name}: {reply.answer}")
        expect_equal(sorted(world.pod.ask(name).texts()), world.addresses_of(name), f"{name} by the service address")
        for kind in ("AAAA", "HTTPS"):
            reply = world.client.ask(name, kind)
            expect_equal((reply.rcode, reply.answer), (0, []), f"{name} {kind}")
        expect_equal(world.vpc.count(name + "."), 0, f"{name}: questions that left")


def others_stay_public(world):
    for name in (*ALWAYS_PUBLIC, *world.example.public):
        reply = world.client.ask(name)
        expect_equal((name, reply.rcode, reply.texts()), (name, 0, [PUBLIC]), "answer")
        expect_equal(world.vpc.count(name + ".", "A"), 1, f"{name}: questions to the VPC resolver")


def cluster_names(world):
    expect_equal(world.client.ask("kubernetes.default.svc.cluster.local").texts(), [SERVICE], "a service")
    reply = world.client.ask("api.cast.ai.default.svc.cluster.local")
    expect_equal(reply.rcode, message.NXDOMAIN, "a search list's first try")
    expect_equal(world.vpc.count("kubernetes.default.svc.cluster.local."), 0, "cluster names at the VPC resolver")


# ---- The page ---------------------------------------------------------------------------------------

def page_is_right(example):
    text = example.text("README.md")
    expect_equal([int(n) for n in TITLES.findall(text)], list(range(1, 11)), "steps")
    for step in re.split(r"^## ", text, flags=re.M)[1:]:
        if "```" in step and not step.startswith("10."):
            expect("Expect:" in step, f"what to expect of step {step.splitlines()[0]}")
    expect(text.count("Back:") >= 2, "the way back")
    for path in LINK.findall(text):
        expect(os.path.exists(os.path.join(example.folder, path)), f"{path}: no such file")


def commands_run(world):
    folder = os.path.dirname(world.config)
    world.endpoints_json()
    certificate = world.listen_tls()
    environment = {**world.daemon.environment, "SSL_CERT_FILE": certificate,
                   "PATH": f"{folder}/bin:{os.environ['PATH']}"}
    os.makedirs(f"{folder}/bin")
    os.symlink(os.path.abspath(BINARY), f"{folder}/bin/local53")
    for command in commands(world.example.text("README.md")):
        done = subprocess.run(["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True,
                              check=False, timeout=60)
        expect_equal(done.returncode, 0, f"exit of '{command}', with {done.stdout[-800:]}{done.stderr[-800:]}")
        if "--strict" in command:
            expect_equal((done.stdout, done.stderr), ("", ""), "what check prints")
        if " probe" in command:
            expect(re.search(r"all \d+ fine", done.stdout), done.stdout[-800:])


def imported_is_the_same(world):
    """What import makes of the endpoints has the same targets as the file written by hand; names of services that are
    not AWS's come from services.json alone."""
    wanted = [t for t in world.targets if world.example.private_names or "-svc-" not in t]
    with open(os.path.join(os.path.dirname(world.config), "imported.yaml"), encoding="utf-8") as file:
        expect_equal(sorted(targets_of(file.read())), sorted(wanted), "targets of imported.yaml")


def make_case(example, number):
    @suite.case(f"{example.name}: names get their endpoints, others stay public, and the page's ten steps run",
                limit_s=120, namespace_needed=True)
    def case(scene):
        done = run(["check", "--strict", "-q", "-c", os.path.join(example.folder, "local53.yaml")])
        expect_equal((done.returncode, done.stdout, done.stderr), (0, "", ""), "check --strict")
        world = World(scene, example, number)
        names_get_what_they_should(world)
        others_stay_public(world)
        cluster_names(world)
        page_is_right(example)
        commands_run(world)
        imported_is_the_same(world)
        every_target_is_asked_for(world)


def every_target_is_asked_for(world):
    used = {t for part in world.example.taken.values() for t in world.targets if part in t}
    expect_equal(set(world.targets) - used, set(), "targets that no name of the test reaches")


for index, one in enumerate(EXAMPLES):
    make_case(one, index)


@suite.case("every folder of conf/examples is one of these")
def none_forgotten(_scene):
    expect_equal(sorted(os.listdir(FOLDER)), sorted(example.name for example in EXAMPLES), "folders")


@suite.case("nodes of the Bottlerocket example are answered on both addresses", namespace_needed=True)
def both_addresses(scene):
    world = World(scene, next(e for e in EXAMPLES if e.name.startswith("bottlerocket")), 9)
    name = "api.ecr.eu-central-1.amazonaws.com"
    for address in (NODE, SECOND):
        done = subprocess.run(["dig", "+short", f"@{address}", name], capture_output=True, text=True, check=True,
                              timeout=10)
        expect_equal(sorted(done.stdout.split()), world.addresses_of(name), address)


@suite.case("the file for Fargate takes the names of the nodes' file, sessions excepted")
def fargate(scene):
    example = next(e for e in EXAMPLES if e.name.startswith("bottlerocket"))
    text = example.text("fargate", "local53.yaml").replace("env:POD_IP:1053", "127.0.0.1:1053")
    done = run(["check", "--strict", "-q", "-c", scene.write("fargate.yaml", text)],
               {"KUBE_DNS_SERVICE_HOST": CLUSTER_DNS})
    expect_equal((done.returncode, done.stderr), (0, ""), "check --strict")
    nodes = targets_of(example.text("local53.yaml"))
    expect_equal(targets_of(text), [t for t in nodes if ".ssm" not in t], "targets")


# ---- Manifests --------------------------------------------------------------------------------------

def objects(text):
    """The objects by (kind, name), each with no field that Kubernetes has not."""
    found = [one for one in kubernetes.yaml().safe_load_all(text) if one]
    for one in found:
        expect_equal(kubernetes.faults(one), [], f"{one['kind']} {one['metadata']['name']}")
    return {(one["kind"], one["metadata"]["name"]): one for one in found}


def container(thing):
    return thing["spec"]["template"]["spec"]["containers"][0]


@suite.case("each kustomization puts its configuration and image into its overlay")
def kustomizations(_scene):
    for example in EXAMPLES:
        expect(f"overlays/{example.overlay}" in example.text("kustomization.yaml"), f"{example.name}: overlay")
        is_applied(objects(kubernetes.text(example.folder)), ("DaemonSet", "local53"), example.text("local53.yaml"))
    bottlerocket = next(e for e in EXAMPLES if e.name.startswith("bottlerocket"))
    is_applied(objects(kubernetes.text(os.path.join(bottlerocket.folder, "fargate"))),
               ("Deployment", "local53-fargate"), bottlerocket.text("fargate", "local53.yaml"))


def is_applied(found, key, text):
    kind, name = key
    expect(container(found[key])["image"].startswith("111122223333.dkr.ecr."), f"{kind} {name}: image")
    can_be_updated(found[key], text)
    expect_equal(found[("ConfigMap", name)]["data"], {"local53.yaml": text}, f"ConfigMap {name}")


def can_be_updated(thing, text):
    """A new pod starts beside the old one: in the host's network the configuration must allow it."""
    spec = thing["spec"]
    strategy = spec.get("updateStrategy") or spec.get("strategy")
    expect_equal(strategy["rollingUpdate"], {"maxSurge": 1, "maxUnavailable": 0}, "update")
    shares = spec["template"]["spec"].get("hostNetwork", False)
    expect_equal(kubernetes.yaml().safe_load(text)["node"].get("handover", False), shares, "node.handover")


@suite.case("the canary of step 8 selects one labelled node")
def canary(_scene):
    for example in EXAMPLES:
        found = re.search(r"\| (sed '.*') \|", example.text("README.md"))
        expect(found, f"{example.name}: no sed in step 8")
        block = next(b for b in re.findall(r"^```console\n(.*?)^```", example.text("README.md"), re.M | re.S)
                     if found[1] in b)
        expect("apply -k" not in block, f"{example.name}: the block of one node goes on to all of them")
        done = subprocess.run(["sh", "-c", found[1]], input=kubernetes.text(example.folder), capture_output=True,
                              text=True, check=True, timeout=20)
        daemon_set = objects(done.stdout)[("DaemonSet", "local53")]
        expect_equal(daemon_set["spec"]["template"]["spec"]["nodeSelector"],
                     {"kubernetes.io/os": "linux", "local53": "canary"}, f"{example.name}: nodeSelector")


@suite.case("the second instance is a DaemonSet of its own beside the first, with a good configuration")
def second_instance(_scene):
    folder = os.path.join(ROOT, "deploy", "node", "second-instance")
    done = run(["check", "--strict", "-q", "-c", os.path.join(folder, "local53.yaml")])
    expect_equal((done.returncode, done.stderr), (0, ""), "check --strict")
    found = objects(kubernetes.text(folder))
    expect_equal(sorted(found), [("ConfigMap", "local53-node"), ("DaemonSet", "local53-node"),
                                 ("Service", "kube-dns-upstream-node"), ("Service", "local53-node")], "objects")
    daemon_set, service = found[("DaemonSet", "local53-node")], found[("Service", "local53-node")]
    expect_equal({daemon_set["spec"]["selector"]["matchLabels"]["k8s-app"], service["spec"]["selector"]["k8s-app"],
                  daemon_set["spec"]["template"]["metadata"]["labels"]["k8s-app"]}, {"local53-node"}, "labels")
    expect_equal(found[("Service", "kube-dns-upstream-node")]["spec"]["selector"], {"k8s-app": "kube-dns"}, "upstream")
    expect_equal(daemon_set["spec"]["template"]["spec"]["hostNetwork"], True, "the host's network")
    can_be_updated(daemon_set, found[("ConfigMap", "local53-node")]["data"]["local53.yaml"])


if __name__ == "__main__":
    suite.main()
