#!/usr/bin/env python3
"""diff as its reader sees it: which names change between two configurations, by their rules and by a file of names."""
import json
import re
import subprocess

from lib.cases import Suite, expect, expect_equal
from lib.daemon import BINARY, ROOT, run

suite = Suite("diff")
FINE, FOUND, USAGE = 0, 1, 2
VPCE = "vpce-0d1a2b3c4e5f60001-k3v9q1zx.api.ecr.eu-west-1.vpce.amazonaws.com"
OLD = """listen: [127.0.0.1:5399]
endpoints:
  - {service: sqs, region: eu-west-1, addresses: [10.0.0.1, 10.0.0.2]}
  - {names: ["*.corp.example"], addresses: [10.0.0.3]}
forward:
  - {zone: ".", servers: [192.0.2.53]}
"""
# sqs has moved and turned round, corp has lost a name, ecr is new.
NEW = f"""listen: [127.0.0.1:5399]
endpoints:
  - {{names: ["*.corp.example"], addresses: [10.0.0.3], except: [www.corp.example]}}
  - {{names: [api.ecr.eu-west-1.amazonaws.com], target: {VPCE}}}
  - {{service: sqs, region: eu-west-1, addresses: [10.0.0.2, 10.0.0.1]}}
forward:
  - {{zone: ".", servers: [192.0.2.53]}}
"""
CHANGES = f"""api.ecr.eu-west-1.amazonaws.com  - forwarded .: 192.0.2.53:53  + endpoint api.ecr.eu-west-1.amazonaws.com: {VPCE}
www.corp.example  - endpoint *.corp.example: 10.0.0.3  + forwarded .: 192.0.2.53:53
"""


def pair(scene):
    return scene.write("old.yaml", OLD), scene.write("new.yaml", NEW)


@suite.case("names that change are told with what they were and are, the rest is counted")
def told(scene):
    done = run(["diff", *pair(scene)])
    expect_equal((done.returncode, done.stdout), (FOUND, CHANGES), f"diff: {done.stderr}")
    expect(done.stderr.startswith("2 names change, ") and done.stderr.endswith(" do not\n"), done.stderr)


@suite.case("the other way round the same names change back")
def reversed_pair(scene):
    old, new = pair(scene)
    done = run(["diff", new, old])
    wanted = "".join(f"{name}  - {new}  + {old}\n" for name, old, new in
                     (line.replace("  - ", "\t").replace("  + ", "\t").split("\t") for line in CHANGES.splitlines()))
    expect_equal((done.returncode, done.stdout), (FOUND, wanted), f"diff: {done.stderr}")


@suite.case("a configuration and its normalised form do not differ")
def equal(scene):
    for file in pair(scene):
        again = scene.write("again.yaml", run(["check", "-c", file]).stdout)
        for other in (file, again):
            done = run(["diff", file, other])
            expect_equal((done.returncode, done.stdout), (FINE, ""), f"diff {file} {other}: {done.stderr}")
            expect(done.stderr.startswith("0 names change, "), done.stderr)


@suite.case("--json tells the same to programs")
def as_json(scene):
    old, new = pair(scene)
    done = run(["diff", "--json", old, new])
    answer = json.loads(done.stdout)
    expect_equal((done.returncode, done.stderr, answer["changed"]), (FOUND, "", 2), "diff --json")
    expect_equal(answer["changes"][1],
                 {"name": "www.corp.example", "times": 0,
                  "old": {"source": "endpoint", "label": "*.corp.example", "values": ["10.0.0.3"]},
                  "new": {"source": "forwarded", "label": ".", "values": ["192.0.2.53:53"]}}, "a change")
    same = json.loads(run(["diff", "--json", old, old]).stdout)
    expect_equal((same["changes"], same["changed"], same["same"] > 0), ([], 0, True), "no change")


