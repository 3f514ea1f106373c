/* ctl: one word to a running local53 through its control socket, its answer on stdout, on stderr why not. Blocks
 * as client_ask does. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "command.h"
#include "control.h"
#include "load.h"
#include "local53/base/nearest.h"
#include "local53/dns/text.h"

static int run(int argc, char **argv);

const struct command command_ctl = {
    .word = "ctl",
    .summary = "talk to the running local53: ready, alive, status, reload, flush, dump, leaks, "
               "top, explain",
    .help =
        "Usage: local53 ctl [-c FILE | -s SOCKET] ready | alive | status [--json] | reload |\n"
        "       dump | flush NAME [--below] | leaks [--json] | top [--json] |\n"
        "       explain NAME [TYPE] [--json]\n\n"
        "  ready         exit 0 when it can serve, else 1 and why not (readiness probes)\n"
        "  alive         exit 0 unless it hangs: 1 and what did not answer for 30 s; endpoints "
        "and\n"
        "                servers do not matter (start-up and liveness probes)\n"
        "  status        what it is, its endpoints with their addresses and age, its pools\n"
        "  reload        take the configuration file anew; exit 2 and the reasons when it is bad\n"
        "                (the running one then stays)\n"
        "  flush NAME    forget what is cached of NAME, all types; --below: and of all names "
        "below\n"
        "  dump          every cached answer: name, type, rcode, seconds left, size\n"
        "  leaks         AWS names without a rule that upstreams were asked for, most asked\n"
        "                first, each with the endpoint that would take it\n"
        "  top           the names asked most in the last minutes, from a sample of queries\n"
        "  explain NAME  what a client gets for NAME now, and why; see local53 explain --live\n\n"
        "  -c, --config FILE    where the control socket is read from (default: $LOCAL53_CONFIG,\n"
        "                       else /etc/local53/local53.yaml)\n"
        "  -s, --socket SOCKET  the control socket itself\n"
        "      --json           for programs: status, leaks, top, explain\n\n"
        "Example:\n  local53 ctl -s /run/local53/control.sock leaks\n"
        "  local53 ctl alive || systemctl restart local53\n\n"
        "Exit codes: 0 done, 1 not so, 2 usage or bad configuration, 3 nobody answers\n",
    .run = run,
};

static int refuse_word(const char *word)
{
    static const char *const known[] = {CONTROL_WORDS};
    const char *nearest = nearest_word(word, known, sizeof(known) / sizeof(known[0]));
    return command_usage(&command_ctl, "unknown word '%s'%s%s%s", word,
                         nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
                         nearest != NULL ? "'?" : "");
}

static bool is_known(const char *word)
{
    static const char *const known[] = {CONTROL_WORDS};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(word, known[i]) == 0)
            return true;
    return false;
}

/* Words that no local53 would take are told here, whether one is running or not. */
static int check_words(int count, char **words)
{
    struct name name;
    uint16_t type;
    if (count < 1)
        return command_usage(&command_ctl, "which of ready, alive, status, reload, flush NAME, "
                                           "dump, leaks, top, explain NAME?");
    if (!is_known(words[0]))
        return refuse_word(words[0]);
    bool explains = strcmp(words[0], "explain") == 0;
    bool has_name = explains || strcmp(words[0], "flush") == 0;
    if (has_name && count < 2)
        return command_usage(&command_ctl, "%s needs a name", words[0]);
    if (has_name && text_read_name(&name, words[1]) != ERR_OK)
        return command_usage(&command_ctl, "'%s' is not a domain name", words[1]);
    if (explains && count > 2 && text_read_type(&type, words[2]) != ERR_OK)
        return command_usage(&command_ctl, "'%s' is not a record type (A, AAAA, TYPE65 ...)",
                             words[2]);
    if (count > 1 + (int)has_name + (int)explains)
        return command_usage(&command_ctl, "'%s' is one word too many", words[count - 1]);
    return EXIT_FINE;
}

/* The request line: the words that are left, blank separated, and a flag; false when it is too long. */
static bool write_request(char request[CONTROL_REQUEST_MAX], int count, char **words,
                          const char *flag)
{
    size_t len = 0;
    for (int i = 0; i <= count; i++) {
        const char *word = i < count ? words[i] : flag;
        int added =
            snprintf(request + len, CONTROL_REQUEST_MAX - len, "%s%s", i > 0 ? " " : "", word);
        if (added < 0 || (size_t)added >= CONTROL_REQUEST_MAX - len - 1)
            return false;
        len += (size_t)added;
    }
    snprintf(request + len, CONTROL_REQUEST_MAX - len, "\n");
    return true;
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"socket", required_argument, NULL, 's'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"below", no_argument, NULL, 'b'},
                                            {NULL, 0, NULL, 0}};
    struct client_where where = {NULL, NULL};
    char request[CONTROL_REQUEST_MAX];
    const char *flag = "";
    int option;
    while ((option = getopt_long(argc, argv, "c:s:", options, NULL)) != -1) {
        if (option == 'c')
            where.file = optarg;
        else if (option == 's')
            where.socket = optarg;
        else if (option == 'j')
            flag = "--json";
        else if (option == 'b')
            flag = "--below";
        else
            return command_usage(&command_ctl, "that option is not known here");
    }
    int count = argc - optind;
    int code = check_words(count, argv + optind);
    if (code != EXIT_FINE)
        return code;
    if (!write_request(request, count, argv + optind, flag))
        return command_usage(&command_ctl, "that is too long");
    where.file = load_file_name(where.file);
    return client_ask(&command_ctl, &where, request, stdout);
}
