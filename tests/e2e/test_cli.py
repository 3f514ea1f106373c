#!/usr/bin/env python3
"""The command line, its messages and exit codes; control socket, metrics, probes and logs as their readers see them."""
import json
import os
import re
import signal
import socket
import stat
import subprocess
import time

from lib import fake_dns, message, servers
from lib.cases import Suite, expect, expect_equal, wait_until
from lib.daemon import BINARY, ROOT, Daemon, address, forward, free_port, run, yaml

suite = Suite("cli")
FINE, FOUND, USAGE, ENVIRONMENT = 0, 1, 2, 3
COMMANDS = ("run", "check", "explain", "diff", "ctl", "services", "probe", "node", "import", "doctor")
SCREEN_LINES = 40
GOOD = """listen: [127.0.0.1:5399]
control: {folder}/control.sock
metrics: []
aws: {region: eu-central-1}
endpoints:
  - service: ecr.api
    region: eu-west-1
    target: vpce-0d1a2b3c4e5f60001-k3v9q1zx.api.ecr.eu-west-1.vpce.amazonaws.com
  - service: s3
    region: eu-west-1
    target: "*.vpce-0d1a2b3c4e5f60003-pq7r2s1t.s3.eu-west-1.vpce.amazonaws.com"
    except: [logs-bucket.s3.eu-west-1.amazonaws.com]
  - names: [ingress.private.eu2.coralogix.com, "*.dkr.ecr.eu-west-1.amazonaws.com"]
    addresses: [10.0.0.1, 10.0.0.2]
forward:
  - {zone: ".", servers: [192.0.2.53]}
  - {zone: cluster.local, servers: ["192.0.2.54:5353"], max_negative_ttl: 5s}
cache: {memory: 32MiB, max_ttl: 1h}
workers: 2
"""


def good(scene):
    return scene.write("good.yaml", GOOD.replace("{folder}", scene.folder))


def told(done):
    return done.stdout + done.stderr


# ---- Usage ----------------------------------------------------------------------------------------

@suite.case("a word ctl does not know is told at once, whether local53 runs or not")
def ctl_words(scene):
    for words, told in ((["relod"], "did you mean 'reload'"), (["flush"], "needs a name"), (["flush", "a..b"], "not a domain name"),
                        (["dump", "x"], "one word too many"),
                        (["leeks"], "did you mean 'leaks'"), (["explain"], "needs a name"),
                        (["explain", "a.example", "NOTYPE"], "not a record type"), (["top", "x"], "one word too many")):
        done = run(["ctl", "-s", scene.path("nobody.sock"), *words])
        expect_equal(done.returncode, 2, f"exit of ctl {words}")
        expect(told in done.stderr, f"ctl {words}: {done.stderr}")


@suite.case("--help of the program and of every command has a usage and an example")
def help_texts(_scene):
    for words in (["--help"], *([command, "--help"] for command in COMMANDS)):
        done = run(words)
        expect_equal(done.returncode, FINE, f"exit of {words}")
        expect("Usage: local53" in done.stdout and "Example" in done.stdout, f"{words}: {done.stdout[:200]}")
        expect_equal(done.stderr, "", f"stderr of {words}")
        expect(done.stdout.count("\n") <= SCREEN_LINES, f"{words} is longer than a screen")
    listed = re.findall(r"(?m)^  ([a-z]+)  ", run(["--help"]).stdout)
    expect_equal(sorted(listed), sorted(COMMANDS), "commands of --help")


@suite.case("examples of --help run as they are written")
def help_examples(_scene):
    for command in ("check", "explain", "services"):
        example = re.search(r"Example[s]?:\n +local53 (.*)", run([command, "--help"]).stdout)[1].split("&&")[0]
        done = subprocess.run([BINARY, *example.split()], cwd=ROOT, capture_output=True, text=True, check=False,
                              timeout=20)
        expect_equal(done.returncode, FINE, f"local53 {example}: {done.stderr[-300:]}")


