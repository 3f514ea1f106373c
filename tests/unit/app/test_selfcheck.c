/* Queries to ourselves, answered by servers of the test's on the same loop. */
#include "../../../src/app/selfcheck.h"

#include "net_test.h"

#include "local53/dns/message.h"

#define SERVERS 2

/* The check, and who answers it. */
struct fixture {
    struct net_test test;
    struct rng rng;
    struct udp_server *servers[SERVERS];
    struct addr addresses[SERVERS];
    struct selfcheck *selfcheck;
    unsigned asked[SERVERS]; /* questions that came to each */
    unsigned asked_all;      /* the sum */
    unsigned misspoken; /* the first so many are answered under another id, or with another name */
};

/* An answer is told by its id and its question. */
static void spoil(uint8_t *answer, bool by_id)
{
    answer[by_id ? 0 : MESSAGE_HEADER_OCTETS + 1] ^= 1;
}

static void on_batch(void *owner, struct udp_server *server, struct udp_packet *packets,
                     size_t count)
{
    struct fixture *fixture = owner;
    for (size_t i = 0; i < count; i++) {
        if (fixture->asked_all < fixture->misspoken)
            spoil(packets[i].data, fixture->asked_all % 2 == 0);
        fixture->asked[server == fixture->servers[1]]++;
        fixture->asked_all++;
    }
    net_test_echo(fixture, server, packets, count);
}

static void on_turn(void *owner)
{
    struct fixture *fixture = owner;
    if (selfcheck_passed(fixture->selfcheck))
        loop_stop(fixture->test.loop);
}

static int set_up(void **state)
{
    static const char *const texts[SERVERS] = {"127.0.0.1", "127.0.0.2"};
    static struct fixture fixture;
    fixture = (struct fixture){0};
    net_test_init(&fixture.test);
    rng_init_seeded(&fixture.rng, 1);
    for (size_t i = 0; i < SERVERS; i++) {
        struct addr addr = net_test_addr(texts[i]);
        assert_int_equal(
            udp_server_open(&fixture.servers[i], fixture.test.loop, &addr, on_batch, &fixture),
            ERR_OK);
        fixture.addresses[i] = udp_server_addr(fixture.servers[i]);
    }
    loop_set_on_turn(fixture.test.loop, on_turn, &fixture);
    fixture.selfcheck = selfcheck_new(fixture.test.loop, &fixture.rng, fixture.addresses, SERVERS);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    selfcheck_free(fixture->selfcheck);
    loop_set_on_turn(fixture->test.loop, NULL, NULL);
    for (size_t i = 0; i < SERVERS; i++)
        udp_server_close(fixture->servers[i]);
    net_test_deinit(&fixture->test);
    return 0;
}

static void it_passes_once_every_address_has_answered(void **state)
{
    struct fixture *fixture = *state;
    assert_false(selfcheck_passed(fixture->selfcheck));
    assert_true(selfcheck_alive(fixture->selfcheck));
    assert_true(net_test_run(&fixture->test));
    assert_int_equal(fixture->asked[0], 1);
    assert_int_equal(fixture->asked[1], 1);
}

/* Asked again after SELFCHECK_RETRY_MS each time. */
static void an_answer_to_something_else_is_none(void **state)
{
    struct fixture *fixture = *state;
    fixture->misspoken = 2;
    assert_true(net_test_run_within(&fixture->test, 2 * SELFCHECK_PERIOD_MS - 1));
    assert_int_equal(fixture->asked[0], 3);
    assert_int_equal(fixture->asked[1], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_passes_once_every_address_has_answered, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_answer_to_something_else_is_none, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
