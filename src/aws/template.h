/* template: a name of AWS with {region}, {suffix} and {dualstack} in it, as the tables of this layer have them. */
#ifndef LOCAL53_AWS_TEMPLATE_H
#define LOCAL53_AWS_TEMPLATE_H

#include <stddef.h>

#include "local53/base/err.h"

/* Longest template, and longest name it gives, terminator included. */
#define TEMPLATE_MAX 256

/* Writes a template of len octets out for a region and its partition's suffixes; NULL for what has no region: the
 * commercial partition. ERR_INVALID when it has another word in braces, or {region} without one; ERR_TOO_LONG. */
enum err template_fill(char out[TEMPLATE_MAX], const char *template, size_t len,
                       const char *region);

#endif
