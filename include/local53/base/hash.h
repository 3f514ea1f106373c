/* hash: SipHash-1-3 with a 128-bit key. Clients choose the names that are hashed, so unkeyed
 * hashes could be flooded (Aumasson and Bernstein, "SipHash: a fast short-input PRF"). */
#ifndef LOCAL53_BASE_HASH_H
#define LOCAL53_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
    uint64_t k0; /* first 64 bits of the secret */
    uint64_t k1; /* last 64 bits of the secret */
};

/* 64-bit hash of len octets, mixed with seed (type, class and flags of a key, say). */
uint64_t hash_bytes(const struct hash_key *key, uint64_t seed, const void *data, size_t len);

/* 64-bit FNV-1a of len octets continued from state; unkeyed: only for what configuration
 * chose (fingerprints), never for names that clients chose. Start with HASH_FNV_START. */
#define HASH_FNV_START 0xcbf29ce484222325ULL
uint64_t hash_fnv(uint64_t state, const void *data, size_t len);

#endif
