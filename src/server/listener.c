/* listener: sockets towards clients of one loop. A batch of datagrams is answered before the next is
 * read; a TCP connection is read while it has fewer than CONNECTION_PENDING_MAX queries waiting and
 * fewer than CONNECTION_QUEUED_MAX octets unsent. When the table of connections is full the one idle
 * longest gives way; when none is idle the new one is refused and counted. */
#include "local53/server/listener.h"

#include "local53/base/check.h"
#include "local53/server/query.h"
#include "local53/server/worker.h"

/* --- UDP --- */

/* What the kernel did not hand over or take, summed over the loop's sockets; at most once a period,
 * since asking costs a system call a socket. */
static void count_drops(struct worker *worker)
{
    struct listeners *listeners = &worker->listeners;
    struct udp_stats sum = {0, 0};
    uint64_t now_ms = loop_now_ms(worker->loop);
    if (now_ms < listeners->drops_due_ms)
        return;
    listeners->drops_due_ms = now_ms + LISTENER_DROPS_PERIOD_MS;
    for (size_t i = 0; i < listeners->count; i++) {
        struct udp_stats stats = udp_server_stats(listeners->udp[i]);
        sum.kernel_drops += stats.kernel_drops;
        sum.send_drops += stats.send_drops;
    }
    metrics_set(worker->metrics, METRICS_KERNEL_DROPS, 0, sum.kernel_drops);
    metrics_add(worker->metrics, METRICS_DROPPED, METRICS_DROP_SEND,
                sum.send_drops - listeners->send_drops);
    listeners->send_drops = sum.send_drops;
}

static void on_batch(void *owner, struct udp_server *server, struct udp_packet *packets,
                     size_t count)
{
    struct worker *worker = owner;
    uint64_t begun_us = loop_now_us(worker->loop);
    struct client client = {.transport = CLIENT_UDP, .udp = server, .received_us = begun_us};
    size_t waiting = query_batch(worker, &client, packets, count);
    metrics_add(worker->metrics, METRICS_QUERIES, METRICS_TRANSPORT_UDP, count);
    udp_server_flush(server);
    count_drops(worker);
    metrics_observe_many(worker->metrics, METRICS_HISTOGRAM_LATENCY_LOCAL, 0,
                         loop_now_us(worker->loop) - begun_us, count - waiting);
}

/* --- TCP --- */

static void count_connections(struct worker *worker)
{
    metrics_set(worker->metrics, METRICS_TCP_CONNECTIONS, 0, worker->listeners.connections_open);
}

/* Closes one once; patient: what is queued for the client leaves first. Its place comes free later,
 * with on_end. */
static void connection_close(struct connection *connection, bool patient)
{
    struct worker *worker = connection->worker;
    if (connection->closing)
        return;
    connection->closing = true;
    timer_stop(&connection->idle);
    list_remove(&connection->open);
    worker->listeners.connections_open--;
    count_connections(worker);
    if (patient)
        stream_close(connection->stream);
    else
        stream_abort(connection->stream);
}

/* Questions are taken only while the connection is within its bounds. */
static bool may_read(const struct connection *connection)
{
    return !connection->closing && connection->pending < CONNECTION_PENDING_MAX &&
           stream_queued(connection->stream) < CONNECTION_QUEUED_MAX;
}

/* An idle connection is closed after a while, or at once when the client has finished or the server is
 * stopping; one with queries pending never is (RFC 7766 section 6.2.3). What a bound holds back is
 * still to be answered: nothing is finished then. */
static void watch_idle(struct connection *connection)
{
    struct listeners *listeners = &connection->worker->listeners;
    if (connection->closing)
        return;
    if (connection->pending > 0) {
        timer_stop(&connection->idle);
        return;
    }
    if ((connection->finished && !connection->paused) ||
        connection->worker->phase == WORKER_STOPPING) {
        connection_close(connection, true);
        return;
    }
    timer_start(listeners->idle, &connection->idle);
    list_remove(&connection->open);
    list_append(&listeners->open, &connection->open);
}

static void on_idle(void *owner, struct timer *timer)
{
    (void)owner;
    connection_close(LIST_ITEM(timer, struct connection, idle), true);
}

/* Answers the whole messages held, until a bound says to wait: then the rest stays here until
 * connection_resume, for the network will not tell of it again. */
