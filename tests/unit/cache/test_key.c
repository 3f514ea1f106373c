/* key: unit tests of what tells questions apart. */
#include "cache_test.h"

static const struct hash_key secret = {1, 2};

static void every_member_tells_keys_apart(void **state)
{
    struct name name;
    struct name other;
    struct cache_key base = {&name, TYPE_A, CLASS_IN, false, false, 0};
    struct cache_key keys[] = {base, base, base, base, base};

    (void)state;
    name_of(&name, "www.example");
    name_of(&other, "wwx.example");
    keys[0].name = &other;
    keys[1].type = TYPE_AAAA;
    keys[2].class = CLASS_CH;
    keys[3].dnssec_ok = true;
    keys[4].checking_disabled = true;
    cache_key_hash(&base, &secret);
    for (size_t i = 0; i < 5; i++) {
        cache_key_hash(&keys[i], &secret);
        assert_int_not_equal(keys[i].hash, base.hash);
        keys[i].hash = base.hash;
        assert_false(cache_key_equal(&keys[i], &base));
    }
}

static void the_same_question_is_equal(void **state)
{
    struct name name;
    struct name same;
    struct cache_key a = {&name, TYPE_A, CLASS_IN, true, false, 0};
    struct cache_key b = {&same, TYPE_A, CLASS_IN, true, false, 0};

    (void)state;
    name_of(&name, "www.example");
    name_of(&same, "WWW.example");
    cache_key_hash(&a, &secret);
    cache_key_hash(&b, &secret);
    assert_true(cache_key_equal(&a, &b));
}

static void the_secret_decides_the_hash(void **state)
{
    const struct hash_key other = {1, 3};
    struct name name;
    struct cache_key key = {&name, TYPE_A, CLASS_IN, false, false, 0};
    uint64_t hash;

    (void)state;
    name_of(&name, "www.example");
    cache_key_hash(&key, &secret);
    hash = key.hash;
    cache_key_hash(&key, &other);
    assert_int_not_equal(key.hash, hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_tells_keys_apart),
        cmocka_unit_test(the_same_question_is_equal),
        cmocka_unit_test(the_secret_decides_the_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
