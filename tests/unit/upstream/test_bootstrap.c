/* Host names resolved by c-ares, against a name server of the test on the loopback interface. */
#include "upstream_test.h"

#include "local53/dns/message.h"
#include "local53/net/loop.h"
#include "local53/net/timer.h"
#include "local53/net/udp.h"
#include "local53/upstream/bootstrap.h"
#include "wire.h"

#define LIMIT_MS 20000

/* The name server, and what the resolver told. */
struct world {
    struct loop *loop;           /* owned */
    struct udp_server *server;   /* owned; answers every A question */
    struct alarm *limit;         /* owned; ends a test that waits in vain */
    struct bootstrap *bootstrap; /* owned */
    unsigned last_octet;         /* of the first address answered; 0: NXDOMAIN */
    unsigned queries;            /* A questions received */
    unsigned changes;            /* of on_change */
    unsigned stop_at;            /* queries after which the loop stops; 0: at a change */
    bool timed_out;              /* the limit was passed */
    char host[64];               /* told last */
    struct addr addresses[BOOTSTRAP_ADDRESSES_MAX];
    size_t count;
};

static void on_limit(void *owner)
{
    struct world *world = owner;
    world->timed_out = true;
    loop_stop(world->loop);
}

/* Two addresses of a long TTL for A, none for AAAA. */
static size_t compose(struct world *world, const uint8_t *query, size_t len, uint8_t *out)
{
    struct writer w = writer_init(out, UDP_REPLY_MAX);
    size_t at = MESSAGE_HEADER_OCTETS;
    while (at < len && query[at] != 0)
        at += query[at] + (size_t)1;
    bool is_a = bytes_get_u16(query + at + 1) == TYPE_A;
    uint16_t records = is_a && world->last_octet != 0 ? 2 : 0;
    world->queries += is_a;
    writer_put(&w, query, 2);
    writer_u16(&w, (uint16_t)(FLAG_QR | FLAG_RD | FLAG_RA |
                              (world->last_octet == 0 ? RCODE_NXDOMAIN : RCODE_NOERROR)));
    writer_u16(&w, 1);
    writer_u16(&w, records);
    writer_u32(&w, 0);
    writer_put(&w, query + MESSAGE_HEADER_OCTETS, at + 5 - MESSAGE_HEADER_OCTETS);
    for (uint16_t i = 0; i < records; i++) {
        const uint8_t octets[4] = {10, 9, 8, (uint8_t)(world->last_octet + i)};
        wire_pointer(&w, MESSAGE_HEADER_OCTETS);
        wire_record(&w, TYPE_A, 60, (struct bytes){octets, sizeof(octets)});
    }
    return w.len;
}

static void on_batch(void *owner, struct udp_server *server, struct udp_packet *packets,
                     size_t count)
{
    struct world *world = owner;
    for (size_t i = 0; i < count; i++) {
        uint8_t *reply = udp_server_reserve(server);
        udp_server_commit(server, &packets[i].peer,
                          compose(world, packets[i].data, packets[i].len, reply));
    }
    if (world->stop_at != 0 && world->queries >= world->stop_at)
        loop_stop(world->loop);
}

static void on_change(void *owner, const char *host, const struct addr *addresses, size_t count)
{
    struct world *world = owner;
    world->changes++;
    strncpy(world->host, host, sizeof(world->host) - 1);
    memcpy(world->addresses, addresses, count * sizeof(*addresses));
    world->count = count;
    loop_stop(world->loop);
}

static int open_world(void **state)
{
    struct world *world = test_calloc(1, sizeof(*world));
    struct addr at;
    assert_int_equal(addr_parse(&at, "127.0.0.1", 0), ERR_OK);
    world->loop = loop_new();
    assert_int_equal(udp_server_open(&world->server, world->loop, &at, on_batch, world), ERR_OK);
    world->limit = alarm_new(world->loop, on_limit, world);
    world->last_octet = 1;
    at = udp_server_addr(world->server);
    world->bootstrap = bootstrap_new_asking(world->loop, &at, 1, on_change, world);
    *state = world;
    return 0;
}

