/* zoned: a folder of master files, and zones from the text of a configuration beside them. */
#ifndef LOCAL53_TESTS_RULES_ZONED_H
#define LOCAL53_TESTS_RULES_ZONED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "local53/base/check.h"
#include "local53/dns/text.h"
#include "local53/rules/ruleset.h"

/* Files that one folder has at most. */
#define ZONED_FILES_MAX 8

struct zoned {
    char folder[64];                  /* of the files */
    char files[ZONED_FILES_MAX][128]; /* their paths */
    size_t count;                     /* files */
    struct config *config;            /* owned; of the zones made last */
    struct report report;             /* about it */
};

/* For a test's setup: an empty folder. */
static inline int zoned_setup(void **state)
{
    struct zoned *zoned = calloc(1, sizeof(*zoned));

    CHECK(zoned != NULL);
    strcpy(zoned->folder, "/tmp/local53-zones-XXXXXX");
    CHECK(mkdtemp(zoned->folder) != NULL);
    zoned->report.file = "f";
    *state = zoned;
    return 0;
}

/* For a test's teardown. */
static inline int zoned_teardown(void **state)
{
    struct zoned *zoned = *state;

    for (size_t i = 0; i < zoned->count; i++)
        (void)unlink(zoned->files[i]);
    CHECK(rmdir(zoned->folder) == 0);
    config_free(zoned->config);
    report_deinit(&zoned->report);
    free(zoned);
    return 0;
}

/* Writes a file of the folder, anew if it is there. */
static inline void zoned_write(struct zoned *zoned, const char *name, const char *text)
{
    char path[128];
    size_t i = 0;
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", zoned->folder, name);
    while (i < zoned->count && strcmp(zoned->files[i], path) != 0)
        i++;
    CHECK(i < ZONED_FILES_MAX);
    strcpy(zoned->files[i], path);
    zoned->count += i == zoned->count ? 1 : 0;
    file = fopen(path, "wb");
    CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

/* The configuration of a text that begins at line 2, in the folder; that it can be read is taken for granted. */
static inline struct config *zoned_config(struct zoned *zoned, const char *yaml)
{
    struct config *config = NULL;
    char path[128];
    char text[8192];

    snprintf(path, sizeof(path), "%s/f", zoned->folder);
    snprintf(text, sizeof(text), "listen: \"127.0.0.1:5353\"\n%s", yaml);
    report_deinit(&zoned->report);
    CHECK(config_parse(&config, path, text, strlen(text), &zoned->report) == ERR_OK);
    return config;
}

/* The zones of a configuration, or NULL; the first alias has number 5. The configuration is kept. */
static inline struct zones *zoned_zones(struct zoned *zoned, const char *yaml)
{
    struct config *config = zoned_config(zoned, yaml);

    config_free(zoned->config);
    zoned->config = config;
    return zones_new(config, 5, &zoned->report);
}

/* The ruleset of a configuration, or NULL. */
static inline struct ruleset *zoned_ruleset(struct zoned *zoned, const char *yaml)
{
    return ruleset_new(zoned_config(zoned, yaml), 7, &zoned->report);
}

#define assert_report(zoned, expected)                                                             \
    do {                                                                                           \
        char *text_ = report_text(&(zoned)->report);                                               \
        assert_string_equal(text_, (expected));                                                    \
        free(text_);                                                                               \
    } while (0)

#endif
