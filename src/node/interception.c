/* interception: one nft table by one netlink socket, which stays open as long as the table is to stand.
 * Owns: the socket, and the claim by which others see that the table's process lives. Thread: main.
 * Bounds: INTERCEPTION_ADDRESSES_MAX, six rules each; a read that others' changes disturb is tried 8 times.
 * Fails: with an error and a sentence, leaving nothing behind. */
#include "local53/node/interception.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interception_private.h"
#include "local53/base/check.h"
#include "local53/base/rng.h"
#include "local53/node/claim.h"
#include "netlink.h"
#include "nft_table.h"

#define READS_MAX 8
#define NAME_DIGITS 16 /* hexadecimal ones of a random number */

struct interception {
    struct netlink *netlink;                           /* owned; the kernel ties the table to it */
    struct nft_table table;                            /* what is to stand there */
    char name[INTERCEPTION_TABLE_MAX];                 /* of the table */
    struct addr addresses[INTERCEPTION_ADDRESSES_MAX]; /* of the table */
    int claim;                                         /* descriptor of the claim on name, or -1 */
};

/* ---- Errors ---------------------------------------------------------------------------------------- */

/* What an error of the kernel means, in a sentence. */
static enum err tell(int error, const char *name, char *why)
{
    switch (error) {
    case EPERM:
    case EACCES:
        snprintf(why, INTERCEPTION_WHY_MAX,
                 "interception needs CAP_NET_ADMIN: add NET_ADMIN to the container's "
                 "capabilities, or set node.intercept: off");
        return ERR_DENIED;
    case ENOENT:
    case EOPNOTSUPP:
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
        snprintf(why, INTERCEPTION_WHY_MAX,
                 "this kernel has no nf_tables with NOTRACK for family inet (%s): load the modules "
                 "nf_tables and nft_ct, or set node.intercept: off",
                 strerror(error));
        return ERR_UNSUPPORTED;
    case EEXIST:
        snprintf(why, INTERCEPTION_WHY_MAX,
                 "the nft table inet %s is there and not of this instance: look at it with \"nft "
                 "list table inet %s\" and remove it, or start again",
                 name, name);
        return ERR_EXISTS;
    default:
        snprintf(why, INTERCEPTION_WHY_MAX, "nft table inet %s: %s", name, strerror(error));
        return ERR_SYSTEM;
    }
}

/* ---- Opening and closing --------------------------------------------------------------------------- */

/* Nothing that would take in more than one address's DNS. */
static bool are_valid(const struct addr *addresses, size_t count)
{
    if (count == 0 || count > INTERCEPTION_ADDRESSES_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (addr_is_any(&addresses[i]) || addr_port(&addresses[i]) == 0)
            return false;
    }
    return true;
}

static struct interception *interception_new(const struct nft_table *table)
{
    struct interception *interception = calloc(1, sizeof(*interception));

    CHECK(interception != NULL);
    snprintf(interception->name, sizeof(interception->name), "%s", table->name);
    memcpy(interception->addresses, table->addresses, table->count * sizeof(struct addr));
    interception->table = (struct nft_table){.name = interception->name,
                                             .owned = table->owned,
                                             .addresses = interception->addresses,
                                             .count = table->count};
    interception->claim = -1;
    return interception;
}

static void interception_free(struct interception *interception)
{
    netlink_free(interception->netlink);
    if (interception->claim >= 0)
        close(interception->claim);
    free(interception);
}

/* The claim comes first: a table without owner is never seen without it. */
static int put(struct interception *interception)
{
    int error = netlink_new(&interception->netlink, NETLINK_NETFILTER);

    if (error != 0)
        return error;
    interception->claim = claim_take(interception->name);
    if (interception->claim < 0)
        return errno == EADDRINUSE ? EEXIST : errno;
    return nft_table_put(interception->netlink, &interception->table);
}

/* As interception_open_as; *error gets the kernel's. */
static struct interception *try_open(const struct nft_table *table, int *error)
{
    struct interception *interception = interception_new(table);

    *error = put(interception);
    if (*error == 0)
        return interception;
    interception_free(interception);
    return NULL;
}

/* Rules of one that was killed would lead DNS to nobody again once this one has ended. What cannot be removed is left
 * to "local53 node clean". */
static void remove_dead(void)
{
    char why[INTERCEPTION_WHY_MAX];
    size_t removed;

    (void)interception_clean(&removed, why);
}

enum err interception_open_as(struct interception **out, const struct nft_table *table,
                              char why[INTERCEPTION_WHY_MAX])
{
    int error;

    why[0] = '\0';
    *out = try_open(table, &error);
    if (*out != NULL && !table->owned)
        remove_dead();
    return *out != NULL ? ERR_OK : tell(error, table->name, why);
}

/* Kernels before 5.12 refuse flags they do not know. */
static bool is_refused_flag(int error)
{
    return error == EINVAL || error == EOPNOTSUPP;
}

enum err interception_open(struct interception **out, const struct addr *addresses, size_t count,
                           char why[INTERCEPTION_WHY_MAX])
{
    char name[INTERCEPTION_TABLE_MAX];
    struct nft_table table = {name, true, addresses, count};
    struct rng rng;
    int error;

    *out = NULL;
    if (!are_valid(addresses, count)) {
        snprintf(why, INTERCEPTION_WHY_MAX,
                 "interception takes 1 to %d addresses of this node, each with a port",
                 INTERCEPTION_ADDRESSES_MAX);
        return ERR_INVALID;
    }
    rng_init(&rng);
    snprintf(name, sizeof(name), INTERCEPTION_TABLE_PREFIX "%016" PRIx64, rng_u64(&rng));
    *out = try_open(&table, &error);
    if (*out == NULL && is_refused_flag(error)) {
        table.owned = false;
        return interception_open_as(out, &table, why);
    }
    why[0] = '\0';
    return *out != NULL ? ERR_OK : tell(error, name, why);
}

