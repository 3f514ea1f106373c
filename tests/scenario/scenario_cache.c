/* The cache as clients see it: what is kept and for how long, what is told apart, what failures and
 * absent names cost upstream. Stored by one worker, served by the other. */
#include <stdio.h>
#include <string.h>

#include "stage.h"

#define SOA "auth example.com. 300 IN SOA ns.example.com. root.example.com. 7 3600 600 86400 20\n"

static const char CONFIG[] =
    "cache: {max_ttl: 10m}\n"
    "forward:\n"
    "  - {zone: ., servers: [10.0.0.2]}\n"
    "  - {zone: cluster.local, servers: [10.0.0.3], max_negative_ttl: 5s}\n"
    "  - {zone: cut.example, servers: [10.0.0.4], nxdomain_cut: true}\n";

static struct stage stage;
static struct stage_plan plan = {&stage, 2, CONFIG};

/* The second worker answers from the cache, beginning like this. */
static void expect_hit(const char *question, const char *start)
{
    stage_expect_start(stage_lookup(&stage, 1, question), start);
    EXPECT_NO_QUERY(&stage);
}

/* The second worker has to ask; what it is told (NODATA without SOA) is not kept. */
static void expect_miss(const char *question)
{
    stage_ask(&stage, 1, question);
    EXPECT_NO_REPLY(&stage);
    assert_string_not_equal(stage_query(&stage), "");
    stage_answer(&stage, "NOERROR\n");
    assert_string_not_equal(stage_reply(&stage, 1), "");
}

/* --- positive answers --- */

static void an_answer_is_served_to_both_workers_with_its_ttl_counted_down(void **state)
{
    (void)state;
    (void)stage_resolve(&stage, "www.example.com A",
                        "NOERROR\nwww.example.com. 300 IN A 192.0.2.1\n");
    fake_net_advance(100000);
    for (size_t worker = 0; worker < 2; worker++)
        EXPECT_ANSWER(&stage, worker, "www.example.com A",
                      "NOERROR rd ra\n? www.example.com. IN A\n"
                      "www.example.com. 200 IN A 192.0.2.1\n");
    fake_net_advance(200000);
    expect_miss("www.example.com A");
    assert_int_equal(stage_count(&stage, METRICS_CACHE_HITS, 0), 2);
    assert_int_equal(stage_count(&stage, METRICS_CACHE_MISSES, 0), 2);
}

/* Ten minutes of a name that both workers are asked for five times a second. */
static void a_hot_name_is_asked_upstream_once_a_ttl_over_both_workers(void **state)
{
    unsigned asked = 0;
    (void)state;
    for (unsigned at = 0; at < 3000; at++) {
        stage_ask(&stage, at % 2, "www.example.com A");
        if (*stage_query(&stage) != '\0') {
            stage_answer(&stage, "NOERROR\nwww.example.com. 60 IN A 192.0.2.1\n");
            asked++;
        }
        stage_expect_start(stage_reply(&stage, 1), "NOERROR rd ra\n");
        EXPECT_NO_QUERY(&stage);
        fake_net_advance(200);
    }
    assert_int_equal(asked, 10);
}

static void an_answer_of_ttl_0_is_passed_on_and_not_kept(void **state)
{
    (void)state;
    const char *reply =
        stage_resolve(&stage, "www.example.com A", "NOERROR\nwww.example.com. 0 IN A 192.0.2.1\n");
    assert_string_equal(reply, "NOERROR rd ra\n? www.example.com. IN A\n"
                               "www.example.com. 0 IN A 192.0.2.1\n");
    expect_miss("www.example.com A");
}

/* RFC 8767 section 4: a TTL with the top bit set is a large one; ours is capped by the configuration. */
static void a_ttl_over_the_cap_is_cut(void **state)
{
    (void)state;
    const char *reply = stage_resolve(&stage, "www.example.com A",
                                      "NOERROR\nwww.example.com. 4294967295 IN A 192.0.2.1\n");
    assert_string_equal(reply, "NOERROR rd ra\n? www.example.com. IN A\n"
                               "www.example.com. 600 IN A 192.0.2.1\n");
}

/* RFC 2181 section 5.2. */
static void records_of_one_rrset_leave_with_the_least_of_their_ttls(void **state)
{
    (void)state;
    const char *reply = stage_resolve(&stage, "www.example.com A",
                                      "NOERROR\nwww.example.com. 300 IN A 192.0.2.1\n"
                                      "www.example.com. 30 IN A 192.0.2.2\n");
    assert_string_equal(reply, "NOERROR rd ra\n? www.example.com. IN A\n"
                               "www.example.com. 30 IN A 192.0.2.1\n"
                               "www.example.com. 30 IN A 192.0.2.2\n");
}

