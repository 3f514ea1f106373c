/* The configuration as a whole: files, what keys mean to each other, and reloads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "local53/config/config.h"
#include "parse_config.h"

#define LISTEN "listen: 127.0.0.1\n"

static void the_samples_load_without_a_warning(void **state)
{
    static const char *const files[] = {"conf/local53.yaml", "conf/demo.yaml",
                                        "conf/examples/kompass/local53.yaml"};

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct report report = {.file = files[i]};
        struct config *config = NULL;

        assert_int_equal(config_load(&config, files[i], &report), ERR_OK);
        assert_int_equal(report.errors + report.warnings, 0);
        assert_string_equal(config->file, files[i]);
        config_free(config);
        report_deinit(&report);
    }
}

static void a_file_that_cannot_be_read_is_told(void **state)
{
    struct report report = {.file = "x"};
    struct config *config = (struct config *)&report;
    char *text;

    (void)state;
    assert_int_equal(config_load(&config, "conf/no-such-file.yaml", &report), ERR_NOT_FOUND);
    assert_null(config);
    text = report_text(&report);
    assert_string_equal(text,
                        "x: error: cannot read the configuration: No such file or directory\n");
    free(text);
    assert_int_equal(config_load(&config, "conf", &report), ERR_SYSTEM);
    assert_null(config);
    report_deinit(&report);
}

static void an_endpoint_needs_names_and_somewhere_to_lead(void **state)
{
    (void)state;
    ASSERT_COMPLAINTS(
        LISTEN "endpoints: [{optional: true}]\n",
        "t:2:13: error: endpoints[0]: answers no name; write \"service\" or \"names\"\n"
        "t:2:13: error: endpoints[0]: leads nowhere; write \"target\" (the vpce- name "
        "of the endpoint) or \"addresses\"\n");
    ASSERT_COMPLAINTS(
        LISTEN "endpoints: [{names: a.b, addresses: 1.1.1.1, region: eu-west-1}]\n",
        "t:2:13: error: endpoints[0].region: has no meaning without \"service\"; names "
        "are taken as written\n");
}

static void a_zone_stands_once(void **state)
{
    (void)state;
    ASSERT_COMPLAINTS(LISTEN "forward:\n- {zone: a.b, servers: 1.1.1.1}\n"
                             "- {zone: A.B., servers: 1.1.1.2}\n",
                      "t:4:3: error: forward[1].zone: the zone stands in the list a second time, "
                      "first in line 3; put all its servers there\n");
}

static void metrics_and_listen_do_not_share_an_address(void **state)
{
    (void)state;
    ASSERT_COMPLAINTS(LISTEN "metrics: [127.0.0.1:9453, 127.0.0.1:53]\n",
                      "t:2:10: error: metrics[1]: \"127.0.0.1:53\" is also in listen; give it "
                      "another port\n");
}

#define OWNER "node: {intercept: owner, service_addresses: "

static void service_addresses_need_interception(void **state)
{
    (void)state;
    ASSERT_COMPLAINTS(LISTEN "node: {service_addresses: 10.96.0.10}\n",
                      "t:2:27: error: node.service_addresses: has no meaning without \"intercept: "
                      "owner\"; nothing would lead their packets here\n");
    ASSERT_COMPLAINTS(LISTEN OWNER "10.96.0.10}\n", "");
}

static void interception_needs_an_address(void **state)
{
    (void)state;
    ASSERT_COMPLAINTS(LISTEN "node: {intercept: owner}\n",
                      "t:2:19: error: node.intercept: there is nothing to lead here; write a "
                      "listen address of 169.254.0.0/16 or fd00::/8, or \"service_addresses\"\n");
    ASSERT_COMPLAINTS("listen: 169.254.20.10\nnode: {intercept: owner}\n", "");
    ASSERT_COMPLAINTS("listen: \"fd00::10\"\nnode: {intercept: owner}\n", "");
}

static void a_service_address_stands_once_and_is_one(void **state)
{
    (void)state;
    ASSERT_COMPLAINTS("listen: 10.96.0.10\n" OWNER "[10.96.0.10, 127.0.0.1]}\n",
                      "t:2:45: error: node.service_addresses[0]: \"10.96.0.10\" stands in listen "
                      "or in this list already\n"
                      "t:2:45: error: node.service_addresses[1]: \"127.0.0.1\" cannot be the "
                      "address of a service\n");
    ASSERT_COMPLAINTS(LISTEN "metrics: 10.96.0.10:53\n" OWNER "10.96.0.10}\n",
                      "t:2:10: error: metrics[0]: \"10.96.0.10:53\" is also in listen; give it "
                      "another port\n");
}

static void service_addresses_are_answered_on_behind_the_listed(void **state)
{
    struct config *config = config_of(LISTEN OWNER "[10.96.0.10, \"fd00::a\"]}\n");
    char text[ADDR_TEXT_MAX];

    (void)state;
    assert_int_equal(config->answered_count, 3);
    assert_string_equal(addr_format(&config->answered[0], text), "127.0.0.1:53");
    assert_string_equal(addr_format(&config->answered[1], text), "10.96.0.10:53");
    assert_string_equal(addr_format(&config->answered[2], text), "[fd00::a]:53");
    config_free(config);
}

static void the_root_zone_is_added_when_it_is_missing(void **state)
{
    struct config *config = config_of(LISTEN "forward: [{zone: a.b, servers: 1.1.1.1}]\n");

    (void)state;
    assert_int_equal(config->forward_count, 2);
    assert_int_equal(config->forward[0].zone.labels, 2);
    assert_int_equal(config->forward[1].zone.labels, 0);
    assert_string_equal(config->forward[1].servers[0].text, "/etc/resolv.conf");
    config_free(config);
    config = config_of(LISTEN "forward: []\n");
    assert_int_equal(config->forward_count, 1);
    assert_int_equal(config->forward[0].zone.labels, 0);
    config_free(config);
}

static void set_regions(const char *first, const char *second)
{
    assert_int_equal(first != NULL ? setenv("AWS_REGION", first, 1) : unsetenv("AWS_REGION"), 0);
    assert_int_equal(second != NULL ? setenv("AWS_DEFAULT_REGION", second, 1)
                                    : unsetenv("AWS_DEFAULT_REGION"),
                     0);
}

static void assert_region(const char *first, const char *second, const char *region)
{
    struct config *config;

    set_regions(first, second);
    config = config_of(LISTEN "aws: {region: auto}\n");
    assert_true(config->region_auto);
    if (region == NULL)
        assert_null(config->region);
    else
        assert_string_equal(config->region, region);
    config_free(config);
    set_regions(NULL, NULL);
}

static void auto_takes_the_region_of_the_environment(void **state)
{
    (void)state;
    assert_region("eu-west-3", "eu-north-1", "eu-west-3");
    assert_region(NULL, "eu-north-1", "eu-north-1");
    assert_region("", "eu-north-1", "eu-north-1");
    assert_region(NULL, NULL, NULL);
}

static void a_written_region_beats_the_environment(void **state)
{
    struct config *config;

    (void)state;
    set_regions("eu-west-3", NULL);
    config = config_of(LISTEN "aws: {region: eu-west-1}\n");
    assert_string_equal(config->region, "eu-west-1");
    assert_false(config->region_auto);
    config_free(config);
    set_regions(NULL, NULL);
}

static void a_region_of_the_environment_is_checked(void **state)
{
    (void)state;
    set_regions("Frankfurt", NULL);
    ASSERT_COMPLAINTS(LISTEN "aws: {region: auto}\n",
                      "t:2:15: error: aws.region: auto takes the environment variable AWS_REGION: "
                      "\"Frankfurt\" is not a region; write one like eu-west-1\n");
    set_regions(NULL, NULL);
}

/* The key that stands in the way of a reload from one text to another; NULL when none does. */
static const char *obstacle(const char *running, const char *next)
{
    struct config *a = config_of(running);
    struct config *b = config_of(next);
    const char *key = NULL;
    bool can = config_can_reload(a, b, &key);

    assert_int_equal(can, key == NULL);
    config_free(a);
    config_free(b);
    return key;
}

