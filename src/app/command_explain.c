/* explain: which rule a name has under a configuration, or who is asked for it; with --live what a running
 * local53 gives now, and what its upstream alone would say. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "command.h"
#include "control.h"
#include "load.h"
#include "local53/base/check.h"
#include "local53/dns/message.h"
#include "local53/explain/alone.h"
#include "local53/explain/explain.h"

static int run(int argc, char **argv);

const struct command command_explain = {
    .word = "explain",
    .summary = "tell what a name would get under the configuration, and why",
    .help =
        "Usage: local53 explain [-c FILE] [--json] NAME [TYPE]\n"
        "       local53 explain --live [-c FILE | -s SOCKET] [--json] NAME [TYPE]\n\n"
        "Tells which rule takes NAME (TYPE: A unless told), which rules lost to it and why, what\n"
        "is answered, and otherwise which forward zone and servers are asked. Only the file is\n"
        "read; nothing is sent.\n\n"
        "      --live           what the running local53 gives now: the rule it has, addresses\n"
        "                       with their age and state, TTL, what is cached, its servers; then\n"
        "                       the first of these is asked what it alone would say\n"
        "  -c, --config FILE    the configuration (default: $LOCAL53_CONFIG, else\n"
        "                       /etc/local53/local53.yaml)\n"
        "  -s, --socket SOCKET  the control socket; with --live\n"
        "      --json           one object, for programs\n\n"
        "Example:\n  local53 explain -c conf/demo.yaml api.ecr.eu-west-1.amazonaws.com AAAA\n\n"
        "Exit codes: 0 explained, 2 usage or configuration, 3 no local53 answers (--live)\n",
    .run = run,
};

/* What is to be explained, and how. */
struct task {
    struct client_where where; /* file and socket */
    struct name name;          /* what is asked */
    uint16_t type;             /* asked type */
    bool json;                 /* for programs */
    bool live;                 /* of the running local53 */
};

/* ---- From the file ------------------------------------------------------------------------------ */

static void tell_endpoint(const struct explain *explain, uint32_t i)
{
    const struct rule_endpoint *endpoint = &explain->rules->endpoints[i];
    const struct config_endpoint *config = endpoint->config;
    char text[TEXT_NAME_MAX];
    tell_rows_begin(explain->tell, "targets");
    for (size_t j = 0; j < endpoint->target_count; j++) {
        const struct tell_column column =
            TELL_TEXT("target", text_write_name(&endpoint->targets[j], text));
        tell_row(explain->tell, "target", &column, 1);
    }
    tell_rows_end(explain->tell);
    tell_rows_begin(explain->tell, "addresses");
    for (size_t j = 0; config != NULL && j < config->address_count; j++) {
        const struct tell_column column =
            TELL_TEXT("address", addr_format(&config->addresses[j], text));
        tell_row(explain->tell, "address", &column, 1);
    }
    tell_rows_end(explain->tell);
    if (config != NULL && config->address_count > 0 && endpoint->target_count > 0)
        tell_people(explain->tell, "note", "the addresses stand in until the target has answered");
}

static void tell_servers(const struct explain *explain)
{
    const struct rule_pool *pool = &explain->rules->pools[explain->decision.index];
    tell_rows_begin(explain->tell, "servers");
    for (size_t i = 0; i < pool->server_count; i++) {
        const struct tell_column column = TELL_TEXT("server", pool->servers[i].text);
        tell_row(explain->tell, "server", &column, 1);
    }
    tell_rows_end(explain->tell);
}

static void explain_rules(const struct task *task, const struct ruleset *rules)
{
    struct explain explain;
    struct tell tell;
    uint32_t endpoint;
    tell_begin(&tell, stdout, task->json);
    explain_init(&explain, &tell, rules, &task->name, task->type);
    explain_head(&explain);
    if (explain_endpoint(&explain, &endpoint))
        tell_endpoint(&explain, endpoint);
    if (explain.decision.kind == DECISION_FORWARD)
        tell_servers(&explain);
    explain_answer(&explain);
    explain_lost(&explain);
    tell_end(&tell);
}

