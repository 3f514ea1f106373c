/* host: domain names, addresses and servers of the configuration, and why one is not taken.
 * Owns: nothing; texts of servers go into the caller's arena. Thread: any; no state.
 * Bounds: VALUE_TEXT_MAX, and those of names and addresses.
 * Fails: false with a sentence for the author of the file. */
#include "local53/config/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/dns/text.h"

#define DNS_PORT 53

/* Quoted parts of what was found are cut to this. */
#define FOUND "%.80s"

/* Longest text of a server, in octets: any host name, and any path in sensible use. */
#define SERVER_TEXT_MAX 1024

/* Longest name of an environment variable and its port, in octets. */
#define VARIABLE_TEXT_MAX 256

#define WILDCARD "*."
#define RESOLV_CONF "resolv.conf:"
#define ENV "env:"

/* Characters of names we take: host names (RFC 1123 section 2.1) and the underscore of service names
 * (RFC 8552). Names with others exist in DNS but not as endpoints or zones. */
static const char NAME_CHARACTERS[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

static bool looks_like_address(const char *text)
{
    struct addr addr;

    return strspn(text, "0123456789.") == strlen(text) || addr_parse(&addr, text, 0) == ERR_OK;
}

/* Why a text with other characters is no name, in the words of its most likely meaning. */
static bool refuse_characters(const char *text, struct value_fault *fault)
{
    if (strstr(text, "://") != NULL)
        return value_refuse(fault, "\"" FOUND "\" is a URL; write its host name only", text);
    if (strchr(text, '*') != NULL)
        return value_refuse(fault,
                            "\"" FOUND "\": * stands only at the beginning, before a dot: "
                            "\"*.example.com\"",
                            text);
    if (strchr(text, ':') != NULL)
        return value_refuse(fault, "\"" FOUND "\" is not a domain name; names have no port", text);
    return value_refuse(fault,
                        "\"" FOUND
                        "\" is not a domain name; names have letters, digits, \"-\", \"_\" "
                        "and dots",
                        text);
}

/* A name of at least one label. */
static bool read_plain_name(struct name *out, const char *text, struct value_fault *fault)
{
    enum err err;

    if (text[0] == '\0')
        return value_refuse(fault, "a domain name is missing");
    if (strcmp(text, ".") == 0)
        return value_refuse(fault, "\".\" is the root; write a domain name");
    if (looks_like_address(text))
        return value_refuse(fault, "\"" FOUND "\" is an address; a domain name is wanted here",
                            text);
    if (strspn(text, NAME_CHARACTERS) != strlen(text))
        return refuse_characters(text, fault);
    err = text_read_name(out, text);
    if (err == ERR_TOO_LONG)
        return value_refuse(fault, "\"" FOUND "\" is longer than 255 octets", text);
    if (err != ERR_OK)
        return value_refuse(fault,
                            "\"" FOUND
                            "\" is not a domain name; there is nothing between two dots, or "
                            "more than 63 characters",
                            text);
    return true;
}

bool host_read_name(struct config_name *out, const char *text, struct value_fault *fault)
{
    out->below = strncmp(text, WILDCARD, strlen(WILDCARD)) == 0;
    if (strcmp(text, "*") == 0 || strcmp(text, WILDCARD) == 0)
        return value_refuse(fault, "\"" FOUND "\" would be every name; write \"*.example.com\"",
                            text);
    return read_plain_name(&out->name, out->below ? text + strlen(WILDCARD) : text, fault);
}

bool host_read_zone(struct name *out, const char *text, struct value_fault *fault)
{
    if (strcmp(text, ".") == 0) {
        name_root(out);
        return true;
    }
    if (strncmp(text, WILDCARD, strlen(WILDCARD)) == 0)
        return value_refuse(fault,
                            "\"" FOUND "\": a zone always holds all names below; write " FOUND,
                            text, text + strlen(WILDCARD));
    return read_plain_name(out, text, fault);
}

/* Cuts a ":port" off a copy of a text. False when what stands behind the last colon is no port. */
static bool cut_port(char *text, uint16_t default_port, uint16_t *port)
{
    char *colon = strrchr(text, ':');

    *port = default_port;
    if (colon == NULL)
        return true;
    *colon = '\0';
    return addr_parse_port(port, colon + 1) && *port != 0;
}

/* POSIX.1-2017 XBD 8.1: letters, digits and underscores, no digit first. */
static bool is_variable_name(const char *text)
{
    static const char digits[] = "0123456789";
    static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

    return *text != '\0' && strchr(digits, *text) == NULL && strspn(text, all) == strlen(text);
}

/* "env:NAME" or "env:NAME:PORT": the one address that the variable has now. */
static bool read_env_address(struct addr *out, const char *text, uint16_t default_port,
                             struct value_fault *fault)
{
    char variable[VARIABLE_TEXT_MAX];
    uint16_t port;
    int len = snprintf(variable, sizeof(variable), "%s", text + strlen(ENV));

    if (len < 0 || (size_t)len >= sizeof(variable) || !cut_port(variable, default_port, &port) ||
        !is_variable_name(variable))
        return value_refuse(fault,
                            "\"" FOUND
                            "\" names no environment variable; write one like env:POD_IP "
                            "or env:POD_IP:1053",
                            text);
    const char *value = getenv(variable);
    if (value == NULL || *value == '\0')
        return value_refuse(fault, "\"" FOUND "\": there is no %s in the environment", text,
                            variable);
    if (addr_parse(out, value, 0) != ERR_OK || addr_port(out) != 0)
        return value_refuse(fault, "\"" FOUND "\": %s is \"" FOUND "\", which is no address", text,
                            variable, value);
    *out = addr_with_port(*out, port);
    return true;
}

bool host_read_address(struct addr *out, const char *text, uint16_t default_port,
                       struct value_fault *fault)
{
    if (strncmp(text, ENV, strlen(ENV)) == 0)
        return read_env_address(out, text, default_port, fault);
    if (addr_parse(out, text, default_port) != ERR_OK)
        return value_refuse(fault,
                            "\"" FOUND "\" is not an address; write one like 169.254.20.10, "
                            "127.0.0.1:5353 or \"[::1]:5353\"",
                            text);
    if (addr_port(out) == 0)
        return value_refuse(fault, "\"" FOUND "\": port 0 is none; write 1 to 65535, or no port",
                            text);
    return true;
}

bool host_read_bare_address(struct addr *out, const char *text, struct value_fault *fault)
{
    struct addr other;

    if (addr_parse(out, text, 0) != ERR_OK || addr_parse(&other, text, 1) != ERR_OK)
        return value_refuse(fault, "\"" FOUND "\" is not an address; write one like 10.40.1.15",
                            text);
    if (addr_port(out) == addr_port(&other))
        return value_refuse(fault, "\"" FOUND "\" has a port; DNS answers have addresses only",
                            text);
    if (addr_is_any(out))
        return value_refuse(fault, "\"" FOUND "\" is no host's address", text);
    return true;
}

static bool read_resolv_conf(struct config_server *out, const char *file, struct arena *arena,
                             struct value_fault *fault)
{
    if (file[0] != '/')
        return value_refuse(fault,
                            "\"" RESOLV_CONF FOUND "\" needs an absolute path: "
                            "\"resolv.conf:/etc/resolv.conf\"",
                            file);
    out->kind = CONFIG_SERVER_RESOLV_CONF;
    out->text = arena_copy_text(arena, file);
    return true;
}

static bool read_env(struct config_server *out, const char *text, struct arena *arena,
                     struct value_fault *fault)
{
    char *variable = arena_copy_text(arena, text + strlen(ENV));

    if (!cut_port(variable, DNS_PORT, &out->port) || !is_variable_name(variable))
        return value_refuse(fault,
                            "\"" FOUND "\" names no environment variable; write one like "
                            "env:KUBE_DNS_UPSTREAM_SERVICE_HOST",
                            text);
    out->kind = CONFIG_SERVER_ENV;
    out->text = variable;
    return true;
}

/* A host name to be resolved; what looks like a slip in another form is refused. */
static bool read_host(struct config_server *out, const char *text, struct arena *arena,
                      struct value_fault *fault)
{
    char *host = arena_copy_text(arena, text);
    struct name name;

    if (text[0] == '/' || strcmp(text, "resolv.conf") == 0)
        return value_refuse(fault, "\"" FOUND "\" looks like a file; write resolv.conf:%.80s", text,
                            text[0] == '/' ? text : "/etc/resolv.conf");
    if (!cut_port(host, DNS_PORT, &out->port) || looks_like_address(host) ||
        strspn(host, NAME_CHARACTERS) != strlen(host) || !read_plain_name(&name, host, fault))
        return value_refuse(fault,
                            "\"" FOUND "\" is not a server; write an address, resolv.conf:/FILE, "
                            "env:VARIABLE or a host name",
                            text);
    out->kind = CONFIG_SERVER_HOST;
    out->text = host;
    return true;
}

bool host_read_server(struct config_server *out, const char *text, struct arena *arena,
                      struct value_fault *fault)
{
    struct config_mark mark = out->mark;

    *out = (struct config_server){.mark = mark, .port = DNS_PORT};
    if (strlen(text) > SERVER_TEXT_MAX || !value_is_printable(text))
        return value_refuse(fault, "a server is printable ASCII text of at most %d octets",
                            SERVER_TEXT_MAX);
    if (strncmp(text, RESOLV_CONF, strlen(RESOLV_CONF)) == 0)
        return read_resolv_conf(out, text + strlen(RESOLV_CONF), arena, fault);
    if (strncmp(text, ENV, strlen(ENV)) == 0)
        return read_env(out, text, arena, fault);
    if (addr_parse(&out->addr, text, DNS_PORT) != ERR_OK)
        return read_host(out, text, arena, fault);
    out->kind = CONFIG_SERVER_ADDRESS;
    out->text = arena_copy_text(arena, text);
    out->port = addr_port(&out->addr);
    if (addr_is_any(&out->addr))
        return value_refuse(fault, "\"" FOUND "\" is no server's address", text);
    return host_read_address(&out->addr, text, DNS_PORT, fault);
}

const char *host_write_name(const struct config_name *name, char *out)
{
    text_write_name(&name->name, name->below ? stpcpy(out, WILDCARD) : out);
    return out;
}

const char *host_write_server(const struct config_server *server, char *out)
{
    char port[8] = "";

    if (server->port != DNS_PORT)
        snprintf(port, sizeof(port), ":%u", (unsigned)server->port);
    switch (server->kind) {
    case CONFIG_SERVER_ADDRESS: addr_format(&server->addr, out); break;
    case CONFIG_SERVER_RESOLV_CONF:
        snprintf(out, VALUE_TEXT_MAX, RESOLV_CONF "%s", server->text);
        break;
    case CONFIG_SERVER_ENV: snprintf(out, VALUE_TEXT_MAX, ENV "%s%s", server->text, port); break;
    case CONFIG_SERVER_HOST: snprintf(out, VALUE_TEXT_MAX, "%s%s", server->text, port); break;
    }
    return out;
}
