/* hash: SipHash-1-3 and FNV-1a. Pure; any thread. */
#include "local53/base/hash.h"

#include <string.h>

/* The four words of SipHash's state. */
struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate_left(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

/* Eight octets, the first one lowest. */
static inline uint64_t load_word(const uint8_t *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* As load_word, of the last 0..7 octets that fill no word of their own. Where there is a word before them
 * one load takes both, and the octets of the former are shifted out: in two steps, for none may be left. */
static inline uint64_t load_tail(const uint8_t *data, size_t len)
{
    uint64_t word = 0;

    if (len >= 8)
        return load_word(data + len - 8) >> 1 >> (63 - len % 8 * 8);
    for (size_t i = 0; i < len; i++)
        word |= (uint64_t)data[i] << (i * 8);
    return word;
}

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = rotate_left(s->v1, 13) ^ s->v0;
    s->v0 = rotate_left(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate_left(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate_left(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate_left(s->v1, 17) ^ s->v2;
    s->v2 = rotate_left(s->v2, 32);
}

/* One word of the message: one round ("1" of 1-3). */
static inline void sip_absorb(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

uint64_t hash_bytes(const struct hash_key *key, uint64_t seed, const void *data, size_t len)
{
    struct sip s = {key->k0 ^ 0x736f6d6570736575ULL, key->k1 ^ 0x646f72616e646f6dULL,
                    key->k0 ^ 0x6c7967656e657261ULL, key->k1 ^ 0x7465646279746573ULL};
    uint64_t last = (uint64_t)(len + sizeof(seed)) << 56 | load_tail(data, len);
    const uint8_t *at = data;

    sip_absorb(&s, seed);
    for (size_t words = len / 8; words > 0; words--, at += 8)
        sip_absorb(&s, load_word(at));
    sip_absorb(&s, last);
    s.v2 ^= 0xff;
    sip_round(&s);
    sip_round(&s);
    sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t hash_fnv(uint64_t state, const void *data, size_t len)
{
    const uint8_t *at = data;

    for (size_t i = 0; i < len; i++)
        state = (state ^ at[i]) * 0x100000001b3ULL;
    return state;
}
