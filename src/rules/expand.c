/* expand: the names of one endpoint, from its service's row and its list, and what is wrong with them.
 * Owns: nothing; what it makes lives in the configuration's arena. Thread: main, while a ruleset is built.
 * Bounds: CATALOGUE_NAMES_MAX names a service, and the configuration's own limits.
 * Fails: errors go to the report and the name is left out, so that one run tells all of them. */
#include "expand.h"

#include <stdio.h>
#include <string.h>

#include "local53/aws/catalogue.h"
#include "local53/aws/partition.h"
#include "local53/base/check.h"

/* An endpoint being expanded. */
struct expansion {
    struct rule_endpoint *out;              /* what is filled */
    struct config *config;                  /* whose arena is used */
    const struct config_endpoint *endpoint; /* what is expanded */
    struct report *report;                  /* where errors go */
    const struct name *special;             /* the names of special_rows */
    size_t index;                           /* of the endpoint, for texts */
};

const char *expand_write_name(const struct config_name *name, char *out)
{
    char text[TEXT_NAME_MAX];

    snprintf(out, EXPAND_TEXT_MAX, "%s%s", name->below ? "*." : "",
             text_write_name(&name->name, text));
    return out;
}

const char *expand_key_of(const struct rule_endpoint *endpoint, const struct config_name *name)
{
    const struct config_mark *service = &endpoint->config->service_mark;
    bool of_service = endpoint->config->service != NULL && name->mark.line == service->line &&
                      name->mark.column == service->column;

    return of_service ? "service" : "names";
}

static bool same_rule(const struct config_name *a, const struct config_name *b)
{
    return a->below == b->below && name_equal(&a->name, &b->name);
}

/* ---- Service ------------------------------------------------------------------------------------- */

/* Most services told as near to an unknown one. */
#define NEAREST_MAX 4

static void report_unknown_service(struct expansion *x)
{
    const struct catalogue_row *rows[NEAREST_MAX];
    size_t count = catalogue_nearest(x->endpoint->service, rows, NEAREST_MAX);
    char text[512] = "; list its names under names instead";
    size_t used = 0;

    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s\"%s\"",
                                 i == 0 ? "; did you mean " : ", ", rows[i]->service);
    report_add(x->report, REPORT_ERROR, x->endpoint->service_mark,
               "endpoints[%zu].service: unknown service \"%s\"%s%s", x->index, x->endpoint->service,
               text, count > 0 ? "?" : "");
}

/* The region that the service's names are in; NULL with an error when there is none, and for global
 * services, whose names have no region. */
static const char *region_of(struct expansion *x, const struct catalogue_row *row)
{
    const char *region = x->endpoint->region != NULL ? x->endpoint->region : x->config->region;

    if (region == NULL && !catalogue_is_global(row)) {
        report_add(x->report, REPORT_ERROR, x->endpoint->mark,
                   "endpoints[%zu].region: service \"%s\" needs a region, here or in aws.region",
                   x->index, row->service);
        return NULL;
    }
    if (region != NULL && !partition_is_region(region)) {
        bool own = x->endpoint->region != NULL;

        report_add(x->report, REPORT_ERROR, own ? x->endpoint->mark : x->config->region_mark,
                   "endpoints[%zu].region: \"%s\"%s is not a region", x->index, region,
                   own ? "" : " of aws.region");
        return NULL;
    }
    return region;
}

static enum catalogue_spellings spellings_of(enum config_spellings configured)
{
    static const enum catalogue_spellings same[] = {
        [CONFIG_SPELLINGS_KNOWN] = CATALOGUE_SPELLINGS_KNOWN,
        [CONFIG_SPELLINGS_ALL] = CATALOGUE_SPELLINGS_ALL,
        [CONFIG_SPELLINGS_NONE] = CATALOGUE_SPELLINGS_NONE,
    };

    return same[configured];
}

/* The names that a request gives, in the service's own words. */
struct expanded {
    const struct catalogue_row *row;                  /* the service */
    struct catalogue_request request;                 /* what was asked */
    struct catalogue_name names[CATALOGUE_NAMES_MAX]; /* what came out */
    size_t count;                                     /* items of names */
};

static void expand_row(struct expanded *expanded)
{
    CHECK(catalogue_expand(expanded->row, &expanded->request, expanded->names, CATALOGUE_NAMES_MAX,
                           &expanded->count) == ERR_OK);
}

