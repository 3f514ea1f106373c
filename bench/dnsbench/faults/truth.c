/* truth: the truth of a fault server as JSON (RFC 8259), by jansson.
 * Owns: nothing; the text is the caller's. Thread: any; no state.
 * Bounds: the members of the truth and of the plan. Fails: out of memory, fatally. */
#include <jansson.h>
#include <string.h>

#include "faults/server.h"
#include "local53/base/check.h"

/* A member that is a whole number: its name is that of the struct. */
struct figure {
    const char *name; /* in JSON */
    size_t offset;    /* of the uint64_t in its struct */
};
#define TRUTH(member)                                                                              \
    {                                                                                              \
#member, offsetof(struct fault_truth, member)                                              \
    }
static const struct figure TRUTHS[] = {
    TRUTH(received),       TRUTH(answered),     TRUTH(dropped),
    TRUTH(overflowed),     TRUTH(socket_drops), TRUTH(send_failed),
    TRUTH(malformed),      TRUTH(truncated),    TRUTH(wrong_address),
    TRUTH(wrong_question), TRUTH(wrong_id),     TRUTH(empty),
    TRUTH(duplicated),     TRUTH(tcp),          TRUTH(first_ns),
    TRUTH(last_ns),        TRUTH(busy_ns),      TRUTH(stalled_ns),
    TRUTH(cpu_ns),
};

static void set(json_t *object, const char *name, json_t *value)
{
    CHECK(json_object_set_new(object, name, value) == 0);
}

static void set_count(json_t *object, const char *name, uint64_t count)
{
    set(object, name, json_integer((json_int_t)count));
}

static void append(json_t *array, json_t *value)
{
    CHECK(json_array_append_new(array, value) == 0);
}

static json_t *rcodes_of(const struct fault_truth *truth)
{
    json_t *object = json_object();

    for (unsigned rcode = 0; rcode < sizeof(truth->rcode) / sizeof(truth->rcode[0]); rcode++) {
        char name[8];

        (void)snprintf(name, sizeof(name), "%u", rcode);
        set_count(object, name, truth->rcode[rcode]);
    }
    return object;
}

static json_t *hold_of(const struct histogram *hold)
{
    json_t *object = json_object();

    set_count(object, "count", hold->total);
    set_count(object, "p50_ns", histogram_quantile(hold, 0.50).ns);
    set_count(object, "p90_ns", histogram_quantile(hold, 0.90).ns);
    set_count(object, "p99_ns", histogram_quantile(hold, 0.99).ns);
    set_count(object, "max_ns", hold->max_ns);
    set_count(object, "min_ns", hold->total > 0 ? hold->min_ns : 0);
    return object;
}

static json_t *planned_rcodes(const struct fault_plan *plan)
{
    json_t *array = json_array();

    for (size_t i = 0; i < plan->rcode_count; i++) {
        json_t *object = json_object();

        set_count(object, "rcode", plan->rcodes[i].rcode);
        set(object, "share", json_real(plan->rcodes[i].share));
        append(array, object);
    }
    return array;
}

static json_t *planned_stalls(const struct fault_plan *plan)
{
    json_t *array = json_array();

    for (size_t i = 0; i < plan->stall_count; i++) {
        json_t *object = json_object();

        set_count(object, "at_ns", plan->stalls[i].at_ns);
        set_count(object, "length_ns", plan->stalls[i].length_ns);
        append(array, object);
    }
    return array;
}

static json_t *planned_addresses(const struct fault_plan *plan)
{
    json_t *array = json_array();

    for (size_t i = 0; i < plan->address_count; i++) {
        char text[ADDR_TEXT_MAX];

        append(array, json_string(addr_format(&plan->addresses[i], text)));
    }
    return array;
}

static json_t *plan_of(const struct fault_plan *plan)
{
    json_t *object = json_object();

    set_count(object, "delay_ns", plan->delay_ns);
    set_count(object, "jitter_ns", plan->jitter_ns);
    set_count(object, "service_ns", plan->service_ns);
    set_count(object, "queue", plan->queue);
    set(object, "loss", json_real(plan->loss));
    set(object, "truncated", json_real(plan->truncated));
    set(object, "wrong_address", json_real(plan->wrong_address));
    set(object, "wrong_question", json_real(plan->wrong_question));
    set(object, "wrong_id", json_real(plan->wrong_id));
    set(object, "empty", json_real(plan->empty));
    set(object, "duplicate", json_real(plan->duplicate));
    set(object, "rcodes", planned_rcodes(plan));
    set(object, "stalls", planned_stalls(plan));
    set(object, "addresses", planned_addresses(plan));
    set(object, "cluster", json_boolean(plan->cluster));
    set_count(object, "ttl", plan->ttl);
    set_count(object, "seed", plan->seed);
    return object;
}

char *fault_truth_json(const struct fault_truth *truth, const struct fault_plan *plan)
{
    json_t *object = json_object();

    for (size_t i = 0; i < sizeof(TRUTHS) / sizeof(TRUTHS[0]); i++) {
        uint64_t count;

        memcpy(&count, (const char *)truth + TRUTHS[i].offset, sizeof(count));
        set_count(object, TRUTHS[i].name, count);
    }
    set(object, "rcode", rcodes_of(truth));
    set(object, "hold", hold_of(&truth->hold));
    set(object, "plan", plan_of(plan));
    char *text = json_dumps(object, JSON_INDENT(2));
    CHECK(text != NULL);
    json_decref(object);
    return text;
}
