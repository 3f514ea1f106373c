/* query: the way of one question through the server, as one list of steps, and the only file that sees
 * rules, cache and upstream together:
 *   parse - rules - (compose | key - cache) - reply    what is known here
 *   parse - rules - key - cache - join - (ask) - wait  what is not; the answer is stored and replied to all who wait
 *   parse - rules - (compose | key - cache) - join - (ask) - wait  a chain of aliases to a name that is not
 *   parse - (rules) - (reject | any) - reply           what is not asked of anybody
 *   ... - drop                                     what nobody is to be told, or a full table sheds */
#ifndef LOCAL53_SERVER_QUERY_H
#define LOCAL53_SERVER_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/bytes.h"
#include "local53/net/udp.h"
#include "local53/server/client.h"

struct worker;

/* Takes a packet from a client to its reply, or to waiting for an upstream (HOT PATH). The reply
 * leaves through the client's socket; nothing of the packet is kept. True when a reply is owed later:
 * the query waits in flight (a TCP connection counts those). METRICS_QUERIES is the caller's to count,
 * who has many at once. */
bool query_one(struct worker *worker, const struct client *client, struct bytes packet);

/* The same for 1 to UDP_BATCH packets of one UDP socket, each step for all of them where that saves
 * waiting for memory; client is theirs but for the peer, which is filled in. How many wait in flight. */
size_t query_batch(struct worker *worker, struct client *client, const struct udp_packet *packets,
                   size_t count);

#endif
