#!/usr/bin/env python3
"""Outages: the VPC resolver down at start, killed and returned mid-run, lying, truncating, or half of a pair."""
import time

from lib import fake_dns, message, servers
from lib.cases import Suite, again_when_late, expect, expect_equal, soon, wait_until
from lib.daemon import Daemon, address, forward, free_port

suite = Suite("outage")
TARGET = "vpce-0123456789abcdef0-abcdefgh.api.ecr.eu-west-1.vpce.amazonaws.com"
NAME = "api.ecr.eu-west-1.amazonaws.com"
RECORDS = [f"{TARGET}. 60 IN A 10.0.1.1", f"{TARGET}. 60 IN A 10.0.2.1", "www.example. 300 IN A 192.0.2.1",
           "late.example. 300 IN A 192.0.2.2", "short.example. 1 IN A 192.0.2.3"]
ENDPOINT = {"service": "ecr.api", "region": "eu-west-1", "target": TARGET}
LITERAL = {"names": ["literal.corp.example"], "addresses": ["10.0.9.9"]}
FAIL_LIMIT_S = 5.0
PROBE_INTERVAL_S = 5.0
HEALED_LIMIT_S = PROBE_INTERVAL_S + 3  # and what a machine is away
EDNS = message.Edns()


def vpc_resolver(scene):
    where = address()
    return servers.Unbound(scene, where, free_port(where), RECORDS)


def start(scene, upstream, endpoints=(ENDPOINT, LITERAL), **settings):
    return Daemon(scene, {"endpoints": list(endpoints), "forward": forward(upstream), **settings})


def timed(function):
    started = time.monotonic()
    result = function()
    return result, time.monotonic() - started


# ---- Down at start --------------------------------------------------------------------------------

@suite.case("with the VPC resolver down at start endpoint names fail, readiness says no, and all heals by itself")
def down_at_start(scene):
    vpc = vpc_resolver(scene)
    daemon = start(scene, vpc)
    reply = daemon.client.ask(NAME, edns=EDNS)
    expect_equal((reply.rcode, reply.ede), (message.SERVFAIL, 14), "endpoint without addresses: SERVFAIL and Not Ready")
    expect_equal(daemon.client.ask("literal.corp.example").texts(), ["10.0.9.9"], "literal endpoint")
    status, body = daemon.http("/readyz")
    expect_equal(status, 503, f"/readyz ({body})")
    expect_equal(daemon.http("/healthz")[0], 200, "/healthz")
    expect_equal(daemon.ctl("ready").returncode, 1, "ctl ready")
    vpc.start()
    _, took = timed(lambda: daemon.wait_ready(20))
    expect_equal(sorted(daemon.client.ask(NAME).texts()), ["10.0.1.1", "10.0.2.1"], f"addresses after {took:.1f} s")
    expect_equal(daemon.ctl("ready").returncode, 0, "ctl ready afterwards")
    wait_until(lambda: daemon.client.ask("www.example").texts() == ["192.0.2.1"], HEALED_LIMIT_S, "forwarding works",
               0.2)


@suite.case("an optional endpoint is waited for until its first look-up is over, whatever that says")
def first_look(scene):
    def slow(*addresses):
        records = [message.a("known.example.", text) for text in addresses]
        return lambda asked: fake_dns.Reply([r for r in records if r.type == asked.type], delay_s=3.0)
    upstream = scene.add(fake_dns.FakeDns(address(), 0, {"known.example.": slow("10.0.0.1"),
                                                         "unknown.example.": slow()}))
    endpoints = [{"names": [f"{word}.corp.example"], "target": f"{word}.example", "optional": True}
                 for word in ("known", "unknown")]
    daemon = start(scene, upstream, endpoints)
    early = daemon.ctl("ready")
    expect("the first look-up of" in early.stderr, f"before: exit {early.returncode}, {early.stderr}")
    daemon.wait_ready(20)
    expect_equal(daemon.client.ask("known.corp.example").texts(), ["10.0.0.1"], "once it is ready")
    expect_equal(daemon.client.ask("unknown.corp.example").rcode, message.SERVFAIL, "and where there is no address")


