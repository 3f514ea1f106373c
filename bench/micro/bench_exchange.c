/* An exchange over the loopback interface, the answering server's work included, against the same packets
 * through two bare sockets: what choosing a socket and an id, timers, matching and judging cost. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "local53/base/check.h"
#include "local53/dns/message.h"
#include "local53/net/loop.h"
#include "local53/net/udp.h"
#include "local53/upstream/exchange.h"

#define AT_ONCE 32 /* questions under way together */
#define QUERY_OCTETS 44

struct world {
    struct loop *loop;
    struct rng rng;
    struct upstream *upstream;
    struct pool pool;
    struct question question;
    unsigned waiting;  /* exchanges under way */
    uint64_t answered; /* exchanges that ended well */
    int server;        /* bare sockets of the baseline */
    int client;
};

/* --- exchanges --- */

static void on_batch(void *owner, struct udp_server *server, struct udp_packet *packets,
                     size_t count)
{
    (void)owner;
    for (size_t i = 0; i < count; i++) {
        uint8_t *reply = udp_server_reserve(server);
        memcpy(reply, packets[i].data, packets[i].len);
        bytes_put_u16(reply + 2, FLAG_QR | FLAG_RA);
        udp_server_commit(server, &packets[i].peer, packets[i].len);
    }
}

static void on_done(void *owner, const struct exchange_result *result)
{
    struct world *world = owner;
    world->answered += result->err == ERR_OK;
    if (--world->waiting == 0)
        loop_stop(world->loop);
}

static uint64_t exchange(void *arg, uint64_t count)
{
    struct world *world = arg;
    uint64_t before = world->answered;
    uint64_t left = count;
    while (left > 0) {
        world->waiting = left < AT_ONCE ? (unsigned)left : AT_ONCE;
        left -= world->waiting;
        for (unsigned i = world->waiting; i > 0; i--)
            CHECK(exchange_start(world->upstream, &world->pool, &world->question, on_done, world) !=
                  0);
        loop_run(world->loop);
    }
    CHECK(world->answered == before + count);
    return world->answered;
}

/* --- bare sockets --- */

static uint64_t echo(void *arg, uint64_t count)
{
    const struct world *world = arg;
    uint8_t packet[512] = {0};
    struct sockaddr_in from;
    for (uint64_t i = 0; i < count; i++) {
        socklen_t len = sizeof(from);
        CHECK(send(world->client, packet, QUERY_OCTETS, 0) == QUERY_OCTETS);
        CHECK(recvfrom(world->server, packet, sizeof(packet), 0, (struct sockaddr *)&from, &len) ==
              QUERY_OCTETS);
        CHECK(sendto(world->server, packet, QUERY_OCTETS, 0, (struct sockaddr *)&from, len) ==
              QUERY_OCTETS);
        CHECK(recv(world->client, packet, sizeof(packet), 0) == QUERY_OCTETS);
    }
    return packet[0];
}

static void open_bare(struct world *world)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    world->server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    world->client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK(world->server >= 0 && world->client >= 0);
    CHECK(bind(world->server, (struct sockaddr *)&at, len) == 0);
    CHECK(getsockname(world->server, (struct sockaddr *)&at, &len) == 0);
    CHECK(connect(world->client, (struct sockaddr *)&at, len) == 0);
}

int main(void)
{
    static const uint8_t wire[] = "\3www\7example\3com";
    static struct world world;
    struct udp_server *server;
    struct name qname;
    struct addr at;
    CHECK(addr_parse(&at, "127.0.0.1", 0) == ERR_OK);
    CHECK(name_from_wire(&qname, wire, sizeof(wire)) == ERR_OK);
    world.loop = loop_new();
    rng_init(&world.rng);
    struct metrics *metrics = metrics_new();
    const struct upstream_setup setup = {
        .loop = world.loop, .rng = &world.rng, .metrics = metrics, .exchanges = AT_ONCE};
    world.upstream = upstream_new(&setup);
    CHECK(udp_server_open(&server, world.loop, &at, on_batch, NULL) == ERR_OK);
    world.pool = (struct pool){.servers = {udp_server_addr(server)}, .count = 1};
    world.question = (struct question){&qname, TYPE_A, CLASS_IN, true, false, false};
    open_bare(&world);

    bench_title("exchange: one question over the loopback interface, both ends");
    struct bench_result baseline = bench_run("bare sockets, 4 calls", echo, &world);
    bench_run_against("exchange, 32 at once", exchange, &world, baseline);

    close(world.server);
    close(world.client);
    udp_server_close(server);
    upstream_free(world.upstream);
    loop_free(world.loop);
    metrics_free(metrics);
    return 0;
}
