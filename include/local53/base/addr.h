/* addr: an IP address with a port, both families in one small value. */
#ifndef LOCAL53_BASE_ADDR_H
#define LOCAL53_BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "local53/base/err.h"

/* Room for the longest text form, "[v6%scope]:port" with its terminator. */
#define ADDR_TEXT_MAX 80

struct addr {
    union {
        struct sockaddr sa;     /* family; what system calls take */
        struct sockaddr_in v4;  /* family AF_INET */
        struct sockaddr_in6 v6; /* family AF_INET6 */
    };
};

/* Reads "1.2.3.4", "1.2.3.4:53", "::1", "[::1]" or "[::1]:53", a v6 scope ("%eth0") allowed;
 * default_port (0..65535) where none is written. ERR_INVALID for anything else. */
enum err addr_parse(struct addr *out, const char *text, uint16_t default_port);

/* Reads a port, 0 to 65535: decimal digits and nothing else. */
bool addr_parse_port(uint16_t *out, const char *text);

/* An address from its raw octets: len 4 or 16, network order. Other lengths: CHECK. */
struct addr addr_from_octets(const uint8_t *octets, size_t len, uint16_t port);

/* Writes the text form, "1.2.3.4:53" or "[::1]:53"; without the port when it is 0.
 * out has ADDR_TEXT_MAX octets; gives out. */
const char *addr_format(const struct addr *addr, char *out);

/* Same family, address, scope and port. */
bool addr_equal(const struct addr *a, const struct addr *b);

/* Same family and address; ports and scopes do not count. */
bool addr_same_host(const struct addr *a, const struct addr *b);

/* Length of the sockaddr for system calls. */
socklen_t addr_len(const struct addr *addr);

/* Port in host order, and the same address with another port. */
uint16_t addr_port(const struct addr *addr);
struct addr addr_with_port(struct addr addr, uint16_t port);

/* The address octets (4 or 16) as a view into addr; *len gets 4 or 16. */
const uint8_t *addr_octets(const struct addr *addr, size_t *len);

/* True for 127/8, ::1 and v4-mapped 127/8. */
bool addr_is_loopback(const struct addr *addr);

/* True for 0.0.0.0 and ::. */
bool addr_is_any(const struct addr *addr);

#endif
