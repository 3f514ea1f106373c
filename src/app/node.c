/* node: addresses first, then listeners, then the proof that they answer, then rules; a stop goes the same way back.
 * Owns the addresses and the rules on the node, and copies of the configuration's lists. Main thread.
 * Bounds: as many addresses as the schema takes.
 * Fails: by on_failure; what is refused later is told once and tried again at the next look. */
#include "node.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "local53/base/check.h"
#include "local53/base/log.h"
#include "local53/node/addresses.h"
#include "local53/node/capabilities.h"
#include "local53/node/interception.h"

enum state {
    STATE_OFF,     /* not asked for */
    STATE_WAITING, /* for the proof */
    STATE_ON,      /* the rules stand, or are repaired */
    STATE_REFUSED  /* by the node; on_failure is degrade */
};

struct node {
    struct metrics *metrics; /* borrowed */
    enum state state;
    bool exits;                        /* on_failure: exit */
    bool decided;                      /* the rules stood, or were refused, once */
    struct addr *listen;               /* owned; the configuration's, then service addresses */
    size_t listen_count;               /* items of listen */
    size_t proof_count;                /* of them those that lead here without rules */
    struct addresses *addresses;       /* owned; what was put on the node; NULL for nothing */
    struct interception *interception; /* owned; NULL when there are no rules */
    bool stands;                       /* what the last look has found or made */
    uint64_t looked_ms;                /* last look, monotonic */
    char problem[NODE_WHY_MAX];        /* last one told; "" when all is well */
};

/* The layer's sentences fit. */
_Static_assert(ADDRESSES_WHY_MAX < NODE_WHY_MAX && INTERCEPTION_WHY_MAX < NODE_WHY_MAX, "room");

/* --- lists --- */

struct node *node_new(const struct config *config, struct metrics *metrics)
{
    struct node *node = calloc(1, sizeof(*node));
    CHECK(node != NULL && config->answered_count <= ADDRESSES_MAX &&
          config->answered_count <= INTERCEPTION_ADDRESSES_MAX);
    node->metrics = metrics;
    node->state = config->intercept == CONFIG_INTERCEPT_OFF ? STATE_OFF : STATE_WAITING;
    node->exits = config->on_failure == CONFIG_ON_FAILURE_EXIT;
    node->listen = calloc(config->answered_count, sizeof(*node->listen));
    CHECK(node->listen != NULL);
    memcpy(node->listen, config->answered, config->answered_count * sizeof(*node->listen));
    node->listen_count = config->answered_count;
    node->proof_count = config->listen_count;
    return node;
}

/* True for those that are put on the node and that rules are for. */
static bool is_led(const struct node *node, size_t i)
{
    return i >= node->proof_count || config_is_node_address(&node->listen[i]);
}

static void leave_out(struct node *node, size_t i)
{
    memmove(&node->listen[i], &node->listen[i + 1],
            (node->listen_count - i - 1) * sizeof(*node->listen));
    node->listen_count--;
    if (i < node->proof_count)
        node->proof_count--;
}

const struct addr *node_listen(const struct node *node, size_t *count)
{
    *count = node->listen_count;
    return node->listen;
}

const struct addr *node_proof(const struct node *node, size_t *count)
{
    *count = node->proof_count;
    return node->listen;
}

/* --- links --- */

enum place { PLACE_NOWHERE, PLACE_OURS, PLACE_FOREIGN };

static bool is_on(const struct ifaddrs *link, const struct addr *addr)
{
    struct addr other = {0};
    if (link->ifa_addr == NULL || link->ifa_addr->sa_family != addr->sa.sa_family)
        return false;
    memcpy(&other, link->ifa_addr, addr_len(addr));
    return addr_same_host(&other, addr);
}

/* On what kind of link it stands; on a foreign one before ours. Without the list: nowhere, and putting it there
 * tells. */
