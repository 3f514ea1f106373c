/* output: where the outcome of a command goes: the table or JSON to stdout, and the files asked
 * for. */
#ifndef DNSBENCH_COMMAND_OUTPUT_H
#define DNSBENCH_COMMAND_OUTPUT_H

#include <stdbool.h>

#include "command/command.h"

/* What was asked for; NULL where it was not. */
struct output {
    const char *json; /* file, "-" for stdout instead of the table */
    const char *svg;  /* file of the plots */
    const char *hdr;  /* file of the first run's percentiles */
};

/* Writes the files, then prints. False when a file could not be written; the error was told. */
bool output_study(const struct command *command, const struct output *output,
                  const struct study *study);

/* Finds out before a measurement, not after it, whether a file can be written; leaves everything
 * as it is. True for NULL and "-", too; false: the error was told. */
bool output_can_write(const struct command *command, const char *path);

/* The same for all of an outcome's files, of which only JSON can be "-". */
bool output_is_possible(const struct command *command, const struct output *output);

/* Prints a text, which is freed. What stdout does not take is told by program_main. */
void output_print(char *text);

#endif
