/* addr: text in and out, strictly; comparison; octets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "local53/base/addr.h"

static struct addr parsed(const char *text, uint16_t default_port)
{
    struct addr addr;

    assert_int_equal(addr_parse(&addr, text, default_port), ERR_OK);
    return addr;
}

static void every_form_is_read_and_written_back(void **state)
{
    static const struct {
        const char *text;     /* as configured */
        const char *expected; /* as formatted, default port 53 */
    } rows[] = {
        {"1.2.3.4", "1.2.3.4:53"},
        {"1.2.3.4:5353", "1.2.3.4:5353"},
        {"1.2.3.4:0", "1.2.3.4"},
        {"255.255.255.255:65535", "255.255.255.255:65535"},
        {"::1", "[::1]:53"},
        {"[::1]", "[::1]:53"},
        {"[::1]:5353", "[::1]:5353"},
        {"::", "[::]:53"},
        {"2001:DB8:0:0::1", "[2001:db8::1]:53"},
        {"[::ffff:1.2.3.4]:1", "[::ffff:1.2.3.4]:1"},
        {"fe80::1%7", "[fe80::1%7]:53"},
        {"[fe80::1%7]:54", "[fe80::1%7]:54"},
        {"[fe80::1%4294967295]:0", "fe80::1%4294967295"},
    };
    char text[ADDR_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct addr addr = parsed(rows[i].text, 53);

        assert_string_equal(addr_format(&addr, text), rows[i].expected);
    }
}

static void anything_else_is_invalid(void **state)
{
    static const char *const texts[] = {
        "",
        ":",
        ":53",
        "localhost",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "01.2.3.4",
        "1.2.3.4:",
        "1.2.3.4:x",
        "1.2.3.4: 53",
        " 1.2.3.4",
        "1.2.3.4 ",
        "1.2.3.4:+53",
        "1.2.3.4:65536",
        "1.2.3.4:00053x",
        "1.2.3.4:000053",
        "[1.2.3.4]:53",
        "[::1",
        "::1]",
        "[::1]53",
        "[::1]:",
        "[::1]:-1",
        "[]:53",
        "[",
        "1::2::3",
        "fe80::1%",
        "fe80::1%0",
        "fe80::1%4294967296",
        "fe80::1%no-such-interface",
        "1.2.3.4%1",
        "12345::1",
        "[[::1]]:53",
        "[::1%1]:53:53",
        "::1%111111111111111111111111111111111111111111111111111111111111111111111111111111",
    };
    struct addr addr;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (addr_parse(&addr, texts[i], 53) != ERR_INVALID)
            fail_msg("\"%s\" was taken", texts[i]);
}

static void a_scope_may_be_an_interfaces_name(void **state)
{
    struct addr addr = parsed("fe80::1%lo", 53);

    (void)state;
    assert_int_equal(addr.v6.sin6_scope_id, 1);
}

static void octets_and_text_make_the_same_address(void **state)
{
    const uint8_t v4[] = {10, 40, 1, 15};
    const uint8_t v6[16] = {0xfd, [15] = 2};
    struct addr a = addr_from_octets(v4, sizeof(v4), 53);
    struct addr b = addr_from_octets(v6, sizeof(v6), 53);
    struct addr a_text = parsed("10.40.1.15", 53);
    struct addr b_text = parsed("fd00::2", 53);
    size_t len;

    (void)state;
    assert_true(addr_equal(&a, &a_text));
    assert_true(addr_equal(&b, &b_text));
    assert_memory_equal(addr_octets(&a, &len), v4, 4);
    assert_int_equal(len, 4);
    assert_memory_equal(addr_octets(&b, &len), v6, 16);
    assert_int_equal(len, 16);
    assert_int_equal(addr_len(&a), sizeof(struct sockaddr_in));
    assert_int_equal(addr_len(&b), sizeof(struct sockaddr_in6));
}

static void equality_looks_at_family_address_scope_and_port(void **state)
{
    struct addr a = parsed("1.2.3.4:53", 0);
    struct addr port = parsed("1.2.3.4:54", 0);
    struct addr host = parsed("1.2.3.5:53", 0);
    struct addr mapped = parsed("[::ffff:1.2.3.4]:53", 0);
    struct addr scoped = parsed("fe80::1%1", 53);
    struct addr other_scope = parsed("fe80::1%2", 53);

    (void)state;
    assert_false(addr_equal(&a, &port));
    assert_true(addr_same_host(&a, &port));
    assert_false(addr_same_host(&a, &host));
    assert_false(addr_same_host(&a, &mapped));
    assert_false(addr_equal(&scoped, &other_scope));
    assert_true(addr_same_host(&scoped, &other_scope));
}

static void another_port_changes_nothing_else(void **state)
{
    struct addr a = parsed("1.2.3.4", 53);
    struct addr b = parsed("fe80::1%3", 53);
    char text[ADDR_TEXT_MAX];

    (void)state;
    a = addr_with_port(a, 5353);
    b = addr_with_port(b, 5353);
    assert_int_equal(addr_port(&a), 5353);
    assert_string_equal(addr_format(&a, text), "1.2.3.4:5353");
    assert_string_equal(addr_format(&b, text), "[fe80::1%3]:5353");
}

static void loopback_and_any_are_known(void **state)
{
    static const struct {
        const char *text; /* an address */
        bool is_loopback; /* expected */
        bool is_any;      /* expected */
    } rows[] = {
        {"127.0.0.1", true, false},
        {"127.255.0.9", true, false},
        {"126.0.0.1", false, false},
        {"::1", true, false},
        {"::2", false, false},
        {"::ffff:127.1.2.3", true, false},
        {"::ffff:1.2.3.4", false, false},
        {"0.0.0.0", false, true},
        {"::", false, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct addr addr = parsed(rows[i].text, 53);

        assert_int_equal(addr_is_loopback(&addr), rows[i].is_loopback);
        assert_int_equal(addr_is_any(&addr), rows[i].is_any);
    }
}

static void a_port_is_up_to_five_digits_within_16_bits(void **state)
{
    static const char *const bad[] = {"", "65536", "000053", " 53", "53 ", "+53", "-1", "0x35"};
    uint16_t port = 7;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(addr_parse_port(&port, bad[i]));
    assert_int_equal(port, 7);
    assert_true(addr_parse_port(&port, "65535"));
    assert_int_equal(port, 65535);
    assert_true(addr_parse_port(&port, "00000"));
    assert_int_equal(port, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_read_and_written_back),
        cmocka_unit_test(anything_else_is_invalid),
        cmocka_unit_test(a_scope_may_be_an_interfaces_name),
        cmocka_unit_test(octets_and_text_make_the_same_address),
        cmocka_unit_test(equality_looks_at_family_address_scope_and_port),
        cmocka_unit_test(another_port_changes_nothing_else),
        cmocka_unit_test(loopback_and_any_are_known),
        cmocka_unit_test(a_port_is_up_to_five_digits_within_16_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
