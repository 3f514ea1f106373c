"""local53 beside other servers: starts all, warms them, interleaves slices of the same loads, tells. See --help.

The servers run on the first CPU this process may use, tester and responder on the second.
"""
import argparse
import json
import os
import platform
import shlex
import signal
import subprocess
import sys
import tempfile
import time

BENCH = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(1, BENCH)

import load as loads  # pylint: disable=wrong-import-position
import plot  # pylint: disable=wrong-import-position
import servers  # pylint: disable=wrong-import-position
import tell  # pylint: disable=wrong-import-position
from lib import dns  # pylint: disable=wrong-import-position

ROOT = os.path.dirname(BENCH)
SMALL = 10000
WARM_LIMIT_S = 120
SETTLE_MAX = 5
SETTLED_SHARE = 0.8  # of what went upstream the time before: it does not fall any more
SAMPLE_S = 0.1
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
CALM_SHARE = 0.15  # of one CPU may be used before a slice


def say(words):
    print(f"peers: {words}", file=sys.stderr, flush=True)


# ---- What is asked for -------------------------------------------------------------------------------

def peer(word):
    name, is_given, command = word.partition("=")
    if not is_given or not name.replace("-", "").isalnum() or name in servers.CONFIGURE:
        raise argparse.ArgumentTypeError("is NAME='COMMAND with {port} {upstream} {folder}', under a name not yet used")
    return name, command


def options():
    parser = argparse.ArgumentParser(
        prog="run.sh", description="local53 beside other DNS servers and a bare UDP echo: the same load in interleaved slices.",
        epilog="Example: bench/peers/run.sh --quick --peer coredns='coredns -conf {folder}/../Corefile -dns.port {port}'")
    parser.add_argument("--quick", action="store_true", help="two rounds of short slices, 50,000 names, under 3 minutes")
    parser.add_argument("--rounds", type=int, help="of each load (5)")
    parser.add_argument("--slice", type=float, help="seconds of a slice (0.8)")
    parser.add_argument("--names", type=int, help="of the large load (1,000,000)")
    parser.add_argument("--minutes", type=float, help="of slices at most: rounds are left out (8)")
    parser.add_argument("--retries", type=int, default=1, help="of a disturbed slice (1)")
    parser.add_argument("--patience", type=float, default=0, help="seconds to wait for quiet CPUs before each slice (0)")
    parser.add_argument("--only", default="", help="of the servers these, with commas")
    parser.add_argument("--loads", default="", help="of the loads these, with commas")
    parser.add_argument("--peer", type=peer, action="append", default=[], metavar="NAME=COMMAND",
                        help="one more server: a forwarder on 127.0.0.1:{port} of {upstream}, in {folder}; repeatable")
    parser.add_argument("--duel", metavar="NAME", help="instead: dnsbench compare of NAME (A) and local53 (B), hits at 10,000/s")
    parser.add_argument("--build", default=os.path.join(ROOT, "build"), help="where local53, dnsbench and bench_echo are")
    parser.add_argument("--out", help="folder for peers.json, peers.svg and peers.md (BUILD/peers)")
    parser.add_argument("--no-install", action="store_true", help="measure what is there")
    found = parser.parse_args()
    defaults = (2, 0.3, 50000, 2.0) if found.quick else (5, 0.8, 1000000, 8.0)
    for key, value in zip(("rounds", "slice", "names", "minutes"), defaults):
        if getattr(found, key) is None:
            setattr(found, key, value)
    found.out = found.out or os.path.join(found.build, "peers")
    return found


def programs_of(build):
    found = {name: os.path.abspath(os.path.join(build, name)) for name in ("local53", "dnsbench", "bench_echo")}
    for path in found.values():
        if not os.access(path, os.X_OK):
            sys.exit(f"peers: no {path}: build with -DLOCAL53_TESTS=ON first, or name the folder with --build")
    return found


# ---- A run -------------------------------------------------------------------------------------------

