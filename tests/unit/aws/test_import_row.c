/* One endpoint as read: which of its DNS entries is its own regional name, and where its service is (AWS PrivateLink
 * guide, "Interface endpoint DNS hostnames"). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../../src/aws/import_row.h"
#include "../../../src/aws/import_text.h"

/* A row, and all it lives in. */
struct fixture {
    struct import_problem problem;
    struct json_doc *doc;
    struct arena arena;
    struct import_row row;
};

static void set_up(struct fixture *f, const char *text)
{
    struct import_file file = {"f", text, strlen(text)};
    struct json_at whole;

    *f = (struct fixture){.doc = NULL};
    assert_int_equal(json_open(&f->doc, &file, &f->problem), ERR_OK);
    whole = json_whole(f->doc);
    import_row_read(&f->row, &whole, &f->arena);
    assert_false(json_failed(f->doc));
}

static void tear_down(struct fixture *f)
{
    json_close(f->doc);
    arena_deinit(&f->arena);
}

/* The only endpoint of a text: its id, and its DNS entries. */
#define ENTRY(name) "{\"DnsName\": \"" name "\"}"
#define ENDPOINT(id, entries) "{\"VpcEndpointId\": \"" id "\", \"DnsEntries\": [" entries "]}"

/* DNS entries. */
#define REGIONAL ENTRY("vpce-1-ab.sqs.eu-west-1.vpce.amazonaws.com")
#define ZONAL ENTRY("vpce-1-ab-eu-west-1a.sqs.eu-west-1.vpce.amazonaws.com")
#define PRIVATE ENTRY("sqs.eu-west-1.amazonaws.com")
#define LONGER ENTRY("vpce-123-ab.sqs.eu-west-1.vpce.amazonaws.com")
#define OTHER ENTRY("vpce-99-ab.sqs.eu-west-1.vpce.amazonaws.com")
#define STUDIO ENTRY("vpce-1-ab.studio.eu-west-1.vpce.sagemaker.aws")

static void assert_target(const char *text, const char *expected)
{
    char written[IMPORT_NAME_MAX];
    struct fixture f;

    set_up(&f, text);
    assert_true(f.row.has_target);
    assert_string_equal(import_write_name(&f.row.target, written), expected);
    tear_down(&f);
}

static void the_target_is_the_shortest_of_the_endpoints_own_names(void **state)
{
    (void)state;
    assert_target(ENDPOINT("vpce-1", ZONAL "," PRIVATE "," REGIONAL),
                  "vpce-1-ab.sqs.eu-west-1.vpce.amazonaws.com");
}

static void names_of_another_endpoint_are_not_its_own(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f, ENDPOINT("vpce-12", REGIONAL "," LONGER "," OTHER));
    assert_false(f.row.has_target);
    assert_int_equal(f.row.entries.count, 0);
    tear_down(&f);
}

static void an_id_may_be_the_whole_label_and_of_any_case(void **state)
{
    (void)state;
    assert_target(ENDPOINT("vpce-1", ENTRY("vpce-1.sqs.eu-west-1.vpce.amazonaws.com")),
                  "vpce-1.sqs.eu-west-1.vpce.amazonaws.com");
    assert_target(ENDPOINT("VPCE-1", REGIONAL), "vpce-1-ab.sqs.eu-west-1.vpce.amazonaws.com");
    assert_target(ENDPOINT("eni-1", REGIONAL), "vpce-1-ab.sqs.eu-west-1.vpce.amazonaws.com");
}

static void of_sagemakers_two_zones_its_own_goes_first(void **state)
{
    (void)state;
    assert_target(ENDPOINT("vpce-1", REGIONAL "," STUDIO),
                  "vpce-1-ab.studio.eu-west-1.vpce.sagemaker.aws");
    assert_target(ENDPOINT("vpce-1", STUDIO "," REGIONAL),
                  "vpce-1-ab.studio.eu-west-1.vpce.sagemaker.aws");
}

static void assert_region(const char *text, const char *region)
{
    struct fixture f;

    set_up(&f, text);
    assert_string_equal(f.row.region, region);
    tear_down(&f);
}

