#!/usr/bin/env bash
# System calls of a wake-up of the loop: at most 3 for a short batch, and 2 more for each full batch of 32.
# Counted by strace; the driver's own two a round (sendmmsg and recvmmsg of the client) are taken off, and its
# start by comparing two lengths of run. Once a second the kernel is asked for its drops: a call a socket.
set -euo pipefail
# shellcheck source=tests/gate/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

driver=${LOCAL53_BUILD:?is set by ctest}/drive_hit
rounds=400
need_programs strace
if ! strace -o "$scratch/try" true 2>"$scratch/why"; then
    echo "FAIL: no process may be traced here (ptrace(2)): $(head -n 1 "$scratch/why")"
    exit 1
fi

calls() { # rounds packets
    strace -f -c -U calls,name -o "$scratch/counts" "$driver" cache "$1" "$2" >/dev/null
    awk '$2 == "total" { print $1 }' "$scratch/counts"
}

status=0
check() { # packets limit
    local short long each
    short=$(calls "$rounds" "$1")
    long=$(calls $((2 * rounds)) "$1")
    each=$(awk -v calls=$((long - short)) -v rounds="$rounds" 'BEGIN { printf "%.2f", calls / rounds - 2 }')
    echo "$1 packets: $each system calls a wake-up (at most $2)"
    # a tenth of a call a round is room for the counting of drops, once a second
    awk -v each="$each" -v limit="$2" 'BEGIN { exit !(each > 0 && each <= limit + 0.1) }' || status=1
}

check 1 3
check 31 3
check 250 17
exit "$status"
