/* lookup: which questions one getaddrinfo() asks, and when it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "local53/dns/message.h"
#include "workload/lookup.h"

static const struct question_ref NAME = {.item = 7, .serial = 9};
static const struct lookup_search RELATIVE = {.suffixes = {11, 12, 13, 14}, .count = 4};
static const struct lookup_search ABSOLUTE = {
    .suffixes = {11, 12, 13, 14}, .count = 4, .absolute_first = true};

/* Answers both questions of each step: with records where the suffix is `exists`, else with none.
 * Gives the packets asked; *before: how many came before the first that was found. */
static unsigned packets(const struct lookup_search *search, unsigned exists, unsigned *before)
{
    enum lookup_state state = LOOKUP_NEXT;
    struct lookup lookup;
    unsigned asked = 0;

    *before = 0;
    for (lookup_init(&lookup, NAME, 0, search); state == LOOKUP_NEXT; asked += 2) {
        enum lookup_answer answer = LOOKUP_NONE;

        if (lookup_question(&lookup, 0).suffix == exists)
            answer = LOOKUP_FOUND;
        else
            *before += 2;
        assert_int_equal(lookup_take(&lookup, answer), LOOKUP_WAIT);
        state = lookup_take(&lookup, answer);
    }
    assert_int_equal(lookup.found, exists != UINT16_MAX);
    assert_false(lookup.lost);
    return asked;
}

static void each_kind_of_name_costs_the_packets_that_glibc_sends(void **state)
{
    static const struct {
        const struct lookup_search *search;
        unsigned exists;
        unsigned asked;
        unsigned before;
    } cases[] = {
        {&RELATIVE, 11, 2, 0},           /* a service of the own namespace */
        {&RELATIVE, 12, 4, 2},           /* service.namespace */
        {&RELATIVE, 0, 10, 8},           /* an external name with fewer than ndots dots */
        {&ABSOLUTE, 0, 2, 0},            /* with as many */
        {&ABSOLUTE, UINT16_MAX, 10, 10}, /* one that is nowhere */
        {&RELATIVE, UINT16_MAX, 10, 10},
        {&ABSOLUTE, 14, 10, 8},
    };
    unsigned before;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(packets(cases[i].search, cases[i].exists, &before), cases[i].asked);
        assert_int_equal(before, cases[i].before);
    }
}

static void the_two_questions_of_a_step_differ_only_in_type(void **state)
{
    struct lookup lookup;
    struct question_ref a;
    struct question_ref aaaa;

    (void)state;
    lookup_init(&lookup, NAME, 3, &RELATIVE);
    assert_int_equal(lookup.kind, 3);
    a = lookup_question(&lookup, 0);
    aaaa = lookup_question(&lookup, 1);
    assert_int_equal(a.type, TYPE_A);
    assert_int_equal(aaaa.type, TYPE_AAAA);
    assert_int_equal(a.item, 7);
    assert_int_equal(a.serial, 9);
    assert_int_equal(a.suffix, 11);
    aaaa.type = TYPE_A;
    assert_memory_equal(&a, &aaaa, sizeof(a));
}

static void suffixes_are_tried_in_order(void **state)
{
    static const uint16_t relative[] = {11, 12, 13, 14, 0};
    static const uint16_t absolute[] = {0, 11, 12, 13, 14};
    struct lookup lookups[2];

    (void)state;
    lookup_init(&lookups[0], NAME, 0, &RELATIVE);
    lookup_init(&lookups[1], NAME, 0, &ABSOLUTE);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(lookup_question(&lookups[0], 1).suffix, relative[i]);
        assert_int_equal(lookup_question(&lookups[1], 1).suffix, absolute[i]);
        for (size_t j = 0; j < 2; j++) {
            assert_int_equal(lookup_take(&lookups[j], LOOKUP_NONE), LOOKUP_WAIT);
            assert_int_equal(lookup_take(&lookups[j], LOOKUP_NONE),
                             i < 4 ? LOOKUP_NEXT : LOOKUP_DONE);
        }
    }
}

static void records_of_either_type_end_the_lookup_once_both_answers_are_in(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct lookup lookup;

        lookup_init(&lookup, NAME, 0, &RELATIVE);
        assert_int_equal(lookup_take(&lookup, first ? LOOKUP_FOUND : LOOKUP_NONE), LOOKUP_WAIT);
        assert_int_equal(lookup_take(&lookup, first ? LOOKUP_NONE : LOOKUP_FOUND), LOOKUP_DONE);
        assert_true(lookup.found);
        assert_int_equal(lookup.pending, 0);
    }
}

static void a_loss_ends_the_lookup_as_failed_once_both_ended(void **state)
{
    static const enum lookup_answer others[] = {LOOKUP_NONE, LOOKUP_FOUND, LOOKUP_LOST};

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct lookup lookup;

        lookup_init(&lookup, NAME, 0, &RELATIVE);
        assert_int_equal(lookup_take(&lookup, LOOKUP_LOST), LOOKUP_WAIT);
        assert_int_equal(lookup_take(&lookup, others[i]), LOOKUP_DONE);
        assert_true(lookup.lost);
        assert_int_equal(lookup.found, others[i] == LOOKUP_FOUND);
    }
}

static void without_a_search_list_only_the_name_is_asked(void **state)
{
    struct lookup_search none = {0};
    unsigned before;

    (void)state;
    assert_int_equal(packets(&none, UINT16_MAX, &before), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_name_costs_the_packets_that_glibc_sends),
        cmocka_unit_test(the_two_questions_of_a_step_differ_only_in_type),
        cmocka_unit_test(suffixes_are_tried_in_order),
        cmocka_unit_test(records_of_either_type_end_the_lookup_once_both_answers_are_in),
        cmocka_unit_test(a_loss_ends_the_lookup_as_failed_once_both_ended),
        cmocka_unit_test(without_a_search_list_only_the_name_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
