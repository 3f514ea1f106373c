#!/usr/bin/env bash
# local53 beside Debian's unbound, dnsdist, dnsmasq, Knot Resolver and PowerDNS Recursor, and beside a bare UDP echo: the
# same load in interleaved slices. Prints Markdown tables and writes JSON and a plot.
# Usage: bench/peers/run.sh [--quick] [--peer NAME='COMMAND {port} {upstream} {folder}']... ; --help tells all.
# Needs two CPUs that nothing else uses for about a quarter of an hour; installs what is missing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for argument in "$@"; do
    case "$argument" in
    --no-install | -h | --help) exec python3 -B "$here/peers.py" "$@" ;;
    esac
done
"$here/../../deploy/install-deps.sh" --bench >&2
exec python3 -B "$here/peers.py" "$@"
