/* check: reads a configuration as run would, tells errors and warnings, and prints its normalised form. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "load.h"

static int run(int argc, char **argv);

const struct command command_check = {
    .word = "check",
    .summary = "validate the configuration and print its normalised form",
    .help = "Usage: local53 check [-c FILE] [--strict] [--quiet]\n\n"
            "Reads the configuration exactly as 'run' does. Errors and warnings go to stderr as\n"
            "FILE:LINE:COLUMN; the normalised form, every key written out, to stdout.\n\n"
            "  -c, --config FILE   the configuration (default: $LOCAL53_CONFIG, else\n"
            "                      /etc/local53/local53.yaml)\n"
            "      --strict        exit 1 when there are warnings\n"
            "  -q, --quiet         do not print the normalised form\n\n"
            "Example:\n  local53 check --strict -q -c conf/local53.yaml && echo good\n\n"
            "Exit codes: 0 good, 1 warnings (--strict), 2 errors\n",
    .run = run,
};

static void print_normalised(const struct config *config)
{
    char *text = config_write(config);
    fputs(text, stdout);
    free(text);
}

static int check_file(const char *file, bool strict, bool quiet)
{
    struct report report = {0};
    struct ruleset *rules = load_ruleset(file, 1, &report);
    int code = EXIT_FINE;
    load_print_report(&report);
    if (rules == NULL)
        code = EXIT_USAGE;
    else if (!quiet)
        print_normalised(rules->config);
    if (rules != NULL && strict && report.warnings > 0)
        code = EXIT_FOUND;
    ruleset_free(rules);
    report_deinit(&report);
    return code;
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"strict", no_argument, NULL, 's'},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {NULL, 0, NULL, 0}};
    const char *file = NULL;
    bool strict = false;
    bool quiet = false;
    int option;
    while ((option = getopt_long(argc, argv, "c:q", options, NULL)) != -1) {
        if (option == 'c')
            file = optarg;
        else if (option == 's')
            strict = true;
        else if (option == 'q')
            quiet = true;
        else
            return command_usage(&command_check, "that option is not known here");
    }
    if (optind < argc)
        return command_usage(&command_check, "'%s' is one word too many", argv[optind]);
    return check_file(load_file_name(file), strict, quiet);
}
