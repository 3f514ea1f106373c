#!/usr/bin/env python3
"""What is kept, how long, and how it is given again."""
import socket
import time

from lib import fake_dns, message
from lib.cases import Suite, again_when_late, expect, expect_equal, soon, wait_until
from lib.daemon import Daemon, address, forward

suite = Suite("cache")
EDNS = message.Edns()
LOOPS = 2


class World:
    """One upstream, one daemon, nothing but forwarding."""

    def __init__(self, scene, rules=None, default=None, **settings):
        self.upstream = scene.add(fake_dns.FakeDns(address(), 0, rules, default or fake_dns.addresses("192.0.2.1")))
        pool = settings.pop("pool", {})
        self.daemon = Daemon(scene, {"forward": forward(self.upstream, **pool), **settings}).wait_ready()
        self.client = self.daemon.client

    def ask_twice(self, name, kind="A", **asked):
        first = self.client.ask(name, kind, **asked)
        return first, self.client.ask(name, kind, **asked)


@suite.once
def world(scene):
    return World(scene)


def rule(key, value):
    world().upstream.set(key, value)


# ---- Time to live ---------------------------------------------------------------------------------

@suite.case("the TTL counts down and at its end the upstream is asked again")
def count_down(_scene):
    def seen(number):
        name = f"ttl{number}.example"
        rule(name + ".", fake_dns.addresses("192.0.2.1", ttl=3))
        started = time.monotonic()
        expect_equal(world().client.ask(name).answer[0].ttl, 3, "TTL at first")
        time.sleep(1.2)
        later, took_s = world().client.ask(name), time.monotonic() - started
        soon(took_s, 1.9, "the second question")
        expect(1 <= later.answer[0].ttl <= 2, f"TTL {later.answer[0].ttl} after {took_s:.1f} s")
        expect_equal(world().upstream.count(name + "."), 1, "questions upstream")
        time.sleep(2.2)
        expect_equal(world().client.ask(name).answer[0].ttl, 3, "TTL after the end")
        expect_equal(world().upstream.count(name + "."), 2, "questions upstream after the end")
    again_when_late(seen)


@suite.case("the records of one RRset leave with one TTL, the least")
def rrset_ttl(_scene):
    rule(("mixed.example.", "A"), lambda q: fake_dns.Reply(
        [message.a(q.name, "192.0.2.1", 100), message.a(q.name, "192.0.2.2", 50), message.a(q.name, "192.0.2.3", 200)]))
    for reply in world().ask_twice("mixed.example"):
        expect_equal({r.ttl for r in reply.answer}, {50}, "TTLs")


@suite.case("TTL 0 is passed on and not kept")
def ttl_zero(_scene):
    rule("zero.example.", fake_dns.addresses("192.0.2.1", ttl=0))
    for reply in world().ask_twice("zero.example"):
        expect_equal((reply.texts(), reply.answer[0].ttl), (["192.0.2.1"], 0), "answer")
    expect_equal(world().upstream.count("zero.example."), 2, "questions upstream")


@suite.case("a TTL above cache.max_ttl, or with its top bit set, is capped")
def ttl_cap(scene):
    capped = World(scene, {"high.example.": fake_dns.addresses("192.0.2.1", ttl=100000),
                           "top.example.": fake_dns.addresses("192.0.2.1", ttl=0x80000001)}, cache={"max_ttl": "100s"})
    for name in ("high.example", "top.example"):
        for reply in capped.ask_twice(name):
            expect(99 <= reply.answer[0].ttl <= 100, f"{name}: TTL {reply.answer[0].ttl}")


@suite.case("a chain is kept no longer than its shortest link")
def chain_ttl(_scene):
    rule(("chain.example.", "A"), lambda q: fake_dns.Reply(
        [message.cname(q.name, "end.example.", 1), message.a("end.example.", "192.0.2.5", 300)]))
    expect_equal(world().client.ask("chain.example").texts(), ["192.0.2.5"], "answer")
    time.sleep(1.3)
    world().client.ask("chain.example")
    expect_equal(world().upstream.count("chain.example."), 2, "questions upstream")


# ---- Negative answers and failures ----------------------------------------------------------------

@suite.case("NXDOMAIN is kept for the name, whatever the type")
def nxdomain(_scene):
    rule("gone.example.", fake_dns.nxdomain())
    for kind in ("A", "AAAA", "TXT", "MX", "HTTPS"):
        expect_equal(world().client.ask("gone.example", kind).rcode, message.NXDOMAIN, kind)
    expect_equal(world().upstream.count("gone.example."), 1, "questions upstream")


