/* sample_study: studies with figures drawn from a seed, as the commands would leave them.
 * Whoever takes one gives it back with study_deinit. */
#ifndef TESTS_SUPPORT_SAMPLE_STUDY_H
#define TESTS_SUPPORT_SAMPLE_STUDY_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "local53/base/rng.h"
#include "measure/result.h"
#include "measure/units.h"

/* How a drawn run behaves. */
struct sample {
    double rate;       /* queries a second */
    double length_s;   /* measured time */
    double latency_us; /* typical response */
    double loss;       /* share of queries never answered */
    bool lookups;      /* lookups of several kinds too */
    bool stall;        /* half a second of silence in its middle */
};

static inline double sample_uniform(struct rng *rng)
{
    return ((double)rng_u32(rng) + 0.5) / 4294967296.0;
}

/* Mostly around the given figure, one in a hundred ten times as long. */
static inline uint64_t sample_latency(struct rng *rng, double us)
{
    double tail = sample_uniform(rng) < 0.01 ? 10 : 1;

    return (uint64_t)(1e3 * us * tail * (0.6 - 0.5 * log(sample_uniform(rng))));
}

static inline void sample_text(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text);
}

static inline void sample_setup(struct result *run, const struct sample *sample, uint64_t seed)
{
    struct setup *setup = &run->setup;

    sample_text(setup->server, sizeof(setup->server), "127.0.0.1:5353");
    sample_text(setup->transport, sizeof(setup->transport), "udp");
    sample_text(setup->arrival, sizeof(setup->arrival), "poisson");
    sample_text(setup->workload, sizeof(setup->workload),
                sample->lookups ? "k8s-aws, 10000 names, zipf 1.00" : "queries.txt");
    setup->rate = sample->rate;
    setup->duration_ns = (uint64_t)(sample->length_s * 1e9);
    setup->warmup_ns = NS_PER_S;
    setup->timeout_ns = 5 * NS_PER_S;
    setup->slo_ns = 5 * NS_PER_MS;
    setup->seed = seed;
    setup->workload_hash = 0xfedcba9876543210ULL + seed;
    setup->memory_octets = 12345678;
    setup->clients = 60;
    setup->threads = 1;
    setup->batch = 16;
    setup->lookups = sample->lookups;
}

static inline void sample_lost(struct result *run, uint64_t at_ns)
{
    run->measured.outcome[OUTCOME_TIMEOUT]++;
    histogram_record_at_least(&run->response, run->setup.timeout_ns);
    series_lost(&run->series, at_ns);
}

static inline void sample_ok(struct result *run, struct rng *rng, uint64_t at_ns, uint64_t ns)
{
    static const uint8_t rcodes[ANSWER_COUNT] = {0, 0, 3, 2};
    double kind = sample_uniform(rng);
    enum answer_class answer = kind < 0.6    ? ANSWER_FOUND
                               : kind < 0.65 ? ANSWER_NODATA
                               : kind < 0.99 ? ANSWER_NX
                                             : ANSWER_FAIL;

    run->measured.outcome[OUTCOME_OK]++;
    run->measured.answer[answer]++;
    run->measured.rcode[rcodes[answer]]++;
    histogram_record(&run->response, ns);
    histogram_record(&run->service, ns - ns / 16);
    histogram_record(&run->read_lag, ns / 32);
    histogram_record(&run->answer[answer], ns);
    series_ok(&run->series, at_ns, ns);
    series_heard(&run->series, at_ns + ns);
}

static inline void sample_lookup(struct result *run, struct rng *rng, uint64_t ns)
{
    static const char *const names[] = {"svc", "svc.ns", "full", "aws", "dots", "miss"};
    size_t kind = rng_below(rng, 6);

    run->kind_count = 6;
    sample_text(run->kinds[kind].name, sizeof(run->kinds[kind].name), names[kind]);
    histogram_record(&run->lookup, 3 * ns);
    histogram_record(&run->kinds[kind].latency, 3 * ns);
    run->measured.lookups++;
}

static inline void sample_query(struct result *run, const struct sample *sample, struct rng *rng,
                                uint64_t at_ns)
{
    uint64_t ns = sample_latency(rng, sample->latency_us);
    uint64_t middle = run->series.length_ns / 2;

    if (sample->stall && at_ns > middle && at_ns < middle + 500 * NS_PER_MS)
        ns += middle + 500 * NS_PER_MS - at_ns;
    run->measured.sent++;
    run->measured.octets_sent += 40;
    series_plan(&run->series, at_ns);
    series_sent(&run->series, at_ns + 900);
    histogram_record(&run->send_lag, 900 + rng_below(rng, 4000));
    if (sample_uniform(rng) < sample->loss)
        sample_lost(run, at_ns);
    else
        sample_ok(run, rng, at_ns, ns);
    if (sample->lookups && run->measured.sent % 4 == 0)
        sample_lookup(run, rng, ns);
}

static inline void sample_health(struct result *run)
{
    struct health *health = &run->health;

    health->open_loop = true;
    health->planned = run->measured.sent;
    health->begun = run->measured.sent;
    health->send_lag_p50_ns = histogram_quantile(&run->send_lag, 0.5).ns;
    health->send_lag_p99_ns = histogram_quantile(&run->send_lag, 0.99).ns;
    health->send_lag_max_ns = run->send_lag.max_ns;
    health->read_lag_p99_ns = histogram_quantile(&run->read_lag, 0.99).ns;
    health->windows = run->series.length_ns / SERIES_WINDOW_NS;
    health->thread_time_ns = run->elapsed_ns;
    health->cpu_ns = run->elapsed_ns / 3;
    health->run_delay_ns = run->elapsed_ns / 500;
}

