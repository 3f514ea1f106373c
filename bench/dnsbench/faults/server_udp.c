/* server_udp: datagrams in batches: one system call reads up to READ_BATCH, one sends up to
 * SEND_BATCH.
 * Owns: the socket that is read, a second one on the same address that only sends, and the
 * batches. Sending over the socket that is waited for would wake its waiter each time a datagram
 * has left (sock_def_write_space).
 * Thread: the server's.
 * Bounds: the batches. Fails: what the kernel does not take is counted. */
#include <errno.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faults/server_private.h"
#include "local53/base/check.h"
#include "local53/base/clock.h"

#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif

#define READ_BATCH 32
#define SEND_BATCH 64

/* Buffers of the sockets, which a stall fills: asked for where no more is allowed, and where it
 * is (CAP_NET_ADMIN). */
#define BUFFER_OCTETS (4 << 20)
#define FORCED_OCTETS (64 << 20)

/* Answers that were held leave in small batches: the last of one leaves when all before it have
 * been delivered. */
#define HELD_BATCH 8

/* Datagrams of one system call, and all they point to. */
struct reading {
    struct mmsghdr heads[READ_BATCH];
    struct iovec spans[READ_BATCH];
    struct addr peers[READ_BATCH];
    _Alignas(struct cmsghdr) uint8_t control[READ_BATCH][SERVER_CONTROL_OCTETS];
    uint8_t octets[READ_BATCH][SERVER_QUERY_MAX];
};

struct sending {
    size_t count; /* in use */
    struct mmsghdr heads[SEND_BATCH];
    struct iovec spans[SEND_BATCH];
    struct answer answers[SEND_BATCH];
    bool again[SEND_BATCH]; /* a duplicate of the one before */
    _Alignas(struct cmsghdr) uint8_t control[SEND_BATCH][SERVER_CONTROL_OCTETS];
    uint8_t octets[SEND_BATCH][RESPONDER_MAX_OCTETS];
};

struct udp_port {
    int receiver; /* owned; waited for */
    int sender;   /* owned; or receiver itself where there is no second one */
    bool any;     /* listens on any address: answers leave from the one that was asked */
    size_t batch; /* answers sent at once */
    struct reading reading;
    struct sending sending;
};

static void reading_init(struct reading *reading)
{
    for (size_t i = 0; i < READ_BATCH; i++) {
        reading->spans[i] = (struct iovec){reading->octets[i], sizeof(reading->octets[i])};
        reading->heads[i].msg_hdr = (struct msghdr){.msg_name = &reading->peers[i],
                                                    .msg_iov = &reading->spans[i],
                                                    .msg_iovlen = 1,
                                                    .msg_control = reading->control[i]};
    }
}

/* Asks for the address that each datagram was sent to. */
static bool ask_for_target(const struct server *server, int fd)
{
    const int on = 1;

    if (server->address.sa.sa_family == AF_INET)
        return setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) == 0;
    return setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) == 0;
}

static void set_buffer(int fd, int forced_option, int option)
{
    const int forced = FORCED_OCTETS;
    const int allowed = BUFFER_OCTETS;

    if (setsockopt(fd, SOL_SOCKET, forced_option, &forced, sizeof(forced)) != 0)
        (void)setsockopt(fd, SOL_SOCKET, option, &allowed, sizeof(allowed));
}

static void set_buffers(int fd)
{
    set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
    set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
}

static void set_shared(int fd, int shared)
{
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &shared, sizeof(shared));
}

/* A second socket on the address of the first. It is connected to that address, from which
 * nobody else sends, so the kernel never finds it for a datagram that comes in. -1 where that
 * cannot be had. */
