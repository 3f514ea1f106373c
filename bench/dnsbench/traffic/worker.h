/* worker: one thread of a run and all that it owns: lanes, queries on their way, schedule,
 * questions, figures. Nothing of it is shared while it runs but struct worker_orders (read) and
 * struct worker_live (written by this thread alone). Private to traffic.
 *   worker.c          life, the turn: send, receive, wait; what is done once a millisecond
 *   worker_lanes.c    sockets: opening, choosing, closing, what the kernel dropped
 *   worker_send.c     a question: from the schedule or the window, through a batch, to the kernel
 *   worker_receive.c  an answer: to which question, what it is, what follows from it
 *   worker_lookup.c   lookups: two questions at a time, step by step
 *   worker_end.c      the one end of each query, and its figures */
#ifndef DNSBENCH_TRAFFIC_WORKER_H
#define DNSBENCH_TRAFFIC_WORKER_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "measure/machine.h"
#include "measure/result.h"
#include "sizing.h"
#include "traffic/crew.h"
#include "traffic/flights.h"
#include "traffic/judge.h"
#include "traffic/lane.h"
#include "traffic/pacer.h"
#include "workload/lookup.h"
#include "workload/workload.h"

/* Answers read by one system call. */
#define WORKER_IN_BATCH 32

/* Told to all workers while they run. */
struct worker_orders {
    _Atomic bool stop;         /* send no more, wait for what is on its way */
    _Atomic bool abandon;      /* do not even wait: nobody listens */
    _Atomic uint32_t running;  /* workers that have not ended yet */
    _Atomic uint64_t start_ns; /* when offset 0 of the schedule is; 0: go home */
};

/* What a worker tells while it runs; sums since its start. A cache line of its own. */
struct worker_live {
    alignas(64) _Atomic uint64_t sent; /* queries */
    _Atomic uint64_t ok;               /* see enum outcome */
    _Atomic uint64_t lost;             /* all other ends */
    _Atomic uint64_t refused;          /* of these, refused */
    _Atomic uint64_t answered;         /* ends that an answer brought, whatever it was */
    _Atomic uint64_t response_sum_us;  /* of those ok */
};

/* One socket and its place in the poll. */
struct worker_lane {
    struct lane *lane;     /* owned; NULL while not open */
    uint32_t client;       /* whose it is, over all threads */
    uint32_t users;        /* queries and lookups on it */
    uint32_t next_free;    /* PORTS_PER_LOOKUP: list of those not open */
    uint32_t timeouts[2];  /* queries of it never answered: warm-up, measured */
    uint64_t warmup_drops; /* datagrams the kernel had dropped when the warm-up ended */
    uint64_t retry_ns;     /* a dead stream is opened again then */
    bool dead;             /* a stream that was closed */
    bool writable_wanted;  /* polled for writing */
};

/* A lookup on its way. */
struct worker_lookup {
    struct lookup lookup; /* its state */
    uint64_t intended_ns; /* of its first questions; 0 in a closed loop until they are sent */
    uint64_t due_ns;      /* of its present questions: when the last answer came; 0 at the start */
    uint32_t next_free;   /* list of places not in use */
    uint16_t lane;        /* the client's */
};

/* Things to be sent because of an answer, in order: a ring. An entry is a flight's slot (to be
 * asked over TCP), or a lookup's with WORKER_DUE_LOOKUP (its next two questions). */
#define WORKER_DUE_LOOKUP 0x80000000U
struct worker_due {
    uint32_t *entries; /* owned; mask + 1 of them */
    uint32_t mask;     /* a power of two - 1 */
    uint32_t head;     /* next to be taken; counts on */
    uint32_t tail;     /* next to be put; counts on */
};

struct worker {
    /* Given. */
    const struct run_plan *plan;  /* borrowed */
    const struct sizing *sizing;  /* borrowed */
    struct worker_orders *orders; /* borrowed; shared */
    uint32_t number;              /* 0..threads-1 */
    uint32_t window;              /* closed loop: its share */
    bool lookups;                 /* the unit is the lookup */
    bool prompt;                  /* answers are acted on, or stamped by us: wait for them */

