/* zones: the private zones of a configuration made ready for questions: records rendered once, at load, and
 * one index over the names of all zones. Names are looked up as RFC 1034 section 4.3.2 and RFC 4592 say: a
 * wildcard stands for names below its parent that do not exist, empty non-terminals exist. Immutable once
 * built, shared by all threads. */
#ifndef LOCAL53_RULES_ZONES_H
#define LOCAL53_RULES_ZONES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/bytes.h"
#include "local53/config/config.h"
#include "local53/config/report.h"
#include "local53/dns/name.h"

/* No endpoint: the node is no alias. */
#define ZONES_NO_ALIAS UINT32_MAX

/* The records of one name and type (RFC 2181 section 5). records: rendered one behind the other, each its
 * owner as the pointer 0xc00c (the question's name), type, class IN, TTL, RDATA with its names uncompressed. */
struct zone_rrset {
    uint16_t type;             /* never SOA's, which the zone has */
    uint16_t count;            /* records */
    uint32_t ttl_s;            /* of all of them: the least; at most RR_TTL_MAX */
    struct bytes records;      /* rendered, as above */
    const struct name *target; /* CNAME: where it leads, folded; else NULL */
};

/* A name of a zone, or what stands for a zone's names that do not exist. */
struct zone_node {
    uint32_t zone;  /* index of its zone */
    bool exists;    /* false: NXDOMAIN */
    uint32_t alias; /* index of the ruleset's endpoint whose addresses it has, or ZONES_NO_ALIAS */
    const struct zone_rrset *rrsets; /* by type, ascending; none for an empty non-terminal */
    size_t rrset_count;              /* items of rrsets */
};

/* What a zone's negative answers say. fallthrough: names it does not have are forwarded: no node of it has
 * exists == false, and its empty non-terminals (and an apex without records or SOA) are not found either. */
struct zone_apex {
    struct name name; /* owner of the SOA */
    struct bytes soa; /* RDATA of the SOA, as written; empty: none in the file, ours is said */
    uint32_t
        soa_ttl_s; /* of the SOA itself, to those who ask for it; that of negative answers without one */
    uint32_t negative_ttl_s; /* min(TTL of the SOA, MINIMUM), RFC 2308 section 5; 60 without one */
    bool fallthrough;        /* as above */
};

struct zones;

/* Reads the master files and builds the index; the caller frees it. first_alias: the number the first alias, in
 * file order of zones and aliases, has among the ruleset's endpoints; the next ones follow. A zone is cut by each
 * more specific one of the configuration, private or forward, as by a delegation: names at and below it are that
 * one's, names between exist. NULL when the configuration has no zone, or with errors in the report: a file that
 * cannot be read or is wrong (its own line), a record outside its zone, an SOA elsewhere than at the apex or twice, a
 * DNAME, a CNAME at the apex or beside other data (RFC 1034 section 3.6.2; DNSSEC types aside), more records of a type
 * than an answer has room for, an alias outside its zone or at a name with a CNAME or addresses, a zone twice, a zone
 * with neither file nor aliases. Warnings: what is left out: records at or below a more specific zone, NS below the apex
 * (a delegation is ignored: the names are the zone's own), classes other than IN. */
struct zones *zones_new(const struct config *config, uint32_t first_alias, struct report *report);

/* Accepts NULL. */
void zones_free(struct zones *zones);

/* The node that stands for a name: its own, a wildcard's, or the one of names that do not exist. NULL when the
 * name is in no zone, or falls through. *number (may be NULL) gets the node's number, for zones_node. */
const struct zone_node *zones_find(const struct zones *zones, const struct name *name,
                                   uint32_t *number);

/* The node of a number; numbers are 0..zones_node_count-1, in no order that means anything. */
const struct zone_node *zones_node(const struct zones *zones, uint32_t number);

/* How many nodes there are. */
size_t zones_node_count(const struct zones *zones);

/* How a node is written in the configuration and its files: its name, true in *below for a wildcard's. False for
 * the nodes of names that do not exist. For words and comparisons. */
bool zones_node_name(const struct zones *zones, uint32_t number, struct name *name, bool *below);

/* The records of a node of one type, or NULL. */
const struct zone_rrset *zones_rrset(const struct zone_node *node, uint16_t type);

/* The zone of an index, in file order of the configuration. */
const struct zone_apex *zones_apex(const struct zones *zones, uint32_t zone);

/* How many zones there are. */
size_t zones_count(const struct zones *zones);

/* A file the zones were read from, included ones too, each once: from the configuration's folder or absolute. */
const char *zones_file(const struct zones *zones, size_t i);

/* How many files there are. */
size_t zones_file_count(const struct zones *zones);

#endif
