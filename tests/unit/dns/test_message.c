/* message: unit tests of the header and the parser of queries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "local53/dns/message.h"
#include "wire.h"

#define NO_BYTES ((struct bytes){NULL, 0})

/* A packet under construction and what the parser said of it. */
struct packet {
    uint8_t octets[1024];   /* exactly as long as the packet could be */
    struct writer w;        /* over octets */
    struct request request; /* out of parse */
    enum dns_rcode rcode;   /* out of parse */
};

static struct writer *start(struct packet *packet, uint16_t flags, const uint16_t counts[4])
{
    packet->w = writer_init(packet->octets, sizeof(packet->octets));
    wire_header(&packet->w, flags, counts);
    return &packet->w;
}

static struct writer *start_query(struct packet *packet, uint16_t arcount)
{
    struct writer *w = start(packet, FLAG_RD, (const uint16_t[4]){1, 0, 0, arcount});

    wire_question(w, "www.Example.com", TYPE_A);
    return w;
}

static enum request_verdict parse(struct packet *packet)
{
    assert_false(packet->w.failed);
    return request_parse(&packet->request, &packet->rcode, packet->octets, packet->w.len);
}

static void assert_rejected(struct packet *packet, enum dns_rcode rcode)
{
    assert_int_equal(parse(packet), REQUEST_REJECT);
    assert_int_equal(packet->rcode, rcode);
}

/* RFC 1035 section 4.1.2; RFC 4343 section 4.1 for the question's case */
static void a_plain_query_is_answered_with_its_question_at_hand(void **state)
{
    struct packet packet;
    const struct request *request = &packet.request;

    (void)state;
    start_query(&packet, 0);
    assert_int_equal(parse(&packet), REQUEST_ANSWER);
    assert_int_equal(packet.rcode, RCODE_NOERROR);
    assert_int_equal(request->header.id, WIRE_ID);
    assert_int_equal(request->header.flags, FLAG_RD);
    assert_int_equal(request->header.qdcount, 1);
    assert_true(request->has_question);
    assert_int_equal(request->qtype, TYPE_A);
    assert_int_equal(request->qclass, CLASS_IN);
    assert_int_equal(request->question_len, 21);
    assert_memory_equal(request->question, "\3www\7Example\3com\0\0\1\0\1", 21);
    assert_memory_equal(request->qname.wire, "\3www\7example\3com", 17);
    assert_false(request->edns.present);
}

/* RFC 6891 section 6.1.1: an OPT never causes a drop; options of any number are passed over. */
static void a_query_with_an_opt_is_answered_with_or_without_options(void **state)
{
    struct bytes cookie = WIRE_BYTES("\0\12\0\10abcdefgh\xff\xfe\0\0");
    struct packet packet;

    (void)state;
    wire_opt(start_query(&packet, 1), 4096, EDNS_FLAG_DO, NO_BYTES);
    assert_int_equal(parse(&packet), REQUEST_ANSWER);
    assert_true(packet.request.edns.present);
    assert_true(packet.request.edns.dnssec_ok);
    assert_int_equal(packet.request.edns.udp_size, 4096);
    wire_opt(start_query(&packet, 1), 1232, 0, cookie);
    assert_int_equal(parse(&packet), REQUEST_ANSWER);
    assert_false(packet.request.edns.dnssec_ok);
}

/* RFC 5625 section 4.3, RFC 3597 section 3 */
static void any_type_and_class_number_passes(void **state)
{
    static const uint16_t types[] = {TYPE_HTTPS, 248, 253, TYPE_ANY, 256, 65280, 65535};
    struct packet packet;

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct writer *w = start(&packet, FLAG_RD, (const uint16_t[4]){1, 0, 0, 0});

        wire_question(w, "example", types[i]);
        bytes_put_u16(packet.octets + w->len - 2, 0xfedc);
        assert_int_equal(parse(&packet), REQUEST_ANSWER);
        assert_int_equal(packet.request.qtype, types[i]);
        assert_int_equal(packet.request.qclass, 0xfedc);
    }
}

/* RFC 5625 section 4.1 */
static void unknown_header_flags_do_not_stop_a_query(void **state)
{
    static const uint16_t flags[] = {FLAG_AD, FLAG_CD, FLAG_Z, FLAG_TC, FLAG_AA, FLAG_RA, 15};
    struct packet packet;

    (void)state;
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        wire_question(start(&packet, flags[i], (const uint16_t[4]){1, 0, 0, 0}), "a", TYPE_A);
        assert_int_equal(parse(&packet), REQUEST_ANSWER);
        assert_int_equal(packet.request.header.flags, flags[i]);
    }
}

