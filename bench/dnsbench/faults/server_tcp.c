/* server_tcp: queries over TCP, many on one connection and answered in any order (RFC 7766
 * section 6.2.1.1).
 * Owns: the listening socket and the connections.
 * Thread: the server's. Nothing blocks: what a connection does not take at once is one answer's
 * rest, and until that has left no further query is read from it.
 * Bounds: FAULT_SERVER_CONNECTIONS, IDLE_NS, SERVER_QUERY_MAX. Fails: the connection is closed. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faults/server_private.h"
#include "local53/base/check.h"
#include "local53/base/clock.h"
#include "local53/dns/frame.h"

#define LISTEN_BACKLOG 256
#define IDLE_NS 30000000000ULL /* RFC 7766 section 6.2.3 speaks of seconds */
#define LENGTH_OCTETS 2
#define SEND_OCTETS (1 << 20) /* answers that a peer has not read yet, a connection */

struct connection {
    int fd;              /* owned; -1 when the slot is free */
    uint32_t generation; /* of the slot; grows when it is closed */
    uint32_t held;       /* answers that wait for their time */
    bool finished;       /* the peer sends no more */
    uint64_t used_ns;    /* something was read or sent */
    struct frame frame;  /* of input */
    uint8_t input[LENGTH_OCTETS + SERVER_QUERY_MAX];
    struct answer answer; /* whose rest it is */
    uint64_t before_ns;   /* right before its first octets left */
    size_t rest_at;       /* octets of rest that left */
    size_t rest_len;      /* octets in rest; 0 for none */
    bool rest_again;      /* it is a duplicate */
    uint8_t rest[LENGTH_OCTETS + RESPONDER_MAX_OCTETS];
};

struct tcp_port {
    int listener; /* owned */
    size_t open;  /* connections in use */
    struct connection connections[FAULT_SERVER_CONNECTIONS];
};

static struct pollfd *polled_of(struct server *server, const struct connection *connection)
{
    return &server->polled[POLL_CONNECTIONS + (connection - server->tcp->connections)];
}

/* What to wait for: to write the rest, or to read; behind the last answer to a peer that asks no
 * more nothing but a turn, in which the connection is closed. */
static void poll_update(struct server *server, const struct connection *connection)
{
    struct pollfd *polled = polled_of(server, connection);

    polled->fd = connection->fd;
    if (connection->rest_len > 0 || (connection->finished && connection->held == 0))
        polled->events = POLLOUT;
    else
        polled->events = connection->finished ? 0 : POLLIN;
}

static void listen_update(struct server *server)
{
    bool room = server->tcp->open < FAULT_SERVER_CONNECTIONS;

    server->polled[POLL_TCP] =
        (struct pollfd){.fd = room ? server->tcp->listener : -1, .events = POLLIN};
}

