/* What a node of a zone appends to a reply, wherever in a chain its name stands. */
#include "local53/server/zone_answer.h"

#include "server_test.h"

#define ZONE                                                                                       \
    "$TTL 300\n@ 900 SOA ns host 7 3600 600 86400 120\nwww A 10.1.0.1\nwww A 10.1.0.2\nwww A "     \
    "10.1.0.3\n"                                                                                   \
    "txt TXT \"a\"\ntxt TXT \"longer\"\nlink CNAME www\n"

/* The question's name begins here, and a name further on in the reply. */
#define QUESTION MESSAGE_HEADER_OCTETS
#define LATER 100

/* From a record's owner to its type, TTL and RDATA. */
#define TYPE_AT 2
#define TTL_AT 6
#define RDATA_AT 12

struct fixture {
    struct metrics_names *names;
    struct snapshot *snapshot;
    uint8_t packet[512];
    struct request request;
    uint8_t reply[1024];
    struct writer w;
    struct answer answer;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    memset(&fixture, 0, sizeof(fixture));
    fixture.names = metrics_names_new();
    fixture.snapshot = test_zone_snapshot(
        ZONE, ", aliases: {api.corp.example: vpce-0a.x.vpce.amazonaws.com}", fixture.names);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    snapshot_release(fixture->snapshot);
    metrics_names_free(fixture->names);
    return 0;
}

/* What a name says that stands at an offset of the reply; the first octet appended is at that of LATER + 64. */
static enum zone_said say(struct fixture *fixture, const char *name, uint16_t type, uint16_t owner)
{
    struct decision rule;
    test_request(&fixture->request, fixture->packet, name, type);
    fixture->w = writer_init(fixture->reply, sizeof(fixture->reply));
    fixture->w.len = LATER + 64;
    fixture->answer = (struct answer){.w = &fixture->w,
                                      .request = &fixture->request,
                                      .snapshot = fixture->snapshot,
                                      .at = fixture->request.qname,
                                      .owner = owner,
                                      .ttl_s = UINT32_MAX};
    assert_true(ruleset_find_rule(fixture->snapshot->rules, &fixture->answer.at, &rule));
    assert_int_equal(rule.kind, DECISION_ZONE);
    return zone_answer(&fixture->answer, &rule);
}

static const uint8_t *appended(const struct fixture *fixture)
{
    return fixture->reply + LATER + 64;
}

static void records_point_to_where_their_name_stands(void **state)
{
    static const uint16_t owners[] = {QUESTION, LATER};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(say(fixture, "txt.corp.example", TYPE_TXT, owners[i]), ZONE_SAID_ALL);
        const uint8_t *first = appended(fixture);
        const uint8_t *second = first + RDATA_AT + 2;
        assert_int_equal(bytes_get_u16(first), POINTER_BITS | owners[i]);
        assert_int_equal(bytes_get_u16(second), POINTER_BITS | owners[i]);
        assert_int_equal(bytes_get_u16(second + TYPE_AT), TYPE_TXT);
        assert_memory_equal(second + RDATA_AT, "\6longer", 7);
        assert_int_equal(fixture->w.len, LATER + 64 + 2 * RDATA_AT + 2 + 7);
        assert_int_equal(fixture->answer.counts[0], 2);
    }
}

static void each_turn_begins_with_another_address(void **state)
{
    struct fixture *fixture = *state;
    struct decision rule;
    for (uint32_t turn = 0; turn < 7; turn++) {
        assert_int_equal(say(fixture, "www.corp.example", TYPE_A, QUESTION), ZONE_SAID_ALL);
        fixture->w.len = LATER + 64;
        fixture->answer.turn = turn;
        assert_true(ruleset_find_rule(fixture->snapshot->rules, &fixture->answer.at, &rule));
        assert_int_equal(zone_answer(&fixture->answer, &rule), ZONE_SAID_ALL);
        for (uint32_t i = 0; i < 3; i++) {
            const uint8_t *record = appended(fixture) + (size_t)i * (RDATA_AT + 4);
            assert_int_equal(record[RDATA_AT + 3], 1 + (turn + i) % 3);
            assert_int_equal(bytes_get_u32(record + TTL_AT), 300);
        }
    }
}

