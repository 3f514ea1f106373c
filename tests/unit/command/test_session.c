/* What a condition of --fail-if or --slo comes to: whose fault it is. */
#include "command/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000000ULL

/* A response that came 70 ms after it was due: it left so late, or was answered so late. */
static enum verdict blame(const char *condition, bool left_late, char text[SESSION_BLAME_OCTETS])
{
    struct result result;
    struct threshold threshold;
    char why[128];
    enum verdict verdict;

    assert_int_equal(threshold_parse(&threshold, condition, why, sizeof(why)), ERR_OK);
    result_init(&result, &(struct series_shape){.length_ns = 100 * MS, .interval_ns = 1000 * MS});
    histogram_record(&result.send_lag, left_late ? 69 * MS : MS / 100);
    histogram_record(&result.response, 70 * MS);
    histogram_record(&result.service, left_late ? MS : 70 * MS);
    verdict = session_blame(&threshold, &result, text);
    result_deinit(&result);
    return verdict;
}

static void a_condition_that_the_testers_own_lag_broke_is_not_held_against_the_server(void **state)
{
    char text[SESSION_BLAME_OCTETS];

    (void)state;
    assert_int_equal(blame("p99>20ms", true, text), VERDICT_INVALID);
    assert_non_null(strstr(text, "but would not be so without the tester's own send lag"));
    assert_int_equal(blame("p99>20ms", false, text), VERDICT_FAILED);
    assert_string_equal(text, "p99 is 70.0 ms (> 20.0 ms)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_condition_that_the_testers_own_lag_broke_is_not_held_against_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
