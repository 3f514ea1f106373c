/* udp_sender: opens the socket that only sends. Bound to the server's address and connected to it, so that
 * the kernel matches no client's datagram to it. Whether it does is tried first, on a port nobody else
 * knows: one question and one answer over loopback. Any thread; holds nothing. Bounds: a trial that
 * fails may take 2 * TRIAL_WAIT_MS. */
#include "udp_sender.h"

#include <poll.h>
#include <stdbool.h>

#include "socket.h"

/* How long a datagram of a trial may be on its way. */
#define TRIAL_WAIT_MS 100

/* A socket bound to `bound` beside others and connected to it. */
static int open_connected(const struct addr *bound)
{
    int fd = -1;
    if (socket_open_bound(&fd, bound, SOCK_DGRAM, SOCKET_REUSEADDR) != ERR_OK)
        return -1;
    if (connect(fd, &bound->sa, addr_len(bound)) == 0)
        return fd;
    socket_close(fd);
    return -1;
}

/* --- the trial --- */

/* A server's two sockets and a client's, all of one host address; -1 while not open. */
struct trial {
    struct addr at; /* the server's address */
    int receiver;   /* as the server's */
    int sender;     /* what is tried */
    int client;     /* connected to `at`: takes answers from there only */
};

/* Sets a port of addr that nobody has. Told by an exclusive socket: asked for a port of its choice, the
 * kernel gives one that shares even if another has it. */
static bool find_port(struct addr *addr)
{
    int fd = -1;
    if (socket_open_bound(&fd, addr, SOCK_DGRAM, SOCKET_EXCLUSIVE) != ERR_OK)
        return false;
    *addr = socket_local_addr(fd);
    socket_close(fd);
    return true;
}

static bool trial_open(struct trial *trial, const struct addr *bound)
{
    struct addr client = addr_with_port(*bound, 0);
    *trial = (struct trial){client, -1, -1, -1};
    if (!find_port(&trial->at) ||
        socket_open_bound(&trial->receiver, &trial->at, SOCK_DGRAM, SOCKET_REUSEPORT) != ERR_OK)
        return false;
    trial->sender = open_connected(&trial->at);
    return trial->sender >= 0 &&
           socket_open_bound(&trial->client, &client, SOCK_DGRAM, SOCKET_EXCLUSIVE) == ERR_OK &&
           connect(trial->client, &trial->at.sa, addr_len(&trial->at)) == 0;
}

static void trial_close(struct trial *trial)
{
    const int fds[] = {trial->receiver, trial->sender, trial->client};
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 0)
            socket_close(fds[i]);
}

static bool has_datagram(int fd, int wait_ms)
{
    struct pollfd watched = {fd, POLLIN, 0};
    return poll(&watched, 1, wait_ms) == 1 && watched.revents == POLLIN;
}

/* A question goes to the receiver, not to the sender; its answer is the client's only if it leaves from
 * the address asked. */
static bool trial_passes(const struct trial *trial)
{
    struct addr client = socket_local_addr(trial->client);
    if (send(trial->client, "?", 1, 0) != 1 || !has_datagram(trial->receiver, TRIAL_WAIT_MS) ||
        has_datagram(trial->sender, 0))
        return false;
    return sendto(trial->sender, "!", 1, 0, &client.sa, addr_len(&client)) == 1 &&
           has_datagram(trial->client, TRIAL_WAIT_MS);
}

static bool would_work(const struct addr *bound)
{
    struct trial trial;
    bool works = trial_open(&trial, bound) && trial_passes(&trial);
    trial_close(&trial);
    return works;
}

int udp_sender_open(const struct addr *bound)
{
    /* A wildcard address would not be the one that a client asked. */
    if (addr_is_any(bound) || !would_work(bound))
        return -1;
    return open_connected(bound);
}
