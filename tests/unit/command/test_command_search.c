/* search on loopback, where its steps cannot be what it is there for. */
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "bound_socket.h"
#include "command/command.h"
#include "local53/base/addr.h"

/* A port of loopback that nobody listens on. */
static void find_dead_port(char text[ADDR_TEXT_MAX])
{
    struct addr addr;
    int fd = bound_socket(&addr, SOCK_DGRAM, AF_INET);

    addr_format(&addr, text);
    close(fd);
}

/* Gives the exit code. */
static int search(char *server, char *rate)
{
    char words[][16] = {"search", "--server", "--rate", "--profile", "hit", "--quiet"};
    char *argv[] = {words[0], words[1], server, words[2], rate, words[3], words[4], words[5], NULL};

    optind = 0;
    return command_search.run(8, argv);
}

/* Such a step is cut short, as if it had been interrupted. */
static void a_port_where_nobody_listens_is_unreachable(void **state)
{
    char server[ADDR_TEXT_MAX];

    (void)state;
    find_dead_port(server);
    assert_int_equal(search(server, (char[]){"1k"}), VERDICT_UNREACHABLE);
}

static void a_first_rate_that_cannot_be_is_a_usage_error(void **state)
{
    char server[ADDR_TEXT_MAX];

    (void)state;
    find_dead_port(server);
    assert_int_equal(search(server, (char[]){"50M"}), VERDICT_USAGE);
    assert_int_equal(search(server, (char[]){"0.5"}), VERDICT_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_where_nobody_listens_is_unreachable),
        cmocka_unit_test(a_first_rate_that_cannot_be_is_a_usage_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
