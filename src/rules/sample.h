/* sample: a name that a rule stands for, to ask the indexes with. Used by the checks of a configuration and by the
 * comparison of two. */
#ifndef LOCAL53_RULES_SAMPLE_H
#define LOCAL53_RULES_SAMPLE_H

#include <stdbool.h>

#include "local53/dns/name.h"

/* The label put before a wildcard's name; nobody calls anything so. */
#define SAMPLE_LABEL "any-name-of-a-wildcard"

/* Gives the name itself, or (below) one below it. False when the name is so long that nothing of that kind stands
 * below it; out is then undefined. */
bool sample_name(struct name *out, const struct name *name, bool below);

#endif