@suite.case("wrong usage exits 2 and says what to try")
def wrong_usage(scene):
    file = good(scene)
    for words in ([], ["chekc"], ["check", "--wrong"], ["check", "-c", file, "more"], ["explain"],
                  ["explain", "-c", file, "a..b"], ["explain", "-c", file, "a.example", "NOTYPE"],
                  ["ctl"], ["ctl", "--wrong"], ["run", "-c"], ["run", "--wrong"]):
        done = run(words)
        expect_equal(done.returncode, USAGE, f"exit of {words}: {told(done)[-200:]}")
        expect("--help" in done.stderr or "Usage" in done.stderr, f"{words} says no way on: {done.stderr}")
    expect("did you mean 'check'" in run(["chekc"]).stderr, "no suggestion for chekc")


@suite.case("an output that cannot be written is told and exits 3")
def full(scene):
    file = good(scene)
    for words in (["services"], ["services", "--json"], ["check", "-c", file], ["explain", "-c", file, "a.example"],
                  ["diff", file, file, "--json"], ["check", "--help"]):
        with open("/dev/full", "w", encoding="utf-8") as out:
            done = subprocess.run([BINARY, *words], stdout=out, stderr=subprocess.PIPE, text=True, check=False, timeout=20)
        expect_equal(done.returncode, ENVIRONMENT, f"exit of {words}: {done.stderr}")
        expect("stdout cannot be written: No space left" in done.stderr, f"{words}: {done.stderr}")


@suite.case("--version tells a version")
def version(_scene):
    expect(re.match(r"local53 \d+\.\d+", run(["--version"]).stdout), run(["--version"]).stdout)


# ---- check ----------------------------------------------------------------------------------------

@suite.case("check prints the normalised form, and that form checks to itself")
def normalised(scene):
    done = run(["check", "-c", good(scene)])
    expect_equal((done.returncode, done.stderr), (FINE, ""), "check")
    for wanted in ("max_negative_ttl", "max_ttl", "udp_size", "vpce-0d1a2b3c4e5f60001"):
        expect(wanted in done.stdout, f"{wanted} is not in the normalised form")
    again = run(["check", "-c", scene.write("again.yaml", done.stdout)])
    expect_equal((again.returncode, again.stdout), (FINE, done.stdout), "check of the normalised form")


@suite.case("the sample, demo and example configurations check")
def shipped(_scene):
    found = [os.path.join(ROOT, "conf", name) for name in ("local53.yaml", "demo.yaml")]
    for folder, _, names in os.walk(os.path.join(ROOT, "conf", "examples")):
        found += [os.path.join(folder, name) for name in names if name == "local53.yaml"]
    expect(len(found) >= 3, "no example")
    for file in found:
        done = run(["check", "-c", file], {"KUBE_DNS_UPSTREAM_SERVICE_HOST": "172.20.0.11", "POD_IP": "10.0.3.4"})
        expect_equal(done.returncode, FINE, f"{file}: {done.stderr}")


