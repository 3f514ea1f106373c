/* sketch: log-linear counts, 32 buckets an octave; the lowest 32 are steps of 32 ns below 1024 ns.
 * Owns: nothing; counters lie in the struct. Thread: one writes.
 * Bounds: values above 137 s count in the last bucket; 2^32-1 values. Fails: never. */
#include "measure/sketch.h"

#include <stddef.h>

#include "measure/histogram.h"

#define SUB_BITS 5           /* buckets of one octave, as a power of two */
#define SUB (1U << SUB_BITS) /* the same as a number */
#define FIRST_BIT 10         /* the octave from 2^10 ns is the first with the full precision */
#define LINEAR_SHIFT (FIRST_BIT - SUB_BITS)
#define MAX_NS ((1ULL << 37) - 1)

_Static_assert(SKETCH_BUCKETS == (37 - FIRST_BIT + 1) * SUB,
               "the linear buckets and the octaves from 2^10 to 2^37 fill the sketch");

static size_t bucket_of(uint64_t ns)
{
    ns = ns < MAX_NS ? ns : MAX_NS;
    /* The bit set besides gives all values below 2^10 the steps of that octave. */
    unsigned octave = 63 - (unsigned)__builtin_clzll(ns | 1U << FIRST_BIT) - FIRST_BIT;
    return ((size_t)octave << SUB_BITS) + (size_t)(ns >> (octave + LINEAR_SHIFT));
}

static uint64_t middle_of(size_t bucket)
{
    size_t octave = bucket < SUB ? 0 : (bucket >> SUB_BITS) - 1;
    uint64_t lowest = (uint64_t)(bucket - (octave << SUB_BITS)) << (octave + LINEAR_SHIFT);
    return lowest + (1ULL << (octave + LINEAR_SHIFT)) / 2;
}

void sketch_record(struct sketch *sketch, uint64_t ns)
{
    sketch->counts[bucket_of(ns)]++;
    sketch->total++;
    sketch->max_ns = ns > sketch->max_ns ? ns : sketch->max_ns;
}

void sketch_merge(struct sketch *into, const struct sketch *from)
{
    for (size_t i = 0; i < SKETCH_BUCKETS; i++)
        into->counts[i] += from->counts[i];
    into->total += from->total;
    if (from->max_ns > into->max_ns)
        into->max_ns = from->max_ns;
}

uint64_t sketch_quantile(const struct sketch *sketch, double share)
{
    uint64_t rank = histogram_rank(sketch->total, share);
    uint64_t seen = 0;
    size_t bucket = 0;
    for (; bucket + 1 < SKETCH_BUCKETS; bucket++) {
        seen += sketch->counts[bucket];
        if (seen >= rank)
            break;
    }
    uint64_t middle = middle_of(bucket);
    return middle < sketch->max_ns ? middle : sketch->max_ns;
}
