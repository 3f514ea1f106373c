#!/usr/bin/env python3
"""Where questions go: pools by zone, servers from files, the environment and host names, the resolver of targets."""
import socket
import time

from lib import fake_dns, message, namespace
from lib.cases import Suite, again_when_late, expect, expect_equal, soon, wait_until
from lib.daemon import Daemon, address, forward, run, yaml

suite = Suite("upstreams")
TARGET = "vpce-0123456789abcdef0-abcdefgh.sqs.eu-west-1.vpce.amazonaws.com"


def fake(scene, answer, port=0, **rules):
    return scene.add(fake_dns.FakeDns(address(), port, rules, fake_dns.addresses(answer)))


@suite.case("each zone goes to its own pool, the longest suffix wins, the root takes the rest")
def zones(scene):
    root, corp, deep = fake(scene, "192.0.2.1"), fake(scene, "192.0.2.2"), fake(scene, "192.0.2.3")
    daemon = Daemon(scene, {"forward": [*forward(root), {"zone": "corp.example", "servers": [corp.server]},
                                        {"zone": "a.corp.example", "servers": [deep.server]}]})
    for name, wanted in (("www.example", "192.0.2.1"), ("corp.example", "192.0.2.2"), ("x.corp.example", "192.0.2.2"),
                         ("X.CORP.Example", "192.0.2.2"), ("a.corp.example", "192.0.2.3"),
                         ("b.a.corp.example", "192.0.2.3"),
                         ("notcorp.example", "192.0.2.1")):
        expect_equal(daemon.client.ask(name).texts(), [wanted], name)


@suite.case("targets are asked of aws.resolver and of nobody else")
def resolver(scene):
    public, vpc = fake(scene, "192.0.2.1"), fake(scene, "10.0.0.1")
    daemon = Daemon(scene, {"aws": {"region": "eu-west-1", "resolver": vpc.server},
                            "endpoints": [{"service": "sqs", "target": TARGET}],
                            "forward": forward(public)}).wait_ready()
    expect_equal(daemon.client.ask("sqs.eu-west-1.amazonaws.com").texts(), ["10.0.0.1"], "endpoint")
    expect_equal(daemon.client.ask("www.example").texts(), ["192.0.2.1"], "forwarded")
    expect_equal((public.count(TARGET + "."), vpc.count("www.example.")), (0, 0), "questions at the wrong server")
    expect(vpc.count(TARGET + ".", "A") >= 1 and vpc.count(TARGET + ".", "AAAA") >= 1, "both families are asked")


@suite.case("servers of a resolv.conf file and of an environment variable, our own address skipped",
            namespace_needed=True)
def sources(scene):
    upstream, own = fake(scene, "192.0.2.1", port=53), address()
    resolv = scene.write("resolv.conf", f"# node\nnameserver {own}\nnameserver {upstream.address}\noptions edns0\n")
    daemon = Daemon(scene, {"forward": [{"zone": ".", "servers": [f"resolv.conf:{resolv}"]},
                                        {"zone": "cluster.local", "servers": ["env:CLUSTER_DNS"]}]},
                    address=own, port=53, environment={"CLUSTER_DNS": upstream.address})
    for name in ("www.example", "web.default.svc.cluster.local"):
        expect_equal(daemon.client.ask(name).texts(), ["192.0.2.1"], name)


@suite.case("a resolv.conf that names nobody but ourselves is told in the log", namespace_needed=True)
def ourselves(scene):
    own = address()
    resolv = scene.write("resolv.conf", f"nameserver {own}\n")
    daemon = Daemon(scene, {"forward": [{"zone": ".", "servers": [f"resolv.conf:{resolv}"]}]}, address=own, port=53)
    expect_equal(daemon.client.ask("www.example").rcode, message.SERVFAIL, "nobody to ask")
    expect("local53 itself, and nobody else" in daemon.log(), daemon.log())


@suite.case("a missing resolv.conf is told in the log, and a reload mends it", namespace_needed=True)
def missing_source(scene):
    upstream = fake(scene, "192.0.2.1", port=53)
    resolv = scene.path("resolv.conf")
    daemon = Daemon(scene, {"forward": [{"zone": ".", "servers": [f"resolv.conf:{resolv}"]}]})
    reply = daemon.client.ask("www.example", edns=message.Edns())
    expect_equal(reply.rcode, message.SERVFAIL, "without a server")
    expect(resolv in daemon.log(), "the log does not name the missing file")
    scene.write("resolv.conf", f"nameserver {upstream.address}\n")
    daemon.reload()
    wait_until(lambda: daemon.client.ask("www2.example").texts() == ["192.0.2.1"], 5, "after the reload")


