/* explain: the decision for a name, in words. Thread: any; nothing is kept. Fails: never; text that is too long is
 * cut. */
#include "local53/explain/explain.h"

#include <stdio.h>
#include <string.h>

#include "explain_private.h"
#include "local53/aws/catalogue.h"
#include "local53/dns/message.h"
#include "local53/endpoint/target.h"
#include "local53/rules/special.h"
#include "local53/server/leaks.h"

void explain_init(struct explain *explain, struct tell *tell, const struct ruleset *rules,
                  const struct name *name, uint16_t type)
{
    *explain = (struct explain){.tell = tell, .rules = rules, .name = name, .type = type};
    ruleset_decide(rules, name, &explain->decision);
}

static const struct special_row *special_of(const struct explain *explain)
{
    size_t count;
    return &special_rows(&count)[explain->decision.index];
}

bool explain_service(const struct services *services, const struct name *name,
                     char out[EXPLAIN_WORDS_MAX])
{
    struct services_match match;
    out[0] = '\0';
    if (services_find(services, name, &match) != SERVICES_KNOWN)
        return false;
    snprintf(out, EXPLAIN_WORDS_MAX, "service: %s%s%s%s%s", match.row->service,
             match.region[0] != '\0' ? ", region: " : "", match.region,
             match.dualstack ? ", dualstack: true" : "", match.fips ? ", fips: true" : "");
    return true;
}

/* What a user could add, when AWS has an endpoint for the name. */
static void head_forward(const struct explain *explain)
{
    struct services *services = services_new();
    char words[EXPLAIN_WORDS_MAX];
    char text[TEXT_NAME_MAX];
    if (name_has_vpce_label(explain->name))
        tell_text(explain->tell, "note", "a vpce- name is never rewritten");
    else if (strpbrk(text_write_name(explain->name, text), ":/") != NULL)
        tell_text(explain->tell, "note",
                  "no host name has a \":\" or \"/\" in it; write the name alone, without the "
                  "rest of its URL");
    else if (leaks_are_of(services, explain->rules, explain->name) &&
             explain_service(services, explain->name, words))
        tell_text(explain->tell, "note", "an endpoint with '%s' would take it", words);
    services_free(services);
}

static void head_endpoint(const struct explain *explain)
{
    const struct rule_endpoint *endpoint = &explain->rules->endpoints[explain->decision.index];
    const struct catalogue_row *row = NULL;
    if (endpoint->config->service != NULL)
        row = catalogue_find(endpoint->config->service);
    if (row != NULL && row->note[0] != '\0')
        tell_text(explain->tell, "note", "%s", row->note);
}

void explain_head(const struct explain *explain)
{
    const struct decision *decision = &explain->decision;
    struct tell *tell = explain->tell;
    char words[EXPLAIN_WORDS_MAX];
    char type[TEXT_TYPE_MAX];
    text_write_name(explain->name, words);
    text_write_type(explain->type, type);
    tell_people(tell, "question", "%s %s", words, type);
    tell_programs(tell, "name", "%s", words);
    tell_programs(tell, "type", "%s", type);
    ruleset_describe(explain->rules, explain->name, decision, words, sizeof(words));
    switch (decision->kind) {
    case DECISION_SPECIAL:
        tell_text(tell, "source", "special name %s (%s)", special_of(explain)->name,
                  special_of(explain)->source);
        tell_programs(tell, "rule", "%s", words);
        break;
    case DECISION_ENDPOINT:
        tell_text(tell, "source", "endpoint %s", explain->rules->endpoints[decision->index].label);
        tell_text(tell, "rule", "%s", words);
        head_endpoint(explain);
        break;
    case DECISION_ZONE: explain_zone_rule(explain); break;
    case DECISION_FORWARD:
        tell_text(tell, "source", "forwarded");
        tell_text(tell, "rule", "%s", words);
        head_forward(explain);
        break;
    }
}

