/* hash: SipHash-1-3 and FNV-1a against published values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "local53/base/bytes.h"
#include "local53/base/hash.h"

/* SipHash-1-3 of the octets 0, 1, 2 ... under the key 0, 1 ... 15, as the reference implementation
 * (github.com/veorq/SipHash) gives them. The seed is the message's first eight octets. */
static const struct {
    size_t len;    /* octets of the message, the seed's eight included */
    uint64_t hash; /* expected */
} vectors[] = {
    {8, 0x369095118d299a8eULL},  {9, 0x25a48eb36c063de4ULL},  {10, 0x79de85ee92ff097fULL},
    {11, 0x70c118c1f94dc352ULL}, {12, 0x78a384b157b4d9a2ULL}, {13, 0x306f760c1229ffa7ULL},
    {14, 0x605aa111c0f95d34ULL}, {15, 0xd320d86d2a519956ULL}, {16, 0xcc4fdd1a7d908b66ULL},
    {17, 0x9cf2689063dbd80cULL}, {18, 0x8ffc389cb473e63eULL}, {19, 0xf21f9de58d297d1cULL},
    {20, 0xc0dc2f46a6cce040ULL}, {21, 0xb992abfe2b45f844ULL}, {22, 0x7ffe7b9ba320872eULL},
    {23, 0x525a0e7fdae6c123ULL}, {31, 0x2370dd1f8c21d1bcULL}, {32, 0x81157b6c16a7b60dULL},
    {63, 0x9d199062b7bbb3a8ULL},
};

static const struct hash_key key = {0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
static const uint64_t seed = 0x0706050403020100ULL;

static void the_seed_and_the_octets_are_one_siphash_message(void **state)
{
    uint8_t message[64];

    (void)state;
    for (size_t i = 0; i < sizeof(message); i++)
        message[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
        assert_int_equal(hash_bytes(&key, seed, message + 8, vectors[i].len - 8), vectors[i].hash);
}

static void octets_may_begin_at_any_address(void **state)
{
    uint8_t message[64 + 8] = {0};
    uint64_t expected = hash_bytes(&key, 0, message, 43);

    (void)state;
    for (size_t shift = 1; shift < 8; shift++)
        assert_int_equal(hash_bytes(&key, 0, message + shift, 43), expected);
}

static void key_seed_and_length_all_count(void **state)
{
    const struct hash_key other = {key.k0, key.k1 ^ 1};
    uint64_t hash = hash_bytes(&key, 1, "\0\0", 1);

    (void)state;
    assert_int_not_equal(hash, hash_bytes(&other, 1, "\0\0", 1));
    assert_int_not_equal(hash, hash_bytes(&key, 2, "\0\0", 1));
    assert_int_not_equal(hash, hash_bytes(&key, 1, "\0\0", 2));
    assert_int_not_equal(hash, hash_bytes(&key, 1, NULL, 0));
}

/* Values of draft-eastlake-fnv, appendix C. */
static void fnv_gives_its_published_values(void **state)
{
    (void)state;
    assert_int_equal(hash_fnv(HASH_FNV_START, "", 0), 0xcbf29ce484222325ULL);
    assert_int_equal(hash_fnv(HASH_FNV_START, "a", 1), 0xaf63dc4c8601ec8cULL);
    assert_int_equal(hash_fnv(HASH_FNV_START, "foobar", 6), 0x85944171f73967e8ULL);
}

static void fnv_continues_from_where_it_stopped(void **state)
{
    uint64_t half = hash_fnv(HASH_FNV_START, "foo", 3);

    (void)state;
    assert_int_equal(hash_fnv(half, "bar", 3), hash_fnv(HASH_FNV_START, "foobar", 6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_seed_and_the_octets_are_one_siphash_message),
        cmocka_unit_test(octets_may_begin_at_any_address),
        cmocka_unit_test(key_seed_and_length_all_count),
        cmocka_unit_test(fnv_gives_its_published_values),
        cmocka_unit_test(fnv_continues_from_where_it_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
