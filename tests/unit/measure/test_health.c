/* Whether the tester itself was the limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "measure/health.h"

#define BIT(kind) (1U << HEALTH_##kind)

/* Each figure as bad as it may just be. */
static struct health make_healthy(void)
{
    return (struct health){
        .open_loop = true,
        .planned = 10000,
        .begun = 9900,
        .send_lag_p99_ns = 1000000,
        .send_lag_max_ns = 900000000,
        .read_lag_p99_ns = 900000000,
        .windows = 100,
        .uneven = 2,
        .run_delay_ns = 50000000,
        .cpu_ns = 970000000,
        .thread_time_ns = 1000000000,
    };
}

static void figures_at_their_limits_are_no_breach(void **state)
{
    struct health health = make_healthy();

    (void)state;
    assert_int_equal(health_breaches(&health), 0);
    health.begun = 10100;
    assert_int_equal(health_breaches(&health), 0);
}

static void each_figure_past_its_limit_is_its_own_breach(void **state)
{
    struct health health = make_healthy();

    (void)state;
    health.send_lag_p99_ns++;
    assert_int_equal(health_breaches(&health), BIT(SEND_LAG));
    health = make_healthy();
    health.begun = 9899;
    assert_int_equal(health_breaches(&health), BIT(RATE));
    health.begun = 10101;
    assert_int_equal(health_breaches(&health), BIT(RATE));
    health = make_healthy();
    health.uneven = 3;
    assert_int_equal(health_breaches(&health), BIT(WINDOWS));
    health = make_healthy();
    health.own_drops = 1;
    assert_int_equal(health_breaches(&health), BIT(DROPS));
    health = make_healthy();
    health.run_delay_ns++;
    assert_int_equal(health_breaches(&health), BIT(RUN_DELAY));
    health = make_healthy();
    health.cpu_ns = health.thread_time_ns;
    assert_int_equal(health_breaches(&health), 0); /* an open loop is late or it is not */
    health = make_healthy();
    health.send_errors = 1;
    assert_int_equal(health_breaches(&health), BIT(SEND_ERRORS));
    health = make_healthy();
    health.id_waits = 1;
    assert_int_equal(health_breaches(&health), BIT(IDS));
}

static void a_closed_loop_has_no_schedule_to_break(void **state)
{
    struct health health = {.planned = 10,
                            .send_lag_p99_ns = UINT64_MAX,
                            .windows = 1,
                            .uneven = 1,
                            .own_drops = 1,
                            .run_delay_ns = 1000,
                            .cpu_ns = 1000,
                            .send_errors = 1,
                            .thread_time_ns = 1000};

    (void)state;
    assert_int_equal(health_breaches(&health),
                     BIT(DROPS) | BIT(RUN_DELAY) | BIT(CPU) | BIT(SEND_ERRORS));
}

static void a_window_that_waits_for_ids_is_not_the_servers(void **state)
{
    struct health health = {.id_waits = 1, .thread_time_ns = 1000};

    (void)state;
    assert_int_equal(health_breaches(&health), BIT(IDS));
}

static void nothing_measured_is_no_breach(void **state)
{
    struct health health = {.open_loop = true, .begun = 1, .uneven = 1, .cpu_ns = 1};

    (void)state;
    health.run_delay_ns = 1;
    assert_int_equal(health_breaches(&health), 0);
}

static void assert_written(const struct health *health, enum health_kind kind, const char *expected)
{
    char text[128];

    assert_string_equal(health_write(health, kind, text, sizeof(text)), expected);
}

static void each_figure_is_written_beside_its_limit(void **state)
{
    struct health health = {
        .planned = 100000,
        .begun = 98000,
        .send_lag_p99_ns = 3200000,
        .windows = 40,
        .uneven = 3,
        .own_drops = 1200,
        .send_errors = 4,
        .id_waits = 5,
        .run_delay_ns = 71,
        .cpu_ns = 990,
        .thread_time_ns = 1000,
    };

    (void)state;
    assert_written(&health, HEALTH_SEND_LAG, "p99 3.20 ms, limit 1.00 ms");
    assert_written(&health, HEALTH_RATE, "98,000 of 100,000 planned (2.00 % off), limit 1.00 %");
    assert_written(&health, HEALTH_WINDOWS, "3 of 40 uneven, limit 2.00 %");
    assert_written(&health, HEALTH_DROPS, "1,200 answers, limit 0");
    assert_written(&health, HEALTH_RUN_DELAY, "7.10 % of the threads' time, limit 5.00 %");
    assert_written(&health, HEALTH_CPU, "99.00 % of the threads' time, limit 97.00 %");
    assert_written(&health, HEALTH_SEND_ERRORS, "4 queries, limit 0");
    assert_written(&health, HEALTH_IDS, "5 waits, limit 0");
}

static void a_text_is_cut_to_the_room_there_is(void **state)
{
    struct health health = {.send_lag_p99_ns = 3200000};
    char text[8] = "";

    (void)state;
    assert_string_equal(health_write(&health, HEALTH_SEND_LAG, text, sizeof(text)), "p99 3.2");
}

static void each_kind_has_a_name_and_a_meaning(void **state)
{
    (void)state;
    assert_string_equal(health_name(HEALTH_SEND_LAG), "send lag");
    assert_string_equal(health_name(HEALTH_IDS), "query ids");
    assert_string_equal(health_meaning(HEALTH_WINDOWS), "the rate was uneven");
    assert_string_equal(health_meaning(HEALTH_RUN_DELAY), "the tester waited for a CPU");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_at_their_limits_are_no_breach),
        cmocka_unit_test(each_figure_past_its_limit_is_its_own_breach),
        cmocka_unit_test(a_closed_loop_has_no_schedule_to_break),
        cmocka_unit_test(a_window_that_waits_for_ids_is_not_the_servers),
        cmocka_unit_test(nothing_measured_is_no_breach),
        cmocka_unit_test(each_figure_is_written_beside_its_limit),
        cmocka_unit_test(a_text_is_cut_to_the_room_there_is),
        cmocka_unit_test(each_kind_has_a_name_and_a_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
