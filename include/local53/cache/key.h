/* key: what a question is stored under: name, type, class, DO and CD. NXDOMAIN belongs to all types of
 * a name and stands under type 0 (RFC 2308 section 5). */
#ifndef LOCAL53_CACHE_KEY_H
#define LOCAL53_CACHE_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "local53/base/hash.h"
#include "local53/dns/name.h"

#define CACHE_TYPE_NXDOMAIN 0

struct cache_key {
    const struct name *name; /* borrowed, folded; must outlive the key */
    uint16_t type;           /* asked type, or CACHE_TYPE_NXDOMAIN */
    uint16_t class;          /* asked class */
    bool dnssec_ok;          /* DO */
    bool checking_disabled;  /* CD */
    uint64_t hash;           /* set by cache_key_hash from all of the above */
};

/* Sets key->hash (SipHash-1-3 under the process's secret) once the other members stand. */
void cache_key_hash(struct cache_key *key, const struct hash_key *secret);

/* True when both name the same question; hashes are compared first. */
bool cache_key_equal(const struct cache_key *a, const struct cache_key *b);

#endif
