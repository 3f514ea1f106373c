#!/usr/bin/env python3
"""doctor on a node of the test's own: each problem is made, found under its name, and told with its remedy."""
import contextlib
import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time

from lib import fake_dns, namespace
from lib.cases import Skip, Suite, expect, expect_equal, wait_until
from lib.daemon import BINARY, Daemon, run, yaml
from lib.servers import find

suite = Suite("doctor")
FINE, FOUND, USAGE = 0, 1, 2
NODE, SERVER, OTHER, SILENT = "169.254.20.10", "127.55.0.1", "127.55.0.2", "127.55.0.9"
TARGET = "vpce-0d1a2b3c4e5f60001-k3v9q1zx.sts.eu-west-1.vpce.amazonaws.com"
NOBODY = 65534
DROP = ["setpriv", "--reuid", str(NOBODY), "--clear-groups", "--inh-caps", "-all"]
RUN_LIMIT_S = 10
COLUMNS = 120
KEYS = {"port", "address", "clash", "resolv-conf", "loop", "search", "kube-proxy", "capability", "nftables", "link",
        "upstream", "endpoint", "region", "socket-buffer", "conntrack", "open-files", "memory", "cpu", "clock"}


def ip(*words):
    subprocess.run(["ip", *words], check=True, timeout=10)


@contextlib.contextmanager
def address(text, link="lo"):
    ip("address", "replace", text, "dev", link)
    try:
        yield
    finally:
        ip("address", "del", text, "dev", link)


@contextlib.contextmanager
def link(name):
    """A link of this name; the kernel here may have no dummy ones."""
    ip("link", "add", "name", name, "type", "veth", "peer", "name", "doctor-peer")
    try:
        yield
    finally:
        ip("link", "del", name)


@contextlib.contextmanager
def resolv_conf(text):
    with open("/etc/resolv.conf", encoding="ascii") as file:
        before = file.read()
    write("/etc/resolv.conf", text)
    try:
        yield
    finally:
        write("/etc/resolv.conf", before)


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def config(scene, name="doctor.yaml", **settings):
    """A configuration that has no problem where NODE is on the node."""
    return scene.write(name, yaml({
        "listen": [NODE], "metrics": ["127.0.0.1:9453"], "control": scene.path("control.sock"),
        "forward": [{"zone": ".", "servers": [SERVER]}], **settings}))


def server(scene, where=SERVER, **options):
    """A name server that answers for everything."""
    return scene.add(fake_dns.FakeDns(where, default=fake_dns.nodata(), **options))


def doctor(*words, file=None, environment=None):
    """The completed process, within the time it may take."""
    started = time.monotonic()
    done = run(["doctor", *(["-c", file] if file else []), *words],
               {"LOCAL53_CONFIG": "", **(environment or {})}, timeout_s=2 * RUN_LIMIT_S)
    took_s = time.monotonic() - started
    expect(took_s < RUN_LIMIT_S, f"took {took_s:.1f} s")
    return done


def findings_of(file=None, **options):
    """(exit code, findings) of --json."""
    done = doctor("--json", file=file, **options)
    expect(done.stdout, f"no output; exit {done.returncode}: {done.stderr}")
    whole = json.loads(done.stdout)
    found = whole["findings"]
    expect({f["key"] for f in found} <= KEYS, f"unknown keys: {found}")
    for level, count in (("problem", "problems"), ("note", "notes"), ("ok", "ok")):
        expect_equal(whole[count], sum(f["finding"] == level for f in found), count)
    expect_equal(done.returncode, FOUND if whole["problems"] else FINE, "exit code")
    return done.returncode, found


def only_problem(key, file=None, what="", remedy="", **options):
    """There is one problem alone, under this key."""
    _, found = findings_of(file, **options)
    problems = [f for f in found if f["finding"] == "problem"]
    expect_equal([f["key"] for f in problems], [key], f"problems of {problems}")
    expect(what in problems[0]["what"] and remedy in (problems[0]["remedy"] or ""), f"{problems[0]}")
    return problems[0]


def has(found, key, level, what):
    return any(f["key"] == key and f["finding"] == level and what in f["what"] for f in found)


# ---- What is well -----------------------------------------------------------------------------------