@suite.case("a file of 1,000 names is tried name by name, the same ones once")
def replay(scene):
    old, new = pair(scene)
    lines = ["; made up", "# as well", ""]
    for i in range(250):
        lines += [f"host{i}.corp.example A", "WWW.corp.example AAAA\r", "www.corp.example.\tTYPE65", f"host{i}.example"]
    done = run(["diff", old, new, "--replay", scene.write("names", "\n".join(lines) + "\n")])
    without = int(run(["diff", old, new]).stderr.split()[3])
    expect_equal((done.returncode, done.stdout),
                 (FOUND, CHANGES.replace("www.corp.example ", "www.corp.example (500 times) ")), f"diff: {done.stderr}")
    expect_equal(done.stderr, f"2 names change, {without + 500} do not\n", "counts")


@suite.case("names come from stdin too, also when no rule changes but theirs")
def replay_of_stdin(scene):
    old, _ = pair(scene)
    new = scene.write("wild.yaml", OLD.replace('["*.corp.example"]', '["*.corp.example", "*.shop.example"]'))
    done = subprocess.run([BINARY, "diff", old, new, "-r", "-"], input="a.b.shop.example A\nshop.example\n",
                          capture_output=True, text=True, check=False, timeout=20)
    change = "  - forwarded .: 192.0.2.53:53  + endpoint *.corp.example: 10.0.0.3\n"
    expect_equal((done.returncode, done.stdout),
                 (FOUND, f"*.shop.example{change}a.b.shop.example (1 time){change}"), f"diff: {done.stderr}")


@suite.case("records, aliases and the end of a private zone are told name by name")
def private_zones(scene):
    zone = "$TTL 300\n@ SOA ns hostmaster {serial} 60 60 60 60\n@ NS ns\nwww A 10.0.0.8\ndb CNAME www\n*.apps A 10.0.0.9\n{more}"
    scene.write("old.zone", zone.format(serial=1, more="old TXT going\nturn A 10.0.0.1\nturn A 10.0.0.2\n"))
    scene.write("new.zone", zone.format(serial=2, more="new 60 MX 10 www\nturn A 10.0.0.2\nturn A 10.0.0.1\n"))
    text = OLD + "zones:\n  - {name: corp.internal, file: ZONE, aliases: {api.corp.internal: TARGET.example}}\n"
    old = scene.write("old.yaml", text.replace("ZONE", "old.zone").replace("TARGET", "one"))
    new = scene.write("new.yaml", text.replace("ZONE", "new.zone").replace("TARGET", "two"))
    done = run(["diff", old, new])
    expect_equal((done.returncode, done.stdout.splitlines()), (FOUND, [
        "api.corp.internal  - alias of zone corp.internal: one.example  + alias of zone corp.internal: two.example",
        "new.corp.internal  - zone corp.internal: NXDOMAIN  + zone corp.internal: 60 MX 10 www.corp.internal.",
        'old.corp.internal  - zone corp.internal: 300 TXT "going"  + zone corp.internal: NXDOMAIN']), done.stderr)
    gone = [line.split("  ")[0] for line in run(["diff", new, scene.write("none.yaml", OLD)]).stdout.splitlines()]
    expect_equal(gone, ["corp.internal", "*.corp.internal", "api.corp.internal", "apps.corp.internal", "*.apps.corp.internal",
                        "db.corp.internal", "new.corp.internal", "turn.corp.internal", "www.corp.internal"], "names of the zone")


