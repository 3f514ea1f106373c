/* What the names of a private zone get without an upstream: records, addresses of aliases, CNAMEs within the
 * zone and to other names that are ours, NODATA and NXDOMAIN. Both workers answer alike. */
#include "zone_scene.h"

static const char RECORDS[] = "www A 10.1.0.1\nwww A 10.1.0.2\nwww AAAA fd00::1\n"
                              "txt 60 TXT \"hello\"\ntxt 60 TXT \"there\"\n"
                              "*.apps A 10.1.0.9\nown.apps TXT \"own\"\n"
                              "deep.empty A 10.1.0.8\n"
                              "link 40 CNAME www\n*.links CNAME www\ngone CNAME nope\n"
                              "ecr CNAME api.ecr.eu-west-1.amazonaws.com.\n"
                              "ec2 CNAME ec2.eu-west-1.amazonaws.com.\n"
                              "lo CNAME localhost.\nbad CNAME www.invalid.\nto-alias CNAME api\n"
                              "round CNAME about\nabout CNAME round\n"
                              "l1 CNAME l2\nl2 CNAME l3\nl3 CNAME l4\nl4 CNAME l5\nl5 CNAME l6\n"
                              "l6 CNAME l7\nl7 CNAME l8\nl8 CNAME l9\nl9 A 10.1.0.99\nl0 CNAME l1\n"
                              "api TXT \"beside the alias\"\n";
static const char KEYS[] = ", aliases: {api.corp.internal: vpce-0a.example.vpce.amazonaws.com, "
                           "bare.corp.internal: vpce-0b.example.vpce.amazonaws.com}";
static const char REST[] =
    "  - {name: nofile.internal, aliases: {x.nofile.internal: "
    "vpce-0c.example.vpce.amazonaws.com}}\n"
    "endpoints:\n"
    "  - {names: [api.ecr.eu-west-1.amazonaws.com], addresses: [10.40.1.11]}\n"
    "  - {names: [ec2.eu-west-1.amazonaws.com], target: vpce-0d.ec2.vpce.amazonaws.com}\n"
    "forward:\n"
    "  - {zone: ., servers: [10.0.0.2]}\n";

/* Endpoints of the rules: the configuration's, then the aliases. */
enum { ENDPOINT_ECR, ENDPOINT_EC2, ALIAS_API, ALIAS_BARE };

static struct stage stage;
static struct zone_scene scene;
static struct zone_plan plan = {{&stage, 2, scene.yaml}, &scene, RECORDS, KEYS, REST};

/* A question of a worker and what it hears at once; nothing leaves. */
static void expect(size_t worker, const char *rcode, const char *name, const char *type,
                   const char *records)
{
    char question[256];
    snprintf(question, sizeof(question), "%s %s", name, type);
    EXPECT_ANSWER(&stage, worker, question, zone_scene_reply(&scene, rcode, name, type, records));
    EXPECT_NO_QUERY(&stage);
}

static void expect_nodata(const char *name, const char *type)
{
    expect(0, "NOERROR", name, type, "auth " CORP_SOA);
}

/* SERVFAIL with this extended error. */
static void expect_failure(const char *name, unsigned ede)
{
    char question[128];
    char expected[256];
    snprintf(question, sizeof(question), "%s A edns=1232", name);
    snprintf(expected, sizeof(expected), "SERVFAIL rd ra\n? %s. IN A\nedns 1232 ede=%u\n", name,
             ede);
    EXPECT_ANSWER(&stage, 0, question, expected);
    EXPECT_NO_QUERY(&stage);
}

/* --- names and types --- */

static void a_name_has_its_records_and_addresses_rotate(void **state)
{
    static const char one[] = "WWW.corp.internal. 300 IN A 10.1.0.1\n";
    static const char two[] = "WWW.corp.internal. 300 IN A 10.1.0.2\n";
    char records[256];
    (void)state;
    snprintf(records, sizeof(records), "%s%s", one, two);
    expect(0, "NOERROR", "WWW.corp.internal", "A", records);
    expect(1, "NOERROR", "WWW.corp.internal", "A", records);
    snprintf(records, sizeof(records), "%s%s", two, one);
    expect(0, "NOERROR", "WWW.corp.internal", "A", records);
    expect(0, "NOERROR", "www.corp.internal", "AAAA", "www.corp.internal. 300 IN AAAA fd00::1\n");
    assert_int_equal(stage_count(&stage, METRICS_ANSWERS, METRICS_SOURCE_ZONE), 4);
}

