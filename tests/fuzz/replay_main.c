/*
 * Replays a fuzz corpus without libFuzzer: runs the target over every file of the folders given.
 * Owns: one buffer, for the length of one input. Thread: main.
 * Bounds: MAX_INPUT_BYTES bytes an input, MAX_PATH_BYTES a path.
 * Fails: exit 1 when a folder is missing, holds no file, or an input cannot be read whole.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Largest input, in bytes: far above a DNS message, the largest thing a target parses. */
#define MAX_INPUT_BYTES ((size_t)1 << 20)

/* Longest path of a corpus file, in bytes. */
#define MAX_PATH_BYTES 4096

/* The fuzz target under replay (libFuzzer's interface): 0, or it stops the process. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The copy has the exact size, so that the address sanitizer sees a read past the input's end. */
static bool run_bytes(const char *path, FILE *file, size_t size)
{
    uint8_t *data = malloc(size > 0 ? size : 1);
    bool whole = data != NULL && fread(data, 1, size, file) == size;

    if (whole) {
        printf("%s (%zu bytes)\n", path, size);
        fflush(stdout);
        LLVMFuzzerTestOneInput(data, size);
    } else {
        fprintf(stderr, "%s: cannot be read whole\n", path);
    }
    free(data);
    return whole;
}

static bool run_file(const char *path, size_t size)
{
    FILE *file = NULL;
    bool whole;

    if (size > MAX_INPUT_BYTES || (file = fopen(path, "rb")) == NULL) {
        fprintf(stderr, "%s: cannot be opened, or has more than %zu bytes\n", path,
                MAX_INPUT_BYTES);
        return false;
    }
    whole = run_bytes(path, file, size);
    fclose(file);
    return whole;
}

/* Runs the regular files of one folder; adds their number to *files. False when one could not be read. */
static bool run_entries(const char *folder, DIR *dir, size_t *files)
{
    const struct dirent *entry;
    bool whole = true;

    while ((entry = readdir(dir)) != NULL) {
        char path[MAX_PATH_BYTES];
        struct stat status;
        int length = snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);

        if (length < 0 || (size_t)length >= sizeof(path) || stat(path, &status) != 0) {
            fprintf(stderr, "%s/%s: cannot be read\n", folder, entry->d_name);
            whole = false;
        } else if (S_ISREG(status.st_mode)) {
            whole = run_file(path, (size_t)status.st_size) && whole;
            *files += 1;
        }
    }
    return whole;
}

static bool run_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    size_t files = 0;
    bool whole;

    if (dir == NULL) {
        fprintf(stderr, "%s: no such corpus folder\n", folder);
        return false;
    }
    whole = run_entries(folder, dir, &files);
    closedir(dir);
    if (files == 0)
        fprintf(stderr, "%s: no file in the corpus\n", folder);
    printf("%s: %zu inputs replayed\n", folder, files);
    return whole && files > 0;
}

int main(int argc, char **argv)
{
    bool whole = argc > 1;

    for (int i = 1; i < argc; i++)
        whole = run_folder(argv[i]) && whole;
    return whole ? EXIT_SUCCESS : EXIT_FAILURE;
}
