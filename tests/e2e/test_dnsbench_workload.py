#!/usr/bin/env python3
"""What dnsbench asks, in which order and from which sockets: lookups as pods make them, seeds, clients, ports, EDNS.

Seen by a server that remembers every datagram, or counted by dnsbench's own server.
"""
import ipaddress

from lib import message
from lib.cases import Suite, expect, expect_equal
from lib.dnsbench import PASS, USAGE, Serve, bench
from lib.quiet import need, tried_cases
from lib.recorder import Recorder, answer_address, answer_nx

suite = Suite("dnsbench workload:")
workload_case = tried_cases(suite)
STEADY = ("--arrival", "constant", "--warmup", "0", "--timeout", "3s")  # longer than a machine is away
HIT = ("--profile", "hit", *STEADY)
# Packets of a lookup against a server that knows the cluster's services, and how many of them are NXDOMAIN.
COSTS = {"svc": (2, 0), "svc.ns": (4, 2), "fqdn": (10, 8), "aws": (10, 8), "dots5": (2, 0), "new": (10, 8)}
MIX = {"svc": 0.15, "svc.ns": 0.40, "fqdn": 0.10, "aws": 0.25, "dots5": 0.07, "new": 0.03}
SEARCH = ["svc.cluster.local.", "cluster.local.", "eu-central-1.compute.internal."]


def record(scene, *words, **settings):
    """The datagrams of a run against a recorder, and how the run ended."""
    recorder = scene.add(Recorder(**settings))
    ended = bench(scene, "run", "--server", recorder.server, *words)
    expect(ended.json is not None, ended.told())
    need(len(recorder.datagrams) == all_of(ended)["sent"], f"{len(recorder.datagrams)} came of {ended.told()}")
    return recorder, ended


def all_of(ended):
    """Counts of the measured time, and of what the last lookups asked after it."""
    measured, others = ended.measured, ended.result["warmup"]
    return {"sent": measured["sent"] + others["sent"],
            "rcodes": {number: sum(pair) for number, pair in enumerate(zip(measured["rcodes"], others["rcodes"])) if any(pair)},
            "answers": {name: count + others["answers"][name] for name, count in measured["answers"].items()}}


# ---- Lookups of k8s-aws ---------------------------------------------------------------------------

@workload_case("the lookups of a cluster cost what their names cost, packet by packet")
def costs(scene):
    serve = Serve(scene)
    ended = bench(scene, "run", "--server", serve.server, *STEADY, "--rate", "1k", "--duration", "2s")
    truth, tally = serve.stop(), ended.measured
    lookups = {kind["name"]: kind["latency"]["total"] for kind in ended.result["kinds"]}
    expect_equal(set(lookups), set(COSTS), "kinds")
    expect_equal((sum(lookups.values()), tally["lookups"], tally["lookups_failed"]), (2000, 2000, 0), "lookups")
    for name, share in MIX.items():
        spread = 5 * (share * (1 - share) * 2000) ** 0.5
        expect(abs(lookups[name] - share * 2000) < spread, f"{lookups[name]} of 2000 lookups are {name}")
    packets = sum(count * COSTS[name][0] for name, count in lookups.items())
    denials = sum(count * COSTS[name][1] for name, count in lookups.items())
    counts = all_of(ended)
    expect_equal((counts["sent"], truth["received"]), (packets, packets), "packets sent, received")
    expect_equal((counts["rcodes"], truth.rcodes()), ({0: packets - denials, 3: denials},) * 2, "rcodes")
    expect_equal(counts["answers"], {"found": 4000, "nodata": 0, "nx": denials, "fail": 0}, "answers")
    expect_equal(ended.result["lookup"]["total"], 2000, "latencies of lookups")
    ended.need_exit(PASS)


def check_lookup(datagrams):
    """The steps of a lookup that never finds: A and AAAA together, each suffix in turn, names with 5 dots or more as
    they are at first, others at last."""
    asked = [datagram.question for datagram in datagrams]
    expect_equal(len(asked), 10, f"packets of {asked}")
    for first, second in zip(asked[::2], asked[1::2]):
        expect_equal((first[0], {first[1], second[1]}), (second[0], {1, 28}), "name and types of a step")
    names = [name for name, _ in asked[::2]]
    base = min(names, key=len)
    steps = [name for name in names if name != base]
    expect_equal(names.index(base), 0 if base.count(".") > 5 else 4, f"place of {base} among its steps")
    expect(steps[0].startswith(base + "ns-") and steps[0].endswith("." + SEARCH[0]), f"first suffix, {steps[0]}")
    expect_equal(steps[1:], [base + suffix for suffix in SEARCH], f"steps of {base}")


