/* bootstrap: addresses of servers that are configured by host name, by c-ares, on the main thread's
 * loop. Asked at once and again before the TTL runs out (at least every 300 s, at most every 5 s on
 * failure); the last good ones are kept. */
#ifndef LOCAL53_UPSTREAM_BOOTSTRAP_H
#define LOCAL53_UPSTREAM_BOOTSTRAP_H

#include <stddef.h>

#include "local53/base/addr.h"
#include "local53/net/loop.h"

struct bootstrap;

#define BOOTSTRAP_ADDRESSES_MAX 8
#define BOOTSTRAP_HOSTS_MAX 64 /* more are not resolved, and that is logged */

/* The addresses of a host changed. */
typedef void (*bootstrap_on_change)(void *owner, const char *host, const struct addr *addresses,
                                    size_t count);

/* Resolves with the system's servers (/etc/resolv.conf, read here) except those in `skip` (our own listen
 * addresses). With none left nothing is resolved, and that is logged. Out of memory is fatal. */
struct bootstrap *bootstrap_new(struct loop *loop, const struct addr *skip, size_t skip_count,
                                bootstrap_on_change on_change, void *owner);

/* The same with these servers, ports included (at most 16; copied). */
struct bootstrap *bootstrap_new_asking(struct loop *loop, const struct addr *servers,
                                       size_t server_count, bootstrap_on_change on_change,
                                       void *owner);

/* Sets the hosts to keep resolved (copied); those not named any more are dropped. */
void bootstrap_set_hosts(struct bootstrap *bootstrap, const char *const *hosts, size_t count);

/* Last known addresses of a host, port 0; gives how many (0: none yet). */
size_t bootstrap_addresses(const struct bootstrap *bootstrap, const char *host, struct addr *out,
                           size_t cap);

/* Cancels what is under way; on_change is not called any more. Accepts NULL. */
void bootstrap_free(struct bootstrap *bootstrap);

#endif
