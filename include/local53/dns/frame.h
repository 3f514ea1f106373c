/* frame: the two-octet length in front of each message on a stream (RFC 1035 section 4.2.2). Bytes
 * come in any portions; whole messages come out. The buffer is the caller's. */
#ifndef LOCAL53_DNS_FRAME_H
#define LOCAL53_DNS_FRAME_H

#include "local53/base/bytes.h"

struct frame {
    uint8_t *data; /* borrowed; cap octets, holds what is not yet a whole message */
    size_t cap;    /* at least 2 + the longest message accepted */
    size_t len;    /* octets held */
};

/* Starts with an empty buffer of cap octets. */
void frame_init(struct frame *frame, uint8_t *data, size_t cap);

/* Room at the end for more input: where to read to and how much fits. */
struct writer frame_space(struct frame *frame);

/* Tells that len octets were put at frame_space. */
void frame_filled(struct frame *frame, size_t len);

/* The next whole message from *pos on (start a round with *pos = 0); false when none is whole.
 * *too_long is set when the length says more than the buffer could ever hold. */
bool frame_next(const struct frame *frame, size_t *pos, struct bytes *message, bool *too_long);

/* Drops the first pos octets (the messages given out) and moves the rest to the front. */
void frame_consume(struct frame *frame, size_t pos);

#endif
