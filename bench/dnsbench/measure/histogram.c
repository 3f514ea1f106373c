/* histogram: log-linear counts. Values below 2048 ns have a bucket each; every octave above has
 * 1024, so a bucket is at most 1/1024 of its lowest value wide. Censored values are counted aside:
 * they stand above all others.
 * Owns: its counters, HISTOGRAM_BUCKETS * 8 octets.
 * Thread: one writes; read and merged once it has ended.
 * Bounds: values above HISTOGRAM_MAX_NS count in the last bucket.
 * Fails: out of memory at start is fatal. */
#include "measure/histogram.h"

#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"

#define HALF_BITS (HISTOGRAM_SUB_BITS - 1) /* sub-buckets of one octave, as a power of two */
#define HALF (1ULL << HALF_BITS)
#define EXACT (1ULL << HISTOGRAM_SUB_BITS) /* values below have a bucket each */

/* Share times total may come out some units of the last place too high: 0.07 * 100 is not 7. */
#define RANK_SLACK 1e-15

_Static_assert(HISTOGRAM_BUCKETS == EXACT + (37 - HISTOGRAM_SUB_BITS) * HALF,
               "the exact values and the octaves from 2^11 to 2^37 fill the buckets");

void histogram_init(struct histogram *h)
{
    *h = (struct histogram){.min_ns = UINT64_MAX, .censored_min_ns = UINT64_MAX};
    h->counts = calloc(HISTOGRAM_BUCKETS, sizeof(*h->counts));
    CHECK(h->counts != NULL);
}

void histogram_deinit(struct histogram *h)
{
    free(h->counts);
    *h = (struct histogram){0};
}

size_t histogram_bucket(uint64_t ns)
{
    ns = ns < HISTOGRAM_MAX_NS ? ns : HISTOGRAM_MAX_NS;
    /* The bit set besides makes the shift 0 for all exact values. */
    unsigned shift = 63 - HALF_BITS - (unsigned)__builtin_clzll(ns | HALF);
    return ((size_t)shift << HALF_BITS) + (size_t)(ns >> shift);
}

uint64_t histogram_lowest(size_t bucket)
{
    CHECK(bucket < HISTOGRAM_BUCKETS);
    if (bucket < EXACT)
        return bucket;
    return (HALF + (bucket & (HALF - 1))) << ((bucket >> HALF_BITS) - 1);
}

uint64_t histogram_highest(size_t bucket)
{
    return bucket + 1 < HISTOGRAM_BUCKETS ? histogram_lowest(bucket + 1) - 1 : HISTOGRAM_MAX_NS;
}

/* What measured and censored values have in common. */
static void count(struct histogram *h, uint64_t ns)
{
    h->total++;
    h->sum_ns += (double)ns;
    h->min_ns = ns < h->min_ns ? ns : h->min_ns;
    h->max_ns = ns > h->max_ns ? ns : h->max_ns;
}

void histogram_record(struct histogram *h, uint64_t ns)
{
    h->counts[histogram_bucket(ns)]++;
    count(h, ns);
}

void histogram_record_at_least(struct histogram *h, uint64_t ns)
{
    h->censored++;
    h->censored_min_ns = ns < h->censored_min_ns ? ns : h->censored_min_ns;
    count(h, ns);
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->counts[i] += from->counts[i];
    into->total += from->total;
    into->censored += from->censored;
    into->sum_ns += from->sum_ns;
    if (from->censored_min_ns < into->censored_min_ns)
        into->censored_min_ns = from->censored_min_ns;
    if (from->min_ns < into->min_ns)
        into->min_ns = from->min_ns;
    if (from->max_ns > into->max_ns)
        into->max_ns = from->max_ns;
}

void histogram_copy(struct histogram *to, const struct histogram *from)
{
    uint64_t *counts = to->counts;
    memcpy(counts, from->counts, HISTOGRAM_BUCKETS * sizeof(*counts));
    *to = *from;
    to->counts = counts;
}

void histogram_clear(struct histogram *h)
{
    uint64_t *counts = h->counts;
    memset(counts, 0, HISTOGRAM_BUCKETS * sizeof(*counts));
    *h = (struct histogram){.counts = counts, .min_ns = UINT64_MAX, .censored_min_ns = UINT64_MAX};
}

uint64_t histogram_rank(uint64_t total, double share)
{
    CHECK(share >= 0 && share <= 1);
    double exact = share * (double)total;
    exact -= exact * RANK_SLACK;
    uint64_t rank = (uint64_t)exact;
    if (rank == 0 || (double)rank < exact)
        rank++;
    return rank < total ? rank : total;
}

/* The measured value at a rank, 1 and up; past the last one, the largest. 0 when there is none. */
static uint64_t measured_at(const struct histogram *h, uint64_t rank)
{
    uint64_t seen = 0;
    uint64_t ns = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS && seen < rank; i++) {
        if (h->counts[i] == 0)
            continue;
        seen += h->counts[i];
        ns = histogram_highest(i);
    }
    return ns < h->max_ns ? ns : h->max_ns;
}

struct quantile histogram_quantile(const struct histogram *h, double share)
{
    uint64_t rank = histogram_rank(h->total, share);
    struct quantile q = {.ns = measured_at(h, rank), .at_least = rank > h->total - h->censored};
    if (q.at_least && q.ns < h->censored_min_ns)
        q.ns = h->censored_min_ns;
    return q;
}

double histogram_mean(const struct histogram *h)
{
    return h->total == 0 ? 0 : h->sum_ns / (double)h->total;
}

uint64_t histogram_above(const struct histogram *h, uint64_t ns)
{
    uint64_t above = h->censored;
    for (size_t i = histogram_bucket(ns) + 1; i < HISTOGRAM_BUCKETS; i++)
        above += h->counts[i];
    return above;
}
