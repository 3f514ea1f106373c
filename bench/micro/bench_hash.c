/* bench_hash: SipHash-1-3 of names of usual lengths, against unkeyed FNV-1a of the same. */
#include "harness.h"

#include <stdio.h>

#include "local53/base/hash.h"

/* What is hashed. */
struct input {
    uint8_t octets[64]; /* any */
    size_t len;         /* octets that count */
};

static uint64_t sip(void *arg, uint64_t count)
{
    const struct input *input = arg;
    const struct hash_key key = {1, 2};
    uint64_t hash = 0;

    for (uint64_t i = 0; i < count; i++)
        hash = hash_bytes(&key, hash, input->octets, input->len);
    return hash;
}

static uint64_t fnv(void *arg, uint64_t count)
{
    const struct input *input = arg;
    uint64_t hash = HASH_FNV_START;

    for (uint64_t i = 0; i < count; i++)
        hash = hash_fnv(hash, input->octets, input->len);
    return hash;
}

int main(void)
{
    static const size_t lengths[] = {16, 43, 64};

    bench_title("hash: each hash is the next one's seed");
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct input input = {.len = lengths[i]};
        struct bench_result baseline;
        char name[64];

        snprintf(name, sizeof(name), "hash_fnv, %zu octets", lengths[i]);
        baseline = bench_run(name, fnv, &input);
        snprintf(name, sizeof(name), "hash_bytes, %zu octets", lengths[i]);
        bench_run_against(name, sip, &input, baseline);
    }
    return 0;
}