static void connection_work(struct connection *connection)
{
    struct worker *worker = connection->worker;
    struct client client = {.transport = CLIENT_TCP,
                            .connection = slab_id_of(&worker->listeners.connections, connection),
                            .received_us = loop_now_us(worker->loop)};
    struct bytes message;
    bool too_long = false;
    size_t pos = 0;
    while (may_read(connection) && frame_next(&connection->frame, &pos, &message, &too_long)) {
        metrics_add(worker->metrics, METRICS_QUERIES, METRICS_TRANSPORT_TCP, 1);
        if (query_one(worker, &client, message))
            connection->pending++;
    }
    frame_consume(&connection->frame, pos);
    connection->paused = !may_read(connection);
    if (too_long)
        connection_close(connection, true);
    else
        watch_idle(connection);
}

static uint8_t *on_space(void *owner, struct stream *stream, size_t *cap)
{
    struct connection *connection = owner;
    struct writer space = frame_space(&connection->frame);
    (void)stream;
    connection->paused = !may_read(connection) || space.cap == 0;
    *cap = connection->paused ? 0 : space.cap;
    return space.data;
}

static void on_data(void *owner, struct stream *stream, size_t len)
{
    struct connection *connection = owner;
    (void)stream;
    frame_filled(&connection->frame, len);
    connection_work(connection);
}

/* Goes on with what a bound held back: messages already here first, then reading. */
static void connection_resume(struct connection *connection)
{
    if (!connection->paused || !may_read(connection))
        return;
    connection_work(connection);
    if (!connection->paused)
        stream_resume(connection->stream);
}

static void on_drained(void *owner, struct stream *stream)
{
    (void)stream;
    connection_resume(owner);
}

/* The client sends no more: what it asked is still answered (RFC 7766 section 6.2.4 by its spirit: a
 * reply whose reader is there is owed). */
static void on_eof(void *owner, struct stream *stream)
{
    struct connection *connection = owner;
    (void)stream;
    connection->finished = true;
    watch_idle(connection);
}

static void on_end(void *owner, struct stream *stream, enum err err)
{
    struct connection *connection = owner;
    struct listeners *listeners = &connection->worker->listeners;
    (void)stream;
    (void)err;
    if (!connection->closing) {
        timer_stop(&connection->idle);
        list_remove(&connection->open);
        listeners->connections_open--;
        count_connections(connection->worker);
    }
    slab_give(&listeners->connections, connection);
}

static const struct stream_events connection_events = {.on_space = on_space,
                                                       .on_data = on_data,
                                                       .on_drained = on_drained,
                                                       .on_eof = on_eof,
                                                       .on_end = on_end};

/* At the limit the connection that has been idle longest gives way; nobody idle: false. */
static bool make_room(struct listeners *listeners)
{
    if (listeners->connections_open < listeners->connections_max)
        return true;
    LIST_EACH(item, after, &listeners->open) {
        struct connection *connection = LIST_ITEM(item, struct connection, open);
        if (connection->pending == 0) {
            connection_close(connection, false);
            return true;
        }
    }
    return false;
}

static void on_connection(void *owner, struct stream_listener *listener, struct stream *stream)
{
    struct worker *worker = owner;
    struct listeners *listeners = &worker->listeners;
    struct connection *connection =
        make_room(listeners) ? slab_take(&listeners->connections) : NULL;
    (void)listener;
    if (connection == NULL) {
        metrics_add(worker->metrics, METRICS_DROPPED, METRICS_DROP_CONNECTIONS_FULL, 1);
        stream_refuse(stream);
        return;
    }
    connection->worker = worker;
    connection->stream = stream;
    frame_init(&connection->frame, connection->input, sizeof(connection->input));
    list_append(&listeners->open, &connection->open);
    listeners->connections_open++;
    count_connections(worker);
    stream_accept(stream, &connection_events, connection);
    watch_idle(connection);
}

void connection_reply(struct worker *worker, slab_id id, const uint8_t *message, size_t len)
{
    struct connection *connection = slab_find(&worker->listeners.connections, id);
    uint8_t head[2];
    if (connection == NULL)
        return;
    bytes_put_u16(head, (uint16_t)len);
    stream_write(connection->stream, head, sizeof(head), message, len);
}

void connection_answered(struct worker *worker, slab_id id)
{
    struct connection *connection = slab_find(&worker->listeners.connections, id);
    if (connection == NULL)
        return;
    CHECK(connection->pending > 0);
    connection->pending--;
    watch_idle(connection);
    connection_resume(connection);
}

