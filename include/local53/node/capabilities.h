/* capabilities: the three capabilities(7) local53 has a use for, and the way to be rid of them. A program whose file has
 * them as permitted only starts where they are not granted, and raises them itself where they are; none of this needs
 * privilege. They belong to a thread: those started later inherit what is left, those that run keep theirs. So they
 * are read and raised first, and dropped before the loops start. Any thread, for itself. */
#ifndef LOCAL53_NODE_CAPABILITIES_H
#define LOCAL53_NODE_CAPABILITIES_H

#include "local53/base/err.h"

/* Members of a set of capabilities. */
#define CAPABILITIES_NONE 0u
#define CAPABILITIES_BIND 1u  /* CAP_NET_BIND_SERVICE: ports below 1024 */
#define CAPABILITIES_ADMIN 2u /* CAP_NET_ADMIN: interception.h and addresses.h */
#define CAPABILITIES_READ 8u  /* CAP_DAC_READ_SEARCH: files that modes keep from others */
#define CAPABILITIES_OTHER 4u /* any other one; for reading only */

#define CAPABILITIES_TEXT_MAX 128

struct capabilities {
    unsigned permitted; /* may be raised */
    unsigned effective; /* are in effect; a part of permitted */
};

/* What this thread has. ERR_SYSTEM where the system has no capabilities. */
enum err capabilities_read(struct capabilities *out);

/* Puts into effect what of `wanted` is permitted; ERR_DENIED when a part is not, and the rest is in effect then. */
enum err capabilities_raise(unsigned wanted);

/* Drops all others for good: from permitted, effective, inheritable and ambient. CAPABILITIES_NONE drops all. After
 * it files of other users open only as their modes say, also for user 0: a reload must be able to read its files,
 * for which CAPABILITIES_READ is. */
enum err capabilities_keep(unsigned kept);

/* No program this thread might start gains any privilege (prctl(2), PR_SET_NO_NEW_PRIVS). */
enum err capabilities_no_new_privileges(void);

/* For people: "NET_BIND_SERVICE in effect, NET_ADMIN permitted, no others"; gives out. */
const char *capabilities_write(const struct capabilities *capabilities,
                               char out[CAPABILITIES_TEXT_MAX]);

#endif
