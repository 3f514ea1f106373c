/* Private zones of Route 53 as configuration and master file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ldns/ldns.h>

#include "local53/aws/import.h"

#define GOLDEN "tests/unit/aws/golden/"
#define V1 "vpce-0a1.x.vpce.amazonaws.com"
#define V2 "vpce-0a2.x.vpce.amazonaws.com"

/* Record sets in short. */
#define SOA                                                                                        \
    "{\"Name\":\"z.example.\",\"Type\":\"SOA\",\"TTL\":900,\"ResourceRecords\":[{\"Value\":"       \
    "\"ns.aws. root.aws. 1 7200 900 1209600 86400\"}]}"
#define SET(name, type, more) "{\"Name\":\"" name "\",\"Type\":\"" type "\"," more "}"
#define VALUE(text) "\"TTL\":60,\"ResourceRecords\":[{\"Value\":\"" text "\"}]"
#define ALIAS(target)                                                                              \
    "\"AliasTarget\":{\"HostedZoneId\":\"Z1\",\"DNSName\":\"" target                               \
    "\",\"EvaluateTargetHealth\":false}"
#define SETS(list) "{\"ResourceRecordSets\":[" list "]}"

/* What came out of one import; texts are owned. */
struct made {
    enum err err;
    struct import_problem problem;
    char *yaml;
    char *master;
};

static void import(struct made *made, const struct import_route53 *from)
{
    size_t len;
    FILE *yaml = open_memstream(&made->yaml, &len);
    FILE *master = open_memstream(&made->master, &len);

    assert_non_null(yaml);
    assert_non_null(master);
    made->problem.text[0] = '\0';
    made->err = import_route53(yaml, master, from, &made->problem);
    fclose(yaml);
    fclose(master);
}

/* Imports a text, with a place for the master file. */
static struct made made_of(const char *json)
{
    struct import_route53 from = {.records = {"f.json", json, strlen(json)}, .file = "z.zone"};
    struct made made;

    import(&made, &from);
    return made;
}

static void made_deinit(struct made *made)
{
    free(made->yaml);
    free(made->master);
}

static void assert_refused(const char *json, const char *problem)
{
    struct made made = made_of(json);

    assert_string_equal(made.problem.text, problem);
    assert_int_equal(made.err, ERR_INVALID);
    assert_string_equal(made.yaml, "");
    assert_string_equal(made.master, "");
    made_deinit(&made);
}

static void assert_holds(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("wanted\n%s\nfound\n%s", part, text);
}

/* The master file of sets beside an SOA has that part. */
static void assert_master(const char *json, const char *part)
{
    struct made made = made_of(json);

    assert_int_equal(made.err, ERR_OK);
    assert_holds(made.master, part);
    made_deinit(&made);
}

static void assert_yaml(const char *json, const char *part)
{
    struct made made = made_of(json);

    assert_int_equal(made.err, ERR_OK);
    assert_holds(made.yaml, part);
    made_deinit(&made);
}

/* ---- Golden files -------------------------------------------------------------------------------- */

/* A file of the golden folder; owned by the caller. */
static char *golden(const char *name)
{
    char path[128];
    char *text = NULL;
    size_t size = 0;
    FILE *file;

    snprintf(path, sizeof(path), GOLDEN "%s", name);
    file = fopen(path, "rb");
    assert_non_null(file);
    assert_true(getdelim(&text, &size, '\0', file) > 0);
    fclose(file);
    return text;
}

static void assert_golden(const char *text, const char *name)
{
    char *expected = golden(name);

    assert_string_equal(text, expected);
    free(expected);
}

static struct made made_of_golden(const char *name, const char *file)
{
    char *json = golden(name);
    struct import_route53 from = {.records = {name, json, strlen(json)}, .file = file};
    struct made made;

    import(&made, &from);
    assert_int_equal(made.err, ERR_OK);
    free(json);
    return made;
}

