#!/usr/bin/env python3
"""What dnsbench counts against what its fault-injecting server says it did: equal, query for query, at modest rates.

Exact counts must hold on any machine. Exit codes need a tester that was not disturbed: see lib/quiet.py.
"""
from lib.cases import Suite, expect, expect_equal
from lib.certificates import Authority
from lib.daemon import free_port
from lib.dnsbench import FAILED, INVALID, PASS, UNREACHABLE, USAGE, WRONG, Bench, Serve, bench
from lib.quiet import need, tried_cases
from lib.servers import Unbound

suite = Suite("dnsbench counts:")
counted = tried_cases(suite)
# Longer than a machine is away: then no answer is late, and none that came is a time-out.
HIT = ("--profile", "hit", "--arrival", "constant", "--warmup", "0", "--timeout", "3s")
SHORT = (*HIT, "--rate", "2k", "--duration", "1s")
RIGHT = "* A 192.0.2.1\n* AAAA 2001:db8::1\n"


def measure(scene, faults, *words):
    """One run against one server: (ended, truth). Nothing may be lost between them but by the faults."""
    serve = Serve(scene, *faults)
    ended = bench(scene, "run", "--server", serve.server, *words)
    truth = serve.stop()
    need(truth.lost_by_kernel == 0, f"the server's sockets overflowed: {truth}")
    return ended, truth


# ---- Faults ---------------------------------------------------------------------------------------

@counted("a server without faults answers every query, and all is passed")
def no_fault(scene):
    ended, truth = measure(scene, (), *SHORT)
    expect_equal((ended.outcomes, ended.rcodes()), ({"ok": 2000}, {0: 2000}), "outcomes and rcodes")
    expect_equal((truth["received"], truth["answered"]), (2000, 2000), "the server's counts")
    for figure in ("duplicate", "stray", "truncated", "retried", "lookups"):
        expect_equal(ended.measured[figure], 0, figure)
    ended.need_exit(PASS)


@counted("of queries lost 0.1, 1 and 5 % are timeouts, exactly those that the server dropped")
def loss(scene):
    for share, low, high in (("0.1%", 1, 25), ("1%", 40, 130), ("5%", 320, 480)):
        ended, truth = measure(scene, ("--loss", share, "--seed", "7"), *HIT, "--rate", "4k", "--duration", "2s")
        expect(low <= truth["dropped"] <= high, f"{truth['dropped']} of 8000 dropped at {share}")
        expect_equal(truth["received"], 8000, "received by the server")
        expect_equal(ended.outcomes.get("timeout", 0), truth["dropped"], f"timeouts, and what was dropped, at {share}")
        expect_equal(ended.outcomes["ok"] + ended.outcomes.get("late", 0), truth["answered"], "answers")
        ended.expect_no_blame()


@counted("SERVFAIL, NXDOMAIN, REFUSED and truncated answers are counted as the server sent them")
def rcodes(scene):
    faults = ("--rcode", "SERVFAIL:2%", "--rcode", "NXDOMAIN:5%", "--rcode", "REFUSED:1%", "--tc", "3%")
    ended, truth = measure(scene, faults, *HIT, "--rate", "4k", "--duration", "2s")
    expect_equal(ended.rcodes(), truth.rcodes(), "rcodes")
    expect_equal(set(truth.rcodes()), {0, 2, 3, 5}, "rcodes that occurred")
    expect_equal(ended.measured["truncated"], truth["truncated"], "truncated answers")
    expect(truth["truncated"] > 100, f"{truth['truncated']} truncated")
    answers, sent = ended.measured["answers"], truth.rcodes()
    expect_equal((answers["nx"], answers["fail"]), (sent[3], sent[2] + sent[5]), "NXDOMAIN and other failures")
    expect_equal(sum(answers.values()), ended.outcomes["ok"], "kinds of answers")
    expect_equal(answers["found"], 8000 - sent[2] - sent[3] - sent[5] - truth["truncated"], "answers with records")
    ended.expect_no_blame()


@counted("answers after the timeout are late, every one, and none is taken for another query's")
def late(scene):
    ended, truth = measure(scene, ("--delay", "1100ms"), *HIT[:-1], "1s", "--rate", "300", "--duration", "1500ms")
    expect_equal(truth["answered"], 450, "answers sent")
    # For a second after the time-out; what comes later still is a time-out.
    need(ended.outcomes.get("timeout", 0) == 0, f"outcomes {ended.outcomes}")
    expect_equal(ended.outcomes, {"late": 450}, "outcomes")
    expect_equal((ended.measured["stray"], ended.measured["duplicate"]), (0, 0), "strays and duplicates")
    expect(ended.result["summary"]["response"]["p50_at_least"], "the median is known though nothing came in time")
    ended.need_exit(FAILED)


