/* addresses: as ip(8) sees them, in namespaces of the tests' own. Where the kernel has no dummy links, a veth link stands
 * in for one that is there already. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>

#include "local53/node/addresses.h"
#include "namespace_test.h"

#define LINK_LOCAL "169.254.20.10"
#define SERVICE "10.96.0.10"
#define SERVICE_V6 "fd00::a"
#define MAKE_LINK "ip link add name local53 type veth peer name other"

static char output[NAMESPACE_OUTPUT_MAX];
static char why[ADDRESSES_WHY_MAX];

/* Puts up to two addresses there; the second may be NULL. */
static enum err put(struct addresses **out, const char *first, const char *second)
{
    struct addr list[2];

    assert_int_equal(addr_parse(&list[0], first, 53), ERR_OK);
    if (second != NULL)
        assert_int_equal(addr_parse(&list[1], second, 53), ERR_OK);
    return addresses_put(out, list, second != NULL ? 2 : 1, why);
}

static struct addresses *must_put(const char *first, const char *second)
{
    struct addresses *addresses;

    if (put(&addresses, first, second) != ERR_OK)
        fail_msg("%s", why);
    return addresses;
}

/* True when a link has a line with the text in what ip lists. */
static bool stands(const char *link, const char *text)
{
    char command[NAMESPACE_COMMAND_MAX];

    snprintf(command, sizeof(command), "ip -o address show dev %s", link);
    return namespace_run(command, output) && strstr(output, text) != NULL;
}

