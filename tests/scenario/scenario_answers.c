/* What a name gets without an upstream: endpoints by exact and wildcard rules, special names, ANY, and
 * what malformed or foreign questions get. Both workers answer alike. */
#include <stdio.h>
#include <string.h>

#include "stage.h"

#define ECR "api.ecr.eu-west-1.amazonaws.com"
#define S3 "s3.eu-west-1.amazonaws.com"
#define WAITING "ec2.eu-west-1.amazonaws.com"

/* What the SOA of negative answers says behind its owner: constant, TTL = MINIMUM = 60 s. */
#define SOA " 60 IN SOA local53. hostmaster.local53. 1 3600 600 604800 60\n"

static const char CONFIG[] =
    "endpoints:\n"
    "  - {names: [" ECR "], addresses: [10.40.1.11, 10.40.2.11]}\n"
    "  - {names: ['*." S3 "'], except: [logs." S3 "], addresses: [10.40.1.13, 'fd00::13']}\n"
    "  - {names: [" WAITING "], target: vpce-0a.ec2.eu-west-1.vpce.amazonaws.com}\n"
    "forward:\n"
    "  - {zone: ., servers: [10.0.0.2]}\n";

static struct stage stage;
static struct stage_plan plan = {&stage, 2, CONFIG};

/* The worker forwards the question and nothing else is said. */
static void expect_forwarded(size_t worker, const char *question, const char *query)
{
    stage_ask(&stage, worker, question);
    EXPECT_QUERY(&stage, query);
    EXPECT_NO_REPLY(&stage);
    stage_answer(&stage, "REFUSED\n");
    assert_string_not_equal(stage_reply(&stage, 1), "");
    EXPECT_NO_QUERY(&stage);
}

/* --- endpoints --- */

static void an_exact_name_has_its_endpoints_addresses_as_its_own(void **state)
{
    (void)state;
    for (size_t worker = 0; worker < 2; worker++) {
        EXPECT_ANSWER(&stage, worker, ECR " A",
                      "NOERROR rd ra\n? " ECR ". IN A\n" ECR ". 60 IN A 10.40.1.11\n" ECR
                      ". 60 IN A 10.40.2.11\n");
        EXPECT_NO_QUERY(&stage);
    }
}

static void the_order_of_addresses_rotates_with_each_answer(void **state)
{
    (void)state;
    EXPECT_ANSWER(&stage, 0, "x." S3 " AAAA",
                  "NOERROR rd ra\n? x." S3 ". IN AAAA\nx." S3 ". 60 IN AAAA fd00::13\n");
    EXPECT_ANSWER(&stage, 0, ECR " A",
                  "NOERROR rd ra\n? " ECR ". IN A\n" ECR ". 60 IN A 10.40.2.11\n" ECR
                  ". 60 IN A 10.40.1.11\n");
    EXPECT_ANSWER(&stage, 0, ECR " A",
                  "NOERROR rd ra\n? " ECR ". IN A\n" ECR ". 60 IN A 10.40.1.11\n" ECR
                  ". 60 IN A 10.40.2.11\n");
}

/* RFC 4343 section 4.1: compared without case, echoed in the case asked. */
static void the_owner_keeps_the_case_it_was_asked_in(void **state)
{
    (void)state;
    EXPECT_ANSWER(&stage, 0, "My.Bucket.S3.EU-west-1.amazonAWS.com A",
                  "NOERROR rd ra\n? My.Bucket.S3.EU-west-1.amazonAWS.com. IN A\n"
                  "My.Bucket.S3.EU-west-1.amazonAWS.com. 60 IN A 10.40.1.13\n");
}

static void a_type_the_endpoint_has_not_gets_nodata_with_the_rules_soa(void **state)
{
    static const char *const types[] = {"AAAA", "HTTPS", "SVCB", "TXT", "MX", "CNAME", "TYPE65280"};
    char question[128];
    char expected[256];
    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        snprintf(question, sizeof(question), "%s %s", ECR, types[i]);
        snprintf(expected, sizeof(expected), "NOERROR rd ra\n? %s. IN %s\nauth %s.%s", ECR,
                 types[i], ECR, SOA);
        EXPECT_ANSWER(&stage, i % 2, question, expected);
        EXPECT_NO_QUERY(&stage);
    }
}

static void nodata_below_a_wildcard_carries_the_soa_of_the_part_below_the_star(void **state)
{
    (void)state;
    EXPECT_ANSWER(&stage, 0, "a.b." S3 " TXT",
                  "NOERROR rd ra\n? a.b." S3 ". IN TXT\nauth " S3 "." SOA);
}

/* RFC 8482 section 4.1: one RRset of those that exist. */
static void any_for_an_endpoint_name_gets_one_rrset(void **state)
{
    (void)state;
    EXPECT_ANSWER(&stage, 0, "x." S3 " ANY",
                  "NOERROR rd ra\n? x." S3 ". IN ANY\nx." S3 ". 60 IN A 10.40.1.13\n");
}