    /* Times, monotonic clock. */
    uint64_t start_ns;    /* offset 0 */
    uint64_t measure_ns;  /* the warm-up ends */
    uint64_t stop_ns;     /* sending ends */
    uint64_t now_ns;      /* of this turn */
    uint64_t next_ns;     /* open loop: next arrival; UINT64_MAX after the last */
    uint64_t tick_ns;     /* next tick */
    uint64_t receive_ns;  /* open loop: next look into the sockets */
    uint64_t idle_ns;     /* nothing can be begun before, but for what answers make room for */
    uint64_t blocked_ns;  /* since when the out batch waits for the kernel */
    uint64_t smoothed_ns; /* of responses: closed loop */
    uint64_t life_ns;     /* after so long no answer is taken any more: timeout and drain */
    uint64_t overdue_ns;  /* after so long a query is OVERDUE */
    bool sending;         /* new queries are begun */
    bool interrupted;     /* sending ended early */
    bool blocked;         /* the kernel did not take all of the out batch */

    /* Owned. */
    struct flights *flights;      /* queries on their way */
    struct worker_lane *lanes;    /* owned; sizing's lanes and streams */
    struct worker_lookup *places; /* owned; lookups on their way */
    struct worker_due due;        /* what answers brought up */
    struct lane_batch out;        /* being filled for lanes[out_lane], or waiting for the kernel */
    struct lane_batch in;         /* answers of one system call */
    struct generator generator;   /* questions */
    struct pacer pacer;           /* arrivals */
    struct judge judge;           /* of answers */
    struct result result;         /* figures, merged when all have ended */
    struct thread_usage usage;    /* at the start of the measured time */
    uint64_t usage_ns;            /* when that was; 0: not yet */
    uint64_t response_sum_ns;     /* of all that were ok */
    uint64_t answered;            /* for struct worker_live */
    uint32_t lookups_active;      /* places in use */
    uint32_t free_place;          /* first place not in use */
    uint32_t free_lane;           /* PORTS_PER_LOOKUP: first lane not in use */
    uint32_t client_turn;         /* PORTS_PER_LOOKUP: whose turn it is */
    uint32_t lane_count; /* lanes to ask over in turn; streams of udp+tc stand at sizing->lanes */
    uint16_t lane;       /* whose turn it is to ask */
    bool lane_chosen;    /* that lane was found able to ask */
    uint16_t out_lane;   /* whose batch is being filled */
    int epoll;           /* owned; all lanes */
    enum err err;        /* why it could not begin */
    struct worker_live live; /* read by others */
};

/* ---- worker.c ---- */

/* Allocates (fatal when that fails) and opens the lanes: errors of lane_open, why gets a
 * sentence. deinit accepts a zeroed one. */
enum err worker_init(struct worker *worker, const struct run_plan *plan,
                     const struct sizing *sizing, uint32_t number, char why[256]);
void worker_deinit(struct worker *worker);

/* Runs it to the end on the calling thread, from orders->start_ns on. */
void worker_run(struct worker *worker);

/* Open loop: makes next_ns the arrival after it. */
void worker_next_arrival(struct worker *worker);

/* The figures of a query whose intended time is this: measured or warm-up. */
static inline struct tally *worker_tally(struct worker *worker, bool measured)
{
    return measured ? &worker->result.measured : &worker->result.warmup;
}

/* ---- worker_lanes.c ---- */

/* Opens all lanes (PORTS_PER_LOOKUP: none yet) and streams; as worker_init. close: the kernel's
 * drops are counted. */
enum err worker_lanes_open(struct worker *worker, char why[256]);
void worker_lanes_close(struct worker *worker);

/* Makes worker->lane one that count queries can be begun on: the present one, or the next
 * (PORTS_PER_LOOKUP: a fresh one); false when there is none now (counted as id_waits where ids
 * are the reason). */
