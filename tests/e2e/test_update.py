#!/usr/bin/env python3
"""An update as Kubernetes makes it of the manifests: the new pod's container beside the old one's on one node, judged
by the probes of the DaemonSet, then SIGTERM to the old one, under load."""
import contextlib
import http.client
import os
import time

from lib import fake_dns, kubernetes, namespace, pods
from lib.cases import Suite, expect, expect_equal, wait_until
from lib.container import ANOTHER_USER, LOCAL53, NET_ADMIN, NET_BIND_SERVICE, Container, make_image
from lib.pods import Load

suite = Suite("update")
OVERLAYS = ("nodelocal", "ipvs", "calico-bottlerocket")  # in the host's network
RIGHTS = {"NET_BIND_SERVICE": NET_BIND_SERVICE, "NET_ADMIN": NET_ADMIN}
OLD, NEW = "10.0.0.1", "10.0.0.2"  # what each of the two answers
VPC_RESOLVER = "169.254.169.253"
ENVIRONMENT = 3
BESIDE_S = 1.0  # both stand, one is asked
KEYLESS = "a local53 is taken over from only where it has node.handover: true"
THEIR_USER, TWO = "the instance that has it runs as another user", "2 instances have it already"
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
IMAGE = suite.once(make_image)


class Manifest:
    """What kubectl makes of an overlay."""

    def __init__(self, overlay):
        found = {one["kind"]: one for one in kubernetes.build(f"overlays/{overlay}")}
        self.pod = found["DaemonSet"]["spec"]["template"]["spec"]
        self.container = self.pod["containers"][0]
        self.text = found["ConfigMap"]["data"]["local53.yaml"]
        settings = kubernetes.yaml().safe_load(self.text)
        self.addresses = settings["listen"] + settings["node"]["service_addresses"]

    def configuration(self, answer):
        """That of the overlay, with one name of its own."""
        expect("endpoints: []" in self.text, "where the endpoints are")
        return self.text.replace("endpoints: []", f"endpoints: [{{names: [a.example], addresses: [{answer}]}}]")


class Pod:
    """One pod of the DaemonSet: a container as the manifest has it, in the node's network."""

    def __init__(self, scene, manifest, name, text, **options):
        security = manifest.pod["securityContext"]
        self.manifest, self.name = manifest, name
        granted = [RIGHTS[one] for one in manifest.container["securityContext"]["capabilities"]["add"]]
        self._rights = {"user": security["runAsUser"], "granted": granted,
                        "environment": {"KUBE_DNS_UPSTREAM_SERVICE_HOST": "127.53.2.1"}, **options}
        self._container = Container(scene, IMAGE(), text, name)
        self.process = self._container.start(*manifest.container["args"], **self._rights)

    def probe(self, which):
        """(exit, what it says) of a probe, run in the container as the kubelet does."""
        program, *words = self.manifest.container[which]["exec"]["command"]
        expect_equal(program, LOCAL53, "the probe's program")
        code, told, why = self._container.run(*words, **self._rights)
        return code, (told + why).strip()

    def is_ready(self):
        expect(self.process.poll() is None, f"{self.name} ended: {self.process.poll()}")
        return all(self.probe(which)[0] == 0 for which in PROBES)

    def wait_ready(self):
        wait_until(self.is_ready, 15, f"{self.name} is started, alive and ready", 0.1)
        return self

    def stop(self):
        """SIGTERM, and SIGKILL when its time is over; the seconds it took."""
        started = time.monotonic()
        self.process.terminate()
        self.process.wait(self.manifest.pod["terminationGracePeriodSeconds"])
        expect_equal(self.process.returncode, 0, f"exit of {self.name}: {self.process.communicate()}")
        return time.monotonic() - started

    def end(self):
        """(exit, standard error) of one that ends by itself."""
        _, told = self.process.communicate(timeout=15)
        return self.process.returncode, told


def node(scene):
    """A node's resolver and the cluster DNS: nobody is asked here, but they are there."""
    namespace.add_address(VPC_RESOLVER)
    scene.add(fake_dns.FakeDns(VPC_RESOLVER, default=fake_dns.addresses("192.0.2.1")))


@contextlib.contextmanager
def load(addresses):
    """Questions to each address all the time."""
    loads = [Load(pods.Client(), address) for address in addresses]
    try:
        yield loads
    finally:
        for one in loads:
            one.close()