static void a_wildcard_matches_any_depth_but_never_its_own_apex(void **state)
{
    (void)state;
    EXPECT_ANSWER(&stage, 0, "a.b.c." S3 " A",
                  "NOERROR rd ra\n? a.b.c." S3 ". IN A\na.b.c." S3 ". 60 IN A 10.40.1.13\n");
    expect_forwarded(0, S3 " A", "10.0.0.2 " S3 ". A rd");
}

static void an_excepted_name_is_forwarded_and_its_neighbours_are_not(void **state)
{
    (void)state;
    expect_forwarded(1, "Logs." S3 " A", "10.0.0.2 logs." S3 ". A rd");
    EXPECT_ANSWER(&stage, 1, "a.logs." S3 " A",
                  "NOERROR rd ra\n? a.logs." S3 ". IN A\na.logs." S3 ". 60 IN A 10.40.1.13\n");
}

static void siblings_and_names_below_an_exact_name_are_forwarded(void **state)
{
    (void)state;
    expect_forwarded(0, "below." ECR " A", "10.0.0.2 below." ECR ". A rd");
    expect_forwarded(0, "dkr.ecr.eu-west-1.amazonaws.com A",
                     "10.0.0.2 dkr.ecr.eu-west-1.amazonaws.com. A rd");
    expect_forwarded(1, "ecr.eu-west-1.amazonaws.com AAAA",
                     "10.0.0.2 ecr.eu-west-1.amazonaws.com. AAAA rd");
}

static void a_name_with_a_vpce_label_is_never_rewritten(void **state)
{
    (void)state;
    expect_forwarded(0, "bucket.vpce-0d1a." S3 " A", "10.0.0.2 bucket.vpce-0d1a." S3 ". A rd");
    expect_forwarded(1, "VPCE-0d1a." S3 " A", "10.0.0.2 vpce-0d1a." S3 ". A rd");
}

/* RFC 8914 section 4.15: Not Ready. */
static void an_endpoint_without_an_address_gets_servfail_and_is_never_forwarded(void **state)
{
    (void)state;
    EXPECT_ANSWER(&stage, 0, WAITING " A edns=1232",
                  "SERVFAIL rd ra\n? " WAITING ". IN A\nedns 1232 ede=14\n");
    EXPECT_ANSWER(&stage, 1, WAITING " TXT", "SERVFAIL rd ra\n? " WAITING ". IN TXT\n");
    EXPECT_NO_QUERY(&stage);
}

static void the_ttl_is_what_is_left_of_the_targets_within_5_and_60_seconds(void **state)
{
    (void)state;
    stage_set_addresses(&stage, 2, "10.40.1.20", 70);
    EXPECT_ANSWER(&stage, 0, WAITING " A",
                  "NOERROR rd ra\n? " WAITING ". IN A\n" WAITING ". 60 IN A 10.40.1.20\n");
    fake_net_advance(30000);
    EXPECT_ANSWER(&stage, 1, WAITING " A",
                  "NOERROR rd ra\n? " WAITING ". IN A\n" WAITING ". 40 IN A 10.40.1.20\n");
    fake_net_advance(38000);
    EXPECT_ANSWER(&stage, 1, WAITING " A",
                  "NOERROR rd ra\n? " WAITING ". IN A\n" WAITING ". 5 IN A 10.40.1.20\n");
}

static void last_good_addresses_are_answered_with_30_seconds(void **state)
{
    (void)state;
    stage_set_addresses(&stage, 2, "10.40.1.20", 60);
    fake_net_advance(86400000);
    EXPECT_ANSWER(&stage, 1, WAITING " A",
                  "NOERROR rd ra\n? " WAITING ". IN A\n" WAITING ". 30 IN A 10.40.1.20\n");
}

static void a_changed_address_is_answered_at_once_by_every_worker(void **state)
{
    (void)state;
    stage_set_addresses(&stage, 0, "10.40.9.9", 0);
    for (size_t worker = 0; worker < 2; worker++)
        EXPECT_ANSWER(&stage, worker, ECR " A",
                      "NOERROR rd ra\n? " ECR ". IN A\n" ECR ". 60 IN A 10.40.9.9\n");
}

/* RFC 6891 section 6.1.1: OPT in the response iff in the query; RFC 3225 section 3: DO copied. */
static void an_endpoints_answer_has_an_opt_only_for_those_who_sent_one(void **state)
{
    (void)state;
    EXPECT_ANSWER(&stage, 0, "x." S3 " A edns=4096 do",
                  "NOERROR rd ra\n? x." S3 ". IN A\nx." S3 ". 60 IN A 10.40.1.13\nedns 1232 do\n");
}

