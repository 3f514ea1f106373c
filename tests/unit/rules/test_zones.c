/* Zones: which node stands for a name, what nodes hold, and what is refused or left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "local53/dns/message.h"
#include "local53/dns/rr.h"
#include "zoned.h"

/* What stands for a name: "*.example TXT MX", "host1.example" (nothing there), "alias 5 a.example", "no such
 * name", "elsewhere". */
static const char *found(const struct zones *zones, const char *text, char out[256])
{
    struct config_name rule = {.below = false};
    const struct zone_node *node;
    char type[TEXT_TYPE_MAX];
    struct name name;
    uint32_t number;
    int len;

    CHECK(text_read_name(&name, text) == ERR_OK);
    node = zones_find(zones, &name, &number);
    if (node == NULL)
        return "elsewhere";
    CHECK(zones_node(zones, number) == node);
    if (!zones_node_name(zones, number, &rule.name, &rule.below)) {
        CHECK(!node->exists && node->rrset_count == 0 && node->alias == ZONES_NO_ALIAS);
        return "no such name";
    }
    CHECK(node->exists);
    len = node->alias == ZONES_NO_ALIAS ? 0 : snprintf(out, 256, "alias %u ", node->alias);
    len += snprintf(out + len, 256 - (size_t)len, "%s%s", rule.below ? "*." : "",
                    text_write_name(&rule.name, (char[TEXT_NAME_MAX]){0}));
    for (size_t i = 0; i < node->rrset_count; i++)
        len += snprintf(out + len, 256 - (size_t)len, " %s",
                        text_write_type(node->rrsets[i].type, type));
    return out;
}

#define assert_found(zones, name, expected)                                                        \
    assert_string_equal(found((zones), (name), (char[256]){0}), (expected))

#define ONE_ZONE "zones: [{name: example, file: zone}]\n"

/* The one zone of a file about which nothing is to be said. */
static struct zones *load(struct zoned *zoned, const char *yaml, const char *file)
{
    struct zones *zones;

    zoned_write(zoned, "zone", file);
    zones = zoned_zones(zoned, yaml);
    assert_report(zoned, "");
    assert_non_null(zones);
    return zones;
}

/* --- names --- */

static void names_are_found_as_the_example_of_rfc_4592_has_them(void **state)
{
    struct zones *zones;

    zoned_write(*state, "zone",
                "$ORIGIN example.\n"
                "example.                 3600 IN  SOA   ns.example.com. h.example.com. 1 2 3 4 5\n"
                "example.                 3600     NS    ns.example.com.\n"
                "example.                 3600     NS    ns.example.net.\n"
                "*.example.               3600     TXT   \"this is a wildcard\"\n"
                "*.example.               3600     MX    10 host1.example.\n"
                "sub.*.example.           3600     TXT   \"this is not a wildcard\"\n"
                "host1.example.           3600     A     192.0.2.1\n"
                "_ssh._tcp.host1.example. 3600     SRV   0 0 22 host1\n"
                "_ssh._tcp.host2.example. 3600     SRV   0 0 22 host2\n"
                "subdel.example.          3600     NS    ns.example.com.\n"
                "subdel.example.          3600     NS    ns.example.net.\n");
    zones = zoned_zones(*state, ONE_ZONE);
    assert_report((struct zoned *)*state,
                  "f:2:31: warning: zones[0].file: zone:11: subdel.example is delegated, which is "
                  "ignored: names at and below it are the zone's own, unless a forward zone has "
                  "them\n");
    assert_non_null(zones);
    assert_found(zones, "example", "example NS");
    assert_found(zones, "host3.example", "*.example MX TXT");
    assert_found(zones, "foo.bar.example", "*.example MX TXT");
    assert_found(zones, "*.example", "*.example MX TXT");
    assert_found(zones, "host1.example", "host1.example A");
    assert_found(zones, "sub.*.example", "sub.*.example TXT");
    assert_found(zones, "_telnet._tcp.host1.example", "no such name");
    assert_found(zones, "host2.example", "host2.example");
    assert_found(zones, "_tcp.host2.example", "_tcp.host2.example");
    assert_found(zones, "x.host2.example", "no such name");
    assert_found(zones, "ghost.*.example", "no such name");
    assert_found(zones, "host.subdel.example", "no such name");
    assert_found(zones, "subdel.example", "subdel.example");
    assert_found(zones, "com", "elsewhere");
    zones_free(zones);
}

