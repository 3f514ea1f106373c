/* reserved: AWS's own addresses, and their neighbours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "local53/node/reserved.h"

static const char *whose(const char *text)
{
    struct addr address;

    assert_int_equal(addr_parse(&address, text, 53), ERR_OK);
    return reserved_for(&address);
}

static void each_address_of_aws_has_its_owner(void **state)
{
    (void)state;
    assert_string_equal(whose("169.254.169.253"), "the VPC resolver");
    assert_string_equal(whose("[fd00:ec2::253]:5353"), "the VPC resolver");
    assert_string_equal(whose("169.254.169.254"), "the instance metadata service");
    assert_string_equal(whose("fd00:ec2::254"), "the instance metadata service");
    assert_string_equal(whose("169.254.169.123"), "the Amazon Time Sync Service");
    assert_string_equal(whose("fd00:ec2::123"), "the Amazon Time Sync Service");
    assert_string_equal(whose("169.254.170.2"), "the credentials of ECS tasks");
    assert_string_equal(whose("169.254.170.23:1053"), "EKS Pod Identity");
    assert_string_equal(whose("fd00:ec2::23"), "EKS Pod Identity");
}

static void the_usual_addresses_and_neighbours_are_free(void **state)
{
    const char *free_ones[] = {"169.254.20.10", "169.254.20.11", "169.254.169.252", "169.254.170.3",
                               "10.96.0.10",    "fd00::10",      "fd00:ec2::252",   "127.0.0.1"};

    (void)state;
    for (size_t i = 0; i < sizeof(free_ones) / sizeof(free_ones[0]); i++)
        assert_null(whose(free_ones[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_address_of_aws_has_its_owner),
        cmocka_unit_test(the_usual_addresses_and_neighbours_are_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
