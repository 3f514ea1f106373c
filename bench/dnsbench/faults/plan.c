/* plan: the options of a plan, each a row of one list, and the draws.
 * Owns: nothing. Thread: any; no state but the caller's.
 * Bounds: FAULTS_..._MAX of each list.
 * Fails: a value that is wrong leaves the plan as it was, with a sentence. */
#include "faults/plan.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "local53/dns/text.h"
#include "measure/units.h"

#define QUEUE_DEFAULT 4096
#define QUEUE_MAX 1000000000
#define TTL_DEFAULT_S 30
#define TTL_MAX_S INT32_MAX /* RFC 2181 section 8 */
#define RCODE_MAX 15

/* Shares that are meant to add up to 1 may miss it by rounding. */
#define SHARE_ROUNDING 1e-9

/* Longest word in front of ':' or '@'. */
#define WORD_MAX 32

/* How one option is read, and which member it sets where the reader is for several. */
struct reading {
    enum err (*read)(struct fault_plan *plan, size_t member, const char *value,
                     char *why); /* its reader */
    size_t member;               /* offset in struct fault_plan; 0 where the reader knows it */
};

static enum err complain(char *why, const char *wanted, const char *value)
{
    (void)snprintf(why, FAULTS_WHY_OCTETS, "it takes %s, not '%.60s'", wanted, value);
    return ERR_INVALID;
}

static enum err read_duration(struct fault_plan *plan, size_t member, const char *value, char *why)
{
    uint64_t ns;

    if (units_parse_duration(&ns, value) != ERR_OK)
        return complain(why, "a time like 20us, 1.5ms or 2s", value);
    memcpy((char *)plan + member, &ns, sizeof(ns));
    return ERR_OK;
}

static enum err read_share(struct fault_plan *plan, size_t member, const char *value, char *why)
{
    double share;

    if (units_parse_share(&share, value) != ERR_OK)
        return complain(why, "a share like 0.1% or 0.001", value);
    memcpy((char *)plan + member, &share, sizeof(share));
    return ERR_OK;
}

static enum err read_queue(struct fault_plan *plan, size_t member, const char *value, char *why)
{
    uint64_t count;

    (void)member;
    if (units_parse_count(&count, value, QUEUE_MAX) != ERR_OK)
        return complain(why, "a count of queries", value);
    plan->queue = (uint32_t)count;
    return ERR_OK;
}

static enum err read_ttl(struct fault_plan *plan, size_t member, const char *value, char *why)
{
    uint64_t seconds;

    (void)member;
    if (units_parse_count(&seconds, value, TTL_MAX_S) != ERR_OK)
        return complain(why, "whole seconds", value);
    plan->ttl = (uint32_t)seconds;
    return ERR_OK;
}

/* At most what the truth can tell: whole numbers of jansson have 63 bits. */
static enum err read_seed(struct fault_plan *plan, size_t member, const char *value, char *why)
{
    (void)member;
    if (units_parse_count(&plan->seed, value, INT64_MAX) != ERR_OK)
        return complain(why, "a whole number", value);
    return ERR_OK;
}

static enum err read_no_cluster(struct fault_plan *plan, size_t member, const char *value,
                                char *why)
{
    (void)member;
    plan->cluster = false;
    return value == NULL ? ERR_OK : complain(why, "no value", value);
}

/* Cuts "word:rest" or "word@rest" into its word and the rest behind the mark; the rest is NULL
 * when there is no mark. False when the word is longer than any that is known. */
static bool cut_word(const char *value, char mark, char word[WORD_MAX], const char **rest)
{
    const char *found = strchr(value, mark);
    size_t len = found == NULL ? strlen(value) : (size_t)(found - value);

    if (len >= WORD_MAX)
        return false;
    memcpy(word, value, len);
    word[len] = '\0';
    *rest = found == NULL ? NULL : found + 1;
    return true;
}

static enum err read_wrong(struct fault_plan *plan, size_t member, const char *value, char *why)
{
    static const struct {
        const char *word;
        size_t member;
    } KINDS[] = {
        {"address", offsetof(struct fault_plan, wrong_address)},
        {"question", offsetof(struct fault_plan, wrong_question)},
        {"id", offsetof(struct fault_plan, wrong_id)},
        {"empty", offsetof(struct fault_plan, empty)},
    };
    char word[WORD_MAX];
    const char *share;
    bool whole = cut_word(value, ':', word, &share);

    (void)member;
    for (size_t i = 0; whole && i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
        if (strcmp(word, KINDS[i].word) == 0)
            return read_share(plan, KINDS[i].member, share == NULL ? "100%" : share, why);
    }
    return complain(why, "address, question, id or empty, and a share behind ':'", value);
}

