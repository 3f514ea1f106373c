/* exchange: the steps of one question. Owns nothing outside its place in the slab; attempts are embedded
 * and wait in the tables of sockets and connections. One loop's thread. Bounds: PACKETS_MAX a server and
 * transport (RFC 9520 section 3.1), ATTEMPTS_MAX awaited at once, EXCHANGE_BUDGET_MS. Fails: with the last
 * SERVFAIL or REFUSED some server gave, else with an error; always from the next turn, so never from inside
 * exchange_start. Order of servers: those that are up before those that are down, then those asked less
 * often, then as configured: the first is the preferred one, the others take over when it is silent. */
#include "local53/upstream/exchange.h"

#include <string.h>

#include "judge.h"
#include "local53/base/check.h"
#include "local53/dns/message.h"
#include "local53/dns/reply.h"
#include "upstream.h"

#define PACKETS_MAX 3      /* a server and transport */
#define PACKETS_MAX_DOWN 1 /* to one that was down when it was first asked, and another was up */
#define ATTEMPTS_MAX 6 /* awaited at once, late answers included; then the oldest is forgotten */
#define QUESTION_MAX_OCTETS (NAME_MAX_OCTETS + 4)
#define PACKET_MAX_OCTETS (MESSAGE_HEADER_OCTETS + QUESTION_MAX_OCTETS + EDNS_OPT_OCTETS)

/* One server of the pool, as far as this question is concerned. */
struct target {
    uint8_t server;  /* index in the upstream's table */
    uint8_t sent[2]; /* packets over UDP, queries over TCP */
    uint8_t allowed; /* packets over UDP; 0 until the first */
    bool gave_up;    /* it refused, failed or is refused: not asked again */
    bool plain;      /* asked without EDNS: it did not understand it */
    bool was_reset;  /* a connection ended with the query pending */
};

struct exchange {
    struct upstream *upstream;             /* borrowed */
    struct link link;                      /* place in upstream->active */
    struct timer timer;                    /* of the attempt that is current */
    struct timer budget;                   /* of the whole question */
    struct later_item later;               /* tells a failure in the next turn */
    exchange_on_done on_done;              /* NULL for a probe */
    void *owner;                           /* borrowed; on_done's */
    struct attempt attempts[ATTEMPTS_MAX]; /* waiting ones have a table */
    struct attempt *current;               /* the one the timer runs for; NULL for none */
    struct target targets[POOL_SERVERS_MAX];
    uint8_t target_count;              /* used of targets */
    bool over_tcp;                     /* UDP is given up: an answer was cut, or is being forged */
    bool timed_out;                    /* some server was silent */
    bool refused;                      /* some server refused or failed; the two below say how */
    uint8_t refused_by;                /* its index in targets */
    uint16_t refused_flags;            /* the flags of its message */
    uint16_t question_len;             /* octets of the question in packet */
    enum err err;                      /* last failure that was no refusal */
    uint8_t packet[PACKET_MAX_OCTETS]; /* header, question, OPT; id and ARCOUNT vary */
};

size_t exchange_octets(void)
{
    return sizeof(struct exchange);
}

static struct server *server_of(const struct exchange *exchange, const struct target *target)
{
    return exchange->upstream->servers[target->server];
}

static struct bytes question_of(const struct exchange *exchange)
{
    return (struct bytes){exchange->packet + MESSAGE_HEADER_OCTETS, exchange->question_len};
}

/* --- the end --- */

/* Nobody is waited for any more. */
static void stop(struct exchange *exchange)
{
    timer_stop(&exchange->timer);
    timer_stop(&exchange->budget);
    exchange->current = NULL;
    for (size_t i = 0; i < ATTEMPTS_MAX; i++)
        waiting_forget(&exchange->attempts[i]);
}

/* Gives everything back; the exchange is gone. */
static void release(struct exchange *exchange)
{
    struct upstream *upstream = exchange->upstream;
    stop(exchange);
    later_cancel(&exchange->later);
    for (size_t i = 0; i < exchange->target_count; i++)
        upstream_unuse(upstream, exchange->targets[i].server);
    if (exchange->on_done != NULL)
        upstream->questions--;
    list_remove(&exchange->link);
    slab_give(&upstream->slab, exchange);
}

