/* CNAME chains from upstream that enter an endpoint's name: cut at the first link with a rule, the
 * endpoint's addresses behind it; chains that enter none are passed as they are. */
#include <stdio.h>
#include <string.h>

#include "stage.h"

#define S3 "s3.eu-west-1.amazonaws.com"
#define BUCKET "bucket." S3
#define SOA " 60 IN SOA local53. hostmaster.local53. 1 3600 600 604800 60\n"

static const char CONFIG[] =
    "endpoints:\n"
    "  - {names: ['*." S3 "'], addresses: [10.40.1.13, 10.40.2.13]}\n"
    "  - {names: [iam.amazonaws.com], target: vpce-0a.iam.us-east-1.vpce.amazonaws.com}\n"
    "forward:\n"
    "  - {zone: ., servers: [10.0.0.2]}\n";

static struct stage stage;
static struct stage_plan plan = {&stage, 2, CONFIG};

static const char PAIR_CONFIG[] = "endpoints:\n"
                                  "  - {names: ['*." S3 "'], addresses: [10.40.1.13]}\n"
                                  "forward:\n"
                                  "  - {zone: ., servers: [10.0.0.2, 10.0.0.3]}\n";

static struct stage_plan pair = {&stage, 1, PAIR_CONFIG};

static void a_chain_whose_first_link_enters_a_rule_is_cut_there(void **state)
{
    (void)state;
    const char *reply =
        stage_resolve(&stage, "Www.example.com A",
                      "NOERROR ad\n"
                      "www.example.com. 300 IN CNAME " BUCKET ".\n" BUCKET ". 20 IN A 192.0.2.1\n"
                      "auth example.com. 5 IN NS ns.example.com.\n"
                      "add ns.example.com. 5 IN A 192.0.2.9\n");
    assert_string_equal(reply, "NOERROR rd ra\n? Www.example.com. IN A\n"
                               "Www.example.com. 60 IN CNAME " BUCKET ".\n" BUCKET
                               ". 60 IN A 10.40.1.13\n" BUCKET ". 60 IN A 10.40.2.13\n");
}

static void a_chain_that_enters_a_rule_midway_keeps_its_links_up_to_there(void **state)
{
    (void)state;
    const char *reply = stage_resolve(&stage, "www.example.com A",
                                      "NOERROR\n"
                                      "www.example.com. 300 IN CNAME a.example.net.\n"
                                      "a.example.net. 40 IN CNAME " BUCKET ".\n" BUCKET
                                      ". 300 IN CNAME s3-r-w.eu-west-1.amazonaws.com.\n"
                                      "s3-r-w.eu-west-1.amazonaws.com. 4 IN A 192.0.2.1\n");
    assert_string_equal(reply, "NOERROR rd ra\n? www.example.com. IN A\n"
                               "www.example.com. 40 IN CNAME a.example.net.\n"
                               "a.example.net. 40 IN CNAME " BUCKET ".\n" BUCKET
                               ". 40 IN A 10.40.1.13\n" BUCKET ". 40 IN A 10.40.2.13\n");
    assert_int_equal(stage_count(&stage, METRICS_ANSWERS, METRICS_SOURCE_CHAIN), 1);
    assert_int_equal(
        stage_count(&stage, METRICS_ENDPOINT_ANSWERS, stage.snapshot->endpoint_slots[0]), 1);
}

static void a_chain_that_ends_at_a_rule_is_answered_although_upstream_has_no_address(void **state)
{
    (void)state;
    const char *reply = stage_resolve(&stage, "www.example.com A",
                                      "NOERROR\n"
                                      "www.example.com. 50 IN CNAME " BUCKET ".\n");
    assert_string_equal(reply, "NOERROR rd ra\n? www.example.com. IN A\n"
                               "www.example.com. 50 IN CNAME " BUCKET ".\n" BUCKET
                               ". 50 IN A 10.40.1.13\n" BUCKET ". 50 IN A 10.40.2.13\n");
}

