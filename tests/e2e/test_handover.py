#!/usr/bin/env python3
"""Two instances on the same addresses, one after the other: who is asked, what is lost, and who is refused."""
import os
import resource
import signal
import socket
import threading
import time

from lib import dnsbench, fake_dns, message, pods
from lib.cases import Late, Suite, again_when_late, expect, expect_equal, wait_until
from lib.client import Client, NoAnswer
from lib.daemon import BINARY, PLAIN, Daemon, address, forward, free_port, run, yaml
from lib.pods import LINK_LOCAL, LINK_LOCAL6, SERVICE, Load, Pod

suite = Suite("handover")
ENVIRONMENT = 3
NAME = "who.corp.example"
RATE, ROUNDS = 5000, 4


class Place:
    """Addresses that instances come to, each telling its own number as the address of NAME."""

    def __init__(self, scene, **settings):
        self.scene, self.address = scene, address()
        self.port, self.settings, self.count = free_port(self.address), settings, 0
        self.client = Client(self.address, self.port)
        self.upstream = scene.add(fake_dns.FakeDns(address(), 0, {
            "slow.example.": lambda asked: fake_dns.Reply([message.a(asked.name, "192.0.2.1")], delay_s=3.0)},
            fake_dns.addresses("192.0.2.2")))
        self.http_port = free_port(self.address)

    def text(self, number):
        return {"listen": [f"{self.address}:{self.port}", f"[::1]:{self.port}"], "forward": forward(self.upstream),
                "endpoints": [{"names": [NAME], "addresses": [f"10.0.0.{number}"]}],
                "node": {"handover": True}, **self.settings}

    def come(self, **options):
        """The next instance, ready; it may have to wait for the port of its metrics."""
        self.count += 1
        return Instance(self.scene, self.text(self.count), address=self.address, port=self.port,
                        http_port=self.http_port, **options).wait_control()

    def asked(self):
        """Numbers of the instances that answer, over UDP from many ports and over TCP."""
        seen = {self.client.ask(NAME).texts()[0] for _ in range(40)}
        seen |= {self.client.ask_tcp(NAME).texts()[0] for _ in range(20)}
        return sorted(int(text.rsplit(".", 1)[1]) for text in seen)

    def refused(self, handover=True, binary=None):
        """A start that must end with exit code 3; what it said."""
        path = self.scene.write("refused.yaml", yaml({**self.text(99), "metrics": [], "node": {"handover": handover},
                                                      "control": self.scene.path("refused.sock")}))
        done = run(["run", "-c", path], binary=binary)
        expect_equal(done.returncode, ENVIRONMENT, f"exit code; it said: {done.stderr}")
        return done.stderr


class Instance(Daemon):
    """A daemon known by its control socket: its HTTP address may be another's still."""

    def _wait_alive(self):
        wait_until(lambda: os.path.exists(self.control), 15, "the control socket")

    def wait_control(self):
        def ready():
            expect(self.process.poll() is None, f"ended with {self.process.returncode}: {self.log()[-1500:]}")
            return self.ctl("ready").returncode == 0
        wait_until(ready, 15, "ready")
        return self

    def tells(self, text):
        return text in self.ctl("status").stdout


class Starting(Instance):
    """One that is not waited for."""

    def _wait_alive(self):
        pass


# ---- Who is asked ---------------------------------------------------------------------------------

@suite.case("the newcomer is asked nothing until the one before it stops, and then everything")
def in_turn(scene):
    place = Place(scene)
    first = place.come()
    expect(first.tells("handover: alone"), first.ctl("status").stdout)
    second = place.come()
    expect(second.tells("handover: beside another instance"), second.ctl("status").stdout)
    expect_equal(place.asked(), [1], "while both run")
    expect_equal(second.ctl("ready").returncode, 0, "the newcomer is ready all the same")
    first.stop()
    wait_until(lambda: second.tells("handover: alone"), 15, "the newcomer is alone")
    expect_equal(place.asked(), [2], "afterwards")
    wait_until(lambda: second.http("/healthz")[0] == 200, 15, "it has the port of metrics")


@suite.case("of two that start at once one comes first, every time")
def at_once(scene):
    for _ in range(12):
        place = Place(scene, workers=2)
        both = [Starting(scene, place.text(number), address=place.address, port=place.port, http_port=place.http_port,
                         binary=PLAIN) for number in (1, 2)]
        for one in both:
            one.wait_control()
        expect_equal(sorted(one.tells("handover: alone") for one in both), [False, True], "who is alone")
        for one in both:
            one.stop()


@suite.case("kill -9 of the one before hands over as well, and a newcomer that dies is not missed")
def killed(scene):
    place = Place(scene)
    first = place.come()
    dead = place.come()
    dead.expected_exit = -signal.SIGKILL
    dead.process.kill()
    dead.process.wait(15)
    expect_equal(place.asked(), [1], "after the newcomer's death")
    second = place.come()
    first.expected_exit = -signal.SIGKILL
    first.process.kill()
    first.process.wait(15)
    expect_equal(place.asked(), [3], "after the death of the one before")
    wait_until(lambda: second.tells("handover: alone"), 15, "alone")
    third = place.come()
    second.stop()
    expect_equal(place.asked(), [4], "after one more")
    expect_equal(third.process.poll(), None, "which runs")


