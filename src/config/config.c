/* config: from a file to a checked value: read, tree, fill, then what keys mean to each other.
 * Owns: the config it makes, until it is handed over. Thread: the one that loads.
 * Bounds: YAML_TEXT_MAX octets of file, and the schema's ranges.
 * Fails: an error code and the reasons in the report; never half a configuration. */
#include "local53/config/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"
#include "local53/base/file.h"
#include "local53/config/fill.h"
#include "local53/config/print.h"
#include "local53/config/schema.h"
#include "local53/config/value.h"
#include "local53/config/yaml.h"

static const struct config_mark NOWHERE = {0, 0};

/* Where service addresses are answered on. */
#define DNS_PORT 53

/* ---- What keys mean to each other ---------------------------------------------------------------- */

/* aws.region: auto. Without either variable region stays NULL: the application asks the instance. */
static void resolve_region(struct config *config, struct report *report)
{
    static const char *const variables[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};
    struct schema_row plain = *schema_find("endpoints[].region");
    struct value_fault fault;

    for (size_t i = 0; config->region_auto && config->region == NULL && i < 2; i++) {
        const char *value = getenv(variables[i]);

        if (value == NULL || value[0] == '\0')
            continue;
        if (!value_check_text(value, &plain, &fault)) {
            report_add(report, REPORT_ERROR, config->region_mark,
                       "aws.region: auto takes the environment variable %s: %s", variables[i],
                       fault.text);
            return;
        }
        config->region = arena_copy_text(&config->arena, value);
    }
}

static void check_endpoint(const struct config_endpoint *endpoint, size_t i, struct report *report)
{
    if (endpoint->service == NULL && endpoint->name_count == 0)
        report_add(report, REPORT_ERROR, endpoint->mark,
                   "endpoints[%zu]: answers no name; write \"service\" or \"names\"", i);
    if (endpoint->target_count == 0 && endpoint->address_count == 0)
        report_add(
            report, REPORT_ERROR, endpoint->mark,
            "endpoints[%zu]: leads nowhere; write \"target\" (the vpce- name of the endpoint) "
            "or \"addresses\"",
            i);
    if (endpoint->service == NULL && endpoint->region != NULL)
        report_add(report, REPORT_ERROR, endpoint->mark,
                   "endpoints[%zu].region: has no meaning without \"service\"; names are taken as "
                   "written",
                   i);
    if (endpoint->service == NULL &&
        (endpoint->dualstack != CONFIG_SPELLINGS_KNOWN || endpoint->fips != CONFIG_SPELLINGS_KNOWN))
        report_add(report, REPORT_ERROR, endpoint->mark,
                   "endpoints[%zu]: dualstack and fips have no meaning without \"service\"; names "
                   "are taken as written",
                   i);
}

static const struct config_forward *earlier_zone(const struct config *config, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (name_equal(&config->forward[j].zone, &config->forward[i].zone))
            return &config->forward[j];
    }
    return NULL;
}

static void check_zones(const struct config *config, struct report *report)
{
    for (size_t i = 0; i < config->forward_count; i++) {
        const struct config_forward *earlier = earlier_zone(config, i);

        if (earlier != NULL)
            report_add(
                report, REPORT_ERROR, config->forward[i].mark,
                "forward[%zu].zone: the zone stands in the list a second time, first in line "
                "%u; put all its servers there",
                i, earlier->mark.line);
    }
}

bool config_is_node_address(const struct addr *addr)
{
    size_t len;
    const uint8_t *octets = addr_octets(addr, &len);

    return len == 4 ? octets[0] == 169 && octets[1] == 254 : octets[0] == 0xfd;
}

static bool is_answered(const struct config *config, const struct addr *addr)
{
    for (size_t i = 0; i < config->answered_count; i++) {
        if (addr_equal(addr, &config->answered[i]))
            return true;
    }
    return false;
}

/* Both are TCP listeners of ours, so the second to bind would fail. */
static void check_metrics(const struct config *config, struct report *report)
{
    char text[ADDR_TEXT_MAX];

    for (size_t i = 0; i < config->metrics_count; i++) {
        if (is_answered(config, &config->metrics[i]))
            report_add(report, REPORT_ERROR, config->metrics_mark,
                       "metrics[%zu]: \"%s\" is also in listen; give it another port", i,
                       addr_format(&config->metrics[i], text));
    }
}

static void take_service_address(struct config *config, size_t i, struct report *report)
{
    struct addr addr = addr_with_port(config->service_addresses[i], DNS_PORT);
    const char *wrong = NULL;
    char text[ADDR_TEXT_MAX];

    if (addr_is_loopback(&addr))
        wrong = "cannot be the address of a service";
    else if (is_answered(config, &addr))
        wrong = "stands in listen or in this list already";
    if (wrong != NULL)
        report_add(report, REPORT_ERROR, config->service_addresses_mark,
                   "node.service_addresses[%zu]: \"%s\" %s", i,
                   addr_format(&config->service_addresses[i], text), wrong);
    config->answered[config->answered_count++] = addr;
}

