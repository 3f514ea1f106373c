/* answers: status, dump, flush, metrics and probes, from the main thread's view of things: the cache
 * shard by shard, the counters of the loops as they stand, the snapshot that is published. */
#include "answers.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "local53/base/check.h"
#include "local53/base/clock.h"
#include "local53/base/nearest.h"
#include "local53/dns/text.h"
#include "local53/version.h"
#include "supervisor.h"

/* --- metrics --- */

/* Seconds since the targets of endpoint i last gave an address, or since the start when they never did; 0
 * for literal addresses alone, which do not age. */
static uint64_t age_s(const struct supervisor *supervisor, size_t i)
{
    const struct addresses *addresses = &supervisor->publisher.current->addresses[i];
    uint64_t since_ms = addresses->confirmed_ms;
    if (supervisor->publisher.current->rules->endpoints[i].target_count == 0)
        return 0;
    if (since_ms == 0)
        since_ms = supervisor->started_ms;
    return (loop_now_ms(supervisor->loop) - since_ms) / 1000;
}

/* Why endpoint i has no addresses of its targets now; not known while other rules are about to be published. */
static const char *problem_of(const struct supervisor *supervisor, size_t i)
{
    return supervisor->publisher.next == NULL ? refresh_problem(supervisor->refresh, i) : NULL;
}

static void set_gauges(struct supervisor *supervisor)
{
    struct metrics *metrics = supervisor->metrics;
    const struct snapshot *snapshot = supervisor->publisher.current;
    struct cache_stats stats = cache_stats(supervisor->cache);
    metrics_set(metrics, METRICS_CACHE_ENTRIES, 0, stats.entries);
    metrics_set(metrics, METRICS_CACHE_BYTES, 0, stats.octets);
    metrics_set(metrics, METRICS_CACHE_EVICTIONS, 0, stats.evictions);
    metrics_set(metrics, METRICS_CACHE_REFUSED, 0, stats.refused);
    for (size_t slot = 0; slot < METRICS_ENDPOINT_SLOTS; slot++) {
        metrics_set(metrics, METRICS_ENDPOINT_AGE, slot, 0); /* of endpoints no longer configured */
        metrics_set(metrics, METRICS_ENDPOINT_ADDRESSES, slot, 0);
    }
    for (size_t i = 0; i < snapshot->rules->endpoint_count; i++) {
        const struct addresses *addresses = &snapshot->addresses[i];
        size_t slot = snapshot->endpoint_slots[i];
        metrics_set(metrics, METRICS_ENDPOINT_AGE, slot, age_s(supervisor, i));
        metrics_set(metrics, METRICS_ENDPOINT_ADDRESSES, slot,
                    (uint64_t)addresses->v4_count + addresses->v6_count);
    }
}

/* Loops, main's own included, that have found the server of a slot silent. */
static uint64_t loops_down(const struct supervisor *supervisor, size_t slot)
{
    uint64_t down = metrics_get(supervisor->metrics, METRICS_UPSTREAM_DOWN, slot);
    for (size_t w = 0; w < supervisor->worker_count; w++)
        down += metrics_get(supervisor->workers[w]->metrics, METRICS_UPSTREAM_DOWN, slot);
    return down;
}

/* A server is up when no loop has found it silent. */
static void set_up_gauges(struct supervisor *supervisor)
{
    const struct snapshot *snapshot = supervisor->publisher.current;
    for (size_t slot = 0; slot < METRICS_SERVER_SLOTS - 1; slot++)
        metrics_set(supervisor->metrics, METRICS_UPSTREAM_UP, slot,
                    1); /* not asked: nothing to alert on */
    for (size_t p = 0; p < snapshot->rules->pool_count; p++) {
        for (size_t i = 0; i < snapshot->pools[p].count; i++) {
            size_t slot = snapshot->pools[p].slots[i];
            metrics_set(supervisor->metrics, METRICS_UPSTREAM_UP, slot,
                        loops_down(supervisor, slot) == 0);
        }
    }
}