/* Inside the VPC the public name behind the chain may not exist or not be served. */
static void nxdomain_and_servfail_behind_a_rule_do_not_matter(void **state)
{
    static const char *const rcodes[] = {"NXDOMAIN", "SERVFAIL", "REFUSED"};
    char answer[256];
    char question[64];
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        snprintf(question, sizeof(question), "w%zu.example.com A", i);
        snprintf(answer, sizeof(answer), "%s\nw%zu.example.com. 50 IN CNAME %s.\n", rcodes[i], i,
                 BUCKET);
        stage_expect_start(stage_resolve(&stage, question, answer), "NOERROR rd ra\n");
        assert_non_null(strstr(stage.text, "\n" BUCKET ". 50 IN A 10.40."));
        EXPECT_NO_QUERY(&stage);
        stage_expect_start(stage_lookup(&stage, 1, question), "NOERROR rd ra\n");
        EXPECT_NO_QUERY(&stage);
    }
}

/* In class ANY, say, where rules have nothing, upstream would tell the public address. */
static void a_chain_into_a_rule_is_not_told_in_another_class(void **state)
{
    (void)state;
    const char *reply = stage_resolve(&stage, "www.example.com A ANY",
                                      "NOERROR\nwww.example.com. 50 IN CNAME " BUCKET ".\n" BUCKET
                                      ". 50 IN A 192.0.2.1\n");
    assert_string_equal(reply, "SERVFAIL rd ra\n? www.example.com. ANY A\n");
    reply = stage_resolve(&stage, "mail.example.com MX ANY",
                          "NOERROR\nmail.example.com. 50 IN MX 10 " BUCKET ".\nadd " BUCKET
                          ". 50 IN A 192.0.2.1\n");
    assert_string_equal(reply, "NOERROR rd ra\n? mail.example.com. ANY MX\n"
                               "mail.example.com. 50 IN MX 10 " BUCKET ".\n");
}

/* What another server says of the public name cannot better the chain, and its silence would lose it. */
static void a_chain_into_a_rule_behind_servfail_asks_no_other_server(void **state)
{
    (void)state;
    const char *reply = stage_resolve(&stage, "www.example.com A",
                                      "SERVFAIL\nwww.example.com. 50 IN CNAME " BUCKET ".\n");
    assert_string_equal(reply, "NOERROR rd ra\n? www.example.com. IN A\n"
                               "www.example.com. 50 IN CNAME " BUCKET ".\n" BUCKET
                               ". 50 IN A 10.40.1.13\n");
    EXPECT_NO_QUERY(&stage);
}

static void aaaa_behind_a_rule_without_ipv6_is_nodata_with_the_rules_soa(void **state)
{
    (void)state;
    const char *reply = stage_resolve(&stage, "www.example.com AAAA",
                                      "NOERROR\n"
                                      "www.example.com. 50 IN CNAME " BUCKET ".\n" BUCKET
                                      ". 50 IN AAAA 2001:db8::1\n");
    assert_string_equal(reply, "NOERROR rd ra\n? www.example.com. IN AAAA\n"
                               "www.example.com. 50 IN CNAME " BUCKET ".\nauth " S3 "." SOA);
    EXPECT_ANSWER(&stage, 1, "www.example.com AAAA",
                  "NOERROR rd ra\n? www.example.com. IN AAAA\n"
                  "www.example.com. 50 IN CNAME " BUCKET ".\nauth " S3 "." SOA);
    EXPECT_NO_QUERY(&stage);
}

/* The rest of the answer is dropped: upstream's AD vouches for nothing we put there (RFC 4035 section
 * 3.1.6). */
static void ad_is_cleared_on_a_cut_answer_and_kept_on_others(void **state)
{
    (void)state;
    const char *reply = stage_resolve(&stage, "www.example.com A ad",
                                      "NOERROR ad\n"
                                      "www.example.com. 50 IN CNAME " BUCKET ".\n");
    stage_expect_start(reply, "NOERROR rd ra\n");
    reply = stage_resolve(&stage, "ok.example.com A ad",
                          "NOERROR ad\nok.example.com. 50 IN A 192.0.2.1\n");
    stage_expect_start(reply, "NOERROR rd ra ad\n");
}