/* Gives it back, then tells its owner: the owner may start the next in its place. */
static void finish(struct exchange *exchange, const struct exchange_result *result)
{
    exchange_on_done on_done = exchange->on_done;
    void *owner = exchange->owner;
    release(exchange);
    if (on_done != NULL)
        on_done(owner, result);
}

static void finish_answered(struct exchange *exchange, const struct target *target,
                            const uint8_t *message, size_t len)
{
    struct addr server = server_of(exchange, target)->addr;
    struct exchange_result result = {
        .err = ERR_OK, .ede = EDE_NONE, .message = message, .len = len, .server = &server};
    finish(exchange, &result);
}

/* The refusal that was the last word, as far as it was kept: header and question. */
static void finish_refused(struct exchange *exchange)
{
    uint8_t message[MESSAGE_HEADER_OCTETS + QUESTION_MAX_OCTETS] = {0};
    size_t len = MESSAGE_HEADER_OCTETS + (size_t)exchange->question_len;
    memcpy(message, exchange->packet, len);
    bytes_put_u16(message + FLAGS_OFFSET, exchange->refused_flags);
    bytes_put_u16(message + ARCOUNT_OFFSET, 0);
    finish_answered(exchange, &exchange->targets[exchange->refused_by], message, len);
}

static void run_failed(struct later_item *item)
{
    struct exchange *exchange = LIST_ITEM(item, struct exchange, later);
    struct exchange_result result = {.err = exchange->err, .ede = EDE_NETWORK_ERROR};
    if (exchange->refused) {
        finish_refused(exchange);
        return;
    }
    if (exchange->timed_out)
        result.err = ERR_TIMEOUT;
    if (exchange->timed_out || exchange->target_count == 0)
        result.ede = EDE_NO_REACHABLE_AUTHORITY;
    finish(exchange, &result);
}

/* No server is left to ask. */
static void fail(struct exchange *exchange)
{
    stop(exchange);
    later_add(&exchange->upstream->env.later, &exchange->later, run_failed);
}

/* --- asking --- */

static uint8_t packets_left(const struct exchange *exchange, const struct target *target)
{
    uint8_t sent = target->sent[exchange->over_tcp];
    uint8_t allowed = exchange->over_tcp || target->allowed == 0 ? PACKETS_MAX : target->allowed;
    return target->gave_up || sent >= allowed ? 0 : (uint8_t)(allowed - sent);
}

/* True when a is to be asked before b, which stands earlier in the configured order. */
static bool goes_before(const struct exchange *exchange, const struct target *a,
                        const struct target *b)
{
    bool a_down = server_of(exchange, a)->health.down;
    bool b_down = server_of(exchange, b)->health.down;
    if (a_down != b_down)
        return b_down;
    return a->sent[exchange->over_tcp] < b->sent[exchange->over_tcp];
}

/* Who is asked next, or NULL. */
static struct target *next_target(struct exchange *exchange)
{
    struct target *best = NULL;
    for (size_t i = 0; i < exchange->target_count; i++) {
        struct target *target = &exchange->targets[i];
        if (packets_left(exchange, target) == 0)
            continue;
        if (best == NULL || goes_before(exchange, target, best))
            best = target;
    }
    return best;
}

/* A place for one more attempt; the oldest is forgotten when there is none. */
static struct attempt *attempt_take(struct exchange *exchange)
{
    struct attempt *oldest = &exchange->attempts[0];
    for (size_t i = 0; i < ATTEMPTS_MAX; i++) {
        struct attempt *attempt = &exchange->attempts[i];
        if (attempt->table == NULL)
            return attempt;
        if (attempt->sent_us < oldest->sent_us)
            oldest = attempt;
    }
    waiting_forget(oldest);
    return oldest;
}

/* The packet with or without its OPT; gives its length. */
static size_t packet_dress(struct exchange *exchange, bool edns)
{
    size_t len = MESSAGE_HEADER_OCTETS + (size_t)exchange->question_len;
    bytes_put_u16(exchange->packet + ARCOUNT_OFFSET, edns ? 1 : 0);
    return edns ? len + EDNS_OPT_OCTETS : len;
}

