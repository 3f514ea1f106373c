/* health: figures of the tester against its limits.
 * Owns nothing; any thread; pure. Bounds: HEALTH_COUNT kinds. Cannot fail. */
#include "measure/health.h"

#include <stdio.h>

#include "local53/base/check.h"
#include "measure/units.h"

/* Longest figure: two counts, a share and some words. */
#define FIGURE_MAX 128

/* part / whole; 0 when there is nothing to share. */
static double share_of(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : (double)part / (double)whole;
}

static double rate_error(const struct health *health)
{
    uint64_t off = health->begun > health->planned ? health->begun - health->planned
                                                   : health->planned - health->begun;
    return share_of(off, health->planned);
}

static bool is_breached(const struct health *health, enum health_kind kind)
{
    switch (kind) {
    case HEALTH_SEND_LAG:
        return health->open_loop && health->send_lag_p99_ns > HEALTH_SEND_LAG_P99_NS;
    case HEALTH_RATE: return health->open_loop && rate_error(health) > HEALTH_RATE_SHARE;
    case HEALTH_WINDOWS:
        return health->open_loop && share_of(health->uneven, health->windows) > HEALTH_UNEVEN_SHARE;
    case HEALTH_DROPS: return health->own_drops > 0;
    case HEALTH_RUN_DELAY:
        return share_of(health->run_delay_ns, health->thread_time_ns) > HEALTH_RUN_DELAY_SHARE;
    case HEALTH_CPU:
        /* Where arrivals lie closer than a sleep takes, an open loop is always busy: late is what its lag calls late. */
        return !health->open_loop &&
               share_of(health->cpu_ns, health->thread_time_ns) > HEALTH_CPU_SHARE;
    case HEALTH_SEND_ERRORS: return health->send_errors > 0;
    case HEALTH_IDS: return health->id_waits > 0;
    case HEALTH_COUNT: break;
    }
    return false;
}

unsigned health_breaches(const struct health *health)
{
    unsigned breaches = 0;

    for (unsigned kind = 0; kind < HEALTH_COUNT; kind++)
        breaches |= is_breached(health, (enum health_kind)kind) ? 1U << kind : 0;
    return breaches;
}

const char *health_name(enum health_kind kind)
{
    static const char *const names[] = {
#define HEALTH_NAME(code, name, meaning) name,
        HEALTH_LIST(HEALTH_NAME)
#undef HEALTH_NAME
    };

    CHECK((unsigned)kind < HEALTH_COUNT);
    return names[kind];
}

const char *health_meaning(enum health_kind kind)
{
    static const char *const meanings[] = {
#define HEALTH_MEANING(code, name, meaning) meaning,
        HEALTH_LIST(HEALTH_MEANING)
#undef HEALTH_MEANING
    };

    CHECK((unsigned)kind < HEALTH_COUNT);
    return meanings[kind];
}

/* "98,000 of 100,000 planned (2.00 % off)". */
static void write_rate(const struct health *health, char *figure)
{
    char begun[UNITS_TEXT_MAX], planned[UNITS_TEXT_MAX], off[UNITS_TEXT_MAX];

    snprintf(figure, FIGURE_MAX, "%s of %s planned (%s off)",
             units_write_count(health->begun, begun), units_write_count(health->planned, planned),
             units_write_share(rate_error(health), off));
}

/* "7.10 % of the threads' time". */
static void write_time(uint64_t part_ns, uint64_t whole_ns, char *figure)
{
    char share[UNITS_TEXT_MAX];

    snprintf(figure, FIGURE_MAX, "%s of the threads' time",
             units_write_share(share_of(part_ns, whole_ns), share));
}

static void write_figure(const struct health *health, enum health_kind kind, char *figure)
{
    char a[UNITS_TEXT_MAX], b[UNITS_TEXT_MAX];

    switch (kind) {
    case HEALTH_SEND_LAG:
        snprintf(figure, FIGURE_MAX, "p99 %s", units_write_duration(health->send_lag_p99_ns, a));
        break;
    case HEALTH_RATE: write_rate(health, figure); break;
    case HEALTH_WINDOWS:
        snprintf(figure, FIGURE_MAX, "%s of %s uneven", units_write_count(health->uneven, a),
                 units_write_count(health->windows, b));
        break;
    case HEALTH_DROPS:
        snprintf(figure, FIGURE_MAX, "%s answers", units_write_count(health->own_drops, a));
        break;
    case HEALTH_RUN_DELAY: write_time(health->run_delay_ns, health->thread_time_ns, figure); break;
    case HEALTH_CPU: write_time(health->cpu_ns, health->thread_time_ns, figure); break;
    case HEALTH_SEND_ERRORS:
        snprintf(figure, FIGURE_MAX, "%s queries", units_write_count(health->send_errors, a));
        break;
    case HEALTH_IDS:
        snprintf(figure, FIGURE_MAX, "%s waits", units_write_count(health->id_waits, a));
        break;
    case HEALTH_COUNT: break;
    }
}

/* Writes the limit of a kind; out has UNITS_TEXT_MAX octets. */
static const char *write_limit(enum health_kind kind, char *out)
{
    switch (kind) {
    case HEALTH_SEND_LAG: return units_write_duration(HEALTH_SEND_LAG_P99_NS, out);
    case HEALTH_RATE: return units_write_share(HEALTH_RATE_SHARE, out);
    case HEALTH_WINDOWS: return units_write_share(HEALTH_UNEVEN_SHARE, out);
    case HEALTH_RUN_DELAY: return units_write_share(HEALTH_RUN_DELAY_SHARE, out);
    case HEALTH_CPU: return units_write_share(HEALTH_CPU_SHARE, out);
    default: return units_write_count(0, out);
    }
}

const char *health_write(const struct health *health, enum health_kind kind, char *out, size_t size)
{
    char figure[FIGURE_MAX] = "";
    char limit[UNITS_TEXT_MAX];

    write_figure(health, kind, figure);
    snprintf(out, size, "%s, limit %s", figure, write_limit(kind, limit));
    return out;
}
