"""Turns a ctest JUnit file into PASS, FAIL and SKIPPED lines, one a test case; used by tests/run.sh.

A cmocka case that skips itself inside a passing test is a case of its own: SKIPPED.
"""
import re
import sys
import xml.etree.ElementTree as ElementTree

SKIPPED_LINE = re.compile(r"^(?:\[  SKIPPED \]|SKIPPED) (?!\d+ test\(s\))(.+)$", re.MULTILINE)
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


def main(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        root = ElementTree.fromstring(CONTROL.sub("", file.read()).encode())
    for case in root.iter("testcase"):
        name, status = case.get("name"), case.get("status")
        skips = [s.removeprefix(f"{name}: ") for s in SKIPPED_LINE.findall(case.findtext("system-out") or "")]
        if status == "run":
            print(f"PASS {name}")
            for skip in sorted(set(skips)):
                print(f"SKIPPED {name}: {skip}")
        elif status == "notrun" and case.find("skipped") is not None and "SKIP_RETURN_CODE" in (
                case.find("skipped").get("message") or ""):
            print(f"SKIPPED {name}: {skips[0] if skips else 'no reason given'}")
        else:
            failure = case.find("failure")
            why = failure.get("message") if failure is not None else "not run"
            print(f"FAIL {name}: {reason_of(case, why or 'failed')}")


if __name__ == "__main__":
    main(sys.argv[1])
