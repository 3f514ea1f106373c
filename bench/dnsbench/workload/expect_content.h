/* expect_content: the WHAT of an expectations file: what an answer must hold. Read from text,
 * then compared with messages. Private to the layer; what it may say is told in
 * workload/expect.h. A value; its parts stand in the reader's arena. */
#ifndef DNSBENCH_WORKLOAD_EXPECT_CONTENT_H
#define DNSBENCH_WORKLOAD_EXPECT_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "local53/base/arena.h"
#include "local53/base/bytes.h"
#include "local53/dns/name.h"
#include "workload/queryset.h"

#define EXPECT_ADDRESSES_MAX 64 /* of a line: one bit each in a 64-bit set */
#define EXPECT_TYPE_EVERY 0     /* "*" in a file; no record has this type (RFC 6895 section 3.1) */

enum expect_kind {
    EXPECT_ADDRESSES,
    EXPECT_PREFIXES,
    EXPECT_ANY,
    EXPECT_EMPTY,
    EXPECT_RCODE,
    EXPECT_TARGET
};

/* An address, or a prefix: the first bits of one. */
struct expect_address {
    uint8_t octets[16]; /* network order; those behind len are 0 */
    uint8_t len;        /* 4 or 16 */
    uint8_t bits;       /* of these, those that are compared; all in an address */
};

struct expect_content {
    const struct expect_address *addresses; /* borrowed from the arena; count of them */
    const uint8_t *target; /* borrowed from the arena; folded wire form; NULL for other kinds */
    uint64_t v4;           /* which addresses are IPv4, one bit each */
    uint64_t v6;           /* which are IPv6 */
    uint16_t rcode;        /* of EXPECT_RCODE: 0..4095 */
    uint8_t kind;          /* enum expect_kind */
    uint8_t target_len;    /* octets of target */
    uint8_t count;         /* addresses, 0..EXPECT_ADDRESSES_MAX */
};

#define EXPECT_SPACE " \t\r" /* between words */

/* Takes the next word off the text at *rest, which is changed; NULL at its end. */
char *expect_next_word(char **rest);

/* Writes the reason, without what a terminal would obey, and gives false. */
__attribute__((format(printf, 2, 3))) bool expect_fail(struct text_fault *fault, const char *format,
                                                       ...);

/* Reads a name, with or without its last dot, folded. False: fault->reason tells why. */
bool expect_read_name(struct name *out, const char *text, struct text_fault *fault);

/* Reads the words of a WHAT, which are changed, for a line of this type (or EXPECT_TYPE_EVERY).
 * False: fault->reason tells why. */
bool expect_content_read(struct expect_content *out, char *words, uint16_t type,
                         struct arena *arena, struct text_fault *fault);

/* See expectation_met. */
bool expect_content_met(const struct expect_content *content, struct bytes message, uint16_t type);

#endif