static bool has_dualstack(const struct expanded *expanded)
{
    for (size_t i = 0; i < expanded->count; i++) {
        if (expanded->names[i].dualstack)
            return true;
    }
    return false;
}

static bool has_fips(const struct expanded *expanded)
{
    for (size_t i = 0; i < expanded->count; i++) {
        if (expanded->names[i].fips)
            return true;
    }
    return false;
}

/* Names that are wanted, but that nobody has. */
static void report_none_known(struct expansion *x, const struct expanded *expanded, const char *key,
                              const char *kind)
{
    const char *region = expanded->request.region;

    report_add(x->report, REPORT_ERROR, x->endpoint->mark,
               "endpoints[%zu].%s: no %s names of \"%s\" are known%s%s; leave %s out, or list them "
               "under names",
               x->index, key, kind, expanded->row->service, region != NULL ? " in " : "",
               region != NULL ? region : "", key);
}

static void check_wanted(struct expansion *x, const struct expanded *expanded)
{
    const struct catalogue_row *twin = catalogue_fips_service(expanded->row);

    if (x->endpoint->dualstack == CONFIG_SPELLINGS_ALL && !has_dualstack(expanded))
        report_none_known(x, expanded, "dualstack", "dual-stack");
    if (x->endpoint->fips != CONFIG_SPELLINGS_ALL || has_fips(expanded))
        return;
    if (twin != NULL)
        report_add(x->report, REPORT_ERROR, x->endpoint->mark,
                   "endpoints[%zu].fips: FIPS names of %s are an endpoint service of their own: %s",
                   x->index, expanded->row->service, twin->service);
    else
        report_none_known(x, expanded, "fips", "FIPS");
}

/* No name is left: because of the endpoint's switches, or because none is known there at all. */
static void report_no_names(struct expansion *x, const struct expanded *expanded)
{
    struct expanded known = {.row = expanded->row, .request.region = expanded->request.region};
    bool dualstack = x->endpoint->dualstack == CONFIG_SPELLINGS_NONE;

    expand_row(&known);
    if (known.count == 0)
        report_add(x->report, REPORT_ERROR, x->endpoint->service_mark,
                   "endpoints[%zu].service: the names of \"%s\" in %s are not known; list them "
                   "under names instead",
                   x->index, known.row->service, known.request.region);
    else
        report_add(x->report, REPORT_ERROR, x->endpoint->mark,
                   "endpoints[%zu].%s: false leaves no name of \"%s\": it has %s names only",
                   x->index, dualstack && has_dualstack(&known) ? "dualstack" : "fips",
                   known.row->service, dualstack && has_dualstack(&known) ? "dual-stack" : "FIPS");
}

static void take_service_names(struct expansion *x, const struct catalogue_row *row)
{
    struct expanded expanded = {.row = row, .request.region = region_of(x, row)};

    if (expanded.request.region == NULL && !catalogue_is_global(row))
        return;
    expanded.request.dualstack = spellings_of(x->endpoint->dualstack);
    expanded.request.fips = spellings_of(x->endpoint->fips);
    expand_row(&expanded);
    if (expanded.count == 0)
        report_no_names(x, &expanded);
    else
        check_wanted(x, &expanded);
    for (size_t i = 0; i < expanded.count; i++)
        x->out->names[x->out->name_count++] = (struct config_name){
            expanded.names[i].name, expanded.names[i].below, x->endpoint->service_mark};
    x->out->region = catalogue_is_global(row) ? NULL : expanded.request.region;
}

static void take_service(struct expansion *x)
{
    const struct catalogue_row *row;

    if (x->endpoint->service == NULL)
        return;
    row = catalogue_find(x->endpoint->service);
    if (row == NULL) {
        report_unknown_service(x);
        return;
    }
    take_service_names(x, row);
}

/* ---- Names --------------------------------------------------------------------------------------- */

/* The special name that this one is or stands below, or NULL. */
static const struct special_row *special_above(const struct expansion *x, const struct name *name)
{
    size_t count;
    const struct special_row *rows = special_rows(&count);

    for (size_t i = 0; i < count; i++) {
        if (name_is_at_or_below(name, &x->special[i]))
            return &rows[i];
    }
    return NULL;
}

