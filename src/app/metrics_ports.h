/* metrics_ports: the HTTP addresses of the configuration (metrics and probes over the network), and what is done while
 * another instance, which hands over to us, still has them. Main thread. */
#ifndef LOCAL53_APP_METRICS_PORTS_H
#define LOCAL53_APP_METRICS_PORTS_H

#include <stdbool.h>
#include <stddef.h>

#include "local53/config/config.h"
#include "local53/net/http.h"
#include "local53/net/loop.h"

#define METRICS_PORTS_MAX 16 /* addresses; the schema's limit */
#define METRICS_PORTS_LATE                                                                         \
    3 /* tries after the other instance has gone: then somebody else has it */

struct metrics_ports {
    struct loop *loop;                              /* borrowed */
    http_on_get on_get;                             /* what answers */
    void *owner;                                    /* borrowed; on_get's */
    size_t count;                                   /* addresses */
    struct addr addresses[METRICS_PORTS_MAX];       /* of the configuration */
    struct http_server *servers[METRICS_PORTS_MAX]; /* owned; NULL while not open */
    bool waiting;                                   /* for one that is in use */
    unsigned late; /* tries since nobody is there who should have it */
};

/* For the addresses of config; opens nothing. */
void metrics_ports_init(struct metrics_ports *ports, const struct config *config, struct loop *loop,
                        http_on_get on_get, void *owner);

/* Opens those that are not open. One in use is a problem, or, with `patient`, left for a later call. False: told on
 * stderr. */
bool metrics_ports_open(struct metrics_ports *ports, bool patient);

/* Tries again those that are waited for; `beside`: the other instance is still there. Whoever has one long after it
 * has gone is told once. */
void metrics_ports_retry(struct metrics_ports *ports, bool beside);

/* Closes all; what is being answered has its time. */
void metrics_ports_close(struct metrics_ports *ports);

#endif
