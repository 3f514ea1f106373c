#!/usr/bin/env python3
"""CNAME chains of the upstream that enter an endpoint's name are cut there; others are not."""
import time

from lib import fake_dns, message
from lib.cases import Suite, expect, expect_equal
from lib.daemon import Daemon, address, forward

suite = Suite("chains")
BUCKET = "Bucket.s3.eu-west-1.amazonaws.com."
ADDRESSES = ["10.0.1.3", "10.0.2.3"]
EDNS = message.Edns()
SOA = message.TYPES["SOA"]


class World:
    """An upstream, a daemon with an S3 endpoint, one with IPv6, and one without any address yet."""

    def __init__(self, scene):
        self.upstream = scene.add(fake_dns.FakeDns(address(), 0, {
            "vpce-1-a.x.vpce.amazonaws.com.": fake_dns.Reply(rcode=message.SERVFAIL)}))
        self.daemon = Daemon(scene, {"endpoints": [
            {"service": "s3", "region": "eu-west-1", "addresses": ADDRESSES,
             "except": ["logs-bucket.s3.eu-west-1.amazonaws.com"]},
            {"names": ["six.corp.example"], "addresses": ["2001:db8::6"]},
            {"names": ["empty.corp.example"], "target": "vpce-1-a.x.vpce.amazonaws.com", "optional": True}],
            "forward": forward(self.upstream)}).wait_ready()
        self.client = self.daemon.client


@suite.once
def world(scene):
    return World(scene)


def chain(*names, ttl=300, end=(), rcode=0, flags=0, authority=()):
    """A rule that leads from the name asked through names, with more records at the end."""
    def reply(asked):
        owners = [asked.name, *names]
        records = [message.cname(owner, target, ttl) for owner, target in zip(owners, names)]
        return fake_dns.Reply(records + list(end), list(authority), rcode, flags)
    return reply


def asked_twice(name, kind="A", **settings):
    """A miss and a hit."""
    return [world().client.ask(name, kind, **settings) for _ in range(2)]


def check_cut(reply, links, addresses=ADDRESSES):
    expect_equal(reply.rcode, 0, "rcode")
    expect_equal(reply.texts("CNAME"), list(links), "links kept")
    expect_equal(sorted(reply.texts()), sorted(addresses), "addresses")
    expect_equal(reply.authority, [], "authority")
    expect(not reply.has(message.AD), "AD is set on an answer of our own making")
    expect_equal([r.type for r in reply.answer], [5] * len(links) + [1] * len(addresses), "order of records")
    last = links[-1].lower()
    expect(all(r.owner.lower() == last for r in reply.answer if r.type == 1), "owner of the addresses")


@suite.case("behind the endpoint's name nothing of the upstream's answer is left, and AD is cleared")
def cut(_scene):
    world().upstream.set("a.example.", chain("b.example.", BUCKET, "s3-r-w.eu-west-1.amazonaws.com.", flags=message.AD,
                                             end=[message.a("s3-r-w.eu-west-1.amazonaws.com.", "198.51.100.1")]))
    for reply in asked_twice("a.example", flags=message.RD | message.AD):
        check_cut(reply, ["b.example.", BUCKET])
    expect_equal(world().upstream.count("a.example."), 1, "questions upstream")


@suite.case("it does not matter that the upstream says NXDOMAIN, SERVFAIL or NODATA behind the endpoint's name")
def whatever_rcode(_scene):
    soa = [message.soa("amazonaws.com.")]
    for number, (rcode, authority) in enumerate(((message.NXDOMAIN, soa), (message.SERVFAIL, []), (0, soa),
                                                 (message.NXDOMAIN, []))):
        world().upstream.set(f"r{number}.example.", chain(BUCKET, rcode=rcode, authority=authority))
        for reply in asked_twice(f"r{number}.example", edns=EDNS):
            check_cut(reply, [BUCKET])


@suite.case("AAAA, TXT and HTTPS through the chain are NODATA with the rule's SOA, or the endpoint's own addresses")
def other_types(_scene):
    world().upstream.set("t.example.", chain(BUCKET,
                                             end=[message.Record(BUCKET, 28, 300, b"\x20\x01\x0d\xb8" + b"\0" * 12)]))
    for kind in ("AAAA", "TXT", "HTTPS"):
        for reply in asked_twice("t.example", kind):
            expect_equal((reply.rcode, [r.type for r in reply.answer]), (0, [5]), kind)
            expect_equal([(r.type, r.owner.lower()) for r in reply.authority], [(SOA, "s3.eu-west-1.amazonaws.com.")],
                         kind)
            expect(reply.authority[0].ttl <= 60 and reply.authority[0].minimum == 60,
                   f"SOA of {kind}: {reply.authority[0]}")
    world().upstream.set("t6.example.", chain("six.corp.example."))
    for reply in asked_twice("t6.example", "AAAA"):
        expect_equal(reply.texts("AAAA"), ["2001:db8::6"], "AAAA of an endpoint that has one")


@suite.case("the question for the CNAME itself is the upstream's to answer")
def cname_type(_scene):
    world().upstream.set("c.example.", chain(BUCKET))
    for reply in asked_twice("c.example", "CNAME"):
        expect_equal((reply.texts("CNAME"), reply.texts()), ([BUCKET], []), "answer")