static int open_sender(const struct server *server, int receiver)
{
    const struct addr *address = &server->address;
    int fd = socket(address->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    set_buffers(fd);
    set_shared(receiver, 1);
    set_shared(fd, 1);
    bool bound = bind(fd, &address->sa, addr_len(address)) == 0 &&
                 connect(fd, &address->sa, addr_len(address)) == 0;
    /* From now on a third one fails to bind, as it should. */
    set_shared(receiver, 0);
    set_shared(fd, 0);
    if (!bound) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* Binds the receiver and learns its port. */
static enum err open_receiver(struct server *server, int fd)
{
    socklen_t len = sizeof(server->address);

    set_buffers(fd);
    server_ask_for_stamps(fd);
    if (bind(fd, &server->config->listen.sa, addr_len(&server->config->listen)) != 0 ||
        getsockname(fd, &server->address.sa, &len) != 0)
        return err_from_errno(errno);
    if (server->udp->any && !ask_for_target(server, fd))
        return ERR_SYSTEM;
    return ERR_OK;
}

enum err udp_open(struct server *server)
{
    struct udp_port *udp = calloc(1, sizeof(*udp));
    enum err err;

    CHECK(udp != NULL);
    server->udp = udp;
    udp->any = addr_is_any(&server->config->listen);
    udp->batch = server->prompt ? SEND_BATCH : HELD_BATCH;
    udp->sender = -1;
    reading_init(&udp->reading);
    udp->receiver = socket(server->config->listen.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (udp->receiver < 0)
        return err_from_errno(errno);
    err = open_receiver(server, udp->receiver);
    if (err != ERR_OK)
        return err;
    udp->sender = udp->any ? -1 : open_sender(server, udp->receiver);
    if (udp->sender < 0)
        udp->sender = udp->receiver;
    server->polled[POLL_UDP] = (struct pollfd){.fd = udp->receiver, .events = POLLIN};
    return ERR_OK;
}

void udp_close(struct server *server)
{
    struct udp_port *udp = server->udp;

    if (udp == NULL)
        return;
    if (udp->sender >= 0 && udp->sender != udp->receiver)
        (void)close(udp->sender);
    if (udp->receiver >= 0)
        (void)close(udp->receiver);
    free(udp);
    server->udp = NULL;
}

/* The address that a datagram was sent to. */
static void take_target(struct asker *asker, struct msghdr *head)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c != NULL; c = CMSG_NXTHDR(head, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
            memcpy(&asker->local.v4, CMSG_DATA(c), sizeof(asker->local.v4));
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
            memcpy(&asker->local.v6, CMSG_DATA(c), sizeof(asker->local.v6));
    }
}

size_t udp_read(struct server *server)
{
    struct reading *reading = &server->udp->reading;
    int got;

    for (size_t i = 0; i < READ_BATCH; i++) {
        reading->heads[i].msg_hdr.msg_namelen = sizeof(reading->peers[i]);
        reading->heads[i].msg_hdr.msg_controllen = sizeof(reading->control[i]);
    }
    got = recvmmsg(server->udp->receiver, reading->heads, READ_BATCH, MSG_DONTWAIT, NULL);
    if (got <= 0)
        return 0;
    int64_t offset_ns = server_stamp_offset();
    uint64_t now_ns = clock_monotonic_ns();
    for (size_t i = 0; i < (size_t)got; i++) {
        struct msghdr *head = &reading->heads[i].msg_hdr;
        struct arrival arrival = {.asker = {.peer = reading->peers[i]},
                                  .received_ns = server_stamp(head, offset_ns, now_ns),
                                  .message = {reading->octets[i], reading->heads[i].msg_len}};

        if (server->udp->any)
            take_target(&arrival.asker, head);
        server_take(server, &arrival);
    }
    return (size_t)got;
}

/* Control data that has the answer leave from the address that was asked. */
static void write_source(struct msghdr *head, uint8_t *control, const struct asker *asker)
{
    struct cmsghdr *c = (struct cmsghdr *)(void *)control;

    head->msg_control = control;
    if (asker->peer.sa.sa_family == AF_INET) {
        const struct in_pktinfo from = {.ipi_spec_dst = asker->local.v4.ipi_addr};

        *c = (struct cmsghdr){CMSG_LEN(sizeof(from)), IPPROTO_IP, IP_PKTINFO};
        memcpy(CMSG_DATA(c), &from, sizeof(from));
        head->msg_controllen = CMSG_SPACE(sizeof(from));
        return;
    }
    *c = (struct cmsghdr){CMSG_LEN(sizeof(asker->local.v6)), IPPROTO_IPV6, IPV6_PKTINFO};
    memcpy(CMSG_DATA(c), &asker->local.v6, sizeof(asker->local.v6));
    head->msg_controllen = CMSG_SPACE(sizeof(asker->local.v6));
}

static void append(struct udp_port *udp, const struct answer *answer, const uint8_t *octets)
{
    struct sending *sending = &udp->sending;
    size_t at = sending->count++;
    struct answer *kept = &sending->answers[at];

    *kept = *answer;
    memcpy(sending->octets[at], octets, answer->told.len);
    sending->spans[at] = (struct iovec){sending->octets[at], answer->told.len};
    sending->heads[at].msg_hdr = (struct msghdr){.msg_name = &kept->asker.peer,
                                                 .msg_namelen = addr_len(&kept->asker.peer),
                                                 .msg_iov = &sending->spans[at],
                                                 .msg_iovlen = 1};
    sending->again[at] = false;
    if (udp->any)
        write_source(&sending->heads[at].msg_hdr, sending->control[at], &kept->asker);
}

void udp_put(struct server *server, const struct answer *answer, const uint8_t *octets)
{
    struct udp_port *udp = server->udp;

    append(udp, answer, octets);
    if (answer->duplicate) {
        append(udp, answer, octets);
        udp->sending.again[udp->sending.count - 1] = true;
    }
    /* There is always room for two. */
    if (udp->sending.count + 1 >= udp->batch)
        udp_flush(server);
}

/* Counts one of the batch that was sent. */
static void tell_sent(struct server *server, size_t at, uint64_t before_ns)
{
    const struct sending *sending = &server->udp->sending;

    if (sending->again[at])
        server->truth->duplicated++;
    else
        server_sent(server, &sending->answers[at], before_ns);
}

/* Sends what is left of the batch from a place on; the place after what was done with. */
static size_t send_from(struct server *server, size_t from)
{
    struct sending *sending = &server->udp->sending;
    const uint64_t before_ns = clock_monotonic_ns();
    int sent =
        sendmmsg(server->udp->sender, sending->heads + from, (unsigned)(sending->count - from), 0);

    if (sent < 0 && errno == EINTR)
        return from;
    if (sent <= 0) {
        if (!sending->again[from])
            server_unsent(server);
        return from + 1;
    }
    for (size_t i = 0; i < (size_t)sent; i++)
        tell_sent(server, from + i, before_ns);
    return from + (size_t)sent;
}

void udp_flush(struct server *server)
{
    struct sending *sending = &server->udp->sending;

    for (size_t at = 0; at < sending->count;)
        at = send_from(server, at);
    sending->count = 0;
}

uint64_t udp_drops(const struct server *server)
{
    uint32_t figures[SK_MEMINFO_VARS] = {0};
    socklen_t len = sizeof(figures);

    if (getsockopt(server->udp->receiver, SOL_SOCKET, SO_MEMINFO, figures, &len) != 0)
        return 0;
    return figures[SK_MEMINFO_DROPS];
}
