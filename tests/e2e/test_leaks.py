#!/usr/bin/env python3
"""What a running local53 knows of its clients' questions: AWS names that no rule took, and the names asked most."""
import json
import socket

from lib import fake_dns, message
from lib.cases import Suite, expect, expect_equal, wait_until
from lib.daemon import Daemon, address, forward

suite = Suite("leaks")
SAMPLE = 64
SHOWN_LIMIT_S = 20  # a loop shows its list every 5 s
SQS, KMS, BUCKET = "sqs.eu-west-1.amazonaws.com", "kms.eu-west-1.amazonaws.com", "b.s3.dualstack.eu-west-1.amazonaws.com"
CLUSTER = "0123ABCD.gr7.eu-west-1.eks.amazonaws.com"
S3 = {"names": ["*.s3.eu-west-1.amazonaws.com"], "except": ["logs.s3.eu-west-1.amazonaws.com"],
      "addresses": ["10.0.0.1"]}


def make(scene, **more):
    upstream = scene.add(fake_dns.FakeDns(address(), 0, default=fake_dns.addresses("192.0.2.1", ttl=0)))
    settings = {"endpoints": [S3], "forward": forward(upstream), **more}
    return Daemon(scene, settings).wait_ready(), settings


def leaks(daemon):
    done = daemon.ctl("leaks", "--json")
    expect_equal(done.returncode, 0, f"ctl leaks --json: {done.stderr}")
    return json.loads(done.stdout)


@suite.case("names that an endpoint would take are listed, most asked first, each with the endpoint to add")
def listed(scene):
    daemon, _ = make(scene)
    for name, times in ((KMS, 1), (SQS, 3), (BUCKET, 2)):
        for _ in range(times):
            daemon.client.ask(name)
    found = leaks(daemon)["leaks"]
    expect_equal([(row["name"], row["count"], row["service"], row["region"], row["dualstack"]) for row in found],
                 [(SQS, 3, "sqs", "eu-west-1", False), (BUCKET, 2, "s3", "eu-west-1", True),
                  (KMS, 1, "kms", "eu-west-1", False)], "leaks")
    expect(all(row["type"] == "A" and row["error"] == 0 and row["pool"] == "." for row in found), f"rows: {found}")
    lines = daemon.ctl("leaks").stdout.splitlines()
    rows = [line for line in lines if "amazonaws.com" in line]
    expect(SQS in rows[0] and "service: sqs, region: eu-west-1" in rows[0] and rows[0].split()[0] == "3", f"{lines}")
    expect("service: s3, region: eu-west-1, dualstack: true" in rows[1], f"{lines}")
    expect_equal(daemon.metric("local53_aws_leaks_total"), 6, "the metric")


@suite.case("many names of one service do not hide the others: the text has five, JSON all")
def grouped(scene):
    daemon, _ = make(scene)
    for number in range(8):
        for _ in range(2):
            daemon.client.ask(f"bucket{number}.s3.eu-west-2.amazonaws.com")
    daemon.client.ask(KMS)
    text = daemon.ctl("leaks").stdout
    expect_equal((text.count("bucket"), "and 3 more for service: s3, region: eu-west-2 " in text, KMS in text),
                 (5, True, True), text)
    expect_equal(len(leaks(daemon)["leaks"]), 9, "rows of --json")


@suite.case("what is no leak is not listed: rules, exceptions, targets, the cache's answers, other names")
def not_listed(scene):
    daemon, _ = make(scene)
    for name in ("x.s3.eu-west-1.amazonaws.com", "logs.s3.eu-west-1.amazonaws.com", "www.example.com",
                 "vpce-1-2.sqs.eu-west-1.vpce.amazonaws.com"):
        daemon.client.ask(name)
    expect_equal(leaks(daemon)["leaks"], [], "leaks")
    expect_equal(leaks(daemon)["other"], [], "other names")
    expect("no leaks" in daemon.ctl("leaks").stdout, "the text does not say so")
    expect_equal(daemon.metric("local53_aws_leaks_total"), 0, "the metric")