/* Number of an rcode's mnemonic, 1..15; 0 for none. */
static unsigned rcode_of(const char *word)
{
    for (unsigned rcode = 1; rcode <= RCODE_MAX; rcode++) {
        if (strcasecmp(word, text_rcode(rcode)) == 0)
            return rcode;
    }
    return 0;
}

/* The entry of an rcode, a new one if it has none yet; NULL when there is no room. */
static struct fault_rcode *rcode_entry(struct fault_plan *plan, unsigned rcode)
{
    for (size_t i = 0; i < plan->rcode_count; i++) {
        if (plan->rcodes[i].rcode == rcode)
            return &plan->rcodes[i];
    }
    if (plan->rcode_count == FAULTS_RCODES_MAX)
        return NULL;
    plan->rcodes[plan->rcode_count].rcode = rcode;
    return &plan->rcodes[plan->rcode_count++];
}

static enum err read_rcode(struct fault_plan *plan, size_t member, const char *value, char *why)
{
    char word[WORD_MAX];
    const char *text;
    double share = 1;
    struct fault_rcode *entry;
    unsigned rcode = cut_word(value, ':', word, &text) ? rcode_of(word) : 0;

    (void)member;
    if (rcode == 0 || (text != NULL && units_parse_share(&share, text) != ERR_OK))
        return complain(why, "an rcode and a share, like SERVFAIL:2%", value);
    entry = rcode_entry(plan, rcode);
    if (entry == NULL)
        return ERR_NO_SPACE;
    entry->share = share;
    return ERR_OK;
}

/* Puts a stall where its time is. */
static enum err insert_stall(struct fault_plan *plan, struct fault_stall stall, char *why)
{
    size_t at = 0;

    while (at < plan->stall_count && plan->stalls[at].at_ns <= stall.at_ns)
        at++;
    if ((at > 0 && plan->stalls[at - 1].at_ns + plan->stalls[at - 1].length_ns > stall.at_ns) ||
        (at < plan->stall_count && stall.at_ns + stall.length_ns > plan->stalls[at].at_ns)) {
        (void)snprintf(why, FAULTS_WHY_OCTETS, "it is in the middle of another stall");
        return ERR_INVALID;
    }
    memmove(plan->stalls + at + 1, plan->stalls + at, (plan->stall_count - at) * sizeof(stall));
    plan->stalls[at] = stall;
    plan->stall_count++;
    return ERR_OK;
}

static enum err read_stall(struct fault_plan *plan, size_t member, const char *value, char *why)
{
    struct fault_stall stall;
    char length[WORD_MAX];
    const char *at;

    (void)member;
    if (!cut_word(value, '@', length, &at) || at == NULL ||
        units_parse_duration(&stall.length_ns, length) != ERR_OK || stall.length_ns == 0 ||
        units_parse_duration(&stall.at_ns, at) != ERR_OK)
        return complain(why, "a length and when, like 500ms@2s", value);
    if (plan->stall_count == FAULTS_STALLS_MAX)
        return ERR_NO_SPACE;
    return insert_stall(plan, stall, why);
}

static enum err read_answer(struct fault_plan *plan, size_t member, const char *value, char *why)
{
    struct addr addr;

    (void)member;
    if (addr_parse(&addr, value, 0) != ERR_OK || addr_port(&addr) != 0)
        return complain(why, "an address like 192.0.2.1 or 2001:db8::1", value);
    if (plan->address_count == FAULTS_ADDRESSES_MAX)
        return ERR_NO_SPACE;
    plan->addresses[plan->address_count++] = addr;
    return ERR_OK;
}

#define MEMBER(name) offsetof(struct fault_plan, name)

/* X(name, value, help, reader, member). */
#define OPTION_LIST(X)                                                                             \
    X("delay", "TIME", "hold each answer so long, from its query's receive stamp", read_duration,  \
      MEMBER(delay_ns))                                                                            \
    X("jitter", "TIME", "and a random time of 0 to this", read_duration, MEMBER(jitter_ns))        \
    X("service-time", "TIME", "serve one query after the other, each so long", read_duration,      \
      MEMBER(service_ns))                                                                          \
    X("queue", "N", "queries that may wait for service, more are dropped (4096)", read_queue, 0)   \
    X("loss", "SHARE", "never answer these", read_share, MEMBER(loss))                             \
    X("rcode", "NAME[:SHARE]", "answer with SERVFAIL, NXDOMAIN, ...; repeatable", read_rcode, 0)   \
    X("tc", "SHARE", "answer over UDP with TC and nothing else", read_share, MEMBER(truncated))    \
    X("wrong", "KIND[:SHARE]", "answer with a wrong address, question or id, or empty",            \
      read_wrong, 0)                                                                               \
    X("duplicate", "SHARE", "answer twice", read_share, MEMBER(duplicate))                         \
    X("stall", "TIME@TIME", "pause so long, at a time after the first query; repeatable",          \
      read_stall, 0)                                                                               \
    X("answer", "ADDRESS", "what A and AAAA get (192.0.2.1, 2001:db8::1); repeatable",             \
      read_answer, 0)                                                                              \
    X("no-cluster", NULL, "every name exists", read_no_cluster, 0)                                 \
    X("ttl", "SECONDS", "of records (30)", read_ttl, 0)                                            \
    X("seed", "N", "of all draws (1)", read_seed, 0)

