/* lane_stream: a TCP connection or one of TLS over it, with many queries on their way (RFC 7766
 * section 6.2.1.1). A batch is put behind what is still unsent and leaves in one system call; a
 * read gives whole messages, which point into the lane's buffer.
 * Owns: both buffers and the TLS side.
 * Thread: the lane's own.
 * Bounds: LANE_STREAM_OCTETS each way; a batch that finds no room waits (EAGAIN).
 * Fails: nothing is sent after a failed write; the end is told when all that came was given out. */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "lane_private.h"
#include "local53/base/check.h"
#include "local53/base/clock.h"
#include "local53/dns/frame.h"
#include "traffic/tls.h"

#define LENGTH_OCTETS 2
#define MESSAGE_OCTETS_MAX 65535
#define NANOSECONDS 1000000000U

_Static_assert(LANE_STREAM_OCTETS >=
                   LENGTH_OCTETS + MESSAGE_OCTETS_MAX + TLS_PIPE_OCTETS + TLS_PIPE_OCTETS / 2,
               "a message's beginning and all that TLS may hold fit the buffer");

/* Octets that wait to be sent: data[start..end]. */
struct outgoing {
    size_t start;                     /* first unsent octet */
    size_t end;                       /* behind the last */
    uint8_t data[LANE_STREAM_OCTETS]; /* framed messages */
};

struct lane_stream {
    struct tls *tls;      /* owned; NULL for TCP */
    bool broken;          /* a write failed: nothing more is sent */
    bool ended;           /* nothing more is read: the peer's end, an error, or never connected */
    uint64_t received_ns; /* stamps of the last read, which completed all whole messages held */
    uint64_t read_ns;     /* the same */
    size_t given;         /* octets of `in` given out as messages */
    struct frame in;      /* what came and is not yet given out; data below */
    struct outgoing out;  /* what has not left */
    uint8_t in_data[LANE_STREAM_OCTETS]; /* of in */
};

/* --- sending --- */

/* Hands octets to the socket; how many it took. */
static size_t send_octets(struct lane *lane, const uint8_t *data, size_t len)
{
    if (len == 0 || lane->stream->broken)
        return 0;
    ssize_t sent = send(lane->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0)
        return (size_t)sent;
    lane->stream->broken = errno != EAGAIN && errno != EINTR;
    return 0;
}

/* Sends ciphertext; false when some is left. */
static bool send_ciphertext(struct lane *lane)
{
    struct tls *tls = lane->stream->tls;
    struct bytes pending = tls_pending(tls);
    while (pending.len > 0) {
        size_t sent = send_octets(lane, pending.data, pending.len);
        if (sent == 0)
            return false;
        tls_sent(tls, sent);
        pending = tls_pending(tls);
    }
    return true;
}

static void flush_tls(struct lane *lane)
{
    struct lane_stream *stream = lane->stream;
    struct outgoing *out = &stream->out;
    size_t taken = 0;
    do {
        taken = tls_write(stream->tls, out->data + out->start, out->end - out->start);
        out->start += taken;
    } while (send_ciphertext(lane) && taken > 0);
    stream->broken |= tls_is_closed(stream->tls);
}

void lane_stream_flush(struct lane *lane)
{
    struct outgoing *out = &lane->stream->out;
    if (lane->stream->broken)
        return;
    if (lane->stream->tls != NULL)
        flush_tls(lane);
    else
        out->start += send_octets(lane, out->data + out->start, out->end - out->start);
    if (out->start == out->end)
        out->start = out->end = 0;
}

bool lane_stream_wants_write(const struct lane *lane)
{
    const struct lane_stream *stream = lane->stream;
    if (stream->broken || lane->fd < 0)
        return false;
    return stream->out.end > stream->out.start ||
           (stream->tls != NULL && tls_pending(stream->tls).len > 0);
}

static bool put_message(struct outgoing *out, const struct lane_message *message)
{
    size_t len = LENGTH_OCTETS + message->len;
    CHECK(message->len <= MESSAGE_OCTETS_MAX);
    if (len > LANE_STREAM_OCTETS - (out->end - out->start))
        return false;
    if (len > LANE_STREAM_OCTETS - out->end) {
        memmove(out->data, out->data + out->start, out->end - out->start);
        out->end -= out->start;
        out->start = 0;
    }
    bytes_put_u16(out->data + out->end, (uint16_t)message->len);
    memcpy(out->data + out->end + LENGTH_OCTETS, message->data, message->len);
    out->end += len;
    return true;
}