@suite.case("names of AWS that no endpoint has stand apart, and only what left is counted")
def apart(scene):
    daemon, _ = make(scene)
    daemon.client.ask(CLUSTER)
    found = leaks(daemon)
    expect_equal(([row["name"] for row in found["other"]], found["leaks"]), ([CLUSTER.lower()], []), "other names")
    text = daemon.ctl("leaks").stdout
    expect("no leaks" in text and CLUSTER.lower() in text, text)
    expect_equal(daemon.metric("local53_aws_leaks_total"), 0, "the metric")


@suite.case("an answer from the cache is no leak")
def cached(scene):
    upstream = scene.add(fake_dns.FakeDns(address(), 0, default=fake_dns.addresses("192.0.2.1", ttl=300)))
    daemon = Daemon(scene, {"forward": forward(upstream)}).wait_ready()
    for _ in range(5):
        daemon.client.ask(SQS)
    asked = upstream.count(SQS + ".")
    expect_equal((leaks(daemon)["leaks"][0]["count"], daemon.metric("local53_aws_leaks_total")), (asked, asked),
                 "leaks and upstream's questions")
    expect(asked < 5, "nothing was cached")


@suite.case("a rule that a reload adds ends a leak")
def ended(scene):
    daemon, settings = make(scene)
    daemon.client.ask(SQS)
    daemon.client.ask(KMS)
    endpoint = {"service": "sqs", "region": "eu-west-1", "addresses": ["10.0.0.2"]}
    daemon.reload({**settings, "endpoints": [S3, endpoint]})
    wait_until(lambda: [row["name"] for row in leaks(daemon)["leaks"]] == [KMS], 5, "sqs is no leak any more")
    answer = daemon.client.ask(SQS)
    expect("10.0.0.2" in answer.texts(), f"answer {answer.texts()}")
    expect_equal(daemon.metric("local53_aws_leaks_total"), 2, "the metric")


@suite.case("the pool of a leak is the one that was asked")
def pool(scene):
    resolver = scene.add(fake_dns.FakeDns(address(), 0, default=fake_dns.addresses("192.0.2.7")))
    daemon, _ = make(scene, aws={"resolver": resolver.server})
    daemon.client.ask(SQS)
    expect_equal(resolver.count(SQS + "."), 1, "questions to aws.resolver")
    expect_equal(leaks(daemon)["leaks"][0]["pool"], "AWS names", "pool")


def flood(daemon, name, count):
    """Questions as fast as they are answered, on one socket."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(15)
        udp.connect((daemon.address, daemon.port))
        for number in range(count):
            udp.send(message.query(name, "A", id=number % 65536).wire())
            udp.recv(4096)


@suite.case("top shows the hot name first, and says that it is a sample")
def top(scene):
    daemon, _ = make(scene, workers=1)
    for _ in range(4):
        flood(daemon, "hot.s3.eu-west-1.amazonaws.com", 40 * SAMPLE // 4)
        flood(daemon, "warm.s3.eu-west-1.amazonaws.com", 8 * SAMPLE // 4)

    def shown():
        done = daemon.ctl("top", "--json")
        expect_equal(done.returncode, 0, f"ctl top --json: {done.stderr}")
        return json.loads(done.stdout)["top"]
    wait_until(lambda: sum(row["count"] for row in shown()) >= 47, SHOWN_LIMIT_S, "the sample is shown")
    found = shown()
    expect_equal(found[0]["name"], "hot.s3.eu-west-1.amazonaws.com", f"first of {found}")
    expect(35 <= found[0]["count"] <= 45, f"count of {found[0]}")
    expect("endpoints[0] *.s3.eu-west-1.amazonaws.com" in found[0]["rule"], f"rule of {found[0]}")
    text = daemon.ctl("top").stdout
    expect("1 query in 64" in text and "hot.s3" in text.splitlines()[3], text)


@suite.case("without questions there are no lists, and both say so")
def empty(scene):
    daemon, _ = make(scene)
    for word, said in (("leaks", "no leaks"), ("top", "nothing was sampled yet")):
        done = daemon.ctl(word)
        expect_equal(done.returncode, 0, f"exit of ctl {word}")
        expect(said in done.stdout, f"ctl {word}: {done.stdout}")
    expect_equal(json.loads(daemon.ctl("top", "--json").stdout)["top"], [], "top")
    expect_equal(daemon.ctl("leaks", "--below").returncode, 2, "exit of ctl leaks --below")


if __name__ == "__main__":
    suite.main()
