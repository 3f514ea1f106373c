/* udp_client: sockets connected to one upstream each. Owns the descriptor; its struct goes to a free list
 * of the loop when libuv is done with it and is used again, since sockets are replaced often for the
 * sake of unpredictable ports (RFC 5452 section 9.2). Up to DATAGRAMS_A_TURN datagrams a turn and socket
 * are received; the rest waits for the next turn. What is queued for sending leaves with the turn, or when
 * UDP_CLIENT_QUEUE_MAX wait, or before another socket queues. Loop's thread only. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"
#include "local53/net/udp.h"
#include "socket.h"
#include "uv_private.h"

#define DATAGRAMS_A_TURN 32

struct udp_client {
    uv_poll_t poll;                         /* watches fd; data points back here */
    struct loop *loop;                      /* borrowed */
    struct link link;                       /* place in the free list, or among the broken */
    int fd;                                 /* owned; -1 once closed */
    int broken;                             /* errno of a queued datagram that did not leave */
    const struct udp_client_events *events; /* borrowed */
    void *owner;                            /* borrowed */
};

/* What all client sockets of a loop share. */
struct udp_client_pool {
    struct link free;   /* of struct udp_client; owned */
    struct link broken; /* of struct udp_client: to be told of errors at the turn's end */
    struct mmsghdr headers[DATAGRAMS_A_TURN];
    struct iovec pieces[DATAGRAMS_A_TURN];
    uint8_t data[DATAGRAMS_A_TURN][UDP_RECEIVE_MAX];
    struct udp_client *sender; /* borrowed; whose datagrams are queued; any when none are */
    size_t queued;             /* of out_headers */
    struct mmsghdr out_headers[UDP_CLIENT_QUEUE_MAX];
    struct iovec out_pieces[UDP_CLIENT_QUEUE_MAX];
    uint8_t out_data[UDP_CLIENT_QUEUE_MAX][UDP_CLIENT_QUEUE_OCTETS];
};

static struct udp_client_pool *pool_of(struct loop *loop)
{
    if (loop->clients != NULL)
        return loop->clients;
    struct udp_client_pool *pool = calloc(1, sizeof(*pool));
    CHECK(pool != NULL);
    list_init(&pool->free);
    list_init(&pool->broken);
    for (size_t i = 0; i < UDP_CLIENT_QUEUE_MAX; i++) {
        pool->out_pieces[i].iov_base = pool->out_data[i];
        pool->out_headers[i].msg_hdr.msg_iov = &pool->out_pieces[i];
        pool->out_headers[i].msg_hdr.msg_iovlen = 1;
    }
    for (size_t i = 0; i < DATAGRAMS_A_TURN; i++) {
        pool->pieces[i] = (struct iovec){pool->data[i], UDP_RECEIVE_MAX};
        pool->headers[i].msg_hdr.msg_iov = &pool->pieces[i];
        pool->headers[i].msg_hdr.msg_iovlen = 1;
    }
    loop->clients = pool;
    return pool;
}

void udp_client_pool_free(struct udp_client_pool *pool)
{
    if (pool == NULL)
        return;
    struct link *link;
    while ((link = list_take_first(&pool->free)) != NULL)
        free(LIST_ITEM(link, struct udp_client, link));
    free(pool);
}

static struct udp_client *take_client(struct loop *loop)
{
    struct link *link = list_take_first(&pool_of(loop)->free);
    if (link != NULL)
        return LIST_ITEM(link, struct udp_client, link);
    struct udp_client *client = calloc(1, sizeof(*client));
    CHECK(client != NULL);
    client->loop = loop;
    return client;
}

/* Tells the socket's pending error, if it is one of the network's. */
static void tell_error(struct udp_client *client, int number)
{
    if (number == EAGAIN || number == EINTR)
        return;
    client->events->on_error(client->owner, client, err_from_errno(number));
}

static void receive(struct udp_client *client)
{
    struct udp_client_pool *pool = client->loop->clients;
    int count = recvmmsg(client->fd, pool->headers, DATAGRAMS_A_TURN, MSG_DONTWAIT, NULL);
    if (count < 0)
        tell_error(client, errno);
    for (int i = 0; i < count && client->fd >= 0; i++)
        client->events->on_datagram(client->owner, client, pool->data[i], pool->headers[i].msg_len);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct udp_client *client = UV_OWNER(poll);
    (void)events;
    receive(client);
    /* libuv stops watching a socket with a pending error; the receive has taken it. */
    if (status < 0 && client->fd >= 0)
        CHECK(uv_poll_start(poll, UV_READABLE, on_readable) == 0);
}

