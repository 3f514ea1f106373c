#!/usr/bin/env python3
"""Private zones: the same master file served by nsd and by local53 answers alike; aliases, chains, fall-through, reload."""
import json
import random
import subprocess

from lib import fake_dns, message
from lib.cases import Suite, expect, expect_equal, wait_until
from lib.daemon import Daemon, address, forward
from lib.servers import Nsd, Unbound, find

suite = Suite("zones")
SOA = message.TYPES["SOA"]
NAMED = [message.TYPES[kind] for kind in ("NS", "CNAME", "PTR", "MX")]

# No delegation and no DNAME: local53 has the names below an NS, and leaves a DNAME's synthesis to others.
ZONE = """$ORIGIN corp.internal.
$TTL 300
@ 900 IN SOA ns.corp.internal. host.corp.internal. 2026112101 3600 600 86400 120
@ NS ns
@ NS ns2.example.org.
@ MX 10 mail
@ A 10.1.0.1
ns A 10.1.0.53
www A 10.1.0.11
www A 10.1.0.12
www 60 AAAA fd00::11
WwW TXT "mixed case" "two strings"
mail A 10.1.0.25
mail MX 5 mail
mail MX 20 other.example.org.
_ldap._tcp 30 SRV 0 5 389 www
_ldap._tcp 30 SRV 1 5 389 mail.corp.internal.
_443._tcp.www TLSA 3 1 1 0102030405060708091011121314151617181920212223242526272829303132
host SSHFP 1 1 0102030405060708091011121314151617181920
sip NAPTR 10 20 "u" "E2U+sip" "!^.*$!sip:info@corp.internal!" .
caa CAA 0 issue "ca.example.org"
svc HTTPS 1 . alpn="h2"
raw TYPE65280 \\# 4 01020304
deep.empty.way A 10.1.0.2
*.apps A 10.1.0.31
*.apps TXT "any app"
own.apps AAAA fd00::32
below.own2.apps A 10.1.0.33
*.wild MX 1 mail
*.alias CNAME www
link CNAME www
link2 CNAME link
Link3 CNAME LINK2.corp.internal.
dangling CNAME nowhere
to-wild CNAME x.apps
to-empty CNAME empty.way
4.3.2.1 PTR www
"""
TYPES = ("A", "AAAA", "TXT", "MX", "SRV", "NS", "SOA", "CNAME", "PTR", "HTTPS", 35, 44, 52, 257, 65280)
OWNERS = ("", "ns", "www", "WWW", "mail", "_ldap._tcp", "_tcp", "_443._tcp.www", "_tcp.www", "host", "sip", "caa", "svc",
          "raw", "deep.empty.way", "empty.way", "way", "x.way", "x.empty.way", "x.deep.empty.way", "apps", "x.apps",
          "y.x.apps", "own.apps", "x.own.apps", "own2.apps", "x.own2.apps", "below.own2.apps", "*.apps", "*", "wild",
          "a.wild", "alias", "a.alias", "b.a.alias", "link", "link2", "LINK3", "x.link", "dangling", "nowhere", "to-wild",
          "to-empty", "4.3.2.1", "3.2.1", "no", "no.no.no")
LABELS = ("www", "apps", "x", "own", "own2", "below", "wild", "alias", "link", "empty", "way", "deep", "_tcp", "*")


def under(name):
    return f"{name}.corp.internal" if name else "corp.internal"


def zone_settings(scene, upstream, text=ZONE, **keys):
    file = scene.write("corp.internal.zone", text)
    return {"zones": [{"name": "corp.internal", "file": file, **keys}], "forward": forward(upstream)}


def data_of(record):
    """Without the case of names, which nsd folds."""
    return record.data.lower() if record.type in NAMED else record.data


def records(section):
    """As a set: case of names and order do not matter."""
    return sorted((r.owner.lower(), r.type, r.ttl, data_of(r)) for r in section)


def compare(ours, theirs, what):
    expect_equal((ours.rcode, records(ours.answer)), (theirs.rcode, records(theirs.answer)), what)
    if not theirs.answer or theirs.rcode != 0:
        expect_equal([(r.owner.lower(), r.type, r.ttl, r.data) for r in ours.authority],
                     [(r.owner.lower(), r.type, r.ttl, r.data) for r in theirs.authority], f"denial of {what}")


