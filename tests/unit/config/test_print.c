/* The normalised form: its exact text, and that it reads back to itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "local53/config/print.h"
#include "parse_config.h"

/* Writes, reads back, writes again: both texts are the same. Gives the first one. */
static char *fixpoint_of(const char *text)
{
    struct config *first = config_of(text);
    char *once = print_config(first);
    struct config *second = config_of(once);
    char *twice = print_config(second);

    assert_string_equal(once, twice);
    free(twice);
    config_free(second);
    config_free(first);
    return once;
}

static void the_least_file_is_written_out_with_all_defaults(void **state)
{
    char *text = fixpoint_of("listen: 127.0.0.1");

    (void)state;
    assert_string_equal(text, "listen:\n"
                              "  - \"127.0.0.1:53\"\n"
                              "control: /run/local53/control.sock\n"
                              "metrics:\n"
                              "  - \"127.0.0.1:9453\"\n"
                              "log:\n"
                              "  level: info\n"
                              "  format: text\n"
                              "endpoints: []\n"
                              "zones: []\n"
                              "forward:\n"
                              "  - zone: \".\"\n"
                              "    servers:\n"
                              "      - \"resolv.conf:/etc/resolv.conf\"\n"
                              "    max_negative_ttl: 30s\n"
                              "    nxdomain_cut: false\n"
                              "cache:\n"
                              "  memory: 32MiB\n"
                              "  max_ttl: 1h\n"
                              "limits:\n"
                              "  udp_size: 1232\n"
                              "  tcp_connections: 256\n"
                              "  tcp_idle: 10s\n"
                              "  inflight: 4096\n"
                              "udp:\n"
                              "  send_socket: true\n"
                              "node:\n"
                              "  intercept: off\n"
                              "  service_addresses: []\n"
                              "  on_failure: exit\n"
                              "  handover: false\n"
                              "workers: auto\n");
    free(text);
}

static void every_kind_of_value_reads_back(void **state)
{
    char *text =
        fixpoint_of("listen: [\"[fd00::1]:5353\", 10.0.0.1]\n"
                    "control: \"/tmp/with blank \\\"and\\\\quote\"\n"
                    "metrics: []\n"
                    "aws: {region: auto, resolver: [env:A:54, dns.example:55, \"::1\"]}\n"
                    "endpoints:\n"
                    "- {service: \"null\", names: [\"*.A.b\", null.x], except: c.a.b,\n"
                    "   target: [\"*.vpce-1.x\", vpce-2.x], addresses: [fd00::2],\n"
                    "   optional: true}\n"
                    "- {service: iam, region: us-east-1, addresses: 10.0.0.9}\n"
                    "zones:\n"
                    "- {name: Corp.example, file: \"corp zone\", fallthrough: true,\n"
                    "   aliases: {A.corp.example: t.example, \"*.b.corp.example\": [u, v]}}\n"
                    "- {name: x.example, file: x}\n"
                    "forward: [{zone: \"a.b\", servers: \"resolv.conf:/a b\"}]\n"
                    "cache: {memory: 1536KiB, max_ttl: 90s}\n"
                    "workers: 3\n");

    (void)state;
    assert_non_null(strstr(text, "  - \"[fd00::1]:5353\"\n"));
    assert_non_null(strstr(text, "control: \"/tmp/with blank \\\"and\\\\quote\"\n"));
    assert_non_null(strstr(text, "metrics: []\n"));
    assert_non_null(strstr(text, "  region: auto\n"));
    assert_non_null(strstr(text, "    - \"env:A:54\"\n"));
    assert_non_null(strstr(text, "  - service: \"null\"\n"));
    assert_non_null(strstr(text, "      - \"*.a.b\"\n"));
    assert_non_null(strstr(text, "  - name: corp.example\n"
                                 "    file: \"corp zone\"\n"
                                 "    fallthrough: true\n"
                                 "    aliases:\n"
                                 "      a.corp.example: [t.example]\n"
                                 "      \"*.b.corp.example\": [u, v]\n"
                                 "  - name: x.example\n"
                                 "    file: x\n"
                                 "    fallthrough: false\n"));
    assert_non_null(strstr(text, "  memory: 1536KiB\n"));
    assert_non_null(strstr(text, "  max_ttl: 90s\n"));
    assert_non_null(strstr(text, "workers: 3\n"));
    free(text);
}

static void the_samples_read_back(void **state)
{
    static const char *const files[] = {"conf/local53.yaml", "conf/demo.yaml",
                                        "conf/examples/kompass/local53.yaml"};

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char text[65536] = "";
        FILE *file = fopen(files[i], "rb");

        assert_non_null(file);
        assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
        fclose(file);
        free(fixpoint_of(text));
    }
}

static void one_key_is_written_with_all_below_it(void **state)
{
    struct config *config = config_of("listen: 127.0.0.1\ncache: {max_ttl: 2h}");
    char *text = print_row(config, schema_find("cache"));

    (void)state;
    assert_string_equal(text, "cache:\n  memory: 32MiB\n  max_ttl: 2h\n");
    free(text);
    text = print_row(config, schema_find("cache.max_ttl"));
    assert_string_equal(text, "max_ttl: 2h\n");
    free(text);
    text = print_row(config, schema_find("aws.region"));
    assert_string_equal(text, "");
    free(text);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_file_is_written_out_with_all_defaults),
        cmocka_unit_test(every_kind_of_value_reads_back),
        cmocka_unit_test(the_samples_read_back),
        cmocka_unit_test(one_key_is_written_with_all_below_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
