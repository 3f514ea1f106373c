/* The addresses behind an endpoint: merging, refreshing, and never losing the last good ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "local53/dns/text.h"
#include "local53/endpoint/target.h"

#define V4 0
#define V6 1
#define START_MS 1000000

/* A target and the moment it is. */
struct fixture {
    struct target target;
    uint64_t now_ms;
};

static void start(struct fixture *f, size_t name_count, const char *literal)
{
    static const char *const texts[] = {"vpce-1.example", "vpce-2.example", "vpce-3.example"};
    struct name names[3];
    struct addr addr;

    for (size_t i = 0; i < 3; i++)
        assert_int_equal(text_read_name(&names[i], texts[i]), ERR_OK);
    if (literal != NULL)
        assert_int_equal(addr_parse(&addr, literal, 0), ERR_OK);
    target_init(&f->target, names, name_count, &addr, literal != NULL ? 1 : 0);
    f->now_ms = START_MS;
}

/* An answer with the addresses 10.0.0.x (or fd00::x) whose last octets are told. */
static void answer(struct fixture *f, size_t name, int family, uint32_t ttl_s, const char *last)
{
    uint8_t octets[64][16] = {{0}};
    struct target_answer told = {name, family, (const uint8_t(*)[16])octets, strlen(last), ttl_s};

    for (size_t i = 0; i < told.count; i++) {
        octets[i][0] = family == V4 ? 10 : 0xfd;
        octets[i][family == V4 ? 3 : 15] = (uint8_t)last[i];
    }
    target_answer(&f->target, &told, f->now_ms);
}

static struct addresses published(const struct fixture *f)
{
    struct addresses out;

    target_addresses(&f->target, f->now_ms, &out);
    return out;
}

static void assert_v4(const struct fixture *f, const char *last)
{
    struct addresses out = published(f);

    assert_int_equal(out.v4_count, strlen(last));
    for (size_t i = 0; i < out.v4_count; i++) {
        assert_int_equal(out.v4[i][0], 10);
        assert_int_equal(out.v4[i][3], last[i]);
    }
}

static uint64_t due_ms(const struct fixture *f, size_t name, int family)
{
    return f->target.parts[name][family].next_ms - f->now_ms;
}

static void nothing_is_known_and_all_is_due_at_the_start(void **state)
{
    struct fixture f;
    size_t name;
    int family;
    uint64_t due;

    (void)state;
    start(&f, 2, NULL);
    assert_int_equal(published(&f).state, ADDRESSES_NONE);
    assert_int_equal(published(&f).v4_count + published(&f).v6_count, 0);
    for (int i = 0; i < 4; i++) {
        assert_true(target_next(&f.target, &name, &family, &due));
        assert_int_equal(due, 0);
        target_asked(&f.target, name, family, f.now_ms);
    }
    assert_true(target_next(&f.target, &name, &family, &due));
    assert_int_equal(due, f.now_ms + 10000);
}

static void literals_alone_need_no_refresh(void **state)
{
    struct fixture f;
    size_t name;
    int family;
    uint64_t due;
    struct addresses out;

    (void)state;
    start(&f, 0, "10.0.0.1");
    assert_false(target_next(&f.target, &name, &family, &due));
    out = published(&f);
    assert_int_equal(out.state, ADDRESSES_LITERAL);
    assert_int_equal(out.v4_count, 1);
    assert_int_equal(addresses_ttl_s(&out, f.now_ms), 60);
    assert_int_equal(out.confirmed_ms, 0);
}

static void literals_stand_in_until_the_first_answer(void **state)
{
    struct fixture f;
    struct addresses out;

    (void)state;
    start(&f, 1, "10.0.0.1");
    out = published(&f);
    assert_int_equal(out.state, ADDRESSES_LAST_GOOD);
    assert_int_equal(addresses_ttl_s(&out, f.now_ms), 30);
    answer(&f, 0, V6, 60, "");
    assert_v4(&f, "\1");
    answer(&f, 0, V4, 60, "\7");
    assert_v4(&f, "\7");
    assert_int_equal(published(&f).state, ADDRESSES_FRESH);
}

