/* drive_hit: questions through a worker on a real loop and real loopback sockets, for the gates to count
 * what each costs: instructions (callgrind, inside loop_run), allocations (told here), system calls.
 * Usage: drive_hit cache|endpoint ROUNDS PACKETS. A round is PACKETS questions that wait when the loop
 * wakes up, one turn of the loop, and the replies, which are checked. Prints "queries N" and
 * "allocations N", those inside loop_run; exit 1 when a reply is missing or wrong. */
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "local53/base/check.h"
#include "local53/config/config.h"
#include "local53/server/worker.h"
#include "wire.h"

#define NAMES 1000
#define WARM_ROUNDS 4
#define PACKETS_MAX 1024

static const char CONFIG[] =
    "listen: [127.0.0.1:5353]\n"
    "metrics: []\n"
    "endpoints:\n"
    "  - {names: ['*.s3.eu-west-1.amazonaws.com'], addresses: [10.40.1.13, 10.40.2.13]}\n"
    "forward:\n"
    "  - {zone: ., servers: [192.0.2.53]}\n"
    "  - {zone: cluster.local, servers: [192.0.2.54]}\n";

struct drive {
    struct metrics_names *names;
    struct cache *cache;
    struct snapshot *snapshot;
    struct worker *worker;
    int client;                /* connected UDP socket */
    struct mmsghdr *questions; /* NAMES, ready to send */
    size_t next;               /* the next of them */
    bool in_turn;              /* the loop's one turn of this round has begun */
};

/* --- allocations --- */

/* Process state because malloc hands no context: counts while the loop runs. */
static struct {
    size_t count;
    int counting;
} allocations;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

void *malloc(size_t size)
{
    allocations.count += (size_t)allocations.counting;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations.count += (size_t)allocations.counting;
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    allocations.count += (size_t)allocations.counting;
    return __libc_realloc(memory, size);
}

/* --- the server --- */

static struct snapshot *make_snapshot(struct metrics_names *names)
{
    struct report report = {.file = "gate"};
    struct config *config = NULL;
    CHECK(config_parse(&config, report.file, CONFIG, strlen(CONFIG), &report) == ERR_OK);
    struct ruleset *rules = ruleset_new(config, 1, &report);
    CHECK(rules != NULL);
    struct snapshot *snapshot = snapshot_new(rules, names);
    struct target target;
    target_init(&target, NULL, 0, rules->endpoints[0].config->addresses,
                rules->endpoints[0].config->address_count);
    target_addresses(&target, 1, &snapshot->addresses[0]);
    report_deinit(&report);
    return snapshot;
}

/* What upstream would have said to a question: one address. */
static void store(struct drive *drive, const uint8_t *question, size_t len)
{
    static uint8_t room[ENTRY_SCRATCH] __attribute__((aligned(8)));
    uint8_t message[512];
    struct writer w = writer_init(message, sizeof(message));
    struct request request;
    enum dns_rcode rcode;
    CHECK(request_parse(&request, &rcode, question, len) == REQUEST_ANSWER);
    wire_header(&w, FLAG_QR | FLAG_RD | FLAG_RA, (const uint16_t[4]){1, 1, 0, 0});
    writer_put(&w, request.question, request.question_len);
    wire_pointer(&w, MESSAGE_HEADER_OCTETS);
    wire_record(&w, TYPE_A, 3600, WIRE_BYTES("\300\0\2\1"));
    struct entry_source source = {
        .message = message,
        .len = w.len,
        .qname = &request.qname,
        .qtype = TYPE_A,
        .qclass = CLASS_IN,
        .max_ttl_s = 3600,
        .max_negative_ttl_s = 30,
        .now_ms = loop_now_ms(drive->worker->loop),
        .decision = {.pool = drive->snapshot->rules->pools[0].fingerprint},
        .epoch = 1};
    struct entry *entry = (struct entry *)(void *)room;
    CHECK(entry_build(entry, sizeof(room), &source) == ERR_OK);
    CHECK(cache_insert(drive->cache, entry));
}

static void make_question(struct mmsghdr *out, const char *zone, unsigned i)
{
    char name[128];
    uint8_t *packet = malloc(512);
    struct iovec *piece = malloc(sizeof(*piece));
    struct writer w = writer_init(packet, 512);
    CHECK(packet != NULL && piece != NULL);
    snprintf(name, sizeof(name), "Bucket-%04u.%s", i, zone);
    wire_query(&w, name, TYPE_A, true);
    *piece = (struct iovec){packet, w.len};
    *out = (struct mmsghdr){.msg_hdr = {.msg_iov = piece, .msg_iovlen = 1}};
}

/* Ends the loop's run with the turn that has begun, which does not wait then; called once more when the
 * run returns. */
static void on_turn(void *owner)
{
    struct drive *drive = owner;
    if (drive->in_turn)
        return;
    drive->in_turn = true;
    loop_stop(drive->worker->loop);
}

