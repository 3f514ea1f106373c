#!/usr/bin/env bash
# A query of the load tester allocates nothing: 3,000 queries more make no allocation more, libraries included (counted by
# valgrind over two whole runs that differ in length alone). Lookups too. Prints the figures.
set -euo pipefail
# shellcheck source=tests/gate/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

dnsbench=${LOCAL53_BUILD:?is set by ctest}/dnsbench
server=0
trap '[ "$server" -eq 0 ] || kill -INT "$server"; rm -rf "$scratch"' EXIT

need_programs valgrind

"$dnsbench" serve --listen 127.0.0.1:0 2>"$scratch/ready" &
server=$!
for _ in $(seq 100); do
    address=$(awk '$1 == "listening" { print $3 }' "$scratch/ready")
    [ -z "$address" ] || break
    sleep 0.05
done

# Prints queries sent and allocations made by a run of that length.
count() { # milliseconds options...
    local length=$1 status=0
    shift
    # The tester is slow under valgrind, so it may call itself the limit (exit 3).
    valgrind "$dnsbench" run --server "$address" --warmup 0 --timeout 1s --duration "${length}ms" "$@" \
        >"$scratch/table" 2>"$scratch/log" || status=$?
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ] || cat "$scratch/log" >&2
    awk '$1 == "queries" { gsub(",", "", $2); printf "%s ", $2 }' "$scratch/table"
    sed -nE 's/.*total heap usage: ([0-9,]+) allocs.*/\1/p' "$scratch/log" | tr -d ,
}

status=0
compare() { # name options...
    local name=$1 queries less more few many
    shift
    read -r few less < <(count 500 "$@")
    read -r many more < <(count 2500 "$@")
    queries=$((many - few))
    echo "$name: $((more - less)) allocations more for $queries queries more (at most 0)"
    [ "$queries" -gt 1000 ] && [ $((more - less)) -le 0 ] || status=1
}

compare queries --profile hit --rate 1500
compare lookups --profile k8s-aws --rate 200
exit "$status"