enum err tcp_open(struct server *server)
{
    const int on = 1;
    const int room = SEND_OCTETS;
    int fd = socket(server->address.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return err_from_errno(errno);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    server_ask_for_stamps(fd);
    if (bind(fd, &server->address.sa, addr_len(&server->address)) != 0 ||
        listen(fd, LISTEN_BACKLOG) != 0) {
        enum err err = err_from_errno(errno);

        (void)close(fd);
        return err;
    }
    server->tcp = calloc(1, sizeof(*server->tcp));
    CHECK(server->tcp != NULL);
    server->tcp->listener = fd;
    for (size_t i = 0; i < FAULT_SERVER_CONNECTIONS; i++)
        server->tcp->connections[i].fd = -1;
    listen_update(server);
    return ERR_OK;
}

static void connection_close(struct server *server, struct connection *connection)
{
    if (connection->rest_len > 0 && !connection->rest_again)
        server_unsent(server);
    (void)close(connection->fd);
    connection->fd = -1;
    connection->rest_len = 0;
    connection->held = 0;
    connection->generation++;
    server->tcp->open--;
    *polled_of(server, connection) = (struct pollfd){.fd = -1};
    listen_update(server);
}

void tcp_close(struct server *server)
{
    if (server->tcp == NULL)
        return;
    for (size_t i = 0; i < FAULT_SERVER_CONNECTIONS; i++) {
        if (server->tcp->connections[i].fd >= 0)
            connection_close(server, &server->tcp->connections[i]);
    }
    (void)close(server->tcp->listener);
    free(server->tcp);
    server->tcp = NULL;
}

static struct connection *free_slot(struct tcp_port *tcp)
{
    for (size_t i = 0; i < FAULT_SERVER_CONNECTIONS; i++) {
        if (tcp->connections[i].fd < 0)
            return &tcp->connections[i];
    }
    return NULL;
}

static void accept_one(struct server *server)
{
    const int on = 1;
    struct connection *connection = free_slot(server->tcp);
    int fd = accept4(server->tcp->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0)
        return;
    CHECK(connection != NULL);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    connection->fd = fd;
    connection->finished = false;
    connection->used_ns = clock_monotonic_ns();
    frame_init(&connection->frame, connection->input, sizeof(connection->input));
    server->tcp->open++;
    size_t place = (size_t)(polled_of(server, connection) - server->polled);
    if (server->polled_count <= place)
        server->polled_count = place + 1;
    poll_update(server, connection);
    listen_update(server);
}

/* Counts an answer that has left as a whole. */
static void tell_sent(struct server *server, const struct answer *answer, bool again,
                      uint64_t before_ns)
{
    if (again)
        server->truth->duplicated++;
    else
        server_sent(server, answer, before_ns);
}

/* Keeps what did not leave of an answer. */
static void keep_rest(struct connection *connection, const struct answer *answer,
                      const uint8_t *octets, size_t sent)
{
    bytes_put_u16(connection->rest, (uint16_t)answer->told.len);
    memcpy(connection->rest + LENGTH_OCTETS, octets, answer->told.len);
    connection->rest_len = LENGTH_OCTETS + answer->told.len;
    connection->rest_at = sent;
    connection->answer = *answer;
}

/* Sends one answer with its length in front; false when the kernel takes nothing of it. */
static bool send_answer(struct server *server, struct connection *connection,
                        const struct answer *answer, const uint8_t *octets, bool again)
{
    uint8_t length[LENGTH_OCTETS];
    union {
        const void *from;
        void *to; /* sendmsg only reads it */
    } body = {.from = octets};
    struct iovec spans[2] = {{length, sizeof(length)}, {body.to, answer->told.len}};
    struct msghdr head = {.msg_iov = spans, .msg_iovlen = 2};
    const uint64_t before_ns = clock_monotonic_ns();

    bytes_put_u16(length, (uint16_t)answer->told.len);
    ssize_t sent = connection->rest_len > 0 ? -1 : sendmsg(connection->fd, &head, MSG_NOSIGNAL);
    if (sent <= 0)
        return false;
    connection->used_ns = before_ns;
    if ((size_t)sent < sizeof(length) + answer->told.len) {
        keep_rest(connection, answer, octets, (size_t)sent);
        connection->before_ns = before_ns;
        connection->rest_again = again;
    } else {
        tell_sent(server, answer, again, before_ns);
    }
    return true;
}

static struct connection *connection_of(struct server *server, const struct asker *asker)
{
    struct connection *connection = &server->tcp->connections[asker->connection];

