/* expect: an expectations file: what the answers must be. One expectation a line, '#' starts a
 * comment:
 *   NAME TYPE WHAT...     NAME exact (case does not count), "*.zone" for all names below, "*" for
 *                         all; exact beats wildcard, the longest wildcard wins; TYPE a mnemonic or
 *                         "*", which any other line of the same name beats
 *   WHAT: addresses       the answer's addresses are exactly this set (order and CNAMEs before
 *                         them do not count)
 *         prefixes        a.b.c.d/n or v6: each address is in one of them, at least one address
 *         any             NOERROR with at least one record of the type
 *         empty           NOERROR without a record of the type
 *         NXDOMAIN, SERVFAIL, REFUSED, ...   that rcode
 *         NAME.           (CNAME, PTR, NS, MX's exchange) a record of the type with this target
 * With TYPE "*" an A question is held against the IPv4 addresses or prefixes of the line, an AAAA
 * question against the IPv6 ones; where the line has none of the family the answer must have none.
 * Records of the type asked must be owned by the name asked, or by the one that CNAMEs in front of
 * them lead to: another owner's are wrong. What no line speaks of is only checked for its question.
 * Immutable once loaded; shared by the threads. */
#ifndef DNSBENCH_WORKLOAD_EXPECT_H
#define DNSBENCH_WORKLOAD_EXPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/bytes.h"
#include "local53/base/err.h"
#include "local53/dns/name.h"
#include "workload/queryset.h"

#define EXPECT_LINES_MAX 1000000

struct expectations; /* opaque */
struct expectation;  /* opaque: one line */

/* Reads the file; on failure NULL and *fault (as queryset_load). */
struct expectations *expectations_load(const char *path, struct text_fault *fault);
void expectations_free(struct expectations *list); /* accepts NULL */
size_t expectations_count(const struct expectations *list);

/* What line i (0..count-1) asks for when it speaks of one name and one type: its name, folded
 * wire form, borrowed from the list, and the type. False for wildcards and "*". */
bool expectations_question(const struct expectations *list, size_t i, struct bytes *wire,
                           uint16_t *type);

/* The line that speaks of this name and type, or NULL. */
const struct expectation *expectations_find(const struct expectations *list,
                                            const struct name *name, uint16_t type);

/* One expectation an item of the set, looked up once: table[item], NULL where none. Owned by the
 * caller (free). Names with serial or suffix are looked up as they come: expectations_find. */
const struct expectation **expectations_bind(const struct expectations *list,
                                             const struct queryset *set);

/* The whole response is as expected. The message's header and question were checked by the
 * caller. Malformed sections are false: records that do not fit the message, owners that cannot
 * be read, an OPT out of place, RDATA of the type asked or of a CNAME on the way that is none;
 * RDATA of other records is not looked into. type: QTYPE asked. */
bool expectation_met(const struct expectation *expectation, struct bytes message, uint16_t type);

/* As it stands in the file, for people; borrowed. Its line number. */
const char *expectation_text(const struct expectation *expectation);
unsigned expectation_line(const struct expectation *expectation);

#endif
