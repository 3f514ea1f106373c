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
#include "local53/base/file.h"

/* What is no regular file is not waited for. */
static const char *read_open(int fd, size_t cap, uint8_t **out, size_t *out_len)
{
    struct stat status;
    char *text;

    if (fstat(fd, &status) != 0)
        return strerror(errno);
    if (!S_ISREG(status.st_mode))
        return "not a regular file";
    text = file_read_open(fd, cap, out_len);
    if (text == NULL)
        return strerror(errno);
    if (*out_len > cap) {
        free(text);
        return "more than 16 MiB, with all that it includes";
    }
    *out = (uint8_t *)text;
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