@counted("duplicates are counted apart, and what follows is not disturbed by them")
def duplicates(scene):
    ended, truth = measure(scene, ("--duplicate", "20%"), *SHORT)
    expect_equal(ended.outcomes, {"ok": 2000}, "outcomes")
    expect_equal(ended.measured["duplicate"], truth["duplicated"], "duplicates")
    expect(300 < truth["duplicated"] < 500, f"{truth['duplicated']} duplicated")
    ended.expect_no_blame()


@counted("an answer with another id is nobody's: its query was never answered")
def wrong_ids(scene):
    ended, truth = measure(scene, ("--wrong", "id:10%"), *HIT, "--rate", "300", "--duration", "1s")
    expect(15 <= truth["wrong_id"] <= 50, f"{truth['wrong_id']} wrong ids")
    expect_equal(ended.outcomes, {"ok": 300 - truth["wrong_id"], "timeout": truth["wrong_id"]}, "outcomes")
    # The next id may be one that was used a moment ago: then it looks like a second answer.
    expect_equal(ended.measured["stray"] + ended.measured["duplicate"], truth["wrong_id"], "strays and duplicates")
    ended.expect_no_blame()


# ---- Wrong answers --------------------------------------------------------------------------------

def flag(scene, kind, outcome, *words):
    """All answers wrong in this way, then a tenth of them: the counts of both, then the exit codes."""
    ends = []
    for share, low, high in (("", 2000, 2000), (":10%", 130, 270)):
        ended, truth = measure(scene, ("--wrong", kind + share), *SHORT, *words)
        wrong = truth[kind if kind == "empty" else f"wrong_{kind}"]
        expect(low <= wrong <= high, f"{wrong} wrong with {kind}{share}")
        counts = {"ok": 2000 - wrong, outcome: wrong}
        expect_equal(ended.outcomes, {name: count for name, count in counts.items() if count}, "outcomes")
        ends.append(ended)
    for ended in ends:
        ended.need_exit(WRONG)


@counted("wrong addresses are flagged, all of them and only they")
def wrong_addresses(scene):
    flag(scene, "address", "wrong", "--expect", scene.write("want.txt", RIGHT))


@counted("answers to another question are flagged without any expectation")
def wrong_questions(scene):
    flag(scene, "question", "mismatch")


@counted("empty answers are flagged where records are expected")
def empty_answers(scene):
    for lines in (RIGHT, "* * any\n"):
        flag(scene, "empty", "wrong", "--expect", scene.write("want.txt", lines))


@counted("without expectations an empty answer is told as what it is, an answer without records")
def empty_told(scene):
    ended, _ = measure(scene, ("--wrong", "empty:50%"), *SHORT)
    answers = ended.measured["answers"]
    expect(800 < answers["nodata"] < 1200, f"{answers}")
    expect_equal(answers["nodata"] + answers["found"], 2000, "answers")


@counted("right answers pass the same expectations")
def right_answers(scene):
    ended, _ = measure(scene, (), *SHORT, "--expect", scene.write("want.txt", RIGHT))
    expect_equal(ended.outcomes, {"ok": 2000}, "outcomes")
    ended.expect_no_blame()


# ---- The tester's own faults ----------------------------------------------------------------------

@counted("answers lost in the tester's own socket are the tester's, exactly, and the run is INVALID")
def own_drops(scene):
    for faults in ((), ("--loss", "2%")):  # what the server lost too stays the server's
        ended, truth = measure(scene, ("--stall", "400ms@300ms", *faults), *HIT, "--rate", "3k",
                               "--duration", "1s", "--receive-buffer", "4096", "--clients", "1")
        came = ended.outcomes["ok"] + ended.outcomes.get("late", 0)
        expect_equal(ended.outcomes["tester_dropped"], truth["answered"] - came, "tester-dropped")
        expect_equal(ended.outcomes.get("timeout", 0), truth["dropped"], "timeouts, and what the server dropped")
        expect(ended.outcomes["tester_dropped"] > 300, f"{ended.outcomes}")
        expect_equal(ended.code, INVALID, f"exit of {ended.told()}")
        expect("INVALID" in ended.stdout, f"the table: {ended.stdout}")
        expect(ended.result["health"]["own_drops"] >= ended.outcomes["tester_dropped"], "own drops in health")


