/* echo_server: one thread, one poll of all sockets. Bounds: 8 connections, ECHO_HELD answers
 * held. Any failure of the system is fatal. */
#include "echo_server.h"

#include <ctype.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "local53/base/bytes.h"
#include "local53/base/check.h"
#include "local53/base/clock.h"

#define CONNECTIONS 8
#define HEADER_OCTETS 12
#define BIND_TRIES 50

static void count(_Atomic uint64_t *counter)
{
    atomic_fetch_add(counter, 1);
}

static bool is_each(uint32_t each, uint64_t number)
{
    return each != 0 && number % each == 0;
}

/* Turns the query of this number into its answer; false when there is none. */
static bool make_answer(struct echo_server *server, uint8_t *message, uint64_t number, bool is_tcp)
{
    const struct echo_rules *rules = &server->rules;
    if (is_each(rules->lose_each, number))
        return false;
    message[2] |= 0x80; /* QR */
    if (rules->cut && !is_tcp)
        message[2] |= 0x02; /* TC */
    message[3] = (uint8_t)((message[3] & 0xf0) | rules->rcode);
    bytes_put_u16(message + 6, rules->records);
    if (is_each(rules->other_id_each, number))
        message[0] ^= 0x55;
    if (is_each(rules->other_case_each, number))
        message[HEADER_OCTETS + 1] =
            (uint8_t)(islower(message[HEADER_OCTETS + 1]) ? toupper(message[HEADER_OCTETS + 1])
                                                          : tolower(message[HEADER_OCTETS + 1]));
    return true;
}

/* ---- UDP ---- */

static void note_source(struct echo_server *server, const struct addr *from)
{
    size_t len;
    const uint8_t *octets = addr_octets(from, &len);
    uint16_t port = addr_port(from);
    if (!server->ports_seen[port])
        count(&server->counts.ports);
    if (!server->sources_seen[octets[len - 1]])
        count(&server->counts.sources);
    server->ports_seen[port] = true;
    server->sources_seen[octets[len - 1]] = true;
}

static void send_datagram(struct echo_server *server, const struct echo_held *answer)
{
    (void)sendto(server->udp, answer->octets, answer->len, 0, &answer->to.sa,
                 addr_len(&answer->to));
}

static void answer_datagram(struct echo_server *server, struct echo_held *answer)
{
    uint64_t number = atomic_fetch_add(&server->counts.received, 1) + 1;
    note_source(server, &answer->to);
    if (!make_answer(server, answer->octets, number, false))
        return;
    count(&server->counts.answered);
    bool is_held = server->rules.hold_each == 0 || is_each(server->rules.hold_each, number);
    if (server->rules.hold_ns != 0 && is_held) {
        CHECK(server->held_last - server->held_first < ECHO_HELD);
        answer->due_ns = clock_monotonic_ns() + server->rules.hold_ns;
        server->held[server->held_last++ % ECHO_HELD] = *answer;
        return;
    }
    send_datagram(server, answer);
    if (is_each(server->rules.twice_each, number))
        send_datagram(server, answer);
}

static void receive_datagrams(struct echo_server *server)
{
    struct echo_held answer;
    for (;;) {
        socklen_t size = sizeof(answer.to);
        ssize_t len = recvfrom(server->udp, answer.octets, sizeof(answer.octets), MSG_DONTWAIT,
                               &answer.to.sa, &size);
        if (len < HEADER_OCTETS)
            return;
        answer.len = (size_t)len;
        answer_datagram(server, &answer);
    }
}

static void send_held(struct echo_server *server)
{
    while (server->held_first != server->held_last) {
        const struct echo_held *answer = &server->held[server->held_first % ECHO_HELD];
        if (answer->due_ns > clock_monotonic_ns())
            return;
        send_datagram(server, answer);
        server->held_first++;
    }
}

/* ---- TCP ---- */

static bool read_whole(int fd, uint8_t *out, size_t len)
{
    return recv(fd, out, len, MSG_WAITALL) == (ssize_t)len;
}

