#!/usr/bin/env python3
"""On the node: pods are led here and back, whatever ends local53; what the node refuses; capabilities."""
import os
import signal
import socket
import time

from lib import fake_dns, message, pods
from lib.cases import Skip, Suite, expect, expect_equal, wait_until
from lib.daemon import BINARY, PLAIN, Daemon, forward, run, yaml
from lib.pods import CLUSTER_DNS, LINK_LOCAL, LINK_LOCAL6, OURS, SERVICE, THEIRS, Load, Pod

suite = Suite("node")
ENVIRONMENT = 3
UPSTREAM = "127.53.9.9"
FALLBACK_LIMIT_S = 0.1  # after a kill
REFUSAL_LIMIT_S = 0.5  # the kernel takes the rules down before it closes the sockets, and waits for that (RCU)
IP_FREEBIND = 15
NO_CAPABILITY = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"]
NO_ADMIN = ["setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin"]


def upstream(scene):
    """Who local53 asks: its answers are told from those of the cluster DNS."""
    server = scene.add(fake_dns.FakeDns(UPSTREAM, 53, default=fake_dns.addresses(OURS)))
    server.set("slow.example.", lambda asked: fake_dns.Reply([message.a(asked.name, OURS)], delay_s=1.0))
    return server


def cluster(scene):
    pod = Pod(scene)
    scene.add(fake_dns.FakeDns(CLUSTER_DNS, 53, default=fake_dns.addresses(THEIRS)))
    upstream(scene)
    return pod


def settings(intercept="owner", services=(SERVICE,), listen=(LINK_LOCAL, LINK_LOCAL6), on_failure="exit"):
    return {"listen": list(listen), "forward": forward(UPSTREAM),
            "node": {"intercept": intercept, "service_addresses": list(services), "on_failure": on_failure}}


def start(scene, binary=None, **keys):
    return Daemon(scene, settings(**keys), binary=binary).wait_ready()


def under(scene, wrapper, name="wrapped"):
    """The binary started by a wrapper, as a program."""
    path = scene.write(name, f"#!/bin/sh\nexec {' '.join(wrapper)} {BINARY} \"$@\"\n")
    os.chmod(path, 0o755)
    return path


def refused(scene, wrapper=(), **keys):
    """A start that must end with exit code 3; what it said. Nothing of it may be left."""
    control = {"control": scene.path("refused.sock"), "metrics": [], "workers": 1}
    done = run(["run", "-c", scene.write("refused.yaml", yaml({**settings(**keys), **control}))],
               binary=under(scene, wrapper) if wrapper else None)
    expect_equal(done.returncode, ENVIRONMENT, f"exit code; it said: {done.stderr}")
    expect_equal(pods.tables(), [], "tables after a refusal")
    expect(LINK_LOCAL not in pods.standing() and LINK_LOCAL6 not in pods.standing(), f"left: {pods.standing()}")
    return done.stderr


def killed(scene, daemon):
    """kill -9, and the time of it."""
    daemon.expected_exit = -signal.SIGKILL
    when = time.monotonic()
    daemon.process.kill()
    return when


def clean(scene):
    """What a killed one has left goes, also when the case fails."""
    class Cleaner:
        def close(self):
            run(["node", "clean"])
    scene.add(Cleaner())


# ---- Pods are led here ----------------------------------------------------------------------------

@suite.case("a pod is answered through the link-local addresses and the service address", namespace_needed=True)
def answered(scene):
    pod = cluster(scene)
    expect_equal(pod.ask(SERVICE), THEIRS, "before")
    daemon = start(scene)
    for address in (SERVICE, LINK_LOCAL, LINK_LOCAL6):
        expect_equal(pod.ask(address), OURS, f"over UDP through {address}")
        expect_equal(pod.ask_tcp(address), OURS, f"over TCP through {address}")
    expect_equal(daemon.metric("local53_intercepting"), 1, "local53_intercepting")
    expect_equal(daemon.metric("local53_interception_owned"), 1, "local53_interception_owned")
    expect(daemon.metric("local53_interception_rules") > 0, "local53_interception_rules")
    expect("interception: on, table inet local53-" in daemon.ctl("status").stdout, daemon.ctl("status").stdout)
    expect("node.intercepting" in daemon.log(), daemon.log())


