/* udp: the server socket, in batches of UDP_BATCH (HOT PATH). Owns two descriptors of the same address and
 * all buffers, made at open. One receives and sits in epoll; one only sends and does not, for each
 * packet sent from a polled socket wakes its write side (udp_sender.c). Where that cannot be had, or is
 * not wanted, one socket does both. A full send buffer sheds replies and counts them. Loop's thread only. */
#include "local53/net/udp.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"
#include "local53/base/hot.h"
#include "socket.h"
#include "udp_sender.h"
#include "uv_private.h"

/* Full batches a socket may take in one turn before timers and other sockets get theirs. */
#define BATCHES_A_TURN 8

/* More than the receive buffer holds: a datagram counts there with 512 octets at least. */
#define BATCHES_READ_OUT (2 * UDP_BUFFER_BYTES / 512 / UDP_BATCH)

/* What a sender needs to hold: nothing ever arrives (the kernel rounds up). */
#define SENDER_RECEIVE_BYTES 1

/* Received packets and the arrays the kernel fills. */
struct inbox {
    struct mmsghdr headers[UDP_BATCH];
    struct iovec pieces[UDP_BATCH];
    struct udp_packet packets[UDP_BATCH];
    uint8_t data[UDP_BATCH][UDP_RECEIVE_MAX];
};

/* Replies not sent yet. */
struct outbox {
    struct mmsghdr headers[UDP_BATCH];
    struct iovec pieces[UDP_BATCH];
    struct addr peers[UDP_BATCH];
    uint8_t data[UDP_BATCH][UDP_REPLY_MAX];
    unsigned count; /* queued replies, 0..UDP_BATCH */
};

struct udp_server {
    uv_poll_t poll;        /* watches receive_fd; data points back here */
    struct loop *loop;     /* borrowed */
    struct link link;      /* place in the loop's list */
    int receive_fd;        /* owned; member of the address's SO_REUSEPORT group */
    int send_fd;           /* owned; equal to receive_fd where one socket does both */
    bool sender_unchecked; /* the sender may hold packets from before its connect */
    bool closing;          /* udp_server_close was called; memory goes later */
    udp_on_batch on_batch; /* told each batch */
    void *owner;           /* borrowed */
    uint64_t send_drops;   /* see struct udp_stats */
    struct inbox inbox;
    struct outbox outbox;
};

static bool has_sender(const struct udp_server *server)
{
    return server->send_fd != server->receive_fd;
}

static void wire_inbox(struct inbox *inbox)
{
    for (size_t i = 0; i < UDP_BATCH; i++) {
        inbox->packets[i].data = inbox->data[i];
        inbox->pieces[i] = (struct iovec){inbox->data[i], UDP_RECEIVE_MAX};
        struct msghdr *header = &inbox->headers[i].msg_hdr;
        header->msg_name = &inbox->packets[i].peer;
        header->msg_namelen = sizeof(struct addr);
        header->msg_iov = &inbox->pieces[i];
        header->msg_iovlen = 1;
    }
}

static void wire_outbox(struct outbox *outbox)
{
    for (size_t i = 0; i < UDP_BATCH; i++) {
        outbox->pieces[i].iov_base = outbox->data[i];
        struct msghdr *header = &outbox->headers[i].msg_hdr;
        header->msg_name = &outbox->peers[i];
        header->msg_iov = &outbox->pieces[i];
        header->msg_iovlen = 1;
    }
}

/* Receives one batch and hands it over; how many packets it had. */
static size_t receive_batch(struct udp_server *server, int fd)
{
    struct inbox *inbox = &server->inbox;
    int count = recvmmsg(fd, inbox->headers, UDP_BATCH, MSG_DONTWAIT, NULL);
    if (count <= 0)
        return 0;
    for (int i = 0; i < count; i++) {
        inbox->packets[i].len = inbox->headers[i].msg_len;
        inbox->headers[i].msg_hdr.msg_namelen = sizeof(struct addr);
    }
    server->on_batch(server->owner, server, inbox->packets, (size_t)count);
    if (!server->closing)
        udp_server_flush(server);
    return (size_t)count;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct udp_server *server = UV_OWNER(poll);
    (void)events;
    /* A short batch ends the turn: epoll is level-triggered, so what came since is told again. */
    for (int batch = 0; batch < BATCHES_A_TURN; batch++)
        if (receive_batch(server, server->receive_fd) < UDP_BATCH || server->closing)
            break;
    /* libuv stops watching a socket that had an error; the error itself was taken by the receive. */
    if (status < 0 && !server->closing)
        CHECK(uv_poll_start(poll, UV_READABLE, on_readable) == 0);
}

static enum err open_sockets(struct udp_server *server, const struct addr *addr, bool want_sender)
{
    sa_family_t family = addr->sa.sa_family;
    enum err err = socket_open_bound(&server->receive_fd, addr, SOCK_DGRAM, SOCKET_REUSEPORT);
    if (err != ERR_OK)
        return err;
    socket_set_buffer(server->receive_fd, SO_RCVBUF, UDP_BUFFER_BYTES);
    struct addr bound = socket_local_addr(server->receive_fd);
    server->send_fd = want_sender ? udp_sender_open(&bound) : -1;
    server->sender_unchecked = server->send_fd >= 0;
    if (server->send_fd < 0)
        server->send_fd = server->receive_fd;
    socket_set_buffer(server->send_fd, SO_SNDBUF, UDP_BUFFER_BYTES);
    (void)socket_forbid_fragments(server->send_fd, family);
    return ERR_OK;
}