# ---- Nobody there ---------------------------------------------------------------------------------

def dead_commands(scene, transport):
    """A word line for each command against a port where nobody listens."""
    dead = f"127.0.0.1:{free_port()}"
    want = scene.write("want.txt", "www.example.com A any\nwww.example.net A any\n")
    over = ("--transport", transport)
    return {"run": ("--server", dead, *over), "max": ("--server", dead, *over),
            "search": ("--server", dead, "--slo", "p99<5ms", *over), "compare": ("--a", dead, "--b", dead, *over),
            "check": ("--server", dead, "--expect", want, *over)}


def dead_port(scene, transport):
    for command, words in dead_commands(scene, transport).items():
        ended = bench(scene, command, *words, save=False)
        expect_equal(ended.code, UNREACHABLE, f"exit of {ended.told()}")
        need(ended.seconds < 2, f"{command} over {transport} took {ended.seconds:.2f} s")


@counted("a port where nobody listens ends every command with exit 4 in under 2 s")
def dead_udp(scene):
    dead_port(scene, "udp")


@counted("a port where nobody listens ends every command over streams, too")
def dead_streams(scene):
    for transport in ("tcp", "dot", "udp+tc"):
        dead_port(scene, transport)


@counted("a server that speaks no TLS is unreachable over DoT")
def no_tls(scene):
    ended = bench(scene, "run", "--server", Serve(scene).server, "--transport", "dot", save=False)
    expect_equal(ended.code, UNREACHABLE, f"exit of {ended.told()}")


@counted("a dead B beside a live A ends compare with exit 4")
def dead_b(scene):
    live, dead = Serve(scene).server, f"127.0.0.1:{free_port()}"
    for a, b in ((live, dead), (dead, live)):
        ended = bench(scene, "compare", "--a", a, "--b", b, "--slice", "200ms", "--pairs", "4", "--rate", "500")
        ended.need_exit(UNREACHABLE)
        need(ended.seconds < 3, f"took {ended.seconds:.2f} s")


@counted("a server that dies in the middle is told as refusals, each one counted")
def dies(scene):
    serve = Serve(scene)
    running = Bench(scene, "run", "--server", serve.server, *HIT, "--rate", "500", "--duration", "3s")
    expect(running.is_running_after(1.2), "the run ended before the server did")
    truth = serve.stop()
    ended = running.wait()
    answered = ended.outcomes["ok"] + ended.outcomes.get("late", 0)
    expect_equal(answered, truth["answered"], "answers")
    expect(ended.outcomes["refused"] > 100, f"outcomes {ended.outcomes}")


# ---- Transports and families ----------------------------------------------------------------------

@counted("over TCP every query is answered over TCP")
def tcp(scene):
    ended, truth = measure(scene, (), *SHORT, "--transport", "tcp")
    expect_equal((ended.outcomes, truth["tcp"], truth["received"]), ({"ok": 2000}, 2000, 2000), "counts")
    ended.expect_no_blame()


@counted("udp+tc asks again over TCP exactly what came back truncated")
def truncated_again(scene):
    ended, truth = measure(scene, ("--tc", "10%"), *SHORT, "--transport", "udp+tc")
    expect(120 < truth["truncated"] < 280, f"{truth['truncated']} truncated")
    expect_equal(ended.outcomes, {"ok": 2000}, "outcomes")
    expect_equal((ended.measured["truncated"], ended.measured["retried"], truth["tcp"]), (truth["truncated"],) * 3,
                 "truncated, asked again, received over TCP")
    expect_equal(ended.measured["answers"]["found"], 2000, "answers with records")
    ended.expect_no_blame()


@counted("loss over a stream's server is counted there too")
def tcp_loss(scene):
    ended, truth = measure(scene, ("--loss", "2%"), *SHORT, "--transport", "tcp")
    expect_equal(ended.outcomes.get("timeout", 0), truth["dropped"], "timeouts")
    expect(truth["dropped"] > 10, f"{truth['dropped']} dropped")


@counted("a server on ::1 is measured as one on 127.0.0.1")
def family(scene):
    serve = Serve(scene, "--loss", "1%", listen="[::1]:0")
    for transport in ("udp", "tcp"):
        ended = bench(scene, "run", "--server", serve.server, *SHORT, "--transport", transport)
        expect_equal(ended.result["setup"]["server"], serve.server, "the server told")
        expect_equal(ended.outcomes["ok"] + ended.outcomes.get("timeout", 0), 2000, f"{ended.outcomes}")
        ended.expect_no_blame()
    truth = serve.stop()
    expect_equal((truth["received"], truth["tcp"]), (4000, 2000), "received, over TCP")


