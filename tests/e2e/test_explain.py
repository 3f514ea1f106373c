#!/usr/bin/env python3
"""explain: what a name gets and why, from the file and from the running daemon, and what its upstream alone would say."""
import json
import re

from lib import fake_dns, message
from lib.cases import Suite, expect, expect_equal, wait_until
from lib.daemon import Daemon, address, forward, run, yaml

suite = Suite("explain")
FINE, USAGE, ENVIRONMENT = 0, 2, 3
VPCE = "vpce-0d1a2b3c4e5f60001-k3v9q1zx.sqs.eu-west-1.vpce.amazonaws.com"
SQS, BUCKET, LOGS = "sqs.eu-west-1.amazonaws.com", "b.s3.eu-west-1.amazonaws.com", "logs.s3.eu-west-1.amazonaws.com"
PUBLIC, PRIVATE = "52.94.1.1", "10.0.0.5"
ZONE = """$TTL 300
@ SOA ns.corp.internal. admin.corp.internal. 1 3600 600 86400 60
www A 10.1.0.1
*.apps A 10.1.0.2
old CNAME www
"""


def settings(upstream="192.0.2.53", **more):
    return {"endpoints": [{"service": "sqs", "region": "eu-west-1", "target": VPCE},
                          {"names": ["*.s3.eu-west-1.amazonaws.com"], "except": [LOGS], "addresses": ["10.0.0.1"]},
                          {"names": ["*.eu-west-1.amazonaws.com"], "except": ["kms.eu-west-1.amazonaws.com"],
                           "addresses": ["10.0.0.2", "fd00::2"]}],
            "forward": [*forward(upstream), {"zone": "cluster.local", "servers": ["192.0.2.54"]}], **more}


def from_file(scene, *words, **more):
    text = yaml({"listen": ["127.0.0.1:5399"], "metrics": [], **settings(**more)})
    done = run(["explain", "-c", scene.write("explain.yaml", text), *words])
    expect_equal(done.returncode, FINE, f"exit of explain {words}: {done.stderr}")
    return done.stdout


def lost(scene, name, **more):
    rows = json.loads(from_file(scene, "--json", name, **more))["lost"]
    return [(row["rule"], row["why"]) for row in rows]


# ---- From the file --------------------------------------------------------------------------------

@suite.case("the rules that lost are told in order, with the reason")
def losers(scene):
    without = ("forward[0] .", "would be asked without that rule")
    expect_equal(lost(scene, SQS), [("endpoints[2] *.eu-west-1.amazonaws.com", "an exact name wins"), without], SQS)
    expect_equal(lost(scene, BUCKET), [("endpoints[2] *.eu-west-1.amazonaws.com", "a longer name wins"), without], BUCKET)
    expect_equal(lost(scene, LOGS), [(f"endpoints[1] except {LOGS}", "takes the name out"),
                                     ("endpoints[1] *.s3.eu-west-1.amazonaws.com", "taken out by except"),
                                     ("endpoints[2] *.eu-west-1.amazonaws.com", "taken out by except")], LOGS)
    expect_equal(lost(scene, "vpce-1.s3.eu-west-1.amazonaws.com"),
                 [("endpoints[1] *.s3.eu-west-1.amazonaws.com", "a vpce- name is never rewritten"),
                  ("endpoints[2] *.eu-west-1.amazonaws.com", "a vpce- name is never rewritten")], "a vpce- name")
    expect_equal(lost(scene, "x.cluster.local"), [("forward[0] .", "a longer zone wins")], "x.cluster.local")
    expect_equal(lost(scene, "sqs.us-east-1.amazonaws.com", aws={"resolver": "192.0.2.55"}),
                 [("forward[0] .", "AWS names go to aws.resolver")], "an AWS name without a rule")


