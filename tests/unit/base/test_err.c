/* err: each code has its own text; values of errno find their code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "local53/base/err.h"

static void every_code_has_a_text_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < ERR_COUNT; i++) {
        assert_string_not_equal(err_text((enum err)i), "unknown error");
        for (int j = 0; j < i; j++)
            assert_string_not_equal(err_text((enum err)i), err_text((enum err)j));
    }
}

static void a_code_outside_the_list_is_unknown(void **state)
{
    (void)state;
    assert_string_equal(err_text(ERR_COUNT), "unknown error");
}

static void errno_values_find_their_code(void **state)
{
    (void)state;
    assert_int_equal(err_from_errno(0), ERR_OK);
    assert_int_equal(err_from_errno(EADDRINUSE), ERR_IN_USE);
    assert_int_equal(err_from_errno(EEXIST), ERR_EXISTS);
    assert_int_equal(err_from_errno(EOPNOTSUPP), ERR_UNSUPPORTED);
    assert_int_equal(err_from_errno(EACCES), ERR_DENIED);
    assert_int_equal(err_from_errno(ECONNREFUSED), ERR_REFUSED);
    assert_int_equal(err_from_errno(ENETUNREACH), ERR_UNREACHABLE);
    assert_int_equal(err_from_errno(ETIMEDOUT), ERR_TIMEOUT);
    assert_int_equal(err_from_errno(ECONNRESET), ERR_CLOSED);
    assert_int_equal(err_from_errno(ENOENT), ERR_NOT_FOUND);
    assert_int_equal(err_from_errno(EMFILE), ERR_NO_SPACE);
    assert_int_equal(err_from_errno(EIO), ERR_SYSTEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_text_of_its_own),
        cmocka_unit_test(a_code_outside_the_list_is_unknown),
        cmocka_unit_test(errno_values_find_their_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