static void a_chain_that_enters_an_endpoint_without_addresses_is_servfail(void **state)
{
    (void)state;
    const char *reply = stage_resolve(&stage, "www.example.com A edns=1232",
                                      "NOERROR\nwww.example.com. 50 IN CNAME iam.amazonaws.com.\n"
                                      "iam.amazonaws.com. 50 IN A 192.0.2.1\n");
    assert_string_equal(reply, "SERVFAIL rd ra\n? www.example.com. IN A\nedns 1232 ede=14\n");
    assert_int_equal(stage_count(&stage, METRICS_ANSWERS, METRICS_SOURCE_ERROR), 1);
    stage_set_addresses(&stage, 1, "10.40.1.15", 0);
    EXPECT_ANSWER(&stage, 0, "www.example.com A",
                  "NOERROR rd ra\n? www.example.com. IN A\n"
                  "www.example.com. 50 IN CNAME iam.amazonaws.com.\n"
                  "iam.amazonaws.com. 50 IN A 10.40.1.15\n");
    EXPECT_NO_QUERY(&stage);
}

static void a_chain_that_passes_by_a_vpce_name_is_not_cut(void **state)
{
    (void)state;
    const char *reply = stage_resolve(&stage, "www.example.com A",
                                      "NOERROR\nwww.example.com. 50 IN CNAME vpce-0a." S3 ".\n"
                                      "vpce-0a." S3 ". 50 IN A 192.0.2.1\n");
    assert_string_equal(reply, "NOERROR rd ra\n? www.example.com. IN A\n"
                               "www.example.com. 50 IN CNAME vpce-0a." S3 ".\nvpce-0a." S3
                               ". 50 IN A 192.0.2.1\n");
}

/* glibc takes addresses only behind the alias that leads to them. */
static void links_stand_in_front_of_what_they_lead_to_however_upstream_sorts(void **state)
{
    (void)state;
    const char *reply = stage_resolve(&stage, "www.example.com A",
                                      "NOERROR\n"
                                      "b.example.net. 50 IN A 192.0.2.1\n"
                                      "a.example.net. 50 IN CNAME b.example.net.\n"
                                      "www.example.com. 50 IN CNAME a.example.net.\n");
    assert_string_equal(reply, "NOERROR rd ra\n? www.example.com. IN A\n"
                               "www.example.com. 50 IN CNAME a.example.net.\n"
                               "a.example.net. 50 IN CNAME b.example.net.\n"
                               "b.example.net. 50 IN A 192.0.2.1\n");
}

/* A question for the alias itself is about that record alone. */
static void a_cname_question_is_passed_untouched(void **state)
{
    (void)state;
    const char *reply = stage_resolve(&stage, "www.example.com CNAME",
                                      "NOERROR\n"
                                      "www.example.com. 300 IN CNAME " BUCKET ".\n");
    assert_string_equal(reply, "NOERROR rd ra\n? www.example.com. IN CNAME\n"
                               "www.example.com. 300 IN CNAME " BUCKET ".\n");
}

/* count links from www.example.com. on; the last leads to `last`. */
static void write_links(char *out, size_t cap, unsigned count, const char *last)
{
    char owner[64] = "www.example.com";
    char target[64];
    size_t len = (size_t)snprintf(out, cap, "NOERROR\n");
    for (unsigned i = 1; i <= count; i++) {
        snprintf(target, sizeof(target), "l%u.example.net", i);
        len += (size_t)snprintf(out + len, cap - len, "%s. 300 IN CNAME %s.\n", owner,
                                i < count ? target : last);
        memcpy(owner, target, sizeof(owner));
    }
}

