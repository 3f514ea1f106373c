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

/* Prints and writes it all. False when anything could not be written; the error was told. */
bool output_study(const struct command *command, const struct output *output,
                  const struct study *study);

/* Finds out before a measurement, not after it, whether a file can be written; leaves everything as it
 * is. True for NULL and "-", too; false: the error was
 * told. */
bool output_can_write(const struct command *command, const char *path);

/* Prints a text, which is freed. False when not all could be written; the error was told. */
bool output_print(const struct command *command, char *text);

#endif