static void target_failed(struct exchange *exchange, const struct attempt *attempt, enum err err)
{
    struct target *target = &exchange->targets[attempt->target];
    exchange->err = err;
    target->gave_up = true;
    server_failed(server_of(exchange, target), attempt);
    upstream_plan_probes(exchange->upstream);
}

/* Nothing left this machine (descriptors or buffers have run out): no fault of the server. */
static void local_failure(struct exchange *exchange, struct target *target, enum err err)
{
    exchange->err = err;
    target->gave_up = true;
}

static bool some_is_up(const struct exchange *exchange)
{
    for (size_t i = 0; i < exchange->target_count; i++) {
        if (!server_of(exchange, &exchange->targets[i])->health.down)
            return true;
    }
    return false;
}

/* Sends to one server and waits for its answer; false when nothing could be sent. */
static bool ask(struct exchange *exchange, struct target *target)
{
    struct server *server = server_of(exchange, target);
    struct attempt *attempt = attempt_take(exchange);
    attempt->owner = exchange;
    attempt->target = (uint8_t)(target - exchange->targets);
    attempt->edns = !target->plain && !server_is_plain(server);
    attempt->over_tcp = exchange->over_tcp;
    if (target->allowed == 0)
        target->allowed =
            server->health.down && some_is_up(exchange) ? PACKETS_MAX_DOWN : PACKETS_MAX;
    target->sent[exchange->over_tcp]++;
    size_t len = packet_dress(exchange, attempt->edns);
    enum err err = server_send(server, attempt, exchange->packet, len);
    if (err != ERR_OK && exchange->over_tcp)
        exchange->err = err;
    else if (err == ERR_REFUSED || err == ERR_UNREACHABLE)
        target_failed(exchange, attempt, err);
    else if (err != ERR_OK)
        local_failure(exchange, target, err);
    if (err != ERR_OK)
        return false;
    exchange->current = attempt;
    timer_start(upstream_timeout_class(exchange->upstream, server_timeout_ms(server, attempt)),
                &exchange->timer);
    return true;
}

/* The packets are used up, but an answer may still come within the budget: a server that is up and slow (a
 * name that it has to look for itself) is worth the wait, one that was down beside one that was up is not. */
static bool may_still_come(const struct exchange *exchange)
{
    for (size_t i = 0; i < ATTEMPTS_MAX && !exchange->refused; i++) {
        const struct attempt *attempt = &exchange->attempts[i];
        const struct target *target = &exchange->targets[attempt->target];
        if (attempt->table != NULL && !target->gave_up && target->allowed == PACKETS_MAX)
            return true;
    }
    return false;
}

/* Asks the next server; each turn of the loop uses up a packet of some target. With none left, what is
 * still awaited has until the end of the budget. */
static void ask_next(struct exchange *exchange)
{
    struct target *target;
    exchange->current = NULL;
    timer_stop(&exchange->timer);
    while ((target = next_target(exchange)) != NULL) {
        if (ask(exchange, target))
            return;
    }
    if (!may_still_come(exchange))
        fail(exchange);
}

/* Asks the same server once more, differently; the next one when it has had its packets. */
static void ask_again(struct exchange *exchange, struct target *target)
{
    if (target->sent[exchange->over_tcp] < PACKETS_MAX && ask(exchange, target))
        return;
    ask_next(exchange);
}

/* --- what comes in --- */

/* A server cannot or will not answer: its word is kept, and the next one is asked unless somebody else
 * is being waited for. The last server's word goes out as it came. message: empty when unreadable. */
static void take_refusal(struct exchange *exchange, struct target *target, struct bytes message,
                         bool was_current)
{
    struct server *server = server_of(exchange, target);
    metrics_add(exchange->upstream->env.metrics, METRICS_UPSTREAM_FAILURES, server->slot, 1);
    target->gave_up = true;
    if (message.len == 0) {
        exchange->err = ERR_MALFORMED;
    } else {
        exchange->refused = true;
        exchange->refused_by = (uint8_t)(target - exchange->targets);
        exchange->refused_flags = message_flags(message.data);
    }
    if (!was_current && exchange->current != NULL)
        return;
    if (message.len > 0 && next_target(exchange) == NULL)
        finish_answered(exchange, target, message.data, message.len);
    else
        ask_next(exchange);
}

