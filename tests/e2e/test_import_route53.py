#!/usr/bin/env python3
"""Private zones of Route 53 move over in one command: what comes out checks as it stands, and names lead where they led."""
import json
import os
import subprocess

from lib.cases import Suite, expect, expect_equal
from lib.daemon import BINARY, ROOT, run

suite = Suite("import_route53")
FINE, FOUND, USAGE = 0, 1, 2
GOLDEN = os.path.join(ROOT, "tests", "unit", "aws", "golden")
SOA = {"Name": "z.example.", "Type": "SOA", "TTL": 900,
       "ResourceRecords": [{"Value": "ns.aws. root.aws. 1 7200 900 1209600 86400"}]}


def imported(scene, name, *words):
    """The path of the configuration made from a zone of the unit test's."""
    output = scene.path(f"{name}.yaml")
    done = run(["import", "route53", os.path.join(GOLDEN, f"route53-{name}.json"), "-o", output, *words])
    expect_equal((done.returncode, done.stdout), (FINE, ""), done.stderr)
    checked = run(["check", "-q", "-c", output])
    expect_equal((checked.returncode, "error" in checked.stderr), (FINE, False), f"check: {checked.stderr}")
    return output


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def explained(config, name):
    done = run(["explain", "-c", config, name])
    expect_equal(done.returncode, FINE, f"explain {name}: {done.stderr}")
    return done.stdout


def refused(scene, records, code, told, *words):
    """A list of record sets is refused with these words, and nothing is written."""
    path = scene.write("bad.json", json.dumps({"ResourceRecordSets": records}))
    done = run(["import", "route53", path, "-o", scene.path("bad.yaml"), *words])
    expect_equal((done.returncode, done.stdout), (code, ""), done.stderr)
    expect(told in done.stderr, f"{told!r} is not in {done.stderr!r}")
    expect_equal(os.listdir(scene.folder), ["bad.json"], "files left behind")


@suite.case("a zone of VPC endpoints takes its names alone and leaves those around them public")
def endpoints(scene):
    config = imported(scene, "ecr", "--zone-file", scene.path("unused.zone"))
    expect(not os.path.exists(scene.path("unused.zone")), "a master file without a record")
    expect("vpce-0d1a2b3c4e5f60001-k3v9q1zx" in explained(config, "api.ecr.eu-west-1.amazonaws.com"), "no endpoint")
    expect("vpce-" not in explained(config, "x.api.ecr.eu-west-1.amazonaws.com"), "a name below it is taken")
    config = imported(scene, "s3")
    expect("vpce-0d1a2b3c4e5f60003" in explained(config, "bucket.s3.eu-west-1.amazonaws.com"), "no endpoint")


@suite.case("a zone with records of every type and policy checks with its master file")
def zone(scene):
    config = imported(scene, "corp", "--zone-file", scene.path("corp.zone"))
    expect("vpce-0aa0000000000000c" in explained(config, "grpc.corp.internal"), "grpc is no endpoint")
    expect("vpce-0aa0000000000000c" in explained(config, "x.apps.corp.internal"), "no alias of a wildcard")
    for name in ("one.apps.corp.internal", "db.corp.internal", "nowhere.corp.internal"):
        expect("vpce-" not in explained(config, name), f"{name} leads to an endpoint")


@suite.case("the configuration calls the master file from its own folder, wherever import was run")
def called(scene):
    os.makedirs(scene.path("q", "r"))
    for output, zone_file, name in (("c.yaml", "a.zone", "a.zone"), ("c.yaml", "q/a.zone", "q/a.zone"),
                                    ("q/c.yaml", "q/a.zone", "a.zone"), ("q/c.yaml", "q/r/a.zone", "r/a.zone"),
                                    ("q/c.yaml", "r.zone", scene.path("r.zone")),
                                    ("q/c.yaml", scene.path("q", "a.zone"), scene.path("q", "a.zone"))):
        done = subprocess.run([os.path.abspath(BINARY), "import", "route53", os.path.join(GOLDEN, "route53-corp.json"), "-o",
                               output, "--zone-file", zone_file], cwd=scene.folder, capture_output=True, text=True,
                              check=False, timeout=20, umask=0o27)
        expect_equal(done.returncode, FINE, done.stderr)
        modes = [os.stat(os.path.join(scene.folder, file)).st_mode & 0o777 for file in (output, zone_file)]
        expect_equal(modes, [0o640, 0o640], f"modes of {output} and {zone_file}")
        expect(f"    file: {name}\n" in read(scene.path(output)), f"{output} does not call {zone_file} {name}")
        expect_equal(run(["check", "-q", "-c", scene.path(output)]).returncode, FINE, f"check of {output}")


