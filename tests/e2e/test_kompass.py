#!/usr/bin/env python3
"""The Kompass case with its example configuration, down to TLS listeners reached by name through local53.

unbound plays the VPC resolver at its real address (it follows chains into zones that nsd serves), a second nsd the
cluster DNS; glibc's resolver asks local53 at 169.254.20.10. The example is run as it is, with two workers and
without interception.
"""
import os
import re
import socket
import ssl

from lib import certificates, message, namespace, servers
from lib.cases import Scene, Suite, expect, expect_equal, wait_until
from lib.client import Client
from lib.daemon import ROOT
from lib.examples import ExampleDaemon, on_loopback

suite = Suite("kompass")
EXAMPLE = os.path.join(ROOT, "conf", "examples", "kompass", "local53.yaml")
NODE, VPC_RESOLVER, CLUSTER_DNS, AUTHORITY = "169.254.20.10", "169.254.169.253", "127.53.2.1", "127.53.2.2"
LAYERS = "prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com"

# name asked -> what its endpoint is recognised by in the example: a part of the target's name
IRELAND = {
    "api.ecr.eu-west-1.amazonaws.com": ".api.ecr.eu-west-1.",
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com": ".dkr.ecr.eu-west-1.",
    "s3.eu-west-1.amazonaws.com": ".s3.eu-west-1.",
    LAYERS: ".s3.eu-west-1.",
    "deep.er.bucket.s3.eu-west-1.amazonaws.com": ".s3.eu-west-1.",
}
REGIONAL = ("ec2", "eks", "sqs", "autoscaling", "sts")
CORALOGIX = "ingress.private.eu2.coralogix.com"
RULE_OWNERS = {
    "api.ecr.eu-west-1.amazonaws.com": "api.ecr.eu-west-1.amazonaws.com.",
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com": "dkr.ecr.eu-west-1.amazonaws.com.",
    LAYERS: "s3.eu-west-1.amazonaws.com.",
}
PUBLIC = {  # never taken by an endpoint: what the VPC resolver says passes
    "oidc.eks.{region}.amazonaws.com": "198.51.100.1",
    "x.api.ecr.eu-west-1.amazonaws.com": "198.51.100.2",
    "dkr.ecr.eu-west-1.amazonaws.com": "198.51.100.3",
    "api.ecr.us-east-2.amazonaws.com": "198.51.100.4",
    "bucket.s3.us-west-2.amazonaws.com": "198.51.100.5",
    "bucket.s3.dualstack.eu-west-1.amazonaws.com": "198.51.100.6",
    "sts.amazonaws.com": "198.51.100.7",
    "0123456789abcdef.sk1.{region}.eks.amazonaws.com": "198.51.100.8",
    "www.iam.amazonaws.com": "198.51.100.9",
    "bucket.s3.eu-west-1.amazonaws.com": "198.51.100.66",  # what a chain would leak
    "api.ecr.eu-west-1.amazonaws.com": "198.51.100.67",
}


class Kompass:
    """Everything of the case, up and ready."""

    def __init__(self, scene):
        for address in (NODE, VPC_RESOLVER):
            namespace.add_address(address)
        with open(EXAMPLE, encoding="utf-8") as file:
            self.example = file.read()
        self.region = re.search(r"\bregion: *([a-z0-9-]+)", self.without_comments())[1]
        self.targets = sorted(set(re.findall(r"vpce-[0-9a-z-]+\.[a-z0-9.-]+", self.without_comments())))
        self.addresses = {t: [f"127.44.{n}.1", f"127.44.{n}.2"] for n, t in enumerate(self.targets, 1)}
        self.authority = servers.Nsd(scene, AUTHORITY, zones={
            "amazonaws.com": zone("amazonaws.com", self.aws_records()),
            "corp.example": zone("corp.example", ["cdn 300 IN CNAME bucket.s3.eu-west-1.amazonaws.com.",
                                                  "plain 300 IN A 10.9.9.9"])}).start()
        self.vpc = servers.Unbound(scene, VPC_RESOLVER, stubs={
            "amazonaws.com.": f"{AUTHORITY}:53", "corp.example.": f"{AUTHORITY}:53"}).start()
        self.cluster = servers.Nsd(scene, CLUSTER_DNS, zones={
            "cluster.local": zone("cluster.local", ["web.default.svc 5 IN A 10.100.0.7"])}).start()
        self.daemon = self.start(scene)
        self.client = Client(NODE)

    def without_comments(self):
        return re.sub(r"(^|\s)#.*", "", self.example)

    def start(self, scene):
        namespace.own_run()
        config = scene.write("local53.yaml", on_loopback(self.example))
        return ExampleDaemon(scene, config, cluster_dns=CLUSTER_DNS).wait_answering(self.endpoint_names())

    def aws_records(self):
        records = [f"{name.format(region=self.region)}. 60 IN A {address}" for name, address in PUBLIC.items()]
        records += [f'{name.format(region=self.region)}. 60 IN TXT "public"' for name in PUBLIC]
        records.append("api.ecr.eu-west-1.amazonaws.com. 60 IN AAAA 2001:db8::bad")
        for target, addresses in self.addresses.items():
            records += [f"{target}. 60 IN A {address}" for address in addresses]
        return records

    def addresses_of(self, name):
        """What the example promises a name: its target's addresses, or literal ones."""
        part = IRELAND.get(name) or f".{name.removesuffix('.amazonaws.com')}."
        if name == CORALOGIX:
            part = ".eu-north-1.vpce."
        found = [t for t in self.targets if part in t and "-svc-" in t] if name == CORALOGIX else \
            [t for t in self.targets if part in f".{t.split('.', 1)[1]}"]
        if name == "iam.amazonaws.com" and not found:
            return sorted(re.findall(r"\d+\.\d+\.\d+\.\d+", re.search(r"service: *iam\b.*?(?=\n *- |\Z)",
                                                                      self.without_comments(), re.S)[0]))
        expect(len(found) == 1, f"the example has {len(found)} targets for {name}: {found}")
        return sorted(self.addresses[found[0]])

    def endpoint_names(self):
        return [*IRELAND, *(f"{service}.{self.region}.amazonaws.com" for service in REGIONAL), "iam.amazonaws.com",
                CORALOGIX]


