/* What a cached answer and a question in flight are worth when the configuration changes: each answer
 * is right by the rules its loop has, unchanged names stay hits, and nobody joins an old decision. */
#include <string.h>

#include "stage.h"

#define BUCKET "bucket.s3.eu-west-1.amazonaws.com"

/* Forwarding alone; with an endpoint; with the pool of "." or of example.com changed. */
#define ROOT "  - {zone: ., servers: [10.0.0.2]}\n"
static const char PLAIN[] = "forward:\n" ROOT;
static const char BUCKETS[] =
    "endpoints:\n"
    "  - {names: ['*.s3.eu-west-1.amazonaws.com'], addresses: [10.40.1.13]}\n"
    "forward:\n" ROOT;
static const char WWW[] = "endpoints:\n"
                          "  - {names: [www.example.com], addresses: [10.40.1.20]}\n"
                          "forward:\n" ROOT;
static const char MIDDLE[] = "endpoints:\n"
                             "  - {names: ['*.example.net'], addresses: [10.40.1.30]}\n"
                             "forward:\n" ROOT;
static const char SPLIT[] = "forward:\n" ROOT "  - {zone: example.com, servers: [10.0.0.3]}\n";

/* A chain over example.net to a bucket. */
static const char CHAIN[] =
    "NOERROR\n"
    "www.example.com. 300 IN CNAME a.example.net.\n"
    "a.example.net. 300 IN CNAME " BUCKET ".\n" BUCKET ". 300 IN A 192.0.2.1\n";
static const char WHOLE[] =
    "NOERROR rd ra\n? www.example.com. IN A\n"
    "www.example.com. 300 IN CNAME a.example.net.\n"
    "a.example.net. 300 IN CNAME " BUCKET ".\n" BUCKET ". 300 IN A 192.0.2.1\n";
static const char CUT_AT_END[] =
    "NOERROR rd ra\n? www.example.com. IN A\n"
    "www.example.com. 60 IN CNAME a.example.net.\n"
    "a.example.net. 60 IN CNAME " BUCKET ".\n" BUCKET ". 60 IN A 10.40.1.13\n";
static const char CUT_MIDWAY[] = "NOERROR rd ra\n? www.example.com. IN A\n"
                                 "www.example.com. 60 IN CNAME a.example.net.\n"
                                 "a.example.net. 60 IN A 10.40.1.30\n";
static const char QUERY[] = "10.0.0.2 www.example.com. A rd";

static struct stage stage;
static struct stage_plan plan = {&stage, 2, PLAIN};

/* A question of a worker that has to ask upstream, which answers; the client hears this. */
static void expect_miss(size_t worker, const char *question, const char *query, const char *answer,
                        const char *reply)
{
    stage_ask(&stage, worker, question);
    EXPECT_QUERY(&stage, query);
    stage_answer(&stage, answer);
    EXPECT_REPLY(&stage, reply);
    EXPECT_NO_QUERY(&stage);
}

static void expect_hit(size_t worker, const char *question, const char *reply)
{
    EXPECT_ANSWER(&stage, worker, question, reply);
    EXPECT_NO_QUERY(&stage);
}

static void expect_hit_of_both(const char *question, const char *reply)
{
    expect_hit(0, question, reply);
    expect_hit(1, question, reply);
}

static uint64_t voided(void)
{
    return stage_count(&stage, METRICS_CACHE_VOIDED, 0);
}

/* --- what is cached --- */

static void unchanged_names_stay_hits_over_reloads(void **state)
{
    (void)state;
    expect_miss(0, "www.example.com A", QUERY, CHAIN, WHOLE);
    stage_reload(&stage, PLAIN);
    expect_hit_of_both("www.example.com A", WHOLE);
    stage_reload(&stage, WWW);
    stage_reload(&stage, PLAIN);
    expect_hit_of_both("www.example.com A", WHOLE);
    assert_int_equal(voided(), 0);
}

