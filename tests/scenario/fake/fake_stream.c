/* fake_stream: connections without a kernel. A wire is the connection as the test sees it and lives until
 * fake_net_deinit; a stream is our end of it and ends as in the real room: once, told in a later turn.
 * Each segment the test sends is one read, unless the reader's buffer is smaller. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_net.h"
#include "fake_private.h"
#include "local53/base/check.h"
#include "local53/net/stream.h"
#include "local53/net/timer.h"

#define LINGER_MS 1000
#define FIRST_PORT 50000

/* Octets that grow. */
struct octets {
    uint8_t *data; /* owned */
    size_t len;    /* octets in use */
    size_t cap;    /* octets there is room for */
};

struct segment {
    struct link link; /* place in its wire */
    size_t len;       /* octets in data */
    size_t pos;       /* octets read already */
    uint8_t data[];
};

struct wire {
    struct link link;      /* place in the list of all wires */
    uint64_t id;           /* the test's name for it */
    struct stream *stream; /* our end; NULL once it ended */
    struct addr peer;      /* the test's end */
    struct link segments;  /* of struct segment; owned; sent and not read */
    struct octets queued;  /* written and not taken by the peer's kernel */
    struct octets got;     /* taken by the peer's kernel, not by the test */
    unsigned writes;       /* calls of stream_write */
    bool is_unix;          /* of a Unix listener */
    bool is_taken;         /* told by fake_tcp_take_connect; true for clients' */
    bool is_established;   /* may carry octets */
    bool is_stalled;       /* the peer does not read */
    bool is_finished;      /* the peer sends no more */
    enum err failure;      /* of the connection; ERR_OK for none */
    uint64_t at_ms;        /* when it was asked for */
};

struct stream {
    struct link link;                   /* place in the loop's list */
    struct loop *loop;                  /* borrowed */
    struct wire *wire;                  /* borrowed */
    struct stream_listener *listener;   /* not yet handed over by; NULL afterwards */
    const struct stream_events *events; /* borrowed; NULL while nobody is to be told */
    void *owner;                        /* borrowed */
    bool is_connected;                  /* the owner was told */
    bool is_paused;                     /* on_space gave 0 */
    bool is_eof;                        /* the owner knows that the peer sends no more */
    bool is_ending;                     /* only on_end may still be told */
    bool is_patient;                    /* what is queued may leave first */
    enum err end;                       /* what on_end will be told */
    struct alarm *linger;               /* owned; ends its patience */
};

struct stream_listener {
    struct link link;                   /* place in the loop's list */
    struct loop *loop;                  /* borrowed */
    struct addr addr;                   /* TCP; zeroed for Unix */
    char *path;                         /* owned; NULL for TCP */
    stream_on_connection on_connection; /* told each connection */
    void *owner;                        /* borrowed */
    bool is_closing;                    /* freed by the next turn */
};

static struct fake_stream {
    struct link wires;  /* of struct wire; owned */
    uint16_t last_port; /* last port given */
} state;

/* --- octets and wires --- */

static void octets_put(struct octets *octets, const void *data, size_t len)
{
    if (len == 0)
        return;
    if (octets->cap - octets->len < len) {
        octets->cap = 2 * (octets->len + len);
        octets->data = realloc(octets->data, octets->cap);
        CHECK(octets->data != NULL);
    }
    memcpy(octets->data + octets->len, data, len);
    octets->len += len;
}

static void octets_drop_front(struct octets *octets, size_t len)
{
    octets->len -= len;
    if (octets->len > 0)
        memmove(octets->data, octets->data + len, octets->len);
}

static void drop_segments(struct wire *wire)
{
    struct link *link;
    while ((link = list_take_first(&wire->segments)) != NULL)
        free(LIST_ITEM(link, struct segment, link));
}

static struct wire *new_wire(const struct addr *peer)
{
    struct wire *wire = fake_new(sizeof(*wire));
    wire->id = fake_next_id();
    wire->peer = *peer;
    wire->at_ms = fake_net_now_ms();
    list_init(&wire->segments);
    list_append(&state.wires, &wire->link);
    return wire;
}

