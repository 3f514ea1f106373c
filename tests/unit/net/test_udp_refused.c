/* What the kernel does not take of a batch of replies, or of queries to an upstream: sendmmsg as it may answer, by a
 * script of the test's. */
#include "net_test.h"

#include <errno.h>
#include <sys/socket.h>

#include "local53/net/udp.h"

#define CALLS_MAX 64
#define ALL UDP_BATCH /* taken by one call at most: all that is left */

/* Process state because sendmmsg hands no context: what each call answers and what the kernel took. */
static struct {
    int answers[CALLS_MAX]; /* datagrams taken, or -errno; ALL behind the last */
    size_t answers_count;
    size_t calls;          /* of sendmmsg */
    uint8_t taken[256];    /* first octets of the datagrams taken, in their order */
    size_t taken_count;    /* of them */
    uint16_t refused_port; /* a call that begins with a datagram for it fails; 0: none does */
    int refusal;           /* errno of that */
} kernel;

/* True for a datagram to the port that is refused; those of a connected socket bear no address. */
static bool is_refused(const struct mmsghdr *datagram)
{
    const struct addr *peer = datagram->msg_hdr.msg_name;
    return peer != NULL && kernel.refused_port != 0 && addr_port(peer) == kernel.refused_port;
}

static int answer_of_call(const struct mmsghdr *first)
{
    size_t call = kernel.calls++;
    if (call < kernel.answers_count)
        return kernel.answers[call];
    return is_refused(first) ? -kernel.refusal : ALL;
}

/* As the kernel: an error is told only when it meets the first, else what went before it is. */
int sendmmsg(int fd, struct mmsghdr *datagrams, unsigned count, int flags)
{
    int answer = answer_of_call(&datagrams[0]);
    (void)fd;
    assert_true(count > 0 && count <= UDP_BATCH);
    assert_true((flags & MSG_DONTWAIT) != 0);
    if (answer < 0) {
        errno = -answer;
        return -1;
    }
    int taken = 0;
    for (; taken < answer && taken < (int)count && !is_refused(&datagrams[taken]); taken++) {
        const uint8_t *data = datagrams[taken].msg_hdr.msg_iov->iov_base;
        kernel.taken[kernel.taken_count++] = data[0];
    }
    return taken;
}

/* --- a server, and replies that are queued at it --- */

static struct net_test test;
static struct udp_server *server;

static int begin(void **state)
{
    struct addr addr = net_test_addr("127.0.0.1");
    (void)state;
    memset(&kernel, 0, sizeof(kernel));
    net_test_init(&test);
    return udp_server_open(&server, test.loop, &addr, net_test_echo, NULL) == ERR_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    udp_server_close(server);
    net_test_deinit(&test);
    return 0;
}

static void script(const int *answers, size_t count)
{
    memcpy(kernel.answers, answers, count * sizeof(*answers));
    kernel.answers_count = count;
}