@workload_case("a lookup asks A and AAAA from one socket, suffix after suffix, each after both answers of the last")
def order(scene):
    pause = 0.03
    recorder, ended = record(scene, *STEADY, "--rate", "150", "--duration", "2s", "--ports", "per-lookup",
                             answer=answer_nx, aaaa_delay_s=pause)
    sockets, odd = recorder.by_socket(), 0
    for datagrams in sockets.values():
        if len(datagrams) > 10:
            odd += 1  # a port that the kernel gave twice
            continue
        check_lookup(datagrams)
        times = [datagram.when for datagram in datagrams]
        for at in range(2, len(times), 2):
            expect(times[at] - times[at - 1] > 0.9 * pause, "a step began before both answers of the last had come")
            need(times[at + 1] - times[at] < 0.01, "A and AAAA of a step came apart")
    expect_equal(ended.measured["lookups"], 300, "lookups")
    expect(len(sockets) > 290 and odd < 5, f"{len(sockets)} sockets for 300 lookups, {odd} of them used again")


@workload_case("the keys of the profile are what is asked")
def keys(scene):
    recorder, _ = record(scene, "--profile", "k8s-aws:ndots=1,region=us-east-2,namespaces=1,services=3,domain=k8s.test",
                         *STEADY, "--rate", "300", "--duration", "1s")
    names = {datagram.question[0] for datagram in recorder.datagrams}
    expect(any(".us-east-2.amazonaws.com." in name for name in names), "no name of the region")
    expect(not any("cluster.local" in name or "eu-central-1" in name for name in names), "names of the defaults")
    services = {name.split(".")[0] for name in names if name.endswith(".svc.k8s.test.") and name.startswith("svc-")}
    expect(0 < len(services) <= 3, f"services {services}")


@workload_case("60 pods ask, each from an address of its own in 127/8")
def pods(scene):
    recorder, ended = record(scene, "--rate", "600", "--duration", "2s", *STEADY, "--seed", "3")
    addresses = {datagram.peer[0] for datagram in recorder.datagrams}
    expect_equal((len(addresses), ended.result["setup"]["clients"]), (60, 60), "addresses, clients told")
    expect(all(ipaddress.ip_address(a) in ipaddress.ip_network("127.0.0.0/8") for a in addresses), f"{addresses}")
    expect_equal(len(recorder.by_socket()), 60, "sockets")


# ---- Clients and ports ----------------------------------------------------------------------------

@workload_case("--clients and --source: so many addresses of that network, a socket each")
def source(scene):
    recorder, _ = record(scene, *HIT, "--rate", "500", "--duration", "1s", "--clients", "7", "--source", "127.9.3.0/24")
    addresses = {datagram.peer[0] for datagram in recorder.datagrams}
    expect_equal((len(addresses), len(recorder.by_socket())), (7, 7), "addresses and sockets")
    expect(all(a.startswith("127.9.3.") for a in addresses), f"{addresses}")


@workload_case("--clients from one address: so many ports")
def source_one(scene):
    recorder, _ = record(scene, *HIT, "--rate", "500", "--duration", "1s", "--clients", "9", "--source", "127.9.4.1/32")
    expect_equal({datagram.peer[0] for datagram in recorder.datagrams}, {"127.9.4.1"}, "addresses")
    expect_equal(len(recorder.by_socket()), 9, "sockets")


@workload_case("--ports per-lookup takes a fresh socket for every query of a plain workload")
def per_query(scene):
    recorder, ended = record(scene, *HIT, "--rate", "500", "--duration", "1s", "--ports", "per-lookup")
    expect(len(recorder.by_socket()) > 480, f"{len(recorder.by_socket())} sockets for 500 queries")
    expect_equal(ended.outcomes, {"ok": 500}, "outcomes")


@workload_case("an address that is not this machine's is refused before anything is sent")
def source_foreign(scene):
    recorder = scene.add(Recorder())
    ended = bench(scene, "run", "--server", recorder.server, "--source", "192.0.2.0/24", "--duration", "1s")
    expect_equal((ended.code, recorder.datagrams), (USAGE, []), f"exit of {ended.told()}, datagrams")
    expect("192.0.2" in ended.stderr, f"stderr {ended.stderr}")


# ---- Seeds ----------------------------------------------------------------------------------------

def sequence(scene, *words):
    """The octets of all messages but for their ids, in order, and the hash told."""
    recorder, ended = record(scene, *words, "--arrival", "constant", "--warmup", "0", "--rate", "400",
                             "--duration", "1s")
    return [datagram.wire[2:] for datagram in recorder.datagrams], ended.result["setup"]["workload_hash"]