/* Same addresses; state and times do not count. */
static bool addresses_same(const struct addresses *a, const struct addresses *b)
{
    return a->v4_count == b->v4_count && a->v6_count == b->v6_count &&
           memcmp(a->v4, b->v4, a->v4_count * sizeof(a->v4[0])) == 0 &&
           memcmp(a->v6, b->v6, a->v6_count * sizeof(a->v6[0])) == 0;
}

static void answers_are_sorted_merged_and_without_doubles(void **state)
{
    struct fixture f;
    struct fixture other;
    struct addresses a;
    struct addresses b;

    (void)state;
    start(&f, 2, NULL);
    answer(&f, 0, V4, 60, "\3\1\3");
    answer(&f, 1, V4, 60, "\2\1");
    assert_v4(&f, "\1\2\3");
    start(&other, 2, NULL);
    answer(&other, 1, V4, 60, "\1\2");
    answer(&other, 0, V4, 60, "\1\3");
    a = published(&f);
    b = published(&other);
    assert_true(addresses_same(&a, &b));
    answer(&other, 1, V4, 60, "\1\4");
    b = published(&other);
    assert_false(addresses_same(&a, &b));
    answer(&f, 0, V6, 60, "\1");
    b = published(&f);
    assert_false(addresses_same(&a, &b));
}

static void addresses_over_the_limit_are_counted_and_the_same_ones_stay(void **state)
{
    char up[41] = {0};
    char down[41] = {0};
    struct fixture f;
    struct addresses a;
    struct addresses b;

    (void)state;
    for (int i = 0; i < 40; i++) {
        up[i] = (char)(i + 1);
        down[i] = (char)(40 - i);
    }
    start(&f, 1, NULL);
    answer(&f, 0, V4, 60, up);
    a = published(&f);
    assert_int_equal(a.v4_count, TARGET_ADDRESSES_MAX);
    assert_int_equal(f.target.shed, 8);
    answer(&f, 0, V4, 60, down);
    b = published(&f);
    assert_int_equal(f.target.shed, 16);
    assert_true(addresses_same(&a, &b));
    assert_int_equal(b.v4[31][3], 32);
}

static void refresh_comes_at_three_quarters_of_the_ttl(void **state)
{
    static const struct {
        uint32_t ttl_s;
        uint64_t due_ms;
    } cases[] = {{60, 45000}, {40, 30000}, {8, 6000}, {4, 5000}, {0, 5000}, {3600, 45000}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fixture f;

        start(&f, 1, NULL);
        answer(&f, 0, V4, cases[i].ttl_s, "\1");
        assert_int_equal(due_ms(&f, 0, V4), cases[i].due_ms);
    }
}

static void ttl_is_what_is_left_within_its_clamps(void **state)
{
    struct fixture f;
    struct addresses out;

    (void)state;
    start(&f, 1, NULL);
    answer(&f, 0, V4, 3600, "\1");
    out = published(&f);
    assert_int_equal(addresses_ttl_s(&out, f.now_ms), 60);
    answer(&f, 0, V4, 60, "\1");
    out = published(&f);
    assert_int_equal(addresses_ttl_s(&out, f.now_ms + 20000), 40);
    assert_int_equal(addresses_ttl_s(&out, f.now_ms + 58000), 5);
    assert_int_equal(addresses_ttl_s(&out, f.now_ms + 60000), 30);
    assert_int_equal(addresses_ttl_s(&out, f.now_ms + 90000), 30);
}

static void answer_with_ttl_0_is_fresh_until_its_refresh_had_time(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, 1, NULL);
    answer(&f, 0, V4, 0, "\1");
    f.now_ms += 6000;
    assert_int_equal(published(&f).state, ADDRESSES_FRESH);
    f.now_ms += 5000;
    assert_int_equal(published(&f).state, ADDRESSES_LAST_GOOD);
    assert_v4(&f, "\1");
}