@suite.case("a healthy node has no problem, with a configuration and without", namespace_needed=True)
def healthy(scene):
    server(scene, rules={TARGET + ".": fake_dns.addresses("10.0.1.5")})
    file = config(scene, aws={"region": "eu-west-1", "resolver": [SERVER]},
                  endpoints=[{"service": "sts", "target": TARGET}])
    with address(f"{NODE}/32"):
        code, found = findings_of(file)
        expect_equal((code, [f for f in found if f["finding"] == "problem"]), (FINE, []), "with a configuration")
        expect_equal([f["key"] for f in found].count("upstream"), 1, "a server of two pools is asked once")
        for key, what in (("port", f"{NODE}:53 UDP and TCP is free"), ("port", "127.0.0.1:9453 TCP is free"),
                          ("address", f"{NODE} is on this node, on lo"), ("upstream", f"{SERVER}:53 answers"),
                          ("endpoint", "1 of 1 targets"), ("capability", "for port 53"),
                          ("capability", "CAP_NET_ADMIN is there"), ("nftables", "netfilter's netlink can be opened"),
                          ("link", "dummy"), ("kube-proxy", "its mode"), ("resolv-conf", "127.0.0.1")):
            expect(has(found, key, "ok", what), f"no {key} '{what}' in {found}")
        file = config(scene, aws={"region": "auto", "resolver": [SERVER]},
                      endpoints=[{"service": "sts", "target": TARGET}])
        found = findings_of(file, environment={"AWS_REGION": "eu-west-1"})[1]
        expect(has(found, "region", "ok", "aws.region is eu-west-1 here"), f"{found}")
    expect_equal(findings_of()[0], FINE, "without a configuration")


@suite.case("the table fits 120 columns, begins with the worst and ends with the sum", namespace_needed=True)
def table(scene):
    done = doctor(file=config(scene, listen=["169.254.169.254"]))
    lines = done.stdout.splitlines()
    expect(max(map(len, lines)) <= COLUMNS, done.stdout)
    levels = [w for w in (line[:8].strip() for line in lines) if w in ("problem", "note", "ok")]
    expect_equal(levels, sorted(levels, key=["problem", "note", "ok"].index), "order")
    expect(re.match(r"FINDING +ABOUT +WHAT +WHAT TO DO$", lines[2]), lines[2])
    expect(re.match(r"\d+ problems, \d+ notes?, \d+ ok; \d+\.\d s$", lines[-1]), lines[-1])
    expect_equal((done.returncode, done.stderr), (FOUND, ""), "exit and stderr")


@suite.case("a local53 that runs already is in nobody's way", namespace_needed=True)
def running(scene):
    server(scene)
    with address(f"{NODE}/32"):
        daemon = Daemon(scene, {"forward": [{"zone": ".", "servers": [SERVER]}], "node": {"intercept": "owner"}},
                        address=NODE, port=53).wait_ready()
        code, found = findings_of(daemon.config)
        expect(has(found, "port", "ok", f"{NODE}:53 is served by local53 (pid {daemon.process.pid})"), f"{found}")
        expect_equal(code, FINE, "exit")
        expect_equal(doctor(file=daemon.config).returncode, FINE, "the table's exit")
        daemon.close()


