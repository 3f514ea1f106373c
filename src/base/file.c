/* file: reads in growing portions, since a pipe's length and a growing file's are not known.
 * Owns: nothing that stays. Thread: any; no state. Bounds: the caller's cap.
 * Fails: NULL with errno; out of memory is fatal. */
#include "local53/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "local53/base/check.h"

#define FIRST_OCTETS 65536

static ssize_t read_some(int fd, char *out, size_t len)
{
    ssize_t got;

    do
        got = read(fd, out, len);
    while (got < 0 && errno == EINTR);
    return got;
}

char *file_read_open(int fd, size_t cap, size_t *len)
{
    size_t room = FIRST_OCTETS;
    char *text = malloc(room);
    ssize_t got = 1;

    CHECK(text != NULL);
    *len = 0;
    while (got > 0 && *len <= cap) {
        size_t left = cap + 1 - *len;

        if (*len == room) {
            room *= 2;
            text = realloc(text, room);
            CHECK(text != NULL);
        }
        got = read_some(fd, text + *len, room - *len < left ? room - *len : left);
        *len += got > 0 ? (size_t)got : 0;
    }
    if (got < 0) {
        free(text);
        text = NULL;
    }
    return text;
}

char *file_read(const char *path, size_t cap, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return NULL;
    char *text = file_read_open(fd, cap, len);
    int number = errno;
    close(fd);
    errno = number;
    return text;
}

char *file_read_or_stdin(const char *path, size_t cap, size_t *len)
{
    bool is_stdin = strcmp(path, "-") == 0;

    return is_stdin ? file_read_open(STDIN_FILENO, cap, len) : file_read(path, cap, len);
}