static void a_wildcard_without_records_stands_for_names_all_the_same(void **state)
{
    struct zones *zones = load(*state, ONE_ZONE, "sub.* A 10.0.0.1\na.b A 10.0.0.2\n");

    assert_found(zones, "x.example", "*.example");
    assert_found(zones, "b.example", "b.example");
    assert_found(zones, "c.b.example", "no such name");
    zones_free(zones);
}

static void case_of_names_does_not_matter(void **state)
{
    struct zones *zones = load(*state, ONE_ZONE, "WWW A 10.0.0.1\nwww A 10.0.0.2\n");
    const struct zone_node *node;
    struct name name;

    assert_found(zones, "wWw.eXample", "www.example A");
    CHECK(text_read_name(&name, "www.example") == ERR_OK);
    node = zones_find(zones, &name, NULL);
    assert_int_equal(zones_rrset(node, TYPE_A)->count, 2);
    zones_free(zones);
}

static void a_zone_inside_another_has_its_names_alone(void **state)
{
    struct zones *zones;

    zoned_write(*state, "zone", "@ A 10.0.0.1\n* A 10.0.0.2\nx.in.b A 10.0.0.3\n");
    zoned_write(*state, "inner", "@ A 10.1.0.1\ny A 10.1.0.2\n");
    zones = zoned_zones(*state, "zones:\n"
                                "- {name: example, file: zone}\n"
                                "- {name: in.b.example, file: inner}\n");
    assert_report((struct zoned *)*state,
                  "f:3:25: warning: zones[0].file: zone:3: belongs to zones[1], which is more "
                  "specific, and is left out (1 in all)\n");
    assert_found(zones, "in.b.example", "in.b.example A");
    assert_found(zones, "y.in.b.example", "y.in.b.example A");
    assert_found(zones, "x.in.b.example", "no such name");
    assert_found(zones, "c.example", "*.example A");
    assert_found(zones, "b.example", "b.example");
    assert_found(zones, "c.b.example", "no such name");
    assert_int_equal(zones_count(zones), 2);
    assert_int_equal(zones_apex(zones, 1)->name.labels, 3);
    zones_free(zones);
}

static void a_forward_zone_inside_a_zone_is_forwarded(void **state)
{
    struct zones *zones;

    zoned_write(*state, "zone", "@ NS ns\nfwd NS ns.fwd\nns.fwd A 10.0.0.1\nx A 10.0.0.2\n");
    zones = zoned_zones(*state, "zones: [{name: example, file: zone}]\n"
                                "forward:\n"
                                "- {zone: fwd.example, servers: 10.0.0.9}\n"
                                "- {zone: example, servers: 10.0.0.9}\n"
                                "- {zone: ., servers: 10.0.0.9}\n");
    assert_report((struct zoned *)*state,
                  "f:2:31: warning: zones[0].file: zone:2: belongs to forward[0], which is more "
                  "specific, and is left out (2 in all)\n");
    assert_found(zones, "fwd.example", "elsewhere");
    assert_found(zones, "ns.fwd.example", "elsewhere");
    assert_found(zones, "x.example", "x.example A");
    assert_found(zones, "y.example", "no such name");
    zones_free(zones);
}

