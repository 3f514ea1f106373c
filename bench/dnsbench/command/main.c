/* main: the load tester's commands; options without one are those of "run". */
#include <signal.h>

#include "command/command.h"
#include "local53/version.h"

static const struct command *const commands[] = {&command_run,     &command_max,   &command_search,
                                                 &command_compare, &command_check, &command_serve,
                                                 &command_report};

static const struct program program = {
    .name = "dnsbench",
    .head = "dnsbench - a DNS load tester that tells the truth\n\n"
            "Usage: dnsbench [COMMAND] [OPTIONS]\n",
    .foot =
        "\nExample:\n  dnsbench run --server 127.0.0.1:5353\n\n"
        "Exit codes: 0 pass, 1 a threshold failed or B is worse, 2 usage, 3 the measurement is\n"
        "            invalid (the tester was the limit), 4 unreachable, 5 wrong answers\n",
    .version = LOCAL53_VERSION " (" LOCAL53_COMMIT ")",
    .commands = commands,
    .count = sizeof(commands) / sizeof(commands[0]),
    .unnamed = &command_run,
    .unwritten = VERDICT_USAGE,
};

/* A reader of a pipe that goes ends no measurement, and takes no file along. */
int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    return program_main(&program, argc, argv);
}
