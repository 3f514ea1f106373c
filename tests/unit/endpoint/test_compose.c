/* Answers for endpoint names as a client sees them: read back with ldns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ldns/ldns.h>

#include "local53/base/bytes.h"
#include "local53/dns/rr.h"
#include "local53/endpoint/compose.h"
#include "wire.h"

#define NAME "api.ecr.eu-west-1.amazonaws.com"
#define NOW_MS 1000000

/* One question and its reply. */
struct fixture {
    uint8_t packet[512];        /* what the client sent */
    uint8_t reply[4096];        /* what it gets */
    struct request request;     /* the question, parsed */
    struct addresses addresses; /* of the endpoint */
    struct compose compose;     /* how to answer */
    struct writer w;            /* over reply */
    ldns_pkt *pkt;              /* the reply as ldns reads it; owned */
};

/* The addresses 10.0.0.1.. and fd00::1.., fresh for another 40 s. */
static void have(struct fixture *f, uint8_t v4_count, uint8_t v6_count)
{
    f->addresses = (struct addresses){.state = ADDRESSES_FRESH,
                                      .expires_ms = NOW_MS + 40000,
                                      .v4_count = v4_count,
                                      .v6_count = v6_count};
    for (uint8_t i = 0; i < TARGET_ADDRESSES_MAX; i++) {
        memcpy(f->addresses.v4[i], (const uint8_t[4]){10, 0, 0, (uint8_t)(i + 1)}, 4);
        f->addresses.v6[i][0] = 0xfd;
        f->addresses.v6[i][15] = (uint8_t)(i + 1);
    }
    f->compose =
        (struct compose){.addresses = &f->addresses, .rule_labels = 5, .turn = 0, .now_ms = NOW_MS};
}

static void set_up(struct fixture *f, uint8_t v4_count, uint8_t v6_count)
{
    memset(f, 0, sizeof(*f));
    have(f, v4_count, v6_count);
}

static void read_query(struct fixture *f, const char *name, uint16_t type, bool edns)
{
    struct writer w = writer_init(f->packet, sizeof(f->packet));
    enum dns_rcode rcode;

    wire_query(&w, name, type, edns);
    assert_int_equal(request_parse(&f->request, &rcode, f->packet, w.len), REQUEST_ANSWER);
    f->w = writer_init(f->reply, sizeof(f->reply));
}

static void read_reply(struct fixture *f)
{
    assert_false(f->w.failed);
    ldns_pkt_free(f->pkt);
    f->pkt = NULL;
    assert_int_equal(ldns_wire2pkt(&f->pkt, f->reply, f->w.len), LDNS_STATUS_OK);
    assert_int_equal(ldns_pkt_id(f->pkt), WIRE_ID);
    assert_true(ldns_pkt_qr(f->pkt));
    assert_true(ldns_pkt_ra(f->pkt));
    assert_false(ldns_pkt_ad(f->pkt));
}

static void ask(struct fixture *f, const char *name, uint16_t type)
{
    read_query(f, name, type, true);
    compose_answer(&f->w, &f->request, &f->compose);
    read_reply(f);
}

/* The reply's record i of a section, as text, against what is expected. */
static void assert_record(const ldns_rr_list *section, size_t i, const char *expected)
{
    char *text;

    assert_true(i < ldns_rr_list_rr_count(section));
    text = ldns_rr2str(ldns_rr_list_rr(section, i));
    text[strlen(text) - 1] = '\0';
    assert_string_equal(text, expected);
    free(text);
}

static void assert_counts(const struct fixture *f, size_t answer, size_t authority)
{
    assert_int_equal(ldns_pkt_ancount(f->pkt), answer);
    assert_int_equal(ldns_pkt_nscount(f->pkt), authority);
    assert_int_equal(ldns_pkt_arcount(f->pkt), 0);
}

