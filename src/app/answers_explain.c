/* answers_explain: what a running local53 gives for a name now: the rule of its configuration, the addresses, what
 * is cached, the servers. Main thread; looks into the cache as a loop does. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "answers_private.h"
#include "local53/cache/cache.h"
#include "local53/cli/exit_code.h"
#include "local53/dns/message.h"
#include "local53/explain/explain.h"
#include "local53/server/cut.h"

/* --- endpoints --- */

/* One address a row. */
static void tell_addresses(struct tell *tell, const struct addresses *addresses)
{
    char text[ADDR_TEXT_MAX];
    size_t count = (size_t)addresses->v4_count + addresses->v6_count;
    tell_rows_begin(tell, "addresses");
    for (size_t i = 0; i < count; i++) {
        bool is_v4 = i < addresses->v4_count;
        const uint8_t *octets = is_v4 ? addresses->v4[i] : addresses->v6[i - addresses->v4_count];
        struct addr addr = addr_from_octets(octets, is_v4 ? 4 : 16, 0);
        const struct tell_column column = TELL_TEXT("address", addr_format(&addr, text));
        tell_row(tell, "address", &column, 1);
    }
    tell_rows_end(tell);
}

static void tell_targets(const struct supervisor *supervisor, struct tell *tell, uint32_t i)
{
    const struct rule_endpoint *endpoint = &supervisor->publisher.current->rules->endpoints[i];
    char text[TEXT_NAME_MAX];
    tell_rows_begin(tell, "targets");
    for (size_t j = 0; j < endpoint->target_count; j++) {
        const struct tell_column column =
            TELL_TEXT("target", text_write_name(&endpoint->targets[j], text));
        tell_row(tell, "target", &column, 1);
    }
    tell_rows_end(tell);
}

static void tell_endpoint(const struct supervisor *supervisor, struct tell *tell, uint32_t i)
{
    const struct snapshot *snapshot = supervisor->publisher.current;
    const struct addresses *addresses = &snapshot->addresses[i];
    const char *problem = answers_problem(supervisor, i);
    tell_targets(supervisor, tell, i);
    tell_text(tell, "state", "%s", answers_state_word(addresses->state));
    if (addresses->confirmed_ms != 0)
        tell_seconds(tell, "age", answers_age_s(supervisor, i));
    if (problem != NULL)
        tell_text(tell, "problem", "%s", problem);
    tell_addresses(tell, addresses);
    if (addresses->state != ADDRESSES_NONE)
        tell_seconds(tell, "ttl", addresses_ttl_s(addresses, loop_now_ms(supervisor->loop)));
}

/* --- the cache --- */

/* Where a stored chain is cut, and which rule answers behind it; "" for none. */
static void describe_cut(const struct ruleset *rules, const struct entry *entry,
                         char out[EXPLAIN_WORDS_MAX])
{
    struct decision rule;
    struct name last;
    char name[TEXT_NAME_MAX];
    char words[EXPLAIN_WORDS_MAX];
    out[0] = '\0';
    if (entry->decision.cut == 0 ||
        entry_chain_name(&last, entry, entry->decision.cut - 1U) != ERR_OK)
        return;
    ruleset_decide(rules, &last, &rule);
    ruleset_describe(rules, &last, &rule, words, sizeof(words));
    snprintf(out, EXPLAIN_WORDS_MAX, "its CNAME chain is cut at %.*s: %.*s", TEXT_NAME_MAX / 3,
             text_write_name(&last, name), TEXT_NAME_MAX / 2, words);
}

static void tell_entry(const struct explain *explain, const struct entry *entry, uint64_t now_ms)
{
    static const char *const kinds[] = {[ENTRY_POSITIVE] = "answer",
                                        [ENTRY_NODATA] = "nodata",
                                        [ENTRY_NXDOMAIN] = "nxdomain",
                                        [ENTRY_FAILURE] = "failure"};
    const struct ruleset *rules = explain->rules;
    char left[32];
    char cut[EXPLAIN_WORDS_MAX];
    bool is_void = entry->epoch != rules->epoch && !cut_is_as_stored(rules, entry, explain->name);
    snprintf(left, sizeof(left), explain->tell->json ? "%u" : "%u s left",
             (unsigned)entry_ttl_left(entry, now_ms));
    describe_cut(rules, entry, cut);
    const struct tell_column columns[] = {
        TELL_TEXT("kind", kinds[entry->kind]),
        TELL_NUMBER("left_seconds", left),
        TELL_TEXT("rcode", text_rcode(message_rcode(entry_wire(entry)))),
        TELL_TEXT("for", entry->dnssec_ok ? "DNSSEC clients" : "plain clients"),
        TELL_TEXT("cut", cut),
        TELL_TEXT("validity", is_void ? "void under the running rules: asked anew" : "")};
    tell_row(explain->tell, "cached", columns, sizeof(columns) / sizeof(columns[0]));
}

