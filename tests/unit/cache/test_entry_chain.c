/* entry_chain: unit tests of following CNAMEs. */
#include "cache_test.h"

static struct answer a;
static struct entry_chain chain;

static enum err scan(void)
{
    a.source.message = a.octets;
    a.source.len = a.w.len;
    return entry_scan_chain(&chain, &a.source);
}

static void assert_target(size_t link, const char *dotted)
{
    struct name expected;
    struct name target;

    name_of(&expected, dotted);
    assert_int_equal(rr_name_at(&target, a.octets, a.w.len, chain.target_offset[link]), ERR_OK);
    assert_true(name_equal(&target, &expected));
}

static void the_chain_is_followed_by_name_whatever_the_order(void **state)
{
    (void)state;
    answer_begin(&a, "WWW.example", TYPE_A, 0);
    answer_cname(&a, "b.example", 30, "c.example");
    answer_cname(&a, "a.example", 20, "B.example");
    answer_cname(&a, "www.example", 10, "A.example");
    answer_cname(&a, "other.example", 5, "www.example");
    assert_int_equal(scan(), ERR_OK);
    assert_int_equal(chain.count, 3);
    assert_false(chain.too_long);
    assert_target(0, "a.example");
    assert_target(1, "b.example");
    assert_target(2, "c.example");
}

static void a_loop_is_too_long(void **state)
{
    (void)state;
    answer_begin(&a, "a.example", TYPE_A, 0);
    answer_cname(&a, "a.example", 30, "b.example");
    answer_cname(&a, "b.example", 30, "a.example");
    assert_int_equal(scan(), ERR_OK);
    assert_true(chain.too_long);
    answer_begin(&a, "a.example", TYPE_A, 0);
    answer_cname(&a, "a.example", 30, "a.example");
    assert_int_equal(scan(), ERR_OK);
    assert_true(chain.too_long);
}

static void cname_and_any_have_no_chain(void **state)
{
    static const uint16_t types[] = {TYPE_CNAME, TYPE_ANY};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        answer_begin(&a, "a.example", types[i], 0);
        answer_cname(&a, "a.example", 30, "b.example");
        assert_int_equal(scan(), ERR_OK);
        assert_int_equal(chain.count, 0);
    }
}

static void a_target_fills_its_rdata(void **state)
{
    (void)state;
    answer_begin(&a, "a.example", TYPE_A, 0);
    answer_add(&a, SECTION_ANSWER, "a.example", TYPE_CNAME, WIRE_BYTES("\1b\0x"));
    assert_int_equal(scan(), ERR_MALFORMED);
    answer_begin(&a, "a.example", TYPE_A, 0);
    answer_add(&a, SECTION_ANSWER, "a.example", TYPE_CNAME, (struct bytes){NULL, 0});
    answer_a(&a, "a.example", 60, ADDRESS);
    assert_int_equal(scan(), ERR_MALFORMED);
}

static void only_the_answer_section_counts(void **state)
{
    (void)state;
    answer_begin(&a, "a.example", TYPE_A, 0);
    answer_add(&a, SECTION_AUTHORITY, "a.example", TYPE_CNAME, WIRE_BYTES("\1b\0"));
    assert_int_equal(scan(), ERR_OK);
    assert_int_equal(chain.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_chain_is_followed_by_name_whatever_the_order),
        cmocka_unit_test(a_loop_is_too_long),
        cmocka_unit_test(cname_and_any_have_no_chain),
        cmocka_unit_test(a_target_fills_its_rdata),
        cmocka_unit_test(only_the_answer_section_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