@workload_case("the same seed asks the same octets in the same order, and its hash says so; another seed does not")
def seeds(scene):
    for words in (("--profile", "hit", "--do", "--cookie"), ("--profile", "miss"), ("--random-label", "x.example"),
                  ("--profile", "nx", "--zipf", "0.7", "--names", "50")):
        first, again = (sequence(scene, *words, "--seed", "7") for _ in range(2))
        other = sequence(scene, *words, "--seed", "8")
        expect_equal(len(first[0]), 400, f"messages of {words}")
        expect(first == again, f"{words}: the same seed gave {first[1]} and {again[1]}")
        expect(first[0] != other[0] and first[1] != other[1], f"{words}: another seed gave the same")


@workload_case("the same seed makes the same lookups, and their names in the same order")
def seeds_lookups(scene):
    def firsts():
        recorder, ended = record(scene, *STEADY, "--rate", "300", "--duration", "1s", "--seed", "11",
                                 "--ports", "per-lookup", answer=answer_address)
        return [datagram.wire[2:] for datagram in recorder.datagrams], ended.result["setup"]["workload_hash"]
    first, again = firsts(), firsts()
    expect_equal(len(first[0]), 600, "messages")  # the first step finds all
    expect(first == again, f"the same seed gave other lookups ({first[1]}, {again[1]})")


@workload_case("ids are not a sequence, and none is used again while it may be answered")
def ids(scene):
    recorder, _ = record(scene, *HIT[:-1], "500ms", "--rate", "800", "--duration", "1s", "--clients", "1",
                         answer=lambda wire: None)
    numbers = [int.from_bytes(datagram.wire[:2], "big") for datagram in recorder.datagrams]
    in_flight = 400  # so many are sent within the timeout of 500 ms
    for at in range(len(numbers)):
        expect(numbers[at] not in numbers[at + 1:at + in_flight], "an id was used again before its timeout")
    steps = [(b - a) % 65536 for a, b in zip(numbers, numbers[1:])]
    expect(len(set(steps)) > 700, f"{len(set(steps))} different steps between 800 ids")


# ---- What a message is ----------------------------------------------------------------------------

@workload_case("--edns, --do and --cookie make the OPT; without EDNS there is none")
def edns(scene):
    for words, wanted in ((("--edns", "0"), None), ((), (1232, False, 0)), (("--edns", "4096"), (4096, False, 0)),
                          (("--do",), (1232, True, 0)), (("--cookie",), (1232, False, 8))):
        recorder, _ = record(scene, *HIT, "--rate", "100", "--duration", "200ms", *words)
        opt = message.parse(recorder.datagrams[0].wire).edns
        seen = opt and (opt.size, opt.dnssec_ok, sum(len(value) for code, value in opt.options if code == 10))
        expect_equal(seen, wanted, f"OPT with {words}")


@workload_case("a query file is asked line by line in its order, again from its start, names as written")
def query_file(scene):
    lines = ["One.Example A", "two.example AAAA", "# a remark", "", "three.example.\tTXT", "four.example TYPE65"]
    recorder, _ = record(scene, "--queries", scene.write("queries.txt", "\n".join(lines) + "\n"), *STEADY,
                         "--rate", "200", "--duration", "200ms")
    asked = [datagram.question for datagram in recorder.datagrams]
    want = [("One.Example.", 1), ("two.example.", 28), ("three.example.", 16), ("four.example.", 65)]
    expect_equal(asked, want * 10, "questions")


@workload_case("zipf asks the first names most, and never-seen names are never seen twice")
def popularity(scene):
    recorder, _ = record(scene, *HIT, "--rate", "2k", "--duration", "1s", "--names", "100", "--zipf", "1.2")
    counts = {}
    for datagram in recorder.datagrams:
        counts[datagram.question[0]] = counts.get(datagram.question[0], 0) + 1
    top = sorted(counts.values(), reverse=True)
    expect(len(counts) <= 100 and top[0] > 0.2 * 2000 and top[0] > 1.5 * top[1], f"counts {top[:5]}")
    recorder, _ = record(scene, "--random-label", "fresh.example", *STEADY, "--rate", "1k", "--duration", "1s")
    names = [datagram.question[0] for datagram in recorder.datagrams]
    expect_equal(len(set(names)), 1000, "different names")
    expect(all(name.endswith(".fresh.example.") for name in names), f"{names[:3]}")


if __name__ == "__main__":
    suite.main()