static enum place place_of(const struct addr *addr)
{
    struct ifaddrs *links = NULL;
    enum place place = PLACE_NOWHERE;
    if (getifaddrs(&links) != 0)
        return place;
    for (const struct ifaddrs *link = links; link != NULL; link = link->ifa_next) {
        bool ours =
            strcmp(link->ifa_name, ADDRESSES_LINK) == 0 || strcmp(link->ifa_name, "lo") == 0;
        if (is_on(link, addr) && place != PLACE_FOREIGN)
            place = ours ? PLACE_OURS : PLACE_FOREIGN;
    }
    freeifaddrs(links);
    return place;
}

/* --- addresses --- */

static void keep_problem(struct node *node, const char *why)
{
    snprintf(node->problem, sizeof(node->problem), "%s", why);
}

/* The node refuses, and nothing of ours stands. True: it goes on without. */
static bool refuse(struct node *node, const char *why)
{
    if (node->exits) {
        fprintf(stderr, "local53: node: %s\n", why);
        return false;
    }
    LOG_WARN("node.degraded", LOG_TEXT("problem", why));
    keep_problem(node, why);
    node->state = STATE_REFUSED;
    node->decided = true;
    return true;
}

/* Service addresses that stand on a link of somebody else are left to them; one told is told once. */
static void leave_foreign_services(struct node *node)
{
    for (size_t i = node->listen_count; i-- > node->proof_count;) {
        char text[ADDR_TEXT_MAX];
        if (place_of(&node->listen[i]) != PLACE_FOREIGN)
            continue;
        LOG_WARN("node.address_left_out", LOG_TEXT("address", addr_format(&node->listen[i], text)),
                 LOG_TEXT("problem", "it stands on a link of somebody else, as with kube-proxy in "
                                     "IPVS mode"));
        leave_out(node, i);
    }
}

/* What is still to be put there, and of ours what stands: so that it goes with us. A listen address on a link of
 * somebody else is well as it is. */
static size_t list_wanted(const struct node *node, struct addr wanted[ADDRESSES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < node->listen_count; i++) {
        bool service = i >= node->proof_count;
        if (is_led(node, i) && (service || place_of(&node->listen[i]) != PLACE_FOREIGN))
            wanted[count++] = node->listen[i];
    }
    return count;
}

/* After a refusal: service addresses lead elsewhere, and what stands nowhere cannot be listened on. */
static bool go_on_without(struct node *node)
{
    node->listen_count = node->proof_count;
    for (size_t i = node->listen_count; i-- > 0;) {
        if (is_led(node, i) && place_of(&node->listen[i]) == PLACE_NOWHERE)
            leave_out(node, i);
    }
    if (node->listen_count == 0)
        fprintf(stderr, "local53: node: no listen address is left: %s\n", node->problem);
    return node->listen_count > 0;
}

static void tell_addresses(const struct node *node, const struct addr *list, size_t count)
{
    char text[ADDR_TEXT_MAX];
    for (size_t i = 0; i < count; i++) {
        struct addr bare = addr_with_port(list[i], 0);
        LOG_INFO("node.address", LOG_TEXT("address", addr_format(&bare, text)),
                 LOG_TEXT("link", addresses_link(node->addresses, i)),
                 LOG_TEXT("was_there", addresses_was_there(node->addresses, i) ? "yes" : "no"));
    }
}

static bool put_addresses(struct node *node)
{
    struct addr wanted[ADDRESSES_MAX];
    char why[ADDRESSES_WHY_MAX] = "";
    if (!node->exits)
        leave_foreign_services(node);
    size_t count = list_wanted(node, wanted);
    if (count == 0)
        return true;
    if (addresses_put(&node->addresses, wanted, count, why) != ERR_OK)
        return refuse(node, why) && go_on_without(node);
    tell_addresses(node, wanted, count);
    return true;
}

/* --- capabilities --- */

