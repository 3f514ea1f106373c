/* handover: who stands at an address is told by claims, how many sockets by the kernel, who gets what by a
 * filter on the group of sockets, whose members are counted in the order they came: first those of the instance that
 * was there first. Owns a claim for each address. Main thread.
 * Bounds: two instances; a third is refused.
 * Fails: with a sentence; a filter the kernel does not take is told, and the kernel then spreads over both. */
#include "handover.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "address_problem.h"
#include "local53/base/check.h"
#include "local53/base/log.h"
#include "local53/net/ports.h"
#include "local53/node/claim.h"
#include "local53/node/receivers.h"
#include "local53/server/listener.h"

#define INSTANCES_MAX 2

/* How long a start waits for one that is under way: a few milliseconds, but for one that hangs. */
#define ENTERING_MAX_MS 3000
#define ENTERING_LOOK_MS 5

/* One address. */
struct post {
    struct addr address;
    int claim;               /* owned; descriptor, or -1 */
    struct receivers before; /* of the instance that was there first */
    bool is_beside;          /* one of these is still there */
    size_t turn;             /* loop i of ours is member (i + turn) % loops of the group */
    size_t successors;       /* leaving: sockets of the instance that came after us */
};

struct handover {
    bool on;
    int entering;                  /* owned; claim of who is between enter and begin, or -1 */
    struct worker *const *workers; /* borrowed */
    size_t loops;                  /* workers, each with one socket at each address */
    size_t count;                  /* of the posts */
    struct post posts[LISTENER_ADDRESSES_MAX];
};

struct handover *handover_new(bool on, const struct addr *addresses, size_t count)
{
    struct handover *handover = calloc(1, sizeof(*handover));
    CHECK(handover != NULL && count <= LISTENER_ADDRESSES_MAX);
    handover->on = on;
    handover->entering = -1;
    handover->count = count;
    for (size_t i = 0; i < count; i++)
        handover->posts[i] = (struct post){.address = addresses[i], .claim = -1};
    return handover;
}

/* --- coming --- */

static void write_claim(const struct post *post, unsigned number, char name[CLAIM_NAME_MAX])
{
    char text[ADDR_TEXT_MAX];
    snprintf(name, CLAIM_NAME_MAX, "local53-handover-%s-%u", addr_format(&post->address, text),
             number);
}

/* Takes one of the claims of an address; how many others have the others. */
static unsigned claim_post(struct post *post)
{
    char name[CLAIM_NAME_MAX];
    unsigned held = 0;
    for (unsigned i = 0; i < INSTANCES_MAX; i++) {
        write_claim(post, i, name);
        if (post->claim < 0)
            post->claim = claim_take(name);
        else
            held += claim_is_held(name);
        held += post->claim < 0;
    }
    return held;
}

static bool enter_free(const struct handover *handover, const struct post *post)
{
    const char *transport = "UDP";
    enum err err = ports_probe(&post->address, &transport);
    if (err == ERR_OK)
        return true;
    address_problem_tell(&post->address, transport, err);
    if (err == ERR_IN_USE && handover->on)
        fputs(
            "local53: a local53 is taken over from only where it has node.handover: true as well\n",
            stderr);
    return false;
}

/* Somebody claims the address: an instance that hands over, unless nobody receives there. Then the claims of one that is
 * just ending, or of a stranger, are no reason to stay away. */
static bool enter_beside(const struct handover *handover, struct post *post)
{
    char text[ADDR_TEXT_MAX];
    enum err err = receivers_find(&post->address, &post->before);
    addr_format(&post->address, text);
    if (err == ERR_OK && post->before.count == 0)
        return enter_free(handover, post);
    if (post->claim < 0) {
        fprintf(stderr, "local53: %s: %d instances have it already; wait until one has stopped\n",
                text, INSTANCES_MAX);
    } else if (err == ERR_DENIED) {
        fprintf(stderr,
                "local53: %s: the instance that has it runs as another user; to take over from it, "
                "run as the same\n",
                text);
    } else if (err != ERR_OK) {
        fprintf(stderr, "local53: %s: the kernel does not tell who has it: %s\n", text,
                err_text(err));
    } else {
        post->is_beside = true;
    }
    return post->is_beside;
}