    return connection->fd >= 0 && connection->generation == asker->generation ? connection : NULL;
}

void tcp_holds(struct server *server, const struct asker *asker)
{
    connection_of(server, asker)->held++;
}

void tcp_put(struct server *server, const struct answer *answer, const uint8_t *octets)
{
    struct connection *connection = connection_of(server, &answer->asker);

    if (connection == NULL) {
        server_unsent(server);
        return;
    }
    if (connection->held > 0)
        connection->held--;
    if (!send_answer(server, connection, answer, octets, false))
        server_unsent(server);
    else if (answer->duplicate)
        (void)send_answer(server, connection, answer, octets, true);
    poll_update(server, connection);
}

/* Sends more of the rest. False when the connection is broken. */
static bool send_rest(struct server *server, struct connection *connection)
{
    ssize_t sent = send(connection->fd, connection->rest + connection->rest_at,
                        connection->rest_len - connection->rest_at, MSG_NOSIGNAL);

    if (sent < 0)
        return errno == EAGAIN || errno == EINTR;
    connection->used_ns = clock_monotonic_ns();
    connection->rest_at += (size_t)sent;
    if (connection->rest_at == connection->rest_len) {
        connection->rest_len = 0;
        tell_sent(server, &connection->answer, connection->rest_again, connection->before_ns);
        poll_update(server, connection);
    }
    return true;
}

/* Takes the whole queries of the input, as long as their answers leave. False when one is longer
 * than any is read. */
static bool take_queries(struct server *server, struct connection *connection, uint64_t received_ns)
{
    struct arrival arrival = {
        .asker = {.over_tcp = true,
                  .connection = (uint16_t)(connection - server->tcp->connections),
                  .generation = connection->generation},
        .received_ns = received_ns};
    size_t pos = 0;
    bool too_long = false;

    while (connection->rest_len == 0 &&
           frame_next(&connection->frame, &pos, &arrival.message, &too_long))
        server_take(server, &arrival);
    frame_consume(&connection->frame, pos);
    return !too_long;
}

/* Reads once and takes what came. False when the connection is broken. */
static bool read_queries(struct server *server, struct connection *connection)
{
    _Alignas(struct cmsghdr) uint8_t control[SERVER_CONTROL_OCTETS];
    struct writer space = frame_space(&connection->frame);
    struct iovec span = {space.data, space.cap};
    struct msghdr head = {.msg_iov = &span,
                          .msg_iovlen = 1,
                          .msg_control = control,
                          .msg_controllen = sizeof(control)};
    ssize_t got = recvmsg(connection->fd, &head, 0);

    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    connection->finished = got == 0;
    connection->used_ns = clock_monotonic_ns();
    frame_filled(&connection->frame, (size_t)got);
    return take_queries(server, connection,
                        server_stamp(&head, server_stamp_offset(), connection->used_ns));
}

/* One connection that poll spoke of. */
static void connection_turn(struct server *server, struct connection *connection, short events)
{
    bool sound = (events & (POLLERR | POLLHUP | POLLNVAL)) == 0;

    if (sound && connection->rest_len > 0)
        sound =
            send_rest(server, connection) &&
            (connection->rest_len > 0 || take_queries(server, connection, clock_monotonic_ns()));
    else if (sound && !connection->finished)
        sound = read_queries(server, connection);
    if (sound)
        poll_update(server, connection);
    else
        connection_close(server, connection);
}

void tcp_turn(struct server *server)
{
    if (server->tcp == NULL)
        return;
    for (size_t place = POLL_CONNECTIONS; place < server->polled_count; place++) {
        short events = server->polled[place].revents;
        struct connection *connection = &server->tcp->connections[place - POLL_CONNECTIONS];

        if (events != 0 && connection->fd >= 0)
            connection_turn(server, connection, events);
        if (connection->fd >= 0 && connection->finished && connection->held == 0 &&
            connection->rest_len == 0)
            connection_close(server, connection);
    }
    if (server->polled[POLL_TCP].revents != 0)
        accept_one(server);
}

void tcp_expire(struct server *server, uint64_t now_ns)
{
    for (size_t i = 0; server->tcp != NULL && i < FAULT_SERVER_CONNECTIONS; i++) {
        struct connection *connection = &server->tcp->connections[i];

        if (connection->fd >= 0 && connection->held == 0 && now_ns > connection->used_ns + IDLE_NS)
            connection_close(server, connection);
    }
}
