/* watched: one watch a file, and an alarm that makes one change of several. Owns them; blocks on stat alone. A
 * file that cannot be watched is told in the log and taken at the next reload. */
#include "watched.h"

#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"
#include "local53/base/log.h"
#include "local53/net/timer.h"
#include "local53/net/watch.h"

/* Changes within this are one. */
#define TOGETHER_MS 50

/* A file of a zone. */
struct zone_file {
    char *path;          /* owned */
    struct watch *watch; /* owned; NULL when it cannot be watched */
};

struct watched {
    struct loop *loop;                              /* borrowed */
    struct watch *file;                             /* owned; NULL when it cannot be watched */
    struct zone_file files[WATCHED_ZONE_FILES_MAX]; /* owned */
    size_t count;                                   /* files in use */
    struct alarm *together;                         /* owned; runs from the first change on */
    void (*on_change)(void *owner);                 /* told the change */
    void *owner;                                    /* borrowed */
};

static void on_file(void *owner)
{
    struct watched *watched = owner;
    if (!alarm_is_set(watched->together))
        alarm_set(watched->together, TOGETHER_MS);
}

static void on_together(void *owner)
{
    struct watched *watched = owner;
    watched->on_change(watched->owner);
}

static struct watch *open_watch(struct watched *watched, const char *file)
{
    struct watch *watch = NULL;
    if (watch_open(&watch, watched->loop, file, on_file, watched) != ERR_OK)
        LOG_WARN("watch.failed", LOG_TEXT("file", file));
    return watch;
}

struct watched *watched_new(struct loop *loop, const char *file, void (*on_change)(void *owner),
                            void *owner)
{
    struct watched *watched = calloc(1, sizeof(*watched));
    CHECK(watched != NULL);
    watched->loop = loop;
    watched->on_change = on_change;
    watched->owner = owner;
    watched->together = alarm_new(loop, on_together, watched);
    watched->file = open_watch(watched, file);
    return watched;
}

static void close_zone_files(struct zone_file *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        watch_close(files[i].watch);
        free(files[i].path);
    }
}

/* The watch of a file that is among those watched goes on, so that no change between is missed. */
static struct zone_file take_file(struct watched *watched, const char *path)
{
    struct zone_file file;
    for (size_t i = 0; i < watched->count; i++) {
        file = watched->files[i];
        if (strcmp(file.path, path) == 0) {
            watched->files[i] = watched->files[--watched->count];
            return file;
        }
    }
    file = (struct zone_file){strdup(path), open_watch(watched, path)};
    CHECK(file.path != NULL);
    return file;
}

void watched_follow(struct watched *watched, const struct zones *zones)
{
    struct zone_file files[WATCHED_ZONE_FILES_MAX];
    size_t total = zones != NULL ? zones_file_count(zones) : 0;
    size_t count = total < WATCHED_ZONE_FILES_MAX ? total : WATCHED_ZONE_FILES_MAX;
    for (size_t i = 0; i < count; i++)
        files[i] = take_file(watched, zones_file(zones, i));
    close_zone_files(watched->files, watched->count);
    if (count > 0)
        memcpy(watched->files, files, count * sizeof(*files));
    watched->count = count;
    if (total > count)
        LOG_WARN("watch.too_many", LOG_UINT("files", total), LOG_UINT("watched", count));
}

void watched_free(struct watched *watched)
{
    if (watched == NULL)
        return;
    close_zone_files(watched->files, watched->count);
    watch_close(watched->file);
    alarm_free(watched->together);
    free(watched);
}
