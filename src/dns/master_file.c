/* master_file: see the header. Blocks on the file system.
 * Owns: nothing that stays. Thread: any; no state.
 * Bounds: the caller's cap; nothing but regular files is read, so no pipe can hold it up.
 * Fails: with words that say why. */
#include "master_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "local53/base/check.h"

/* Reads to the end or to cap octets; gives how many, or -1 with errno set. */
static ssize_t read_all(int fd, uint8_t *data, size_t cap)
{
    size_t len = 0;

    while (len < cap) {
        ssize_t got = read(fd, data + len, cap - len);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        len += (size_t)got;
    }
    return (ssize_t)len;
}

/* One octet more than the file is said to have is asked for, so that one that grows meanwhile is not cut. */
static const char *read_open(int fd, size_t cap, uint8_t **out, size_t *out_len)
{
    struct stat status;
    uint8_t *data;
    ssize_t len;

    if (fstat(fd, &status) != 0)
        return strerror(errno);
    if (!S_ISREG(status.st_mode))
        return "not a regular file";
    if ((uint64_t)status.st_size > cap)
        return "more than 16 MiB, with all that it includes";
    data = malloc((size_t)status.st_size + 1);
    CHECK(data != NULL);
    len = read_all(fd, data, (size_t)status.st_size + 1);
    if (len < 0 || len > status.st_size) {
        free(data);
        return len < 0 ? strerror(errno) : "it grew while it was read";
    }
    *out = data;
    *out_len = (size_t)len;
    return NULL;
}

const char *master_file_read(const char *path, size_t cap, uint8_t **out, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const char *problem;

    if (fd < 0)
        return strerror(errno);
    problem = read_open(fd, cap, out, len);
    close(fd);
    return problem;
}

char *master_file_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    char *folder = slash == NULL ? strdup(".") : strndup(path, len > 0 ? len : 1);
    char *real;

    CHECK(folder != NULL);
    real = realpath(folder, NULL);
    free(folder);
    return real;
}

static bool has_upward_step(const char *name)
{
    for (const char *at = name; at != NULL; at = strchr(at, '/')) {
        at += *at == '/' ? 1 : 0;
        if (at[0] == '.' && at[1] == '.' && (at[2] == '/' || at[2] == '\0'))
            return true;
    }
    return false;
}

/* True when the path, both resolved, is below the folder. */
static bool is_below(const char *path, const char *folder)
{
    size_t len = strlen(folder);

    return len == 1 || (strncmp(path, folder, len) == 0 && path[len] == '/');
}

const char *master_file_inside(const char *folder, const char *name, char **path)
{
    char joined[PATH_MAX];
    char *real;
    bool below;
    int len;

    if (folder == NULL)
        return "there is no folder to look in";
    if (name[0] == '/')
        return "an absolute path; write it from the folder of the zone's file";
    if (has_upward_step(name))
        return "\"..\" leads out of the folder of the zone's file";
    len = snprintf(joined, sizeof(joined), "%s/%s", folder, name);
    if (len < 0 || (size_t)len >= sizeof(joined))
        return strerror(ENAMETOOLONG);
    real = realpath(joined, NULL);
    if (real == NULL)
        return strerror(errno);
    below = is_below(real, folder);
    free(real);
    if (!below)
        return "a symlink leads out of the folder of the zone's file";
    *path = strdup(joined);
    CHECK(*path != NULL);
    return NULL;
}