#define SCRIPT(...)                                                                                \
    script((const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

/* Queues a reply that begins with `mark`. */
static void queue(uint8_t mark, uint16_t port)
{
    struct addr peer = addr_with_port(net_test_addr("127.0.0.1"), port);
    *udp_server_reserve(server) = mark;
    udp_server_commit(server, &peer, 1);
}

static void queue_some(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        queue((uint8_t)i, 5300);
}

static void assert_taken_in_order(size_t count)
{
    assert_int_equal(kernel.taken_count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(kernel.taken[i], i);
}

static uint64_t drops(void)
{
    return udp_server_stats(server).send_drops;
}

/* --- tests --- */

static void nothing_queued_is_no_call(void **state)
{
    (void)state;
    udp_server_flush(server);
    assert_int_equal(kernel.calls, 0);
    queue_some(1);
    udp_server_flush(server);
    udp_server_flush(server);
    assert_int_equal(kernel.calls, 1);
    assert_taken_in_order(1);
}

static void a_whole_batch_is_one_call_and_one_more_sends_it_first(void **state)
{
    (void)state;
    queue_some(UDP_BATCH);
    assert_int_equal(kernel.calls, 0);
    queue(UDP_BATCH, 5300);
    assert_int_equal(kernel.calls, 1);
    assert_taken_in_order(UDP_BATCH);
    udp_server_flush(server);
    assert_int_equal(kernel.calls, 2);
    assert_taken_in_order(UDP_BATCH + 1);
}

static void what_is_taken_in_parts_leaves_whole_and_in_order(void **state)
{
    (void)state;
    SCRIPT(1, 7, UDP_BATCH - 9);
    queue_some(UDP_BATCH);
    udp_server_flush(server);
    assert_int_equal(kernel.calls, 4);
    assert_taken_in_order(UDP_BATCH);
    assert_int_equal(drops(), 0);
}

static void an_interrupted_call_is_made_again(void **state)
{
    (void)state;
    SCRIPT(-EINTR, 3, -EINTR);
    queue_some(UDP_BATCH);
    udp_server_flush(server);
    assert_taken_in_order(UDP_BATCH);
    assert_int_equal(drops(), 0);
}

/* Who waits for room would keep all others waiting. */
static void a_full_buffer_sheds_and_counts_what_is_left(void **state)
{
    (void)state;
    SCRIPT(5, -EAGAIN);
    queue_some(UDP_BATCH);
    udp_server_flush(server);
    assert_int_equal(kernel.calls, 2);
    assert_taken_in_order(5);
    assert_int_equal(drops(), UDP_BATCH - 5);
    queue(5, 5300);
    udp_server_flush(server);
    assert_taken_in_order(6);
    assert_int_equal(drops(), UDP_BATCH - 5);
}

/* A packet filter's EPERM, a queue's ENOBUFS, an address that cannot be: a matter of one client. */
static void a_refused_reply_is_counted_and_all_others_leave(void **state)
{
    static const int refusals[] = {EPERM, ENOBUFS, EINVAL, ENETUNREACH, EMSGSIZE};
    (void)state;
    kernel.refused_port = 9;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        uint64_t before = drops();
        kernel.refusal = refusals[i];
        kernel.taken_count = 0;
        queue(99, 9);
        queue(0, 5300);
        queue(99, 9);
        queue(99, 9);
        queue(1, 5300);
        queue(2, 5300);
        queue(99, 9);
        udp_server_flush(server);
        assert_taken_in_order(3);
        assert_int_equal(drops() - before, 4);
    }
}

/* What is queued is sent by a close. */
static void a_close_sends_what_is_queued(void **state)
{
    (void)state;
    queue_some(3);
    udp_server_close(server);
    server = NULL;
    assert_taken_in_order(3);
}

/* --- a socket towards an upstream, and queries that are queued at it --- */

/* What its owner was told. */
struct told {
    unsigned errors;
    enum err last;
};

static void on_datagram(void *owner, struct udp_client *client, const uint8_t *data, size_t len)
{
    (void)owner;
    (void)client;
    (void)data;
    (void)len;
    fail_msg("nobody sends anything");
}

static void on_error(void *owner, struct udp_client *client, enum err err)
{
    struct told *told = owner;
    (void)client;
    told->errors++;
    told->last = err;
}

static void on_turn(void *owner)
{
    loop_stop(owner);
}

/* Queues so many queries at a new socket and runs the loop to the end of its turn. */
static struct told ask_some(unsigned count)
{
    static const struct udp_client_events events = {on_datagram, on_error};
    struct told told = {.errors = 0};
    struct udp_client *client;
    struct addr upstream = addr_with_port(net_test_addr("127.0.0.1"), 5300);
    assert_int_equal(udp_client_open(&client, test.loop, &upstream, &events, &told), ERR_OK);
    for (unsigned i = 0; i < count; i++)
        udp_client_queue(client, &(uint8_t){(uint8_t)i}, 1);
    assert_int_equal(told.errors, 0);
    loop_set_on_turn(test.loop, on_turn, test.loop);
    loop_run(test.loop);
    udp_client_close(client);
    return told;
}

static void queries_taken_in_parts_leave_whole_and_in_order(void **state)
{
    (void)state;
    SCRIPT(1, -EINTR, 7);
    assert_int_equal(ask_some(UDP_CLIENT_QUEUE_MAX).errors, 0);
    assert_taken_in_order(UDP_CLIENT_QUEUE_MAX);
}

/* They are asked again when their time is over, like what is lost on the way. */
static void queries_that_find_no_room_are_lost_in_silence(void **state)
{
    static const int reasons[] = {EAGAIN, ENOBUFS};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        kernel.calls = 0;
        kernel.taken_count = 0;
        SCRIPT(3, -reasons[i]);
        assert_int_equal(ask_some(20).errors, 0);
        assert_taken_in_order(3);
        assert_int_equal(kernel.calls, 2);
    }
}

static void queries_that_are_refused_are_told_once(void **state)
{
    (void)state;
    SCRIPT(3, -EPERM);
    struct told told = ask_some(20);
    assert_int_equal(told.errors, 1);
    assert_int_equal(told.last, ERR_DENIED);
    assert_taken_in_order(3);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(nothing_queued_is_no_call),
        WITH_SERVER(a_whole_batch_is_one_call_and_one_more_sends_it_first),
        WITH_SERVER(what_is_taken_in_parts_leaves_whole_and_in_order),
        WITH_SERVER(an_interrupted_call_is_made_again),
        WITH_SERVER(a_full_buffer_sheds_and_counts_what_is_left),
        WITH_SERVER(a_refused_reply_is_counted_and_all_others_leave),
        WITH_SERVER(a_close_sends_what_is_queued),
        WITH_SERVER(queries_taken_in_parts_leave_whole_and_in_order),
        WITH_SERVER(queries_that_find_no_room_are_lost_in_silence),
        WITH_SERVER(queries_that_are_refused_are_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
