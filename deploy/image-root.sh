#!/usr/bin/env bash
# Makes the root file system of the image in DIR, which must be empty or new: the programs in /usr/bin, the libraries
# they are linked with where the loader looks for them, a user without rights, the certificates of public authorities.
# local53 gets its two capabilities as permitted only, so that it also starts where they are not granted.
# Needs root (the capabilities), binutils and libcap2-bin. deploy/Dockerfile runs it, and so does the image's test.
# Usage: deploy/image-root.sh DIR LOCAL53 [DNSBENCH...]
set -euo pipefail

if [ "$#" -lt 2 ]; then
    echo "usage: deploy/image-root.sh DIR LOCAL53 [DNSBENCH...]" >&2
    exit 2
fi
root=$1
shift
export PATH="$PATH:/usr/sbin:/sbin"
for tool in ldd strip setcap; do
    if ! command -v "$tool" >/dev/null; then
        echo "image-root: $tool is missing: apt-get install libc-bin binutils libcap2-bin" >&2
        exit 3
    fi
done
if [ -d "$root" ] && [ -n "$(ls -A "$root")" ]; then
    echo "image-root: $root is not empty" >&2
    exit 2
fi

# Paths of the libraries of a program, its loader included.
libraries_of() {
    ldd "$1" | awk '/not found/ { print "image-root: " $1 " is not found" >"/dev/stderr"; exit 1 }
        $2 == "=>" { print $3; next } $1 ~ /^\// { print $1 }'
}

# A file at the path it is linked by; what the path leads to, as a file of its own.
take_library() {
    [ -e "$root$1" ] || install -D -m 755 "$1" "$root$1"
}

install -d -m 755 "$root"/{usr/bin,etc/local53,etc/ssl/certs,run/local53,tmp}
# Written by whoever it runs as; in Kubernetes a volume lies over it.
chmod 1777 "$root/run/local53" "$root/tmp"
for program in "$@"; do
    installed="$root/usr/bin/$(basename "$program")"
    libraries=$(libraries_of "$program")
    for library in $libraries; do
        take_library "$library"
    done
    install -m 755 "$program" "$installed"
    strip --strip-debug "$installed"
done
setcap cap_net_bind_service,cap_net_admin=p "$root/usr/bin/local53"

printf 'root:x:0:0::/:\nlocal53:x:65532:65532::/:\n' >"$root/etc/passwd"
printf 'root:x:0:\nlocal53:x:65532:\n' >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
if [ -e /etc/ssl/certs/ca-certificates.crt ]; then
    install -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
fi
