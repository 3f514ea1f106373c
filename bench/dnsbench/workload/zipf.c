/* zipf: Vose's alias method: each rank's column is shared by itself and one other rank.
 * Owns: the columns. Thread: made by one; then read by all. Bounds: 8 octets a rank; 12 more each
 * while it is made.
 * Fails: out of memory is fatal. The same numbers on any machine, but for the last bit of libm's
 * pow(3). */
#include "workload/zipf.h"

#include <math.h>
#include <stdlib.h>

#include "local53/base/check.h"

/* A column of height 1, in parts of 2^32. */
struct column {
    uint32_t own;   /* below this the rank itself */
    uint32_t other; /* else this one */
};

struct zipf {
    uint32_t count;          /* columns */
    struct column columns[]; /* by rank */
};

/* Heights of all ranks, scaled so that their mean is 1. */
static double *heights_new(uint32_t n, double s)
{
    double *heights = malloc(n * sizeof(*heights));
    double sum = 0;

    CHECK(heights != NULL);
    for (uint32_t i = 0; i < n; i++) {
        heights[i] = 1.0 / pow((double)i + 1.0, s);
        sum += heights[i];
    }
    for (uint32_t i = 0; i < n; i++)
        heights[i] = heights[i] * n / sum;
    return heights;
}

static uint32_t parts_of(double height)
{
    return height >= 1.0 ? UINT32_MAX : (uint32_t)(height * 4294967296.0);
}

/* Fills each column that is lower than 1 with what a higher one has too much. One list from both
 * ends: the low ones from the front, the high ones from the back. */
static void fill_columns(struct zipf *zipf, double *heights, uint32_t *ranks)
{
    uint32_t low = 0;
    uint32_t high = zipf->count;

    for (uint32_t i = 0; i < zipf->count; i++) {
        zipf->columns[i] = (struct column){UINT32_MAX, i};
        if (heights[i] < 1.0)
            ranks[low++] = i;
        else
            ranks[--high] = i;
    }
    while (low > 0 && high < zipf->count) {
        uint32_t taker = ranks[--low];
        uint32_t giver = ranks[high];

        zipf->columns[taker] = (struct column){parts_of(heights[taker]), giver};
        heights[giver] -= 1.0 - heights[taker];
        if (heights[giver] < 1.0) {
            high++;
            ranks[low++] = giver;
        }
    }
}

struct zipf *zipf_new(uint32_t n, double s)
{
    CHECK(n > 0);
    double *heights = heights_new(n, s);
    uint32_t *ranks = malloc(n * sizeof(*ranks));
    struct zipf *zipf = malloc(sizeof(*zipf) + n * sizeof(zipf->columns[0]));

    CHECK(ranks != NULL && zipf != NULL);
    zipf->count = n;
    fill_columns(zipf, heights, ranks);
    free(ranks);
    free(heights);
    return zipf;
}

void zipf_free(struct zipf *zipf)
{
    free(zipf);
}

/* One draw serves both choices: the upper 64 bits of draw * count are the column and, behind the
 * point, the height. */
uint32_t zipf_draw(const struct zipf *zipf, struct rng *rng)
{
    uint64_t draw = rng_u64(rng);
    uint64_t low = (draw & UINT32_MAX) * zipf->count;
    uint64_t high = (draw >> 32) * zipf->count + (low >> 32);
    uint32_t rank = (uint32_t)(high >> 32);
    const struct column *column = &zipf->columns[rank];

    return (uint32_t)high < column->own ? rank : column->other;
}
