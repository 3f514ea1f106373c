/* load: configuration file to ruleset, in one place for all commands. Blocks on the file, and at most
 * METADATA_BUDGET_MS on the instance metadata; never on a loop that serves. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>

#include "local53/config/config.h"
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
    char region[METADATA_REGION_MAX];
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
