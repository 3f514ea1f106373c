/* coverage: rules of one configuration that take names from each other.
 * Owns: indexes of one run. Thread: main.
 * Bounds: a lookup or two a name; an endpoint's excepts are gone through where one rule stands below another, until
 * the two endpoints were told of.
 * Fails: all it finds are warnings in the report; out of memory stops the process. */
#include "coverage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coverage_private.h"
#include "expand.h"
#include "local53/base/check.h"
#include "sample.h"

/* ---- Life ---------------------------------------------------------------------------------------- */

static size_t count_names(const struct ruleset *ruleset)
{
    size_t count = 0;

    for (size_t i = 0; i < ruleset->config->endpoint_count; i++)
        count += ruleset->endpoints[i].name_count + ruleset->endpoints[i].except_count;
    return count;
}

static void index_wildcards(struct coverage *c, struct names_entry *entries)
{
    size_t used = 0;

    for (size_t i = 0; i < coverage_endpoint_count(c); i++) {
        const struct rule_endpoint *endpoint = &c->ruleset->endpoints[i];

        for (size_t j = 0; j < endpoint->name_count; j++) {
            if (!endpoint->names[j].below)
                continue;
            c->claims[used] = (struct coverage_claim){&endpoint->names[j], i};
            entries[used] = (struct names_entry){&endpoint->names[j].name, true, (uint32_t)used};
            used++;
        }
    }
    c->wildcards = names_new(entries, used, NULL);
}

static void index_excepts(struct coverage *c, struct names_entry *entries)
{
    size_t used = 0;

    for (size_t i = 0; i < coverage_endpoint_count(c); i++) {
        const struct rule_endpoint *endpoint = &c->ruleset->endpoints[i];

        for (size_t j = 0; j < endpoint->except_count; j++)
            entries[used++] =
                (struct names_entry){&endpoint->excepts[j].name, endpoint->excepts[j].below, 0};
    }
    c->excepts = names_new(entries, used, NULL);
}

static void coverage_init(struct coverage *c, const struct ruleset *ruleset, struct report *report)
{
    size_t count = count_names(ruleset);
    struct names_entry *entries = calloc(count + 1, sizeof(*entries));

    *c = (struct coverage){.ruleset = ruleset, .report = report, .known = known_new()};
    c->claims = calloc(count + 1, sizeof(*c->claims));
    CHECK(entries != NULL && c->claims != NULL);
    index_wildcards(c, entries);
    index_excepts(c, entries);
    free(entries);
}

static void coverage_deinit(struct coverage *c)
{
    known_free(c->known);
    names_free(c->wildcards);
    names_free(c->excepts);
    free(c->claims);
}

/* ---- Endpoints below endpoints --------------------------------------------------------------------- */

bool coverage_is_excepted(const struct rule_endpoint *endpoint, const struct name *name, bool below)
{
    for (size_t i = 0; i < endpoint->except_count; i++) {
        const struct config_name *except = &endpoint->excepts[i];

        if (except->below == below && name_equal(&except->name, name))
            return true;
        if (except->below && name_is_at_or_below(name, &except->name) &&
            (below || name->labels > except->name.labels))
            return true;
    }
    return false;
}

const struct coverage_claim *coverage_wildcard_above(const struct coverage *c,
                                                     const struct name *name)
{
    struct names_match match;

    return names_find(c->wildcards, name, &match) ? &c->claims[match.value] : NULL;
}

static void report_below(struct coverage *c, const struct coverage_claim *wide, size_t narrow,
                         const struct config_name *name)
{
    char text[EXPAND_TEXT_MAX];
    char wide_text[EXPAND_TEXT_MAX];

    report_add(
        c->report, REPORT_WARNING, name->mark,
        "endpoints[%zu].%s: %.200s is taken from %.200s of endpoints[%zu] (line %u); if that "
        "is meant, write it under endpoints[%zu].except",
        narrow, expand_key_of(&c->ruleset->endpoints[narrow], name), expand_write_name(name, text),
        expand_write_name(wide->name, wide_text), wide->endpoint, wide->name->mark.line,
        wide->endpoint);
}

/* Tells of an endpoint's names below the wildcards of others, once for each of these. told: by endpoint, the last one
 * that was told of it, counted from 1. */
static void check_below(struct coverage *c, size_t index, size_t *told)
{
    const struct rule_endpoint *endpoint = &c->ruleset->endpoints[index];

    for (size_t i = 0; i < endpoint->name_count; i++) {
        const struct config_name *name = &endpoint->names[i];
        const struct coverage_claim *wide = coverage_wildcard_above(c, &name->name);

        if (wide == NULL || wide->endpoint == index || told[wide->endpoint] == index + 1)
            continue;
        if (coverage_is_excepted(&c->ruleset->endpoints[wide->endpoint], &name->name, name->below))
            continue;
        told[wide->endpoint] = index + 1;
        report_below(c, wide, index, name);
    }
}

/* An except counts for all rules: tells when it takes a name out of a narrower wildcard of another endpoint. */
static void check_except(struct coverage *c, size_t index, const struct config_name *except)
{
    const struct coverage_claim *wide;
    struct decision rule;
    struct name sample;
    char text[EXPAND_TEXT_MAX];
    char wide_text[EXPAND_TEXT_MAX];

    if (!sample_name(&sample, &except->name, except->below) ||
        ruleset_find_rule(c->ruleset, &sample, &rule))
        return;
    wide = coverage_wildcard_above(c, &except->name);
    if (wide == NULL || wide->endpoint == index ||
        coverage_is_excepted(&c->ruleset->endpoints[wide->endpoint], &except->name, except->below))
        return;
    report_add(
        c->report, REPORT_WARNING, except->mark,
        "endpoints[%zu].except: %.200s is taken out of %.200s of endpoints[%zu] too; if that "
        "is meant, write it under endpoints[%zu].except as well",
        index, expand_write_name(except, text), expand_write_name(wide->name, wide_text),
        wide->endpoint, wide->endpoint);
}

static void check_endpoints(struct coverage *c)
{
    size_t *told = calloc(coverage_endpoint_count(c) + 1, sizeof(*told));

    CHECK(told != NULL);
    for (size_t i = 0; i < coverage_endpoint_count(c); i++) {
        const struct rule_endpoint *endpoint = &c->ruleset->endpoints[i];

        check_below(c, i, told);
        for (size_t j = 0; j < endpoint->except_count; j++)
            check_except(c, i, &endpoint->excepts[j]);
    }
    free(told);
}

void coverage_check(const struct ruleset *ruleset, struct report *report)
{
    struct coverage c;

    if (report->errors > 0)
        return;
    coverage_init(&c, ruleset, report);
    coverage_check_services(&c);
    coverage_check_targets(&c);
    coverage_check_publics(&c);
    check_endpoints(&c);
    coverage_check_zones(&c);
    coverage_check_links(&c);
    coverage_deinit(&c);
}
