/* import_text: what the importers write that came from a file: comments on one line each, names that the
 * configuration takes. Whatever the file holds, it stays inside its comment or its scalar. */
#ifndef LOCAL53_AWS_IMPORT_TEXT_H
#define LOCAL53_AWS_IMPORT_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "local53/aws/catalogue.h"
#include "local53/dns/text.h"

/* Columns at which comments are folded. */
#define IMPORT_COLUMNS 100

/* Room for a name with its quotes and terminator. */
#define IMPORT_NAME_MAX (TEXT_NAME_MAX + 8)

/* Each octet that is not printable ASCII becomes '?', in place. */
void import_make_printable(char *text);

/* Writes text as lines of "# ..." behind indent blanks, folded at blanks; each octet that is not printable ASCII is
 * shown as '?' (YAML 1.1 takes U+0085 and U+2028 for line breaks too). */
void import_comment(FILE *out, unsigned indent, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Writes the addresses to listen on, without which no configuration is whole, with a comment on them. */
void import_write_listen(FILE *out);

/* Reads a name that the configuration takes: a host name (RFC 1123 section 2.1, underscores allowed) or "*." and one.
 * False for anything else: addresses, the root, other characters, special top-level domains (RFC 6761 and its kin). */
bool import_read_name(struct catalogue_name *out, const char *text);

/* Writes a name as a YAML scalar, quoted where YAML would read something else; out has IMPORT_NAME_MAX octets; gives
 * out. */
const char *import_write_name(const struct catalogue_name *name, char *out);

/* The same name, and the same kind of it. */
bool import_same_name(const struct catalogue_name *a, const struct catalogue_name *b);

#endif