static int close_world(void **state)
{
    struct world *world = *state;
    bootstrap_free(world->bootstrap);
    udp_server_close(world->server);
    alarm_free(world->limit);
    loop_free(world->loop);
    test_free(world);
    return 0;
}

static void run(struct world *world)
{
    alarm_set(world->limit, LIMIT_MS);
    loop_run(world->loop);
    assert_false(world->timed_out);
}

static void a_host_is_resolved_at_once_and_told_with_all_its_addresses(void **state)
{
    struct world *world = *state;
    const char *hosts[] = {"dns.corp.example"};
    struct addr out[BOOTSTRAP_ADDRESSES_MAX];
    assert_int_equal(bootstrap_addresses(world->bootstrap, hosts[0], out, 8), 0);
    bootstrap_set_hosts(world->bootstrap, hosts, 1);
    run(world);
    assert_string_equal(world->host, hosts[0]);
    assert_int_equal(world->count, 2);
    assert_int_equal(bootstrap_addresses(world->bootstrap, hosts[0], out, 8), 2);
    upstream_test_expect(&out[0], "10.9.8.1");
    upstream_test_expect(&out[1], "10.9.8.2");
    assert_int_equal(bootstrap_addresses(world->bootstrap, hosts[0], out, 1), 1);
    assert_int_equal(bootstrap_addresses(world->bootstrap, "other.example", out, 8), 0);
}

static void a_host_that_stays_named_keeps_its_addresses_and_a_dropped_one_does_not(void **state)
{
    struct world *world = *state;
    const char *hosts[] = {"one.example", "two.example"};
    struct addr out[BOOTSTRAP_ADDRESSES_MAX];
    bootstrap_set_hosts(world->bootstrap, hosts, 2);
    while (world->changes < 2)
        run(world);
    unsigned queries = world->queries;
    bootstrap_set_hosts(world->bootstrap, hosts + 1, 1);
    assert_int_equal(bootstrap_addresses(world->bootstrap, hosts[0], out, 8), 0);
    assert_int_equal(bootstrap_addresses(world->bootstrap, hosts[1], out, 8), 2);
    assert_int_equal(world->queries, queries);
}

static void a_name_that_does_not_exist_is_not_told(void **state)
{
    struct world *world = *state;
    const char *hosts[] = {"none.example"};
    struct addr out[BOOTSTRAP_ADDRESSES_MAX];
    world->last_octet = 0;
    world->stop_at = 1;
    bootstrap_set_hosts(world->bootstrap, hosts, 1);
    run(world);
    assert_int_equal(world->changes, 0);
    assert_int_equal(bootstrap_addresses(world->bootstrap, hosts[0], out, 8), 0);
}

static void hosts_may_be_dropped_and_all_be_freed_while_a_question_is_under_way(void **state)
{
    struct world *world = *state;
    const char *hosts[] = {"one.example", "two.example"};
    world->stop_at = 1;
    bootstrap_set_hosts(world->bootstrap, hosts, 2);
    run(world);
    bootstrap_set_hosts(world->bootstrap, hosts, 1);
    bootstrap_free(world->bootstrap);
    world->bootstrap = NULL;
    assert_int_equal(world->changes, 0);
}

static void without_servers_nothing_is_asked(void **state)
{
    struct world *world = *state;
    const char *hosts[] = {"one.example"};
    struct addr out[BOOTSTRAP_ADDRESSES_MAX];
    struct bootstrap *none = bootstrap_new_asking(world->loop, NULL, 0, on_change, world);
    bootstrap_set_hosts(none, hosts, 1);
    udp_server_close(world->server);
    world->server = NULL;
    loop_run(world->loop);
    assert_int_equal(bootstrap_addresses(none, hosts[0], out, 8), 0);
    bootstrap_free(none);
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_host_is_resolved_at_once_and_told_with_all_its_addresses),
        WORLD_TEST(a_host_that_stays_named_keeps_its_addresses_and_a_dropped_one_does_not),
        WORLD_TEST(a_name_that_does_not_exist_is_not_told),
        WORLD_TEST(hosts_may_be_dropped_and_all_be_freed_while_a_question_is_under_way),
        WORLD_TEST(without_servers_nothing_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
