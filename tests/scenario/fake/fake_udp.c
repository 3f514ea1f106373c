/* fake_udp: server and client datagram sockets without a kernel. Owns the sockets until a turn after
 * their close, and the datagrams that left until the test takes them. */
#include <stdlib.h>
#include <string.h>

#include "fake_net.h"
#include "fake_private.h"
#include "local53/base/check.h"

/* Servers whose sends may be made to fail at once. */
#define FAILING_MAX 16

/* First port given to sockets that ask for none. */
#define FIRST_PORT 20000

/* Something on its way to a socket: a datagram, or an error where err is not ERR_OK. */
struct arrival {
    struct link link; /* place in the socket's list */
    struct addr from; /* who sent it */
    enum err err;     /* what an ICMP message said */
    size_t len;       /* octets in data */
    uint8_t data[];
};

/* A datagram that left, until the test takes it. */
struct departure {
    struct link link; /* place in replies or queries */
    struct fake_packet packet;
};

struct udp_server {
    struct loop *loop;            /* borrowed */
    struct link link;             /* place in the loop's list */
    struct link arrivals;         /* of struct arrival; owned */
    struct addr addr;             /* bound to */
    udp_on_batch on_batch;        /* told each batch */
    void *owner;                  /* borrowed */
    uint64_t send_drops;          /* see struct udp_stats */
    bool refuses;                 /* takes no reply */
    bool closing;                 /* freed by the next turn */
    unsigned count;               /* replies queued */
    struct addr peers[UDP_BATCH]; /* where they go */
    size_t lens[UDP_BATCH];       /* their octets */
    uint8_t data[UDP_BATCH][UDP_REPLY_MAX];
};

struct udp_client {
    struct loop *loop;                      /* borrowed */
    struct link link;                       /* place in the loop's list */
    struct link arrivals;                   /* of struct arrival; owned */
    uint64_t id;                            /* the test's name for it */
    struct addr local;                      /* 192.0.2.53 or 2001:db8::53, a port of its own */
    struct addr peer;                       /* connected to */
    const struct udp_client_events *events; /* borrowed */
    void *owner;                            /* borrowed */
    bool closing;                           /* freed by the next turn */
};

static struct fake_udp {
    struct link replies; /* of struct departure; owned */
    struct link queries; /* of struct departure; owned */
    uint16_t last_port;  /* last port given */
    size_t failing;      /* entries of the two below */
    struct addr failing_to[FAILING_MAX];
    enum err failing_with[FAILING_MAX];
} state;

void fake_udp_init(void)
{
    memset(&state, 0, sizeof(state));
    state.last_port = FIRST_PORT;
    list_init(&state.replies);
    list_init(&state.queries);
}

static void drop_all(struct link *departures)
{
    struct link *link;
    while ((link = list_take_first(departures)) != NULL)
        free(LIST_ITEM(link, struct departure, link));
}

void fake_udp_deinit(void)
{
    drop_all(&state.replies);
    drop_all(&state.queries);
}

/* --- what comes and goes --- */

static struct arrival *arrive(struct link *arrivals, const struct addr *from, const void *data,
                              size_t len)
{
    struct arrival *arrival = fake_new(sizeof(*arrival) + len);
    arrival->from = *from;
    arrival->len = len;
    memcpy(arrival->data, data, len);
    list_append(arrivals, &arrival->link);
    return arrival;
}

static struct arrival *take_arrival(struct link *arrivals)
{
    struct link *link = list_take_first(arrivals);
    return link == NULL ? NULL : LIST_ITEM(link, struct arrival, link);
}

static void drop_arrivals(struct link *arrivals)
{
    struct arrival *arrival;
    while ((arrival = take_arrival(arrivals)) != NULL)
        free(arrival);
}

static struct fake_packet *depart(struct link *departures, const struct addr *to, const void *data,
                                  size_t len)
{
    struct departure *departure = fake_new(sizeof(*departure));
    CHECK(len <= sizeof(departure->packet.data));
    departure->packet.to = *to;
    departure->packet.at_ms = fake_net_now_ms();
    departure->packet.len = len;
    memcpy(departure->packet.data, data, len);
    list_append(departures, &departure->link);
    return &departure->packet;
}

static bool take_departure(struct link *departures, const struct addr *to, struct fake_packet *out)
{
    LIST_EACH(item, after, departures) {
        struct departure *departure = LIST_ITEM(item, struct departure, link);
        if (to != NULL && !addr_equal(to, &departure->packet.to))
            continue;
        *out = departure->packet;
        list_remove(item);
        free(departure);
        return true;
    }
    return false;
}

/* --- server sockets --- */

