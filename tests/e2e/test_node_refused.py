#!/usr/bin/env python3
"""What the node refuses local53: it says what to do, and leaves nothing behind or goes on without."""
import contextlib
import json
import re
import socket

from lib import message, other_kernel, pods
from lib.cases import Suite, expect, expect_equal, wait_until
from lib.daemon import run, yaml
from lib.node import ENVIRONMENT, NO_ADMIN, NO_CAPABILITY, clean, cluster, killed, settings, start, under, upstream
from lib.pods import LINK_LOCAL, LINK_LOCAL6, OURS, SERVICE, SERVICE6, THEIRS

suite = Suite("node refused")
IP_FREEBIND, IPV6_FREEBIND = 15, 78
SERVICES = (SERVICE, SERVICE6)


def refused(scene, binary=None, **keys):
    """A start that must end with exit code 3; what it said. The node is as it was."""
    before = pods.state()
    control = {"control": scene.path("refused.sock"), "metrics": [], "workers": 1}
    done = run(["run", "-c", scene.write("refused.yaml", yaml({**settings(**keys), **control}))], binary=binary)
    expect_equal(done.returncode, ENVIRONMENT, f"exit code; it said: {done.stderr}")
    expect_equal(pods.changes(before), [], "addresses, links, routes and rules after a refusal")
    return done.stderr


def doctor(scene, binary, **keys):
    """What doctor finds about nftables with this configuration: (level, what, remedy)."""
    file = scene.write("doctor.yaml", yaml({**settings(**keys), "control": scene.path("none.sock"), "metrics": []}))
    found = json.loads(run(["doctor", "--json", "-c", file], binary=binary).stdout)["findings"]
    expect_equal(sum(one["key"] == "nftables" for one in found), 1, f"findings about nftables of {found}")
    return next((one["finding"], one["what"], one["remedy"]) for one in found if one["key"] == "nftables")


def says(told, *words):
    for word in words:
        expect(word in told, f"no '{word}' in: {told}")


@contextlib.contextmanager
def link(name, *addresses):
    """A link of somebody else with these addresses."""
    pods.must("ip", "link", "add", name, "type", "veth", "peer", "name", "its-peer")
    try:
        for address in addresses:
            pods.must("ip", "address", "add", address, "dev", name, *(["nodad"] if ":" in address else []))
        yield
    finally:
        pods.must("ip", "link", "delete", name)


# ---- Privilege --------------------------------------------------------------------------------------

@suite.case("without NET_ADMIN: exit tells why, degrade goes on with what is there", namespace_needed=True)
def no_admin(scene):
    upstream(scene)
    without = under(scene, NO_ADMIN)
    says(refused(scene, without), "CAP_NET_ADMIN", "intercept: off")
    says(refused(scene, without, on_failure="degrade"), "no listen address is left")
    daemon = start(scene, binary=without, on_failure="degrade", listen=["127.53.9.1", LINK_LOCAL])
    expect_equal(daemon.metric("local53_intercepting"), 0, "local53_intercepting")
    expect("node.degraded" in daemon.log() and "interception: refused" in daemon.ctl("status").stdout, daemon.log())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(5)
        udp.connect(("127.53.9.1", 53))
        udp.send(message.query("a.example.", "A").wire())
        expect_equal(pods.address_of(udp.recv(4096)), OURS, "through what is there")
    daemon.reload()
    expect_equal(daemon.http("/readyz")[0], 200, "readiness while a reload tries again")
    wait_until(lambda: daemon.log().count("node.degraded") == 2, 5, "a reload tries again")
    expect_equal(daemon.http("/readyz")[0], 200, "readiness afterwards")


@suite.case("without NET_BIND_SERVICE the port is told with the capability", namespace_needed=True)
def no_bind(scene):
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as file:
        expect_equal(file.read().strip(), "1024", "first port without privilege")
    says(refused(scene, under(scene, NO_CAPABILITY), intercept="off", services=(), listen=["127.53.9.1"]),
         "127.53.9.1:53", "CAP_NET_BIND_SERVICE")
    no_bind_alone = under(scene, ["setpriv", "--bounding-set", "-net_bind_service", "--inh-caps", "-net_bind_service"])
    says(refused(scene, no_bind_alone), ":53", "CAP_NET_BIND_SERVICE")


# ---- Addresses --------------------------------------------------------------------------------------

