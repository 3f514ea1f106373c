/* lane_udp: a connected UDP socket, read and written a batch a system call (the path of every
 * query). ICMP errors come with the datagram that met them through the error queue (ip(7),
 * IP_RECVERR).
 * Owns: nothing beside the lane's descriptor.
 * Thread: the lane's own.
 * Bounds: errors wait in the socket, within its receive buffer.
 * Fails: an ICMP error costs no other query: the call it fails is done again. */
#include <time.h> /* first: linux/errqueue.h lacks it */

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>

#include "lane_private.h"
#include "local53/base/bytes.h"
#include "local53/base/check.h"
#include "local53/base/clock.h"

/* An ICMP error makes the next call on its socket fail once, whatever it was about. A call that
 * fails oftener without getting on fails for itself. Each failure tells of at least one error in
 * the queue, so more than a few in a row do not come. */
#define PENDING_ERRORS_MAX 4

/* The DNS id is all that is wanted of a datagram that comes back. */
#define ID_OCTETS 2

enum err lane_udp_open(struct lane *lane)
{
    bool v4 = lane->config.server.sa.sa_family == AF_INET;
    enum err err = lane_socket_open(lane, SOCK_DGRAM);
    if (err != ERR_OK)
        return err;
    (void)lane_socket_option(lane->fd, v4 ? IPPROTO_IP : IPPROTO_IPV6,
                             v4 ? IP_RECVERR : IPV6_RECVERR, 1);
    return lane_socket_connect(lane);
}

/* --- sending --- */

static void aim(const struct lane_batch *batch)
{
    struct lane_system *system = batch->system;
    for (size_t i = 0; i < batch->count; i++)
        system->pieces[i] = (struct iovec){batch->messages[i].data, batch->messages[i].len};
}

/* Sends messages from..count; how many the kernel took, 0 with errno set. */
static size_t send_some(const struct lane *lane, struct lane_batch *batch, size_t from)
{
    struct lane_system *system = batch->system;
    unsigned left = (unsigned)(batch->count - from);
    uint64_t before_ns = clock_monotonic_ns();
    int taken = sendmmsg(lane->fd, system->headers + from, left, MSG_DONTWAIT);
    if (taken <= 0)
        return 0;
    lane_spread_sent(batch->messages + from, (size_t)taken, before_ns, clock_monotonic_ns());
    return (size_t)taken;
}

/* A call that takes fewer than all has met an error or a full socket and does not say which: the
 * next call does, unless the error was a pending one, which is gone then. So it counts as told. */
size_t lane_udp_send(struct lane *lane, struct lane_batch *batch, int *errno_out)
{
    size_t done = 0;
    unsigned failures = 0;
    aim(batch);
    while (done < batch->count) {
        size_t taken = send_some(lane, batch, done);
        done += taken;
        if (taken > 0) {
            failures = 0;
            lane->errors_told |= done < batch->count;
            continue;
        }
        *errno_out = errno;
        if (errno == EAGAIN || ++failures > PENDING_ERRORS_MAX)
            return done;
        lane->errors_told = true;
    }
    *errno_out = 0;
    return done;
}

/* --- receiving --- */

static void wire_for_receiving(struct lane_batch *batch)
{
    struct lane_system *system = batch->system;
    system->receiving = true;
    for (size_t i = 0; i < batch->cap; i++) {
        struct msghdr *header = &system->headers[i].msg_hdr;
        system->pieces[i] = (struct iovec){system->data + i * system->octets, system->octets};
        header->msg_control = &system->controls[i];
        header->msg_controllen = LANE_CONTROL_OCTETS;
    }
}

static size_t receive_some(struct lane *lane, struct lane_batch *batch)
{
    struct lane_system *system = batch->system;
    for (int tries = 0; tries <= PENDING_ERRORS_MAX; tries++) {
        int count = recvmmsg(lane->fd, system->headers, (unsigned)batch->cap, MSG_DONTWAIT, NULL);
        if (count >= 0)
            return (size_t)count;
        if (errno == EAGAIN)
            break;
        lane->errors_told = true;
    }
    return 0;
}

size_t lane_udp_receive(struct lane *lane, struct lane_batch *batch)
{
    struct lane_system *system = batch->system;
    if (!system->receiving)
        wire_for_receiving(batch);
    size_t count = receive_some(lane, batch);
    uint64_t read_ns = count == 0 ? 0 : lane_clock_measure(&lane->clock);
    for (size_t i = 0; i < count; i++) {
        struct lane_message *message = &batch->messages[i];
        struct mmsghdr *header = &system->headers[i];
        uint64_t stamp_ns = lane_stamp_of(&header->msg_hdr);
        message->data = system->pieces[i].iov_base;
        message->len = header->msg_len;
        message->read_ns = read_ns;
        message->received_ns = lane_clock_received(&lane->clock, stamp_ns, read_ns);
        header->msg_hdr.msg_controllen = LANE_CONTROL_OCTETS;
    }
    if (count < batch->cap)
        lane_clock_settle(&lane->clock);
    return count;
}

/* --- errors --- */

/* Nobody or nowhere: all of "destination unreachable" but "fragmentation needed", which IPv6 has
 * a type of its own for (RFC 792, RFC 1122 section 3.2.2.1, RFC 4443 section 3.1). */
static bool is_refusal(const struct sock_extended_err *error)
{
    if (error->ee_origin == SO_EE_ORIGIN_ICMP)
        return error->ee_type == ICMP_DEST_UNREACH && error->ee_code != ICMP_FRAG_NEEDED;
    return error->ee_origin == SO_EE_ORIGIN_ICMP6 && error->ee_type == ICMP6_DST_UNREACH;
}

static bool tells_refusal(struct msghdr *header)
{
    struct sock_extended_err error;
    for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL;
         control = CMSG_NXTHDR(header, control)) {
        bool v4 = control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_RECVERR;
        bool v6 = control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_RECVERR;
        if (!v4 && !v6)
            continue;
        memcpy(&error, CMSG_DATA(control), sizeof(error));
        return is_refusal(&error);
    }
    return false;
}

/* Takes one error off the queue; false when it is empty. A router may quote too little of the
 * datagram to tell its id (RFC 792 asks for 8 octets, the UDP header): such a query ends as a
 * timeout. */
static bool take_error(const struct lane *lane, struct lane_errors *out)
{
    alignas(struct cmsghdr)
        uint8_t control[CMSG_SPACE(sizeof(struct sock_extended_err) + sizeof(struct sockaddr_in6)) +
                        LANE_CONTROL_OCTETS];
    uint8_t id[ID_OCTETS];
    struct iovec piece = {id, sizeof(id)};
    struct msghdr header = {.msg_iov = &piece,
                            .msg_iovlen = 1,
                            .msg_control = control,
                            .msg_controllen = sizeof(control)};
    ssize_t len = recvmsg(lane->fd, &header, MSG_ERRQUEUE | MSG_DONTWAIT);
    if (len < 0)
        return false;
    if (len == ID_OCTETS && tells_refusal(&header))
        out->ids[out->refused++] = bytes_get_u16(id);
    return true;
}

/* The queue is looked at only when a send or receive told that there is something: each error in
 * it makes one such call fail, so a look at each call would cost a system call for nothing. */
void lane_udp_take_errors(struct lane *lane, struct lane_errors *out)
{
    while (lane->errors_told && out->refused < LANE_BATCH_MAX)
        lane->errors_told = take_error(lane, out);
}