@suite.case("a local53 that may not be looked into is known by its control socket", namespace_needed=True)
def running_closed(scene):
    nobody()
    server(scene)
    binary = scene.path("local53")
    shutil.copy(BINARY, binary)
    done = subprocess.run([find("setcap"), "cap_net_bind_service=p", binary], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise Skip(f"file capabilities are refused here: {done.stderr.strip()}")
    folder = scene.path("run")
    os.makedirs(folder)
    os.chown(folder, NOBODY, NOBODY)
    file = config(scene, control=f"{folder}/control.sock")
    other = config(scene, control=f"{folder}/other.sock", name="other.yaml")
    with address(f"{NODE}/32"):
        # By way of env, setpriv's capabilities are gone when the file's come: that closes /proc/PID/fd.
        daemon = scene.add(Process([*DROP, "--bounding-set", "-all,+net_bind_service", "env", binary, "run", "-c", file]))
        wait_until(lambda: run(["ctl", "-s", f"{folder}/control.sock", "ready"]).returncode == 0, 10, "it is ready")
        found = json.loads(as_nobody("doctor", "--json", "-c", file).stdout)["findings"]
        expect(has(found, "port", "ok", f"{NODE}:53 is served by local53 (pid {daemon.pid})"), f"{found}")
        found = json.loads(as_nobody("doctor", "--json", "-c", other).stdout)["findings"]
        expect(has(found, "port", "problem", f"user {NOBODY} that cannot be seen"), f"{found}")


class Process:
    """A program of this case."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self.pid = self.process.pid

    def close(self):
        self.process.terminate()
        expect_equal(self.process.wait(10), 0, "its exit")


@suite.case("nothing on the node is changed by looking", namespace_needed=True)
def unchanged(scene):
    server(scene)

    def state():
        commands = (["ip", "-o", "address"], ["ip", "-o", "link"], ["ip", "route", "show", "table", "all"],
                    ["sh", "-c", "cat /proc/sys/net/core/*max /proc/modules /etc/resolv.conf; nft list ruleset"])
        return [subprocess.run(c, capture_output=True, text=True, check=False, timeout=10).stdout for c in commands]
    before = state()
    expect(all(before), f"nothing is seen of the node: {before}")
    doctor(file=config(scene))
    doctor()
    expect_equal(state(), before, "addresses, links, routes, limits, modules, rules")


# ---- Ports ------------------------------------------------------------------------------------------

def hold(scene, where, kind=socket.SOCK_DGRAM, port=53):
    """A socket of this process on the port."""
    family = socket.AF_INET6 if ":" in where else socket.AF_INET
    held = scene.add(socket.socket(family, kind))
    held.bind((where, port))
    if kind == socket.SOCK_STREAM:
        held.listen()
    return held


@suite.case("a port in use is told with the process that has it", namespace_needed=True)
def port(scene):
    server(scene)
    with address(f"{NODE}/32"):
        hold(scene, NODE)
        me = f"python3 (pid {os.getpid()})"
        only_problem("port", config(scene), f"{NODE}:53 UDP is in use by {me}", "ss -lnp")
        hold(scene, NODE, socket.SOCK_STREAM)
        only_problem("port", config(scene), f"UDP and TCP is in use by {me}")
        only_problem("port", what=f"UDP and TCP is in use by {me}")


@suite.case("a server of all addresses is in the way, over IPv6 too", namespace_needed=True)
def wildcard(scene):
    server(scene, OTHER, port=5301)
    settings = {"forward": [{"zone": ".", "servers": [f"{OTHER}:5301"]}]}
    with address(f"{NODE}/32"):
        first = hold(scene, "0.0.0.0")
        only_problem("port", config(scene, **settings), "which listens on 0.0.0.0:53", "its own addresses alone")
        first.close()
        hold(scene, "::")
        only_problem("port", config(scene, **settings), "which listens on [::]:53", "its own addresses alone")


@suite.case("a busy metrics port is told with the key to change", namespace_needed=True)
def metrics(scene):
    server(scene)
    hold(scene, "127.0.0.1", socket.SOCK_STREAM, 9453)
    with address(f"{NODE}/32"):
        only_problem("port", config(scene), "127.0.0.1:9453 TCP", "under metrics:")


@suite.case("without privilege the holder's user is told, and that port 53 may not be bound", namespace_needed=True)
def unprivileged(scene):
    server(scene)
    hold(scene, "127.0.0.1")
    file = config(scene, listen=["127.0.0.1"])
    probe = as_nobody("doctor", "--json", "-c", file)
    found = json.loads(probe.stdout)["findings"]
    expect(has(found, "port", "problem", "a process of user 0 that cannot be seen from here"), f"{found}")
    expect(has(found, "capability", "problem", "CAP_NET_BIND_SERVICE is missing"), f"{found}")
    expect(has(found, "capability", "note", "CAP_NET_ADMIN is missing"), f"{found}")
    expect_equal(probe.returncode, FOUND, "exit")


# ---- Addresses and links ----------------------------------------------------------------------------

@suite.case("an address that is not on the node is told with the command that puts it there", namespace_needed=True)
def absent(scene):
    server(scene)
    only_problem("address", config(scene), f"{NODE} is not an address of this node",
                 f"ip address add {NODE}/32 dev lo")


@suite.case("each of AWS's own addresses is a clash", namespace_needed=True)
def clash(scene):
    server(scene)
    for taken in ("169.254.169.253", "169.254.169.254", "169.254.169.123", "169.254.170.2", "169.254.170.23"):
        with address(f"{taken}/32"):
            only_problem("clash", config(scene, listen=[taken]), taken, NODE)


@suite.case("IPVS is told, and a service address that it has is a problem", namespace_needed=True)
def ipvs(scene):
    server(scene)
    with address(f"{NODE}/32"), link("kube-ipvs0"):
        code, found = findings_of(config(scene))
        expect(code == FINE and has(found, "kube-proxy", "note", "IPVS"), f"{found}")
        with address("10.100.0.10/32", "kube-ipvs0"):
            only_problem("address", config(scene, listen=[NODE, "10.100.0.10"]), "kube-ipvs0", "--cluster-dns")


@suite.case("Cilium is told by its link", namespace_needed=True)
def cilium(scene):
    server(scene)
    with address(f"{NODE}/32"), link("cilium_host"):
        code, found = findings_of(config(scene))
        expect(code == FINE and has(found, "kube-proxy", "note", "Cilium"), f"{found}")


def intercepting(scene, **node):
    return config(scene, node={"intercept": "owner", **node})


@suite.case("what local53 puts on the node itself may be absent, but not stand elsewhere", namespace_needed=True)
def put(scene):
    server(scene)
    file = intercepting(scene, service_addresses=["10.100.0.10"])
    code, found = findings_of(file)
    for where in (NODE, "10.100.0.10"):
        expect(has(found, "address", "ok", f"{where} is not on this node yet: local53 puts it there"), f"{found}")
        expect(has(found, "port", "ok", f"{where}:53 UDP and TCP is free"), f"{found}")
    expect_equal(code, FINE, "exit")
    with link("eth7"), address(f"{NODE}/32", "eth7"):
        only_problem("address", file, f"{NODE} is on eth7, a link of somebody else", "take it off")
    with link("kube-ipvs0"), address("10.100.0.10/32", "kube-ipvs0"):
        only_problem("address", file, "10.100.0.10 is on kube-ipvs0", "--cluster-dns")


@suite.case("without CAP_NET_ADMIN interception is a problem, or a note where it may degrade", namespace_needed=True)
def no_admin(scene):
    server(scene)
    with address(f"{NODE}/32"):
        for on_failure, level in (("exit", "problem"), ("degrade", "note")):
            file = intercepting(scene, on_failure=on_failure)
            found = json.loads(as_nobody("doctor", "--json", "-c", file).stdout)["findings"]
            expect(has(found, "capability", level, "CAP_NET_ADMIN is missing"), f"{on_failure}: {found}")


def nobody():
    """What stands in front of a command that is to run as nobody, without any capability."""
    dropped = [find(DROP[0]), *DROP[1:], "--bounding-set", "-all"]
    refused = subprocess.run([*dropped, "true"], capture_output=True, text=True, check=False, timeout=RUN_LIMIT_S)
    if refused.returncode != 0:
        raise Skip(f"capabilities cannot be given away here: {refused.stderr.strip()}")
    return dropped


def as_nobody(*words):
    """The completed process of a local53 without any capability."""
    return subprocess.run([*nobody(), BINARY, *words], capture_output=True, text=True, check=False, timeout=RUN_LIMIT_S)


class Proxy(http.server.BaseHTTPRequestHandler):
    """kube-proxy's word about itself."""

    def do_GET(self):  # pylint: disable=invalid-name
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"nftables" if self.path == "/proxyMode" else b"")

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