@suite.case("service addresses that IPVS has are never claimed", namespace_needed=True)
def with_ipvs(scene):
    pod = cluster(scene)
    for ours in SERVICES:
        with link("kube-ipvs0", f"{ours}/{128 if ':' in ours else 32}"):
            says(refused(scene), f"{ours} is already on kube-ipvs0", "clusterDNS")
    with link("kube-ipvs0", f"{SERVICE}/32", f"{SERVICE6}/128"):
        daemon = start(scene, on_failure="degrade")
        expect_equal(daemon.log().count("node.address_left_out"), len(SERVICES), daemon.log())
        for address in (LINK_LOCAL, LINK_LOCAL6):
            expect_equal(pod.ask(address), OURS, "the other addresses")
        for address in SERVICES:
            expect_equal(pod.ask(address), THEIRS, "the service addresses")
            expect(address not in pods.must("nft", "list", "table", "inet", pods.tables()[0]), f"a rule for {address}")
        expect_equal(daemon.metric("local53_intercepting"), 1, "local53_intercepting")


@suite.case("an address on a link of somebody else is told with the link", namespace_needed=True)
def on_another_link(scene):
    pod = cluster(scene)
    with link("eth7", f"{SERVICE}/32"):
        says(refused(scene), f"{SERVICE} is already on eth7", "remove it there")
        daemon = start(scene, on_failure="degrade")
        expect_equal((pod.ask(LINK_LOCAL), pod.ask(SERVICE6)), (OURS, OURS), "the others")
        daemon.stop()
        expect_equal(pods.standing().count(SERVICE), 1, "it is left there")
    with link("nodelocaldns", f"{LINK_LOCAL}/32", f"{SERVICE}/32"):
        says(refused(scene), f"{SERVICE} is already on nodelocaldns", "remove that DaemonSet and its link")
    start(scene)
    expect_equal((pod.ask(LINK_LOCAL), pod.ask(SERVICE)), (OURS, OURS), "once that link is deleted")


@suite.case("service addresses that people put on lo are used, and stay there", namespace_needed=True)
def on_lo(scene):
    pod = cluster(scene)
    pods.must("sh", "-c", f"ip address add {SERVICE}/32 dev lo; ip address add {SERVICE6}/128 dev lo nodad")
    try:
        before = pods.state()
        daemon = start(scene)
        for address in SERVICES:
            expect_equal(pod.ask(address), OURS, f"through {address}")
        daemon.stop()
        expect_equal(pods.changes(before), [], "the node afterwards")
    finally:
        pods.must("sh", "-c", f"ip address delete {SERVICE}/32 dev lo; ip address delete {SERVICE6}/128 dev lo")


@suite.case("an address that every instance of AWS reaches something by is not put on the node", namespace_needed=True)
def of_aws(scene):
    pod = cluster(scene)
    for address, whose in (("169.254.169.254", "metadata"), ("169.254.170.23", "Pod Identity"),
                           ("fd00:ec2::253", "VPC resolver")):
        says(refused(scene, listen=(LINK_LOCAL, address)), address, whose, "take another address")
    says(refused(scene, services=("169.254.169.253",)), "VPC resolver")
    daemon = start(scene, listen=("127.53.9.1", LINK_LOCAL, "169.254.169.254"), on_failure="degrade")
    expect("node.degraded" in daemon.log() and "metadata" in daemon.log(), daemon.log())
    expect_equal((pods.tables(), pod.ask(SERVICE)), ([], THEIRS), "degraded")
    expect("169.254.169.254" not in pods.standing(), "left out")


@suite.case("a port that is taken leaves no address behind", namespace_needed=True)
def port_taken(scene):
    for address in (LINK_LOCAL, SERVICE, SERVICE6):
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with holder(address, kind):
                for on_failure in ("exit", "degrade"):
                    says(refused(scene, on_failure=on_failure), f"{address}", "is taken by python3", "choose another")


def holder(address, kind):
    """A socket of this process on an address that the node does not have yet."""
    if ":" in address:
        held = socket.socket(socket.AF_INET6, kind)
        held.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
    else:
        held = socket.socket(socket.AF_INET, kind)
        held.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
    held.bind((address, 53))
    if kind == socket.SOCK_STREAM:
        held.listen()
    return held


# ---- Rules ------------------------------------------------------------------------------------------

@suite.case("a foreign table of the same name is told and untouched", namespace_needed=True)
def foreign_table(scene):
    clean(scene)
    pod = cluster(scene)
    known = other_kernel.program(scene, other_kernel.NO_RANDOM)
    daemon = start(scene, binary=known)
    name = pods.tables()[0]
    daemon.stop()
    pods.must("nft", "-f", "-", text=f"add table inet {name}\nadd chain inet {name} theirs\n")
    says(refused(scene, known), f"table inet {name} is there and not of this instance", f"nft list table inet {name}")
    daemon = start(scene, binary=known, on_failure="degrade")
    is_degraded(pod, daemon)
    says(daemon.ctl("status").stdout, "interception: refused", name)
    daemon.stop()
    expect("theirs" in pods.must("nft", "list", "table", "inet", name), "it stands")
    pods.must("nft", "delete", "table", "inet", name)


