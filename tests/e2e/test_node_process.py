#!/usr/bin/env python3
"""The process on the node: its capabilities and what it can read with them, its descriptors, its folder."""
import os
import re
import shutil
import socket
import subprocess
import threading
import time

from lib import fake_dns, message
from lib.cases import Skip, Suite, expect, expect_equal, wait_until
from lib.daemon import BINARY, Daemon, forward, run
from lib.node import ADMIN, NO_ADMIN, NO_CAPABILITY, READ_SEARCH, UPSTREAM, settings, start, under, upstream
from lib.pods import LINK_LOCAL, OURS

suite = Suite("node process")
NOBODY = 65534
O_CLOEXEC = 0o2000000


# ---- Capabilities -----------------------------------------------------------------------------------

def capabilities(pid):
    """Of the main thread and of the loops: a pair of what is in effect and what is permitted. None has an inheritable
    or an ambient one, nor can gain any."""
    found = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status", encoding="ascii") as file:
            lines = dict(line.split(":", 1) for line in file.read().splitlines())
        expect_equal(lines["NoNewPrivs"].strip(), "1", "NoNewPrivs")
        sets = {name: int(lines[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")}
        expect_equal((sets["CapInh"], sets["CapAmb"]), (0, 0), "inheritable and ambient")
        found.setdefault("main" if thread == str(pid) else "loop", set()).add((sets["CapEff"], sets["CapPrm"]))
    return found


def kept(of_main):
    """What capabilities() finds where main keeps these, and loops none."""
    return {"main": {(of_main, of_main)}, "loop": {(0, 0)}}


@suite.case("no capability is needed without interception, and hardly one is kept", namespace_needed=True)
def bare(scene):
    server = upstream(scene)
    plain = {"forward": forward(server)}
    daemon = Daemon(scene, plain, binary=under(scene, NO_CAPABILITY)).wait_ready()
    expect_equal(daemon.client.ask("a.example.").answer[0].text, OURS, "without any")
    expect_equal(capabilities(daemon.process.pid), kept(0), "without any")
    full = Daemon(scene, plain).wait_ready()
    expect_equal(capabilities(full.process.pid), kept(READ_SEARCH), "with all")
    expect("interception: off" in full.ctl("status").stdout, "status")
    owner = start(scene, services=())
    expect_equal(capabilities(owner.process.pid), kept(READ_SEARCH | ADMIN), "with interception")
    owner.stop()
    degraded = start(scene, binary=under(scene, NO_ADMIN), on_failure="degrade", services=(),
                     listen=["127.53.9.1", LINK_LOCAL])
    expect_equal(capabilities(degraded.process.pid), kept(READ_SEARCH), "with interception, without NET_ADMIN")


@suite.case("what the systemd unit or a file's capabilities give a user is dropped once the port is bound",
            namespace_needed=True)
def given(scene):
    server = upstream(scene)
    ambient = ["setpriv", "--reuid", str(NOBODY), "--clear-groups", "--inh-caps", "-all,+net_bind_service",
               "--ambient-caps", "-all,+net_bind_service", "--bounding-set", "-all,+net_bind_service"]
    program = scene.path("local53")
    shutil.copy(BINARY, program)
    if subprocess.run(["setcap", "cap_net_bind_service,cap_net_admin=p", program], check=False).returncode != 0:
        raise Skip("file capabilities are refused here")
    no_user = ["setpriv", "--reuid", str(NOBODY), "--clear-groups", "--inh-caps", "-all"]
    both, bind_alone = (["--bounding-set", "-all,+net_bind_service" + more] for more in (",+net_admin", ""))
    for name, command, intercept, wanted in (
            ("ambient", [*ambient, BINARY], "off", 0), ("file", [*no_user, *both, "env", program], "off", 0),
            ("file and interception", [*no_user, *both, "env", program], "owner", ADMIN),
            ("file without NET_ADMIN", [*no_user, *bind_alone, "env", program], "degrade", 0)):
        daemon = as_nobody(scene, command, intercept)
        expect_equal(daemon.client.ask("a.example.").answer[0].text, OURS, name)
        expect_equal(capabilities(daemon.process.pid), kept(wanted), name)
        daemon.stop()
    expect(server.count("a.example.") > 0, "the upstream was asked")


def as_nobody(scene, command, intercept):
    """A daemon on port 53 of a user without rights."""
    path = scene.write("as-nobody", f"#!/bin/sh\nexec {' '.join(command)} \"$@\"\n")
    os.chmod(path, 0o755)
    folder = scene.path("run-" + str(time.monotonic_ns()))
    os.makedirs(folder)
    try:
        os.chown(folder, NOBODY, NOBODY)
    except OSError as error:
        raise Skip(f"nobody else may be become here: {error}") from None
    node = {"off": {"intercept": "off"}, "owner": {"intercept": "owner"},
            "degrade": {"intercept": "owner", "on_failure": "degrade"}}[intercept]
    where = "127.53.9.2"
    listen = [where, LINK_LOCAL] if intercept != "off" else [where]
    return Daemon(scene, {"listen": listen, "node": node, "control": f"{folder}/control.sock",
                          "forward": forward(UPSTREAM)}, binary=path, address=where, port=53).wait_ready()


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


@suite.case("ctl of another user is told whom the socket answers", namespace_needed=True)
def another_user(scene):
    daemon = Daemon(scene, {"forward": forward(upstream(scene))}).wait_ready()
    os.chmod(scene.folder, 0o755)
    for word in ("ready", "status"):
        for group, what in (("0", "root and its own user alone"), (str(NOBODY), "sudo, or the user")):
            done = subprocess.run(["setpriv", "--reuid", str(NOBODY), "--regid", group, "--clear-groups", BINARY, "ctl",
                                   "-s", daemon.control, word], capture_output=True, text=True, check=False, timeout=20)
            if done.returncode in (126, 127):
                raise Skip(f"another user cannot run it here: {done.stderr.strip()}")
            expect_equal((done.returncode, done.stdout), (3, ""), f"exit of ctl {word}, with {done.stderr}")
            expect(what in done.stderr, done.stderr)


# ---- Descriptors ------------------------------------------------------------------------------------

@suite.case("every descriptor is close-on-exec, with clients, servers, control, metrics and rules at work",
            namespace_needed=True)
def close_on_exec(scene):
    server = upstream(scene)
    slow = {"udp": fake_dns.Reply(flags=message.TC),
            "tcp": lambda asked: fake_dns.Reply([message.a(asked.name, OURS)], delay_s=1.0)}
    server.set("large.example.", slow)
    with_claims = settings()
    with_claims["node"]["handover"] = True
    daemon = Daemon(scene, with_claims).wait_ready()
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        for name in ("slow.example.", "large.example."):
            held = scene.add(socket.socket(socket.AF_INET, kind))
            held.connect((LINK_LOCAL, 53))
            wire = message.query(name, "A").wire()
            held.send(len(wire).to_bytes(2, "big") + wire if kind == socket.SOCK_STREAM else wire)
    control = scene.add(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
    control.connect(daemon.control)
    scrape = scene.add(socket.create_connection((daemon.address, daemon.http_port)))
    scrape.send(b"GET /metrics HTTP/1.1\r\n")
    daemon.reload()
    wait_until(lambda: server.count("large.example.", transport="tcp") > 0, 5, "the upstream is asked over TCP")
    kinds, inherited = descriptors(daemon.process.pid)
    expect_equal(inherited, [], "descriptors that another program would inherit")
    for kind, least in (("tcp", 6), ("udp", 4), ("unix", 2), ("netlink", 2), ("anon_inode:inotify", 1),
                        ("anon_inode:[eventpoll]", 3)):
        expect(kinds.count(kind) >= least, f"{kinds.count(kind)} of {kind}, at least {least}: {sorted(kinds)}")
    for thread in os.listdir(f"/proc/{daemon.process.pid}/task"):
        with open(f"/proc/{daemon.process.pid}/task/{thread}/children", encoding="ascii") as children:
            expect_equal(children.read(), "", "processes of its own")


def descriptors(pid):
    """What the process has open but for its standard descriptors: of what kind, and those that an exec leaves open."""
    inodes, kinds, inherited = sockets_by_inode(), [], []
    for number in os.listdir(f"/proc/{pid}/fd"):
        target = os.readlink(f"/proc/{pid}/fd/{number}")
        with open(f"/proc/{pid}/fdinfo/{number}", encoding="ascii") as info:
            flags = int(re.search(r"flags:\s+(\d+)", info.read())[1], 8)
        if int(number) <= 2:
            continue
        kinds.append(inodes.get(target, target))
        if not flags & O_CLOEXEC:
            inherited.append((number, kinds[-1]))
    return kinds, inherited


def sockets_by_inode():
    """"socket:[N]" -> tcp, udp, unix or netlink."""
    found = {}
    for name in ("tcp", "tcp6", "udp", "udp6", "unix", "netlink"):
        column = {"unix": 6, "netlink": 9}.get(name, 9)
        with open(f"/proc/self/net/{name}", encoding="ascii") as table:
            found.update({f"socket:[{line.split()[column]}]": name.rstrip("6") for line in list(table)[1:]})
    return found


# ---- Its folder -------------------------------------------------------------------------------------

def wakeups(pid):
    """How often the main thread has waited."""
    with open(f"/proc/{pid}/task/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"(?m)^voluntary_ctxt_switches:\s+(\d+)", file.read())[1])


@suite.case("a folder that others write to all the time wakes it a few times a second, and a change is still seen")
def busy_folder(scene):
    text = {"endpoints": [{"names": ["a.example"], "addresses": ["10.0.0.1"]}], "forward": forward("127.0.0.1:9")}
    daemon = Daemon(scene, text).wait_ready()
    other, stop, written = os.path.join(daemon.folder, "other"), threading.Event(), []

    def write():
        while not stop.wait(0.001):
            with open(other, "w", encoding="ascii") as file:
                file.write("x")
            written.append(time.monotonic())
    writer = threading.Thread(target=write)
    writer.start()
    try:
        before, since = wakeups(daemon.process.pid), time.monotonic()
        time.sleep(2)
        woken, count, took_s = wakeups(daemon.process.pid) - before, len(written), time.monotonic() - since
        print(f"  {count / took_s:.0f} writes a second, {woken / took_s:.0f} wake-ups")
        expect(count > 100, f"{count} writes")
        expect(woken < 40 * took_s, f"{woken} wake-ups in {took_s:.1f} s")
        text["endpoints"][0]["addresses"] = ["10.0.0.2"]
        daemon.replace(text)
        wait_until(lambda: daemon.client.ask("a.example").texts() == ["10.0.0.2"], 10, "the change is taken")
    finally:
        stop.set()
        writer.join(5)


if __name__ == "__main__":
    suite.main()
