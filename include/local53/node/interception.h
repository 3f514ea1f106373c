/* interception: DNS to some addresses of this node passes connection tracking by, and with it whatever address
 * translation others do for them (kube-proxy's for a service address): one nft table an instance, family inet,
 * holding only NOTRACK rules (nft(8), priority raw), so that instances stand side by side. The table has the owner
 * flag where the kernel knows it (Linux 5.12): it is gone with the process, however that ends. This is the fail-open.
 * Needs CAP_NET_ADMIN in effect for all but is_owned, name and, with an owned table, close. Main thread; a call takes
 * about a millisecond. Nobody may inherit the descriptors (all are close-on-exec; a fork without exec would). */
#ifndef LOCAL53_NODE_INTERCEPTION_H
#define LOCAL53_NODE_INTERCEPTION_H

#include <stdbool.h>
#include <stddef.h>

#include "local53/base/addr.h"
#include "local53/base/err.h"

#define INTERCEPTION_ADDRESSES_MAX 32
/* A sentence for people: what is wrong and what to do. */
#define INTERCEPTION_WHY_MAX 384
/* Tables of all instances begin so; 16 random hexadecimal digits follow, since process ids repeat in containers. */
#define INTERCEPTION_TABLE_PREFIX "local53-"
#define INTERCEPTION_TABLE_MAX 32

struct interception;

/* Puts the table there, whole, in one transaction: for each address with its port, in UDP and TCP, what goes to it
 * (prerouting, output) and what comes from it (output). At most INTERCEPTION_ADDRESSES_MAX, none is any address.
 * Then, with nothing left and why filled: ERR_DENIED (CAP_NET_ADMIN is not in effect), ERR_UNSUPPORTED (the kernel
 * has no nf_tables), ERR_EXISTS (a foreign table has the name), ERR_INVALID (addresses), ERR_SYSTEM. */
enum err interception_open(struct interception **out, const struct addr *addresses, size_t count,
                           char why[INTERCEPTION_WHY_MAX]);

/* True when the kernel removes the table with the process. Else it is removed by interception_close, and after a
 * process that was killed only by interception_clean, or the next that opens such a table: to be told loudly. */
bool interception_is_owned(const struct interception *interception);

/* The table's name, for people: nft list table inet NAME. */
const char *interception_name(const struct interception *interception);

/* Reads the table back and compares chain by chain and rule by rule with what was put there. ERR_NOT_FOUND (the table
 * is gone) and ERR_MALFORMED (it differs; why tells the first line that does) ask for a repair; other errors say that
 * it could not be read. */
enum err interception_check(struct interception *interception, char why[INTERCEPTION_WHY_MAX]);

/* Puts the table there anew, in one transaction that replaces what is left of it: no packet finds it half. Errors as
 * of interception_open; what stood there stays then. */
enum err interception_repair(struct interception *interception, char why[INTERCEPTION_WHY_MAX]);

/* Rules of the table as the kernel has them now; 0 when there is none or it cannot be read. */
size_t interception_rules(struct interception *interception);

/* Removes the table and frees. Accepts NULL. */
void interception_close(struct interception *interception);

/* Removes what instances left that are gone: all tables of such a name that neither have an owner nor a live process
 * of ours that holds them. *removed gets how many. Errors as of interception_open. */
enum err interception_clean(size_t *removed, char why[INTERCEPTION_WHY_MAX]);

#endif