@suite.case("bad lines of names are told with their places, the others are compared, and the exit code tells of it")
def bad_replay(scene):
    lines = ("www.corp.example A", "", "a..b A", "www.corp.example QQ", "a.example A IN", "www.corp.example AAAA")
    names = scene.write("names", "\n".join(lines))
    done = run(["diff", *pair(scene), "--replay", names])
    expect_equal((done.returncode, done.stdout), (USAGE, CHANGES.replace("www.corp.example ", "www.corp.example (2 times) ")),
                 f"diff: {done.stderr}")
    told = [f"local53 diff: {names}:{place}" for place in ("3: 'a..b' is not a domain name",
                                                           "4: 'QQ' is not a record type (A, AAAA, TYPE65 ...)",
                                                           "5: 'IN' is one word too many: NAME [TYPE] a line")]
    expect_equal(done.stderr.splitlines()[:-1], told, "what is told")
    expect(re.fullmatch(r"2 names change, \d+ do not; 3 bad lines were left out", done.stderr.splitlines()[-1]), done.stderr)
    answer = json.loads(run(["diff", *pair(scene), "--replay", names, "--json"]).stdout)
    expect_equal((answer["changed"], answer["bad_lines"]), (2, 3), "diff --json")
    old = pair(scene)[0]
    expect_equal(run(["diff", old, old, "--replay", names]).returncode, USAGE, "exit where nothing changes")


@suite.case("of many bad lines the first ten are told, the others counted")
def many_bad_lines(scene):
    names = scene.write("names", "a..b\n" * 25 + "www.corp.example\n")
    done = run(["diff", *pair(scene), "--replay", names])
    expect_equal((done.returncode, done.stdout.count("(1 time)")), (USAGE, 1), f"diff: {done.stderr}")
    expect_equal(done.stderr.count("is not a domain name"), 10, "lines told")
    expect(f"{names}:10: " in done.stderr and f"{names}: 15 more bad lines" in done.stderr, done.stderr)
    expect(done.stderr.endswith("; 25 bad lines were left out\n"), done.stderr)


@suite.case("a file that is no list of names is told by its first line that cannot be one")
def no_names(scene):
    longest = "www.corp.example" + " " * (4096 - len("www.corp.example A")) + " A"
    for line, code, words in ((longest, FOUND, ""), (longest + " ", USAGE, ":1: longer than 4096 octets"),
                              ("\0" * (1 << 24), USAGE, ":1: longer than 4096 octets"),
                              ("www.corp.example\nw\0w\0w\0", USAGE, ":2: 'w' is followed by an octet of value 0")):
        done = run(["diff", *pair(scene), "--replay", scene.write("names", line)])
        expect_equal(done.returncode, code, f"diff: {done.stderr}")
        expect(words in done.stderr, f"{words}: {done.stderr}")
        expect_equal("longer" in words, done.stdout == "", f"what is compared: {done.stdout}")


@suite.case("a file of names that is not there is told, and nothing is compared")
def no_replay(scene):
    done = run(["diff", *pair(scene), "--replay", scene.path("nobody")])
    expect_equal((done.returncode, done.stdout), (USAGE, ""), "diff without the file")
    expect("nobody: No such file" in done.stderr, done.stderr)


@suite.case("a configuration that is wrong is told as check tells it")
def bad_configuration(scene):
    old, new = pair(scene)
    bad = scene.write("bad.yaml", OLD.replace("sqs", "sqz"))
    for files in ((bad, new), (old, bad)):
        done = run(["diff", *files])
        expect_equal((done.returncode, done.stdout), (USAGE, ""), f"diff {files}")
        expect(f"{bad}:3:" in done.stderr and "sqs" in done.stderr, done.stderr)
    expect_equal(run(["diff", old, scene.path("nobody.yaml")]).returncode, USAGE, "diff without a file")


@suite.case("wrong usage exits 2, and the example of --help runs")
def usage(scene):
    old, new = pair(scene)
    for words in ([], [old], [old, new, old], [old, new, "--wrong"], [old, new, "--replay"]):
        done = run(["diff", *words])
        expect_equal((done.returncode, done.stdout), (USAGE, ""), f"diff {words}")
        expect("--help" in done.stderr, done.stderr)
    example = run(["diff", "--help"]).stdout.split("Example:\n  local53 ")[1].split("\n")[0]
    done = subprocess.run([BINARY, *example.split()], cwd=ROOT, capture_output=True, text=True, check=False, timeout=20)
    expect(done.returncode == FOUND and "- endpoint" in done.stdout, f"local53 {example}: {done.stderr}")


if __name__ == "__main__":
    suite.main()
