#!/usr/bin/env python3
"""Statements of the DNS RFCs that a proxy must or should keep: which case proves each, and cases of no other file.

STATEMENTS is the whole list; its own case proves that every test it names is there.
"""
import glob
import importlib
import os
import socket
import struct
import threading
import time

from lib import fake_dns, message
from lib.cases import Suite, again_when_late, expect, expect_equal, soon, wait_until
from lib.client import NoAnswer
from lib.daemon import ROOT, Daemon, address, forward

suite = Suite("")
EDNS = message.Edns()
STALE = "later: stale answers are not served yet"

STATEMENTS = {  # number: (statement, where it is proved)
    1: ("unknown flags do not stop forwarding, AD and CD pass", "checklist: rfc5625_4.1 AD and CD reach the upstream"),
    2: ("any type and class, data bit for bit", "checklist: rfc5625_4.3 rfc3597 data of unknown types"),
    3: ("TCP on the same address", "kompass: the same over TCP; tcp: a hundred queries in one write"),
    4: ("TC when it does not fit", "cache: an answer that does not fit is truncated"),
    5: ("answers of 4096 octets are relayed", "tcp: an answer of 19 kB comes whole"),
    6: ("OPT never causes a drop", "badinput: an unknown EDNS flag and option"),
    7: ("TSIG is refused or passed, never altered", "badinput: a TSIG gets REFUSED"),
    8: ("id and source port upstream are unpredictable", "outage: source ports and ids upstream"),
    9: ("answers only on configured addresses", "checklist: rfc5625_6.2 only the configured addresses"),
    10: ("two questions get FORMERR", "badinput: two questions gets FORMERR"),
    11: ("unknown opcodes get NOTIMP with the question", "badinput: what the question was comes back with NOTIMP"),
    12: ("names compare without case, the question is echoed as asked", "cache: a hit has the client's own id, case"),
    13: ("id, opcode, RD and question copied, QR and RA set", "checklist: rfc1035_4.1.1 the header of every kind"),
    14: ("one TTL for an RRset", "cache: the records of one RRset leave with one TTL"),
    15: ("a QR=1 message is ignored", "badinput: a response (QR=1) gets silence"),
    16: ("malformed gets FORMERR, under 12 octets silence", "badinput: eleven octets gets silence"),
    17: ("a TTL with the top bit set is large and capped", "cache: a TTL above cache.max_ttl, or with its top bit set"),
    18: ("negative TTL", "cache: the negative TTL is the least of SOA TTL, MINIMUM"),
    19: ("a cached negative answer carries the SOA, counted down", "checklist: rfc2308_6 a cached negative answer"),
    20: ("NXDOMAIN by name, NODATA by type",
         "cache: NXDOMAIN is kept for the name; cache: NODATA is kept for the type"),
    21: ("no SOA, not kept", "cache: a negative answer without a SOA is not kept"),
    22: ("a chain without the type is NODATA", "checklist: rfc2308_2.2 a chain that ends without the type"),
    23: ("NXDOMAIN with a CNAME keeps both", "checklist: rfc2308_2.1 NXDOMAIN behind a CNAME"),
    24: ("below NXDOMAIN all is NXDOMAIN, by zone", "cache: with nxdomain_cut all below"),
    25: ("a failure is kept for at least 1 s", "cache: a failure is kept for a second; cache: a time-out is kept"),
    26: ("and never longer than 5 minutes", "cache: a failure is kept for a second"),
    27: ("no packet meanwhile", "cache: a failure is kept for a second"),
    28: ("repeated failures back off", "checklist: rfc9520_3.2 repeated failures back off"),
    29: ("at most 3 packets a server and question", "outage: a silent upstream"),
    30: ("failures do not push out good answers", "checklist: rfc9520_3.2 a flood of failures"),
    31: ("stale answers have a TTL above 0", STALE),
    32: ("the client waits at most 1.8 s for a stale answer", STALE),
    33: ("30 s between refreshes of stale data", STALE),
    34: ("only NOERROR or NXDOMAIN replaces stale data", STALE),
    35: ("the limit of staleness is configurable", STALE),
    36: ("stale answers carry EDE 3 or 19", STALE),
    37: ("OPT in the answer exactly if in the query", "cache: an upstream's OPT, cookie and AD are not given"),
    38: ("EDNS version above 0 gets BADVERS", "badinput: EDNS version 1 gets BADVERS"),
    39: ("two OPTs get FORMERR", "badinput: two OPTs gets FORMERR"),
    40: ("a size below 512 means 512", "cache: an answer that does not fit is truncated"),
    41: ("own size 1232, replies no larger, DF set", "checklist: rfc9715_3 1232 octets; checklist: rfc9715_3 DF"),
    42: ("DNSSEC records only with DO", "checklist: rfc3225_3 DO is copied; checklist: rfc4035_3.2.1 DNSSEC records"),
    43: ("hop-by-hop options are not relayed", "checklist: rfc6891_6.1.1 options of the client"),
    44: ("FORMERR to EDNS is retried without", "outage: an upstream that says FORMERR to EDNS"),
    45: ("same connection, out of order, pipelined", "tcp: fast answers overtake slow ones"),
    46: ("length and message in one write", "tcp: length and body of an answer leave in one segment"),
    47: ("idle time-out, no close with queries pending (limits per client come with the key limits.clients)",
         "tcp: an idle connection is closed after limits.tcp_idle"),
    48: ("TC from upstream is retried over TCP", "outage: an upstream that always truncates"),
    49: ("upstream connections are used again, a reset is retried",
         "outage: an upstream that always truncates; checklist: rfc7766_6.2.4 a reset"),
    50: ("only matching answers are taken, others counted", "outage: packets with a wrong id or question"),
    51: ("source ports from the whole range", "outage: source ports and ids upstream"),
    52: ("one outstanding identical question a loop", "cache: 10,000 identical concurrent misses"),
    53: ("many wrong answers: give up UDP for the question", "checklist: rfc5452_9.3 many wrong answers"),
    54: ("ANY gets one RRset", "checklist: rfc8482_4 ANY; kompass: ANY of an endpoint name"),
    55: ("localhost stays here", "checklist: rfc6761_6.3 localhost"),
    56: ("invalid, test and onion stay here", "checklist: rfc6761_6.2 invalid, test and onion"),
    57: ("reverse names of private networks are forwarded", "checklist: rfc6303_4 reverse names"),
    58: ("local. and resolver.arpa stay here", "checklist: rfc6762_22.1 rfc9462_6.4 local and resolver.arpa"),
}


