/* chase: an answer that no single place knows: a private zone's, or a stored one that is cut where its chain
 * enters a rule. Follows the CNAMEs from the question's name through zones, endpoints, special names and
 * stored answers (RFC 1034 section 3.6.2) and writes what each says into one reply. Pure: a name that
 * has to be asked for ends it, and it begins anew once that is answered. */
#ifndef LOCAL53_SERVER_CHASE_H
#define LOCAL53_SERVER_CHASE_H

#include <stdbool.h>

#include "local53/cache/entry.h"
#include "local53/dns/edns.h"
#include "local53/server/zone_answer.h"

#define CHASE_LINKS_MAX ENTRY_CHAIN_MAX /* CNAMEs followed; more are SERVFAIL */

enum chase_end {
    CHASE_ON,       /* not at the end: the next name is looked at; never what chase_run gives */
    CHASE_ANSWERED, /* the reply is complete */
    CHASE_ASK,      /* the last name that find was asked for is to be asked upstream */
    CHASE_FAILED    /* SERVFAIL, for which ede and text stand; what was written is void */
};

/* The stored answer for a name that is forwarded, to the type asked, or NULL. */
typedef const struct entry *(*chase_find)(void *owner, const struct name *name);

struct chase {
    struct answer
        answer;      /* w (empty), request, snapshot, turn and now_ms are the caller's to set */
    chase_find find; /* called for each forwarded name that is reached */
    void *owner;     /* borrowed; find's */
    bool is_ruled;   /* rule is set: the name reached is not forwarded */
    struct decision rule; /* of the name reached; the caller's, with is_ruled, for the question's */
    unsigned links;       /* CNAMEs written */
    bool is_zone;         /* the question's own name is a zone's */
    enum ede_code ede;    /* CHASE_FAILED: why */
    const char *ede_text; /* CHASE_FAILED: in words; static storage */
};

/* Follows and writes. With is_ruled clear the rule of the question's name is looked up. Entries that find
 * gives are not touched after it returned. */
enum chase_end chase_run(struct chase *chase);

#endif
