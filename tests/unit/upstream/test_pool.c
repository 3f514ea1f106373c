/* From what a configuration names to the addresses that are asked. */
#include "upstream_test.h"

#include <stdio.h>

#include "local53/upstream/pool.h"

#define VARIABLE "LOCAL53_TEST_SERVERS"

/* A pool as it comes out of some servers. */
struct outcome {
    struct pool pool;
    char problem[256];
    bool has_others; /* than ourselves */
};

static struct addr addr_of(const char *text)
{
    struct addr addr;
    assert_int_equal(addr_parse(&addr, text, 53), ERR_OK);
    return addr;
}

static struct outcome resolve_source(const struct pool_source *source)
{
    struct outcome outcome;
    outcome.has_others =
        pool_resolve(&outcome.pool, source, outcome.problem, sizeof(outcome.problem));
    return outcome;
}

static struct outcome resolve(const struct config_server *servers, size_t count)
{
    return resolve_source(&(struct pool_source){.servers = servers, .server_count = count});
}

/* As one that listens on 169.254.20.10 and on all addresses, port 53. */
static struct outcome resolve_as_listener(const struct config_server *servers, size_t count)
{
    const struct addr own[] = {addr_of("169.254.20.10:53"), addr_of("0.0.0.0:53")};
    return resolve_source(&(struct pool_source){
        .servers = servers, .server_count = count, .own = own, .own_count = 2});
}

static struct config_server literal(const char *text)
{
    return (struct config_server){
        .kind = CONFIG_SERVER_ADDRESS, .addr = addr_of(text), .text = text};
}

static void literal_addresses_stay_in_their_order_without_doubles(void **state)
{
    const struct config_server servers[] = {literal("10.0.0.3"), literal("10.0.0.2:5353"),
                                            literal("10.0.0.3:53"), literal("10.0.0.2")};
    (void)state;
    struct outcome outcome = resolve(servers, 4);
    assert_string_equal(outcome.problem, "");
    assert_int_equal(outcome.pool.count, 3);
    upstream_test_expect(&outcome.pool.servers[0], "10.0.0.3:53");
    upstream_test_expect(&outcome.pool.servers[1], "10.0.0.2:5353");
    upstream_test_expect(&outcome.pool.servers[2], "10.0.0.2:53");
}

static void a_resolv_conf_file_gives_its_nameservers(void **state)
{
    char path[sizeof(UPSTREAM_TEST_PATH)];
    upstream_test_file(path, "nameserver 10.0.0.2\nnameserver fd00:ec2::253\n");
    const struct config_server server = {.kind = CONFIG_SERVER_RESOLV_CONF, .text = path};
    (void)state;
    struct outcome outcome = resolve(&server, 1);
    unlink(path);
    assert_string_equal(outcome.problem, "");
    assert_int_equal(outcome.pool.count, 2);
    upstream_test_expect(&outcome.pool.servers[1], "[fd00:ec2::253]:53");
}

static void a_missing_or_empty_file_is_told_and_the_rest_is_used(void **state)
{
    char path[sizeof(UPSTREAM_TEST_PATH)];
    char expected[256];
    upstream_test_file(path, "search example.com\nnameserver nowhere\n");
    const struct config_server servers[] = {
        {.kind = CONFIG_SERVER_RESOLV_CONF, .text = "/nonexistent/resolv.conf"},
        {.kind = CONFIG_SERVER_RESOLV_CONF, .text = path},
        literal("10.0.0.2")};
    (void)state;
    struct outcome outcome = resolve(servers, 3);
    unlink(path);
    snprintf(expected, sizeof(expected),
             "/nonexistent/resolv.conf: not found; %s: no nameserver in it; "
             "%s: some nameserver lines are not used",
             path, path);
    assert_string_equal(outcome.problem, expected);
    assert_int_equal(outcome.pool.count, 1);
}

static void a_variable_may_hold_several_addresses(void **state)
{
    const struct config_server server = {.kind = CONFIG_SERVER_ENV, .text = VARIABLE, .port = 5300};
    (void)state;
    setenv(VARIABLE, " 172.20.0.10,172.20.0.11:53 , [fd00::a]:99\tx", 1);
    struct outcome outcome = resolve(&server, 1);
    unsetenv(VARIABLE);
    assert_string_equal(outcome.problem, VARIABLE ": not only addresses in this variable");
    assert_int_equal(outcome.pool.count, 3);
    upstream_test_expect(&outcome.pool.servers[0], "172.20.0.10:5300");
    upstream_test_expect(&outcome.pool.servers[1], "172.20.0.11:53");
    upstream_test_expect(&outcome.pool.servers[2], "[fd00::a]:99");
}

