/* answers_status: what a running local53 is and has: endpoints with their addresses, pools with their servers;
 * as text and as JSON. Main thread. */
#include <stdbool.h>

#include "answers_private.h"
#include "local53/cli/exit_code.h"
#include "local53/cli/json_text.h"
#include "local53/dns/text.h"
#include "local53/version.h"

/* One address after the other, with `quote` around each and `separator` between. */
static void write_addresses(FILE *out, const struct addresses *addresses, const char *quote,
                            const char *separator)
{
    char text[ADDR_TEXT_MAX];
    const char *before = "";
    for (size_t i = 0; i < addresses->v4_count + (size_t)addresses->v6_count; i++) {
        bool is_v4 = i < addresses->v4_count;
        const uint8_t *octets = is_v4 ? addresses->v4[i] : addresses->v6[i - addresses->v4_count];
        struct addr addr = addr_from_octets(octets, is_v4 ? 4 : 16, 0);
        fprintf(out, "%s%s%s%s", before, quote, addr_format(&addr, text), quote);
        before = separator;
    }
}

static void write_servers(FILE *out, const struct pool *pool, const char *quote,
                          const char *separator)
{
    char text[ADDR_TEXT_MAX];
    for (size_t i = 0; i < pool->count; i++)
        fprintf(out, "%s%s%s%s", i > 0 ? separator : "", quote,
                addr_format(&pool->servers[i], text), quote);
}

/* A pool's servers, and which of them are silent. */
static void text_servers(const struct supervisor *supervisor, const struct pool *pool, FILE *out)
{
    char text[ADDR_TEXT_MAX];
    for (size_t i = 0; i < pool->count; i++)
        fprintf(out, "%s%s%s", i > 0 ? " " : "", addr_format(&pool->servers[i], text),
                answers_loops_down(supervisor, pool->slots[i]) > 0 ? " (silent)" : "");
    fputs(pool->count == 0 ? "no server known\n" : "\n", out);
}

static void status_text(const struct supervisor *supervisor, FILE *out)
{
    const struct snapshot *snapshot = supervisor->publisher.current;
    const struct ruleset *rules = snapshot->rules;
    char why[SUPERVISOR_WHY_MAX];
    char name[TEXT_NAME_MAX];
    char node[NODE_WHY_MAX];
    bool ready = supervisor_is_ready(supervisor, why);
    struct cache_stats stats = cache_stats(supervisor->cache);
    fprintf(out, "local53 %s (%s), up %llu s, %zu loops, epoch %llu\n", LOCAL53_VERSION,
            LOCAL53_COMMIT,
            (unsigned long long)(loop_now_ms(supervisor->loop) - supervisor->started_ms) / 1000,
            supervisor->thread_count, (unsigned long long)rules->epoch);
    fprintf(out, "ready: %s%s\nconfiguration: %s%s\n", ready ? "yes" : "no, ", why,
            supervisor->file, supervisor->reload_problem != NULL ? " (last reload refused)" : "");
    if (supervisor->reload_problem != NULL)
        fprintf(out, "%s\n", supervisor->reload_problem);
    fprintf(out, "cache: %llu entries, %llu octets\n", (unsigned long long)stats.entries,
            (unsigned long long)stats.octets);
    fprintf(out, "interception: %s\n", node_tell(supervisor->node, node));
    fprintf(out, "handover: %s\n", handover_tell(supervisor->handover));
    for (size_t i = 0; i < rules->endpoint_count; i++) {
        const struct addresses *addresses = &snapshot->addresses[i];
        const char *problem = answers_problem(supervisor, i);
        fprintf(out, "endpoint %-28s %-9s ", rules->endpoints[i].label,
                answers_state_word(addresses->state));
        if (addresses->confirmed_ms != 0)
            fprintf(out, "age %llu s  ", (unsigned long long)answers_age_s(supervisor, i));
        write_addresses(out, addresses, "", " ");
        if (problem != NULL)
            fprintf(out, "  (target: %s)", problem);
        fputc('\n', out);
    }
    for (size_t i = 0; i < rules->pool_count; i++) {
        fprintf(out, "forward  %-28s ", answers_pool_text(rules, i, name));
        text_servers(supervisor, &snapshot->pools[i], out);
    }
}

static void json_endpoints(const struct supervisor *supervisor, FILE *out)
{
    const struct snapshot *snapshot = supervisor->publisher.current;
    for (size_t i = 0; i < snapshot->rules->endpoint_count; i++) {
        const struct addresses *addresses = &snapshot->addresses[i];
        fprintf(out, "%s{\"endpoint\":", i > 0 ? "," : "");
        json_text_write(out, snapshot->rules->endpoints[i].label);
        const char *problem = answers_problem(supervisor, i);
        fprintf(out, ",\"state\":\"%s\",\"confirmed\":%s,\"age_seconds\":%llu,\"problem\":",
                answers_state_word(addresses->state),
                addresses->confirmed_ms != 0 ? "true" : "false",
                (unsigned long long)answers_age_s(supervisor, i));
        json_text_write(out, problem != NULL ? problem : "");
        fputs(",\"addresses\":[", out);
        write_addresses(out, addresses, "\"", ",");
        fputs("]}", out);
    }
}

static void json_forward(const struct snapshot *snapshot, FILE *out)
{
    char name[TEXT_NAME_MAX];
    for (size_t i = 0; i < snapshot->rules->pool_count; i++) {
        fprintf(out, "%s{\"zone\":", i > 0 ? "," : "");
        json_text_write(out, answers_pool_text(snapshot->rules, i, name));
        fputs(",\"servers\":[", out);
        write_servers(out, &snapshot->pools[i], "\"", ",");
        fputs("]}", out);
    }
}

static void status_json(const struct supervisor *supervisor, FILE *out)
{
    struct cache_stats stats = cache_stats(supervisor->cache);
    char why[SUPERVISOR_WHY_MAX];
    char node[NODE_WHY_MAX];
    bool ready = supervisor_is_ready(supervisor, why);
    fprintf(out, "{\"version\":\"%s\",\"commit\":\"%s\",\"ready\":%s,\"why\":", LOCAL53_VERSION,
            LOCAL53_COMMIT, ready ? "true" : "false");
    json_text_write(out, why);
    fprintf(out, ",\"uptime_seconds\":%llu,\"loops\":%zu,\"epoch\":%llu,\"configuration\":",
            (unsigned long long)(loop_now_ms(supervisor->loop) - supervisor->started_ms) / 1000,
            supervisor->thread_count,
            (unsigned long long)supervisor->publisher.current->rules->epoch);
    json_text_write(out, supervisor->file);
    fputs(",\"reload_problem\":", out);
    json_text_write(out, supervisor->reload_problem != NULL ? supervisor->reload_problem : "");
    fputs(",\"interception\":", out);
    json_text_write(out, node_tell(supervisor->node, node));
    fputs(",\"handover\":", out);
    json_text_write(out, handover_tell(supervisor->handover));
    fprintf(out, ",\"cache\":{\"entries\":%llu,\"octets\":%llu,\"evictions\":%llu},\"endpoints\":[",
            (unsigned long long)stats.entries, (unsigned long long)stats.octets,
            (unsigned long long)stats.evictions);
    json_endpoints(supervisor, out);
    fputs("],\"forward\":[", out);
    json_forward(supervisor->publisher.current, out);
    fputs("]}\n", out);
}

int answers_status(struct supervisor *supervisor, bool json, FILE *out)
{
    (json ? status_json : status_text)(supervisor, out);
    return EXIT_FINE;
}