static bool name_is_allowed(struct expansion *x, const struct config_name *name)
{
    const struct special_row *special = special_above(x, &name->name);
    char text[EXPAND_TEXT_MAX];

    if (name_has_vpce_label(&name->name)) {
        report_add(x->report, REPORT_ERROR, name->mark,
                   "endpoints[%zu].names: %s names a VPC endpoint (a label begins with \"vpce-\"), "
                   "which is never answered here; write it under target",
                   x->index, expand_write_name(name, text));
        return false;
    }
    if (special != NULL) {
        report_add(
            x->report, REPORT_ERROR, name->mark,
            "endpoints[%zu].names: %s is a special name (%s, %s), which no endpoint can have",
            x->index, expand_write_name(name, text), special->name, special->source);
        return false;
    }
    return true;
}

static void take_listed_names(struct expansion *x)
{
    for (size_t i = 0; i < x->endpoint->name_count; i++) {
        if (name_is_allowed(x, &x->endpoint->names[i]))
            x->out->names[x->out->name_count++] = x->endpoint->names[i];
    }
}

/* True when the except is one of the endpoint's names, or a part of one of its wildcards. */
static bool takes_out(const struct config_name *except, const struct config_name *name)
{
    bool part = name->below && name_is_at_or_below(&except->name, &name->name) &&
                (except->below || except->name.labels > name->name.labels);

    return part || same_rule(except, name);
}

static bool takes_out_any(const struct config_name *except, const struct rule_endpoint *out)
{
    for (size_t i = 0; i < out->name_count; i++) {
        if (takes_out(except, &out->names[i]))
            return true;
    }
    return false;
}

static void take_excepts(struct expansion *x)
{
    struct rule_endpoint *out = x->out;
    char text[EXPAND_TEXT_MAX];

    out->excepts = ARENA_NEW(&x->config->arena, struct config_name, x->endpoint->except_count);
    for (size_t i = 0; i < x->endpoint->except_count; i++) {
        const struct config_name *except = &x->endpoint->except[i];

        if (takes_out_any(except, out))
            out->excepts[out->except_count++] = *except;
        else
            report_add(x->report, REPORT_WARNING, except->mark,
                       "endpoints[%zu].except: %s is not among the endpoint's names, so this takes "
                       "out nothing",
                       x->index, expand_write_name(except, text));
    }
}

static bool is_excepted(const struct rule_endpoint *out, const struct config_name *name)
{
    for (size_t i = 0; i < out->except_count; i++) {
        if (same_rule(&out->excepts[i], name))
            return true;
    }
    return false;
}

/* Leaves out the names that stand under except just as they are: so a part of a service's row can be
 * left to others. */
static void drop_excepted(struct expansion *x)
{
    struct rule_endpoint *out = x->out;
    size_t kept = 0;

    for (size_t i = 0; i < out->name_count; i++) {
        if (!is_excepted(out, &out->names[i]))
            out->names[kept++] = out->names[i];
    }
    if (kept == 0 && out->name_count > 0)
        report_add(x->report, REPORT_ERROR, x->endpoint->mark,
                   "endpoints[%zu].except: takes out every name of the endpoint", x->index);
    out->name_count = kept;
}

/* ---- The rest ------------------------------------------------------------------------------------ */

static void set_label(struct expansion *x)
{
    char text[EXPAND_TEXT_MAX];

    if (x->endpoint->service != NULL)
        snprintf(text, sizeof(text), "%s%s%s", x->endpoint->service,
                 x->out->region != NULL ? "." : "", x->out->region != NULL ? x->out->region : "");
    else if (x->out->name_count > 0)
        expand_write_name(&x->out->names[0], text);
    else
        snprintf(text, sizeof(text), "endpoints[%zu]", x->index);
    x->out->label = arena_copy_text(&x->config->arena, text);
}

void expand_targets(struct rule_endpoint *out, struct arena *arena)
{
    size_t count = out->config->target_count;

    out->targets = ARENA_NEW(arena, struct name, count);
    for (size_t i = 0; i < count; i++)
        out->targets[i] = out->config->targets[i].name;
    out->target_count = count;
}

void expand_endpoint(struct rule_endpoint *out, struct config *config, size_t index,
                     const struct name *special, struct report *report)
{
    const struct config_endpoint *endpoint = &config->endpoints[index];
    struct expansion x = {out, config, endpoint, report, special, index};

    *out = (struct rule_endpoint){.config = endpoint};
    out->names =
        ARENA_NEW(&config->arena, struct config_name, CATALOGUE_NAMES_MAX + endpoint->name_count);
    take_service(&x);
    take_listed_names(&x);
    take_excepts(&x);
    drop_excepted(&x);
    set_label(&x);
    expand_targets(out, &config->arena);
}