static void a_cname_moves_on_to_its_target(void **state)
{
    struct fixture *fixture = *state;
    struct name www = test_name("www.corp.example");
    struct name there;
    assert_int_equal(say(fixture, "link.corp.example", TYPE_A, LATER), ZONE_SAID_CNAME);
    assert_true(name_equal(&fixture->answer.at, &www));
    assert_int_equal(fixture->answer.owner, LATER + 64 + RDATA_AT);
    assert_int_equal(name_from_wire(&there, fixture->reply + fixture->answer.owner, www.len),
                     ERR_OK);
    assert_true(name_equal(&there, &www));
}

static void the_soa_of_a_denial_is_owned_by_the_zones_part_of_the_name(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(say(fixture, "no.www.corp.example", TYPE_A, LATER), ZONE_SAID_ALL);
    const uint8_t *soa = appended(fixture);
    assert_int_equal(bytes_get_u16(soa), POINTER_BITS | (LATER + 3 + 4)); /* behind \2no\3www */
    assert_int_equal(bytes_get_u16(soa + TYPE_AT), TYPE_SOA);
    assert_int_equal(bytes_get_u32(soa + TTL_AT), 120);
    assert_int_equal(fixture->answer.rcode, RCODE_NXDOMAIN);
    assert_int_equal(fixture->answer.counts[0], 0);
    assert_int_equal(fixture->answer.counts[1], 1);
}

static void the_soa_asked_for_has_its_own_ttl(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(say(fixture, "corp.example", TYPE_SOA, QUESTION), ZONE_SAID_ALL);
    assert_int_equal(fixture->answer.counts[0], 1);
    assert_int_equal(bytes_get_u16(appended(fixture) + TYPE_AT), TYPE_SOA);
    assert_int_equal(bytes_get_u32(appended(fixture) + TTL_AT), 900);
}

static void an_alias_is_told_once_an_address_is_known(void **state)
{
    struct fixture *fixture = *state;
    struct addresses *addresses = &fixture->snapshot->addresses[0];
    assert_int_equal(say(fixture, "api.corp.example", TYPE_A, QUESTION), ZONE_SAID_NOT_YET);
    *addresses =
        (struct addresses){.state = ADDRESSES_LITERAL, .v4_count = 1, .v4 = {{10, 0, 0, 7}}};
    assert_int_equal(say(fixture, "api.corp.example", TYPE_A, LATER), ZONE_SAID_ALL);
    assert_int_equal(bytes_get_u16(appended(fixture)), POINTER_BITS | LATER);
    assert_memory_equal(appended(fixture) + RDATA_AT, addresses->v4[0], 4);
    assert_ptr_equal(fixture->answer.counted, &fixture->snapshot->endpoint_slots[0]);
    assert_int_equal(say(fixture, "api.corp.example", TYPE_AAAA, LATER), ZONE_SAID_ALL);
    assert_int_equal(fixture->answer.counts[1], 1);
    assert_null(fixture->answer.counted);
}

static void what_does_not_fit_fails_the_writer(void **state)
{
    struct fixture *fixture = *state;
    struct decision rule;
    (void)say(fixture, "txt.corp.example", TYPE_TXT, LATER);
    fixture->w.cap = fixture->w.len - 1;
    fixture->w.len = LATER + 64;
    assert_true(ruleset_find_rule(fixture->snapshot->rules, &fixture->answer.at, &rule));
    (void)zone_answer(&fixture->answer, &rule);
    assert_true(fixture->w.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_point_to_where_their_name_stands),
        cmocka_unit_test(each_turn_begins_with_another_address),
        cmocka_unit_test(a_cname_moves_on_to_its_target),
        cmocka_unit_test(the_soa_of_a_denial_is_owned_by_the_zones_part_of_the_name),
        cmocka_unit_test(the_soa_asked_for_has_its_own_ttl),
        cmocka_unit_test(an_alias_is_told_once_an_address_is_known),
        cmocka_unit_test(what_does_not_fit_fails_the_writer),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
