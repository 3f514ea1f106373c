/* series: counts by window and interval, and the milliseconds in which something was heard.
 * Owns: its three arrays, series_octets in all. Thread: one writes; merged once it has ended.
 * Bounds: a day, SERIES_MAX_INTERVALS intervals; what lies outside is left out.
 * Fails: out of memory at start is fatal. */
#include "measure/series.h"

#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"

#define HEARD_NS 1000000ULL     /* what a bit stands for */
#define WORD_NS (64 * HEARD_NS) /* what a word of them stands for */
#define UNEVEN_LEAST 2          /* differences of so many queries are no unevenness */
#define ABOVE_SLO_PERCENT 1     /* of a window's queries may be over the SLO */

static uint64_t divide_up(uint64_t value, uint64_t by)
{
    return value / by + (value % by != 0);
}

/* The interval really used: as asked for, or the nearest within the bounds (a whole multiple when
 * lengthened). */
static uint64_t interval_of(const struct series_shape *shape)
{
    uint64_t interval_ns = shape->interval_ns;
    if (interval_ns > SERIES_MAX_INTERVAL_NS)
        interval_ns = SERIES_MAX_INTERVAL_NS;
    uint64_t count = divide_up(shape->length_ns, interval_ns);
    return count > SERIES_MAX_INTERVALS ? interval_ns * divide_up(count, SERIES_MAX_INTERVALS)
                                        : interval_ns;
}

/* A series of this shape, but for its arrays. */
static struct series measured_out(const struct series_shape *shape)
{
    CHECK(shape->length_ns <= SERIES_MAX_NS && shape->interval_ns > 0);
    uint64_t interval_ns = interval_of(shape);
    return (struct series){
        .length_ns = shape->length_ns,
        .interval_ns = interval_ns,
        .slo_ns = shape->slo_ns,
        .first_sent_ns = SERIES_NOTHING_SENT,
        .window_count = divide_up(shape->length_ns, SERIES_WINDOW_NS),
        .interval_count = divide_up(shape->length_ns, interval_ns),
        .heard_words = divide_up(shape->length_ns + shape->tail_ns, WORD_NS),
    };
}

/* Zeroed room for count elements; never NULL, even for none. */
static void *zeroed(size_t count, size_t size)
{
    void *room = calloc(count > 0 ? count : 1, size);
    CHECK(room != NULL);
    return room;
}

void series_init(struct series *series, const struct series_shape *shape)
{
    *series = measured_out(shape);
    series->windows = zeroed(series->window_count, sizeof(*series->windows));
    series->intervals = zeroed(series->interval_count, sizeof(*series->intervals));
    series->heard = zeroed(series->heard_words, sizeof(*series->heard));
}

void series_deinit(struct series *series)
{
    free(series->windows);
    free(series->intervals);
    free(series->heard);
    *series = (struct series){0};
}

size_t series_octets(const struct series_shape *shape)
{
    struct series series = measured_out(shape);
    return series.window_count * sizeof(*series.windows) +
           series.interval_count * sizeof(*series.intervals) +
           series.heard_words * sizeof(*series.heard);
}

void series_plan(struct series *series, uint64_t intended_ns)
{
    if (intended_ns < series->length_ns)
        series->windows[intended_ns / SERIES_WINDOW_NS].planned++;
}

void series_sent(struct series *series, uint64_t sent_ns)
{
    if (sent_ns >= series->length_ns)
        return;
    series->windows[sent_ns / SERIES_WINDOW_NS].sent++;
    series->intervals[sent_ns / series->interval_ns].sent++;
    if (sent_ns < series->first_sent_ns)
        series->first_sent_ns = sent_ns;
}

void series_ok(struct series *series, uint64_t intended_ns, uint64_t response_ns)
{
    if (intended_ns >= series->length_ns)
        return;
    struct series_window *window = &series->windows[intended_ns / SERIES_WINDOW_NS];
    struct series_interval *interval = &series->intervals[intended_ns / series->interval_ns];
    window->ok++;
    window->over += response_ns > series->slo_ns;
    window->max_ns = response_ns > window->max_ns ? response_ns : window->max_ns;
    interval->ok++;
    sketch_record(&interval->latency, response_ns);
}

void series_lost(struct series *series, uint64_t intended_ns)
{
    if (intended_ns >= series->length_ns)
        return;
    series->windows[intended_ns / SERIES_WINDOW_NS].lost++;
    series->intervals[intended_ns / series->interval_ns].lost++;
}

void series_heard(struct series *series, uint64_t received_ns)
{
    if (received_ns / WORD_NS < series->heard_words)
        series->heard[received_ns / WORD_NS] |= 1ULL << (received_ns / HEARD_NS % 64);
}

struct series_shape series_shape_of(const struct series *series)
{
    return (struct series_shape){
        .length_ns = series->length_ns,
        .interval_ns = series->interval_ns,
        .tail_ns = series->heard_words * WORD_NS - series->length_ns,
        .slo_ns = series->slo_ns,
    };
}

bool series_same_shape(const struct series *a, const struct series *b)
{
    return a->length_ns == b->length_ns && a->interval_ns == b->interval_ns &&
           a->heard_words == b->heard_words && a->slo_ns == b->slo_ns;
}

