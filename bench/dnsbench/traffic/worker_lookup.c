/* worker_lookup: lookups on their way: both questions of a step from the client's one socket,
 * the next step when both came back.
 * Owns nothing of its own; the worker's thread. Bounds: sizing's places; beyond, arrivals wait
 * (counted as id_waits). */
#include "worker.h"

static uint32_t take_place(struct worker *worker)
{
    uint32_t place = worker->free_place;
    worker->free_place = worker->places[place].next_free;
    worker->lookups_active++;
    return place;
}

/* The lane is released by whoever took the lookup's last answer. */
void worker_drop_lookup(struct worker *worker, uint32_t place)
{
    worker->lanes[worker->places[place].lane].users--;
    worker->places[place].next_free = worker->free_place;
    worker->free_place = place;
    worker->lookups_active--;
}

bool worker_begin_lookup(struct worker *worker, uint64_t intended_ns)
{
    if (worker->free_place == FLIGHT_NONE) {
        worker->result.health.id_waits++;
        return false;
    }
    if (!worker_choose_lane(worker, 2) || !worker_can_ask(worker, worker->lane, 2))
        return false;
    uint32_t number = take_place(worker);
    struct worker_lookup *place = &worker->places[number];
    struct worker_lane *lane = &worker->lanes[worker->lane];
    uint32_t namespaces = workload_namespaces(worker->plan->workload);
    place->lane = worker->lane;
    place->intended_ns = intended_ns != 0 ? intended_ns : worker->now_ns;
    place->due_ns = intended_ns;
    lane->users++;
    worker_tally(worker, place->intended_ns >= worker->measure_ns)->lookups++;
    generator_next_lookup(&worker->generator, lane->client % namespaces, &place->lookup);
    (void)worker_ask_step(worker, number);
    return true;
}

bool worker_ask_step(struct worker *worker, uint32_t number)
{
    struct worker_lookup *place = &worker->places[number];
    if (!worker_can_ask(worker, place->lane, 2))
        return false;
    for (unsigned which = 0; which < 2; which++) {
        uint32_t slot = flights_begin(worker->flights, place->lane, worker->now_ns);
        struct question_ref question = lookup_question(&place->lookup, which);
        flights_at(worker->flights, slot)->lookup = number;
        worker_ask(worker, slot, question, place->due_ns);
    }
    return true;
}

/* A lookup that failed took at least as long as its client would have waited. */
static void record(struct worker *worker, const struct worker_lookup *place)
{
    struct result *result = &worker->result;
    struct histogram *kind = &result->kinds[place->lookup.kind].latency;
    uint64_t latency_ns =
        place->due_ns > place->intended_ns ? place->due_ns - place->intended_ns : 0;
    bool measured = place->intended_ns >= worker->measure_ns;
    worker_tally(worker, measured)->lookups_failed += place->lookup.lost;
    if (!measured)
        return;
    if (!place->lookup.lost) {
        histogram_record(&result->lookup, latency_ns);
        histogram_record(kind, latency_ns);
        return;
    }
    if (latency_ns < worker->plan->timeout_ns)
        latency_ns = worker->plan->timeout_ns;
    histogram_record_at_least(&result->lookup, latency_ns);
    histogram_record_at_least(kind, latency_ns);
}

void worker_lookup_answered(struct worker *worker, uint32_t number, enum lookup_answer answer,
                            uint64_t received_ns)
{
    struct worker_lookup *place = &worker->places[number];
    if (received_ns > place->due_ns)
        place->due_ns = received_ns;
    enum lookup_state state = lookup_take(&place->lookup, answer);
    if (state == LOOKUP_WAIT)
        return;
    if (state == LOOKUP_NEXT && !worker->interrupted) {
        worker_put_due(worker, number | WORKER_DUE_LOOKUP);
        return;
    }
    /* One that was interrupted between two steps is neither a figure nor a failure. */
    if (state == LOOKUP_DONE)
        record(worker, place);
    worker_drop_lookup(worker, number);
}
