/* pool: collects addresses from all kinds of sources into one list. Owns nothing; reads files and the
 * environment, so at start and reload only. Bounds: POOL_SERVERS_MAX addresses. Fails: what could not be
 * used is told as text, and the rest is used. */
#include "local53/upstream/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resolv_conf.h"

#define DNS_PORT 53

/* One pool being filled. */
struct filling {
    struct pool *pool;                /* borrowed */
    const struct pool_source *source; /* borrowed */
    char *problem;                    /* borrowed; text so far */
    size_t cap;                       /* octets at problem */
    bool full;                        /* an address was left out, and that was told */
    bool skipped_own;                 /* one of ours was among them */
};

/* Adds one problem to the text: "subject: what; subject: what". */
static void tell(struct filling *filling, const char *subject, const char *what)
{
    size_t len = filling->cap > 0 ? strlen(filling->problem) : 0;
    if (len + 1 < filling->cap)
        snprintf(filling->problem + len, filling->cap - len, "%s%s: %s", len > 0 ? "; " : "",
                 subject, what);
}

static void add(struct filling *filling, const struct addr *addr)
{
    struct pool *pool = filling->pool;
    if (resolv_conf_is_own(addr, filling->source->own, filling->source->own_count)) {
        filling->skipped_own = true;
        return;
    }
    for (size_t i = 0; i < pool->count; i++) {
        if (addr_equal(&pool->servers[i], addr))
            return;
    }
    if (pool->count < POOL_SERVERS_MAX) {
        pool->servers[pool->count++] = *addr;
        return;
    }
    if (!filling->full)
        tell(filling, "servers", "more than can be used; the first are");
    filling->full = true;
}

static void add_resolv_conf(struct filling *filling, const struct config_server *server)
{
    struct addr found[RESOLV_CONF_SERVERS_MAX];
    size_t count = 0;
    size_t left_out = 0;
    enum err err = resolv_conf_read(server->text, found, &count, &left_out);
    if (err != ERR_OK)
        tell(filling, server->text, err_text(err));
    else if (count == 0)
        tell(filling, server->text, "no nameserver in it");
    if (left_out > 0)
        tell(filling, server->text, "some nameserver lines are not used");
    for (size_t i = 0; i < count; i++)
        add(filling, &found[i]);
}

/* The addresses in text, separated by blanks or commas; text is cut up. */
static void add_list(struct filling *filling, const struct config_server *server, char *text)
{
    uint16_t port = server->port != 0 ? server->port : DNS_PORT;
    char *rest = NULL;
    for (char *word = strtok_r(text, ", \t\r\n", &rest); word != NULL;
         word = strtok_r(NULL, ", \t\r\n", &rest)) {
        struct addr addr;
        if (addr_parse(&addr, word, port) == ERR_OK)
            add(filling, &addr);
        else
            tell(filling, server->text, "not only addresses in this variable");
    }
}

static void add_environment(struct filling *filling, const struct config_server *server)
{
    const char *value = getenv(server->text);
    char *copy = value != NULL ? strdup(value) : NULL;
    if (copy == NULL || copy[strspn(copy, ", \t\r\n")] == '\0')
        tell(filling, server->text, copy == NULL ? "variable not set" : "variable empty");
    else
        add_list(filling, server, copy);
    free(copy);
}

static void add_host(struct filling *filling, const struct config_server *server)
{
    struct addr found[BOOTSTRAP_ADDRESSES_MAX];
    size_t count = 0;
    if (filling->source->bootstrap != NULL)
        count = bootstrap_addresses(filling->source->bootstrap, server->text, found,
                                    BOOTSTRAP_ADDRESSES_MAX);
    if (count == 0)
        tell(filling, server->text, "no address known yet");
    for (size_t i = 0; i < count; i++) {
        struct addr addr = addr_with_port(found[i], server->port != 0 ? server->port : DNS_PORT);
        add(filling, &addr);
    }
}

bool pool_resolve(struct pool *pool, const struct pool_source *source, char *problem, size_t cap)
{
    struct filling filling = {.pool = pool, .source = source, .problem = problem, .cap = cap};
    pool->count = 0;
    if (cap > 0)
        problem[0] = '\0';
    for (size_t i = 0; i < source->server_count; i++) {
        const struct config_server *server = &source->servers[i];
        switch (server->kind) {
        case CONFIG_SERVER_ADDRESS: add(&filling, &server->addr); break;
        case CONFIG_SERVER_RESOLV_CONF: add_resolv_conf(&filling, server); break;
        case CONFIG_SERVER_ENV: add_environment(&filling, server); break;
        case CONFIG_SERVER_HOST: add_host(&filling, server); break;
        }
    }
    return pool->count > 0 || !filling.skipped_own;
}
