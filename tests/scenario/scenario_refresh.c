/* Targets kept resolved beside the queries: asked before their time runs out, last good kept, merged,
 * healed. The main thread's loop is played here; a worker answers clients from what is published. */
#include <stdio.h>
#include <string.h>

#include "local53/server/refresh.h"
#include "stage.h"

#define EC2 "ec2.eu-west-1.amazonaws.com"
#define TARGET_A "vpce-0a.ec2.eu-west-1.vpce.amazonaws.com"
#define TARGET_B "vpce-0b.ec2.eu-west-1.vpce.amazonaws.com"
#define REST                                                                                       \
    "aws: {resolver: 10.0.0.9}\n"                                                                  \
    "forward:\n"                                                                                   \
    "  - {zone: ., servers: [10.0.0.2]}\n"

static const char CONFIG[] = "endpoints:\n  - {names: [" EC2 "], target: " TARGET_A "}\n" REST;
static const char RENAMED[] = "endpoints:\n"
                              "  - {names: [iam.amazonaws.com], addresses: [10.40.1.15]}\n"
                              "  - {names: [" EC2 ", ec2.example], target: " TARGET_A "}\n" REST;
static const char MERGED[] =
    "endpoints:\n  - {names: [" EC2 "], target: [" TARGET_A ", " TARGET_B "]}\n" REST;
static const char OTHER[] = "endpoints:\n  - {names: [" EC2 "], target: " TARGET_B "}\n" REST;
static const char STANDBY[] =
    "endpoints:\n  - {names: [" EC2 "], target: " TARGET_A ", addresses: [10.99.0.1]}\n" REST;
static const char ALIASES[] =
    "zones:\n"
    "  - {name: corp.example, aliases: {a.corp.example: " TARGET_A ", b.corp.example: db.partner,\n"
    "     c.corp.example: www.public}}\n" REST "  - {zone: partner, servers: [10.0.0.3]}\n";
static const char SHARED[] =
    "endpoints:\n  - {names: [" EC2 "], target: db.partner}\n"
    "zones:\n  - {name: corp.example, aliases: {b.corp.example: db.partner}}\n" REST
    "  - {zone: partner, servers: [10.0.0.3]}\n";
static const char OPTIONAL[] =
    "endpoints:\n  - {names: [" EC2 "], target: " TARGET_A ", optional: true}\n" REST;

/* What the main thread has. */
static struct stage stage;
static struct main_loop {
    struct loop *loop;
    struct rng rng;
    struct metrics *metrics;
    struct upstream *upstream;
    struct refresh *refresh;
    unsigned told; /* calls of on_change */
} top;

static void on_change(void *owner)
{
    struct snapshot *snapshot = snapshot_copy(stage.snapshot);
    (void)owner;
    refresh_addresses(top.refresh, snapshot->addresses);
    worker_publish(stage.workers[0], snapshot_hold(snapshot));
    snapshot_release(stage.snapshot);
    stage.snapshot = snapshot;
    top.told++;
}

/* What readiness would say of what is known now. */
static bool is_ready(const char **missing)
{
    struct snapshot *now = snapshot_copy(stage.snapshot);
    refresh_addresses(top.refresh, now->addresses);
    *missing = snapshot_missing(now);
    snapshot_release(now);
    return *missing == NULL;
}

/* A reload: the refresh follows the new rules, then all get them. */
static void follow(const char *yaml)
{
    struct snapshot *snapshot = stage_snapshot(&stage, yaml);
    refresh_follow(top.refresh, snapshot);
    stage_publish_to_all(&stage, snapshot);
}

static int open_stage(void **state)
{
    struct upstream_setup upstream = {.rng = &top.rng, .exchanges = 64};
    struct refresh_setup setup = {.on_change = on_change};
    (void)state;
    memset(&top, 0, sizeof(top));
    stage_open(&stage, 1, CONFIG);
    top.loop = loop_new();
    rng_init_seeded(&top.rng, 1);
    top.metrics = metrics_new();
    upstream.loop = top.loop;
    upstream.metrics = top.metrics;
    top.upstream = upstream_new(&upstream);
    setup.loop = top.loop;
    setup.upstream = top.upstream;
    setup.metrics = top.metrics;
    top.refresh = refresh_new(&setup);
    follow(CONFIG);
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    refresh_free(top.refresh);
    upstream_free(top.upstream);
    loop_free(top.loop);
    metrics_free(top.metrics);
    stage_close(&stage);
    return 0;
}