def is_degraded(pod, daemon):
    """No rule stands; where the address itself leads here it is answered, and where kube-proxy leads, the cluster's."""
    for name in ("local53_intercepting", "local53_interception_rules"):
        expect_equal(daemon.metric(name), 0, name)
    expect("node.degraded" in daemon.log(), daemon.log())
    for address, answer in ((LINK_LOCAL, OURS), (LINK_LOCAL6, OURS), (SERVICE, THEIRS), (SERVICE6, THEIRS)):
        expect_equal((pod.ask(address), pod.ask_tcp(address)), (answer, answer), f"through {address}")


@suite.case("a kernel without nf_tables is told, and degrade leaves service addresses to the cluster",
            namespace_needed=True)
def no_nftables(scene):
    pod = cluster(scene)
    sandbox = other_kernel.program(scene, other_kernel.NO_NFTABLES)
    says(refused(scene, sandbox), "no nf_tables", "intercept: off")
    for on_failure, level in (("exit", "problem"), ("degrade", "note")):
        found = doctor(scene, sandbox, on_failure=on_failure)
        expect_equal(found[0], level, f"doctor: {found}")
        says(found[1] + found[2], "no netfilter netlink socket", "modprobe nf_tables", "intercept: off")
    before = pods.state()
    daemon = start(scene, binary=sandbox, on_failure="degrade")
    is_degraded(pod, daemon)
    daemon.stop()
    expect_equal(pods.changes(before), [], "the node afterwards")


# ---- A kernel whose tables have no owner --------------------------------------------------------------

@suite.case("rules that the kernel does not take away go with an ordered end, which is said beforehand",
            namespace_needed=True)
def unowned(scene):
    pod = cluster(scene)
    before = pods.state()
    old_kernel = other_kernel.program(scene, other_kernel.NO_OWNER)
    found = doctor(scene, old_kernel)
    expect_equal(found[0], "note", f"doctor: {found}")
    says(found[1] + found[2], "the rules of a local53 that was killed stay", "local53 node clean")
    daemon = start(scene, binary=old_kernel)
    says(daemon.log(), "node.unowned", "Linux 5.12", "owned=no")
    expect_equal(daemon.metric("local53_intercepting"), 1, "local53_intercepting")
    expect_equal(daemon.metric("local53_interception_owned"), 0, "local53_interception_owned")
    says(daemon.ctl("status").stdout, "not removed with us")
    expect_equal((pod.ask(SERVICE), pod.ask(SERVICE6)), (OURS, OURS), "through the service addresses")
    pods.must("nft", "flush", "table", "inet", pods.tables()[0])
    wait_until(lambda: daemon.metric("local53_interception_repairs_total") == 1, 5, "what was flushed is put back")
    expect_equal((pod.ask(SERVICE), pod.ask(SERVICE6)), (OURS, OURS), "after the repair")
    daemon.stop()
    expect_equal(pods.changes(before), [], "the node afterwards")


@suite.case("rules that a killed one has left go with node clean, and with the next start", namespace_needed=True)
def unowned_killed(scene):
    clean(scene)
    pod = cluster(scene)
    old_kernel = other_kernel.program(scene, other_kernel.NO_OWNER)
    before = pods.state()
    first = start(scene, binary=old_kernel)
    leave(scene, first)
    expect_equal(pod.ask(SERVICE), "refused", "a service address is led to nobody, as was said")
    done = run(["node", "clean"])
    expect_equal((done.returncode, done.stdout), (0, "nft tables removed: 1\naddresses removed: 4\n"), "node clean")
    expect_equal((pods.changes(before), pod.ask(SERVICE)), ([], THEIRS), "after node clean")
    left = leave(scene, start(scene, binary=old_kernel))
    second = start(scene, binary=old_kernel)
    expect(left not in pods.tables() and len(pods.tables()) == 1, f"{left} is gone: {pods.tables()}")
    expect_equal((pod.ask(SERVICE), pod.ask(SERVICE6)), (OURS, OURS), "through the next")
    second.stop()
    expect_equal((pods.changes(before), pod.ask(SERVICE)), ([], THEIRS), "after its end")


def leave(scene, daemon):
    """Kills it; the name of the table it leaves."""
    killed(scene, daemon)
    daemon.process.wait(5)
    expect_equal(len(pods.tables()), 1, "tables that it leaves")
    expect(re.fullmatch("local53-[0-9a-f]{16}", pods.tables()[0]), pods.tables()[0])
    return pods.tables()[0]


if __name__ == "__main__":
    suite.main()
