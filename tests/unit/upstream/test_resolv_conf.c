/* Nameserver lines of resolv.conf(5). */
#include "upstream_test.h"

#include "../../../src/upstream/resolv_conf.h"

/* What a file with this text gives. */
struct reading {
    struct addr servers[RESOLV_CONF_SERVERS_MAX];
    size_t count;
    size_t left_out;
    enum err err;
};

static struct reading read_text(const char *text)
{
    struct reading reading;
    char path[sizeof(UPSTREAM_TEST_PATH)];
    upstream_test_file(path, text);
    reading.err = resolv_conf_read(path, reading.servers, &reading.count, &reading.left_out);
    unlink(path);
    return reading;
}

static void nameservers_are_read_in_order_among_other_lines(void **state)
{
    (void)state;
    struct reading reading = read_text("# nameserver 1.1.1.1\n"
                                       "; nameserver 2.2.2.2\n"
                                       "search eu-central-1.compute.internal\n"
                                       "nameserver 10.0.0.2\n"
                                       "options ndots:5 timeout:2\n"
                                       "\tnameserver\t169.254.169.253 # the link-local one\r\n"
                                       "nameservers 3.3.3.3\n"
                                       "nameserver fd00:ec2::253");
    assert_int_equal(reading.err, ERR_OK);
    assert_int_equal(reading.count, 3);
    assert_int_equal(reading.left_out, 0);
    upstream_test_expect(&reading.servers[0], "10.0.0.2:53");
    upstream_test_expect(&reading.servers[1], "169.254.169.253:53");
    upstream_test_expect(&reading.servers[2], "[fd00:ec2::253]:53");
}

static void an_ipv6_server_may_have_a_scope(void **state)
{
    (void)state;
    struct reading reading = read_text("nameserver fe80::1%1\n");
    assert_int_equal(reading.count, 1);
    assert_int_equal(reading.servers[0].v6.sin6_scope_id, 1);
    assert_int_equal(addr_port(&reading.servers[0]), 53);
}

static void lines_without_an_address_are_counted_and_passed_over(void **state)
{
    (void)state;
    struct reading reading = read_text("nameserver\n"
                                       "nameserver dns.example\n"
                                       "nameserver 10.0.0.300\n"
                                       "nameserver 10.0.0.2\n");
    assert_int_equal(reading.count, 1);
    assert_int_equal(reading.left_out, 3);
    upstream_test_expect(&reading.servers[0], "10.0.0.2:53");
}

static void the_seventeenth_server_is_left_out(void **state)
{
    char text[1024] = "";
    (void)state;
    for (int i = 0; i < 17; i++)
        strcat(text, "nameserver 10.0.0.2\n");
    struct reading reading = read_text(text);
    assert_int_equal(reading.count, RESOLV_CONF_SERVERS_MAX);
    assert_int_equal(reading.left_out, 1);
}

static void the_rest_of_an_overlong_line_is_no_line_of_its_own(void **state)
{
    char text[2048];
    (void)state;
    memset(text, 'x', sizeof(text));
    memcpy(text, "search ", 7);
    strcpy(text + 511, "nameserver 6.6.6.6\nnameserver 10.0.0.2\n");
    struct reading reading = read_text(text);
    assert_int_equal(reading.count, 1);
    upstream_test_expect(&reading.servers[0], "10.0.0.2:53");
}

static void an_empty_file_is_no_error_and_a_missing_one_is(void **state)
{
    struct addr servers[RESOLV_CONF_SERVERS_MAX];
    size_t count = 9;
    size_t left_out = 9;
    (void)state;
    struct reading reading = read_text("");
    assert_int_equal(reading.err, ERR_OK);
    assert_int_equal(reading.count, 0);
    assert_int_equal(resolv_conf_read("/nonexistent/resolv.conf", servers, &count, &left_out),
                     ERR_NOT_FOUND);
    assert_int_equal(count, 0);
    assert_int_equal(left_out, 0);
}

static void a_wildcard_listener_owns_the_loopback_addresses_of_its_port(void **state)
{
    struct addr own;
    struct addr asked;
    (void)state;
    assert_int_equal(addr_parse(&own, "0.0.0.0:53", 0), ERR_OK);
    assert_int_equal(addr_parse(&asked, "127.0.0.1:53", 0), ERR_OK);
    assert_true(resolv_conf_is_own(&asked, &own, 1));
    assert_int_equal(addr_parse(&asked, "127.0.0.1:54", 0), ERR_OK);
    assert_false(resolv_conf_is_own(&asked, &own, 1));
    assert_int_equal(addr_parse(&asked, "10.0.0.2:53", 0), ERR_OK);
    assert_false(resolv_conf_is_own(&asked, &own, 1));
    assert_false(resolv_conf_is_own(&own, NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nameservers_are_read_in_order_among_other_lines),
        cmocka_unit_test(an_ipv6_server_may_have_a_scope),
        cmocka_unit_test(lines_without_an_address_are_counted_and_passed_over),
        cmocka_unit_test(the_seventeenth_server_is_left_out),
        cmocka_unit_test(the_rest_of_an_overlong_line_is_no_line_of_its_own),
        cmocka_unit_test(a_wildcard_listener_owns_the_loopback_addresses_of_its_port),
        cmocka_unit_test(an_empty_file_is_no_error_and_a_missing_one_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
