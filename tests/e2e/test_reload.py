#!/usr/bin/env python3
"""Reloads by signal, command and the file's change; refused ones; what the cache does with them; the ordered stop."""
import os
import re
import signal
import socket
import threading
import time

from lib import fake_dns, message
from lib.cases import Suite, expect, expect_equal, wait_until
from lib.client import Client, Load, Stream
from lib.daemon import Daemon, address, forward

suite = Suite("reload")
NAME = "one.corp.example"
STOP_LIMIT_S = 9  # 5.1 s, 0.5 s a loop, and what a machine is away


def upstream_of(scene, rules=None):
    return scene.add(fake_dns.FakeDns(address(), 0, rules, fake_dns.addresses("192.0.2.1")))


def settings(upstream, addresses=("10.0.0.1",), names=(NAME,), **more):
    endpoints = [{"names": list(names), "addresses": list(addresses)}] if names else []
    return {"endpoints": endpoints, "forward": forward(upstream), **more}


def answers(daemon, name, *wanted):
    return wait_until(lambda: sorted(daemon.client.ask(name).texts()) == sorted(wanted), 20,
                      f"{name} answers {wanted}", 0.05)


# ---- The ways to reload ---------------------------------------------------------------------------

@suite.case("SIGHUP takes a new configuration")
def by_signal(scene):
    upstream = upstream_of(scene)
    daemon = Daemon(scene, settings(upstream)).wait_ready()
    expect_equal(daemon.client.ask(NAME).texts(), ["10.0.0.1"], "before")
    daemon.write(settings(upstream, ["10.0.0.2"]))
    daemon.signal(signal.SIGHUP)
    answers(daemon, NAME, "10.0.0.2")
    expect_equal(daemon.metric("local53_config_last_reload_success"), 1, "local53_config_last_reload_success")


@suite.case("ctl reload answers when the new configuration serves")
def by_command(scene):
    upstream = upstream_of(scene)
    daemon = Daemon(scene, settings(upstream)).wait_ready()
    for number in range(2, 8):
        daemon.reload(settings(upstream, [f"10.0.0.{number}"]))
        for _ in range(4):  # both loops
            expect_equal(daemon.client.ask(NAME).texts(), [f"10.0.0.{number}"], "right after ctl reload")


@suite.case("a file written in place is taken")
def in_place(scene):
    upstream = upstream_of(scene)
    daemon = Daemon(scene, settings(upstream)).wait_ready()
    time.sleep(0.3)
    daemon.write(settings(upstream, ["10.0.0.2"]))
    answers(daemon, NAME, "10.0.0.2")


@suite.case("a file renamed over the old one is taken, twice")
def renamed(scene):
    upstream = upstream_of(scene)
    daemon = Daemon(scene, settings(upstream)).wait_ready()
    for number in (2, 3):
        daemon.replace(settings(upstream, [f"10.0.0.{number}"]))
        answers(daemon, NAME, f"10.0.0.{number}")


@suite.case("the symlink swap of a ConfigMap volume is taken, twice")
def configmap(scene):
    upstream = upstream_of(scene)
    volume = scene.path("volume")
    os.makedirs(volume)
    os.symlink("..data/local53.yaml", os.path.join(volume, "local53.yaml"))

    def publish(text, stamp):
        folder = os.path.join(volume, f"..2026_{stamp}")
        os.makedirs(folder)
        with open(os.path.join(folder, "local53.yaml"), "w", encoding="utf-8") as file:
            file.write(text)
        os.symlink(os.path.basename(folder), os.path.join(volume, "..data_tmp"))
        os.rename(os.path.join(volume, "..data_tmp"), os.path.join(volume, "..data"))

    class Mounted(Daemon):
        """Its file is published as the kubelet does it."""

        def write(self, settings):
            publish(self.text(settings), time.monotonic_ns())

    daemon = Mounted(scene, settings(upstream), config=os.path.join(volume, "local53.yaml")).wait_ready()
    for number in (2, 3):
        daemon.write(settings(upstream, [f"10.0.0.{number}"]))
        answers(daemon, NAME, f"10.0.0.{number}")