@suite.case("kube-proxy is asked for its mode, and need not answer", namespace_needed=True)
def proxy_mode(_scene):
    with http.server.HTTPServer(("127.0.0.1", 10249), Proxy) as kube_proxy:
        threading.Thread(target=kube_proxy.serve_forever, daemon=True).start()
        expect(has(findings_of()[1], "kube-proxy", "ok", "nftables mode"), "its mode")
        kube_proxy.shutdown()
    with socket.create_server(("127.0.0.1", 10249)):
        expect(has(findings_of()[1], "kube-proxy", "ok", "does not tell its mode"), "silence")


# ---- resolv.conf ------------------------------------------------------------------------------------

def is_loop(file, what, remedy):
    """There is a loop, and what goes with it while no local53 runs: the node asks nobody."""
    found = {f["key"]: f for f in findings_of(file)[1] if f["finding"] == "problem"}
    expect_equal(set(found), {"loop", "resolv-conf"}, f"problems of {found}")
    expect(what in found["loop"]["what"] and remedy in found["loop"]["remedy"], f"{found}")
    return found["loop"]


@suite.case("a node that asks a local53 that does not run is told so, until it runs", namespace_needed=True)
def asks_nobody(scene):
    server(scene)
    file = config(scene)
    with address(f"{NODE}/32"), resolv_conf(f"nameserver {NODE}\n"):
        only_problem("resolv-conf", file, "where no local53 runs, and nobody else", "resolver.sh restore")
        only_problem("resolv-conf", None, f"asks {NODE}:53")
        with resolv_conf(f"nameserver {NODE}\nnameserver {SERVER}\n"):
            code, found = findings_of(file)
            expect(code == FINE and has(found, "resolv-conf", "note", "the next server answers"), f"{found}")
        daemon = Daemon(scene, {"forward": [{"zone": ".", "servers": [SERVER]}]}, address=NODE, port=53).wait_ready()
        code, found = findings_of(daemon.config)
        expect(code == FINE and not has(found, "resolv-conf", "note", ""), f"{found}")
        daemon.close()