static void a_zone_of_vpc_endpoints_becomes_endpoints_and_no_zone(void **state)
{
    struct made made = made_of_golden("route53-ecr.json", NULL);

    (void)state;
    assert_golden(made.yaml, "route53-ecr.yaml");
    assert_string_equal(made.master, "");
    made_deinit(&made);
    made = made_of_golden("route53-s3.json", "s3.zone");
    assert_golden(made.yaml, "route53-s3.yaml");
    assert_string_equal(made.master, "");
    made_deinit(&made);
}

static void a_zone_with_records_becomes_a_zone_with_its_master_file(void **state)
{
    struct made made = made_of_golden("route53-corp.json", "corp.internal.zone");

    (void)state;
    assert_golden(made.yaml, "route53-corp.yaml");
    assert_golden(made.master, "route53-corp.zone");
    assert_string_equal(made.problem.text, "1 endpoint, 5 aliases and 29 records of a zone, "
                                           "2 left out (see the comments)");
    made_deinit(&made);
}

/* ---- Round trip ---------------------------------------------------------------------------------- */

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* What Route 53 answers from the zone of route53-corp.json, aliases of AWS names and left-out sets aside. */
static const char *const CORP[] = {
    "corp.internal. 900 SOA ns-1536.awsdns-00.co.uk. awsdns-hostmaster.amazon.com. 1 7200 900 "
    "1209600 86400",
    "corp.internal. 300 CAA 0 issue \";\"",
    "corp.internal. 300 CAA 0 iodef \"mailto:security@corp.example\"",
    "corp.internal. 300 MX 10 mx1.corp.internal.",
    "corp.internal. 300 MX 20 mx2.corp.internal.",
    "corp.internal. 172800 NS ns-1536.awsdns-00.co.uk.",
    "corp.internal. 172800 NS ns-0.awsdns-00.com.",
    "corp.internal. 172800 NS ns-1024.awsdns-00.org.",
    "corp.internal. 172800 NS ns-512.awsdns-00.net.",
    "corp.internal. 300 TXT \"v=spf1 -all\" \"second; string\"",
    "corp.internal. 300 TXT \"it is \\\"quoted\\\" and \\\\ and \\195\\164\"",
    "corp.internal. 300 SPF \"v=spf1 -all\"",
    "one.apps.corp.internal. 300 A 10.1.0.1",
    "signed.corp.internal. 300 TXT \"kept beside the alias\"",
    "copy.corp.internal. 60 A 10.1.2.3",
    "copy2.corp.internal. 60 A 10.1.2.3",
    "db.corp.internal. 60 A 10.1.2.3",
    "db.corp.internal. 60 AAAA fd00:ec2::10",
    "_db._tcp.corp.internal. 300 SRV 0 5 5432 db.corp.internal.",
    "blue-green.corp.internal. 30 A 10.2.0.1",
    "blue-green.corp.internal. 30 A 10.2.0.2",
    "canary.corp.internal. 300 CNAME new.corp.internal.",
    "many.corp.internal. 300 A 10.3.0.1",
    "many.corp.internal. 300 A 10.3.0.2",
    "ha.corp.internal. 300 A 10.4.0.1",
    "near.corp.internal. 300 A 10.5.0.1",
    "geo.corp.internal. 300 A 10.6.0.2",
    "net.corp.internal. 300 A 10.7.0.2",
    "prox.corp.internal. 300 A 10.8.0.1",
    "sip.corp.internal. 300 NAPTR 100 10 \"U\" \"E2U+sip\" "
    "\"!^.*$!sip:info@corp.internal!\" .",
    "svc.corp.internal. 300 HTTPS 1 . alpn=h2,h3 port=8443",
    "_dns.resolver.corp.internal. 300 SVCB 1 dns.corp.internal. alpn=dot",
    "key.corp.internal. 300 DS 12345 13 2 " DIGEST,
    "host.corp.internal. 300 SSHFP 4 2 " DIGEST,
    "_443._tcp.corp.internal. 300 TLSA 3 1 1 " DIGEST,
    "ptr.corp.internal. 300 PTR db.corp.internal.",
    "strange\\@\\;.corp.internal. 300 A 10.9.0.1",
    "*.wild.corp.internal. 300 A 10.9.0.2",
    "www.corp.internal. 300 CNAME app.corp.internal.",
};
#define CORP_COUNT (sizeof(CORP) / sizeof(CORP[0]))

