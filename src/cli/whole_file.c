/* whole_file: whole files out.
 * Owns: the name of what it prepared. Thread: main; blocks on the disk.
 * Bounds: the caller's. Fails: false or NULL, errno tells why; what stood in the place stands there still. */
#include "local53/cli/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "local53/base/check.h"

static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t done = write(fd, text, len);

        if (done < 0 && errno != EINTR)
            return false;
        text += done > 0 ? done : 0;
        len -= done > 0 ? (size_t)done : 0;
    }
    return true;
}

/* The path without links and dots, the file's own name as it stands where there is none yet; NULL with errno.
 * malloc'd. */
static char *find_place(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *place = realpath(path, NULL);
    char *folder;
    char *real;

    if (place != NULL || errno != ENOENT)
        return place;
    folder = strndup(path, slash != NULL ? (size_t)(slash - path) + 1 : 0);
    CHECK(folder != NULL);
    real = realpath(slash != NULL ? folder : ".", NULL);
    free(folder);
    if (real == NULL)
        return NULL;
    CHECK(asprintf(&place, "%s/%s", real, slash != NULL ? slash + 1 : path) > 0);
    free(real);
    return place;
}

bool whole_file_is_same(const char *a, const char *b)
{
    char *a_place = strcmp(a, "-") != 0 ? find_place(a) : NULL;
    char *b_place = strcmp(b, "-") != 0 ? find_place(b) : NULL;
    bool same = a_place != NULL && b_place != NULL && strcmp(a_place, b_place) == 0;

    free(a_place);
    free(b_place);
    return same;
}

/* The mode that the file has, or that a new one gets. */
static mode_t mode_for(const struct stat *old)
{
    mode_t mask;

    if (old != NULL)
        return old->st_mode & 07777;
    mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

static bool write_beside(struct whole_file *file, const struct stat *old)
{
    size_t room = strlen(file->place) + sizeof(".XXXXXX");
    int number;
    bool done;
    int fd;

    file->temporary = malloc(room);
    CHECK(file->temporary != NULL);
    snprintf(file->temporary, room, "%s.XXXXXX", file->place);
    fd = mkostemp(file->temporary, O_CLOEXEC);
    if (fd < 0) {
        free(file->temporary);
        file->temporary = NULL;
        return false;
    }
    done = write_all(fd, file->text, file->len) && fchmod(fd, mode_for(old)) == 0 && fsync(fd) == 0;
    number = errno;
    done = close(fd) == 0 && done;
    if (!done) {
        whole_file_discard(file);
        errno = number;
    }
    return done;
}

bool whole_file_prepare(struct whole_file *file, const char *path, const char *text, size_t len)
{
    struct stat old;
    bool exists;

    *file = (struct whole_file){.path = path, .text = text, .len = len};
    if (strcmp(path, "-") == 0)
        return true;
    exists = stat(path, &old) == 0;
    if (!exists && errno != ENOENT)
        return false;
    if (exists && S_ISDIR(old.st_mode)) {
        errno = EISDIR;
        return false;
    }
    if (exists && !S_ISREG(old.st_mode))
        return true;
    file->place = find_place(path);
    return file->place != NULL && write_beside(file, exists ? &old : NULL);
}

/* What is no regular file cannot be replaced, only written to. */
static bool write_through(const struct whole_file *file)
{
    bool is_stdout = strcmp(file->path, "-") == 0;
    int fd = is_stdout ? STDOUT_FILENO : open(file->path, O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && write_all(fd, file->text, file->len);

    if (fd >= 0 && !is_stdout)
        done = close(fd) == 0 && done;
    return done;
}

bool whole_file_commit(struct whole_file *file)
{
    if (file->temporary == NULL)
        return write_through(file);
    if (rename(file->temporary, file->place) != 0)
        return false;
    free(file->temporary);
    file->temporary = NULL;
    return true;
}

void whole_file_discard(struct whole_file *file)
{
    if (file->temporary != NULL)
        unlink(file->temporary);
    free(file->temporary);
    free(file->place);
    file->temporary = NULL;
    file->place = NULL;
}