enum err udp_server_open(struct udp_server **out, struct loop *loop, const struct addr *addr,
                         udp_on_batch on_batch, void *owner)
{
    struct udp_server *server = fake_new(sizeof(*server));
    server->loop = loop;
    server->on_batch = on_batch;
    server->owner = owner;
    server->addr = addr_port(addr) != 0 ? *addr : addr_with_port(*addr, ++state.last_port);
    list_init(&server->arrivals);
    list_append(&loop->udp_servers, &server->link);
    *out = server;
    return ERR_OK;
}

enum err udp_server_open_single(struct udp_server **out, struct loop *loop, const struct addr *addr,
                                udp_on_batch on_batch, void *owner)
{
    return udp_server_open(out, loop, addr, on_batch, owner);
}

void udp_server_seal(struct udp_server *server)
{
    (void)server;
}

enum err udp_server_steer(const struct udp_server *server, size_t first, size_t count)
{
    (void)server;
    (void)first;
    (void)count;
    return ERR_OK;
}

/* A turn hands over whatever has come. */
void udp_server_read_out(struct udp_server *server)
{
    (void)server;
}

struct addr udp_server_addr(const struct udp_server *server)
{
    return server->addr;
}

uint8_t *udp_server_reserve(struct udp_server *server)
{
    if (server->count == UDP_BATCH)
        udp_server_flush(server);
    return server->data[server->count];
}

void udp_server_commit(struct udp_server *server, const struct addr *peer, size_t len)
{
    CHECK(!server->closing && server->count < UDP_BATCH && len <= UDP_REPLY_MAX);
    server->peers[server->count] = *peer;
    server->lens[server->count] = len;
    server->count++;
}

void udp_server_flush(struct udp_server *server)
{
    for (unsigned i = 0; i < server->count; i++) {
        if (server->refuses) {
            server->send_drops++;
            continue;
        }
        struct fake_packet *packet =
            depart(&state.replies, &server->peers[i], server->data[i], server->lens[i]);
        packet->from = server->addr;
    }
    server->count = 0;
}

struct udp_stats udp_server_stats(const struct udp_server *server)
{
    return (struct udp_stats){.kernel_drops = 0, .send_drops = server->send_drops};
}

void udp_server_close(struct udp_server *server)
{
    if (server == NULL || server->closing)
        return;
    udp_server_flush(server);
    server->closing = true;
}

static void free_server(struct udp_server *server)
{
    drop_arrivals(&server->arrivals);
    list_remove(&server->link);
    free(server);
}

/* Hands over one batch; each packet stands in memory of its own size, so that a sanitizer sees a read
 * past its end. */
static bool deliver_batch(struct udp_server *server)
{
    struct arrival *taken[UDP_BATCH];
    struct udp_packet packets[UDP_BATCH];
    size_t count = 0;
    while (count < UDP_BATCH && (taken[count] = take_arrival(&server->arrivals)) != NULL) {
        packets[count].data = taken[count]->data;
        packets[count].len = taken[count]->len;
        packets[count].peer = taken[count]->from;
        count++;
    }
    if (count == 0)
        return false;
    server->on_batch(server->owner, server, packets, count);
    udp_server_flush(server);
    for (size_t i = 0; i < count; i++)
        free(taken[i]);
    return true;
}

static bool server_turn(struct udp_server *server)
{
    if (!server->closing)
        return deliver_batch(server);
    free_server(server);
    return true;
}

/* --- client sockets --- */

enum err udp_client_open(struct udp_client **out, struct loop *loop, const struct addr *peer,
                         const struct udp_client_events *events, void *owner)
{
    struct udp_client *client = fake_new(sizeof(*client));
    const char *own = peer->sa.sa_family == AF_INET ? "192.0.2.53" : "2001:db8::53";
    CHECK(addr_parse(&client->local, own, ++state.last_port) == ERR_OK);
    client->loop = loop;
    client->id = fake_next_id();
    client->peer = *peer;
    client->events = events;
    client->owner = owner;
    list_init(&client->arrivals);
    list_append(&loop->udp_clients, &client->link);
    *out = client;
    return ERR_OK;
}

enum err udp_client_send(struct udp_client *client, const uint8_t *data, size_t len)
{
    CHECK(!client->closing);
    for (size_t i = 0; i < state.failing; i++)
        if (state.failing_with[i] != ERR_OK && addr_equal(&state.failing_to[i], &client->peer))
            return state.failing_with[i];
    struct fake_packet *packet = depart(&state.queries, &client->peer, data, len);
    packet->from = client->local;
    packet->socket = client->id;
    return ERR_OK;
}

void udp_client_queue(struct udp_client *client, const uint8_t *data, size_t len)
{
    CHECK(len <= UDP_CLIENT_QUEUE_OCTETS);
    enum err err = udp_client_send(client, data, len);
    if (err != ERR_OK)
        arrive(&client->arrivals, &client->peer, "", 0)->err = err;
}

