/* Any octets as a configuration: the report says what is wrong, or the normalised form reads back to
 * itself. Every complaint is one line with a file name in front. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"
#include "local53/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The value of a text, or NULL; the report must agree with what came out. */
static struct config *parse(const char *text, size_t len)
{
    struct report report = {.file = "f"};
    struct config *config = NULL;
    enum err err = config_parse(&config, "f", text, len, &report);
    char *lines = report_text(&report);
    size_t items = 0;

    CHECK((err == ERR_OK) == (config != NULL));
    CHECK((report.errors == 0) == (config != NULL));
    for (const char *at = lines; *at != '\0'; at = strchr(at, '\n') + 1) {
        CHECK(strncmp(at, "f:", 2) == 0);
        items++;
    }
    CHECK((items > 0) == (report.errors + report.warnings > 0));
    CHECK(items <= REPORT_MAX + 1);
    free(lines);
    report_deinit(&report);
    return config;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *config = parse((const char *)data, size);
    struct config *again;
    char *once;
    char *twice;

    if (config == NULL)
        return 0;
    CHECK(config->listen_count > 0 && config->forward_count > 0);
    once = config_write(config);
    again = parse(once, strlen(once));
    CHECK(again != NULL);
    twice = config_write(again);
    CHECK(strcmp(once, twice) == 0);
    free(once);
    free(twice);
    config_free(again);
    config_free(config);
    return 0;
}
