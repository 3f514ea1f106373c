#!/usr/bin/env bash
# Builds local53 with sanitizers and runs every test; needs Debian 12 or 13, and root or sudo for missing packages.
# Usage: tests/run.sh [--quick] [suite...]
#   suites: sanitize thread gates clang tidy lint e2e (all, in this order); --quick: sanitize lint
# Builds go to build-sanitize/, build-thread/, build-gates/, build-clang/ of the tree, or below LOCAL53_BUILD_ROOT;
# never to build/, which belongs to the quickstart and to you, with whatever generator and options.
# Last line: "N passed, N failed, N skipped". Exit 1 when anything failed, 2 for a usage error.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
builds=${LOCAL53_BUILD_ROOT:-$root}
jobs=${LOCAL53_JOBS:-$(nproc)}
all_suites=(sanitize thread gates clang tidy lint e2e)
plain_options=(-DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=RelWithDebInfo)
e2e_timeout_s=900

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cases=$scratch/cases # verdict<TAB>suite<TAB>name: why
times=$scratch/times # suite<TAB>seconds
touch "$cases" "$times"

usage() {
    echo "usage: tests/run.sh [--quick] [${all_suites[*]}]..." >&2
    exit 2
}

say() {
    printf '\n== %s\n' "$*"
}

# Takes the PASS, FAIL and SKIPPED lines of a file into the list of cases; prints how many there were.
record() { # suite file
    sed -nE "s/^(PASS|FAIL|SKIPPED) (.*)$/\1\t$1\t\2/p" "$2" | tee -a "$cases" | wc -l
}

record_one() { # verdict suite text
    printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$cases"
    echo "$1 $3"
}

# ---- Address space layout --------------------------------------------------------------------------
# The sanitizers of gcc 12 and clang 14 cannot place their shadow when the kernel randomizes more than 28 bits
# of the address space (vm.mmap_rnd_bits); then the tests run with a fixed layout.
fixed_layout=()
choose_layout() {
    local bits=32
    if [ -r /proc/sys/vm/mmap_rnd_bits ]; then
        bits=$(cat /proc/sys/vm/mmap_rnd_bits)
    fi
    if [ "$bits" -le 28 ]; then
        return
    fi
    if setarch "$(uname -m)" -R true 2>/dev/null; then
        fixed_layout=(setarch "$(uname -m)" -R)
    else
        echo "run: cannot fix the address layout (setarch -R is refused); sanitized tests may fail to start"
    fi
}

# ---- Building and ctest ----------------------------------------------------------------------------

# Configures and builds; on failure records it and prints the first errors. Log: <folder>/build.log.
build() { # suite folder cmake-options...
    build_target all "$@"
}

build_target() { # target suite folder cmake-options...
    local target=$1 suite=$2 folder=$builds/$3
    shift 3
    mkdir -p "$folder"
    if cmake -S "$root" -B "$folder" -G Ninja -DLOCAL53_TESTS=ON -DLOCAL53_WERROR=ON "$@" >"$folder/build.log" 2>&1 &&
        cmake --build "$folder" --target "$target" -j "$jobs" -- -k 0 >>"$folder/build.log" 2>&1; then
        echo "built $folder"
        return 0
    fi
    grep -E '^FAILED|: error:|CMake Error|undefined reference' "$folder/build.log" | head -n 20 || true
    record_one FAIL "$suite" "build.$suite: see $folder/build.log"
    return 1
}

# Runs ctest in a build folder and records its cases; a selection that finds no test is a failure.
run_ctest() { # suite folder ctest-options...
    local suite=$1 folder=$builds/$2 found
    shift 2
    # ctest's exit code says no more than the cases do.
    "${fixed_layout[@]}" ctest --test-dir "$folder" --output-on-failure --no-tests=error -j "$jobs" \
        --test-output-size-passed 200000 --test-output-size-failed 400000 \
        --output-junit "$scratch/$suite.xml" "$@" >"$scratch/$suite.log" 2>&1 || true
    if [ -s "$scratch/$suite.xml" ]; then
        python3 tests/ctest_cases.py "$scratch/$suite.xml" >"$scratch/$suite.cases"
    else
        : >"$scratch/$suite.cases"
    fi
    grep '^FAIL' "$scratch/$suite.cases" && tail -n 200 "$scratch/$suite.log"
    found=$(record "$suite" "$scratch/$suite.cases")
    if [ "$found" -eq 0 ]; then
        record_one FAIL "$suite" "ctest.$suite: found no test"
    else
        echo "$found cases"
    fi
}

suite_sanitize() {
    build sanitize build-sanitize -DCMAKE_C_COMPILER=gcc -DLOCAL53_SANITIZE=address,undefined || return 0
    run_ctest sanitize build-sanitize
}

suite_thread() {
    build thread build-thread -DCMAKE_C_COMPILER=gcc -DLOCAL53_SANITIZE=thread || return 0
    run_ctest thread build-thread -L thread
}

suite_gates() {
    build_target measured gates build-gates "${plain_options[@]}" || return 0
    run_ctest gates build-gates -R '^gate\.'
}

suite_clang() {
    build clang build-clang -DCMAKE_C_COMPILER=clang || return 0
    record_one PASS clang build.clang
}

# ---- Checks of the text ----------------------------------------------------------------------------

