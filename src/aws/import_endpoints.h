/* import_endpoints: what the rooms of import_vpc_endpoints share: rows are read (import_row), their names and addresses
 * found (names), it is judged which are taken (judge), and all is written (write). */
#ifndef LOCAL53_AWS_IMPORT_ENDPOINTS_H
#define LOCAL53_AWS_IMPORT_ENDPOINTS_H

#include <stdio.h>

#include "import_row.h"
#include "import_table.h"
#include "local53/aws/import.h"

/* Rows of one file; a VPC has 50 interface endpoints unless AWS raises that (AWS PrivateLink guide, "Quotas"). */
#define IMPORT_ROWS_MAX 10000

/* Endpoints of one configuration. */
#define IMPORT_TAKEN_MAX 1000

/* An import under way. */
struct import {
    const struct import_endpoints *from; /* borrowed; what was asked for */
    struct arena arena;                  /* owned; what rows point at beside the documents */
    struct json_doc *endpoints;          /* owned; of from->endpoints */
    struct json_doc *services;           /* owned; of from->services, or NULL */
    struct json_doc *interfaces;         /* owned; of from->interfaces, or NULL */
    struct import_table service_table;   /* ServiceDetails by ServiceName; may be empty */
    struct import_table interface_table; /* NetworkInterfaces by NetworkInterfaceId; may be empty */
    struct import_row *rows;             /* in the arena, in file order */
    size_t count;                        /* items of rows */
    size_t taken;                        /* rows that are taken; set by import_judge */
    bool is_part;                        /* the file has a NextToken: there are more endpoints */
};

/* Finds the names a row stands for, the region they are in, and its addresses. */
void import_find_names(const struct import *import, struct import_row *row, struct arena *arena);
void import_find_addresses(const struct import *import, struct import_row *row,
                           struct arena *arena);

/* Decides what becomes of each row; calls the two above. */
void import_judge(struct import *import);

/* Writes the configuration. */
void import_write(FILE *out, const struct import *import);

#endif