@suite.case("of sets with several values all are told or copied, and of an alias of several targets all targets")
def several(scene):
    def weighted(name, weight, label, **what):
        return {"Name": f"{name}.z.example.", "Type": "A", "Weight": weight, "SetIdentifier": label, **what}

    def target(name):
        return {"AliasTarget": {"HostedZoneId": "Z", "DNSName": name, "EvaluateTargetHealth": False}}
    values = {"TTL": 60, "ResourceRecords": [{"Value": "10.0.0.1"}, {"Value": "10.0.0.2"}]}
    records = [SOA, weighted("a", 0, "old", **values), weighted("a", 1, "new", TTL=60, ResourceRecords=[{"Value": "10.0.0.3"}]),
               weighted("b", 1, "one", **target("vpce-1-x.vpce-svc-1.eu-west-1.vpce.amazonaws.com.")),
               weighted("b", 1, "two", **target("vpce-2-x.vpce-svc-1.eu-west-1.vpce.amazonaws.com.")),
               {"Name": "c.z.example.", "Type": "A", **target("b.z.example.")}]
    done = run(["import", "route53", scene.write("sets.json", json.dumps({"ResourceRecordSets": records})),
                "-o", scene.path("z.yaml"), "--zone-file", scene.path("z.zone")])
    expect_equal(done.returncode, FINE, done.stderr)
    master = read(scene.path("z.zone"))
    expect("; weighted: left out: old (weight 0): 10.0.0.1, 10.0.0.2\na.z.example. 60 IN A 10.0.0.3\n" in master, master)
    for name in ("b.z.example", "c.z.example"):
        told = explained(scene.path("z.yaml"), name)
        expect("vpce-1-x" in told and "vpce-2-x" in told, f"targets of {name}: {told}")


@suite.case("what one endpoint has at any depth below the wildcard of another is excepted there")
def excepted(scene):
    records = [{"Name": f"{name}.z.example.", "Type": "A",
                "AliasTarget": {"HostedZoneId": "Z", "DNSName": f"{target}.vpce-svc-1.eu-west-1.vpce.amazonaws.com."}}
               for name, target in (("\\052.w", "vpce-1-x"), ("x.y.w", "vpce-2-x"), ("\\052.y.w", "vpce-1-x"))]
    done = run(["import", "route53", scene.write("sets.json", json.dumps({"ResourceRecordSets": [SOA, *records]}))])
    expect_equal(done.returncode, FINE, done.stderr)
    expect("    except:\n      - x.y.w.z.example\n" in done.stdout, done.stdout)
    config = scene.write("z.yaml", done.stdout)
    for name, target in (("x.y.w", "vpce-2-x"), ("z.y.w", "vpce-1-x"), ("y.w", "vpce-1-x")):
        expect(target in explained(config, f"{name}.z.example"), f"{name} does not lead to {target}")


@suite.case("what cannot be moved is told by its place, and nothing is written")
def not_moved(scene):
    record = {"Name": "a.z.example.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "10.0.0.1"}]}
    other = {**record, "ResourceRecords": [{"Value": "10.0.0.2"}], "Region": "us-east-1", "SetIdentifier": "b"}
    refused(scene, [SOA, record], USAGE, "ResourceRecordSets[1]: a.z.example. A: a record needs a master file; say "
            "where to write it with --zone-file")
    refused(scene, [record], USAGE, "tell it with --zone", "--zone-file", scene.path("z.zone"))
    refused(scene, [SOA, {**record, "Region": "eu-west-1", "SetIdentifier": "a"}, other], USAGE,
            "latency sets that differ, and none is for everybody: keep one of them (eu-west-1: 10.0.0.1; us-east-1: "
            "10.0.0.2)", "--zone-file", scene.path("z.zone"))
    refused(scene, [SOA], FOUND, "nothing but SOA and NS records")


if __name__ == "__main__":
    suite.main()
