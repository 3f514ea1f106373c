"""Other kernels, as local53 sees them: a library between it and the kernel of this machine (LD_PRELOAD)."""
import os
import subprocess

from .cases import expect
from .daemon import PLAIN

NO_OWNER = "no-owner"  # before Linux 5.12: no tables with an owner
NO_NFTABLES = "no-nftables"  # a sandbox without netfilter
NO_RANDOM = "no-random"  # the same random octets always, so that a table's name is known before
SOURCE = r"""
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/utsname.h>

#define NEW_TABLE (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE)
#define OWNER (1u << 1)
#define UNKNOWN (1u << 30) /* of no kernel's flags */

static bool is_kernel(const char *kind)
{
    const char *asked = getenv("OTHER_KERNEL");

    return asked != NULL && strcmp(asked, kind) == 0;
}

static void *next_of(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

/* The kernel refuses a flag it does not know: so the owner flag becomes one of those. */
static void forget_owner(struct nlmsghdr *message)
{
    char *at = (char *)message + NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct nfgenmsg));
    char *end = (char *)message + message->nlmsg_len;

    while (at + NLA_HDRLEN <= end) {
        struct nlattr *attribute = (struct nlattr *)(void *)at;
        uint32_t *flags = (uint32_t *)(void *)(at + NLA_HDRLEN);

        if ((attribute->nla_type & NLA_TYPE_MASK) == NFTA_TABLE_FLAGS && (ntohl(*flags) & OWNER))
            *flags = htonl(UNKNOWN);
        at += NLA_ALIGN(attribute->nla_len);
    }
}

ssize_t sendto(int fd, const void *octets, size_t size, int how, const struct sockaddr *to,
               socklen_t to_size)
{
    ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) =
        next_of("sendto");

    if (is_kernel("no-owner") && to != NULL && to->sa_family == AF_NETLINK) {
        char *at = (char *)octets;
        char *end = at + size;

        while (at + NLMSG_HDRLEN <= end) {
            struct nlmsghdr *message = (struct nlmsghdr *)(void *)at;

            if (message->nlmsg_type == NEW_TABLE)
                forget_owner(message);
            at += NLMSG_ALIGN(message->nlmsg_len);
        }
    }
    return real(fd, octets, size, how, to, to_size);
}

int socket(int family, int type, int protocol)
{
    int (*real)(int, int, int) = next_of("socket");

    if (is_kernel("no-nftables") && family == AF_NETLINK && protocol == NETLINK_NETFILTER) {
        errno = EPROTONOSUPPORT;
        return -1;
    }
    return real(family, type, protocol);
}

int uname(struct utsname *out)
{
    int (*real)(struct utsname *) = next_of("uname");
    int result = real(out);

    if (result == 0 && is_kernel("no-owner"))
        strcpy(out->release, "5.10.236");
    return result;
}

ssize_t getrandom(void *out, size_t size, unsigned how)
{
    ssize_t (*real)(void *, size_t, unsigned) = next_of("getrandom");

    if (!is_kernel("no-random"))
        return real(out, size, how);
    memset(out, 0x53, size);
    return (ssize_t)size;
}
"""


def program(scene, kind):
    """The plain local53 on a kernel of this kind, as a program: sanitizers want to be the first library."""
    expect(os.path.exists(PLAIN), f"there is no {PLAIN}: cmake --build build")
    library = scene.path("other_kernel.so")
    if not os.path.exists(library):
        subprocess.run(["gcc", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-O1", "-o", library,
                        scene.write("other_kernel.c", SOURCE)], check=True, timeout=60)
    path = scene.write(kind, f"#!/bin/sh\nOTHER_KERNEL={kind} LD_PRELOAD={library} exec {PLAIN} \"$@\"\n")
    os.chmod(path, 0o755)
    return path
