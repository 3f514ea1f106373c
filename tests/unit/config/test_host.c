/* Hosts: names, addresses and servers, and the sentences that refuse them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "local53/config/host.h"
#include "local53/dns/text.h"

static void assert_name(const char *text, const char *name, bool below)
{
    struct value_fault fault;
    struct config_name out = {.below = !below};
    char written[VALUE_TEXT_MAX];
    char expected[VALUE_TEXT_MAX];

    assert_true(host_read_name(&out, text, &fault));
    assert_int_equal(out.below, below);
    assert_string_equal(text_write_name(&out.name, written), name);
    snprintf(expected, sizeof(expected), "%s%s", below ? "*." : "", name);
    assert_string_equal(host_write_name(&out, written), expected);
}

static void names_are_folded_and_may_begin_with_a_wildcard(void **state)
{
    (void)state;
    assert_name("api.ecr.eu-west-1.amazonaws.com", "api.ecr.eu-west-1.amazonaws.com", false);
    assert_name("A.Example.COM.", "a.example.com", false);
    assert_name("*.x.y", "x.y", true);
    assert_name("_sip._tcp.x", "_sip._tcp.x", false);
}

static void assert_no_name(const char *text, const char *sentence)
{
    struct value_fault fault;
    struct config_name out;

    assert_false(host_read_name(&out, text, &fault));
    if (strstr(fault.text, sentence) == NULL)
        fail_msg("%s: wanted \"%s\", found \"%s\"", text, sentence, fault.text);
}

static void what_is_no_name_is_refused_by_what_it_looks_like(void **state)
{
    (void)state;
    assert_no_name("", "a domain name is missing");
    assert_no_name(".", "is the root");
    assert_no_name("*", "would be every name");
    assert_no_name("*.", "would be every name");
    assert_no_name("10.0.0.1", "is an address");
    assert_no_name("10.0.0", "is an address");
    assert_no_name("::1", "is an address");
    assert_no_name("https://a.b", "is a URL");
    assert_no_name("a.b:443", "names have no port");
    assert_no_name("a.*.b", "* stands only at the beginning");
    assert_no_name("*a.b", "* stands only at the beginning");
    assert_no_name("**.b", "* stands only at the beginning");
    assert_no_name("a b", "letters, digits");
    assert_no_name("a\\046b", "letters, digits");
    assert_no_name("a..b", "nothing between two dots");
    assert_no_name(".a", "nothing between two dots");
    assert_no_name("a123456789012345678901234567890123456789012345678901234567890123.b",
                   "more than 63 characters");
}

static void a_zone_may_be_the_root_but_no_wildcard(void **state)
{
    struct value_fault fault;
    struct name zone;

    (void)state;
    assert_true(host_read_zone(&zone, ".", &fault));
    assert_int_equal(zone.labels, 0);
    assert_true(host_read_zone(&zone, "Cluster.Local", &fault));
    assert_int_equal(zone.labels, 2);
    assert_false(host_read_zone(&zone, "*.a.b", &fault));
    assert_string_equal(fault.text, "\"*.a.b\": a zone always holds all names below; write a.b");
}

static void addresses_take_a_port_or_the_default(void **state)
{
    static const char *const bad[] = {"",          "localhost",   "1.2.3",     "1.2.3.4:0",
                                      "[::1]:0",   "1.2.3.4:x",   "[::1",      "1.2.3.4:65536",
                                      "1.2.3.4/8", "1.2.3.4:5:6", "256.1.1.1", "1.2.3.4 "};
    struct value_fault fault;
    struct addr addr;

    (void)state;
    assert_true(host_read_address(&addr, "127.0.0.1", 53, &fault));
    assert_int_equal(addr_port(&addr), 53);
    assert_true(host_read_address(&addr, "[::1]:5353", 53, &fault));
    assert_int_equal(addr_port(&addr), 5353);
    assert_true(host_read_address(&addr, "::1", 53, &fault));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(host_read_address(&addr, bad[i], 53, &fault));
}

static void bare_addresses_take_no_port(void **state)
{
    static const char *const bad[] = {"10.0.0.1:53", "10.0.0.1:1", "[::1]:1", "0.0.0.0", "::", "x"};
    struct value_fault fault;
    struct addr addr;

    (void)state;
    assert_true(host_read_bare_address(&addr, "10.0.0.1", &fault));
    assert_int_equal(addr_port(&addr), 0);
    assert_true(host_read_bare_address(&addr, "fd00::1", &fault));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(host_read_bare_address(&addr, bad[i], &fault));
    assert_false(host_read_bare_address(&addr, "10.0.0.1:1", &fault));
    assert_string_equal(fault.text, "\"10.0.0.1:1\" has a port; DNS answers have addresses only");
}

static void each_kind_of_server_is_told_by_its_form(void **state)
{
    static const struct {
        const char *text;
        enum config_server_kind kind;
        const char *value;
        uint16_t port;
        const char *written;
    } cases[] = {
        {"10.0.0.2", CONFIG_SERVER_ADDRESS, "10.0.0.2", 53, "10.0.0.2:53"},
        {"[::1]:5353", CONFIG_SERVER_ADDRESS, "[::1]:5353", 5353, "[::1]:5353"},
        {"resolv.conf:/etc/r.conf", CONFIG_SERVER_RESOLV_CONF, "/etc/r.conf", 53,
         "resolv.conf:/etc/r.conf"},
        {"env:A_1", CONFIG_SERVER_ENV, "A_1", 53, "env:A_1"},
        {"env:A_1:5353", CONFIG_SERVER_ENV, "A_1", 5353, "env:A_1:5353"},
        {"kube-dns", CONFIG_SERVER_HOST, "kube-dns", 53, "kube-dns"},
        {"dns.example:5353", CONFIG_SERVER_HOST, "dns.example", 5353, "dns.example:5353"},
    };
    struct arena arena = {0};
    struct value_fault fault;
    char text[VALUE_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config_server server = {.mark = {7, 8}};

        assert_true(host_read_server(&server, cases[i].text, &arena, &fault));
        assert_int_equal(server.kind, cases[i].kind);
        assert_string_equal(server.text, cases[i].value);
        assert_int_equal(server.port, cases[i].port);
        assert_int_equal(server.mark.line, 7);
        assert_string_equal(host_write_server(&server, text), cases[i].written);
    }
    arena_deinit(&arena);
}

static void slips_in_servers_are_refused(void **state)
{
    static const struct {
        const char *text;
        const char *sentence;
    } cases[] = {
        {"/etc/resolv.conf", "write resolv.conf:/etc/resolv.conf"},
        {"resolv.conf", "write resolv.conf:/etc/resolv.conf"},
        {"resolv.conf:", "needs an absolute path"},
        {"resolv.conf:etc", "needs an absolute path"},
        {"env:", "names no environment variable"},
        {"env:1A", "names no environment variable"},
        {"env:A:0", "names no environment variable"},
        {"env:$A", "names no environment variable"},
        {"1.2.3", "is not a server"},
        {"1.2.3.4.5", "is not a server"},
        {"a b", "is not a server"},
        {"tls://1.1.1.1", "is not a server"},
        {"a:99999", "is not a server"},
        {"", "is not a server"},
        {"1.1.1.1:0", "port 0 is none"},
        {"0.0.0.0", "is no server's address"},
        {"a\nb", "printable ASCII"},
    };
    struct arena arena = {0};
    struct config_server server = {0};
    struct value_fault fault;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_false(host_read_server(&server, cases[i].text, &arena, &fault));
        if (strstr(fault.text, cases[i].sentence) == NULL)
            fail_msg("%s: wanted \"%s\", found \"%s\"", cases[i].text, cases[i].sentence,
                     fault.text);
    }
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_folded_and_may_begin_with_a_wildcard),
        cmocka_unit_test(what_is_no_name_is_refused_by_what_it_looks_like),
        cmocka_unit_test(a_zone_may_be_the_root_but_no_wildcard),
        cmocka_unit_test(addresses_take_a_port_or_the_default),
        cmocka_unit_test(bare_addresses_take_no_port),
        cmocka_unit_test(each_kind_of_server_is_told_by_its_form),
        cmocka_unit_test(slips_in_servers_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