static void records_other_than_addresses_keep_their_order(void **state)
{
    static const char records[] =
        "txt.corp.internal. 60 IN TXT \"hello\"\ntxt.corp.internal. 60 IN TXT \"there\"\n";
    (void)state;
    for (int i = 0; i < 3; i++)
        expect(0, "NOERROR", "txt.corp.internal", "TXT", records);
}

/* RFC 2308 sections 2.1 and 2.2. */
static void a_type_without_records_is_nodata_and_a_name_without_is_nxdomain(void **state)
{
    (void)state;
    expect_nodata("www.corp.internal", "TXT");
    expect_nodata("www.corp.internal", "CNAME");
    expect_nodata("corp.internal", "A");
    expect(1, "NXDOMAIN", "nope.corp.internal", "A", "auth " CORP_SOA);
    expect(0, "NXDOMAIN", "a.www.corp.internal", "ANY", "auth " CORP_SOA);
}

/* RFC 4592 sections 2.2.2 and 3.3.1. */
static void an_empty_non_terminal_exists(void **state)
{
    (void)state;
    expect_nodata("empty.corp.internal", "A");
    expect_nodata("apps.corp.internal", "A");
    expect(0, "NXDOMAIN", "x.empty.corp.internal", "A", "auth " CORP_SOA);
}

static void a_wildcard_stands_for_names_that_do_not_exist(void **state)
{
    (void)state;
    expect(0, "NOERROR", "A.b.apps.corp.internal", "A",
           "A.b.apps.corp.internal. 300 IN A 10.1.0.9\n");
    expect_nodata("a.apps.corp.internal", "AAAA");
    expect_nodata("own.apps.corp.internal", "A");
}

static void the_soa_and_ns_are_told_at_the_apex_alone(void **state)
{
    (void)state;
    expect(0, "NOERROR", "corp.internal", "SOA", CORP_SOA_ASKED);
    expect(0, "NOERROR", "corp.internal", "NS", "corp.internal. 300 IN NS ns.corp.internal.\n");
    expect_nodata("www.corp.internal", "SOA");
    expect(0, "NOERROR", "nofile.internal", "SOA", "nofile.internal." OWN_SOA);
    expect(0, "NOERROR", "nofile.internal", "ANY", "nofile.internal." OWN_SOA);
    expect(0, "NXDOMAIN", "y.nofile.internal", "A", "auth nofile.internal." OWN_SOA);
}

/* RFC 8482 section 4.1. */
static void any_gets_one_rrset(void **state)
{
    (void)state;
    expect(0, "NOERROR", "txt.corp.internal", "ANY",
           "txt.corp.internal. 60 IN TXT \"hello\"\ntxt.corp.internal. 60 IN TXT \"there\"\n");
    expect(0, "NOERROR", "link.corp.internal", "ANY",
           "link.corp.internal. 40 IN CNAME www.corp.internal.\n");
    expect_nodata("empty.corp.internal", "ANY");
}

static void other_classes_are_refused(void **state)
{
    (void)state;
    EXPECT_ANSWER(&stage, 0, "www.corp.internal TXT CH",
                  "REFUSED rd ra\n? www.corp.internal. CH TXT\n");
    EXPECT_NO_QUERY(&stage);
}

static void a_client_without_rd_or_with_do_is_answered_alike(void **state)
{
    (void)state;
    EXPECT_ANSWER(&stage, 0, "own.apps.corp.internal TXT -rd edns=1232 do",
                  "NOERROR ra\n? own.apps.corp.internal. IN TXT\n"
                  "own.apps.corp.internal. 300 IN TXT \"own\"\nedns 1232 do\n");
}

/* --- aliases --- */

static void an_alias_has_the_addresses_of_its_target_and_the_zones_other_records(void **state)
{
    (void)state;
    stage_set_addresses(&stage, ALIAS_API, "10.50.0.1 10.50.0.2", 20);
    expect(0, "NOERROR", "api.corp.internal", "A",
           "api.corp.internal. 20 IN A 10.50.0.1\napi.corp.internal. 20 IN A 10.50.0.2\n");
    expect(0, "NOERROR", "api.corp.internal", "ANY",
           "api.corp.internal. 20 IN A 10.50.0.2\napi.corp.internal. 20 IN A 10.50.0.1\n");
    expect_nodata("api.corp.internal", "AAAA");
    expect_nodata("api.corp.internal", "HTTPS");
    expect(0, "NOERROR", "api.corp.internal", "TXT",
           "api.corp.internal. 300 IN TXT \"beside the alias\"\n");
    assert_int_equal(
        stage_count(&stage, METRICS_ENDPOINT_ANSWERS, stage.snapshot->endpoint_slots[ALIAS_API]),
        2);
}