static void names_that_a_zone_does_not_have_fall_through(void **state)
{
    struct zones *zones = load(*state, "zones: [{name: example, file: zone, fallthrough: true}]\n",
                               "a.b A 10.0.0.1\n*.w A 10.0.0.2\nz.*.v A 10.0.0.3\n");

    assert_found(zones, "example", "elsewhere");
    assert_found(zones, "b.example", "elsewhere");
    assert_found(zones, "x.example", "elsewhere");
    assert_found(zones, "a.b.example", "a.b.example A");
    assert_found(zones, "x.a.b.example", "elsewhere");
    assert_found(zones, "q.w.example", "*.w.example A");
    assert_found(zones, "w.example", "elsewhere");
    assert_found(zones, "q.v.example", "elsewhere");
    assert_true(zones_apex(zones, 0)->fallthrough);
    zones_free(zones);
    zones = load(*state, "zones: [{name: example, file: zone, fallthrough: true}]\n",
                 "@ SOA a b 1 2 3 4 5\na.b A 10.0.0.1\n");
    assert_found(zones, "example", "example");
    assert_found(zones, "b.example", "elsewhere");
    zones_free(zones);
}

static void the_root_may_be_a_zone_that_falls_through(void **state)
{
    struct zones *zones = load(*state, "zones: [{name: ., file: zone, fallthrough: true}]\n",
                               "a.example A 10.0.0.1\n");

    assert_found(zones, "a.example", "a.example A");
    assert_found(zones, "example", "elsewhere");
    assert_found(zones, ".", "elsewhere");
    zones_free(zones);
}

static void aliases_are_names_of_the_zone(void **state)
{
    struct zones *zones;

    zoned_write(*state, "zone", "api TXT x\n");
    zones = zoned_zones(*state,
                        "zones:\n"
                        "- name: other\n"
                        "  aliases: {other: t.example, b.c.other: t.example}\n"
                        "- name: example\n"
                        "  file: zone\n"
                        "  aliases: {api.example: t.test, \"*.w.example\": [t.test, u.test]}\n");
    assert_report((struct zoned *)*state, "");
    assert_found(zones, "other", "alias 5 other");
    assert_found(zones, "b.c.other", "alias 6 b.c.other");
    assert_found(zones, "c.other", "c.other");
    assert_found(zones, "d.c.other", "no such name");
    assert_found(zones, "api.example", "alias 7 api.example TXT");
    assert_found(zones, "x.y.w.example", "alias 8 *.w.example");
    assert_found(zones, "w.example", "w.example");
    zones_free(zones);
}

/* --- records --- */

static const struct zone_rrset *rrset_of(const struct zones *zones, const char *text, uint16_t type)
{
    struct name name;
    const struct zone_rrset *rrset;

    CHECK(text_read_name(&name, text) == ERR_OK);
    rrset = zones_rrset(zones_find(zones, &name, NULL), type);
    assert_non_null(rrset);
    assert_int_equal(rrset->type, type);
    return rrset;
}

static void records_are_rendered_once_with_the_least_ttl(void **state)
{
    static const uint8_t expected[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, 1,
                                       0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, 2};
    struct zones *zones = load(*state, ONE_ZONE,
                               "a 300 A 10.0.0.1\na 60 A 10.0.0.2\na 900 A 10.0.0.1\n"
                               "b 2147483647 MX 10 Mail\n");
    const struct zone_rrset *rrset = rrset_of(zones, "a.example", TYPE_A);

    assert_int_equal(rrset->count, 2);
    assert_int_equal(rrset->ttl_s, 60);
    assert_int_equal(rrset->records.len, sizeof(expected));
    assert_memory_equal(rrset->records.data, expected, sizeof(expected));
    assert_null(rrset->target);
    rrset = rrset_of(zones, "b.example", TYPE_MX);
    assert_int_equal(rrset->ttl_s, RR_TTL_MAX);
    assert_memory_equal(rrset->records.data + 12, "\0\12\4Mail\7example", 16);
    zones_free(zones);
}

