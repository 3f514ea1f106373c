"""The examples of conf/examples: what each one's users ask, what its targets are, and a small AWS that has them.

The configuration is run as it stands, interception included, in a namespace of its own; the VPC resolver answers at its
own address. Targets get addresses of loopback, everything else the one public address.
"""
import dataclasses
import json
import os
import re
import subprocess

from . import fake_dns, namespace
from .cases import expect, expect_equal, wait_until
from .certificates import Authority, TlsListener
from .client import Client
from .daemon import BINARY, ROOT, Daemon

FOLDER = os.path.join(ROOT, "conf", "examples")
NODE, SECOND, VPC_RESOLVER, CLUSTER_DNS = "169.254.20.10", "169.254.20.11", "169.254.169.253", "127.53.2.1"
SERVICE_ADDRESS = "172.20.0.10"  # the cluster DNS's own, which every example takes over
PUBLIC, SERVICE = "198.51.100.1", "10.100.0.1"
REGION = "eu-central-1"
# Public in every case: below or beside a listed name, but not listed.
ALWAYS_PUBLIC = (f"oidc.eks.{REGION}.amazonaws.com", f"0123456789abcdef.gr7.{REGION}.eks.amazonaws.com",
                 f"dkr.ecr.{REGION}.amazonaws.com", "s3.us-west-2.amazonaws.com", "public.ecr.aws",
                 "sts.amazonaws.com", f"bucket.s3.dualstack.{REGION}.amazonaws.com", "www.example.com")


@dataclasses.dataclass
class Example:
    """One folder of conf/examples."""
    name: str
    taken: dict  # name asked: a part of the one target whose addresses it gets
    public: tuple = ()  # names besides ALWAYS_PUBLIC that stay as upstream has them
    overlay: str = "nodelocal"
    private_names: dict = dataclasses.field(default_factory=dict)  # part of a target: PrivateDnsName of its service

    @property
    def folder(self):
        return os.path.join(FOLDER, self.name)

    def text(self, *path):
        with open(os.path.join(self.folder, *path), encoding="utf-8") as file:
            return file.read()


def images(region):
    """What an image pull asks, and which target each name must get."""
    return {f"api.ecr.{region}.amazonaws.com": f".api.ecr.{region}.",
            f"123456789012.dkr.ecr.{region}.amazonaws.com": f".dkr.ecr.{region}.",
            f"prod-{region}-starport-layer-bucket.s3.{region}.amazonaws.com": f".s3.{region}.",
            f"s3.{region}.amazonaws.com": f".s3.{region}."}


def services(*names):
    return {f"{name}.{REGION}.amazonaws.com": f".{name}.{REGION}." for name in names}


EXAMPLES = [
    Example("kompass", {**images("eu-west-1"), **services("ec2", "eks", "sqs", "autoscaling", "sts"),
                        "iam.amazonaws.com": ".iam.us-east-1.",
                        "ingress.private.eu2.coralogix.com": ".eu-north-1.vpce."},
            public=(f"api.ecr.{REGION}.amazonaws.com", f"s3.{REGION}.amazonaws.com", "coralogix.com",
                    "api.private.eu2.coralogix.com")),
    Example("pull-through-cache", {**images(REGION), **services("sts")},
            public=("registry-1.docker.io", "quay.io", "registry.k8s.io", "api.ecr.eu-west-1.amazonaws.com")),
    Example("karpenter", {**images(REGION), **services("sts", "ec2", "ssm", "sqs", "eks")},
            public=("iam.amazonaws.com", "api.pricing.us-east-1.amazonaws.com", f"fips.eks.{REGION}.amazonaws.com")),
    Example("bottlerocket-calico-fargate",
            {**images(REGION), **services("sts", "ec2", "eks", "ssm", "ssmmessages")},
            public=("updates.bottlerocket.aws", f"ec2messages.{REGION}.amazonaws.com"), overlay="calico-bottlerocket"),
    Example("cast-ai", {"api.cast.ai": "40001-", "grpc.cast.ai": "40002-", "grpc.prod-master.cast.ai": "40002-",
                        "api-grpc.cast.ai": "40003-", "kvisor.prod-master.cast.ai": "40004-",
                        "telemetry.prod-master.cast.ai": "40005-"},
            public=("autoscaling.cast.ai", "docs.cast.ai", "console.cast.ai", "cast.ai", "x.api.cast.ai",
                    f"api.ecr.{REGION}.amazonaws.com"),
            private_names={"40001-": "api.cast.ai", "40002-": "grpc.cast.ai", "40003-": "api-grpc.cast.ai",
                           "40004-": "kvisor.prod-master.cast.ai", "40005-": "telemetry.prod-master.cast.ai"}),
]


def targets_of(text):
    """Targets as written, without their '*.', in the order of the file."""
    uncommented = re.sub(r"(^|\s)#.*", "", text)
    return list(dict.fromkeys(re.findall(r"vpce-[0-9a-z-]+\.[a-z0-9.-]+", uncommented)))


