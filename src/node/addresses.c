/* addresses: what is to stand, compared with what stands.
 * Owns: a claim for each address (claim.h), by which instances see who else has it. Thread: main.
 * Bounds: ADDRESSES_MAX, HOLDERS_MAX instances; a read that others' changes disturb is tried 8 times.
 * Fails: with an error and a sentence; what was put there before the failure is removed. */
#include "local53/node/addresses.h"

#include <errno.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "local53/base/check.h"
#include "local53/node/claim.h"
#include "local53/node/reserved.h"
#include "netlink.h"
#include "rtnl.h"

#define HOLDERS_MAX 8
#define READS_MAX 8
#define LOOPBACK "lo"

/* One address that is to stand. */
struct place {
    struct addr address;      /* port 0 */
    int claim;                /* descriptor, or -1 */
    unsigned link;            /* index of our link or of lo that it stands on; 0 when on neither */
    unsigned foreign;         /* index of another link that it stands on; 0 when on none */
    bool is_marked;           /* an instance put it there, as the kernel remembers */
    bool is_put;              /* we put it there */
    bool was_there;           /* it stood when we came */
    char link_name[IFNAMSIZ]; /* of link */
};

struct addresses {
    struct netlink *netlink;            /* owned */
    size_t count;                       /* of the places */
    struct place places[ADDRESSES_MAX]; /* in the order given */
};

/* ---- Errors ---------------------------------------------------------------------------------------- */

/* What an error of the kernel for an address means, in a sentence. EACCES is what a link says that has IPv6 off. */
static enum err tell(int error, const struct addr *address, char *why)
{
    char text[ADDR_TEXT_MAX];

    addr_format(address, text);
    switch (error) {
    case EPERM:
        snprintf(why, ADDRESSES_WHY_MAX,
                 "putting %s on this node needs CAP_NET_ADMIN: add NET_ADMIN to the container's "
                 "capabilities, or put it there before (ip address add %s dev lo)",
                 text, text);
        return ERR_DENIED;
    case EACCES:
    case EAFNOSUPPORT:
        snprintf(why, ADDRESSES_WHY_MAX,
                 "this node cannot have %s: IPv6 is switched off (net.ipv6.conf.*.disable_ipv6); "
                 "leave it out, or switch IPv6 on",
                 text);
        return ERR_UNSUPPORTED;
    case EUSERS:
        snprintf(why, ADDRESSES_WHY_MAX, "%d processes have %s already: are they all wanted?",
                 HOLDERS_MAX, text);
        return ERR_NO_SPACE;
    default:
        snprintf(why, ADDRESSES_WHY_MAX, "putting %s on this node: %s", text, strerror(error));
        return ERR_SYSTEM;
    }
}

/* It stands on a link of somebody else, whom the link's name often gives away. */
static enum err tell_foreign(const struct place *place, char *why)
{
    char text[ADDR_TEXT_MAX];
    char link[IFNAMSIZ] = "another link";
    const char *remedy = "remove it there, or take another address";

    (void)if_indextoname(place->foreign, link);
    if (strcmp(link, "kube-ipvs0") == 0)
        remedy = "kube-proxy runs in IPVS mode, which answers for service addresses; leave it out "
                 "and give pods the link-local address (kubelet's clusterDNS)";
    else if (strcmp(link, "nodelocaldns") == 0)
        remedy = "NodeLocal DNSCache put it there; remove that DaemonSet and its link first, or "
                 "take another address";
    snprintf(why, ADDRESSES_WHY_MAX, "%s is already on %s: %s", addr_format(&place->address, text),
             link, remedy);
    return ERR_EXISTS;
}

/* ---- What stands ----------------------------------------------------------------------------------- */

/* IPv6 addresses that the kernel gives each link by itself (RFC 4291 section 2.5.6). */
static bool is_kernels_own(const struct addr *address)
{
    return address->sa.sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&address->v6.sin6_addr);
}

static bool is_link(unsigned index, const char *name)
{
    char found[IFNAMSIZ];

    return if_indextoname(index, found) != NULL && strcmp(found, name) == 0;
}

/* Notes in the place of an address that it stands. */
static void on_standing(void *context, const struct rtnl_address *standing)
{
    struct addresses *addresses = context;

    for (size_t i = 0; i < addresses->count; i++) {
        struct place *place = &addresses->places[i];

        if (!addr_same_host(&place->address, &standing->address))
            continue;
        if (!is_link(standing->link, ADDRESSES_LINK) && !is_link(standing->link, LOOPBACK)) {
            place->foreign = standing->link;
        } else {
            place->link = standing->link;
            place->is_marked = standing->is_marked;
            (void)if_indextoname(standing->link, place->link_name);
        }
    }
}

