/* server: what befalls each query, the count of it all, and the loop: due answers leave, a batch
 * is read, its answers leave, and only when nothing came is there a wait.
 * Owns: the ports, the answers held and SIGUSR1, blocked while it runs. Thread: the caller's.
 * Bounds: as the door says; FINISH_NS after the stop what is still held leaves early.
 * Fails: before the first query, with an error; a sum that does not add up afterwards is a
 * CHECK. */
#include "faults/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "faults/server_private.h"
#include "local53/base/check.h"
#include "local53/base/clock.h"
#include "measure/machine.h"
#include "measure/units.h"

/* Longest wait: how late a stop without a signal is noticed. */
#define WAIT_NS (50 * NS_PER_MS)

/* A sleeper wakes late by about this: so long before an answer is due there is no more sleep. */
#define SPIN_NS (30 * NS_PER_US)

#define FINISH_NS (10 * NS_PER_S)
#define EXPIRE_NS NS_PER_S

/* Under full load TCP and signals are looked at every so many turns. */
#define BUSY_TURNS 64

/* Ports the kernel picks for UDP may be taken for TCP. */
#define PORT_ATTEMPTS 8

/* ---- Stamps and sockets ---- */

static uint64_t timespec_ns(struct timespec t)
{
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* Between two readings of the one clock the other is read; when that took long, for this thread
 * was put aside, again. */
int64_t server_stamp_offset(void)
{
    const uint64_t quick_ns = 2 * NS_PER_US;
    struct timespec real;
    uint64_t before;
    uint64_t after = clock_monotonic_ns();

    for (int i = 0; i < 4; i++) {
        before = after;
        (void)clock_gettime(CLOCK_REALTIME, &real);
        after = clock_monotonic_ns();
        if (after - before < quick_ns)
            break;
    }
    return (int64_t)(before + (after - before) / 2) - (int64_t)timespec_ns(real);
}

uint64_t server_stamp(struct msghdr *head, int64_t offset_ns, uint64_t now_ns)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c != NULL; c = CMSG_NXTHDR(head, c)) {
        struct timespec stamp;

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
        uint64_t at_ns = (uint64_t)((int64_t)timespec_ns(stamp) + offset_ns);
        return at_ns < now_ns ? at_ns : now_ns;
    }
    return now_ns;
}