static void last_good_stays_for_ever_when_refreshes_fail(void **state)
{
    static const uint64_t waits_ms[] = {1000, 2000, 4000, 5000, 5000, 5000};
    struct fixture f;
    struct addresses out;

    (void)state;
    start(&f, 1, NULL);
    answer(&f, 0, V4, 60, "\1\2");
    f.now_ms += 3600000;
    for (size_t i = 0; i < sizeof(waits_ms) / sizeof(waits_ms[0]); i++) {
        target_failure(&f.target, 0, V4, f.now_ms);
        assert_int_equal(due_ms(&f, 0, V4), waits_ms[i]);
        f.now_ms += waits_ms[i];
    }
    assert_v4(&f, "\1\2");
    out = published(&f);
    assert_int_equal(out.state, ADDRESSES_LAST_GOOD);
    assert_int_equal(out.confirmed_ms, START_MS);
    assert_int_equal(addresses_ttl_s(&out, f.now_ms), 30);
    answer(&f, 0, V4, 60, "\3");
    assert_int_equal(published(&f).state, ADDRESSES_FRESH);
    assert_v4(&f, "\3");
    target_failure(&f.target, 0, V4, f.now_ms);
    assert_int_equal(due_ms(&f, 0, V4), 1000);
    assert_int_equal(published(&f).state, ADDRESSES_FRESH);
}

static void name_without_addresses_is_cleared_while_others_have_some(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, 2, NULL);
    answer(&f, 0, V4, 60, "\1");
    answer(&f, 1, V4, 60, "\2");
    answer(&f, 0, V4, 60, "");
    assert_v4(&f, "\2");
    assert_int_equal(published(&f).state, ADDRESSES_FRESH);
    assert_int_equal(due_ms(&f, 0, V4), 45000);
}

static void endpoint_never_becomes_empty(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, 2, NULL);
    answer(&f, 0, V4, 60, "\1");
    answer(&f, 1, V4, 60, "\2");
    answer(&f, 0, V4, 60, "");
    answer(&f, 1, V4, 60, "");
    assert_v4(&f, "\2");
    assert_int_equal(published(&f).state, ADDRESSES_LAST_GOOD);
    assert_int_equal(due_ms(&f, 1, V4), 1000);
    answer(&f, 0, V6, 60, "");
    answer(&f, 1, V6, 60, "");
    assert_v4(&f, "\2");
    answer(&f, 1, V4, 60, "\4");
    assert_v4(&f, "\4");
    assert_int_equal(published(&f).state, ADDRESSES_FRESH);
}

static void both_families_are_kept_apart(void **state)
{
    struct fixture f;
    struct addresses out;

    (void)state;
    start(&f, 1, NULL);
    answer(&f, 0, V4, 60, "\1");
    answer(&f, 0, V6, 20, "\2\1");
    out = published(&f);
    assert_int_equal(out.v4_count, 1);
    assert_int_equal(out.v6_count, 2);
    assert_int_equal(out.v6[0][0], 0xfd);
    assert_int_equal(out.v6[0][15], 1);
    assert_int_equal(out.v6[1][15], 2);
    assert_int_equal(out.expires_ms, f.now_ms + 20000);
}

static void missing_family_is_asked_again_with_the_ttl_and_not_as_a_failure(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, 1, NULL);
    answer(&f, 0, V6, 60, "");
    assert_true(f.target.parts[0][V6].answered);
    assert_false(f.target.parts[0][V4].answered);
    assert_int_equal(due_ms(&f, 0, V6), 1000);
    answer(&f, 0, V4, 60, "\1");
    answer(&f, 0, V6, 60, "");
    assert_int_equal(due_ms(&f, 0, V6), 45000);
}

