/* tally: each query ends in one outcome, and no member is forgotten when threads are merged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "measure/tally.h"

#define WORDS (sizeof(struct tally) / sizeof(uint64_t))

static void a_tally_is_whole_when_each_query_has_one_outcome(void **state)
{
    struct tally tally = {0};
    (void)state;
    assert_true(tally_is_whole(&tally));
    for (unsigned i = 0; i < OUTCOME_COUNT; i++) {
        tally.sent += i + 1;
        assert_false(tally_is_whole(&tally));
        tally.outcome[i] = i + 1;
        assert_true(tally_is_whole(&tally));
    }
    tally.duplicate = 3;
    tally.stray = 4;
    tally.answer[ANSWER_NX] = 5;
    assert_true(tally_is_whole(&tally));
    tally.outcome[OUTCOME_OK]++;
    assert_false(tally_is_whole(&tally));
}

/* All members are counters: filled word by word, so that a new one that merging forgets is found. */
static void merging_adds_every_member(void **state)
{
    uint64_t words[WORDS];
    struct tally into;
    struct tally from;
    (void)state;
    for (size_t i = 0; i < WORDS; i++)
        words[i] = i + 1;
    memcpy(&into, words, sizeof(into));
    for (size_t i = 0; i < WORDS; i++)
        words[i] = 1000 * (i + 1);
    memcpy(&from, words, sizeof(from));
    tally_merge(&into, &from);
    memcpy(words, &into, sizeof(words));
    for (size_t i = 0; i < WORDS; i++)
        assert_int_equal(words[i], 1001 * (i + 1));
}

static void losses_are_those_without_an_answer_in_time(void **state)
{
    struct tally tally = {.sent = 1000};
    (void)state;
    tally.outcome[OUTCOME_OK] = 900;
    tally.outcome[OUTCOME_MISMATCH] = 30;
    tally.outcome[OUTCOME_WRONG] = 20;
    assert_true(tally_loss(&tally) == 0);
    tally.outcome[OUTCOME_LATE] = 1;
    tally.outcome[OUTCOME_TIMEOUT] = 2;
    tally.outcome[OUTCOME_REFUSED] = 4;
    tally.outcome[OUTCOME_SEND_ERROR] = 8;
    tally.outcome[OUTCOME_TESTER_DROPPED] = 16;
    assert_true(tally_loss(&tally) == 31 / 1000.0);
}

static void nothing_sent_is_no_loss(void **state)
{
    struct tally tally = {0};
    (void)state;
    assert_true(tally_loss(&tally) == 0);
}

static void answers_are_told_apart_by_rcode_and_records(void **state)
{
    (void)state;
    assert_int_equal(answer_classify(0, 1), ANSWER_FOUND);
    assert_int_equal(answer_classify(0, 0), ANSWER_NODATA);
    assert_int_equal(answer_classify(3, 0), ANSWER_NX);
    /* A CNAME whose target does not exist. */
    assert_int_equal(answer_classify(3, 1), ANSWER_NX);
    assert_int_equal(answer_classify(2, 0), ANSWER_FAIL);
    assert_int_equal(answer_classify(5, 2), ANSWER_FAIL);
    assert_int_equal(answer_classify(23, 0), ANSWER_FAIL);
}

static void names_are_those_of_the_lists(void **state)
{
    (void)state;
    assert_string_equal(outcome_name(OUTCOME_OK), "ok");
    assert_string_equal(outcome_name(OUTCOME_TESTER_DROPPED), "tester_dropped");
    assert_string_equal(outcome_help(OUTCOME_TIMEOUT), "no answer while one was waited for");
    assert_string_equal(answer_name(ANSWER_FOUND), "found");
    assert_string_equal(answer_name(ANSWER_FAIL), "fail");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tally_is_whole_when_each_query_has_one_outcome),
        cmocka_unit_test(merging_adds_every_member),
        cmocka_unit_test(losses_are_those_without_an_answer_in_time),
        cmocka_unit_test(nothing_sent_is_no_loss),
        cmocka_unit_test(answers_are_told_apart_by_rcode_and_records),
        cmocka_unit_test(names_are_those_of_the_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