/* Puts messages from..count behind the others; how many fit. */
static size_t put_some(struct outgoing *out, const struct lane_batch *batch, size_t from)
{
    size_t i = from;
    while (i < batch->count && put_message(out, &batch->messages[i]))
        i++;
    return i - from;
}

/* Messages count as sent when the kernel or our buffer has them: on a stream nobody can tell them
 * apart. */
size_t lane_stream_send(struct lane *lane, struct lane_batch *batch, int *errno_out)
{
    struct lane_stream *stream = lane->stream;
    size_t done = 0;
    while (done < batch->count && !stream->broken && !stream->ended) {
        uint64_t before_ns = clock_monotonic_ns();
        size_t put = put_some(&stream->out, batch, done);
        lane_stream_flush(lane);
        if (stream->broken)
            break;
        if (put == 0) {
            *errno_out = EAGAIN;
            return done;
        }
        lane_spread_sent(batch->messages + done, put, before_ns, clock_monotonic_ns());
        done += put;
    }
    *errno_out = done == batch->count ? 0 : ENOTCONN;
    return done;
}

/* --- receiving --- */

/* Reads what the socket has, up to the space, and keeps its stamps; how many octets. The kernel's
 * stamp is that of the packet with the last octet read. */
static size_t read_socket(struct lane *lane, struct writer space)
{
    struct lane_stream *stream = lane->stream;
    struct lane_control control;
    struct iovec piece = {space.data, space.cap};
    struct msghdr header = {.msg_iov = &piece,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = LANE_CONTROL_OCTETS};
    if (space.cap == 0)
        return 0;
    ssize_t len = recvmsg(lane->fd, &header, MSG_DONTWAIT);
    stream->ended = len == 0 || (len < 0 && errno != EAGAIN && errno != EINTR);
    if (len <= 0)
        return 0;
    stream->read_ns = lane_clock_measure(&lane->clock);
    stream->received_ns =
        lane_clock_received(&lane->clock, lane_stamp_of(&header), stream->read_ns);
    if ((size_t)len < space.cap)
        lane_clock_settle(&lane->clock);
    return (size_t)len;
}

/* TLS may have octets to send of its own after a read: answers to a change of keys. */
static void read_tls(struct lane *lane)
{
    struct lane_stream *stream = lane->stream;
    size_t len = read_socket(lane, tls_space(stream->tls));
    if (len > 0)
        tls_filled(stream->tls, len);
    struct writer space = frame_space(&stream->in);
    frame_filled(&stream->in, tls_read(stream->tls, space.data, space.cap));
    stream->ended |= tls_is_closed(stream->tls);
    (void)send_ciphertext(lane);
}

static void read_some(struct lane *lane)
{
    struct lane_stream *stream = lane->stream;
    frame_consume(&stream->in, stream->given);
    stream->given = 0;
    if (stream->tls != NULL)
        read_tls(lane);
    else
        frame_filled(&stream->in, read_socket(lane, frame_space(&stream->in)));
}

/* Gives out whole messages, up to cap. */
static size_t give_out(struct lane_stream *stream, struct lane_batch *batch)
{
    struct bytes view;
    bool too_long;
    size_t count = 0;
    while (count < batch->cap && frame_next(&stream->in, &stream->given, &view, &too_long)) {
        struct lane_message *message = &batch->messages[count++];
        message->data = stream->in.data + (view.data - stream->in.data);
        message->len = view.len;
        message->received_ns = stream->received_ns;
        message->read_ns = stream->read_ns;
    }
    return count;
}

/* The socket is read only when no whole message is held: so all that are held have the stamps of
 * the last read, and the pointers given out stay good for one call. */
size_t lane_stream_receive(struct lane *lane, struct lane_batch *batch)
{
    struct lane_stream *stream = lane->stream;
    size_t count = give_out(stream, batch);
    if (count > 0 || stream->ended)
        return count;
    read_some(lane);
    return give_out(stream, batch);
}

bool lane_stream_closed(const struct lane *lane)
{
    const struct lane_stream *stream = lane->stream;
    struct bytes message;
    bool too_long;
    size_t from = stream->given;
    return stream->ended && !frame_next(&stream->in, &from, &message, &too_long);
}

/* --- connecting --- */