def zone(origin, records):
    return "\n".join([f"$ORIGIN {origin}.", f"@ 300 IN SOA ns.{origin}. admin.{origin}. 1 3600 600 86400 300",
                      f"@ 300 IN NS ns.{origin}.", "ns 300 IN A 127.0.0.1", *records]) + "\n"


@suite.once
def kompass(scene: Scene):
    return Kompass(scene)


# ---- The table ------------------------------------------------------------------------------------

@suite.case("every endpoint name answers A with its endpoint's addresses flat", namespace_needed=True)
def flat_addresses(_scene):
    case = kompass()
    for name in case.endpoint_names():
        reply = case.client.ask(name)
        expect_equal((name, reply.rcode, sorted(reply.texts())), (name, 0, case.addresses_of(name)), "answer")
        expect(all(r.owner == name + "." and r.type == 1 for r in reply.answer), f"{name}: owners {reply.answer}")
        expect(all(5 <= r.ttl <= 60 for r in reply.answer), f"{name}: TTLs {[r.ttl for r in reply.answer]}")


@suite.case("the owner of an answer is the name in the case it was asked", namespace_needed=True)
def case_kept(_scene):
    for name in ("API.ecr.EU-west-1.AmazonAWS.com", LAYERS.upper(), "Iam.AmazonAWS.Com"):
        reply = kompass().client.ask(name)
        expect(reply.answer and all(r.owner == name + "." for r in reply.answer), f"{name}: {reply.answer}")


@suite.case("the order of the addresses rotates", namespace_needed=True)
def rotation(_scene):
    first = {kompass().client.ask("api.ecr.eu-west-1.amazonaws.com").texts()[0] for _ in range(40)}
    expect_equal(len(first), 2, "different first addresses in 40 answers")


@suite.case("AAAA, HTTPS, SVCB and TXT of an endpoint name are NODATA and never leak", namespace_needed=True)
def other_types(_scene):
    for name in kompass().endpoint_names():
        for kind in ("AAAA", "HTTPS", "SVCB", "TXT", "MX"):
            reply = kompass().client.ask(name, kind)
            expect_equal((reply.rcode, reply.answer), (0, []), f"{name} {kind}")
            expect_equal([r.type for r in reply.authority], [message.TYPES["SOA"]], f"{name} {kind} authority")


@suite.case("the SOA of NODATA is owned by the rule's name with TTL and MINIMUM 60", namespace_needed=True)
def soa_owner(_scene):
    for name, owner in RULE_OWNERS.items():
        record = kompass().client.ask(name, "AAAA").authority[0]
        expect_equal((record.owner.lower(), record.ttl, record.minimum), (owner, 60, 60), name)


@suite.case("ANY of an endpoint name gives one RRset", namespace_needed=True)
def any_type(_scene):
    for name in kompass().endpoint_names():
        reply = kompass().client.ask(name, "ANY")
        expect_equal((reply.rcode, len({r.type for r in reply.answer})), (0, 1), f"{name} ANY")


@suite.case("the same over TCP", namespace_needed=True)
def over_tcp(_scene):
    for name in kompass().endpoint_names():
        reply = kompass().client.ask_tcp(name, edns=message.Edns())
        expect_equal(sorted(reply.texts()), kompass().addresses_of(name), name)


# ---- What is not ours -----------------------------------------------------------------------------

