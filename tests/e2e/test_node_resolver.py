#!/usr/bin/env python3
"""deploy/node/resolver.sh against a local53 of ours: with an /etc/resolv.conf of somebody's, and with systemd-resolved.

The namespace has an /etc and a /run of its own; systemd-resolved is a script that makes resolv.conf from drop-ins.
"""
import os
import re
import shutil
import subprocess
import textwrap
import tomllib

from lib import fake_dns, kubernetes, namespace
from lib.cases import Suite, expect, expect_equal
from lib.daemon import ROOT, Daemon, forward

suite = Suite("node resolver")
SCRIPT = os.path.join(ROOT, "deploy", "node", "resolver.sh")
RESOLV_CONF = "/etc/resolv.conf"
DROP_IN = "/run/systemd/resolved.conf.d/50-local53.conf"
VPC, OURS, SECOND, SILENT = "127.54.0.1", "127.54.0.2", "127.54.0.3", "127.54.0.9"
NAME, PUBLIC, PRIVATE = "api.ecr.eu-west-1.amazonaws.com", "198.51.100.9", "10.40.1.11"
BEFORE = f"; made by DHCP\nsearch eu-central-1.compute.internal\nnameserver {VPC}\noptions timeout:1 attempts:1\n"
TOOLS = ("sh", "getent", "unshare", "mount", "mktemp", "readlink", "sed", "grep", "cp", "mv", "rm", "mkdir", "cat",
         "chmod", "tr", "xargs", "python3")
RESOLVED = """#!/bin/sh
echo "$*" >>{folder}/restarts
[ ! -f {folder}/broken ] || exit 1
{{
    cat /run/systemd/resolved.conf.d/*.conf 2>/dev/null | sed -n 's/^DNS=//p' | tr ' ' '\\n' | sed '/./s/^/nameserver /'
    echo 'nameserver {vpc}'
    echo 'options timeout:1 attempts:1'
}} >/run/systemd/resolve/resolv.conf
"""