/* Waits for events; ERR_TIMEOUT when deadline_ns comes first. */
static enum err wait_for(const struct lane *lane, short events, uint64_t deadline_ns)
{
    struct pollfd wanted = {.fd = lane->fd, .events = events};
    for (;;) {
        uint64_t now_ns = clock_monotonic_ns();
        uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
        struct timespec left = {(time_t)(left_ns / NANOSECONDS), (long)(left_ns % NANOSECONDS)};
        int ready = ppoll(&wanted, 1, &left, NULL);
        if (ready > 0)
            return ERR_OK;
        if (ready == 0)
            return ERR_TIMEOUT;
        if (errno != EINTR)
            return ERR_SYSTEM;
    }
}

static enum err connect_socket(struct lane *lane, uint64_t deadline_ns)
{
    int result = 0;
    socklen_t len = sizeof(result);
    enum err err = lane_socket_connect(lane);
    if (err == ERR_OK)
        err = wait_for(lane, POLLOUT, deadline_ns);
    if (err != ERR_OK)
        return err;
    (void)lane_socket_option(lane->fd, IPPROTO_TCP, TCP_NODELAY, 1);
    return getsockopt(lane->fd, SOL_SOCKET, SO_ERROR, &result, &len) == 0 ? err_from_errno(result)
                                                                          : ERR_SYSTEM;
}

/* The server's turn: waits for its ciphertext and takes it. */
static enum err await_ciphertext(struct lane *lane, uint64_t deadline_ns)
{
    struct lane_stream *stream = lane->stream;
    bool unsent = tls_pending(stream->tls).len > 0;
    enum err err = wait_for(lane, (short)(unsent ? POLLIN | POLLOUT : POLLIN), deadline_ns);
    if (err != ERR_OK)
        return err;
    size_t len = read_socket(lane, tls_space(stream->tls));
    if (len > 0)
        tls_filled(stream->tls, len);
    return stream->ended ? ERR_CLOSED : ERR_OK;
}

static enum err shake_hands(struct lane *lane, uint64_t deadline_ns)
{
    for (;;) {
        enum err err = tls_handshake(lane->stream->tls);
        (void)send_ciphertext(lane);
        if (err != ERR_TRUNCATED)
            return err;
        err = await_ciphertext(lane, deadline_ns);
        if (err != ERR_OK)
            return err;
    }
}

static enum err connect_stream(struct lane *lane)
{
    struct lane_stream *stream = lane->stream;
    uint64_t deadline_ns = clock_monotonic_ns() + lane->config.connect_timeout_ns;
    enum err err = lane_socket_open(lane, SOCK_STREAM);
    if (err == ERR_OK)
        err = connect_socket(lane, deadline_ns);
    stream->ended = false;
    stream->broken = false;
    if (err == ERR_OK && stream->tls != NULL)
        err = shake_hands(lane, deadline_ns);
    stream->ended = err != ERR_OK;
    if (err != ERR_OK)
        lane_socket_close(lane);
    return err;
}

/* --- life --- */

enum err lane_stream_open(struct lane *lane)
{
    struct lane_stream *stream = calloc(1, sizeof(*stream));
    CHECK(stream != NULL);
    lane->stream = stream;
    frame_init(&stream->in, stream->in_data, sizeof(stream->in_data));
    if (lane->config.transport == TRANSPORT_DOT) {
        enum err err = tls_new(&stream->tls, lane->config.tls_name);
        if (err != ERR_OK)
            return err;
    }
    return connect_stream(lane);
}

enum err lane_stream_reopen(struct lane *lane)
{
    struct lane_stream *stream = lane->stream;
    lane_socket_close(lane);
    frame_init(&stream->in, stream->in_data, sizeof(stream->in_data));
    stream->given = 0;
    stream->out.start = stream->out.end = 0;
    if (stream->tls != NULL)
        tls_restart(stream->tls);
    return connect_stream(lane);
}

void lane_stream_free(struct lane *lane)
{
    struct lane_stream *stream = lane->stream;
    if (stream == NULL)
        return;
    if (stream->tls != NULL && lane->fd >= 0) {
        tls_finish(stream->tls);
        (void)send_ciphertext(lane);
    }
    tls_free(stream->tls);
    free(stream);
    lane->stream = NULL;
}

size_t lane_stream_octets(enum transport transport)
{
    return sizeof(struct lane_stream) + (transport == TRANSPORT_DOT ? TLS_OCTETS : 0);
}
