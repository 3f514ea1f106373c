#!/usr/bin/env python3
"""What the node refuses local53: it says what to do, and leaves nothing behind or goes on without."""
import socket

from lib import message, pods
from lib.cases import Suite, expect, expect_equal, wait_until
from lib.daemon import run, yaml
from lib.node import ENVIRONMENT, NO_ADMIN, cluster, settings, start, under, upstream
from lib.pods import LINK_LOCAL, LINK_LOCAL6, OURS, SERVICE, THEIRS

suite = Suite("node refused")
IP_FREEBIND = 15


def refused(scene, wrapper=(), **keys):
    """A start that must end with exit code 3; what it said. Nothing of it may be left."""
    control = {"control": scene.path("refused.sock"), "metrics": [], "workers": 1}
    done = run(["run", "-c", scene.write("refused.yaml", yaml({**settings(**keys), **control}))],
               binary=under(scene, wrapper) if wrapper else None)
    expect_equal(done.returncode, ENVIRONMENT, f"exit code; it said: {done.stderr}")
    expect_equal(pods.tables(), [], "tables after a refusal")
    expect(LINK_LOCAL not in pods.standing() and LINK_LOCAL6 not in pods.standing(), f"left: {pods.standing()}")
    return done.stderr


@suite.case("without NET_ADMIN: exit tells why, degrade goes on with what is there", namespace_needed=True)
def no_admin(scene):
    upstream(scene)
    expect("CAP_NET_ADMIN" in refused(scene, NO_ADMIN), "exit says what is missing")
    expect("no listen address is left" in refused(scene, NO_ADMIN, on_failure="degrade"), "no address")
    daemon = start(scene, binary=under(scene, NO_ADMIN), on_failure="degrade", listen=["127.53.9.1", LINK_LOCAL])
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


@suite.case("a service address that IPVS has is never claimed", namespace_needed=True)
def with_ipvs(scene):
    pod = cluster(scene)
    pods.must("ip", "link", "add", "kube-ipvs0", "type", "veth", "peer", "name", "ipvs-peer")
    try:
        pods.must("ip", "address", "add", f"{SERVICE}/32", "dev", "kube-ipvs0")
        expect("kube-ipvs0" in refused(scene), "exit tells the link")
        daemon = start(scene, on_failure="degrade")
        expect("node.address_left_out" in daemon.log(), daemon.log())
        expect_equal(pod.ask(LINK_LOCAL), OURS, "the other address")
        expect_equal(pod.ask(SERVICE), THEIRS, "the service address")
        expect_equal(daemon.metric("local53_intercepting"), 1, "local53_intercepting")
        expect(SERVICE not in pods.must("nft", "list", "table", "inet", pods.tables()[0]), "no rule for it")
    finally:
        pods.must("ip", "link", "delete", "kube-ipvs0")


@suite.case("a port that is taken leaves no address behind", namespace_needed=True)
def port_taken(scene):
    other = scene.add(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    other.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
    other.bind((LINK_LOCAL, 53))
    expect("is taken by" in refused(scene), "who has the port is told")


if __name__ == "__main__":
    suite.main()
