/* interception: the table as nft(8) sees it, in namespaces of the tests' own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <linux/netlink.h>

#include "../../../src/node/interception_private.h"
#include "namespace_test.h"

/* Names of tables as instances have them. */
#define LIVE "local53-0000000000000001"
#define DEAD "local53-00000000deadbeef"

static char output[NAMESPACE_OUTPUT_MAX];
static char why[INTERCEPTION_WHY_MAX];

static struct addr address_of(const char *text)
{
    struct addr address;

    assert_int_equal(addr_parse(&address, text, 53), ERR_OK);
    return address;
}

static struct interception *opened(const char *text)
{
    struct addr address = address_of(text);
    struct interception *interception;

    assert_int_equal(interception_open(&interception, &address, 1, why), ERR_OK);
    return interception;
}

/* As on a kernel before 5.12. */
static struct interception *opened_without_owner(const char *name)
{
    struct addr address = address_of("10.96.0.10");
    struct nft_table table = {name, false, &address, 1};
    struct interception *interception;

    assert_int_equal(interception_open_as(&interception, &table, why), ERR_OK);
    return interception;
}

/* How often a text stands in what nft lists. */
static size_t listed(const char *text)
{
    size_t times = 0;

    assert_true(namespace_run("nft list ruleset", output));
    for (const char *at = output; (at = strstr(at, text)) != NULL; at++)
        times++;
    return times;
}

/* ---- What stands there ----------------------------------------------------------------------------- */

static void nft_lists_the_rules_of_both_families(void **state)
{
    struct addr addresses[2] = {address_of("169.254.20.10"), address_of("[fd00::a]:5353")};
    struct interception *interception;

    (void)state;
    IN_OWN_NAMESPACE();
    assert_int_equal(interception_open(&interception, addresses, 2, why), ERR_OK);
    assert_string_equal(why, "");
    assert_int_equal(listed(interception_name(interception)), 1);
    assert_int_equal(listed("type filter hook prerouting priority raw; policy accept;"), 1);
    assert_int_equal(listed("type filter hook output priority raw; policy accept;"), 1);
    assert_int_equal(listed("ip daddr 169.254.20.10 udp dport 53 notrack"), 2);
    assert_int_equal(listed("ip daddr 169.254.20.10 tcp dport 53 notrack"), 2);
    assert_int_equal(listed("ip saddr 169.254.20.10 udp sport 53 notrack"), 1);
    assert_int_equal(listed("ip saddr 169.254.20.10 tcp sport 53 notrack"), 1);
    assert_int_equal(listed("ip6 daddr fd00::a udp dport 5353 notrack"), 2);
    assert_int_equal(listed("ip6 daddr fd00::a tcp dport 5353 notrack"), 2);
    assert_int_equal(listed("ip6 saddr fd00::a udp sport 5353 notrack"), 1);
    assert_int_equal(listed("ip6 saddr fd00::a tcp sport 5353 notrack"), 1);
    assert_int_equal(listed("notrack"), 12);
    assert_int_equal(interception_rules(interception), 12);
    assert_int_equal(interception_check(interception, why), ERR_OK);
    interception_close(interception);
    assert_int_equal(listed("table"), 0);
}

static void the_most_addresses_go_in_one_transaction(void **state)
{
    struct addr addresses[INTERCEPTION_ADDRESSES_MAX + 1];
    struct interception *interception;

    (void)state;
    IN_OWN_NAMESPACE();
    for (size_t i = 0; i <= INTERCEPTION_ADDRESSES_MAX; i++) {
        addresses[i] = address_of("[fd00::a]:53");
        addresses[i].v6.sin6_addr.s6_addr[15] = (uint8_t)i;
    }
    assert_int_equal(
        interception_open(&interception, addresses, INTERCEPTION_ADDRESSES_MAX + 1, why),
        ERR_INVALID);
    assert_null(interception);
    assert_int_equal(interception_open(&interception, addresses, INTERCEPTION_ADDRESSES_MAX, why),
                     ERR_OK);
    assert_int_equal(interception_rules(interception), 6 * INTERCEPTION_ADDRESSES_MAX);
    assert_int_equal(interception_check(interception, why), ERR_OK);
    interception_close(interception);
}

static void what_would_take_in_all_addresses_is_refused(void **state)
{
    struct addr any = address_of("0.0.0.0");
    struct addr no_port = addr_with_port(address_of("10.96.0.10"), 0);
    struct interception *interception;

    (void)state;
    IN_OWN_NAMESPACE();
    assert_int_equal(interception_open(&interception, &any, 1, why), ERR_INVALID);
    assert_int_equal(interception_open(&interception, &no_port, 1, why), ERR_INVALID);
    assert_int_equal(interception_open(&interception, NULL, 0, why), ERR_INVALID);
    assert_non_null(strstr(why, "each with a port"));
    assert_int_equal(listed("table"), 0);
}

