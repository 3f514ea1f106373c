/* tally: what became of every query. Each one sent ends in exactly one outcome; tally_is_whole
 * proves it. */
#ifndef DNSBENCH_MEASURE_TALLY_H
#define DNSBENCH_MEASURE_TALLY_H

#include <stdbool.h>
#include <stdint.h>

/* X(code, name, help). The names are those of the JSON and of thresholds. */
#define OUTCOME_LIST(X)                                                                            \
    X(OK, "ok", "answered in time, question and content as expected")                              \
    X(LATE, "late", "answered after the timeout")                                                  \
    X(TIMEOUT, "timeout", "no answer while one was waited for")                                    \
    X(MISMATCH, "mismatch", "answered with another question than asked")                           \
    X(WRONG, "wrong", "answered with other content than expected, or malformed")                   \
    X(REFUSED, "refused", "the host said that nobody listens (ICMP, or a reset connection)")       \
    X(SEND_ERROR, "send_error", "the kernel did not take it")                                      \
    X(TESTER_DROPPED, "tester_dropped", "its answer was lost in the tester's own socket buffer")

enum outcome {
#define OUTCOME_ENUM(code, name, help) OUTCOME_##code,
    OUTCOME_LIST(OUTCOME_ENUM)
#undef OUTCOME_ENUM
        OUTCOME_COUNT
};

/* What kind of answer came, for latency per class: X(code, name, help). */
#define ANSWER_LIST(X)                                                                             \
    X(FOUND, "found", "NOERROR with records")                                                      \
    X(NODATA, "nodata", "NOERROR without records")                                                 \
    X(NX, "nx", "NXDOMAIN")                                                                        \
    X(FAIL, "fail", "any other rcode")

enum answer_class {
#define ANSWER_ENUM(code, name, help) ANSWER_##code,
    ANSWER_LIST(ANSWER_ENUM)
#undef ANSWER_ENUM
        ANSWER_COUNT
};

#define TALLY_RCODES 24 /* counted one by one; the last counts all from 23 on */

/* Thread: one writes; copies are merged once the writer has ended. */
struct tally {
    uint64_t sent;                   /* queries begun: handed to the kernel or refused by it */
    uint64_t outcome[OUTCOME_COUNT]; /* one of these for each */
    uint64_t answer[ANSWER_COUNT];   /* of those ok, by kind of answer */
    /* of all that were answered with their own question, late and wrong ones too */
    uint64_t rcode[TALLY_RCODES];
    uint64_t truncated; /* answers with TC */
    /* of these, asked again over TCP (udp+tc); the outcome is the second answer's */
    uint64_t retried;
    /* answers to queries that had ended: beyond the first, or after the drain; not part of the
     * sum */
    uint64_t duplicate;
    uint64_t stray;           /* answers to no query of ours; not part of the sum */
    uint64_t octets_sent;     /* DNS messages, without headers below */
    uint64_t octets_received; /* the same */
    uint64_t lookups;         /* lookups begun; 0 where the unit is the query */
    uint64_t lookups_failed;  /* of these, ended because a query was not answered in time */
};

/* Names and help texts by code; static storage. */
const char *outcome_name(enum outcome outcome);
const char *outcome_help(enum outcome outcome);
const char *answer_name(enum answer_class answer);

/* Adds all of from to into. */
void tally_merge(struct tally *into, const struct tally *from);

/* sent is the sum of the outcomes. */
bool tally_is_whole(const struct tally *tally);

/* Share of queries without a good answer in time because they were lost: late, timeout, refused,
 * send_error and tester_dropped over sent; 0 when nothing was sent. */
double tally_loss(const struct tally *tally);

/* The kind of an answer with this rcode and number of answer records. */
enum answer_class answer_classify(unsigned rcode, unsigned answers);

#endif