static void merge_window(struct series_window *into, const struct series_window *from)
{
    into->planned += from->planned;
    into->sent += from->sent;
    into->ok += from->ok;
    into->lost += from->lost;
    into->over += from->over;
    if (from->max_ns > into->max_ns)
        into->max_ns = from->max_ns;
}

static void merge_interval(struct series_interval *into, const struct series_interval *from)
{
    into->sent += from->sent;
    into->ok += from->ok;
    into->lost += from->lost;
    sketch_merge(&into->latency, &from->latency);
}

static void merge_counts(struct series *into, const struct series *from)
{
    CHECK(series_same_shape(into, from));
    for (size_t i = 0; i < into->window_count; i++)
        merge_window(&into->windows[i], &from->windows[i]);
    for (size_t i = 0; i < into->interval_count; i++)
        merge_interval(&into->intervals[i], &from->intervals[i]);
}

void series_merge(struct series *into, const struct series *from)
{
    merge_counts(into, from);
    for (size_t i = 0; i < into->heard_words; i++)
        into->heard[i] |= from->heard[i];
    if (from->first_sent_ns < into->first_sent_ns)
        into->first_sent_ns = from->first_sent_ns;
}

/* What was heard at one time ends no silence of another. */
void series_overlay(struct series *into, const struct series *from)
{
    merge_counts(into, from);
    if (series_longest_silence(from) <= series_longest_silence(into))
        return;
    memcpy(into->heard, from->heard, into->heard_words * sizeof(*into->heard));
    into->first_sent_ns = from->first_sent_ns;
}

void series_cut(struct series *series, uint64_t elapsed_ns)
{
    if (elapsed_ns >= series->length_ns)
        return;
    uint64_t tail_ns = series_shape_of(series).tail_ns;
    series->heard_words = divide_up(elapsed_ns + tail_ns, WORD_NS);
    series->length_ns = elapsed_ns;
    series->window_count = divide_up(elapsed_ns, SERIES_WINDOW_NS);
    series->interval_count = divide_up(elapsed_ns, series->interval_ns);
    if (series->first_sent_ns >= elapsed_ns)
        series->first_sent_ns = SERIES_NOTHING_SENT;
}

/* How far a silence has come, going through what was heard from first to last. */
struct silence {
    uint64_t since_ns;   /* when something was last heard; at first, when the first query left */
    uint64_t longest_ns; /* so far */
};

static void silence_ends(struct silence *silence, uint64_t at_ns)
{
    if (at_ns <= silence->since_ns)
        return;
    uint64_t lasted_ns = at_ns - silence->since_ns;
    silence->longest_ns = lasted_ns > silence->longest_ns ? lasted_ns : silence->longest_ns;
    silence->since_ns = at_ns;
}

uint64_t series_longest_silence(const struct series *series)
{
    if (series->first_sent_ns == SERIES_NOTHING_SENT)
        return 0;
    struct silence silence = {.since_ns = series->first_sent_ns};
    for (size_t i = 0; i < series->heard_words; i++) {
        for (uint64_t left = series->heard[i]; left != 0; left &= left - 1) {
            uint64_t bit = (uint64_t)__builtin_ctzll(left);
            /* An answer stands in the middle of its millisecond. */
            silence_ends(&silence, i * WORD_NS + bit * HEARD_NS + HEARD_NS / 2);
        }
    }
    silence_ends(&silence, series->length_ns);
    return silence.longest_ns;
}

static bool is_worse(const struct series_window *a, const struct series_window *b)
{
    return a->lost != b->lost ? a->lost > b->lost : a->max_ns > b->max_ns;
}

size_t series_worst_window(const struct series *series)
{
    size_t worst = 0;
    for (size_t i = 1; i < series->window_count; i++) {
        if (is_worse(&series->windows[i], &series->windows[worst]))
            worst = i;
    }
    return worst;
}

static bool is_above_slo(const struct series_window *window)
{
    uint64_t ended = (uint64_t)window->ok + window->lost;
    uint64_t all = window->planned > ended ? window->planned : ended;
    return ((uint64_t)window->over + window->lost) * 100 > all * ABOVE_SLO_PERCENT;
}

uint64_t series_above_slo(const struct series *series)
{
    uint64_t above_ns = 0;
    if (series->slo_ns == UINT64_MAX)
        return 0;
    for (size_t i = 0; i < series->window_count; i++) {
        uint64_t left_ns = series->length_ns - i * SERIES_WINDOW_NS;
        if (is_above_slo(&series->windows[i]))
            above_ns += left_ns < SERIES_WINDOW_NS ? left_ns : SERIES_WINDOW_NS;
    }
    return above_ns;
}

static bool is_uneven(const struct series_window *window, double share)
{
    uint32_t off = window->sent > window->planned ? window->sent - window->planned
                                                  : window->planned - window->sent;
    return off > UNEVEN_LEAST && off > share * window->planned;
}

size_t series_uneven_windows(const struct series *series, double share)
{
    size_t uneven = 0;
    for (size_t i = 0; i < series->length_ns / SERIES_WINDOW_NS; i++)
        uneven += is_uneven(&series->windows[i], share);
    return uneven;
}
