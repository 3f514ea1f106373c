/* receivers: by sock_diag(7), else by the tables under /proc: some kernels are built without udp_diag.
 * Owns: nothing. Thread: main.
 * Bounds: RECEIVERS_MAX sockets; READINGS_MAX readings of a table.
 * Fails: with what the last way that was tried says. */
#include "receivers_private.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "local53/net/ports.h"
#include "netlink.h"

#define READINGS_MAX 8

/* What is looked for, and what came of it. */
struct gathering {
    const struct addr *addr; /* borrowed */
    struct receivers *out;   /* borrowed; filled */
    enum err err;            /* what is in the way */
};

/* Notes a socket that is bound there and not connected. The kernel's tables have no scopes. */
static void gather(struct gathering *gathering, const struct addr *bound, unsigned uid,
                   unsigned long inode)
{
    struct receivers *out = gathering->out;

    if (!addr_same_host(bound, gathering->addr) || addr_port(bound) != addr_port(gathering->addr))
        return;
    if (uid != geteuid())
        gathering->err = ERR_DENIED;
    else if (out->count == RECEIVERS_MAX)
        gathering->err = ERR_NO_SPACE;
    else
        out->inodes[out->count++] = inode;
}

/* ---- By sock_diag ---------------------------------------------------------------------------------- */

static void write_request(struct nlmsghdr *message, const struct addr *addr)
{
    struct inet_diag_req_v2 *request = mnl_nlmsg_put_extra_header(message, sizeof(*request));

    message->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request->sdiag_family = (uint8_t)addr->sa.sa_family;
    request->sdiag_protocol = IPPROTO_UDP;
    request->idiag_states = 1U << PORTS_UNCONNECTED;
    request->id.idiag_sport = htons(addr_port(addr));
}

static int on_socket(const struct nlmsghdr *message, void *context)
{
    struct gathering *gathering = context;
    const struct inet_diag_msg *socket = mnl_nlmsg_get_payload(message);

    if (mnl_nlmsg_get_payload_len(message) < sizeof(*socket)) {
        errno = EPROTO;
        return MNL_CB_ERROR;
    }
    struct addr bound =
        addr_from_octets((const uint8_t *)socket->id.idiag_src,
                         socket->idiag_family == AF_INET ? 4 : 16, ntohs(socket->id.idiag_sport));
    gather(gathering, &bound, socket->idiag_uid, socket->idiag_inode);
    return MNL_CB_OK;
}

enum err receivers_by_diag(const struct addr *addr, struct receivers *out)
{
    _Alignas(struct nlmsghdr) char octets[128] = {0};
    struct nlmsghdr *message = mnl_nlmsg_put_header(octets);
    struct gathering gathering = {addr, out, ERR_OK};
    struct netlink *netlink;
    int error = netlink_new(&netlink, NETLINK_SOCK_DIAG);

    out->count = 0;
    if (error != 0)
        return err_from_errno(error);
    message->nlmsg_seq = netlink_next(netlink);
    write_request(message, addr);
    error = netlink_dump(netlink, message, on_socket, &gathering);
    netlink_free(netlink);
    return error != 0 ? err_from_errno(error) : gathering.err;
}

/* ---- By a table ------------------------------------------------------------------------------------ */

static bool on_line(void *context, const struct ports_line *line)
{
    if (line->state == PORTS_UNCONNECTED)
        gather(context, &line->bound, line->uid, line->inode);
    return true;
}

static enum err read_table(const struct addr *addr, struct receivers *out)
{
    bool is_v6 = addr->sa.sa_family == AF_INET6;
    struct gathering gathering = {addr, out, ERR_OK};

    out->count = 0;
    if (!ports_each_line(is_v6 ? "/proc/net/udp6" : "/proc/net/udp", on_line, &gathering))
        return ERR_SYSTEM;
    return gathering.err;
}

static bool is_same(const struct receivers *a, const struct receivers *b)
{
    return a->count == b->count &&
           memcmp(a->inodes, b->inodes, a->count * sizeof(a->inodes[0])) == 0;
}

enum err receivers_by_table(const struct addr *addr, struct receivers *out)
{
    struct receivers former;
    enum err err = read_table(addr, out);

    for (int i = 1; i < READINGS_MAX && err == ERR_OK; i++) {
        former = *out;
        err = read_table(addr, out);
        if (err == ERR_OK && is_same(&former, out))
            return ERR_OK;
    }
    return err;
}

/* ---- Either ---------------------------------------------------------------------------------------- */

enum err receivers_find(const struct addr *addr, struct receivers *out)
{
    enum err err = receivers_by_diag(addr, out);

    return err == ERR_OK ? ERR_OK : receivers_by_table(addr, out);
}