/* The resolver answers what it was asked: these records for A ("" for NODATA), NODATA for AAAA. */
static unsigned serve(const char *records)
{
    char answer[2048];
    unsigned count = 0;
    for (const char *query; (query = stage_query(&stage))[0] != '\0'; count++) {
        stage_expect_start(query, "10.0.0.9 ");
        bool is_a = strstr(query, " A rd") != NULL;
        snprintf(answer, sizeof(answer), "NOERROR\n%s", is_a ? records : "");
        stage_answer(&stage, answer);
    }
    return count;
}

/* The client hears these addresses (one line each) with that TTL. */
static void expect_address(const char *address, unsigned ttl)
{
    char expected[256];
    snprintf(expected, sizeof(expected), "NOERROR rd ra\n? %s. IN A\n%s. %u IN A %s\n", EC2, EC2,
             ttl, address);
    EXPECT_ANSWER(&stage, 0, EC2 " A", expected);
}

static void expect_servfail(void)
{
    EXPECT_ANSWER(&stage, 0, EC2 " A", "SERVFAIL rd ra\n? " EC2 ". IN A\n");
}

static uint64_t failures(void)
{
    return metrics_get(top.metrics, METRICS_ENDPOINT_REFRESH_FAILURES,
                       stage.snapshot->endpoint_slots[0]);
}

/* --- in time --- */

static void a_target_is_asked_at_once_for_both_families_at_the_resolver_of_aws(void **state)
{
    (void)state;
    EXPECT_QUERY(&stage, "10.0.0.9 " TARGET_A ". A rd");
    struct fake_packet v4 = stage.asked;
    EXPECT_QUERY(&stage, "10.0.0.9 " TARGET_A ". AAAA rd");
    stage_answer(&stage, "NOERROR\n" TARGET_A ". 60 IN AAAA fd00::1\n");
    stage.asked = v4;
    stage_answer(&stage, "NOERROR\n" TARGET_A ". 60 IN A 10.40.1.1\n");
    EXPECT_NO_QUERY(&stage);
    expect_address("10.40.1.1", 60);
    EXPECT_ANSWER(&stage, 0, EC2 " AAAA",
                  "NOERROR rd ra\n? " EC2 ". IN AAAA\n" EC2 ". 60 IN AAAA fd00::1\n");
}

static void a_target_is_asked_again_before_its_time_runs_out_and_clients_never_wait(void **state)
{
    (void)state;
    assert_int_equal(serve(TARGET_A ". 60 IN A 10.40.1.1\n"), 2);
    for (int i = 0; i < 10; i++) {
        fake_net_advance(44000);
        EXPECT_NO_QUERY(&stage);
        expect_address("10.40.1.1", 16);
        fake_net_advance(1000);
        expect_address("10.40.1.1", 15);
        assert_in_range(serve(TARGET_A ". 60 IN A 10.40.1.1\n"), 1, 2);
        expect_address("10.40.1.1", 60);
    }
}

static void changed_addresses_are_published_and_reach_clients(void **state)
{
    (void)state;
    (void)serve(TARGET_A ". 60 IN A 10.40.1.1\n");
    fake_net_advance(45000);
    (void)serve(TARGET_A ". 60 IN A 10.40.1.2\n");
    expect_address("10.40.1.2", 60);
}

static void news_of_one_turn_are_told_once(void **state)
{
    (void)state;
    EXPECT_QUERY(&stage, "10.0.0.9 " TARGET_A ". A rd");
    struct fake_packet v4 = stage.asked;
    EXPECT_QUERY(&stage, "10.0.0.9 " TARGET_A ". AAAA rd");
    v4.data[2] |= 0x80;
    stage.asked.data[2] |= 0x80;
    assert_true(fake_upstream_answer(v4.socket, v4.data, v4.len));
    assert_true(fake_upstream_answer(stage.asked.socket, stage.asked.data, stage.asked.len));
    fake_net_run();
    assert_int_equal(top.told, 1);
}