@suite.case("siblings and names below exact rules keep their public answers", namespace_needed=True)
def siblings(_scene):
    case = kompass()
    for pattern, address in PUBLIC.items():
        name = pattern.format(region=case.region)
        if name not in ("bucket.s3.eu-west-1.amazonaws.com", "api.ecr.eu-west-1.amazonaws.com"):
            reply = case.client.ask(name)
            expect_equal((reply.rcode, reply.texts()), (0, [address]), name)
            expect_equal(len(case.client.ask(name, "TXT").answer), 1, f"{name} TXT")


@suite.case("vpce names are forwarded, never rewritten", namespace_needed=True)
def vpce_names(_scene):
    case = kompass()
    for target, addresses in case.addresses.items():
        expect_equal(sorted(case.client.ask(target).texts()), sorted(addresses), target)


@suite.case("a chain that enters an endpoint name is cut to the endpoint's addresses", namespace_needed=True)
def chain(_scene):
    case = kompass()
    wanted = case.addresses_of(LAYERS)
    for _ in ("miss", "hit"):
        reply = case.client.ask("cdn.corp.example")
        expect_equal(reply.texts("CNAME"), ["bucket.s3.eu-west-1.amazonaws.com."], "chain")
        expect_equal(sorted(reply.texts()), wanted, "addresses behind the chain")
        expect(reply.answer[0].type == 5, "the CNAME comes first")
        expect(all(r.ttl <= 60 for r in reply.answer), f"TTLs {[r.ttl for r in reply.answer]}")
        reply = case.client.ask("cdn.corp.example", "AAAA")
        expect_equal((reply.rcode, reply.texts("CNAME"), reply.texts("AAAA")),
                     (0, ["bucket.s3.eu-west-1.amazonaws.com."], []), "AAAA through the chain")
    expect_equal(case.client.ask("plain.corp.example").texts(), ["10.9.9.9"], "neighbour of the chain")


@suite.case("cluster names go to the cluster DNS", namespace_needed=True)
def cluster(_scene):
    case = kompass()
    expect_equal(case.client.ask("web.default.svc.cluster.local").texts(), ["10.100.0.7"], "service")
    reply = case.client.ask("api.ecr.eu-west-1.amazonaws.com.default.svc.cluster.local")
    expect_equal(reply.rcode, message.NXDOMAIN, "a search list's first try")
    expect(reply.authority[0].ttl <= 5, f"negative TTL {reply.authority[0].ttl} of the cluster zone")


# ---- An image pull's path -------------------------------------------------------------------------

def fetch(name, authority):
    """Connects to https://name as any client of glibc's resolver does; what the listener says."""
    context = ssl.create_default_context(cafile=authority.certificate)
    with socket.create_connection((name, 443), timeout=10) as connection:
        with context.wrap_socket(connection, server_hostname=name) as tls:
            return tls.recv(100).decode("ascii").strip()


@suite.case("token, manifest and layer are fetched by name, each with its own TLS name", namespace_needed=True)
def image_pull(scene):
    case = kompass()
    authority = certificates.Authority(scene.folder)
    steps = {"api.ecr.eu-west-1.amazonaws.com": ("token", ["api.ecr.eu-west-1.amazonaws.com"]),
             "123456789012.dkr.ecr.eu-west-1.amazonaws.com": ("manifest", ["*.dkr.ecr.eu-west-1.amazonaws.com"]),
             LAYERS: ("layer", ["s3.eu-west-1.amazonaws.com", "*.s3.eu-west-1.amazonaws.com"])}
    listeners = []
    for name, (title, sans) in steps.items():
        files = authority.issue(title, sans)
        for address in case.addresses_of(name):
            listeners.append(scene.add(certificates.TlsListener(address, 443, title, files)))
    namespace.set_resolver([NODE], search=["default.svc.cluster.local", "svc.cluster.local"], options=["ndots:5"])
    for name, (title, _) in steps.items():
        expect_equal(fetch(name, authority), title, name)
    names = sorted({n for listener in listeners for n in listener.names})
    expect_equal(names, sorted(steps), "server names the listeners were asked for")
    try:
        fetch("cdn.corp.example", authority)
    except ssl.SSLCertVerificationError:
        return
    raise AssertionError("the certificate of S3 was taken for cdn.corp.example")


# ---- The VPC resolver goes and returns ------------------------------------------------------------

@suite.case("with the VPC resolver gone endpoint names still answer, and its return heals the rest",
            namespace_needed=True)
def resolver_gone(_scene):
    case = kompass()
    case.vpc.kill()
    for name in case.endpoint_names():
        expect_equal(sorted(case.client.ask(name).texts()), case.addresses_of(name), name)
    case.vpc.start()
    wait_until(lambda: case.client.ask("plain.corp.example", "TXT").rcode == 0, 10, "forwarding works again", 0.3)


if __name__ == "__main__":
    suite.main()
