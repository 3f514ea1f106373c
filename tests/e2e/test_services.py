#!/usr/bin/env python3
"""local53 services as its users see it, and every row of the catalogue against botocore's endpoint data."""
import json
import re
import subprocess

from lib import botocore_names
from lib.cases import Suite, expect, expect_equal
from lib.daemon import BINARY, ROOT, run

suite = Suite("services")
FINE, USAGE = 0, 2
REGION = "eu-west-1"
TARGET = "vpce-0d1a2b3c4e5f60003-pq7r2s1t.s3.eu-west-1.vpce.amazonaws.com"
TOLD_MAX = 90  # errors asked of one check, which tells a hundred


def listed(*words):
    """The objects of services --json."""
    done = run(["services", "--json", *words])
    expect_equal((done.returncode, done.stderr), (FINE, ""), f"services --json {words}")
    return json.loads(done.stdout)


def told(*words):
    done = run(["services", *words])
    expect_equal((done.returncode, done.stderr), (FINE, ""), f"services {words}")
    return done.stdout


# ---- The command ----------------------------------------------------------------------------------

@suite.case("help has a usage, and its example runs as it is written")
def help_example(_scene):
    text = run(["services", "--help"]).stdout
    expect("Usage: local53 services" in text and len(text.splitlines()) < 24, text)
    example = re.search(r"Example:\n +local53 (.*)", text)[1]
    done = subprocess.run([BINARY, *example.split()], cwd=ROOT, capture_output=True, text=True, check=False, timeout=20)
    expect_equal(done.returncode, FINE, f"local53 {example}: {done.stderr}")
    expect("*.dkr.ecr.eu-west-1.amazonaws.com" in done.stdout, done.stdout)
    expect("services" in run(["--help"]).stdout, "services is not among the commands")


@suite.case("without a name each service has a line with its first name")
def table(_scene):
    lines = told().splitlines()
    expect(len(lines) >= 190, f"only {len(lines)} services")
    expect(any(re.fullmatch(r"kinesis-streams +kinesis\.\{region\}\.amazonaws\.com", line) for line in lines),
           "kinesis-streams is not asked as kinesis")
    expect(any(re.fullmatch(r"ecr\.dkr +\*\.dkr\.ecr\.cn-north-1\.amazonaws\.com\.cn and 2 more", line)
               for line in told("--region", "cn-north-1").splitlines()), "no ecr.dkr in China")


@suite.case("a name tells all names, switches, evidence, a note and lines that check as they are")
def one(scene):
    text = told("s3", "--region", REGION)
    for wanted in ("names:      s3.eu-west-1.amazonaws.com\n            *.s3.eu-west-1", "evidence:   ", "note:       ",
                   "dualstack:  s3.dualstack.eu-west-1.amazonaws.com", "service: s3\n    region: eu-west-1\n"):
        expect(wanted in text, f"{wanted!r} is not in {text}")
    lines = text[text.index("endpoints:"):].replace("TARGET", TARGET)
    done = run(["check", "-q", "-c", scene.write("pasted.yaml", 'listen: ["127.0.0.1:5399"]\n' + lines)])
    expect_equal((done.returncode, done.stderr), (FINE, ""), "check of what was pasted")
    expect("endpoint service of its own: sqs-fips" in told("sqs"), "the FIPS service of sqs is not told")


@suite.case("what goes wrong with a service stands in its note, and names that its endpoint does not have are no rows")
def notes(_scene):
    for service, words in (("s3", ("Dual-stack names only on dual-stack endpoints", "gateway endpoint in the same region")),
                           ("execute-api", ("every API of the region",)), ("sqs", ("queue.amazonaws.com", "not answered")),
                           ("sts", ("sts.amazonaws.com is not answered",)), ("iam", ("us-east-1",)),
                           ("ecr.api", ("ecr.dkr and s3 of the same region",)), ("ecr.dkr", ("s3",)),
                           ("monitoring", ("FIPS names are among those",)), ("eks", ("oidc",))):
        row, = listed(service)
        expect(all(word in row["note"] for word in words), f"{service}: {row['note']}")
    for service in ("sqs", "sts", "kms", "ec2"):
        row, = listed(service)
        expect_equal((row["fips"], row["fips_service"]), ([], f"{service}-fips"), service)
    every = {name for row in listed("--region", "us-east-1") for kind in ("names", "dualstack", "fips") for name in row[kind]}
    expect_equal(every & {"sts.amazonaws.com", "queue.amazonaws.com", "us-east-1.queue.amazonaws.com", "s3.amazonaws.com",
                          "s3-us-east-1.amazonaws.com", "s3-fips.us-east-1.amazonaws.com"}, set(), "legacy names")