/* --- failing --- */

static void last_good_addresses_stay_for_ever_and_heal(void **state)
{
    (void)state;
    (void)serve(TARGET_A ". 60 IN A 10.40.1.1\n");
    for (int i = 0; i < 24; i++) {
        fake_net_advance(3600000);
        expect_address("10.40.1.1", 30);
        assert_true(stage_drop_queries(&stage) > 0);
    }
    assert_true(failures() > 24);
    for (int i = 0; i < 12; i++) {
        fake_net_advance(1000);
        (void)serve(TARGET_A ". 60 IN A 10.40.1.2\n");
    }
    stage_expect_start(stage_lookup(&stage, 0, EC2 " A"),
                       "NOERROR rd ra\n? " EC2 ". IN A\n" EC2 ". ");
    assert_non_null(strstr(stage.text, "10.40.1.2"));
    assert_null(strstr(stage.text, ". 30 IN A"));
}

/* The whole of a start with the VPC's resolver down. */
static void without_any_address_clients_hear_servfail_until_the_resolver_comes(void **state)
{
    const char *missing = NULL;
    (void)state;
    fake_net_advance(20000);
    expect_servfail();
    assert_false(is_ready(&missing));
    assert_string_equal(missing, EC2);
    (void)stage_drop_queries(&stage);
    for (int i = 0; i < 12; i++) {
        fake_net_advance(1000);
        (void)serve(TARGET_A ". 60 IN A 10.40.1.1\n");
    }
    stage_expect_start(stage_lookup(&stage, 0, EC2 " A"), "NOERROR rd ra\n");
    assert_true(is_ready(&missing));
}

static void servfail_and_nxdomain_never_take_addresses_away(void **state)
{
    static const char *const answers[] = {"SERVFAIL\n", "NXDOMAIN\n", "NOERROR\n", "REFUSED\n"};
    (void)state;
    (void)serve(TARGET_A ". 60 IN A 10.40.1.1\n");
    fake_net_advance(100000);
    for (size_t i = 0; i < 4; i++) {
        fake_net_advance(6000);
        while (stage_query(&stage)[0] != '\0' && stage.asked.at_ms + 100 > fake_net_now_ms())
            stage_answer(&stage, answers[i]);
        (void)stage_drop_queries(&stage);
        expect_address("10.40.1.1", 30);
    }
}

static void addresses_beyond_what_is_kept_are_counted(void **state)
{
    char answer[4096] = "NOERROR\n";
    size_t len = strlen(answer);
    (void)state;
    for (unsigned i = 0; i < TARGET_ADDRESSES_MAX + 8; i++)
        len += (size_t)snprintf(answer + len, sizeof(answer) - len,
                                TARGET_A ". 60 IN A 10.40.1.%u\n", i);
    EXPECT_QUERY(&stage, "10.0.0.9 " TARGET_A ". A rd");
    stage_answer(&stage, answer);
    fake_net_run();
    assert_int_equal(
        metrics_get(top.metrics, METRICS_ENDPOINT_SHED, stage.snapshot->endpoint_slots[0]), 8);
    (void)stage_drop_queries(&stage);
}

static void literal_addresses_stand_in_until_the_target_has_answered(void **state)
{
    (void)state;
    (void)stage_drop_queries(&stage);
    follow(STANDBY);
    expect_address("10.99.0.1", 30);
    (void)serve(TARGET_A ". 60 IN A 10.40.1.1\n");
    expect_address("10.40.1.1", 60);
}

static void readiness_does_not_wait_for_an_optional_endpoint(void **state)
{
    const char *missing = NULL;
    (void)state;
    assert_false(is_ready(&missing));
    follow(OPTIONAL);
    assert_true(is_ready(&missing));
}

