/* fill: reads a YAML tree into a struct config, as the rows of the schema say: keys, types, ranges,
 * defaults, places. What keys mean to each other is for config.c and the layers above. */
#ifndef LOCAL53_CONFIG_FILL_H
#define LOCAL53_CONFIG_FILL_H

#include "local53/base/arena.h"
#include "local53/config/config.h"
#include "local53/config/report.h"
#include "local53/config/schema.h"
#include "local53/config/yaml.h"

/* Fills the zeroed members of config; texts and lists go into config->arena. All errors found are in
 * the report; with one or more the config is only good for config_free. */
void fill_config(struct config *config, const struct yaml_node *root, struct report *report);

/* Puts the default of one row where its slot says in the struct at base; memory comes from arena. The
 * row has a default. */
void fill_default(void *base, const struct schema_row *row, struct arena *arena);

#endif