/* RFC 3597 section 3, RFC 5625 section 4.3. */
static void an_unknown_type_passes_bit_by_bit(void **state)
{
    (void)state;
    const char *reply =
        stage_resolve(&stage, "www.example.com TYPE65280",
                      "NOERROR\nwww.example.com. 300 IN TYPE65280 \\# 4 c00c00ff\n");
    assert_string_equal(reply, "NOERROR rd ra\n? www.example.com. IN TYPE65280\n"
                               "www.example.com. 300 IN TYPE65280 \\# 4 c00c00ff\n");
}

/* --- what each client hears --- */

/* RFC 1035 section 4.1.1, RFC 4343 section 4.1, RFC 6891 section 6.1.1. */
static void each_hit_honours_its_clients_id_case_flags_and_edns(void **state)
{
    (void)state;
    (void)stage_resolve(&stage, "www.example.com A",
                        "NOERROR ad\nwww.example.com. 300 IN A 192.0.2.1\n");
    expect_hit("WWW.Example.COM A id=1",
               "NOERROR rd ra\n? WWW.Example.COM. IN A\nWWW.Example.COM. 300 IN A 192.0.2.1\n");
    expect_hit("www.example.com A id=65535 -rd ad edns=4096",
               "NOERROR ra ad\n? www.example.com. IN A\nwww.example.com. 300 IN A 192.0.2.1\n"
               "edns 1232\n");
    expect_hit("www.example.com A edns=100", "NOERROR rd ra\n");
}

/* RFC 4035 section 3.2: DO and CD ask other questions; RFC 3225 section 3: RRSIG only with DO. */
static void do_and_cd_are_questions_of_their_own(void **state)
{
    (void)state;
    (void)stage_resolve(&stage, "www.example.com A",
                        "NOERROR\nwww.example.com. 300 IN A 192.0.2.1\n");
    stage_ask(&stage, 0, "www.example.com A do");
    EXPECT_QUERY(&stage, "10.0.0.2 www.example.com. A rd do");
    stage_answer(&stage, "NOERROR\nwww.example.com. 300 IN A 192.0.2.2\n");
    EXPECT_REPLY(&stage, "NOERROR rd ra\n? www.example.com. IN A\n"
                         "www.example.com. 300 IN A 192.0.2.2\nedns 1232 do\n");
    stage_ask(&stage, 0, "www.example.com A cd");
    EXPECT_QUERY(&stage, "10.0.0.2 www.example.com. A rd cd");
    stage_answer(&stage, "NOERROR\nwww.example.com. 300 IN A 192.0.2.3\n");
    EXPECT_REPLY(&stage, "NOERROR rd ra cd\n? www.example.com. IN A\n"
                         "www.example.com. 300 IN A 192.0.2.3\n");
    expect_hit("www.example.com A",
               "NOERROR rd ra\n? www.example.com. IN A\nwww.example.com. 300 IN A 192.0.2.1\n");
    expect_hit("www.example.com A cd",
               "NOERROR rd ra cd\n? www.example.com. IN A\nwww.example.com. 300 IN A 192.0.2.3\n");
}

/* RFC 2181 section 9, RFC 5625 section 4.4. */
static void an_answer_over_the_clients_size_has_tc_over_udp_and_is_whole_over_tcp(void **state)
{
    char answer[4096] = "NOERROR\n";
    (void)state;
    for (int i = 0; i < 60; i++)
        snprintf(answer + strlen(answer), sizeof(answer) - strlen(answer),
                 "www.example.com. 300 IN A 192.0.2.%d\n", i);
    const char *reply = stage_resolve(&stage, "www.example.com A edns=512", answer);
    assert_string_equal(reply, "NOERROR tc rd ra\n? www.example.com. IN A\nedns 1232\n");
    expect_hit("www.example.com A", "NOERROR tc rd ra\n? www.example.com. IN A\n");
    expect_hit("www.example.com A edns=1232", "NOERROR rd ra\n? www.example.com. IN A\nwww.");
    assert_true(stage.reply_len <= 1232);
    uint64_t tcp = stage_connect(&stage);
    stage_tcp_ask(&stage, tcp, "www.example.com A");
    stage_expect_start(stage_tcp_reply(&stage, tcp), "NOERROR rd ra\n");
    EXPECT_NO_QUERY(&stage);
}