@suite.case("NODATA is kept for the type only")
def nodata(_scene):
    rule("half.example.", fake_dns.addresses("192.0.2.1"))
    for _ in range(2):
        expect_equal(world().client.ask("half.example", "AAAA").answer, [], "AAAA")
    expect_equal(world().client.ask("half.example", "A").texts(), ["192.0.2.1"], "A")
    expect_equal((world().upstream.count("half.example.", "AAAA"), world().upstream.count("half.example.", "A")),
                 (1, 1),
                 "questions upstream")


@suite.case("the negative TTL is the least of SOA TTL, MINIMUM and the pool's cap")
def negative_ttl(scene):
    for ttl, minimum, wanted in ((300, 20, 20), (15, 300, 15)):
        rule(f"n{wanted}.example.", fake_dns.nxdomain(ttl, minimum))
        for reply in world().ask_twice(f"n{wanted}.example"):
            expect(wanted - 1 <= reply.authority[0].ttl <= wanted, f"SOA TTL {reply.authority[0].ttl}, wanted {wanted}")
    capped = World(scene, {"gone.example.": fake_dns.nxdomain(300, 300)}, pool={"max_negative_ttl": "5s"})
    for reply in capped.ask_twice("gone.example"):
        expect(4 <= reply.authority[0].ttl <= 5, f"SOA TTL {reply.authority[0].ttl} under a cap of 5 s")


@suite.case("a negative answer without a SOA is not kept")
def without_soa(_scene):
    rule("nosoa.example.", fake_dns.Reply(rcode=message.NXDOMAIN))
    for reply in world().ask_twice("nosoa.example"):
        expect_equal(reply.rcode, message.NXDOMAIN, "rcode")
    expect_equal(world().upstream.count("nosoa.example."), 2, "questions upstream")


@suite.case("a failure is kept for a second and causes no packet meanwhile, then the name heals")
def failure(_scene):
    def failed(name, rcode):
        rule(name + ".", fake_dns.Reply(rcode=rcode))
        expect(world().client.ask(name).rcode in (message.SERVFAIL, rcode), "rcode")
        asked, started = world().upstream.count(name + "."), time.monotonic()
        replies = [world().client.ask(name, edns=EDNS) for _ in range(10)]
        time.sleep(0.02)
        replies.append(world().client.ask(name, edns=EDNS))
        asked_since = world().upstream.count(name + ".") - asked
        soon(time.monotonic() - started, 0.8, "asking again within the second")
        expect(all(reply.rcode in (message.SERVFAIL, rcode) for reply in replies), f"{replies}")
        expect_equal(asked_since, 0, f"questions upstream within a second of rcode {rcode}")
        expect_equal(replies[-1].ede, 13, "EDE of a cached failure")
        return name
    for rcode in (message.SERVFAIL, message.REFUSED):
        name = again_when_late(lambda number, code=rcode: failed(f"fail{code}-{number}.example", code))
        rule(name + ".", fake_dns.addresses("192.0.2.1"))
        wait_until(lambda n=name: world().client.ask(n).texts() == ["192.0.2.1"], 15, "healed", 0.1)


@suite.case("a time-out is kept as a failure too")
def timed_out(scene):
    other = World(scene, default=fake_dns.Reply(silent=True))

    def second(number):
        name = f"dead{number}.example"
        other.client.ask(name)
        asked, started = other.upstream.count(name + "."), time.monotonic()
        reply = other.client.ask(name)
        soon(time.monotonic() - started, 0.5, "the second question")
        expect_equal(reply.rcode, message.SERVFAIL, "rcode")
        expect_equal(other.upstream.count(name + "."), asked, "questions upstream")
    again_when_late(second)


@suite.case("a failure for AAAA never harms A")
def odd_aaaa(_scene):
    rule(("odd.example.", "AAAA"), fake_dns.Reply(rcode=message.SERVFAIL))
    rule(("odd.example.", "A"), fake_dns.addresses("192.0.2.1"))
    world().client.ask("odd.example", "AAAA")
    expect_equal(world().client.ask("odd.example").texts(), ["192.0.2.1"], "A")


@suite.case("a positive answer takes out the name's NXDOMAIN")
def nxdomain_replaced(_scene):
    rule(("back.example.", "A"), fake_dns.Reply([message.a("back.example.", "192.0.2.1")], delay_s=2.0))
    rule(("back.example.", "TXT"), fake_dns.nxdomain())
    rule(("back.example.", "MX"), fake_dns.nodata())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect((world().daemon.address, world().daemon.port))
        udp.settimeout(15)
        udp.send(message.query("back.example").wire())
        wait_until(lambda: world().upstream.count("back.example.", "A"), 10, "the question is upstream", 0.01)
        for kind in ("TXT", "MX"):
            expect_equal(world().client.ask("back.example", kind).rcode, message.NXDOMAIN, f"{kind} before the answer")
        expect_equal(message.parse(udp.recv(4096)).texts(), ["192.0.2.1"], "A")
    expect_equal(world().client.ask("back.example", "MX").rcode, 0, "MX once an answer has come")