/* RFC 1035 section 4.1.1: only responses have QR set; answering one could loop. */
static void a_response_is_dropped(void **state)
{
    struct packet packet;

    (void)state;
    wire_question(start(&packet, FLAG_QR, (const uint16_t[4]){1, 0, 0, 0}), "a", TYPE_A);
    assert_int_equal(parse(&packet), REQUEST_DROP);
}

/* RFC 1035 section 4.1.1: without a header there is no ID to answer to. */
static void less_than_a_header_is_dropped(void **state)
{
    struct packet packet;

    (void)state;
    start_query(&packet, 0);
    for (packet.w.len = 0; packet.w.len < MESSAGE_HEADER_OCTETS; packet.w.len++)
        assert_int_equal(parse(&packet), REQUEST_DROP);
}

/* RFC 1035 section 4.1.1 */
static void a_query_cut_behind_its_header_is_a_format_error(void **state)
{
    struct packet packet;
    size_t whole;

    (void)state;
    wire_opt(start_query(&packet, 1), 1232, 0, WIRE_BYTES("\0\12\0\2ab"));
    whole = packet.w.len;
    for (packet.w.len = MESSAGE_HEADER_OCTETS; packet.w.len < whole; packet.w.len++) {
        assert_rejected(&packet, RCODE_FORMERR);
        assert_int_equal(packet.request.has_question, packet.w.len >= 33);
        assert_false(packet.request.edns.present);
    }
    assert_int_equal(parse(&packet), REQUEST_ANSWER);
}

static void a_malformed_question_is_a_format_error_without_a_question(void **state)
{
    struct packet packet;
    struct writer *w = start(&packet, FLAG_RD, (const uint16_t[4]){1, 0, 0, 0});

    (void)state;
    wire_pointer(w, 12);
    writer_u32(w, 0x00010001);
    assert_rejected(&packet, RCODE_FORMERR);
    assert_false(packet.request.has_question);
    assert_int_equal(packet.request.question_len, 0);
}

/* RFC 9619 section 4 */
static void more_than_one_question_is_a_format_error(void **state)
{
    struct packet packet;
    struct writer *w = start(&packet, FLAG_RD, (const uint16_t[4]){2, 0, 0, 1});

    (void)state;
    wire_question(w, "a", TYPE_A);
    wire_question(w, "a", TYPE_AAAA);
    wire_opt(w, 1400, 0, NO_BYTES);
    assert_rejected(&packet, RCODE_FORMERR);
    assert_false(packet.request.has_question);
    assert_true(packet.request.edns.present);
}

/* RFC 9619 section 4: QDCOUNT of zero has uses, none of which is ours (RFC 7873 section 5.4). */
static void no_question_is_a_format_error(void **state)
{
    struct packet packet;

    (void)state;
    start(&packet, FLAG_RD, (const uint16_t[4]){0, 0, 0, 0});
    assert_rejected(&packet, RCODE_FORMERR);
    assert_false(packet.request.has_question);
}

/* RFC 8906 section 3.1.4 */
static void other_opcodes_are_not_implemented_and_echo_the_question(void **state)
{
    struct packet packet;

    (void)state;
    for (unsigned opcode = 1; opcode < 16; opcode++) {
        uint16_t flags = (uint16_t)(opcode << FLAG_OPCODE_SHIFT);

        wire_question(start(&packet, flags, (const uint16_t[4]){1, 0, 0, 0}), "a.b", TYPE_SOA);
        assert_rejected(&packet, RCODE_NOTIMP);
        assert_true(packet.request.has_question);
        assert_int_equal(packet.request.qtype, TYPE_SOA);
        packet.w.len -= 3;
        assert_rejected(&packet, RCODE_NOTIMP);
        assert_false(packet.request.has_question);
    }
}

/* RFC 6891 section 6.1.3 */
static void a_later_edns_version_is_a_bad_version(void **state)
{
    struct packet packet;

    (void)state;
    wire_opt(start_query(&packet, 1), 4096, 0x00010000 | EDNS_FLAG_DO, WIRE_BYTES("odd"));
    assert_rejected(&packet, RCODE_BADVERS);
    assert_true(packet.request.has_question);
    assert_true(packet.request.edns.present);
    assert_true(packet.request.edns.dnssec_ok);
}

