/* The HTTP addresses, of which somebody else has one: a stranger, or the instance that hands over. */
#include "../../../src/app/metrics_ports.h"

#include <unistd.h>

#include "bound_socket.h"
#include "parse_config.h"
#include "told.h"

/* Ports of a configuration, the second of which a server of the test's has. */
struct fixture {
    struct loop *loop;
    struct metrics_ports ports;
    int held; /* descriptor of that server */
};

static void on_get(void *owner, const char *path, struct http_answer *answer)
{
    (void)owner;
    (void)path;
    (void)answer;
    fail();
}

static int set_up(void **state)
{
    static struct fixture fixture;
    struct addr free_addr;
    struct addr held_addr;
    char text[ADDR_TEXT_MAX];
    char other[ADDR_TEXT_MAX];
    char yaml[256];
    int fd = bound_socket(&free_addr, SOCK_STREAM, AF_INET);
    fixture.held = bound_socket(&held_addr, SOCK_STREAM, AF_INET);
    assert_int_equal(listen(fixture.held, 1), 0);
    close(fd);
    snprintf(yaml, sizeof(yaml),
             "listen: [127.0.0.1:5353]\nmetrics: [%s, %s]\nforward:\n  - {zone: ., servers: "
             "[10.0.0.53]}\n",
             addr_format(&free_addr, text), addr_format(&held_addr, other));
    struct config *config = config_of(yaml);
    fixture.loop = loop_new();
    metrics_ports_init(&fixture.ports, config, fixture.loop, on_get, &fixture);
    config_free(config);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    if (fixture->held >= 0)
        close(fixture->held);
    metrics_ports_close(&fixture->ports);
    loop_run(fixture->loop);
    loop_free(fixture->loop);
    return 0;
}

static bool opens(struct fixture *fixture, bool patient, const char *wanted)
{
    struct told told;
    told_begin(&told);
    bool opened = metrics_ports_open(&fixture->ports, patient);
    assert_true(told_end(&told, wanted));
    return opened;
}

static void a_stranger_s_port_is_a_problem(void **state)
{
    struct fixture *fixture = *state;
    assert_false(opens(fixture, false, "stop it or choose another address"));
    assert_null(fixture->ports.servers[1]);
}

static void the_port_of_who_hands_over_is_waited_for(void **state)
{
    struct fixture *fixture = *state;
    assert_true(opens(fixture, true, ""));
    assert_true(fixture->ports.waiting);
    assert_non_null(fixture->ports.servers[0]);
    assert_null(fixture->ports.servers[1]);
    assert_true(opens(fixture, true, ""));
    assert_true(fixture->ports.waiting);
    close(fixture->held);
    fixture->held = -1;
    assert_true(opens(fixture, true, ""));
    assert_false(fixture->ports.waiting);
    assert_non_null(fixture->ports.servers[1]);
}

static void what_is_open_stays_open(void **state)
{
    struct fixture *fixture = *state;
    assert_true(opens(fixture, true, ""));
    const struct http_server *first = fixture->ports.servers[0];
    assert_true(opens(fixture, true, ""));
    assert_ptr_equal(fixture->ports.servers[0], first);
}

static void once_closed_nothing_is_opened_again(void **state)
{
    struct fixture *fixture = *state;
    assert_true(opens(fixture, true, ""));
    metrics_ports_close(&fixture->ports);
    assert_true(opens(fixture, false, ""));
    assert_null(fixture->ports.servers[0]);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_stranger_s_port_is_a_problem),
        CASE(the_port_of_who_hands_over_is_waited_for),
        CASE(what_is_open_stays_open),
        CASE(once_closed_nothing_is_opened_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
