/* import_route53: the record sets of a private zone of Route 53 become a configuration and a master file.
 * Owns: nothing beyond a call; all it makes is in one arena. Thread: any; no state.
 * Bounds: R53_SETS_MAX record sets, and what a configuration takes.
 * Fails: a problem that names the place in the file or the record; out of memory is fatal. */
#include "import_route53.h"

#include "local53/base/check.h"
#include "local53/dns/master.h"

/* What a configuration takes. */
#define ENDPOINTS_MAX 1000
#define ALIASES_MAX 10000

/* The first record that needs a master file. */
static const struct r53_set *first_record(const struct r53 *r)
{
    const struct r53_set *first = NULL;

    for (size_t i = 0; i < r->rrset_count; i++) {
        const struct r53_rrset *rrset = &r->rrsets[i];

        if (r53_is_record(rrset) && !r53_is_apex_own(r, rrset) &&
            (first == NULL || rrset->sets[0].index < first->index))
            first = rrset->sets;
    }
    CHECK(first != NULL);
    return first;
}

static size_t count_names(const struct r53 *r)
{
    size_t names = 0;

    for (size_t i = 0; i < r->alias_count; i++)
        names += r->aliases[i].endpoint ? 1 : 0;
    return names;
}

/* Names with the same targets are one endpoint; they stand together. */
static size_t count_endpoints(const struct r53 *r)
{
    const struct r53_alias *last = NULL;
    size_t endpoints = 0;

    for (size_t i = 0; i < r->alias_count; i++) {
        const struct r53_alias *alias = &r->aliases[i];

        if (!alias->endpoint)
            continue;
        if (last == NULL || last->leader != alias->leader)
            endpoints++;
        last = alias;
    }
    return endpoints;
}

static void check_limits(struct r53 *r)
{
    size_t aliases = r->alias_count - count_names(r);
    size_t endpoints = count_endpoints(r);
    size_t records = 0;

    for (size_t i = 0; i < r->rrset_count; i++)
        records += r->rrsets[i].left_out ? 0 : r->rrsets[i].value_count;
    if (endpoints > ENDPOINTS_MAX || aliases > ALIASES_MAX)
        json_refuse(&r->list,
                    "%zu VPC endpoints and %zu other aliases; a configuration takes at most %d and "
                    "%d",
                    endpoints, aliases, ENDPOINTS_MAX, ALIASES_MAX);
    else if (records > MASTER_RECORDS_MAX)
        json_refuse(&r->list, "%zu records; a master file may have %d", records,
                    MASTER_RECORDS_MAX);
    else if (r->record_count > 0 && r->from->file == NULL)
        r53_refuse(r, first_record(r),
                   "a record needs a master file; say where to write it with --zone-file");
}

static void understand(struct r53 *r)
{
    r53_read(r);
    for (size_t i = 0; i < r->rrset_count && !json_failed(r->doc); i++)
        r53_choose(r, &r->rrsets[i]);
    if (!json_failed(r->doc))
        r53_follow(r);
    if (!json_failed(r->doc))
        r53_divide(r);
    if (!json_failed(r->doc))
        check_limits(r);
}

/* What was made, in a few words. */
static void sum_up(const struct r53 *r, struct import_problem *problem)
{
    size_t endpoints = count_endpoints(r);
    size_t aliases = r->alias_count - count_names(r);
    size_t left_out = 0;

    for (size_t i = 0; i < r->rrset_count; i++)
        left_out += r->rrsets[i].left_out ? 1 : 0;
    snprintf(problem->text, sizeof(problem->text),
             "%zu endpoint%s, %zu alias%s and %zu record%s of a zone, %zu left out%s", endpoints,
             endpoints == 1 ? "" : "s", aliases, aliases == 1 ? "" : "es", r->record_count,
             r->record_count == 1 ? "" : "s", left_out, left_out > 0 ? " (see the comments)" : "");
}

static enum err write_all(struct r53 *r, FILE *yaml, FILE *master, struct import_problem *problem)
{
    if (json_failed(r->doc))
        return ERR_INVALID;
    if (!r->has_zone && r->alias_count == 0) {
        json_refuse(&r->list, "nothing but SOA and NS records: an empty zone, or another one");
        return ERR_NOT_FOUND;
    }
    r53_write_yaml(r, yaml);
    if (r->has_zone && r->from->file != NULL)
        r53_write_master(r, master);
    sum_up(r, problem);
    return ERR_OK;
}

enum err import_route53(FILE *yaml, FILE *master, const struct import_route53 *from,
                        struct import_problem *problem)
{
    struct r53 r = {.from = from};
    enum err err = json_open(&r.doc, &from->records, problem);

    if (err != ERR_OK)
        return err;
    understand(&r);
    err = write_all(&r, yaml, master, problem);
    arena_deinit(&r.arena);
    json_close(r.doc);
    return err;
}