/* RFC 9715 section 3.1. */
static void an_udp_answer_never_passes_our_own_limit_whatever_the_client_offers(void **state)
{
    char answer[8192] = "NOERROR\n";
    (void)state;
    for (int i = 0; i < 100; i++)
        snprintf(answer + strlen(answer), sizeof(answer) - strlen(answer),
                 "www.example.com. 300 IN A 192.0.2.%d\n", i);
    const char *reply = stage_resolve(&stage, "www.example.com A edns=4096", answer);
    assert_string_equal(reply, "NOERROR tc rd ra\n? www.example.com. IN A\nedns 1232\n");
}

/* --- what is not there --- */

/* RFC 2308 sections 5 and 6. */
static void nxdomain_is_kept_by_name_for_all_types_with_its_soa_counted_down(void **state)
{
    (void)state;
    const char *reply = stage_resolve(&stage, "no.example.com A", "NXDOMAIN\n" SOA);
    assert_string_equal(reply,
                        "NXDOMAIN rd ra\n? no.example.com. IN A\n"
                        "auth example.com. 20 IN SOA ns.example.com. root.example.com. 7 3600 "
                        "600 86400 20\n");
    fake_net_advance(8000);
    expect_hit("no.example.com AAAA", "NXDOMAIN rd ra\n? no.example.com. IN AAAA\n"
                                      "auth example.com. 12 IN SOA ");
    expect_hit("No.example.com TXT", "NXDOMAIN rd ra\n? No.example.com. IN TXT\n");
    expect_miss("sub.no.example.com A");
    fake_net_advance(12000);
    expect_miss("no.example.com A");
}

static void nodata_is_kept_for_its_type_alone(void **state)
{
    (void)state;
    (void)stage_resolve(&stage, "www.example.com AAAA", "NOERROR\n" SOA);
    expect_hit("www.example.com AAAA", "NOERROR rd ra\n? www.example.com. IN AAAA\n"
                                       "auth example.com. 20 IN SOA ");
    expect_miss("www.example.com A");
}

static void a_zones_cap_limits_its_negative_answers(void **state)
{
    (void)state;
    stage_ask(&stage, 0, "no.cluster.local A");
    EXPECT_QUERY(&stage, "10.0.0.3 no.cluster.local. A rd");
    stage_answer(&stage, "NXDOMAIN\nauth cluster.local. 300 IN SOA a. b. 1 2 3 4 300\n");
    EXPECT_REPLY(&stage, "NXDOMAIN rd ra\n? no.cluster.local. IN A\n"
                         "auth cluster.local. 5 IN SOA a. b. 1 2 3 4 300\n");
    fake_net_advance(4999);
    expect_hit("no.cluster.local A", "NXDOMAIN rd ra\n");
    fake_net_advance(1);
    expect_miss("no.cluster.local A");
}

/* RFC 2308 section 5: should not be cached. */
static void a_negative_answer_without_soa_is_not_kept(void **state)
{
    (void)state;
    (void)stage_resolve(&stage, "no.example.com A", "NXDOMAIN\n");
    expect_miss("no.example.com A");
}

/* RFC 2308 section 2.1: both are kept, under the type asked. */
static void nxdomain_behind_an_alias_is_kept_with_the_alias_for_its_type(void **state)
{
    (void)state;
    (void)stage_resolve(&stage, "www.example.com A",
                        "NXDOMAIN\nwww.example.com. 300 IN CNAME gone.example.com.\n" SOA);
    expect_hit("www.example.com A", "NXDOMAIN rd ra\n? www.example.com. IN A\n"
                                    "www.example.com. 300 IN CNAME gone.example.com.\n");
    expect_miss("www.example.com AAAA");
}

static void a_positive_answer_takes_out_the_names_nxdomain(void **state)
{
    (void)state;
    (void)stage_resolve(&stage, "new.example.com A", "NXDOMAIN\n" SOA);
    stage_ask(&stage, 0, "new.example.com A do");
    assert_int_not_equal(strlen(stage_query(&stage)), 0);
    stage_answer(&stage, "NXDOMAIN\n" SOA);
    (void)stage_reply(&stage, 1);
    fake_net_advance(21000);
    (void)stage_resolve(&stage, "new.example.com A",
                        "NOERROR\nnew.example.com. 300 IN A 192.0.2.1\n");
    expect_hit("new.example.com A", "NOERROR rd ra\n");
    expect_miss("new.example.com AAAA");
}

