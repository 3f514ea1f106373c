#!/usr/bin/env python3
"""On the node: pods are led here and back, whatever ends local53."""
import ipaddress
import re
import time

from lib import fake_dns, message, namespace, pods
from lib.cases import Suite, expect, expect_equal, wait_until
from lib.daemon import PLAIN, Daemon, forward, run
from lib.node import ENVIRONMENT, NO_ADMIN, NO_CAPABILITY, UPSTREAM, clean, cluster, killed, settings, start, under
from lib.pods import CLUSTER_DNS, LINK_LOCAL, LINK_LOCAL6, OURS, POD, POD6, SERVICE, SERVICE6, THEIRS, Load

suite = Suite("node")
FALLBACK_LIMIT_S = 0.1  # after a kill
REFUSAL_LIMIT_S = 0.5  # the kernel takes the rules down before it closes the sockets, and waits for that (RCU)
GLIBC_TIMEOUT_S = 5  # of a server that is silent
TRIES = 3  # of what is measured, where others want the machine too
SERVICES, LINK_LOCALS = (SERVICE, SERVICE6), (LINK_LOCAL, LINK_LOCAL6)
ALL = SERVICES + LINK_LOCALS
SECOND = "169.254.20.11"


# ---- Pods are led here ----------------------------------------------------------------------------

@suite.case("a pod is answered through link-local and service addresses of both families", namespace_needed=True)
def answered(scene):
    pod = cluster(scene)
    for address in SERVICES:
        expect_equal((pod.ask(address), pod.ask_tcp(address)), (THEIRS, THEIRS), f"{address} before")
    daemon = start(scene)
    for address in ALL:
        expect_equal(pod.ask(address), OURS, f"over UDP through {address}")
        expect_equal(pod.ask_tcp(address), OURS, f"over TCP through {address}")
    expect_equal(daemon.metric("local53_intercepting"), 1, "local53_intercepting")
    expect_equal(daemon.metric("local53_interception_owned"), 1, "local53_interception_owned")
    expect_equal(daemon.metric("local53_interception_rules"), 6 * len(ALL), "local53_interception_rules")
    expect_equal(pods.must("nft", "list", "ruleset").count("notrack"), 6 * len(ALL), "rules as nft lists them")
    expect("interception: on, table inet local53-" in daemon.ctl("status").stdout, daemon.ctl("status").stdout)
    expect("node.intercepting" in daemon.log(), daemon.log())
    daemon.stop()
    for address in SERVICES:
        expect_equal((pod.ask(address), pod.ask_tcp(address)), (THEIRS, THEIRS), f"{address} afterwards")


@suite.case("one family does without the other: listening, taken over, and upstream", namespace_needed=True)
def one_family(scene):
    pod = cluster(scene)
    scene.add(fake_dns.FakeDns("::1", 53, default=fake_dns.addresses(OURS)))
    for listen, service, servers in ((LINK_LOCAL6, SERVICE6, "::1"), (LINK_LOCAL, SERVICE6, UPSTREAM)):
        text = {**settings(listen=(listen,), services=(service,)), "forward": forward(servers)}
        daemon = Daemon(scene, text).wait_ready()
        for address in (listen, service):
            expect_equal((pod.ask(address), pod.ask_tcp(address)), (OURS, OURS), f"through {address}")
        expect_equal(daemon.metric("local53_interception_rules"), 12, "rules")
        expect_equal(pod.ask(SERVICE), THEIRS, "the service address that is not taken over")
        daemon.stop()


@suite.case("without any privilege a pod is answered on an address that is there already, and the node stays as it was",
            namespace_needed=True)
def unprivileged(scene):
    pod = cluster(scene)
    scene.add(pods.Setting("net/ipv4/ip_unprivileged_port_start", 53))
    before = pods.state()
    daemon = start(scene, binary=under(scene, NO_CAPABILITY), intercept="off", services=(),
                   listen=("10.0.0.1", "[fd00:1::1]:53"))
    for address in ("10.0.0.1", "fd00:1::1"):
        expect_equal((pod.ask(address), pod.ask_tcp(address)), (OURS, OURS), f"through {address}")
    expect_equal((pod.ask(SERVICE), pods.changes(before)), (THEIRS, []), "the service address, and the node")
    expect_equal(daemon.metric("local53_intercepting"), 0, "local53_intercepting")