class World:
    """nsd and local53 with the same file; what local53 forwards goes to a fake upstream."""

    def __init__(self, scene):
        self.nsd = Nsd(scene, address(), 5300, {"corp.internal": ZONE}).start()
        self.upstream = scene.add(fake_dns.FakeDns(address(), 0, {}, fake_dns.addresses("192.0.2.1")))
        self.daemon = Daemon(scene, zone_settings(scene, self.upstream)).wait_ready()

    def compare(self, name, kind, tcp=False):
        ask = (lambda client: client.ask_tcp(name, kind)) if tcp else (lambda client: client.ask(name, kind))
        compare(ask(self.daemon.client), ask(self.nsd.client), f"{name} {kind}")


@suite.once
def world(scene):
    return World(scene)


@suite.case("names of a zone, of each kind and beside, have the rcode and the records that nsd has")
def as_nsd(_scene):
    for name in OWNERS:
        for kind in TYPES:
            world().compare(under(name), kind)
    asked = {seen.message.name for seen in world().upstream.seen}
    expect_equal([name for name in asked if name.lower().endswith("corp.internal.")], [], "questions upstream")


@suite.case("so have three hundred names made of the zone's labels at random, over TCP as well")
def at_random(_scene):
    dice = random.Random(53)
    for number in range(300):
        name = ".".join(dice.choice(LABELS) for _ in range(dice.randint(1, 4)))
        world().compare(under(name), dice.choice(("A", "TXT", "MX", "CNAME", "SOA")), number % 4 == 0)


@suite.case("ANY has one RRset, whole, of those that other questions get")
def any_type(_scene):
    client = world().daemon.client
    for name in OWNERS:
        reply = client.ask(under(name), "ANY")
        expect_equal(reply.rcode, world().nsd.client.ask(under(name), "TXT").rcode if not reply.texts("CNAME") else 0,
                     f"rcode of {name}")
        kinds = {r.type for r in reply.answer}
        expect(len(kinds) <= 1, f"{name}: {reply.answer}")
        if kinds:
            expect_equal(records(reply.answer), records(client.ask(under(name), kinds.pop()).answer), name)


@suite.case("dig reads the answers: no warning, records in order behind their alias")
def by_dig(_scene):
    client = world().daemon
    done = subprocess.run([find("dig"), f"@{client.address}", "-p", str(client.port), "+noall", "+answer", "+comments",
                           "Link3.corp.internal", "A"], capture_output=True, text=True, timeout=20, check=True)
    expect("WARNING" not in done.stdout and "status: NOERROR" in done.stdout, done.stdout)
    kinds = [line.split()[3] for line in done.stdout.splitlines() if line and not line.startswith(";")]
    expect_equal(kinds, ["CNAME", "CNAME", "CNAME", "A", "A"], "records")


@suite.case("an alias has its target's addresses, another type the zone's")
def aliases(scene):
    target = "vpce-1-a.x.vpce.amazonaws.com"
    upstream = scene.add(fake_dns.FakeDns(address(), 0, {(target + ".", "A"): fake_dns.addresses("10.9.0.1", "10.9.0.2"),
                                                         (target + ".", "AAAA"): fake_dns.nodata()}))
    settings = zone_settings(scene, upstream, aliases={"api.corp.internal": target})
    daemon = Daemon(scene, settings).wait_ready()  # which does not wait for the addresses of aliases
    wait_until(lambda: daemon.client.ask("api.corp.internal").rcode == 0, 5, "the target has addresses")
    reply = daemon.client.ask("Api.corp.internal")
    expect_equal((sorted(reply.texts()), reply.texts("CNAME")), (["10.9.0.1", "10.9.0.2"], []), "addresses")
    for kind in ("AAAA", "TXT"):
        reply = daemon.client.ask("api.corp.internal", kind)
        expect_equal((reply.rcode, reply.answer, [(r.owner, r.ttl) for r in reply.authority]),
                     (0, [], [("corp.internal.", 120)]), kind)


