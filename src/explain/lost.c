/* lost: the rules that a name could have had, in the order in which they would have it: exact names before
 * wildcards, longer ones before shorter, endpoints before zones, zones before forward zones. Thread: any. */
#include <stdio.h>
#include <stdlib.h>

#include "explain_private.h"
#include "local53/base/check.h"

/* An endpoint's name, or one that is taken out, at or above the name asked. */
struct candidate {
    struct decision rule; /* as if it had won */
    bool except;          /* it takes names out */
};

struct candidates {
    struct candidate *items; /* owned; NULL while they are counted */
    size_t count;            /* items */
};

void explain_lost_row(const struct explain *explain, const char *rule, const char *why)
{
    const struct tell_column columns[] = {TELL_TEXT("rule", rule), TELL_TEXT("why", why)};
    tell_row(explain->tell, "lost", columns, 2);
}

static bool has_name(const struct config_name *rule, const struct name *name)
{
    if (!rule->below)
        return name_equal(&rule->name, name);
    return name->labels > rule->name.labels && name_is_at_or_below(name, &rule->name);
}

static void collect_names(struct candidates *candidates, const struct explain *explain,
                          uint32_t endpoint, bool except)
{
    const struct rule_endpoint *from = &explain->rules->endpoints[endpoint];
    const struct config_name *names = except ? from->excepts : from->names;
    size_t count = except ? from->except_count : from->name_count;
    for (size_t i = 0; i < count; i++) {
        if (!has_name(&names[i], explain->name))
            continue;
        if (candidates->items != NULL)
            candidates->items[candidates->count] = (struct candidate){
                {DECISION_ENDPOINT, endpoint, names[i].name.labels, names[i].below}, except};
        candidates->count++;
    }
}

static void collect_all(struct candidates *candidates, const struct explain *explain)
{
    candidates->count = 0;
    for (uint32_t i = 0; i < explain->rules->endpoint_count; i++) {
        collect_names(candidates, explain, i, false);
        collect_names(candidates, explain, i, true);
    }
}

/* The order of the index of rules: see names_find; of one name an endpoint beats an exception. */
static int compare_candidates(const void *left, const void *right)
{
    const struct candidate *a = left;
    const struct candidate *b = right;
    if (a->rule.below != b->rule.below)
        return a->rule.below ? 1 : -1;
    if (a->rule.rule_labels != b->rule.rule_labels)
        return a->rule.rule_labels > b->rule.rule_labels ? -1 : 1;
    if (a->except != b->except)
        return a->except ? 1 : -1;
    return a->rule.index < b->rule.index ? -1 : a->rule.index > b->rule.index;
}

static bool is_winner(const struct explain *explain, const struct candidate *candidate)
{
    const struct decision *won = &explain->decision;
    return won->kind == DECISION_ENDPOINT && !candidate->except &&
           won->index == candidate->rule.index && won->below == candidate->rule.below &&
           won->rule_labels == candidate->rule.rule_labels;
}

/* Why a candidate has not won; first: the one most specific. */
static const char *why_lost(const struct explain *explain, const struct candidate *candidate,
                            const struct candidate *first)
{
    if (explain->decision.kind == DECISION_SPECIAL)
        return "special names come first";
    if (explain->decision.kind == DECISION_ENDPOINT)
        return explain->decision.below ? "a longer name wins" : "an exact name wins";
    if (candidate->except)
        return "takes the name out";
    return first->except ? "taken out by except" : "a vpce- name is never rewritten";
}

static void tell_candidate(const struct explain *explain, const struct candidate *candidate,
                           const struct candidate *first)
{
    char words[EXPLAIN_WORDS_MAX];
    char name[TEXT_NAME_MAX];
    struct name rule;
    if (candidate->except) {
        name_parent(&rule, explain->name,
                    (size_t)(explain->name->labels - candidate->rule.rule_labels));
        snprintf(words, sizeof(words), "endpoints[%u] except %s%s", candidate->rule.index,
                 candidate->rule.below ? "*." : "", text_write_name(&rule, name));
    } else {
        ruleset_describe(explain->rules, explain->name, &candidate->rule, words, sizeof(words));
    }
    explain_lost_row(explain, words, why_lost(explain, candidate, first));
}

static void lost_endpoints(const struct explain *explain)
{
    struct candidates candidates = {NULL, 0};
    collect_all(&candidates, explain);
    candidates.items = calloc(candidates.count + 1, sizeof(*candidates.items));
    CHECK(candidates.items != NULL);
    collect_all(&candidates, explain);
    qsort(candidates.items, candidates.count, sizeof(*candidates.items), compare_candidates);
    for (size_t i = 0; i < candidates.count; i++)
        if (!is_winner(explain, &candidates.items[i]))
            tell_candidate(explain, &candidates.items[i], &candidates.items[0]);
    free(candidates.items);
}

/* A forward zone that the name is in and that is not asked. */
static void lost_wider_zones(const struct explain *explain, uint32_t asked)
{
    const struct ruleset *rules = explain->rules;
    bool by_resolver = asked >= rules->config->forward_count;
    char words[EXPLAIN_WORDS_MAX];
    for (uint32_t i = 0; i < rules->config->forward_count; i++)
        if (i != asked && name_is_at_or_below(explain->name, &rules->config->forward[i].zone))
            explain_lost_row(explain, explain_pool(rules, i, words),
                             by_resolver ? "AWS names go to aws.resolver" : "a longer zone wins");
}

static void lost_forward(const struct explain *explain)
{
    uint32_t pool = ruleset_find_pool(explain->rules, explain->name);
    char words[EXPLAIN_WORDS_MAX];
    if (explain->decision.kind == DECISION_FORWARD)
        lost_wider_zones(explain, pool);
    else if (explain->decision.kind != DECISION_SPECIAL)
        explain_lost_row(explain, explain_pool(explain->rules, pool, words),
                         "would be asked without that rule");
}

void explain_lost(const struct explain *explain)
{
    tell_rows_begin(explain->tell, "lost");
    lost_endpoints(explain);
    explain_lost_zones(explain);
    lost_forward(explain);
    tell_rows_end(explain->tell);
}