@suite.case("text and JSON tell the same, and an AWS name without a rule is told the endpoint to add")
def both_forms(scene):
    for name in (SQS, BUCKET, LOGS, "x.cluster.local", "localhost"):
        text, data = from_file(scene, name), json.loads(from_file(scene, "--json", name))
        expect_equal(data["name"], name, "name")
        for key in ("source", "rule", "answer"):
            expect(data[key] in text or name == "localhost", f"{key} of {name}: {data[key]} is not in {text}")
        expect_equal(text.count("lost:"), len(data["lost"]), f"rows of {name}")
    expect("service: kms, region: us-east-1" in from_file(scene, "kms.us-east-1.amazonaws.com"), "no endpoint told")
    expect("an endpoint with" not in from_file(scene, "kms.eu-west-1.amazonaws.com"), "an exception is told to add")


@suite.case("a special name is told with what its type gets")
def special_types(scene):
    for words, wanted in ((("localhost",), "127.0.0.1, here"), (("x.localhost", "AAAA"), "::1, here"),
                          (("localhost", "TXT"), "NOERROR without data, here"), (("foo.test",), "NXDOMAIN, here"),
                          (("1.0.0.127.in-addr.arpa", "PTR"), "localhost")):
        said = from_file(scene, *words)
        expect(wanted in said and ("::1" in wanted or "PTR" in words or "::1" not in said), f"{words}: {said}")


@suite.case("of a URL, or a name with a port, it is told that only the name in it is asked for")
def urls(scene):
    for word in (f"https://{SQS}/queue", f"{SQS}:443", f"{SQS}/queue"):
        expect("write the name alone" in from_file(scene, word), f"explain {word}")
    for word in (SQS, "www.example", "_x._tcp.example", "a\\.b.example"):
        expect("write the name alone" not in from_file(scene, word), f"explain {word}")


@suite.case("names of zones: a record, a wildcard, an alias, a CNAME, no such name, falling through")
def zones(scene):
    scene.write("corp.zone", ZONE)
    zone = {"name": "corp.internal", "file": scene.path("corp.zone"), "aliases": {"api.corp.internal": VPCE}}
    through = {"name": "dev.internal", "aliases": {"api.dev.internal": VPCE}, "fallthrough": True}
    table = {("www.corp.internal",): ["zone corp.internal", "name www.corp.internal", "1 A record", "TTL 300 s"],
             ("www.corp.internal", "AAAA"): ["NOERROR without data", "TTL 60 s"],
             ("x.y.apps.corp.internal",): ["wildcard *.apps.corp.internal", "1 A record"],
             ("api.corp.internal",): ["alias api.corp.internal", VPCE, "addresses of the alias's target"],
             ("old.corp.internal",): ["a CNAME to www.corp.internal"],
             ("apps.corp.internal",): ["NOERROR without data"],
             ("none.corp.internal",): ["no such name", "NXDOMAIN", "would be asked without that rule"],
             ("corp.internal", "SOA"): ["the zone's SOA"],
             ("none.dev.internal",): ["forwarded", "zones[1] dev.internal", "falls through"]}
    for words, wanted in table.items():
        said = from_file(scene, *words, zones=[zone, through])
        expect(all(word in said for word in wanted), f"explain {words}: not all of {wanted} in {said}")


@suite.case("a CNAME that goes round, or leads to nothing, and a type that nobody may ask are told as they are answered")
def nobody(scene):
    scene.write("corp.zone", ZONE + "round CNAME turn\nturn CNAME round\nlost CNAME none\n" +
                "".join(f"c{i} CNAME c{i + 1}\n" for i in range(9)) + "c9 A 10.1.0.1\n")
    zones = [{"name": "corp.internal", "file": scene.path("corp.zone")}]
    daemon = Daemon(scene, {**settings(), "endpoints": settings()["endpoints"][1:], "zones": zones}).wait_ready()
    for words, rcode in ((("round.corp.internal",), "SERVFAIL"), (("c0.corp.internal",), "SERVFAIL"),
                         (("c1.corp.internal",), "NOERROR"), (("lost.corp.internal",), "NXDOMAIN"),
                         (("old.corp.internal",), "NOERROR"), (("round.corp.internal", "CNAME"), "NOERROR"),
                         ((BUCKET, "AXFR"), "REFUSED"), ((BUCKET, "OPT"), "FORMERR"), (("www.example", "TKEY"), "REFUSED")):
        said = json.loads(from_file(scene, "--json", *words, zones=zones))["answer"]
        told = [word for word in ("SERVFAIL", "NXDOMAIN", "REFUSED", "FORMERR") if word in said] or ["NOERROR"]
        expect_equal((told, daemon.client.ask(*words).rcode), ([rcode], getattr(message, rcode)), f"{words}: {said}")


