/* The percentile distribution as HdrHistogram prints it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "local53/base/rng.h"
#include "report/hgrm.h"

/* The three values of HdrHistogram's own example, 25, 50 and 75, in units of 10 ns: the same
 * levels, counts and deviation. */
static void three_values_give_the_rows_that_hdrhistogram_gives(void **state)
{
    static const char expected[] = "       Value     Percentile TotalCount 1/(1-Percentile)\n"
                                   "\n"
                                   "    0.000250 0.000000000000          1           1.00\n"
                                   "    0.000250 0.100000000000          1           1.11\n"
                                   "    0.000250 0.200000000000          1           1.25\n"
                                   "    0.000250 0.300000000000          1           1.43\n"
                                   "    0.000500 0.400000000000          2           1.67\n"
                                   "    0.000500 0.500000000000          2           2.00\n"
                                   "    0.000500 0.550000000000          2           2.22\n"
                                   "    0.000500 0.600000000000          2           2.50\n"
                                   "    0.000500 0.650000000000          2           2.86\n"
                                   "    0.000750 0.700000000000          3           3.33\n"
                                   "    0.000750 1.000000000000          3\n"
                                   "#[Mean    =     0.000500, StdDeviation   =     0.000204]\n"
                                   "#[Max     =     0.000750, Total count    =            3]\n"
                                   "#[Buckets =           27, SubBuckets     =         2048]\n";
    struct histogram h;
    (void)state;

    histogram_init(&h);
    for (uint64_t ns = 250; ns <= 750; ns += 250)
        histogram_record(&h, ns);
    char *text = hgrm_write(&h);
    assert_string_equal(text, expected);
    free(text);
    histogram_deinit(&h);
}

static void what_was_never_answered_stands_behind_all_that_was(void **state)
{
    struct histogram h;
    (void)state;

    histogram_init(&h);
    histogram_record(&h, 1000);
    histogram_record(&h, 7000000000);
    histogram_record_at_least(&h, 5000000000);
    char *text = hgrm_write(&h);
    assert_non_null(strstr(text, "\n    0.001000 0.000000000000          1           1.00\n"));
    assert_non_null(strstr(text, " 0.600000000000          2           2.50\n"));
    assert_non_null(strstr(text, " 1.000000000000          3\n"));
    assert_null(strstr(text, "\n 5000.000000 "));
    free(text);
    histogram_deinit(&h);
}

static void nothing_recorded_gives_a_head_and_a_foot(void **state)
{
    struct histogram h;
    (void)state;

    histogram_init(&h);
    char *text = hgrm_write(&h);
    assert_non_null(
        strstr(text, "(1-Percentile)\n\n#[Mean    =     0.000000, StdDeviation   =   "));
    assert_non_null(strstr(text, "Total count    =            0]\n"));
    free(text);
    histogram_deinit(&h);
}

static void values_and_levels_never_fall_and_reach_the_whole(void **state)
{
    struct histogram h;
    struct rng rng;
    double value = 0;
    double level = -1;
    unsigned long long count = 0;
    (void)state;

    histogram_init(&h);
    rng_init_seeded(&rng, 1);
    for (int i = 0; i < 100000; i++)
        histogram_record(&h, rng_u32(&rng) >> rng_below(&rng, 20));
    char *text = hgrm_write(&h);
    const char *line = strchr(strchr(text, '\n') + 1, '\n') + 1;
    for (; *line != '#'; line = strchr(line, '\n') + 1) {
        char *end = NULL;
        double next_value = strtod(line, &end);
        double next_level = strtod(end, &end);
        unsigned long long next_count = strtoull(end, &end, 10);
        assert_true(next_value >= value && next_level > level && next_count >= count);
        assert_true((double)next_count >= next_level * 100000 - 1e-6);
        value = next_value;
        level = next_level;
        count = next_count;
    }
    assert_true(level == 1);
    assert_int_equal(count, 100000);
    free(text);
    histogram_deinit(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_values_give_the_rows_that_hdrhistogram_gives),
        cmocka_unit_test(what_was_never_answered_stands_behind_all_that_was),
        cmocka_unit_test(nothing_recorded_gives_a_head_and_a_foot),
        cmocka_unit_test(values_and_levels_never_fall_and_reach_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
