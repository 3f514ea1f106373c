/* fuzz_expect: any octets as an expectations file. Properties: a file that is refused has its fault told in
 * printable words, on a line it has; of a file that is taken each line counts, and for every name in it and
 * one below it the line found is the one a plain look at all lines finds. */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "local53/base/check.h"
#include "local53/dns/message.h"
#include "local53/dns/text.h"
#include "workload/expect.h"

/* Lines looked at one against the other; inputs are small. */
#define LINES_MAX 64
#define SPACE " \t\r"

/* A line as the plain look reads it. */
struct line {
    struct name name; /* without "*." */
    bool below;       /* had it, or was "*" */
    uint16_t type;    /* 0 for "*" */
    unsigned number;  /* in the file */
};

struct model {
    struct line lines[LINES_MAX];
    size_t count;     /* of expectations, also of those beyond LINES_MAX */
    unsigned present; /* lines of the file so far */
};

static struct expectations *load(const uint8_t *data, size_t size, struct text_fault *fault)
{
    int fd = memfd_create("expectations", MFD_CLOEXEC);
    struct expectations *list;
    char path[64];

    CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    list = expectations_load(path, fault);
    close(fd);
    return list;
}

static void check_fault(const uint8_t *data, size_t size, const struct text_fault *fault)
{
    size_t lines = 1;

    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    CHECK(fault->line <= lines);
    CHECK(fault->reason[0] != '\0' && strlen(fault->reason) < sizeof(fault->reason));
    for (const char *at = fault->reason; *at != '\0'; at++)
        CHECK(!iscntrl((unsigned char)*at));
}

/* One line of a file that was taken: its first two words are sound. */
static void model_line(struct model *model, char *text)
{
    struct line *line = &model->lines[model->count < LINES_MAX ? model->count : 0];
    char *place = NULL;
    const char *name = strtok_r(text, SPACE, &place);
    const char *type;

    if (name == NULL || name[0] == '#')
        return;
    if (model->count++ >= LINES_MAX)
        return;
    type = strtok_r(NULL, SPACE, &place);
    CHECK(type != NULL);
    line->number = model->present;
    line->below = strcmp(name, "*") == 0 || strncmp(name, "*.", 2) == 0;
    if (line->below)
        name = name[1] == '\0' ? "." : name + 2;
    CHECK(text_read_name(&line->name, name) == ERR_OK);
    if (strcmp(type, "*") != 0)
        CHECK(text_read_type(&line->type, type) == ERR_OK);
}

/* text is changed. */
static void model_fill(struct model *model, char *text)
{
    for (char *end = text; *text != '\0'; text = end) {
        size_t len = strcspn(text, "\n");

        end = text + len + (text[len] == '\n');
        text[len] = '\0';
        model->present++;
        model_line(model, text);
    }
}

/* How near a line is to a question: 0 for not at all. */
static unsigned rank(const struct line *line, const struct name *name, uint16_t type)
{
    unsigned near = 2 * (NAME_MAX_LABELS + 2U);

    if (line->type != 0 && line->type != type)
        return 0;
    if (line->below) {
        if (!name_is_at_or_below(name, &line->name) ||
            (line->name.labels > 0 && name->labels == line->name.labels))
            return 0;
        near = 2 * (line->name.labels + 1U);
    } else if (!name_equal(name, &line->name)) {
        return 0;
    }
    return near + (line->type != 0);
}

static void check_find(const struct expectations *list, const struct model *model,
                       const struct name *name, uint16_t type)
{
    const struct expectation *found = expectations_find(list, name, type);
    unsigned best = 0;
    unsigned number = 0;

    for (size_t i = 0; i < model->count; i++) {
        unsigned near = rank(&model->lines[i], name, type);

        number = near > best ? model->lines[i].number : number;
        best = near > best ? near : best;
    }
    CHECK((found == NULL ? 0 : expectation_line(found)) == number);
    CHECK(found == NULL || strlen(expectation_text(found)) > 0);
}

/* The name with a label "x" in front; false when that is too long. */
static bool name_below(struct name *out, const struct name *name)
{
    uint8_t wire[NAME_MAX_OCTETS + 2] = {1, 'x'};

    memcpy(wire + 2, name->wire, name->len);
    return name->len + 2U <= NAME_MAX_OCTETS &&
           name_from_wire(out, wire, name->len + (size_t)2) == ERR_OK;
}

static void check_names(const struct expectations *list, const struct model *model)
{
    for (size_t i = 0; i < model->count; i++) {
        const struct line *line = &model->lines[i];
        struct name below;

        check_find(list, model, &line->name, TYPE_A);
        check_find(list, model, &line->name, line->type != 0 ? line->type : TYPE_TXT);
        if (name_below(&below, &line->name))
            check_find(list, model, &below, line->type != 0 ? line->type : TYPE_TXT);
    }
}

/* A file that was taken has no octet of zero, so that it is a string. */
static void check_taken(const struct expectations *list, const uint8_t *data, size_t size)
{
    struct model *model = calloc(1, sizeof(*model));
    char *text = strndup((const char *)data, size);

    CHECK(model != NULL && text != NULL && strlen(text) == size);
    model_fill(model, text);
    CHECK(expectations_count(list) == model->count && model->count > 0);
    if (model->count <= LINES_MAX)
        check_names(list, model);
    free(text);
    free(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text_fault fault;
    struct expectations *list = load(data, size, &fault);

    if (list != NULL)
        check_taken(list, data, size);
    else
        check_fault(data, size, &fault);
    expectations_free(list);
    return 0;
}