/* NOERROR, no answer, one SOA whose owner, TTL and MINIMUM are told. */
static void assert_nodata(const struct fixture *f, const char *owner)
{
    ldns_rr *soa;
    char *text;

    assert_int_equal(ldns_pkt_get_rcode(f->pkt), LDNS_RCODE_NOERROR);
    assert_counts(f, 0, 1);
    soa = ldns_rr_list_rr(ldns_pkt_authority(f->pkt), 0);
    assert_int_equal(ldns_rr_get_type(soa), LDNS_RR_TYPE_SOA);
    assert_int_equal(ldns_rr_ttl(soa), COMPOSE_NEGATIVE_TTL_S);
    assert_int_equal(ldns_rdf2native_int32(ldns_rr_rdf(soa, 6)), COMPOSE_NEGATIVE_TTL_S);
    text = ldns_rdf2str(ldns_rr_owner(soa));
    assert_string_equal(text, owner);
    free(text);
}

static void tear_down(struct fixture *f)
{
    ldns_pkt_free(f->pkt);
}

static void a_gets_the_addresses_flattened_in_the_case_asked(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f, 2, 0);
    ask(&f, "API.ecr.EU-west-1.amazonaws.com", TYPE_A);
    assert_int_equal(ldns_pkt_get_rcode(f.pkt), LDNS_RCODE_NOERROR);
    assert_counts(&f, 2, 0);
    assert_record(ldns_pkt_answer(f.pkt), 0,
                  "API.ecr.EU-west-1.amazonaws.com.\t40\tIN\tA\t10.0.0.1");
    assert_record(ldns_pkt_answer(f.pkt), 1,
                  "API.ecr.EU-west-1.amazonaws.com.\t40\tIN\tA\t10.0.0.2");
    tear_down(&f);
}

static void aaaa_gets_the_ipv6_addresses(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f, 1, 1);
    ask(&f, NAME, TYPE_AAAA);
    assert_counts(&f, 1, 0);
    assert_record(ldns_pkt_answer(f.pkt), 0, NAME ".\t40\tIN\tAAAA\tfd00::1");
    tear_down(&f);
}

static void aaaa_without_ipv6_addresses_is_nodata(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f, 2, 0);
    ask(&f, NAME, TYPE_AAAA);
    assert_nodata(&f, NAME ".");
    ask(&f, NAME, TYPE_A);
    assert_counts(&f, 2, 0);
    have(&f, 0, 1);
    ask(&f, NAME, TYPE_A);
    assert_nodata(&f, NAME ".");
    tear_down(&f);
}

static void other_types_are_nodata(void **state)
{
    static const uint16_t types[] = {TYPE_HTTPS, TYPE_SVCB, TYPE_TXT,   TYPE_MX, TYPE_NS,
                                     TYPE_SOA,   TYPE_DS,   TYPE_CNAME, 65280};
    struct fixture f;

    (void)state;
    set_up(&f, 2, 2);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        ask(&f, NAME, types[i]);
        assert_nodata(&f, NAME ".");
    }
    tear_down(&f);
}

/* RFC 8482 section 4.1. */
static void any_gets_one_rrset(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f, 2, 2);
    ask(&f, NAME, TYPE_ANY);
    assert_counts(&f, 2, 0);
    assert_record(ldns_pkt_answer(f.pkt), 0, NAME ".\t40\tIN\tA\t10.0.0.1");
    have(&f, 0, 1);
    ask(&f, NAME, TYPE_ANY);
    assert_counts(&f, 1, 0);
    assert_record(ldns_pkt_answer(f.pkt), 0, NAME ".\t40\tIN\tAAAA\tfd00::1");
    tear_down(&f);
}

static void order_rotates_with_the_turn_and_keeps_all_addresses(void **state)
{
    static const char *const first[] = {"\1\2\3", "\2\3\1", "\3\1\2"};
    struct fixture f;

    (void)state;
    set_up(&f, 3, 0);
    for (uint32_t turn = 0; turn < 9; turn++) {
        f.compose.turn = turn;
        ask(&f, NAME, TYPE_A);
        assert_counts(&f, 3, 0);
        for (size_t i = 0; i < 3; i++) {
            ldns_rr *rr = ldns_rr_list_rr(ldns_pkt_answer(f.pkt), i);

            assert_int_equal(ldns_rdf_data(ldns_rr_rdf(rr, 0))[3], first[turn % 3][i]);
        }
    }
    f.compose.turn = UINT32_MAX;
    ask(&f, NAME, TYPE_A);
    assert_counts(&f, 3, 0);
    tear_down(&f);
}

