/* print: values of a struct config as YAML that reads back to the same, as the rows of the schema say;
 * the normalised form of `check`, and what a reload compares. */
#ifndef LOCAL53_CONFIG_PRINT_H
#define LOCAL53_CONFIG_PRINT_H

#include "local53/config/config.h"
#include "local53/config/schema.h"

/* The whole configuration, one key a line; malloc'd, owned by the caller. Keys that are not set and
 * have no default are left out. */
char *print_config(const struct config *config);

/* One key of the file or of its maps ("limits.udp_size") with all below it; malloc'd, owned by the
 * caller. Two values are equal exactly when their texts are. */
char *print_row(const struct config *config, const struct schema_row *row);

#endif
