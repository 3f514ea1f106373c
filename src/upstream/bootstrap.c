/* bootstrap: c-ares driven by the main thread's loop: one uv_poll a socket, one alarm for its time-outs, one
 * for the next refresh. Owns the channel, the hosts and what is known of them. Bounds: BOOTSTRAP_HOSTS_MAX
 * hosts, BOOTSTRAP_ADDRESSES_MAX addresses each; one question a host at a time, RETRY_MS..REFRESH_MAX_MS
 * apart. Fails: a host that cannot be resolved keeps its last addresses and is asked again. */
#include "local53/upstream/bootstrap.h"

#define CARES_NO_DEPRECATED
#include <ares.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "local53/base/check.h"
#include "local53/base/list.h"
#include "local53/base/log.h"
#include "local53/net/timer.h"
#include "resolv_conf.h"

#define SYSTEM_FILE "/etc/resolv.conf"
#define RETRY_MS 5000
#define REFRESH_MAX_MS 300000
#define QUERY_TIMEOUT_MS 1500
#define QUERY_TRIES 2
#define QUERIES_A_SOCKET 4 /* then another source port (RFC 5452 section 9.2) */

/* One host name to keep resolved. */
struct host {
    struct bootstrap *bootstrap;                    /* borrowed */
    char *name;                                     /* owned */
    struct addr addresses[BOOTSTRAP_ADDRESSES_MAX]; /* last known, port 0 */
    size_t count;                                   /* used of addresses */
    uint64_t due_ms;                                /* when it is asked next */
    bool asking;                                    /* a question is under way */
    bool dropped;                                   /* no more wanted; freed when that ends */
};

/* Watches one socket of c-ares; freed when libuv has closed it. */
struct watcher {
    uv_poll_t handle;            /* data points back here */
    struct bootstrap *bootstrap; /* borrowed */
    struct link link;            /* place in bootstrap->watchers */
    ares_socket_t fd;            /* c-ares's own */
};

struct bootstrap {
    struct loop *loop;                       /* borrowed */
    ares_channel channel;                    /* owned */
    struct alarm *timeout;                   /* owned; c-ares's next time-out */
    struct alarm *refresh;                   /* owned; the next host that is due */
    struct link watchers;                    /* of struct watcher; owned */
    struct host *hosts[BOOTSTRAP_HOSTS_MAX]; /* owned */
    size_t count;                            /* used of hosts */
    bool can_ask;                            /* it has servers */
    bool closing;                            /* bootstrap_free was called */
    bootstrap_on_change on_change;           /* may be NULL */
    void *owner;                             /* borrowed; on_change's */
};

/* --- c-ares on the loop --- */

static void plan_timeout(struct bootstrap *bootstrap)
{
    struct timeval left;
    if (ares_timeout(bootstrap->channel, NULL, &left) == NULL) {
        alarm_clear(bootstrap->timeout);
        return;
    }
    alarm_set(bootstrap->timeout, (uint64_t)left.tv_sec * 1000 + (uint64_t)left.tv_usec / 1000 + 1);
}

