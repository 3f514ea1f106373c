/* leaks: names of AWS that clients asked for, that no rule took, and that an upstream was asked for: what a
 * configuration forgot. One list for all loops, under a mutex: it is counted where an upstream is asked, never
 * where the cache or a rule answers. Bounded, and halved each hour. */
#ifndef LOCAL53_SERVER_LEAKS_H
#define LOCAL53_SERVER_LEAKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/hash.h"
#include "local53/base/metrics.h"
#include "local53/dns/message.h"
#include "local53/rules/ruleset.h"
#include "local53/rules/services.h"
#include "local53/server/toplist.h"

#define LEAKS_KNOWN_MAX 256    /* questions kept that an endpoint service would take */
#define LEAKS_OTHER_MAX 64     /* questions kept for other names of AWS */
#define LEAKS_HALVE_MS 3600000 /* counts are halved each hour */

struct leaks;

/* An empty one, which notes nothing yet; the caller frees it. secret keys the hashes of names. */
struct leaks *leaks_new(const struct hash_key *secret);

/* Once, on any thread: makes the index that tells a name's service, and notes from then on. It takes milliseconds that
 * no client should wait for, so loops may run already. */
void leaks_begin(struct leaks *leaks);

/* Accepts NULL. */
void leaks_free(struct leaks *leaks);

/* Notes that an upstream is asked for a question no rule has; any thread. Counts it, and for what an endpoint
 * service would take METRICS_AWS_LEAKS of the calling loop. No leaks: names of other classes than IN, names with
 * a vpce- label (targets), names that `except:` took out of an endpoint, names of a service that has a forward zone of
 * its own (by which one says that a gateway endpoint or a route leads there). leaks may be NULL: nothing is noted. */
void leaks_note(struct leaks *leaks, const struct ruleset *rules, const struct request *request,
                struct metrics *metrics, uint64_t now_ms);

/* Copies the questions of one kind (SERVICES_KNOWN or SERVICES_OTHER), most asked first, at most cap, as
 * halved by now; gives how many. Any thread. Rules may have them by now. */
size_t leaks_items(struct leaks *leaks, enum services_kind kind, struct toplist_item *out,
                   size_t cap, uint64_t now_ms);

/* True when a question noted before would be noted under these rules too: none has its name or takes it out, and no
 * forward zone has its service. */
bool leaks_are_of(const struct services *services, const struct ruleset *rules,
                  const struct name *name);

/* What tells a name's service; borrowed. NULL before leaks_begin. */
const struct services *leaks_services(const struct leaks *leaks);

#endif
