/* target: the addresses behind one endpoint, merged from the answers of its names and families.
 * Owns: nothing; the caller's struct. Thread: main.
 * Bounds: TARGET_NAMES_MAX names, TARGET_ADDRESSES_MAX addresses a family; more are counted in `shed`.
 * Fails: never; what upstream fails to say leaves the last good addresses in place. */
#include "local53/endpoint/target.h"

#include <string.h>

#include "local53/base/check.h"

#define FAMILIES 2

/* Asked again after 3/4 of the TTL, within these. */
#define REFRESH_MIN_MS 5000
#define REFRESH_MAX_MS 45000

/* An answer counts as fresh for at least this long: the shortest refresh and time for its answer. */
#define HOLD_MIN_MS 10000

/* After 1, 2, 4, 5, 5.. seconds. */
#define RETRY_FIRST_MS 1000
#define RETRY_MAX_MS 5000
#define RETRY_DOUBLINGS 3

/* An asked part whose outcome is never told is due again after this. */
#define ASKED_MS 10000

static const size_t FAMILY_OCTETS[FAMILIES] = {4, 16};

uint32_t addresses_ttl_s(const struct addresses *addresses, uint64_t now_ms)
{
    uint64_t left_s;

    if (addresses->state == ADDRESSES_LITERAL)
        return TARGET_TTL_LITERAL_S;
    if (addresses->state != ADDRESSES_FRESH || addresses->expires_ms <= now_ms)
        return TARGET_TTL_LAST_GOOD_S;
    left_s = (addresses->expires_ms - now_ms) / 1000;
    if (left_s < TARGET_TTL_MIN_S)
        return TARGET_TTL_MIN_S;
    return left_s < TARGET_TTL_MAX_S ? (uint32_t)left_s : TARGET_TTL_MAX_S;
}

/* Puts an address of len octets into a sorted list of such, once. When the list is full the greatest
 * goes, so that what stays does not depend on the order; false then. */
static bool insert(uint8_t *list, uint8_t *count, const uint8_t *octets, size_t len)
{
    size_t at = 0;
    bool full = *count == TARGET_ADDRESSES_MAX;
    size_t after;

    while (at < *count && memcmp(list + at * len, octets, len) < 0)
        at++;
    if (at < *count && memcmp(list + at * len, octets, len) == 0)
        return true;
    if (at == TARGET_ADDRESSES_MAX)
        return false;
    after = (size_t)*count - at - (full ? 1 : 0);
    memmove(list + (at + 1) * len, list + at * len, after * len);
    memcpy(list + at * len, octets, len);
    *count = (uint8_t)(*count + (full ? 0 : 1));
    return !full;
}

/* As insert, into what is published. */
static bool insert_published(struct addresses *out, int family, const uint8_t *octets)
{
    return family == 0 ? insert(out->v4[0], &out->v4_count, octets, FAMILY_OCTETS[0])
                       : insert(out->v6[0], &out->v6_count, octets, FAMILY_OCTETS[1]);
}

void target_init(struct target *target, const struct name *names, size_t name_count,
                 const struct addr *literals, size_t literal_count)
{
    CHECK(name_count <= TARGET_NAMES_MAX);
    memset(target, 0, sizeof(*target));
    for (size_t i = 0; i < name_count; i++)
        target->names[i] = names[i];
    target->name_count = name_count;
    for (size_t i = 0; i < literal_count; i++) {
        size_t len;
        const uint8_t *octets = addr_octets(&literals[i], &len);

        if (!insert_published(&target->literals, len == FAMILY_OCTETS[0] ? 0 : 1, octets))
            target->shed++;
    }
    if (literal_count > 0)
        target->literals.state = name_count == 0 ? ADDRESSES_LITERAL : ADDRESSES_LAST_GOOD;
}

static struct target_part *part_of(struct target *target, size_t i, int family)
{
    CHECK(i < target->name_count && (family == 0 || family == 1));
    return &target->parts[i][family];
}

/* The parts in one row: k counts names first, families within. */
static size_t part_count(const struct target *target)
{
    return target->name_count * FAMILIES;
}

static const struct target_part *part_at(const struct target *target, size_t k)
{
    return &target->parts[k / FAMILIES][k % FAMILIES];
}

/* True when any part but this one has an address. */
static bool others_have_address(const struct target *target, const struct target_part *part)
{
    for (size_t k = 0; k < part_count(target); k++) {
        if (part_at(target, k) != part && part_at(target, k)->count > 0)
            return true;
    }
    return false;
}

static uint64_t refresh_ms(uint32_t ttl_s)
{
    uint64_t after_ms = (uint64_t)ttl_s * 1000 / 4 * 3;

    if (after_ms < REFRESH_MIN_MS)
        return REFRESH_MIN_MS;
    return after_ms < REFRESH_MAX_MS ? after_ms : REFRESH_MAX_MS;
}

