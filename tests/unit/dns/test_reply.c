/* reply: unit tests of the frame of answers and of queries to upstreams. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ldns/ldns.h>

#include "local53/dns/reply.h"
#include "local53/dns/rr.h"
#include "wire.h"

static const struct reply_status FINE = {RCODE_NOERROR, EDE_NONE, NULL};
static const uint16_t NO_RECORDS[3] = {0, 0, 0};

/* A client's query and the reply being written. */
struct fixture {
    uint8_t query[512];     /* as sent */
    struct request request; /* parsed from query */
    uint8_t octets[512];    /* the reply */
    struct writer w;        /* over octets */
};

/* Parses a query for "wWw.example A" with these flags and, if edns, an OPT with or without DO. */
static void ask(struct fixture *f, uint16_t flags, bool edns, bool dnssec_ok)
{
    struct writer w = writer_init(f->query, sizeof(f->query));
    enum dns_rcode rcode;

    wire_header(&w, flags, (const uint16_t[4]){1, 0, 0, edns ? 1 : 0});
    wire_question(&w, "wWw.example", TYPE_A);
    if (edns)
        wire_opt(&w, 1232, dnssec_ok ? EDNS_FLAG_DO : 0, (struct bytes){NULL, 0});
    assert_int_not_equal(request_parse(&f->request, &rcode, f->query, w.len), REQUEST_DROP);
    f->w = writer_init(f->octets, sizeof(f->octets));
}

static struct header header_of(const struct fixture *f)
{
    struct reader r = reader_init(f->octets, f->w.len);
    struct header header;

    assert_int_equal(header_read(&header, &r), ERR_OK);
    return header;
}

/* ldns must find the reply well-formed; the caller frees it. */
static ldns_pkt *parsed(const struct fixture *f)
{
    ldns_pkt *packet = NULL;

    assert_false(f->w.failed);
    assert_int_equal(ldns_wire2pkt(&packet, f->octets, f->w.len), LDNS_STATUS_OK);
    return packet;
}

/* RFC 1035 section 4.1.1, RFC 4035 section 3.2.2 for CD */
static void id_opcode_rd_cd_and_question_are_copied_and_qr_and_ra_set(void **state)
{
    struct fixture f;
    uint16_t flags = (OPCODE_NOTIFY << FLAG_OPCODE_SHIFT) | FLAG_RD | FLAG_CD;

    (void)state;
    ask(&f, flags | FLAG_AD | FLAG_Z | FLAG_TC | FLAG_AA, false, false);
    reply_begin(&f.w, &f.request);
    reply_end(&f.w, &f.request, &FINE, NO_RECORDS);
    assert_int_equal(header_of(&f).id, WIRE_ID);
    assert_int_equal(header_of(&f).flags, flags | FLAG_QR | FLAG_RA);
    assert_int_equal(header_of(&f).qdcount, 1);
    assert_memory_equal(f.octets + 12, "\3wWw\7example\0\0\1\0\1", 17);
    assert_int_equal(f.w.len, 29);
    ask(&f, 0, false, false);
    reply_begin(&f.w, &f.request);
    reply_end(&f.w, &f.request, &FINE, NO_RECORDS);
    assert_int_equal(header_of(&f).flags, FLAG_QR | FLAG_RA);
}

/* RFC 6891 section 6.1.1, RFC 3225 section 3 */
static void an_opt_answers_an_opt_and_copies_do(void **state)
{
    struct fixture f;

    (void)state;
    for (int dnssec_ok = 0; dnssec_ok < 2; dnssec_ok++) {
        ldns_pkt *packet;

        ask(&f, FLAG_RD, true, dnssec_ok == 1);
        reply_begin(&f.w, &f.request);
        reply_end(&f.w, &f.request, &FINE, NO_RECORDS);
        packet = parsed(&f);
        assert_true(ldns_pkt_edns(packet));
        assert_int_equal(ldns_pkt_edns_udp_size(packet), EDNS_UDP_SIZE);
        assert_int_equal(ldns_pkt_edns_do(packet), dnssec_ok);
        ldns_pkt_free(packet);
    }
    ask(&f, FLAG_RD, false, false);
    reply_begin(&f.w, &f.request);
    reply_end(&f.w, &f.request, &FINE, NO_RECORDS);
    assert_int_equal(header_of(&f).arcount, 0);
}

