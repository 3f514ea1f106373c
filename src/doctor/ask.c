/* ask: one socket a question, all watched by poll(2). Owns the sockets for the time of a call. Thread: main.
 * Bounds: DOCTOR_ASKS_MAX sockets, DOCTOR_ASK_MS. Fails: each question for itself. */
#include "ask.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "local53/base/check.h"
#include "local53/base/clock.h"
#include "local53/base/rng.h"
#include "local53/dns/message.h"
#include "local53/dns/reply.h"

#define FRAME_OCTETS 2     /* length in front of a message over TCP (RFC 1035 section 4.2.2) */
#define QUERY_OCTETS 512   /* room for a query with its frame */
#define ANSWER_OCTETS 4096 /* of an answer, as much as is looked at */

/* A question under way. */
struct asking {
    struct doctor_ask *ask;        /* borrowed; NULL when it is done */
    int fd;                        /* owned; -1 when it is done */
    uint16_t id;                   /* of the query */
    uint64_t started_us;           /* monotonic */
    bool sent;                     /* TCP: the query left; UDP: the second time too */
    uint8_t query[QUERY_OCTETS];   /* behind room for the frame */
    size_t query_len;              /* without the frame */
    uint8_t answer[ANSWER_OCTETS]; /* what came; TCP: frame first */
    size_t answer_len;             /* of it */
};

static void finish(struct asking *asking, enum err err)
{
    asking->ask->err = err;
    asking->ask->took_us = clock_monotonic_us() - asking->started_us;
    if (asking->fd >= 0)
        close(asking->fd);
    asking->fd = -1;
    asking->ask = NULL;
}

/* --- sending --- */

static void write_query(struct asking *asking, struct rng *rng)
{
    struct writer w = writer_init(asking->query + FRAME_OCTETS, QUERY_OCTETS - FRAME_OCTETS);
    struct outgoing outgoing = {.id = rng_u16(rng), .recursion_desired = true, .edns = true};
    query_write(&w, &outgoing, &asking->ask->name, asking->ask->type, CLASS_IN);
    CHECK(!w.failed);
    asking->id = outgoing.id;
    asking->query_len = w.len;
    bytes_put_u16(asking->query, (uint16_t)w.len);
}

/* False: finished, with an error. */
static bool send_query(struct asking *asking)
{
    size_t frame = asking->ask->tcp ? FRAME_OCTETS : 0;
    const uint8_t *from = asking->query + FRAME_OCTETS - frame;
    size_t len = asking->query_len + frame;
    if (send(asking->fd, from, len, MSG_NOSIGNAL) == (ssize_t)len)
        return true;
    if (!asking->ask->tcp && (errno == EAGAIN || errno == ENOBUFS))
        return true; /* as if lost on the way */
    finish(asking, err_from_errno(errno));
    return false;
}