static struct wire *wire_of(uint64_t id)
{
    struct wire *found = NULL;
    LIST_EACH(item, after, &state.wires) {
        struct wire *wire = LIST_ITEM(item, struct wire, link);
        if (wire->id == id)
            found = wire;
    }
    CHECK(found != NULL);
    return found;
}

void fake_stream_init(void)
{
    memset(&state, 0, sizeof(state));
    state.last_port = FIRST_PORT;
    list_init(&state.wires);
}

void fake_stream_deinit(void)
{
    struct link *link;
    while ((link = list_take_first(&state.wires)) != NULL) {
        struct wire *wire = LIST_ITEM(link, struct wire, link);
        drop_segments(wire);
        free(wire->queued.data);
        free(wire->got.data);
        free(wire);
    }
}

static struct stream *new_stream(struct loop *loop, struct wire *wire)
{
    struct stream *stream = fake_new(sizeof(*stream));
    stream->loop = loop;
    stream->wire = wire;
    wire->stream = stream;
    list_append(&loop->streams, &stream->link);
    return stream;
}

/* --- end --- */

static void on_linger(void *owner)
{
    struct stream *stream = owner;
    stream->is_patient = false;
}

static void end_stream(struct stream *stream, enum err reason, bool patient)
{
    if (!stream->is_ending) {
        stream->is_ending = true;
        stream->end = reason;
        stream->is_patient = true;
        stream->linger = alarm_new(stream->loop, on_linger, stream);
        alarm_set(stream->linger, LINGER_MS);
    }
    stream->is_patient = stream->is_patient && patient;
}

/* Tells the end and frees it, once nothing is to be waited for; true when that was now. */
static bool finish(struct stream *stream)
{
    struct wire *wire = stream->wire;
    if (stream->is_patient && wire->queued.len > 0)
        return false;
    wire->stream = NULL;
    wire->queued.len = 0;
    drop_segments(wire);
    alarm_free(stream->linger);
    list_remove(&stream->link);
    if (stream->events != NULL)
        stream->events->on_end(stream->owner, stream, stream->end);
    free(stream);
    return true;
}

/* --- a turn --- */

/* Hands over a client's connection, or tells that ours is established or failed. */
static bool connect_step(struct stream *stream)
{
    struct wire *wire = stream->wire;
    if (stream->listener != NULL) {
        struct stream_listener *listener = stream->listener;
        stream->listener = NULL;
        stream->is_connected = true;
        if (listener->is_closing)
            end_stream(stream, ERR_OK, false);
        else
            listener->on_connection(listener->owner, listener, stream);
        return true;
    }
    if (stream->is_connected || !wire->is_established)
        return false;
    stream->is_connected = true;
    if (wire->queued.len == 0 && stream->events->on_drained != NULL)
        stream->events->on_drained(stream->owner, stream);
    return true;
}

/* What is queued leaves when the peer reads. */
static bool write_step(struct stream *stream)
{
    struct wire *wire = stream->wire;
    if (!stream->is_connected || wire->is_stalled || wire->queued.len == 0)
        return false;
    octets_put(&wire->got, wire->queued.data, wire->queued.len);
    wire->queued.len = 0;
    if (!stream->is_ending && stream->events->on_drained != NULL)
        stream->events->on_drained(stream->owner, stream);
    return true;
}

/* One read of one segment. */
static void read_segment(struct stream *stream, struct segment *segment)
{
    size_t cap = 0;
    uint8_t *space = stream->events->on_space(stream->owner, stream, &cap);
    size_t len = segment->len - segment->pos;
    if (stream->is_ending)
        return;
    if (cap == 0) {
        stream->is_paused = true;
        return;
    }
    len = len < cap ? len : cap;
    memcpy(space, segment->data + segment->pos, len);
    segment->pos += len;
    if (segment->pos == segment->len) {
        list_remove(&segment->link);
        free(segment);
    }
    stream->events->on_data(stream->owner, stream, len);
}

static void take_eof(struct stream *stream)
{
    stream->is_eof = true;
    if (stream->events->on_eof != NULL)
        stream->events->on_eof(stream->owner, stream);
    else
        end_stream(stream, ERR_CLOSED, true);
}