/* Fills link, foreign and is_marked of all places anew. */
static int survey(struct addresses *addresses)
{
    int error = EINTR;

    for (int i = 0; i < READS_MAX && error == EINTR; i++) {
        for (size_t j = 0; j < addresses->count; j++) {
            addresses->places[j].link = 0;
            addresses->places[j].foreign = 0;
        }
        error = rtnl_each(addresses->netlink, on_standing, addresses);
    }
    return error;
}

/* Surveys, and refuses what stands on links of others. */
static enum err survey_ours(struct addresses *addresses, char *why)
{
    int error = survey(addresses);

    if (error != 0)
        return tell(error, &addresses->places[0].address, why);
    for (size_t i = 0; i < addresses->count; i++) {
        if (addresses->places[i].foreign != 0)
            return tell_foreign(&addresses->places[i], why);
    }
    return ERR_OK;
}

/* ---- Claims ---------------------------------------------------------------------------------------- */

static void write_claim(const struct addr *address, int number, char name[CLAIM_NAME_MAX])
{
    char text[ADDR_TEXT_MAX];

    snprintf(name, CLAIM_NAME_MAX, "local53-address-%s-%d", addr_format(address, text), number);
}

/* The first claim on the address that nobody has; EUSERS when all are taken. */
static int claim(struct place *place)
{
    char name[CLAIM_NAME_MAX];

    for (int i = 0; i < HOLDERS_MAX; i++) {
        write_claim(&place->address, i, name);
        place->claim = claim_take(name);
        if (place->claim >= 0 || errno != EADDRINUSE)
            return place->claim >= 0 ? 0 : errno;
    }
    return EUSERS;
}

static void unclaim(struct place *place)
{
    if (place->claim >= 0)
        close(place->claim);
    place->claim = -1;
}

/* True when a live process has the address; our own claim counts too. */
static bool is_claimed(const struct addr *address)
{
    char name[CLAIM_NAME_MAX];

    for (int i = 0; i < HOLDERS_MAX; i++) {
        write_claim(address, i, name);
        if (claim_is_held(name))
            return true;
    }
    return false;
}

/* ---- Putting --------------------------------------------------------------------------------------- */

/* Index of the link new addresses go to, which is up then. */
static int make_home(struct netlink *netlink, unsigned *link)
{
    const char *name = ADDRESSES_LINK;
    int error = 0;

    if (if_nametoindex(name) == 0)
        error = rtnl_make_dummy(netlink, name);
    if (error == EOPNOTSUPP)
        name = LOOPBACK;
    else if (error != 0 && error != EEXIST)
        return error;
    *link = if_nametoindex(name);
    if (*link == 0)
        return ENODEV;
    return rtnl_is_up(name) ? 0 : rtnl_set_up(netlink, *link);
}

/* Another instance may have been faster. */
static int put_one(struct addresses *addresses, struct place *place)
{
    unsigned link;
    int error = make_home(addresses->netlink, &link);

    if (error == 0)
        error = rtnl_add(addresses->netlink, &place->address, link);
    if (error != 0 && error != EEXIST)
        return error;
    place->is_put = place->is_put || error == 0;
    place->was_there = error == EEXIST;
    place->link = link;
    (void)if_indextoname(link, place->link_name);
    return 0;
}

/* Puts there what is missing after a survey. */
static enum err put_missing(struct addresses *addresses, char *why)
{
    for (size_t i = 0; i < addresses->count; i++) {
        struct place *place = &addresses->places[i];
        int error = 0;

        if (place->link == 0) {
            error = put_one(addresses, place);
            if (error == ENODEV) /* an instance that ends has deleted the link it left empty */
                error = put_one(addresses, place);
        } else if (!rtnl_is_up(place->link_name)) {
            error = rtnl_set_up(addresses->netlink, place->link);
        }
        if (error != 0)
            return tell(error, &place->address, why);
    }
    return ERR_OK;
}

static bool are_valid(const struct addr *list, size_t count)
{
    if (count == 0 || count > ADDRESSES_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (addr_is_any(&list[i]) || addr_is_loopback(&list[i]))
            return false;
    }
    return true;
}

/* Nothing that makes no sense, and nothing that the node itself would miss. */
static enum err validate(const struct addr *list, size_t count, char *why)
{
    char text[ADDR_TEXT_MAX];