/* The records of a zone with its SOA among them; owned by the caller. */
static ldns_rr_list *records_of(char *master)
{
    FILE *file = fmemopen(master, strlen(master), "r");
    ldns_zone *zone = NULL;
    ldns_rr_list *records;

    assert_non_null(file);
    assert_int_equal(ldns_zone_new_frm_fp(&zone, file, NULL, 0, LDNS_RR_CLASS_IN), LDNS_STATUS_OK);
    records = ldns_rr_list_clone(ldns_zone_rrs(zone));
    ldns_rr_list_push_rr(records, ldns_rr_clone(ldns_zone_soa(zone)));
    ldns_zone_deep_free(zone);
    fclose(file);
    return records;
}

static bool has_record(const ldns_rr_list *records, const ldns_rr *wanted)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(records); i++) {
        const ldns_rr *record = ldns_rr_list_rr(records, i);

        if (ldns_rr_compare(record, wanted) == 0 && ldns_rr_ttl(record) == ldns_rr_ttl(wanted))
            return true;
    }
    return false;
}

static void ldns_reads_every_record_of_the_zone_in_the_master_file(void **state)
{
    struct made made = made_of_golden("route53-corp.json", "corp.internal.zone");
    ldns_rr_list *records = records_of(made.master);

    (void)state;
    for (size_t i = 0; i < CORP_COUNT; i++) {
        ldns_rr *wanted = NULL;

        assert_int_equal(ldns_rr_new_frm_str(&wanted, CORP[i], 0, NULL, NULL), LDNS_STATUS_OK);
        if (!has_record(records, wanted))
            fail_msg("not there: %s", CORP[i]);
        ldns_rr_free(wanted);
    }
    assert_int_equal(ldns_rr_list_rr_count(records), CORP_COUNT);
    ldns_rr_list_deep_free(records);
    made_deinit(&made);
}

/* ---- Aliases ------------------------------------------------------------------------------------- */

static void aliases_of_one_name_are_one_when_they_are_alike(void **state)
{
    (void)state;
    assert_yaml(SETS(SOA "," SET("a.z.example.", "A", ALIAS(V1)) "," SET("a.z.example.", "AAAA",
                                                                         ALIAS(V1 "."))),
                "endpoints:\n  - names: [a.z.example]\n    target: " V1 "\n");
    assert_refused(SETS(SOA "," SET("a.z.example.", "A", ALIAS(V1)) "," SET("a.z.example.", "AAAA",
                                                                            ALIAS(V2))),
                   "f.json: ResourceRecordSets[1]: a.z.example. A: A and AAAA are aliases of "
                   "different names; they must be alike");
    assert_refused(SETS(SOA "," SET("a.z.example.", "A", ALIAS(V1)) "," SET("a.z.example.", "AAAA",
                                                                            VALUE("fd00::1"))),
                   "f.json: ResourceRecordSets[1]: a.z.example. A: an alias beside addresses at "
                   "one name: A and AAAA must be alike");
}

static void the_name_of_a_vpc_endpoint_is_none_of_the_zone_wherever_it_stands(void **state)
{
    (void)state;
    assert_yaml(SETS(SOA "," SET("a.z.example.", "A", ALIAS("vpce-0a1.z.example"))),
                "  - names: [a.z.example]\n    target: vpce-0a1.z.example\n");
}

static void beside_a_zone_a_wildcard_stays_in_it_and_so_does_a_name_with_other_records(void **state)
{
    struct made made = made_of(SETS(SOA "," SET("\\\\052.z.example.", "A", ALIAS(V1)) "," SET(
        "a.z.example.", "A", ALIAS(V1)) "," SET("b.z.example.", "A",
                                                ALIAS(V1)) "," SET("b.z.example.", "TXT",
                                                                   VALUE("\\\"b\\\""))));

    (void)state;
    assert_holds(made.yaml, "endpoints:\n  - names: [a.z.example]\n    target: " V1 "\n\nzones:\n");
    assert_holds(made.yaml,
                 "    aliases:\n      \"*.z.example\": " V1 "\n      b.z.example: " V1 "\n");
    made_deinit(&made);
}

