/* import_route53: what the rooms of import_route53 share. Record sets are read (read), of each name and type those
 * are chosen that count (choose), aliases are followed (follow), names become endpoints, aliases or records (divide),
 * and all is written (write). Everything lives in the arena of a struct r53 or in its document. */
#ifndef LOCAL53_AWS_IMPORT_ROUTE53_H
#define LOCAL53_AWS_IMPORT_ROUTE53_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "json.h"
#include "local53/aws/import.h"
#include "local53/base/arena.h"
#include "local53/dns/name.h"
#include "local53/dns/text.h"

/* Record sets of one file; a zone has 10,000 unless AWS raises that (Route 53 Developer Guide, "Quotas"). */
#define R53_SETS_MAX 100000

/* Values of one record; 400 unless AWS raises that. */
#define R53_VALUES_MAX 1000

/* No leader. */
#define R53_NONE SIZE_MAX

/* Octets of a value as a master file has it; readers of master files take lines of about 10,000. */
#define R53_VALUE_MAX 8000

/* How Route 53 chooses among the sets of one name and type (Developer Guide, "Choosing a routing policy"). */
enum r53_policy {
    R53_SIMPLE,
    R53_WEIGHTED,
    R53_LATENCY,
    R53_FAILOVER,
    R53_GEOLOCATION,
    R53_GEOPROXIMITY,
    R53_MULTIVALUE,
    R53_CIDR
};

/* Something that is to be told beside what is written: one line of printable ASCII. */
struct r53_note {
    const char *text;      /* in the arena */
    struct r53_note *next; /* in the arena; NULL for the last */
};

struct r53_notes {
    struct r53_note *first; /* NULL when there is none */
    struct r53_note *last;  /* where the next one is appended */
};

/* One item of ResourceRecordSets (Route 53 API, "ResourceRecordSet"). */
struct r53_set {
    size_t index;           /* in the list */
    struct name owner;      /* "*" in front as a label */
    uint16_t type;          /* DNS type */
    enum r53_policy policy; /* how it is chosen */
    long long weight;       /* R53_WEIGHTED */
    bool leads;             /* PRIMARY, or the default location */
    bool kept;              /* it counts; the others are told in a note */
    bool checks_health;     /* it has a health check of its own, or its target's counts */
    const char *label;      /* region, or set identifier; printable ASCII; NULL: neither */
    uint32_t ttl_s;         /* of the values */
    const char **values;    /* as a master file has them; none for an alias */
    size_t value_count;     /* items of values */
    struct name *alias;     /* where it leads; NULL for values */
};

/* What one name and type has in the end: values, or targets, or it is left out. */
struct r53_rrset {
    struct r53_set *sets;       /* the sets of that name and type, in file order; at least one */
    size_t count;               /* items of sets */
    const char **values;        /* each once */
    size_t value_count;         /* items of values */
    const struct name **target; /* names outside the zone whose addresses it has, each once */
    size_t target_count;        /* items of target */
    uint32_t ttl_s;             /* the least of the values' */
    bool open;                  /* its aliases are being followed */
    bool done;                  /* they were */
    size_t endpoint;            /* leader of the endpoint that has its name; R53_NONE: none has */
    bool left_out;              /* it has no equivalent, which does no harm; the notes tell */
    struct r53_notes notes;     /* what is different from Route 53 */
};

/* A name with the addresses of other names. */
struct r53_alias {
    const struct r53_rrset *rrset; /* of A, else AAAA: owner and targets */
    const struct r53_rrset *other; /* of AAAA, when both are there; the same targets */
    bool alone;                    /* the zone has no other record at that name */
    bool vpce;         /* all targets are VPC endpoints, and its name may be an endpoint's */
    bool endpoint;     /* it becomes an endpoint's name; else an alias of the zone */
    size_t leader;     /* index of the first set with the same targets */
    size_t taken_from; /* leader of another endpoint, whose wildcard has that name too; R53_NONE */
};

/* One import. */
struct r53 {
    const struct import_route53 *from; /* borrowed */
    struct arena arena;                /* owned */
    struct json_doc *doc;              /* owned */
    struct json_at list;               /* ResourceRecordSets */
    struct name zone;                  /* its apex */
    struct r53_set *sets;              /* by owner, type and index */
    size_t set_count;                  /* items of sets */
    struct r53_rrset *rrsets;          /* by owner and type */
    size_t rrset_count;                /* items of rrsets */
    struct r53_alias *aliases; /* those with the same targets together, else in file order */
    size_t alias_count;        /* items of aliases */
    size_t record_count;       /* records beside SOA and NS of the apex */
    bool has_zone;             /* there is more than aliases to VPC endpoints */
};

/* Refuses the file because of a record: its place, owner and type go in front. */
__attribute__((format(printf, 3, 4))) void r53_refuse(struct r53 *r, const struct r53_set *set,
                                                      const char *format, ...);

/* Appends a note; what is not printable ASCII becomes "?": YAML has line breaks beyond ASCII. */
__attribute__((format(printf, 3, 4))) void r53_note(struct r53 *r, struct r53_notes *notes,
                                                    const char *format, ...);

/* Copies text in that way. */
const char *r53_printable(struct r53 *r, const char *text);

/* Reads a name as the API writes it, octal escapes and all (Developer Guide, "DNS domain name format"). */
enum err r53_read_name(struct name *out, const char *text);

/* Writes the value of a record as a master file has it: octal escapes become decimal (RFC 1035 section 5.1), and nothing
 * of it can end the line. ERR_INVALID or ERR_TOO_LONG. */
enum err r53_write_value(char *out, size_t cap, const char *text);

/* A name for a master file, without the final dot: whatever is no letter, digit, "-" or "_" is escaped; out has
 * TEXT_NAME_MAX octets; gives out. */
const char *r53_write_name(const struct name *name, char *out);

/* True for names that a configuration takes as names or targets of endpoints: "*" in front allowed. */
bool r53_is_host(const struct name *name);

/* True when the name's first label is "*". */
bool r53_is_wildcard(const struct name *name);

/* Orders by owner and type, as sets and rrsets stand. */
int r53_compare(const struct name *owner_a, uint16_t type_a, const struct name *owner_b,
                uint16_t type_b);

/* Reads all sets, finds the zone and sorts them into rrsets. */
void r53_read(struct r53 *r);

/* Decides which sets of an rrset count. */
void r53_choose(struct r53 *r, struct r53_rrset *rrset);

/* The rrset of an owner and type, or NULL. */
struct r53_rrset *r53_find(const struct r53 *r, const struct name *owner, uint16_t type);

/* Follows the aliases of all rrsets. */
void r53_follow(struct r53 *r);

/* Which names are aliases, which of them endpoints, and whether there is a zone beside them. */
void r53_divide(struct r53 *r);

/* True for records that go to the master file. */
bool r53_is_record(const struct r53_rrset *rrset);

/* True for the SOA and NS records that each zone of Route 53 has. */
bool r53_is_apex_own(const struct r53 *r, const struct r53_rrset *rrset);

/* The configuration, and all records as a master file. */
void r53_write_yaml(struct r53 *r, FILE *out);
void r53_write_master(struct r53 *r, FILE *out);

#endif