@suite.case("check takes every service that is listed")
def all_taken(scene):
    lines = ['listen: ["127.0.0.1:5399"]', "endpoints:"]
    for row in listed():
        lines += [f"  - service: {row['service']}", f"    region: {REGION}", "    addresses: 10.0.0.1"]
    done = run(["check", "-q", "-c", scene.write("all.yaml", "\n".join(lines) + "\n")])
    expect_equal((done.returncode, "error" in done.stderr), (FINE, False), f"check: {done.stderr}")


@suite.case("check takes the switches exactly where services lists names for them")
def switches(scene):
    rows = listed("--region", REGION)
    for key, fits in (("dualstack", is_dualstack), ("fips", is_fips)):
        known = [row for row in rows if any(fits(name) for name in row["names"] + row[key])]
        done = check_switched(scene, known, key)
        expect_equal((done.returncode, "error" in done.stderr), (FINE, False), f"check with {key}: {done.stderr}")
        others = [row for row in rows if row not in known]
        for start in range(0, len(others), TOLD_MAX):
            refused_one_by_one(scene, others[start:start + TOLD_MAX], key)


def refused_one_by_one(scene, rows, key):
    done = check_switched(scene, rows, key)
    refused = re.findall(rf"error: endpoints\[(\d+)\]\.{key}: (.*)", done.stderr)
    expect_equal([int(index) for index, _ in refused], list(range(len(rows))), f"refused with {key}: {done.stderr}")
    for row, (_, why) in zip(rows, refused):
        wanted = row["fips_service"] if key == "fips" and row["fips_service"] else f'"{row["service"]}"'
        expect(wanted in why, f"{row['service']}: {why}")


def check_switched(scene, rows, key):
    """check of a configuration with an endpoint a row, its switch on."""
    lines = ['listen: ["127.0.0.1:5399"]', "endpoints:"]
    lines += [f'  - {{service: "{row["service"]}", region: {REGION}, {key}: true, addresses: 10.0.0.1}}'
              for row in rows]
    return run(["check", "-q", "-c", scene.write("on.yaml", "\n".join(lines) + "\n")])


@suite.case("full service names of every partition are taken, with their region")
def full_names(_scene):
    for word, service, name in (
            ("com.amazonaws.eu-west-1.ecr.api", "ecr.api", "api.ecr.eu-west-1.amazonaws.com"),
            ("cn.com.amazonaws.cn-north-1.ecr.api", "ecr.api", "api.ecr.cn-north-1.amazonaws.com.cn"),
            ("com.amazonaws.iam", "iam", "iam.amazonaws.com"),
            ("aws.sagemaker.eu-west-1.notebook", "aws.sagemaker:notebook", "*.notebook.eu-west-1.sagemaker.aws")):
        row, = listed(word)
        expect_equal((row["service"], row["names"][0]), (service, name), word)
    expect_equal(listed("com.amazonaws.eu-west-1.sqs", "--region", "eu-west-2")[0]["region"], "eu-west-2", "--region")


@suite.case("a host name tells its service, with the region and the switches it needs")
def host_names(_scene):
    for name, lines in (("api.ecr.eu-west-1.amazonaws.com", ["service: ecr.api", "region: eu-west-1"]),
                        ("b.s3.dualstack.eu-west-1.amazonaws.com", ["service: s3", "dualstack: true"]),
                        ("1.dkr.ecr.cn-north-1.amazonaws.com.cn.", ["service: ecr.dkr", "region: cn-north-1"]),
                        ("*.dkr.ecr.eu-west-1.amazonaws.com", ["service: ecr.dkr"]),
                        ("IAM.amazonaws.com", ["service: iam", "    target: TARGET"])):
        text = told(name)
        expect(all(line in text[text.index("endpoints:"):] for line in lines), f"{name}: {text}")
    expect_equal([row["service"] for row in listed("kinesis.eu-west-1.amazonaws.com")], ["kinesis-streams"], "--json")
    for name, words in (("sts.amazonaws.com", "no endpoint service"), ("www.example.com", "unknown service"),
                        ("oidc.eks.eu-west-1.amazonaws.com", "no endpoint service")):
        done = run(["services", name])
        expect_equal((done.returncode, done.stdout), (USAGE, ""), name)
        expect(words in done.stderr, f"{name}: {done.stderr}")


@suite.case("an unknown service exits 2 with the nearest ones, wrong usage with a way on")
def unknown(_scene):
    for word, nearest in (("ecr", ["ecr.api", "ecr.dkr"]), ("firehose", ["kinesis-firehose"]), ("sqss", ["sqs"]),
                          ("com.amazonaws.eu-west-1.ecr.apo", ["ecr.api"])):
        done = run(["services", word])
        expect_equal((done.returncode, done.stdout), (USAGE, ""), f"services {word}")
        expect(all(near in done.stderr for near in nearest), f"{word}: {done.stderr}")
    for words in (["--region", "nowhere"], ["sqs", "ec2"], ["--wrong"], ["--region"]):
        done = run(["services", *words])
        expect_equal((done.returncode, "--help" in done.stderr), (USAGE, True), f"services {words}: {done.stderr}")


