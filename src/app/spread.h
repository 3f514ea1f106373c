/* spread: over how many of the loops queries are spread, by what the loops have to do. A loop that sleeps
 * costs a wake-up for nearly each query it gets, so at the rates a node mostly sees one loop with all of
 * them needs less processor time than several, and at high rates all are needed. Pure. */
#ifndef LOCAL53_APP_SPREAD_H
#define LOCAL53_APP_SPREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPREAD_LOOK_MS 1000  /* between two decisions */
#define SPREAD_CALM_LOOKS 30 /* in a row that find fewer loops enough, then one is given up */

/* Hundredths of a loop's time. Above SPREAD_BUSY each, more loops are taken; a loop is given up when the
 * others would be below SPREAD_IDLE each. The gap between them keeps the number from swinging. */
#define SPREAD_BUSY 50
#define SPREAD_IDLE 25

/* What all loops together have done since their start. */
struct spread_work {
    uint64_t busy_us; /* processor time they took */
    uint64_t drops;   /* datagrams the kernel lost for them */
};

struct spread {
    size_t loops;            /* there are */
    size_t active;           /* queries are spread over, 1..loops */
    unsigned calm_looks;     /* looks in a row that found fewer enough */
    uint64_t looked_ms;      /* when the last decision was taken */
    struct spread_work work; /* as told then */
};

/* Starts with all loops active: what a start brings is not known yet. */
void spread_init(struct spread *spread, size_t loops, uint64_t now_ms);

/* Takes a decision when one is due; true when the number has changed. Up: twice as many, all after a
 * loss. Down: one. */
bool spread_look(struct spread *spread, uint64_t now_ms, const struct spread_work *work);

#endif
