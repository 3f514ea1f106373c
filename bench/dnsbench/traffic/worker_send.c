/* worker_send: a question, from the schedule or the window through a batch to the kernel. The
 * path of every query: one system call a batch, no allocation.
 * Owns nothing of its own; the worker's thread.
 * Bounds: BATCHES_A_TURN, so that answers are read between. What the kernel does not take waits
 * in the batch, and all else behind it. */
#include <errno.h>
#include <string.h>

#include "local53/base/check.h"
#include "worker.h"

#define BATCHES_A_TURN 4

/* Nothing can be begun (ids, records, streams): tried again then. */
#define RETRY_NS 1000000ULL

/* ---- The batch ---- */

/* The first count messages are gone. */
static void remove_messages(struct lane_batch *batch, size_t count)
{
    for (size_t i = count; i < batch->count; i++) {
        struct lane_message *to = &batch->messages[i - count];
        const struct lane_message *from = &batch->messages[i];
        memcpy(to->data, from->data, from->len);
        to->len = from->len;
        to->slot = from->slot;
    }
    batch->count -= count;
}

static void count_sent(struct worker *worker, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct lane_message *message = &worker->out.messages[i];
        worker_count_sent(worker, flights_at(worker->flights, message->slot), message);
    }
}

void worker_drop_batch(struct worker *worker)
{
    for (size_t i = 0; i < worker->out.count; i++)
        worker->out.messages[i].sent_ns = worker->now_ns;
    count_sent(worker, worker->out.count);
    worker->out.count = 0;
    worker->blocked = false;
}

/* All, or the first alone, end this way without having left. */
static void end_messages(struct worker *worker, size_t count, enum outcome outcome)
{
    for (size_t i = 0; i < count; i++) {
        struct lane_message *message = &worker->out.messages[i];
        message->sent_ns = worker->now_ns;
        worker_count_sent(worker, flights_at(worker->flights, message->slot), message);
        worker_end_lost(worker, message->slot, outcome);
    }
    remove_messages(&worker->out, count);
}

void worker_give_up_batch(struct worker *worker)
{
    end_messages(worker, worker->out.count, OUTCOME_SEND_ERROR);
    worker->blocked = false;
}

static void block(struct worker *worker)
{
    if (!worker->blocked)
        worker->blocked_ns = worker->now_ns;
    worker->blocked = true;
}

/* Of a message not taken. ENOTCONN: the server closed a stream of which answers are still to be
 * read, so that it is not dead yet. */
static enum outcome outcome_of(int error)
{
    return error == ECONNREFUSED || error == ENOTCONN ? OUTCOME_REFUSED : OUTCOME_SEND_ERROR;
}

void worker_flush(struct worker *worker)
{
    struct worker_lane *lane = &worker->lanes[worker->out_lane];
    bool was_blocked = worker->blocked;
    worker->blocked = false;
    while (worker->out.count > 0 && !lane->dead) {
        int error;
        size_t taken = lane_send(lane->lane, &worker->out, &error);
        count_sent(worker, taken);
        remove_messages(&worker->out, taken);
        if (worker->out.count > 0 && error == EAGAIN) {
            worker->blocked = was_blocked;
            block(worker);
            break;
        }
        if (worker->out.count == 0)
            break;
        worker_take_errors(worker, worker->out_lane);
        if (worker->out.count > 0)
            end_messages(worker, 1, outcome_of(error));
    }
    if (lane->dead)
        end_messages(worker, worker->out.count, OUTCOME_REFUSED);
    else
        worker_watch_writing(worker, worker->out_lane);
}

void worker_ask(struct worker *worker, uint32_t slot, struct question_ref question,
                uint64_t intended_ns)
{
    struct flight *flight = flights_at(worker->flights, slot);
    struct lane_message *message = &worker->out.messages[worker->out.count++];
    ASSERT(!worker->blocked);
    worker->out_lane = flight->lane;
    worker->lanes[flight->lane].users++;
    flight->question = question;
    flight->intended_ns = intended_ns;
    message->slot = slot;
    message->len = queryset_render(workload_set(worker->plan->workload), question, message->data);
    bytes_put_u16(message->data, flight->id);
    if (worker->out.count == worker->out.cap) {
        worker_flush(worker);
        worker_pass_lane(worker);
    }
}

/* The batch is empty or for this lane, with room for count more. */
static bool make_room(struct worker *worker, uint16_t lane, size_t count)
{
    const struct lane_batch *out = &worker->out;
    if (!worker->blocked && out->count > 0 &&
        (worker->out_lane != lane || out->count + count > out->cap))
        worker_flush(worker);
    return !worker->blocked;
}

bool worker_can_ask(struct worker *worker, uint16_t lane, uint32_t count)
{
    if (!make_room(worker, lane, count))
        return false;
    if (flights_can_begin(worker->flights, lane, count, worker->now_ns))
        return true;
    worker->result.health.id_waits++;
    return false;
}

/* ---- Because of an answer ---- */

