/* bench_queryset: what a load test does for each query and answer: draw a name, render its
 * message, compare the question that came back. The baseline of rendering is one copy of a ready
 * message of usual length. */
#include <stdio.h>

#include "harness.h"
#include "local53/dns/message.h"
#include "workload/lookup.h"
#include "workload/workload.h"

#define REFS 4096

struct input {
    struct workload *workload;         /* owned */
    const struct queryset *set;        /* the workload's */
    struct generator generator;        /* draws from it */
    struct question_ref refs[REFS];    /* drawn before */
    uint8_t message[QUERY_MAX_OCTETS]; /* of refs[0] */
    size_t len;                        /* octets of message */
};

static uint64_t copy_ready(void *arg, uint64_t count)
{
    struct input *input = arg;
    uint8_t out[QUERY_MAX_OCTETS];
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++) {
        memcpy(out, input->message, (size_t)bench_hide(input->len));
        sum += bench_hide((uint64_t)(uintptr_t)out);
    }
    return sum;
}

static uint64_t render(void *arg, uint64_t count)
{
    struct input *input = arg;
    uint8_t out[QUERY_MAX_OCTETS];
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++) {
        sum += queryset_render(input->set, input->refs[i % REFS], out);
        sum += bench_hide((uint64_t)(uintptr_t)out);
    }
    return sum;
}

static uint64_t question_is(void *arg, uint64_t count)
{
    struct input *input = arg;
    struct bytes message = {input->message, input->len};
    uint64_t sum = 0;
    size_t end = 0;

    for (uint64_t i = 0; i < count; i++) {
        message.data = (const uint8_t *)(uintptr_t)bench_hide((uintptr_t)input->message);
        sum += queryset_question_is(input->set, input->refs[0], message, &end) ? end : 0;
    }
    return sum;
}

static uint64_t next(void *arg, uint64_t count)
{
    struct input *input = arg;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++)
        sum += generator_next(&input->generator).item;
    return sum;
}

static uint64_t next_lookup(void *arg, uint64_t count)
{
    struct input *input = arg;
    struct lookup lookup;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++) {
        generator_next_lookup(&input->generator, (uint32_t)(i % 12), &lookup);
        sum += lookup.name.item;
    }
    return sum;
}

static struct question_ref draw(struct input *input)
{
    struct lookup lookup;

    if (!workload_has_lookups(input->workload))
        return generator_next(&input->generator);
    generator_next_lookup(&input->generator, 3, &lookup);
    return lookup_question(&lookup, 1);
}

/* False and a word on stderr when the profile cannot be. */
static bool input_init(struct input *input, const char *profile)
{
    struct workload_options options = {
        .profile = profile,
        .zipf = -1,
        .seed = 53,
        .form = {.edns_size = 1232, .recursion_desired = true},
    };
    struct text_fault fault;

    input->workload = workload_new(&options, &fault);
    if (input->workload == NULL) {
        fprintf(stderr, "bench_queryset: %s\n", fault.reason);
        return false;
    }
    input->set = workload_set(input->workload);
    generator_init(&input->generator, input->workload, 0, 1);
    for (size_t i = 0; i < REFS; i++)
        input->refs[i] = draw(input);
    input->len = queryset_render(input->set, input->refs[0], input->message);
    return true;
}

static bool bench_profile(const char *profile)
{
    static struct input input;
    struct bench_result baseline;
    char row[64];

    if (!input_init(&input, profile))
        return false;
    snprintf(row, sizeof(row), "%s: copy of %zu octets", profile, input.len);
    baseline = bench_run(row, copy_ready, &input);
    snprintf(row, sizeof(row), "%s: queryset_render", profile);
    bench_run_against(row, render, &input, baseline);
    snprintf(row, sizeof(row), "%s: queryset_question_is", profile);
    bench_run_against(row, question_is, &input, baseline);
    snprintf(row, sizeof(row), "%s: next", profile);
    if (workload_has_lookups(input.workload))
        bench_run_against(row, next_lookup, &input, baseline);
    else
        bench_run_against(row, next, &input, baseline);
    workload_free(input.workload);
    return true;
}

int main(void)
{
    bench_title("queryset: one query and its answer");
    return bench_profile("hit") && bench_profile("miss") && bench_profile("k8s-aws") ? 0 : 1;
}