static void a_rule_added_for_a_cached_name_is_answered_at_once(void **state)
{
    (void)state;
    expect_miss(0, "www.example.com A", QUERY, CHAIN, WHOLE);
    stage_reload(&stage, WWW);
    expect_hit_of_both("www.example.com A", "NOERROR rd ra\n? www.example.com. IN A\n"
                                            "www.example.com. 60 IN A 10.40.1.20\n");
}

static void a_name_whose_rule_was_removed_is_forwarded(void **state)
{
    (void)state;
    stage_reload(&stage, WWW);
    expect_hit(0, "www.example.com A",
               "NOERROR rd ra\n? www.example.com. IN A\n"
               "www.example.com. 60 IN A 10.40.1.20\n");
    stage_reload(&stage, PLAIN);
    expect_miss(0, "www.example.com A", QUERY, CHAIN, WHOLE);
}

static void a_wildcard_added_above_a_cached_name_is_answered_at_once(void **state)
{
    (void)state;
    expect_miss(1, BUCKET " A", "10.0.0.2 " BUCKET ". A rd",
                "NOERROR\n" BUCKET ". 300 IN A 192.0.2.1\n",
                "NOERROR rd ra\n? " BUCKET ". IN A\n" BUCKET ". 300 IN A 192.0.2.1\n");
    stage_reload(&stage, BUCKETS);
    expect_hit_of_both(BUCKET " A",
                       "NOERROR rd ra\n? " BUCKET ". IN A\n" BUCKET ". 60 IN A 10.40.1.13\n");
}

static void a_rule_added_at_the_end_of_a_cached_chain_voids_it_once(void **state)
{
    (void)state;
    expect_miss(0, "www.example.com A", QUERY, CHAIN, WHOLE);
    stage_reload(&stage, BUCKETS);
    expect_miss(0, "www.example.com A", QUERY, CHAIN, CUT_AT_END);
    expect_hit_of_both("www.example.com A", CUT_AT_END);
    assert_int_equal(voided(), 1);
}

static void a_rule_added_midway_of_a_cached_chain_voids_it_once(void **state)
{
    (void)state;
    expect_miss(0, "www.example.com A", QUERY, CHAIN, WHOLE);
    stage_reload(&stage, MIDDLE);
    expect_miss(1, "www.example.com A", QUERY, CHAIN, CUT_MIDWAY);
    expect_hit_of_both("www.example.com A", CUT_MIDWAY);
    assert_int_equal(voided(), 1);
}

/* What stood behind the cut was not kept: it must be asked again. */
static void a_cut_chain_whose_rule_was_removed_is_asked_again(void **state)
{
    (void)state;
    stage_reload(&stage, BUCKETS);
    expect_miss(0, "www.example.com A", QUERY, CHAIN, CUT_AT_END);
    stage_reload(&stage, PLAIN);
    expect_miss(0, "www.example.com A", QUERY, CHAIN, WHOLE);
    stage_reload(&stage, MIDDLE);
    expect_miss(0, "www.example.com A", QUERY, CHAIN, CUT_MIDWAY);
    stage_reload(&stage, BUCKETS);
    expect_miss(0, "www.example.com A", QUERY, CHAIN, CUT_AT_END);
}

static void a_cached_name_that_belongs_to_another_pool_now_is_asked_there(void **state)
{
    (void)state;
    expect_miss(0, "www.example.com A", QUERY, CHAIN, WHOLE);
    expect_miss(0, "www.example.org A", "10.0.0.2 www.example.org. A rd",
                "NOERROR\nwww.example.org. 300 IN A 192.0.2.7\n",
                "NOERROR rd ra\n? www.example.org. IN A\nwww.example.org. 300 IN A 192.0.2.7\n");
    stage_reload(&stage, SPLIT);
    expect_miss(1, "www.example.com A", "10.0.0.3 www.example.com. A rd", CHAIN, WHOLE);
    expect_hit_of_both("www.example.com A", WHOLE);
    expect_hit_of_both("www.example.org A", "NOERROR rd ra\n? www.example.org. IN A\n"
                                            "www.example.org. 300 IN A 192.0.2.7\n");
}