/* RFC 8020 section 2, where a forward zone asks for it. */
static void below_a_name_that_does_not_exist_nothing_exists_where_the_zone_says_so(void **state)
{
    (void)state;
    (void)stage_resolve(&stage, "no.cut.example A",
                        "NXDOMAIN\nauth cut.example. 60 IN SOA a. b. 1 2 3 4 20\n");
    fake_net_advance(5000);
    expect_hit("A.b.no.cut.example AAAA edns=1232",
               "NXDOMAIN rd ra\n? A.b.no.cut.example. IN AAAA\n"
               "auth cut.example. 15 IN SOA a. b. 1 2 3 4 20\nedns 1232\n");
    assert_int_equal(stage_count(&stage, METRICS_CACHE_HITS, 0), 1);
    expect_miss("yes.cut.example A");
    expect_miss("cut.example A");
}

/* What another zone's servers deny says nothing about names that have servers of their own. */
static void an_nxdomain_above_a_forward_zone_does_not_reach_into_it(void **state)
{
    (void)state;
    (void)stage_resolve(&stage, "example A", "NXDOMAIN\nauth . 60 IN SOA a. b. 1 2 3 4 20\n");
    stage_ask(&stage, 1, "www.cut.example A");
    EXPECT_QUERY(&stage, "10.0.0.4 www.cut.example. A rd");
}

/* --- failures --- */

/* RFC 9520 section 3.2: kept at least 1 s, without a packet, repeated ones longer. */
static void failures_are_kept_1_2_4_5_5_seconds(void **state)
{
    static const unsigned waits_s[] = {1, 2, 4, 5, 5};
    (void)state;
    for (size_t i = 0; i < sizeof(waits_s) / sizeof(waits_s[0]); i++) {
        const char *reply = stage_resolve(&stage, "bad.example.com A", "REFUSED\n");
        assert_string_equal(reply, "REFUSED rd ra\n? bad.example.com. IN A\n");
        fake_net_advance(waits_s[i] * 1000 - 1);
        expect_hit("bad.example.com A", "REFUSED rd ra\n");
        fake_net_advance(1);
    }
    (void)stage_resolve(&stage, "bad.example.com A",
                        "NOERROR\nbad.example.com. 1 IN A 192.0.2.1\n");
    fake_net_advance(1000);
    (void)stage_resolve(&stage, "bad.example.com A", "REFUSED\n");
    fake_net_advance(1000);
    expect_miss("bad.example.com A");
}

/* Packets sent with this question; probes of the server's health ask others. */
static size_t count_queries(const char *query)
{
    size_t count = 0;
    for (const char *asked; (asked = stage_query(&stage))[0] != '\0';)
        count += strcmp(asked, query) == 0 ? 1 : 0;
    return count;
}

/* RFC 9520 sections 3.1 and 3.2: a timeout is a failure too, after 3 packets at most; RFC 8914 sections 4.23 and 4.14. */
static void a_dead_server_costs_one_client_question_a_round_and_then_heals(void **state)
{
    (void)state;
    stage_ask(&stage, 0, "www.example.com A edns=1232");
    for (int i = 0; i < 50 && stage_count(&stage, METRICS_ANSWERS, METRICS_SOURCE_UPSTREAM) == 0;
         i++)
        fake_net_advance(100);
    EXPECT_REPLY(&stage, "SERVFAIL rd ra\n? www.example.com. IN A\nedns 1232 ede=22\n");
    assert_in_range(count_queries("10.0.0.2 www.example.com. A rd"), 1, 3);
    fake_net_advance(100);
    expect_hit("www.example.com A edns=1232",
               "SERVFAIL rd ra\n? www.example.com. IN A\nedns 1232 ede=13\n");
    fake_net_advance(1000);
    (void)stage_drop_queries(&stage);
    stage_ask(&stage, 1, "www.example.com A");
    EXPECT_QUERY(&stage, "10.0.0.2 www.example.com. A rd");
    stage_answer(&stage, "NOERROR\nwww.example.com. 300 IN A 192.0.2.1\n");
    stage_expect_start(stage_reply(&stage, 1), "NOERROR rd ra\n");
}

