#!/usr/bin/env bash
# The load tester beside Debian's dnsperf and resperf, in one run: throughput and CPU a query of one core, and what each
# says of servers whose truth is known. Prints medians, spreads and ratios.
# Usage: bench/dnsbench/ceiling.sh [--rounds N] [--dnsbench PROGRAM] [ceiling|flaws]...
# Needs two CPUs that nothing else uses for about four minutes; installs dnsperf where it is missing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if ! command -v dnsperf >/dev/null || ! command -v resperf >/dev/null; then
    "$here/../../deploy/install-deps.sh" --bench
fi
exec python3 "$here/ceiling.py" "$@"
