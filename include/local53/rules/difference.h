/* difference: which names get something else under one configuration than under another. Pure: two rulesets and a
 * list of names come in, differences go out one by one. */
#ifndef LOCAL53_RULES_DIFFERENCE_H
#define LOCAL53_RULES_DIFFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/dns/name.h"
#include "local53/rules/ruleset.h"

/* What a name gets, in words that mean the same under both configurations: no numbers of rules. */
struct difference_answer {
    const char *source; /* "endpoint", "zone", "alias of zone", "special name", "forwarded" */
    const char *label;  /* endpoint's label, the zone, the special name, the forward zone */
    const char *const *values; /* targets and addresses, records as in a master file, servers */
    size_t value_count;        /* items of values */
};

/* Everything borrowed until the callback returns. */
struct difference {
    const struct name *name;      /* the name, or what follows "*." */
    bool below;                   /* the names below it that have no rule of their own */
    uint64_t times;               /* how often it was added by difference_add_name */
    struct difference_answer old; /* what it was */
    struct difference_answer new; /* what it is */
};

/* How many names were compared. */
struct difference_counts {
    size_t changed; /* told */
    size_t same;    /* not told */
};

/* A set of names to compare. */
struct difference_names;

/* Most names of a set, some 100 octets each. */
#define DIFFERENCE_NAMES_MAX 2000000

/* An empty set, owned by the caller; out of memory is fatal, here and below. */
struct difference_names *difference_names_new(void);

/* Accepts NULL. */
void difference_names_free(struct difference_names *names);

/* Adds the name once more; false when the set is full. */
bool difference_add_name(struct difference_names *names, const struct name *name);

/* Adds all names that the rules of a configuration speak of: endpoints' names and excepts, names and aliases of
 * private zones, forward zones, special names, AWS's suffixes of its regions. False when the set is full. */
bool difference_add_rules(struct difference_names *names, const struct ruleset *ruleset);

/* Calls on_difference for each name of the set that has another source, other targets or addresses (their order does
 * not count), another pool (by fingerprint) or other records, in canonical order (RFC 4034 section 6.1). Numbers and
 * labels of rules do not count. A wildcard is tried with a made-up label. */
struct difference_counts difference_find(
    const struct difference_names *names, const struct ruleset *old, const struct ruleset *new,
    void (*on_difference)(const struct difference *difference, void *context), void *context);

#endif