static bool may_intercept(struct node *node)
{
    struct capabilities capabilities;
    char text[CAPABILITIES_TEXT_MAX];
    char why[NODE_WHY_MAX];
    if (capabilities_read(&capabilities) == ERR_OK &&
        (capabilities.effective & CAPABILITIES_ADMIN) != 0)
        return true;
    snprintf(why, sizeof(why),
             "node.intercept: owner needs CAP_NET_ADMIN; capabilities here: %s; grant it, or say "
             "intercept: off",
             capabilities_write(&capabilities, text));
    return refuse(node, why) && go_on_without(node);
}

bool node_prepare(struct node *node)
{
    bool wanted = node->state != STATE_OFF;
    /* What is missing is told by what needs it: a port, an address, a rule. */
    (void)capabilities_raise(CAPABILITIES_BIND | (wanted ? CAPABILITIES_ADMIN : 0));
    if (!wanted)
        return true;
    if (!may_intercept(node))
        return false;
    return node->state == STATE_REFUSED || put_addresses(node);
}

static void drop_capabilities(unsigned kept)
{
    enum err err = capabilities_keep(kept);
    if (err == ERR_OK)
        err = capabilities_no_new_privileges();
    if (err != ERR_OK)
        LOG_WARN("node.capabilities", LOG_TEXT("problem", err_text(err)));
}

/* What could read its files at the start can read them at a reload: CAP_DAC_READ_SEARCH, which writes nothing, stays
 * where it is. Where only CAP_DAC_OVERRIDE was, it goes, and is told. */
void node_settle(struct node *node, const char *file)
{
    drop_capabilities(CAPABILITIES_READ | (node->state != STATE_OFF ? CAPABILITIES_ADMIN : 0));
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && (errno == EACCES || errno == EPERM))
        LOG_WARN("node.file_unreadable", LOG_TEXT("file", file),
                 LOG_TEXT("problem", "without CAP_DAC_OVERRIDE, which is dropped, it cannot be "
                                     "read at a reload: let this user read it"));
    if (fd >= 0)
        close(fd);
}

/* --- rules --- */

/* Told once as long as it stays the same. */
static void tell_trouble(struct node *node, const char *what, const char *why)
{
    node->stands = false;
    if (strcmp(node->problem, why) == 0)
        return;
    keep_problem(node, why);
    LOG_WARN("node.trouble", LOG_TEXT("what", what), LOG_TEXT("problem", why));
}

static void tell_begun(const struct node *node, size_t count)
{
    bool owned = interception_is_owned(node->interception);
    LOG_INFO("node.intercepting", LOG_TEXT("table", interception_name(node->interception)),
             LOG_UINT("addresses", count),
             LOG_UINT("rules", interception_rules(node->interception)),
             LOG_TEXT("owned", owned ? "yes" : "no"));
    if (!owned)
        LOG_WARN("node.unowned",
                 LOG_TEXT("problem", "this kernel does not remove the rules when local53 is killed "
                                     "(Linux 5.12 does): DNS of pods then fails until "
                                     "\"local53 node clean\" or a restart"));
}

static enum node_event begin(struct node *node)
{
    struct addr led[INTERCEPTION_ADDRESSES_MAX];
    char why[INTERCEPTION_WHY_MAX] = "";
    size_t count = 0;
    for (size_t i = 0; i < node->listen_count; i++) {
        if (is_led(node, i))
            led[count++] = node->listen[i];
    }
    if (count == 0)
        return refuse(node, "no address is left that DNS could be led to") ? NODE_SAME : NODE_OVER;
    if (interception_open(&node->interception, led, count, why) != ERR_OK) {
        node->interception = NULL;
        return refuse(node, why) ? NODE_SAME : NODE_OVER;
    }
    node->state = STATE_ON;
    node->decided = true;
    node->stands = true;
    node->problem[0] = '\0';
    tell_begun(node, count);
    return NODE_BEGUN;
}