/* What the peer sent, then its end. */
static bool read_step(struct stream *stream)
{
    struct wire *wire = stream->wire;
    if (!stream->is_connected || stream->is_paused || stream->events == NULL)
        return false;
    struct link *first = list_first(&wire->segments);
    if (first != NULL)
        read_segment(stream, LIST_ITEM(first, struct segment, link));
    else if (wire->is_finished && !stream->is_eof)
        take_eof(stream);
    else
        return false;
    return true;
}

static bool stream_turn(struct stream *stream)
{
    if (!stream->is_ending && stream->wire->failure != ERR_OK && stream->listener == NULL)
        end_stream(stream, stream->wire->failure, false);
    bool worked = !stream->is_ending && connect_step(stream);
    worked = write_step(stream) || worked;
    worked = (!stream->is_ending && read_step(stream)) || worked;
    return (stream->is_ending && finish(stream)) || worked;
}

static bool listener_turn(struct stream_listener *listener)
{
    if (!listener->is_closing)
        return false;
    list_remove(&listener->link);
    free(listener->path);
    free(listener);
    return true;
}

bool fake_stream_turn(struct loop *loop)
{
    bool worked = false;
    LIST_EACH(item, after, &loop->streams)
        worked = stream_turn(LIST_ITEM(item, struct stream, link)) || worked;
    LIST_EACH(item, after, &loop->listeners)
        worked = listener_turn(LIST_ITEM(item, struct stream_listener, link)) || worked;
    return worked;
}

/* --- the door --- */

static struct stream_listener *new_listener(struct loop *loop, stream_on_connection on_connection,
                                            void *owner)
{
    struct stream_listener *listener = fake_new(sizeof(*listener));
    listener->loop = loop;
    listener->on_connection = on_connection;
    listener->owner = owner;
    list_append(&loop->listeners, &listener->link);
    return listener;
}

enum err stream_listen_tcp(struct stream_listener **out, struct loop *loop, const struct addr *addr,
                           stream_on_connection on_connection, void *owner)
{
    struct stream_listener *listener = new_listener(loop, on_connection, owner);
    listener->addr = addr_port(addr) != 0 ? *addr : addr_with_port(*addr, ++state.last_port);
    *out = listener;
    return ERR_OK;
}

enum err stream_listener_steer(const struct stream_listener *listener, size_t first, size_t count)
{
    (void)listener;
    (void)first;
    (void)count;
    return ERR_OK;
}

enum err stream_listen_unix(struct stream_listener **out, struct loop *loop, const char *path,
                            stream_on_connection on_connection, void *owner)
{
    struct stream_listener *listener = new_listener(loop, on_connection, owner);
    listener->path = strdup(path);
    CHECK(listener->path != NULL);
    *out = listener;
    return ERR_OK;
}

struct addr stream_listener_addr(const struct stream_listener *listener)
{
    return listener->addr;
}

void stream_listener_close(struct stream_listener *listener)
{
    if (listener != NULL)
        listener->is_closing = true;
}

void stream_accept(struct stream *stream, const struct stream_events *events, void *owner)
{
    stream->events = events;
    stream->owner = owner;
}

void stream_refuse(struct stream *stream)
{
    stream->events = NULL;
    end_stream(stream, ERR_OK, false);
}

enum err stream_connect_tcp(struct stream **out, struct loop *loop, const struct addr *peer,
                            const struct stream_events *events, void *owner)
{
    struct stream *stream = new_stream(loop, new_wire(peer));
    stream->events = events;
    stream->owner = owner;
    *out = stream;
    return ERR_OK;
}

bool stream_write(struct stream *stream, const void *head, size_t head_len, const void *body,
                  size_t body_len)
{
    struct wire *wire = stream->wire;
    size_t len = head_len + body_len;
    if (stream->is_ending)
        return false;
    if (len > STREAM_QUEUE_MAX || wire->queued.len > STREAM_QUEUE_MAX - len) {
        end_stream(stream, ERR_NO_SPACE, false);
        return false;
    }
    bool leaves = stream->is_connected && !wire->is_stalled && wire->queued.len == 0;
    struct octets *octets = leaves ? &wire->got : &wire->queued;
    octets_put(octets, head, head_len);
    octets_put(octets, body, body_len);
    wire->writes++;
    return true;
}

