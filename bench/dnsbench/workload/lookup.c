/* lookup: the steps of one getaddrinfo(). Owns nothing; a value; one thread; pure.
 * Bounds: WORKLOAD_STEPS_MAX steps of two questions. Cannot fail. */
#include "workload/lookup.h"

#include "local53/base/check.h"
#include "local53/dns/message.h"

#define QUESTIONS_A_STEP 2

void lookup_init(struct lookup *lookup, struct question_ref name, uint8_t kind,
                 const struct lookup_search *search)
{
    uint8_t at = 0;

    CHECK(search->count < WORKLOAD_STEPS_MAX);
    *lookup = (struct lookup){.name = name, .kind = kind, .pending = QUESTIONS_A_STEP};
    if (search->absolute_first)
        lookup->suffixes[at++] = 0;
    for (uint8_t i = 0; i < search->count; i++)
        lookup->suffixes[at++] = search->suffixes[i];
    if (!search->absolute_first)
        lookup->suffixes[at++] = 0;
    lookup->steps = at;
}

struct question_ref lookup_question(const struct lookup *lookup, unsigned which)
{
    struct question_ref ref = lookup->name;

    ref.type = which == 0 ? TYPE_A : TYPE_AAAA;
    ref.suffix = lookup->suffixes[lookup->step];
    return ref;
}

enum lookup_state lookup_take(struct lookup *lookup, enum lookup_answer answer)
{
    CHECK(lookup->pending > 0);
    lookup->pending--;
    lookup->found = lookup->found || answer == LOOKUP_FOUND;
    lookup->lost = lookup->lost || answer == LOOKUP_LOST;
    if (lookup->pending > 0)
        return LOOKUP_WAIT;
    if (lookup->found || lookup->lost || lookup->step + 1 == lookup->steps)
        return LOOKUP_DONE;
    lookup->step++;
    lookup->pending = QUESTIONS_A_STEP;
    return LOOKUP_NEXT;
}
