/* stream: TCP and Unix connections over libuv. A stream owns its handle, and copies of what the kernel did
 * not take at once, at most STREAM_QUEUE_MAX; past that it ends with ERR_NO_SPACE. It ends once, by the
 * peer, by an error or by its owner: reading stops, what is queued may leave for LINGER_MS where that
 * makes sense, the handle is closed, on_end is told and the memory goes. Loop's thread only. */
#include "local53/net/stream.h"

#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"
#include "local53/net/timer.h"
#include "socket.h"
#include "stream_private.h"

/* How long an ending stream may take to get rid of what is queued. */
#define LINGER_MS 1000

struct stream {
    union {
        uv_handle_t handle; /* owned; data points back here */
        uv_stream_t io;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    };
    struct loop *loop;                  /* borrowed */
    const struct stream_events *events; /* borrowed; NULL while nobody is to be told */
    void *owner;                        /* borrowed */
    uv_connect_t connecting;            /* in use until connected */
    bool connected;                     /* writes may be tried at once */
    bool eof;                           /* the peer sends no more */
    bool ending;                        /* only on_end may still be told */
    enum err end;                       /* what on_end will be told */
    struct alarm *linger;               /* owned; NULL unless ending with something queued */
    size_t queued;                      /* octets in write requests */
};

/* The rest of a write that did not leave at once. */
struct pending_write {
    uv_write_t request; /* data points to its stream */
    size_t len;         /* octets at data */
    char data[];
};

/* --- end --- */

static void on_closed(uv_handle_t *handle)
{
    struct stream *stream = UV_OWNER(handle);
    CHECK(stream->queued == 0);
    if (stream->events != NULL)
        stream->events->on_end(stream->owner, stream, stream->end);
    free(stream);
}

static void close_now(struct stream *stream)
{
    if (uv_is_closing(&stream->handle))
        return;
    alarm_free(stream->linger);
    stream->linger = NULL;
    uv_close(&stream->handle, on_closed);
}

static void on_linger(void *owner)
{
    close_now(owner);
}

/* Ends a stream once; the first reason counts. patient: what is queued may leave first. */
static void end_stream(struct stream *stream, enum err reason, bool patient)
{
    if (!stream->ending) {
        stream->ending = true;
        stream->end = reason;
        uv_read_stop(&stream->io);
    }
    if (!patient || stream->queued == 0) {
        close_now(stream);
    } else if (stream->linger == NULL && !uv_is_closing(&stream->handle)) {
        stream->linger = alarm_new(stream->loop, on_linger, stream);
        alarm_set(stream->linger, LINGER_MS);
    }
}

/* --- reading --- */

static void on_space(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct stream *stream = UV_OWNER(handle);
    size_t cap = 0;
    (void)suggested;
    uint8_t *space = stream->events->on_space(stream->owner, stream, &cap);
    if (stream->ending)
        cap = 0; /* ended inside: there is nothing to read from any more */
    *buf = uv_buf_init((char *)space, (unsigned)cap);
}

/* The peer sends no more: an owner that wants to may still answer. */
static void take_eof(struct stream *stream)
{
    stream->eof = true;
    if (stream->events->on_eof != NULL)
        stream->events->on_eof(stream->owner, stream);
    else
        end_stream(stream, ERR_CLOSED, true);
}

static void on_read(uv_stream_t *io, ssize_t count, const uv_buf_t *buf)
{
    struct stream *stream = UV_OWNER(io);
    (void)buf;
    if (stream->ending)
        return;
    if (count > 0)
        stream->events->on_data(stream->owner, stream, (size_t)count);
    else if (count == 0)
        return; /* nothing after all (libuv's word for EAGAIN) */
    else if (count == UV_ENOBUFS)
        uv_read_stop(io); /* the owner gave no space: until stream_resume */
    else if (count == UV_EOF)
        take_eof(stream);
    else
        end_stream(stream, loop_err_from_uv((int)count), false);
}

void stream_resume(struct stream *stream)
{
    if (stream->ending || stream->eof || !stream->connected || stream->events == NULL)
        return;
    int status = uv_read_start(&stream->io, on_space, on_read);
    if (status != 0 && status != UV_EALREADY)
        end_stream(stream, loop_err_from_uv(status), false);
}

/* --- writing --- */

static void tell_drained(struct stream *stream)
{
    if (stream->events->on_drained != NULL)
        stream->events->on_drained(stream->owner, stream);
}

static void on_written(uv_write_t *request, int status)
{
    struct pending_write *write = UV_OWNER(request);
    struct stream *stream = UV_OWNER(request->handle);
    stream->queued -= write->len;
    free(write);
    if (status == UV_ECANCELED)
        return; /* closing; on_closed tells the end */
    if (status < 0)
        end_stream(stream, loop_err_from_uv(status), false);
    else if (stream->queued == 0 && stream->ending)
        close_now(stream);
    else if (stream->queued == 0)
        tell_drained(stream);
}