static char *render_metrics(struct supervisor *supervisor)
{
    struct metrics *sets[SUPERVISOR_WORKERS_MAX + 1];
    char info[512];
    size_t count = 0;
    set_gauges(supervisor);
    set_up_gauges(supervisor);
    sets[count++] = supervisor->metrics;
    for (size_t i = 0; i < supervisor->worker_count; i++)
        sets[count++] = supervisor->workers[i]->metrics;
    char why[SUPERVISOR_WHY_MAX];
    snprintf(info, sizeof(info),
             "# HELP local53_build_info Version and commit, always 1\n"
             "# TYPE local53_build_info gauge\n"
             "local53_build_info{version=\"%s\",commit=\"%s\"} 1\n"
             "# HELP local53_ready 1 while /readyz says 200, else 0\n"
             "# TYPE local53_ready gauge\nlocal53_ready %d\n",
             LOCAL53_VERSION, LOCAL53_COMMIT, supervisor_is_ready(supervisor, why));
    return metrics_render(sets, count, supervisor->names, info);
}

static void answer_text(struct http_answer *answer, int status, const char *text)
{
    answer->status = status;
    answer->content_type = "text/plain; charset=utf-8";
    answer->body = strdup(text);
    CHECK(answer->body != NULL);
    answer->body_len = strlen(text);
}

void answers_http(void *owner, const char *path, struct http_answer *answer)
{
    struct supervisor *supervisor = owner;
    char why[SUPERVISOR_WHY_MAX];
    char body[SUPERVISOR_WHY_MAX + 1];
    if (strcmp(path, "/metrics") == 0) {
        answer->status = 200;
        answer->content_type = "text/plain; version=0.0.4; charset=utf-8";
        answer->body = render_metrics(supervisor);
        answer->body_len = strlen(answer->body);
    } else if (strcmp(path, "/healthz") == 0) {
        bool alive = supervisor_is_alive(supervisor, why);
        snprintf(body, sizeof(body), "%s\n", alive ? "ok" : why);
        answer_text(answer, alive ? 200 : 503, body);
    } else if (strcmp(path, "/readyz") == 0) {
        bool ready = supervisor_is_ready(supervisor, why);
        snprintf(body, sizeof(body), "%s\n", ready ? "ready" : why);
        answer_text(answer, ready ? 200 : 503, body);
    } else {
        answer_text(answer, 404, "try /metrics, /healthz or /readyz\n");
    }
}

/* --- status --- */

static const char *const state_words[] = {[ADDRESSES_NONE] = "none",
                                          [ADDRESSES_LITERAL] = "literal",
                                          [ADDRESSES_FRESH] = "fresh",
                                          [ADDRESSES_LAST_GOOD] = "last-good"};

/* Writes text as a JSON string. */
static void write_json_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(out, "\\%c", *c);
        else if (*c < 0x20)
            fprintf(out, "\\u%04x", *c);
        else
            fputc(*c, out);
    }
    fputc('"', out);
}

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

/* What a pool is for: its zone, or the AWS names of aws.resolver. */
static const char *zone_text(const struct ruleset *rules, size_t pool, char out[TEXT_NAME_MAX])
{
    if (pool >= rules->config->forward_count)
        return "AWS names";
    return text_write_name(&rules->pools[pool].config->zone, out);
}

/* A pool's servers, and which of them are silent. */
static void text_servers(const struct supervisor *supervisor, const struct pool *pool, FILE *out)
{
    char text[ADDR_TEXT_MAX];
    for (size_t i = 0; i < pool->count; i++)
        fprintf(out, "%s%s%s", i > 0 ? " " : "", addr_format(&pool->servers[i], text),
                loops_down(supervisor, pool->slots[i]) > 0 ? " (silent)" : "");
    fputs(pool->count == 0 ? "no server known\n" : "\n", out);
}

