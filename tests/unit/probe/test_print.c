/* A probe's report as people and programs read it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../src/probe/print.h"

#define ROWS_MAX 4

struct trial {
    struct probe_row rows[ROWS_MAX];
    struct probe_plan plan;
    struct pool resolver;
    struct probe_report report;
};

static struct addr addr_of(const char *text)
{
    struct addr addr;
    assert_int_equal(addr_parse(&addr, text, 443), ERR_OK);
    return addr;
}

/* A trial with so many rows, all fine, of one endpoint and a name each. */
static struct trial *trial_of(size_t count)
{
    struct trial *trial = test_calloc(1, sizeof(*trial));
    trial->resolver.servers[trial->resolver.count++] = addr_of("10.0.0.2:53");
    trial->plan = (struct probe_plan){
        .rows = trial->rows, .count = count, .endpoints = 1, .connections = count};
    trial->report = (struct probe_report){.plan = &trial->plan,
                                          .file = "f",
                                          .resolver = &trial->resolver,
                                          .port = 443,
                                          .took_ms = 120};
    for (size_t i = 0; i < count; i++) {
        struct probe_row *row = &trial->rows[i];
        *row = (struct probe_row){
            .endpoint = "sts.eu-west-1", .outcome = PROBE_FINE, .addr = addr_of("10.0.1.5")};
        snprintf(row->name, sizeof(row->name), "n%zu.example", i);
        row->tls = (struct tls_result){.connected = true, .connect_us = 1234, .version = "TLSv1.2"};
        row->tls.name_count = row->tls.name_total = 1;
        snprintf(row->tls.names[0], TLS_NAME_MAX, "n%zu.example", i);
    }
    return trial;
}

static void break_row(struct probe_row *row, enum tls_verdict verdict, bool connected,
                      const char *text)
{
    row->outcome = PROBE_FAILED;
    row->tls.verdict = verdict;
    row->tls.connected = connected;
    snprintf(row->tls.text, TLS_TEXT_MAX, "%s", text);
}

static void fail_by_dns(struct probe_row *row, const char *problem)
{
    *row = (struct probe_row){.endpoint = row->endpoint, .outcome = PROBE_UNRESOLVED};
    snprintf(row->name, sizeof(row->name), "vpce-1-a.example");
    snprintf(row->problem, sizeof(row->problem), "%s", problem);
}

static void assert_printed(const struct trial *trial,
                           void (*print)(FILE *out, const struct probe_report *report),
                           const char *expected)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    print(out, &trial->report);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
}

static void assert_advised(const struct trial *trial, const char *expected)
{
    char advice[PROBE_ADVICE_MAX];
    probe_advise(&trial->report, &trial->rows[0], advice);
    if (strstr(advice, expected) == NULL)
        fail_msg("'%s' is not in '%s'", expected, advice);
}

/* --- the table --- */

static void rows_stand_in_columns_as_wide_as_needed(void **state)
{
    struct trial *trial = trial_of(2);
    (void)state;
    snprintf(trial->rows[1].zone, PROBE_ZONE_MAX, "eu-west-1a");
    trial->rows[1].tls.name_total = 7;
    assert_printed(
        trial, probe_print_table,
        "1 endpoint, 2 connections to port 443; targets asked of 10.0.0.2:53\n\n"
        "ENDPOINT       NAME        ADDRESS   ZONE        CONNECT  TLS         CERTIFICATE\n"
        "sts.eu-west-1  n0.example  10.0.1.5  -           1.2 ms   ok TLSv1.2  n0.example\n"
        "sts.eu-west-1  n1.example  10.0.1.5  eu-west-1a  1.2 ms   ok TLSv1.2  n1.example, +6\n"
        "\nall 2 fine (0.1 s)\n");
    test_free(trial);
}

static void the_same_advice_stands_once(void **state)
{
    struct trial *trial = trial_of(3);
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        break_row(&trial->rows[i], TLS_OTHER, false, "a limit is reached");
        trial->rows[i].tls.name_count = trial->rows[i].tls.name_total = 0;
    }
    assert_printed(trial, probe_print_table,
                   "1 endpoint, 3 connections to port 443; targets asked of 10.0.0.2:53\n\n"
                   "ENDPOINT       NAME        ADDRESS   ZONE  CONNECT  TLS         CERTIFICATE\n"
                   "sts.eu-west-1  n0.example  10.0.1.5  -     -        failed      -\n"
                   "    a limit is reached\n"
                   "sts.eu-west-1  n1.example  10.0.1.5  -     -        failed      -\n"
                   "sts.eu-west-1  n2.example  10.0.1.5  -     1.2 ms   ok TLSv1.2  n2.example\n"
                   "\n2 of 3 failed (0.1 s)\n");
    test_free(trial);
}

static void what_was_left_out_or_given_up_is_told(void **state)
{
    struct trial *trial = trial_of(1);
    (void)state;
    trial->rows[0].outcome = PROBE_UNDONE;
    trial->rows[0].tls = (struct tls_result){.connected = false};
    trial->plan.left_out = 9;
    trial->report.interrupted = true;
    trial->resolver.count = 0;
    assert_printed(
        trial, probe_print_table,
        "1 endpoint, 1 connection to port 443; targets asked of nobody\n"
        "left out: 9 more names and addresses, beyond 1000; give NAMEs to probe these\n\n"
        "ENDPOINT       NAME        ADDRESS   ZONE  CONNECT  TLS       CERTIFICATE\n"
        "sts.eu-west-1  n0.example  10.0.1.5  -     -        not done  -\n"
        "\ninterrupted after 0.1 s: 1 of 1 not done, 0 failed\n");
    test_free(trial);
}