/* Plans the next try after a useless one. */
static void part_retry(struct target_part *part, uint64_t now_ms)
{
    uint64_t after_ms = RETRY_MAX_MS;

    if (part->failures < RETRY_DOUBLINGS)
        after_ms = (uint64_t)RETRY_FIRST_MS << part->failures;
    part->failures++;
    part->asked = false;
    part->next_ms = now_ms + after_ms;
}

static void part_fill(struct target *target, struct target_part *part,
                      const struct target_answer *answer)
{
    uint8_t list[TARGET_ADDRESSES_MAX][16];
    size_t len = FAMILY_OCTETS[answer->family];

    part->count = 0;
    for (size_t i = 0; i < answer->count; i++) {
        if (!insert(list[0], &part->count, answer->octets[i], len))
            target->shed++;
    }
    for (size_t i = 0; i < part->count; i++)
        memcpy(part->octets[i], list[0] + i * len, len);
}

void target_answer(struct target *target, const struct target_answer *answer, uint64_t now_ms)
{
    struct target_part *part = part_of(target, answer->name, answer->family);
    uint64_t hold_ms = (uint64_t)answer->ttl_s * 1000;

    part->answered = true;
    if (answer->count == 0 && !others_have_address(target, part)) {
        part->failing = part->count > 0;
        part->expires_ms = now_ms;
        part_retry(part, now_ms);
        return;
    }
    part_fill(target, part, answer);
    part->failing = false;
    part->failures = 0;
    part->asked = false;
    part->expires_ms = now_ms + (hold_ms < HOLD_MIN_MS ? HOLD_MIN_MS : hold_ms);
    part->next_ms = now_ms + refresh_ms(answer->ttl_s);
    if (answer->count > 0)
        target->confirmed_ms = now_ms;
}

void target_failure(struct target *target, size_t i, int family, uint64_t now_ms)
{
    struct target_part *part = part_of(target, i, family);

    part->failing = true;
    part_retry(part, now_ms);
}

bool target_next(const struct target *target, size_t *i, int *family, uint64_t *due_ms)
{
    *due_ms = UINT64_MAX;
    for (size_t k = 0; k < part_count(target); k++) {
        if (part_at(target, k)->next_ms < *due_ms) {
            *due_ms = part_at(target, k)->next_ms;
            *i = k / FAMILIES;
            *family = (int)(k % FAMILIES);
        }
    }
    return target->name_count > 0;
}

void target_asked(struct target *target, size_t i, int family, uint64_t now_ms)
{
    struct target_part *part = part_of(target, i, family);

    part->asked = true;
    part->next_ms = now_ms + ASKED_MS;
}

/* Adds a part's addresses; what is published is as old as its oldest part. */
static void merge(struct addresses *out, const struct target_part *part, int family,
                  uint64_t now_ms)
{
    if (part->count == 0)
        return;
    for (size_t i = 0; i < part->count; i++)
        (void)insert_published(out, family, part->octets[i]);
    if (part->expires_ms < out->expires_ms)
        out->expires_ms = part->expires_ms;
    out->state = out->expires_ms > now_ms ? ADDRESSES_FRESH : ADDRESSES_LAST_GOOD;
}

void target_addresses(const struct target *target, uint64_t now_ms, struct addresses *out)
{
    memset(out, 0, sizeof(*out));
    out->expires_ms = UINT64_MAX;
    for (size_t k = 0; k < part_count(target); k++)
        merge(out, part_at(target, k), (int)(k % FAMILIES), now_ms);
    if (out->state == ADDRESSES_NONE) {
        *out = target->literals;
        return;
    }
    out->confirmed_ms = target->confirmed_ms;
}

/* One name's parts; a question under way is asked again, since its answer would go to the old target. */
static void adopt_parts(struct target_part out[FAMILIES], const struct target_part from[FAMILIES])
{
    for (int family = 0; family < FAMILIES; family++) {
        out[family] = from[family];
        if (out[family].asked) {
            out[family].asked = false;
            out[family].next_ms = 0;
        }
    }
}

/* Index of the name among those of the target; name_count when it is not there. */
static size_t index_of(const struct target *target, const struct name *name)
{
    size_t i = 0;

    while (i < target->name_count && !name_equal(&target->names[i], name))
        i++;
    return i;
}

void target_adopt(struct target *target, const struct target *before)
{
    bool adopted = false;

    for (size_t i = 0; i < target->name_count; i++) {
        size_t j = index_of(before, &target->names[i]);

        if (j < before->name_count) {
            adopt_parts(target->parts[i], before->parts[j]);
            adopted = true;
        }
    }
    if (adopted && before->confirmed_ms > target->confirmed_ms)
        target->confirmed_ms = before->confirmed_ms;
}