    if (!are_valid(list, count)) {
        snprintf(why, ADDRESSES_WHY_MAX,
                 "1 to %d addresses are put on this node, none of them loopback (127/8, ::1) or "
                 "all addresses (0.0.0.0, ::)",
                 ADDRESSES_MAX);
        return ERR_INVALID;
    }
    for (size_t i = 0; i < count; i++) {
        struct addr bare = addr_with_port(list[i], 0);
        const char *whose = reserved_for(&bare);

        if (whose == NULL)
            continue;
        snprintf(why, ADDRESSES_WHY_MAX,
                 "%s is %s on every instance of AWS, which nothing on this node could reach any "
                 "more: take another address, such as 169.254.20.10",
                 addr_format(&bare, text), whose);
        return ERR_INVALID;
    }
    return ERR_OK;
}

static struct addresses *addresses_new(const struct addr *list, size_t count)
{
    struct addresses *addresses = calloc(1, sizeof(*addresses));

    CHECK(addresses != NULL);
    addresses->count = count;
    for (size_t i = 0; i < count; i++) {
        addresses->places[i].address = addr_with_port(list[i], 0);
        addresses->places[i].claim = -1;
    }
    return addresses;
}

/* Claims come first: an instance that ends just now sees them and leaves the addresses. */
static enum err take_claims(struct addresses *addresses, char *why)
{
    for (size_t i = 0; i < addresses->count; i++) {
        int error = claim(&addresses->places[i]);

        if (error != 0)
            return tell(error, &addresses->places[i].address, why);
    }
    return ERR_OK;
}

static enum err put_all(struct addresses *addresses, char *why)
{
    int error = netlink_new(&addresses->netlink, NETLINK_ROUTE);
    enum err err =
        error == 0 ? take_claims(addresses, why) : tell(error, &addresses->places[0].address, why);

    if (err == ERR_OK)
        err = survey_ours(addresses, why);
    if (err != ERR_OK)
        return err;
    for (size_t i = 0; i < addresses->count; i++)
        addresses->places[i].was_there = addresses->places[i].link != 0;
    return put_missing(addresses, why);
}

/* ---- Removing -------------------------------------------------------------------------------------- */

/* What stands on our link. */
struct content {
    unsigned link; /* index of our link */
    size_t count;  /* of the addresses on it, but for the kernel's own */
};

static void on_content(void *context, const struct rtnl_address *standing)
{
    struct content *content = context;

    content->count += standing->link == content->link && !is_kernels_own(&standing->address);
}

/* Deletes our link once nothing is left on it. */
static void delete_empty_link(struct netlink *netlink)
{
    struct content content = {if_nametoindex(ADDRESSES_LINK), 0};

    if (content.link != 0 && rtnl_each(netlink, on_content, &content) == 0 && content.count == 0)
        (void)rtnl_delete_link(netlink, content.link);
}

/* True when the last instance that has the address removes it: what people put on lo is theirs. */
static bool is_instances(const struct place *place)
{
    return place->link != 0 &&
           (place->is_put || place->is_marked || strcmp(place->link_name, ADDRESSES_LINK) == 0);
}

static void addresses_free(struct addresses *addresses)
{
    for (size_t i = 0; i < addresses->count; i++)
        unclaim(&addresses->places[i]);
    netlink_free(addresses->netlink);
    free(addresses);
}

/* Those without a link were never put there. */
static void remove_all(struct addresses *addresses)
{
    for (size_t i = 0; i < addresses->count; i++) {
        struct place *place = &addresses->places[i];

        unclaim(place);
        if (is_instances(place) && !is_claimed(&place->address))
            (void)rtnl_delete(addresses->netlink, &place->address, place->link);
    }
    delete_empty_link(addresses->netlink);
}

/* After a failure: what we put there goes, what was there stays. */
static void undo(struct addresses *addresses)
{
    for (size_t i = 0; i < addresses->count; i++) {
        struct place *place = &addresses->places[i];

        unclaim(place);
        if (place->is_put && !is_claimed(&place->address))
            (void)rtnl_delete(addresses->netlink, &place->address, place->link);
    }
    if (addresses->netlink != NULL)
        delete_empty_link(addresses->netlink);
    addresses_free(addresses);
}

void addresses_remove(struct addresses *addresses)
{
    if (addresses == NULL)
        return;
    if (survey(addresses) == 0)
        remove_all(addresses);
    addresses_free(addresses);
}

/* ---- The door's other parts ------------------------------------------------------------------------ */

