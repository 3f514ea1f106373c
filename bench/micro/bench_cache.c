/* bench_cache: what a cached answer costs: hash, find and render, over 10k, 100k and 1M names in random
 * order, and the octets an entry takes. The baseline is copying an answer of the same length from one
 * place: what no cache could save. */
#include <stdio.h>
#include <stdlib.h>

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

struct bench {
    struct cache *cache;     /* owned */
    uint8_t *packets;        /* owned; QUERIES queries, one in each PACKET_OCTETS */
    struct request *request; /* owned; where a query is parsed to */
    bool edns;               /* clients send an OPT */
};

#define PACKET_OCTETS 64

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

static void bench_begin(struct bench *bench, uint32_t names, bool edns)
{
    struct rng rng;

    *bench = (struct bench){.cache = cache_new(BUDGET, &secret), .edns = edns};
    bench->packets = malloc((size_t)QUERIES * PACKET_OCTETS);
    bench->request = malloc(sizeof(*bench->request));
    CHECK(bench->packets != NULL && bench->request != NULL);
    for (uint32_t i = 0; i < names; i++)
        store(bench->cache, i);
    rng_init_seeded(&rng, names);
    for (size_t i = 0; i < QUERIES; i++) {
        struct writer w = writer_init(bench->packets + i * PACKET_OCTETS, PACKET_OCTETS);
        struct name name;

        name_number(&name, rng_below(&rng, names));
        query_write(&w, &(struct outgoing){.recursion_desired = true, .edns = edns}, &name, TYPE_A,
                    CLASS_IN);
        CHECK(!w.failed);
    }
}

static void bench_end(struct bench *bench)
{
    cache_free(bench->cache);
    free(bench->packets);
    free(bench->request);
}

/* Parses query number i, as every way to an answer has to. */
static void parse(const struct bench *bench, uint64_t i)
{
    const uint8_t *packet = bench->packets + i % QUERIES * PACKET_OCTETS;
    size_t len = 51 + (bench->edns ? EDNS_OPT_OCTETS : 0U);
    enum dns_rcode rcode;

    CHECK(request_parse(bench->request, &rcode, packet, len) == REQUEST_ANSWER);
}

static uint64_t parse_and_copy(void *arg, uint64_t count)
{
    static const uint8_t answer[ANSWER_OCTETS];
    const struct bench *bench = arg;
    uint8_t reply[EDNS_UDP_SIZE];
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++) {
        parse(bench, i);
        memcpy(reply, answer, sizeof(answer));
        sum += bench_hide(reply[i % ANSWER_OCTETS]);
    }
    return sum;
}

static uint64_t find_and_render(void *arg, uint64_t count)
{
    const struct bench *bench = arg;
    const struct request *request = bench->request;
    uint8_t reply[EDNS_UDP_SIZE];
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++) {
        struct writer w = writer_init(reply, sizeof(reply));
        struct cache_hit hit;

        parse(bench, i);
        struct cache_key key = {.name = &request->qname,
                                .type = request->qtype,
                                .class = request->qclass,
                                .dnssec_ok = request->edns.dnssec_ok};
        cache_key_hash(&key, &secret);
        CHECK(cache_find(bench->cache, &key, NOW_MS + 2000, &hit));
        entry_render(&w, hit.entry, request, NOW_MS + 2000, sizeof(reply));
        cache_release(bench->cache, &hit);
        sum += bench_hide(reply[w.len - 1]);
    }
    return sum;
}

int main(void)
{
    static const uint32_t names[] = {10000, 100000, 1000000};

    bench_title("cache: parse, hash, find and render an answer of 99 octets");
    for (size_t i = 0; i < 2 * sizeof(names) / sizeof(names[0]); i++) {
        struct bench_result baseline;
        struct cache_stats stats;
        struct bench bench;
        char row[64];
        bool edns = i % 2 == 1;

        bench_begin(&bench, names[i / 2], edns);
        stats = cache_stats(bench.cache);
        snprintf(row, sizeof(row), "%u names%s: parse, copy", names[i / 2], edns ? ", EDNS" : "");
        baseline = bench_run(row, parse_and_copy, &bench);
        snprintf(row, sizeof(row), "%u names%s: parse, hit", names[i / 2], edns ? ", EDNS" : "");
        bench_run_against(row, find_and_render, &bench, baseline);
        printf("  %.1f octets an entry, %llu entries\n",
               (double)stats.octets / (double)stats.entries, (unsigned long long)stats.entries);
        bench_end(&bench);
    }
    return 0;
}