static enum err open_connected(int *fd, const struct addr *peer)
{
    enum err err = socket_open(fd, peer, SOCK_DGRAM);
    if (err != ERR_OK)
        return err;
    (void)socket_forbid_fragments(*fd, peer->sa.sa_family);
    if (connect(*fd, &peer->sa, addr_len(peer)) == 0)
        return ERR_OK;
    err = err_from_errno(errno);
    socket_close(*fd);
    return err;
}

enum err udp_client_open(struct udp_client **out, struct loop *loop, const struct addr *peer,
                         const struct udp_client_events *events, void *owner)
{
    int fd = -1;
    enum err err = open_connected(&fd, peer);
    if (err != ERR_OK)
        return err;
    struct udp_client *client = take_client(loop);
    client->fd = fd;
    client->events = events;
    client->owner = owner;
    CHECK(uv_poll_init(&loop->uv, &client->poll, fd) == 0);
    client->poll.data = client;
    CHECK(uv_poll_start(&client->poll, UV_READABLE, on_readable) == 0);
    *out = client;
    return ERR_OK;
}

enum err udp_client_send(struct udp_client *client, const uint8_t *data, size_t len)
{
    if (send(client->fd, data, len, MSG_DONTWAIT) >= 0)
        return ERR_OK;
    return err_from_errno(errno);
}

/* --- the queue --- */

/* What the kernel has no room for is lost, as on the way. */
static void note_broken(struct udp_client_pool *pool, int number)
{
    struct udp_client *client = pool->sender;
    if (number == EAGAIN || number == ENOBUFS || client->broken != 0)
        return;
    client->broken = number;
    list_append(&pool->broken, &client->link);
}

static void flush(struct udp_client_pool *pool)
{
    size_t sent = 0;
    while (sent < pool->queued) {
        int count = sendmmsg(pool->sender->fd, pool->out_headers + sent,
                             (unsigned)(pool->queued - sent), MSG_DONTWAIT);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            note_broken(pool, errno);
            break;
        }
        sent += (size_t)count;
    }
    pool->queued = 0;
}

void udp_client_queue(struct udp_client *client, const uint8_t *data, size_t len)
{
    struct udp_client_pool *pool = client->loop->clients;
    CHECK(len <= UDP_CLIENT_QUEUE_OCTETS);
    if (pool->queued > 0 && pool->sender != client)
        flush(pool);
    pool->sender = client;
    memcpy(pool->out_data[pool->queued], data, len);
    pool->out_pieces[pool->queued].iov_len = len;
    if (++pool->queued == UDP_CLIENT_QUEUE_MAX)
        flush(pool);
}

bool udp_client_is_queueing(const struct udp_client *client)
{
    const struct udp_client_pool *pool = client->loop->clients;
    return pool->queued > 0 && pool->sender == client;
}

/* Those who are told of an error may queue anew, for another server. */
void udp_clients_end_turn(struct loop *loop)
{
    struct udp_client_pool *pool = loop->clients;
    struct link *link;
    if (pool == NULL)
        return;
    if (pool->queued > 0)
        flush(pool);
    while ((link = list_take_first(&pool->broken)) != NULL) {
        struct udp_client *client = LIST_ITEM(link, struct udp_client, link);
        int number = client->broken;
        client->broken = 0;
        tell_error(client, number);
        if (pool->queued > 0)
            flush(pool);
    }
}

/* --- the end of a socket --- */

static void on_closed(uv_handle_t *handle)
{
    struct udp_client *client = UV_OWNER(handle);
    list_append(&client->loop->clients->free, &client->link);
}

void udp_client_close(struct udp_client *client)
{
    if (client == NULL || client->fd < 0)
        return;
    struct udp_client_pool *pool = client->loop->clients;
    if (udp_client_is_queueing(client))
        pool->queued = 0;
    if (client->broken != 0)
        list_remove(&client->link);
    client->broken = 0;
    uv_close((uv_handle_t *)&client->poll, on_closed);
    socket_close(client->fd);
    client->fd = -1;
}