bool interception_is_owned(const struct interception *interception)
{
    return interception->table.owned;
}

const char *interception_name(const struct interception *interception)
{
    return interception->name;
}

/* Without the capability an owned table goes with the socket. */
void interception_close(struct interception *interception)
{
    if (interception == NULL)
        return;
    (void)nft_table_delete(interception->netlink, interception->name);
    interception_free(interception);
}

/* ---- Reading back ---------------------------------------------------------------------------------- */

/* Others change their tables all the time (kube-proxy), which the kernel tells to who reads just then. */
static int read_table(struct interception *interception, char **text)
{
    int error = EINTR;

    for (int i = 0; i < READS_MAX && error == EINTR; i++)
        error = nft_table_read(interception->netlink, interception->name, text);
    return error;
}

/* Tells the first line in which the texts differ. */
static void tell_difference(const char *expected, const char *found, const char *name, char *why)
{
    size_t line = 0;

    for (size_t i = 0; expected[i] != '\0' && expected[i] == found[i]; i++)
        line = expected[i] == '\n' ? i + 1 : line;
    if (expected[line] == '\0' || found[line] == '\0') {
        bool more = expected[line] == '\0';
        const char *rest = (more ? found : expected) + line;

        snprintf(why, INTERCEPTION_WHY_MAX, "nft table inet %s was changed: %s \"%.*s\"", name,
                 more ? "it has besides" : "it lacks", (int)strcspn(rest, "\n"), rest);
        return;
    }
    snprintf(why, INTERCEPTION_WHY_MAX,
             "nft table inet %s was changed: it has \"%.*s\" in place of \"%.*s\"", name,
             (int)strcspn(found + line, "\n"), found + line, (int)strcspn(expected + line, "\n"),
             expected + line);
}

static enum err compare(const struct interception *interception, const char *found, char *why)
{
    char *expected = nft_table_expected(&interception->table);
    bool same = strcmp(expected, found) == 0;

    if (!same)
        tell_difference(expected, found, interception->name, why);
    free(expected);
    return same ? ERR_OK : ERR_MALFORMED;
}

enum err interception_check(struct interception *interception, char why[INTERCEPTION_WHY_MAX])
{
    char *found;
    int error = read_table(interception, &found);
    enum err result;

    why[0] = '\0';
    if (error != 0)
        return tell(error, interception->name, why);
    if (found[0] == '\0') {
        snprintf(why, INTERCEPTION_WHY_MAX, "nft table inet %s was removed by somebody",
                 interception->name);
        result = ERR_NOT_FOUND;
    } else {
        result = compare(interception, found, why);
    }
    free(found);
    return result;
}

enum err interception_repair(struct interception *interception, char why[INTERCEPTION_WHY_MAX])
{
    int error = nft_table_replace(interception->netlink, &interception->table);

    why[0] = '\0';
    return error == 0 ? ERR_OK : tell(error, interception->name, why);
}

size_t interception_rules(struct interception *interception)
{
    char *text;
    size_t rules = 0;

    if (read_table(interception, &text) != 0)
        return 0;
    for (const char *at = text; (at = strstr(at, "\nrule ")) != NULL; at++)
        rules++;
    free(text);
    return rules;
}

/* ---- Cleaning -------------------------------------------------------------------------------------- */

/* Names of tables to remove: gathered first, since a dump and a change do not mix. */
struct leftovers {
    char (*names)[INTERCEPTION_TABLE_MAX]; /* owned */
    size_t count;                          /* of the names */
};

/* As interception_open makes names: what somebody else has named nearly so is theirs. */
static bool is_name_of_ours(const char *name)
{
    size_t prefix = strlen(INTERCEPTION_TABLE_PREFIX);

    return strncmp(name, INTERCEPTION_TABLE_PREFIX, prefix) == 0 &&
           strlen(name + prefix) == NAME_DIGITS &&
           strspn(name + prefix, "0123456789abcdef") == NAME_DIGITS;
}

static void on_table(void *context, const char *name, bool owned)
{
    struct leftovers *found = context;

    if (owned || !is_name_of_ours(name) || claim_is_held(name))
        return;
    found->names = realloc(found->names, (found->count + 1) * sizeof(found->names[0]));
    CHECK(found->names != NULL);
    snprintf(found->names[found->count++], INTERCEPTION_TABLE_MAX, "%s", name);
}

/* What another cleans at the same time is gone as well. */
static enum err remove_all(struct netlink *netlink, const struct leftovers *found, size_t *removed,
                           char *why)
{
    for (size_t i = 0; i < found->count; i++) {
        int error = nft_table_delete(netlink, found->names[i]);

        if (error != 0 && error != ENOENT)
            return tell(error, found->names[i], why);
        *removed += error == 0;
    }
    return ERR_OK;
}

enum err interception_clean(size_t *removed, char why[INTERCEPTION_WHY_MAX])
{
    struct leftovers found = {NULL, 0};
    struct netlink *netlink;
    int error = netlink_new(&netlink, NETLINK_NETFILTER);
    enum err result;

    *removed = 0;
    why[0] = '\0';
    if (error == 0)
        error = nft_table_each(netlink, on_table, &found);
    result = error != 0 ? tell(error, INTERCEPTION_TABLE_PREFIX "*", why)
                        : remove_all(netlink, &found, removed, why);
    free(found.names);
    netlink_free(netlink);
    return result;
}
