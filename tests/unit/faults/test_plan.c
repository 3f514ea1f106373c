/* Options of the fault server, and what is drawn from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "faults/plan.h"

/* Draws of a test; shares come out within a few standard deviations (0.5 % of this at 50 %). */
#define DRAWS 20000

static struct fault_plan plan_of(const char *name, const char *value)
{
    struct fault_plan plan;
    char why[FAULTS_WHY_OCTETS];

    fault_plan_init(&plan);
    assert_int_equal(fault_plan_set(&plan, name, value, why), ERR_OK);
    return plan;
}

/* What an option complains about, on a plan of defaults that must stay as it was. */
static void assert_refused(const char *name, const char *value, const char *sentence)
{
    struct fault_plan plan;
    struct fault_plan before;
    char why[FAULTS_WHY_OCTETS] = "";

    fault_plan_init(&plan);
    before = plan;
    assert_int_equal(fault_plan_set(&plan, name, value, why), ERR_INVALID);
    assert_string_equal(why, sentence);
    assert_memory_equal(&plan, &before, sizeof(plan));
}

static void a_plan_without_options_has_no_faults(void **state)
{
    struct fault_plan plan;
    struct rng rng;
    (void)state;

    fault_plan_init(&plan);
    rng_init_seeded(&rng, plan.seed);
    assert_true(fault_plan_is_prompt(&plan));
    assert_true(plan.cluster);
    assert_int_equal(plan.queue, 4096);
    assert_int_equal(plan.ttl, 30);
    for (int i = 0; i < 100; i++) {
        struct fault_draw draw = fault_draw(&plan, &rng);

        assert_int_equal(draw.fault, FAULT_NONE);
        assert_false(draw.duplicate);
        assert_int_equal(draw.jitter_ns, 0);
    }
}

static void every_option_sets_its_figure(void **state)
{
    (void)state;
    assert_int_equal(plan_of("delay", "1.5ms").delay_ns, 1500000);
    assert_int_equal(plan_of("jitter", "20us").jitter_ns, 20000);
    assert_int_equal(plan_of("service-time", "20us").service_ns, 20000);
    assert_int_equal(plan_of("queue", "7").queue, 7);
    assert_true(plan_of("loss", "0.1%").loss == 0.001);
    assert_true(plan_of("tc", "2%").truncated == 0.02);
    assert_true(plan_of("wrong", "address:1%").wrong_address == 0.01);
    assert_true(plan_of("wrong", "question").wrong_question == 1);
    assert_true(plan_of("wrong", "id:0.5").wrong_id == 0.5);
    assert_true(plan_of("wrong", "empty").empty == 1);
    assert_true(plan_of("duplicate", "3%").duplicate == 0.03);
    assert_false(plan_of("no-cluster", NULL).cluster);
    assert_int_equal(plan_of("ttl", "0").ttl, 0);
    assert_int_equal(plan_of("seed", "99").seed, 99);
}

static void time_that_answers_take_makes_a_plan_that_holds_them(void **state)
{
    struct fault_plan plan;
    (void)state;

    plan = plan_of("delay", "1us");
    assert_false(fault_plan_is_prompt(&plan));
    plan = plan_of("jitter", "1us");
    assert_false(fault_plan_is_prompt(&plan));
    plan = plan_of("service-time", "1us");
    assert_false(fault_plan_is_prompt(&plan));
    plan = plan_of("stall", "1s@1s");
    assert_true(fault_plan_is_prompt(&plan));
}

static void an_rcode_is_a_mnemonic_in_any_case_and_its_last_share_counts(void **state)
{
    struct fault_plan plan = plan_of("rcode", "servfail:2%");
    char why[FAULTS_WHY_OCTETS];
    (void)state;

    assert_int_equal(fault_plan_set(&plan, "rcode", "NXDOMAIN:3%", why), ERR_OK);
    assert_int_equal(fault_plan_set(&plan, "rcode", "SERVFAIL:4%", why), ERR_OK);
    assert_int_equal(plan.rcode_count, 2);
    assert_int_equal(plan.rcodes[0].rcode, 2);
    assert_true(plan.rcodes[0].share == 0.04);
    assert_int_equal(plan.rcodes[1].rcode, 3);
    assert_true(plan_of("rcode", "REFUSED").rcodes[0].share == 1);
}