class World:
    """The node of one example: the VPC resolver, the cluster DNS, the daemon with the example's file."""

    def __init__(self, scene, example, number):
        self.scene, self.example = scene, example
        namespace.add_address(VPC_RESOLVER)
        namespace.own_run()
        self.targets = targets_of(example.text("local53.yaml"))
        self.addresses = {t: [f"127.{60 + number}.{n}.1", f"127.{60 + number}.{n}.2"]
                          for n, t in enumerate(self.targets, 1)}
        self.vpc = scene.add(fake_dns.FakeDns(VPC_RESOLVER, default=fake_dns.addresses(PUBLIC, ttl=60), rules={
            target + ".": fake_dns.addresses(*found, ttl=60) for target, found in self.addresses.items()}))
        scene.add(fake_dns.FakeDns(CLUSTER_DNS, rules={
            "kubernetes.default.svc.cluster.local.": fake_dns.addresses(SERVICE, ttl=5)}))
        self.config = scene.write(f"{example.name}/local53.yaml", example.text("local53.yaml") + "\nworkers: 2\n")
        self.daemon = ExampleDaemon(scene, self.config).wait_answering(example.taken)
        self.client, self.pod = self.daemon.client, Client(SERVICE_ADDRESS)

    def addresses_of(self, name):
        part = self.example.taken[name]
        found = [t for t in self.targets if part in t]
        expect_equal(len(found), 1, f"targets with {part!r} for {name}")
        return self.addresses[found[0]]

    # ---- What the README's commands need ------------------------------------------------------------

    def endpoints_json(self):
        """What aws ec2 describe-vpc-endpoints prints for the targets, and describe-vpc-endpoint-services."""
        rows = [endpoint_row(target) for target in self.targets]
        details = [{"ServiceName": endpoint_row(t)["ServiceName"], "ServiceType": [{"ServiceType": "Interface"}],
                    "PrivateDnsName": name, "PrivateDnsNames": [{"PrivateDnsName": name}]}
                   for t in self.targets for part, name in self.example.private_names.items() if part in t]
        for name, value in (("endpoints", {"VpcEndpoints": rows}), ("services", {"ServiceDetails": details})):
            self.scene.write(f"{self.example.name}/{name}.json", json.dumps(value))

    def listen_tls(self):
        """TLS on every endpoint, with a certificate for what probe asks; the authority's certificate."""
        authority = Authority(self.scene.folder)
        names = wait_until(self.names_probed, 30, "every target has an address in time")
        files = authority.issue(f"endpoints-{self.example.name}", names)
        for addresses in self.addresses.values():
            for address in addresses:
                self.scene.add(TlsListener(address, 443, "endpoint", files))
        return authority.certificate

    def names_probed(self):
        """The names that probe asks for; None while a target has no address, in whose row stands its own name."""
        done = subprocess.run([BINARY, "probe", "-c", self.config, "--json"], capture_output=True, text=True,
                              check=False, timeout=60)
        rows = json.loads(done.stdout)["rows"]
        return sorted({row["name"] for row in rows}) if all(row["address"] for row in rows) else None


class ExampleDaemon(Daemon):
    """The daemon with the example's own addresses and the default of control."""

    control = "/run/local53/control.sock"
    http_address = "127.0.0.1"

    def __init__(self, scene, config, cluster_dns=CLUSTER_DNS):
        super().__init__(scene, None, address=NODE, port=53, http_port=9453, config=config,
                         environment={"KUBE_DNS_UPSTREAM_SERVICE_HOST": cluster_dns})

    def wait_answering(self, names):
        """Ready, and a moment later every loop has the addresses: what is known is published to them."""
        self.wait_ready()
        wait_until(lambda: all(self.client.ask(name).texts() for name in names), 1, f"an address for each of {names}")
        return self


def on_loopback(text):
    """The file with two workers and without interception, for addresses that a test puts on loopback."""
    return re.sub(r"^node:\n(?:[ \t]+.*\n)+", "", text, flags=re.M) + "\nworkers: 2\n"


def endpoint_row(target):
    """One of VpcEndpoints, as the AWS CLI has it when private DNS names are off."""
    identity, service, region = re.fullmatch(r"(vpce-[0-9a-f]+)-\w+\.(.+?)\.([a-z]+-[a-z]+-\d)\.vpce\.amazonaws\.com",
                                             target).groups()
    if service.startswith("vpce-svc-"):
        full = f"com.amazonaws.vpce.{region}.{service}"
    elif service == "iam":
        full = "com.amazonaws.iam"
    else:
        full = f"com.amazonaws.{region}.{'.'.join(reversed(service.split('.')))}"
    shown = f"*.{target}" if service == "s3" else target
    return {"VpcEndpointId": identity, "VpcEndpointType": "Interface", "VpcId": "vpc-0a1b2c3d4e5f60718",
            "ServiceName": full, "State": "available", "PrivateDnsEnabled": False, "IpAddressType": "ipv4",
            "SubnetIds": [], "NetworkInterfaceIds": [], "Tags": [], "OwnerId": "111122223333",
            "DnsEntries": [{"DnsName": shown, "HostedZoneId": "Z38GZ743OKFT7T"}]}


def commands(readme):
    """local53 commands of the page's blocks, in order: as they stand, or behind kubectl exec's '--'."""
    found = []
    for block in re.findall(r"^```\w*\n(.*?)^```", readme, re.M | re.S):
        for line in block.splitlines():
            match = re.match(r"(?:kubectl .* -- )?(local53 .*)", line)
            if match:
                found.append(match[1])
    expect(len(found) >= 6, f"only {len(found)} commands in the page")
    return found
