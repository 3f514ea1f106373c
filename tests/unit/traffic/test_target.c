/* To whom load may be sent without being told twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "traffic/target.h"

static void assert_all(const char *const *texts, bool expected)
{
    for (; *texts != NULL; texts++) {
        struct addr addr;
        assert_int_equal(addr_parse(&addr, *texts, 53), ERR_OK);
        if (target_is_private(&addr) != expected)
            fail_msg("%s", *texts);
    }
}

/* First and last address of each range. */
static void loopback_link_local_and_private_addresses_are_ones_own(void **state)
{
    static const char *const own[] = {"127.0.0.0",
                                      "127.255.255.255",
                                      "10.0.0.0",
                                      "10.255.255.255",
                                      "172.16.0.0",
                                      "172.31.255.255",
                                      "192.168.0.0",
                                      "192.168.255.255",
                                      "169.254.0.0",
                                      "169.254.255.255",
                                      "100.64.0.0",
                                      "100.127.255.255",
                                      "::1",
                                      "fe80::",
                                      "febf:ffff::1",
                                      "fc00::",
                                      "fdff:ffff::1",
                                      "fd00:ec2::253",
                                      "::ffff:127.0.0.1",
                                      "::ffff:10.1.2.3",
                                      "::ffff:100.127.255.255",
                                      NULL};

    (void)state;
    assert_all(own, true);
}

/* The neighbours of each range, and what merely looks alike. */
static void everything_else_is_not(void **state)
{
    static const char *const foreign[] = {"126.255.255.255",
                                          "128.0.0.0",
                                          "9.255.255.255",
                                          "11.0.0.0",
                                          "172.15.255.255",
                                          "172.32.0.0",
                                          "192.167.255.255",
                                          "192.169.0.0",
                                          "169.253.255.255",
                                          "169.255.0.0",
                                          "100.63.255.255",
                                          "100.128.0.0",
                                          "8.8.8.8",
                                          "0.0.0.0",
                                          "255.255.255.255",
                                          "224.0.0.1",
                                          "::",
                                          "::2",
                                          "fe7f:ffff::",
                                          "fec0::",
                                          "fbff:ffff::",
                                          "fe00::",
                                          "2001:db8::1",
                                          "2001:4860:4860::8888",
                                          "ff02::1",
                                          "::ffff:8.8.8.8",
                                          "a00::1",
                                          "7f00::1",
                                          "64:ff9b::a00:1",
                                          "::ffff:172.32.0.0",
                                          "::127.0.0.1",
                                          NULL};

    (void)state;
    assert_all(foreign, false);
}

static void an_address_of_no_family_is_not(void **state)
{
    struct addr addr = {0};

    (void)state;
    assert_false(target_is_private(&addr));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loopback_link_local_and_private_addresses_are_ones_own),
        cmocka_unit_test(everything_else_is_not),
        cmocka_unit_test(an_address_of_no_family_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