static bool can_bind(const char *text)
{
    struct addr address;
    int fd;
    bool bound;

    assert_int_equal(addr_parse(&address, text, 53), ERR_OK);
    fd = socket(address.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bound = bind(fd, &address.sa, addr_len(&address)) == 0;
    close(fd);
    return bound;
}

/* ---- Putting and removing -------------------------------------------------------------------------- */

static void both_families_stand_until_they_are_removed(void **state)
{
    struct addresses *addresses;
    char link[32];

    (void)state;
    IN_OWN_NAMESPACE();
    namespace_must(
        "ip link set lo up"); /* a namespace without any route takes each address for its own */
    assert_false(can_bind(SERVICE));
    addresses = must_put(SERVICE, SERVICE_V6);
    snprintf(link, sizeof(link), "%s", addresses_link(addresses, 0));
    assert_string_equal(addresses_link(addresses, 1), link);
    assert_true(stands(link, "inet 10.96.0.10/32 scope host"));
    assert_true(stands(link, "inet6 fd00::a/128 scope global nodad deprecated"));
    assert_false(addresses_was_there(addresses, 0));
    assert_false(addresses_was_there(addresses, 1));
    assert_true(can_bind(SERVICE));
    assert_true(can_bind(SERVICE_V6));
    addresses_remove(addresses);
    assert_false(stands(link, SERVICE));
    assert_false(stands(link, SERVICE_V6));
    assert_false(can_bind(SERVICE));
}

static void link_local_has_the_scope_of_a_link(void **state)
{
    struct addresses *addresses;

    (void)state;
    IN_OWN_NAMESPACE();
    addresses = must_put(LINK_LOCAL, NULL);
    assert_true(stands(addresses_link(addresses, 0), "inet 169.254.20.10/32 scope link"));
    addresses_remove(addresses);
}

static void nobody_sends_from_them_unasked(void **state)
{
    struct addresses *addresses;

    (void)state;
    IN_OWN_NAMESPACE();
    namespace_must("ip link add name eth0 type veth peer name eth1; ip link set eth0 up; ip link "
                   "set eth1 up; ip route add 198.51.100.0/24 dev eth0");
    addresses = must_put(SERVICE, LINK_LOCAL);
    assert_true(namespace_run("ip route get 198.51.100.1", output));
    assert_null(strstr(output, SERVICE));
    assert_null(strstr(output, LINK_LOCAL));
    addresses_remove(addresses);
}

static void a_link_of_the_name_is_used_and_goes_with_the_last(void **state)
{
    struct addresses *addresses;

    (void)state;
    IN_OWN_NAMESPACE();
    namespace_must(MAKE_LINK);
    addresses = must_put(LINK_LOCAL, SERVICE_V6);
    assert_string_equal(addresses_link(addresses, 0), ADDRESSES_LINK);
    assert_string_equal(addresses_link(addresses, 1), ADDRESSES_LINK);
    assert_true(stands(ADDRESSES_LINK, LINK_LOCAL));
    assert_true(namespace_run("ip link show up dev local53", output));
    assert_non_null(strstr(output, "local53"));
    addresses_remove(addresses);
    assert_false(namespace_run("ip link show dev local53", output));
}

static void what_people_put_on_lo_is_used_and_stays(void **state)
{
    struct addresses *addresses;

    (void)state;
    IN_OWN_NAMESPACE();
    namespace_must("ip address add " SERVICE "/32 dev lo");
    addresses = must_put(SERVICE, LINK_LOCAL);
    assert_true(addresses_was_there(addresses, 0));
    assert_string_equal(addresses_link(addresses, 0), "lo");
    assert_false(addresses_was_there(addresses, 1));
    addresses_remove(addresses);
    assert_true(stands("lo", SERVICE));
    assert_false(stands("lo", LINK_LOCAL));
}

/* ---- Several instances ----------------------------------------------------------------------------- */

static void hold(const void *context, int ready)
{
    const char *const *texts = context;

    (void)must_put(texts[0], texts[1]);
    namespace_ready(ready);
    pause();
}

static void what_a_killed_one_left_stands_and_is_found_again(void **state)
{
    static const char *const service[] = {SERVICE, NULL};
    struct addresses *addresses;

    (void)state;
    IN_OWN_NAMESPACE();
    namespace_kill(namespace_child(hold, service));
    assert_true(can_bind(SERVICE));
    addresses = must_put(SERVICE, NULL);
    assert_true(addresses_was_there(addresses, 0));
    addresses_remove(addresses);
    assert_false(can_bind(SERVICE));
}

static void the_last_that_has_an_address_removes_it(void **state)
{
    static const char *const both[] = {SERVICE, SERVICE_V6};
    struct addresses *addresses;
    pid_t child;

    (void)state;
    IN_OWN_NAMESPACE();
    child = namespace_child(hold, both);
    addresses = must_put(SERVICE, LINK_LOCAL);
    assert_true(addresses_was_there(addresses, 0));
    addresses_remove(addresses);
    assert_true(can_bind(SERVICE));
    assert_true(can_bind(SERVICE_V6));
    assert_false(can_bind(LINK_LOCAL));
    addresses = must_put(SERVICE, LINK_LOCAL);
    namespace_kill(child);
    assert_true(can_bind(SERVICE));
    addresses_remove(addresses);
    assert_false(can_bind(SERVICE));
    assert_true(can_bind(SERVICE_V6));
}

static void clean_removes_what_the_dead_left_and_nothing_else(void **state)
{
    static const char *const both[] = {LINK_LOCAL, SERVICE_V6};
    struct addresses *addresses;
    size_t removed;

    (void)state;
    IN_OWN_NAMESPACE();
    namespace_must("ip address add 192.0.2.1/32 dev lo");
    addresses = must_put(SERVICE, NULL);
    namespace_kill(namespace_child(hold, both));
    assert_true(can_bind(LINK_LOCAL));
    assert_int_equal(addresses_clean(&removed, why), ERR_OK);
    assert_int_equal(removed, 2);
    assert_false(can_bind(LINK_LOCAL));
    assert_false(can_bind(SERVICE_V6));
    assert_true(can_bind(SERVICE));
    assert_true(can_bind("192.0.2.1"));
    addresses_remove(addresses);
    assert_int_equal(addresses_clean(&removed, why), ERR_OK);
    assert_int_equal(removed, 0);
    assert_true(can_bind("192.0.2.1"));
}

static void clean_takes_our_link_with_all_that_is_on_it(void **state)
{
    size_t removed;

    (void)state;
    IN_OWN_NAMESPACE();
    namespace_must(MAKE_LINK "; ip link set local53 up; ip address add 192.0.2.1/32 dev local53");
    assert_int_equal(addresses_clean(&removed, why), ERR_OK);
    assert_int_equal(removed, 1);
    assert_false(namespace_run("ip link show dev local53", output));
}

/* ---- What is refused ------------------------------------------------------------------------------- */

/* An address on a link of somebody else is refused with a remedy, and the other is not put there. */
static void assert_foreign(const char *link, const char *remedy)
{
    struct addresses *addresses;
    char command[NAMESPACE_COMMAND_MAX];

    snprintf(command, sizeof(command),
             "ip link add name %s type veth peer name p; ip address add " SERVICE "/32 dev %s",
             link, link);
    namespace_must(command);
    assert_int_equal(put(&addresses, LINK_LOCAL, SERVICE), ERR_EXISTS);
    assert_null(addresses);
    assert_ptr_equal(strstr(why, SERVICE " is already on "), why);
    assert_non_null(strstr(why, link));
    assert_non_null(strstr(why, remedy));
    assert_false(can_bind(LINK_LOCAL));
    assert_true(stands(link, SERVICE));
    snprintf(command, sizeof(command), "ip link delete %s", link);
    namespace_must(command);
}

static void an_address_of_somebody_else_is_never_claimed(void **state)
{
    (void)state;
    IN_OWN_NAMESPACE();
    assert_foreign("kube-ipvs0", "IPVS mode");
    assert_foreign("nodelocaldns", "NodeLocal DNSCache");
    assert_foreign("eth0", "remove it there, or take another address");
}

static void addresses_that_make_no_sense_are_refused(void **state)
{
    struct addresses *addresses;
    struct addr many[ADDRESSES_MAX + 1];

    (void)state;
    IN_OWN_NAMESPACE();
    assert_int_equal(put(&addresses, LINK_LOCAL, "127.0.0.1"), ERR_INVALID);
    assert_int_equal(put(&addresses, "::1", NULL), ERR_INVALID);
    assert_int_equal(put(&addresses, "0.0.0.0", NULL), ERR_INVALID);
    assert_int_equal(addresses_put(&addresses, many, 0, why), ERR_INVALID);
    assert_int_equal(addresses_put(&addresses, many, ADDRESSES_MAX + 1, why), ERR_INVALID);
    assert_non_null(strstr(why, "none of them loopback"));
    assert_null(addresses);
}

/* It would take the instance's credentials, or its resolver, from all of the node. */
static void an_address_of_aws_is_never_put_on_the_node(void **state)
{
    struct addresses *addresses;

    (void)state;
    IN_OWN_NAMESPACE();
    assert_int_equal(put(&addresses, LINK_LOCAL, "169.254.169.254"), ERR_INVALID);
    assert_null(addresses);
    assert_non_null(strstr(why, "169.254.169.254 is the instance metadata service"));
    assert_int_equal(put(&addresses, "fd00:ec2::253", LINK_LOCAL), ERR_INVALID);
    assert_non_null(strstr(why, "fd00:ec2::253 is the VPC resolver"));
    assert_false(stands("lo", "169.254.") || stands("lo", "fd00:"));
}

static void where_one_cannot_stand_none_does(void **state)
{
    struct addresses *addresses;

    (void)state;
    IN_OWN_NAMESPACE();
    if (!namespace_write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1"))
        SKIP_BECAUSE("IPv6 cannot be switched off here");
    assert_int_equal(put(&addresses, SERVICE, SERVICE_V6), ERR_UNSUPPORTED);
    assert_null(addresses);
    assert_non_null(strstr(why, "IPv6 is switched off"));
    assert_false(can_bind(SERVICE));
}

static void put_without_capability(const void *context, int ready)
{
    struct addresses *addresses;
    size_t removed;

    (void)context;
    if (!namespace_lower(CAP_NET_ADMIN) || put(&addresses, LINK_LOCAL, NULL) != ERR_DENIED ||
        addresses != NULL || strstr(why, "needs CAP_NET_ADMIN") == NULL)
        _exit(1);
    if (put(&addresses, SERVICE, NULL) != ERR_OK || !addresses_was_there(addresses, 0) ||
        addresses_check(addresses, why) != ERR_OK)
        _exit(1);
    addresses_remove(addresses);
    if (addresses_clean(&removed, why) != ERR_DENIED || removed != 0)
        _exit(1);
    namespace_ready(ready);
    pause();
}

static void without_the_capability_only_what_stands_is_used(void **state)
{
    static const char *const service[] = {SERVICE, NULL};

    (void)state;
    IN_OWN_NAMESPACE();
    namespace_kill(namespace_child(hold, service));
    namespace_kill(namespace_child(put_without_capability, NULL));
    assert_true(can_bind(SERVICE));
    assert_false(can_bind(LINK_LOCAL));
}

/* ---- What others do to them ------------------------------------------------------------------------ */

static void what_is_gone_is_told_and_put_back(void **state)
{
    struct addresses *addresses;
    char command[NAMESPACE_COMMAND_MAX];

    (void)state;
    IN_OWN_NAMESPACE();
    addresses = must_put(LINK_LOCAL, SERVICE_V6);
    assert_int_equal(addresses_check(addresses, why), ERR_OK);
    snprintf(command, sizeof(command), "ip address delete " SERVICE_V6 "/128 dev %s",
             addresses_link(addresses, 1));
    namespace_must(command);
    assert_int_equal(addresses_check(addresses, why), ERR_NOT_FOUND);
    assert_ptr_equal(strstr(why, SERVICE_V6 " was removed from "), why);
    assert_int_equal(addresses_repair(addresses, why), ERR_OK);
    assert_int_equal(addresses_check(addresses, why), ERR_OK);
    assert_true(can_bind(SERVICE_V6));
    addresses_remove(addresses);
    assert_false(can_bind(LINK_LOCAL));
    assert_false(can_bind(SERVICE_V6));
}

static void a_link_that_is_gone_is_made_up_for(void **state)
{
    struct addresses *addresses;

    (void)state;
    IN_OWN_NAMESPACE();
    namespace_must(MAKE_LINK);
    addresses = must_put(LINK_LOCAL, NULL);
    namespace_must("ip link delete local53");
    assert_int_equal(addresses_check(addresses, why), ERR_NOT_FOUND);
    assert_int_equal(addresses_repair(addresses, why), ERR_OK);
    assert_true(can_bind(LINK_LOCAL));
    addresses_remove(addresses);
    assert_false(can_bind(LINK_LOCAL));
}

static void an_address_that_comes_to_stand_elsewhere_too_is_told(void **state)
{
    struct addresses *addresses;

    (void)state;
    IN_OWN_NAMESPACE();
    addresses = must_put(SERVICE, NULL);
    namespace_must("ip link add name kube-ipvs0 type veth peer name p; ip address add " SERVICE
                   "/32 dev kube-ipvs0");
    assert_int_equal(addresses_check(addresses, why), ERR_EXISTS);
    assert_non_null(strstr(why, "already on kube-ipvs0"));
    addresses_remove(addresses);
    assert_true(stands("kube-ipvs0", SERVICE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_families_stand_until_they_are_removed),
        cmocka_unit_test(link_local_has_the_scope_of_a_link),
        cmocka_unit_test(nobody_sends_from_them_unasked),
        cmocka_unit_test(a_link_of_the_name_is_used_and_goes_with_the_last),
        cmocka_unit_test(what_people_put_on_lo_is_used_and_stays),
        cmocka_unit_test(what_a_killed_one_left_stands_and_is_found_again),
        cmocka_unit_test(the_last_that_has_an_address_removes_it),
        cmocka_unit_test(clean_removes_what_the_dead_left_and_nothing_else),
        cmocka_unit_test(clean_takes_our_link_with_all_that_is_on_it),
        cmocka_unit_test(an_address_of_somebody_else_is_never_claimed),
        cmocka_unit_test(addresses_that_make_no_sense_are_refused),
        cmocka_unit_test(an_address_of_aws_is_never_put_on_the_node),
        cmocka_unit_test(where_one_cannot_stand_none_does),
        cmocka_unit_test(without_the_capability_only_what_stands_is_used),
        cmocka_unit_test(what_is_gone_is_told_and_put_back),
        cmocka_unit_test(a_link_that_is_gone_is_made_up_for),
        cmocka_unit_test(an_address_that_comes_to_stand_elsewhere_too_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
