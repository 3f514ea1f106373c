/* Any octets as what the AWS CLI prints of endpoints, services and interfaces: refused with one line and nothing
 * written, or written as a configuration that gives a ruleset without an error, with as many endpoints as told.
 * The first octet says whether a region is told; the three texts stand between octets of zero. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/aws/import.h"
#include "local53/base/check.h"
#include "local53/rules/ruleset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Takes the text up to the next zero octet; none is left once data is at its end. */
static struct import_file take_file(const char *name, const uint8_t **data, size_t *size)
{
    struct import_file file = {name, (const char *)*data, *size};
    const uint8_t *end = *size > 0 ? memchr(*data, 0, *size) : NULL;

    if (*size == 0)
        return (struct import_file){name, NULL, 0};
    if (end != NULL)
        file.len = (size_t)(end - *data);
    *data += file.len + (end != NULL);
    *size -= file.len + (end != NULL);
    return file;
}

static void check_configuration(const char *yaml, size_t len, const char *summary)
{
    struct report report = {.file = "f"};
    struct config *config = NULL;
    struct ruleset *ruleset = NULL;
    char *lines;

    if (config_parse(&config, "f", yaml, len, &report) == ERR_OK)
        ruleset = ruleset_new(config, 1, &report);
    lines = report_text(&report);
    if (ruleset == NULL)
        fputs(lines, stderr);
    CHECK(ruleset != NULL && report.errors == 0);
    CHECK(ruleset->endpoint_count == strtoul(summary, NULL, 10));
    free(lines);
    ruleset_free(ruleset);
    report_deinit(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct import_endpoints from = {.region = NULL};
    struct import_problem problem = {""};
    char *yaml = NULL;
    size_t len = 0;
    FILE *out;
    enum err err;

    if (size == 0)
        return 0;
    from.region = data[0] % 2 == 1 ? "eu-west-1" : NULL;
    data++;
    size--;
    from.endpoints = take_file("f", &data, &size);
    from.services = take_file("s", &data, &size);
    from.interfaces = take_file("i", &data, &size);
    if (from.endpoints.text == NULL)
        return 0;
    out = open_memstream(&yaml, &len);
    CHECK(out != NULL);
    err = import_vpc_endpoints(out, &from, &problem);
    CHECK(fclose(out) == 0);
    CHECK(problem.text[0] != '\0' && strchr(problem.text, '\n') == NULL);
    CHECK(err == ERR_OK || err == ERR_INVALID || err == ERR_NOT_FOUND);
    if (err == ERR_OK)
        check_configuration(yaml, len, problem.text);
    else
        CHECK(len == 0);
    free(yaml);
    return 0;
}
