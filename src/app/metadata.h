/* metadata: the instance metadata service, version 2 (EC2 User Guide, "Use the Instance Metadata
 * Service"): a token, then what is asked for with it. */
#ifndef LOCAL53_APP_METADATA_H
#define LOCAL53_APP_METADATA_H

#include "local53/aws/partition.h"
#include "local53/base/err.h"

/* To connect, and to be silent. One that answers slowly all the time has twice as much; there are two requests. */
#define METADATA_BUDGET_MS 1000

/* Region this instance runs in. LOCAL53_METADATA (ADDR:PORT) stands in for 169.254.169.254 in tests.
 * ERR_UNREACHABLE, ERR_TIMEOUT or ERR_MALFORMED when it cannot be had. Blocks. */
enum err metadata_region(char out[PARTITION_REGION_MAX]);

#endif