/* Here every datagram leaves at once, and alone. */
bool udp_client_is_queueing(const struct udp_client *client)
{
    (void)client;
    return false;
}

void udp_client_close(struct udp_client *client)
{
    if (client != NULL)
        client->closing = true;
}

static bool client_turn(struct udp_client *client)
{
    struct arrival *arrival;
    bool worked = false;
    while (!client->closing && (arrival = take_arrival(&client->arrivals)) != NULL) {
        if (arrival->err != ERR_OK)
            client->events->on_error(client->owner, client, arrival->err);
        else
            client->events->on_datagram(client->owner, client, arrival->data, arrival->len);
        free(arrival);
        worked = true;
    }
    if (!client->closing)
        return worked;
    drop_arrivals(&client->arrivals);
    list_remove(&client->link);
    free(client);
    return true;
}

/* --- turns --- */

bool fake_udp_turn(struct loop *loop)
{
    bool worked = false;
    LIST_EACH(item, after, &loop->udp_servers)
        worked = server_turn(LIST_ITEM(item, struct udp_server, link)) || worked;
    LIST_EACH(item, after, &loop->udp_clients)
        worked = client_turn(LIST_ITEM(item, struct udp_client, link)) || worked;
    return worked;
}

void fake_udp_end_turn(struct loop *loop)
{
    LIST_EACH(item, after, &loop->udp_servers)
        udp_server_flush(LIST_ITEM(item, struct udp_server, link));
}

/* --- the test's side --- */

struct udp_server *fake_udp_server(const struct addr *addr, size_t nth)
{
    LIST_EACH(outer, outer_after, fake_loops()) {
        struct loop *loop = LIST_ITEM(outer, struct loop, link);
        LIST_EACH(item, after, &loop->udp_servers) {
            struct udp_server *server = LIST_ITEM(item, struct udp_server, link);
            if (!server->closing && addr_equal(&server->addr, addr) && nth-- == 0)
                return server;
        }
    }
    return NULL;
}

void fake_udp_deliver(struct udp_server *server, const struct addr *from, const void *data,
                      size_t len)
{
    size_t kept = len < UDP_RECEIVE_MAX ? len : UDP_RECEIVE_MAX;
    (void)arrive(&server->arrivals, from, data, kept);
}

void fake_udp_deliver_batch(struct udp_server *server, const struct fake_datagram *datagrams,
                            size_t count)
{
    for (size_t i = 0; i < count; i++)
        fake_udp_deliver(server, &datagrams[i].from, datagrams[i].data, datagrams[i].len);
}

bool fake_udp_take_reply(const struct addr *to, struct fake_packet *out)
{
    return take_departure(&state.replies, to, out);
}

void fake_udp_refuse_replies(struct udp_server *server, bool refuse)
{
    server->refuses = refuse;
}

bool fake_upstream_take(const struct addr *to, struct fake_packet *out)
{
    return take_departure(&state.queries, to, out);
}

static struct udp_client *find_client(uint64_t id)
{
    LIST_EACH(outer, outer_after, fake_loops()) {
        struct loop *loop = LIST_ITEM(outer, struct loop, link);
        LIST_EACH(item, after, &loop->udp_clients) {
            struct udp_client *client = LIST_ITEM(item, struct udp_client, link);
            if (client->id == id && !client->closing)
                return client;
        }
    }
    return NULL;
}

bool fake_upstream_answer(uint64_t socket, const void *data, size_t len)
{
    struct udp_client *client = find_client(socket);
    size_t kept = len < UDP_RECEIVE_MAX ? len : UDP_RECEIVE_MAX;
    if (client != NULL)
        (void)arrive(&client->arrivals, &client->peer, data, kept);
    return client != NULL;
}

bool fake_upstream_error(uint64_t socket, enum err err)
{
    struct udp_client *client = find_client(socket);
    CHECK(err != ERR_OK);
    if (client != NULL)
        arrive(&client->arrivals, &client->peer, "", 0)->err = err;
    return client != NULL;
}

void fake_upstream_fail_sends(const struct addr *to, enum err err)
{
    size_t i = 0;
    while (i < state.failing && !addr_equal(&state.failing_to[i], to))
        i++;
    CHECK(i < FAILING_MAX);
    state.failing_to[i] = *to;
    state.failing_with[i] = err;
    if (i == state.failing)
        state.failing++;
}

size_t fake_upstream_sockets(void)
{
    size_t count = 0;
    LIST_EACH(outer, outer_after, fake_loops()) {
        struct loop *loop = LIST_ITEM(outer, struct loop, link);
        LIST_EACH(item, after, &loop->udp_clients)
            count += LIST_ITEM(item, struct udp_client, link)->closing ? 0 : 1;
    }
    return count;
}