# ---- From the running daemon ----------------------------------------------------------------------

def target_rule(answers):
    def rule(asked):
        return fake_dns.addresses(*answers, ttl=60)(asked)
    return rule


def live(scene, **more):
    rules = {VPCE + ".": target_rule([PRIVATE]), SQS + ".": fake_dns.addresses(PUBLIC),
             "cut.example.": lambda asked: fake_dns.Reply([message.cname(asked.name, SQS + "."),
                                                           message.a(SQS + ".", PUBLIC)])}
    upstream = scene.add(fake_dns.FakeDns(address(), 0, rules, default=fake_dns.addresses("192.0.2.1")))
    daemon = Daemon(scene, settings(upstream, **more)).wait_ready()
    return daemon, upstream


def explain(daemon, *words):
    done = run(["explain", "--live", "-s", daemon.control, *words])
    expect_equal((done.returncode, done.stderr), (FINE, ""), f"explain --live {words}: {done.stdout}")
    return done.stdout


def explained(daemon, *words):
    return json.loads(explain(daemon, "--json", *words))


@suite.case("an endpoint's name: rule, target, addresses with age and state, TTL, and what upstream alone says")
def endpoint(scene):
    daemon, upstream = live(scene)
    found = explained(daemon, SQS)
    wanted = {"source": "endpoint sqs.eu-west-1", "rule": f"endpoints[0] {SQS}", "targets": [VPCE], "state": "fresh",
              "addresses": [PRIVATE], "upstream": upstream.server, "alone": "NOERROR"}
    expect_equal({key: found[key] for key in wanted}, wanted, "explain --live --json")
    expect(5 <= found["ttl"] <= 60 and found["age"] < 30, f"ttl and age: {found}")
    expect_equal([(row["type"], row["value"], row["scope"]) for row in found["alone_records"]],
                 [("A", PUBLIC, "public")], "records of upstream alone")
    text = explain(daemon, SQS)
    expect(f"address:  {PRIVATE}" in text and f"alone:    A  {PUBLIC}  public" in text, text)
    expect_equal(explained(daemon, VPCE)["alone_records"][0]["scope"], "private", "scope of the target's address")


@suite.case("a forwarded name: not cached, then cached with what is left, then cached as NXDOMAIN for all types")
def forwarded(scene):
    daemon, upstream = live(scene)
    found = explained(daemon, "www.example")
    expect_equal((found["source"], found["cached"], found["servers"]),
                 ("forwarded", [], [{"server": upstream.server, "state": "up"}]), "before")
    expect("cached:   no" in explain(daemon, "www.example"), "the text does not say that nothing is cached")
    daemon.client.ask("www.example")
    row = explained(daemon, "www.example")["cached"][0]
    expect_equal((row["kind"], row["rcode"], row["validity"]), ("answer", "NOERROR", ""), "cached")
    expect(280 <= row["left_seconds"] <= 300, f"seconds left of {row}")
    upstream.set("none.example.", fake_dns.nxdomain())
    daemon.client.ask("none.example", "TXT")
    expect_equal([row["kind"] for row in explained(daemon, "none.example")["cached"]], ["nxdomain"], "for another type")


