/* Special names: which rows there are, and their answers read back with ldns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ldns/ldns.h>

#include "local53/base/bytes.h"
#include "local53/dns/text.h"
#include "local53/rules/special.h"
#include "wire.h"

#define TEN_ZEROS "0.0.0.0.0.0.0.0.0.0."
#define LOOPBACK_V6 "1.0." TEN_ZEROS TEN_ZEROS TEN_ZEROS "ip6.arpa"

/* The row that a name is at or below, the longest; NULL when none. */
static const struct special_row *row_of(const char *text, uint8_t *labels)
{
    size_t count;
    const struct special_row *rows = special_rows(&count);
    const struct special_row *best = NULL;
    struct name name;
    struct name row;

    *labels = 0;
    assert_int_equal(text_read_name(&name, text), ERR_OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(text_read_name(&row, rows[i].name), ERR_OK);
        if (name_is_at_or_below(&name, &row) && row.labels > *labels) {
            best = &rows[i];
            *labels = row.labels;
        }
    }
    return best;
}

/* The answer to a question for a special name; owned by the caller. */
static ldns_pkt *ask(const char *name, uint16_t type)
{
    uint8_t packet[512];
    uint8_t reply[1024];
    struct writer query = writer_init(packet, sizeof(packet));
    struct writer w = writer_init(reply, sizeof(reply));
    struct request request;
    enum dns_rcode rcode;
    uint8_t labels;
    const struct special_row *row = row_of(name, &labels);
    ldns_pkt *pkt = NULL;

    assert_non_null(row);
    wire_query(&query, name, type, true);
    assert_int_equal(request_parse(&request, &rcode, packet, query.len), REQUEST_ANSWER);
    special_answer(&w, &request, row->kind, labels);
    assert_false(w.failed);
    assert_int_equal(ldns_wire2pkt(&pkt, reply, w.len), LDNS_STATUS_OK);
    assert_int_equal(ldns_pkt_id(pkt), WIRE_ID);
    return pkt;
}

static void assert_text(char *text, const char *expected)
{
    assert_string_equal(text, expected);
    free(text);
}

/* One record in the answer, as text with its newline, and nothing else. */
static void assert_answer(const char *name, uint16_t type, const char *expected)
{
    ldns_pkt *pkt = ask(name, type);

    assert_int_equal(ldns_pkt_get_rcode(pkt), LDNS_RCODE_NOERROR);
    assert_int_equal(ldns_pkt_ancount(pkt), 1);
    assert_int_equal(ldns_pkt_nscount(pkt), 0);
    assert_text(ldns_rr2str(ldns_rr_list_rr(ldns_pkt_answer(pkt), 0)), expected);
    ldns_pkt_free(pkt);
}

/* No answer, one SOA with the owner told. */
static void assert_negative(const char *name, uint16_t type, ldns_pkt_rcode rcode,
                            const char *owner)
{
    ldns_pkt *pkt = ask(name, type);
    ldns_rr *soa;

    assert_int_equal(ldns_pkt_get_rcode(pkt), rcode);
    assert_int_equal(ldns_pkt_ancount(pkt), 0);
    assert_int_equal(ldns_pkt_nscount(pkt), 1);
    soa = ldns_rr_list_rr(ldns_pkt_authority(pkt), 0);
    assert_int_equal(ldns_rr_get_type(soa), LDNS_RR_TYPE_SOA);
    assert_int_equal(ldns_rr_ttl(soa), ldns_rdf2native_int32(ldns_rr_rdf(soa, 6)));
    assert_text(ldns_rdf2str(ldns_rr_owner(soa)), owner);
    ldns_pkt_free(pkt);
}

/* RFC 6761 section 6.3. */
static void localhost_and_names_below_it_are_the_loopback(void **state)
{
    (void)state;
    assert_answer("LocalHost", TYPE_A, "LocalHost.\t600\tIN\tA\t127.0.0.1\n");
    assert_answer("localhost", TYPE_AAAA, "localhost.\t600\tIN\tAAAA\t::1\n");
    assert_answer("a.b.localhost", TYPE_A, "a.b.localhost.\t600\tIN\tA\t127.0.0.1\n");
    assert_answer("localhost", TYPE_ANY, "localhost.\t600\tIN\tA\t127.0.0.1\n");
    assert_negative("localhost", TYPE_MX, LDNS_RCODE_NOERROR, "localhost.");
    assert_negative("a.localhost", TYPE_HTTPS, LDNS_RCODE_NOERROR, "localhost.");
}

