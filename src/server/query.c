/* query: one question from packet to reply, as a list of steps: each step does its part and
 * names the next. A batch takes the first steps of all its questions before the others of any: memory that
 * one asks for comes while others are worked on. On the stack of one loop's thread until it replies or
 * waits in flight; an answer from upstream comes back through on_answer, is stored, and replies to all.
 * Bounds: the tables of inflight and upstream; full ones drop the query and count it. */
#include "local53/server/query.h"

#include <string.h>

#include "local53/base/check.h"
#include "local53/base/hot.h"
#include "local53/endpoint/compose.h"
#include "local53/rules/special.h"
#include "local53/server/chase.h"
#include "local53/server/outcome.h"
#include "local53/server/worker.h"

/* S(id, word): a step of a query, taken by the function step_<word>. In the order in which they are taken:
 * each names a later one as the next. The first ones find what is asked and who answers, and write nothing
 * anybody sees. */
#define QUERY_FIRST_STEP_LIST(S)                                                                   \
    S(PARSE, parse)                                                                                \
    S(RULES, rules)                                                                                \
    S(KEY, key)

/* The others answer. Only CACHE waits for memory. */
#define QUERY_STEP_LIST(S)                                                                         \
    S(REJECT, reject)                                                                              \
    S(ANY, any)                                                                                    \
    S(COMPOSE, compose)                                                                            \
    S(CACHE, cache)                                                                                \
    S(JOIN, join)                                                                                  \
    S(ASK, ask)                                                                                    \
    S(DROP, drop)                                                                                  \
    S(REPLY, reply)

enum query_step {
#define QUERY_STEP_ENUM(id, word) STEP_##id,
    QUERY_FIRST_STEP_LIST(QUERY_STEP_ENUM) QUERY_STEP_LIST(QUERY_STEP_ENUM)
#undef QUERY_STEP_ENUM
        STEP_DONE
};

/* What a query carries from step to step. */
struct query {
    struct worker *worker;           /* borrowed; whose loop it is on */
    const struct client *client;     /* borrowed; where the reply goes */
    struct bytes packet;             /* borrowed; as received */
    struct request request;          /* from PARSE on */
    struct pending *earlier;         /* borrowed; whose answer it goes on with, or NULL */
    struct snapshot *snapshot;       /* borrowed; the rules and addresses it is answered from */
    struct decision decision;        /* from RULES on, when a rule has the name */
    uint32_t pool;                   /* from a cache miss on: who is asked */
    struct cache_key key;            /* from KEY on */
    const struct cache_place *place; /* from KEY on: where it is looked up */
    const struct entry *likely;      /* what probably stands there, fetched by a batch; or NULL */
    enum query_step next;            /* once the first steps are taken */
    uint64_t now_ms;                 /* the turn's time */
    size_t limit;                    /* octets the reply may have */
    struct writer reply;             /* where it is written */
    enum metrics_source source;      /* where the answer came from */
    unsigned error_rcode;            /* of an error, with the bits only EDNS can tell; else 0 */
    enum metrics_drop drop_reason;   /* why it is not worked on, for DROP */
    bool waiting;                    /* a reply is owed later */
};

/* --- writing replies --- */

/* Readies the writer: the next datagram of the client's socket, or the worker's buffer for streams. Called
 * when there is something to write, since a batch's questions all come here for the same place. */
static void reply_open(struct query *query)
{
    struct worker *worker = query->worker;
    if (query->client->transport == CLIENT_UDP) {
        query->reply = writer_init(udp_server_reserve(query->client->udp), UDP_REPLY_MAX);
        query->limit = request_udp_limit(&query->request, query->snapshot->rules->config->udp_size);
    } else {
        query->reply = writer_init(worker->stream_reply, MESSAGE_MAX_OCTETS);
        query->limit = MESSAGE_MAX_OCTETS;
    }
}

RARE static void write_error(struct query *query, enum dns_rcode rcode, enum ede_code ede,
                             const char *text)
{
    struct reply_status status = {.rcode = rcode, .ede = ede, .ede_text = text};
    query->reply.len = 0;
    query->reply.failed = false;
    query->source = METRICS_SOURCE_ERROR;
    query->error_rcode = rcode;
    reply_write_error(&query->reply, &query->request, &status);
}

