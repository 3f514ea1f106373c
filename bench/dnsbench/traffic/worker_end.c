/* worker_end: the one end of each query, and its figures. On the path of every answer: counters
 * and histograms alone.
 * Owns nothing of its own; the worker's thread. Bounds: the worker's. Cannot fail. */
#include "local53/dns/message.h"
#include "worker.h"

/* A response is smoothed as TCP does it (RFC 6298 section 2.3). */
#define SMOOTHING 8

/* Presumed lost after so many smoothed responses. */
#define PRESUMED_LOST_RESPONSES 8

/* ---- Sent ---- */

void worker_count_sent(struct worker *worker, struct flight *flight,
                       const struct lane_message *message)
{
    if (flight->again) {
        flight->again = false;
        worker_tally(worker, flight->measured)->octets_sent += message->len;
        return;
    }
    if (flight->intended_ns == 0)
        flight->intended_ns = message->sent_ns;
    flight->sent_ns = message->sent_ns;
    /* The last lookups' questions are due after the measured time: they are told apart, as those before it are. */
    flight->measured =
        flight->intended_ns >= worker->measure_ns && flight->intended_ns < worker->stop_ns;
    struct tally *tally = worker_tally(worker, flight->measured);
    tally->sent++;
    tally->octets_sent += message->len;
    if (!flight->measured)
        return;
    struct result *result = &worker->result;
    histogram_record(&result->send_lag, flight->sent_ns - flight->intended_ns);
    series_plan(&result->series, flight->intended_ns - worker->measure_ns);
    series_sent(&result->series, flight->sent_ns - worker->measure_ns);
}

/* ---- Answered ---- */

static uint64_t since(uint64_t later_ns, uint64_t earlier_ns)
{
    return later_ns > earlier_ns ? later_ns - earlier_ns : 0;
}

static void smooth_response(struct worker *worker, uint64_t response_ns)
{
    if (worker->smoothed_ns == 0)
        worker->smoothed_ns = response_ns;
    worker->smoothed_ns += response_ns / SMOOTHING - worker->smoothed_ns / SMOOTHING;
    uint64_t overdue_ns = PRESUMED_LOST_RESPONSES * worker->smoothed_ns;
    if (overdue_ns < SIZING_PRESUMED_LOST_MIN_NS)
        overdue_ns = SIZING_PRESUMED_LOST_MIN_NS;
    worker->overdue_ns =
        overdue_ns < worker->plan->timeout_ns ? overdue_ns : worker->plan->timeout_ns;
}

static void count_message(struct tally *tally, const struct answer_head *head,
                          const struct lane_message *message, enum outcome outcome)
{
    unsigned rcode = head->flags & FLAG_RCODE_MASK;
    tally->octets_received += message->len;
    if (outcome == OUTCOME_MISMATCH)
        return;
    tally->rcode[rcode]++;
    tally->truncated += (head->flags & FLAG_TC) != 0;
}

/* Figures of an answer in time; wrong ones are as fast as they were, but none of the server's
 * good ones. */
static void record_in_time(struct worker *worker, const struct flight *flight,
                           const struct lane_message *message, uint64_t response_ns)
{
    struct result *result = &worker->result;
    histogram_record(&result->response, response_ns);
    histogram_record(&result->service, since(message->received_ns, flight->sent_ns));
    histogram_record(&result->read_lag, message->read_ns - message->received_ns);
}

static void record_ok(struct worker *worker, const struct flight *flight,
                      const struct answer_head *head, uint64_t response_ns)
{
    struct result *result = &worker->result;
    enum answer_class answer = answer_classify(head->flags & FLAG_RCODE_MASK, head->answers);
    worker->response_sum_ns += response_ns;
    worker_tally(worker, flight->measured)->answer[answer]++;
    if (!flight->measured)
        return;
    histogram_record(&result->answer[answer], response_ns);
    series_ok(&result->series, flight->intended_ns - worker->measure_ns, response_ns);
}

static void record_lost(struct worker *worker, const struct flight *flight)
{
    struct result *result = &worker->result;
    if (!flight->measured)
        return;
    histogram_record_at_least(&result->response, worker->plan->timeout_ns);
    series_lost(&result->series, flight->intended_ns - worker->measure_ns);
}

static enum lookup_answer lookup_answer_of(enum outcome outcome, const struct answer_head *head)
{
    if (outcome == OUTCOME_LATE || outcome == OUTCOME_MISMATCH)
        return LOOKUP_LOST;
    bool found = (head->flags & FLAG_RCODE_MASK) == RCODE_NOERROR && head->answers > 0;
    return found ? LOOKUP_FOUND : LOOKUP_NONE;
}

