/* addr: addresses from text and octets, and back. Pure but for looking up the name of a scope's
 * interface; any thread. Bounds: ADDR_TEXT_MAX. */
#include "local53/base/addr.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "local53/base/check.h"

/* A decimal number of 1..max_digits digits, nothing else around it. */
static bool parse_decimal(const char *text, size_t max_digits, uint64_t *out)
{
    size_t len = strlen(text);

    if (len == 0 || len > max_digits || strspn(text, "0123456789") != len)
        return false;
    *out = 0;
    for (size_t i = 0; i < len; i++)
        *out = *out * 10 + (uint64_t)(text[i] - '0');
    return true;
}

bool addr_parse_port(uint16_t *out, const char *text)
{
    uint64_t number;

    if (!parse_decimal(text, 5, &number) || number > UINT16_MAX)
        return false;
    *out = (uint16_t)number;
    return true;
}

/* The name or the number of an interface (RFC 4007 section 11). */
static bool parse_scope(const char *text, uint32_t *scope)
{
    uint64_t number;

    if (parse_decimal(text, 10, &number)) {
        *scope = (uint32_t)number;
        return number > 0 && number <= UINT32_MAX;
    }
    *scope = if_nametoindex(text);
    return *scope != 0;
}

/* "::1" or "fe80::1%eth0"; text is cut at the scope. */
static bool parse_v6(struct addr *out, char *text)
{
    char *percent = strchr(text, '%');

    out->v6.sin6_family = AF_INET6;
    if (percent != NULL) {
        *percent = '\0';
        if (!parse_scope(percent + 1, &out->v6.sin6_scope_id))
            return false;
    }
    return inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1;
}

static bool parse_v4(struct addr *out, const char *text)
{
    out->v4.sin_family = AF_INET;
    return inet_pton(AF_INET, text, &out->v4.sin_addr) == 1;
}

/* Splits "host:port" and "[host]:port" in place: *port gets the text behind the colon, or NULL;
 * gives the host, or NULL when brackets do not match. */
static char *split_port(char *text, char **port)
{
    char *colon = strchr(text, ':');
    char *close;

    *port = NULL;
    if (text[0] == '[') {
        close = strchr(text, ']');
        if (close == NULL || (close[1] != '\0' && close[1] != ':'))
            return NULL;
        *port = close[1] == ':' ? close + 2 : NULL;
        *close = '\0';
        return text + 1;
    }
    if (colon != NULL && strchr(colon + 1, ':') == NULL) {
        *colon = '\0';
        *port = colon + 1;
    }
    return text;
}

enum err addr_parse(struct addr *out, const char *text, uint16_t default_port)
{
    char copy[ADDR_TEXT_MAX];
    size_t len = strlen(text);
    uint16_t port = default_port;
    char *port_text;
    char *host;
    bool is_v6;

    memset(out, 0, sizeof(*out));
    if (len >= sizeof(copy))
        return ERR_INVALID;
    memcpy(copy, text, len + 1);
    host = split_port(copy, &port_text);
    if (host == NULL || (port_text != NULL && !addr_parse_port(&port, port_text)))
        return ERR_INVALID;
    is_v6 = host != copy || strchr(host, ':') != NULL;
    if (!(is_v6 ? parse_v6(out, host) : parse_v4(out, host)))
        return ERR_INVALID;
    *out = addr_with_port(*out, port);
    return ERR_OK;
}

struct addr addr_from_octets(const uint8_t *octets, size_t len, uint16_t port)
{
    struct addr addr;

    CHECK(len == 4 || len == 16);
    memset(&addr, 0, sizeof(addr));
    if (len == 4) {
        addr.v4.sin_family = AF_INET;
        memcpy(&addr.v4.sin_addr, octets, len);
    } else {
        addr.v6.sin6_family = AF_INET6;
        memcpy(&addr.v6.sin6_addr, octets, len);
    }
    return addr_with_port(addr, port);
}

const char *addr_format(const struct addr *addr, char *out)
{
    char host[INET6_ADDRSTRLEN];
    char scope[sizeof("%4294967295")] = "";
    char port[sizeof(":65535")] = "";
    bool bracketed = addr->sa.sa_family == AF_INET6 && addr_port(addr) != 0;
    size_t len;

    CHECK(inet_ntop(addr->sa.sa_family, addr_octets(addr, &len), host, sizeof(host)) != NULL);
    if (addr->sa.sa_family == AF_INET6 && addr->v6.sin6_scope_id != 0)
        snprintf(scope, sizeof(scope), "%%%u", (unsigned)addr->v6.sin6_scope_id);
    if (addr_port(addr) != 0)
        snprintf(port, sizeof(port), ":%u", (unsigned)addr_port(addr));
    snprintf(out, ADDR_TEXT_MAX, "%s%s%s%s%s", bracketed ? "[" : "", host, scope,
             bracketed ? "]" : "", port);
    return out;
}

bool addr_same_host(const struct addr *a, const struct addr *b)
{
    size_t a_len;
    size_t b_len;
    const uint8_t *a_octets = addr_octets(a, &a_len);
    const uint8_t *b_octets = addr_octets(b, &b_len);

    return a_len == b_len && memcmp(a_octets, b_octets, a_len) == 0;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
    return addr_same_host(a, b) && addr_port(a) == addr_port(b) &&
           (a->sa.sa_family == AF_INET || a->v6.sin6_scope_id == b->v6.sin6_scope_id);
}

socklen_t addr_len(const struct addr *addr)
{
    return addr->sa.sa_family == AF_INET ? sizeof(addr->v4) : sizeof(addr->v6);
}

/* The two families keep the port at the same place; asking both says it without relying on it. */
uint16_t addr_port(const struct addr *addr)
{
    return ntohs(addr->sa.sa_family == AF_INET ? addr->v4.sin_port : addr->v6.sin6_port);
}

struct addr addr_with_port(struct addr addr, uint16_t port)
{
    if (addr.sa.sa_family == AF_INET)
        addr.v4.sin_port = htons(port);
    else
        addr.v6.sin6_port = htons(port);
    return addr;
}

const uint8_t *addr_octets(const struct addr *addr, size_t *len)
{
    if (addr->sa.sa_family == AF_INET) {
        *len = sizeof(addr->v4.sin_addr);
        return (const uint8_t *)&addr->v4.sin_addr;
    }
    CHECK(addr->sa.sa_family == AF_INET6);
    *len = sizeof(addr->v6.sin6_addr);
    return addr->v6.sin6_addr.s6_addr;
}

bool addr_is_loopback(const struct addr *addr)
{
    size_t len;
    const uint8_t *octets = addr_octets(addr, &len);

    if (len == 4)
        return octets[0] == 127;
    return IN6_IS_ADDR_LOOPBACK(&addr->v6.sin6_addr) ||
           (IN6_IS_ADDR_V4MAPPED(&addr->v6.sin6_addr) && octets[12] == 127);
}

bool addr_is_any(const struct addr *addr)
{
    static const uint8_t zeros[16];
    size_t len;
    const uint8_t *octets = addr_octets(addr, &len);

    return memcmp(octets, zeros, len) == 0;
}