static void status_text(const struct supervisor *supervisor, FILE *out)
{
    const struct snapshot *snapshot = supervisor->publisher.current;
    const struct ruleset *rules = snapshot->rules;
    char why[SUPERVISOR_WHY_MAX];
    char name[TEXT_NAME_MAX];
    bool ready = supervisor_is_ready(supervisor, why);
    struct cache_stats stats = cache_stats(supervisor->cache);
    fprintf(out, "local53 %s (%s), up %llu s, %zu loops, epoch %llu\n", LOCAL53_VERSION,
            LOCAL53_COMMIT,
            (unsigned long long)(loop_now_ms(supervisor->loop) - supervisor->started_ms) / 1000,
            supervisor->thread_count, (unsigned long long)rules->epoch);
    fprintf(out, "ready: %s%s\nconfiguration: %s%s\n", ready ? "yes" : "no, ", why,
            supervisor->file, supervisor->reload_problem != NULL ? " (last reload refused)" : "");
    if (supervisor->reload_problem != NULL)
        fprintf(out, "%s", supervisor->reload_problem);
    fprintf(out, "cache: %llu entries, %llu octets\n", (unsigned long long)stats.entries,
            (unsigned long long)stats.octets);
    for (size_t i = 0; i < rules->endpoint_count; i++) {
        const struct addresses *addresses = &snapshot->addresses[i];
        const char *problem = problem_of(supervisor, i);
        fprintf(out, "endpoint %-28s %-9s ", rules->endpoints[i].label,
                state_words[addresses->state]);
        if (addresses->confirmed_ms != 0)
            fprintf(out, "age %llu s  ", (unsigned long long)age_s(supervisor, i));
        write_addresses(out, addresses, "", " ");
        if (problem != NULL)
            fprintf(out, "  (target: %s)", problem);
        fputc('\n', out);
    }
    for (size_t i = 0; i < rules->pool_count; i++) {
        fprintf(out, "forward  %-28s ", zone_text(rules, i, name));
        text_servers(supervisor, &snapshot->pools[i], out);
    }
}

static void json_endpoints(const struct supervisor *supervisor, FILE *out)
{
    const struct snapshot *snapshot = supervisor->publisher.current;
    for (size_t i = 0; i < snapshot->rules->endpoint_count; i++) {
        const struct addresses *addresses = &snapshot->addresses[i];
        fprintf(out, "%s{\"endpoint\":", i > 0 ? "," : "");
        write_json_text(out, snapshot->rules->endpoints[i].label);
        const char *problem = problem_of(supervisor, i);
        fprintf(out, ",\"state\":\"%s\",\"confirmed\":%s,\"age_seconds\":%llu,\"problem\":",
                state_words[addresses->state], addresses->confirmed_ms != 0 ? "true" : "false",
                (unsigned long long)age_s(supervisor, i));
        write_json_text(out, problem != NULL ? problem : "");
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
        write_json_text(out, zone_text(snapshot->rules, i, name));
        fputs(",\"servers\":[", out);
        write_servers(out, &snapshot->pools[i], "\"", ",");
        fputs("]}", out);
    }
}

static void status_json(const struct supervisor *supervisor, FILE *out)
{
    struct cache_stats stats = cache_stats(supervisor->cache);
    char why[SUPERVISOR_WHY_MAX];
    bool ready = supervisor_is_ready(supervisor, why);
    fprintf(out, "{\"version\":\"%s\",\"commit\":\"%s\",\"ready\":%s,\"why\":", LOCAL53_VERSION,
            LOCAL53_COMMIT, ready ? "true" : "false");
    write_json_text(out, why);
    fprintf(out, ",\"uptime_seconds\":%llu,\"loops\":%zu,\"epoch\":%llu,\"configuration\":",
            (unsigned long long)(loop_now_ms(supervisor->loop) - supervisor->started_ms) / 1000,
            supervisor->thread_count,
            (unsigned long long)supervisor->publisher.current->rules->epoch);
    write_json_text(out, supervisor->file);
    fputs(",\"reload_problem\":", out);
    write_json_text(out, supervisor->reload_problem != NULL ? supervisor->reload_problem : "");
    fprintf(out, ",\"cache\":{\"entries\":%llu,\"octets\":%llu,\"evictions\":%llu},\"endpoints\":[",
            (unsigned long long)stats.entries, (unsigned long long)stats.octets,
            (unsigned long long)stats.evictions);
    json_endpoints(supervisor, out);
    fputs("],\"forward\":[", out);
    json_forward(supervisor->publisher.current, out);
    fputs("]}\n", out);
}