static void a_cname_tells_where_it_leads(void **state)
{
    struct zones *zones = load(*state, ONE_ZONE, "a CNAME Other.Test.\na CNAME Other.Test.\n");
    const struct zone_rrset *rrset = rrset_of(zones, "a.example", TYPE_CNAME);
    char text[TEXT_NAME_MAX];

    assert_int_equal(rrset->count, 1);
    assert_string_equal(text_write_name(rrset->target, text), "other.test");
    zones_free(zones);
}

static void negative_answers_last_as_the_soa_says(void **state)
{
    struct zones *zones = load(*state, ONE_ZONE, "@ 30 SOA a b 1 2 3 4 90\nx A 10.0.0.1\n");

    assert_int_equal(zones_apex(zones, 0)->negative_ttl_s, 30);
    assert_int_equal(zones_apex(zones, 0)->soa.len, 11 + 11 + 20);
    assert_found(zones, "example", "example");
    zones_free(zones);
    zones = load(*state, ONE_ZONE, "@ 3000000 SOA a b 1 2 3 4 2000000\n");
    assert_int_equal(zones_apex(zones, 0)->negative_ttl_s, RR_TTL_MAX);
    zones_free(zones);
    zones = load(*state, ONE_ZONE, "@ 3000 SOA a b 1 2 3 4 90\n");
    assert_int_equal(zones_apex(zones, 0)->negative_ttl_s, 90);
    assert_int_equal(zones_apex(zones, 0)->soa_ttl_s, 3000);
    zones_free(zones);
    zones = load(*state, ONE_ZONE, "x A 10.0.0.1\n");
    assert_int_equal(zones_apex(zones, 0)->negative_ttl_s, 60);
    assert_int_equal(zones_apex(zones, 0)->soa.len, 0);
    zones_free(zones);
}

/* --- what is wrong --- */

static void assert_zone_refused(struct zoned *zoned, const char *file, const char *expected)
{
    zoned_write(zoned, "zone", file);
    assert_null(zoned_zones(zoned, ONE_ZONE));
    assert_report(zoned, expected);
}

static void a_cname_stands_alone(void **state)
{
    assert_zone_refused(*state, "a CNAME b\na A 10.0.0.1\n",
                        "f:2:31: error: zones[0].file: zone:1: a.example has a CNAME and other "
                        "records, which cannot be (RFC 1034 section 3.6.2)\n");
    assert_zone_refused(
        *state, "a CNAME b\na CNAME c\n",
        "f:2:31: error: zones[0].file: zone:2: a.example has more than one CNAME\n");
    assert_zone_refused(*state, "@ CNAME b\n",
                        "f:2:31: error: zones[0].file: zone:1: example is the zone's own name, "
                        "which has an SOA, so it cannot have a CNAME; write it under aliases\n");
    zones_free(load(*state, ONE_ZONE, "a CNAME b\na NSEC b CNAME\n"));
}

static void one_soa_stands_at_the_apex(void **state)
{
    assert_zone_refused(*state, "a SOA a b 1 2 3 4 5\n",
                        "f:2:31: error: zones[0].file: zone:1: a.example has an SOA, but only the "
                        "zone's own name can\n");
    assert_zone_refused(*state,
                        "@ SOA a b 1 2 3 4 5\n@ SOA a b 1 2 3 4 5\n@ SOA a b 2 2 3 4 5\n"
                        "@ SOA a b 3 2 3 4 5\n",
                        "f:2:31: error: zones[0].file: zone:3: example has a second SOA\n");
}

static void a_record_outside_its_zone_is_refused(void **state)
{
    assert_zone_refused(*state, "a.example A 10.0.0.1\nb. A 10.0.0.1\nexample.. A 10.0.0.1\n",
                        "f:2:31: error: zones[0].file: zone:2: b is outside the zone; a last dot "
                        "is missing or too much\n"
                        "f:2:31: error: zones[0].file: zone:3: \"example..\" is not a domain "
                        "name\n");
    assert_zone_refused(*state, "a DNAME b\n",
                        "f:2:31: error: zones[0].file: zone:1: a.example has a DNAME, which is not "
                        "followed here; write the CNAMEs\n");
}