@suite.case("an endpoint added with a target not resolved yet takes nothing away meanwhile")
def added_target(scene):
    target = "vpce-0123-abcd.sts.eu-west-1.vpce.amazonaws.com"
    upstream = upstream_of(scene, {(target + ".", kind): reply for kind, reply in (
        ("A", fake_dns.Reply([message.a(target + ".", "10.0.9.9")], delay_s=1.5)),
        ("AAAA", fake_dns.Reply(delay_s=1.5)))})
    daemon = Daemon(scene, settings(upstream)).wait_ready()
    before = settings(upstream)
    added = {**before, "endpoints": before["endpoints"] + [{"names": ["two.corp.example"], "target": target}]}
    expect_equal(daemon.client.ask("two.corp.example").texts(), ["192.0.2.1"], "before")
    daemon.reload(added)
    seen = []
    wait_until(lambda: seen.append(daemon.client.ask("two.corp.example").texts()) or seen[-1] == ["10.0.9.9"], 15,
               "the endpoint's address", 0.02)
    expect(["192.0.2.1"] in seen and all(texts in (["192.0.2.1"], ["10.0.9.9"]) for texts in seen),
           f"an answer was taken away: {[texts for texts in seen if not texts][:1]} of {len(seen)}")


# ---- Refused --------------------------------------------------------------------------------------

@suite.case("a bad file leaves the running configuration, says where and why, and lowers the metric")
def refused(scene):
    upstream = upstream_of(scene)
    daemon = Daemon(scene, settings(upstream)).wait_ready()
    good = daemon.text(settings(upstream, ["10.0.0.2"]))
    daemon.write(good + "cachee: {memory: 1MiB}\n")
    done = daemon.ctl("reload")
    told = done.stdout + done.stderr
    expect(done.returncode != 0, "ctl reload of a bad file says success")
    line = len(good.splitlines()) + 1
    expect(f"{daemon.config}:{line}:1:" in told, f"no file:line:column in: {told}")
    expect('cachee: unknown key; did you mean "cache"' in told, f"no suggestion in: {told}")
    expect(f":{line}:1:" in daemon.log(), "the log does not say where")
    expect_equal(daemon.client.ask(NAME).texts(), ["10.0.0.1"], "the old configuration serves")
    metrics = daemon.metrics()
    expect_equal(metrics.total("local53_config_last_reload_success"), 0, "local53_config_last_reload_success")
    expect(metrics.total("local53_reloads_total", result="failure") >= 1, "failures counted")
    expect_equal(daemon.http("/readyz")[0], 200, "/readyz")
    daemon.reload(good)
    expect_equal(daemon.client.ask(NAME).texts(), ["10.0.0.2"], "mended")
    expect_equal(daemon.metric("local53_config_last_reload_success"), 1,
                 "local53_config_last_reload_success after mending")


@suite.case("every kind of bad file is refused on reload")
def refused_kinds(scene):
    upstream = upstream_of(scene)
    daemon = Daemon(scene, settings(upstream)).wait_ready()
    good = daemon.text(settings(upstream))
    for bad in ("", "{", good + good, good + "acl: []\n", good + "zones: [{name: a.example, file: gone}]\n",
                good.replace("workers: 2", "workers: x"),
                good + "log: {level: loud}\n",
                good + "\x00", good + 'cache: {memory: "1 parsec"}\n',
                daemon.text(settings(f"{daemon.address}:{daemon.port}")),
                daemon.text(settings(upstream, names=[NAME, NAME]))):
        daemon.write(bad)
        done = daemon.ctl("reload")
        expect(done.returncode != 0, f"taken: {bad[:200]!r}")
        expect_equal(daemon.client.ask(NAME).texts(), ["10.0.0.1"], "the old configuration serves")
    os.unlink(daemon.config)
    expect(daemon.ctl("reload").returncode != 0, "a missing file was taken")
    expect_equal(daemon.client.ask(NAME).texts(), ["10.0.0.1"], "the old configuration serves")