@suite.case("a resolv.conf that names us is a loop where a pool reads it", namespace_needed=True)
def loop(scene):
    file = config(scene, forward=[{"zone": ".", "servers": ["resolv.conf:/etc/resolv.conf"]}])
    with address(f"{NODE}/32"), resolv_conf(f"nameserver {NODE}\n"):
        is_loop(file, f"/etc/resolv.conf names {NODE}:53, which is local53", "169.254.169.253")
        server(scene)
        with resolv_conf(f"nameserver {NODE}\nnameserver {SERVER}\n"):
            code, found = findings_of(file)
            expect(code == FINE and has(found, "loop", "note", "leaves that one out"), f"{found}")


@suite.case("a variable that names nobody but ourselves is a pool without a server", namespace_needed=True)
def loop_by_variable(scene):
    os.environ["LOCAL53_TEST_OURSELVES"] = NODE
    file = config(scene, forward=[{"zone": ".", "servers": ["env:LOCAL53_TEST_OURSELVES"]}])
    with address(f"{NODE}/32"):
        only_problem("upstream", file, "they are local53 itself, and nobody else", "write addresses under forward")


@suite.case("systemd-resolved that asks us is a loop behind its stub", namespace_needed=True)
def loop_by_stub(scene):
    server(scene, "127.0.0.53")
    namespace.own_run()
    scene.add(Unmount("/run"))
    os.makedirs("/run/systemd/resolve")
    write("/run/systemd/resolve/resolv.conf", f"nameserver {NODE}\n")
    file = config(scene, forward=[{"zone": ".", "servers": ["resolv.conf:/etc/resolv.conf"]}])
    with address(f"{NODE}/32"), resolv_conf("nameserver 127.0.0.53\n"):
        problem = is_loop(file, "asks systemd-resolved", "in place of resolv.conf:/etc/resolv.conf")
        expect(f"{NODE}:53" in problem["what"], f"{problem}")


class Unmount:
    """Takes a mount of a case away."""

    def __init__(self, path):
        self.path = path

    def close(self):
        subprocess.run(["umount", self.path], check=True, timeout=10)


@suite.case("the stub, many nameservers and ndots are notes", namespace_needed=True)
def notes(_scene):
    with resolv_conf("nameserver 127.0.0.53\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4\n"
                     "search default.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n"):
        code, found = findings_of()
    expect_equal(code, FINE, "exit")
    for key, what in (("resolv-conf", "stub (127.0.0.53)"), ("resolv-conf", "names 4 nameservers"),
                      ("search", "up to 8 queries")):
        expect(has(found, key, "note", what), f"no {key} '{what}' in {found}")


# ---- Servers and targets ----------------------------------------------------------------------------

@suite.case("a silent server is found, its neighbour is well", namespace_needed=True)
def silent(scene):
    server(scene)
    hold(scene, SILENT)
    hold(scene, SILENT, socket.SOCK_STREAM)
    with address(f"{NODE}/32"):
        file = config(scene, forward=[{"zone": ".", "servers": [SILENT, SERVER]}])
        only_problem("upstream", file, f"{SILENT}:53 for zone \".\" over UDP and TCP: no answer", "security groups")
        expect(has(findings_of(file)[1], "upstream", "ok", f"{SERVER}:53 answers"), "the neighbour")


@suite.case("a server that answers over one transport alone is told with the other", namespace_needed=True)
def one_transport(scene):
    answer, silence = fake_dns.nodata(), fake_dns.Reply(silent=True)
    with address(f"{NODE}/32"):
        fake = server(scene)
        for fine, missing in (("udp", "tcp"), ("tcp", "udp")):
            fake.default = {fine: answer, missing: silence}
            only_problem("upstream", config(scene), f"over {missing.upper()}, while {fine.upper()} works",
                         f"allow {missing.upper()} port 53")