@suite.case("DNS of a pod is not tracked", namespace_needed=True)
def untracked(scene):
    pod = cluster(scene)
    pod.ask(SERVICE)
    expect(any("10.0.0.2" in line for line in pods.tracked()), "the cluster DNS's way is tracked, or this sees nothing")
    start(scene)
    before = {line for line in pods.tracked() if "src=10.0.0.2" in line}
    for _ in range(20):
        for address in (SERVICE, LINK_LOCAL):
            expect_equal(pod.ask(address), OURS, f"through {address}")
            expect_equal(pod.ask_tcp(address), OURS, f"over TCP through {address}")
    ports = {line.split("sport=")[1].split()[0] for line in before}
    new = [line for line in pods.tracked() if "10.0.0.2" in line and line.split("sport=")[1].split()[0] not in ports]
    expect_equal(new, [], "tracked")


@suite.case("what others take away is put back and counted", namespace_needed=True)
def repaired(scene):
    pod = cluster(scene)
    daemon = start(scene)
    pods.must("ip", "address", "delete", f"{LINK_LOCAL}/32", "dev", "lo")
    wait_until(lambda: daemon.metric("local53_interception_repairs_total") == 1, 5, "a repair is counted")
    expect_equal(pod.ask(LINK_LOCAL), OURS, "after the repair")
    expect("node.repaired" in daemon.log(), daemon.log())


# ---- The end --------------------------------------------------------------------------------------

@suite.case("after kill -9 under load the service address is the cluster's at once, and a link-local one refuses",
            namespace_needed=True)
def killed_under_load(scene):
    clean(scene)
    pod = cluster(scene)
    daemon = start(scene, binary=PLAIN)
    service, link_local = (scene.add(Load(pod, address)) for address in (SERVICE, LINK_LOCAL))
    time.sleep(0.5)
    when = killed(scene, daemon)
    time.sleep(0.5)
    service.close()
    link_local.close()
    back, refusal = service.first(THEIRS, when), link_local.first("refused", when)
    print(f"  cluster DNS {1000 * (back or 9):.1f} ms after the kill, refused after {1000 * (refusal or 9):.1f} ms; "
          f"{service.lost()} of {len(service.events)} questions to the service address lost")
    expect(service.first(OURS, when - 1) is not None, "it had been led here")
    expect(back is not None and back < FALLBACK_LIMIT_S, f"the cluster DNS answers again: {back}")
    expect(refusal is not None and refusal < REFUSAL_LIMIT_S, f"the link-local address refuses: {refusal}")
    expect_equal(pods.tables(), [], "tables after a kill")


@suite.case("SIGTERM takes the rules away before the last answer, and the addresses after it", namespace_needed=True)
def ordered_stop(scene):
    pod = cluster(scene)
    daemon = start(scene)
    late = scene.add(pod.socket(LINK_LOCAL))
    late.connect((LINK_LOCAL, 53))
    late.settimeout(5)
    late.send(message.query("slow.example.", "A").wire())
    time.sleep(0.2)
    daemon.process.terminate()
    wait_until(lambda: pods.tables() == [], 0.6, "the rules go at once")
    expect(LINK_LOCAL in pods.standing() and daemon.process.poll() is None, "it is still there for the last answer")
    expect_equal(pod.ask(SERVICE), THEIRS, "through the service address meanwhile")
    expect_equal(pods.address_of(late.recv(4096)), OURS, "the last answer")
    daemon.wait()
    for address in (LINK_LOCAL, LINK_LOCAL6, SERVICE):
        expect(address not in pods.standing(), f"{address} is gone")


@suite.case("a stop and a start under load: a pod with the service address hardly notices", namespace_needed=True)
def restarted_under_load(scene):
    pod = cluster(scene)
    daemon = start(scene, binary=PLAIN)
    load = scene.add(Load(pod, SERVICE))
    time.sleep(0.5)
    daemon.stop()
    again = start(scene, binary=PLAIN)
    expect(again.process.poll() is None, "it runs again")
    time.sleep(0.5)
    load.close()
    seen = [what for _, _, what in load.events]
    print(f"  {load.lost()} of {len(seen)} questions lost; {seen.count(OURS)} answered here, {seen.count(THEIRS)} by the "
          f"cluster DNS")
    expect(seen.count(OURS) > 0 and seen.count(THEIRS) > 0, "both have answered")
    expect_equal(seen[-1], OURS, "the last answer")
    expect(load.lost() * 20 < len(seen), f"{load.lost()} of {len(seen)} lost")