@suite.case("a chain that is cut tells where, and which rule answers behind it; a reload that ends it makes it void")
def cut(scene):
    daemon, upstream = live(scene)
    daemon.client.ask("cut.example")
    row = explained(daemon, "cut.example")["cached"][0]
    expect(SQS in row["cut"] and "endpoints[0]" in row["cut"], f"cut of {row}")
    daemon.reload({**settings(upstream), "endpoints": []})
    wait_until(lambda: "void" in explained(daemon, "cut.example")["cached"][0]["validity"], 5, "the entry is void")


@suite.case("the running configuration is explained, not the file")
def running(scene):
    daemon, _ = live(scene)
    with open(daemon.config, "a", encoding="utf-8") as file:
        file.write("unknown: key\n")
    wait_until(lambda: "reload.refused" in daemon.log(), 10, "the file was looked at")
    expect_equal(explained(daemon, SQS)["rule"], f"endpoints[0] {SQS}", "rule")
    done = run(["explain", "--live", "-c", daemon.config, "--json", SQS])
    expect_equal((done.returncode, json.loads(done.stdout)["rule"]), (FINE, f"endpoints[0] {SQS}"), f"by -c: {done.stderr}")
    expect_equal(run(["explain", "-c", daemon.config, SQS]).returncode, USAGE, "exit of explain from that file")


@suite.case("a target that cannot be had is told with its problem, and a literal address with its state")
def problems(scene):
    silent = scene.add(fake_dns.FakeDns(address(), 0, default=fake_dns.nxdomain()))
    daemon = Daemon(scene, settings(silent, zones=[{"name": "corp.internal", "aliases": {"api.corp.internal": VPCE}}]))
    wait_until(lambda: "problem" in explained(daemon, SQS), 15, "the problem is told")
    found = explained(daemon, SQS)
    expect_equal((found["state"], found["addresses"], found["alone"]), ("none", [], "NXDOMAIN"), f"{found}")
    expect("SERVFAIL" in found["answer"] and "ttl" not in found, f"what is answered: {found}")
    expect_equal(daemon.client.ask(SQS).rcode, message.SERVFAIL, "what the name gets")
    expect("SERVFAIL" in explained(daemon, "api.corp.internal")["answer"], "an alias of the target")
    expect_equal(explained(daemon, BUCKET)["state"], "literal", "state of literal addresses")
    expect_equal(explained(daemon, "x.eu-west-1.amazonaws.com", "AAAA")["addresses"], ["10.0.0.2", "fd00::2"], "addresses")


@suite.case("a silent server is told so, and that nobody answers")
def silence(scene):
    daemon, upstream = live(scene)
    upstream.default = fake_dns.Reply(silent=True)
    found = explained(daemon, "quiet.example")
    expect_equal((found["alone"], "alone_records" in found), ("no answer", False), f"{found}")
    for number in range(4):
        daemon.client.ask(f"quiet{number}.example", timeout_s=8)
    wait_until(lambda: explained(daemon, "localhost.example")["servers"][0]["state"] == "silent", 20, "silent is told")


@suite.case("a special name is told without asking anybody")
def special(scene):
    daemon, upstream = live(scene)
    before = len(upstream.seen)
    found = explained(daemon, "localhost")
    expect("6761" in found["source"] and "upstream" not in found and "alone" not in found, f"{found}")
    expect_equal([s for s in upstream.seen[before:] if s.message.name.startswith("localhost")], [], "questions")


@suite.case("names of a zone are explained live, an alias with its addresses")
def live_zones(scene):
    zone = {"name": "corp.internal", "aliases": {"api.corp.internal": VPCE}}
    daemon, _ = live(scene, zones=[zone])
    wait_until(lambda: explained(daemon, "api.corp.internal")["addresses"], 5, "the alias has addresses")
    found = explained(daemon, "api.corp.internal")
    expect_equal((found["source"], found["addresses"], found["state"]), ("zone corp.internal", [PRIVATE], "fresh"), "alias")
    expect_equal(explained(daemon, "none.corp.internal")["rule"], "zones[0] no such name", "no such name")


