/* master_file: the files that a master file is made of: read whole, and confined to one folder. */
#ifndef LOCAL53_DNS_MASTER_FILE_H
#define LOCAL53_DNS_MASTER_FILE_H

#include <stddef.h>
#include <stdint.h>

/* Reads a regular file of at most cap octets; *out is malloc'd, *len octets. NULL, or what is wrong in static
 * words. */
const char *master_file_read(const char *path, size_t cap, uint8_t **out, size_t *len);

/* The folder of a file, symlinks of the folder resolved; malloc'd; NULL when there is none. */
char *master_file_folder(const char *path);

/* The file called name in the folder (NULL: none) or below; *path is malloc'd, and not resolved: a
 * symlink of it that is changed later shows. NULL, or in
 * static words why not: an absolute path, "..", a symlink that leads out, no such file. */
const char *master_file_inside(const char *folder, const char *name, char **path);

#endif