class Arena:
    """All servers of a run, the responder behind them and the tester; `close` ends exactly these."""

    def __init__(self, asked, folder):
        cpus = sorted(os.sched_getaffinity(0))
        if len(cpus) < 2:
            sys.exit("peers: needs two CPUs, one for the servers and one for the tester")
        self.asked, self.folder, self.cpus, self.programs = asked, folder, cpus[:2], programs_of(asked.build)
        self.started, self.servers, self.slices, self.memory, self.tester = [], {}, [], {}, None
        self.loads = loads.loads(asked.names, folder)

    def start(self, name, configure, cpu, upstream):
        server = servers.Server(name, configure, cpu, self.folder, upstream, self.programs)
        self.started.append(server)
        return server

    def open(self, wanted):
        """Starts the responder and those of the servers that can be measured."""
        responder = self.start("responder", servers.responder, self.cpus[1], 0)
        responder.wait_ready()
        self.tester = loads.Tester(self.programs["dnsbench"], self.cpus, self.folder, responder)
        for name, configure in wanted.items():
            if not servers.is_there(name) and configure is servers.CONFIGURE.get(name):
                say(f"{name} is not installed")
                continue
            server = self.start(name, configure, self.cpus[0], responder.port)
            try:
                server.wait_ready()
                self.servers[name] = server
            except servers.Failed as error:
                say(error)
        if "local53" not in self.servers:
            raise servers.Failed("there is nothing to compare")

    def close(self):
        if self.tester is not None:
            self.tester.stop()
        for server in reversed(self.started):
            server.stop()

    def warm(self, first, count):
        """Each server is asked for the names of this range until all are answered."""
        for name, server in self.servers.items():
            if name == "echo":
                continue
            begun, idle = time.monotonic(), server.rss()
            got = dns.Warmer(server.port, WARM_LIMIT_S).run(servers.HIT_NAME.format(i) for i in range(first, count))
            self.memory.setdefault(name, {"idle": idle}).update(full=server.rss(), names=first + got)
            say(f"{name}: {first + got:,} of {count:,} names are cached, {time.monotonic() - begun:.0f} s")

    def wait_quiet(self):
        """Until others use little of the two CPUs, as long as patience says."""
        deadline = time.monotonic() + self.asked.patience
        while time.monotonic() < deadline:
            before = loads.cpu_times(self.cpus)[0]
            time.sleep(SAMPLE_S)
            if loads.cpu_times(self.cpus)[0] - before < SAMPLE_S * CALM_SHARE:
                return

    def slice(self, server, load, number, deadline):
        """Again while it is disturbed, a few times and while there is time."""
        for _ in range(1 + self.asked.retries):
            self.wait_quiet()
            found = self.tester.run(server, load, self.asked.slice, 1000 + len(self.slices))
            if found is not None:
                self.slices.append({"server": server.name, "round": number, **found})
            if (found is not None and not found["disturbed"]) or time.monotonic() > deadline:
                return

    def settle(self, server, load):
        """Asks until no more of it gets into the cache."""
        last = 1.0
        for _ in range(SETTLE_MAX):
            found = self.tester.run(server, load, max(0.6, self.asked.slice), 1)
            share = found["upstream"] if found is not None else None
            if share is None or share >= SETTLED_SHARE * last:
                return
            last = share

    def measure(self, load, seconds):
        """Rounds over all servers, another one first each time, until there are enough or the time is over."""
        there = [server for name, server in self.servers.items() if load.only is None or name in load.only]
        if not load.is_cached:
            for server in there:
                if server.name != "echo":
                    self.settle(server, load)
        begun, number = time.monotonic(), 0
        while number < self.asked.rounds and (number == 0 or time.monotonic() < begun + seconds):
            turn = number % len(there)
            for server in there[turn:] + there[:turn]:
                self.slice(server, load, number, begun + seconds * (number + 1) / self.asked.rounds)
            number += 1
        say(f"{load.key}: {number} rounds in {time.monotonic() - begun:.0f} s")


def last_of_round(slices):
    """Of the slices of a server in a round the last: it was calm, or none was."""
    return list({(one["load"], one["server"], one["round"]): one for one in slices}.values())


# ---- What is told ------------------------------------------------------------------------------------

def machine():
    model = platform.machine()
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return f"{model}, {os.cpu_count()} CPUs, Linux {os.uname().release}"