static void the_region_is_told_by_service_region_then_name_then_target(void **state)
{
    (void)state;
    assert_region("{\"ServiceName\": \"com.amazonaws.eu-west-1.kms\", \"ServiceRegion\": "
                  "\"us-west-2\"}",
                  "us-west-2");
    assert_region("{\"ServiceName\": \"com.amazonaws.eu-west-1.kms\", \"ServiceRegion\": \"x\"}",
                  "eu-west-1");
    assert_region("{\"DnsEntries\": [" ENTRY("vpce-1-ab.kms.ap-south-1.vpce.amazonaws.com") "]}",
                  "ap-south-1");
    assert_region("{}", "");
}

static void private_dns_for_inbound_resolver_endpoints_is_not_for_nodes(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f, "{\"PrivateDnsEnabled\": true}");
    assert_true(f.row.private_dns);
    tear_down(&f);
    set_up(&f, "{\"PrivateDnsEnabled\": true, \"DnsOptions\": "
               "{\"PrivateDnsOnlyForInboundResolverEndpoint\": true}}");
    assert_false(f.row.private_dns);
    tear_down(&f);
}

static void a_wildcard_covers_what_is_below_it_and_not_itself(void **state)
{
    struct arena arena = {.chunks = NULL};
    struct import_names names = {.count = 0};
    struct catalogue_name name;

    (void)state;
    assert_true(import_read_name(&name, "*.s3.example.com"));
    import_names_add(&names, &name, &arena);
    import_names_add(&names, &name, &arena);
    assert_int_equal(names.count, 1);
    assert_true(import_names_cover(&names, &name));
    assert_true(import_read_name(&name, "a.b.s3.example.com"));
    assert_true(import_names_cover(&names, &name));
    assert_true(import_read_name(&name, "*.b.s3.example.com"));
    assert_true(import_names_cover(&names, &name));
    assert_true(import_read_name(&name, "s3.example.com"));
    assert_false(import_names_cover(&names, &name));
    arena_deinit(&arena);
}

static void notes_and_names_beyond_their_limits_are_dropped(void **state)
{
    struct arena arena = {.chunks = NULL};
    struct import_row row = {.id = "vpce-1"};
    struct catalogue_name name;
    char text[32];

    (void)state;
    for (int i = 0; i < 2 * IMPORT_NAMES_MAX; i++) {
        snprintf(text, sizeof(text), "n%d.example.com", i);
        assert_true(import_read_name(&name, text));
        import_names_add(&row.listed, &name, &arena);
        import_row_note(&row, &arena, "%d", i);
    }
    assert_int_equal(row.listed.count, IMPORT_NAMES_MAX);
    assert_int_equal(row.note_count, IMPORT_NOTES_MAX);
    arena_deinit(&arena);
}

static void the_first_reason_stays(void **state)
{
    struct arena arena = {.chunks = NULL};
    struct import_row row = {.id = "vpce-1"};

    (void)state;
    import_row_refuse(&row, IMPORT_OFFERED, &arena, "one %d", 1);
    import_row_refuse(&row, IMPORT_LEFT_OUT, &arena, "two");
    assert_int_equal(row.fate, IMPORT_OFFERED);
    assert_string_equal(row.why, "one 1");
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_target_is_the_shortest_of_the_endpoints_own_names),
        cmocka_unit_test(names_of_another_endpoint_are_not_its_own),
        cmocka_unit_test(an_id_may_be_the_whole_label_and_of_any_case),
        cmocka_unit_test(of_sagemakers_two_zones_its_own_goes_first),
        cmocka_unit_test(the_region_is_told_by_service_region_then_name_then_target),
        cmocka_unit_test(private_dns_for_inbound_resolver_endpoints_is_not_for_nodes),
        cmocka_unit_test(a_wildcard_covers_what_is_below_it_and_not_itself),
        cmocka_unit_test(notes_and_names_beyond_their_limits_are_dropped),
        cmocka_unit_test(the_first_reason_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