static void an_alias_goes_with_no_address_and_no_cname(void **state)
{
    zoned_write(*state, "zone", "a A 10.0.0.1\nb AAAA fd00::1\nc CNAME d\nd TXT x\n");
    assert_null(zoned_zones(*state, "zones:\n- name: example\n  file: zone\n"
                                    "  aliases: {a.example: t, b.example: t, c.example: t,\n"
                                    "            d.example: t, example.test: t}\n"));
    assert_report((struct zoned *)*state,
                  "f:5:13: error: zones[0].aliases: a.example has addresses in the file; it can "
                  "have its own or those of another\n"
                  "f:5:27: error: zones[0].aliases: b.example has addresses in the file; it can "
                  "have its own or those of another\n"
                  "f:5:41: error: zones[0].aliases: c.example has a CNAME in the file; it can be "
                  "one or the other\n"
                  "f:6:27: error: zones[0].aliases: example.test is outside the zone\n");
}

static void an_alias_of_an_inner_zone_is_refused(void **state)
{
    assert_null(zoned_zones(*state, "zones:\n"
                                    "- {name: example, aliases: {a.b.example: t}}\n"
                                    "- {name: b.example, aliases: {c.b.example: t}}\n"));
    assert_report((struct zoned *)*state,
                  "f:3:29: error: zones[0].aliases: a.b.example belongs to zones[1], which is more "
                  "specific\n");
}

static void a_zone_has_names_and_stands_once(void **state)
{
    assert_null(zoned_zones(*state, "zones:\n- {name: a.example}\n"
                                    "- {name: b.example, aliases: {b.example: t}}\n"
                                    "- {name: B.example, aliases: {b.example: t}}\n"));
    assert_report((struct zoned *)*state,
                  "f:3:3: error: zones[0]: has no names; write \"file\" (a master file) or "
                  "\"aliases\"\n"
                  "f:5:3: error: zones[2].name: the zone stands in the list a second time, first "
                  "in line 4; write its records and aliases there\n");
}

static void mistakes_of_a_file_have_its_line(void **state)
{
    assert_zone_refused(*state, "a A 10.0.0.1\nb A x\n",
                        "f:2:31: error: zones[0].file: zone:2: A: could not parse the RR's rdata: "
                        "\"x\"\n");
    assert_null(zoned_zones(*state, "zones: [{name: example, file: gone}]\n"));
    assert_report((struct zoned *)*state, "f:2:31: error: zones[0].file: cannot read gone: No such "
                                          "file or directory\n");
}

static void files_that_were_read_are_told_once(void **state)
{
    struct zoned *zoned = *state;
    struct zones *zones;

    zoned_write(zoned, "inner", "a TXT x\n");
    zones = load(zoned, "zones:\n- {name: example, file: zone}\n- {name: test, file: zone}\n",
                 "$INCLUDE inner\n$INCLUDE inner sub\n");
    assert_int_equal(zones_file_count(zones), 2);
    assert_string_equal(zones_file(zones, 0), zoned->files[1]);
    assert_string_equal(zones_file(zones, 1), zoned->files[0]);
    assert_found(zones, "a.sub.test", "a.sub.test TXT");
    zones_free(zones);
}

static void a_name_with_the_zone_twice_is_told(void **state)
{
    static const char yaml[] = "zones: [{name: corp.test, file: zone}]\n";

    zoned_write(*state, "zone",
                "a.corp.test A 10.0.0.1\nb CNAME a.corp.test\nc MX 1 A.Corp.Test\n"
                "_x._tcp SRV 1 2 3 a.corp.test\nd.corp.test. A 10.0.0.1\ne CNAME corp.test\n");
    zones_free(zoned_zones(*state, yaml));
    assert_report(
        (struct zoned *)*state,
        "f:2:33: warning: zones[0].file: zone:1: a name ends in the zone's name twice; is "
        "its last dot missing? (5 records in all)\n");
    zones_free(load(*state, yaml,
                    "corp A 10.0.0.1\ntest A 10.0.0.1\nacorp.test A 10.0.0.1\n"
                    "x CNAME corp.test.\ny MX 5 .\nz TXT corp.test\n"));
    zones_free(load(*state, ONE_ZONE, "example A 10.0.0.1\n"));
}

