/* Which rates a search tries, against servers of known capacity. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "command/bisection.h"

#define RATES_MAX 60

/* Searches with a server that meets the objective up to its capacity; gives how many rates were
 * tried. */
static unsigned search(struct bisection *bisection, double first, double capacity)
{
    unsigned tried = 0;
    double rate;

    *bisection = (struct bisection){.first = first};
    while ((rate = bisection_next(bisection)) > 0) {
        assert_true(rate >= BISECTION_RATE_MIN && rate <= BISECTION_RATE_MAX);
        assert_true(++tried < RATES_MAX);
        bisection_note(bisection, rate, rate <= capacity);
    }
    return tried;
}

static void the_capacity_is_found_from_below_and_from_above_and_never_exceeded(void **state)
{
    static const double capacities[] = {1.5, 7, 999, 1000, 46000, 1e6, 19e6};
    static const double firsts[] = {1, 200, 1000, 5e6, BISECTION_RATE_MAX};

    (void)state;
    for (size_t c = 0; c < sizeof(capacities) / sizeof(capacities[0]); c++) {
        for (size_t f = 0; f < sizeof(firsts) / sizeof(firsts[0]); f++) {
            struct bisection bisection;

            search(&bisection, firsts[f], capacities[c]);
            assert_true(bisection.met <= capacities[c]);
            assert_true(bisection.met * BISECTION_PRECISION >= capacities[c]);
            assert_true(bisection.missed > capacities[c]);
        }
    }
}

static void the_usual_search_takes_a_dozen_rates(void **state)
{
    struct bisection bisection;

    (void)state;
    assert_in_range(search(&bisection, 1000, 46000), 10, 14);
}

static void a_server_that_nothing_is_too_much_for_ends_at_the_highest_rate(void **state)
{
    struct bisection bisection;

    (void)state;
    search(&bisection, 1000, 1e12);
    assert_true(bisection.met == BISECTION_RATE_MAX && bisection.missed == 0);
}

static void a_server_that_everything_is_too_much_for_ends_at_the_lowest_rate(void **state)
{
    struct bisection bisection;

    (void)state;
    search(&bisection, 1000, 0);
    assert_true(bisection.missed == BISECTION_RATE_MIN && bisection.met == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_capacity_is_found_from_below_and_from_above_and_never_exceeded),
        cmocka_unit_test(the_usual_search_takes_a_dozen_rates),
        cmocka_unit_test(a_server_that_nothing_is_too_much_for_ends_at_the_highest_rate),
        cmocka_unit_test(a_server_that_everything_is_too_much_for_ends_at_the_lowest_rate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