void server_ask_for_stamps(int fd)
{
    const int on = 1;

    (void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
}

/* ---- One query ---- */

void server_sent(struct server *server, const struct answer *answer, uint64_t before_ns)
{
    struct fault_truth *truth = server->truth;
    const struct response_told *told = &answer->told;

    truth->answered++;
    truth->rcode[told->rcode]++;
    truth->truncated += told->truncated;
    truth->wrong_address += told->fault == FAULT_WRONG_ADDRESS;
    truth->wrong_question += told->fault == FAULT_WRONG_QUESTION;
    truth->wrong_id += told->fault == FAULT_WRONG_ID;
    truth->empty += told->fault == FAULT_EMPTY;
    histogram_record(&truth->hold,
                     before_ns > answer->received_ns ? before_ns - answer->received_ns : 0);
}

void server_unsent(struct server *server)
{
    server->truth->send_failed++;
}

static void put(struct server *server, const struct answer *answer, const uint8_t *octets)
{
    if (answer->asker.over_tcp)
        tcp_put(server, answer, octets);
    else
        udp_put(server, answer, octets);
}

/* Composes the answer to out. */
static struct answer compose(const struct server *server, const struct arrival *arrival,
                             const struct fault_draw *draw, uint8_t *out)
{
    struct answer answer = {
        .asker = arrival->asker, .received_ns = arrival->received_ns, .duplicate = draw->duplicate};

    answer.told = responder_answer(&server->config->plan, draw, arrival->message,
                                   arrival->asker.over_tcp, out);
    CHECK(answer.told.len > 0);
    return answer;
}

static void answer_now(struct server *server, const struct arrival *arrival,
                       const struct fault_draw *draw)
{
    uint8_t octets[RESPONDER_MAX_OCTETS];
    struct answer answer = compose(server, arrival, draw, octets);

    put(server, &answer, octets);
}

static void answer_later(struct server *server, const struct arrival *arrival,
                         const struct fault_draw *draw)
{
    uint8_t *room = hold_room(&server->hold);
    uint64_t due_ns;

    if (room == NULL ||
        !schedule_take(&server->schedule, arrival->received_ns, draw->jitter_ns, &due_ns)) {
        server->truth->overflowed++;
        return;
    }
    struct answer answer = compose(server, arrival, draw, room);
    hold_put(&server->hold, due_ns, &answer);
    if (arrival->asker.over_tcp)
        tcp_holds(server, &arrival->asker);
}

void server_take(struct server *server, const struct arrival *arrival)
{
    struct fault_truth *truth = server->truth;

    truth->received++;
    truth->tcp += arrival->asker.over_tcp;
    if (!responder_is_query(arrival->message)) {
        truth->malformed++;
        return;
    }
    schedule_arrival(&server->schedule, arrival->received_ns);
    truth->first_ns = server->schedule.first_ns;
    truth->last_ns = arrival->received_ns;
    struct fault_draw draw = fault_draw(&server->config->plan, &server->rng);
    if (draw.fault == FAULT_LOSS)
        truth->dropped++;
    else if (server->prompt)
        answer_now(server, arrival, &draw);
    else
        answer_later(server, arrival, &draw);
}

/* ---- The truth ---- */

/* Writes all of a text to a file, which is made anew, or to stdout. */
static enum err write_text(const char *path, const char *text)
{
    size_t left = strlen(text);
    int fd = strcmp(path, "-") == 0 ? dup(STDOUT_FILENO)
                                    : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    if (fd < 0)
        return err_from_errno(errno);
    while (left > 0) {
        ssize_t written = write(fd, text, left);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            break;
        text += written;
        left -= (size_t)written;
    }
    return close(fd) == 0 && left == 0 ? ERR_OK : ERR_SYSTEM;
}

/* Brings the truth up to date and writes it, where it is wanted. */
static enum err tell_truth(struct server *server)
{
    struct fault_truth *truth = server->truth;
    struct timespec cpu = {0};

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    truth->cpu_ns = timespec_ns(cpu);
    truth->busy_ns = server->schedule.busy_ns;
    truth->socket_drops = udp_drops(server);
    if (server->config->truth_file == NULL)
        return ERR_OK;
    char *text = fault_truth_json(truth, &server->config->plan);
    enum err err = write_text(server->config->truth_file, text);
    free(text);
    return err;
}

/* ---- The loop ---- */

static bool is_over(const struct server *server, uint64_t now_ns)
{
    return atomic_load_explicit(server->stop, memory_order_relaxed) || now_ns >= server->end_ns;
}

static struct timespec span_until(uint64_t until_ns, uint64_t now_ns)
{
    uint64_t span = until_ns > now_ns ? until_ns - now_ns : 0;

    return (struct timespec){(time_t)(span / NS_PER_S), (long)(span % NS_PER_S)};
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void sleep_until(uint64_t until_ns, uint64_t now_ns)
{
    const struct timespec span = span_until(least(until_ns, now_ns + WAIT_NS), now_ns);

    (void)ppoll(NULL, 0, &span, NULL);
}

/* Sends what is due by then. */
static void send_due(struct server *server, uint64_t now_ns)
{
    while (hold_due(&server->hold) <= now_ns) {
        struct answer answer;
        const uint8_t *octets = hold_take(&server->hold, &answer);

        put(server, &answer, octets);
    }
    udp_flush(server);
}

/* Sits a stall out; false when there is none now. */
static bool stall(struct server *server, uint64_t now_ns)
{
    const uint64_t begin_ns = now_ns;
    const uint64_t end_ns = schedule_stall_end(&server->schedule, now_ns);

    while (now_ns < end_ns && !is_over(server, now_ns)) {
        sleep_until(end_ns, now_ns);
        now_ns = clock_monotonic_ns();
    }
    server->truth->stalled_ns += now_ns - begin_ns;
    return now_ns != begin_ns;
}

static void take_signal(struct server *server)
{
    struct signalfd_siginfo info;

    if (read(server->polled[POLL_SIGNAL].fd, &info, sizeof(info)) == (ssize_t)sizeof(info) &&
        tell_truth(server) != ERR_OK)
        (void)fprintf(stderr, "could not write %s\n", server->config->truth_file);
}

/* Waits for something to read, an answer to be due or the end; looks only, when `look` is true. */
static void wait_for_work(struct server *server, uint64_t now_ns, bool look)
{
    uint64_t due_ns = hold_due(&server->hold);
    uint64_t until_ns = least(least(due_ns - SPIN_NS, server->end_ns), now_ns + WAIT_NS);
    const struct timespec span = span_until(look ? now_ns : until_ns, now_ns);

    if (ppoll(server->polled, server->polled_count, &span, NULL) > 0) {
        tcp_turn(server);
        if (server->polled[POLL_SIGNAL].revents != 0)
            take_signal(server);
    }
    if (now_ns >= server->expire_ns) {
        tcp_expire(server, now_ns);
        server->expire_ns = now_ns + EXPIRE_NS;
    }
}

static void turn(struct server *server, uint64_t now_ns)
{
    if (stall(server, now_ns))
        return;
    send_due(server, now_ns);
    bool idle = udp_read(server) == 0;
    udp_flush(server);
    bool soon = hold_due(&server->hold) <= now_ns + SPIN_NS;
    if ((idle && !soon) || ++server->turns % BUSY_TURNS == 0)
        wait_for_work(server, now_ns, !idle || soon);
}

/* What is held leaves when it is due, or early when that takes too long. */
static void finish(struct server *server)
{
    uint64_t now_ns = clock_monotonic_ns();
    const uint64_t limit_ns = now_ns + FINISH_NS;

    while (server->hold.count > 0) {
        uint64_t due_ns = hold_due(&server->hold);

        if (due_ns > now_ns + SPIN_NS && now_ns < limit_ns)
            sleep_until(least(due_ns - SPIN_NS, limit_ns), now_ns);
        now_ns = clock_monotonic_ns();
        send_due(server, now_ns < limit_ns ? now_ns : UINT64_MAX - 1);
    }
}

/* Serves until the end. The received are what became of them, one by one. */
static enum err serve(struct server *server)
{
    const struct fault_truth *truth = server->truth;

    for (uint64_t now_ns = clock_monotonic_ns(); !is_over(server, now_ns);
         now_ns = clock_monotonic_ns())
        turn(server, now_ns);
    finish(server);
    tcp_close(server);
    CHECK(truth->received == truth->answered + truth->dropped + truth->overflowed +
                                 truth->send_failed + truth->malformed);
    return tell_truth(server);
}

/* ---- Begin and end ---- */

static void server_init(struct server *server, const struct fault_server_config *config)
{
    const struct fault_plan *plan = &config->plan;

    schedule_init(&server->schedule, plan);
    server->prompt = fault_plan_is_prompt(plan);
    hold_init(&server->hold, server->prompt ? 1 : FAULT_SERVER_HELD, responder_longest(plan));
    rng_init_seeded(&server->rng, plan->seed);
    histogram_init(&server->truth->hold);
    server->end_ns = UINT64_MAX;
    server->polled_count = POLL_CONNECTIONS;
    for (size_t i = 0; i < POLL_COUNT; i++)
        server->polled[i].fd = -1;
}

static enum err open_ports(struct server *server)
{
    const struct fault_server_config *config = server->config;
    enum err err = ERR_IN_USE;

    for (int attempt = 0; attempt < PORT_ATTEMPTS && err == ERR_IN_USE; attempt++) {
        err = udp_open(server);
        if (err == ERR_OK && config->tcp)
            err = tcp_open(server);
        if (err != ERR_OK)
            udp_close(server);
        if (addr_port(&config->listen) != 0)
            break;
    }
    return err;
}

/* SIGUSR1 is read as a message, so no handler and nothing global is needed. */
static enum err open_signal(struct server *server, sigset_t *before)
{
    sigset_t wanted;

    (void)sigemptyset(&wanted);
    (void)sigaddset(&wanted, SIGUSR1);
    if (pthread_sigmask(SIG_BLOCK, &wanted, before) != 0)
        return ERR_SYSTEM;
    int fd = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
    server->polled[POLL_SIGNAL] = (struct pollfd){.fd = fd, .events = POLLIN};
    return fd < 0 ? err_from_errno(errno) : ERR_OK;
}

/* One that is still waiting must not end the process. */
static void close_signal(struct server *server, const sigset_t *before)
{
    struct signalfd_siginfo info;
    int fd = server->polled[POLL_SIGNAL].fd;

    if (fd >= 0) {
        (void)!read(fd, &info, sizeof(info));
        (void)close(fd);
    }
    (void)pthread_sigmask(SIG_SETMASK, before, NULL);
}

static enum err open_and_serve(struct server *server)
{
    const struct fault_server_config *config = server->config;
    char text[ADDR_TEXT_MAX];
    enum err err;

    if (config->cpu >= 0 && machine_pin((unsigned)config->cpu) != ERR_OK)
        return ERR_INVALID;
    machine_sharpen_timers();
    err = open_ports(server);
    if (err != ERR_OK)
        return err;
    if (config->duration_ns > 0)
        server->end_ns = clock_monotonic_ns() + config->duration_ns;
    (void)fprintf(stderr, "listening on %s\n", addr_format(&server->address, text));
    return serve(server);
}

enum err fault_server_run(const struct fault_server_config *config, _Atomic bool *stop,
                          struct fault_truth *truth)
{
    struct server server = {.config = config, .stop = stop, .truth = truth};
    sigset_t before;
    enum err err;

    *truth = (struct fault_truth){0};
    server_init(&server, config);
    err = open_signal(&server, &before);
    if (err == ERR_OK)
        err = open_and_serve(&server);
    close_signal(&server, &before);
    udp_close(&server);
    hold_deinit(&server.hold);
    return err;
}