static void nxdomain_and_nodata_of_another_pool_are_void_too(void **state)
{
    static const char soa[] = "auth example.com. 60 IN SOA a. b. 1 2 3 4 20\n";
    char absent[256] = "NXDOMAIN\n";
    (void)state;
    strcat(absent, soa);
    expect_miss(0, "no.example.com A", "10.0.0.2 no.example.com. A rd", absent,
                "NXDOMAIN rd ra\n? no.example.com. IN A\n"
                "auth example.com. 20 IN SOA a. b. 1 2 3 4 20\n");
    stage_reload(&stage, SPLIT);
    expect_miss(1, "no.example.com A", "10.0.0.3 no.example.com. A rd",
                "NOERROR\nno.example.com. 300 IN A 192.0.2.1\n",
                "NOERROR rd ra\n? no.example.com. IN A\nno.example.com. 300 IN A 192.0.2.1\n");
}

static void an_answer_kept_for_longer_than_a_new_cap_allows_is_asked_again(void **state)
{
    static const char capped[] = "cache: {max_ttl: 100s}\nforward:\n" ROOT;
    static const char longer[] = "NOERROR\nwww.example.org. 300 IN A 192.0.2.7\n";
    static const char query[] = "10.0.0.2 www.example.org. A rd";
    (void)state;
    expect_miss(0, "www.example.org A", query, longer,
                "NOERROR rd ra\n? www.example.org. IN A\nwww.example.org. 300 IN A 192.0.2.7\n");
    stage_reload(&stage, capped);
    expect_miss(1, "www.example.org A", query, longer,
                "NOERROR rd ra\n? www.example.org. IN A\nwww.example.org. 100 IN A 192.0.2.7\n");
    stage_reload(&stage, PLAIN);
    expect_hit_of_both("www.example.org A", "NOERROR rd ra\n? www.example.org. IN A\n"
                                            "www.example.org. 100 IN A 192.0.2.7\n");
}

/* Its chain is not known: the new rule may stand in front of what failed. */
static void a_remembered_failure_does_not_outlive_a_reload(void **state)
{
    (void)state;
    expect_miss(0, "www.example.com A", QUERY, "REFUSED\n",
                "REFUSED rd ra\n? www.example.com. IN A\n");
    expect_hit(1, "www.example.com A", "REFUSED rd ra\n? www.example.com. IN A\n");
    stage_reload(&stage, BUCKETS);
    expect_miss(0, "www.example.com A", QUERY, CHAIN, CUT_AT_END);
}

/* --- two loops, two snapshots --- */

static void loops_on_different_snapshots_are_each_right_by_their_own(void **state)
{
    struct snapshot *next;
    (void)state;
    expect_miss(0, "www.example.com A", QUERY, CHAIN, WHOLE);
    next = stage_snapshot(&stage, BUCKETS);
    stage_publish(&stage, 0, snapshot_hold(next));
    expect_miss(0, "www.example.com A", QUERY, CHAIN, CUT_AT_END);
    expect_miss(1, "www.example.com A", QUERY, CHAIN, WHOLE);
    expect_hit(0, "www.example.com A", CUT_AT_END);
    expect_hit(0, "www.example.com A", CUT_AT_END);
    stage_publish(&stage, 1, next);
    expect_hit_of_both("www.example.com A", CUT_AT_END);
}

