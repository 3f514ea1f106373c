/* rng: a pool of kernel randomness, wiped as it is given out. One thread each.
 * Bounds: one getrandom(2) per 256 octets. Fails: a kernel without randomness is fatal. */
#include "local53/base/rng.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "local53/base/check.h"

static void fill_from_kernel(struct rng *rng)
{
    ssize_t got;

    do {
        got = getrandom(rng->pool, sizeof(rng->pool), 0);
    } while (got < 0 && errno == EINTR);
    /* Once the kernel's source is ready, requests up to 256 octets are never cut short. */
    CHECK(got == (ssize_t)sizeof(rng->pool));
}

/* SplitMix64 (Steele, Lea and Flood 2014): a counter, well mixed. */
static void fill_from_counter(struct rng *rng)
{
    for (size_t at = 0; at < sizeof(rng->pool); at += sizeof(uint64_t)) {
        uint64_t z = rng->state += 0x9e3779b97f4a7c15ULL;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        z ^= z >> 31;
        memcpy(rng->pool + at, &z, sizeof(z));
    }
}

/* Gives len octets out of the pool, and wipes them there. */
static void rng_take(struct rng *rng, void *out, size_t len)
{
    if (sizeof(rng->pool) - rng->pos < len) {
        if (rng->seeded)
            fill_from_counter(rng);
        else
            fill_from_kernel(rng);
        rng->pos = 0;
    }
    memcpy(out, rng->pool + rng->pos, len);
    memset(rng->pool + rng->pos, 0, len);
    rng->pos += len;
}

void rng_init(struct rng *rng)
{
    *rng = (struct rng){.pos = sizeof(rng->pool)};
}

void rng_init_seeded(struct rng *rng, uint64_t seed)
{
    *rng = (struct rng){.pos = sizeof(rng->pool), .seeded = true, .state = seed};
}

uint16_t rng_u16(struct rng *rng)
{
    uint16_t value;

    rng_take(rng, &value, sizeof(value));
    return value;
}

uint32_t rng_u32(struct rng *rng)
{
    uint32_t value;

    rng_take(rng, &value, sizeof(value));
    return value;
}

uint64_t rng_u64(struct rng *rng)
{
    uint64_t value;

    rng_take(rng, &value, sizeof(value));
    return value;
}

/* The upper half of value * bound is uniform once the lower halves that would be hit once too
 * often are thrown away (Lemire, "Fast Random Integer Generation in an Interval", 2019). */
uint32_t rng_below(struct rng *rng, uint32_t bound)
{
    uint64_t product;

    CHECK(bound > 0);
    product = (uint64_t)rng_u32(rng) * bound;
    if ((uint32_t)product < bound) {
        uint32_t biased = (0U - bound) % bound;

        while ((uint32_t)product < biased)
            product = (uint64_t)rng_u32(rng) * bound;
    }
    return (uint32_t)(product >> 32);
}
