/* bench_cache: what a cached answer costs: parse, hash, find and render, over 10k, 100k and 1M names, asked
 * evenly or by Zipf's law; one at a time, and in batches that fetch ahead; beside a second thread in the
 * same cache and one in a cache of its own. The baseline is parsing and copying an answer of the same
 * length from one place: what no cache could save. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "local53/base/check.h"
#include "local53/base/rng.h"
#include "local53/cache/cache.h"
#include "local53/dns/reply.h"
#include "local53/dns/rr.h"

#define NOW_MS 1000000
#define BUDGET ((size_t)512 << 20)
#define ANSWER_OCTETS 99 /* header, a question of 39 octets, three addresses: what is usual */

/* Names are asked in an order drawn before the clock runs. */
#define QUERIES (1U << 16)
#define BATCH 32
#define PACKET_OCTETS 64
#define QUERY_OCTETS 62 /* with an OPT */

struct bench {
    struct cache *cache;           /* owned, or another's */
    struct cache_reader *reader;   /* owned; place in cache */
    uint8_t *packets;              /* owned; QUERIES queries, one in each PACKET_OCTETS */
    struct request request[BATCH]; /* where queries are parsed to */
    struct cache_key key[BATCH];   /* and their keys */
    bool ahead;                    /* what a batch needs is fetched ahead */
    _Atomic bool stop;             /* the second thread is to end */
};

static const struct hash_key secret = {0x0123456789abcdefULL, 0xfedcba9876543210ULL};

/* Names of 35 octets, as endpoints have. */
static void name_number(struct name *name, uint32_t number)
{
    uint8_t wire[NAME_MAX_OCTETS];
    struct writer w = writer_init(wire, sizeof(wire));
    char label[16];

    snprintf(label, sizeof(label), "n%08u", number % 100000000U);
    writer_u8(&w, 9);
    writer_put(&w, label, 9);
    writer_put(&w, "\11eu-west-1\11amazonaws\3com", 25);
    CHECK(name_from_wire(name, wire, w.len) == ERR_OK);
}

static void store(struct cache *cache, uint32_t number)
{
    static _Alignas(8) uint8_t room[ENTRY_SCRATCH];
    struct entry *entry = (struct entry *)(void *)room;
    uint8_t message[512];
    struct writer w = writer_init(message, sizeof(message));
    struct name name;

    name_number(&name, number);
    query_write(&w, &(struct outgoing){.recursion_desired = true}, &name, TYPE_A, CLASS_IN);
    writer_patch_u16(&w, 2, FLAG_QR | FLAG_RD | FLAG_RA);
    writer_patch_u16(&w, 6, 3);
    for (uint8_t i = 0; i < 3; i++) {
        const uint8_t address[4] = {10, 0, 0, i};

        rr_write(&w, MESSAGE_HEADER_OCTETS, TYPE_A, 300, (struct bytes){address, 4});
    }
    CHECK(w.len == ANSWER_OCTETS);
    const struct entry_source source = {.message = message,
                                        .len = w.len,
                                        .qname = &name,
                                        .qtype = TYPE_A,
                                        .qclass = CLASS_IN,
                                        .max_ttl_s = 86400,
                                        .now_ms = NOW_MS};
    CHECK(entry_build(entry, sizeof(room), &source) == ERR_OK && cache_insert(cache, entry));
}

/* The numbers of names that are asked: evenly drawn, or number i with weight 1/(i+1). */
static uint32_t *draw(uint32_t names, bool zipf)
{
    uint32_t *numbers = malloc(QUERIES * sizeof(*numbers));
    double *below = malloc(names * sizeof(*below));
    double sum = 0;
    struct rng rng;

    CHECK(numbers != NULL && below != NULL);
    rng_init_seeded(&rng, names);
    for (uint32_t i = 0; i < names; i++)
        below[i] = sum += zipf ? 1.0 / (i + 1.0) : 1.0;
    for (size_t i = 0; i < QUERIES; i++) {
        double at = sum * rng_below(&rng, UINT32_MAX) / UINT32_MAX;
        uint32_t low = 0;

        for (uint32_t high = names - 1; low < high;) {
            uint32_t middle = low + (high - low) / 2;

            if (below[middle] < at)
                low = middle + 1;
            else
                high = middle;
        }
        numbers[i] =
            (uint32_t)((uint64_t)low * 7919 % names); /* neighbours in rank are not in memory */
    }
    free(below);
    return numbers;
}

static struct cache *fill(uint32_t names)
{
    struct cache *cache = cache_new(BUDGET, &secret);

    for (uint32_t i = 0; i < names; i++)
        store(cache, i);
    return cache;
}

static void bench_begin(struct bench *bench, struct cache *cache, uint32_t names, bool zipf)
{
    uint32_t *numbers = draw(names, zipf);

    memset(bench, 0, sizeof(*bench));
    bench->cache = cache;
    bench->reader = cache_reader_new(cache);
    bench->packets = malloc((size_t)QUERIES * PACKET_OCTETS);
    CHECK(bench->packets != NULL);
    for (size_t i = 0; i < QUERIES; i++) {
        struct writer w = writer_init(bench->packets + i * PACKET_OCTETS, PACKET_OCTETS);
        struct name name;

        name_number(&name, numbers[i]);
        query_write(&w, &(struct outgoing){.recursion_desired = true, .edns = true}, &name, TYPE_A,
                    CLASS_IN);
        CHECK(!w.failed && w.len == QUERY_OCTETS);
    }
    free(numbers);
}

