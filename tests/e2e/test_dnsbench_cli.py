#!/usr/bin/env python3
"""dnsbench as a newcomer meets it: help, examples, mistakes and their messages, tables, files, thresholds, progress."""
import json
import os
import pty
import re
import subprocess
import time
import xml.etree.ElementTree

from lib import namespace
from lib.cases import Skip, Suite, expect, expect_equal
from lib.daemon import ROOT, free_port
from lib.dnsbench import (BINARY, FAILED, INVALID, PASS, UNREACHABLE, USAGE, WRONG, Serve, bench, bench_until,
                          check_sanitizer)
from lib.quiet import need, tried_cases
from lib.recorder import Recorder

suite = Suite("dnsbench cli:")
valid_case = tried_cases(suite)
COMMANDS = ("run", "max", "search", "compare", "check", "serve", "report")
LOADING = ("run", "max", "search", "compare")
SCREEN_LINES, SCREEN_COLUMNS, TABLE_LINES = 40, 110, 30
HIT = ("--profile", "hit", "--warmup", "0", "--timeout", "200ms")
BRIEF = (*HIT, "--duration", "500ms")
STUDIES = {"run": ("--rate", "1k", "--duration", "600ms"), "max": ("--window", "8", "--duration", "200ms"),
           "search": ("--rate", "4", "--duration", "200ms", "--slo", "p99<1us"),
           "compare": ("--rate", "500", "--slice", "200ms", "--pairs", "4")}