/* AWS's names at the resolver for them, as an endpoint's; others wherever they are forwarded to. */
static void targets_of_aliases_are_asked_where_their_names_are_forwarded_to(void **state)
{
    const char *missing = NULL;
    (void)state;
    (void)stage_drop_queries(&stage);
    follow(ALIASES);
    assert_true(is_ready(&missing));
    EXPECT_QUERY(&stage, "10.0.0.9 " TARGET_A ". A rd");
    EXPECT_QUERY(&stage, "10.0.0.9 " TARGET_A ". AAAA rd");
    EXPECT_QUERY(&stage, "10.0.0.3 db.partner. A rd");
    stage_answer(&stage, "NOERROR\ndb.partner. 60 IN A 10.60.0.1\n");
    EXPECT_QUERY(&stage, "10.0.0.3 db.partner. AAAA rd");
    EXPECT_QUERY(&stage, "10.0.0.2 www.public. A rd");
    EXPECT_QUERY(&stage, "10.0.0.2 www.public. AAAA rd");
    EXPECT_NO_QUERY(&stage);
    EXPECT_ANSWER(&stage, 0, "b.corp.example A",
                  "NOERROR rd ra\n? b.corp.example. IN A\nb.corp.example. 60 IN A 10.60.0.1\n");
}

/* --- several names, chains --- */

/* Both targets of MERGED answer with an address each. */
static void serve_merged(void)
{
    (void)stage_drop_queries(&stage);
    follow(MERGED);
    for (const char *query; (query = stage_query(&stage))[0] != '\0';) {
        const char *answer = "NOERROR\n";
        if (strstr(query, TARGET_A ". A ") != NULL)
            answer = "NOERROR\n" TARGET_A ". 60 IN A 10.40.1.1\n";
        else if (strstr(query, TARGET_B ". A ") != NULL)
            answer = "NOERROR\n" TARGET_B ". 60 IN A 10.40.2.1\n";
        stage_answer(&stage, answer);
    }
}

static void expect_both_addresses(void)
{
    stage_expect_start(stage_lookup(&stage, 0, EC2 " A"), "NOERROR rd ra\n");
    assert_non_null(strstr(stage.text, "10.40.1.1"));
    assert_non_null(strstr(stage.text, "10.40.2.1"));
}

static void the_addresses_of_several_targets_are_merged(void **state)
{
    (void)state;
    serve_merged();
    expect_both_addresses();
}

/* The others have addresses, but a failure is no word about this one's. */
static void a_target_that_fails_keeps_its_share_of_the_merged_addresses(void **state)
{
    (void)state;
    serve_merged();
    for (int i = 0; i < 50; i++) {
        fake_net_advance(1000);
        while (stage_query(&stage)[0] != '\0')
            stage_answer(&stage, "SERVFAIL\n");
    }
    assert_true(failures() > 0);
    expect_both_addresses();
}

static void an_alias_in_a_targets_answer_is_followed_and_strangers_are_not_taken(void **state)
{
    (void)state;
    (void)serve("b.example.net. 20 IN A 10.40.1.7\n"
                "stranger.example. 60 IN A 192.0.2.66\n" TARGET_A ". 60 IN CNAME b.example.net.\n");
    expect_address("10.40.1.7", 20);
}

static void a_loop_of_aliases_in_a_targets_answer_ends(void **state)
{
    (void)state;
    (void)serve(TARGET_A ". 60 IN CNAME b.example.net.\nb.example.net. 60 IN CNAME " TARGET_A
                         ".\n");
    expect_servfail();
}

/* A public server for "." would not know them, and must not hear of them. */
static void aws_names_without_a_rule_are_forwarded_to_the_resolver_of_aws(void **state)
{
    (void)state;
    (void)stage_drop_queries(&stage);
    stage_ask(&stage, 0, "0a1b.gr7.eu-west-1.eks.amazonaws.com A");
    EXPECT_QUERY(&stage, "10.0.0.9 0a1b.gr7.eu-west-1.eks.amazonaws.com. A rd");
    stage_ask(&stage, 0, "www.example.com A");
    EXPECT_QUERY(&stage, "10.0.0.2 www.example.com. A rd");
}

/* --- reloads --- */