static int explain_file(const struct task *task)
{
    struct ruleset *rules = load_for_command(task->where.file);
    if (rules == NULL)
        return EXIT_USAGE;
    explain_rules(task, rules);
    ruleset_free(rules);
    return EXIT_FINE;
}

/* ---- From the running local53 ------------------------------------------------------------------- */

/* The server that the daemon would ask, the last thing it tells; false when it would ask none. */
static bool find_upstream(const char *answer, bool json, struct addr *server)
{
    const char *key = json ? "\"upstream\":\"" : "\nupstream:";
    const char *at = strstr(answer, key);
    char text[ADDR_TEXT_MAX];
    if (at == NULL)
        return false;
    at += strlen(key);
    at += strspn(at, " ");
    size_t len = strcspn(at, "\"\n");
    if (len >= sizeof(text))
        return false;
    memcpy(text, at, len);
    text[len] = '\0';
    return addr_parse(server, text, 53) == ERR_OK;
}

/* Prints what the daemon said, with what the upstream alone says as further members. */
static void print_with_alone(const struct task *task, const char *answer)
{
    struct tell tell = {.out = stdout, .json = task->json, .has_member = true};
    size_t len = strlen(answer);
    struct addr server;
    if (task->json && len >= 2 && strcmp(answer + len - 2, "}\n") == 0)
        len -= 2;
    fwrite(answer, 1, len, stdout);
    fflush(stdout);
    if (find_upstream(answer, task->json, &server))
        alone_tell(&tell, &server, &task->name, task->type);
    tell_end(&tell);
}

/* Asks the daemon; its text to *answer, the caller's. */
static int ask(const struct task *task, char **answer)
{
    char request[CONTROL_REQUEST_MAX + 64];
    char name[TEXT_NAME_MAX];
    char type[TEXT_TYPE_MAX];
    size_t len = 0;
    FILE *out = open_memstream(answer, &len);
    CHECK(out != NULL);
    snprintf(request, sizeof(request), "explain %s %s%s\n", text_write_name(&task->name, name),
             text_write_type(task->type, type), task->json ? " --json" : "");
    int code = client_ask(&command_explain, &task->where, request, out);
    CHECK(fclose(out) == 0);
    return code;
}

static int explain_live(const struct task *task)
{
    char *answer = NULL;
    int code = ask(task, &answer);
    if (code == EXIT_FINE)
        print_with_alone(task, answer);
    free(answer);
    return code;
}

/* ---- The command -------------------------------------------------------------------------------- */

static int take_words(struct task *task, int count, char **words)
{
    if (count < 1 || count > 2)
        return command_usage(&command_explain, "a name and at most a type are needed");
    if (text_read_name(&task->name, words[0]) != ERR_OK)
        return command_usage(&command_explain, "'%s' is not a domain name", words[0]);
    if (count == 2 && text_read_type(&task->type, words[1]) != ERR_OK)
        return command_usage(&command_explain, "'%s' is not a record type (A, AAAA, TYPE65 ...)",
                             words[1]);
    if (task->where.socket != NULL && !task->live)
        return command_usage(&command_explain, "--socket goes with --live");
    return EXIT_FINE;
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"socket", required_argument, NULL, 's'},
                                            {"live", no_argument, NULL, 'l'},
                                            {"json", no_argument, NULL, 'j'},
                                            {NULL, 0, NULL, 0}};
    struct task task = {.type = TYPE_A};
    int option;
    while ((option = getopt_long(argc, argv, "c:s:", options, NULL)) != -1) {
        if (option == 'c')
            task.where.file = optarg;
        else if (option == 's')
            task.where.socket = optarg;
        else if (option == 'l')
            task.live = true;
        else if (option == 'j')
            task.json = true;
        else
            return command_usage(&command_explain, "that option is not known here");
    }
    int code = take_words(&task, argc - optind, argv + optind);
    if (code != EXIT_FINE)
        return code;
    task.where.file = load_file_name(task.where.file);
    return task.live ? explain_live(&task) : explain_file(&task);
}