static void a_chain_of_eight_links_is_cached_and_one_of_nine_is_not(void **state)
{
    char answer[2048];
    (void)state;
    write_links(answer, sizeof(answer), 8, "end.example.org");
    strcat(answer, "end.example.org. 300 IN A 192.0.2.1\n");
    stage_expect_start(stage_resolve(&stage, "www.example.com A", answer), "NOERROR rd ra\n");
    stage_expect_start(stage_lookup(&stage, 1, "www.example.com A"), "NOERROR rd ra\n");
    EXPECT_NO_QUERY(&stage);
    write_links(answer, sizeof(answer), 9, "end.example.org");
    strcat(answer, "end.example.org. 300 IN AAAA 2001:db8::1\n");
    stage_expect_start(stage_resolve(&stage, "www.example.com AAAA", answer), "NOERROR rd ra\n");
    assert_non_null(strstr(stage.text, "end.example.org. 300 IN AAAA 2001:db8::1\n"));
    stage_ask(&stage, 1, "www.example.com AAAA");
    EXPECT_QUERY(&stage, "10.0.0.2 www.example.com. AAAA rd");
}

static void a_chain_that_enters_a_rule_with_its_eighth_link_is_cut_there(void **state)
{
    char answer[2048];
    (void)state;
    write_links(answer, sizeof(answer), 8, BUCKET);
    stage_expect_start(stage_resolve(&stage, "www.example.com A", answer), "NOERROR rd ra\n");
    assert_non_null(strstr(stage.text, "\n" BUCKET ". 60 IN A 10.40."));
    stage_expect_start(stage_lookup(&stage, 1, "www.example.com A"), "NOERROR rd ra\n");
    EXPECT_NO_QUERY(&stage);
}

/* The endpoint's public address never gets through, however long the way to it. */
static void a_chain_that_enters_a_rule_beyond_its_eighth_link_is_servfail(void **state)
{
    char answer[2048];
    (void)state;
    write_links(answer, sizeof(answer), 9, BUCKET);
    strcat(answer, BUCKET ". 300 IN A 192.0.2.1\n");
    stage_expect_start(stage_resolve(&stage, "www.example.com A", answer), "SERVFAIL rd ra\n");
    assert_null(strstr(stage.text, "192.0.2.1"));
}

static void a_loop_of_aliases_is_passed_once_and_never_cached(void **state)
{
    (void)state;
    const char *reply = stage_resolve(&stage, "www.example.com A",
                                      "NOERROR\n"
                                      "www.example.com. 300 IN CNAME a.example.net.\n"
                                      "a.example.net. 300 IN CNAME www.example.com.\n");
    assert_string_not_equal(reply, "");
    stage_ask(&stage, 1, "www.example.com A");
    EXPECT_QUERY(&stage, "10.0.0.2 www.example.com. A rd");
}

/* The cut answer is composed anew for each client: it is cached, its addresses are not. */
static void a_cached_chain_shows_changed_addresses_at_once_and_stays_a_hit(void **state)
{
    (void)state;
    (void)stage_resolve(&stage, "www.example.com A",
                        "NOERROR\nwww.example.com. 300 IN CNAME " BUCKET ".\n");
    stage_set_addresses(&stage, 0, "10.50.0.1", 0);
    fake_net_advance(250000);
    for (size_t worker = 0; worker < 2; worker++) {
        EXPECT_ANSWER(&stage, worker, "www.example.com A",
                      "NOERROR rd ra\n? www.example.com. IN A\n"
                      "www.example.com. 50 IN CNAME " BUCKET ".\n" BUCKET ". 50 IN A 10.50.0.1\n");
        EXPECT_NO_QUERY(&stage);
    }
    assert_int_equal(stage_count(&stage, METRICS_CACHE_HITS, 0), 2);
}

