/* lookup: one getaddrinfo(): A and AAAA together, and the next name of the search list only once
 * both came back, as glibc's stub resolver does it (resolv.conf(5): ndots, search; res_search(3)).
 * A value; pure; one thread. */
#ifndef DNSBENCH_WORKLOAD_LOOKUP_H
#define DNSBENCH_WORKLOAD_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "workload/queryset.h"
#include "workload/workload.h"

/* What an answer to one of the two questions was. */
enum lookup_answer {
    LOOKUP_FOUND, /* records of the type */
    LOOKUP_NONE,  /* none of the type, NXDOMAIN, or another rcode */
    LOOKUP_LOST   /* not answered in time */
};

enum lookup_state {
    LOOKUP_WAIT, /* the other answer is still due */
    LOOKUP_NEXT, /* ask the next two questions */
    LOOKUP_DONE  /* over: found, nowhere left, or lost */
};

/* Where a name is looked for. */
struct lookup_search {
    uint16_t suffixes[WORKLOAD_STEPS_MAX - 1]; /* numbers of the set's suffixes, in order */
    uint8_t count;                             /* of these, in use */
    bool absolute_first; /* the name has ndots dots or more: itself first, then the suffixes */
};

struct lookup {
    struct question_ref name; /* item and serial; type and suffix are set for each question */
    uint16_t suffixes[WORKLOAD_STEPS_MAX]; /* in the order tried; 0 is the name itself */
    uint8_t steps;                         /* of these, in use */
    uint8_t step;                          /* now asked */
    uint8_t pending;                       /* answers still due, 0..2 */
    uint8_t kind;                          /* which kind of the workload */
    bool found;                            /* one of this step's two had records */
    bool lost; /* one was not answered in time: the lookup ends as failed */
};

/* A lookup of the name (item and serial) at its first step, both answers due. */
void lookup_init(struct lookup *lookup, struct question_ref name, uint8_t kind,
                 const struct lookup_search *search);

/* The two questions of the present step: which 0 is A, 1 is AAAA. Both are due after LOOKUP_NEXT
 * and at the start. */
struct question_ref lookup_question(const struct lookup *lookup, unsigned which);

/* Takes one answer of the present step. A step is over once both came or were lost: with records
 * for either it was the last; after a loss too, and the lookup has failed (found may stand beside
 * lost then). No records of the type is as good as no name: the search goes on. */
enum lookup_state lookup_take(struct lookup *lookup, enum lookup_answer answer);

#endif