/* RFC 1035 section 4.2.1 and RFC 6891 section 6.2.3: never silently cut, TC instead. */
static void
addresses_that_do_not_fit_512_octets_are_truncated_for_a_client_without_edns(void **state)
{
    char many[1024] = "";
    (void)state;
    for (int i = 0; i < 32; i++)
        snprintf(many + strlen(many), sizeof(many) - strlen(many), "10.9.0.%d ", i);
    stage_set_addresses(&stage, 0, many, 0);
    EXPECT_ANSWER(&stage, 0, ECR " A", "NOERROR tc rd ra\n? " ECR ". IN A\n");
    stage_ask(&stage, 0, ECR " A edns=1232");
    stage_expect_start(stage_reply(&stage, 1), "NOERROR rd ra\n");
    uint64_t tcp = stage_connect(&stage);
    stage_tcp_ask(&stage, tcp, ECR " A");
    stage_expect_start(stage_tcp_reply(&stage, tcp), "NOERROR rd ra\n");
    assert_int_equal(stage_count(&stage, METRICS_TRUNCATED, METRICS_TRANSPORT_UDP), 1);
}

/* Other classes pass with their number (RFC 5625 section 4.3); a name with a rule has nothing in them, and is
 * never asked upstream. */
static void a_class_other_than_in_is_forwarded_but_for_names_with_a_rule(void **state)
{
    (void)state;
    expect_forwarded(1, "version.bind TXT CH", "10.0.0.2 version.bind. TXT rd");
    EXPECT_ANSWER(&stage, 0, ECR " A CH", "REFUSED rd ra\n? " ECR ". CH A\n");
    EXPECT_ANSWER(&stage, 0, ECR " A ANY", "REFUSED rd ra\n? " ECR ". ANY A\n");
    EXPECT_ANSWER(&stage, 1, "localhost A CH", "REFUSED rd ra\n? localhost. CH A\n");
    EXPECT_NO_QUERY(&stage);
}

/* --- ANY and special names --- */

/* RFC 8482 section 4.2. */
static void any_for_another_name_gets_one_hinfo_and_is_not_forwarded(void **state)
{
    (void)state;
    EXPECT_ANSWER(&stage, 0, "Www.example.com ANY",
                  "NOERROR rd ra\n? Www.example.com. IN ANY\n"
                  "Www.example.com. 3600 IN HINFO \"RFC8482\" \"\"\n");
    EXPECT_NO_QUERY(&stage);
}

/* RFC 6761 section 6.3. */
static void localhost_and_below_are_loopback_and_never_forwarded(void **state)
{
    (void)state;
    EXPECT_ANSWER(&stage, 0, "localhost A",
                  "NOERROR rd ra\n? localhost. IN A\nlocalhost. 600 IN A 127.0.0.1\n");
    EXPECT_ANSWER(&stage, 1, "a.localhost AAAA",
                  "NOERROR rd ra\n? a.localhost. IN AAAA\na.localhost. 600 IN AAAA ::1\n");
    EXPECT_NO_QUERY(&stage);
}

/* RFC 6761 sections 6.2 and 6.4, RFC 7686 section 2, RFC 6762 section 3. */
static void invalid_test_onion_and_local_do_not_exist_and_are_not_forwarded(void **state)
{
    static const char *const names[] = {"a.invalid", "b.test", "c.onion", "printer.local"};
    char question[64];
    char expected[64];
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(question, sizeof(question), "%s A", names[i]);
        snprintf(expected, sizeof(expected), "NXDOMAIN rd ra\n? %s. IN A\nauth ", names[i]);
        const char *reply = stage_lookup(&stage, i % 2, question);
        stage_expect_start(reply, expected);
        EXPECT_NO_QUERY(&stage);
    }
}

/* RFC 6303 would answer these here; in a VPC its resolver does. */
static void reverse_names_of_private_networks_are_forwarded(void **state)
{
    (void)state;
    expect_forwarded(0, "1.0.0.10.in-addr.arpa PTR", "10.0.0.2 1.0.0.10.in-addr.arpa. PTR rd");
}

/* RFC 9462 section 8.2. */
static void discovery_of_designated_resolvers_gets_nodata(void **state)
{
    (void)state;
    EXPECT_ANSWER(&stage, 0, "_dns.resolver.arpa SVCB",
                  "NOERROR rd ra\n? _dns.resolver.arpa. IN SVCB\nauth resolver.arpa." SOA);
    EXPECT_NO_QUERY(&stage);
}

/* --- what cannot be answered --- */

static void send_raw(const void *packet, size_t len)
{
    struct addr from;
    assert_int_equal(addr_parse(&from, "10.0.9.9:40001", 0), ERR_OK);
    fake_udp_deliver(fake_udp_server(&stage.listen, 0), &from, packet, len);
    fake_net_run();
}