static void addresses_behind_a_cached_chain_rotate(void **state)
{
    static const char first[] =
        "\n" BUCKET ". 60 IN A 10.40.1.13\n" BUCKET ". 60 IN A 10.40.2.13\n";
    static const char second[] =
        "\n" BUCKET ". 60 IN A 10.40.2.13\n" BUCKET ". 60 IN A 10.40.1.13\n";
    (void)state;
    (void)stage_resolve(&stage, "www.example.com A",
                        "NOERROR\nwww.example.com. 300 IN CNAME " BUCKET ".\n");
    assert_non_null(strstr(stage.text, first));
    (void)stage_lookup(&stage, 0, "www.example.com A");
    assert_non_null(strstr(stage.text, second));
    (void)stage_lookup(&stage, 0, "www.example.com A");
    assert_non_null(strstr(stage.text, first));
}

static void reordered_addresses_change_nothing(void **state)
{
    (void)state;
    (void)stage_resolve(&stage, "www.example.com A",
                        "NOERROR\nwww.example.com. 300 IN CNAME " BUCKET ".\n");
    const struct addresses before = stage.snapshot->addresses[0];
    stage_set_addresses(&stage, 0, "10.40.2.13 10.40.1.13", 0);
    assert_int_equal(stage.snapshot->addresses[0].v4_count, 2);
    assert_memory_equal(stage.snapshot->addresses[0].v4, before.v4, 2 * sizeof(before.v4[0]));
    stage_expect_start(stage_lookup(&stage, 1, "www.example.com A"), "NOERROR rd ra\n");
    EXPECT_NO_QUERY(&stage);
    assert_int_equal(stage_count(&stage, METRICS_CACHE_VOIDED, 0), 0);
}

static void a_cut_answer_over_the_clients_size_is_truncated(void **state)
{
    char many[1024] = "";
    (void)state;
    for (int i = 0; i < 32; i++)
        snprintf(many + strlen(many), sizeof(many) - strlen(many), "10.9.0.%d ", i);
    stage_set_addresses(&stage, 0, many, 0);
    const char *reply = stage_resolve(&stage, "www.example.com A",
                                      "NOERROR\nwww.example.com. 300 IN CNAME " BUCKET ".\n");
    assert_string_equal(reply, "NOERROR tc rd ra\n? www.example.com. IN A\n");
    stage_expect_start(stage_lookup(&stage, 1, "www.example.com A edns=1232"), "NOERROR rd ra\n");
}

#define SCENARIO(test) STAGE_TEST(test, &plan)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(a_chain_whose_first_link_enters_a_rule_is_cut_there),
        SCENARIO(a_chain_that_enters_a_rule_midway_keeps_its_links_up_to_there),
        SCENARIO(a_chain_that_ends_at_a_rule_is_answered_although_upstream_has_no_address),
        SCENARIO(nxdomain_and_servfail_behind_a_rule_do_not_matter),
        SCENARIO(a_chain_into_a_rule_is_not_told_in_another_class),
        STAGE_TEST(a_chain_into_a_rule_behind_servfail_asks_no_other_server, &pair),
        SCENARIO(aaaa_behind_a_rule_without_ipv6_is_nodata_with_the_rules_soa),
        SCENARIO(ad_is_cleared_on_a_cut_answer_and_kept_on_others),
        SCENARIO(a_chain_that_enters_an_endpoint_without_addresses_is_servfail),
        SCENARIO(a_chain_that_passes_by_a_vpce_name_is_not_cut),
        SCENARIO(links_stand_in_front_of_what_they_lead_to_however_upstream_sorts),
        SCENARIO(a_cname_question_is_passed_untouched),
        SCENARIO(a_chain_of_eight_links_is_cached_and_one_of_nine_is_not),
        SCENARIO(a_chain_that_enters_a_rule_with_its_eighth_link_is_cut_there),
        SCENARIO(a_chain_that_enters_a_rule_beyond_its_eighth_link_is_servfail),
        SCENARIO(a_loop_of_aliases_is_passed_once_and_never_cached),
        SCENARIO(a_cached_chain_shows_changed_addresses_at_once_and_stays_a_hit),
        SCENARIO(addresses_behind_a_cached_chain_rotate),
        SCENARIO(reordered_addresses_change_nothing),
        SCENARIO(a_cut_answer_over_the_clients_size_is_truncated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