static void stalls_stand_in_order_of_time(void **state)
{
    struct fault_plan plan = plan_of("stall", "500ms@2s");
    char why[FAULTS_WHY_OCTETS];
    (void)state;

    assert_int_equal(fault_plan_set(&plan, "stall", "1s@0", why), ERR_OK);
    assert_int_equal(fault_plan_set(&plan, "stall", "1s@1s", why), ERR_OK);
    assert_int_equal(plan.stall_count, 3);
    assert_int_equal(plan.stalls[0].at_ns, 0);
    assert_int_equal(plan.stalls[1].at_ns, 1000000000);
    assert_int_equal(plan.stalls[2].at_ns, 2000000000);
    assert_int_equal(plan.stalls[2].length_ns, 500000000);
    assert_int_equal(fault_plan_set(&plan, "stall", "1s@2.4s", why), ERR_INVALID);
    assert_int_equal(fault_plan_set(&plan, "stall", "1s@500ms", why), ERR_INVALID);
    assert_string_equal(why, "it is in the middle of another stall");
    assert_int_equal(plan.stall_count, 3);
}

static void a_wrong_value_is_told_in_a_sentence_and_changes_nothing(void **state)
{
    (void)state;
    assert_refused("delay", "5", "it takes a time like 20us, 1.5ms or 2s, not '5'");
    assert_refused("loss", "x", "it takes a share like 0.1% or 0.001, not 'x'");
    assert_refused("loss", "101%", "it takes a share like 0.1% or 0.001, not '101%'");
    assert_refused("wrong", "adress:1%",
                   "it takes address, question, id or empty, and a share behind ':', not "
                   "'adress:1%'");
    assert_refused("rcode", "NOERROR",
                   "it takes an rcode and a share, like SERVFAIL:2%, not "
                   "'NOERROR'");
    assert_refused("stall", "500ms", "it takes a length and when, like 500ms@2s, not '500ms'");
    assert_refused("stall", "0@2s", "it takes a length and when, like 500ms@2s, not '0@2s'");
    assert_refused("answer", "192.0.2.1:53",
                   "it takes an address like 192.0.2.1 or 2001:db8::1, not '192.0.2.1:53'");
    assert_refused("queue", "-1", "it takes a count of queries, not '-1'");
}

static void shares_of_which_a_query_gets_one_add_up_to_at_most_one(void **state)
{
    struct fault_plan plan = plan_of("loss", "60%");
    char why[FAULTS_WHY_OCTETS];
    (void)state;

    assert_int_equal(fault_plan_set(&plan, "wrong", "id:40%", why), ERR_OK);
    assert_int_equal(fault_plan_set(&plan, "duplicate", "100%", why), ERR_OK);
    assert_int_equal(fault_plan_set(&plan, "rcode", "SERVFAIL:1%", why), ERR_INVALID);
    assert_string_equal(why, "the shares of all faults are more than 100 %");
    assert_int_equal(plan.rcode_count, 0);
}

static void lists_are_bounded(void **state)
{
    struct fault_plan plan = plan_of("answer", "192.0.2.9");
    char why[FAULTS_WHY_OCTETS];
    (void)state;

    for (int i = 1; i < FAULTS_ADDRESSES_MAX; i++)
        assert_int_equal(fault_plan_set(&plan, "answer", "::1", why), ERR_OK);
    assert_int_equal(fault_plan_set(&plan, "answer", "::1", why), ERR_NO_SPACE);
    assert_int_equal(plan.address_count, FAULTS_ADDRESSES_MAX);
}

static void an_unknown_option_is_not_found_and_every_known_one_is_listed(void **state)
{
    struct fault_plan plan;
    char why[FAULTS_WHY_OCTETS];
    size_t count;
    const struct fault_option *options = fault_plan_options(&count);
    (void)state;

    fault_plan_init(&plan);
    assert_int_equal(fault_plan_set(&plan, "dealy", "1ms", why), ERR_NOT_FOUND);
    assert_true(count > 10);
    for (size_t i = 0; i < count; i++) {
        assert_int_not_equal(
            fault_plan_set(&plan, options[i].name, options[i].value == NULL ? NULL : "?", why),
            ERR_NOT_FOUND);
        assert_non_null(options[i].help);
    }
}