static bool enter_post(const struct handover *handover, struct post *post)
{
    bool held = handover->on && claim_post(post) > 0;
    return held ? enter_beside(handover, post) : enter_free(handover, post);
}

/* One after the other: of two that start at once the second is to find all sockets of the first. Both have the same first
 * address in an update. */
static void await_turn(struct handover *handover)
{
    static const struct timespec pause = {0, ENTERING_LOOK_MS * 1000000L};
    char text[ADDR_TEXT_MAX];
    char name[CLAIM_NAME_MAX];
    snprintf(name, CLAIM_NAME_MAX, "local53-handover-%s-entering",
             addr_format(&handover->posts[0].address, text));
    for (int waited_ms = 0; handover->entering < 0 && waited_ms < ENTERING_MAX_MS;
         waited_ms += ENTERING_LOOK_MS) {
        handover->entering = claim_take(name);
        if (handover->entering < 0)
            (void)nanosleep(&pause, NULL);
    }
    if (handover->entering < 0)
        LOG_WARN("handover.no_turn", LOG_TEXT("problem", strerror(errno)),
                 LOG_UINT("waited_ms", ENTERING_MAX_MS));
}

static void give_turn(struct handover *handover)
{
    if (handover->entering >= 0)
        close(handover->entering);
    handover->entering = -1;
}

bool handover_enter(struct handover *handover)
{
    if (handover->on)
        await_turn(handover);
    for (size_t i = 0; i < handover->count; i++) {
        if (!enter_post(handover, &handover->posts[i]))
            return false;
    }
    return true;
}

/* --- leading --- */

/* Tells the kernel, by a worker whose sockets are open, that members first..first + count - 1 of an address get all. */
static void lead_by(const struct worker *worker, const struct handover *handover, size_t post,
                    size_t first, size_t count)
{
    char text[ADDR_TEXT_MAX];
    enum err err = worker_lead(worker, post, first, count);
    if (err != ERR_OK)
        LOG_WARN("handover.unled",
                 LOG_TEXT("address", addr_format(&handover->posts[post].address, text)),
                 LOG_TEXT("problem", err_text(err)));
}

static void lead(const struct handover *handover, size_t post, size_t first, size_t count)
{
    lead_by(handover->workers[0], handover, post, first, count);
}

static void tell_post(const char *event, const struct post *post)
{
    char text[ADDR_TEXT_MAX];
    LOG_INFO(event, LOG_TEXT("address", addr_format(&post->address, text)));
}

void handover_begin(struct handover *handover, struct worker *const *workers, size_t loops)
{
    handover->workers = workers;
    handover->loops = loops;
    for (size_t i = 0; i < loops && !handover->on; i++)
        worker_seal(workers[i]);
    for (size_t i = 0; i < handover->count && handover->on; i++) {
        if (handover->posts[i].is_beside)
            tell_post("handover.beside", &handover->posts[i]);
        else
            lead(handover, i, 0, loops);
    }
    give_turn(handover);
}

bool handover_is_beside(const struct handover *handover)
{
    bool beside = false;
    for (size_t i = 0; i < handover->count; i++)
        beside = beside || handover->posts[i].is_beside;
    return beside;
}

static bool was_before(const struct post *post, unsigned long inode)
{
    bool found = false;
    for (size_t i = 0; i < post->before.count; i++)
        found = found || post->before.inodes[i] == inode;
    return found;
}

/* Who is at the address now, but for us: of the instance before us, and of the one after us. False where that cannot
 * be told, without descriptors, say. */