static void count_repair(struct node *node, const char *what, const char *why)
{
    metrics_add(node->metrics, METRICS_INTERCEPTION_REPAIRS, 0, 1);
    LOG_WARN("node.repaired", LOG_TEXT("what", what), LOG_TEXT("found", why));
}

static void look_at_addresses(struct node *node)
{
    char found[ADDRESSES_WHY_MAX] = "";
    char why[ADDRESSES_WHY_MAX] = "";
    enum err err = addresses_check(node->addresses, found);
    if (err == ERR_NOT_FOUND && addresses_repair(node->addresses, why) == ERR_OK)
        count_repair(node, "addresses", found);
    else if (err != ERR_OK)
        tell_trouble(node, "addresses", why[0] != '\0' ? why : found);
}

static void look_at_rules(struct node *node)
{
    char found[INTERCEPTION_WHY_MAX] = "";
    char why[INTERCEPTION_WHY_MAX] = "";
    enum err err = interception_check(node->interception, found);
    bool due = err == ERR_NOT_FOUND || err == ERR_MALFORMED;
    if (due && interception_repair(node->interception, why) == ERR_OK)
        count_repair(node, "rules", found);
    else if (err != ERR_OK)
        tell_trouble(node, "rules", why[0] != '\0' ? why : found);
}

enum node_event node_look(struct node *node, bool proven, uint64_t now_ms)
{
    if (node->state == STATE_WAITING)
        return proven ? begin(node) : NODE_SAME;
    if (now_ms - node->looked_ms < NODE_LOOK_MS)
        return NODE_SAME;
    node->looked_ms = now_ms;
    node->stands = true;
    if (node->addresses != NULL)
        look_at_addresses(node);
    if (node->interception != NULL)
        look_at_rules(node);
    if (node->stands && node->state == STATE_ON)
        node->problem[0] = '\0';
    return NODE_SAME;
}

void node_retry(struct node *node)
{
    if (node->state == STATE_REFUSED)
        node->state = STATE_WAITING;
}

/* --- what is told --- */

bool node_is_ready(const struct node *node)
{
    return node->state != STATE_WAITING || node->decided;
}

const char *node_tell(const struct node *node, char out[NODE_WHY_MAX])
{
    switch (node->state) {
    case STATE_OFF: snprintf(out, NODE_WHY_MAX, "off"); break;
    case STATE_WAITING: snprintf(out, NODE_WHY_MAX, "waiting for answers of our own"); break;
    case STATE_REFUSED: snprintf(out, NODE_WHY_MAX, "refused: %.480s", node->problem); break;
    case STATE_ON:
        if (node->interception == NULL)
            snprintf(out, NODE_WHY_MAX, "over");
        else
            snprintf(out, NODE_WHY_MAX, "on, table inet %s, %zu rules%s%s%.380s",
                     interception_name(node->interception), interception_rules(node->interception),
                     interception_is_owned(node->interception) ? "" : ", not removed with us",
                     node->problem[0] != '\0' ? "; " : "", node->problem);
        break;
    }
    return out;
}

void node_set_gauges(struct node *node)
{
    struct interception *rules = node->interception;
    metrics_set(node->metrics, METRICS_INTERCEPTING, 0, rules != NULL && node->stands);
    metrics_set(node->metrics, METRICS_INTERCEPTION_OWNED, 0,
                rules != NULL && interception_is_owned(rules));
    metrics_set(node->metrics, METRICS_INTERCEPTION_RULES, 0,
                rules != NULL ? interception_rules(rules) : 0);
}

/* --- the way back --- */

void node_stand_down(struct node *node)
{
    if (node->interception == NULL)
        return;
    LOG_INFO("node.stood_down", LOG_TEXT("table", interception_name(node->interception)));
    interception_close(node->interception);
    node->interception = NULL;
}

void node_free(struct node *node)
{
    if (node == NULL)
        return;
    interception_close(node->interception);
    addresses_remove(node->addresses);
    free(node->listen);
    free(node);
}
