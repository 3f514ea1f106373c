/* lane: one way to the server: a connected UDP socket, or a TCP or DoT connection with
 * pipelining. Sends and receives in batches and stamps them: sent (monotonic clock around the
 * system call, spread evenly over a batch), received (the kernel's SO_TIMESTAMPNS, turned into
 * the monotonic clock), read. Owned by one thread. Bounds: two batches of buffers a thread
 * (struct lane_batch), for streams LANE_STREAM_OCTETS each way a lane. */
#ifndef DNSBENCH_TRAFFIC_LANE_H
#define DNSBENCH_TRAFFIC_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/addr.h"
#include "local53/base/err.h"

#define LANE_BATCH_MAX 64

/* Longest message received whole over UDP; longer ones are cut and then malformed. */
#define LANE_MESSAGE_OCTETS 4096

/* Of each of a stream's two buffers: one longest message fits. */
#define LANE_STREAM_OCTETS 131072

/* Asked for as socket buffers. */
#define LANE_BUFFER_OCTETS (4 << 20)

enum transport { TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_DOT, TRANSPORT_UDP_TC };

/* Reads "udp", "tcp", "dot" or "udp+tc"; and its name. ERR_INVALID otherwise. */
enum err transport_parse(enum transport *out, const char *text);
const char *transport_name(enum transport transport);

struct lane_config {
    enum transport transport; /* UDP_TC opens a UDP lane; its TCP lanes are opened with TCP */
    struct addr server;       /* to whom */
    struct addr source;      /* family AF_UNSPEC: the kernel chooses; port 0: it chooses the port */
    uint32_t receive_octets; /* SO_RCVBUF; 0 for LANE_BUFFER_OCTETS (forced small by tests) */
    /* Borrowed; DoT: name to verify; NULL: nothing is verified, as servers are tested here, not
     * their certificates. */
    const char *tls_name;
    uint64_t connect_timeout_ns; /* streams: give up connecting */
};

/* One message of a batch. */
struct lane_message {
    /* Borrowed from the batch; incoming on streams: from the lane, until its next lane_receive,
     * lane_reopen or lane_close. */
    uint8_t *data;
    size_t len;       /* octets of the message */
    uint64_t sent_ns; /* outgoing: stamp, set by lane_send */
    /* Incoming: kernel's stamp in monotonic time, never after read_ns; read_ns where there is
     * none. */
    uint64_t received_ns;
    uint64_t read_ns; /* incoming: when the system call gave it */
    uint32_t slot;    /* outgoing: the caller's */
};

/* Messages of one system call, and all that the call needs. A batch serves either sending or
 * receiving; a sender may exchange the data pointers of its messages. */
struct lane_batch {
    size_t count;                                 /* messages in use */
    size_t cap;                                   /* at most LANE_BATCH_MAX */
    struct lane_message messages[LANE_BATCH_MAX]; /* data set by lane_batch_init */
    void *system;                                 /* owned; headers and control buffers */
};

/* cap 1..LANE_BATCH_MAX messages of octets each; out of memory is fatal. deinit accepts a zeroed
 * one. */
void lane_batch_init(struct lane_batch *batch, size_t cap, size_t octets);
void lane_batch_deinit(struct lane_batch *batch);

/* What the host told of the server since the last call. */
struct lane_errors {
    uint32_t refused; /* ids below in use; when all are, the next call may tell more */
    /* UDP: queries that met ICMP port (host, net) unreachable, from the error queue. */
    uint16_t ids[LANE_BATCH_MAX];
    /* Streams: reset, closed by the peer or never connected, and all that came was received; told
     * until the lane is reopened. */
    bool closed;
};

struct lane; /* opaque */

/* Opens one. ERR_DENIED (DoT: also a certificate that is not for tls_name), ERR_UNREACHABLE,
 * ERR_REFUSED, ERR_TIMEOUT (streams connect at once, blocking at most connect_timeout_ns),
 * ERR_INVALID (source is not ours), ERR_NO_SPACE (no free port or descriptor), ERR_CLOSED and
 * ERR_MALFORMED (DoT: the handshake broke off), ERR_SYSTEM. The kernel begins with its stamps some
 * milliseconds after the first lane of the host was opened; until then packets count as received
 * when read. */
enum err lane_open(struct lane **out, const struct lane_config *config);
void lane_close(struct lane *lane); /* accepts NULL */

/* Opens the connection of a stream anew; errors as lane_open, the lane is closed then and may be
 * tried again. The descriptor is another; what was unsent or not taken is gone. DoT resumes its
 * session. */
enum err lane_reopen(struct lane *lane);

/* Descriptor to wait on; for reading always, and for writing while lane_wants_write (streams
 * with unsent octets). -1 when a reopening failed. */
int lane_descriptor(const struct lane *lane);
bool lane_wants_write(const struct lane *lane);

/* Sends the batch in order and gives how many messages were taken (their sent_ns is set); fewer
 * when the socket is full or failed: *errno_out then says why (EAGAIN: wait for writing;
 * ECONNREFUSED, and on streams ENOTCONN: see lane_errors; others: the first untaken message is
 * lost). Streams take what fits their buffer and send it when they can; such a message's sent_ns
 * is when it was taken. */
size_t lane_send(struct lane *lane, struct lane_batch *batch, int *errno_out);

/* Writes what a stream still holds. */
void lane_flush(struct lane *lane);

/* Receives up to cap messages, as they stand in the socket; count 0 when nothing is there. Gives
 * count. A full batch may have left messages in the lane that the descriptor does not tell of:
 * call again until it is not full. */
size_t lane_receive(struct lane *lane, struct lane_batch *batch);

/* Takes the errors told since; costs nothing when no call on the lane met one. */
void lane_take_errors(struct lane *lane, struct lane_errors *out);

/* Datagrams that the kernel dropped for want of room in this socket's buffer, since it was
 * opened. */
uint64_t lane_drops(const struct lane *lane);

/* Octets a lane of this kind takes at most, socket buffers aside. */
size_t lane_octets(enum transport transport);

#endif