static void other_classes_are_left_out(void **state)
{
    struct zones *zones;

    zoned_write(*state, "zone", "x A 10.0.0.1\nv CH TXT a\nw CH TXT b\n");
    zones = zoned_zones(*state, ONE_ZONE);
    assert_report((struct zoned *)*state,
                  "f:2:31: warning: zones[0].file: zone:2: not of class IN, and left out (2 in "
                  "all)\n");
    assert_found(zones, "v.example", "no such name");
    zones_free(zones);
}

static void a_file_without_records_is_told(void **state)
{
    static const char aliased[] =
        "zones: [{name: example, file: zone, aliases: {a.example: t.other.net}}]\n";

    zoned_write(*state, "zone", "; nothing yet\n$TTL 60\n");
    zones_free(zoned_zones(*state, ONE_ZONE));
    assert_report((struct zoned *)*state,
                  "f:2:31: warning: zones[0].file: zone has no records, so that no name of the "
                  "zone exists; was it cut off?\n");
    zones_free(load(*state, aliased, ""));
    zones_free(load(*state, ONE_ZONE, "@ SOA a b 1 2 3 4 5\n"));
    zoned_write(*state, "zone", "v CH TXT a\n");
    zones_free(zoned_zones(*state, ONE_ZONE));
    assert_report((struct zoned *)*state,
                  "f:2:31: warning: zones[0].file: zone:1: not of class IN, and left out (1 in "
                  "all)\n");
}

static void more_than_an_answer_has_room_for_is_refused(void **state)
{
    struct zoned *zoned = *state;
    char *text = calloc(300, 260);
    size_t len = 0;

    assert_non_null(text);
    for (size_t i = 0; i < 260; i++) {
        len += (size_t)sprintf(text + len, "a TXT %03zu", i);
        memset(text + len, 'x', 245);
        len += 245;
        text[len++] = '\n';
    }
    assert_zone_refused(zoned, text,
                        "f:2:31: error: zones[0].file: zone:1: a.example has more data of this "
                        "type than an answer has room for\n");
    free(text);
}

int main(void)
{
#define ZONED(test) cmocka_unit_test_setup_teardown(test, zoned_setup, zoned_teardown)
    const struct CMUnitTest tests[] = {
        ZONED(names_are_found_as_the_example_of_rfc_4592_has_them),
        ZONED(a_wildcard_without_records_stands_for_names_all_the_same),
        ZONED(case_of_names_does_not_matter),
        ZONED(a_zone_inside_another_has_its_names_alone),
        ZONED(a_forward_zone_inside_a_zone_is_forwarded),
        ZONED(names_that_a_zone_does_not_have_fall_through),
        ZONED(the_root_may_be_a_zone_that_falls_through),
        ZONED(aliases_are_names_of_the_zone),
        ZONED(records_are_rendered_once_with_the_least_ttl),
        ZONED(a_cname_tells_where_it_leads),
        ZONED(negative_answers_last_as_the_soa_says),
        ZONED(a_cname_stands_alone),
        ZONED(one_soa_stands_at_the_apex),
        ZONED(a_record_outside_its_zone_is_refused),
        ZONED(an_alias_goes_with_no_address_and_no_cname),
        ZONED(an_alias_of_an_inner_zone_is_refused),
        ZONED(a_zone_has_names_and_stands_once),
        ZONED(mistakes_of_a_file_have_its_line),
        ZONED(files_that_were_read_are_told_once),
        ZONED(a_name_with_the_zone_twice_is_told),
        ZONED(other_classes_are_left_out),
        ZONED(a_file_without_records_is_told),
        ZONED(more_than_an_answer_has_room_for_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
