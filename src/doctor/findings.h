/* findings: what `local53 doctor` found, and how it tells it. */
#ifndef LOCAL53_DOCTOR_FINDINGS_H
#define LOCAL53_DOCTOR_FINDINGS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* More are left out, and that is told. */
#define FINDINGS_MAX 200
#define FINDING_TEXT_MAX 400

enum finding_level {
    FINDING_OK,     /* as it should be */
    FINDING_NOTE,   /* in nobody's way, but worth knowing */
    FINDING_PROBLEM /* in the way of local53 */
};

/* Short names that stay: for programs, and to search the documentation by. */
#define FINDING_PORT "port"
#define FINDING_ADDRESS "address"
#define FINDING_CLASH "clash"
#define FINDING_RESOLV_CONF "resolv-conf"
#define FINDING_LOOP "loop"
#define FINDING_SEARCH "search"
#define FINDING_KUBE_PROXY "kube-proxy"
#define FINDING_CAPABILITY "capability"
#define FINDING_NFTABLES "nftables"
#define FINDING_LINK "link"
#define FINDING_UPSTREAM "upstream"
#define FINDING_ENDPOINT "endpoint"
#define FINDING_REGION "region"
#define FINDING_BUFFER "socket-buffer"
#define FINDING_CONNTRACK "conntrack"
#define FINDING_FILES "open-files"
#define FINDING_MEMORY "memory"
#define FINDING_CPU "cpu"
#define FINDING_CLOCK "clock"

struct finding {
    const char *key;               /* FINDING_..., static */
    enum finding_level level;      /* how bad it is */
    char what[FINDING_TEXT_MAX];   /* a sentence; printable ASCII */
    char remedy[FINDING_TEXT_MAX]; /* what to do; "" when nothing is to be done */
};

/* Zeroed: none. Large: not for the stack. */
struct findings {
    struct finding items[FINDINGS_MAX]; /* in the order they were found */
    size_t count;                       /* items used */
    size_t left_out;                    /* found when items was full */
};

/* Adds one; what is not printable ASCII becomes '?', what is too long is cut. */
void findings_add(struct findings *findings, enum finding_level level, const char *key,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* What to do about the one added last. */
void findings_remedy(struct findings *findings, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* How many are of a level. */
size_t findings_count(const struct findings *findings, enum finding_level level);

/* What the findings are about. */
struct findings_head {
    const char *file;   /* borrowed; the configuration; NULL: the node was looked at alone */
    const char *listen; /* borrowed; the address that was looked at then */
    uint64_t took_ms;   /* the whole run */
};

/* A table of at most 120 columns, worst first, and the sum. */
void findings_print_table(FILE *out, const struct findings *findings,
                          const struct findings_head *head);

/* One object; "findings" holds the table's rows in its order. */
void findings_print_json(FILE *out, const struct findings *findings,
                         const struct findings_head *head);

#endif
