/* alone: one question of the command's own, with the upstream code of the daemon on a loop that lives as long.
 * Bounds: one exchange, EXCHANGE_BUDGET_MS. Fails: told as "no answer". */
#include "local53/explain/alone.h"

#include <string.h>

#include "local53/base/log.h"
#include "local53/base/metrics.h"
#include "local53/base/rng.h"
#include "local53/dns/message.h"
#include "local53/dns/rr.h"
#include "local53/dns/text.h"
#include "local53/net/loop.h"
#include "local53/upstream/exchange.h"

/* A question under way. */
struct alone {
    struct tell *tell; /* borrowed */
    struct loop *loop; /* borrowed; ends with the answer */
};

/* An address block that is not routed in public (IANA special-purpose registries): "10." and so on. */
static const struct {
    uint8_t prefix[2]; /* first octets */
    uint8_t mask[2];   /* which of their bits count */
    uint8_t len;       /* octets of an address: 4 or 16 */
} PRIVATE_BLOCKS[] = {
    {{10, 0}, {0xff, 0}, 4},      {{172, 16}, {0xff, 0xf0}, 4},  {{192, 168}, {0xff, 0xff}, 4},
    {{100, 64}, {0xff, 0xc0}, 4}, {{169, 254}, {0xff, 0xff}, 4}, {{127, 0}, {0xff, 0}, 4},
    {{0, 0}, {0xff, 0xff}, 16},   {{0xfc, 0}, {0xfe, 0}, 16},    {{0xfe, 0x80}, {0xff, 0xc0}, 16},
};

static const char *scope_of(const uint8_t *octets, size_t len)
{
    for (size_t i = 0; i < sizeof(PRIVATE_BLOCKS) / sizeof(PRIVATE_BLOCKS[0]); i++) {
        const uint8_t *prefix = PRIVATE_BLOCKS[i].prefix;
        const uint8_t *mask = PRIVATE_BLOCKS[i].mask;
        if (PRIVATE_BLOCKS[i].len == len && (octets[0] & mask[0]) == prefix[0] &&
            (octets[1] & mask[1]) == prefix[1])
            return "private";
    }
    return "public";
}

/* Names in the RDATA of these may be compressed (RFC 3597 section 4), and only a name by itself is read here. */
static bool may_be_compressed(uint16_t type)
{
    return type == TYPE_SOA || type == TYPE_MX;
}

/* The RDATA of a record in words; *scope is told for addresses. */
static void write_value(const struct exchange_result *result, const struct rr *rr,
                        char out[TEXT_NAME_MAX], const char **scope)
{
    const uint8_t *rdata = result->message + rr->rdata_offset;
    bool is_name = rr->type == TYPE_CNAME || rr->type == TYPE_NS || rr->type == TYPE_PTR;
    char text[ADDR_TEXT_MAX];
    struct name name;
    *scope = "";
    if ((rr->type == TYPE_A && rr->rdata_len == 4) ||
        (rr->type == TYPE_AAAA && rr->rdata_len == 16)) {
        struct addr addr = addr_from_octets(rdata, rr->rdata_len, 0);
        snprintf(out, TEXT_NAME_MAX, "%s", addr_format(&addr, text));
        *scope = scope_of(rdata, rr->rdata_len);
    } else if (is_name &&
               rr_name_at(&name, result->message, result->len, rr->rdata_offset) == ERR_OK) {
        text_write_name(&name, out);
    } else if (!is_name && !may_be_compressed(rr->type)) {
        text_write_rdata(rr->type, (struct bytes){rdata, rr->rdata_len}, out, TEXT_NAME_MAX);
    } else {
        snprintf(out, TEXT_NAME_MAX, "%u octets", (unsigned)rr->rdata_len);
    }
}

static void tell_record(struct tell *tell, const struct exchange_result *result,
                        const struct rr *rr)
{
    char type[TEXT_TYPE_MAX];
    char value[TEXT_NAME_MAX];
    char ttl[32];
    const char *scope;
    write_value(result, rr, value, &scope);
    snprintf(ttl, sizeof(ttl), tell->json ? "%lu" : "%lu s", (unsigned long)rr->ttl);
    const struct tell_column columns[] = {TELL_TEXT("type", text_write_type(rr->type, type)),
                                          TELL_TEXT("value", value), TELL_TEXT("scope", scope),
                                          TELL_NUMBER("ttl_seconds", ttl)};
    tell_row(tell, "alone", columns, 4);
}

static void tell_records(struct tell *tell, const struct exchange_result *result)
{
    struct rr_walk walk;
    struct rr rr;
    tell_rows_begin(tell, "alone_records");
    rr_walk_init(&walk, result->message, result->len);
    while (rr_next(&walk, &rr) && rr.section == SECTION_ANSWER)
        tell_record(tell, result, &rr);
    tell_rows_end(tell);
}

static void on_answer(void *owner, const struct exchange_result *result)
{
    struct alone *alone = owner;
    if (result->err == ERR_CLOSED)
        return;
    tell_text(alone->tell, "alone", "%s",
              result->err == ERR_OK ? text_rcode(message_rcode(result->message)) : "no answer");
    if (result->err == ERR_OK)
        tell_records(alone->tell, result);
    loop_stop(alone->loop);
}

void alone_tell(struct tell *tell, const struct addr *server, const struct name *name,
                uint16_t type)
{
    struct loop *loop = loop_new();
    struct metrics *metrics = metrics_new();
    struct rng rng;
    rng_init(&rng);
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT,
              2); /* that a server is silent is told as the answer */
    struct upstream_setup setup = {.loop = loop, .rng = &rng, .metrics = metrics, .exchanges = 1};
    struct upstream *upstream = upstream_new(&setup);
    struct pool pool = {.servers = {*server}, .count = 1};
    struct question question = {
        .qname = name, .qtype = type, .qclass = CLASS_IN, .recursion_desired = true};
    struct alone alone = {.tell = tell, .loop = loop};
    if (exchange_start(upstream, &pool, &question, on_answer, &alone) != 0)
        loop_run(loop);
    upstream_free(upstream);
    loop_free(loop);
    metrics_free(metrics);
}