@suite.case("with nxdomain_cut all below a kept NXDOMAIN is NXDOMAIN, without it is asked")
def nxdomain_cut(scene):
    rules = {"com.svc.example.": fake_dns.nxdomain()}
    for cut, questions in ((True, 0), (False, 1)):
        one = World(scene, rules, pool={"nxdomain_cut": cut})
        one.client.ask("com.svc.example")
        reply = one.client.ask("www.amazon.com.svc.example")
        expect_equal(one.upstream.count("www.amazon.com.svc.example."), questions, f"questions upstream with {cut}")
        expect_equal(reply.rcode, message.NXDOMAIN if cut else 0, f"rcode with {cut}")


# ---- Kept apart, given as asked -------------------------------------------------------------------

@suite.case("DO and CD are kept apart")
def apart(_scene):
    variants = [dict(edns=EDNS), dict(edns=message.Edns(dnssec_ok=True)),
                dict(edns=EDNS, flags=message.RD | message.CD)]
    for settings in variants * 2:
        world().client.ask("apart.example", **settings)
    expect_equal(world().upstream.count("apart.example."), len(variants), "questions upstream")
    upstream = [(s.message.edns.dnssec_ok, s.message.has(message.CD))
                for s in world().upstream.queries("apart.example.")]
    expect_equal(upstream, [(False, False), (True, False), (False, True)], "DO and CD upstream")


@suite.case("a hit has the client's own id, case, RD and EDNS presence")
def client_frame(_scene):
    world().client.ask("frame.example")
    for name in ("Frame.Example", "FRAME.EXAMPLE", "frame.example"):
        for settings in ({}, {"edns": EDNS}, {"flags": 0}, {"edns": message.Edns(size=4096)}):
            reply = world().client.ask(name, **settings)  # the frame is checked by ask
            expect(reply.has(message.RA), "RA")
            expect_equal(reply.texts(), ["192.0.2.1"], name)
            expect_equal(reply.answer[0].owner.lower(), "frame.example.", "owner")
    expect_equal(len({s.message.name for s in world().upstream.queries("frame.example.")}), 1, "names upstream")


@suite.case("an answer that does not fit is truncated by the client's size, and TCP gives all")
def truncated(_scene):
    many = [f"10.2.0.{n}" for n in range(40)]
    rule(("wide.example.", "A"), {"udp": fake_dns.Reply(flags=message.TC), "tcp": fake_dns.addresses(*many)})
    for _ in range(2):
        for edns, limit in ((None, 512), (message.Edns(size=100), 512), (message.Edns(size=900), 900)):
            reply = world().client.ask("wide.example", edns=edns)
            expect(reply.has(message.TC) and reply.length <= limit,
                   f"TC {reply.has(message.TC)}, {reply.length} octets")
            expect_equal(reply.answer, [], "records of a truncated answer")
        reply = world().client.ask("wide.example", edns=message.Edns(size=1232))
        expect_equal((len(reply.answer), reply.has(message.TC)), (40, False), "answer that fits 1232 octets")
        expect_equal(sorted(world().client.ask_tcp("wide.example").texts()), sorted(many), "over TCP")


@suite.case("an upstream's OPT, cookie and AD are not given to clients that did not ask")
def no_opt(_scene):
    def reply(asked):
        answer = message.response(asked, [message.a(asked.name, "192.0.2.1")], flags=message.AD)
        answer.opts = [message.Edns(options=[(10, b"12345678abcdefgh"), (3, b"nsid")])]
        return answer.wire()
    rule("opt.example.", fake_dns.Reply(wire=reply))
    for _ in range(2):
        plain = world().client.ask("opt.example")
        expect(not plain.has(message.AD), "AD without having asked for it")
        expect_equal(world().client.ask("opt.example", edns=EDNS).edns.options, [], "options of the upstream")
        expect(world().client.ask("opt.example", flags=message.RD | message.AD).has(message.AD), "AD for who asks")


# ---- Merging --------------------------------------------------------------------------------------