static void open_drive(struct drive *drive, const char *zone)
{
    static const struct hash_key secret = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    struct addr any;
    struct addr failed;
    CHECK(addr_parse(&any, "127.0.0.1", 0) == ERR_OK);
    drive->names = metrics_names_new();
    drive->cache = cache_new((size_t)8 << 20, &secret);
    drive->snapshot = make_snapshot(drive->names);
    struct worker_setup setup = {.listen = &any,
                                 .listen_count = 1,
                                 .cache = drive->cache,
                                 .snapshot = drive->snapshot,
                                 .tcp_connections = 16};
    CHECK(worker_new(&drive->worker, &setup, &failed) == ERR_OK);
    loop_set_on_turn(drive->worker->loop, on_turn, drive);
    struct addr at = udp_server_addr(drive->worker->listeners.udp[0]);
    drive->client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK(drive->client >= 0 && connect(drive->client, &at.sa, addr_len(&at)) == 0);
    drive->questions = calloc(NAMES, sizeof(*drive->questions));
    CHECK(drive->questions != NULL);
    for (unsigned i = 0; i < NAMES; i++) {
        make_question(&drive->questions[i], zone, i);
        store(drive, drive->questions[i].msg_hdr.msg_iov->iov_base,
              drive->questions[i].msg_hdr.msg_iov->iov_len);
    }
}

static void close_drive(struct drive *drive)
{
    for (unsigned i = 0; i < NAMES; i++) {
        free(drive->questions[i].msg_hdr.msg_iov->iov_base);
        free(drive->questions[i].msg_hdr.msg_iov);
    }
    free(drive->questions);
    close(drive->client);
    worker_free(drive->worker);
    snapshot_release(drive->snapshot);
    cache_free(drive->cache);
    metrics_names_free(drive->names);
}

/* --- rounds --- */

/* Takes the replies; true when there are as many as expected, all NOERROR with an answer. */
static bool take_replies(struct drive *drive, unsigned packets)
{
    static uint8_t octets[PACKETS_MAX][512];
    static struct mmsghdr replies[PACKETS_MAX];
    static struct iovec pieces[PACKETS_MAX];
    for (unsigned i = 0; i < packets; i++) {
        pieces[i] = (struct iovec){octets[i], sizeof(octets[i])};
        replies[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &pieces[i], .msg_iovlen = 1}};
    }
    int count = recvmmsg(drive->client, replies, packets, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++) {
        if ((octets[i][3] & FLAG_RCODE_MASK) != RCODE_NOERROR || octets[i][7] == 0)
            return false;
    }
    return count == (int)packets;
}

static bool play_round(struct drive *drive, unsigned packets)
{
    if (drive->next + packets > NAMES)
        drive->next = 0;
    int sent = sendmmsg(drive->client, drive->questions + drive->next, packets, 0);
    drive->next += packets;
    if (sent != (int)packets)
        return false;
    drive->in_turn = false;
    allocations.counting = 1;
    loop_run(drive->worker->loop);
    allocations.counting = 0;
    return take_replies(drive, packets);
}

static bool play(struct drive *drive, unsigned rounds, unsigned packets)
{
    for (unsigned i = 0; i < rounds; i++) {
        if (!play_round(drive, packets)) {
            fprintf(stderr, "drive_hit: a reply is missing or wrong in round %u\n", i);
            return false;
        }
    }
    return true;
}

/* A second thread, which never runs: the C library leaves out the locks of a process that has one alone, and the
 * daemon has more. */
static void *sleep_on(void *nothing)
{
    pause();
    return nothing;
}

static void start_sleeper(void)
{
    pthread_t sleeper;
    CHECK(pthread_create(&sleeper, NULL, sleep_on, NULL) == 0);
    CHECK(pthread_detach(sleeper) == 0);
}

int main(int argc, char **argv)
{
    struct drive drive = {.client = -1};
    unsigned rounds = argc == 4 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    unsigned packets = argc == 4 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    if (rounds <= WARM_ROUNDS || packets == 0 || packets > PACKETS_MAX || packets > NAMES) {
        fprintf(stderr, "usage: drive_hit cache|endpoint ROUNDS PACKETS\n");
        return 2;
    }
    bool endpoint = strcmp(argv[1], "endpoint") == 0;
    /* Else the first large free, of a socket that closes, gathers what building the rules has freed: that many
     * instructions counted as the queries', the more services there are. */
    CHECK(mallopt(M_MXFAST, 0) == 1);
    start_sleeper();
    open_drive(&drive, endpoint ? "s3.eu-west-1.amazonaws.com" : "web.eu-west-1.example.com");
    bool fine = play(&drive, WARM_ROUNDS, packets);
    allocations.count = 0;
    fine = fine && play(&drive, rounds - WARM_ROUNDS, packets);
    size_t counted = allocations.count;
    uint64_t asked = metrics_get(drive.worker->metrics, METRICS_QUERIES, METRICS_TRANSPORT_UDP);
    uint64_t hits =
        endpoint ? metrics_get(drive.worker->metrics, METRICS_ANSWERS, METRICS_SOURCE_ENDPOINT)
                 : metrics_get(drive.worker->metrics, METRICS_CACHE_HITS, 0);
    printf("queries %llu\nallocations %zu\n", (unsigned long long)asked, counted);
    close_drive(&drive);
    return fine && hits == asked ? 0 : 1;
}