static void bench_end(struct bench *bench)
{
    cache_reader_free(bench->reader);
    free(bench->packets);
}

/* Parses query number i, as every way to an answer has to. */
static void parse(struct bench *bench, uint64_t i)
{
    const uint8_t *packet = bench->packets + i % QUERIES * PACKET_OCTETS;
    enum dns_rcode rcode;

    CHECK(request_parse(&bench->request[i % BATCH], &rcode, packet, QUERY_OCTETS) ==
          REQUEST_ANSWER);
}

static uint64_t parse_and_copy(void *arg, uint64_t count)
{
    static const uint8_t answer[ANSWER_OCTETS];
    uint8_t reply[EDNS_UDP_SIZE];
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++) {
        parse(arg, i);
        memcpy(reply, answer, sizeof(answer));
        sum += bench_hide(reply[i % ANSWER_OCTETS]);
    }
    return sum;
}

static void begin_one(struct bench *bench, uint64_t i)
{
    const struct request *request = &bench->request[i % BATCH];
    struct cache_key *key = &bench->key[i % BATCH];

    parse(bench, i);
    *key = (struct cache_key){.name = &request->qname,
                              .type = request->qtype,
                              .class = request->qclass,
                              .dnssec_ok = request->edns.dnssec_ok};
    cache_key_hash(key, &secret);
}

static uint64_t end_one(struct bench *bench, uint64_t i, const struct entry *likely)
{
    uint8_t reply[EDNS_UDP_SIZE];
    struct writer w = writer_init(reply, sizeof(reply));
    const struct entry *entry =
        cache_find(bench->reader, &bench->key[i % BATCH], likely, NOW_MS + 2000);

    CHECK(entry != NULL);
    entry_render(&w, entry, &bench->request[i % BATCH], NOW_MS + 2000, sizeof(reply));
    return bench_hide(reply[w.len - 1]);
}

/* As a loop answers a batch. */
static uint64_t answer_ahead(struct bench *bench, uint64_t first)
{
    const struct cache_place *place[BATCH];
    const struct entry *likely[BATCH];
    uint64_t sum = 0;

    for (uint64_t i = 0; i < BATCH; i++) {
        begin_one(bench, first + i);
        place[i] = cache_prefetch(bench->reader, &bench->key[i]);
    }
    for (uint64_t i = 0; i < BATCH; i++)
        likely[i] = cache_likely(bench->reader, &bench->key[i], place[i]);
    for (uint64_t i = 0; i < BATCH; i++)
        sum += end_one(bench, first + i, likely[i]);
    return sum;
}

static uint64_t answer_each(struct bench *bench, uint64_t first)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < BATCH; i++) {
        begin_one(bench, first + i);
        sum += end_one(bench, first + i, NULL);
    }
    return sum;
}

/* Whole batches, at least `count` queries. */
static uint64_t answer(void *arg, uint64_t count)
{
    struct bench *bench = arg;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i += BATCH) {
        cache_enter(bench->reader);
        sum += bench->ahead ? answer_ahead(bench, i) : answer_each(bench, i);
        cache_leave(bench->reader);
    }
    return sum;
}

static void *answer_until_told(void *arg)
{
    struct bench *bench = arg;

    while (!atomic_load_explicit(&bench->stop, memory_order_relaxed))
        bench_hide(answer(bench, QUERIES));
    return NULL;
}

/* What a thread takes while another one does the same in `other`. */
static void bench_beside(struct bench *bench, struct cache *other, uint32_t names,
                         struct bench_result alone)
{
    static struct bench second;
    pthread_t thread;

    bench_begin(&second, other, names, true);
    second.ahead = true;
    CHECK(pthread_create(&thread, NULL, answer_until_told, &second) == 0);
    bench_run_against(other == bench->cache ? "  zipf, ahead, beside one in the same cache"
                                            : "  zipf, ahead, beside one in its own cache",
                      answer, bench, alone);
    atomic_store(&second.stop, true);
    CHECK(pthread_join(thread, NULL) == 0);
    bench_end(&second);
}

static void bench_names(uint32_t names)
{
    static struct bench bench;
    struct cache *cache = fill(names);
    struct cache_stats stats = cache_stats(cache);
    struct bench_result result = {0, 0, 0};

    printf("%u names, %.1f octets an entry\n", names, (double)stats.octets / (double)stats.entries);
    for (int zipf = 0; zipf < 2; zipf++) {
        struct bench_result copied;

        bench_begin(&bench, cache, names, zipf == 1);
        copied = bench_run(zipf ? "  zipf: parse, copy" : "  evenly: parse, copy", parse_and_copy,
                           &bench);
        bench_run_against(zipf ? "  zipf: one at a time" : "  evenly: one at a time", answer,
                          &bench, copied);
        bench.ahead = true;
        result = bench_run_against(zipf ? "  zipf: fetched ahead" : "  evenly: fetched ahead",
                                   answer, &bench, copied);
        if (zipf == 0)
            bench_end(&bench);
    }
    struct cache *own = fill(names);
    bench_beside(&bench, own, names, result);
    bench_beside(&bench, cache, names, result);
    cache_free(own);
    bench_end(&bench);
    cache_free(cache);
}

int main(void)
{
    bench_title("cache: an answer of 99 octets, with EDNS");
    bench_names(10000);
    bench_names(100000);
    bench_names(1000000);
    return 0;
}
