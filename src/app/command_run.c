/* run: the daemon, in the foreground. */
#include <getopt.h>
#include <stdio.h>

#include "command.h"
#include "load.h"
#include "supervisor.h"

static int run(int argc, char **argv);

const struct command command_run = {
    .word = "run",
    .summary = "run the forwarder in the foreground",
    .help = "Usage: local53 run [-c FILE]\n\n"
            "Answers on the configured addresses until SIGTERM or SIGINT (a second one stops at\n"
            "once). SIGHUP, 'local53 ctl reload' and a change of the file take the configuration\n"
            "anew; a bad one is refused and the running one stays. Logs go to stderr.\n\n"
            "  -c, --config FILE   the configuration (default: $LOCAL53_CONFIG, else\n"
            "                      /etc/local53/local53.yaml)\n\n"
            "Example:\n  local53 run -c conf/demo.yaml\n\n"
            "Exit codes: 0 stopped in order, 2 configuration, 3 a port, a privilege or the\n"
            "control socket\n",
    .run = run,
};

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {NULL, 0, NULL, 0}};
    const char *file = NULL;
    int option;
    while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        if (option != 'c')
            return command_usage(&command_run, "that option is not known here");
        file = optarg;
    }
    if (optind < argc)
        return command_usage(&command_run, "'%s' is one word too many", argv[optind]);
    return supervisor_run(load_file_name(file));
}
