#!/usr/bin/env python3
"""Import from the AWS CLI's JSON: what comes out checks as it stands, and a failure leaves every file as it was."""
import json
import os
import subprocess

from lib.cases import Suite, expect, expect_equal
from lib.daemon import BINARY, ROOT, SANITIZER, run

suite = Suite("import")
FINE, FOUND, USAGE, ENVIRONMENT = 0, 1, 2, 3
GOLDEN = os.path.join(ROOT, "tests", "unit", "aws", "golden")
SAMPLE = os.path.join(GOLDEN, "endpoints-sample.json")
LIMIT_OCTETS = 100_000_000
KEPT = "listen: [127.0.0.1:5399] # mine\n"


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def piped(arguments, octets):
    """The command with octets on stdin; texts of what it says."""
    done = subprocess.run([BINARY, *arguments], input=octets, capture_output=True, check=False, timeout=30)
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    expect(not SANITIZER.search(done.stderr), f"sanitizer report: {done.stderr[-1500:]}")
    return done


def refused(scene, octets, *told):
    """vpc-endpoints of these octets is refused with these words, and an output file stays as it was."""
    path, output = scene.path("bad.json"), scene.write("kept.yaml", KEPT)
    with open(path, "wb") as file:
        file.write(octets)
    for arguments in (["-o", output], ["-o", scene.path("new.yaml")], []):
        done = run(["import", "vpc-endpoints", path, *arguments])
        expect_equal((done.returncode, done.stdout), (USAGE, ""), f"{octets[:40]!r}: {done.stderr}")
        for words in told:
            expect(words.replace("FILE", path) in done.stderr, f"{words!r} is not in {done.stderr!r}")
        expect_equal(done.stderr.count("\n"), 1, f"lines of {done.stderr!r}")
    expect_equal(read(output), KEPT, "the output file")
    expect_equal(sorted(os.listdir(scene.folder)), ["bad.json", "kept.yaml"], "files left behind")


# ---- What comes out -------------------------------------------------------------------------------

@suite.case("the AWS CLI's answer becomes a configuration that checks as it stands")
def sample(scene):
    with open(SAMPLE, "rb") as file:
        done = piped(["import", "vpc-endpoints", "-"], file.read())
    expect_equal(done.returncode, FINE, done.stderr)
    expect("8 endpoints, 2 left out (see the comments)" in done.stderr, done.stderr)
    checked = run(["check", "-c", scene.write("sample.yaml", done.stdout)])
    expect_equal(checked.returncode, FINE, f"check: {checked.stderr}")
    for name in ("vpce-0d1a2b3c4e5f60001-k3v9q1zx", "ingress.private.eu1.coralogix.com", "dkr.ecr"):
        expect(name in checked.stdout, f"{name} is nowhere in {checked.stdout}")
    told = run(["explain", "-c", scene.path("sample.yaml"), "bucket.s3.eu-west-1.amazonaws.com"])
    expect("vpce-0d1a2b3c4e5f60003" in told.stdout, f"explain: {told.stdout}{told.stderr}")


@suite.case("each imported configuration beside the unit tests checks as it stands")
def golden(_scene):
    names = [name for name in os.listdir(GOLDEN) if name.startswith("endpoints-") and name.endswith(".yaml")]
    expect(len(names) >= 15, f"only {names}")
    for name in names:
        checked = run(["check", "-q", "-c", os.path.join(GOLDEN, name)])
        expect_equal(checked.returncode, FINE, f"{name}: {checked.stderr}")


@suite.case("image layers that a gateway endpoint serves are not taken for forgotten")
def gateway(scene):
    source, output = os.path.join(GOLDEN, "endpoints-gateway.json"), scene.path("out.yaml")
    expect_equal(run(["import", "vpc-endpoints", source, "--region", "eu-west-1", "-o", output]).returncode, FINE, "")
    done = run(["check", "--strict", "-q", "-c", output])
    expect_equal((done.returncode, done.stderr), (FINE, ""), "check --strict")


