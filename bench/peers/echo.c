/* echo: the least a UDP server can do: what others are measured by. One thread, one blocking socket, batches
 * of 32: recvmmsg, the QR bit set in place, sendmmsg. CPU a packet of it, in the same run, is the unit "b" of
 * the figures beside it; its caller pins it (taskset). Owns its socket and buffers until it is killed.
 * Usage: bench_echo ADDRESS:PORT. Packets longer than 4096 octets are cut; what cannot be sent is dropped. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "local53/base/addr.h"

#define BATCH 32
#define PACKET_MAX 4096
#define BUFFER_BYTES (4 << 20)

/* Received packets, which leave again from where they lie. */
struct echo {
    struct mmsghdr headers[BATCH];
    struct iovec pieces[BATCH];
    struct addr peers[BATCH];
    uint8_t data[BATCH][PACKET_MAX];
};

static void wire(struct echo *echo)
{
    for (size_t i = 0; i < BATCH; i++) {
        echo->pieces[i].iov_base = echo->data[i];
        echo->headers[i].msg_hdr = (struct msghdr){
            .msg_name = &echo->peers[i], .msg_iov = &echo->pieces[i], .msg_iovlen = 1};
    }
}

static int open_socket(const struct addr *addr)
{
    int size = BUFFER_BYTES;
    int fd = socket(addr->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, &addr->sa, addr_len(addr)) != 0)
        return -1;
    /* Past the system's limit where that is allowed, as a name server would. */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    return fd;
}

static int receive(int fd, struct echo *echo)
{
    for (size_t i = 0; i < BATCH; i++) {
        echo->pieces[i].iov_len = PACKET_MAX;
        echo->headers[i].msg_hdr.msg_namelen = sizeof(echo->peers[i]);
    }
    return recvmmsg(fd, echo->headers, BATCH, MSG_WAITFORONE, NULL);
}

static void answer(int fd, struct echo *echo, int count)
{
    for (int i = 0; i < count; i++) {
        echo->pieces[i].iov_len = echo->headers[i].msg_len;
        if (echo->headers[i].msg_len > 2)
            echo->data[i][2] |= 0x80; /* QR, RFC 1035 section 4.1.1 */
    }
    (void)sendmmsg(fd, echo->headers, (unsigned)count, 0);
}

int main(int argc, char **argv)
{
    static struct echo echo;
    struct addr addr;
    if (argc != 2 || addr_parse(&addr, argv[1], 53) != ERR_OK) {
        fprintf(stderr, "usage: bench_echo ADDRESS:PORT\n");
        return 2;
    }
    int fd = open_socket(&addr);
    if (fd < 0) {
        fprintf(stderr, "bench_echo: %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    wire(&echo);
    for (;;) {
        int count = receive(fd, &echo);
        if (count > 0)
            answer(fd, &echo, count);
        else if (errno != EINTR && errno != ECONNREFUSED)
            return 1;
    }
}
