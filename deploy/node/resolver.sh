#!/bin/sh
# Points the node's own resolver (kubelet, containerd, hostNetwork pods) at local53, and back.
# Usage: resolver.sh switch [-n NAME] ADDRESS... | restore | status [-n NAME]
# switch asks every ADDRESS for NAME first, and leaves or puts back what the node had where one does not answer: so it
# may be run again and again, by local53-resolver.timer. With systemd-resolved it writes one drop-in below /run, gone
# at the next boot; else lines ahead of the others in /etc/resolv.conf. What was there is kept in /run/local53/resolver.
# Exit: 0 done; 1 refused, undone, or (status) not switched; 2 usage; 3 no privilege, or no program that asks.
set -eu

etc=${LOCAL53_ETC:-/etc}
run=${LOCAL53_RUN:-/run}
name=${LOCAL53_TRY:-sts.amazonaws.com}
resolv_conf=$etc/resolv.conf
drop_in=$run/systemd/resolved.conf.d/50-local53.conf
kept=$run/local53/resolver
first='# local53: resolver.sh restore takes these lines away'
last='# local53: end'

say() {
    echo "resolver.sh: $*"
}

fail() {
    code=$1
    shift
    echo "resolver.sh: $*" >&2
    exit "$code"
}

usage() {
    fail 2 "usage: resolver.sh switch [-n NAME] ADDRESS... | restore | status [-n NAME]"
}

# ---- Asking ----------------------------------------------------------------------------------------

# Has ADDRESS an address for the name? dig where it is, else glibc with a resolv.conf of its own.
answers() {
    if command -v dig >/dev/null 2>&1; then
        dig +short +time=2 +tries=2 "@$1" "$name" A 2>/dev/null | grep -q '^[0-9]'
        return
    fi
    command -v unshare >/dev/null 2>&1 || fail 3 "needs dig (bind-utils) or unshare (util-linux) to ask $1"
    # shellcheck disable=SC2016 # the inner shell expands its own arguments
    unshare --mount sh -c 'umask 022; file=$(mktemp) && echo "nameserver $1" >"$file" &&
        mount --bind "$file" "$(readlink -f "$2")" && rm -f "$file" &&
        getent -s dns ahostsv4 "$3"' sh "$1" "$resolv_conf" "$name" >/dev/null 2>&1
}

# The first of the addresses given that does not answer; nothing when all do.
silent_one() {
    for address; do
        answers "$address" || {
            echo "$address"
            return
        }
    done
}

# Does the node, by whatever it is set to, find the name?
node_resolves() {
    getent ahostsv4 "$name" >/dev/null 2>&1
}

# ---- What the node has -----------------------------------------------------------------------------

# resolved: systemd-resolved makes resolv.conf; file: somebody else did.
kind() {
    case $(readlink -f "$resolv_conf" 2>/dev/null) in
    "$(readlink -f "$run" 2>/dev/null)"/systemd/resolve/*) echo resolved ;;
    *) echo file ;;
    esac
}

servers() {
    sed -n 's/^nameserver[[:space:]]*//p' "$resolv_conf"
}

# Ours, as they were switched to.
switched_to() {
    if [ -f "$drop_in" ]; then
        sed -n 's/^DNS=//p' "$drop_in" | tr ' ' '\n'
    elif [ -f "$resolv_conf" ]; then
        sed -n "/^$first\$/,/^$last\$/s/^nameserver //p" "$resolv_conf"
    fi
}

# resolv.conf as it is without our lines.
without_ours() {
    sed "/^$first\$/,/^$last\$/d" "$resolv_conf"
}

# Keeps resolv.conf as it was; a copy with our own lines would be none.
keep() {
    mkdir -p "$kept"
    [ -n "$(switched_to)" ] || cp -L "$resolv_conf" "$kept/resolv.conf.before"
}

# resolv.conf may be a link, which stays one, or a mount point (containers), which cannot be renamed over.
install_text() {
    file=$(readlink -f "$resolv_conf")
    next=$file.local53
    cat >"$next"
    chmod 644 "$next"
    mv "$next" "$file" 2>/dev/null || {
        cat "$next" >"$file"
        rm -f "$next"
    }
}

restart_resolved() {
    systemctl restart systemd-resolved
}

# ---- There and back --------------------------------------------------------------------------------

set_resolved() {
    mkdir -p "${drop_in%/*}"
    printf '%s\n' "$first" "[Resolve]" "DNS=$*" "Domains=~." >"$drop_in.new"
    mv "$drop_in.new" "$drop_in"
    restart_resolved
}

# Ours first, then those that were there: glibc and Go ask in order. glibc takes three at most.
set_file() {
    {
        echo "$first"
        printf 'nameserver %s\n' "$@"
        echo "$last"
        without_ours
    } >"$kept/next"
    install_text <"$kept/next"
}

undo() {
    if [ -f "$drop_in" ]; then
        rm -f "$drop_in"
        restart_resolved
    fi
    if [ "$(kind)" = file ] && grep -q "^$first\$" "$resolv_conf" 2>/dev/null; then
        mkdir -p "$kept"
        without_ours >"$kept/next"
        if ! grep -q '^nameserver' "$kept/next"; then
            [ -f "$kept/resolv.conf.before" ] || fail 1 "no server would be left in $resolv_conf: name one there first"
            cp "$kept/resolv.conf.before" "$kept/next"
        fi
        install_text <"$kept/next"
    fi
}

switch() {
    [ $# -gt 0 ] || usage
    silent=$(silent_one "$@")
    if [ -n "$silent" ]; then
        [ -z "$(switched_to)" ] || undo
        fail 1 "$silent has no address for $name: the node keeps $(servers | tr '\n' ' ')"
    fi
    if [ "$(switched_to | xargs)" = "$*" ]; then
        say "already on $*"
        return
    fi
    [ -n "$(servers)" ] || fail 1 "$resolv_conf has no server to fall back to: name one there first"
    keep
    undo
    if ! "set_$(kind)" "$@" || ! node_resolves; then
        undo
        fail 1 "with $* the node did not find $name: put back $(servers | tr '\n' ' ')"
    fi
    say "on $*, kept $kept/resolv.conf.before"
}

restore() {
    if [ -z "$(switched_to)" ]; then
        say "not switched: the node asks $(servers | tr '\n' ' ')"
        return
    fi
    undo
    say "back on $(servers | tr '\n' ' ')"
}

status() {
    say "$(kind), the node asks $(servers | tr '\n' ' ')"
    ours=$(switched_to)
    [ -n "$ours" ] || fail 1 "not switched"
    # shellcheck disable=SC2086 # one address a word
    silent=$(silent_one $ours)
    [ -z "$silent" ] || fail 1 "$silent has no address for $name: resolver.sh restore"
    say "switched to $(echo "$ours" | xargs), which answers"
}

command=${1:-}
[ $# -eq 0 ] || shift
if [ "${1:-}" = -n ]; then
    [ $# -ge 2 ] || usage
    name=$2
    shift 2
fi
case $command in
switch) ;;
restore | status) [ $# -eq 0 ] || usage ;;
*) usage ;;
esac
for address; do
    case $address in
    *[!0-9a-fA-F.:]* | "") fail 2 "$address: not an address" ;;
    esac
done
if [ "$command" != status ] && [ ! -w "$etc" ]; then
    fail 3 "cannot write $etc: run it as root on the node"
fi
"$command" "$@"