/* How often each fault is drawn. */
static void draw_many(const struct fault_plan *plan, size_t counts[FAULT_RCODE + 1])
{
    struct rng rng;

    rng_init_seeded(&rng, plan->seed);
    memset(counts, 0, (FAULT_RCODE + 1) * sizeof(counts[0]));
    for (int i = 0; i < DRAWS; i++)
        counts[fault_draw(plan, &rng).fault]++;
}

static void each_fault_is_drawn_by_its_share_of_all_queries(void **state)
{
    struct fault_plan plan = plan_of("loss", "10%");
    char why[FAULTS_WHY_OCTETS];
    size_t counts[FAULT_RCODE + 1];
    (void)state;

    assert_int_equal(fault_plan_set(&plan, "wrong", "id:20%", why), ERR_OK);
    assert_int_equal(fault_plan_set(&plan, "rcode", "SERVFAIL:50%", why), ERR_OK);
    draw_many(&plan, counts);
    assert_in_range(counts[FAULT_LOSS], DRAWS * 9 / 100, DRAWS * 11 / 100);
    assert_in_range(counts[FAULT_WRONG_ID], DRAWS * 18 / 100, DRAWS * 22 / 100);
    assert_in_range(counts[FAULT_RCODE], DRAWS * 48 / 100, DRAWS * 52 / 100);
    assert_in_range(counts[FAULT_NONE], DRAWS * 18 / 100, DRAWS * 22 / 100);
}

static void a_share_of_all_befalls_every_query(void **state)
{
    struct fault_plan plan = plan_of("rcode", "NXDOMAIN");
    struct rng rng;
    (void)state;

    rng_init_seeded(&rng, 5);
    for (int i = 0; i < DRAWS; i++) {
        struct fault_draw draw = fault_draw(&plan, &rng);

        assert_int_equal(draw.fault, FAULT_RCODE);
        assert_int_equal(draw.rcode, 3);
    }
}

static void the_same_seed_draws_the_same_and_another_does_not(void **state)
{
    struct fault_plan plan = plan_of("loss", "50%");
    struct rng a;
    struct rng b;
    struct rng c;
    int different = 0;
    (void)state;

    rng_init_seeded(&a, 7);
    rng_init_seeded(&b, 7);
    rng_init_seeded(&c, 8);
    for (int i = 0; i < 1000; i++) {
        enum fault fault = fault_draw(&plan, &a).fault;

        assert_int_equal(fault, fault_draw(&plan, &b).fault);
        different += fault != fault_draw(&plan, &c).fault;
    }
    assert_in_range(different, 300, 700);
}

static void jitter_reaches_from_nothing_to_its_whole_length(void **state)
{
    struct fault_plan plan = plan_of("jitter", "3ns");
    size_t counts[4] = {0};
    struct rng rng;
    (void)state;

    rng_init_seeded(&rng, 1);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t jitter_ns = fault_draw(&plan, &rng).jitter_ns;

        assert_in_range(jitter_ns, 0, 3);
        counts[jitter_ns]++;
    }
    for (int i = 0; i < 4; i++)
        assert_in_range(counts[i], DRAWS * 23 / 100, DRAWS * 27 / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_without_options_has_no_faults),
        cmocka_unit_test(every_option_sets_its_figure),
        cmocka_unit_test(time_that_answers_take_makes_a_plan_that_holds_them),
        cmocka_unit_test(an_rcode_is_a_mnemonic_in_any_case_and_its_last_share_counts),
        cmocka_unit_test(stalls_stand_in_order_of_time),
        cmocka_unit_test(a_wrong_value_is_told_in_a_sentence_and_changes_nothing),
        cmocka_unit_test(shares_of_which_a_query_gets_one_add_up_to_at_most_one),
        cmocka_unit_test(lists_are_bounded),
        cmocka_unit_test(an_unknown_option_is_not_found_and_every_known_one_is_listed),
        cmocka_unit_test(each_fault_is_drawn_by_its_share_of_all_queries),
        cmocka_unit_test(a_share_of_all_befalls_every_query),
        cmocka_unit_test(the_same_seed_draws_the_same_and_another_does_not),
        cmocka_unit_test(jitter_reaches_from_nothing_to_its_whole_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