static void a_variable_that_is_not_set_or_empty_is_told(void **state)
{
    const struct config_server server = {.kind = CONFIG_SERVER_ENV, .text = VARIABLE};
    (void)state;
    unsetenv(VARIABLE);
    struct outcome outcome = resolve(&server, 1);
    assert_string_equal(outcome.problem, VARIABLE ": variable not set");
    setenv(VARIABLE, " , ", 1);
    outcome = resolve(&server, 1);
    unsetenv(VARIABLE);
    assert_string_equal(outcome.problem, VARIABLE ": variable empty");
    assert_int_equal(outcome.pool.count, 0);
}

/* Asking ourselves would be a loop. */
static void our_own_addresses_are_skipped_with_the_same_port_only(void **state)
{
    const struct config_server servers[] = {literal("169.254.20.10"), literal("127.0.0.1"),
                                            literal("169.254.20.10:5353"), literal("10.0.0.2")};
    struct outcome outcome = resolve_as_listener(servers, 4);
    (void)state;
    assert_true(outcome.has_others);
    assert_int_equal(outcome.pool.count, 2);
    upstream_test_expect(&outcome.pool.servers[0], "169.254.20.10:5353");
    upstream_test_expect(&outcome.pool.servers[1], "10.0.0.2:53");
    assert_string_equal(outcome.problem, "");
}

static void a_pool_of_ourselves_alone_is_told(void **state)
{
    const struct config_server servers[] = {literal("169.254.20.10"), literal("127.0.0.1")};
    struct outcome outcome = resolve_as_listener(servers, 2);
    (void)state;
    assert_false(outcome.has_others);
    assert_int_equal(outcome.pool.count, 0);
    assert_string_equal(outcome.problem, "");
}

static void the_seventeenth_address_is_left_out_and_told_once(void **state)
{
    struct config_server servers[19];
    char text[19][16];
    (void)state;
    for (int i = 0; i < 19; i++) {
        snprintf(text[i], sizeof(text[i]), "10.0.0.%d", i);
        servers[i] = literal(text[i]);
    }
    struct outcome outcome = resolve(servers, 19);
    assert_int_equal(outcome.pool.count, POOL_SERVERS_MAX);
    assert_string_equal(outcome.problem, "servers: more than can be used; the first are");
}

static void a_host_without_a_resolver_has_no_address(void **state)
{
    const struct config_server server = {.kind = CONFIG_SERVER_HOST, .text = "dns.corp.example"};
    (void)state;
    struct outcome outcome = resolve(&server, 1);
    assert_int_equal(outcome.pool.count, 0);
    assert_string_equal(outcome.problem, "dns.corp.example: no address known yet");
}

static void the_problem_text_is_cut_at_its_room(void **state)
{
    const struct config_server servers[] = {{.kind = CONFIG_SERVER_HOST, .text = "one.example"},
                                            {.kind = CONFIG_SERVER_HOST, .text = "two.example"}};
    const struct pool_source source = {.servers = servers, .server_count = 2};
    struct pool pool;
    char problem[41];
    (void)state;
    for (size_t cap = 0; cap <= sizeof(problem); cap++) {
        memset(problem, 'x', sizeof(problem));
        pool_resolve(&pool, &source, problem, cap);
        if (cap > 0)
            assert_true(strlen(problem) < cap);
        if (cap < sizeof(problem))
            assert_int_equal(problem[cap], 'x');
    }
    assert_memory_equal(problem, "one.example: no address known yet; two.e", 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literal_addresses_stay_in_their_order_without_doubles),
        cmocka_unit_test(a_resolv_conf_file_gives_its_nameservers),
        cmocka_unit_test(a_missing_or_empty_file_is_told_and_the_rest_is_used),
        cmocka_unit_test(a_variable_may_hold_several_addresses),
        cmocka_unit_test(a_variable_that_is_not_set_or_empty_is_told),
        cmocka_unit_test(our_own_addresses_are_skipped_with_the_same_port_only),
        cmocka_unit_test(a_pool_of_ourselves_alone_is_told),
        cmocka_unit_test(the_seventeenth_address_is_left_out_and_told_once),
        cmocka_unit_test(a_host_without_a_resolver_has_no_address),
        cmocka_unit_test(the_problem_text_is_cut_at_its_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