static void reload_keeps_what_is_known_of_the_same_names(void **state)
{
    struct fixture f;
    struct fixture next;

    (void)state;
    start(&f, 2, NULL);
    target_asked(&f.target, 0, V4, f.now_ms);
    answer(&f, 0, V4, 60, "\1");
    answer(&f, 1, V4, 60, "\2");
    target_asked(&f.target, 0, V6, f.now_ms);
    start(&next, 1, NULL);
    target_adopt(&next.target, &f.target);
    assert_v4(&next, "\1");
    assert_int_equal(published(&next).state, ADDRESSES_FRESH);
    assert_int_equal(published(&next).confirmed_ms, START_MS);
    assert_int_equal(due_ms(&next, 0, V4), 45000);
    assert_int_equal(next.target.parts[0][V6].next_ms, 0);
}

static void reload_finds_a_name_wherever_it_stood(void **state)
{
    struct fixture f;
    struct fixture next = {.now_ms = START_MS};

    (void)state;
    start(&f, 2, NULL);
    answer(&f, 0, V4, 60, "\1");
    answer(&f, 1, V4, 60, "\2");
    target_init(&next.target, &f.target.names[1], 1, NULL, 0);
    target_adopt(&next.target, &f.target);
    assert_v4(&next, "\2");
}

static void reload_takes_nothing_from_other_names(void **state)
{
    struct fixture f;
    struct fixture next;
    struct name other;

    (void)state;
    start(&f, 1, NULL);
    answer(&f, 0, V4, 60, "\1");
    start(&next, 0, NULL);
    assert_int_equal(text_read_name(&other, "vpce-9.example"), ERR_OK);
    target_init(&next.target, &other, 1, NULL, 0);
    target_adopt(&next.target, &f.target);
    assert_int_equal(published(&next).state, ADDRESSES_NONE);
    assert_int_equal(next.target.confirmed_ms, 0);
    assert_int_equal(next.target.parts[0][V4].next_ms, 0);
}

static void soonest_part_is_next(void **state)
{
    struct fixture f;
    size_t name;
    int family;
    uint64_t due;

    (void)state;
    start(&f, 2, NULL);
    answer(&f, 0, V4, 60, "\1");
    answer(&f, 0, V6, 60, "\1");
    answer(&f, 1, V4, 20, "\1");
    answer(&f, 1, V6, 60, "\1");
    assert_true(target_next(&f.target, &name, &family, &due));
    assert_int_equal(name, 1);
    assert_int_equal(family, V4);
    assert_int_equal(due, f.now_ms + 15000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_and_all_is_due_at_the_start),
        cmocka_unit_test(literals_alone_need_no_refresh),
        cmocka_unit_test(literals_stand_in_until_the_first_answer),
        cmocka_unit_test(answers_are_sorted_merged_and_without_doubles),
        cmocka_unit_test(addresses_over_the_limit_are_counted_and_the_same_ones_stay),
        cmocka_unit_test(refresh_comes_at_three_quarters_of_the_ttl),
        cmocka_unit_test(ttl_is_what_is_left_within_its_clamps),
        cmocka_unit_test(answer_with_ttl_0_is_fresh_until_its_refresh_had_time),
        cmocka_unit_test(last_good_stays_for_ever_when_refreshes_fail),
        cmocka_unit_test(name_without_addresses_is_cleared_while_others_have_some),
        cmocka_unit_test(endpoint_never_becomes_empty),
        cmocka_unit_test(both_families_are_kept_apart),
        cmocka_unit_test(missing_family_is_asked_again_with_the_ttl_and_not_as_a_failure),
        cmocka_unit_test(reload_keeps_what_is_known_of_the_same_names),
        cmocka_unit_test(reload_finds_a_name_wherever_it_stood),
        cmocka_unit_test(reload_takes_nothing_from_other_names),
        cmocka_unit_test(soonest_part_is_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
