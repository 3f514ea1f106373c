/* host: names, addresses and servers as a configuration writes them, from text and back. Readers and
 * writers as in value.h. Pure, but for the interface a v6 scope names
 * and the environment. */
#ifndef LOCAL53_CONFIG_HOST_H
#define LOCAL53_CONFIG_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "local53/base/addr.h"
#include "local53/base/arena.h"
#include "local53/config/config.h"
#include "local53/config/value.h"
#include "local53/dns/name.h"

/* A host name or "*." and one: letters, digits, - and _; not the root, not an address. The mark is
 * left alone. */
bool host_read_name(struct config_name *out, const char *text, struct value_fault *fault);

/* A host name, or "." for the root; no "*.". */
bool host_read_zone(struct name *out, const char *text, struct value_fault *fault);

/* An address with a port, default_port where none is written. A fault for port 0. Of "env:NAME" and
 * "env:NAME:PORT" the address that the environment variable has now; a fault where it has none. */
bool host_read_address(struct addr *out, const char *text, uint16_t default_port,
                       struct value_fault *fault);

/* An address without a port (0); no wildcard address. */
bool host_read_bare_address(struct addr *out, const char *text, struct value_fault *fault);

/* A server: an address, "resolv.conf:/FILE", "env:VARIABLE" or a host name, with ":port" allowed but
 * for files. Texts are copied into the arena; the mark is left alone. */
bool host_read_server(struct config_server *out, const char *text, struct arena *arena,
                      struct value_fault *fault);

/* Writers: out has VALUE_TEXT_MAX octets; they give out. */
const char *host_write_name(const struct config_name *name, char *out);
const char *host_write_server(const struct config_server *server, char *out);

#endif