static void on_timeout(void *owner)
{
    struct bootstrap *bootstrap = owner;
    ares_process_fd(bootstrap->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    plan_timeout(bootstrap);
}

static void on_socket(uv_poll_t *handle, int status, int events)
{
    const struct watcher *watcher = handle->data;
    struct bootstrap *bootstrap = watcher->bootstrap;
    ares_socket_t fd = watcher->fd;
    /* A socket in error is for c-ares to find out by reading. */
    bool readable = status < 0 || (events & UV_READABLE) != 0;
    bool writable = status >= 0 && (events & UV_WRITABLE) != 0;
    ares_process_fd(bootstrap->channel, readable ? fd : ARES_SOCKET_BAD,
                    writable ? fd : ARES_SOCKET_BAD);
    plan_timeout(bootstrap);
}

static void on_watcher_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static struct watcher *watcher_of(struct bootstrap *bootstrap, ares_socket_t fd)
{
    LIST_EACH(item, after, &bootstrap->watchers) {
        struct watcher *watcher = LIST_ITEM(item, struct watcher, link);
        if (watcher->fd == fd)
            return watcher;
    }
    return NULL;
}

static struct watcher *watcher_new(struct bootstrap *bootstrap, ares_socket_t fd)
{
    struct watcher *watcher = calloc(1, sizeof(*watcher));
    CHECK(watcher != NULL);
    watcher->bootstrap = bootstrap;
    watcher->fd = fd;
    CHECK(uv_poll_init_socket(loop_native(bootstrap->loop), &watcher->handle, fd) == 0);
    watcher->handle.data = watcher;
    list_append(&bootstrap->watchers, &watcher->link);
    return watcher;
}

/* c-ares opened a socket, waits for other things on it, or is about to close it. */
static void on_socket_state(void *owner, ares_socket_t fd, int readable, int writable)
{
    struct bootstrap *bootstrap = owner;
    struct watcher *watcher = watcher_of(bootstrap, fd);
    int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
    if (events != 0) {
        watcher = watcher != NULL ? watcher : watcher_new(bootstrap, fd);
        CHECK(uv_poll_start(&watcher->handle, events, on_socket) == 0);
    } else if (watcher != NULL) {
        list_remove(&watcher->link);
        uv_close((uv_handle_t *)&watcher->handle, on_watcher_closed);
    }
}

/* --- hosts --- */

static void host_free(struct host *host)
{
    free(host->name);
    free(host);
}

static bool host_has(const struct host *host, const struct addr *addr)
{
    for (size_t i = 0; i < host->count; i++) {
        if (addr_equal(&host->addresses[i], addr))
            return true;
    }
    return false;
}

/* The addresses of an answer, without doubles; gives the least TTL in seconds. */
static uint32_t collect(struct host *out, const struct ares_addrinfo *answer)
{
    uint32_t ttl_s = REFRESH_MAX_MS / 1000;
    const struct ares_addrinfo_node *node = answer->nodes;
    for (; node != NULL && out->count < BOOTSTRAP_ADDRESSES_MAX; node = node->ai_next) {
        struct addr addr = {0};
        if (node->ai_family != AF_INET && node->ai_family != AF_INET6)
            continue;
        memcpy(&addr, node->ai_addr,
               node->ai_family == AF_INET ? sizeof(addr.v4) : sizeof(addr.v6));
        addr = addr_with_port(addr, 0);
        if (!host_has(out, &addr))
            out->addresses[out->count++] = addr;
        if (node->ai_ttl >= 0 && (uint32_t)node->ai_ttl < ttl_s)
            ttl_s = (uint32_t)node->ai_ttl;
    }
    return ttl_s;
}

/* Same addresses in any order: servers rotate them. */
static bool same_addresses(const struct host *a, const struct host *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (!host_has(b, &a->addresses[i]))
            return false;
    }
    return true;
}

/* Takes a good answer; true when the addresses changed. An answer without any is no good one. */
static bool host_take(struct host *host, const struct ares_addrinfo *answer, uint64_t now_ms)
{
    struct host fresh = {0};
    uint32_t ttl_s = collect(&fresh, answer);
    if (fresh.count == 0)
        return false;
    /* A tenth early, so that the next answer is there when this one runs out. */
    uint64_t wait_ms = (uint64_t)ttl_s * 900;
    host->due_ms = now_ms + (wait_ms < RETRY_MS ? RETRY_MS : wait_ms);
    if (same_addresses(host, &fresh))
        return false;
    memcpy(host->addresses, fresh.addresses, sizeof(host->addresses));
    host->count = fresh.count;
    return true;
}

static void plan_refresh(struct bootstrap *bootstrap)
{
    uint64_t now_ms = loop_now_ms(bootstrap->loop);
    uint64_t due_ms = UINT64_MAX;
    for (size_t i = 0; i < bootstrap->count; i++) {
        const struct host *host = bootstrap->hosts[i];
        if (!host->asking && host->due_ms < due_ms)
            due_ms = host->due_ms;
    }
    if (due_ms == UINT64_MAX || !bootstrap->can_ask)
        alarm_clear(bootstrap->refresh);
    else
        alarm_set(bootstrap->refresh, due_ms > now_ms ? due_ms - now_ms : 0);
}

