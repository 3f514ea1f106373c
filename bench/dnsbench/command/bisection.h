/* bisection: which rate is tried next in a search for the highest that meets an objective: doubling
 * from the first, or quartering while none was met, then the geometric mean of both sides. Pure. */
#ifndef DNSBENCH_COMMAND_BISECTION_H
#define DNSBENCH_COMMAND_BISECTION_H

#include <stdbool.h>

#define BISECTION_RATE_MIN 1.0
#define BISECTION_RATE_MAX 20e6

/* It is over when what met the objective and what did not are so close. */
#define BISECTION_PRECISION 1.02

/* Rates a second. */
struct bisection {
    double first;  /* tried first */
    double met;    /* highest that met the objective; 0: none yet */
    double missed; /* lowest that missed it; 0: none yet */
};

/* The rate to try; 0 when it is over: close enough, or at the end of all rates. */
double bisection_next(const struct bisection *bisection);

/* Notes what came of that rate. */
void bisection_note(struct bisection *bisection, double rate, bool is_met);

#endif
