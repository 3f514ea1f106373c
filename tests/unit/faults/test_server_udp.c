/* The fault server over UDP, on the loopback interface: what it counts is what a client sees. */
#include "serve_test.h"

static void answers_come_from_the_port_asked_and_are_counted(void **state)
{
    struct serve_test test;
    uint8_t answer[SERVE_TEST_QUERY_MAX];
    bool seen[300] = {false};
    (void)state;

    serve_test_init(&test, "127.0.0.1");
    serve_test_start(&test);
    /* A connected socket takes nothing from another address or port. */
    int fd = serve_test_connect(&test.address, SOCK_DGRAM);
    serve_test_send(fd, 300);
    for (size_t i = 0; i < 300; i++) {
        (void)serve_test_answer(fd, answer);
        uint16_t id = bytes_get_u16(answer);

        assert_true(id < 300 && !seen[id]);
        assert_int_equal(bytes_get_u16(answer + ANCOUNT_OFFSET), 1);
        seen[id] = true;
    }
    serve_test_stop(&test);
    assert_int_equal(test.truth.received, 300);
    assert_int_equal(test.truth.answered, 300);
    assert_int_equal(test.truth.rcode[0], 300);
    assert_int_equal(test.truth.tcp, 0);
    assert_int_equal(test.truth.socket_drops, 0);
    assert_true(test.truth.first_ns > 0 && test.truth.last_ns >= test.truth.first_ns);
    assert_true(test.truth.cpu_ns > 0);
    (void)close(fd);
}

/* A server with one option, and what a client sees of count queries. */
static struct serve_test_seen seen_under(struct serve_test *test, const char *name,
                                         const char *value, uint16_t count)
{
    serve_test_init(test, "127.0.0.1");
    serve_test_plan(test, name, value);
    serve_test_start(test);
    return serve_test_series(test, count);
}

static void queries_that_are_lost_are_those_the_client_misses(void **state)
{
    struct serve_test test;
    struct serve_test_seen seen = seen_under(&test, "loss", "20%", 1000);
    (void)state;

    assert_in_range(test.truth.dropped, 100, 300);
    assert_int_equal(seen.sent - seen.got, test.truth.dropped);
    assert_int_equal(test.truth.answered, seen.got);
}

static void the_same_seed_loses_the_same_queries_in_every_run(void **state)
{
    struct serve_test a;
    struct serve_test b;
    struct serve_test_seen seen_a = seen_under(&a, "loss", "20%", 500);
    struct serve_test_seen seen_b = seen_under(&b, "loss", "20%", 500);
    (void)state;

    /* How many queries end a series depends on how fast it was read; those of the series do not. */
    assert_memory_equal(seen_a.answered, seen_b.answered, 500 * sizeof(bool));
    assert_true(a.truth.dropped > 0);
}

static void each_fault_is_seen_as_often_as_it_is_told(void **state)
{
    struct serve_test test;
    struct serve_test_seen seen;
    (void)state;

    seen = seen_under(&test, "rcode", "SERVFAIL:30%", 200);
    assert_true(test.truth.rcode[2] > 0);
    assert_int_equal(seen.rcode[2], test.truth.rcode[2]);
    seen = seen_under(&test, "tc", "30%", 200);
    assert_true(test.truth.truncated > 0);
    assert_int_equal(seen.truncated, test.truth.truncated);
    seen = seen_under(&test, "wrong", "empty:30%", 200);
    assert_true(test.truth.empty > 0);
    assert_int_equal(seen.empty, test.truth.empty);
    seen = seen_under(&test, "wrong", "question:30%", 200);
    assert_true(test.truth.wrong_question > 0);
    assert_int_equal(seen.no_match, test.truth.wrong_question);
    seen = seen_under(&test, "wrong", "address", 200);
    assert_int_equal(test.truth.wrong_address, seen.got);
    seen = seen_under(&test, "wrong", "id", 200);
    assert_int_equal(test.truth.wrong_id, seen.got);
}

static void duplicates_are_counted_apart_from_answers(void **state)
{
    struct serve_test test;
    struct serve_test_seen seen = seen_under(&test, "duplicate", "100%", 100);
    (void)state;

    assert_int_equal(test.truth.answered, seen.sent);
    assert_int_equal(test.truth.duplicated, seen.sent);
    assert_int_equal(seen.got, 2 * seen.sent);
}

static void what_is_no_query_gets_no_answer_and_what_is_cut_gets_formerr(void **state)
{
    struct serve_test test;
    uint8_t query[SERVE_TEST_QUERY_MAX];
    uint8_t answer[SERVE_TEST_QUERY_MAX];
    size_t len = serve_test_query(query, 1);
    (void)state;

    serve_test_init(&test, "127.0.0.1");
    serve_test_start(&test);
    int fd = serve_test_connect(&test.address, SOCK_DGRAM);
    assert_int_equal(send(fd, query, 0, 0), 0);
    assert_int_equal(send(fd, query, 11, 0), 11);
    query[2] |= FLAG_QR >> 8;
    assert_int_equal(send(fd, query, len, 0), len);
    query[2] = 0;
    assert_int_equal(send(fd, query, len - 1, 0), len - 1);
    (void)serve_test_answer(fd, answer);
    assert_int_equal(message_rcode(answer), RCODE_FORMERR);
    serve_test_stop(&test);
    assert_int_equal(test.truth.malformed, 3);
    assert_int_equal(test.truth.answered, 1);
    assert_int_equal(test.truth.rcode[RCODE_FORMERR], 1);
    (void)close(fd);
}

/* Listening on any address, it has no second socket, and answers from the address that was
 * asked. */
static void a_server_on_any_address_answers_from_the_one_asked(void **state)
{
    static const char *const listen[] = {"0.0.0.0", "::"};
    static const char *const asked[] = {"127.0.0.7", "::1"};
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        struct serve_test test;
        struct addr to;

        serve_test_init(&test, listen[i]);
        serve_test_start(&test);
        assert_int_equal(addr_parse(&to, asked[i], 0), ERR_OK);
        test.address = addr_with_port(to, addr_port(&test.address));
        struct serve_test_seen seen = serve_test_series(&test, 10);
        assert_int_equal(seen.got, seen.sent);
    }
}

static void a_second_server_does_not_get_the_same_address(void **state)
{
    struct serve_test test;
    struct serve_test other;
    (void)state;

    serve_test_init(&test, "127.0.0.1");
    serve_test_start(&test);
    serve_test_init(&other, "127.0.0.1");
    other.config.listen = test.address;
    assert_int_equal(fault_server_run(&other.config, &other.stop, &other.truth), ERR_IN_USE);
    histogram_deinit(&other.truth.hold);
    /* Nor does one that would share it: its own two sockets share it no longer. */
    const int on = 1;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    assert_int_equal(bind(fd, &test.address.sa, addr_len(&test.address)), -1);
    (void)close(fd);
    struct serve_test_seen seen = serve_test_series(&test, 10);
    assert_int_equal(seen.got, seen.sent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_from_the_port_asked_and_are_counted),
        cmocka_unit_test(queries_that_are_lost_are_those_the_client_misses),
        cmocka_unit_test(the_same_seed_loses_the_same_queries_in_every_run),
        cmocka_unit_test(each_fault_is_seen_as_often_as_it_is_told),
        cmocka_unit_test(duplicates_are_counted_apart_from_answers),
        cmocka_unit_test(what_is_no_query_gets_no_answer_and_what_is_cut_gets_formerr),
        cmocka_unit_test(a_server_on_any_address_answers_from_the_one_asked),
        cmocka_unit_test(a_second_server_does_not_get_the_same_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
