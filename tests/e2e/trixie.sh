#!/usr/bin/env bash
# Shows that local53 builds and passes its unit and scenario tests on Debian 13 (trixie), in a chroot of its own.
# Usage: tests/e2e/trixie.sh [MIRROR]   needs root, debootstrap and a Debian mirror; takes up to 15 minutes
# Not part of tests/run.sh. Everything happens in a mount and process namespace and a temporary folder: both go at
# the end, however it ends. Last line: "PASS trixie ..." or "FAIL trixie ...".
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
mirror=${1:-http://deb.debian.org/debian}
limit_s=900

if [ "$(id -u)" -ne 0 ] || ! command -v debootstrap >/dev/null; then
    echo "trixie: needs root and debootstrap" >&2
    exit 3
fi

if [ "${LOCAL53_TRIXIE_FOLDER:-}" = "" ]; then
    folder=$(mktemp -d /var/tmp/local53-trixie-XXXXXX)
    trap 'rm -rf --one-file-system "$folder"' EXIT
    if LOCAL53_TRIXIE_FOLDER=$folder timeout -k 10 "$limit_s" unshare --mount --pid --fork --kill-child "$0" "$mirror"; then
        echo "PASS trixie builds and passes the unit and scenario tests"
    else
        echo "FAIL trixie: see above"
        exit 1
    fi
    exit 0
fi

folder=$LOCAL53_TRIXIE_FOLDER
echo "== debootstrap trixie from $mirror"
debootstrap --variant=minbase trixie "$folder" "$mirror" >"$folder.log" 2>&1 || {
    tail -n 20 "$folder.log"
    rm -f "$folder.log"
    exit 1
}
rm -f "$folder.log"
mount --make-rprivate /
mount -t proc proc "$folder/proc"
cp /etc/resolv.conf "$folder/etc/resolv.conf"
printf '#!/bin/sh\nexit 101\n' >"$folder/usr/sbin/policy-rc.d"
chmod 755 "$folder/usr/sbin/policy-rc.d"

echo "== copying the tree"
mkdir "$folder/local53"
tar -C "$root" --exclude=./.git --exclude='./build*' --exclude=__pycache__ -cf - . | tar -C "$folder/local53" -xf -

echo "== installing, building, testing"
chroot "$folder" /bin/bash -euo pipefail <<'INSIDE'
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
cd /local53
deploy/install-deps.sh --build >/tmp/install.log 2>&1 || { tail -n 20 /tmp/install.log; exit 1; }
apt-get install -q -y --no-install-recommends python3 iproute2 libcmocka-dev >>/tmp/install.log 2>&1 ||
    { tail -n 20 /tmp/install.log; exit 1; }
gcc --version | head -n 1
pkg-config --modversion libuv libcares ldns yaml-0.1 | paste -sd ' '
cmake -S . -B /tmp/build -DLOCAL53_TESTS=ON >/tmp/cmake.log 2>&1 || { tail -n 20 /tmp/cmake.log; exit 1; }
cmake --build /tmp/build -j "$(nproc)" >/tmp/build.log 2>&1 || { grep -E 'error|Error' /tmp/build.log | head -n 30; exit 1; }
echo "$(grep -c 'warning: ' /tmp/build.log || true) warnings of this compiler"
grep 'warning: ' /tmp/build.log | sort -u | head -n 20 || true
/tmp/build/local53 --version
/tmp/build/local53 check -q -c conf/demo.yaml
ctest --test-dir /tmp/build -E '^gate\.' -j "$(nproc)" --no-tests=error --output-on-failure >/tmp/test.log 2>&1 ||
    { grep -E '^\[  (ERROR|FAILED)|^\[   LINE|check failed|\((Failed|Timeout|Subprocess aborted|SEGFAULT)\)' /tmp/test.log | head -n 60; exit 1; }
tail -n 4 /tmp/test.log
INSIDE
