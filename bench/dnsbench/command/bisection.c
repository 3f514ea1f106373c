/* bisection: see the door. Owns nothing; pure. Bounds: BISECTION_RATE_MIN and
 * BISECTION_RATE_MAX; some 30 rates. Cannot fail. */
#include "command/bisection.h"

#include <math.h>

double bisection_next(const struct bisection *bisection)
{
    double met = bisection->met;
    double missed = bisection->missed;

    if (met == 0 && missed == 0)
        return bisection->first;
    if (missed == 0)
        return met < BISECTION_RATE_MAX ? fmin(met * 2, BISECTION_RATE_MAX) : 0;
    if (met == 0)
        return missed > BISECTION_RATE_MIN ? fmax(missed / 4, BISECTION_RATE_MIN) : 0;
    return missed / met > BISECTION_PRECISION ? sqrt(met * missed) : 0;
}

void bisection_note(struct bisection *bisection, double rate, bool is_met)
{
    *(is_met ? &bisection->met : &bisection->missed) = rate;
}
