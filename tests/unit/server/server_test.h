/* server_test: what the unit tests of the server layer share: snapshots from a configuration's text, and
 * requests from a name. */
#ifndef LOCAL53_TESTS_SERVER_TEST_H
#define LOCAL53_TESTS_SERVER_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "local53/config/config.h"
#include "local53/dns/text.h"
#include "local53/server/snapshot.h"
#include "wire.h"

#define TEST_CONFIG                                                                                \
    "listen: [127.0.0.1:5353]\n"                                                                   \
    "metrics: []\n"                                                                                \
    "endpoints:\n"                                                                                 \
    "  - {names: [a.example], addresses: [10.0.0.1]}\n"                                            \
    "  - {names: [b.example], addresses: [10.0.0.2]}\n"                                            \
    "forward:\n"                                                                                   \
    "  - {zone: ., servers: [10.0.0.53]}\n"

/* Rules of a configuration; the caller's. */
static inline struct ruleset *test_rules(const char *yaml, uint64_t epoch)
{
    struct report report = {.file = "test.yaml"};
    struct config *config = NULL;
    assert_int_equal(config_parse(&config, report.file, yaml, strlen(yaml), &report), ERR_OK);
    struct ruleset *rules = ruleset_new(config, epoch, &report);
    assert_non_null(rules);
    report_deinit(&report);
    return rules;
}

/* A snapshot of such rules; the caller's reference. */
static inline struct snapshot *test_snapshot(uint64_t epoch, struct metrics_names *names)
{
    return snapshot_new(test_rules(TEST_CONFIG, epoch), names);
}

/* A snapshot with the zone corp.example of this master file, and further keys of the zone, each with a comma in
 * front; the caller's reference. */
static inline struct snapshot *test_zone_snapshot(const char *records, const char *keys,
                                                  struct metrics_names *names)
{
    char path[] = "/tmp/local53-zone-XXXXXX";
    char yaml[512];
    int file = mkstemp(path);
    assert_int_equal(write(file, records, strlen(records)), strlen(records));
    assert_int_equal(close(file), 0);
    snprintf(yaml, sizeof(yaml),
             "listen: [127.0.0.1:5353]\nforward:\n  - {zone: ., servers: [10.0.0.53]}\n"
             "zones:\n  - {name: corp.example, file: %s%s}\n",
             path, keys);
    struct snapshot *snapshot = snapshot_new(test_rules(yaml, 1), names);
    assert_int_equal(unlink(path), 0);
    return snapshot;
}

/* A folded name from text. */
static inline struct name test_name(const char *text)
{
    struct name name;
    assert_int_equal(text_read_name(&name, text), ERR_OK);
    return name;
}

/* Parses a query for a name into request; packet (512 octets) holds it. */
static inline void test_request(struct request *request, uint8_t *packet, const char *dotted,
                                uint16_t type)
{
    struct writer w = writer_init(packet, 512);
    enum dns_rcode rcode;
    wire_query(&w, dotted, type, true);
    assert_int_equal(request_parse(request, &rcode, packet, w.len), REQUEST_ANSWER);
}

#endif