@suite.case("no rule stands before a question of our own was answered", namespace_needed=True)
def proven_first(scene):
    pod = cluster(scene)
    pods.must("nft", "-f", "-", text="add table inet deaf\n"
              "add chain inet deaf out { type filter hook output priority 0; }\n"
              f"add rule inet deaf out ip saddr {LINK_LOCAL} udp sport 53 drop\n")
    daemon = Daemon(scene, settings())
    wait_until(lambda: LINK_LOCAL6 in pods.standing(), 5, "the addresses stand")
    time.sleep(0.7)
    expect_equal((pods.tables(), daemon.http("/readyz")[0]), ([], 503), "while its answers are dropped")
    expect_equal((pod.ask(SERVICE), pod.ask(SERVICE6)), (THEIRS, THEIRS), "the pod meanwhile")
    pods.must("nft", "delete", "table", "inet", "deaf")
    daemon.wait_ready()
    expect_equal((pod.ask(SERVICE), pod.ask(SERVICE6)), (OURS, OURS), "once they arrive")


def asked_by(ask, ask_tcp, addresses):
    """Asks each over UDP and TCP; the connection tracking of that, but for what was there before."""
    def key(line):
        return re.search(r"(udp|tcp) .*?src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)", line).groups()
    before = {key(line) for line in pods.tracked()}
    for address in addresses:
        expect(ask(address) in (OURS, THEIRS), f"UDP through {address}")
        expect(ask_tcp(address) in (OURS, THEIRS), f"TCP through {address}")
    return [one for one in map(key, pods.tracked()) if one not in before]


@suite.case("DNS of a pod and of the node itself is not tracked, whatever family, transport and direction",
            namespace_needed=True)
def untracked(scene):
    pod = cluster(scene)
    node = pods.Client()
    pods.must("sh", "-c", "ip route add default dev pod0; ip -6 route add default dev pod0")
    for who, source, source6 in ((pod, POD, POD6), (node, "10.0.0.1", "fd00:1::1")):
        seen = asked_by(who.ask, who.ask_tcp, SERVICES)
        expect_equal(len(seen), 2 * len(SERVICES), f"the cluster DNS's way is tracked, or this sees nothing: {seen}")
        expect(any(source in one for one in seen) and any(long(source6) in one for one in seen), f"{seen}")
    start(scene)
    for who in (pod, node):
        for _ in range(20):
            expect_equal(asked_by(who.ask, who.ask_tcp, ALL), [], "tracked")


def long(address):
    """An IPv6 address as the kernel lists it."""
    return ipaddress.ip_address(address).exploded


@suite.case("what others take away is put back and counted", namespace_needed=True)
def repaired(scene):
    pod = cluster(scene)
    daemon = start(scene)
    pods.must("ip", "address", "delete", f"{LINK_LOCAL}/32", "dev", "lo")
    wait_until(lambda: daemon.metric("local53_interception_repairs_total") == 1, 5, "a repair is counted")
    expect_equal(pod.ask(LINK_LOCAL), OURS, "after the repair")
    expect("node.repaired" in daemon.log(), daemon.log())


@suite.case("a second instance for the node's own traffic stands beside the first, whichever of them ends",
            namespace_needed=True)
def second_instance(scene):
    clean(scene)
    pod = cluster(scene)
    node = pods.Client()
    first = start(scene)
    second = start(scene, services=(), listen=(SECOND,))
    expect_equal(len(pods.tables()), 2, "tables")
    expect_equal((node.ask(SECOND), node.ask_tcp(SECOND)), (OURS, OURS), "the node's own programs")
    killed(scene, first)
    first.process.wait(5)
    expect_equal([node.ask(SECOND), pod.ask(SERVICE), pod.ask(SERVICE6)], [OURS, THEIRS, THEIRS], "one was killed")
    run(["node", "clean"])
    expect_equal((node.ask(SECOND), SECOND in pods.standing()), (OURS, True), "what is left of the first was removed")
    first = start(scene)
    second.stop()
    expect(SECOND not in pods.standing() and len(pods.tables()) == 1, "the second is gone")
    expect_equal([pod.ask(address) for address in ALL], [OURS] * len(ALL), "the first goes on")


# ---- The end --------------------------------------------------------------------------------------