static bool has_node_address(const struct config *config)
{
    for (size_t i = 0; i < config->listen_count; i++) {
        if (config_is_node_address(&config->listen[i]))
            return true;
    }
    return config->service_address_count > 0;
}

static void check_node(struct config *config, struct report *report)
{
    size_t count = config->listen_count + config->service_address_count;

    config->answered = ARENA_NEW(&config->arena, struct addr, count);
    memcpy(config->answered, config->listen, sizeof(*config->listen) * config->listen_count);
    config->answered_count = config->listen_count;
    for (size_t i = 0; i < config->service_address_count; i++)
        take_service_address(config, i, report);
    if (config->intercept == CONFIG_INTERCEPT_OFF && config->service_address_count > 0)
        report_add(report, REPORT_ERROR, config->service_addresses_mark,
                   "node.service_addresses: has no meaning without \"intercept: owner\"; nothing "
                   "would lead their packets here");
    if (config->intercept == CONFIG_INTERCEPT_OWNER && !has_node_address(config))
        report_add(report, REPORT_ERROR, config->intercept_mark,
                   "node.intercept: there is nothing to lead here; write a listen address of "
                   "169.254.0.0/16 or fd00::/8, or \"service_addresses\"");
}

/* A list without the root zone gets the default's pool for it. */
static void add_root_zone(struct config *config)
{
    struct config defaults = {0};
    struct config_forward *pools;

    for (size_t i = 0; i < config->forward_count; i++) {
        if (config->forward[i].zone.labels == 0)
            return;
    }
    fill_default(&defaults, schema_find("forward"), &config->arena);
    CHECK(defaults.forward_count == 1);
    pools = ARENA_NEW(&config->arena, struct config_forward, config->forward_count + 1);
    if (config->forward_count > 0)
        memcpy(pools, config->forward, sizeof(*pools) * config->forward_count);
    pools[config->forward_count++] = defaults.forward[0];
    config->forward = pools;
}

static void finish(struct config *config, struct report *report)
{
    resolve_region(config, report);
    for (size_t i = 0; i < config->endpoint_count; i++)
        check_endpoint(&config->endpoints[i], i, report);
    check_zones(config, report);
    check_node(config, report);
    check_metrics(config, report);
    add_root_zone(config);
}

/* ---- Reading ------------------------------------------------------------------------------------- */

enum err config_parse(struct config **out, const char *file, const char *text, size_t len,
                      struct report *report)
{
    struct config *config = calloc(1, sizeof(*config));
    size_t errors_before = report->errors;
    const struct yaml_node *root;

    CHECK(config != NULL);
    *out = NULL;
    config->file = arena_copy_text(&config->arena, file);
    root = yaml_parse(&config->arena, text, len, report);
    if (root != NULL)
        fill_config(config, root, report);
    if (report->errors == errors_before)
        finish(config, report);
    if (report->errors > errors_before) {
        config_free(config);
        return ERR_INVALID;
    }
    *out = config;
    return ERR_OK;
}

enum err config_load(struct config **out, const char *file, struct report *report)
{
    size_t len = 0;
    char *text = file_read(file, YAML_TEXT_MAX, &len);
    enum err err;

    *out = NULL;
    if (text == NULL) {
        err = err_from_errno(errno);
        report_add(report, REPORT_ERROR, NOWHERE, "cannot read the configuration: %s",
                   strerror(errno));
        return err;
    }
    err = config_parse(out, file, text, len, report);
    free(text);
    return err;
}

/* ---- The value ----------------------------------------------------------------------------------- */

char *config_write(const struct config *config)
{
    return print_config(config);
}

static bool same_value(const struct config *a, const struct config *b, const struct schema_row *row)
{
    char *a_text = print_row(a, row);
    char *b_text = print_row(b, row);
    bool same = strcmp(a_text, b_text) == 0;

    free(a_text);
    free(b_text);
    return same;
}

bool config_can_reload(const struct config *running, const struct config *next, const char **key)
{
    size_t count = 0;
    const struct schema_row *rows = schema_rows(&count);

    for (size_t i = 0; i < count; i++) {
        if (!rows[i].reload && !same_value(running, next, &rows[i])) {
            *key = rows[i].path;
            return false;
        }
    }
    return true;
}

void config_free(struct config *config)
{
    struct arena arena;

    if (config == NULL)
        return;
    arena = config->arena;
    free(config);
    arena_deinit(&arena);
}