@suite.case("every statement of the list is proved by a case that is there, or says why it comes later")
def table(_scene):
    expect_equal(sorted(STATEMENTS), list(range(1, 59)), "numbers")
    names = {}
    for path in glob.glob(os.path.join(ROOT, "tests", "e2e", "test_*.py")):
        module = os.path.basename(path)[:-3]
        cases = suite.cases if module == "test_checklist" else importlib.import_module(module).suite.cases
        names[module.removeprefix("test_")] = [case[0] for case in cases]
    for number, (_, where) in STATEMENTS.items():
        for place in [] if where.startswith("later: ") else where.split("; "):
            area, start = place.split(": ", 1)
            expect(any(name.startswith(start) for name in names[area]), f"{number}: no case {place!r}")


class World:
    """One upstream, one daemon with one endpoint."""

    def __init__(self, scene, rules=None, default=None, **settings):
        self.upstream = scene.add(fake_dns.FakeDns(address(), 0, rules, default or fake_dns.addresses("192.0.2.1")))
        self.daemon = Daemon(scene, {"endpoints": [{"names": ["one.corp.example"],
                                                    "addresses": ["10.0.0.1", "10.0.0.2"]}],
                                     "forward": forward(self.upstream), **settings}).wait_ready()
        self.client = self.daemon.client


@suite.once
def world(scene):
    return World(scene)


def rule(key, value):
    world().upstream.set(key, value)