def is_turned(load, when, to, limit_s):
    """True when the load's server was another within the limit after `when`, for good. The kernel tells a client six
    refusals at once and then one a second (net.ipv4.icmp_ratelimit): the others are silence."""
    seconds = load.first(to, when)
    expect(load.first(OURS, when - 1) is not None, f"{load.server}: it had been led here")
    expect(seconds is not None, f"{load.server}: never {to}: {[what for _, _, what in load.events][-9:]}")
    late = {what for asked, _, what in load.events if asked > when + seconds}
    expect(late <= {to, "timeout"} and (to == "refused" or late == {to}), f"{load.server}: {to}, but then {late}")
    print(f"  {load.server}: {to} {1000 * seconds:.1f} ms after the kill; "
          f"{load.lost()} of {len(load.events)} not answered")
    return seconds < limit_s


def kill_under_load(scene, pod, addresses):
    """One kill, while a pod asks these addresses all the time; the loads, and when it was."""
    daemon = start(scene, binary=PLAIN)
    loads = [scene.add(Load(pod, address)) for address in addresses]
    time.sleep(0.3)
    when = killed(scene, daemon)
    daemon.process.wait(5)
    wait_until(lambda: pods.tables() == [], 5, "no table is left")
    time.sleep(0.3)
    for load in loads:
        load.close()
    return loads, when


@suite.case("after kill -9 under load the service addresses are the cluster's at once, and the link-local ones refuse",
            namespace_needed=True)
def killed_under_load(scene):
    clean(scene)
    pod = cluster(scene)
    for addresses, to, limit_s in ((SERVICES, THEIRS, FALLBACK_LIMIT_S), (LINK_LOCALS, "refused", REFUSAL_LIMIT_S)):
        for _ in range(TRIES):
            loads, when = kill_under_load(scene, pod, addresses)
            if all([is_turned(load, when, to, limit_s) for load in loads]):
                break
        else:
            raise AssertionError(f"{addresses}: {to} within {limit_s} s in none of {TRIES} kills")


@suite.case("in IPVS mode a pod goes on with its second server after kill -9, at once where ICMP is not rationed",
            namespace_needed=True)
def second_server(scene):
    clean(scene)
    pod = cluster(scene)
    scene.add(pods.Setting("net/ipv4/icmp_ratelimit", 0))  # as is_turned() says, six refusals, and then silences of 5 s
    namespace.set_resolver([LINK_LOCAL, CLUSTER_DNS])
    daemon = start(scene, services=())
    expect_equal(getent(pod)[0], OURS, "before")
    killed(scene, daemon)
    daemon.process.wait(5)
    for _ in range(10):
        answer, seconds = getent(pod)
        expect_equal(answer, THEIRS, "afterwards")
        expect(seconds < GLIBC_TIMEOUT_S / 2, f"a refusal is not waited for: {seconds:.1f} s")


def getent(pod):
    """What glibc finds in the pod, and the seconds it takes."""
    since = time.monotonic()
    inside = f"--net=/proc/{pod.process.pid}/ns/net"
    found = pods.must("nsenter", inside, "getent", "-s", "dns", "ahostsv4", "a.example")
    return found.split()[0], time.monotonic() - since


@suite.case("SIGTERM takes the rules away before the last answer, and the addresses after it", namespace_needed=True)
def ordered_stop(scene):
    pod = cluster(scene)
    daemon = start(scene)
    late = scene.add(pod.socket(LINK_LOCAL))
    late.connect((LINK_LOCAL, 53))
    late.settimeout(10)
    late.send(message.query("slow.example.", "A").wire())
    wait_until(lambda: pod.upstream.count("slow.example.") > 0, 5, "it is under way", 0.01)
    daemon.process.terminate()
    wait_until(lambda: pods.tables() == [], 2, "the rules go at once")
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
    print(f"  {load.lost()} of {len(seen)} questions lost; {seen.count(OURS)} answered here, "
          f"{seen.count(THEIRS)} by the cluster DNS")
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
    expect("CAP_NET_ADMIN is missing: run it as root" in done.stderr, done.stderr)
    done = run(["node", "clean", "-c", daemon.config])
    expect_equal((done.returncode, done.stdout), (0, "nft tables removed: 0\naddresses removed: 4\n"), "afterwards")
    expect(LINK_LOCAL not in pods.standing() and SERVICE not in pods.standing(), f"left: {pods.standing()}")


if __name__ == "__main__":
    suite.main()