static void an_alias_without_known_addresses_is_servfail(void **state)
{
    (void)state;
    expect_failure("api.corp.internal", EDE_NOT_READY);
    expect_failure("to-alias.corp.internal", EDE_NOT_READY);
    expect_nodata("bare.corp.internal", "TXT");
}

static void a_cname_to_an_alias_has_its_addresses(void **state)
{
    (void)state;
    stage_set_addresses(&stage, ALIAS_API, "fd00::5", 0);
    expect(0, "NOERROR", "to-alias.corp.internal", "AAAA",
           "to-alias.corp.internal. 300 IN CNAME api.corp.internal.\n"
           "api.corp.internal. 60 IN AAAA fd00::5\n");
    expect(0, "NOERROR", "to-alias.corp.internal", "A",
           "to-alias.corp.internal. 300 IN CNAME api.corp.internal.\nauth " CORP_SOA);
}

/* --- CNAMEs --- */

static void a_cname_within_the_zone_is_followed(void **state)
{
    (void)state;
    expect(0, "NOERROR", "Link.corp.internal", "A",
           "Link.corp.internal. 40 IN CNAME www.corp.internal.\n"
           "www.corp.internal. 300 IN A 10.1.0.1\nwww.corp.internal. 300 IN A 10.1.0.2\n");
    expect(0, "NOERROR", "x.links.corp.internal", "AAAA",
           "x.links.corp.internal. 300 IN CNAME www.corp.internal.\n"
           "www.corp.internal. 300 IN AAAA fd00::1\n");
    expect(0, "NOERROR", "link.corp.internal", "CNAME",
           "link.corp.internal. 40 IN CNAME www.corp.internal.\n");
    expect(0, "NOERROR", "link.corp.internal", "TXT",
           "link.corp.internal. 40 IN CNAME www.corp.internal.\nauth " CORP_SOA);
}

/* RFC 6604 section 3: the rcode is that of the last name. */
static void a_cname_to_a_name_that_does_not_exist_is_nxdomain(void **state)
{
    (void)state;
    expect(0, "NXDOMAIN", "gone.corp.internal", "A",
           "gone.corp.internal. 300 IN CNAME nope.corp.internal.\nauth " CORP_SOA);
}

static void a_cname_to_an_endpoint_has_its_addresses(void **state)
{
    static const char link[] = "ecr.corp.internal. 300 IN CNAME api.ecr.eu-west-1.amazonaws.com.\n";
    char records[512];
    (void)state;
    snprintf(records, sizeof(records), "%sapi.ecr.eu-west-1.amazonaws.com. 60 IN A 10.40.1.11\n",
             link);
    expect(1, "NOERROR", "ecr.corp.internal", "A", records);
    snprintf(records, sizeof(records), "%sauth api.ecr.eu-west-1.amazonaws.com." OWN_SOA, link);
    expect(1, "NOERROR", "ecr.corp.internal", "AAAA", records);
    expect_failure("ec2.corp.internal", EDE_NOT_READY);
    assert_int_equal(
        stage_count(&stage, METRICS_ENDPOINT_ANSWERS, stage.snapshot->endpoint_slots[ENDPOINT_ECR]),
        2);
}

static void a_cname_to_a_special_name_gets_what_that_gets(void **state)
{
    (void)state;
    expect(0, "NOERROR", "lo.corp.internal", "A",
           "lo.corp.internal. 300 IN CNAME localhost.\nlocalhost. 600 IN A 127.0.0.1\n");
    expect(0, "NXDOMAIN", "bad.corp.internal", "A",
           "bad.corp.internal. 300 IN CNAME www.invalid.\nauth invalid." OWN_SOA);
}

