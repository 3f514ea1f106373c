"""Turns a ctest JUnit file into PASS, FAIL and SKIPPED lines, one a test case; used by tests/run.sh.

A cmocka case that skips itself inside a passing test is a case of its own: SKIPPED, with the reason it printed as
"SKIPPED case: reason" (tests/support/skip.h). Who skips without a reason has FAILed: nobody could tell that it proves nothing.
"""
import re
import sys
import xml.etree.ElementTree as ElementTree

SKIPPED_CASE = re.compile(r"^\[  SKIPPED \] (?!\d+ test\(s\))(\S+)$", re.MULTILINE)
REASON = re.compile(r"^SKIPPED ([^:\n]+): (.+)$", re.MULTILINE)
CONTROL = re.compile("\x1b\\[[0-9;]*m|[\x00-\x08\x0b\x0c\x0e-\x1f]")


def reason_of(case, default):
    """The test's own word for why it did not pass, one line."""
    output = case.findtext("system-out") or ""
    for pattern in (r"^FAIL .*$", r"^.*(?:ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error).*$",
                    r"^.*\[  FAILED  \] \w+.*$", r"^.*check failed.*$"):
        match = re.search(pattern, output, re.MULTILINE)
        if match:
            return match.group(0).removeprefix(f"FAIL {case.get('name')}: ").strip()
    return default


def lines_of(case):
    name, output = case.get("name"), case.findtext("system-out") or ""
    reasons = dict(REASON.findall(output))
    if case.get("status") == "run":
        yield f"PASS {name}"
        for one in sorted(set(SKIPPED_CASE.findall(output))):
            yield f"SKIPPED {name}: {one}: {reasons[one]}" if one in reasons else f"FAIL {name}: {one}: skipped without a reason"
    else:
        failure = case.find("failure")
        why = failure.get("message") if failure is not None else "not run"
        yield f"FAIL {name}: {reason_of(case, why or 'failed')}"


def main(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        root = ElementTree.fromstring(CONTROL.sub("", file.read()).encode())
    for case in root.iter("testcase"):
        print(*lines_of(case), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1])