@suite.case("the TTL is the least of the chain's and the endpoint's")
def least_ttl(_scene):
    world().upstream.set("t20.example.", chain(BUCKET, ttl=20))
    world().upstream.set("t300.example.", chain(BUCKET, ttl=300))
    for name, most in (("t20.example", 20), ("t300.example", 60)):
        for reply in asked_twice(name):
            expect(all(most - 1 <= r.ttl <= most for r in reply.answer),
                   f"{name}: TTLs {[r.ttl for r in reply.answer]}")
    world().upstream.set("t1.example.", chain(BUCKET, ttl=1))
    world().client.ask("t1.example")
    time.sleep(1.3)
    world().client.ask("t1.example")
    expect_equal(world().upstream.count("t1.example."), 2, "questions upstream after the chain's TTL")


@suite.case("only names with a rule cut: exceptions, vpce names and neighbours pass")
def no_rule(_scene):
    for number, target in enumerate(("logs-bucket.s3.eu-west-1.amazonaws.com.", "vpce-2-b.s3.eu-west-1.amazonaws.com.",
                                     "bucket.s3.eu-central-1.amazonaws.com.", "s3.dualstack.eu-west-1.amazonaws.com.")):
        world().upstream.set((f"p{number}.example.", "A"), chain(target, end=[message.a(target, "198.51.100.9")]))
        for reply in asked_twice(f"p{number}.example"):
            expect_equal((reply.texts("CNAME"), reply.texts()), ([target], ["198.51.100.9"]), target)


@suite.case("a chain into an endpoint whose addresses are not known yet is SERVFAIL, never the upstream's")
def not_ready(_scene):
    world().upstream.set("n.example.", chain("empty.corp.example.",
                                             end=[message.a("empty.corp.example.", "198.51.100.1")]))
    for reply in asked_twice("n.example", edns=EDNS):
        expect_equal((reply.rcode, reply.answer, reply.ede), (message.SERVFAIL, [], 14), "answer")


@suite.case("a chain of eight links is followed, a longer one and a loop are neither followed for ever nor kept")
def long_chains(_scene):
    links = [f"l{n}.example." for n in range(7)]
    world().upstream.set("eight.example.", chain(*links, BUCKET))
    for reply in asked_twice("eight.example"):
        check_cut(reply, [*links, BUCKET])
    more = [f"m{n}.example." for n in range(12)]
    world().upstream.set("twelve.example.", chain(*more, "end.example.",
                                                  end=[message.a("end.example.", "198.51.100.9")]))
    for reply in asked_twice("twelve.example"):
        expect_equal((reply.rcode, reply.texts()), (0, ["198.51.100.9"]), "a long chain that enters no rule")
    world().upstream.set("nine.example.", chain(*more[:8], BUCKET, end=[message.a(BUCKET, "198.51.100.9")]))
    for reply in asked_twice("nine.example", edns=EDNS):
        expect_equal((reply.rcode, reply.answer), (message.SERVFAIL, []), "one that enters a rule at its ninth link")
    world().upstream.set("loop.example.", chain("loop2.example.", "loop.example."))
    for reply in asked_twice("loop.example"):
        expect_equal((reply.rcode, reply.texts("CNAME"), reply.texts()), (0, ["loop2.example.", "loop.example."], []),
                     "a loop")
    for name in ("twelve.example.", "loop.example."):
        expect_equal(world().upstream.count(name), 2, f"questions upstream for {name}, which is not kept")


@suite.case("the case of names in a chain does not matter, nor the order of the records")
def case_and_order(_scene):
    def shuffled(asked):
        return fake_dns.Reply([message.a(BUCKET, "198.51.100.1"), message.cname("MID.Example.", BUCKET.upper()),
                               message.cname(asked.name.upper(), "mid.EXAMPLE.")])
    world().upstream.set("shuffle.example.", shuffled)
    for reply in asked_twice("shuffle.example"):
        expect_equal((reply.rcode, sorted(reply.texts())), (0, ADDRESSES), "answer")
        expect_equal([n.lower() for n in reply.texts("CNAME")], ["mid.example.", BUCKET.lower()], "links")


@suite.case("a cut chain that does not fit is truncated over UDP and whole over TCP")
def truncated(_scene):
    links = ["x" * 60 + f".{n}" + ".y" * 20 + ".example." for n in range(7)]
    world().upstream.set("wide.example.", {"udp": fake_dns.Reply(flags=message.TC), "tcp": chain(*links, BUCKET)})
    for _ in range(2):
        reply = world().client.ask("wide.example")
        expect(reply.has(message.TC) and reply.length <= 512, f"{reply.length} octets, TC {reply.has(message.TC)}")
        check_cut(world().client.ask_tcp("wide.example"), [*links, BUCKET])


@suite.case("a chain into a special name is no cut: it passes as it came, and the name itself stays here")
def special(_scene):
    world().upstream.set(("s.example.", "A"), chain("localhost.", end=[message.a("localhost.", "198.51.100.1")]))
    for reply in asked_twice("s.example"):
        expect_equal((reply.texts("CNAME"), reply.texts()), (["localhost."], ["198.51.100.1"]), "the upstream's answer")
    expect_equal(world().client.ask("localhost").texts(), ["127.0.0.1"], "localhost itself")


if __name__ == "__main__":
    suite.main()
