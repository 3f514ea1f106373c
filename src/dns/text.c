/* text: presentation form of names, types and rcodes; the door to ldns.
 * Owns: nothing that stays; what ldns allocates is freed before a call ends.
 * Thread: any; no state. Allocates, so never on the path of a packet.
 * Bounds: TEXT_NAME_MAX and TEXT_TYPE_MAX octets of text.
 * Fails: ERR_INVALID or ERR_TOO_LONG for text of others; out of memory is fatal. */
#include "local53/dns/text.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "local53/base/check.h"

/* "TYPE" followed by a number names a type without a mnemonic (RFC 3597 section 5). */
#define NUMBERED_PREFIX "TYPE"

/* IANA "DNS RCODEs" by number; those without a name are numbered. */
static const char *const RCODES[] = {
    "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",  "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
    "NXRRSET", "NOTAUTH", "NOTZONE",  "DSOTYPENI", "RCODE12", "RCODE13", "RCODE14",  "RCODE15",
    "BADVERS", "BADKEY",  "BADTIME",  "BADMODE",   "BADNAME", "BADALG",  "BADTRUNC", "BADCOOKIE",
};

enum err text_read_wire(uint8_t *out, size_t *len, const char *text)
{
    ldns_rdf *rdf = NULL;
    ldns_status status = ldns_str2rdf_dname(&rdf, text);

    CHECK(status != LDNS_STATUS_MEM_ERR);
    if (status == LDNS_STATUS_DOMAINNAME_OVERFLOW)
        return ERR_TOO_LONG;
    if (status != LDNS_STATUS_OK)
        return ERR_INVALID;
    *len = ldns_rdf_size(rdf);
    if (*len <= NAME_MAX_OCTETS)
        memcpy(out, ldns_rdf_data(rdf), *len);
    ldns_rdf_deep_free(rdf);
    return *len <= NAME_MAX_OCTETS ? ERR_OK : ERR_TOO_LONG;
}

enum err text_read_name(struct name *out, const char *text)
{
    uint8_t wire[NAME_MAX_OCTETS];
    size_t len;
    enum err err = text_read_wire(wire, &len, text);

    if (err == ERR_OK)
        err = name_from_wire(out, wire, len);
    return err == ERR_OK || err == ERR_TOO_LONG ? err : ERR_INVALID;
}

const char *text_write_wire(struct bytes wire, char *out)
{
    ldns_rdf *rdf = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, wire.len, wire.data);
    char *text;
    size_t len;

    CHECK(rdf != NULL);
    text = ldns_rdf2str(rdf);
    CHECK(text != NULL);
    len = strlen(text);
    CHECK(len > 0 && len <= TEXT_NAME_MAX);
    if (len > 1)
        len--;
    memcpy(out, text, len);
    out[len] = '\0';
    free(text);
    ldns_rdf_deep_free(rdf);
    return out;
}

const char *text_write_name(const struct name *name, char *out)
{
    return text_write_wire((struct bytes){name->wire, name->len}, out);
}

/* The number behind TYPE: decimal digits only, 1..65535; 0 when it is none. */
static unsigned long numbered_type(const char *digits)
{
    char *end = NULL;
    unsigned long number;

    if (digits[0] < '0' || digits[0] > '9')
        return 0;
    number = strtoul(digits, &end, 10);
    return *end == '\0' && number <= UINT16_MAX ? number : 0;
}

enum err text_read_type(uint16_t *out, const char *text)
{
    const size_t prefix_len = strlen(NUMBERED_PREFIX);
    unsigned long type;

    if (strncasecmp(text, NUMBERED_PREFIX, prefix_len) == 0)
        type = numbered_type(text + prefix_len);
    else
        type = (unsigned long)ldns_get_rr_type_by_name(text);
    if (type == 0)
        return ERR_INVALID;
    *out = (uint16_t)type;
    return ERR_OK;
}

const char *text_write_type(uint16_t type, char *out)
{
    char *text = ldns_rr_type2str((ldns_rr_type)type);

    CHECK(text != NULL);
    snprintf(out, TEXT_TYPE_MAX, "%s", text);
    /* ldns 1.8.4 writes some mnemonics that it reads as another type (WALLET as TXT). */
    if (ldns_get_rr_type_by_name(out) != (ldns_rr_type)type)
        snprintf(out, TEXT_TYPE_MAX, "TYPE%u", type);
    free(text);
    return out;
}

/* True when all of RDATA is in the record's fields, and there is some. */
static bool has_all(const ldns_rr *rr, size_t rdata_len)
{
    size_t len = 0;

    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++)
        len += ldns_rdf_size(ldns_rr_rdf(rr, i));
    return len == rdata_len && len > 0;
}

/* A record of the root with this RDATA; NULL when it is none of the type. */
static ldns_rr *read_rdata(uint16_t type, struct bytes rdata)
{
    static const size_t front = 11; /* owner, type, class, TTL, length of RDATA */
    uint8_t *wire = calloc(1, front + rdata.len);
    ldns_rr *rr = NULL;
    size_t at = 0;

    CHECK(wire != NULL && rdata.len <= UINT16_MAX);
    bytes_put_u16(wire + 1, type);
    bytes_put_u16(wire + 3, LDNS_RR_CLASS_IN);
    bytes_put_u16(wire + 9, (uint16_t)rdata.len);
    if (rdata.len > 0)
        memcpy(wire + front, rdata.data, rdata.len);
    if (ldns_wire2rr(&rr, wire, front + rdata.len, &at, LDNS_SECTION_ANSWER) != LDNS_STATUS_OK)
        rr = NULL;
    free(wire);
    return rr;
}

static void write_generic(struct bytes rdata, char *out, size_t cap)
{
    size_t used = (size_t)snprintf(out, cap, "\\# %zu%s", rdata.len, rdata.len > 0 ? " " : "");

    for (size_t i = 0; i < rdata.len && used < cap; i++)
        used += (size_t)snprintf(out + used, cap - used, "%02x", rdata.data[i]);
}

static void write_fields(const ldns_rr *rr, char *out, size_t cap)
{
    size_t used = 0;

    for (size_t i = 0; i < ldns_rr_rd_count(rr) && used < cap; i++) {
        char *text = ldns_rdf2str(ldns_rr_rdf(rr, i));

        CHECK(text != NULL);
        used += (size_t)snprintf(out + used, cap - used, "%s%s", i > 0 ? " " : "", text);
        free(text);
    }
}

const char *text_write_rdata(uint16_t type, struct bytes rdata, char *out, size_t cap)
{
    ldns_rr *rr = read_rdata(type, rdata);

    if (rr != NULL && has_all(rr, rdata.len))
        write_fields(rr, out, cap);
    else
        write_generic(rdata, out, cap);
    ldns_rr_free(rr);
    return out;
}

const char *text_rcode(unsigned rcode)
{
    return rcode < sizeof(RCODES) / sizeof(RCODES[0]) ? RCODES[rcode] : "RCODE";
}