void worker_put_due(struct worker *worker, uint32_t entry)
{
    struct worker_due *due = &worker->due;
    CHECK(due->tail - due->head <= due->mask);
    due->entries[due->tail++ & due->mask] = entry;
}

void worker_forget_due(struct worker *worker)
{
    struct worker_due *due = &worker->due;
    while (due->head != due->tail) {
        uint32_t entry = due->entries[due->head++ & due->mask];
        if ((entry & WORKER_DUE_LOOKUP) != 0)
            worker_drop_lookup(worker, entry & ~WORKER_DUE_LOOKUP);
    }
}

/* Asks a cut question again over TCP. One that ended meanwhile is none any more. */
static bool ask_over_stream(struct worker *worker, uint32_t slot)
{
    struct flight *flight = flights_at(worker->flights, slot);
    uint16_t stream = (uint16_t)worker->sizing->lanes;
    uint16_t from = flight->lane;
    if (flight->state == FLIGHT_FREE || !flight->again || from == stream)
        return true;
    if (!worker_can_ask(worker, stream, 1) ||
        !flights_move(worker->flights, slot, stream, worker->now_ns))
        return false;
    worker->lanes[from].users--;
    worker_ask(worker, slot, flight->question, flight->intended_ns);
    worker_release_lane(worker, from);
    return true;
}

static bool send_entry(struct worker *worker, uint32_t entry)
{
    if ((entry & WORKER_DUE_LOOKUP) != 0)
        return worker_ask_step(worker, entry & ~WORKER_DUE_LOOKUP);
    return ask_over_stream(worker, entry);
}

static bool send_due(struct worker *worker)
{
    struct worker_due *due = &worker->due;
    while (due->head != due->tail) {
        if (!send_entry(worker, due->entries[due->head & due->mask]))
            return false;
        due->head++;
    }
    return true;
}

/* ---- New ones ---- */

/* The slot of a new query on the lane whose turn it is, or on the next. */
static uint32_t begin_flight(struct worker *worker)
{
    for (int tries = 0; tries < 2; tries++) {
        if (!worker_choose_lane(worker, 1) || !make_room(worker, worker->lane, 1))
            return FLIGHT_NONE;
        uint32_t slot = flights_begin(worker->flights, worker->lane, worker->now_ns);
        if (slot != FLIGHT_NONE)
            return slot;
        worker_pass_lane(worker);
    }
    return FLIGHT_NONE;
}

static bool begin_query(struct worker *worker, uint64_t intended_ns)
{
    uint32_t slot = begin_flight(worker);
    if (slot == FLIGHT_NONE)
        return false;
    worker_ask(worker, slot, generator_next(&worker->generator), intended_ns);
    return true;
}

/* A lookup or a query. */
static bool begin_unit(struct worker *worker, uint64_t intended_ns)
{
    bool begun = worker->lookups ? worker_begin_lookup(worker, intended_ns)
                                 : begin_query(worker, intended_ns);
    if (!begun && !worker->blocked)
        worker->idle_ns = worker->now_ns + RETRY_NS;
    else if (begun && worker->plan->ports == PORTS_PER_LOOKUP)
        worker_pass_lane(worker);
    return begun;
}

static void count_begun(struct worker *worker)
{
    if (worker->next_ns < worker->measure_ns)
        return;
    worker->result.health.planned++;
    worker->result.health.begun++;
}

static void send_arrivals(struct worker *worker, size_t most)
{
    for (size_t i = 0; i < most && worker->next_ns <= worker->now_ns; i++) {
        if (!begin_unit(worker, worker->next_ns))
            return;
        count_begun(worker);
        worker_next_arrival(worker);
    }
}

static uint32_t window_room(const struct worker *worker)
{
    uint32_t taken = worker->lookups ? worker->lookups_active : flights_waiting(worker->flights);
    return taken < worker->window ? worker->window - taken : 0;
}

/* Whole batches, unless the window is a small one. */
bool worker_has_room(const struct worker *worker)
{
    uint32_t least = worker->window / 8;
    if (least > worker->plan->batch)
        least = worker->plan->batch;
    return window_room(worker) >= (least > 0 ? least : 1);
}

static void refill(struct worker *worker, size_t most)
{
    if (!worker_has_room(worker))
        return;
    uint32_t room = window_room(worker);
    for (size_t i = 0; i < most && i < room; i++) {
        if (!begin_unit(worker, 0))
            return;
    }
}

void worker_send(struct worker *worker)
{
    size_t most = BATCHES_A_TURN * worker->out.cap;
    if (worker->blocked)
        worker_flush(worker);
    if (worker->blocked || worker->now_ns < worker->idle_ns)
        return;
    if (!send_due(worker))
        worker->idle_ns = worker->now_ns + RETRY_NS;
    else if (worker->sending && worker->plan->open_loop)
        send_arrivals(worker, most);
    else if (worker->sending)
        refill(worker, most);
    if (!worker->blocked && worker->out.count > 0) {
        worker_flush(worker);
        worker_pass_lane(worker);
    }
}