def scraped():
    """True when the metrics port answers."""
    connection = http.client.HTTPConnection("127.0.0.1", 9453, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def are_fine(*those):
    """As the kubelet and Prometheus see it."""
    for one in those:
        probes = {which: one.probe(which) for which in PROBES}
        expect(all(code == 0 for code, _ in probes.values()), f"{one.name}: {probes}")
    expect(scraped(), "the metrics port answers")


# ---- An update -------------------------------------------------------------------------------------

def updated(scene, overlay):
    manifest = Manifest(overlay)
    old = Pod(scene, manifest, f"{overlay}-old", manifest.configuration(OLD)).wait_ready()
    with load(manifest.addresses) as loads:
        time.sleep(0.3)
        new = Pod(scene, manifest, f"{overlay}-new", manifest.configuration(NEW)).wait_ready()
        time.sleep(BESIDE_S)
        are_fine(old, new)
        when = time.monotonic()
        took = old.stop()
        wait_until(scraped, 5, "the new one has the metrics port")
        time.sleep(0.3)
        are_fine(new)
    for one in loads:
        nothing_is_lost(one, when, when + took)
    print(f"  {overlay}: {sum(len(one.events) for one in loads)} questions, none lost; the old one took {took:.2f} s",
          flush=True)
    expect(set(manifest.addresses) <= set(pods.standing()), f"addresses left: {pods.standing()}")
    expect_equal(len(pods.tables()), 1, f"tables: {pods.tables()}")
    new.stop()


def nothing_is_lost(one, when, gone):
    """The old one answered until it was told to stop, the new one at the latest when that had ended."""
    expect_equal({what for _, _, what in one.events} - {OLD, NEW}, set(), f"{one.server}: other answers")
    expect_equal({what for _, over, what in one.events if over < when}, {OLD}, f"{one.server} before")
    expect_equal({what for asked, _, what in one.events if asked > gone}, {NEW}, f"{one.server} afterwards")


for each in OVERLAYS:
    @suite.case(f"{each}: the new pod stands ready beside the old one, takes over at its SIGTERM, and nothing is lost",
                namespace_needed=True)
    def update(scene, overlay=each):
        node(scene)
        updated(scene, overlay)


@suite.case("an update that is taken back loses nothing either: the new pod goes, the old one was asked all the time",
            namespace_needed=True)
def taken_back(scene):
    node(scene)
    manifest = Manifest("nodelocal")
    old = Pod(scene, manifest, "old", manifest.configuration(OLD)).wait_ready()
    with load(manifest.addresses) as loads:
        new = Pod(scene, manifest, "new", manifest.configuration(NEW)).wait_ready()
        time.sleep(0.3)
        new.stop()
        time.sleep(BESIDE_S)
        are_fine(old)
    expect_equal({what for one in loads for _, _, what in one.events}, {OLD}, "answers")
    expect_equal(len(pods.tables()), 1, f"tables: {pods.tables()}")
    old.stop()


@suite.case("an old pod that is killed while both stand leaves all to the new one at once", namespace_needed=True)
def killed(scene):
    node(scene)
    manifest = Manifest("nodelocal")
    old = Pod(scene, manifest, "old", manifest.configuration(OLD)).wait_ready()
    new = Pod(scene, manifest, "new", manifest.configuration(NEW)).wait_ready()
    with load(manifest.addresses) as loads:
        time.sleep(0.3)
        old.process.kill()
        old.process.wait(5)
        gone = time.monotonic()
        wait_until(scraped, 5, "the new one has the metrics port")
        are_fine(new)
        time.sleep(0.3)
    for one in loads:
        expect_equal({what for asked, _, what in one.events if asked > gone}, {NEW}, f"{one.server} afterwards")
    wait_until(lambda: len(pods.tables()) == 1, 5, f"tables: {pods.tables()}")
    expect(set(manifest.addresses) <= set(pods.standing()), f"addresses left: {pods.standing()}")
    new.stop()


# ---- Who may not -----------------------------------------------------------------------------------

def is_told(code, told, wanted):
    """It has ended with what README has a remedy for."""
    expect_equal((code, wanted in told), (ENVIRONMENT, True), told)
    with open(os.path.join(kubernetes.FOLDER, "README.md"), encoding="utf-8") as file:
        expect(f"| `{wanted}` |" in file.read(), f"README has no remedy for: {wanted}")



@suite.case("a third pod, one of another user and one without the key are refused with what to do; the others go on",
            namespace_needed=True)
def refused(scene):
    node(scene)
    manifest = Manifest("nodelocal")
    text = manifest.configuration(OLD)
    first = Pod(scene, manifest, "first", text).wait_ready()
    code, told = Pod(scene, manifest, "keyless", text.replace("handover: true", "handover: false")).end()
    expect_equal((code, "169.254.20.10:53 is taken by" in told), (ENVIRONMENT, True), told)
    is_told(*Pod(scene, manifest, "stranger", text, user=ANOTHER_USER).end(), THEIR_USER)
    second = Pod(scene, manifest, "second", manifest.configuration(NEW)).wait_ready()
    is_told(*Pod(scene, manifest, "third", text).end(), TWO)
    are_fine(first, second)
    expect_equal({pods.Client().ask(address) for address in manifest.addresses}, {OLD}, "who answers")
    first.stop()
    wait_until(lambda: {pods.Client().ask(address) for address in manifest.addresses} == {NEW}, 10, "the second answers")
    second.stop()


@suite.case("beside a pod that does not hand over the newcomer ends and says so, again and again, and that one goes on",
            namespace_needed=True)
def first_update(scene):
    node(scene)
    manifest = Manifest("nodelocal")
    text = manifest.configuration(OLD).replace("handover: true", "handover: false")
    old = Pod(scene, manifest, "before", text).wait_ready()
    with load(manifest.addresses) as loads:
        for attempt in range(3):
            is_told(*Pod(scene, manifest, f"after-{attempt}", manifest.configuration(NEW)).end(), KEYLESS)
    expect_equal({what for one in loads for _, _, what in one.events}, {OLD}, "answers meanwhile")
    are_fine(old)
    old.stop()
    Pod(scene, manifest, "its-turn", manifest.configuration(NEW)).wait_ready().stop()


if __name__ == "__main__":
    suite.main()