/* RFC 6891 section 6.1.3 */
static void bad_version_is_split_between_header_and_opt(void **state)
{
    const struct reply_status status = {RCODE_BADVERS, EDE_NONE, NULL};
    struct fixture f;
    ldns_pkt *packet;

    (void)state;
    ask(&f, 0, true, false);
    reply_write_error(&f.w, &f.request, &status);
    packet = parsed(&f);
    assert_int_equal(ldns_pkt_get_rcode(packet), 0);
    assert_int_equal(ldns_pkt_edns_extended_rcode(packet), 1);
    assert_int_equal(ldns_pkt_edns_version(packet), 0);
    ldns_pkt_free(packet);
}

static void an_extended_rcode_is_a_server_failure_without_edns(void **state)
{
    const struct reply_status status = {RCODE_BADVERS, EDE_NONE, NULL};
    struct fixture f;

    (void)state;
    ask(&f, 0, false, false);
    reply_write_error(&f.w, &f.request, &status);
    assert_int_equal(header_of(&f).flags & FLAG_RCODE_MASK, RCODE_SERVFAIL);
}

/* RFC 8914 section 3: only to clients with EDNS, in any rcode */
static void an_error_carries_its_reason_to_clients_with_edns(void **state)
{
    const struct reply_status status = {RCODE_SERVFAIL, EDE_NOT_READY, "no address known"};
    struct fixture f;
    size_t plain;

    (void)state;
    ask(&f, 0, false, false);
    reply_write_error(&f.w, &f.request, &status);
    plain = f.w.len;
    ask(&f, 0, true, false);
    reply_write_error(&f.w, &f.request, &status);
    assert_int_equal(f.w.len - plain, edns_octets(EDE_NOT_READY, "no address known"));
    assert_memory_equal(f.octets + f.w.len - 16, "no address known", 16);
    assert_int_equal(header_of(&f).flags & FLAG_RCODE_MASK, RCODE_SERVFAIL);
    ldns_pkt_free(parsed(&f));
}

/* RFC 1035 section 4.1.1: a FORMERR without a question to repeat has QDCOUNT 0. */
static void an_unreadable_question_is_not_echoed(void **state)
{
    const struct reply_status status = {RCODE_FORMERR, EDE_NONE, NULL};
    struct fixture f;

    (void)state;
    ask(&f, 0, false, false);
    f.request.has_question = false;
    reply_write_error(&f.w, &f.request, &status);
    assert_int_equal(f.w.len, MESSAGE_HEADER_OCTETS);
    assert_int_equal(header_of(&f).qdcount, 0);
    assert_int_equal(header_of(&f).flags & FLAG_RCODE_MASK, RCODE_FORMERR);
}

/* RFC 2181 section 9, RFC 5625 section 4.4 */
static void a_truncated_reply_has_tc_the_question_the_opt_and_no_record(void **state)
{
    const struct reply_status nxdomain = {RCODE_NXDOMAIN, EDE_NONE, NULL};
    struct fixture f;
    ldns_pkt *packet;

    (void)state;
    ask(&f, FLAG_RD, true, true);
    f.w.cap = 64;
    reply_begin(&f.w, &f.request);
    rr_write(&f.w, 12, TYPE_A, 60, WIRE_BYTES("\12\0\0\1"));
    reply_end(&f.w, &f.request, &nxdomain, (const uint16_t[3]){1, 0, 0});
    assert_int_equal(header_of(&f).ancount, 1);
    rr_write(&f.w, 12, TYPE_A, 60, WIRE_BYTES("\12\0\0\1"));
    assert_true(f.w.failed);
    reply_truncate(&f.w, &f.request);
    assert_int_equal(f.w.len, 29 + EDNS_OPT_OCTETS);
    packet = parsed(&f);
    assert_true(ldns_pkt_tc(packet));
    assert_true(ldns_pkt_rd(packet));
    assert_int_equal(ldns_pkt_get_rcode(packet), RCODE_NXDOMAIN);
    assert_int_equal(ldns_pkt_qdcount(packet), 1);
    assert_int_equal(ldns_pkt_ancount(packet), 0);
    assert_true(ldns_pkt_edns_do(packet));
    ldns_pkt_free(packet);
}