class Node:
    """An /etc and /run of the test's own, the VPC resolver, and a local53 that takes the name."""

    def __init__(self, scene):
        self.folder = scene.path("node")
        self.etc = scene.path("etc")
        os.makedirs(self.folder)
        os.makedirs(self.etc)
        for name in ("passwd", "group", "hosts", "host.conf", "ld.so.cache", "nsswitch.conf", "alternatives"):
            if os.path.isdir(f"/etc/{name}"):
                shutil.copytree(f"/etc/{name}", f"{self.etc}/{name}", symlinks=True)
            elif os.path.exists(f"/etc/{name}"):
                shutil.copy(f"/etc/{name}", self.etc)
        subprocess.run(["mount", "--bind", self.etc, "/etc"], check=True, timeout=10)
        scene.add(Mounted("/etc"))
        namespace.own_run()
        scene.add(Mounted("/run"))
        namespace.add_address("10.0.0.5")  # getent asks for nothing where an interface has no address but loopback's
        self.path = os.environ["PATH"]
        scene.add(fake_dns.FakeDns(VPC, rules={NAME + ".": fake_dns.addresses(PUBLIC)}))
        self.daemon = Daemon(scene, {
            "listen": [OURS, SECOND], "forward": forward(VPC),
            "endpoints": [{"names": [NAME], "addresses": [PRIVATE]}]}, address=OURS, port=53).wait_ready()
        self.write(BEFORE)

    def write(self, text):
        if os.path.lexists(RESOLV_CONF):
            os.unlink(RESOLV_CONF)
        with open(RESOLV_CONF, "w", encoding="ascii") as file:
            file.write(text)

    def with_resolved(self):
        """systemd-resolved makes resolv.conf, as on AL2023 (mode uplink)."""
        os.makedirs("/run/systemd/resolve")
        program = os.path.join(self.folder, "systemctl")
        with open(program, "w", encoding="ascii") as file:
            file.write(RESOLVED.format(folder=self.folder, vpc=VPC))
        os.chmod(program, 0o755)
        self.path = f"{self.folder}:{self.path}"
        subprocess.run([program, "start"], check=True, timeout=10)
        os.unlink(RESOLV_CONF)
        os.symlink("/run/systemd/resolve/resolv.conf", RESOLV_CONF)

    def without_dig(self):
        tools = os.path.join(self.folder, "tools")
        os.makedirs(tools)
        for tool in TOOLS:
            os.symlink(shutil.which(tool), os.path.join(tools, tool))
        self.path = tools

    def run(self, *words, code=0):
        """Runs the script; what it said."""
        done = subprocess.run([SCRIPT, *words], capture_output=True, text=True, check=False, timeout=40,
                              env={"PATH": self.path, "LOCAL53_TRY": NAME})
        expect_equal(done.returncode, code, f"exit of {words}, with {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def restarts(self):
        with open(os.path.join(self.folder, "restarts"), encoding="ascii") as file:
            return file.read().split("\n").count("restart systemd-resolved")


class Mounted:
    def __init__(self, path):
        self.path = path

    def close(self):
        subprocess.run(["umount", "-l", self.path], check=True, timeout=10)


def text():
    with open(RESOLV_CONF, encoding="ascii") as file:
        return file.read()


def found():
    """What the node's programs get for the name."""
    done = subprocess.run(["getent", "-s", "dns", "ahostsv4", NAME], capture_output=True, text=True, check=False,
                          timeout=30)
    return done.stdout.split()[0] if done.stdout else None


# ---- A file -----------------------------------------------------------------------------------------

@suite.case("switched by file the node asks local53 first and the old server next, and restore gives the file back",
            namespace_needed=True)
def by_file(scene):
    node = Node(scene)
    expect_equal(found(), PUBLIC, "before")
    node.run("switch", OURS)
    servers = [line.split()[1] for line in text().splitlines() if line.startswith("nameserver")]
    expect_equal((servers, found()), ([OURS, VPC], PRIVATE), "servers and answer when switched")
    expect("search eu-central-1.compute.internal" in text() and "options timeout:1" in text(), text())
    changed = text()
    expect("already" in node.run("switch", OURS), "switched twice")
    expect_equal(text(), changed, "resolv.conf after the second switch")
    expect("which answers" in node.run("status"), "status")
    node.run("restore")
    expect_equal((text(), found()), (BEFORE, PUBLIC), "after restore")
    expect("not switched" in node.run("restore"), "restored twice")
    node.run("status", code=1)


@suite.case("a server that does not answer is refused, alone and beside one that does", namespace_needed=True)
def refused(scene):
    node = Node(scene)
    for addresses in ([SILENT], [OURS, SILENT]):
        expect(f"{SILENT} has no address for {NAME}" in node.run("switch", *addresses, code=1), "message")
        expect_equal(text(), BEFORE, "resolv.conf")
    node.run("switch", "-n", "no.such.name.invalid", OURS, code=1)
    expect_equal(text(), BEFORE, "resolv.conf after a name that does not exist")


@suite.case("when local53 has gone the next switch puts the old server back", namespace_needed=True)
def gone(scene):
    node = Node(scene)
    node.run("switch", OURS, SECOND)
    node.daemon.stop()
    expect_equal(found(), PUBLIC, "with both of ours dead, before anything is put back")
    node.run("status", code=1)
    expect("has no address" in node.run("switch", OURS, SECOND, code=1), "message")
    expect_equal(text(), BEFORE, "resolv.conf")


@suite.case("a file that somebody wrote anew is left as it is", namespace_needed=True)
def written_anew(scene):
    node = Node(scene)
    node.run("switch", OURS)
    anew = BEFORE.replace("DHCP", "DHCP again")
    node.write(anew)
    expect("not switched" in node.run("restore"), "restore")
    expect_equal(text(), anew, "resolv.conf")


@suite.case("other addresses take the place of those before, and the kept copy stays that of the beginning",
            namespace_needed=True)
def other_addresses(scene):
    node = Node(scene)
    node.run("switch", OURS)
    node.run("switch", SECOND)
    expect(OURS not in text() and SECOND in text(), text())
    with open("/run/local53/resolver/resolv.conf.before", encoding="ascii") as file:
        expect_equal(file.read(), BEFORE, "kept copy")
    node.write(text().replace(f"nameserver {VPC}\n", ""))
    node.run("restore")
    expect_equal(text(), BEFORE, "restored from the copy, since no server would have been left")


@suite.case("a link to somebody's file stays a link", namespace_needed=True)
def linked(scene):
    node = Node(scene)
    os.makedirs("/run/manager")
    os.rename(shutil.copy(RESOLV_CONF, "/run/manager/new"), "/run/manager/resolv.conf")
    os.unlink(RESOLV_CONF)
    os.symlink("/run/manager/resolv.conf", RESOLV_CONF)
    node.run("switch", OURS)
    expect_equal((os.path.islink(RESOLV_CONF), found()), (True, PRIVATE), "link, and answer when switched")
    node.run("restore")
    expect_equal((os.path.islink(RESOLV_CONF), text()), (True, BEFORE), "link and text when restored")
    expect_equal(os.listdir("/run/manager"), ["resolv.conf"], "files left behind")


@suite.case("without a server to fall back to it refuses", namespace_needed=True)
def nothing_before(scene):
    node = Node(scene)
    node.write("search corp.internal\n")
    expect("no server to fall back to" in node.run("switch", OURS, code=1), "message")
    expect_equal(text(), "search corp.internal\n", "resolv.conf")


@suite.case("a node without dig asks through glibc", namespace_needed=True)
def no_dig(scene):
    node = Node(scene)
    node.without_dig()
    node.run("switch", SILENT, code=1)
    node.run("switch", OURS)
    expect_equal(found(), PRIVATE, "switched")
    node.run("restore")
    expect_equal(text(), BEFORE, "restored")


# ---- systemd-resolved -------------------------------------------------------------------------------

@suite.case("with systemd-resolved a drop-in is written, and gone after restore", namespace_needed=True)
def by_resolved(scene):
    node = Node(scene)
    node.with_resolved()
    node.run("switch", OURS, SECOND)
    with open(DROP_IN, encoding="ascii") as file:
        drop_in = file.read()
    expect(f"[Resolve]\nDNS={OURS} {SECOND}\nDomains=~.\n" in drop_in, drop_in)
    expect_equal((found(), node.restarts()), (PRIVATE, 1), "switched, restarts")
    node.run("switch", OURS, SECOND)
    expect_equal(node.restarts(), 1, "restarts after a second switch")
    node.run("status")
    node.run("restore")
    expect(not os.path.exists(DROP_IN) and os.path.islink(RESOLV_CONF), "drop-in gone, link left")
    expect_equal(found(), PUBLIC, "restored")


@suite.case("where systemd-resolved does not restart the drop-in is taken away again", namespace_needed=True)
def resolved_broken(scene):
    node = Node(scene)
    node.with_resolved()
    scene.write("node/broken", "")
    node.run("switch", OURS, code=1)
    expect(not os.path.exists(DROP_IN), "the drop-in stayed")
    expect_equal(found(), PUBLIC, "the node resolves")


# ---- Files beside it --------------------------------------------------------------------------------

def beside(name):
    with open(os.path.join(os.path.dirname(SCRIPT), name), encoding="utf-8") as file:
        return file.read()


@suite.case("Bottlerocket's settings name two servers of ours, and back the VPC resolver alone")
def bottlerocket(_scene):
    for name, servers in (("bottlerocket.toml", ["169.254.20.10", "169.254.20.11"]),
                          ("bottlerocket-restore.toml", ["169.254.169.253"])):
        expect_equal(tomllib.loads(beside(name)), {"settings": {"dns": {"name-servers": servers}}}, name)


@suite.case("Karpenter's user data is a script that installs the timer and service of this folder")
def user_data(_scene):
    text = textwrap.dedent(re.search(r"userData: \|\n(.*?)^---$", beside("karpenter-al2023.yaml"), re.M | re.S)[1])
    script = re.search(r"^#!/bin/sh\n.*?(?=^--//)", text, re.M | re.S)[0]
    subprocess.run(["sh", "-n", "-c", script], check=True, timeout=10)
    timer = re.search(r"local53-resolver\.timer <<'UNIT'\n(.*?)^UNIT$", script, re.M | re.S)[1]
    expect_equal(timer.split(), beside("local53-resolver.timer").split(), "the timer")
    expect("resolver.sh switch 169.254.20.10\n" in script and "SuccessExitStatus=1\n" in script, "the service")
    expect('LOCAL53_ADDRESSES=169.254.20.10\n' in beside("local53-resolver.service"), "the service's address")


def objects(name):
    return {one["kind"]: one["spec"] for one in kubernetes.yaml().safe_load_all(beside(name))}


@suite.case("NodeConfig names local53's address alone, and for every name")
def nodeconfig(_scene):
    network = objects("nodeconfig.yaml")["NodeConfig"]["instance"]["network"]
    expect_equal(network, {"nameservers": ["169.254.20.10"], "domains": ["~."]}, "spec.instance.network")
    expect("apiVersion: node.eks.aws/v1alpha1\n" in beside("nodeconfig.yaml"), "apiVersion")


@suite.case("Karpenter's nodes are of both architectures, and a Bottlerocket one begins with the VPC resolver")
def karpenter(_scene):
    for name in ("karpenter-al2023.yaml", "karpenter-bottlerocket.yaml"):
        found = objects(name)
        pool = found["NodePool"]["template"]["spec"]
        architectures = next(one for one in pool["requirements"] if one["key"] == "kubernetes.io/arch")
        expect_equal(sorted(architectures["values"]), ["amd64", "arm64"], f"{name}: architectures")
        expect(f"name: {pool['nodeClassRef']['name']}\n" in beside(name).split("---")[0], f"{name}: its node class")
        expect("role" not in found["EC2NodeClass"], f"{name}: with a role Karpenter asks IAM")
    expect_equal(sorted(objects("karpenter-bottlerocket.yaml")["EC2NodeClass"]), [
        "amiSelectorTerms", "instanceProfile", "securityGroupSelectorTerms", "subnetSelectorTerms"], "no user data")


@suite.case("the files name the addresses that local53 listens on as it is deployed")
def same_addresses(_scene):
    listened = set(kubernetes.load("overlays", "nodelocal", "local53.yaml")["listen"])
    with open(os.path.join(ROOT, "deploy", "node", "second-instance", "local53.yaml"), encoding="utf-8") as file:
        second = set(kubernetes.yaml().safe_load(file)["listen"])
    named = {*objects("nodeconfig.yaml")["NodeConfig"]["instance"]["network"]["nameservers"],
             *re.findall(r"resolver\.sh switch ([\d.]+)", beside("karpenter-al2023.yaml")),
             *re.findall(r"LOCAL53_ADDRESSES=([\d.]+)", beside("local53-resolver.service"))}
    expect(named <= listened, f"{named - listened} of the files is not in {listened}")
    expect(second and not second & listened, f"the second instance has addresses of its own: {second}")


# ---- Bad input --------------------------------------------------------------------------------------

@suite.case("what is not usage is told, and changes nothing", namespace_needed=True)
def usage(scene):
    node = Node(scene)
    for words in ([], ["swap"], ["switch"], ["switch", "-n"], ["restore", OURS], ["switch", "a;b"], ["switch", ""]):
        node.run(*words, code=2)
        expect_equal(text(), BEFORE, f"resolv.conf after {words}")


if __name__ == "__main__":
    suite.main()
