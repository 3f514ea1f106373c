/* coverage_links: CNAMEs of private zones behind which there is no answer.
 * Owns: nothing. Thread: main. Bounds: RULESET_LINKS_MAX lookups for each CNAME.
 * Fails: all it finds are warnings in the report, one of each kind for a zone; out of memory stops the process. */
#include <stdio.h>
#include <stdlib.h>

#include "coverage_private.h"
#include "expand.h"
#include "local53/base/check.h"
#include "local53/dns/message.h"
#include "local53/dns/text.h"
#include "local53/rules/zones.h"

/* CNAMEs of one zone that end alike. */
struct faulty {
    size_t count;            /* how many */
    uint32_t node;           /* the first's */
    const struct name *last; /* where that leads in the end; borrowed from the zones */
};

static void check_node(struct coverage *c, uint32_t number,
                       struct faulty (*faulty)[RULESET_LINKS_ENDS])
{
    const struct zone_node *node = zones_node(c->ruleset->private_zones, number);
    const struct zone_rrset *cname = zones_rrset(node, TYPE_CNAME);
    const struct name *last = NULL;
    struct faulty *found;

    if (cname == NULL)
        return;
    found = &faulty[node->zone][ruleset_follow(c->ruleset, cname, &last)];
    if (found->count++ == 0) {
        found->node = number;
        found->last = last;
    }
}

static void tell(struct coverage *c, uint32_t zone, const struct faulty *faulty, const char *what)
{
    const struct zones *zones = c->ruleset->private_zones;
    struct config_name name;
    char owner[EXPAND_TEXT_MAX];
    char last[TEXT_NAME_MAX];

    if (faulty->count == 0)
        return;
    CHECK(zones_node_name(zones, faulty->node, &name.name, &name.below));
    report_add(c->report, REPORT_WARNING, c->ruleset->config->zones[zone].file_mark,
               "zones[%u].file: the CNAME of %.120s leads to %.120s, %s (%zu in all)", zone,
               expand_write_name(&name, owner), text_write_name(faulty->last, last), what,
               faulty->count);
}

void coverage_check_links(struct coverage *c)
{
    const struct zones *zones = c->ruleset->private_zones;
    struct faulty(*faulty)[RULESET_LINKS_ENDS];

    if (zones == NULL)
        return;
    faulty = calloc(zones_count(zones), sizeof(*faulty));
    CHECK(faulty != NULL);
    for (uint32_t i = 0; i < zones_node_count(zones); i++)
        check_node(c, i, faulty);
    for (uint32_t i = 0; i < zones_count(zones); i++) {
        tell(c, i, &faulty[i][RULESET_LINKS_NOWHERE],
             "which its zone does not have; is a last dot missing?");
        tell(c, i, &faulty[i][RULESET_LINKS_TOO_MANY],
             "and on over more than 8 CNAMEs, or round in a circle: nobody gets an answer");
    }
    free(faulty);
}
