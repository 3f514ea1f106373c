/* wire: builds DNS messages octet by octet for tests, well-formed or not, with none of the code under
 * test but the base writer. Names keep their case and are never compressed unless told. */
#ifndef LOCAL53_TESTS_WIRE_H
#define LOCAL53_TESTS_WIRE_H

#include "local53/base/bytes.h"

/* ID that wire_header writes. */
#define WIRE_ID 0x1234

/* Appends a header: WIRE_ID, the flags, and the four section counts. */
void wire_header(struct writer *w, uint16_t flags, const uint16_t counts[4]);

/* Appends a dotted name ("a.example", "" for the root) as labels. */
void wire_name(struct writer *w, const char *dotted);

/* Appends a compression pointer to offset target, 0..0x3fff. */
void wire_pointer(struct writer *w, uint16_t target);

/* Appends a question of class IN. */
void wire_question(struct writer *w, const char *dotted, uint16_t type);

/* Appends everything of a record of class IN but its owner. */
void wire_record(struct writer *w, uint16_t type, uint32_t ttl, struct bytes rdata);

/* Appends an OPT owned by the root; ttl holds upper rcode, version and flags. */
void wire_opt(struct writer *w, uint16_t udp_size, uint32_t ttl, struct bytes options);

/* A whole query with RD set for a name and type, and an OPT of 1232 octets when edns is true. */
void wire_query(struct writer *w, const char *dotted, uint16_t type, bool edns);

/* A view of a string literal, inner zeros included. */
#define WIRE_BYTES(literal) ((struct bytes){(const uint8_t *)(literal), sizeof(literal) - 1})

#endif