/* RFC 6891 section 6.1.1 */
static void two_opts_are_a_format_error_that_keeps_the_first(void **state)
{
    struct packet packet;
    struct writer *w = start_query(&packet, 2);

    (void)state;
    wire_opt(w, 4096, 0, NO_BYTES);
    wire_opt(w, 1400, 0, NO_BYTES);
    assert_rejected(&packet, RCODE_FORMERR);
    assert_true(packet.request.has_question);
    assert_true(packet.request.edns.present);
    assert_int_equal(packet.request.edns.udp_size, 4096);
}

/* RFC 6891 section 6.1.1 and 6.1.2 */
static void an_opt_with_an_owner_or_outside_its_section_is_a_format_error(void **state)
{
    struct packet packet;
    struct writer *w = start_query(&packet, 1);

    (void)state;
    wire_name(w, "a");
    wire_record(w, TYPE_OPT, 0, NO_BYTES);
    assert_rejected(&packet, RCODE_FORMERR);
    wire_opt(start_query(&packet, 0), 4096, 0, NO_BYTES);
    bytes_put_u16(packet.octets + 8, 1);
    assert_rejected(&packet, RCODE_FORMERR);
}

/* RFC 6891 section 6.1.2 */
static void options_that_do_not_fill_their_opt_are_a_format_error(void **state)
{
    struct packet packet;

    (void)state;
    wire_opt(start_query(&packet, 1), 4096, 0, WIRE_BYTES("\0\12\0\3ab"));
    assert_rejected(&packet, RCODE_FORMERR);
    wire_opt(start_query(&packet, 1), 4096, 0, WIRE_BYTES("\0\12\0\2abc"));
    assert_rejected(&packet, RCODE_FORMERR);
}

static void octets_behind_the_last_record_are_a_format_error(void **state)
{
    struct packet packet;

    (void)state;
    writer_u8(start_query(&packet, 0), 0);
    assert_rejected(&packet, RCODE_FORMERR);
    assert_true(packet.request.has_question);
    wire_opt(start_query(&packet, 1), 4096, 0, NO_BYTES);
    writer_u8(&packet.w, 0);
    assert_rejected(&packet, RCODE_FORMERR);
    assert_true(packet.request.edns.present);
}

/* RFC 5625 section 4.5, RFC 8945 section 5.1 */
static void a_signed_query_is_refused_and_a_misplaced_signature_a_format_error(void **state)
{
    struct packet packet;
    struct writer *w = start_query(&packet, 2);

    (void)state;
    wire_opt(w, 4096, 0, NO_BYTES);
    wire_name(w, "key");
    wire_record(w, TYPE_TSIG, 0, WIRE_BYTES("opaque"));
    assert_rejected(&packet, RCODE_REFUSED);
    w = start_query(&packet, 2);
    wire_name(w, "key");
    wire_record(w, TYPE_TSIG, 0, WIRE_BYTES("opaque"));
    wire_opt(w, 4096, 0, NO_BYTES);
    assert_rejected(&packet, RCODE_FORMERR);
}

/* RFC 5625 section 4.5, RFC 2931 section 3: a SIG that covers type 0 and is owned by the root */
static void a_query_with_sig0_is_refused_but_other_sigs_pass(void **state)
{
    struct packet packet;
    struct writer *w = start_query(&packet, 1);

    (void)state;
    wire_name(w, "");
    wire_record(w, TYPE_SIG, 0, WIRE_BYTES("\0\0rest"));
    assert_rejected(&packet, RCODE_REFUSED);
    w = start_query(&packet, 1);
    wire_name(w, "");
    wire_record(w, TYPE_SIG, 0, WIRE_BYTES("\0\1rest"));
    assert_int_equal(parse(&packet), REQUEST_ANSWER);
}

/* RFC 5936 section 2 (AXFR is TCP between masters), RFC 1995, RFC 2930, RFC 8945, RFC 6891 6.1.1 */
static void meta_types_that_cannot_be_asked_here_are_rejected(void **state)
{
    static const uint16_t refused[] = {TYPE_AXFR, TYPE_IXFR, TYPE_TKEY, TYPE_TSIG};
    struct packet packet;

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        wire_question(start(&packet, 0, (const uint16_t[4]){1, 0, 0, 0}), "a", refused[i]);
        assert_rejected(&packet, RCODE_REFUSED);
        assert_true(packet.request.has_question);
    }
    wire_question(start(&packet, 0, (const uint16_t[4]){1, 0, 0, 0}), "a", TYPE_OPT);
    assert_rejected(&packet, RCODE_FORMERR);
    wire_question(start(&packet, 0, (const uint16_t[4]){1, 0, 0, 0}), "a", 0);
    assert_rejected(&packet, RCODE_FORMERR);
}

