#!/usr/bin/env bash
# Fuzzes with libFuzzer (clang): each target for the given seconds (default 60), beginning with its corpus.
# Usage: tests/fuzz/run.sh [--merge] [seconds] [target...]; a target is the <m> of tests/fuzz/fuzz_<m>.c.
# New inputs and crashes go to LOCAL53_FUZZ_OUT (default: a new folder in the temporary folder), outside the tree;
# --merge adds the inputs that reach new code to tests/fuzz/corpus/<m>. Exit 1 when a target failed.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
build=${LOCAL53_BUILD_ROOT:-$root}/build-fuzz
out=${LOCAL53_FUZZ_OUT:-$(mktemp -d -t local53-fuzz.XXXXXX)}
merge=no
seconds=60
targets=()
failures=0

for argument in "$@"; do
    case "$argument" in
    --merge) merge=yes ;;
    -*)
        echo "usage: tests/fuzz/run.sh [--merge] [seconds] [target...]" >&2
        exit 2
        ;;
    *[!0-9]*) targets+=("$argument") ;;
    *) seconds=$argument ;;
    esac
done
if [ "${#targets[@]}" -eq 0 ]; then
    for source in tests/fuzz/fuzz_*.c; do
        [ -e "$source" ] || continue
        target=${source#tests/fuzz/fuzz_}
        targets+=("${target%.c}")
    done
fi
if [ "${#targets[@]}" -eq 0 ]; then
    echo "fuzz: no target in tests/fuzz" >&2
    exit 1
fi

mkdir -p "$build" "$out"
cmake -S . -B "$build" -G Ninja -DCMAKE_C_COMPILER=clang -DLOCAL53_FUZZ=ON >"$build/build.log" 2>&1 ||
    { tail -n 20 "$build/build.log" && exit 1; }
cmake --build "$build" -j "${LOCAL53_JOBS:-$(nproc)}" -- "${targets[@]/#/fuzz_}" >>"$build/build.log" 2>&1 ||
    { tail -n 20 "$build/build.log" && exit 1; }

# As in tests/run.sh: clang 14's shadow memory does not fit every randomized layout.
fixed_layout=()
if setarch "$(uname -m)" -R true 2>/dev/null; then
    fixed_layout=(setarch "$(uname -m)" -R)
fi

fuzz_one() { # target
    local corpus=tests/fuzz/corpus/$1 log=$out/$1.log status=0 executions
    mkdir -p "$out/$1" "$out/crashes" "$corpus"
    "${fixed_layout[@]}" "$build/fuzz_$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$out/crashes/$1-" "$out/$1" "$corpus" >"$log" 2>&1 || status=$?
    executions=$(sed -nE 's/^stat::number_of_executed_units: *([0-9]+)$/\1/p' "$log" | tail -n 1)
    if [ "$status" -ne 0 ] || [ -z "$executions" ]; then
        grep -E 'ERROR|SUMMARY|runtime error|Test unit written' "$log" | head -n 5 || true
        echo "FAIL fuzz.$1: exit $status after ${executions:-0} executions, see $log"
        failures=$((failures + 1))
        return
    fi
    echo "PASS fuzz.$1: $executions executions in $seconds s, $(find "$out/$1" -type f | wc -l) new inputs"
    if [ "$merge" = yes ]; then
        "${fixed_layout[@]}" "$build/fuzz_$1" -merge=1 "$corpus" "$out/$1" >>"$log" 2>&1
    fi
}

for target in "${targets[@]}"; do
    fuzz_one "$target"
done
echo "fuzz: findings and logs in $out"
[ "$failures" -eq 0 ]