@suite.case("an endpoint without addresses is never forwarded to its public name")
def never_public(scene):
    upstream = scene.add(fake_dns.FakeDns(address(), 0, {NAME + ".": fake_dns.addresses("198.51.100.1")},
                                          fake_dns.Reply(rcode=message.SERVFAIL)))
    daemon = start(scene, upstream)
    for kind in ("A", "AAAA", "HTTPS"):
        daemon.client.ask(NAME, kind)
    expect_equal(daemon.client.ask(NAME).rcode, message.SERVFAIL, "rcode")
    expect_equal(upstream.count(NAME + "."), 0, "questions for the public name upstream")


@suite.case("literal addresses stand in for a target that was never answered")
def literals_stand_in(scene):
    vpc = vpc_resolver(scene)
    daemon = start(scene, vpc, [{**ENDPOINT, "addresses": ["10.0.7.7"]}])
    reply = daemon.client.ask(NAME)
    expect_equal((reply.texts(), reply.answer[0].ttl), (["10.0.7.7"], 30), "literal and its TTL")
    vpc.start()
    wait_until(lambda: sorted(daemon.client.ask(NAME).texts()) == ["10.0.1.1", "10.0.2.1"], 20, "the target's own", 0.1)


@suite.case("an optional endpoint does not hold back readiness")
def optional(scene):
    vpc = vpc_resolver(scene)
    daemon = start(scene, vpc, [{**ENDPOINT, "optional": True}, LITERAL])
    daemon.wait_ready(15)


# ---- Killed and returned --------------------------------------------------------------------------

@suite.case("killed mid-run addresses and cached names stay, misses fail in time, and it heals soon",
            limit_s=90)
def killed(scene):
    vpc = vpc_resolver(scene).start()
    daemon = start(scene, vpc).wait_ready()
    expect_equal(daemon.client.ask("www.example").texts(), ["192.0.2.1"], "before")
    vpc.kill()
    def miss(name):
        reply, took = timed(lambda: daemon.client.ask(name, edns=EDNS))
        expect_equal((reply.rcode, reply.ede in (22, 23)), (message.SERVFAIL, True), f"a miss (EDE {reply.ede})")
        soon(took, FAIL_LIMIT_S, "a miss")
    for word in ("one", "two", "three"):
        again_when_late(lambda number, which=word: miss(f"miss-{which}-{number}.example"))
    expect_equal(daemon.client.ask("www.example").texts(), ["192.0.2.1"], "cached name")
    expect_equal(sorted(daemon.client.ask(NAME).texts()), ["10.0.1.1", "10.0.2.1"], "last good addresses")
    expect_equal(daemon.http("/readyz")[0], 200, "/readyz during an outage")
    vpc.start()
    wait_until(lambda: daemon.client.ask("late.example").texts() == ["192.0.2.2"], HEALED_LIMIT_S, "healed", 0.2)


@suite.case("a silent upstream: SERVFAIL with EDE within 5 s, and at most three packets")
def silent(scene):
    upstream = scene.add(fake_dns.FakeDns(address(), 0, default=fake_dns.Reply(silent=True)))
    daemon = start(scene, upstream, [LITERAL])

    def failed(number):
        name = f"a{number}.example"
        reply, took = timed(lambda: daemon.client.ask(name, edns=EDNS))
        expect_equal(reply.rcode, message.SERVFAIL, "rcode")
        expect(reply.ede in (22, 23), f"EDE {reply.ede}")
        expect(1 <= upstream.count(name + ".", transport="udp") <= 3, f"{upstream.count(name + '.')} packets")
        soon(took, FAIL_LIMIT_S, "the failure")
    again_when_late(failed)
    expect(daemon.metric("local53_upstream_timeouts_total") >= 1, "no timeout counted")


def fail_refresh(daemon, upstream, target):
    """Has the next refresh of a target's IPv4 addresses fail, and waits for it; that of IPv6 may have failed before."""
    before = daemon.metric("local53_endpoint_refresh_failures_total")
    upstream.set((target + ".", "A"), fake_dns.Reply(rcode=message.SERVFAIL))
    wait_until(lambda: daemon.metric("local53_endpoint_refresh_failures_total") > before, 25, "a failed refresh", 0.1)


@suite.case("target addresses survive a failing refresh, and a changed address is taken")
def refresh(scene):
    rules = {(TARGET + ".", "A"): fake_dns.addresses("10.0.1.1", ttl=5)}
    upstream = scene.add(fake_dns.FakeDns(address(), 0, rules))
    daemon = start(scene, upstream, [ENDPOINT]).wait_ready()
    fail_refresh(daemon, upstream, TARGET)
    expect_equal(daemon.client.ask(NAME).texts(), ["10.0.1.1"], "last good")
    upstream.set((TARGET + ".", "A"), fake_dns.addresses("10.0.1.2", ttl=60))
    wait_until(lambda: daemon.client.ask(NAME).texts() == ["10.0.1.2"], 20, "the new address", 0.1)


