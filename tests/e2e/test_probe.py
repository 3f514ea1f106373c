#!/usr/bin/env python3
"""probe against VPC endpoints of our own: TLS servers that are right, wrong, expired, silent or not there."""
import json
import os
import pty
import re
import signal
import socket
import ssl
import subprocess
import time

from lib import fake_dns, message
from lib.cases import Suite, again_when_late, expect, expect_equal, soon, wait_until
from lib.certificates import Authority, TlsListener
from lib.daemon import BINARY, PLAIN, free_port, run, yaml
from lib.listener import Listener

suite = Suite("probe")
FINE, FOUND, USAGE = 0, 1, 2
REGION = "eu-west-1"
ECR = f"api.ecr.{REGION}.amazonaws.com"
STS = f"sts.{REGION}.amazonaws.com"
TARGET = f"vpce-0d1a2b3c4e5f60001-k3v9q1zx.sts.{REGION}.vpce.amazonaws.com"
ZONAL = TARGET.replace("zx.sts", f"zx-{REGION}b.sts")
RUN_LIMIT_S = {"sanitized": 8, "plain": 5}  # for 50 addresses of which half are black holes


class World:
    """Certificates, and a port that is free on every loopback address."""

    def __init__(self, scene):
        self.authority = Authority(scene.folder)
        self.port = free_port("0.0.0.0")
        self._addresses = (f"127.66.{third}.{last}" for third in range(1, 9) for last in range(1, 250))
        self.good = self.authority.issue("good", [STS, "*.sts.eu-west-1.vpce.amazonaws.com"])

    def address(self):
        return next(self._addresses)

    def serve(self, scene, files, address=None, **options):
        """A TLS server; its address."""
        address = address or self.address()
        scene.add(TlsListener(address, self.port, "endpoint", files, **options))
        return address

    def listen(self, scene, backlog=8):
        """A socket nobody reads from: connections are made, and nothing is said."""
        address = self.address()
        listener = scene.add(socket.create_server((address, self.port), backlog=backlog))
        return address, listener

    def black_hole(self, scene):
        """An address that drops connections: the listener's queue is full."""
        address, listener = self.listen(scene, backlog=0)
        for _ in range(2):
            filler = scene.add(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        return address


@suite.once
def world(shared):
    return World(shared)


def endpoint(name, *addresses, **keys):
    return {"names": [name], "addresses": list(addresses), **keys}


def write(scene, *endpoints, resolver="127.0.0.1:1"):
    return scene.write("probe.yaml", yaml({
        "listen": ["127.0.0.1:5399"], "aws": {"region": REGION, "resolver": [resolver]},
        "endpoints": list(endpoints), "forward": [{"zone": ".", "servers": ["127.0.0.1:1"]}]}))


def probe(file, *words, binary=None):
    """The completed process of `local53 probe` on the test's port, with the test's authority."""
    return run(["probe", "-c", file, "--port", str(world().port), "--ca", world().authority.certificate, *words],
               binary=binary)


def rows_of(file, *words, binary=None):
    """(exit code, rows) of --json."""
    done = probe(file, "--json", *words, binary=binary)
    expect(done.stdout, f"no output; exit {done.returncode}: {done.stderr}")
    return done.returncode, json.loads(done.stdout)["rows"]


def only_row(file, *words):
    code, rows = rows_of(file, *words)
    expect_equal(len(rows), 1, "rows")
    return code, rows[0]


# ---- What is right ----------------------------------------------------------------------------------

@suite.case("a name whose target leads to a certificate for it is fine, with the zone that the target tells")
def right(scene):
    first, second = (world().serve(scene, world().good) for _ in range(2))
    dns = scene.add(fake_dns.FakeDns(world().address(), rules={
        TARGET + ".": fake_dns.addresses(first, second), ZONAL + ".": fake_dns.addresses(second)}))
    file = write(scene, {"service": "sts", "target": [TARGET, ZONAL]}, resolver=dns.server)
    code, rows = rows_of(file, STS)
    found = {(r["endpoint"], r["name"], r["address"], r["zone"], r["result"], r["tls"]) for r in rows}
    expect_equal((code, found), (FINE, {("sts.eu-west-1", STS, first, None, "ok", "TLSv1.3"),
                                        ("sts.eu-west-1", STS, second, "eu-west-1b", "ok", "TLSv1.3")}), "rows")
    expect(all(r["connect_ms"] > 0 and r["handshake_ms"] > 0 and r["advice"] is None for r in rows), f"{rows}")
    expect_equal(rows[0]["certificate_names"], [STS, "*.sts.eu-west-1.vpce.amazonaws.com"], "names")
    table = probe(file, STS)
    expect_equal((table.returncode, table.stderr), (FINE, ""), "the table's exit and stderr")
    expect("all 2 fine" in table.stdout and dns.server in table.stdout, table.stdout)


@suite.case("S3 is asked for sample names over TLS 1.2, and its bare control names are nobody's to ask")
def s3(scene):
    files = world().authority.issue("s3", [f"{name}.{REGION}.amazonaws.com" for name in
                                           ("s3", "*.s3", "*.s3-control", "*.s3-accesspoint")])
    address = world().address()
    listener = scene.add(TlsListener(address, world().port, "s3", files, newest=ssl.TLSVersion.TLSv1_2))
    code, rows = rows_of(write(scene, {"service": "s3", "addresses": [address]}))
    found = {r["name"].split(f".{REGION}")[0]: r["result"] for r in rows}
    expect_equal((code, found), (FINE, {
        "s3": "ok", "local53-probe.s3": "ok", "s3-control": "ok_below", "123456789012.s3-control": "ok",
        "s3-accesspoint": "ok_below", "local53-probe.s3-accesspoint": "ok"}), "rows")
    expect_equal(set(listener.names), {r["name"] for r in rows}, "names the server was asked for")
    expect_equal({r["tls"] for r in rows}, {"TLSv1.2"}, "versions")


@suite.case("a registry is asked for an account's name, of any region")
def registry(scene):
    files = world().authority.issue("dkr", [f"*.dkr.ecr.{REGION}.amazonaws.com"])
    name = f"*.dkr.ecr.{REGION}.amazonaws.com"
    code, row = only_row(write(scene, endpoint(name, world().serve(scene, files))))
    expect_equal((code, row["result"], row["name"]), (FINE, "ok", name.replace("*", "123456789012")), "row")


# ---- What is wrong, and what to do -------------------------------------------------------------------

@suite.case("each kind of failure is told with what to do, and the exit code is 1")
def failures(scene):
    issue = world().authority.issue
    other = Authority(scene.folder)

    def http():
        address, listener = world().listen(scene)
        scene.add(Answerer(listener, b"HTTP/1.1 400 Bad Request\r\n\r\n"))
        return address

    def hang_up():
        address, listener = world().listen(scene)
        scene.add(Answerer(listener, b""))
        return address
    cases = {
        "wrong_name": (world().serve(scene, issue("wrong", [ECR])), [ECR, "another service"]),
        "expired": (world().serve(scene, issue("old", [STS], days=-1)), ["expired", "clock"]),
        "unknown_ca": (world().serve(scene, other.issue("self", [STS])), ["test authority", "ca-certificates"]),
        "refused": (world().address(), ["security group", str(world().port)]),
        "timed_out": (world().black_hole(scene), ["security group", "route"]),
        "not_tls": (http(), ["something else"]),
        "closed": (hang_up(), ["closed the connection"]),
    }
    for wanted, (address, words) in cases.items():
        code, row = only_row(write(scene, endpoint(STS, address)), "--timeout", "1s")
        expect_equal((code, row["ok"], row["result"]), (FOUND, False, wanted), f"{wanted}: {row}")
        expect(all(word in row["advice"] for word in words), f"{wanted}: {row['advice']}")
    silent, _ = world().listen(scene)
    code, row = only_row(write(scene, endpoint(STS, silent)), "--timeout", "1s")
    expect_equal((code, row["result"]), (FOUND, "timed_out"), "a server that says nothing")
    expect(row["connect_ms"] > 0 and "handshake" in row["advice"], f"{row}")


class Answerer(Listener):
    """Answers each connection's first octets with a text and closes it."""

    def __init__(self, listener, text):
        self._text = text
        super().__init__(listener)

    def serve(self, connection):
        connection.recv(4096)
        connection.sendall(self._text)


@suite.case("a target without an address is told with the server that was asked, and the others are probed")
def targets(scene):
    good = world().serve(scene, world().good)
    dns = scene.add(fake_dns.FakeDns(world().address(), rules={
        "vpce-1-a.fail.example.": fake_dns.Reply(rcode=message.SERVFAIL),
        "vpce-1-a.mute.example.": fake_dns.Reply(silent=True)}))
    file = write(scene, {"names": ["a.example"], "target": "vpce-1-a.fail.example"},
                 {"names": ["b.example"], "target": "vpce-1-a.mute.example", "optional": True},
                 {"names": ["c.example"], "target": "vpce-1-a.gone.example"},
                 endpoint(STS, good), resolver=dns.server)
    started = time.monotonic()
    code, rows = rows_of(file)
    took_s = time.monotonic() - started
    found = {r["name"]: (r["result"], r["problem"]) for r in rows}
    expect_equal((code, found), (FOUND, {
        "vpce-1-a.fail.example": ("unresolved", "DNS: SERVFAIL"),
        "vpce-1-a.mute.example": ("unresolved", "DNS: no answer in time"),
        "vpce-1-a.gone.example": ("unresolved", "DNS: NXDOMAIN"), STS: ("ok", None)}), "rows")
    expect(all(dns.server in r["advice"] for r in rows if not r["ok"]), f"no server in the advice: {rows}")
    expect(took_s < RUN_LIMIT_S["sanitized"], f"took {took_s:.1f} s")


@suite.case("what is known is connected to while other targets are still asked for")
def known_first(scene):
    first, second = world().address(), world().address()
    listeners = [scene.add(TlsListener(address, world().port, "endpoint", world().good)) for address in (first, second)]
    dns = scene.add(fake_dns.FakeDns(world().address(), rules={
        TARGET + ".": fake_dns.addresses(second), "vpce-1-a.mute.example.": fake_dns.Reply(silent=True)}))
    file = write(scene, {"names": ["b.example"], "target": "vpce-1-a.mute.example"}, {"names": ["c.example"], "target": TARGET},
                 endpoint(STS, first), resolver=dns.server)
    process = subprocess.Popen(command(file, "--json"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    asked = []
    for listener in listeners:
        wait_until(lambda: listener.names, 10, "a server is asked for its name")
        asked.append(time.monotonic())
    output, _ = process.communicate(timeout=10)
    waited_s = time.monotonic() - max(asked)
    found = [(r["name"], r["result"]) for r in json.loads(output)["rows"]]
    expect_equal(found, [("vpce-1-a.mute.example", "unresolved"), ("c.example", "wrong_name"), (STS, "ok")], "rows")
    expect_equal([listener.names for listener in listeners], [[STS], ["c.example"]], "names the servers were asked for")
    expect(waited_s > 0.8, f"the run ended {waited_s:.2f} s after the connections: they waited for the silent target")


@suite.case("an endpoint that is optional fails the run like any other")
def optional(scene):
    code, row = only_row(write(scene, endpoint(STS, world().address(), optional=True)))
    expect_equal((code, row["result"]), (FOUND, "refused"), "row")


@suite.case("--resolver is asked for the targets in place of aws.resolver")
def other_resolver(scene):
    good = world().serve(scene, world().good)
    dns = scene.add(fake_dns.FakeDns(world().address(), rules={TARGET + ".": fake_dns.addresses(good)}))
    file = write(scene, {"names": [STS], "target": TARGET})
    expect_equal(rows_of(file)[0], FOUND, "exit with a resolver that is not there")
    expect_equal(rows_of(file, "--resolver", dns.server)[0], FINE, "exit with another")


# ---- Names ------------------------------------------------------------------------------------------

@suite.case("NAMEs are probed alone, as they are asked; one that no endpoint answers is told")
def names(scene):
    files = world().authority.issue("names", ["*.bucket.example", "other.example"])
    address = world().serve(scene, files)
    file = write(scene, endpoint("*.bucket.example", address), endpoint("other.example", address))
    code, rows = rows_of(file, "mine.bucket.example")
    expect_equal((code, [r["name"] for r in rows]), (FINE, ["mine.bucket.example"]), "one name")
    code, rows = rows_of(file, "other.example", "kernel.org")
    expect_equal((code, [(r["name"], r["result"], r["address"]) for r in rows]), (
        FOUND, [("other.example", "ok", address), ("kernel.org", "no_endpoint", None)]), "a name of nobody's")


@suite.case("the table and --json tell the same rows")
def same(scene):
    files = world().authority.issue("same", ["a.example", "b.example", "c.example"])
    address = world().serve(scene, files)
    file = write(scene, endpoint("a.example", address, world().address()), endpoint("d.example", address))
    table, (code, rows) = probe(file), rows_of(file)
    expect_equal((table.returncode, code), (FOUND, FOUND), "exit codes")
    lines = [re.split(r"  +", line) for line in table.stdout.splitlines() if re.match(r"[ad]\.example ", line)]
    expect_equal([line[:4] for line in lines],
                 [[r["endpoint"], r["name"], r["address"], r["zone"] or "-"] for r in rows], "rows of the table")
    told = [r["problem"] or f"ok {r['tls']}" for r in rows]
    expect_equal([line[5] for line in lines], told, "results")
    expect(all(r["advice"] in table.stdout for r in rows if r["advice"]), f"advice is missing: {table.stdout}")
    expect("a.example, b.example, +1" in table.stdout, "the certificate's first names")


# ---- Bounds -----------------------------------------------------------------------------------------

@suite.case("50 addresses of which half are black holes are probed within the limit, whatever their names")
def black_holes(scene):
    names_each = 8  # 200 names lead to black holes: waiting for each would take four time-outs of 64 at once
    files = world().authority.issue("many", ["other.example"])
    endpoints = [{"names": [f"n{i}.e{e}.example" for i in range(names_each)],
                  "addresses": [world().serve(scene, files), world().black_hole(scene)]} for e in range(25)]
    file = write(scene, *endpoints)

    def probed(kind, binary):
        started = time.monotonic()
        _, rows = rows_of(file, binary=binary)
        took_s = time.monotonic() - started
        found = {word: sum(r["result"] == word for r in rows) for word in ("timed_out", "wrong_name")}
        expect_equal(found, {"timed_out": 25 * names_each, "wrong_name": 25 * names_each}, "results")
        soon(took_s, RUN_LIMIT_S[kind], f"the {kind} run")
        if os.environ.get("E2E_TRACE"):
            print(f"  {kind}: {took_s:.2f} s")
    for kind, binary in (("sanitized", BINARY), ("plain", PLAIN)):
        again_when_late(lambda _number, which=kind, program=binary: probed(which, program))


@suite.case("beyond 1,000 pairs every endpoint keeps its first names, and what is left out is told")
def too_many(scene):
    addresses = [world().address() for _ in range(30)]
    endpoints = [{"names": [f"n{i}.e{e}.example" for i in range(20)], "addresses": addresses} for e in range(2)]
    file = write(scene, *endpoints)
    summary = json.loads(probe(file, "--json").stdout)
    expect_equal((summary["connections"], summary["left_out"]), (960, 240), "connections and what is left out")
    expect_equal({r["name"].split(".")[1] for r in summary["rows"]}, {"e0", "e1"}, "endpoints")
    expect("left out: 240" in probe(file).stdout, "nothing is told of what is left out")


# ---- The terminal -----------------------------------------------------------------------------------

def command(file, *words):
    return [BINARY, "probe", "-c", file, "--port", str(world().port), "--ca", world().authority.certificate, *words]


@suite.case("Ctrl-C prints what is known so far and exits 1")
def interrupt(scene):
    good = world().address()
    listener = scene.add(TlsListener(good, world().port, "endpoint", world().good))
    file = write(scene, endpoint(STS, good), endpoint("b.example", world().black_hole(scene)))
    process = subprocess.Popen(command(file, "--json", "--timeout", "30s"), stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    wait_until(lambda: listener.shaken, 10, "the handshake is over at the server")
    time.sleep(0.5)  # until it is at the client; nothing tells of that before the end
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=10)
    summary = json.loads(output)
    expect_equal((process.returncode, summary["interrupted"], [r["result"] for r in summary["rows"]]),
                 (FOUND, True, ["ok", "undone"]), "after SIGINT")


@suite.case("progress is shown on a terminal and taken away before the table")
def progress(scene):
    file = write(scene, endpoint(STS, world().serve(scene, world().good)))
    master, slave = pty.openpty()
    process = subprocess.Popen(command(file), stdout=subprocess.PIPE, stderr=slave, text=True)
    os.close(slave)
    output, _ = process.communicate(timeout=20)
    shown = os.read(master, 4096).decode("ascii")
    os.close(master)
    expect("probed 1 of 1, 0 failed" in shown and shown.endswith("\r\033[K"), f"on the terminal: {shown!r}")
    expect("all 1 fine" in output and "\033" not in output, f"the table: {output!r}")


# ---- Usage ------------------------------------------------------------------------------------------

@suite.case("wrong options, a file without endpoints and certificates that are none exit 2")
def usage(scene):
    told = run(["probe", "--help"])
    expect(told.returncode == FINE and "Usage: local53 probe" in told.stdout and "Example" in told.stdout, told.stdout)
    file = write(scene, endpoint(STS, "127.0.0.1"))
    empty = scene.write("empty.yaml", "listen: 127.0.0.1:5399\n")
    for words, told in ((["-c", file, "--timeout", "0s"], "--timeout"), (["-c", file, "--port", "0"], "1 to 65535"),
                        (["-c", file, "--resolver", "vpc"], "no address"), (["-c", file, "a..b"], "not a domain name"),
                        (["-c", file, "--ca", "/dev/null"], "/dev/null"), (["-c", file, "--wrong"], "--help"),
                        (["-c", empty], "no endpoints"), (["-c", scene.path("none.yaml")], "none.yaml")):
        done = run(["probe", *words])
        expect_equal((done.returncode, done.stdout), (USAGE, ""), f"{words}")
        expect(told in done.stderr, f"{words}: {done.stderr}")


if __name__ == "__main__":
    suite.main()