static void what_an_endpoint_has_below_the_wildcard_of_another_is_excepted_there(void **state)
{
    (void)state;
    assert_yaml(SETS(SOA "," SET("\\\\052.z.example.", "A",
                                 ALIAS(V1)) "," SET("\\\\052.a.z.example.", "A", ALIAS(V2))),
                "    target: " V1 "\n    except:\n      - \"*.a.z.example\"\n  - names");
}

static void a_name_that_no_endpoint_may_have_stays_in_the_zone(void **state)
{
    const char *json = SETS(SET("a.z.local.", "A", ALIAS(V1)));
    struct import_route53 from = {.records = {"f", json, strlen(json)}, .zone = "z.local"};
    struct made made;

    (void)state;
    import(&made, &from);
    assert_int_equal(made.err, ERR_OK);
    assert_holds(made.yaml, "zones:\n  - name: z.local\n    fallthrough: false\n    aliases:\n"
                            "      a.z.local: " V1 "\n");
    assert_string_equal(made.master, "");
    made_deinit(&made);
}

static void an_alias_of_a_record_in_the_zone_is_a_copy_with_its_ttl(void **state)
{
    (void)state;
    assert_master(SETS(SOA "," SET("a.z.example.", "MX", ALIAS("b.z.example")) "," SET(
                      "b.z.example.", "MX", VALUE("10 m.example"))),
                  "\na.z.example. 60 IN MX 10 m.example\n");
}

static void aliases_that_lead_nowhere_are_refused(void **state)
{
    (void)state;
    assert_refused(SETS(SOA "," SET("a.z.example.", "A", ALIAS("b.z.example")) "," SET(
                       "b.z.example.", "A", ALIAS("a.z.example"))),
                   "f.json: ResourceRecordSets[2]: b.z.example. A: an alias of a.z.example, which "
                   "leads back to it");
    assert_refused(SETS(SOA "," SET("a.z.example.", "A", ALIAS("b.z.example")) "," SET(
                       "b.z.example.", "AAAA", VALUE("fd00::1"))),
                   "f.json: ResourceRecordSets[1]: a.z.example. A: an alias of b.z.example, which "
                   "has no record of that type in the zone");
    assert_refused(SETS(SOA "," SET("a.z.example.", "MX", ALIAS("b.example"))),
                   "f.json: ResourceRecordSets[1]: a.z.example. MX: an alias of b.example outside "
                   "the zone; only addresses (A and AAAA) can be had from there");
    assert_refused(SETS(SOA "," SET("a.z.example.", "A", ALIAS("b c.example"))),
                   "f.json: ResourceRecordSets[1]: a.z.example. A: an alias of b\\032c.example, "
                   "which no configuration takes as a target");
    assert_refused(SETS(SOA "," SET("a b.z.example.", "A", ALIAS(V1))),
                   "f.json: ResourceRecordSets[1]: a\\032b.z.example. A: an alias at a name that "
                   "no configuration takes");
}

/* ---- Routing policies ---------------------------------------------------------------------------- */

#define WEIGHTED(id, weight, more) "\"SetIdentifier\":\"" id "\",\"Weight\":" #weight "," more
#define REGION(region, more) "\"SetIdentifier\":\"x\",\"Region\":\"" region "\"," more

static void weights_of_zero_count_when_there_is_nothing_else(void **state)
{
    (void)state;
    assert_master(
        SETS(SOA "," SET("a.z.example.", "A", WEIGHTED("b", 0, VALUE("10.0.0.1"))) "," SET(
            "a.z.example.", "A", WEIGHTED("c", 0, VALUE("10.0.0.2")))),
        "\na.z.example. 60 IN A 10.0.0.1\na.z.example. 60 IN A 10.0.0.2\n");
    assert_master(
        SETS(SOA "," SET("a.z.example.", "A", WEIGHTED("b", 0, VALUE("10.0.0.1"))) "," SET(
            "a.z.example.", "A", WEIGHTED("c", 1, VALUE("10.0.0.2")))),
        "; weighted: in equal shares now: c (weight 1): 10.0.0.2\n"
        "; weighted: left out: b (weight 0): 10.0.0.1\na.z.example. 60 IN A 10.0.0.2\n");
}