/* A run that was measured as the sample says. */
static inline void sample_run(struct result *run, const struct sample *sample, uint64_t seed)
{
    struct series_shape shape = {.length_ns = (uint64_t)(sample->length_s * 1e9),
                                 .interval_ns = NS_PER_S / 4,
                                 .tail_ns = 5 * NS_PER_S,
                                 .slo_ns = 5 * NS_PER_MS};
    struct rng rng;

    result_init(run, &shape);
    rng_init_seeded(&rng, seed);
    sample_setup(run, sample, seed);
    run->elapsed_ns = shape.length_ns;
    double at_s = 0;
    while (at_s < sample->length_s) {
        sample_query(run, sample, &rng, (uint64_t)(at_s * 1e9));
        at_s -= log(sample_uniform(&rng)) / sample->rate;
    }
    run->server_cpu_ns = run->elapsed_ns / 2;
    run->warmup.sent = 3;
    run->warmup.outcome[OUTCOME_OK] = 3;
    sample_health(run);
}

static inline struct study sample_study_of(const char *command)
{
    struct study study = {.host = {.cpus = 2, .started_wall_ms = 1795262400000}};

    sample_text(study.command, sizeof(study.command), command);
    sample_text(study.options, sizeof(study.options), "--server 127.0.0.1:5353");
    sample_text(study.host.tool, sizeof(study.host.tool), "dnsbench 0.1.0 (0123abcd)");
    sample_text(study.host.kernel, sizeof(study.host.kernel), "6.1.0-18-amd64 x86_64");
    sample_text(study.host.cpu, sizeof(study.host.cpu), "Some CPU @ 2.50GHz");
    return study;
}

/* The study of a `run`. */
static inline struct study sample_study_run(const struct sample *sample, uint64_t seed)
{
    struct study study = sample_study_of("run");

    sample_run(study_add(&study), sample, seed);
    return study;
}

/* Three windows of a `max`, the last of which the tester spoiled. */
static inline struct study sample_study_max(uint64_t seed)
{
    struct study study = sample_study_of("max");

    for (unsigned i = 0; i < 3; i++) {
        struct sample sample = {.rate = 4000 + 1500 * i, .length_s = 1, .latency_us = 60 << 2 * i};
        struct result *run = study_add(&study);
        sample_run(run, &sample, seed + i);
        run->setup.window = 16U << 2 * i;
        run->setup.rate = 0;
        run->health.open_loop = false;
        snprintf(run->name, sizeof(run->name), "window %u", run->setup.window);
        if (i == 2)
            result_judge(run, VERDICT_INVALID, "own CPU: 99.00 %%, limit 97.00 %%");
    }
    study.answer = 5500;
    return study;
}

/* Steps of a `search` up to a server's end. */
static inline struct study sample_study_search(uint64_t seed, unsigned steps)
{
    struct study study = sample_study_of("search");

    sample_text(study.slo, sizeof(study.slo), "p99<5ms,loss<0.1%");
    for (unsigned i = 0; i < steps; i++) {
        double rate = i < 4 ? 500 * (1 << i) : 2000 + 4000 * (double)(i * 7 % 11) / 11;
        bool fails = rate > 3500;
        struct sample sample = {.rate = rate,
                                .length_s = 0.5,
                                .latency_us = fails ? 2000 + rate : 100 + rate / 10,
                                .loss = fails ? 0.01 : 0};
        struct result *run = study_add(&study);
        sample_run(run, &sample, seed + i);
        snprintf(run->name, sizeof(run->name), "%.1fk/s", rate / 1000);
        if (fails)
            result_judge(run, VERDICT_FAILED, "p99 is 32.1 ms, not < 5.00 ms");
    }
    study.answer = 3454.5;
    return study;
}

/* A `compare` in which B is a little slower. */
static inline struct study sample_study_compare(uint64_t seed)
{
    struct study study = sample_study_of("compare");
    struct sample sample = {.rate = 8000, .length_s = 1, .latency_us = 200};
    struct comparison *c = study.comparisons;

    for (int i = 0; i < 2; i++) {
        struct result *run = study_add(&study);
        sample.latency_us *= 1 + 0.3 * i;
        sample_run(run, &sample, seed + (uint64_t)i);
        sample_text(run->name, sizeof(run->name), i == 0 ? "A" : "B");
        snprintf(run->setup.server, sizeof(run->setup.server), "127.0.0.1:%d", 5301 + i);
    }
    c[0] = (struct comparison){"throughput", true, 0.951, 0.942, 0.959, 0.05, 40};
    c[1] = (struct comparison){"p50", false, 1.302, 1.285, 1.317, 0.05, 40};
    c[2] = (struct comparison){"p99", false, 1.01, 0.96, 1.06, 0.05, 40};
    c[3] = (struct comparison){"cpu", false, 1.04, 1.02, 1.07, 0.05, 40};
    study.comparison_count = 4;
    return study;
}

#endif