@suite.case("several targets of one endpoint are merged, and one that fails takes nothing away")
def merged(scene):
    second = TARGET.replace("0123", "4567")
    rules = {(TARGET + ".", "A"): fake_dns.addresses("10.0.1.1"),
             (second + ".", "A"): fake_dns.addresses("10.0.2.1", ttl=5),
             (second + ".", "AAAA"): fake_dns.addresses("2001:db8::2")}
    upstream = scene.add(fake_dns.FakeDns(address(), 0, rules))
    daemon = start(scene, upstream, [{**ENDPOINT, "target": [TARGET, second]}]).wait_ready()
    wait_until(lambda: sorted(daemon.client.ask(NAME).texts()) == ["10.0.1.1", "10.0.2.1"], 15, "both targets")
    wait_until(lambda: daemon.client.ask(NAME, "AAAA").texts("AAAA") == ["2001:db8::2"], 15, "the IPv6 address")
    fail_refresh(daemon, upstream, second)
    expect_equal(sorted(daemon.client.ask(NAME).texts()), ["10.0.1.1", "10.0.2.1"], "both, while one fails")


# ---- Servers that behave badly --------------------------------------------------------------------

@suite.case("an upstream that always truncates is asked over TCP")
def truncating(scene):
    upstream = scene.add(fake_dns.FakeDns(address(), 0, default={
        "udp": lambda asked: fake_dns.Reply([message.a(asked.name, "192.0.2.99")], flags=message.TC),
        "tcp": fake_dns.addresses("192.0.2.1", "192.0.2.2")}))
    daemon = start(scene, upstream, [LITERAL])
    reply = daemon.client.ask("a.example")
    expect_equal((sorted(reply.texts()), reply.has(message.TC)), (["192.0.2.1", "192.0.2.2"], False), "answer by TCP")
    expect_equal(upstream.count("a.example.", transport="tcp"), 1, "questions over TCP")
    for number in range(5):
        daemon.client.ask(f"more-{number}.example")
    expect(upstream.accepted < 6, f"{upstream.accepted} connections for 6 questions: none was used again")
    expect(daemon.metric("local53_upstream_tcp_total") >= 6, "TCP questions are not counted")


@suite.case("an upstream that truncates and has no TCP gives a failure, never a partial answer")
def truncating_only(scene):
    upstream = scene.add(fake_dns.FakeDns(address(), 0, default={
        "udp": lambda asked: fake_dns.Reply([message.a(asked.name, "192.0.2.99")], flags=message.TC),
        "tcp": fake_dns.Reply(close=True)}))
    daemon = start(scene, upstream, [LITERAL])

    def failed(number):
        reply, took = timed(lambda: daemon.client.ask(f"a{number}.example"))
        expect(reply.rcode == message.SERVFAIL or (reply.has(message.TC) and not reply.answer), f"partial: {reply}")
        soon(took, FAIL_LIMIT_S, "the failure")
    again_when_late(failed)


@suite.case("an upstream that says FORMERR to EDNS is asked again without")
def formerr(scene):
    def no_edns(asked):
        if asked.edns:
            return fake_dns.Reply(wire=lambda q: message.Message(q.id, message.QR, 0, message.FORMERR,
                                                                 q.questions).wire())
        return fake_dns.Reply([message.a(asked.name, "192.0.2.1")])
    upstream = scene.add(fake_dns.FakeDns(address(), 0, default=no_edns))
    daemon = start(scene, upstream, [LITERAL])
    reply = daemon.client.ask("a.example", edns=EDNS)
    expect_equal((reply.rcode, reply.texts()), (0, ["192.0.2.1"]), "answer")
    expect(upstream.count("a.example.") <= 3, f"{upstream.count('a.example.')} packets")