bool worker_choose_lane(struct worker *worker, uint32_t count);

/* The lane's turn is over: the next question goes to the next. */
void worker_pass_lane(struct worker *worker);

/* Closes a lane of PORTS_PER_LOOKUP that nobody uses any more. */
void worker_release_lane(struct worker *worker, uint16_t lane);

/* Takes what the host told of a lane: refused queries end; a closed stream is dead, what was on
 * it refused. */
void worker_take_errors(struct worker *worker, uint16_t lane);

/* Opens dead streams again whose time has come. */
void worker_reopen_streams(struct worker *worker);

/* Polls a stream for writing as long as it holds unsent octets. */
void worker_watch_writing(struct worker *worker, uint16_t lane);

/* The warm-up is over: drops so far are not of the measured time. */
void worker_mark_drops(struct worker *worker);

/* ---- worker_send.c ---- */

/* Sends what is due: what answers brought up, then arrivals (open loop) or refills (closed
 * loop), some batches at most. */
void worker_send(struct worker *worker);

/* Closed loop: the window has room enough for sending to be worth a system call. */
bool worker_has_room(const struct worker *worker);

/* Room for count questions on this lane, in the batch and in the table; a batch that stands in
 * the way is sent first. */
bool worker_can_ask(struct worker *worker, uint16_t lane, uint32_t count);

/* Puts a question into the batch; slot: its record, just begun on that lane. intended_ns 0: when
 * it is sent. */
void worker_ask(struct worker *worker, uint32_t slot, struct question_ref question,
                uint64_t intended_ns);

/* Hands the batch to the kernel; what it does not take for want of room stays, and blocked is
 * set. */
void worker_flush(struct worker *worker);

/* Empties the batch; its queries count as sent now. Ending them is the caller's, or (give up)
 * they end as send errors. */
void worker_drop_batch(struct worker *worker);
void worker_give_up_batch(struct worker *worker);

/* Notes what is to be sent because of an answer. forget: none of it is sent, its lookups are
 * dropped. */
void worker_put_due(struct worker *worker, uint32_t entry);
void worker_forget_due(struct worker *worker);

/* ---- worker_receive.c ---- */

/* Reads all lanes that have something, waiting at most wait_ms for the first. */
void worker_receive(struct worker *worker, int wait_ms);

/* ---- worker_lookup.c ---- */

/* Begins a lookup; false when nothing can be begun now. */
bool worker_begin_lookup(struct worker *worker, uint64_t intended_ns);

/* Asks the present two questions of a lookup; false when they cannot be begun now. */
bool worker_ask_step(struct worker *worker, uint32_t place);

/* What became of a question of a lookup; received_ns is 0 where nothing came. */
void worker_lookup_answered(struct worker *worker, uint32_t place, enum lookup_answer answer,
                            uint64_t received_ns);

/* Ends a lookup none of whose questions is on its way, without a figure. */
void worker_drop_lookup(struct worker *worker, uint32_t place);

/* ---- worker_end.c ---- */

/* A query was handed to the kernel (or refused by it) at sent_ns. */
void worker_count_sent(struct worker *worker, struct flight *flight,
                       const struct lane_message *message);

/* Ends a query with an answer: outcome is what judge_answer said, and becomes LATE here. */
void worker_end_answered(struct worker *worker, uint32_t slot, const struct answer_head *head,
                         const struct lane_message *message, enum outcome outcome);

/* Ends a query without: TIMEOUT, REFUSED, SEND_ERROR. */
void worker_end_lost(struct worker *worker, uint32_t slot, enum outcome outcome);

/* Marks what is overdue and ends what will not come any more. */
void worker_expire(struct worker *worker);

/* Ends all queries of a lane as refused. */
void worker_end_lane(struct worker *worker, uint16_t lane);

/* As TESTER_DROPPED instead of TIMEOUT: count queries of a lane, of the measured time or not;
 * gives how many there were. */
uint64_t worker_turn_timeouts(struct worker *worker, uint16_t lane, bool measured, uint64_t count);

#endif