@suite.case("names of --services and addresses of --interfaces are taken")
def other_files(scene):
    for kind, words in (("services", "newservice.eu-west-1.api.aws"), ("interfaces", '"10.80.2.41" # eu-west-1b')):
        base = os.path.join(GOLDEN, f"endpoints-{kind}")
        output = scene.path(f"{kind}.yaml")
        done = run(["import", "vpc-endpoints", f"{base}.json", f"--{kind}", f"{base}.{kind}.json", "-o", output])
        expect_equal((done.returncode, done.stdout), (FINE, ""), done.stderr)
        expect(words in read(output), f"{words} is not in {read(output)}")
        expect_equal(run(["check", "-q", "-c", output]).returncode, FINE, f"check of {output}")


@suite.case("--vpc takes the endpoints of one VPC, and one that has none is refused with those that have some")
def vpc(scene):
    mine, other, output = "vpc-0a1b2c3d4e5f60718", "vpc-0e5f607182930a1b2", scene.path("vpc.yaml")
    done = run(["import", "vpc-endpoints", SAMPLE, "--vpc", mine, "-o", output])
    expect_equal((done.returncode, done.stdout), (FINE, ""), done.stderr)
    expect(f"# Left out by --vpc {mine}: 7 in {other}." in read(output), read(output)[:400])
    expect_equal((read(output).count(f" in {mine}\n"), read(output).count(f" in {other}\n")), (3, 0), "endpoints of each VPC")
    expect_equal(run(["check", "-q", "-c", output]).returncode, FINE, "check")
    before = read(output)
    done = run(["import", "vpc-endpoints", SAMPLE, "--vpc", "vpc-1", "-o", output])
    expect_equal((done.returncode, read(output)), (USAGE, before), done.stderr)
    expect(f"no endpoint is in vpc-1; there are 3 in {mine}, 7 in {other}" in done.stderr, done.stderr)


@suite.case("an output file is replaced whole and keeps its mode")
def replaced(scene):
    output = scene.write("out.yaml", KEPT)
    os.chmod(output, 0o640)
    done = run(["import", "vpc-endpoints", SAMPLE, "--region", "eu-west-1", "-o", output])
    expect_equal((done.returncode, done.stdout), (FINE, ""), done.stderr)
    expect("region: eu-west-1" in read(output) and KEPT not in read(output), read(output)[:200])
    expect_equal(os.stat(output).st_mode & 0o777, 0o640, "mode")
    expect_equal(os.listdir(scene.folder), ["out.yaml"], "files left behind")
    done = run(["import", "vpc-endpoints", SAMPLE, "-o", "/dev/stdout"])
    expect(done.returncode == FINE and "listen:" in done.stdout, f"to /dev/stdout: {done.stderr}")


@suite.case("an output that is a link stays one, and the file it leads to is replaced")
def linked(scene):
    kept = scene.write("kept.yaml", KEPT)
    os.symlink("kept.yaml", scene.path("link.yaml"))
    done = run(["import", "vpc-endpoints", SAMPLE, "-o", scene.path("link.yaml")])
    expect_equal(done.returncode, FINE, done.stderr)
    expect(os.path.islink(scene.path("link.yaml")) and "endpoints:" in read(kept), read(kept)[:200])
    expect_equal(sorted(os.listdir(scene.folder)), ["kept.yaml", "link.yaml"], "files left behind")


# ---- What does not --------------------------------------------------------------------------------