static void start(struct asking *asking, struct doctor_ask *ask, struct rng *rng)
{
    int type = ask->tcp ? SOCK_STREAM : SOCK_DGRAM;
    *asking = (struct asking){.ask = ask, .started_us = clock_monotonic_us()};
    ask->answered = false;
    asking->fd = socket(ask->server.sa.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (asking->fd < 0) {
        finish(asking, err_from_errno(errno));
        return;
    }
    write_query(asking, rng);
    if (connect(asking->fd, &ask->server.sa, addr_len(&ask->server)) != 0 && errno != EINPROGRESS)
        finish(asking, err_from_errno(errno));
    else if (!ask->tcp)
        send_query(asking);
}

/* --- receiving --- */

static bool is_answer(const struct asking *asking, const uint8_t *message, size_t len)
{
    return len >= MESSAGE_HEADER_OCTETS && bytes_get_u16(message) == asking->id &&
           (message_flags(message) & FLAG_QR) != 0 &&
           message_question_matches(message, len, &asking->ask->name, asking->ask->type, CLASS_IN);
}

/* What of the message came, whole or as much as there is room for; NULL while it is under way. */
static const uint8_t *whole_message(const struct asking *asking, size_t *len)
{
    if (!asking->ask->tcp) {
        *len = asking->answer_len;
        return asking->answer;
    }
    if (asking->answer_len < FRAME_OCTETS)
        return NULL;
    *len = bytes_get_u16(asking->answer);
    if (*len > ANSWER_OCTETS - FRAME_OCTETS)
        *len = ANSWER_OCTETS - FRAME_OCTETS;
    return asking->answer_len - FRAME_OCTETS >= *len ? asking->answer + FRAME_OCTETS : NULL;
}

static void take_answer(struct asking *asking)
{
    size_t len;
    const uint8_t *message = whole_message(asking, &len);
    bool over_tcp = asking->ask->tcp;
    if (message != NULL && is_answer(asking, message, len)) {
        asking->ask->answered = true;
        asking->ask->rcode = message_rcode(message);
        asking->ask->records = bytes_get_u16(message + ANCOUNT_OFFSET);
        finish(asking, ERR_OK);
    } else if (message != NULL && over_tcp) {
        finish(asking, ERR_MALFORMED);
    }
}

static void receive(struct asking *asking)
{
    size_t held = asking->ask->tcp ? asking->answer_len : 0;
    ssize_t got = recv(asking->fd, asking->answer + held, ANSWER_OCTETS - held, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got < 0 || (got == 0 && asking->ask->tcp)) {
        finish(asking, got < 0 ? err_from_errno(errno) : ERR_CLOSED);
        return;
    }
    asking->answer_len = held + (size_t)got;
    take_answer(asking);
}

static void on_events(struct asking *asking, short events)
{
    bool connecting = asking->ask->tcp && !asking->sent;
    int error = 0;
    socklen_t len = sizeof(error);
    if (connecting && (events & POLLOUT) != 0 && (events & (POLLERR | POLLHUP)) == 0) {
        asking->sent = true;
        send_query(asking);
    } else if ((events & POLLIN) != 0) {
        receive(asking);
    } else if ((events & (POLLERR | POLLHUP)) != 0) {
        getsockopt(asking->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        finish(asking, error != 0 ? err_from_errno(error) : ERR_CLOSED);
    }
}

/* --- all --- */

static void resend(struct asking *asking, uint64_t now_us)
{
    if (asking->ask->tcp || asking->sent ||
        now_us - asking->started_us < DOCTOR_RESEND_MS * UINT64_C(1000))
        return;
    asking->sent = true;
    send_query(asking);
}

/* Fills the descriptors to watch; gives how many questions are under way. */
static size_t watch(struct asking *askings, struct pollfd *fds, size_t count)
{
    size_t active = 0;
    for (size_t i = 0; i < count; i++) {
        if (askings[i].ask != NULL)
            resend(&askings[i], clock_monotonic_us());
        bool connecting = askings[i].ask != NULL && askings[i].ask->tcp && !askings[i].sent;
        fds[i] = (struct pollfd){.fd = askings[i].fd, .events = connecting ? POLLOUT : POLLIN};
        active += askings[i].ask != NULL;
    }
    return active;
}

static void wait_for_all(struct asking *askings, struct pollfd *fds, size_t count)
{
    uint64_t end_us = clock_monotonic_us() + DOCTOR_ASK_MS * UINT64_C(1000);
    while (watch(askings, fds, count) > 0) {
        uint64_t now_us = clock_monotonic_us();
        int left_ms = now_us < end_us ? (int)((end_us - now_us) / 1000 + 1) : 0;
        if (left_ms == 0)
            break;
        int ready = poll(fds, count, left_ms < 50 ? left_ms : 50);
        for (size_t i = 0; ready > 0 && i < count; i++) {
            if (askings[i].ask != NULL && fds[i].revents != 0)
                on_events(&askings[i], fds[i].revents);
        }
    }
}

void doctor_ask_all(struct doctor_ask *asks, size_t count)
{
    struct asking *askings = calloc(count + 1, sizeof(*askings));
    struct pollfd *fds = calloc(count + 1, sizeof(*fds));
    struct rng rng;
    CHECK(askings != NULL && fds != NULL && count <= DOCTOR_ASKS_MAX);
    rng_init(&rng);
    for (size_t i = 0; i < count; i++)
        start(&askings[i], &asks[i], &rng);
    wait_for_all(askings, fds, count);
    for (size_t i = 0; i < count; i++) {
        if (askings[i].ask != NULL)
            finish(&askings[i], ERR_TIMEOUT);
    }
    free(fds);
    free(askings);
}