static void loopback_addresses_are_named_localhost(void **state)
{
    (void)state;
    assert_answer("1.0.0.127.in-addr.arpa", TYPE_PTR,
                  "1.0.0.127.in-addr.arpa.\t600\tIN\tPTR\tlocalhost.\n");
    assert_answer(LOOPBACK_V6, TYPE_PTR, LOOPBACK_V6 ".\t600\tIN\tPTR\tlocalhost.\n");
    assert_negative("1.0.0.127.in-addr.arpa", TYPE_A, LDNS_RCODE_NOERROR, "127.in-addr.arpa.");
    assert_negative(LOOPBACK_V6, TYPE_A, LDNS_RCODE_NOERROR, LOOPBACK_V6 ".");
}

/* RFC 8020: NXDOMAIN for 0.127.in-addr.arpa would deny 1.0.0.127 too. */
static void names_above_a_loopback_address_exist_and_others_do_not(void **state)
{
    (void)state;
    assert_negative("127.in-addr.arpa", TYPE_PTR, LDNS_RCODE_NOERROR, "127.in-addr.arpa.");
    assert_negative("0.127.in-addr.arpa", TYPE_PTR, LDNS_RCODE_NOERROR, "127.in-addr.arpa.");
    assert_negative("0.0.127.in-addr.arpa", TYPE_PTR, LDNS_RCODE_NOERROR, "127.in-addr.arpa.");
    assert_negative("2.0.0.127.in-addr.arpa", TYPE_PTR, LDNS_RCODE_NXDOMAIN, "127.in-addr.arpa.");
    assert_negative("1.127.in-addr.arpa", TYPE_PTR, LDNS_RCODE_NXDOMAIN, "127.in-addr.arpa.");
    assert_negative("x.1.0.0.127.in-addr.arpa", TYPE_PTR, LDNS_RCODE_NXDOMAIN, "127.in-addr.arpa.");
    assert_negative("x." LOOPBACK_V6, TYPE_PTR, LDNS_RCODE_NXDOMAIN, LOOPBACK_V6 ".");
}

static void names_that_never_exist_are_nxdomain_owned_by_their_row(void **state)
{
    (void)state;
    assert_negative("invalid", TYPE_A, LDNS_RCODE_NXDOMAIN, "invalid.");
    assert_negative("a.b.Invalid", TYPE_A, LDNS_RCODE_NXDOMAIN, "Invalid.");
    assert_negative("x.test", TYPE_AAAA, LDNS_RCODE_NXDOMAIN, "test.");
    assert_negative("x.onion", TYPE_A, LDNS_RCODE_NXDOMAIN, "onion.");
    assert_negative("printer.local", TYPE_ANY, LDNS_RCODE_NXDOMAIN, "local.");
    assert_negative("router.home.arpa", TYPE_A, LDNS_RCODE_NXDOMAIN, "home.arpa.");
    assert_negative("1.1.254.169.in-addr.arpa", TYPE_PTR, LDNS_RCODE_NXDOMAIN,
                    "254.169.in-addr.arpa.");
}

/* RFC 9462 section 6.4. */
static void resolver_arpa_is_nodata(void **state)
{
    (void)state;
    assert_negative("_dns.resolver.arpa", TYPE_SVCB, LDNS_RCODE_NOERROR, "resolver.arpa.");
    assert_negative("resolver.arpa", TYPE_A, LDNS_RCODE_NOERROR, "resolver.arpa.");
}

/* VPCs, pods and services have these addresses, so somebody upstream knows their names. */
static void reverse_zones_of_private_networks_are_not_special(void **state)
{
    static const char *const names[] = {"1.0.0.10.in-addr.arpa",
                                        "1.0.16.172.in-addr.arpa",
                                        "1.1.31.172.in-addr.arpa",
                                        "1.1.168.192.in-addr.arpa",
                                        "1.1.64.100.in-addr.arpa",
                                        "1.d.f.ip6.arpa",
                                        "4.3.2.1.in-addr.arpa",
                                        "in-addr.arpa",
                                        "arpa",
                                        "localhost.example",
                                        "xlocalhost",
                                        "example"};
    uint8_t labels;

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_null(row_of(names[i], &labels));
}

static void every_row_is_a_name_of_its_own_with_a_source(void **state)
{
    size_t count;
    const struct special_row *rows = special_rows(&count);

    (void)state;
    assert_int_equal(count, 21);
    for (size_t i = 0; i < count; i++) {
        uint8_t labels;

        assert_ptr_equal(row_of(rows[i].name, &labels), &rows[i]);
        assert_memory_equal(rows[i].source, "RFC ", 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(localhost_and_names_below_it_are_the_loopback),
        cmocka_unit_test(loopback_addresses_are_named_localhost),
        cmocka_unit_test(names_above_a_loopback_address_exist_and_others_do_not),
        cmocka_unit_test(names_that_never_exist_are_nxdomain_owned_by_their_row),
        cmocka_unit_test(resolver_arpa_is_nodata),
        cmocka_unit_test(reverse_zones_of_private_networks_are_not_special),
        cmocka_unit_test(every_row_is_a_name_of_its_own_with_a_source),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
