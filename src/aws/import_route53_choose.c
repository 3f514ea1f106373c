/* import_route53_choose: which record sets of a routing policy count where there is one answer for all.
 * Owns: nothing; notes go to the import's arena. Thread: any; no state.
 * Bounds: DESCRIPTION_MAX octets of what was there in a note or a problem.
 * Fails: a problem that names the record, for sets that differ and none of which is for everybody. */
#include <stdio.h>
#include <string.h>

#include "import_route53.h"
#include "local53/dns/message.h"

#define DESCRIPTION_MAX 200

/* As the Route 53 Developer Guide calls them. */
static const char *const POLICY_NAMES[] = {
    [R53_SIMPLE] = "simple",           [R53_WEIGHTED] = "weighted",
    [R53_LATENCY] = "latency",         [R53_FAILOVER] = "failover",
    [R53_GEOLOCATION] = "geolocation", [R53_GEOPROXIMITY] = "geoproximity",
    [R53_MULTIVALUE] = "multivalue",   [R53_CIDR] = "IP-based",
};

/* ---- What was there, in words -------------------------------------------------------------------- */

static void append(char *text, const char *more)
{
    size_t used = strlen(text);

    snprintf(text + used, DESCRIPTION_MAX - used, "%s", more);
}

static void describe_set(char *text, const struct r53_set *set)
{
    char name[TEXT_NAME_MAX];

    append(text, set->label != NULL ? set->label : "?");
    if (set->policy == R53_WEIGHTED) {
        snprintf(name, sizeof(name), " (weight %lld)", set->weight);
        append(text, name);
    }
    append(text, ": ");
    if (set->alias != NULL) {
        append(text, "alias of ");
        append(text, r53_write_name(set->alias, name));
    }
    for (size_t i = 0; i < set->value_count; i++) {
        append(text, i > 0 ? ", " : "");
        append(text, set->values[i]);
    }
}

/* "blue: 10.0.0.1; green: 10.0.0.2" of the sets that are kept, or are not. */
static const char *describe_sets(char *text, const struct r53_rrset *rrset, bool kept)
{
    text[0] = '\0';
    for (size_t i = 0; i < rrset->count; i++) {
        if (rrset->sets[i].kept != kept)
            continue;
        append(text, text[0] != '\0' ? "; " : "");
        describe_set(text, &rrset->sets[i]);
    }
    return text;
}

/* ---- Policies ------------------------------------------------------------------------------------ */

static bool same_content(const struct r53_set *a, const struct r53_set *b)
{
    if ((a->alias == NULL) != (b->alias == NULL) || a->value_count != b->value_count)
        return false;
    if (a->alias != NULL && !name_equal(a->alias, b->alias))
        return false;
    for (size_t i = 0; i < a->value_count; i++) {
        if (strcmp(a->values[i], b->values[i]) != 0)
            return false;
    }
    return true;
}

static bool all_the_same(const struct r53_rrset *rrset)
{
    for (size_t i = 1; i < rrset->count; i++) {
        if (!same_content(&rrset->sets[0], &rrset->sets[i]))
            return false;
    }
    return true;
}

/* The set for everybody else, or the first one when none is; *found tells. */
static struct r53_set *leading(struct r53_rrset *rrset, bool *found)
{
    for (size_t i = 0; i < rrset->count; i++) {
        if (rrset->sets[i].leads) {
            *found = true;
            return &rrset->sets[i];
        }
    }
    *found = false;
    return &rrset->sets[0];
}

static void keep_all(struct r53_rrset *rrset)
{
    for (size_t i = 0; i < rrset->count; i++)
        rrset->sets[i].kept = true;
}

/* A set of weight 0 gets no queries, unless all have that (Developer Guide, "Weighted routing"). */
static void choose_weighted(struct r53 *r, struct r53_rrset *rrset)
{
    struct r53_set *heaviest = &rrset->sets[0];
    char text[DESCRIPTION_MAX];

    for (size_t i = 0; i < rrset->count; i++) {
        rrset->sets[i].kept = rrset->sets[i].weight > 0;
        if (rrset->sets[i].weight > heaviest->weight)
            heaviest = &rrset->sets[i];
    }
    if (heaviest->weight <= 0)
        keep_all(rrset);
    if (rrset->sets[0].type == TYPE_CNAME) {
        for (size_t i = 0; i < rrset->count; i++)
            rrset->sets[i].kept = &rrset->sets[i] == heaviest;
        r53_note(r, &rrset->notes,
                 "weighted: the heaviest is kept, as a CNAME is one; left out: %s",
                 describe_sets(text, rrset, false));
        return;
    }
    r53_note(r, &rrset->notes, "weighted: in equal shares now: %s",
             describe_sets(text, rrset, true));
    if (describe_sets(text, rrset, false)[0] != '\0')
        r53_note(r, &rrset->notes, "weighted: left out: %s", text);
}

static void choose_failover(struct r53 *r, struct r53_rrset *rrset)
{
    char text[DESCRIPTION_MAX];
    bool primary;

    leading(rrset, &primary)->kept = true;
    r53_note(r, &rrset->notes, "failover: the %s is kept, without failover; left out: %s",
             primary ? "primary" : "secondary, there is no primary,",
             describe_sets(text, rrset, false));
}

/* Policies that look at where the client is. */
static void choose_by_place(struct r53 *r, struct r53_rrset *rrset)
{
    const char *policy = POLICY_NAMES[rrset->sets[0].policy];
    char text[DESCRIPTION_MAX];
    bool found;
    struct r53_set *set = leading(rrset, &found);

    if (!found && !all_the_same(rrset)) {
        r53_refuse(r, set, "%s sets that differ, and none is for everybody: keep one of them (%s)",
                   policy, describe_sets(text, rrset, false));
        return;
    }
    set->kept = true;
    if (!all_the_same(rrset))
        r53_note(r, &rrset->notes, "%s: the default is kept; left out: %s", policy,
                 describe_sets(text, rrset, false));
}

static void refuse_twice(struct r53 *r, const struct r53_rrset *rrset)
{
    r53_refuse(r, &rrset->sets[1], "stands twice, first at [%zu]", rrset->sets[0].index);
}

void r53_choose(struct r53 *r, struct r53_rrset *rrset)
{
    enum r53_policy policy = rrset->sets[0].policy;
    bool checks_health = false;

    for (size_t i = 0; i < rrset->count; i++) {
        if (rrset->sets[i].policy != policy) {
            r53_refuse(r, &rrset->sets[i], "%s beside %s sets of the same name and type",
                       POLICY_NAMES[rrset->sets[i].policy], POLICY_NAMES[policy]);
            return;
        }
        checks_health = checks_health || rrset->sets[i].checks_health;
    }
    if (rrset->count == 1)
        rrset->sets[0].kept = true;
    else if (policy == R53_SIMPLE)
        refuse_twice(r, rrset);
    else if (policy == R53_WEIGHTED)
        choose_weighted(r, rrset);
    else if (policy == R53_MULTIVALUE)
        keep_all(rrset);
    else if (policy == R53_FAILOVER)
        choose_failover(r, rrset);
    else
        choose_by_place(r, rrset);
    if (checks_health)
        r53_note(r, &rrset->notes, "health is not evaluated");
}
