/* worker_receive: what happens to an answer. The path of every answer: one system call a batch,
 * no allocation.
 * Owns nothing of its own; the worker's thread.
 * Bounds: ROUNDS_MAX batches of a lane a turn; what is left waits in the socket. Cannot fail:
 * what is no answer is counted. */
#include <sys/epoll.h>

#include "local53/dns/message.h"
#include "worker.h"

#define EVENTS_MAX 64
#define ROUNDS_MAX 256

/* To no query on its way. To one that has ended it is a duplicate, be it one more or the first
 * after the drain; to none of ours it is a stray. */
static void count_unmatched(struct worker *worker, uint16_t lane, const struct answer_head *head,
                            const struct lane_message *message)
{
    struct tally *tally = worker_tally(worker, message->received_ns >= worker->measure_ns);
    if (head != NULL && flights_is_resting(worker->flights, lane, head->id, message->received_ns))
        tally->duplicate++;
    else
        tally->stray++;
}

/* Cut over UDP: its query goes on over TCP (RFC 7766 section 5) and ends with the answer there. */
static void ask_again(struct worker *worker, uint32_t slot, const struct lane_message *message)
{
    struct flight *flight = flights_at(worker->flights, slot);
    struct tally *tally = worker_tally(worker, flight->measured);
    tally->octets_received += message->len;
    if (flight->again) {
        tally->duplicate++;
        return;
    }
    tally->truncated++;
    tally->retried++;
    flight->again = true;
    worker_put_due(worker, slot);
}

static void take_answer(struct worker *worker, uint16_t lane, const struct lane_message *message)
{
    struct bytes octets = {message->data, message->len};
    struct answer_head head;
    if (!judge_head(&head, octets)) {
        count_unmatched(worker, lane, NULL, message);
        return;
    }
    uint32_t slot = flights_find(worker->flights, lane, head.id);
    const struct flight *flight = slot == FLIGHT_NONE ? NULL : flights_at(worker->flights, slot);
    /* What came after the drain is too late, whether or not its query was ended by then. */
    if (flight == NULL || message->received_ns > flight->sent_ns + worker->life_ns) {
        count_unmatched(worker, lane, &head, message);
        return;
    }
    enum outcome outcome = judge_answer(&worker->judge, flight->question, &head, octets);
    bool is_cut = (head.flags & FLAG_TC) != 0 && outcome == OUTCOME_OK;
    if (is_cut && worker->sizing->streams > 0 && lane < worker->sizing->lanes)
        ask_again(worker, slot, message);
    else
        worker_end_answered(worker, slot, &head, message, outcome);
}

static void receive_lane(struct worker *worker, uint16_t number, uint32_t events)
{
    struct worker_lane *lane = &worker->lanes[number];
    size_t count = worker->in.cap;
    if (lane->lane == NULL || lane->dead)
        return;
    if ((events & EPOLLOUT) != 0) {
        lane_flush(lane->lane);
        worker_watch_writing(worker, number);
    }
    for (int round = 0; round < ROUNDS_MAX && count == worker->in.cap; round++) {
        count = lane_receive(lane->lane, &worker->in);
        for (size_t i = 0; i < count; i++)
            take_answer(worker, number, &worker->in.messages[i]);
    }
    worker_take_errors(worker, number);
    worker_release_lane(worker, number);
}

void worker_receive(struct worker *worker, int wait_ms)
{
    struct epoll_event events[EVENTS_MAX];
    uint32_t lanes = worker->sizing->lanes + worker->sizing->streams;
    int count = EVENTS_MAX;
    for (uint32_t seen = 0; seen < lanes && count == EVENTS_MAX; seen += EVENTS_MAX) {
        count = epoll_wait(worker->epoll, events, EVENTS_MAX, seen == 0 ? wait_ms : 0);
        for (int i = 0; i < count; i++)
            receive_lane(worker, (uint16_t)events[i].data.u32, events[i].events);
    }
}