static bool count_others(const struct handover *handover, const struct post *post, size_t *before,
                         size_t *after)
{
    struct receivers now;
    if (receivers_find(&post->address, &now) != ERR_OK)
        return false;
    *before = 0;
    for (size_t i = 0; i < now.count; i++)
        *before += was_before(post, now.inodes[i]);
    size_t rest = now.count - *before;
    *after = rest > handover->loops ? rest - handover->loops : 0;
    return true;
}

/* The instance before us is gone. */
static void take_post(struct handover *handover, size_t index)
{
    struct post *post = &handover->posts[index];
    CHECK(handover->loops > 0); /* since handover_begin */
    post->is_beside = false;
    /* The last member took the place of each of theirs, which left last place first. */
    post->turn = post->before.count % handover->loops;
    lead(handover, index, 0, handover->loops);
    tell_post("handover.taken", post);
}

/* True when the instance before us has no socket left at an address. */
static bool is_gone(const struct handover *handover, const struct post *post)
{
    size_t before;
    size_t after;
    return count_others(handover, post, &before, &after) && before == 0;
}

/* A look costs the kernel a walk over all its sockets: where one address is still theirs the others wait as well. */
bool handover_look(struct handover *handover)
{
    bool was_beside = handover_is_beside(handover);
    bool gone = true;
    for (size_t i = 0; i < handover->count && gone; i++) {
        if (!handover->posts[i].is_beside)
            continue;
        gone = is_gone(handover, &handover->posts[i]);
        if (gone)
            take_post(handover, i);
    }
    return was_beside && !handover_is_beside(handover);
}

/* --- leaving --- */

/* Leads clients of one address to who came after us; before us: we are not asked anyway. */
static void leave_post(struct handover *handover, size_t index)
{
    struct post *post = &handover->posts[index];
    char text[ADDR_TEXT_MAX];
    size_t before;
    size_t after;
    if (!count_others(handover, post, &before, &after) || before > 0 || after == 0)
        return;
    if (post->is_beside)
        take_post(handover, index); /* since the last look */
    post->successors = after;
    lead(handover, index, handover->loops, post->successors);
    LOG_INFO("handover.left", LOG_TEXT("address", addr_format(&post->address, text)),
             LOG_UINT("loops", post->successors));
}

static bool is_leaving(const struct handover *handover)
{
    bool leaving = false;
    for (size_t i = 0; i < handover->count; i++)
        leaving = leaving || handover->posts[i].successors > 0;
    return leaving;
}

bool handover_leave(struct handover *handover)
{
    for (size_t i = 0; i < handover->count && handover->on; i++)
        leave_post(handover, i);
    return is_leaving(handover);
}

/* The loop that is member `place` of the groups; at the first address that is led elsewhere: they differ only where a
 * newcomer had another number of loops, and an address that the one before it had not. */
static size_t loop_at(const struct handover *handover, size_t place)
{
    size_t turn = 0;
    for (size_t i = handover->count; i-- > 0;) {
        if (handover->posts[i].successors > 0)
            turn = handover->posts[i].turn;
    }
    return (place + handover->loops - turn) % handover->loops;
}

size_t handover_next(const struct handover *handover, size_t left)
{
    size_t next = loop_at(handover, left - 1);
    for (size_t i = 0; i < handover->count; i++) {
        if (handover->posts[i].successors > 0)
            lead_by(handover->workers[next], handover, i, left, handover->posts[i].successors);
    }
    return next;
}

/* --- the rest --- */

const char *handover_tell(const struct handover *handover)
{
    if (!handover->on)
        return "off";
    if (is_leaving(handover))
        return "leaving, another instance is asked";
    if (handover_is_beside(handover))
        return "beside another instance, which is asked until it stops";
    return "alone";
}

void handover_free(struct handover *handover)
{
    if (handover == NULL)
        return;
    give_turn(handover);
    for (size_t i = 0; i < handover->count; i++) {
        if (handover->posts[i].claim >= 0)
            close(handover->posts[i].claim);
    }
    free(handover);
}
