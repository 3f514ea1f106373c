#!/usr/bin/env bash
# The conventions that a program can check. Prints file:line: what and how to mend, then PASS or FAIL a check.
# Usage: tests/lint/lint.sh [--root TREE] [check...]; exit 1 when a check failed, 3 when a tool is missing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
if [ "${1:-}" = --root ]; then
    root=$2
    shift 2
fi
for tool in python3 ctags shellcheck clang-format; do
    if ! command -v "$tool" >/dev/null; then
        echo "FAIL lint: $tool is missing; run deploy/install-deps.sh --tests" >&2
        exit 3
    fi
done
PYTHONDONTWRITEBYTECODE=1 exec python3 "$here/lint.py" "$root" "$@"