BAD = {  # text replaced -> (replacement, line told, words told)
    "an unknown key at the top": (("cache:", "cachee:"), 18, ['cachee: unknown key; did you mean "cache"']),
    "an unknown key below": (("max_ttl", "max_tll"), 18, ["max_tll", "max_ttl"]),
    "an unknown key in a list": (("except:", "excpet:"), 12, ["excpet", "except"]),
    "a key of a later part": (("workers: 2", "acl: []"), 19, ["acl"]),
    "a zone file that is not there": (("workers: 2", "zones: [{name: a.example, file: gone}]"), 19,
                                      ["zones[0].file", "gone"]),
    "a key twice": (("workers: 2", "cache: {}"), 19, ["cache"]),
    "an unknown service": (("ecr.api", "ecr.apj"), 6, ["ecr.apj", "ecr.api"]),
    "a duration without a unit": (("max_ttl: 1h", "max_ttl: 60"), 18, ["max_ttl"]),
    "a size with a wrong unit": (("32MiB", "32parsec"), 18, ["memory"]),
    "a wrong type": (("workers: 2", "workers: [2]"), 19, ["workers"]),
    "a number out of range": (("workers: 2", "workers: 100000"), 19, ["workers"]),
    "a word for an address": (("[10.0.0.1, 10.0.0.2]", "[10.0.0.1, 10.0.0]"), 14, ["10.0.0"]),
    "a name that is none": (("ingress.private.eu2", "ingress..eu2"), 13, ["ingress..eu2"]),
    "a vpce name to be rewritten": (("ingress.private.eu2.coralogix.com", "vpce-1.x.vpce.amazonaws.com"), 13,
                                    ["vpce-"]),
    "a server that is our own address": (("192.0.2.53", "127.0.0.1:5399"), 16, ["127.0.0.1:5399"]),
    "no YAML": (("workers: 2", "workers: {2"), 19, []),
    "a name under two endpoints": (("ingress.private.eu2.coralogix.com", "api.ecr.eu-west-1.amazonaws.com"), 13,
                                   ["api.ecr"]),
}


@suite.case("every kind of error is told with file, line, column, path and words to mend it")
def errors(scene):
    for what, ((old, new), line, words) in BAD.items():
        file = scene.write("bad.yaml", GOOD.replace("{folder}", scene.folder).replace(old, new, 1))
        for command in ("check", "run"):
            done = run([command, "-c", file])
            expect_equal(done.returncode, USAGE, f"exit of {command} with {what}: {done.stderr}")
            places = re.findall(re.escape(file) + r":(\d+):(\d+): error: ", done.stderr)
            expect(any(abs(int(found) - line) <= (1 if what == "no YAML" else 0) for found, _ in places),
                   f"{what}: no error at line {line} in: {done.stderr}")
            expect(all(word in done.stderr for word in words), f"{what}: not all of {words} in: {done.stderr}")


@suite.case("several errors are told at once, in the file's order")
def several(scene):
    text, wanted = GOOD.replace("{folder}", scene.folder), []
    for what in ("an unknown key at the top", "an unknown key in a list", "a wrong type", "a name that is none"):
        (old, new), line, _ = BAD[what]
        text = text.replace(old, new, 1)
        wanted.append(line)
    done = run(["check", "-c", scene.write("bad.yaml", text)])
    lines = [int(n) for n in re.findall(r":(\d+):\d+: error", done.stderr)]
    expect_equal(lines, sorted(wanted), f"lines told: {done.stderr}")


@suite.case("a missing or unreadable file exits 2 and names it")
def missing_file(scene):
    for file in (scene.path("nowhere.yaml"), scene.folder):
        for command in ("check", "run"):
            done = run([command, "-c", file])
            expect_equal((done.returncode, file in done.stderr), (USAGE, True), f"{command} {file}: {done.stderr}")
    done = run(["check"], {"LOCAL53_CONFIG": scene.path("elsewhere.yaml")})
    expect("elsewhere.yaml" in done.stderr, "LOCAL53_CONFIG is not looked at")


