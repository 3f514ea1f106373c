/* load: configuration file to ruleset, in one place for all commands. Blocks on the file, and on the
 * instance metadata for as long as metadata.h says; never on a loop that serves. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/config/config.h"
#include "local53/dns/text.h"
#include "metadata.h"

static bool needs_region(const struct config *config)
{
    for (size_t i = 0; i < config->endpoint_count; i++) {
        if (config->endpoints[i].service != NULL && config->endpoints[i].region == NULL)
            return true;
    }
    return false;
}

static void find_region(struct config *config, struct report *report)
{
    char region[PARTITION_REGION_MAX];
    if (!config->region_auto || config->region != NULL || !needs_region(config))
        return;
    if (metadata_region(region) == ERR_OK)
        config->region = arena_copy_text(&config->arena, region);
    else
        report_add(report, REPORT_WARNING, (struct config_mark){0, 0},
                   "aws.region: auto found no AWS_REGION in the environment and no instance "
                   "metadata; write the region, \"eu-west-1\" for example");
}

const char *load_file_name(const char *option)
{
    const char *environment = getenv("LOCAL53_CONFIG");
    if (option != NULL)
        return option;
    return environment != NULL && environment[0] != '\0' ? environment
                                                         : "/etc/local53/local53.yaml";
}

struct ruleset *load_ruleset(const char *file, uint64_t epoch, struct report *report)
{
    struct config *config = NULL;
    report->file = file;
    if (config_load(&config, file, report) != ERR_OK || report->errors > 0) {
        config_free(config);
        return NULL;
    }
    find_region(config, report);
    return ruleset_new(config, epoch, report);
}

static bool is_unset(const struct config_server *server)
{
    const char *value = server->kind == CONFIG_SERVER_ENV ? getenv(server->text) : "";
    return server->kind == CONFIG_SERVER_ENV && (value == NULL || *value == '\0');
}

static void check_servers(const struct config_forward *forward, struct report *report)
{
    char zone[TEXT_NAME_MAX];
    size_t unset = 0;
    for (size_t i = 0; i < forward->server_count; i++)
        unset += is_unset(&forward->servers[i]);
    if (unset == forward->server_count)
        report_add(report, REPORT_ERROR, forward->servers[0].mark,
                   "zone \"%s\" has no server: there is no %s in the environment; Kubernetes sets "
                   "it from a Service of the pod's namespace, in containers that start after it",
                   text_write_name(&forward->zone, zone), forward->servers[0].text);
}

struct ruleset *load_to_serve(const char *file, uint64_t epoch, struct report *report)
{
    struct ruleset *rules = load_ruleset(file, epoch, report);
    for (size_t i = 0; rules != NULL && i < rules->config->forward_count; i++)
        check_servers(&rules->config->forward[i], report);
    if (rules != NULL && report->errors > 0) {
        ruleset_free(rules);
        rules = NULL;
    }
    return rules;
}

char *load_report_text(const struct report *report)
{
    char *text = report_text(report);
    size_t len = strlen(text);
    if (len > 0 && text[len - 1] == '\n')
        text[len - 1] = '\0';
    return text;
}

void load_print_report(const struct report *report)
{
    if (report->errors + report->warnings == 0)
        return;
    char *text = report_text(report);
    fputs(text, stderr);
    free(text);
}

struct ruleset *load_for_command(const char *file)
{
    struct report report = {0};
    struct ruleset *rules = load_ruleset(file, 1, &report);
    load_print_report(&report);
    report_deinit(&report);
    return rules;
}
