/* The daemon's part on the node, step by step on a made-up clock, in a network namespace of each test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/netlink.h>
#include <net/if.h>

#include "../../../src/app/node.h"
#include "../../../src/node/rtnl.h"
#include "../node/namespace_test.h"
#include "local53/base/log.h"
#include "parse_config.h"

#define OWNER "node: {intercept: owner, "
#define BOTH_LISTENED "listen: [127.0.0.1, 169.254.20.10]\n"
#define SERVICE "service_addresses: 10.96.0.10}\n"
#define BOTH_FAMILIES                                                                              \
    "listen: [127.0.0.1, 169.254.20.10, fd00::10]\n" OWNER                                         \
    "service_addresses: [10.96.0.10, fd00:96::a]}\n"

#define TAKEN_BY_IPVS                                                                              \
    "ip link add kube-ipvs0 type veth; ip address add 10.96.0.10/32 dev kube-ipvs0"

static char output[NAMESPACE_OUTPUT_MAX];

/* A part of the daemon whose configuration went away. */
struct part {
    struct node *node;
    struct metrics *metrics;
};

static struct part part_of(const char *text)
{
    struct config *config = config_of(text);
    struct part part = {.metrics = metrics_new()};

    part.node = node_new(config, part.metrics);
    config_free(config);
    return part;
}

/* A part whose rules stand since second 5. */
static struct part begun_part(const char *text)
{
    struct part part = part_of(text);

    assert_true(node_prepare(part.node));
    assert_int_equal(node_look(part.node, true, 5000), NODE_BEGUN);
    return part;
}

static void part_end(struct part *part)
{
    node_free(part->node);
    metrics_free(part->metrics);
}

static bool prints(const char *command, const char *wanted)
{
    assert_true(namespace_run(command, output));
    return strstr(output, wanted) != NULL;
}

static bool stands(const char *address)
{
    return prints("ip address show", address);
}

static bool rules_stand(void)
{
    return prints("nft list tables", "local53-");
}

static bool tells(const struct part *part, const char *wanted)
{
    char told[NODE_WHY_MAX];

    return strstr(node_tell(part->node, told), wanted) != NULL;
}

static size_t listens(const struct part *part)
{
    size_t count;

    node_listen(part->node, &count);
    return count;
}

static uint64_t gauge(const struct part *part, enum metrics_id id)
{
    node_set_gauges(part->node);
    return metrics_get(part->metrics, id, 0);
}

static void off_does_nothing_to_the_node(void **state)
{
    struct part part;

    (void)state;
    IN_OWN_NAMESPACE();
    part = part_of(BOTH_LISTENED);
    assert_true(node_prepare(part.node));
    assert_int_equal(node_look(part.node, true, 5000), NODE_SAME);
    assert_true(node_is_ready(part.node));
    assert_int_equal(listens(&part), 2);
    assert_true(tells(&part, "off"));
    assert_false(stands("169.254.20.10"));
    assert_false(rules_stand());
    part_end(&part);
}

static void rules_wait_for_the_proof_and_go_before_the_addresses(void **state)
{
    struct part part;
    size_t proof;

    (void)state;
    IN_OWN_NAMESPACE();
    part = part_of(BOTH_LISTENED OWNER SERVICE);
    assert_true(node_prepare(part.node));
    assert_true(stands("169.254.20.10") && stands("10.96.0.10"));
    node_proof(part.node, &proof);
    assert_int_equal(proof, 2);
    assert_int_equal(listens(&part), 3);
    assert_int_equal(node_look(part.node, false, 5000), NODE_SAME);
    assert_false(node_is_ready(part.node) || rules_stand());
    assert_int_equal(gauge(&part, METRICS_INTERCEPTING), 0);
    assert_int_equal(node_look(part.node, true, 5001), NODE_BEGUN);
    assert_true(node_is_ready(part.node) && rules_stand());
    assert_int_equal(gauge(&part, METRICS_INTERCEPTING), 1);
    assert_int_equal(gauge(&part, METRICS_INTERCEPTION_OWNED), 1);
    assert_int_equal(gauge(&part, METRICS_INTERCEPTION_RULES), 12);
    node_stand_down(part.node);
    assert_false(rules_stand());
    assert_int_equal(gauge(&part, METRICS_INTERCEPTING), 0);
    assert_true(stands("169.254.20.10"));
    part_end(&part);
    assert_false(stands("169.254.20.10") || stands("10.96.0.10"));
}

static void loopback_addresses_are_no_part_of_the_rules(void **state)
{
    struct part part;

    (void)state;
    IN_OWN_NAMESPACE();
    part = begun_part(BOTH_LISTENED OWNER SERVICE);
    assert_true(prints("nft list ruleset", "10.96.0.10"));
    assert_false(prints("nft list ruleset", "127.0.0.1"));
    part_end(&part);
}

