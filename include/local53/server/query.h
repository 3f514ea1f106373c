/* query: the way of one question through the server, as one table of named steps, and the only file
 * that sees rules, cache and upstream together. The same step words stand in logs, metrics and tests:
 *   parse - rules - (compose | cache) - (reply | join) - ask - ... - store - reply */
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

/* The words of the steps, for logs and tests; NULL past the last. */
const char *query_step_name(size_t step);

#endif
