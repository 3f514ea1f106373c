"""local53 on the node of pods.py: its configuration, whom it asks, and its starts and ends."""
import os
import signal
import time

from . import fake_dns, message
from .daemon import BINARY, Daemon, forward, run
from .pods import CLUSTER_DNS, CLUSTER_DNS6, LINK_LOCAL, LINK_LOCAL6, OURS, SERVICE, SERVICE6, THEIRS, Pod

ENVIRONMENT = 3
UPSTREAM = "127.53.9.9"
READ_SEARCH, ADMIN = 1 << 2, 1 << 12  # capabilities
NO_CAPABILITY = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"]
NO_ADMIN = ["setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin"]


def upstream(scene):
    """Who local53 asks: its answers are told from those of the cluster DNS."""
    server = scene.add(fake_dns.FakeDns(UPSTREAM, 53, default=fake_dns.addresses(OURS)))
    server.set("slow.example.", lambda asked: fake_dns.Reply([message.a(asked.name, OURS)], delay_s=2.5))
    return server


def cluster(scene):
    pod = Pod(scene)
    for address in (CLUSTER_DNS, CLUSTER_DNS6):
        scene.add(fake_dns.FakeDns(address, 53, default=fake_dns.addresses(THEIRS)))
    pod.upstream = upstream(scene)
    return pod


def settings(intercept="owner", services=(SERVICE, SERVICE6), listen=(LINK_LOCAL, LINK_LOCAL6), on_failure="exit"):
    return {"listen": list(listen), "forward": forward(UPSTREAM),
            "node": {"intercept": intercept, "service_addresses": list(services), "on_failure": on_failure}}


def start(scene, binary=None, **keys):
    return Daemon(scene, settings(**keys), binary=binary).wait_ready()


def under(scene, wrapper, name="wrapped"):
    """The binary started by a wrapper, as a program."""
    path = scene.write(name, f"#!/bin/sh\nexec {' '.join(wrapper)} {BINARY} \"$@\"\n")
    os.chmod(path, 0o755)
    return path


def killed(scene, daemon):
    """kill -9, and the time of it."""
    daemon.expected_exit = -signal.SIGKILL
    when = time.monotonic()
    daemon.process.kill()
    return when


def clean(scene):
    """What a killed one has left goes, also when the case fails."""
    class Cleaner:
        def close(self):
            run(["node", "clean"])
    scene.add(Cleaner())