@suite.case("a CNAME to a forwarded name is resolved by unbound, once, and told as one answer")
def outside(scene):
    upstream = Unbound(scene, address(), 5301, ["www.example.com. 200 IN A 192.0.2.80",
                                                "txt.example.com. 200 IN TXT there"]).start()
    text = ZONE + "far 40 CNAME www.example.com.\nnone CNAME none.example.com.\nhalf CNAME txt.example.com.\n"
    daemon = Daemon(scene, zone_settings(scene, upstream, text)).wait_ready()
    for _ in range(4):  # both loops, missed and cached
        reply = daemon.client.ask("far.corp.internal")
        expect_equal([(r.owner, r.text) for r in reply.answer],
                     [("far.corp.internal.", "www.example.com."), ("www.example.com.", "192.0.2.80")], "answer")
        expect(reply.answer[0].ttl == 40 and 195 <= reply.answer[1].ttl <= 200, f"{reply.answer}")
        reply = daemon.client.ask_tcp("none.corp.internal")
        expect_equal((reply.rcode, reply.texts("CNAME"), [r.type for r in reply.authority]),
                     (message.NXDOMAIN, ["none.example.com."], [SOA]), "NXDOMAIN behind the alias")
        reply = daemon.client.ask("half.corp.internal")
        expect_equal((reply.rcode, reply.texts("CNAME"), reply.texts()), (0, ["txt.example.com."], []), "NODATA")
    expect(daemon.metric("local53_upstream_queries_total") <= 8, "more questions upstream than names and loops")
    expect_equal(daemon.metric("local53_answers_total", source="zone"), 12, "answers counted")
    upstream.kill()
    reply = daemon.client.ask("half.corp.internal", "MX", edns=message.Edns(), timeout_s=6)
    expect(reply.rcode == message.SERVFAIL and reply.ede is not None, f"dead upstream: {reply}")


@suite.case("a chain from upstream into the zone never shows the public records")
def inward(_scene):
    upstream, client = world().upstream, world().daemon.client
    for number, (target, wanted) in enumerate((("www", (0, ["10.1.0.11", "10.1.0.12"])), ("x.apps", (0, ["10.1.0.31"])),
                                               ("no", (message.NXDOMAIN, [])), ("apps", (0, [])))):
        upstream.set(f"in{number}.example.", fake_dns.Reply([
            message.cname(f"in{number}.example.", under(target) + "."), message.a(under(target) + ".", "198.51.100.1")]))
        for _ in range(2):
            reply = client.ask(f"in{number}.example")
            expect_equal((reply.rcode, sorted(reply.texts())), wanted, target)
            expect_equal(reply.texts("CNAME"), [under(target) + "."], "links kept")


@suite.case("an AWS name that a zone's CNAME leads to is a leak like one that a client asks for")
def leaks(scene):
    upstream = scene.add(fake_dns.FakeDns(address(), 0, {}, fake_dns.addresses("192.0.2.1")))
    text = ZONE + "queue CNAME sqs.eu-west-1.amazonaws.com.\n"
    daemon = Daemon(scene, zone_settings(scene, upstream, text)).wait_ready()
    expect_equal(daemon.client.ask("queue.corp.internal").texts(), ["192.0.2.1"], "answer")
    found = json.loads(daemon.ctl("leaks", "--json").stdout)["leaks"]
    expect_equal([row["name"] for row in found], ["sqs.eu-west-1.amazonaws.com"], "leaks")


@suite.case("names that a zone with fallthrough does not have are forwarded, those that it has are not")
def falls_through(scene):
    upstream = scene.add(fake_dns.FakeDns(address(), 0, {}, fake_dns.addresses("192.0.2.1")))
    daemon = Daemon(scene, zone_settings(scene, upstream, fallthrough=True)).wait_ready()
    expect_equal(daemon.client.ask("no.corp.internal").texts(), ["192.0.2.1"], "a name the zone has not")
    expect_equal(sorted(daemon.client.ask("www.corp.internal").texts()), ["10.1.0.11", "10.1.0.12"], "a name it has")
    expect_equal(daemon.client.ask("www.corp.internal", "MX").answer, [], "a type it has not")
    expect_equal([seen.name for seen in upstream.queries("www.corp.internal.")], [], "questions upstream")


@suite.case("a changed master file is taken at reload, a wrong one is refused and the old one serves")
def reloads(scene):
    upstream = scene.add(fake_dns.FakeDns(address(), 0, {}, fake_dns.addresses("192.0.2.1")))
    daemon = Daemon(scene, zone_settings(scene, upstream)).wait_ready()
    expect_equal(daemon.client.ask("new.corp.internal").rcode, message.NXDOMAIN, "before")
    daemon.reload(zone_settings(scene, upstream, ZONE + "new A 10.1.0.99\n"))
    for _ in range(4):  # both loops
        expect_equal(daemon.client.ask("new.corp.internal").texts(), ["10.1.0.99"], "right after ctl reload")
    scene.write("corp.internal.zone", ZONE + "new A 10.1.0.256\n")
    done = daemon.ctl("reload")
    expect(done.returncode != 0, f"a wrong file was taken: {done.stdout}")
    expect_equal(daemon.client.ask("new.corp.internal").texts(), ["10.1.0.99"], "after the refused reload")


if __name__ == "__main__":
    suite.main()
