#!/usr/bin/env python3
"""What the commands of several runs make of them: defaults as their help tells them, slices in turn, clean windows."""
import re

from lib.cases import Suite, expect, expect_equal
from lib.dnsbench import Bench, Serve, bench
from lib.quiet import need, tried_cases
from lib.recorder import Recorder

suite = Suite("dnsbench studies:")
study_case = tried_cases(suite)
MS, S = 10 ** 6, 10 ** 9


def begun(scene, command, *words):
    """A command that is interrupted once it measures: how it ended."""
    server = Serve(scene).server
    asked = ("--a", server, "--b", server) if command == "compare" else ("--server", server)
    running = Bench(scene, command, *asked, *words)
    expect(running.is_running_after(2.0), f"{command} ended by itself")
    running.interrupt()
    return running.wait(15)


@study_case("what the help of a command calls its defaults are those it measures with")
def defaults(scene):
    for command, words, wanted in (
            ("run", ("--profile", "hit"), {"rate": 1000, "duration_ns": 10 * S, "warmup_ns": S, "timeout_ns": 2 * S,
                                           "arrival": "poisson", "transport": "udp", "batch": 16, "threads": 1}),
            ("run", (), {"rate": 200, "lookups": True, "clients": 60, "seed": 1}),
            ("max", ("--profile", "hit"), {"window": 64, "duration_ns": 5 * S, "warmup_ns": S, "timeout_ns": S}),
            ("search", ("--profile", "hit"), {"rate": 1000, "duration_ns": 3 * S, "warmup_ns": 250 * MS}),
            ("search", (), {"rate": 200})):
        ended = begun(scene, command, *words)
        setup = ended.json["runs"][0]["setup"]
        expect_equal({name: setup[name] for name in wanted}, wanted, f"setup of {command} {words}")
        expect(command != "search" or ended.json["slo"] == "p99<5ms,loss<0.1%", f"slo {ended.json['slo']}")
    told = begun(scene, "compare").stderr
    expect(re.search("12 pairs of slices, .* 1.00 s of each measured", told), told)


@study_case("max measures three windows, a quarter and four times of the middle one, and tells the best clean one")
def windows(scene):
    # 5,000/s at most, and each query waits 5 ms more: of 64 on their way 25 are there and 39 want into a queue of 20, all
    # the time, while 16 at once fit. The largest window loses, and is the fastest all the same.
    server = Serve(scene, "--delay", "5ms", "--service-time", "200us", "--queue", "20").server
    ended = bench(scene, "max", "--server", server, "--profile", "hit", "--window", "16", "--duration", "600ms",
                  "--warmup", "200ms", "--timeout", "500ms")
    runs = ended.json["runs"]
    expect_equal([run["setup"]["window"] for run in runs], [4, 16, 64], "windows")
    rates = [run["measured"]["outcomes"]["ok"] * S / run["elapsed_ns"] for run in runs]
    losses = [run["summary"]["loss"] for run in runs]
    need(losses[0] == losses[1] == 0 and losses[2] > 0.01 and rates[2] > 1.2 * rates[1], f"{losses}, {rates}")
    expect(abs(ended.json["answer"] - rates[1]) < 1, f"told {ended.json['answer']} of {rates} with loss of {losses}")


@study_case("names never seen are seen by no later window either")
def fresh(scene):
    recorder = scene.add(Recorder())
    ended = bench(scene, "max", "--server", recorder.server, "--profile", "miss", "--window", "4", "--duration", "200ms",
                  "--warmup", "0")
    names = [datagram.question[0] for datagram in recorder.datagrams]
    expect(all(run["measured"]["sent"] > 10 for run in ended.json["runs"]), ended.told())
    expect_equal(len(set(names)), len(names), "different names")


@study_case("compare asks A B, B A, A B, ..., and tells both addresses before")
def in_turn(scene):
    a, b = scene.add(Recorder()), scene.add(Recorder())
    ended = bench(scene, "compare", "--a", a.server, "--b", b.server, "--profile", "hit", "--rate", "200", "--arrival",
                  "constant", "--slice", "300ms", "--warmup", "0", "--pairs", "4", "--timeout", "100ms")
    expect(re.search(f"4 pairs of slices, in turn to B at {b.server} and to {a.server} ", ended.stderr), ended.stderr)
    asked = sorted([(d.when, "A") for d in a.datagrams] + [(d.when, "B") for d in b.datagrams])
    turns = [[asked[0], asked[0]]]
    for moment in asked[1:]:
        if moment[1] == turns[-1][0][1]:
            turns[-1][1] = moment
        else:
            turns.append([moment, moment])
    need(ended.json["comparisons"] and len(asked) == 8 * 60, f"{len(asked)} asked: {ended.told()}")
    expect_equal(ended.json["comparisons"][0]["alpha"], 0.05, "alpha unless told")
    expect_equal("".join(first[1] for first, _ in turns), "ABABA", "who was asked in turn")
    expect_equal([last[0] - first[0] > 0.45 for first, last in turns], [False, True, True, True, False], "two in a row")


if __name__ == "__main__":
    suite.main()