@suite.case("names that only other partitions' spellings would have are left out, and said to be unknown")
def unknown_names(_scene):
    expect("none is known in cn-north-1" in told("aws.sagemaker:notebook", "--region", "cn-north-1"), "no word on it")
    expect_equal(listed("aws.sagemaker:notebook", "--region", "cn-north-1")[0]["names"], [], "names in China")


# ---- botocore -------------------------------------------------------------------------------------

# Fewest rows checked in each region: as many as Debian 12's botocore (1.29.27) knows.
ROWS_CHECKED = {REGION: 165, "us-gov-west-1": 157, "cn-north-1": 162, "us-iso-east-1": 160, "us-isob-east-1": 160}
NAMES_CHECKED = 63  # dual-stack and FIPS names, in REGION

# Endpoint services that botocore calls otherwise.
CALLED = {"appstream.api": "appstream2", "codeartifact.api": "codeartifact",
          "codestar-connections.api": "codestar-connections", "kinesis-firehose": "firehose",
          "kinesis-streams": "kinesis", "pinpoint-sms-voice-v2": "sms-voice"}
# More services whose names a row has.
ALSO = {"s3": ["s3-control"]}
# Services of one region: botocore sends all regions of the partition there.
HOME = {"account": {REGION: "us-east-1", "cn-north-1": "cn-northwest-1"}, "billingconductor": {REGION: "us-east-1"}}
# Rows that are not compared, with the reason; where botocore knows a row after all it is checked.
NOT_CALLED = "no API client calls it: agents, devices and browsers do"
WILDCARD = "its names are wildcards, for names that the service makes"
NEWER = "newer than Debian 12's botocore"
ENDED = "ended, and dropped by newer botocore"
UNCHECKED = {
    "appmesh-envoy-management": NOT_CALLED, "appstream.streaming": NOT_CALLED, "awsconnector": NOT_CALLED,
    "codedeploy-commands-secure": NOT_CALLED, "ec2messages": NOT_CALLED, "ecs-agent": NOT_CALLED,
    "ecs-telemetry": NOT_CALLED, "elasticbeanstalk-health": NOT_CALLED, "email-smtp": NOT_CALLED,
    "git-codecommit": NOT_CALLED, "git-codecommit-fips": NOT_CALLED, "ssmmessages": NOT_CALLED,
    "aps-workspaces": "Prometheus calls it, no SDK",
    "elastic-inference.runtime": "ended, and called by frameworks only",
    "memorydb-fips": "botocore has its FIPS name in some regions only, and spelled memory-db-fips",
    "appsync-api": WILDCARD, "aws.sagemaker:notebook": WILDCARD, "aws.sagemaker:studio": WILDCARD,
    "codeartifact.repositories": WILDCARD, "deviceadvisor.iot": WILDCARD, "ecr.dkr": WILDCARD,
    "grafana-workspace": WILDCARD, "lorawan.cups": WILDCARD, "lorawan.lns": WILDCARD,
    "s3-global.accesspoint": WILDCARD, "transfer.server": WILDCARD,
    "bedrock-agent-runtime": NEWER, "bedrock-runtime": NEWER, "datazone": NEWER, "eks-auth": NEWER,
    **dict.fromkeys(("evidently", "evidently-dataplane", "lookoutmetrics", "lookoutvision", "nimble", "qldb.session",
                     "robomaker", "sms", "sms-fips"), ENDED),
}
# (row, region): names that differ for a reason.
GOV_FIPS = "GovCloud's plain names are FIPS: botocore has no others"
NO_NAME = "global, and no endpoint of the service is known in the partition"
ISO_FIPS = "botocore calls the plain name FIPS there"
DIFFERENT = {
    **{("execute-api", region): WILDCARD for region in ROWS_CHECKED},
    ("dms-fips", "us-gov-west-1"): GOV_FIPS, ("ec2-fips", "us-gov-west-1"): GOV_FIPS,
    ("sagemaker.runtime-fips", "us-gov-west-1"): GOV_FIPS, ("sqs-fips", "us-gov-west-1"): GOV_FIPS,
    ("sts-fips", "us-gov-west-1"): GOV_FIPS, ("cassandra-fips", "us-gov-west-1"): GOV_FIPS,
    ("dms-fips", "us-iso-east-1"): ISO_FIPS, ("dms-fips", "us-isob-east-1"): ISO_FIPS,
    ("sqs-fips", "us-iso-east-1"): ISO_FIPS, ("sqs-fips", "us-isob-east-1"): ISO_FIPS,
    **{(row, region): NO_NAME for row in ("cloudfront", "savingsplans") for region in ROWS_CHECKED if region != REGION},
    **{("sagemaker.runtime-fips", region): "botocore's default spelling; the service is known in aws only"
       for region in ("cn-north-1", "us-iso-east-1", "us-isob-east-1")},
    **{("eks-auth", region): "botocore has no dual-stack names there; the service has no others"
       for region in ("us-iso-east-1", "us-isob-east-1")},
}
# Dual-stack names that this botocore does not have, with where they are from.
UNCHECKED_NAMES = {
    "ecr.eu-west-1.api.aws": "captured; newer botocore has it",
    "efs.eu-west-1.api.aws": "newer botocore's rule set has it",
    "iam.global.api.aws": "AWS IAM User Guide; newer botocore has it",
    "route53.global.api.aws": "newer botocore has it",
    "streaming-logs.eu-west-1.api.aws": "captured; beside the name that clients ask",
    "s3-accesspoint.dualstack.eu-west-1.amazonaws.com": "AWS S3 User Guide; clients put it together themselves",
}