static void a_reload_goes_on_with_the_addresses_known_although_the_resolver_is_dead(void **state)
{
    (void)state;
    (void)serve(TARGET_A ". 60 IN A 10.40.1.1\n");
    follow(RENAMED);
    expect_address("10.40.1.1", 60);
    EXPECT_ANSWER(&stage, 0, "ec2.example A",
                  "NOERROR rd ra\n? ec2.example. IN A\nec2.example. 60 IN A 10.40.1.1\n");
    fake_net_advance(600000);
    expect_address("10.40.1.1", 30);
    (void)stage_drop_queries(&stage);
}

static void a_target_added_to_an_endpoint_does_not_cost_the_addresses_it_had(void **state)
{
    (void)state;
    (void)serve(TARGET_A ". 60 IN A 10.40.1.1\n");
    follow(MERGED);
    stage_expect_start(stage_lookup(&stage, 0, EC2 " A"),
                       "NOERROR rd ra\n? " EC2 ". IN A\n" EC2 ". 60 IN A 10.40.1.1\n");
    EXPECT_QUERY(&stage, "10.0.0.9 " TARGET_B ". A rd");
    EXPECT_QUERY(&stage, "10.0.0.9 " TARGET_B ". AAAA rd");
    EXPECT_NO_QUERY(&stage);
}

/* They ask others for it: AWS's resolver, and whoever the name is forwarded to. */
static void an_endpoint_and_an_alias_of_one_target_keep_what_each_was_told(void **state)
{
    (void)state;
    (void)stage_drop_queries(&stage);
    for (int reloads = 0; reloads < 3; reloads++) {
        follow(SHARED);
        for (const char *query; (query = stage_query(&stage))[0] != '\0';) {
            bool is_endpoints = strncmp(query, "10.0.0.9 ", 9) == 0;
            stage_answer(&stage, strstr(query, " A rd") == NULL ? "NOERROR\n"
                                 : is_endpoints ? "NOERROR\ndb.partner. 60 IN A 10.40.1.1\n"
                                                : "NOERROR\ndb.partner. 60 IN A 10.60.0.1\n");
        }
        expect_address("10.40.1.1", 60);
        EXPECT_ANSWER(&stage, 0, "b.corp.example A",
                      "NOERROR rd ra\n? b.corp.example. IN A\nb.corp.example. 60 IN A 10.60.0.1\n");
    }
}

static void another_target_brings_none_of_the_old_ones_addresses(void **state)
{
    (void)state;
    (void)serve(TARGET_A ". 60 IN A 10.40.1.1\n");
    follow(OTHER);
    expect_servfail();
    (void)serve(TARGET_B ". 60 IN A 10.40.2.1\n");
    expect_address("10.40.2.1", 60);
}

static void answers_to_questions_of_before_a_reload_are_not_taken(void **state)
{
    (void)state;
    EXPECT_QUERY(&stage, "10.0.0.9 " TARGET_A ". A rd");
    struct fake_packet old = stage.asked;
    (void)stage_drop_queries(&stage);
    follow(OTHER);
    stage.asked = old;
    stage_answer(&stage, "NOERROR\n" TARGET_A ". 60 IN A 192.0.2.66\n");
    expect_servfail();
    (void)serve(TARGET_B ". 60 IN A 10.40.2.1\n");
    expect_address("10.40.2.1", 60);
}

static void an_endpoint_that_went_with_a_reload_takes_no_answer(void **state)
{
    (void)state;
    (void)stage_drop_queries(&stage);
    follow(RENAMED);
    EXPECT_QUERY(&stage, "10.0.0.9 " TARGET_A ". A rd");
    struct fake_packet old = stage.asked;
    (void)stage_drop_queries(&stage);
    follow(CONFIG);
    stage.asked = old;
    stage_answer(&stage, "NOERROR\n" TARGET_A ". 60 IN A 192.0.2.66\n");
    expect_servfail();
    (void)serve(TARGET_A ". 60 IN A 10.40.1.1\n");
    expect_address("10.40.1.1", 60);
}