@suite.case("10,000 identical concurrent misses cause at most one upstream packet a loop")
def herd(scene):
    slow = fake_dns.Reply([message.a("herd.example.", "192.0.2.1")], delay_s=0.15)
    other = World(scene, {("herd.example.", "A"): slow}, limits={"inflight": 20000})
    sockets = []
    for _ in range(50):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        udp.connect((other.daemon.address, other.daemon.port))
        udp.settimeout(8)
        sockets.append(udp)
    sent = answered = 0
    for number in range(200):
        for udp in sockets:
            udp.send(message.query("herd.example", id=number).wire())
            sent += 1
    dropped = other.daemon.metric("local53_udp_receive_drops_total")
    for udp in sockets:
        for _ in range(200):
            try:
                answered += message.parse(udp.recv(4096)).rcode == 0
            except TimeoutError:
                udp.settimeout(0.2)
                break
        udp.close()
    expect_equal(sent, 10000, "sent")
    asked, again = other.upstream.count("herd.example."), other.daemon.metric("local53_upstream_timeouts_total")
    expect(asked - again <= LOOPS, f"{asked} packets upstream, {again} of them asked again for want of an answer")
    dropped = max(dropped, other.daemon.metric("local53_udp_receive_drops_total"))
    expect(answered + dropped >= sent - 10, f"{answered} answered, {dropped} dropped by the kernel, of {sent}")
    expect(answered >= sent // 2, f"only {answered} answered")
    expect(other.daemon.metric("local53_inflight_joined_total") >= 1, "none is counted as merged")


@suite.case("questions that differ in type, DO or CD are not merged")
def not_merged(_scene):
    def slow(asked):
        return fake_dns.Reply([message.a(asked.name, "192.0.2.1")] if asked.type == 1 else [], delay_s=0.1,
                              authority=[] if asked.type == 1 else [message.soa("example.")])
    rule("differ.example.", slow)
    asked = [message.query("differ.example"), message.query("differ.example", "TXT"),
             message.query("differ.example", edns=message.Edns(dnssec_ok=True)),
             message.query("differ.example", flags=message.RD | message.CD)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect((world().daemon.address, world().daemon.port))
        udp.settimeout(5)
        for query in asked:
            udp.send(query.wire())
        replies = {reply.id: reply for reply in (message.parse(udp.recv(4096)) for _ in asked)}
    expect_equal(set(replies), {q.id for q in asked}, "ids")
    expect_equal(world().upstream.count("differ.example."), 4, "questions upstream")


# ---- Control and bounds ---------------------------------------------------------------------------

@suite.case("ctl flush takes a name out, other names stay")
def flush(_scene):
    for name in ("flush.example", "stay.example"):
        world().ask_twice(name)
    done = world().daemon.ctl("flush", "flush.example")
    expect_equal(done.returncode, 0, f"ctl flush: {done.stdout} {done.stderr}")
    for name in ("flush.example", "stay.example"):
        world().ask_twice(name)
    expect_equal((world().upstream.count("flush.example."), world().upstream.count("stay.example.")), (2, 1),
                 "questions upstream")


@suite.case("ctl dump shows the entries")
def dump(_scene):
    world().client.ask("dumped.example")
    done = world().daemon.ctl("dump")
    expect_equal(done.returncode, 0, f"ctl dump: {done.stderr}")
    expect("dumped.example" in done.stdout, f"not in the dump: {done.stdout[:300]}")


@suite.case("hits, misses, entries and octets are counted")
def counted(scene):
    other = World(scene)
    for _ in range(3):
        other.ask_twice("counted.example")
    metrics = other.daemon.metrics()
    expect_equal((metrics.total("local53_cache_hits_total"), metrics.total("local53_cache_misses_total")), (5, 1),
                 "hits, misses")
    expect(metrics.total("local53_cache_entries") >= 1 and metrics.total("local53_cache_bytes") > 0,
           "entries and octets")


@suite.case("the cache stays within cache.memory under a flood of names")
def bounded(scene):
    other = World(scene, cache={"memory": "1MiB"})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect((other.daemon.address, other.daemon.port))
        udp.settimeout(3)
        for number in range(12000):
            udp.send(message.query(f"flood-{number}.example", id=number).wire())
            if number % 20 == 19:
                try:
                    for _ in range(20):
                        udp.recv(4096)
                except TimeoutError:
                    pass  # dropped by a full buffer
    metrics = other.daemon.metrics()
    expect(metrics.total("local53_cache_bytes") <= 1 << 20, f"{metrics.total('local53_cache_bytes')} octets")
    expect(metrics.total("local53_cache_evictions_total") > 0, "nothing was evicted")
    expect_equal(other.client.ask("flood-11999.example").rcode, 0, "afterwards")


if __name__ == "__main__":
    suite.main()
