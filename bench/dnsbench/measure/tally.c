/* tally: names of what may become of a query, sums, and the one equation that must hold.
 * Owns: nothing. Thread: any; no state. Bounds: fixed lists.
 * Fails: never; a code outside its list is a CHECK. */
#include "measure/tally.h"

#include "local53/base/check.h"

#define RCODE_NOERROR 0  /* RFC 1035 section 4.1.1 */
#define RCODE_NXDOMAIN 3 /* the same */

const char *outcome_name(enum outcome outcome)
{
    static const char *const names[] = {
#define OUTCOME_NAME(code, name, help) name,
        OUTCOME_LIST(OUTCOME_NAME)
#undef OUTCOME_NAME
    };
    CHECK((unsigned)outcome < OUTCOME_COUNT);
    return names[outcome];
}

const char *outcome_help(enum outcome outcome)
{
    static const char *const texts[] = {
#define OUTCOME_HELP(code, name, help) help,
        OUTCOME_LIST(OUTCOME_HELP)
#undef OUTCOME_HELP
    };
    CHECK((unsigned)outcome < OUTCOME_COUNT);
    return texts[outcome];
}

const char *answer_name(enum answer_class answer)
{
    static const char *const names[] = {
#define ANSWER_NAME(code, name, help) name,
        ANSWER_LIST(ANSWER_NAME)
#undef ANSWER_NAME
    };
    CHECK((unsigned)answer < ANSWER_COUNT);
    return names[answer];
}

static void add_each(uint64_t *into, const uint64_t *from, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        into[i] += from[i];
}

void tally_merge(struct tally *into, const struct tally *from)
{
    add_each(into->outcome, from->outcome, OUTCOME_COUNT);
    add_each(into->answer, from->answer, ANSWER_COUNT);
    add_each(into->rcode, from->rcode, TALLY_RCODES);
    into->sent += from->sent;
    into->truncated += from->truncated;
    into->retried += from->retried;
    into->duplicate += from->duplicate;
    into->stray += from->stray;
    into->octets_sent += from->octets_sent;
    into->octets_received += from->octets_received;
    into->lookups += from->lookups;
    into->lookups_failed += from->lookups_failed;
}

bool tally_is_whole(const struct tally *tally)
{
    uint64_t ended = 0;
    for (unsigned i = 0; i < OUTCOME_COUNT; i++)
        ended += tally->outcome[i];
    return ended == tally->sent;
}

double tally_loss(const struct tally *tally)
{
    uint64_t lost = tally->outcome[OUTCOME_LATE] + tally->outcome[OUTCOME_TIMEOUT] +
                    tally->outcome[OUTCOME_REFUSED] + tally->outcome[OUTCOME_SEND_ERROR] +
                    tally->outcome[OUTCOME_TESTER_DROPPED];
    return tally->sent == 0 ? 0 : (double)lost / (double)tally->sent;
}

enum answer_class answer_classify(unsigned rcode, unsigned answers)
{
    if (rcode == RCODE_NXDOMAIN)
        return ANSWER_NX;
    if (rcode != RCODE_NOERROR)
        return ANSWER_FAIL;
    return answers > 0 ? ANSWER_FOUND : ANSWER_NODATA;
}
