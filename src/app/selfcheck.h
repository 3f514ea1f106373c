/* selfcheck: a query to ourselves: the proof, for readiness and liveness, that a worker behind the
 * listening sockets still answers. */
#ifndef LOCAL53_APP_SELFCHECK_H
#define LOCAL53_APP_SELFCHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/addr.h"
#include "local53/base/rng.h"
#include "local53/net/loop.h"

#define SELFCHECK_PERIOD_MS 5000 /* once it answers */
#define SELFCHECK_RETRY_MS 100   /* until it answers, and the time an answer may take */
#define SELFCHECK_STALE_MS 30000 /* without an answer for so long: not alive */

struct selfcheck;

/* Asks each listen address in turn for localhost (answered without upstreams, RFC 6761), over UDP. */
struct selfcheck *selfcheck_new(struct loop *loop, struct rng *rng, const struct addr *addresses,
                                size_t count);
void selfcheck_free(struct selfcheck *selfcheck);

/* True when every address has answered at least once. */
bool selfcheck_passed(const struct selfcheck *selfcheck);

/* What is older counts no more: another was asked until now. */
void selfcheck_renew(struct selfcheck *selfcheck);

/* True unless the last answer is older than SELFCHECK_STALE_MS. */
bool selfcheck_alive(const struct selfcheck *selfcheck);

#endif
