/* import_endpoints: what the rooms of import_vpc_endpoints share: rows are read (import_row), those of one VPC picked
 * (vpcs), their names and addresses found (names), it is judged which are taken (judge), and all is written (write). */
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

/* Room for the VPCs of a file in words. */
#define IMPORT_VPCS_MAX 352

/* A VPC that endpoints of the file are in. */
struct import_vpc {
    const char *id; /* borrowed from a row */
    size_t rows;    /* endpoints in it */
};

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
    struct import_vpc *vpcs;             /* in the arena, of the whole file, in its order */
    size_t vpc_count;                    /* items of vpcs */
    size_t elsewhere;                    /* rows that were in other VPCs than the one asked for */
    bool is_contested; /* endpoints of two VPCs have the same name; set by import_judge */
    size_t taken;      /* rows that are taken; set by import_judge */
    bool is_part;      /* the file has a NextToken: there are more endpoints */
};

/* Lists the VPCs of the rows. */
void import_count_vpcs(struct import *import);

/* Keeps the rows of from->vpc, all when it is NULL. False when none of the file's is in it. */
bool import_pick_vpc(struct import *import);

/* "12 in vpc-0a, 3 in vpc-0b" without the one excepted (NULL: all of them). */
void import_vpcs_text(const struct import *import, const char *except, char out[IMPORT_VPCS_MAX]);

/* Finds the names a row stands for, the region they are in, and its addresses. */
void import_find_names(const struct import *import, struct import_row *row, struct arena *arena);
void import_find_addresses(const struct import *import, struct import_row *row,
                           struct arena *arena);

/* True for a gateway endpoint, unless the file tells that it does not work. */
bool import_is_gateway_in_use(const struct import_row *row);

/* Decides what becomes of each row; calls the two above. */
void import_judge(struct import *import);

/* Writes the configuration. */
void import_write(FILE *out, const struct import *import);

#endif