static void soa_of_a_wildcard_rule_is_owned_by_the_part_below_the_star(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f, 1, 0);
    f.compose.rule_labels = 4;
    ask(&f, "My.Bucket.S3.eu-west-1.amazonaws.com", TYPE_AAAA);
    assert_nodata(&f, "S3.eu-west-1.amazonaws.com.");
    f.compose.rule_labels = 0;
    ask(&f, "any.name", TYPE_AAAA);
    assert_nodata(&f, ".");
    tear_down(&f);
}

static void ttl_follows_the_state_of_the_addresses(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f, 1, 0);
    f.addresses.state = ADDRESSES_LAST_GOOD;
    ask(&f, NAME, TYPE_A);
    assert_record(ldns_pkt_answer(f.pkt), 0, NAME ".\t30\tIN\tA\t10.0.0.1");
    f.addresses.state = ADDRESSES_LITERAL;
    ask(&f, NAME, TYPE_A);
    assert_record(ldns_pkt_answer(f.pkt), 0, NAME ".\t60\tIN\tA\t10.0.0.1");
    f.addresses.state = ADDRESSES_FRESH;
    f.compose.now_ms = NOW_MS + 38000;
    ask(&f, NAME, TYPE_A);
    assert_record(ldns_pkt_answer(f.pkt), 0, NAME ".\t5\tIN\tA\t10.0.0.1");
    tear_down(&f);
}

static void without_an_address_every_type_is_servfail_with_a_reason(void **state)
{
    static const uint16_t types[] = {TYPE_A, TYPE_AAAA, TYPE_TXT, TYPE_ANY};
    struct fixture f;

    (void)state;
    set_up(&f, 0, 0);
    f.addresses.state = ADDRESSES_NONE;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        const uint8_t *opt;

        ask(&f, NAME, types[i]);
        assert_int_equal(ldns_pkt_get_rcode(f.pkt), LDNS_RCODE_SERVFAIL);
        assert_counts(&f, 0, 0);
        assert_true(ldns_pkt_edns(f.pkt));
        opt = ldns_rdf_data(ldns_pkt_edns_data(f.pkt));
        /* RFC 8914 section 2: option 15, then INFO-CODE 14 (section 4.15, Not Ready), then text. */
        assert_int_equal(bytes_get_u16(opt), 15);
        assert_int_equal(bytes_get_u16(opt + 4), EDE_NOT_READY);
        assert_true(bytes_get_u16(opt + 2) > 2);
    }
    tear_down(&f);
}

static void opt_is_in_the_reply_only_if_it_was_in_the_query(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f, 1, 0);
    ask(&f, NAME, TYPE_A);
    assert_true(ldns_pkt_edns(f.pkt));
    read_query(&f, NAME, TYPE_A, false);
    compose_answer(&f.w, &f.request, &f.compose);
    read_reply(&f);
    assert_false(ldns_pkt_edns(f.pkt));
    tear_down(&f);
}

static void reply_that_does_not_fit_fails_the_writer(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f, 32, 0);
    for (size_t cap = 0; cap < 570; cap++) {
        read_query(&f, NAME, TYPE_A, true);
        f.w = writer_init(f.reply, cap);
        compose_answer(&f.w, &f.request, &f.compose);
        assert_int_equal(f.w.failed, cap < 12 + 33 + 4 + 32 * 16 + EDNS_OPT_OCTETS);
    }
    tear_down(&f);
}

/* ---- Chains -------------------------------------------------------------------------------------- */

