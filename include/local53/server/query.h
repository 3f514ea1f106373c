/* query: the way of one question through the server, as one list of steps, and the only file that sees
 * rules, cache and upstream together:
 *   parse - rules - (compose | cache) - reply      what is known here
 *   parse - rules - cache - join - (ask) - wait    what is not; the answer is stored and replied to all who wait
 *   ... - drop                                     what nobody is to be told, or a full table sheds */
#ifndef LOCAL53_SERVER_QUERY_H
#define LOCAL53_SERVER_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/server/client.h"

struct worker;

/* Takes a packet from a client to its reply, or to waiting for an upstream (HOT PATH). The reply
 * leaves through the client's socket; nothing of the packet is kept. True when a reply is owed later:
 * the query waits in flight (a TCP connection counts those). METRICS_QUERIES is the caller's to count,
 * who has many at once. */
bool query_begin(struct worker *worker, const struct client *client, const uint8_t *packet,
                 size_t len);

#endif