static void two_instances_stand_side_by_side(void **state)
{
    struct interception *old;
    struct interception *new;

    (void)state;
    IN_OWN_NAMESPACE();
    old = opened("169.254.20.10");
    new = opened("169.254.20.10");
    assert_string_not_equal(interception_name(old), interception_name(new));
    assert_int_equal(listed("notrack"), 12);
    interception_close(old);
    assert_int_equal(listed("notrack"), 6);
    assert_int_equal(interception_check(new, why), ERR_OK);
    interception_close(new);
    assert_int_equal(listed("table"), 0);
}

/* All descriptors but the standard ones that this process would hand on. */
static void no_descriptor_is_inherited(void **state)
{
    struct interception *interception;
    DIR *folder;
    struct dirent *entry;

    (void)state;
    IN_OWN_NAMESPACE();
    interception = opened("169.254.20.10");
    folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        char path[300];
        char target[64] = "";

        snprintf(path, sizeof(path), "/proc/self/fd/%s", entry->d_name);
        if (readlink(path, target, sizeof(target) - 1) > 0 && strncmp(target, "socket:", 7) == 0 &&
            atoi(entry->d_name) > 2)
            assert_int_equal(fcntl(atoi(entry->d_name), F_GETFD), FD_CLOEXEC);
    }
    closedir(folder);
    interception_close(interception);
}

/* ---- Its end --------------------------------------------------------------------------------------- */

static void hold(const void *context, int ready)
{
    struct interception *interception;
    struct addr address = address_of("10.96.0.10");

    (void)context;
    if (interception_open(&interception, &address, 1, why) != ERR_OK)
        _exit(1);
    namespace_ready(ready);
    pause();
}

static void hold_without_owner(const void *context, int ready)
{
    (void)opened_without_owner(context);
    namespace_ready(ready);
    pause();
}

static void a_killed_process_leaves_no_rule(void **state)
{
    pid_t child;

    (void)state;
    IN_OWN_NAMESPACE();
    child = namespace_child(hold, NULL);
    assert_int_equal(listed("notrack"), 6);
    namespace_kill(child);
    assert_int_equal(listed("table"), 0);
}

static void clean_removes_what_the_dead_left_and_nothing_else(void **state)
{
    struct interception *owned;
    struct interception *not_owned;
    size_t removed;
    pid_t child;

    (void)state;
    IN_OWN_NAMESPACE();
    namespace_must("nft add table inet other; nft add table ip local53-ip; nft add table inet "
                   "local53-of-theirs; nft add table ip " DEAD);
    owned = opened("10.96.0.10");
    not_owned = opened_without_owner(LIVE);
    assert_true(interception_is_owned(owned));
    assert_false(interception_is_owned(not_owned));
    child = namespace_child(hold_without_owner, DEAD);
    namespace_kill(child);
    assert_int_equal(listed("table inet " DEAD), 1);
    assert_int_equal(interception_clean(&removed, why), ERR_OK);
    assert_int_equal(removed, 1);
    assert_int_equal(listed("table inet " DEAD), 0);
    assert_int_equal(listed("table"), 6);
    interception_close(owned);
    interception_close(not_owned);
    assert_int_equal(listed("table"), 4);
}

/* Else it would lead DNS to nobody once the next one has ended. */
static void the_next_table_without_owner_takes_the_place_of_dead_ones(void **state)
{
    struct interception *other;
    struct interception *next;
    pid_t child;

    (void)state;
    IN_OWN_NAMESPACE();
    other = opened_without_owner(LIVE);
    child = namespace_child(hold_without_owner, DEAD);
    namespace_kill(child);
    assert_int_equal(listed("table inet"), 2);
    next = opened_without_owner("local53-0000000000000002");
    assert_int_equal(listed("table inet " DEAD), 0);
    assert_int_equal(listed("table inet " LIVE), 1);
    assert_int_equal(listed("notrack"), 12);
    interception_close(next);
    interception_close(other);
    assert_int_equal(listed("table"), 0);
}

/* ---- What others do to it -------------------------------------------------------------------------- */

static void others_cannot_change_an_owned_table(void **state)
{
    struct interception *interception;
    char command[NAMESPACE_COMMAND_MAX];

    (void)state;
    IN_OWN_NAMESPACE();
    interception = opened("10.96.0.10");
    snprintf(command, sizeof(command), "nft flush table inet %s", interception_name(interception));
    assert_false(namespace_run(command, output));
    assert_true(namespace_run("nft flush ruleset", output));
    assert_int_equal(interception_check(interception, why), ERR_OK);
    interception_close(interception);
}

/* What a command breaks is found, told, and mended. */
static void assert_mended(const char *command, enum err expected, const char *told)
{
    struct interception *interception = opened_without_owner("local53-mended");

    namespace_must(command);
    assert_int_equal(interception_check(interception, why), expected);
    if (strstr(why, told) == NULL)
        fail_msg("\"%s\" is not in: %s", told, why);
    assert_int_equal(interception_repair(interception, why), ERR_OK);
    assert_int_equal(interception_check(interception, why), ERR_OK);
    assert_int_equal(interception_rules(interception), 6);
    interception_close(interception);
    assert_int_equal(listed("table"), 0);
}

