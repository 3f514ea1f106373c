"""One slice of load by dnsbench on one server, and what is taken from its report."""
import json
import os
import resource
import signal
import subprocess
import time

import servers

TICKS = os.sysconf("SC_CLK_TCK")
# Sockets and queries a system call at which the tester costs least, so that it is not the limit.
CHEAP = ["--batch", "64", "--clients", "8"]
# The profiles' own zones are below test, which servers may answer by themselves (RFC 6761 section 6.2).
HIT = ["--profile", "hit:zone=hit.example.com"]
MISS = ["--profile", "miss:zone=miss.example.com"]
LOSS_LIMIT = 0.01  # a server that loses more cannot do that rate
# A slice is disturbed when one of these is passed, or at a fixed rate when dnsbench says INVALID. Shares of one CPU's time.
OTHERS_SHARE = 0.10  # used by processes that are no part of this
TESTER_WAIT_SHARE = 0.05
STOLEN_SHARE = 0.02


class Load:
    """A row of the tables: what is asked, how fast, and of which servers."""

    def __init__(self, key, title, words, rate=None, tester_shares_cpu=False, only=None, is_cached=True, names=0):
        self.key, self.title, self.words, self.rate = key, title, words, rate
        self.tester_shares_cpu = tester_shares_cpu  # with the responder: waiting for it is no disturbance
        self.only, self.is_cached, self.names = only, is_cached, names  # names: so many are to be cached before


def loads(large, folder):
    """All of them in their order; what fills caches comes late."""
    endpoints = ["--queries", os.path.join(folder, "endpoints"), "--zipf", "1.0"]
    with open(endpoints[1], "w", encoding="ascii") as file:
        file.writelines(servers.ENDPOINT_NAME.format(i) + " A\n" for i in range(servers.ENDPOINT_NAMES))
    ours = ("echo", "local53")
    many = [*HIT, "--names", str(large), *CHEAP]
    return [
        Load("hit", "hit: 10,000 names, zipf 1", HIT + CHEAP),
        Load("endpoint", "endpoint names: 10,000, zipf 1", endpoints + CHEAP, only=ours),
        Load("hit-10k", "hit, open loop at 10,000/s", HIT + CHEAP, rate=10000),
        Load("hit-100k", "hit, open loop at 100,000/s", HIT + CHEAP, rate=100000),
        Load("endpoint-100k", "endpoint names, open loop at 100,000/s", endpoints + CHEAP, rate=100000, only=ours),
        Load("large", f"hit: {large:,} names, zipf 1", many, names=large),
        Load("uniform", f"hit: {large:,} names, each as often", [*many, "--zipf", "0"], only=ours, names=large),
        Load("k8s-aws", "k8s-aws: lookups of pods", ["--profile", "k8s-aws", "--batch", "64"], is_cached=False),
        Load("miss", "miss: names never seen", [*MISS, *CHEAP], tester_shares_cpu=True, is_cached=False),
    ]


def cpu_times(cpus):
    """Seconds these CPUs worked for processes, and seconds the host took from them."""
    used = stolen = 0
    with open("/proc/stat", encoding="ascii") as file:
        for line in file:
            name, *words = line.split()
            if name in [f"cpu{cpu}" for cpu in cpus]:
                used += sum(int(word) for word in words[:3])
                stolen += int(words[7])
    return used / TICKS, stolen / TICKS


class Moment:
    """What is read before and after a slice."""

    def __init__(self, tester, server):
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.upstream = tester.upstream()
        self.own = server.cpu_s() + tester.responder.cpu_s() + time.process_time() + children.ru_utime + children.ru_stime
        self.used, self.stolen = cpu_times(tester.cpus)
        self.at = time.monotonic()


class Tester:
    """Runs slices on its CPU."""

    def __init__(self, dnsbench, cpus, folder, responder):
        self.dnsbench, self.cpus, self.responder = dnsbench, cpus, responder
        self.truth = os.path.join(responder.folder, "truth.json")
        self.out = os.path.join(folder, "slice.json")
        self.child = None

    def upstream(self):
        """Queries the responder has had until now."""
        before = os.stat(self.truth).st_mtime_ns if os.path.exists(self.truth) else 0
        self.responder.process.send_signal(signal.SIGUSR1)
        for _ in range(200):
            time.sleep(0.005)
            try:
                if os.stat(self.truth).st_mtime_ns != before:
                    with open(self.truth, encoding="ascii") as file:
                        return json.load(file)["received"]
            except (FileNotFoundError, ValueError):
                pass  # not yet written, or being written
        return None

    def run(self, server, load, seconds, seed):
        """One slice; None when dnsbench told nothing of it."""
        words = [self.dnsbench, "run" if load.rate else "max", "--server", f"127.0.0.1:{server.port}", *load.words,
                 "--seed", str(seed), "--cpus", str(self.cpus[1]), "--server-pid", str(server.pid), "--quiet", "--json", self.out]
        if load.rate:
            words += ["--rate", str(load.rate), "--duration", f"{seconds * 1000:.0f}ms", "--warmup", "200ms", "--timeout", "500ms"]
        else:
            # Three windows, a third of the slice each.
            words += ["--duration", f"{max(seconds / 3, 0.1) * 1000:.0f}ms", "--warmup", "80ms", "--timeout", "300ms"]
        if os.path.exists(self.out):
            os.unlink(self.out)
        before = Moment(self, server)
        self.child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                      start_new_session=True)
        code = self.child.wait()
        self.child = None
        if not os.path.exists(self.out):
            return None
        with open(self.out, encoding="utf-8") as file:
            return taken(json.load(file), load, code, before, Moment(self, server))

    def stop(self):
        if self.child is not None:
            self.child.kill()
            self.child.wait()


def taken(study, load, code, before, after):
    """The best run of a report without losses, or the best of all; None where nothing can be told of the server."""
    runs = [run for run in study["runs"] if run["summary"]["ok_per_second"] > 0 and run["server_cpu_ns"]]
    if not runs:
        return None
    best = max(runs, key=lambda run: (run["summary"]["loss"] <= LOSS_LIMIT, run["summary"]["ok_per_second"]))
    summary, health, took = best["summary"], best["health"], after.at - before.at
    asked = sum(run["measured"]["sent"] + run["warmup"]["sent"] for run in study["runs"])
    known = None not in (before.upstream, after.upstream)
    found = {
        "load": load.key, "exit": code, "window": best["setup"]["window"], "workload_hash": best["setup"]["workload_hash"],
        "rate": summary["ok_per_second"], "loss": summary["loss"], "cpu_us": summary["server_cpu_ns_per_answer"] / 1e3,
        "tester_us": summary["tester_cpu_ns_per_query"] / 1e3, "busy": best["server_cpu_ns"] / best["elapsed_ns"],
        "p50_us": summary["response"]["p50_ns"] / 1e3, "p99_us": summary["response"]["p99_ns"] / 1e3,
        "upstream": (after.upstream - before.upstream) / asked if known else None,
        "others": (after.used - before.used - after.own + before.own) / took, "stolen": (after.stolen - before.stolen) / took,
        "tester_waited": health["run_delay_ns"] / max(1, health["thread_time_ns"]), "reasons": best["reasons"],
        "valid": best["verdict"] != "invalid"}
    found["disturbed"] = (load.rate is not None and not found["valid"]) or found["others"] > OTHERS_SHARE or found["stolen"] > STOLEN_SHARE or \
        (found["tester_waited"] > TESTER_WAIT_SHARE and not load.tester_shares_cpu)
    return found
