/* explain: which rule a name has under a configuration, or who is asked for it; nothing is sent. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "load.h"
#include "local53/dns/message.h"
#include "local53/dns/text.h"
#include "local53/endpoint/target.h"

static int run(int argc, char **argv);

const struct command command_explain = {
    .word = "explain",
    .summary = "tell what a name would get under the configuration, and why",
    .help = "Usage: local53 explain [-c FILE] NAME [TYPE]\n\n"
            "Tells which rule takes NAME (TYPE: A unless told), what is answered, and otherwise\n"
            "which forward zone and servers are asked. Only the file is read; nothing is sent.\n\n"
            "  -c, --config FILE   the configuration (default: $LOCAL53_CONFIG, else\n"
            "                      /etc/local53/local53.yaml)\n\n"
            "Example:\n  local53 explain -c conf/demo.yaml api.ecr.eu-west-1.amazonaws.com AAAA\n\n"
            "Exit codes: 0 explained, 2 usage or configuration\n",
    .run = run,
};

static void explain_special(const struct decision *decision)
{
    size_t count;
    const struct special_row *row = &special_rows(&count)[decision->index];
    static const char *const answers[] = {
        [SPECIAL_LOOPBACK] = "127.0.0.1 and ::1",
        [SPECIAL_LOOPBACK_REVERSE] = "localhost",
        [SPECIAL_NXDOMAIN] = "NXDOMAIN",
        [SPECIAL_NODATA] = "NOERROR without data",
    };
    printf("source:   special name %s (%s)\n", row->name, row->source);
    printf("answer:   %s, here; never forwarded\n", answers[row->kind]);
}

static void print_addresses(const struct config_endpoint *endpoint)
{
    char text[ADDR_TEXT_MAX];
    for (size_t i = 0; i < endpoint->address_count; i++)
        printf("%s%s", i == 0 ? "address:  " : " ", addr_format(&endpoint->addresses[i], text));
    if (endpoint->address_count > 0)
        printf("%s\n", endpoint->target_count > 0 ? " (until the target has answered)" : "");
}

static void explain_endpoint(const struct ruleset *rules, const struct name *name,
                             const struct decision *decision, uint16_t type)
{
    const struct rule_endpoint *endpoint = &rules->endpoints[decision->index];
    char text[TEXT_NAME_MAX];
    char rule[TEXT_NAME_MAX + 64];
    ruleset_describe(rules, name, decision, rule, sizeof(rule));
    printf("source:   endpoint %s\nrule:     %s\n", endpoint->label, rule);
    for (size_t i = 0; i < endpoint->target_count; i++)
        printf("target:   %s\n", text_write_name(&endpoint->targets[i], text));
    print_addresses(endpoint->config);
    if (type == TYPE_A || type == TYPE_AAAA)
        printf(
            "answer:   the %s addresses of the endpoint, or NOERROR without data; TTL %d to %d s\n",
            type == TYPE_A ? "IPv4" : "IPv6", TARGET_TTL_MIN_S, TARGET_TTL_MAX_S);
    else if (type == TYPE_ANY)
        printf("answer:   one of its address sets (RFC 8482)\n");
    else
        printf("answer:   NOERROR without data: only addresses are known of an endpoint\n");
}

static void explain_forward(const struct ruleset *rules, const struct name *name)
{
    const struct rule_pool *pool = &rules->pools[ruleset_find_pool(rules, name)];
    char rule[TEXT_NAME_MAX + 64];
    struct decision decision;
    ruleset_decide(rules, name, &decision);
    ruleset_describe(rules, name, &decision, rule, sizeof(rule));
    printf("source:   forwarded\nrule:     %s\n", rule);
    for (size_t i = 0; i < pool->server_count; i++)
        printf("server:   %s\n", pool->servers[i].text);
    printf("answer:   what the server says, cached at most %u s (negative ones %u s); a CNAME\n"
           "          chain that enters an endpoint's name ends there with its addresses\n",
           (unsigned)rules->config->cache_max_ttl_s, (unsigned)pool->config->max_negative_ttl_s);
    if (name_has_vpce_label(name))
        printf("note:     a vpce- name is never rewritten\n");
}

static void explain(const struct ruleset *rules, const struct name *name, uint16_t type)
{
    char text[TEXT_NAME_MAX];
    char type_text[TEXT_TYPE_MAX];
    struct decision decision;
    printf("question: %s %s\n", text_write_name(name, text), text_write_type(type, type_text));
    if (!ruleset_find_rule(rules, name, &decision))
        explain_forward(rules, name);
    else if (decision.kind == DECISION_SPECIAL)
        explain_special(&decision);
    else
        explain_endpoint(rules, name, &decision, type);
}

static int explain_under(const char *file, const struct name *name, uint16_t type)
{
    struct report report = {0};
    struct ruleset *rules = load_ruleset(file, 1, &report);
    load_print_report(&report);
    if (rules != NULL)
        explain(rules, name, type);
    int code = rules != NULL ? EXIT_FINE : EXIT_USAGE;
    ruleset_free(rules);
    report_deinit(&report);
    return code;
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {NULL, 0, NULL, 0}};
    const char *file = NULL;
    struct name name;
    uint16_t type = TYPE_A;
    int option;
    while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        if (option != 'c')
            return command_usage(&command_explain, "that option is not known here");
        file = optarg;
    }
    if (argc - optind < 1 || argc - optind > 2)
        return command_usage(&command_explain, "a name and at most a type are needed");
    if (text_read_name(&name, argv[optind]) != ERR_OK)
        return command_usage(&command_explain, "'%s' is not a domain name", argv[optind]);
    if (argc - optind == 2 && text_read_type(&type, argv[optind + 1]) != ERR_OK)
        return command_usage(&command_explain, "'%s' is not a record type (A, AAAA, TYPE65 ...)",
                             argv[optind + 1]);
    return explain_under(load_file_name(file), &name, type);
}