static void servers_that_changed_are_used_from_the_next_question_on(void **state)
{
    (void)state;
    (void)serve(TARGET_A ". 60 IN A 10.40.1.1\n");
    struct snapshot *snapshot = snapshot_copy(stage.snapshot);
    assert_int_equal(addr_parse(&snapshot_resolver(snapshot)->servers[0], "10.0.0.10:53", 53),
                     ERR_OK);
    refresh_use_pools(top.refresh, snapshot);
    stage_publish_to_all(&stage, snapshot);
    fake_net_advance(45000);
    stage_expect_start(stage_query(&stage), "10.0.0.10 " TARGET_A ".");
    stage_expect_start(stage_lookup(&stage, 0, EC2 " A"), "NOERROR rd ra\n");
    (void)stage_drop_queries(&stage);
}

/* More targets than questions under way at once: each gets its turn. */
static void a_hundred_targets_are_all_resolved(void **state)
{
    static char yaml[STAGE_TEXT_MAX];
    size_t len = (size_t)snprintf(yaml, sizeof(yaml), "endpoints:\n");
    const char *missing = NULL;
    unsigned asked = 0;
    (void)state;
    for (int i = 0; i < 100; i++)
        len += (size_t)snprintf(
            yaml + len, sizeof(yaml) - len,
            "  - {names: [n%d.example], target: vpce-%d.x.vpce.amazonaws.com}\n", i, i);
    snprintf(yaml + len, sizeof(yaml) - len, "%s", REST);
    (void)stage_drop_queries(&stage);
    follow(yaml);
    for (char record[128]; stage_query(&stage)[0] != '\0'; asked++) {
        char name[64];
        assert_int_equal(sscanf(stage.text, "10.0.0.9 %63s", name), 1);
        snprintf(record, sizeof(record), "NOERROR\n%s 60 IN A 10.1.1.1\n", name);
        stage_answer(&stage, strstr(stage.text, " AAAA") == NULL ? record : "NOERROR\n");
    }
    assert_int_equal(asked, 200);
    assert_true(is_ready(&missing));
}

#define SCENARIO(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(a_target_is_asked_at_once_for_both_families_at_the_resolver_of_aws),
        SCENARIO(a_target_is_asked_again_before_its_time_runs_out_and_clients_never_wait),
        SCENARIO(changed_addresses_are_published_and_reach_clients),
        SCENARIO(news_of_one_turn_are_told_once),
        SCENARIO(last_good_addresses_stay_for_ever_and_heal),
        SCENARIO(without_any_address_clients_hear_servfail_until_the_resolver_comes),
        SCENARIO(servfail_and_nxdomain_never_take_addresses_away),
        SCENARIO(addresses_beyond_what_is_kept_are_counted),
        SCENARIO(literal_addresses_stand_in_until_the_target_has_answered),
        SCENARIO(readiness_does_not_wait_for_an_optional_endpoint),
        SCENARIO(targets_of_aliases_are_asked_where_their_names_are_forwarded_to),
        SCENARIO(the_addresses_of_several_targets_are_merged),
        SCENARIO(a_target_that_fails_keeps_its_share_of_the_merged_addresses),
        SCENARIO(an_alias_in_a_targets_answer_is_followed_and_strangers_are_not_taken),
        SCENARIO(a_loop_of_aliases_in_a_targets_answer_ends),
        SCENARIO(aws_names_without_a_rule_are_forwarded_to_the_resolver_of_aws),
        SCENARIO(a_reload_goes_on_with_the_addresses_known_although_the_resolver_is_dead),
        SCENARIO(a_target_added_to_an_endpoint_does_not_cost_the_addresses_it_had),
        SCENARIO(an_endpoint_and_an_alias_of_one_target_keep_what_each_was_told),
        SCENARIO(another_target_brings_none_of_the_old_ones_addresses),
        SCENARIO(answers_to_questions_of_before_a_reload_are_not_taken),
        SCENARIO(an_endpoint_that_went_with_a_reload_takes_no_answer),
        SCENARIO(servers_that_changed_are_used_from_the_next_question_on),
        SCENARIO(a_hundred_targets_are_all_resolved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
