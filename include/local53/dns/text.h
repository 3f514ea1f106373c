/* text: presentation form, for configuration, logs and the command line; the door to ldns, never
 * on the path of a packet. */
#ifndef LOCAL53_DNS_TEXT_H
#define LOCAL53_DNS_TEXT_H

#include "local53/base/bytes.h"
#include "local53/base/err.h"
#include "local53/dns/name.h"

#define TEXT_NAME_MAX                                                                              \
    1024                 /* longest presentation form of a name with escapes, terminator included */
#define TEXT_TYPE_MAX 16 /* "TYPE65535" and the mnemonics, terminator included */

/* Reads "a.b.c", with or without the last dot, RFC 1035 section 5.1 escapes allowed, folded.
 * ERR_INVALID (empty label, bad escape, label over 63) or ERR_TOO_LONG. */
enum err text_read_name(struct name *out, const char *text);

/* As text_read_name, but keeps the case: writes the uncompressed wire form to out (255 octets of room)
 * and its length to *len. */
enum err text_read_wire(uint8_t *out, size_t *len, const char *text);

/* Writes a name without its last dot (root is "."), non-printable octets escaped; out has
 * TEXT_NAME_MAX octets; gives out. */
const char *text_write_name(const struct name *name, char *out);

/* As text_write_name, from an uncompressed wire form known to be well-formed, case kept. */
const char *text_write_wire(struct bytes wire, char *out);

/* The number of a type mnemonic ("A", "https", "TYPE65"); ERR_INVALID when unknown. */
enum err text_read_type(uint16_t *out, const char *text);

/* Writes the mnemonic of a type, or TYPEn; out has TEXT_TYPE_MAX octets; gives out. */
const char *text_write_type(uint16_t type, char *out);

/* Writes the RDATA of a record (class IN, names uncompressed) as a master file has it, the generic form of RFC 3597
 * section 5 for what is no RDATA of the type; cut at cap octets, terminator included; gives out. */
const char *text_write_rdata(uint16_t type, struct bytes rdata, char *out, size_t cap);

/* Mnemonic of an rcode ("NOERROR", "RCODE12"), "RCODE" for those above 23; static storage. */
const char *text_rcode(unsigned rcode);

#endif