@suite.case("check tells of names left out and taken by mistake, until the file says that it is meant")
def coverage(scene):
    sloppy = GOOD.replace("{folder}", scene.folder).replace("[ingress.private.eu2.coralogix.com, ",
                                                            '["*.eks.eu-central-1.amazonaws.com", ')
    half = GOOD.replace("{folder}", scene.folder).replace(', "*.dkr.ecr.eu-west-1.amazonaws.com"', "")
    for text, wanted, meant in (
            (sloppy, ["13:13: warning: endpoints[2].names", "takes oidc.eks.eu-central-1.amazonaws.com", "under except"],
             ("addresses: [10.0.0.1,", "except: [oidc.eks.eu-central-1.amazonaws.com]\n    addresses: [10.0.0.1,")),
            (half, ["6:14: warning: endpoints[0].service", "*.dkr.ecr.eu-west-1.amazonaws.com has no endpoint"],
             ("forward:\n", "forward:\n  - {zone: dkr.ecr.eu-west-1.amazonaws.com, servers: [192.0.2.53]}\n"))):
        done = run(["check", "-q", "--strict", "-c", scene.write("warned.yaml", text)])
        expect_equal(done.returncode, FOUND, f"check --strict: {done.stderr}")
        expect(all(words in done.stderr for words in wanted), done.stderr)
        done = run(["check", "-q", "--strict", "-c", scene.write("meant.yaml", text.replace(*meant))])
        expect_equal((done.returncode, done.stderr), (FINE, ""), "what is meant")


@suite.case("a warning exits 0, and 1 with --strict")
def warnings(scene):
    shadowed = """endpoints:
  - {names: ["*.a.example"], addresses: [10.0.0.1]}
  - {names: [b.a.example], addresses: [10.0.0.1]}
  - {names: ["*.c.example"], addresses: [10.0.0.1], except: [d.example]}
"""
    text = re.sub(r"(?s)endpoints:.*?(?=forward:)", shadowed, GOOD.replace("{folder}", scene.folder))
    file = scene.write("warn.yaml", text)
    done = run(["check", "-c", file])
    expect_equal(done.returncode, FINE, f"check: {done.stderr}")
    expect("warning" in done.stderr, f"no warning for an exception outside its endpoint: {done.stderr}")
    expect_equal(run(["check", "--strict", "-c", file]).returncode, FOUND, "check --strict")


# ---- explain --------------------------------------------------------------------------------------

@suite.case("explain tells the rule, the exception, the forward zone and the special name")
def explain(scene):
    file = good(scene)
    table = {("api.ecr.eu-west-1.amazonaws.com",): ["endpoint", "ecr.api", "vpce-0d1a2b3c4e5f60001"],
             ("API.ECR.eu-west-1.amazonaws.com.", "AAAA"): ["endpoint", "ecr.api"],
             ("x.y.s3.eu-west-1.amazonaws.com", "A"): ["endpoint", "*.s3.eu-west-1", "vpce-0d1a2b3c4e5f60003"],
             ("logs-bucket.s3.eu-west-1.amazonaws.com",): ["forward", "192.0.2.53"],
             ("x.api.ecr.eu-west-1.amazonaws.com",): ["forward", "192.0.2.53"],
             ("web.default.svc.cluster.local", "SRV"): ["cluster.local", "192.0.2.54"],
             ("ingress.private.eu2.coralogix.com", "HTTPS"): ["endpoint", "10.0.0.1"],
             ("vpce-1.s3.eu-west-1.amazonaws.com",): ["forward"],
             ("localhost",): ["6761"], ("x.onion",): ["7686"]}
    for words, wanted in table.items():
        done = run(["explain", "-c", file, *words])
        expect_equal(done.returncode, FINE, f"exit of explain {words}")
        expect(all(w in done.stdout for w in wanted), f"explain {words}: not all of {wanted} in {done.stdout}")


# ---- run ------------------------------------------------------------------------------------------

@suite.case("a port held by a foreign server exits 3 and names it")
def foreign_server(scene):
    where = address()
    unbound = servers.Unbound(scene, where, free_port(where)).start()
    file = scene.write("clash.yaml", yaml({"listen": [unbound.server], "control": scene.path("c.sock"), "metrics": [],
                                           "forward": forward("192.0.2.53")}))
    done = run(["run", "-c", file])
    expect_equal(done.returncode, ENVIRONMENT, f"exit: {done.stderr}")
    expect(unbound.server in done.stderr and "unbound" in done.stderr, f"told: {done.stderr}")