@suite.case("a key that needs a restart is refused by name on reload")
def needs_restart(scene):
    upstream = upstream_of(scene)
    daemon = Daemon(scene, settings(upstream)).wait_ready()
    daemon.write({**settings(upstream, ["10.0.0.2"]), "workers": 1})
    done = daemon.ctl("reload")
    expect(done.returncode != 0 and "workers" in done.stdout + done.stderr, f"told: {done.stdout} {done.stderr}")
    expect_equal(daemon.client.ask(NAME).texts(), ["10.0.0.1"], "the old configuration serves")


# ---- Cached names ---------------------------------------------------------------------------------

@suite.case("a rule added for a cached name takes effect at once, and its removal too")
def rule_for_cached(scene):
    upstream = upstream_of(scene)
    daemon = Daemon(scene, settings(upstream, names=())).wait_ready()
    for kind in ("A", "AAAA", "TXT"):
        daemon.client.ask("www.example", kind)
    daemon.reload(settings(upstream, names=["www.example"]))
    for _ in range(4):
        expect_equal(daemon.client.ask("www.example").texts(), ["10.0.0.1"], "rule added")
        expect_equal(daemon.client.ask("www.example", "TXT").answer, [], "rule added, TXT")
    daemon.reload(settings(upstream, names=()))
    for _ in range(4):
        expect_equal(daemon.client.ask("www.example").texts(), ["192.0.2.1"], "rule removed")


@suite.case("a wildcard added over a cached name takes effect at once")
def wildcard_for_cached(scene):
    upstream = upstream_of(scene)
    daemon = Daemon(scene, settings(upstream, names=())).wait_ready()
    daemon.client.ask("a.b.example")
    daemon.reload(settings(upstream, names=["*.b.example"]))
    for _ in range(4):
        expect_equal(daemon.client.ask("a.b.example").texts(), ["10.0.0.1"], "wildcard added")
        expect_equal(daemon.client.ask("b.example").texts(), ["192.0.2.1"], "the wildcard's apex")


def chained(asked):
    records = [message.cname(asked.name, "mid.example."), message.cname("mid.example.", "end.example.")]
    return fake_dns.Reply(records + ([message.a("end.example.", "192.0.2.7")] if asked.type == 1 else []))


@suite.case("a rule added in the middle or at the end of a cached chain takes effect at once")
def rule_in_chain(scene):
    upstream = upstream_of(scene, {"start.example.": chained})
    daemon = Daemon(scene, settings(upstream, names=())).wait_ready()
    expect_equal(daemon.client.ask("start.example").texts(), ["192.0.2.7"], "no rule")
    for names, links in ((["mid.example"], 1), (["end.example"], 2), (["*.example"], None), (["mid.example"], 1)):
        daemon.reload(settings(upstream, names=names))
        for _ in range(4):
            reply = daemon.client.ask("start.example")
            expect_equal(reply.texts(), ["10.0.0.1"], f"rule {names}")
            if links is not None:
                expect_equal(len(reply.texts("CNAME")), links, f"links kept with rule {names}")
    daemon.reload(settings(upstream, names=()))
    for _ in range(4):
        expect_equal(daemon.client.ask("start.example").texts(), ["192.0.2.7"], "rule removed")


@suite.case("names that no rule touches stay cached over a reload")
def untouched_stay(scene):
    upstream = upstream_of(scene)
    daemon = Daemon(scene, settings(upstream)).wait_ready()
    for number in range(20):
        daemon.client.ask(f"n{number}.example")
    before = len(upstream.seen)
    daemon.reload(settings(upstream, ["10.0.0.2"], [NAME, "*.other.example"]))
    for number in range(20):
        expect_equal(daemon.client.ask(f"n{number}.example").texts(), ["192.0.2.1"], "answer")
    expect_equal(len(upstream.seen), before, "questions upstream after the reload")