static void a_reload_takes_what_needs_no_restart(void **state)
{
    (void)state;
    assert_null(obstacle(LISTEN, LISTEN));
    assert_null(obstacle(LISTEN, "# another text\nlisten: [127.0.0.1:53]\nlog: {level: debug}\n"
                                 "aws: {region: eu-west-1, resolver: 1.1.1.1}\n"
                                 "endpoints: [{service: s3, addresses: 1.1.1.1}]\n"
                                 "forward: [{zone: a.b, servers: 1.1.1.1}]\n"
                                 "cache: {memory: 64MiB, max_ttl: 2h}\n"
                                 "limits: {udp_size: 4096, tcp_idle: 20s}\n"));
}

static void a_reload_names_the_key_that_needs_a_restart(void **state)
{
    (void)state;
    assert_string_equal(obstacle(LISTEN, "listen: 127.0.0.2"), "listen");
    assert_string_equal(obstacle(LISTEN, LISTEN "control: /x"), "control");
    assert_string_equal(obstacle(LISTEN, LISTEN "metrics: []"), "metrics");
    assert_string_equal(obstacle(LISTEN, LISTEN "limits: {inflight: 99}"), "limits.inflight");
    assert_string_equal(obstacle(LISTEN, LISTEN "limits: {tcp_connections: 9}"),
                        "limits.tcp_connections");
    assert_string_equal(obstacle(LISTEN, LISTEN "udp: {send_socket: false}"), "udp.send_socket");
    assert_string_equal(obstacle("listen: 169.254.1.1", "listen: 169.254.1.1\n"
                                                        "node: {intercept: owner}"),
                        "node.intercept");
    assert_string_equal(obstacle(LISTEN, LISTEN "workers: 2"), "workers");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_samples_load_without_a_warning),
        cmocka_unit_test(a_file_that_cannot_be_read_is_told),
        cmocka_unit_test(an_endpoint_needs_names_and_somewhere_to_lead),
        cmocka_unit_test(a_zone_stands_once),
        cmocka_unit_test(metrics_and_listen_do_not_share_an_address),
        cmocka_unit_test(service_addresses_need_interception),
        cmocka_unit_test(interception_needs_an_address),
        cmocka_unit_test(a_service_address_stands_once_and_is_one),
        cmocka_unit_test(service_addresses_are_answered_on_behind_the_listed),
        cmocka_unit_test(the_root_zone_is_added_when_it_is_missing),
        cmocka_unit_test(auto_takes_the_region_of_the_environment),
        cmocka_unit_test(a_written_region_beats_the_environment),
        cmocka_unit_test(a_region_of_the_environment_is_checked),
        cmocka_unit_test(a_reload_takes_what_needs_no_restart),
        cmocka_unit_test(a_reload_names_the_key_that_needs_a_restart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
