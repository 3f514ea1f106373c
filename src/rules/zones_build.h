/* zones_build: what zones are made of, and the way from records to nodes. Used while zones are built. */
#ifndef LOCAL53_RULES_ZONES_BUILD_H
#define LOCAL53_RULES_ZONES_BUILD_H

#include "local53/base/arena.h"
#include "local53/rules/names.h"
#include "local53/rules/zones.h"

/* Values of the index: numbers of nodes, and this for names that no zone answers for. */
#define ZONES_ELSEWHERE NAMES_VALUE_MAX

#define ZONES_NO_NODE UINT32_MAX

/* Where a node stands among the names. */
struct zone_place {
    struct bytes key; /* in the arena; of the node's name */
    bool named;       /* false: it stands for names that do not exist */
    uint32_t wild;    /* the node of its child "*", or ZONES_NO_NODE */
};

struct zones {
    struct arena arena;       /* owned; all but what is owned beside it */
    struct zone_apex *apexes; /* by zone */
    uint32_t *none; /* by zone: the node of names that do not exist; fallthrough: NO_NODE */
    size_t count;   /* zones */
    struct zone_node *nodes;   /* owned; by number */
    struct zone_place *places; /* owned; by number */
    size_t node_count;         /* nodes */
    const char **files;        /* owned; texts in the arena; what was read */
    size_t file_count;         /* items of files */
    struct names *index;       /* owned; names of nodes, and below each what stands for the rest */
};

/* A record or an alias on its way into a node, or that a name exists. */
struct draft {
    struct bytes
        key; /* in the arena; the labels from the right, so that a name stands behind its parent */
    uint16_t type;           /* 0: no record */
    uint32_t ttl_s;          /* of the record, capped */
    struct bytes rdata;      /* in the arena */
    uint32_t alias;          /* of an alias, else ZONES_NO_ALIAS */
    const char *file;        /* in the arena; where the record stands */
    unsigned line;           /* as above */
    struct config_mark mark; /* where to tell of it: the alias, or the key of the file */
};

/* All drafts of one zone. */
struct drafts {
    struct draft *items; /* owned */
    size_t count;        /* items in use */
    size_t cap;          /* items there is room for */
};

/* The key of a name, in the arena. */
struct bytes zones_key(struct arena *arena, const struct name *name);

/* The name of a key. */
void zones_name_of_key(struct name *out, struct bytes key);

/* The name an alias stands at in its zone; false when "*." in front makes it too long. */
bool zones_alias_owner(struct name *out, const struct config_name *alias);

/* Adds a draft. */
void drafts_add(struct drafts *drafts, const struct draft *draft);

/* Reads the file and the aliases of a zone: what belongs to it is added to drafts. cuts: which zone, or which
 * pool behind them, a name belongs to. What is wrong or left out is in the report. */
struct zones_source {
    const struct config *config; /* borrowed */
    const struct names *cuts;    /* borrowed; values: zones, then pools */
    uint32_t first_alias;        /* of the zone at hand: number of its first alias's endpoint */
    struct report *report;       /* borrowed */
};
void zones_read(const struct zones_source *source, struct zones *zones, uint32_t zone,
                struct drafts *drafts);

/* Makes nodes of a zone's drafts, which it sorts; the first must be of the apex. What is wrong is in the report. */
void zones_build(struct zones *zones, uint32_t zone, struct drafts *drafts, struct report *report);

/* Makes the index of all nodes. forward: zones inside, whose names are forwarded. */
void zones_index(struct zones *zones, const struct name *const *forward, size_t forward_count);

#endif