@suite.case("a TCP port held by another exits 3, as does a second local53 and an address that is not ours")
def held(scene):
    where = address()
    port = free_port(where)
    with socket.create_server((where, port)):
        file = scene.write("tcp.yaml", yaml({"listen": [f"{where}:{port}"], "control": scene.path("c.sock"),
                                             "metrics": [],
                                             "forward": forward("192.0.2.53")}))
        done = run(["run", "-c", file])
        expect_equal((done.returncode, f"{where}:{port}" in done.stderr), (ENVIRONMENT, True), f"TCP: {done.stderr}")
    first = Daemon(scene, {"forward": forward("192.0.2.53")})
    file = scene.write("second.yaml", yaml({"listen": [f"{first.address}:{first.port}"],
                                            "control": scene.path("d.sock"),
                                            "metrics": [], "forward": forward("192.0.2.53")}))
    done = run(["run", "-c", file])
    expect_equal((done.returncode, "local53" in done.stderr), (ENVIRONMENT, True), f"second local53: {done.stderr}")
    file = scene.write("foreign.yaml", yaml({"listen": ["192.0.2.200:5300"], "control": scene.path("e.sock"),
                                             "metrics": [],
                                             "forward": forward("192.0.2.53")}))
    expect_equal(run(["run", "-c", file]).returncode, ENVIRONMENT, "an address of another machine")


@suite.case("a control socket or metrics address that cannot be had exits 3")
def no_place(scene):
    where = address()
    busy = free_port(where)
    with socket.create_server((where, busy)):
        for keys in ({"control": os.path.join(scene.write("file", ""), "c.sock"), "metrics": []},
                     {"control": scene.path("c.sock"), "metrics": [f"{where}:{busy}"]}):
            file = scene.write("place.yaml", yaml({"listen": [f"{where}:{free_port(where)}"], **keys,
                                                   "forward": forward("192.0.2.53")}))
            done = run(["run", "-c", file])
            expect_equal(done.returncode, ENVIRONMENT, f"exit with {keys}: {done.stderr}")


# ---- ctl ------------------------------------------------------------------------------------------

def simple(scene, **more):
    upstream = scene.add(fake_dns.FakeDns(address(), 0, default=fake_dns.addresses("192.0.2.1")))
    return Daemon(scene, {"endpoints": [{"names": ["one.corp.example"], "addresses": ["10.0.0.1"]}],
                          "forward": forward(upstream), **more}).wait_ready()


@suite.case("ctl ready, alive, status, reload, flush, dump, leaks and top answer a running daemon")
def ctl(scene):
    daemon = simple(scene)
    daemon.client.ask("www.example")
    for words in (["ready"], ["alive"], ["status"], ["reload"], ["flush", "www.example"], ["dump"], ["leaks"],
                  ["top"]):
        done = daemon.ctl(*words)
        expect_equal(done.returncode, FINE, f"ctl {words}: {told(done)}")
        expect(told(done).strip() or words in (["ready"], ["dump"]), f"ctl {words} says nothing")
    for words in (["dance"], ["flush"], ["flush", "a..b"], ["ready", "now"]):
        expect_equal(daemon.ctl(*words).returncode, USAGE, f"exit of ctl {words}")
    json.loads(daemon.ctl("status", "--json").stdout)
    status = daemon.ctl("status").stdout
    expect("one.corp.example" in status, f"status does not tell the endpoint: {status}")


@suite.case("ctl finds the socket through the configuration, even when the file has turned bad meanwhile")
def ctl_by_file(scene):
    daemon = simple(scene)
    environment = {"LOCAL53_CONFIG": daemon.config}
    expect_equal(run(["ctl", "ready"], environment).returncode, FINE, "ctl ready by LOCAL53_CONFIG")
    expect_equal(run(["ctl", "ready", "-c", daemon.config]).returncode, FINE, "ctl ready by -c")
    with open(daemon.config, "a", encoding="utf-8") as file:
        file.write("cachee: {}\n")
    done = run(["ctl", "ready"], environment)
    expect_equal(done.returncode, FINE, f"ctl ready with a bad file: {told(done)}")
    done = run(["ctl", "reload"], environment)
    expect("cachee" in told(done) and done.returncode == USAGE, f"ctl reload with a bad file: {told(done)}")