static void count_reply(const struct query *query)
{
    struct metrics *metrics = query->worker->metrics;
    enum metrics_transport transport = (enum metrics_transport)query->client->transport;
    uint16_t flags = message_flags(query->reply.data);
    unsigned rcode =
        query->error_rcode > FLAG_RCODE_MASK ? query->error_rcode : flags & FLAG_RCODE_MASK;
    metrics_add(metrics, METRICS_RESPONSES, metrics_rcode_cell(transport, rcode), 1);
    metrics_add(metrics, METRICS_ANSWERS, query->source, 1);
    if ((flags & FLAG_TC) != 0)
        metrics_add(metrics, METRICS_TRUNCATED, transport, 1);
}

/* --- what a stored answer is worth under a configuration --- */

/* Sets the key for what was asked, of a name. */
static void set_key(struct query *query, const struct name *name)
{
    const struct request *request = &query->request;
    query->key = (struct cache_key){.name = name,
                                    .type = request->qtype,
                                    .class = request->qclass,
                                    .dnssec_ok = request->edns.dnssec_ok,
                                    .checking_disabled = (request->header.flags & FLAG_CD) != 0};
    cache_key_hash(&query->key, cache_secret(query->worker->cache));
}

/* True for an entry of another epoch that is valid under ours too. */
RARE static bool judge_hit(const struct query *query, const struct cache_key *key,
                           const struct entry *entry)
{
    enum outcome_hit hit =
        outcome_judge_hit(query->worker->cache, query->snapshot->rules, key, entry);
    if (hit == OUTCOME_HIT_VOIDED)
        metrics_add(query->worker->metrics, METRICS_CACHE_VOIDED, 0, 1);
    return hit == OUTCOME_HIT_VALID;
}

/* The valid entry under a key whose hash is set; NULL when there is none. likely: see cache_find. */
static const struct entry *lookup(const struct query *query, const struct cache_key *key,
                                  const struct entry *likely)
{
    const struct entry *entry = cache_find(query->worker->reader, key, likely, query->now_ms);
    if (entry == NULL || entry->epoch == query->snapshot->rules->epoch)
        return entry;
    return judge_hit(query, key, entry) ? entry : NULL;
}

/* The NXDOMAIN of a name, which is for all types. */
static const struct entry *lookup_absent(const struct query *query, const struct name *name)
{
    struct cache_key key = query->key;
    key.name = name;
    key.type = CACHE_TYPE_NXDOMAIN;
    cache_key_hash(&key, cache_secret(query->worker->cache));
    return lookup(query, &key, NULL);
}

/* Looks for an ancestor within the forward zone that is known not to exist. */
static bool answer_below_nxdomain(struct query *query)
{
    const struct config_forward *forward = query->snapshot->rules->pools[query->pool].config;
    const struct name *qname = &query->request.qname;
    struct name ancestor;
    for (size_t cut = 1; cut + forward->zone.labels < qname->labels; cut++) {
        name_parent(&ancestor, qname, cut);
        const struct entry *entry = lookup_absent(query, &ancestor);
        if (entry != NULL) {
            reply_open(query);
            entry_render_below(&query->reply, entry, &query->request, query->now_ms);
            return true;
        }
    }
    return false;
}

/* --- answers put together name by name --- */

/* What is known when a chain is followed; all borrowed. */
struct known {
    struct query *query;         /* whose chain it is */
    const struct name *name;     /* a forwarded name whose answer is at hand, or NULL */
    const struct entry *entry;   /* that answer */
    const struct decision *rule; /* of the question's name, or NULL: it is looked up */
};

/* The stored answer for a name to the type asked. The query's key is its key then. */
static const struct entry *find_stored(void *owner, const struct name *name)
{
    const struct known *known = owner;
    struct query *query = known->query;
    struct worker *worker = query->worker;
    if (known->name != NULL && name_equal(name, known->name))
        return known->entry;
    worker->wanted = *name;
    set_key(query, &worker->wanted);
    const struct entry *entry = lookup(query, &query->key, NULL);
    if (entry == NULL)
        entry = lookup_absent(query, &worker->wanted);
    if (entry != NULL)
        metrics_add(worker->metrics, METRICS_CACHE_HITS, 0, 1);
    return entry;
}

