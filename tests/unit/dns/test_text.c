/* text: unit tests of presentation form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "local53/dns/message.h"
#include "local53/dns/text.h"
#include "wire.h"

static void assert_round(const char *text, const char *expected)
{
    char out[TEXT_NAME_MAX];
    struct name name;

    assert_int_equal(text_read_name(&name, text), ERR_OK);
    assert_string_equal(text_write_name(&name, out), expected);
}

static void names_are_read_with_or_without_the_last_dot_and_folded(void **state)
{
    (void)state;
    assert_round("API.ecr.Example", "api.ecr.example");
    assert_round("api.ecr.example.", "api.ecr.example");
    assert_round("*.x", "*.x");
    assert_round(".", ".");
    assert_round("_dns._udp.a-b", "_dns._udp.a-b");
}

/* RFC 1035 section 5.1 */
static void escapes_name_octets_that_text_cannot(void **state)
{
    struct name name;

    (void)state;
    assert_int_equal(text_read_name(&name, "a\\.b.\\000\\255.\\065"), ERR_OK);
    assert_int_equal(name.len, 10);
    assert_memory_equal(name.wire, "\3a.b\2\0\xff\1a", 9);
    assert_round("a\\.b.\\000\\255", "a\\.b.\\000\\255");
}

static void a_name_read_to_wire_keeps_its_case_and_is_written_back(void **state)
{
    static const char text[] = "WWW\\.a.\\000Z.Example";
    uint8_t wire[NAME_MAX_OCTETS];
    char out[TEXT_NAME_MAX];
    size_t len = 0;

    (void)state;
    assert_int_equal(text_read_wire(wire, &len, text), ERR_OK);
    assert_int_equal(len, 18);
    assert_memory_equal(wire, "\5WWW.a\2\0Z\7Example", len);
    assert_string_equal(text_write_wire((struct bytes){wire, len}, out), text);
    assert_int_equal(text_read_wire(wire, &len, "a..b"), ERR_INVALID);
}

static void what_is_no_name_is_told(void **state)
{
    static const char *const invalid[] = {"",      "..",  ".a",      "a..b",
                                          "\\256", "a\\", "a.\\12x", "\\300.example"};
    struct name name;
    char label[70] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
        assert_int_equal(text_read_name(&name, invalid[i]), ERR_INVALID);
    memset(label, 'x', 63);
    assert_int_equal(text_read_name(&name, label), ERR_OK);
    memset(label, 'x', 64);
    assert_int_equal(text_read_name(&name, label), ERR_INVALID);
}

/* RFC 1035 section 2.3.4: 255 octets are 127 labels of one octet and the root. */
static void a_name_of_more_than_255_octets_is_too_long(void **state)
{
    char text[2 * 128 + 1] = {0};
    struct name name;

    (void)state;
    for (size_t i = 0; i < 128; i++) {
        text[2 * i] = 'a';
        text[2 * i + 1] = '.';
    }
    assert_int_equal(text_read_name(&name, text), ERR_TOO_LONG);
    text[sizeof(text) - 3] = '\0';
    assert_int_equal(text_read_name(&name, text), ERR_OK);
    assert_int_equal(name.labels, NAME_MAX_LABELS);
}

static void the_longest_presentation_form_fits(void **state)
{
    uint8_t wire[NAME_MAX_OCTETS] = {0};
    char out[TEXT_NAME_MAX];
    struct name name;
    struct name again;

    (void)state;
    wire[0] = wire[64] = wire[128] = 63;
    wire[192] = 61;
    assert_int_equal(name_from_wire(&name, wire, sizeof(wire)), ERR_OK);
    assert_int_equal(strlen(text_write_name(&name, out)), 4 * (3 * 63 + 61) + 3);
    assert_int_equal(text_read_name(&again, out), ERR_OK);
    assert_true(name_equal(&name, &again));
}

