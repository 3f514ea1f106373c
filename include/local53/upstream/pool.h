/* pool: from the servers a configuration names to the addresses asked: literal ones, those of a
 * resolv.conf file, of an environment variable, of resolved hosts; our own addresses are skipped (a
 * loop). Files are read and variables looked up here, at start and reload, never on a loop. */
#ifndef LOCAL53_UPSTREAM_POOL_H
#define LOCAL53_UPSTREAM_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "local53/config/config.h"
#include "local53/upstream/bootstrap.h"
#include "local53/upstream/exchange.h"

/* Where a pool's addresses come from. */
struct pool_source {
    const struct config_server *servers; /* borrowed */
    size_t server_count;                 /* how many */
    const struct addr *own;              /* our listen addresses: skipped */
    size_t own_count;                    /* how many */
    const struct bootstrap *bootstrap;   /* resolved hosts; NULL: hosts have no address */
};

/* Fills pool->servers and count (slots are the caller's). What could not be used (unreadable file,
 * empty variable, more than POOL_SERVERS_MAX) is told as text in problem (cap octets, "" for none);
 * the pool may be empty. Doubles are dropped. False when all it has are we: there is nobody to ask. */
bool pool_resolve(struct pool *pool, const struct pool_source *source, char *problem, size_t cap);

#endif
