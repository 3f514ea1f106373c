/* netlink: a socket by libmnl, and its answers.
 * Owns: the socket. Thread: main.
 * Bounds: one answer has at most 32 KiB, as much as the kernel puts in one datagram of a dump.
 * Fails: with the kernel's errno. */
#include "netlink.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "local53/base/check.h"

#define NETLINK_ANSWER_MAX 32768
/* A table of the most addresses is about 100 KiB in one datagram. */
#define NETLINK_SEND_BUFFER (512 * 1024)

struct netlink {
    struct mnl_socket *socket;       /* owned */
    uint32_t sequence;               /* of the last message */
    char answer[NETLINK_ANSWER_MAX]; /* one datagram of the kernel */
};

/* The privileged option knows no system-wide limit; without the privilege nothing is put there anyway. */
static void widen(struct mnl_socket *socket)
{
    int size = NETLINK_SEND_BUFFER;

    (void)setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
}

int netlink_new(struct netlink **out, int bus)
{
    struct mnl_socket *socket = mnl_socket_open2(bus, SOCK_CLOEXEC);

    *out = NULL;
    if (socket == NULL)
        return errno;
    if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) != 0) {
        int error = errno;

        mnl_socket_close(socket);
        return error;
    }
    widen(socket);
    *out = calloc(1, sizeof(**out));
    CHECK(*out != NULL);
    (*out)->socket = socket;
    return 0;
}

void netlink_free(struct netlink *netlink)
{
    if (netlink == NULL)
        return;
    mnl_socket_close(netlink->socket);
    free(netlink);
}

uint32_t netlink_next(struct netlink *netlink)
{
    return ++netlink->sequence;
}

/* One datagram of answers; its length, or -1 with errno: EAGAIN when there is none left. */
static ssize_t receive(struct netlink *netlink)
{
    return recv(mnl_socket_get_fd(netlink->socket), netlink->answer, sizeof(netlink->answer),
                MSG_DONTWAIT);
}

/* The first error among the answers of one datagram; what is no answer to a request is passed by. */
static int first_error(const char *answer, size_t size)
{
    const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)answer;
    int left = (int)size;

    while (mnl_nlmsg_ok(message, left)) {
        const struct nlmsgerr *told = mnl_nlmsg_get_payload(message);

        if (message->nlmsg_type == NLMSG_ERROR && told->error != 0)
            return -told->error;
        message = mnl_nlmsg_next(message, &left);
    }
    return 0;
}

int netlink_ask(struct netlink *netlink, const void *messages, size_t size)
{
    int error = EPROTO;
    ssize_t got;

    if (mnl_socket_sendto(netlink->socket, messages, size) < 0)
        return errno;
    while ((got = receive(netlink)) >= 0) {
        int told = first_error(netlink->answer, (size_t)got);

        if (error == EPROTO || error == 0)
            error = told;
    }
    return errno == EAGAIN ? error : errno;
}

/* After a dump that was given up nothing of it may stand before the next answer. */
static void drain(struct netlink *netlink)
{
    while (receive(netlink) >= 0) {}
}

int netlink_dump(struct netlink *netlink, const struct nlmsghdr *request, mnl_cb_t on_message,
                 void *context)
{
    unsigned port = mnl_socket_get_portid(netlink->socket);
    int error = 0;
    int run = MNL_CB_OK;

    if (mnl_socket_sendto(netlink->socket, request, request->nlmsg_len) < 0)
        return errno;
    while (run > MNL_CB_STOP) {
        ssize_t got = receive(netlink);

        run = got < 0 ? MNL_CB_ERROR
                      : mnl_cb_run(netlink->answer, (size_t)got, request->nlmsg_seq, port,
                                   on_message, context);
    }
    if (run == MNL_CB_ERROR)
        error = errno;
    drain(netlink);
    return error;
}