/* RFC 3597 section 5 */
static void types_are_read_by_mnemonic_or_number(void **state)
{
    static const struct {
        const char *text;
        uint16_t type;
    } cases[] = {{"A", TYPE_A},         {"aaaa", TYPE_AAAA},   {"https", TYPE_HTTPS},
                 {"SVCB", TYPE_SVCB},   {"ANY", TYPE_ANY},     {"TYPE65", TYPE_HTTPS},
                 {"type65535", 65535},  {"Type1", TYPE_A},     {"CNAME", TYPE_CNAME},
                 {"DNAME", TYPE_DNAME}, {"NAPTR", TYPE_NAPTR}, {"AXFR", TYPE_AXFR}};
    static const char *const invalid[] = {"",       "NONSENSE", "TYPE",   "TYPE0", "TYPE65536",
                                          "TYPE-1", "TYPE1x",   "TYPE 1", "A ",    "1"};
    uint16_t type;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(text_read_type(&type, cases[i].text), ERR_OK);
        assert_int_equal(type, cases[i].type);
    }
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
        assert_int_equal(text_read_type(&type, invalid[i]), ERR_INVALID);
}

static void every_type_is_written_so_that_it_reads_back(void **state)
{
    char out[TEXT_TYPE_MAX];
    uint16_t again;

    (void)state;
    assert_string_equal(text_write_type(TYPE_HTTPS, out), "HTTPS");
    assert_string_equal(text_write_type(65280, out), "TYPE65280");
    for (uint32_t type = 1; type <= UINT16_MAX; type++) {
        assert_int_equal(text_read_type(&again, text_write_type((uint16_t)type, out)), ERR_OK);
        assert_int_equal(again, type);
    }
}

static void rcodes_have_their_mnemonics(void **state)
{
    (void)state;
    assert_string_equal(text_rcode(RCODE_NOERROR), "NOERROR");
    assert_string_equal(text_rcode(RCODE_REFUSED), "REFUSED");
    assert_string_equal(text_rcode(RCODE_BADVERS), "BADVERS");
    assert_string_equal(text_rcode(23), "BADCOOKIE");
    assert_string_equal(text_rcode(4095), "RCODE");
}

static void assert_rdata(uint16_t type, const char *octets, size_t len, const char *expected)
{
    char text[64];

    assert_ptr_equal(
        text_write_rdata(type, (struct bytes){(const uint8_t *)octets, len}, text, sizeof(text)),
        text);
    assert_string_equal(text, expected);
}

static void rdata_is_written_as_a_master_file_has_it(void **state)
{
    (void)state;
    assert_rdata(TYPE_A, "\x0a\x00\x00\x01", 4, "10.0.0.1");
    assert_rdata(15,
                 "\x00\x0a\x04mail\x07"
                 "example",
                 16, "10 mail.example.");
    assert_rdata(16,
                 "\x02"
                 "hi\x01!",
                 5, "\"hi\" \"!\"");
    assert_rdata(65280, "\x01\x02", 2, "\\# 2 0102");
}

static void rdata_that_is_none_of_its_type_is_written_generically(void **state)
{
    (void)state;
    assert_rdata(TYPE_A, "\x0a\x00", 2, "\\# 2 0a00");
    assert_rdata(15, "\x00", 1, "\\# 1 00");
    assert_rdata(65280, "", 0, "\\# 0");
}

static void long_rdata_is_cut(void **state)
{
    char octets[100] = "\x63xxxx";

    (void)state;
    memset(octets + 1, 'x', 99);
    assert_rdata(16, octets, sizeof(octets),
                 "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    assert_rdata(1, octets, sizeof(octets),
                 "\\# 100 63787878787878787878787878787878787878787878787878787878");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_read_with_or_without_the_last_dot_and_folded),
        cmocka_unit_test(escapes_name_octets_that_text_cannot),
        cmocka_unit_test(a_name_read_to_wire_keeps_its_case_and_is_written_back),
        cmocka_unit_test(what_is_no_name_is_told),
        cmocka_unit_test(a_name_of_more_than_255_octets_is_too_long),
        cmocka_unit_test(the_longest_presentation_form_fits),
        cmocka_unit_test(types_are_read_by_mnemonic_or_number),
        cmocka_unit_test(every_type_is_written_so_that_it_reads_back),
        cmocka_unit_test(rcodes_have_their_mnemonics),
        cmocka_unit_test(rdata_is_written_as_a_master_file_has_it),
        cmocka_unit_test(rdata_that_is_none_of_its_type_is_written_generically),
        cmocka_unit_test(long_rdata_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