static void fine_undone_and_failed_rows_are_counted(void **state)
{
    struct trial *trial = trial_of(4);
    (void)state;
    trial->rows[0].outcome = PROBE_FINE_BELOW;
    trial->rows[1].outcome = PROBE_UNDONE;
    break_row(&trial->rows[2], TLS_REFUSED, false, "");
    trial->rows[3].outcome = PROBE_NO_ENDPOINT;
    assert_int_equal(probe_failures(&trial->plan), 2);
    assert_int_equal(probe_undone(&trial->plan), 1);
    test_free(trial);
}

/* --- advice --- */

static void connections_that_fail_point_to_the_network(void **state)
{
    struct trial *trial = trial_of(1);
    (void)state;
    trial->report.port = 8443;
    break_row(&trial->rows[0], TLS_TIMED_OUT, false, "");
    assert_advised(trial, "security group must allow TCP 8443");
    break_row(&trial->rows[0], TLS_REFUSED, false, "");
    assert_advised(trial, "nothing listens on port 8443");
    break_row(&trial->rows[0], TLS_UNREACHABLE, false, "");
    assert_advised(trial, "route table");
    break_row(&trial->rows[0], TLS_TIMED_OUT, true, "no answer to TLS");
    assert_advised(trial, "no answer to TLS: a firewall or proxy");
    test_free(trial);
}

static void certificates_that_fail_point_to_whose_they_are(void **state)
{
    struct trial *trial = trial_of(1);
    (void)state;
    break_row(&trial->rows[0], TLS_WRONG_NAME, true, "");
    assert_advised(trial, "the certificate is for n0.example: the target belongs to another");
    trial->rows[0].tls.name_count = 0;
    assert_advised(trial, "no names at all");
    break_row(&trial->rows[0], TLS_EXPIRED, true, "the certificate expired yesterday");
    assert_advised(trial, "expired yesterday: is this machine's clock right?");
    break_row(&trial->rows[0], TLS_UNKNOWN_CA, true, "issuer x");
    assert_advised(trial, "issuer x: a proxy that inspects TLS");
    test_free(trial);
}

static void names_that_do_not_resolve_point_to_the_server(void **state)
{
    struct trial *trial = trial_of(1);
    (void)state;
    fail_by_dns(&trial->rows[0], "NXDOMAIN");
    assert_advised(trial, "10.0.0.2:53 says there is no such name");
    fail_by_dns(&trial->rows[0], "SERVFAIL");
    assert_advised(trial, "10.0.0.2:53 does not answer this name: set aws.resolver");
    fail_by_dns(&trial->rows[0], "timed out");
    assert_advised(trial, "asked 10.0.0.2:53: can it be reached");
    fail_by_dns(&trial->rows[0], "the name has no addresses");
    assert_advised(trial, "in a subnet");
    trial->resolver.count = 0;
    assert_advised(trial, "no server to ask");
    test_free(trial);
}

static void what_is_fine_needs_no_advice(void **state)
{
    struct trial *trial = trial_of(1);
    char advice[PROBE_ADVICE_MAX];
    (void)state;
    assert_string_equal(probe_advise(&trial->report, &trial->rows[0], advice), "");
    trial->rows[0].outcome = PROBE_FINE_BELOW;
    assert_string_equal(probe_advise(&trial->report, &trial->rows[0], advice), "");
    test_free(trial);
}

/* --- JSON --- */

static void json_has_a_row_for_each_and_null_for_what_is_not(void **state)
{
    struct trial *trial = trial_of(2);
    (void)state;
    trial->report.file = "a\"b\\c\n";
    trial->rows[0].tls.handshake_us = 2500;
    fail_by_dns(&trial->rows[1], "SERVFAIL");
    trial->resolver.count = 0;
    assert_printed(
        trial, probe_print_json,
        "{\"file\": \"a\\\"b\\\\c\\u000a\", \"port\": 443, \"resolvers\": [], \"endpoints\": 1, "
        "\"connections\": 2, \"left_out\": 0, \"failed\": 1, \"undone\": 0, \"interrupted\": "
        "false, "
        "\"took_ms\": 120,\n \"rows\": [\n"
        "  {\"endpoint\": \"sts.eu-west-1\", \"name\": \"n0.example\", \"address\": \"10.0.1.5\", "
        "\"zone\": null, \"ok\": true, \"result\": \"ok\", \"tls\": \"TLSv1.2\", \"connect_ms\": "
        "1.234, \"handshake_ms\": 2.500, \"certificate_names\": [\"n0.example\"], "
        "\"certificate_name_count\": 1, \"problem\": null, \"advice\": null},\n"
        "  {\"endpoint\": \"sts.eu-west-1\", \"name\": \"vpce-1-a.example\", \"address\": null, "
        "\"zone\": null, \"ok\": false, \"result\": \"unresolved\", \"tls\": null, \"connect_ms\": "
        "null, \"handshake_ms\": null, \"certificate_names\": [], \"certificate_name_count\": 0, "
        "\"problem\": \"DNS: SERVFAIL\", \"advice\": \"no server to ask for targets: aws.resolver "
        "(else the pool of \\\".\\\") gives none\"}\n ]}\n");
    test_free(trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_stand_in_columns_as_wide_as_needed),
        cmocka_unit_test(the_same_advice_stands_once),
        cmocka_unit_test(what_was_left_out_or_given_up_is_told),
        cmocka_unit_test(fine_undone_and_failed_rows_are_counted),
        cmocka_unit_test(connections_that_fail_point_to_the_network),
        cmocka_unit_test(certificates_that_fail_point_to_whose_they_are),
        cmocka_unit_test(names_that_do_not_resolve_point_to_the_server),
        cmocka_unit_test(what_is_fine_needs_no_advice),
        cmocka_unit_test(json_has_a_row_for_each_and_null_for_what_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