def tell(*words, stdin=None, cwd=None):
    """Runs dnsbench to its end: the completed process, checked for sanitizer reports."""
    done = subprocess.run([BINARY, *words], capture_output=True, text=True, check=False, timeout=30, cwd=cwd,
                          **({"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}))
    check_sanitizer(done.stderr)
    return done


def to(command, server):
    """The options that say whom to ask."""
    return ("--a", server, "--b", server) if command == "compare" else ("--server", server)


def verdict(ended):
    """The verdict's line, and the reasons behind it."""
    found = re.search(r"(?ms)^(PASS|FAILED|INVALID)\b.*", ended.stdout)
    expect(found, f"no verdict in {ended.stdout}")
    return found[0]


# ---- The first two minutes ------------------------------------------------------------------------

@valid_case("without any file a run gives a table of less than 30 lines and a verdict")
def newcomer(scene):
    ended = bench(scene, "run", "--server", Serve(scene).server, "--duration", "1500ms", "--warmup", "500ms")
    lines = ended.stdout.splitlines()
    expect(10 < len(lines) < TABLE_LINES, f"{len(lines)} lines")
    expect(max(len(line) for line in lines) <= SCREEN_COLUMNS, f"a line of {max(len(line) for line in lines)} columns")
    for word in ("server", "queries", "lookups", "NXDOMAIN", "p50", "p99", "response", "longest silence", "k8s-aws"):
        expect(word in ended.stdout, f"no {word!r} in {ended.stdout}")
    expect(re.search(r"sending .*200/s lookups", ended.stderr), f"no rate before it sends: {ended.stderr!r}")
    ended.need_exit(PASS)
    expect(verdict(ended).startswith({PASS: "PASS", INVALID: "INVALID"}[ended.code]), verdict(ended))


@suite.case("the command may be left out, and is 'run' then")
def without_command(scene):
    server = Serve(scene)
    done = tell("--server", server.server, *BRIEF)
    expect(done.returncode in (PASS, INVALID) and "response" in done.stdout, f"exit {done.returncode} {done.stdout}")


@suite.case("--help fits one screen and has a usage, an example and the exit codes, for each command")
def help_texts(_scene):
    for words in (["--help"], ["help"], *([command, "--help"] for command in COMMANDS)):
        done = tell(*words)
        expect_equal((done.returncode, done.stderr), (PASS, ""), f"exit and stderr of {words}")
        lines = done.stdout.splitlines()
        expect(len(lines) <= SCREEN_LINES, f"{words}: {len(lines)} lines")
        wide = [line for line in lines if len(line) > SCREEN_COLUMNS]
        expect(not wide, f"{words}: lines of {[len(line) for line in wide]} columns: {wide[:1]}")
        for word in ("Usage: dnsbench", "Example", "Exit codes"):
            expect(word in done.stdout, f"{words}: no {word!r}")
    expect(all(f"  {command} " in tell("--help").stdout for command in COMMANDS), "a command is missing from --help")
    expect_equal((tell().returncode, "Usage" in tell().stderr), (USAGE, True), "dnsbench alone")
    expect(re.match(r"dnsbench \d+\.\d+", tell("--version").stdout), tell("--version").stdout)


def examples(command):
    """The lines of the example in a command's help."""
    return [line.strip() for line in
            re.search(r"Examples?:\n((?: +\S.*\n)+)", tell(command, "--help").stdout)[1].splitlines()]


def follow(scene, lines, run_s):
    """Runs an example's lines as written, Ctrl-C for those that take longer: (line, exit code, text)s."""
    ends, left, environment = [], [], {**os.environ, "PATH": f"{os.path.dirname(BINARY)}:{os.environ['PATH']}"}
    for line in lines:
        background, log = line.endswith("&"), open(scene.path("example.log"), "w+", encoding="utf-8")
        process = subprocess.Popen(["bash", "-c", "exec " * line.startswith("dnsbench") + line.rstrip("& ")],
                                   cwd=scene.folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            process.wait(0.5 if background else run_s)
        except subprocess.TimeoutExpired:
            if background:
                left.append(scene.add(Background(process)))
                continue
            process.send_signal(2)
            process.wait(15)
        with log:
            log.seek(0)
            ends.append((line, process.returncode, log.read()))
    for process in left:
        process.close()
    return ends


class Background:
    """What an example left running with '&'."""

    def __init__(self, process):
        self.process = process

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(2)
        expect_equal(self.process.wait(15), 0, "exit of the example's server")


@suite.case("the example of each command runs as it is written", namespace_needed=True, limit_s=90)
def help_examples(scene):
    namespace.add_address("169.254.20.10")
    Serve(scene, "--answer", "10.40.1.2", listen="169.254.20.10:53")
    servers = [Serve(scene, listen=f"127.0.0.1:{port}") for port in (5353, 5301, 5302)]
    for command in COMMANDS:
        lines = examples(command)
        expect(lines, f"no example for {command}")
        for line, code, text in follow(scene, lines, 3.0 if command == "compare" else 1.0):
            check_sanitizer(text)
            fine = (PASS,) if command in ("check", "report") and " run " not in line else (PASS, FAILED, INVALID)
            expect(code in fine, f"{line}: exit {code}: {text[-600:]}")
    for server in servers:
        expect(server.stop()["received"] > 0, f"{server.server} was asked nothing")
    with open(scene.path("truth.json"), encoding="utf-8") as file:
        expect(json.load(file)["received"] > 0, "the example's own server was asked nothing")
    expect(os.path.getsize(scene.path("before.svg")) > 1000, "no picture")


# ---- Options --------------------------------------------------------------------------------------

def named_in(text):
    return set(re.findall(r"--([a-z][a-z-]+)", text))


def known_options():
    """All option names anywhere: in a help text, or in the tables of the source."""
    found = set()
    for command in COMMANDS:
        found |= named_in(tell(command, "--help").stdout)
    for path in ("command/options.c", "command/command_serve.c", "command/command_report.c", "faults/plan.c"):
        with open(os.path.join(ROOT, "bench", "dnsbench", path), encoding="utf-8") as file:
            found |= set(re.findall(r'(?:[A-Z]+\(|\{+)"([a-z][a-z-]+)",', file.read()))
    return found


def takes(command, option):
    """True when the command knows the option: it does not say otherwise."""
    words = ["report", "a.json"] if command == "report" else [command]
    done = tell(*words, f"--{option}", "1", "one-word-too-many", "another")
    expect(done.returncode != PASS, f"{command} --{option} 1 and words too many: exit 0")
    return not re.search(r"unknown option|option of other commands", done.stderr)


@suite.case("every option of a command is in its help, and every option of its help is one")
def options(_scene):
    known = known_options()
    expect({"rate", "slo", "slice", "delay", "svg"} <= known, f"known options {sorted(known)}")
    for command in COMMANDS:
        told = named_in(tell(command, "--help").stdout) - {"help"}
        if command in ("serve", "report"):
            told -= {"server"}  # of the example's other command
        taken = {option for option in known if takes(command, option)}
        taken -= {word for word in taken - told for option in told if option.startswith(word)}  # shortened
        expect_equal(sorted(taken - told), [], f"options of {command} that its help does not tell")
        expect_equal(sorted(told - taken), [], f"options in the help of {command} that it does not have")


MISTAKES = (
    (("rnu", "--server", "127.0.0.1"), "did you mean 'run'"),
    (("run", "--sever", "127.0.0.1"), "did you mean '--server'"),
    (("run", "--durtion", "1s"), "did you mean '--duration'"),
    (("--durtion", "1s"), "did you mean '--duration'"),
    (("max", "--slise", "1s"), "--slise"),
    (("max", "--slice", "1s"), "other command"),
    (("run", "-r", "5"), "long"),
    (("run", "--server"), "needs a value"),
    (("run",), "--server"),
    (("compare", "--a", "127.0.0.1"), "--b"),
    (("check", "--server", "127.0.0.1"), "--expect"),
    (("run", "--server", "localhost"), "address"),
    (("run", "--server", "127.0.0.1:99999"), "address"),
    (("run", "--server", "fe80::1"), "fe80::1%eth0"),
    (("run", "--rate", "10x"), "20k"),
    (("run", "--rate", "0"), "above 0"),
    (("run", "--duration", "10"), "unit"),
    (("run", "--timeout", "0"), "from"),
    (("run", "--arrival", "possion"), "poisson"),
    (("run", "--schedule", "1k@10s"), "10s@1k"),
    (("run", "--server", "127.0.0.1", "--schedule", "1s@1k", "--rate", "5"), "--schedule"),
    (("run", "--transport", "quic"), "udp+tc"),
    (("run", "--ports", "many"), "per-lookup"),
    (("run", "--edns", "100"), "512"),
    (("run", "--edns", "0", "--cookie"), "--edns 0"),
    (("run", "--tls-name", "dns.example"), "--transport dot"),
    (("max", "--server-pid", "2147483647"), "no process"),
    (("run", "--server", "127.0.0.1", "--json", "/nowhere/at/all.json"), "/nowhere"),
    (("run", "--cpus", "a"), "CPU"),
    (("run", "--server", "127.0.0.1", "--cpus", "4000"), "may use\nNothing was sent."),
    (("run", "--threads", "0"), "--threads"),
    (("run", "--source", "127.1.0.0/40"), "prefix"),
    (("run", "--fail-if", "p9x>1ms"), "did you mean"),
    (("run", "--fail-if", "p99>5"), "2ms"),
    (("run", "--fail-if", "loss=1%"), "--fail-if"),
    (("search", "--slo", "p99<5ms,los<1%"), "did you mean 'loss'"),
    (("run", "--server", "127.0.0.1", "--profile", "k8saws"), "did you mean 'k8s-aws'"),
    (("run", "--server", "127.0.0.1", "--profile", "k8s-aws:ndot=2"), "did you mean 'ndots'"),
    (("run", "--server", "127.0.0.1", "--profile", "hit", "--queries", "x"), "--"),
    (("run", "--server", "127.0.0.1", "more"), "one word too many"),
    (("compare", "--alpha", "1"), "0.5"),
    (("compare", "--pairs", "1"), "--pairs"),
    (("compare", "--a", "127.0.0.1", "--b", "127.0.0.1", "--rate", "5", "--window", "5"), "--window of a closed"),
    (("serve", "--delai", "1ms"), "did you mean '--delay'"),
    (("serve", "--delay", "1"), "1.5ms"),
    (("serve", "--rcode", "SERVFAL:2%"), "SERVFAIL"),
    (("serve", "--wrong", "adress"), "address"),
    (("serve", "--stall", "500ms"), "500ms@2s"),
    (("serve", "--listen", "127.0.0.1:0", "--cpu", "4000"), "may use"),
    (("serve", "--loss", "60%", "--tc", "60%"), "100"),
    (("serve", "--listen", "0.0.0.0:5300"), "--allow-remote"),
    (("report",), "file"),
    (("report", "merge", "one.json"), "two"),
    (("report", "--sgv", "x", "y"), "--svg"),
    (("report", "merge", "x", "y", "x"), "'x' is named twice"),
    (("report", "diff", "x", "y", "--svg", "z"), "table alone"),
)


@suite.case("a mistake exits 2, says what was meant and where to read more, and prints nothing on stdout")
def mistakes(_scene):
    for words, wanted in MISTAKES:
        done = tell(*words)
        expect_equal((done.returncode, done.stdout), (USAGE, ""), f"exit and stdout of {words} ({done.stderr})")
        expect(wanted in done.stderr, f"{words}: no {wanted!r} in {done.stderr!r}")
        expect(len(done.stderr.splitlines()) <= 3, f"{words}: {done.stderr}")
        if words[0] in COMMANDS and not {"--profile", "--cpus", "--json"} & set(words):
            expect("--help" in done.stderr, f"{words} says no way on: {done.stderr}")


# ---- Files that are read --------------------------------------------------------------------------

BAD_QUERIES = {  # text -> (line, words told)
    "www.example A\nother.example\n": (2, ["type"]),
    "www.example AAAAA\n": (1, ["AAAAA", "AAAA"]),
    "# fine\n\nwww.example A\nwww..example A\n": (4, ["name"]),
    f"{'a' * 64}.example A\n": (1, ["name"]),
    "www.example A more\n": (1, ["more"]),
    "www.example AXFR\n": (1, ["transfer"]),
    "": (None, ["quer"]),
    "# nothing but a remark\n": (None, ["quer"]),
}
BAD_EXPECTATIONS = {
    "www.example A 192.0.2.1\nother.example A\n": (2, []),
    "www.example A 192.0.2\n": (1, ["192.0.2"]),
    "www.example AAAAA any\n": (1, ["AAAAA"]),
    "www.example A 10.0.0.0/33\n": (1, ["/33"]),
    "www..example A any\n": (1, ["name"]),
    "\n# remark\nwww.example A NXDOMIAN\n": (3, ["NXDOMAIN"]),
}


def refuse_files(scene, commands, option, texts):
    """Each bad text in a file: FILE:LINE: reason, exit 2, and not one datagram."""
    recorder = scene.add(Recorder())
    good = scene.write("good.txt", "www.example A any\n" if option == "--queries" else "www.example A\n")
    for command in commands:
        other = ("--expect", good) if command == "check" and option == "--queries" else ()
        for number, (text, (line, told)) in enumerate(texts.items()):
            path = scene.write(f"bad{number}.txt", text)
            done = tell(command, *to(command, recorder.server), option, path, *other)
            expect_equal((done.returncode, done.stdout), (USAGE, ""), f"{command} with {text!r}: {done.stderr}")
            place = f"{path}:{line}: " if line else f"{path}: "
            expect(place in done.stderr and all(word in done.stderr for word in told), f"{text!r}: {done.stderr}")
            expect("sending" not in done.stderr, f"it says that it sends: {done.stderr}")
    expect_equal(recorder.datagrams, [], "what was sent all the same")


@suite.case("a bad query file is told as FILE:LINE: reason, and nothing is sent")
def bad_queries(scene):
    refuse_files(scene, (*LOADING, "check"), "--queries", BAD_QUERIES)
    done = tell("run", "--server", "127.0.0.1:5353", "--queries", scene.path("missing.txt"))
    expect_equal(done.returncode, USAGE, "exit with a missing file")
    expect("missing.txt: No such file" in done.stderr, f"a missing file: {done.stderr}")


@suite.case("a bad expectations file is told as FILE:LINE: reason, and nothing is sent")
def bad_expectations(scene):
    refuse_files(scene, ("run", "compare", "check"), "--expect", BAD_EXPECTATIONS)


@suite.case("queries are read from stdin with '-'")
def queries_stdin(scene):
    recorder = scene.add(Recorder())
    done = tell("run", "--server", recorder.server, "--queries", "-", *BRIEF[2:], stdin="www.example A\n")
    expect(done.returncode in (PASS, INVALID), f"exit {done.returncode}: {done.stderr}")
    expect({d.question for d in recorder.datagrams} == {("www.example.", 1)}, "questions")
    done = tell("run", "--server", recorder.server, "--queries", "-", stdin="www.example A\nb\n")
    expect(done.returncode == USAGE and ":2: " in done.stderr, f"exit {done.returncode}: {done.stderr}")


# ---- Whom it may load -----------------------------------------------------------------------------

@suite.case("a public address is refused without --allow-remote, loopback, link-local and private ones are not")
def public(scene):
    want = scene.write("want.txt", "www.example A any\n")
    for server in ("8.8.8.8", "8.8.8.8:5353", "172.32.0.1", "100.128.0.1", "[2001:4860:4860::8888]:53", "0.0.0.0"):
        for command in (*LOADING, "check"):
            more = ("--expect", want) if command == "check" else ()
            done = tell(command, *to(command, server), *more)
            expect_equal((done.returncode, done.stdout), (USAGE, ""), f"{command} {server}: {done.stderr}")
            expect("--allow-remote" in done.stderr, f"{command} {server}: {done.stderr}")
    done = tell("compare", "--a", "127.0.0.1:9", "--b", "8.8.8.8")
    expect(done.returncode == USAGE and "--allow-remote" in done.stderr, f"a public B: {done.stderr}")
    for server in ("127.0.0.1:9", "[::1]:9", "10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.20.10", "[fd00::1]:53"):
        done = tell("run", "--server", server, *HIT, "--duration", "100ms", "--rate", "10")
        expect("--allow-remote" not in done.stderr, f"{server}: {done.stderr}")


@valid_case("with --allow-remote it says at what rate it is about to send, and stops by itself")
def public_allowed(scene):
    if not namespace.is_own():
        raise Skip(namespace.why_not())
    namespace.add_address("8.8.8.8")
    serve = Serve(scene, "--allow-remote", listen="8.8.8.8:5300")
    ended = bench(scene, "run", "--server", serve.server, *BRIEF, "--rate", "300", "--allow-remote")
    expect("300/s" in ended.stderr and "8.8.8.8:5300" in ended.stderr, f"stderr {ended.stderr!r}")
    expect_equal(serve.stop()["received"], ended.measured["sent"], "received")
    quiet = tell("run", "--server", serve.server, *BRIEF, "--rate", "300", "--allow-remote", "--quiet")
    expect("sending 300/s queries to 8.8.8.8:5300" in quiet.stderr, f"stderr with --quiet {quiet.stderr!r}")
    ended.need_exit(PASS)


# ---- What is written ------------------------------------------------------------------------------

@suite.case("--json - writes JSON to stdout and nothing else there")
def json_alone(scene):
    server = Serve(scene).server
    for command, words in STUDIES.items():
        done = tell(command, *to(command, server), *HIT, *words, "--json", "-")
        expect(done.returncode in (PASS, FAILED, INVALID), f"{command}: exit {done.returncode} {done.stderr}")
        study = json.loads(done.stdout)
        expect_equal((study["command"], study["schema"]), (command, 1), "command and schema")
        expect(study["runs"] or done.returncode == INVALID, f"{command} has no run")


@suite.case("a saved result is rendered again exactly as it was printed, with its plots")
def rendered_again(scene):
    server = Serve(scene, "--rcode", "SERVFAIL:2%", "--jitter", "2ms").server
    for command, words in (*STUDIES.items(), ("run", ("--rate", "200", "--profile", "k8s-aws", "--duration", "1s"))):
        svg, hdr = scene.path("first.svg"), scene.path("first.hgrm")
        plots = ("--svg", svg, *(("--hdr", hdr) if command == "run" else ()))
        ended = bench(scene, command, *to(command, server), *HIT, *words, *plots)
        expect(ended.json, ended.told())
        again = tell("report", ended.path, "--svg", svg + ".again", "--hdr", hdr + ".again")
        expect_equal((again.returncode, again.stderr), (PASS, ""), "exit and stderr of report")
        expect_equal(again.stdout, ended.stdout, f"the table of {command}")
        expect(same(svg, svg + ".again"), f"the SVG of {command} is another")
        expect(command != "run" or same(hdr, hdr + ".again"), "the hgrm is another")
        with open(ended.path, encoding="utf-8") as file:
            expect(tell("report", ended.path, "--json", "-").stdout == file.read(), f"the JSON of {command} is another")
        check_svg(svg)


def same(one, other):
    with open(one, "rb") as first, open(other, "rb") as second:
        return first.read() == second.read()


def check_svg(path):
    """Self-contained: well-formed, no scripts, nothing fetched from elsewhere."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    root = xml.etree.ElementTree.fromstring(text)
    expect(root.tag.endswith("svg"), f"root element {root.tag}")
    for element in root.iter():
        expect(not str(element.tag).endswith(("script", "image", "foreignObject")), f"element {element.tag}")
        for name, value in element.attrib.items():
            expect(not name.lower().startswith("on") and "http" not in value, f"attribute {name}={value}")
    expect(not re.search(r"@import|url\((?!#)", text), "a style that fetches")


@suite.case("the hgrm has HdrHistogram's columns, rising percentiles and the count of the run")
def hgrm(scene):
    path = scene.path("run.hgrm")
    ended = bench(scene, "run", "--server", Serve(scene).server, *BRIEF, "--rate", "1k", "--hdr", path)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    expect(re.match(r"\s*Value\s+Percentile\s+TotalCount\s+1/\(1-Percentile\)", text), text[:100])
    rows = [tuple(float(word) for word in line.split()[:3]) for line in text.splitlines()
            if re.match(r"\s*[\d.]+\s+[01]\.\d+\s+\d+", line)]
    expect(len(rows) > 10 and rows == sorted(rows), f"{len(rows)} rows, rising: {rows == sorted(rows)}")
    expect_equal((rows[-1][1], int(rows[-1][2])), (1.0, ended.measured["sent"]), "last row")


@suite.case("report merge adds what belongs together and refuses what does not; diff shows both")
def merged(scene):
    server = Serve(scene, "--loss", "5%").server
    patient = (*HIT[:-1], "2s", "--duration", "500ms")  # all is sent, also by a machine that was away
    parts = [bench(scene, "run", "--server", server, *patient, "--rate", rate, "--arrival", "constant")
             for rate in ("1k", "1k", "2k")]
    paths, whole = [part.path for part in parts], scene.path("whole.json")
    done = tell("report", "merge", *paths[:2], "--json", whole)
    expect_equal((done.returncode, done.stderr), (PASS, ""), "exit and stderr of merge")
    with open(whole, encoding="utf-8") as file:
        tally = json.load(file)["runs"][0]["measured"]
    expect_equal(tally["sent"], 1000, "sent in both")
    for name in ("ok", "timeout"):
        wanted = sum(part.outcomes.get(name, 0) for part in parts[:2])
        expect_equal(tally["outcomes"][name], wanted, f"{name} in both")
    done = tell("report", "merge", paths[0], paths[2])
    expect(done.returncode == USAGE and "merged" in done.stderr, f"merge of two rates: {done.stderr}")
    done = tell("report", "diff", paths[0], paths[2])
    expect_equal(done.returncode, PASS, f"exit of diff: {done.stderr}")
    expect("1.00k/s" in done.stdout and "2.00k/s" in done.stdout, f"diff: {done.stdout}")
    with open(paths[0], encoding="utf-8") as file:
        bare = {**json.load(file), "runs": []}
    done = tell("report", scene.write("bare.json", json.dumps(bare)), "--hdr", scene.path("bare.hgrm"))
    expect_equal(done.returncode, PASS, f"exit of report of a result without runs: {done.stderr}")
    for text in ("{", "[]", '{"schema": 99}', '"x"', ""):
        done = tell("report", scene.write("bad.json", text))
        expect(done.returncode == USAGE and "bad.json" in done.stderr, f"report of {text!r}: {done.stderr}")


@suite.case("a file that cannot be written is told before anything is sent; a full disk takes no table along")
def unwritable(scene):
    server = Serve(scene).server
    for option in ("--json", "--svg", "--hdr"):
        path = scene.path("missing", "file")
        done = tell("run", "--server", server, *BRIEF, option, path)
        expect_equal(done.returncode, USAGE, f"exit with {option}")
        expect(f"{path}: No such file" in done.stderr, f"{option}: {done.stderr}")
        expect(done.stdout == "" and "Nothing was sent" in done.stderr, f"{option}: {done.stdout!r}")
        done = tell("run", "--server", server, *BRIEF, option, "/dev/full")
        expect_equal(done.returncode, USAGE, f"exit with {option} on a full disk")
        expect("response" in done.stdout, f"{option}: the table is lost: {done.stdout!r}")
    for option in ("--svg", "--hdr"):
        done = tell("run", "--server", server, *BRIEF, option, "-")
        expect_equal((done.returncode, done.stdout), (USAGE, ""), f"{option} to stdout: {done.stderr}")
    done = tell("serve", "--listen", f"127.0.0.1:{free_port()}", "--duration", "100ms", "--truth", path)
    expect(done.returncode != PASS and path in done.stderr, f"serve: exit {done.returncode} {done.stderr!r}")


@suite.case("a reader of stdout that goes takes no saved result along")
def reader_gone(scene):
    server, path = Serve(scene).server, scene.path("kept.json")
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb", closefd=True) as stdout:
        done = subprocess.run([BINARY, "run", "--server", server, *BRIEF, "--json", path], stdout=stdout, text=True,
                              stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False, timeout=30)
    expect_equal(done.returncode, USAGE, f"exit: {done.stderr}")
    expect("stdout cannot be written: Broken pipe" in done.stderr, done.stderr)
    with open(path, encoding="utf-8") as file:
        expect_equal(json.load(file)["command"], "run", "the command saved")


# ---- Verdicts -------------------------------------------------------------------------------------

@valid_case("a threshold that fails exits 1 and is told with its figure; one that holds changes nothing", limit_s=200)
def thresholds(scene):
    server = Serve(scene, "--delay", "2ms", "--loss", "5%", "--rcode", "SERVFAIL:5%").server
    ends = []
    for condition in ("p99>1ms", "p50 >= 100us", "loss>1%", "servfail>0.01", "gap>1ms", "rate<5k", "service.p50>1ms",
                      "class.fail.p99>1ms", "timeout>0.1%"):
        ended = bench_until(FAILED, scene, "run", "--server", server, *BRIEF, "--duration", "300ms", "--rate", "500",
                            "--fail-if", condition)
        ends.append((ended, re.split(r"[ <>]", condition)[0]))
    for conditions in (("p50>1s",), ("loss>50%", "mismatch>0", "rate<1")):
        words = [word for condition in conditions for word in ("--fail-if", condition)]
        ends.append((bench_until(PASS, scene, "run", "--server", server, *BRIEF, "--rate", "500", *words), "PASS"))
    for ended, told in ends:
        expect((told if ended.code != INVALID else "INVALID") in verdict(ended), verdict(ended))


@valid_case("thresholds on lookups and classes of a cluster's load")
def thresholds_lookup(scene):
    server = Serve(scene, "--delay", "1ms").server
    for condition in ("lookup.p99>1ms", "class.nx.p99>500us", "lookup.svc.ns.p50>1ms"):
        ended = bench_until(FAILED, scene, "run", "--server", server, *BRIEF[2:], "--fail-if", condition)
        expect(f"{condition.split('>')[0]} is " in verdict(ended), f"{condition}: {verdict(ended)}")


@valid_case("--fail-if of max, search and compare judges them too", limit_s=200)
def thresholds_others(scene):
    server = Serve(scene, "--service-time", "2ms").server
    for command, words in (("max", ("--duration", "300ms", "--window", "4")),
                           ("search", ("--duration", "200ms", "--rate", "400", "--slo", "p99<40ms")),
                           ("compare", ("--slice", "200ms", "--pairs", "4", "--window", "4"))):
        ended = bench_until(FAILED, scene, command, *to(command, server), "--profile", "hit", "--timeout", "50ms",
                            "--warmup", "0", *words, "--fail-if", "rate<1M")
        need("rate is " in verdict(ended), f"{command}: {verdict(ended)}")


# ---- Progress -------------------------------------------------------------------------------------

def on_terminal(scene, *words):
    """Runs dnsbench with a terminal as stderr: (stdout, what the terminal got)."""
    master, slave = pty.openpty()
    with open(scene.path("stdout"), "w+", encoding="utf-8") as stdout:
        process = subprocess.Popen([BINARY, *words], stdout=stdout, stderr=slave, stdin=subprocess.DEVNULL)
        os.close(slave)
        seen, end = b"", time.monotonic() + 20
        while time.monotonic() < end:
            try:
                seen += os.read(master, 4096) or b""
            except OSError:
                break  # the program has ended
        process.wait(5)
        os.close(master)
        stdout.seek(0)
        return stdout.read(), seen.decode("utf-8", "replace")


@suite.case("progress is a line on stderr, only where that is a terminal, and gone at the end; never on stdout")
def progress(scene):
    words = ("run", "--server", Serve(scene).server, *HIT, "--duration", "1500ms", "--interval", "200ms")
    stdout, terminal = on_terminal(scene, *words)
    drawn = terminal.split("\r")
    expect(len(drawn) > 4 and any("ok" in part and "1.50 s" in part for part in drawn), f"terminal {terminal!r}")
    expect(drawn[-1].replace("\x1b[K", "").strip() == "", f"what is left on the line: {drawn[-1]!r}")
    expect("\r" not in stdout and "\x1b" not in stdout and "response" in stdout, f"stdout {stdout!r}")
    quiet_stdout, quiet_terminal = on_terminal(scene, *words, "--quiet")
    expect("response" in quiet_stdout and quiet_terminal == "", f"with --quiet: {quiet_terminal!r}")
    piped = tell(*words)
    expect("\r" not in piped.stderr + piped.stdout and "\x1b" not in piped.stderr + piped.stdout, f"{piped.stderr!r}")


# ---- check ----------------------------------------------------------------------------------------

@suite.case("check passes what is as expected, each distinct question asked once")
def check_good(scene):
    serve = Serve(scene, "--answer", "10.40.1.2", "--answer", "10.40.1.3", "--answer", "2001:db8::5", "--tc", "100%")
    want = scene.write("want.txt", "api.example A 10.40.1.3 10.40.1.2\nAPI.example AAAA 2001:db8::/32\n"
                       "*.internal.example A 10.40.0.0/16\nsvc-1.ns-1.svc.cluster.local A any\n"
                       "none.cluster.local A NXDOMAIN\nother.example TXT empty\n")
    queries = scene.write("queries.txt", "api.example A\napi.example AAAA\nAPI.example A\nx.internal.example A\n"
                          "none.cluster.local A\nother.example TXT\napi.example A\n")
    done = tell("check", "--server", serve.server, "--transport", "udp+tc", "--expect", want)
    expect_equal(done.returncode, PASS, f"without queries: {done.stdout} {done.stderr}")
    done = tell("check", "--server", serve.server, "--transport", "tcp", "--expect", want, "--queries", queries)
    expect_equal(done.returncode, PASS, f"with queries: {done.stdout} {done.stderr}")
    truth = serve.stop()
    expect(truth["truncated"] == 5 and truth["received"] in (15, 16), f"asked {truth['received']} times")


@suite.case("check tells each wrong answer with what it was and the line that expected otherwise")
def check_bad(scene):
    server = Serve(scene).server
    want = scene.write("want.txt", "# what must be\ngood.example A 192.0.2.1\nbad.example A 10.0.0.1\n\n"
                       "gone.example A NXDOMAIN\nfull.example A empty\n")
    done = tell("check", "--server", server, "--expect", want)
    expect_equal(done.returncode, WRONG, f"exit: {done.stdout} {done.stderr}")
    wrong = [line for line in done.stdout.splitlines() if line.startswith("WRONG")]
    expect_equal(len(wrong), 3, f"wrong lines of {done.stdout}")
    for name, number, line in zip(("bad.example", "gone.example", "full.example"), (3, 5, 6), wrong):
        expect(name in line and f"{want}:{number}" in line and "192.0.2.1" in line, line)
    expect("1 as expected, 3 wrong" in done.stdout.splitlines()[-1], done.stdout)
    silent = tell("check", "--server", server, "--expect", want, "--quiet")
    expect_equal((silent.returncode, len(silent.stdout.splitlines())), (WRONG, 1), "exit and lines with --quiet")


@suite.case("check tells silence from nobody there, and wrong questions from wrong answers")
def check_silence(scene):
    want = scene.write("want.txt", "".join(f"n{n}.example A any\n" for n in range(40)))
    some = Serve(scene, "--loss", "40%", "--seed", "3").server
    done = tell("check", "--server", some, "--expect", want, "--timeout", "50ms")
    expect_equal(done.returncode, FAILED, f"exit with loss: {done.stdout[-300:]}")
    expect("SILENT" in done.stdout and "wrong" in done.stdout.splitlines()[-1], done.stdout[-300:])
    done = tell("check", "--server", Serve(scene, "--loss", "100%").server, "--expect", want, "--timeout", "50ms")
    expect_equal(done.returncode, UNREACHABLE, f"exit without any answer: {done.stdout[-300:]}")
    done = tell("check", "--server", Serve(scene, "--wrong", "question").server, "--expect", want)
    expect_equal(done.returncode, WRONG, f"exit with wrong questions: {done.stdout[-300:]}")


if __name__ == "__main__":
    suite.main()