/* One miss of the newer loop; the older one takes what it finds and changes nothing. */
static void a_failure_is_not_asked_again_and_again_by_loops_of_different_snapshots(void **state)
{
    static const char failed[] = "REFUSED rd ra\n? www.example.com. IN A\n";
    (void)state;
    expect_miss(0, "www.example.com A", QUERY, "REFUSED\n", failed);
    stage_publish(&stage, 1, stage_snapshot(&stage, PLAIN));
    expect_miss(1, "www.example.com A", QUERY, "REFUSED\n", failed);
    for (int i = 0; i < 3; i++)
        expect_hit_of_both("www.example.com A", failed);
}

static void what_both_loops_decide_alike_stays_a_hit_for_both(void **state)
{
    struct snapshot *next;
    (void)state;
    expect_miss(0, "www.example.com A", QUERY, CHAIN, WHOLE);
    next = stage_snapshot(&stage, WWW);
    snapshot_release(next);
    next = stage_snapshot(&stage, PLAIN);
    stage_publish(&stage, 1, next);
    for (int i = 0; i < 3; i++)
        expect_hit_of_both("www.example.com A", WHOLE);
    assert_int_equal(voided(), 0);
}

/* --- in flight --- */

static void an_answer_in_flight_over_a_reload_is_stored_under_the_new_decision(void **state)
{
    (void)state;
    stage_ask(&stage, 0, "www.example.com A");
    EXPECT_QUERY(&stage, QUERY);
    stage_reload(&stage, BUCKETS);
    stage_answer(&stage, CHAIN);
    EXPECT_REPLY(&stage, WHOLE);
    expect_hit_of_both("www.example.com A", CUT_AT_END);
}

static void an_answer_in_flight_whose_name_has_a_rule_now_is_given_but_not_stored(void **state)
{
    (void)state;
    stage_ask(&stage, 0, "www.example.com A");
    EXPECT_QUERY(&stage, QUERY);
    stage_reload(&stage, WWW);
    stage_answer(&stage, CHAIN);
    EXPECT_REPLY(&stage, WHOLE);
    assert_int_equal(cache_stats(stage.cache).entries, 0);
}

static void an_answer_in_flight_of_another_pool_is_given_but_not_stored(void **state)
{
    (void)state;
    stage_ask(&stage, 0, "www.example.com A");
    EXPECT_QUERY(&stage, QUERY);
    stage_reload(&stage, SPLIT);
    stage_answer(&stage, CHAIN);
    EXPECT_REPLY(&stage, WHOLE);
    assert_int_equal(cache_stats(stage.cache).entries, 0);
    expect_miss(0, "www.example.com A", "10.0.0.3 www.example.com. A rd", CHAIN, WHOLE);
}

static void a_waiter_of_an_old_decision_gets_the_endpoints_addresses_it_began_with(void **state)
{
    (void)state;
    stage_reload(&stage, BUCKETS);
    stage_ask(&stage, 0, "www.example.com A");
    EXPECT_QUERY(&stage, QUERY);
    stage_reload(&stage, PLAIN);
    stage_answer(&stage, CHAIN);
    EXPECT_REPLY(&stage, CUT_AT_END);
    expect_hit_of_both("www.example.com A", WHOLE);
}

static void a_new_question_never_joins_waiters_of_an_old_decision(void **state)
{
    struct fake_packet old;
    (void)state;
    stage_ask(&stage, 0, "www.example.com A from=2");
    EXPECT_QUERY(&stage, QUERY);
    old = stage.asked;
    stage_reload(&stage, BUCKETS);
    stage_ask(&stage, 0, "www.example.com A");
    EXPECT_QUERY(&stage, QUERY);
    stage_ask(&stage, 0, "www.example.com A from=3");
    EXPECT_NO_QUERY(&stage);
    stage_answer(&stage, CHAIN);
    EXPECT_REPLY(&stage, CUT_AT_END);
    assert_string_equal(stage_reply(&stage, 3), CUT_AT_END);
    assert_string_equal(stage_reply(&stage, 2), "");
    stage.asked = old;
    stage_answer(&stage, CHAIN);
    assert_string_equal(stage_reply(&stage, 2), WHOLE);
    expect_hit_of_both("www.example.com A", CUT_AT_END);
}