/* Remembers a server that refused EDNS and answers without it. One that is silent is not taken for such:
 * packets are lost for other reasons (RFC 6891 section 7 speaks of responses only). */
static void learn_edns(const struct exchange *exchange, const struct target *target,
                       const uint8_t *message)
{
    unsigned rcode = message_rcode(message);
    struct server *server = server_of(exchange, target);
    if (target->plain && !server_is_plain(server) && rcode != RCODE_FORMERR &&
        rcode != RCODE_NOTIMP)
        server_refused_edns(server);
}

static void take(struct exchange *exchange, struct target *target, enum verdict verdict,
                 struct bytes message, bool was_current)
{
    switch (verdict) {
    case VERDICT_FOREIGN: return;
    case VERDICT_MALFORMED:
        take_refusal(exchange, target, (struct bytes){NULL, 0}, was_current);
        return;
    case VERDICT_CUT:
        exchange->over_tcp = true;
        ask_again(exchange, target);
        return;
    case VERDICT_NO_EDNS:
        target->plain = true;
        ask_again(exchange, target);
        return;
    case VERDICT_REFUSAL:
        learn_edns(exchange, target, message.data);
        take_refusal(exchange, target, message, was_current);
        return;
    case VERDICT_ANSWER:
        learn_edns(exchange, target, message.data);
        finish_answered(exchange, target, message.data, message.len);
        return;
    }
}

/* Down means silent: any readable word ends that for a probe. For questions SERVFAIL proves nothing: the
 * server may have lost its own upstreams. */
static bool shows_alive(const struct exchange *exchange, enum verdict verdict,
                        const uint8_t *message)
{
    unsigned rcode = message_rcode(message);
    bool is_probe = exchange->on_done == NULL;
    return verdict != VERDICT_MALFORMED && (is_probe || rcode != RCODE_SERVFAIL);
}

static bool on_message(struct attempt *attempt, const uint8_t *message, size_t len)
{
    struct exchange *exchange = attempt->owner;
    struct target *target = &exchange->targets[attempt->target];
    const struct judge_asked asked = {question_of(exchange), attempt->edns, attempt->over_tcp};
    enum verdict verdict = judge_message(&asked, message, len);
    bool was_current = exchange->current == attempt;
    if (verdict == VERDICT_FOREIGN)
        return false;
    server_answered(server_of(exchange, target), attempt, shows_alive(exchange, verdict, message));
    if (exchange->on_done == NULL)
        release(exchange);
    else
        take(exchange, target, verdict, (struct bytes){message, len}, was_current);
    return true;
}

static bool others_left(const struct exchange *exchange, const struct target *target)
{
    for (size_t i = 0; i < exchange->target_count; i++) {
        if (&exchange->targets[i] != target && packets_left(exchange, &exchange->targets[i]) > 0)
            return true;
    }
    return false;
}

/* A connection ended with the query pending: asked once more elsewhere (RFC 7766 section 6.2.4), which
 * for the only server is a new connection. ERR_CLOSED is kept for our own end. */
static void take_reset(struct exchange *exchange, struct target *target, enum err err)
{
    metrics_add(exchange->upstream->env.metrics, METRICS_UPSTREAM_FAILURES,
                server_of(exchange, target)->slot, 1);
    exchange->err = err == ERR_OK || err == ERR_CLOSED ? ERR_UNREACHABLE : err;
    target->gave_up = target->was_reset || others_left(exchange, target);
    target->was_reset = true;
}

static void on_lost(struct attempt *attempt, enum err err)
{
    struct exchange *exchange = attempt->owner;
    struct target *target = &exchange->targets[attempt->target];
    if (attempt->over_tcp)
        take_reset(exchange, target, err);
    else
        target_failed(exchange, attempt, err);
    if (exchange->current == attempt || exchange->current == NULL)
        ask_next(exchange);
}

static bool is_guessed(const struct attempt *attempt, const uint8_t *message, size_t len)
{
    return judge_says_question(question_of(attempt->owner), message, len);
}

/* Somebody guesses at the answer: over TCP it cannot be guessed (RFC 5452 section 9.3). What waits on other
 * sockets is as safe as before, and still awaited. */
