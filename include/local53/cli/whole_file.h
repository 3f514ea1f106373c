/* whole_file: files that are written whole or not at all. Blocks. */
#ifndef LOCAL53_CLI_WHOLE_FILE_H
#define LOCAL53_CLI_WHOLE_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* True when two paths lead to one place, whether there is a file or not. "-" leads to none. */
bool whole_file_is_same(const char *a, const char *b);

/* A file about to be written. */
struct whole_file {
    const char *path; /* borrowed; where it will be; "-" for stdout */
    const char *text; /* borrowed; its content */
    size_t len;       /* octets of text */
    char *place;      /* owned; path with its links followed; NULL when it is no regular file */
    char *temporary;  /* owned; the content, beside place; NULL when there is none */
};

/* Writes the content beside its place, under a name of its own, with the mode of the file it will replace. Devices and
 * pipes, and stdout, are left to whole_file_commit. False with errno. */
bool whole_file_prepare(struct whole_file *file, const char *path, const char *text, size_t len);

/* Puts it in its place, at once. False with errno. */
bool whole_file_commit(struct whole_file *file);

/* Takes away what was prepared and not put in its place; for every file prepared. Accepts a zeroed file. */
void whole_file_discard(struct whole_file *file);

#endif