static void eight_links_are_followed_and_nine_or_a_loop_are_servfail(void **state)
{
    (void)state;
    stage_expect_start(stage_lookup(&stage, 0, "l1.corp.internal A"), "NOERROR rd ra\n");
    assert_non_null(strstr(stage.text, "\nl8.corp.internal. 300 IN CNAME l9.corp.internal.\n"
                                       "l9.corp.internal. 300 IN A 10.1.0.99\n"));
    expect_failure("l0.corp.internal", EDE_OTHER);
    expect_failure("round.corp.internal", EDE_OTHER);
    assert_int_equal(stage_count(&stage, METRICS_ANSWERS, METRICS_SOURCE_ERROR), 2);
}

/* --- sizes, TCP, reload --- */

static void what_is_too_long_is_truncated_over_udp_and_whole_over_tcp(void **state)
{
    char records[8192] = "";
    (void)state;
    for (int i = 0; i < 60; i++)
        snprintf(records + strlen(records), sizeof(records) - strlen(records), "many A 10.2.0.%d\n",
                 i);
    zone_scene_write(&scene, records);
    stage_reload(&stage, zone_scene_yaml(&scene, "", REST));
    expect(0, "NOERROR tc", "many.corp.internal", "A", "");
    uint64_t tcp = stage_connect(&stage);
    stage_tcp_ask(&stage, tcp, "many.corp.internal A");
    stage_expect_start(stage_tcp_reply(&stage, tcp), "NOERROR rd ra\n");
    assert_non_null(strstr(stage.text, "many.corp.internal. 300 IN A 10.2.0.59\n"));
}

static void a_reload_changes_answers_at_once(void **state)
{
    (void)state;
    expect(0, "NXDOMAIN", "new.corp.internal", "A", "auth " CORP_SOA);
    zone_scene_write(&scene, "new A 10.3.0.1\n");
    stage_reload(&stage, zone_scene_yaml(&scene, "", REST));
    expect(0, "NOERROR", "new.corp.internal", "A", "new.corp.internal. 300 IN A 10.3.0.1\n");
    expect(1, "NXDOMAIN", "www.corp.internal", "A", "auth " CORP_SOA);
}

static void names_that_a_zone_does_not_have_may_fall_through(void **state)
{
    (void)state;
    stage_reload(&stage, zone_scene_yaml(&scene, ", fallthrough: true", REST));
    expect_nodata("www.corp.internal", "TXT");
    stage_ask(&stage, 0, "nope.corp.internal A");
    EXPECT_QUERY(&stage, "10.0.0.2 nope.corp.internal. A rd");
    stage_answer(&stage, "NOERROR\nnope.corp.internal. 50 IN CNAME www.corp.internal.\n");
    EXPECT_REPLY(&stage, zone_scene_reply(&scene, "NOERROR", "nope.corp.internal", "A",
                                          "nope.corp.internal. 50 IN CNAME www.corp.internal.\n"
                                          "www.corp.internal. 300 IN A 10.1.0.2\n"
                                          "www.corp.internal. 300 IN A 10.1.0.1\n"));
}

/* --- the group --- */

#define SCENARIO(test) ZONE_TEST(test, &plan)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(a_name_has_its_records_and_addresses_rotate),
        SCENARIO(records_other_than_addresses_keep_their_order),
        SCENARIO(a_type_without_records_is_nodata_and_a_name_without_is_nxdomain),
        SCENARIO(an_empty_non_terminal_exists),
        SCENARIO(a_wildcard_stands_for_names_that_do_not_exist),
        SCENARIO(the_soa_and_ns_are_told_at_the_apex_alone),
        SCENARIO(any_gets_one_rrset),
        SCENARIO(other_classes_are_refused),
        SCENARIO(a_client_without_rd_or_with_do_is_answered_alike),
        SCENARIO(an_alias_has_the_addresses_of_its_target_and_the_zones_other_records),
        SCENARIO(an_alias_without_known_addresses_is_servfail),
        SCENARIO(a_cname_to_an_alias_has_its_addresses),
        SCENARIO(a_cname_within_the_zone_is_followed),
        SCENARIO(a_cname_to_a_name_that_does_not_exist_is_nxdomain),
        SCENARIO(a_cname_to_an_endpoint_has_its_addresses),
        SCENARIO(a_cname_to_a_special_name_gets_what_that_gets),
        SCENARIO(eight_links_are_followed_and_nine_or_a_loop_are_servfail),
        SCENARIO(what_is_too_long_is_truncated_over_udp_and_whole_over_tcp),
        SCENARIO(a_reload_changes_answers_at_once),
        SCENARIO(names_that_a_zone_does_not_have_may_fall_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
