/* edns: unit tests of the OPT record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "local53/dns/edns.h"
#include "wire.h"

/* Owner and type, which edns_read finds already read. */
#define HEAD_OCTETS 3

static enum err read_opt(struct edns *out, const uint8_t *opt, size_t len)
{
    struct reader r = reader_init(opt, len);
    enum err err;

    reader_skip(&r, HEAD_OCTETS);
    err = edns_read(out, &r);
    assert_int_equal(r.failed, err != ERR_OK);
    return err;
}

/* RFC 6891 section 6.1.2 and 6.1.3, RFC 3225 section 3 */
static void every_field_of_an_opt_is_read(void **state)
{
    struct edns edns = {0};
    struct bytes opt = WIRE_BYTES("\0\0\51\20\0\1\2\x80\0\0\0");

    (void)state;
    assert_int_equal(read_opt(&edns, opt.data, opt.len), ERR_OK);
    assert_true(edns.present);
    assert_int_equal(edns.udp_size, 4096);
    assert_int_equal(edns.rcode_high, 1);
    assert_int_equal(edns.version, 2);
    assert_true(edns.dnssec_ok);
}

/* RFC 6891 section 6.1.2 */
static void options_must_fill_an_opt_of_version_0(void **state)
{
    struct edns edns = {0};
    struct bytes good = WIRE_BYTES("\0\0\51\4\0\0\0\0\0\0\12\0\12\0\2ab\0\3\0\0");
    struct bytes head_cut = WIRE_BYTES("\0\0\51\4\0\0\0\0\0\0\7\0\12\0\0\0\3\0");
    struct bytes over = WIRE_BYTES("\0\0\51\4\0\0\0\0\0\0\6\0\12\0\3ab");

    (void)state;
    assert_int_equal(read_opt(&edns, head_cut.data, head_cut.len), ERR_MALFORMED);
    assert_int_equal(read_opt(&edns, over.data, over.len), ERR_MALFORMED);
    assert_false(edns.present);
    assert_int_equal(read_opt(&edns, good.data, good.len), ERR_OK);
}

static void an_opt_cut_anywhere_is_truncated(void **state)
{
    struct bytes opt = WIRE_BYTES("\0\0\51\4\0\0\0\0\0\0\6\0\12\0\2ab");
    struct edns edns = {0};

    (void)state;
    for (size_t len = HEAD_OCTETS; len < opt.len; len++) {
        assert_int_equal(read_opt(&edns, opt.data, len), ERR_TRUNCATED);
        assert_false(edns.present);
    }
}

/* RFC 6891 section 6.1.3, RFC 9715 section 3 */
static void a_plain_opt_has_our_size_and_version_0(void **state)
{
    uint8_t octets[32];
    struct writer w = writer_init(octets, sizeof(octets));

    (void)state;
    edns_write(&w, 0, true, EDE_NONE, NULL);
    assert_int_equal(w.len, EDNS_OPT_OCTETS);
    assert_memory_equal(octets, "\0\0\51\4\xd0\0\0\x80\0\0\0", EDNS_OPT_OCTETS);
    assert_int_equal(edns_octets(EDE_NONE, NULL), EDNS_OPT_OCTETS);
}

/* RFC 6891 section 6.1.3: BADVERS is 16, its upper eight bits are 1. */
static void an_opt_carries_the_upper_bits_of_the_rcode(void **state)
{
    uint8_t octets[32];
    struct writer w = writer_init(octets, sizeof(octets));
    struct edns edns;

    (void)state;
    edns_write(&w, 16, false, EDE_NONE, NULL);
    assert_int_equal(read_opt(&edns, octets, w.len), ERR_OK);
    assert_int_equal(edns.rcode_high, 1);
    assert_int_equal(edns.version, 0);
    assert_false(edns.dnssec_ok);
}

/* RFC 8914 section 2 */
static void an_extended_error_has_its_code_and_text(void **state)
{
    uint8_t octets[64];
    struct writer w = writer_init(octets, sizeof(octets));

    (void)state;
    edns_write(&w, 2, false, EDE_NETWORK_ERROR, "why");
    assert_int_equal(w.len, edns_octets(EDE_NETWORK_ERROR, "why"));
    assert_int_equal(w.len, 20);
    assert_memory_equal(octets + 9, "\0\11\0\17\0\5\0\27why", 11);
    w = writer_init(octets, sizeof(octets));
    edns_write(&w, 2, false, EDE_OTHER, NULL);
    assert_int_equal(w.len, edns_octets(EDE_OTHER, NULL));
    assert_memory_equal(octets + 9, "\0\6\0\17\0\2\0\0", 8);
}

static void a_long_text_of_an_extended_error_is_cut(void **state)
{
    uint8_t octets[256];
    char text[200];
    struct writer w = writer_init(octets, sizeof(octets));
    struct edns edns;

    (void)state;
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    edns_write(&w, 2, false, EDE_OTHER, text);
    assert_int_equal(w.len, EDNS_OPT_OCTETS + 6 + EDNS_EDE_MAX_TEXT);
    assert_int_equal(w.len, edns_octets(EDE_OTHER, text));
    assert_int_equal(read_opt(&edns, octets, w.len), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_of_an_opt_is_read),
        cmocka_unit_test(options_must_fill_an_opt_of_version_0),
        cmocka_unit_test(an_opt_cut_anywhere_is_truncated),
        cmocka_unit_test(a_plain_opt_has_our_size_and_version_0),
        cmocka_unit_test(an_opt_carries_the_upper_bits_of_the_rcode),
        cmocka_unit_test(an_extended_error_has_its_code_and_text),
        cmocka_unit_test(a_long_text_of_an_extended_error_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
