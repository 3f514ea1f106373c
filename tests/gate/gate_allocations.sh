#!/usr/bin/env bash
# A cached answer and an endpoint's answer allocate nothing: no malloc, calloc or realloc from the datagram's
# arrival to the reply's departure, libraries included (the driver counts them). Prints the figures.
set -euo pipefail

driver=${LOCAL53_BUILD:?is set by ctest}/drive_hit
status=0
for mode in cache endpoint; do
    said=$("$driver" "$mode" 404 32)
    queries=$(awk '$1 == "queries" { print $2 }' <<<"$said")
    allocations=$(awk '$1 == "allocations" { print $2 }' <<<"$said")
    echo "$mode: $allocations allocations in $queries queries (at most 0)"
    [ "$queries" -gt 10000 ] && [ "$allocations" -eq 0 ] || status=1
done
exit "$status"
