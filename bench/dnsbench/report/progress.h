/* progress: the live line on stderr while a run goes on; nothing unless stderr is a terminal. */
#ifndef DNSBENCH_REPORT_PROGRESS_H
#define DNSBENCH_REPORT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* Figures of one moment. */
struct progress_figures {
    uint64_t elapsed_ns;      /* since the start */
    uint64_t total_ns;        /* planned, warm-up included */
    uint64_t sent;            /* so far */
    uint64_t ok;              /* so far */
    uint64_t lost;            /* so far */
    uint64_t response_sum_us; /* of those ok */
};

struct progress {
    bool shown;                     /* a line stands on the terminal */
    bool enabled;                   /* stderr is a terminal and nobody said --quiet */
    struct progress_figures before; /* at the last draw */
    char label[64];                 /* "search 20.0k/s" */
};

/* Starts without a line; disabled where nobody could see it. */
void progress_init(struct progress *progress, bool quiet);

/* Names the step that follows. */
void progress_label(struct progress *progress, const char *label);

/* Draws the line anew: bar, rate, loss, mean response since the last draw. */
void progress_draw(struct progress *progress, const struct progress_figures *now);

/* Takes the line away. */
void progress_clear(struct progress *progress);

/* The line's text without terminal codes, for tests and for progress_draw; out has size octets;
 * gives out. */
const char *progress_write(const struct progress *progress, const struct progress_figures *now,
                           char *out, unsigned size);

#endif
