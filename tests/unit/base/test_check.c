/* check: a statement that does not hold stops the process and tells where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>

#include "dies.h"
#include "local53/base/check.h"

static void check_a_number(void *arg)
{
    const int *number = arg;

    CHECK(*number == 53);
}

static void a_statement_that_holds_goes_on(void **state)
{
    int number = 53;

    (void)state;
    assert_int_equal(dies_by(check_a_number, &number, NULL, 0), 0);
}

static void a_statement_that_fails_aborts_and_tells_where(void **state)
{
    int number = 54;
    char said[256];

    (void)state;
    assert_int_equal(dies_by(check_a_number, &number, said, sizeof(said)), SIGABRT);
    assert_non_null(strstr(said, "test_check.c:"));
    assert_non_null(strstr(said, ": check failed: *number == 53\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_statement_that_holds_goes_on),
        cmocka_unit_test(a_statement_that_fails_aborts_and_tells_where),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