/* --- opening and closing --- */

static enum err open_one(struct worker *worker, const struct addr *addr)
{
    struct listeners *listeners = &worker->listeners;
    size_t i = listeners->count;
    bool two_sockets = worker->snapshot->rules->config->udp_send_socket;
    enum err err = (two_sockets ? udp_server_open : udp_server_open_single)(
        &listeners->udp[i], worker->loop, addr, on_batch, worker);
    if (err != ERR_OK)
        return err;
    listeners->count++;
    struct addr bound = udp_server_addr(listeners->udp[i]);
    return stream_listen_tcp(&listeners->tcp[i], worker->loop, &bound, on_connection, worker);
}

void listeners_configure(struct worker *worker)
{
    struct listeners *listeners = &worker->listeners;
    uint64_t idle_ms = worker->snapshot->rules->config->tcp_idle_s * UINT64_C(1000);
    struct timer_class *before = listeners->idle;
    if (worker->phase != WORKER_SERVING)
        idle_ms = CONNECTION_LEAVING_MS;
    if (before != NULL && idle_ms == listeners->idle_ms)
        return;
    listeners->idle_ms = idle_ms;
    listeners->idle = timer_class_new(worker->loop, idle_ms, on_idle, worker);
    LIST_EACH(item, after, &listeners->open) {
        struct connection *connection = LIST_ITEM(item, struct connection, open);
        if (list_is_linked(&connection->idle.link)) {
            timer_stop(&connection->idle);
            timer_start(listeners->idle, &connection->idle);
        }
    }
    timer_class_free(before);
}

enum err listeners_open(struct worker *worker, const struct addr *addresses, size_t count,
                        uint32_t connections, struct addr *failed)
{
    struct listeners *listeners = &worker->listeners;
    CHECK(count <= LISTENER_ADDRESSES_MAX);
    slab_init(&listeners->connections, sizeof(struct connection),
              connections + CONNECTION_CLOSING_MAX);
    listeners->connections_max = connections;
    list_init(&listeners->open);
    listeners_configure(worker);
    for (size_t i = 0; i < count; i++) {
        enum err err = open_one(worker, &addresses[i]);
        if (err != ERR_OK) {
            *failed = addresses[i];
            return err;
        }
    }
    return ERR_OK;
}

void listeners_seal(struct worker *worker)
{
    for (size_t i = 0; i < worker->listeners.count; i++)
        udp_server_seal(worker->listeners.udp[i]);
}

enum err listeners_steer(const struct worker *worker, size_t active)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < worker->listeners.count && err == ERR_OK; i++)
        err = udp_server_steer(worker->listeners.udp[i], 0, active);
    return err;
}

enum err listeners_lead(const struct worker *worker, size_t address, size_t first, size_t count)
{
    const struct listeners *listeners = &worker->listeners;
    CHECK(address < listeners->count);
    enum err err = udp_server_steer(listeners->udp[address], first, count);
    return err == ERR_OK ? stream_listener_steer(listeners->tcp[address], first, count) : err;
}

void listeners_read_out(struct worker *worker)
{
    for (size_t i = 0; i < worker->listeners.count; i++)
        udp_server_read_out(worker->listeners.udp[i]);
}

void listeners_drain(struct worker *worker)
{
    struct listeners *listeners = &worker->listeners;
    for (size_t i = 0; i < listeners->count; i++) {
        if (listeners->tcp[i] != NULL)
            stream_listener_close(listeners->tcp[i]);
        listeners->tcp[i] = NULL;
    }
    LIST_EACH(item, after, &listeners->open) {
        struct connection *connection = LIST_ITEM(item, struct connection, open);
        if (connection->pending == 0)
            connection_close(connection, true);
    }
}

void listeners_close(struct worker *worker)
{
    struct listeners *listeners = &worker->listeners;
    listeners_drain(worker);
    for (struct link *item; (item = list_first(&listeners->open)) != NULL;)
        connection_close(LIST_ITEM(item, struct connection, open), true);
    for (size_t i = 0; i < listeners->count; i++)
        udp_server_close(listeners->udp[i]);
    listeners->count = 0;
    timer_class_free(listeners->idle);
}

void listeners_deinit(struct worker *worker)
{
    slab_deinit(&worker->listeners.connections);
}