/* A reply to cdn.example with one CNAME into the rule, what compose_append says, and its counts. */
static bool append(struct fixture *f, uint16_t type, uint32_t chain_ttl_s, uint16_t counts[3])
{
    static const uint8_t target[] = "\6bucket\2s3\7example";
    struct compose_chain chain = {.ttl_s = chain_ttl_s};
    struct reply_status status = {.rcode = RCODE_NOERROR, .ede = EDE_NONE};
    bool known;

    read_query(f, "cdn.example", type, true);
    reply_begin(&f->w, &f->request);
    chain.owner = (uint16_t)(f->w.len + 12);
    chain.rule_owner = (uint16_t)(chain.owner + 7);
    rr_write(&f->w, MESSAGE_HEADER_OCTETS, TYPE_CNAME, chain_ttl_s,
             (struct bytes){target, sizeof(target)});
    counts[0] = 1;
    counts[1] = 0;
    counts[2] = 0;
    known = compose_append(&f->w, &f->request, &f->compose, &chain, counts);
    reply_end(&f->w, &f->request, &status, counts);
    read_reply(f);
    return known;
}

static void chain_ends_in_the_addresses_with_the_least_ttl(void **state)
{
    struct fixture f;
    uint16_t counts[3];

    (void)state;
    set_up(&f, 2, 0);
    f.compose.turn = 1;
    assert_true(append(&f, TYPE_A, 25, counts));
    assert_counts(&f, 3, 0);
    assert_record(ldns_pkt_answer(f.pkt), 0, "cdn.example.\t25\tIN\tCNAME\tbucket.s3.example.");
    assert_record(ldns_pkt_answer(f.pkt), 1, "bucket.s3.example.\t25\tIN\tA\t10.0.0.2");
    assert_record(ldns_pkt_answer(f.pkt), 2, "bucket.s3.example.\t25\tIN\tA\t10.0.0.1");
    assert_true(append(&f, TYPE_A, 300, counts));
    assert_record(ldns_pkt_answer(f.pkt), 1, "bucket.s3.example.\t40\tIN\tA\t10.0.0.2");
    tear_down(&f);
}

/* RFC 2308 section 2.2: the chain stays in the answer, the SOA says that its end has no such type. */
static void chain_without_the_type_is_nodata_of_its_end(void **state)
{
    struct fixture f;
    uint16_t counts[3];

    (void)state;
    set_up(&f, 2, 0);
    assert_true(append(&f, TYPE_AAAA, 25, counts));
    assert_counts(&f, 1, 1);
    assert_record(ldns_pkt_authority(f.pkt), 0,
                  "s3.example.\t60\tIN\tSOA\tlocal53. hostmaster.local53. 1 3600 600 604800 60");
    assert_true(append(&f, TYPE_HTTPS, 25, counts));
    assert_counts(&f, 1, 1);
    tear_down(&f);
}

static void chain_into_an_endpoint_without_address_is_told(void **state)
{
    struct fixture f;
    uint16_t counts[3];

    (void)state;
    set_up(&f, 0, 0);
    f.addresses.state = ADDRESSES_NONE;
    assert_false(append(&f, TYPE_A, 25, counts));
    assert_counts(&f, 1, 0);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gets_the_addresses_flattened_in_the_case_asked),
        cmocka_unit_test(aaaa_gets_the_ipv6_addresses),
        cmocka_unit_test(aaaa_without_ipv6_addresses_is_nodata),
        cmocka_unit_test(other_types_are_nodata),
        cmocka_unit_test(any_gets_one_rrset),
        cmocka_unit_test(order_rotates_with_the_turn_and_keeps_all_addresses),
        cmocka_unit_test(soa_of_a_wildcard_rule_is_owned_by_the_part_below_the_star),
        cmocka_unit_test(ttl_follows_the_state_of_the_addresses),
        cmocka_unit_test(without_an_address_every_type_is_servfail_with_a_reason),
        cmocka_unit_test(opt_is_in_the_reply_only_if_it_was_in_the_query),
        cmocka_unit_test(reply_that_does_not_fit_fails_the_writer),
        cmocka_unit_test(chain_ends_in_the_addresses_with_the_least_ttl),
        cmocka_unit_test(chain_without_the_type_is_nodata_of_its_end),
        cmocka_unit_test(chain_into_an_endpoint_without_address_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