/* Reads one message and answers it; false when the connection is to be closed. */
static bool answer_stream(struct echo_server *server, int number)
{
    uint8_t frame[2 + 512];
    int fd = server->connections[number];
    if (!read_whole(fd, frame, 2))
        return false;
    size_t len = bytes_get_u16(frame);
    if (len > 512 || !read_whole(fd, frame + 2, len))
        return false;
    count(&server->counts.over_tcp);
    uint64_t query = atomic_fetch_add(&server->counts.received, 1) + 1;
    if (!make_answer(server, frame + 2, query, true))
        return true;
    count(&server->counts.answered);
    server->answers[number]++;
    if (send(fd, frame, 2 + len, MSG_NOSIGNAL) < 0)
        return false;
    return server->rules.close_after == 0 || server->answers[number] < server->rules.close_after;
}

static void accept_connection(struct echo_server *server)
{
    int fd = accept(server->listener, NULL, NULL);
    for (int i = 0; fd >= 0 && i < CONNECTIONS; i++) {
        if (server->connections[i] >= 0)
            continue;
        server->connections[i] = fd;
        server->answers[i] = 0;
        return;
    }
    if (fd >= 0)
        close(fd);
}

/* ---- The thread ---- */

static void serve_once(struct echo_server *server)
{
    struct pollfd polled[2 + CONNECTIONS] = {{.fd = server->udp, .events = POLLIN},
                                             {.fd = server->listener, .events = POLLIN}};
    for (int i = 0; i < CONNECTIONS; i++)
        polled[2 + i] = (struct pollfd){.fd = server->connections[i], .events = POLLIN};
    (void)poll(polled, 2 + CONNECTIONS, 1);
    receive_datagrams(server);
    send_held(server);
    if (polled[1].revents != 0)
        accept_connection(server);
    for (int i = 0; i < CONNECTIONS; i++) {
        if (polled[2 + i].revents == 0 || answer_stream(server, i))
            continue;
        close(server->connections[i]);
        server->connections[i] = -1;
    }
}

static void *serve(void *argument)
{
    struct echo_server *server = argument;
    while (!atomic_load(&server->stop))
        serve_once(server);
    return NULL;
}

static void close_udp(struct echo_server *server)
{
    if (server->udp >= 0)
        close(server->udp);
    server->udp = -1;
}

/* Room for all that comes while this thread is kept from its CPU, past the system's limit where that is allowed. */
static void make_room(int udp)
{
    const int octets = 8 << 20;
    if (setsockopt(udp, SOL_SOCKET, SO_RCVBUFFORCE, &octets, sizeof(octets)) != 0)
        (void)setsockopt(udp, SOL_SOCKET, SO_RCVBUF, &octets, sizeof(octets));
}

/* Binds both sockets to one port, which is free for TCP; whether it is for UDP, too, is tried. */
static void bind_sockets(struct echo_server *server)
{
    socklen_t size = sizeof(server->addr);
    int tries = 0;
    for (bool bound = false; !bound; tries++) {
        CHECK(tries < BIND_TRIES);
        CHECK(addr_parse(&server->addr, "127.0.0.1:0", 0) == ERR_OK);
        server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CHECK(server->listener >= 0);
        CHECK(bind(server->listener, &server->addr.sa, addr_len(&server->addr)) == 0);
        CHECK(getsockname(server->listener, &server->addr.sa, &size) == 0);
        bound = bind(server->udp, &server->addr.sa, addr_len(&server->addr)) == 0;
        if (!bound)
            close(server->listener);
    }
}

struct echo_server *echo_server_start(const struct echo_rules *rules)
{
    struct echo_server *server = calloc(1, sizeof(*server));
    CHECK(server != NULL);
    server->rules = *rules;
    server->held = calloc(ECHO_HELD, sizeof(*server->held));
    CHECK(server->held != NULL);
    memset(server->connections, 0xff, sizeof(server->connections)); /* -1 */
    server->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK(server->udp >= 0);
    make_room(server->udp);
    bind_sockets(server);
    CHECK(listen(server->listener, 16) == 0);
    if (rules->no_udp)
        close_udp(server);
    CHECK(pthread_create(&server->thread, NULL, serve, server) == 0);
    return server;
}

void echo_server_stop(struct echo_server *server)
{
    atomic_store(&server->stop, true);
    CHECK(pthread_join(server->thread, NULL) == 0);
    close_udp(server);
    close(server->listener);
    for (int i = 0; i < CONNECTIONS; i++) {
        if (server->connections[i] >= 0)
            close(server->connections[i]);
    }
    free(server->held);
    free(server);
}
