"""What is told: medians with their spread, ratios taken round by round, as Markdown tables."""
import statistics

import load as loads
import servers

BUSY_SHARE = 0.9  # below this the server was not the limit
NOTES = {"kresd": ", without what of its cache file is not mapped"}


class Figures:
    """All slices of a run, by load and server; rounds are paired with the echo's and among servers."""

    def __init__(self, slices):
        self.slices = {}
        for one in slices:
            self.slices.setdefault((one["load"], one["server"]), {})[one["round"]] = one

    def rounds(self, load, server):
        """{round: slice}: the calm ones where half of all are, else all."""
        every = self.slices.get((load, server), {})
        calm = {number: one for number, one in every.items() if not one["disturbed"]}
        return calm if 2 * len(calm) >= len(every) else every

    def is_disturbed(self, load, server):
        return any(one["disturbed"] for one in self.rounds(load, server).values())

    def values(self, load, server, key):
        return [one[key] for one in self.rounds(load, server).values() if one[key] is not None]

    def latencies(self, load, server, key):
        """Of slices of which something is known of the server."""
        return [one[key] for one in self.rounds(load, server).values() if one["valid"]]

    def median(self, load, server, key):
        found = self.values(load, server, key)
        return statistics.median(found) if found else None

    def ratios(self, load, server, other, key):
        """Of the rounds both have; of all pairs of medians where they share none."""
        mine, theirs = self.rounds(load, server), self.rounds(load, other)
        shared = [number for number in mine if number in theirs and theirs[number][key]]
        if shared:
            return [mine[number][key] / theirs[number][key] for number in shared]
        a, b = self.median(load, server, key), self.median(load, other, key)
        return [a / b] if a and b else []

    def can(self, load, server):
        """False where it lost too much of what it was asked."""
        loss = self.median(load, server, "loss")
        return loss is not None and loss <= loads.LOSS_LIMIT


def spread(values, form):
    """"1.04 (1.02..1.07)"."""
    if not values:
        return "-"
    middle, low, high = (form.format(x) for x in (statistics.median(values), min(values), max(values)))
    return middle if len(values) == 1 else f"{middle} ({low}..{high})"


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def name_of(figures, load, server):
    return server + (" ~" if figures.is_disturbed(load, server) else "")


def most_of(figures, load, names):
    """As much as is answered."""
    rows = []
    for name in names:
        rate = spread(figures.values(load.key, name, "rate"), "{:,.0f}")
        if not figures.can(load.key, name):
            rate += f", lost {figures.median(load.key, name, 'loss'):.0%}"
        elif figures.median(load.key, name, "busy") < BUSY_SHARE:
            rate = "at least " + rate
        rows.append([name_of(figures, load.key, name), rate,
                     spread(figures.ratios(load.key, name, "echo", "rate"), "{:.2f}"),
                     spread(figures.values(load.key, name, "cpu_us"), "{:.2f}"),
                     spread(figures.ratios(load.key, name, "echo", "cpu_us"), "{:.2f}"),
                     spread(figures.values(load.key, name, "upstream"), "{:.2f}")])
    return table(["", "queries/s", "of the echo's", "CPU a query, us", "in b", "asked upstream"], rows)


def at_rate(figures, load, names):
    """At a fixed rate."""
    rows = []
    for name in names:
        if not figures.can(load.key, name):
            loss = spread(figures.values(load.key, name, "loss"), "{:.0%}")
            rows.append([name_of(figures, load.key, name), f"cannot: lost {loss}", "", "", ""])
            continue
        rows.append([name_of(figures, load.key, name), spread(figures.values(load.key, name, "cpu_us"), "{:.2f}"),
                     spread(figures.ratios(load.key, name, "echo", "cpu_us"), "{:.2f}"),
                     spread(figures.latencies(load.key, name, "p50_us"), "{:,.0f}"),
                     spread(figures.latencies(load.key, name, "p99_us"), "{:,.0f}")])
    return table(["", "CPU a query, us", "in b", "p50, us", "p99, us"], rows)


def beside(figures, wanted, names):
    """local53's CPU a query as a share of each other server's."""
    rows = []
    for name in names:
        if name in ("local53", "echo"):
            continue
        cells = [spread(figures.ratios(load.key, "local53", name, "cpu_us"), "{:.2f}") if figures.can(load.key, name) or
                 load.rate is None else "cannot" for load in wanted]
        rows.append([name, *cells])
    return table(["local53's CPU a query, of", *(load.key for load in wanted)], rows)


def throughput_beside(figures, wanted, names):
    rows = [[name, *(spread(figures.ratios(load.key, "local53", name, "rate"), "{:.2f}") for load in wanted)]
            for name in names if name not in ("local53", "echo")]
    return table(["local53's queries/s, of", *(load.key for load in wanted)], rows)


def memory(found):
    rows = []
    for name, one in found.items():
        entry = (one["full"] - one["idle"]) / max(1, one["names"])
        text = f"{entry:.0f}" + NOTES.get(name, "")
        if name == "dnsmasq":
            text = f"{one['idle'] / servers.TABLE_NAMES:.0f}, all of its table made at start"
        rows.append([name, f"{one['idle'] / 2**20:.1f}", f"{one['full'] / 2**20:.0f}", f"{one['names']:,}", text])
    return table(["", "RSS idle, MiB", "RSS full, MiB", "names cached", "octets an entry"], rows)


def report(figures, wanted, names, found):
    """The whole text; loads of which nothing was measured are left out."""
    parts = []
    for load in wanted:
        there = [name for name in names if figures.rounds(load.key, name)]
        if there:
            parts += [f"### {load.title}\n", (at_rate if load.rate else most_of)(figures, load, there)]
    common = [load for load in wanted if load.only is None and figures.rounds(load.key, "local53")]
    parts += ["### local53 beside each\n", beside(figures, common, names),
              throughput_beside(figures, [load for load in common if load.rate is None], names)]
    if found:
        parts += ["### Memory\n", memory(found)]
    return "\n".join(parts)