static void other_records_in_a_query_are_passed_over(void **state)
{
    struct packet packet;
    struct writer *w = start(&packet, FLAG_RD, (const uint16_t[4]){1, 0, 1, 1});

    (void)state;
    wire_question(w, "a.example", TYPE_A);
    wire_pointer(w, 12);
    wire_record(w, TYPE_A, 1, WIRE_BYTES("\177\0\0\1"));
    wire_opt(w, 512, 0, NO_BYTES);
    assert_int_equal(parse(&packet), REQUEST_ANSWER);
    assert_true(packet.request.edns.present);
}

/* RFC 1035 section 4.2.1, RFC 6891 section 6.2.3, RFC 9715 section 3 */
static void the_udp_limit_is_the_clients_size_from_512_up_to_ours(void **state)
{
    struct request request = {0};

    (void)state;
    assert_int_equal(request_udp_limit(&request, 1232), 512);
    request.edns.present = true;
    request.edns.udp_size = 0;
    assert_int_equal(request_udp_limit(&request, 1232), 512);
    request.edns.udp_size = 900;
    assert_int_equal(request_udp_limit(&request, 1232), 900);
    request.edns.udp_size = 4096;
    assert_int_equal(request_udp_limit(&request, 1232), 1232);
}

/* RFC 5452 section 9.1 */
static void a_response_must_repeat_the_question_asked(void **state)
{
    struct packet packet;
    struct name qname;
    const struct bytes wire = WIRE_BYTES("\3www\7example\3com\0");

    (void)state;
    assert_int_equal(name_from_wire(&qname, wire.data, wire.len), ERR_OK);
    start_query(&packet, 0);
    assert_true(message_question_matches(packet.octets, packet.w.len, &qname, TYPE_A, CLASS_IN));
    assert_false(
        message_question_matches(packet.octets, packet.w.len - 1, &qname, TYPE_A, CLASS_IN));
    assert_false(message_question_matches(packet.octets, packet.w.len, &qname, TYPE_NS, CLASS_IN));
    assert_false(message_question_matches(packet.octets, packet.w.len, &qname, TYPE_A, CLASS_CH));
    packet.octets[13] = 'v';
    assert_false(message_question_matches(packet.octets, packet.w.len, &qname, TYPE_A, CLASS_IN));
    packet.octets[13] = 'W';
    assert_true(message_question_matches(packet.octets, packet.w.len, &qname, TYPE_A, CLASS_IN));
    bytes_put_u16(packet.octets + 4, 2);
    assert_false(message_question_matches(packet.octets, packet.w.len, &qname, TYPE_A, CLASS_IN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_query_is_answered_with_its_question_at_hand),
        cmocka_unit_test(a_query_with_an_opt_is_answered_with_or_without_options),
        cmocka_unit_test(any_type_and_class_number_passes),
        cmocka_unit_test(unknown_header_flags_do_not_stop_a_query),
        cmocka_unit_test(a_response_is_dropped),
        cmocka_unit_test(less_than_a_header_is_dropped),
        cmocka_unit_test(a_query_cut_behind_its_header_is_a_format_error),
        cmocka_unit_test(a_malformed_question_is_a_format_error_without_a_question),
        cmocka_unit_test(more_than_one_question_is_a_format_error),
        cmocka_unit_test(no_question_is_a_format_error),
        cmocka_unit_test(other_opcodes_are_not_implemented_and_echo_the_question),
        cmocka_unit_test(a_later_edns_version_is_a_bad_version),
        cmocka_unit_test(two_opts_are_a_format_error_that_keeps_the_first),
        cmocka_unit_test(an_opt_with_an_owner_or_outside_its_section_is_a_format_error),
        cmocka_unit_test(options_that_do_not_fill_their_opt_are_a_format_error),
        cmocka_unit_test(octets_behind_the_last_record_are_a_format_error),
        cmocka_unit_test(a_signed_query_is_refused_and_a_misplaced_signature_a_format_error),
        cmocka_unit_test(a_query_with_sig0_is_refused_but_other_sigs_pass),
        cmocka_unit_test(meta_types_that_cannot_be_asked_here_are_rejected),
        cmocka_unit_test(other_records_in_a_query_are_passed_over),
        cmocka_unit_test(the_udp_limit_is_the_clients_size_from_512_up_to_ours),
        cmocka_unit_test(a_response_must_repeat_the_question_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