@suite.case("the next start takes over what a killed one has left, and removes it", namespace_needed=True)
def taken_over(scene):
    clean(scene)
    pod = cluster(scene)
    first = start(scene)
    killed(scene, first)
    first.process.wait(5)
    expect(LINK_LOCAL in pods.standing(), "the address survives")
    second = start(scene)
    expect("was_there=yes" in second.log(), second.log())
    expect_equal(pod.ask(SERVICE), OURS, "through the second")
    second.stop()
    expect(LINK_LOCAL not in pods.standing() and SERVICE not in pods.standing(), f"left: {pods.standing()}")


@suite.case("node clean removes what a killed one has left, and nothing of one that runs", namespace_needed=True)
def cleaned(scene):
    clean(scene)
    pod = cluster(scene)
    daemon = start(scene)
    done = run(["node", "clean"])
    expect_equal((done.returncode, done.stdout), (0, "nft tables removed: 0\naddresses removed: 0\n"), "while it runs")
    expect_equal(pod.ask(SERVICE), OURS, "while it runs")
    killed(scene, daemon)
    daemon.process.wait(5)
    done = run(["node", "clean"], binary=under(scene, NO_ADMIN))
    expect_equal(done.returncode, ENVIRONMENT, "without NET_ADMIN")
    expect("NET_ADMIN" in done.stderr, done.stderr)
    done = run(["node", "clean", "-c", daemon.config])
    expect_equal((done.returncode, done.stdout), (0, "nft tables removed: 0\naddresses removed: 3\n"), "afterwards")
    expect(LINK_LOCAL not in pods.standing() and SERVICE not in pods.standing(), f"left: {pods.standing()}")


# ---- The node refuses -----------------------------------------------------------------------------

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


# ---- Capabilities ---------------------------------------------------------------------------------

def capabilities(pid):
    """Capabilities in effect and permitted, a pair for each thread; no_new_privs of all."""
    found = set()
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status", encoding="ascii") as file:
            lines = dict(line.split(":", 1) for line in file.read().splitlines())
        expect_equal(lines["NoNewPrivs"].strip(), "1", "NoNewPrivs")
        found.add((thread == str(pid), int(lines["CapEff"], 16), int(lines["CapPrm"], 16)))
    return found


READ_SEARCH, ADMIN = 1 << 2, 1 << 12


@suite.case("no capability is needed without interception, and hardly one is kept", namespace_needed=True)
def bare(scene):
    server = upstream(scene)
    plain = {"forward": forward(server)}
    daemon = Daemon(scene, plain, binary=under(scene, NO_CAPABILITY)).wait_ready()
    expect_equal(daemon.client.ask("a.example.").answer[0].text, OURS, "without any")
    expect_equal(capabilities(daemon.process.pid), {(True, 0, 0), (False, 0, 0)}, "without any")
    full = Daemon(scene, plain).wait_ready()
    expect_equal(capabilities(full.process.pid), {(True, READ_SEARCH, READ_SEARCH), (False, 0, 0)}, "with all")
    expect("interception: off" in full.ctl("status").stdout, "status")
    owner = start(scene, services=())
    kept = READ_SEARCH | ADMIN
    expect_equal(capabilities(owner.process.pid), {(True, kept, kept), (False, 0, 0)}, "with interception")


@suite.case("a file of another user is read at a reload as at the start", namespace_needed=True)
def file_of_another(scene):
    text = {"forward": forward(upstream(scene))}
    path = scene.path("others.yaml")
    with open(path, "w", encoding="ascii") as file:
        file.write("")
    try:
        os.chown(path, 65534, 65534)
    except OSError as error:
        raise Skip(f"files cannot be given away here: {error}") from None
    os.chmod(path, 0o600)
    daemon = Daemon(scene, text, config=path).wait_ready()
    daemon.reload()
    override = Daemon(scene, text, config=path, binary=under(scene, [
        "setpriv", "--bounding-set", "-dac_read_search", "--inh-caps", "-dac_read_search"])).wait_ready()
    expect("node.file_unreadable" in override.log(), override.log())


if __name__ == "__main__":
    suite.main()
