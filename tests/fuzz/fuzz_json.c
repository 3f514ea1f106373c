/* Any octets as saved JSON: a complaint that names the file, or a study that renders and is
 * written to what reads back to the same text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"
#include "report/json.h"
#include "report/svg.h"
#include "report/table.h"

/* A study has more than a page of members; longer inputs reach nothing new. */
#define MAX_OCTETS 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* False with a complaint and an empty study. */
static bool read_study(struct study *study, struct bytes text)
{
    char error[256] = "";
    enum err err = json_parse(study, text, "f", error, sizeof(error));

    CHECK((err == ERR_OK) == (error[0] == '\0'));
    CHECK(err == ERR_OK || err == ERR_MALFORMED || err == ERR_INVALID);
    CHECK(err == ERR_OK || (strncmp(error, "f:", 2) == 0 && study->runs == NULL));
    return err == ERR_OK;
}

/* Texts may have the word; they stand outside of tags, their '<' escaped. */
static bool coordinates_are_numbers(const char *svg)
{
    for (const char *at = strchr(svg, '<'); at != NULL; at = strchr(at + 1, '<')) {
        size_t len = strcspn(at, ">");
        if (memmem(at, len, "nan", 3) != NULL || memmem(at, len, "inf", 3) != NULL)
            return false;
    }
    return true;
}

static void renders(const struct study *study)
{
    char *table = table_write(study);
    char *svg = svg_write(study);
    int lines = 0;

    for (const char *at = table; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    CHECK(lines > 0 && lines <= TABLE_LINES_MAX);
    CHECK(coordinates_are_numbers(svg));
    free(table);
    free(svg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct study study = {0};
    struct study again = {0};

    if (size > MAX_OCTETS || !read_study(&study, (struct bytes){data, size}))
        return 0;
    char *once = json_write(&study);
    CHECK(read_study(&again, (struct bytes){(const uint8_t *)once, strlen(once)}));
    char *twice = json_write(&again);
    CHECK(strcmp(once, twice) == 0);
    renders(&again);
    free(once);
    free(twice);
    study_deinit(&again);
    study_deinit(&study);
    return 0;
}
