/* resolv_conf: the nameserver lines of a resolv.conf(5) file. Reads the file; owns nothing. Any thread
 * that may block: start and reload only. */
#ifndef LOCAL53_UPSTREAM_RESOLV_CONF_H
#define LOCAL53_UPSTREAM_RESOLV_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "local53/base/addr.h"
#include "local53/base/err.h"

#define RESOLV_CONF_SERVERS_MAX 16 /* nameserver lines used; the resolver library itself uses 3 */

/* The servers of a file, port 53 unless written "[address]:port"; *left_out counts nameserver lines that
 * hold no address or are too many. ERR_NOT_FOUND, ERR_DENIED, ERR_SYSTEM when it cannot be read. */
enum err resolv_conf_read(const char *file, struct addr out[RESOLV_CONF_SERVERS_MAX], size_t *count,
                          size_t *left_out);

/* True when an address is one of our own listeners, a wildcard one on loopback included: a server that
 * would lead back to us. */
bool resolv_conf_is_own(const struct addr *addr, const struct addr *own, size_t count);

#endif
