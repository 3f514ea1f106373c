/* file: a whole file as octets, however long it says it is. Blocks. Never on the way of a query. */
#ifndef LOCAL53_BASE_FILE_H
#define LOCAL53_BASE_FILE_H

#include <stddef.h>

/* Reads a file to its end, at most cap octets and one more (by which the caller sees that there are too many), into
 * memory of about that size; malloc'd, owned by the caller. NULL with errno. */
char *file_read(const char *path, size_t cap, size_t *len);

/* The same of an open descriptor, from where it stands; it is left open. */
char *file_read_open(int fd, size_t cap, size_t *len);

/* As file_read; "-" is standard input. */
char *file_read_or_stdin(const char *path, size_t cap, size_t *len);

#endif