/* Writes what the kernel takes now; octets taken, or a negative status of libuv. */
static int write_now(struct stream *stream, struct bytes head, struct bytes body)
{
    uv_buf_t pieces[2] = {
        {.base = (char *)(uintptr_t)head.data, .len = head.len},
        {.base = (char *)(uintptr_t)body.data, .len = body.len},
    };
    if (!stream->connected || stream->queued > 0)
        return 0;
    int written = uv_try_write(&stream->io, pieces, 2);
    return written == UV_EAGAIN ? 0 : written;
}

/* Queues a copy of what follows the first `taken` octets of both pieces. */
static int write_later(struct stream *stream, struct bytes head, struct bytes body, size_t taken)
{
    size_t len = head.len + body.len - taken;
    size_t from_head = taken < head.len ? head.len - taken : 0;
    struct pending_write *write = malloc(sizeof(*write) + len);
    CHECK(write != NULL);
    if (from_head > 0)
        memcpy(write->data, head.data + taken, from_head);
    if (len > from_head)
        memcpy(write->data + from_head, body.data + body.len - (len - from_head), len - from_head);
    write->len = len;
    write->request.data = write;
    uv_buf_t piece = uv_buf_init(write->data, (unsigned)len);
    int status = uv_write(&write->request, &stream->io, &piece, 1, on_written);
    if (status == 0)
        stream->queued += len;
    else
        free(write);
    return status;
}

bool stream_write(struct stream *stream, const void *head, size_t head_len, const void *body,
                  size_t body_len)
{
    struct bytes first = {head, head_len};
    struct bytes second = {body, body_len};
    size_t len = head_len + body_len;
    if (stream->ending)
        return false;
    if (len > STREAM_QUEUE_MAX || stream->queued > STREAM_QUEUE_MAX - len) {
        end_stream(stream, ERR_NO_SPACE, false);
        return false;
    }
    int status = write_now(stream, first, second);
    if (status >= 0 && (size_t)status < len)
        status = write_later(stream, first, second, (size_t)status);
    if (status >= 0)
        return true;
    end_stream(stream, loop_err_from_uv(status), false);
    return false;
}

size_t stream_queued(const struct stream *stream)
{
    return stream->queued;
}

/* --- life --- */

static struct stream *new_stream(struct loop *loop, bool is_tcp)
{
    struct stream *stream = calloc(1, sizeof(*stream));
    CHECK(stream != NULL);
    stream->loop = loop;
    if (is_tcp)
        CHECK(uv_tcp_init(&loop->uv, &stream->tcp) == 0);
    else
        CHECK(uv_pipe_init(&loop->uv, &stream->pipe, 0) == 0);
    stream->handle.data = stream;
    return stream;
}

struct stream *stream_take(struct loop *loop, int fd, bool is_tcp)
{
    struct stream *stream = new_stream(loop, is_tcp);
    if ((is_tcp ? uv_tcp_open(&stream->tcp, fd) : uv_pipe_open(&stream->pipe, fd)) != 0) {
        socket_close(fd);
        close_now(stream);
        return NULL;
    }
    stream->connected = true;
    if (is_tcp)
        (void)uv_tcp_nodelay(&stream->tcp, 1);
    return stream;
}

void stream_accept(struct stream *stream, const struct stream_events *events, void *owner)
{
    stream->events = events;
    stream->owner = owner;
    stream_resume(stream);
}

void stream_refuse(struct stream *stream)
{
    stream->events = NULL;
    end_stream(stream, ERR_OK, false);
}

static void on_connected(uv_connect_t *request, int status)
{
    struct stream *stream = UV_OWNER(request->handle);
    if (status == UV_ECANCELED || stream->ending)
        return;
    if (status < 0) {
        end_stream(stream, loop_err_from_uv(status), false);
        return;
    }
    stream->connected = true;
    stream_resume(stream);
    if (stream->queued == 0 && !stream->ending)
        tell_drained(stream);
}

enum err stream_connect_tcp(struct stream **out, struct loop *loop, const struct addr *peer,
                            const struct stream_events *events, void *owner)
{
    struct stream *stream = new_stream(loop, true);
    int status = uv_tcp_connect(&stream->connecting, &stream->tcp, &peer->sa, on_connected);
    if (status != 0) {
        close_now(stream);
        return loop_err_from_uv(status);
    }
    (void)uv_tcp_nodelay(&stream->tcp, 1);
    stream->events = events;
    stream->owner = owner;
    *out = stream;
    return ERR_OK;
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
    struct ucred credentials;
    socklen_t len = sizeof(credentials);
    uv_os_fd_t fd = -1;
    if (uv_fileno(&stream->handle, &fd) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) != 0 || credentials.pid == 0)
        return ERR_SYSTEM;
    *uid = credentials.uid;
    return ERR_OK;
}