static void on_flooded(struct attempt *attempt)
{
    struct exchange *exchange = attempt->owner;
    if (exchange->over_tcp)
        return;
    exchange->over_tcp = true;
    ask_again(exchange, &exchange->targets[attempt->target]);
}

const struct attempt_events EXCHANGE_EVENTS = {.on_message = on_message,
                                               .on_lost = on_lost,
                                               .is_guessed = is_guessed,
                                               .on_flooded = on_flooded};

void exchange_on_timeout(void *owner, struct timer *timer)
{
    struct exchange *exchange = LIST_ITEM(timer, struct exchange, timer);
    struct attempt *attempt = exchange->current;
    (void)owner;
    exchange->current = NULL;
    exchange->timed_out = true;
    server_timed_out(server_of(exchange, &exchange->targets[attempt->target]), attempt);
    upstream_plan_probes(exchange->upstream);
    ask_next(exchange);
}

void exchange_on_budget(void *owner, struct timer *timer)
{
    struct exchange *exchange = LIST_ITEM(timer, struct exchange, budget);
    (void)owner;
    exchange->timed_out = true;
    fail(exchange);
}

/* --- the beginning --- */

static void add_target(struct exchange *exchange, int server)
{
    for (size_t i = 0; i < exchange->target_count; i++) {
        if (exchange->targets[i].server == server) {
            upstream_unuse(exchange->upstream, (unsigned)server);
            return;
        }
    }
    exchange->targets[exchange->target_count++].server = (uint8_t)server;
}

static void write_question(struct exchange *exchange, const struct question *question)
{
    struct writer w = writer_init(exchange->packet, sizeof(exchange->packet));
    struct outgoing outgoing = {.recursion_desired = question->recursion_desired,
                                .checking_disabled = question->checking_disabled,
                                .dnssec_ok = question->dnssec_ok,
                                .edns = true};
    query_write(&w, &outgoing, question->qname, question->qtype, question->qclass);
    CHECK(!w.failed);
    exchange->question_len = (uint16_t)(question->qname->len + 4);
}

/* A place in the slab with the question written; no targets yet. NULL when the slab is full. */
static struct exchange *exchange_new(struct upstream *upstream, const struct question *question)
{
    struct exchange *exchange = slab_take(&upstream->slab);
    if (exchange == NULL)
        return NULL;
    exchange->upstream = upstream;
    exchange->err = ERR_UNREACHABLE;
    list_append(&upstream->active, &exchange->link);
    write_question(exchange, question);
    return exchange;
}

slab_id exchange_start(struct upstream *upstream, const struct pool *pool,
                       const struct question *question, exchange_on_done on_done, void *owner)
{
    if (upstream->closing || upstream->questions >= upstream->questions_max)
        return 0;
    struct exchange *exchange = exchange_new(upstream, question);
    if (exchange == NULL)
        return 0;
    upstream->questions++;
    exchange->on_done = on_done;
    exchange->owner = owner;
    for (size_t i = 0; i < pool->count; i++) {
        int server = upstream_use(upstream, &pool->servers[i], pool->slots[i]);
        if (server >= 0)
            add_target(exchange, server);
    }
    timer_start(upstream->budget, &exchange->budget);
    ask_next(exchange);
    return slab_id_of(&upstream->slab, exchange);
}

void exchange_probe(struct upstream *upstream, unsigned server)
{
    struct name root;
    name_root(&root);
    const struct question question = {
        .qname = &root, .qtype = TYPE_NS, .qclass = CLASS_IN, .recursion_desired = true};
    struct exchange *exchange = exchange_new(upstream, &question);
    if (exchange == NULL)
        return;
    upstream->servers[server]->users++;
    add_target(exchange, (int)server);
    exchange->targets[0].allowed = PACKETS_MAX_DOWN;
    ask_next(exchange);
}

void exchange_cancel(struct upstream *upstream, slab_id id)
{
    struct exchange *exchange = slab_find(&upstream->slab, id);
    if (exchange != NULL)
        release(exchange);
}

void exchange_end_all(struct upstream *upstream)
{
    const struct exchange_result result = {.err = ERR_CLOSED, .ede = EDE_NETWORK_ERROR};
    struct link *link;
    while ((link = list_first(&upstream->active)) != NULL)
        finish(LIST_ITEM(link, struct exchange, link), &result);
}