static void count_chain(struct query *query, const struct chase *chase)
{
    query->source = chase->is_zone ? METRICS_SOURCE_ZONE : METRICS_SOURCE_CHAIN;
    if (chase->answer.counted != NULL)
        metrics_add(query->worker->metrics, METRICS_ENDPOINT_ANSWERS, *chase->answer.counted, 1);
}

/* A private zone's answer, or one with a chain into a rule, into the opened reply. Nothing of it is kept when
 * a name has to be asked for: it begins anew with that answer. */
RARE static enum query_step follow_chain(struct query *query, struct known known)
{
    struct chase chase = {.answer = {.w = &query->reply,
                                     .request = &query->request,
                                     .snapshot = query->snapshot,
                                     .turn = query->worker->turn++,
                                     .now_ms = query->now_ms},
                          .find = find_stored,
                          .owner = &known,
                          .is_ruled = known.rule != NULL};
    if (known.rule != NULL)
        chase.rule = *known.rule;
    switch (chase_run(&chase)) {
    case CHASE_ANSWERED: count_chain(query, &chase); break;
    case CHASE_ASK:
        if (query->client->answers_used < CLIENT_ANSWERS_MAX)
            return STEP_JOIN;
        write_error(query, RCODE_SERVFAIL, EDE_OTHER, "an alias leads over too many answers");
        break;
    default: write_error(query, RCODE_SERVFAIL, chase.ede, chase.ede_text); break;
    }
    return STEP_REPLY;
}

/* --- the steps --- */

static enum query_step drop_for(struct query *query, enum metrics_drop reason)
{
    query->drop_reason = reason;
    return STEP_DROP;
}

static enum query_step reject_with(struct query *query, enum dns_rcode rcode)
{
    query->error_rcode = rcode;
    return STEP_REJECT;
}

static enum query_step step_parse(struct query *query)
{
    enum dns_rcode rcode = RCODE_FORMERR;
    switch (request_parse(&query->request, &rcode, query->packet.data, query->packet.len)) {
    case REQUEST_ANSWER: return STEP_RULES;
    case REQUEST_REJECT: return reject_with(query, rcode);
    case REQUEST_DROP:
    default:
        return drop_for(query, query->packet.len < MESSAGE_HEADER_OCTETS ? METRICS_DROP_SHORT
                                                                         : METRICS_DROP_RESPONSE);
    }
}

/* Addresses are of class IN: a name with a rule has nothing in another class, and what the public says of it
 * there (class ANY) is not let through either. */
RARE static enum query_step rules_of_other_class(struct query *query)
{
    if (!ruleset_find_rule(query->snapshot->rules, &query->request.qname, &query->decision))
        return STEP_KEY;
    return reject_with(query, RCODE_REFUSED);
}

/* Rules come first, always: an endpoint's answer never depends on what the cache holds. */
static enum query_step step_rules(struct query *query)
{
    const struct request *request = &query->request;
    if (request->qclass != CLASS_IN)
        return rules_of_other_class(query);
    if (ruleset_find_rule(query->snapshot->rules, &request->qname, &query->decision))
        return STEP_COMPOSE;
    return request->qtype == TYPE_ANY ? STEP_ANY : STEP_KEY;
}

static enum query_step step_key(struct query *query)
{
    set_key(query, &query->request.qname);
    query->place = cache_prefetch(query->worker->reader, &query->key);
    query->likely = NULL;
    return STEP_CACHE;
}

RARE static enum query_step step_reject(struct query *query)
{
    reply_open(query);
    write_error(query, (enum dns_rcode)query->error_rcode, EDE_NONE, NULL);
    return STEP_REPLY;
}

/* ANY for a name that is not ours to know in full. */
RARE static enum query_step step_any(struct query *query)
{
    reply_open(query);
    reply_write_any(&query->reply, &query->request);
    query->source = METRICS_SOURCE_SPECIAL;
    return STEP_REPLY;
}