/* One key of the cache; gives how many entries it told. */
static size_t look_up(const struct supervisor *supervisor, struct cache_reader *reader,
                      const struct explain *explain, struct cache_key key)
{
    uint64_t now_ms = loop_now_ms(supervisor->loop);
    key.name = explain->name;
    key.class = CLASS_IN;
    cache_key_hash(&key, cache_secret(supervisor->cache));
    const struct entry *entry = cache_find(reader, &key, NULL, now_ms);
    if (entry != NULL)
        tell_entry(explain, entry, now_ms);
    return entry != NULL;
}

/* What is cached of a forwarded name: for clients that set DO and those that do not; those that set CD, who are
 * few, have entries of their own that are not told. */
static void tell_cache(const struct supervisor *supervisor, const struct explain *explain)
{
    struct cache_reader *reader = cache_reader_new(supervisor->cache);
    const struct tell_column none = TELL_TEXT("kind", "no");
    size_t found = 0;
    tell_rows_begin(explain->tell, "cached");
    cache_enter(reader);
    for (int dnssec_ok = 0; dnssec_ok <= 1; dnssec_ok++) {
        struct cache_key key = {.type = explain->type, .dnssec_ok = dnssec_ok != 0};
        found += look_up(supervisor, reader, explain, key);
        key.type = CACHE_TYPE_NXDOMAIN;
        found += look_up(supervisor, reader, explain, key);
    }
    cache_leave(reader);
    cache_reader_free(reader);
    if (found == 0 && !explain->tell->json)
        tell_row(explain->tell, "cached", &none, 1);
    tell_rows_end(explain->tell);
}

/* --- servers --- */

static void tell_servers(const struct supervisor *supervisor, struct tell *tell,
                         const struct pool *pool)
{
    char text[ADDR_TEXT_MAX];
    tell_rows_begin(tell, "servers");
    for (size_t i = 0; i < pool->count; i++) {
        bool is_down = answers_loops_down(supervisor, pool->slots[i]) > 0;
        const struct tell_column columns[] = {
            TELL_TEXT("server", addr_format(&pool->servers[i], text)),
            TELL_TEXT("state", is_down ? "silent" : "up")};
        tell_row(tell, "server", columns, 2);
    }
    tell_rows_end(tell);
}

/* Who is to be asked what the public path says of a name: the first of its pool that is up. */
static void tell_upstream(const struct supervisor *supervisor, const struct explain *explain)
{
    const struct pool *pool =
        &supervisor->publisher.current->pools[ruleset_find_pool(explain->rules, explain->name)];
    char text[ADDR_TEXT_MAX];
    size_t first = 0;
    while (first < pool->count && answers_loops_down(supervisor, pool->slots[first]) > 0)
        first++;
    if (first == pool->count)
        first = 0;
    if (pool->count > 0 && explain->decision.kind != DECISION_SPECIAL)
        tell_text(explain->tell, "upstream", "%s", addr_format(&pool->servers[first], text));
}

/* --- the request --- */

static void tell_live(const struct supervisor *supervisor, struct explain *explain)
{
    const struct snapshot *snapshot = supervisor->publisher.current;
    uint32_t endpoint;
    explain->is_not_ready = explain_endpoint(explain, &endpoint) &&
                            snapshot->addresses[endpoint].state == ADDRESSES_NONE;
    explain_head(explain);
    explain_answer(explain);
    if (explain_endpoint(explain, &endpoint))
        tell_endpoint(supervisor, explain->tell, endpoint);
    if (explain->decision.kind == DECISION_FORWARD) {
        tell_cache(supervisor, explain);
        tell_servers(supervisor, explain->tell, &snapshot->pools[explain->decision.index]);
    }
    explain_lost(explain);
    tell_upstream(supervisor, explain);
}

int answers_explain(struct supervisor *supervisor, const char *const *words, size_t count,
                    FILE *out)
{
    bool json = count > 1 && strcmp(words[count - 1], "--json") == 0;
    size_t plain = json ? count - 1 : count;
    uint16_t type = TYPE_A;
    struct explain explain;
    struct tell tell;
    struct name name;
    if (plain < 2 || plain > 3) {
        fputs("explain needs a name and at most a type: explain NAME [TYPE] [--json]\n", out);
        return EXIT_USAGE;
    }
    if (text_read_name(&name, words[1]) != ERR_OK) {
        fprintf(out, "'%s' is not a domain name\n", words[1]);
        return EXIT_USAGE;
    }
    if (plain == 3 && text_read_type(&type, words[2]) != ERR_OK) {
        fprintf(out, "'%s' is not a record type\n", words[2]);
        return EXIT_USAGE;
    }
    tell_begin(&tell, out, json);
    explain_init(&explain, &tell, supervisor->publisher.current->rules, &name, type);
    tell_live(supervisor, &explain);
    tell_end(&tell);
    return EXIT_FINE;
}
