/* master_number: the numbers of master files, with their ranges, and which types and classes are meant. Pure. */
#ifndef LOCAL53_DNS_MASTER_NUMBER_H
#define LOCAL53_DNS_MASTER_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* A TTL in seconds, or with units (1h30m); at most 2^31 - 1 (RFC 2181 section 8). False: no TTL. */
bool master_read_ttl(const char *word, uint32_t *out);

/* IN, CH, HS, or CLASSn (RFC 3597 section 5). False: no class. */
bool master_read_class(const char *word, uint16_t *out);

/* True when records of the type can stand in a zone (RFC 6895 section 3.1: not OPT, no meta types). */
bool master_is_data(uint16_t type);

/* The text behind a "\" or between quotes taken out, in place: the name of a file. */
char *master_unquote(char *word);

#endif