static const struct fault_option OPTIONS[] = {
#define SHOWN(name, value, help, reader, member) {name, value, help},
    OPTION_LIST(SHOWN)
#undef SHOWN
};
#define OPTION_COUNT (sizeof(OPTIONS) / sizeof(OPTIONS[0]))

/* How the option at the same place is read. */
static const struct reading READINGS[OPTION_COUNT] = {
#define READING(name, value, help, reader, member) {reader, member},
    OPTION_LIST(READING)
#undef READING
};

void fault_plan_init(struct fault_plan *plan)
{
    *plan = (struct fault_plan){
        .queue = QUEUE_DEFAULT, .ttl = TTL_DEFAULT_S, .cluster = true, .seed = 1};
}

const struct fault_option *fault_plan_options(size_t *count)
{
    *count = OPTION_COUNT;
    return OPTIONS;
}

bool fault_plan_is_prompt(const struct fault_plan *plan)
{
    return plan->delay_ns == 0 && plan->jitter_ns == 0 && plan->service_ns == 0;
}

/* Sum of the shares of which a query gets one. */
static double shares_sum(const struct fault_plan *plan)
{
    double sum = plan->loss + plan->truncated + plan->wrong_address + plan->wrong_question +
                 plan->wrong_id + plan->empty;

    for (size_t i = 0; i < plan->rcode_count; i++)
        sum += plan->rcodes[i].share;
    return sum;
}

static enum err set_by(struct fault_plan *plan, const struct reading *reading, const char *value,
                       char *why)
{
    const struct fault_plan before = *plan;
    enum err err = reading->read(plan, reading->member, value, why);

    if (err == ERR_OK && shares_sum(plan) > 1 + SHARE_ROUNDING) {
        (void)snprintf(why, FAULTS_WHY_OCTETS, "the shares of all faults are more than 100 %%");
        err = ERR_INVALID;
    }
    if (err != ERR_OK)
        *plan = before;
    return err;
}

enum err fault_plan_set(struct fault_plan *plan, const char *name, const char *value,
                        char why[FAULTS_WHY_OCTETS])
{
    why[0] = '\0';
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strcmp(name, OPTIONS[i].name) == 0)
            return set_by(plan, &READINGS[i], value, why);
    }
    return ERR_NOT_FOUND;
}

/* Takes a share off what is left of the draw; true when the draw falls in it. */
static bool falls_in(double *left, double share)
{
    *left -= share;
    return *left < 0;
}

/* The fault at a place in 0..1, where the shares stand one behind the other. */
static void pick(struct fault_draw *draw, const struct fault_plan *plan, double place)
{
    const struct {
        enum fault fault;
        double share;
    } shares[] = {
        {FAULT_LOSS, plan->loss},
        {FAULT_TRUNCATED, plan->truncated},
        {FAULT_WRONG_ADDRESS, plan->wrong_address},
        {FAULT_WRONG_QUESTION, plan->wrong_question},
        {FAULT_WRONG_ID, plan->wrong_id},
        {FAULT_EMPTY, plan->empty},
    };

    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        if (falls_in(&place, shares[i].share)) {
            draw->fault = shares[i].fault;
            return;
        }
    }
    for (size_t i = 0; i < plan->rcode_count; i++) {
        if (falls_in(&place, plan->rcodes[i].share)) {
            draw->fault = FAULT_RCODE;
            draw->rcode = plan->rcodes[i].rcode;
            return;
        }
    }
}

/* Uniform in [0, 1): the 53 bits that a double holds. */
static double uniform(struct rng *rng)
{
    return (double)(rng_u64(rng) >> 11) * 0x1p-53;
}

struct fault_draw fault_draw(const struct fault_plan *plan, struct rng *rng)
{
    struct fault_draw draw = {.fault = FAULT_NONE};

    /* Nothing is drawn for what cannot happen: a server without faults draws nothing. */
    if (shares_sum(plan) > 0)
        pick(&draw, plan, uniform(rng));
    if (plan->duplicate > 0)
        draw.duplicate = uniform(rng) < plan->duplicate;
    if (plan->jitter_ns > 0)
        draw.jitter_ns = (uint64_t)(uniform(rng) * (double)(plan->jitter_ns + 1));
    return draw;
}