static void what_is_gone_is_put_back_at_the_next_second(void **state)
{
    struct part part;

    (void)state;
    IN_OWN_NAMESPACE();
    part = begun_part(BOTH_LISTENED OWNER SERVICE);
    assert_int_equal(node_look(part.node, true, 6000), NODE_SAME);
    namespace_must("ip address delete 169.254.20.10/32 dev lo");
    node_look(part.node, true, 6999);
    assert_false(stands("169.254.20.10"));
    node_look(part.node, true, 7000);
    assert_true(stands("169.254.20.10"));
    assert_int_equal(metrics_get(part.metrics, METRICS_INTERCEPTION_REPAIRS, 0), 1);
    part_end(&part);
}

/* Somebody takes an address from lo. */
static void take_away(struct netlink *somebody, const char *text)
{
    struct addr address;

    assert_int_equal(addr_parse(&address, text, 0), ERR_OK);
    assert_int_equal(rtnl_delete(somebody, &address, if_nametoindex("lo")), 0);
}

static void a_thousand_repairs_leave_the_rules_and_addresses_as_they_were(void **state)
{
    const char *taken[] = {"169.254.20.10", "10.96.0.10", "fd00:96::a", "fd00::10"};
    struct netlink *somebody;
    struct part part;

    (void)state;
    IN_OWN_NAMESPACE();
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, 2); /* not a thousand lines */
    assert_int_equal(netlink_new(&somebody, NETLINK_ROUTE), 0);
    part = begun_part(BOTH_FAMILIES);
    for (unsigned i = 0; i < 1000; i++) {
        bool is_v6 = i % 50 < 2; /* which takes the kernel longer */

        take_away(somebody, taken[i % 2 + (is_v6 ? 2 : 0)]);
        assert_int_equal(node_look(part.node, true, 6000 + i * (uint64_t)NODE_LOOK_MS), NODE_SAME);
        assert_int_equal(gauge(&part, METRICS_INTERCEPTING), 1);
    }
    assert_int_equal(metrics_get(part.metrics, METRICS_INTERCEPTION_REPAIRS, 0), 1000);
    assert_int_equal(gauge(&part, METRICS_INTERCEPTION_RULES), 24);
    assert_true(prints("nft list ruleset | grep -c notrack", "24\n"));
    assert_true(prints("ip -o address show dev lo | grep -vcE ' (127.0.0.1/8|::1/128) '", "4\n"));
    netlink_free(somebody);
    part_end(&part);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, 2);
    assert_false(rules_stand() || stands("169.254.20.10") || stands("fd00:"));
}

static void trouble_ends_no_process_and_is_told_until_it_is_over(void **state)
{
    struct part part;

    (void)state;
    IN_OWN_NAMESPACE();
    part = begun_part(BOTH_LISTENED OWNER SERVICE);
    namespace_must(TAKEN_BY_IPVS);
    assert_int_equal(node_look(part.node, true, 6000), NODE_SAME);
    assert_true(tells(&part, "kube-ipvs0"));
    assert_int_equal(gauge(&part, METRICS_INTERCEPTING), 0);
    assert_true(node_is_ready(part.node));
    namespace_must("ip link delete kube-ipvs0");
    assert_int_equal(node_look(part.node, true, 7000), NODE_SAME);
    assert_false(tells(&part, "kube-ipvs0"));
    assert_int_equal(gauge(&part, METRICS_INTERCEPTING), 1);
    part_end(&part);
}

static void an_address_of_somebody_else_ends_the_start_unless_it_may_be_left_out(void **state)
{
    struct part part;

    (void)state;
    IN_OWN_NAMESPACE();
    namespace_must(TAKEN_BY_IPVS);
    part = part_of(BOTH_LISTENED OWNER SERVICE);
    assert_false(node_prepare(part.node));
    assert_false(stands("169.254.20.10"));
    part_end(&part);
    part = part_of(BOTH_LISTENED OWNER "on_failure: degrade, " SERVICE);
    assert_true(node_prepare(part.node));
    assert_int_equal(listens(&part), 2);
    assert_int_equal(node_look(part.node, true, 5000), NODE_BEGUN);
    assert_false(prints("nft list ruleset", "10.96.0.10"));
    part_end(&part);
}

static void a_listen_address_on_another_link_is_led_here_and_left_there(void **state)
{
    struct part part;

    (void)state;
    IN_OWN_NAMESPACE();
    namespace_must("ip link add other type veth; ip address add 169.254.20.10/32 dev other");
    part = begun_part(BOTH_LISTENED OWNER "on_failure: exit}\n");
    assert_true(prints("nft list ruleset", "169.254.20.10"));
    part_end(&part);
    assert_true(prints("ip address show dev other", "169.254.20.10"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(off_does_nothing_to_the_node),
        cmocka_unit_test(rules_wait_for_the_proof_and_go_before_the_addresses),
        cmocka_unit_test(loopback_addresses_are_no_part_of_the_rules),
        cmocka_unit_test(what_is_gone_is_put_back_at_the_next_second),
        cmocka_unit_test(a_thousand_repairs_leave_the_rules_and_addresses_as_they_were),
        cmocka_unit_test(trouble_ends_no_process_and_is_told_until_it_is_over),
        cmocka_unit_test(an_address_of_somebody_else_ends_the_start_unless_it_may_be_left_out),
        cmocka_unit_test(a_listen_address_on_another_link_is_led_here_and_left_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