enum err addresses_put(struct addresses **out, const struct addr *list, size_t count,
                       char why[ADDRESSES_WHY_MAX])
{
    struct addresses *addresses;
    enum err err;

    *out = NULL;
    why[0] = '\0';
    err = validate(list, count, why);
    if (err != ERR_OK)
        return err;
    addresses = addresses_new(list, count);
    err = put_all(addresses, why);
    if (err == ERR_OK)
        *out = addresses;
    else
        undo(addresses);
    return err;
}

const char *addresses_link(const struct addresses *addresses, size_t index)
{
    CHECK(index < addresses->count);
    return addresses->places[index].link_name;
}

bool addresses_was_there(const struct addresses *addresses, size_t index)
{
    CHECK(index < addresses->count);
    return addresses->places[index].was_there;
}

enum err addresses_check(struct addresses *addresses, char why[ADDRESSES_WHY_MAX])
{
    char text[ADDR_TEXT_MAX];
    int error = survey(addresses);

    why[0] = '\0';
    if (error != 0)
        return tell(error, &addresses->places[0].address, why);
    for (size_t i = 0; i < addresses->count; i++) {
        if (addresses->places[i].link != 0)
            continue;
        snprintf(why, ADDRESSES_WHY_MAX, "%s was removed from %s by somebody",
                 addr_format(&addresses->places[i].address, text), addresses->places[i].link_name);
        return ERR_NOT_FOUND;
    }
    for (size_t i = 0; i < addresses->count; i++) {
        if (addresses->places[i].foreign != 0)
            return tell_foreign(&addresses->places[i], why);
    }
    return ERR_OK;
}

enum err addresses_repair(struct addresses *addresses, char why[ADDRESSES_WHY_MAX])
{
    enum err err;

    why[0] = '\0';
    err = survey_ours(addresses, why);
    return err == ERR_OK ? put_missing(addresses, why) : err;
}

/* ---- Cleaning -------------------------------------------------------------------------------------- */

/* Addresses to remove: gathered first, since a dump and a change do not mix. */
struct leftovers {
    struct rtnl_address *found; /* owned */
    size_t count;               /* of those found */
};

static void on_leftover(void *context, const struct rtnl_address *standing)
{
    struct leftovers *leftovers = context;
    bool ours = is_link(standing->link, ADDRESSES_LINK) ||
                (standing->is_marked && is_link(standing->link, LOOPBACK));

    if (!ours || is_kernels_own(&standing->address) || is_claimed(&standing->address))
        return;
    leftovers->found =
        realloc(leftovers->found, (leftovers->count + 1) * sizeof(leftovers->found[0]));
    CHECK(leftovers->found != NULL);
    leftovers->found[leftovers->count++] = *standing;
}

static int find_leftovers(struct netlink *netlink, struct leftovers *leftovers)
{
    int error = EINTR;

    for (int i = 0; i < READS_MAX && error == EINTR; i++) {
        leftovers->count = 0;
        error = rtnl_each(netlink, on_leftover, leftovers);
    }
    return error;
}

static enum err tell_unclean(int error, char *why)
{
    snprintf(why, ADDRESSES_WHY_MAX, "removing addresses that local53 left on this node: %s%s",
             strerror(error), error == EPERM ? " (CAP_NET_ADMIN is needed)" : "");
    return error == EPERM ? ERR_DENIED : ERR_SYSTEM;
}

/* What another cleans at the same time is gone as well. */
static enum err remove_leftovers(struct netlink *netlink, const struct leftovers *leftovers,
                                 size_t *removed, char *why)
{
    for (size_t i = 0; i < leftovers->count; i++) {
        const struct rtnl_address *found = &leftovers->found[i];
        int error = rtnl_delete(netlink, &found->address, found->link);

        if (error != 0 && error != EADDRNOTAVAIL && error != ENODEV)
            return tell_unclean(error, why);
        *removed += error == 0;
    }
    delete_empty_link(netlink);
    return ERR_OK;
}

enum err addresses_clean(size_t *removed, char why[ADDRESSES_WHY_MAX])
{
    struct leftovers leftovers = {NULL, 0};
    struct netlink *netlink;
    int error = netlink_new(&netlink, NETLINK_ROUTE);
    enum err err;

    *removed = 0;
    why[0] = '\0';
    if (error == 0)
        error = find_leftovers(netlink, &leftovers);
    err =
        error != 0 ? tell_unclean(error, why) : remove_leftovers(netlink, &leftovers, removed, why);
    free(leftovers.found);
    netlink_free(netlink);
    return err;
}
