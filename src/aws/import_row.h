/* import_row: one endpoint of DescribeVpcEndpoints (EC2 API, type VpcEndpoint) as read, and what becomes of it. Any
 * field may be missing. Everything lives in the caller's arena or in the document. */
#ifndef LOCAL53_AWS_IMPORT_ROW_H
#define LOCAL53_AWS_IMPORT_ROW_H

#include <stdbool.h>
#include <stddef.h>

#include "json.h"
#include "local53/aws/catalogue.h"
#include "local53/base/addr.h"
#include "local53/base/arena.h"

/* Most names an endpoint is given; an AWS service has at most CATALOGUE_NAMES_MAX, another's one. */
#define IMPORT_NAMES_MAX 64

/* Most addresses an endpoint is given: what the configuration takes. */
#define IMPORT_ADDRESSES_MAX 32

/* Most notes an endpoint is given; further ones are dropped. */
#define IMPORT_NOTES_MAX 12

enum import_fate {
    IMPORT_TAKEN,   /* an endpoint of the configuration */
    IMPORT_OFFERED, /* the same, commented out: a reader may decide otherwise */
    IMPORT_LEFT_OUT /* a comment with the reason */
};

/* Names without their doubles. */
struct import_names {
    struct catalogue_name
        *items;   /* in the arena, room for IMPORT_NAMES_MAX; NULL when count is 0 */
    size_t count; /* items of it */
};

/* An address of a network interface. */
struct import_address {
    struct addr addr; /* port 0 */
    const char *zone; /* "eu-west-1a"; "" when not told */
};

struct import_row {
    const char *id;                      /* "vpce-..."; where it stands when it has none */
    const char *title;                   /* value of its tag Name, or "" */
    const char *type;                    /* "Interface", ...; "" when not told */
    const char *vpc;                     /* "vpc-..."; "a VPC" when not told */
    const char *service_name;            /* "com.amazonaws.eu-west-1.sts"; "" when not told */
    const char *state;                   /* any case; "" when not told */
    const char *record_type;             /* DnsRecordIpType; "" when not told */
    bool is_dualstack;                   /* IpAddressType */
    bool private_dns;                    /* its VPC resolves its names by itself, nodes' too */
    const struct catalogue_row *service; /* NULL: no row of the catalogue */
    char region[PARTITION_REGION_MAX];   /* of the service; "" when it has none or is not told */
    bool has_target;                     /* target is filled */
    struct catalogue_name target;        /* regional name of the endpoint, as DnsEntries has it */
    struct import_names entries;         /* its other names in DnsEntries: private DNS names */
    struct json_at interfaces;           /* NetworkInterfaceIds */

    enum import_fate fate;               /* decided */
    const char *why;                     /* the reason when it is not taken */
    const char *notes[IMPORT_NOTES_MAX]; /* comments on it */
    size_t note_count;                   /* items of notes */
    bool optional;                       /* the node does not wait for it */
    struct import_names of_service;      /* names that `service: X` stands for; none: not written */
    struct import_names listed;          /* names that are listed */
    struct import_address *addresses; /* of its interfaces, in the arena; NULL when none are told */
    size_t address_count;             /* items of addresses */
};

/* Reads an item of VpcEndpoints. Problems are told in the document. */
void import_row_read(struct import_row *row, const struct json_at *at, struct arena *arena);

/* Takes a name unless it is there already or there is no room. */
void import_names_add(struct import_names *names, const struct catalogue_name *name,
                      struct arena *arena);

/* True when it is one of them, or below one of the wildcards. */
bool import_names_cover(const struct import_names *names, const struct catalogue_name *name);

/* printf-like; a comment on the endpoint. */
void import_row_note(struct import_row *row, struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* printf-like; the endpoint is not taken. The first reason stays. */
void import_row_refuse(struct import_row *row, enum import_fate fate, struct arena *arena,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