@suite.case("an answer too long for UDP comes over TCP")
def truncated(scene):
    daemon, upstream = live(scene)
    full = fake_dns.addresses(PUBLIC)
    upstream.set("long.example.", {"udp": fake_dns.Reply(flags=0x0200), "tcp": full})
    expect_equal(explained(daemon, "long.example")["alone_records"][0]["value"], PUBLIC, "record")
    expect_equal(upstream.count("long.example.", transport="tcp"), 1, "questions over TCP")


@suite.case("of upstream's addresses it is told which are private: those of the blocks that are not routed in public")
def scopes(scene):
    daemon, upstream = live(scene)
    private = ("10.0.0.1", "172.16.0.1", "172.31.255.1", "192.168.0.1", "100.64.0.1", "100.127.0.1", "169.254.0.1",
               "127.0.0.1", "::1", "fc00::1", "fd00::1", "fe80::1", "febf::1")
    public = ("9.255.0.1", "11.0.0.1", "172.15.0.1", "172.32.0.1", "192.167.0.1", "192.169.0.1", "100.63.0.1",
              "100.128.0.1", "169.253.0.1", "128.0.0.1", "2a05:d018::1", "fe00::1", "fec0::1")
    upstream.set("many.example.", fake_dns.addresses(*private, *public))
    for kind, has in (("A", "."), ("AAAA", ":")):
        rows = explained(daemon, "many.example", kind)["alone_records"]
        expect_equal(sorted((row["value"], row["scope"]) for row in rows),
                     sorted([(address, "private") for address in private if has in address] +
                            [(address, "public") for address in public if has in address]), kind)


@suite.case("records of upstream that are no addresses are told as a zone's file has them, whatever they hold")
def other_records(scene):
    daemon, upstream = live(scene)
    for text, value in (("abc", '"abc"'), ("a\nb \x7f\"", '"a\\010b \\127\\""')):
        upstream.set("text.example.", lambda asked, text=text: fake_dns.Reply([message.txt(asked.name, text)]))
        row, = explained(daemon, "text.example", "TXT")["alone_records"]
        expect_equal((row["type"], row["value"], row["scope"]), ("TXT", value, ""), "record")
    upstream.set("text.example.", lambda asked: fake_dns.Reply([message.txt(asked.name, *["x" * 255] * 4)]))
    row, = explained(daemon, "text.example", "TXT")["alone_records"]
    expect(row["value"].startswith('"xxxx') and len(row["value"]) > 500, f"a long one: {row}")
    upstream.set("soa.example.", lambda asked: fake_dns.Reply([message.soa(asked.name)]))
    row, = explained(daemon, "soa.example", "SOA")["alone_records"]
    expect(re.fullmatch(r"\d+ octets", row["value"]), f"names that may be compressed: {row}")


@suite.case("wrong words and nobody there have their exit codes, and ctl explain says the same without asking")
def words(scene):
    for bad in (["--live"], ["--live", "a..b"], ["--live", "a.example", "NOTYPE"], ["-s", "x", "a.example"]):
        expect_equal(run(["explain", *bad]).returncode, USAGE, f"exit of explain {bad}")
    done = run(["explain", "--live", "-s", scene.path("nobody.sock"), "a.example"])
    expect_equal((done.returncode, done.stdout), (ENVIRONMENT, ""), f"nobody there: {done.stderr}")
    expect("nobody.sock" in done.stderr, done.stderr)
    daemon, upstream = live(scene)
    before = upstream.count("only.example.")
    found = json.loads(daemon.ctl("explain", "only.example", "AAAA", "--json").stdout)
    expect_equal((found["type"], found["source"], "alone" in found, upstream.count("only.example.")),
                 ("AAAA", "forwarded", False, before), "ctl explain")
    for bad in (["explain"], ["explain", "a.example", "NOTYPE"], ["explain", "a.example", "A", "A"]):
        expect_equal(daemon.ctl(*bad).returncode, USAGE, f"exit of ctl {bad}")


if __name__ == "__main__":
    suite.main()
