/* pacer: the instants at which queries are due, from the plan alone. Owns nothing; the plan is
 * borrowed. Thread: one pacer each; no clock. Bounds: PACER_STAGES_MAX stages; offsets are exact to
 * a nanosecond for 4.6e9 arrivals a stage (index * 1e9 is exact in a double up to there) and within
 * some nanoseconds beyond. Fails: only in parsing. */
#include "traffic/pacer.h"

#include <math.h>
#include <string.h>

#include "local53/base/check.h"
#include "measure/units.h"

/* Room for one stage as text, "100.000h@100.000M/s". */
#define STAGE_TEXT_MAX 64

enum err pacer_parse_arrival(struct pacer_plan *plan, const char *text)
{
    static const char prefix[] = "burst:";
    uint64_t burst = 1;
    enum arrival arrival = ARRIVAL_BURST;

    if (strcmp(text, "poisson") == 0)
        arrival = ARRIVAL_POISSON;
    else if (strcmp(text, "constant") == 0)
        arrival = ARRIVAL_CONSTANT;
    else if (strncmp(text, prefix, sizeof(prefix) - 1) != 0 ||
             units_parse_count(&burst, text + sizeof(prefix) - 1, PACER_BURST_MAX) != ERR_OK ||
             burst == 0)
        return ERR_INVALID;
    plan->arrival = arrival;
    plan->burst = (uint32_t)burst;
    return ERR_OK;
}

/* Reads "10s@1k", len octets of text. */
static enum err parse_stage(struct pacer_stage *out, const char *text, size_t len)
{
    char copy[STAGE_TEXT_MAX];

    if (len >= sizeof(copy))
        return ERR_INVALID;
    memcpy(copy, text, len);
    copy[len] = '\0';
    char *at = strchr(copy, '@');
    if (at == NULL)
        return ERR_INVALID;
    *at = '\0';
    if (units_parse_duration(&out->length_ns, copy) != ERR_OK || out->length_ns == 0 ||
        units_parse_rate(&out->rate, at + 1) != ERR_OK)
        return ERR_INVALID;
    return ERR_OK;
}

enum err pacer_parse_schedule(struct pacer_plan *plan, const char *text)
{
    struct pacer_stage stages[PACER_STAGES_MAX];
    size_t count = 0;

    for (;;) {
        size_t len = strcspn(text, ",");
        if (count == PACER_STAGES_MAX)
            return ERR_TOO_LONG;
        enum err err = parse_stage(&stages[count], text, len);
        if (err != ERR_OK)
            return err;
        count++;
        if (text[len] == '\0')
            break;
        text += len + 1;
    }
    memcpy(plan->stages, stages, count * sizeof(stages[0]));
    plan->stage_count = count;
    return ERR_OK;
}

uint64_t pacer_length(const struct pacer_plan *plan)
{
    uint64_t length_ns = 0;

    for (size_t i = 0; i < plan->stage_count; i++)
        length_ns += plan->stages[i].length_ns;
    return length_ns;
}

double pacer_mean_rate(const struct pacer_plan *plan)
{
    double arrivals = 0;

    for (size_t i = 0; i < plan->stage_count; i++)
        arrivals += plan->stages[i].rate * (double)plan->stages[i].length_ns;
    return arrivals / (double)pacer_length(plan);
}

double pacer_peak_rate(const struct pacer_plan *plan)
{
    double peak = 0;

    for (size_t i = 0; i < plan->stage_count; i++)
        peak = plan->stages[i].rate > peak ? plan->stages[i].rate : peak;
    return peak;
}

/* The generator behind a seeded rng is a counter, so neighbouring seeds would give threads
 * overlapping streams; a hash of both (the finisher of MurmurHash3, A. Appleby) sets them far
 * apart. */
static uint64_t mix_seed(uint64_t seed, uint32_t thread)
{
    uint64_t mixed = seed ^ ((uint64_t)thread + 1) * 0xd6e8feb86659fd93ULL;

    mixed = (mixed ^ (mixed >> 33)) * 0xff51afd7ed558ccdULL;
    mixed = (mixed ^ (mixed >> 33)) * 0xc4ceb9fe1a85ec53ULL;
    return mixed ^ (mixed >> 33);
}

void pacer_init(struct pacer *pacer, const struct pacer_plan *plan, uint32_t thread,
                uint32_t threads)
{
    CHECK(thread < threads && plan->stage_count >= 1 && plan->stage_count <= PACER_STAGES_MAX);
    CHECK(plan->arrival != ARRIVAL_BURST || plan->burst >= 1);
    for (size_t i = 0; i < plan->stage_count; i++)
        CHECK(plan->stages[i].length_ns > 0 && plan->stages[i].rate > 0);
    *pacer = (struct pacer){.plan = plan, .thread = thread, .threads = threads};
    rng_init_seeded(&pacer->rng, mix_seed(plan->seed, thread));
}

/* Offset within the stage of this thread's next constant arrival, or of the burst that it belongs
 * to. */
static double next_even(const struct pacer *pacer, const struct pacer_stage *stage)
{
    uint64_t arrival = pacer->thread + pacer->index * pacer->threads;

    if (pacer->plan->arrival == ARRIVAL_BURST)
        arrival -= arrival % pacer->plan->burst;
    return (double)arrival * 1e9 / stage->rate;
}

/* Offset within the stage of this thread's next Poisson arrival: gaps are exponential, by
 * inversion, and n such streams of rate r/n together are one of rate r. The number is in (0, 1],
 * its logarithm finite. */
static double next_random(struct pacer *pacer, const struct pacer_stage *stage)
{
    double uniform = (double)((rng_u64(&pacer->rng) >> 11) + 1) * 0x1p-53;

    pacer->at_ns -= log(uniform) * 1e9 * (double)pacer->threads / stage->rate;
    return pacer->at_ns;
}

uint64_t pacer_next(struct pacer *pacer)
{
    const struct pacer_plan *plan = pacer->plan;

    while (pacer->stage < plan->stage_count) {
        const struct pacer_stage *stage = &plan->stages[pacer->stage];
        double offset_ns =
            plan->arrival == ARRIVAL_POISSON ? next_random(pacer, stage) : next_even(pacer, stage);
        if (offset_ns < (double)stage->length_ns) {
            pacer->index++;
            return pacer->stage_start_ns + (uint64_t)offset_ns;
        }
        pacer->stage_start_ns += stage->length_ns;
        pacer->stage++;
        pacer->index = 0;
        pacer->at_ns = 0;
    }
    return PACER_END;
}