@suite.case("a name that belongs to another pool after a reload is asked there")
def another_pool(scene):
    one = upstream_of(scene)
    two = scene.add(fake_dns.FakeDns(address(), 0, default=fake_dns.addresses("192.0.2.2")))
    daemon = Daemon(scene, {"forward": forward(one)})
    expect_equal(daemon.client.ask("a.zone.example").texts(), ["192.0.2.1"], "first pool")
    daemon.reload({"forward": [*forward(one), {"zone": "zone.example", "servers": [two.server]}]})
    for _ in range(4):
        expect_equal(daemon.client.ask("a.zone.example").texts(), ["192.0.2.2"], "second pool")


@suite.case("an answer in flight across a reload is given under the old rules and not kept against the new")
def in_flight(scene):
    slow = fake_dns.Reply([message.a("slow.example.", "192.0.2.8")], delay_s=1.0)
    upstream = upstream_of(scene, {("slow.example.", "A"): slow})
    daemon = Daemon(scene, settings(upstream, names=())).wait_ready()
    got = []
    thread = threading.Thread(target=lambda: got.append(daemon.client.ask("slow.example")))
    thread.start()
    wait_until(lambda: upstream.count("slow.example."), 15, "the question is upstream", 0.01)
    daemon.reload(settings(upstream, names=["slow.example"]))
    expect_equal(daemon.client.ask("slow.example").texts(), ["10.0.0.1"], "asked after the reload")
    thread.join(15)
    expect(got and got[0].texts() in (["192.0.2.8"], ["10.0.0.1"]), f"asked before the reload: {got}")
    for _ in range(4):
        expect_equal(daemon.client.ask("slow.example").texts(), ["10.0.0.1"], "after the old answer came")


@suite.case("a reordering of an endpoint's addresses is no change for cached chains")
def reordered(scene):
    upstream = upstream_of(scene, {"start.example.": chained})
    daemon = Daemon(scene, settings(upstream, ["10.0.0.1", "10.0.0.2"], ["end.example"])).wait_ready()
    daemon.client.ask("start.example")
    daemon.reload(settings(upstream, ["10.0.0.2", "10.0.0.1"], ["end.example"]))
    expect_equal(sorted(daemon.client.ask("start.example").texts()), ["10.0.0.1", "10.0.0.2"], "answer")
    expect_equal(upstream.count("start.example."), 1, "questions upstream")


@suite.case("under a load of queries no reload loses or spoils an answer")
def under_load(scene):
    upstream = upstream_of(scene)
    daemon = Daemon(scene, settings(upstream)).wait_ready()

    def good(name, reply):
        return reply.texts() in (["10.0.0.1"], ["10.0.0.2"]) if name == NAME else reply.texts() == ["192.0.2.1"]
    loads = [scene.add(Load(daemon.client, [NAME, "www.example", f"x{n}.example"], good)) for n in range(3)]
    for number in range(30):
        daemon.reload(settings(upstream, [f"10.0.0.{number % 2 + 1}"]))
        time.sleep(0.03)
    for load in loads:
        load.close()
    bad, asked = [b for load in loads for b in load.bad], sum(load.asked for load in loads)
    expect(not bad, f"{len(bad)} of {asked} lost or wrong, first {bad[:3]}")
    expect(asked > 300, f"only {asked} queries during 30 reloads")
    expect(daemon.metric("local53_reloads_total", result="success") >= 30, "reloads counted")


# ---- Stop -----------------------------------------------------------------------------------------

