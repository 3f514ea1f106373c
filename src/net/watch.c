/* watch: tells when what a path leads to has changed. Owns a libuv watch of the path's folder and two
 * alarms. Anything that happens in the folder, and a poll, leads to one comparison: the folder is
 * where a ConfigMap volume swaps its ..data symlink, and a file renamed over the old one shows. Never tells
 * that the file is gone, only that it is there again as another. Makes stat calls: for the main thread's
 * loop, not for one that serves. After an event the folder is not listened to until that comparison: a folder that
 * others write to all the time wakes the loop once a SETTLE_MS. */
#include "local53/net/watch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "local53/base/check.h"
#include "local53/net/timer.h"
#include "uv_private.h"

#define SETTLE_MS 200 /* several events in a row count as one change */
#define POLL_MS 5000

/* What tells one state of a file from another; zeroed when there is no file. */
struct identity {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
};

struct watch {
    uv_fs_event_t events;           /* data points back here; watches the folder */
    struct loop *loop;              /* borrowed */
    char *path;                     /* owned */
    char *folder;                   /* owned; the path's folder */
    struct alarm *settle;           /* owned; runs from the first event on */
    struct alarm *poll;             /* owned; always runs */
    struct identity seen;           /* last state told, or the first */
    void (*on_change)(void *owner); /* told each change */
    void *owner;                    /* borrowed */
};

/* The present state of the path, symlinks followed; false when nothing is there. */
static bool look(const char *path, struct identity *out)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return false;
    *out = (struct identity){status.st_dev, status.st_ino, status.st_size, status.st_mtim};
    return true;
}

static bool is_same(const struct identity *a, const struct identity *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec;
}

static void compare(struct watch *watch)
{
    struct identity now;
    if (!look(watch->path, &now) || is_same(&now, &watch->seen))
        return;
    watch->seen = now;
    watch->on_change(watch->owner);
}

static void start_settling(struct watch *watch)
{
    if (!alarm_is_set(watch->settle))
        alarm_set(watch->settle, SETTLE_MS);
}

static void on_folder_event(uv_fs_event_t *events, const char *name, int kind, int status)
{
    (void)name;
    (void)kind;
    (void)status;
    (void)uv_fs_event_stop(events);
    start_settling(UV_OWNER(events));
}

/* Without it (no folder yet, no inotify watches left) the poll does alone, and tries again. */
static void listen_to_folder(struct watch *watch)
{
    if (!uv_is_active((uv_handle_t *)&watch->events))
        (void)uv_fs_event_start(&watch->events, on_folder_event, watch->folder, 0);
}

/* In this order nothing is missed between. */
static void on_settled(void *owner)
{
    struct watch *watch = owner;
    listen_to_folder(watch);
    compare(watch);
}

/* The poll goes the same way as an event, so that both together tell a change once. */
static void on_poll(void *owner)
{
    struct watch *watch = owner;
    alarm_set(watch->poll, POLL_MS);
    start_settling(watch);
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    char *folder = slash == NULL ? strdup(".") : strndup(path, len > 0 ? len : 1);
    CHECK(folder != NULL);
    return folder;
}

enum err watch_open(struct watch **out, struct loop *loop, const char *path,
                    void (*on_change)(void *owner), void *owner)
{
    if (*path == '\0')
        return ERR_INVALID;
    struct watch *watch = calloc(1, sizeof(*watch));
    CHECK(watch != NULL);
    watch->loop = loop;
    watch->path = strdup(path);
    CHECK(watch->path != NULL);
    watch->folder = folder_of(path);
    watch->on_change = on_change;
    watch->owner = owner;
    (void)look(path, &watch->seen);
    CHECK(uv_fs_event_init(&loop->uv, &watch->events) == 0);
    watch->events.data = watch;
    listen_to_folder(watch);
    watch->settle = alarm_new(loop, on_settled, watch);
    watch->poll = alarm_new(loop, on_poll, watch);
    alarm_set(watch->poll, POLL_MS);
    *out = watch;
    return ERR_OK;
}

static void on_closed(uv_handle_t *handle)
{
    struct watch *watch = UV_OWNER(handle);
    free(watch->path);
    free(watch->folder);
    free(watch);
}

void watch_close(struct watch *watch)
{
    if (watch == NULL || uv_is_closing((uv_handle_t *)&watch->events))
        return;
    alarm_free(watch->settle);
    alarm_free(watch->poll);
    uv_close((uv_handle_t *)&watch->events, on_closed);
}