/* New addresses are no new rules: the question goes on and others join it. */
static void new_addresses_alone_change_no_question_in_flight(void **state)
{
    (void)state;
    stage_reload(&stage, BUCKETS);
    stage_ask(&stage, 0, "www.example.com A");
    EXPECT_QUERY(&stage, QUERY);
    stage_set_addresses(&stage, 0, "10.40.9.9", 0);
    stage_ask(&stage, 0, "www.example.com A from=2");
    EXPECT_NO_QUERY(&stage);
    stage_answer(&stage, CHAIN);
    EXPECT_REPLY(&stage, CUT_AT_END);
    assert_string_not_equal(stage_reply(&stage, 2), "");
    assert_int_equal(stage_count(&stage, METRICS_INFLIGHT_JOINED, 0), 1);
}

/* Old snapshots go with the last question that uses them: stage_close proves it by its leak check. */
static void many_reloads_with_questions_in_flight_leave_nothing_behind(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        stage_ask(&stage, (size_t)i % 2, "www.example.com A");
        stage_reload(&stage, i % 2 == 0 ? BUCKETS : PLAIN);
    }
    assert_int_equal(stage_drop_queries(&stage), 20);
    fake_net_advance(6000);
    unsigned replies = 0;
    while (stage_reply(&stage, 1)[0] != '\0')
        replies++;
    assert_int_equal(replies, 20);
}

static void a_loop_is_current_once_it_has_taken_what_was_published(void **state)
{
    struct snapshot *snapshot = snapshot_copy(stage.snapshot);
    (void)state;
    assert_true(worker_is_current(stage.workers[0]));
    worker_publish(stage.workers[0], snapshot);
    assert_false(worker_is_current(stage.workers[0]));
    fake_net_run();
    assert_true(worker_is_current(stage.workers[0]));
}

#define SCENARIO(test) STAGE_TEST(test, &plan)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(unchanged_names_stay_hits_over_reloads),
        SCENARIO(a_loop_is_current_once_it_has_taken_what_was_published),
        SCENARIO(a_rule_added_for_a_cached_name_is_answered_at_once),
        SCENARIO(a_name_whose_rule_was_removed_is_forwarded),
        SCENARIO(a_wildcard_added_above_a_cached_name_is_answered_at_once),
        SCENARIO(a_rule_added_at_the_end_of_a_cached_chain_voids_it_once),
        SCENARIO(a_rule_added_midway_of_a_cached_chain_voids_it_once),
        SCENARIO(a_cut_chain_whose_rule_was_removed_is_asked_again),
        SCENARIO(a_cached_name_that_belongs_to_another_pool_now_is_asked_there),
        SCENARIO(nxdomain_and_nodata_of_another_pool_are_void_too),
        SCENARIO(an_answer_kept_for_longer_than_a_new_cap_allows_is_asked_again),
        SCENARIO(a_remembered_failure_does_not_outlive_a_reload),
        SCENARIO(loops_on_different_snapshots_are_each_right_by_their_own),
        SCENARIO(a_failure_is_not_asked_again_and_again_by_loops_of_different_snapshots),
        SCENARIO(what_both_loops_decide_alike_stays_a_hit_for_both),
        SCENARIO(an_answer_in_flight_over_a_reload_is_stored_under_the_new_decision),
        SCENARIO(an_answer_in_flight_whose_name_has_a_rule_now_is_given_but_not_stored),
        SCENARIO(an_answer_in_flight_of_another_pool_is_given_but_not_stored),
        SCENARIO(a_waiter_of_an_old_decision_gets_the_endpoints_addresses_it_began_with),
        SCENARIO(a_new_question_never_joins_waiters_of_an_old_decision),
        SCENARIO(new_addresses_alone_change_no_question_in_flight),
        SCENARIO(many_reloads_with_questions_in_flight_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