@suite.case("beside one that hangs the newcomer says so, is alive, and has all once that one is killed")
def hung(scene):
    place = Place(scene)
    first = place.come()
    first.expected_exit = -signal.SIGKILL
    first.signal(signal.SIGSTOP)
    place.count += 1
    second = Instance(scene, place.text(2), address=place.address, port=place.port, http_port=place.http_port)
    wait_until(lambda: second.ctl("alive").returncode == 0, 15, "it is alive")
    told = second.ctl("ready")
    expect("the other instance, which is asked until it stops, has not answered" in told.stdout + told.stderr, told)
    first.process.kill()
    first.process.wait(15)
    second.wait_control()
    expect_equal((place.asked(), second.ctl("alive").returncode), ([2], 0), "after its death")


@suite.case("an instance that cannot see who is there, out of descriptors, does not think that it is alone")
def blind(scene):
    place = Place(scene)
    place.come()
    second = place.come()
    limits = resource.prlimit(second.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(second.process.pid, resource.RLIMIT_NOFILE, (8, limits[1]))
    time.sleep(0.6)
    resource.prlimit(second.process.pid, resource.RLIMIT_NOFILE, limits)
    expect(second.tells("handover: beside"), second.ctl("status").stdout)


@suite.case("who takes the port of metrics between the two is told, and it is served as soon as that is free")
def metrics_taken(scene):
    again_when_late(lambda _number: take_metrics(scene))


def take_metrics(scene):
    place = Place(scene)
    first = place.come()
    second = place.come()
    first.process.terminate()
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        wait_until(lambda: can_listen(other, place.address, place.http_port) or "metrics.open" in second.log(), 15,
                   "the port", 0.0005)
        if "metrics.open" in second.log():
            raise Late("the newcomer had the port first")
        first.wait()
        wait_until(lambda: "metrics.not_served" in second.log(), 15, "it is told")
        expect("held_by=" in second.log().split("metrics.not_served")[1], second.log())
        expect_equal(second.ctl("ready").returncode, 0, "it is ready all the same")
    wait_until(lambda: second.http("/healthz")[0] == 200, 15, "it is served")
    expect("metrics.open" in second.log(), second.log())


def can_listen(tcp, where, port):
    try:
        tcp.bind((where, port))
        tcp.listen(1)
        return True
    except OSError:
        return False


@suite.case("a question that waits for a server when the word to stop comes is answered by the one that took it")
def in_flight(scene):
    place = Place(scene)
    first = place.come()
    place.come()
    wait_until(lambda: "INFO ready" in first.log(), 15, "it tells that it is ready")
    replies = []
    asking = threading.Thread(target=lambda: replies.append(place.client.ask("slow.example").texts()))
    asking.start()
    wait_until(lambda: place.upstream.count("slow.example.") > 0, 15, "it is under way")
    first.process.terminate()
    wait_until(lambda: "handover.left" in first.log(), 15, "it leaves")
    expect_equal((place.asked(), first.process.poll()), ([2], None), "who is asked while the first still runs")
    asking.join(15)
    expect_equal(replies, [["192.0.2.1"]], "its answer")
    first.wait()
    warned = [line for line in first.log().splitlines() if "WARN" in line and "WARN upstream." not in line]
    expect(not warned, f"an ordered stop is no reason to warn: {warned}")


# ---- What is lost ---------------------------------------------------------------------------------

def full_buffers():
    """Datagrams for which a socket of this network namespace had no room: who is away for a second loses some."""
    with open("/proc/self/net/snmp", encoding="ascii") as file:
        names, values = (line.split() for line in file if line.startswith("Udp:"))
    return int(values[names.index("RcvbufErrors")])


def rolled(scene, *workers, rate=RATE):
    """Instances with these numbers of loops follow each other under dnsbench; how many questions were lost, but for
    those that found a buffer full."""
    before = full_buffers()
    place, rounds = Place(scene, workers=workers[0]), len(workers) - 1
    running = place.come(binary=PLAIN)
    queries = scene.write("queries", f"{NAME} A\nforwarded.example A\n")
    bench = dnsbench.Bench(scene, "run", "--server", f"{place.address}:{place.port}", "--queries", queries, "--rate",
                           rate, "--clients", 64, "--duration", f"{rounds + 2}s", "--warmup", "0s", "--timeout", "5s",
                           binary=dnsbench.PLAIN)
    for loops in workers[1:]:
        place.settings["workers"] = loops
        newcomer = place.come(binary=PLAIN)
        time.sleep(0.2)
        running.stop()
        running = newcomer
    ended = bench.wait()
    expect_equal(place.count, rounds + 1, "instances")
    sent, good, full = ended.measured["sent"], ended.outcomes["ok"], full_buffers() - before
    print(f"  {sent - good} of {sent} questions lost, {full} buffers full")
    expect(sent > RATE, f"only {sent} questions were sent")
    expect(2 * good > sent, f"only {good} of {sent} questions were answered")
    return max(0, sent - good - full)


@suite.case("four replacements under load over UDP lose nothing, with one loop", limit_s=60)
def one_loop(scene):
    expect_equal(rolled(scene, *[1] * (ROUNDS + 1)), 0, "lost")


@suite.case("four replacements under load over UDP lose nothing, with three loops", limit_s=60)
def three_loops(scene):
    expect_equal(rolled(scene, *[3] * (ROUNDS + 1)), 0, "lost")


@suite.case("nor do they where the next has another number of loops: each leaves in the order its sockets stand in",
            limit_s=60)
def other_loops(scene):
    expect_equal(rolled(scene, 1, 4, 4, 1, 4, 4, 3, 4, 1, rate=3 * RATE), 0, "lost")


@suite.case("a connection for each question loses nothing either", limit_s=60)
def connections(scene):
    place = Place(scene)
    running, failed, count, end = place.come(binary=PLAIN), [], [0], threading.Event()

    def ask():
        while not end.is_set():
            count[0] += 1
            try:
                place.client.ask_tcp(NAME)
            except (OSError, NoAnswer) as error:
                failed.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    for _ in range(ROUNDS):
        newcomer = place.come(binary=PLAIN)
        time.sleep(0.2)
        running.stop()
        running = newcomer
    end.set()
    asking.join(10)
    print(f"  {len(failed)} of {count[0]} questions lost over {ROUNDS} replacements")
    expect_equal(failed, [], f"of {count[0]}")
    expect(count[0] > 100, f"only {count[0]} were asked")


@suite.case("pods led here by rules lose nothing, and rules of one instance stand at all times", namespace_needed=True,
            limit_s=60)
def led_pods(scene):
    pod = Pod(scene)
    scene.add(fake_dns.FakeDns(pods.CLUSTER_DNS, 53, default=fake_dns.addresses(pods.THEIRS)))
    scene.add(fake_dns.FakeDns("127.53.9.9", 53, default=fake_dns.addresses(pods.OURS)))
    settings = {"listen": [LINK_LOCAL, LINK_LOCAL6], "forward": forward("127.53.9.9"), "metrics": [],
                "node": {"intercept": "owner", "service_addresses": [SERVICE], "handover": True}}
    running = Instance(scene, settings, binary=PLAIN).wait_control()
    loads = [scene.add(Load(pod, server)) for server in (SERVICE, LINK_LOCAL, LINK_LOCAL6)]
    for _ in range(3):
        newcomer = Instance(scene, settings, binary=PLAIN).wait_control()
        expect_equal(len(pods.tables()), 2, "tables while both run")
        running.stop()
        expect_equal(len(pods.tables()), 1, "tables afterwards")
        expect(LINK_LOCAL in pods.standing(), f"addresses afterwards: {pods.standing()}")
        running = newcomer
        time.sleep(0.3)
    for load in loads:
        load.close()
        seen = {what for _, _, what in load.events}
        print(f"  {load.lost()} of {len(load.events)} questions to {load.server} lost over 3 replacements")
        expect_equal(seen, {pods.OURS}, f"answers at {load.server}")
    running.stop()
    expect_equal((pods.tables(), LINK_LOCAL in pods.standing()), ([], False), "left in the end")


# ---- Who is refused -------------------------------------------------------------------------------

@suite.case("where one of both lacks the key the second is refused and the first goes on")
def both_need_it(scene):
    for first, second in ((True, False), (False, True)):
        place = Place(scene, node={"handover": first})
        place.come()
        said = place.refused(handover=second)
        expect("is taken by local53" in said, said)
        expect_equal("node.handover: true" in said, second, f"the remedy is told who would take over: {said}")
        expect_equal(place.asked(), [1], "the first goes on")


@suite.case("a third, and another user's, are refused with the remedy")
def refused(scene):
    place = Place(scene)
    place.come()
    wrapped = scene.write("other-user", f"#!/bin/sh\nexec setpriv --reuid 65534 {BINARY} \"$@\"\n")
    os.chmod(wrapped, 0o755)
    said = place.refused(binary=wrapped)
    expect("as another user" in said, said)
    place.come()
    said = place.refused()
    expect("2 instances have it already" in said, said)
    expect_equal(place.asked(), [1], "the first goes on")


@suite.case("claims of a stranger who has no socket there do not keep an instance away")
def claims_alone(scene):
    place = Place(scene)
    for address_text in (f"{place.address}:{place.port}", f"[::1]:{place.port}"):
        for number in range(2):
            claim = scene.add(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
            claim.bind(f"\0local53-handover-{address_text}-{number}")
    first = place.come()
    expect(first.tells("handover: alone"), first.ctl("status").stdout)
    expect("2 instances have it already" in place.refused(), "but of two claims that are held one could be another's")


@suite.case("a foreign server that shares its port is no instance")
def foreign(scene):
    place = Place(scene)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        udp.bind((place.address, place.port))
        said = place.refused()
    expect("is taken by python3" in said, said)


if __name__ == "__main__":
    suite.main()
