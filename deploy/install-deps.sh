#!/usr/bin/env bash
# Installs what building (and, with --tests, testing) local53 needs on Debian 12 or 13, from Debian's packages.
# Only what is missing is installed: with all present it needs neither root nor network.
# Usage: deploy/install-deps.sh [--build|--demo|--tests|--bench] [--list]
set -euo pipefail

build=(gcc libc6-dev make cmake pkg-config libuv1-dev libc-ares-dev libldns-dev libyaml-dev
    libssl-dev libjansson-dev libmnl-dev libnftnl-dev)
demo=(bind9-dnsutils)
tests=(ninja-build libcmocka-dev clang libclang-rt-dev clang-format clang-tidy universal-ctags
    shellcheck python3 git valgrind strace musl-tools openssl iproute2 nftables procps util-linux knot-dnsutils
    unbound nsd python3-botocore python3-yaml libcap2-bin kubernetes-client prometheus systemd mandoc)
bench=(python3 util-linux procps dnsperf)
# Servers measured beside; one that this Debian does not have is left out.
peers=(unbound dnsdist dnsmasq-base knot-resolver pdns-recursor)
# Wanted for one program; where that comes from elsewhere the package would only be in its way.
declare -A wanted_for=([kubernetes-client]=kubectl [prometheus]=promtool [systemd]=systemd-analyze)

wanted=("${build[@]}")
list=no
for argument in "$@"; do
    case "$argument" in
    --build) ;;
    --demo) wanted+=("${demo[@]}") ;;
    --tests) wanted+=("${demo[@]}" "${tests[@]}") ;;
    --bench) wanted+=("${bench[@]}" "${peers[@]}") ;;
    --list) list=yes ;;
    *)
        echo "usage: deploy/install-deps.sh [--build|--demo|--tests|--bench] [--list]" >&2
        exit 2
        ;;
    esac
done
if [ "$list" = yes ]; then
    printf '%s\n' "${wanted[@]}"
    exit 0
fi

if ! command -v dpkg-query >/dev/null; then
    echo "install-deps: this is no Debian; the packages needed are: ${wanted[*]}" >&2
    exit 3
fi

is_installed() {
    if [ -n "${wanted_for[$1]:-}" ] && command -v "${wanted_for[$1]}" >/dev/null; then
        return 0
    fi
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=()
for package in "${wanted[@]}"; do
    is_installed "$package" || missing+=("$package")
done
if [ "${#missing[@]}" -eq 0 ]; then
    echo "install-deps: all ${#wanted[@]} packages are there"
    exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "install-deps: missing ${missing[*]}; run as root, or with sudo installed" >&2
        exit 3
    fi
    as_root=(sudo)
fi

# The name servers are wanted as programs for tests and benchmarks only: no service may start or stay enabled.
policy=/usr/sbin/policy-rc.d
made_policy=no
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
    made_policy=yes
fi
remove_policy() {
    [ "$made_policy" = no ] || "${as_root[@]}" rm -f "$policy"
}
trap remove_policy EXIT

"${as_root[@]}" apt-get update -q
for i in "${!missing[@]}"; do
    if [[ " ${peers[*]} " == *" ${missing[i]} "* ]] && ! apt-cache show "${missing[i]}" >/dev/null 2>&1; then
        echo "install-deps: this Debian has no ${missing[i]}"
        unset "missing[i]"
    fi
done
if [ "${#missing[@]}" -eq 0 ]; then
    exit 0
fi
echo "install-deps: installing ${missing[*]}"
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"

if command -v systemctl >/dev/null; then
    for service in unbound nsd dnsdist knot-resolver pdns-recursor prometheus; do
        if [[ " ${missing[*]} " == *" $service "* ]]; then
            "${as_root[@]}" systemctl disable "$service" >/dev/null 2>&1 || true
        fi
    done
fi
