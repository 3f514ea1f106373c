/* Any octets as JSON for the importers: refused with one line that begins with the file's name, or read: every text
 * found is UTF-8 without control characters, and a path leads from the outside in. */
#include <stdint.h>
#include <string.h>

#include "../../src/aws/json.h"
#include "local53/base/check.h"

/* Levels looked at, and children of each. */
#define DEPTH_MAX 6
#define WIDTH_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_problem(const struct import_problem *problem)
{
    CHECK(strncmp(problem->text, "f:", 2) == 0);
    CHECK(strlen(problem->text) < sizeof(problem->text));
    for (const char *at = problem->text; *at != '\0'; at++)
        CHECK((unsigned char)*at >= ' ' && *at != 0x7f);
}

static void check_text(const struct json_at *at)
{
    const char *text = json_text(at);

    for (; text != NULL && *text != '\0'; text++)
        CHECK((unsigned char)*text >= ' ' && *text != 0x7f);
}

/* A value read as each kind in turn: the first that it is not ends the reading. */
static void read_value(const struct json_at *at, unsigned depth)
{
    static const char *const members[] = {"VpcEndpoints", "DnsEntries", "a", ""};
    size_t count;

    CHECK(strlen(at->path) < JSON_PATH_MAX);
    if (depth == DEPTH_MAX || json_failed(at->doc))
        return;
    if (at->value == NULL) {
        CHECK(json_text(at) == NULL && json_count(at) == 0 && json_bool(at, true));
        CHECK(!json_failed(at->doc));
        return;
    }
    for (size_t i = 0; depth % 2 == 0 && i < sizeof(members) / sizeof(members[0]); i++) {
        struct json_at member = json_member(at, members[i]);

        read_value(&member, depth + 1);
    }
    count = depth % 2 == 1 ? json_count(at) : 0;
    for (size_t i = 0; i < count && i < WIDTH_MAX; i++) {
        struct json_at item = json_item(at, i);

        check_text(&item);
        read_value(&item, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct import_file file = {"f", (const char *)data, size};
    struct import_problem problem = {""};
    struct json_doc *doc = NULL;
    struct json_at whole;

    if (json_open(&doc, &file, &problem) != ERR_OK) {
        CHECK(doc == NULL);
        check_problem(&problem);
        return 0;
    }
    CHECK(doc != NULL && problem.text[0] == '\0');
    whole = json_whole(doc);
    read_value(&whole, 0);
    CHECK(json_failed(doc) == (problem.text[0] != '\0'));
    if (json_failed(doc))
        check_problem(&problem);
    json_close(doc);
    return 0;
}
