#!/usr/bin/env bash
# Instructions of one lookup, in the rules' index and in the cache, do not grow with the names there are: from 100 to
# 100,000 they may differ by 10 %, which is what a longer run of full slots costs. Counted by callgrind, exact.
set -euo pipefail
# shellcheck source=tests/gate/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

driver=${LOCAL53_BUILD:?is set by ctest}/drive_flat
need_programs valgrind

each() { # what names
    local lookups instructions
    valgrind --tool=callgrind --callgrind-out-file="$scratch/out" --toggle-collect="look_in_$1" \
        "$driver" "$1" "$2" >"$scratch/said" 2>"$scratch/log"
    lookups=$(awk '$1 == "lookups" { print $2 }' "$scratch/said")
    instructions=$(collected "$scratch/log")
    echo $((instructions / lookups))
}

status=0
for what in rules cache; do
    few=$(each "$what" 100)
    many=$(each "$what" 100000)
    echo "$what: $few instructions a lookup among 100 names, $many among 100,000 (at most 10 % more)"
    [ "$few" -gt 50 ] && [ $((many * 10)) -le $((few * 11)) ] || status=1
done
exit "$status"
