/* lane_private: what the rooms of a lane share: the lane itself, what a batch keeps for its
 * system calls, and the stamps. Pure where it says so; owned by the lane's thread. */
#ifndef DNSBENCH_TRAFFIC_LANE_PRIVATE_H
#define DNSBENCH_TRAFFIC_LANE_PRIVATE_H

#include <netinet/in.h>
#include <stdalign.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "traffic/lane.h"

/* Room for the one control message asked for with each packet, SCM_TIMESTAMPNS. */
#define LANE_CONTROL_OCTETS CMSG_SPACE(sizeof(struct timespec))

/* The wall clock was set when it moved against the monotonic clock by more than this. Slewing
 * moves both alike; what two measurements differ by is far less. */
#define LANE_CLOCK_STEP_NS 100000ULL

/* The control buffer of one received packet. */
struct lane_control {
    alignas(struct cmsghdr) uint8_t octets[LANE_CONTROL_OCTETS]; /* filled by the kernel */
};

/* What stands behind lane_batch.system. A batch is wired for receiving at its first receive, and
 * then serves nothing else. */
struct lane_system {
    struct mmsghdr headers[LANE_BATCH_MAX];       /* each points to its piece (and control) */
    struct iovec pieces[LANE_BATCH_MAX];          /* where a message is, or goes */
    struct lane_control controls[LANE_BATCH_MAX]; /* stamps of received packets */
    size_t octets;                                /* room of each message */
    bool receiving;                               /* wired for receiving */
    uint8_t data[];                               /* all messages' room */
};

/* From the kernel's wall-clock stamps to the monotonic clock. */
struct lane_clock {
    uint64_t offset_ns; /* monotonic minus wall clock, modulo 2^64 */
    bool doubtful;      /* the wall clock was set: what waits in the socket may be stamped before */
};

struct lane_stream; /* opaque; lane_stream.c */

struct lane {
    struct lane_config config;  /* as given to lane_open */
    int fd;                     /* owned; -1 while a stream is closed */
    bool errors_told;           /* UDP: the error queue may hold something */
    struct lane_clock clock;    /* of its stamps */
    struct lane_stream *stream; /* owned; NULL for UDP */
};

/* Takes a new measurement of the offset. Pure. */
void lane_clock_set(struct lane_clock *clock, uint64_t offset_ns);

/* All that may have been stamped before the wall clock was set has been read. Pure. */
void lane_clock_settle(struct lane_clock *clock);

/* A kernel's stamp in monotonic time, never after read_ns; read_ns when it cannot be known
 * (stamp 0, clock set). Pure. */
uint64_t lane_clock_received(const struct lane_clock *clock, uint64_t stamp_ns, uint64_t read_ns);

/* Measures the offset anew and gives the monotonic time, which is that of the read just done. */
uint64_t lane_clock_measure(struct lane_clock *clock);

/* The stamp in a received header's control messages, wall clock; 0 when there is none. */
uint64_t lane_stamp_of(struct msghdr *header);

/* Spreads [before, after] evenly over the messages as their sent_ns: message i of n gets before
 * + (after - before) * i / n. Pure. */
void lane_spread_sent(struct lane_message *messages, size_t count, uint64_t before_ns,
                      uint64_t after_ns);

/* Opens the lane's socket of type SOCK_DGRAM or SOCK_STREAM, non-blocking, with buffers, stamps
 * and its source; not connected. */
enum err lane_socket_open(struct lane *lane, int type);

/* Closes it; accepts a lane without. */
void lane_socket_close(struct lane *lane);

/* Connects the socket, or begins to (streams). ERR_NO_SPACE: no port is free. */
enum err lane_socket_connect(const struct lane *lane);

/* Sets an integer option; false when the kernel refused. */
bool lane_socket_option(int fd, int level, int option, int value);

/* The lane's calls, by kind; see lane.h. */
enum err lane_udp_open(struct lane *lane);
size_t lane_udp_send(struct lane *lane, struct lane_batch *batch, int *errno_out);
size_t lane_udp_receive(struct lane *lane, struct lane_batch *batch);
void lane_udp_take_errors(struct lane *lane, struct lane_errors *out);
enum err lane_stream_open(struct lane *lane);
enum err lane_stream_reopen(struct lane *lane);
void lane_stream_free(struct lane *lane);
size_t lane_stream_send(struct lane *lane, struct lane_batch *batch, int *errno_out);
void lane_stream_flush(struct lane *lane);
bool lane_stream_wants_write(const struct lane *lane);
size_t lane_stream_receive(struct lane *lane, struct lane_batch *batch);
bool lane_stream_closed(const struct lane *lane);
size_t lane_stream_octets(enum transport transport);

#endif