suite_tidy() {
    local folder=$builds/build-clang files=()
    if ! command -v clang-tidy >/dev/null; then
        record_one FAIL tidy "clang-tidy: is missing; install it by deploy/install-deps.sh --tests"
        return
    fi
    if [[ $(clang-tidy --version) != *'version 14.'* ]]; then
        record_one SKIPPED tidy "clang-tidy: needs version 14; other versions bring other checks"
        return
    fi
    build tidy build-clang -DCMAKE_C_COMPILER=clang || return 0
    mapfile -t files < <(find src bench/dnsbench -name '*.c' | sort)
    if [ "${#files[@]}" -eq 0 ]; then
        record_one FAIL tidy "clang-tidy: found no source file"
    elif printf '%s\0' "${files[@]}" | xargs -0 -P "$jobs" -n 4 clang-tidy -p "$folder" --quiet \
        >"$scratch/tidy.log" 2>"$scratch/tidy.err"; then
        record_one PASS tidy clang-tidy
    else
        grep -E '(warning|error):' "$scratch/tidy.log" | sort -u | head -n 60 || cat "$scratch/tidy.err"
        record_one FAIL tidy "clang-tidy: $(grep -cE '(warning|error):' "$scratch/tidy.log" || true) findings"
    fi
}

# Runs one program; its output goes to a log, its exit code and seconds beside it.
run_logged() { # name command...
    local name=$1 status=0 begun=$SECONDS
    shift
    "$@" >"$scratch/$name.log" 2>&1 || status=$?
    echo "$status $((SECONDS - begun))" >"$scratch/$name.end"
}

# Tells the log of a program whose output lines are cases; none, or a silent bad end, is a failure.
take_log() { # suite name
    local status seconds log=$scratch/$2.log
    read -r status seconds <"$scratch/$2.end"
    echo "-- $2: $seconds s"
    cat "$log"
    if [ "$(record "$1" "$log")" -eq 0 ]; then
        record_one FAIL "$1" "$2: printed no case (exit $status)"
    elif [ "$status" -ne 0 ] && ! grep -q '^FAIL ' "$log"; then
        record_one FAIL "$1" "$2: ended with exit $status"
    fi
}

run_cases() { # suite name command...
    run_logged "${@:2}"
    take_log "$1" "$2"
}

suite_lint() {
    run_cases lint lint tests/lint/lint.sh
    run_cases lint lint-selftest tests/lint/selftest.sh
}

# ---- Whole program ---------------------------------------------------------------------------------

run_script() { # script
    local program=bash
    [[ $1 != *.py ]] || program=python3
    run_logged "$(basename "$1")" timeout -k 10 "$e2e_timeout_s" "${fixed_layout[@]}" "$program" "$1"
}

# Each script has network and processes of its own; those that measure, or build, run alone after the others. They run
# the sanitized programs (LOCAL53, DNSBENCH); where memory or time is measured, the plain ones (LOCAL53_PLAIN,
# DNSBENCH_PLAIN).
suite_e2e() {
    local folder=$builds/build-sanitize script shared=() alone=()
    build e2e build-sanitize -DCMAKE_C_COMPILER=gcc -DLOCAL53_SANITIZE=address,undefined || return 0
    build_target measured e2e build-gates "${plain_options[@]}" || return 0
    export LOCAL53=$folder/local53 LOCAL53_BUILD=$folder LOCAL53_PLAIN=$builds/build-gates/local53
    export DNSBENCH=$folder/dnsbench DNSBENCH_PLAIN=$builds/build-gates/dnsbench
    export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1
    mapfile -t alone < <(grep -lE 'lib\.quiet|quickstart\.sh' tests/e2e/test_*.py)
    mapfile -t shared < <(comm -23 <(printf '%s\n' tests/e2e/test_*.py) <(printf '%s\n' "${alone[@]}"))
    if [ "${#shared[@]}" -eq 0 ]; then
        record_one FAIL e2e "e2e: found no test"
        return
    fi
    for script in "${shared[@]}"; do
        while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
            wait -n || true
        done
        run_script "$script" &
    done
    wait
    for script in "${alone[@]}"; do
        run_script "$script"
    done
    for script in "${shared[@]}" "${alone[@]}"; do
        take_log e2e "$(basename "$script")"
    done
}

# ---- Telling ---------------------------------------------------------------------------------------

count() { # verdict [suite]
    awk -F '\t' -v verdict="$1" -v suite="${2:-}" \
        '$1 == verdict && (suite == "" || $2 == suite) { n++ } END { print n + 0 }' "$cases"
}

list() { # verdict
    awk -F '\t' -v verdict="$1" '$1 == verdict { print verdict " " $3 " [" $2 "]" }' "$cases"
}

summary() {
    local suite seconds
    say "summary"
    list FAIL
    list SKIPPED
    printf '%-10s %8s %8s %8s %8s\n' suite passed failed skipped seconds
    while IFS=$'\t' read -r suite seconds; do
        printf '%-10s %8d %8d %8d %8d\n' "$suite" "$(count PASS "$suite")" "$(count FAIL "$suite")" \
            "$(count SKIPPED "$suite")" "$seconds"
    done <"$times"
    echo "$(count PASS) passed, $(count FAIL) failed, $(count SKIPPED) skipped"
}

suites=()
for argument in "$@"; do
    case "$argument" in
    --quick) suites+=(sanitize lint) ;;
    -*) usage ;;
    *)
        [[ " ${all_suites[*]} " == *" $argument "* ]] || usage
        suites+=("$argument")
        ;;
    esac
done
[ "${#suites[@]}" -gt 0 ] || suites=("${all_suites[@]}")

deploy/install-deps.sh --tests
choose_layout
for suite in "${suites[@]}"; do
    say "$suite"
    started=$SECONDS
    "suite_$suite"
    printf '%s\t%s\n' "$suite" $((SECONDS - started)) >>"$times"
done
summary
[ "$(count FAIL)" -eq 0 ]