bool explain_endpoint(const struct explain *explain, uint32_t *endpoint)
{
    if (explain->decision.kind == DECISION_ENDPOINT) {
        *endpoint = explain->decision.index;
        return true;
    }
    if (explain->decision.kind != DECISION_ZONE)
        return false;
    *endpoint = zones_node(explain->rules->private_zones, explain->decision.index)->alias;
    return *endpoint != ZONES_NO_ALIAS;
}

static const char *loopback_words(uint16_t type)
{
    switch (type) {
    case TYPE_A:
    case TYPE_ANY: return "127.0.0.1";
    case TYPE_AAAA: return "::1";
    default: return "NOERROR without data";
    }
}

static void answer_special(const struct explain *explain)
{
    static const char *const answers[] = {
        [SPECIAL_LOOPBACK_REVERSE] = "PTR of 127.0.0.1 and ::1: localhost; else nothing",
        [SPECIAL_NXDOMAIN] = "NXDOMAIN",
        [SPECIAL_NODATA] = "NOERROR without data",
    };
    enum special_kind kind = special_of(explain)->kind;
    tell_text(explain->tell, "answer", "%s, here; never forwarded",
              kind == SPECIAL_LOOPBACK ? loopback_words(explain->type) : answers[kind]);
}

void explain_not_ready(const struct explain *explain)
{
    tell_text(explain->tell, "answer",
              "SERVFAIL until an address of the endpoint is known; never the public one");
}

static void answer_endpoint(const struct explain *explain)
{
    if (explain->is_not_ready)
        explain_not_ready(explain);
    else if (explain->type == TYPE_A || explain->type == TYPE_AAAA)
        tell_text(explain->tell, "answer",
                  "the %s addresses of the endpoint, or NOERROR without data; TTL %d to %d s",
                  explain->type == TYPE_A ? "IPv4" : "IPv6", TARGET_TTL_MIN_S, TARGET_TTL_MAX_S);
    else if (explain->type == TYPE_ANY)
        tell_text(explain->tell, "answer", "one of its address sets (RFC 8482)");
    else
        tell_text(explain->tell, "answer",
                  "NOERROR without data: only addresses are known of an endpoint");
}

static void answer_forward(const struct explain *explain)
{
    const struct ruleset *rules = explain->rules;
    const struct rule_pool *pool = &rules->pools[explain->decision.index];
    tell_text(explain->tell, "answer",
              "what the server says, cached at most %u s (negative ones %u s); a CNAME chain "
              "that enters a rule's name ends there",
              (unsigned)rules->config->cache_max_ttl_s, (unsigned)pool->config->max_negative_ttl_s);
}

/* A question that no rule is asked about. */
static bool answer_refused(const struct explain *explain)
{
    enum dns_rcode rcode = message_type_rcode(explain->type);
    if (rcode == RCODE_NOERROR)
        return false;
    tell_text(explain->tell, "answer",
              rcode == RCODE_FORMERR ? "FORMERR: no question can have that type"
                                     : "REFUSED: such questions are not answered here");
    return true;
}

void explain_answer(const struct explain *explain)
{
    if (answer_refused(explain))
        return;
    switch (explain->decision.kind) {
    case DECISION_SPECIAL: answer_special(explain); break;
    case DECISION_ENDPOINT: answer_endpoint(explain); break;
    case DECISION_ZONE: explain_zone_answer(explain); break;
    case DECISION_FORWARD: answer_forward(explain); break;
    }
}

const char *explain_pool(const struct ruleset *rules, uint32_t pool, char out[EXPLAIN_WORDS_MAX])
{
    char zone[TEXT_NAME_MAX];
    if (pool >= rules->config->forward_count)
        snprintf(out, EXPLAIN_WORDS_MAX, "aws.resolver, for AWS names");
    else
        snprintf(out, EXPLAIN_WORDS_MAX, "forward[%u] %s", pool,
                 text_write_name(&rules->pools[pool].config->zone, zone));
    return out;
}
