/* doctor: what on this node is in the way of local53, and what to do about it. */
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "command.h"
#include "load.h"
#include "local53/doctor/doctor.h"

static int run(int argc, char **argv);

const struct command command_doctor = {
    .word = "doctor",
    .summary = "look at this node: what is in the way, and what to do about it",
    .help =
        "Usage: local53 doctor [-c FILE] [--json]\n\n"
        "Looks at ports and who has them, addresses, resolv.conf and loops in it, kube-proxy's\n"
        "mode, capabilities, kernel limits, and asks each configured server and target. Changes\n"
        "nothing, and ends within 10 s. Run it where local53 runs (its pod, its user), as root to\n"
        "see who has a port. Without a configuration the node is looked at alone, as for\n"
        "listen: [169.254.20.10].\n\n"
        "  -c, --config FILE   the configuration (default: $LOCAL53_CONFIG, else\n"
        "                      /etc/local53/local53.yaml when it is there)\n"
        "      --json          for programs\n\n"
        "Each finding has a short name that stays: port, address, clash, resolv-conf, loop,\n"
        "search, kube-proxy, capability, nftables, link, upstream, endpoint, region,\n"
        "socket-buffer, conntrack, open-files, memory, cpu, clock.\n\n"
        "Example:\n  local53 doctor -c conf/local53.yaml\n\n"
        "Exit codes: 0 nothing is in the way, 1 a problem, 2 usage or configuration,\n"
        "            3 cannot look\n",
    .run = run,
};

/* The configuration to go by; NULL for none. */
static const char *choose_file(const char *option)
{
    const char *file = load_file_name(option);
    bool told = option != NULL || file == getenv("LOCAL53_CONFIG"); /* else it is the usual one */
    return told || access(file, F_OK) == 0 ? file : NULL;
}

static int look(const char *option, bool json)
{
    struct doctor_options options = {
        .command = &command_doctor, .file = choose_file(option), .json = json};
    struct ruleset *rules = NULL;
    if (options.file != NULL) {
        rules = load_for_command(options.file);
        if (rules == NULL)
            return EXIT_USAGE;
    }
    return doctor_run(rules, &options);
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"json", no_argument, NULL, 'j'},
                                            {NULL, 0, NULL, 0}};
    const char *file = NULL;
    bool json = false;
    int option;
    while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        if (option == 'c')
            file = optarg;
        else if (option == 'j')
            json = true;
        else
            return command_usage(&command_doctor, "that option is not known here");
    }
    if (optind < argc)
        return command_usage(&command_doctor, "'%s' is one word too many", argv[optind]);
    return look(file, json);
}
