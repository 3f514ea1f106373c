/* target: to whom load may be sent without being told twice. Pure. */
#ifndef DNSBENCH_TRAFFIC_TARGET_H
#define DNSBENCH_TRAFFIC_TARGET_H

#include <stdbool.h>

#include "local53/base/addr.h"

/* True for what is surely one's own: loopback, link-local (169.254/16, fe80::/10), private (RFC
 * 1918, RFC 4193 unique local, RFC 6598 shared 100.64/10), and v4-mapped forms of these. Everything
 * else needs --allow-remote. */
bool target_is_private(const struct addr *addr);

#endif