@suite.case("ctl without a daemon exits 3 and names the socket")
def ctl_nobody(scene):
    file = good(scene)
    for words in (["ready"], ["status"]):
        done = run(["ctl", *words], {"LOCAL53_CONFIG": file})
        expect_equal((done.returncode, "control.sock" in done.stderr), (ENVIRONMENT, True),
                     f"ctl {words}: {done.stderr}")


@suite.case("ctl that is stopped and continued while it waits still takes the answer")
def ctl_continued(scene):
    daemon = simple(scene)
    daemon.signal(signal.SIGSTOP)
    asking = subprocess.Popen([BINARY, "ctl", "-s", daemon.control, "ready"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
    for _ in range(20):
        for number in (signal.SIGSTOP, signal.SIGCONT):
            time.sleep(0.01)
            asking.send_signal(number)
    daemon.signal(signal.SIGCONT)
    told_why = asking.communicate(timeout=20)[1]
    expect_equal((asking.returncode, told_why), (FINE, ""), "exit of ctl ready, and why")


@suite.case("the control socket is for its owner and group only, and lives through garbage")
def control_socket(scene):
    daemon = simple(scene)
    mode = stat.S_IMODE(os.stat(daemon.control).st_mode)
    expect_equal(mode & 0o007, 0, f"mode {mode:o}")
    for garbage in (b"", b"\n", b"dance\n", b"x" * 100000, b"flush\n", b"\0\0\0\n", b"reload extra words\n"):
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(3)
            control.connect(daemon.control)
            try:
                control.sendall(garbage)
                control.shutdown(socket.SHUT_WR)
                control.recv(4096)
            except OSError:
                pass  # closed by the daemon
    expect_equal(daemon.ctl("ready").returncode, FINE, "ctl ready afterwards")


@suite.case("a stale socket file of a killed daemon is replaced")
def stale_socket(scene):
    upstream = scene.add(fake_dns.FakeDns(address(), 0))
    first = Daemon(scene, {"forward": forward(upstream)})
    first.expected_exit = -9
    first.process.kill()
    first.process.wait(5)
    expect(os.path.exists(first.control), "no file was left")
    Daemon(scene, {"control": first.control, "forward": forward(upstream)})
    wait_until(lambda: first.ctl("ready").returncode == FINE, 5, "ctl ready of the second")


# ---- Metrics, probes, logs ------------------------------------------------------------------------

@suite.case("/metrics is well-formed: HELP and TYPE before each family, histograms whole, counters never fall")
def exposition(scene):
    daemon = simple(scene)
    daemon.client.ask("www.example")
    text = daemon.metrics().text
    families, current = {}, None
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, current, kind = line.split()
            expect(current not in families, f"family {current} twice")
            families[current] = kind
        elif not line.startswith("#") and line:
            name = re.match(r"[a-z0-9_]+", line)[0]
            expect(name == current or re.sub(r"_(bucket|sum|count)$", "", name) == current,
                   f"{name} outside its family")
    for wanted in ("local53_queries_total", "local53_responses_total", "local53_cache_hits_total", "local53_build_info",
                   "local53_udp_receive_drops_total", "local53_endpoint_age_seconds",
                   "local53_upstream_timeouts_total"):
        expect(wanted in families, f"no family {wanted}")
    check_histograms(daemon, families)
    before = daemon.metrics()
    daemon.client.ask("other.example")
    after = daemon.metrics()
    for key, value in before.values.items():
        if families.get(key[0]) == "counter":
            expect(after.values[key] >= value, f"{key} fell")
    expect(after.total("local53_queries_total") == before.total("local53_queries_total") + 1, "queries counted")


def check_histograms(daemon, families):
    metrics = daemon.metrics()
    for name in (n for n, kind in families.items() if kind == "histogram"):
        series = {}
        for (found, labels), value in metrics.values.items():
            if found == name + "_bucket":
                series.setdefault(tuple(p for p in labels if p[0] != "le"), []).append((dict(labels)["le"], value))
        expect(series, f"{name} has no buckets")
        for labels, buckets in series.items():
            counts = [count for _, count in buckets]
            expect(counts == sorted(counts) and buckets[-1][0] == "+Inf", f"{name} {labels}: {buckets}")
            expect_equal(metrics.values[(name + "_count", labels)], counts[-1], f"{name}_count {labels}")


def wakings(daemon):
    """How often each thread of the daemon came to run; main's is the first."""
    tasks = f"/proc/{daemon.process.pid}/task"
    counts = []
    for task in sorted(os.listdir(tasks), key=int):
        with open(f"{tasks}/{task}/schedstat", encoding="ascii") as file:
            counts.append(int(file.read().split()[2]))
    return counts


@suite.case("one client over one socket is served by both loops, with and without the socket that only sends")
def spread(scene):
    for sends in (True, False):
        daemon = simple(scene, udp={"send_socket": sends})
        expect_equal(daemon.metric("local53_loops_active"), 2, "active loops")
        question = b"\x01\0\0\1\0\0\0\0\0\0\3one\4corp\7example\0\0\1\0\1"
        before = wakings(daemon)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            client.connect((daemon.address, daemon.port))
            for number in range(1000):
                client.send(number.to_bytes(2, "big") + question)
                expect_equal(client.recv(512)[:2], number.to_bytes(2, "big"), "id of the answer")
        loops = [after - earlier for earlier, after in zip(before, wakings(daemon))][1:]
        expect(len(loops) == 2 and min(loops) >= 400, f"1000 queries woke the loops so often: {loops}")


@suite.case("/healthz, /readyz and unknown paths")
def probes(scene):
    daemon = simple(scene)
    expect_equal([daemon.http(path)[0] for path in ("/healthz", "/readyz", "/metrics", "/other", "/")],
                 [200, 200, 200, 404, 404], "statuses")
    expect_equal(daemon.http("/metrics", "POST")[0], 405, "POST")
    expect_equal(daemon.http("/healthz", "HEAD"), (200, ""), "HEAD")


@suite.case("JSON logs parse line by line, text logs have key=value")
def logs(scene):
    daemon = simple(scene, log={"level": "debug", "format": "json"})
    daemon.write("not: [good\n")
    daemon.ctl("reload")
    daemon.client.ask('quo"te.example')
    daemon.stop()
    lines = daemon.log().splitlines()
    expect(len(lines) >= 3, f"{len(lines)} lines")
    for line in lines:
        parsed = json.loads(line)
        expect(isinstance(parsed, dict) and {"level", "event"} <= set(parsed), f"line {line}")
    plain = simple(scene)
    plain.stop()
    expect(len(plain.log().splitlines()) >= 2, f"the text log: {plain.log()}")
    for line in plain.log().splitlines():
        expect(re.match(r"\S+ (DEBUG|INFO|WARN|ERROR) [a-z_.]+( |$)", line), f"line {line!r}")


@suite.case("an upstream outage does not flood the log")
def log_limit(scene):
    upstream = scene.add(fake_dns.FakeDns(address(), 0, default=fake_dns.Reply(rcode=message.SERVFAIL)))
    daemon = Daemon(scene, {"forward": forward(upstream)})
    started = time.monotonic()
    for number in range(400):
        daemon.client.ask(f"n{number}.example")
    lines = len(daemon.log().splitlines())
    expect(lines < 40, f"{lines} lines in {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    suite.main()