# ---- RFC 5625, 1035 -------------------------------------------------------------------------------

@suite.case("rfc5625_4.1 AD and CD reach the upstream and come back, unknown flags stop nothing")
def flags_pass(_scene):
    rule("flags.example.", lambda q: fake_dns.Reply([message.a(q.name, "192.0.2.1")],
                                                    flags=message.AD | (q.flags & message.CD)))
    reply = world().client.ask("flags.example", flags=message.RD | message.AD | message.CD)
    expect(reply.has(message.AD) and reply.has(message.CD), f"flags {reply.flags:#x}")
    asked = world().upstream.queries("flags.example.")[-1].message
    expect(asked.has(message.CD) and asked.has(message.AD), f"flags upstream {asked.flags:#x}")
    expect_equal(world().client.ask("flags.example", flags=message.RD | 0x40).texts(), ["192.0.2.1"], "the Z flag set")


@suite.case("rfc5625_4.3 rfc3597 data of unknown types and classes comes back bit for bit")
def unknown_types(_scene):
    data = bytes(range(256)) + b"\xc0\x0c\0\1"
    rule("odd.example.", lambda q: fake_dns.Reply([message.Record(q.name, q.type, 60, data, q.questions[0][2])]))
    for kind in (54, 99, 261, 999, 32769, 65280, 65534):
        for _ in ("miss", "hit"):
            reply = world().client.ask("odd.example", kind, edns=EDNS)
            expect_equal([(r.type, r.data) for r in reply.answer], [(kind, data)], f"TYPE{kind}")
    for rdclass in (3, 4, 254, 1000):
        reply = world().client.ask("odd.example", 16, rdclass=rdclass)
        expect_equal([(r.rdclass, r.data) for r in reply.answer], [(rdclass, data)], f"CLASS{rdclass}")


@suite.case("rfc5625_6.2 only the configured addresses answer")
def configured_only(_scene):
    elsewhere = address()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(0.5)
        udp.connect((elsewhere, world().daemon.port))
        try:
            udp.send(message.query("one.corp.example").wire())
            udp.recv(512)
        except (TimeoutError, ConnectionRefusedError):
            return
    raise AssertionError(f"answered on {elsewhere}")


@suite.case("rfc1035_4.1.1 the header of every kind of answer: id, opcode, RD and question copied, QR and RA set")
def header(_scene):
    rule("gone.example.", fake_dns.nxdomain())
    rule("fail.example.", fake_dns.Reply(rcode=message.SERVFAIL))
    for name, kind in (("one.corp.example", "A"), ("one.corp.example", "TXT"), ("localhost", "A"), ("x.invalid", "A"),
                       ("Www.Example", "A"), ("gone.example", "A"), ("fail.example", "A"), ("www.example", "ANY")):
        for flags in (0, message.RD):
            for ask in (world().client.ask, world().client.ask_tcp):
                reply = ask(name, kind, flags=flags, edns=EDNS)  # ask checks what is copied
                expect(reply.has(message.RA) and not reply.has(message.TC), f"{name}: flags {reply.flags:#x}")


# ---- RFC 2308, 9520 -------------------------------------------------------------------------------

@suite.case("rfc2308_6 a cached negative answer carries the SOA with the TTL that remains")
def negative_soa(_scene):
    rule("neg.example.", fake_dns.nxdomain(30, 30))
    first = world().client.ask("neg.example")
    time.sleep(1.2)
    later = world().client.ask("neg.example")
    expect_equal([r.type for r in later.authority], [message.TYPES["SOA"]], "authority of the hit")
    expect_equal(later.authority[0].owner, "example.", "owner of the SOA")
    expect(1 <= first.authority[0].ttl - later.authority[0].ttl <= 10,
           f"{first.authority[0].ttl} then {later.authority[0].ttl}")


