/* metadata: the instance metadata service, version 2 (EC2 User Guide, "Use the Instance Metadata
 * Service"): a token, then what is asked for with it. */
#ifndef LOCAL53_APP_METADATA_H
#define LOCAL53_APP_METADATA_H

#include "local53/base/err.h"

#define METADATA_REGION_MAX 32  /* room for a region's name with its terminator */
#define METADATA_BUDGET_MS 1000 /* each of the two requests; absent instances answer nothing */

/* Region this instance runs in. LOCAL53_METADATA (ADDR:PORT) stands in for 169.254.169.254 in tests.
 * ERR_UNREACHABLE, ERR_TIMEOUT or ERR_MALFORMED when it cannot be had. Blocks. */
enum err metadata_region(char out[METADATA_REGION_MAX]);

#endif
