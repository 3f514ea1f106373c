/* rng: unpredictable numbers for DNS ids, socket choice and hash keys (RFC 5452 section 9.2).
 * Kernel randomness taken 256 octets at a time; owned by one thread. A seeded one, for tests
 * and repeatable loads, gives the same numbers each run and is never used by the daemon. */
#ifndef LOCAL53_BASE_RNG_H
#define LOCAL53_BASE_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rng {
    uint8_t pool[256]; /* octets not yet given out, from pos on */
    size_t pos;        /* next octet of the pool; 256 when empty */
    bool seeded;       /* test mode: refilled by a counter-based generator, not the kernel */
    uint64_t state;    /* test mode: generator state */
};

/* From the kernel (getrandom); failure of the kernel is fatal. */
void rng_init(struct rng *rng);

/* Repeatable: for tests and for what a load test draws; ids and keys never come from it. */
void rng_init_seeded(struct rng *rng, uint64_t seed);

/* Random numbers, all bits. Each octet of the pool is wiped when given out. */
uint16_t rng_u16(struct rng *rng);
uint32_t rng_u32(struct rng *rng);
uint64_t rng_u64(struct rng *rng);

/* Uniform in 0..bound-1 without bias; bound > 0. */
uint32_t rng_below(struct rng *rng, uint32_t bound);

#endif
