/* yaml: a YAML document as a tree with the place of every node; the door to libyaml. Anchors,
 * aliases, tags and several documents are refused: a configuration is read by people. Depth at most
 * YAML_DEPTH_MAX, YAML_TEXT_MAX octets of text, YAML_NODES_MAX nodes, YAML_KEYS_MAX keys a mapping. */
#ifndef LOCAL53_CONFIG_YAML_H
#define LOCAL53_CONFIG_YAML_H

#include "local53/base/arena.h"
#include "local53/config/report.h"

#define YAML_TEXT_MAX ((size_t)16 << 20)
#define YAML_NODES_MAX 1000000
#define YAML_KEYS_MAX 256
#define YAML_DEPTH_MAX 16

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_kind kind;         /* what it is */
    struct config_mark mark;     /* its first character */
    const char *key;             /* when it is a map's value: its key, else NULL */
    struct config_mark key_mark; /* where the key stands */
    const char *text;            /* scalar: its text */
    bool quoted;                 /* scalar: written in quotes */
    struct yaml_node *first;     /* list and map: first child, in file order */
    struct yaml_node *next;      /* next sibling */
};

/* Parses UTF-8 text into nodes in the arena; NULL with one error in the report when it is not YAML that
 * we take (a key twice in one map included). An empty document gives an empty map. */
struct yaml_node *yaml_parse(struct arena *arena, const char *text, size_t len,
                             struct report *report);

#endif