class TlsServer(Unbound):
    """unbound that answers over TLS on a second port, with a certificate of the test's own authority."""

    def __init__(self, scene, names):
        self.authority = Authority(scene.folder)
        self._files, self.tls_port = self.authority.issue("dot", names), free_port()
        super().__init__(scene, "127.0.0.1", free_port(), ["www.example. 300 IN A 192.0.2.1"])

    def set(self, records, stubs):
        super().set(records, stubs)
        with open(self.config, encoding="ascii") as file:
            text = file.read()
        lines = (f"interface: 127.0.0.1@{self.tls_port}", f"tls-port: {self.tls_port}",
                 f'tls-service-pem: "{self._files[0]}"', f'tls-service-key: "{self._files[1]}"')
        self.config = self.write("unbound.conf", text.replace("server:", "\n  ".join(("server:", *lines)), 1))


@counted("over DoT every query is answered by a server that is not ours")
def dot(scene):
    server = TlsServer(scene, ["dns.example"]).start()
    want, queries = scene.write("want.txt", "www.example A 192.0.2.1\n"), scene.write("queries.txt", "www.example A\n")
    words = ("run", "--server", f"127.0.0.1:{server.tls_port}", "--transport", "dot", "--queries", queries, "--expect",
             want, "--arrival", "constant", "--warmup", "0", "--timeout", "3s", "--rate", "500", "--duration", "1s")
    trusted = {"environment": {"SSL_CERT_FILE": server.authority.certificate}}
    for more, settings in (((), {}), (("--tls-name", "dns.example"), trusted)):
        ended = bench(scene, *words, *more, **settings)
        expect_equal(ended.outcomes, {"ok": 500}, f"outcomes with {more}")
        ended.expect_no_blame()
    for more, settings in ((("--tls-name", "other.example"), trusted), (("--tls-name", "dns.example"), {})):
        ended = bench(scene, *words, *more, **settings)
        expect(ended.code in (USAGE, UNREACHABLE) and "certificate" in ended.stderr, f"{more}: {ended.told()}")


# ---- Parts of a run -------------------------------------------------------------------------------

@counted("the warm-up is counted apart from the measured time")
def warm_up(scene):
    words = [word for word in SHORT if word not in ("--warmup", "0")]
    ended, truth = measure(scene, (), *words, "--warmup", "500ms")
    expect_equal((ended.measured["sent"], ended.result["warmup"]["sent"]), (2000, 1000), "measured, and before it")
    expect_equal((ended.outcomes, truth["received"]), ({"ok": 2000}, 3000), "outcomes, and what the server received")
    expect_equal(ended.result["summary"]["response"]["count"], 2000, "latencies")


@counted("what a schedule plans is sent, stage by stage")
def schedule(scene):
    ended, truth = measure(scene, (), *HIT, "--schedule", "500ms@1k,500ms@3k,500ms@500")
    expect_equal((ended.measured["sent"], truth["received"]), (2250, 2250), "sent")
    rows = [row[0] for row in ended.result["series"]["windows"]["rows"]]
    expect_equal([sum(rows[at:at + 5]) for at in (0, 5, 10)], [500, 1500, 250], "planned in each stage")


@counted("Ctrl-C prints what was measured so far, and the verdict is that of the figures")
def interrupted(scene):
    for command, words, faults, code in (
            ("run", ("--rate", "1k", "--duration", "20s"), (), PASS),
            ("run", ("--rate", "1k", "--duration", "20s"), ("--wrong", "question"), WRONG),
            ("max", ("--duration", "20s",), (), PASS)):
        serve = Serve(scene, "--service-time", "200us", *faults)
        running = Bench(scene, command, "--server", serve.server, "--profile", "hit", "--warmup", "0", *words)
        expect(running.is_running_after(1.0), f"{command} ended by itself")
        running.interrupt()
        ended = running.wait(10)
        run = ended.json["runs"][0]
        truth = serve.stop()
        expect(run["interrupted"], "the result does not say that it was interrupted")
        expect_equal(run["measured"]["sent"], truth["received"], f"sent by {command}, received")
        need(0.5e9 < run["elapsed_ns"] < 1.5e9, f"{run['elapsed_ns']} ns measured")
        expect("interrupted" in ended.stdout.lower(), f"the table of {command}: {ended.stdout}")
        need(ended.seconds < 5, f"{command} took {ended.seconds:.1f} s")
        ended.need_exit(code)


if __name__ == "__main__":
    suite.main()