static void on_addresses(void *arg, int status, int timeouts, struct ares_addrinfo *answer)
{
    struct host *host = arg;
    struct bootstrap *bootstrap = host->bootstrap;
    uint64_t now_ms = loop_now_ms(bootstrap->loop);
    bool changed = false;
    (void)timeouts;
    host->asking = false;
    host->due_ms = now_ms + RETRY_MS;
    if (status == ARES_SUCCESS && !host->dropped)
        changed = host_take(host, answer, now_ms);
    if (answer != NULL)
        ares_freeaddrinfo(answer);
    if (host->dropped) {
        host_free(host);
        return;
    }
    if (bootstrap->closing)
        return;
    plan_refresh(bootstrap);
    if (changed && bootstrap->on_change != NULL)
        bootstrap->on_change(bootstrap->owner, host->name, host->addresses, host->count);
}

static void host_ask(struct host *host)
{
    const struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_flags = ARES_AI_NOSORT};
    host->asking = true;
    ares_getaddrinfo(host->bootstrap->channel, host->name, NULL, &hints, on_addresses, host);
}

/* Asks for one host that is due; false when none is. One at a time: an answer may come from inside the
 * call (the hosts file), and its owner may then set other hosts. */
static bool ask_one(struct bootstrap *bootstrap, uint64_t now_ms)
{
    for (size_t i = 0; i < bootstrap->count; i++) {
        struct host *host = bootstrap->hosts[i];
        if (host->asking || host->due_ms > now_ms)
            continue;
        host_ask(host);
        return true;
    }
    return false;
}

static void on_refresh(void *owner)
{
    struct bootstrap *bootstrap = owner;
    while (ask_one(bootstrap, loop_now_ms(bootstrap->loop))) {}
    plan_timeout(bootstrap);
    plan_refresh(bootstrap);
}

static void host_drop(struct host *host)
{
    host->dropped = true;
    if (!host->asking)
        host_free(host);
}

static struct host *host_new(struct bootstrap *bootstrap, const char *name)
{
    struct host *host = calloc(1, sizeof(*host));
    CHECK(host != NULL);
    host->bootstrap = bootstrap;
    host->name = strdup(name);
    CHECK(host->name != NULL);
    return host;
}

static struct host *host_find(struct host *const *hosts, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (hosts[i] != NULL && strcmp(hosts[i]->name, name) == 0)
            return hosts[i];
    }
    return NULL;
}

static bool is_named(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

static void drop_unnamed(struct bootstrap *bootstrap, const char *const *names, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < bootstrap->count; i++) {
        struct host *host = bootstrap->hosts[i];
        if (is_named(names, count, host->name))
            bootstrap->hosts[kept++] = host;
        else
            host_drop(host);
    }
    bootstrap->count = kept;
}

void bootstrap_set_hosts(struct bootstrap *bootstrap, const char *const *hosts, size_t count)
{
    drop_unnamed(bootstrap, hosts, count);
    for (size_t i = 0; i < count; i++) {
        if (host_find(bootstrap->hosts, bootstrap->count, hosts[i]) != NULL)
            continue;
        if (bootstrap->count == BOOTSTRAP_HOSTS_MAX) {
            LOG_WARN("bootstrap.full", LOG_TEXT("host", hosts[i]));
            continue;
        }
        bootstrap->hosts[bootstrap->count++] = host_new(bootstrap, hosts[i]);
    }
    if (count > 0 && !bootstrap->can_ask)
        LOG_WARN("bootstrap.no_servers", LOG_TEXT("file", SYSTEM_FILE));
    plan_refresh(bootstrap);
}

size_t bootstrap_addresses(const struct bootstrap *bootstrap, const char *host, struct addr *out,
                           size_t cap)
{
    const struct host *known = host_find(bootstrap->hosts, bootstrap->count, host);
    size_t count = known == NULL ? 0 : known->count;
    count = count < cap ? count : cap;
    if (count > 0)
        memcpy(out, known->addresses, count * sizeof(*out));
    return count;
}

/* --- life --- */