static void whatever_was_changed_is_found_and_mended(void **state)
{
    (void)state;
    IN_OWN_NAMESPACE();
    assert_mended("nft flush ruleset", ERR_NOT_FOUND, "was removed by somebody");
    assert_mended("nft flush table inet local53-mended", ERR_MALFORMED,
                  "it lacks \"rule prerouting [meta load nfproto");
    assert_mended("nft delete rule inet local53-mended output $(nft -a list chain inet "
                  "local53-mended output | grep -o 'handle [0-9]*$' | tail -1)",
                  ERR_MALFORMED, "it lacks \"rule output");
    assert_mended("nft insert rule inet local53-mended output udp dport 53 drop", ERR_MALFORMED,
                  "it has \"rule output");
    assert_mended("nft add chain inet local53-mended more", ERR_MALFORMED, "chain more type none");
    assert_mended("nft 'add table inet local53-mended { flags dormant; }'", ERR_MALFORMED,
                  "\"table flags 1\" in place of \"table flags 0\"");
    assert_mended("nft add chain inet local53-mended output '{ policy drop; }'", ERR_MALFORMED,
                  "policy 0");
    assert_mended("nft 'flush chain inet local53-mended output; delete chain inet local53-mended "
                  "output; add chain inet local53-mended output'",
                  ERR_MALFORMED, "chain output type none");
}

static void a_rule_for_another_address_in_the_same_place_is_found(void **state)
{
    (void)state;
    IN_OWN_NAMESPACE();
    assert_mended("{ echo flush table inet local53-mended; nft list table inet local53-mended | "
                  "sed s/10.96.0.10/10.96.0.11/; } | nft -f -",
                  ERR_MALFORMED, "0x0b00600a");
}

static void a_thousand_repairs_leave_as_many_rules(void **state)
{
    struct interception *interception;

    (void)state;
    IN_OWN_NAMESPACE();
    interception = opened("10.96.0.10");
    for (int i = 0; i < 1000; i++)
        assert_int_equal(interception_repair(interception, why), ERR_OK);
    assert_int_equal(listed("notrack"), 6);
    assert_int_equal(listed("chain"), 2);
    assert_int_equal(interception_check(interception, why), ERR_OK);
    assert_true(interception_is_owned(interception));
    interception_close(interception);
    assert_int_equal(listed("table"), 0);
}

/* As somebody who flushes all rules does, each time before they are looked at. */
static void what_is_removed_a_thousand_times_is_put_back_as_often(void **state)
{
    struct interception *interception;
    struct netlink *somebody;

    (void)state;
    IN_OWN_NAMESPACE();
    assert_int_equal(netlink_new(&somebody, NETLINK_NETFILTER), 0);
    interception = opened_without_owner(LIVE);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(nft_table_delete(somebody, LIVE), 0);
        assert_int_equal(interception_check(interception, why), ERR_NOT_FOUND);
        assert_int_equal(interception_repair(interception, why), ERR_OK);
        assert_int_equal(interception_rules(interception), 6);
    }
    assert_int_equal(listed("notrack"), 6);
    assert_int_equal(listed("chain"), 2);
    interception_close(interception);
    assert_int_equal(listed("table"), 0);
    netlink_free(somebody);
}

static void a_foreign_table_of_the_same_name_is_told_and_untouched(void **state)
{
    struct addr address = address_of("10.96.0.10");
    struct nft_table table = {"local53-foreign", true, &address, 1};
    struct interception *interception;

    (void)state;
    IN_OWN_NAMESPACE();
    namespace_must("nft add table inet local53-foreign; nft add chain inet local53-foreign theirs");
    assert_int_equal(interception_open_as(&interception, &table, why), ERR_EXISTS);
    assert_null(interception);
    assert_non_null(strstr(why, "nft list table inet local53-foreign"));
    assert_int_equal(listed("chain theirs"), 1);
    assert_int_equal(listed("chain"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nft_lists_the_rules_of_both_families),
        cmocka_unit_test(the_most_addresses_go_in_one_transaction),
        cmocka_unit_test(what_would_take_in_all_addresses_is_refused),
        cmocka_unit_test(two_instances_stand_side_by_side),
        cmocka_unit_test(no_descriptor_is_inherited),
        cmocka_unit_test(a_killed_process_leaves_no_rule),
        cmocka_unit_test(clean_removes_what_the_dead_left_and_nothing_else),
        cmocka_unit_test(the_next_table_without_owner_takes_the_place_of_dead_ones),
        cmocka_unit_test(others_cannot_change_an_owned_table),
        cmocka_unit_test(whatever_was_changed_is_found_and_mended),
        cmocka_unit_test(a_rule_for_another_address_in_the_same_place_is_found),
        cmocka_unit_test(a_thousand_repairs_leave_as_many_rules),
        cmocka_unit_test(what_is_removed_a_thousand_times_is_put_back_as_often),
        cmocka_unit_test(a_foreign_table_of_the_same_name_is_told_and_untouched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