/* RFC 1035 section 4.1.1. */
static void a_response_and_a_fragment_are_met_with_silence_and_counted(void **state)
{
    static const uint8_t response[12] = {1, 2, 0x80, 0};
    (void)state;
    send_raw(response, sizeof(response));
    send_raw(response, 11);
    EXPECT_NO_REPLY(&stage);
    assert_int_equal(stage_count(&stage, METRICS_DROPPED, METRICS_DROP_RESPONSE), 1);
    assert_int_equal(stage_count(&stage, METRICS_DROPPED, METRICS_DROP_SHORT), 1);
}

/* RFC 8906 section 3.1.4: NOTIMP with the question; RFC 9619 section 4: FORMERR for two questions. */
static void an_unknown_opcode_gets_notimp_and_two_questions_get_formerr(void **state)
{
    static const uint8_t notify[] = {0, 9, 0x21, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 6, 0, 1};
    static const uint8_t two[] = {0,   9, 1, 0, 0, 2, 0, 0,   0, 0, 0, 0, 1,
                                  'a', 0, 0, 1, 0, 1, 1, 'b', 0, 0, 1, 0, 1};
    (void)state;
    send_raw(notify, sizeof(notify));
    EXPECT_REPLY(&stage, "NOTIMPL rd ra\n? a. IN SOA\n");
    assert_int_equal(stage.reply_id, 9);
    send_raw(two, sizeof(two));
    EXPECT_REPLY(&stage, "FORMERR rd ra\n");
    assert_int_equal(stage_count(&stage, METRICS_ANSWERS, METRICS_SOURCE_ERROR), 2);
}

/* RFC 6891 section 6.1.3. */
static void a_newer_edns_version_gets_badvers_with_ours_and_is_counted_as_that(void **state)
{
    static const uint8_t query[] = {0, 9, 1, 0, 0, 1, 0,  0, 0,   0, 0, 1, 1, 'a', 0,
                                    0, 1, 0, 1, 0, 0, 41, 4, 208, 0, 1, 0, 0, 0,   0};
    (void)state;
    send_raw(query, sizeof(query));
    EXPECT_REPLY(&stage, "BADVERS rd ra\n? a. IN A\nedns 1232\n");
    size_t cell = metrics_rcode_cell(METRICS_TRANSPORT_UDP, RCODE_BADVERS);
    assert_int_equal(stage_count(&stage, METRICS_RESPONSES, cell), 1);
}

#define SCENARIO(test) STAGE_TEST(test, &plan)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(an_exact_name_has_its_endpoints_addresses_as_its_own),
        SCENARIO(the_order_of_addresses_rotates_with_each_answer),
        SCENARIO(the_owner_keeps_the_case_it_was_asked_in),
        SCENARIO(a_type_the_endpoint_has_not_gets_nodata_with_the_rules_soa),
        SCENARIO(nodata_below_a_wildcard_carries_the_soa_of_the_part_below_the_star),
        SCENARIO(any_for_an_endpoint_name_gets_one_rrset),
        SCENARIO(a_wildcard_matches_any_depth_but_never_its_own_apex),
        SCENARIO(an_excepted_name_is_forwarded_and_its_neighbours_are_not),
        SCENARIO(siblings_and_names_below_an_exact_name_are_forwarded),
        SCENARIO(a_name_with_a_vpce_label_is_never_rewritten),
        SCENARIO(an_endpoint_without_an_address_gets_servfail_and_is_never_forwarded),
        SCENARIO(the_ttl_is_what_is_left_of_the_targets_within_5_and_60_seconds),
        SCENARIO(last_good_addresses_are_answered_with_30_seconds),
        SCENARIO(a_changed_address_is_answered_at_once_by_every_worker),
        SCENARIO(an_endpoints_answer_has_an_opt_only_for_those_who_sent_one),
        SCENARIO(addresses_that_do_not_fit_512_octets_are_truncated_for_a_client_without_edns),
        SCENARIO(a_class_other_than_in_is_forwarded_but_for_names_with_a_rule),
        SCENARIO(any_for_another_name_gets_one_hinfo_and_is_not_forwarded),
        SCENARIO(localhost_and_below_are_loopback_and_never_forwarded),
        SCENARIO(invalid_test_onion_and_local_do_not_exist_and_are_not_forwarded),
        SCENARIO(reverse_names_of_private_networks_are_forwarded),
        SCENARIO(discovery_of_designated_resolvers_gets_nodata),
        SCENARIO(a_response_and_a_fragment_are_met_with_silence_and_counted),
        SCENARIO(an_unknown_opcode_gets_notimp_and_two_questions_get_formerr),
        SCENARIO(a_newer_edns_version_gets_badvers_with_ours_and_is_counted_as_that),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