@suite.case("rfc2308_2.2 a chain that ends without the type is NODATA, kept as long as its SOA says")
def chain_nodata(_scene):
    rule("chain.example.", lambda q: fake_dns.Reply([message.cname(q.name, "end.example.", 300)],
                                                    [message.soa("example.", 1, 1)]))
    reply = world().client.ask("chain.example", "AAAA")
    expect_equal((reply.rcode, reply.texts("CNAME"), len(reply.authority)), (0, ["end.example."], 1), "answer")
    time.sleep(1.3)
    world().client.ask("chain.example", "AAAA")
    expect_equal(world().upstream.count("chain.example."), 2, "questions upstream")


@suite.case("rfc2308_2.1 NXDOMAIN behind a CNAME keeps both, and stays under the asked type")
def chain_nxdomain(_scene):
    rule(("dangling.example.", "A"), lambda q: fake_dns.Reply([message.cname(q.name, "gone.example.", 300)],
                                                              [message.soa("example.")], message.NXDOMAIN))
    rule(("dangling.example.", "CNAME"), lambda q: fake_dns.Reply([message.cname(q.name, "gone.example.", 300)]))
    for _ in ("miss", "hit"):
        reply = world().client.ask("dangling.example")
        expect_equal((reply.rcode, reply.texts("CNAME")), (message.NXDOMAIN, ["gone.example."]), "answer")
    expect_equal(world().client.ask("dangling.example", "CNAME").rcode, 0, "the CNAME itself")


@suite.case("rfc9520_3.2 repeated failures back off, up to 5 s")
def back_off(scene):
    other = World(scene, default=fake_dns.Reply(rcode=message.SERVFAIL))
    end = time.monotonic() + 9
    while time.monotonic() < end:
        other.client.ask("fail.example")
        time.sleep(0.05)
    times = [s.when for s in other.upstream.queries("fail.example.")]
    gaps = [b - a for a, b in zip(times, times[1:]) if b - a > 0.5]
    expect(len(gaps) >= 2 and all(gap > 0.9 * least for gap, least in zip(gaps, (1, 2, 4, 5))),
           f"gaps {[round(g, 2) for g in gaps]}")
    expect(max(gaps) < 8, f"gaps {[round(g, 2) for g in gaps]}, at most 5 s and what a machine is away")


@suite.case("rfc9520_3.2 a flood of failures pushes out no answer that is used")
def failure_flood(scene):
    other = World(scene, {"used.example.": fake_dns.addresses("192.0.2.1")}, fake_dns.Reply(rcode=message.REFUSED),
                  cache={"memory": "1MiB"})
    for number in range(3000):
        other.client.ask(f"bad{number}.example")
        if number % 50 == 0:
            other.client.ask("used.example")
    expect_equal(other.upstream.count("used.example."), 1, "questions upstream for the good name")


# ---- RFC 6891, 9715, 3225, 4035 -------------------------------------------------------------------

@suite.case("rfc9715_3 1232 octets is what we offer upstream and the most we send over UDP")
def own_size(_scene):
    wide = fake_dns.addresses(*(f"10.3.{n // 250}.{n % 250}" for n in range(200)))
    rule(("wide.example.", "A"), {"udp": fake_dns.Reply(flags=message.TC), "tcp": wide})
    reply = world().client.ask("wide.example", edns=message.Edns(size=4096))
    expect(reply.has(message.TC) and reply.length <= 1232, f"{reply.length} octets, TC {reply.has(message.TC)}")
    expect_equal(world().upstream.queries("wide.example.")[0].message.edns.size, 1232, "size offered upstream")
    expect_equal(reply.edns.size, 1232, "size offered to the client")


@suite.case("rfc9715_3 DF is set on answers", namespace_needed=True)
def dont_fragment(_scene):
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as raw:
        raw.settimeout(3)
        raw.bind((address(), 0))
        raw.connect((world().daemon.address, 0))
        mine = raw.getsockname()[0]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind((mine, 0))
            udp.sendto(message.query("one.corp.example").wire(), (world().daemon.address, world().daemon.port))
            packet = raw.recv(2048)
    expect(struct.unpack("!H", packet[6:8])[0] & 0x4000, f"flags and offset {packet[6:8].hex()}")


