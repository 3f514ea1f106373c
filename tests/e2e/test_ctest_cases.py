#!/usr/bin/env python3
"""How ctest's report becomes cases: nothing that did not run counts as passed, and a skip without a reason is a failure."""
import os
import subprocess
import sys
from xml.sax.saxutils import escape, quoteattr

from lib.cases import Suite, expect_equal
from lib.daemon import ROOT

suite = Suite("ctest cases")


def lines_for(scene, status, output, inner=""):
    report = scene.write("report.xml", f'<testsuite><testcase name="unit.a" status={quoteattr(status)}>{inner}'
                         f"<system-out>{escape(output)}</system-out></testcase></testsuite>")
    return subprocess.run([sys.executable, os.path.join(ROOT, "tests/ctest_cases.py"), report], capture_output=True, text=True,
                          check=True, timeout=20).stdout.splitlines()


@suite.case("a test that ran is passed")
def passed(scene):
    expect_equal(lines_for(scene, "run", "[       OK ] x\n"), ["PASS unit.a"], "lines")


@suite.case("a case that skipped itself is told with its reason, and as failed without one")
def skipped_case(scene):
    cmocka = "[ RUN      ] x\n[  SKIPPED ] x\n[  SKIPPED ] 1 test(s), listed below:\n[  SKIPPED ] x\n"
    expect_equal(lines_for(scene, "run", "SKIPPED x: no namespaces\n" + cmocka),
                 ["PASS unit.a", "SKIPPED unit.a: x: no namespaces"], "with a reason")
    expect_equal(lines_for(scene, "run", cmocka), ["PASS unit.a", "FAIL unit.a: x: skipped without a reason"], "without")


@suite.case("a test that could not be run has failed, with its own word for it where there is one")
def failed(scene):
    expect_equal(lines_for(scene, "notrun", "", '<skipped message="Unable to find executable"/>'), ["FAIL unit.a: not run"],
                 "no program")
    inner = '<failure message="Failed"/>'
    expect_equal(lines_for(scene, "fail", "[  FAILED  ] x\n", inner), ["FAIL unit.a: [  FAILED  ] x"], "a failed case")
    expect_equal(lines_for(scene, "fail", "", inner), ["FAIL unit.a: Failed"], "nothing said")


if __name__ == "__main__":
    suite.main()
