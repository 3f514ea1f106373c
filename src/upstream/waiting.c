/* waiting: hash chains by id. Owns nothing; one loop's thread. Bounds: WAITING_MAX attempts a table,
 * kept by those who add. The newest of a chain is first: answers mostly come to what was just asked.
 * Cannot fail. */
#include "waiting.h"

#include "local53/base/bytes.h"
#include "local53/base/check.h"
#include "local53/dns/message.h"

/* Where the flags stand in a header (RFC 1035 section 4.1.1). */
#define FLAGS_OFFSET 2

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

void waiting_forget(struct attempt *attempt)
{
    struct waiting *waiting = attempt->table;
    if (waiting == NULL)
        return;
    waiting->forgotten[waiting->forgotten_count++ % WAITING_FORGOTTEN] = (uint32_t)attempt->id + 1;
    waiting_remove(attempt);
}

bool waiting_was_forgotten(struct waiting *waiting, uint16_t id)
{
    for (size_t i = 0; i < WAITING_FORGOTTEN; i++) {
        if (waiting->forgotten[i] == (uint32_t)id + 1) {
            waiting->forgotten[i] = 0;
            return true;
        }
    }
    return false;
}

struct attempt *waiting_match(const struct waiting *waiting, const uint8_t *message, size_t len)
{
    if (len < MESSAGE_HEADER_OCTETS)
        return NULL;
    uint16_t flags = bytes_get_u16(message + FLAGS_OFFSET);
    if ((flags & FLAG_QR) == 0 || (flags & FLAG_OPCODE_MASK) != 0)
        return NULL;
    return waiting_find(waiting, bytes_get_u16(message));
}
