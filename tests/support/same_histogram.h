/* same_histogram: two histograms hold the same, value by value. */
#ifndef LOCAL53_TESTS_SAME_HISTOGRAM_H
#define LOCAL53_TESTS_SAME_HISTOGRAM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "measure/histogram.h"

static inline void assert_same_histogram(const struct histogram *a, const struct histogram *b)
{
    assert_memory_equal(a->counts, b->counts, HISTOGRAM_BUCKETS * sizeof(*a->counts));
    assert_int_equal(a->total, b->total);
    assert_int_equal(a->censored, b->censored);
    assert_int_equal(a->censored_min_ns, b->censored_min_ns);
    assert_int_equal(a->min_ns, b->min_ns);
    assert_int_equal(a->max_ns, b->max_ns);
    assert_memory_equal(&a->sum_ns, &b->sum_ns, sizeof(a->sum_ns));
}

#endif
