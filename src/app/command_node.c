/* node: removes from this node what instances left that were killed. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "local53/node/addresses.h"
#include "local53/node/capabilities.h"
#include "local53/node/interception.h"

static int run(int argc, char **argv);

const struct command command_node = {
    .word = "node",
    .summary = "remove from this node what a killed local53 has left",
    .help =
        "Usage: local53 node clean [-c FILE]\n\n"
        "A local53 with node.intercept: owner removes its addresses when it stops, and the\n"
        "kernel its nft rules, however it ends. After a kill its addresses stay, so that their\n"
        "ports refuse at once, and on a kernel before Linux 5.12 its rules do too. The next\n"
        "start takes them over. Where there is none:\n\n"
        "  clean   removes nft tables and addresses that no running local53 has; those of\n"
        "          running ones stay. Needs CAP_NET_ADMIN.\n\n"
        "  -c, --config FILE   taken as by all commands; what is found does not depend on it\n\n"
        "Example:\n  local53 node clean\n\n"
        "Exit codes: 0 clean, 2 usage, 3 the node refuses\n",
    .run = run,
};

_Static_assert((int)ADDRESSES_WHY_MAX == (int)INTERCEPTION_WHY_MAX, "one room for both");

static int tell(enum err err, const char *what, size_t removed, const char *why)
{
    if (err != ERR_OK) {
        command_error(&command_node, "%s: %s", what,
                      err == ERR_DENIED
                          ? "CAP_NET_ADMIN is missing: run it as root on the node, or in "
                            "local53's pod there"
                          : why);
        return EXIT_ENVIRONMENT;
    }
    printf("%s removed: %zu\n", what, removed);
    return EXIT_FINE;
}

/* Rules first: they lead to the addresses. What one refuses does not keep the other. */
static int clean(void)
{
    char why[ADDRESSES_WHY_MAX] = "";
    size_t removed = 0;
    /* What is missing is told by what needs it. */
    (void)capabilities_raise(CAPABILITIES_ADMIN);
    enum err err = interception_clean(&removed, why);
    int code = tell(err, "nft tables", removed, why);
    removed = 0;
    err = addresses_clean(&removed, why);
    int second = tell(err, "addresses", removed, why);
    return code != EXIT_FINE ? code : second;
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        if (option != 'c')
            return command_usage(&command_node, "that option is not known here");
    }
    if (optind >= argc)
        return command_usage(&command_node, "what is to be done? there is: clean");
    if (strcmp(argv[optind], "clean") != 0)
        return command_usage(&command_node, "unknown word '%s'; there is: clean", argv[optind]);
    if (optind + 1 < argc)
        return command_usage(&command_node, "'%s' is one word too many", argv[optind + 1]);
    return clean();
}
