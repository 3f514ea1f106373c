/* selfcheck: asks the listen addresses one after the other, each time from a new port, so that in time
 * every worker is met. Owns one socket at a time and one alarm; on the main thread's loop. */
#include "selfcheck.h"

#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"
#include "local53/dns/message.h"
#include "local53/dns/reply.h"
#include "local53/net/timer.h"
#include "local53/net/udp.h"

struct selfcheck {
    struct loop *loop;         /* borrowed */
    struct rng *rng;           /* borrowed */
    struct addr *addresses;    /* owned */
    size_t count;              /* addresses */
    size_t passed;             /* addresses that answered before the first full round was through */
    size_t next;               /* who is asked now */
    struct udp_client *client; /* owned; NULL between questions */
    struct alarm *alarm;       /* owned; next question, or the end of the wait for an answer */
    uint16_t id;               /* of the question under way */
    struct name localhost;     /* what is asked */
    uint64_t answered_ms;      /* when the last answer came; start counts as one */
};

static void close_client(struct selfcheck *selfcheck)
{
    if (selfcheck->client != NULL)
        udp_client_close(selfcheck->client);
    selfcheck->client = NULL;
}

static void on_datagram(void *owner, struct udp_client *client, const uint8_t *data, size_t len)
{
    struct selfcheck *selfcheck = owner;
    (void)client;
    if (len < MESSAGE_HEADER_OCTETS || bytes_get_u16(data) != selfcheck->id ||
        !message_question_matches(data, len, &selfcheck->localhost, TYPE_A, CLASS_IN))
        return;
    selfcheck->answered_ms = loop_now_ms(selfcheck->loop);
    selfcheck->next = (selfcheck->next + 1) % selfcheck->count;
    if (selfcheck->passed < selfcheck->count)
        selfcheck->passed++;
    close_client(selfcheck);
    alarm_set(selfcheck->alarm, selfcheck_passed(selfcheck) ? SELFCHECK_PERIOD_MS : 0);
}

/* An ICMP error: the wait for an answer ends by its alarm as usual. */
static void on_error(void *owner, struct udp_client *client, enum err err)
{
    (void)owner;
    (void)client;
    (void)err;
}

static void send_question(struct selfcheck *selfcheck)
{
    uint8_t packet[MESSAGE_UDP_MIN];
    struct writer w = writer_init(packet, sizeof(packet));
    struct outgoing outgoing = {.id = rng_u16(selfcheck->rng), .recursion_desired = true};
    selfcheck->id = outgoing.id;
    query_write(&w, &outgoing, &selfcheck->localhost, TYPE_A, CLASS_IN);
    udp_client_send(selfcheck->client, packet, w.len);
}

static const struct udp_client_events client_events = {on_datagram, on_error};

static void on_alarm(void *owner)
{
    struct selfcheck *selfcheck = owner;
    close_client(selfcheck);
    if (udp_client_open(&selfcheck->client, selfcheck->loop, &selfcheck->addresses[selfcheck->next],
                        &client_events, selfcheck) == ERR_OK)
        send_question(selfcheck);
    alarm_set(selfcheck->alarm, SELFCHECK_RETRY_MS);
}

struct selfcheck *selfcheck_new(struct loop *loop, struct rng *rng, const struct addr *addresses,
                                size_t count)
{
    static const uint8_t localhost[] = "\11localhost";
    struct selfcheck *selfcheck = calloc(1, sizeof(*selfcheck));
    CHECK(selfcheck != NULL && count > 0);
    selfcheck->loop = loop;
    selfcheck->rng = rng;
    selfcheck->addresses = calloc(count, sizeof(*addresses));
    CHECK(selfcheck->addresses != NULL);
    memcpy(selfcheck->addresses, addresses, count * sizeof(*addresses));
    selfcheck->count = count;
    CHECK(name_from_wire(&selfcheck->localhost, localhost, sizeof(localhost)) == ERR_OK);
    selfcheck->answered_ms = loop_now_ms(loop);
    selfcheck->alarm = alarm_new(loop, on_alarm, selfcheck);
    alarm_set(selfcheck->alarm, 0);
    return selfcheck;
}

void selfcheck_free(struct selfcheck *selfcheck)
{
    if (selfcheck == NULL)
        return;
    close_client(selfcheck);
    alarm_free(selfcheck->alarm);
    free(selfcheck->addresses);
    free(selfcheck);
}

bool selfcheck_passed(const struct selfcheck *selfcheck)
{
    return selfcheck->passed == selfcheck->count;
}

void selfcheck_renew(struct selfcheck *selfcheck)
{
    selfcheck->answered_ms = loop_now_ms(selfcheck->loop);
}

bool selfcheck_alive(const struct selfcheck *selfcheck)
{
    return loop_now_ms(selfcheck->loop) - selfcheck->answered_ms < SELFCHECK_STALE_MS;
}
