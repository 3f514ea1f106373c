#!/usr/bin/env python3
"""The README's way from the AWS CLI to the proof: its commands, as they stand there, against endpoints of our own."""
import json
import os
import re
import subprocess

from lib import fake_dns, namespace
from lib.cases import Suite, expect, expect_equal, wait_until
from lib.certificates import Authority, TlsListener
from lib.daemon import BINARY, ROOT, Daemon, run

suite = Suite("readme")
HEADING = "## From your endpoints to proof"
NIGHT = "## At three in the morning"
SAMPLE = os.path.join(ROOT, "tests", "unit", "aws", "golden", "endpoints-sample.json")
ASKED = "prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com"
# What the certificates of AWS's endpoints have, by the label behind the endpoint's id.
SERVED = ("api.ecr", "*.dkr.ecr", "s3", "*.s3", "*.s3-control", "*.s3-accesspoint", "sts", "sqs", "autoscaling",
          "ecr.api.aws")


def section(heading=HEADING):
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        text = file.read()
    expect(heading in text, f"README.md has no '{heading}'")
    return text.split(heading, 1)[1].split("\n## ", 1)[0]


def commands(heading=HEADING):
    found = re.search(r"```sh\n(.*?)```", section(heading), re.S)
    expect(found, "the section has no commands")
    return found[1]


def write_program(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o755)


class Endpoints:
    """The sample's endpoints: each with an address of its own in 127.80/16, and TLS on port 443."""

    def __init__(self, scene):
        with open(SAMPLE, encoding="utf-8") as file:
            rows = json.load(file)["VpcEndpoints"]
        authority = Authority(scene.folder)
        files = authority.issue("endpoints", [*names_served(), "iam.amazonaws.com", "iam.global.api.aws",
                                              "ingress.private.eu1.coralogix.com"])
        self.certificate, rules = authority.certificate, {}
        for number, row in enumerate(rows, 1):
            address = f"127.80.0.{number}"
            scene.add(TlsListener(address, 443, "endpoint", files))
            for entry in row.get("DnsEntries", []):
                name = entry["DnsName"].removeprefix("*.")
                if name.startswith("vpce-"):
                    rules[(name + ".", "A")] = fake_dns.addresses(address)
        scene.add(fake_dns.FakeDns("127.0.0.1", 53, rules=rules))


def names_served():
    regional = [f"{label}.eu-west-1.amazonaws.com" for label in SERVED[:-1]]
    return regional + ["ecr.eu-west-1.api.aws", "dkr-ecr.eu-west-1.on.aws", "*.dkr-ecr.eu-west-1.on.aws",
                       "sts.eu-west-1.api.aws", "sqs.eu-west-1.api.aws"]


@suite.case("the commands from the AWS CLI to explain run as they stand, each without a complaint", limit_s=120,
            namespace_needed=True)
def story(scene):
    namespace.add_address("169.254.20.10")
    endpoints = Endpoints(scene)
    programs = scene.path("bin")
    os.makedirs(programs)
    write_program(programs, "aws", f"#!/bin/sh\n[ \"$1 $2\" = 'ec2 describe-vpc-endpoints' ] && cat '{SAMPLE}'\n")
    os.symlink(os.path.abspath(BINARY), os.path.join(programs, "local53"))
    done = subprocess.run(["bash", "-euxc", commands()], cwd=scene.path("."), capture_output=True, text=True, check=False,
                          timeout=100, env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}",
                                            "SSL_CERT_FILE": endpoints.certificate})
    told = f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    expect_equal(done.returncode, 0, f"exit, with {told}")
    expect(os.path.getsize(scene.path("local53.yaml")) > 500, "the configuration is not there")
    expect(re.search(r"all \d+ fine", done.stdout), f"probe: {told}")
    expect(re.search(rf"question: {re.escape(ASKED)} A\nsource: +endpoint s3", done.stdout), f"explain: {told}")
    for command in ("import", "check", "probe", "explain"):
        expect(f"local53 {command}" in done.stderr, f"{command} is not among the commands: {done.stderr[-600:]}")


# ---- At three in the morning -------------------------------------------------------------------------

def without_s3():
    """The sample's endpoints but those of S3: the mistake that the section finds."""
    with open(SAMPLE, encoding="utf-8") as file:
        whole = json.load(file)
    whole["VpcEndpoints"] = [row for row in whole["VpcEndpoints"] if not row["ServiceName"].endswith(".s3")]
    return json.dumps(whole)


def exit_codes(scene, environment):
    """Of the section's commands, in order: a pair of word and exit code; and all they printed."""
    text = commands(NIGHT)
    lines = text.splitlines()
    name, found, printed = lines[0], [], ""
    for line in lines[1:]:
        done = subprocess.run(["bash", "-uc", f"{name}\n{line}"], cwd=scene.path("."), capture_output=True, text=True,
                              check=False, timeout=60, env=environment)
        found.append((line.split("#")[0].split()[1], done.returncode))
        printed += done.stdout + done.stderr
    return found, printed


@suite.case("the commands for the night run as they stand, and find the endpoint that was forgotten", limit_s=120,
            namespace_needed=True)
def night(scene):
    namespace.add_address("169.254.20.10")
    namespace.own_run()
    endpoints = Endpoints(scene)
    file = scene.path("local53.yaml")
    done = run(["import", "vpc-endpoints", scene.write("endpoints.json", without_s3()), "-o", file])
    expect_equal(done.returncode, 0, f"import: {done.stderr}")
    with open(file, "a", encoding="utf-8") as config:
        config.write("\naws:\n  resolver: 127.0.0.1\n")
    daemon = NightDaemon(scene, None, address="169.254.20.10", port=53, config=file)
    wait_until(lambda: daemon.ctl("ready").returncode == 0, 10, "it is ready")
    daemon.client.ask(ASKED)
    os.makedirs(scene.path("bin"))
    os.symlink(os.path.abspath(BINARY), os.path.join(scene.path("bin"), "local53"))
    found, printed = exit_codes(scene, {**os.environ, "PATH": f"{scene.path('bin')}:{os.environ['PATH']}",
                                        "LOCAL53_CONFIG": file, "SSL_CERT_FILE": endpoints.certificate})
    expect_equal(found, [("doctor", 0), ("ctl", 0), ("explain", 0), ("ctl", 0), ("probe", 1)], f"exits: {printed}")
    shown = re.search(r"says:\n\n```\n(.*?)```", section(NIGHT), re.S)[1]
    expect(shown in printed, f"explain --live does not say {shown!r} in {printed[1500:]}")
    expect(re.search(rf"{re.escape(ASKED)} .*service: s3, region: eu-west-1", printed), f"leaks: {printed}")


class NightDaemon(Daemon):
    """With the import's own addresses and its default of control."""

    control = "/run/local53/control.sock"

    def _wait_alive(self):
        wait_until(lambda: os.path.exists(self.control), 10, "its control socket")


if __name__ == "__main__":
    suite.main()