/* What is composed of more than addresses. */
RARE static enum query_step compose_other(struct query *query)
{
    const struct decision *rule = &query->decision;
    if (rule->kind == DECISION_ZONE)
        return follow_chain(query, (struct known){.query = query, .rule = rule});
    size_t count;
    const struct special_row *rows = special_rows(&count);
    ASSERT(rule->index < count);
    special_answer(&query->reply, &query->request, rows[rule->index].kind, rule->rule_labels);
    query->source = METRICS_SOURCE_SPECIAL;
    return STEP_REPLY;
}

HOT RARE static enum query_step step_compose(struct query *query)
{
    const struct decision *rule = &query->decision;
    reply_open(query);
    if (rule->kind != DECISION_ENDPOINT)
        return compose_other(query);
    struct compose compose = {.addresses = &query->snapshot->addresses[rule->index],
                              .rule_labels = rule->rule_labels,
                              .turn = query->worker->turn++,
                              .now_ms = query->now_ms};
    compose_answer(&query->reply, &query->request, &compose);
    query->source = METRICS_SOURCE_ENDPOINT;
    metrics_add(query->worker->metrics, METRICS_ENDPOINT_ANSWERS,
                query->snapshot->endpoint_slots[rule->index], 1);
    return STEP_REPLY;
}

static enum query_step step_cache(struct query *query)
{
    const struct entry *entry = lookup(query, &query->key, query->likely);
    if (entry == NULL)
        entry = lookup_absent(query, &query->request.qname);
    if (entry == NULL)
        return STEP_JOIN;
    query->source = METRICS_SOURCE_CACHE;
    reply_open(query);
    metrics_add(query->worker->metrics, METRICS_CACHE_HITS, 0, 1);
    if (entry->decision.cut > 0)
        return follow_chain(query, (struct known){query, &query->request.qname, entry, NULL});
    entry_render(&query->reply, entry, &query->request, query->now_ms, query->limit);
    return STEP_REPLY;
}

static struct inflight_key inflight_key_of(const struct query *query)
{
    return (struct inflight_key){.key = &query->key,
                                 .recursion_desired = (query->request.header.flags & FLAG_RD) != 0,
                                 .pool = query->pool,
                                 .snapshot = query->snapshot};
}

/* A chain that goes on is no new question: an ordered stop waits for it as for its first one. */
static enum query_step wait_for(struct query *query, struct pending *pending)
{
    if (query->earlier != NULL)
        inflight_follow(pending, query->earlier);
    query->waiting = true;
    return STEP_DONE;
}

RARE static enum query_step step_join(struct query *query)
{
    struct worker *worker = query->worker;
    const struct ruleset *rules = query->snapshot->rules;
    bool is_own = query->key.name == &query->request.qname;
    query->pool = ruleset_find_pool(rules, query->key.name);
    if (is_own && rules->pools[query->pool].config->nxdomain_cut && answer_below_nxdomain(query)) {
        metrics_add(worker->metrics, METRICS_CACHE_HITS, 0, 1);
        query->source = METRICS_SOURCE_CACHE;
        return STEP_REPLY;
    }
    metrics_add(worker->metrics, METRICS_CACHE_MISSES, 0, 1);
    struct inflight_key key = inflight_key_of(query);
    struct pending *pending = inflight_find(&worker->inflight, &key);
    if (pending == NULL)
        return STEP_ASK;
    if (!inflight_join(&worker->inflight, pending, query->client, &query->request))
        return drop_for(query, METRICS_DROP_WAITERS_FULL);
    metrics_add(worker->metrics, METRICS_INFLIGHT_JOINED, 0, 1);
    return wait_for(query, pending);
}

static void on_answer(void *owner, const struct exchange_result *result);

