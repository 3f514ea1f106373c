/* Why an address could not be listened on, in a sentence with a remedy. */
#include "../../../src/app/address_problem.h"

#include <errno.h>
#include <unistd.h>

#include "bound_socket.h"
#include "told.h"

static void assert_told(const struct addr *addr, enum err err, const char *wanted)
{
    struct told told;
    told_begin(&told);
    address_problem_tell(addr, "UDP", err);
    assert_true(told_end(&told, wanted));
}

static void who_has_the_port_is_named(void **state)
{
    struct addr addr;
    char wanted[64];
    (void)state;
    int fd = bound_socket(&addr, SOCK_DGRAM, AF_INET);
    snprintf(wanted, sizeof(wanted), "(pid %ld); stop it", (long)getpid());
    assert_told(&addr, ERR_IN_USE, wanted);
    close(fd);
}

static void what_is_missing_is_told_with_its_remedy(void **state)
{
    struct addr addr;
    (void)state;
    assert_int_equal(addr_parse(&addr, "[fd00::1]:53", 53), ERR_OK);
    assert_told(&addr, ERR_DENIED, "local53: UDP [fd00::1]:53: permission denied; ports below");
    assert_told(&addr, ERR_DENIED, "CAP_NET_BIND_SERVICE");
    assert_told(&addr, ERR_UNREACHABLE, "no interface of this machine has that address");
}

static void for_anything_else_the_kernel_s_reason_is_told(void **state)
{
    struct addr addr;
    (void)state;
    assert_int_equal(addr_parse(&addr, "127.0.0.1", 53), ERR_OK);
    errno = EMFILE;
    assert_told(&addr, ERR_SYSTEM, strerror(EMFILE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_has_the_port_is_named),
        cmocka_unit_test(what_is_missing_is_told_with_its_remedy),
        cmocka_unit_test(for_anything_else_the_kernel_s_reason_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
