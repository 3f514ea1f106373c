/* lane: the door of all kinds: which room a call goes to, the batches, the sockets' options, and
 * the clock of the stamps.
 * Owns: a lane's memory and its descriptor; a batch's buffers.
 * Thread: the lane's own.
 * Bounds: nothing is allocated after lane_open and lane_batch_init.
 * Fails: with an error at opening; later through lane_take_errors. */
#include "traffic/lane.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lane_private.h"
#include "local53/base/check.h"
#include "local53/base/clock.h"

#define NANOSECONDS 1000000000U

/* --- transports --- */

static const char *const transport_names[] = {
    [TRANSPORT_UDP] = "udp",
    [TRANSPORT_TCP] = "tcp",
    [TRANSPORT_DOT] = "dot",
    [TRANSPORT_UDP_TC] = "udp+tc",
};

#define TRANSPORTS (sizeof(transport_names) / sizeof(transport_names[0]))

enum err transport_parse(enum transport *out, const char *text)
{
    for (size_t i = 0; i < TRANSPORTS; i++) {
        if (strcmp(text, transport_names[i]) == 0) {
            *out = (enum transport)i;
            return ERR_OK;
        }
    }
    return ERR_INVALID;
}

const char *transport_name(enum transport transport)
{
    CHECK((size_t)transport < TRANSPORTS);
    return transport_names[transport];
}

static bool is_stream(enum transport transport)
{
    return transport == TRANSPORT_TCP || transport == TRANSPORT_DOT;
}

/* --- batches --- */

void lane_batch_init(struct lane_batch *batch, size_t cap, size_t octets)
{
    CHECK(cap >= 1 && cap <= LANE_BATCH_MAX && octets > 0);
    struct lane_system *system = calloc(1, sizeof(*system) + cap * octets);
    CHECK(system != NULL);
    memset(batch, 0, sizeof(*batch));
    batch->cap = cap;
    batch->system = system;
    system->octets = octets;
    for (size_t i = 0; i < cap; i++) {
        struct msghdr *header = &system->headers[i].msg_hdr;
        batch->messages[i].data = system->data + i * octets;
        system->pieces[i] = (struct iovec){batch->messages[i].data, octets};
        header->msg_iov = &system->pieces[i];
        header->msg_iovlen = 1;
    }
}

void lane_batch_deinit(struct lane_batch *batch)
{
    free(batch->system);
    memset(batch, 0, sizeof(*batch));
}

/* --- the clock of the stamps --- */

void lane_clock_set(struct lane_clock *clock, uint64_t offset_ns)
{
    uint64_t moved = offset_ns - clock->offset_ns;
    if (moved + LANE_CLOCK_STEP_NS > 2 * LANE_CLOCK_STEP_NS)
        clock->doubtful = true;
    clock->offset_ns = offset_ns;
}

void lane_clock_settle(struct lane_clock *clock)
{
    clock->doubtful = false;
}

uint64_t lane_clock_received(const struct lane_clock *clock, uint64_t stamp_ns, uint64_t read_ns)
{
    if (stamp_ns == 0 || clock->doubtful)
        return read_ns;
    uint64_t received_ns = stamp_ns + clock->offset_ns;
    return received_ns < read_ns ? received_ns : read_ns;
}

static uint64_t wall_ns(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
    return (uint64_t)now.tv_sec * NANOSECONDS + (uint64_t)now.tv_nsec;
}

/* The wall clock is read between two readings of the monotonic one and taken for their middle,
 * so the error is at most half of what lies between the two: some 30 ns, more where the thread
 * was interrupted just there. Such a measurement is done again, up to MEASUREMENTS times. */
uint64_t lane_clock_measure(struct lane_clock *clock)
{
    enum { MEASUREMENTS = 4, CLOSE_NS = 1000 };
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t before_ns = now_ns;
    for (int i = 0; i < MEASUREMENTS; i++) {
        uint64_t wall = wall_ns();
        uint64_t after_ns = clock_monotonic_ns();
        uint64_t offset_ns = before_ns + (after_ns - before_ns) / 2 - wall;
        if (after_ns - before_ns <= CLOSE_NS || i == MEASUREMENTS - 1) {
            lane_clock_set(clock, offset_ns);
            break;
        }
        before_ns = after_ns;
    }
    return now_ns;
}

uint64_t lane_stamp_of(struct msghdr *header)
{
    struct timespec stamp;
    const struct cmsghdr *control = CMSG_FIRSTHDR(header);
    if (control == NULL || control->cmsg_level != SOL_SOCKET ||
        control->cmsg_type != SO_TIMESTAMPNS)
        return 0;
    memcpy(&stamp, CMSG_DATA(control), sizeof(stamp));
    return (uint64_t)stamp.tv_sec * NANOSECONDS + (uint64_t)stamp.tv_nsec;
}

/* One division a batch: steps are summed in 1/65536 ns. */
void lane_spread_sent(struct lane_message *messages, size_t count, uint64_t before_ns,
                      uint64_t after_ns)
{
    uint64_t step = count == 0 ? 0 : ((after_ns - before_ns) << 16) / count;
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        messages[i].sent_ns = before_ns + (sum >> 16);
        sum += step;
    }
}

/* --- sockets --- */

