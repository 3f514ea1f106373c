/* What answers and silence of servers mean. */
#include "doctor_test.h"

#include "../../../src/doctor/reach.h"
#include "local53/dns/message.h"
#include "local53/dns/text.h"

static struct doctor_ask answer(unsigned rcode, unsigned records)
{
    struct doctor_ask ask = {.server = addr_of("10.0.0.2:53"),
                             .answered = true,
                             .rcode = rcode,
                             .records = records,
                             .took_us = 1250};
    assert_int_equal(text_read_name(&ask.name, "vpce-1-a.example"), ERR_OK);
    return ask;
}

static struct doctor_ask failure(enum err err)
{
    struct doctor_ask ask = answer(0, 0);
    ask.answered = false;
    ask.err = err;
    return ask;
}

static void judge(struct findings *findings, struct doctor_ask udp, struct doctor_ask tcp)
{
    tcp.tcp = true;
    doctor_judge_server(findings, "cluster.local", &udp, &tcp);
}

static void a_server_that_answers_is_told_with_its_times(void **state)
{
    judge(*state, answer(RCODE_NOERROR, 1), answer(RCODE_NOERROR, 1));
    assert_only(*state, FINDING_OK, "upstream",
                "10.0.0.2:53 answers for zone \"cluster.local\": UDP 1.2 ms, TCP 1.2 ms", "");
}

static void a_silent_server_is_told_once_for_both_transports(void **state)
{
    judge(*state, failure(ERR_TIMEOUT), failure(ERR_TIMEOUT));
    assert_only(*state, FINDING_PROBLEM, "upstream", "over UDP and TCP: no answer within 2 s",
                "allow UDP and TCP port 53");
}

static void silence_over_one_transport_is_told_as_that(void **state)
{
    struct findings *findings = *state;
    judge(findings, answer(RCODE_NOERROR, 1), failure(ERR_TIMEOUT));
    assert_only(findings, FINDING_PROBLEM, "upstream", "over TCP, while UDP works", "allow TCP");
    findings->count = 0;
    judge(findings, failure(ERR_TIMEOUT), answer(RCODE_NOERROR, 1));
    assert_only(findings, FINDING_PROBLEM, "upstream", "over UDP, while TCP works", "allow UDP");
}

static void a_closed_port_is_no_matter_of_security_groups(void **state)
{
    judge(*state, failure(ERR_REFUSED), failure(ERR_REFUSED));
    assert_only(*state, FINDING_PROBLEM, "upstream", "over UDP and TCP", "nobody listens there");
}

static void where_no_route_leads_the_route_is_to_be_looked_at(void **state)
{
    judge(*state, failure(ERR_UNREACHABLE), failure(ERR_UNREACHABLE));
    assert_only(*state, FINDING_PROBLEM, "upstream", "over UDP and TCP: not reachable",
                "ip route get");
}

static void a_server_that_refuses_does_not_serve_the_zone(void **state)
{
    judge(*state, answer(RCODE_REFUSED, 0), answer(RCODE_REFUSED, 0));
    assert_only(*state, FINDING_PROBLEM, "upstream", "answers REFUSED", "allow the node there");
}

static void a_server_that_fails_is_a_problem(void **state)
{
    judge(*state, answer(RCODE_SERVFAIL, 0), answer(RCODE_SERVFAIL, 0));
    assert_only(*state, FINDING_PROBLEM, "upstream", "answers SERVFAIL", "ask its log");
}

static void a_zone_that_does_not_exist_is_a_note(void **state)
{
    judge(*state, answer(RCODE_NXDOMAIN, 0), answer(RCODE_NXDOMAIN, 0));
    assert_only(*state, FINDING_NOTE, "upstream", "does not exist", "");
}

/* --- targets --- */

static bool judge_target(struct findings *findings, bool optional, struct doctor_ask v4,
                         struct doctor_ask v6)
{
    struct doctor_target target = {"sts.eu-west-1", optional};
    return doctor_judge_target(findings, &target, &v4, &v6);
}

static void an_address_of_either_family_is_enough(void **state)
{
    struct findings *findings = *state;
    assert_true(judge_target(findings, false, answer(0, 1), answer(0, 0)));
    assert_true(judge_target(findings, false, failure(ERR_TIMEOUT), answer(0, 1)));
    assert_int_equal(findings->count, 0);
}

static void a_target_that_does_not_exist_is_a_problem(void **state)
{
    assert_false(judge_target(*state, false, answer(RCODE_NXDOMAIN, 0), answer(RCODE_NXDOMAIN, 0)));
    assert_only(*state, FINDING_PROBLEM, "endpoint",
                "endpoint sts.eu-west-1: target vpce-1-a.example has no address: 10.0.0.2:53 says "
                "NXDOMAIN",
                "describe-vpc-endpoints");
}

static void a_target_without_records_is_a_problem(void **state)
{
    assert_false(judge_target(*state, false, answer(0, 0), answer(0, 0)));
    assert_only(*state, FINDING_PROBLEM, "endpoint", "says that it has none", "addresses:");
}

static void an_optional_endpoint_may_be_without(void **state)
{
    assert_false(judge_target(*state, true, failure(ERR_TIMEOUT), failure(ERR_TIMEOUT)));
    assert_only(*state, FINDING_NOTE, "endpoint", "no answer within 2 s", "addresses:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FINDINGS_TEST(a_server_that_answers_is_told_with_its_times),
        FINDINGS_TEST(a_silent_server_is_told_once_for_both_transports),
        FINDINGS_TEST(silence_over_one_transport_is_told_as_that),
        FINDINGS_TEST(a_closed_port_is_no_matter_of_security_groups),
        FINDINGS_TEST(where_no_route_leads_the_route_is_to_be_looked_at),
        FINDINGS_TEST(a_server_that_refuses_does_not_serve_the_zone),
        FINDINGS_TEST(a_server_that_fails_is_a_problem),
        FINDINGS_TEST(a_zone_that_does_not_exist_is_a_note),
        FINDINGS_TEST(an_address_of_either_family_is_enough),
        FINDINGS_TEST(a_target_that_does_not_exist_is_a_problem),
        FINDINGS_TEST(a_target_without_records_is_a_problem),
        FINDINGS_TEST(an_optional_endpoint_may_be_without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