@suite.case("what is no JSON is told with file, line and column, and nothing is written")
def no_json(scene):
    text = read(SAMPLE).encode()
    refused(scene, text[:len(text) // 2], "FILE:", "the file ends too early")
    refused(scene, b"", "FILE: empty")
    refused(scene, b'{"VpcEndpoints": [\n{"VpcId": "\xff"}]}', "FILE:2:", "must be UTF-8")
    refused(scene, "{}".encode("utf-16"), "FILE:1:", "must be UTF-8")
    refused(scene, b"VpcEndpoints:\n- x\n", "FILE:1:", "--output json")
    refused(scene, text + text, "FILE:", "one JSON document is expected")
    refused(scene, b"[" * 100_000, "FILE:1:", "nested too deep")


@suite.case("JSON of another shape is told with its path, and nothing is written")
def other_shape(scene):
    refused(scene, b"[]", "FILE: found a list, expected an object: what aws prints without --query")
    refused(scene, b'{"ResourceRecordSets": []}', "FILE: VpcEndpoints: found nothing, expected the list of")
    refused(scene, b'{"VpcEndpoints": [{"DnsEntries": [{"DnsName": 3}]}]}',
            "FILE: VpcEndpoints[0].DnsEntries[0].DnsName: found a number, expected text")


@suite.case("a file over 100 MB is refused")
def huge(scene):
    path = scene.path("huge.json")
    with open(path, "wb") as file:
        file.truncate(LIMIT_OCTETS + 1)
    done = run(["import", "vpc-endpoints", path])
    expect_equal((done.returncode, done.stdout), (USAGE, ""), done.stderr)
    expect(f"{path}: longer than {LIMIT_OCTETS} octets (100 MB)" in done.stderr, done.stderr)


@suite.case("without an endpoint to take it exits 1 and says why, and nothing is written")
def nothing(scene):
    rows = {"VpcEndpoints": [{"VpcEndpointId": "vpce-1", "VpcEndpointType": "Gateway", "State": "available"}]}
    done = run(["import", "vpc-endpoints", scene.write("gateway.json", json.dumps(rows)), "-o", scene.path("out.yaml")])
    expect_equal((done.returncode, done.stdout), (FOUND, ""), done.stderr)
    expect("vpce-1: Gateway endpoint" in done.stderr, done.stderr)
    expect(not os.path.exists(scene.path("out.yaml")), "a file was written")


@suite.case("an output that cannot be written leaves the other one as it was")
def unwritable(scene):
    zone_file = scene.write("corp.zone", KEPT)
    done = run(["import", "route53", os.path.join(GOLDEN, "route53-corp.json"), "--zone-file", zone_file,
                "-o", scene.path("no", "such", "folder.yaml")])
    expect_equal(done.returncode, ENVIRONMENT, done.stderr)
    expect("cannot be written" in done.stderr, done.stderr)
    expect_equal((read(zone_file), os.listdir(scene.folder)), (KEPT, ["corp.zone"]), "the zone's file")
    done = run(["import", "vpc-endpoints", SAMPLE, "-o", scene.folder])
    expect_equal((done.returncode, done.stderr),
                 (ENVIRONMENT, f"local53 import: {scene.folder} cannot be written: Is a directory\n"), "a folder")


@suite.case("two files that are one are refused, and it stays as it was")
def one_file(scene):
    zone = scene.write("zone.json", read(os.path.join(GOLDEN, "route53-corp.json")))
    os.symlink("zone.json", scene.path("link.json"))
    for output, zone_file in ((scene.path("a"), scene.path(".", "a")), (zone, scene.path("b")),
                              (scene.path("a"), scene.path("link.json"))):
        done = run(["import", "route53", zone, "--zone-file", zone_file, "-o", output])
        expect_equal((done.returncode, "the same file" in done.stderr), (USAGE, True), done.stderr)
    expect_equal(sorted(os.listdir(scene.folder)), ["link.json", "zone.json"], "files written")
    expect(read(zone).startswith("{"), "the file read was written to")


@suite.case("wrong usage exits 2 and says what to try")
def usage(scene):
    for words, told in (([], "route53"), (["vpc-endpoint", SAMPLE], "did you mean 'vpc-endpoints'"),
                        (["vpc-endpoints"], "FILE is missing"), (["vpc-endpoints", SAMPLE, "x"], "one word too many"),
                        (["vpc-endpoints", SAMPLE, "--zone", "x"], "not for vpc-endpoints"),
                        (["route53", SAMPLE, "--services", "x"], "not for route53"),
                        (["route53", SAMPLE, "--vpc", "vpc-1"], "not for route53"),
                        (["vpc-endpoints", SAMPLE, "--region", "Ireland"], "no region"),
                        (["route53", SAMPLE, "--zone-file", "-"], "takes a file"),
                        (["vpc-endpoints", scene.path("none.json")], "cannot be read")):
        done = run(["import", *words])
        expect_equal((done.returncode, done.stdout), (USAGE, ""), f"{words}: {done.stderr}")
        expect(told in done.stderr, f"{words}: {done.stderr}")


if __name__ == "__main__":
    suite.main()
