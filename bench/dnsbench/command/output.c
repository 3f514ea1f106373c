/* output: texts to stdout and files. Owns the texts it is given. Thread: the main one.
 * Fails: files with a sentence on stderr; stdout in program_main. */
#include "command/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/hgrm.h"
#include "report/json.h"
#include "report/svg.h"
#include "report/table.h"

/* Takes the text. */
static bool write_file(const struct command *command, const char *path, char *text)
{
    FILE *file = fopen(path, "we");
    bool good = file != NULL && fputs(text, file) >= 0 && fflush(file) == 0;

    if (!good)
        command_error(command, "%s: %s", path, strerror(errno));
    free(text);
    return (file == NULL || fclose(file) == 0) && good;
}

/* A pipe's reader would take our coming and going for the end. */
static bool is_pipe(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISFIFO(status.st_mode);
}

bool output_can_write(const struct command *command, const char *path)
{
    if (path == NULL || strcmp(path, "-") == 0 || is_pipe(path))
        return true;
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool is_new = fd < 0 && errno == ENOENT;
    if (is_new)
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd >= 0 && is_new)
        (void)unlink(path);
    if (fd >= 0)
        return close(fd) == 0;
    command_error(command, "%s: %s", path, strerror(errno));
    return false;
}

bool output_is_possible(const struct command *command, const struct output *output)
{
    const char *plots[] = {output->svg, output->hdr};

    for (size_t i = 0; i < sizeof(plots) / sizeof(plots[0]); i++) {
        if (plots[i] != NULL && strcmp(plots[i], "-") == 0) {
            command_error(command, "only --json can go to stdout ('-'), --svg and --hdr to files");
            return false;
        }
    }
    return output_can_write(command, output->json) && output_can_write(command, output->svg) &&
           output_can_write(command, output->hdr);
}

void output_print(char *text)
{
    fputs(text, stdout);
    free(text);
}

/* Files first: whoever reads stdout may be gone. */
bool output_study(const struct command *command, const struct output *output,
                  const struct study *study)
{
    bool json_printed = output->json != NULL && strcmp(output->json, "-") == 0;
    bool good = true;

    if (output->json != NULL && !json_printed)
        good = write_file(command, output->json, json_write(study));
    if (output->hdr != NULL && study->count > 0)
        good = write_file(command, output->hdr, hgrm_write(&study->runs[0].response)) && good;
    if (output->svg != NULL)
        good = write_file(command, output->svg, svg_write(study)) && good;
    output_print(json_printed ? json_write(study) : table_write(study));
    return good;
}