def commit(arena):
    done = subprocess.run([arena.programs["local53"], "--version"], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def publish(arena, wanted):
    """Writes the three files and prints the tables."""
    kept = last_of_round(arena.slices)
    figures, names = tell.Figures(kept), list(arena.servers)
    versions = {name: servers.version(name, arena.programs) for name in names}
    told = ", ".join(f"{name} {number}" for name, number in versions.items() if number and name != "local53")
    command = "bench/peers/run.sh " + shlex.join(sys.argv[1:])
    calm = sum(not one["disturbed"] for one in kept)
    foot = [f"{commit(arena)}; {told}", f"{machine()}; {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC",
            f"{command.strip()}; {calm} of {len(kept)} slices undisturbed"]
    body = tell.report(figures, wanted, names, arena.memory)
    text = "\n".join(f"- {line}" for line in foot) + "\n\nMedians over rounds (smallest..largest); ~ marks rows whose slices " \
        "were mostly disturbed by other work.\n\n" + body
    files = {"peers.md": text, "peers.svg": plot.draw(figures, wanted, names, "local53 beside its peers, one core each", foot),
             "peers.json": json.dumps({"schema": 1, "command": command, "commit": commit(arena), "machine": machine(),
                                       "versions": versions, "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                                       "memory": arena.memory, "slices": arena.slices}, indent=1) + "\n"}
    os.makedirs(arena.asked.out, exist_ok=True)
    for name, content in files.items():
        with open(os.path.join(arena.asked.out, name), "w", encoding="utf-8") as file:
            file.write(content)
    print(text)
    say(f"written: {', '.join(os.path.join(arena.asked.out, name) for name in files)}")


def wanted_servers(asked):
    every = {name: how for name, how in servers.CONFIGURE.items() if name != "responder"}
    every.update({name: servers.from_template(command) for name, command in asked.peer})
    chosen = [name for name in asked.only.split(",") if name]
    if asked.duel:
        chosen = ["local53", asked.duel]
    for name in chosen:
        if name not in every:
            sys.exit(f"peers: no server '{name}'; there are {', '.join(every)}")
    return {name: how for name, how in every.items() if not chosen or name in chosen or name in ("echo", "local53")}


def compare(arena):
    chosen = [name for name in arena.asked.loads.split(",") if name]
    wanted = [load for load in arena.loads if not chosen or load.key in chosen]
    if not wanted:
        sys.exit(f"peers: there are the loads {', '.join(load.key for load in arena.loads)}")
    warm = SMALL
    arena.warm(0, warm)
    for load in wanted:
        if load.names > warm:
            arena.warm(warm, load.names)
            warm = load.names
        arena.measure(load, 60 * arena.asked.minutes / len(wanted))
    publish(arena, wanted)


def duel(arena):
    """dnsbench compare itself, with its own table and plot."""
    a, b = arena.servers[arena.asked.duel], arena.servers["local53"]
    arena.warm(0, SMALL)
    os.makedirs(arena.asked.out, exist_ok=True)
    plot_file = os.path.join(arena.asked.out, f"compare-{a.name}.svg")
    words = [arena.programs["dnsbench"], "compare", "--a", f"127.0.0.1:{a.port}", "--b", f"127.0.0.1:{b.port}", "--a-pid",
             a.pid, "--b-pid", b.pid, *loads.HIT, *loads.CHEAP, "--rate", "10k", "--slice", f"{arena.asked.slice * 1000:.0f}ms",
             "--pairs", max(2, arena.asked.rounds), "--cpus", arena.cpus[1], "--quiet", "--svg", plot_file, "--json",
             plot_file.replace(".svg", ".json")]
    say(f"A is {a.name} {servers.version(a.name, arena.programs)}, B is {commit(arena)}")
    arena.tester.child = subprocess.Popen([str(word) for word in words], start_new_session=True)
    arena.tester.child.wait()
    arena.tester.child = None
    say(f"written: {plot_file}")


def interrupted(*_):
    raise KeyboardInterrupt


def main():
    asked = options()
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup leaves it
            signal.signal(number, interrupted)
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="peers-", dir=shared) as folder:
        arena = Arena(asked, folder)
        try:
            arena.open(wanted_servers(asked))
            (duel if asked.duel else compare)(arena)
        except servers.Failed as error:
            sys.exit(f"peers: {error}")
        except KeyboardInterrupt:
            sys.exit("peers: interrupted; all it started is ended")
        finally:
            for number in ENDING:
                signal.signal(number, signal.SIG_IGN)
            arena.close()


if __name__ == "__main__":
    main()
