/* waiting: hash chains by id, and a bit for each id that was forgotten, 8 KiB which only those tables have
 * that ever forgot one. Owns these bits; one loop's thread. Bounds: WAITING_MAX attempts a table, kept by
 * those who add. The newest of a chain is first: answers mostly come to what was just asked. Fails: out of
 * memory is fatal. */
#include "waiting.h"

#include <stdlib.h>

#include "local53/base/bytes.h"
#include "local53/base/check.h"
#include "local53/dns/message.h"

#define WORD_BITS 64
#define FORGOTTEN_WORDS ((UINT16_MAX + 1) / WORD_BITS)

static struct attempt **bucket_of(struct waiting *waiting, uint16_t id)
{
    return &waiting->buckets[id % WAITING_BUCKETS];
}

struct attempt *waiting_find(const struct waiting *waiting, uint16_t id)
{
    struct attempt *attempt = waiting->buckets[id % WAITING_BUCKETS];
    while (attempt != NULL && attempt->id != id)
        attempt = attempt->next;
    return attempt;
}

void waiting_add(struct waiting *waiting, struct attempt *attempt, struct rng *rng)
{
    CHECK(attempt->table == NULL && waiting->count < WAITING_MAX);
    do {
        attempt->id = rng_u16(rng);
    } while (waiting_find(waiting, attempt->id) != NULL);
    struct attempt **bucket = bucket_of(waiting, attempt->id);
    attempt->next = *bucket;
    attempt->table = waiting;
    *bucket = attempt;
    waiting->count++;
}

struct attempt *waiting_first(const struct waiting *waiting)
{
    for (size_t i = 0; waiting->count > 0 && i < WAITING_BUCKETS; i++) {
        if (waiting->buckets[i] != NULL)
            return waiting->buckets[i];
    }
    return NULL;
}

void waiting_remove(struct attempt *attempt)
{
    struct waiting *waiting = attempt->table;
    if (waiting == NULL)
        return;
    struct attempt **place = bucket_of(waiting, attempt->id);
    while (*place != attempt)
        place = &(*place)->next;
    *place = attempt->next;
    attempt->next = NULL;
    attempt->table = NULL;
    if (--waiting->count == 0)
        waiting->on_empty(waiting);
}

static uint64_t id_bit(uint16_t id)
{
    return (uint64_t)1 << id % WORD_BITS;
}

void waiting_forget(struct attempt *attempt)
{
    struct waiting *waiting = attempt->table;
    if (waiting == NULL)
        return;
    if (waiting->forgotten == NULL) {
        waiting->forgotten = calloc(FORGOTTEN_WORDS, sizeof(*waiting->forgotten));
        CHECK(waiting->forgotten != NULL);
    }
    waiting->forgotten[attempt->id / WORD_BITS] |= id_bit(attempt->id);
    waiting_remove(attempt);
}

bool waiting_was_forgotten(struct waiting *waiting, const uint8_t *message, size_t len)
{
    if (waiting->forgotten == NULL || len < MESSAGE_HEADER_OCTETS)
        return false;
    uint16_t id = bytes_get_u16(message);
    uint64_t *word = &waiting->forgotten[id / WORD_BITS];
    bool was_forgotten = (*word & id_bit(id)) != 0;
    *word &= ~id_bit(id);
    return was_forgotten;
}

void waiting_deinit(struct waiting *waiting)
{
    CHECK(waiting->count == 0);
    free(waiting->forgotten);
    waiting->forgotten = NULL;
}

struct attempt *waiting_match(const struct waiting *waiting, const uint8_t *message, size_t len)
{
    if (len < MESSAGE_HEADER_OCTETS)
        return NULL;
    uint16_t flags = message_flags(message);
    if ((flags & FLAG_QR) == 0 || (flags & FLAG_OPCODE_MASK) != 0)
        return NULL;
    return waiting_find(waiting, bytes_get_u16(message));
}