/* The record goes; its lookup, if any, is told after it, for that may ask at once. */
static void end_flight(struct worker *worker, uint32_t slot)
{
    uint16_t lane = flights_at(worker->flights, slot)->lane;
    flights_end(worker->flights, slot);
    worker->lanes[lane].users--;
}

void worker_end_answered(struct worker *worker, uint32_t slot, const struct answer_head *head,
                         const struct lane_message *message, enum outcome outcome)
{
    struct flight *flight = flights_at(worker->flights, slot);
    struct tally *tally = worker_tally(worker, flight->measured);
    uint64_t response_ns = since(message->received_ns, flight->intended_ns);
    uint32_t place = flight->lookup;
    /* A matter of times alone: when it was noticed does not count, nor that its place in the window was given away. */
    bool in_time = response_ns <= worker->plan->timeout_ns;
    if (outcome == OUTCOME_OK && !in_time)
        outcome = OUTCOME_LATE;
    count_message(tally, head, message, outcome);
    tally->outcome[outcome]++;
    worker->answered++;
    if (message->received_ns >= worker->measure_ns)
        series_heard(&worker->result.series, message->received_ns - worker->measure_ns);
    if (!worker->plan->open_loop)
        smooth_response(worker, since(message->received_ns, flight->sent_ns));
    if (in_time && flight->measured)
        record_in_time(worker, flight, message, response_ns);
    else if (flight->measured)
        histogram_record_at_least(&worker->result.response, worker->plan->timeout_ns);
    if (outcome == OUTCOME_OK)
        record_ok(worker, flight, head, response_ns);
    else if (flight->measured)
        series_lost(&worker->result.series, flight->intended_ns - worker->measure_ns);
    end_flight(worker, slot);
    if (place != FLIGHT_NONE)
        worker_lookup_answered(worker, place, lookup_answer_of(outcome, head),
                               message->received_ns);
}

/* ---- Not answered ---- */

static void tell_lookup_lost(struct worker *worker, struct flight *flight)
{
    uint32_t place = flight->lookup;
    flight->lookup = FLIGHT_NONE;
    if (place != FLIGHT_NONE)
        worker_lookup_answered(worker, place, LOOKUP_LOST, 0);
}

void worker_end_lost(struct worker *worker, uint32_t slot, enum outcome outcome)
{
    struct flight *flight = flights_at(worker->flights, slot);
    uint16_t lane = flight->lane;
    worker_tally(worker, flight->measured)->outcome[outcome]++;
    if (outcome == OUTCOME_TIMEOUT)
        worker->lanes[lane].timeouts[flight->measured]++;
    if (outcome == OUTCOME_SEND_ERROR && flight->measured)
        worker->result.health.send_errors++;
    record_lost(worker, flight);
    tell_lookup_lost(worker, flight);
    end_flight(worker, slot);
    worker_release_lane(worker, lane);
}

void worker_expire(struct worker *worker)
{
    struct flights *flights = worker->flights;
    uint32_t slot;
    while ((slot = flights_oldest_waiting(flights)) != FLIGHT_NONE &&
           flights_at(flights, slot)->sent_ns + worker->overdue_ns < worker->now_ns) {
        flights_mark_overdue(flights, slot);
        tell_lookup_lost(worker, flights_at(flights, slot));
    }
    while ((slot = flights_oldest(flights)) != FLIGHT_NONE &&
           flights_at(flights, slot)->sent_ns + worker->life_ns < worker->now_ns)
        worker_end_lost(worker, slot, OUTCOME_TIMEOUT);
}

void worker_end_lane(struct worker *worker, uint16_t lane)
{
    uint32_t slot = flights_oldest(worker->flights);
    while (slot != FLIGHT_NONE) {
        const struct flight *flight = flights_at(worker->flights, slot);
        uint32_t newer = flight->newer;
        if (flight->lane == lane)
            worker_end_lost(worker, slot, OUTCOME_REFUSED);
        slot = newer;
    }
}

uint64_t worker_turn_timeouts(struct worker *worker, uint16_t lane, bool measured, uint64_t count)
{
    struct tally *tally = worker_tally(worker, measured);
    uint32_t *timeouts = &worker->lanes[lane].timeouts[measured];
    uint64_t turned = count < *timeouts ? count : *timeouts;
    *timeouts -= (uint32_t)turned;
    tally->outcome[OUTCOME_TIMEOUT] -= turned;
    tally->outcome[OUTCOME_TESTER_DROPPED] += turned;
    return turned;
}
