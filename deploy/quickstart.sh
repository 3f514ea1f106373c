#!/usr/bin/env bash
# Builds local53, runs it with conf/demo.yaml on 127.0.0.1:5353, and shows what a few names get before
# (from this machine's resolver) and after (from local53). Stays in the foreground until Ctrl-C;
# with --once, or without a terminal, it stops after the table.
# Usage: deploy/quickstart.sh [--once]
set -euo pipefail
cd "$(dirname "$0")/.."

once=no
case "${1:-}" in
--once) once=yes ;;
"") [ -t 0 ] || once=yes ;;
*)
    echo "usage: deploy/quickstart.sh [--once]" >&2
    exit 2
    ;;
esac

echo "== installing what is missing (Debian packages)"
deploy/install-deps.sh --demo
echo "== building"
cmake -S . -B build >/dev/null
cmake --build build --target local53 -j "$(nproc)" | tail -1

log=$(mktemp)
build/local53 run -c conf/demo.yaml 2>"$log" &
server=$!
stop() {
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    rm -f "$log"
}
trap stop EXIT
trap 'exit 0' INT TERM

for _ in $(seq 50); do
    build/local53 ctl -c conf/demo.yaml ready >/dev/null 2>&1 && break
    if ! kill -0 "$server" 2>/dev/null; then
        cat "$log" >&2
        exit 3
    fi
    sleep 0.1
done

# Short answers of a name and type on one line; what went wrong where there are none.
ask() {
    local answer status
    answer=$(dig +time=2 +tries=1 "$@" 2>/dev/null) || {
        echo "(no resolver answers)"
        return
    }
    status=$(sed -n 's/.*status: \([A-Z]*\),.*/\1/p' <<<"$answer")
    answer=$(awk '/^;; ANSWER SECTION/{on=1; next} /^$/{on=0} on{print $NF}' <<<"$answer" | sort | head -3 | paste -sd' ')
    echo "${answer:-($status, no data)}"
}

echo "== before (this machine's resolver) and after (local53 on 127.0.0.1:5353)"
printf '%-64s %-4s  %-24s  %s\n' NAME TYPE BEFORE AFTER
while read -r name type; do
    printf '%-64s %-4s  %-24.24s  %s\n' "$name" "$type" "$(ask "$name" "$type")" \
        "$(ask @127.0.0.1 -p 5353 "$name" "$type")"
done <<'NAMES'
api.ecr.eu-west-1.amazonaws.com A
api.ecr.eu-west-1.amazonaws.com AAAA
123456789012.dkr.ecr.eu-west-1.amazonaws.com A
prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com A
iam.amazonaws.com A
ingress.private.eu2.coralogix.com A
oidc.eks.eu-west-1.amazonaws.com A
NAMES
echo "The last one is listed nowhere, so it is forwarded untouched to this machine's resolver."
echo
echo "== why: local53 explain"
build/local53 explain -c conf/demo.yaml prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com

[ "$once" = no ] || exit 0
cat <<'NEXT'

local53 is running. In another terminal:
  dig @127.0.0.1 -p 5353 api.ecr.eu-west-1.amazonaws.com
  build/local53 ctl -c conf/demo.yaml status
  curl http://127.0.0.1:9453/metrics
Edit conf/demo.yaml and it is taken at once. Ctrl-C stops it.
NEXT
wait "$server"