@suite.case("rfc3225_3 DO is copied to the answer and the upstream")
def do_copied(_scene):
    for name in ("one.corp.example", "do.example", "localhost"):
        for dnssec_ok in (True, False):
            reply = world().client.ask(name, edns=message.Edns(dnssec_ok=dnssec_ok))
            expect_equal(reply.edns.dnssec_ok, dnssec_ok, f"DO of {name}")
    expect_equal([s.message.edns.dnssec_ok for s in world().upstream.queries("do.example.")], [True, False], "upstream")


@suite.case("rfc4035_3.2.1 DNSSEC records leave only for DO")
def dnssec_records(_scene):
    signature = struct.pack("!HBBIIIH", 1, 13, 2, 60, 2000000000, 1700000000, 1)
    signature += message.encode_name("example.") + b"s" * 64
    rule("signed.example.", lambda q: fake_dns.Reply([message.a(q.name, "192.0.2.1"),
                                                      message.Record(q.name, 46, 300, signature)]))
    for _ in ("miss", "hit"):
        plain = world().client.ask("signed.example", edns=EDNS)
        expect_equal([r.type for r in plain.answer], [1], "types without DO")
        signed = world().client.ask("signed.example", edns=message.Edns(dnssec_ok=True))
        expect_equal(sorted(r.type for r in signed.answer), [1, 46], "types with DO")
    asked = world().client.ask("signed.example", "RRSIG")
    expect(46 in [r.type for r in asked.answer], f"an explicit question for RRSIG: {asked.answer}")


@suite.case("rfc6891_6.1.1 options of the client never reach the upstream, nor the upstream's the client")
def hop_by_hop(_scene):
    options = [(8, b"\0\1\x18\0\xc0\0\2"), (10, b"12345678"), (12, b"\0" * 16), (3, b""), (11, b""), (65001, b"x")]
    reply = world().client.ask("options.example", edns=message.Edns(options=options))
    expect_equal(world().upstream.queries("options.example.")[0].message.edns.options, [], "options upstream")
    expect_equal(reply.edns.options, [], "options of the answer")
    expect_equal(world().client.ask_tcp("options.example", edns=message.Edns(options=options)).edns.options, [],
                 "over TCP")


# ---- RFC 7766, 5452, 8482 -------------------------------------------------------------------------

@suite.case("rfc7766_6.2.4 a reset of an upstream connection with questions waiting retries them")
def upstream_reset(scene):
    seen = []

    def once_closed(asked):
        seen.append(asked)
        return fake_dns.Reply(close=True) if len(seen) == 1 else fake_dns.Reply([message.a(asked.name, "192.0.2.1")])
    other = World(scene, default={"udp": fake_dns.Reply(flags=message.TC), "tcp": once_closed})
    expect_equal(other.client.ask("a.example").texts(), ["192.0.2.1"], "answer")
    expect_equal(len(seen), 2, "questions over TCP")


@suite.case("rfc5452_9.3 many wrong answers: UDP is given up for the question")
def many_wrong(scene):
    other = World(scene, default={
        "udp": fake_dns.Reply(silent=True, before=[fake_dns.with_wrong_id] * 50),
        "tcp": fake_dns.addresses("192.0.2.1")})
    def lied_to(number):
        name, started = f"a{number}.example", time.monotonic()
        reply = other.client.ask(name, edns=EDNS)
        took_s = time.monotonic() - started
        expect("192.0.2.66" not in reply.texts(), "a lie was believed")
        expect(other.upstream.count(name + ".", transport="udp") <= 3, "packets over UDP")
        soon(took_s, 4, "the answer")
        expect_equal(reply.texts(), ["192.0.2.1"], f"answer by TCP (rcode {reply.rcode})")
    again_when_late(lied_to)


@suite.case("rfc8482_4 ANY of a forwarded name gets one RRset and no question upstream, or one")
def any_forwarded(_scene):
    for ask in (world().client.ask, world().client.ask_tcp):
        reply = ask("any.example", "ANY", edns=message.Edns(size=4096))
        expect_equal((reply.rcode, len({r.type for r in reply.answer})), (0, 1), "RRsets")
        expect(reply.length < 200, f"{reply.length} octets")
    expect(world().upstream.count("any.example.") <= 1, "questions upstream")