static void what_several_sets_have_in_common_is_there_once(void **state)
{
    (void)state;
    assert_master(
        SETS(SOA "," SET("a.z.example.", "A", WEIGHTED("b", 1, VALUE("10.0.0.1"))) "," SET(
            "a.z.example.", "A", WEIGHTED("c", 1, VALUE("10.0.0.1"))) "," SET("b.z.example.", "A",
                                                                              VALUE("10.0.0.2"))),
        "\na.z.example. 60 IN A 10.0.0.1\nb.z.example. ");
}

static void weighted_aliases_are_targets_of_one_endpoint(void **state)
{
    (void)state;
    assert_yaml(SETS(SOA "," SET("a.z.example.", "A", WEIGHTED("b", 1, ALIAS(V1))) "," SET(
                    "a.z.example.", "A", WEIGHTED("c", 2, ALIAS(V2)))),
                "    target: [" V1 ", " V2 "]\n");
    assert_refused(SETS(SOA "," SET("a.z.example.", "A", WEIGHTED("b", 1, ALIAS(V1))) "," SET(
                       "a.z.example.", "A", WEIGHTED("c", 2, VALUE("10.0.0.1")))),
                   "f.json: ResourceRecordSets[1]: a.z.example. A: values beside aliases that lead "
                   "outside the zone: keep one kind");
}

static void sets_by_place_that_differ_are_refused_unless_one_is_for_everybody(void **state)
{
    (void)state;
    assert_refused(
        SETS(SOA "," SET("a.z.example.", "A", REGION("eu-west-1", VALUE("10.0.0.1"))) "," SET(
            "a.z.example.", "A", REGION("us-east-1", VALUE("10.0.0.2")))),
        "f.json: ResourceRecordSets[1]: a.z.example. A: latency sets that differ, and "
        "none is for everybody: keep one of them (eu-west-1: 10.0.0.1; us-east-1: "
        "10.0.0.2)");
    assert_refused(
        SETS(SOA "," SET("a.z.example.", "A", REGION("eu-west-1", VALUE("10.0.0.1"))) "," SET(
            "a.z.example.", "A", WEIGHTED("b", 1, VALUE("10.0.0.2")))),
        "f.json: ResourceRecordSets[2]: a.z.example. A: weighted beside latency sets of "
        "the same name and type");
}

static void records_that_cannot_be_together_are_refused(void **state)
{
    (void)state;
    assert_refused(SETS(SOA "," SET("a.z.example.", "A", VALUE("10.0.0.1")) "," SET(
                       "A.Z.example", "A", VALUE("10.0.0.2"))),
                   "f.json: ResourceRecordSets[2]: a.z.example. A: stands twice, first at [1]");
    assert_refused(SETS(SOA "," SET("a.z.example.", "CNAME",
                                    VALUE("b.example")) "," SET("a.z.example.", "A", ALIAS(V1))),
                   "f.json: ResourceRecordSets[1]: a.z.example. CNAME: beside other records of "
                   "that name, which cannot be (RFC 1034 section 3.6.2)");
}

/* ---- Bad files ----------------------------------------------------------------------------------- */