bool lane_socket_option(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

/* Past the system's limit where that is allowed, else up to it. */
static void set_buffer(int fd, int forced, int option, int octets)
{
    if (!lane_socket_option(fd, SOL_SOCKET, forced, octets))
        (void)lane_socket_option(fd, SOL_SOCKET, option, octets);
}

static void set_options(const struct lane *lane)
{
    uint32_t octets = lane->config.receive_octets;
    int receive = octets == 0 || octets > INT32_MAX ? LANE_BUFFER_OCTETS : (int)octets;
    set_buffer(lane->fd, SO_RCVBUFFORCE, SO_RCVBUF, receive);
    set_buffer(lane->fd, SO_SNDBUFFORCE, SO_SNDBUF, LANE_BUFFER_OCTETS);
    (void)lane_socket_option(lane->fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
}

/* Without a port of its own the kernel chooses one when it connects: then it must only be free
 * towards the server, so that many lanes may share a source address. */
static enum err bind_source(const struct lane *lane)
{
    const struct addr *source = &lane->config.source;
    if (source->sa.sa_family == AF_UNSPEC)
        return ERR_OK;
    if (source->sa.sa_family != lane->config.server.sa.sa_family)
        return ERR_INVALID;
    if (addr_port(source) == 0)
        (void)lane_socket_option(lane->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if (bind(lane->fd, &source->sa, addr_len(source)) == 0)
        return ERR_OK;
    return errno == EADDRNOTAVAIL ? ERR_INVALID : err_from_errno(errno);
}

enum err lane_socket_open(struct lane *lane, int type)
{
    sa_family_t family = lane->config.server.sa.sa_family;
    lane->fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (lane->fd < 0)
        return err_from_errno(errno);
    set_options(lane);
    lane->clock = (struct lane_clock){0};
    (void)lane_clock_measure(&lane->clock);
    lane_clock_settle(&lane->clock);
    enum err err = bind_source(lane);
    if (err != ERR_OK)
        lane_socket_close(lane);
    return err;
}

enum err lane_socket_connect(const struct lane *lane)
{
    const struct addr *server = &lane->config.server;
    if (connect(lane->fd, &server->sa, addr_len(server)) == 0 || errno == EINPROGRESS)
        return ERR_OK;
    bool no_port = errno == EADDRNOTAVAIL || errno == EAGAIN;
    return no_port ? ERR_NO_SPACE : err_from_errno(errno);
}

void lane_socket_close(struct lane *lane)
{
    if (lane->fd >= 0)
        close(lane->fd);
    lane->fd = -1;
}

/* --- the door --- */

enum err lane_open(struct lane **out, const struct lane_config *config)
{
    struct lane *lane = calloc(1, sizeof(*lane));
    CHECK(lane != NULL);
    lane->config = *config;
    lane->fd = -1;
    enum err err = is_stream(config->transport) ? lane_stream_open(lane) : lane_udp_open(lane);
    if (err != ERR_OK) {
        lane_close(lane);
        return err;
    }
    *out = lane;
    return ERR_OK;
}

void lane_close(struct lane *lane)
{
    if (lane == NULL)
        return;
    lane_stream_free(lane);
    lane_socket_close(lane);
    free(lane);
}

enum err lane_reopen(struct lane *lane)
{
    CHECK(lane->stream != NULL);
    return lane_stream_reopen(lane);
}

int lane_descriptor(const struct lane *lane)
{
    return lane->fd;
}

bool lane_wants_write(const struct lane *lane)
{
    return lane->stream != NULL && lane_stream_wants_write(lane);
}

size_t lane_send(struct lane *lane, struct lane_batch *batch, int *errno_out)
{
    const struct lane_system *system = batch->system;
    CHECK(!system->receiving && batch->count <= batch->cap);
    if (lane->stream != NULL)
        return lane_stream_send(lane, batch, errno_out);
    return lane_udp_send(lane, batch, errno_out);
}

void lane_flush(struct lane *lane)
{
    if (lane->stream != NULL)
        lane_stream_flush(lane);
}

size_t lane_receive(struct lane *lane, struct lane_batch *batch)
{
    batch->count =
        lane->stream != NULL ? lane_stream_receive(lane, batch) : lane_udp_receive(lane, batch);
    return batch->count;
}

void lane_take_errors(struct lane *lane, struct lane_errors *out)
{
    out->refused = 0;
    out->closed = lane->stream != NULL && lane_stream_closed(lane);
    if (lane->stream == NULL)
        lane_udp_take_errors(lane, out);
}

/* Asked from the kernel at the end, rather than told with each packet: it costs the path of every
 * answer nothing, and counts also what was dropped after the last packet received. */
uint64_t lane_drops(const struct lane *lane)
{
    uint32_t values[SK_MEMINFO_VARS] = {0};
    socklen_t len = sizeof(values);
    if (lane->stream != NULL || getsockopt(lane->fd, SOL_SOCKET, SO_MEMINFO, values, &len) != 0)
        return 0;
    return values[SK_MEMINFO_DROPS];
}

size_t lane_octets(enum transport transport)
{
    size_t stream = is_stream(transport) ? lane_stream_octets(transport) : 0;
    return sizeof(struct lane) + stream;
}
