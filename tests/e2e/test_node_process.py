#!/usr/bin/env python3
"""The process on the node: its capabilities and what it can read with them."""
import os

from lib.cases import Skip, Suite, expect, expect_equal
from lib.daemon import Daemon, forward
from lib.node import NO_CAPABILITY, start, under, upstream
from lib.pods import OURS

suite = Suite("node process")


def capabilities(pid):
    """Capabilities in effect and permitted, a pair for each thread; no_new_privs of all."""
    found = set()
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status", encoding="ascii") as file:
            lines = dict(line.split(":", 1) for line in file.read().splitlines())
        expect_equal(lines["NoNewPrivs"].strip(), "1", "NoNewPrivs")
        found.add((thread == str(pid), int(lines["CapEff"], 16), int(lines["CapPrm"], 16)))
    return found


READ_SEARCH, ADMIN = 1 << 2, 1 << 12


@suite.case("no capability is needed without interception, and hardly one is kept", namespace_needed=True)
def bare(scene):
    server = upstream(scene)
    plain = {"forward": forward(server)}
    daemon = Daemon(scene, plain, binary=under(scene, NO_CAPABILITY)).wait_ready()
    expect_equal(daemon.client.ask("a.example.").answer[0].text, OURS, "without any")
    expect_equal(capabilities(daemon.process.pid), {(True, 0, 0), (False, 0, 0)}, "without any")
    full = Daemon(scene, plain).wait_ready()
    expect_equal(capabilities(full.process.pid), {(True, READ_SEARCH, READ_SEARCH), (False, 0, 0)}, "with all")
    expect("interception: off" in full.ctl("status").stdout, "status")
    owner = start(scene, services=())
    kept = READ_SEARCH | ADMIN
    expect_equal(capabilities(owner.process.pid), {(True, kept, kept), (False, 0, 0)}, "with interception")


@suite.case("a file of another user is read at a reload as at the start", namespace_needed=True)
def file_of_another(scene):
    text = {"forward": forward(upstream(scene))}
    path = scene.path("others.yaml")
    with open(path, "w", encoding="ascii") as file:
        file.write("")
    try:
        os.chown(path, 65534, 65534)
    except OSError as error:
        raise Skip(f"files cannot be given away here: {error}") from None
    os.chmod(path, 0o600)
    daemon = Daemon(scene, text, config=path).wait_ready()
    daemon.reload()
    override = Daemon(scene, text, config=path, binary=under(scene, [
        "setpriv", "--bounding-set", "-dac_read_search", "--inh-caps", "-dac_read_search"])).wait_ready()
    expect("node.file_unreadable" in override.log(), override.log())


if __name__ == "__main__":
    suite.main()