/* RFC 9520 section 3.2: an answer that cannot be understood is a failure; RFC 8914 section 4.25. */
static void an_answer_with_broken_records_is_servfail(void **state)
{
    (void)state;
    stage_ask(&stage, 0, "www.example.com A edns=1232");
    assert_string_not_equal(stage_query(&stage), "");
    size_t len = stage.asked.len - 11;
    stage.asked.data[2] |= 0x80;
    stage.asked.data[7] = 1;
    stage.asked.data[11] = 0;
    assert_true(fake_upstream_answer(stage.asked.socket, stage.asked.data, len));
    fake_net_advance(5000);
    stage_expect_start(stage_reply(&stage, 1),
                       "SERVFAIL rd ra\n? www.example.com. IN A\nedns 1232 ede=");
}

static void a_failure_of_one_type_harms_no_other(void **state)
{
    (void)state;
    (void)stage_resolve(&stage, "www.example.com A",
                        "NOERROR\nwww.example.com. 300 IN A 192.0.2.1\n");
    (void)stage_resolve(&stage, "www.example.com AAAA", "REFUSED\n");
    expect_hit("www.example.com A", "NOERROR rd ra\n");
}

/* RFC 4074 section 4.2: servers that say NXDOMAIN to AAAA of a name that has an A. */
static void an_nxdomain_said_to_aaaa_never_takes_the_a_away(void **state)
{
    (void)state;
    (void)stage_resolve(&stage, "www.example.com AAAA", "NXDOMAIN\n" SOA);
    (void)stage_resolve(&stage, "www.example.com A",
                        "NOERROR\nwww.example.com. 300 IN A 192.0.2.1\n");
    expect_hit("www.example.com A", "NOERROR rd ra\n");
}

/* --- flushing --- */

static void a_flushed_name_is_asked_again_by_both_workers(void **state)
{
    struct name name = {0};
    static const uint8_t wire[] = "\7example\3com";
    (void)state;
    (void)stage_resolve(&stage, "www.example.com A",
                        "NOERROR\nwww.example.com. 300 IN A 192.0.2.1\n");
    (void)stage_resolve(&stage, "other.example.net A",
                        "NOERROR\nother.example.net. 300 IN A 192.0.2.1\n");
    assert_int_equal(name_from_wire(&name, wire, sizeof(wire)), ERR_OK);
    assert_int_equal(cache_flush(stage.cache, &name, false), 0);
    assert_int_equal(cache_flush(stage.cache, &name, true), 1);
    expect_hit("other.example.net A", "NOERROR rd ra\n");
    expect_miss("www.example.com A");
}

#define SCENARIO(test) STAGE_TEST(test, &plan)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(an_answer_is_served_to_both_workers_with_its_ttl_counted_down),
        SCENARIO(a_hot_name_is_asked_upstream_once_a_ttl_over_both_workers),
        SCENARIO(an_answer_of_ttl_0_is_passed_on_and_not_kept),
        SCENARIO(a_ttl_over_the_cap_is_cut),
        SCENARIO(records_of_one_rrset_leave_with_the_least_of_their_ttls),
        SCENARIO(an_unknown_type_passes_bit_by_bit),
        SCENARIO(each_hit_honours_its_clients_id_case_flags_and_edns),
        SCENARIO(do_and_cd_are_questions_of_their_own),
        SCENARIO(an_answer_over_the_clients_size_has_tc_over_udp_and_is_whole_over_tcp),
        SCENARIO(an_udp_answer_never_passes_our_own_limit_whatever_the_client_offers),
        SCENARIO(nxdomain_is_kept_by_name_for_all_types_with_its_soa_counted_down),
        SCENARIO(nodata_is_kept_for_its_type_alone),
        SCENARIO(a_zones_cap_limits_its_negative_answers),
        SCENARIO(a_negative_answer_without_soa_is_not_kept),
        SCENARIO(nxdomain_behind_an_alias_is_kept_with_the_alias_for_its_type),
        SCENARIO(a_positive_answer_takes_out_the_names_nxdomain),
        SCENARIO(below_a_name_that_does_not_exist_nothing_exists_where_the_zone_says_so),
        SCENARIO(an_nxdomain_above_a_forward_zone_does_not_reach_into_it),
        SCENARIO(failures_are_kept_1_2_4_5_5_seconds),
        SCENARIO(a_dead_server_costs_one_client_question_a_round_and_then_heals),
        SCENARIO(an_answer_with_broken_records_is_servfail),
        SCENARIO(a_failure_of_one_type_harms_no_other),
        SCENARIO(an_nxdomain_said_to_aaaa_never_takes_the_a_away),
        SCENARIO(a_flushed_name_is_asked_again_by_both_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