@suite.case("a closed port, a refusal and a failure are told as what they are", namespace_needed=True)
def refusing(scene):
    with address(f"{NODE}/32"):
        only_problem("upstream", config(scene), f"{SERVER}:53", "nobody listens there")
        fake = server(scene)
        for rcode, what in ((5, "answers REFUSED"), (2, "answers SERVFAIL")):
            fake.default = fake_dns.Reply(rcode=rcode)
            only_problem("upstream", config(scene), what)


@suite.case("a lost datagram is sent again", namespace_needed=True)
def lost(scene):
    fake = server(scene)
    seen = []

    def second_only(_asked):
        seen.append(1)
        return fake_dns.Reply(silent=len(seen) == 1)
    fake.default = {"udp": second_only, "tcp": fake_dns.nodata()}
    with address(f"{NODE}/32"):
        expect_equal(findings_of(config(scene))[0], FINE, "exit")
    expect_equal(len(seen), 2, "datagrams")


@suite.case("answers with a wrong id or question are no answers", namespace_needed=True)
def forged(scene):
    fake = server(scene)
    with address(f"{NODE}/32"):
        for lie in (fake_dns.with_wrong_id, fake_dns.with_wrong_question):
            fake.default = {"udp": fake_dns.Reply(wire=lie), "tcp": fake_dns.nodata()}
            only_problem("upstream", config(scene), "over UDP, while TCP works")


@suite.case("a target without an address is a problem, of an optional endpoint a note", namespace_needed=True)
def target(scene):
    fake = server(scene)
    fake.set(TARGET + ".", fake_dns.nxdomain())
    with address(f"{NODE}/32"):
        for optional, level in ((False, "problem"), (True, "note")):
            file = config(scene, aws={"region": "eu-west-1", "resolver": [SERVER]},
                          endpoints=[{"service": "sts", "target": TARGET, "optional": optional}])
            code, found = findings_of(file)
            expect(has(found, "endpoint", level, f"target {TARGET} has no address: {SERVER}:53 says NXDOMAIN"),
                   f"{found}")
            expect_equal(code, FINE if optional else FOUND, "exit")


@suite.case("40 silent servers and 40 silent targets are told within ten seconds", namespace_needed=True)
def many(scene):
    fake = server(scene)
    for i in range(40):
        fake.set(f"vpce-{i}-a.example.", fake_dns.Reply(silent=True))
    silents = []
    for i in range(40):
        silents.append(f"127.55.1.{i + 1}")
        hold(scene, silents[-1])
        hold(scene, silents[-1], socket.SOCK_STREAM)
    pools = [{"zone": f"z{i}.example", "servers": silents[8 * i:8 * i + 8]} for i in range(5)]
    file = config(scene, forward=[{"zone": ".", "servers": [SERVER, "host.invalid"]}, *pools],
                  endpoints=[{"names": [f"n{i}.example.net"], "target": f"vpce-{i}-a.example"} for i in range(40)])
    with address(f"{NODE}/32"), resolv_conf(f"nameserver {silents[0]}\n"):
        code, found = findings_of(file)
    problems = [f["key"] for f in found if f["finding"] == "problem"]
    expect_equal((code, problems.count("upstream"), problems.count("endpoint")), (FOUND, 40, 40), "problems")


# ---- Usage ------------------------------------------------------------------------------------------

@suite.case("help is one screen; what is not usage exits 2")
def usage(scene):
    help_text = run(["doctor", "--help"])
    expect(help_text.returncode == FINE and "Example:\n  local53 doctor" in help_text.stdout, help_text.stdout)
    expect(len(help_text.stdout.splitlines()) <= 24 and max(map(len, help_text.stdout.splitlines())) <= 90,
           help_text.stdout)
    for words in (["--loud"], ["here"], ["-c", scene.path("none.yaml")],
                  ["-c", scene.write("bad.yaml", "listen: 7x\n")]):
        done = run(["doctor", *words])
        expect(done.returncode == USAGE and done.stderr and not done.stdout, f"{words}: {done}")


@suite.case("LOCAL53_CONFIG names the configuration")
def environment(scene):
    missing = scene.path("none.yaml")
    done = run(["doctor"], {"LOCAL53_CONFIG": missing})
    expect(done.returncode == USAGE and missing in done.stderr, f"{done}")


if __name__ == "__main__":
    suite.main()