static void start_receiving(struct udp_server *server)
{
    wire_inbox(&server->inbox);
    wire_outbox(&server->outbox);
    CHECK(uv_poll_init(&server->loop->uv, &server->poll, server->receive_fd) == 0);
    server->poll.data = server;
    CHECK(uv_poll_start(&server->poll, UV_READABLE, on_readable) == 0);
    list_append(&server->loop->udp_servers, &server->link);
}

static struct udp_server *server_new(struct loop *loop, udp_on_batch on_batch, void *owner)
{
    struct udp_server *server = calloc(1, sizeof(*server));
    CHECK(server != NULL);
    server->loop = loop;
    server->on_batch = on_batch;
    server->owner = owner;
    return server;
}

/* Hands a server that could be opened to *out, else frees it. */
static enum err server_start(struct udp_server **out, struct udp_server *server,
                             const struct addr *addr, bool want_sender)
{
    enum err err = open_sockets(server, addr, want_sender);
    if (err != ERR_OK) {
        free(server);
        return err;
    }
    start_receiving(server);
    *out = server;
    return ERR_OK;
}

enum err udp_server_open(struct udp_server **out, struct loop *loop, const struct addr *addr,
                         udp_on_batch on_batch, void *owner)
{
    return server_start(out, server_new(loop, on_batch, owner), addr, true);
}

enum err udp_server_open_single(struct udp_server **out, struct loop *loop, const struct addr *addr,
                                udp_on_batch on_batch, void *owner)
{
    return server_start(out, server_new(loop, on_batch, owner), addr, false);
}

void udp_server_seal(struct udp_server *server)
{
    socket_share_no_more(server->receive_fd);
    socket_share_no_more(server->send_fd);
}

enum err udp_server_steer(const struct udp_server *server, size_t first, size_t count)
{
    return socket_steer(server->receive_fd, SOCKET_BY_CONTENT, first, count);
}

struct addr udp_server_addr(const struct udp_server *server)
{
    return socket_local_addr(server->receive_fd);
}

/* No place is left: more replies in a batch than questions. */
RARE static void make_place(struct udp_server *server)
{
    udp_server_flush(server);
}

uint8_t *udp_server_reserve(struct udp_server *server)
{
    if (server->outbox.count == UDP_BATCH)
        make_place(server);
    return server->outbox.data[server->outbox.count];
}

void udp_server_commit(struct udp_server *server, const struct addr *peer, size_t len)
{
    struct outbox *outbox = &server->outbox;
    unsigned i = outbox->count;
    CHECK(i < UDP_BATCH && len <= UDP_REPLY_MAX);
    outbox->peers[i] = *peer;
    outbox->pieces[i].iov_len = len;
    outbox->headers[i].msg_hdr.msg_namelen = addr_len(peer);
    outbox->count = i + 1;
}

/* Sends replies from..count; how many are done with, those the kernel refused included. */
static unsigned send_some(struct udp_server *server, unsigned from)
{
    struct outbox *outbox = &server->outbox;
    unsigned left = outbox->count - from;
    int sent = sendmmsg(server->send_fd, outbox->headers + from, left, MSG_DONTWAIT);
    if (sent > 0)
        return (unsigned)sent;
    if (sent < 0 && errno == EINTR)
        return 0;
    /* A full buffer refuses all; anything else is a matter of this one peer. */
    unsigned refused = sent < 0 && errno == EAGAIN ? left : 1;
    server->send_drops += refused;
    return refused;
}

void udp_server_flush(struct udp_server *server)
{
    unsigned done = 0;
    while (done < server->outbox.count)
        done += send_some(server, done);
    server->outbox.count = 0;
}

/* Takes what clients sent to the sender before it was connected; once, in the first turn. */
static void check_sender(struct udp_server *server)
{
    server->sender_unchecked = false;
    while (!server->closing && receive_batch(server, server->send_fd) == UDP_BATCH) {}
    if (!server->closing)
        socket_set_buffer(server->send_fd, SO_RCVBUF, SENDER_RECEIVE_BYTES);
}

static void end_turn(struct udp_server *server)
{
    if (server->sender_unchecked)
        check_sender(server);
    else
        udp_server_flush(server);
}

void udp_servers_end_turn(struct loop *loop)
{
    LIST_EACH(item, after, &loop->udp_servers)
        end_turn(LIST_ITEM(item, struct udp_server, link));
}

/* Asked from the kernel when somebody wants to know, rather than as ancillary data with each packet:
 * it costs the hot path nothing and counts also what was lost since the last packet received. */
static uint64_t kernel_drops(int fd)
{
    uint32_t values[SK_MEMINFO_VARS] = {0};
    socklen_t len = sizeof(values);
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, values, &len) != 0)
        return 0;
    return values[SK_MEMINFO_DROPS];
}

struct udp_stats udp_server_stats(const struct udp_server *server)
{
    return (struct udp_stats){kernel_drops(server->receive_fd), server->send_drops};
}

void udp_server_read_out(struct udp_server *server)
{
    for (int batch = 0; batch < BATCHES_READ_OUT && !server->closing; batch++)
        if (receive_batch(server, server->receive_fd) < UDP_BATCH)
            break;
}

static void on_closed(uv_handle_t *handle)
{
    struct udp_server *server = UV_OWNER(handle);
    free(server);
}

void udp_server_close(struct udp_server *server)
{
    if (server == NULL || server->closing)
        return;
    server->closing = true;
    udp_server_flush(server);
    list_remove(&server->link);
    uv_close((uv_handle_t *)&server->poll, on_closed);
    if (has_sender(server))
        socket_close(server->send_fd);
    socket_close(server->receive_fd);
}