void stream_resume(struct stream *stream)
{
    stream->is_paused = false;
}

size_t stream_queued(const struct stream *stream)
{
    return stream->wire->queued.len;
}

void stream_close(struct stream *stream)
{
    end_stream(stream, ERR_OK, true);
}

void stream_abort(struct stream *stream)
{
    end_stream(stream, ERR_OK, false);
}

enum err stream_peer_uid(const struct stream *stream, uid_t *uid)
{
    if (!stream->wire->is_unix)
        return ERR_SYSTEM;
    *uid = geteuid();
    return ERR_OK;
}

/* --- the test's side --- */

/* The open listener of that address or, where path is given, of that path. */
static struct stream_listener *find_listener(const struct addr *addr, const char *path)
{
    LIST_EACH(outer, outer_after, fake_loops()) {
        struct loop *loop = LIST_ITEM(outer, struct loop, link);
        LIST_EACH(item, after, &loop->listeners) {
            struct stream_listener *listener = LIST_ITEM(item, struct stream_listener, link);
            bool same = path == NULL ? listener->path == NULL && addr_equal(&listener->addr, addr)
                                     : listener->path != NULL && strcmp(listener->path, path) == 0;
            if (same && !listener->is_closing)
                return listener;
        }
    }
    return NULL;
}

static uint64_t connect_to(struct stream_listener *listener, const struct addr *from)
{
    if (listener == NULL)
        return 0;
    struct wire *wire = new_wire(from);
    wire->is_unix = listener->path != NULL;
    wire->is_taken = true;
    wire->is_established = true;
    new_stream(listener->loop, wire)->listener = listener;
    return wire->id;
}

uint64_t fake_tcp_connect(const struct addr *listener, const struct addr *from)
{
    return connect_to(find_listener(listener, NULL), from);
}

uint64_t fake_unix_connect(const char *path)
{
    struct addr nowhere;
    memset(&nowhere, 0, sizeof(nowhere));
    return connect_to(find_listener(NULL, path), &nowhere);
}

bool fake_tcp_take_connect(struct fake_connect *out)
{
    LIST_EACH(item, after, &state.wires) {
        struct wire *wire = LIST_ITEM(item, struct wire, link);
        if (wire->is_taken)
            continue;
        wire->is_taken = true;
        *out = (struct fake_connect){.id = wire->id, .to = wire->peer, .at_ms = wire->at_ms};
        return true;
    }
    return false;
}

void fake_tcp_accept(uint64_t id)
{
    wire_of(id)->is_established = true;
}

void fake_tcp_fail(uint64_t id, enum err err)
{
    struct wire *wire = wire_of(id);
    CHECK(err != ERR_OK);
    drop_segments(wire);
    wire->failure = err;
}

void fake_tcp_send(uint64_t id, const void *data, size_t len)
{
    struct wire *wire = wire_of(id);
    if (wire->stream == NULL || len == 0)
        return; /* nobody is there to read */
    struct segment *segment = fake_new(sizeof(*segment) + len);
    segment->len = len;
    memcpy(segment->data, data, len);
    list_append(&wire->segments, &segment->link);
}

void fake_tcp_send_split(uint64_t id, const void *data, size_t len, size_t step)
{
    CHECK(step > 0);
    for (size_t pos = 0; pos < len; pos += step)
        fake_tcp_send(id, (const uint8_t *)data + pos, step < len - pos ? step : len - pos);
}

void fake_tcp_close(uint64_t id)
{
    wire_of(id)->is_finished = true;
}

size_t fake_tcp_take(uint64_t id, void *out, size_t cap)
{
    struct octets *got = &wire_of(id)->got;
    size_t len = got->len < cap ? got->len : cap;
    if (len > 0)
        memcpy(out, got->data, len);
    octets_drop_front(got, len);
    return len;
}

unsigned fake_tcp_writes(uint64_t id)
{
    return wire_of(id)->writes;
}

void fake_tcp_stall(uint64_t id, bool stall)
{
    wire_of(id)->is_stalled = stall;
}

bool fake_tcp_is_open(uint64_t id)
{
    const struct stream *stream = wire_of(id)->stream;
    return stream != NULL && !stream->is_ending;
}
