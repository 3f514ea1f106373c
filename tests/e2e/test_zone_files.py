#!/usr/bin/env python3
"""Master files of private zones: a change of one is taken like a change of the configuration."""
import os
import time

from lib import fake_dns
from lib.cases import Suite, expect, expect_equal, wait_until
from lib.daemon import Daemon, address, forward

suite = Suite("zone files")
NAME = "db.corp.example"


def upstream_of(scene):
    return scene.add(fake_dns.FakeDns(address(), 0, None, fake_dns.addresses("192.0.2.1")))


def settings(upstream, file):
    return {"zones": [{"name": "corp.example", "file": file}], "forward": forward(upstream)}


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def rule(daemon):
    """The running daemon's decision on NAME: words of the zone's record, or that there is none."""
    done = daemon.ctl("explain", NAME)
    expect_equal(done.returncode, 0, f"ctl explain: {done.stderr}")
    return done.stdout


def zone_of(scene, text):
    folder = scene.path("zones")
    os.makedirs(folder)
    write(os.path.join(folder, "corp.zone"), text)
    return folder


@suite.case("a changed zone file is taken, and one that it includes, with the configuration as it was")
def changed(scene):
    folder = zone_of(scene, "other A 10.0.0.1\n$INCLUDE more.zone\n")
    write(os.path.join(folder, "more.zone"), "")
    upstream = upstream_of(scene)
    daemon = Daemon(scene, settings(upstream, os.path.join(folder, "corp.zone"))).wait_ready()
    expect("NXDOMAIN" in rule(daemon), "the name is there before")
    time.sleep(0.3)
    write(os.path.join(folder, "more.zone"), "db A 10.0.0.2\n")
    wait_until(lambda: f"name {NAME}" in rule(daemon), 8, "the included record")
    write(os.path.join(folder, "corp.zone"), "other A 10.0.0.1\n")
    wait_until(lambda: "NXDOMAIN" in rule(daemon), 8, "that the record is gone")
    wait_until(lambda: daemon.metric("local53_reloads_total", result="success") >= 3, 10, "start and two reloads")


@suite.case("a ConfigMap with configuration and zone is taken in one reload")
def configmap(scene):
    volume = scene.path("volume")
    os.makedirs(volume)
    for name in ("local53.yaml", "corp.zone"):
        os.symlink(f"..data/{name}", os.path.join(volume, name))
    upstream = upstream_of(scene)

    class Mounted(Daemon):
        """Its files are published as the kubelet does it."""

        def publish(self, zone):
            folder = os.path.join(volume, f"..2026_{time.monotonic_ns()}")
            os.makedirs(folder)
            write(os.path.join(folder, "local53.yaml"), self.text(settings(upstream, "corp.zone")))
            write(os.path.join(folder, "corp.zone"), zone)
            os.symlink(os.path.basename(folder), os.path.join(volume, "..data_tmp"))
            os.rename(os.path.join(volume, "..data_tmp"), os.path.join(volume, "..data"))

        def write(self, _):
            self.publish("db A 10.0.0.1\n")

    daemon = Mounted(scene, {}, config=os.path.join(volume, "local53.yaml")).wait_ready()
    expect(f"name {NAME}" in rule(daemon), "the first zone")
    before = daemon.metric("local53_reloads_total", result="success")
    daemon.publish("other A 10.0.0.1\n")
    wait_until(lambda: "NXDOMAIN" in rule(daemon), 8, "the second zone")
    time.sleep(0.5)
    expect_equal(daemon.metric("local53_reloads_total", result="success") - before, 1, "reloads")


if __name__ == "__main__":
    suite.main()