@suite.case("packets with a wrong id or question are counted and ignored, and the wait goes on")
def spoofed(scene):
    lies = [fake_dns.with_wrong_id, fake_dns.with_wrong_question, lambda q: b"junk", lambda q: q.wire()]
    upstream = scene.add(fake_dns.FakeDns(
        address(), 0, {"evil.example.": fake_dns.addresses("192.0.2.2")},
        lambda asked: fake_dns.Reply([message.a(asked.name, "192.0.2.1")], delay_s=0.1, before=lies)))
    daemon = start(scene, upstream, [LITERAL])
    for number in range(10):
        expect_equal(daemon.client.ask(f"n{number}.example").texts(), ["192.0.2.1"], "the true answer")
    expect_equal(daemon.client.ask("evil.example").texts(), ["192.0.2.2"], "nothing was kept of the lies")
    counted = daemon.metric("local53_upstream_mismatches_total")
    expect(counted >= 20, f"{counted} mismatches counted of 40 sent")


@suite.case("of two servers one dead: every question is answered, and soon without waiting for the dead one")
def one_dead(scene):
    dead = scene.add(fake_dns.FakeDns(address(), 0, default=fake_dns.Reply(silent=True)))
    alive = scene.add(fake_dns.FakeDns(address(), 0, default=fake_dns.addresses("192.0.2.1")))

    def asked(_number):
        daemon, times = Daemon(scene, {"forward": forward(dead, alive)}), []
        for number in range(30):
            reply, took = timed(lambda n=number: daemon.client.ask(f"n{n}.example"))
            expect_equal(reply.texts(), ["192.0.2.1"], f"question {number}")
            times.append(took)
        soon(max(times), 2.5, "the slowest answer")
        soon(sorted(times[15:])[10], 0.1, f"later, of {[round(t, 2) for t in times[15:]]}, two thirds")
        return daemon
    daemon = again_when_late(asked)
    expect_equal(daemon.metric("local53_upstream_up", server=dead.server), 0, "local53_upstream_up of the dead one")
    expect_equal(daemon.metric("local53_upstream_up", server=alive.server), 1, "local53_upstream_up of the other")
    status = daemon.ctl("status").stdout
    expect(f"{dead.server} (silent)" in status and f"{alive.server} (silent)" not in status, f"ctl status: {status}")


@suite.case("a server that refuses its port costs no time")
def refusing(scene):
    where = address()
    alive = scene.add(fake_dns.FakeDns(address(), 0, default=fake_dns.addresses("192.0.2.1")))

    def asked(_number):
        daemon = Daemon(scene, {"forward": forward(f"{where}:{free_port(where)}", alive)})
        reply, took = timed(lambda: daemon.client.ask("a.example"))
        expect_equal(reply.texts(), ["192.0.2.1"], "answer")
        soon(took, 0.3, "the answer")
    again_when_late(asked)


@suite.case("an upstream that says SERVFAIL or REFUSED is passed over for another")
def failing_over(scene):
    for rcode in (message.SERVFAIL, message.REFUSED):
        bad = scene.add(fake_dns.FakeDns(address(), 0, default=fake_dns.Reply(rcode=rcode)))
        good = scene.add(fake_dns.FakeDns(address(), 0, default=fake_dns.addresses("192.0.2.1")))
        daemon = Daemon(scene, {"forward": forward(bad, good)})
        for number in range(6):
            expect_equal(daemon.client.ask(f"n{number}.example").texts(), ["192.0.2.1"], f"rcode {rcode} first")


@suite.case("source ports and ids upstream are many and not in order")
def unpredictable(scene):
    upstream = scene.add(fake_dns.FakeDns(address(), 0, default=fake_dns.addresses("192.0.2.1")))
    daemon = start(scene, upstream, [LITERAL])
    for number in range(300):
        daemon.client.ask(f"n{number}.example")
    ports, ids = [s.port for s in upstream.seen], [s.message.id for s in upstream.seen]
    expect(len(set(ports)) >= 12, f"{len(set(ports))} source ports in 300 questions")
    expect(len(set(ids)) > 290, f"{len(set(ids))} different ids in 300 questions")
    steps = [abs(b - a) for a, b in zip(ids, ids[1:])]
    expect(sum(step < 256 for step in steps) < 20, "ids stand near one another")


@suite.case("a server that answers again is used again within a probe interval", limit_s=90)
def returns(scene):
    upstream = scene.add(fake_dns.FakeDns(address(), 0, default=fake_dns.Reply(silent=True)))
    daemon = start(scene, upstream, [LITERAL])
    for number in range(4):
        daemon.client.ask(f"dead{number}.example")
    upstream.default = fake_dns.addresses("192.0.2.1")
    wait_until(lambda: daemon.client.ask("back.example").texts() == ["192.0.2.1"], HEALED_LIMIT_S, "healed", 0.1)


if __name__ == "__main__":
    suite.main()