@suite.case("SIGTERM: not ready first, what is in flight is answered, exit 0")
def ordered_stop(scene):
    slow = fake_dns.Reply([message.a("slow.example.", "192.0.2.8")], delay_s=2.5)
    upstream = upstream_of(scene, {("slow.example.", "A"): slow})
    daemon = Daemon(scene, settings(upstream)).wait_ready()
    got = []

    def by_tcp():
        with Stream(daemon.client) as stream:
            stream.write(message.query("slow.example", id=7).wire())
            got.append(stream.read().texts())
    threads = [threading.Thread(target=lambda: got.append(daemon.client.ask("slow.example").texts())),
               threading.Thread(target=by_tcp)]
    before = daemon.metric("local53_queries_total")
    for thread in threads:
        thread.start()
    wait_until(lambda: daemon.metric("local53_queries_total") == before + 2, 15, "both questions have come", 0.01)
    wait_until(lambda: upstream.count("slow.example."), 15, "the question is upstream", 0.01)
    daemon.signal(signal.SIGTERM)
    statuses = []
    while daemon.process.poll() is None and len(statuses) < 1000:
        statuses.append(daemon.http("/readyz")[0])
        time.sleep(0.01)
    for thread in threads:
        thread.join(15)
    expect_equal(got, [["192.0.2.8"]] * 2, "answers of what was in flight")
    expect(503 in statuses and 200 not in statuses[1:], f"/readyz during the stop: {sorted(set(statuses))}")
    expect_equal(daemon.process.wait(10), 0, "exit code")


@suite.case("SIGTERM ends in bounded time with a dead upstream and questions in flight")
def stop_when_dead(scene):
    upstream = scene.add(fake_dns.FakeDns(address(), 0, default=fake_dns.Reply(silent=True)))
    daemon = Daemon(scene, settings(upstream)).wait_ready()
    clients = [threading.Thread(target=lambda n=n: ask_quietly(daemon.client, f"n{n}.example")) for n in range(20)]
    for thread in clients:
        thread.start()
    wait_until(lambda: len(upstream.seen) >= 10, 15, "questions are upstream", 0.01)
    took = daemon.stop()
    expect(took < STOP_LIMIT_S, f"took {took:.1f} s")
    expect_equal(daemon.process.returncode, 0, "exit code")
    for thread in clients:
        thread.join(8)


def ask_quietly(client, name):
    try:
        client.ask(name)
    except AssertionError:
        pass  # the daemon may be gone


@suite.case("SIGTERM ends in order while a control client does not read a long answer")
def stop_with_unread_dump(scene):
    upstream = upstream_of(scene)
    daemon = Daemon(scene, settings(upstream)).wait_ready()
    for number in range(6000):
        daemon.client.ask(f"{number}-{'x' * 50}.{'y' * 50}.example")
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(daemon.control)
        peer.send(b"dump\n")
        time.sleep(0.3)
        started = time.monotonic()
        daemon.stop()
        expect(time.monotonic() - started < STOP_LIMIT_S, "the stop took too long")


@suite.case("SIGTERM with idle and half-sent TCP connections ends in bounded time")
def stop_with_connections(scene):
    daemon = Daemon(scene, settings(upstream_of(scene))).wait_ready()
    streams = [scene.add(Stream(Client(daemon.address, daemon.port))) for _ in range(10)]
    streams[0].socket.sendall(b"\x00")
    streams[1].socket.sendall(b"\x00\x40abc")
    took = daemon.stop()
    expect(took < STOP_LIMIT_S, f"took {took:.1f} s")
    expect_equal(daemon.process.returncode, 0, "exit code")


@suite.case("SIGINT ends it as SIGTERM does, and the control socket's file is gone")
def interrupted(scene):
    daemon = Daemon(scene, settings(upstream_of(scene))).wait_ready()
    expect(os.path.exists(daemon.control), "no control socket while running")
    daemon.signal(signal.SIGINT)
    daemon.wait()
    expect_equal(daemon.process.returncode, 0, "exit code")
    expect(not os.path.exists(daemon.control), "the control socket's file is left behind")
    expect(re.search(r"stop", daemon.log()), "the log does not tell the stop")


if __name__ == "__main__":
    suite.main()
