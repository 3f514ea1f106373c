/* ask: questions to servers, all at once, without pools, health or retries of the daemon: does this one server
 * answer at all. Main thread; blocks for DOCTOR_ASK_MS at most. */
#ifndef LOCAL53_DOCTOR_ASK_H
#define LOCAL53_DOCTOR_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/addr.h"
#include "local53/base/err.h"
#include "local53/dns/name.h"

#define DOCTOR_ASK_MS 2000   /* for all questions of a call together */
#define DOCTOR_RESEND_MS 700 /* a datagram is sent a second time after this */
#define DOCTOR_ASKS_MAX 256  /* questions of a call, each with a socket */

/* One question and what became of it. */
struct doctor_ask {
    struct addr server; /* with its port */
    bool tcp;           /* else UDP */
    struct name name;   /* what is asked */
    uint16_t type;      /* TYPE_... */
    bool answered;      /* the members below count, else err */
    enum err err;       /* ERR_TIMEOUT: silence; else what the kernel said */
    unsigned rcode;     /* of the answer */
    unsigned records;   /* in its answer section */
    uint64_t took_us;   /* from the first packet, connecting included */
};

/* Asks all (at most DOCTOR_ASKS_MAX: CHECK) and fills in what became of them. */
void doctor_ask_all(struct doctor_ask *asks, size_t count);

#endif