RARE static enum query_step step_ask(struct query *query)
{
    struct worker *worker = query->worker;
    struct inflight_key key = inflight_key_of(query);
    struct pending *pending = inflight_add(&worker->inflight, &key, query->snapshot);
    if (pending == NULL)
        return drop_for(query, METRICS_DROP_INFLIGHT_FULL);
    struct question question = {.qname = &pending->qname,
                                .qtype = query->request.qtype,
                                .qclass = query->request.qclass,
                                .recursion_desired = key.recursion_desired,
                                .checking_disabled = query->key.checking_disabled,
                                .dnssec_ok = query->key.dnssec_ok};
    pending->owner = worker;
    if (!inflight_join(&worker->inflight, pending, query->client, &query->request)) {
        inflight_remove(&worker->inflight, pending);
        return drop_for(query, METRICS_DROP_WAITERS_FULL);
    }
    if (exchange_start(worker->upstream, &query->snapshot->pools[query->pool], &question, on_answer,
                       pending) == 0) {
        inflight_remove(&worker->inflight, pending);
        return drop_for(query, METRICS_DROP_INFLIGHT_FULL);
    }
    struct request asked = query->request; /* an alias may have led to another name */
    asked.qname = pending->qname;
    leaks_note(worker->leaks, query->snapshot->rules, &asked, worker->metrics, query->now_ms);
    return wait_for(query, pending);
}

RARE static void cut_reply(struct query *query)
{
    reply_truncate(&query->reply, &query->request);
}

/* Sends what was written, cut to what the client takes. */
static enum query_step step_reply(struct query *query)
{
    struct writer *reply = &query->reply;
    if (reply->failed || reply->len > query->limit)
        cut_reply(query);
    count_reply(query);
    if (query->client->transport == CLIENT_UDP)
        udp_server_commit(query->client->udp, &query->client->peer, reply->len);
    else
        connection_reply(query->worker, query->client->connection, reply->data, reply->len);
    return STEP_DONE;
}

/* Over UDP silence sends the client to its next server; on a connection an answer is owed for each query
 * (RFC 7766 section 7). */
RARE static enum query_step step_drop(struct query *query)
{
    struct worker *worker = query->worker;
    bool is_table = query->drop_reason == METRICS_DROP_INFLIGHT_FULL;
    metrics_add(worker->metrics, METRICS_DROPPED, query->drop_reason, 1);
    if (!is_table && query->drop_reason != METRICS_DROP_WAITERS_FULL)
        return STEP_DONE;
    LOG_LIMITED(&worker->shed_limit, query->now_ms, LOG_LEVEL_WARN, "query.shed",
                LOG_TEXT("reason", is_table ? "inflight_full" : "waiters_full"),
                LOG_UINT("inflight", slab_used(&worker->inflight.pending)));
    if (query->client->transport == CLIENT_UDP)
        return STEP_DONE;
    reply_open(query);
    write_error(query, RCODE_SERVFAIL, EDE_OTHER, "too many questions are waiting");
    return STEP_REPLY;
}

/* No step leads back, so their lists are the program: one pass takes a query from any of them to the end.
 * They are called by name and not through a table, and so become one piece of code. */
