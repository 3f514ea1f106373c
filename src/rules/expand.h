/* expand: turns an endpoint as configured into all names it takes. Used while a ruleset is built. */
#ifndef LOCAL53_RULES_EXPAND_H
#define LOCAL53_RULES_EXPAND_H

#include <stdbool.h>
#include <stddef.h>

#include "local53/config/config.h"
#include "local53/config/report.h"
#include "local53/dns/text.h"
#include "local53/rules/ruleset.h"

/* Fills out for config->endpoints[index]: service row and listed names, those equal to an except left
 * out, label and targets; memory from the configuration's arena. special: the names of special_rows.
 * What is wrong is in the report; out is then usable, but incomplete. */
void expand_endpoint(struct rule_endpoint *out, struct config *config, size_t index,
                     const struct name *special, struct report *report);

/* Fills in out's targets from its configuration; memory from the arena. */
void expand_targets(struct rule_endpoint *out, struct arena *arena);

/* The key a name of the endpoint came from: "service" or "names". */
const char *expand_key_of(const struct rule_endpoint *endpoint, const struct config_name *name);

/* Writes a name as configured, "*." in front of a wildcard; out has EXPAND_TEXT_MAX octets; gives
 * out. */
#define EXPAND_TEXT_MAX (TEXT_NAME_MAX + 2)
const char *expand_write_name(const struct config_name *name, char *out);

#endif