def is_dualstack(name):
    return name.endswith((".api.aws", ".on.aws", ".app.aws")) or ".dualstack." in name


def is_fips(name):
    return "fips" in name


def called_by(names, row):
    """botocore's services for a row, and whether it is their FIPS names; [] when botocore does not know it."""
    service = row.removesuffix("-fips")
    words = [CALLED.get(service, service), ".".join(reversed(service.split(".")))]
    found = [word for word in words if names.knows(word)][:1]
    return found + (ALSO.get(row, []) if found else []), service != row


def check_row(names, row, region, all_names):
    """True when botocore and the row agree; False when botocore does not know it."""
    called, fips = called_by(names, row["service"])
    if not called:
        return any(name in all_names for name in row["names"])
    home = HOME.get(row["service"], {}).get(region, region)
    if home != region:
        row, = listed(row["service"], "--region", home)
    for service in called:
        name = names.name(service, home, "fips" if fips else "plain")
        expect(name in row["names"], f"{row['service']} in {region}: botocore has {name}, the catalogue {row['names']}")
    return True


@suite.case("plain names agree with botocore's in five partitions, but for those told with a reason")
def agree(_scene):
    names = botocore_names.Names()
    for region, least in ROWS_CHECKED.items():
        all_names = names.all_names(region)
        checked, unknown_rows = 0, []
        for row in listed("--region", region):
            if (row["service"], region) in DIFFERENT:
                continue
            if check_row(names, row, region, all_names):
                checked += 1
            else:
                unknown_rows.append(row["service"])
        checked += sum(UNCHECKED.get(row) == ENDED for row in unknown_rows)
        print(f"  {region}: {checked} rows checked, {len(unknown_rows)} unknown to botocore")
        expect(checked >= least, f"{region}: {checked} rows were checked, at least {least} were before: {unknown_rows}")
        expect_equal([row for row in unknown_rows if row not in UNCHECKED], [], f"rows without a reason in {region}")


@suite.case("dual-stack and FIPS names of the rows agree with botocore's variants")
def variants(_scene):
    names = botocore_names.Names()
    checked = 0
    for row in listed("--region", REGION):
        called, _ = called_by(names, row["service"])
        for name in row["names"] + row["dualstack"] + row["fips"]:
            name = name.removeprefix("*.")
            variant = " ".join(word for word, fits in (("fips", is_fips), ("dualstack", is_dualstack)) if fits(name))
            if not called or not variant or name in UNCHECKED_NAMES:
                continue
            found = [names.name(service, REGION, variant) for service in called]
            expect(name in found, f"{row['service']}: botocore's {variant} names are {found}, the catalogue has {name}")
            checked += 1
    print(f"  {checked} dual-stack and FIPS names checked")
    expect(checked >= NAMES_CHECKED, f"{checked} names were checked, at least {NAMES_CHECKED} were before")


@suite.case("no exception of the comparison has outlived its row")
def exceptions(_scene):
    rows = {row["service"]: row for row in listed("--region", REGION)}
    every = {name.removeprefix("*.") for row in rows.values() for kind in ("names", "dualstack", "fips")
             for name in row[kind]}
    for row in [*UNCHECKED, *CALLED, *ALSO, *HOME, *(row for row, _ in DIFFERENT)]:
        expect(row in rows, f"{row} is no row")
    expect_equal([name for name in UNCHECKED_NAMES if name not in every], [], "names that no row has")

if __name__ == "__main__":
    suite.main()