#define QUERY_STEP_RUN(id, word)                                                                   \
    if (step == STEP_##id)                                                                         \
        step = step_##word(query);

/* Takes the first steps of a packet. */
static void query_begin(struct query *query, struct worker *worker, const struct client *client,
                        struct bytes packet)
{
    enum query_step step = STEP_PARSE;
    query->worker = worker;
    query->client = client;
    query->earlier = NULL;
    query->packet = packet;
    query->snapshot = worker->snapshot;
    query->now_ms = loop_now_ms(worker->loop);
    query->waiting = false;
    query->error_rcode = RCODE_NOERROR;
    QUERY_FIRST_STEP_LIST(QUERY_STEP_RUN)
    query->next = step;
}

/* Takes the others, from any of them on. */
static void query_end(struct query *query, enum query_step step)
{
    QUERY_STEP_LIST(QUERY_STEP_RUN)
    CHECK(step == STEP_DONE);
}

bool query_one(struct worker *worker, const struct client *client, struct bytes packet)
{
    struct query query;
    cache_enter(worker->reader);
    query_begin(&query, worker, client, packet);
    query_end(&query, query.next);
    cache_leave(worker->reader);
    return query.waiting;
}

/* The last of a batch stands for the WORKER_SAMPLE queries since the one before. */
RARE static void take_sample(const struct query *query)
{
    query->worker->sample_left += WORKER_SAMPLE;
    if (query->next != STEP_REJECT && query->next != STEP_DROP)
        worker_sample(query->worker, &query->request);
}

HOT size_t query_batch(struct worker *worker, struct client *client,
                       const struct udp_packet *packets, size_t count)
{
    struct query queries[UDP_BATCH];
    size_t waiting = 0;
    CHECK(count > 0 && count <= UDP_BATCH);
    cache_enter(worker->reader);
    for (size_t i = 0; i < count; i++)
        query_begin(&queries[i], worker, client, (struct bytes){packets[i].data, packets[i].len});
    for (size_t i = 0; i < count; i++)
        if (queries[i].next == STEP_CACHE)
            queries[i].likely = cache_likely(worker->reader, &queries[i].key, queries[i].place);
    for (size_t i = 0; i < count; i++) {
        client->peer = packets[i].peer;
        query_end(&queries[i], queries[i].next);
        waiting += queries[i].waiting;
    }
    cache_leave(worker->reader);
    worker->sample_left -= (int32_t)count;
    if (worker->sample_left <= 0)
        take_sample(&queries[count - 1]);
    return waiting;
}

/* --- when upstream has answered --- */

/* What an answer gives one who waited for it: all, or the next part of a chain from another name or cut in
 * it. That may take one more question. */
static enum query_step answer_waiter(struct query *query, const struct name *name,
                                     const struct entry *entry)
{
    reply_open(query);
    if (entry->decision.cut == 0 && name_equal(&query->request.qname, name)) {
        entry_render(&query->reply, entry, &query->request, query->now_ms, query->limit);
        return STEP_REPLY;
    }
    cache_enter(query->worker->reader);
    enum query_step step = follow_chain(query, (struct known){query, name, entry, NULL});
    cache_leave(query->worker->reader);
    return step;
}

/* Replies to one who waited, from the snapshot its question began with. */
static void reply_to_waiter(struct pending *pending, const struct waiter *waiter,
                            const struct entry *entry)
{
    struct worker *worker = pending->owner;
    struct client client = waiter->client;
    struct query query = {.worker = worker,
                          .client = &client,
                          .earlier = pending,
                          .snapshot = pending->snapshot,
                          .now_ms = loop_now_ms(worker->loop),
                          .source = METRICS_SOURCE_UPSTREAM};
    client.answers_used++;
    waiter_request(&query.request, waiter, &pending->qname);
    query_end(&query, answer_waiter(&query, &pending->qname, entry));
    if (query.waiting)
        return;
    if (client.transport == CLIENT_TCP)
        connection_answered(worker, client.connection);
    metrics_observe(worker->metrics, METRICS_HISTOGRAM_LATENCY_FORWARDED, 0,
                    loop_now_us(worker->loop) - client.received_us);
}

static void on_answer(void *owner, const struct exchange_result *result)
{
    struct pending *pending = owner;
    struct worker *worker = pending->owner;
    const struct ruleset *rules = pending->snapshot->rules;
    bool is_current = rules->epoch == worker->snapshot->rules->epoch;
    struct outcome outcome = {.pending = pending,
                              .result = result,
                              .cache = worker->cache,
                              .scratch = worker->scratch,
                              .now_ms = loop_now_ms(worker->loop)};
    const struct entry *entry = outcome_entry(&outcome, rules, pending->pool);
    bool keep = pending->recursion_desired && result->err != ERR_CLOSED;
    if (is_current && keep)
        cache_insert(worker->cache, entry);
    /* What came after the word to stop is left to the client's next server rather than failed. */
    bool is_left = worker->phase >= WORKER_LEAVING && result->err == ERR_CLOSED &&
                   pending->sequence >= worker->stop_sequence;
    for (struct waiter *waiter; !is_left && (waiter = inflight_take_waiter(pending)) != NULL;) {
        reply_to_waiter(pending, waiter, entry);
        inflight_give(&worker->inflight, waiter);
    }
    if (!is_current && keep)
        outcome_store_under(&outcome, worker->snapshot->rules);
    inflight_remove(&worker->inflight, pending);
}