static void another_shape_is_refused_by_its_place(void **state)
{
    (void)state;
    assert_refused("{}",
                   "f.json: ResourceRecordSets: found nothing, expected a list of record sets");
    assert_refused("[]", "f.json: found a list, expected an object: what aws prints without "
                         "--query");
    assert_refused(SETS("{\"Type\":\"A\"}"),
                   "f.json: ResourceRecordSets[0].Name: found nothing, expected text");
    assert_refused(SETS(SET("a..b", "A", VALUE("10.0.0.1"))),
                   "f.json: ResourceRecordSets[0].Name: found \"a..b\", expected a domain name");
    assert_refused(SETS(SET("a.b", "NOPE", VALUE("10.0.0.1"))),
                   "f.json: ResourceRecordSets[0].Type: found \"NOPE\", expected a type of records "
                   "(A, TXT, ...)");
    assert_refused(SETS(SET("a.b", "A", "\"TTL\":5")),
                   "f.json: ResourceRecordSets[0].ResourceRecords: found 0 records, expected 1 to "
                   "1000, or an AliasTarget");
    assert_refused(
        SETS(SET("a.b", "A", "\"ResourceRecords\":[{\"Value\":\"10.0.0.1\"}]")),
        "f.json: ResourceRecordSets[0].TTL: found nothing, expected seconds, 0 to 2147483647");
    assert_refused(
        SETS(SET("a.b", "A", "\"TTL\":-1,\"ResourceRecords\":[{\"Value\":\"::\"}]")),
        "f.json: ResourceRecordSets[0].TTL: found -1, expected seconds, 0 to 2147483647");
    assert_refused("{\"ResourceRecordSets\":[],\"NextToken\":\"x\"}",
                   "f.json: NextToken: the list is a part of the zone only; list it without "
                   "--max-items and --no-paginate");
    assert_refused("{\"ResourceRecordSets\":[],\"IsTruncated\":true}",
                   "f.json: IsTruncated: the list is a part of the zone only; list it without "
                   "--max-items and --no-paginate");
}

static void the_zone_is_told_by_its_soa_or_by_the_caller(void **state)
{
    const char *json = SETS(SET("a.b.example.", "A", VALUE("10.0.0.1")));
    struct import_route53 from = {
        .records = {"f", json, strlen(json)}, .zone = "b.example", .file = "it is: mine"};
    struct made made;

    (void)state;
    assert_refused(json,
                   "f.json: ResourceRecordSets: no SOA record tells the name of the zone; tell "
                   "it with --zone");
    import(&made, &from);
    assert_int_equal(made.err, ERR_OK);
    assert_holds(made.yaml, "zones:\n  - name: b.example\n    file: \"it is: mine\"\n");
    made_deinit(&made);
    from.zone = "c.example";
    import(&made, &from);
    assert_string_equal(made.problem.text, "f: ResourceRecordSets[0]: a.b.example. A: not in the "
                                           "zone c.example; a file holds one zone");
    made_deinit(&made);
}

static void records_need_a_master_file(void **state)
{
    const char *json = SETS(SOA "," SET("a.z.example.", "A", VALUE("10.0.0.1")));
    struct import_route53 from = {.records = {"f", json, strlen(json)}};
    struct made made;

    (void)state;
    import(&made, &from);
    assert_int_equal(made.err, ERR_INVALID);
    assert_string_equal(made.problem.text,
                        "f: ResourceRecordSets[1]: a.z.example. A: a record needs "
                        "a master file; say where to write it with --zone-file");
    made_deinit(&made);
}

static void an_empty_zone_makes_nothing(void **state)
{
    struct made made = made_of(SETS(SOA));

    (void)state;
    assert_int_equal(made.err, ERR_NOT_FOUND);
    assert_string_equal(made.problem.text, "f.json: ResourceRecordSets: nothing but SOA and NS "
                                           "records: an empty zone, or another one");
    assert_string_equal(made.yaml, "");
    made_deinit(&made);
}

static void a_value_cannot_leave_its_line(void **state)
{
    (void)state;
    assert_master(SETS(SOA "," SET("a.z.example.", "CNAME", VALUE("b;c(d)@e$.example"))),
                  "\na.z.example. 60 IN CNAME b\\059c\\040d\\041\\064e\\036.example\n");
    assert_master(SETS(SOA "," SET("a.z.example.", "TXT", VALUE("\\\"\xc3\xa4\\\""))),
                  " IN TXT \"\\195\\164\"\n");
    assert_refused(SETS(SOA "," SET("a.z.example.", "TXT", VALUE("\\\"a\\nb\\\""))),
                   "f.json: ResourceRecordSets[1].ResourceRecords[0].Value: found \"\"a?b\"\", "
                   "expected text without control characters");
    assert_refused(
        SETS(SOA "," SET("a.z.example.", "TXT", VALUE("\\\"a"))),
        "f.json: ResourceRecordSets[1].ResourceRecords[0].Value: found \"\"a\", which is "
        "no value of such a record: expected quotes in pairs, and octal escapes");
    assert_refused(
        SETS(SOA "," SET("a.z.example.", "TXT", VALUE("\\\"\\\\999\\\""))),
        "f.json: ResourceRecordSets[1].ResourceRecords[0].Value: found \"\"\\999\"\", "
        "which is no value of such a record: expected quotes in pairs, and octal escapes");
}