/* c-ares's own cache would keep answers past our refreshes; it came on by default with 1.31. One source
 * port for ever is its other default (RFC 5452 section 9.2); the option came with 1.20. */
#if ARES_VERSION >= 0x011f00
static int set_newer_options(struct ares_options *options)
{
    options->udp_max_queries = QUERIES_A_SOCKET;
    options->qcache_max_ttl = 0;
    return ARES_OPT_UDP_MAX_QUERIES | ARES_OPT_QUERY_CACHE;
}
#elif ARES_VERSION >= 0x011400
static int set_newer_options(struct ares_options *options)
{
    options->udp_max_queries = QUERIES_A_SOCKET;
    return ARES_OPT_UDP_MAX_QUERIES;
}
#else
static int set_newer_options(struct ares_options *options)
{
    (void)options;
    return 0;
}
#endif

static void open_channel(struct bootstrap *bootstrap)
{
    struct ares_options options = {.flags = ARES_FLAG_NOSEARCH,
                                   .timeout = QUERY_TIMEOUT_MS,
                                   .tries = QUERY_TRIES,
                                   .sock_state_cb = on_socket_state,
                                   .sock_state_cb_data = bootstrap};
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
    mask |= set_newer_options(&options);
    CHECK(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS);
    CHECK(ares_init_options(&bootstrap->channel, &options, mask) == ARES_SUCCESS);
}

/* "1.2.3.4:53,[::1]:53"; false when there is none. */
static bool set_servers(struct bootstrap *bootstrap, const struct addr *servers, size_t count)
{
    char text[RESOLV_CONF_SERVERS_MAX * ADDR_TEXT_MAX] = "";
    size_t len = 0;
    for (size_t i = 0; i < count && i < RESOLV_CONF_SERVERS_MAX; i++) {
        /* c-ares before 1.24 reads no scopes. */
        if (servers[i].sa.sa_family == AF_INET6 && servers[i].v6.sin6_scope_id != 0)
            continue;
        if (len > 0)
            text[len++] = ',';
        addr_format(&servers[i], text + len);
        len += strlen(text + len);
    }
    return len > 0 && ares_set_servers_ports_csv(bootstrap->channel, text) == ARES_SUCCESS;
}

struct bootstrap *bootstrap_new_asking(struct loop *loop, const struct addr *servers,
                                       size_t server_count, bootstrap_on_change on_change,
                                       void *owner)
{
    struct bootstrap *bootstrap = calloc(1, sizeof(*bootstrap));
    CHECK(bootstrap != NULL && loop_native(loop) != NULL);
    bootstrap->loop = loop;
    bootstrap->on_change = on_change;
    bootstrap->owner = owner;
    list_init(&bootstrap->watchers);
    bootstrap->timeout = alarm_new(loop, on_timeout, bootstrap);
    bootstrap->refresh = alarm_new(loop, on_refresh, bootstrap);
    open_channel(bootstrap);
    bootstrap->can_ask = set_servers(bootstrap, servers, server_count);
    return bootstrap;
}

struct bootstrap *bootstrap_new(struct loop *loop, const struct addr *skip, size_t skip_count,
                                bootstrap_on_change on_change, void *owner)
{
    struct addr servers[RESOLV_CONF_SERVERS_MAX];
    size_t count = 0;
    size_t kept = 0;
    size_t left_out = 0;
    (void)resolv_conf_read(SYSTEM_FILE, servers, &count, &left_out);
    for (size_t i = 0; i < count; i++) {
        if (!resolv_conf_is_own(&servers[i], skip, skip_count))
            servers[kept++] = servers[i];
    }
    return bootstrap_new_asking(loop, servers, kept, on_change, owner);
}

void bootstrap_free(struct bootstrap *bootstrap)
{
    if (bootstrap == NULL)
        return;
    bootstrap->closing = true;
    ares_destroy(bootstrap->channel);
    ares_library_cleanup();
    for (size_t i = 0; i < bootstrap->count; i++)
        host_free(bootstrap->hosts[i]);
    alarm_free(bootstrap->timeout);
    alarm_free(bootstrap->refresh);
    free(bootstrap);
}