/* --- dump --- */

struct dump {
    FILE *out;       /* where to */
    uint64_t now_ms; /* what is over by now is left out */
};

static void dump_entry(void *owner, const struct entry *entry)
{
    static const char *const kinds[] = {[ENTRY_POSITIVE] = "answer",
                                        [ENTRY_NODATA] = "nodata",
                                        [ENTRY_NXDOMAIN] = "nxdomain",
                                        [ENTRY_FAILURE] = "failure"};
    const struct dump *dump = owner;
    uint32_t left_s = entry_ttl_left(entry, dump->now_ms);
    char text[TEXT_NAME_MAX];
    char type[TEXT_TYPE_MAX];
    struct name name;
    if (left_s == 0)
        return;
    entry_name(&name, entry);
    fprintf(dump->out, "%s %s %s %s%s%us %u octets\n", text_write_name(&name, text),
            entry->type == CACHE_TYPE_NXDOMAIN ? "*" : text_write_type(entry->type, type),
            kinds[entry->kind], entry->dnssec_ok ? "do " : "",
            entry->checking_disabled ? "cd " : "", (unsigned)left_s, (unsigned)entry->wire_len);
}

static int dump(struct supervisor *supervisor, FILE *out)
{
    struct dump dump = {.out = out, .now_ms = loop_now_ms(supervisor->loop)};
    cache_visit(supervisor->cache, dump_entry, &dump);
    return EXIT_FINE;
}

/* --- requests --- */

static int flush(struct supervisor *supervisor, const char *const *words, size_t count, FILE *out)
{
    bool below = count == 3 && strcmp(words[2], "--below") == 0;
    struct name name;
    if (count < 2 || (count > 2 && !below)) {
        fputs("flush needs one name: flush NAME [--below]\n", out);
        return EXIT_USAGE;
    }
    if (text_read_name(&name, words[1]) != ERR_OK) {
        fprintf(out, "'%s' is not a domain name\n", words[1]);
        return EXIT_USAGE;
    }
    fprintf(out, "%zu entries forgotten\n", cache_flush(supervisor->cache, &name, below));
    return EXIT_FINE;
}

static int ready(struct supervisor *supervisor, FILE *out)
{
    char why[SUPERVISOR_WHY_MAX];
    bool is_ready = supervisor_is_ready(supervisor, why);
    fprintf(out, "%s\n", is_ready ? "ready" : why);
    return is_ready ? EXIT_FINE : EXIT_FOUND;
}

static int reload(struct supervisor *supervisor, FILE *out)
{
    if (supervisor->stopping) {
        fputs("stopping\n", out);
        return EXIT_FOUND;
    }
    bool taken = supervisor_reload(supervisor);
    fputs(taken ? "reloaded\n" : supervisor->reload_problem, out);
    return taken ? EXIT_FINE : EXIT_USAGE;
}

int answers_control(void *owner, const char *const *words, size_t count, FILE *out)
{
    struct supervisor *supervisor = owner;
    const char *word = words[0];
    if (strcmp(word, "flush") == 0)
        return flush(supervisor, words, count, out);
    bool json = count == 2 && strcmp(word, "status") == 0 && strcmp(words[1], "--json") == 0;
    if (count > 1 && !json) {
        fprintf(out, "'%s' takes no '%s'\n", word, words[1]);
        return EXIT_USAGE;
    }
    if (strcmp(word, "ready") == 0)
        return ready(supervisor, out);
    if (strcmp(word, "reload") == 0)
        return reload(supervisor, out);
    if (strcmp(word, "dump") == 0)
        return dump(supervisor, out);
    if (strcmp(word, "status") == 0) {
        (json ? status_json : status_text)(supervisor, out);
        return EXIT_FINE;
    }
    static const char *const known[] = {"ready", "status", "reload", "flush", "dump"};
    const char *nearest = nearest_word(word, known, sizeof(known) / sizeof(known[0]));
    fprintf(out, "unknown word '%s'%s%s%s\n", word, nearest != NULL ? "; did you mean '" : "",
            nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
    return EXIT_USAGE;
}
