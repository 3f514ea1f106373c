#!/usr/bin/env bash
# Locks and atomic read-modify-writes of a query: instructions with a lock prefix, and exchanges with memory, that
# are executed while the loop runs, in our code and in libraries, whatever function they stand in. Callgrind counts
# each instruction, objdump says which are of that kind. Limit: 10 a batch of 32, none a query; 9 are reached: a loop goes
# inside the cache once a batch, and around each of its four system calls the C library does two, on memory of the
# thread's own (cancellation points). Calls of locking functions: none at all.
set -euo pipefail
# shellcheck source=tests/gate/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

driver=${LOCAL53_BUILD:?is set by ctest}/drive_hit
need_programs valgrind objdump

# Addresses in an object of all instructions that lock the memory they change.
locking() { # object
    objdump -d --no-show-raw-insn "$1" | awk '$2 == "lock" || ($2 ~ /^xchg/ && /\(/) { sub(":", "", $1); print "0x" $1 }'
}

# "count address object" of what was executed; the line behind calls= is the callee's.
executed() { # callgrind's file
    awk '/^ob=/ { object = substr($0, 4) } /^calls=/ { getline; next } /^0x/ { print $3, $1, object }' "$1"
}

status=0
check() { # mode
    valgrind --tool=callgrind --dump-instr=yes --compress-pos=no --compress-strings=no --toggle-collect=uv_run \
        --callgrind-out-file="$scratch/out" "$driver" "$1" 104 32 >"$scratch/said" 2>"$scratch/log"
    queries=$(awk '$1 == "queries" { print $2 }' "$scratch/said")
    executed "$scratch/out" >"$scratch/executed"
    local atomics=0 object count calls
    while read -r object; do
        locking "$object" >"$scratch/locking"
        count=$(awk -v object="$object" 'NR == FNR { locks[$1] = 1; next } $3 == object && $2 in locks { sum += $1 } END { print sum + 0 }' \
            "$scratch/locking" "$scratch/executed")
        atomics=$((atomics + count))
    done < <(awk '{ print $3 }' "$scratch/executed" | sort -u | grep '^/')
    calls=$(grep -cE '^c?fn=_*pthread_(mutex|rwlock|spin)_[a-z]*lock' "$scratch/out" || true)
    echo "$1: $atomics atomic read-modify-writes in $queries queries in batches of 32 (at most $((queries * 10 / 32)))," \
        "$calls locking functions called (at most 0)"
    # none at all would say that nothing is counted: going inside the cache is one
    [ "$queries" -gt 1000 ] && [ "$atomics" -gt 0 ] && [ "$atomics" -le $((queries * 10 / 32)) ] &&
        [ "$calls" -eq 0 ] || status=1
}

check cache
check endpoint
exit "$status"
