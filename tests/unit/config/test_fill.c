/* Filling: types, defaults, unknown keys and places, one message a mistake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "local53/config/fill.h"
#include "parse_config.h"

#define LISTEN "listen: 127.0.0.1\n"

static void a_file_with_only_listen_has_every_default(void **state)
{
    struct config *config = config_of(LISTEN);
    char text[ADDR_TEXT_MAX];

    (void)state;
    assert_int_equal(config->listen_count, 1);
    assert_string_equal(addr_format(&config->listen[0], text), "127.0.0.1:53");
    assert_string_equal(config->control, "/run/local53/control.sock");
    assert_int_equal(config->metrics_count, 1);
    assert_string_equal(addr_format(&config->metrics[0], text), "127.0.0.1:9453");
    assert_int_equal(config->log_level, LOG_LEVEL_INFO);
    assert_int_equal(config->log_format, LOG_FORMAT_TEXT);
    assert_null(config->region);
    assert_false(config->region_auto);
    assert_null(config->resolver);
    assert_int_equal(config->endpoint_count, 0);
    assert_int_equal(config->zone_count, 0);
    assert_int_equal(config->forward_count, 1);
    assert_int_equal(config->forward[0].zone.labels, 0);
    assert_int_equal(config->forward[0].servers[0].kind, CONFIG_SERVER_RESOLV_CONF);
    assert_string_equal(config->forward[0].servers[0].text, "/etc/resolv.conf");
    assert_int_equal(config->forward[0].max_negative_ttl_s, 30);
    assert_int_equal(config->forward[0].mark.line, 0);
    assert_int_equal(config->cache_memory, 32 << 20);
    assert_int_equal(config->cache_max_ttl_s, 3600);
    assert_int_equal(config->udp_size, 1232);
    assert_int_equal(config->tcp_connections, 256);
    assert_int_equal(config->tcp_idle_s, 10);
    assert_int_equal(config->inflight, 4096);
    assert_true(config->udp_send_socket);
    assert_int_equal(config->intercept, CONFIG_INTERCEPT_OFF);
    assert_int_equal(config->service_address_count, 0);
    assert_int_equal(config->on_failure, CONFIG_ON_FAILURE_EXIT);
    assert_false(config->handover);
    assert_int_equal(config->workers, 0);
    config_free(config);
}

static void an_address_may_be_that_of_an_environment_variable(void **state)
{
    char text[ADDR_TEXT_MAX];

    (void)state;
    assert_int_equal(setenv("TEST_POD_IP", "10.1.2.3", 1), 0);
    assert_int_equal(setenv("TEST_POD_IP6", "fd00::7", 1), 0);
    struct config *config = config_of("listen: [\"env:TEST_POD_IP:1053\", env:TEST_POD_IP6]\n"
                                      "metrics: [\"env:TEST_POD_IP6:80\", env:TEST_POD_IP]\n");
    assert_string_equal(addr_format(&config->listen[0], text), "10.1.2.3:1053");
    assert_string_equal(addr_format(&config->listen[1], text), "[fd00::7]:53");
    assert_string_equal(addr_format(&config->metrics[0], text), "[fd00::7]:80");
    assert_string_equal(addr_format(&config->metrics[1], text), "10.1.2.3:9453");
    config_free(config);
}

static void a_variable_that_has_no_address_is_told(void **state)
{
    (void)state;
    assert_int_equal(setenv("TEST_POD_IP", "10.1.2.3:53", 1), 0);
    assert_int_equal(unsetenv("TEST_NO_IP"), 0);
    ASSERT_COMPLAINTS("listen: env:TEST_NO_IP\n",
                      "t:1:9: error: listen: \"env:TEST_NO_IP\": there is no TEST_NO_IP in the "
                      "environment\n");
    ASSERT_COMPLAINTS("listen: env:TEST_POD_IP\n",
                      "t:1:9: error: listen: \"env:TEST_POD_IP\": TEST_POD_IP is \"10.1.2.3:53\", "
                      "which is no address\n");
    ASSERT_COMPLAINTS("listen: \"env:4:x\"\n",
                      "t:1:9: error: listen: \"env:4:x\" names no environment variable; write one "
                      "like env:POD_IP or env:POD_IP:1053\n");
}

static void written_values_reach_their_members(void **state)
{
    struct config *config =
        config_of("listen: [169.254.20.10, \"[::1]:5353\"]\n"
                  "control: /tmp/x.sock\nmetrics: []\nlog: {level: error, format: json}\n"
                  "aws: {region: eu-central-1, resolver: [10.0.0.2, dns.example]}\n"
                  "cache: {memory: 1MiB, max_ttl: 7d}\n"
                  "limits: {udp_size: 512, tcp_connections: 1, tcp_idle: 1m, inflight: 16}\n"
                  "udp: {send_socket: false}\n"
                  "node: {intercept: owner, service_addresses: [10.96.0.10, \"fd00::a\"],\n"
                  "       on_failure: degrade, handover: true}\n"
                  "workers: 64\n");

    (void)state;
    assert_int_equal(config->listen_count, 2);
    assert_int_equal(addr_port(&config->listen[1]), 5353);
    assert_string_equal(config->control, "/tmp/x.sock");
    assert_int_equal(config->metrics_count, 0);
    assert_int_equal(config->log_level, LOG_LEVEL_ERROR);
    assert_int_equal(config->log_format, LOG_FORMAT_JSON);
    assert_string_equal(config->region, "eu-central-1");
    assert_int_equal(config->resolver_count, 2);
    assert_int_equal(config->resolver[1].kind, CONFIG_SERVER_HOST);
    assert_int_equal(config->cache_memory, 1 << 20);
    assert_int_equal(config->cache_max_ttl_s, 604800);
    assert_int_equal(config->udp_size, 512);
    assert_int_equal(config->tcp_connections, 1);
    assert_int_equal(config->tcp_idle_s, 60);
    assert_int_equal(config->inflight, 16);
    assert_false(config->udp_send_socket);
    assert_int_equal(config->intercept, CONFIG_INTERCEPT_OWNER);
    assert_int_equal(config->service_address_count, 2);
    assert_int_equal(addr_port(&config->service_addresses[1]), 0);
    assert_int_equal(config->on_failure, CONFIG_ON_FAILURE_DEGRADE);
    assert_true(config->handover);
    assert_int_equal(config->workers, 64);
    config_free(config);
}

static void endpoints_and_pools_keep_their_places(void **state)
{
    struct config *config = config_of(LISTEN "endpoints:\n"
                                             "- service: s3\n"
                                             "  names: [a.b, \"*.c.d\"]\n"
                                             "  except: x.c.d\n"
                                             "  target: \"*.vpce-1.example\"\n"
                                             "  addresses: [10.0.0.1, fd00::1]\n"
                                             "  optional: true\n"
                                             "forward:\n"
                                             "- {zone: a.b, servers: env:X, nxdomain_cut: true}\n"
                                             "- {zone: ., servers: [1.1.1.1, 1.1.1.1:54]}\n");
    const struct config_endpoint *endpoint = &config->endpoints[0];

    (void)state;
    assert_int_equal(config->endpoint_count, 1);
    assert_string_equal(endpoint->service, "s3");
    assert_int_equal(endpoint->mark.line, 3);
    assert_int_equal(endpoint->mark.column, 3);
    assert_int_equal(endpoint->service_mark.column, 12);
    assert_int_equal(endpoint->name_count, 2);
    assert_true(endpoint->names[1].below);
    assert_int_equal(endpoint->names[1].mark.line, 4);
    assert_int_equal(endpoint->names[1].mark.column, 16);
    assert_int_equal(endpoint->except_count, 1);
    assert_int_equal(endpoint->target_count, 1);
    assert_true(endpoint->targets[0].below);
    assert_int_equal(endpoint->address_count, 2);
    assert_int_equal(addr_port(&endpoint->addresses[0]), 0);
    assert_true(endpoint->optional);
    assert_int_equal(config->forward_count, 2);
    assert_true(config->forward[0].nxdomain_cut);
    assert_int_equal(config->forward[1].server_count, 2);
    assert_int_equal(config->forward[1].servers[1].mark.line, 11);
    config_free(config);
}

static void zones_keep_their_aliases_and_places(void **state)
{
    struct config *config = config_of(LISTEN "zones:\n"
                                             "- name: Corp.example\n"
                                             "  file: corp.zone\n"
                                             "  aliases:\n"
                                             "    api.corp.example: vpce-1.example\n"
                                             "    \"*.Web.corp.example\": [a.example, b.example]\n"
                                             "- {name: x.example, file: /x, fallthrough: true}\n");
    const struct config_zone *zone = &config->zones[0];

    (void)state;
    assert_int_equal(config->zone_count, 2);
    assert_memory_equal(zone->name.wire, "\4corp\7example", 14);
    assert_string_equal(zone->file, "corp.zone");
    assert_false(zone->fallthrough);
    assert_int_equal(zone->mark.line, 3);
    assert_int_equal(zone->file_mark.line, 4);
    assert_int_equal(zone->file_mark.column, 9);
    assert_int_equal(zone->alias_count, 2);
    assert_false(zone->aliases[0].name.below);
    assert_int_equal(zone->aliases[0].target_count, 1);
    assert_int_equal(zone->aliases[0].name.mark.line, 6);
    assert_int_equal(zone->aliases[0].targets[0].mark.column, 23);
    assert_true(zone->aliases[1].name.below);
    assert_memory_equal(zone->aliases[1].name.name.wire, "\3web\4corp\7example", 18);
    assert_int_equal(zone->aliases[1].target_count, 2);
    assert_true(config->zones[1].fallthrough);
    assert_int_equal(config->zones[1].alias_count, 0);
    config_free(config);
}

static void what_is_wrong_with_an_alias_is_told_with_its_name(void **state)
{
    (void)state;
    ASSERT_COMPLAINTS(LISTEN "zones: [{name: a.b, aliases: [x.a.b]}]\n",
                      "t:2:30: error: zones[0].aliases: wants a mapping of names (\"name: "
                      "target\"), found a list\n");
    ASSERT_COMPLAINTS(LISTEN "zones: [{name: a.b, aliases: {x.a.b: }}]\n",
                      "t:2:38: error: zones[0].aliases.x.a.b: wants a domain name or a list of "
                      "names, found nothing; write a value or take the key out\n");
    ASSERT_COMPLAINTS(LISTEN "zones: [{name: a.b, aliases: {x.a.b: c.d, X.a.b.: c.d}}]\n",
                      "t:2:43: error: zones[0].aliases.X.a.b.: \"X.a.b.\" stands among the aliases "
                      "a second time\n");
    ASSERT_COMPLAINTS(LISTEN "zones: [{name: a.b, aliases: {x.a.b: []}}]\n",
                      "t:2:38: error: zones[0].aliases.x.a.b: is an empty list; write at least one "
                      "item\n");
}

static void an_unknown_key_gets_the_nearest_or_all_that_are_known(void **state)
{
    (void)state;
    ASSERT_COMPLAINTS("lisetn: 127.0.0.1\n" LISTEN,
                      "t:1:1: error: lisetn: unknown key; did you mean \"listen\"?\n");
    ASSERT_COMPLAINTS(LISTEN "cache: {max_tll: 1h}\n",
                      "t:2:9: error: cache.max_tll: unknown key; did you mean \"max_ttl\"?\n");
    ASSERT_COMPLAINTS(LISTEN "cache: {max_tll: 1h, memroy: 1MiB}\n",
                      "t:2:9: error: cache.max_tll: unknown key; did you mean \"max_ttl\"?\n"
                      "t:2:22: error: cache.memroy: unknown key; did you mean \"memory\"?\n");
    ASSERT_COMPLAINTS(LISTEN "cache: {prefetch: true}\n",
                      "t:2:9: error: cache.prefetch: unknown key; keys here: memory, max_ttl\n");
    ASSERT_COMPLAINTS(LISTEN "stub_zone: []\n",
                      "t:2:1: error: stub_zone: unknown key; keys here: listen, control, metrics, "
                      "log, aws, endpoints, zones, forward, cache, limits, udp, node, workers\n");
}

static void a_key_that_belongs_elsewhere_is_sent_there(void **state)
{
    (void)state;
    ASSERT_COMPLAINTS(LISTEN "region: eu-west-1\n",
                      "t:2:1: error: region: unknown key here; did you mean aws.region?\n");
    ASSERT_COMPLAINTS(
        LISTEN "forward: [{zone: ., servers: 1.1.1.1, max_ttl: 1h}]\n",
        "t:2:39: error: forward[0].max_ttl: unknown key here; did you mean cache.max_ttl?\n");
}

static void a_missing_key_is_told_with_its_meaning(void **state)
{
    (void)state;
    ASSERT_COMPLAINTS("",
                      "t:1:1: error: listen: the key is missing. Addresses answered on, UDP and "
                      "TCP on each; port 53 unless told; no wildcard address.\n");
    ASSERT_COMPLAINTS(LISTEN "forward:\n- zone: a.b\n",
                      "t:3:3: error: forward[0].servers: the key is missing. Addresses, "
                      "resolv.conf:FILE, env:VARIABLE or host names; port 53 unless told.\n");
}

static void a_wrong_type_is_told_with_the_right_one(void **state)
{
    (void)state;
    ASSERT_COMPLAINTS("- a\n", "t:1:1: error: the file: wants a mapping of keys, found a list\n");
    ASSERT_COMPLAINTS("listen: {a: b}\n", "t:1:9: error: listen: wants an address or a list of "
                                          "addresses, found a mapping\n");
    ASSERT_COMPLAINTS("listen: [[127.0.0.1]]\n",
                      "t:1:10: error: listen: wants an address or a list "
                      "of addresses, found a list\n");
    ASSERT_COMPLAINTS(LISTEN "cache: 32MiB\n",
                      "t:2:8: error: cache: wants a mapping of keys, found \"32MiB\"\n");
    ASSERT_COMPLAINTS(
        LISTEN "endpoints: {service: s3}\n",
        "t:2:12: error: endpoints: wants a list of mappings (\"- key: value\"), found "
        "a mapping\n");
    ASSERT_COMPLAINTS(LISTEN "endpoints: [s3]\n", "t:2:13: error: endpoints[0]: wants a list of "
                                                  "mappings (\"- key: value\"), found \"s3\"\n");
    ASSERT_COMPLAINTS(LISTEN "limits: {udp_size: [1232]}\n",
                      "t:2:20: error: limits.udp_size: wants a number, found a list\n");
}

static void nothing_is_no_value(void **state)
{
    (void)state;
    ASSERT_COMPLAINTS(LISTEN "control:\n", "t:2:9: error: control: wants a path, found nothing; "
                                           "write a value or take the key out\n");
    ASSERT_COMPLAINTS(LISTEN "aws: {region: ~}\n",
                      "t:2:15: error: aws.region: wants a region such as eu-west-1, found nothing; "
                      "write a value or take the key out\n");
    ASSERT_COMPLAINTS(LISTEN "metrics: null\n",
                      "t:2:10: error: metrics: wants an address or a list of addresses, found "
                      "nothing; write a value or take the key out\n");
}

static void numbers_and_booleans_are_not_taken_from_quotes(void **state)
{
    (void)state;
    ASSERT_COMPLAINTS(LISTEN "workers: \"4\"\n", "t:2:10: error: workers: wants a number, found "
                                                 "\"4\" in quotes; write it without\n");
    ASSERT_COMPLAINTS(
        LISTEN "forward: [{zone: ., servers: 1.1.1.1, nxdomain_cut: yes}]\n",
        "t:2:53: error: forward[0].nxdomain_cut: \"yes\" is not true or false; write true\n");
}

static void a_list_has_each_item_once_and_not_too_many(void **state)
{
    (void)state;
    ASSERT_COMPLAINTS("listen: [127.0.0.1, 127.0.0.1:53]\n",
                      "t:1:21: error: listen: \"127.0.0.1:53\" stands in the list a second time\n");
    ASSERT_COMPLAINTS(
        LISTEN "forward: [{zone: ., servers: [\"1.1.1.1\", 1.1.1.1:53]}]\n",
        "t:2:42: error: forward[0].servers: \"1.1.1.1:53\" stands in the list a second "
        "time\n");
    ASSERT_COMPLAINTS(LISTEN "endpoints: [{names: [a.b, \"*.a.b\", A.B.], addresses: 1.1.1.1}]\n",
                      "t:2:36: error: endpoints[0].names: \"A.B.\" stands in the list a second "
                      "time\n");
    ASSERT_COMPLAINTS("listen: []\n",
                      "t:1:9: error: listen: is an empty list; write at least one item\n");
    ASSERT_COMPLAINTS(LISTEN "aws: {resolver: []}\n",
                      "t:2:17: error: aws.resolver: is an empty list; write at least one item or "
                      "take the key out\n");
    ASSERT_COMPLAINTS(LISTEN "metrics: [1.1.1.1:1, 1.1.1.1:2, 1.1.1.1:3, 1.1.1.1:4, 1.1.1.1:5, "
                             "1.1.1.1:6, 1.1.1.1:7, 1.1.1.1:8, 1.1.1.1:9, 1.1.1.1:10, 1.1.1.1:11, "
                             "1.1.1.1:12, 1.1.1.1:13, 1.1.1.1:14, 1.1.1.1:15, 1.1.1.1:16, "
                             "1.1.1.1:17]\n",
                      "t:2:10: error: metrics: has 17 items; at most 16 are allowed\n");
}

static void wildcard_addresses_are_not_listened_on(void **state)
{
    (void)state;
    ASSERT_COMPLAINTS("listen: [0.0.0.0]\n",
                      "t:1:10: error: listen: \"0.0.0.0\" is every address of the node, "
                      "systemd-resolved's included; list the addresses to answer on\n");
    ASSERT_COMPLAINTS("listen: \"[::]:5353\"\n",
                      "t:1:9: error: listen: \"[::]:5353\" is every address of the node, "
                      "systemd-resolved's included; list the addresses to answer on\n");
    config_free(config_of(LISTEN "metrics: 0.0.0.0:9453\n"));
}

static void all_mistakes_of_a_file_are_told_at_once(void **state)
{
    (void)state;
    ASSERT_COMPLAINTS(
        "listen: localhost\ncache: {memory: 32MB}\nworkers: 65\n",
        "t:1:9: error: listen: \"localhost\" is not an address; write one like "
        "169.254.20.10, 127.0.0.1:5353 or \"[::1]:5353\"\n"
        "t:2:17: error: cache.memory: \"32MB\" is not a size; write one number and one "
        "unit: 512KiB, 32MiB or 1GiB\n"
        "t:3:10: error: workers: 65 is out of range; allowed: auto or 1 to 64\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_with_only_listen_has_every_default),
        cmocka_unit_test(an_address_may_be_that_of_an_environment_variable),
        cmocka_unit_test(a_variable_that_has_no_address_is_told),
        cmocka_unit_test(written_values_reach_their_members),
        cmocka_unit_test(endpoints_and_pools_keep_their_places),
        cmocka_unit_test(zones_keep_their_aliases_and_places),
        cmocka_unit_test(what_is_wrong_with_an_alias_is_told_with_its_name),
        cmocka_unit_test(an_unknown_key_gets_the_nearest_or_all_that_are_known),
        cmocka_unit_test(a_key_that_belongs_elsewhere_is_sent_there),
        cmocka_unit_test(a_missing_key_is_told_with_its_meaning),
        cmocka_unit_test(a_wrong_type_is_told_with_the_right_one),
        cmocka_unit_test(nothing_is_no_value),
        cmocka_unit_test(numbers_and_booleans_are_not_taken_from_quotes),
        cmocka_unit_test(a_list_has_each_item_once_and_not_too_many),
        cmocka_unit_test(wildcard_addresses_are_not_listened_on),
        cmocka_unit_test(all_mistakes_of_a_file_are_told_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