# ---- RFC 6761, 6303, 7686, 6762, 9462 -------------------------------------------------------------

def local_only(name, kind="A"):
    """Asks and proves that nothing went upstream."""
    reply = world().client.ask(name, kind)
    expect_equal(world().upstream.count(name.lower().rstrip(".") + "."), 0, f"questions upstream for {name}")
    return reply


@suite.case("rfc6761_6.3 localhost and names below it are the loopback, never forwarded")
def localhost(_scene):
    for name in ("localhost", "LocalHost.", "a.b.localhost"):
        expect_equal(local_only(name).texts(), ["127.0.0.1"], f"{name} A")
        expect_equal(local_only(name, "AAAA").texts("AAAA"), ["::1"], f"{name} AAAA")
        reply = local_only(name, "MX")
        expect_equal((reply.rcode, reply.answer), (0, []), f"{name} MX")
    expect_equal(local_only("1.0.0.127.in-addr.arpa", "PTR").texts("PTR"), ["localhost."], "PTR of 127.0.0.1")


@suite.case("rfc6761_6.2 invalid, test and onion (rfc7686_2) are NXDOMAIN, never forwarded")
def invalid(_scene):
    for name in ("invalid", "a.invalid", "a.test", "abcdefgh.onion", "A.Test"):
        for kind in ("A", "AAAA", "TXT"):
            reply = local_only(name, kind)
            expect_equal(reply.rcode, message.NXDOMAIN, f"{name} {kind}")
            expect_equal([r.type for r in reply.authority], [message.TYPES["SOA"]], f"{name} {kind} authority")


@suite.case("rfc6303_4 reverse names of private networks are forwarded: in a VPC its resolver answers them")
def reverse(_scene):
    for name in ("1.1.10.in-addr.arpa", "1.0.16.172.in-addr.arpa", "1.0.168.192.in-addr.arpa"):
        world().client.ask(name, "PTR")
        expect_equal(world().upstream.count(name + "."), 1, f"questions upstream for {name}")


@suite.case("rfc6762_22.1 rfc9462_6.4 local and resolver.arpa are answered here")
def local_names(_scene):
    expect_equal(local_only("printer.local").rcode, message.NXDOMAIN, "printer.local")
    reply = local_only("_dns.resolver.arpa", "SVCB")
    expect_equal((reply.rcode, reply.answer), (0, []), "_dns.resolver.arpa")


@suite.case("rfc1034_5.3.3 CNAMEs come before the addresses they lead to, whatever the upstream's order")
def cname_first(_scene):
    rule(("order.example.", "A"), lambda q: fake_dns.Reply([
        message.a("end.example.", "192.0.2.1"), message.cname("mid.example.", "end.example."),
        message.cname(q.name, "mid.example.")]))
    for _ in ("miss", "hit"):
        reply = world().client.ask("order.example")
        expect_equal([r.owner for r in reply.answer], ["order.example.", "mid.example.", "end.example."], "owners")


@suite.case("rfc8914_4 SERVFAIL tells why to clients with EDNS, and only to them")
def extended_errors(scene):
    other = World(scene, default=fake_dns.Reply(silent=True))
    got = []
    threads = [threading.Thread(target=lambda e=e: got.append((e is None,
                                                               ask_or_none(other.client, f"{e is None}.example", e))))
               for e in (None, EDNS)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(got) == 2, 20, "both answers", 0.05)
    for plain, reply in got:
        expect(reply is not None and reply.rcode == message.SERVFAIL, f"reply {reply}")
        expect_equal(reply.ede is None, plain, f"EDE {reply.ede}")


def ask_or_none(client, name, edns):
    try:
        return client.ask(name, edns=edns)
    except (NoAnswer, AssertionError):
        return None


if __name__ == "__main__":
    suite.main()
