#!/usr/bin/env python3
"""Alert rules and dashboard: tested by promtool, and held to the metrics that a running daemon has."""
import json
import os
import re
import subprocess

from lib import kubernetes
from lib.cases import Suite, expect, expect_equal
from lib.daemon import Daemon, forward

suite = Suite("monitoring")
FOLDER = os.path.join(kubernetes.FOLDER, "monitoring")
SCRAPE = {"up"}  # metrics that Prometheus makes itself
METRIC = re.compile(r"\b(local53_[a-z0-9_]+|up)\b(?=[{ \[)]|$)")
LABEL = re.compile(r"([a-z_]+)\s*(?:=~|!~|!=|=)\s*\"|by \(([a-z_, ]+)\)")


def promtool(*words):
    done = subprocess.run([kubernetes.program("promtool", "prometheus"), *words], capture_output=True, text=True,
                          check=False, timeout=50, cwd=FOLDER)
    return done.returncode, done.stdout + done.stderr


def rules():
    return kubernetes.load("monitoring", "rules.yaml")["groups"]


def board():
    with open(os.path.join(FOLDER, "dashboard.json"), encoding="utf-8") as file:
        return json.load(file)


def expressions():
    """(where, expression) of all alerts and panels."""
    found = [(rule["alert"], rule["expr"]) for group in rules() for rule in group["rules"]]
    return found + [(panel["title"], target["expr"]) for panel in board()["panels"] for target in panel["targets"]]


@suite.once
def served(scene):
    """Metric -> its labels, of a daemon that has an endpoint and a server."""
    daemon = Daemon(scene, {"endpoints": [{"names": ["a.example"], "addresses": ["10.0.0.1"]}],
                            "forward": forward("127.0.0.1:9")}).wait_ready()
    daemon.client.ask("a.example")
    found = {}
    for line in daemon.http("/metrics")[1].splitlines():
        if match := re.match(r"# TYPE (\w+) (\w+)", line):
            suffixes = ("_bucket", "_sum", "_count") if match[2] == "histogram" else ("",)
            found.update({match[1] + suffix: set() for suffix in suffixes})
        elif match := re.match(r"(\w+)\{(.*)\} ", line):
            found[match[1]] |= set(re.findall(r'(\w+)="', match[2]))
    return found


@suite.case("the rules are rules, and each alert fires when it must and is silent when it must be")
def rules_tested(_scene):
    code, told = promtool("check", "rules", "rules.yaml")
    expect_equal(code, 0, told)
    code, told = promtool("test", "rules", "rules_test.yaml")
    expect_equal(code, 0, told)
    tests = kubernetes.load("monitoring", "rules_test.yaml")["tests"]
    seen = {(one["alertname"], bool(one["exp_alerts"])) for test in tests for one in test["alert_rule_test"]}
    for rule in rules()[0]["rules"]:
        for fires in (True, False):
            expect((rule["alert"], fires) in seen, f"{rule['alert']}: no test that fires is {fires}")


@suite.case("a changed threshold, range or duration makes the rules' tests fail")
def tests_can_fail(scene):
    with open(os.path.join(FOLDER, "rules.yaml"), encoding="utf-8") as file:
        text = file.read()
    with open(os.path.join(FOLDER, "rules_test.yaml"), encoding="utf-8") as file:
        scene.write("rules_test.yaml", file.read())
    for old, new in (("> 300", "> 900"), ("> 800", "> 600"), ("local53_ready == 0", "local53_ready == 1"),
                     ("for: 10m", "for: 40m"), ('up{job="local53"} == 0', 'up{job="local53"} >= 0')):
        expect(old in text, f"no {old!r} in rules.yaml")
        scene.write("rules.yaml", text.replace(old, new))
        code, _ = promtool("test", "rules", scene.path("rules_test.yaml"))
        expect(code != 0, f"{new!r} instead of {old!r} is not found")


@suite.case("the operator's rules are those of the plain file")
def same_rules(_scene):
    expect_equal(kubernetes.load("monitoring", "prometheus-rule.yaml")["spec"]["groups"], rules(), "groups")


@suite.case("every alert has a severity, a summary and what to do")
def described(_scene):
    for rule in rules()[0]["rules"]:
        expect(rule["labels"]["severity"] in ("critical", "warning", "info"), rule["alert"])
        expect(rule["annotations"]["summary"] and len(rule["annotations"]["description"]) > 30, rule["alert"])
        expect(rule["alert"].startswith("Local53") and "for" in rule, rule["alert"])


@suite.case("alerts and panels use metrics that local53 has, with labels that these have")
def metrics(_scene):
    known = served()
    for where, expression in expressions():
        names = set(METRIC.findall(expression))
        expect(names and names <= set(known) | SCRAPE, f"{where}: {names - set(known)} of {expression}")
        labels = {"job", "instance", "le"}.union(*(known.get(name, set()) for name in names))
        used = {one for single, some in LABEL.findall(expression) for one in (single, *some.split(", ")) if one}
        expect(used <= labels, f"{where}: no label {used - labels} in {expression}")


@suite.case("every panel's expression is one to Prometheus")
def panels_parse(scene):
    text = {"groups": [{"name": "panels", "rules": []}]}
    for number, (_, expression) in enumerate(expressions()):
        plain = expression.replace("$__rate_interval", "5m").replace("$instance", ".*")
        text["groups"][0]["rules"].append({"record": f"panel{number}", "expr": plain})
    code, told = promtool("check", "rules", scene.write("panels.yaml", json.dumps(text)))
    expect_equal(code, 0, told)


@suite.case("the dashboard's panels have ids of their own and do not overlap")
def layout(_scene):
    panels = board()["panels"]
    expect_equal(len({panel["id"] for panel in panels}), len(panels), "ids")
    taken = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        expect(not taken & cells and at["x"] + at["w"] <= 24, f"{panel['title']} lies over another")
        taken |= cells
        expect(panel["description"], f"{panel['title']} has no description")


@suite.case("the dashboard is in the ConfigMap that Grafana's sidecar looks for")
def sidecar(_scene):
    found = [one for one in kubernetes.build("monitoring") if one["kind"] == "ConfigMap"]
    expect_equal(found[0]["metadata"]["labels"]["grafana_dashboard"], "1", "label")
    expect_equal(json.loads(found[0]["data"]["dashboard.json"]), board(), "its text")


if __name__ == "__main__":
    suite.main()