static void section_counts_are_patched_and_the_opt_counted(void **state)
{
    struct fixture f;
    ldns_pkt *packet;

    (void)state;
    ask(&f, FLAG_RD, true, false);
    reply_begin(&f.w, &f.request);
    rr_write(&f.w, 12, TYPE_A, 60, WIRE_BYTES("\12\0\0\1"));
    rr_write(&f.w, 12, TYPE_A, 60, WIRE_BYTES("\12\0\0\1"));
    reply_write_soa(&f.w, 16, 60);
    rr_write(&f.w, 16, TYPE_A, 60, WIRE_BYTES("\12\0\0\1"));
    reply_end(&f.w, &f.request, &FINE, (const uint16_t[3]){2, 1, 1});
    packet = parsed(&f);
    assert_int_equal(header_of(&f).arcount, 2);
    assert_int_equal(ldns_pkt_ancount(packet), 2);
    assert_int_equal(ldns_pkt_nscount(packet), 1);
    ldns_pkt_free(packet);
}

/* RFC 2308 section 3: the SOA of a negative answer; its TTL and MINIMUM are equal. */
static void our_soa_has_constant_names_and_the_ttl_as_minimum(void **state)
{
    const struct reply_status nxdomain = {RCODE_NXDOMAIN, EDE_NONE, NULL};
    struct fixture f;
    ldns_pkt *packet;
    char *text;

    (void)state;
    ask(&f, FLAG_RD, false, false);
    reply_begin(&f.w, &f.request);
    reply_write_soa(&f.w, 16, 60);
    reply_end(&f.w, &f.request, &nxdomain, (const uint16_t[3]){0, 1, 0});
    packet = parsed(&f);
    text = ldns_rr2str(ldns_rr_list_rr(ldns_pkt_authority(packet), 0));
    assert_string_equal(text, "example.\t60\tIN\tSOA\tlocal53. hostmaster.local53. "
                              "1 3600 600 604800 60\n");
    free(text);
    ldns_pkt_free(packet);
}

/* RFC 6840 section 5.7 (AD), RFC 4035 section 3.2.2 (CD), RFC 6891 */
static void a_query_to_an_upstream_says_what_it_is_told(void **state)
{
    const struct outgoing full = {0xbeef, true, true, true, true};
    const struct outgoing bare = {0xbeef, false, false, false, false};
    struct fixture f;
    ldns_pkt *packet;

    (void)state;
    ask(&f, 0, false, false);
    query_write(&f.w, &full, &f.request.qname, TYPE_HTTPS, CLASS_IN);
    assert_memory_equal(f.octets + 12, "\3www\7example\0\0\101\0\1", 17);
    packet = parsed(&f);
    assert_int_equal(header_of(&f).id, 0xbeef);
    assert_int_equal(header_of(&f).flags, FLAG_RD | FLAG_AD | FLAG_CD);
    assert_true(ldns_pkt_edns_do(packet));
    assert_int_equal(ldns_pkt_edns_udp_size(packet), EDNS_UDP_SIZE);
    ldns_pkt_free(packet);
    f.w.len = 0;
    query_write(&f.w, &bare, &f.request.qname, TYPE_HTTPS, CLASS_IN);
    assert_int_equal(header_of(&f).flags, FLAG_AD);
    assert_int_equal(header_of(&f).arcount, 0);
    assert_int_equal(f.w.len, 29);
}

static void any_is_answered_by_one_record_of_no_use(void **state)
{
    static const uint8_t record[] = "\300\14\0\15\0\1\0\0\16\20\0\11\7RFC8482";
    struct fixture f;
    size_t at;

    (void)state;
    ask(&f, FLAG_RD, false, false);
    at = MESSAGE_HEADER_OCTETS + (size_t)f.request.question_len;
    reply_write_any(&f.w, &f.request);
    assert_int_equal(header_of(&f).ancount, 1);
    assert_int_equal(f.w.len, at + sizeof(record));
    assert_memory_equal(f.octets + at, record, sizeof(record));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(id_opcode_rd_cd_and_question_are_copied_and_qr_and_ra_set),
        cmocka_unit_test(an_opt_answers_an_opt_and_copies_do),
        cmocka_unit_test(bad_version_is_split_between_header_and_opt),
        cmocka_unit_test(an_extended_rcode_is_a_server_failure_without_edns),
        cmocka_unit_test(an_error_carries_its_reason_to_clients_with_edns),
        cmocka_unit_test(an_unreadable_question_is_not_echoed),
        cmocka_unit_test(a_truncated_reply_has_tc_the_question_the_opt_and_no_record),
        cmocka_unit_test(section_counts_are_patched_and_the_opt_counted),
        cmocka_unit_test(any_is_answered_by_one_record_of_no_use),
        cmocka_unit_test(our_soa_has_constant_names_and_the_ttl_as_minimum),
        cmocka_unit_test(a_query_to_an_upstream_says_what_it_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
