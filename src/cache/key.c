/* key: hashes and compares what a question is stored under.
 * Owns: nothing. Thread: any; no state.
 * Bounds: one name. Fails: never. */
#include "local53/cache/key.h"

void cache_key_hash(struct cache_key *key, const struct hash_key *secret)
{
    uint64_t seed = (uint64_t)key->type | (uint64_t)key->class << 16 |
                    (uint64_t)key->dnssec_ok << 32 | (uint64_t)key->checking_disabled << 33;

    key->hash = hash_bytes(secret, seed, key->name->wire, key->name->len);
}

bool cache_key_equal(const struct cache_key *a, const struct cache_key *b)
{
    return a->hash == b->hash && a->type == b->type && a->class == b->class &&
           a->dnssec_ok == b->dnssec_ok && a->checking_disabled == b->checking_disabled &&
           name_equal(a->name, b->name);
}