static void a_value_that_its_type_does_not_have_is_refused(void **state)
{
    (void)state;
    assert_refused(
        SETS(SOA "," SET("a.z.example.", "A", VALUE("10.0.0"))),
        "f.json: ResourceRecordSets[1].ResourceRecords[0].Value: found \"10.0.0\", which "
        "is no value of such a record: A: could not parse the RR's rdata: \"10.0.0\"");
}

/* 1001 aliases of as many VPC endpoints, or of one. */
static char *many_aliases(bool alike)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    fprintf(out, "{\"ResourceRecordSets\":[" SOA);
    for (int i = 0; i <= 1000; i++)
        fprintf(out,
                ",{\"Name\":\"n%d.z.example\",\"Type\":\"A\",\"AliasTarget\":{\"DNSName\":"
                "\"vpce-%d.aws\"}}",
                i, alike ? 0 : i);
    fputs("]}", out);
    fclose(out);
    return text;
}

static void what_a_configuration_does_not_take_is_not_made(void **state)
{
    char *json = many_aliases(false);

    (void)state;
    assert_refused(json, "f.json: ResourceRecordSets: 1001 VPC endpoints and 0 other aliases; a "
                         "configuration takes at most 1000 and 10000");
    free(json);
    json = many_aliases(true);
    assert_yaml(json, "      - n999.z.example\n    target: vpce-0.aws\n"
                      "  - names: [n1000.z.example]\n    target: vpce-0.aws\n");
    free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zone_of_vpc_endpoints_becomes_endpoints_and_no_zone),
        cmocka_unit_test(a_zone_with_records_becomes_a_zone_with_its_master_file),
        cmocka_unit_test(ldns_reads_every_record_of_the_zone_in_the_master_file),
        cmocka_unit_test(aliases_of_one_name_are_one_when_they_are_alike),
        cmocka_unit_test(the_name_of_a_vpc_endpoint_is_none_of_the_zone_wherever_it_stands),
        cmocka_unit_test(
            beside_a_zone_a_wildcard_stays_in_it_and_so_does_a_name_with_other_records),
        cmocka_unit_test(what_an_endpoint_has_below_the_wildcard_of_another_is_excepted_there),
        cmocka_unit_test(a_name_that_no_endpoint_may_have_stays_in_the_zone),
        cmocka_unit_test(an_alias_of_a_record_in_the_zone_is_a_copy_with_its_ttl),
        cmocka_unit_test(aliases_that_lead_nowhere_are_refused),
        cmocka_unit_test(weights_of_zero_count_when_there_is_nothing_else),
        cmocka_unit_test(what_several_sets_have_in_common_is_there_once),
        cmocka_unit_test(weighted_aliases_are_targets_of_one_endpoint),
        cmocka_unit_test(sets_by_place_that_differ_are_refused_unless_one_is_for_everybody),
        cmocka_unit_test(records_that_cannot_be_together_are_refused),
        cmocka_unit_test(another_shape_is_refused_by_its_place),
        cmocka_unit_test(the_zone_is_told_by_its_soa_or_by_the_caller),
        cmocka_unit_test(records_need_a_master_file),
        cmocka_unit_test(an_empty_zone_makes_nothing),
        cmocka_unit_test(a_value_cannot_leave_its_line),
        cmocka_unit_test(a_value_that_its_type_does_not_have_is_refused),
        cmocka_unit_test(what_a_configuration_does_not_take_is_not_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
