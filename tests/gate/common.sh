# shellcheck shell=bash
# Sourced by the gates: a scratch folder that goes with them, the programs they count with, and what callgrind counted.

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Fails the gate unless all of these programs are there: one that could not count proves nothing.
need_programs() { # programs...
    local program
    for program in "$@"; do
        if ! command -v "$program" >/dev/null; then
            echo "FAIL: $program is missing; install it by deploy/install-deps.sh --tests"
            exit 1
        fi
    done
}

# Instructions that callgrind counted, from what it printed.
collected() { # log
    sed -nE 's/.*Collected : ([0-9]+).*/\1/p' "$1"
}
