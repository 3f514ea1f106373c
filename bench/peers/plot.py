"""The plot: for each load, bars of CPU a query in b and of queries/s as a share of the echo's. SVG without scripts."""
import statistics
from xml.sax.saxutils import escape

# As in the load tester's plots: the palette of M. Okabe and K. Ito.
STYLE = """<style>
text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#24292f}
.t{font-size:20px;font-weight:600}.h{font-size:13px;font-weight:600}.n{font-size:12.5px}.k{font-size:12px}
.n,.k{fill:#57606a}.e{text-anchor:end}.z{fill:#ffffff}
path{fill:none;stroke:#24292f;stroke-width:1.2}.g{stroke:#d8dee4;stroke-width:1}
.A{fill:#0072b2}.D{fill:#009e73}.F{fill:#8c959f}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.n,.k{fill:#9da7b3}.z{fill:#0d1117}path{stroke:#e6edf3}
.g{stroke:#2b323b}.A{fill:#56b4e9}.D{fill:#35c99b}.F{fill:#6e7781}}
</style>
"""
WIDTH, NAMES, BARS, FIGURE, GAP = 960, 92, 270, 100, 30
ROW, BAR, HEAD = 19, 12, 46
CLASSES = {"echo": "D", "local53": "A"}


def text(x, y, classes, words):
    return f'<text class="{classes}" x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>\n'


def bar(x, y, name, values, scale, form):
    """A bar to the median, a whisker over the spread, the figure behind both."""
    middle, low, high = statistics.median(values), min(values), max(values)
    parts = [f'<rect class="{CLASSES.get(name, "F")}" x="{x:.1f}" y="{y - BAR + 2:.1f}" width="{middle * scale:.1f}" '
             f'height="{BAR}"/>\n']
    if len(values) > 1:
        parts.append(f'<path d="M{x + low * scale:.1f} {y - 4:.1f}H{x + high * scale:.1f}"/>\n')
    return "".join(parts) + text(x + max(middle, high) * scale + 6, y + 1, "k", form.format(middle))


def panel(x, top, title, rows, form="{:.2f}"):
    """rows: (name, values) without values where the server could not, or nothing is known."""
    longest = max((max(values) for _, values in rows if values), default=1)
    scale = BARS / longest
    parts = [text(x + NAMES, top + 14, "h", title)]
    if longest >= 1 and form == "{:.2f}":  # where the echo is
        at = x + NAMES + scale
        parts.append(f'<path class="g" d="M{at:.1f} {top + 22:.1f}V{top + 24 + ROW * len(rows):.1f}"/>\n')
    for i, (name, values) in enumerate(rows):
        y = top + 36 + ROW * i
        parts.append(text(x + NAMES - 8, y + 1, "k e", name))
        parts.append(bar(x + NAMES, y, name, values, scale, form) if values else text(x + NAMES, y + 1, "k", "-"))
    return "".join(parts)


def rows_of(figures, load, names, key):
    there = [name for name in names if figures.rounds(load.key, name)]
    return [(name, figures.ratios(load.key, name, "echo", key) if figures.can(load.key, name) or load.rate is None else [])
            for name in there]


def second_panel(figures, load, names, x, y):
    """Throughput, or at a fixed rate the tail of the latency."""
    if load.rate is None:
        return panel(x, y, "queries/s, of the echo's", rows_of(figures, load, names, "rate"))
    rows = [(name, figures.latencies(load.key, name, "p99_us") if figures.can(load.key, name) else [])
            for name in names if figures.rounds(load.key, name)]
    return panel(x, y, "p99, us", rows, "{:,.0f}")


def draw(figures, wanted, names, title, foot):
    """The whole page as text."""
    parts, y, second = [], 84, NAMES + BARS + FIGURE + GAP
    for load in wanted:
        rows = rows_of(figures, load, names, "cpu_us")
        if not rows:
            continue
        parts.append(panel(24, y, f"{load.title}: CPU a query, in b", rows))
        parts.append(second_panel(figures, load, names, second, y))
        y += HEAD + ROW * len(rows)
    head = text(24, 34, "t", title) + text(24, 56, "n", "b: server CPU a packet of a bare batched UDP echo in the same round. "
                                                         "Bars are medians, lines the spread over rounds.")
    height = y + 16 * len(foot) + 16
    tail = "".join(text(24, y + 12 + 16 * i, "k", line) for i, line in enumerate(foot))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}" '
            f'role="img">\n{STYLE}<rect class="z" width="{WIDTH}" height="{height:.0f}"/>\n{head}{"".join(parts)}{tail}</svg>\n')