@suite.case("a zone whose servers' variable is not set is refused at the start and at a reload, and checks elsewhere")
def missing_variable(scene):
    upstream = fake(scene, "192.0.2.1")
    plain = {"forward": forward(upstream)}
    unset = {"forward": [*forward(upstream), {"zone": "cluster.local", "servers": ["env:LOCAL53_TEST_UNSET"]}]}
    both = {"forward": [{"zone": ".", "servers": [upstream.server, "env:LOCAL53_TEST_UNSET"]}]}
    daemon = Daemon(scene, plain)
    daemon.write(unset)
    wait_until(lambda: "reload.refused" in daemon.log(), 10, "the changed file is refused")
    done = daemon.ctl("reload")
    expect_equal((done.returncode, "no LOCAL53_TEST_UNSET in the environment" in done.stderr), (2, True), done.stderr)
    expect_equal(daemon.client.ask("www.example").texts(), ["192.0.2.1"], "what ran before")
    daemon.reload(both)
    daemon.stop()
    file = scene.write("unset.yaml", daemon.text(unset))
    done = run(["run", "-c", file])
    expect_equal(done.returncode, 2, f"exit: {done.stderr}")
    expect('zone "cluster.local" has no server' in done.stderr and "not started" in done.stderr, done.stderr)
    expect_equal(run(["check", "--strict", "-q", "-c", file]).returncode, 0, "check, which is for other machines too")


@suite.case("servers of a resolv.conf file that changes are followed without a reload", namespace_needed=True)
def followed(scene):
    old, new = fake(scene, "192.0.2.1", port=53), fake(scene, "192.0.2.2", port=53)
    resolv = scene.write("resolv.conf", f"nameserver {old.address}\n")
    daemon = Daemon(scene, {"forward": [{"zone": ".", "servers": [f"resolv.conf:{resolv}"]}]})
    expect_equal(daemon.client.ask("a.example").texts(), ["192.0.2.1"], "before")
    scene.write("resolv.conf", f"nameserver {new.address}\n")
    count = iter(range(1000))
    wait_until(lambda: daemon.client.ask(f"n{next(count)}.example").texts() == ["192.0.2.2"], 15, "the new server", 0.5)


@suite.case("a server told by host name is resolved by the system's resolver, in the background", namespace_needed=True)
def host_name(scene):
    system, upstream = fake(scene, "192.0.2.9", port=53), fake(scene, "192.0.2.1")
    system.set(("dns.example.", "A"), fake_dns.addresses(upstream.address, ttl=60))
    namespace.set_resolver([system.address])
    daemon = Daemon(scene, {"forward": forward(f"dns.example:{upstream.port}")})
    wait_until(lambda: daemon.client.ask("www.example").texts() == ["192.0.2.1"], 8, "answers through the named server",
               0.2)


@suite.case("a server told by host name that is not resolved yet costs no time, and works once it is",
            namespace_needed=True)
def host_name_later(scene):
    system, upstream = fake(scene, "192.0.2.9", port=53), fake(scene, "192.0.2.1")
    system.set("dns.example.", fake_dns.Reply(rcode=message.SERVFAIL))
    namespace.set_resolver([system.address])
    daemon = Daemon(scene, {"forward": forward(f"dns.example:{upstream.port}")})

    def without(number):
        started = time.monotonic()
        expect_equal(daemon.client.ask(f"without{number}.example").rcode, message.SERVFAIL, "without an address")
        soon(time.monotonic() - started, 1, "the failure")
    again_when_late(without)
    system.set("dns.example.", fake_dns.addresses(upstream.address, ttl=60))
    wait_until(lambda: daemon.client.ask("www2.example").texts() == ["192.0.2.1"], 12, "answers once it is resolved",
               0.3)


@suite.case("a pool that is our own listen address is a loop and refused")
def loop(scene):
    where = f"{address()}:5300"
    done = run(["check", "-c", scene.write("loop.yaml", yaml({"listen": [where], "forward": forward(where)}))])
    expect_equal((done.returncode, where in done.stderr), (2, True), f"check: {done.stderr}")


@suite.case("an IPv6 listener answers", namespace_needed=True)
def ipv6(scene):
    upstream = fake(scene, "192.0.2.1")
    daemon = Daemon(scene, {"listen": ["[::1]:5366"], "forward": forward(upstream),
                            "endpoints": [{"names": ["one.corp.example"], "addresses": ["2001:db8::1"]}]})
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
        udp.settimeout(5)
        udp.connect(("::1", 5366))
        for name, kind, wanted in (("one.corp.example", "AAAA", "2001:db8::1"), ("www.example", "A", "192.0.2.1")):
            udp.send(message.query(name, kind).wire())
            expect_equal(message.parse(udp.recv(4096)).texts(kind), [wanted], name)
    expect(daemon.http("/healthz")[0] == 200, "alive")


if __name__ == "__main__":
    suite.main()
